"""When memory was last written, so that what backward needs is known to be unchanged.

Time is the count of recorded operations. A write leaves the time on the memory itself, on the
array that owns it, so every view of that memory sees it. Memory reached through ``detach_memory``
counts as another memory: writes through it are not noticed (PyTorch's ``.data``).
"""

from __future__ import annotations

from itertools import count
from types import CodeType
from typing import Any
from weakref import ref

import numpy as np

clock = count(1)
tick = clock.__next__

DETERMINISTIC = {"on": False, "warn_only": False, "fill": True}  # what was asked for, see ``rushlight._settings``


def allocated(shape: Any, dtype: Any, make: Any = np.empty) -> np.ndarray[Any, Any]:
    """A new array; one too large to be is refused in PyTorch's words.

    One that nothing was written to is full of nan, or of the largest integers, if deterministic algorithms are asked
    for: reading it by mistake is then seen, and the same each time.
    """
    try:
        array: np.ndarray[Any, Any] = make(shape, dtype)
    except ValueError as error:
        raise too_large(shape) if "too big" in str(error) or "Maximum allowed" in str(error) else error from None
    except MemoryError:
        size = np.dtype(dtype).itemsize
        for n in shape:
            size *= n
        raise OutOfMemory(
            f"DefaultCPUAllocator: can't allocate memory: you tried to allocate {size} bytes, for a tensor of sizes "
            f"{list(shape)}"
        ) from None
    if DETERMINISTIC["on"] and make is np.empty:
        unwritten(array)
    return array


def too_large(shape: Any) -> RuntimeError:
    """The error for a shape whose strides or bytes no 64-bit number counts."""
    if 0 in shape:
        return RuntimeError(f"Stride calculation overflowed: an empty tensor of sizes {list(shape)}")
    return RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")


class OutOfMemory(RuntimeError, MemoryError):
    """No memory for a tensor: RuntimeError, which PyTorch raises, and Python's MemoryError as well."""


def unwritten(array: np.ndarray[Any, Any]) -> None:
    """Fill memory that nobody has written, where determinism asks for it."""
    if DETERMINISTIC["on"] and DETERMINISTIC["fill"]:
        kind = array.dtype.kind
        array.fill(np.nan if kind in "fc" else True if kind == "b" else np.iinfo(array.dtype).max)


last_write = 0  # the time of the latest write anywhere: usually older than the graph


class Writes:
    """What is known of the writes to one memory: the time and place of the last, and how many."""

    __slots__ = ("code", "count", "detached", "lasti", "name", "owner", "spoils", "time")

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.time = self.count = 0
        self.code: CodeType | None = None
        self.lasti = -1
        self.name = ""
        self.spoils: list[Any] | None = None  # what a write makes unusable: see ``views.spoil``
        self.detached: list[tuple[Any, int]] = []  # arrays of tensors that lost their history in place, and when


# what stands between an array and its base where as_strided made it
Strided: Any = type(np.lib.stride_tricks.as_strided(np.zeros(1)).base)

_written: dict[int, Writes] = {}  # by the id of the owning array


def owner(array: Any) -> Any:
    """The array whose memory this is a view of."""
    while True:
        base = array.base
        if type(base) is np.ndarray:
            array = base
        elif type(base) is Strided:
            array = base.base
        else:
            return array


def placed(part: np.ndarray, array: np.ndarray, key: tuple[Any, ...]) -> np.ndarray:
    """The empty part of ``array`` at ``key``, as PyTorch places it: NumPy lets an empty slice begin at 0."""
    if type(part) is not np.ndarray:
        return part
    where, locked = array.__array_interface__["data"]
    dim = 0
    for i, k in enumerate(key):
        if k is Ellipsis:
            dim = array.ndim - sum([rest is not None for rest in key[i + 1 :]])
        elif k is not None:
            n = array.shape[dim]
            at = k.indices(n)[0] if type(k) is slice else k + n if k < 0 else k
            where += at * array.strides[dim]
            dim += 1
    whole = {**part.__array_interface__, "data": (where, locked), "strides": part.strides}
    moved = np.asarray(Strided(whole, array))
    return moved if moved.dtype == part.dtype else part


def entry(array: np.ndarray) -> Writes:
    """The record of writes to the memory under ``array``, made if there is none yet."""
    array = owner(array)
    key = id(array)
    found = _written.get(key)
    if found is None:
        forget = _written.pop
        found = _written[key] = Writes(ref(array, lambda _: forget(key, None)))
    return found


def written(array: np.ndarray, name: str = "", code: CodeType | None = None, lasti: int = -1) -> None:
    """Note that the memory under ``array`` has just been written, by which operator and where."""
    global last_write
    record = entry(array)
    record.time = last_write = tick()
    record.count += 1
    record.name, record.code, record.lasti = name, code, lasti
    if record.spoils:
        spoils, record.spoils = record.spoils, None
        for spoil in spoils:
            spoil()


def detached(array: np.ndarray) -> None:
    """Note that the tensor with this very array has just lost its history; its memory is as it was."""
    global last_write
    last_write = tick()  # what was saved is looked at again
    record = entry(array)
    record.detached = [(r, time) for r, time in record.detached if r() is not None]
    record.detached.append((ref(array), last_write))


def writes(array: np.ndarray) -> Writes | None:
    """The record of writes to the memory under ``array``; None if it was never written."""
    return _written.get(id(owner(array)))


def version(array: np.ndarray) -> int:
    """How many times this memory has been written in place."""
    record = writes(array)
    return record.count if record else 0


def changed_since(array: np.ndarray, time: int) -> bool:
    record = _written.get(id(owner(array)))
    return record is not None and record.time > time


def detach_memory(array: np.ndarray) -> np.ndarray:
    """The same memory as another owner: what is written through it is not noticed elsewhere."""
    if array.dtype.kind == "V" or not array.dtype.isnative:
        return array.view()
    return np.asarray(memoryview(array)) if array.size else array.copy()  # type: ignore[arg-type]
