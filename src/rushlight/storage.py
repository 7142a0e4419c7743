"""``torch.storage``: the memory under tensors, as bytes (`UntypedStorage`) or as elements of one dtype (`TypedStorage`).

A storage is a flat view of the array that owns a tensor's memory; nothing is copied, and what is written through
it is seen by every tensor on that memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import rushlight as rl
from rushlight._core import callsite, dtypes, memory
from rushlight._core.tensor import wrap

__all__ = ["TypedStorage", "UntypedStorage"]


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

    device = property(lambda self: rl.device("cpu"))

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._bytes.nbytes

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


class TypedStorage:
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
        self.dtype: Any = dtype if dtype is not None else rl.get_default_dtype()
        if wrap_storage is not None:
            self._untyped = wrap_storage
        elif args and not isinstance(args[0], int):
            self._untyped = UntypedStorage._over(rl.tensor(list(args[0]), dtype=self.dtype)._array)
        else:
            self._untyped = UntypedStorage((args[0] if args else 0) * self.element_size(), device=device)

    device = property(lambda self: rl.device("cpu"))

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
