"""Elementary functions of one variable: powers of e, logarithms, circular and hyperbolic functions, rounding.

The rules of holomorphic functions are written as for real numbers: the machine conjugates around them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import dtypes
from .._core.declare import pointwise
from .._core.record import np_dtype
from .._core.tensor import Tensor, wrap
from .._kernels import elementary as kernels

LN2, LN10 = math.log(2), math.log(10)
TO_DEGREES, TO_RADIANS = 180 / math.pi, math.pi / 180


def zeros_as(x: Any) -> Any:
    """Zeros of the shape and dtype of an array or tensor: the gradient of what is constant between its steps."""
    if isinstance(x, (np.ndarray, np.generic)):
        return np.zeros(x.shape, x.dtype)
    return wrap(np.zeros(tuple(x.shape), np_dtype(x)))


def flat(g: Any) -> Any:
    """The rule of functions with steps."""
    return zeros_as(g)


def not_implemented(name: str, dtype: np.dtype) -> NotImplementedError:
    """The error for a dtype that a function does not take."""
    return NotImplementedError(f"\"{name}\" not implemented for '{dtypes.LEGACY[dtypes.FROM_NUMPY[dtype].name]}'")


def floats_only(name: str, x: Any, kinds: str = "f") -> None:
    """Raise NotImplementedError, as the kernel ``name`` of PyTorch's does, unless the tensor is of floats."""
    if isinstance(x, (Tensor, np.ndarray)) and np_dtype(x).kind not in kinds:
        raise not_implemented(name, np_dtype(x))


def only(kinds: str, name: str, x: np.ndarray) -> None:
    """Raise unless the dtype is of one of ``kinds`` (NumPy's letters)."""
    if x.dtype.kind not in kinds:
        raise not_implemented(name, x.dtype)


# ---- exponentials and logarithms


