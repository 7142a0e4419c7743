"""``torch.distributed`` for one process: programs written for many run right as a group of one.

Collectives over one process are copies of their own input. A group of more than one raises an error that says so.
"""

from __future__ import annotations

import os
from enum import IntEnum
from typing import Any

import rushlight as rl

from .._names_only import children

__all__ = [
    "Backend", "P2POp", "ProcessGroup", "ReduceOp", "Work", "all_gather", "all_gather_into_tensor", "all_gather_object",
    "all_reduce", "all_to_all", "all_to_all_single", "barrier", "broadcast", "broadcast_object_list",
    "destroy_process_group", "gather", "gather_object", "get_backend", "get_global_rank", "get_group_rank",
    "get_process_group_ranks", "get_rank", "get_world_size", "group",
    "init_process_group", "irecv", "is_available", "is_gloo_available", "is_initialized", "is_mpi_available",
    "is_nccl_available", "is_torchelastic_launched", "isend", "monitored_barrier", "new_group", "recv", "reduce",
    "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list", "send",
]  # fmt: skip


class Backend(str):
    """The name of a backend."""

    UNDEFINED, GLOO, NCCL, MPI, UCC = "undefined", "gloo", "nccl", "mpi", "ucc"


class _RedOpType(IntEnum):
    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = range(9)


class ReduceOp:
    """How values of several processes are joined."""

    RedOpType = _RedOpType
    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = _RedOpType


class ProcessGroup:
    """A group of one process."""

    def rank(self) -> int:
        """Always 0."""
        return 0

    def size(self) -> int:
        """Always 1."""
        return 1


class group:
    """The default group."""

    WORLD: ProcessGroup | None = None


class Work:
    """An operation that is done already."""

    def wait(self, timeout: Any = None) -> bool:
        """Always True."""
        return True

    def is_completed(self) -> bool:
        """Always True."""
        return True

    def is_success(self) -> bool:
        """Always True."""
        return True

    def get_future(self) -> Any:
        """A future that is done."""
        made = rl.futures.Future()
        made.set_result(None)
        return made


_backend: str | None = None


def is_available() -> bool:
    """Whether the package is here: True.

    >>> import rushlight as torch
    >>> torch.distributed.is_available(), torch.distributed.is_initialized()
    (True, False)
    """
    return True


def is_initialized() -> bool:
    """Whether ``init_process_group`` was called."""
    return group.WORLD is not None


def is_gloo_available() -> bool:
    """True: a group of one needs no library."""
    return True


def is_mpi_available() -> bool:
    """Always False."""
    return False


def is_nccl_available() -> bool:
    """Always False."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether a launcher of PyTorch's started the program."""
    return os.environ.get("TORCHELASTIC_RUN_ID") is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Begin a group of one process. Raises RuntimeError for more, and for a backend of another device."""
    global _backend
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    size = world_size if world_size != -1 else int(os.environ.get("WORLD_SIZE", "1"))
    own = rank if rank != -1 else int(os.environ.get("RANK", "0"))
    if size != 1 or own != 0:
        raise RuntimeError(
            f"torch.distributed here is for one process, but the group has world_size={size} and rank={own}. Start the "
            "program as one process (WORLD_SIZE=1, RANK=0)."
        )
    if backend is not None and "nccl" in backend.lower() and "gloo" not in backend.lower():
        raise RuntimeError("Distributed package doesn't have NCCL built in. Use backend='gloo'.")
    _backend = "gloo" if backend is None else backend.lower()
    group.WORLD = ProcessGroup()


def destroy_process_group(group: Any = None) -> None:
    """End the group."""
    global _backend
    _check()
    _backend = None
    globals()["group"].WORLD = None


def _check() -> None:
    if not is_initialized():
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")


def get_rank(group: Any = None) -> int:
    """0, the number of the only process."""
    _check()
    return 0


def get_world_size(group: Any = None) -> int:
    """1, the number of processes."""
    _check()
    return 1


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The ranks of a group: ``[0]``."""
    _check()
    return [0]


def get_global_rank(group: Any, group_rank: int) -> int:
    """The rank in the whole of a rank in a group."""
    _check()
    return group_rank


def get_group_rank(group: Any, global_rank: int) -> int:
    """The rank in a group of a rank in the whole."""
    _check()
    return global_rank


