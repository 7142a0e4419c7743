"""Dimensions by number: checked and made non-negative, with PyTorch's messages."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any


def canonical(dim: Any, ndim: int) -> int:
    """``dim`` counted from the front. A 0-d tensor is treated as having one dimension."""
    n = ndim or 1
    try:
        number = operator.index(dim)
    except TypeError:
        raise TypeError(f"dim must be an int, not {type(dim).__name__}") from None
    if not -n <= number < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {number})")
    return number % n


def canonical_all(dim: Any, ndim: int) -> tuple[int, ...]:
    """One dimension, several, or None (all of them), counted from the front; none may appear twice."""
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, Sequence):
        return (canonical(dim, ndim),) if ndim else (canonical(dim, ndim),)[:0]
    dims = tuple([canonical(d, ndim) for d in dim])
    for i, d in enumerate(dims):
        if d in dims[:i]:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return dims if ndim else ()
