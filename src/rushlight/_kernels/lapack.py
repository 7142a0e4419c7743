"""Factorisations that NumPy's part of LAPACK leaves out, batched: LU, triangular systems, reflectors, the exponential.

Matrices stand in the last two dimensions. Nothing raises on singular or indefinite input: where LAPACK says how far
it came, so do these (``info``, 0 where all went well, else the number of the pivot that failed, counted from 1).
Heavy steps are matrix products; the loops over columns work on all matrices of a batch at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "cholesky", "eye", "geqrf", "inv", "lu", "matrix_exp", "permutation", "solve", "solve_triangular",
]  # fmt: skip

Array = np.ndarray[Any, Any]
BLOCK = 32  # columns that are factored one by one before a matrix product takes them all


def mT(x: Array) -> Array:
    return x.swapaxes(-1, -2)


def eye(shape: tuple[int, ...], dtype: Any) -> Array:
    """Unit matrices of a batched shape."""
    made = np.zeros(shape, dtype)
    k = np.arange(min(shape[-2:]))
    made[..., k, k] = 1
    return made


def size(x: Array) -> Array:
    """What LAPACK compares pivots by."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


# ---- LU


def lu(a: Array) -> tuple[Array, Array, Array]:
    """``(LU, pivots, info)`` by partial pivoting, packed as LAPACK's getrf packs them (pivots count from 1).

    Right-looking and blocked (Golub and Van Loan, Matrix Computations, 3.2.11). NumPy has no LU of its own: for single
    small matrices the loop over columns costs some 10 microseconds a column, which a batch shares.
    """
    shape = a.shape
    m, n = shape[-2:]
    a = np.array(a).reshape(math.prod(shape[:-2]), m, n)
    rows, r = a.shape[0], min(m, n)
    pivots = np.zeros((rows, r), np.int32)
    info = np.zeros(rows, np.int32)
    each = np.arange(rows)
    for start in range(0, r, BLOCK):
        stop = min(start + BLOCK, r)
        for j in range(start, stop):
            p = np.argmax(size(a[:, j:, j]), 1) + j if rows else np.zeros(0, int)
            pivots[:, j] = p + 1
            swapped = a[each, p]
            a[each, p] = a[:, j]
            a[:, j] = swapped
            pivot = a[:, j, j]
            flat = pivot == 0
            info[flat & (info == 0)] = j + 1
            a[:, j + 1 :, j] /= np.where(flat, 1, pivot)[:, None]
            a[:, j + 1 :, j + 1 : stop] -= a[:, j + 1 :, j, None] * a[:, j, None, j + 1 : stop]
        if stop < n:
            a[:, start:stop, stop:] = solve_triangular(
                a[:, start:stop, start:stop], a[:, start:stop, stop:], False, True
            )
            a[:, stop:, stop:] -= a[:, stop:, start:stop] @ a[:, start:stop, stop:]
    return a.reshape(shape), pivots.reshape((*shape[:-2], r)), info.reshape(shape[:-2])


