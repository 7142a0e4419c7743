"""``torch.multiprocessing``: Python's own multiprocessing, and ``spawn``. Tensors that are sent are copied, not shared."""

from __future__ import annotations

import multiprocessing as _python
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any

__all__ = [
    *_python.__all__, "ProcessExitedException", "ProcessRaisedException", "SpawnContext", "get_all_sharing_strategies",
    "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes",
]  # fmt: skip


class ProcessRaisedException(Exception):
    """A process that was started raised an exception: its traceback is the text."""


class ProcessExitedException(Exception):
    """A process that was started ended with another exit code than 0."""


def _begin(fn: Callable[..., Any], index: int, args: tuple[Any, ...], errors: Any) -> None:
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        import sys
        import traceback

        errors.put(traceback.format_exc())
        sys.exit(1)


class SpawnContext:
    """The processes that ``spawn(join=False)`` started."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes, self._errors = processes, errors

    def pids(self) -> list[int]:
        """The processes' numbers."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the processes; the first that fails ends the others and is raised. True when all are done."""
        from multiprocessing.connection import wait

        while alive := {p.sentinel: p for p in self.processes if p.exitcode is None}:
            if not wait(list(alive), timeout):
                return False
            if any(p.exitcode for p in self.processes):
                break
        for index, process in enumerate(self.processes):
            if not process.exitcode:
                continue
            for other in self.processes:
                if other.is_alive():
                    other.terminate()
                other.join()
            if not self._errors[index].empty():
                raise ProcessRaisedException(
                    f"\n\n-- Process {index} terminated with the following error:\n{self._errors[index].get()}"
                )
            raise ProcessExitedException(f"process {index} terminated with exit code {process.exitcode}")
        return True


def start_processes(
    fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> Any:  # fmt: skip
    """Call ``fn(i, *args)`` in process number i of ``nprocs``; returns when all are done, or a context to join."""
    context: Any = _python.get_context(start_method)
    processes, errors = [], []
    for index in range(nprocs):
        queue = context.SimpleQueue()
        process = context.Process(target=_begin, args=(fn, index, args, queue), daemon=daemon)
        process.start()
        processes.append(process)
        errors.append(queue)
    started = SpawnContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> Any:  # fmt: skip
    """``start_processes`` by the method ``spawn``."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_all_sharing_strategies() -> set[str]:
    """The strategies that can be set; none of them changes anything, as tensors are copied."""
    return {"file_descriptor", "file_system"}


_strategy = ["file_descriptor"]


def set_sharing_strategy(new_strategy: str) -> None:
    """Keep the name of a strategy: tensors are copied whatever it is."""
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(f"sharing strategy {new_strategy!r} is not one of {sorted(get_all_sharing_strategies())}")
    _strategy[:] = [new_strategy]


def get_sharing_strategy() -> str:
    """The name that `set_sharing_strategy` kept."""
    return _strategy[0]
