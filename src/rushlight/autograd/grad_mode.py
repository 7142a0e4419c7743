"""Grad modes: whether operations are recorded, for a block, a function, or from here on.

The mode lives in a context variable, so each thread and asyncio task has its own. As decorators the modes hold
while a function runs, while a generator or coroutine is running between its suspensions, and on every method of
a class.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from .._core import engine, memory
from .._core.mode import ASKED, CAREFUL, INFERENCE, RECORD, mode, word
from .._core.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


class Mode:
    """A block, or a decorator, under which the mode word has some bits set and others cleared."""

    def bits(self, now: int) -> int:
        raise NotImplementedError

    def clone(self) -> Mode:
        return type(self)()

    def __enter__(self) -> None:
        self.__dict__.setdefault("_tokens", []).append(word.set(self.bits(mode())))

    def __exit__(self, *_: Any) -> None:
        if not self.__dict__.get("_tokens"):
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute 'prev': it is left more often than it was entered"
            )
        token = self.__dict__["_tokens"].pop()
        try:
            word.reset(token)
        except ValueError:  # left in another context than entered (a generator moved between tasks)
            word.set(token.old_value if isinstance(token.old_value, int) else RECORD)

    def __call__(self, function: F) -> F:
        return decorated(self, function)  # type: ignore[no-any-return]


def decorated(mode_: Mode, function: Any) -> Any:
    """``function`` with every run of it inside the mode."""
    if inspect.isclass(function):
        import warnings

        warnings.warn(
            "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
            "functions or methods. To preserve the current behavior of class decoration, you can directly decorate the "
            "`__init__` method and nothing else.",
            FutureWarning,
            stacklevel=3,
        )
        function.__init__ = decorated(mode_, function.__init__)  # type: ignore[method-assign]
        return function
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:
            inner = function(*args, **kwargs)
            send: tuple[Callable[..., Any], Any] = (inner.send, None)
            while True:
                try:
                    with mode_.clone():
                        value = send[0](send[1])
                except StopIteration as stop:
                    return stop.value
                try:
                    send = (inner.send, (yield value))
                except GeneratorExit:
                    with mode_.clone():
                        inner.close()
                    raise
                except BaseException as error:
                    send = (inner.throw, error)

        return generator
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def async_generator(*args: Any, **kwargs: Any) -> Any:
            inner = function(*args, **kwargs)
            send: tuple[Callable[..., Any], Any] = (inner.asend, None)
            while True:
                try:
                    with mode_.clone():
                        value = await send[0](send[1])
                except StopAsyncIteration:
                    return
                try:
                    send = (inner.asend, (yield value))
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:
                    send = (inner.athrow, error)

        return async_generator
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with mode_.clone():
                return await function(*args, **kwargs)

        return coroutine

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        with mode_.clone():
            return function(*args, **kwargs)

    return plain


class no_grad(Mode):
    """Operations are not recorded.

    >>> import rushlight as torch
    >>> x = torch.tensor(1.0, requires_grad=True)
    >>> with torch.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def __new__(cls, orig_func: Any = None) -> Any:
        return decorated(object.__new__(cls), orig_func) if orig_func is not None else object.__new__(cls)

    def bits(self, now: int) -> int:
        return now & ~(RECORD | ASKED)


class enable_grad(Mode):
    """Operations are recorded, also inside ``no_grad``.

    >>> import rushlight as torch
    >>> with torch.no_grad(), torch.enable_grad():
    ...     torch.is_grad_enabled()
    True
    """

    def __new__(cls, orig_func: Any = None) -> Any:
        return decorated(object.__new__(cls), orig_func) if orig_func is not None else object.__new__(cls)

    def bits(self, now: int) -> int:
        return now | ASKED if now & INFERENCE else now | RECORD


