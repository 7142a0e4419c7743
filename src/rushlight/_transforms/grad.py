"""Reverse mode as a level: ``grad`` records on a graph of its own, whose saved values are tensors of the level below."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import engine, record, views
from .._core.graph import Freed, Leaf
from .._core.memory import tick
from .._core.mode import RECORD, mode, word
from .._core.tensor import Tensor, wrap
from .base import Leveled, Transform, make


class Traced(Leveled):
    """A tensor that a ``grad`` transform records."""

    __slots__ = ()

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        raise RuntimeError(
            "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) "
            "inside of a function being transformed by a functorch transform. This is unsupported, please attempt to use "
            "the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside of a "
            "function being transformed instead."
        )


class Grad(Transform):
    """The level of ``grad`` and ``vjp``."""

    def make(self, lower: Any, node: Any) -> Traced:
        t: Traced = make(Traced, lower, node, self)
        return t

    def wrap(self, value: Any, node: Any) -> Any:
        """A saved value (of the level below) as a tensor of this level with a history."""
        return self.make(value if isinstance(value, Tensor) else wrap(value), node)

    def variable(self, lower: Tensor) -> Traced:
        """An input that gradients are asked for."""
        t = self.make(lower, None)
        t._node = Leaf(lambda: None)
        t._node.transform = self
        return t

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        self.check_alive()
        values = self.open_all(args)
        result = self.below(op.invoke, values)
        return self.recorded(op, args, values, result)

    def recorded(self, op: Any, args: tuple[Any, ...], values: list[Any], result: Any) -> Any:
        lowers = [as_list(result)[i] for i in range(len(as_list(result)))] if op.outputs is not None else result
        node = record.node_for(op, args, values, lowers, self.level, self) if mode() & RECORD else None
        if op.outputs is None:
            made = self.make(result, node)
            self.note_view(made, op, args, None)
            return made
        return record.outputs(op, lowers, node, self.make, args)

    def note_view(self, made: Any, op: Any, args: tuple[Any, ...], output: int | None) -> None:
        if op.view and isinstance(args[0], Traced) and args[0].level == self.level:
            link = args[0]._view
            base = link.base if isinstance(link, views.View) else args[0]
            made._view = views.View(base, args[0], views.Step(op, tuple(args[1:]), output))
            if base._view is None:
                base._view = views.Views()
            from weakref import ref

            base._view.append(ref(made))

    def write(self, target: Any, op: Any, args: tuple[Any, ...], name: str) -> Any:
        """An in-place write: the memory below is written, the history of this level rewritten."""
        self.check_alive()
        if not (isinstance(target, Traced) and target.level == self.level):
            raise RuntimeError(
                f"During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place "
                f"operation ({name}) that would mutate a captured Tensor. This is not supported; please rewrite the "
                "function being transformed to explicitly accept the mutated Tensor(s) as inputs."
            )
        made = self.process(op, (target, *args))
        if op.outputs is not None:
            made = made[0]
        lower_old = self.below(lambda t: t.clone(), target.lower) if views.saves_first(op, args, target) else None
        if lower_old is not None and made._node is not None:
            kept = made._node
            kept.saved = tuple([views.swapped(s, target.lower, lower_old) for s in kept.saved])
        self.below(lambda t, v: t.copy_(v), target.lower, made.lower)
        if made._node is not None:
            made._node.seq = tick()
        rewrite(self, target, made)
        return target

    def setitem(self, target: Any, parts: tuple[Any, ...], value: Any) -> None:
        from .._ops import index

        basic, advanced, changes, kind = index.parsed(target.shape, parts)
        gathers = any(a is not None for a in advanced)
        place = index._VIEWS[kind](target, basic) if changes or not gathers else target
        if gathers:
            self.write(place, index.index_put_raw.op, (index.broadcast_indices(advanced), value, False), "index_put_")
        else:
            self.write(place, index.copied.op, (index.trimmed(value, place),), "copy_")

    def index(self, input: Any, parts: tuple[Any, ...]) -> Any:
        """``input[parts]`` where an index is itself of this level: its values decide, so the level below is asked."""
        from .._ops import index

        return index.getitem(input, tuple([self.opened(p) for p in parts]))

    def detach(self, t: Any) -> Any:
        return self.make(self.below(lambda x: x.detach(), t.lower), None)

    def ones_like(self, t: Any) -> Any:
        return self.below(lambda x: ones_of(x), t.lower)


def as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def ones_of(x: Tensor) -> Tensor:
    from .._ops.create import ones_like

    return ones_like(x)  # type: ignore[no-any-return]


def rewrite(transform: Grad, target: Any, made: Any) -> None:
    """Give a written tensor, its base and the base's views their new history on this level."""
    base = views.base_of(target)
    if base is None:
        target._node = made._node
        base = target
    else:
        node = views.overwritten(base, made, views.path_to(target))
        node.transform = transform
        base._node = node if base._node is not None or made._node is not None else None
    if base._view is None or isinstance(base._view, views.View):
        return
    for r in list(base._view):
        view = r()
        if view is not None:
            count = len(base._view)
            view._node = views.along(base, views.path_to(view))._node
            del base._view[count:]


def pull_back(transform: Grad, outputs: list[Any], inputs: list[Any], seeds: list[Any], keep: bool, now: bool = False) -> list[Any]:
    """Gradients (of the level below) of outputs of this level with respect to its variables; zeros where there is none.

    It runs in the mode that held outside the transform, or, ``now``, in the one that holds here.
    """
    roots = []
    for out, seed in zip(outputs, seeds, strict=True):
        if isinstance(out, Traced) and out.level == transform.level and out._node is not None:
            roots.append((out._node, seed))
    nodes = [x._node for x in inputs]
    this = engine.Pass(roots, False, nodes, False)
    token = word.set(mode() if now else transform.outer_mode)
    try:
        if roots:
            engine.run(this, None if keep else Freed(None, -1))
    finally:
        word.reset(token)
    arrived = this.arrived
    found = []
    for x, node in zip(inputs, nodes, strict=True):
        g = arrived.get(node)
        found.append(zeros_of(x.lower) if g is None else g if isinstance(g, Tensor) else wrap(np.asarray(g)))
    return found


def zeros_of(x: Tensor) -> Tensor:
    from .._ops.create import zeros_like

    return zeros_like(x)  # type: ignore[no-any-return]
