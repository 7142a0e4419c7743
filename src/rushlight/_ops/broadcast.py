"""Spreading and its transpose, summing back: what every broadcast gradient needs.

``expand`` and ``sum_to`` are each other's transposes; ``fit`` is what edges apply to gradients of inputs that
were broadcast or cast; ``cast`` changes a dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import declare, dtypes, record
from .._core.declare import LINEAR, operator
from .._core.tensor import Tensor
from .._kernels import half, sums

_REAL = {np.dtype("c8"): np.dtype("f4"), np.dtype("c16"): np.dtype("f8")}


def spread(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``array`` repeated to fill ``shape`` without copying; a size that matches or 1 is required."""
    lead = len(shape) - array.ndim
    strides = (0,) * lead + tuple(
        [0 if n == 1 and m != 1 else s for n, m, s in zip(array.shape, shape[lead:], array.strides, strict=True)]
    )
    made = np.ndarray(shape, array.dtype, array, 0, strides) if array.flags.c_contiguous else None
    return made if made is not None else np.lib.stride_tricks.as_strided(array, shape, strides)  # writable


def expand_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any) -> Any:
    from .shape import reshape

    missing = len(shape) + 1 - input.ndim
    return expand(reshape(input, (size, *(1,) * missing, *input.shape[1:])), (size, *shape))


@operator(view=True, jvp=LINEAR, batch=expand_batch, input=lambda g, input_shape: sum_to(g, input_shape))
def expand(input: Tensor, size: Any) -> Tensor:
    """``input`` repeated, without copying, to fill the shape ``size``; the transpose of :func:`sum_to`.

    Dimensions of size 1 grow, new ones come in front, ``-1`` keeps a size. The result is a view.

    >>> import rushlight as torch
    >>> torch.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    have, want = input.shape, tuple(size)
    lead = len(want) - len(have)
    if lead < 0:
        raise RuntimeError(
            f"expand(torch.FloatTensor{{{list(have)}}}, size={list(want)}): the number of sizes provided ({len(want)}) "
            f"must be greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    full = []
    for i, n in enumerate(want):
        old = have[i - lead] if i >= lead else 1
        if n == -1 and i >= lead:
            n = old
        elif n < 0:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}"
            )
        if old != n and old != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton dimension "
                f"{i}.  Target sizes: {list(want)}.  Tensor sizes: {list(have)}"
            )
        full.append(n)
    return spread(input, tuple(full))  # type: ignore[arg-type, return-value]


def sum_to_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any) -> Any:
    from .shape import reshape

    lead = input.ndim - 1 - len(shape)
    return reshape(sum_to(input, (size, *(1,) * lead, *shape)), (size, *shape))


@operator(
    jvp=LINEAR, batch=sum_to_batch, node="SumToSizeBackward0", input=lambda g, input_shape: expand(g, input_shape)
)
def sum_to(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``input`` summed over what broadcasting would add to ``shape``; the transpose of :func:`expand`."""
    have = input.shape
    lead = len(have) - len(shape)
    axes = (*range(lead), *[i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1])
    if input.dtype.char == "e":  # type: ignore[attr-defined]
        return (sums.of_half(input, axes, True) if axes else input).reshape(shape)  # type: ignore[arg-type, no-any-return]
    kind = np.int64 if input.dtype.kind in "biu" else None  # type: ignore[attr-defined]
    out = np.add.reduce(input, axes, kind, None, True) if axes else input  # type: ignore[call-overload]
    return out.reshape(shape)  # type: ignore[no-any-return]


def cast_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dtype: Any, source: Any) -> Any:
    return cast_from(input, dtype, source)


@operator(jvp=LINEAR, batch=cast_batch, node="ToCopyBackward0", input=lambda g, source: cast_to(g, source))
def cast_from(input: Tensor, dtype: np.dtype, source: np.dtype) -> Tensor:
    """``input`` in another dtype (NumPy's); complex numbers lose their imaginary part on the way to real ones."""
    if input.dtype.kind == "c" and dtype.kind not in "cb":  # type: ignore[attr-defined]
        input = input.real  # type: ignore[attr-defined]
    if dtype.itemsize == 2 or source.itemsize == 2:
        return half.converted(input, dtype)
    return input.astype(dtype)  # type: ignore[attr-defined, no-any-return]


@operator(batch=lambda op, size, mapped, input, dtype: cast_off(input, dtype))
def cast_off(input: Tensor, dtype: np.dtype) -> Tensor:
    """``input`` in a dtype of integers or bool: a constant for all derivatives."""
    if input.dtype.kind == "c" and dtype.kind != "b":  # type: ignore[attr-defined]
        input = input.real  # type: ignore[attr-defined]
    return input.astype(dtype)  # type: ignore[attr-defined, no-any-return]


def cast_to(input: Any, dtype: np.dtype) -> Any:
    """``input`` in another dtype; itself if it has that already."""
    source = record.np_dtype(input)
    if source is dtype:
        return input
    return cast_from(input, dtype, source) if dtype.kind in "fc" else cast_off(input, dtype)


def cast(input: Any, dtype: Any) -> Any:
    """``input`` in a dtype of Rushlight's."""
    return cast_to(input, dtypes.to_numpy_dtype(dtype))


def fit(g: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """A gradient brought to the shape and dtype of the input that it belongs to."""
    if g.shape != shape:
        g = sum_to(g, shape)
    source = record.np_dtype(g)
    if source is not dtype:
        g = cast_from(g, dtype, source)
    return g


record.use_fit(fit)
declare.use_cast(cast)
