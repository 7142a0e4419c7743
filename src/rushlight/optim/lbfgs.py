"""L-BFGS: Newton-like directions from the last few steps and gradients (Nocedal, 1980).

The line search is that of Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6, with
cubic interpolation (3.59). All vectors are the flat concatenation of all parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rushlight as rl

from .optimizer import Optimizer, ParamsT, Tensor, _check_lr, _number, _to_scalar, _without_grad

__all__ = ["LBFGS"]

# What a step along the search direction is judged by: its size, the loss, gradient and slope there.
Point = tuple[Any, Any, Any, Any]
Evaluate = Callable[[Any], tuple[float, Any]]


def _cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points and their slopes is least, kept within ``bounds``."""
    (t1, f1, _, g1), (t2, f2, _, g2) = a, b
    lower, upper = bounds if bounds is not None else (t1, t2) if t1 <= t2 else (t2, t1)
    d1 = g1 + g2 - 3 * (f1 - f2) / (t1 - t2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (lower + upper) / 2.0
    d2 = square.sqrt()
    if t1 <= t2:
        t = t2 - (t2 - t1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        t = t1 - (t1 - t2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(t, lower), upper)


def _strong_wolfe(
    evaluate: Evaluate,
    t: Any,
    direction: Tensor,
    loss: float,
    grad: Tensor,
    slope: Tensor,
    tolerance_change: float,
    max_evaluations: int,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> tuple[float, Tensor, Any, int]:
    """A step size that lowers the loss and flattens the slope enough.

    Returns the loss and gradient there, the size, and how many evaluations it took.
    """

    def try_at(t: Any) -> Point:
        new_loss, new_grad = evaluate(t)
        return t, new_loss, new_grad, new_grad.dot(direction)

    def is_too_high(point: Point) -> bool:
        return bool(point[1] > loss + c1 * point[0] * slope)

    def is_flat(point: Point) -> bool:
        return bool(abs(point[3]) <= -c2 * slope)

    start: Point = (0, loss, grad.clone(), slope)
    previous, point = start, try_at(t)
    evaluations = 1

    # Walk on until two points enclose a good size.
    searches = 0
    while searches < max_evaluations:
        if is_too_high(point) or (searches > 1 and point[1] >= previous[1]):
            bracket = [previous, point]
            break
        if is_flat(point):
            return point[1], point[2], point[0], evaluations
        if point[3] >= 0:
            bracket = [previous, point]
            break
        t, before = point[0], previous[0]
        bounds = (t + 0.01 * (t - before), t * 10)
        t = _cubic_minimum(previous, point, bounds)
        previous, point = point, try_at(t)
        evaluations += 1
        searches += 1
    else:
        bracket = [start, point]

    return _zoom(
        bracket,
        try_at,
        is_too_high,
        is_flat,
        direction,
        tolerance_change,
        searches,
        max_evaluations,
        evaluations,
    )


def _zoom(
    bracket: list[Point],
    try_at: Callable[[Any], Point],
    is_too_high: Callable[[Point], bool],
    is_flat: Callable[[Point], bool],
    direction: Tensor,
    tolerance_change: float,
    searches: int,
    max_searches: int,
    evaluations: int,
) -> tuple[float, Tensor, Any, int]:
    """Narrow two points that enclose a good step size until one of them is good."""
    length = direction.abs().max()
    slow = False
    low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
    while searches < max_searches:
        sizes = (bracket[0][0], bracket[1][0])
        if abs(sizes[1] - sizes[0]) * length < tolerance_change:
            break
        t = _cubic_minimum(bracket[0], bracket[1])

        # A guess too near to an end twice in a row is moved inwards by a tenth of the bracket.
        margin = 0.1 * (max(sizes) - min(sizes))
        if min(max(sizes) - t, t - min(sizes)) < margin:
            if slow or t >= max(sizes) or t <= min(sizes):
                near_top = abs(t - max(sizes)) < abs(t - min(sizes))
                t = max(sizes) - margin if near_top else min(sizes) + margin
                slow = False
            else:
                slow = True
        else:
            slow = False

        point = try_at(t)
        evaluations += 1
        searches += 1
        if is_too_high(point) or point[1] >= bracket[low][1]:
            bracket[high] = point
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
            continue
        done = is_flat(point)
        if not done and point[3] * (bracket[high][0] - bracket[low][0]) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
        if done:
            break
    t, loss, grad, _ = bracket[low]
    return loss, grad, t, evaluations


class LBFGS(Optimizer):
    """Limited-memory BFGS; one step runs up to ``max_iter`` iterations and calls its closure many times.

    Args:
        params: tensors or ``(name, tensor)`` pairs; one group only.
        lr: size of a step, or its first guess with a line search.
        max_iter: most iterations of one step.
        max_eval: most calls of the closure in one step; ``max_iter * 1.25`` unless given.
        tolerance_grad: stop when no element of the gradient exceeds this.
        tolerance_change: stop when loss or parameters change by less than this.
        history_size: how many past steps shape the direction.
        line_search_fn: ``"strong_wolfe"`` or None for steps of size ``lr``.

    Needs ``history_size`` times twice the memory of the parameters. Raises ValueError for several
    groups, RuntimeError for another line search.

    >>> import rushlight as torch
    >>> p = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - 1.0) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> bool((p - 1.0).abs().max() < 1e-4)
    True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        _check_lr(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    def _gather_flat_grad(self) -> Tensor:
        """All gradients as one vector; complex ones as pairs of reals."""
        pieces = []
        for p in self._params:
            grad = rl.zeros_like(p) if p.grad is None else p.grad
            if grad.is_sparse:
                grad = grad.to_dense()
            pieces.append((rl.view_as_real(grad) if rl.is_complex(grad) else grad).reshape(-1))
        return rl.cat(pieces, 0)

    def _add_grad(self, step_size: Any, update: Tensor) -> None:
        """Move all parameters by ``step_size * update``."""
        offset = 0
        for p in self._params:
            if rl.is_complex(p):
                p = rl.view_as_real(p)
            size = p.numel()
            p.add_(update[offset : offset + size].view_as(p), alpha=_number(step_size))
            offset += size

    @_without_grad
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Run up to ``max_iter`` iterations.

        Args:
            closure: clears the gradients, computes the loss, calls ``backward`` and returns the loss.

        Returns the loss of the first call.
        """
        assert len(self.param_groups) == 1, f"Expected exactly one param_group, but got {len(self.param_groups)}"
        closure = rl.enable_grad()(closure)
        group = self.param_groups[0]
        lr, max_iter, max_eval = _to_scalar(group["lr"]), group["max_iter"], group["max_eval"]
        tolerance_grad, tolerance_change = group["tolerance_grad"], group["tolerance_change"]
        line_search = group["line_search_fn"]

        # There is one state for all; it is kept with the first parameter, so that it can be saved.
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        first_loss = closure()
        loss = float(first_loss)
        evaluations = 1
        state["func_evals"] += 1
        flat_grad = self._gather_flat_grad()
        if flat_grad.abs().max() <= tolerance_grad:
            return first_loss

        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            direction = self._direction(state, flat_grad, group["history_size"])
            if state.get("prev_flat_grad") is None:
                state["prev_flat_grad"] = flat_grad.clone()
            else:
                state["prev_flat_grad"].copy_(flat_grad)
            state["prev_loss"] = previous_loss = loss

            # The first direction is the bare gradient, whose length says nothing about the right step.
            t = min(1.0, 1.0 / flat_grad.abs().sum()) * lr if state["n_iter"] == 1 else lr
            state["t"] = t
            slope = flat_grad.dot(direction)
            if slope > -tolerance_change:
                break

            calls = 0
            if line_search is not None:
                if line_search != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                loss, flat_grad, t, calls = _strong_wolfe(
                    self._evaluator(closure, direction),
                    t,
                    direction,
                    loss,
                    flat_grad,
                    slope,
                    1e-9,
                    max_eval - evaluations,
                )
                state["t"] = t
                self._add_grad(t, direction)
            else:
                self._add_grad(t, direction)
                if iteration != max_iter:  # the loss after the last step is for the next call to ask
                    loss = float(closure())
                    flat_grad = self._gather_flat_grad()
                    calls = 1
            evaluations += calls
            state["func_evals"] += calls

            if (
                iteration == max_iter
                or evaluations >= max_eval
                or flat_grad.abs().max() <= tolerance_grad
                or direction.mul(t).abs().max() <= tolerance_change
                or abs(loss - previous_loss) < tolerance_change
            ):
                break
        return first_loss

    def _evaluator(self, closure: Callable[[], Any], direction: Tensor) -> Evaluate:
        """A function from step size to loss and gradient there, that leaves the parameters as they are."""
        start = [p.clone() for p in self._params]

        def evaluate(t: Any) -> tuple[float, Tensor]:
            self._add_grad(t, direction)
            loss = float(closure())
            flat_grad = self._gather_flat_grad()
            for p, value in zip(self._params, start, strict=True):
                p.copy_(value)
            return loss, flat_grad

        return evaluate

    @staticmethod
    def _direction(state: dict[str, Any], flat_grad: Tensor, history_size: int) -> Tensor:
        """The direction to go, by the two loops over the remembered steps; remembers the last step first."""
        if state["n_iter"] == 1:
            state["d"] = flat_grad.neg()
            state["t"] = None
            state["old_dirs"], state["old_stps"], state["ro"] = [], [], []
            state["H_diag"] = 1
            state.setdefault("prev_flat_grad", None)
            return state["d"]

        old_dirs, old_stps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y = flat_grad.sub(state["prev_flat_grad"])
        s = state["d"].mul(state["t"])
        ys = y.dot(s)
        if ys > 1e-10:
            if len(old_dirs) == history_size:
                for memory in (old_dirs, old_stps, ro):
                    memory.pop(0)
            old_dirs.append(y)
            old_stps.append(s)
            ro.append(1.0 / ys)
            state["H_diag"] = ys / y.dot(y)

        al = state.setdefault("al", [None] * history_size)
        q = flat_grad.neg()
        for i in range(len(old_dirs) - 1, -1, -1):
            al[i] = old_stps[i].dot(q) * ro[i]
            q.add_(old_dirs[i], alpha=-_number(al[i]))
        direction = rl.mul(q, state["H_diag"])
        for i in range(len(old_dirs)):
            beta = old_dirs[i].dot(direction) * ro[i]
            direction.add_(old_stps[i], alpha=_number(al[i] - beta))
        state["d"] = direction
        return direction
