"""Loops in plain Python that numba compiles when it is installed and the array is large.

``@compiled`` leaves the text as it is: nothing is imported or compiled before a large array comes. The
compiled loops are sequential, give the interpreter lock free, and are cached on disk.
"""

import functools
import importlib.util
import os
import sys
import threading
import zlib
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

__all__ = [
    "COMPILE_FROM", "EXACT", "FAST", "ByType", "Compiled", "compiled", "constant", "fma", "numba_loaded",
    "use_numba",
]  # fmt: skip

COMPILE_FROM = 1 << 16  # elements; smaller arrays are left to NumPy: small programs never import numba

# Sums may be reordered, as vector instructions need, and products contracted; nan and infinity stay right.
FAST = frozenset({"reassoc", "contract", "nsz", "arcp"})
EXACT = frozenset({"contract"})
STRICT: frozenset[str] = frozenset()

_lock = threading.RLock()


@functools.cache
def _numba_allowed() -> bool:
    return os.environ.get("RUSHLIGHT_NUMBA", "1") != "0" and importlib.util.find_spec("numba") is not None


def use_numba(elements: int) -> bool:
    """Whether an array of ``elements`` goes through compiled loops: numba is there, allowed, and worth it."""
    return elements >= COMPILE_FROM and _numba_allowed()


def numba_loaded() -> bool:
    """Whether compiled loops are at hand already: where their results are the same bits, small arrays take them too."""
    return "numba" in sys.modules and _numba_allowed()


class ByType:
    """Two texts of one function, or two values of one constant: of float32 and of float64."""

    def __init__(self, single: Any, double: Any) -> None:
        self.single, self.double = single, double

    def of(self, double: bool) -> Any:
        return self.double if double else self.single


def constant(value: float) -> Any:
    """``value`` in the type of the array: a float64 literal would widen float32 arithmetic."""
    return ByType(np.float32(value), np.float64(value))


class Compiled:
    """A loop and, once called, its compiled forms: one for float64 first arguments, one for all others."""

    def __init__(self, text: Any, flags: frozenset[str], inline: bool) -> None:
        self.text = text
        self.options: dict[str, Any] = {
            "nogil": True,
            "fastmath": set(flags),
            "error_model": "numpy",
            "forceinline": inline,
        }
        self.forms: list[Any] = [None, None]
        functools.update_wrapper(self, text)

    def __call__(self, *args: Any) -> Any:
        double = args[0].dtype.char == "d"
        return (self.forms[double] or self.form(double))(*args)

    def form(self, double: bool) -> Any:
        """The numba dispatcher for one type; the loops it calls are compiled with it."""
        with _lock:
            if self.forms[double] is None:
                import numba

                bare = self._bound(double, lambda loop: loop.form(double))
                try:
                    self.forms[double] = numba.njit(cache=True, **self.options)(bare)
                except RuntimeError:  # no folder that can be written: compile anew in each process
                    self.forms[double] = numba.njit(**self.options)(bare)
        return self.forms[double]

    def plain(self, double: bool) -> Callable[..., Any]:
        """The text as an ordinary Python function for one type: slow, the same results; for tests."""
        return self._bound(double, lambda loop: loop.plain(double))

    def _bound(self, double: bool, form: Callable[["Compiled"], Any]) -> Callable[..., Any]:
        """The text with its global names bound for one type: numba reads them as constants."""
        text = self.text
        bound = self._bindings(double)
        names = {name: form(value) if isinstance(value, Compiled) else value for name, value in bound.items()}
        names = {**text.__globals__, **names}
        bare = FunctionType(text.__code__, names, text.__name__, text.__defaults__, text.__closure__)
        bare.__module__, bare.__qualname__ = text.__module__, f"{text.__name__}_{self._stamp(double):08x}"
        return bare

    def _bindings(self, double: bool) -> dict[str, Any]:
        values = {name: self.text.__globals__.get(name) for name in self.text.__code__.co_names}
        return {name: v.of(double) if isinstance(v, ByType) else v for name, v in values.items() if v is not None}

    def _stamp(self, double: bool) -> int:
        """A number that changes with the text, its constants and the loops it calls.

        It is part of the compiled form's name, as numba's cache sees a change in the loop's own file only.
        """
        stamp = zlib.crc32(self.text.__code__.co_code + repr(self.text.__code__.co_consts).encode())
        for name, value in sorted(self._bindings(double).items()):
            if isinstance(value, Compiled):
                stamp = zlib.crc32(b"%s %d" % (name.encode(), value._stamp(double)), stamp)
            elif isinstance(value, (int, float, np.generic)):
                stamp = zlib.crc32(f"{name} {value!r}".encode(), stamp)
        return stamp


def _rounded_once(a: Any, b: Any, c: Any) -> Any:
    return type(a)(np.float64(a) * np.float64(b) + np.float64(c))


class _Fma(Compiled):
    """``fma(a, b, c)``: a b + c rounded once, as PyTorch's vectorized loops round it."""

    def form(self, double: bool) -> Any:
        with _lock:
            if self.forms[double] is None:
                from numba.extending import intrinsic

                def fma(context: Any, a: Any, b: Any, c: Any) -> Any:
                    return a(a, a, a), lambda target, builder, signature, args: builder.fma(*args)

                self.forms[double] = intrinsic(fma)
        return self.forms[double]


fma: Any = _Fma(_rounded_once, EXACT, True)


def compiled(flags: frozenset[str] = FAST, inline: bool = False) -> Callable[[Callable[..., Any]], Compiled]:
    """Mark a loop for numba with the given fast-math flags; ``inline`` for the functions that loops call."""
    return lambda text: Compiled(text, flags, inline)
