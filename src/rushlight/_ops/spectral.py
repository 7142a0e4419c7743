"""Short-time Fourier transforms: a signal in overlapping windows, each transformed; and back by adding them up."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.tensor import Tensor
from .fft import fft, ifft, irfft, rfft
from .shape import fold_windows, pad_narrow, part, reshape, transpose, unsqueeze, windows


def legacy(x: Any) -> str:
    return dtypes.LEGACY[dtypes.FROM_NUMPY[record.np_dtype(x)].name]


def shown(x: Any) -> str:
    return "None" if x is None else f"torch.{legacy(x)}Tensor{{{list(x.shape)}}}"


def flag(x: Any) -> str:
    """An optional bool as PyTorch's messages show it."""
    return "None" if x is None else str(int(x))


# Slower than PyTorch: its transforms are NumPy's, which take two to three times those of MKL.
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The transforms of windows of ``n_fft`` samples, ``hop_length`` (a quarter) apart: (batch, frequency, frame).

    ``window`` of ``win_length`` is padded to ``n_fft`` in its middle; ``center`` pads the signal by half a window, as
    ``pad_mode`` says; ``normalized`` divides by the root of ``n_fft``; ``onesided`` gives half of a real signal's
    spectrum. Real signals need ``return_complex``.

    >>> import rushlight as torch
    >>> torch.stft(torch.ones(8), 4, window=torch.hann_window(4), return_complex=True, center=False).shape
    torch.Size([3, 5])
    """
    from .padding import pad

    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    is_complex = record.np_dtype(input).kind == "c" or (window is not None and record.np_dtype(window).kind == "c")
    if center and align_to_window:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    x: Any = input
    if center:
        shape = (1,) * (3 - x.ndim) + tuple(x.shape)
        amount = n_fft // 2
        x = pad(reshape(x, shape), [amount, amount], pad_mode)
        x = reshape(x, tuple(x.shape[-input.ndim :]))
    about = (
        f"stft(torch.{legacy(x)}Tensor{list(x.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={length}, "
        f"window={shown(window)}, normalized={int(normalized)}, onesided={flag(onesided)}, "
        f"return_complex={flag(return_complex)}, "
        f"align_to_window={flag(align_to_window)}) "
    )
    if record.np_dtype(x).kind not in "fc":
        raise RuntimeError(f"{about}: expected a tensor of floating point or complex values")
    if x.ndim not in (1, 2):
        raise RuntimeError(f"{about}: expected a 1D or 2D tensor")
    single = x.ndim == 1
    if single:
        x = unsqueeze(x, 0)
    count = x.shape[1]
    if not 0 < n_fft <= count:
        raise RuntimeError(f"{about}: expected 0 < n_fft < {count}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{about}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{about}: expected 0 < win_length <= n_fft, but got win_length={length}")
    check_window(about, window, length)
    if return_complex is None and not is_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    if window is None:
        warnings.warn(
            "A window was not provided. A rectangular window will be applied, which is known to cause spectral leakage. "
            "Give one, such as torch.hann_window(n_fft), or torch.ones(n_fft) if a rectangular window is what you want.",
            UserWarning,
            stacklevel=2,
        )
    half = not is_complex if onesided is None else onesided
    if half and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    weights = None if window is None else window
    if length < n_fft and not align_to_window:
        weights = widened(window, length, n_fft, x)
    size = length if align_to_window else n_fft
    frames = windows(x, 1, size, hop)  # (batch, frame, sample)
    if weights is not None:
        frames = frames * weights
    if size < n_fft:
        left = (n_fft - size) // 2
        frames = pad_narrow(frames, (*frames.shape[:2], n_fft), 2, left, left + size)
    norm = "ortho" if normalized else None
    made = rfft(frames, n_fft, -1, norm) if half else fft(frames, n_fft, -1, norm)
    made = transpose(made, 1, 2)
    if single:
        made = reshape(made, tuple(made.shape[1:]))
    if return_complex is False:
        from .complexes import view_as_real

        return view_as_real(made)
    return made


def check_window(about: str, window: Any, length: int) -> None:
    if window is not None and (window.ndim != 1 or window.shape[0] != length):
        raise RuntimeError(
            f"{about}: expected a 1D window tensor of size equal to win_length={length}, but got window with size "
            f"{list(window.shape)}"
        )


def widened(window: Any, length: int, n_fft: int, like: Any) -> Any:
    """The window (ones if there is none) in the middle of zeros."""
    if window is None:
        kind = {"complex64": "f4", "complex128": "f8"}.get(record.np_dtype(like).name, record.np_dtype(like))
        window = np.ones(length, kind)
    left = (n_fft - length) // 2
    return pad_narrow(window, (n_fft,), 0, left, left + length)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose :func:`stft` is nearest to ``input`` (Griffin and Lim 1984): windows added, weights divided out.

    Raises RuntimeError where windows do not cover the signal.

    >>> import rushlight as torch
    >>> x, window = torch.arange(8.0), torch.hann_window(4)
    >>> torch.istft(torch.stft(x, 4, window=window, return_complex=True), 4, window=window).round()
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    span = n_fft if win_length is None else win_length
    about = (
        f"istft(CPU{legacy(input)}Type{list(input.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={span}, "
        f"window={shown(window)}, center={int(center)}, normalized={int(normalized)}, onesided={flag(onesided)}, length={length}, "
        f"return_complex={int(return_complex)}) "
    )
    if record.np_dtype(input).kind != "c":
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if input.ndim < 2:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [-{input.ndim + 1}, {input.ndim}], but got -3)"
        )
    if 0 in input.shape:
        raise RuntimeError(f"{about}: input tensor cannot be empty.")
    if input.ndim > 3:
        raise RuntimeError(f"{about}: expected a tensor with 2 or 3 dimensions, but got {input.ndim}")
    half = n_fft != input.shape[-2] if onesided is None else onesided
    expected = n_fft // 2 + 1 if half else n_fft
    if input.shape[-2] != expected:
        raise RuntimeError(
            f"{about}: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft "
            f"{'/ 2 + 1 ' if half else ''}when onesided={'true' if half else 'false'}, but got {input.shape[-2]}"
        )
    if not 0 < hop <= span:
        raise RuntimeError(f"{about}: expected 0 < hop_length <= win_length")
    if not 0 < span <= n_fft:
        raise RuntimeError(f"{about}: expected 0 < win_length <= n_fft")
    if window is not None and (window.ndim != 1 or window.shape[0] != span):
        raise RuntimeError(f"{about}: Invalid window shape. window has to be 1D and length of `win_length`")
    if half and (return_complex or (window is not None and record.np_dtype(window).kind == "c")):
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if window is None:
        warnings.warn(
            "A window was not provided. A rectangular window will be applied. The inverse is exact only with the window that "
            "stft had: give that one, or torch.ones(n_fft) if it was rectangular.",
            UserWarning,
            stacklevel=2,
        )
    x: Any = input if input.ndim == 3 else unsqueeze(input, 0)
    batch, _, count = x.shape
    weights: Any = window
    if span < n_fft or window is None:
        weights = widened(window, span, n_fft, input)
    x = transpose(x, 1, 2)
    norm = "ortho" if normalized else None
    if not return_complex:  # of both sides of a real signal's spectrum one tells all
        x = part(x, 2, 0, n_fft // 2 + 1)
    frames = ifft(x, n_fft, -1, norm) if return_complex else irfft(x, n_fft, -1, norm)
    total = n_fft + hop * (count - 1)
    signal = fold_windows(frames * weights, (batch, total), 1, n_fft, hop)
    square = weights * weights
    from .broadcast import expand

    cover = fold_windows(expand(square, (1, count, n_fft)), (1, total), 1, n_fft, hop)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - (n_fft // 2 if center else 0)
    stop = min(end, total)
    signal, cover = part(signal, 1, start, stop), part(cover, 1, start, stop)
    least = (
        float(np.abs(record.inner_array(cover) if isinstance(cover, Tensor) else cover).min())
        if cover.shape[1]
        else 1.0
    )
    if least < 1e-11:
        raise RuntimeError(f"{about}window overlap add min: 1: the windows do not cover every sample")
    made = signal / cover
    if end > total:
        warnings.warn(
            "The length of signal is shorter than the length parameter. The result is padded with zeros at its end: check "
            "center and hop_length.",
            UserWarning,
            stacklevel=2,
        )
        made = pad_narrow(made, (batch, end - start), 1, 0, stop - start)
    return reshape(made, tuple(made.shape[1:])) if input.ndim == 2 else made
