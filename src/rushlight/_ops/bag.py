"""Sums, means and maxima of bags of rows of a table."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import dtypes, levels, record
from .._core.declare import fused
from .._core.tensor import Tensor, wrap
from .._kernels import scatter
from .._kernels.places import bincount, repeat
from .broadcast import cast_to
from .embedding import (
    embedding_rows,
    frequencies,
    refuse_frequencies,
    renorm_rows,
    scaled_gradient,
    sparse_gradients,
)
from .reduce import amax
from .reduce import sum as sum_
from .shape import reshape, unsqueeze

MODES = ("sum", "mean", "max")


def spans(bags: Any, count: int, kept: Any) -> tuple[Any, Any]:
    """The members of each bag in a table (bags, longest) of their numbers, and which entries are members."""
    members = np.flatnonzero(kept)
    at = bags[members]
    sizes = bincount(at, minlength=count)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    width = int(sizes.max(initial=0))
    place = np.arange(len(members)) - starts[at]
    table = np.zeros((count, width), np.int64)
    table[at, place] = members
    return table, np.arange(width) < sizes[:, None]


def bag_forward(
    weight: Any, per_sample_weights: Any, indices: Any, bags: Any, count: int, mode: str, padding: int
) -> tuple[Any, ...]:
    kept = indices != padding
    rows = weight[indices]
    if mode == "max":
        table, is_member = spans(bags, count, kept)
        if not table.size:
            return np.zeros((count, weight.shape[1]), weight.dtype), np.full((count, weight.shape[1]), -1), None
        shown = np.where(is_member[:, :, None], rows[table], -np.inf)
        best = shown.argmax(1)
        found = np.take_along_axis(table, best, 1)
        empty = ~is_member.any(1)
        out = np.take_along_axis(rows, found, 0)
        out[empty] = 0
        found[empty] = -1
        return out, found, None
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[:, None]
    if not kept.all():
        rows = rows * kept[:, None].astype(rows.dtype)
    out = np.zeros((count, weight.shape[1]), rows.dtype)
    scatter.index_add(out, 0, bags, rows)
    sizes = None
    if mode == "mean":
        sizes = np.maximum(bincount(bags[kept], minlength=count), 1).astype(out.dtype)[:, None]
        out /= sizes
    return out, None, sizes


def bag_backward(
    g: Any, wanted: Any, weight: Any, per_sample_weights: Any, indices: Any, bags: Any, count: int, mode: str,
    padding: int, found: Any, sizes: Any,
) -> tuple[Any, ...]:  # fmt: skip
    if mode == "max":
        out = np.zeros_like(weight)
        taken = found >= 0
        np.add.at(
            out, (indices[found[taken]], np.broadcast_to(np.arange(weight.shape[1]), found.shape)[taken]), g[taken]
        )
        return out, None
    if sizes is not None:
        g = g / sizes
    kept = indices != padding
    grad_weight = grad_samples = None
    if wanted[0]:
        rows = g[bags] if per_sample_weights is None else g[bags] * per_sample_weights[:, None]
        grad_weight = scatter.embedding_backward(rows, indices, weight.shape[0], padding)
    if wanted[1]:
        grad_samples = np.where(kept, np.einsum("nd,nd->n", g[bags], weight[indices]), 0).astype(weight.dtype)
    return grad_weight, grad_samples


@fused(forward=bag_forward, backward=bag_backward, node="EmbeddingBagBackward0")
def bag_of(
    weight: Tensor, per_sample_weights: Tensor | None, indices: Any, bags: Any, count: int, mode: str, padding: int
) -> Tensor:
    return composite(embedding_rows, weight, per_sample_weights, indices, bags, count, mode, padding)


def composite(
    rows_of: Any, weight: Any, per_sample_weights: Any, indices: Any, bags: Any, count: int, mode: str, padding: int
) -> Any:
    """Bags in operators; ``rows_of`` picks the rows."""
    from .compare import where

    table, is_member = spans(bags, count, indices != padding)
    shown = wrap(is_member[:, :, None])
    if not table.size:
        return sum_(weight) * wrap(np.zeros((count, weight.shape[1]), record.np_dtype(weight)))
    rows: Any = rows_of(weight, wrap(indices[table]), padding)  # (bags, longest, D)
    if mode == "max":
        full = where(shown, rows, float("-inf"))
        some = wrap(is_member.any(1)[:, None])
        return where(some, amax(where(some[..., None], full, 0.0), 1), 0.0)
    if per_sample_weights is not None:
        from .index import index_select

        picked = index_select(per_sample_weights, 0, wrap(table.reshape(-1)))
        rows = rows * unsqueeze(reshape(picked, table.shape), 2)
    total = sum_(where(shown, rows, 0.0), 1)
    if mode == "mean":
        sizes = np.maximum(is_member.sum(1), 1)[:, None]
        total = total / cast_to(wrap(sizes), record.np_dtype(weight))
    return total


def outermost(x: Any) -> Any:
    """Numbers outside of ``grad`` and ``jvp``, which have no use for them."""
    found = None if x is None else levels.settled(x)
    return x if found is None else found


# Slower than PyTorch: rows are fetched first and added up in a second pass.
def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
    per_sample_weights: Tensor | None = None, include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """The sum, mean or maximum of the rows of ``weight`` (V, D) in each bag of numbers.

    ``input`` (B, L) are B bags; ``input`` (L,) are bags that begin at ``offsets``. ``per_sample_weights`` multiply the rows
    ("sum" only); rows ``padding_idx`` do not count; ``max_norm`` first shortens the rows used, in place. An empty bag gives 0.
    With ``sparse`` the gradient towards ``weight`` is a sparse tensor, of the rows used.

    >>> import rushlight as torch
    >>> table = torch.tensor([[1.0], [2.0], [4.0]])
    >>> torch.nn.functional.embedding_bag(torch.tensor([0, 2, 1]), table, torch.tensor([0, 2]), mode="sum")
    tensor([[5.],
            [2.]])
    """
    if record.np_dtype(weight) == np.int64 and record.np_dtype(input).kind == "f":
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`.",
            UserWarning,
            stacklevel=2,
        )
        weight, input = input, weight
    if per_sample_weights is not None and tuple(input.shape) != tuple(per_sample_weights.shape):
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the same "
            f"shape as the input ({input.shape})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
    elif input.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if mode not in MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    if sparse:
        sparse_gradients("embedding_bag(sparse=True)", weight, input, offsets, per_sample_weights)
        if scale_grad_by_freq and weight.requires_grad:
            refuse_frequencies()
    input, offsets = outermost(input), outermost(offsets)
    if input.level or (offsets is not None and offsets.level):
        if max_norm is not None:
            renorm_rows(weight, input, max_norm, norm_type)
        if scale_grad_by_freq:
            weight = scaled_gradient(weight, frequencies(input, weight.shape[0], record.np_dtype(weight)))
        return mapped_bags(input, weight, offsets, mode, per_sample_weights, padding_idx, include_last_offset)
    if max_norm is not None:
        renorm_rows(weight, input, max_norm, norm_type)
    if input.ndim == 2:
        count, length = input.shape
        indices = input._array.reshape(-1)
        bags = repeat(np.arange(count, dtype=np.int64), length)
        if per_sample_weights is not None:
            per_sample_weights = reshape(per_sample_weights, (-1,))
    else:
        indices = input._array
        bags, count = bag_numbers(input, offsets, include_last_offset)
    return bags_of(weight, indices, bags, count, mode, per_sample_weights, padding_idx, scale_grad_by_freq, sparse)


def bag_numbers(indices: Any, offsets: Any, include_last_offset: bool) -> tuple[Any, int]:
    """The bag that each index lies in, and how many bags there are."""
    for name, x in (("indices", indices), ("offsets", offsets)):
        if record.np_dtype(x) not in (np.int64, np.int32):
            kind = dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(x)).name]
            raise RuntimeError(
                f"Expected tensor for argument #{1 + (name == 'offsets')} '{name}' to have one of the following scalar "
                f"types: Long, Int; but got torch.{kind}Tensor instead (while checking arguments for embedding_bag)"
            )
    starts, total = offsets._array, indices.shape[0]
    if include_last_offset:
        if len(starts) < 1:
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        count = len(starts) - 1
    else:
        count = len(starts)
    if len(starts) and starts[0] != 0:
        raise RuntimeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {starts[0]}"
        )
    if len(starts) and starts[-1] > total:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length({total}) but got offsets[-1] of {starts[-1]}"
        )
    ends = np.concatenate([starts[1 : count + 1], [total]])[:count]
    if include_last_offset and count:
        ends[-1] = total
    return repeat(np.arange(count, dtype=np.int64), ends - starts[:count]), count


def bags_of(
    weight: Any, indices: Any, bags: Any, count: int, mode: str, per_sample_weights: Any, padding_idx: int | None,
    scale_grad_by_freq: bool, sparse: bool,
) -> Any:  # fmt: skip
    rows = weight.shape[0]
    if indices.dtype not in (np.int64, np.int32):
        kind = dtypes.LEGACY[dtypes.dtype_of(indices.dtype).name]
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{kind}Tensor instead (while checking arguments for embedding_bag)"
        )
    if padding_idx is None:
        padding = -1
    elif not -rows <= padding_idx < rows:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, -{rows} through {rows - 1}, but got {padding_idx}"
        )
    else:
        padding = padding_idx % rows
    if indices.size and (indices.min() < 0 or indices.max() >= rows):
        at = np.flatnonzero((indices < 0) | (indices >= rows))[0]
        if mode == "max" or padding_idx is not None or record.np_dtype(weight) == np.float64:
            raise RuntimeError(
                f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {indices[at]}"
            )
        raise RuntimeError(f"Index {at} of input takes value {indices[at]} which is not in the valid range [0, {rows})")
    if per_sample_weights is not None and record.np_dtype(per_sample_weights) is not record.np_dtype(weight):
        kinds = [dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(x)).name] for x in (weight, per_sample_weights)]
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; "
            f"but type torch.{kinds[0]}Tensor does not equal torch.{kinds[1]}Tensor (while checking arguments for "
            "embedding_bag)"
        )
    if record.np_dtype(weight).kind != "f":
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloat16, Float, "
            f"Double; but got torch.{dtypes.LEGACY[weight.dtype.name]}Tensor instead (while checking arguments for "
            "embedding_bag)"
        )
    if sparse:
        bag = sparse_gradients("embedding_bag(sparse=True)").bag_of
        return bag(weight, per_sample_weights, indices.astype(np.int64), bags, count, mode, padding)
    if scale_grad_by_freq:
        weight = scaled_gradient(weight, frequencies(wrap(indices), rows, record.np_dtype(weight)))
    return bag_of(weight, per_sample_weights, indices.astype(np.int64), bags, count, mode, padding)


def mapped_bags(
    input: Any, weight: Any, offsets: Any, mode: str, samples: Any, padding_idx: Any, include_last_offset: bool
) -> Any:
    """Bags under ``vmap`` whose members differ from example to example: by a table of (bags, members) of who is in which."""
    from .compare import clamp, eq, logical_and, ne, where
    from .create import arange

    padding = -1 if padding_idx is None else padding_idx % weight.shape[0]
    rows: Any = embedding_rows(weight, input, padding)
    kept: Any = ne(input, padding)
    if samples is not None:
        rows = rows * unsqueeze(samples, -1)
    if offsets is not None:
        count = offsets.shape[0] - include_last_offset
        if count < 0:
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        begun: Any = unsqueeze(offsets, 1) <= arange(input.shape[0])  # (offsets, members)
        bag = clamp(sum_(cast_to(begun, np.dtype(np.int64)), 0) - 1, max=count - 1)
        kept = logical_and(eq(unsqueeze(bag, 0), unsqueeze(arange(count), 1)), kept)
        rows = unsqueeze(rows, 0)
    shown: Any = unsqueeze(kept, 2)
    sizes: Any = unsqueeze(sum_(cast_to(kept, record.np_dtype(weight)), 1), 1)
    if mode == "max":
        best = amax(where(shown, rows, float("-inf")), 1)
        return where(sizes > 0, best, 0.0)
    total: Any = sum_(where(shown, rows, 0.0), 1)
    return total if mode == "sum" else total / clamp(sizes, min=1)
