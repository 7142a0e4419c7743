"""Convolution of any number of spatial dimensions: the product and its two transposes.

``conv_forward``, ``conv_grad_input`` and ``conv_grad_weight`` are the three faces of one trilinear form
``sum g[n,o,q] w[o,c,k] x[n,c,q*stride + k*dilation - before]``: each is linear in both its arguments, and the
derivatives of each are the other two. Windows are copied into a matrix of columns, a few samples at a time so
that it stays in the cache, and BLAS does the rest; where weights are few, tiles of sums over the padded
picture, if there is numba, do without columns.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import gcd, prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .jit import compiled, use_numba
from .pool_of_threads import PARALLEL_FROM, run_chunks
from .tiles import ROWS, TAPS, TILE_BYTES, VECTOR_BYTES, add_dots, add_products, copy

__all__ = [
    "conv_forward",
    "conv_grad_input",
    "conv_grad_weight",
    "conv_output_shape",
    "conv_transpose_output_shape",
]

Array = np.ndarray[Any, Any]
Ints = int | Sequence[int]
Padding = int | Sequence[int | tuple[int, int]]

COLUMN_BYTES = 4 << 20  # of one chunk of columns: a part of the last-level cache
BAND_BYTES = 64 << 20  # of the columns of one sample
COLUMN_WIDTH = 512  # samples are put together until a product has so many columns, that the weights are read seldom


# ---------------------------------------------------------------------------------------------------------
# The three faces


def conv_forward(
    x: Array,
    w: Array,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    output_shape: Sequence[int] | None = None,
) -> Array:
    """Cross-correlate ``x (N, C, *spatial)`` with ``w (O, C/groups, *kernel)``; the result is ``(N, O,
    *out)``.

    ``padding`` is one number, one a dimension, or a pair ``(before, after)`` a dimension. ``output_shape``
    (the spatial part) overrides what follows from the padding: the input is then read as zero wherever it
    ends early.
    """
    stride, before, after, dilation = _normal(x.ndim - 2, stride, padding, dilation)
    if output_shape is None:
        output_shape = _out_spatial(x.shape[2:], w.shape[2:], stride, before, after, dilation)
    work = _work_dtype(x, w)
    out = np.empty((x.shape[0], w.shape[0], *output_shape), work)
    _correlate(x.astype(work, copy=False), w.astype(work, copy=False), out, stride, before, dilation, groups)
    return out.astype(np.result_type(x, w), copy=False)


def conv_grad_input(
    g: Array,
    w: Array,
    input_shape: Sequence[int],
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """The transpose of ``conv_forward`` in ``x``: ``g (N, O, *out)`` and ``w`` give ``(N, C, *spatial)``.

    ``input_shape`` is the shape of the whole result. It is also the forward of a transposed convolution.
    There is no conjugation here: a rule for complex numbers conjugates ``w`` itself.
    """
    stride, before, _, dilation = _normal(g.ndim - 2, stride, padding, dilation)
    work = _work_dtype(g, w)
    out = np.empty(tuple(input_shape), work)
    gw, ww = g.astype(work, copy=False), w.astype(work, copy=False)
    # Copies of the phases against additions of the taps, which read, add and write in pieces.
    copied = g.shape[1] * prod(out.shape[2:]) / prod(stride)
    added = 3 * out.shape[1] * prod(g.shape[2:])
    thin = _is_thin(gw, ww, w.shape, stride, out.size, THIN)
    if prod(min(s, k) for s, k in zip(stride, w.shape[2:], strict=True)) > 16 or (copied > added and not thin):
        _scatter_columns(gw, ww, out, stride, before, dilation, groups)
    else:
        _transpose_by_phases(gw, ww, out, stride, before, dilation, groups)
    return out.astype(np.result_type(g, w), copy=False)


def conv_grad_weight(
    g: Array,
    x: Array,
    weight_shape: Sequence[int],
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Array:
    """The transpose of ``conv_forward`` in ``w``: ``g (N, O, *out)`` and ``x (N, C, *spatial)`` give it."""
    stride, before, _, dilation = _normal(g.ndim - 2, stride, padding, dilation)
    work = _work_dtype(g, x)
    gw, xw = g.astype(work, copy=False), x.astype(work, copy=False)
    total = np.zeros(tuple(weight_shape), work)
    if not (total.size and g.size):
        pass
    elif _is_thin(gw, xw, weight_shape, stride, g.size, THIN_GRADIENT):
        _thin_grad_weight(gw, xw, total, before, dilation, groups)
    else:
        out = total.reshape(groups, weight_shape[0] // groups, -1)
        for band, ahead in _bands(xw, weight_shape[2:], g.shape[2:], stride, before):
            part = gw[:, :, band]
            columns = _Columns(xw, weight_shape[2:], part.shape[2:], stride, ahead, dilation)
            for start, stop, matrix in columns:
                rows = columns.rows_of(part, start, stop, groups)
                out += rows @ matrix.reshape(groups, out.shape[2], -1).swapaxes(1, 2)
    return total.astype(np.result_type(g, x), copy=False)


def conv_output_shape(
    spatial: Sequence[int],
    kernel: Sequence[int],
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
) -> tuple[int, ...]:
    """The spatial shape of a convolution's result; entries may be below one when the kernel does not fit."""
    steps, before, after, dil = _normal(len(spatial), stride, padding, dilation)
    return _out_spatial(spatial, kernel, steps, before, after, dil)


