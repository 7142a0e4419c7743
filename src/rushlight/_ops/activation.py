"""Activation functions that work element by element.

Where a fused kernel serves the gradient, the rule takes it for plain arrays and says the same in
operators for higher orders.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import levels, record
from .._core.declare import operator, pointwise
from .._core.tensor import Tensor, wrap
from .._core.views import inplace
from .._kernels import elementwise
from .._kernels.elementary import expm1
from .compare import picked, where
from .dims import canonical
from .elementary import erf, exp, not_implemented, only, rounded_once, sigmoid, tanh
from .families import over_dims
from .fill import tied

ndarray = np.ndarray
Number = bool | int | float | complex


LARGE = 8192  # elements from which a kernel of few operations is quicker than these one by one


def plain(g: Any, x: Any) -> bool:
    """Whether both are arrays, which a kernel takes."""
    return type(g) is ndarray and type(x) is ndarray and g.dtype is x.dtype


# ---- of straight pieces


def relu_rule(g: Any, result: Any) -> Any:
    large = plain(g, result) and g.size >= 1 << 15 and g.dtype.char in "fd"
    if large and g.flags.c_contiguous and result.flags.c_contiguous:
        return elementwise.relu_backward(g, result)
    return tied(where(result <= 0, 0, g), result)


@pointwise(input=relu_rule)
def relu(input: Tensor) -> Tensor:
    """``max(0, x)``. The gradient at 0 is 0.

    >>> import rushlight as torch
    >>> torch.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if input.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    if input.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    if input.size < LARGE or input.dtype.kind != "f":
        return np.maximum(input, input.dtype.type(0))
    return elementwise.limited(input, 0, np.inf)  # three times as fast as the maximum on large arrays


def leaky_rule(g: Any, input: Any, negative_slope: float) -> Any:
    if plain(g, input) and g.size >= LARGE:
        return elementwise.leaky_relu_backward(g, input, negative_slope)
    return tied(where(input > 0, g, g * negative_slope), input)


@pointwise(input=leaky_rule)
def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``x``, times ``negative_slope`` where it is negative.

    >>> import rushlight as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    only("f", "leaky_relu_cpu", input)
    if input.size < LARGE:
        return np.where(input > 0, input, input * input.dtype.type(negative_slope))
    return elementwise.leaky_relu(input, negative_slope)


def hardtanh_rule(g: Any, input: Any, min_val: float, max_val: float) -> Any:
    if plain(g, input) and g.dtype.kind == "f" and g.size >= LARGE:
        return elementwise.hardtanh_backward(g, input, min_val, max_val)
    return tied(where((input <= min_val) | (input >= max_val), 0, g), input)


@pointwise(input=hardtanh_rule)
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``x`` limited to [``min_val``, ``max_val``]. The gradient on the limits is 0.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if input.dtype.kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input.dtype.kind == "u" and (int(min_val) < 0 or int(max_val) < 0):
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    if input.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    kind = input.dtype.type
    if input.size < LARGE:
        return np.minimum(np.maximum(input, kind(min_val)), kind(max_val))
    return elementwise.limited(input, min_val, max_val)


def hardswish_rule(g: Any, input: Any) -> Any:
    if plain(g, input):
        return elementwise.hardswish_backward(g, input)
    return where(input <= -3, 0, where(input >= 3, g, g * (input / 3 + 0.5)))


@pointwise(input=hardswish_rule)
def hardswish(input: Tensor) -> Tensor:
    """``x min(max(x + 3, 0), 6) / 6``.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-3.0, 1.0]))
    tensor([-0.0000, 0.6667])
    """
    only("f", "hardswish_cpu", input)
    return elementwise.hardswish(input)


def hardsigmoid_rule(g: Any, input: Any) -> Any:
    if plain(g, input) and g.size >= LARGE:
        return elementwise.hardsigmoid_backward(g, input)
    return tied(where((input > -3) & (input < 3), g / 6, 0), input)


@pointwise(input=hardsigmoid_rule)
def hardsigmoid(input: Tensor) -> Tensor:
    """``min(max(x + 3, 0), 6) / 6``.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-3.0, 0.0]))
    tensor([0.0000, 0.5000])
    """
    only("f", "hardsigmoid_cpu", input)
    if input.size < LARGE:
        kind = input.dtype.type
        return np.minimum(np.maximum(input + kind(3), kind(0)), kind(6)) / kind(6)
    return elementwise.hardsigmoid(input)


