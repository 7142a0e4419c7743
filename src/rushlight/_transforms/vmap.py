"""Batching as a level: a batched tensor stands for one example; the batch is dimension 0 of what it holds.

Pointwise operators line their examples up on the right, others use their family's rule (``_ops.families``); what
has none runs in a loop over the examples, which is right, and says so once by name.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import dtypes
from .._core.tensor import Size, Tensor, wrap
from .base import Leveled, Transform, as_lower, make


class Batched(Leveled):
    """A tensor that stands for every example of a batch."""

    __slots__ = ()

    @property
    def shape(self) -> Size:
        return self._array.shape[1:]  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        n: int = self._array.ndim
        return n - 1

    def stride(self, dim: int | None = None) -> Any:
        steps = self.lower.stride()[1:]
        return steps if dim is None else steps[dim]

    @property
    def requires_grad(self) -> bool:
        return bool(self.lower.requires_grad)

    def item(self) -> Any:
        raise refusal(".item()")

    def tolist(self) -> Any:
        raise refusal(".tolist()")

    def numpy(self, *, force: bool = False) -> np.ndarray:
        raise refusal(".numpy()")

    def __bool__(self) -> bool:
        raise refusal("data-dependent control flow")


def refusal(what: str) -> RuntimeError:
    from .._core import callsite

    place = callsite.shown(*callsite.here())
    if what == "data-dependent control flow":
        return RuntimeError(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support "
            f"that yet, please shout over at https://github.com/pytorch/functorch/issues/257 . It happened at {place}: "
            "use torch.where to choose by values."
        )
    return RuntimeError(
        f"vmap: It looks like you're calling {what} on a Tensor. We don't support vmap over calling {what} on a Tensor, "
        f"please try to rewrite what you're doing with other operations. It happened at {place}."
    )


class Vmap(Transform):
    """The level of ``vmap``, for a batch of ``size`` examples."""

    warned: set[str] = set()

    def __init__(self, size: int, randomness: str = "error") -> None:
        self.size = size
        self.randomness = randomness

    def make(self, lower: Any, node: Any = None) -> Batched:
        t: Batched = make(Batched, lower, None, self)
        return t

    def is_mapped(self, x: Any) -> bool:
        return isinstance(x, Batched) and x.level == self.level

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        self.check_alive()
        values = []
        mapped = []
        for a in args:
            if isinstance(a, (list, tuple)) and any(self.is_mapped(b) for b in a):
                mapped.append(True)
                values.append([self.spread(b) for b in a])
            else:
                mapped.append(self.is_mapped(a))
                values.append(self.opened(a))
        result = self.below(self.batched, op, args, values, tuple(mapped))
        if op.outputs is None:
            return self.make(result)
        return op.gather_outputs([None if r is None else self.make(r) for r in result])

    def spread(self, x: Any) -> Any:
        """An element of a list argument with a batch dimension in front."""
        if self.is_mapped(x):
            return x.lower
        from .._ops.broadcast import expand

        return expand(x, (self.size, *x.shape)) if isinstance(x, (Tensor, np.ndarray)) else x

    def batched(self, op: Any, args: tuple[Any, ...], values: list[Any], mapped: tuple[bool, ...]) -> Any:
        """The operator on the whole batch, on the level below."""
        if op.family == "pointwise":
            return self.pointwise(op, args, values, mapped)
        if op.batch == "leading":
            rank = max([v.ndim - m for v, m in zip(values, mapped, strict=True) if hasattr(v, "ndim")])
            return op.invoke([lead(v, rank) if m else v for v, m in zip(values, mapped, strict=True)])
        if op.batch is not None:
            result = op.batch(op, self.size, mapped, *values)
            if result is not NotImplemented:
                return result
        return self.loop(op, values, mapped)

    def pointwise(self, op: Any, args: tuple[Any, ...], values: list[Any], mapped: tuple[bool, ...]) -> Any:
        rank = max([v.ndim - m for v, m in zip(values, mapped, strict=True) if hasattr(v, "ndim")])
        ready = []
        for value, is_mapped in zip(values, mapped, strict=True):
            ready.append(lead(value, rank) if is_mapped else value)
        result = op.invoke(ready)
        wanted = self.dtype_of_one(op, args)
        if wanted is not None and dtypes.FROM_NUMPY[wanted] is not result.dtype:
            from .._ops.broadcast import cast_to

            result = cast_to(result, wanted)
        return result

    def dtype_of_one(self, op: Any, args: tuple[Any, ...]) -> Any:
        """The dtype that promotion gives for one example, where 0-d examples would count for less than the batch does."""
        from .._core.record import common_dtype, np_dtype

        operands = [a for n, a in zip(op.parameters, args, strict=True) if n in op.tensors]
        kinds = {np_dtype(a) for a in operands if isinstance(a, Tensor)}
        if len(kinds) < 2 or op.promote == "compare":
            return None
        return common_dtype(
            op.promote, [np.empty((1,) * a.ndim, np_dtype(a)) if isinstance(a, Tensor) else a for a in operands]
        )

    def loop(self, op: Any, values: list[Any], mapped: tuple[bool, ...]) -> Any:
        """The operator example by example."""
        from .._ops.shape import select_at, stack_at

        if op.name not in self.warned:
            self.warned.add(op.name)
            warnings.warn(
                f"There is a performance drop because we have not yet implemented the batching rule for {op.name}: it "
                "runs example by example.",
                UserWarning,
                stacklevel=2,
            )
        results = []
        for k in range(self.size):
            one = []
            for v, m in zip(values, mapped, strict=True):
                if not m:
                    one.append(v)
                elif isinstance(v, list):
                    one.append([select_at(as_lower(x), 0, k) for x in v])
                else:
                    one.append(select_at(v, 0, k))
            results.append(op.invoke(one))
        if not results:
            raise RuntimeError(f"vmap: {op.name} has no batching rule, and the batch is empty")
        if op.outputs is None:
            return stack_at(results, 0)
        return tuple([None if r[0] is None else stack_at(list(r), 0) for r in zip(*results, strict=True)])

    def write(self, target: Any, op: Any, args: tuple[Any, ...], name: str) -> Any:
        """An in-place write goes to the memory of the whole batch."""
        self.check_alive()
        made = self.process(op, (target, *args))
        if op.outputs is not None:
            made = made[0]
        if not self.is_mapped(target):
            raise RuntimeError(
                f"vmap: {name}(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that "
                "has more elements than `self`. This happened due to `other` being vmapped over but `self` not being "
                "vmapped over in a vmap. Please try to use out-of-place operators instead of "
                f"{name}. If said operator is being called inside the PyTorch framework, please file a bug report instead."
            )
        self.below(lambda t, v: t.copy_(v), target.lower, made.lower)
        return target

    def setitem(self, target: Any, parts: tuple[Any, ...], value: Any) -> None:
        from .grad import Grad

        Grad.setitem(self, target, parts, value)  # type: ignore[arg-type]

    def index(self, input: Any, parts: tuple[Any, ...]) -> Any:
        """``input[parts]`` with indices that differ from example to example: the batch is one more index."""
        from .._ops import index
        from .._ops.create import arange
        from .._ops.shape import reshape

        lower = self.opened(input) if self.is_mapped(input) else self.below(lambda x: x, input)
        spots = [p for p in parts if isinstance(p, Tensor)]
        rank = max([p.ndim for p in spots])
        if any(p.dtype is dtypes.bool_ for p in spots):
            raise refusal("boolean masks as an index, whose result's shape depends on the data,")

        def run() -> Any:
            ready: list[Any] = []
            for p in parts:
                if isinstance(p, Tensor):
                    q = self.opened(p) if self.is_mapped(p) else p
                    lead_shape = (self.size,) if self.is_mapped(p) else (1,)
                    body = tuple(p.shape)
                    ready.append(reshape(q, (*lead_shape, *(1,) * (rank - len(body)), *body)))
                else:
                    ready.append(p)
            if self.is_mapped(input):
                rows = reshape(arange(self.size), (self.size, *(1,) * rank))
                made = index.getitem(lower, (rows, *ready))
                return made
            made = index.getitem(lower, tuple(ready))
            at = next(i for i, p in enumerate(parts) if isinstance(p, Tensor))
            from .._ops.shape import movedim

            return movedim(made, at, 0) if at else made

        return self.make(self.below(run))

    def detach(self, t: Any) -> Any:
        return self.make(self.below(lambda x: x.detach(), t.lower))

    def ones_like(self, t: Any) -> Any:
        from .grad import ones_of

        return self.make(self.below(ones_of, t.lower))

    def drawn(self, draw: Any, shape: tuple[int, ...]) -> Any:
        """Random numbers inside the transform: refused, the same for all examples, or different for each."""
        if self.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )
        if self.randomness == "same":
            return draw(shape)
        return self.make(wrap(np.asarray(draw((self.size, *shape)))))


def lead(value: Any, rank: int) -> Any:
    """Line up the examples' dimensions on the right, the batch on the left."""
    missing = rank + 1 - value.ndim
    if missing > 0:
        from .._ops.shape import reshape

        value = reshape(value, (value.shape[0], *(1,) * missing, *value.shape[1:]))
    return value
