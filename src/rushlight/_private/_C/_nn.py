"""``torch._C._nn``: the functions of ``torch.nn.functional``, and how arguments of ``Module.to`` are read."""

from __future__ import annotations

from typing import Any

from ...nn import functional
from ...nn.modules.module import _parse_to as parse


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Device, dtype, non_blocking and memory format among arguments of ``Module.to``."""
    return parse(args, kwargs)


def __getattr__(name: str) -> Any:
    return getattr(functional, name)
