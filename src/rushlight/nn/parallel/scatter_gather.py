"""Batches split over devices and put together again: with the one device that is here, as they are.

>>> import rushlight as torch
>>> from rushlight.nn.parallel.scatter_gather import gather, scatter
>>> gather(scatter(torch.arange(3), ["cpu"]), "cpu")
tensor([0, 1, 2])
"""

from __future__ import annotations

from typing import Any

from ...utils._pytree import tree_map

__all__ = ["gather", "scatter", "scatter_kwargs"]


def check(devices: Any) -> None:
    """Raise where another device than the CPU, or more than one, is asked for."""
    import rushlight as rl

    named = [rl.device(d) for d in devices]
    if len(named) != 1 or named[0].type != "cpu":
        raise RuntimeError(f"scatter and gather: there is one device here, the CPU, but got {[str(d) for d in named]}")


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> list[Any]:
    """``inputs`` for each of the devices: a list of one."""
    check(target_gpus)
    return [tree_map(lambda x: x, inputs)]


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Any, dim: int = 0) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Arguments by position and by name, for each of the devices."""
    check(target_gpus)
    return (inputs,), (kwargs or {},)


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """The results of the devices put together: of one, its own."""
    check([target_device])
    if len(outputs) != 1:
        raise RuntimeError(f"gather: expected the results of one device, got {len(outputs)}")
    return outputs[0]
