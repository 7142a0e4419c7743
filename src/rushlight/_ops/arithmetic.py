"""Arithmetic: sums, products, quotients, powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.declare import pointwise
from .._core.tensor import Tensor
from .elementary import log

Number = bool | int | float | complex


@pointwise(input=lambda g: g, other=lambda g: g)
def add_plain(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """``input + other``."""
    return np.add(input, other)  # type: ignore[return-value]


@pointwise(input=lambda g, other: g * other, other=lambda g, input: g * input)
def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * other``, element by element, with broadcasting.

    >>> import rushlight as torch
    >>> torch.mul(torch.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])
    """
    return np.multiply(input, other)  # type: ignore[return-value]
