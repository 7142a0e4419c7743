"""A small tensor class, so that the file formats can be tested without the library around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight._files.storages import Spelling, TensorRecord
from rushlight.serialization import tensor_record


class Dtype:
    def __init__(self, name: str) -> None:
        self.name = name


class Size(tuple):  # type: ignore[type-arg]
    __slots__ = ()


class Device:
    def __init__(self, type: str = "cpu", index: int | None = None) -> None:
        self.type, self.index = type, index


class T:
    """A tensor: an array and a flag."""

    def __init__(self, array: Any, requires_grad: bool = False) -> None:
        self._array = np.asarray(array)
        self.requires_grad = requires_grad


class P(T):
    """A parameter."""


DTYPES = {
    name: Dtype(name)
    for name in (
        *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16"),
        *("float32", "float64", "complex64", "complex128", "bfloat16"),
    )
}


class StandIn:
    """The `Host` for these."""

    Tensor, Parameter, Size, Device = T, P, Size, Device

    def make_tensor(self, array: Any, requires_grad: bool) -> T:
        return T(array, requires_grad)

    def make_parameter(self, tensor: T, requires_grad: bool) -> P:
        return P(tensor._array, requires_grad)

    def make_subclass(self, tensor: T, kind: Any) -> Any:
        return kind(tensor._array, tensor.requires_grad)

    def make_sparse(self, indices: T, values: T, size: tuple[int, ...], is_coalesced: bool) -> Any:
        raise NotImplementedError

    def is_tensor(self, value: object) -> bool:
        return isinstance(value, T)

    def set_state(self, tensor: T, state: dict[str, Any]) -> None:
        tensor.__dict__.update(state)

    def dtype(self, name: str) -> Dtype | None:
        return DTYPES.get(name)

    def layout(self, name: str) -> str | None:
        return name if name == "torch.strided" else None

    def size(self, values: tuple[int, ...]) -> Size:
        return Size(values)

    def device(self, *args: Any) -> Device:
        return Device(*args)

    def classes(self) -> tuple[type, type]:
        return T, P

    def describe(self, value: object) -> TensorRecord | None:
        if not isinstance(value, T):
            return None
        state = {k: v for k, v in vars(value).items() if k not in ("_array", "requires_grad")}
        kind = type(value) if type(value) not in (T, P) else None
        return tensor_record(value._array, value.requires_grad, isinstance(value, P), state, kind)

    def spell(self, value: object) -> Spelling | None:
        if isinstance(value, Dtype):
            return Spelling("torch", value.name)
        if isinstance(value, Size):
            return Spelling("torch", "Size", (tuple(value),))
        if isinstance(value, Device):
            return Spelling("torch", "device", (value.type,) if value.index is None else (value.type, value.index))
        return None
