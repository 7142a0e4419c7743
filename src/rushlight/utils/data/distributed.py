"""The part of a dataset that one of several processes loads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import rushlight as rl

from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index, beginning with ``rank``, of the (shuffled) dataset.

    Args:
        dataset: with a length that does not change.
        num_replicas: number of processes; the process group's unless given.
        rank: which of them this is; the process group's unless given.
        shuffle: shuffle by ``seed + epoch``, the same in all processes.
        seed: the same in all processes.
        drop_last: shorten the data to a multiple of ``num_replicas``; else some samples come twice.

    Call :meth:`set_epoch` before each epoch, or all epochs have the same order. Raises ValueError for a
    rank out of range.

    >>> from rushlight.utils.data import DistributedSampler
    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            if not rl.distributed.is_available():
                raise RuntimeError("Requires distributed package to be available")
            num_replicas = rl.distributed.get_world_size() if num_replicas is None else num_replicas
            rank = rl.distributed.get_rank() if rank is None else rank
        assert num_replicas is not None and rank is not None
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        size = len(dataset)
        if drop_last and size % num_replicas != 0:
            size -= num_replicas  # rounded up below, this is the size rounded down
        self.num_samples = math.ceil(size / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        if self.shuffle:
            generator = rl.Generator()
            generator.manual_seed(self.seed + self.epoch)
            indices = rl.randperm(size, generator=generator).tolist()
        else:
            indices = list(range(size))
        if not self.drop_last:
            indices = indices * max(1, math.ceil(self.total_size / max(1, size)))
        indices = indices[: self.total_size]
        if len(indices) != self.total_size:
            raise AssertionError(f"Number of indices ({len(indices)}) does not match total_size ({self.total_size})")
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which with the seed gives the order."""
        self.epoch = epoch
