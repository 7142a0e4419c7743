"""Arithmetic: sums, products, quotients, remainders, powers, and blends of these.

The rules of holomorphic functions are written as for real numbers: the machine conjugates around them.
"""

from __future__ import annotations

import builtins
import cmath
import math
from typing import Any

import numpy as np

from .._core import record, views
from .._core.declare import LEADING, operator, pointwise
from .._core.tensor import Tensor
from .._kernels import elementary as kernels
from .._kernels import elementwise
from . import return_types
from .broadcast import cast_to
from .compare import legacy, where
from .elementary import LN2, exp, exp2, log, not_implemented, only, zeros_as
from .fill import converted
from .without import NO_NODE, no_formula

Number = bool | int | float | complex

# ---- sums and differences


def refuse_bool(operands: Any) -> None:
    """Raise for a difference with a tensor of bools in it."""
    kinds = [o.dtype.kind if isinstance(o, np.ndarray) else type(o).__name__[0] for o in operands]
    if all(k == "b" for k in kinds):
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if "b" in kinds:  # of a Python bool too
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


def scaled(op: str, input: Any, other: Any, alpha: Any) -> Any:
    """``other`` times ``alpha``, which may not be of a higher kind than the numbers are."""
    other = np.asarray(other)
    kind = other.dtype.kind
    if isinstance(alpha, builtins.bool) and kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and kind in "biu":
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, builtins.complex) and kind != "c":
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    factor = other.dtype.type(converted(alpha, other.dtype))
    if other.dtype.char == "e":  # the sum is rounded, not the product
        return other.astype(np.float32) * np.float32(factor)
    return other * factor


def wide_pair(input: Any, product: Any) -> tuple[Any, Any]:
    """A float16 ``input`` in float32, if ``product`` is; two arrays of one dtype as they are."""
    if product.dtype.char == "f":
        return np.asarray(input, np.float32), product
    return input, product


def half_rounded(made: Any, like: Any) -> Any:
    return np.asarray(made, np.float16) if np.asarray(like).dtype.char == "e" else made


def one_pass(input: Any, other: Any, alpha: Any) -> bool:
    """Whether two arrays are large floats of one kind, so that a pass over memory for the product is worth sparing."""
    return (
        type(other) is np.ndarray is type(input)
        and other.dtype.char in "fd"
        and other.size > elementwise.PART
        and other.dtype is input.dtype
        and other.shape == input.shape
        and type(alpha) in (builtins.int, builtins.float)
    )


@pointwise(holomorphic=True, node="AddBackward0", input=lambda g: g, other=lambda g, alpha: g * alpha)
def add_scaled(input: Tensor | Number, other: Tensor | Number, alpha: Number, *, out: Tensor | None = None) -> Tensor:
    """``input + alpha * other``: :func:`add` with ``alpha``."""
    if one_pass(input, other, alpha):
        return elementwise.add_scaled(input, other, converted(alpha, other.dtype))
    return half_rounded(np.add(*wide_pair(input, scaled("add", input, other, alpha))), other)


@pointwise(instead={"alpha": add_scaled}, older=("alpha",), input=lambda g: g, other=lambda g: g)
def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """``input + alpha * other``, element by element, with broadcasting.

    >>> import rushlight as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0]), alpha=2)
    tensor([21., 42.])
    """
    return np.add(input, other)


@pointwise(refuse_bool, holomorphic=True, node="SubBackward0", input=lambda g: g, other=lambda g, alpha: -g * alpha)
def sub_scaled(input: Tensor | Number, other: Tensor | Number, alpha: Number, *, out: Tensor | None = None) -> Tensor:
    """``input - alpha * other``: :func:`sub` with ``alpha``."""
    if one_pass(input, other, alpha):
        return elementwise.add_scaled(input, other, -converted(alpha, other.dtype))
    return half_rounded(np.subtract(*wide_pair(input, scaled("sub", input, other, alpha))), other)


def no_difference(dtype: np.dtype) -> Exception:
    try:
        refuse_bool([np.empty(0, bool)] * 2)
    except RuntimeError as error:
        return error
    raise AssertionError


