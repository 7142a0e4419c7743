"""Samples of running sums, products and extremes, and of differences."""

from __future__ import annotations

from samples import DTYPES, Call, Row, Sampler
from samples.reduce import INF, NAN, with_zeros


def one(s: Sampler, make: str = "t") -> list[Call]:
    f = getattr(s, make)
    return [Call(f(2, 3, 4), 1), Call(f(2, 3), -1), Call(f(3), 0), Call(f(), 0), Call(f(2, 0), 1)]


def special(s: Sampler) -> list[Call]:
    return [Call(s.of([[1.0, NAN, 2.0, INF], [-INF, 3.0, 3.0, -1.0]]), 1)]


ROWS = [
    Row("cumsum", one, complex=True, out=True, inplace=True, edges=special),
    Row(
        "cumprod",
        lambda s: [
            *one(s),
            Call(with_zeros(s, 4), 0),
            Call(with_zeros(s, 2, 3), 1),
            Call(with_zeros(s, 5, zeros=2), 0),
            Call(s.of([2.0, 0.0, 3.0, 0.0, 4.0]), 0),
        ],
        complex=True,
        out=True,
        inplace=True,
        edges=None,
    ),
    Row(
        "cummax",
        lambda s: one(s, "distinct"),
        out=True,
        edges=lambda s: [*special(s), Call(s.of([1.0, 1.0, 2.0, 2.0]), 0)],
    ),
    Row(
        "cummin",
        lambda s: one(s, "distinct"),
        out=True,
        edges=lambda s: [*special(s), Call(s.of([2.0, 2.0, 1.0, 1.0]), 0)],
    ),
    Row(
        "logcumsumexp",
        lambda s: one(s)[:4],
        out=True,
        edges=lambda s: [Call(s.of([-INF, 1.0, 2.0]), 0), Call(s.of([1e3, 1e3]), 0)],
        complex=True,
    ),
    Row(
        "diff",
        lambda s: [
            Call(s.t(4)),
            Call(s.t(2, 5), 2),
            Call(s.t(4, 3), 1, 0),
            Call(s.t(2, 3), 1, 1, s.t(2, 1), s.t(2, 2)),
            Call(s.t(2, 3), 5),
        ],
        complex=True,
        out=True,
        skip={"raw": "a composite of views"},
    ),
    Row(
        "gradient",
        lambda s: [
            Call(s.t(5)),
            Call(s.t(4, 5)),
            Call(s.t(4, 5), spacing=0.5),
            Call(s.t(4, 5), dim=1, edge_order=2),
            Call(s.t(4, 5), spacing=(2.0, 0.5)),
            Call(s.t(5), spacing=(s.of([0.0, 1.0, 1.5, 3.0, 4.0], grad=False, cast=False),)),
            Call(s.t(5), spacing=(s.of([0.0, 1.0, 1.5, 3.0, 4.0], grad=False, cast=False),), edge_order=2),
        ],
        dtypes=DTYPES[7:9],
        skip={"node": "composed otherwise"},
    ),
    Row(
        "trapezoid",
        lambda s: [
            Call(s.t(4)),
            Call(s.t(2, 4), dx=0.5),
            Call(s.t(4, 2), dim=0),
            Call(s.t(2, 4), s.t(4)),
            Call(s.t(2, 4), s.t(2, 4)),
        ],
        complex=True,
        dtypes=DTYPES[1:],
        skip={"node": "composed otherwise"},
    ),
    Row(
        "trapz",
        lambda s: [Call(s.t(2, 4)), Call(s.t(4), s.t(4))],
        dtypes=DTYPES[1:],
        skip={"node": "composed otherwise"},
    ),
    Row(
        "cumulative_trapezoid",
        lambda s: [Call(s.t(4)), Call(s.t(2, 4), dx=0.5), Call(s.t(4, 2), dim=0), Call(s.t(2, 4), s.t(4))],
        dtypes=DTYPES[1:],
        skip={"node": "composed otherwise"},
    ),
]
