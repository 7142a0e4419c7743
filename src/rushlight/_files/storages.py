"""Storages and the tensors that look at them, as a file describes them.

A storage is one flat array; a tensor is an offset, sizes and strides over it. Here both are checked and made,
and here stands the `Host` protocol: the few things the file formats must know about the Tensor class.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from rushlight._files import LoadError

Array = np.ndarray[Any, Any]

MAX_DIMS = 64
"""NumPy's limit on dimensions."""

DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in [
        "bool",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "uint64",
        "int64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]
}
"""The dtypes a tensor can have here, by PyTorch's name."""

STORAGE_DTYPES: dict[str, str] = {
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "HalfStorage": "float16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
}
"""What the storage classes of a file hold."""

DTYPE_STORAGES: dict[str, str] = {d: s for s, d in STORAGE_DTYPES.items() if s != "UntypedStorage"}

UNSUPPORTED_STORAGES: dict[str, str] = {
    "BFloat16Storage": "bfloat16",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
}

UNSUPPORTED_DTYPES: frozenset[str] = frozenset(UNSUPPORTED_STORAGES.values()) | frozenset(
    [
        "complex32",
        "float8_e5m2",
        "float8_e4m3fn",
        "float8_e5m2fnuz",
        "float8_e4m3fnuz",
        "float8_e8m0fnu",
        "float4_e2m1fn_x2",
        "bits8",
        "bits16",
        "bits1x8",
        "bits2x4",
        "bits4x2",
    ]
)


class Host(Protocol):
    """What the formats ask of the library they build tensors for."""

    def make_tensor(self, array: Array, requires_grad: bool) -> Any:
        """A tensor over ``array``, sharing its memory."""

    def make_parameter(self, tensor: Any, requires_grad: bool) -> Any:
        """A parameter over the memory of ``tensor``."""

    def make_sparse(self, indices: Any, values: Any, size: tuple[int, ...], is_coalesced: bool) -> Any:
        """A sparse tensor (COO) of its parts; raises LoadError if they do not fit each other."""

    def is_tensor(self, value: object) -> bool: ...

    def set_state(self, tensor: Any, state: dict[str, Any]) -> None:
        """Put back the attributes a program had set on the tensor."""

    def make_subclass(self, tensor: Any, kind: type) -> Any:
        """The same tensor as an instance of ``kind``, a subclass of Tensor that the caller listed."""

    def dtype(self, name: str) -> Any:
        """The dtype object of that PyTorch name, or None if there is no such object here."""

    def layout(self, name: str) -> Any:
        """The layout object of a name such as ``torch.strided``, or None."""

    def size(self, values: tuple[int, ...]) -> Any: ...

    def device(self, *args: Any) -> Any: ...

    def classes(self) -> tuple[type, type]:
        """The classes Tensor and Parameter."""

    def describe(self, value: object) -> TensorRecord | None:
        """How to write ``value`` if it is a tensor, else None."""

    def spell(self, value: object) -> Spelling | None:
        """How PyTorch spells ``value`` if it is a dtype, size, device or class of ours, else None."""


class TensorRecord(NamedTuple):
    """What is written of a tensor. ``storage`` is one-dimensional and the same object for all its views."""

    storage: Array
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    is_parameter: bool
    dtype: str
    state: dict[str, Any] | None = None
    subclass: type | None = None


class Spelling(NamedTuple):
    """A name of PyTorch, or with ``args`` a call of it."""

    module: str
    name: str
    args: tuple[Any, ...] | None = None


class StorageType:
    """The class of a storage as a file names it (``FloatStorage`` ...): only a name and a dtype."""

    __slots__ = ("dtype", "name")

    def __init__(self, name: str) -> None:
        if name not in STORAGE_DTYPES and name not in UNSUPPORTED_STORAGES:
            raise KeyError(name)
        self.name = name
        self.dtype = STORAGE_DTYPES.get(name) or UNSUPPORTED_STORAGES[name]

    def __repr__(self) -> str:
        return f"StorageType(dtype=torch.{self.dtype})"


