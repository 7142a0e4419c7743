"""``torch.xpu``: not here."""

from __future__ import annotations


def is_available() -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no device to seed."""


def empty_cache() -> None:
    """Nothing: there is no device memory."""


def synchronize() -> None:
    """Raises RuntimeError: there is no such device."""
    raise RuntimeError("XPU is not available: Rushlight computes on the CPU.")
