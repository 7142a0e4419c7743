"""SciPy's minimizers on trees of tensors and on modules: they see one flat vector, the loss sees the structure.

Gradients, Hessian-vector products and Jacobians of constraints come from autograd; SciPy computes in float64,
and each tensor keeps its own dtype.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

import rushlight as rl

from ..utils._pytree import tree_flatten, tree_unflatten

__all__ = ["scipy_minimize"]

WITHOUT_GRADIENT = frozenset({"nelder-mead", "powell", "cobyla", "cobyqa"})
WITH_PRODUCTS = frozenset({"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"})
WITH_HESSIAN = frozenset({"dogleg", "trust-exact"})


def scipy_minimize(
    loss_fn: Callable[[Any], Any],
    params: Any,
    method: str = "L-BFGS-B",
    *,
    jac: Any = True,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[[Any], Any] | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Minimize ``loss_fn(params)`` by ``scipy.optimize.minimize``.

    Args:
        loss_fn: takes what ``params`` is and returns a tensor of one element.
        params: a tree of floating-point tensors (nested lists, tuples, dicts) or a Module, whose parameters that
            require a gradient are fitted, in place.
        method: any of SciPy's.
        jac: True for the gradient by autograd; a function from a tree like ``params`` to a tree of gradients;
            None or the name of a difference scheme (``"2-point"``) for what SciPy does by itself: its steps are lost
            in float32, so give float64 tensors then.
        hessp: None lets methods that want them have exact products by autograd (dogleg and trust-exact the
            whole Hessian); a function ``(params, vector)`` of two trees that gives a tree replaces them.
        bounds: ``(low, high)`` of numbers or None for every element, or a structure like ``params`` with such a
            pair (of numbers, None or tensors) wherever it holds from there on; for a Module a dict by name.
        constraints: SciPy's dicts or a list of them, whose ``fun`` takes what ``loss_fn`` takes.
        tol, options: SciPy's.
        callback: called with the present tree (or the Module) after each iteration.

    Returns SciPy's result; its ``x`` is a new tree like ``params`` (for a Module the dict of its parameters' values,
    which it holds by then), ``jac`` one of gradients. Raises TypeError for leaves that are not floating-point
    tensors, ValueError for bounds that do not fit; what ``loss_fn`` raises goes through, and a Module then has its
    first values again.

    >>> import rushlight as torch
    >>> found = torch.optim.scipy_minimize(
    ...     lambda p: (p["a"] - 3) ** 2 + (p["b"] + p["a"]).square().sum(),
    ...     {"a": torch.tensor(0.0), "b": torch.zeros(2)},
    ... )
    >>> found.x["a"].round(decimals=3), found.x["b"].round(decimals=3)
    (tensor(3.), tensor([-3., -3.]))
    """
    try:
        optimize = importlib.import_module("scipy.optimize")
    except ImportError as error:
        raise ImportError("scipy_minimize needs SciPy: pip install 'rushlight[special]'") from error

    problem: Problem = ModuleProblem(loss_fn, params) if isinstance(params, rl.nn.Module) else Problem(loss_fn, params)
    name = method.lower() if isinstance(method, str) else ""
    how: dict[str, Any] = {"method": method, "tol": tol, "options": options}
    if jac is True:
        if name in WITHOUT_GRADIENT:
            how["fun"] = problem.value
        else:
            how["fun"], how["jac"] = problem.value_and_gradient, True
    else:
        how["fun"] = problem.value
        how["jac"] = (lambda x: problem.flat(jac(problem.argument(x)))) if callable(jac) else jac or None
    if callable(hessp):
        how["hessp"] = lambda x, v: problem.flat(hessp(problem.argument(x), problem.tree(v)))
    elif hessp is not None and hessp is not True:
        raise TypeError(f"scipy_minimize: hessp is a function of two trees, True or None, not {type(hessp).__name__}")
    elif name in WITH_PRODUCTS or hessp is True:
        how["hessp"] = problem.hessian_product
    elif name in WITH_HESSIAN:
        how["hess"] = problem.hessian
    if bounds is not None:
        how["bounds"] = bounds if isinstance(bounds, optimize.Bounds) else optimize.Bounds(*problem.bounds(bounds))
    if constraints:
        listed = [constraints] if isinstance(constraints, dict) else list(constraints)
        how["constraints"] = [problem.constraint(c) if isinstance(c, dict) else c for c in listed]
    if callback is not None:
        how["callback"] = lambda x, *_: callback(problem.argument(x))
    try:
        result = optimize.minimize(x0=problem.start(), **how)
    except BaseException:
        problem.finish(problem.start())
        raise
    problem.finish(result.x)
    result.x = problem.tree(result.x)
    if isinstance(result.get("jac"), np.ndarray) and result.jac.size == problem.size:
        result.jac = problem.tree(result.jac)
    return result


