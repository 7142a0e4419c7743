"""Derivatives of one's own for plain functions, as JAX has them: ``custom_vjp`` and ``custom_jvp``.

Where a level differentiates, the user's rule runs on the level below as ordinary operators, which levels further out
differentiate in turn. So a rule is right to any order, as far as it is itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core import callsite, engine
from .._core.graph import Bundle, Fan, Node, Port
from .._core.memory import tick
from .._core.mode import RECORD, mode, switched
from .._core.tensor import Tensor, wrap
from .._ops.broadcast import expand
from .._ops.reduce import sum as sum_of
from ..utils import _pytree as tree
from .base import entered
from .compose import Pulled
from .forward import DualLevel, Forward
from .grad import zeros_of
from .vmap import Vmap


class CustomNode(Node):
    """The node of a call: its rule is the user's, on residuals of the level below."""

    __slots__ = ()

    def name(self) -> str:
        return f"{self.saved[0][0].rule.__name__}Backward"

    def revived(self) -> Any:
        """The residuals again, as functions of the inputs, for a backward pass that is recorded."""
        call, _ = self.saved[0]
        with switched(mode() | RECORD):
            return ((call, call.rule.forward(*call.inputs)[1]),)


class Call:
    """What a node keeps of a call: the rule, the arguments, and the shapes of leaves that come in and go out."""

    def __init__(self, rule: Any, inputs: tuple[Any, ...], spec: Any, leaves: list[Any]) -> None:
        self.rule, self.inputs, self.spec, self.leaves = rule, inputs, spec, leaves
        self.out_spec: Any = None
        self.outs: list[Any] = []


