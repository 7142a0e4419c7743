"""The names that the caller's program has for tensors: variables, attributes, entries, parameters of modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any

from .._core import callsite
from .._core.graph import Node
from .._core.tensor import Tensor

# what no picture can show, and what would turn the text around it: controls, line breaks, halves of characters
UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]+")
MANY = 20_000  # so many tensors are looked at, then no more


def clean(text: str) -> str:
    """A name or a title in one line of characters that XML and terminals can show."""
    return UNSHOWN.sub("\ufffd", text)


def caller() -> FrameType | None:
    """The frame of the program that called us."""
    import sys

    return callsite.outside(sys._getframe(1))


Names = dict[Node, tuple[str, Tensor]]


def named_tensors(frame: FrameType | None, extra: Mapping[str, Any] | None = None) -> tuple[Names, dict[int, str]]:
    """For each node that a tensor of the frame's variables stands on: the tensor's name, and the tensor.

    Also the names of the arrays of tensors that ask for no gradient, by id.

    ``extra`` are names given by hand (a module, a dict, tensors), which win.
    """
    found: Names = {}
    arrays: dict[int, str] = {}
    scopes: list[Mapping[str, Any]] = [given(extra)]
    if frame is not None:
        scopes += [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
    for scope in scopes:
        items = [(n, v) for n, v in list(scope.items()) if not n.startswith("_")]
        # the plainest name wins: variables first, then what stands in containers and modules
        for name, value in items:
            if isinstance(value, Tensor):
                keep(found, arrays, name, value)
        for name, value in items:
            if not isinstance(value, (Tensor, ModuleType, type, str, bytes, int, float)):
                for inner, tensor in inside(name, value):
                    keep(found, arrays, inner, tensor)
                    if len(found) > MANY:
                        return found, arrays
    return found, arrays


def given(names: Any) -> dict[str, Any]:
    """Names given by hand: a dict of tensors, modules or containers, or a module for the names of its parameters."""
    if names is None:
        return {}
    if callable(getattr(type(names), "named_parameters", None)):
        return dict(names.named_parameters())
    if not isinstance(names, Mapping):
        raise TypeError(f"names must be a dict of tensors or modules, or a module, not {type(names).__name__}")
    for key in names:
        if not isinstance(key, str):
            raise TypeError(f"names must be strings, not {type(key).__name__} ({key!r})")
    return dict(names)


def keep(found: Names, arrays: dict[int, str], name: str, tensor: Tensor) -> None:
    node = tensor._node
    if tensor.level:
        return
    name = clean(name)
    if node is not None:
        found.setdefault(node, (name, tensor))
    else:
        arrays.setdefault(id(tensor._array), name)


def inside(name: str, value: Any, depth: int = 2) -> Iterator[tuple[str, Tensor]]:
    """The tensors in a container, a module or an object, with the expressions that reach them."""
    if isinstance(value, Tensor):
        yield name, value
        return
    if depth == 0:
        return
    if isinstance(value, dict):
        for key, one in list(value.items())[:1000]:
            if isinstance(one, (Tensor, dict, list, tuple)):
                yield from inside(f"{name}[{key!r}]" if isinstance(key, (str, int)) else name, one, depth - 1)
    elif isinstance(value, (list, tuple)):
        for i, one in enumerate(value[:1000]):
            if isinstance(one, (Tensor, dict, list, tuple)) or hasattr(one, "named_parameters"):
                yield from inside(f"{name}[{i}]", one, depth - 1)
    elif callable(getattr(type(value), "named_parameters", None)):
        for inner, tensor in value.named_parameters():
            yield (f"{name}.{inner}" if name != "self" else inner), tensor
    elif hasattr(value, "__dict__") and not callable(value) and type(value).__module__.split(".")[0] != "rushlight":
        for inner, one in list(vars(value).items())[:100]:
            if isinstance(one, Tensor) or hasattr(type(one), "named_parameters"):
                yield from inside(f"{name}.{inner}", one, 1)
