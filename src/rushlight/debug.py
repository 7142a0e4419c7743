"""Tools for finding mistakes: where a nan came from, stepping through backward, checking gradients."""

from __future__ import annotations

from ._see.check import check, kinks
from ._see.origin import NonFiniteError, Origin, nan_origin
from ._see.steps import backward_steps, break_on

__all__ = ["NonFiniteError", "Origin", "backward_steps", "break_on", "check", "kinks", "nan_origin"]
