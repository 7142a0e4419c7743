"""Batching as a level: a batched tensor stands for one example; the batch is dimension 0 of what it holds.

Pointwise operators line their examples up on the right, others use their family's rule (``_ops.families``); what
has none runs in a loop over the examples, which is right, and says so once by name.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import callsite, dtypes, levels, record, views
from .._core.mode import DEPTH, TRANSFORMED, word
from .._core.tensor import Size, Tensor, new, wrap
from .._ops.random import not_random
from .base import Leveled, Transform, as_lower, entered, holds_tensors

ndarray = np.ndarray


class Batched(Leveled):
    """A tensor that stands for every example of a batch."""

    __slots__ = ()

    @property
    def shape(self) -> Size:
        return self.lower.shape[1:]

    @property
    def ndim(self) -> int:
        n: int = self.lower.ndim
        return n - 1

    def stride(self, dim: int | None = None) -> Any:
        steps = self.lower.stride()[1:]
        return steps if dim is None else steps[dim]

    @property
    def data(self) -> Tensor:
        raise RuntimeError("accessing `data` under vmap transform is not allowed: use .detach()")

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError("mutating directly with `.data` under vmap transform is not allowed.")

    def item(self) -> Any:
        raise refusal(".item()")

    def tolist(self) -> Any:
        raise refusal(".item()")

    def numpy(self, *, force: bool = False) -> ndarray:
        raise RuntimeError(
            "Cannot access data pointer of Tensor that doesn't have storage: under vmap this tensor stands for every "
            f"example of a batch, so it has no one array. It happened at {callsite.shown(*callsite.here())}."
        )

    def data_ptr(self) -> int:
        return int(self.numpy()[0])

    def __bool__(self) -> bool:
        raise RuntimeError(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support "
            f"that yet, please choose by values with torch.where. It happened at {callsite.shown(*callsite.here())}."
        )

    def __index__(self) -> int:
        raise refusal(".item()")

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        from .grad import shown

        return shown("BatchedTensor", self.level, "bdim=0, ", self.lower)


def refusal(what: str) -> RuntimeError:
    return RuntimeError(
        f"vmap: It looks like you're calling {what} on a Tensor. We don't support vmap over calling {what} on a Tensor, "
        "please try to rewrite what you're doing with other operations. It happened at "
        f"{callsite.shown(*callsite.here())}."
    )


class Vmap(Transform):
    """The level of ``vmap``, for a batch of ``size`` examples."""

    warned: set[str] = set()
    looked_up: set[Any] = set()  # operators without a rule in their declaration
    kind = "vmap"
    guards = False
    adds = TRANSFORMED

    def __init__(self, size: int, randomness: str = "error") -> None:
        self.size = size
        self.randomness = randomness

    def make(self, lower: Any, node: Any = None) -> Batched:
        t: Batched = new(Batched)
        t.lower = lower
        t._node = None
        t.level = self.level
        t.transform = self
        return t

    def is_mapped(self, x: Any) -> bool:
        return isinstance(x, Tensor) and x.transform is self

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        if not self.alive:
            self.escaped()
        if op.family == "pointwise":
            return self.pointwise(op, args)
        values = []
        mapped = []
        for a in args:
            if isinstance(a, Tensor):
                own = a.transform is self
                mapped.append(own)
                values.append(a.lower if own else a)
            elif (type(a) is list or type(a) is tuple) and any(
                [isinstance(b, Tensor) and b.transform is self for b in a]
            ):
                mapped.append(True)
                values.append([self.spread(b) for b in a] if holds_tensors(a) else a)
            else:
                mapped.append(False)
                values.append(a)
        token = word.set(self.mode_below())
        try:
            result = self.batched(op, args, values, tuple(mapped))
        finally:
            word.reset(token)
        if op.outputs is None:
            made = self.make(result)
            if op.view and word.get() >> DEPTH > self.level:
                self.note_view(made, op, args, None)
            return made
        parts = [None if r is None else self.make(r) for r in result]
        if op.view and word.get() >> DEPTH > self.level:
            for i, one in enumerate(parts):
                self.note_view(one, op, args, i)
        return op.gather_outputs(parts)

    def note_view(self, made: Any, op: Any, args: tuple[Any, ...], output: int | None) -> None:
        """Remember views that a transform further in takes of what it made: a write may take both up (``adopt``)."""
        from .grad import Grad

        Grad.note_view(self, made, op, args, output)  # type: ignore[arg-type]

    def pointwise(self, op: Any, args: tuple[Any, ...]) -> Any:
        """Examples are lined up on the right; where all have the same dimensions, there is nothing to do."""
        low: Any = lined_up(self, *args) if len(args) == 2 else one(self, args)
        if low is not None:
            m = self.outer_mode if word.get() == self.inner_mode else self.mode_below()
            token = word.set(m)
            try:
                result = op.call(*low)
            finally:
                word.reset(token)
            t = new(Batched)
            t.lower = result
            t._node = None
            t.level = self.level
            t.transform = self
            return t
        values: list[Any] = []
        rank, even, kind, kinds = -1, True, None, 0
        for a in args:
            if isinstance(a, Tensor):
                own = a.transform is self
                v = a.lower if own else a
                inner = v if v.level else v._array
                n = inner.ndim - own
                dtype = inner.dtype
                if rank < 0:
                    rank, kind = n, dtype
                else:
                    if n != rank:
                        even = False
                        rank = max(n, rank)
                    if dtype is not kind:
                        kinds = 2
                values.append(v)
            else:
                if type(a) is ndarray:
                    even = even and a.ndim <= rank
                    rank = max(rank, a.ndim)
                    kinds = 2
                values.append(a)
        if not even:
            values = [
                lead(v, rank) if isinstance(a, Tensor) and a.transform is self else v
                for v, a in zip(values, args, strict=True)
            ]
        token = word.set(self.outer_mode if word.get() == self.inner_mode else self.mode_below())
        try:
            result = op.call(*values) if not op.keywords else op.invoke(values)
            if kinds:
                wanted = dtype_of_one(op, args)
                if wanted is not None and dtypes.FROM_NUMPY[wanted] is not result.dtype:
                    from .._ops.broadcast import cast_to

                    result = cast_to(result, wanted)
        finally:
            word.reset(token)
        t = new(Batched)
        t.lower = result
        t._node = None
        t.level = self.level
        t.transform = self
        return t

    def spread(self, x: Any) -> Any:
        """An element of a list argument with a batch dimension in front."""
        if self.is_mapped(x):
            return x.lower
        from .._ops.broadcast import expand

        return self.below(expand, x, (self.size, *x.shape)) if isinstance(x, (Tensor, ndarray)) else x

    def batched(self, op: Any, args: tuple[Any, ...], values: list[Any], mapped: tuple[bool, ...]) -> Any:
        """The operator on the whole batch, on the level below."""
        if op.batch == "leading":
            rank = max([v.ndim - m for v, m in zip(values, mapped, strict=True) if hasattr(v, "ndim")])
            return op.invoke([lead(v, rank) if m else v for v, m in zip(values, mapped, strict=True)])
        if op.batch is not None:
            result = op.batch(op, self.size, mapped, *values)
            if result is not NotImplemented:
                return result
        elif op not in self.looked_up:
            from .rules import RULES

            self.looked_up.add(op)
            op.batch = RULES.get(op.name)
            return self.batched(op, args, values, mapped)
        return self.loop(op, values, mapped)

    def loop(self, op: Any, values: list[Any], mapped: tuple[bool, ...]) -> Any:
        """The operator example by example."""
        from .._ops.shape import select_at, stack_at

        self.warn(op.name)
        results = []
        for k in range(self.size):
            one = []
            for v, m in zip(values, mapped, strict=True):
                if not m:
                    one.append(v)
                elif isinstance(v, (list, tuple)):
                    one.append([select_at(as_lower(x), 0, k) if hasattr(x, "ndim") else x for x in v])
                else:
                    one.append(select_at(v, 0, k))
            results.append(op.invoke(one))
        if not results:
            raise RuntimeError(f"vmap: {op.name} has no batching rule, and the batch is empty")
        if op.outputs is None:
            return stack_at(results, 0)
        return tuple([None if r[0] is None else stack_at(list(r), 0) for r in zip(*results, strict=True)])

    def warn(self, name: str) -> None:
        """Say once that an operator runs in a loop."""
        if name not in self.warned:
            self.warned.add(name)
            warnings.warn(
                f"There is a performance drop because we have not yet implemented the batching rule for {name}: it "
                "runs example by example.",
                UserWarning,
                stacklevel=3,
            )

    def constant(self, function: Any, batch: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function without derivatives: by its batching rule, or example by example."""
        if not self.alive:
            self.escaped()
        if batch is not None and (made := batch(self, *args, **kwargs)) is not NotImplemented:
            return made
        self.warn(function.__name__)
        results = [
            self.below(
                lambda k=k: function(
                    *self.example(args, k), **dict(zip(kwargs, self.example(tuple(kwargs.values()), k), strict=True))
                )
            )
            for k in range(self.size)
        ]
        if not results:
            raise RuntimeError(f"vmap: {function.__name__} has no batching rule, and the batch is empty")
        return self.taken(self.below(self.stacked, results, function.__name__))

    def example(self, args: tuple[Any, ...], k: int) -> list[Any]:
        """The arguments of one example."""
        return [
            a.lower[k] if isinstance(a, Tensor) and a.transform is self
            else [b.lower[k] if self.is_mapped(b) else b for b in a] if holds_tensors(a)
            else a
            for a in args
        ]  # fmt: skip

    def stacked(self, results: list[Any], name: str) -> Any:
        """The results of all examples together."""
        from .._ops.shape import stack_at

        first = results[0]
        if isinstance(first, tuple):
            parts = [self.stacked(list(each), name) for each in zip(*results, strict=True)]
            return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
        if len({tuple(r.shape) for r in results}) > 1:
            raise levels.dynamic(name)
        return stack_at(results, 0)

    def write(self, target: Any, op: Any, args: tuple[Any, ...], name: str) -> Any:
        """An in-place write goes to the memory of the whole batch."""
        if not self.alive:
            self.escaped()
        if not self.is_mapped(target):
            what = name.rstrip("_") if name.startswith(("bernoulli", "copy", "index", "fill")) else "arithmetic"
            raise RuntimeError(
                f"vmap: inplace {what}(self, *extra_args) is not possible because there exists a Tensor `other` in "
                "extra_args that has more elements than `self`. This happened due to `other` being vmapped over but `self` not "
                "being vmapped over in a vmap. Please try to use out-of-place operators instead of it: here "
                f"instead of {name}, at {callsite.shown(*callsite.here())}."
            )
        old = target
        if views.saves_first(op, args, target):
            old = self.make(self.below(Tensor.clone, target.lower))
        made = self.process(op, (old, *[old if a is target else a for a in args]))
        if op.outputs is not None:
            made = made[0]
        if made.shape != target.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(made.shape)}"
            )
        views.check_cast(record.np_dtype(made), record.np_dtype(target))
        self.below(Tensor.copy_, target.lower, made.lower)
        return target

    def write_out(self, op: Any, out: Any, result: Any) -> Any:
        raise RuntimeError(
            f"Batching rule not implemented for aten::{op.name}.out; the fallback path doesn't work on out= or view ops. It "
            f"happened at {callsite.shown(*callsite.here())}: use the result instead of out=."
        )

    def setitem(self, target: Any, parts: tuple[Any, ...], value: Any) -> None:
        from .grad import Grad

        if not self.is_mapped(target):
            self.write(target, None, (), "__setitem__")
        Grad.setitem(self, target, parts, value)  # type: ignore[arg-type]

    def detach(self, t: Any) -> Any:
        return self.make(self.below(lambda x: x.detach(), t.lower))

    def detach_(self, t: Any) -> Any:
        t.lower = self.detach(t).lower
        return t

    def ones_like(self, t: Any) -> Any:
        from .grad import ones_of

        return self.make(self.below(ones_of, t.lower))

    def drawn(self, draw: Any, shape: tuple[int, ...]) -> Any:
        """Random numbers inside the transform: refused, the same for all examples, or different for each."""
        if self.randomness == "error":
            raise not_random()
        if self.randomness == "same":
            return self.below(drawn_below, draw, shape)
        made = self.below(drawn_below, draw, (self.size, *shape))
        return self.make(made if isinstance(made, Tensor) else wrap(np.asarray(made)))

    def offered(self, op: Any, args: tuple[Any, ...]) -> Any:
        """A draw that depends on tensors, none of which is mapped here."""
        if self.randomness == "error":
            raise not_random()
        if self.randomness == "same":
            return self.below(op.invoke, args)
        ready = list(args)
        i = next(i for i, a in enumerate(args) if isinstance(a, Tensor))
        ready[i] = self.make(self.spread(args[i]))
        return op.invoke(ready)


def one(transform: Vmap, args: tuple[Any, ...]) -> Any:
    """The same for a single operand."""
    a = args[0]
    return (a.lower,) if len(args) == 1 and isinstance(a, Tensor) and a.transform is transform else None


def lined_up(transform: Vmap, a: Any, b: Any) -> Any:
    """One or two operands that go together as they are, as they stand on the level below; else None."""
    if not isinstance(a, Tensor) or a.transform is not transform:
        return None
    a = a.lower
    if type(b) is float or type(b) is int:
        return (a, b)
    if not isinstance(b, Tensor):
        return None
    if a.level:
        return None
    x = a._array
    if b.transform is transform:
        b = b.lower
        if b.level:
            return None
        y = b._array
        if x.dtype is y.dtype and x.ndim == y.ndim:
            return a, b
    elif not b.level:
        y = b._array
        if x.dtype is y.dtype and x.ndim > y.ndim:
            return a, b
    return None


def drawn_below(draw: Any, shape: tuple[int, ...]) -> Any:
    """Draw on the level below, which may have its own way with randomness."""
    for transform in reversed(levels.active()):
        if isinstance(transform, Vmap):
            return transform.drawn(draw, shape)
    return draw(shape)


def dtype_of_one(op: Any, args: tuple[Any, ...]) -> Any:
    """The dtype that promotion gives for one example, where 0-d examples would count for less than the batch does."""
    operands = [a for n, a in zip(op.parameters, args, strict=True) if n in op.tensors]
    if op.promote == "choose":
        operands = operands[1:]
    kinds = {record.np_dtype(a) for a in operands if isinstance(a, (Tensor, ndarray))}
    if len(kinds) < 2 or op.promote == "compare":
        return None
    promote = "same" if op.promote == "choose" else op.promote
    return record.common_dtype(
        promote,
        [np.empty((1,) * a.ndim, record.np_dtype(a)) if isinstance(a, (Tensor, ndarray)) else a for a in operands],
    )


def lead(value: Any, rank: int) -> Any:
    """Line up the examples' dimensions on the right, the batch on the left."""
    missing = rank + 1 - value.ndim
    if missing > 0:
        from .._ops.shape import reshape

        shape = value.shape
        value = reshape(value, (shape[0], *(1,) * missing, *shape[1:]))
    return value


def overwrite_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, value: Any, path: Any) -> Any:
    """``overwrite`` for every example: its path is followed on a level of its own."""
    from .._ops.families import with_batch

    out = with_batch(input, size, mapped[0]).clone()
    with entered(Vmap(size)) as level:
        views.along(level.make(out), path).copy_(level.make(value) if mapped[1] else as_lower(value))
    return out


def laid_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, steps: Any) -> Any:
    return views.laid(input, steps if steps is None else (max(steps, default=0) + 1, *steps))


views.overwrite.op.batch = overwrite_batch  # type: ignore[attr-defined]
views.laid.op.batch = laid_batch  # type: ignore[attr-defined]
