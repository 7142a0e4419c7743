"""Helpers to say how operators are exported: marks only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._names_only import fill
from . import WHY


def parse_args(*kinds: str) -> Callable[[Any], Any]:
    """A decorator that gives the function back: nothing is exported, so that nothing is parsed."""
    return lambda fn: fn


def quantized_args(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """A decorator that gives the function back: see `parse_args`."""
    return lambda fn: fn


fill(__name__, WHY, "_get_const _get_tensor_sizes _is_none _is_value _maybe_get_const _unimplemented")
