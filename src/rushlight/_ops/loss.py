"""Losses: what is minimised. Those over classes have kernels; the others are composed of arithmetic."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np

from .._core import record
from .._core.declare import fused
from .._core.tensor import Tensor
from .._kernels import rows
from .._kernels.elementary import log1p
from .._kernels.elementwise import logsigmoid, sigmoid
from .._kernels.sums import squares
from .broadcast import cast_to
from .elementary import floats_only
from .fill import watched
from .reduce import mean
from .reduce import sum as sum_
from .shape import broadcast_tensors, movedim, reshape, unsqueeze

Array = np.ndarray

# ---- reductions


def reduction_of(reduction: str, size_average: Any = None, reduce: Any = None) -> str:
    """The reduction, also from PyTorch's two deprecated flags."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            UserWarning,
            stacklevel=3,
        )
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(losses: Any, reduction: str) -> Any:
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum_(losses)


# ---- over classes

SMALL = 4096  # elements up to which the steps of a kernel cost more than its passes over memory


@cache
def row_numbers(n: int) -> Array:
    return np.arange(n)


def class_axis_last(x: Any) -> Any:
    return movedim(x, 1, -1) if x.ndim > 2 else x


def nll_forward(x: Any, target: Any, weight: Any, reduction: str, ignore_index: int) -> tuple[Any, ...]:
    axis = 1 if x.ndim > 1 else 0
    if x.ndim == 2 and weight is None and ignore_index < 0 and x.size and target.dtype.char == "l":
        if np.minimum.reduce(target) >= 0:  # the plain case: all classes count, and alike
            try:
                losses = -x[row_numbers(len(x)), target]
            except IndexError:
                raise IndexError(f"Target {target.max()} is out of bounds.") from None
            if reduction != "none":
                losses = np.add.reduce(losses)
                if reduction == "mean":
                    losses = losses / x.dtype.type(len(x))
            return losses, None, target, x.dtype.type(len(x))
    classes = target.astype(np.int64, copy=False)
    counted = classes != ignore_index
    safe = np.where(counted, classes, 0)
    if safe.size and (safe.min() < 0 or safe.max() >= x.shape[axis]):
        bad = safe.min() if safe.min() < 0 else safe.max()
        raise IndexError(f"Target {bad} is out of bounds.")
    picked = -np.take_along_axis(x, np.expand_dims(safe, axis), axis).squeeze(axis)
    w = counted.astype(x.dtype) if weight is None else np.where(counted, weight[safe], 0).astype(x.dtype)
    losses = np.where(counted, picked * w, 0).astype(x.dtype)
    total = w.sum()
    if reduction == "none":
        return losses, w, safe, total
    value = losses.sum()
    return (value if reduction == "sum" else np.asarray(value / total, x.dtype)), w, safe, total


def nll_backward(
    g: Any,
    wanted: Any,
    x: Any,
    target: Any,
    weight: Any,
    reduction: str,
    ignore_index: int,
    w: Any,
    safe: Any,
    total: Any,
) -> tuple[Any, ...]:
    axis = 1 if x.ndim > 1 else 0
    if w is None:
        out = np.zeros(x.shape, x.dtype)
        out[row_numbers(len(x)), safe] = -(g / total if reduction == "mean" else g)
        return out, None, None
    scale = -(g * w) if reduction != "mean" else -(g * w) / total
    out = np.zeros(x.shape, x.dtype)
    np.put_along_axis(out, np.expand_dims(safe, axis), np.expand_dims(np.asarray(scale, x.dtype), axis), axis)
    return out, None, None


@fused(forward=nll_forward, backward=nll_backward, node="NllLossBackward0", constant=("target", "weight"))
def nll_of(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int) -> Tensor:
    from .compare import ne, where
    from .index import gather, index_select

    axis = 1 if input.ndim > 1 else 0
    counted = ne(target, ignore_index)
    safe = where(counted, target, target * 0)
    picked = -reshape(gather(watched(input), axis, unsqueeze(safe, axis)), tuple(target.shape))
    w = cast_to(counted, record.np_dtype(input))
    if weight is not None:
        w = w * reshape(index_select(weight, 0, reshape(safe, (-1,))), tuple(target.shape))
    losses = where(counted, picked * w, picked * 0)
    if reduction == "none":
        return losses
    return sum_(losses) if reduction == "sum" else sum_(losses) / sum_(w)


def check_classes(input: Any, target: Any, weight: Any) -> None:
    if record.np_dtype(target) not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {_kind(target)}")
    if input.ndim == 0 or (input.ndim == 1 and target.ndim > 1):
        raise ValueError(f"Expected 1 or more dimensions (got {input.ndim})")
    if input.ndim > 1 and input.shape[0] != target.shape[0] if target.ndim else input.ndim > 1:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size "
            f"({target.shape[0] if target.ndim else 1})."
        )
    expected = (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()
    if tuple(target.shape) != expected and not (input.ndim == 1 and target.numel() == 1):
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )


