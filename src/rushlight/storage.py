"""``torch.storage``: the memory under tensors, as bytes (`UntypedStorage`) or as elements of one dtype (`TypedStorage`).

A storage is a flat view of the array that owns a tensor's memory; nothing is copied, and what is written through
it is seen by every tensor on that memory.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

import rushlight as rl
from rushlight._core import callsite, dtypes, memory
from rushlight._core.tensor import wrap

__all__ = ["TypedStorage", "UntypedStorage"]

KINDS = {
    "Bool": "bool", "Byte": "uint8", "Char": "int8", "ComplexDouble": "complex128", "ComplexFloat": "complex64",
    "Double": "float64", "Float": "float32", "Half": "float16", "Int": "int32", "Long": "int64", "Short": "int16",
}  # fmt: skip
"""Storage classes by the first part of their names, and their dtypes."""


def swapped(order: Any) -> bool:
    """Whether bytes of that order are to be turned round."""
    if order not in ("native", "little", "big"):
        raise ValueError(f"invalid byte_order '{order}' (expected 'big', 'little', or 'native')")
    return order not in ("native", sys.byteorder)


def bytes_of_file(filename: Any, shared: bool, nbytes: int) -> np.ndarray:
    """The bytes of a file: mapped and written through if ``shared``, and then made long enough; else read."""
    if not shared:
        found = np.fromfile(filename, np.uint8, nbytes or -1)
        if len(found) < nbytes:
            raise RuntimeError(f"file {filename} has {len(found)} bytes, fewer than the {nbytes} that were asked for")
        return found
    with open(filename, "ab+") as file:
        if file.tell() < nbytes:
            file.truncate(nbytes)
    return np.asarray(np.memmap(filename, np.uint8, "r+", shape=(nbytes,) if nbytes else None))


def flat_bytes(array: np.ndarray) -> np.ndarray:
    """The memory of ``array``'s owner as bytes, in one dimension."""
    whole = memory.owner(array)
    if not whole.size:
        return np.empty(0, np.uint8)
    if not (whole.flags.c_contiguous or whole.flags.f_contiguous):
        raise RuntimeError(
            "this tensor's memory belongs to an array with gaps (strided by NumPy), which is no storage: take "
            ".contiguous() first"
        )
    return whole.ravel(order="K").view(np.uint8)  # type: ignore[no-any-return]


