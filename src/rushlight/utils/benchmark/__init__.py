"""Timing statements: ``Timer`` measures, ``Measurement`` holds the times, ``Compare`` prints several as a table."""

from __future__ import annotations

import contextlib
import math
import statistics
import timeit as _timeit
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import rushlight as rl

timer = _timeit.default_timer


@dataclass(frozen=True)
class TaskSpec:
    """What was measured."""

    stmt: str
    setup: str = "pass"
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or the statement."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        return self.stmt.strip()


@dataclass
class Measurement:
    """The times of several runs of ``number_per_run`` executions each; ``times`` are per execution, in seconds."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = field(default=None)

    @property
    def times(self) -> list[float]:
        """Seconds per execution, run by run."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        """The median time of an execution."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """The mean time of an execution."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """The distance between the quartiles."""
        if len(self.raw_times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    @property
    def significant_figures(self) -> int:
        """How many digits of the median are sure, judged by the spread: 1 to 4."""
        n = len(self.raw_times)
        if n < 2 or not self.iqr:
            return 4
        width = 1.645 * self.iqr / 1.35 / math.sqrt(n) * 2  # of the median's 90 per cent interval
        return min(4, max(1, math.floor(-math.log10(width / self.median)) if width < self.median else 1))

    @property
    def has_warnings(self) -> bool:
        """Whether the times spread much."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = 0.3) -> bool:
        """Whether the quartiles lie within a fraction of the median."""
        return self.iqr <= threshold * self.median

    @property
    def title(self) -> str:
        """What was measured, in words."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """The environment that was named."""
        return self.task_spec.env or "Unspecified env"

    @property
    def as_row_name(self) -> str:
        """The name of this measurement's row in a table."""
        spec = self.task_spec
        return spec.sub_label or spec.stmt or "[Unknown]"

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Measurements of the same task put together; raises ValueError if their ``number_per_run`` differ."""
        groups: dict[TaskSpec, list[Measurement]] = defaultdict(list)
        for m in measurements:
            groups[m.task_spec].append(m)
        merged = []
        for spec, group in groups.items():
            if len({m.number_per_run for m in group}) > 1:
                raise ValueError(f"measurements of {spec.title!r} have different number_per_run: measure them alike")
            merged.append(Measurement(group[0].number_per_run, [t for m in group for t in m.raw_times], spec))
        return merged

    def __repr__(self) -> str:
        n = len(self.raw_times)
        lines = [f"{super().__repr__()[:0]}<{type(self).__module__}.Measurement object at {id(self):#x}>", self.title]
        if self.task_spec.setup not in ("", "pass"):
            lines.append(f"setup: {self.task_spec.setup.strip()}")
        lines.append(f"  {'Median' if n > 1 else ''}{': ' if n > 1 else ''}{shown(self.median)}")
        if n > 1:
            lines.append(f"  IQR:    {shown(self.iqr)}")
        threads = self.task_spec.num_threads
        lines.append(
            f"  {n} measurement{'s' if n > 1 else ''}, {self.number_per_run} runs per measurement, {threads} "
            f"thread{'s' if threads > 1 else ''}"
        )
        if self.has_warnings:
            lines.append("  WARNING: the times spread much (the quartiles lie apart by more than 30% of the median)")
        return "\n".join(lines)


UNITS = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))


def unit_for(seconds: float) -> tuple[str, float]:
    """The unit in which a time is best shown, and its seconds."""
    return next((u for u in reversed(UNITS) if seconds >= u[1]), UNITS[0])


def shown(seconds: float) -> str:
    name, size = unit_for(seconds)
    return f"{seconds / size:.2f} {name}"


class Timer:
    """Times a statement: ``Timer("x + 1", globals={"x": x}).blocked_autorange()``.

    ``stmt`` and ``setup`` are Python source, run with ``globals`` (``torch`` is there too). Labels name the measurement in
    a table. ``num_threads`` is set while measuring.

    >>> import rushlight as torch
    >>> from rushlight.utils.benchmark import Timer
    >>> Timer("x + 1", globals={"x": torch.ones(2)}).timeit(10).number_per_run
    10
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ) -> None:
        if str(language).lower() not in ("python", "py", "language.python"):
            raise ValueError(f"Timer measures Python statements, not {language}: there is no C++ here")
        if not isinstance(stmt, str):
            raise ValueError(
                "Currently only a `str` stmt is supported: give a function through globals, and stmt='f()'"
            )
        if global_setup:
            raise ValueError(
                f"global_setup is C++ only, got `{global_setup}`. Most likely this code can simply be moved to `setup`."
            )
        space = dict(globals or {})
        space.setdefault("torch", rl)
        self._task_spec = TaskSpec(stmt, setup, global_setup, label, sub_label, description, env, num_threads)
        self._timer = _timeit.Timer(stmt, setup, timer, space)

    @contextlib.contextmanager
    def _threads(self) -> Iterator[None]:
        """Around a whole measurement, not each run: setting BLAS threads takes longer than a short run."""
        before = rl.get_num_threads()
        rl.set_num_threads(self._task_spec.num_threads)
        try:
            yield
        finally:
            rl.set_num_threads(before)

    def _times(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._task_spec)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One run of ``number`` executions, after some to warm up."""
        with self._threads():
            self._times(max(number // 100, 2))
            return self._measured(number, [self._times(number)])

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Not available, as in PyTorch: use ``blocked_autorange``."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Callable[[int, float], Any] | None = None) -> None:
        """Not available, as in PyTorch: use ``blocked_autorange``."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def _block_size(self, min_run_time: float) -> int:
        """How many executions make a run long enough to be timed well."""
        self._times(1)  # the first is slow, and would have every run be of one execution
        number, time = 1, self._times(1)
        while time < min_run_time / 1000 and time < 1e-3:
            number *= 10
            time = self._times(number)
        return number

    def _runs(
        self, number: int, limit: float, callback: Callable[[int, float], Any] | None
    ) -> Iterator[tuple[float, list[float]]]:
        """The total and the times of the runs so far, after each, until ``limit`` seconds have been measured."""
        times: list[float] = []
        total = 0.0
        while total < limit:
            times.append(self._times(number))
            total += times[-1]
            if callback is not None:
                callback(number, times[-1])
            yield total, times

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Runs of a size that the clock can measure, until ``min_run_time`` seconds have been measured."""
        times: list[float] = []
        with self._threads():
            number = self._block_size(min_run_time)
            for _, found in self._runs(number, min_run_time, callback):
                times = found
        return self._measured(number, times)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Runs until the quartiles lie within ``threshold`` of the median, or ``max_run_time`` has been measured."""
        times: list[float] = []
        judged = 0
        with self._threads():
            number = self._block_size(0.05)
            for total, times in self._runs(number, max_run_time, callback):
                # Quartiles sort all times: sought after each tenth more of them, or judging would outlast measuring.
                if total >= min_run_time and len(times) > 3 and len(times) > 1.1 * judged:
                    judged = len(times)
                    if self._measured(number, times).meets_confidence(threshold):
                        break
        return self._measured(number, times)

    def collect_callgrind(self, *args: Any, **kwargs: Any) -> None:
        """Not available: there is no C++ to count instructions of."""
        raise NotImplementedError("collect_callgrind() is not available: use blocked_autorange(), or Python's cProfile")


