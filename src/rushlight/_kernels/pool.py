"""Pooling of one to three spatial axes: a window is a short list of positions along each axis.

Averages are ``AxisMap``s applied axis by axis. A maximum goes axis by axis too, the last axis first, and
carries the flat index of where it was found; its gradient and ``max_unpool`` are then one scatter, and the
gradient of those one gather. Fixed, adaptive and fractional windows differ only in the lists.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .conv import _ints
from .jit import STRICT, compiled, use_numba
from .pool_of_threads import run_chunks
from .resample import AxisMap, adaptive_bounds, apply_maps, averaging_map

__all__ = [
    "adaptive_avg_pool",
    "adaptive_avg_pool_grad",
    "adaptive_max_pool",
    "avg_pool",
    "avg_pool_grad",
    "fractional_max_pool",
    "gather_planes",
    "max_pool",
    "max_unpool",
    "pool_output_shape",
    "scatter_planes",
]

Array = np.ndarray[Any, Any]
Ints = int | Sequence[int]

BLOCK = 1 << 16  # elements of the planes that NumPy works on at a time


def pool_output_shape(
    spatial: Sequence[int],
    kernel: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> tuple[int, ...]:
    """The spatial shape after pooling. With ``ceil_mode`` a window may end, not begin, past the padding."""
    dims = len(spatial)
    size, pads, dil = _ints(kernel, dims), _ints(padding, dims), _ints(dilation, dims)
    steps = size if stride is None or stride == () or stride == [] else _ints(stride, dims)
    out = []
    for n, k, s, p, d in zip(spatial, size, steps, pads, dil, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        out.append(count)
    return tuple(out)


# ---------------------------------------------------------------------------------------------------------
# Averages


def avg_pool(
    x: Array,
    kernel: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """The mean of each window of ``x (N, C, *spatial)``; whole numbers are divided towards zero."""
    if x.dtype.kind in "iu":
        args = (x.shape[2:], kernel, stride, padding, ceil_mode, count_include_pad)
        total = apply_maps(x, _averaging_maps(*args, 1))
        ones = _averaging_maps(*args, None)
        counts = [np.rint(1 / m.weights.max(1)).astype(x.dtype) for m in ones]
        divisor = functools.reduce(np.multiply.outer, counts) if divisor_override is None else divisor_override
        return np.asarray((np.sign(total) * (np.abs(total) // np.abs(divisor))) * np.sign(divisor), x.dtype)
    maps = _averaging_maps(x.shape[2:], kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return apply_maps(x, maps)


def avg_pool_grad(
    g: Array,
    spatial: Sequence[int],
    kernel: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """The transpose of ``avg_pool``: ``g (N, C, *out)`` gives ``(N, C, *spatial)``."""
    maps = _averaging_maps(spatial, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return apply_maps(g, [m.T for m in maps])


def adaptive_avg_pool(x: Array, output_size: Sequence[int]) -> Array:
    """The means of the parts that each spatial axis is cut into."""
    size = math.prod(x.shape[2:])
    if math.prod(output_size) == 1 and size and x.dtype.char in "fd":  # one part: a product with a vector
        means = x.reshape(*x.shape[:2], size) @ np.full(size, 1 / size, x.dtype)
        averaged: Array = means.reshape(*x.shape[:2], *output_size)
        return averaged
    maps = [averaging_map(n, *adaptive_bounds(n, m)) for n, m in zip(x.shape[2:], output_size, strict=True)]
    return apply_maps(x, maps)


def adaptive_avg_pool_grad(g: Array, spatial: Sequence[int]) -> Array:
    """The transpose of ``adaptive_avg_pool``."""
    maps = [averaging_map(n, *adaptive_bounds(n, m)) for n, m in zip(spatial, g.shape[2:], strict=True)]
    return apply_maps(g, [m.T for m in maps])


def _averaging_maps(
    spatial: Sequence[int],
    kernel: Ints,
    stride: Ints | None,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> list[AxisMap]:
    """A map an axis. The divisor is a product over axes too; a given one goes to the first axis whole."""
    dims = len(spatial)
    out = pool_output_shape(spatial, kernel, stride, padding, 1, ceil_mode)
    size, pads = _ints(kernel, dims), _ints(padding, dims)
    steps = size if stride is None or stride == () or stride == [] else _ints(stride, dims)
    maps = []
    for axis, (n, k, s, p, q) in enumerate(zip(spatial, size, steps, pads, out, strict=True)):
        starts = [o * s - p for o in range(q)]
        stops = [min(a + k, n + p) for a in starts]
        low, high = tuple(max(a, 0) for a in starts), tuple(min(b, n) for b in stops)
        counts: tuple[float, ...] | None = None
        if divisor_override is not None:
            counts = (float(divisor_override if axis == 0 else 1),) * q
        elif count_include_pad:
            counts = tuple(float(b - a) for a, b in zip(starts, stops, strict=True))
        maps.append(averaging_map(n, low, high, counts))
    return maps


# ---------------------------------------------------------------------------------------------------------
# Maxima


def max_pool(
    x: Array,
    kernel: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Array, Array | None]:
    """The maximum of each window of ``x (N, C, *spatial)``, and where in its plane it lies (a flat index).

    The first of equal maxima counts; a nan is greater than all, and the last of several counts.
    """
    dims = x.ndim - 2
    out = pool_output_shape(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    size, pads, dil = _ints(kernel, dims), _ints(padding, dims), _ints(dilation, dims)
    steps = size if stride is None or stride == () or stride == [] else _ints(stride, dims)
    tables = [
        _window_table(n, q, k, s, p, d)
        for n, q, k, s, p, d in zip(x.shape[2:], out, size, steps, pads, dil, strict=True)
    ]
    return _max_windows(x, tables, return_indices)


def adaptive_max_pool(x: Array, output_size: Sequence[int], return_indices: bool = True) -> tuple[Array, Array | None]:
    """The maxima of the parts that each spatial axis is cut into, and where they lie."""
    tables = [_adaptive_table(n, m) for n, m in zip(x.shape[2:], output_size, strict=True)]
    return _max_windows(x, tables, return_indices)


def fractional_max_pool(x: Array, kernel: Ints, output_size: Sequence[int], samples: Array) -> tuple[Array, Array]:
    """Maxima of windows at pseudo-random places: ``samples (N, C, dims)`` in [0, 1) shift them for each
    plane.

    The last axis of the picture takes the first sample when there are two axes; with three, the first takes
    it.
    """
    dims = x.ndim - 2
    size = _ints(kernel, dims)
    planes = x.reshape(math.prod(x.shape[:2]), *x.shape[2:])
    shifts = samples.reshape(-1, dims)
    tables = []
    for axis, (n, q, k) in enumerate(zip(x.shape[2:], output_size, size, strict=True)):
        u = shifts[:, dims - 1 - axis if dims == 2 else axis][:, None]
        start = np.full((u.shape[0], q), n - k, np.intp)
        if q > 1:
            alpha = u.dtype.type(n - k) / u.dtype.type(q - 1)
            o = np.arange(q - 1).astype(u.dtype)
            start[:, :-1] = ((o + u) * alpha).astype(np.intp) - (u * alpha).astype(np.intp)
        tables.append(start[:, :, None] + np.arange(k))
    values: Array | None = None
    indices = np.zeros(0, np.int64)
    flat = planes.reshape(planes.shape[0], math.prod(x.shape[2:]))
    for tap in np.ndindex(*size):
        index = np.zeros((planes.shape[0], *(1 for _ in size)), np.int64)
        for axis, (table, t) in enumerate(zip(tables, tap, strict=True)):
            shape = [table.shape[0], *(1 for _ in size)]
            shape[axis + 1] = table.shape[1]
            index = index * x.shape[2 + axis] + table[:, :, t].reshape(shape)
        seen = np.take_along_axis(flat, index.reshape(index.shape[0], math.prod(index.shape[1:])), 1).reshape(
            index.shape
        )
        if values is None:
            values, indices = seen, index
        else:
            better = (seen > values) | (seen != seen)
            values, indices = np.where(better, seen, values), np.where(better, index, indices)
    assert values is not None
    return values.reshape(*x.shape[:2], *output_size), indices.reshape(*x.shape[:2], *output_size)


@functools.lru_cache(64)
def _window_table(n: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> Array:
    """The positions of each window ``(out, kernel)``; what lies in the padding is replaced by its neighbour
    inside.

    To see a position twice in a row changes no maximum and no index.
    """
    place = np.arange(out)[:, None] * stride - padding + np.arange(kernel) * dilation
    first = place[:, :1] + np.maximum(-(place[:, :1] // dilation), 0) * dilation
    last = place[:, -1:] - np.maximum(-((n - 1 - place[:, -1:]) // dilation), 0) * dilation
    table: Array = np.clip(place, first, last)
    table.flags.writeable = False
    return table


@functools.lru_cache(64)
def _adaptive_table(n: int, out: int) -> Array:
    low, high = (np.array(b, np.intp) for b in adaptive_bounds(n, out))
    table: Array = np.minimum(low[:, None] + np.arange(max(int((high - low).max(initial=1)), 1)), high[:, None] - 1)
    table.flags.writeable = False
    return table


def _max_windows(x: Array, tables: Sequence[Array], return_indices: bool) -> tuple[Array, Array | None]:
    shape = (*x.shape[:2], *(t.shape[0] for t in tables))
    values = np.empty(shape, x.dtype)
    indices = np.empty(shape, np.int64) if return_indices else None
    if not values.size:
        return values, indices
    planes = np.ascontiguousarray(x).reshape(-1, *x.shape[2:])
    new = values.reshape(-1, *shape[2:])
    found = None if indices is None else indices.reshape(new.shape)
    if use_numba(x.size) and x.dtype.char in "fdlq" and found is not None:
        spatial = (1,) * (3 - len(tables)) + planes.shape[1:]
        rows = [np.zeros((1, 1), np.intp)] * (3 - len(tables)) + list(tables)
        flat, sizes = planes.reshape(planes.shape[0], -1), np.array(spatial, np.intp)
        result, where = (a.reshape(-1, *(r.shape[0] for r in rows)) for a in (new, found))
        pair = len(tables) > 1 and all(_is_halving(r) for r in rows[1:]) and rows[0].shape == (1, 1)
        loop = _max_loop_2x2 if pair else _max_loop
        run_chunks(lambda a, b: loop(flat, *rows, sizes, result, where, a, b), flat.shape[0], x.size)
    else:
        step = max(1, BLOCK // max(math.prod(planes.shape[1:]), 1))

        def some(start: int, stop: int) -> None:
            for a in range(start, stop, step):
                part = slice(a, min(a + step, stop))
                best, where = _max_by_axes(planes[part], tables, return_indices)
                new[part] = best
                if found is not None:
                    found[part] = where

        run_chunks(some, planes.shape[0], x.size)
    return values, indices


def _max_by_axes(x: Array, tables: Sequence[Array], return_indices: bool) -> tuple[Array, Array | None]:
    """The maxima of the planes ``x (P, *spatial)``, and their flat indices, one axis after the other."""
    nans = x.dtype.kind == "f" and bool(np.isnan(np.maximum.reduce(x, axis=None)))
    best, where = x, None
    for axis in range(len(tables), 0, -1):
        step = math.prod(x.shape[axis + 1 :])
        best, where = _max_along(best, where, axis, tables[axis - 1], step, nans, return_indices)
    return best, where


def _max_along(
    values: Array, places: Array | None, axis: int, table: Array, step: int, nans: bool, return_indices: bool
) -> tuple[Array, Array | None]:
    best: Array | None = None
    where: Array | None = None
    for t in range(table.shape[1]):
        column = table[:, t]
        seen = _take(values, axis, column)
        if return_indices:
            at = (column.astype(np.int64) * step).reshape(-1, *(1 for _ in values.shape[axis + 1 :]))
            if places is not None:
                at = _take(places, axis, column) + at
            if best is None or where is None:
                where = np.broadcast_to(at, seen.shape)
            else:
                better = seen > best
                if nans:
                    better |= seen != seen
                where = np.where(better, at, where)
        best = seen.copy() if best is None else np.maximum(best, seen, out=best)
    assert best is not None
    return best, where


def _take(x: Array, axis: int, column: Array) -> Array:
    """``x`` at the positions ``column`` of ``axis``: a view where they are evenly spaced."""
    step = int(column[1] - column[0]) if column.size > 1 else 1
    if step > 0 and (column[1:] - column[:-1] == step).all():
        place = slice(int(column[0]), int(column[-1]) + 1, step)
        return x[(*(slice(None) for _ in range(axis)), place)]
    return np.take(x, column, axis)


def _is_halving(table: Array) -> bool:
    return table.shape[1] == 2 and bool((table.ravel() == np.arange(table.size)).all())


# A maximum that need not think of nan is one instruction; a comparison that must is a branch nobody can
# foretell. So a plane is searched for nans first.


@compiled(STRICT, inline=True)
def _nans(plane: Array) -> int:
    count = 0
    for i in range(plane.size):
        count += plane[i] != plane[i]
    return count


@compiled(STRICT)
def _max_loop(
    x: Array,
    deep: Array,
    high: Array,
    wide: Array,
    size: Array,
    out: Array,
    found: Array,
    start: int,
    stop: int,
) -> None:
    """Planes ``start`` to ``stop`` of the flat ``x (P, D*H*W)``; a window is positions along each axis."""
    height, width = size[1], size[2]
    for p in range(start, stop):
        plane = x[p]
        nans = _nans(plane) > 0
        for i in range(deep.shape[0]):
            for j in range(high.shape[0]):
                for k in range(wide.shape[0]):
                    at = (deep[i, 0] * height + high[j, 0]) * width + wide[k, 0]
                    best = plane[at]
                    for a in range(deep.shape[1]):
                        for b in range(high.shape[1]):
                            first = (deep[i, a] * height + high[j, b]) * width
                            if nans:
                                for c in range(wide.shape[1]):
                                    seen = plane[first + wide[k, c]]
                                    if seen > best or seen != seen:
                                        best, at = seen, first + wide[k, c]
                            else:
                                for c in range(wide.shape[1]):
                                    seen = plane[first + wide[k, c]]
                                    at = first + wide[k, c] if seen > best else at
                                    best = seen if seen > best else best
                    out[p, i, j, k] = best
                    found[p, i, j, k] = at


@compiled(STRICT)
def _max_loop_2x2(
    x: Array,
    deep: Array,
    high: Array,
    wide: Array,
    size: Array,
    out: Array,
    found: Array,
    start: int,
    stop: int,
) -> None:
    """The same where windows of two by two lie side by side."""
    width = size[2]
    for p in range(start, stop):
        nans = _nans(x[p]) > 0
        for j in range(high.shape[0]):
            base = 2 * j * width
            upper, lower = x[p, base:], x[p, base + width :]
            values, places = out[p, 0, j], found[p, 0, j]
            if nans:
                for k in range(wide.shape[0]):
                    best, at = upper[2 * k], 0
                    if upper[2 * k + 1] > best or upper[2 * k + 1] != upper[2 * k + 1]:
                        best, at = upper[2 * k + 1], 1
                    if lower[2 * k] > best or lower[2 * k] != lower[2 * k]:
                        best, at = lower[2 * k], width
                    if lower[2 * k + 1] > best or lower[2 * k + 1] != lower[2 * k + 1]:
                        best, at = lower[2 * k + 1], width + 1
                    values[k] = best
                    places[k] = base + 2 * k + at
            else:
                for k in range(wide.shape[0]):
                    a, b, c, d = upper[2 * k], upper[2 * k + 1], lower[2 * k], lower[2 * k + 1]
                    one = b if b > a else a
                    two = d if d > c else c
                    values[k] = two if two > one else one
                    places[k] = base + 2 * k + (width + (d > c) if two > one else (b > a))


# ---------------------------------------------------------------------------------------------------------
# By indices: the gradient of maxima, unpooling, and their transposes


def gather_planes(x: Array, indices: Array) -> Array:
    """``x (N, C, *spatial)`` at the flat ``indices (N, C, *out)``. Its transpose is ``scatter_planes``."""
    if not indices.size:
        return np.zeros(indices.shape, x.dtype)
    flat = x.reshape(*x.shape[:2], -1)
    return np.take_along_axis(flat, indices.reshape(*indices.shape[:2], -1), 2).reshape(indices.shape)


def scatter_planes(g: Array, indices: Array, spatial: Sequence[int]) -> Array:
    """Add ``g (N, C, *out)`` at the flat ``indices`` of each plane of zeros ``(N, C, *spatial)``."""
    work = np.dtype(np.float32) if g.dtype == np.float16 else g.dtype
    out = np.zeros((*g.shape[:2], *spatial), work)
    if not g.size:
        return out.astype(g.dtype, copy=False)
    planes = out.reshape(-1, math.prod(spatial))
    given = np.ascontiguousarray(g, work).reshape(planes.shape[0], -1)
    places = np.ascontiguousarray(indices).reshape(given.shape)
    if use_numba(g.size) and work.char in "fd":
        run_chunks(lambda a, b: _scatter_loop(given, places, planes, a, b), planes.shape[0], out.size)
    else:
        flat = places + (np.arange(planes.shape[0]) * planes.shape[1])[:, None]
        np.add.at(planes.ravel(), flat.ravel(), given.ravel())
    return out.astype(g.dtype, copy=False)


@compiled()
def _scatter_loop(g: Array, indices: Array, out: Array, start: int, stop: int) -> None:
    for p in range(start, stop):
        for i in range(g.shape[1]):
            out[p, indices[p, i]] += g[p, i]


def max_unpool(x: Array, indices: Array, spatial: Sequence[int]) -> Array:
    """Lay ``x (N, C, *pooled)`` down at the flat ``indices`` of planes of zeros ``(N, C, *spatial)``.

    Where several have one index, the last one counts. Its gradient is ``gather_planes`` of the same indices.
    """
    size = math.prod(spatial)
    wrong = (indices < 0) | (indices >= size)
    if wrong.any():
        volume = "x".join(map(str, [*spatial, 1] if len(spatial) == 1 else spatial))
        raise RuntimeError(
            f"Found an invalid max index: {int(indices[wrong][0])} (output volumes are of size {volume})"
        )
    out = np.zeros((x.shape[0] * x.shape[1], size), x.dtype)
    flat = indices.reshape(out.shape[0], math.prod(x.shape[2:])) + (np.arange(out.shape[0]) * size)[:, None]
    out.ravel()[flat.ravel()] = x.ravel()
    return out.reshape(*x.shape[:2], *spatial)
