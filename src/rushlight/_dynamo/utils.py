"""``torch._dynamo.utils``: that nothing is compiled."""

from __future__ import annotations

from typing import Any

__all__ = ["is_compile_supported"]


def is_compile_supported(device_type: Any) -> bool:
    """Always False."""
    return False
