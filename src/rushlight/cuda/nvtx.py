"""``torch.cuda.nvtx``: marks for a profiler of devices, which is not there."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["mark", "range", "range_pop", "range_push"]


def _none_here(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError(
        "NVTX functions not installed. Are you sure you have a CUDA build? Rushlight computes on the CPU."
    )


mark = range_pop = range_push = range = _none_here
