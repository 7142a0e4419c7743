"""``torch.func``: functions that turn functions into others, by running them on a level of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core.tensor import Tensor
from ..utils import _pytree as tree
from .base import Leveled, entered
from .forward import Forward
from .grad import Grad, pull_back
from .vmap import Batched, Vmap


def opened(transform: Any, x: Any) -> Any:
    """A result of a transform's level as a tensor of the level below."""
    return x.lower if isinstance(x, Leveled) and x.level == transform.level else x


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient of ``func``'s scalar result with respect to some of its arguments.

    >>> import rushlight as torch
    >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (found[0], found[1][1]) if has_aux else found[0]

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient and the value (and the auxiliary result) of ``func``.

    >>> import rushlight as torch
    >>> torch.func.grad_and_value(torch.cos)(torch.tensor(0.0))
    (tensor(-0.), tensor(1.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        numbers = argnums if isinstance(argnums, tuple) else (argnums,)
        with entered(Grad()) as level:
            given = list(args)
            variables: list[Any] = []
            specs = []
            for n in numbers:
                leaves, spec = tree.tree_flatten(given[n])
                own = [level.variable(x) if isinstance(x, Tensor) else x for x in leaves]
                variables += [x for x in own if isinstance(x, Tensor)]
                specs.append((spec, own))
                given[n] = tree.tree_unflatten(own, spec)
            result = func(*given, **kwargs)
            aux = None
            if has_aux:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        "grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True"
                    )
                result, aux = result
            if not isinstance(result, Tensor):
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a single tensor, got "
                    f"{type(result).__name__}"
                )
            if result.ndim:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with "
                    f"{result.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            value = opened(level, result)
            seed = level.below(lambda: value.new_ones(()))
            grads = iter(pull_back(level, [result], variables, [seed], False))
            found = []
            for spec, own in specs:
                found.append(tree.tree_unflatten([next(grads) if isinstance(x, Tensor) else None for x in own], spec))
            answer = tuple(found) if isinstance(argnums, tuple) else found[0]
            if has_aux:
                return answer, (value, tree.tree_map(lambda x: opened(level, x), aux))
            return answer, value

    return both


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of ``func`` at ``primals`` and its derivative in the direction ``tangents``.

    >>> import rushlight as torch
    >>> torch.func.jvp(torch.sin, (torch.tensor(0.0),), (torch.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    leaves, spec = tree.tree_flatten(primals)
    directions, other = tree.tree_flatten(tangents)
    if spec != other:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to have the same python structure.")
    with entered(Forward()) as level:
        duals = tree.tree_unflatten([level.dual(p, t) for p, t in zip(leaves, directions, strict=True)], spec)
        result = func(*duals)
        aux = None
        if has_aux:
            result, aux = result
        value = tree.tree_map(lambda x: opened(level, x), result)
        derivative = tree.tree_map(lambda x: tangent_or_zeros(level, x, strict), result)
        if has_aux:
            return value, derivative, tree.tree_map(lambda x: opened(level, x), aux)
        return value, derivative


def tangent_or_zeros(level: Forward, x: Any, strict: bool) -> Any:
    t = level.tangent_of(x)
    if t is None:
        if strict:
            raise RuntimeError("jvp(f, primals, tangents, strict=True): output of f is independent of the inputs.")
        from .grad import zeros_of

        return zeros_of(opened(level, x))
    return t


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable[..., Any]:
    """A function that runs ``func`` on every example of a batch at once.

    >>> import rushlight as torch
    >>> torch.func.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        from .._ops.broadcast import expand
        from .._ops.shape import movedim

        leaves, spec = tree.tree_flatten(args)
        dims = tree.tree_leaves(tree._broadcast_to_and_flatten(in_dims, spec))
        size = next(x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None)
        with entered(Vmap(size, randomness)) as level:
            own = [
                x if d is None else level.make(level.below(lambda x=x, d=d: movedim(x, d, 0)))
                for x, d in zip(leaves, dims, strict=True)
            ]
            result = func(*tree.tree_unflatten(own, spec), **kwargs)

            def close(x: Any) -> Any:
                lower = x.lower if level.is_mapped(x) else level.below(lambda: expand(x, (size, *x.shape)))
                return level.below(lambda: movedim(lower, 0, out_dims)) if out_dims else lower

            return tree.tree_map(close, result)

    return mapped


__all__ = ["Batched", "grad", "grad_and_value", "jvp", "vmap"]
