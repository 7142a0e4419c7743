"""``make_tensor``: random tensors of any dtype, range and layout, for tests."""

from __future__ import annotations

import math
import warnings
from typing import Any

import rushlight as torch

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64)


def limits(dtype: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The range to draw from: what was given, inside what the dtype holds."""
    if dtype is torch.bool:
        lowest: Any = 0
        highest: Any = 2
        default = (0, 2)
    elif dtype in INTEGERS:
        info = torch.iinfo(dtype)
        lowest, highest = info.min, info.max + (1 if dtype is not torch.int64 else 0)
        default = (0, 10) if not dtype.is_signed else (-9, 10)
    else:
        real = dtype.to_real() if dtype.is_complex else dtype
        finfo = torch.finfo(real)
        lowest, highest = finfo.min, finfo.max
        default = (-9, 9)
    low = default[0] if low is None else low
    high = default[1] if high is None else high
    if any(isinstance(v, float) and math.isnan(v) for v in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={low} and high={high}")
    floating = dtype.is_floating_point or dtype.is_complex
    if low == high and floating:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 and "
            "will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < lowest or low >= highest:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports "
            f"[{lowest}, {highest})"
        )
    low, high = max(low, lowest), min(high, highest)
    return (low, high) if floating else (math.ceil(low), math.ceil(high))


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Any:
    """A tensor of random numbers from ``low`` up to ``high``; by default from about -9 to 9, or 0 to 9 if unsigned.

    ``noncontiguous``: every second element of a larger one; ``exclude_zero``: zeros become the least positive number.

    >>> import rushlight as torch
    >>> torch.testing.make_tensor((2, 3), dtype=torch.int64, device="cpu", low=0, high=2).shape
    torch.Size([2, 3])
    """
    if len(shape) == 1 and isinstance(shape[0], (tuple, list, torch.Size)):
        shape = tuple(shape[0])
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    if requires_grad and (dtype in INTEGERS or dtype is torch.bool):
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got dtype={dtype}"
        )
    least, most = limits(dtype, low, high)
    size = tuple(shape)
    apart = noncontiguous and math.prod(size) > 1
    if apart:
        size = (*size[:-1], 2 * size[-1])
    if dtype is torch.bool or dtype in INTEGERS:
        made = torch.randint(least, most, size, dtype=dtype, device=device)
    else:
        made = torch.empty(size, dtype=dtype, device=device)
        parts = torch.view_as_real(made) if dtype.is_complex else made
        span = most - least
        if math.isinf(span):  # both ends far out: the span itself does not fit
            parts.uniform_(least / 2, most / 2).mul_(2)
        else:
            parts.uniform_(least, most)
    if apart:
        made = made[..., 1::2]
    elif memory_format is not None:
        made = made.clone(memory_format=memory_format)
    if exclude_zero:
        floating = dtype.is_floating_point or dtype.is_complex
        made[made == 0] = torch.finfo(dtype.to_real() if dtype.is_complex else dtype).tiny if floating else 1
    if requires_grad:
        made.requires_grad_()
    return made
