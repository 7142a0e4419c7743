"""Samples of Fourier transforms and windows."""

from __future__ import annotations

from samples import Call, Row, Sampler

ALL = ("bool", "uint8", "int64", "float16", "float32", "float64", "complex64", "complex128")


def one(s: Sampler) -> list[Call]:
    return [
        Call(s.t(6)),
        Call(s.t(3, 5)),
        Call(s.t(4, 3), 7),
        Call(s.t(4, 6), n=4, dim=0, norm="ortho"),
        Call(s.t(2, 5), 3, 1, "forward"),
        Call(s.t(2, 4), norm="backward"),
    ]


def two(s: Sampler) -> list[Call]:
    return [
        Call(s.t(3, 4)),
        Call(s.t(2, 3, 5), (4, 4)),
        Call(s.t(3, 4, 2), s=(5, -1), dim=(0, 1), norm="ortho"),
        Call(s.t(3, 4, 5), dim=(0, -1), norm="forward"),
        Call(s.t(4, 3), dim=(1, 0)),
    ]


def many(s: Sampler) -> list[Call]:
    return [*two(s), Call(s.t(2, 3, 4)), Call(s.t(3, 4), (3,)), Call(s.t(2, 3, 4), dim=(2, 0, 1), norm="ortho")]


NODE = {"node": "made of the same operators in another order"}
ROWS = [
    *[Row(f"fft.{n}", one, complex=True, out=True, dtypes=ALL) for n in ("fft", "ifft", "irfft", "hfft")],
    *[Row(f"fft.{n}", one, out=True, dtypes=ALL, skip=NODE if n == "ihfft" else {}) for n in ("rfft", "ihfft")],
    *[Row(f"fft.{n}", two, complex=True, out=True, dtypes=ALL) for n in ("fft2", "ifft2", "irfft2", "hfft2")],
    *[Row(f"fft.{n}", two, out=True, dtypes=ALL) for n in ("rfft2", "ihfft2")],
    *[Row(f"fft.{n}", many, complex=True, out=True, dtypes=ALL) for n in ("fftn", "ifftn", "irfftn", "hfftn")],
    *[Row(f"fft.{n}", many, out=True, dtypes=ALL, skip=NODE if n == "ihfftn" else {}) for n in ("rfftn", "ihfftn")],
    Row(
        "fft.fftshift",
        lambda s: [Call(s.t(5)), Call(s.t(3, 4)), Call(s.t(3, 4), 0), Call(s.t(3, 4), (0, 1))],
        complex=True,
    ),
    Row(
        "fft.ifftshift",
        lambda s: [Call(s.t(5)), Call(s.t(3, 4)), Call(s.t(3, 4), 0), Call(s.t(3, 4), (0, 1))],
        complex=True,
    ),
    Row(
        "fft.fftfreq",
        lambda s: [Call(n) for n in (0, 1, 4, 5)] + [Call(6, 0.5), Call(3, d=2.0)],
        grad=False,
        dtypes=(),
        skip={"names": "out= as every creation"},
    ),
    Row(
        "fft.rfftfreq",
        lambda s: [Call(n) for n in (1, 4, 5)] + [Call(6, 0.5), Call(3, d=2.0)],
        grad=False,
        dtypes=(),
        skip={"names": "out= as every creation"},
    ),
    Row(
        "stft",
        lambda s: [
            Call(s.t(20), 4, return_complex=True),
            Call(s.t(2, 20), 8, 3, 6, s.t(6), return_complex=True, normalized=True),
            Call(s.t(2, 20), 8, window=s.t(8), center=False, return_complex=True, onesided=False),
            Call(s.t(20), 8, window=s.t(8), return_complex=False),
            Call(s.c(20), 8),
            Call(s.t(20), 8, win_length=4, window=s.t(4), center=False, align_to_window=True, return_complex=True),
            Call(s.t(20), 4, pad_mode="constant", return_complex=True),
        ],
        method=False,
        dtypes=("float32", "float64", "int64"),
        vmap=False,
        skip={"node": "views under other names", "vmap": "padding as PyTorch's is for two dimensions at most"},
    ),
    Row(
        "istft",
        lambda s: [
            Call(s.c(5, 7), 8),
            Call(s.c(2, 5, 7), 8, 2, 8, s.t(8, low=0.5)),
            Call(s.c(2, 5, 7), 8, window=s.t(8, low=0.5), length=11),
            Call(s.c(2, 5, 7), 8, center=False, normalized=True),
            Call(s.c(2, 8, 7), 8, onesided=False),
            Call(s.c(2, 8, 7), 8, onesided=False, return_complex=True),
            Call(s.c(2, 5, 7), 8, length=16),
        ],
        method=False,
        dtypes=(),
        vmap=False,
        tol=(1e-8, 1e-10),
        why="sums of many products",
        skip={"node": "views under other names", "vmap": "padding as PyTorch's is for two dimensions at most"},
    ),
    *[
        Row(
            n,
            lambda s: [Call(k) for k in (0, 1, 2, 5, 8)] + [Call(6, False), Call(5, periodic=False)],
            grad=False,
            dtypes=(),
            tol=(1e-6, 3e-7),
            why="single precision",
            skip={"names": "the documentation tells of an out= that there is not"},
        )
        for n in ("hann_window", "hamming_window", "bartlett_window", "blackman_window", "kaiser_window")
    ],
    *[
        Row(
            f"signal.windows.{n}",
            lambda s: [Call(k) for k in (0, 1, 2, 5, 8)] + [Call(6, sym=False)],
            grad=False,
            dtypes=(),
            skip={"single": "no tensors"},
            tol=(1e-6, 3e-7),
            why="single precision",
        )
        for n in (
            "bartlett",
            "blackman",
            "cosine",
            "exponential",
            "gaussian",
            "general_hamming",
            "hamming",
            "hann",
            "nuttall",
        )
    ],
    Row(
        "signal.windows.kaiser",
        lambda s: [Call(k) for k in (0, 1, 2, 5, 8)] + [Call(6, sym=False, beta=3.0)],
        grad=False,
        dtypes=(),
        tol=(1e-5, 3e-6),
        why="I0 in single precision",
    ),
    Row(
        "signal.windows.general_cosine",
        lambda s: [Call(k, a=[0.5, 0.3, 0.2]) for k in (0, 1, 2, 5)],
        grad=False,
        dtypes=(),
        tol=(1e-6, 3e-7),
        why="single precision",
    ),
]
