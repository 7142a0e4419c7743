"""Scaled dot product attention and its gradients, by blocks of queries: the scores never exist as a whole.

Kept for backward is one number a query, the log of the sum of its exponentials; backward makes each block of
probabilities anew from it. Short sequences go many heads at a time, long ones head by head in blocks. Heads and blocks go to threads; products are left to BLAS, in tiles so small that it
does not start threads of its own: its threads and ours, spinning against each other, took ten times longer.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .jit import compiled, constant, use_numba
from .pool_of_threads import run_chunks
from .rows import STRIP, _bits, _largest, add_reduce, max_reduce, real
from .scalar import exp_

__all__ = ["attention", "attention_backward"]

Array = np.ndarray[Any, Any]
HEIGHT = 64  # queries in a block
GROUP = 1 << 17  # scores of short sequences at a time
WORK = 8  # what a score costs, in elements of ordinary kernels
SINGLE = 1 << 18  # m n k of a product up to which OpenBLAS stays in the calling thread

zero = constant(0)
infinity = constant(math.inf)


@compiled()
def _probabilities_loop(s: Any, bits: Any, logs: Any, first: Any, causal: Any) -> None:
    for i in range(s.shape[0]):
        n = min(s.shape[1], first + i + 1) if causal else s.shape[1]
        row = s[i, :n]
        s[i, n:] = zero
        m = _largest(bits, i, n)
        empty = m == -infinity  # nothing to attend to: all exponentials are made 0, not nan
        m = zero if empty else m
        total = 0.0
        for strip in range(0, n, STRIP):
            t = zero
            part = row[strip : strip + STRIP]
            for j in range(part.size):
                e = exp_(part[j] - m)
                part[j] = e
                t += e
            total += t
        logs[i] = infinity if empty else real(m + math.log(total))
        factor = real(1.0 if empty else 1.0 / total)
        for j in range(row.size):
            row[j] *= factor


@compiled()
def _probabilities_heads(s: Any, bits: Any, logs: Any, causal: Any) -> None:
    for h in range(s.shape[0]):
        _probabilities_loop(s[h], bits[h], logs[h], 0, causal)


def _probabilities(s: Array, logs: Array, first: int, causal: bool, loops: bool) -> None:
    """Scores (..., queries, keys) become probabilities, in place; ``logs`` (..., queries) the logs of their sums.

    With leading dimensions ``first`` is 0.
    """
    if loops:
        if s.ndim == 2:
            _probabilities_loop(s, _bits(s), logs, first, causal)
        else:
            _probabilities_heads(s, _bits(s), logs, causal)
        return
    if causal:
        _mask_later(s, first)
    m = max_reduce(s, -1, None, None, True)
    empty = np.isneginf(m)
    m[empty] = 0
    np.subtract(s, m, s)
    np.exp(s, s)
    total = add_reduce(s, -1, None, None, True)
    np.add(m, np.log(total), m)
    total[empty], m[empty] = 1, np.inf
    np.divide(s, total, s)
    logs[...] = m[..., 0]


def _mask_later(s: Array, first: int) -> None:
    """-inf for the keys after the query's own place; the first query is number ``first``."""
    queries, keys = s.shape[-2:]
    if keys > first + 1:
        np.copyto(s, -np.inf, where=np.arange(keys) > np.arange(first, first + queries)[:, None])


def _tiles(a: Array, width: int) -> list[Array]:
    """Rows of (n, d) as one batch (n // width, width, d), and what is left as another."""
    whole = len(a) // width * width
    parts = []
    if whole:
        parts.append(a[:whole].reshape(-1, width, a.shape[1]))
    if whole < len(a):
        parts.append(a[None, whole:])
    return parts


def _across(s: Array, width: int) -> list[Array]:
    """Columns of (r, n) as batches like those of ``_tiles``: (n // width, r, width) and what is left."""
    whole = s.shape[1] // width * width
    parts = []
    if whole:
        parts.append(s[:, :whole].reshape(len(s), -1, width).transpose(1, 0, 2))
    if whole < s.shape[1]:
        parts.append(s[None, :, whole:])
    return parts


