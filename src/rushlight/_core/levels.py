"""Levels: the function transforms that run, outermost first.

A transform is a level; a tensor inside it is a subclass of Tensor that bears the number. ``record.dispatch``
gives an operator to the transform of the highest level among its arguments: one ``process(op, args)`` each. What that
runs on the level below runs in the mode that held there, whose word also says how many levels there are.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from .mode import CAREFUL, DEPTH, mode, word

stack: ContextVar[tuple[Any, ...]] = ContextVar("rushlight transforms", default=())


def active() -> tuple[Any, ...]:
    """The transforms that what runs now is in, the innermost last."""
    return stack.get()[: mode() >> DEPTH]


class running:
    """Run a block with one more level on top."""

    __slots__ = ("tokens", "transform")

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __enter__(self) -> Any:
        transform = self.transform
        m = mode()
        depth = m >> DEPTH
        transform.level = level = depth + 1
        transform.outer_mode = m
        transform.alive = True
        transform.inner_mode = inner = (
            m & ((1 << DEPTH) - 1) & ~transform.clears | CAREFUL | transform.adds | level << DEPTH
        )
        self.tokens = stack.set((*stack.get()[:depth], transform)), word.set(inner)
        return transform

    def __exit__(self, *_: Any) -> None:
        self.transform.alive = False
        before, bits = self.tokens
        word.reset(bits)
        stack.reset(before)
