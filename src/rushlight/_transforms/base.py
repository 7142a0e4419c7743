"""What transforms have in common: a level, the tensors that live on it, and the way down to the level below.

A tensor of a transform is a subclass of Tensor, so that a program cannot tell. Its ``_array`` is what it stands for
on the level below: a tensor again. Whatever the transform computes there runs in the mode that held outside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._core import dtypes, levels, record
from .._core.mode import word
from .._core.tensor import Tensor, new


class Leveled(Tensor):
    """A tensor inside a transform."""

    __slots__ = ("level", "transform")
    level: int
    transform: Any

    @property
    def dtype(self) -> dtypes.dtype:
        found: dtypes.dtype = self._array.dtype
        return found

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def lower(self) -> Tensor:
        """The tensor of the level below that this one stands for."""
        found: Tensor = self._array
        return found

    def item(self) -> Any:
        return self.lower.item()

    def tolist(self) -> Any:
        return self.lower.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        return self.lower.numpy(force=force)

    def __bool__(self) -> bool:
        return bool(self.lower)

    def stride(self, dim: int | None = None) -> Any:
        return self.lower.stride(dim)

    def storage_offset(self) -> int:
        return self.lower.storage_offset()

    def data_ptr(self) -> int:
        return self.lower.data_ptr()

    @property
    def data(self) -> Tensor:
        return self.transform.make(self.lower.data, None)  # type: ignore[no-any-return]

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError("cannot set .data of a tensor inside a function transform; compute a new tensor instead")

    @property
    def _version(self) -> int:
        return self.lower._version

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"{type(self).__name__}(lvl={self.level}, value={self.lower!r})"


def holds_tensors(a: Any) -> bool:
    """Whether an argument is a list of tensors."""
    return isinstance(a, (list, tuple)) and any(isinstance(b, Tensor) for b in a)


class Transform:
    """One level. Subclasses say how an operator runs on it."""

    level = 0
    outer_mode = 0
    alive = False

    def opened(self, x: Any) -> Any:
        """A tensor of this level as what it stands for below; anything else as it is."""
        return x._array if isinstance(x, Leveled) and x.level == self.level else x

    def open_all(self, args: Sequence[Any]) -> list[Any]:
        return [
            [self.opened(b) for b in a] if holds_tensors(a) else a if isinstance(a, (list, tuple)) else self.opened(a)
            for a in args
        ]

    def check_alive(self) -> None:
        if not self.alive:
            raise RuntimeError(
                f"a tensor escaped from {type(self).__name__.lower()}: it was made inside a function transform that has "
                "ended, and was used after it. Return it from the transformed function instead of keeping it."
            )

    def below(self, run: Callable[..., Any], *args: Any) -> Any:
        """Run something on the level below, in the mode that holds there."""
        token = word.set(self.outer_mode)
        try:
            return run(*args)
        finally:
            word.reset(token)

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError


def level_of(x: Any) -> int:
    return x.level if isinstance(x, Tensor) else 0


@contextmanager
def entered(transform: Transform) -> Any:
    """Run the body with a transform on top of those that run."""
    with levels.running(transform):
        yield transform


def make(cls: type, lower: Any, node: Any, transform: Transform) -> Any:
    """A tensor of a transform around one of the level below."""
    t = new(cls)
    t._array = lower
    t._node = node
    t.level = transform.level
    t.transform = transform
    return t


def as_lower(x: Any) -> Tensor:
    """An array or number as a tensor."""
    if isinstance(x, Tensor):
        return x
    return record.wrap(np.asarray(x))

