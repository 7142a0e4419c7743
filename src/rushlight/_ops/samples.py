"""Operators on samples (N, C, ...): how they run under ``vmap``, and composites recorded as one node.

A batch of batches is one larger batch: ``by_samples`` folds the mapped dimension into N. ``composed`` is for
operators that need no kernel of their own but are one node in PyTorch's graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import gradients
from .._core.declare import fused
from .._core.mode import PLAIN, RECORD, switched
from .._core.tensor import wrap
from .families import with_batch
from .shape import reshape


def by_samples(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
    """The rule of operators whose tensors all are (N, ...), with N nowhere else: the batch goes into N."""
    ready = []
    count = 0
    for name, value, is_mapped in zip(op.parameters, args, mapped, strict=True):
        if name in op.tensors and value is not None:
            value = with_batch(value, size, is_mapped)
            count = value.shape[1]
            value = reshape(value, (size * count, *value.shape[2:]))
        ready.append(value)
    made = op.call(*ready)
    if isinstance(made, tuple):
        return tuple([apart(x, size, count) for x in made])
    return apart(made, size, count)


def apart(x: Any, size: int, count: int) -> Any:
    """The folded batch taken apart again."""
    return x if x is None else reshape(x, (size, count, *x.shape[1:]))


def composed(node: str, **how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a composite that is recorded as one node: backward differentiates the composite."""

    def declare(composite: Callable[..., Any]) -> Callable[..., Any]:
        def forward(*values: Any) -> tuple[Any, ...]:
            with switched(PLAIN):
                return (composite(*[wrap(v) if isinstance(v, np.ndarray) else v for v in values])._array,)

        def backward(g: Any, wanted: tuple[bool, ...], *values: Any) -> list[Any]:
            asked, inputs, places = iter(wanted), [], []
            for name, value in zip(op.parameters, values, strict=True):
                if name in op.tensors:
                    here = next(asked)
                    if isinstance(value, np.ndarray):
                        value = wrap(value)
                        if here:
                            value.requires_grad_()
                    places.append(value if here else None)
                inputs.append(value)
            with switched(RECORD):
                out = composite(*inputs)
                leaves = [x for x in places if x is not None]
                found = iter(gradients.grad([out], leaves, [wrap(np.asarray(g))], allow_unused=True))
            grads = [None if x is None else next(found) for x in places]
            return [None if h is None else h._array for h in grads]

        made = fused(forward=forward, backward=backward, node=node, **how)(composite)
        op = made.op
        return made

    return declare
