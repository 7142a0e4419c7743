"""``to_numpy``: the gradient as a program of its own, in readable NumPy, that needs nothing of ours.

The function is run once and every operator noted; then the rules are run, on tensors, and their operators noted too.
Each is written as a line of NumPy, run at once, and compared with what the engine has. An operator that has no line
in the table brings the source of its own body along.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .._core import callsite, memory
from .._core.engine import seed_for
from .._core.graph import Bundle, Fan, Leaf, Node, Port
from .._core.mode import RECORD, mode, switched
from .._core.tensor import Tensor, wrap
from . import lines
from . import names as naming
from .numpy_text import FORMS, HEAD, IMPORTS, INFIX, UNARY, key_text, pad_text
from .picture import inner, nodes_behind, raw_parents, seen_through
from .watch import Event, Watch, definitions

MOST = 4096  # constants of more elements have no place in a readable program


class NumpyProgram:
    """A program written by :func:`to_numpy`: ``source``, ``save(path)``; calling it runs it."""

    def __init__(self, source: str, name: str = "value_and_grad") -> None:
        self.source = source
        scope: dict[str, Any] = {}
        exec(compile(source, "<value_and_grad>", "exec"), scope)
        self.function = scope[name]

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def save(self, path: Any) -> Path:
        """Write the source to a file, and return its path."""
        target = Path(path)
        target.write_text(self.source, encoding="utf-8")
        return target

    def __str__(self) -> str:
        return self.source

    __repr__ = __str__


def to_numpy(f: Callable[..., Tensor], *example: Any) -> NumpyProgram:
    """Write ``f`` and its gradient as one function of NumPy, ``value_and_grad(...)``.

    ``example`` are arguments to run ``f`` with: their shapes and dtypes are those of the program, and branches of
    ``f`` are taken as these numbers take them. The program returns the value and a tuple of gradients, one for each
    argument of a floating-point dtype (None for the others). Other tensors that ``f`` uses become constants in the
    text. Backward lines name the forward line that they belong to. The program is compared with the engine before it is
    returned, on the example and on numbers near it, for which ``f`` is run again. Raises NotImplementedError for
    in-place writes, random numbers, large constants, what is computed outside of operators, and operators that cannot
    be written down.

    >>> import rushlight as torch
    >>> program = torch.to_numpy(lambda w, x: (w * x).sum(), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    >>> value, (dw, dx) = program(np.float32([1, 2]), np.float32([3, 4]))
    >>> float(value), dw.tolist()
    (11.0, [3.0, 4.0])
    """
    if not callable(f):
        raise TypeError(f"to_numpy() takes a function and arguments to run it with, not {type(f).__name__}")
    return Writer(f, example).program()


def diff_source(f: Callable[..., Tensor], *example: Any) -> str:
    """The lines of ``f`` on the left, and on the right the lines of its gradient that belong to each, as text.

    ``example`` as for :func:`to_numpy`; without one, a scalar is tried for each parameter of ``f``.

    >>> import rushlight as torch
    >>> print(torch.diff_source(lambda w: (w * 3).sum(), torch.tensor([1.0])).splitlines()[0].split())
    ['forward', '|', 'backward']
    """
    if not callable(f):
        raise TypeError(f"diff_source() takes a function and arguments to run it with, not {type(f).__name__}")
    if not example:
        count = len(inspect.signature(f).parameters)
        example = tuple(wrap(np.array(0.5 + 0.25 * i, "f4")) for i in range(count))
    writer = Writer(f, example)
    writer.program()
    rows: list[tuple[str, str]] = []
    for node_line, text in writer.forward_lines:
        back = [t for k, t in writer.backward_lines if k is node_line and k is not None]
        rows += [(text if i == 0 else "", back[i] if i < len(back) else "") for i in range(max(len(back), 1))]
    starts = [("", t) for k, t in writer.backward_lines if k is None]
    wide = max(len(a) for a, _ in [*rows, ("forward", "")])
    head = [f"{'forward':<{wide}} | backward", f"{'-' * wide}-+-{'-' * 40}"]
    return "\n".join([*head, *(f"{a:<{wide}} | {b}".rstrip() for a, b in [*rows, *starts])])


class Writer:
    """Runs a function and its rules, and writes down what they did."""

    def __init__(self, f: Callable[..., Tensor], example: Sequence[Any]) -> None:
        self.f = f
        self.inputs = [self.fresh(a) for a in example]
        self.events: list[Event] = []
        self.keep: list[Any] = []
        self.names: dict[int, str] = {}
        self.used: set[str] = {"np", "value_and_grad", *HEAD}
        self.constants: list[str] = []
        self.equal: dict[Any, str] = {}  # constants that are written, by what they hold
        self.called = names_around(f)
        self.helpers: dict[str, str] = {}
        self.imports: set[str] = set()
        self.scope: dict[str, Any] = {"np": np}
        self.last_comment = ""
        self.whole: dict[int, Node] = {}  # the nodes that an array is the whole gradient of
        self.node_names: dict[Any, str] = {}  # what the program calls the value of a node
        self.forward_lines: list[tuple[Any, str]] = []
        self.backward_lines: list[tuple[Any, str]] = []
        self.start = memory.tick()

    @staticmethod
    def fresh(a: Any) -> Any:
        if isinstance(a, (np.ndarray, np.generic)):
            a = wrap(np.asarray(a))
        if isinstance(a, Tensor):
            t = wrap(np.array(inner(a)))
            return t.requires_grad_() if t.dtype.is_floating_point or t.dtype.is_complex else t
        return a

    def see(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        event = Event(op, args, result)
        event.node = self.now
        self.events.append(event)
        self.keep.append((args, result))

    def program(self) -> NumpyProgram:
        self.now: Any = None
        if not any(isinstance(t, Tensor) and t._node is not None for t in self.inputs):
            raise RuntimeError("to_numpy(): there is no floating-point tensor among the arguments to differentiate by")
        from ..random import get_rng_state

        before = inner(get_rng_state())
        with switched(mode() | RECORD), Watch(self.see, composites=True):
            loss = self.f(*self.inputs)
        if not np.array_equal(before, inner(get_rng_state())):
            raise NotImplementedError(
                "to_numpy(): the function draws random numbers, which a program of fixed text cannot; draw them outside "
                "and pass them as an argument, or put dropout into eval mode"
            )
        if not isinstance(loss, Tensor):
            raise TypeError(f"to_numpy(): the function must return a tensor, not {type(loss).__name__}")
        if loss.numel() != 1:
            raise RuntimeError(
                f"to_numpy(): the function must return a scalar, not a tensor of shape {list(loss.shape)}"
            )
        if loss._node is None:
            raise RuntimeError("to_numpy(): the result does not depend on any floating-point argument")
        middle = len(self.events)
        grads = self.backward(loss)
        if memory.last_write > self.start and any(
            memory.changed_since(a, self.start) for k in self.keep for a in map(inner, [*flat(k)]) if a is not None
        ):
            raise NotImplementedError("to_numpy(): the function writes in place; write it out of place (y = y + 1)")
        return self.written(loss, middle, grads)

    def backward(self, loss: Tensor) -> list[Tensor | None]:
        """Run the rules on tensors, newest node first, noting their operators."""
        assert loss._node is not None
        of: dict[Node, Any] = {}
        root, output = seen_through(loss._node)
        assert root is not None
        self.seed = wrap(np.array(inner(seed_for(loss, None, True))))  # our own: the engine shares its seeds
        of[root] = Bundle({output: self.seed}) if type(loss._node) is Port else self.seed
        for node in reversed(nodes_behind([loss._node])):
            g = of.get(node)
            if g is None or type(node) is Leaf:
                continue
            self.now = node
            with switched(mode() & ~RECORD), Watch(self.see, composites=True):
                fan = len(node.parents) == 1 and type(node.parents[0]) is Fan
                hs: list[Any] = []
                for rule, saved, parent in zip(node.rules, node.revived(), node.parents, strict=True):
                    hs.append(None if rule is None or parent is None else rule(g, *saved))
                if fan:
                    hs = [(hs[0] or {}).get(i) for i in range(len(raw_parents(node)))]
                for parent, h in zip(raw_parents(node), hs, strict=True):
                    if parent is None or h is None:
                        continue
                    to, index = seen_through(parent)
                    if to is None:
                        continue
                    if type(parent) is Port and type(h) is not Bundle:
                        h = Bundle({index: h})
                    elif type(h) is Bundle and type(parent) is not Port:
                        h = next(iter(h.values()))
                    of[to] = (Bundle(of[to]) if type(h) is Bundle else of[to]) + h if to in of else h
        self.whole = {id(array): n for n, g in of.items() if (array := inner(g)) is not None}
        return [of.get(t._node) if isinstance(t, Tensor) and t._node is not None else None for t in self.inputs]

    # ---- names and arguments

    def name(self, wish: str) -> str:
        """A name that nobody has yet, like the one wished for."""
        wish = "".join(c if (c.isalnum() and ord(c) < 128) or c == "_" else "_" for c in wish).strip("_") or "t"
        if wish[0].isdigit() or keyword.iskeyword(wish):
            wish = "t" + wish
        found, i = wish, 1
        while found in self.used:
            i += 1
            found = f"{wish}{i}" if not wish[-1].isdigit() else f"{wish}_{i}"
        self.used.add(found)
        return found

    def shown(self, a: Any) -> str:
        """An argument as Python text."""
        if isinstance(a, (Tensor, np.ndarray, np.generic)):
            array = inner(a)
            found = self.names.get(id(array))
            return found if found is not None else self.constant(array)
        if isinstance(a, np.dtype):
            return f"np.dtype({a.str.lstrip('<|=')!r})"
        if isinstance(a, float) and (a != a or a in (float("inf"), float("-inf"))):
            return f"np.{'nan' if a != a else 'inf' if a > 0 else 'inf * -1'}"
        if isinstance(a, tuple):
            return "(" + ", ".join(map(self.shown, a)) + ("," if len(a) == 1 else "") + ")"
        if isinstance(a, list):
            return "[" + ", ".join(map(self.shown, a)) + "]"
        if isinstance(a, slice):
            return f"slice({a.start}, {a.stop}, {a.step})"
        if a is None or a is Ellipsis or isinstance(a, (bool, int, float, complex, str)):
            return "..." if a is Ellipsis else repr(a)
        raise NotImplementedError(f"to_numpy(): an argument of type {type(a).__name__} has no text")

    def constant(self, array: np.ndarray) -> str:
        if array.size > MOST:
            raise NotImplementedError(
                f"to_numpy(): the function uses a constant tensor of {array.size:,} elements; pass it as an argument"
            )
        self.keep.append(array)
        same = (array.dtype, array.shape, array.tobytes())
        if same in self.equal:
            name = self.names[id(array)] = self.equal[same]
            return name
        name = self.names[id(array)] = self.equal[same] = self.name(self.called.get(id(array), "const"))
        values = (
            [str(v) for v in array.ravel()] if array.dtype.kind == "f" else [repr(v) for v in array.ravel().tolist()]
        )
        values = [{"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}.get(v, v) for v in values]
        body = f"np.array([{', '.join(values)}], {array.dtype.str.lstrip('<|=')!r})"
        if array.ndim == 0:
            body = body.replace("[", "", 1).replace("]", "", 1)
        elif array.ndim > 1 or not array.size:
            body += f".reshape({array.shape})"
        self.constants.append(f"{name} = {body}")
        self.scope[name] = array
        return name

    # ---- lines

    def written(self, loss: Tensor, middle: int, grads: list[Tensor | None]) -> NumpyProgram:
        params = list(inspect.signature(self.f).parameters) if callable(self.f) else []
        arguments = []
        for i, t in enumerate(self.inputs):
            name = self.name(params[i] if i < len(params) and params[i] not in ("args", "kwargs", "self") else f"x{i}")
            arguments.append(name)
            if isinstance(t, Tensor):
                self.names[id(t._array)] = name
                self.scope[name] = t._array
                if t._node is not None:
                    self.node_names[t._node] = name
        needed = self.needed([loss, *[g for g in grads if g is not None]])
        needed -= self.constant_events()
        seed = inner(self.seed)
        seed_name = self.names[id(seed)] = self.name("d_out")
        self.scope[seed_name] = seed
        body: list[str] = ["# forward"]
        for event in self.events[:middle]:
            if id(event) in needed:
                self.line(event, body, True)
        value = self.shown(loss)
        body += ["", "# backward", f"{seed_name} = np.ones({seed.shape}, {seed.dtype.str.lstrip('<|=')!r})"]
        self.last_comment = ""
        for event in self.events[middle:]:
            if id(event) in needed:
                self.line(event, body, False)
        names = [None if g is None else self.shown(g) for g in grads]
        shown = []
        for t, n in zip(self.inputs, names, strict=True):
            floating = isinstance(t, Tensor) and t._node is not None
            shown.append(
                n if n is not None else f"np.zeros({t.shape!r})".replace("torch.Size([", "([") if floating else "None"
            )
        body.append(f"return {value}, ({', '.join(shown)}{',' if len(shown) == 1 else ''})")
        head = [
            f'"""Value and gradient of {getattr(self.f, "__name__", type(self.f).__name__)}, written by Rushlight. '
            'It needs nothing but NumPy."""', "", *sorted(self.imports), "import numpy as np", "",
        ]  # fmt: skip
        for helper in self.helpers.values():
            head += ["", helper, ""]
        head += [*self.constants, "", ""] if self.constants else [""]
        whole = "\n".join(
            [*head, f"def value_and_grad({', '.join(arguments)}):", *("    " + b if b else "" for b in body), ""]
        )
        made = NumpyProgram(whole)
        self.verify(made, self.inputs, loss, grads)
        self.verify_nearby(made)
        return made

    def needed(self, wanted: list[Any]) -> set[int]:
        """The events that the results depend on."""
        need = {id(inner(w)) for w in wanted}
        found: set[int] = set()
        for event in reversed(self.events):
            results = [inner(r) for r in flat(event.result)]
            if any(r is not None and id(r) in need for r in results):
                found.add(id(event))
                need |= {id(inner(a)) for a in flat(event.args) if inner(a) is not None}
        return found

    def constant_events(self) -> set[int]:
        """Events that no argument of the function has a part in: what they give is a constant of the program."""
        moving = {id(inner(t)) for t in [*self.inputs, self.seed] if isinstance(t, Tensor)}
        found: set[int] = set()
        for event in self.events:
            results = [r for r in map(inner, flat(event.result)) if r is not None]
            if any(id(inner(a)) in moving for a in flat(event.args)):
                moving |= {id(r) for r in results}
            elif any(id(inner(a)) in self.called for a in flat(event.args)):
                continue  # what is done to a parameter is shown, and its name with it
            elif sum(r.size for r in results) <= MOST:
                found.add(id(event))
            else:
                moving |= {id(r) for r in results}
        return found

    def line(self, event: Event, body: list[str], forward: bool) -> None:
        """Write one operator, run it, and compare."""
        op = event.op
        several = isinstance(event.result, (tuple, list))
        results = [inner(r) for r in flat(event.result)]
        if all(id(r) in self.names for r in results if r is not None):
            return  # it gave back what it got
        shown = [self.shown(a) for a in event.args]
        text = self.text(op, shown, event.args)
        called = needs(text)
        for name in called:
            exec(HEAD[name], self.scope)
            exec(IMPORTS.get(name, ""), self.scope)
        _, good = self.run(text, results, several) if text else (None, "")
        if good:
            for name in called:
                self.helpers.setdefault(name, HEAD[name])
                self.imports |= {IMPORTS[name]} if name in IMPORTS else set()
        if not good:
            text = self.by_source(op, shown)
            _, good = self.run(text, results, several)
            if not good:
                raise NotImplementedError(f"to_numpy(): {op.name} does not compute the same outside of the engine")
        if good == "cast":
            text = f"({text}).astype(np.{results[0].dtype.name})" if results[0] is not None else text
        targets = []
        for k, r in enumerate(results):
            if r is None:
                targets.append("_")
                continue
            wish = self.wish(event, r, forward) + ("" if len(results) == 1 else f"_{k}")
            name = self.names[id(r)] = self.name(wish)
            self.scope[name] = r
            targets.append(name)
        line = f"{', '.join(targets)}{',' * (several and len(targets) == 1)} = {text}"
        node = next((t._node for t in flat(event.result) if isinstance(t, Tensor) and t._node is not None), None)
        key = seen_through(node)[0] if forward and node is not None else event.node
        if forward and key is not None and len(targets) == 1:
            self.node_names.setdefault(key, targets[0])
        (self.forward_lines if forward else self.backward_lines).append((key, line))
        where = event.site() if forward else event.node.site() if event.node is not None else None
        body.append(line + self.comment(where, "" if forward else "back through "))

    def comment(self, where: callsite.Site | None, what: str) -> str:
        """The line of the program that a line of ours comes from; its text only where it changes."""
        if where is None:
            return ""
        said = f"  # {what}line {where.line}"
        if said == self.last_comment or not where.text:
            return said
        self.last_comment = said
        text = " ".join(where.text.split())
        return f"{said}: {text if len(text) <= 80 else text[:79] + '…'}"

    def wish(self, event: Event, result: Any, forward: bool) -> str:
        """What to call a result: as the program does; a gradient after what it is the gradient of."""
        if not forward:
            of = self.node_names.get(self.whole.get(id(result)), "")
            return f"d_{of}" if of else "g"
        said = lines.phrase(event.code, event.lasti)
        return said.target if said is not None and said.target else "t"

    def text(self, op: Any, shown: list[str], args: tuple[Any, ...]) -> str:
        """The line of an operator that the table has."""
        name = op.name
        atoms = [
            s if s.isidentifier() or s.replace(".", "").isdigit() or s.startswith(("(", "[")) else f"({s})"
            for s in shown
        ]
        if name in INFIX and len(shown) == 2:
            return f"{atoms[0]} {INFIX[name]} {atoms[1]}"
        if name in UNARY:
            return f"np.{UNARY[name]}({', '.join(shown)})"
        if name in FORMS and FORMS[name].__code__.co_argcount in (0, len(shown)):
            return FORMS[name](*shown)
        if name in ("select_key", "slice_key", "unsqueeze_key"):
            return f"{atoms[0]}[{key_text(args[1], self.shown)}]"
        if name == "put_key":
            return f"put({shown[0]}, {shown[1]}, np.s_[{key_text(args[2], self.shown)}])"
        if name in ("take_at", "put_at"):
            key = key_text([slice(None) if k is None else k for k in args[-1]], self.shown)
            return f"{atoms[0]}[{key}]" if name == "take_at" else f"put({shown[0]}, {shown[1]}, np.s_[{key}])"
        if name == "select_at":
            return f"{atoms[0]}[{key_text([slice(None)] * args[1] + [args[2]], str)}]"
        if name == "constant_pad":
            return pad_text(atoms[0], inner(args[0]).ndim, args[1], shown[2])
        if name in ("fft_c2c", "fft_r2c", "fft_c2r"):
            return fft_text(name, shown[0], inner(args[0]).shape, *args[1:])
        if name in ("split_equal", "split_lengths"):
            ends = np.cumsum(args[2])[:-1].tolist()
            return f"np.split({shown[0]}, {ends}, {shown[1]})"
        if name in ("sum_to", "sum_to_size"):
            return sum_to_text(args[0], args[1], shown[0])
        if name == "part" and len(args) == 5:
            cut = ", ".join([":"] * args[1] + [f"{args[2]}:{args[3]}" + (f":{args[4]}" if args[4] != 1 else "")])
            return f"{shown[0]}[{cut}]"
        return ""

    def run(self, text: str, results: list[Any], several: bool) -> tuple[Any, str]:
        """Run a line, and compare with what the engine has: 'same', 'cast' (but for the dtype) or ''."""
        try:
            with np.errstate(all="ignore"):
                got = eval(text, self.scope)
        except Exception:
            return None, ""
        made = list(got) if several else [got]
        if len(made) != len(results):
            return None, ""
        good = "same"
        for a, r in zip(made, results, strict=True):
            if r is None:
                continue
            a = np.asarray(a)
            if a.shape != r.shape or not np.allclose(a, r, rtol=1e-4, atol=1e-6, equal_nan=True):
                return None, ""
            if a.dtype != r.dtype and a.dtype.kind + r.dtype.kind not in ("iu", "ui", "ii"):
                if several:
                    return None, ""
                good = "cast"
        return got, good

    def by_source(self, op: Any, shown: list[str]) -> str:
        """A call of the operator's own body, whose source joins the program."""
        name = self.helper(op.body, op.name)
        names = list(op.parameters)
        positional = [p for p in op.positional if p in names]
        parts = [s for n, s in zip(names, shown, strict=True) if n in positional]
        parts += [f"{n}={s}" for n, s in zip(names, shown, strict=True) if n not in positional]
        return f"{name}({', '.join(parts)})"

    def helper(self, function: Any, what: str) -> str:
        """The name of a function whose source is in the program, with all that it calls."""
        key = f"{function.__module__}.{function.__qualname__}"
        name: str = "_" + function.__name__.lstrip("_")
        if key in self.helpers:
            return name
        if len(self.helpers) > 40 or name in self.scope or function.__closure__:
            raise NotImplementedError(f"to_numpy(): {what} cannot be written as plain NumPy")
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        except (OSError, SyntaxError, TypeError) as error:
            raise NotImplementedError(f"to_numpy(): there is no source of {what}") from error
        if not isinstance(tree, ast.FunctionDef):
            raise NotImplementedError(f"to_numpy(): {what} cannot be written as plain NumPy")
        tree.decorator_list, tree.returns = [], None
        tree.name = name
        if isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Constant) and len(tree.body) > 1:
            tree.body = tree.body[1:]
        arguments = tree.args
        for a in [*arguments.args, *arguments.kwonlyargs, *arguments.posonlyargs]:
            a.annotation = None
        self.helpers[key] = ""
        renames = {n: self.outside(n, function, what) for n in free_names(tree, function)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in renames:
                node.id = renames[node.id]
            if isinstance(node, ast.AnnAssign):
                node.annotation = ast.Constant(None)
        del self.helpers[key]
        self.helpers[key] = ast.unparse(tree)
        exec(self.helpers[key], self.scope)
        return name

    def outside(self, name: str, function: FunctionType, what: str) -> str:
        """What a name of the module that a function stands in becomes in the program."""
        scope = function.__globals__
        if name not in scope:
            return name  # a builtin
        value = scope[name]
        if value is np:
            return "np"
        if isinstance(value, ModuleType):
            root = value.__name__.split(".")[0]
            if root in ("math", "cmath", "builtins", "functools", "itertools", "operator"):
                line = f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")
                self.imports.add(line)
                self.scope[name] = value
                return name
        elif isinstance(value, type) and value.__module__ in ("collections.abc", "builtins"):
            self.imports.add(f"from {value.__module__} import {value.__name__}")
            self.scope[name] = value
            return name
        elif isinstance(value, FunctionType) and not hasattr(value, "op"):
            return self.helper(value, what)
        elif isinstance(value, (bool, int, float, str, tuple, np.dtype, np.ndarray, slice, type(None))):
            return self.global_constant(name, value)
        raise NotImplementedError(f"to_numpy(): {what} needs {name}, which cannot be written as plain NumPy")

    def global_constant(self, name: str, value: Any) -> str:
        shown = self.shown(value)
        if shown != name and name not in self.used:
            self.used.add(name)
            self.constants.append(f"{name} = {shown}")
            self.scope[name] = value
        return name

    def verify(self, made: NumpyProgram, inputs: Sequence[Any], loss: Tensor, grads: Sequence[Tensor | None]) -> None:
        """Run the program; raise unless it gives the engine's numbers."""
        arrays = [np.array(t._array) if isinstance(t, Tensor) else t for t in inputs]
        with np.errstate(all="ignore"):
            value, found = made(*arrays)
        pairs = [(value, loss), *[(a, g) for a, g in zip(found, grads, strict=True) if g is not None]]
        for a, b in pairs:
            b = inner(b)
            near = 1e-5 * (1 + np.abs(b[np.isfinite(b)]).max(initial=0))
            if not np.allclose(a, b, rtol=1e-4, atol=near, equal_nan=True):
                raise RuntimeError("to_numpy(): the program does not give the engine's numbers; nothing is returned")

    def verify_nearby(self, made: NumpyProgram) -> None:
        """The same at inputs a little away: what was computed outside of operators stands in the text as a constant."""
        from ..autograd import grad

        moved = [self.fresh(a) for a in self.inputs]
        for i, t in enumerate(moved):
            if isinstance(t, Tensor) and t._node is not None:
                step = 1e-3 * np.cos(np.arange(t.numel()) + i).reshape(tuple(t.shape))
                moved[i] = self.fresh(inner(t) + (step * (1 + np.abs(inner(t)))).astype(inner(t).dtype))
        wanted = [t for t in moved if isinstance(t, Tensor) and t._node is not None]
        with switched(mode() | RECORD), definitions():
            loss = self.f(*moved)
            found = iter(grad([loss], wanted, allow_unused=True) if loss._node is not None else [])
        grads = [next(found, None) if isinstance(t, Tensor) and t._node is not None else None for t in moved]
        try:
            self.verify(made, moved, loss, grads)
        except RuntimeError:
            custom = (
                [n.name() for n in nodes_behind([loss._node]) if n.op is None and type(n) is not Leaf]
                if loss._node is not None
                else []
            )
            what = f"the custom function of {custom[0]} computes" if custom else "it computes"
            raise NotImplementedError(
                "to_numpy(): at other inputs the program would give other numbers than the function: "
                f"{what} something outside of operators (in NumPy, with item() or tolist()), or takes another branch there"
            ) from None


def names_around(f: Any) -> dict[int, str]:
    """What the program calls the tensors that a function uses: parameters of modules, variables around it."""
    scope: dict[str, Any] = {}
    function = getattr(f, "__func__", f)
    if isinstance(function, FunctionType):
        scope |= {n: v for n, v in function.__globals__.items() if n in function.__code__.co_names}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                scope[name] = cell.cell_contents
            except ValueError:  # not assigned yet
                pass
    owner = getattr(f, "__self__", f)
    if hasattr(owner, "named_parameters"):
        scope["self"] = owner
    found, arrays = naming.named_tensors(None, scope)
    made = {id(tensor._array): name for name, tensor in found.values()}
    return {**arrays, **made}


def needs(text: str) -> list[str]:
    """The functions of the head that a line calls, and those that these call, first things first."""
    found: list[str] = []
    for name in re.findall(r"(?<![\w.])(\w+)\(", text):
        if name in HEAD and name not in found:
            found = [*(n for n in needs(HEAD[name].partition("\n")[2]) if n not in found), *found, name]
    return found


def fft_text(name: str, a: str, shape: Sequence[int], dim: Any, scale: str, how: Any) -> str:
    """A Fourier transform; ``how`` is the direction, whether half is kept, or the size of the result."""
    from .._ops.fft import _NAMES

    if name == "fft_c2r":
        sizes = [*[shape[d] for d in dim[:-1]], how]
        return f"np.fft.irfftn({a}, {sizes}, {dim}, {_NAMES[False, scale]!r})"
    forward = how or name == "fft_r2c"
    run = "rfftn" if name == "fft_r2c" and how else "fftn" if forward else "ifftn"
    return f"np.fft.{run}({a}, None, {dim}, {_NAMES[bool(forward), scale]!r})"


def sum_to_text(g: Any, shape: Sequence[int], shown: str) -> str:
    have = list(g.shape)
    lead = len(have) - len(shape)
    axes = [*range(lead), *[lead + i for i, n in enumerate(shape) if n == 1 and have[lead + i] != 1]]
    if not axes:
        return shown
    said = f"np.sum({shown}, axis={tuple(axes) if len(axes) > 1 else axes[0]}, keepdims=True)"
    if len(axes) == lead:
        return said.replace(", keepdims=True", "")
    return f"{said}.reshape({tuple(shape)})" if lead else said


def free_names(tree: ast.FunctionDef, function: FunctionType) -> set[str]:
    bound = {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
    bound |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    loads = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    for inside in ast.walk(tree):
        if isinstance(inside, (ast.Import, ast.ImportFrom)):
            raise NotImplementedError(f"to_numpy(): {function.__name__} imports while it runs")
    return loads - bound


def flat(values: Any) -> list[Any]:
    """The tensors and arrays among arguments or results, and in lists among them."""
    if isinstance(values, (list, tuple)):
        return [x for v in values for x in (flat(v) if isinstance(v, (list, tuple)) else [v])]
    return [values]


__all__ = ["NumpyProgram", "callsite", "diff_source", "to_numpy"]
