"""Carry a batch from a worker to the main process: arrays in shared memory, the rest by pipe.

A batch is pickled with its arrays left out of the stream (protocol 5). Arrays of some size go side by
side into one block of shared memory, which the receiver copies out of and removes. A block is named by
the loader and the number of the batch, so that blocks that nobody will fetch can be removed as well.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import rushlight as rl

if TYPE_CHECKING:
    from multiprocessing.shared_memory import SharedMemory

# Below this a copy through the pipe costs less than making, mapping and removing a block.
SMALLEST_BLOCK = 1 << 16
_ALIGNMENT = 64
# On Windows a block ends with the handle of the sender, who does not wait for the receiver.
_CAN_SHARE = os.name == "posix"

Message = tuple[bytes, "str | None", list[Any]]


def prepare() -> None:
    """Start what removes forgotten blocks before processes are forked, so that all share one.

    Raises RuntimeError where there are no processes.
    """
    if _CAN_SHARE:
        try:
            from multiprocessing import resource_tracker
        except ImportError as error:
            raise RuntimeError(
                f"DataLoader: there are no worker processes on this platform ({error}); use num_workers=0"
            ) from None
        resource_tracker.ensure_running()


def shared(name: str, size: int | None = None) -> SharedMemory:
    """The block of that name; a new one of ``size`` bytes if that is given."""
    from multiprocessing.shared_memory import SharedMemory  # not where there are no processes, as in a browser

    return SharedMemory(name=name) if size is None else SharedMemory(name=name, create=True, size=size)


def wait(sources: Sequence[Any], seconds: float | None) -> list[Any]:
    """Those of pipes and processes that have something to say, after ``seconds`` at the latest."""
    from multiprocessing import connection

    return list(connection.wait(sources, seconds))


def block_name(loader_key: str, number: int) -> str:
    """The name of the block that batch ``number`` of a loader travels in."""
    return f"{loader_key}_{number}"


def pack(value: Any, name: str) -> Message:
    """``value`` as a message: pickled bytes, the block's name if there is one, and sizes (or arrays)."""
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(value)
    views = [buffer.raw() for buffer in buffers]
    sizes = [view.nbytes for view in views]
    if not _CAN_SHARE or sum(sizes) < SMALLEST_BLOCK:
        return stream.getvalue(), None, [bytes(view) for view in views]

    ends = np.cumsum([_aligned(size) for size in sizes]).tolist()
    block = shared(name, ends[-1])
    try:
        target = np.ndarray(ends[-1], np.uint8, buffer=block.buf)
        for view, size, end in zip(views, sizes, ends, strict=True):
            start = end - _aligned(size)
            target[start : start + size] = np.frombuffer(view, np.uint8)
        del target
    finally:
        block.close()
    return stream.getvalue(), name, sizes


def unpack(message: Message) -> Any:
    """The value of a message. Its arrays are the receiver's own and may be written."""
    stream, name, parts = message
    if name is None:
        return pickle.loads(stream, buffers=[bytearray(part) for part in parts])
    block = shared(name)
    try:
        whole = np.ndarray(block.size, np.uint8, buffer=block.buf).copy()
    finally:
        block.close()
        block.unlink()
    return pickle.loads(stream, buffers=_cut(whole, parts))


def discard(name: str) -> None:
    """Remove a block that will not be fetched, if it is there."""
    if not _CAN_SHARE:
        return
    try:
        block = shared(name)
    except FileNotFoundError:
        return
    block.close()
    block.unlink()


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _cut(whole: Any, sizes: Sequence[int]) -> list[Any]:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(whole[start : start + size])
        start += _aligned(size)
    return pieces


class _Pickler(pickle.Pickler):
    """Pickles plain tensors as their arrays, so that those can stay out of the stream."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is not rl.Tensor:
            return NotImplemented
        if value.requires_grad and not value.is_leaf:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does "
                "not support crossing process boundaries.  If you just want to transfer the data, call "
                "detach() on the tensor before serializing (e.g., putting it on the queue)."
            )
        try:
            array = value.detach().numpy()
        except (TypeError, RuntimeError):  # a dtype that NumPy has not
            return NotImplemented
        return _tensor, (np.ascontiguousarray(array).reshape(array.shape), value.requires_grad)


def _tensor(array: Any, requires_grad: bool) -> Any:
    return rl.from_numpy(array).requires_grad_(requires_grad)
