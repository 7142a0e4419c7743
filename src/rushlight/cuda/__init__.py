"""``torch.cuda`` on a machine without one: programs ask, hear no, and go on with the CPU."""

from __future__ import annotations

from typing import Any

from . import amp

__all__ = [
    "amp", "current_device", "device_count", "empty_cache", "get_device_name", "get_device_properties",
    "get_rng_state_all", "init", "ipc_collect", "is_available", "is_bf16_supported", "is_initialized",
    "manual_seed", "manual_seed_all", "max_memory_allocated", "max_memory_reserved", "memory_allocated",
    "memory_reserved", "reset_peak_memory_stats", "seed", "seed_all", "set_device", "set_rng_state_all",
    "synchronize",
]  # fmt: skip


def _none_here(*_: Any, **__: Any) -> Any:
    raise AssertionError("Torch not compiled with CUDA enabled: Rushlight computes on the CPU")


def is_available() -> bool:
    """Always False."""
    return False


def is_initialized() -> bool:
    """Always False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no device to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no device to seed."""


def seed() -> None:
    """Nothing: there is no device to seed."""


def seed_all() -> None:
    """Nothing: there is no device to seed."""


def empty_cache() -> None:
    """Nothing: there is no device memory."""


def ipc_collect() -> None:
    """Nothing: there is no device memory."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing: there is no device memory."""


def memory_allocated(device: Any = None) -> int:
    """Always 0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def get_rng_state_all() -> list[Any]:
    """An empty list: there are no devices."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Nothing: there are no devices."""


init = current_device = set_device = synchronize = get_device_name = get_device_properties = _none_here


class _Unavailable:
    def __init__(self, *args: Any, **options: Any) -> None:
        _none_here()


class Stream(_Unavailable):
    """Not here: raises AssertionError."""


class Event(_Unavailable):
    """Not here: raises AssertionError."""


class device:
    """A context manager that selects a device; with None or a negative number it does nothing."""

    def __init__(self, device: Any) -> None:
        if device is not None and not (isinstance(device, int) and device < 0):
            _none_here()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass
