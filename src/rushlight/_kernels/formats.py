"""Memory formats: which layout the strides of an array suggest, and results laid out as their input.

What a kernel makes is laid out plainly; as in PyTorch, a result has the channels of each place side by side if its input
has them so. Kernels that cannot write so directly are given that layout by a copy, which plain inputs never pay for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


def suggests_channels_last(x: Any) -> bool:
    """Whether the strides are those of channels side by side: the only answer that PyTorch reads from strides alone."""
    rank = x.ndim
    if rank not in (4, 5):
        return False
    sizes, steps = x.shape, x.strides
    if steps[1] != x.itemsize:
        return False
    least = 0
    for d in (1, *range(rank - 1, 1, -1), 0):
        if not sizes[d] or steps[d] < least or (d == 0 and least == steps[1]):
            return False
        least = steps[d] * max(sizes[d], 1)
    return True


def channels_last(x: Any) -> Any:
    """A copy of the array (N, C, *spatial) with its channels side by side."""
    order = (0, *range(2, x.ndim), 1)
    made = np.empty([x.shape[d] for d in order], x.dtype)
    made = made.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))
    made[...] = x
    return made


def laid_as(made: Any, *like: Any) -> Any:
    """The array, with its channels side by side if those of one of ``like`` are so."""
    for x in like:
        if x.strides[1] == x.itemsize and made.ndim == x.ndim and suggests_channels_last(x):
            return channels_last(made)
    return made


def keeping_format(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel whose first result (of several) is laid out as its first argument."""

    @wraps(kernel)
    def kept(x: Any, *rest: Any) -> Any:
        made = kernel(x, *rest)
        if x.ndim < 4 or x.strides[1] != x.itemsize:
            return made
        return (laid_as(made[0], x), *made[1:]) if isinstance(made, tuple) else laid_as(made, x)

    return kept
