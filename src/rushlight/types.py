"""``torch.types``: names for annotations."""

from __future__ import annotations

import builtins
import os
from typing import IO, Any, TypeAlias, Union

import rushlight as rl

Number: TypeAlias = int | float | bool
PyNumber: TypeAlias = int | float | bool
IntLikeType: TypeAlias = int
FloatLikeType: TypeAlias = float
BoolLikeType: TypeAlias = bool
Device: TypeAlias = Union["rl.device", str, int, None]
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage: TypeAlias = Any
Tensor = rl.Tensor

_bool, _complex, _float, _int = builtins.bool, builtins.complex, builtins.float, builtins.int
_device, _dtype, _layout = rl.device, rl.dtype, rl.layout
_size: Any = Union["rl.Size", list[int], tuple[int, ...]]
_symsize: Any = _size
_TensorOrTensors: Any = Union["rl.Tensor", list["rl.Tensor"], tuple["rl.Tensor", ...]]

__all__ = ["BoolLikeType", "Device", "FileLike", "FloatLikeType", "IntLikeType", "Number", "PyNumber", "Storage"]