class Rule:
    """How a function is differentiated: ``forward(*args)`` gives ``(result, residuals)``, ``back`` the gradients."""

    def __init__(self, name: str, function: Any, forward: Any, back: Any, jvp: Any) -> None:
        self.__name__ = name
        self.function, self.forward, self.back, self.jvp = function, forward, back, jvp

    def __call__(self, *args: Any) -> Any:
        """Run the function on trees of tensors."""
        leaves, spec = tree.tree_flatten(args)
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        top = max(tensors, key=lambda t: t.level, default=None)
        transform = top.transform if top is not None else None
        if transform is None:
            if mode() & RECORD and any([t._node is not None for t in tensors]):
                return self.record(args, leaves, spec, None)
            return self.function(*args)
        if not transform.alive:
            if not isinstance(transform, DualLevel):
                transform.escaped()
            return self(*tree.tree_map(transform.lowest, args))
        if isinstance(transform, Vmap):
            return self.batch(leaves, spec, transform)
        if isinstance(transform, Forward):
            return self.push(leaves, spec, transform)
        return self.record(args, leaves, spec, transform)

    # ---- reverse mode

    def record(self, args: Any, leaves: list[Any], spec: Any, transform: Any) -> Any:
        def on(x: Any) -> bool:
            return isinstance(x, Tensor) and x.transform is transform

        call = Call(self, args, spec, [on(x) for x in leaves])
        if transform is None:
            with switched(mode() & ~RECORD):
                result, kept = self.forward(*args)
            made = [detached(x) for x in tree.tree_leaves(result)]
        else:
            lowers = tree.tree_unflatten([transform.opened(x) for x in leaves], spec)
            result, kept = transform.below(lambda: self.forward(*lowers))
            made = tree.tree_leaves(result)
        if any([isinstance(x, Tensor) and transform is not None and x.level >= transform.level for x in made]):
            raise RuntimeError(
                f"{self.__name__}: the function uses a tensor that is differentiated without being an argument of it. Pass it "
                "as an argument, so that the rule can give its gradient."
            )
        call.out_spec = tree.tree_structure(result)
        call.outs = made
        parents = [x._node for x, own in zip(leaves, call.leaves, strict=True) if own]
        if not (mode() & RECORD and any([p is not None for p in parents])):
            if transform is not None:
                made = [transform.make(x) if isinstance(x, Tensor) else x for x in made]
            return tree.tree_unflatten(made, call.out_spec)
        node = CustomNode()
        node.parents = (Fan(tuple(parents)),)
        node.rules, node.saved = (pulled,), ((call, kept),)
        node.seq = tick()
        node.code, node.lasti = callsite.here()
        if transform is not None:
            node.transform = transform
        node.width = len(made)
        outs = []
        for i, x in enumerate(made):
            if not isinstance(x, Tensor):
                outs.append(x)
                continue
            port = Port(node, i) if x.dtype.is_floating_point or x.dtype.is_complex else None
            outs.append(wrap(x._array, port) if transform is None else transform.make(x, port))
        return tree.tree_unflatten(outs, call.out_spec)

    # ---- forward mode

    def push(self, leaves: list[Any], spec: Any, transform: Forward) -> Any:
        if self.jvp is None:
            raise TypeError(
                f"can't apply forward-mode differentiation (jvp) to a custom_vjp function: {self.__name__} defines a rule for "
                "reverse mode only. Use custom_jvp, which serves both."
            )
        primals = [transform.opened(x) for x in leaves]
        if mode() & transform.stops:
            result = transform.below(lambda: self(*tree.tree_unflatten(primals, spec)))
            return tree.tree_map(lambda x: transform.dual(x, None) if isinstance(x, Tensor) else x, result)

        def tangent(x: Any, low: Any) -> Any:
            t = transform.tangent_of(x)
            if t is None and isinstance(low, Tensor):
                t = zeros_of(low)
            return t

        def run() -> Any:
            tangents = [tangent(x, low) for x, low in zip(leaves, primals, strict=True)]
            return self.jvp(tree.tree_unflatten(primals, spec), tree.tree_unflatten(tangents, spec))

        result, derivative = transform.below(run)
        outs, out_spec = tree.tree_flatten(result)
        directions = tree.tree_leaves(derivative)
        check_count(self.__name__, "jvp", directions, outs)
        for x, t in zip(outs, directions, strict=True):
            if isinstance(x, Tensor) and tuple(t.shape) != tuple(x.shape):
                raise TypeError(
                    f"{self.__name__}: the jvp rule returned a tangent of shape {list(t.shape)} for a result of shape "
                    f"{list(x.shape)}"
                )
        made = [transform.dual(x, t) if isinstance(x, Tensor) else x for x, t in zip(outs, directions, strict=True)]
        return tree.tree_unflatten(made, out_spec)

    # ---- vmap

    def batch(self, leaves: list[Any], spec: Any, transform: Vmap) -> Any:
        mapped = [transform.is_mapped(x) for x in leaves]
        size, randomness = transform.size, transform.randomness
        flags: dict[str, Any] = {}

        def taken(level: Vmap, given: Any, which: list[bool]) -> Any:
            own, own_spec = tree.tree_flatten(given)
            return tree.tree_unflatten(
                [level.make(x) if m and isinstance(x, Tensor) else x for x, m in zip(own, which, strict=True)], own_spec
            )

        def whole(level: Vmap, x: Any) -> Any:
            if not isinstance(x, Tensor):
                return x
            return x.lower if level.is_mapped(x) else level.below(expand, x, (size, *x.shape))

        def function(*args: Any) -> Any:
            with entered(Vmap(size, randomness)) as level:
                return tree.tree_map(lambda x: whole(level, x), self.function(*taken(level, args, mapped)))

        def forward(*args: Any) -> Any:
            with entered(Vmap(size, randomness)) as level:
                result, kept = self.forward(*taken(level, args, mapped))
                flags["kept"] = [level.is_mapped(x) for x in tree.tree_leaves(kept)]
                return (
                    tree.tree_map(lambda x: whole(level, x), result),
                    tree.tree_map(lambda x: level.opened(x), kept),
                )

        def back(kept: Any, cotangents: Any) -> Any:
            with entered(Vmap(size, randomness)) as level:
                made = tree.tree_map(lambda x: level.make(x) if isinstance(x, Tensor) else x, cotangents)
                found = self.back(taken(level, kept, flags["kept"]), made)
                grads = tree.tree_leaves(found)
                if len(grads) != len(mapped):
                    return found
                ready = []
                for h, m in zip(grads, mapped, strict=True):
                    h = whole(level, h)
                    ready.append(h if m or not isinstance(h, Tensor) else level.below(sum_of, h, 0))
                return tree.tree_unflatten(ready, tree.tree_structure(found))

        def jvp(primals: Any, tangents: Any) -> Any:
            with entered(Vmap(size, randomness)) as level:
                result, derivative = self.jvp(taken(level, primals, mapped), taken(level, tangents, mapped))
                return (
                    tree.tree_map(lambda x: whole(level, x), result),
                    tree.tree_map(lambda x: whole(level, x), derivative),
                )

        rule = Rule(self.__name__, function, forward, back, jvp if self.jvp is not None else None)
        lowers = tree.tree_unflatten([transform.opened(x) for x in leaves], spec)
        result = transform.below(lambda: rule(*lowers))
        return tree.tree_map(lambda x: transform.make(x) if isinstance(x, Tensor) else x, result)


