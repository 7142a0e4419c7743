"""Zeros that absorb: a gradient that is exactly zero stays zero, whatever derivative it meets.

``where(x > 0, sqrt(x), 0)`` is 0 beside its kink, but its gradient there is ``0 * inf``, which is nan. An observer of the
backward pass runs every pointwise rule and puts zeros where the gradient that came in was zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._core import engine
from .._core.graph import Node
from .._core.tensor import Tensor
from .._ops.broadcast import fit
from .._ops.compare import where


@contextmanager
def zero_absorbing(enabled: bool = True) -> Iterator[None]:
    """A block whose backward passes let a zero gradient absorb inf and nan in pointwise operators.

    It counts where backward runs; first and higher derivatives. With ``enabled=False`` it is switched off inside.

    >>> import rushlight as torch
    >>> x = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> with torch.autograd.zero_absorbing():
    ...     torch.where(x > 0, x.sqrt(), 0.0).sum().backward()
    >>> x.grad
    tensor([0.0000, 0.2500])
    """
    others = tuple([o for o in engine.observers.get() if o is not absorb])
    token = engine.observers.set((absorb, *others) if enabled else others)
    try:
        yield
    finally:
        engine.observers.reset(token)


def absorb(node: Node, g: Any, run: Callable[[], Any]) -> Any:
    """An observer: what a pointwise node gives, with zeros where the gradient that came in was zero."""
    made = run()
    if getattr(node.op, "family", "") != "pointwise" or g is None or not any([broken(h) for h in made]):
        return made
    dead = g == 0
    return [masked(h, g, dead, node, i) if broken(h) else h for i, h in enumerate(made)]


def broken(h: Any) -> bool:
    """Whether a gradient has inf or nan somewhere."""
    while isinstance(h, Tensor):
        h = h._array
    return h is not None and h.dtype.kind in "fc" and not bool(np.isfinite(h).all())


def masked(h: Any, g: Any, dead: Any, node: Any, edge: int) -> Any:
    """A gradient with zeros where ``dead``; where it has been summed or cast, it is computed again before that."""
    rule = node.spread_rules()[edge]
    fitted = node.rules[edge] is rule.fitted
    if fitted:
        shape, dtype, *kept = (node.revived() if isinstance(g, Tensor) else node.saved)[edge]
        h = rule.vjp(g, *kept)
    zero = 0.0 if isinstance(h, Tensor) else np.zeros((), h.dtype)
    h = where(dead, zero, h)
    return fit(h, shape, dtype) if fitted else h


__all__ = ["zero_absorbing"]