def _products(a: Array, b: Array, width: int) -> Array:
    """a b^T, for few rows ``a`` (r, d) and many rows ``b`` (n, d)."""
    out = np.empty((len(a), len(b)), a.dtype)
    for tile, part in zip(_tiles(b, width), _across(out, width)):
        np.matmul(a, tile.transpose(0, 2, 1), part)
    return out


def _combine(s: Array, b: Array, width: int, out: Array) -> None:
    """s b into ``out``, for (r, n) and (n, d)."""
    total: Any = 0
    for tile, part in zip(_tiles(b, width), _across(s, width)):
        total = total + add_reduce(np.matmul(part, tile), 0)
    out[...] = total


def _add_transposed(s: Array, a: Array, width: int, out: Array) -> None:
    """out += s^T a, for (r, n), (r, d) and (n, d)."""
    for tile, part in zip(_tiles(out, width), _across(s, width)):
        np.add(tile, np.matmul(part.transpose(0, 2, 1), a), tile)


def _scores(q: Array, k: Array, mask: Array | None, scale: float, rows: slice, keys: int, width: int) -> Array:
    """Masked scores of a block of queries of one head with the first ``keys`` keys."""
    s = _products(q[rows] * q.dtype.type(scale), k[:keys], width)
    if mask is not None:
        part = mask[rows, :keys]
        if part.dtype.kind == "b":
            np.copyto(s, -np.inf, where=~part)
        else:
            np.add(s, part, s)
    return s


def _flat(batch: tuple[int, ...], *arrays: Array) -> list[Array]:
    """Each array as (heads, rows, width), copied only where its layout asks for it."""
    return [_spread(a, batch).reshape(-1, *a.shape[-2:]) for a in arrays]


def _spread(a: Array, batch: tuple[int, ...]) -> Array:
    return a if a.shape[:-2] == batch else np.broadcast_to(a, batch + a.shape[-2:])


