"""``torch._C._functorch``: whether a tensor is one inside a function transform."""

from __future__ import annotations

from typing import Any

from ..._core.tensor import Tensor

__all__ = [
    "get_unwrapped", "is_batchedtensor", "is_functorch_wrapped_tensor", "is_gradtrackingtensor",
    "is_legacy_batchedtensor", "maybe_get_level",
]  # fmt: skip


def is_batchedtensor(tensor: Any) -> bool:
    """Whether ``vmap`` maps over this tensor."""
    return isinstance(tensor, Tensor) and bool(tensor.level) and hasattr(tensor.transform, "randomness")


def is_legacy_batchedtensor(tensor: Any) -> bool:
    """Always False: there is one ``vmap`` here."""
    return False


def is_gradtrackingtensor(tensor: Any) -> bool:
    """Whether this is a tensor inside ``grad`` or ``jvp``."""
    return isinstance(tensor, Tensor) and bool(tensor.level) and not hasattr(tensor.transform, "randomness")


def is_functorch_wrapped_tensor(tensor: Any) -> bool:
    """Whether this is a tensor inside a function transform."""
    return isinstance(tensor, Tensor) and bool(tensor.level)


def maybe_get_level(tensor: Any) -> int:
    """The number of the transform that a tensor is inside of; -1 for none."""
    return int(tensor.level) or -1


def get_unwrapped(tensor: Any) -> Any:
    """The tensor one transform further out."""
    return tensor.lower
