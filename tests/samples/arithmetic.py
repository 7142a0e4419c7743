"""Samples of arithmetic."""

from samples import Call, Row

ROWS = [
    Row("mul", lambda s: [Call(s.t(3, 4), s.t(4)), Call(s.t(3), 2.0), Call(s.t(2, 1), s.t(3))],
        complex=True, inplace=True, out=True),
]  # fmt: skip
