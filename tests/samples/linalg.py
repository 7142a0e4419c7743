"""Samples of linear algebra."""

from __future__ import annotations

import numpy as np

from samples import Call, Row, Sampler, T

F = ("float32", "float64")
FC = ("float32", "float64", "complex64", "complex128")
ALL = ("bool", "int64", "float32", "float64", "complex64", "complex128")
INF = float("inf")
SIGNS = {
    "value": "vectors are given up to a sign or a phase, which LAPACKs choose differently",
    "single": "vectors are given up to a sign or a phase, which LAPACKs choose differently",
}
LOOP = "PyTorch has no rule of batching either"
NAMED = {"node": "made of other operators in another order than PyTorch's"}


def regular(s: Sampler, *shape: int) -> T:
    """Well conditioned square matrices."""
    x = s.t(*shape, low=-1, high=1)
    return x.like(x.array + 2 * np.eye(shape[-1]))


def spread(s: Sampler, *shape: int) -> T:
    """Matrices with well separated singular values and eigenvalues."""
    x = s.t(*shape, low=-0.5, high=0.5)
    k = np.arange(1, min(shape[-2:]) + 1)
    x.array[..., k - 1, k - 1] += 2.0 * k
    return x


def square(s: Sampler) -> list[Call]:
    return [
        Call(regular(s, 3, 3)),
        Call(regular(s, 2, 4, 4)),
        Call(regular(s, 1, 1)),
        Call(s.t(0, 0)),
        Call(s.t(2, 0, 0)),
    ]


def systems(s: Sampler) -> list[Call]:
    return [
        Call(regular(s, 3, 3), s.t(3, 2)),
        Call(regular(s, 3, 3), s.t(3)),
        Call(regular(s, 2, 3, 3), s.t(2, 3)),
        Call(regular(s, 2, 3, 3), s.t(3, 2)),
        Call(regular(s, 3, 3), s.t(2, 3, 2)),
        Call(regular(s, 3, 3), s.t(2, 3), left=False),
        Call(regular(s, 2, 1, 2, 2), s.t(3, 2, 2)),
        Call(s.t(0, 0), s.t(0, 2)),
    ]


def triangles(s: Sampler) -> list[Call]:
    return [
        Call(regular(s, 3, 3), s.t(3, 2), upper=True),
        Call(regular(s, 3, 3), s.t(3, 2), upper=False),
        Call(regular(s, 2, 3, 3), s.t(2, 4, 3), upper=True, left=False),
        Call(regular(s, 3, 3), s.t(2, 3, 1), upper=False, unitriangular=True),
        Call(regular(s, 2, 3, 3), s.t(3, 2), upper=True, unitriangular=True),
    ]


def plain(x: T) -> T:
    """The same without a gradient."""
    return T(x.array, False, x.cast)


def any_shape(s: Sampler) -> list[Call]:
    return [Call(spread(s, 3, 3)), Call(spread(s, 4, 2)), Call(spread(s, 2, 4)), Call(spread(s, 2, 3, 2))]


def norms(s: Sampler) -> list[Call]:
    orders = ("fro", "nuc", 1, -1, 2, -2, INF, -INF)
    return (
        [Call(spread(s, 3, 4), o) for o in orders]
        + [Call(spread(s, 2, 3, 4), o, (0, 2), True) for o in orders]
        + [Call(spread(s, 2, 3, 3), dim=(-1, 0))]
    )


def zero_norms(s: Sampler) -> list[Call]:
    return [Call(s.of(np.zeros((2, 2))), o) for o in ("fro", 1, -1, 2, -2, INF, -INF, "nuc")] + [
        Call(s.t(0, 3), o) for o in ("fro", "nuc", 2)
    ]


def vector_norms(s: Sampler) -> list[Call]:
    return [Call(s.t(2, 3), o) for o in (0, 1, 2, 3, 0.5, 1.5, -1, -2, INF, -INF)] + [
        Call(s.t(2, 3), 2, 1),
        Call(s.t(2, 3, 4), 3, (0, 2), True),
        Call(s.t()),
    ]


