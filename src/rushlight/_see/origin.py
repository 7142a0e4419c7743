"""``debug.nan_origin``: the first operation that made a nan or an inf, forward or backward, and what it was given.

Producers are told from carriers: an operation that was given a nan only carried it on. A local derivative that is
infinite where the forward is finite (sqrt at 0) is an origin in backward.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import callsite, engine
from .._core.declare import FusedOp
from .._core.graph import Bundle, Node
from .picture import inner
from .scene import number
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

    def __str__(self) -> str:
        where = f" at {self.site}" if self.site else ""
        at = f", element {self.element if len(self.element) != 1 else self.element[0]}" if self.element else ""
        given = ", ".join(f"{n} = {number(v)}" for n, v in self.inputs)
        text = f"{self.kind} first made in the {self.phase} of {self.op}{where}{at}"
        if self.site and self.site.text:
            text += f"\n    {self.site.text}"
        if given:
            text += f"\n  where {given}"
        if self.carriers:
            text += f"\n  {self.carriers} later operation{'s' * (self.carriers != 1)} only carried it on"
        return text + (f"\n  Fix: {self.remedy}" if self.remedy else "")

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

    @property
    def first(self) -> Origin | None:
        """The first producer, or None if every number was finite."""
        return self.origins[0] if self.origins else None

    def report(self) -> str:
        """What was found, as text."""
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
        """After an operator of the forward."""
        self.operations += 1
        for r in flat(result):
            wrong = self.bad(inner(r))
            if wrong is None:
                continue
            given = [(n, inner(a)) for n, arg in zip(op.parameters, args, strict=False) for a in flat([arg])]
            if any(self.bad(a) is not None for _, a in given if a is not None):
                self.carried()
                return
            array = inner(r)
            element = tuple(int(i) for i in np.argwhere(wrong)[0])
            inputs = [(n, pick(a if a is not None else v, element, array.shape)) for (n, a), v in
                      zip(given, [x for arg in args for x in flat([arg])], strict=False)]  # fmt: skip
            inputs = [(n, v) for n, v in inputs if v is not None]
            kind = "nan" if np.isnan(array[element]) else "inf"
            code, lasti = callsite.here()
            self.note(
                Origin("forward", kind, op.name, callsite.resolve(code, lasti), element, inputs, cure(op.name, kind))
            )
            return

    def observe(self, node: Node, g: Any, run: Any) -> Any:
        """Around a node of the backward pass."""
        made = run()
        if node.hidden:
            return made
        self.operations += 1
        hs = [h for x in made for h in (x.values() if type(x) is Bundle else [x])]
        before = [h for h in (g.values() if type(g) is Bundle else [g])]
        for h in hs:
            wrong = self.bad(inner(h))
            if wrong is None:
                continue
            if any(self.bad(inner(b)) is not None for b in before):
                self.carried()
                break
            self.note(self.in_backward(node, inner(h), wrong, before))
            break
        return made

    def in_backward(self, node: Node, h: np.ndarray, wrong: np.ndarray, before: list[Any]) -> Origin:
        element = tuple(int(i) for i in np.argwhere(wrong)[0])
        kind = "nan" if np.isnan(h[element]) else "inf"
        name = node.op.name if node.op is not None else node.name()
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
            "sqrt(where(c, x, 1))" if zero and kind == "nan" else cure(name, kind)
        )  # fmt: skip
        return Origin("backward", kind, name, node.site(), element, inputs, remedy)

    def carried(self) -> None:
        if self.origins:
            self.origins[-1].carriers += 1

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


CURES = {
    "log": "the logarithm of 0 or less: add a small number, or use log_softmax, logsigmoid, log1p or xlogy",
    "sqrt": "the square root of less than 0, or its slope at 0: add a small number inside",
    "div": "division by 0: add a small number below, or choose with where before dividing",
    "reciprocal": "division by 0: add a small number below, or choose with where before dividing",
    "exp": "overflow: subtract the maximum first, or use softmax, logsumexp or a wider dtype",
    "pow": "a negative base with a fractional exponent, or 0 to a power below 1: clamp the base",
    "pow_number": "a negative base with a fractional exponent, or 0 to a power below 1: clamp the base",
    "vector_norm_of": "the norm at 0 has no slope: add a small number inside the root",
    "acos": "an argument outside of (-1, 1): clamp it a little inside",
    "asin": "an argument outside of (-1, 1): clamp it a little inside",
}


def cure(name: str, kind: str) -> str:
    """What to do about it."""
    found = CURES.get(name, "")
    if not found and kind == "inf":
        return "overflow: scale the numbers down, or use a wider dtype"
    return found


__all__ = ["NonFiniteError", "Origin", "nan_origin"]
