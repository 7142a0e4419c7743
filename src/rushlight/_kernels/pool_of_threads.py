"""One lazily made pool of threads for kernels that release the interpreter lock.

Work is cut into chunks of rows; the calling thread takes chunks too, so a pool of two has one helper. Nothing
starts before the first large array, and a forked child begins again without helpers.
"""

import contextvars
import functools
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import numpy as np

__all__ = [
    "PARALLEL_FROM", "cpu_count", "get_num_threads", "quietly", "run_chunks", "set_num_threads", "spread",
]  # fmt: skip

PARALLEL_FROM = 1 << 18  # elements; below, handing over costs more than it gains
_CHUNKS_PER_WORKER = 4  # a worker that loses its core leaves its chunks to the others

_wanted: int | None = None
_helpers: list[threading.Thread] = []
_jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
_lock = threading.Lock()
_inside = threading.local()


class _Quiet(threading.local):
    def __init__(self) -> None:
        self.run = contextvars.Context().run
        self.run(np.seterr, all="ignore")


_quiet = _Quiet()


def quietly(fn: Callable[..., Any], *args: Any) -> Any:
    """Call ``fn`` with NumPy's warnings off, at a tenth of the cost of ``np.errstate``.

    ``fn`` runs in a context made once for each thread: it must read no context variable nor come here again.
    """
    return _quiet.run(fn, *args)


def cpu_count() -> int:
    """The number of processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def get_num_threads() -> int:
    """The number of threads that a kernel over a large array uses, the calling one included."""
    count = cpu_count()
    return count if _wanted is None else min(_wanted, count)


def set_num_threads(num_threads: int) -> None:
    """Let kernels use at most ``num_threads`` threads; more than there are processors is the same as all."""
    global _wanted
    if num_threads <= 0:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {num_threads}; give 1 or more")
    _wanted = num_threads


def _serve(jobs: SimpleQueue[Callable[[], None]]) -> None:
    _inside.pool = True
    while True:
        jobs.get()()


def _forget_helpers() -> None:
    """In a forked child only the forking thread lives: helpers, their queue and the lock begin anew."""
    global _helpers, _jobs, _lock, _inside
    _helpers, _jobs, _lock, _inside = [], SimpleQueue(), threading.Lock(), threading.local()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


def _hire(count: int) -> SimpleQueue[Callable[[], None]]:
    with _lock:
        while len(_helpers) < count:
            helper = threading.Thread(target=_serve, args=(_jobs,), name="rushlight-kernel", daemon=True)
            helper.start()
            _helpers.append(helper)
        return _jobs


def run_chunks(fn: Callable[[int, int], Any], n_rows: int, elements: int, align: int = 1) -> list[Any]:
    """Call ``fn(start, stop)`` over ``range(n_rows)``; the results of all chunks, in the order of rows.

    One chunk, in this thread, if the work is under ``PARALLEL_FROM`` elements, if one thread is allowed, or
    if the caller is itself a chunk. Chunks begin at multiples of ``align``; where they are cut depends on
    ``n_rows`` and the number of threads only, so sums over chunks are the same from run to run. The first
    error of a chunk is raised again here, after all chunks that had begun are done. Helpers see the caller's
    context variables (NumPy's error state is one).
    """
    workers = get_num_threads() if elements >= PARALLEL_FROM else 1
    if workers < 2 or n_rows <= align or getattr(_inside, "pool", False):
        return [fn(0, n_rows)] if n_rows else []
    size = -(-n_rows // (workers * _CHUNKS_PER_WORKER))
    size += -size % align
    starts = range(0, n_rows, size)
    results: list[Any] = [None] * len(starts)
    errors: list[BaseException] = []
    ticket = itertools.count()

    def work() -> None:
        while not errors and (i := next(ticket)) < len(starts):
            try:
                results[i] = fn(starts[i], min(starts[i] + size, n_rows))
            except BaseException as error:
                errors.append(error)

    helpers = min(workers, len(starts)) - 1
    jobs = _hire(helpers)
    done = threading.Semaphore(0)
    claims = [itertools.count() for _ in range(helpers)]  # who takes 0: the helper to begin, or we to call it off

    def help_out(context: contextvars.Context, claim: Iterator[int]) -> None:
        if next(claim) == 0:
            try:
                context.run(work)
            finally:
                done.release()

    for claim in claims:
        jobs.put(functools.partial(help_out, contextvars.copy_context(), claim))
    _inside.pool = True
    try:
        work()
    finally:
        _inside.pool = False
        for claim in claims:  # no return while a helper may still write into the caller's arrays
            if next(claim):
                done.acquire()
    if errors:
        raise errors[0]
    return results


def spread(ufunc: Callable[..., Any], out: np.ndarray, *operands: Any) -> np.ndarray:
    """``ufunc(*operands, out)``, a large array's rows by several threads; the operands broadcast against ``out``."""
    rows = len(out) if out.ndim else 0

    def some(start: int, stop: int) -> None:
        ufunc(*[o[start:stop] if o.ndim == out.ndim and len(o) == rows else o for o in operands], out[start:stop])

    if out.size < PARALLEL_FROM or rows < 2:
        ufunc(*operands, out)
    else:
        run_chunks(some, rows, out.size)
    return out
