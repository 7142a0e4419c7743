"""Samples of softmax and its kin."""

from __future__ import annotations

import numpy as np

from samples import Call, Row, Sampler

INF = float("inf")


def special(s: Sampler) -> list[Call]:
    a = np.array([[1.0, INF, 0.0], [-INF, -INF, -INF], [-INF, 0.0, 1e3], [np.nan, 1.0, 2.0]])
    return [Call(s.of(a), 1), Call(s.of(a), 0), Call(s.t(0, 3), 0), Call(s.t(2, 0), 1)]


def rows(s: Sampler) -> list[Call]:
    return [Call(s.t(2, 3), 1), Call(s.t(2, 3), 0), Call(s.t(2, 3, 4), -2), Call(s.t(3), 0), Call(s.t(), 0)]


ROWS = [
    Row("softmax", rows, tag="edges", edges=special),
    Row("log_softmax", rows, tag="edges", edges=special),
]
