"""``torch._C`` under the alias: the few of its names that libraries ask for, most of them while they are imported.

The rest of PyTorch's private core is not there, and says so.
"""

from __future__ import annotations

from ._ops.random import Generator
from .linalg import LinAlgError as _LinAlgError

__all__ = ["Generator", "_LinAlgError", "_get_tracing_state", "_log_api_usage_once"]


def _get_tracing_state() -> None:
    """Nothing is ever being traced: None."""


def _log_api_usage_once(event: str) -> None:
    """Nothing is logged."""
