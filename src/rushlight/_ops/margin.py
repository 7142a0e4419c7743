"""Losses with a margin: what is right should be better than what is wrong by so much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import record
from .._core.tensor import Tensor
from .compare import clamp_min, minimum, where
from .distance import pairwise_distance
from .elementary import floats_only, sqrt
from .index import gather
from .loss import reduced, reduction_of
from .reduce import sum as sum_
from .samples import composed
from .shape import reshape, unsqueeze


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, -target (input1 - input2) + margin)``: target 1 where ``input1`` should be the larger, else -1.

    >>> import rushlight as torch
    >>> torch.nn.functional.margin_ranking_loss(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([1.0]))
    tensor(2.)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    difference: Any = input1 - input2
    return reduced(clamp_min(-target * difference + float(margin), 0), reduction)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1.

    >>> import rushlight as torch
    >>> torch.nn.functional.hinge_embedding_loss(torch.tensor([0.5, 0.2]), torch.tensor([1.0, -1.0]), reduction="none")
    tensor([0.5000, 0.8000])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if record.np_dtype(input).kind in "biu":  # all of it stays in the dtype of the input
        margin = int(margin)
    apart = where(target != 1, clamp_min(margin - input, 0), 0)
    near = where(target != -1, input, 0)
    return reduced(apart + near, reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``1 - cos`` of the two vectors where the target is 1, ``max(0, cos - margin)`` where it is -1.

    >>> import rushlight as torch
    >>> a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> torch.nn.functional.cosine_embedding_loss(a, b, torch.tensor([1]))
    tensor(1.)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.ndim not in (0, 1):
        raise RuntimeError(
            "0D or 1D target tensor expected, multi-target not supported: the target has shape "
            + str(list(target.shape))
        )
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        kind = "1D" if target.ndim else "0D"
        want = "2D" if target.ndim else "1D"
        raise RuntimeError(
            f"{kind} target tensor expects {want} input tensors, but found inputs with sizes {list(input1.shape)} and "
            f"{list(input2.shape)}."
        )
    dim = target.ndim
    tiny = 1e-12
    product: Any = sum_(input1 * input2, dim)
    size1: Any = sum_(input1 * input1, dim) + tiny
    size2: Any = sum_(input2 * input2, dim) + tiny
    cosine = product / sqrt(size1 * size2)
    right = where(target == 1, 1 - cosine, 0.0)
    wrong = where(target == -1, clamp_min(cosine - margin, 0), 0.0)
    return reduced(right + wrong, reduction)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` of p-norm distances over the last dimension.

    With ``swap`` the distance from ``positive`` to ``negative`` counts if it is the smaller (Balntas et al., 2016).

    >>> import rushlight as torch
    >>> a, b, c = torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[0.0, 0.5]])
    >>> torch.nn.functional.triplet_margin_loss(a, b, c)
    tensor(0.5000)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    return reduced(
        triplet(anchor, positive, negative, margin, swap, lambda a, b: pairwise_distance(a, b, p, eps)), reduction
    )


def triplet(a: Any, b: Any, c: Any, margin: float, swap: bool, distance: Callable[[Any, Any], Any]) -> Any:
    near, far = distance(a, b), distance(a, c)
    if swap:
        far = minimum(far, distance(b, c))
    return clamp_min(margin + near - far, 0)


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Callable[..., Any] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """:func:`triplet_margin_loss` with any distance; :func:`pairwise_distance` if none is given.

    >>> import rushlight as torch
    >>> a, b, c = torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[0.0, 0.5]])
    >>> l1 = lambda x, y: (x - y).abs().sum(-1)
    >>> torch.nn.functional.triplet_margin_with_distance_loss(a, b, c, distance_function=l1)
    tensor(0.5000)
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    return reduced(triplet(anchor, positive, negative, margin, swap, distance), reduction)


# ---- over classes


