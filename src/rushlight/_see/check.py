"""``check``: gradients by four ways that share nothing, and the operator at fault where they disagree.

Reverse mode, forward mode, central differences and (where the function is analytic) a complex step, all in float64.
On disagreement each operator of the run is tested alone, with differences of its own, and the one whose rule is wrong
is named with its line and its element; an element where the slopes from left and right differ is a kink, not a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import callsite, record
from .._core.declare import FusedOp
from .._core.graph import Node
from .._core.mode import RECORD, mode, switched
from .._core.tensor import Tensor, wrap
from .picture import edges_of, inner, pulled
from .scene import number
from .watch import Event, Watch


class Disagreement:
    """Where two ways differ: the operator (or the whole function), argument, element, both numbers, line, kink or not."""

    def __init__(self, op: str, site: callsite.Site | None, argument: str, element: tuple[int, ...],
                 rule: float, difference: float, kink: bool, at: float) -> None:  # fmt: skip
        self.op, self.site, self.argument, self.element = op, site, argument, element
        self.rule, self.difference, self.kink, self.at = rule, difference, kink, at

    def __str__(self) -> str:
        where = f" at {self.site}" if self.site else ""
        what = "a kink" if self.kink else "the rule is wrong"
        return (
            f"{self.op}{where}: towards {self.argument}, element {self.element} (= {number(self.at)}): the rule gives "
            f"{number(self.rule)}, differences give {number(self.difference)}: {what}"
        )

    __repr__ = __str__


class Check:
    """The result of :func:`check`: true if all ways agree; ``ways``, ``errors``, ``culprits``; prints as a table."""

    def __init__(self, ways: dict[str, list[np.ndarray]], errors: dict[str, float], ok: bool, culprits: list[Disagreement],
                 skipped: dict[str, str]) -> None:  # fmt: skip
        self.ways, self.errors, self.ok, self.culprits, self.skipped = ways, errors, ok, culprits, skipped

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = ["gradients agree" if self.ok else "gradients DISAGREE"]
        lines += [f"  {way:<20} differs from reverse mode by {error:.2g}" for way, error in self.errors.items()]
        lines += [f"  {way:<20} not used: {why}" for way, why in self.skipped.items()]
        lines += [f"  {c}" for c in self.culprits]
        return "\n".join(lines)

    __repr__ = __str__


def check(f: Callable[..., Tensor], *xs: Tensor, tol: float = 1e-5, step: float = 1e-6) -> Check:
    """Compare the gradient of ``f`` at ``xs`` by reverse mode, forward mode, central differences and complex step.

    Everything runs in float64. ``f`` returns a tensor (of several elements: their sum with fixed weights is checked).
    The result is true if all ways agree within ``tol`` (relative to the largest gradient); else ``culprits`` names the
    operators whose rules disagree with their own differences, and says which points are kinks.

    >>> import rushlight as torch
    >>> bool(torch.check(lambda x, y: torch.sin(x) * y, torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])))
    True
    """
    points = [doubled(x) for x in xs]
    if not any(p.dtype.is_floating_point for p in points if isinstance(p, Tensor)):
        raise TypeError("check() needs at least one floating-point tensor to differentiate by")
    places = [i for i, p in enumerate(points) if isinstance(p, Tensor) and p.dtype.is_floating_point]
    weights = weights_for(f(*points))
    value: Callable[..., Any] = lambda *args: float(np.sum(np.real(inner(f(*args)) * weights)))
    ways: dict[str, list[np.ndarray]] = {}
    skipped: dict[str, str] = {}
    ways["reverse mode"] = reverse(f, points, places, weights)
    try:
        ways["forward mode"] = forward(f, points, places, weights)
    except Exception as error:
        skipped["forward mode"] = f"{type(error).__name__}: {error}".split("\n")[0][:90]
    with switched(mode() & ~RECORD):
        ways["central differences"] = central(value, points, places, step)
        stepped = complex_step(f, points, places, weights)
    if isinstance(stepped, str):
        skipped["complex step"] = stepped
    else:
        ways["complex step"] = stepped
    scale = 1 + max((float(np.abs(g).max(initial=0)) for g in ways["reverse mode"]), default=0.0)
    errors = {
        way: max((float(np.abs(a - b).max(initial=0)) for a, b in zip(gs, ways["reverse mode"], strict=True)), default=0.0)
        for way, gs in ways.items() if way != "reverse mode"
    }  # fmt: skip
    if "complex step" in errors and errors["complex step"] > tol * scale >= errors["central differences"]:
        del errors["complex step"]  # not analytic after all (abs, maximum, norm)
        skipped["complex step"] = "the function is not analytic here"
    ok = all(e <= tol * scale for e in errors.values())
    return Check(ways, errors, ok, [] if ok else localised(f, points, tol, step), skipped)


def doubled(x: Any) -> Any:
    if isinstance(x, (np.ndarray, np.generic, float)):
        x = wrap(np.asarray(x))
    if not isinstance(x, Tensor):
        return x
    array = inner(x)
    return wrap(np.array(array, "f8") if array.dtype.kind == "f" else np.array(array))


def weights_for(result: Any) -> np.ndarray:
    if not isinstance(result, Tensor):
        raise TypeError(f"check(): the function must return a tensor, not {type(result).__name__}")
    n = result.numel()
    fixed = np.cos(np.arange(1, n + 1)) + 1.5 if n > 1 else np.ones(1)
    return np.asarray(fixed.reshape(tuple(result.shape)))


def reverse(f: Any, points: Sequence[Any], places: Sequence[int], weights: np.ndarray) -> list[np.ndarray]:
    from ..autograd import grad

    args = [wrap(np.array(p._array)).requires_grad_() if i in places else p for i, p in enumerate(points)]
    with switched(mode() | RECORD):
        out = f(*args)
        if out._node is None:
            return [np.zeros(points[i].shape) for i in places]
        found = grad([out], [args[i] for i in places], [wrap(weights.astype(inner(out).dtype))], allow_unused=True)
    return [np.zeros(points[i].shape) if g is None else np.array(inner(g)) for i, g in zip(places, found, strict=True)]


def forward(f: Any, points: Sequence[Any], places: Sequence[int], weights: np.ndarray) -> list[np.ndarray]:
    """One tangent for each element."""
    from ..func import jvp

    made = []
    for i in places:
        g = np.zeros(points[i].shape)
        for spot in np.ndindex(g.shape):
            tangent = np.zeros(g.shape)
            tangent[spot] = 1.0
            only: Callable[..., Any] = lambda x, i=i: f(*[x if k == i else p for k, p in enumerate(points)])
            _, out = jvp(only, (points[i],), (wrap(tangent),))
            g[spot] = np.sum(inner(out) * weights)
        made.append(g)
    return made


def central(value: Any, points: Sequence[Any], places: Sequence[int], step: float) -> list[np.ndarray]:
    made = []
    for i in places:
        g = np.zeros(points[i].shape)
        for spot in np.ndindex(g.shape):
            h = step * max(1.0, abs(float(points[i]._array[spot])))
            ends = []
            for side in (h, -h):
                moved = np.array(points[i]._array)
                moved[spot] += side
                ends.append(value(*[wrap(moved) if k == i else p for k, p in enumerate(points)]))
            g[spot] = (ends[0] - ends[1]) / (2 * h)
        made.append(g)
    return made


def complex_step(f: Any, points: Sequence[Any], places: Sequence[int], weights: np.ndarray) -> list[np.ndarray] | str:
    """Im f(x + ih) / h: no difference, no cancellation; a reason where the function takes no complex numbers."""
    made = []
    for i in places:
        g = np.zeros(points[i].shape)
        for spot in np.ndindex(g.shape):
            moved = points[i]._array.astype("c16")
            moved[spot] += 1e-30j
            try:
                out = inner(f(*[wrap(moved) if k == i else p for k, p in enumerate(points)]))
            except Exception as error:
                return f"{type(error).__name__}: {error}".split("\n")[0][:90]
            if out is None or out.dtype.kind != "c":
                return "the result is not complex for a complex argument"
            g[spot] = np.sum(out.imag * weights) / 1e-30
        made.append(g)
    return made


# ---- operator by operator


def run_noted(f: Any, points: Sequence[Any]) -> list[Event]:
    events: list[Event] = []
    args = [p.requires_grad_() if isinstance(p, Tensor) and p.dtype.is_floating_point else p for p in
            [wrap(np.array(inner(p))) if isinstance(p, Tensor) else p for p in points]]  # fmt: skip
    with switched(mode() | RECORD), Watch(lambda op, a, r: events.append(Event(op, a, r))):
        f(*args)
    return events


def localised(f: Any, points: Sequence[Any], tol: float, step: float) -> list[Disagreement]:
    """Each operator of a run tested alone."""
    found = []
    for event in run_noted(f, points):
        if isinstance(event.result, Tensor) and event.result._node is not None and event.result.dtype.is_floating_point:
            wrong = alone(event, tol, step)
            if wrong is not None:
                found.append(wrong)
    return found


def alone(event: Event, tol: float, step: float) -> Disagreement | None:
    """The rules of one recorded operator against differences of the operator itself."""
    node: Node = event.result._node
    op = event.op
    g = weights_for(event.result)
    try:
        with switched(mode() & ~RECORD):
            slopes = pulled(node, g.astype(inner(event.result).dtype))
    except Exception:
        return None
    worst: Disagreement | None = None
    for edge, h in zip(edges_of(node), slopes, strict=True):
        h = inner(h)
        if h is None or edge.argument not in op.parameters or edge.argument in op.lists:
            continue
        position = op.parameters.index(edge.argument)
        base = inner(event.args[position])
        if base is None or base.dtype.kind != "f" or base.size > 4096:
            continue
        for spot in np.ndindex(base.shape):
            at = float(base[spot])
            d = step * max(1.0, abs(at))
            left, middle, right = (moved_value(op, event.args, position, base, spot, s, g) for s in (-d, 0.0, d))
            slope = (right - left) / (2 * d)
            if abs(slope - h[spot]) > tol * 100 * (1 + abs(slope)):
                kink = abs((right - middle) / d - (middle - left) / d) > 1e-3 * (1 + abs(slope))
                if worst is None or (worst.kink and not kink):
                    worst = Disagreement(op.name, event.site(), edge.argument, spot, float(h[spot]), slope, kink, at)
                if not kink:
                    return worst
    return worst


def moved_value(
    op: Any, args: Sequence[Any], position: int, base: np.ndarray, spot: Any, by: float, g: np.ndarray
) -> float:
    moved = np.array(base)
    moved[spot] += by
    values = [opened(a) for a in args]
    values[position] = moved
    out = op.kernel(*values)[0] if isinstance(op, FusedOp) else record.computed(op, values)
    return float(np.sum(np.asarray(out) * g))


def opened(a: Any) -> Any:
    if isinstance(a, (list, tuple)) and any(isinstance(x, Tensor) for x in a):
        return [opened(x) for x in a]
    return inner(a) if isinstance(a, Tensor) else a


# ---- kinks


class Kink:
    """An element on a tie or at a corner: the operator, its line, the element, and the slope that is used there."""

    def __init__(self, op: str, site: callsite.Site | None, element: tuple[int, ...], slopes: tuple[float, float], used: float,
                 ) -> None:  # fmt: skip
        self.op, self.site, self.element, self.slopes, self.used = op, site, element, slopes, used

    def __repr__(self) -> str:
        where = f" at {self.site}" if self.site else ""
        left, right = map(number, self.slopes)
        return f"{self.op}{where}, element {self.element}: slopes {left} | {right}, used {number(self.used)}"


def kinks(f: Callable[..., Tensor], *xs: Tensor, step: float = 1e-6) -> list[Kink]:
    """The elements of operators' inputs that lie on kinks of ``f`` at ``xs``, and the slope that the rules use there.

    Each operator of one run in float64 is probed from the left and from the right, element by element: relu and abs at
    0, ties of max and sort, a norm at 0. Returns a list (empty where the function is smooth).

    >>> import rushlight as torch
    >>> torch.kinks(lambda x: torch.relu(x).sum(), torch.tensor([-1.0, 0.0, 2.0]))[0].element
    (1,)
    """
    made = []
    for event in run_noted(f, [doubled(x) for x in xs]):
        if (
            not isinstance(event.result, Tensor)
            or event.result._node is None
            or not event.result.dtype.is_floating_point
        ):
            continue
        node = event.result._node
        g = np.ones(tuple(event.result.shape))
        try:
            with switched(mode() & ~RECORD):
                slopes = pulled(node, g)
        except Exception:
            continue
        for edge, h in zip(edges_of(node), slopes, strict=True):
            h = inner(h)
            if h is None or edge.argument not in event.op.parameters or edge.argument in event.op.lists:
                continue
            position = event.op.parameters.index(edge.argument)
            base = inner(event.args[position])
            if base is None or base.dtype.kind != "f" or base.size > 4096:
                continue
            for spot in np.ndindex(base.shape):
                low, middle, high = (
                    moved_value(event.op, event.args, position, base, spot, s, g) for s in (-step, 0.0, step)
                )
                left, right = (middle - low) / step, (high - middle) / step
                if abs(left - right) > 1e-3 * (1 + abs(left) + abs(right)):
                    made.append(Kink(event.op.name, event.site(), spot, (left, right), float(h[spot])))
    return made


__all__ = ["Check", "Disagreement", "Kink", "check", "kinks"]
