"""``torch._dynamo`` as far as programs touch it: settings that are kept, marks that change nothing.

Nothing is compiled here, so there is nothing to reset or to exclude; functions come back as they went in.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

__all__ = ["allow_in_graph", "config", "disable", "graph_break", "is_compiling", "mark_dynamic", "mark_static", "reset"]

config = SimpleNamespace(cache_size_limit=8, recompile_limit=8, suppress_errors=False, verbose=False)


def reset() -> None:
    """Nothing is cached: does nothing."""


def graph_break(msg: str = "") -> None:
    """There is no graph to break: does nothing."""


def is_compiling() -> bool:
    """Always False."""
    return False


def allow_in_graph(fn: Any) -> Any:
    """``fn`` itself."""
    return fn


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None, wrapping: bool = True) -> Any:
    """``fn`` itself, or a decorator that gives it back.

    >>> import rushlight as torch
    >>> torch._dynamo.disable(len) is len
    True
    """
    return fn if fn is not None else lambda fn: fn


def mark_dynamic(t: Any, index: Any, *, min: int | None = None, max: int | None = None) -> None:
    """Sizes may always change here: does nothing."""


def mark_static(t: Any, index: Any = None) -> None:
    """Does nothing: see `mark_dynamic`."""
