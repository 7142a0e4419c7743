"""``torch._foreach_*``: an operator over lists of tensors, as optimizers outside of PyTorch write their steps.

Each is the operator of its name, one tensor after another. In-place ones (``_foreach_add_``) return the list
that they were given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import rushlight as rl

UNARY = (
    "abs acos asin atan ceil cos cosh erf erfc exp expm1 floor frac lgamma log log10 log1p log2 neg reciprocal round rsqrt "
    "sigmoid sign sin sinh sqrt tan tanh trunc"
)
BINARY = "add sub mul div pow clamp_max clamp_min"
BOUNDS = {"maximum": "clamp_min", "minimum": "clamp_max"}
TERNARY = "addcmul addcdiv"


def several(name: str, lists: tuple[Any, ...]) -> int:
    """How many tensors the lists hold: all of them as many, or it is an error."""
    first = lists[0]
    if not isinstance(first, (list, tuple)) or not all([isinstance(t, rl.Tensor) for t in first]):
        raise TypeError(f"{name}(): argument 'self' must be tuple of Tensors, not {type(first).__name__}")
    if not first:
        raise RuntimeError("Tensor list must have at least one tensor.")
    for other in lists[1:]:
        if isinstance(other, (list, tuple)) and len(other) != len(first):
            raise RuntimeError(f"Tensor lists must have the same number of tensors, got {len(first)} and {len(other)}")
    return len(first)


def at(x: Any, i: int) -> Any:
    """What belongs to tensor ``i``: an element of a list, or the one value for all."""
    return x[i] if isinstance(x, (list, tuple)) else x


def over_lists(name: str, function: Callable[..., Any], writes: bool) -> Callable[..., Any]:
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        count = several(name, (self, *args, *kwargs.values()))
        made = [
            function(self[i], *[at(a, i) for a in args], **{k: at(v, i) for k, v in kwargs.items()})
            for i in range(count)
        ]
        return self if writes else tuple(made)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"The operator ``{function.__name__}`` over lists of tensors."
    return run


def weighed(function: Callable[..., Any]) -> Callable[..., Any]:
    """``addcmul`` and ``addcdiv``: the factor may come by position, as a number or in a tensor."""

    def run(input: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Any:
        return function(input, tensor1, tensor2, value=value.item() if isinstance(value, rl.Tensor) else value)

    run.__name__ = function.__name__
    return run


def power(self: Any, exponent: Any) -> Any:
    """``_foreach_pow``, whose first argument may be a number."""
    if isinstance(self, (list, tuple)):
        several("_foreach_pow", (self, exponent))
        return tuple([rl.pow(t, at(exponent, i)) for i, t in enumerate(self)])
    return tuple([rl.pow(self, e) for e in exponent])


def norm(self: Any, ord: Any = 2, dtype: Any = None) -> Any:
    """The norm of each tensor."""
    several("_foreach_norm", (self,))
    return tuple([rl.linalg.vector_norm(t, ord, dtype=dtype) for t in self])


def by_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """Weights of ``addcmul`` that come as one tensor count for one list element each."""

    def run(self: Any, tensor1: Any, tensor2: Any, value: Any = 1, *, scalars: Any = None) -> Any:
        value = value if scalars is None else scalars
        if isinstance(value, rl.Tensor) and value.ndim:
            value = value.tolist()
        return function(self, tensor1, tensor2, value)

    run.__name__ = run.__qualname__ = function.__name__
    return run


@cache
def find(name: str) -> Any:
    """The function ``torch._foreach_<name>``; None if PyTorch has none."""
    whole, writes = f"_foreach_{name}", name.endswith("_")
    plain = name[:-1] if writes else name
    if whole == "_foreach_norm":
        return norm
    if whole == "_foreach_pow":
        return power
    if plain in BOUNDS:
        kind = BOUNDS[plain]
        bound: Any = getattr(rl.Tensor, kind + "_") if writes else getattr(rl, kind)
        return over_lists(whole, bound, writes)  # numbers are taken too
    method: Any = getattr(rl.Tensor, name if writes else plain, None)
    if plain in (*UNARY.split(), *BINARY.split(), "lerp"):
        function = method if writes else getattr(rl, plain)
        return over_lists(whole, function, writes)
    if plain in TERNARY.split():
        return by_value(over_lists(whole, weighed(method if writes else getattr(rl, plain)), writes))
    if name in ("copy_", "zero_", "clone", "max", "mm"):
        return over_lists(whole, method, writes)
    return None