def zero_vectors(s: Sampler) -> list[Call]:
    return [Call(s.of([0.0, 0.0]), o) for o in (0, 1, 2, 3, 0.5, 1.5, INF, -INF)] + [
        Call(s.of([0.0, 3.0]), o) for o in (1, 2, 3, 0.5, 1.5, INF, -INF)
    ]


def systems_of_lu(s: Sampler) -> list[Call]:
    lu, pivots = spread(s, 3, 3), np.array([2, 3, 3], np.int32)
    two = spread(s, 2, 3, 3)
    made = [Call(lu, T(pivots), s.t(3, 2), **o) for o in ({}, {"adjoint": True})]
    made += [Call(spread(s, 3, 3), T(pivots), s.t(2, 3), left=False, adjoint=a) for a in (False, True)]
    return [
        *made,
        Call(two, T(np.array([[1, 2, 3], [3, 3, 3]], np.int32)), s.t(2, 3, 1)),
        Call(two, T(np.array([[1, 2, 3], [3, 3, 3]], np.int32)), s.t(3, 1)),
    ]


def reflected(s: Sampler) -> list[Call]:
    return [
        Call(s.t(4, 3, low=-1, high=1), s.t(3, low=0.5, high=1)),
        Call(s.t(3, 3, low=-1, high=1), s.t(2, low=0.5, high=1)),
        Call(s.t(2, 4, 2, low=-1, high=1), s.t(2, 2, low=0.5, high=1)),
    ]


def rank_two(s: Sampler) -> list[Call]:
    x = s.t(4, 2).array @ s.t(2, 3).array
    return [
        Call(T(x, False)),
        Call(T(x, False), atol=0.1),
        Call(T(x, False), atol=0.1, rtol=0.01),
        Call(T(x, False), 0.5),
        Call(T(np.zeros((2, 3, 3)))),
        Call(T(x.T @ x), hermitian=True),
    ]


def lu_packed(s: Sampler) -> list[Call]:
    return [
        Call(s.t(3, 3), T(np.array([2, 3, 3], np.int32))),
        Call(s.t(4, 2), T(np.array([3, 3], np.int32))),
        Call(s.t(2, 4), T(np.array([1, 2], np.int32))),
        Call(s.t(2, 3, 3), T(np.array([[2, 3, 3], [1, 2, 3]], np.int32))),
        Call(s.t(3, 3), T(np.array([2, 3, 3], np.int32)), unpack_pivots=False),
    ]


def weighted(s: Sampler) -> list[Call]:
    return [
        Call(s.t(3, 5)),
        Call(s.t(5)),
        Call(s.t(3, 5), correction=0),
        Call(s.t(3, 4), fweights=T(np.array([1, 2, 1, 3]))),
        Call(s.t(3, 4), aweights=T(np.array([0.5, 1, 2, 1.5]))),
        Call(s.t(2, 4), fweights=T(np.array([1, 2, 1, 3])), aweights=T(np.array([0.5, 1, 2, 1.5])), correction=2),
    ]


def hermitian(s: Sampler, *shape: int) -> T:
    x = spread(s, *shape)
    return x.like((x.array + np.swapaxes(x.array, -1, -2)) / 2)


