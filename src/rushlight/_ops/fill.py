"""Writing one value over a tensor: ``fill_``, ``zero_`` and their kin; and zeros in the shape of a gradient.

Nothing of what stood there before goes into the result, so its gradient is zero (``blank``), not absent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import record, views
from .._core.declare import operator
from .._core.mode import CAREFUL, RECORD, mode
from .._core.tensor import Tensor

Number = bool | int | float | complex


@operator(batch=lambda op, size, mapped, input: blank(input))
def blank(input: Tensor) -> Tensor:
    """Zeros in the shape of ``input``: constants, but inside the transforms that ``input`` is in."""
    return np.zeros(input.shape, input.dtype)  # type: ignore[call-overload, no-any-return]


@operator(batch=lambda op, size, mapped, input, shape: op.call(input, (size, *shape)))
def blank_of(input: Tensor, shape: Any) -> Tensor:
    """Zeros of ``shape``, inside the transforms that ``input`` is in."""
    return np.zeros(shape, input.dtype)  # type: ignore[call-overload, no-any-return]


def tied_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, to: Any) -> Any:
    from .families import with_batch

    return op.call(with_batch(input, size, mapped[0]), with_batch(to, size, mapped[1]))


@operator(
    batch=tied_batch, node="AliasBackward0", input=lambda g: g, to=lambda g, to_shape: blank_of(g, tuple(to_shape))
)
def tied_to(input: Tensor, to: Tensor) -> Tensor:
    return input


def tied(g: Any, to: Any) -> Any:
    """A gradient whose rule asked ``to`` on which piece it lies: in the graph it comes from there too, with gradient 0.

    So a second derivative of straight pieces is zero, and not a graph without a way back.
    """
    return tied_to(g, to) if getattr(to, "requires_grad", False) and isinstance(g, Tensor) else g


@operator(batch=lambda op, size, mapped, input: op.call(input), input=lambda g, input: tied(g, input))
def watched(input: Tensor) -> Tensor:
    """The input, which its gradient will be :func:`tied` to: for composites of what is linear in it."""
    return input


def fill_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, value: Any) -> Any:
    from .shape import reshape

    if mapped[1]:
        from .broadcast import cast_to, expand

        shape = tuple(input.shape) if mapped[0] else (size, *input.shape)
        value = cast_to(value, record.np_dtype(input))
        return expand(reshape(value, (size, *(1,) * (len(shape) - 1))), shape)
    return fill(input, value)


def fill_value_vjp(g: Any, value: Any) -> Any:
    from .broadcast import fit

    return fit(g, (), record.np_dtype(value))


FILL_RULES: dict[str, Any] = dict(input=lambda g: blank(g), value=fill_value_vjp)


@operator(batch=fill_batch, node={"": "FillBackward1", "value": "FillBackward0"}, **FILL_RULES)
def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """A tensor like ``input`` with one value everywhere: a number or a 0-d tensor.

    >>> import rushlight as torch
    >>> torch.fill(torch.zeros(2), 3)
    tensor([3., 3.])
    """
    array = np.empty_like(input)  # type: ignore[call-overload]
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise not_a_number(value)
        if value.dtype.kind == "c" and array.dtype.kind != "c":
            value = value.real
        array[...] = value.astype(array.dtype)
    else:
        array[...] = converted(value, array.dtype)
    return array  # type: ignore[no-any-return]


# the same under the names of nodes that PyTorch gives to the in-place method
fill_over = operator(batch=fill_batch, node={"": "FillBackward3", "value": "FillBackward2"}, **FILL_RULES)(fill.op.body)  # type: ignore[attr-defined]


for made in (fill, fill_over):  # a value is kept for its dtype only: writes to it do no harm
    made.op.node_class.holds = False  # type: ignore[attr-defined]


def not_a_number(value: Any) -> RuntimeError:
    return RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")


def converted(value: Any, dtype: np.dtype) -> Any:
    """A number as ``dtype`` stores it. Raises RuntimeError for what it cannot hold: complex or too large numbers."""
    kind = dtype.kind
    if (type(value) is float and kind == "f" and -60000 < value < 60000) or type(value) is bool:
        return value
    fits = True
    if type(value) is complex:
        fits = kind == "c" or value.imag == 0
        value = value if kind == "c" or not fits else value.real
    if kind in "iu" and type(value) in (int, float):
        limits = np.iinfo(dtype)
        # PyTorch lets whole negative numbers wrap around in unsigned ones
        low = -limits.max if kind == "u" and type(value) is int else limits.min
        fits = low <= value <= limits.max
        value = np.array(int(value)).astype(dtype) if fits else value
    elif kind == "f" and dtype.itemsize < 8 and type(value) in (int, float):
        fits = not abs(value) > float(np.finfo(dtype).max) or value in (float("inf"), float("-inf"))
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {C_NAMES.get(dtype.name, dtype.name)} without overflow")
    return value


C_NAMES = {
    "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t", "uint8": "uint8_t", "float32": "float",
    "float64": "double", "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t", "float16": "c10::Half",
}  # fmt: skip


def overwrites(self: Tensor) -> bool:
    """Whether an in-place write that reads nothing must go through the graph."""
    m = mode()
    return bool(m & CAREFUL or (m & RECORD and (self._node is not None or views.base_of(self) is not None)))


def fill_(self: Tensor, value: Tensor | Number) -> Tensor:
    """Write one value (a number or a 0-d tensor) over this tensor."""
    if isinstance(value, Tensor) or overwrites(self):
        if isinstance(value, Tensor) and value.ndim:
            raise not_a_number(value)
        return views.write(self, fill_over.op, (value,), "fill_")
    array = self._array
    if not array.flags.writeable or views.before_write:
        views.check_writable(self, "fill_", False)
    if not isinstance(value, (bool, int, float, complex)):
        value = record.operand(fill_over.op, "value", value)
    array[...] = converted(value, array.dtype)
    views.stamp(self, "fill_")
    return self


@operator(batch=lambda op, size, mapped, input: zero(input), node="ZeroBackward0", input=lambda g: blank(g))
def zero(input: Tensor) -> Tensor:
    """Zeros like ``input``."""
    return np.zeros_like(input)  # type: ignore[call-overload, no-any-return]


def zero_(self: Tensor) -> Tensor:
    """Write zeros over this tensor."""
    if overwrites(self):
        return views.write(self, zero.op, (), "zero_")  # type: ignore[attr-defined]
    array = self._array
    if 0 in array.strides or not array.flags.writeable or views.before_write:
        views.check_writable(self, "zero_", 0)
    array.fill(0)
    views.stamp(self, "zero_")
    return self


def fill_diagonal_(self: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """Write a number over the main diagonal; in a tall matrix ``wrap`` starts it again after every n + 1 rows."""
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    n = min(self.shape)
    if self.ndim > 2 and any(m != n for m in self.shape):
        raise RuntimeError("all dimensions of input must be of equal length")
    from .shape import diagonal

    rows, columns = self.shape[:2]
    step = columns + 1
    starts = range(0, rows, step) if wrap and self.ndim == 2 else (0,)
    for start in starts:
        view: Any = self[start : start + columns] if start or len(starts) > 1 else self
        while view.ndim > 1:
            view = diagonal(view, 0, 0, 1)
        fill_(view, fill_value)
    return self


__all__ = ["blank", "fill", "fill_", "fill_diagonal_", "zero", "zero_"]
