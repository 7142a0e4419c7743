"""``debug.nan_origin``: the first operation that made a nan or an inf, forward or backward, and what it was given.

Producers are told from carriers: an operation that was given a nan only carried it on, but one that makes a nan of an
inf (inf - inf), or one where its own element was finite, is a producer. A local derivative that is infinite where the
forward is finite (sqrt at 0) is an origin in backward.
"""

from __future__ import annotations

import textwrap
import warnings
from typing import Any

import numpy as np

from .._core import callsite, engine
from .._core.declare import FusedOp
from .._core.graph import Bundle, Node
from .picture import inner
from .scene import number, op_word, word_of
from .source import flat
from .watch import Watch

MODES = ("record", "warn", "raise", "ignore")


class Origin:
    """Where a nan or an inf came from: ``kind``, ``phase``, ``op``, ``site``, ``element``, ``inputs``, ``remedy``."""

    def __init__(
        self, phase: str, kind: str, op: str, site: callsite.Site | None, element: tuple[int, ...],
        inputs: list[tuple[str, Any]], remedy: str,
    ) -> None:  # fmt: skip
        self.phase, self.kind, self.op, self.site, self.element = phase, kind, op, site, element
        self.inputs, self.remedy = inputs, remedy
        self.carriers = 0  # how many operations only carried it on
        self.made = True  # False: it was given to the first operation that met it

    def __str__(self) -> str:
        where = f" at {self.site}" if self.site else ""
        at = f", element {self.element if len(self.element) != 1 else self.element[0]}" if self.element else ""
        given = ", ".join(f"{n} = {number(v)}" for n, v in self.inputs)
        how = "first made" if self.made else "came in from outside, first met"
        text = f"{self.kind} {how} in the {self.phase} of {self.op}{where}{at}"
        if self.site and self.site.text:
            text += f"\n    {self.site.text}"
        if given:
            text += f"\n  where {given}"
        if self.carriers:
            text += f"\n  {self.carriers} later operation{'s' * (self.carriers != 1)} only carried it on"
        if self.remedy:
            text += "\n" + textwrap.fill(f"Fix: {self.remedy}", 100, initial_indent="  ", subsequent_indent="       ")
        return text

    __repr__ = __str__


