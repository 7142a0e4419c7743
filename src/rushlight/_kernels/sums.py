"""Sums, products and sums of squares of large contiguous arrays, several times as fast as ``reduce`` has them.

``reduce`` adds up one number after the other; rows of a block added to each other are vector instructions. No sum runs
over more than some hundred rows before it is joined pairwise, so rounding errors stay as small.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["of_half", "product", "squares", "total"]

Array = np.ndarray[Any, Any]
WIDTH, ROWS = 1024, 64  # a row, and how many are added to each other
LARGE = 2 * WIDTH * ROWS  # elements; smaller arrays are left to ``reduce``


def _flat(x: Array) -> Array | None:
    """The elements in a row where that takes no copy and pays, else None."""
    if x.size < LARGE or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return None
    return x.reshape(-1)


def total(x: Array) -> Any:
    """The sum of all elements, a number."""
    flat = _flat(x)
    if flat is None:
        return np.add.reduce(x, None)
    cut = x.size - x.size % (WIDTH * ROWS)
    sums = np.add.reduce(flat[:cut].reshape(-1, ROWS, WIDTH), 1)
    return np.add.reduce(sums, None) + np.add.reduce(flat[cut:])


def of_half(x: Array, gone: tuple[int, ...] | None, keepdim: bool) -> Any:
    """The sum of float16 numbers over the dimensions ``gone``, rounded once; NumPy's own is rounded at each row."""
    return np.asarray(np.add.reduce(x, gone, np.float32, keepdims=keepdim), x.dtype)  # type: ignore[call-overload]


def product(x: Array) -> Any:
    """The product of all elements, a number."""
    flat = _flat(x)
    if flat is None:
        return np.multiply.reduce(x, None)
    cut = x.size - x.size % WIDTH
    products = np.multiply.reduce(flat[:cut].reshape(-1, WIDTH), 0)
    return np.multiply.reduce(products) * np.multiply.reduce(flat[cut:])


def squares(x: Array, gone: tuple[int, ...] | None, keepdim: bool) -> Any:
    """The sum of the squares of real numbers over the dimensions ``gone`` (None: all)."""
    if gone is None or len(gone) == x.ndim:
        flat = _flat(x)
        if flat is not None:
            cut = x.size - x.size % WIDTH
            rows = flat[:cut].reshape(-1, WIDTH)
            made = np.add.reduce(np.vecdot(rows, rows)) + np.dot(flat[cut:], flat[cut:])
            return made.reshape((1,) * x.ndim) if keepdim else made
    elif x.size >= LARGE and x.dtype.char in "fd" and gone == tuple(range(x.ndim - len(gone), x.ndim)):
        lead = x.shape[: x.ndim - len(gone)]
        if len(gone) == 1 or x.flags.c_contiguous:
            rows = x.reshape(*lead, -1)
            if rows.shape[-1] <= WIDTH * ROWS:
                made = np.vecdot(rows, rows)
                return made.reshape(*lead, *(1,) * len(gone)) if keepdim else made
    add: Any = np.add
    return add.reduce(x * x, gone, None, None, keepdim)