def conv_transpose_output_shape(
    spatial: Sequence[int],
    kernel: Sequence[int],
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
) -> tuple[int, ...]:
    """The spatial shape of a transposed convolution's result (the ``input_shape`` of ``conv_grad_input``)."""
    steps, before, after, dil = _normal(len(spatial), stride, padding, dilation)
    extra = _ints(output_padding, len(spatial))
    return tuple(
        (n - 1) * s - b - a + d * (k - 1) + e + 1
        for n, k, s, b, a, d, e in zip(spatial, kernel, steps, before, after, dil, extra, strict=True)
    )


# ---------------------------------------------------------------------------------------------------------
# Arguments


def _ints(value: Ints, dims: int) -> tuple[int, ...]:
    return (value,) * dims if isinstance(value, int) else tuple(value) * (dims if len(value) == 1 else 1)


def _normal(
    dims: int, stride: Ints, padding: Padding, dilation: Ints
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Stride, padding before, padding after and dilation, each a tuple with an entry a dimension."""
    pads = (padding,) * dims if isinstance(padding, int) else tuple(padding) * (dims if len(padding) == 1 else 1)
    pairs = [(p, p) if isinstance(p, int) else p for p in pads]
    return _ints(stride, dims), tuple(p[0] for p in pairs), tuple(p[1] for p in pairs), _ints(dilation, dims)


def _out_spatial(
    spatial: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
    dilation: Sequence[int],
) -> tuple[int, ...]:
    return tuple(
        (n + b + a - d * (k - 1) - 1) // s + 1
        for n, k, s, b, a, d in zip(spatial, kernel, stride, before, after, dilation, strict=True)
    )


def _work_dtype(a: Array, b: Array) -> np.dtype[Any]:
    """Half precision is computed in single: BLAS has no half, and sums would lose it."""
    dtype = np.result_type(a, b)
    return np.dtype(np.float32) if dtype == np.float16 else dtype


# ---------------------------------------------------------------------------------------------------------
# Columns


def windows(a: Array, first: int, taps: Sequence[int], out: Sequence[int], stride: Sequence[int],
            dilation: Sequence[int]) -> Array:  # fmt: skip
    """A view of ``a`` in which the axes from ``first`` on are replaced by ``(*taps, *out)``."""
    lead, steps, last = a.strides[:first], a.strides[first : first + len(taps)], first + len(taps)
    shape = (*a.shape[:first], *taps, *out, *a.shape[last:])
    strides = (
        *lead,
        *(s * d for s, d in zip(steps, dilation, strict=True)),
        *(s * d for s, d in zip(steps, stride, strict=True)),
        *a.strides[last:],
    )
    return as_strided(a, shape, strides)


def inner_part(length: int, needed: int, before: int) -> tuple[slice, slice]:
    """Where an axis of ``length``, padded or cropped by ``before``, lies in ``needed`` (there and here)."""
    low, skip = max(before, 0), max(-before, 0)
    count = max(min(length - skip, needed - low), 0)
    return slice(low, low + count), slice(skip, skip + count)


def copy_threaded(target: Array, source: Array) -> None:
    """``target[...] = source``, by several threads along the longest of the leading axes if it is large."""
    if target.size < PARALLEL_FROM:
        np.copyto(target, source)
        return
    axis = int(np.argmax(target.shape[:-1])) if target.ndim > 1 else 0
    to, of = (target, source) if axis == 0 else (np.moveaxis(target, axis, 0), np.moveaxis(source, axis, 0))
    run_chunks(lambda low, high: np.copyto(to[low:high], of[low:high]), to.shape[0], target.size)


def _bands(
    x: Array, taps: Sequence[int], out: Sequence[int], stride: Sequence[int], before: Sequence[int]
) -> Iterator[tuple[slice, tuple[int, ...]]]:
    """Pieces of the first axis of positions for which the columns of one sample stay below the limit.

    Each comes with its padding: positions that begin later see less of what is before the picture.
    """
    row = x.shape[1] * prod(taps) * prod(out[1:]) * x.itemsize
    count = max(1, BAND_BYTES // max(row, 1)) if prod(taps) > 1 else out[0]
    for start in range(0, out[0], count):
        yield slice(start, start + count), (before[0] - start * stride[0], *before[1:])


class _Columns:
    """The windows of ``x`` as matrices ``(C * taps, samples * positions)``, a chunk of samples at a time.

    Positions run fastest; for small pictures in large batches the samples do instead, so that what is copied
    are long runs. Iterating gives ``(start, stop, matrix)``; the matrix is overwritten by the next one.
    """

    def __init__(
        self,
        x: Array,
        taps: Sequence[int],
        out: Sequence[int],
        stride: Sequence[int],
        before: Sequence[int],
        dilation: Sequence[int],
    ) -> None:
        batch, channels = x.shape[:2]
        self.x, self.taps, self.out = x, tuple(taps), tuple(out)
        self.stride, self.dilation = stride, dilation
        self.height, self.positions = channels * prod(taps), prod(out)
        per_sample = max(self.height * self.positions * x.itemsize, 1)
        wide = min(-(-COLUMN_WIDTH // max(self.positions, 1)), 16 * COLUMN_BYTES // per_sample)
        self.samples = max(1, min(batch, max(COLUMN_BYTES // per_sample, wide)))
        self.batch_last = self.samples >= 8 and out[-1] <= 12
        needed = [(q - 1) * s + d * (k - 1) + 1 for q, s, d, k in zip(out, stride, dilation, taps, strict=True)]
        parts = [inner_part(n, m, b) for n, m, b in zip(x.shape[2:], needed, before, strict=True)]
        self.there, self.here = tuple(p[0] for p in parts), tuple(p[1] for p in parts)
        self.inside = all(t == slice(0, m) for t, m in zip(self.there, needed, strict=True))
        self.needed = needed
        self.bare = (  # a column matrix is the picture itself
            self.inside and set(taps) == {1} and set(stride) == {1} and self.here == tuple(map(slice, x.shape[2:]))
        )

    def __iter__(self) -> Iterator[tuple[int, int, Array]]:
        x, n, dims = self.x, self.samples, len(self.taps)
        batch, channels = x.shape[:2]
        if self.bare and n == 1:
            yield from ((i, i + 1, x[i].reshape(channels, -1)) for i in range(batch))
            return
        x = x[(slice(None), slice(None), *self.here)]
        store = np.empty(self.height * n * self.positions, x.dtype)
        padded = None
        if self.batch_last:
            padded = np.zeros((channels, *self.needed, n), x.dtype)
        elif not self.inside:
            padded = np.zeros((n, channels, *self.needed), x.dtype)
        for start in range(0, batch, n):
            stop = min(start + n, batch)
            count = stop - start
            chunk = x[start:stop]
            if self.batch_last:
                assert padded is not None
                padded = padded[..., :count]
                copy_threaded(padded[(slice(None), *self.there)], np.moveaxis(chunk, 0, -1))
                view = windows(padded, 1, self.taps, self.out, self.stride, self.dilation)
            else:
                if padded is not None:
                    padded = padded[:count]
                    copy_threaded(padded[(slice(None), slice(None), *self.there)], chunk)
                    chunk = padded
                view = windows(chunk, 2, self.taps, self.out, self.stride, self.dilation)
                view = view.transpose(1, *range(2, 2 + dims), 0, *range(2 + dims, 2 + 2 * dims))
            matrix = store[: self.height * count * self.positions]
            copy_threaded(matrix.reshape(view.shape), view)
            yield start, stop, matrix.reshape(self.height, -1)

    def rows_of(self, g: Array, start: int, stop: int, groups: int) -> Array:
        """``g[start:stop]`` as ``(groups, O / groups, samples * positions)`` in the order of the columns."""
        chunk = g[start:stop]
        if stop - start > 1:
            moved = np.moveaxis(chunk, 0, -1 if self.batch_last else 1)
            chunk = np.empty(moved.shape, g.dtype)
            copy_threaded(chunk, moved)
        return chunk.reshape(groups, g.shape[1] // groups, -1)

    def put(self, rows: Array, out: Array, start: int, stop: int) -> None:
        """The inverse of ``rows_of``: lay ``rows`` down in ``out[start:stop]``."""
        count = stop - start
        if self.batch_last:
            source = np.moveaxis(rows.reshape(out.shape[1], *self.out, count), -1, 0)
        else:
            source = rows.reshape(out.shape[1], count, *self.out).swapaxes(0, 1)
        copy_threaded(out[start:stop], source)


# ---------------------------------------------------------------------------------------------------------
# Thin products without columns: in a padded picture laid flat, a tap is an offset
#
# Every position of the flat picture is computed, the few between the rows too; those are not copied out.

THIN = 1 << 18  # weights
THIN_GRADIENT = 1 << 16  # weights, each with a sum in memory that is added to for every picture
PICTURE = 512  # positions that smaller pictures are put together to
BLOCK = 720  # positions whose sums stay in the first-level cache
BLOCK_BYTES = 256 << 10  # of what a block of positions reads: a part of the second-level cache
TAPS_AT_ONCE = 512  # whose weights stay in the first-level cache


def _is_thin(a: Array, b: Array, weight_shape: Sequence[int], stride: Sequence[int], size: int, limit: int) -> bool:
    """Whether the loops below beat BLAS: columns cost more than they give, as they do where weights are few."""
    few = weight_shape[0] * prod(weight_shape[1:]) <= limit and prod(weight_shape[2:]) > 1
    floats = a.dtype == b.dtype and a.dtype in (np.float32, np.float64)
    return few and floats and set(stride) == {1} and use_numba(size)


class _Flat:
    """Where rows and taps lie when the pictures of ``samples`` samples are laid out flat, channel by channel.

    Rows stand ``pitch`` apart with zeros between them, which are the padding behind one row and before the
    next; so do the pictures. ``pictures (N, groups, channels, rows, width)`` is what there is of them,
    ``places`` where a picture's rows begin, ``offsets`` where the taps of a group look, and ``rows`` where
    the results lie.
    """

    def __init__(
        self,
        x: Array,
        taps: Sequence[int],
        out: Sequence[int],
        before: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> None:
        channels = x.shape[1] // groups
        reach = [d * (k - 1) for d, k in zip(dilation, taps, strict=True)]
        parts = [inner_part(n, q + r, b) for n, q, r, b in zip(x.shape[2:], out, reach, before, strict=True)]
        x = np.ascontiguousarray(x[(slice(None), slice(None), *(here for _, here in parts))])
        ahead = [there.start for there, _ in parts]
        behind = [q + r - there.stop for q, r, (there, _) in zip(out, reach, parts, strict=True)]
        pitch = [max(n + max(a, b), q) for n, a, b, q in zip(x.shape[2:], ahead, behind, out, strict=True)]
        steps = [prod(pitch[i:]) for i in range(len(pitch) + 1)]
        self.step = steps[0]
        self.samples = max(1, min(-(-x.shape[0] // 16), PICTURE // steps[0]))  # in sixteenths: work for all threads
        self.pictures = x.reshape(x.shape[0], groups, channels, -1, x.shape[-1])
        self.places = _grid(x.shape[2:-1], steps[1:-1]) + sum(a * s for a, s in zip(ahead, steps[1:], strict=True))
        self.rows = _grid([self.samples, *out[:-1]], [self.step, *steps[1:-1]])
        self.width, self.per_sample = out[-1], prod(out[:-1])
        last = sum(r * s for r, s in zip(reach, steps[1:], strict=True))
        self.plane = self.samples * steps[0] + last + int(self.places[-1]) + x.shape[-1]
        inside = [d * s for d, s in zip(dilation, steps[1:], strict=True)]
        self.offsets = _grid([channels, *taps], [self.plane, *inside])
        self.chunks = -(-x.shape[0] // self.samples) * groups
        self.tile = TILE_BYTES // x.itemsize
        self.channels, self.reach = channels, last

    def block(self, others: int = 0) -> int:
        """How many positions to do at a time: whole tiles, few where there are many channels."""
        lines, size = self.channels + others, self.pictures.itemsize
        block: int = min(BLOCK, BLOCK_BYTES // (lines * size) - self.reach)
        return max(block // self.tile, 8) * self.tile

    def tiles(self) -> tuple[Array, Array]:
        """Where tiles begin, and where the rows of results lie in the tiles laid end to end.

        Tiles begin anew with each row, with each picture, or never: whichever takes the fewest.
        """
        best = None
        for run in (1, self.per_sample, self.rows.size):
            firsts = self.rows[::run]
            length = int(self.rows[run - 1]) + self.width
            each = -(-length // self.tile)
            if best is None or each * firsts.size < best[0].size:
                starts = np.add.outer(firsts, np.arange(each) * self.tile).ravel()
                inside = np.arange(firsts.size)[:, None] * (each * self.tile) + self.rows[:run]
                best = starts, inside.ravel()
        assert best is not None
        return best

    def blank(self) -> Array:
        """Memory for the laid out pictures, of zeros; a last tile may read beyond them."""
        return np.zeros(self.channels * self.plane + self.tile, self.pictures.dtype)


def _grid(counts: Sequence[int], steps: Sequence[int]) -> Array:
    """All sums of ``index * step``, the last axis fastest."""
    total = np.zeros(1, np.intp)
    for count, step in zip(counts, steps, strict=True):
        total = np.add.outer(total, np.arange(count) * step).ravel()
    return total


def _thin_correlate(
    x: Array, w: Array, out: Array, before: Sequence[int], dilation: Sequence[int], groups: int
) -> None:
    flat = _Flat(x, w.shape[2:], out.shape[2:], before, dilation, groups)
    outputs = w.shape[0] // groups
    weights = np.zeros((groups, -(-outputs // ROWS) * ROWS, flat.offsets.size), w.dtype)
    weights[:, :outputs] = w.reshape(groups, outputs, -1)
    weights = np.ascontiguousarray(weights.reshape(groups, -1, ROWS, flat.offsets.size).swapaxes(2, 3))
    target = out if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
    result = target.reshape(x.shape[0], groups, outputs, flat.per_sample, -1)
    block, tiles = flat.block(), flat.tiles() if outputs > 1 else (flat.offsets, flat.rows)

    def some(start: int, stop: int) -> None:
        _flat_correlate(
            flat.pictures, flat.blank(), flat.samples, flat.step, block, flat.places, *tiles, flat.offsets,
            weights, result, start, stop,
        )  # fmt: skip

    run_chunks(some, flat.chunks, out.size * flat.offsets.size)
    if target is not out:
        out[...] = target


def _thin_grad_weight(
    g: Array, x: Array, out: Array, before: Sequence[int], dilation: Sequence[int], groups: int
) -> None:
    flat = _Flat(x, out.shape[2:], g.shape[2:], before, dilation, groups)
    outputs, taps = g.shape[1] // groups, flat.offsets.size
    given = np.ascontiguousarray(g).reshape(g.shape[0], groups, outputs, flat.per_sample, -1)
    block = flat.block(outputs)
    flat.offsets = np.append(flat.offsets, np.full(-taps % TAPS, flat.offsets[-1]))  # whole tiles

    def some(start: int, stop: int) -> Array:
        part = np.zeros((groups, outputs + -outputs % ROWS, flat.offsets.size), out.dtype)
        _flat_grad_weight(
            flat.pictures, flat.blank(), flat.samples, flat.step, block, flat.places, flat.rows, flat.offsets,
            given, part, start, stop,
        )  # fmt: skip
        return part[:, :outputs, :taps]

    for part in run_chunks(some, flat.chunks, g.size * taps):
        out += part.reshape(out.shape)


@compiled(inline=True)
def _lay_rows(rows: Array, places: Array, at: int, target: Array) -> None:
    """Copy ``rows (count, width)`` into the flat ``target``, each to its place."""
    for r in range(rows.shape[0]):
        copy(rows[r], 0, target, at + places[r], rows.shape[1])


@compiled(inline=True)
def _take_part(sums: Array, at: int, stop: int, first: int, rows: Array, out: Array) -> None:
    """Fill the rows of ``out (samples, rows, width)`` from ``first`` on with what lies between ``at`` and ``stop``."""
    count, width = out.shape[1], out.shape[2]
    s, q = first // count, first % count
    for k in range(first, out.shape[0] * count):
        start = rows[k]
        if start >= stop:
            break
        low, high = max(start, at), min(start + width, stop)
        copy(sums, low - at, out[s, q], low - start, high - low)
        q += 1
        if q == count:
            s, q = s + 1, 0


@compiled(inline=True)
def _lay_pictures(x: Array, places: Array, step: int, plane: int, laid: Array) -> None:
    """Copy ``x (samples, channels, rows, width)`` to where the loops read it."""
    for channel in range(x.shape[1]):
        for s in range(x.shape[0]):
            _lay_rows(x[s, channel], places, s * step, laid[channel * plane :])


@compiled()
def _flat_correlate(
    x: Array, laid: Array, samples: int, step: int, block: int, places: Array, tiles: Array, rows: Array,
    offsets: Array, w: Array, out: Array, start: int, stop: int,
) -> None:  # fmt: skip
    """``out (N, groups, O, rows, width)`` for pairs (chunk of samples, group) from ``start`` to ``stop``.

    The weights ``w (groups, blocks, taps, ROWS)`` serve ``ROWS`` outputs at a time; ``tiles`` and ``rows``
    are those of ``_Flat.tiles``. One output a group fills no tile: its ``rows`` are those of the pictures.
    """
    groups, taps, outputs, width = w.shape[0], w.shape[2], out.shape[2], out.shape[4]
    tile = TILE_BYTES // x.itemsize
    sums = np.empty((ROWS, block), x.dtype)
    plane = (laid.size - tile) // x.shape[2]
    for pair in range(start, stop):
        n, c = pair // groups * samples, pair % groups
        chunk = min(samples, x.shape[0] - n)
        end = rows[chunk * out.shape[3] - 1] + width
        _lay_pictures(x[n : n + chunk, c], places, step, plane, laid)
        first = 0
        for at in range(0, end, block):
            until = min(at + block, end)
            while rows[first] + width <= at:
                first += 1
            if outputs == 1:
                _one_row(laid, at, offsets, w[c, 0, :, 0], sums[0], until - at)
                _take_part(sums[0], at, until, first, rows, out[n : n + chunk, c, 0])
                continue
            for o in range(w.shape[1]):
                for t in range(0, taps, TAPS_AT_ONCE):
                    these, weights = offsets[t : t + TAPS_AT_ONCE], w[c, o, t : t + TAPS_AT_ONCE]
                    for p in range(at, until, tile):
                        add_products(laid, tiles[p // tile], these, weights, sums, p - at, t)
                for r in range(min(ROWS, outputs - o * ROWS)):
                    _take_part(sums[r], at, until, first, rows, out[n : n + chunk, c, o * ROWS + r])


@compiled(inline=True)
def _one_row(x: Array, at: int, offsets: Array, w0: Array, a0: Array, count: int) -> None:
    """``a0`` gets the sums of the taps for one output, as in depthwise convolutions."""
    taps = offsets.size
    for p in range(count):
        a0[p] = 0
    t = 0
    while t + 9 <= taps:
        x0, x1, x2 = x[at + offsets[t] :], x[at + offsets[t + 1] :], x[at + offsets[t + 2] :]
        x3, x4, x5 = x[at + offsets[t + 3] :], x[at + offsets[t + 4] :], x[at + offsets[t + 5] :]
        x6, x7, x8 = x[at + offsets[t + 6] :], x[at + offsets[t + 7] :], x[at + offsets[t + 8] :]
        u0, u1, u2, u3, u4 = w0[t], w0[t + 1], w0[t + 2], w0[t + 3], w0[t + 4]
        u5, u6, u7, u8 = w0[t + 5], w0[t + 6], w0[t + 7], w0[t + 8]
        for p in range(count):
            a0[p] += (
                (u0 * x0[p] + u1 * x1[p] + u2 * x2[p])
                + (u3 * x3[p] + u4 * x4[p] + u5 * x5[p])
                + (u6 * x6[p] + u7 * x7[p] + u8 * x8[p])
            )
        t += 9
    while t < taps:
        x0, u0 = x[at + offsets[t] :], w0[t]
        for p in range(count):
            a0[p] += u0 * x0[p]
        t += 1


@compiled(inline=True)
def _one_row_grad(x: Array, at: int, offsets: Array, given: Array, out: Array, count: int) -> None:
    """Add to ``out (taps,)`` the products of ``given`` with ``x`` at each tap's offset."""
    taps, zero = offsets.size, x[0] * 0
    t = 0
    while t + 9 <= taps:
        x0, x1, x2 = x[at + offsets[t] :], x[at + offsets[t + 1] :], x[at + offsets[t + 2] :]
        x3, x4, x5 = x[at + offsets[t + 3] :], x[at + offsets[t + 4] :], x[at + offsets[t + 5] :]
        x6, x7, x8 = x[at + offsets[t + 6] :], x[at + offsets[t + 7] :], x[at + offsets[t + 8] :]
        s0, s1, s2, s3, s4, s5, s6, s7, s8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
        for p in range(count):
            s0 += given[p] * x0[p]
            s1 += given[p] * x1[p]
            s2 += given[p] * x2[p]
            s3 += given[p] * x3[p]
            s4 += given[p] * x4[p]
            s5 += given[p] * x5[p]
            s6 += given[p] * x6[p]
            s7 += given[p] * x7[p]
            s8 += given[p] * x8[p]
        out[t] += s0
        out[t + 1] += s1
        out[t + 2] += s2
        out[t + 3] += s3
        out[t + 4] += s4
        out[t + 5] += s5
        out[t + 6] += s6
        out[t + 7] += s7
        out[t + 8] += s8
        t += 9
    while t < taps:
        x0, s0 = x[at + offsets[t] :], zero
        for p in range(count):
            s0 += given[p] * x0[p]
        out[t] += s0
        t += 1


@compiled()
def _flat_grad_weight(
    x: Array, laid: Array, samples: int, step: int, block: int, places: Array, rows: Array, offsets: Array, g: Array,
    out: Array, start: int, stop: int,
) -> None:  # fmt: skip
    """Add to ``out (groups, O, taps)``, in whole tiles, what the pairs (chunk of samples, group) give."""
    groups, outputs = g.shape[1], g.shape[2]
    tile, lanes = TILE_BYTES // x.itemsize, VECTOR_BYTES // x.itemsize
    plane = (laid.size - tile) // x.shape[2]
    pitch = samples * step + tile  # whole vectors, that those of one line lie at even addresses if those of another do
    lines = np.zeros((out.shape[1], pitch - pitch % lanes), g.dtype)  # stays zero between the rows and beyond
    for pair in range(start, stop):
        n, c = pair // groups * samples, pair % groups
        chunk = min(samples, x.shape[0] - n)
        end = rows[chunk * g.shape[3] - 1] + g.shape[4]
        _lay_pictures(x[n : n + chunk, c], places, step, plane, laid)
        for s in range(chunk):
            for o in range(outputs):
                _lay_rows(g[n + s, c, o], rows[s * g.shape[3] : (s + 1) * g.shape[3]], 0, lines[o])
        for at in range(0, end, block):
            count = min(block, end - at)
            if outputs == 1:
                _one_row_grad(laid, at, offsets, lines[0, at:], out[c, 0], count)
            else:
                count += -count % lanes
                for o in range(0, outputs, ROWS):
                    given, sums = lines[o : o + ROWS], out[c, o : o + ROWS]
                    for t in range(0, offsets.size, TAPS):
                        add_dots(given, laid, at, offsets, sums, count, t)


# ---------------------------------------------------------------------------------------------------------
# Correlation into a given array, and its transposes


def _correlate(
    x: Array,
    w: Array,
    out: Array,
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> None:
    """Write the correlation of ``x`` and ``w`` to ``out``, whose strides may be any."""
    if not out.size:
        return
    if not x.size or not w.size:
        out[...] = 0
        return
    if _is_thin(x, w, w.shape, stride, out.size, THIN):
        _thin_correlate(x, w, out, before, dilation, groups)
        return
    for band, ahead in _bands(x, w.shape[2:], out.shape[2:], stride, before):
        _correlate_band(x, w, out[:, :, band], stride, ahead, dilation, groups)


def _correlate_band(
    x: Array,
    w: Array,
    out: Array,
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> None:
    columns = _Columns(x, w.shape[2:], out.shape[2:], stride, before, dilation)
    weights = w.reshape(groups, w.shape[0] // groups, -1)
    per_group = weights.shape[2]
    contiguous = out.flags.c_contiguous
    if columns.bare and contiguous:
        pictures = x.reshape(x.shape[0], groups, per_group, -1)
        np.matmul(weights, pictures, out.reshape(x.shape[0], *weights.shape[:2], -1))
        return
    for start, stop, matrix in columns:
        matrix = matrix.reshape(groups, per_group, -1)
        if contiguous and stop - start == 1:
            np.matmul(weights, matrix, out[start].reshape(*weights.shape[:2], -1))
        else:
            columns.put(np.matmul(weights, matrix), out, start, stop)


def _transpose_by_phases(
    g: Array,
    w: Array,
    out: Array,
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> None:
    """The transpose as correlations: positions of one remainder modulo the stride see the same few taps.

    Position ``t`` gets ``g[q] w[k]`` where ``t + before = q*stride + k*dilation``. For one remainder of
    ``t + before`` the taps are every ``stride / gcd(stride, dilation)``-th, and ``q`` goes down as they go
    up: a correlation of stride one with the flipped taps.
    """
    turned = w.reshape(groups, w.shape[0] // groups, *w.shape[1:]).swapaxes(1, 2)
    turned = turned.reshape(out.shape[1], w.shape[0] // groups, *w.shape[2:])
    axes = [
        list(_phases(n, k, s, b, d))
        for n, k, s, b, d in zip(out.shape[2:], w.shape[2:], stride, before, dilation, strict=True)
    ]
    ones = (1,) * len(axes)
    for phase in product(*axes):
        places, taps, befores, steps = zip(*phase, strict=True)
        part = out[(slice(None), slice(None), *places)]
        _correlate(g, turned[(slice(None), slice(None), *taps)], part, ones, befores, steps, groups)


def _phases(length: int, taps: int, stride: int, before: int, dilation: int) -> Iterator[tuple[slice, slice, int, int]]:
    """For each remainder: the positions, the taps (backwards), and the correlation's padding and dilation."""
    every = stride // gcd(stride, dilation)
    step = every * dilation // stride
    for remainder in range(min(stride, length)):
        first = (remainder - before) % stride
        if first >= length:
            continue
        start = next((k for k in range(min(every, taps)) if (k * dilation - remainder) % stride == 0), None)
        if start is None:
            yield slice(first, None, stride), slice(0, 0), 0, 1
            continue
        last = (taps - 1 - start) // every
        backwards = slice(start + last * every, start - every if start >= every else None, -every)
        reach = (first + before - start * dilation) // stride - last * step
        yield slice(first, None, stride), backwards, -reach, step


def _scatter_columns(
    g: Array,
    w: Array,
    out: Array,
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> None:
    """The transpose by way of columns: one product, then each tap is added where it came from."""
    out[...] = 0
    if not g.size or not w.size or not out.size:
        return
    taps = w.shape[2:]
    weights = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    for band, ahead in _bands(out, taps, g.shape[2:], stride, before):
        part = g[:, :, band]
        spatial = part.shape[2:]
        n = max(1, COLUMN_BYTES // (out.shape[1] * prod(taps) * prod(spatial) * out.itemsize))
        for start in range(0, g.shape[0], n):
            chunk = part[start : start + n]
            columns = np.matmul(weights, chunk.reshape(chunk.shape[0], groups, w.shape[0] // groups, -1))
            columns = columns.reshape(chunk.shape[0], out.shape[1], *taps, *spatial)
            add_windows(columns, out[start : start + n], stride, ahead, dilation)


def add_windows(
    columns: Array,
    out: Array,
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
) -> None:
    """Add ``columns (N, C, *taps, *positions)`` to ``out (N, C, *spatial)`` where the windows lie: col2im."""
    dims = out.ndim - 2
    taps, positions = columns.shape[2 : 2 + dims], columns.shape[2 + dims :]
    everything = (slice(None), slice(None))
    for tap in np.ndindex(*taps):
        there: list[slice] = []
        here: list[slice] = []
        for n, q, s, k, d, b in zip(out.shape[2:], positions, stride, tap, dilation, before, strict=True):
            offset = k * d - b
            low = max(0, -(offset // s))  # the first window whose tap is not before the picture
            high = min(q, (n - 1 - offset) // s + 1)
            if high <= low:
                break
            there.append(slice(low * s + offset, (high - 1) * s + offset + 1, s))
            here.append(slice(low, high))
        else:
            out[(*everything, *there)] += columns[(*everything, *tap, *here)]
