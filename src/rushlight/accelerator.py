"""``torch.accelerator``: there is none; programs ask, and use the CPU."""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "device_count", "empty_cache",
    "is_available", "set_device_index", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Always False."""
    return False


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""


def device_count() -> int:
    """Always 0."""
    return 0


def _none_here(*_: Any, **__: Any) -> Any:
    raise RuntimeError("Cannot access accelerator device when none is available: Rushlight computes on the CPU.")


current_device_index = current_device_idx = set_device_index = set_device_idx = current_stream = set_stream = _none_here


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError: there is no accelerator to wait for."""
    _none_here()


def empty_cache() -> None:
    """Nothing: there is no device memory."""


def memory_allocated(device: Any = None) -> int:
    """Always 0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated
