"""Places in arrays: PyTorch has them in int64, NumPy in the machine's word.

The two differ on 32-bit machines, WebAssembly among them: there NumPy gives places in int32, which PyTorch's
programs would see, and refuses to count or repeat by int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def long(places: Any) -> Array:
    """Places that NumPy found, as PyTorch's int64."""
    return np.asarray(places, np.int64)


def bincount(places: Any, weights: Any = None, minlength: int = 0) -> Array:
    """How often each number occurs, or the sum of its weights."""
    return np.bincount(np.asarray(places).astype(np.intp, copy=False), weights, minlength)


def repeat(array: Any, counts: Any) -> Array:
    """Each element, or row, of an array as often as its count says."""
    return np.repeat(array, np.asarray(counts).astype(np.intp, copy=False), 0)
