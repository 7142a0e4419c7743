"""Lists of tensors by what they have in common."""

from __future__ import annotations

from typing import Any

__all__ = [
    "_get_foreach_kernels_supported_devices",
    "_get_fused_kernels_supported_devices",
    "_group_tensors_by_device_and_dtype",
]


def _group_tensors_by_device_and_dtype(tensorlistlist: Any, with_indices: bool = False) -> dict[Any, Any]:
    """Lists of equal length, cut into those whose first tensors are of one device and dtype."""
    groups: dict[Any, tuple[list[list[Any]], list[int]]] = {}
    for i, row in enumerate(
        zip(*[ts if ts else [None] * len(tensorlistlist[0]) for ts in tensorlistlist], strict=True)
    ):
        first = row[0]
        columns, places = groups.setdefault((first.device, first.dtype), ([[] for _ in tensorlistlist], []))
        for column, given, t in zip(columns, tensorlistlist, row, strict=True):
            if given:
                column.append(t)
        places.append(i)
    return {key: (columns, places if with_indices else None) for key, (columns, places) in groups.items()}


def _get_foreach_kernels_supported_devices() -> list[str]:
    """Devices other than the CPU that are quicker with lists of tensors: there are none here."""
    return []


_get_fused_kernels_supported_devices = _get_foreach_kernels_supported_devices
