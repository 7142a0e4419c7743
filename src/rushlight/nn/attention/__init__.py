"""Which implementation scaled dot product attention uses: there is one, so the choice is only recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import IntEnum

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """PyTorch's implementations of scaled dot product attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[dict[str, object]]:
    """Within it scaled dot product attention may use ``backends``; MATH or FLASH_ATTENTION must be among
    them.

    The others are kernels of PyTorch that are not here: a choice that leaves only them raises RuntimeError,
    as PyTorch does where it has none of those chosen.
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, "
            f"got {type(backends).__name__}"
        )
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    if SDPBackend.MATH not in chosen and SDPBackend.FLASH_ATTENTION not in chosen:
        raise RuntimeError(
            f"No available kernel. Aborting execution: of {[b.name for b in chosen]} there is none here, add MATH"
        )
    yield {}
