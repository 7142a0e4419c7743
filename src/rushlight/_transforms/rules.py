"""Batching rules of operators that belong to no family, by name; see ``_ops.families`` for what a rule is.

They are looked up at an operator's first use under ``vmap``, so that nothing is imported before it is needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import callsite, levels
from .._core.mode import DEPTH, mode
from .._core.tensor import Tensor
from .._ops.broadcast import expand
from .._ops.families import shifted, with_batch
from .._ops.random import not_random
from .._ops.shape import movedim, narrow, reshape

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    def keep(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return keep


def op_of(module: str, name: str) -> Any:
    """A function of ``_ops``."""
    return getattr(importlib.import_module(f"{__package__.rpartition('.')[0]}._ops.{module}"), name)


def flat(input: Any, size: int) -> Any:
    return reshape(input, (size, -1 if input.numel() or not size else 0))


# ---- operators whose dimensions in front are a batch already


@rule("lstsq_of")
def least_squares(op: Any, size: int, mapped: tuple[bool, ...], A: Any, B: Any, *args: Any) -> Any:
    """Results that are empty for one matrix are empty for each."""
    if A.ndim - mapped[0] != B.ndim - mapped[1] + args[-1]:
        return NotImplemented
    made = op.call(with_batch(A, size, mapped[0]), with_batch(B, size, mapped[1]), *args)
    return [reshape(r, (size, 0)) if i and r.ndim == 1 and not r.numel() else r for i, r in enumerate(made)]


@rule("pinv_of", "rank_of", "clone_arranged", "view_dtype")
def in_front(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
    if op.name == "clone_arranged":
        return args[0].clone()
    tensors = [i for i, a in enumerate(args) if hasattr(a, "ndim")]
    if any([op.parameters[i] not in op.tensors and args[i].ndim for i in tensors]):
        return NotImplemented  # a tolerance for each example
    tensors = [i for i in tensors if op.parameters[i] in op.tensors]
    if len({args[i].ndim - mapped[i] for i in tensors}) > 1:
        return NotImplemented
    return op.invoke(
        [with_batch(a, size, m) if i in tensors else a for i, (a, m) in enumerate(zip(args, mapped, strict=True))]
    )


@rule("gamma_grad", "dirichlet_slope")
def elementwise(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
    shape = np.broadcast_shapes(*[tuple(a.shape[m:]) for a, m in zip(args, mapped, strict=True)])
    ready = []
    for a, m in zip(args, mapped, strict=True):
        if m:
            a = reshape(a, (size, *(1,) * (len(shape) + 1 - a.ndim), *a.shape[1:]))
        ready.append(expand(a, (size, *shape)))
    return op.invoke(ready)


# ---- reductions of everything


@rule("max_whole", "min_whole")
def extreme(op: Any, size: int, mapped: tuple[bool, ...], input: Any) -> Any:
    if input.ndim == 1:
        return input.clone()
    return op_of("reduce", "amax" if op.name == "max_whole" else "amin")(input, tuple(range(1, input.ndim)))


@rule("median_whole", "nanmedian_whole")
def median(op: Any, size: int, mapped: tuple[bool, ...], input: Any) -> Any:
    return op_of("sort", op.name[:-6])(flat(input, size), 1)[0]


@rule("argmax", "argmin")
def place(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: Any, keepdim: bool) -> Any:
    if dim is not None and input.ndim > 1:
        return op.call(input, shifted(dim, input.ndim - 1), keepdim)
    made = op.call(flat(input, size), 1)
    return reshape(made, (size, *(1,) * (input.ndim - 1))) if keepdim else made


@rule("dist_of")
def distance(op: Any, size: int, mapped: tuple[bool, ...], input: Any, other: Any, p: float) -> Any:
    a, b = lined_up((input, other), mapped[:2])
    difference = a - b
    if difference.ndim == 1:
        return abs(difference) if p != 0 else NotImplemented
    return op_of("magnitude", "vector_norm_of")(difference, p, tuple(range(1, difference.ndim)), False)


def lined_up(args: tuple[Any, ...], mapped: tuple[bool, ...]) -> list[Any]:
    from .vmap import lead

    rank = max([a.ndim - m for a, m in zip(args, mapped, strict=True)])
    return [lead(a, rank) if m else a for a, m in zip(args, mapped, strict=True)]


@rule("renorm")
def renormed(op: Any, size: int, mapped: tuple[bool, ...], input: Any, p: float, dim: int, maxnorm: float) -> Any:
    at = shifted(dim, input.ndim - 1)
    front = movedim(input, at, 1)
    rows = reshape(front, (size * front.shape[1], -1))
    return movedim(reshape(op.call(rows, p, 0, maxnorm), tuple(front.shape)), 1, at)


# ---- products


@rule("addbmm")
def added_batches(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1
) -> Any:
    product = op_of("reduce", "sum")(op_of("products", "matmul")(a, b), -3) * alpha
    return added(size, mapped, input, product, beta)


@rule("addr")
def added_outer(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1
) -> Any:
    product = reshape(a, (*a.shape, 1)) * reshape(b, (*b.shape[:-1], 1, b.shape[-1])) * alpha
    return added(size, mapped, input, product, beta)


def added(size: int, mapped: tuple[bool, ...], input: Any, product: Any, beta: Any) -> Any:
    """A product, of which each example may have its own, plus ``beta`` times the input."""
    own = mapped[1] or mapped[2]
    if not beta:
        return product if own else expand(product, (size, *product.shape))
    input = lined_up((input, product), (mapped[0], own))[0]
    return product + input * beta


# ---- places


@rule("taken")
def taken_from_each(op: Any, size: int, mapped: tuple[bool, ...], input: Any, index: Any) -> Any:
    if not mapped[0]:
        return op.call(input, index)
    rows = flat(input, size)
    index = with_batch(index, size, mapped[1])
    n = rows.shape[1]
    spots = index + (index < 0) * n
    found = op_of("index", "gather")(rows, 1, reshape(spots, (size, -1)))
    return reshape(found, tuple(index.shape))


@rule("flat_placed")
def placed_in_each(op: Any, size: int, mapped: tuple[bool, ...], input: Any, index: Any, shape: Any) -> Any:
    index = with_batch(index, size, mapped[1])
    n = int(np.prod(shape))
    rows = reshape(op_of("create", "arange")(size), (size, *(1,) * (index.ndim - 1)))
    return op.call(with_batch(input, size, mapped[0]), index + (index < 0) * n + rows * n, (size, *shape))


@rule("put_raw", "put_zero")
def put_in_each(op: Any, size: int, mapped: tuple[bool, ...], input: Any, index: Any, *source: Any) -> Any:
    input, index = with_batch(input, size, mapped[0]), with_batch(index, size, mapped[1])
    n = int(np.prod(input.shape[1:]))
    rows = reshape(op_of("create", "arange")(size), (size, *(1,) * (index.ndim - 1)))
    spots = index + (index < 0) * n + rows * n
    return op.call(input, spots, *([with_batch(source[0], size, mapped[2]), *source[1:]] if source else []))


@rule("masked_scattered")
def masked_in_each(op: Any, size: int, mapped: tuple[bool, ...], input: Any, mask: Any, source: Any) -> Any:
    """The elements where the mask is true are numbered in order, and taken by number."""
    input, mask = lined_up((with_batch(input, size, mapped[0]), with_batch(mask, size, mapped[1])), (True, True))
    shape = (size, *np.broadcast_shapes(tuple(input.shape[1:]), tuple(mask.shape[1:])))
    mask = reshape(expand(mask, shape), (size, -1))
    number = op_of("scan", "cumsum")(mask, 1) - 1
    source = flat(with_batch(source, size, mapped[2]), size)
    if not source.shape[1]:
        return expand(input, shape).clone()
    found = op_of("index", "gather")(source, 1, number.clamp(0, source.shape[1] - 1))
    return op_of("compare", "where")(reshape(mask, shape), reshape(found, shape), expand(input, shape))


@rule("spread_rows")
def rows_spread(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, dim: int, index: Any) -> Any:
    if not mapped[3]:
        return op.call(input, (size, *shape), dim + 1, index)
    input = with_batch(input, size, mapped[0])
    spots = reshape(index, (size, *(1,) * dim, index.shape[1], *(1,) * (input.ndim - dim - 2)))
    nothing = op_of("create", "zeros")((size, *shape), dtype=input.dtype)
    return op_of("scatter", "scatter_add")(nothing, dim + 1, expand(spots, tuple(input.shape)), input)


@rule("blocks")
def blocks_of_each(op: Any, size: int, mapped: tuple[bool, ...], tensors: Any) -> Any:
    width = sum([x.shape[2] for x in tensors])
    zeros, cat = op_of("create", "zeros"), op_of("shape", "cat")
    rows, column = [], 0
    for x in tensors:
        n, m = x.shape[1:]
        after = width - column - m
        sides = [zeros((size, n, k), dtype=x.dtype) for k in (column, after)]
        rows.append(cat([sides[0], x, sides[1]], 2))
        column += m
    return cat(rows, 1)


VIEWS = {
    "select_scattered": "select_at", "slice_scattered": "part", "diagonal_scattered": "diagonal",
    "strided_scattered": "as_strided",
}  # fmt: skip


@rule(*VIEWS)
def scattered(op: Any, size: int, mapped: tuple[bool, ...], input: Any, src: Any, *args: Any) -> Any:
    """The view is taken of every example on a level of its own, and written."""
    from .base import entered
    from .vmap import Vmap

    out = op_of("shape", "clone_contiguous")(with_batch(input, size, mapped[0]))
    given = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    with entered(Vmap(size)) as level:
        view = op_of("shape", VIEWS[op.name])(level.make(out), *given)
        view.copy_(level.make(src) if mapped[1] else src)
    return out


# ---- what has no one shape


@rule("masked_selected", "masked_placed")
def masked(op: Any, size: int, mapped: tuple[bool, ...], input: Any, mask: Any, *shape: Any) -> Any:
    """A mask that is the same for all examples picks as many elements of each."""
    if mapped[1] or (isinstance(mask, Tensor) and mask.level):
        raise RuntimeError(
            "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because for each "
            f"batch this would return a differently shaped Tensor. It happened at {callsite.shown(*callsite.here())}; use "
            "torch.where."
        )
    mask = np.asarray(mask.detach()._array if isinstance(mask, Tensor) else mask)
    if op.name == "masked_placed" and not shape[0]:
        return op_of("reduce", "sum")(input, 1)
    if op.name == "masked_placed":
        spots = (None, *np.broadcast_to(mask, shape[0]).nonzero())
        return op_of("index", "put_at")(input, (size, *shape[0]), spots)
    one = np.broadcast_shapes(tuple(input.shape[1:]), mask.shape)
    if not one:
        return narrow(reshape(input, (size, 1)), 1, 0, int(mask))
    input = expand(reshape(input, (size, *(1,) * (len(one) + 1 - input.ndim), *input.shape[1:])), (size, *one))
    return op_of("index", "take_at")(input, (None, *np.broadcast_to(mask, one).nonzero()))


@rule("unique", "unique_dim", "unique_consecutive")
def dynamic(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
    raise levels.dynamic({"unique": "_unique2"}.get(op.name, op.name))


# ---- random numbers


def randomness() -> str:
    """That of the ``vmap`` whose operator runs below it now."""
    found: str = levels.stack.get()[mode() >> DEPTH].randomness
    if found == "error":
        raise not_random()
    return found


@rule("bernoulli_of", "bernoulli_with", "binomial_of", "normal", "poisson_of", "gamma_of", "dirichlet_of")
def drawn(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
    if randomness() == "same":
        raise RuntimeError("Vmap does not currently support same randomness with a batched tensor input")
    tensors = [i for i, a in enumerate(args) if isinstance(a, (Tensor, np.ndarray))]
    ready = list(args)
    for i, a in zip(
        tensors, lined_up(tuple([args[i] for i in tensors]), tuple([mapped[i] for i in tensors])), strict=True
    ):
        ready[i] = a
    return op.invoke(ready)


@rule("bernoulli_over")
def drawn_by_chances(op: Any, size: int, mapped: tuple[bool, ...], input: Any, p: Any, source: Any) -> Any:
    if randomness() == "same":
        if mapped[1]:
            raise RuntimeError("Vmap does not currently support same randomness with a batched tensor input")
        return expand(op.call(input[0], p, source), tuple(input.shape))
    return op.call(*lined_up((input, p), mapped[:2]), source)


@rule("draw")
def drawn_over(op: Any, size: int, mapped: tuple[bool, ...], input: Any, draw: Any) -> Any:
    if randomness() == "same":
        return expand(op.call(input[0], draw), tuple(input.shape))
    return op.call(input, draw)


@rule("multinomial_of")
def drawn_rows(op: Any, size: int, mapped: tuple[bool, ...], input: Any, *args: Any) -> Any:
    if randomness() == "same":
        raise RuntimeError("Vmap does not currently support same randomness with a batched tensor input")
    rows = reshape(input, (-1, input.shape[-1]))
    return reshape(op.call(rows, *args), (*input.shape[:-1], args[0]))
