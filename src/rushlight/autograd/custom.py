"""Custom functions inside function transforms: each level runs the user's methods on what its tensors stand for.

``forward`` runs where no transform is left; on the way back up, every ``grad`` level makes a node whose rule is the
user's ``backward``, a forward-mode level asks ``jvp``, and ``vmap`` asks ``vmap`` or runs all of them on batches.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, NamedTuple

from .._core import callsite, levels, record, views
from .._core.graph import Fan, Port
from .._core.memory import tick
from .._core.mode import RECORD, mode, switched
from .._core.tensor import Tensor
from .._ops.broadcast import expand, sum_to
from .._ops.reduce import sum as sum_of
from .._ops.shape import movedim
from .._transforms.base import entered
from .._transforms.forward import DualLevel, Forward
from .._transforms.grad import Grad, rewrite, zeros_of
from .._transforms.vmap import Vmap
from ..utils import _pytree as tree
from .function import Function, FunctionCtx, dirty_checked, expandable, has_setup_context, run, tensors_of

MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a custom function's ``vmap`` is told: how many examples there are, and the ``randomness`` of ``vmap``."""

    batch_size: int
    randomness: str


def apply_at(cls: Any, args: tuple[Any, ...], transform: Any) -> Any:
    """Run a custom function whose arguments have tensors of a transform among them."""
    if not transform.alive:
        if isinstance(transform, DualLevel):
            return cls.apply(*[transform.lowest(a) for a in args])
        transform.escaped()
    if isinstance(transform, DualLevel):
        return through_dual_level(cls, args, transform)
    if not has_setup_context(cls):
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must "
            f"override the setup_context staticmethod. {MORE}"
        )
    if isinstance(transform, Grad):
        return through_grad(cls, args, transform)
    return through_vmap(cls, args, transform) if isinstance(transform, Vmap) else through_forward(cls, args, transform)


def listed(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def set_up(cls: Any, ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    with switched(mode() & ~RECORD):
        cls.setup_context(ctx, inputs, output)


# ---- recording


class Saved:
    """One tensor of ``save_for_backward`` at a level: with its history there, where backward runs at that level."""

    __slots__ = ("history", "lower", "transform")
    packed = None

    def __init__(self, lower: Any, history: Any, transform: Any) -> None:
        self.lower, self.history, self.transform = lower, history, transform

    def __call__(self) -> Any:
        transform = self.transform
        if self.history is not None and transform in levels.active():
            node = self.history() if isinstance(self.history, FunctionType) else self.history
            return transform.wrap(self.lower, node)
        return self.lower


def recorded(
    cls: Any, ctx: Any, args: tuple[Any, ...], lowers: tuple[Any, ...], made: tuple[Any, ...], transform: Any, wrap: Any
) -> tuple[Any, ...]:
    """The outputs (``made`` below) on a level, with ``ctx`` as their node."""
    from weakref import ref

    dual = isinstance(transform, DualLevel)
    inputs = [a for a in args if isinstance(a, Tensor)]
    parents = [a._node if dual or a.transform is transform else None for a in inputs]
    fixed = tensors_of(
        ctx.non_differentiable, "mark_non_differentiable only accepts variable arguments, but got argument "
    )
    dirty = tensors_of(ctx.dirty_tensors, "mark_dirty can only accept variables, but argument ")
    recording = bool(mode() & RECORD) and any([p is not None for p in parents])
    ctx.needs_input_grad = tuple(
        [isinstance(a, Tensor) and (dual or a.transform is transform) and a._node is not None for a in args]
    )
    ctx.code, ctx.lasti = callsite.here()
    ctx._inputs = tuple([(tuple(a.shape), record.np_dtype(a)) if isinstance(a, Tensor) else None for a in args])
    live = [
        recording and isinstance(o, Tensor) and id(o) not in fixed and (o.dtype.is_floating_point or o.dtype.is_complex)
        for o in made
    ]
    ctx._outputs = tuple(
        [
            (tuple(o.shape), record.np_dtype(o), d, True) if isinstance(o, Tensor) else (None, None, False, False)
            for o, d in zip(made, live, strict=True)
        ]
    )
    ports: dict[int, Any] = {0: ctx}
    if recording:
        ctx.transform = transform
        ctx.parents = (Fan(tuple(parents)),)
    ctx.seq = tick()
    if recording:
        if len(made) > 1:
            ctx.width = len(made)
            ports = {i: Port(ctx, i) for i in reversed(range(len(made))) if live[i]}
    outs = []
    for i, o in enumerate(made):
        if not isinstance(o, Tensor):
            outs.append(o)
            continue
        node = ports.get(i) if live[i] else None
        result = wrap(o, node, i)
        target = next((a for a, low in zip(args, lowers, strict=True) if low is o and id(o) in dirty), None)
        if target is not None:  # written in place: the same tensor comes out
            if node is not None:
                rewrite(transform, target, result)
            result = target
        outs.append(result)
    if recording:
        own = ref(ctx)
        places: dict[int, Any] = {}
        for a, low in zip(args, lowers, strict=True):
            if isinstance(a, Tensor):
                places[id(low)] = (a, a._node if dual or a.transform is transform else None)
        for i, o in enumerate(made):
            if isinstance(o, Tensor) and live[i]:
                places[id(o)] = (outs[i], history_of(own, i))
        kept = []
        for i, t in enumerate(ctx.to_save or ()):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
                )
            held, history = places.get(id(t), (t, None))
            if dual and isinstance(held, Tensor) and held.transform is transform:
                t = transform.apart(held)
            kept.append(Saved(t, history, transform))
        ctx._kept = tuple(kept)
    return tuple(outs)


def history_of(own: Any, index: int) -> Any:
    """What finds the node of an output again, without holding it: it holds this."""

    def node() -> Any:
        ctx = own()
        return ctx if ctx is None or ctx.width is None else Port(ctx, index)

    return node


def finished(ctx: Any, made: tuple[Any, ...]) -> None:
    dirty_checked(ctx, made)


def through_grad(cls: Any, args: tuple[Any, ...], transform: Grad) -> Any:
    lowers = tuple([transform.opened(a) for a in args])
    ctx = cls._backward_cls()
    result = transform.below(lambda: cls.apply(*lowers))
    transform.below(set_up, cls, ctx, lowers, result)
    made = listed(result)
    finished(ctx, made)
    outs = recorded(cls, ctx, args, lowers, made, transform, lambda o, node, i: transform.make(o, node))
    ctx.to_save = None
    ctx.dirty_tensors, ctx.non_differentiable = (), ()
    return outs if isinstance(result, tuple) else outs[0]


# ---- forward mode


class ForwardCtx(FunctionCtx):
    """The ``ctx`` that ``jvp`` gets: ``saved_tensors`` are those of ``save_for_forward``."""

    def __init__(self, ctx: Any) -> None:
        self.__dict__.update({k: v for k, v in ctx.__dict__.items() if not k.startswith("_")})

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return tuple(self.saved_for_forward or ())


def tangents_of(cls: Any, ctx: Any, args: tuple[Any, ...], outs: tuple[Any, ...], transform: Forward) -> list[Any]:
    """The tangents of the outputs, by the user's ``jvp`` on those of the arguments."""
    given: list[Any] = []
    for a in args:
        t = transform.tangent_of(a)
        if t is None and isinstance(a, Tensor) and ctx.materialize_grads and (a.is_floating_point() or a.is_complex()):
            t = transform.below(zeros_of, transform.opened(a))
        given.append(t)
    versions = [t._version if isinstance(t, Tensor) and not t.is_inference() else 0 for t in given]
    back = listed(transform.below(lambda: cls.jvp(ForwardCtx(ctx), *given)))
    if len(back) != len(outs):
        raise RuntimeError(
            f"Function's jvp returned an invalid number of forward gradients (expected {len(outs)} but got {len(back)}): "
            f"{cls.__name__} has one tangent to return for each output"
        )
    fixed = {id(t) for t in ctx.non_differentiable}
    for i, (t, o) in enumerate(zip(back, outs, strict=True)):
        if t is not None and not isinstance(t, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(t).__name__}) for grad output {i}.")
        if t is None or not isinstance(o, Tensor):
            continue
        if id(o) in fixed or not (o.is_floating_point() or o.is_complex()):
            raise RuntimeError(
                f"Function's jvp returned a gradient at position {i}, but  the corresponding forward output is not a "
                "differentiable Tensor.You should return None at that position instead."
            )
        if tuple(t.shape) != tuple(o.shape):
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
                f"supported. Tensor is of size {list(o.shape)} while the given forward gradient is of size "
                f"{list(t.shape)}."
            )
        if isinstance(transform, DualLevel):
            check_shares(ctx, args, given, versions, t, o, transform)
    return list(back)


