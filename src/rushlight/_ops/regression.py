"""Losses of predictions of numbers and rates: smooth absolute errors, likelihoods, divergence.

Those of a difference alone share one shape: a kernel for the losses, a kernel for their slope, a composite.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import record
from .._core.declare import fused
from .._core.tensor import Tensor
from .._kernels import elementwise
from .arithmetic import mul, xlogy
from .compare import where
from .complexes import abs as abs_
from .elementary import exp, floats_only, log, log1p, no_float
from .loss import l1_loss, pair, reduced, reduction_of, same_kind
from .outs import C_NAMES
from .reduce import mean
from .reduce import sum as sum_

Kernel = Callable[..., Any]


def total(losses: Any, reduction: str) -> Any:
    """Losses (an array) reduced, in their dtype."""
    if reduction == "none":
        return losses
    whole = np.add.reduce(losses, None)
    if reduction == "mean":
        whole = whole / losses.dtype.type(losses.size) if losses.size else losses.dtype.type(math.nan)
    return np.asarray(whole, losses.dtype)


def shared(g: Any, x: Any, reduction: str) -> Any:
    """The gradient of a loss as that of each element."""
    return g / x.dtype.type(x.size) if reduction == "mean" else g


def of_pair(losses: Kernel, slope: Kernel, node: str, constant: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Declare a loss of ``(input, target, reduction, number)`` by its kernels; the decorated function defines it."""

    def forward(x: Any, target: Any, reduction: str, number: float) -> tuple[Any, ...]:
        return (total(losses(x, target, number), reduction),)

    def backward(g: Any, wanted: Any, x: Any, target: Any, reduction: str, number: float) -> tuple[Any, ...]:
        own, other = slope(x, target, number)
        scale = shared(g, x, reduction)
        gx = np.asarray(own * scale, x.dtype) if wanted[0] else None
        gt = np.asarray(other * scale, x.dtype) if wanted[1] else None
        return gx, gt

    return fused(forward=forward, backward=backward, node=node, constant=constant)


def smooth_losses(x: Any, target: Any, beta: float) -> Any:
    return elementwise.smooth_l1(x, target, beta)


def smooth_slope(x: Any, target: Any, beta: float) -> tuple[Any, Any]:
    s = elementwise.smooth_l1_slope(x, target, beta)
    return s, -s


@of_pair(smooth_losses, smooth_slope, "SmoothL1LossBackward0")
def smooth_l1_of(input: Tensor, target: Tensor, reduction: str, beta: float) -> Tensor:
    d: Any = input - target
    z = abs_(d)
    return reduced(where(z < beta, d * d * (0.5 / beta), z - 0.5 * beta), reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """Errors squared over ``2 beta`` below ``beta``, absolute less ``beta / 2`` above (Girshick, 2015).

    >>> import rushlight as torch
    >>> torch.nn.functional.smooth_l1_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    floats_only("smooth_l1_cpu", input)
    reduction = reduction_of(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    a, b = same_kind(*pair(input, target, "smooth_l1_loss"))
    if beta == 0:
        return l1_loss(a, b, reduction=reduction)
    check_floating(a, "smooth_l1_cpu")
    return smooth_l1_of(a, b, reduction, float(beta))


def check_floating(x: Any, kernel: str) -> None:
    from .elementary import not_implemented

    if record.np_dtype(x).kind != "f":
        raise not_implemented(kernel, record.np_dtype(x))


def huber_losses(x: Any, target: Any, delta: float) -> Any:
    return elementwise.huber(x, target, delta)


def huber_slope(x: Any, target: Any, delta: float) -> tuple[Any, Any]:
    s = np.clip(x - target, x.dtype.type(-delta), x.dtype.type(delta))
    return s, -s


@of_pair(huber_losses, huber_slope, "HuberLossBackward0")
def huber_of(input: Tensor, target: Tensor, reduction: str, delta: float) -> Tensor:
    d: Any = input - target
    z = abs_(d)
    return reduced(where(z < delta, 0.5 * (d * d), delta * (z - 0.5 * delta)), reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Half the squared error below ``delta``, ``delta`` times the absolute error less ``delta / 2`` above (Huber, 1964).

    >>> import rushlight as torch
    >>> torch.nn.functional.huber_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    floats_only("huber_cpu", input)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    reduction = reduction_of(reduction)
    a, b = same_kind(*pair(input, target, "huber_loss"))
    check_floating(a, "huber_cpu")
    if weight is None:
        return huber_of(a, b, reduction, float(delta))
    if tuple(weight.shape) != tuple(input.shape):
        raise ValueError("Weights and input must have the same size.")
    return reduced(huber_of(a, b, "none", float(delta)) * weight, reduction)


def margin_losses(x: Any, target: Any, _: float) -> Any:
    return np.log1p(np.exp(-target * x))


def margin_slope(x: Any, target: Any, _: float) -> tuple[Any, Any]:
    z = np.exp(-target * x)
    s = -z / (z + 1)
    return s * target, s * x


@of_pair(margin_losses, margin_slope, "SoftMarginLossBackward0", ("target",))
def soft_margin_of(input: Tensor, target: Tensor, reduction: str, number: float) -> Tensor:
    return reduced(log1p(exp(-target * input)), reduction)


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``log(1 + exp(-target input))`` for targets 1 and -1.

    >>> import rushlight as torch
    >>> torch.nn.functional.soft_margin_loss(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(0.6931)
    """
    from .shape import broadcast_tensors

    reduction = reduction_of(reduction, size_average, reduce)
    kind = record.np_dtype(input)
    if kind == np.bool_ or record.np_dtype(target) == np.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the "
            "`~` or `logical_not()` operator instead."
        )
    if kind.kind in "iu":
        raise no_float(input)
    a, b = same_kind(*broadcast_tensors(input, target))
    return soft_margin_of(a, b, reduction, 0.0)


