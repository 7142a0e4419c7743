"""Samples of reductions."""

from __future__ import annotations

import numpy as np

from samples import DTYPES, Call, Row, Sampler, T

BATCH = "PyTorch has no batching rule to compare with; the loop runs"
NAN, INF = float("nan"), float("inf")


def over(s: Sampler, make: str = "t", **options: object) -> list[Call]:
    """The usual ways to name dimensions."""

    def x() -> T:
        return getattr(s, make)(2, 3, 4)

    return [
        Call(x()), Call(x(), 1), Call(x(), -1, True), Call(x(), (0, 2)), Call(x(), dim=(0, -1), keepdim=True),
        Call(getattr(s, make)()), Call(getattr(s, make)(5), 0),
    ]  # fmt: skip


def one(s: Sampler, make: str = "t") -> list[Call]:
    """One dimension at most."""
    f = getattr(s, make)
    return [Call(f(2, 3, 4), 1), Call(f(2, 3, 4), -1, True), Call(f(3), 0), Call(f(), 0)]


def special(s: Sampler) -> list[Call]:
    a = np.array([[NAN, 1.0, INF], [2.0, 2.0, -INF], [0.0, -0.0, 0.0]])
    return [Call(s.of(a)), Call(s.of(a), 1), Call(s.of(a), 0)]


def empties(s: Sampler) -> list[Call]:
    return [*special(s), Call(s.t(0)), Call(s.t(2, 0), 1), Call(s.t(2, 0), 0), Call(s.t(0, 3), 0, True)]


def with_zeros(s: Sampler, *shape: int, zeros: int = 1) -> T:
    x = s.t(*shape)
    x.array.reshape(-1)[:zeros] = 0
    return x


