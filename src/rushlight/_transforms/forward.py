"""Forward mode as a level: a dual tensor carries a primal and a tangent through every operator.

A tangent goes through a pointwise operator by its vjp (multiplying by a derivative is its own transpose), through
a linear one by the operator itself, through any other by the transpose of its vjp, which is linear in the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import record
from .._core.graph import Bundle
from .._core.mode import FORWARD_OFF, mode
from .._core.tensor import Tensor, wrap
from .base import Leveled, Transform, as_lower, entered, holds_tensors, make
from .grad import Grad, pull_back, zeros_of


class Dual(Leveled):
    """A tensor with a tangent."""

    __slots__ = ("tangent",)
    tangent: Any

    @property
    def requires_grad(self) -> bool:
        return bool(self.lower.requires_grad)


class Forward(Transform):
    """The level of ``jvp`` and of ``dual_level``."""

    def make(self, lower: Any, node: Any = None) -> Dual:
        t: Dual = make(Dual, lower, None, self)
        t.tangent = None
        return t

    def dual(self, primal: Any, tangent: Any) -> Dual:
        t = self.make(primal)
        t.tangent = tangent
        return t

    def tangent_of(self, x: Any) -> Any:
        return x.tangent if isinstance(x, Dual) and x.level == self.level else None

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        self.check_alive()
        primals = self.open_all(args)
        tangents = [
            [self.tangent_of(b) for b in a] if holds_tensors(a) else self.tangent_of(a) for a in args
        ]
        result = self.below(op.invoke, primals)
        if mode() & FORWARD_OFF or not any(
            t is not None for ts in tangents for t in (ts if isinstance(ts, list) else [ts])
        ):
            return self.wrapped(op, result, None)
        return self.wrapped(op, result, self.below(pushed, op, primals, tangents, result))

    def wrapped(self, op: Any, result: Any, tangent: Any) -> Any:
        if op.outputs is None:
            return self.dual(result, tangent)
        made = [
            None if r is None else self.dual(r, tangent.get(i) if tangent is not None else None)
            for i, r in enumerate(result)
        ]
        return op.gather_outputs(made)

    def write(self, target: Any, op: Any, args: tuple[Any, ...], name: str) -> Any:
        """An in-place write goes to the primal's memory and to the tangent's, which views share."""
        self.check_alive()
        made = self.process(op, (target, *args))
        if op.outputs is not None:
            made = made[0]
        if not (isinstance(target, Dual) and target.level == self.level):
            if made.tangent is not None:
                raise RuntimeError(
                    f"During a jvp transform, the function provided attempted to call in-place operation ({name}) that "
                    "would mutate a captured Tensor. This is not supported; please rewrite the function being "
                    "transformed to explicitly accept the mutated Tensor(s) as inputs."
                )
            self.below(lambda t, v: t.copy_(v), target, made.lower)
            return target
        self.below(lambda t, v: t.copy_(v), target.lower, made.lower)
        if target.tangent is None and made.tangent is not None:
            target.tangent = self.below(zeros_of, target.lower)
        if target.tangent is not None:
            new = made.tangent if made.tangent is not None else self.below(zeros_of, target.lower)
            self.below(lambda t, v: t.copy_(v), target.tangent, new)
        return target

    def setitem(self, target: Any, parts: tuple[Any, ...], value: Any) -> None:
        Grad.setitem(self, target, parts, value)  # type: ignore[arg-type]

    def index(self, input: Any, parts: tuple[Any, ...]) -> Any:
        return Grad.index(self, input, parts)  # type: ignore[arg-type]

    def detach(self, t: Any) -> Any:
        return self.dual(self.below(lambda x: x.detach(), t.lower), None)


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
        saved = [record.pick(s, primals, result, index or 0) for s in rule.sources]
        u = rule.vjp(t, *saved)
        return None if u is None else shaped(u, first)
    grad = Grad()
    with entered(grad):
        outs = [result] if op.outputs is None else list(result)
        which = range(len(outs)) if op.differentiable is None else op.differentiable
        seeds = {k: grad.variable(zeros_of(as_lower(outs[k]))) for k in which if outs[k] is not None}
        single = op.outputs is None or op.differentiable is not None and len(op.differentiable) == 1
        g: Any = next(iter(seeds.values())) if single else Bundle(seeds)
        if op.joint is not None:
            names = [n for n in op.parameters if n in op.rules]
            wanted = tuple([n == op.parameters[i] for n in names])
            saved = [record.pick(s, primals, result, 0) for s in op.joint.sources]
            back = op.joint.vjp(g, wanted, *saved)
            back = back.get(names.index(op.parameters[i]) + (index or 0))
        else:
            saved = [record.pick(s, primals, result, index or 0) for s in rule.sources]
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
