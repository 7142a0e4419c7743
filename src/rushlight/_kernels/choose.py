"""Choosing between two values element by element, by bits: no jumps, whose guesses fail at random conditions.

``pick(c, a, b)`` is ``np.where``: on large arrays b ^ ((a ^ b) & m), where m has all bits set or none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import STRICT, compiled, use_numba
from .pool_of_threads import run_chunks

__all__ = ["pick"]

Array = np.ndarray[Any, Any]
BLOCK = 1 << 14  # elements whose masks stay in the nearest cache
SMALL = 1 << 13
BITS = {2: np.int16, 4: np.int32, 8: np.int64}


@compiled(STRICT)
def _both_loop(a: Any, b: Any, mask: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = b[i] ^ ((a[i] ^ b[i]) & -mask[i])


@compiled(STRICT)
def _first_loop(a: Any, b: Any, mask: Any, out: Any) -> None:
    value = b[0]
    for i in range(out.size):
        out[i] = value ^ ((a[i] ^ value) & -mask[i])


@compiled(STRICT)
def _second_loop(a: Any, b: Any, mask: Any, out: Any) -> None:
    value = a[0]
    for i in range(out.size):
        out[i] = b[i] ^ ((b[i] ^ value) & -mask[i])


def pick(condition: Array, a: Any, b: Any) -> Array:
    """``np.where`` of a condition of bools and two arrays of one dtype, or an array and a number of that dtype."""
    if condition.size < SMALL:
        return np.where(condition, a, b)  # type: ignore[no-any-return]
    x, y = type(a) is np.ndarray, type(b) is np.ndarray
    dtype = (a if x else b).dtype
    bits, shape, size = BITS.get(dtype.itemsize), condition.shape, condition.size
    if bits is None or not all(
        v.shape == shape and v.flags.c_contiguous for v, array in ((condition, True), (a, x), (b, y)) if array
    ):
        made = np.empty(np.broadcast_shapes(shape, np.shape(a), np.shape(b)), dtype)
        made[...] = b
        np.copyto(made, a, where=condition)
        return made
    out = np.empty(shape, dtype)
    mask, result = condition.reshape(-1).view(np.int8), out.reshape(-1).view(bits)
    first, second = (
        v.reshape(-1).view(bits) if array else np.array([v], dtype).view(bits) for v, array in ((a, x), (b, y))
    )
    if use_numba(size):
        loop = _second_loop if not x else _both_loop if y else _first_loop
        run_chunks(
            lambda i, j: loop(first[i:j] if x else first, second[i:j] if y else second, mask[i:j], result[i:j]),
            size, size, BLOCK,
        )  # fmt: skip
        return out
    plain = not y and not second[0]  # of all bits 0: only those of ``a`` are to be masked
    swapped = not x and not first[0]

    def blocks(start: int, stop: int) -> None:
        m = np.empty(min(BLOCK, stop - start), bits)
        for i in range(start, stop, BLOCK):
            j = min(i + BLOCK, stop)
            part, o = m[: j - i], result[i:j]
            f, s = first[i:j] if x else first, second[i:j] if y else second
            if swapped:
                np.subtract(mask[i:j], 1, part, dtype=bits)
                np.bitwise_and(s, part, o)
                continue
            np.negative(mask[i:j], part, dtype=bits)
            if plain:
                np.bitwise_and(f, part, o)
                continue
            np.bitwise_xor(f, s, o)
            np.bitwise_and(o, part, o)
            np.bitwise_xor(o, s, o)

    run_chunks(blocks, size, size, BLOCK)
    return out
