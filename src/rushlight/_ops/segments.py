"""Reductions of segments: runs of rows of any length, side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import fused
from .._core.tensor import Tensor, wrap
from .._kernels.places import bincount
from .bag import spans
from .compare import where
from .dims import canonical
from .index import index_select
from .reduce import amax, amin, prod
from .reduce import sum as sum_
from .shape import reshape

NEUTRAL = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -math.inf, "min": math.inf}
UFUNCS = {"sum": np.add, "mean": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def start_of(reduce: str, initial: float | None) -> float:
    return NEUTRAL[reduce] if initial is None else initial


def segment_forward(
    data: Any, reduce: str, members: Any, ids: Any, count: int, axis: int, initial: float | None
) -> tuple[Any, Any, Any]:
    outer, inner = data.shape[:axis], data.shape[axis + 1 :]
    kind = np.float32 if data.dtype == np.float16 else data.dtype
    rows = data.reshape(math.prod(data.shape[: axis + 1]), -1 if 0 not in data.shape else math.prod(inner))[members]
    rows = rows.astype(kind, copy=False)
    sizes = bincount(ids, minlength=count)
    made = np.full((count, rows.shape[1]), start_of(reduce, initial), kind)
    some = np.flatnonzero(sizes)
    if some.size:
        starts = (np.cumsum(sizes) - sizes)[some]
        found = UFUNCS[reduce].reduceat(rows, starts, axis=0)
        made[some] = found if initial is None else UFUNCS[reduce](made[some], found)
    if reduce == "mean":
        with np.errstate(divide="ignore", invalid="ignore"):
            made[some] /= sizes[some, None].astype(kind)
        if initial is None:
            made[sizes == 0] = np.nan
    shape = (*outer, count // max(1, math.prod(outer)), *inner)
    return made.astype(data.dtype, copy=False).reshape(shape), made, sizes


def segment_backward(
    g: Any, wanted: Any, data: Any, reduce: str, members: Any, ids: Any, count: int, axis: int, initial: float | None,
    made: Any, sizes: Any,
) -> tuple[Any]:  # fmt: skip
    """The gradient of each member: shared among those that are the extremum, the others' product, or what there is."""
    out = np.zeros((math.prod(data.shape[: axis + 1]), made.shape[1]), made.dtype)
    g = g.reshape(made.shape).astype(made.dtype, copy=False)
    if reduce == "mean":
        g = g / np.maximum(sizes, 1)[:, None].astype(made.dtype)
    if reduce in ("sum", "mean"):
        out[members] = g[ids]
        return (out.astype(data.dtype, copy=False).reshape(data.shape),)
    rows = data.reshape(out.shape)[members].astype(made.dtype, copy=False)
    if reduce == "prod":
        out[members] = g[ids] * others(rows, made, ids, sizes, start_of(reduce, initial))
    else:
        best = (rows == made[ids]) | np.isnan(rows)
        many = np.zeros(made.shape, made.dtype)
        np.add.at(many, ids, best)
        out[members] = np.where(best, (g / np.maximum(many, 1))[ids], 0)
    return (out.astype(data.dtype, copy=False).reshape(data.shape),)


