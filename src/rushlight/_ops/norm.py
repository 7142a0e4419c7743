"""Normalisations: each a composite that is its definition, with kernels for plain arrays at first order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import levels, memory, record
from .._core.callsite import here
from .._core.declare import fused
from .._core.mode import RECORD, switched
from .._core.tensor import Size, Tensor, wrap
from .._kernels import rows
from .._kernels.formats import keeping_format
from .elementary import floats_only
from .reduce import mean
from .shape import contiguous, reshape

SMALL = 4096  # elements up to which the steps of a kernel cost more than its passes over memory

# ---- over the last dimensions


def layer_norm_forward(x: Any, n: int, weight: Any, bias: Any, eps: float) -> tuple[Any, ...]:
    if not x.flags.c_contiguous:  # as in PyTorch, the result lies in the order of its elements
        x = np.ascontiguousarray(x)
    if x.size <= SMALL and x.dtype.char in "fd" and x.size and x.shape[-1] == n:  # the few steps of the plain case
        means = np.add.reduce(x, -1, None, None, True)
        means *= x.dtype.type(1 / n)
        y = x - means
        rstds = np.add.reduce(y * y, -1, None, None, True)
        rstds *= x.dtype.type(1 / n)
        rstds += x.dtype.type(eps)
        np.sqrt(rstds, rstds)
        np.divide(1, rstds, rstds)
        y *= rstds
        if weight is not None:
            y *= weight
        if bias is not None:
            y += bias
        return y, means.reshape(-1, 1), rstds.reshape(-1, 1)
    w, b = (None if w is None else w.reshape(-1) for w in (weight, bias))
    return rows.layer_norm(x, n, w, b, eps)


def layer_norm_backward(
    g: Any, wanted: Any, x: Any, n: int, weight: Any, bias: Any, eps: float, means: Any, rstds: Any
) -> tuple[Any, ...]:
    flat = None if weight is None else weight.reshape(-1)
    sums = wanted[1] or wanted[2]
    gx, gw, gb = rows.layer_norm_backward(g, x, n, flat, means, rstds, sums)
    return (
        gx,
        gw.reshape(weight.shape) if gw is not None and weight is not None else None,
        gb.reshape(bias.shape) if gb is not None and bias is not None else None,
    )


@fused(forward=layer_norm_forward, backward=layer_norm_backward, node="NativeLayerNormBackward0")
def layer_norm_rows(input: Tensor, n: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    dims = trailing(input, n)
    centred = input - mean(input, dims, True)
    rstd = (mean(centred * centred, dims, True) + eps) ** -0.5
    return scaled_and_shifted(centred * rstd, weight, bias)


def trailing(x: Any, n: int) -> tuple[int, ...]:
    """The last dimensions of ``x`` that together have ``n`` elements."""
    dims: list[int] = []
    size = 1
    for d in range(x.ndim - 1, -1, -1):
        if size == n and dims:
            break
        size *= x.shape[d]
        dims.append(d)
    return tuple(dims[::-1])


def scaled_and_shifted(x: Any, weight: Any, bias: Any) -> Any:
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def check_normalized(input: Any, normalized_shape: Sequence[int], weight: Any, bias: Any) -> int:
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            f"Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            f"normalized_shape = {list(shape)}"
        )
    for name, w in (("weight", weight), ("bias", bias)):
        if w is not None and tuple(w.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(w.shape)} and "
                f"normalized_shape = {list(shape)}"
            )
    if tuple(input.shape[-len(shape) :]) != shape or input.ndim < len(shape):
        expected = "*" + "".join(f", {n}" for n in shape)
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [{expected}], but got input of size"
            f"{list(input.shape)}"
        )
    n = 1
    for size in shape:
        n *= size
    return n


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The last dimensions (of shape ``normalized_shape``) at mean 0 and variance 1, times ``weight``, plus ``bias``.

    >>> import rushlight as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([1.0, 3.0]), (2,))
    tensor([-1.0000,  1.0000])
    """
    floats_only("LayerNormKernelImpl", input)
    n = check_normalized(input, normalized_shape, weight, bias)
    return layer_norm_rows(input, n, weight, bias, eps)


def rms_forward(x: Any, n: int, weight: Any, eps: float) -> tuple[Any, ...]:
    return rows.rms_norm(x, n, None if weight is None else weight.reshape(-1), eps)