def _groups(start: int, stop: int, size: int) -> Iterator[slice]:
    """Heads in groups whose scores, ``size`` a head, stay in the cache."""
    step = max(1, GROUP // size)
    return (slice(first, min(first + step, stop)) for first in range(start, stop, step))


def _scores_together(q: Array, k: Array, mask: Array | None, batch: tuple[int, ...], part: slice) -> Array:
    """Masked scores of several heads, (heads, queries, keys), of queries that have been scaled."""
    s = np.matmul(q, k.transpose(0, 2, 1))
    if mask is not None:
        if mask.ndim > 2 and mask.size != mask.shape[-1] * mask.shape[-2]:
            heads = np.unravel_index(np.arange(part.start, part.stop), batch)
            m = np.broadcast_to(mask, batch + mask.shape[-2:])[heads]
        else:
            m = mask.reshape(mask.shape[-2:])
        if m.dtype.kind == "b":
            np.copyto(s, -np.inf, where=~m)
        else:
            np.add(s, m, s)
    return s  # type: ignore[no-any-return]


def _heads(batch: tuple[int, ...], *arrays: Array | None) -> list[Any]:
    """For each array a function of the head's number that gives its matrix; nothing is copied."""
    views = [None if a is None else _spread(a, batch) for a in arrays]
    return [(lambda h, v=v: None if v is None else v[np.unravel_index(h, batch)]) for v in views]


def _prepared(q: Array, k: Array, v: Array, mask: Array | None, scale: float | None) -> tuple[Any, ...]:
    if q.dtype.char == "e":
        q, k, v = (a.astype(np.float32) for a in (q, k, v))
    batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    queries, keys = q.shape[-2], k.shape[-2]
    if mask is not None:
        mask = np.broadcast_to(mask, mask.shape[:-2] + (queries, keys))
        batch = np.broadcast_shapes(batch, mask.shape[:-2])
    if scale is None:
        scale = 1 / math.sqrt(q.shape[-1])
    width = max(8, SINGLE // (HEIGHT * max(q.shape[-1], v.shape[-1], 1)))
    return q, k, v, mask, batch, queries, keys, scale, width


def attention(
    q: Array, k: Array, v: Array, mask: Array | None = None, causal: bool = False, scale: float | None = None
) -> tuple[Array, Array]:
    """softmax(q k^T scale + mask) v for q (..., L, E), k (..., S, E), v (..., S, D); and the logs of the sums.

    ``mask`` is added, or of booleans says where to look; ``causal``: query i looks at keys 0 to i. ``scale`` is
    1/sqrt(E) if not given. A query that may look at nothing gives 0. The logs are (..., L), at least float32.
    """
    kind = q.dtype
    q, k, v, mask, batch, queries, keys, scale, width = _prepared(q, k, v, mask, scale)
    heads = math.prod(batch)
    out, logs = np.zeros((heads, queries, v.shape[-1]), q.dtype), np.full((heads, queries), np.inf, q.dtype)
    qs, ks, vs, masks = _heads(batch, q, k, v, mask)
    blocks = -(-queries // HEIGHT)

    loops = q.dtype.char in "fd" and use_numba(heads * queries * keys)
    if keys and heads and queries and queries * keys * max(q.shape[-1], v.shape[-1]) <= SINGLE:
        flat = _flat(batch, np.multiply(q, q.dtype.type(scale), order="C"), k, v)

        def together(start: int, stop: int) -> None:
            for part in _groups(start, stop, queries * keys):
                q1, k1, v1 = (a[part] for a in flat)
                s = _scores_together(q1, k1, mask, batch, part)
                _probabilities(s, logs[part], 0, causal, loops)
                np.matmul(s, v1, out[part])

        with np.errstate(all="ignore"):
            run_chunks(together, heads, heads * queries * keys * WORK)
        return out.reshape(*batch, queries, -1).astype(kind, copy=False), logs.reshape(*batch, queries)

    def some(start: int, stop: int) -> None:
        for unit in range(start, stop):
            h, first = unit // blocks, unit % blocks * HEIGHT
            rows = slice(first, min(first + HEIGHT, queries))
            seen = min(keys, rows.stop) if causal else keys
            s = _scores(qs(h), ks(h), masks(h), scale, rows, seen, width)
            _probabilities(s, logs[h, rows], first, causal, loops)
            _combine(s, vs(h)[:seen], width, out[h, rows])

    if keys and heads and queries:
        with np.errstate(all="ignore"):
            run_chunks(some, heads * blocks, heads * queries * keys * WORK)
    return out.reshape(*batch, queries, -1).astype(kind, copy=False), logs.reshape(*batch, queries)


def attention_backward(
    g: Array, q: Array, k: Array, v: Array, out: Array, logs: Array, mask: Array | None = None,
    causal: bool = False, scale: float | None = None, of_mask: bool = False,
) -> tuple[Array, Array, Array, Array | None]:  # fmt: skip
    """The gradients for q, k and v, and for the added mask if asked; over the broadcast batch of all of them.

    Where an argument was broadcast, its gradient is still to be summed by the caller.
    """
    kind = q.dtype
    if kind.char == "e":
        g, out = g.astype(np.float32), out.astype(np.float32)
    q, k, v, mask, batch, queries, keys, scale, width = _prepared(q, k, v, mask, scale)
    heads = math.prod(batch)
    of_q = np.zeros((heads, *q.shape[-2:]), q.dtype)
    of_k, of_v = np.zeros((heads, *k.shape[-2:]), q.dtype), np.zeros((heads, *v.shape[-2:]), q.dtype)
    to_mask = np.zeros((heads, queries, keys), q.dtype) if of_mask else None
    gs, qs, ks, vs, outs, masks = _heads(batch, g, q, k, v, out, mask)
    flat_logs = logs.reshape(heads, queries, 1)
    factor = q.dtype.type(scale)

    loops = q.dtype.char in "fd" and use_numba(heads * queries * keys)
    short = queries * keys * max(q.shape[-1], v.shape[-1]) <= SINGLE
    short = short and heads > 0 and queries > 0 and keys > 0
    flat = _flat(batch, g, np.multiply(q, factor, order="C"), k, v, out) if short else ()

    def together(start: int, stop: int) -> None:
        for part in _groups(start, stop, queries * keys):
            g1, q1, k1, v1, out1 = (a[part] for a in flat)
            p = _scores_together(q1, k1, mask, batch, part)
            d = np.matmul(g1, v1.transpose(0, 2, 1))
            _derivatives(p, d, flat_logs[part], add_reduce(g1 * out1, 2, None, None, True), causal, loops)
            np.matmul(p.transpose(0, 2, 1), g1, of_v[part])
            if to_mask is not None:
                to_mask[part] = d
            np.matmul(d, k1, of_q[part])
            np.multiply(of_q[part], factor, of_q[part])
            np.matmul(d.transpose(0, 2, 1), q1, of_k[part])

    def some(start: int, stop: int) -> None:
        for h in range(start, stop):
            q1, k1, v1, m1 = qs(h), ks(h), vs(h), masks(h)
            for first in range(0, queries, HEIGHT):
                rows = slice(first, min(first + HEIGHT, queries))
                seen = min(keys, rows.stop) if causal else keys
                g1 = gs(h)[rows]
                p = _scores(q1, k1, m1, scale, rows, seen, width)
                if causal:
                    _mask_later(p, first)
                _exponentials(p, flat_logs[h, rows], loops)
                _add_transposed(p, g1, width, of_v[h, :seen])
                d = _products(g1, v1[:seen], width)
                np.subtract(d, add_reduce(g1 * outs(h)[rows], 1, None, None, True), d)
                np.multiply(d, p, d)
                if to_mask is not None:
                    to_mask[h, rows, :seen] = d
                np.multiply(d, factor, d)
                _combine(d, k1[:seen], width, of_q[h, rows])
                _add_transposed(d, q1[rows], width, of_k[h, :seen])

    if keys and heads and queries:
        with np.errstate(all="ignore"):
            run_chunks(together if short else some, heads, heads * queries * keys * WORK)
    results = (a.reshape(*batch, *a.shape[1:]).astype(kind, copy=False) for a in (of_q, of_k, of_v))
    of_q, of_k, of_v = results
    return of_q, of_k, of_v, None if to_mask is None else to_mask.reshape(*batch, queries, keys)


@compiled()
def _exponentials_loop(s: Any, logs: Any) -> None:
    for i in range(s.shape[0]):
        m = logs[i, 0]
        for j in range(s.shape[1]):
            s[i, j] = exp_(s[i, j] - m)


@compiled()
def _derivatives_heads(s: Any, d: Any, logs: Any, means: Any, causal: Any) -> None:
    for h in range(s.shape[0]):
        for i in range(s.shape[1]):
            n = min(s.shape[2], i + 1) if causal else s.shape[2]
            m, r = logs[h, i, 0], means[h, i, 0]
            p, q = s[h, i], d[h, i]
            for j in range(n):
                e = exp_(p[j] - m)
                p[j] = e
                q[j] = (q[j] - r) * e
            p[n:] = zero
            q[n:] = zero


def _derivatives(s: Array, d: Array, logs: Array, means: Array, causal: bool, loops: bool) -> None:
    """Scores (heads, queries, keys) become probabilities and ``d``, the gradients for these, those for scores, in place.

    ``means`` (heads, queries, 1) are what softmax takes off: the gradients weighted by the probabilities.
    """
    if loops:
        _derivatives_heads(s, d, logs, means, causal)
        return
    if causal:
        _mask_later(s, 0)
    _exponentials(s, logs, False)
    np.subtract(d, means, d)
    np.multiply(d, s, d)


def _exponentials(s: Array, logs: Array, loops: bool) -> None:
    """exp(s - logs), in place."""
    if loops:
        _exponentials_loop(s, logs)
        return
    np.subtract(s, logs, s)
    np.exp(s, s)
