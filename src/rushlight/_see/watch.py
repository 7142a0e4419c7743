"""Recording every operator that a block runs, in order: what programs, checks and the search for nan are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._core import callsite, record
from .._core.declare import FusedOp
from .._core.mode import CAREFUL, mode, word


class Event:
    """One operator that ran: its arguments, its result, the place in the program."""

    __slots__ = ("args", "code", "lasti", "node", "op", "result")

    def __init__(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        self.op, self.args, self.result = op, args, result
        self.code, self.lasti = callsite.here()
        self.node: Any = None

    def site(self) -> callsite.Site | None:
        return callsite.resolve(self.code, self.lasti)


@contextmanager
def definitions() -> Iterator[None]:
    """A block in which modules with kernels of their own (recurrences) run the operators that define them."""
    token = record.definitions.set(True)
    try:
        yield
    finally:
        record.definitions.reset(token)


class Watch:
    """A block whose operators are given to ``see(op, args, result)``.

    With ``composites``, operators that have kernels run as the composites that define them, so that only simple
    operators are seen.
    """

    def __init__(self, see: Callable[[Any, tuple[Any, ...], Any], None], composites: bool = False) -> None:
        self.see, self.composites = see, composites

    def watcher(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def watched(op: Any, args: tuple[Any, ...]) -> Any:
            if self.composites and isinstance(op, FusedOp):
                return op.composite(*args)
            result = run(op, args)
            self.see(op, args, result)
            return result

        return watched

    def __enter__(self) -> Watch:
        self.tokens = record.watchers.set((*record.watchers.get(), self.watcher)), word.set(mode() | CAREFUL)
        self.before = record.definitions.set(self.composites or record.definitions.get())
        return self

    def __exit__(self, *_: Any) -> None:
        watchers, bits = self.tokens
        record.definitions.reset(self.before)
        word.reset(bits)
        record.watchers.reset(watchers)
