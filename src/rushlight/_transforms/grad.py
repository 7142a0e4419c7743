"""Reverse mode as a level: ``grad`` records on a graph of its own, whose saved values are tensors of the level below."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

from .._core import engine, record, views
from .._core.declare import OpNode
from .._core.graph import Freed, Leaf
from .._core.memory import tick
from .._core.mode import RECORD, TRANSFORMED, mode, word
from .._core.tensor import Tensor, new, wrap
from .base import LOW, Leveled, Transform, holds_tensors, make
from .notes import bare, note_of


class Traced(Leveled):
    """A tensor that a ``grad`` transform records."""

    __slots__ = ()

    @property
    def data(self) -> Tensor:
        return self.transform.detach(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError("mutating directly with `.data` inside functorch transform is not allowed.")

    def item(self) -> Any:
        return self.lower.item()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        if self._node is not None and not force and mode() & RECORD:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self.lower.numpy(force=force)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return shown("GradTrackingTensor", self.level if self.transform.alive else -2, "", self.lower)


def shown(kind: str, level: int, more: str, lower: Any) -> str:
    """How PyTorch prints a tensor of a transform: its level and, indented, what it stands for."""
    inner = "\n".join("    " + line for line in repr(lower).splitlines())
    return f"{kind}(lvl={level}, {more}value=\n{inner}\n)"


class Grad(Transform):
    """The level of ``grad`` and ``vjp``."""

    adds = RECORD | TRANSFORMED
    owns = 0
    kind = "grad (or vjp, jacrev)"

    def make(self, lower: Any, node: Any = None) -> Traced:
        t: Traced = make(Traced, lower, node, self)
        return t

    def mode_below(self) -> int:
        """The mode for the level below: that which held outside, but nothing is recorded there under ``no_grad`` here."""
        m = word.get()
        return self.outer_mode if m & RECORD else self.outer_mode & ~RECORD

    def wrap(self, value: Any, node: Any) -> Any:
        """A saved value (of the level below) as a tensor of this level with a history."""
        return self.make(value if isinstance(value, Tensor) else wrap(value), node)

    def variable(self, lower: Tensor) -> Traced:
        """An input that gradients are asked for."""
        dtype = lower.dtype
        if not (dtype.is_floating_point or dtype.is_complex):
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients (complex ones too), not {dtype}"
            )
        t = self.make(lower, None)
        t._node = Leaf(ref(t))
        t._node.transform = self
        return t

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        if not self.alive:
            self.escaped()
        if op.simple:
            made = (op.note or self.noted(op))(self, *args)
            if op.view:
                self.note_view(made, op, args, None)
            return made
        m = word.get()
        values = self.open_all(args)
        result = self.below(op.invoke, values)
        lowers = list(result) if op.outputs is not None else result
        node = (
            record.node_for(op, args, [bared(v) for v in values], bared(lowers), self.level, self)
            if m & RECORD
            else None
        )
        if op.outputs is None:
            made = self.make(result, node)
            self.note_view(made, op, args, None)
            return made
        made = record.outputs(op, lowers, node, self.make, args)
        if op.view:
            for i, one in enumerate(made):
                self.note_view(one, op, args, i)
        return made

    def noted(self, op: Any) -> Any:
        op.note = note_of(op, Traced)
        return op.note

    def note_view(self, made: Any, op: Any, args: tuple[Any, ...], output: int | None) -> None:
        """Remember views, if what was made below is one."""
        parent = args[0]
        if not (op.view and isinstance(parent, Tensor) and parent.transform is self and views.is_view(lowest(made))):
            return
        link = parent._view
        base = link.base if isinstance(link, views.View) else parent
        made._view = views.View(base, parent, views.Step(op, tuple(args[1:]), output))
        if base._view is None:
            base._view = views.Views()
        base._view.append(ref(made))

    def write(self, target: Any, op: Any, args: tuple[Any, ...], name: str) -> Any:
        """An in-place write: the memory below is written, the history of this level rewritten."""
        if not self.alive:
            self.escaped()
        if target.transform is not self:
            self.adopt(target, name)
        recording = mode() & RECORD and any(
            [t.transform is self and t._node is not None for t in record.tensors_in((target, *args))]
        )
        if recording:
            check_history(target, name)
        lower = target.lower
        keep = views.saves_first(op, args, target)
        old = self.below(Tensor.clone, lower) if keep else lower
        stand_in = self.make(old, target._node)
        made = self.process(op, (stand_in, *[stand_in if a is target else a for a in args]))
        if op.outputs is not None:
            made = made[0]
        if made.shape != target.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(made.shape)}"
            )
        views.check_cast(record.np_dtype(made), record.np_dtype(target))
        self.below(Tensor.copy_, lower, made.lower)
        if recording and (made._node is not None or target._node is not None):
            node = made._node
            if isinstance(node, OpNode) and not views.saves_memory(node, lowest(lower)._array, None):
                node.seq = tick()  # newer than the write, or what it saved would count as stale
            rewrite(self, target, made)
        return target

    def setitem(self, target: Any, parts: tuple[Any, ...], value: Any) -> None:
        from .._ops import index as indexing

        index: Any = indexing
        basic, advanced, changes, kind = index.parsed(target.shape, parts)
        gathers = any(a is not None for a in advanced)
        place = index._VIEWS[kind](target, basic) if changes or not gathers else target
        if gathers:
            views.write(place, index.index_put_raw.op, (index.broadcast_indices(advanced), value, False), "index_put_")
        else:
            views.write(place, index.copied.op, (index.trimmed(value, place),), "copy_")

    def detach(self, t: Any) -> Any:
        return self.make(self.below(lambda x: x.detach(), t.lower), None)

    def ones_like(self, t: Any) -> Any:
        return self.below(ones_of, t.lower)

    def created(self, made: Tensor) -> Tensor:
        return self.make(made)


def check_history(target: Any, name: str) -> None:
    """Raise where PyTorch refuses to record an in-place write."""
    link = target._view
    if type(link) is views.View:
        if link.kind:
            raise RuntimeError(views.complaint(target, "is being"))
        if type(link.base._node) is Leaf:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation. "
                f"Do {name} on a .clone() of what the transform differentiates."
            )
    if type(target._node) is Leaf:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation. "
            f"{name} would change what the transform differentiates: do it on a .clone()."
        )


def bared(values: Any) -> Any:
    """Tensors without history as arrays, also in lists."""
    return [bare(v) for v in values] if isinstance(values, list) else bare(values)


def lowest(x: Any) -> Any:
    """The tensor of no transform that a tensor stands for."""
    while x.level:
        x = x.lower
    return x


def ones_of(x: Tensor) -> Tensor:
    from .._ops.create import ones_like

    return ones_like(x)


def rewrite(transform: Grad, target: Any, made: Any) -> None:
    """Give a written tensor, its base and the base's views their new history on this level."""
    base = views.base_of(target)
    if base is None:
        target._node = made._node
        base = target
    else:
        node = views.overwritten(base, made, views.path_to(target))
        node.transform = transform
        base._node = node
    if base._view is None or isinstance(base._view, views.View):
        return
    for r in list(base._view):
        view = r()
        if view is not None:
            count = len(base._view)
            view._node = views.along(base, views.path_to(view))._node
            del base._view[count:]


