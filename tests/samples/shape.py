"""Samples of rearranging, joining and repeating."""

from __future__ import annotations

import numpy as np

from samples import Call, Row, Sampler, T

VIEW = "PyTorch makes it of other views"


def plain(s: Sampler) -> list[Call]:
    return [Call(s.t(3, 4)), Call(s.t(2, 3, 4)), Call(s.t(3))]


ROWS = [
    Row(
        "reshape",
        lambda s: [
            Call(s.t(3, 4), (4, 3)),
            Call(s.t(3, 4), (2, -1)),
            Call(s.t(3, 4), (-1,)),
            Call(s.t(), (1, 1)),
            Call(s.t(0, 3), (3, 0)),
        ],
        complex=True,
    ),
    Row(
        "Tensor.view",
        lambda s: [Call(s.t(3, 4), 4, 3), Call(s.t(3, 4), (2, -1)), Call(s.t(3, 4), -1), Call(s.t(1), ())],
        complex=True,
        layouts=False,
    ),
    Row("Tensor.view_as", lambda s: [Call(s.t(3, 4), s.t(6, 2, grad=False))], layouts=False),
    Row("Tensor.reshape_as", lambda s: [Call(s.t(3, 4), s.t(6, 2, grad=False))]),
    Row(
        "flatten",
        lambda s: [Call(s.t(2, 3, 4)), Call(s.t(2, 3, 4), 1), Call(s.t(2, 3, 4), 0, 1), Call(s.t()), Call(s.t(3), 0)],
        complex=True,
        skip={"node": "nothing is recorded where nothing changes"},
    ),
    Row(
        "unflatten",
        lambda s: [Call(s.t(3, 4), 1, (2, 2)), Call(s.t(6), 0, (-1, 2)), Call(s.t(6, 2), -2, [2, 3])],
        complex=True,
    ),
    Row("ravel", plain, complex=True),
    Row("permute", lambda s: [Call(s.t(2, 3, 4), (2, 0, 1)), Call(s.t(2, 3), (-1, 0)), Call(s.t(), ())], complex=True),
    Row(
        "transpose",
        lambda s: [Call(s.t(2, 3, 4), 0, 2), Call(s.t(2, 3), -1, 0), Call(s.t(3), 0, 0), Call(s.t(), 0, 0)],
        complex=True,
    ),
    Row("swapaxes", lambda s: [Call(s.t(2, 3, 4), 0, 2)], complex=True),
    Row("swapdims", lambda s: [Call(s.t(2, 3, 4), 0, 2)], complex=True),
    Row("t", lambda s: [Call(s.t(2, 3)), Call(s.t(3)), Call(s.t())], complex=True, skip={"node": VIEW}),
    Row("movedim", lambda s: [Call(s.t(2, 3, 4), 0, 2), Call(s.t(2, 3, 4), (0, 1), (-1, 0))], complex=True),
    Row("moveaxis", lambda s: [Call(s.t(2, 3, 4), 0, 2)], complex=True),
    *[Row(f"Tensor.{name}", lambda s: [Call(s.t(2, 3))], complex=True, skip={"node": VIEW}) for name in ("T", "H")],
    *[
        Row(f"Tensor.{name}", lambda s: [Call(s.t(2, 2, 3))], complex=True, skip={"node": VIEW})
        for name in ("mT", "mH")
    ],
    Row("adjoint", lambda s: [Call(s.t(2, 3)), Call(s.t(2, 3, 4))], complex=True, skip={"node": VIEW}),
    Row(
        "squeeze",
        lambda s: [
            Call(s.t(1, 3, 1)),
            Call(s.t(1, 3, 1), 0),
            Call(s.t(1, 3, 1), (0, 2)),
            Call(s.t(3), 0),
            Call(s.t()),
            Call(s.t(1, 2, 1), (0, 1)),
        ],
        complex=True,
        skip={"node": "one name for all signatures"},
    ),
    Row("unsqueeze", lambda s: [Call(s.t(3, 4), 1), Call(s.t(3), -1), Call(s.t(), 0)], complex=True),
    *[
        Row(
            f"atleast_{n}d",
            lambda s: [Call(s.t()), Call(s.t(3)), Call(s.t(2, 3)), Call(s.t(), s.t(2))],
            complex=True,
            skip={"node": VIEW},
            method=False,
        )
        for n in (1, 2, 3)
    ],
    Row("narrow", lambda s: [Call(s.t(3, 4), 1, 1, 2), Call(s.t(5), 0, -3, 2), Call(s.t(5), 0, 1, 0)], complex=True),
    Row("select", lambda s: [Call(s.t(3, 4), 1, 2), Call(s.t(3, 4), 0, -1), Call(s.t(3), 0, 1)], complex=True),
    Row(
        "diagonal",
        lambda s: [
            Call(s.t(3, 4)),
            Call(s.t(3, 4), 1),
            Call(s.t(2, 3, 3), -1, 1, 2),
            Call(s.t(3, 2, 3), 0, 0, -1),
            Call(s.t(3, 4), 9),
        ],
        complex=True,
    ),
    Row(
        "as_strided",
        lambda s: [Call(s.t(3, 4), (2, 2), (1, 2)), Call(s.t(6), (3, 2), (1, 1), 1), Call(s.t(4), (2, 3), (1, 0))],
        complex=True,
        vmap=False,
        layouts=False,
    ),
    Row(
        "Tensor.unfold",
        lambda s: [Call(s.t(5), 0, 3, 1), Call(s.t(6, 2), 0, 2, 2), Call(s.t(2, 6), -1, 4, 3)],
        complex=True,
    ),
    Row("Tensor.unfold", lambda s: [Call(s.t(), 0, 1, 1)], tag="scalar", skip={"node": "a reshape here"}),
    Row(
        "split",
        lambda s: [Call(s.t(5, 2), 2), Call(s.t(2, 5), 3, 1), Call(s.t(5), [1, 4]), Call(s.t(5), [1, 0, 4], -1)],
        complex=True,
    ),
    Row("split_with_sizes", lambda s: [Call(s.t(5, 2), [1, 4]), Call(s.t(2, 5), (2, 3), 1)], complex=True),
    Row("chunk", lambda s: [Call(s.t(5, 2), 2), Call(s.t(2, 5), 7, 1), Call(s.t(4), 2, -1)], complex=True),
    Row(
        "tensor_split",
        lambda s: [Call(s.t(5, 2), 2), Call(s.t(5, 2), (1, 3)), Call(s.t(2, 5), 3, 1), Call(s.t(4), (0, 9))],
        complex=True,
    ),
    Row("hsplit", lambda s: [Call(s.t(4), 2), Call(s.t(2, 4), 2), Call(s.t(2, 4), (1, 3))], complex=True),
    Row("vsplit", lambda s: [Call(s.t(4, 2), 2), Call(s.t(4, 2), (1, 3))], complex=True),
    Row("dsplit", lambda s: [Call(s.t(1, 2, 4), 2), Call(s.t(1, 2, 4), (1, 3))], complex=True),
    Row("unbind", lambda s: [Call(s.t(3, 2)), Call(s.t(2, 3), 1), Call(s.t(2))], complex=True),
    Row("unsafe_split", lambda s: [Call(s.t(5, 2), 2)], complex=True),
    Row("unsafe_chunk", lambda s: [Call(s.t(5, 2), 2)], complex=True),
    Row("unsafe_split_with_sizes", lambda s: [Call(s.t(5, 2), [1, 4])], complex=True),
    Row(
        "cat",
        lambda s: [
            Call([s.t(2, 3), s.t(1, 3)]),
            Call([s.t(2, 3), s.t(2, 1), s.t(2, 2)], 1),
            Call([s.t(0), s.t(2, 3)]),
            Call((s.t(3), s.t(2)), dim=-1),
        ],
        out=True,
        complex=True,
    ),
    Row(
        "cat",
        lambda s: [
            Call([s.t(2, grad=False), T(np.array([1, 2]))]),
            Call([T(np.array([1], "i4")), T(np.array([1.5], "f4")), T(np.array([1.5], "f2"))]),
            Call([T(np.array([True])), T(np.array([2], "u1"))]),
        ],
        tag="promotion",
        grad=False,
        vmap=False,
    ),
    Row("concat", lambda s: [Call([s.t(2, 3), s.t(1, 3)])], out=True),
    Row("concatenate", lambda s: [Call([s.t(2, 3), s.t(1, 3)])], out=True),
    Row(
        "stack",
        lambda s: [
            Call([s.t(2, 3), s.t(2, 3)]),
            Call([s.t(2, 3), s.t(2, 3)], 1),
            Call([s.t(2, 3), s.t(2, 3)], -1),
            Call([s.t(), s.t()], -1),
        ],
        out=True,
        complex=True,
    ),
    Row(
        "stack",
        lambda s: [
            Call([s.t(2, grad=False), T(np.array([1, 2]))]),
            Call([T(np.array([1], "i4")), T(np.array([1.5], "f4"))]),
        ],
        tag="promotion",
        grad=False,
        vmap=False,
    ),
    Row(
        "hstack",
        lambda s: [Call([s.t(2), s.t(3)]), Call([s.t(2, 1), s.t(2, 3)]), Call([s.t(), s.t()])],
        out=True,
        complex=True,
    ),
    Row("vstack", lambda s: [Call([s.t(2), s.t(2)]), Call([s.t(1, 2), s.t(3, 2)])], out=True, complex=True),
    Row("row_stack", lambda s: [Call([s.t(2), s.t(2)])], out=True),
    Row("dstack", lambda s: [Call([s.t(2), s.t(2)]), Call([s.t(2, 3, 1), s.t(2, 3, 2)])], out=True, complex=True),
    Row("column_stack", lambda s: [Call([s.t(2), s.t(2, 2)]), Call([s.t(), s.t()])], out=True, complex=True),
    Row("flip", lambda s: [Call(s.t(3, 4), (0,)), Call(s.t(3, 4), (0, -1)), Call(s.t(3), [0])], complex=True),
    Row("fliplr", lambda s: [Call(s.t(3, 4))], complex=True),
    Row("flipud", lambda s: [Call(s.t(3, 4))], complex=True),
    Row(
        "roll",
        lambda s: [Call(s.t(3, 4), 1), Call(s.t(3, 4), 2, 1), Call(s.t(3, 4), (1, -1), (0, 1)), Call(s.t(4), -5, 0)],
        complex=True,
    ),
    Row(
        "rot90",
        lambda s: [
            Call(s.t(3, 4)),
            Call(s.t(3, 4), 2),
            Call(s.t(3, 4), -1, (1, 0)),
            Call(s.t(3, 4), 0),
            Call(s.t(2, 3, 4), 1, [1, 2]),
        ],
        complex=True,
        skip={"node": VIEW},
    ),
    Row(
        "Tensor.repeat",
        lambda s: [Call(s.t(3), 2, 2), Call(s.t(2, 1), (1, 3)), Call(s.t(), 3), Call(s.t(2), 0)],
        complex=True,
        skip={"node": VIEW},
    ),
    Row(
        "tile",
        lambda s: [Call(s.t(2, 3), (2,)), Call(s.t(2), (2, 2)), Call(s.t(), (3,))],
        complex=True,
        skip={"node": VIEW},
    ),
    Row(
        "Tensor.expand",
        lambda s: [Call(s.t(3, 1), 3, 4), Call(s.t(3, 1), (2, -1, 4)), Call(s.t(), 2), Call(s.t(1), -1)],
        complex=True,
    ),
    Row("Tensor.expand_as", lambda s: [Call(s.t(3, 1), s.t(2, 3, 4, grad=False))], complex=True),
    Row("broadcast_to", lambda s: [Call(s.t(3, 1), (2, 3, 4)), Call(s.t(), (2,))], complex=True),
    Row("broadcast_tensors", lambda s: [Call(s.t(3, 1), s.t(4)), Call(s.t(), s.t(2))], complex=True, method=False),
    Row(
        "Tensor.sum_to_size",
        lambda s: [Call(s.t(3, 4), 3, 1), Call(s.t(2, 3, 4), (4,)), Call(s.t(2, 3), 2, 3)],
        complex=True,
        skip={"node": "one operator here"},
    ),
    Row(
        "meshgrid",
        lambda s: [Call(s.t(3), s.t(2), indexing="ij"), Call([s.t(3), s.t(2), s.t()], indexing="xy"), Call(s.t(3))],
        complex=True,
        method=False,
        skip={"node": VIEW},
    ),
    Row("clone", plain, complex=True),
    Row("Tensor.contiguous", lambda s: [Call(s.t(3, 4))], complex=True),
    Row(
        "tril",
        lambda s: [Call(s.t(3, 4)), Call(s.t(3, 4), 1), Call(s.t(2, 3, 3), -1), Call(s.t(3, 4), diagonal=-9)],
        out=True,
        inplace=True,
        complex=True,
    ),
    Row(
        "triu",
        lambda s: [Call(s.t(3, 4)), Call(s.t(3, 4), 1), Call(s.t(2, 3, 3), -1), Call(s.t(3, 4), diagonal=9)],
        out=True,
        inplace=True,
        complex=True,
    ),
    Row(
        "diag",
        lambda s: [Call(s.t(3)), Call(s.t(3), 1), Call(s.t(3, 4)), Call(s.t(3, 4), -1)],
        out=True,
        complex=True,
        skip={"node": VIEW},
    ),
    Row(
        "diag_embed",
        lambda s: [Call(s.t(3)), Call(s.t(2, 3), 1), Call(s.t(2, 3), -1, 0, 2)],
        complex=True,
        skip={"node": VIEW},
    ),
    Row("diagflat", lambda s: [Call(s.t(2, 2)), Call(s.t(3), 1), Call(s.t())], complex=True, skip={"node": VIEW}),
    Row(
        "Tensor.to",
        lambda s: [Call(s.t(3, dtype="f4", grad=False).like(np.ones(3, "f4")), s.t(2, grad=False))],
        grad=False,
    ),
    Row(
        "Tensor.type_as",
        lambda s: [Call(s.t(3, dtype="f4"), s.t(2, grad=False))],
        skip=dict.fromkeys(("gradient", "second", "forward"), "the differences are rounded"),
    ),
    *[
        Row(
            f"Tensor.{name}",
            lambda s: [Call(s.t(3, low=0))],
            second=False,
            skip=dict.fromkeys(("gradient", "second", "forward", "node"), "rounded"),
        )
        for name in ("double", "float")
    ],
    *[
        Row(f"Tensor.{name}", lambda s: [Call(s.t(3, low=0, grad=False))], grad=False)
        for name in ("half", "long", "int", "short", "char", "byte", "bool")
    ],
    Row("narrow", lambda s: [Call(s.t(3, 4), 1, T(1), 2)], tag="tensor_start", vmap=False),
]