@pointwise(
    refuse_bool,
    instead={"alpha": sub_scaled},
    older=("alpha",),
    refuse=no_difference,
    input=lambda g: g,
    other=lambda g: -g,
)
def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """``input - alpha * other``, element by element, with broadcasting. Raises RuntimeError for bools.

    >>> import rushlight as torch
    >>> torch.sub(torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0]))
    tensor([ -9., -18.])
    """
    return np.subtract(input, other)


@pointwise(
    refuse_bool,
    holomorphic=True,
    node={"": "RsubBackward0", "other": "RsubBackward1"},
    input=lambda g, alpha: -g * alpha,
    other=lambda g: g,
)
def rsub_scaled(input: Tensor, other: Tensor | Number, alpha: Number, *, out: Tensor | None = None) -> Tensor:
    """``other - alpha * input``: :func:`rsub` with ``alpha``."""
    return half_rounded(np.subtract(*wide_pair(other, scaled("rsub", other, input, alpha))), input)


@pointwise(
    refuse_bool,
    instead={"alpha": rsub_scaled},
    refuse=no_difference,
    node={"": "RsubBackward0", "other": "RsubBackward1"},
    input=lambda g: -g,
    other=lambda g: g,
)
def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``: :func:`sub` the other way round.

    >>> import rushlight as torch
    >>> torch.rsub(torch.tensor([1.0, 2.0]), 1)
    tensor([ 0., -1.])
    """
    return np.subtract(other, input)


def no_negation(dtype: np.dtype) -> Exception:
    return RuntimeError(
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the "
        "`~` or `logical_not()` operator instead."
    )


@pointwise(refuse=no_negation, input=lambda g: -g)
def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``-input``. Raises RuntimeError for bools.

    >>> import rushlight as torch
    >>> torch.neg(torch.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return np.negative(input)


def positive(input: Tensor) -> Tensor:
    """``input`` itself. Raises RuntimeError for bools.

    >>> import rushlight as torch
    >>> torch.positive(torch.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    if record.np_dtype(input).kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# ---- products and quotients


@pointwise(holomorphic=True, wide=True, input=lambda g, other: g * other, other=lambda g, input: g * input)
def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * other``, element by element, with broadcasting.

    >>> import rushlight as torch
    >>> torch.mul(torch.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])
    """
    return np.multiply(input, other)


def integer_zeros(other: Any) -> None:
    """Raise for a division of integers by zero."""
    if not isinstance(other, float) and np.asarray(other).dtype.kind in "iu" and not np.all(other):
        raise RuntimeError("ZeroDivisionError")


def floored(input: Any, other: Any) -> Any:
    """The quotient rounded down."""
    if input.dtype.kind == "c":
        raise not_implemented("div_floor_cpu", input.dtype)
    if input.dtype.kind == "b":
        raise not_implemented("div_floor_cpu", input.dtype)
    integer_zeros(other)
    return kernels.floor_divide(input, other)


def rounded(input: Any, other: Any, rounding_mode: str) -> Any:
    if rounding_mode == "floor":
        return floored(input, other)
    if input.dtype.kind in "bc":
        raise not_implemented("div_trunc_cpu", input.dtype)
    integer_zeros(other)
    if input.dtype.kind == "f":
        return np.trunc(np.true_divide(input, other))
    if input.dtype.kind == "u":
        return np.floor_divide(input, other)
    quotient = np.floor_divide(input, other)  # down, so one too low where the signs differ and something is left
    return quotient + ((quotient * other != input) & ((input < 0) != (other < 0)))


@pointwise(node="DivBackward2", wide=True, input=lambda g: zeros_as(g), other=lambda g: zeros_as(g))
def div_rounded(
    input: Tensor | Number, other: Tensor | Number, rounding_mode: str, *, out: Tensor | None = None
) -> Tensor:
    """:func:`div` with a rounding mode."""
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return rounded(input, other, rounding_mode)


@pointwise(
    "float",
    holomorphic=True,
    wide=True,
    instead={"rounding_mode": div_rounded},
    input=lambda g, other: g / other,
    other=lambda g, input, other: -g * ((input / other) / other),
)
def div(
    input: Tensor | Number,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """``input / other``, element by element; of integers a floating-point number.

    ``rounding_mode``: "trunc" rounds towards 0, "floor" down; integers stay integers then, and their division by
    zero raises RuntimeError.

    >>> import rushlight as torch
    >>> torch.div(torch.tensor([7, -7]), 2), torch.div(torch.tensor([7, -7]), 2, rounding_mode="floor")
    (tensor([ 3.5000, -3.5000]), tensor([ 3, -4]))
    """
    return np.true_divide(input, other)


@pointwise(
    node={"": NO_NODE, "other": NO_NODE},
    wide=True,
    input=no_formula("floor_divide"),
    other=no_formula("floor_divide"),
)
def floor_divide(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input / other`` rounded down. Raises RuntimeError where integers are divided by zero. It has no derivative.

    >>> import rushlight as torch
    >>> torch.floor_divide(torch.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    return floored(input, other)


@pointwise(
    node={"": "RemainderBackward1", "other": "RemainderBackward0"},
    input=lambda g: g,
    other=lambda g, input, other: -g * div_rounded(input, other, "floor"),
)
def remainder(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """What division by ``other`` leaves, with the sign of ``other`` (Python's ``%``).

    Raises RuntimeError where integers are divided by zero.

    >>> import rushlight as torch
    >>> torch.remainder(torch.tensor([7.0, -7.0]), 3)
    tensor([1., 2.])
    """
    if input.dtype.kind in "bc":
        raise not_implemented("remainder_cpu", input.dtype)
    integer_zeros(other)
    return kernels.remainder(input, other)


@pointwise(
    node={"": "FmodBackward1", "other": "FmodBackward0"},
    input=lambda g: g,
    other=lambda g, input, other: -g * div_rounded(input, other, "trunc"),
)
def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """What division by ``other`` leaves, with the sign of ``input`` (C's ``fmod``).

    Raises RuntimeError where integers are divided by zero.

    >>> import rushlight as torch
    >>> torch.fmod(torch.tensor([7.0, -7.0]), 3)
    tensor([ 1., -1.])
    """
    if input.dtype.kind in "bc":
        raise not_implemented("fmod_cpu", input.dtype)
    integer_zeros(other)
    return kernels.fmod(input, other)


# ---- powers


def power(base: Any, exponent: Any) -> Any:
    """``base ** exponent`` of arrays of one dtype; of integers, negative exponents give 0 except for 1 and -1."""
    kind = base.dtype.kind
    if kind == "b":
        raise not_implemented("pow", base.dtype)
    if kind != "i" or np.all(exponent >= 0):
        return np.power(base, exponent)
    sign = np.where(base == 1, 1, np.where(base == -1, 1 - 2 * (exponent & 1), 0)).astype(base.dtype)
    return np.where(exponent < 0, sign, np.power(base, np.maximum(exponent, 0)))


def number_power(input: Any, exponent: Any) -> Any:
    """``input ** exponent`` for a number, the common exponents by cheaper functions."""
    kind = input.dtype.kind
    if kind in "biu":
        if isinstance(exponent, builtins.bool):
            exponent = int(exponent)
        if isinstance(exponent, int):
            if exponent < 0:
                raise RuntimeError("Integers to negative integer powers are not allowed.")
            return np.power(input.astype(np.int64) if kind == "b" else input, exponent)
        input = input.astype(record.common_dtype("same", [input, exponent]))
    if exponent == 2:
        return np.square(input)
    if exponent == 3:
        if input.dtype.char == "e":
            return in_single(pow_number, input, exponent)
        return input * input * input
    if exponent == 1:
        return input.copy()
    if exponent == 0.5:
        return np.sqrt(input)
    if exponent == -1:
        return np.reciprocal(input)
    if exponent == -0.5:
        return 1 / np.sqrt(input)
    if exponent == -2:
        return np.reciprocal(np.square(input))
    return np.power(input, input.dtype.type(exponent))


def power_slope(g: Any, input: Any, exponent: Any) -> Any:
    if exponent == 0:
        return zeros_as(g)
    if exponent == 2:
        return g * (2 * input)
    return g * (exponent * pow_number(input, exponent - 1))


@pointwise(holomorphic=True, node="PowBackward0", input=power_slope)
def pow_number(input: Tensor, exponent: Number, *, out: Tensor | None = None) -> Tensor:
    """:func:`pow` with an exponent that is a number."""
    return number_power(input, exponent)


def exponent_slope(g: Any, base: Any, exponent: Any, result: Any) -> Any:
    """``result * log(base)``, and 0 for a base of 0 where the exponent is not negative."""
    if record.np_dtype(exponent).kind != "c":
        return where((base == 0) & (exponent >= 0), 0, g * (result * logarithm(base)))
    from .complexes import imag, real

    # a negative real base has a complex logarithm
    known = complex(base) if isinstance(base, record.NUMBERS) else cast_to(base, record.np_dtype(result))
    constant = (real(exponent) >= 0) & (imag(exponent) == 0) & (base == 0)
    return where(constant, 0, g * (result * logarithm(known)))


def logarithm(base: Any) -> Any:
    """The logarithm of a tensor, or of a number: -infinity of 0, nan of a negative real one."""
    if not isinstance(base, (int, float, builtins.complex)):
        return log(base)
    if isinstance(base, builtins.complex):
        return cmath.log(base) if base else -math.inf
    return math.log(base) if base > 0 else -math.inf if base == 0 else math.nan


def base_slope(g: Any, input: Any, exponent: Any) -> Any:
    if isinstance(exponent, record.NUMBERS):
        return g * (exponent * pow_tensor(input, exponent - 1)) if exponent != 0 else zeros_as(g)
    return where(exponent == 0, 0, g * (exponent * pow_tensor(input, exponent - 1)))


@pointwise(
    holomorphic=True,
    node={"": "PowBackward1", "input": "PowBackward2", "exponent": "PowBackward0"},
    input=base_slope,
    exponent=lambda g, input, exponent, result: exponent_slope(g, input, exponent, result),
)
def pow_tensor(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """:func:`pow` with an exponent that is a tensor."""
    return power(input, exponent)


def pow(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """``input`` to the power of ``exponent``; either may be a number.

    Raises RuntimeError for integers to a negative integer power that is a number.

    >>> import rushlight as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2), torch.pow(2, torch.tensor([1.0, 3.0]))
    (tensor([1., 4., 9.]), tensor([2., 8.]))
    """
    return powers(input, exponent, "pow")(input, exponent, out=out)


def powers(input: Any, exponent: Any, name: str) -> Any:
    """The operator for a base and an exponent of this kind."""
    if type(exponent) in (int, float) and not isinstance(input, (int, float, builtins.complex)):
        return pow_number
    if isinstance(exponent, builtins.complex):
        return pow_number if record.np_dtype(input).kind == "c" else pow_tensor
    if isinstance(exponent, builtins.bool):
        return pow_number
    if isinstance(exponent, (Tensor, np.ndarray, np.generic)):
        return pow_tensor
    kinds = ", ".join(type(x).__name__ for x in (input, exponent))
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({kinds}), but expected a tensor and a number or "
        "tensor"
    )


def pow_(self: Tensor, exponent: Any) -> Any:
    """In-place version of :func:`pow`: the result is left in the memory of ``self``."""
    from .._core.views import inplace

    chosen = powers(self, exponent, "pow_")
    if chosen is pow_number and type(exponent) is int and exponent < 0 and record.np_dtype(self).kind in "iu":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return inplace(chosen, "pow_")(self, exponent)


def power_into(self: Tensor, exponent: Any) -> Any:
    """``self **= exponent``; see :func:`rushlight.pow`."""
    if not isinstance(exponent, (Tensor, np.ndarray, np.generic, int, float, builtins.complex)):
        return NotImplemented
    return pow_(self, exponent)


def power_of(self: Any, exponent: Any) -> Any:
    """``self ** exponent``; see :func:`rushlight.pow`."""
    if type(exponent) in (int, float):
        return pow_number(self, exponent)
    if not isinstance(exponent, (Tensor, np.ndarray, np.generic, builtins.bool, builtins.complex)):
        return NotImplemented
    return pow(self, exponent)


# Slower than PyTorch: in the backward pass, product, logarithm and factor are a pass each.
def power_to(self: Any, base: Any) -> Any:
    """``base ** self``; see :func:`rushlight.pow`."""
    if not isinstance(base, (int, float, builtins.complex, np.ndarray, np.generic, Tensor)):
        return NotImplemented
    return pow_tensor(base.item() if isinstance(base, np.generic) else base, self)


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input`` times itself.

    >>> import rushlight as torch
    >>> torch.square(torch.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """
    return pow_number(input, 2, out=out)


def square_(self: Tensor) -> Any:
    """In-place version of :func:`square`: the result is left in the memory of ``self``."""
    return pow_(self, 2)


def double(x: Any) -> Any:
    """A tensor in float64, or complex128; numbers as they are."""
    if not isinstance(x, (Tensor, np.ndarray)):
        return x
    return cast_to(x, np.dtype("c16") if record.np_dtype(x).kind == "c" else np.dtype("f8"))


def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor:
    """:func:`pow` in double precision, whatever the dtypes are.

    >>> import rushlight as torch
    >>> torch.float_power(torch.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)
    """
    if isinstance(input, (int, float)) and isinstance(exponent, Tensor):
        input = float(input)
    made = pow(double(input), double(exponent))
    if isinstance(out, Tensor):
        views.check_out("float_power", record.np_dtype(made), record.np_dtype(out), 0)
    return made if out is None else views.write_out(views.Named("float_power"), out, made)  # type: ignore[no-any-return]


def float_power_(self: Tensor, exponent: Any) -> Any:
    """In-place version of :func:`float_power`, of float64 and complex128 tensors."""
    want = (
        np.dtype("c16")
        if builtins.any(
            isinstance(x, builtins.complex) or (isinstance(x, Tensor) and record.np_dtype(x).kind == "c")
            for x in (self, exponent)
        )
        else np.dtype("f8")
    )
    have = record.np_dtype(self)
    if have is not want:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {legacy(have)} but the operation's result requires dtype "
            f"{legacy(want)}"
        )
    return pow_(self, double(exponent))


