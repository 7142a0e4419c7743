"""Questions about tensors and dtypes: what they are, what they promote to, what a number type can hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import dtypes, promote, record
from .._core.tensor import Tensor


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating-point numbers.

    >>> import rushlight as torch
    >>> torch.is_floating_point(torch.ones(1))
    True
    """
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers.

    >>> import rushlight as torch
    >>> torch.is_complex(torch.ones(1))
    False
    """
    return input.dtype.is_complex


def is_signed(input: Tensor) -> bool:
    """Whether the elements can be negative.

    >>> import rushlight as torch
    >>> torch.is_signed(torch.ones(1, dtype=torch.uint8))
    False
    """
    return input.dtype.is_signed


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero.

    >>> import rushlight as torch
    >>> torch.is_nonzero(torch.tensor([2.0]))
    True
    """
    if input.numel() != 1:
        raise RuntimeError(
            "Boolean value of Tensor with no values is ambiguous"
            if input.numel() == 0
            else "Boolean value of Tensor with more than one value is ambiguous"
        )
    return bool(input.item())


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    >>> import rushlight as torch
    >>> torch.is_inference(torch.ones(1))
    False
    """
    return input.is_inference()


def is_storage(obj: Any) -> bool:
    """Whether ``obj`` is a storage.

    >>> import rushlight as torch
    >>> torch.is_storage(torch.ones(1))
    False
    """
    return type(obj).__name__ in ("UntypedStorage", "TypedStorage")


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape.

    >>> import rushlight as torch
    >>> torch.is_same_size(torch.ones(2), torch.ones(3))
    False
    """
    return tuple(input.shape) == tuple(other.shape)


def numel(input: Tensor) -> int:
    """The number of elements.

    >>> import rushlight as torch
    >>> torch.numel(torch.ones(2, 3))
    6
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"numel(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input.numel()


def _operand(x: Any) -> Any:
    if isinstance(x, Tensor):
        return np.empty((1,) * x.ndim, record.np_dtype(x))
    return x


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype of an arithmetic operation on two tensors or numbers.

    >>> import rushlight as torch
    >>> torch.result_type(torch.tensor([1, 2]), 1.0)
    torch.float32
    """
    return dtypes.dtype_of(promote.result_dtype([_operand(tensor1), _operand(tensor2)], dtypes.default_dtype))


def promote_types(type1: dtypes.dtype, type2: dtypes.dtype) -> dtypes.dtype:
    """The smallest dtype that both dtypes go to.

    >>> import rushlight as torch
    >>> torch.promote_types(torch.int32, torch.float32)
    torch.float32
    """
    for i, (name, given) in enumerate((("type1", type1), ("type2", type2))):
        if not isinstance(given, dtypes.dtype):
            raise TypeError(
                f"promote_types(): argument '{name}' (position {i + 1}) must be torch.dtype, not {type(given).__name__}"
            )
    found = promote.promote_names(type1.name, type2.name)
    return next(d for d in dtypes.ALL if d.name == found)


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether promotion may cast one dtype to another.

    >>> import rushlight as torch
    >>> torch.can_cast(torch.float32, torch.int32)
    False
    """
    return promote.can_cast(from_.dtype, to.dtype)


def type_name(value: Any) -> str:
    return type(value).__name__


NAMES_ONLY = {  # of the dtypes that NumPy does not have: bits, eps, max, min, smallest normal number, resolution
    "bfloat16": (16, 2.0**-7, 3.3895313892515355e38, -3.3895313892515355e38, 2.0**-126, 0.01),
    "float8_e4m3fn": (8, 2.0**-3, 448.0, -448.0, 2.0**-6, 1.0),
    "float8_e4m3fnuz": (8, 2.0**-3, 240.0, -240.0, 2.0**-7, 1.0),
    "float8_e5m2": (8, 2.0**-2, 57344.0, -57344.0, 2.0**-14, 1.0),
    "float8_e5m2fnuz": (8, 2.0**-3, 57344.0, -57344.0, 2.0**-15, 1.0),
    "float8_e8m0fnu": (8, 1.0, 2.0**127, 2.0**-127, 2.0**-127, 1.0),
}


class finfo:
    """The limits of a floating-point dtype.

    >>> import rushlight as torch
    >>> torch.finfo(torch.float32).eps
    1.1920928955078125e-07
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: dtypes.dtype | None = None) -> None:
        given = dtypes.get_default_dtype() if type is None else type
        if not isinstance(given, dtypes.dtype):
            raise TypeError(f"finfo(): argument 'type' (position 1) must be torch.dtype, not {type_name(given)}")
        if not (given.is_floating_point or given.is_complex):
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{given}'")
        self.dtype = given.to_real().name if given.is_complex else given.name
        if given.name in NAMES_ONLY:
            self.bits, self.eps, self.max, self.min, self.tiny, self.resolution = NAMES_ONLY[given.name]
            self.smallest_normal = self.tiny
            return
        info = np.finfo(given.dtype)
        self.bits = info.bits
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = float(info.resolution)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer dtype.

    >>> import rushlight as torch
    >>> torch.iinfo(torch.int8).max
    127
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: dtypes.dtype) -> None:
        if not isinstance(type, dtypes.dtype):
            raise TypeError(f"iinfo(): argument 'type' (position 1) must be torch.dtype, not {type_name(type)}")
        if type.name == "bool":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if type.is_floating_point or type.is_complex or type.name == "bool":
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type}'")
        info = np.iinfo(type.dtype)
        self.dtype, self.bits, self.max, self.min = type.name, info.bits, int(info.max), int(info.min)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
