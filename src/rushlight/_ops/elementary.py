"""Elementary functions of one variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.declare import pointwise
from .._core.tensor import Tensor


@pointwise("float", input=lambda g, input: g / input)
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Natural logarithm."""
    return np.log(input)  # type: ignore[return-value]


@pointwise("float", input=lambda g, input: g * cos(input))
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sine."""
    return np.sin(input)  # type: ignore[return-value]


@pointwise("float", input=lambda g, input: g * -sin(input))
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Cosine."""
    return np.cos(input)  # type: ignore[return-value]
