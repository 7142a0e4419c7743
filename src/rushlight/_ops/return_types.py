"""The named results of operators that return several tensors, printed as PyTorch prints them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


def named(name: str, *fields: str) -> Any:
    """A named tuple class that prints as one of ``torch.return_types``."""
    base = namedtuple(name, fields)  # type: ignore[misc]  # noqa: PYI024

    def text(self: Any) -> str:
        return f"torch.return_types.{name}(\n" + ",\n".join(f"{f}={v!r}" for f, v in zip(fields, self, strict=True)) + ")"

    def make(cls: Any, *values: Any) -> Any:
        if len(values) == 1 and isinstance(values[0], (tuple, list)) and len(fields) > 1:
            values = tuple(values[0])
        return tuple.__new__(cls, values)

    return type(name, (base,), {"__slots__": (), "__repr__": text, "__new__": make, "__module__": "torch.return_types"})


aminmax = named("aminmax", "min", "max")
cummax = named("cummax", "values", "indices")
cummin = named("cummin", "values", "indices")
histogram = named("histogram", "hist", "bin_edges")
histogramdd = named("histogramdd", "hist", "bin_edges")
kthvalue = named("kthvalue", "values", "indices")
max = named("max", "values", "indices")  # noqa: A001 (PyTorch's name)
median = named("median", "values", "indices")
min = named("min", "values", "indices")  # noqa: A001 (PyTorch's name)
mode = named("mode", "values", "indices")
nanmedian = named("nanmedian", "values", "indices")
sort = named("sort", "values", "indices")
topk = named("topk", "values", "indices")
