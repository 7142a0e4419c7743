"""Types of TorchScript that annotations name: a number, or a list of so many."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: UP035

__all__ = ["BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "Dict", "List", "Optional", "Tuple", "Union"]


class BroadcastingListCls:
    """``BroadcastingList2[int]``: a number, or a list of two."""

    def __getitem__(self, types: Any) -> Any:
        return types


BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = BroadcastingListCls()
