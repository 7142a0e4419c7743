"""``torch.sym_int`` and its kin: arithmetic on sizes, which in PyTorch may be symbols. Here sizes are numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


class _Symbol:
    """Nothing is an instance: no size is a symbol here."""

    def __new__(cls, *_: Any) -> Any:
        raise TypeError(f"torch.{cls.__name__}: sizes are plain numbers here, no symbols are made")


class SymInt(_Symbol):
    """The class of symbolic integers, for ``isinstance``: nothing is one."""


class SymFloat(_Symbol):
    """The class of symbolic floats, for ``isinstance``: nothing is one."""


class SymBool(_Symbol):
    """The class of symbolic truth values, for ``isinstance``: nothing is one."""


def sym_int(a: Any) -> int:
    """A number as an integer, rounded towards zero.

    >>> import rushlight as torch
    >>> torch.sym_int(3.7), torch.sym_int(-3.7)
    (3, -3)
    """
    return int(a)


def sym_float(a: Any) -> float:
    """A number as a float."""
    return float(a)


def sym_not(a: Any) -> bool:
    """``not a``."""
    return not a


def sym_max(a: Any, b: Any) -> Any:
    """The larger number, a float if either is one.

    >>> import rushlight as torch
    >>> torch.sym_max(1, 2.0)
    2.0
    """
    return float(max(a, b)) if isinstance(a, float) or isinstance(b, float) else max(a, b)


def sym_min(a: Any, b: Any) -> Any:
    """The smaller number, a float if either is one."""
    return float(min(a, b)) if isinstance(a, float) or isinstance(b, float) else min(a, b)


def sym_sum(args: Iterable[Any]) -> Any:
    """The sum of numbers."""
    return sum(args)


def sym_ite(b: bool, t: Any, f: Any) -> Any:
    """``t if b else f``, of one type."""
    if not isinstance(b, bool):
        raise AssertionError(f"sym_ite expects a bool, not {type(b).__name__}")
    if type(t) is not type(f):
        raise AssertionError(f"sym_ite expects two numbers of one type, not {type(t).__name__} and {type(f).__name__}")
    return t if b else f


def sym_sqrt(a: Any) -> float:
    """The square root of a number."""
    return math.sqrt(a)
