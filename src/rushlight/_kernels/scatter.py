"""Adding into places given by an index: index_add, scatter_add, embedding gradients, accumulating puts.

Indices become one number an element, and NumPy's ``ufunc.at`` on flat arrays of one dtype does the rest.
Measured against bincount, sorting with reduceat and a product by one-hot rows, it was first for nearly every
shape (the general ``ufunc.at``, with several indices or rows, is ten times slower). Loops for numba do without
the flat index.
Sums are made in the order of the index, as PyTorch makes them.
"""

import math
from typing import Any

import numpy as np

from .jit import STRICT, compiled, use_numba
from .places import bincount
from .pool_of_threads import run_chunks

__all__ = [
    "check_index", "embedding_backward", "gather", "index_add", "put_accumulate", "scatter", "scatter_add",
    "scatter_reduce",
]  # fmt: skip

Array = np.ndarray[Any, Any]


def check_index(index: Array, n: int, axis: int, error: type[Exception] = RuntimeError) -> None:
    """Raise if an entry of ``index`` is not in range(n); negative ones are not counted from the end."""
    if not index.size:
        return
    kind = index.dtype
    # seen as unsigned numbers, negative ones are large: one pass finds both
    largest = int(np.max(index.view(f"u{kind.itemsize}") if kind.kind == "i" else index))
    if largest >= n:
        wrong = index[(index < 0) | (index >= n)].flat[0]
        text = f"index {wrong} is out of bounds for dimension {axis} with size {n}"
        raise error(f"index out of range in self: {text}" if error is IndexError else text)


def _integers(index: Array) -> Array:
    return np.ascontiguousarray(index, np.int64)


def _three(x: Array, axis: int) -> Array:
    """``x`` as (outer, n, inner) around ``axis``."""
    return x.reshape(math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :]))


class _InPlace:
    """``out`` as a contiguous array to add into, copied back at the end; float16 is added up in float32."""

    def __init__(self, out: Array) -> None:
        self.out = out
        self.array = np.ascontiguousarray(out.astype(np.float32) if out.dtype.char == "e" else out)
        if out.flags.c_contiguous and out.dtype.char != "e":
            self.array = out

    def done(self) -> Array:
        if self.array is not self.out:
            self.out[...] = self.array
        return self.out


@compiled(STRICT)
def _add_rows_loop(src: Any, index: Any, out: Any, start: int, stop: int) -> None:
    for o in range(src.shape[0]):
        for i in range(src.shape[1]):
            k = index[i]
            if start <= k < stop:
                for j in range(src.shape[2]):
                    out[o, k, j] += src[o, i, j]


@compiled(STRICT)
def _add_elements_loop(src: Any, index: Any, out: Any, start: int, stop: int) -> None:
    for o in range(start, stop):
        for i in range(src.shape[1]):
            for j in range(src.shape[2]):
                out[o, index[o, i, j], j] += src[o, i, j]


@compiled(STRICT)
def _add_in_rows_loop(src: Any, index: Any, out: Any, start: int, stop: int) -> None:
    for o in range(start, stop):
        s, k, row = src[o], index[o], out[o]
        for i in range(len(k)):
            row[k[i]] += s[i]


@compiled(STRICT)
def _put_in_rows_loop(src: Any, index: Any, out: Any, start: int, stop: int) -> None:
    for o in range(start, stop):
        s, k, row = src[o], index[o], out[o]
        for i in range(len(k)):
            row[k[i]] = s[i]


@compiled(STRICT)
def _take_in_rows_loop(src: Any, index: Any, out: Any, start: int, stop: int) -> None:
    for o in range(start, stop):
        s, k, row = src[o], index[o], out[o]
        for i in range(len(k)):
            row[i] = s[k[i]]


@compiled(STRICT)
def _take_elements_loop(src: Any, index: Any, out: Any, start: int, stop: int) -> None:
    for o in range(start, stop):
        for i in range(index.shape[1]):
            for j in range(index.shape[2]):
                out[o, i, j] = src[o, index[o, i, j], j]


def _compiles(src: Array, out: Array) -> bool:
    return src.dtype == out.dtype and src.dtype.char in "fd" and use_numba(src.size)


def _flat_rows(index: Array, outer: int, n: int, inner: int) -> Array:
    """The flat place in (outer, n, inner) of each element of (outer, len(index), inner)."""
    places = np.arange(outer)[:, None] * n + index
    return np.asarray(places[..., None] * inner + np.arange(inner)).reshape(-1)


def _flat_elements(index: Array, n: int) -> Array:
    """The flat place in (outer, n, inner) of each entry of an index (outer, m, inner)."""
    outer, _, inner = index.shape
    if outer == inner == 1:
        return index.reshape(-1)
    first = np.arange(outer)[:, None, None] * (n * inner)
    return np.asarray(index * inner + (first + np.arange(inner))).reshape(-1)


