"""``torch._tensor_str``: how tensors are printed, in parts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .._core import printing

__all__ = ["_add_suffixes", "_str", "_tensor_str", "get_printoptions", "printoptions", "set_printoptions"]

get_printoptions, printoptions, set_printoptions = (
    printing.get_printoptions,
    printing.printoptions,
    printing.set_printoptions,
)


def _tensor_str(self: Any, indent: int) -> str:
    """The elements between their brackets."""
    array = self.detach().numpy()
    return printing.format_scalar(array, "") if array.ndim == 0 else printing._body(array, indent)


def _str(self: Any, *, tensor_contents: str | None = None) -> str:
    """The whole text; with ``tensor_contents`` between the brackets."""
    return str(self.__repr__(tensor_contents=tensor_contents))


def _add_suffixes(tensor_str: str, suffixes: list[str], indent: int, force_newline: bool) -> str:
    """The text with what stands behind the elements, on lines of the width that was set."""
    lines = [tensor_str]
    room = printing.get_printoptions()["linewidth"] - (len(tensor_str) - tensor_str.rfind("\n") - 1)
    for i, suffix in enumerate(suffixes):
        room -= len(suffix) + 2
        if (force_newline and i == 0) or room <= 0:
            lines.append(",\n" + " " * indent + suffix)
            room = printing.get_printoptions()["linewidth"] - indent - len(suffix)
        else:
            lines.append(", " + suffix)
    return "".join(lines) + ")"


def __getattr__(name: str) -> Any:
    if name == "PRINT_OPTS":
        return SimpleNamespace(**printing.get_printoptions())
    raise AttributeError(f"module 'torch._tensor_str' has no attribute '{name}'")
