"""How a linear map and its cross entropy are computed in pieces."""

from __future__ import annotations

import dataclasses
from typing import Any

import rushlight as rl

__all__ = ["LinearCrossEntropyOptions"]


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """Options of LinearCrossEntropyLoss and ``linear_cross_entropy``.

    ``batch_chunk_size``: samples that are computed at a time; ``chunking_method``: how to choose it
    otherwise, ``'auto'``, None or ``'aspect_ratio[:factor]'``; ``acc_policy``: ``'auto'``, ``'accurate'``,
    ``'balanced'`` or ``'compact'``; ``acc_dtype``: dtype of sums; ``allow_retain_graph``: let backward run
    twice.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto"):
            name, sep, factor = str(self.chunking_method).partition(":")
            valid = not sep or (factor.isdigit() and int(factor) > 0)
            if name != "aspect_ratio" or not valid:
                raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        supported = (None, rl.float16, rl.bfloat16, rl.float32, rl.float64)
        if self.acc_dtype not in supported:
            raise ValueError(
                "acc_dtype must be one of "
                "{None, torch.float16, torch.bfloat16, torch.float32, torch.float64}, "
                f"got {self.acc_dtype!r}. Pass acc_dtype=None to let the op pick automatically."
            )
