"""Distances and likeness of vectors: pairwise, all pairs, cosine, and vectors scaled to norm 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import fused
from .._core.tensor import Tensor
from .broadcast import cast_to, expand
from .dims import canonical
from .magnitude import vector_norm_of
from .reduce import sum as sum_
from .shape import broadcast_shapes, broadcast_tensors, reshape, unsqueeze
from .spelling import numpy_names

INF = math.inf


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """``input`` divided by its p-norm along ``dim``, which counts as ``eps`` at least.

    >>> import rushlight as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    from .arithmetic import div
    from .compare import clamp_min
    from .magnitude import norm

    size = clamp_min(norm(input, p, dim, True), eps)
    return div(input, expand(size, tuple(input.shape)), out=out)


@numpy_names
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``; norms count as ``eps`` at least.

    >>> import rushlight as torch
    >>> torch.cosine_similarity(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0]), dim=0)
    tensor(0.7071)
    """
    from .._core.promote import promote_types
    from .compare import clamp_min

    common = promote_types(record.np_dtype(x1), record.np_dtype(x2))
    if common.kind != "f":
        raise RuntimeError("expected common dtype to be floating point, yet common dtype is " + str(x1.dtype)[6:])
    a, b = broadcast_tensors(cast_to(x1, common), cast_to(x2, common))
    canonical(dim, a.ndim)
    first = clamp_min(vector_norm_of(a, 2.0, dim, True), eps)
    second = clamp_min(vector_norm_of(b, 2.0, dim, True), eps)
    return sum_((a / first) * (b / second), dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` over the last dimension.

    >>> import rushlight as torch
    >>> torch.nn.functional.pairwise_distance(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """
    from .magnitude import norm

    n = max(x1.ndim, x2.ndim)
    return norm(x1 - x2 + eps, p, n - 1 if n else None, keepdim)


# ---- all pairs


def of_differences(d: Any, p: float) -> Any:
    """The p-norm of differences (over the last axis), overwritten."""
    if p == 0:
        return np.count_nonzero(d, -1).astype(d.dtype)
    if p == 2:
        return np.sqrt(np.einsum("...i,...i->...", d, d))
    np.abs(d, d)
    if p == 1:
        return d.sum(-1, dtype=d.dtype)
    if p == INF:
        return d.max(-1, initial=0)
    return (d**p).sum(-1, dtype=d.dtype) ** d.dtype.type(1 / p)


def slopes(d: Any, distance: Any, g: Any, p: float) -> Any:
    """The gradient towards differences ``d`` (..., M) with norms ``distance`` (..., 1); 0 where that is 0."""
    kind = d.dtype.type
    if p == 0:
        return np.zeros_like(d)
    if p == 1:
        return np.sign(d) * g
    flat = distance == 0
    safe = np.where(flat, kind(1), distance)
    if p == 2:
        return np.where(flat, 0, d * (g / safe)).astype(d.dtype, copy=False)
    if p == INF:
        return np.sign(d) * (np.abs(d) == distance) * g
    size = np.abs(d)
    if p < 1:
        power = np.where(size == 0, 0, np.where(size == 0, 1, size) ** kind(p - 1))
    else:
        power = size ** kind(p - 1)
    return np.where(flat, 0, np.sign(d) * power * (g / safe ** kind(p - 1))).astype(d.dtype, copy=False)


ROWS = 1 << 20  # differences computed at once


