"""Padding as modules: by reflection, repetition, going round, or a constant.

``padding`` is one number for all sides, or (before, after) for each dimension, the last dimension first.
"""

from __future__ import annotations

from typing import Any

from rushlight import Tensor

from .. import functional as F
from .batchnorm import _check_dims
from .module import Module
from .utils import _ntuple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _PadNd(Module):
    """Padding of the last ``_dims`` dimensions in the mode ``_mode``."""

    __constants__ = ["padding"]
    _mode: str
    _dims: int
    padding: tuple[int, ...]

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._dims)(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        _check_dims(input, self._dims + 1, self._dims + 2)
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """Pad ``(N, C, L)`` or ``(C, L)`` with what comes from the other end.

    >>> import rushlight as torch
    >>> torch.nn.CircularPad1d(1)(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1.]])
    """

    _dims = 1


class CircularPad2d(_CircularPadNd):
    """Pad ``(N, C, H, W)`` or ``(C, H, W)`` with what comes from the other end."""

    _dims = 2


class CircularPad3d(_CircularPadNd):
    """Pad ``(N, C, D, H, W)`` or ``(C, D, H, W)`` with what comes from the other end."""

    _dims = 3


class _ConstantPadNd(_PadNd):
    __constants__ = ["padding", "value"]

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Pad the last dimension with ``value``."""

    _dims = 1


class ConstantPad2d(_ConstantPadNd):
    """Pad the last two dimensions with ``value``."""

    _dims = 2


class ConstantPad3d(_ConstantPadNd):
    """Pad the last three dimensions with ``value``."""

    _dims = 3


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Pad ``(N, C, L)`` or ``(C, L)`` with its mirror image, the edge not repeated.

    >>> import rushlight as torch
    >>> torch.nn.ReflectionPad1d(1)(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 1., 2., 3., 2.]])
    """

    _dims = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Pad ``(N, C, H, W)`` or ``(C, H, W)`` with its mirror image, the edge not repeated."""

    _dims = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Pad ``(N, C, D, H, W)`` or ``(C, D, H, W)`` with its mirror image, the edge not repeated."""

    _dims = 3


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Pad ``(N, C, L)`` or ``(C, L)`` by repeating the edge."""

    _dims = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Pad ``(N, C, H, W)`` or ``(C, H, W)`` by repeating the edge."""

    _dims = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Pad ``(N, C, D, H, W)`` or ``(C, D, H, W)`` by repeating the edge."""

    _dims = 3


class ZeroPad1d(ConstantPad1d):
    """Pad the last dimension with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pad the last two dimensions with zeros.

    >>> import rushlight as torch
    >>> torch.nn.ZeroPad2d((1, 0, 0, 1))(torch.ones(1, 1, 1))
    tensor([[[0., 1.],
             [0., 0.]]])
    """

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pad the last three dimensions with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"
