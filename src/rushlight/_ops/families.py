"""Batching rules by family: how an operator runs on a whole batch at once under ``vmap``.

A rule is ``batch(op, size, mapped, *args)``: tensor arguments that are mapped come with the batch as dimension 0,
the others as they are; ``mapped`` says which is which, by parameter (of a list argument, all elements come mapped
if one is). It returns the result (or a tuple of results) with the batch as dimension 0. An operator without a rule
runs in a loop over the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Batch = Callable[..., Any]


def shifted(dim: Any, ndim: int, every: bool = False) -> Any:
    """Dimensions of one example (of ``ndim`` dimensions) as dimensions of the batch.

    ``every``: None means all dimensions.
    """
    if dim is None:
        return tuple(range(1, ndim + 1)) if every else None
    if isinstance(dim, (tuple, list)):
        if every and len(dim) == 0:
            return tuple(range(1, ndim + 1))
        return tuple([shifted(d, ndim) for d in dim])
    return dim + 1 if dim >= 0 else dim + ndim + 1


def with_batch(x: Any, size: int, is_mapped: bool) -> Any:
    """A tensor argument with a batch dimension in front, spread without copying if it has none."""
    if is_mapped or not hasattr(x, "shape"):
        return x
    from .broadcast import expand

    return expand(x, (size, *x.shape))


def over_dims(*names: str, every: bool = False, spread: bool = True) -> Batch:
    """The rule of operators that take dimensions by number: the numbers named ``names`` are shifted by one.

    ``every``: None stands for all dimensions (reductions). ``spread``: tensor arguments that are not mapped are
    spread over the batch (``gather``); otherwise they stay (an index that is the same for all examples).
    """

    def batch(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
        first = next(i for i, m in enumerate(mapped) if m)
        lead = args[first][0] if isinstance(args[first], (list, tuple)) else args[first]
        ndim = lead.ndim - 1
        if ndim == 0 and not op.lists:
            return of_numbers(op, size, mapped, args, op.tensors)
        ready = []
        for name, value, is_mapped in zip(op.parameters, args, mapped, strict=True):
            if name in names:
                value = shifted(value, ndim, every)
            elif name in op.lists and not is_mapped:
                value = [with_batch(v, size, False) for v in value]
            elif spread and name in op.tensors and not is_mapped:
                value = with_batch(value, size, False)
            ready.append(value)
        return op.call(*ready)

    return batch


def of_numbers(op: Any, size: int, mapped: tuple[bool, ...], args: Sequence[Any], tensors: Sequence[str]) -> Any:
    """The same where the examples are 0-d tensors, which count as vectors of one element."""
    from .shape import reshape

    ready = [
        reshape(a, (size, 1)) if m else reshape(a, (1,)) if n in tensors and hasattr(a, "ndim") else a
        for n, a, m in zip(op.parameters, args, mapped, strict=True)
    ]
    made = op.batch(op, size, mapped, *ready)
    if isinstance(made, tuple):
        return tuple([reshape(r, (size,)) for r in made])
    return reshape(made, (size,))


def by_shape(*names: str) -> Batch:
    """The rule of operators that take a shape: the sizes named ``names`` get the batch in front."""

    def batch(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
        ready = [(size, *value) if name in names else value for name, value in zip(op.parameters, args, strict=True)]
        return op.call(*ready)

    return batch
