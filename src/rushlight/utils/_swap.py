"""Two tensors that change places: every name that meant one means the other."""

from __future__ import annotations

from typing import Any

from .._core.graph import Leaf
from .._core.meta import SLOT
from .._core.tensor import Tensor


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchange two tensors: values, class, attributes, gradients and history.

    >>> import rushlight as torch
    >>> a, b = torch.tensor(1.0), torch.tensor(2.0)
    >>> torch.utils.swap_tensors(a, b); a, b
    (tensor(2.), tensor(1.))
    """
    for t in (t1, t2):
        if not isinstance(t, Tensor):
            raise TypeError(f"swap_tensors(): expected Tensors, got {type(t).__name__}")
        if isinstance(t._view, list) and any(r() is not None for r in t._view):
            raise RuntimeError("Cannot swap t1 or t2: it has views, which would go on to mean the old memory")
    arrays = [SLOT.__get__(t) if hasattr(t, "_array") else None for t in (t2, t1)]  # those of meta have none
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    for t, array in zip((t1, t2), arrays, strict=True):
        if array is not None:
            SLOT.__set__(t, array)
        elif not hasattr(t, "outline"):
            SLOT.__delete__(t)
    t1._node, t2._node = t2._node, t1._node
    one, other = dict(t1.__dict__), dict(t2.__dict__)
    t1.__dict__.clear()
    t2.__dict__.clear()
    t1.__dict__.update(other)
    t2.__dict__.update(one)
    from weakref import ref

    for t in (t1, t2):
        if type(t._node) is Leaf:
            t._node.tensor = ref(t)


def set_module(obj: Any, mod: str) -> None:
    """Set the ``__module__`` of a function or class."""
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod


__all__ = ["set_module", "swap_tensors"]