def rms_backward(g: Any, wanted: Any, x: Any, n: int, weight: Any, eps: float, rstds: Any) -> tuple[Any, ...]:
    gx, gw = rows.rms_norm_backward(g, x, n, None if weight is None else weight.reshape(-1), rstds, wanted[1])
    return gx, gw.reshape(weight.shape) if gw is not None and weight is not None else None


@fused(forward=rms_forward, backward=rms_backward, node="FusedRmsNormBackward0")
def rms_norm_rows(input: Tensor, n: int, weight: Tensor | None, eps: float) -> Tensor:
    x = input * (mean(input * input, trailing(input, n), True) + eps) ** -0.5
    return scaled_and_shifted(x, weight, None)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """The last dimensions divided by the root of their mean square, times ``weight``.

    >>> import rushlight as torch
    >>> torch.nn.functional.rms_norm(torch.tensor([3.0, 3.0]), (2,))
    tensor([1., 1.])
    """
    floats_only("rms_norm", input, "fc")
    n = check_normalized(input, normalized_shape, weight, None)
    if eps is None:
        eps = float(np.finfo(record.np_dtype(input)).eps)
    return rms_norm_rows(input, n, weight, eps)


# ---- over the batch


@keeping_format
def batch_forward(x: Any, weight: Any, bias: Any, m: Any, v: Any, eps: float) -> tuple[Any, ...]:
    rstd = 1 / np.sqrt(v + eps)
    if not is_small(x):
        return rows.batch_norm(x, m, rstd, weight, bias), rstd
    y = np.subtract(x, channels(m, x), order="C")
    y *= channels(rstd if weight is None else rstd * weight, x)
    if bias is not None:
        y += channels(bias, x)
    return y, rstd


def is_small(x: Any) -> bool:
    return bool(x.size <= SMALL and x.dtype.char in "fd")


def channels(v: Any, x: Any) -> Any:
    """A number for each channel, in the dtype of ``x`` and lined up with it."""
    return v.astype(x.dtype, copy=False).reshape(-1, *(1,) * (x.ndim - 2))


def batch_moments(x: Any) -> tuple[Any, Any]:
    """Mean and variance of each channel."""
    if not is_small(x) or not x.size:
        return rows.batch_norm_moments(x)
    axes, count = (0, *range(2, x.ndim)), x.size // x.shape[1]
    m = np.add.reduce(x, axes, np.float64) / count
    d = x - m.reshape(-1, *(1,) * (x.ndim - 2))
    return m, np.add.reduce(d * d, axes) / count