class Compare:
    """Prints measurements as a table: rows are sub-labels, columns descriptions, one table a label and thread count."""

    def __init__(self, results: list[Measurement]) -> None:
        self._results = Measurement.merge(results)
        self._trim = self._colour = self._highlight = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements."""
        added = list(results)
        for m in added:
            if not isinstance(m, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(m)} instead.")
        self._results = Measurement.merge([*self._results, *added])

    def trim_significant_figures(self) -> None:
        """Show only the digits that are sure."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Show the fastest of each column (or row) in bold."""
        self._colour = True
        self._rowwise = rowwise

    def highlight_warnings(self) -> None:
        """Mark measurements that spread much."""
        self._highlight = True

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def __str__(self) -> str:
        groups: dict[str | None, list[Measurement]] = defaultdict(list)
        for m in self._results:
            groups[m.task_spec.label].append(m)
        return "\n\n".join([self._table(label, group) for label, group in groups.items()])

    def _table(self, label: str | None, group: list[Measurement]) -> str:
        name, size = unit_for(min(m.median for m in group))
        columns = list(dict.fromkeys(m.task_spec.description or "" for m in group))
        lines = []
        cells: dict[tuple[int, str], dict[str, Measurement]] = defaultdict(dict)
        for m in group:
            cells[m.task_spec.num_threads, m.as_row_name][m.task_spec.description or ""] = m
        width = max(len(row) for _, row in cells)
        text = {k: {c: self._cell(m, size) for c, m in found.items()} for k, found in cells.items()}
        widths = {c: max(len(c), *[len(t.get(c, "")) for t in text.values()]) for c in columns}
        if self._colour:
            self._embolden(cells, text)
        lines.append(" " * (width + 6) + "  |  " + "  |  ".join(f"{c:>{widths[c]}}" for c in columns))
        rule = "-" * len(lines[0])
        for threads in sorted({k[0] for k in cells}):
            lines.append(f"{threads} threads: ".ljust(len(rule), "-"))
            for key, found in text.items():
                if key[0] == threads:
                    row = [pad(found.get(c, ""), widths[c]) for c in columns]
                    lines.append(f"      {key[1]:<{width}}  |  " + "  |  ".join(row))
        title = f"[{'-' * 10} {label or ''} {'-' * 10}]"
        marks = ["", "(! times spread much)"] if self._highlight and any(m.has_warnings for m in group) else []
        units = {"ns": "nanoseconds (ns)", "us": "microseconds (us)", "ms": "milliseconds (ms)", "s": "seconds (s)"}
        return "\n".join([title, *lines, "", f"Times are in {units[name]}.", *marks])

    def _cell(self, m: Measurement, size: float) -> str:
        value = m.median / size
        digits = max(0, m.significant_figures - 1 - math.floor(math.log10(value))) if self._trim and value > 0 else 1
        return f"{value:.{digits}f}" + (" (!)" if self._highlight and m.has_warnings else "")

    def _embolden(self, cells: Any, text: Any) -> None:
        rows = list(cells)
        sets = [[(r, c) for c in cells[r]] for r in rows] if self._rowwise else None
        if sets is None:
            names = dict.fromkeys(c for r in rows for c in cells[r])
            sets = [[(r, c) for r in rows if c in cells[r]] for c in names]
        for one in sets:
            row, column = min(one, key=lambda rc: cells[rc[0]][rc[1]].median)
            text[row][column] = f"\033[1m{text[row][column]}\033[0m"


def pad(cell: str, width: int) -> str:
    hidden = len(cell) - len(cell.replace("\033[1m", "").replace("\033[0m", ""))
    return f"{cell:>{width + hidden}}"


__all__ = ["Compare", "Measurement", "TaskSpec", "Timer"]
