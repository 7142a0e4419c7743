"""Samples of writing where an index, a mask or a view points."""

from __future__ import annotations

import numpy as np

from samples import DTYPES, Call, Row, Sampler, T


def three(s: Sampler, *more: object) -> list[Call]:
    """input, dim, index, source in the usual shapes; indices repeat."""
    return [
        Call(s.t(3, 4), 0, s.i(2, 3, high=3), s.t(2, 3), *more),
        Call(s.t(3, 4), 1, s.i(3, 5, high=4), s.t(3, 5), *more),
        Call(s.t(2, 3, 2), -1, s.i(2, 3, 4, high=2), s.t(2, 3, 4), *more),
        Call(s.t(5), 0, s.i(3, high=5), s.t(3), *more),
    ]


def unique_rows(s: Sampler, n: int, m: int) -> T:
    """Positions of which none repeats along dimension 0."""
    return T(np.stack([s.random.permutation(n) for _ in range(m)], 1))


def slices(s: Sampler) -> list[Call]:
    return [
        Call(s.t(3, 4), 0, s.i(5, high=3), s.t(5, 4)),
        Call(s.t(3, 4), 1, s.i(2, high=4), s.t(3, 2)),
        Call(s.t(2, 3, 2), -2, s.i(3, high=3), s.t(2, 3, 2)),
        Call(s.t(5), 0, s.i(3, high=5), s.t(3)),
    ]


def once(s: Sampler) -> list[Call]:
    return [
        Call(s.t(3, 4), 0, s.perm(3), s.t(3, 4)),
        Call(s.t(3, 4), 1, T([2, 0]), s.t(3, 2)),
        Call(s.t(5), 0, T([4, 1]), s.t(2)),
    ]


def apart(s: Sampler) -> tuple[T, int, T, T]:
    """An input and a source without a value in common."""
    both = s.distinct(12)
    return both.like(both.array[:4]), 0, s.i(8, high=3), both.like(both.array[4:])


REDUCED = [
    Row(
        "scatter_reduce",
        lambda s, r=reduce, k=keep: [
            *[Call(*c.args, include_self=k) for c in three(s, r)],
            Call(*apart(s), r, include_self=k),
            *(
                [Call(s.of([0.0, 2.0, 0.0]), 0, T([0, 0, 1, 2, 2]), s.of([3.0, 0.0, 0.0, 2.0, 5.0]), r, include_self=k)]
                if r == "prod"
                else []
            ),
        ],
        tag=f"{reduce}{'' if keep else '_new'}",
        out=True,
        inplace=True if keep else None,
        dtypes=DTYPES[1:9],
        second=reduce not in ("amax", "amin") or keep,
    )
    for reduce in ("sum", "prod", "mean", "amax", "amin")
    for keep in (True, False)
]
INDEXED = [
    Row(
        "index_reduce",
        lambda s, r=reduce, k=keep: [Call(*c.args, r, include_self=k) for c in slices(s)],
        tag=f"{reduce}{'' if keep else '_new'}",
        out=True,
        inplace=True if keep else None,
        dtypes=DTYPES[1:9],
    )
    for reduce in ("prod", "mean", "amax", "amin")
    for keep in (True, False)
]
DATA = "the shape of the result depends on the data"


def segments(s: Sampler, reduce: str) -> list[Call]:
    return [
        Call(s.t(6, 2), reduce, lengths=T([2, 3, 1])),
        Call(s.t(6, 2), reduce, lengths=T([2, 0, 4]), initial=1.5),
        Call(s.t(6), reduce, offsets=T([0, 1, 6])),
        Call(s.t(2, 3, 2), reduce, lengths=T([[1, 2], [0, 3]]), axis=1, initial=-0.5),
        Call(s.t(6, 2), reduce, lengths=T([2, 3]), unsafe=True),
        Call(s.of([2.0, 0.0, 3.0, 0.0, 0.0, 1.0]), reduce, lengths=T([3, 3])),
    ]


