"""``torch.signal.windows``: weights that fade a stretch of a signal in and out.

Each is symmetric (``sym``), or one period of a window one longer. Formulas: Harris, "On the use of windows for
harmonic analysis with the discrete Fourier transform" (1978); Nuttall (1981).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import rushlight as torch

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann",
    "kaiser", "nuttall",
]  # fmt: skip


def _checked(name: str, M: int, dtype: Any, layout: Any) -> Any:
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not torch.strided and str(layout) != "torch.strided":
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return dtype


def _places(start: float, end: float, M: int, dtype: Any, device: Any, requires_grad: bool) -> Any:
    return torch.linspace(start, end, M, dtype=dtype, device=device, requires_grad=requires_grad)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: Any = None,
    layout: Any = torch.strided, device: Any = None, requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``exp(-|n - center| / tau)``; a center of one's own needs ``sym=False``.

    >>> import rushlight as torch
    >>> torch.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    dtype = _checked("exponential", M, dtype, layout)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if M == 0:
        return torch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    if center is None:
        center = (M if not sym and M > 1 else M - 1) / 2.0
    k = _places(-center / tau, (-center + M - 1) / tau, M, dtype, device, requires_grad)
    return torch.exp(-torch.abs(k))


def cosine(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``sin(pi (n + 1/2) / M)``: half a wave.

    >>> import rushlight as torch
    >>> torch.signal.windows.cosine(2)
    tensor([0.7071, 0.7071])
    """
    dtype = _checked("cosine", M, dtype, layout)
    if M == 0:
        return torch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    step = math.pi / (M + 1 if not sym and M > 1 else M)
    return torch.sin(_places(0.5 * step, (0.5 + M - 1) * step, M, dtype, device, requires_grad))


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``exp(-(n / std)^2 / 2)`` around the middle.

    >>> import rushlight as torch
    >>> torch.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    dtype = _checked("gaussian", M, dtype, layout)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return torch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    start = -(M if not sym and M > 1 else M - 1) / 2.0
    step = 1 / (std * math.sqrt(2))
    k = _places(start * step, (start + (M - 1)) * step, M, dtype, device, requires_grad)
    return torch.exp(-(k**2))


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``I0(beta sqrt(1 - x^2)) / I0(beta)``, x from -1 to 1 (Kaiser and Schafer 1980).

    >>> import rushlight as torch
    >>> torch.signal.windows.kaiser(3)[1]
    tensor(1.)
    """
    dtype = _checked("kaiser", M, dtype, layout)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M == 0:
        return torch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    if M == 1:
        return torch.ones((1,), dtype=dtype, device=device, requires_grad=requires_grad)
    width = torch.tensor(beta, dtype=dtype, device=device)
    start = -beta
    step = 2.0 * beta / (M if not sym else M - 1)
    end = min(beta, start + (M - 1) * step)  # rounding may not carry the root below zero
    k = _places(start, end, M, dtype, device, requires_grad)
    return torch.i0(torch.sqrt(width * width - torch.pow(k, 2))) / torch.i0(width)


def hamming(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``0.54 - 0.46 cos(2 pi n / (M - 1))``.

    >>> import rushlight as torch
    >>> torch.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``0.5 - 0.5 cos(2 pi n / (M - 1))``.

    >>> import rushlight as torch
    >>> torch.signal.windows.hann(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Three cosines: 0.42, 0.5, 0.08.

    >>> import rushlight as torch
    >>> torch.signal.windows.blackman(3)[1]
    tensor(1.0000)
    """
    _checked("blackman", M, dtype, layout)
    return general_cosine(
        M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def bartlett(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """A triangle from 0 to 1 and back.

    >>> import rushlight as torch
    >>> torch.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    dtype = _checked("bartlett", M, dtype, layout)
    if M == 0:
        return torch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    if M == 1:
        return torch.ones((1,), dtype=dtype, device=device, requires_grad=requires_grad)
    start = -1
    step = 2 / (M if not sym else M - 1)
    return 1 - torch.abs(_places(start, start + (M - 1) * step, M, dtype, device, requires_grad))


def general_cosine(
    M: Any, *, a: Iterable[float], sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``a0 - a1 cos(2 pi n / (M - 1)) + a2 cos(4 pi n / (M - 1)) - ...``.

    >>> import rushlight as torch
    >>> torch.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    dtype = _checked("general_cosine", M, dtype, layout)
    if M == 0:
        return torch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    if M == 1:
        return torch.ones((1,), dtype=dtype, device=device, requires_grad=requires_grad)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = list(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    turn = 2 * math.pi / (M if not sym else M - 1)
    k = _places(0, (M - 1) * turn, M, dtype, device, requires_grad)
    signed = torch.tensor([(-1) ** i * w for i, w in enumerate(weights)], device=device, dtype=dtype)
    i = torch.arange(len(weights), dtype=dtype, device=device)
    return (signed.unsqueeze(-1) * torch.cos(i.unsqueeze(-1) * k)).sum(0)


def general_hamming(
    M: Any, *, alpha: float = 0.54, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """``alpha - (1 - alpha) cos(2 pi n / (M - 1))``.

    >>> import rushlight as torch
    >>> torch.signal.windows.general_hamming(3, alpha=0.75)
    tensor([0.5000, 1.0000, 0.5000])
    """
    return general_cosine(
        M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def nuttall(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = torch.strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Four cosines: 0.3635819, 0.4891775, 0.1365995, 0.0106411 (Nuttall 1981).

    >>> import rushlight as torch
    >>> torch.signal.windows.nuttall(3)[1]
    tensor(1.0000)
    """
    return general_cosine(
        M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip
