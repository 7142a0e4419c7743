"""Kernels over rows: softmax and its kin, cross-entropy from logits, layer, rms, group and batch norms.

An array is seen as rows along one axis, never moved: (outer, n) or, with axes behind, (outer, n, inner),
reduced over axis 1 either way. A NumPy text runs in blocks that stay in cache, so that a large array
passes through memory once; loops for numba stand beside it. Statistics are saved in place of whole arrays
wherever they suffice.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .jit import ByType, compiled, constant, use_numba
from .pool_of_threads import quietly, run_chunks
from .scalar import exp_

__all__ = [
    "batch_norm", "batch_norm_backward", "batch_norm_moments", "cross_entropy", "cross_entropy_backward",
    "cross_entropy_probabilities", "cross_entropy_probabilities_backward", "group_norm",
    "group_norm_backward", "layer_norm", "layer_norm_backward", "log_softmax", "log_softmax_backward",
    "logsumexp", "logsumexp_backward", "rms_norm", "rms_norm_backward", "softmax", "softmax_backward",
]  # fmt: skip

Array = np.ndarray[Any, Any]
SMALL = 4096  # elements: below, one block, and nothing but the ufuncs themselves
BLOCK_BYTES = 1 << 18  # with its scratch, about a second-level cache
STRIP = 2048  # columns summed in the array's own type before the sum goes on in float64

zero = constant(0)
add_reduce: Any = np.add.reduce  # positional arguments cost half of keywords, and mypy does not know them
max_reduce: Any = np.maximum.reduce
real: Any = ByType(np.float32, np.float64)


# ------------------------------------------------------------------------------------------ rows and blocks


def _wide(x: Array) -> Array:
    """float16 is computed in float32."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def _axis(axis: int, ndim: int) -> int:
    return axis + ndim if axis < 0 else axis


def _rows(x: Array, axis: int) -> Array:
    """``x`` as (outer, n) or (outer, n, inner); a copy only if it is not contiguous."""
    n = x.shape[axis]
    inner = math.prod(x.shape[axis + 1 :])
    outer = math.prod(x.shape[:axis])
    return np.ascontiguousarray(x).reshape((outer, n) if inner == 1 else (outer, n, inner))


def _sweep(text: Callable[[Any], Any], shape: tuple[int, ...], itemsize: int) -> list[Any]:
    """Call ``text(index)`` for blocks of rows that fit in cache, on several threads if there are many."""
    size = math.prod(shape)
    if len(shape) == 2:
        outer, n = shape
        height = max(1, BLOCK_BYTES // max(1, n * itemsize))

        def some_rows(start: int, stop: int) -> list[Any]:
            return [text((slice(i, min(i + height, stop)),)) for i in range(start, stop, height)]

        return [r for chunk in run_chunks(some_rows, outer, size, min(height, outer)) for r in chunk]
    outer, n, inner = shape
    width = min(inner, max(64, BLOCK_BYTES // max(1, n * itemsize)))
    across = -(-inner // width)
    height = max(1, BLOCK_BYTES // max(1, n * width * itemsize)) if across == 1 else 1
    down = -(-outer // height)

    def some_blocks(start: int, stop: int) -> list[Any]:
        found = []
        for block in range(start, stop):
            i, j = divmod(block, across)
            cut = slice(i * height, (i + 1) * height), slice(None), slice(j * width, (j + 1) * width)
            found.append(text(cut))
        return found

    return [r for chunk in run_chunks(some_blocks, down * across, size) for r in chunk]


def _loop(loop: Any, first: Array, *args: Any) -> list[Any]:
    """Run a compiled loop ``loop(first, *args, start, stop)`` over the rows of ``first``."""
    return run_chunks(lambda start, stop: loop(first, *args, start, stop), first.shape[0], first.size)


def _compiled_rows(x: Array) -> bool:
    return x.ndim == 2 and x.dtype.char in "fd" and use_numba(x.size)


def _compiled_columns(x: Array) -> bool:
    return x.ndim == 3 and x.shape[2] >= 8 and x.dtype.char in "fd" and use_numba(x.size)


def _bits(x: Array) -> Array:
    return x.view(np.int32 if x.dtype.char == "f" else np.int64)


# -------------------------------------------------------------------------------------------------- softmax

sign_bits: Any = ByType(np.int32(31), np.int64(63))
all_but_sign: Any = ByType(np.int32(0x7FFFFFFF), np.int64(0x7FFFFFFFFFFFFFFF))
lowest_key: Any = ByType(np.int32(-0x80000000), np.int64(-0x8000000000000000))
integer: Any = ByType(np.int32, np.int64)


@compiled(inline=True)
def _largest(bits: Any, i: Any, n: Any) -> Any:
    """The largest of a row of floats, nan if there is a (positive) one.

    Compared as integers whose order is that of the floats: comparisons of floats become vector instructions
    only if nan is ruled out.
    """
    key = lowest_key
    for j in range(n):
        b = bits[i, j]
        key = max(key, integer(b ^ ((b >> sign_bits) & all_but_sign)))
    return integer(key ^ ((key >> sign_bits) & all_but_sign)).view(real)


@compiled()
def _softmax_loop(x: Any, bits: Any, out: Any, start: int, stop: int) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        m = _largest(bits, i, n)
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                e = exp_(x[i, j] - m)
                out[i, j] = e
                s += e
            total += s
        factor = real(1.0 / total)
        for j in range(n):
            out[i, j] *= factor


@compiled()
def _logsumexp_loop(x: Any, bits: Any, largest: Any, sums: Any, start: int, stop: int) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        m = _largest(bits, i, n)
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                s += exp_(x[i, j] - m)
            total += s
        largest[i, 0] = m
        sums[i, 0] = total


@compiled()
def _log_softmax_loop(x: Any, bits: Any, out: Any, start: int, stop: int) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        m = _largest(bits, i, n)
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                s += exp_(x[i, j] - m)
            total += s
        s = real(math.log(total))
        for j in range(n):
            out[i, j] = (x[i, j] - m) - s


@compiled()
def _softmax_backward_loop(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    n = g.shape[1]
    for i in range(start, stop):
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                s += g[i, j] * y[i, j]
            total += s
        s = real(total)
        for j in range(n):
            out[i, j] = (g[i, j] - s) * y[i, j]


@compiled()
def _log_softmax_backward_loop(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    n = g.shape[1]
    for i in range(start, stop):
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                s += g[i, j]
            total += s
        s = real(total)
        for j in range(n):
            out[i, j] = g[i, j] - exp_(y[i, j]) * s


TILE = 128  # columns of (outer, n, inner) that are reduced together


@compiled()
def _softmax_columns_loop(
    x: Any, out: Any, largest: Any, sums: Any, keep: bool, lowest: Any, start: int, stop: int
) -> None:
    n, inner = x.shape[1], x.shape[2]
    tiles = (inner + TILE - 1) // TILE
    for unit in range(start, stop):
        i, a = unit // tiles, unit % tiles * TILE
        b = min(a + TILE, inner)
        m, total = np.full(b - a, lowest), np.zeros(b - a)
        for k in range(n):
            row = x[i, k, a:b]
            for j in range(b - a):
                m[j] = m[j] if m[j] >= row[j] or m[j] != m[j] else row[j]
        if keep:
            for k in range(n):
                row, result = x[i, k, a:b], out[i, k, a:b]
                for j in range(b - a):
                    result[j] = exp_(row[j] - m[j])
                for j in range(b - a):
                    total[j] += result[j]
            for k in range(n):
                result = out[i, k, a:b]
                for j in range(b - a):
                    result[j] /= real(total[j])
        else:
            for k in range(n):
                row = x[i, k, a:b]
                for j in range(b - a):
                    total[j] += exp_(row[j] - m[j])
        largest[i, 0, a:b], sums[i, 0, a:b] = m, total


@compiled()
def _scaled_columns_loop(
    x: Any, largest: Any, logs: Any, scale: Any, out: Any, plain: bool, start: int, stop: int
) -> None:
    n, inner = x.shape[1], x.shape[2]
    tiles = (inner + TILE - 1) // TILE
    for unit in range(start, stop):
        i, a = unit // tiles, unit % tiles * TILE
        b = min(a + TILE, inner)
        m, s, f = largest[i, 0, a:b], logs[i, 0, a:b], scale[i, 0, a:b]
        for k in range(n):
            row, result = x[i, k, a:b], out[i, k, a:b]
            if plain:
                for j in range(b - a):
                    result[j] = (row[j] - m[j]) - s[j]
            else:
                for j in range(b - a):
                    result[j] = exp_((row[j] - m[j]) - s[j]) * f[j]


def _loop_columns(loop: Any, first: Array, *args: Any) -> None:
    tiles = -(-first.shape[2] // TILE) * first.shape[0]
    run_chunks(lambda start, stop: loop(first, *args, start, stop), tiles, first.size)


def _columns_sums(x: Array, out: Array | None) -> tuple[Array, Array]:
    """Largest and sum of exp(x - largest) of the columns of (outer, n, inner); softmax goes to ``out``."""
    shape = (x.shape[0], 1, x.shape[2])
    largest, sums = np.empty(shape, x.dtype), np.empty(shape)
    keep = out is not None
    lowest = x.dtype.type(-np.inf)
    _loop_columns(_softmax_columns_loop, x, out if keep else x, largest, sums, keep, lowest)
    return largest, sums.astype(x.dtype)


def _softmax_columns(x: Array, out: Array) -> None:
    _columns_sums(x, out)


def _log_softmax_columns(x: Array, out: Array) -> None:
    largest, sums = _columns_sums(x, None)
    _loop_columns(_scaled_columns_loop, x, largest, np.log(sums, sums), sums, out, True)


def _softmax(x: Array, y: Array, axis: int) -> None:
    np.subtract(x, max_reduce(x, axis, None, None, True), y)
    np.exp(y, y)
    np.divide(y, add_reduce(y, axis, None, None, True), y)


def _log_softmax(x: Array, y: Array, axis: int) -> None:
    np.subtract(x, max_reduce(x, axis, None, None, True), y)
    sums = add_reduce(np.exp(y), axis, None, None, True)
    np.subtract(y, np.log(sums, sums), y)


def _softmax_backward(g: Array, y: Array, out: Array, axis: int) -> None:
    np.multiply(g, y, out)
    s = add_reduce(out, axis, None, None, True)
    np.subtract(g, s, out)
    np.multiply(out, y, out)


def _log_softmax_backward(g: Array, y: Array, out: Array, axis: int) -> None:
    np.exp(y, out)
    np.multiply(out, add_reduce(g, axis, None, None, True), out)
    np.subtract(g, out, out)


def _along_rows(text: Any, loop: Any, needs_bits: bool, axis: int, *inputs: Array, columns: Any = None) -> Array:
    """One output of the inputs' shape, by ``text(*inputs, out, axis)`` or by a compiled loop."""
    first = inputs[0]
    kind = first.dtype
    if 0 < first.size < SMALL and first.ndim and kind.char != "e":
        out = np.empty(first.shape, kind)
        quietly(text, *inputs, out, axis)
        return out
    if kind.char == "e":
        return _along_rows(text, loop, needs_bits, axis, *map(_wide, inputs), columns=columns).astype(kind)
    if not first.ndim:
        return _along_rows(text, loop, needs_bits, 0, *(a.reshape(1) for a in inputs)).reshape(())
    out = np.empty(first.shape, kind)
    if first.size:
        axis = _axis(axis, first.ndim)
        rows = [_rows(a, axis) for a in inputs]
        result = out.reshape(rows[0].shape)
        if _compiled_rows(rows[0]):
            _loop(loop, *rows, *([_bits(rows[0])] if needs_bits else []), result)
        else:
            with np.errstate(all="ignore"):
                if columns is not None and _compiled_columns(rows[0]):
                    columns(*rows, result)
                    return out
                _sweep(lambda i: text(*(a[i] for a in rows), result[i], 1), result.shape, out.itemsize)
    return out


def softmax(x: Array, axis: int) -> Array:
    """exp(x - max) / sum along ``axis``; a row of -inf gives nan, as 0/0 does."""
    return _along_rows(_softmax, _softmax_loop, True, axis, x, columns=_softmax_columns)


def softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """y (g - sum(g y)), with ``y`` the result of softmax."""
    return _along_rows(_softmax_backward, _softmax_backward_loop, False, axis, g, y)


def log_softmax(x: Array, axis: int) -> Array:
    """(x - max) - log(sum(exp(x - max))) along ``axis``."""
    return _along_rows(_log_softmax, _log_softmax_loop, True, axis, x, columns=_log_softmax_columns)


def log_softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """g - exp(y) sum(g), with ``y`` the result of log_softmax."""
    return _along_rows(_log_softmax_backward, _log_softmax_backward_loop, False, axis, g, y)


def _row_maxima_and_sums(rows: Array) -> tuple[Array, Array]:
    """The largest of each row of (outer, n[, inner]) and the sum of exp(x - largest) (at least float32)."""
    if _compiled_columns(rows):
        return _columns_sums(rows, None)
    shape = (rows.shape[0], 1, *rows.shape[2:])
    largest, sums = np.empty(shape, rows.dtype), np.empty(shape, rows.dtype)
    with np.errstate(all="ignore"):
        if _compiled_rows(rows):
            _loop(_logsumexp_loop, rows, _bits(rows), largest, sums)
        else:

            def text(i: Any) -> None:
                max_reduce(rows[i], 1, None, largest[i], True)
                y = np.subtract(rows[i], largest[i])
                add_reduce(np.exp(y, y), 1, None, sums[i], True)

            _sweep(text, rows.shape, rows.itemsize)
    return largest, sums


def logsumexp(x: Array, axis: int, keepdims: bool = False) -> Array:
    """log(sum(exp(x))) along one axis; infinite maxima come through, and no elements give -inf."""
    kind = x.dtype
    x = _wide(x) if x.ndim else _wide(x.reshape(1))
    axis = _axis(axis, x.ndim)
    shape = x.shape[:axis] + (1,) * keepdims + x.shape[axis + 1 :]
    if not x.size:
        return np.full(shape, -np.inf, kind)
    largest, sums = _row_maxima_and_sums(_rows(x, axis))
    with np.errstate(all="ignore"):
        result = np.log(sums, sums)
        np.add(result, largest, result)
        infinite = np.isinf(largest)
        if infinite.any():
            result[infinite] = largest[infinite]
    return result.reshape(shape).astype(kind, copy=False)


def logsumexp_backward(g: Array, x: Array, result: Array, axis: int, keepdims: bool = False) -> Array:
    """g exp(x - result)."""
    if x.ndim and not keepdims:
        g, result = np.expand_dims(g, axis), np.expand_dims(result, axis)
    with np.errstate(all="ignore"):
        out = np.asarray(np.subtract(x, result))
        np.exp(out, out)
        np.multiply(out, g, out)
    return out


# -------------------------------------------------------------------------------------------- cross-entropy


@compiled()
def _cross_entropy_backward_loop(x: Any, largest: Any, logs: Any, scale: Any, out: Any, start: int, stop: int) -> None:
    for i in range(start, stop):
        m, s, f = largest[i, 0], logs[i, 0], scale[i, 0]
        for j in range(x.shape[1]):
            out[i, j] = exp_((x[i, j] - m) - s) * f


def _scaled_softmax(x: Array, largest: Array, logs: Array, scale: Array) -> Array:
    """scale softmax(x), from the largest and the log of the sum of each row."""
    out = np.empty(x.shape, x.dtype)
    with np.errstate(all="ignore"):
        if _compiled_rows(x):
            _loop(_cross_entropy_backward_loop, x, largest, logs, scale, out)
        elif _compiled_columns(x):
            _loop_columns(_scaled_columns_loop, x, largest, logs, scale, out, False)
        else:

            def text(i: Any) -> None:
                y = out[i]
                np.subtract(x[i], largest[i], y)
                np.subtract(y, logs[i], y)
                np.exp(y, y)
                np.multiply(y, scale[i], y)

            _sweep(text, x.shape, x.itemsize)
    return out


def _picks(target: Array, shape: tuple[int, ...]) -> Any:
    """The index that takes, from (outer, n[, inner]), the element of class ``target`` in each row."""
    if len(shape) == 2:
        return np.arange(shape[0]), target
    return np.arange(shape[0])[:, None], target, np.arange(shape[2])


def _classes(target: Array, rows: Array, ignore_index: int) -> tuple[Array, Array]:
    """Class numbers as (outer[, inner]), 0 where ignored, and which are counted."""
    target = target.reshape((rows.shape[0], *rows.shape[2:]))
    counted = target != ignore_index
    classes = np.where(counted, target, 0)
    wrong = (classes < 0) | (classes >= rows.shape[1])
    if wrong.any():
        raise IndexError(f"Target {classes[wrong][0]} is out of bounds: there are {rows.shape[1]} classes")
    return classes, counted


def _reduced(losses: Array, divisor: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    total = np.asarray(losses.sum(dtype=np.float64))
    if reduction == "mean":
        with np.errstate(all="ignore"):
            total = total / divisor
    elif reduction != "sum":
        raise ValueError(f"{reduction} is not a valid value for reduction: give 'none', 'mean' or 'sum'")
    return np.asarray(total, losses.dtype)


def _class_weights(weight: Array | None, classes: Array, counted: Array, dtype: Any) -> Array:
    """The weight of each row: of its class, 0 where ignored."""
    return counted.astype(dtype) if weight is None else np.where(counted, weight.astype(dtype)[classes], 0)


def cross_entropy(
    x: Array, target: Array, weight: Array | None = None, reduction: str = "mean", ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> tuple[Array, tuple[Array, Array]]:  # fmt: skip
    """Cross-entropy of logits (N, C, ...) or (C,) and class numbers (N, ...) or (), and what backward needs.

    A row's loss is (1 - e) w_t (-log p_t) + e/C sum_c w_c (-log p_c), e the smoothing; the mean divides by
    the sum of the w_t. Saved are the largest of each row and the log of its sum, nothing as large as ``x``.
    """
    kind = x.dtype
    rows = _rows(_wide(x), 1 if x.ndim > 1 else 0)
    classes, counted = _classes(target, rows, ignore_index)
    if rows.size:
        largest, logs = _row_maxima_and_sums(rows)
    else:
        largest, logs = np.zeros((2, rows.shape[0], 1, *rows.shape[2:]), rows.dtype)
    with np.errstate(all="ignore"):
        np.log(logs, logs)
        row_weight = _class_weights(weight, classes, counted, rows.dtype)
        shift, log_sum = largest[:, 0], logs[:, 0]
        losses = log_sum - (rows[_picks(classes, rows.shape)] - shift) if rows.size else log_sum.copy()
        losses *= row_weight
        if label_smoothing:
            smooth = _smooth_losses(rows, shift, log_sum, weight)
            losses = losses * (1 - label_smoothing) + smooth * (label_smoothing / rows.shape[1])
        losses[~counted] = 0
    loss = _reduced(losses, row_weight.sum(dtype=np.float64), reduction)
    return loss.reshape(target.shape if reduction == "none" else ()).astype(kind, copy=False), (largest, logs)


def _smooth_losses(rows: Array, shift: Array, log_sum: Array, weight: Array | None) -> Array:
    """sum_c w_c (-log p_c) of each row, as sum(w) (log_sum + shift) - sum_c w_c x_c around the shift."""
    w = np.ones(rows.shape[1], rows.dtype) if weight is None else weight.astype(rows.dtype)
    total = np.empty(shift.shape, rows.dtype)
    column = w if rows.ndim == 2 else w[:, None]

    def text(i: Any) -> None:
        j = (i[0], i[2]) if len(i) == 3 else i
        y = np.subtract(rows[i], shift[j][:, None])
        np.subtract(log_sum[j][:, None], y, y)
        np.multiply(y, column, y)
        add_reduce(y, 1, None, total[j])

    _sweep(text, rows.shape, rows.itemsize)
    return total


def cross_entropy_backward(
    g: Array, x: Array, target: Array, saved: tuple[Array, Array], weight: Array | None = None,
    reduction: str = "mean", ignore_index: int = -100, label_smoothing: float = 0.0,
) -> Array:  # fmt: skip
    """For the logits, with a = (1 - e) w_t and b = e/C: g ((a + b sum(w)) p_c - b w_c - a [c = t])."""
    kind = x.dtype
    rows = _rows(_wide(x), 1 if x.ndim > 1 else 0)
    if not rows.size:
        return np.zeros(x.shape, kind)
    classes, counted = _classes(target, rows, ignore_index)
    with np.errstate(all="ignore"):
        row_weight = _class_weights(weight, classes, counted, rows.dtype)
        g = np.asarray(g, rows.dtype)
        if reduction == "mean":
            g = np.asarray(g / row_weight.sum(dtype=np.float64), rows.dtype)
        g = np.where(counted, g if not g.ndim else g.reshape(classes.shape), 0).astype(rows.dtype, copy=False)
        a = g * row_weight * rows.dtype.type(1 - label_smoothing)
        scale = a
        if label_smoothing:
            w = np.ones(rows.shape[1], rows.dtype) if weight is None else weight.astype(rows.dtype)
            b = g * rows.dtype.type(label_smoothing / rows.shape[1])
            scale = a + b * w.sum()
        out = _scaled_softmax(rows, *saved, np.ascontiguousarray(scale[:, None]))
        if label_smoothing:
            column = w if rows.ndim == 2 else w[:, None]
            _sweep(lambda i: np.subtract(out[i], b[:, None][i] * column, out[i]), out.shape, out.itemsize)
        out[_picks(classes, rows.shape)] -= a
        if not counted.all():
            out[:] = np.where(counted[:, None], out, 0)
    return out.reshape(x.shape).astype(kind, copy=False)


def _smoothed(q: Array, label_smoothing: float) -> Array:
    n = q.shape[1]
    return q * q.dtype.type(1 - label_smoothing) + q.dtype.type(label_smoothing / n) if label_smoothing else q


def cross_entropy_probabilities(
    x: Array,
    target: Array,
    weight: Array | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Array, tuple[Array, Array]]:
    """Cross-entropy of logits and class probabilities of the same shape: sum_c w_c q_c (-log p_c).

    The mean divides by the number of rows. Saved are the largest of each row and the log of its sum.
    """
    kind = x.dtype
    axis = 1 if x.ndim > 1 else 0
    rows, q = _rows(_wide(x), axis), _rows(target, axis).astype(_wide(x).dtype, copy=False)
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    if rows.size:
        largest, logs = _row_maxima_and_sums(rows)
    else:
        largest, logs = np.zeros((2, rows.shape[0], 1, *rows.shape[2:]), rows.dtype)
    losses = np.zeros((rows.shape[0], 1, *rows.shape[2:]), rows.dtype)
    w = None if weight is None else weight.astype(rows.dtype).reshape(-1, *(1,) * (rows.ndim - 2))
    with np.errstate(all="ignore"):
        np.log(logs, logs)

        def text(i: Any) -> None:
            y = np.subtract(rows[i], largest[i])
            np.subtract(logs[i], y, y)
            if w is not None:
                np.multiply(y, w, y)
            np.multiply(y, _smoothed(q[i], label_smoothing), y)
            add_reduce(y, 1, None, losses[i], True)

        _sweep(text, rows.shape, rows.itemsize)
    loss = _reduced(losses, math.prod(shape), reduction)
    return loss.reshape(shape if reduction == "none" else ()).astype(kind, copy=False), (largest, logs)


def cross_entropy_probabilities_backward(
    g: Array, x: Array, target: Array, saved: tuple[Array, Array], weight: Array | None = None,
    reduction: str = "mean", label_smoothing: float = 0.0, of_target: bool = False,
) -> tuple[Array, Array | None]:  # fmt: skip
    """g (p_c sum(w q) - w_c q_c) for the logits; for the probabilities, if asked, -g (1 - e) w_c log p_c."""
    kind = x.dtype
    axis = 1 if x.ndim > 1 else 0
    rows, q = _rows(_wide(x), axis), _rows(target, axis).astype(_wide(x).dtype, copy=False)
    count = math.prod(x.shape[:axis] + x.shape[axis + 1 :])
    largest, logs = saved
    g = np.asarray(g, rows.dtype)
    if reduction == "mean":
        g = g / rows.dtype.type(max(count, 1))
    g = np.broadcast_to(g if not g.ndim else g.reshape(largest.shape), largest.shape)
    w = None if weight is None else weight.astype(rows.dtype).reshape(-1, *(1,) * (rows.ndim - 2))
    out = np.empty(rows.shape, rows.dtype)
    to_target = np.empty(rows.shape, rows.dtype) if of_target else None

    def text(i: Any) -> None:
        wq = _smoothed(q[i], label_smoothing)
        if w is not None:
            wq = wq * w
        y = np.subtract(rows[i], largest[i])
        np.subtract(y, logs[i], y)
        if to_target is not None:
            t = y if w is None else y * w
            np.multiply(t, g[i] * rows.dtype.type(label_smoothing - 1), to_target[i])
        np.exp(y, y)
        np.multiply(y, add_reduce(wq, 1, None, None, True), y)
        np.subtract(y, wq, y)
        np.multiply(y, g[i], out[i])

    with np.errstate(all="ignore"):
        _sweep(text, rows.shape, rows.itemsize)
    if to_target is not None:
        to_target = to_target.reshape(x.shape).astype(target.dtype, copy=False)
    return out.reshape(x.shape).astype(kind, copy=False), to_target


# ---------------------------------------------------------------------------------- normalization over rows


@compiled()
def _norm_loop(
    x: Any,
    weight: Any,
    bias: Any,
    out: Any,
    means: Any,
    rstds: Any,
    centred: Any,
    eps: Any,
    start: int,
    stop: int,
) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        total = 0.0
        if centred:
            for strip in range(0, n, STRIP):
                s = zero
                for j in range(strip, min(strip + STRIP, n)):
                    s += x[i, j]
                total += s
        m = real(total / n)
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                s += (x[i, j] - m) * (x[i, j] - m)
            total += s
        r = real(1.0 / math.sqrt(total / n + eps))
        means[i, 0], rstds[i, 0] = m, r
        for j in range(n):
            out[i, j] = (x[i, j] - m) * r * weight[j] + bias[j]


@compiled()
def _norm_backward_loop(
    g: Any, x: Any, weight: Any, means: Any, rstds: Any, out: Any, of_weight: Any, of_bias: Any, sums: Any,
    centred: Any, start: int, stop: int,
) -> None:  # fmt: skip
    n = x.shape[1]
    for i in range(start, stop):
        m, r = means[i, 0], rstds[i, 0]
        straight, turned = 0.0, 0.0
        for strip in range(0, n, STRIP):
            s, t = zero, zero
            for j in range(strip, min(strip + STRIP, n)):
                gw = g[i, j] * weight[j]
                s += gw
                t += gw * (x[i, j] - m)
            straight += s
            turned += t
        a = real(straight / n) if centred else zero
        b = real(turned / n * r * r)
        for j in range(n):
            out[i, j] = (g[i, j] * weight[j] - a - (x[i, j] - m) * b) * r
        if sums:
            for j in range(n):
                of_weight[j] += g[i, j] * (x[i, j] - m) * r
                of_bias[j] += g[i, j]


def _norm(
    x: Array, n: int, weight: Array | None, bias: Array | None, eps: float, centred: bool
) -> tuple[Array, Array, Array]:
    kind = x.dtype
    x = _wide(x)
    outer = x.size // n if n else math.prod(x.shape)
    rows = np.ascontiguousarray(x).reshape(outer, n)
    out = np.empty(rows.shape, rows.dtype)
    means, rstds = np.zeros((outer, 1), rows.dtype), np.empty((outer, 1), rows.dtype)
    w = None if weight is None else _wide(weight).reshape(n)
    b = None if bias is None else _wide(bias).reshape(n)
    if rows.size and _compiled_rows(rows):
        w = np.ones(n, rows.dtype) if w is None else np.ascontiguousarray(w, rows.dtype)
        b = np.zeros(n, rows.dtype) if b is None else np.ascontiguousarray(b, rows.dtype)
        _loop(_norm_loop, rows, w, b, out, means, rstds, centred, float(eps))
    elif rows.size:

        def text(i: Any) -> None:
            y, r = out[i], rstds[i]
            if centred:
                m = add_reduce(rows[i], 1, None, means[i], True)
                np.divide(m, n, m)
                np.subtract(rows[i], m, y)
            else:
                y[...] = rows[i]
            add_reduce(np.square(y), 1, None, r, True)
            np.divide(r, n, r)
            np.add(r, eps, r)
            np.sqrt(r, r)
            np.reciprocal(r, r)
            np.multiply(y, r, y)
            if w is not None:
                np.multiply(y, w, y)
            if b is not None:
                np.add(y, b, y)

        with np.errstate(all="ignore"):
            _sweep(text, rows.shape, rows.itemsize)
    return out.reshape(x.shape).astype(kind, copy=False), means, rstds


def _norm_backward(
    g: Array, x: Array, n: int, weight: Array | None, means: Array, rstds: Array, centred: bool, sums: bool
) -> tuple[Array, Array | None, Array | None]:
    kind, shape = x.dtype, x.shape
    outer = means.shape[0]
    x, g = (np.ascontiguousarray(_wide(a)).reshape(outer, n) for a in (x, g))
    out = np.empty(x.shape, x.dtype)
    w = None if weight is None else np.ascontiguousarray(_wide(weight), x.dtype).reshape(n)
    parts: list[Any] = []
    if x.size and _compiled_rows(x):
        w = np.ones(n, x.dtype) if w is None else w

        def chunk(start: int, stop: int) -> tuple[Array, Array]:
            of_weight, of_bias = np.zeros((2, n if sums else 0))
            narrow = np.zeros((2, n if sums else 0), x.dtype)
            for i in range(start, stop, 256):  # sums in the array's type over few rows, then in float64
                _norm_backward_loop(
                    g, x, w, means, rstds, out, *narrow, sums, centred, i, min(i + 256, stop)
                )  # fmt: skip
                if sums:
                    of_weight += narrow[0]
                    of_bias += narrow[1]
                    narrow[:] = 0
            return of_weight, of_bias

        parts = run_chunks(chunk, outer, x.size)
    elif x.size:

        def text(i: Any) -> tuple[Any, Any] | None:
            y, gi = out[i], g[i]
            hat = np.subtract(x[i], means[i])
            np.multiply(hat, rstds[i], hat)
            found = (np.einsum("ij,ij->j", gi, hat), add_reduce(gi, 0)) if sums else None
            gw = gi if w is None else gi * w
            np.multiply(gw, hat, y)
            turned = add_reduce(y, 1, None, None, True)
            np.multiply(hat, turned / n, hat)
            if centred:
                np.subtract(gw, add_reduce(gw, 1, None, None, True) / n, y)
                gw = y
            np.subtract(gw, hat, y)
            np.multiply(y, rstds[i], y)
            return found

        with np.errstate(all="ignore"):
            parts = _sweep(text, x.shape, x.itemsize)
    out = out.reshape(shape).astype(kind, copy=False)
    if not sums:
        return out, None, None
    totals = np.zeros((2, n))
    for of_weight, of_bias in parts:
        totals[0] += of_weight
        totals[1] += of_bias
    kind = kind if weight is None else weight.dtype
    return out, totals[0].astype(kind), totals[1].astype(kind)


def layer_norm(
    x: Array, n: int, weight: Array | None, bias: Array | None, eps: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Rows of the last ``n`` elements at mean 0 and variance 1, times ``weight``, plus ``bias``.

    Returns the result, and the means and reciprocal deviations of the rows (rows, 1), at least float32.
    """
    return _norm(x, n, weight, bias, eps, True)


def layer_norm_backward(
    g: Array, x: Array, n: int, weight: Array | None, means: Array, rstds: Array, sums: bool = True
) -> tuple[Array, Array | None, Array | None]:
    """The gradients for the input and, if ``sums``, for weight and bias (n,)."""
    return _norm_backward(g, x, n, weight, means, rstds, True, sums)


def rms_norm(x: Array, n: int, weight: Array | None, eps: float) -> tuple[Array, Array]:
    """Rows of the last ``n`` elements over sqrt(mean(x^2) + eps), times ``weight``; and the reciprocals.

    These are (rows, 1), at least float32.
    """
    y, _, rstds = _norm(x, n, weight, None, eps, False)
    return y, rstds


def rms_norm_backward(
    g: Array, x: Array, n: int, weight: Array | None, rstds: Array, sums: bool = True
) -> tuple[Array, Array | None]:
    """The gradients for the input and, if ``sums``, for weight (n,)."""
    return _norm_backward(g, x, n, weight, np.zeros_like(rstds), rstds, False, sums)[:2]


# ------------------------------------------------------------------------------ normalization over channels


@compiled()
def _moments_loop(x: Any, means: Any, squares: Any, start: int, stop: int) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                s += x[i, j]
            total += s
        mean = total / n
        m = real(mean)
        total = 0.0
        for strip in range(0, n, STRIP):
            s = zero
            for j in range(strip, min(strip + STRIP, n)):
                s += (x[i, j] - m) * (x[i, j] - m)
            total += s
        means[i, 0], squares[i, 0] = mean, total - n * (mean - m) * (mean - m)


@compiled()
def _dots_loop(g: Any, x: Any, shift: Any, sums: Any, dots: Any, start: int, stop: int) -> None:
    n = g.shape[1]
    for i in range(start, stop):
        m = shift[i, 0]
        straight, turned = 0.0, 0.0
        for strip in range(0, n, STRIP):
            s, t = zero, zero
            for j in range(strip, min(strip + STRIP, n)):
                s += g[i, j]
                t += g[i, j] * (x[i, j] - m)
            straight += s
            turned += t
        sums[i, 0], dots[i, 0] = straight, turned


@compiled()
def _affine_loop(x: Any, factor: Any, shift: Any, out: Any, start: int, stop: int) -> None:
    for i in range(start, stop):
        a, b = factor[i, 0], shift[i, 0]
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] * a + b


@compiled()
def _affine2_loop(g: Any, x: Any, a: Any, b: Any, c: Any, out: Any, start: int, stop: int) -> None:
    for i in range(start, stop):
        p, q, r = a[i, 0], b[i, 0], c[i, 0]
        for j in range(x.shape[1]):
            out[i, j] = g[i, j] * p + x[i, j] * q + r


def _row_moments(rows: Array) -> tuple[Array, Array]:
    """Means and sums of squares around the means of (outer, n) rows, each (outer, 1) in float64."""
    means, squares = np.empty((2, rows.shape[0], 1))
    if _compiled_rows(rows):
        _loop(_moments_loop, rows, means, squares)
        return means, squares

    def text(i: Any) -> None:
        m = add_reduce(rows[i], 1, None, means[i], True)
        np.divide(m, rows.shape[1], m)
        y = np.subtract(rows[i], m.astype(rows.dtype))
        add_reduce(np.square(y, y), 1, None, squares[i], True)

    with np.errstate(all="ignore"):
        _sweep(text, rows.shape, rows.itemsize)
    return means, squares


def _row_dots(g: Array, x: Array, shift: Array) -> tuple[Array, Array]:
    """sum(g) and sum(g (x - shift)) of (outer, n) rows, each (outer, 1) in float64."""
    sums, dots = np.empty((2, g.shape[0], 1))
    if _compiled_rows(g):
        _loop(_dots_loop, g, x, shift, sums, dots)
        return sums, dots

    def text(i: Any) -> None:
        add_reduce(g[i], 1, None, sums[i], True)
        y = np.subtract(x[i], shift[i])
        add_reduce(np.multiply(y, g[i], y), 1, None, dots[i], True)

    with np.errstate(all="ignore"):
        _sweep(text, g.shape, g.itemsize)
    return sums, dots


def _row_affine(x: Array, factor: Array, shift: Array) -> Array:
    """x factor + shift, one factor and one shift a row."""
    out = np.empty(x.shape, x.dtype)
    if _compiled_rows(x):
        _loop(_affine_loop, x, factor, shift, out)
        return out

    def text(i: Any) -> None:
        np.add(np.multiply(x[i], factor[i], out[i]), shift[i], out[i])

    with np.errstate(all="ignore"):
        _sweep(text, x.shape, x.itemsize)
    return out


def _row_affine2(g: Array, x: Array, a: Array, b: Array, c: Array) -> Array:
    """g a + x b + c, one of each a row."""
    out = np.empty(g.shape, g.dtype)
    if _compiled_rows(g):
        _loop(_affine2_loop, g, x, a, b, c, out)
        return out

    def text(i: Any) -> None:
        y = np.multiply(g[i], a[i], out[i])
        np.add(y, np.multiply(x[i], b[i]), y)
        np.add(y, c[i], y)

    with np.errstate(all="ignore"):
        _sweep(text, g.shape, g.itemsize)
    return out


def _column(values: Array, dtype: Any) -> Array:
    return np.ascontiguousarray(values, dtype).reshape(-1, 1)


def _channels(x: Array) -> tuple[Array, int, int, int]:
    x = np.ascontiguousarray(_wide(x))
    samples, channels = x.shape[:2]
    return x, samples, channels, math.prod(x.shape[2:])


def _by_channel(x: Array, values: Sequence[Array], samples: int, dtype: Any) -> tuple[Array, list[Array]]:
    """``x`` as rows of one channel each, and per-channel values as columns; or, if a channel's run is short,
    a row a sample and the values along it."""
    channels = x.shape[1]
    run = math.prod(x.shape[2:])
    if run >= 16:
        return x.reshape(-1, run), [_column(np.tile(v, samples), dtype) for v in values]
    return x.reshape(samples, channels * run), [np.repeat(v, run).astype(dtype)[None] for v in values]


def batch_norm_moments(x: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of each channel of (N, C, ...), in float64."""
    x, samples, channels, run = _channels(x)
    count = samples * run
    with np.errstate(all="ignore"):
        if run >= 16 and x.size:
            means, squares = (a.reshape(samples, channels) for a in _row_moments(x.reshape(-1, run)))
            mean = add_reduce(means, 0) / samples
            return mean, (add_reduce(squares, 0) + run * np.square(means - mean).sum(0)) / count
        rows = x.reshape(samples, channels * run)
        mean = add_reduce(rows, 0, np.float64).reshape(channels, run).sum(1) / count
        centred = rows - np.repeat(mean, run).astype(x.dtype)
        var = np.einsum("ij,ij->j", centred, centred, dtype=np.float64).reshape(channels, run).sum(1) / count
        return mean, var


def batch_norm(x: Array, mean: Array, rstd: Array, weight: Array | None, bias: Array | None) -> Array:
    """(x - mean) rstd weight + bias, each of them one number a channel of (N, C, ...)."""
    kind, shape = x.dtype, x.shape
    x, samples, _, _ = _channels(x)
    factor = np.asarray(rstd, np.float64) if weight is None else rstd * weight.astype(np.float64)
    shift = -(mean * factor) if bias is None else bias - mean * factor
    rows, (a, b) = _by_channel(x, (factor, shift), samples, x.dtype)
    y = _row_affine(rows, a, b) if a.shape[1] == 1 else rows * a + b
    return y.reshape(shape).astype(kind, copy=False)


def batch_norm_backward(
    g: Array, x: Array, mean: Array, rstd: Array, weight: Array | None, training: bool
) -> tuple[Array, Array, Array]:
    """The gradients for input, weight and bias; in training, mean and rstd are those of ``x`` itself."""
    kind, shape = x.dtype, x.shape
    x, samples, channels, run = _channels(x)
    g = np.ascontiguousarray(_wide(g))
    if not x.size:
        nothing = np.zeros(channels, kind if weight is None else weight.dtype)
        return np.zeros(shape, kind), nothing, nothing.copy()
    count = samples * run
    mean, rstd = np.asarray(mean, np.float64), np.asarray(rstd, np.float64)
    with np.errstate(all="ignore"):
        if run >= 16:
            shift = _column(np.tile(mean, samples), x.dtype)
            parts = _row_dots(g.reshape(-1, run), x.reshape(-1, run), shift)
            sums, dots = (a.reshape(samples, channels).sum(0) for a in parts)
        else:
            rows, (m,) = _by_channel(x, (mean,), samples, x.dtype)
            across = g.reshape(samples, -1)
            sums = add_reduce(across, 0, np.float64).reshape(channels, run).sum(1)
            dots = np.einsum("ij,ij->j", across, rows.reshape(across.shape) - m.reshape(1, -1), dtype=np.float64)
            dots = dots.reshape(channels, run).sum(1)
        of_weight = dots * rstd
        a = rstd if weight is None else rstd * weight
        if training:
            b = -a * of_weight * rstd / count
            c = -a * sums / count - mean * b
        else:
            b = c = np.zeros(channels)
        rows, (a, b, c) = _by_channel(x, (a, b, c), samples, x.dtype)
        g = g.reshape(rows.shape)
        if not training:
            out = _row_affine(g, a, c) if a.shape[1] == 1 else g * a
        else:
            out = _row_affine2(g, rows, a, b, c) if a.shape[1] == 1 else g * a + rows * b + c
    kind2 = kind if weight is None else weight.dtype
    return out.reshape(shape).astype(kind, copy=False), of_weight.astype(kind2), sums.astype(kind2)


def group_norm(
    x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Groups of channels of (N, C, ...) at mean 0 and variance 1, times ``weight``, plus ``bias`` (C,).

    Returns the result, and the means and reciprocal deviations (N, groups) in float64.
    """
    kind, shape = x.dtype, x.shape
    x, samples, channels, run = _channels(x)
    n = channels // groups * run
    if not x.size:
        return np.empty(shape, kind), np.zeros((samples, groups)), np.ones((samples, groups))
    means, squares = (a.reshape(samples, groups) for a in _row_moments(x.reshape(samples * groups, n)))
    rstds = 1 / np.sqrt(squares / n + eps)
    factor = np.repeat(rstds, channels // groups, 1)
    if weight is not None:
        factor = factor * weight
    shift = -np.repeat(means, channels // groups, 1) * factor
    if bias is not None:
        shift = shift + bias
    y = _row_affine(x.reshape(-1, run), _column(factor, x.dtype), _column(shift, x.dtype))
    return y.reshape(shape).astype(kind, copy=False), means, rstds


def group_norm_backward(
    g: Array, x: Array, groups: int, weight: Array | None, means: Array, rstds: Array
) -> tuple[Array, Array, Array]:
    """The gradients for input, weight and bias (C,)."""
    kind, shape = x.dtype, x.shape
    x, samples, channels, run = _channels(x)
    g = np.ascontiguousarray(_wide(g))
    kind2 = kind if weight is None else weight.dtype
    if not x.size:
        return np.empty(shape, kind), np.zeros(channels, kind2), np.zeros(channels, kind2)
    each = channels // groups
    m, r = (np.repeat(a, each, 1) for a in (means, rstds))
    parts = _row_dots(g.reshape(-1, run), x.reshape(-1, run), _column(m, x.dtype))
    sums, dots = (a.reshape(samples, channels) for a in parts)
    w = np.ones(channels) if weight is None else weight.astype(np.float64)
    straight, turned = (np.repeat((a * w).reshape(samples, groups, each).sum(2), each, 1) for a in (sums, dots))
    n = each * run
    b = -turned * r * r * r / n
    c = -r * straight / n - m * b
    out = _row_affine2(
        g.reshape(-1, run), x.reshape(-1, run), *(_column(v, x.dtype) for v in (r * w, b, c))
    )  # fmt: skip
    return (
        out.reshape(shape).astype(kind, copy=False),
        (dots * r).sum(0).astype(kind2),
        sums.sum(0).astype(kind2),
    )
