"""``torch.cpu``: the one device that there is."""

from __future__ import annotations

from typing import Any


def is_available() -> bool:
    """Always True.

    >>> import rushlight as torch
    >>> torch.cpu.is_available()
    True
    """
    return True


def is_initialized() -> bool:
    """Always True."""
    return True


def device_count() -> int:
    """Always 1."""
    return 1


def current_device() -> str:
    """Always "cpu"."""
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Nothing to wait for: operations are done when they return."""


def set_device(device: Any) -> None:
    """Nothing: there is one device."""
