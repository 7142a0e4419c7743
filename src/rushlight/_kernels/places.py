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


def evenly(start: Any, end: Any, steps: int, work: np.dtype[Any]) -> Array:
    """``steps`` (at least two) evenly spaced numbers: the first half counted from the start, the second back from the
    end, product and sum rounded once, as in PyTorch's fused multiply-add.
    """
    kind = work.type
    step = (kind(end) - kind(start)) / kind(steps - 1)
    half = steps // 2
    array = np.empty(steps, work)
    wide = np.longdouble if work == np.float64 else np.clongdouble if work.kind == "c" else np.float64
    for part, number, distance in ((array[:half], start, step), (array[half:][::-1], end, -step)):
        count: Any = np.arange(len(part)).astype(wide)
        count *= wide(distance)
        np.add(count, wide(kind(number)), part, casting="same_kind")
    return array
