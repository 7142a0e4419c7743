"""From what is known of a graph to boxes and arrows: which operations share a box, what each box says.

Operations are in the order in which the program ran them. A fold is a stretch of that order, so folded boxes can
never form a cycle; stretches follow calls, loops, modules, lines and functions until few enough are left.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unicodedata import east_asian_width

import numpy as np

from .._core import callsite, dtypes
from .._core.graph import Leaf, Node
from .._core.tensor import Tensor
from . import lines
from .names import clean
from .picture import Edge, Known, edges_of, inner, parents_of

SIGNS = {
    "add": "+", "sub": "−", "rsub": "−", "mul": "×", "div": "÷", "pow": "^", "pow_number": "^", "neg": "−",
    "matmul": "@", "mm": "@", "mv": "@", "bmm": "@", "matmul_nd": "@", "sum": "Σ", "add_scaled": "+", "sub_scaled": "−",
}  # fmt: skip
WORDS = {
    "torch_softmax": "softmax", "overwrite": "copy_slices", "copied": "copy_", "transposed": "transpose", "t": "transpose", "to_copy": "to",
    "unsafe_view": "view", "scaled_dot_product_flash_attention_for_cpu": "scaled_dot_product_attention", "cast_off": "to", "real_part": "real", "imaginary_part": "imag", "matmul_nd": "matmul",
    "fft_c2c": "fft_c2c", "fft_r2c": "fft_r2c", "fft_c2r": "fft_c2r", "pad_narrow": "slice_backward",
}  # fmt: skip
FAR = 10  # boxes over which a tensor used again is drawn again instead of joined by a long line


@dataclass
class Box:
    """One box: an operation ("op"), several ("fold"), a tensor that asks for gradients ("leaf"), a "constant"."""

    kind: str
    title: str
    name: str = ""
    lines: list[str] = field(default_factory=list)  # what it says under the title
    gradient: str = ""
    nodes: list[Node] = field(default_factory=list)
    site: callsite.Site | None = None
    expression: str = ""
    copy_of: int | None = None
    root: bool = False
    value: Any = None
    grad: Any = None
    shape: tuple[int, ...] | None = None
    count: int = 1


@dataclass
class Arrow:
    """An edge between boxes; ``backward`` says whether a gradient goes back along it."""

    tail: int
    head: int
    argument: str = ""
    local: str = ""
    backward: bool = True
    count: int = 1
    derivative: Any = None
    carried: Any = None
    fraction: tuple[str, str] = ("", "")  # what stands above and below in the local derivative, where both have names
    leaf: Any = None
    gives: str = ""  # the gradient that it carries, where its box gets several


@dataclass
class Scene:
    boxes: list[Box]
    arrows: list[Arrow]
    notes: list[str]
    title: str = ""
    symbol: str = "L"
    ran: bool = True  # whether backward has run, or was run for this picture


def columns(text: str) -> int:
    """How many columns a text takes: characters of East Asia take two."""
    return len(text) if text.isascii() else sum(1 + (east_asian_width(c) in "WF") for c in text)


def number(x: Any) -> str:
    """A number in few characters."""
    if isinstance(x, (complex, np.complexfloating)):
        return f"{x:.3g}"
    if isinstance(x, (bool, np.bool_)):
        return str(bool(x))
    text = f"{float(x):.4g}"
    return "0" if text == "-0" else text


def array_text(array: Any, most: int = 3) -> str:
    """An array in few characters: its numbers if they are few, else nothing."""
    if array is None:
        return ""
    if array.size == 1:
        return number(array.reshape(-1)[0])
    if array.ndim == 1 and array.size <= most:
        made = "[" + ", ".join(number(v) for v in array.tolist()) + "]"
    elif array.ndim == 2 and array.size <= 4:
        made = "[" + ", ".join("[" + ", ".join(number(v) for v in row) + "]" for row in array.tolist()) + "]"
    else:
        return ""
    return made if len(made) <= 30 else ""


def uniform_text(array: Any) -> str:
    """An array in few characters: one number where all are the same."""
    if array is not None and array.size > 1 and array.size <= 10_000 and (array == array.flat[0]).all():
        return number(array.flat[0])
    return array_text(array)


def shape_text(shape: Sequence[int]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]" if shape else "scalar"


def dtype_text(array: Any) -> str:
    found = dtypes.FROM_NUMPY.get(array.dtype) if array is not None else None
    return found.name if found is not None and found.name != "float32" else ""


def measure(array: np.ndarray) -> str:
    """The size of a gradient too large to print."""
    if array.size == 0 or array.dtype.kind not in "fc":
        return "empty" if array.size == 0 else f"{array.dtype}"
    with np.errstate(all="ignore"):
        return f"{number(np.sqrt(np.sum(np.abs(array.astype('f8') if array.dtype.kind == 'f' else array) ** 2)))}"


def op_word(node: Node) -> str:
    """The name of an operation as shown."""
    if node.op is not None:
        return word_of(node.op)
    return node.name().removesuffix("Backward0").removesuffix("Backward")


@cache
def word_of(op: Any) -> str:
    """The name that users know an operator by: that of a public function, else what PyTorch calls its node."""
    import rushlight as rl
    import rushlight.nn.functional as F

    name: str = op.name
    if name in WORDS:
        return WORDS[name]
    trimmed = name
    for tail in ("_of", "_rows", "_along", "_classes", "_turned"):  # how operators behind a function are called
        trimmed = trimmed.removesuffix(tail)
    for known in (name, trimmed):
        if any(known in vars(space) for space in (rl, Tensor, F, rl.special, rl.linalg)):
            return known
    stem = re.sub(r"Backward[s\d]*$", "", op.node_name or "")
    if stem and stem != op.node_name:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", stem).lower()
        return WORDS.get(snake) or snake.removeprefix("linalg_").removesuffix("_ex")
    return trimmed


# ---- folding


@dataclass
class Unit:
    """A stretch of operations in the order of the program: one box."""

    nodes: list[Node]
    key: Any
    label: str = ""
    times: int = 1

    @property
    def word(self) -> Any:
        return self.key


def units_of(known: Known, max_nodes: int | None, fold: str) -> list[Unit]:
    """The operations in as many boxes as may be: all of them, or folded step by step until they are few enough."""
    ops = [n for n in known.nodes if type(n) is not Leaf]
    if max_nodes is None or fold == "none" or len(ops) <= max_nodes:
        return [Unit([n], (n.code, n.lasti)) for n in ops]
    modules = owners(known, ops)
    sites: dict[Any, tuple[str, int, str]] = {}

    def where(n: Node) -> tuple[str, int, str]:
        key = n.code, n.lasti
        if key not in sites:
            s = callsite.resolve(*key)
            sites[key] = (s.file, s.line, s.function) if s else ("", 0, "")
        return sites[key]

    deepest = max([m.count(".") + 1 for m in modules.values() if m], default=0)
    part: Any = lambda depth: lambda n: ".".join(modules.get(n, "").split(".")[:depth])
    parts = [("module", part(depth)) for depth in range(deepest, 0, -1)]
    levels: list[tuple[str, Any]] = {
        "loop": [("call", lambda n: (n.code, n.lasti, modules.get(n, "")))],
        "module": [("call", lambda n: (n.code, n.lasti, modules.get(n, ""))), *parts],
        "function": [("function", lambda n: (where(n)[0], where(n)[2]))],
        "auto": [
            ("call", lambda n: (n.code, n.lasti, modules.get(n, ""))),
            ("module", lambda n: (where(n), modules.get(n, ""))),
            *parts[1:],
            ("function", lambda n: (where(n)[0], where(n)[2], ".".join(modules.get(n, "").split(".")[:2]))),
            ("function", lambda n: (where(n)[0], where(n)[2])),
        ],
    }[fold]
    enough = {"auto": 0, "module": 2}.get(fold, 99)  # how many levels are folded in any case
    units = [Unit([n], (n.code, n.lasti, n.op)) for n in ops]
    if fold in ("auto", "loop"):
        # the first round of a long loop is shown where there is room for it, the last one too if there is more
        ways = ((10**9, True), (10**9, False), (12, True)) if fold == "auto" else ((12, True),)
        plain = units
        for longest, last in ways:
            units = looped(plain, longest, last)
            if len(units) <= max_nodes:
                break
    for k, (how, key) in enumerate(levels):
        if len(units) <= max_nodes and k >= enough:
            return units
        units = runs(units, how, (lambda n, key=key: (key(n),)))
        if fold in ("auto", "loop") or (fold == "module" and len(units) > max_nodes):
            units = looped(units)
    return units if len(units) <= max_nodes else chunks(units, max_nodes)


def owners(known: Known, ops: Sequence[Node]) -> dict[Node, str]:
    """The module that each operation belongs to.

    That of the parameters it uses, or of the call before it. An operation between two modules belongs to what they
    are both part of, if the program ran in one function from one to the next; at the end of a function, to what the
    last module is part of.
    """
    found: dict[Node, str] = {}
    if not any("." in name for name in known.said.values()):
        return found
    last, call = "", None
    owned: list[int] = []
    for i, node in enumerate(ops):
        mine = ""
        for parent in parents_of(node):
            if type(parent) is Leaf:
                name = known.name(parent)
                if "." in name:
                    mine = name.rpartition(".")[0]
        if not mine and (node.code, node.lasti) == call:
            mine = last
        if mine:
            owned.append(i)
        found[node] = last = mine
        call = node.code, node.lasti
    for before, after in zip([None, *owned], [*owned, None], strict=True):
        stretch = ops[0 if before is None else before + 1 : after]
        for node in stretch:
            a = ops[before] if before is not None else None
            b = ops[after] if after is not None else None
            from_a = a is not None and a.code is node.code and a.lasti < node.lasti
            to_b = b is not None and b.code is node.code and node.lasti <= b.lasti
            if from_a and to_b and a is not None and b is not None:
                found[node] = common_part(found[a], found[b])
            elif from_a and a is not None:
                found[node] = found[a].rpartition(".")[0]
            elif to_b and b is not None:
                found[node] = found[b].rpartition(".")[0]
    return found


def common_part(a: str, b: str) -> str:
    """The module that two modules are part of."""
    if a == b:
        return a
    same = []
    for x, y in zip(a.split("."), b.split("."), strict=False):
        if x != y:
            break
        same.append(x)
    return ".".join(same)


def runs(units: Sequence[Unit], how: str, key: Any) -> list[Unit]:
    """Neighbours with equal keys made one."""
    made: list[Unit] = []
    for unit in units:
        k = (how, *key(unit.nodes[-1])) if unit.times == 1 else ("loop", id(unit))
        if made and made[-1].key == k:
            made[-1].nodes += unit.nodes
        else:
            made.append(Unit(list(unit.nodes), k, unit.label, unit.times))
    return made


def looped(units: Sequence[Unit], longest: int = 12, last: bool = True) -> list[Unit]:
    """Repetitions of one stretch made one box, but for the first and the ``last`` time if it has few operations."""
    words = [u.word for u in units]
    after: dict[Any, int] = {}
    nearest = [0] * len(words)
    for i in range(len(words) - 1, -1, -1):
        nearest[i] = after.get(words[i], 0)
        after[words[i]] = i
    made: list[Unit] = []
    i = 0
    while i < len(words):
        period, end = 0, i
        candidate = nearest[i]
        for _ in range(8):
            if not candidate:
                break
            p = candidate - i
            if words[i : i + p] == words[candidate : candidate + p]:
                end = candidate + p
                while words[end : end + p] == words[i : i + p] and len(words[end : end + p]) == p:
                    end += p
                if (end - i) // p >= 3:
                    period = p
                    break
            candidate = nearest[candidate]
        if period:
            times = (end - i) // period
            first = period if period <= longest else 0
            end_of_middle = end - first * last
            made += units[i : i + first]
            middle = [n for u in units[i + first : end_of_middle] for n in u.nodes]
            left = times - (1 + last) * (first > 0)
            made.append(Unit(middle, ("loop", i), f"{left:,} {'more ' * (first > 0)}round{'s' * (left != 1)}", times))
            made += units[end_of_middle:end]
            i = end
        else:
            made.append(units[i])
            i += 1
    return made


def chunks(units: Sequence[Unit], most: int) -> list[Unit]:
    """The last resort: stretches of equal numbers of units."""
    size = -(-len(units) // max(most, 1))
    return [
        Unit([n for u in units[i : i + size] for n in u.nodes], ("chunk", i), "" if size > 1 else units[i].label)
        for i in range(0, len(units), size)
    ]


def fold_title(known: Known, unit: Unit, modules: dict[Node, str]) -> str:
    """What a folded box is called: its rounds, its module, its call, or its function."""
    if unit.label:
        return unit.label
    found = [modules.get(n, "") for n in unit.nodes]
    named = [m for m in found if m]
    if named:
        common = named[0].split(".")
        for m in (named[-1], named[len(named) // 2]):
            parts = m.split(".")
            common = [a for a, b in zip(common, parts, strict=False) if a == b]
        if common and len(common) > 0:
            return ".".join(common)
    spans = {(n.code, n.lasti) for n in unit.nodes}
    if len(spans) == 1:
        said = lines.phrase(unit.nodes[0].code, unit.nodes[0].lasti)
        if said and len(said.text) <= 34:
            return said.text
    functions = {s.function for s in (callsite.resolve(c, i) for c, i in list(spans)[:50]) if s}
    if len(functions) == 1:
        name = functions.pop()
        if not name.startswith("<"):
            return f"{name}()"
    return f"{len(unit.nodes):,} operations"


# ---- boxes and arrows


def staged(known: Known, max_nodes: int | None = 60, fold: str = "auto", title: str = "") -> Scene:
    """The boxes and arrows of a picture."""
    title = clean(title)
    units = units_of(known, max_nodes, fold)
    folded = any(len(u.nodes) > 1 for u in units)
    modules = owners(known, [n for n in known.nodes if type(n) is not Leaf]) if folded else {}
    boxes: list[Box] = []
    home: dict[Node, int] = {}
    symbol = next((known.name(n) for n in known.root_nodes if n is not None and known.name(n)), "L")
    symbol = symbol if symbol.isidentifier() and len(symbol) <= 8 and len(known.roots) == 1 else "L"
    for unit in units:
        box = op_box(known, unit.nodes[0], symbol) if len(unit.nodes) == 1 else fold_box(known, unit, modules)
        for node in unit.nodes:
            home[node] = len(boxes)
        boxes.append(box)
    arrows: dict[Any, Arrow] = {}
    fed: dict[int, dict[Node, list[str]]] = {}  # leaves that go into each box
    users: dict[Node, set[int]] = {}
    extra: list[tuple[Box, int, str]] = []
    small = len(units) <= 40
    for node in known.nodes:
        if type(node) is Leaf:
            continue
        here = home[node]
        if len(boxes[here].nodes) > 1:
            for parent in parents_of(node):
                if type(parent) is Leaf:
                    fed.setdefault(here, {}).setdefault(parent, [])
                    users.setdefault(parent, set()).add(here)
                elif (tail := home[parent]) != here:
                    key = (tail, here, "", None, 0)
                    if key in arrows:
                        arrows[key].count += 1
                    else:
                        arrows[key] = Arrow(tail, here)
            continue
        edges = edges_of(node)
        for position, edge in enumerate(edges):
            if edge.parent is None:
                if len(boxes[here].nodes) == 1 and small and not likely_none(known, node, edge):
                    extra.append((constant_box(known, node, edge, position), here, edge.argument))
            elif type(edge.parent) is Leaf:
                fed.setdefault(here, {}).setdefault(edge.parent, []).append(edge.argument)
                users.setdefault(edge.parent, set()).add(here)
                if len(boxes[here].nodes) == 1:
                    extra_arrow(known, arrows, edge, node, position, -1, here, edge.parent)
            elif home[edge.parent] != here:
                extra_arrow(known, arrows, edge, node, position, home[edge.parent], here, None)
    made = list(arrows.values())
    place_leaves(known, boxes, made, fed, users, max_nodes, symbol)
    for box, here, argument in extra:
        made.append(Arrow(len(boxes), here, argument, backward=False))
        boxes.append(box)
    several = Counter(a.tail for a in made if a.backward)
    for arrow in made:
        if several[arrow.tail] > 1 and arrow.carried is not None:
            arrow.gives = uniform_text(arrow.carried)
    for node in {n for n in known.root_nodes if n is not None}:
        if node in home:
            boxes[home[node]].root = True
        elif type(node) is Leaf and not any(node in b.nodes for b in boxes):
            boxes.append(leaf_box(known, node, symbol))
    ran = known.freed or (known.gradients is not None and not known.gradients.trouble)
    return Scene(boxes, made, notes_of(known, symbol), title, symbol, ran)


def likely_none(known: Known, node: Node, edge: Edge) -> bool:
    """Whether an input that is not known may well be an optional one that was left out."""
    if (node, edge.argument) in known.values.constants or node.op is None or not edge.argument:
        return False
    return bool(node.op.optional(edge.argument))


def extra_arrow(
    known: Known, arrows: dict[Any, Arrow], edge: Edge, node: Node, position: int, tail: int, head: int, leaf: Any
) -> None:
    key = (tail, head, edge.argument, leaf, position if len(arrows) < 400 else 0)
    found = arrows.get(key)
    if found is not None:
        found.count += 1
        return
    arrow = arrows[key] = Arrow(tail, head, edge.argument, leaf=leaf)
    result = known.value(node)
    shape = known.shape(node)
    if known.gradients is not None:
        arrow.carried = inner(known.gradients.along.get((node, position)))
    if shape is not None and len(arrows) < 400 and int(np.prod(shape)) <= 4096:
        dtype = result.dtype if result is not None else np.dtype("f4")
        arrow.derivative = known.slope(node, position, shape, dtype)
        arrow.local = uniform_text(arrow.derivative)
        if arrow.local:
            below = spoken(known, edge.parent) if edge.parent is not None else ""
            arrow.fraction = spoken(known, node), below


def short(name: str) -> str:
    name = name.rpartition(".")[2] if "." in name else name
    return name if len(name) <= 10 else name[:9] + "…"


def place_leaves(
    known: Known,
    boxes: list[Box],
    arrows: list[Arrow],
    fed: dict[int, dict[Node, list[str]]],
    users: dict[Node, set[int]],
    max_nodes: int | None,
    symbol: str,
) -> None:
    """Leaves as boxes of their own; those of folded boxes, and all where there are too many, as lines in these."""
    count = len(boxes)
    crowded = max_nodes is not None and count + len(users) > 1.5 * max_nodes
    drawn: dict[tuple[Node, int], int] = {}
    for here in range(count):
        names = []
        for leaf in fed.get(here, {}):
            if (len(boxes[here].nodes) > 1 and len(users[leaf]) < 3) or crowded:
                names.append(known.name(leaf) or "tensor")
                continue
            uses = sorted(users[leaf])
            far = uses[-1] - uses[0] > FAR and len(uses) > 1
            key = leaf, here if far else -1
            if key not in drawn:
                box = leaf_box(known, leaf, symbol)
                if far and here != uses[0]:
                    box.copy_of = drawn.get((leaf, uses[0]))
                    box.lines, box.gradient = [], ""
                drawn[key] = len(boxes)
                boxes.append(box)
            place = drawn[key]
            mine = [a for a in arrows if a.head == here and a.leaf is leaf] if count <= 2000 else []
            if mine:
                for arrow in mine:
                    arrow.tail = place
            elif not (count > 2000 and crowded):
                arrows.append(Arrow(place, here, ""))
        if names:
            known_names = [n for n in names if n != "tensor"]
            rest = f"{len(names)} tensors" if len(names) > 1 else "…" + names[0][-28:]
            prefix = boxes[here].title + "."
            short_names = [n.removeprefix(prefix) for n in known_names]
            text = ", ".join(short_names) if known_names and len(", ".join(short_names)) <= 30 else rest
            boxes[here].lines.append(f"uses {text}")
    arrows[:] = [a for a in arrows if a.tail >= 0]


def lines_up(node: Node) -> bool:
    """Whether the expression at the node's place is one infix operator: then it names the result."""
    said = lines.phrase(node.code, node.lasti)
    return said is not None and len(said.operands) == 2 and node.op is not None and node.op.name in SIGNS


