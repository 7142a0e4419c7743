"""Where the time goes: how long each operator, node of backward and named block took, summed up or as a trace.

Operators are seen through the watchers of the careful path, nodes of backward through the engine's observers; a
program that profiles nothing pays for neither. Only the thread or task that profiles is seen.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import cache, wraps
from time import perf_counter_ns
from typing import Any

import numpy as np

from .._core import callsite, engine, record
from .._core.tensor import Tensor
from .anomaly_mode import recorded_by

SORTS = (
    "cpu_time", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "self_cpu_memory_usage", "count",
)  # fmt: skip


def text_of_time(us: float) -> str:
    """A time in microseconds, with a unit that fits."""
    if us >= 1e6:
        return f"{us / 1e6:.3f}s"
    return f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


def text_of_bytes(n: int) -> str:
    """A number of bytes, with a unit that fits."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(n) >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n} B"


class Interval:
    """A start and an end, in microseconds."""

    __slots__ = ("end", "start")

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def elapsed_us(self) -> float:
        """The time between the two."""
        return self.end - self.start


class Everywhere:
    """What PyTorch tells of an event besides: all of them run on the CPU, in this process."""

    is_async = is_remote = is_legacy = False
    node_id = -1
    scope = 0
    overload_name = ""
    use_device: str | None = None
    device_type = "cpu"
    flops = 0
    device_time = device_time_total = self_device_time_total = cuda_time_total = self_cuda_time_total = 0
    device_memory_usage = self_device_memory_usage = 0


