"""Levels: the function transforms that run, outermost first.

A transform is a level; a tensor inside it is a subclass of Tensor that bears the number. ``record.dispatch``
gives an operator to the transform of the highest level among its arguments: one ``process(op, args)`` each. What that
runs on the level below runs in the mode that held there, whose word also says how many levels there are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from . import callsite
from .mode import CAREFUL, DEPTH, mode, word
from .tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")

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


def word_at(level: int) -> int:
    """The mode that held inside the transform of a level when the next one was entered (that of now, without a next)."""
    m = mode()
    return stack.get()[level].outer_mode if level < m >> DEPTH else m


def noted(made: Any) -> Any:
    """What was made of nothing inside a transform, or of outer tensors (tuples, too): there it may be written in place."""
    depth = mode() >> DEPTH
    for one in made if isinstance(made, (tuple, list)) else (made,):
        if depth and isinstance(one, Tensor):
            one._within = (stack.get()[depth - 1], depth)  # type: ignore[attr-defined]
    return made


def captured_write(name: str) -> RuntimeError:
    """PyTorch's error for an in-place write to a tensor of a lower level."""
    return RuntimeError(
        f"During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation "
        f"(aten::{name}) that would mutate a captured Tensor. This is not supported; please rewrite the function being "
        f"transformed to explicitly accept the mutated Tensor(s) as inputs. It happened at "
        f"{callsite.shown(*callsite.here())}."
    )


def constant(batch: Callable[..., Any] | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function of tensors whose results have no derivatives: inside transforms, that of what its tensors stand for.

    Under ``vmap``, ``batch(transform, *args, **kwargs)`` gives the result (or NotImplemented); without it, a loop.
    """

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def careful(*args: P.args, **kwargs: P.kwargs) -> R:
            if mode() & CAREFUL:
                top = highest((*args, *kwargs.values()))
                if top is not None:
                    return top.constant(careful, batch, args, kwargs)  # type: ignore[no-any-return]
                return noted(function(*args, **kwargs))  # type: ignore[no-any-return]
            return function(*args, **kwargs)

        return careful

    return declare


def highest(args: tuple[Any, ...]) -> Any:
    """The transform of the highest level among arguments, or None."""
    transform, level = None, 0
    for arg in args:
        for one in arg if type(arg) is list or type(arg) is tuple else (arg,):
            if isinstance(one, Tensor) and one.level > level:
                level, transform = one.level, one.transform
    return transform


def settled(x: Any) -> Any:
    """The tensor outside all transforms that holds the values of ``x``; None if ``vmap`` maps it: it has many."""
    while x.level:
        if hasattr(x.transform, "randomness"):
            return None
        x = x.lower
    return x


def plain(x: Any, what: str) -> Any:
    """The same; raises under ``vmap``, for what has no batching rule."""
    found = settled(x)
    if found is None:
        raise RuntimeError(
            f"vmap: {what} is not supported for mapped tensors, at {callsite.shown(*callsite.here())}: do it outside of vmap"
        )
    return found


def dynamic(name: str) -> RuntimeError:
    """The error of ``vmap`` over what gives each example a result of its own shape."""
    return RuntimeError(
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over "
        f"aten::{name}, at {callsite.shown(*callsite.here())}. Use torch.where with three arguments, or a result of one size."
    )


def of_data(name: str) -> Callable[..., Any]:
    """The batching rule of a function whose result has a shape that depends on data: there is none."""

    def batch(transform: Any, *args: Any, **kwargs: Any) -> Any:
        raise dynamic(name)

    return batch