def kl_div(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:  # fmt: skip
    """The divergence of Kullback and Leibler: ``target (log target - input)`` for log-probabilities ``input``.

    With ``log_target`` the targets are logarithms too. "batchmean" divides the sum by the number of samples.

    >>> import rushlight as torch
    >>> torch.nn.functional.kl_div(torch.tensor([[-1.0, -1.0]]), torch.tensor([[0.5, 0.5]]), reduction="batchmean")
    tensor(0.3069)
    """
    kinds = record.np_dtype(input).kind + record.np_dtype(target).kind
    if kinds != "ff":
        raise RuntimeError(f"kl_div: {'Complex' if 'c' in kinds else 'Integral'} inputs not supported.")
    if size_average is not None or reduce is not None or reduction != "batchmean":
        if reduction == "mean" and size_average is None and reduce is None:
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
                "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
                "same as 'batchmean' in the next major release.",
                UserWarning,
                stacklevel=2,
            )
        reduction = reduction_of(reduction, size_average, reduce)
        batchmean = False
    else:
        reduction, batchmean = "sum", True
    made = reduced(divergences(input, target, log_target), reduction)
    return made / input.shape[0] if batchmean and input.ndim else made


def divergences(input: Any, target: Any, log_target: bool) -> Any:
    """The losses of :func:`kl_div`, one an element."""
    if log_target:
        return mul(exp(target), target - input)
    return xlogy(target, target) - mul(target, input)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: Any = None,
    eps: float = 1e-8, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The negative log-likelihood of counts ``target`` at rates ``input`` (or their logarithms, with ``log_input``).

    ``full`` adds Stirling's approximation of ``log(target!)`` for targets above 1.

    >>> import rushlight as torch
    >>> torch.nn.functional.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]))
    tensor(1.)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(reduction, size_average, reduce)
    elif reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    losses: Any
    if log_input:
        losses = exp(input) - target * input
    else:
        losses = input - target * log(input + eps)
    if full:
        term = target * log(target) - target + 0.5 * log(2 * math.pi * target)
        losses = losses + where(target <= 1, 0.0, term)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """The negative log-likelihood of ``target`` under normal distributions of mean ``input`` and variance ``var``.

    Variances count as ``eps`` at least, without an effect on the gradient. ``full`` adds the constant.

    >>> import rushlight as torch
    >>> torch.nn.functional.gaussian_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]), torch.tensor([1.0]))
    tensor(2.)
    """
    from .compare import clamp
    from .shape import unsqueeze

    spread: Any = var
    if not isinstance(spread, (float, Tensor)):
        raise TypeError(
            f"any() received an invalid combination of arguments: var is a tensor or a float, not {spread!r}"
        )
    if isinstance(spread, float):
        if spread < 0:
            raise ValueError("var has negative entry/entries")
        from .create import full as filled

        spread = filled(tuple(input.shape), spread, dtype=input.dtype)
    elif bool((spread < 0).any()):
        raise ValueError("var has negative entry/entries")
    have, got = tuple(input.shape), tuple(spread.shape)
    if have != got:
        if have[:-1] == got:
            spread = unsqueeze(spread, -1)
        elif len(have) != len(got) or sum([b for a, b in zip(have, got, strict=True) if a != b]) != 1:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    kind = record.np_dtype(spread)
    if kind.kind in "biu":  # the floor is put into a copy of the variances
        name = C_NAMES.get(kind.name, kind.name)
        raise RuntimeError(f"result type Float can't be cast to the desired output type {name}: var is of {kind}")
    # the floor moves values and leaves gradients: what is added has none
    held = spread.detach()
    floor = clamp(held, min=eps)
    spread = where(held < eps, spread - held + floor, spread)
    errors: Any = input - target
    losses = 0.5 * (log(spread) + errors * errors / spread)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over classes (the last dimension) of the cross-entropy of logits and targets 0 and 1.

    >>> import rushlight as torch
    >>> torch.nn.functional.multilabel_soft_margin_loss(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))
    tensor(0.6931)
    """
    from .activation import logsigmoid

    if size_average is not None or reduce is not None:
        reduction = reduction_of(reduction, size_average, reduce)
    losses: Any = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    losses = sum_(losses, input.ndim - 1) / input.shape[-1]
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum_(losses)