def detached(x: Any) -> Any:
    return wrap(x._array) if isinstance(x, Tensor) and x.level == 0 and x._node is not None else x


def check_count(name: str, what: str, found: list[Any], like: list[Any]) -> None:
    if len(found) != len(like):
        raise TypeError(
            f"{name}: the {what} rule returned {len(found)} values where {len(like)} are expected: one for each"
        )


def pulled(g: Any, call: Call, kept: Any) -> Bundle:
    """The rule of every such node: the user's, on the gradients of all results."""
    cotangents = []
    for i, out in enumerate(call.outs):
        h = g.get(i)
        if h is None:
            h = zeros_of(out) if isinstance(out, Tensor) else None
        cotangents.append(engine.as_tensor(h) if h is not None else None)
    found = call.rule.back(kept, tree.tree_unflatten(cotangents, call.out_spec))
    if not isinstance(found, tuple):
        raise TypeError(
            f"{call.rule.__name__}: the rule must return a tuple with the gradient of each argument, but it returned "
            f"{type(found).__name__}"
        )
    grads = matched(call, found)
    made = Bundle()
    position = 0
    plain = not mode() & RECORD
    for own, h, x in zip(call.leaves, grads, tree.tree_leaves(call.inputs), strict=True):
        if not own:
            continue
        if h is not None:
            if tuple(h.shape) != tuple(x.shape):
                raise ValueError(
                    f"{call.rule.__name__}: the rule gave a gradient of shape {list(h.shape)} for an argument of shape "
                    f"{list(x.shape)}"
                )
            made[position] = h._array if plain and h.level == 0 and h._node is None else h
        position += 1
    return made


def matched(call: Call, found: tuple[Any, ...]) -> list[Any]:
    """The gradients leaf by leaf; None for a whole argument stands for all its leaves."""
    children = call.spec.children_specs if hasattr(call.spec, "children_specs") else call.spec.children()
    if len(found) != len(children):
        raise TypeError(
            f"{call.rule.__name__}: the rule returned {len(found)} gradients where {len(children)} are expected: one for each "
            "argument (None where there is none)"
        )
    grads: list[Any] = []
    for h, spec in zip(found, children, strict=True):
        if h is None:
            grads += [None] * spec.num_leaves
            continue
        leaves, own = tree.tree_flatten(h)
        if own.num_leaves != spec.num_leaves:
            raise TypeError(
                f"{call.rule.__name__}: the rule returned a gradient of structure {own} for an argument of structure {spec}"
            )
        grads += leaves
    return grads


# ---- for users


