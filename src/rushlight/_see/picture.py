"""What is known of a computation graph, taken down for pictures: operations, tensors, values, gradients.

The graph keeps no forward values but those that rules saved. So a value shown is one that a variable or a leaf
holds, one that was saved, or one recomputed from such by running the operator again; whatever cannot be had so
is unknown, and says so. Gradients come from a pass of our own: it touches no ``.grad``, runs no hook, frees nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .._core import engine, memory, record
from .._core.declare import FusedOp
from .._core.engine import seed_for
from .._core.graph import Bundle, Fan, Freed, Leaf, Node, Nowhere, Port
from .._core.mode import RECORD, mode, switched
from .._core.saved import Packed, opened
from .._core.tensor import Tensor
from . import lines

BIG = 1 << 20  # values of more elements are not recomputed for a picture


class Edge(NamedTuple):
    """One input of an operation: the node it came from (None for a constant), which of its outputs, its argument."""

    parent: Node | None
    output: int
    argument: str


def seen_through(node: Node | None) -> tuple[Node | None, int]:
    """A node as shown: ports stand for their node."""
    if type(node) is Port:
        return node.parents[0], node.index
    return (None, 0) if type(node) is Nowhere else (node, 0)


def raw_parents(node: Node) -> tuple[Node | None, ...]:
    """The parents, one for each input: fans are seen through."""
    parents = node.parents
    if len(parents) == 1 and type(parents[0]) is Fan:
        return parents[0].parents
    return parents


def argument_names(node: Node, count: int) -> Sequence[str]:
    """The name of the argument that each edge stands for; '' where it has none."""
    op = node.op
    if op is None:
        return [""] * count
    if isinstance(op, FusedOp):
        names: list[str] = list(op.tensors)
    else:
        named = [n for n in op.parameters if n in op.rules]
        several = [n for n in named if n in op.lists]
        extra = count - len(named)
        names = [m for n in named for m in ([n] * (1 + extra) if several and n == several[0] else [n])]
    return names if len(names) == count else [""] * count


def parents_of(node: Node) -> list[Node]:
    """The operations and leaves that a node was made from, constants left out."""
    made = []
    for p in node.parents:
        if p is None:
            continue
        if p.hidden:
            made += [s for q in (p.parents if type(p) is Fan else (p,)) if (s := seen_through(q)[0]) is not None]
        else:
            made.append(p)
    return made


def edges_of(node: Node) -> list[Edge]:
    """The inputs of an operation, in order."""
    parents = raw_parents(node)
    return [Edge(*seen_through(p), a) for p, a in zip(parents, argument_names(node, len(parents)), strict=True)]


def nodes_behind(roots: Iterable[Node]) -> list[Node]:
    """All operations and leaves that lead to the roots, oldest first; ports and fans left out."""
    seen: set[Node] = set()
    stack = [n for n in (seen_through(r)[0] for r in roots) if n is not None]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        stack += [p for p in parents_of(node) if p not in seen]
    return sorted(seen, key=lambda n: n.seq)


@contextmanager
def quiet_pass(nodes: Iterable[Node]) -> Iterator[None]:
    """A block whose rules run as those of a pass over ``nodes`` that wants no ``.grad``: custom functions can tell."""
    this = engine.Pass([], False, None, False)
    this.useful = set(nodes)
    token = engine.current.set(this)
    try:
        with switched(mode() & ~RECORD):
            yield
    finally:
        engine.current.reset(token)


def packed(value: Any) -> bool:
    """Whether something in what was saved is held by a pack hook."""
    return type(value) is Packed or (isinstance(value, (list, tuple)) and any(map(packed, value)))


def columns_of(node: Node) -> Any:
    """What a node saved, taken out of the hands of pack hooks: once only, for it may be computed anew."""
    return taken_out(node.saved) if type(node.saved) is not Freed and packed(node.saved) else node.saved


def taken_out(value: Any) -> Any:
    if type(value) is Packed:
        return opened(value, False)
    if type(value) is list:
        return [taken_out(v) for v in value]
    return tuple([taken_out(v) for v in value]) if type(value) is tuple else value


class Gradients:
    """Gradients of all nodes, and along every edge, from one pass over a graph that leaves no trace."""

    def __init__(self, nodes: Sequence[Node], roots: Sequence[tuple[Node, Any]]) -> None:
        self.columns: dict[Node, Any] = {}  # what nodes with pack hooks saved
        self.of: dict[Node, Any] = {}  # a node's gradient; a Bundle for one of several outputs
        self.along: dict[tuple[Node, int], Any] = {}  # what each edge carried
        self.trouble = ""
        for root, g in roots:
            self.arrive(*seen_through(root), type(root) is Port, g)
        with quiet_pass(nodes):
            for node in reversed(nodes):
                g = self.of.get(node)
                if g is None or type(node) is Leaf:
                    continue
                try:
                    self.through(node, g)
                except RuntimeError as error:
                    self.trouble = self.trouble or str(error).split(". ")[0]

    def through(self, node: Node, g: Any) -> None:
        if memory.last_write > node.seq and node.holds:
            record.changed_error(node)
        parents = raw_parents(node)
        columns = columns_of(node)
        if columns is not node.saved and node.op is not None:
            self.columns[node] = columns
        for i, (parent, h) in enumerate(zip(parents, pulled(node, g, columns), strict=True)):
            if h is not None and parent is not None:
                self.along[node, i] = h
                shown, output = seen_through(parent)
                if shown is not None:
                    self.arrive(shown, output, type(parent) is Port, h)

    def arrive(self, node: Node | None, output: int, port: bool, h: Any) -> None:
        if node is None:
            return
        old = self.of.get(node)
        if port:
            both = Bundle(old or {})
            self.of[node] = both + Bundle({output: h})
        else:
            self.of[node] = h if old is None else old + h


def pulled(node: Node, g: Any, columns: Any = None) -> list[Any]:
    """The gradients that a node's rules give for its inputs, None for those that need none.

    ``columns`` is what the node saved, where pack hooks hold it.
    """
    parents = node.parents
    columns = node.saved if columns is None else columns
    if len(parents) == 1 and type(parents[0]) is Fan:
        (saved,) = columns
        (rule,) = node.rules
        bundle = rule(g, *saved)  # type: ignore[misc]
        return [(bundle or {}).get(i) for i in range(len(parents[0].parents))]
    made = []
    for parent, rule, saved in zip(parents, node.rules, columns, strict=True):
        h = None if parent is None or rule is None else rule(g, *saved)
        made.append(next(iter(h.values()), None) if type(h) is Bundle and type(parent) is not Port else h)
    return made


def local_derivative(node: Node, position: int, shape: tuple[int, ...], dtype: Any, columns: Any = None) -> Any:
    """d result / d input of an operation that works element by element, or on one number; None for others.

    ``columns`` is what the node saved, where pack hooks hold it; without it nothing is unpacked.
    """
    op = node.op
    if op is None or type(node.saved) is Freed or node.width is not None:
        return None
    if columns is None and packed(node.saved):
        return None
    columns = node.saved if columns is None else columns
    size = int(np.prod(shape))
    parents = node.parents
    fan = len(parents) == 1 and type(parents[0]) is Fan
    if (op.family != "pointwise" and size != 1) or (fan and size != 1):
        return None
    try:
        with switched(mode() & ~RECORD):
            ones = np.ones(shape, dtype)
            if fan:
                h = pulled(node, ones, columns)[position]
            else:
                rule, saved = node.rules[position], columns[position]
                if rule is None or saved is None:
                    return None
                h = rule(ones, *saved)
    except Exception:
        return None
    h = inner(h)
    return h if h is not None and (h.shape == shape or h.size == size == 1) else None


def inner(value: Any) -> Any:
    """The array behind a tensor or an array; None for anything else."""
    if isinstance(value, Tensor):
        value = getattr(value, "_array", None)
    if isinstance(value, np.generic):
        value = np.asarray(value)
    return value if isinstance(value, np.ndarray) else None


class Values:
    """The forward values that can be had, by node and output; and the arguments of operations that are no nodes."""

    def __init__(self, nodes: Sequence[Node], known: Mapping[Node, Tensor], all_of_them: bool = True) -> None:
        self.of: dict[tuple[Node, int], np.ndarray] = {}
        self.constants: dict[tuple[Node, str], Any] = {}
        for node, tensor in known.items():
            shown, output = seen_through(node)
            array = inner(tensor)
            if shown is not None and array is not None:
                self.of[shown, output] = array
        for node in nodes:
            if type(node) is Leaf:
                array = inner(node.tensor())
                if array is not None:
                    self.of[node, 0] = array
        if all_of_them:
            for node in nodes:
                self.from_saved(node)
            with switched(mode() & ~RECORD):
                for node in nodes:
                    if type(node) is not Leaf and node.width is None and (node, 0) not in self.of:
                        self.run_again(node)

    def note(self, node: Node, source: int, op: Any, value: Any, edges: list[Edge]) -> None:
        if source == record.RESULT:
            array = inner(value)
            if array is not None and not memory.changed_since(array, node.seq):
                self.of.setdefault((node, 0), array)
        elif source < record.SHAPE and source >= 0:
            name = op.parameters[source]
            array = inner(value)
            if array is not None and memory.changed_since(array, node.seq):
                return
            edge = next((e for e in edges if e.argument == name), None)
            if edge is not None and edge.parent is not None:
                if array is not None and name not in op.lists:
                    self.of.setdefault((edge.parent, edge.output), array)
            elif value is not None:
                self.constants[node, name] = value

    def from_saved(self, node: Node) -> None:
        """Take what an operation saved."""
        op = node.op
        if op is None or type(node.saved) is Freed or node.transform is not None:
            return
        edges = edges_of(node)
        if isinstance(op, FusedOp):
            if len(node.saved) == 1 and node.saved[0] and isinstance(node.saved[0][0], (list, tuple)):
                values = node.saved[0][0]
                if len(values) == len(op.parameters):
                    for i, value in enumerate(values):
                        self.note(node, i, op, value, edges)
            return
        if op.joint is not None:
            saved = node.saved[0][1:] if node.saved and node.saved[0] else ()
            if len(node.rules) == 1 and node.rules[0] in (op.joint.plain, op.joint.vjp):
                for source, value in zip(op.joint.sources, saved, strict=False):
                    self.note(node, source, op, value, edges)
            return
        for edge, rule, saved in zip(edges, node.rules, node.saved, strict=False):
            declared = op.rules.get(edge.argument)
            if declared is None or saved is None or rule not in (declared.plain, declared.vjp, declared.fitted):
                continue
            extra = len(saved) - len(declared.sources)
            for source, value in zip(declared.sources, saved[extra:], strict=False):
                self.note(node, source, op, value, edges)

    def run_again(self, node: Node) -> None:
        """Compute a value anew, if every argument of its operator is known for certain."""
        op = node.op
        if op is None or isinstance(op, FusedOp) or op.outputs is not None or op.lists or node.transform is not None:
            return
        if "rand" in op.name or "drop" in op.name or op.name in ("bernoulli", "normal", "multinomial", "poisson"):
            return
        edges = {e.argument: e for e in edges_of(node)}
        values = []
        for position, name in enumerate(op.parameters):
            edge = edges.get(name)
            if edge is not None and edge.parent is not None:
                array = self.of.get((edge.parent, edge.output))
                if array is None or array.size > BIG or memory.changed_since(array, node.seq):
                    return
                values.append(array)
            elif (node, name) in self.constants:
                values.append(self.constants[node, name])
            else:
                spelled = self.spelled(node, position, len(op.parameters))
                if spelled is None:
                    return
                self.constants[node, name] = spelled
                values.append(spelled)
        try:
            self.of[node, 0] = record.computed(op, values)
        except Exception:
            return

    def spelled(self, node: Node, position: int, count: int) -> Any:
        """The number that the program's text has for an operand of an infix operator."""
        said = lines.phrase(node.code, node.lasti)
        if said is None or count != 2 or len(said.operands) != 2 or node.op.family != "pointwise":
            return None
        if node.op.name in ("rsub", "where") or node.op.name.startswith("r"):
            return None
        return lines.literal(said.operands[position])


