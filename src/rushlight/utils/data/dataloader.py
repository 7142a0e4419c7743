"""Iterate over a dataset in batches, in this process or with workers that fetch ahead.

The single-process iterator asks the sampler, fetches and collates. The other one keeps each worker's
pipe filled with numbered tasks and gives the answers out in the order of their numbers.
"""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import pickle
import signal
import sys
import time
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, TypeVar, cast

import rushlight as rl

from ._utils import transfer
from ._utils.collate import default_collate, default_convert
from ._utils.worker import (
    STATUS_CHECK_INTERVAL,
    ExceptionWrapper,
    WorkerPlan,
    _DatasetKind,
    _IterableDatasetStopIteration,
    _ResumeIteration,
    get_worker_info,
    worker_loop,
)
from .dataset import Dataset, IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

_T_co = TypeVar("_T_co", covariant=True)


class _InfiniteConstantSampler(Sampler[None]):
    """The indices of a stream: ``None``, for ever."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[_T_co]):
    """Batches of a dataset.

    Args:
        dataset: map style (``__getitem__``, ``__len__``) or an :class:`IterableDataset`.
        batch_size: samples in a batch; ``None`` for samples without batches.
        shuffle: another order at each iteration.
        sampler: the order, an iterable of indices, instead of ``shuffle``.
        batch_sampler: an iterable of lists of indices, instead of all of the above.
        num_workers: processes that load ahead; 0 loads in this one.
        collate_fn: makes a batch of a list of samples.
        pin_memory: without an accelerator there is nothing to pin for: warns and goes on.
        drop_last: leave out a last batch that is smaller.
        timeout: seconds to wait for a batch of the workers; 0 for as long as it takes.
        worker_init_fn: called with its number in each worker, seeded, before it loads.
        multiprocessing_context: a start method or a context.
        generator: where the shuffle and the workers' seeds come from.
        prefetch_factor: batches that each worker loads ahead; 2 unless given.
        persistent_workers: keep the workers for the next iteration.
        pin_memory_device: deprecated.
        in_order: give out batches in the order of the sampler; else as they come.

    Worker ``i`` is seeded with ``base_seed + i`` in Python's, NumPy's and this package's generators;
    ``base_seed`` is drawn at each iteration. Raises ValueError for options that exclude each other.

    >>> import rushlight as torch
    >>> loader = torch.utils.data.DataLoader([1, 2, 3], batch_size=2)
    >>> list(loader)
    [tensor([1, 2]), tensor([3])]
    """

    dataset: Any
    batch_size: int | None
    num_workers: int
    pin_memory: bool
    drop_last: bool
    timeout: float
    sampler: Any
    pin_memory_device: str
    prefetch_factor: int | None
    _iterator: Any

    __initialized = False

    def __init__(
        self,
        dataset: Dataset[_T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing."
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        elif prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")

        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.generator = generator
        self.persistent_workers = persistent_workers

        is_stream = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if is_stream else _DatasetKind.Map
        if is_stream:
            self._refuse_for_streams(shuffle, sampler, batch_sampler)
        shuffle = bool(shuffle)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")

        if sampler is None:
            if is_stream:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)  # type: ignore[arg-type]
            else:
                sampler = SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(cast(Any, sampler), batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn

        self.__initialized = True
        self._IterableDataset_len_called: int | None = None
        self._iterator = None
        self.check_worker_number_rationality()

    @staticmethod
    def _refuse_for_streams(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
        for name, value in (
            ("shuffle", shuffle or None),
            ("sampler", sampler),
            ("batch_sampler", batch_sampler),
        ):
            if value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                )

    @property
    def multiprocessing_context(self) -> Any:
        """The context that the workers are started by; ``None`` for the default one."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading "
                    f"(num_workers > 0), but got num_workers={self.num_workers}"
                )
            if isinstance(context, str):
                valid = multiprocessing.get_all_start_methods()
                if context not in valid:
                    raise ValueError(
                        "multiprocessing_context option should specify a valid start method in "
                        f"{valid!r}, but got multiprocessing_context={context!r}"
                    )
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string "
                    f"specifying the start method, but got multiprocessing_context={context}"
                )
        self.__multiprocessing_context = context

    def __setattr__(self, attr: str, val: Any) -> None:
        if self.__initialized and attr in (
            "batch_size",
            "batch_sampler",
            "sampler",
            "drop_last",
            "dataset",
            "persistent_workers",
        ):
            raise ValueError(f"{attr} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(attr, val)

    def __iter__(self) -> Any:
        if not (self.persistent_workers and self.num_workers > 0):
            return self._get_iterator()
        if self._iterator is None:
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    def _get_iterator(self) -> _BaseDataLoaderIter:
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self) -> int:
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        # Remembered, to warn if the stream turns out to be longer than it says.
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn if there will be more workers than processors to run them."""
        if not self.num_workers:
            return
        affinity = getattr(os, "sched_getaffinity", None)
        available = len(affinity(0)) if affinity is not None else os.cpu_count()
        if available is not None and self.num_workers <= available:
            return
        if available is None:
            advice = "DataLoader is not able to compute a suggested max number of worker in current system."
        else:
            unsure = "" if affinity is not None else " (`cpuset` is not taken into account)"
            advice = (
                f"Our suggested max number of worker in current system is {available}{unsure}, "
                "which is smaller than what this DataLoader is going to create."
            )
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. {advice} Please be "
            "aware that excessive worker creation might get DataLoader running slow or even freeze, lower "
            "the worker number to avoid potential slowness/freeze if necessary.",
            stacklevel=2,
        )


class _BaseDataLoaderIter:
    """One iteration over a loader."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._dataset = loader.dataset
        self._dataset_kind = loader._dataset_kind
        self._IterableDataset_len_called = loader._IterableDataset_len_called
        self._auto_collation = loader._auto_collation
        self._drop_last = loader.drop_last
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        self._persistent_workers = loader.persistent_workers
        self._timeout = loader.timeout
        self._collate_fn = loader.collate_fn
        if loader.pin_memory and loader.pin_memory_device:
            warnings.warn(
                "pin_memory_device is deprecated, the current accelerator will be used as the device,"
                f"ignore pin_memory_device='{loader.pin_memory_device}'.",
                stacklevel=2,
            )
        if loader.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, "
                "then device pinned memory won't be used.",
                stacklevel=2,
            )
        # First the sampler, whose generator may draw when it begins, then the seed: PyTorch's order.
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = int(rl.empty((), dtype=rl.int64).random_(generator=loader.generator).item())
        self._num_yielded = 0
        self._profile_name = f"enumerate(DataLoader)#{type(self).__name__}.__next__"

    def __iter__(self) -> Any:
        return self

    def _reset(self, loader: DataLoader[Any], first_iter: bool = False) -> None:
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._IterableDataset_len_called = loader._IterableDataset_len_called

    def _next_index(self) -> Any:
        return next(self._sampler_iter)

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        with _profiled(self._profile_name):
            data = self._next_data()
        self._num_yielded += 1
        promised = self._IterableDataset_len_called
        if promised is not None and self._dataset_kind == _DatasetKind.Iterable and self._num_yielded > promised:
            self._warn_of_length(promised)
        return data

    def _warn_of_length(self, promised: int) -> None:
        message = (
            f"Length of IterableDataset {self._dataset} was reported to be {promised}"
            f"(when accessing len(dataloader)), but {self._num_yielded} samples have been fetched. "
        )
        if self._num_workers > 0:
            message += (
                "For multiprocessing data-loading, this could be caused by not properly configuring the "
                "IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
            )
        warnings.warn(message, stacklevel=3)

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if self._timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._dataset_fetcher = _DatasetKind.create_fetcher(
            self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn, self._drop_last
        )

    def _next_data(self) -> Any:
        return self._dataset_fetcher.fetch(self._next_index())