@pointwise("float", holomorphic=True, input=lambda g, result: g * result)
def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e to the power of ``input``.

    >>> import rushlight as torch
    >>> torch.exp(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return np.exp(input)


@pointwise("float", holomorphic=True, input=lambda g, result: g * result * LN2)
def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2 to the power of ``input``.

    >>> import rushlight as torch
    >>> torch.exp2(torch.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return kernels.exp2(input) if input.dtype.kind != "c" else np.exp(input * input.dtype.type(LN2))


@pointwise("float", holomorphic=True, input=lambda g, result: g * (result + 1))
def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e to the power of ``input``, minus 1, exact also near 0.

    >>> import rushlight as torch
    >>> torch.expm1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return kernels.expm1(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g / input)
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Natural logarithm; nan for negative numbers.

    >>> import rushlight as torch
    >>> torch.log(torch.tensor([1.0, 10.0]))
    tensor([0.0000, 2.3026])
    """
    return np.log(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g / (input * LN2))
def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logarithm to base 2.

    >>> import rushlight as torch
    >>> torch.log2(torch.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return kernels.log2(input) if input.dtype.kind != "c" else np.log(input) / input.dtype.type(LN2)


@pointwise("float", holomorphic=True, input=lambda g, input: g / (input * LN10))
def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logarithm to base 10.

    >>> import rushlight as torch
    >>> torch.log10(torch.tensor([1.0, 1000.0]))
    tensor([0., 3.])
    """
    return kernels.log10(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g / (input + 1))
def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Natural logarithm of ``1 + input``, exact also near 0.

    >>> import rushlight as torch
    >>> torch.log1p(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    if input.dtype.kind != "c":
        return kernels.log1p(input)
    x, y = input.real, input.imag  # NumPy's own loses the digits of small numbers
    made = np.empty_like(input)
    made.real = np.where(
        np.maximum(np.abs(x), np.abs(y)) < 0.5, np.log1p(x * (2 + x) + y * y) / 2, np.log(np.hypot(x + 1, y))
    )
    made.imag = np.arctan2(y, x + 1)
    return made


# ---- roots and reciprocals


@pointwise("float", holomorphic=True, input=lambda g, result: g / (2 * result))
def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Square root; nan for negative numbers.

    >>> import rushlight as torch
    >>> torch.sqrt(torch.tensor([4.0, 2.0]))
    tensor([2.0000, 1.4142])
    """
    return np.sqrt(input)


def no_float(x: Any) -> RuntimeError:
    """PyTorch's error where floating point results are to go to a tensor of whole numbers."""
    name = dtypes.LEGACY[dtypes.FROM_NUMPY[np_dtype(x)].name]
    return RuntimeError(f"result type Float can't be cast to the desired output type {name}: the input is of {name}")


def rounded_once(compute: Any, input: Any) -> Any:
    """What several steps make of float16: computed in float32 and rounded at the end, as PyTorch does."""
    return np.asarray(compute(input.astype(np.float32))).astype(input.dtype)


@pointwise("float", holomorphic=True, input=lambda g, result: -0.5 * g * (result * result * result))
def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 over the square root.

    >>> import rushlight as torch
    >>> torch.rsqrt(torch.tensor([4.0, 1.0]))
    tensor([0.5000, 1.0000])
    """
    if input.dtype.char == "e":
        return rounded_once(lambda x: 1 / np.sqrt(x), input)  # type: ignore[no-any-return]
    return 1 / np.sqrt(input)


@pointwise("float", holomorphic=True, input=lambda g, result: -g * (result * result))
def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 over ``input``.

    >>> import rushlight as torch
    >>> torch.reciprocal(torch.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """
    return np.reciprocal(input)


# ---- circular and hyperbolic functions


@pointwise("float", holomorphic=True, input=lambda g, input: g * cos(input))
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sine of an angle in radians.

    >>> import rushlight as torch
    >>> torch.sin(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return np.sin(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g * -sin(input))
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Cosine of an angle in radians.

    >>> import rushlight as torch
    >>> torch.cos(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return np.cos(input)


@pointwise("float", holomorphic=True, input=lambda g, result: g * (1 + result * result))
def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Tangent of an angle in radians.

    >>> import rushlight as torch
    >>> torch.tan(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return kernels.tan(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g * rsqrt(1 - input * input))
def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse sine, in radians; nan outside [-1, 1].

    >>> import rushlight as torch
    >>> torch.asin(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return kernels.asin(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g * -rsqrt(1 - input * input))
def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse cosine, in radians; nan outside [-1, 1].

    >>> import rushlight as torch
    >>> torch.acos(torch.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return kernels.acos(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g / (input * input + 1))
def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse tangent, in radians.

    >>> import rushlight as torch
    >>> torch.atan(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return kernels.atan(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g * cosh(input))
def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Hyperbolic sine.

    >>> import rushlight as torch
    >>> torch.sinh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return kernels.sinh(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g * sinh(input))
def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Hyperbolic cosine.

    >>> import rushlight as torch
    >>> torch.cosh(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return kernels.cosh(input)


@pointwise("float", holomorphic=True, input=lambda g, result: g * (1 - result * result))
def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Hyperbolic tangent.

    >>> import rushlight as torch
    >>> torch.tanh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return np.tanh(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g * rsqrt(input * input + 1))
def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse hyperbolic sine.

    >>> import rushlight as torch
    >>> torch.asinh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return np.arcsinh(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g * rsqrt(input * input - 1))
def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse hyperbolic cosine; nan below 1.

    >>> import rushlight as torch
    >>> torch.acosh(torch.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return np.arccosh(input)


@pointwise("float", holomorphic=True, input=lambda g, input: g / (1 - input * input))
def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse hyperbolic tangent; infinite at -1 and 1, nan beyond.

    >>> import rushlight as torch
    >>> torch.atanh(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return np.arctanh(input)


def sinc_rule(g: Any, input: Any) -> Any:
    from .compare import where

    x = input * math.pi
    flat = x * x == 0  # also where the square underflows
    safe = where(flat, 1, x)
    return where(flat, 0, g * ((x * cos(x) - sin(x)) * math.pi / (safe * safe)))


@pointwise("float", holomorphic=True, input=sinc_rule)
def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sin(pi x) / (pi x)``, 1 at 0.

    >>> import rushlight as torch
    >>> torch.sinc(torch.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    if input.dtype.char == "e":
        return rounded_once(sinc.op.body, input)  # type: ignore[attr-defined, no-any-return]
    x = input * input.dtype.type(math.pi)
    return np.where(input == 0, input.dtype.type(1), np.sin(x) / x)


@pointwise("float", input=lambda g: g * TO_RADIANS)
def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees as radians.

    >>> import rushlight as torch
    >>> torch.deg2rad(torch.tensor([180.0, 90.0]))
    tensor([3.1416, 1.5708])
    """
    if input.dtype.kind == "c":
        raise RuntimeError("deg2rad is not supported for complex tensors.")
    if input.dtype.char == "e":
        return rounded_once(lambda x: x * np.float32(TO_RADIANS), input)  # type: ignore[no-any-return]
    return input * input.dtype.type(TO_RADIANS)


@pointwise("float", input=lambda g: g * TO_DEGREES)
def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians as degrees.

    >>> import rushlight as torch
    >>> torch.rad2deg(torch.tensor([3.0, 1.5]))
    tensor([171.8873,  85.9437])
    """
    if input.dtype.kind == "c":
        raise RuntimeError("rad2deg is not supported for complex tensors.")
    if input.dtype.char == "e":
        return rounded_once(lambda x: x * np.float32(TO_DEGREES), input)  # type: ignore[no-any-return]
    return input * input.dtype.type(TO_DEGREES)


# ---- whole numbers


def whole(name: str, function: Any, input: Any) -> Any:
    """A rounding function: integers are whole already."""
    if input.dtype.kind in "bc":
        raise not_implemented(name, input.dtype)
    return input.copy() if input.dtype.kind in "iu" else function(input)


@pointwise(input=flat)
def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest whole number that is not greater. The gradient is 0.

    >>> import rushlight as torch
    >>> torch.floor(torch.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    return whole("floor_vml_cpu", np.floor, input)


@pointwise(input=flat)
def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least whole number that is not less. The gradient is 0.

    >>> import rushlight as torch
    >>> torch.ceil(torch.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    return whole("ceil_vml_cpu", np.ceil, input)


@pointwise(input=flat)
def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The whole part, towards 0. The gradient is 0.

    >>> import rushlight as torch
    >>> torch.trunc(torch.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return whole("trunc_vml_cpu", np.trunc, input)


@pointwise(input=lambda g: g)
def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """What is left of ``input`` without its whole part.

    >>> import rushlight as torch
    >>> torch.frac(torch.tensor([1.5, -1.25]))
    tensor([ 0.5000, -0.2500])
    """
    only("f", "frac_cpu", input)
    return input - np.trunc(input)


@pointwise(node="RoundBackward1", input=flat)
def round_decimals(input: Tensor, decimals: int, *, out: Tensor | None = None) -> Tensor:
    """``input`` rounded to a number of decimals (of tens, if negative)."""
    only("f", "round_cpu", input)
    if decimals == 0:
        return np.rint(input)
    scale = input.dtype.type(10.0 ** abs(decimals))
    return np.rint(input * scale) / scale if decimals > 0 else np.rint(input / scale) * scale


@pointwise(input=flat, instead={"decimals": round_decimals})
def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """The nearest whole number (halves go to the even one), or the nearest with ``decimals`` decimals.

    The gradient is 0.

    >>> import rushlight as torch
    >>> torch.round(torch.tensor([0.5, 1.5, -1.7]))
    tensor([ 0.,  2., -2.])
    >>> torch.round(torch.tensor([0.127]), decimals=2)
    tensor([0.1300])
    """
    return whole("round_vml_cpu", np.rint, input)


@pointwise("float", holomorphic=True, input=lambda g, result: g * (result * (1 - result)))
def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 / (1 + exp(-x))``, between 0 and 1.

    >>> import rushlight as torch
    >>> torch.sigmoid(torch.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    if input.dtype.kind == "c":
        return 1 / (1 + np.exp(-input))
    from .._kernels import elementwise

    return elementwise.sigmoid(input)


def logit_rule(g: Any, input: Any, eps: float | None) -> Any:
    from .compare import where

    slope = g / (input * (1 - input))
    if eps is None:
        if type(input) is np.ndarray and input.size and input.min() >= 0 and input.max() <= 1:
            return slope
        return where((input < 0) | (input > 1), math.nan, slope)
    return where((input < eps) | (input > 1 - eps), 0, slope)


@pointwise("float", input=logit_rule)
def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """``log(x / (1 - x))``, the inverse of :func:`sigmoid`; with ``eps``, of ``x`` clamped to [eps, 1 - eps].

    >>> import rushlight as torch
    >>> torch.logit(torch.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    only("f", "logit_cpu", input)
    if eps is not None:
        kind = input.dtype.type
        input = np.where(input < kind(eps), kind(eps), np.where(input > kind(1 - eps), kind(1 - eps), input))
    return np.log(input / (1 - input))


# ---- error functions and the gamma function


def erf_slope(g: Any, input: Any) -> Any:
    return g * (2 / math.sqrt(math.pi)) * exp(-(input * input))


@pointwise("float", input=erf_slope)
def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The error function: ``2/sqrt(pi)`` times the integral of ``exp(-t^2)`` from 0 to x.

    >>> import rushlight as torch
    >>> torch.erf(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    from .._kernels import elementwise

    only("f", "erf_vml_cpu", input)
    return elementwise.erf(input)


@pointwise("float", input=lambda g, input: -erf_slope(g, input))
def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 - erf(x)``, exact also where that is tiny.

    >>> import rushlight as torch
    >>> torch.erfc(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    from .._kernels import elementwise

    only("f", "erfc_vml_cpu", input)
    return elementwise.erfc(input)


# Slower than PyTorch: the loop takes float64, half as many numbers an instruction; PyTorch's steps stay in float32.
@pointwise("float", input=lambda g, result: g * (math.sqrt(math.pi) / 2) * exp(result * result))
def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of :func:`erf`; infinite at -1 and 1, nan beyond.

    >>> import rushlight as torch
    >>> torch.erfinv(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """
    from .._kernels import gamma

    only("f", "erfinv_vml_cpu", input)
    return gamma.erfinv(input)


@pointwise("float", input=lambda g, input: g * digamma(input))
def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Logarithm of the absolute value of the gamma function.

    >>> import rushlight as torch
    >>> torch.lgamma(torch.tensor([1.0, 5.0]))
    tensor([0.0000, 3.1781])
    """
    from .._kernels import gamma

    only("f", "lgamma_vml_cpu", input)
    return gamma.lgamma(input)


@pointwise("float", input=lambda g, input: g * polygamma_of(input, 1))
def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The derivative of :func:`lgamma`.

    >>> import rushlight as torch
    >>> torch.digamma(torch.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """
    from .._kernels import gamma

    only("f", "digamma", input)
    return gamma.digamma(input)


@pointwise("float", node="PolygammaBackward0", input=lambda g, input, n: g * polygamma_of(input, n + 1))
def polygamma_of(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The ``n``-th derivative of digamma: :func:`polygamma` with its arguments in an operator's order."""
    from .._kernels import gamma

    only("f", "polygamma", input)
    if input.dtype.char == "e":
        return rounded_once(lambda x: gamma.polygamma(n, x), input)  # type: ignore[no-any-return]
    return gamma.polygamma(n, input)


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The ``n``-th derivative of :func:`digamma`, ``n`` from 0 on.

    >>> import rushlight as torch
    >>> torch.polygamma(1, torch.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return polygamma_of(input, n, out=out)


def polygamma_method(self: Tensor, n: int) -> Tensor:
    """The ``n``-th derivative of digamma; see :func:`rushlight.polygamma`."""
    return polygamma(n, self)


def polygamma_method_(self: Tensor, n: int) -> Any:
    """In-place version of :func:`polygamma`: the result is left in the memory of ``self``."""
    from .._core.views import inplace

    return inplace(polygamma_of, "polygamma_")(self, n)


def mvlgamma_(self: Tensor, p: int) -> Any:
    """In-place version of :func:`mvlgamma`: the result is left in the memory of ``self``."""
    from .._core.views import inplace

    return inplace(mvlgamma_of, "mvlgamma_")(self, p)


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """Logarithm of the multivariate gamma function of dimension ``p``, for ``input > (p - 1)/2``.

    >>> import rushlight as torch
    >>> torch.mvlgamma(torch.tensor([3.0]), 2)
    tensor([1.5502])
    """
    if np_dtype(input).kind == "b":
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    return mvlgamma_of(input, p, out=out)


def mvlgamma_rule(g: Any, input: Any, p: int) -> Any:
    slope = digamma(input)
    for j in range(1, p):
        slope = slope + digamma(input - j / 2)
    return g * slope


@pointwise("float", node="MvlgammaBackward0", input=mvlgamma_rule)
def mvlgamma_of(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The operator behind :func:`mvlgamma`."""
    from .._kernels import gamma

    only("f", "mvlgamma", input)
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if input.dtype.char == "e":
        return rounded_once(lambda x: mvlgamma_of.op.forward(x, p), input)  # type: ignore[attr-defined, no-any-return]
    total: Any = input.dtype.type(p * (p - 1) / 4 * math.log(math.pi))
    for j in range(p):
        total = total + gamma.lgamma(input - input.dtype.type(j / 2))
    return total


def nan_to_num_rule(g: Any, input: Any) -> Any:
    from .compare import isfinite, where

    return where(isfinite(input), g, 0)


@pointwise(input=nan_to_num_rule)
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """``input`` with nan replaced by ``nan`` (0), infinities by the largest finite numbers or what is given.

    >>> import rushlight as torch
    >>> torch.nan_to_num(torch.tensor([float('nan'), 1.0]), nan=5.0)
    tensor([5., 1.])
    """
    if input.dtype.kind in "biu":
        return input.copy()
    if input.dtype.kind == "c":
        real, imaginary = (nan_to_num.op.body(part, nan, posinf, neginf) for part in (input.real, input.imag))
        made = np.empty(input.shape, input.dtype)
        made.real, made.imag = real, imaginary
        return made
    limits = np.finfo(input.dtype)
    made = input.copy()
    if np.count_nonzero(np.isfinite(made)) == made.size:  # nearly always
        return made
    np.copyto(made, 0 if nan is None else nan, where=np.isnan(input))
    np.copyto(made, limits.max if posinf is None else posinf, where=input == np.inf)
    np.copyto(made, limits.min if neginf is None else neginf, where=input == -np.inf)
    return made


arccos, arccosh, arcsin, arcsinh, arctan, arctanh = acos, acosh, asin, asinh, atan, atanh
fix = trunc