def _kind(x: Any) -> str:
    from .._core import dtypes

    return dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(x)).name]


# Slower than PyTorch: few elements are read; what remains is the checks and the calls of NumPy.
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The negative of the log-probability (dimension 1 of ``input``) of each target class; the mean is weighted.

    >>> import rushlight as torch
    >>> torch.nn.functional.nll_loss(torch.tensor([[-1.0, -2.0]]), torch.tensor([1]))
    tensor(2.)
    """
    floats_only("nll_loss_out_frame", input)
    reduction = reduction_of(reduction, size_average, reduce)
    check_classes(input, target, weight)
    if input.ndim == 1 and target.ndim == 1:
        made = nll_of(input, reshape(target, ()), weight, reduction, ignore_index)
        return reshape(made, (1,)) if reduction == "none" else made
    return nll_of(input, target, weight, reduction, ignore_index)


def small_entropy(x: Any, target: Any, reduction: str, ignore_index: int) -> Any:
    """The few steps of the plain case; the probabilities are kept. None if some class does not count."""
    if target.dtype.char != "l" or np.minimum.reduce(target) < 0 or ignore_index >= 0:
        return None
    p = x - np.maximum.reduce(x, 1, None, None, True)
    try:
        picked = p[row_numbers(len(p)), target]
    except IndexError:
        raise IndexError(f"Target {target.max()} is out of bounds.") from None
    np.exp(p, p)
    total = np.add.reduce(p, 1, None, None, True)
    losses = np.log(total[:, 0])
    losses -= picked
    p /= total
    if reduction != "none":
        losses = np.add.reduce(losses)
        if reduction == "mean":
            losses = losses / x.dtype.type(len(x))
    return losses, p, None


def entropy_forward(
    x: Any, target: Any, weight: Any, reduction: str, ignore_index: int, label_smoothing: float
) -> tuple[Any, ...]:
    if x.size <= SMALL and x.ndim == 2 and weight is None and not label_smoothing and x.dtype.char in "fd" and x.size:
        made = small_entropy(x, target, reduction, ignore_index)
        if made is not None:
            return made
    result, saved = rows.cross_entropy(x, target, weight, reduction, ignore_index, label_smoothing)
    return result, saved[0], saved[1]


def entropy_backward(
    g: Any, wanted: Any, x: Any, target: Any, weight: Any, reduction: str, ignore_index: int, label_smoothing: float,
    largest: Any, logs: Any,
) -> tuple[Any, ...]:  # fmt: skip
    if logs is None:  # what was saved are the probabilities
        scale = g / x.dtype.type(len(x)) if reduction == "mean" else g
        gx = largest * (scale[:, None] if scale.ndim else scale)
        gx[row_numbers(len(x)), target] -= scale
        return gx, None, None
    gx = rows.cross_entropy_backward(g, x, target, (largest, logs), weight, reduction, ignore_index, label_smoothing)
    return gx, None, None


@fused(forward=entropy_forward, backward=entropy_backward, node="NllLossBackward0", constant=("target", "weight"))
def cross_entropy_classes(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int, label_smoothing: float
) -> Tensor:
    from .compare import ne, where
    from .softmax import log_softmax_along

    axis = 1 if input.ndim > 1 else 0
    logp = log_softmax_along(input, axis)
    plain = nll_of(logp, target, weight, reduction, ignore_index)
    if not label_smoothing:
        return plain
    counted = ne(target, ignore_index)
    shape = tuple([-1 if d == axis else 1 for d in range(input.ndim)])
    weighted = logp if weight is None else logp * reshape(weight, shape)
    smooth = -sum_(weighted, axis)
    smooth = where(counted, smooth, smooth * 0)
    if reduction == "sum":
        smooth = sum_(smooth)
    elif reduction == "mean":
        if weight is None:
            total: Any = sum_(cast_to(counted, record.np_dtype(input)))
        else:
            ones = nll_of(logp * 0 - 1, target, weight, "sum", ignore_index)
            total = ones
        smooth = sum_(smooth) / total
    return plain * (1 - label_smoothing) + smooth * (label_smoothing / input.shape[axis])


def soft_forward(x: Any, target: Any, weight: Any, reduction: str, label_smoothing: float) -> tuple[Any, ...]:
    made, saved = rows.cross_entropy_probabilities(x, target, weight, reduction, label_smoothing)
    return made, saved[0], saved[1]


def soft_backward(
    g: Any,
    wanted: Any,
    x: Any,
    target: Any,
    weight: Any,
    reduction: str,
    label_smoothing: float,
    largest: Any,
    logs: Any,
) -> tuple[Any, ...]:
    gx, gt = rows.cross_entropy_probabilities_backward(
        g, x, target, (largest, logs), weight, reduction, label_smoothing, wanted[1]
    )
    return gx, gt, None


@fused(forward=soft_forward, backward=soft_backward, node="DivBackward1")
def cross_entropy_soft(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    from .softmax import log_softmax_along

    axis = 1 if input.ndim > 1 else 0
    classes = input.shape[axis]
    q = target * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else target
    weighted = log_softmax_along(input, axis) * q
    if weight is not None:
        weighted = weighted * reshape(weight, tuple([-1 if d == axis else 1 for d in range(input.ndim)]))
    losses = -sum_(weighted, axis)
    if reduction == "none":
        return losses
    total = sum_(losses)
    return total if reduction == "sum" else total / (input.numel() / classes)


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """The cross-entropy of logits ``input`` (N, C, ...) and target classes (N, ...) or class probabilities (N, C, ...).

    >>> import rushlight as torch
    >>> torch.nn.functional.cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.6931)
    """
    kind = record.np_dtype(target)
    if tuple(input.shape) == tuple(target.shape) and input.ndim and kind.kind in "biuc":
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {_kind(target)}")
    floats_only("log_softmax_lastdim_kernel_impl", input)
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if tuple(input.shape) == tuple(target.shape) and record.np_dtype(target).kind == "f":
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return cross_entropy_soft(input, target, weight, reduction, label_smoothing)
    check_classes(input, target, weight)
    if input.ndim == 1 and target.ndim == 1:
        made = cross_entropy_classes(input, reshape(target, ()), weight, reduction, ignore_index, label_smoothing)
        return reshape(made, (1,)) if reduction == "none" else made
    return cross_entropy_classes(input, target, weight, reduction, ignore_index, label_smoothing)


# ---- of two tensors


def pair(input: Any, target: Any, name: str) -> tuple[Any, Any]:
    """The two sides broadcast together, with PyTorch's warning if they differ in shape."""
    if tuple(input.shape) == tuple(target.shape):
        return input, target
    warnings.warn(
        f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely "
        "lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        UserWarning,
        stacklevel=3,
    )
    a, b = broadcast_tensors(input, target)
    return a, b