class Problem:
    """A loss of a tree as functions of one flat float64 vector."""

    def __init__(self, loss_fn: Callable[[Any], Any], params: Any) -> None:
        self.loss_fn, self.params = loss_fn, params
        self.leaves, self.spec = tree_flatten(params)
        self.prepare()

    def prepare(self) -> None:
        for leaf in self.leaves:
            if not isinstance(leaf, rl.Tensor) or not leaf.is_floating_point():
                kind = leaf.dtype if isinstance(leaf, rl.Tensor) else type(leaf).__name__
                raise TypeError(f"scipy_minimize: params must be floating-point tensors, found {kind}")
        if not self.leaves:
            raise ValueError("scipy_minimize: there are no params to fit")
        stops = np.cumsum([leaf.numel() for leaf in self.leaves]).tolist()
        self.parts = [slice(a, b) for a, b in zip([0, *stops], stops, strict=False)]
        self.size = stops[-1]
        self.first = self.flat_leaves(self.leaves)

    def start(self) -> np.ndarray:
        return self.first.copy()

    def flat_leaves(self, leaves: list[Any]) -> np.ndarray:
        return np.concatenate([leaf.detach().numpy().astype(np.float64).reshape(-1) for leaf in leaves])

    def flat(self, tree: Any) -> np.ndarray:
        return self.flat_leaves(tree_flatten(tree)[0])

    def values(self, x: np.ndarray) -> list[Any]:
        """The flat vector cut into tensors like the leaves."""
        return [
            rl.tensor(x[part].reshape(tuple(leaf.shape)), dtype=leaf.dtype)
            for part, leaf in zip(self.parts, self.leaves, strict=True)
        ]

    def tree(self, x: np.ndarray) -> Any:
        return tree_unflatten(self.values(x), self.spec)

    def argument(self, x: np.ndarray) -> Any:
        return self.tree(x)

    def recorded(self, x: np.ndarray) -> tuple[Any, list[Any]]:
        """What the loss takes, and the leaves in it that ask for a gradient."""
        leaves = [v.requires_grad_() for v in self.values(x)]
        return tree_unflatten(leaves, self.spec), leaves

    def finish(self, x: np.ndarray) -> None:
        """Nothing is to be put back: trees are made anew."""

    def loss(self, argument: Any) -> Any:
        loss = self.loss_fn(argument)
        if not isinstance(loss, rl.Tensor) or loss.numel() != 1:
            what = f"a tensor of shape {list(loss.shape)}" if isinstance(loss, rl.Tensor) else type(loss).__name__
            raise TypeError(f"scipy_minimize: loss_fn must return a tensor of one element, not {what}")
        return loss.reshape(())

    def value(self, x: np.ndarray) -> float:
        with rl.no_grad():
            return float(self.loss(self.argument(x)).item())

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        with rl.enable_grad():
            argument, leaves = self.recorded(x)
            loss = self.loss(argument)
            return float(loss.item()), self.flat_leaves(gradients(loss, leaves))

    def hessian_product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        with rl.enable_grad():
            argument, leaves = self.recorded(x)
            first = gradients(self.loss(argument), leaves, create_graph=True)
            along: Any = 0
            for g, part in zip(first, self.values(v), strict=True):
                along = along + (g * part).sum()
            return self.flat_leaves(gradients(along, leaves))

    def hessian(self, x: np.ndarray) -> np.ndarray:
        with rl.enable_grad():
            argument, leaves = self.recorded(x)
            first = gradients(self.loss(argument), leaves, create_graph=True)
            rows = [gradients(e, leaves, retain_graph=True) for g in first for e in g.reshape(-1).unbind()]
        return np.stack([self.flat_leaves(row) for row in rows])

    def constraint(self, given: dict[str, Any]) -> dict[str, Any]:
        """A constraint on trees as one on flat vectors, its Jacobian by autograd unless it brings one."""
        fun, more = given["fun"], tuple(given.get("args", ()))

        def flat_fun(x: np.ndarray) -> np.ndarray:
            with rl.no_grad():
                found = fun(self.argument(x), *more)
            return np.atleast_1d(np.asarray(found.numpy() if isinstance(found, rl.Tensor) else found, np.float64))

        def flat_jac(x: np.ndarray) -> np.ndarray:
            with rl.enable_grad():
                argument, leaves = self.recorded(x)
                elements = fun(argument, *more).reshape(-1).unbind()
                return np.stack([self.flat_leaves(gradients(e, leaves, retain_graph=True)) for e in elements])

        own = given.get("jac")
        jac = (lambda x: own(self.argument(x), *more)) if callable(own) else flat_jac
        return {"type": given["type"], "fun": flat_fun, "jac": jac}

    def bounds(self, given: Any) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of every element."""
        return self.spread(given, self.params)

    def spread(self, given: Any, tree: Any) -> tuple[np.ndarray, np.ndarray]:
        parts: list[tuple[np.ndarray, np.ndarray]]
        if isinstance(tree, rl.Tensor) or given is None or is_pair(given):
            low, high = (None, None) if given is None else pair(given)
            leaves = [tree] if isinstance(tree, rl.Tensor) else tree_flatten(tree)[0]
            parts = [(ends(low, -np.inf, leaf), ends(high, np.inf, leaf)) for leaf in leaves]
        elif isinstance(tree, dict) and isinstance(given, dict):
            if unknown := set(given) - set(tree):
                raise ValueError(f"scipy_minimize: bounds for {sorted(map(str, unknown))}, which are not in params")
            parts = [self.spread(given.get(key), value) for key, value in tree.items()]
        elif isinstance(tree, (list, tuple)) and isinstance(given, (list, tuple)) and len(tree) == len(given):
            parts = [self.spread(g, t) for g, t in zip(given, tree, strict=True)]
        else:
            raise ValueError(
                f"scipy_minimize: bounds are (low, high) or have the structure of params; found {type(given).__name__} "
                f"for {type(tree).__name__}"
            )
        lows, highs = zip(*parts, strict=True) if parts else ((), ())
        return np.concatenate([*lows, np.empty(0)]), np.concatenate([*highs, np.empty(0)])


class ModuleProblem(Problem):
    """A loss of a Module: trial values are written into its parameters."""

    def __init__(self, loss_fn: Callable[[Any], Any], module: Any) -> None:
        self.module = module
        self.live = {name: p for name, p in module.named_parameters() if p.requires_grad}
        super().__init__(loss_fn, {name: p.detach().clone() for name, p in self.live.items()})

    def argument(self, x: np.ndarray) -> Any:
        self.finish(x)
        return self.module

    def recorded(self, x: np.ndarray) -> tuple[Any, list[Any]]:
        self.finish(x)
        return self.module, [self.live[name] for name in self.params]

    def finish(self, x: np.ndarray) -> None:
        with rl.no_grad():
            for p, value in zip(self.live.values(), self.values(x), strict=True):
                p.copy_(value)


def gradients(loss: Any, leaves: list[Any], **how: bool) -> list[Any]:
    """Gradients by autograd; zeros where the loss does not depend on a leaf, or on none."""
    if not loss.requires_grad:
        return [rl.zeros_like(leaf) for leaf in leaves]
    found = rl.autograd.grad(loss, leaves, allow_unused=True, **how)
    return [rl.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)]


def is_pair(given: Any) -> bool:
    """Whether this is ``(low, high)`` of numbers or None."""
    return (
        isinstance(given, (tuple, list))
        and len(given) == 2
        and all(isinstance(e, (int, float, type(None))) for e in given)
    )


def pair(given: Any) -> tuple[Any, Any]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(f"scipy_minimize: bounds of a tensor are a pair (low, high), not {given!r}")
    return given[0], given[1]


def ends(end: Any, default: float, leaf: Any) -> np.ndarray:
    """One end of the bounds for every element of a leaf."""
    value = default if end is None else end.detach().numpy() if isinstance(end, rl.Tensor) else end
    return np.broadcast_to(np.asarray(value, np.float64), tuple(leaf.shape)).reshape(-1)