ROWS = [
    Row("linalg.inv", square, complex=True, out=True, dtypes=ALL),
    Row("linalg.inv_ex", square, complex=True, out=True, dtypes=ALL),
    Row("linalg.solve", systems, complex=True, out=True, dtypes=ALL),
    Row("linalg.solve_ex", systems, complex=True, out=True, dtypes=ALL),
    Row("linalg.solve_triangular", triangles, complex=True, out=True, dtypes=ALL),
    Row("linalg.det", square, complex=True, out=True, dtypes=ALL),
    Row("linalg.slogdet", square, complex=True, out=True, dtypes=ALL),
    Row(
        "linalg.cholesky",
        lambda s: [Call(s.spd(3)), Call(s.spd(2, 4)), Call(s.spd(3), upper=True), Call(s.t(0, 0))],
        out=True,
        dtypes=ALL,
        skip={
            "gradient": "the gradient is that of symmetric changes",
            "second": "the gradient is that of symmetric changes",
            "forward": "as above",
        },
    ),
    Row(
        "linalg.cholesky_ex",
        lambda s: [Call(s.spd(3)), Call(s.spd(2, 4), upper=True)],
        out=True,
        dtypes=ALL,
        skip={
            "gradient": "the gradient is that of symmetric changes",
            "second": "the gradient is that of symmetric changes",
            "forward": "as above",
        },
    ),
    Row(
        "linalg.qr",
        lambda s: [*any_shape(s), Call(spread(s, 3, 3), "complete"), Call(spread(s, 2, 3), "complete")],
        complex=True,
        out=True,
        dtypes=ALL,
        skip={**SIGNS},
    ),
    Row(
        "linalg.eigh",
        lambda s: [Call(hermitian(s, 3, 3)), Call(hermitian(s, 2, 3, 3), "U")],
        out=True,
        dtypes=ALL,
        skip={
            **SIGNS,
            "gradient": "the gradient is that of symmetric changes",
            "second": "as above",
            "forward": "as above",
        },
    ),
    Row(
        "linalg.eigvalsh",
        lambda s: [Call(hermitian(s, 3, 3)), Call(hermitian(s, 2, 3, 3), UPLO="U")],
        complex=True,
        out=True,
        dtypes=ALL,
        skip={"gradient": "the gradient is that of symmetric changes", "second": "as above", "forward": "as above"},
    ),
    Row("linalg.eig", lambda s: [Call(plain(spread(s, 3, 3)))], grad=False, out=True, dtypes=(), skip={**SIGNS}),
    Row(
        "linalg.eigvals",
        lambda s: [Call(spread(s, 3, 3)), Call(spread(s, 2, 3, 3))],
        complex=True,
        out=True,
        dtypes=ALL,
    ),
    Row(
        "linalg.svd",
        lambda s: [Call(*c.args, False) for c in any_shape(s)] + [Call(spread(s, 3, 3))],
        out=True,
        dtypes=(),
        skip={**SIGNS},
    ),
    Row("linalg.svdvals", any_shape, complex=True, out=True, dtypes=ALL),
    Row(
        "linalg.pinv",
        lambda s: [
            *any_shape(s),
            Call(spread(s, 3, 2), rtol=0.01),
            Call(spread(s, 3, 2), atol=0.1),
            Call(spread(s, 3, 2), 0.01),
        ],
        complex=True,
        out=True,
        dtypes=ALL,
    ),
    Row(
        "linalg.pinv",
        lambda s: [Call(hermitian(s, 3, 3), hermitian=True)],
        tag="hermitian",
        out=True,
        dtypes=F,
        skip={"gradient": "the gradient is that of symmetric changes", "second": "as above", "forward": "as above"},
    ),
    Row(
        "linalg.lstsq",
        lambda s: [
            Call(spread(s, 4, 3), s.t(4, 2)),
            Call(spread(s, 4, 3), s.t(4)),
            Call(spread(s, 2, 4, 3), s.t(2, 4)),
            Call(spread(s, 2, 4), s.t(2, 2)),
            Call(spread(s, 4, 2), s.t(4, 1), driver="gelsd"),
            Call(spread(s, 4, 2), s.t(4, 2), driver="gels"),
        ],
        complex=True,
        dtypes=ALL,
        vmap=False,
        skip={"vmap": "its results have shapes of their own"},
    ),
    Row("linalg.matrix_exp", square, complex=True, dtypes=ALL),
    Row(
        "linalg.matrix_power",
        lambda s: [Call(regular(s, 3, 3), n) for n in (0, 1, 2, 3, 5, -1, -2)] + [Call(regular(s, 2, 3, 3), 4)],
        complex=True,
        out=True,
        dtypes=ALL,
        skip=NAMED,
    ),
    Row("linalg.matrix_norm", norms, complex=True, out=True, edges=zero_norms, dtypes=ALL),
    Row("linalg.vector_norm", vector_norms, complex=True, out=True, edges=zero_vectors),
    Row(
        "linalg.norm",
        lambda s: [
            Call(s.t(2, 3)),
            Call(s.t(4), 1),
            Call(spread(s, 3, 3), "nuc"),
            Call(spread(s, 2, 3, 3), 2, (1, 2)),
            Call(s.t(2, 3, 4)),
            Call(s.t(2, 3), 3, 1, True),
            Call(spread(s, 3, 3), -INF),
        ],
        complex=True,
        out=True,
        edges=zero_norms,
        dtypes=ALL,
    ),
    Row(
        "linalg.cond",
        lambda s: [Call(spread(s, 3, 3), p) for p in (None, 2, -2)] + [Call(spread(s, 4, 3)), Call(spread(s, 2, 3, 3))],
        complex=True,
        out=True,
        dtypes=ALL,
        edges=None,
        skip=NAMED,
    ),
    Row(
        "linalg.cond",
        lambda s: [Call(spread(s, 3, 3), p) for p in ("fro", "nuc", 1, -1, INF, -INF)] + [Call(spread(s, 2, 3, 3), 1)],
        tag="inverse",
        complex=True,
        out=True,
        dtypes=ALL,
        edges=None,
        skip={"value": "PyTorch's gradient fails: its inverse is written in place", "single": "as above"},
    ),
    Row(
        "linalg.cond",
        lambda s: (
            [Call(plain(spread(s, 3, 3)), p) for p in ("fro", "nuc", 1, -1, INF, -INF)]
            + [Call(plain(spread(s, 2, 3, 3)), 1)]
        ),
        tag="values",
        grad=False,
        dtypes=ALL,
        edges=lambda s: [Call(s.of(np.zeros((2, 2)), grad=False), p) for p in (1, "fro", INF, None)],
    ),
    Row("linalg.matrix_rank", rank_two, grad=False, out=True, dtypes=ALL),
    Row(
        "linalg.multi_dot",
        lambda s: [
            Call([s.t(2, 3), s.t(3, 4), s.t(4, 2)]),
            Call([s.t(3), s.t(3, 2)]),
            Call([s.t(3), s.t(3, 4), s.t(4)]),
            Call([s.t(2, 5), s.t(5, 1), s.t(1, 4), s.t(4, 3)]),
        ],
        complex=True,
        out=True,
        dtypes=F,
        skip=NAMED,
    ),
    Row(
        "linalg.cross",
        lambda s: [
            Call(s.t(2, 3), s.t(2, 3)),
            Call(s.t(3, 2), s.t(3, 2), dim=0),
            Call(s.t(2, 1, 3), s.t(1, 4, 3)),
            Call(s.t(3), s.t(3)),
        ],
        complex=True,
        out=True,
    ),
    Row(
        "linalg.vecdot",
        lambda s: [
            Call(s.t(2, 3), s.t(2, 3)),
            Call(s.t(3, 2), s.t(3, 2), dim=0),
            Call(s.t(2, 3), s.t(3)),
            Call(s.t(3), s.t(3)),
        ],
        complex=True,
        out=True,
        dtypes=ALL,
        skip=NAMED,
    ),
    Row(
        "linalg.tensorinv",
        lambda s: [Call(s.t(2, 3, 6)), Call(s.t(6, 2, 3), 1)],
        complex=True,
        out=True,
        dtypes=F,
        skip=NAMED,
    ),
    Row(
        "linalg.tensorsolve",
        lambda s: [Call(s.t(2, 3, 6), s.t(2, 3)), Call(s.t(2, 6, 3), s.t(2, 3), (1,)), Call(s.t(4, 2, 2), s.t(4))],
        complex=True,
        out=True,
        dtypes=F,
        skip=NAMED,
    ),
    Row("linalg.lu", any_shape, complex=True, out=True, dtypes=ALL),
    Row("linalg.lu_factor", any_shape, complex=True, out=True, dtypes=ALL),
    Row("linalg.lu_factor_ex", any_shape, complex=True, out=True, dtypes=ALL),
    Row("linalg.lu_solve", systems_of_lu, complex=True, out=True, dtypes=FC),
    Row(
        "linalg.ldl_factor",
        lambda s: [Call(plain(hermitian(s, 3, 3))), Call(plain(hermitian(s, 2, 3, 3)))],
        grad=False,
        out=True,
        dtypes=F,
    ),
    Row(
        "linalg.ldl_factor_ex",
        lambda s: [Call(plain(hermitian(s, 3, 3))), Call(plain(hermitian(s, 2, 3, 3)))],
        grad=False,
        out=True,
        dtypes=F,
    ),
    Row(
        "linalg.ldl_solve",
        lambda s: [Call(plain(spread(s, 3, 3)), T(np.array([1, 2, 3], np.int32)), plain(s.t(3, 2)))],
        grad=False,
        out=True,
        dtypes=F,
    ),
    Row("linalg.householder_product", reflected, complex=True, out=True, dtypes=ALL, skip=NAMED),
    Row("linalg.vander", lambda s: [Call(s.t(3)), Call(s.t(2, 3), N=4), Call(s.i(3))], complex=True, dtypes=ALL),
    Row(
        "linalg.diagonal",
        lambda s: [Call(s.t(3, 3)), Call(s.t(2, 3, 4), offset=1), Call(s.t(2, 3, 4), dim1=0, dim2=1)],
        complex=True,
    ),
    Row("linalg.matmul", lambda s: [Call(s.t(2, 3), s.t(3, 2))], complex=True, out=True, dtypes=F),
    Row("inverse", square, complex=True, out=True, dtypes=ALL),
    Row("det", square, complex=True, dtypes=ALL),
    Row("slogdet", square, complex=True, dtypes=ALL, out=False),
    Row("logdet", lambda s: [Call(s.spd(3)), Call(s.spd(2, 3))], complex=True, dtypes=ALL),
    Row(
        "cholesky",
        lambda s: [Call(s.spd(3)), Call(s.spd(2, 3)), Call(s.spd(3), True)],
        out=True,
        dtypes=ALL,
        skip={"gradient": "the gradient is that of symmetric changes", "second": "as above", "forward": "as above"},
    ),
    Row(
        "cholesky_solve",
        lambda s: [
            Call(s.t(3, 2), regular(s, 3, 3)),
            Call(s.t(2, 3, 2), regular(s, 3, 3), True),
            Call(s.t(3, 1), regular(s, 2, 3, 3), upper=False),
        ],
        complex=True,
        out=True,
        dtypes=FC,
        skip={"gradient": "the gradient is that of whole matrices", "second": "as above", "forward": "as above"},
    ),
    Row(
        "cholesky_inverse",
        lambda s: [Call(regular(s, 3, 3)), Call(regular(s, 2, 3, 3), True)],
        out=True,
        dtypes=F,
        skip={"gradient": "the gradient is that of whole matrices", "second": "as above", "forward": "as above"},
    ),
    Row(
        "qr",
        lambda s: [Call(spread(s, 3, 2)), Call(spread(s, 3, 3), False)],
        complex=True,
        out=False,
        dtypes=F,
        skip={**SIGNS},
    ),
    Row("svd", lambda s: [Call(spread(s, 3, 2)), Call(spread(s, 3, 3), False)], out=True, dtypes=F, skip={**SIGNS}),
    Row(
        "lu",
        lambda s: [Call(spread(s, 3, 3)), Call(spread(s, 2, 4, 2)), Call(spread(s, 3, 3), get_infos=True)],
        complex=True,
        dtypes=F,
        skip={"names": "its out= is a relic"},
    ),
    Row(
        "lu_solve",
        lambda s: [Call(s.t(3, 2), spread(s, 3, 3), T(np.array([2, 3, 3], np.int32)))],
        complex=True,
        out=True,
        dtypes=FC,
    ),
    Row("lu_unpack", lu_packed, complex=True, out=True, dtypes=FC),
    Row(
        "lu_unpack",
        lambda s: [Call(plain(s.t(3, 3)), T(np.array([2, 3, 3], np.int32)), unpack_data=False)],
        tag="no_data",
        grad=False,
        dtypes=FC,
    ),
    Row("pinverse", lambda s: [Call(spread(s, 3, 2)), Call(spread(s, 2, 3), 0.01)], complex=True, dtypes=FC),
    Row("matrix_exp", square, complex=True, dtypes=ALL),
    Row(
        "matrix_power",
        lambda s: [Call(regular(s, 3, 3), n) for n in (0, 2, -2)],
        complex=True,
        out=True,
        dtypes=ALL,
        skip=NAMED,
    ),
    Row(
        "geqrf",
        lambda s: [Call(plain(spread(s, 3, 2))), Call(plain(spread(s, 2, 3, 3)))],
        grad=False,
        out=True,
        dtypes=ALL,
    ),
    Row("orgqr", reflected, complex=True, out=True, dtypes=ALL, skip=NAMED),
    Row(
        "ormqr",
        lambda s: [
            Call(s.t(3, 3, low=-1, high=1), s.t(3, low=0.5, high=1), s.t(3, 2)),
            Call(s.t(3, 3, low=-1, high=1), s.t(3, low=0.5, high=1), s.t(3, 2), True, True),
            Call(s.t(4, 2, low=-1, high=1), s.t(2, low=0.5, high=1), s.t(2, 4), False),
            Call(s.t(2, 3, 2, low=-1, high=1), s.t(2, 2, low=0.5, high=1), s.t(2, 1, 3), left=False, transpose=True),
        ],
        complex=True,
        out=True,
        dtypes=FC,
        skip=NAMED,
    ),
    Row(
        "triangular_solve",
        lambda s: [
            Call(s.t(3, 2), regular(s, 3, 3)),
            Call(s.t(3, 2), regular(s, 3, 3), False),
            Call(s.t(2, 3, 2), regular(s, 3, 3), True, True),
            Call(s.t(3, 2), regular(s, 3, 3), unitriangular=True),
        ],
        complex=True,
        out=True,
        dtypes=FC,
    ),
    Row("trace", lambda s: [Call(s.t(3, 3)), Call(s.t(2, 3))], complex=True),
    Row(
        "kron",
        lambda s: [Call(s.t(2, 3), s.t(3, 2)), Call(s.t(2), s.t(2, 2)), Call(s.t(), s.t(3))],
        complex=True,
        out=True,
        skip=NAMED,
    ),
    Row("cov", weighted, complex=True, skip=NAMED, dtypes=ALL),
    Row("corrcoef", lambda s: [Call(s.t(3, 5)), Call(s.t(5)), Call(s.t(2, 4))], complex=True, skip=NAMED, dtypes=ALL),
    *[
        Row(
            name,
            lambda s: [Call(plain(spread(s, 6, 2)), 2)],
            grad=False,
            dtypes=(),
            vmap=False,
            skip={
                "layouts": "its random numbers are others at each call",
                "names": "functions of Python's in PyTorch too",
                **SIGNS,
            },
        )
        for name in ("svd_lowrank", "pca_lowrank")
    ],
    Row(
        "cross",
        lambda s: [Call(s.t(2, 3), s.t(2, 3), 1), Call(s.t(3, 2), s.t(3, 2)), Call(s.t(3, 3), s.t(3, 3), dim=-1)],
        complex=True,
        out=True,
    ),
    Row(
        "vander",
        lambda s: [Call(s.t(3)), Call(s.t(3), 4), Call(s.t(3), increasing=True), Call(s.i(3), 0)],
        complex=True,
        dtypes=ALL,
        skip={"value": "PyTorch's gradient fails: it writes in place", "single": "as above"},
    ),
    Row("vander", lambda s: [Call(plain(s.t(3))), Call(plain(s.t(3)), 4, increasing=True)], tag="values", grad=False),
]
