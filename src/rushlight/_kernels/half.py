"""Between float32 and float16, for large arrays: by integers, in a compiled loop, as NumPy converts one at a time.

To float16 numbers are rounded to the nearest, ties to even, as the hardware does; nan stays nan.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import STRICT, compiled, use_numba
from .pool_of_threads import run_chunks

__all__ = ["converted"]

Array = np.ndarray[Any, Any]
u2, u4, f4 = np.uint16, np.uint32, np.float32

SIGN, INFINITE, NAN = u4(0x80000000), u4(0x7C00), u4(0x7E00)
ALL_ONES = u4(0x7F800000)  # the exponent of infinity and nan
OVER = u4((127 + 16) << 23)  # from here on float16 is infinite
SMALLEST = u4((127 - 14) << 23)  # below, float16 has fewer digits: multiples of 2^-24
SHIFT = u4((127 - 15) << 23)
HALF_UNIT, ONE, PLACES, PLACES_OF_SIGN = u4(0xFFF), u4(1), u4(13), u4(16)
MIDDLE, MIDDLE_BITS = f4(0.5), u4(126 << 23)  # a number near 1/2 is a multiple of 2^-24
REST, TOP = u4(0x7FFF), u4(0x8000)
SCALE = f4(2.0**112)


@compiled(STRICT)
def _to_half_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        bits = u4(x[i])
        sign = u4(bits & SIGN)
        bits = u4(bits ^ sign)
        made = u4(u4(u4(bits - SHIFT) + HALF_UNIT + u4(u4(bits >> PLACES) & ONE)) >> PLACES)
        small = u4(f4(u4(bits).view(f4) + MIDDLE).view(u4) - MIDDLE_BITS)
        made = small if bits < SMALLEST else made
        made = INFINITE if bits >= OVER else made
        made = NAN if bits > ALL_ONES else made
        out[i] = u2(made | u4(sign >> PLACES_OF_SIGN))


@compiled(STRICT)
def _from_half_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        bits = u4(x[i])
        rest = u4(bits & REST)
        shifted = u4(rest << PLACES)
        made = f4(u4(shifted).view(f4) * SCALE).view(u4)
        made = u4(shifted | ALL_ONES) if rest >= INFINITE else u4(made)
        out[i] = u4(made | u4(u4(bits & TOP) << PLACES_OF_SIGN))


def converted(x: Array, dtype: np.dtype[Any]) -> Array:
    """``x.astype(dtype)``."""
    kinds = x.dtype.char + dtype.char
    if kinds not in ("fe", "ef") or not use_numba(x.size) or not x.flags.c_contiguous:
        return x.astype(dtype)
    out = np.empty(x.shape, dtype)
    source, target, loop = (u4, u2, _to_half_loop) if kinds == "fe" else (u2, u4, _from_half_loop)
    bits, result = x.reshape(-1).view(source), out.reshape(-1).view(target)
    run_chunks(lambda i, j: loop(bits[i:j], result[i:j]), x.size, x.size, 1024)
    return out
