"""Samples of picking elements by index."""

from __future__ import annotations

import numpy as np

from samples import Call, Row, Sampler, T


def keys(s: Sampler) -> list[object]:
    return [
        1,
        -1,
        slice(1, 3),
        (slice(None), 0),
        (..., 1),
        None,
        (None, 1, ..., None),
        (slice(None, None, 2), slice(1, None)),
        T([0, 2, 0]),
        (T([0, 2, 1]), T([1, 1, 3])),
        (slice(None), T([[0, 1], [3, 0]])),
        T([True, False, True]),
        T(np.arange(12).reshape(3, 4) % 3 == 0),
        (T([0, 1]), slice(None)),
        (T(1), slice(2)),
        [0, 2],
        (T([0, 1]), 2),
        (1, T([0, 3])),
        (T([[0], [2]]), T([1, 3])),
        (..., T([0, 0])),
        (T([-1, 0]), None, slice(1, 3)),
        True,
        False,
        (),
        ...,
        (T([True, False, True]), 1),
        slice(2, 1),
        T(np.zeros(0, "i8")),
    ]


ROWS = [
    Row(
        "Tensor.__getitem__",
        lambda s: [Call(s.t(3, 4), k) for k in keys(s)],
        complex=True,
        vmap=False,
        skip={"node": "one node for several views", "raw": "a method", "method": "a method"},
    ),
    Row(
        "Tensor.__getitem__",
        lambda s: [
            Call(s.t(2, 3, 4), k)
            for k in (
                (T([0, 1]), slice(None), T([0, 2])),
                (slice(None), T([0, 2]), T([1, 1])),
                (T([0, 1]), None, T([0, 2])),
                (0, T([1, 1])),
                (T([[True, False, True], [False, True, True]]),),
                (..., T([1, 0]), 2),
            )
        ],
        tag="three",
        complex=True,
        vmap=False,
        skip={"node": "one node for several views"},
    ),
    Row(
        "gather",
        lambda s: [
            Call(s.t(3, 4), 1, s.i(3, 2, high=4)),
            Call(s.t(3, 4), 0, s.i(5, 4, high=3)),
            Call(s.t(3), 0, s.i(2, high=3)),
            Call(s.t(2, 3, 4), -2, s.i(1, 2, 4, high=3)),
            Call(s.t(), 0, T(0)),
            Call(s.t(3), 0, T(np.zeros(0, np.float32))),
        ],
        out=True,
        complex=True,
    ),
    Row(
        "index_select",
        lambda s: [
            Call(s.t(3, 4), 0, s.i(5, high=3)),
            Call(s.t(3, 4), 1, s.i(2, high=4)),
            Call(s.t(3), -1, T(1)),
            Call(s.t(2, 3, 2), 1, s.i(3, high=3)),
        ],
        out=True,
        complex=True,
    ),
    Row(
        "index_put",
        lambda s: [
            Call(s.t(3, 4), (T([0, 2]),), s.t(2, 4)),
            Call(s.t(3, 4), (T([0, 2]), T([1, 3])), s.t(2)),
            Call(s.t(3, 4), (T([0, 2]),), s.t()),
            Call(s.t(3, 4), (T(1),), s.t(4)),
            Call(s.t(3, 4), (T(1), T([0, -1])), s.t(2)),
            Call(s.t(3), (T(-1),), s.t()),
            Call(s.t(3, 4), (T([True, False, True]),), s.t(4)),
            Call(s.t(3, 4), (T(np.arange(12).reshape(3, 4) % 5 == 0),), s.t()),
        ],
        complex=True,
        inplace=True,
        vmap=False,
    ),
    Row(
        "index_put",
        lambda s: [
            Call(s.t(3, 4), (T([0, 2, 0]),), s.t(3, 4), True),
            Call(s.t(3, 4), (T([0, 0]), T([1, 1])), s.t(2), accumulate=True),
        ],
        tag="accumulate",
        complex=True,
        inplace=True,
        vmap=False,
    ),
    Row(
        "nonzero",
        lambda s: [Call(s.i(3, 4, high=2)), Call(s.b(3)), Call(s.i(3, 4, high=2), as_tuple=True), Call(s.b())],
        grad=False,
        vmap=False,
        out=False,
        skip={"names": "out= is written by the second row"},
    ),
]