def batch_backward(
    g: Any, wanted: Any, x: Any, weight: Any, bias: Any, m: Any, v: Any, eps: float, rstd: Any
) -> tuple[Any, ...]:
    if not is_small(x):
        return rows.batch_norm_backward(g, x, m, rstd, weight, True)
    axes, count = (0, *range(2, x.ndim)), x.dtype.type(x.size // x.shape[1])
    normal = (x - channels(m, x)) * channels(rstd, x)
    gb = np.add.reduce(g, axes)
    gw = np.add.reduce(g * normal, axes)
    gx = g - channels(gb / count, x)
    normal *= channels(gw / count, x)
    gx -= normal
    gx *= channels(rstd if weight is None else rstd * weight, x)
    return gx, gw, gb


@fused(forward=batch_forward, backward=batch_backward, node="NativeBatchNormBackward0")
def batch_norm_training(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, moments_mean: Any, moments_var: Any, eps: float
) -> Tensor:
    """By the statistics of the batch itself, which the kernel gets as they were computed for the running ones."""
    dims = (0, *range(2, input.ndim))
    centred = input - mean(input, dims, True)
    x = centred * (mean(centred * centred, dims, True) + eps) ** -0.5
    return scaled_and_shifted(x, by_channel(weight, input.ndim), by_channel(bias, input.ndim))


def by_channel(w: Any, ndim: int) -> Any:
    return None if w is None else reshape(w, (-1, *(1,) * (ndim - 2)))


@keeping_format
def fixed_forward(x: Any, m: Any, v: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, ...]:
    rstd = 1 / np.sqrt(v.astype(np.float64) + eps)
    return rows.batch_norm(x, m.astype(np.float64), rstd, weight, bias), rstd


def fixed_backward(
    g: Any, wanted: Any, x: Any, m: Any, v: Any, weight: Any, bias: Any, eps: float, rstd: Any
) -> tuple[Any, ...]:
    gx, gw, gb = rows.batch_norm_backward(g, x, m.astype(np.float64), rstd, weight, False)
    return gx, None, None, gw, gb


@fused(
    forward=fixed_forward, backward=fixed_backward, node="NativeBatchNormBackward0",
    constant=("running_mean", "running_var"),
)  # fmt: skip
def batch_norm_fixed(
    input: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """By statistics that are given."""
    ndim = input.ndim
    x = (input - by_channel(running_mean, ndim)) * (by_channel(running_var, ndim) + eps) ** -0.5
    return scaled_and_shifted(x, by_channel(weight, ndim), by_channel(bias, ndim))


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Channels (dimension 1) at mean 0 and variance 1 over the batch, times ``weight``, plus ``bias``.

    In training by the batch's own statistics, which also move the running ones by ``momentum``; otherwise by those.

    >>> import rushlight as torch
    >>> torch.nn.functional.batch_norm(torch.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if training:
        check_count(tuple(input.shape))
    floats_only("batch_norm", input)
    if training and eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return batch_norm_of(input, running_mean, running_var, weight, bias, training, momentum, eps)


def check_count(shape: Sequence[int]) -> None:
    """Raise if there is but one value a channel, which has no variance."""
    count = 1
    for n in (*shape[:1], *shape[2:]):
        count *= n
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {Size(shape)}")


def batch_norm_of(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    training: bool, momentum: float, eps: float,
) -> Tensor:  # fmt: skip
    """:func:`batch_norm` without its checks of the shape."""
    channels = input.shape[1] if input.ndim > 1 else 0
    count = input.numel() // max(channels, 1)
    for name, x in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if x is not None and x.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {x.numel()}")
    if input.ndim < 2:
        if input.numel():
            raise IndexError(
                f"Dimension out of range: batch_norm takes (batch, channels, ...), but the input has {input.ndim} dimensions"
            )
        return input * 1
    if not training:
        for name, x in (("running_mean", running_mean), ("running_var", running_var)):
            if x is None:
                raise RuntimeError(f"{name} must be defined in evaluation mode")
        return batch_norm_fixed(input, running_mean, running_var, weight, bias, eps)
    if input.numel() == 0:
        return scaled_and_shifted(input * 1, by_channel(weight, input.ndim), by_channel(bias, input.ndim))
    array = record.inner_array(input)
    if array is None or input.level:
        m = v = None
        if running_mean is not None:
            from .reduce import var_of

            dims = (0, *range(2, input.ndim))
            move_within(running_mean, mean(input, dims), momentum)
            if running_var is not None:
                move_within(running_var, var_of(input, dims, 1, False), momentum)
    else:
        m, v = batch_moments(array)
        for kept, new in ((running_mean, m), (running_var, v * (count / max(count - 1, 1)))):
            if kept is not None and kept.level:
                move_within(kept, wrap(new.astype(m.dtype)), momentum)
            else:
                move(kept, new, momentum)
    return batch_norm_training(input, weight, bias, m, v, eps)


def move(running: Tensor | None, new: Any, momentum: float) -> None:
    """Move running statistics towards those of a batch, in place."""
    if running is None:
        return
    array = running._array
    array *= 1 - momentum
    array += (new * momentum).astype(array.dtype)
    memory.written(array, "batch_norm", *here())


def move_within(running: Tensor | None, new: Any, momentum: float) -> None:
    """The same inside transforms: the statistics that an outer level holds move by the values there."""
    if running is None:
        return
    level = running.level
    while new.level > level:
        if hasattr(new.transform, "randomness"):
            raise RuntimeError(
                "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in "
                "place, were not batched.\nIf you are using a module and do not need eval mode, please set "
                "`track_running_stats` to be False, or run torch.func.replace_all_batch_norm_modules_ on the model; to keep "
                "statistics, pass them as mapped arguments (torch.func.functional_call)."
            )
        new = new.lower
    with switched(levels.word_at(level) & ~RECORD):  # what the function captured may be moved by this, as in PyTorch
        running.mul_(1 - momentum).add_(new.detach() * momentum)


# ---- over groups of channels


@keeping_format
def group_forward(x: Any, groups: int, weight: Any, bias: Any, eps: float) -> tuple[Any, ...]:
    return rows.group_norm(x, groups, weight, bias, eps)


def group_backward(
    g: Any, wanted: Any, x: Any, groups: int, weight: Any, bias: Any, eps: float, means: Any, rstds: Any
) -> tuple[Any, ...]:
    return rows.group_norm_backward(g, x, groups, weight, means, rstds)


@fused(forward=group_forward, backward=group_backward, node="NativeGroupNormBackward0")
def group_norm_of(input: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    shape = tuple(input.shape)
    grouped = reshape(input, (shape[0], groups, math.prod(shape[1:]) // groups))
    centred = grouped - mean(grouped, 2, True)
    x = reshape(centred * (mean(centred * centred, 2, True) + eps) ** -0.5, shape)
    return scaled_and_shifted(x, by_channel(weight, input.ndim), by_channel(bias, input.ndim))


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Groups of channels of each sample at mean 0 and variance 1, times ``weight``, plus ``bias``.

    >>> import rushlight as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0]]), 1)
    tensor([[-1.0000,  1.0000]])
    """
    floats_only("GroupNormKernelImpl", input)
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    if num_groups > 0:
        check_count([input.shape[0] * input.shape[1] // num_groups, num_groups, *input.shape[2:]])
    return group_norm_checked(input, num_groups, weight, bias, eps)


def group_norm_checked(
    input: Tensor, num_groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """:func:`group_norm` of one value a group too."""
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if input.shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, w in (("weight", weight), ("bias", bias)):
        if w is not None and tuple(w.shape) != (input.shape[1],):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape "
                f"{list(w.shape)} and input of shape {list(input.shape)}"
            )
    return group_norm_of(input, num_groups, weight, bias, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample at mean 0 and variance 1, times ``weight``, plus ``bias``.

    >>> import rushlight as torch
    >>> torch.nn.functional.instance_norm(torch.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    floats_only("batch_norm", input)
    if use_input_stats:
        spatial = 1
        for n in input.shape[2:]:
            spatial *= n
        if spatial == 1:
            raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    return instance_norm_of(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def instance_norm_of(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    use_input_stats: bool, momentum: float, eps: float,
) -> Tensor:  # fmt: skip
    """:func:`instance_norm` without its check of the shape."""
    if use_input_stats:
        if running_mean is not None and running_var is not None:
            from .reduce import var_of

            dims = tuple(range(2, input.ndim))
            flat = input.detach()
            inside = input.level or running_mean.level or running_var.level
            change: Any = move_within if inside else (lambda kept, x, m: move(kept, x._array, m))
            change(running_mean, mean(mean(flat, dims), 0), momentum)
            change(running_var, mean(var_of(flat, dims, 1, False), 0), momentum)
        return group_norm_of(contiguous(input), input.shape[1], weight, bias, eps)
    if running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    return batch_norm_fixed(input, running_mean, running_var, weight, bias, eps)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``input`` divided by ``(k + alpha mean(squares)) ** beta`` over ``size`` neighbouring channels.

    Krizhevsky et al., 2012 (there with the sum of squares).

    >>> import rushlight as torch
    >>> torch.nn.functional.local_response_norm(torch.ones(1, 2, 1), 2, alpha=2.0, beta=1.0).flatten()
    tensor([0.5000, 0.3333])
    """
    from .padding import pad
    from .pool import avg_pool2d, avg_pool3d
    from .shape import squeeze, unsqueeze

    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.ndim} dimensions)"
        )
    if input.numel() == 0:
        return input
    squares: Any = input * input
    before, after = size // 2, (size - 1) // 2
    if input.ndim == 3:
        squares = pad(unsqueeze(squares, 1), (0, 0, before, after))
        means = squeeze(avg_pool2d(squares, (size, 1), 1), 1)
    else:
        shape = tuple(input.shape)
        squares = pad(reshape(squares, (shape[0], 1, shape[1], shape[2], -1)), (0, 0, 0, 0, before, after))
        means = reshape(squeeze(avg_pool3d(squares, (size, 1, 1), 1), 1), shape)
    return input / (means * alpha + k) ** beta
