"""``torch.profiler``: the profiler with a schedule of steps, on top of ``torch.autograd.profiler``."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from ..autograd import profiler as _profiler
from ..autograd.profiler import record_function


class ProfilerActivity(Enum):
    """What can be profiled. Only ``CPU`` is here."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(Enum):
    """What a schedule says to do in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The activities that can be profiled: the CPU's."""
    return {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """A schedule of cycles: ``wait`` steps of nothing, ``warmup`` steps, ``active`` recorded ones; ``repeat`` times (0: ever).

    >>> import rushlight as torch
    >>> plan = torch.profiler.schedule(wait=1, warmup=1, active=2)
    >>> [plan(i).name for i in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )

    def plan(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        cycle = wait + warmup + active
        if repeat > 0 and step // cycle >= repeat:
            return ProfilerAction.NONE
        at = step % cycle
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if at < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return plan


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[..., None]:
    """An ``on_trace_ready`` that writes a trace for each cycle into a folder."""

    def write(prof: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        path = os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json")
        prof.export_chrome_trace(path)
        if use_gzip:
            import gzip

            with open(path, "rb") as plain, gzip.open(path + ".gz", "wb") as packed:
                packed.write(plain.read())
            os.remove(path)

    return write


class profile:
    """The profiler: of a block, or of chosen steps of a loop that calls ``step()``.

    ``schedule`` chooses the steps (see :func:`schedule`); ``on_trace_ready(prof)`` is called after each cycle of them.

    >>> import rushlight as torch
    >>> from rushlight.profiler import ProfilerActivity
    >>> with torch.profiler.profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
    ...     _ = torch.ones(2, 2) @ torch.ones(2, 2)
    >>> any("matmul" in e.key or "mm" in e.key for e in prof.key_averages())
    True
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        acc_events: bool = False,
        use_cuda: bool | None = None,
    ) -> None:
        wanted = set(activities) if activities is not None else supported_activities()
        if use_cuda or not wanted & supported_activities():
            raise AssertionError(
                "No valid profiler activities found: there is nothing to profile but the CPU, pass "
                "activities=[ProfilerActivity.CPU]"
            )
        self.schedule, self.on_trace_ready = schedule, on_trace_ready
        self.step_num = 0
        self.current_action = schedule(0) if schedule is not None else ProfilerAction.RECORD_AND_SAVE
        self.options: dict[str, Any] = dict(
            record_shapes=record_shapes, profile_memory=profile_memory, with_stack=with_stack, with_flops=with_flops,
            acc_events=acc_events,
        )  # fmt: skip
        self.profiler: Any = _profiler.profile(**self.options)
        self._running = False
        self._step: Any = None
        self._metadata: dict[str, str] = {}

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        self._follow(ProfilerAction.NONE)
        self._enter_step()

    def stop(self) -> None:
        """End; the last cycle is handed to ``on_trace_ready`` if it recorded anything."""
        self._leave_step()
        if self._running:
            self._halt()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)

    def step(self) -> None:
        """Say that a step of the loop is over."""
        self._leave_step()
        before = self.current_action
        self.step_num += 1
        if self.schedule is not None:
            self.current_action = self.schedule(self.step_num)
        self._follow(before)
        self._enter_step()

    def _recording(self, action: ProfilerAction) -> bool:
        return action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)

    def _follow(self, before: ProfilerAction) -> None:
        if self._running and before is ProfilerAction.RECORD_AND_SAVE and self.schedule is not None:
            self._halt()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        if self._running and not self._recording(self.current_action):
            self._halt()
        if not self._running and self._recording(self.current_action):
            self.profiler = _profiler.profile(**self.options)
            self.profiler.start()
            self._running = True

    def _halt(self) -> None:
        self.profiler.stop()
        self._running = False

    def _enter_step(self) -> None:
        if self._running and self.schedule is not None:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _leave_step(self) -> None:
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None

    def set_custom_trace_id_callback(self, callback: Callable[[], str]) -> None:
        """Name the trace by a function of yours."""
        self._metadata["trace_id"] = json.dumps(callback())

    def add_metadata(self, key: str, value: str) -> None:
        """Put a note into the trace."""
        self._metadata[key] = json.dumps(value)

    def add_metadata_json(self, key: str, value: str) -> None:
        """Put a note in JSON into the trace."""
        json.loads(value)
        self._metadata[key] = value

    def events(self) -> _profiler.EventList:
        """Every event of the cycle, in order."""
        found: _profiler.EventList = self.profiler.function_events
        return found

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> _profiler.EventList:
        """The events summed up by name."""
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str) -> None:
        """Write a trace for chrome://tracing or Perfetto."""
        self.events().export_chrome_trace(path)
        if self._metadata:
            with open(path) as file:
                trace = json.load(file)
            trace.update({k: json.loads(v) for k, v in self._metadata.items() if k not in trace})
            with open(path, "w") as file:
                json.dump(trace, file)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write stacks with their time; needs ``with_stack=True``."""
        self.profiler.export_stacks(path, metric)


__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


def kineto_available() -> bool:
    """Always False: the profiler here is its own."""
    return False
