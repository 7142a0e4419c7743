"""Tensors on the device ``meta``: a shape and a dtype, and no numbers.

They let a model be made without memory, to be filled later (``to_empty``, ``load_state_dict(assign=True)``). Initialising
them does nothing; computing with them is refused, since there is nothing to compute with.
"""

from __future__ import annotations

import sys
from typing import Any
from weakref import ref

import numpy as np

from . import dtypes
from .graph import Leaf
from .tensor import META, Size, Tensor, device, new, strides_of


class NoData(NotImplementedError, AttributeError):
    """There are no numbers. (An AttributeError too, so that what only asks for a shape can go on.)"""


def asked_by(frame: Any) -> str:
    """The name of the operator that asks for numbers."""
    name: str = frame.f_code.co_name
    for _ in range(8):
        op = frame.f_locals.get("op")
        if op is not None and hasattr(op, "name"):
            return str(op.name)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return name


class MetaTensor(Tensor):
    """A tensor without numbers."""

    is_meta = True
    is_cpu = False
    outline: np.ndarray  # one element, spread over the shape

    @property
    def _array(self) -> Any:
        name = asked_by(sys._getframe(1))
        raise NoData(
            f"Could not run 'aten::{name}' with arguments from the 'Meta' backend: tensors on the device meta have a "
            "shape and no numbers, and Rushlight computes on numbers only. Give this one of shape "
            f"{list(self.shape)} memory first: module.to_empty(device='cpu'), or torch.empty_like(t, device='cpu')."
        )

    shape = property(lambda self: tuple.__new__(Size, self.outline.shape))
    dtype = property(lambda self: dtypes.FROM_NUMPY[self.outline.dtype])
    device = property(lambda self: META)
    ndim = property(lambda self: self.outline.ndim)
    itemsize = property(lambda self: self.outline.itemsize)
    _version = 0

    @property
    def data(self) -> Any:
        """The tensor without history; giving it a tensor with memory turns this one into an ordinary one."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(value, MetaTensor):
            self.outline = value.outline
            return
        marked = self.__dict__.pop("_is_param", False)
        del self.__dict__["outline"]
        self.__class__ = sys.modules["rushlight.nn"].Parameter if marked else Tensor  # type: ignore[assignment]
        self._array = value._array  # type: ignore[misc]

    def take_memory_of(self, t: Any) -> None:
        """Turn an ordinary tensor into one like this (``module.to("meta")``)."""
        if type(t) is not Tensor:
            t.__dict__["_is_param"] = True
        SLOT.__delete__(t)
        t.__class__ = MetaTensor
        t.outline = self.outline

    def stride(self, dim: int | None = None) -> Any:
        steps = (
            strides_of(np.broadcast_to(self.outline, self.outline.shape))
            if self.outline.size == 0
            else rows(self.shape)
        )
        return steps if dim is None else steps[dim]

    def storage_offset(self) -> int:
        return 0

    def data_ptr(self) -> int:
        return 0

    def is_contiguous(self, memory_format: Any = None) -> bool:
        return True

    def detach(self) -> Any:
        return meta(self.outline)

    def clone(self, *, memory_format: Any = None) -> Any:
        return meta(self.outline)

    def contiguous(self, memory_format: Any = None) -> Any:
        return self

    def to(self, *args: Any, **options: Any) -> Any:
        """Another dtype, on the same device; there is nothing to take to another one."""
        dtype = options.get("dtype")
        where = options.get("device")
        for arg in args:
            if isinstance(arg, Tensor):
                dtype, where = arg.dtype, arg.device
            elif isinstance(arg, (str, device)):
                where = arg
            elif isinstance(arg, dtypes.dtype):
                dtype = arg
        if where is not None and device(where).type != "meta":
            raise NotImplementedError(
                "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of "
                "torch.nn.Module.to() when moving module from meta to a different device."
            )
        if dtype is None or dtype is self.dtype:
            return self
        return meta(np.broadcast_to(np.zeros((), dtypes.to_numpy_dtype(dtype)), self.outline.shape))

    def cpu(self, memory_format: Any = None) -> Any:
        return self.to("cpu")

    def float(self, memory_format: Any = None) -> Any:
        return self.to(dtypes.float32)

    def double(self, memory_format: Any = None) -> Any:
        return self.to(dtypes.float64)

    def half(self, memory_format: Any = None) -> Any:
        return self.to(dtypes.float16)

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(
            "can't convert meta device type tensor to numpy: it has a shape and no numbers. Use torch.empty_like(t, "
            "device='cpu')."
        )

    def tolist(self) -> Any:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")

    def item(self) -> Any:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            made = meta(self.outline, self.requires_grad)
            made.__dict__.update({k: v for k, v in self.__dict__.items() if k not in ("_grad", "_view")})
            memo[id(self)] = made
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return spread, (tuple(self.shape), self.outline.dtype, self.requires_grad)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        kind = "" if self.outline.dtype == dtypes.default_dtype else f", dtype={self.dtype}"
        text = f"tensor(..., device='meta', size={tuple(self.shape)}{kind}"
        text += ", requires_grad=True)" if self.requires_grad else ")"
        return f"Parameter containing:\n{text}" if self.__dict__.get("_is_param") else text


SLOT: Any = Tensor.__dict__["_array"]


def unchanged(name: str) -> Any:
    def method(self: MetaTensor, *args: Any, **options: Any) -> MetaTensor:
        return self

    method.__name__ = method.__qualname__ = name
    method.__doc__ = "Nothing: there are no numbers to change."
    return method


FILLS = (
    "uniform_ normal_ zero_ fill_ copy_ random_ exponential_ bernoulli_ trunc_normal_ log_normal_ cauchy_ geometric_ "
    "clamp_ mul_ add_ div_ sub_ erfinv_"
)
for _name in FILLS.split():
    setattr(MetaTensor, _name, unchanged(_name))


def rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of memory filled row by row."""
    steps, step = [], 1
    for n in reversed(shape):
        steps.append(step)
        step *= max(n, 1)
    return tuple(reversed(steps))


def meta(outline: np.ndarray, requires_grad: bool = False) -> MetaTensor:
    """A tensor without numbers, of an array's shape and dtype."""
    t: MetaTensor = new(MetaTensor)
    t._node = Leaf(ref(t)) if requires_grad else None
    t.outline = np.broadcast_to(np.zeros((), outline.dtype), outline.shape)
    return t


def spread(shape: tuple[int, ...], dtype: Any, requires_grad: bool = False) -> MetaTensor:
    """A tensor without numbers."""
    return meta(np.broadcast_to(np.zeros((), dtype), shape), requires_grad)


__all__ = ["MetaTensor", "meta", "spread"]