# ---- blends


def same_dtypes(input: Any, **others: Any) -> None:
    """Raise unless tensors have the dtype of the first."""
    have = record.np_dtype(input)
    for name, other in others.items():
        if isinstance(other, Tensor) and record.np_dtype(other) is not have:
            raise RuntimeError(
                f"expected dtype {spelled(have)} for `{name}` but got dtype {spelled(record.np_dtype(other))}"
            )


def spelled(dtype: np.dtype) -> str:
    """C++'s name of a dtype, as PyTorch says it in some messages."""
    names = {"float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long long", "int32": "int",
             "int16": "short", "int8": "signed char", "uint8": "unsigned char", "complex64": "c10::complex<float>",
             "complex128": "c10::complex<double>"}  # fmt: skip
    return names.get(dtype.name, dtype.name)


def refuse_whole(operands: Any) -> None:
    only("fc", "lerp_kernel_scalar", operands[0])


def in_single(function: Any, *args: Any) -> Any:
    """An operator on float16 arrays and numbers computed in float32 and rounded once."""
    ready = [a.astype(np.float32) if isinstance(a, np.ndarray) and a.ndim else a for a in args]
    first = args[0]
    ready[0] = np.asarray(ready[0], np.float32)
    return np.asarray(function.op.forward(*ready), first.dtype)