def op_box(known: Known, node: Node, symbol: str) -> Box:
    word = op_word(node)
    sign = SIGNS.get(node.op.name, "") if node.op is not None else ""
    name = known.name(node)
    box = Box("op", f"{sign} {word}" if sign else word, name, nodes=[node], site=node.site())
    said = lines.phrase(node.code, node.lasti)
    box.expression = said.text if said else ""
    fill(known, box, node, symbol)
    return box


def fill(known: Known, box: Box, node: Node, symbol: str) -> None:
    """Name, shape, value and gradient."""
    value, shape = known.value(node), known.shape(node)
    box.value, box.shape = value, shape
    text = array_text(value)
    label = box.name
    if not label and 0 < len(box.expression) <= 16 and (text or shape) and lines_up(node):
        label = box.expression
    size = " ".join(filter(None, [shape_text(shape or ()), dtype_text(value)]))
    if text:
        box.lines.append(f"{label} = {text}" if label else f"= {text}")
    elif label and shape:
        box.lines.append(f"{label}  {size}")
    elif label:
        box.lines.append(label)
    elif shape:
        box.lines.append(size)
    if value is None and not shape:
        box.lines.append("value not kept")
    if node.width is not None:
        box.lines.append(f"{node.width} outputs")
    gradient_line(known, box, node, symbol)