def blocks(rows: int, each: int) -> list[slice]:
    step = max(1, ROWS // max(each, 1))
    return [slice(i, i + step) for i in range(0, rows, step)]


def cdist_forward(x1: Any, x2: Any, p: float, products: bool) -> tuple[Any, ...]:
    out = np.empty((*x1.shape[:-1], x2.shape[-2]), x1.dtype)
    if products:
        squares1 = np.einsum("...i,...i->...", x1, x1)[..., :, None]
        squares2 = np.einsum("...i,...i->...", x2, x2)[..., None, :]
        np.matmul(x1, x2.swapaxes(-1, -2), out)
        out *= -2
        out += squares1
        out += squares2
        np.maximum(out, 0, out)
        return (np.sqrt(out, out),)
    for part in blocks(x1.shape[-2], math.prod(x1.shape[:-2]) * x2.shape[-2] * x1.shape[-1]):
        out[..., part, :] = of_differences(x1[..., part, None, :] - x2[..., None, :, :], p)
    return (out,)


def cdist_backward(g: Any, wanted: Any, x1: Any, x2: Any, p: float, products: bool) -> tuple[Any, ...]:
    distance = cdist_forward(x1, x2, p, products)[0]
    if p == 2:
        ratio = np.divide(g, distance, out=np.zeros_like(distance), where=distance != 0)
        turned = ratio.swapaxes(-1, -2)
        g1 = x1 * ratio.sum(-1, keepdims=True) - np.matmul(ratio, x2) if wanted[0] else None
        g2 = x2 * turned.sum(-1, keepdims=True) - np.matmul(turned, x1) if wanted[1] else None
        return g1, g2
    g1, g2 = np.zeros_like(x1), np.zeros_like(x2)
    for part in blocks(x1.shape[-2], math.prod(x1.shape[:-2]) * x2.shape[-2] * x1.shape[-1]):
        d = x1[..., part, None, :] - x2[..., None, :, :]
        lean = slopes(d, distance[..., part, :, None], g[..., part, :, None], p)
        g1[..., part, :] = lean.sum(-2)
        g2 -= lean.sum(-3)
    return g1, g2


def cdist_definition(x1: Any, x2: Any, p: float) -> Any:
    return vector_norm_of(unsqueeze(x1, -2) - unsqueeze(x2, -3), p, -1, False)


@fused(forward=cdist_forward, backward=cdist_backward, node="CdistBackward0")
def cdist_of(x1: Tensor, x2: Tensor, p: float, products: bool) -> Tensor:
    return cdist_definition(x1, x2, p)


@fused(forward=cdist_forward, backward=cdist_backward, node="EuclideanDistBackward0")
def euclidean_dist(x1: Tensor, x2: Tensor, p: float, products: bool) -> Tensor:
    return cdist_definition(x1, x2, p)


MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The p-norm distances of all pairs of rows: (..., P, M) and (..., R, M) give (..., P, R).

    More than 25 rows on either side with ``p=2`` go through a matrix product (less exact) unless ``compute_mode`` says
    "donot_use_mm_for_euclid_dist".

    >>> import rushlight as torch
    >>> torch.cdist(torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.tensor([[0.0, 4.0]]))
    tensor([[4.],
            [5.]])
    """
    for i, x in enumerate((x1, x2), 1):
        if record.np_dtype(x).kind != "f":
            raise RuntimeError(f"cdist only supports floating-point dtypes, X{i} got: {x.dtype}")
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, X{i} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if compute_mode is not None and compute_mode not in MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    if record.np_dtype(x1) is not record.np_dtype(x2):
        kinds = [dtypes.LEGACY[x.dtype.name] for x in (x1, x2)]
        raise RuntimeError(f"expected scalar type {kinds[0]} but found {kinds[1]}: both sides must be of one dtype")
    batch = tuple(broadcast_shapes(tuple(x1.shape[:-2]), tuple(x2.shape[:-2])))
    a = expand(x1, (*batch, *x1.shape[-2:])) if tuple(x1.shape[:-2]) != batch else x1
    b = expand(x2, (*batch, *x2.shape[-2:])) if tuple(x2.shape[:-2]) != batch else x2
    many = x1.shape[-2] > 25 or x2.shape[-2] > 25
    products = p == 2 and x1.shape[-1] > 0 and (
        compute_mode == MODES[1] or (many and compute_mode in (None, MODES[0]))
    )  # fmt: skip
    return (euclidean_dist if products else cdist_of)(a, b, float(p), products)


def pdist_forward(x: Any, p: float) -> tuple[Any, ...]:
    i, j = np.triu_indices(x.shape[0], 1)
    return (of_differences(x[i] - x[j], p),)


def pdist_backward(g: Any, wanted: Any, x: Any, p: float) -> tuple[Any, ...]:
    i, j = np.triu_indices(x.shape[0], 1)
    d = x[i] - x[j]
    lean = slopes(d, of_differences(d.copy(), p)[:, None], g[:, None], p)
    from .._kernels.scatter import index_add

    out = np.zeros_like(x)
    index_add(out, 0, i, lean)
    index_add(out, 0, j, -lean)
    return (out,)


@fused(forward=pdist_forward, backward=pdist_backward, node="PdistBackward0")
def pdist_of(input: Tensor, p: float) -> Tensor:
    from .create import from_numpy
    from .index import index_select

    i, j = np.triu_indices(input.shape[0], 1)
    difference: Any = index_select(input, 0, from_numpy(i)) - index_select(input, 0, from_numpy(j))
    return vector_norm_of(difference, p, -1, False)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The p-norm distances of all pairs of rows of ``input`` (N, M), each pair once: N (N - 1) / 2 of them.

    >>> import rushlight as torch
    >>> torch.pdist(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if record.np_dtype(input).kind != "f":
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    return pdist_of(input, float(p))


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input1`` (..., I) and ``input2`` (..., J) through the form ``weight`` (O, I, J): (..., O), plus ``bias`` (O).

    >>> import rushlight as torch
    >>> torch.bilinear(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0]]), torch.ones(1, 2, 1))
    tensor([[9.]])
    """
    from .products import mm

    if input1.ndim != input2.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}")
    for d in range(input1.ndim - 1):
        if input1.shape[d] != input2.shape[d]:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {d}: got {input1.shape[d]} and {input2.shape[d]}"
            )
    for i, (x, n) in enumerate(zip((input1, input2), weight.shape[1:], strict=True), 1):
        if x.shape[-1] != n:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but expected {n}"
            )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {list(bias.shape)} but expected {weight.shape[0]}"
        )
    outs, width, other = weight.shape
    lead = tuple(input1.shape[:-1])
    left = reshape(input1, (-1, width)) if input1.ndim != 2 else input1
    right = reshape(input2, (-1, 1, other))
    table = reshape(weight.permute((1, 0, 2)), (width, outs * other))
    forms = reshape(mm(left, table), (-1, outs, other))
    made: Any = cast_to(sum_(forms * right, 2), record.np_dtype(input1))
    made = reshape(made, (*lead, outs)) if len(lead) != 1 else made
    return made if bias is None else made + bias
