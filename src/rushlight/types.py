"""``torch.types``: names for annotations."""

from __future__ import annotations

import os
from typing import IO, Any, TypeAlias

import rushlight as rl

Number: TypeAlias = int | float | bool
Device: TypeAlias = "rl.device | str | int | None"
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage: TypeAlias = Any

__all__ = ["Device", "FileLike", "Number", "Storage"]
