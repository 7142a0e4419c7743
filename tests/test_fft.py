"""Fourier transforms beyond the rows: definitions, round trips, precision, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch

F = torch.fft


def signal(*shape: int, dtype: Any = "f8") -> Any:
    r = np.random.default_rng(0)
    x = r.normal(size=shape)
    return torch.tensor((x + 1j * r.normal(size=shape) if np.dtype(dtype).kind == "c" else x).astype(dtype))


def test_definition() -> None:
    x = signal(7, dtype="c16")
    k = torch.arange(7, dtype=torch.float64)
    waves = torch.exp(-2j * np.pi * torch.outer(k, k) / 7)
    torch.testing.assert_close(F.fft(x), waves @ x)
    torch.testing.assert_close(F.rfft(x.real), (waves @ x.real.to(waves.dtype))[:4])


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [6, 7])
def test_round_trips(n: int, norm: str | None) -> None:
    x, c = signal(3, n), signal(3, n, dtype="c16")
    torch.testing.assert_close(F.ifft(F.fft(c, norm=norm), norm=norm), c)
    torch.testing.assert_close(F.irfft(F.rfft(x, norm=norm), n, norm=norm), x)
    torch.testing.assert_close(F.hfft(F.ihfft(x, norm=norm), n, norm=norm), x)
    torch.testing.assert_close(F.ifftn(F.fftn(c, norm=norm), norm=norm), c)
    torch.testing.assert_close(F.irfftn(F.rfftn(x, norm=norm), x.shape, norm=norm), x)
    torch.testing.assert_close(F.hfftn(F.ihfftn(x, norm=norm), x.shape, norm=norm), x)


def test_single_precision_stays() -> None:
    x = signal(8, dtype="f4")
    assert F.fft(x).dtype is torch.complex64 and F.irfft(F.rfft(x)).dtype is torch.float32
    assert F.fft(torch.arange(4)).dtype is torch.complex64
    x.requires_grad_()
    F.rfft(x).abs().sum().backward()
    assert x.grad.dtype is torch.float32


def test_parseval_gradient() -> None:
    x = signal(5, 8).requires_grad_()
    (F.fft2(x, norm="ortho").abs() ** 2).sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n_fft", [8, 9])
def test_stft_and_back(n_fft: int, center: bool) -> None:
    x = signal(2, 40)
    window = torch.hamming_window(n_fft, dtype=torch.float64)
    spectrum = torch.stft(x, n_fft, 2, window=window, center=center, return_complex=True)
    back = torch.istft(spectrum, n_fft, 2, window=window, center=center, length=40 if center else None)
    torch.testing.assert_close(back, x[:, : back.shape[1]])


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (lambda: F.fft(signal(3), norm="x"), RuntimeError, 'Invalid normalization mode: "x"'),
        (lambda: F.fft(signal(3), 0), RuntimeError, r"Invalid number of data points \(0\) specified"),
        (lambda: F.fft(torch.tensor(1.0)), IndexError, "Dimension specified as -1 but tensor has no dimensions"),
        (
            lambda: F.rfft(signal(3, dtype="c16")),
            RuntimeError,
            "rfft expects a real input tensor, but got ComplexDouble",
        ),
        (lambda: F.fft(torch.zeros(3, dtype=torch.float16)), RuntimeError, "Unsupported dtype Half"),
        (lambda: F.fft2(signal(3, 3), dim=(0, 0)), RuntimeError, "FFT dims must be unique"),
        (
            lambda: F.fftn(signal(3), (3, 3)),
            RuntimeError,
            "Got shape with 2 values but input tensor only has 1 dimensions",
        ),
        (lambda: torch.stft(signal(20), 4), RuntimeError, "stft requires the return_complex parameter be given"),
        (lambda: torch.hann_window(-1), RuntimeError, "hann_window requires non-negative window_length"),
        (lambda: torch.signal.windows.hann(-1), ValueError, "general_cosine requires non-negative window length"),
    ],
)
def test_errors(f: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        f()