def get_backend(group: Any = None) -> str:
    """The name of the backend that was asked for."""
    _check()
    return _backend or "gloo"


def new_group(ranks: Any = None, *args: Any, **options: Any) -> ProcessGroup:
    """A group of the only process."""
    _check()
    if ranks is not None and list(ranks) not in ([0], []):
        raise ValueError(f"the new group's rank should be within the world_size set by init_process_group: got {ranks}")
    return ProcessGroup()


def _done(async_op: bool) -> Work | None:
    return Work() if async_op else None


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait for all processes: there is one."""
    _check()
    return _done(async_op)


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """Wait for all processes: there is one."""
    _check()


def all_reduce(tensor: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Join the tensors of all processes in place: of one it stays as it is."""
    _check()
    return _done(async_op)


def reduce(tensor: Any, dst: int = 0, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Join the tensors of all processes at one of them: of one it stays as it is."""
    _check()
    return _done(async_op)


def broadcast(tensor: Any, src: int = 0, group: Any = None, async_op: bool = False) -> Work | None:
    """Send one process's tensor to all: to one there is nothing to send."""
    _check()
    return _done(async_op)


def broadcast_object_list(object_list: list[Any], src: int = 0, group: Any = None, device: Any = None) -> None:
    """Send one process's objects to all: to one there is nothing to send."""
    _check()


def all_gather(tensor_list: list[Any], tensor: Any, group: Any = None, async_op: bool = False) -> Work | None:
    """The tensors of all processes, in ``tensor_list``."""
    _check()
    tensor_list[0].copy_(tensor)
    return _done(async_op)


def all_gather_into_tensor(output_tensor: Any, input_tensor: Any, group: Any = None, async_op: bool = False) -> Any:
    """The tensors of all processes, joined in ``output_tensor``."""
    _check()
    output_tensor.copy_(input_tensor.reshape(output_tensor.shape))
    return _done(async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """The objects of all processes, in ``object_list``."""
    _check()
    object_list[0] = obj


def gather(
    tensor: Any, gather_list: Any = None, dst: int = 0, group: Any = None, async_op: bool = False
) -> Work | None:
    """The tensors of all processes, in one process's ``gather_list``."""
    _check()
    if gather_list:
        gather_list[0].copy_(tensor)
    return _done(async_op)


def gather_object(obj: Any, object_gather_list: Any = None, dst: int = 0, group: Any = None) -> None:
    """The objects of all processes, in one process's list."""
    _check()
    if object_gather_list:
        object_gather_list[0] = obj


def scatter(
    tensor: Any, scatter_list: Any = None, src: int = 0, group: Any = None, async_op: bool = False
) -> Work | None:
    """One tensor of a list to each process."""
    _check()
    if scatter_list:
        tensor.copy_(scatter_list[0])
    return _done(async_op)


def scatter_object_list(output: list[Any], input: list[Any] | None = None, src: int = 0, group: Any = None) -> None:
    """One object of a list to each process."""
    _check()
    if input:
        output[0] = input[0]


def reduce_scatter(
    output: Any, input_list: list[Any], op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Any:
    """Join lists of tensors, and give each process one: here its own."""
    _check()
    output.copy_(input_list[0])
    return _done(async_op)


def reduce_scatter_tensor(
    output: Any, input: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Any:
    """Join tensors, and give each process a part: here the whole."""
    _check()
    output.copy_(input.reshape(output.shape))
    return _done(async_op)


def all_to_all(output: list[Any], input: list[Any], group: Any = None, async_op: bool = False) -> Work | None:
    """A tensor from each process to each: here from itself."""
    _check()
    output[0].copy_(input[0])
    return _done(async_op)


def all_to_all_single(output: Any, input: Any, *args: Any, async_op: bool = False, **options: Any) -> Work | None:
    """A part from each process to each: here from itself."""
    _check()
    output.copy_(input)
    return _done(async_op)


def _alone(*_: Any, **__: Any) -> Any:
    _check()
    raise RuntimeError("there is no other process to send to or to receive from in a group of one")


send = recv = isend = irecv = _alone


class P2POp:
    """An operation between two processes: there is one only."""

    def __init__(self, *args: Any, **options: Any) -> None:
        _alone()


__getattr__ = children(__name__)
