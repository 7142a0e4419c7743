"""``torch.cuda.amp``: the names of ``torch.amp`` for CUDA."""

from __future__ import annotations

from typing import Any

from .. import amp


class autocast(amp.autocast):
    """``torch.amp.autocast("cuda", ...)``: without a CUDA device it is off."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """``torch.amp.GradScaler("cuda", ...)``: without a CUDA device it is off."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__("cuda", *args, **options)


custom_fwd = amp.custom_fwd
custom_bwd = amp.custom_bwd