@pointwise(input=lambda g, result: tied(where(result == 0, 0, g), result))
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` where ``|x| > lambd``, else 0.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardshrink(torch.tensor([-1.0, 0.3]))
    tensor([-1.,  0.])
    """
    only("f", "hardshrink_cpu", input)
    kind = input.dtype.type
    return np.where((input >= kind(-lambd)) & (input <= kind(lambd)), kind(0), input)


@pointwise(input=lambda g, input, lambd: tied(where((input >= -lambd) & (input <= lambd), 0, g), input))
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` moved towards 0 by ``lambd``, 0 where ``|x| <= lambd``.

    >>> import rushlight as torch
    >>> torch.nn.functional.softshrink(torch.tensor([-1.0, 0.3]))
    tensor([-0.5000,  0.0000])
    """
    only("f", "softshrink_check", input)
    if not 0 <= lambd <= np.finfo(input.dtype).max:
        kind = {"e": "Half", "f": "Float", "d": "Double"}[input.dtype.char]
        raise RuntimeError(
            f"lambda must be in range [0, {np.finfo(input.dtype).max:g}] for input dtype {kind}, but found {lambd}"
        )
    limit = input.dtype.type(lambd)
    moved = np.where(input > limit, input - limit, np.where(input < -limit, input + limit, input.dtype.type(0)))
    return np.where(np.isnan(input), input, moved)


@pointwise(input=lambda g, input, threshold: tied(where(input <= threshold, 0, g), input))
def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """``x`` where it is above ``threshold``, ``value`` elsewhere.

    >>> import rushlight as torch
    >>> torch.nn.functional.threshold(torch.tensor([-1.0, 0.3]), 0.0, 9.0)
    tensor([9.0000, 0.3000])
    """
    if input.dtype.kind in "bc":
        raise not_implemented("threshold_cpu", input.dtype)
    return np.where(input <= threshold, record.scalar(value, input.dtype), input)


# ---- of exponentials


def elu_rule(g: Any, input: Any, alpha: float, scale: float, input_scale: float) -> Any:
    if plain(g, input):
        return elementwise.elu_backward(g, input, scale, scale * alpha, input_scale)
    low = where(input > 0, 0, input)
    return where(input > 0, g * scale, g * (scale * alpha * input_scale) * exp(low * input_scale))


@pointwise(node="EluBackward0", input=elu_rule)
def elu_of(input: Tensor, alpha: Number = 1.0, scale: Number = 1.0, input_scale: Number = 1.0) -> Tensor:
    """``scale`` times ``x``, or times ``alpha (exp(input_scale x) - 1)`` where ``x`` is not positive."""
    only("f", "elu_cpu", input)
    if input.size < LARGE:
        kind = input.dtype.type
        low = np.expm1(np.minimum(input, kind(0)) * kind(input_scale)) * kind(alpha * scale)
        return np.where(input > 0, input * kind(scale), low)
    return elementwise.elu(input, scale, scale * alpha, input_scale)


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``x``, or ``alpha (exp(x) - 1)`` where it is negative.

    >>> import rushlight as torch
    >>> torch.nn.functional.elu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return elu_of(input, alpha, 1.0, 1.0)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(input: Tensor) -> Tensor:
    """``elu`` with the scales that keep mean and variance (Klambauer et al., 2017).

    >>> import rushlight as torch
    >>> torch.selu(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return elu_of(input, SELU_ALPHA, SELU_SCALE, 1.0)


def celu_rule(g: Any, input: Any, alpha: float) -> Any:
    low = where(input > 0, 0, input)
    return where(input > 0, g, g * exp(low / alpha))


@pointwise(input=celu_rule)
def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``x``, or ``alpha (exp(x / alpha) - 1)`` where it is negative.

    >>> import rushlight as torch
    >>> torch.celu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    only("f", "elu_cpu", input)
    if input.dtype.char == "e":
        return rounded_once(lambda x: celu.op.forward(x, alpha), input)  # type: ignore[attr-defined, no-any-return]
    kind = input.dtype.type
    return picked(input > 0, input, kind(alpha) * expm1(np.minimum(input, kind(0)) / kind(alpha)))


def gelu_rule(g: Any, input: Any, approximate: str) -> Any:
    if plain(g, input):
        backward = elementwise.gelu_backward if approximate == "none" else elementwise.gelu_tanh_backward
        return backward(g, input)
    if approximate == "none":
        cdf = 0.5 * (1 + erf(input * math.sqrt(0.5)))
        return g * (cdf + input * (exp(-0.5 * (input * input)) * (1 / math.sqrt(2 * math.pi))))
    root = math.sqrt(2 / math.pi)
    t = tanh(root * (input + 0.044715 * (input * input * input)))
    inner = root * (1 + 3 * 0.044715 * (input * input))
    return g * (0.5 * (1 + t) + 0.5 * input * (1 - t * t) * inner)


@pointwise(input=gelu_rule)
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``x`` times the normal distribution function of ``x``, or with ``approximate="tanh"`` near to it.

    Formulas: Hendrycks and Gimpel, 2016.

    >>> import rushlight as torch
    >>> torch.nn.functional.gelu(torch.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    only("f", "GeluKernelImpl", input)
    return (elementwise.gelu if approximate == "none" else elementwise.gelu_tanh)(input)


def silu_rule(g: Any, input: Any) -> Any:
    if plain(g, input) and g.dtype.kind == "f":
        return elementwise.silu_backward(g, input)
    s = sigmoid(input)
    return g * (s * (1 + input * (1 - s)))


@pointwise(holomorphic=True, input=silu_rule)
def silu(input: Tensor) -> Tensor:
    """``x / (1 + exp(-x))``, also called swish.

    >>> import rushlight as torch
    >>> torch.nn.functional.silu(torch.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    only("fc", "silu_cpu", input)
    if input.dtype.kind == "c":
        return input / (1 + np.exp(-input))
    return elementwise.silu(input)


def mish_rule(g: Any, input: Any) -> Any:
    if plain(g, input):
        return elementwise.mish_backward(g, input)
    t = tanh(softplus(input))
    return g * (t + input * sigmoid(input) * (1 - t * t))


@pointwise(input=mish_rule)
def mish(input: Tensor) -> Tensor:
    """``x tanh(log(1 + exp(x)))`` (Misra, 2019).

    >>> import rushlight as torch
    >>> torch.nn.functional.mish(torch.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    only("f", "mish_cpu", input)
    return elementwise.mish(input)


def softplus_rule(g: Any, input: Any, beta: float, threshold: float) -> Any:
    if plain(g, input):
        return elementwise.softplus_backward(g, input, beta, threshold)
    return where(input * beta > threshold, g, g * sigmoid(input * beta))


@pointwise(input=softplus_rule)
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``, and ``x`` itself where ``beta x > threshold``.

    >>> import rushlight as torch
    >>> torch.nn.functional.softplus(torch.tensor([-1.0, 2.0]))
    tensor([0.3133, 2.1269])
    """
    only("f", "softplus_cpu", input)
    return elementwise.softplus(input, beta, threshold)


def logsigmoid_rule(g: Any, input: Any) -> Any:
    if plain(g, input):
        return elementwise.logsigmoid_backward(g, input)
    return g * sigmoid(-input)


@pointwise(node="LogSigmoidBackward0", input=logsigmoid_rule)
def logsigmoid(input: Tensor) -> Tensor:
    """``log(1 / (1 + exp(-x)))``.

    >>> import rushlight as torch
    >>> torch.nn.functional.logsigmoid(torch.tensor([-1.0, 2.0]))
    tensor([-1.3133, -0.1269])
    """
    only("f", "log_sigmoid_cpu", input)
    return elementwise.logsigmoid(np.asarray(input, order="C"))


# ---- composed


def relu6(input: Tensor) -> Tensor:
    """``x`` limited to [0, 6].

    >>> import rushlight as torch
    >>> torch.nn.functional.relu6(torch.tensor([-1.0, 8.0]))
    tensor([0., 6.])
    """
    return hardtanh(input, 0.0, 6.0)


def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``.

    >>> import rushlight as torch
    >>> torch.nn.functional.softsign(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    from .complexes import abs

    return input / (abs(input) + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``.

    >>> import rushlight as torch
    >>> torch.nn.functional.tanhshrink(torch.tensor([-1.0, 0.0]))
    tensor([-0.2384,  0.0000])
    """
    return input - tanh(input)


@pointwise(
    node="PreluKernelBackward0",
    input=lambda g, input, weight: tied(where(input > 0, g, weight * g), input),
    weight=lambda g, input: where(input > 0, 0, input * g),
)
def prelu_of(input: Tensor, weight: Tensor) -> Tensor:
    """The operator behind :func:`prelu`, with the weight brought to the channels."""
    only("f", "prelu_cpu", input)
    array: Any = weight
    if array.size == 1 and input.size >= LARGE and input.dtype is array.dtype:  # type: ignore[operator]
        return elementwise.leaky_relu(input, array.item())
    return picked(input > 0, input, weight * input)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``x``, times a learned ``weight`` where it is negative: one number, or one a channel (dimension 1).

    >>> import rushlight as torch
    >>> torch.prelu(torch.tensor([-1.0, 2.0]), torch.tensor([0.25]))
    tensor([-0.2500,  2.0000])
    """
    from .shape import reshape

    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}")
    n = weight.numel()
    if n != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != n:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {n} and channel size "
                f"= {channels}."
            )
    if weight.ndim or input.ndim:
        ones = (1,) * max(input.ndim - 2, 0)
        weight = reshape(weight, (n, *ones) if input.ndim > 1 else (n,) if input.ndim else ())
    return prelu_of(input, weight)


@pointwise(node="RreluWithNoiseBackward0", input=lambda g, noise, result: tied(g * noise, result))
def rrelu_with_noise(input: Tensor, noise: Tensor) -> Tensor:
    """``input`` times the slopes in ``noise``, which are 1 where it is positive."""
    return np.multiply(input, noise)


@pointwise(node="RreluWithNoiseBackward0", input=leaky_rule)
def rrelu_at_middle(input: Tensor, negative_slope: float) -> Tensor:
    """:func:`leaky_relu` under the name that ``rrelu`` has in the graph."""
    return leaky_relu.op.body(input, negative_slope)


def randomly(input: Any, lower: float, upper: float, training: bool, generator: Any) -> tuple[Any, tuple[Any, ...]]:
    """The operator behind ``rrelu`` and its further arguments."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return rrelu_at_middle, ((lower + upper) / 2,)
    from .random import twister

    if record.np_dtype(input).kind != "f":
        raise not_implemented("rrelu_with_noise_out_cpu", record.np_dtype(input))
    return rrelu_with_noise, (slopes(input, twister(generator, "rrelu"), lower, upper),)


def no_slopes(transform: Any, input: Any, source: Any, lower: float, upper: float) -> Any:
    raise RuntimeError(
        "vmap: We do not yet support calling random operations inside of vmap that draw by the values of their input: "
        "rrelu in training is one. Call it outside of vmap."
    )


@levels.constant(no_slopes)
def slopes(input: Tensor, source: Any, lower: float, upper: float) -> Tensor:
    """The slopes of ``rrelu``: drawn where the input is negative."""
    from .._kernels.random import rrelu_noise

    return wrap(rrelu_noise(source, input._array, lower, upper))


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
) -> Tensor:
    """``x``, times a slope where it is negative: in training a random one of [lower, upper), else the middle.

    The random slopes are those of PyTorch's generator with the same seed.

    >>> import rushlight as torch
    >>> torch.rrelu(torch.tensor([-24.0, 2.0]))
    tensor([-5.5000,  2.0000])
    """
    op, args = randomly(input, lower, upper, training, generator)
    return op(input, *args)


def rrelu_(
    input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, generator: Any = None
) -> Any:
    """In-place version of :func:`rrelu`: the result is left in the memory of ``input``.

    >>> import rushlight as torch
    >>> torch.rrelu_(torch.tensor([-24.0, 2.0]))
    tensor([-5.5000,  2.0000])
    """
    op, args = randomly(input, lower, upper, training, generator)
    return inplace(op, "rrelu_")(input, *args)


def glu_rule(g: Any, input: Any, dim: int) -> Any:
    from .shape import cat, part

    axis = canonical(dim, len(input.shape))
    half = input.shape[axis] // 2
    a, b = part(input, axis, 0, half), part(input, axis, half, 2 * half)
    s = sigmoid(b)
    return cat([g * s, g * (a * s * (1 - s))], axis)


@operator(batch=over_dims("dim"), input=glu_rule)
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along ``dim`` times the sigmoid of the second (Dauphin et al., 2016).

    Raises RuntimeError if the size of ``dim`` is odd.

    >>> import rushlight as torch
    >>> torch.nn.functional.glu(torch.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """
    array: Any = input
    if array.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    axis = canonical(dim, array.ndim)
    size = array.shape[axis]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {size}")
    only("f", "glu_cpu", array)
    a, b = np.split(array, 2, axis)
    return a * elementwise.sigmoid(b)


celu_ = inplace(celu)
threshold_ = inplace(threshold)


def selu_(input: Tensor) -> Any:
    """In-place version of :func:`selu`: the result is left in the memory of ``input``.

    >>> import rushlight as torch
    >>> torch.selu_(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return inplace(elu_of, "selu_")(input, SELU_ALPHA, SELU_SCALE, 1.0)
