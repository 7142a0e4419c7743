"""Convolutions: three operators that are each other's derivatives in every argument.

``convolution`` is linear in input and weight; ``conv_input`` and ``conv_weight`` are its transposes, and a
transposed convolution is ``conv_input``. So all orders and modes of differentiation stay within the three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import BILINEAR, UNSET, operator
from .._core.tensor import Tensor
from .._kernels import conv as kernels
from .._kernels.formats import laid_as
from .._kernels.pool_of_threads import spread
from .families import with_batch
from .outs import C_NAMES
from .products import conjugate
from .reduce import require_kernel
from .reduce import sum as sum_
from .samples import apart, composed
from .shape import movedim, permute, reshape, squeeze, unsqueeze

Ints = int | Sequence[int]


def bias_rule(g: Any) -> Any:
    return sum_(g, (0, *range(2, g.ndim)))


# ---- batches: of inputs they go into the samples, of weights into the groups


def into_channels(x: Any, size: int, is_mapped: bool) -> Any:
    """(B, N, C, ...) as (N, B C, ...)."""
    x = movedim(with_batch(x, size, is_mapped), 0, 1)
    return reshape(x, (x.shape[0], size * x.shape[2], *x.shape[3:]))


def out_of_channels(x: Any, size: int) -> Any:
    return movedim(reshape(x, (x.shape[0], size, x.shape[1] // size, *x.shape[2:])), 1, 0)


def into_first(x: Any, size: int, is_mapped: bool) -> Any:
    """(B, O, ...) as (B O, ...)."""
    x = with_batch(x, size, is_mapped)
    return reshape(x, (size * x.shape[1], *x.shape[2:]))


def by_weights(
    op: Any,
    size: int,
    mapped: tuple[bool, ...],
    input: Any,
    weight: Any,
    bias: Any,
    rest: tuple[Any, ...],
    inward: bool,
) -> Any:
    """A convolution (or its transpose in the input, ``inward``), with a batch of weights or biases."""
    *how, groups = rest
    if inward:  # the first of ``how`` is the shape of the result
        how[0] = (how[0][0], size * how[0][1], *how[0][2:])
    if not mapped[0] and groups == 1 and not inward:  # one input meets all weights
        x, many = input, 1
    else:
        x, many = into_channels(input, size, mapped[0]), size * groups
    given = [] if bias is UNSET else [None if bias is None else into_first(bias, size, mapped[2])]
    made = op.call(x, into_first(weight, size, mapped[1]), *given, *how, many)
    return out_of_channels(made, size)


def conv_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, weight: Any, bias: Any, *rest: Any) -> Any:
    if mapped[1] or mapped[2]:
        return by_weights(op, size, mapped, input, weight, bias, rest, False)
    return apart(op.call(into_first(input, size, True), weight, bias, *rest), size, input.shape[1])


def correlate_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, weight: Any, *rest: Any) -> Any:
    if mapped[1]:
        return by_weights(op, size, mapped, input, weight, UNSET, rest, False)
    return apart(op.call(into_first(input, size, True), weight, *rest), size, input.shape[1])


def transposed_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, weight: Any, *rest: Any) -> Any:
    """Of the transpose in the input, with a bias or without; the shape of the result comes first of what follows."""
    bias, rest = (rest[0], rest[1:]) if "bias" in op.parameters else (UNSET, rest)
    if mapped[1] or (bias is not UNSET and mapped[2]):
        return by_weights(op, size, mapped, input, weight, bias, rest, True)
    given = [] if bias is UNSET else [bias]
    shape = (size * rest[0][0], *rest[0][1:])
    return apart(op.call(into_first(input, size, True), weight, *given, shape, *rest[1:]), size, input.shape[1])


def weight_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, other: Any, shape: Any, *rest: Any) -> Any:
    *how, groups = rest
    g, x = into_channels(input, size, mapped[0]), into_channels(other, size, mapped[1])
    made = op.call(g, x, (size * shape[0], *shape[1:]), *how, size * groups)
    return reshape(made, (size, *shape))


# ---- the operators


def with_bias(compute: Any, x: Any, weight: Any, bias: Any) -> Any:
    """What ``compute`` makes of input and weight, plus the bias; half precision is rounded once."""
    kind = x.dtype
    if bias is None:
        return compute(x, weight)
    if kind == np.float16:
        x, weight, bias = (a.astype(np.float32) for a in (x, weight, bias))
    made = compute(x, weight)
    spread(np.add, made, made, bias.reshape(-1, *(1,) * (made.ndim - 2)))
    return made.astype(kind, copy=False)


@operator(
    node="ConvolutionBackward0", batch=conv_batch,
    input=lambda g, weight, input_shape, stride, padding, dilation, groups: conv_input(
        g, conjugate(weight), tuple(input_shape), stride, padding, dilation, groups
    ),
    weight=lambda g, input, weight_shape, stride, padding, dilation, groups: conv_weight(
        g, conjugate(input), tuple(weight_shape), stride, padding, dilation, groups
    ),
    bias=lambda g: bias_rule(g),
)  # fmt: skip
def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    """The cross-correlation of ``input`` (N, C, *spatial) with ``weight`` (O, C / groups, *kernel), plus ``bias`` (O)."""
    made = with_bias(lambda x, w: kernels.conv_forward(x, w, stride, padding, dilation, groups), input, weight, bias)
    return laid_as(made, input, weight)  # type: ignore[no-any-return]


@operator(
    node="ConvolutionBackward0", batch=transposed_batch,
    input=lambda g, weight, input_shape, stride, padding, dilation, groups: correlate(
        g, conjugate(weight), tuple(input_shape[2:]), stride, padding, dilation, groups
    ),
    weight=lambda g, input, weight_shape, stride, padding, dilation, groups: conv_weight(
        conjugate(input), g, tuple(weight_shape), stride, padding, dilation, groups
    ),
    bias=lambda g: bias_rule(g),
)  # fmt: skip
def convolution_transposed(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    shape: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    """:func:`conv_input`, plus ``bias``."""
    made = with_bias(
        lambda x, w: kernels.conv_grad_input(x, w, shape, stride, padding, dilation, groups), input, weight, bias
    )
    return laid_as(made, input, weight)  # type: ignore[no-any-return]


@operator(
    jvp=BILINEAR, node="ConvolutionBackwardBackward0", batch=transposed_batch,
    input=lambda g, weight, input_shape, stride, padding, dilation, groups: correlate(
        g, conjugate(weight), tuple(input_shape[2:]), stride, padding, dilation, groups
    ),
    weight=lambda g, input, weight_shape, stride, padding, dilation, groups: conv_weight(
        conjugate(input), g, tuple(weight_shape), stride, padding, dilation, groups
    ),
)  # fmt: skip
def conv_input(
    input: Tensor, weight: Tensor, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    """The transpose of a convolution in its input: ``input`` (N, O, *out) gives ``shape`` (N, C, *spatial)."""
    return kernels.conv_grad_input(input, weight, shape, stride, padding, dilation, groups)


@operator(
    jvp=BILINEAR, node="ConvolutionBackward0", batch=correlate_batch,
    input=lambda g, weight, input_shape, stride, padding, dilation, groups: conv_input(
        g, conjugate(weight), tuple(input_shape), stride, padding, dilation, groups
    ),
    weight=lambda g, input, weight_shape, stride, padding, dilation, groups: conv_weight(
        g, conjugate(input), tuple(weight_shape), stride, padding, dilation, groups
    ),
)  # fmt: skip
def correlate(input: Tensor, weight: Tensor, out: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
    """The same as ``convolution``, with the spatial shape of the result given."""
    return kernels.conv_forward(input, weight, stride, padding, dilation, groups, out)


@operator(
    jvp=BILINEAR, node="ConvolutionBackwardBackward0", batch=weight_batch,
    input=lambda g, other, input_shape, stride, padding, dilation, groups: correlate(
        conjugate(other), g, tuple(input_shape[2:]), stride, padding, dilation, groups
    ),
    other=lambda g, input, other_shape, stride, padding, dilation, groups: conv_input(
        conjugate(input), g, tuple(other_shape), stride, padding, dilation, groups
    ),
)  # fmt: skip
def conv_weight(
    input: Tensor, other: Tensor, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    """The transpose of a convolution in its weight: ``input`` (N, O, *out) and ``other`` (N, C, *spatial)."""
    return kernels.conv_grad_weight(input, other, shape, stride, padding, dilation, groups)


# ---- the public functions


def numbers(value: Any, dims: int, name: str, function: str) -> tuple[int, ...]:
    """An argument that is one number or one for each spatial dimension."""
    if type(value) is int:
        return (value,) * dims
    if isinstance(value, (bool, str)) or not isinstance(value, (Sequence, np.integer)):
        kind = type(value).__name__
        raise TypeError(
            f"{function}(): argument '{name}' must be tuple of ints, not {kind}"
            if "transpose" in function
            else f"{function}() received an invalid combination of arguments - got {name}={kind}, but expected ints"
        )
    if isinstance(value, np.integer):
        return (int(value),) * dims
    given = tuple(value)
    if len(given) == 1:
        return given * dims
    if len(given) != dims:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {dims} values to match the convolution "
            f"dimensions, but got {name}={list(given)}"
        )
    return given


def check_ranks(input: Any, weight: Any, dims: int, groups: int, name: str) -> None:
    """Raise unless these are tensors of as many dimensions as the convolution takes."""
    for what, x in (("input", input), ("weight", weight)):
        if not isinstance(x, (Tensor, np.ndarray)):
            raise TypeError(f"{name}(): argument '{what}' must be Tensor, not {type(x).__name__}")
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if weight.ndim < 3:
        raise RuntimeError(f"weight should have at least three dimensions, but got {list(weight.shape)}")


def check_steps(pads: Any, extra: Any, steps: Any, holes: Any) -> None:
    """Raise for strides, paddings and dilations that are too small."""
    if any([p < 0 for p in pads]):
        raise RuntimeError("negative padding is not supported")
    if any([e < 0 for e in extra]):
        raise RuntimeError("negative output_padding is not supported")
    if any([s <= 0 for s in steps]):
        raise RuntimeError("non-positive stride is not supported")
    if any([d <= 0 for d in holes]):
        raise RuntimeError(f"dilation should be greater than zero, but got {list(holes)}")


def check_shapes(input: Any, weight: Any, bias: Any, dims: int, groups: int, transposed: bool) -> None:
    """Raise unless weight, input and bias fit each other."""
    shape, kind = list(weight.shape), "transposed=1" if transposed else f"groups={groups}"
    if len(shape) != dims + 2:
        have = list(input.shape) if input.ndim == dims + 2 else [1, *input.shape]
        raise RuntimeError(
            f"Expected {len(shape)}-dimensional input for {len(shape)}-dimensional weight {shape}, but got "
            f"{len(have)}-dimensional input of size {have} instead"
        )
    if shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {shape} "
            "instead"
        )
    if shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size "
            f"{shape} instead"
        )
    channels, wanted = input.shape[-dims - 1], shape[0] if transposed else shape[1] * groups
    if channels != wanted:
        raise RuntimeError(
            f"Given {kind}, weight of size {shape}, expected input{list(input.shape)} to have {wanted} channels, but got "
            f"{channels} channels instead"
        )
    out = shape[1] * groups if transposed else shape[0]
    if bias is not None and (bias.ndim != 1 or bias.shape[0] != out):
        raise RuntimeError(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {shape}, expected bias to be 1-dimensional with "
            f"{out} elements, but got bias of size {list(bias.shape)} instead"
        )
    if 0 in shape[2:]:
        raise RuntimeError(f"kernel size should be greater than zero, but got {shape[2:]}")


def check_dtypes(input: Any, weight: Any, bias: Any) -> None:
    """Raise unless all are of one dtype."""
    kinds = [dtypes.dtype_of(record.np_dtype(x)).name for x in (input, weight, input if bias is None else bias)]
    if kinds[0] != kinds[1]:
        names = [dtypes.LEGACY[k] for k in kinds]
        if names[0].startswith("Complex"):
            raise RuntimeError(
                f"Input type (CPU{names[0]}Type) and weight type (torch.{names[1]}Tensor) should be the same"
            )
        raise RuntimeError(
            f"expected scalar type {names[0]} but found {names[1]}: input and weight must be of one dtype"
        )
    if kinds[0] != kinds[2]:
        names = [C_NAMES.get(k, k) for k in kinds]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[2]}) should be the same")


def convolve(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int, dims: int
) -> Tensor:
    """A convolution over ``dims`` spatial dimensions of batched or unbatched input."""
    name = f"conv{dims}d"
    check_ranks(input, weight, dims, groups, name)
    steps, holes = numbers(stride, dims, "stride", name), numbers(dilation, dims, "dilation", name)
    given = (0,) if isinstance(padding, str) else numbers(padding, dims, "padding", name)
    check_steps(given, (), steps, holes)
    check_shapes(input, weight, bias, dims, groups, False)
    check_dtypes(input, weight, bias)
    kernel = tuple(weight.shape[2:])
    if isinstance(padding, str):
        if padding == "valid":
            pads: Any = (0,) * dims
        elif padding == "same":
            if any(s != 1 for s in steps):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            totals = [d * (k - 1) for d, k in zip(holes, kernel, strict=True)]
            pads = tuple([(t // 2, t - t // 2) for t in totals])
        else:
            raise RuntimeError(f"Invalid padding string: '{padding}'")
    else:
        pads = given
    require_kernel("compute_columns3d" if dims == 3 else "slow_conv2d_cpu", input, "b")
    batched = input.ndim == dims + 2
    x = input if batched else unsqueeze(input, 0)
    padded = []
    for n, p in zip(x.shape[2:], pads, strict=True):
        padded.append(n + (sum(p) if isinstance(p, tuple) else 2 * p))
    needs = [d * (k - 1) + 1 for d, k in zip(holes, kernel, strict=True)]
    if any(n < k for n, k in zip(padded, needs, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
            f"({' x '.join(map(str, needs))}). Kernel size can't be greater than actual input size"
        )
    made = convolution(x, weight, bias, steps, pads, holes, groups)
    return made if batched else squeeze(made, 0)


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints | str = 0,
    dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """A convolution over one dimension: ``input`` (N, C, L) or (C, L), ``weight`` (O, C / groups, k).

    >>> import rushlight as torch
    >>> torch.nn.functional.conv1d(torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1, 1, 2))
    tensor([[3., 5.]])
    """
    return convolve(input, weight, bias, stride, padding, dilation, groups, 1)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints | str = 0,
    dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """A convolution over two dimensions: ``input`` (N, C, H, W) or (C, H, W), ``weight`` (O, C / groups, h, w).

    >>> import rushlight as torch
    >>> torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return convolve(input, weight, bias, stride, padding, dilation, groups, 2)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints | str = 0,
    dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """A convolution over three dimensions: ``input`` (N, C, D, H, W) or (C, D, H, W).

    >>> import rushlight as torch
    >>> torch.nn.functional.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
    tensor([[[[[8.]]]]])
    """
    return convolve(input, weight, bias, stride, padding, dilation, groups, 3)


