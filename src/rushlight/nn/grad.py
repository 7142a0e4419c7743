"""The gradients of convolutions as functions: with respect to the input, and to the weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rushlight as rl
from rushlight import Tensor

from . import functional as F

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _pull_back(conv: Any, input: Tensor, weight: Tensor, grad_output: Tensor, wanted: int, *how: Any) -> Tensor:
    """The gradient of the convolution at (input, weight) with respect to the ``wanted`` one.

    It does not depend on the values of that one, as the convolution is linear in it.
    """
    with rl.enable_grad():
        primals = [input.detach(), weight.detach()]
        primals[wanted].requires_grad_()
        output = conv(primals[0], primals[1], None, *how)
        (grad,) = rl.autograd.grad(output, primals[wanted], grad_output)
    return grad


def _input(conv: Any, input_size: Sequence[int], weight: Tensor, grad_output: Tensor, *how: Any) -> Tensor:
    return _pull_back(conv, grad_output.new_zeros(tuple(input_size)), weight, grad_output, 0, *how)


def _weight(conv: Any, input: Tensor, weight_size: Sequence[int], grad_output: Tensor, *how: Any) -> Tensor:
    return _pull_back(conv, input, grad_output.new_zeros(tuple(weight_size)), grad_output, 1, *how)


def conv1d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv1d`` with respect to its input, of size ``input_size``, from that of its
    output."""
    return _input(F.conv1d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv1d`` with respect to its weight, of size ``weight_size``, from that of its
    output."""
    return _weight(F.conv1d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv2d`` with respect to its input, of size ``input_size``, from that of its
    output."""
    return _input(F.conv2d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv2d`` with respect to its weight, of size ``weight_size``, from that of its
    output."""
    return _weight(F.conv2d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv3d`` with respect to its input, of size ``input_size``, from that of its
    output."""
    return _input(F.conv3d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv3d`` with respect to its weight, of size ``weight_size``, from that of its
    output."""
    return _weight(F.conv3d, input, weight_size, grad_output, stride, padding, dilation, groups)
