"""Levels: the function transforms that run, outermost first.

A transform is a level; a tensor inside it is a subclass of Tensor that bears the number. ``record.dispatch``
gives an operator to the transform of the highest level among its arguments: one ``process(op, args)`` each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .mode import CAREFUL, mode, switched

stack: ContextVar[tuple[Any, ...]] = ContextVar("rushlight transforms", default=())


@contextmanager
def running(transform: Any) -> Iterator[Any]:
    """Run the body with one more level on top."""
    outer = stack.get()
    transform.level = len(outer) + 1
    transform.outer_mode = mode()
    transform.alive = True
    token = stack.set((*outer, transform))
    try:
        with switched(mode() | CAREFUL):
            yield transform
    finally:
        transform.alive = False
        stack.reset(token)