def mse_forward(x: Any, target: Any, reduction: str) -> tuple[Any, ...]:
    difference = x - target
    if reduction == "none":
        return difference * difference, difference
    flat = difference.reshape(-1)
    total = (
        np.dot(flat, flat)
        if flat.size <= 65536 and flat.dtype.kind == "f" and flat.itemsize > 2
        else squares(flat, None, False)
    )
    if reduction == "mean":
        total = np.asarray(total / np.asarray(flat.size, difference.dtype))
    return np.asarray(total, difference.dtype), difference


def mse_backward(g: Any, wanted: Any, x: Any, target: Any, reduction: str, difference: Any) -> tuple[Any, ...]:
    factor = 2 * g / difference.size if reduction == "mean" else 2 * g
    gx = difference * np.asarray(factor, difference.dtype)
    return gx, -gx if wanted[1] else None


@fused(forward=mse_forward, backward=mse_backward, node="MseLossBackward0")
def mse_of(input: Tensor, target: Tensor, reduction: str) -> Tensor:
    difference = input - target
    return reduced(difference * difference, reduction)


def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The squares of the differences; their mean unless ``reduction`` says "sum" or "none".

    >>> import rushlight as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
    tensor(5.)
    """
    floats_only("mse_cpu", input)
    reduction = reduction_of(reduction, size_average, reduce)
    a, b = pair(input, target, "mse_loss")
    a, b = same_kind(a, b)
    if weight is not None:
        if tuple(weight.shape) != tuple(a.shape):
            raise ValueError("Weights and input must have the same size.")
        losses = mse_of(a, b, "none") * weight
        if reduction == "none":
            return losses
        return sum_(losses) if reduction == "sum" else sum_(losses) / sum_(weight)
    return mse_of(a, b, reduction)


def same_kind(a: Any, b: Any) -> tuple[Any, Any]:
    from .._core.promote import promote_types

    x, y = record.np_dtype(a), record.np_dtype(b)
    if x is y:
        return a, b
    common = promote_types(x, y)
    return cast_to(a, common), cast_to(b, common)


def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The absolute values of the differences; their mean unless ``reduction`` says "sum" or "none".

    >>> import rushlight as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
    tensor(2.)
    """
    from .complexes import abs as abs_

    reduction = reduction_of(reduction, size_average, reduce)
    a, b = pair(input, target, "l1_loss")
    losses: Any = abs_(a - b)
    if weight is not None:
        losses = losses * weight
        if reduction == "mean":
            return sum_(losses) / sum_(weight)
    return reduced(losses, reduction)


