"""The default random generator, as ``torch.random`` names its functions."""

from __future__ import annotations

from ._ops.random import (
    Generator,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)


def thread_safe_generator() -> Generator | None:
    """The generator of this worker thread of a data loader; None elsewhere, which means the default one."""
    from .utils.data import get_worker_info

    return getattr(get_worker_info(), "generator", None)


__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
    "thread_safe_generator",
]
