"""Resampling: what is linear in the picture is a short row of weights for each new position along each axis.

An ``AxisMap`` holds those rows. Interpolation, average pooling and their gradients are such maps applied one
axis after the other; the transpose of a map is again a map. ``grid_sample`` reads at any place, and
``unfold`` and ``fold`` lay windows out and add them up again.
"""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from .conv import add_windows, inner_part, windows
from .places import bincount, evenly, repeat
from .pool_of_threads import run_chunks

__all__ = [
    "AxisMap",
    "affine_grid",
    "affine_grid_grad",
    "apply_maps",
    "fold",
    "grid_sample",
    "grid_sample_grad",
    "interpolate",
    "interpolate_grad",
    "interpolate_size",
    "unfold",
]

Array = np.ndarray[Any, Any]
BLOCK = 32  # new positions computed by one dense product: a band of old ones around them


# ---------------------------------------------------------------------------------------------------------
# Linear maps along one axis


class AxisMap:
    """``new[o] = sum over t of weights[o, t] * old[index[o, t]]`` for an axis of ``length`` old positions.

    A weight of zero marks an unused entry: what lies there is not read, be it infinite.
    """

    def __init__(self, index: Array, weights: Array, length: int) -> None:
        self.index, self.weights, self.length = index, weights, length
        self._blocks: dict[Any, list[tuple[slice, slice, Array]]] = {}
        self._transpose: AxisMap | None = None

    @property
    def T(self) -> "AxisMap":
        """The map of the gradient: from new positions back to old ones."""
        if self._transpose is None:
            rows, taps = np.nonzero(self.weights)
            old = self.index[rows, taps]
            order = np.argsort(old, kind="stable")
            rows, old, weights = rows[order], old[order], self.weights[rows, taps][order]
            counts = bincount(old, minlength=self.length)
            width = max(int(counts.max(initial=0)), 1)
            place = np.arange(old.size) - repeat(np.cumsum(counts) - counts, counts)
            index = np.zeros((self.length, width), np.intp)
            table = np.zeros((self.length, width))
            index[old, place], table[old, place] = rows, weights
            self._transpose = AxisMap(index, table, self.index.shape[0])
            self._transpose._transpose = self
        return self._transpose

    @functools.cached_property
    def gathers(self) -> bool:
        """Whether every new position is a copy of an old one."""
        return self.index.shape[1] == 1 and bool((self.weights == 1).all())

    def blocks(self, dtype: np.dtype[Any]) -> list[tuple[slice, slice, Array]]:
        """The map as dense pieces ``(new positions, old positions, matrix)``."""
        if dtype not in self._blocks:
            pieces = []
            for start in range(0, self.index.shape[0], BLOCK):
                index, weights = self.index[start : start + BLOCK], self.weights[start : start + BLOCK]
                used = index[weights != 0]
                low, high = (int(used.min()), int(used.max()) + 1) if used.size else (0, 0)
                matrix = np.zeros((index.shape[0], high - low), dtype)
                row, tap = np.nonzero(weights)
                np.add.at(matrix, (row, index[row, tap] - low), weights[row, tap].astype(dtype))
                pieces.append((slice(start, start + index.shape[0]), slice(low, high), matrix))
            self._blocks[dtype] = pieces
        return self._blocks[dtype]

    def apply(self, x: Array, axis: int) -> Array:
        """The map along ``axis`` of ``x``, whose dtype is a floating one that BLAS knows."""
        if self.gathers:
            return np.take(x, self.index[:, 0], axis)
        if not math.isfinite(np.add.reduce(x, axis=None)):
            return self._by_taps(x, axis)
        before, after = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
        out = np.empty((*x.shape[:axis], self.index.shape[0], *x.shape[axis + 1 :]), x.dtype)
        if not x.size or not out.size:
            return np.zeros_like(out)
        flat, new = np.ascontiguousarray(x).reshape(before, -1, after), out.reshape(before, -1, after)
        for to, of, matrix in self.blocks(x.dtype):
            if after == 1:
                np.matmul(flat[:, of, 0], matrix.T, new[:, to, 0])
            else:
                np.matmul(matrix, flat[:, of], new[:, to])
        return out

    def _by_taps(self, x: Array, axis: int) -> Array:
        """One tap after the other: infinities and nans reach only those who look at them."""
        out = np.zeros((*x.shape[:axis], self.index.shape[0], *x.shape[axis + 1 :]), x.dtype)
        shape = (-1, *(1 for _ in x.shape[axis + 1 :]))
        for t in range(self.index.shape[1]):
            weight = self.weights[:, t].astype(x.dtype).reshape(shape)
            np.add(out, np.take(x, self.index[:, t], axis) * weight, out=out, where=weight != 0)
        return out