def spoken(known: Known, node: Node) -> str:
    """What a formula calls the result of a node: its name, or its expression if that is short; '' if neither."""
    name = known.name(node)
    if name:
        return short(name)
    if type(node) is Leaf or not lines_up(node):
        return ""
    said = lines.phrase(node.code, node.lasti)
    text = said.text.replace(" ", "") if said is not None else ""
    return f"({text})" if 0 < len(text) <= 9 else ""


def gradient_line(known: Known, box: Box, node: Node, symbol: str) -> None:
    g = known.gradient(node)
    box.grad = g
    label = spoken(known, node)
    fraction = f"∂{symbol}/∂{label}" if label else "gradient"
    if node in known.root_nodes and g is not None and g.size == 1:
        fraction = f"∂{symbol}/∂{symbol}"
    if g is not None:
        text = array_text(g)
        box.gradient = f"{fraction} = {text}" if text else f"‖{fraction}‖ = {measure(g)}"
    elif known.gradients is not None:
        box.gradient = "gradient not known" if known.gradients.trouble else "no gradient arrives"


def leaf_box(known: Known, node: Node, symbol: str) -> Box:
    tensor = node.tensor() if type(node) is Leaf else None
    name = known.name(node)
    kind = "leaf"
    box = Box(kind, name or ("parameter" if tensor is not None else "tensor that is gone"), name, nodes=[node])
    value = known.value(node)
    box.value, box.shape = value, known.shape(node)
    text = array_text(value)
    if text:
        box.lines.append(f"= {text}")
    elif box.shape:
        box.lines.append(" ".join(filter(None, [shape_text(box.shape), dtype_text(value)])))
    gradient_line(known, box, node, symbol)
    if known.gradients is None:
        if tensor is not None and tensor._grad is not None:
            g = inner(tensor._grad)
            text = array_text(g)
            box.grad = g
            box.gradient = f".grad = {text}" if text else f"‖.grad‖ = {measure(g)}"
        elif not known.freed:
            box.gradient = "backward not run"
        else:
            box.gradient = ".grad: none"
    return box


