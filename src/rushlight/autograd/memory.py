"""What a graph holds: bytes kept for backward by line and operator, graphs that grow over steps, and a budget for both.

All of it looks at graphs that are there; only a budget watches operations as they are recorded.
"""

from __future__ import annotations

import gc
import warnings
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from html import escape
from typing import Any, NamedTuple

from .._core import callsite, engine, memory, record, saved
from .._core.graph import Freed, Leaf, Node
from .._core.tensor import Tensor
from .graph import Watching


class Row(NamedTuple):
    """Memory held by the nodes of one operator at one line."""

    bytes: int
    operator: str
    file: str
    line: int
    text: str
    nodes: int


class MemoryReport:
    """What is held for backward: ``rows`` (largest first), ``total`` bytes, ``nodes`` in the graph; prints as a table."""

    def __init__(self, rows: list[Row], nodes: int) -> None:
        self.rows, self.nodes = rows, nodes
        self.total = sum(r.bytes for r in rows)

    def __repr__(self) -> str:
        head = f"{shown(self.total)} held for backward by {self.nodes} nodes"
        lines = [
            f"{shown(r.bytes):>10}  {100 * r.bytes / (self.total or 1):4.0f}%  {r.nodes:>5}  {r.operator:<28} "
            f"{r.file}:{r.line}  {r.text}"
            for r in self.rows
        ]
        return "\n".join([head, *([f"{'bytes':>10}  share  nodes  {'operator':<28} line"] if lines else []), *lines])

    def _repr_html_(self) -> str:
        """The table for notebooks: a bar for each share; names and source are escaped."""
        rows = "".join(
            f"<tr><td style='text-align:right'>{shown(r.bytes)}</td><td><meter min='0' max='1' "
            f"value='{r.bytes / (self.total or 1):.4f}'></meter></td><td style='text-align:right'>{r.nodes}</td>"
            f"<td>{escape(r.operator)}</td><td>{escape(f'{r.file}:{r.line}')}</td><td><code>{escape(r.text)}</code></td></tr>"
            for r in self.rows
        )
        head = "".join(f"<th>{name}</th>" for name in ("bytes", "share", "nodes", "operator", "line", ""))
        return (
            f"<p>{shown(self.total)} held for backward by {self.nodes} nodes</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


def shown(count: int) -> str:
    """A number of bytes for people."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"


def memory_report(*tensors: Any) -> MemoryReport:
    """The memory that the graph of some tensors holds for backward, by operator and line.

    Each memory counts once, where it was first saved; memory of leaves (parameters, inputs that ask for a gradient) is
    there anyway and does not count.

    >>> import rushlight as torch
    >>> x = torch.ones(256, requires_grad=True)
    >>> report = torch.memory_report(x.exp().sin().sum())
    >>> report.total, [(r.operator, r.bytes) for r in report.rows]
    (1024, [('ExpBackward0', 1024)])
    """
    flat = [t for one in tensors for t in (one if isinstance(one, (list, tuple)) else [one])]
    for t in flat:
        if not isinstance(t, Tensor):
            raise TypeError(f"memory_report(): expected Tensor, got {type(t).__name__}")
    nodes = sorted(engine.reachable([t._node for t in flat if t._node is not None]), key=lambda n: n.seq)
    seen: set[int] = set()
    for leaf in nodes:
        tensor = leaf.tensor() if type(leaf) is Leaf else None
        if tensor is not None:
            seen.add(id(memory.owner(record.inner_array(tensor))))
    groups: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    count = 0
    for node in nodes:
        if type(node) is Leaf or node.hidden:
            continue
        count += 1
        size = 0
        for array in arrays_of(node):
            whole = memory.owner(array)
            if id(whole) not in seen:
                seen.add(id(whole))
                size += whole.nbytes
        if size:
            group = groups[node.name(), node.code, line_of(node)]
            group[0] += size
            group[1] += 1
    rows = []
    for (name, code, line), (size, number) in groups.items():
        site = next((n.site() for n in nodes if n.code is code and line_of(n) == line), None) if code else None
        rows.append(Row(size, name, site.file if site else "?", line, site.text if site else "", number))
    return MemoryReport(sorted(rows, key=lambda r: -r.bytes), count)


def line_of(node: Node) -> int:
    site = node.site()
    return site.line if site is not None else 0


def arrays_of(node: Any) -> Iterable[Any]:
    """The arrays that a node has saved."""
    kept = getattr(node, "_kept", None)
    if kept is not None:  # a custom function
        return [a for one in kept if (a := record.inner_array(one.tensor)) is not None]
    return arrays_in(node.saved) if type(node.saved) is not Freed else []


def arrays_in(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [a for v in value for a in arrays_in(v)]
    if type(value) is saved.Packed:
        value = value.held
    array = record.inner_array(value)
    return [array] if array is not None else []


# ---- graphs that grow from step to step


def merging_line() -> callsite.Site | None:
    """The line that joins graphs of earlier backward passes, where there is one: ``total += loss``."""
    nodes = sorted([o for o in gc.get_objects() if issubclass(type(o), Node)], key=lambda n: n.seq)
    passes: dict[int, int] = {}  # numbered in order, by what stands for what they freed
    last: dict[int, int] = {}  # by node: the pass that freed it, or the newest of those before it
    found: Counter[Any] = Counter()
    for node in nodes:
        before = {last[id(p)] for p in node.parents if p is not None and id(p) in last}
        if type(node.saved) is Freed:
            last[id(node)] = passes.setdefault(id(node.saved), len(passes))
        elif before:
            last[id(node)] = max(before)
        if len(before) > 1 and not node.hidden:
            found[node.code, node.lasti] += 1
    if not found:
        return None
    (code, lasti), _ = found.most_common(1)[0]
    return callsite.resolve(code, lasti)


def warn_growing() -> None:
    """Warn that results of many earlier steps still hold their graphs."""
    site = merging_line()
    if site is None:
        return
    warnings.warn(
        f"A graph spans the last {engine.MANY_STEPS} backward passes: {site} ({site.text}) joins each step's graph "
        "to those before, so that none can be freed and memory grows. If it only adds up losses, use .item() or "
        ".detach() there.",
        UserWarning,
        stacklevel=5,
    )


# ---- a budget


class graph_budget(Watching):
    """A block in which recorded operations that are alive may not exceed a number of nodes, or of bytes that they save.

    The operation that exceeds it raises RuntimeError, with the lines that hold most.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.graph_budget(nodes=10):
    ...     for _ in range(20):
    ...         x = x * 2  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    RuntimeError: graph budget exceeded: 11 recorded operations are alive, 10 are allowed...
    """

    def __init__(self, nodes: int | None = None, bytes: int | None = None) -> None:
        if nodes is None and bytes is None:
            raise ValueError("graph_budget() needs a limit: nodes=, bytes=, or both")
        for name, value in (("nodes", nodes), ("bytes", bytes)):
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"graph_budget(): {name} must be an integer of at least 0, got {value!r}")
        self.limit, self.bytes = nodes, bytes
        self.alive: weakref.WeakSet[Node] = weakref.WeakSet()
        self.saved = 0

    def __enter__(self) -> graph_budget:
        self.watch(self.counting)
        return self

    def __exit__(self, *args: object) -> None:
        self.unwatch()

    def counting(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def counted(op: Any, args: tuple[Any, ...]) -> Any:
            result = run(op, args)
            for made in result if isinstance(result, (tuple, list)) else (result,):
                node = made.grad_fn if isinstance(made, Tensor) and not made.level else None
                if node is not None and node.op is op and node not in self.alive:
                    self.alive.add(node)
                    self.saved += sum(a.nbytes for a in arrays_of(node))
            self.check()
            return result

        return counted

    def check(self) -> None:
        if self.limit is not None and len(self.alive) > self.limit:
            self.exceeded(f"{len(self.alive)} recorded operations are alive, {self.limit} are allowed")
        if self.bytes is not None and self.saved > self.bytes:
            held = {id(o := memory.owner(a)): o.nbytes for n in self.alive for a in arrays_of(n)}
            self.saved = sum(held.values())
            if self.saved > self.bytes:
                self.exceeded(f"{self.saved} bytes are held for backward, {self.bytes} are allowed")

    def exceeded(self, what: str) -> None:
        lines = Counter(f"{n.name()} at {callsite.shown(n.code, n.lasti)}" for n in self.alive)
        most = "; ".join(f"{count} x {line}" for line, count in lines.most_common(3))
        raise RuntimeError(
            f"graph budget exceeded: {what}. Most were recorded by {most}. If results are only collected, detach "
            "them (or .item()); if nothing is differentiated, compute under torch.no_grad()."
        )


__all__ = ["MemoryReport", "graph_budget", "memory_report"]