def apply_maps(x: Array, maps: Sequence[AxisMap]) -> Array:
    """The maps along the last ``len(maps)`` axes; half precision is computed in single."""
    work = x.astype(np.float32) if x.dtype == np.float16 else x
    first = x.ndim - len(maps)
    # Axes that shrink come first, so that the others have less to do.
    for i in sorted(range(len(maps)), key=lambda i: maps[i].index.shape[0] / max(maps[i].length, 1)):
        work = maps[i].apply(work, first + i)
    return work.astype(x.dtype, copy=False)


# ---------------------------------------------------------------------------------------------------------
# Interpolation


def interpolate_size(
    spatial: Sequence[int],
    size: int | Sequence[int] | None,
    scale_factor: float | Sequence[float] | None,
    recompute_scale_factor: bool | None = None,
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new spatial shape, and for each axis the scale given for its positions (None: from the shapes)."""
    dims = len(spatial)
    if (size is None) == (scale_factor is None):
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        sizes = (size,) * dims if isinstance(size, int) else tuple(size)
        return sizes, (None,) * dims
    factors = (scale_factor,) * dims if isinstance(scale_factor, (int, float)) else tuple(scale_factor or ())
    sizes = tuple(math.floor(n * f) for n, f in zip(spatial, factors, strict=True))
    return sizes, (None,) * dims if recompute_scale_factor else tuple(float(f) for f in factors)


def interpolate(
    x: Array,
    size: Sequence[int],
    mode: str = "nearest",
    align_corners: bool = False,
    scales: Sequence[float | None] | None = None,
    antialias: bool = False,
) -> Array:
    """Resample the spatial axes of ``x (N, C, *spatial)`` to ``size``.

    ``mode`` is one of nearest, nearest-exact, linear (any number of axes: also called bilinear, trilinear),
    bicubic, lanczos (with antialias only) and area; ``size`` and ``scales`` come from ``interpolate_size``. Bytes are computed in fixed
    point.
    """
    maps = _interpolation_maps(x.shape[2:], size, mode, align_corners, scales, antialias)
    if x.dtype == np.uint8 and not mode.startswith("nearest"):
        for axis in range(x.ndim - 1, 1, -1):
            x = _map_bytes(x, maps[axis - 2], axis)
        return x
    return apply_maps(x, maps)


def _map_bytes(x: Array, taps: AxisMap, axis: int) -> Array:
    """One axis of bytes in fixed point: weights in 16 bits, the sum rounded and clipped to a byte again."""
    merged = taps.weights.copy()  # what the border gets several times is rounded once
    for t in range(merged.shape[1] - 1, 0, -1):
        same = taps.index[:, t] == taps.index[:, t - 1]
        merged[same, t - 1] += merged[same, t]
        merged[same, t] = 0
    top = float(merged.max(initial=0))
    bits = next((b for b in range(22) if int(0.5 + top * 2 ** (b + 1)) >= 1 << 15), 22)
    scaled = merged * 2**bits
    weights = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32)
    shape = (-1, *(1 for _ in x.shape[axis + 1 :]))
    total: Array = np.full((1,) * x.ndim, 1 << bits >> 1, np.int32)
    for t in range(weights.shape[1]):
        total = total + np.take(x, taps.index[:, t], axis) * weights[:, t].reshape(shape)
    clipped: Array = np.clip(total >> bits, 0, 255)
    return clipped.astype(np.uint8)


def interpolate_grad(
    g: Array,
    spatial: Sequence[int],
    mode: str = "nearest",
    align_corners: bool = False,
    scales: Sequence[float | None] | None = None,
    antialias: bool = False,
) -> Array:
    """The transpose of ``interpolate``: ``g (N, C, *size)`` gives ``(N, C, *spatial)``."""
    maps = _interpolation_maps(spatial, g.shape[2:], mode, align_corners, scales, antialias)
    return apply_maps(g, [m.T for m in maps])


def _interpolation_maps(
    old: Sequence[int],
    new: Sequence[int],
    mode: str,
    align_corners: bool,
    scales: Sequence[float | None] | None,
    antialias: bool,
) -> list[AxisMap]:
    scales = scales or (None,) * len(old)
    return [
        interpolation_map(int(n), int(m), mode, align_corners, s, antialias)
        for n, m, s in zip(old, new, scales, strict=True)
    ]


@functools.lru_cache(64)
def interpolation_map(
    old: int, new: int, mode: str, align_corners: bool, scale: float | None, antialias: bool
) -> AxisMap:
    """The rows of weights for one axis from ``old`` to ``new`` positions."""
    if mode == "area":
        return averaging_map(old, *adaptive_bounds(old, new))
    if mode in ("nearest", "nearest-exact"):
        # In single precision, as positions that fall on an edge are decided by its rounding.
        step = np.float32(1 / scale) if scale else np.float32(old) / np.float32(new)
        middle = np.float32(0.5 if mode == "nearest-exact" else 0)
        place = np.floor((np.arange(new, dtype=np.float32) + middle) * step)
        index = np.minimum(place.astype(np.intp), old - 1)[:, None]
        return AxisMap(index, np.ones(index.shape), old)
    if align_corners:
        ratio = (old - 1) / (new - 1) if new > 1 else 0.0
    else:
        ratio = 1 / scale if scale else old / new
    cubic = mode == "bicubic"
    if not cubic and mode not in ("linear", "bilinear", "trilinear", "lanczos"):
        raise ValueError(
            f"interpolate: mode is {mode!r}; expected 'nearest', 'nearest-exact', 'linear', 'bilinear', "
            "'trilinear', 'bicubic', 'lanczos' or 'area'"
        )
    if antialias:
        return _antialias_map(old, new, ratio, mode)
    place = np.arange(new) * ratio if align_corners else (np.arange(new) + 0.5) * ratio - 0.5
    if cubic:
        low = np.floor(place)
        index = low[:, None] + np.arange(-1, 3)
        return AxisMap(np.clip(index, 0, old - 1).astype(np.intp), cubic_kernel(place[:, None] - index, -0.75), old)
    place = np.maximum(place, 0)
    low = np.minimum(place.astype(np.intp), old - 1)
    share = np.minimum(place - low, 1)
    index = np.stack([low, np.minimum(low + 1, old - 1)], 1)
    return AxisMap(index, np.stack([1 - share, share], 1), old)


def cubic_kernel(distance: Array, a: float) -> Array:
    """Keys' cubic convolution kernel: ``a`` is its slope at distance one."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def lanczos_kernel(distance: Array) -> Array:
    """Lanczos' windowed sinc, three positions to either side."""
    return np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)