@pointwise(
    refuse_whole,
    holomorphic=True,
    wide=True,
    node={"": "LerpBackward1", "weight": "LerpBackward0"},
    input=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, input, end: g * (end - input),
)
def lerp_of(input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The operator behind :func:`lerp`."""
    if input.dtype.char == "e":
        return in_single(lerp_of, input, end, weight)
    gap = end - input  # from the nearer end, so that a weight of 1 gives ``end`` exactly
    if np.ndim(weight):
        return np.where(np.abs(weight) < 0.5, input + weight * gap, end - gap * (1 - weight))
    return input + weight * gap if np.abs(weight) < 0.5 else end - gap * (1 - weight)


def lerp(input: Tensor, end: Tensor, weight: Any, *, out: Tensor | None = None) -> Tensor:
    """``input + weight * (end - input)``, all of one dtype; ``weight`` may be a number.

    >>> import rushlight as torch
    >>> torch.lerp(torch.tensor([0.0, 10.0]), torch.tensor([10.0, 20.0]), 0.5)
    tensor([ 5., 15.])
    """
    same_dtypes(input, end=end, weight=weight)
    return lerp_of(input, end, weight, out=out)


def lerp_(self: Tensor, end: Tensor, weight: Any) -> Any:
    """In-place version of :func:`lerp`: the result is left in the memory of ``self``."""
    from .._core.views import inplace

    same_dtypes(self, end=end, weight=weight)
    return inplace(lerp_of, "lerp_")(self, end, weight)


@pointwise(
    older=("value",),
    holomorphic=True,
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (tensor2 * value),
    tensor2=lambda g, tensor1, value: g * (tensor1 * value),
)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """``input + value * tensor1 * tensor2``.

    >>> import rushlight as torch
    >>> torch.addcmul(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0]), value=10)
    tensor([61.])
    """
    if input.dtype.kind == "b":
        raise not_implemented("addcmul_cpu_out", input.dtype)
    if input.dtype.char == "e":
        return in_single(addcmul, input, tensor1, tensor2, value)
    return input + input.dtype.type(converted(value, input.dtype)) * tensor1 * tensor2


def refuse_integer_quotient(operands: Any) -> None:
    if all(o.dtype.kind in "biu" for o in operands[1:] if isinstance(o, np.ndarray)):
        raise integer_quotient()


@pointwise(
    refuse_integer_quotient,
    older=("value",),
    holomorphic=True,
    node="AddcdivBackward0",
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (value / tensor2),
    tensor2=lambda g, tensor1, tensor2, value: -g * (value * (tensor1 / tensor2) / tensor2),
)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """``input + value * tensor1 / tensor2``. Raises RuntimeError for a quotient of integers.

    >>> import rushlight as torch
    >>> torch.addcdiv(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([4.0]), value=10)
    tensor([6.])
    """
    if input.dtype.char == "e":
        return in_single(addcdiv, input, tensor1, tensor2, value)
    return input + input.dtype.type(value) * tensor1 / tensor2


def integer_quotient() -> RuntimeError:
    return RuntimeError(
        "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
        "division of tensor1 and tensor2. Convert them first, or use torch.div with a rounding mode."
    )


# ---- functions of two variables


@pointwise(input=lambda g, input, result: g * (input / result), other=lambda g, other, result: g * (other / result))
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The length of the longest side of a right triangle: ``sqrt(input^2 + other^2)``.

    >>> import rushlight as torch
    >>> torch.hypot(torch.tensor([3.0]), torch.tensor([4.0]))
    tensor([5.])
    """
    only("f", "hypot_cpu", input)
    return kernels.hypot(input, other)


