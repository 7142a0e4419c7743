"""Sorting and its kin in PyTorch's order: nan is largest, equal elements keep their order, indices are int64.

A value becomes an unsigned key of the same order, and key and position are packed in one 64-bit number:
sorting those numbers with NumPy's vectorized sort gives values and indices at once, and is stable by itself.
Keys of 64 bits leave no room for positions; they are sorted alone and runs of equal keys put right afterwards.
"""

import math
from typing import Any

import numpy as np

from .places import bincount
from .pool_of_threads import run_chunks

__all__ = [
    "argsort", "kthvalue", "median", "mode", "nanmedian", "searchsorted", "sort", "topk", "unique",
    "unique_consecutive", "unique_rows",
]  # fmt: skip

Array = np.ndarray[Any, Any]
BLOCK = 1 << 18  # elements of rows that are worked on at a time
SMALL = 1024  # elements: below, NumPy's stable argsort is quicker than packing


def _keys(x: Array, descending: bool) -> Array:
    """Unsigned integers in the order of ``x``: of its own size, nan above all, -0.0 equal to 0.0."""
    kind, bits = x.dtype.kind, 8 * x.dtype.itemsize
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    if kind == "f":
        # + 0 makes -0.0 into 0.0; then all bits of negative numbers are turned, and the sign bit of others
        y = np.add(x, 0)
        keys = y.view(unsigned)
        turn = (y.view(f"i{x.dtype.itemsize}") >> (bits - 1)).view(unsigned)
        keys ^= turn | unsigned.type(1 << (bits - 1))
        np.copyto(keys, unsigned.type((1 << bits) - 1), where=np.isnan(x))
    elif kind == "i":
        keys = x.view(unsigned) ^ unsigned.type(1 << (bits - 1))
    else:
        keys = x.view(unsigned) if x.flags.c_contiguous else x.astype(unsigned)
    return np.asarray(~keys if descending else keys)


def _packed(keys: Array) -> Array | None:
    """Key and position in the last axis in one 64-bit number, if there is room."""
    if keys.dtype.itemsize > 4 or keys.shape[-1] > 1 << 32:
        return None
    packed = keys.astype(np.uint64)
    np.left_shift(packed, np.uint64(32), packed)
    return np.bitwise_or(packed, np.arange(keys.shape[-1], dtype=np.uint64), packed)


def _positions(packed: Array) -> Array:
    return np.bitwise_and(packed, np.uint64(0xFFFFFFFF)).view(np.int64)


def _taken(rows: Array, places: Array) -> Array:
    """``np.take_along_axis`` of rows, at a fifth of its cost for few elements."""
    if rows.size > SMALL:
        return np.take_along_axis(rows, places, -1)
    return np.asarray(rows.reshape(-1).take(places + (np.arange(len(rows)) * rows.shape[1])[:, None]))


def _order(x: Array, descending: bool) -> Array:
    """Stable order of each row of (rows, n)."""
    if x.size <= SMALL:
        if not descending:
            return np.asarray(np.argsort(x, -1, "stable"), np.int64)
        return np.asarray(np.subtract(x.shape[1] - 1, np.argsort(x[:, ::-1], -1, "stable")[:, ::-1]), np.int64)
    return _order_of_keys(_keys(x, descending))


def _order_of_keys(keys: Array) -> Array:
    packed = _packed(keys)
    if packed is not None:
        packed.sort(-1)
        return _positions(packed)
    order = np.asarray(np.argsort(keys, -1), np.int64)
    inorder = _taken(keys, order)
    new = inorder[:, 1:] != inorder[:, :-1]
    if not new.all():
        packed = np.zeros(keys.shape, np.uint64)
        np.cumsum(new, -1, out=packed[:, 1:])
        np.left_shift(packed, np.uint64(32), packed)
        packed |= order.view(np.uint64)
        packed.sort(-1)
        order = _positions(packed)
    return order


def _last(x: Array, axis: int) -> tuple[Array, tuple[int, ...]]:
    """``x`` as contiguous rows along ``axis``, and the shape of the array with that axis last."""
    moved = x if axis in (-1, x.ndim - 1) else np.moveaxis(x, axis, -1)
    rows = math.prod(moved.shape[:-1])
    return np.ascontiguousarray(moved).reshape(rows, moved.shape[-1]), moved.shape


