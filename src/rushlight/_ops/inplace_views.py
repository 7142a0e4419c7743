"""View operators in place (``t_``, ``unsqueeze_``): the tensor itself gets the other shape.

Its views must not be disturbed: each is led to by steps from its base, and the first of these then starts from another
shape; so it is given a step before it, from the memory to the shape that it was taken of.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from .._core import callsite, memory, views
from .._core.graph import Node, node_type
from .._core.hooks import move_retained, stays_at, tensor_hooks
from .._core.memory import tick
from .._core.mode import DEPTH, RECORD, mode
from .._core.tensor import Tensor, wrap
from . import shape


def inplace_view(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The in-place method of a view operator (``t_``, ``unsqueeze_``): the tensor itself becomes the view."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if mode() >> DEPTH:
            views.check_captured(self, name)
        if self.level:
            return self.transform.inplace_view(self, name, function, args, kwargs)
        needs = mode() & RECORD and self._node is not None
        views.check_writable(self, name, needs)
        made = function(wrap(self._array, self._node if needs else None), *args, **kwargs)
        if made._view is None:  # nothing changes (the transpose of a vector) but the node
            memory.written(self._array, name, *callsite.here())
            if needs:
                before, self._node = self._node, views.alias(made)._node
                move_retained(self, before)
            return self
        link, old = self._view, wrap(self._array, self._node)
        if type(link) is views.View:  # a further step on the way from its base; views of it go on from what it was
            old._view = link
            self._view = views.View(link.base, old, step_of(made))
            self._view.kind = link.kind
            for r in link.base._view:
                child = r()
                if (
                    child is not None
                    and type(child._view) is views.View
                    and child._view.parent is self
                    and child is not self
                ):
                    child._view.parent = old
        self._array = made._array
        if link is not None and type(link) is not views.View:
            step = leading_to(old, self)
            for r in link:
                child = r()
                if child is not None and child._view.parent is self and child._view.first is None:
                    child._view.first = step
        memory.written(self._array, name, *callsite.here())
        if needs:
            before = self._node
            self._node = made._node
            made._node.__class__ = renamed(type(made._node), args)
            made._node.seq = tick()
            move_retained(self, before)
            if type(link) is not views.View and tensor_hooks(stays_at(before)) is not None:
                made._node.__dict__["_hooked"] = stays_at(before)
            if link is not None and type(link) is not views.View:
                views.retake_views(self)
        return self

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place version of :func:`{name[:-1]}`: this tensor itself gets the other shape."
    return method


@cache
def under(kind: type[Node], name: str) -> type[Node]:
    return node_type(name, (kind,))


def renamed(kind: type[Node], args: tuple[Any, ...]) -> type[Node]:
    """The class of the node of a view operator in place: PyTorch counts on from the operator's own nodes."""
    stem = kind.__name__.rstrip("0123456789")
    last = (5 if isinstance(args[0], (tuple, list)) else 4) if args else 3
    return under(kind, f"{stem}{last if stem == 'SqueezeBackward' else 1}")


def leading_to(x: Tensor, base: Tensor) -> views.Step:
    """The step from ``base`` to ``x``, which is the same memory in another shape."""
    return step_of(shape.as_strided(wrap(base._array), tuple(x.shape), x.stride(), x.storage_offset()))


def step_of(made: Tensor) -> views.Step:
    step: views.Step = made._view.step
    return step


as_strided_ = inplace_view(shape.as_strided, "as_strided_")
squeeze_ = inplace_view(shape.squeeze, "squeeze_")
swapaxes_ = inplace_view(shape.swapaxes, "swapaxes_")
swapdims_ = inplace_view(shape.transpose, "swapdims_")
t_ = inplace_view(shape.t, "t_")
transpose_ = inplace_view(shape.transpose, "transpose_")
unsqueeze_ = inplace_view(shape.unsqueeze, "unsqueeze_")