@composed("MultiMarginLossBackward0", constant=("target", "weight"))
def multi_margin_of(
    input: Tensor, target: Tensor, p: int, margin: float, weight: Tensor | None, reduction: str
) -> Tensor:
    from .create import arange
    from .index import index_select

    classes = input.shape[1]
    at = unsqueeze(target, 1)
    z = clamp_min(margin - gather(input, 1, at) + input, 0)
    if p == 2:
        z = z * z
    if weight is not None:
        z = z * unsqueeze(index_select(weight, 0, target), 1)
    z = where(arange(classes) == at, 0.0, z)
    return reduced(sum_(z, 1) / classes, reduction)


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: Any = None, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over the other classes of ``max(0, margin - x[target] + x[class]) ** p``.

    >>> import rushlight as torch
    >>> torch.nn.functional.multi_margin_loss(torch.tensor([[0.5, 0.0]]), torch.tensor([0]))
    tensor(0.2500)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    if input.ndim > 2 or (input.ndim == 2 and input.shape[1] == 0) or (input.numel() == 0 and input.ndim < 2):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    count = input.shape[0] if input.ndim == 2 else 1
    if target.ndim > 1 or target.numel() != count:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size [{count}], but got {list(target.shape)}. Input has shape {list(input.shape)}."
        )
    classes = input.shape[-1] if input.ndim else 1
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    floats_only("multi_margin_loss_cpu_kernel", input)
    check_long(target)
    array = record.inner_array(target)
    if array is not None and array.size and (array.min() < 0 or array.max() >= classes):
        raise RuntimeError(f"target out of range: classes are 0 to {classes - 1}")
    x = input if input.ndim == 2 else reshape(input, (1, -1))
    made = multi_margin_of(x, reshape(target, (-1,)), p, margin, weight, reduction)
    return reshape(made, ()) if reduction == "none" and target.ndim == 0 else made


def check_long(target: Any) -> None:
    if record.np_dtype(target) != np.int64:
        from .._core import dtypes

        raise RuntimeError(
            f"expected scalar type Long but found {dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(target)).name]}"
        )


@composed("MultilabelMarginLossBackward0", constant=("target",))
def multilabel_margin_of(input: Tensor, target: Tensor, reduction: str) -> Tensor:
    from .create import arange
    from .reduce import any as any_
    from .scan import cumsum

    classes = input.shape[1]
    ended = cumsum((target < 0).long(), 1)
    counted: Any = ended == 0  # the labels before the first negative number
    labels = where(counted, target, 0)
    is_target = any_((unsqueeze(labels, 2) == arange(classes)) & unsqueeze(counted, 2), 1)
    right = gather(input, 1, labels)
    z = clamp_min(1 - unsqueeze(right, 2) + unsqueeze(input, 1), 0)
    z = where(unsqueeze(counted, 2) & ~unsqueeze(is_target, 1), z, 0.0)
    return reduced(sum_(z, (1, 2)) / classes, reduction)


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``max(0, 1 - x[label] + x[other])`` over all labels of a sample and all other classes, over the number of classes.

    The labels of a sample stand in ``target`` up to the first -1.

    >>> import rushlight as torch
    >>> torch.nn.functional.multilabel_margin_loss(torch.tensor([0.5, 0.0]), torch.tensor([0, -1]))
    tensor(0.2500)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input.ndim > 2 or (input.numel() == 0 and (input.ndim < 2 or input.shape[1] == 0)):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    if tuple(target.shape) != tuple(input.shape):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    classes = input.shape[-1] if input.ndim else 1
    array = record.inner_array(target)
    floats_only("multilabel_margin_loss_forward_out_frame", input)
    check_long(target)
    if array is not None and array.size and (array.min() < -1 or array.max() >= classes):
        raise RuntimeError(
            f"argument #2 'target' is out of range: labels are 0 to {classes - 1}, and -1 after the last"
        )
    x = input if input.ndim == 2 else reshape(input, (1, -1))
    made = multilabel_margin_of(x, reshape(target, tuple(x.shape)), reduction)
    return reshape(made, ()) if reduction == "none" and input.ndim < 2 else made
