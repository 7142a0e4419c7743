"""Collectives with gradients: over one process each gives back what it was given, as a new tensor.

They need an initialised group, as in PyTorch: RuntimeError or ValueError says so otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import Tensor

from .. import ReduceOp, _check

__all__ = [
    "all_gather",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "broadcast",
    "gather",
    "reduce",
    "reduce_scatter",
    "scatter",
]


def all_gather(tensor: Tensor, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes: its own."""
    _check()
    return (tensor.clone(),)


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The tensors of all processes joined: its own.

    >>> import rushlight as torch
    >>> import rushlight.distributed.nn
    >>> torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.distributed.nn.all_reduce(x).sum().backward()
    >>> x.grad
    tensor([1., 1.])
    >>> torch.distributed.destroy_process_group()
    """
    _check()
    return tensor.clone()


def all_to_all(
    output_tensor_list: Sequence[Tensor], input_tensor_list: Sequence[Tensor], group: Any = None
) -> tuple[Tensor, ...]:
    """A tensor from each process to each."""
    _check()
    return tuple([tensor.clone() for tensor in input_tensor_list])


def all_to_all_single(
    output: Tensor, input: Tensor, output_split_sizes: Any = None, input_split_sizes: Any = None, group: Any = None
) -> Tensor:
    """A part of a tensor from each process to each: the whole from itself, in the shape of ``output``."""
    _check()
    return input.clone().reshape(output.shape)


def broadcast(tensor: Tensor, src: int, group: Any = None) -> Tensor:
    """The tensor of one process: its own."""
    _check()
    return tensor.clone()


def gather(tensor: Tensor, dst: int = 0, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes, at one of them: its own."""
    return all_gather(tensor)


def reduce(tensor: Tensor, dst: int, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The tensors of all processes joined, at one of them: its own."""
    return all_reduce(tensor)


def reduce_scatter(output: Tensor, input_list: Sequence[Tensor], op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """Lists of tensors joined, and one to each process: the first."""
    _check()
    return input_list[0].clone()


def scatter(tensors: Sequence[Tensor], src: int = 0, group: Any = None) -> Tensor:
    """One tensor of a list to each process: the first."""
    _check()
    return tensors[0].clone()