class Known:
    """All that is known of the graph behind some tensors: nodes, names, values, gradients, local derivatives."""

    def __init__(
        self,
        roots: Sequence[Tensor],
        names: Mapping[Node, tuple[str, Tensor]],
        arrays: Mapping[int, str],
        gradient: Any = None,
        gradients: bool = True,
        values: bool = True,
    ) -> None:
        self.roots = list(roots)
        self.names = names
        self.arrays = arrays  # the names of arrays of tensors that ask for no gradient, by id
        starts: list[Node] = [t._node for t in roots if t._node is not None]
        self.nodes = nodes_behind(starts)
        self.root_nodes = [seen_through(n)[0] for n in starts]
        self.freed = any(type(n.saved) is Freed for n in self.nodes)
        self.hooked = sum(
            1 for n in self.nodes if n.hooks is not None and (n.hooks.tensor or n.hooks.pre or n.hooks.post)
        )
        tensors = {n: t for n, (_, t) in names.items()}
        tensors.update({t._node: t for t in roots if t._node is not None})
        self.values = Values(self.nodes, tensors, values)
        self.gradients: Gradients | None = None
        self.why_no_gradients = ""
        if not gradients:
            self.why_no_gradients = "not computed for this picture"
        elif self.freed:
            self.why_no_gradients = "backward has run and freed what the rules need"
        else:
            self.differentiate(gradient)
        self.said: dict[Node, str] = {}
        self.name_nodes(values)

    def differentiate(self, gradient: Any) -> None:
        try:
            seeds = [(t._node, seed_for(t, gradient, False)) for t in self.roots if t._node is not None]
        except RuntimeError as error:
            if gradient is not None:
                raise
            self.why_no_gradients = f"no gradient to start from: {error}".split(". ")[0]
            return
        made = Gradients(self.nodes, seeds)
        if made.trouble:
            self.why_no_gradients = made.trouble
        self.gradients = made

    def name_nodes(self, read_text: bool) -> None:
        """The name of each node: a variable's that still holds it, else the one that the program's text gives it."""
        shown = {}
        for node, (name, _) in self.names.items():
            there, _ = seen_through(node)
            if there is not None and (type(node) is not Port):
                shown[there] = name
        if not read_text:
            self.said = shown
            return
        consumers: dict[Node, set[tuple[Any, int]]] = {}
        for node in self.nodes:
            for parent in parents_of(node):
                if type(parent) is Leaf and parent not in shown and (word := lines.operand(node, parent)):
                    if word not in shown.values():
                        shown[parent] = word
                consumers.setdefault(parent, set()).add((node.code, node.lasti))
        times: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node in shown:
                self.said[node] = shown[node]
            elif type(node) is not Leaf and node.width is None:
                found = lines.phrase(node.code, node.lasti)
                if found and found.target and (node.code, node.lasti) not in consumers.get(node, ()):
                    times.setdefault(found.target, []).append(node)
        for name, group in times.items():
            several = len(group) > 1 or name in shown.values()
            for i, node in enumerate(group, 1):
                self.said[node] = f"{name}#{i}" if several else name

    # ---- what boxes show

    def columns(self, node: Node) -> Any:
        """What a node saved, if pack hooks hold it and the pass over the graph has taken it out."""
        return self.gradients.columns.get(node) if self.gradients is not None else None

    def slope(self, node: Node, position: int, shape: tuple[int, ...], dtype: Any) -> Any:
        """The local derivative towards one input; None where there is none of one number an element."""
        return local_derivative(node, position, shape, dtype, self.columns(node))

    def name(self, node: Node) -> str:
        return self.said.get(node, "")

    def value(self, node: Node, output: int = 0) -> np.ndarray | None:
        return self.values.of.get((node, output))

    def gradient(self, node: Node) -> Any:
        """The gradient of a node's (first) output; None if none arrived or none were computed."""
        if self.gradients is None:
            return None
        g = self.gradients.of.get(node)
        return inner(next(iter(g.values()), None) if type(g) is Bundle else g)

    def shape(self, node: Node) -> tuple[int, ...] | None:
        """The shape of a node's output, from its value or else from its gradient, which has the same."""
        array = self.value(node)
        if array is None and node.width is None:
            array = self.gradient(node)
        return None if array is None else array.shape