def check_shares(
    ctx: Any, args: tuple[Any, ...], given: list[Any], versions: list[int], t: Any, out: Any, transform: Forward
) -> None:
    """Raise if an output is an input that was written, or a view of one, and its tangent is not that of the tangent."""
    dirty = {id(d) for d in ctx.dirty_tensors}
    for a, u, version in zip(args, given, versions, strict=True):
        low = transform.opened(a)
        if not isinstance(low, Tensor) or transform.tangent_of(a) is None:
            continue
        if low is out and id(out) in dirty:
            if t._version == version:
                raise RuntimeError(
                    "An inplace custom Function is not modifying the forward mode gradients inplace. If the forward is "
                    "modifying an input inplace, then the jvp function must modify the corresponding gradient inplace."
                )
            if t is not u:
                raise RuntimeError(
                    "An inplace custom Function is not returning the forward mode gradients as-is. If the forward is "
                    "modifying an input inplace, then the jvp function must modify the gradient inplace and return it as-is."
                )
            return
        base = views.base_of(out)
        if low is out or (base is not None and (base is low or base is views.base_of(low))):
            own = views.base_of(t)
            if own is None:
                raise RuntimeError(
                    "A custom Function's forward is returning a view (or an input as-is) but the jvp is not returning a view."
                )
            if own is not u and own is not views.base_of(u):
                whose = "same base as the given" if views.base_of(a) is not None else "given"
                raise RuntimeError(
                    f"A custom Function is returning a view but the jvp is not returning a view of the {whose} grad input."
                )
            return


def tangents_apply(args: tuple[Any, ...], transform: Forward) -> bool:
    return not mode() & transform.stops and any([transform.tangent_of(a) is not None for a in args])


def duals_of(ctx: Any, outs: tuple[Any, ...], tangents: Any, transform: Forward) -> list[Any]:
    fixed = {id(t) for t in ctx.non_differentiable}
    return [
        transform.dual(o, None if tangents is None or id(o) in fixed else tangents[i]) if isinstance(o, Tensor) else o
        for i, o in enumerate(outs)
    ]


def through_forward(cls: Any, args: tuple[Any, ...], transform: Forward) -> Any:
    lowers = tuple([transform.opened(a) for a in args])
    ctx = cls._backward_cls()
    result = transform.below(lambda: cls.apply(*lowers))
    transform.below(set_up, cls, ctx, lowers, result)
    made = listed(result)
    tangents = tangents_of(cls, ctx, args, made, transform) if tangents_apply(args, transform) else None
    outs = duals_of(ctx, made, tangents, transform)
    return tuple(outs) if isinstance(result, tuple) else outs[0]