ROWS = [
    Row("sum", over, complex=True, edges=empties, out=True),
    Row(
        "sum",
        lambda s: [Call(s.t(2, 3), dtype=np.float32) for _ in ()] + [Call(s.b(2, 3)), Call(s.i(2, 3), 0)],
        tag="kinds",
        grad=False,
    ),
    Row("mean", over, complex=True, edges=empties, out=True),
    Row("nansum", over, edges=empties, out=True, dtypes=DTYPES[:9]),
    Row("nanmean", over, edges=empties, out=True, dtypes=DTYPES[:9]),
    Row(
        "prod",
        lambda s: [
            Call(s.t(2, 3)),
            Call(s.t(2, 3, 2), 1),
            Call(s.t(2, 3), -1, True),
            Call(s.t()),
            Call(with_zeros(s, 4)),
            Call(with_zeros(s, 2, 3), 1),
            Call(with_zeros(s, 2, 3, zeros=2), 1),
            Call(s.t(1), 0),
        ],
        complex=True,
        edges=lambda s: [*special(s), Call(s.t(0)), Call(s.t(2, 0), 1)],
        out=True,
    ),
    Row(
        "var",
        lambda s: [
            Call(s.t(2, 3, 4)),
            Call(s.t(2, 3), 1),
            Call(s.t(2, 3), 1, False, True),
            Call(s.t(2, 3), (0, 1)),
            Call(s.t(2, 3), dim=1, correction=2),
            Call(s.t(2, 3), False),
            Call(s.t(2, 3), unbiased=False),
            Call(s.t(2, 3), dim=0, unbiased=True, keepdim=True),
            Call(s.t(4), correction=0, dim=None),
        ],
        complex=True,
        edges=lambda s: [
            Call(s.of([NAN, 1.0])),
            Call(s.of([1.0])),
            Call(s.t(0)),
            Call(s.t(2, 0), 1),
            Call(s.t(3), correction=5, dim=0),
        ],
        out=True,
    ),
    Row(
        "std",
        lambda s: [
            Call(s.t(2, 3, 4)),
            Call(s.t(2, 3), 1),
            Call(s.t(2, 3), 1, False, True),
            Call(s.t(2, 3), (0, 1)),
            Call(s.t(2, 3), dim=1, correction=2),
            Call(s.t(2, 3), False),
        ],
        complex=True,
        edges=lambda s: [Call(s.of([NAN, 1.0])), Call(s.of([1.0])), Call(s.of([2.0, 2.0])), Call(s.t(0))],
        out=True,
    ),
    Row(
        "var_mean",
        lambda s: [
            Call(s.t(2, 3, 4)),
            Call(s.t(2, 3), 1),
            Call(s.t(2, 3), 1, False, True),
            Call(s.t(2, 3), dim=1, correction=2),
        ],
        complex=True,
        skip={"names": "its out= is in the documentation only"},
    ),
    Row(
        "std_mean",
        lambda s: [
            Call(s.t(2, 3, 4)),
            Call(s.t(2, 3), 1),
            Call(s.t(2, 3), 1, False, True),
            Call(s.t(2, 3), dim=1, correction=2),
        ],
        complex=True,
        skip={"names": "its out= is in the documentation only"},
    ),
    Row("amax", lambda s: over(s, "distinct"), edges=special, out=True),
    Row("amin", lambda s: over(s, "distinct"), edges=special, out=True),
    Row(
        "max",
        lambda s: [Call(s.distinct(2, 3)), Call(s.distinct())],
        edges=lambda s: special(s)[:1],
        out=False,
        tag="reduction_no_dim",
    ),
    Row(
        "min",
        lambda s: [Call(s.distinct(2, 3)), Call(s.distinct())],
        edges=lambda s: special(s)[:1],
        out=False,
        tag="reduction_no_dim",
    ),
    Row("max", lambda s: one(s, "distinct"), edges=lambda s: special(s)[1:], tag="reduction_with_dim", out=True),
    Row("min", lambda s: one(s, "distinct"), edges=lambda s: special(s)[1:], tag="reduction_with_dim", out=True),
    Row("max", lambda s: [Call(s.t(2, 3), s.t(3)), Call(s.t(2), s.t(2, 1))], tag="binary", out=True),
    Row("min", lambda s: [Call(s.t(2, 3), s.t(3)), Call(s.t(2), s.t(2, 1))], tag="binary", out=True),
    Row(
        "argmax",
        lambda s: [Call(s.distinct(2, 3)), *one(s, "distinct"), Call(s.distinct(2, 3), None, True)],
        grad=False,
        edges=special,
        out=True,
    ),
    Row(
        "argmin",
        lambda s: [Call(s.distinct(2, 3)), *one(s, "distinct"), Call(s.distinct(2, 3), None, True)],
        grad=False,
        edges=special,
        out=True,
    ),
    Row(
        "aminmax",
        lambda s: [Call(s.distinct(2, 3)), Call(s.distinct(2, 3), dim=1), Call(s.distinct(2, 3), dim=0, keepdim=True)],
        edges=lambda s: special(s)[:1],
        out=True,
    ),
    Row(
        "all",
        lambda s: [Call(s.b(2, 3)), Call(s.t(2, 3), 1), Call(s.i(2, 3), (0, 1)), Call(s.t(2, 3), 0, True)],
        grad=False,
        edges=empties,
        out=True,
    ),
    Row(
        "any",
        lambda s: [Call(s.b(2, 3)), Call(s.t(2, 3), 1), Call(s.i(2, 3), (0, 1)), Call(s.t(2, 3), 0, True)],
        grad=False,
        edges=empties,
        out=True,
    ),
    Row(
        "hash_tensor",
        lambda s: [Call(s.i(2, 3)), Call(s.t(2, 3), 1), Call(s.t(2, 3), (0, 1), keepdim=True)],
        grad=False,
        out=True,
    ),
    Row(
        "count_nonzero",
        lambda s: [Call(s.i(2, 3)), Call(s.t(2, 3), 1), Call(s.i(2, 3), (0, 1))],
        grad=False,
        edges=lambda s: empties(s)[:-1],
    ),
    Row(
        "logsumexp",
        lambda s: [
            Call(s.t(2, 3), 1),
            Call(s.t(2, 3), (0, 1), True),
            Call(s.t(2, 3), -1, True),
            Call(s.t(), 0),
            Call(s.t(2, 3), dim=0),
        ],
        complex=True,
        edges=lambda s: [Call(s.of([[INF, 1.0], [-INF, -INF], [INF, -INF], [1e3, 1e3]]), 1), Call(s.t(2, 0), 1)],
        out=True,
    ),
    Row(
        "norm",
        lambda s: [
            Call(s.t(2, 3)),
            Call(s.t(2, 3), 1, 1),
            Call(s.t(2, 3), 3, (0, 1), True),
            Call(s.t(2, 3), 0.5, 0),
            Call(s.t(2, 3), 1.5),
            Call(s.t(2, 3), 0),
            Call(s.t(2, 3), INF, 1),
            Call(s.t(2, 3), -INF),
            Call(s.t(2, 3), "fro", (0, 1)),
            Call(s.t(2, 3), 2, -1),
            Call(s.t(4), -2),
        ],
        complex=True,
        edges=lambda s: (
            [Call(s.of([0.0, 0.0]), p) for p in (2, 1, 0, 0.5, 1.5, 3, INF, -INF)]
            + [Call(s.of([[0.0, 3.0], [NAN, INF]]), p, 1) for p in (2, 1, 1.5, 3, INF)]
            + [Call(s.t(0)), Call(s.t(2, 0), 1, 1)]
        ),
        out=False,
    ),
    Row(
        "dist",
        lambda s: [Call(s.t(2, 3), s.t(2, 3)), Call(s.t(2, 3), s.t(3), 1), Call(s.t(2, 1), s.t(3), 3)],
        complex=True,
    ),
    Row(
        "renorm",
        lambda s: [Call(s.t(3, 4), 2, 0, 1.0), Call(s.t(3, 2, 2), 1, 1, 2.0), Call(s.t(3, 4), 3, 0, 1.5)],
        out=True,
        inplace=True,
        complex=True,
    ),
]
