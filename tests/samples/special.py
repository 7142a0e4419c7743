"""Samples of special functions."""

from __future__ import annotations

from samples import FLOATS, REALS, Call, Row, Sampler, T

LESS = {"dtypes": ("bool", "uint8", "int64", "float32", "float64", "complex64")}
ENDS = "at nan PyTorch's loops leave what was in memory"


def line(s: Sampler) -> list[Call]:
    return [Call(s.t(7, low=-4, high=4)), Call(s.t(2, 3, low=0.1, high=20)), Call(s.t())]


def positive(s: Sampler) -> list[Call]:
    return [Call(s.t(7, low=0.1, high=12)), Call(s.t(2, 3, low=0.01, high=2))]


def plain(calls: list[Call]) -> list[Call]:
    return [c.map(lambda t: T(t.array, False, t.cast)) for c in calls]


def degrees(s: Sampler) -> list[Call]:
    x = s.t(9, low=-0.9, high=0.9, grad=False)
    return [
        Call(x, T([0, 1, 2, 3, 4, 5, 6, 2, -1])),
        Call(s.t(4, 1, low=1.5, high=3, grad=False), T([0, 1, 3])),
        Call(x, 3),
        Call(0.5, T([2.0, 3.7])),
    ]


def gammas(s: Sampler) -> list[Call]:
    return [
        Call(s.t(5, low=0.2, high=6, grad=False), s.t(5, low=0.1, high=8)),
        Call(s.t(2, 1, low=0.2, high=6, grad=False), s.t(3, low=0.1, high=8)),
    ]


def zetas(s: Sampler) -> list[Call]:
    return [Call(s.t(5, low=1.2, high=6, grad=False), s.t(5, low=0.1, high=8)), Call(T([2.0, 3.0]), s.of([-0.5, -2.3]))]


def ends(s: Sampler) -> list[Call]:
    inf, nan = float("inf"), float("nan")
    a = [0.0, 0.0, 1.0, 1.0, -1.0, 2.0, inf, 2.0, nan, 1.0, 0.0]
    b = [0.0, 1.0, 0.0, inf, 1.0, -1.0, 1.0, inf, 1.0, nan, inf]
    return [Call(s.of(a, grad=False), s.of(b, grad=False))]


def zeta_ends(s: Sampler) -> list[Call]:
    inf, nan = float("inf"), float("nan")
    return [
        Call(
            s.of([2.0, 1.0, 0.5, 3.0, 2.0, 2.5, -1.0, inf, nan, 2.0], grad=False),
            s.of([1.0, 1.0, 1.0, -0.5, -1.0, -0.5, 2.0, 2.0, 1.0, inf], grad=False),
        )
    ]


BESSEL = (
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
)
POLYNOMIALS = (
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
)
ROUND = "series of another kind"
ROWS = [
    Row("special.entr", positive, out=True, dtypes=REALS, skip={"second": "one-sided at 0"}),
    Row("special.erfcx", line, out=True, **LESS),
    Row("special.ndtr", line, out=True, dtypes=REALS),
    Row(
        "special.log_ndtr",
        line,
        out=True,
        tol=(1e-9, 1e-12),
        why=ROUND,
        edges=lambda s: [Call(s.of([float("nan"), float("inf"), 0.0, -0.0, 1.0, 30.0, -30.0]))],
        **LESS,
    ),
    Row("special.ndtri", lambda s: [Call(s.t(9, low=0.001, high=0.999))], out=True, **LESS),
    Row(
        "special.xlog1py",
        lambda s: [
            Call(s.t(3), s.t(3, low=-0.9)),
            Call(s.t(2, 1), s.t(3, low=-0.5)),
            Call(2.0, s.t(3, low=-0.5)),
            Call(s.t(3), 0.5),
        ],
        out=True,
        dtypes=REALS,
        skip={"edges": "PyTorch multiplies by a mask, which leaves nan"},
    ),
    Row("i0", line, out=True, dtypes=REALS, tol=(1e-9, 1e-9), why=ROUND),
    Row("special.i0e", line, out=True, dtypes=REALS, tol=(1e-9, 1e-9), why=ROUND),
    Row("special.i1", line, out=True, dtypes=REALS, tol=(1e-9, 1e-9), why=ROUND),
    Row("special.i1e", line, out=True, dtypes=REALS, tol=(1e-9, 1e-9), why=ROUND),
    Row("special.zeta", zetas, out=True, edges=zeta_ends, **LESS),
    Row("igamma", gammas, out=True, inplace=True, dtypes=FLOATS, edges=ends, tol=(1e-8, 1e-11), why=ROUND),
    Row("igammac", gammas, out=True, inplace=True, dtypes=FLOATS, edges=ends, tol=(1e-8, 1e-11), why=ROUND),
    *[
        Row(
            f"special.{n}",
            lambda s: plain(positive(s)),
            grad=False,
            out=True,
            tol=(2e-5, 1e-6),
            why="PyTorch's are good to six digits beyond 5",
            edges=None,
            **LESS,
        )
        for n in BESSEL
    ],
    *[
        Row(
            f"special.{n}",
            degrees,
            grad=False,
            out=True,
            edges=None,
            tol=(1e-8, 1e-10),
            why="closed forms in PyTorch",
            dtypes=("int64", "float32", "float64"),
        )
        for n in POLYNOMIALS
    ],
]