def transposed(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, output_padding: Any, groups: int,
    dilation: Any, dims: int,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution in its input, over ``dims`` spatial dimensions."""
    name = f"conv_transpose{dims}d"
    check_ranks(input, weight, dims, groups, name)
    steps, pads = numbers(stride, dims, "stride", name), numbers(padding, dims, "padding", name)
    holes, extra = numbers(dilation, dims, "dilation", name), numbers(output_padding, dims, "output_padding", name)
    check_steps(pads, extra, steps, holes)
    check_shapes(input, weight, bias, dims, groups, True)
    check_dtypes(input, weight, bias)
    for e, s, d in zip(extra, steps, holes, strict=True):
        if e >= max(s, d):
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got output_padding: {e}, stride: "
                f"{s}, dilation: {d}"
            )
    require_kernel(f"slow_conv_transpose{max(dims, 2)}d_out_cpu", input, "bu", False)
    batched = input.ndim == dims + 2
    x = input if batched else unsqueeze(input, 0)
    if 0 in x.shape[2:]:
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {list(x.shape)}"
        )
    kernel = weight.shape[2:]
    spatial = [
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x.shape[2:], steps, pads, holes, kernel, extra, strict=True)
    ]
    shape = (x.shape[0], weight.shape[1] * groups, *spatial)
    made = convolution_transposed(x, weight, bias, shape, steps, pads, holes, groups)
    return made if batched else squeeze(made, 0)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """The transpose of :func:`conv1d` in its input; ``weight`` is (C, O / groups, k).

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose1d(torch.tensor([[1.0, 2.0]]), torch.ones(1, 1, 2))
    tensor([[1., 3., 2.]])
    """
    return transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 1)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """The transpose of :func:`conv2d` in its input; ``weight`` is (C, O / groups, h, w).

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 2, 2))
    tensor([[[[1., 1.],
              [1., 1.]]]])
    """
    return transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 2)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """The transpose of :func:`conv3d` in its input; ``weight`` is (C, O / groups, d, h, w).

    >>> import rushlight as torch
    >>> torch.nn.functional.conv_transpose3d(torch.ones(1, 1, 1, 1, 1), torch.ones(1, 1, 1, 1, 2))
    tensor([[[[[1., 1.]]]]])
    """
    return transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 3)


@composed("ConvTbcBackward0")
def conv_tbc_of(input: Tensor, weight: Tensor, bias: Tensor, pad: int) -> Tensor:
    made = conv1d(permute(input, (1, 2, 0)), permute(weight, (2, 1, 0)), bias, 1, pad)
    return permute(made, (2, 0, 1))


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution over time of ``input`` (T, B, C) with ``weight`` (k, C, O).

    >>> import rushlight as torch
    >>> torch.conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1)).flatten()
    tensor([2., 2.])
    """
    if input.ndim != 3:
        raise RuntimeError(f"Input must have 3 dims: time, batch, in_channel, but got {list(input.shape)}")
    if weight.ndim != 3:
        raise RuntimeError(
            f"Weight tensor must have 3 dims: kernel_width, in_channels, out_channels, but got {list(weight.shape)}"
        )
    if bias.ndim != 1:
        raise RuntimeError(f"Bias must be 1-D, but got {list(bias.shape)}")
    if input.shape[2] != weight.shape[1]:
        raise RuntimeError(
            f"Input dim 2 (input channels) is not == dim 1 in the weight tensor: {input.shape[2]} and {weight.shape[1]}"
        )
    if weight.shape[2] != bias.shape[0]:
        raise RuntimeError(
            f"Bias size must equal dim 2 in the weight tensor (output channels): {bias.shape[0]} and {weight.shape[2]}"
        )
    return conv_tbc_of(input, weight, bias, pad)
