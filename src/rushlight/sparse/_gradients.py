"""Sparse gradients, of ``embedding(sparse=True)`` and its like: the rows that were picked, and where they were.

Each operator here computes what its dense sibling does; only its gradient is another: a sparse tensor, whose values
are the gradients of the rows, in the order in which they were picked, equal rows side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import levels
from .._core.declare import LINEAR, fused, operator
from .._core.tensor import Tensor, wrap
from .._ops import bag
from .._ops.index import along
from . import SparseTensor, made


def refuse_levels(name: str, *tensors: Any) -> None:
    """Raise inside a function transform: what it carries is dense."""
    if any(isinstance(t, Tensor) and t.level for t in tensors):
        raise NotImplementedError(
            f"{name}: sparse gradients are not supported inside function transforms (grad, vmap, jvp); leave the "
            "option out there, for the same gradient as a dense tensor"
        )


def array_of(index: Any) -> Any:
    return levels.plain(index, "index")._array if isinstance(index, Tensor) else index


def rows_gradient(g: Any, shape: Any, index: Any, padding_idx: int) -> SparseTensor:
    """The gradient of a table: rows of ``g`` at the rows of the table that ``index`` picked, padding left out."""
    at = np.reshape(array_of(index), -1).astype(np.int64)
    rows = g.reshape(len(at), shape[1])
    if padding_idx >= 0 and not (kept := at != padding_idx).all():
        at, rows = at[kept], rows[wrap(np.flatnonzero(kept))] if isinstance(rows, Tensor) else rows[kept]
    return made(wrap(at[None]), rows if isinstance(rows, Tensor) else wrap(rows), shape, False)


@operator(
    jvp=LINEAR, node="EmbeddingBackward0",
    weight=lambda g, weight_shape, indices, padding_idx: rows_gradient(g, weight_shape, indices, padding_idx),
)  # fmt: skip
def picked_rows(weight: Tensor, indices: Tensor, padding_idx: int) -> Tensor:
    return np.take(weight, indices, 0)  # type: ignore[return-value]


def places_gradient(g: Any, shape: Any, dim: int, index: Any) -> SparseTensor:
    """The gradient of what ``gather`` picked from: each element of ``g`` at the place it came from."""
    array = array_of(index)
    if array.ndim == 0:
        array = array.reshape(1)
    everywhere = np.broadcast_arrays(*along(array, dim))
    places = np.stack([np.reshape(p, -1) for p in everywhere]).astype(np.int64)
    values = g.reshape(-1)
    if not shape:
        places = places[:0]
    return made(wrap(places), values if isinstance(values, Tensor) else wrap(values), shape, False)


@operator(
    jvp=LINEAR, node="GatherBackward0",
    input=lambda g, input_shape, dim, index: places_gradient(g, input_shape, dim, index),
)  # fmt: skip
def picked_places(input: Tensor, dim: int, index: Tensor) -> Tensor:
    if input.ndim == 0:
        return np.broadcast_to(input, index.shape).copy()  # type: ignore[return-value]
    return input[along(index, dim)]  # type: ignore[arg-type]


def bag_backward(
    g: Any, wanted: Any, weight: Any, per_sample_weights: Any, indices: Any, bags: Any, count: int, mode: str,
    padding: int, found: Any, sizes: Any,
) -> tuple[Any, ...]:  # fmt: skip
    grad_weight, grad_samples = bag.bag_backward(
        g, (False, wanted[1]), weight, per_sample_weights, indices, bags, count, mode, padding, found, sizes
    )
    if wanted[0]:
        rows = (g if sizes is None else g / sizes)[bags]
        if per_sample_weights is not None:
            rows = rows * per_sample_weights[:, None]
        grad_weight = rows_gradient(rows, weight.shape, indices, padding)
    return grad_weight, grad_samples


@fused(forward=bag.bag_forward, backward=bag_backward, node="EmbeddingBagBackward0")
def bag_of(
    weight: Tensor, per_sample_weights: Tensor | None, indices: Any, bags: Any, count: int, mode: str, padding: int
) -> Tensor:
    found: Tensor = bag.composite(picked_rows, weight, per_sample_weights, indices, bags, count, mode, padding)
    return found