def _back(rows: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Rows of any length in place of ``axis`` again."""
    y = rows.reshape(shape[:-1] + rows.shape[1:])
    return y if axis in (-1, len(shape) - 1) else np.ascontiguousarray(np.moveaxis(y, -1, axis))


def _by_rows(text: Any, rows: Array, width: int, dtypes: tuple[Any, ...]) -> list[Array]:
    """Arrays (rows, width) filled by ``text(block)``, on several threads if there is much."""
    if 0 < rows.size <= SMALL:
        return [np.ascontiguousarray(found) for found in text(rows)]
    outs = [np.empty((rows.shape[0], width), d) for d in dtypes]
    height = max(1, BLOCK // max(1, rows.shape[1]))

    def some(start: int, stop: int) -> None:
        for i in range(start, stop, height):
            j = min(i + height, stop)
            for out, found in zip(outs, text(rows[i:j])):
                out[i:j] = found

    if rows.size:
        run_chunks(some, rows.shape[0], rows.size, min(height, rows.shape[0]))
    return outs


def sort(x: Array, axis: int = -1, descending: bool = False) -> tuple[Array, Array]:
    """Sorted values and their indices along ``axis``; always stable, in both directions."""
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    rows, shape = _last(x, axis)

    def text(block: Array) -> tuple[Array, Array]:
        order = _order(block, descending)
        return _taken(block, order), order

    if 0 < rows.size <= SMALL:
        values, indices = text(rows)
    else:
        values, indices = _by_rows(text, rows, rows.shape[1], (x.dtype, np.int64))
    return _back(values, shape, axis), _back(indices, shape, axis)


def argsort(x: Array, axis: int = -1, descending: bool = False) -> Array:
    """The indices of ``sort``."""
    return sort(x, axis, descending)[1]


def _candidates(block: Array, k: int, descending: bool) -> tuple[Array, Array] | None:
    """Positions (rows, w) among which the ``k`` first of each row are, in rising order, and which of them count.

    The row is dealt out into more than ``k`` hands; at least ``k`` elements are as good as the k-th best of the
    hands' best, so the others need no look. None if too many are left.
    """
    rows, n = block.shape
    hands = max(4 * k, 64)
    dealt = n // hands
    if dealt < 4 or block.dtype.kind == "b":
        return None
    best = block[:, : dealt * hands].reshape(rows, dealt, hands)
    if descending:
        bound = np.partition(np.maximum.reduce(best, 1), hands - k, -1)[:, hands - k : hands - k + 1]
        good = ~(block < bound)
    else:
        bound = np.partition(np.fmin.reduce(best, 1), k - 1, -1)[:, k - 1 : k]
        good = ~(block > bound)
        if block.dtype.kind == "f":
            good &= ~np.isnan(block)  # nan can only be among the first if it is the bound: too many then
    row, position = np.divmod(np.flatnonzero(good), n)  # in one dimension: nonzero of two is ten times slower
    counts = bincount(row, minlength=rows)
    width = int(counts.max())
    if width > n // 4 or counts.min() < k:
        return None
    starts = np.cumsum(counts) - counts
    slot = np.arange(len(row)) - starts[row]
    chosen = np.zeros((rows, width), np.int64)
    chosen[row, slot] = position
    return chosen, np.arange(width) < counts[:, None]


def _first_few(block: Array, k: int, descending: bool, inorder: bool) -> Array:
    """Positions of the ``k`` first elements of each row in stable order."""
    n = block.shape[1]
    if block.size <= SMALL:
        return _order(block, descending)[:, :k]
    found = _candidates(block, k, descending) if k else None
    if found is not None:
        chosen, counted = found
        keys = _keys(_taken(block, chosen), descending)
        keys[~counted] = np.iinfo(keys.dtype).max  # equal to a nan perhaps, but behind it
        return np.take_along_axis(chosen, _order_of_keys(keys)[:, :k], -1)
    packed = _packed(_keys(block, descending))
    if packed is None:
        return _order(block, descending)[:, :k]
    if 0 < k < n:
        packed = np.partition(packed, k - 1, -1)
    packed = packed[:, :k]
    if inorder:
        packed = np.sort(packed, -1)
    return _positions(np.ascontiguousarray(packed))


def topk(x: Array, k: int, axis: int = -1, largest: bool = True, inorder: bool = True) -> tuple[Array, Array]:
    """The ``k`` largest (or smallest) along ``axis`` and their indices; of equal ones the first; nan is largest."""
    if not x.ndim:
        return x.reshape(1)[:k].copy().reshape(() if k else (0,)), np.zeros(() if k else (0,), np.int64)
    rows, shape = _last(x, axis)
    if not 0 <= k <= rows.shape[1]:
        raise RuntimeError(f"selected index k out of range: k is {k}, dimension {axis} has {rows.shape[1]} elements")

    def text(block: Array) -> tuple[Array, Array]:
        order = _first_few(block, k, largest, inorder)
        return _taken(block, order), order

    values, indices = _by_rows(text, rows, k, (x.dtype, np.int64))
    return _back(values, shape, axis), _back(indices, shape, axis)


def _kept(rows: Array, shape: tuple[int, ...], axis: int, keepdims: bool) -> Array:
    y = _back(rows, shape, axis)
    return y if keepdims else y.squeeze(axis)


def _kth(block: Array, k: int) -> Array:
    """Position (rows, 1) of the k-th smallest (k from 0) of each row."""
    packed = _packed(_keys(block, False))
    if packed is not None:
        return _positions(np.partition(packed, k, -1)[:, k : k + 1].copy())
    return np.asarray(np.argpartition(_keys(block, False), k, -1)[:, k : k + 1], np.int64)


def kthvalue(x: Array, k: int, axis: int = -1, keepdims: bool = False) -> tuple[Array, Array]:
    """The ``k``-th smallest element (from 1) along ``axis`` and its index."""
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    rows, shape = _last(x, axis)
    if not 1 <= k <= rows.shape[1]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}: {k} of {rows.shape[1]}")

    def text(block: Array) -> tuple[Array, Array]:
        place = _kth(block, k - 1)
        return _taken(block, place), place

    values, indices = _by_rows(text, rows, 1, (x.dtype, np.int64))
    return _kept(values, shape, axis, keepdims), _kept(indices, shape, axis, keepdims)


def _median(x: Array, axis: int, keepdims: bool, skip: bool) -> tuple[Array, Array]:
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    rows, shape = _last(x, axis)
    n = rows.shape[1]
    if not n:
        raise IndexError(f"median(): Expected reduction dim {axis} to have non-zero size.")

    def text(block: Array) -> tuple[Array, Array]:
        place = _kth(block, (n - 1) // 2)
        if block.dtype.kind == "f":
            nan = np.isnan(block)
            some = np.flatnonzero(nan.any(-1))
            if len(some) and not skip:
                place[some, 0] = nan[some].argmax(-1)
            elif len(some):
                count = n - nan[some].sum(-1)
                middle = np.maximum(count - 1, 0) // 2
                place[some] = np.take_along_axis(_order(block[some], False), middle[:, None], -1)
        return _taken(block, place), place

    values, indices = _by_rows(text, rows, 1, (x.dtype, np.int64))
    return _kept(values, shape, axis, keepdims), _kept(indices, shape, axis, keepdims)


def median(x: Array, axis: int = -1, keepdims: bool = False) -> tuple[Array, Array]:
    """The median along ``axis``, of two the lower one, and its index; nan if there is a nan."""
    return _median(x, axis, keepdims, False)


def nanmedian(x: Array, axis: int = -1, keepdims: bool = False) -> tuple[Array, Array]:
    """The median of what is not nan along ``axis``, of two the lower one, and its index."""
    return _median(x, axis, keepdims, True)


def mode(x: Array, axis: int = -1, keepdims: bool = False) -> tuple[Array, Array]:
    """The most frequent value along ``axis``, of several the smallest, and its last index."""
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    rows, shape = _last(x, axis)
    n = rows.shape[1]
    if not n:
        raise IndexError(f"mode(): Expected reduction dim {axis} to have non-zero size.")

    def text(block: Array) -> tuple[Array, Array]:
        order = _order(block, False)
        inorder = _taken(block, order)
        new = np.ones(block.shape, bool)
        np.not_equal(inorder[:, 1:], inorder[:, :-1], new[:, 1:])
        at = np.arange(n)
        start = np.maximum.accumulate(np.where(new, at, 0), -1)
        end = (at - start).argmax(-1)[:, None]  # where the first longest run is complete
        return _taken(inorder, end), _taken(order, end)

    values, indices = _by_rows(text, rows, 1, (x.dtype, np.int64))
    return _kept(values, shape, axis, keepdims), _kept(indices, shape, axis, keepdims)


def _small_range(x: Array) -> tuple[int, int] | None:
    """Least value and count of values of integers that are few enough to be counted one by one."""
    if x.dtype.kind not in "iu" or not x.size:
        return None
    low, high = int(x.min()), int(x.max())
    return (low, high - low + 1) if high - low < max(1024, 2 * x.size) else None


def unique(x: Array) -> tuple[Array, Array, Array]:
    """The different values of all of ``x`` in order, the place of each element among them, and their counts.

    Every nan is a value of its own, as PyTorch has it.
    """
    flat = np.ascontiguousarray(x).reshape(-1)
    found = _small_range(flat)
    if found:
        low, n = found
        places = (flat - flat.dtype.type(low)).astype(np.int64) if n <= np.iinfo(flat.dtype).max else (
            flat.astype(np.int64) - low
        )  # fmt: skip
        counts = bincount(places, minlength=n)
        present = np.flatnonzero(counts)
        number = np.zeros(n, np.int64)
        number[present] = np.arange(len(present))
        values = (present + low).astype(flat.dtype)
        return values, number[places].reshape(x.shape), counts[present]
    inorder, order = sort(flat)
    new = np.ones(flat.size, bool)
    np.not_equal(inorder[1:], inorder[:-1], new[1:])
    inverse = np.empty(flat.size, np.int64)
    inverse[order] = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    return inorder[starts], inverse.reshape(x.shape), np.diff(starts, append=flat.size)


def unique_rows(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """The different slices of ``x`` along ``axis`` in lexicographic order, places, and counts."""
    moved = np.moveaxis(x, axis, 0)
    n = moved.shape[0]
    rows = np.ascontiguousarray(moved).reshape(n, math.prod(moved.shape[1:]))
    order = np.lexsort(rows.T[::-1]) if rows.shape[1] else np.arange(n)
    inorder = rows[order]
    new = np.ones(n, bool)
    np.any(inorder[1:] != inorder[:-1], -1, out=new[1:])
    inverse = np.empty(n, np.int64)
    inverse[order] = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    values = inorder[starts].reshape(len(starts), *moved.shape[1:])
    return np.ascontiguousarray(np.moveaxis(values, 0, axis)), inverse, np.diff(starts, append=n)


def unique_consecutive(x: Array, axis: int | None = None) -> tuple[Array, Array, Array]:
    """``x`` (flat, or slices along ``axis``) without repetitions of the one before, places, and counts."""
    moved = np.ascontiguousarray(x).reshape(-1) if axis is None else np.moveaxis(x, axis, 0)
    n = moved.shape[0]
    new = np.ones(n, bool)
    differs = moved[1:] != moved[:-1]
    new[1:] = differs if differs.ndim == 1 else differs.reshape(max(n - 1, 0), -1).any(-1)
    starts = np.flatnonzero(new)
    inverse = (np.cumsum(new) - 1).astype(np.int64)
    values = moved[starts]
    if axis is None:
        return values, inverse.reshape(x.shape), np.diff(starts, append=n)
    return np.ascontiguousarray(np.moveaxis(values, 0, axis)), inverse, np.diff(starts, append=n)


def searchsorted(inorder: Array, values: Array, right: bool = False, sorter: Array | None = None) -> Array:
    """Where each of ``values`` would go in the sorted last axis of ``inorder``, before or after equal ones.

    ``inorder`` is one sequence for all values, or has their leading shape.
    """
    side: Any = "right" if right else "left"
    if inorder.ndim == 1:
        return np.asarray(np.searchsorted(inorder, values, side, sorter), np.int64)
    if inorder.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got {inorder.shape} and {values.shape}"
        )
    n, m = inorder.shape[-1], values.shape[-1]
    rows = inorder.reshape(math.prod(inorder.shape[:-1]), n)
    wanted = values.reshape(rows.shape[0], m)
    orders = None if sorter is None else sorter.reshape(rows.shape)
    out = np.empty(wanted.shape, np.int64)
    for i in range(rows.shape[0]):
        out[i] = np.searchsorted(rows[i], wanted[i], side, None if orders is None else orders[i])
    return out.reshape(values.shape)