def index_add(out: Array, axis: int, index: Array, src: Array, alpha: Any = 1) -> Array:
    """``out[..., index[i], ...] += alpha src[..., i, ...]`` along ``axis``, in place; ``index`` is 1-d."""
    axis = axis + out.ndim if axis < 0 else axis
    if not out.ndim:
        index_add(out.reshape(1), 0, index.reshape(1), src.reshape(1), alpha)
        return out
    index = _integers(index)
    check_index(index, out.shape[axis], axis, IndexError)
    if not src.size:
        return out
    place = _InPlace(out)
    src = src if src.dtype == place.array.dtype else src.astype(place.array.dtype)
    if alpha != 1:
        src = src * src.dtype.type(alpha)
    whole, part = _three(place.array, axis), _three(np.ascontiguousarray(src), axis)
    outer, n, inner = whole.shape
    if _compiles(part, whole) and inner > 1:
        # threads share out the rows that are written, and each reads all of the index
        if inner >= 16:
            run_chunks(lambda i, j: _add_rows_loop(part, index, whole, i, j), n, part.size)
        else:
            _add_rows_loop(part, index, whole, 0, n)
    else:
        np.add.at(whole.reshape(-1), _flat_rows(index, outer, n, inner), part.reshape(-1))
    return place.done()


def _aligned(out: Array, axis: int, index: Array, src: Array | None) -> tuple[Array, Array, Array | None]:
    """``out``, ``index`` and ``src`` as (outer, n, inner), for an index that may be smaller than the others.

    Where other axes of the index are shorter than those of ``out``, a view of that size is written.
    """
    cut = tuple(slice(None) if k == axis else slice(size) for k, size in enumerate(index.shape))
    if src is not None:
        kind = np.dtype(np.float32) if out.dtype.char == "e" else out.dtype
        src = _three(np.ascontiguousarray(src[tuple(slice(size) for size in index.shape)], kind), axis)
    return out[cut], _three(_integers(index), axis), src


def scatter_add(out: Array, axis: int, index: Array, src: Array) -> Array:
    """``out[index[i, j], j] += src[i, j]`` (for axis 0), in place; the transpose of a gather."""
    axis = axis + out.ndim if axis < 0 else axis
    if not out.ndim:
        scatter_add(out.reshape(1), 0, index.reshape(1), src.reshape(1))
        return out
    check_index(index, out.shape[axis], axis)
    if not index.size:
        return out
    part, index, src3 = _aligned(out, axis, index, src)
    assert src3 is not None
    place = _InPlace(part)
    whole = _three(place.array, axis)
    outer, _, inner = whole.shape
    if _compiles(src3, whole) and outer + inner > 2:
        index = index.view(np.uint64)  # spares the loop the question whether a place counts from the end
        if inner == 1:
            two = src3[..., 0], index[..., 0], whole[..., 0]
            run_chunks(lambda i, j: _add_in_rows_loop(*two, i, j), outer, src3.size)
        elif outer > 1:
            run_chunks(lambda i, j: _add_elements_loop(src3, index, whole, i, j), outer, src3.size)
        else:
            run_chunks(
                lambda i, j: _add_elements_loop(src3[..., i:j], index[..., i:j], whole[..., i:j], 0, 1),
                inner, src3.size, 16,
            )  # fmt: skip
    else:
        np.add.at(whole.reshape(-1), _flat_elements(index, whole.shape[1]), src3.reshape(-1))
    place.done()
    return out


_WORDS = {4: np.float32, 8: np.float64}  # elements of these sizes are moved as such


def gather(x: Array, axis: int, index: Array) -> Array:
    """``x[index[i, j], j]`` (for axis 0) for an index of places in range; the transpose of ``scatter_add``."""
    if x.ndim <= 1:
        return x.reshape(-1).take(index)
    axis = axis + x.ndim if axis < 0 else axis
    cut = tuple([slice(None) if k == axis else slice(size) for k, size in enumerate(index.shape)])
    part = _three(np.ascontiguousarray(x[cut]), axis)
    places = _three(_integers(index), axis)
    word = _WORDS.get(x.itemsize)
    outer, _, inner = places.shape
    if word is None or not use_numba(index.size) or outer + inner == 2:
        return part.reshape(-1).take(_flat_elements(places, part.shape[1])).reshape(index.shape)
    out = np.empty(index.shape, x.dtype)
    words, result, places = part.view(word), _three(out, axis).view(word), places.view(np.uint64)
    if inner == 1:
        two = words[..., 0], places[..., 0], result[..., 0]
        run_chunks(lambda i, j: _take_in_rows_loop(*two, i, j), outer, out.size)
    elif outer > 1:
        run_chunks(lambda i, j: _take_elements_loop(words, places, result, i, j), outer, out.size)
    else:
        run_chunks(
            lambda i, j: _take_elements_loop(words[..., i:j], places[..., i:j], result[..., i:j], 0, 1),
            inner, out.size, 16,
        )  # fmt: skip
    return out