class Storage:
    """A flat array from a file, the value that a ``map_location`` function receives and returns."""

    __slots__ = ("array", "device", "foreign", "key", "pending")

    def __init__(self, key: str, array: Array) -> None:
        self.key = key
        self.array = array
        self.device = "cpu"
        self.foreign = False  # came in the other byte order
        self.pending: list[Callable[[], object]] | None = None
        """Where bytes arrive only after the tensors (legacy files): what to do then."""

    def cpu(self) -> Storage:
        return self

    def __len__(self) -> int:
        return int(self.array.size)

    def __repr__(self) -> str:
        return f"Storage(key={self.key!r}, dtype={self.array.dtype}, size={self.array.size})"

    def typed(self, dtype: np.dtype[Any]) -> Array:
        """The same memory as elements of ``dtype``; a remainder too short for one is left off."""
        if self.array.dtype == dtype:
            return self.array
        if self.foreign:  # bytes were put in order as elements of the first dtype
            raise LoadError(f"{dtype} in a file of the other byte order is not supported")
        raw = self.array.view(np.uint8)
        return raw[: raw.size // dtype.itemsize * dtype.itemsize].view(dtype)

    def when_filled(self, action: Callable[[], object]) -> None:
        if self.pending is None:
            action()
        else:
            self.pending.append(action)


def shown(value: object) -> str:
    """A value from a file, for a message: only plain ones are spelled out; ``repr`` of others may never end.

    (A tuple of itself twice, forty times over, takes forty opcodes and prints 2**40 times.)
    """
    kind = type(value)
    if kind in (str, bytes, float, bool, type(None)) or (type(value) is int and value.bit_length() < 128):
        return f"{value!r:.60}"
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    return kind.__name__


def supported(dtype: str, what: str) -> np.dtype[Any]:
    """The NumPy dtype of a PyTorch dtype name, or a LoadError that says what to do."""
    if dtype in DTYPES:
        return DTYPES[dtype]
    raise LoadError(
        f"{what} has dtype {dtype}, which NumPy lacks, so it cannot be loaded here. Convert it before "
        f"saving: with PyTorch, `value.float()` (or `model.float()`) and `torch.save` again."
    )


def whole_number(value: object, what: str) -> int:
    """``value`` if it is an int that is not negative (bool is none)."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise LoadError(f"{what} must be an integer from 0 to 2**63 - 1, got {shown(value)}")
    return value


def view_of(storage: Array, offset: object, size: object, stride: object) -> Array:
    """The elements ``storage[offset + i0*stride0 + ...]`` for all ``i < size``, as a view.

    Everything is checked in Python integers first, which cannot overflow.

    >>> view_of(np.arange(6), 1, (2, 2), (2, 1))
    array([[1, 2],
           [3, 4]])
    """
    start = whole_number(offset, "a tensor's storage offset")
    sizes, strides = whole_numbers(size, "a tensor's size"), whole_numbers(stride, "a tensor's stride")
    if len(sizes) != len(strides):
        raise LoadError(f"a tensor has {len(sizes)} sizes but {len(strides)} strides: {sizes} and {strides}")
    if len(sizes) > MAX_DIMS:
        raise LoadError(f"a tensor has {len(sizes)} dimensions; at most {MAX_DIMS} are possible")
    itemsize = storage.dtype.itemsize
    if max(math.prod(max(n, 1) for n in sizes), *strides, start, 1) * itemsize >= 2**63:
        raise LoadError(f"a tensor of size {sizes} and stride {strides} exceeds the address space")
    if 0 in sizes:
        start = min(start, storage.size)
    else:
        last = start + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
        if last >= storage.size:
            raise LoadError(
                f"a tensor of size {sizes}, stride {strides} and storage offset {start} reaches element "
                f"{last} of a storage of {storage.size} elements"
            )
    steps = tuple(s * itemsize for s in strides)
    return np.ndarray(sizes, storage.dtype, storage, start * itemsize, steps)  # checks the bounds once more


def whole_numbers(values: object, what: str) -> tuple[int, ...]:
    if not isinstance(values, tuple | list):
        raise LoadError(f"{what} must be a tuple of integers, got {type(values).__name__}")
    return tuple(whole_number(v, what) for v in values)


def contiguous_strides(size: Sequence[int]) -> tuple[int, ...]:
    """The strides PyTorch gives a new tensor of that size."""
    strides, step = [], 1
    for n in reversed(size):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def repair_bools(array: Array) -> None:
    """Make every byte of a bool array 0 or 1; other bytes would be neither True nor False to NumPy."""
    raw = array.view(np.uint8)
    if array.dtype == np.bool_ and raw.size and raw.max() > 1:
        np.not_equal(raw, 0, out=array)


def raw_bytes(array: Array) -> memoryview:
    """The bytes of a one-dimensional array, without a copy."""
    return memoryview(array.view(np.uint8).data) if array.size else memoryview(b"")


def locate(map_location: Any) -> Callable[[Storage, str], Storage]:
    """The function that decides where a storage goes. Only the CPU exists, so it checks more than it does."""
    if map_location is None:
        return _place
    if isinstance(map_location, dict):
        table = map_location
        return lambda storage, location: _place(storage, _location_name(table.get(location, location)))
    if callable(map_location) and not hasattr(map_location, "type"):  # a device can be called too, as a decorator
        function = map_location

        def by_function(storage: Storage, location: str) -> Storage:
            placed: Storage | None = function(storage, location)
            if placed is None:
                return _place(storage, location)
            if placed is not storage:
                raise RuntimeError(
                    f"map_location returned {type(placed).__name__} for a storage at {location!r}; "
                    "return the storage it was given, or None"
                )
            return placed

        return by_function
    target = _location_name(map_location)
    _check_location(target)
    return lambda storage, location: storage


def _location_name(location: Any) -> str:
    return location.decode("ascii", "replace") if isinstance(location, bytes) else str(location)


def _place(storage: Storage, location: str) -> Storage:
    _check_location(location)
    return storage


def _check_location(location: str) -> None:
    kind, _, index = location.partition(":")
    if kind == "cpu" and (not index or index.isdigit()):
        return
    if kind in ("cuda", "hpu", "xpu", "mps"):
        raise RuntimeError(
            f"Attempting to deserialize object on a {kind.upper()} device but torch.{kind}.is_available() is "
            "False. If you are running on a CPU-only machine, please use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU."
        )
    raise RuntimeError(
        f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location}); "
        "use map_location='cpu'"
    )