def permutation(pivots: Array, m: int) -> Array:
    """The order of rows after the swaps that pivots tell of: row ``i`` of ``LU`` was row ``p[i]`` of the matrix."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.tile(np.arange(m), (flat.shape[0], 1))
    each = np.arange(flat.shape[0])
    for j in range(flat.shape[1]):
        other = flat[:, j].astype(np.intp) - 1
        order[each, other], order[:, j] = order[:, j].copy(), order[each, other]
    return order.reshape((*pivots.shape[:-1], m))


# ---- triangular systems


def solve_triangular(a: Array, b: Array, upper: bool, unit: bool = False) -> Array:
    """``X`` with ``a X = b``, by halves down to small blocks; the other triangle of ``a`` is not read."""
    n = a.shape[-1]
    if n <= BLOCK:
        return small_triangular(a, b, upper, unit)
    h = n // 2
    if upper:
        last = solve_triangular(a[..., h:, h:], b[..., h:, :], True, unit)
        first = solve_triangular(a[..., :h, :h], b[..., :h, :] - a[..., :h, h:] @ last, True, unit)
    else:
        first = solve_triangular(a[..., :h, :h], b[..., :h, :], False, unit)
        last = solve_triangular(a[..., h:, h:], b[..., h:, :] - a[..., h:, :h] @ first, False, unit)
    return np.concatenate([first, last], -2)


def small_triangular(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """The general solver: of an upper triangle it needs no pivots, and is plain back substitution."""
    if not upper:  # both ends reversed, a lower triangle is an upper one
        return small_triangular(a[..., ::-1, ::-1], b[..., ::-1, :], True, unit)[..., ::-1, :]
    triangle = np.triu(a)
    if unit:
        k = np.arange(a.shape[-1])
        triangle[..., k, k] = 1
    try:
        return np.linalg.solve(triangle, b)
    except np.linalg.LinAlgError:  # a zero on the diagonal: infinities and nan come out, as LAPACK's trsm has them
        batch = np.broadcast_shapes(triangle.shape[:-2], b.shape[:-2])
        x = np.array(np.broadcast_to(b, (*batch, *b.shape[-2:])))
        for i in range(a.shape[-1] - 1, -1, -1):
            x[..., i, :] = (
                x[..., i, :] - (triangle[..., i, None, i + 1 :] @ x[..., i + 1 :, :])[..., 0, :]
            ) / triangle[..., i, i, None]
        return x


# ---- what NumPy raises for a whole batch, matrix by matrix


def inv(a: Array) -> tuple[Array, Array]:
    """``(inverse, info)``; the inverse of a singular matrix is made of infinities and nan."""
    try:
        return np.linalg.inv(a), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        return solve_by_lu(a, eye(a.shape, a.dtype))


def solve(a: Array, b: Array) -> tuple[Array, Array]:
    """``(X, info)`` with ``a X = b``; infinities and nan where ``a`` is singular."""
    try:
        return np.linalg.solve(a, b), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        return solve_by_lu(a, b)


def solve_by_lu(a: Array, b: Array) -> tuple[Array, Array]:
    packed, pivots, info = lu(a)
    order = permutation(pivots, a.shape[-1])
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    order = np.broadcast_to(order, (*batch, order.shape[-1]))
    b = np.take_along_axis(b, order[..., None], -2)
    return solve_triangular(packed, solve_triangular(packed, b, False, True), True), info


def checked_cholesky(a: Array) -> Array:
    """NumPy's, which lets a nan pass where LAPACK does not."""
    made = np.linalg.cholesky(a)
    if np.isnan(made).any():
        raise np.linalg.LinAlgError
    return made


def cholesky(a: Array) -> tuple[Array, Array]:
    """``(L, info)``; of a matrix that is not positive definite, ``L`` as far as it could be computed."""
    try:
        return checked_cholesky(a), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        made = np.tril(a)
        info = np.zeros(a.shape[:-2], np.int32)
        for at in np.ndindex(a.shape[:-2]):
            try:
                made[at] = checked_cholesky(a[at])
            except np.linalg.LinAlgError:
                info[at] = columns_of_cholesky(made[at])
        return made, info


def columns_of_cholesky(lower: Array) -> int:
    """Factor one matrix in place, column by column, up to the first pivot that is not positive."""
    for j in range(len(lower)):
        row = lower[j, :j]
        pivot = (lower[j, j] - row @ row.conj()).real
        lower[j, j] = pivot
        if not pivot > 0:
            return j + 1
        lower[j, j] = pivot**0.5
        lower[j + 1 :, j] = (lower[j + 1 :, j] - lower[j + 1 :, :j] @ row.conj()) / lower[j, j]
    return 0


# ---- orthogonal factors


def geqrf(a: Array) -> tuple[Array, Array]:
    """The packed QR factorisation of LAPACK: R above, the reflectors below the diagonal, and their factors."""
    m, n = a.shape[-2:]
    if 0 in a.shape:
        return a.copy(), np.zeros((*a.shape[:-2], min(m, n)), a.dtype)
    packed, tau = np.linalg.qr(a, mode="raw")
    return np.ascontiguousarray(mT(packed)).astype(a.dtype, copy=False), tau.astype(a.dtype, copy=False)


# ---- the exponential

# Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited" (2005): the Pade approximant of
# degree 13, exact to double precision for norms up to THETA.
PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
THETA = 5.371920351148152


def matrix_exp(a: Array) -> Array:
    """The exponential of every matrix, computed in double precision."""
    dtype = a.dtype
    if 0 in a.shape:
        return a.copy()
    x = a.astype(np.complex128 if dtype.kind == "c" else np.float64)
    norm = np.max(np.sum(np.abs(x), -2), -1)
    finite = np.isfinite(norm)
    norm = np.where(finite, norm, 0)
    x = np.where(finite[..., None, None], x, 0)
    steps = np.maximum(0, np.ceil(np.log2(np.maximum(norm, 1e-300) / THETA))).astype(int)
    x = x * np.exp2(-steps.astype(float))[..., None, None]
    one = eye(x.shape, x.dtype)
    b = PADE
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x2 @ x4
    u = x @ (x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
    v = x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    made = np.linalg.solve(v - u, v + u)
    for k in range(int(np.max(steps, initial=0))):
        made = np.where((k < steps)[..., None, None], made @ made, made)
    return np.where(finite[..., None, None], made, np.nan).astype(dtype)
