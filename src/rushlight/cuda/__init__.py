"""``torch.cuda`` on a machine without one: programs ask, hear no, and go on with the CPU."""

from __future__ import annotations

from typing import Any

from .._settings import AcceleratorError, OutOfMemoryError
from . import amp, nvtx

__all__ = [
    "AcceleratorError", "CUDAGraph", "Event", "OutOfMemoryError", "Stream", "StreamContext", "amp",
    "can_device_access_peer", "current_device", "current_stream", "default_generators", "default_stream", "device",
    "device_count", "empty_cache", "get_arch_list", "get_device_capability", "get_device_name", "get_device_properties",
    "get_rng_state", "get_rng_state_all", "graph", "init", "initial_seed", "ipc_collect", "is_available",
    "is_bf16_supported", "is_current_stream_capturing", "is_initialized", "is_tf32_supported", "manual_seed",
    "manual_seed_all", "max_memory_allocated", "max_memory_cached", "max_memory_reserved", "mem_get_info",
    "memory_allocated", "memory_cached", "memory_reserved", "memory_stats", "memory_summary", "nvtx",
    "reset_max_memory_allocated", "reset_max_memory_cached", "reset_peak_memory_stats", "seed", "seed_all",
    "set_device", "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all", "set_stream", "stream",
    "synchronize", "utilization",
]  # fmt: skip

default_generators: tuple[Any, ...] = ()
has_magma = has_half = False


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


def is_tf32_supported() -> bool:
    """Always False."""
    return False


def is_current_stream_capturing() -> bool:
    """Always False."""
    return False


def get_arch_list() -> list[str]:
    """An empty list: nothing is compiled for a device."""
    return []


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing: there is no device memory."""


def memory_allocated(device: Any = None) -> int:
    """Always 0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated
memory_cached = max_memory_cached = memory_allocated
reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats


def memory_stats(device: Any = None) -> dict[str, Any]:
    """An empty dictionary: there is no device memory."""
    return {}


def get_rng_state_all() -> list[Any]:
    """An empty list: there are no devices."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Nothing: there are no devices."""


init = current_device = set_device = synchronize = get_device_name = get_device_properties = _none_here
current_stream = default_stream = get_device_capability = mem_get_info = memory_summary = _none_here
can_device_access_peer = get_rng_state = set_rng_state = initial_seed = utilization = _none_here
set_per_process_memory_fraction = _none_here


class StreamContext:
    """A block on a stream of a device; with None, which is all there can be here, it does nothing."""

    def __init__(self, stream: Any) -> None:
        if stream is not None:
            _none_here()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


def stream(stream: Any) -> StreamContext:
    """A block on a stream: see `StreamContext`."""
    return StreamContext(stream)


def set_stream(stream: Any) -> None:
    """Nothing, for None; there are no streams."""
    if stream is not None:
        _none_here()


class _Unavailable:
    def __init__(self, *args: Any, **options: Any) -> None:
        _none_here()


class Stream(_Unavailable):
    """Not here: raises AssertionError."""


class Event(_Unavailable):
    """Not here: raises AssertionError."""


class CUDAGraph(_Unavailable):
    """Not here: raises AssertionError."""


class graph(_Unavailable):
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


class device_of(device):
    """A block on the device of a tensor, which is the CPU: does nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(None)


class _Type(type):
    """The type of ``torch.cuda.FloatTensor`` and its kin: nothing is an instance, and none can be made."""

    def __instancecheck__(cls, obj: Any) -> bool:
        return False

    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled: use torch.{cls.__name__}."
        )


def __getattr__(name: str) -> Any:
    from .._settings import legacy_types

    if name in legacy_types():
        globals()[name] = made = _Type(name, (), {"__module__": "torch.cuda"})
        return made
    raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
