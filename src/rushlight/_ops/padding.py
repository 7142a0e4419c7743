"""Padding: pictures made larger (or smaller) at their edges.

A padded axis is a short list of stretches, each copied from a stretch of the original: forwards, backwards
(reflection) or one element over and over (replication). The transpose adds the stretches back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.declare import LEADING, LINEAR, operator
from .._core.tensor import Tensor
from .._kernels.formats import laid_as
from .fill import converted, tied
from .reduce import require_kernel

ndarray = np.ndarray
Stretch = tuple[slice, slice, bool]  # where to, where from, whether one element is spread


def constant_pad_rule(g: Any, pad: tuple[int, ...]) -> Any:
    return constant_pad(g, tuple([-p for p in pad]), 0)


@operator(batch=LEADING, node="ConstantPadNdBackward0", input=constant_pad_rule)
def constant_pad(input: Tensor, pad: tuple[int, ...], value: Any) -> Tensor:
    """``value`` around the last dimensions of ``input``; negative padding cuts off."""
    array: Any = input
    shape = list(array.shape)
    inner: list[slice] = [slice(None)] * array.ndim
    source: list[slice] = [slice(None)] * array.ndim
    for i in range(len(pad) // 2):
        before, after = pad[2 * i], pad[2 * i + 1]
        axis = array.ndim - 1 - i
        n = shape[axis]
        source[axis] = slice(max(0, -before), n - max(0, -after))
        shape[axis] = n + before + after
        inner[axis] = slice(max(0, before), shape[axis] - max(0, after))
    out = np.full(shape, converted(value, array.dtype), array.dtype) if value else np.zeros(shape, array.dtype)
    out[tuple(inner)] = array[tuple(source)]
    return laid_as(out, array) if array.ndim > 3 else out


def stretches(n: int, before: int, after: int, mode: str) -> list[Stretch]:
    """The stretches of an axis of ``n`` elements padded by ``before`` and ``after``."""
    out = n + before + after
    first, last = max(before, 0), min(out, before + n)
    found: list[Stretch] = [(slice(first, last), slice(first - before, last - before), False)]
    if before > 0:
        if mode == "reflect":
            found.append((slice(0, before), backwards(1, before), False))
        elif mode == "replicate":
            found.append((slice(0, before), slice(0, 1), True))
        else:
            found.append((slice(0, before), slice(n - before + min(after, 0), n + min(after, 0)), False))
    if after > 0:
        if mode == "reflect":
            found.append((slice(out - after, out), backwards(n - 1 - after, n - 2), False))
        elif mode == "replicate":
            found.append((slice(out - after, out), slice(n - 1, n), True))
        else:
            start = max(-before, 0)
            found.append((slice(out - after, out), slice(start, start + after), False))
    return found


def backwards(low: int, high: int) -> slice:
    """The elements from ``high`` down to ``low``."""
    return slice(high, low - 1 if low else None, -1)


def along(axis: int, where: slice) -> tuple[slice, ...]:
    """An index that takes ``where`` of one axis."""
    return (slice(None),) * axis + (where,)


def pad_axis(x: ndarray, axis: int, before: int, after: int, mode: str) -> ndarray:
    shape = list(x.shape)
    shape[axis] += before + after
    out = np.empty(shape, x.dtype)
    for there, here, _ in stretches(x.shape[axis], before, after, mode):
        out[along(axis, there)] = x[along(axis, here)]
    return out


def unpad_axis(g: ndarray, axis: int, before: int, after: int, mode: str) -> ndarray:
    """The transpose of :func:`pad_axis`."""
    shape = list(g.shape)
    shape[axis] -= before + after
    out = np.zeros(shape, g.dtype)
    for there, here, one in stretches(shape[axis], before, after, mode):
        part = g[along(axis, there)]
        out[along(axis, here)] += part.sum(axis, keepdims=True, dtype=g.dtype) if one else part
    return out


def _by_edges(name: str, node: str | None) -> tuple[Any, Any]:
    """Padding from the edges of the picture, and its transpose."""

    def grow(input: Tensor, pad: tuple[int, ...], edge: str) -> Tensor:
        array: Any = input
        for i in range(len(pad) // 2):
            if pad[2 * i] or pad[2 * i + 1]:
                array = pad_axis(array, array.ndim - 1 - i, pad[2 * i], pad[2 * i + 1], edge)
        if array is input:
            return array.copy()
        return laid_as(array, input) if array.ndim > 3 and edge != "circular" else array

    def shrink(input: Tensor, pad: tuple[int, ...], edge: str) -> Tensor:
        array: Any = input
        for i in range(len(pad) // 2):
            if pad[2 * i] or pad[2 * i + 1]:
                array = unpad_axis(array, array.ndim - 1 - i, pad[2 * i], pad[2 * i + 1], edge)
        return array if array is not input else array.copy()

    grow.__name__, shrink.__name__ = name, name + "_back"
    padded: Any = operator(
        jvp=LINEAR, batch=LEADING, node=node, input=lambda g, input, pad, edge: tied(added(g, pad, edge), None if edge == "circular" else input)
    )(grow)  # fmt: skip
    added: Any = operator(
        jvp=LINEAR, batch=LEADING, node=node and node.replace("Backward0", "BackwardBackward0"),
        input=lambda g, pad, edge: padded(g, pad, edge),
    )(shrink)  # fmt: skip
    return padded, added


_EDGES = {
    ("reflect", 1): _by_edges("reflection_pad1d", "ReflectionPad1DBackward0"),
    ("reflect", 2): _by_edges("reflection_pad2d", "ReflectionPad2DBackward0"),
    ("reflect", 3): _by_edges("reflection_pad3d", "ReflectionPad3DBackward0"),
    ("replicate", 1): _by_edges("replication_pad1d", "ReplicationPad1DBackward0"),
    ("replicate", 2): _by_edges("replication_pad2d", "ReplicationPad2DBackward0"),
    ("replicate", 3): _by_edges("replication_pad3d", "ReplicationPad3DBackward0"),
    ("circular", 0): _by_edges("circular_pad", "torch::autograd::CopySlices"),
}


def checked(pad: Sequence[int], ndim: int) -> tuple[int, ...]:
    sizes = tuple(pad)
    if len(sizes) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but got {len(sizes)} numbers")
    if len(sizes) > 2 * ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(sizes)} and input of dimension {ndim}"
        )
    return sizes


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: Any = 0) -> Tensor:
    """``value`` around ``input``: ``pad`` has two numbers, before and after, for each dimension from the last on.

    >>> import rushlight as torch
    >>> torch.constant_pad_nd(torch.tensor([1, 2]), (1, 0), 9)
    tensor([9, 1, 2])
    """
    sizes = checked(pad, input.ndim)
    for i in range(len(sizes) // 2):
        n, (before, after) = input.shape[-1 - i], sizes[2 * i : 2 * i + 2]
        if n + before + after < 0 or min(before, 0) + min(after, 0) < -n:
            raise RuntimeError(
                f"narrow(): length must be non-negative. The input size {n}, plus negative padding {before} and {after}, "
                "resulted in a negative output size"
            )
    return constant_pad(input, sizes, value)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """``input`` grown at its edges: ``pad`` has two numbers, before and after, for each dimension from the last on.

    ``mode`` is "constant" (``value``, 0 if not given), "reflect", "replicate" or "circular"; negative numbers cut off.

    >>> import rushlight as torch
    >>> torch.nn.functional.pad(torch.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    """
    sizes = checked(pad, input.ndim)
    if mode == "constant":
        return constant_pad_nd(input, sizes, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    dims = len(sizes) // 2
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if not 1 <= dims <= 3 or input.ndim not in (dims + 1, dims + 2):
        raise NotImplementedError(
            f"Padding size {len(sizes)} is not supported for {input.ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    for i in range(dims):
        check_edges(input, i, sizes[2 * i], sizes[2 * i + 1], mode)
    if mode != "circular":
        require_kernel(f"{'reflection' if mode == 'reflect' else 'replication'}_pad{dims}d", input, "b")
    return _EDGES[mode, 0 if mode == "circular" else dims][0](input, sizes, mode)


def check_edges(input: Any, i: int, before: int, after: int, mode: str) -> None:
    """Raise if an axis is too short for its padding."""
    n, axis = input.shape[-1 - i], input.ndim - 1 - i
    if mode == "reflect" and (before >= n or after >= n):
        raise RuntimeError(
            f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at dimension {axis} of input {list(input.shape)}"
        )
    if mode == "circular":
        if before > n or after > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if n + before + after < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
    elif n + before + after < 1 or n == 0:
        raise RuntimeError(
            f"input (size {n} at dimension {axis}) is too small: calculated output size {n + before + after}"
        )