def through_dual_level(cls: Any, args: tuple[Any, ...], transform: DualLevel) -> Any:
    """In ``dual_level``: functions whose ``forward`` takes ``ctx`` are allowed, and duals are recorded."""
    lowers = tuple([transform.opened(a) for a in args])
    ctx = cls._backward_cls()
    if has_setup_context(cls):
        result = transform.below(lambda: cls.apply(*lowers))
        transform.below(set_up, cls, ctx, lowers, result)
    elif any(isinstance(a, Tensor) and a.level for a in lowers):
        return apply_at(cls, args, Grad())  # raises
    else:
        seen: list[Any] = []
        result = transform.below(lambda: run(cls, lowers, seen.append))
        ctx = seen[0]
    made = listed(result)
    tangents = tangents_of(cls, ctx, args, made, transform) if tangents_apply(args, transform) else None
    duals = duals_of(ctx, made, tangents, transform)

    def wrap(o: Any, node: Any, i: int) -> Any:
        duals[i]._node = node
        return duals[i]

    outs = recorded(cls, ctx, args, lowers, made, transform, wrap)
    for i, o in enumerate(outs):
        if tangents is not None and isinstance(o, Tensor) and o is not duals[i] and tangents[i] is not None:
            if o.transform is not transform:  # it was written, and had no tangent before
                transform.adopt(o, cls.__name__)
                transform.below(Tensor.copy_, o.tangent, tangents[i])
    return outs if isinstance(result, tuple) else outs[0]


# ---- vmap


def through_vmap(cls: Any, args: tuple[Any, ...], transform: Vmap) -> Any:
    own_rule = cls.vmap is not Function.vmap
    if cls.generate_vmap_rule and own_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
            "staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
            f"ambiguity. {MORE}"
        )
    if not own_rule and not cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the "
            f"vmap staticmethod or set generate_vmap_rule=True. {MORE}"
        )
    lowers, spec = tree.tree_flatten(args)
    mapped = [transform.is_mapped(a) for a in lowers]
    own = {id(a.lower): a for a, m in zip(lowers, mapped, strict=True) if m}  # what comes out as it went in
    lowers = [transform.opened(a) for a in lowers]
    if own_rule:
        in_dims = tree.tree_unflatten([0 if m else None for m in mapped], spec)
        info = VmapInfo(transform.size, transform.randomness)
        given = tree.tree_unflatten(lowers, spec)
        back = transform.below(lambda: cls.vmap(info, in_dims, *given))
        if not isinstance(back, tuple) or len(back) != 2:
            raise RuntimeError(
                "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure "
                f"compatible with the output. Got a {type(back)} instead"
            )
        result, out_dims = back
        outs, out_spec = tree.tree_flatten(result)
        dims = tree._broadcast_to_and_flatten(out_dims, out_spec)
        if dims is None:
            raise RuntimeError(
                "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected "
                f"out_dims={out_dims} to be compatible with the structure of `output`. out_dims has structure "
                f"{tree.tree_structure(out_dims)} but output has structure {out_spec}. ({cls.__name__}.vmap)"
            )
        made = [
            o
            if d is None or not isinstance(o, Tensor)
            else transform.make(transform.below(movedim, o, d, 0))
            if d
            else own[id(o)]
            if id(o) in own
            else transform.make(o)
            for o, d in zip(outs, dims, strict=True)
        ]
        return tree.tree_unflatten(made, out_spec)
    batched = batched_function(cls, transform.size, transform.randomness, tuple(mapped))
    result = transform.below(lambda: batched.apply(*lowers))
    made = [(own[id(o)] if id(o) in own else transform.make(o)) if isinstance(o, Tensor) else o for o in listed(result)]
    return tuple(made) if isinstance(result, tuple) else made[0]