class set_grad_enabled(Mode):
    """Switch recording on or off: at once as a function, for a block as a context manager, or as a decorator.

    >>> import rushlight as torch
    >>> with torch.set_grad_enabled(False):
    ...     torch.is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        if type(mode) is not bool:
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode = mode
        self.prev = is_grad_enabled()
        self._tokens = [word.set(self.bits(word.get()))]
        self._held = True  # by the call itself, until a block or a decorator takes it over

    def bits(self, now: int) -> int:
        if not self.mode:
            return now & ~(RECORD | ASKED)
        return now | ASKED if now & INFERENCE else now | RECORD

    def __enter__(self) -> None:
        if self._held:  # the block goes back to what was before the call
            self._held = False
            word.set(self.bits(word.get()))
        else:
            super().__enter__()

    def __exit__(self, *_: Any) -> None:
        self._held = False
        super().__exit__()

    def __call__(self, function: F) -> F:
        self.__exit__()
        return decorated(self, function)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return f"{__name__}.set_grad_enabled(mode={self.mode})"

    def __repr__(self) -> str:
        return str(self)

    def clone(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)


class inference_mode(Mode):
    """Nothing is recorded, and the tensors made may never take part in recording.

    >>> import rushlight as torch
    >>> with torch.inference_mode():
    ...     torch.ones(2).is_inference()
    True
    """

    def __new__(cls, mode: Any = True) -> Any:
        return object.__new__(cls) if isinstance(mode, bool) else decorated(cls(), mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def bits(self, now: int) -> int:
        if self.mode:
            return now & ~(RECORD | ASKED) | INFERENCE | CAREFUL
        return now & ~(INFERENCE | ASKED) | RECORD

    def clone(self) -> inference_mode:
        return inference_mode(self.mode)


def is_grad_enabled() -> bool:
    """Whether operations are being recorded."""
    return bool(mode() & (RECORD | ASKED))


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on."""
    return bool(mode() & INFERENCE)


class set_multithreading_enabled(Mode):
    """Whether backward may use threads of its own: it never does, so both settings mean the same."""

    def __init__(self, mode: bool) -> None:
        self.prev = is_multithreading_enabled()
        self.mode = bool(mode)
        _multithreading.set(self.mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        _multithreading.set(self.prev)

    def clone(self) -> set_multithreading_enabled:
        return set_multithreading_enabled(self.mode)


def is_multithreading_enabled() -> bool:
    """What :func:`set_multithreading_enabled` was last given; True at first."""
    return _multithreading.get()


class enforce_grad_layout_policy(Mode):
    """Whether the first ``.grad`` lies in memory as its tensor does (True at first), or as it happens to come.

    >>> import rushlight as torch
    >>> x = torch.ones(2, 3).t().requires_grad_()
    >>> x.mul(2).sum().backward(); x.grad.stride() == x.stride()
    True
    """

    def __init__(self, enable: bool = True) -> None:
        self.prev = engine.enforce_layout.get()
        self.mode = bool(enable)
        engine.enforce_layout.set(self.mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        engine.enforce_layout.set(self.prev)

    def clone(self) -> enforce_grad_layout_policy:
        return enforce_grad_layout_policy(self.mode)


class _unsafe_preserve_version_counter(Mode):
    """Writes to ``tensors`` (one or a tuple) inside the block are not counted: only right where nothing saved changes.

    >>> import rushlight as torch
    >>> x = torch.ones(2)
    >>> with torch.autograd._unsafe_preserve_version_counter(x):
    ...     _ = x.add_(1)
    >>> x._version
    0
    """

    def __init__(self, tensors: Tensor | tuple[Tensor, ...]) -> None:
        self.tensors = (tensors,) if isinstance(tensors, Tensor) else tensors
        if not isinstance(self.tensors, tuple):
            raise AssertionError(f"Expected tensors to be a tuple, got {type(tensors).__name__}")
        self.entries = [memory.entry(t._array) for t in self.tensors]
        self.before = [(e.time, e.count, e.name, e.code, e.lasti) for e in self.entries]

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        for e, before in zip(self.entries, self.before, strict=True):
            e.time, e.count, e.name, e.code, e.lasti = before

    def clone(self) -> _unsafe_preserve_version_counter:
        return _unsafe_preserve_version_counter(self.tensors)


_multithreading: ContextVar[bool] = ContextVar("rushlight multithreading", default=True)

__all__ = [
    "enable_grad",
    "enforce_grad_layout_policy",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]
