"""``explain``: the chain rule written out for one graph, in symbols and then in numbers, a line a path.

Symbols come from the program's own names; numbers from the recorded rules, one edge after the other. Before anything
is shown, the sum over paths is compared with the engine's gradient, and every formula with its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import combinations
from os.path import basename
from typing import Any

import numpy as np

from .._core import engine
from .._core.declare import FusedOp
from .._core.graph import Bundle, Freed, Leaf, Node, Port
from .._core.tensor import Tensor, wrap
from . import algebra as al
from . import names as naming
from .algebra import Expr, factor_text, latex, text, turned
from .draw import known_of
from .picture import Edge, Known, edges_of, inner, pulled, quiet_pass, raw_parents, seen_through
from .scene import array_text, number, op_word, shape_text

Step = tuple[Node, int]  # an edge: the node, and which of its inputs


class Factor:
    """One factor of a path: d upper / d lower, its formula and its number, where there are such."""

    def __init__(self, upper: str, lower: str, formula: Expr | None, local: Any, steps: list[Step]) -> None:
        self.upper, self.lower, self.formula, self.local, self.steps = upper, lower, formula, local, steps

    @property
    def symbol(self) -> Expr:
        return "d", self.upper, self.lower


class Path:
    """One path from the loss to the tensor: its factors, what it contributes, the nodes it goes through.

    ``equations`` carry the gradient from one station to the next: ``(lower, expression in d loss/d upper, or None where
    the rule of the operation has no formula here, the operation's name)``. ``simple`` says that all factors are numbers
    or work element by element, so that their product is the contribution as it stands.
    """

    def __init__(
        self, factors: list[Factor], contribution: np.ndarray, steps: list[Step],
        equations: list[tuple[str, Expr | None, str]], simple: bool, via: str,
    ) -> None:  # fmt: skip
        self.factors, self.contribution, self.steps = factors, contribution, steps
        self.equations, self.simple, self.via = equations, simple, via
        self.whole: Expr | None = None  # the contribution as one expression that has been found to come to it

    def nested(self) -> Expr | None:
        """The equations put into one another, if every one has a formula."""
        made: Expr = al.ONE
        upper = self.factors[0].upper if self.factors else ""
        for lower, e, _ in self.equations:
            if e is None:
                return None
            made = al.substituted(e, {"d " + upper: made})
            upper = lower
        return made


class Explanation:
    """A derivation: ``.text``, ``.latex``, ``.html``; ``.paths``, ``.gradient``, and ``.definitions`` of the symbols."""

    def __init__(
        self, loss: str, x: str, definitions: list[tuple[str, Expr, str]], paths: list[Path], gradient: np.ndarray,
        left_out: int, rest: Any, hooked: bool,
    ) -> None:  # fmt: skip
        self.loss, self.x, self.definitions, self.paths = loss, x, definitions, paths
        self.left_out, self.rest, self.hooked = left_out, rest, hooked
        self._gradient = gradient
        self.gradient = wrap(gradient.copy())
        self.expansions = {name: e for name, e, _ in definitions}

    # ---- as text

    @property
    def text(self) -> str:
        """The derivation in characters."""
        width = max([len(name) for name, _, _ in self.definitions], default=0)
        lines = []
        for name, e, where in self.definitions:
            said = f"{name:>{width}} = {text(e)}"
            lines.append(f"{said:<44}  # {where}" if where else said)
        lines.append("")
        whole = f"d{self.loss}/d{self.x}"
        if len(self.paths) == 1 and not self.left_out:
            lines += chain(whole, self.forms(self.paths[0], text, whole))
            lines += self.steps_of(self.paths[0], text)
        else:
            total = len(self.paths) + self.left_out
            lines.append(f"{whole} = sum over {total} paths")
            for i, path in enumerate(self.paths, 1):
                lines += ["", *chain(f"path {i}:", self.forms(path, text, ""), between="", note=path.via)]
                lines += self.steps_of(path, text)
            if self.left_out:
                lines += ["", f"{self.left_out} more paths: {shown(self.rest)}"]
            parts = [shown(p.contribution) for p in self.paths] + ([shown(self.rest)] if self.left_out else [])
            joined = " + ".join(f"({p})" if p.startswith("-") else p for p in parts)
            if len(parts) <= 8 and all(array_text(p.contribution) for p in self.paths):
                lines += ["", f"{whole} = {joined} = {shown(self._gradient)}"]
            else:
                lines += ["", f"{whole} = {shown(self._gradient)}"]
        said = "\n".join(lines)
        for word, meaning in WORDS.items():
            if word in said:
                lines.append(f"({meaning})")
        if self.hooked:
            lines.append("(hooks, which may change gradients, are left out)")
        return "\n".join(lines)

    def forms(self, path: Path, write: Any, whole: str) -> list[str]:
        """The forms of a path, one below the other: symbols, formulas, formulas written out, numbers, result."""
        is_text = write is text
        most = 72 if is_text else 200
        times = " * " if is_text else " \\cdot "
        one = factor_text if is_text else (lambda e: al.latex_in(e, 3))
        if not path.factors:
            return [shown(path.contribution)]
        made = [times.join(write(f.symbol) for f in path.factors)]
        if path.simple:
            formulas: list[Expr] = [f.formula for f in path.factors]  # type: ignore[misc]
            made.append(times.join(one(e) for e in formulas))
            full = [self.expanded(e) for e in formulas]
            long = times.join(one(e) for e in full)
            if full != formulas and len(long) <= most:
                made.append(long)
        elif (whole_formula := path.whole) is not None and len(write(whole_formula)) <= most:
            made.append(write(whole_formula))
            long = write(self.expanded(whole_formula))
            if len(long) <= most:
                made.append(long)
        if all(f.local is not None and f.local.size == 1 for f in path.factors):
            numbers = [number(f.local.reshape(-1)[0]) for f in path.factors]
            made.append(times.join(f"({n})" if n.startswith("-") or n[1:].strip("0123456789.") else n for n in numbers))
        made.append(shown(path.contribution))
        made = list(dict.fromkeys(made))
        return [m for m in made if m != whole] or made

    def steps_of(self, path: Path, write: Any) -> list[str]:
        """The gradient carried from station to station, where the path is no product and has no short formula."""
        whole = path.whole
        if path.simple or not path.factors or (whole is not None and len(write(whole)) <= 72):
            return []
        lines = ["  step by step:"]
        upper = path.factors[0].upper
        for lower, e, op in path.equations:
            head = f"d{self.loss}/d{lower}"
            incoming = f"d{self.loss}/d{upper}"
            lines.append(f"    {head} = {text(e) if e is not None else f'the rule of {op}, applied to {incoming}'}")
            upper = lower
        return lines

    def expanded(self, e: Expr) -> Expr:
        """A formula in terms of leaves and constants."""
        for _ in range(12):
            new = al.substituted(e, {n: d for n, d in self.expansions.items() if n != self.loss})
            if new == e or len(text(new)) > 200:
                return new if len(text(new)) <= 200 else e
            e = new
        return e

    # ---- as LaTeX and HTML

    @property
    def latex(self) -> str:
        """The derivation as LaTeX, in an ``aligned`` environment."""
        rows = [f"{al.name_latex(n)} &= {latex(e)}" for n, e, _ in self.definitions]
        whole = latex(("d", self.loss, self.x))
        for i, path in enumerate(self.paths, 1):
            head = whole if len(self.paths) == 1 and not self.left_out else f"\\text{{path {i}}}"
            for k, form in enumerate(self.forms(path, latex, whole)):
                rows.append(f"{head if not k else ''} &{'=' if k or head == whole else ':'} {form}")
        if len(self.paths) > 1 or self.left_out:
            rows.append(f"{whole} &= {shown(self._gradient)}")
        body = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n"

    @property
    def html(self) -> str:
        """The derivation as HTML, without scripts; names are escaped."""
        return (
            '<pre style="font:13px ui-monospace,Menlo,Consolas,monospace;line-height:1.5;overflow:auto">'
            f"{escape(self.text)}</pre>"
        )

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}$$"

    def _repr_html_(self) -> str:
        return self.html

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


WORDS = {
    "place(": "place(g, [k]): zeros, but g at [k]",
    "sum_to(": "sum_to(g, shape): g summed over what broadcasting had repeated",
}


def chain(head: str, forms: list[str], between: str = "=", note: str = "") -> list[str]:
    lines = [f"{head} {between} {forms[0]}" if between else f"{head} {forms[0]}"]
    if note:
        lines[0] = f"{lines[0]:<44}  # {note}"
    pad = " " * len(head)
    return lines + [f"{pad} = {form}" for form in forms[1:]]


def shown(array: Any) -> str:
    if array is None:
        return "0"
    said = array_text(array, 6)
    if said:
        return said
    if array.size <= 64:
        return np.array2string(array, precision=4, separator=", ").replace("\n", "")
    return f"tensor of shape {shape_text(array.shape)}"


def explain(
    loss: Tensor,
    x: Tensor,
    names: Mapping[str, Any] | None = None,
    *,
    gradient: Tensor | None = None,
    max_paths: int = 12,
) -> Explanation:
    """The derivation of d loss / d x for the graph that ``loss`` was computed by: the chain rule, path by path.

    ``x`` is any tensor that the loss depends on. Variables of the caller give the names (``names`` adds more);
    expressions without a name get a letter. Of more than ``max_paths`` paths the rest is one sum. The sum over paths
    is compared with the engine's gradient before anything is returned: a mismatch raises RuntimeError, as do freed
    graphs and a loss that does not depend on ``x``.

    >>> import rushlight as torch
    >>> x, w, b = (torch.tensor(v, requires_grad=True) for v in (3.0, 2.0, 1.0))
    >>> L = (w * x + b) ** 2
    >>> print(torch.explain(L, w, {"x": x, "w": w, "b": b, "L": L}).text.split(chr(10), 3)[3])
    dL/dw = dL/dy * dy/dw
                = 2(w*x + b) * x
          = 14 * 3
          = 42
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"explain() derives the gradient of a tensor, not of {type(loss).__name__}")
    known = known_of(loss, names, gradient, True, "explain", naming.caller())
    if known.freed:
        raise RuntimeError(
            f"explain() needs the graph whole: {known.why_no_gradients}. Call it before backward, or run "
            "backward(retain_graph=True)"
        )
    if known.gradients is None:
        raise RuntimeError(f"explain(): {known.why_no_gradients}")
    if max_paths < 1:
        raise ValueError(f"max_paths must be positive, not {max_paths}")
    if not isinstance(x, Tensor) or x._node is None:
        raise RuntimeError("explain(): the tensor to differentiate by does not require grad")
    root, target = seen_through(loss._node)[0], seen_through(x._node)[0]
    assert root is not None and target is not None
    return Derivation(known, loss, root, target, seen_through(x._node)[1], gradient, max_paths).explanation(x)


