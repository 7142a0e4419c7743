"""Complex numbers: their parts, sizes, angles and conjugates.

Gradients are PyTorch's: of a real loss, the conjugate of its Wirtinger derivative. ``conj`` of what is real is
the thing itself, so that rules may say ``conj`` of anything.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import memory, record
from .._core.declare import LINEAR, operator, pointwise
from .._core.promote import promote_names
from .._core.tensor import Tensor
from .compare import legacy, where
from .elementary import cos, sin, zeros_as

REAL_OF = {np.dtype("c8"): np.dtype("f4"), np.dtype("c16"): np.dtype("f8")}
COMPLEX_OF = {np.dtype("f4"): np.dtype("c8"), np.dtype("f8"): np.dtype("c16")}


def is_complex_number(x: Any) -> bool:
    return record.np_dtype(x).kind == "c"


# ---- conjugates


@pointwise(node="ConjBackward0", input=lambda g: conj(g))
def conjugate(input: Tensor) -> Tensor:
    """The complex conjugate of complex numbers."""
    return np.conjugate(input)


# Slower than PyTorch: PyTorch sets a bit that later operators read; the numbers are conjugated at once here.
def conj(input: Any) -> Any:
    """The complex conjugate; a real tensor itself.

    It is computed at once: the result has memory of its own.

    >>> import rushlight as torch
    >>> torch.conj(torch.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    if type(input) is np.ndarray:
        return input if input.dtype.kind != "c" else np.conjugate(input)
    return conjugate(input) if is_complex_number(input) else input


record.use_conj(conj)


@pointwise(input=lambda g: conj(g))
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate, computed.

    >>> import rushlight as torch
    >>> torch.conj_physical(torch.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return np.conjugate(input) if input.dtype.kind == "c" else input.copy()


def resolve_conj(input: Tensor) -> Tensor:
    """``input`` itself: conjugates are computed at once here.

    >>> import rushlight as torch
    >>> torch.resolve_conj(torch.tensor([1 + 2j]).conj())
    tensor([1.-2.j])
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """``input`` itself: negatives are computed at once here.

    >>> import rushlight as torch
    >>> torch.resolve_neg(torch.tensor([1 + 2j]).conj().imag)
    tensor([-2.])
    """
    return input


def is_conj(input: Tensor) -> bool:
    """Whether a conjugation is still to be carried out: always False.

    >>> import rushlight as torch
    >>> torch.is_conj(torch.tensor([1j]).conj())
    False
    """
    return input.is_conj()


def is_neg(input: Tensor) -> bool:
    """Whether a negation is still to be carried out: always False.

    >>> import rushlight as torch
    >>> torch.is_neg(torch.tensor([1j]).conj().imag)
    False
    """
    return input.is_neg()


# ---- parts


def part_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any) -> Any:
    return op.call(input)


def as_pairs(g: Any) -> Any:
    """Pairs that may lie anywhere as complex numbers."""
    return view_as_complex(g.contiguous() if isinstance(g, Tensor) else np.ascontiguousarray(g))  # type: ignore[attr-defined]


@operator(view=True, jvp=LINEAR, batch=part_batch, node="ViewAsRealBackward0", input=lambda g: as_pairs(g))
def view_as_real(input: Tensor) -> Tensor:
    """A view of complex numbers as pairs of real ones, in a new last dimension.

    >>> import rushlight as torch
    >>> torch.view_as_real(torch.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    real = REAL_OF.get(input.dtype)
    if real is None:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    half = real.itemsize
    return np.ndarray((*input.shape, 2), real, input, 0, (*input.strides, half)) if buffer(input) else parted(input)


def buffer(array: Any) -> bool:
    return bool(array.flags.c_contiguous)


def parted(array: Any) -> Any:
    """The pairs of an array that is not contiguous: NumPy makes a view of the parts, the strides do the rest."""
    real = array.real
    return np.lib.stride_tricks.as_strided(real, (*array.shape, 2), (*array.strides, real.itemsize))


@operator(view=True, jvp=LINEAR, batch=part_batch, node="ViewAsComplexBackward0", input=lambda g: view_as_real(g))
def view_as_complex(input: Tensor) -> Tensor:
    """A view of pairs of real numbers, in the last dimension, as complex ones.

    >>> import rushlight as torch
    >>> torch.view_as_complex(torch.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])
    """
    array: Any = input
    target = COMPLEX_OF.get(array.dtype)
    if target is None:
        raise RuntimeError(
            f"view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{legacy(array.dtype)}"
        )
    if array.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if array.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if array.strides[-1] != array.itemsize and array.size:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % target.itemsize for n, s in zip(array.shape[:-1], array.strides, strict=False) if n > 1):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    start = array.__array_interface__["data"][0] - memory.owner(array).__array_interface__["data"][0]
    if start % target.itemsize:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    return array.view(target)[..., 0]


@operator(view=True, jvp=LINEAR, batch=part_batch, node="SelectBackward0", input=lambda g: complex(g, zeros_as(g)))
def real_part(input: Tensor) -> Tensor:
    """The real parts of complex numbers, as a view."""
    return input.real


@operator(view=True, jvp=LINEAR, batch=part_batch, node="SelectBackward0", input=lambda g: complex(zeros_as(g), g))
def imaginary_part(input: Tensor) -> Tensor:
    """The imaginary parts of complex numbers, as a view."""
    return input.imag


def real(input: Any) -> Any:
    """The real parts, as a view; a real tensor itself.

    >>> import rushlight as torch
    >>> torch.real(torch.tensor([1 + 2j]))
    tensor([1.])
    """
    return real_part(input) if is_complex_number(input) else input


def imag(input: Any) -> Any:
    """The imaginary parts, as a view. Raises RuntimeError for real tensors.

    >>> import rushlight as torch
    >>> torch.imag(torch.tensor([1 + 2j]))
    tensor([2.])
    """
    if not is_complex_number(input):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imaginary_part(input)


def set_part(target: Tensor, value: Any) -> None:
    """Write a part of a tensor, as ``z.real = x`` does."""
    target.copy_(value if isinstance(value, Tensor) else Tensor(value))


def set_real(self: Tensor, value: Any) -> None:
    """Write the real parts."""
    set_part(real(self), value)


def set_imag(self: Tensor, value: Any) -> None:
    """Write the imaginary parts."""
    set_part(imag(self), value)


def paired(name: str, a: Any, b: Any) -> None:
    """Raise unless both are of one floating dtype that has a complex one."""
    x, y = record.np_dtype(a), record.np_dtype(b)
    if x.kind != "f" or y.kind != "f":
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {legacy(x)} and {legacy(y)}"
        )
    if x is not y:
        raise RuntimeError(
            f"Expected object of scalar type {legacy(x)} but got scalar type {legacy(y)} for second argument"
        )
    promote_names(x.name, "complex64")
    if x.itemsize == 2:
        raise NotImplementedError(f"{name}: the result would be complex32, which NumPy does not have")


@pointwise(node="ComplexBackward0", real=lambda g: real_part(g), imag=lambda g: imaginary_part(g))
def complex_of(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The operator behind :func:`complex`."""
    shape = np.broadcast_shapes(real.shape, imag.shape)
    made = np.empty(shape, COMPLEX_OF[real.dtype])
    made.real, made.imag = real, imag
    return made


def complex(real: Any, imag: Any, *, out: Any = None) -> Any:
    """Complex numbers of their parts, two tensors of one floating dtype.

    >>> import rushlight as torch
    >>> torch.complex(torch.tensor([1.0]), torch.tensor([2.0]))
    tensor([1.+2.j])
    """
    record.check_tensors("complex", real=real, imag=imag)
    paired("complex", real, imag)
    if not isinstance(real, Tensor) and not isinstance(imag, Tensor):
        return complex_of(np.asarray(real), np.asarray(imag))
    return complex_of(real, imag, out=out)


# ---- sizes and angles


@pointwise(
    node="PolarBackward0",
    abs=lambda g, angle: real(conj(g) * complex(cos(angle), sin(angle))),
    angle=lambda g, result: real(conj(g) * (result * 1j)),
)
def polar_of(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The operator behind :func:`polar`."""
    made = np.empty(np.broadcast_shapes(abs.shape, angle.shape), COMPLEX_OF[abs.dtype])
    made.real, made.imag = abs * np.cos(angle), abs * np.sin(angle)
    return made


def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers of their size and angle, two tensors of one floating dtype.

    >>> import rushlight as torch
    >>> torch.polar(torch.tensor([2.0]), torch.tensor([0.0]))
    tensor([2.+0.j])
    """
    record.check_tensors("polar", abs=abs, angle=angle)
    paired("polar", abs, angle)
    return polar_of(abs, angle, out=out)


def absolute_rule(g: Any, input: Any) -> Any:
    return g * sgn(input)


@pointwise(node="AbsBackward0", input=absolute_rule)
def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The size of numbers. The gradient at 0 is 0.

    >>> import rushlight as torch
    >>> torch.abs(torch.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    if input.dtype.kind == "b":
        from .elementary import not_implemented

        raise not_implemented("abs_cpu", input.dtype)
    return np.absolute(input)


def sgn_rule(g: Any, input: Any, result: Any) -> Any:
    """What of ``g`` is across the direction of ``input``, over its size."""
    if not is_complex_number(input):
        return zeros_as(g)
    size = abs(input)
    safe = where(size == 0, 1, size)
    along = real(conj(g) * result)
    return where(size == 0, 0, (g - result * along) / safe)


@pointwise(input=sgn_rule)
def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sign of real numbers, the direction ``z/|z|`` of complex ones (0 at 0).

    >>> import rushlight as torch
    >>> torch.sgn(torch.tensor([3 + 4j, 0j]))
    tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """
    if input.dtype.kind == "c":
        size = np.absolute(input)
        return np.where(size == 0, input.dtype.type(0), input / np.where(size == 0, size.dtype.type(1), size))
    from .compare import sign

    return sign.op.body(input)


def angle_rule(g: Any, input: Any) -> Any:
    if not is_complex_number(input):
        return zeros_as(g)
    x, y = real(input), imag(input)
    square = x * x + y * y
    zero = square == 0
    slope = where(zero, 0, g / where(zero, 1, square))
    return complex(-y * slope, x * slope)


# Slower than PyTorch: two passes of NumPy, a comparison and a product, against one.
@pointwise("float", input=angle_rule)
def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of complex numbers, in radians; of real ones 0 or pi.

    >>> import rushlight as torch
    >>> torch.angle(torch.tensor([1j, -1 + 0j]))
    tensor([1.5708, 3.1416])
    """
    if input.dtype.kind == "c":
        return np.arctan2(input.imag, input.real)
    turned = np.multiply(input < 0, input.dtype.type(math.pi))
    nan = np.isnan(input)
    return np.where(nan, input, turned) if np.count_nonzero(nan) else turned


absolute = abs


def abs_(self: Tensor) -> Any:
    """In-place version of :func:`abs`: the result is left in the memory of ``self``."""
    from .._core.views import inplace

    if is_complex_number(self):
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return inplace(abs)(self)
