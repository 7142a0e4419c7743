"""Comparisons, choices and logic: what gives bools, chooses between values, or works on bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import callsite, dtypes, levels, record
from .._core.declare import pointwise
from .._core.tensor import Tensor
from .._kernels.choose import pick
from .elementary import not_implemented, only, zeros_as
from .without import NO_NODE, no_formula

Number = bool | int | float | complex


def legacy(dtype: np.dtype) -> str:
    """PyTorch's name of a dtype in messages."""
    return dtypes.LEGACY[dtypes.FROM_NUMPY[dtype].name]


# ---- comparisons


@pointwise("compare")
def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input == other``, element by element.

    >>> import rushlight as torch
    >>> torch.eq(torch.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return np.equal(input, other)


@pointwise("compare")
def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input != other``, element by element.

    >>> import rushlight as torch
    >>> torch.ne(torch.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    return np.not_equal(input, other)


def ordered(name: str, function: Any, a: Any, b: Any) -> Any:
    """A comparison of order, which complex numbers have not."""
    if a.dtype.kind == "c":
        raise not_implemented(name, a.dtype)
    return function(a, b)


@pointwise("compare")
def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input < other``, element by element.

    >>> import rushlight as torch
    >>> torch.lt(torch.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    return ordered("lt_cpu", np.less, input, other)


@pointwise("compare")
def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input <= other``, element by element.

    >>> import rushlight as torch
    >>> torch.le(torch.tensor([1, 2]), 1)
    tensor([ True, False])
    """
    return ordered("le_cpu", np.less_equal, input, other)


@pointwise("compare")
def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input > other``, element by element.

    >>> import rushlight as torch
    >>> torch.gt(torch.tensor([1, 2]), 1)
    tensor([False,  True])
    """
    return ordered("gt_cpu", np.greater, input, other)


@pointwise("compare")
def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input >= other``, element by element.

    >>> import rushlight as torch
    >>> torch.ge(torch.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return ordered("ge_cpu", np.greater_equal, input, other)


# ---- kinds of numbers


@pointwise("compare")
def isnan(input: Tensor) -> Tensor:
    """Whether elements are nan (in either part of a complex number).

    >>> import rushlight as torch
    >>> torch.isnan(torch.tensor([1.0, float('nan')]))
    tensor([False,  True])
    """
    return np.isnan(input)


@pointwise("compare")
def isinf(input: Tensor) -> Tensor:
    """Whether elements are infinite.

    >>> import rushlight as torch
    >>> torch.isinf(torch.tensor([1.0, -float('inf')]))
    tensor([False,  True])
    """
    return np.isinf(input)


@pointwise("compare")
def isfinite(input: Tensor) -> Tensor:
    """Whether elements are neither infinite nor nan.

    >>> import rushlight as torch
    >>> torch.isfinite(torch.tensor([1.0, float('inf')]))
    tensor([ True, False])
    """
    return np.isfinite(input)


@pointwise("compare")
def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are positive infinity.

    >>> import rushlight as torch
    >>> torch.isposinf(torch.tensor([1.0, float('inf')]))
    tensor([False,  True])
    """
    if input.dtype.kind == "c":
        raise RuntimeError("isposinf does not support complex inputs.")
    return np.equal(input, np.inf)


@pointwise("compare")
def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are negative infinity.

    >>> import rushlight as torch
    >>> torch.isneginf(torch.tensor([1.0, -float('inf')]))
    tensor([False,  True])
    """
    if input.dtype.kind == "c":
        raise RuntimeError("isneginf does not support complex inputs.")
    return np.equal(input, -np.inf)


@pointwise("compare")
def isreal(input: Tensor) -> Tensor:
    """Whether elements have no imaginary part.

    >>> import rushlight as torch
    >>> torch.isreal(torch.tensor([1.0, 1j]))
    tensor([ True, False])
    """
    return np.isreal(input)


@pointwise("compare")
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether elements bear a minus sign (``-0.0`` does).

    >>> import rushlight as torch
    >>> torch.signbit(torch.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    if input.dtype.kind == "c":
        raise RuntimeError("signbit is not implemented for complex tensors.")
    return np.signbit(input) if input.dtype.kind == "f" else input < 0


# ---- equality of whole tensors


@pointwise("compare")
def isclose_of(input: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    """The operator behind :func:`isclose`."""
    inexact = input.dtype.kind in "fc"
    near = np.equal(input, other)
    if equal_nan and inexact:
        near |= np.isnan(input) & np.isnan(other)
    if rtol == 0 and atol == 0:
        return near
    a: Any = input if inexact else input.astype(np.float64)
    b: Any = other if inexact else other.astype(np.float64)
    gap = np.abs(a - b)
    return near | np.isfinite(gap) & (gap <= atol + np.abs(rtol * b))


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether ``|input - other| <= atol + rtol |other|``, element by element.

    >>> import rushlight as torch
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    record.check_tensors("isclose", input=input, other=other)
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol}")
    if record.np_dtype(input) is not record.np_dtype(other):
        raise RuntimeError(f"{legacy(record.np_dtype(input))} did not match {legacy(record.np_dtype(other))}")
    return isclose_of(input, other, rtol, atol, equal_nan)


def one_answer(words: str) -> Any:
    """The batching rule of what gives one bool: none."""

    def batch(transform: Any, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"{words} It gives one bool, where each example has its own. It happened at "
            f"{callsite.shown(*callsite.here())}; use torch.isclose or ==, and .all()."
        )

    return batch


@levels.constant(one_answer("vmap over torch.allclose isn't supported yet."))
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close; see :func:`isclose`.

    >>> import rushlight as torch
    >>> torch.allclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
    True
    """
    record.check_tensors("allclose", input=input, other=other)
    return bool(np.all(isclose(input, other, rtol, atol, equal_nan)._array))


@levels.constant(one_answer("Batching rule not implemented for aten::equal. We could not generate a fallback."))
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements.

    >>> import rushlight as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    for position, (name, x) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(x, Tensor):
            raise TypeError(f"equal(): argument '{name}' (position {position}) must be Tensor, not {type(x).__name__}")
    return input.shape == other.shape and bool(np.all(eq(input, other)._array))


# ---- the greater and the lesser


def unordered(name: str, function: Any, a: Any, b: Any) -> Any:
    if a.dtype.kind == "c":
        raise RuntimeError(f"{name} not implemented for complex tensors.")
    return function(a, b)


def larger_rule(g: Any, mine: Any, theirs: Any) -> Any:
    """Towards the operand that counts where it is larger; a tie is shared, nan passes."""
    return where(mine == theirs, g / 2, where(mine < theirs, 0, g))


@pointwise(
    input=lambda g, input, other: larger_rule(g, input, other),
    other=lambda g, input, other: larger_rule(g, other, input),
)
def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two, element by element; nan if either is nan. A tie shares the gradient.

    >>> import rushlight as torch
    >>> torch.maximum(torch.tensor([1, 5]), torch.tensor([3, 2]))
    tensor([3, 5])
    """
    return unordered("maximum", np.maximum, input, other)


@pointwise(
    input=lambda g, input, other: larger_rule(g, other, input),
    other=lambda g, input, other: larger_rule(g, input, other),
)
def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two, element by element; nan if either is nan. A tie shares the gradient.

    >>> import rushlight as torch
    >>> torch.minimum(torch.tensor([1, 5]), torch.tensor([3, 2]))
    tensor([1, 2])
    """
    return unordered("minimum", np.minimum, input, other)


@pointwise(
    input=lambda g, input, other: where((input >= other) | isnan(other), g, 0),
    other=lambda g, input, other: where((input >= other) | isnan(other), 0, g),
)
def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two, element by element; of a nan and a number, the number.

    >>> import rushlight as torch
    >>> torch.fmax(torch.tensor([1.0, float('nan')]), torch.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    return unordered("fmax", np.fmax, input, other)


@pointwise(
    input=lambda g, input, other: where((input <= other) | isnan(other), g, 0),
    other=lambda g, input, other: where((input <= other) | isnan(other), 0, g),
)
def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two, element by element; of a nan and a number, the number.

    >>> import rushlight as torch
    >>> torch.fmin(torch.tensor([1.0, float('nan')]), torch.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return unordered("fmin", np.fmin, input, other)


def picked(condition: Any, a: Any, b: Any) -> Any:
    """``np.where``; of large arrays without its jumps."""
    x, y = type(a) is np.ndarray, type(b) is np.ndarray
    if not (x or y) or (x and y and a.dtype is not b.dtype):
        return np.where(condition, a, b)
    return pick(condition, a, b)


@pointwise(
    "choose",
    node="WhereBackward0",
    input=lambda g, condition: where(condition, g, 0),
    other=lambda g, condition: where(condition, 0, g),
)
def choose(condition: Tensor, input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The operator behind :func:`where`."""
    if condition.dtype.kind != "b":
        if condition.dtype.kind == "u" and condition.dtype.itemsize == 1:
            condition = condition.astype(bool)
        else:
            kind = legacy(condition.dtype)
            raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {kind}")
    return picked(condition, input, other)


def where(condition: Any, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """``input`` where ``condition`` is True, ``other`` elsewhere; given the condition alone, its indices.

    ``input`` and ``other`` are tensors or numbers. Raises RuntimeError if the condition is not of bools.

    >>> import rushlight as torch
    >>> torch.where(torch.tensor([True, False]), torch.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    if input is None and other is None:
        from .index import nonzero

        return nonzero(condition, as_tuple=True)
    return choose(condition, input, other, out=out) if out is not None else choose(condition, input, other)


def where_method(self: Tensor, condition: Any, other: Any) -> Tensor:
    """This tensor where ``condition`` is True, ``other`` elsewhere; see :func:`rushlight.where`."""
    return where(condition, self, other)


# ---- clamp


def converted(input: Any, *numbers: Any) -> Any:
    """``input`` in the dtype in which it meets some numbers."""
    if input.dtype.kind == "f":
        return input
    found = record.common_dtype("same", [np.empty((1,), input.dtype), *[n for n in numbers if n is not None]])
    return input if found is input.dtype else input.astype(found)


def limit_of(value: Any, dtype: np.dtype) -> Any:
    """A limit as an array: NumPy takes those much faster than Python numbers."""
    if not isinstance(value, (int, float)):
        return value
    held = record.inexact_scalars.get(dtype, {}).get(value)
    return record.scalar(value, dtype) if held is None else held


def within(g: Any, input: Any, min: Any, max: Any) -> Any:
    """The gradient inside the limits, which belong to it."""
    if min is None:
        return where(input <= max, g, 0)
    if max is None:
        return where(input >= min, g, 0)
    return where((input >= min) & (input <= max), g, 0)


def clamped(name: str, input: Any, min: Any, max: Any) -> Any:
    if min is None and max is None:
        raise RuntimeError(f"torch.{name}: At least one of 'min' or 'max' must not be None")
    if input.dtype.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types")
    one_sided = min is None or max is None
    if one_sided and input.size >= 8192 and input.dtype.kind == "f":  # three times as fast there as maximum and minimum
        min, max = -np.inf if min is None else min, np.inf if max is None else max
    elif min is None:
        return np.minimum(input, limit_of(max, input.dtype))
    elif max is None:
        return np.maximum(input, limit_of(min, input.dtype))
    return np.clip(input, limit_of(min, input.dtype), limit_of(max, input.dtype))


@pointwise(node="ClampBackward1", input=within)
def clamp_numbers(
    input: Tensor, min: Number | None = None, max: Number | None = None, *, out: Tensor | None = None
) -> Tensor:
    """:func:`clamp` with limits that are numbers."""
    if isinstance(min, complex) or isinstance(max, complex):
        raise RuntimeError("value cannot be converted to type double without overflow")
    if min != min or max != max:  # a limit of nan makes everything nan
        return np.full_like(converted(input, min, max), np.nan)
    return clamped("clamp", converted(input, min, max), min, max)


def clamp_min_rule(g: Any, input: Any, min: Any, max: Any) -> Any:
    if min is None:
        return None
    return where(input < min, g, 0) if max is None else where((min < max) & (input < min), g, 0)


def clamp_max_rule(g: Any, input: Any, min: Any, max: Any) -> Any:
    if max is None:
        return None
    return where(input > max, g, 0) if min is None else where((input > max) | (max < min), g, 0)


@pointwise(node="ClampBackward0", input=within, min=clamp_min_rule, max=clamp_max_rule)
def clamp_tensors(
    input: Tensor, min: Tensor | None = None, max: Tensor | None = None, *, out: Tensor | None = None
) -> Tensor:
    """:func:`clamp` with limits that are tensors."""
    return clamped("clamp", input, min, max)


def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor:
    """``input`` limited to [``min``, ``max``]: two numbers or two tensors, or one of them only.

    Where the lower limit is the greater one, the result is ``max``. The gradient passes within the limits, which
    belong to it; tensors as limits get it outside. Raises RuntimeError if there is no limit.

    >>> import rushlight as torch
    >>> torch.clamp(torch.tensor([-1.0, 0.5, 3.0]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    return limited(clamp_numbers, clamp_tensors, min, max)(input, min, max, out=out)


def limited(numbers: Any, tensors: Any, min: Any, max: Any) -> Any:
    """The operator for limits of this kind."""
    if not isinstance(min, Tensor) and not isinstance(max, Tensor):
        return numbers
    if (min is None or isinstance(min, Tensor)) and (max is None or isinstance(max, Tensor)):
        return tensors
    raise TypeError(
        "clamp() received an invalid combination of arguments - got "
        f"(min={type(min).__name__}, max={type(max).__name__}), but expected two tensors or two numbers"
    )


@pointwise(node="ClampMinBackward0", input=lambda g, input, min: where(input >= min, g, 0))
def clamp_min_number(input: Tensor, min: Number, *, out: Tensor | None = None) -> Tensor:
    """:func:`clamp_min` with a number."""
    return clamped("clamp_min", converted(input, min), min, None)


@pointwise(
    node="ClampMinBackward1",
    input=lambda g, input, min: where(input >= min, g, 0),
    min=lambda g, input, min: where(input < min, g, 0),
)
def clamp_min_tensor(input: Tensor, min: Tensor, *, out: Tensor | None = None) -> Tensor:
    """:func:`clamp_min` with a tensor."""
    return clamped("clamp_min", input, min, None)


def clamp_min(input: Tensor, min: Any, *, out: Tensor | None = None) -> Tensor:
    """``input``, or ``min`` where that is greater.

    >>> import rushlight as torch
    >>> torch.clamp_min(torch.tensor([-1.0, 0.5]), 0)
    tensor([0.0000, 0.5000])
    """
    return (clamp_min_tensor if isinstance(min, Tensor) else clamp_min_number)(input, min, out=out)


@pointwise(node="ClampMaxBackward0", input=lambda g, input, max: where(input <= max, g, 0))
def clamp_max_number(input: Tensor, max: Number, *, out: Tensor | None = None) -> Tensor:
    """:func:`clamp_max` with a number."""
    return clamped("clamp_max", converted(input, max), None, max)


@pointwise(
    node="ClampMaxBackward1",
    input=lambda g, input, max: where(input <= max, g, 0),
    max=lambda g, input, max: where(input > max, g, 0),
)
def clamp_max_tensor(input: Tensor, max: Tensor, *, out: Tensor | None = None) -> Tensor:
    """:func:`clamp_max` with a tensor."""
    return clamped("clamp_max", input, None, max)


def clamp_max(input: Tensor, max: Any, *, out: Tensor | None = None) -> Tensor:
    """``input``, or ``max`` where that is less.

    >>> import rushlight as torch
    >>> torch.clamp_max(torch.tensor([0.5, 3.0]), 1)
    tensor([0.5000, 1.0000])
    """
    return (clamp_max_tensor if isinstance(max, Tensor) else clamp_max_number)(input, max, out=out)


# ---- signs and neighbours


@pointwise(input=zeros_as)
def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1 by the sign of the elements. The gradient is 0.

    >>> import rushlight as torch
    >>> torch.sign(torch.tensor([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    if input.dtype.kind == "c":
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        )
    if input.dtype.kind == "b":
        return input.copy()
    if input.dtype.kind != "f":
        return np.sign(input)
    above, below = (input > 0).view(np.int8), (input < 0).view(np.int8)  # both false of a nan
    return np.subtract(above, below).astype(input.dtype)


@pointwise(
    "float",
    node={"": "CopysignBackward0", "other": "CopysignBackward1"},
    input=lambda g, input, result: g * where(input == 0, 0, result / input),
    other=lambda g, other: zeros_as(g),
)
def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The size of ``input`` with the sign of ``other``.

    >>> import rushlight as torch
    >>> torch.copysign(torch.tensor([1.0, -2.0]), torch.tensor([-0.0, 3.0]))
    tensor([-1.,  2.])
    """
    return np.copysign(input, other)


def refuse_mixed(operands: Any) -> None:
    if len({o.dtype for o in operands if isinstance(o, np.ndarray)}) > 1:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


@pointwise(refuse_mixed, node=NO_NODE, input=no_formula("heaviside"), values=no_formula("heaviside"))
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 for negative elements, 1 for positive ones, ``values`` for zeros. It has no derivative.

    >>> import rushlight as torch
    >>> torch.heaviside(torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if input.dtype.kind == "c":
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    kind = input.dtype.type
    return np.where(input == 0, values, np.where(input > 0, kind(1), kind(0)))


@pointwise(input=lambda g, input, other: g * (input != other), other=lambda g: g * 0)
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next floating-point number after ``input`` on the way to ``other``.

    >>> import rushlight as torch
    >>> torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])) > 1
    tensor([True])
    """
    only("f", "nextafter_cpu", input)
    return np.nextafter(input, other)


# ---- logic and bits


@pointwise("compare")
def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether both are not 0.

    >>> import rushlight as torch
    >>> torch.logical_and(torch.tensor([0, 2]), torch.tensor([1, 3]))
    tensor([False,  True])
    """
    return np.logical_and(input, other)


@pointwise("compare")
def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether either is not 0.

    >>> import rushlight as torch
    >>> torch.logical_or(torch.tensor([0, 2]), torch.tensor([0, 3]))
    tensor([False,  True])
    """
    return np.logical_or(input, other)


@pointwise("compare")
def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether just one of the two is not 0.

    >>> import rushlight as torch
    >>> torch.logical_xor(torch.tensor([0, 2]), torch.tensor([1, 3]))
    tensor([ True, False])
    """
    return np.logical_xor(input, other)


@pointwise("compare")
def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are 0.

    >>> import rushlight as torch
    >>> torch.logical_not(torch.tensor([0, 2]))
    tensor([ True, False])
    """
    return np.logical_not(input)


def symbol(name: str) -> Any:
    return lambda dtype: not_implemented(f"{name}_cpu", dtype)


@pointwise(refuse=symbol("bitwise_and"))
def bitwise_and(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits that both have; of bools, whether both are True.

    >>> import rushlight as torch
    >>> torch.bitwise_and(torch.tensor([6, 5]), 3)
    tensor([2, 1])
    """
    return np.bitwise_and(input, other)


@pointwise(refuse=symbol("bitwise_or"))
def bitwise_or(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits that either has; of bools, whether either is True.

    >>> import rushlight as torch
    >>> torch.bitwise_or(torch.tensor([6, 5]), 3)
    tensor([7, 7])
    """
    return np.bitwise_or(input, other)


@pointwise(refuse=symbol("bitwise_xor"))
def bitwise_xor(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits that just one of the two has; of bools, whether they differ.

    >>> import rushlight as torch
    >>> torch.bitwise_xor(torch.tensor([6, 5]), 3)
    tensor([5, 6])
    """
    return np.bitwise_xor(input, other)


@pointwise(refuse=symbol("bitwise_not"))
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """All bits turned; of bools, the opposite.

    >>> import rushlight as torch
    >>> torch.bitwise_not(torch.tensor([0, 5]))
    tensor([-1, -6])
    """
    return np.invert(input)


def invert(self: Any) -> Tensor:
    """``~self``: all bits turned."""
    if record.np_dtype(self).kind not in "biu":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(self)


def shift(name: str, function: Any, input: Any, other: Any, beyond: Any) -> Any:
    """A shift, where one by more than the width, or by less than none, leaves ``beyond``."""
    if input.dtype.kind not in "iu":
        raise not_implemented(name, input.dtype)
    bits = 8 * input.dtype.itemsize
    fits = (other >= 0) & (other < bits)
    return np.where(fits, function(input, np.where(fits, other, input.dtype.type(0))), beyond)


@pointwise()
def bitwise_left_shift(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits moved to the left by ``other``.

    >>> import rushlight as torch
    >>> torch.bitwise_left_shift(torch.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """
    return shift("lshift_cpu", np.left_shift, input, other, input.dtype.type(0))


@pointwise()
def bitwise_right_shift(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The bits moved to the right by ``other``; the sign stays.

    >>> import rushlight as torch
    >>> torch.bitwise_right_shift(torch.tensor([12, -12]), 2)
    tensor([ 3, -3])
    """
    spent = np.where(input < 0, input.dtype.type(-1), input.dtype.type(0)) if input.dtype.kind == "i" else 0
    return shift("rshift_cpu", np.right_shift, input, other, np.asarray(spent).astype(input.dtype))


greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
clip = clamp


def limiting(name: str, numbers: Any, tensors: Any) -> Any:
    """The in-place method of a function that limits."""
    from .._core.views import inplace

    by_number, by_tensor = inplace(numbers, name), inplace(tensors, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        limits = [*args, *kwargs.values()]
        return (by_tensor if any(isinstance(limit, Tensor) for limit in limits) else by_number)(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place version of :func:`{name[:-1]}`: the result is left in the memory of ``self``."
    return method


clamp_ = limiting("clamp_", clamp_numbers, clamp_tensors)
clamp_min_ = limiting("clamp_min_", clamp_min_number, clamp_min_tensor)
clamp_max_ = limiting("clamp_max_", clamp_max_number, clamp_max_tensor)