class Derivation:
    """Works out an explanation."""

    def __init__(
        self, known: Known, loss: Tensor, root: Node, target: Node, output: int, gradient: Any, max_paths: int
    ) -> None:
        self.known, self.loss, self.root, self.target, self.output = known, loss, root, target, output
        self.seed = engine.seed_for(loss, gradient, False)
        self.max_paths = max_paths
        self.letters = iter([c for c in "yuvzstrqpmnkghdcea"] + [f"y{i}" for i in range(1, 1000)])
        self.taken = {al_name(n) for n in known.said.values()} | set(known.arrays.values())
        self.symbols: dict[Node, str] = {}
        self.constant_names: dict[int, str] = {}
        self.values: dict[str, Any] = {}
        for node in known.nodes:
            if known.name(node):
                self.symbol(node)
        self.symbol(root, "L")
        self.symbol(target, "x")

    def symbol(self, node: Node, letter: str = "") -> str:
        """The symbol of a node: its name, or a letter that nobody uses."""
        found = self.symbols.get(node)
        if found is None:
            found = al_name(self.known.name(node))
            if not found or found in self.symbols.values():
                letters = [letter] if letter and letter not in self.taken else []
                found = next((c for c in letters), "") or next(c for c in self.letters if c not in self.taken)
            self.taken.add(found)
            self.symbols[node] = found
            if self.known.value(node) is not None and node.width is None:
                self.values[found] = self.known.value(node)
            for k in range(node.width or 0):
                if self.known.value(node, k) is not None:
                    self.values[f"{found}[{k}]"] = self.known.value(node, k)
        return found

    def explanation(self, x: Tensor) -> Explanation:
        steps, total = self.paths()
        if total == 0:
            raise RuntimeError(f"explain(): {self.symbol(self.root)} does not depend on {self.symbol(self.target)}")
        assert self.known.gradients is not None
        if self.known.gradients.trouble or self.target not in self.known.gradients.of:
            raise RuntimeError(f"explain(): the gradient cannot be followed: {self.known.gradients.trouble}")
        whole = self.known.gradients.of[self.target]
        whole = inner(whole.get(self.output) if type(whole) is Bundle else whole)
        paths = [self.path(steps_) for steps_ in steps]
        summed: Any = sum(p.contribution for p in paths)
        left_out = total - len(paths)
        hooked = self.known.hooked > 0
        self.verify(x, whole, None if left_out else summed, hooked)
        rest = whole - summed if left_out else None
        made = Explanation(
            self.symbol(self.root),
            self.symbol(self.target),
            self.definitions(paths),
            paths,
            whole,
            left_out,
            rest,
            hooked,
        )
        return made

    def verify(self, x: Tensor, whole: Any, summed: Any, hooked: bool) -> None:
        """Raise unless the sum over paths, our own pass and the engine's agree."""
        checks = [summed] if summed is not None else []
        if not hooked:
            found = engine.backward([(self.loss._node, self.seed)], True, False, [x._node], False)  # type: ignore[list-item]
            checks.append(inner(next(iter(found.values()))))
        for other in checks:
            if other is None or not np.allclose(whole, other, rtol=1e-4, atol=1e-6 * (1 + np.abs(whole).max(initial=0)),
                                                equal_nan=True):  # fmt: skip
                raise RuntimeError(
                    f"explain(): the derivation gives {shown(other)} where the engine gives {shown(whole)}; nothing is "
                    "shown. A rule in this graph is not linear in its gradient, or depends on state"
                )

    # ---- paths

    def paths(self) -> tuple[list[list[Step]], int]:
        """Paths from the loss to the tensor, at most so many, and how many there are."""
        counts: dict[Node, int] = {self.target: 1}
        for node in self.known.nodes:
            if node is not self.target and type(node) is not Leaf:
                n = sum(counts.get(e.parent, 0) for e in self.into(node) if e.parent is not None)
                if n:
                    counts[node] = n
        total = counts.get(self.root, 0)
        made: list[list[Step]] = []
        stack: list[tuple[Node, list[Step]]] = [(self.root, [])] if total else []
        while stack and len(made) < self.max_paths:
            node, path = stack.pop()
            if node is self.target:
                made.append(path)
                continue
            for i, edge in reversed(list(enumerate(edges_of(node)))):
                if edge.parent is not None and edge.parent in counts and self.leads(edge):
                    stack.append((edge.parent, [*path, (node, i)]))
        return made, total

    def leads(self, edge: Edge) -> bool:
        return edge.parent is not self.target or edge.output == self.output

    def into(self, node: Node) -> list[Edge]:
        return [e for e in edges_of(node) if self.leads(e)]

    def carried(self, steps: list[Step], g: Any) -> Any:
        """A gradient pulled back along one path only."""
        with quiet_pass(self.known.nodes):
            for node, i in steps:
                parent = raw_parents(node)[i]
                h = pulled(node, g, self.known.columns(node))[i]
                if h is None:
                    return None
                g = Bundle({parent.index: h}) if type(parent) is Port else h
        return inner(next(iter(g.values())) if type(g) is Bundle else g)

    def contribution(self, steps: list[Step]) -> np.ndarray:
        start = Bundle({self.loss._node.index: self.seed}) if type(self.loss._node) is Port else self.seed
        made = self.carried(steps, start)
        if made is None:
            made = np.zeros(np.shape(self.known.gradient(self.target)))
        return np.asarray(made)

    def path(self, steps: list[Step]) -> Path:
        """A path with its factors, and the equations that carry the gradient along it."""
        factors = self.factors(steps)
        contribution = self.contribution(steps)
        equations = self.equations(factors)
        simple = all(f.formula is not None for f in factors) and all(
            self.elementwise(*s) for f in factors for s in f.steps
        )
        via = ", ".join(dict.fromkeys(v for n, i in steps if (v := self.argument_said(n, i))))
        made = Path(factors, contribution, steps, equations, simple, via)
        try:
            nested = made.nested()
            found: Any = al.value(nested, self.values) if nested is not None else None
            if np.shape(found) == contribution.shape or np.size(found) == 1:
                if np.allclose(found, contribution, rtol=1e-3, atol=1e-5, equal_nan=True):
                    made.whole = nested
        except (KeyError, ValueError, TypeError):
            pass
        return made

    def argument_said(self, node: Node, i: int) -> str:
        """Which argument a path goes through, where an operation is given the same tensor twice."""
        edges = edges_of(node)
        twins = [e for e in edges if e.parent is edges[i].parent]
        if len(twins) < 2:
            return ""
        if edges[i].output != 0 or len({e.output for e in twins}) > 1:
            return f"output {edges[i].output} of {op_word(twins[0].parent) if twins[0].parent is not None else ''}"
        return f"as {edges[i].argument or f'input {i}'} of {op_word(node)}"

    def elementwise(self, node: Node, i: int) -> bool:
        """Whether the local derivative is a factor as it stands: element by element, no axis summed."""
        op = node.op
        if op is None:
            return False
        parent = edges_of(node)[i].parent
        above, below = self.known.shape(node), self.known.shape(parent) if parent is not None else None
        if node is self.root and above is None:
            above = tuple(self.loss.shape)
        if op.name in ("sum", "mean"):
            return above == () or int(np.prod(above or (0,))) == 1
        return op.name in ("clone", "alias", "dot") or (
            op.family == "pointwise" and above is not None and above == below
        )

    def equations(self, factors: list[Factor]) -> list[tuple[str, Expr | None, str]]:
        """For each factor the gradient below in terms of that above; what does not come to the number is left out."""
        made: list[tuple[str, Expr | None, str]] = []
        start: Any = Bundle({self.loss._node.index: self.seed}) if type(self.loss._node) is Port else self.seed
        above: Any = inner(self.seed)
        e: Expr | None
        for k, factor in enumerate(factors):
            below = self.carried([s for f in factors[: k + 1] for s in f.steps], start)
            ones = k == 0 and above is not None and (above == 1).all()
            e = al.ONE if ones else ("d", self.symbol(self.root), factor.upper)
            if not ones:
                self.values["d " + factor.upper] = above
            try:
                for node, i in factor.steps:
                    e = self.pulled_back(node, i, e) if e is not None else None
                if e is not None:
                    found = al.value(e, self.values)
                    near = np.allclose(np.broadcast_to(found, below.shape), below, rtol=1e-3, atol=1e-5, equal_nan=True)
                    if not near:
                        e = None
                    elif np.shape(found) != below.shape and k + 1 < len(factors):
                        e = "spread", e, below.shape
            except (KeyError, ValueError, TypeError, IndexError, AttributeError):
                e = None
            names = [op_word(node) for node, _ in factor.steps]
            made.append((factor.lower, e, " after ".join(reversed(names))))
            above = below
        return made

    def pulled_back(self, node: Node, i: int, g: Expr) -> Expr | None:
        """What the transpose of one operation makes of a gradient expression; None for what has no formula here."""
        op = node.op
        if op is None:
            return None
        edge = edges_of(node)[i]
        assert edge.parent is not None
        value = self.known.value(node)
        above = self.known.shape(node) if value is None else value.shape
        above = tuple(self.loss.shape) if node is self.root else above
        below = self.known.shape(edge.parent)
        if above is None or below is None or node.width is not None:
            return None
        full: Any = lambda e: e if np.shape(al.value(e, self.values)) == above else ("spread", e, above)
        name = op.name
        if name in ("sum", "mean"):
            n = int(np.prod(below)) // max(int(np.prod(above)), 1)
            e = al.div(g, al.num(n)) if name == "mean" else g
            if above == () or len(above) == len(below):
                return e
            gone = lost_axes(above, below)
            return None if gone is None else ("rows", full(e), gone)
        if op.family == "pointwise" or (name, edge.argument) in al.SLOPES:
            slope = al.fn("where", *self.masks(node, edge.argument, g)) if name == "choose" else self.slope(node, i)
            if slope is None:
                return None
            try:
                al.value(slope, self.values)
            except KeyError:
                if name not in al.FROM_RESULT:
                    return None
                slope = al.FROM_RESULT[name](al.sym(self.symbol(node)))
            e = slope if name == "choose" else al.mul(g, slope)
            return e if above == below else ("sumto", full(e), below)
        if name in ("clone", "alias", "clone_plain", "contiguous"):
            return g
        if name in ("matmul", "mm", "mv", "bmm", "dot", "matmul_nd"):
            args = self.arguments(node)
            a, b = list(args.values())[:2]
            if name == "dot":
                return al.mul(g, b if edge.argument == next(iter(args)) else a)
            if name == "mv":
                return ("@", ("rows", full(g), (1,)), ("rows", b, (0,))) if i == 0 else ("@", turned(a), full(g))
            return ("@", full(g), turned(b)) if i == 0 else ("@", turned(a), full(g))
        if name in ("addmm", "addmm_turned"):
            args = self.arguments(node)
            if edge.argument == "input":
                return "sumto", full(g), below
            a, b = args["mat1"], args["mat2"]
            return ("@", full(g), turned(b)) if edge.argument == "mat1" else ("@", turned(a), full(g))
        if name in ("transpose", "transposed", "permute") and len(above) == 2:
            return turned(full(g)) if below == above[::-1] else full(g)
        if name in ("reshape", "view", "unsqueeze", "squeeze", "squeeze_dims", "flatten", "unsqueeze_key", "expand"):
            return ("sumto", full(g), below) if name == "expand" else ("reshape", full(g), below)
        if name == "masked_filled" and edge.argument == "input":
            return al.fn("where", self.arguments(node)["mask"], al.ZERO, g)
        if name in ("select_key", "slice_key", "take_at"):
            key = self.key(node)
            return None if key is None else ("place", full(g), al.Place(key_text(key), key, below))
        if name in ("softmax_along", "log_softmax_along"):
            dim = self.known.values.constants.get((node, "dim"))
            if not isinstance(dim, int):
                return None
            s = al.sym(self.symbol(node))
            if name == "log_softmax_along":
                return al.sub(full(g), al.mul(al.fn("exp", s), ("sumk", full(g), dim)))
            return al.mul(s, al.sub(full(g), ("sumk", al.mul(full(g), s), dim)))
        return None

    def key(self, node: Node) -> Any:
        """The index that an operation takes elements by."""
        from .formats import saved_of

        found = dict(saved_of(node))
        return found.get("key", found.get("indices"))

    def masks(self, node: Node, argument: str, g: Expr) -> tuple[Expr, Expr, Expr]:
        """The arguments of the ``where`` that hands a gradient to one side of a ``where``."""
        condition = self.arguments(node)["condition"]
        return (condition, g, al.ZERO) if argument == "input" else (condition, al.ZERO, g)

    # ---- factors

    def factors(self, path: list[Step]) -> list[Factor]:
        """The path cut at names, and where the slope so far is more than 1: one factor a piece."""
        made = []
        upper, piece = self.root, list[Step]()
        formula: Expr | None = al.ONE
        for node, i in path:
            slope = self.slope(node, i)
            formula = al.mul(formula, slope) if formula is not None and slope is not None else None
            piece.append((node, i))
            below = edges_of(node)[i].parent
            assert below is not None
            plain = formula is not None and formula in (al.ONE, ("num", -1))
            if below is self.target or self.known.name(below) or not plain:
                made.append(self.factor(upper, below, formula, piece))
                upper, piece, formula = below, [], al.ONE
        return made

    def factor(self, upper: Node, below: Node, formula: Any, piece: list[Step]) -> Factor:
        """A factor with its number; a formula that does not come to that number is not shown."""
        value = self.known.value(upper)
        local = None
        if value is None and upper is self.root:
            value = inner(self.loss)
        if value is not None and upper.width is None:
            if len(piece) == 1:
                local = self.known.slope(*piece[0], value.shape, value.dtype)
            elif value.size == 1:
                local = self.carried(piece, np.ones(value.shape, value.dtype))
                local = local if local is not None and local.size == 1 else None
        if formula is not None and local is not None:
            try:
                found = al.value(formula, self.values)
                if not np.allclose(np.broadcast_to(found, local.shape), local, rtol=1e-3, atol=1e-5, equal_nan=True):
                    formula = None
            except (KeyError, ValueError, TypeError):
                pass
        return Factor(self.symbol(upper), self.symbol(below), formula, local, list(piece))

    def slope(self, node: Node, i: int) -> Expr | None:
        """The formula of a local derivative, from the table of the textbook's."""
        op = node.op
        if op is None or isinstance(op, FusedOp):
            return None
        edge = edges_of(node)[i]
        if op.name in ("matmul", "mm", "mv", "bmm", "dot"):
            args = self.arguments(node)
            names = list(args)
            other = args[names[1] if edge.argument == names[0] else names[0]]
            return other if op.name == "dot" else ("T", other)
        if op.name == "mean":
            above, below = self.known.shape(node), self.known.shape(edge.parent) if edge.parent is not None else None
            if above is None or below is None:
                return None
            n = int(np.prod(below)) // max(int(np.prod(above)), 1)
            return al.div(al.ONE, al.num(n))
        rule = al.SLOPES.get((op.name, edge.argument))
        try:
            return None if rule is None else rule(self.arguments(node))
        except KeyError:
            return None

    def arguments(self, node: Node) -> dict[str, Expr]:
        """The arguments of an operation as expressions."""
        made: dict[str, Expr] = {}
        edges = {e.argument: e for e in edges_of(node)}
        for name in node.op.parameters:
            edge = edges.get(name)
            if edge is not None and edge.parent is not None:
                made[name] = one_of(edge, self.expression(edge.parent))
            elif (node, name) in self.known.values.constants:
                made[name] = self.constant(self.known.values.constants[node, name], node, name)
            elif edge is not None or name in node.op.tensors:
                made[name] = al.sym(self.said(node, name))
        return made

    def said(self, node: Node, name: str) -> str:
        """The program's word for a constant whose value is not kept."""
        from . import lines

        phrase = lines.phrase(node.code, node.lasti)
        position = list(node.op.parameters).index(name)
        if phrase is not None and len(phrase.operands) == 2 and position < 2 and not node.op.name.startswith("rsub"):
            import ast

            return ast.unparse(phrase.operands[position])
        return f"const_{name}"

    def constant(self, value: Any, node: Node | None = None, argument: str = "") -> Expr:
        array = inner(value)
        if array is not None:
            name = self.known.arrays.get(id(array)) or self.constant_names.get(id(array), "")
            simple = array.size == 1 or (node is not None and node.op is not None and node.op.family == "pointwise")
            if not name and simple and array.dtype.kind in "fiu" and 0 < array.size <= 1 << 16:
                if (array == array.flat[0]).all():
                    return al.num(array.flat[0].item())
            if not name and node is not None:
                word = self.said(node, argument)
                name = word if word.isidentifier() and word not in self.taken and not word.startswith("const_") else ""
            if not name:
                name = next((c for i in range(1, 1000) if (c := f"c{i}") not in self.taken), "c")
            self.taken.add(name)
            self.constant_names[id(array)] = name
            self.values[name] = array
            return al.sym(name)
        return al.num(value) if isinstance(value, (int, float)) else al.sym(str(value))

    def expression(self, node: Node) -> Expr:
        """A node as an operand: its symbol if it has one, else what it computes."""
        if node in self.symbols:
            return al.sym(self.symbols[node])
        if type(node) is Leaf:
            return al.sym(self.symbol(node))
        waiting = [node]  # from the inputs up, without recursion
        done: dict[Node, Expr] = {}
        while waiting:
            one = waiting[-1]
            need = [
                e.parent for e in edges_of(one)
                if e.parent is not None and e.parent not in self.symbols and type(e.parent) is not Leaf and e.parent not in done
            ]  # fmt: skip
            if need and len(waiting) < 8:
                waiting += need
                continue
            if need:
                for n in need:
                    self.symbol(n)
            waiting.pop()
            done[one] = self.computed(one, done)
        return done[node]

    def computed(self, node: Node, done: Mapping[Node, Expr]) -> Expr:
        """What an operation computes, in terms of its inputs."""
        args: list[Expr] = []
        op = node.op
        edges = edges_of(node)
        by_name = {e.argument: e for e in edges}
        names = list(op.parameters) if op is not None and not op.lists else [e.argument for e in edges]
        for k, name in enumerate(names):
            edge = by_name.get(name) if op is not None and not op.lists else edges[k]
            if edge is not None and edge.parent is not None:
                parent = edge.parent
                args.append(one_of(edge, done[parent] if parent in done else al.sym(self.symbol(parent))))
            elif op is not None and op.name in ("sum", "mean") and name not in op.tensors:
                continue
            elif (node, name) in self.known.values.constants:
                args.append(self.constant(self.known.values.constants[node, name], node, name))
            elif edge is not None or (op is not None and name in op.tensors and not op.optional(name)):
                args.append(al.sym(self.said(node, name) if op is not None else name))
        what = al.WHAT.get(op.name) if op is not None else None
        if op is not None and op.name in ("select_key", "slice_key", "take_at") and args:
            key = self.key(node)
            e = ("index", args[0], key_text(key) if key is not None else "...")
            if key is not None and self.known.value(node) is not None:
                self.values[text(e)] = self.known.value(node)
            return e
        shape = self.known.shape(node)
        if op is not None and op.name in ("transpose", "permute") and shape is not None and len(shape) == 2 and args:
            return turned(args[0])
        try:
            return what(*args) if what is not None else al.fn(op_word(node), *args)
        except TypeError:
            return al.fn(op_word(node), *args)

    def definitions(self, paths: list[Path]) -> list[tuple[str, Expr, str]]:
        """What the symbols on the paths stand for, oldest first."""
        stations = {self.root} | {n for p in paths for n, _ in p.steps if n in self.symbols}
        for p in paths:
            for f in p.factors:
                stations |= {n for n, s in self.symbols.items() if s in (f.upper, f.lower)}
        made = []
        for node in sorted(stations, key=lambda n: n.seq):
            if type(node) is Leaf or type(node.saved) is Freed:
                continue
            symbol = self.symbols.pop(node)
            e = self.expression(node)
            self.symbols[node] = symbol
            site = node.site()
            made.append((symbol, e, place(site)))
        return made