class FunctionEvent(Everywhere):
    """One call: its name, when it ran, what it was called from and what it called."""

    count = 1
    device_index = 0

    def __init__(self, id: int, name: str, thread: int, start: float, parent: FunctionEvent | None) -> None:
        self.id, self.name, self.key, self.thread = id, name, name, thread
        self.trace_name = name
        self.time_range = Interval(start, start)
        self.cpu_parent = parent
        self.cpu_children: list[FunctionEvent] = []
        self.input_shapes: list[Any] = []
        self.concrete_inputs: list[Any] = []
        self.kwinputs: dict[str, Any] = {}
        self.kernels: list[Any] = []  # launched on a device: none
        self.stack: list[str] = []
        self.cpu_memory_usage = 0
        self.is_user_annotation = False
        self.sequence_nr = -1  # of the node that was recorded, or that runs; -1 if there is none
        self.fwd_thread = 0  # of a node that runs: the thread that recorded it, where that is known
        if parent is not None:
            parent.cpu_children.append(self)

    @property
    def cpu_time_total(self) -> float:
        """Microseconds, with what it called."""
        return self.time_range.elapsed_us()

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds, without what it called."""
        return self.cpu_time_total - sum(c.cpu_time_total for c in self.cpu_children)

    @property
    def self_cpu_memory_usage(self) -> int:
        """Bytes of results, without those of what it called."""
        return self.cpu_memory_usage - sum(c.cpu_memory_usage for c in self.cpu_children)

    cpu_time_total_str = property(lambda self: text_of_time(self.cpu_time_total))
    self_cpu_time_total_str = property(lambda self: text_of_time(self.self_cpu_time_total))
    cpu_time_str = property(lambda self: text_of_time(self.cpu_time))

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={self.cpu_time_total_str} thread={self.thread} "
            f"input_shapes={self.input_shapes}>"
        )


class FunctionEventAvg(Everywhere):
    """All calls of one name, summed up."""

    def __init__(self, key: str = "Total") -> None:
        self.key = key
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.input_shapes: Any = ""
        self.stack: list[str] = []
        self.is_user_annotation = False
        self.cpu_children: list[FunctionEvent] = []

    def add(self, event: FunctionEvent) -> FunctionEventAvg:
        """Take in one call."""
        self.count += event.count
        inside = event.cpu_parent  # a call within a call of the same name counts once
        while inside is not None and inside.name != event.name:
            inside = inside.cpu_parent
        if inside is None:
            self.cpu_time_total += event.cpu_time_total
            self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_time_total += event.self_cpu_time_total
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        self.flops += event.flops
        self.is_user_annotation, self.scope = event.is_user_annotation, event.scope
        return self

    @property
    def cpu_time(self) -> float:
        """Microseconds a call, on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    cpu_time_total_str = property(lambda self: text_of_time(self.cpu_time_total))
    self_cpu_time_total_str = property(lambda self: text_of_time(self.self_cpu_time_total))
    cpu_time_str = property(lambda self: text_of_time(self.cpu_time))

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} count={self.count} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list[Any]):
    """Events, or averages of them; prints as a table."""

    def __init__(self, *args: Any, profile_memory: bool = False, with_stack: bool = False) -> None:
        super().__init__(*args)
        self._profile_memory, self._with_stack = profile_memory, with_stack

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all."""
        return sum(e.self_cpu_time_total for e in self)  # type: ignore[no-any-return]

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The events summed up by name; by the shapes of arguments or the upper lines of the stack too, if asked."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            stack = tuple(event.stack[:group_by_stack_n])
            key = (event.name, str(event.input_shapes) if group_by_input_shapes else "", stack)
            average = found.get(key)
            if average is None:
                average = found[key] = FunctionEventAvg(event.name)
                average.input_shapes = event.input_shapes if group_by_input_shapes else ""
                average.stack = list(stack)
            average.add(event)
        return EventList(found.values(), profile_memory=self._profile_memory, with_stack=self._with_stack)

    def total_average(self) -> FunctionEventAvg:
        """All events summed up."""
        total = FunctionEventAvg()
        for event in self:
            total.count += event.count
            total.self_cpu_time_total += event.self_cpu_time_total
            total.cpu_time_total += event.self_cpu_time_total
            total.self_cpu_memory_usage += event.self_cpu_memory_usage
            total.cpu_memory_usage += event.self_cpu_memory_usage
        return total

    def supported_export_stacks_metrics(self) -> list[str]:
        """What ``export_stacks`` can count."""
        return ["self_cpu_time_total"]

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write the stacks with their time in whole microseconds, one a line, as flame graph tools read them."""
        if metric not in self.supported_export_stacks_metrics():
            raise ValueError(
                "metric should be one of: ['self_cpu_time_total', 'self_cuda_time_total', 'self_xpu_time_total', "
                f"'self_privateuse1_time_total'], and of these only the first is measured here: got {metric!r}"
            )
        lines = []
        for event in self:
            if event.stack and (time := int(event.self_cpu_time_total)) > 0:
                frames = [re.sub(r"[;\s]+", "_", f) for f in reversed(event.stack)]
                lines.append(";".join([*frames, event.key]) + f" {time}\n")
        with open(path, "w") as file:
            file.writelines(lines)

    def export_chrome_trace(self, path: str) -> None:
        """Write the events in the format of chrome://tracing and Perfetto."""
        pid = os.getpid()
        trace = [
            {
                "ph": "X", "cat": "user_annotation" if e.is_user_annotation else "cpu_op", "name": e.name, "pid": pid,
                "tid": e.thread, "ts": e.time_range.start, "dur": e.cpu_time_total,
                "args": {"External id": e.id, "Input Dims": e.input_shapes, "Call stack": ";".join(e.stack)},
            }
            for e in self
        ]  # fmt: skip
        with open(path, "w") as file:
            json.dump({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": trace}, file)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events as a table, sorted by one of ``cpu_time_total``, ``self_cpu_time_total``, ``count``, ...

        ``top_level_events_only`` leaves out what was called from another event; ``time_unit`` is "us", "ms" or "s".
        """
        rows: list[Any] = list(self)
        if top_level_events_only:
            rows = [e for e in rows if getattr(e, "cpu_parent", None) is None]
        if sort_by is not None:
            if not isinstance(sort_by, str) or not hasattr(FunctionEventAvg(), sort_by):
                raise AttributeError(
                    f"'FunctionEventAvg' object has no attribute '{sort_by}': sort_by may be {', '.join(SORTS)}"
                )
            rows.sort(key=lambda e: getattr(e, sort_by), reverse=True)
        total = sum(e.self_cpu_time_total for e in self)
        if time_unit not in (None, "us", "ms", "s"):
            raise ValueError(f"time_unit must be 'us', 'ms' or 's', got {time_unit!r}")
        scale = {"us": 1.0, "ms": 1e3, "s": 1e6}

        def time(us: float) -> str:
            return text_of_time(us) if time_unit is None else f"{us / scale[time_unit]:.3f}{time_unit}"

        def share(us: float) -> str:
            return f"{us * 100 / total:.2f}%" if total else "0.00%"

        shapes = any(e.input_shapes for e in rows)
        stacks = any(e.stack for e in rows)
        heads = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
        heads += ["CPU Mem", "Self CPU Mem"] if self._profile_memory else []
        flops = any(e.flops for e in rows)
        heads += ["# of Calls"] + (["Total FLOPs"] if flops else [])
        heads += (["Input Shapes"] if shapes else []) + (["Source Location"] if stacks else [])
        lines: list[list[str]] = []
        for e in rows[:row_limit]:
            cells = [
                shortened(e.key, max_name_column_width), share(e.self_cpu_time_total), time(e.self_cpu_time_total),
                share(e.cpu_time_total), time(e.cpu_time_total), time(e.cpu_time_total / max(e.count, 1)),
            ]  # fmt: skip
            if self._profile_memory:
                cells += [text_of_bytes(e.cpu_memory_usage), text_of_bytes(e.self_cpu_memory_usage)]
            cells.append(str(e.count))
            if flops:
                cells.append(str(e.flops) if e.flops else "--")
            if shapes:
                cells.append(shortened(str(e.input_shapes), max_shapes_column_width))
            if stacks:
                cells.append(shortened(e.stack[0] if e.stack else "", max_src_column_width))
            lines.append(cells)
        widths = [max(len(row[k]) for row in [heads, *lines]) for k in range(len(heads))]
        rule = "  ".join("-" * w for w in widths)
        body = ["  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)) for row in [heads, *lines]]
        text = [header] if header else []
        return "\n".join([*text, rule, body[0], rule, *body[1:], rule, f"Self CPU time total: {time(total)}", ""])

    def __str__(self) -> str:
        return self.table()


def shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


# ---- recording


class EnforceUnique:
    """Raises RuntimeError when it sees a key twice.

    >>> import rushlight as torch
    >>> torch.autograd.profiler.EnforceUnique().see("a", 1)
    """

    def __init__(self) -> None:
        self.seen: set[Any] = set()

    def see(self, *key: Any) -> None:
        """Note a key."""
        if key in self.seen:
            raise RuntimeError("duplicate key: " + str(key))
        self.seen.add(key)


_active: ContextVar[profile | None] = ContextVar("rushlight profiler", default=None)
INNER = re.compile(r"(_(key|plain|raw|at|equal|lengths|over|contiguous|from|scaled))?_?$")


@cache
def name_of(op: Any) -> str:
    """An operator's name as PyTorch's profiler would show it: that of its public function, or what its node says."""
    name = {"concatenate": "cat"}.get(INNER.sub("", op.name)) or INNER.sub("", op.name)
    whole = sys.modules["rushlight"]
    if not (hasattr(whole, name) or hasattr(Tensor, name) or hasattr(whole.nn.functional, name)):
        node = re.sub(r"Backward\d*$", "", op.node_class.__name__)
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node).lower() if node[:1].isupper() else name
    return "aten::" + name


class profile:
    """A block whose operators, nodes of backward and ``record_function`` blocks are timed.

    ``record_shapes`` notes the shapes of arguments, ``profile_memory`` the bytes of results, ``with_stack`` the lines that
    called, ``with_flops`` the floating point operations of products of matrices, convolutions, sums and products.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.profiler.profile() as prof:
    ...     (x * x).sum().backward()
    >>> [e.count for e in prof.key_averages() if e.key == "aten::mul"]
    [1]
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        acc_events: bool = False,
    ) -> None:
        if use_cuda or use_device not in (None, "cpu"):
            raise RuntimeError(f"there is no device {use_device or 'cuda'} to profile: Rushlight computes on the CPU")
        self.enabled = enabled and use_cpu
        self.record_shapes, self.profile_memory, self.with_stack = record_shapes, profile_memory, with_stack
        self.with_flops = with_flops
        self.acc_events = acc_events
        self.entered = False
        self._events: list[FunctionEvent] = []
        self._open: dict[int, list[FunctionEvent]] = {}
        self._before: Any = None

    def __enter__(self) -> profile:
        if not self.enabled:
            return self
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            self.stop()

    def start(self) -> None:
        """Begin to record in this thread or task."""
        if not self.acc_events:
            self._events = []
        watchers, observers = record.watchers.get(), engine.observers.get()
        self._before = (watchers, observers, _active.get())
        record.watch_with((*watchers, self.watch))
        engine.observers.set((*observers, self.observe))
        _active.set(self)

    def stop(self) -> None:
        """Record no more."""
        watchers, observers, active = self._before
        self._before = None
        record.watch_with(watchers)
        engine.observers.set(observers)
        _active.set(active)

    def begin(self, name: str) -> FunctionEvent:
        """Open an event inside those that are open."""
        thread = threading.get_ident()
        stack = self._open.setdefault(thread, [])
        event = FunctionEvent(len(self._events), name, thread, 0.0, stack[-1] if stack else None)
        self._events.append(event)
        stack.append(event)
        if self.with_stack:
            event.stack = user_stack(sys._getframe(1))
        event.time_range.start = perf_counter_ns() / 1e3
        return event

    def end(self, event: FunctionEvent) -> None:
        event.time_range.end = perf_counter_ns() / 1e3
        stack = self._open[event.thread]
        while stack and stack.pop() is not event:
            pass

    def watch(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """The watcher of operators."""

        def timed(op: Any, args: tuple[Any, ...]) -> Any:
            event = self.begin(name_of(op))
            try:
                result = run(op, args)
            finally:
                self.end(event)
            node = recorded_by(result, op)
            if node is not None:
                event.sequence_nr = node.seq
                node.__dict__["_thread"] = event.thread
            if self.record_shapes:
                event.input_shapes = [list(a.shape) if isinstance(a, Tensor) else [] for a in args]
            if self.with_flops:
                event.flops = flops_of(event.name, args, result)
            if self.profile_memory:
                results = result if isinstance(result, (tuple, list)) else (result,)
                event.cpu_memory_usage = grown(event) + sum(
                    r._array.nbytes
                    for r in results
                    if isinstance(r, Tensor) and type(r._array) is np.ndarray and r._array.base is None
                )
            return result

        return timed

    def observe(self, node: Any, g: Any, run: Callable[[], Any]) -> Any:
        """The observer of nodes of backward."""
        event = self.begin(f"autograd::engine::evaluate_function: {node.name()}")
        inner = self.begin(node.name())
        for one in (event, inner):
            one.sequence_nr = node.seq
            one.fwd_thread = node.__dict__.get("_thread", 0)
        try:
            return run()
        finally:
            self.end(inner)
            self.end(event)
            if self.with_stack and (site := node.site()) is not None:
                event.stack = [f"{site.file}({site.line}): {site.function}", *event.stack]

    # ---- what was recorded

    @property
    def function_events(self) -> EventList:
        """Every event that was recorded, in order."""
        return EventList(self._events, profile_memory=self.profile_memory, with_stack=self.with_stack)

    def events(self) -> EventList:
        """The same as ``function_events``."""
        return self.function_events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The events summed up by name; see :meth:`EventList.key_averages`."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> FunctionEventAvg:
        """All events summed up."""
        return self.function_events.total_average()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """The events as a table; see :meth:`EventList.table`."""
        return self.function_events.table(sort_by, row_limit, **options)

    def export_chrome_trace(self, path: str) -> None:
        """Write a trace for chrome://tracing or Perfetto."""
        self.function_events.export_chrome_trace(path)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write stacks with their time; needs ``with_stack=True``."""
        if not self.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        self.function_events.export_stacks(path, metric)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all."""
        return self.function_events.self_cpu_time_total

    def __repr__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self._before is not None else str(self.function_events)


def flops_of(name: str, args: tuple[Any, ...], result: Any) -> int:
    """The floating point operations of a product of matrices, a convolution, a sum or a product; 0 for all else."""
    shapes: list[Any] = [a.shape for a in args if isinstance(a, Tensor)]
    if not isinstance(result, Tensor) or not shapes:
        return 0
    each = 0  # of one number of the result
    if name in ("aten::add", "aten::mul"):
        each = 1
    elif name in ("aten::mm", "aten::bmm", "aten::matmul"):
        each = 2 * shapes[0][-1]
    elif name in ("aten::addmm", "aten::baddbmm"):
        each = 2 * shapes[1][-1]
    elif name in ("aten::conv2d", "aten::convolution"):
        each = 2 * math.prod(shapes[1][1:])
    return each * result.numel()


def grown(event: FunctionEvent) -> int:
    return sum(c.cpu_memory_usage for c in event.cpu_children)


def user_stack(frame: Any) -> list[str]:
    """The lines of the user's program that led here, the innermost first."""
    lines = []  # type: ignore[var-annotated]
    while frame is not None and len(lines) < 64:
        name = frame.f_code.co_filename
        if not callsite.ours[name]:
            lines.append(f"{name}({frame.f_lineno}): {frame.f_code.co_name}")
        frame = frame.f_back
    return lines


class record_function:
    """A block with a name in the profile around it; also a decorator. Without a profiler it does nothing.

    >>> import rushlight as torch
    >>> with torch.autograd.profiler.profile() as prof:
    ...     with torch.autograd.profiler.record_function("loading"):
    ...         pass
    >>> [e.name for e in prof.function_events]
    ['loading']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        if not isinstance(name, str):
            raise RuntimeError(
                "profiler::_record_function_enter_new() Expected a value of type 'str' for argument 'name' but instead "
                f"found type '{type(name).__name__}'."
            )
        self.name, self.args = name, args
        self._opened: list[tuple[profile, FunctionEvent] | None] = []

    def __enter__(self) -> record_function:
        active = _active.get()
        if active is None:
            self._opened.append(None)
            return self
        event = active.begin(self.name)
        event.is_user_annotation = True
        event.scope = 7  # PyTorch's number of blocks named by the user
        self._opened.append((active, event))
        return self

    def __exit__(self, *_: object) -> None:
        opened = self._opened.pop()
        if opened is not None:
            opened[0].end(opened[1])

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return named


class _Emit:
    what = ""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        self.enabled = enabled

    def __enter__(self) -> Any:
        if self.enabled:
            raise RuntimeError(f"{self.what} functions not installed: there is no such tool for what runs in Python")
        return self

    def __exit__(self, *_: object) -> None:
        pass


class emit_nvtx(_Emit):
    """Ranges for NVIDIA's profilers: raises RuntimeError on entering, for there is no such device."""

    what = "NVTX"


class emit_itt(_Emit):
    """Ranges for Intel's VTune: raises RuntimeError on entering."""

    what = "ITT"


def _profiler_enabled() -> bool:
    """Whether this thread or task is inside a profile."""
    return _active.get() is not None


def kineto_available() -> bool:
    """False: PyTorch's tracing library is not part of this."""
    return False


def supported_activities() -> Iterable[str]:
    return ("cpu",)


__all__ = [
    "EnforceUnique",
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "Interval",
    "emit_itt",
    "emit_nvtx",
    "kineto_available",
    "profile",
    "record_function",
]