class UntypedStorage:
    """Bytes of memory: ``UntypedStorage(n)`` makes n zero bytes; ``t.untyped_storage()`` are those under a tensor.

    >>> import rushlight as torch
    >>> torch.zeros(3).untyped_storage().nbytes()
    12
    """

    is_cuda = is_sparse = False

    def __init__(self, source: Any = 0, *, device: Any = None) -> None:
        if device is not None:
            rl.empty(0, device=device)  # raises for a device that is not there
        self._bytes: np.ndarray = (
            np.zeros(source, np.uint8) if isinstance(source, int) else np.frombuffer(bytes(source), np.uint8).copy()
        )

    @classmethod
    def _over(cls, array: np.ndarray) -> UntypedStorage:
        made = cls.__new__(cls)
        made._bytes = flat_bytes(array)
        return made

    @classmethod
    def from_buffer(
        cls, buffer: Any, byte_order: Any = None, count: int = -1, offset: int = 0, *, dtype: Any = None
    ) -> Any:
        """A storage with a copy of the bytes of a buffer."""
        return TypedStorage.from_buffer(buffer, byte_order, count, offset, dtype=dtype or rl.uint8).untyped()

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> Self:
        """The bytes of a file; ``shared`` maps it, so that what is written to the storage is written to the file."""
        made = cls.__new__(cls)
        made._bytes = bytes_of_file(filename, shared, nbytes)
        made.filename = str(filename) if shared else None
        return made

    device = property(lambda self: rl.device("cpu"))
    filename: str | None = None

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._bytes.nbytes

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the class."""
        return "torch.storage.UntypedStorage"

    def new(self) -> UntypedStorage:
        """An empty storage."""
        return UntypedStorage()

    def resizable(self) -> bool:
        """False: see `resize_`."""
        return False

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    def byteswap(self, dtype: Any) -> None:
        """Turn the bytes of each element of ``dtype`` round, in place (of a complex number: of each part)."""
        kind = dtypes.to_numpy_dtype(dtype)
        part = kind.itemsize // 2 if kind.kind == "c" else kind.itemsize
        self[:] = self._bytes.reshape(-1, part)[:, ::-1].reshape(-1)  # type: ignore[assignment]

    size = __len__ = nbytes

    def element_size(self) -> int:
        """1: the elements are bytes."""
        return 1

    def data_ptr(self) -> int:
        """The address of the first byte."""
        address: int = self._bytes.__array_interface__["data"][0]
        return address

    def __getitem__(self, index: Any) -> Any:
        found = self._bytes[index]
        if isinstance(found, np.ndarray):
            part = type(self).__new__(type(self))
            part._bytes = found
            return part
        return int(found)

    def __setitem__(self, index: Any, value: int) -> None:
        self._bytes[index] = value
        memory.written(self._bytes, "storage", *callsite.here())

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def tolist(self) -> list[int]:
        """The bytes as integers."""
        found: list[int] = self._bytes.tolist()
        return found

    def fill_(self, value: int) -> UntypedStorage:
        """Set every byte."""
        self[:] = value
        return self

    def copy_(self, source: UntypedStorage, non_blocking: bool | None = None) -> UntypedStorage:
        """Copy the bytes of another storage of the same size."""
        if len(source) != len(self):
            raise RuntimeError(f"copy_: sizes differ: {len(self)} bytes here, {len(source)} in the source")
        self[:] = source._bytes  # type: ignore[assignment]
        return self

    def clone(self) -> UntypedStorage:
        """A copy."""
        return UntypedStorage(self._bytes.tobytes())

    def cpu(self) -> UntypedStorage:
        """This storage: it is on the CPU."""
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Raises: memory that tensors share cannot grow or shrink here."""
        if size != len(self):
            raise RuntimeError(
                f"resize_: a storage of {len(self)} bytes cannot become one of {size}: NumPy's arrays keep their memory"
            )
        return self

    def is_shared(self) -> bool:
        """False: memory is shared between processes by the data loader only."""
        return False

    def is_pinned(self, device: Any = None) -> bool:
        """False: there is no device to pin memory for."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and (self.data_ptr(), len(self)) == (other.data_ptr(), len(other))

    def __hash__(self) -> int:
        return hash((self.data_ptr(), len(self)))

    def __repr__(self) -> str:
        rows = "\n".join(f" {b}" for b in self.tolist())
        return f"{rows}\n[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"

    def _tensor(self) -> Any:
        return wrap(self._bytes)


class _Kind(type):
    """The type of storage classes: an instance of ``FloatStorage`` is any storage of float32."""

    dtype: Any

    def __instancecheck__(cls, obj: Any) -> bool:
        if cls is TypedStorage or "dtype" not in cls.__dict__:
            return super().__instancecheck__(obj)
        return isinstance(obj, TypedStorage) and obj.dtype is cls.dtype


class TypedStorage(metaclass=_Kind):
    """The elements of one dtype in memory; PyTorch deprecates it for `UntypedStorage`.

    >>> import rushlight as torch
    >>> torch.arange(4).view(2, 2)[1].storage().tolist()
    [0, 1, 2, 3]
    """

    is_cuda = is_sparse = False

    def __init__(
        self,
        *args: Any,
        wrap_storage: UntypedStorage | None = None,
        dtype: Any = None,
        device: Any = None,
        _internal: bool = False,
    ) -> None:
        fixed = getattr(type(self), "dtype", None)
        if fixed is not None and dtype not in (None, fixed):
            raise RuntimeError(f"{type(self).__name__}(): the dtype is {fixed}, got {dtype}")
        self.dtype: Any = fixed if fixed is not None else dtype if dtype is not None else rl.get_default_dtype()
        if wrap_storage is not None:
            if not isinstance(wrap_storage, UntypedStorage):
                raise TypeError(f"Argument 'wrap_storage' must be UntypedStorage, but got {type(wrap_storage)}")
            self._untyped = wrap_storage
        elif args and not isinstance(args[0], int):
            self._untyped = UntypedStorage._over(rl.tensor(list(args[0]), dtype=self.dtype)._array)
        else:
            self._untyped = UntypedStorage((args[0] if args else 0) * self.element_size(), device=device)

    @classmethod
    def from_buffer(
        cls, buffer: Any, byte_order: Any = None, count: int = -1, offset: int = 0, *, dtype: Any = None
    ) -> Any:
        """A storage with a copy of the elements in a buffer, whose bytes have ``byte_order``."""
        kind = getattr(cls, "dtype", None) or dtype or rl.get_default_dtype()
        if byte_order is None and kind.itemsize > 1:
            raise TypeError("from_buffer(): argument 'byte_order' is required: 'native', 'little' or 'big'")
        turned = byte_order is not None and swapped(byte_order)
        view = memoryview(buffer).cast("B")
        if offset and not 0 <= offset < view.nbytes:
            raise ValueError(
                f"offset must be non-negative and no greater than buffer length ({view.nbytes}) , but got {offset}"
            )
        if count < 0 and (view.nbytes - offset) % kind.itemsize:
            raise ValueError(
                f"buffer size ({view.nbytes - offset}) must be a multiple of element size ({kind.itemsize})"
            )
        part = view[offset:] if count < 0 else view[offset : offset + count * kind.itemsize]
        if count >= 0 and part.nbytes < count * kind.itemsize:
            raise ValueError(
                f"buffer has only {part.nbytes} bytes after offset {offset}, but specified a size of {count}"
            )
        made = UntypedStorage(part)
        if turned:
            made.byteswap(kind)
        return cls._of(made, kind)

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, size: int = 0) -> Any:
        """The elements of a file: see `UntypedStorage.from_file`."""
        kind = getattr(cls, "dtype", None) or rl.get_default_dtype()
        return cls._of(UntypedStorage.from_file(filename, shared, size * kind.itemsize), kind)

    @staticmethod
    def _of(untyped: UntypedStorage, dtype: Any) -> TypedStorage:
        return TypedStorage(wrap_storage=untyped, dtype=dtype)

    device = property(lambda self: rl.device("cpu"))
    filename = property(lambda self: self._untyped.filename)
    _untyped_storage = property(lambda self: self._untyped)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the storage class; or, with a dtype or such a name, a copy of that dtype."""
        if dtype is None:
            return self.pickle_storage_type() and f"torch.{self.pickle_storage_type()}"
        if isinstance(dtype, str):
            dtype = getattr(rl, dtype.rpartition(".")[2]).dtype
        return self._of(UntypedStorage._over(rl.tensor(self._tensor()).to(dtype)._array), dtype)

    def pickle_storage_type(self) -> str:
        """The name of the class that a file has for this storage."""
        return next(f"{label}Storage" for label, name in KINDS.items() if name == self.dtype.name)

    def new(self) -> TypedStorage:
        """An empty storage of this dtype."""
        return self._of(UntypedStorage(), self.dtype)

    def resizable(self) -> bool:
        """False: see `UntypedStorage.resize_`."""
        return False

    @property
    def _elements(self) -> np.ndarray:
        return self._untyped._bytes.view(dtypes.to_numpy_dtype(self.dtype))

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return self._untyped

    def size(self) -> int:
        """The number of elements."""
        return len(self._elements)

    __len__ = size

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._untyped.nbytes()

    def element_size(self) -> int:
        """Bytes of one element."""
        n: int = self.dtype.itemsize
        return n

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._untyped.data_ptr()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._elements[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._elements[index] = value
        memory.written(self._untyped._bytes, "storage", *callsite.here())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        found: list[Any] = self._elements.tolist()
        return found

    def fill_(self, value: Any) -> TypedStorage:
        """Set every element."""
        self[:] = value
        return self

    def copy_(self, source: TypedStorage, non_blocking: bool | None = None) -> TypedStorage:
        """Copy the elements of another storage of the same size."""
        self[:] = source._elements
        return self

    def clone(self) -> TypedStorage:
        """A copy."""
        return TypedStorage(wrap_storage=self._untyped.clone(), dtype=self.dtype)

    def cpu(self) -> TypedStorage:
        """This storage: it is on the CPU."""
        return self

    def resize_(self, size: int) -> TypedStorage:
        """Raises: see `UntypedStorage.resize_`."""
        self._untyped.resize_(size * self.element_size())
        return self

    def is_shared(self) -> bool:
        """False: see `UntypedStorage.is_shared`."""
        return False

    def __repr__(self) -> str:
        rows = "\n".join(f" {e}" for e in self.tolist())
        return f"{rows}\n[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"

    def _tensor(self) -> Any:
        return wrap(self._elements)


def _converter(name: str) -> Any:
    def convert(self: TypedStorage) -> TypedStorage:
        made: TypedStorage = self.type(getattr(rl, name))
        return made

    convert.__doc__ = f"A copy in {name}."
    convert.__name__ = name
    return convert


for _label, _name in KINDS.items():
    _method = {"ComplexDouble": "complex_double", "ComplexFloat": "complex_float"}.get(_label, _label.lower())
    setattr(TypedStorage, _method, _converter(_name))


def kinds() -> dict[str, Any]:
    """``FloatStorage``, ``LongStorage``... by name."""
    made = {}
    for label, name in KINDS.items():
        dtype = getattr(rl, name)
        made[f"{label}Storage"] = _Kind(
            f"{label}Storage",
            (TypedStorage,),
            {"dtype": dtype, "__module__": "torch", "__doc__": f"Storages of {dtype}."},
        )
    return made


def from_file(filename: Any, shared: bool | None = None, size: int = 0, *, dtype: Any = None) -> Any:
    """A tensor of ``size`` elements from a file; ``shared`` maps it, so that writes go to the file.

    >>> import rushlight as torch, tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     torch.from_file(file.name, shared=True, size=2)
    tensor([0., 0.])
    """
    kind = rl.get_default_dtype() if dtype is None else dtype
    return wrap(bytes_of_file(filename, bool(shared), size * kind.itemsize).view(dtypes.to_numpy_dtype(kind)))


_warned: list[bool] = []


def warn_of_typed() -> None:
    """PyTorch's warning of ``Tensor.storage()``, given once."""
    if not _warned:
        _warned.append(True)
        warnings.warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
            "class. To access UntypedStorage directly, use tensor.untyped_storage() instead of tensor.storage()",
            UserWarning,
            stacklevel=3,
        )