class _Workers:
    """The processes of an iteration and the pipes to them; not the iterator, so that its end ends them."""

    def __init__(self, context: Any, plans: list[WorkerPlan], loader_key: str) -> None:
        self.loader_key = loader_key
        self.processes: list[Any] = []
        self.tasks: list[Any] = []
        self.results: list[Any] = []
        self.undelivered: set[int] = set()
        self.owner = os.getpid()
        self.closed = False
        forks = context.get_start_method() == "fork"
        transfer.prepare()
        try:
            for plan in plans:
                self._start(context, plan, forks)
        except BaseException:
            self.shutdown()
            raise

    def _start(self, context: Any, plan: WorkerPlan, forks: bool) -> None:
        task_source, task_sink = context.Pipe(duplex=False)
        result_source, result_sink = context.Pipe(duplex=False)
        self.tasks.append(task_sink)
        self.results.append(result_source)
        inherited = [*self.tasks, *self.results] if forks else []
        # Where the plan has to be pickled it goes by our pipe: `start` would wait for ever for a process
        # that has died before it had read all.
        args = (plan if forks else None, task_source, result_sink, inherited)
        process = context.Process(target=worker_loop, args=args, daemon=True)
        try:
            process.start()
            self.processes.append(process)
            task_source.close()
            if not forks:
                task_sink.send(plan)
        except BrokenPipeError:
            process.join(STATUS_CHECK_INTERVAL)
            self._raise_for_dead([len(self.processes) - 1])
            raise
        except (TypeError, AttributeError, pickle.PicklingError):
            warnings.warn(
                "Got pickle error when attempting to start a worker Process. This might be because the "
                "worker Process arguments are not picklable. Python 3.14+ changed the multiprocessing start "
                "method in non-Mac POSIX platforms to 'forkserver', which requires the worker Process "
                "arguments to be picklable. You can also try multiprocessing.set_start_method('fork').",
                stacklevel=2,
            )
            raise
        finally:
            task_source.close()
            result_sink.close()

    def receive(self, wanted: list[int], timeout: float | None) -> Any:
        """The next ``(worker, number, message)`` of the ``wanted`` workers; None when the time is over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        sources: dict[Any, int] = {}
        for worker in wanted:
            sources[self.results[worker]] = worker
            sources[self.processes[worker].sentinel] = worker
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = transfer.wait(list(sources), left)
            if not ready:
                return None
            for source in ready:
                worker = sources[source]
                if isinstance(source, int) and not self.results[worker].poll():
                    self._raise_for_dead(wanted)
                try:
                    number, message = self.results[worker].recv()
                except (EOFError, ConnectionResetError):
                    self.processes[worker].join(STATUS_CHECK_INTERVAL)
                    self._raise_for_dead(wanted)
                    raise
                return worker, number, message

    def _raise_for_dead(self, wanted: list[int]) -> None:
        dead = [self.processes[i] for i in wanted if not self.processes[i].is_alive()]
        if not dead:
            return
        pid, code = dead[0].pid, dead[0].exitcode
        if code is not None and code < 0:
            cause = f"DataLoader worker (pid {pid}) is killed by signal: {signal.strsignal(-code)}. "
        else:
            cause = (
                f"DataLoader worker (pid {pid}) exited unexpectedly with exit code {code}. Details are lost "
                "due to multiprocessing. Rerunning with num_workers=0 may give better error trace."
            )
        pids = ", ".join(str(process.pid) for process in dead)
        raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly") from RuntimeError(cause)

    def shutdown(self) -> None:
        """End all processes, taking what they still send, and remove what is left in shared memory."""
        if self.closed or os.getpid() != self.owner:  # a forked child must not end its parent's workers
            return
        self.closed = True
        for sink in self.tasks:
            try:
                sink.send(None)
            except OSError:
                pass
        deadline = time.monotonic() + STATUS_CHECK_INTERVAL
        open_results: list[Any] = list(self.results)
        while any(process.is_alive() for process in self.processes) and time.monotonic() < deadline:
            sentinels = [process.sentinel for process in self.processes if process.is_alive()]
            ready = transfer.wait([*open_results, *sentinels], 0.1)
            for source in ready:
                if isinstance(source, int):
                    continue
                try:
                    source.recv()
                except (EOFError, OSError):
                    open_results.remove(source)
        for process in self.processes:
            if process.is_alive():
                process.terminate()
            process.join(STATUS_CHECK_INTERVAL)
        for connection in (*self.tasks, *self.results):
            connection.close()
        for number in self.undelivered:
            transfer.discard(transfer.block_name(self.loader_key, number))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """An iteration with workers.

    ``_task_info`` holds, for each number sent and not yet given out, its worker and, once it is there,
    its answer. Numbers below ``_rcvd_idx`` are done. A worker whose stream has ended gets no more tasks.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._prefetch_factor = loader.prefetch_factor or 0
        self._in_order = loader.in_order
        if self._prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        key = f"rushlight_{os.getpid()}_{uuid.uuid4().hex[:8]}"
        plans = [
            WorkerPlan(
                self._dataset_kind,
                self._dataset,
                self._auto_collation,
                self._collate_fn,
                self._drop_last,
                self._base_seed,
                loader.worker_init_fn,
                worker_id,
                self._num_workers,
                key,
            )
            for worker_id in range(self._num_workers)
        ]
        context = loader.multiprocessing_context or multiprocessing.get_context()
        self._pool = _Workers(context, plans, key)
        self._workers = self._pool.processes
        self._finalizer = weakref.finalize(self, self._pool.shutdown)
        self._send_idx = 0
        self._reset(loader, first_iter=True)

    def _reset(self, loader: DataLoader[Any], first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        if self._pool.closed:
            raise RuntimeError("the workers of this DataLoader have ended; make a new DataLoader")
        everyone = list(range(self._num_workers))
        if not first_iter:
            for sink in self._pool.tasks:
                sink.send(_ResumeIteration())
            waiting = set(everyone)
            while waiting:  # answers of the iteration before come first, and are dropped
                worker, number, message = self._receive(sorted(waiting))
                if number is None:
                    waiting.discard(worker)
                else:
                    self._open(number, message)
            self._pool.undelivered.clear()
        self._rcvd_idx = self._send_idx
        self._task_info: dict[int, tuple[Any, ...]] = {}
        self._tasks_outstanding = 0
        self._workers_status = [True] * self._num_workers
        self._workers_num_tasks = [0] * self._num_workers
        self._worker_queue_idx_cycle = itertools.cycle(everyone)
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    def _receive(self, wanted: list[int]) -> Any:
        answer = self._pool.receive(wanted, self._timeout if self._timeout > 0 else None)
        if answer is None:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        return answer

    def _open(self, number: int, message: Any) -> Any:
        self._pool.undelivered.discard(number)
        return transfer.unpack(message)

    def _next_data(self) -> Any:
        while True:
            # Pass over numbers that have been given out, or that a worker left when its stream ended.
            while self._rcvd_idx < self._send_idx:
                info = self._task_info.get(self._rcvd_idx)
                if info is not None:
                    if len(info) == 2 or self._workers_status[info[0]]:
                        break
                    del self._task_info[self._rcvd_idx]
                self._rcvd_idx += 1
            else:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration

            if len(info) == 2:
                del self._task_info[self._rcvd_idx]
                self._rcvd_idx += 1
                return self._process_data(info[1], info[0])

            if self._pool.closed or self._tasks_outstanding <= 0:
                raise AssertionError("Invalid iterator state: shutdown or no outstanding tasks when fetching next data")
            busy = [i for i in range(self._num_workers) if self._workers_status[i]]
            worker, number, message = self._receive(busy)
            data = self._open(number, message)
            self._tasks_outstanding -= 1
            if isinstance(data, _IterableDatasetStopIteration):
                self._end_stream(worker)
            elif number == self._rcvd_idx or not self._in_order:
                del self._task_info[number]
                if number == self._rcvd_idx:
                    self._rcvd_idx += 1
                return self._process_data(data, worker)
            else:
                self._task_info[number] += (data,)

    def _end_stream(self, worker: int) -> None:
        """Give no more tasks to a worker whose stream has ended; let it go unless it is kept."""
        self._workers_status[worker] = False
        if not self._persistent_workers:
            self._pool.tasks[worker].send(None)
        self._try_put_index()

    def _try_put_index(self) -> None:
        """Send the next task, in turn to the workers that take any."""
        most = self._prefetch_factor * self._num_workers
        if self._tasks_outstanding >= most:
            raise AssertionError("Number of outstanding tasks exceeded maximum allowed tasks")
        try:
            index = self._next_index()
        except StopIteration:
            return
        for worker in itertools.islice(self._worker_queue_idx_cycle, self._num_workers):
            if self._workers_status[worker] and (
                self._in_order or self._workers_num_tasks[worker] < most // sum(self._workers_status)
            ):
                break
        else:
            return
        number = self._send_idx
        self._pool.undelivered.add(number)
        try:
            self._pool.tasks[worker].send((number, index))
        except OSError:
            self._pool.processes[worker].join(STATUS_CHECK_INTERVAL)
            self._pool._raise_for_dead([worker])
            raise
        self._task_info[number] = (worker,)
        self._workers_num_tasks[worker] += 1
        self._tasks_outstanding += 1
        self._send_idx += 1

    def _process_data(self, data: Any, worker: int) -> Any:
        self._workers_num_tasks[worker] -= 1
        self._try_put_index()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _shutdown_workers(self) -> None:
        self._finalizer()


def _profiled(name: str) -> AbstractContextManager[Any]:
    """A profiler range, when the profiler has been loaded at all: else no one can be watching."""
    profiler = sys.modules.get("rushlight.autograd.profiler")
    return nullcontext() if profiler is None else profiler.record_function(name)
