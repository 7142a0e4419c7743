"""Products of matrices by groups, and a linear map with its cross-entropy in pieces of the batch."""

from __future__ import annotations

import enum
import math
import warnings
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import fused
from .._core.tensor import Tensor
from .._kernels import rows
from .loss import check_classes, cross_entropy, cross_entropy_classes
from .products import bmm, linear, mm, product
from .samples import composed
from .shape import cat, part, reshape, select_at, stack_at, unsqueeze


@composed("GroupedMmBackward0")
def grouped_mm_of(mat_a: Tensor, mat_b: Tensor, ends: Any) -> Tensor:
    if ends is None:
        return bmm(mat_a, mat_b)
    starts = [0, *ends[:-1]]
    pieces = []
    for i, (start, stop) in enumerate(zip(starts, ends, strict=True)):
        a = select_at(mat_a, 0, i) if mat_a.ndim == 3 else part(mat_a, 1 if mat_b.ndim == 2 else 0, start, stop)
        b = select_at(mat_b, 0, i) if mat_b.ndim == 3 else part(mat_b, 0 if mat_a.ndim == 2 else 1, start, stop)
        pieces.append(mm(a, b))
    if mat_a.ndim == mat_b.ndim == 2:
        return stack_at(pieces, 0)
    return cat(pieces, 1 if mat_a.ndim == 3 else 0)