def turn(g: Any, across: Any, a: Any, b: Any) -> Any:
    square = a * a + b * b
    return g * (across * where(square == 0, 0, 1 / square))


@pointwise(
    "float",
    node="Atan2Backward0",
    input=lambda g, input, other: turn(g, other, input, other),
    other=lambda g, input, other: turn(g, -input, input, other),
)
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point ``(other, input)``, in radians from -pi to pi.

    >>> import rushlight as torch
    >>> torch.atan2(torch.tensor([1.0, -1.0]), torch.tensor([0.0, 0.0]))
    tensor([ 1.5708, -1.5708])
    """
    only("f", "atan2_cpu", input)
    return kernels.atan2(input, other)


@pointwise(
    holomorphic=True,
    input=lambda g, input, other: g / (1 + exp(other - input)),
    other=lambda g, input, other: g / (1 + exp(input - other)),
)
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(exp(input) + exp(other))`` without overflow.

    >>> import rushlight as torch
    >>> torch.logaddexp(torch.tensor([0.0, 1000.0]), torch.tensor([0.0, 1000.0]))
    tensor([6.9315e-01, 1.0007e+03])
    """
    only("fc", "logaddexp_cpu", input)
    if input.dtype.kind == "f":
        return kernels.logaddexp(input, other)
    swap = input.real < other.real
    high, low = np.where(swap, other, input), np.where(swap, input, other)
    return high + np.log1p(np.exp(low - high))