class NonFiniteError(FloatingPointError):
    """Raised by ``nan_origin(mode="raise")``; ``origin`` says where the number came from."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(str(origin))
        self.origin = origin


class nan_origin:
    """A block in which the first operation that makes a nan or an inf is found, forward and backward.

    ``mode`` says what happens at a nan: "record" (the default) notes it in ``.first`` and goes on, "warn" warns too,
    "raise" raises :class:`NonFiniteError` at once, "ignore" does nothing. ``inf`` likewise says whether an inf counts
    (it does by default). ``.origins`` has every producer, ``.first`` the first or None, ``.report()`` the text.

    >>> import rushlight as torch
    >>> x = torch.tensor([4.0, 0.0], requires_grad=True)
    >>> with torch.debug.nan_origin() as found:
    ...     torch.where(x > 1, torch.sqrt(x), 0 * x).sum().backward()
    >>> found.first.phase, found.first.op, found.first.element, found.first.inputs
    ('backward', 'sqrt', (1,), [('result', 0.0), ('gradient', 0.0)])
    """

    def __init__(self, mode: str = "record", inf: bool = True) -> None:
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(map(repr, MODES))}, not {mode!r}")
        self.mode, self.inf = mode, inf
        self.origins: list[Origin] = []
        self.operations = 0
        self.phase = "forward"
        self.brought: Origin | None = None  # the first operation that was given one, before any made one

    @property
    def first(self) -> Origin | None:
        """The first producer, or None if every number was finite."""
        return self.origins[0] if self.origins else None

    def report(self) -> str:
        """What was found, as text."""
        if not self.origins and self.brought is not None:
            return str(self.brought)
        if not self.origins:
            return f"no nan{' or inf' * self.inf} in {self.operations} operations"
        rest = len(self.origins) - 1
        return str(self.origins[0]) + (
            f"\n  and {rest} other operation{'s' * (rest != 1)} made one anew" if rest else ""
        )

    __repr__ = report

    def __enter__(self) -> nan_origin:
        self.watch = Watch(self.see)
        if self.mode != "ignore":
            self.watch.__enter__()
            self.token = engine.observers.set((*engine.observers.get(), self.observe))
        return self

    def __exit__(self, *_: Any) -> None:
        if self.mode != "ignore":
            engine.observers.reset(self.token)
            self.watch.__exit__()

    def bad(self, array: Any) -> Any:
        """Which elements are not finite (None if all are)."""
        if array is None or array.dtype.kind not in "fc" or array.size == 0:
            return None
        found = np.isnan(array) if not self.inf else ~np.isfinite(array)
        return found if found.any() else None

    def see(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        """After an operator of the forward, or one that a custom backward runs."""
        self.operations += 1
        for r in flat(result):
            if self.bad(array := inner(r)) is None:
                continue
            pairs = zip(op.parameters, args, strict=False)
            given = [(n, a) for n, arg in pairs for a in (flat(arg) if isinstance(arg, (list, tuple)) else [arg])]
            made = self.made(array, [a for _, a in given], op.family == "pointwise")
            code, lasti = callsite.here()
            element = tuple(int(i) for i in np.argwhere(self.bad(array) if made is None else made)[0])
            kind = "nan" if np.isnan(array[element]) else "inf"
            simple = op.family == "pointwise"  # elsewhere numbers are dimensions and the like
            shown = [(n, a) for n, a in given if inner(a) is not None or (simple and is_number(a))]
            inputs = inputs_at(shown, element, array.shape)
            word = word_of(op)
            origin = Origin(
                self.phase, kind, word, callsite.resolve(code, lasti), element, inputs, cure(word, kind, inputs)
            )
            if made is None:
                self.carried(origin)
            else:
                self.note(origin)
            return

    def made(self, array: Any, given: list[Any], elementwise: bool) -> Any:
        """Which elements became nan or inf here (None if all came in): those whose inputs were better."""
        wrong = self.bad(array)
        arrays = [
            np.asarray(inner(a) if inner(a) is not None else a) for a in given if is_number(a) or inner(a) is not None
        ]
        arrays = [a for a in arrays if a.dtype.kind in "fc"]
        new = wrong.copy()
        nan = np.isnan(array)
        for a in arrays:
            if elementwise:
                try:
                    bad, was_nan = np.broadcast_to(~np.isfinite(a), new.shape), np.broadcast_to(np.isnan(a), new.shape)
                except ValueError:
                    bad, was_nan = (~np.isfinite(a)).any(), np.isnan(a).any()
            else:
                bad, was_nan = (~np.isfinite(a)).any(), np.isnan(a).any()
            new &= ~np.where(nan, was_nan, bad)
        return new if new.any() else None

    def observe(self, node: Node, g: Any, run: Any) -> Any:
        """Around a node of the backward pass."""
        before, known, self.phase = self.phase, len(self.origins), "backward"
        try:
            made = run()
        finally:
            self.phase = before
        if node.hidden:
            return made
        self.operations += 1
        if len(self.origins) > known:
            return made  # an operator of a custom backward has been named
        came = [h for h in (g.values() if type(g) is Bundle else [g])]
        for h in [h for x in made for h in (x.values() if type(x) is Bundle else [x])]:
            array = inner(h)
            wrong = self.bad(array)
            if wrong is None:
                continue
            nan = bool(np.isnan(array).any())
            if any(self.bad(inner(b)) is not None and (not nan or np.isnan(inner(b)).any()) for b in came):
                self.carried(self.in_backward(node, array, wrong, came))
            else:
                self.note(self.in_backward(node, array, wrong, came))
            break
        return made

    def in_backward(self, node: Node, h: np.ndarray, wrong: np.ndarray, before: list[Any]) -> Origin:
        element = tuple(int(i) for i in np.argwhere(wrong)[0])
        kind = "nan" if np.isnan(h[element]) else "inf"
        name = op_word(node)
        inputs: list[tuple[str, Any]] = []
        if node.op is not None and not isinstance(node.op, FusedOp):
            from .formats import saved_of

            for label, value in saved_of(node):
                array = inner(value)
                found = pick(array, element, h.shape) if array is not None else None
                if found is not None:
                    inputs.append((label, found))
        g = inner(before[0]) if before else None
        found = pick(g, element, h.shape)
        if found is not None:
            inputs.append(("gradient", found))
        zero = found == 0
        remedy = (
            "the gradient that came in is 0 there (the dead branch of a where, or a mask): run backward under "
            "rl.autograd.zero_absorbing(), or make the input safe before the operation, as in "
            "sqrt(where(c, x, 1))" if zero and kind == "nan" else cure(name, kind, inputs, backward=True)
        )  # fmt: skip
        return Origin("backward", kind, name, node.site(), element, inputs, remedy)

    def carried(self, origin: Origin) -> None:
        """An operation only carried on what it was given."""
        if self.origins:
            self.origins[-1].carriers += 1
        elif self.brought is None:
            origin.made = False
            origin.remedy = "look at where these numbers come from: no operation in this block made them"
            self.brought = origin
        else:
            self.brought.carriers += 1

    def note(self, origin: Origin) -> None:
        self.origins.append(origin)
        if self.mode == "raise":
            raise NonFiniteError(origin)
        if self.mode == "warn" and len(self.origins) == 1:
            warnings.warn(str(origin), RuntimeWarning, stacklevel=2)


def pick(value: Any, element: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """The number of an input that stands at an element of the result."""
    if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
        return value
    array = inner(value)
    if array is None or array.size == 0:
        return None
    try:
        return np.broadcast_to(array, shape)[element].item()
    except ValueError:
        return array.item() if array.size == 1 else None


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def inputs_at(given: list[tuple[str, Any]], element: tuple[int, ...], shape: tuple[int, ...]) -> list[tuple[str, Any]]:
    """The numbers that inputs have at an element of the result; of an input of another form, its largest."""
    made = []
    for name, value in given:
        found = pick(value, element, shape)
        array = inner(value)
        if found is None and array is not None and array.dtype.kind in "fc" and array.size:
            with np.errstate(all="ignore"):
                size = np.where(np.isnan(array), np.inf, np.abs(array))
            name, found = f"largest of {name}", array.reshape(-1)[int(np.argmax(size))].item()
        if found is not None:
            made.append((name, found))
    return made


DIVISION = "division by 0: add a small number below, or choose with where before dividing"
OVERFLOW = "overflow: scale the numbers down, or use a wider dtype"
CURES = {
    "log": "the logarithm of 0 or less: add a small number, or use log_softmax, logsigmoid, log1p or xlogy",
    "log1p": "the logarithm of 0 or less: keep the argument above -1",
    "sqrt": "the square root of less than 0, or its slope at 0: add a small number inside",
    "div": DIVISION,
    "reciprocal": DIVISION,
    "rsqrt": "the root of 0 or less below a fraction: add a small number inside",
    "exp": "overflow: subtract the maximum first, or use softmax, logsumexp or a wider dtype",
    "linalg_vector_norm": "the norm at 0 has no slope: add a small number inside the root",
    "acos": "an argument outside of (-1, 1): clamp it a little inside",
    "asin": "an argument outside of (-1, 1): clamp it a little inside",
    "softmax": "a row of -inf alone has no softmax: leave at least one element of each row unmasked",
    "log_softmax": "a row of -inf alone has no softmax: leave at least one element of each row unmasked",
}


def cure(name: str, kind: str, inputs: list[tuple[str, Any]] = [], backward: bool = False) -> str:  # noqa: B006
    """What to do about it."""
    values = dict(inputs)
    infinite = [v for v in values.values() if v in (float("inf"), float("-inf"))]
    if name == "pow":
        base, exponent = values.get("input"), values.get("exponent")
        if base is not None and exponent is not None:
            if base == 0:
                return (
                    "0 to a negative power: add a small number to the base"
                    if not backward
                    else ("the slope of a power below 1 at 0: add a small number to the base")
                )
            if kind == "nan" and isinstance(base, float) and base < 0:
                return "a negative base with a fractional exponent: clamp the base, or take its abs"
        return OVERFLOW if kind == "inf" else "a negative base with a fractional exponent: clamp the base"
    if kind == "nan" and infinite and name in ("sub", "add", "sum"):
        return "inf - inf: find out where the inf comes from (an overflow, most often)"
    if kind == "nan" and infinite and name == "mul":
        return "0 * inf: find out where the inf comes from, or choose with where"
    if name == "div" and values.get("other", 0) != 0:
        return OVERFLOW
    return CURES.get(name, "") or (OVERFLOW if kind == "inf" else "")


__all__ = ["NonFiniteError", "Origin", "nan_origin"]
