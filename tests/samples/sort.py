"""Samples of sorting, selecting by rank, and counting."""

from __future__ import annotations

from samples import DTYPES, FLOATS, Call, Row, Sampler
from samples.reduce import NAN

VALUES = "the number of distinct values depends on the data"


def special(s: Sampler) -> list[Call]:
    return [Call(s.of([[1.0, NAN, 2.0, 2.0], [0.0, -0.0, 3.0, -1.0]]))]


def along(s: Sampler) -> list[Call]:
    return [Call(s.distinct(2, 3, 4), 1), Call(s.distinct(2, 3), -1), Call(s.distinct(5)), Call(s.distinct(), 0)]


ROWS = [
    Row(
        "sort",
        lambda s: [
            *along(s),
            Call(s.distinct(3, 4), 0, True),
            Call(s.distinct(3, 4), dim=1, descending=True, stable=True),
        ],
        out=True,
        edges=special,
    ),
    Row(
        "argsort",
        lambda s: [Call(s.distinct(3, 4)), Call(s.distinct(3, 4), 0, True), Call(s.distinct(3, 4), dim=0, stable=True)],
        grad=False,
        edges=special,
    ),
    Row("msort", lambda s: [Call(s.distinct(3, 4))], out=True, edges=special, dtypes=DTYPES[:9]),
    Row(
        "topk",
        lambda s: [
            Call(s.distinct(3, 4), 2),
            Call(s.distinct(3, 4), 1, 0, False),
            Call(s.distinct(), 1),
            Call(s.distinct(6), k=3, dim=0, largest=True),
        ],
        out=True,
        edges=lambda s: [Call(s.of([1.0, NAN, 3.0]), 2)],
        dtypes=FLOATS,
    ),
    Row(
        "kthvalue",
        lambda s: [Call(s.distinct(3, 4), 2), Call(s.distinct(3, 4), 1, 0, True), Call(s.distinct(), 1)],
        out=True,
        edges=lambda s: [Call(s.of([1.0, NAN, 3.0]), 2)],
        dtypes=FLOATS,
    ),
    Row(
        "median",
        lambda s: [
            Call(s.distinct(3, 4)),
            Call(s.distinct(3, 4), 1),
            Call(s.distinct(3, 5), 0, True),
            Call(s.distinct()),
        ],
        out=True,
        edges=special,
        dtypes=FLOATS,
    ),
    Row(
        "nanmedian",
        lambda s: [Call(s.distinct(3, 4)), Call(s.distinct(3, 4), 1), Call(s.distinct(3, 5), 0, True)],
        out=True,
        edges=lambda s: [*special(s), Call(s.of([[NAN, NAN], [1.0, NAN]]), 1)],
        dtypes=FLOATS,
    ),
    Row(
        "mode",
        lambda s: [
            Call(s.of([[1.0, 2.0, 2.0], [3.0, 1.0, 3.0]])),
            Call(s.of([[1.0, 2.0], [1.0, 3.0], [2.0, 3.0]]), 0, True),
        ],
        out=True,
        edges=special,
        second=False,
        skip={"gradient": "moving one of several equal values changes which is most frequent"},
    ),
    Row(
        "quantile",
        lambda s: [
            Call(s.distinct(3, 4), 0.3),
            Call(s.distinct(3, 4), 0.5, 1),
            Call(s.distinct(2, 3, 4), 0.9, 1, True),
            Call(s.distinct(2, 3, 4), s.of([0.1, 0.6], grad=False), 1),
            Call(s.distinct(2, 3, 4), s.of([0.1, 0.6], grad=False), 0, True),
            Call(s.distinct(3), s.of(0.25, grad=False)),
            Call(s.distinct(3, 4), s.of([0.2], grad=False), None, True),
            *[Call(s.distinct(3, 4), 0.4, 1, interpolation=how) for how in ("lower", "higher", "nearest", "midpoint")],
        ],
        out=True,
        dtypes=FLOATS[1:],
        edges=lambda s: [Call(s.of([[1.0, NAN], [1.0, 3.0]]), 0.5, 1)],
        skip={"node": "composed otherwise"},
    ),
    Row(
        "nanquantile",
        lambda s: [
            Call(s.distinct(3, 4), 0.3),
            Call(s.distinct(3, 4), 0.5, 1),
            Call(s.distinct(2, 3, 4), s.of([0.1, 0.6], grad=False), 1, True),
        ],
        out=True,
        dtypes=FLOATS[1:],
        edges=lambda s: [Call(s.of([[1.0, NAN, 4.0], [1.0, 3.0, 2.0], [NAN, NAN, NAN]]), 0.4, 1)],
        skip={"node": "composed otherwise"},
    ),
    Row(
        "unique",
        lambda s: [
            Call(s.i(3, 4)),
            Call(s.i(3, 4), return_inverse=True, return_counts=True),
            Call(s.i(3, 2, high=2), dim=0, return_counts=True, return_inverse=True),
            Call(s.of([2.0, 1.0, 2.0, NAN], grad=False, cast=True)),
            Call(s.i(2, 6, high=2), dim=1),
        ],
        grad=False,
        vmap=False,
    ),
    Row(
        "unique_consecutive",
        lambda s: [
            Call(s.i(8, high=2)),
            Call(s.i(3, 4, high=2), return_inverse=True, return_counts=True),
            Call(s.i(6, 1, high=2), dim=0, return_counts=True),
        ],
        grad=False,
        vmap=False,
    ),
    Row(
        "searchsorted",
        lambda s: [
            Call(s.of([1.0, 3.0, 5.0], grad=False), s.t(2, 3, high=6, grad=False)),
            Call(s.i(3, 4).like([[1, 2, 3], [2, 4, 6]]), s.i(2, 2), right=True),
            Call(s.of([1.0, 3.0], grad=False), 2.0, side="right", out_int32=True),
        ],
        grad=False,
        vmap=False,
        dtypes=(),
        out=True,
    ),
    Row(
        "bucketize",
        lambda s: [
            Call(s.t(2, 3, high=6, grad=False), s.of([1.0, 3.0, 5.0], grad=False)),
            Call(s.i(4), s.of([1, 3]), right=True, out_int32=True),
        ],
        grad=False,
        vmap=False,
        dtypes=(),
        out=True,
    ),
    Row(
        "bincount",
        lambda s: [
            Call(s.i(6)),
            Call(s.i(6), s.t(6, grad=False)),
            Call(s.i(6), minlength=9),
            Call(s.i(6), s.t(6, grad=False), 9),
        ],
        grad=False,
        vmap=False,
        dtypes=(),
    ),
    Row(
        "histc",
        lambda s: [
            Call(s.t(20, grad=False), 5),
            Call(s.t(20, grad=False), 5, -1, 1),
            Call(s.t(4, 5, grad=False), bins=7, min=-2, max=1.5),
        ],
        grad=False,
        vmap=False,
        out=True,
    ),
    Row(
        "histogram",
        lambda s: [
            Call(s.t(20, grad=False), 5),
            Call(s.t(20, grad=False), 5, range=(-1.0, 1.0), weight=s.t(20, grad=False), density=True),
            Call(s.t(20, grad=False), s.of([-1.0, 0.0, 0.5, 2.0], grad=False)),
        ],
        grad=False,
        vmap=False,
        out=True,
    ),
    Row(
        "histogramdd",
        lambda s: [
            Call(s.t(20, 2, grad=False), [3, 4]),
            Call(s.t(20, 2, grad=False), [3, 4], range=[-1.0, 1.0, -2.0, 1.0], density=True),
        ],
        grad=False,
        vmap=False,
        skip={"names": "its out= is internal"},
    ),
    Row(
        "isin",
        lambda s: [
            Call(s.i(3, 4), s.i(2)),
            Call(s.t(3, grad=False), s.t(3, grad=False), invert=True),
            Call(s.i(3, 4), 2),
            Call(2, s.i(5)),
        ],
        grad=False,
        vmap=False,
        out=True,
    ),
]