def bce_forward(x: Any, target: Any, weight: Any, reduction: str) -> tuple[Any, ...]:
    if x.size and (x.min() < 0 or x.max() > 1):
        raise RuntimeError("all elements of input should be between 0 and 1")
    with_log = np.maximum(np.log(x), -100), np.maximum(log1p(-x), -100)
    losses = (target - 1) * with_log[1] - target * with_log[0]
    if weight is not None:
        losses = losses * weight
    losses = losses.astype(x.dtype, copy=False)
    if reduction == "none":
        return (losses,)
    total = np.add.reduce(losses, None)
    return (np.asarray(total if reduction == "sum" else total / x.dtype.type(losses.size), x.dtype),)


def bce_backward(g: Any, wanted: Any, x: Any, target: Any, weight: Any, reduction: str) -> tuple[Any, ...]:
    scale = g if weight is None else g * weight
    if reduction == "mean":
        scale = scale / x.dtype.type(x.size)
    gx = scale * (x - target) / np.maximum((1 - x) * x, x.dtype.type(1e-12))
    gt = scale * (log1p(-x) - np.log(x)) if wanted[1] else None
    return np.asarray(gx, x.dtype), gt, None


@fused(forward=bce_forward, backward=bce_backward, node="BinaryCrossEntropyBackward0", constant=("weight",))
def bce_of(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    from .compare import clamp
    from .elementary import log, log1p

    losses = (target - 1) * clamp(log1p(-input), min=-100) - target * clamp(log(input), min=-100)
    if weight is not None:
        losses = losses * weight
    return reduced(losses, reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The cross-entropy of probabilities ``input`` and ``target`` in [0, 1]; logarithms are kept above -100.

    >>> import rushlight as torch
    >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([1.0]))
    tensor(0.6931)
    """
    floats_only("binary_cross_entropy", input)
    reduction = reduction_of(reduction, size_average, reduce)
    if tuple(target.shape) != tuple(input.shape):
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    if record.np_dtype(input) is not record.np_dtype(target):
        raise RuntimeError(f"Found dtype {_kind(target)} but expected {_kind(input)}")
    return bce_of(input, target, weight, reduction)


def logits_forward(x: Any, target: Any, weight: Any, pos_weight: Any, reduction: str) -> tuple[Any, ...]:
    kind = x.dtype.type
    z = logsigmoid(x)
    losses = (1 - target) * x - (z if pos_weight is None else (1 + (pos_weight - 1) * target) * z)
    if weight is not None:
        losses = losses * weight
    losses = losses.astype(x.dtype, copy=False)
    if reduction == "none":
        return (losses,)
    total = np.add.reduce(losses, None)
    if reduction == "mean":
        total = total / kind(losses.size) if losses.size else kind(np.nan)
    return (np.asarray(total, x.dtype),)


def logits_backward(
    g: Any, wanted: Any, x: Any, target: Any, weight: Any, pos_weight: Any, reduction: str
) -> tuple[Any, ...]:
    kind = x.dtype.type
    scale = g / kind(x.size) if reduction == "mean" else g
    if weight is not None:
        scale = scale * weight
    gx = gt = None
    if wanted[0]:
        s = sigmoid(x)
        if pos_weight is None:
            gx = (s - target) * scale
        else:
            t = pos_weight * target
            gx = ((t + 1 - target) * s - t) * scale
    if wanted[1]:
        if pos_weight is None:
            gt = -x * scale
        else:
            gt = ((1 - pos_weight) * logsigmoid(x) - x) * scale
    return gx, gt, None, None


@fused(
    forward=logits_forward,
    backward=logits_backward,
    node="BinaryCrossEntropyWithLogitsBackward0",
    constant=("weight", "pos_weight"),
)
def logits_of(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: str
) -> Tensor:
    from .activation import logsigmoid

    if pos_weight is None:
        losses: Any = (1 - target) * input - logsigmoid(input)
    else:
        losses = (1 - target) * input - (1 + (pos_weight - 1) * target) * logsigmoid(input)
    if weight is not None:
        losses = losses * weight
    return reduced(losses, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The cross-entropy of logits ``input`` and ``target`` in [0, 1], without overflow.

    >>> import rushlight as torch
    >>> torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if tuple(target.shape) != tuple(input.shape):
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    floats_only("log_sigmoid_cpu", input, "iufc")
    kinds = {record.np_dtype(x) for x in (input, target, weight, pos_weight) if x is not None}
    if len(kinds) > 1 or min(kinds).kind != "f":
        return logits_of.op.composite(input, target, weight, pos_weight, reduction)
    return logits_of(input, target, weight, pos_weight, reduction)
