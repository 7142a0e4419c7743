"""Gradients scaled to a total norm, or cut off at a value, in place."""

from __future__ import annotations

import types
import warnings
from typing import Any

import numpy as np

import rushlight as rl
from rushlight import Tensor

from ..._core import callsite
from ..._core.memory import written
from ..._core.mode import CAREFUL, mode
from ..._kernels.pool_of_threads import spread

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _listed(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _plain_arrays(tensors: list[Any]) -> list[Any] | None:
    """The arrays of tensors that one loop over memory serves: plain, of one dtype, without gaps; else None."""
    if mode() & CAREFUL:
        return None
    arrays = []
    for t in tensors:
        if type(t) is not Tensor or t._node is not None or t._view is not None:
            return None
        array = t._array
        if type(array) is not np.ndarray or array.dtype.char not in "fd" or array.dtype is not tensors[0]._array.dtype:
            return None
        if not (array.flags.c_contiguous and array.flags.writeable):
            return None
        arrays.append(array)
    return arrays


def _gradients(parameters: Any) -> list[Any]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all ``tensors`` as if they were one vector.

    ``foreach`` chooses between implementations in PyTorch; there is one here, for both.

    >>> import rushlight as torch
    >>> torch.nn.utils.get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])])
    tensor(5.)
    """
    norm_type = float(norm_type)
    tensors = _listed(tensors)
    with rl.no_grad():
        arrays = _plain_arrays(tensors) if norm_type == 2.0 else None
        if arrays:
            flat = [a.reshape(-1) for a in arrays]
            norms = [rl.from_numpy(np.sqrt(np.array([np.dot(a, a) for a in flat], flat[0].dtype)))]
        else:
            norms = [rl.linalg.vector_norm(t, norm_type) for t in tensors]
        if not norms:
            return rl.tensor(0.0)
        total = rl.linalg.vector_norm(norms[0] if arrays else rl.stack(norms), norm_type)
        if error_if_nonfinite and not rl.isfinite(total):
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it "
                "cannot "
                "be clipped. To disable this error and scale the gradients by the non-finite norm anyway, "
                "set "
                "`error_if_nonfinite=False`"
            )
        return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale the gradients of ``parameters``, whose total norm is known, down to ``max_norm``."""
    with rl.no_grad():
        gradients = _gradients(parameters)
        if not gradients:
            return
        # No branch on the value: where nothing is to be clipped the factor is 1.
        factor = rl.clamp(float(max_norm) / (total_norm + 1e-6), max=1.0)
        if arrays := _plain_arrays(gradients):
            scale, site = factor._array, callsite.here()
            if scale.dtype is arrays[0].dtype and scale.ndim == 0:
                for array in arrays:
                    spread(np.multiply, array, array, scale)
                    written(array, "clip_grad_norm_", *site)
                return
        for gradient in gradients:
            gradient.mul_(factor)


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients of ``parameters`` so that their total norm is at most ``max_norm``; returns what it
    was.

    >>> import rushlight as torch
    >>> w = torch.zeros(2, requires_grad=True)
    >>> w.grad = torch.tensor([3.0, 4.0])
    >>> torch.nn.utils.clip_grad_norm_(w, 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    generated = isinstance(parameters, types.GeneratorType)
    parameters = _listed(parameters)
    if generated and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of :func:`clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Cut the gradients of ``parameters`` off at ``-clip_value`` and ``clip_value``.

    >>> import rushlight as torch
    >>> w = torch.zeros(2, requires_grad=True)
    >>> w.grad = torch.tensor([3.0, -0.5])
    >>> torch.nn.utils.clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    clip_value = float(clip_value)
    with rl.no_grad():
        for gradient in _gradients(parameters):
            gradient.clamp_(min=-clip_value, max=clip_value)