class custom_vjp:
    """A function with a reverse-mode rule of its own; ``nondiff_argnums`` are arguments without derivatives.

    ``defvjp(fwd, bwd)`` gives the rule: ``fwd(*args)`` returns the result and residuals, ``bwd(residuals, gradient)`` a
    tuple with the gradient of each argument (after the non-differentiable arguments, if there are some). Arguments,
    results and residuals may be trees. As in JAX, higher derivatives are those of ``fwd`` and ``bwd`` themselves.

    >>> import rushlight as torch
    >>> @torch.func.custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda _, g: (g.clamp(-1, 1),))
    >>> torch.func.grad(lambda x: 5 * clip_gradient(x))(torch.tensor(1.0))
    tensor(1.)
    """

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Any = ()) -> None:
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.nondiff = tuple(nondiff_argnums)
        self.count = count_of(fun)
        self.rules: tuple[Any, Any] | None = None

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Give the rule."""
        self.rules = fwd, bwd

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.rules is None:
            raise AttributeError(f"No VJP defined for custom_vjp function {self.__name__} using defvjp.")  # type: ignore[attr-defined]
        fwd, bwd = self.rules
        full, fixed, rest = split(self, args, kwargs)

        def forward(*xs: Any) -> Any:
            made = fwd(*full(xs))
            if not (isinstance(made, tuple) and len(made) == 2):
                raise TypeError(f"{self.__name__}: fwd must return a pair (result, residuals)")  # type: ignore[attr-defined]
            return made

        name = self.__name__  # type: ignore[attr-defined]
        rule = Rule(name, lambda *xs: self.fun(*full(xs)), forward, lambda kept, g: bwd(*fixed, kept, g), None)
        return rule(*rest)


class custom_jvp:
    """A function with a forward-mode rule of its own, which serves reverse mode too: it is transposed.

    ``defjvp(rule)`` gives the rule: ``rule(primals, tangents)`` returns the result and its tangent (the
    non-differentiable arguments, if there are some, come first). ``defjvps`` gives one rule an argument:
    ``rule(tangent, result, *args)`` returns that argument's share of the tangent.

    >>> import rushlight as torch
    >>> @torch.func.custom_jvp
    ... def square(x):
    ...     return x * x
    >>> @square.defjvp
    ... def _(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return x * x, 10 * x * t
    >>> torch.func.grad(square)(torch.tensor(3.0))
    tensor(30.)
    """

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Any = ()) -> None:
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.nondiff = tuple(nondiff_argnums)
        self.count = count_of(fun)
        self.rule: Any = None

    def defjvp(self, jvp: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule."""
        self.rule = jvp
        return jvp

    def defjvps(self, *jvps: Any) -> None:
        """Give the rule argument by argument; None where there is no derivative."""
        if self.nondiff:
            raise TypeError("can't use defjvps with nondiff_argnums: use defjvp")

        def rule(primals: Any, tangents: Any) -> Any:
            result = self(*primals)
            total: Any = None
            for jvp, t in zip(jvps, tangents, strict=True):
                if jvp is not None:
                    part = jvp(t, result, *primals)
                    total = part if total is None else tree.tree_map(lambda a, b: a + b, total, part)
            return result, tree.tree_map(zeros_of, result) if total is None else total

        self.rule = rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.rule is None:
            raise AttributeError(f"No JVP defined for custom_jvp function {self.__name__} using defjvp.")  # type: ignore[attr-defined]
        full, fixed, rest = split(self, args, kwargs)

        def function(*xs: Any) -> Any:
            return self.fun(*full(xs))

        def jvp(primals: Any, tangents: Any) -> Any:
            made = self.rule(*fixed, primals, tangents)
            if not (isinstance(made, (tuple, list)) and len(made) == 2):
                raise TypeError(f"{self.__name__}: the jvp rule must return a pair (result, tangent)")  # type: ignore[attr-defined]
            return made

        def back(primals: Any, g: Any) -> Any:
            leaves, spec = tree.tree_flatten(primals)
            spots = [i for i, x in enumerate(leaves) if is_inexact(x)]

            def linear(*ts: Any) -> Any:
                every: list[Any] = [zeros_of(x) if isinstance(x, Tensor) else x for x in leaves]
                for i, t in zip(spots, ts, strict=True):
                    every[i] = t
                return jvp(primals, tree.tree_unflatten(every, spec))[1]

            zeros = tuple([zeros_of(leaves[i]) for i in spots])
            ran = Pulled(linear, zeros, tuple(range(len(zeros))), {}, False)
            found = dict(zip(spots, ran.back([s for s in tree.tree_leaves(g)], False), strict=True))
            return tuple(tree.tree_unflatten([found.get(i) for i in range(len(leaves))], spec))

        rule = Rule(self.__name__, function, lambda *xs: (function(*xs), xs), back, jvp)  # type: ignore[attr-defined]
        return rule(*rest)


def count_of(fun: Any) -> int:
    """How many positional arguments a Python function has; -1 where that is not known."""
    code = getattr(fun, "__code__", None)
    return code.co_argcount if code is not None and not code.co_flags & 0x0C and not code.co_kwonlyargcount else -1


def is_inexact(x: Any) -> bool:
    return isinstance(x, Tensor) and (x.dtype.is_floating_point or x.dtype.is_complex)


def split(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Callable[..., Any], list[Any], list[Any]]:
    """How to put all arguments together again (with defaults), those without derivatives, and the rest."""
    if kwargs or 0 <= self.count != len(args):
        import inspect

        bound = inspect.signature(self.fun).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(f"{self.__name__}: keyword-only arguments are not supported by custom derivatives")
        args = bound.args
    fixed = {n % len(args) for n in self.nondiff} if args else set()

    def full(xs: Any) -> list[Any]:
        rest = iter(xs)
        return [a if i in fixed else next(rest) for i, a in enumerate(args)]

    return full, [args[i] for i in sorted(fixed)], [a for i, a in enumerate(args) if i not in fixed]


__all__ = ["custom_jvp", "custom_vjp"]
