"""``check``: gradients by four ways that share nothing, and the operator at fault where they disagree.

Reverse mode, forward mode, central differences and (where the function is analytic) a complex step, all in float64.
On disagreement each operator of the run is tested alone, with differences of its own, and the one whose rule is wrong
is named with its line and its element; an element where the slopes from left and right differ is a kink, not a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._core import callsite, record
from .._core.declare import FusedOp
from .._core.graph import Bundle
from .._core.mode import RECORD, mode, switched
from .._core.tensor import Tensor, wrap
from .picture import edges_of, inner, pulled, seen_through
from .scene import number, word_of
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
        self.worst = worst_of(ways)  # way, argument, element, its derivative, reverse mode's

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = ["gradients agree" if self.ok else "gradients DISAGREE"]
        lines += [f"  {way:<20} differs from reverse mode by {error:.2g}" for way, error in self.errors.items()]
        lines += [f"  {way:<20} not used: {why}" for way, why in self.skipped.items()]
        lines += [f"  {c}" for c in self.culprits]
        if not self.ok and self.worst is not None:
            way, i, spot, found, ours = self.worst
            lines.append(
                f"  most of all at argument {i}, element {spot}: reverse mode {number(ours)}, {way} {number(found)}"
            )
        if not self.ok and not self.culprits:
            lines.append(
                "  every operator alone agrees with its own differences: part of the dependence is not recorded (detach, "
                "no_grad, .data, item(), NumPy), or the function is not the same each time (random numbers, state)"
            )
        return "\n".join(lines)

    __repr__ = __str__


def worst_of(ways: dict[str, list[np.ndarray]]) -> tuple[str, int, tuple[int, ...], float, float] | None:
    """Where another way is farthest from reverse mode."""
    found = None
    most = 0.0
    for way, gs in ways.items():
        for i, (a, b) in enumerate(zip(gs, ways["reverse mode"], strict=True)):
            gap = np.abs(a - b)
            gap = np.where(np.isnan(gap), np.inf, gap)
            if gap.size and gap.max() > most:
                most = float(gap.max())
                spot = tuple(int(k) for k in np.unravel_index(int(np.argmax(gap)), gap.shape))
                found = way, i, spot, float(a[spot]), float(b[spot])
    return found


def check(f: Callable[..., Tensor], *xs: Tensor, tol: float = 1e-5, step: float = 1e-6) -> Check:
    """Compare the gradient of ``f`` at ``xs`` by reverse mode, forward mode, central differences and complex step.

    Everything runs in float64. ``f`` returns a tensor (of several elements: their sum with fixed weights is checked).
    The result is true if all ways agree within ``tol`` (relative to the largest gradient); else ``culprits`` names the
    operators whose rules disagree with their own differences, and says which points are kinks.

    >>> import rushlight as torch
    >>> bool(torch.check(lambda x, y: torch.sin(x) * y, torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])))
    True
    """
    f, points = prepared("check", f, xs)
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


def prepared(what: str, f: Any, xs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The function and its arguments in float64; a module is copied."""
    if not callable(f):
        raise TypeError(f"{what}() takes a function and the tensors to differentiate by, not {type(f).__name__}")
    points = [doubled(x) for x in xs]
    tensors = [p for p in points if isinstance(p, Tensor)]
    if any(t.dtype.is_complex for t in tensors):
        raise TypeError(
            f"{what}() takes real tensors; give a complex one as its real and imaginary parts, and put them together with "
            "torch.complex in the function"
        )
    if not any(t.dtype.is_floating_point for t in tensors):
        raise TypeError(f"{what}() needs at least one floating-point tensor to differentiate by")
    if callable(getattr(type(f), "named_parameters", None)):
        import copy

        f = copy.deepcopy(f).double()
    return f, points


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
                args = [
                    wrap(moved if k == i else p._array.astype("c16")) if k in places else p
                    for k, p in enumerate(points)
                ]
                out = inner(f(*args))
            except Exception as error:
                return f"{type(error).__name__}: {error}".split("\n")[0][:90]
            if out is None or out.dtype.kind != "c":
                return "the result is not complex for a complex argument"
            g[spot] = np.sum(out.imag * weights) / 1e-30
        made.append(g)
    return made


