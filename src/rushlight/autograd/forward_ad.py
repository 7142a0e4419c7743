"""``torch.autograd.forward_ad``: dual tensors, for a block.

A level is a transform like those of ``torch.func``; what is computed of its duals is recorded in the ordinary graph
too, so that a backward pass inside the level has tangents (forward over reverse), and tangents can be differentiated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from .._core import levels, views
from .._core.mode import CAREFUL, DEPTH, FORWARD_OFF, mode, word
from .._core.tensor import Tensor
from .._transforms.forward import Dual, DualLevel

entered: ContextVar[tuple[DualLevel, ...]] = ContextVar("rushlight dual levels", default=())


class UnpackedDualTensor(NamedTuple):
    """What ``unpack_dual`` returns: the primal, and the tangent or None."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Begin a level in which dual tensors can be made, and return its number. Only one at a time is supported.

    >>> import rushlight as torch
    >>> level = torch.autograd.forward_ad.enter_dual_level()
    >>> torch.autograd.forward_ad.exit_dual_level(level=level)
    """
    if entered.get():
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    transform = DualLevel()
    levels.running(transform).__enter__()
    entered.set((*entered.get(), transform))
    return len(entered.get()) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: its duals stand for their primals from now on."""
    open_levels = entered.get()
    if not open_levels and level is None:
        raise RuntimeError("Dual level must be a positive number.")
    if level is not None and level != len(open_levels) - 1:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    transform = open_levels[-1]
    depth = mode() >> DEPTH
    if depth != transform.level:
        raise RuntimeError(
            "Trying to exit a forward AD level inside a function transform that began in it: leave that first."
        )
    transform.alive = False
    entered.set(open_levels[:-1])
    levels.stack.set(levels.stack.get()[: depth - 1])
    m = mode() & ((1 << DEPTH) - 1) & ~CAREFUL
    word.set(m | transform.outer_mode & CAREFUL | (depth - 1) << DEPTH)  # the grad mode may have changed inside


class dual_level:
    """A block (or, as a decorator, a function) in which dual tensors can be made.

    >>> import rushlight as torch
    >>> import rushlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(torch.tensor(3.0), torch.tensor(1.0))
    ...     fwAD.unpack_dual(x * x).tangent
    tensor(6.)
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *_: Any) -> None:
        exit_dual_level()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with dual_level():
                return function(*args, **kwargs)

        return inside


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A dual tensor: a view of ``tensor`` that carries ``tangent``, of the same shape, through what is computed of it.

    Raises RuntimeError outside a level, for other shapes, and if either is dual already; ValueError for integers.

    >>> import rushlight as torch
    >>> import rushlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     fwAD.make_dual(torch.ones(2), torch.zeros(2))
    tensor([1., 1.], tangent=tensor([0., 0.]))
    """
    open_levels = entered.get()
    if not open_levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    if level is not None and level != len(open_levels) - 1:
        raise RuntimeError("Invalid level given to _make_dual")
    for given, name in ((tensor, "primal"), (tangent, "tangent")):
        if not (given.is_floating_point() or given.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {given.dtype}")
    transform = open_levels[-1]
    if is_dual(tensor, transform):
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not "
            "supported."
        )
    if is_dual(tangent, transform):
        raise RuntimeError(
            "Setting a forward grad that itself has a forward gradient at the same level0 is not supported."
        )
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )
    if max(tensor.level, tangent.level) > transform.level:
        raise RuntimeError("make_dual is not supported on tensors of a function transform that began inside the level")
    if tensor.transform is transform:
        tensor = tensor.lower
    if tangent.transform is transform:
        tangent = tangent.lower
    primal = transform.below(views.alias, tensor)
    return transform.given(primal, tangent)


def is_dual(tensor: Any, transform: DualLevel) -> bool:
    return isinstance(tensor, Dual) and tensor.transform is transform and tensor.tangent is not None


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The primal and the tangent of a dual tensor; the tangent of any other is None.

    >>> import rushlight as torch
    >>> torch.autograd.forward_ad.unpack_dual(torch.ones(2))
    UnpackedDualTensor(primal=tensor([1., 1.]), tangent=None)
    """
    if not isinstance(tensor, Tensor):
        if level is None and not entered.get():
            return UnpackedDualTensor(tensor, None)
        raise TypeError(f"_unpack_dual(): argument 'dual' (position 1) must be Tensor, not {type(tensor).__name__}")
    transform = tensor.transform
    if not isinstance(transform, DualLevel):
        return UnpackedDualTensor(tensor, None)
    dual: Any = tensor
    return UnpackedDualTensor(dual.lower, dual.tangent if transform.alive else None)


class _set_fwd_grad_enabled:
    """Whether tangents are computed: at once as a function, or for a block."""

    def __init__(self, mode: bool) -> None:
        self.before = word.get() & FORWARD_OFF
        word.set(word.get() & ~FORWARD_OFF | (0 if mode else FORWARD_OFF))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        word.set(word.get() & ~FORWARD_OFF | self.before)


def _is_fwd_grad_enabled() -> bool:
    return not word.get() & FORWARD_OFF


def __getattr__(name: str) -> Any:
    if name == "_current_level":  # of this thread or task; -1 outside of every level
        return len(entered.get()) - 1
    raise AttributeError(f"module 'torch.autograd.forward_ad' has no attribute '{name}'")


__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]
