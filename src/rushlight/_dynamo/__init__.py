"""``torch._dynamo`` as far as programs touch it: settings that are kept, marks that change nothing.

Nothing is compiled here, so there is nothing to reset or to exclude; functions come back as they went in.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from .._names_only import fill

__all__ = [
    "allow_in_graph", "assume_constant_result", "config", "disable", "forbid_in_graph", "graph_break", "is_compiling",
    "mark_dynamic", "mark_static", "mark_static_address", "maybe_mark_dynamic", "nonstrict_trace", "reset",
]  # fmt: skip


class Config(SimpleNamespace):
    """Settings of PyTorch's compiler: kept, and read by nobody."""

    @contextmanager
    def patch(self, changes: Any = None, **settings: Any) -> Any:
        """Settings for the length of a block."""
        settings = {**({changes: settings} if isinstance(changes, str) else changes or {}), **settings}
        before = dict(self.__dict__)
        self.__dict__.update(settings)
        try:
            yield
        finally:
            self.__dict__.clear()
            self.__dict__.update(before)


config = Config(
    cache_size_limit=8, recompile_limit=8, suppress_errors=False, verbose=False, capture_scalar_outputs=False,
    capture_dynamic_output_shape_ops=False, inline_inbuilt_nn_modules=True, optimize_ddp=True,
)  # fmt: skip


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


def assume_constant_result(fn: Any) -> Any:
    """``fn`` itself."""
    return fn


forbid_in_graph = nonstrict_trace = allow_in_graph


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


maybe_mark_dynamic = mark_dynamic


def mark_static_address(t: Any, guard: bool = False) -> None:
    """Does nothing: see `mark_dynamic`."""


WHY = "Rushlight has no compiler; torch.compile gives back what runs eagerly"

fill(__name__, WHY, "OptimizedModule explain export optimize run")


def __getattr__(name: str) -> Any:
    if name in ("eval_frame", "exc", "utils"):
        return importlib.import_module(f"{__package__}.{name}")
    raise AttributeError(f"module 'torch._dynamo' has no attribute '{name}'")
