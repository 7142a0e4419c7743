"""Samples of products of vectors and matrices."""

from __future__ import annotations

from samples import Call, Row

SAME = ("float16", "float32", "float64", "complex64", "complex128", "int64", "int32", "uint8")

ROWS = [
    Row("mm", lambda s: [Call(s.t(2, 3), s.t(3, 4)), Call(s.t(1, 1), s.t(1, 5))], complex=True, out=True),
    Row("bmm", lambda s: [Call(s.t(2, 2, 3), s.t(2, 3, 4)), Call(s.t(1, 1, 2), s.t(1, 2, 1))], complex=True, out=True),
    Row("Tensor.__rmatmul__", lambda s: [Call(s.t(3, 4), s.t(2, 3))], complex=True),
    Row("mv", lambda s: [Call(s.t(2, 3), s.t(3))], complex=True, out=True),
    Row("dot", lambda s: [Call(s.t(3), s.t(3)), Call(s.t(1), s.t(1))], complex=True, out=True),
    Row("vdot", lambda s: [Call(s.t(3), s.t(3))], complex=True, out=True),
    Row(
        "matmul",
        lambda s: [
            Call(s.t(3), s.t(3)),
            Call(s.t(2, 3), s.t(3)),
            Call(s.t(3), s.t(3, 2)),
            Call(s.t(2, 3), s.t(3, 4)),
            Call(s.t(2, 2, 3), s.t(3, 2)),
            Call(s.t(2, 2, 3), s.t(3)),
            Call(s.t(3), s.t(2, 3, 2)),
            Call(s.t(2, 3), s.t(2, 3, 2)),
            Call(s.t(2, 1, 2, 3), s.t(2, 3, 2)),
        ],
        complex=True,
        out=True,
        skip={"node": "the node of the last reshaping step differs where a vector stands on the left"},
    ),
    Row(
        "addmm",
        lambda s: [
            Call(s.t(2, 4), s.t(2, 3), s.t(3, 4)),
            Call(s.t(4), s.t(2, 3), s.t(3, 4), beta=0.5, alpha=2),
            Call(s.t(2, 1), s.t(2, 3), s.t(3, 4), beta=2),
        ],
        complex=True,
        out=True,
    ),
    Row(
        "addmv",
        lambda s: [Call(s.t(2), s.t(2, 3), s.t(3)), Call(s.t(1), s.t(2, 3), s.t(3), beta=0.5, alpha=2)],
        out=True,
    ),
    Row("addr", lambda s: [Call(s.t(2, 3), s.t(2), s.t(3)), Call(s.t(3), s.t(2), s.t(3), beta=0.5, alpha=2)], out=True),
    Row(
        "baddbmm",
        lambda s: [
            Call(s.t(2, 2, 4), s.t(2, 2, 3), s.t(2, 3, 4)),
            Call(s.t(2, 1, 4), s.t(2, 2, 3), s.t(2, 3, 4), beta=0.5, alpha=2),
        ],
        out=True,
    ),
    Row("addbmm", lambda s: [Call(s.t(2, 4), s.t(2, 2, 3), s.t(2, 3, 4), beta=0.5, alpha=2)], out=True),
    Row("outer", lambda s: [Call(s.t(2), s.t(3))], complex=True, out=True),
    Row("inner", lambda s: [Call(s.t(3), s.t(3)), Call(s.t(2, 3), s.t(4, 3)), Call(s.t(), s.t(2))], out=True),
    Row(
        "tensordot",
        lambda s: [
            Call(s.t(2, 3), s.t(3, 2), dims=1),
            Call(s.t(2, 3, 2), s.t(3, 2, 4), dims=2),
            Call(s.t(2, 3, 2), s.t(2, 3), dims=([0, 1], [0, 1])),
            Call(s.t(2), s.t(3), dims=0),
        ],
    ),
    Row(
        "einsum",
        lambda s: [
            Call("ij,jk->ik", s.t(2, 3), s.t(3, 4)),
            Call("i,i->", s.t(3), s.t(3)),
            Call("bij,bjk->bik", s.t(2, 2, 3), s.t(2, 3, 2)),
            Call("ii->i", s.t(3, 3)),
            Call("ii", s.t(3, 3)),
            Call("ij->ji", s.t(2, 3)),
            Call("...ij,...jk->...ik", s.t(2, 2, 3), s.t(3, 2)),
            Call("i,j,k->ijk", s.t(2), s.t(3), s.t(2)),
            Call("ij,kj,k->i", s.t(2, 3), s.t(2, 3), s.t(2)),
            Call("b...->...", s.t(2, 3, 2)),
            Call("ij,j", s.t(2, 3), s.t(3)),
        ],
        complex=True,
    ),
    Row("chain_matmul", lambda s: [Call(s.t(2, 3), s.t(3, 2), s.t(2, 2))], skip={"node": "PyTorch ends with a view"}),
]