@pointwise(
    node="Logaddexp2Backward0",
    input=lambda g, input, other: g / (1 + exp2(other - input)),
    other=lambda g, input, other: g / (1 + exp2(input - other)),
)
def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log2(2^input + 2^other)`` without overflow.

    >>> import rushlight as torch
    >>> torch.logaddexp2(torch.tensor([3.0]), torch.tensor([3.0]))
    tensor([4.])
    """
    only("f", "logaddexp2_cpu", input)
    return np.logaddexp2(input, other)


@pointwise(
    "float",
    node={"": "XlogyBackward0", "other": "XlogyBackward2", "input": "XlogyBackward1"},
    input=lambda g, input, other: where((input == 0) & (other <= 0), 0, g * logarithm(other)),
    other=lambda g, input, other: g * input / other,
)
def xlogy(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * log(other)``, 0 where ``input`` is 0 (unless ``other`` is nan).

    >>> import rushlight as torch
    >>> torch.xlogy(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    input, other = np.asarray(input), np.asarray(other)
    only("f", "xlogy_cpu", input)
    product = input * np.log(other)
    return np.where((input == 0) & ~np.isnan(other), input.dtype.type(0), product)


def over(self: Any, other: Any) -> Any:
    """``other / self``; see :func:`rushlight.div`."""
    if not isinstance(other, (int, float, builtins.complex, np.ndarray, np.generic, Tensor)):
        return NotImplemented
    from .elementary import reciprocal

    if isinstance(other, np.ndarray):
        return div(other, self)
    return reciprocal(self) * other


def reflected(function: Any, name: str) -> Any:
    """``other op self`` as a method, for operators that are not symmetric."""

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, (int, float, builtins.complex, np.ndarray, np.generic, Tensor)):
            return NotImplemented
        return function(other, self)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The operands of ``{function.__name__}`` the other way round."
    method.op = function.op
    return method


@pointwise(
    "float", holomorphic=True,
    input=lambda g, other: g * exp2(other),
    other=lambda g, result: g * result * LN2,
)  # fmt: skip
def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * 2^other``.

    >>> import rushlight as torch
    >>> torch.ldexp(torch.tensor([1.0, 3.0]), torch.tensor([3, 1]))
    tensor([8., 6.])
    """
    return input * np.exp2(other)