# ---- operator by operator


def run_noted(f: Any, points: Sequence[Any], custom: list[Any] | None = None) -> list[Event]:
    """The operators of a run; ``custom`` takes down its custom functions."""
    events: list[Event] = []
    args = [p.requires_grad_() if isinstance(p, Tensor) and p.dtype.is_floating_point else p for p in
            [wrap(np.array(inner(p))) if isinstance(p, Tensor) else p for p in points]]  # fmt: skip
    token = record.applied.set(custom)
    try:
        with switched(mode() | RECORD), Watch(lambda op, a, r: events.append(Event(op, a, r))):
            f(*args)
    finally:
        record.applied.reset(token)
    return events


def localised(f: Any, points: Sequence[Any], tol: float, step: float) -> list[Disagreement]:
    """Each operator of a run tested alone."""
    found = []
    custom: list[Any] = []
    events = run_noted(f, points, custom)
    for cls, args, made in custom:
        wrong = custom_alone(cls, args, made, tol, step)
        if wrong is not None:
            found.append(wrong)
    for event in events:
        wrong = alone(event, tol, step)
        if wrong is not None:
            found.append(wrong)
    return found


def probes(event: Event, weigh: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """For each input of one recorded operator: its name, its values, what the rules give, and its value when moved.

    The results are added up with the weights that ``weigh`` gives for each.
    """
    op = event.op
    results = event.result if isinstance(event.result, (tuple, list)) else [event.result]
    weights = {k: weigh(r) for k, r in enumerate(results)
               if isinstance(r, Tensor) and r._node is not None and r.dtype.is_floating_point}  # fmt: skip
    node = next((seen_through(results[k]._node)[0] for k in weights), None)
    if node is None or node.op is not op:
        return
    gs = {k: w.astype(inner(results[k]).dtype) for k, w in weights.items()}
    try:
        with switched(mode() & ~RECORD):
            slopes = pulled(node, gs[0] if node.width is None else Bundle(gs))
    except Exception:
        return
    for edge, h in zip(edges_of(node), slopes, strict=True):
        h = inner(h)
        if h is None or edge.argument not in op.parameters or edge.argument in op.lists:
            continue
        position = op.parameters.index(edge.argument)
        base = inner(event.args[position])
        if base is None or base.dtype.kind != "f" or base.size > 4096:
            continue
        values = [opened(a) for a in event.args]

        def moved(spot: Any, by: float, position: int = position, base: Any = base, values: Any = values) -> float:
            array = np.array(base)
            array[spot] += by
            given = [array if k == position else v for k, v in enumerate(values)]
            made = op.kernel(*given)[0] if isinstance(op, FusedOp) else record.computed(op, given)
            outs = made if isinstance(made, (tuple, list)) else [made]
            return sum(float(np.sum(np.asarray(outs[k]) * w)) for k, w in weights.items())

        yield edge.argument, base, h, moved


def alone(event: Event, tol: float, step: float) -> Disagreement | None:
    """The rules of one recorded operator against differences of the operator itself."""
    worst: Disagreement | None = None
    for argument, base, h, moved in probes(event, weights_for):
        for spot in np.ndindex(base.shape):
            at = float(base[spot])
            d = step * max(1.0, abs(at))
            left, middle, right = (moved(spot, s) for s in (-d, 0.0, d))
            slope = (right - left) / (2 * d)
            if abs(slope - h[spot]) > tol * 100 * (1 + abs(slope)):
                kink = abs((right - middle) / d - (middle - left) / d) > 1e-3 * (1 + abs(slope))
                if worst is None or (worst.kink and not kink):
                    worst = Disagreement(
                        word_of(event.op), event.site(), argument, spot, float(h[spot]), slope, kink, at
                    )
                if not kink:
                    return worst
    return worst


def custom_alone(cls: Any, args: Sequence[Any], made: Sequence[Any], tol: float, step: float) -> Disagreement | None:
    """The backward of a custom function against differences of its forward."""
    import inspect

    from ..autograd import grad

    places = [
        i for i, a in enumerate(args) if isinstance(a, Tensor) and a._node is not None and a.dtype.is_floating_point
    ]
    outs = [
        k for k, t in enumerate(made) if isinstance(t, Tensor) and t._node is not None and t.dtype.is_floating_point
    ]
    if not places or not outs:
        return None
    weights = {k: weights_for(made[k]) for k in outs}
    names = list(inspect.signature(cls.forward).parameters)[-len(args) :]
    fresh = [wrap(np.array(inner(a))).requires_grad_() if i in places else a for i, a in enumerate(args)]

    def run(values: Sequence[Any]) -> Any:
        result = cls.apply(*values)
        return result if isinstance(result, tuple) else (result,)

    def moved(i: int, spot: tuple[int, ...], by: float) -> float:
        array = np.array(inner(args[i]))
        array[spot] += by
        with switched(mode() & ~RECORD):
            result = run([wrap(array) if k == i else a for k, a in enumerate(args)])
        return sum(float(np.sum(inner(result[k]) * weights[k])) for k in outs)

    with switched(mode() | RECORD):
        result = run(fresh)
        try:
            slopes = grad([result[k] for k in outs], [fresh[i] for i in places],
                          [wrap(weights[k].astype(inner(made[k]).dtype)) for k in outs], allow_unused=True)  # fmt: skip
        except Exception:
            return None
    for i, slope in zip(places, slopes, strict=True):
        rule = np.zeros(tuple(args[i].shape)) if slope is None else inner(slope)
        for spot in np.ndindex(rule.shape):
            at = float(inner(args[i])[spot])
            d = step * max(1.0, abs(at))
            left, middle, right = (moved(i, spot, s) for s in (-d, 0.0, d))
            found = (right - left) / (2 * d)
            if abs(found - rule[spot]) > tol * 100 * (1 + abs(found)):
                kink = abs((right - middle) / d - (middle - left) / d) > 1e-3 * (1 + abs(found))
                node = made[outs[0]]._node
                site = (seen_through(node)[0] or node).site()
                return Disagreement(cls.__name__, site, names[i], spot, float(rule[spot]), found, kink, at)
    return None


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
    f, points = prepared("kinks", f, xs)
    for event in run_noted(f, points):
        for _, base, h, moved in probes(event, lambda r: np.ones(tuple(r.shape))):
            for spot in np.ndindex(base.shape):
                low, middle, high = (moved(spot, s) for s in (-step, 0.0, step))
                left, right = (middle - low) / step, (high - middle) / step
                if abs(left - right) > 1e-3 * (1 + abs(left) + abs(right)):
                    made.append(Kink(word_of(event.op), event.site(), spot, (left, right), float(h[spot])))
    return made or kinks_of_whole(f, points, step)


def kinks_of_whole(f: Any, points: Sequence[Any], step: float) -> list[Kink]:
    """Kinks that no operator has: where the function itself takes another branch, or ``where`` another side."""
    places = [i for i, p in enumerate(points) if isinstance(p, Tensor) and p.dtype.is_floating_point]
    out = f(*points)
    if not isinstance(out, Tensor):
        raise TypeError(f"kinks(): the function must return a tensor, not {type(out).__name__}")
    ones = np.ones(tuple(out.shape))
    made = []
    for i, slopes in zip(places, reverse(f, points, places, ones), strict=True):
        for spot in np.ndindex(slopes.shape):
            values = []
            for by in (-step, 0.0, step):
                array = np.array(points[i]._array)
                array[spot] += by
                with switched(mode() & ~RECORD):
                    values.append(
                        float(np.sum(inner(f(*[wrap(array) if k == i else p for k, p in enumerate(points)]))))
                    )
            left, right = (values[1] - values[0]) / step, (values[2] - values[1]) / step
            if abs(left - right) > 1e-3 * (1 + abs(left) + abs(right)):
                made.append(Kink(f"argument {i} of the function", None, spot, (left, right), float(slopes[spot])))
    return made


__all__ = ["Check", "Disagreement", "Kink", "check", "kinks"]
