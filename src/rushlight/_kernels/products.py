"""Products of many small factors, where NumPy's own loops cost more than the arithmetic."""

from typing import Any

import numpy as np

from .jit import STRICT, compiled, use_numba
from .pool_of_threads import run_chunks

__all__ = ["outer"]

Array = np.ndarray[Any, Any]
LONG = 1 << 10  # elements in a row from which on NumPy's loop over rows costs nothing


def outer(a: Array, b: Array) -> Array:
    """Columns ``(..., p, 1)`` times rows ``(..., 1, q)``: ``(..., p, q)``, each element one product."""
    p, q = a.shape[-2], b.shape[-1]
    if (
        a.dtype.char not in "fd"
        or a.dtype is not b.dtype
        or a.shape[:-2] != b.shape[:-2]
        or not 0 < q < LONG
        or not use_numba(a.size * q)
    ):
        return np.multiply(a, b)
    out = np.empty((*a.shape[:-1], q), a.dtype)
    columns, rows, result = a.reshape(-1), b.reshape(-1, q), out.reshape(-1, q)
    run_chunks(lambda i, j: _outer_loop(columns, rows, result, i, j, p), len(columns), out.size)
    return out


@compiled(STRICT)
def _outer_loop(columns: Any, rows: Any, out: Any, start: int, stop: int, p: int) -> None:
    for i in range(start, stop):
        factor, row = columns[i], rows[i // p]
        for k in range(row.size):
            out[i, k] = factor * row[k]
