"""``torch.utils.flop_counter``: libraries make a counter for their summaries; entering one says that nothing is counted."""

from __future__ import annotations

from typing import Any, NoReturn

from .._names_only import refusal

__all__ = ["FlopCounterMode"]


class FlopCounterMode:
    """A counter of operations that has counted none; it cannot be entered.

    >>> import rushlight as torch
    >>> from rushlight.utils.flop_counter import FlopCounterMode
    >>> FlopCounterMode(display=False).get_total_flops()
    0
    """

    def __init__(self, mods: Any = None, depth: int = 2, display: bool = True, custom_mapping: Any = None) -> None:
        self.depth, self.display = depth, display
        self.flop_counts: dict[str, dict[Any, int]] = {"Global": {}}

    def __enter__(self) -> NoReturn:
        raise refusal(
            "torch.utils.flop_counter.FlopCounterMode", "Rushlight counts no operations; torch.profiler times them"
        )

    def __exit__(self, *_: Any) -> None:
        pass

    def get_total_flops(self) -> int:
        """0: nothing was counted."""
        return 0

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """Counts by module and operator: none."""
        return dict(self.flop_counts)
