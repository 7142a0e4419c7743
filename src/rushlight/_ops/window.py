"""The windows that ``torch`` itself has: ``hann_window`` and its kin, periodic unless told otherwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import dtypes
from .._core.tensor import Tensor
from .create import made


def length_of(name: str, window_length: int, dtype: Any) -> np.dtype:
    wanted = dtypes.default_dtype if dtype is None else dtypes.to_numpy_dtype(dtype)
    if wanted.kind not in "fc":
        raise RuntimeError(f"{name} expects floating point dtypes, got: TensorOptions(dtype={wanted.name}, device=cpu)")
    if window_length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={window_length}")
    return wanted


def shaped(n: int, periodic: bool, dtype: np.dtype, formula: Any) -> np.ndarray:
    """A window of ``n``: of one longer without its end, if it is periodic."""
    if n < 2:
        return np.ones(n, dtype)
    full = n + 1 if periodic else n
    made: np.ndarray = formula(np.arange(full, dtype=dtype), full)[:n].astype(dtype)
    return made


def hamming(n: int, periodic: bool, alpha: float, beta: float, dtype: np.dtype) -> np.ndarray:
    def formula(k: Any, full: int) -> Any:
        kind = k.dtype.type
        return np.cos(k * kind(math.pi * 2 / (full - 1))) * kind(-beta) + kind(alpha)

    return shaped(n, periodic, dtype, formula)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: Any = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``alpha - beta cos(2 pi n / N)``, N the length (or one less, if not ``periodic``).

    >>> import rushlight as torch
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    wanted = length_of("hamming_window", window_length, dtype)
    return made(hamming(window_length, periodic, alpha, beta, wanted), requires_grad, device, layout, pin_memory)


def hann_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``1/2 - 1/2 cos(2 pi n / N)``, N the length (or one less, if not ``periodic``).

    >>> import rushlight as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    wanted = length_of("hann_window", window_length, dtype)
    return made(hamming(window_length, periodic, 0.5, 0.5, wanted), requires_grad, device, layout, pin_memory)


def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A triangle from 0 to 1 and back.

    >>> import rushlight as torch
    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    wanted = length_of("bartlett_window", window_length, dtype)

    def formula(k: Any, full: int) -> Any:
        kind = k.dtype.type
        up = k * kind(2.0 / (full - 1))
        return np.where(np.arange(full) <= (full - 1) // 2, up, kind(2) - up)

    return made(shaped(window_length, periodic, wanted, formula), requires_grad, device, layout, pin_memory)


def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)``.

    >>> import rushlight as torch
    >>> torch.blackman_window(4)[2]
    tensor(1.)
    """
    wanted = length_of("blackman_window", window_length, dtype)

    def formula(k: Any, full: int) -> Any:
        kind = k.dtype.type
        angle = k * kind(math.pi / (full - 1))
        return np.cos(angle * kind(4)) * kind(0.08) - np.cos(angle * kind(2)) * kind(0.5) + kind(0.42)

    return made(shaped(window_length, periodic, wanted, formula), requires_grad, device, layout, pin_memory)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``I0(beta sqrt(1 - x^2)) / I0(beta)``, x from -1 to 1.

    >>> import rushlight as torch
    >>> torch.kaiser_window(4)[2]
    tensor(1.)
    """
    wanted = length_of("kaiser_window", window_length, dtype)

    def formula(k: Any, full: int) -> Any:
        x = 2 * k.astype(np.float64) / (full - 1) - 1
        return np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta)

    return made(shaped(window_length, periodic, wanted, formula), requires_grad, device, layout, pin_memory)