def constant_box(known: Known, node: Node, edge: Edge, position: int) -> Box:
    value = known.values.constants.get((node, edge.argument))
    if value is None and node.op is not None and list(node.op.parameters)[:2].count(edge.argument):
        value = known.values.spelled(node, list(node.op.parameters).index(edge.argument), 2)
    said = lines.phrase(node.code, node.lasti)
    name = ""
    infix = node.op is not None and (node.op.family == "pointwise" or node.op.name in SIGNS or node.op.name == "mv")
    if said is not None and node.op is not None and infix and len(said.operands) == 2:
        spelled = said.operands[position] if position < 2 and not node.op.name.startswith("rsub") else None
        import ast

        if isinstance(spelled, (ast.Name, ast.Attribute)):
            name = ast.unparse(spelled)
    array = inner(value) if not isinstance(value, (int, float, complex)) else None
    if array is not None:
        name = known.arrays.get(id(array), name)
    box = Box(
        "constant", name or (number(value) if isinstance(value, (int, float, complex)) else edge.argument or "constant")
    )
    box.name = name
    if array is not None and array.ndim == 0 and not name:
        box.title, box.value, box.shape = number(array.item()), array, ()
    elif array is not None:
        box.value, box.shape = array, array.shape
        text = array_text(array)
        if text:
            box.lines.append(f"= {text}")
        elif array.shape:
            box.lines.append(" ".join(filter(None, [shape_text(array.shape), dtype_text(array)])))
    elif isinstance(value, (int, float, complex)):
        box.value = np.asarray(value)
        if name:
            box.lines.append(f"= {number(value)}")
    else:
        box.lines.append("value not kept")
    return box