def grouped_mm(
    mat_a: Tensor, mat_b: Tensor, *, offs: Tensor | None = None, bias: Tensor | None = None, out_dtype: Any = None
) -> Tensor:
    """Products of matrices of several groups at once: 3D by 3D as :func:`bmm`; in a 2D one, groups end at ``offs``.

    2D by 3D cuts the rows of ``mat_a``, 3D by 2D the columns of ``mat_b``, 2D by 2D what is summed over (the result is 3D).

    >>> import rushlight as torch
    >>> a, b = torch.ones(3, 2), torch.stack([torch.eye(2), 2 * torch.eye(2)])
    >>> torch.nn.functional.grouped_mm(a, b, offs=torch.tensor([1, 3], dtype=torch.int32))
    tensor([[1., 1.],
            [2., 2.],
            [2., 2.]])
    """
    for name, x in (("mat_a", mat_a), ("mat_b", mat_b)):
        if x.ndim not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
        if record.np_dtype(x) not in (np.float32, np.float16):
            kind = dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(x)).name]
            raise RuntimeError(f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {kind}")
    if record.np_dtype(mat_a) is not record.np_dtype(mat_b):
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {mat_a.dtype} != {mat_b.dtype}")
    if not (mat_a.ndim == mat_b.ndim == 2) and mat_a.shape[-1] != mat_b.shape[-2]:
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    if mat_a.ndim == mat_b.ndim == 2 and mat_a.shape[1] != mat_b.shape[0]:
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    if (offs is None) != (mat_a.ndim == mat_b.ndim == 3):
        raise RuntimeError("Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d")
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype is not None and dtypes.to_numpy_dtype(out_dtype) is not record.np_dtype(mat_a):
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")
    if offs is None:
        if mat_a.shape[0] != mat_b.shape[0]:
            raise RuntimeError("batched dimension has to match")
        return grouped_mm_of(mat_a, mat_b, None)
    if offs.ndim != 1:
        raise RuntimeError("offs has to be 1D")
    if record.np_dtype(offs) != np.int32:
        raise RuntimeError("Offsets have to be int32")
    groups = [x.shape[0] for x in (mat_a, mat_b) if x.ndim == 3]
    if groups and groups[0] != offs.shape[0]:
        raise RuntimeError("matrix batch sizes have to match: as many groups as offsets")
    return grouped_mm_of(mat_a, mat_b, tuple(offs.tolist()))


class ScalingType(enum.IntEnum):
    """How finely :func:`scaled_mm` scales its matrices."""

    TensorWise = 0
    RowWise = 1
    BlockWise1x16 = 2
    BlockWise1x32 = 3
    BlockWise1x128 = 4
    BlockWise128x128 = 5


class SwizzleType(enum.IntEnum):
    """How the scales of :func:`scaled_mm` are arranged."""

    NO_SWIZZLE = 0
    SWIZZLE_32_4_4 = 1


def no_float8(name: str, mat_a: Any) -> RuntimeError:
    return RuntimeError(
        f"{name}: multiplies matrices of 8-bit floating-point numbers, which NumPy and so Rushlight do not have; got "
        f"{mat_a.dtype}. Use torch.mm, or torch.nn.functional.grouped_mm, on float32 matrices."
    )


def scaled_mm(
    mat_a: Tensor, mat_b: Tensor, scale_a: Any, scale_recipe_a: Any, scale_b: Any, scale_recipe_b: Any,
    swizzle_a: Any = None, swizzle_b: Any = None, bias: Tensor | None = None, output_dtype: Any = dtypes.bfloat16,
    contraction_dim: Any = (), use_fast_accum: bool = False,
) -> Tensor:  # fmt: skip
    """A product of scaled matrices of 8-bit floats: raises RuntimeError, as there are no such numbers here.

    >>> import rushlight as torch
    >>> try:
    ...     torch.nn.functional.scaled_mm(torch.eye(2), torch.eye(2), None, None, None, None)
    ... except RuntimeError as error:
    ...     print(str(error)[:9])
    scaled_mm
    """
    raise no_float8("scaled_mm", mat_a)


def scaled_grouped_mm(
    mat_a: Tensor, mat_b: Tensor, scale_a: Any, scale_recipe_a: Any, scale_b: Any, scale_recipe_b: Any,
    swizzle_a: Any = None, swizzle_b: Any = None, bias: Tensor | None = None, offs: Tensor | None = None,
    output_dtype: Any = dtypes.bfloat16, contraction_dim: Any = (), use_fast_accum: bool = False,
) -> Tensor:  # fmt: skip
    """Grouped products of scaled matrices of 8-bit floats: raises RuntimeError, as there are no such numbers here.

    >>> import rushlight as torch
    >>> try:
    ...     torch.nn.functional.scaled_grouped_mm(torch.eye(2), torch.eye(2), None, None, None, None)
    ... except RuntimeError as error:
    ...     print(str(error)[:17])
    scaled_grouped_mm
    """
    raise no_float8("scaled_grouped_mm", mat_a)


# ---- a linear map and its cross-entropy


def pieces_forward(
    x: Any, table: Any, bias: Any, weight: Any, target: Any, reduction: str, ignore_index: int, step: int
) -> tuple[Any, ...]:
    """The losses, a piece of the batch at a time: the logits never exist as a whole."""
    losses = np.empty(len(x), x.dtype)
    for start in range(0, len(x), step):
        here = slice(start, start + step)
        losses[here] = rows.cross_entropy(logits_of(x[here], table, bias), target[here], weight, "none", ignore_index)[
            0
        ]
    if reduction == "none":
        return (losses,)
    total = np.add.reduce(losses)
    if reduction == "mean":
        total = total / divisor(target, weight, ignore_index, x.dtype)
    return (np.asarray(total, x.dtype),)


def logits_of(x: Any, table: Any, bias: Any) -> Any:
    made = product(x, table.T)
    return made if bias is None else made + bias


def divisor(target: Any, weight: Any, ignore_index: int, dtype: Any) -> Any:
    """What the mean divides by: the weights of the classes that count."""
    counted = target != ignore_index
    return dtype.type(np.count_nonzero(counted) if weight is None else weight[target[counted]].sum())


def pieces_backward(
    g: Any, wanted: Any, x: Any, table: Any, bias: Any, weight: Any, target: Any, reduction: str, ignore_index: int,
    step: int,
) -> tuple[Any, ...]:  # fmt: skip
    scale = g / divisor(target, weight, ignore_index, x.dtype) if reduction == "mean" else g
    scale = np.broadcast_to(np.asarray(scale, x.dtype), (len(x),))
    gx = np.empty_like(x) if wanted[0] else None
    gt = np.zeros_like(table) if wanted[1] else None
    gb = np.zeros_like(bias) if wanted[2] else None
    for start in range(0, len(x), step):
        here = slice(start, start + step)
        logits = logits_of(x[here], table, bias)
        _, saved = rows.cross_entropy(logits, target[here], weight, "none", ignore_index)
        lean = rows.cross_entropy_backward(scale[here], logits, target[here], saved, weight, "none", ignore_index)
        if gx is not None:
            gx[here] = product(lean, table)
        if gt is not None:
            gt += product(lean.T, x[here])
        if gb is not None:
            gb += lean.sum(0, dtype=lean.dtype)
    return gx, gt, gb, None


@fused(forward=pieces_forward, backward=pieces_backward, node="LinearCrossEntropyBackward0")
def in_pieces(
    input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None, weight: Tensor | None, target: Any, reduction: str,
    ignore_index: int, step: int,
) -> Tensor:  # fmt: skip
    from .._core.tensor import wrap

    logits = linear(input, linear_weight, linear_bias)
    return cross_entropy_classes(logits, wrap(target), weight, reduction, ignore_index, 0.0)


def piece_size(options: Any, samples: int, features: int, classes: int) -> int:
    """How many samples are computed at a time, by ``LinearCrossEntropyOptions``."""
    method = options.chunking_method
    if method == "auto":
        method = None if options.batch_chunk_size is not None else "aspect_ratio:2"
    if method is None:
        return max(1, min(options.batch_chunk_size or samples, samples))
    factor = int(method.partition(":")[2] or 1)
    target = -(-samples // -(-classes // features))
    size = max(1, min((1 << max(target - 1, 0).bit_length()) // factor, samples))
    if options.batch_chunk_size is not None and options.batch_chunk_size != size:
        raise ValueError(
            f"batch_chunk_size (={options.batch_chunk_size}) and chunking_method ('{method}') give different chunk sizes "
            f"({options.batch_chunk_size} vs {size}); pass only one."
        )
    return size


def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None,
    weight: Tensor | None = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0, options: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`cross_entropy` of ``linear(input, linear_weight, linear_bias)``.

    ``linear_weight`` is (C, in_features), or (C, d1, ..., in_features) for targets (N, d1, ...). With ``options`` (a
    ``LinearCrossEntropyOptions``) class targets are computed a piece of the batch at a time, so that the logits never
    exist as a whole; sums are then made in the inputs' dtype, or in single precision for half.

    >>> import rushlight as torch
    >>> torch.nn.functional.linear_cross_entropy(torch.ones(1, 2), torch.zeros(2, 2), torch.tensor([1]))
    tensor(0.6931)
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    if input.shape[-1] != linear_weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {linear_weight.shape[-1]}, respectively"
        )
    classes, features = linear_weight.shape[0], linear_weight.shape[-1]
    inner = tuple(linear_weight.shape[1:-1])
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *inner):
        raise RuntimeError(f"expected linear_bias shape {(classes, *inner)}, got {tuple(linear_bias.shape)}")
    if inner and input.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {features}), got unbatched input with shape {tuple(input.shape)}"
        )
    shape = (*input.shape[:-1], classes, *inner)
    if tuple(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    if options is not None:
        plain = reduction in ("mean", "sum", "none") and not label_smoothing and not inner
        if plain and record.np_dtype(target) == np.int64 and not target.level:
            x, t = (unsqueeze(input, 0), unsqueeze(target, 0)) if input.ndim == 1 else (input, target)
            check_classes(reshape(x, (x.shape[0], -1)), t, None)
            array = t._array
            bad = array[(array != ignored) & ((array < 0) | (array >= classes))]
            if bad.size:
                raise IndexError(f"Target {bad[0]} is out of bounds.")
            step = piece_size(options, x.shape[0], features, classes)
            made = in_pieces(x, linear_weight, linear_bias, weight, array, reduction, ignored, step)
            return reshape(made, ()) if input.ndim == 1 else made
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, "
            f"label_smoothing == 0, target.dtype == int64, out_features == (). Got reduction={reduction!r}, "
            f"label_smoothing={label_smoothing}, target.dtype={target.dtype}, out_features={inner}.",
            UserWarning,
            stacklevel=2,
        )
    if inner:
        linear_weight = reshape(linear_weight, (math.prod(inner) * classes, features))
        linear_bias = None if linear_bias is None else reshape(linear_bias, (-1,))
    logits = linear(input, linear_weight, linear_bias)
    if inner:
        logits = reshape(logits, shape)
    return cross_entropy(
        logits, target, weight, reduction=reduction, ignore_index=ignored, label_smoothing=label_smoothing
    )