ROWS = [
    Row(
        "scatter",
        lambda s: [
            Call(s.t(3, 4), 0, unique_rows(s, 3, 4), s.t(3, 4)),
            Call(s.t(3, 4), 0, unique_rows(s, 3, 2), s.t(3, 2)),
            Call(s.t(5), 0, T([4, 0]), s.t(2)),
        ],
        out=True,
        inplace=True,
        complex=True,
    ),
    Row(
        "scatter",
        lambda s: [Call(s.t(3, 4), 0, s.i(2, 4, high=3), 1.5), Call(s.t(3, 4), 1, s.i(3, 2, high=3), value=2)],
        tag="value",
        out=True,
        inplace=True,
        complex=True,
    ),
    Row(
        "scatter",
        lambda s: [
            Call(s.t(3, 4, grad=False), 0, s.i(2, 4, high=3), s.t(2, 4, grad=False), reduce="add"),
            Call(s.t(3, 4, grad=False), 0, s.i(2, 4, high=3), 2.0, reduce="multiply"),
        ],
        tag="reduce",
        grad=False,
        out=True,
        inplace=True,
    ),
    *[
        Row(
            "segment_reduce",
            lambda s, r=reduce: segments(s, r),
            tag=reduce,
            dtypes=(),
            vmap=False,
            edges=None,
            skip={
                "second in PyTorch": "it has none",
                "forward in PyTorch": "it has none",
                **({"second": "extrema tie", "gradient": "extrema tie"} if reduce in ("max", "min") else {}),
            },
        )
        for reduce in ("sum", "mean", "prod", "max", "min")
    ],
    Row("scatter_add", three, out=True, inplace=True, complex=True),
    *REDUCED,
    Row(
        "index_add",
        lambda s: [*slices(s), Call(s.t(3, 4), 0, s.i(5, high=3), s.t(5, 4), alpha=2.5)],
        out=True,
        inplace=True,
        complex=True,
    ),
    Row("index_copy", once, out=True, inplace=True, complex=True),
    Row(
        "index_fill",
        lambda s: [
            Call(s.t(3, 4), 0, s.i(2, high=3), 1.5),
            Call(s.t(3, 4), 1, s.i(2, high=3), s.t()),
            Call(s.t(5), -1, T(3), 2),
        ],
        inplace=True,
        complex=True,
        dtypes=DTYPES[6:9],
    ),
    *INDEXED,
    Row(
        "masked_fill",
        lambda s: [
            Call(s.t(3, 4), s.b(3, 4), 1.5),
            Call(s.t(3, 4), s.b(4), s.t()),
            Call(s.t(4), s.b(3, 4), 2),
            Call(s.t(2, 3, 1), s.b(3, 4), 0.0),
        ],
        complex=True,
    ),
    Row(
        "masked_fill",
        lambda s: [Call(s.t(3, 4), s.b(3, 4), 1.5), Call(s.t(3, 4), s.b(4), 2.0)],
        tag="in_place",
        inplace=True,
        complex=True,
        dtypes=DTYPES[6:9],
    ),
    Row(
        "masked_select",
        lambda s: [Call(s.t(3, 4), s.b(3, 4)), Call(s.t(3, 4), s.b(4)), Call(s.t(4), s.b(3, 4)), Call(s.t(), s.b())],
        out=True,
        complex=True,
        vmap=False,
    ),
    Row(
        "masked_scatter",
        lambda s: [Call(s.t(3, 4), s.b(3, 4), s.t(3, 4)), Call(s.t(3, 4), s.b(4), s.t(20))],
        inplace=True,
        complex=True,
    ),
    Row(
        "take",
        lambda s: [Call(s.t(3, 4), s.i(5, high=12)), Call(s.t(3, 4), s.i(2, 2, low=-12, high=12)), Call(s.t(4), T(2))],
        out=True,
        complex=True,
    ),
    Row(
        "put",
        lambda s: [Call(s.t(3, 4), T([4, 0, -1]), s.t(3)), Call(s.t(3, 4), T([[4, 0], [1, 2]]), s.t(4))],
        inplace=True,
        complex=True,
    ),
    Row(
        "put",
        lambda s: [Call(s.t(3, 4), T([4, 0, 4]), s.t(3), True), Call(s.t(3, 4), T([4, 4]), s.t(2), accumulate=True)],
        tag="accumulate",
        inplace=True,
        complex=True,
    ),
    Row(
        "take_along_dim",
        lambda s: [
            Call(s.t(3, 4), s.i(3, 2, high=4), 1),
            Call(s.t(3, 4), s.i(1, 4, high=3), 0),
            Call(s.t(3, 4), s.i(5, high=12)),
            Call(s.t(3, 1, 2), s.i(3, 4, 2, low=-3, high=3), dim=0),
        ],
        out=True,
        complex=True,
    ),
    Row(
        "select_scatter", lambda s: [Call(s.t(3, 4), s.t(4), 0, 1), Call(s.t(3, 4), s.t(3), 1, -1)]
    ),  # complex gradients: PyTorch has none
    Row(
        "slice_scatter",
        lambda s: [
            Call(s.t(3, 4), s.t(2, 4), 0, 1, 3),
            Call(s.t(3, 4), s.t(3, 2), 1, None, None, 2),
            Call(s.t(5), s.t(3), start=-3),
        ],
    ),
    Row(
        "diagonal_scatter",
        lambda s: [Call(s.t(3, 3), s.t(3)), Call(s.t(3, 4), s.t(3), 1), Call(s.t(2, 3, 3), s.t(3, 2), 0, 0, 2)],
        complex=True,
    ),
    Row(
        "as_strided_scatter",
        lambda s: [Call(s.t(3, 4), s.t(2, 2), (2, 2), (4, 1)), Call(s.t(6), s.t(3), (3,), (2,), 1)],
        complex=True,
        vmap=False,
        layouts=False,
        skip=dict.fromkeys(
            ("value", "single"),
            "PyTorch's gradient is that of the elements that were replaced; ours agrees with differences",
        ),
    ),
    Row(
        "repeat_interleave",
        lambda s: [
            Call(s.t(3, 4), 2),
            Call(s.t(3, 4), 2, 0),
            Call(s.t(3, 4), T([1, 0, 2]), 0),
            Call(s.t(3), T([2, 1, 0])),
            Call(s.t(3, 4), 3, dim=-1),
        ],
        complex=True,
        vmap=False,
    ),
    Row(
        "cartesian_prod",
        lambda s: [Call(s.t(3), s.t(2)), Call(s.t(3)), Call(s.t(2), s.t(2), s.t(3))],
        complex=True,
        method=False,
    ),
    Row("combinations", lambda s: [Call(s.t(4)), Call(s.t(4), 3), Call(s.t(3), with_replacement=True)], complex=True),
    Row(
        "block_diag", lambda s: [Call(s.t(2, 3), s.t(2), s.t(1, 2)), Call(s.t(), s.t(2, 2))], complex=True, method=False
    ),
    Row(
        "unravel_index",
        lambda s: [Call(s.i(5, high=24), (2, 3, 4)), Call(s.i(2, 2, high=6), 6)],
        grad=False,
        vmap=False,
    ),
    Row(
        "argwhere", lambda s: [Call(s.i(3, 4, high=2)), Call(s.b(3)), Call(s.t(2, grad=False))], grad=False, vmap=False
    ),
    Row(
        "nonzero_static",
        lambda s: [Call(s.i(3, 4, high=2), size=5), Call(s.i(2, high=2), size=5, fill_value=7)],
        grad=False,
        vmap=False,
        skip={"names": "out= is internal there"},
    ),
    *[
        Row(
            name,
            samples,
            complex=name not in ("select_copy", "slice_copy"),
            out=name not in ("unbind_copy", "split_copy", "split_with_sizes_copy"),
            vmap=name != "as_strided_copy",
            layouts=name not in ("as_strided_copy", "view_copy"),
            skip={"node": "a view and a clone here"},
        )
        for name, samples in {
            "alias_copy": lambda s: [Call(s.t(3))],
            "as_strided_copy": lambda s: [Call(s.t(3, 4), (2, 2), (1, 2), 1)],
            "diagonal_copy": lambda s: [Call(s.t(3, 4), 1)],
            "expand_copy": lambda s: [Call(s.t(3, 1), (3, 4))],
            "narrow_copy": lambda s: [Call(s.t(3, 4), 1, 1, 2)],
            "permute_copy": lambda s: [Call(s.t(3, 4), (1, 0))],
            "select_copy": lambda s: [Call(s.t(3, 4), 1, 1)],
            "slice_copy": lambda s: [Call(s.t(3, 4), 1, 1, 3)],
            "split_copy": lambda s: [Call(s.t(3, 4), 2)],
            "split_with_sizes_copy": lambda s: [Call(s.t(3, 4), (1, 2))],
            "squeeze_copy": lambda s: [Call(s.t(3, 1))],
            "t_copy": lambda s: [Call(s.t(3, 4))],
            "transpose_copy": lambda s: [Call(s.t(3, 4), 0, 1)],
            "unbind_copy": lambda s: [Call(s.t(3, 4))],
            "unfold_copy": lambda s: [Call(s.t(5), 0, 3, 2)],
            "unsqueeze_copy": lambda s: [Call(s.t(3), 1)],
            "view_copy": lambda s: [Call(s.t(3, 4), (4, 3))],
        }.items()
    ],
    Row(
        "fill",
        lambda s: [Call(s.t(3, 4), 2.5), Call(s.t(3, 4), s.t()), Call(s.t(), 1)],
        complex=True,
        dtypes=DTYPES[6:9],
    ),
    Row(
        "Tensor.fill_",
        lambda s: [Call(s.t(3, 4, grad=False), 2.5), Call(s.t(3, 4, grad=False), s.t(grad=False))],
        grad=False,
    ),
    Row("Tensor.zero_", lambda s: [Call(s.t(3, 4, grad=False))], grad=False),
    Row(
        "Tensor.fill_diagonal_",
        lambda s: [
            Call(s.t(3, 4, grad=False), 2.5),
            Call(s.t(7, 3, grad=False), 1, True),
            Call(s.t(7, 3, grad=False), 1),
            Call(s.t(2, 2, 2, grad=False), 5),
        ],
        grad=False,
        vmap=False,
    ),
]