def one_of(edge: Edge, e: Expr) -> Expr:
    """The output of an operation that an edge is about."""
    return ("index", e, str(edge.output)) if edge.parent is not None and edge.parent.width is not None else e


def lost_axes(above: Sequence[int], below: Sequence[int]) -> tuple[int, ...] | None:
    """The axes that a reduction without ``keepdim`` took away, if the shapes leave no doubt."""
    found = [gone for gone in combinations(range(len(below)), len(below) - len(above))
             if tuple(n for k, n in enumerate(below) if k not in gone) == tuple(above)]  # fmt: skip
    return found[0] if len(found) == 1 else None


def key_text(key: Sequence[Any]) -> str:
    """An index as it is written between brackets."""
    from .numpy_text import key_text as written

    def shown_index(a: Any) -> str:
        array = inner(a)
        if array is None:
            return str(a)
        return str(array.tolist()) if array.size <= 6 else f"{array.size} indices"

    return written(
        [slice(None) if k is None and any(inner(j) is not None for j in key) else k for k in key], shown_index
    )


def place(site: Any) -> str:
    """File and line of a definition; a notebook's cell has no name that means anything."""
    if site is None:
        return ""
    return str(site) if "ipykernel_" in site.file else f"{basename(site.file)}:{site.line}"


def al_name(name: str) -> str:
    """A program's name as a symbol."""
    return name