def scatter(out: Array, axis: int, index: Array, src: Any) -> Array:
    """``out[index[i, j], j] = src[i, j]`` (for axis 0), in place; of several writers the last one wins."""
    axis = axis + out.ndim if axis < 0 else axis
    if not out.ndim:
        out[...] = np.asarray(src).reshape(())
        return out
    check_index(index, out.shape[axis], axis)
    if index.size:
        array = src if isinstance(src, np.ndarray) and src.ndim else None
        part, index, src3 = _aligned(out, axis, index, array)
        place = _InPlace(part)
        whole = _three(place.array, axis)
        if src3 is not None and whole.shape[0] > 1 == whole.shape[2] and _compiles(src3, whole):
            rows = src3[..., 0], index.view(np.uint64)[..., 0], whole[..., 0]
            run_chunks(lambda i, j: _put_in_rows_loop(*rows, i, j), len(whole), index.size)
        else:
            places = _flat_elements(index, whole.shape[1])
            whole.reshape(-1)[places] = src if src3 is None else src3.reshape(-1)
        place.done()
    return out


_UFUNCS: dict[str, Any] = {
    "sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum,
}  # fmt: skip


def _identity(reduce: str, dtype: Any) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    if dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max


def scatter_reduce(out: Array, axis: int, index: Array, src: Array, reduce: str, include_self: bool = True) -> Array:
    """``out[index[i, j], j]`` becomes the sum, mean, prod, amax or amin of what is scattered there, in place.

    With ``include_self`` the old value counts as one of them. nan wins in amax and amin; a mean of integers
    is rounded down.
    """
    if reduce not in _UFUNCS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )  # fmt: skip
    axis = axis + out.ndim if axis < 0 else axis
    if not out.ndim:
        scatter_reduce(out.reshape(1), 0, index.reshape(1), src.reshape(1), reduce, include_self)
        return out
    if reduce == "sum" and include_self:
        return scatter_add(out, axis, index, src)
    check_index(index, out.shape[axis], axis)
    if not index.size:
        return out
    part, index, src3 = _aligned(out, axis, index, src)
    assert src3 is not None
    place = _InPlace(part)
    whole = _three(place.array, axis)
    flat, places = whole.reshape(-1), _flat_elements(index, whole.shape[1])
    if not include_self:
        flat[places] = _identity(reduce, flat.dtype)
    with np.errstate(all="ignore"):
        _UFUNCS[reduce].at(flat, places, src3.reshape(-1))
        if reduce == "mean":
            counts = bincount(places, minlength=flat.size)
            counts += include_self
            np.maximum(counts, 1, out=counts)
            if flat.dtype.kind in "fc":
                np.divide(flat, counts.astype(flat.dtype), out=flat)
            else:
                np.floor_divide(flat, counts.astype(flat.dtype), out=flat)
    place.done()
    return out


def put_accumulate(out: Array, indices: tuple[Array, ...], values: Array) -> Array:
    """``out[indices] += values`` for integer arrays on the first axes, equal places adding up; in place.

    ``indices`` broadcast together, negative ones count from the end; ``values`` broadcast too.
    """
    shape = np.broadcast_shapes(*(i.shape for i in indices))
    flat: Any = np.zeros(shape, np.int64)
    for axis, index in enumerate(indices):
        n = out.shape[axis]
        lowest = int(index.min()) if index.size else 0
        if lowest < -n or index.max(initial=-1) >= n:
            wrong = index[(index < -n) | (index >= n)].flat[0]
            raise IndexError(f"index {wrong} is out of bounds for dimension {axis} with size {n}")
        if lowest < 0:
            index = np.where(index < 0, index + n, index)
        flat = index if axis == 0 else flat * n + index
    rest = out.shape[len(indices) :]
    values = np.broadcast_to(values, shape + rest)
    flat = np.broadcast_to(flat, shape)
    place = _InPlace(out)
    rows = place.array.reshape(math.prod(out.shape[: len(indices)]), math.prod(rest))
    index_add(rows, 0, np.asarray(flat).reshape(-1), np.ascontiguousarray(values).reshape(-1, rows.shape[1]))
    return place.done()


def embedding_backward(
    g: Array, index: Array, n: int, padding_idx: int = -1, scale_grad_by_freq: bool = False
) -> Array:
    """The gradient (n, d) of a table for rows taken by ``index``: the transpose of an embedding.

    Rows of ``padding_idx`` get none; with ``scale_grad_by_freq`` a row's gradient is divided by its count.
    """
    d = g.shape[-1]
    index = _integers(index).reshape(-1)
    rows = g.reshape(index.size, d)
    out = np.zeros((n, d), g.dtype)
    index_add(out, 0, index, rows)
    if scale_grad_by_freq:
        counts = bincount(index, minlength=n)
        out /= np.maximum(counts, 1)[:, None].astype(g.dtype)
    if padding_idx >= 0:
        out[padding_idx] = 0
    return out
