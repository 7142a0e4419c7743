"""What runs in a worker process: fetch the batches that are asked for and send them back."""

from __future__ import annotations

import multiprocessing
import queue
import random
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import rushlight as rl

from . import transfer
from .fetch import _IterableDatasetFetcher, _MapDatasetFetcher

__all__ = ["ExceptionWrapper", "WorkerInfo", "get_worker_info"]

STATUS_CHECK_INTERVAL = 5.0


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows of itself: its number, how many there are, its seed and its copy of the data."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process, a :class:`WorkerInfo`; ``None`` in the main process.

    >>> from rushlight.utils.data import get_worker_info
    >>> get_worker_info() is None
    True
    """
    return _worker_info


class _KeyErrorMessage(str):
    """A message that KeyError, which shows the repr of its argument, shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """An exception of another process, to be raised again here with its traceback as text."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.exc_type = type(error)
        self.exc_msg = "".join(traceback.format_exception(error))
        self.where = where

    def reraise(self) -> None:
        """Raise an exception of the same type (RuntimeError if it cannot be made) with the whole story."""
        message = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            message = _KeyErrorMessage(message)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=message)  # type: ignore[call-arg]
        try:
            error = self.exc_type(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error


@dataclass(frozen=True)
class _IterableDatasetStopIteration:
    """A worker's stream has ended."""

    worker_id: int


@dataclass(frozen=True)
class _ResumeIteration:
    """Begin a new iteration with the same workers."""


class _DatasetKind:
    """Whether data is asked for by index or comes in a stream."""

    Map = 0
    Iterable = 1

    @staticmethod
    def create_fetcher(
        kind: int, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> Any:
        """What fetches batches of this kind of data."""
        cls = _MapDatasetFetcher if kind == _DatasetKind.Map else _IterableDatasetFetcher
        return cls(dataset, auto_collation, collate_fn, drop_last)


@dataclass
class WorkerPlan:
    """All that a worker needs to know when it starts."""

    kind: int
    dataset: Any
    auto_collation: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    base_seed: int
    init_fn: Callable[[int], None] | None
    worker_id: int
    num_workers: int
    loader_key: str

    def create_fetcher(self) -> Any:
        return _DatasetKind.create_fetcher(
            self.kind, self.dataset, self.auto_collation, self.collate_fn, self.drop_last
        )


def worker_loop(plan: WorkerPlan | None, tasks: Any, results: Any, inherited: Sequence[Any]) -> None:
    """Answer each task ``(number, index)`` with a message until ``None`` comes or the main process is gone.

    Without a plan, the first task is the plan. ``inherited`` are ends of pipes that a forked process has
    got but that are not its own: while it held them, their owners would not see the other side close.
    """
    try:
        for connection in inherited:
            connection.close()
        _serve(tasks.recv() if plan is None else plan, tasks, results)
    except (KeyboardInterrupt, BrokenPipeError, ConnectionResetError):
        pass  # the main process has been interrupted too, or does not listen any more


def _seed_everything(plan: WorkerPlan) -> int:
    seed = plan.base_seed + plan.worker_id
    random.seed(seed)
    rl.manual_seed(seed)
    np.random.seed(_generate_state(plan.base_seed, plan.worker_id))
    return seed


def _generate_state(base_seed: int, worker_id: int) -> Any:
    """The four words that seed NumPy's generator in a worker."""
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    return np.random.SeedSequence(words).generate_state(4).tolist()


def _serve(plan: WorkerPlan, tasks: Any, results: Any) -> None:
    global _worker_info
    where = f"in DataLoader worker process {plan.worker_id}"

    fetcher: Any = None
    failed: Any = None
    try:
        rl.set_num_threads(1)
        seed = _seed_everything(plan)
        _worker_info = WorkerInfo(plan.worker_id, plan.num_workers, seed, plan.dataset)
        if plan.init_fn is not None:
            plan.init_fn(plan.worker_id)
        fetcher = plan.create_fetcher()
    except Exception as error:
        failed = ExceptionWrapper(error, where)

    ended = False
    inbox = _inbox(tasks)
    while (task := _next_task(inbox)) is not None:
        if isinstance(task, _ResumeIteration):
            ended = False
            fetcher = plan.create_fetcher()
            results.send((None, None))
            continue
        if ended:
            continue
        number, index = task
        try:
            if failed is not None:
                message, failed = _pack_answer(failed), None
            else:
                name = transfer.block_name(plan.loader_key, number)
                message = transfer.pack(fetcher.fetch(index), name)
        except Exception as error:
            if isinstance(error, StopIteration) and plan.kind == _DatasetKind.Iterable:
                answer: Any = _IterableDatasetStopIteration(plan.worker_id)
                ended = True
            else:
                answer = ExceptionWrapper(error, where)
            message = _pack_answer(answer)
        results.send((number, message))
        del task, message


def _pack_answer(answer: Any) -> Any:
    """An answer that is no data; an exception type that cannot be pickled becomes RuntimeError."""
    try:
        return transfer.pack(answer, "")
    except Exception:
        answer.exc_type = RuntimeError
        return transfer.pack(answer, "")


def _inbox(tasks: Any) -> queue.SimpleQueue[Any]:
    """Take tasks out of their pipe at once, so that the main process never waits to send one."""
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def receive() -> None:
        try:
            while (task := tasks.recv()) is not None:
                inbox.put(task)
        except (EOFError, OSError):
            pass
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        inbox.put(None)

    threading.Thread(target=receive, daemon=True).start()
    return inbox


def _next_task(inbox: queue.SimpleQueue[Any]) -> Any:
    """The next task; ``None`` if the main process has died."""
    parent = multiprocessing.parent_process()
    while True:
        try:
            return inbox.get(timeout=STATUS_CHECK_INTERVAL)
        except queue.Empty:
            if parent is None or not parent.is_alive():
                return None