def others(rows: Any, made: Any, ids: Any, sizes: Any, initial: float) -> Any:
    """For each row the product of the others of its segment, multiplied out where dividing would not give it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = made[ids] / rows
    starts = np.cumsum(sizes) - sizes
    for i, j in np.argwhere((rows == 0) | np.isnan(rows)):
        first = starts[ids[i]]
        column = rows[first : first + sizes[ids[i]], j]
        found[i, j] = initial * np.delete(column, i - first).prod()
    return found


@fused(forward=segment_forward, backward=segment_backward, node="SegmentReduceBackward0")
def segments_of(
    data: Tensor, reduce: str, members: Any, ids: Any, count: int, axis: int, initial: float | None
) -> Tensor:
    """Row ``members[i]`` of the data, with the dimensions up to ``axis`` as one, is in segment ``ids[i]``."""
    outer, inner = data.shape[:axis], data.shape[axis + 1 :]
    shape = (*outer, count // max(1, math.prod(outer)), *inner)
    table, is_member = spans(ids, count, np.ones(len(ids), bool))
    kind = record.np_dtype(data)
    begun: Any = wrap(np.full((count, math.prod(inner)), start_of(reduce, initial), kind))
    if table.size:
        flat = reshape(data, (math.prod(data.shape[: axis + 1]), math.prod(inner)))
        picked: Any = index_select(flat, 0, wrap(members[table].reshape(-1)))
        rows: Any = where(wrap(is_member[:, :, None]), reshape(picked, (*table.shape, -1)), NEUTRAL[reduce])
        if reduce == "max":
            made: Any = amax(rows, 1)
            begun = where(begun > made, begun, made)
        elif reduce == "min":
            made = amin(rows, 1)
            begun = where(begun < made, begun, made)
        else:
            begun = begun * prod(rows, 1) if reduce == "prod" else begun + sum_(rows, 1)
    if reduce == "mean":
        sizes = is_member.sum(1)[:, None]
        begun = begun / wrap(np.maximum(sizes, 1).astype(kind))
        if initial is None:
            begun = where(wrap(sizes == 0), math.nan, begun)
    return reshape(begun, shape)


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Tensor:
    """``sum``, ``mean``, ``max``, ``min`` or ``prod`` of the segments of ``data`` along ``axis``.

    ``lengths`` ``(*, segments)`` has their lengths, or ``offsets`` ``(*, segments + 1)`` where they begin and the last
    one ends; ``*`` are the dimensions of ``data`` before ``axis``. An empty segment gives ``initial``, or what is
    neutral (nan for the mean). With ``initial`` the reduction starts there. Lengths must be positive and add up to the
    size of ``data``, unless ``unsafe``, which leaves out rows that are in no segment.

    >>> import rushlight as torch
    >>> torch.segment_reduce(torch.tensor([1.0, 2.0, 3.0]), "sum", lengths=torch.tensor([2, 0, 1]))
    tensor([3., 0., 3.])
    """
    axis = canonical(axis, data.ndim)
    if reduce not in ("sum", "mean", "max", "min", "prod", "amax", "amin"):
        raise RuntimeError(f"unsupported reduction: {reduce!r}; expected 'sum', 'mean', 'max', 'min' or 'prod'")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    given, name = (offsets, "offsets") if offsets is not None else (lengths, "lengths")
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if data.ndim < given.ndim:
        raise RuntimeError(f"Expected data.dim() >= {name}_value.dim(), but got {data.ndim} and {given.ndim}")
    if axis != given.ndim - 1:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}.")
    if tuple(given.shape[:-1]) != tuple(data.shape[:axis]):
        raise RuntimeError(
            f"segment_reduce(): {name} must have the dimensions of data before axis, {list(data.shape[:axis])}, and one "
            f"more, got {list(given.shape)}"
        )
    what = dtypes.LEGACY[data.dtype.name]
    if not data.dtype.is_floating_point:
        raise NotImplementedError(f"\"_segment_reduce_cpu\" not implemented for '{what}'")
    runs: Any = given.detach().numpy()
    if runs.dtype not in (np.int32, np.int64):
        what = dtypes.LEGACY[given.dtype.name]
        raise NotImplementedError(f"\"_segment_reduce_{name}_cpu_kernel1\" not implemented for '{what}'")
    size = data.shape[axis]
    begins, sizes = beginnings(runs, name, size, unsafe)
    members, ids = listed(begins.reshape(-1, begins.shape[-1]), sizes.reshape(-1, sizes.shape[-1]), size)
    return segments_of(data, reduce.removeprefix("a"), members, ids, sizes.size, axis, initial)


def beginnings(runs: Any, name: str, size: int, unsafe: bool) -> tuple[Any, Any]:
    """Where each segment begins, and its length."""
    if name == "offsets":
        begins, sizes = runs[..., :-1], np.diff(runs, axis=-1)
        if (sizes < 0).any():
            raise RuntimeError("Expected segment_length >= 0 to be true, but got false: offsets must not fall")
    else:
        begins, sizes = np.cumsum(runs, -1) - runs, runs
        if not unsafe:
            if not runs.size:
                raise RuntimeError(
                    "min(): Expected reduction dim to be specified for input.numel() == 0. There must be a segment."
                )
            if runs.min() < 0:
                raise RuntimeError("lengths contains negative value!")
            if (runs.sum(-1) != size).any():
                raise RuntimeError(
                    "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) "
                    f"when !unsafe. The size is {size}."
                )
    if sizes.size and ((sizes < 0).any() or begins.min() < 0 or (begins + sizes).max() > size):
        raise RuntimeError(f"segment_reduce(): the segments of {name} reach beyond the {size} rows of data")
    return begins, sizes


def listed(begins: Any, sizes: Any, size: int) -> tuple[Any, Any]:
    """All members, one segment after the other, and the segment of each."""
    flat = sizes.reshape(-1).astype(np.int64)
    ids = np.repeat(np.arange(flat.size), flat)
    first = (begins + size * np.arange(len(begins))[:, None]).reshape(-1)
    return np.arange(len(ids)) - np.repeat(np.cumsum(flat) - flat - first, flat), ids