def pull_back(
    transform: Grad, outputs: list[Any], inputs: list[Any], seeds: list[Any], keep: bool, now: bool = False,
    unused: bool = False,
) -> list[Any]:  # fmt: skip
    """Gradients (of the level below) of outputs of this level with respect to its variables.

    Where there is none, zeros (None if ``unused``). It runs in the mode that held outside the transform, or, ``now``,
    in the one that holds here.
    """
    roots = []
    for out, seed in zip(outputs, seeds, strict=True):
        if out.transform is transform and out._node is not None:
            roots.append((out._node, bare(seed)))
    nodes = [x._node for x in inputs]
    token = word.set(word.get() if now else transform.outer_mode)
    try:
        arrived = passed(roots, nodes, keep) if roots else {}
        found = []
        for x, node in zip(inputs, nodes, strict=True):
            g = arrived.get(node)
            if g is None:
                found.append(None if unused else zeros_of(x.lower))
            else:
                found.append(g if isinstance(g, Tensor) else owned(g))
    finally:
        word.reset(token)
    return found


def passed(roots: list[Any], nodes: list[Any], keep: bool) -> dict[Any, Any]:
    """The gradients that arrive at nodes. (All leaves of a level are its variables: with these, everything runs.)"""
    leaves = all([type(n) is Leaf for n in nodes])
    this = engine.Pass(roots, False, None if leaves else nodes, False)
    token = engine.current.set(this)
    try:
        engine.run(this, None if keep else FREED)
    finally:
        engine.current.reset(token)
    for call in this.callbacks:
        call()
    return this.arrived


FREED = Freed(None, -1)


def owned(g: Any) -> Tensor:
    """An array of the backward pass as a tensor of its own."""
    if type(g) is not np.ndarray:
        g = np.asarray(g)
    if not g.flags.writeable or (0 in g.strides and g.size > 1):
        g = g.copy()
    t: Tensor = new(Tensor)
    t._array = g
    t._node = None
    return t


def zeros_of(x: Tensor) -> Tensor:
    from .._ops.create import zeros_like

    return zeros_like(x)


__all__ = ["LOW", "Grad", "Traced", "holds_tensors", "pull_back"]
