"""``torch._dynamo.eval_frame``: that nothing is compiled."""

from __future__ import annotations

from .._names_only import fill
from . import WHY, OptimizedModule  # type: ignore[attr-defined, unused-ignore]

__all__ = ["OptimizedModule", "is_dynamo_supported"]


def is_dynamo_supported() -> bool:
    """Always False."""
    return False


fill(__name__, WHY, "optimize export")
