"""Running sums, products, maxima and log-sums along an axis.

Running sums of float32 are kept in float64 and rounded at each place, as PyTorch keeps them. Rows are independent
and go to threads; the loops for numba take four rows at once, as one row is a chain of additions that wait for
each other.
"""

import math
from typing import Any

import numpy as np

from .jit import STRICT, compiled, use_numba
from .pool_of_threads import run_chunks
from .scalar import exp_, log1p_

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"]

Array = np.ndarray[Any, Any]
BLOCK = 1 << 16  # elements of rows that are worked on at a time
exp_double, log1p_double = exp_.double, log1p_.double


def _three(x: Array, axis: int) -> Array:
    """``x`` as contiguous (outer, n, inner) around ``axis``."""
    axis = axis + x.ndim if axis < 0 else axis
    shape = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    return np.ascontiguousarray(x).reshape(shape)


def _chunks(text: Any, x: Array) -> None:
    """``text`` for parts of (outer, n, inner): an index for the outer or, if there is but one, the inner axis."""
    outer, n, inner = x.shape
    if outer > 1:
        height = max(1, BLOCK // (n * inner))

        def some(start: int, stop: int) -> None:
            for i in range(start, stop, height):
                text((slice(i, min(i + height, stop)),))

        run_chunks(some, outer, x.size, min(height, outer))
    else:
        run_chunks(lambda i, j: text((slice(None), slice(None), slice(i, j))), inner, x.size, 4096)


def _wide(dtype: Any) -> Any:
    """The type in which running sums are kept."""
    return {"e": np.float32, "f": np.float64, "F": np.complex128}.get(dtype.char, dtype)


def _accumulate(ufunc: Any, x: Array, wide: Any, out: Array) -> None:
    """``ufunc.accumulate`` along axis 1 of (outer, n, inner), kept in the type ``wide``."""
    if x.shape[2] == 1:
        x, out = x[..., 0], out[..., 0]
    if x.ndim == 2 or x.shape[2] < 64:
        y = np.array(x, wide)  # a cast first: accumulate casts in small pieces, several times slower
        out[...] = ufunc.accumulate(y, 1, None, y)
        return
    y = np.array(x[:, 0], wide)
    out[:, 0] = y
    for k in range(1, x.shape[1]):  # along the other axes, which lie closer together
        out[:, k] = ufunc(y, x[:, k], out=y)


@compiled(STRICT)
def _cumsum_loop(x: Any, out: Any, start: int, stop: int) -> None:
    n = x.shape[1]
    for i in range(start, stop - 3, 4):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        y0, y1, y2, y3 = out[i], out[i + 1], out[i + 2], out[i + 3]
        a = b = c = d = 0.0
        for j in range(n):
            a += x0[j]
            b += x1[j]
            c += x2[j]
            d += x3[j]
            y0[j] = a
            y1[j] = b
            y2[j] = c
            y3[j] = d
    for i in range(stop - (stop - start) % 4, stop):
        a = 0.0
        for j in range(n):
            a += x[i, j]
            out[i, j] = a


@compiled(STRICT)
def _cumprod_loop(x: Any, out: Any, start: int, stop: int) -> None:
    n = x.shape[1]
    for i in range(start, stop - 3, 4):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        y0, y1, y2, y3 = out[i], out[i + 1], out[i + 2], out[i + 3]
        a = b = c = d = 1.0
        for j in range(n):
            a *= x0[j]
            b *= x1[j]
            c *= x2[j]
            d *= x3[j]
            y0[j] = a
            y1[j] = b
            y2[j] = c
            y3[j] = d
    for i in range(stop - (stop - start) % 4, stop):
        a = 1.0
        for j in range(n):
            a *= x[i, j]
            out[i, j] = a


@compiled(STRICT)
def _logcumsumexp_loop(x: Any, out: Any, start: int, stop: int) -> None:
    width = 16  # rows at once: a vector of sums that advance together
    sums, column = np.empty(width), np.empty(width)
    for first in range(start, stop, width):
        rows = min(width, stop - first)
        sums[:] = -math.inf
        column[:] = 0.0
        for j in range(x.shape[1]):
            for r in range(rows):
                column[r] = x[first + r, j]
            for r in range(width):
                a, b = sums[r], column[r]
                d = -abs(a - b)
                d = 0.0 if a == b else d  # infinities of one sign
                high = a if a > b else b
                sums[r] = high + log1p_double(exp_double(d))
            for r in range(rows):
                out[first + r, j] = sums[r]


@compiled(STRICT)
def _cummax_loop(x: Any, out: Any, index: Any, start: int, stop: int) -> None:
    for i in range(start, stop):
        row, values, places = x[i], out[i], index[i]
        m, k = row[0], 0
        for j in range(row.size):
            v = row[j]
            if not v < m and m == m:  # a nan is taken, and then nothing else but another nan
                m, k = v, j
            elif v != v:
                k = j
            values[j] = m
            places[j] = k


@compiled(STRICT)
def _cummin_loop(x: Any, out: Any, index: Any, start: int, stop: int) -> None:
    for i in range(start, stop):
        row, values, places = x[i], out[i], index[i]
        m, k = row[0], 0
        for j in range(row.size):
            v = row[j]
            if not v > m and m == m:
                m, k = v, j
            elif v != v:
                k = j
            values[j] = m
            places[j] = k


def _scan(ufunc: Any, loop: Any, x: Array, axis: int, dtype: Any) -> Array:
    dtype = x.dtype if dtype is None else np.dtype(dtype)
    x = x.astype(dtype, copy=False)
    if not x.ndim:
        return x.copy()
    out = np.empty(x.shape, dtype)
    if not x.size:
        return out
    wide = _wide(dtype)
    if x.size <= BLOCK:
        with np.errstate(all="ignore"):
            out[...] = ufunc.accumulate(np.array(x, wide), axis)
        return out
    parts, result = _three(x, axis), _three(out, axis)
    if parts.shape[2] == 1 and dtype.char in "fd" and use_numba(x.size):
        rows, results = parts[..., 0], result[..., 0]
        run_chunks(lambda i, j: loop(rows, results, i, j), rows.shape[0], rows.size, 4)
        return out

    def text(i: Any) -> None:
        _accumulate(ufunc, parts[i], wide, result[i])

    with np.errstate(all="ignore"):
        _chunks(text, parts)
    return out


def cumsum(x: Array, axis: int, dtype: Any = None) -> Array:
    """Running sums along ``axis``, in ``dtype``."""
    return _scan(np.add, _cumsum_loop, x, axis, dtype)


def cumprod(x: Array, axis: int, dtype: Any = None) -> Array:
    """Running products along ``axis``, in ``dtype``."""
    return _scan(np.multiply, _cumprod_loop, x, axis, dtype)


def logcumsumexp(x: Array, axis: int) -> Array:
    """log of the running sums of exp(x): each step is log(exp(a) + exp(b)) around the larger of the two."""
    return _scan(np.logaddexp, _logcumsumexp_loop, x, axis, None)


def _extremes(ufunc: Any, loop: Any, x: Array, axis: int) -> tuple[Array, Array]:
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    out, index = np.empty(x.shape, x.dtype), np.empty(x.shape, np.int64)
    if not x.size:
        return out, index
    parts, result, places = _three(x, axis), _three(out, axis), _three(index, axis)
    if parts.shape[2] == 1 and x.dtype.char in "fd" and use_numba(x.size):
        arrays = parts[..., 0], result[..., 0], places[..., 0]
        run_chunks(lambda i, j: loop(*arrays, i, j), parts.shape[0], x.size)
        return out, index
    at = np.arange(parts.shape[1])[:, None]

    def text(i: Any) -> None:
        block = parts[i]
        values = result[i]
        _accumulate(ufunc, block, block.dtype, values)
        taken = block == values
        if block.dtype.kind == "f":
            taken |= np.isnan(block)
        _accumulate(np.maximum, np.where(taken, at, 0), np.int64, places[i])

    _chunks(text, parts)
    return out, index


def cummax(x: Array, axis: int) -> tuple[Array, Array]:
    """Running maxima along ``axis`` and where they stand, of equal ones the last; nan wins."""
    return _extremes(np.maximum, _cummax_loop, x, axis)


def cummin(x: Array, axis: int) -> tuple[Array, Array]:
    """Running minima along ``axis`` and where they stand, of equal ones the last; nan wins."""
    return _extremes(np.minimum, _cummin_loop, x, axis)
