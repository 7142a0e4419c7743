"""``torch.futures``: results that may come later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Future:
    """A result, or an error, that will be there at some time.

    >>> import rushlight as torch
    >>> f = torch.futures.Future(); f.set_result(3); f.wait()
    3
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._ready = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        self._then: list[Callable[[Future], Any]] = []

    def __class_getitem__(cls, _: Any) -> type[Future]:
        return cls

    def done(self) -> bool:
        """Whether the result is there."""
        return self._ready.is_set()

    def wait(self) -> Any:
        """Wait for the result, and return it (or raise the error)."""
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self._value

    value = wait

    def set_result(self, result: Any) -> None:
        """Give the result; callbacks run."""
        if self.done():
            raise RuntimeError("Attempting to mark a completed Future as complete again.")
        self._value = result
        self._finish()

    def set_exception(self, result: BaseException) -> None:
        """Give an error instead of a result."""
        if not isinstance(result, BaseException):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._error = result
        self._finish()

    def _finish(self) -> None:
        self._ready.set()
        for call in self._then:
            call(self)

    def add_done_callback(self, callback: Callable[[Future], Any]) -> None:
        """Call ``callback(self)`` when the result is there."""
        if self.done():
            callback(self)
        else:
            self._then.append(callback)

    def then(self, callback: Callable[[Future], Any]) -> Future:
        """A future of what ``callback(self)`` will return."""
        after = Future()

        def run(done: Future) -> None:
            try:
                after.set_result(callback(done))
            except Exception as error:
                after.set_exception(error)

        self.add_done_callback(run)
        return after


def collect_all(futures: list[Future]) -> Future:
    """A future of the list of futures, done when all of them are."""
    made = Future()
    for f in futures:
        f._ready.wait()
    made.set_result(futures)
    return made


def wait_all(futures: list[Future]) -> list[Any]:
    """The results of all futures."""
    return [f.wait() for f in futures]