def _antialias_map(old: int, new: int, ratio: float, mode: str) -> AxisMap:
    """The kernel stretched over the old positions that one new position stands for, and normalized."""
    stretch = max(ratio, 1.0)
    reach = {"bicubic": 2, "lanczos": 3}.get(mode, 1) * stretch
    centre = (np.arange(new) + 0.5) * ratio
    low = np.maximum((centre - reach + 0.5).astype(np.intp), 0)
    high = np.minimum((centre + reach + 0.5).astype(np.intp), old)
    index = low[:, None] + np.arange(max(int((high - low).max(initial=1)), 1))
    distance = (index - centre[:, None] + 0.5) / stretch
    if mode == "lanczos":
        weights = lanczos_kernel(distance)
    else:
        weights = cubic_kernel(distance, -0.5) if mode == "bicubic" else np.maximum(1 - np.abs(distance), 0)
    weights[index >= high[:, None]] = 0
    total = weights.sum(1, keepdims=True)
    weights = np.divide(weights, total, out=weights, where=total != 0)
    return AxisMap(np.minimum(index, old - 1), weights, old)


def adaptive_bounds(old: int, new: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the windows that cut ``old`` positions into ``new`` parts begin and end."""
    low = tuple(o * old // new for o in range(new))
    return low, tuple(-(-(o + 1) * old // new) for o in range(new))


@functools.lru_cache(64)
def averaging_map(
    old: int, low: tuple[int, ...], high: tuple[int, ...], counts: tuple[float, ...] | None = None
) -> AxisMap:
    """The sums of the windows ``low <= i < high``, each divided by its count (or the one given)."""
    starts, stops = np.array(low, np.intp), np.array(high, np.intp)
    size = stops - starts
    index = starts[:, None] + np.arange(max(int(size.max(initial=1)), 1))
    divisors = size if counts is None else np.array(counts, float)
    share = 1 / np.where(divisors == 0, 1e-300, divisors)
    weights = np.where(index < stops[:, None], share[:, None], 0.0)
    return AxisMap(np.clip(index, 0, max(old - 1, 0)), weights, old)


# ---------------------------------------------------------------------------------------------------------
# Sampling at given places


def affine_grid(theta: Array, size: Sequence[int], align_corners: bool = False) -> Array:
    """Where the affine maps ``theta (N, dims, dims + 1)`` send a regular grid: ``(N, *size, dims)``."""
    base = _base_grid(size, align_corners, theta.dtype)
    grid = base.reshape(-1, base.shape[-1]) @ theta.swapaxes(1, 2)
    return grid.reshape(theta.shape[0], *size, theta.shape[1])


def affine_grid_grad(g: Array, align_corners: bool = False) -> Array:
    """The transpose of ``affine_grid``: from ``(N, *size, dims)`` to ``(N, dims, dims + 1)``."""
    base = _base_grid(g.shape[1:-1], align_corners, g.dtype)
    return g.reshape(g.shape[0], -1, g.shape[-1]).swapaxes(1, 2) @ base.reshape(-1, base.shape[-1])


def _base_grid(size: Sequence[int], align_corners: bool, dtype: np.dtype[Any]) -> Array:
    """Normalized coordinates ``(*size, dims + 1)``, the last axis of the picture first, and a one."""
    out = np.ones((*size, len(size) + 1), dtype)
    work = np.dtype(np.float64 if dtype == np.float64 else np.float32)
    for axis, n in enumerate(size):
        if n > 1:
            line = evenly(-1, 1, n, work)
            line = line if align_corners else line * work.type(n - 1) / work.type(n)  # in PyTorch's order
        else:
            line = np.zeros(n)
        out[..., len(size) - 1 - axis] = line.reshape(-1, *(1 for _ in size[axis + 1 :]))
    return out


def grid_sample(
    x: Array, grid: Array, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool = False
) -> Array:
    """Read ``x (N, C, *spatial)`` at ``grid (N, *out, dims)``: ``(N, C, *out)``.

    A place is in [-1, 1] along each axis, the last axis of the picture first. ``mode`` is bilinear, nearest
    or (two axes) bicubic; beyond the picture lie zeros, its border, or its reflection.
    """
    work = np.result_type(x.dtype, np.float32)
    planes, where = (
        x.astype(work, copy=False).reshape(*x.shape[:2], math.prod(x.shape[2:])),
        grid.astype(work, copy=False),
    )
    out = np.zeros((*x.shape[:2], math.prod(grid.shape[1:-1])), work)
    taps = _taps(where, x.shape[2:], mode, padding_mode, align_corners)

    def some(start: int, stop: int) -> None:
        for n in range(start, stop):
            for index, weight, _ in taps:
                out[n] += np.take(planes[n], index[n], 1) * weight[n]

    run_chunks(some, x.shape[0], out.size)
    return out.reshape(*x.shape[:2], *grid.shape[1:-1]).astype(x.dtype, copy=False)


def grid_sample_grad(
    g: Array,
    x: Array,
    grid: Array,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
    input: bool = True,
    places: bool = True,
) -> tuple[Array | None, Array | None]:
    """The gradients of ``grid_sample`` with respect to ``x`` and ``grid``, each if it is asked for."""
    work = np.result_type(x.dtype, np.float32)
    planes, where = (
        x.astype(work, copy=False).reshape(*x.shape[:2], math.prod(x.shape[2:])),
        grid.astype(work, copy=False),
    )
    given = g.astype(work, copy=False).reshape(*x.shape[:2], math.prod(g.shape[2:]))
    grad_x = np.zeros(planes.shape, work) if input else None
    grad_grid = np.zeros((grid.shape[0], given.shape[2], grid.shape[-1]), work) if places else None
    taps = _taps(where, x.shape[2:], mode, padding_mode, align_corners, slopes=places)

    def some(start: int, stop: int) -> None:
        for n in range(start, stop):
            for index, weight, slopes in taps:
                if grad_x is not None:
                    for c in range(x.shape[1]):
                        np.add.at(grad_x[n, c], index[n], given[n, c] * weight[n])
                if grad_grid is not None:
                    seen = (given[n] * np.take(planes[n], index[n], 1)).sum(0)
                    for axis, slope in enumerate(slopes):
                        grad_grid[n, :, axis] += seen * slope[n]

    run_chunks(some, x.shape[0], given.size)
    return (
        None if grad_x is None else grad_x.reshape(x.shape).astype(x.dtype, copy=False),
        None if grad_grid is None else grad_grid.reshape(grid.shape).astype(grid.dtype, copy=False),
    )


Tap = tuple[Array, Array, list[Array]]


def _taps(
    grid: Array,
    spatial: Sequence[int],
    mode: str,
    padding_mode: str,
    align_corners: bool,
    slopes: bool = False,
) -> list[Tap]:
    """For each corner (or cubic neighbour): flat index, weight, and slopes of the weight along each
    coordinate.

    All are ``(N, positions)``. Entries outside the picture have index zero and weight zero.
    """
    flat = grid.reshape(grid.shape[0], math.prod(grid.shape[1:-1]), grid.shape[-1])
    axes = []  # for each coordinate, the last axis of the picture first: (index, inside, weight, slope)s
    for i, n in enumerate(reversed(spatial)):
        place, slope = _unnormalize(flat[..., i], n, align_corners)
        if mode != "bicubic":  # a cubic looks at each of its neighbours through the padding instead
            place, slope = _fold_back(place, slope, n, padding_mode, align_corners)
        place = np.where(np.isfinite(place), place, -100.0).astype(place.dtype)
        axes.append(_AXIS_TAPS[mode](place, slope, n, padding_mode, align_corners))
    taps: list[Tap] = []
    strides = [math.prod(spatial[len(spatial) - i :]) for i in range(len(spatial))]
    for corner in product(*axes):
        inside = functools.reduce(np.logical_and, (c[1] for c in corner))
        places = [np.where(inside, c[0], 0) * s for c, s in zip(corner, strides, strict=True)]
        index = functools.reduce(np.add, places)
        weights = [c[2] for c in corner]
        weight = np.where(inside, functools.reduce(np.multiply, weights), 0)
        lean = []
        if slopes:
            for axis, c in enumerate(corner):
                others = [w for i, w in enumerate(weights) if i != axis]
                lean.append(np.where(inside, functools.reduce(np.multiply, others, c[3]), 0))
        taps.append((index, weight, lean))
    return taps


def _unnormalize(place: Array, n: int, align_corners: bool) -> tuple[Array, Array]:
    """From [-1, 1] to positions, and the derivative of that."""
    slope = (n - 1) / 2 if align_corners else n / 2
    moved: Array = place + 1
    if align_corners:
        moved = moved * place.dtype.type(slope)
    elif place.dtype == np.float32:  # product and difference are rounded once, as in PyTorch: floors depend on it
        moved = (moved.astype(np.float64) * slope - 0.5).astype(np.float32)
    else:
        moved = moved * slope - 0.5
    return moved, np.full(place.shape, slope, place.dtype)


def _fold_back(place: Array, slope: Array, n: int, padding_mode: str, align_corners: bool) -> tuple[Array, Array]:
    """Places beyond the picture brought back to it; the slope turns or vanishes there."""
    if padding_mode == "zeros":
        return place, slope
    if padding_mode == "reflection":
        low, span = (0.0, n - 1.0) if align_corners else (-0.5, float(n))
        if span <= 0:
            return np.zeros_like(place), np.zeros_like(slope)
        away = place - low
        sign = np.where(away < 0, -1, 1)
        away = np.abs(away)
        turns = np.floor(away / span)
        rest = away - turns * span
        even = turns % 2 == 0
        place = np.where(even, rest, span - rest) + low
        slope = slope * np.where(even, sign, -sign)
    outside = (place <= 0) | (place >= n - 1)
    return np.clip(place, 0, n - 1), np.where(outside, 0, slope)


AxisTaps = list[tuple[Array, Array, Array, Array]]


def _inside(index: Array, n: int) -> tuple[Array, Array]:
    return np.clip(index, 0, n - 1).astype(np.intp), (index >= 0) & (index < n)


def _nearest_taps(place: Array, slope: Array, n: int, padding_mode: str, align_corners: bool) -> AxisTaps:
    return [(*_inside(np.rint(place), n), np.ones_like(place), np.zeros_like(place))]


def _linear_taps(place: Array, slope: Array, n: int, padding_mode: str, align_corners: bool) -> AxisTaps:
    low = np.floor(place)
    share = place - low
    return [(*_inside(low, n), 1 - share, -slope), (*_inside(low + 1, n), share, slope)]


def _cubic_taps(place: Array, slope: Array, n: int, padding_mode: str, align_corners: bool) -> AxisTaps:
    low = np.floor(place)
    taps: AxisTaps = []
    for k in range(-1, 3):
        at, a = low + k, -0.75
        distance = place - at
        d = np.abs(distance)
        near = (3 * (a + 2) * d - 2 * (a + 3)) * d
        far = (3 * a * d - 10 * a) * d + 8 * a
        lean = np.sign(distance) * np.where(d <= 1, near, far) * slope
        weight = cubic_kernel(distance, a).astype(place.dtype)
        at, _ = _fold_back(at, slope, n, padding_mode, align_corners)
        taps.append((*_inside(at, n), weight, lean.astype(place.dtype)))
    return taps


_AXIS_TAPS: dict[str, Callable[[Array, Array, int, str, bool], AxisTaps]] = {
    "nearest": _nearest_taps,
    "bilinear": _linear_taps,
    "bicubic": _cubic_taps,
}


# ---------------------------------------------------------------------------------------------------------
# Windows laid out, and added up again


def unfold(
    x: Array, kernel: Sequence[int], dilation: Sequence[int], padding: Sequence[int], stride: Sequence[int]
) -> Array:
    """The windows of ``x (N, C, *spatial)`` as ``(N, C * taps, windows)``: im2col, ``fold``'s transpose."""
    out = _window_counts(x.shape[2:], kernel, dilation, padding, stride)
    needed = [(q - 1) * s + d * (k - 1) + 1 for q, s, d, k in zip(out, stride, dilation, kernel, strict=True)]
    parts = [inner_part(n, m, p) for n, m, p in zip(x.shape[2:], needed, padding, strict=True)]
    full = (slice(None), slice(None))
    padded = np.zeros((*x.shape[:2], *needed), x.dtype)
    padded[(*full, *(p[0] for p in parts))] = x[(*full, *(p[1] for p in parts))]
    view = windows(padded, 2, kernel, out, stride, dilation)
    return view.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(out))


def fold(
    columns: Array,
    output_size: Sequence[int],
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Array:
    """Add windows ``(N, C * taps, windows)`` where they lie in pictures of ``output_size``: col2im."""
    out = _window_counts(output_size, kernel, dilation, padding, stride)
    channels = columns.shape[1] // math.prod(kernel)
    laid = columns.reshape(columns.shape[0], channels, *kernel, *out)
    work = np.float32 if columns.dtype == np.float16 else columns.dtype
    total = np.zeros((columns.shape[0], channels, *output_size), work)
    add_windows(laid, total, stride, padding, dilation)
    return total.astype(columns.dtype, copy=False)


def _window_counts(
    spatial: Sequence[int],
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> tuple[int, ...]:
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(spatial, kernel, dilation, padding, stride, strict=True)
    )