@operator(
    batch=LEADING, outputs=("mantissa", "exponent"), differentiable=(0,), gather=return_types.frexp,
    node="FrexpBackward0", input=lambda g, exponent: g * exp2(-cast_to(exponent, record.np_dtype(g))),
)  # fmt: skip
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """Each number as a mantissa with ``0.5 <= |mantissa| < 1`` and an exponent (int32): ``mantissa * 2^exponent``.

    Raises RuntimeError for numbers that are not floating.

    >>> import rushlight as torch
    >>> torch.frexp(torch.tensor([1.0, 6.0]))
    torch.return_types.frexp(
    mantissa=tensor([0.5000, 0.7500]),
    exponent=tensor([1, 3], dtype=torch.int32))
    """
    if input.dtype.kind != "f":  # type: ignore[attr-defined]
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = np.frexp(input)  # type: ignore[call-overload]
    return mantissa, exponent


def gcd_kind(name: str, input: Any) -> None:
    if input.dtype.kind not in "iu":
        raise not_implemented(name, input.dtype)


@pointwise()
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor of integers.

    >>> import rushlight as torch
    >>> torch.gcd(torch.tensor([12, 8]), torch.tensor([18, 0]))
    tensor([6, 8])
    """
    gcd_kind("gcd_cpu", input)
    return np.gcd(input, other)


@pointwise()
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple of integers.

    >>> import rushlight as torch
    >>> torch.lcm(torch.tensor([4, 6]), torch.tensor([6, 0]))
    tensor([12,  0])
    """
    gcd_kind("lcm_cpu", input)
    return np.lcm(input, other)


arctan2 = atan2
subtract, multiply, divide, true_divide, negative = sub, mul, div, div, neg