class InnerCtx(FunctionCtx):
    """The ``ctx`` of the user's methods while these run on batches; what is saved is kept with the real one."""

    saved: tuple[Any, ...] = ()
    _inputs: tuple[Any, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return self.saved


def batched_function(cls: Any, size: int, randomness: str, mapped: tuple[bool, ...]) -> Any:
    """A custom function that is the user's on a batch along dimension 0, ``mapped`` saying of which arguments."""

    def inside(function: Any, *given: Any) -> Any:
        with entered(Vmap(size, randomness)) as level:
            return function(level, *given)

    def taken(level: Vmap, xs: Any, flags: Any) -> list[Any]:
        return [level.make(x) if m and isinstance(x, Tensor) else x for x, m in zip(xs, flags, strict=True)]

    def whole(level: Vmap, x: Any) -> Any:
        """A result with the batch in front."""
        if not isinstance(x, Tensor):
            return x
        return x.lower if level.is_mapped(x) else level.below(expand, x, (size, *x.shape))

    def forward(*args: Any) -> Any:
        def body(level: Vmap) -> Any:
            result = cls.forward(*taken(level, args, mapped))
            outs = [whole(level, o) for o in listed(result)]
            return tuple(outs) if isinstance(result, tuple) else outs[0]

        return inside(body)

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        def body(level: Vmap) -> None:
            inner = ctx.inner = InnerCtx()
            outs = listed(output)
            made = taken(level, outs, [True] * len(outs))
            cls.setup_context(
                inner, tuple(taken(level, inputs, mapped)), tuple(made) if isinstance(output, tuple) else made[0]
            )
            for name in ("to_save", "saved_for_forward"):
                held = getattr(inner, name) or ()
                setattr(ctx, f"flags_{name}", [level.is_mapped(t) for t in held])
                setattr(inner, name, None)
                opened = [level.opened(t) for t in held]
                if name == "to_save":
                    ctx.save_for_backward(*opened)
                else:
                    ctx.save_for_forward(*opened)
            ctx.mark_non_differentiable(*[level.opened(t) for t in inner.non_differentiable])
            ctx.mark_dirty(*[level.opened(t) for t in inner.dirty_tensors])
            ctx.set_materialize_grads(inner.materialize_grads)
            inner.non_differentiable = inner.dirty_tensors = ()

        inside(body)

    def backward(ctx: Any, *gs: Any) -> Any:
        def body(level: Vmap) -> Any:
            inner = ctx.inner
            inner.needs_input_grad = ctx.needs_input_grad
            inner._inputs = tuple(
                [None if x is None else (x[0][m:], x[1]) for x, m in zip(ctx._inputs, mapped, strict=False)]
            )
            inner.saved = tuple(taken(level, ctx.saved_tensors, ctx.flags_to_save))
            back = listed(cls.backward(inner, *taken(level, gs, [True] * len(gs))))
            return [reduced(level, h, m, x) for h, m, x in zip(back, mapped, ctx._inputs, strict=False)]

        def reduced(level: Vmap, h: Any, is_mapped: bool, like: Any) -> Any:
            """The gradient of an argument: summed to its shape, and over the batch where all examples share it."""
            if not isinstance(h, Tensor):
                return h
            own = like[0][is_mapped:] if like is not None else tuple(h.shape)
            if tuple(h.shape) != own and expandable(own, h.shape):
                h = sum_to(h, own)
            if is_mapped:
                return whole(level, h)
            return level.below(sum_of, whole(level, h), 0)

        return tuple(inside(body))

    def jvp(ctx: Any, *ts: Any) -> Any:
        def body(level: Vmap) -> Any:
            inner = ctx.inner
            inner.saved = tuple(taken(level, ctx.saved_tensors, ctx.flags_saved_for_forward))
            back = listed(cls.jvp(inner, *taken(level, ts, mapped)))
            return tuple([whole(level, t) for t in back])

        return inside(body)

    body = dict(
        forward=staticmethod(forward), setup_context=staticmethod(setup_context), backward=staticmethod(backward),
        jvp=staticmethod(jvp), generate_vmap_rule=True,
    )  # fmt: skip
    metaclass: Any = type(Function)
    return metaclass(f"Vmapped{cls.__name__}", (Function,), body)


__all__ = ["VmapInfo", "apply_at"]
