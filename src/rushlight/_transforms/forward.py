"""Forward mode as a level: a dual tensor carries a primal and a tangent through every operator.

A tangent goes through a pointwise operator by its vjp (multiplying by a derivative is its own transpose), through
a linear one by the operator itself, through any other by the transpose of its vjp, which is linear in the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import record, views
from .._core.declare import OpNode
from .._core.graph import Bundle
from .._core.levels import captured_write
from .._core.memory import tick
from .._core.mode import FORWARD_OFF, INFERENCE, RECORD, TRANSFORMED, word
from .._core.tensor import Tensor, new, wrap
from .base import Leveled, Transform, as_lower, entered, holds_tensors
from .grad import Grad, check_history, lowest, pull_back, rewrite, shown, zeros_of


class Dual(Leveled):
    """A tensor with a tangent."""

    __slots__ = ()

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return str(self.transform.shown(self))


class Forward(Transform):
    """The level of ``jvp``."""

    kind = "jvp (or jacfwd)"
    clears = FORWARD_OFF
    adds = TRANSFORMED

    def make(self, lower: Any, node: Any = None) -> Dual:
        return self.dual(lower, None)

    def dual(self, primal: Any, tangent: Any) -> Dual:
        t: Dual = new(Dual)
        t.lower = primal
        t._node = None
        t.level = self.level
        t.transform = self
        t.tangent = tangent
        return t

    def tangent_of(self, x: Any) -> Any:
        return x.tangent if isinstance(x, Tensor) and x.transform is self else None

    def shown(self, t: Any) -> str:
        return shown("GradTrackingTensor", self.level if self.alive else -2, "", t.lower)

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        if not self.alive:
            return self.escaped(op, args)
        primals = self.open_all(args)
        tangents = [
            a.tangent if isinstance(a, Tensor) and a.transform is self
            else [self.tangent_of(b) for b in a] if (type(a) is list or type(a) is tuple) and holds_tensors(a)
            else None
            for a in args
        ]  # fmt: skip
        m = word.get()
        token = word.set(self.outer_mode if m == self.inner_mode else self.mode_below())
        try:
            result = op.invoke(primals)
            tangent = None
            if not m & self.stops and any([any_of(t) for t in tangents]):
                tangent = pushed(op, primals, tangents, result)
        finally:
            word.reset(token)
        if op.outputs is None:
            made = self.dual(result, tangent)
            if op.view:
                self.note_view(made, op, args, None)
            return made
        parts = [
            None if r is None else self.dual(r, tangent.get(i) if tangent is not None else None)
            for i, r in enumerate(result)
        ]
        if op.view:
            for i, one in enumerate(parts):
                self.note_view(one, op, args, i)
        return op.gather_outputs(parts)

    def note_view(self, made: Any, op: Any, args: tuple[Any, ...], output: int | None) -> None:
        Grad.note_view(self, made, op, args, output)  # type: ignore[arg-type]

    def write(self, target: Any, op: Any, args: tuple[Any, ...], name: str) -> Any:
        """An in-place write goes to the primal's memory and to the tangent's, which views share."""
        if not self.alive:
            return self.escaped(None, (target, op, args, name))
        if target.transform is not self:
            self.adopt(target, name)
        m = word.get()
        recording = m & RECORD and self.records
        if recording:
            check_history(target, name)
        lower = target.lower
        if views.saves_first(op, args, target):
            old = self.dual(self.below(Tensor.clone, lower), target.tangent)
            old._node = target._node
            if old.tangent is not None:
                old.tangent = self.below(Tensor.clone, old.tangent)
        else:
            old = target
        made = self.process(op, (old, *[old if a is target else a for a in args]))
        if op.outputs is not None:
            made = made[0]
        if made.shape != target.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(made.shape)}"
            )
        views.check_cast(record.np_dtype(made), record.np_dtype(target))
        new_tangent = made.tangent
        self.below(Tensor.copy_, lower, made.lower)
        if target.tangent is None and new_tangent is not None:
            self.give_tangent(target, new_tangent)
        if target.tangent is not new_tangent:
            if new_tangent is None:
                new_tangent = self.below(zeros_of, lower)
            self.own_tangent(target, new_tangent)
            self.below(Tensor.copy_, target.tangent, new_tangent)
        if recording and (made._node is not None or target._node is not None):
            node = made._node
            if isinstance(node, OpNode) and not views.saves_memory(node, lowest(lower)._array, None):
                node.seq = tick()
            rewrite(self, target, made)  # type: ignore[arg-type]
        return target

    records = False
    stops = FORWARD_OFF  # bits of the mode under which no tangents are computed

    def take_up(self, t: Any, lower: Any) -> None:
        super().take_up(t, lower)
        t.tangent = None

    def give_tangent(self, target: Any, like: Any = None) -> None:
        """A tangent of zeros for a tensor that had none, and for all that share its memory.

        It is to hold ``like``: where that is mapped by a ``vmap`` further out, so are the zeros.
        """
        base = views.root_of(target)
        if like is not None and like.level and like.numel():
            base.tangent = self.below(zeros_with, base.lower, like)
        else:
            base.tangent = self.below(zeros_of, base.lower)
        base._own = True
        self.spread_tangent(base)

    def own_tangent(self, target: Any, new: Any) -> None:
        """Before the tangent of a tensor is written: it may be that of another tensor as well (of x, in x + 1).

        Where ``new`` is mapped by a ``vmap`` further out and the tangent is not, there is one for each example from now on.
        """
        base = views.root_of(target)
        owned = base.__dict__.get("_own")
        if owned is None or views.tracked(new) or (owned == "given" and 0 in lowest(base.tangent).stride()):
            base.tangent = self.below(Tensor.clone, base.tangent)
            self.spread_tangent(base)
            base._own = True
        if new.level and base.tangent.numel() and not maps(new) <= maps(base.tangent):
            base.tangent = self.below(lambda t: t + zeros_with(t, new), base.tangent)
            self.spread_tangent(base)
            base._own = True

    def spread_tangent(self, base: Any) -> None:
        """The views of a tensor have tangents in the memory of its own."""
        for r in base._view if isinstance(base._view, views.Views) else ():
            view = r()
            if view is not None:
                view.tangent = self.below(views.along, base.tangent, views.path_to(view))

    def given(self, primal: Any, tangent: Any) -> Dual:
        """A dual of two tensors that were given: what is written to it goes to their memory, as in PyTorch."""
        made = self.dual(primal, tangent)
        made._own = "given"  # type: ignore[attr-defined]
        return made

    def write_out(self, op: Any, out: Any, result: Any) -> Any:
        if self.tangent_of(out) is not None or self.tangent_of(result) is not None:
            raise NotImplementedError(
                f"Trying to use forward AD with {op.name}_out that does not support it because it is an out= function"
            )
        return super().write_out(op, out, result)

    def setitem(self, target: Any, parts: tuple[Any, ...], value: Any) -> None:
        if not self.alive:
            lowest(target)[tuple([lowest(p) if isinstance(p, Tensor) else p for p in parts])] = value
            return
        if target.transform is not self:
            self.adopt(target, "__setitem__")
        Grad.setitem(self, target, parts, value)  # type: ignore[arg-type]

    def detach(self, t: Any) -> Any:
        return self.dual(self.below(lambda x: x.detach(), t.lower), None)

    def detach_(self, t: Any) -> Any:
        t.tangent = None
        return super().detach_(t)

    def ones_like(self, t: Any) -> Any:
        return Grad.ones_like(self, t)  # type: ignore[arg-type]

    def created(self, made: Tensor) -> Tensor:
        return self.dual(made, None)


class DualLevel(Forward):
    """The level of ``autograd.forward_ad.dual_level``: its tensors are recorded in the graph outside, as they are.

    What backward then computes of them has tangents too: forward over reverse. When the level is left, its tensors
    stand for their primals.
    """

    kind = "dual_level"
    records = True
    guards = False
    adds = clears = 0
    stops = FORWARD_OFF | INFERENCE

    def shown(self, t: Any) -> str:
        text = repr(t.lower)
        return text if t.tangent is None or not self.alive else f"{text[:-1]}, tangent={t.tangent})"

    def dual(self, primal: Any, tangent: Any) -> Dual:
        made = super().dual(primal, tangent)
        made._node = primal._node
        return made

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        if not self.alive:
            return self.escaped(op, args)
        made = super().process(op, args)
        if not word.get() & RECORD:
            return made
        outs = made if op.outputs is not None else (made,)
        kept = [None if o is None else self.apart(o) for o in outs]
        node = record.node_for(op, args, list(args), kept if op.outputs is not None else kept[0], None, self)
        if op.outputs is None:
            made._node = node
            return made
        rest = iter(outs)

        def again(_: Any, own: Any) -> Any:
            one = next(rest)
            one._node = own
            return one

        return record.outputs(op, [o for o in outs], node, again, args)

    def apart(self, t: Any) -> Any:
        """The same dual without its node: a node that saved its own result would be a cycle."""
        made = super().dual(t.lower, t.tangent)
        made._node = None
        return made

    def wrap(self, value: Any, node: Any) -> Any:
        """A saved value with a history."""
        if not isinstance(value, Tensor):
            return wrap(value, node)
        if value.transform is not self:
            return wrap(value._array, node)
        made = super().dual(value.lower, value.tangent)
        made._node = node
        return made

    def adopt(self, target: Any, name: str) -> None:
        """A plain tensor becomes a dual one when a dual is written to it, and so does all that shares its memory."""
        if target.level or type(target) is not Tensor:
            raise captured_write(name)
        base = views.root_of(target)
        every = [base, *[r() for r in (base._view if isinstance(base._view, views.Views) else ())]]
        for t in every:
            if t is not None:
                lower = wrap(t._array, t._node)
                t.__class__ = Dual
                t.lower, t.level, t.transform, t.tangent = lower, self.level, self, None
        self.give_tangent(base)

    def escaped(self, op: Any = None, args: Any = ()) -> Any:
        """Without their level, duals are their primals."""
        if op is None:
            target, op, args, name = args
            return views.write(lowest(target), op, tuple([self.lowest(a) for a in args]), name)
        return op.invoke([self.lowest(a) for a in args])

    def lowest(self, x: Any) -> Any:
        if isinstance(x, (list, tuple)) and holds_tensors(x):
            return [self.lowest(b) for b in x]
        while isinstance(x, Tensor) and isinstance(x.transform, DualLevel) and not x.transform.alive:
            x = x.lower
        return x

    def constant(self, function: Any, batch: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.alive:
            return super().constant(function, batch, args, kwargs)
        return function(*[self.lowest(a) for a in args], **{k: self.lowest(a) for k, a in kwargs.items()})

    def outside(self, x: Any) -> Any:
        return x.lower._array

    def detach_(self, t: Any) -> Any:
        t.lower = self.below(lambda x: x.detach(), t.lower)  # the graph outside is its own
        return super().detach_(t)

    def created(self, made: Tensor) -> Tensor:
        return made


def maps(x: Any) -> set[Any]:
    """The ``vmap`` levels that a tensor is mapped by."""
    found = set()
    while x.level:
        if hasattr(x.transform, "randomness"):
            found.add(x.transform)
        x = x.lower
    return found


def zeros_with(x: Any, like: Any) -> Any:
    """Zeros in the shape of ``x``, inside the transforms that ``like`` is in."""
    from .._ops.broadcast import expand
    from .._ops.fill import blank
    from .._ops.shape import reshape

    one = blank(reshape(like.detach(), (-1,))[0])
    return expand(one, tuple(x.shape)).clone().to(x.dtype)


def any_of(t: Any) -> bool:
    """Whether there is a tangent."""
    return any([one is not None for one in t]) if type(t) is list else t is not None


def pushed(op: Any, primals: list[Any], tangents: list[Any], result: Any) -> Any:
    """The tangent of a result (of several: a bundle of them, by number)."""
    if callable(op.jvp):
        return op.jvp(op, primals, tangents, result)
    total: Any = None
    if op.jvp in ("linear", "bilinear"):
        for i, t in enumerate(tangents):
            for u in linear_terms(op, primals, i, t):
                total = u if total is None else summed(total, u)
        return total
    for i, t in enumerate(tangents):
        each = [(None, t)] if not isinstance(t, list) else list(enumerate(t))
        for index, one in each:
            if one is None:
                continue
            name = op.parameters[i]
            if name not in op.rules:
                continue
            u = transposed(op, primals, result, i, index, one)
            if u is not None:
                total = u if total is None else summed(total, u)
    return total


def summed(a: Any, b: Any) -> Any:
    return a + b


def linear_terms(op: Any, primals: list[Any], i: int, t: Any) -> list[Any]:
    """The operator applied to the tangents of one argument (a list of tensors at once)."""
    if isinstance(t, list):
        if all(x is None for x in t):
            return []
        filled = [zeros_of(as_lower(p)) if x is None else x for x, p in zip(t, primals[i], strict=True)]
        made = op.invoke([*primals[:i], filled, *primals[i + 1 :]])
    elif t is None or op.parameters[i] not in op.rules:
        return []
    else:
        made = op.invoke([*primals[:i], t, *primals[i + 1 :]])
    if op.outputs is not None:
        return [Bundle({k: m for k, m in enumerate(made) if m is not None})]
    return [made]


def transposed(op: Any, primals: list[Any], result: Any, i: int, index: int | None, t: Any) -> Any:
    """A tangent through a vjp: directly where that is its own transpose, else by differentiating it."""
    rule = op.rules[op.parameters[i]]
    primal = primals[i] if index is None else primals[i][index]
    first = result if op.outputs is None else result[0]
    if op.family == "pointwise" and record.np_dtype(primal).kind == "f" and record.np_dtype(first).kind == "f":
        saved = rule.keep(primals, result, index or 0)
        u = rule.vjp(t, *saved)
        return None if u is None else shaped(u, first)
    grad = Grad()
    with entered(grad):
        outs = [result] if op.outputs is None else list(result)
        which = range(len(outs)) if op.differentiable is None else op.differentiable
        seeds = {k: grad.variable(grad.below(zeros_of, as_lower(outs[k]))) for k in which if outs[k] is not None}
        single = op.outputs is None or (op.differentiable is not None and len(op.differentiable) == 1)
        g: Any = next(iter(seeds.values())) if single else Bundle(seeds)
        if op.joint is not None:
            names = [n for n in op.parameters if n in op.rules]
            wanted = tuple([n == op.parameters[i] for n in names])
            saved = op.joint.keep(primals, result, 0)
            back = op.joint.vjp(g, wanted, *saved)
            back = back.get(names.index(op.parameters[i]) + (index or 0))
        else:
            saved = rule.keep(primals, result, index or 0)
            own, kind = tuple(primal.shape), record.np_dtype(primal)
            if op.family == "pointwise" and (own != tuple(first.shape) or kind is not record.np_dtype(first)):
                back = rule.fitted(g, own, kind, *saved)
            else:
                back = rule.vjp(g, *saved)
        if back is None or not isinstance(back, Tensor) or back.level != grad.level or back._node is None:
            return None
        found = pull_back(grad, [back], list(seeds.values()), [as_lower(t)], False)
    if single and op.outputs is None:
        return found[0]
    return Bundle(dict(zip(seeds, found, strict=True)))


def shaped(u: Any, like: Any) -> Any:
    """A tangent in the shape and dtype of the result that it belongs to."""
    from .._ops.broadcast import cast_to, expand

    if not isinstance(u, Tensor):
        u = wrap(np.asarray(u))
    if tuple(u.shape) != tuple(like.shape):
        u = expand(u, tuple(like.shape))
    return cast_to(u, record.np_dtype(like))