def fold_box(known: Known, unit: Unit, modules: dict[Node, str]) -> Box:
    count = len(unit.nodes)
    box = Box("fold", fold_title(known, unit, modules), nodes=unit.nodes, count=unit.times, site=unit.nodes[-1].site())
    words = Counter(op_word(n) for n in unit.nodes)
    most = words.most_common(3)
    if box.title != f"{count:,} operations":
        box.lines.append(f"{count:,} operations")
    text = ", ".join(f"{w} ×{n:,}" if n > 1 else w for w, n in most) + (", …" if len(words) > 3 else "")
    box.lines.append(text if len(text) <= 40 else text[:39] + "…")
    return box


def notes_of(known: Known, symbol: str) -> list[str]:
    notes = []
    ops = sum(1 for n in known.nodes if type(n) is not Leaf)
    notes.append(
        f"{ops:,} operation{'s' * (ops != 1)}, {len(known.nodes) - ops:,} tensor"
        f"{'s' * (len(known.nodes) - ops != 1)} that ask{'s' * (len(known.nodes) - ops == 1)} for gradients"
    )
    if known.gradients is not None and not known.why_no_gradients:
        notes.append("gradients computed for this picture; .grad untouched")
        if len(known.roots) > 1:
            notes.append(f"they are those of {symbol}, the sum of the {len(known.roots)} results")
    elif known.freed:
        notes.append("backward has run: saved values are freed, gradients inside are not kept")
    else:
        notes.append(f"no gradients: {known.why_no_gradients}")
    if known.hooked and known.gradients is not None:
        notes.append(f"hooks of {known.hooked} node{'s' * (known.hooked != 1)} were not run")
    return notes
