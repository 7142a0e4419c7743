"""Linear algebra: factorisations, systems, determinants and norms of matrices, which stand in the last two dimensions.

Forwards are LAPACK's, through NumPy or ``_kernels.lapack``. Every gradient is a formula in matrix products, so that it
can be differentiated again; its source stands with it. Where a factor is not unique (signs, phases, equal values) the
gradient is right for losses that do not depend on the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import levels, record, views
from .._core.declare import BILINEAR, LEADING, operator
from .._core.graph import Bundle
from .._core.tensor import Tensor
from . import return_types
from .broadcast import cast_to, expand, sum_to
from .complexes import conj, real
from .dims import canonical
from .elementary import not_implemented
from .magnitude import check_norm_dtype, legacy, vector_norm
from .products import adjoint as mH
from .products import dot, matmul
from .shape import cat, diag_embed, diagonal, movedim, part, permute, reshape, squeeze, tril, triu, unsqueeze
from .spelling import numpy_names
from .without import NO_NODE, no_formula

Number = bool | int | float | complex


class LinAlgError(RuntimeError):
    """Numbers for which the asked-for decomposition does not exist: a singular matrix, one not positive definite.

    >>> import rushlight as torch
    >>> try:
    ...     torch.linalg.inv(torch.zeros(1, 1))
    ... except torch.linalg.LinAlgError as error:
    ...     print(str(error)[:44])
    linalg.inv: The diagonal element 1 is zero,
    """


# ---- checks


def check_matrix(name: str, x: Any, which: str = "A") -> None:
    if x.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {which} must have at least 2 dimensions.")


def check_square(name: str, x: Any, which: str = "A") -> None:
    check_matrix(name, x, which)
    m, n = x.shape[-2:]
    if m != n:
        raise RuntimeError(f"{name}: {which} must be batches of square matrices, but they are {m} by {n} matrices")


# What PyTorch's kernels are called in its errors: where there is one, it is what refuses float16.
KERNELS = {
    "cholesky_inverse": "cholesky_inverse_out_cpu", "cholesky_solve": "cholesky_solve_cpu",
    "linalg.cholesky": "cholesky_cpu", "linalg.det": "lu_cpu", "linalg.eig": "linalg_eig_out_cpu",
    "linalg.qr": "geqrf_cpu", "linalg.solve": "lu_cpu", "linalg.solve_triangular": "triangular_solve_cpu",
    "linalg.svd": "linalg_svd_cpu", "torch.linalg.householder_product": "orgqr_cpu",
    "torch.linalg.ldl_factor_ex": "ldl_factor_kernel_cpu", "torch.ormqr": "ormqr_cpu",
    "triangular_solve": "triangular_solve_cpu",
}  # fmt: skip
# Those that ask for nothing before: their kernels refuse integers too.
BY_KERNEL = {
    "cholesky_inverse", "cholesky_solve", "linalg.solve_triangular", "torch.linalg.householder_product", "torch.ormqr",
    "triangular_solve",
}  # fmt: skip


def check_inexact(name: str, x: Any, half: bool = False) -> None:
    """Raise unless the tensor is of floating point or complex numbers that the function takes."""
    dtype = record.np_dtype(x)
    if dtype.kind in "fc" and (half or dtype != np.float16):
        return
    if name in KERNELS and (name in BY_KERNEL or dtype.kind == "f"):
        raise NotImplementedError(f"\"{KERNELS[name]}\" not implemented for '{legacy(dtype)}'")
    if dtype.kind == "f":
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got Half")
    raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {legacy(dtype)}")


def check_system(name: str, a: Any, b: Any, left: bool) -> None:
    """Whether ``AX = B`` (or ``XA = B``) makes sense."""
    check_square(name, a)
    check_matrix(name, b, "B")
    n, rows = a.shape[-1], b.shape[-2 if left else -1]
    if n != rows:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({a.shape[-2]}x{n} and {b.shape[-2]}x{b.shape[-1]})"
        )


def check_same_dtype(name: str, a: Any, b: Any, names: tuple[str, str] = ("A", "B")) -> None:
    x, y = record.np_dtype(a), record.np_dtype(b)
    if x != y:
        raise RuntimeError(
            f"{name}: Expected {names[0]} and {names[1]} to have the same dtype, but found {names[0]} of type "
            f"{legacy(x)} and {names[1]} of type {legacy(y)} instead"
        )


def batch_of(a: Any, b: Any) -> tuple[int, ...]:
    """The common batch of two stacks of matrices."""
    try:
        return np.broadcast_shapes(tuple(b.shape[:-2]), tuple(a.shape[:-2]))
    except ValueError as error:
        raise record.unbroadcastable(str(error)) or RuntimeError(str(error)) from None


def first_failed(info: np.ndarray) -> tuple[str, int]:
    """Where in a batch LAPACK failed first, in PyTorch's words, and what it said; ("", 0) if nowhere."""
    flat = info.reshape(-1)
    if not flat.any():
        return "", 0
    i = int(np.flatnonzero(flat)[0])
    return (f"(Batch element {i}): " if info.ndim else ""), int(flat[i])


def values_of(x: Any) -> Any:
    """The numbers inside a tensor of any level, to decide how to compute (not what)."""
    return record.inner_array(x) if isinstance(x, Tensor) else x


def is_complex(x: Any) -> bool:
    return record.np_dtype(x).kind == "c"


def given_out(out: Any, made: Any, op: Any) -> Any:
    """The result of an operator (or of a function of that name), left in ``out`` where that is given."""
    if out is None:
        return made
    declared = views.Named(op) if isinstance(op, str) else op.op
    return views.write_out(declared, out, made)


def diag_of(x: Any) -> Any:
    return diagonal(x, 0, -2, -1)


def eps_of(x: Any) -> float:
    return float(np.finfo(record.np_dtype(x)).eps)


def kernels() -> Any:
    from .._kernels import lapack

    return lapack


# ---- inverses and systems


def inverse_rule(g: Any, inverse: Any) -> Any:
    """d(A^-1) = -A^-1 dA A^-1."""
    t = mH(inverse)
    return -(t @ g @ t)


@operator(
    batch=LEADING, node="LinalgInvExBackward0", outputs=("inverse", "info"), differentiable=(0,),
    gather=return_types.linalg_inv_ex, A=inverse_rule,
)  # fmt: skip
def inv_of(A: Tensor, caller: str | None) -> Any:
    """The inverse and LAPACK's info; ``caller`` names the function that raises for singular matrices."""
    check_square("linalg.inv", A)
    check_inexact("linalg.inv", A)
    made, info = kernels().inv(A)
    if caller:
        at, k = first_failed(info)
        if k:
            raise LinAlgError(
                f"{caller}: {at}The diagonal element {k} is zero, the inversion could not be completed because the input "
                "matrix is singular."
            )
    return made, info


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices. Raises LinAlgError for singular ones.

    >>> import rushlight as torch
    >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return given_out(out, inv_of(A, "linalg.inv")[0], "linalg.inv")


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse of square matrices and, instead of an error, the number of a zero pivot (``info``, else 0).

    >>> import rushlight as torch
    >>> torch.linalg.inv_ex(torch.eye(1)).info
    tensor(0, dtype=torch.int32)
    """
    return given_out(out, inv_of(A, "linalg.inv_ex" if check_errors else None), inv_of)


def solve_rule(g: Any, wanted: Any, A: Any, solution: Any, left: bool, vector: bool, A_shape: Any, B_shape: Any) -> Any:
    """Of X = A^-1 B: the gradient of B is A^-H g, that of A is -(that) X^H."""
    if vector:
        g, solution = unsqueeze(g, -1), unsqueeze(solution, -1)
    gB = solve_of(mH(A), g, left, False, None)[0]
    made = Bundle()
    if wanted[0]:
        gA = -(gB @ mH(solution)) if left else -(mH(solution) @ gB)
        made[0] = sum_to(gA, tuple(A_shape))
    if wanted[1]:
        made[1] = sum_to(squeeze(gB, -1) if vector else gB, tuple(B_shape))
    return made


def solve_batch(op: Any, size: int, mapped: Any, A: Any, B: Any, left: bool, vector: bool, caller: str | None) -> Any:
    if vector:
        B = unsqueeze(B, -1)
    own = (size, *A.shape[mapped[0] : -2])
    rank = max(A.ndim - mapped[0], B.ndim - mapped[1])
    A, B = [lined_up(x, rank) if m else x for x, m in ((A, mapped[0]), (B, mapped[1]))]
    X, info = op.call(A, B, left, False, caller)
    return (squeeze(X, -1) if vector else X), reshape(info, own) if mapped[0] else expand(info, own)


def lined_up(x: Any, rank: int) -> Any:
    """The batch in front, sizes of 1 behind it, up to a rank."""
    missing = rank + 1 - x.ndim
    return reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:])) if missing > 0 else x


@operator(
    batch=solve_batch, node="LinalgSolveExBackward0", outputs=("solution", "info"), differentiable=(0,),
    gather=return_types.linalg_solve_ex, joint=solve_rule, towards=("A", "B"),
)  # fmt: skip
def solve_of(A: Tensor, B: Tensor, left: bool, vector: bool, caller: str | None) -> Any:
    if vector:
        B = B[..., None]
    name = "linalg.solve"
    check_inexact(name, A)
    check_same_dtype(name, A, B)
    check_system(name, A, B, left)
    batch_of(A, B)
    X, info = kernels().solve(A, B) if left else kernels().solve(A.swapaxes(-1, -2), B.swapaxes(-1, -2))
    if caller:
        at, k = first_failed(info)
        if k:
            raise LinAlgError(f"{caller}: {at}The solver failed because the input matrix is singular.")
    X = X if left else X.swapaxes(-1, -2)
    return (X[..., 0] if vector else X), info


def is_vector(A: Any, B: Any) -> bool:
    """Whether the right side is a vector (or a batch of them, one for each matrix)."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1]))


def solved(A: Any, B: Any, left: bool, caller: str | None) -> Any:
    vector = is_vector(A, B)
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case "
            "linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    return solve_of(A, B, left, vector, caller)


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """``X`` with ``AX = B`` (``XA = B`` if not ``left``), of square matrices; ``B`` may be a vector.

    Raises LinAlgError for singular matrices.

    >>> import rushlight as torch
    >>> torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    return given_out(out, solved(A, B, left, "torch.linalg.solve")[0], "linalg.solve")


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """As :func:`solve`, with the number of a zero pivot (``info``, else 0) instead of an error.

    >>> import rushlight as torch
    >>> torch.linalg.solve_ex(torch.eye(1), torch.ones(1, 1)).result
    tensor([[1.]])
    """
    return given_out(out, solved(A, B, left, "torch.linalg.solve_ex" if check_errors else None), solve_of)


def triangular_rule(
    g: Any, wanted: Any, A: Any, result: Any, upper: bool, left: bool, unitriangular: bool, A_shape: Any, B_shape: Any
) -> Any:
    gB = triangular_of(mH(A), g, not upper, left, unitriangular)
    made = Bundle()
    if wanted[0]:
        gA = -(gB @ mH(result)) if left else -(mH(result) @ gB)
        gA = triu(gA, int(unitriangular)) if upper else tril(gA, -int(unitriangular))
        made[0] = sum_to(gA, tuple(A_shape))
    if wanted[1]:
        made[1] = sum_to(gB, tuple(B_shape))
    return made


@operator(
    batch=LEADING, node="LinalgSolveTriangularBackward0", joint=triangular_rule, towards=("A", "B"),
)  # fmt: skip
def triangular_of(A: Tensor, B: Tensor, upper: bool, left: bool, unitriangular: bool) -> Tensor:
    check_system("linalg.solve_triangular", A, B, left)
    check_inexact("linalg.solve_triangular", A)
    batch_of(A, B)
    if left:
        return kernels().solve_triangular(A, B, upper, unitriangular)
    made = kernels().solve_triangular(A.swapaxes(-1, -2), B.swapaxes(-1, -2), not upper, unitriangular)
    return made.swapaxes(-1, -2)


# Slower than PyTorch: LAPACK's wrapper is called a matrix at a time, from Python.
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """``X`` with ``AX = B`` (``XA = B`` if not ``left``) for triangular ``A``, whose other triangle is not read.

    ``unitriangular``: the diagonal is taken to be ones. A zero on it gives infinities and nan.

    >>> import rushlight as torch
    >>> torch.linalg.solve_triangular(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.ones(2, 1), upper=True)
    tensor([[-1.],
            [ 1.]])
    """
    return given_out(out, triangular_of(A, B, upper, left, unitriangular), "linalg.solve_triangular")


# ---- determinants


def det_rule(g: Any, A: Any, result: Any) -> Any:
    """d det A = det A tr(A^-1 dA); of a singular matrix the adjugate, by its singular values (Higham 2020)."""
    numbers = values_of(result)
    if A.shape[-1] == 1:
        return unsqueeze(unsqueeze(g, -1), -1)
    if numbers is None or np.all(numbers != 0):
        return unsqueeze(unsqueeze(g * conj(result), -1), -1) * mH(inv_of(A, None)[0])
    from .compare import eq, where
    from .reduce import exclusive_products
    from .shape import flip

    one = np.eye(A.shape[-1], dtype=record.np_dtype(A))
    flat = unsqueeze(unsqueeze(eq(result, 0), -1), -1)
    plain = unsqueeze(unsqueeze(g * conj(result), -1), -1) * mH(inv_of(where(flat, one, A), None)[0])
    U, S, Vh = svd_of(where(flat, A, np.diag(np.arange(1, A.shape[-1] + 1)).astype(one.dtype)), False)
    others = exclusive_products(S) * flip(exclusive_products(flip(S, (-1,))), (-1,))
    scale = unsqueeze(g * conj(det_of(U) * det_of(Vh)), -1) * others
    return where(flat, (U * unsqueeze(scale, -2)) @ Vh, plain)


@operator(batch=LEADING, node="LinalgDetBackward0", A=det_rule)
def det_of(A: Tensor) -> Tensor:
    check_square("linalg.det", A)
    check_inexact("linalg.det", A)
    return np.linalg.det(A)


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of square matrices; that of an empty one is 1.

    The gradient of a singular matrix is its adjugate's, the true one.

    >>> import rushlight as torch
    >>> torch.linalg.det(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    tensor(-1.)
    """
    return given_out(out, det_of(A), "linalg.det")


def slogdet_rule(g: Any, A: Any, sign: Any) -> Any:
    """d logabsdet = Re tr(A^-1 dA), d sign = i sign Im tr(A^-1 dA)."""
    g_sign, g_log = g.get(0), g.get(1)
    if not is_complex(A):
        if g_log is None:
            from .elementary import zeros_as

            return zeros_as(A)
        return unsqueeze(unsqueeze(g_log, -1), -1) * mH(inv_of(A, None)[0])
    scale: Any = 0 if g_log is None else g_log
    if g_sign is not None:
        from .complexes import imag

        scale = scale - imag(conj(g_sign) * sign) * 1j
    return unsqueeze(unsqueeze(scale, -1), -1) * mH(inv_of(A, None)[0])


def _slogdet(name: str, caller: str, gather: Any) -> Any:
    def body(A: Tensor) -> Any:
        check_square(caller, A)
        check_inexact(caller, A)
        return tuple(np.linalg.slogdet(A))

    body.__name__ = name
    return operator(
        batch=LEADING, node="LinalgSlogdetBackward0", outputs=("sign", "logabsdet"), gather=gather, A=slogdet_rule
    )(body)


slogdet_of = _slogdet("slogdet_of", "linalg.slogdet", return_types.linalg_slogdet)


def slogdet(A: Tensor, *, out: Any = None) -> Any:
    """The sign (of complex matrices, the direction) of the determinant and the logarithm of its size.

    >>> import rushlight as torch
    >>> torch.linalg.slogdet(torch.tensor([[-2.0]])).sign
    tensor(-1.)
    """
    return given_out(out, slogdet_of(A), slogdet_of)


# ---- Cholesky


def cholesky_rule(g: Any, L: Any, upper: bool) -> Any:
    """L^-H phi(L^H g) L^-1 made symmetric, phi the lower triangle with half the diagonal.

    Murray, "Differentiation of the Cholesky decomposition" (2016).
    """
    if upper:
        L, g = mH(L), mH(g)
    P = tril(mH(L) @ g)
    d = diag_of(P)
    P = P - diag_embed(d - real(d) * 0.5)
    inner = triangular_of(mH(L), P, True, True, False)  # L^-H P
    made = triangular_of(L, inner, False, False, False)  # ... L^-1
    return (made + mH(made)) * 0.5


@operator(
    batch=LEADING, node="LinalgCholeskyExBackward0", outputs=("L", "info"), differentiable=(0,),
    gather=return_types.linalg_cholesky_ex, A=cholesky_rule,
)  # fmt: skip
def cholesky_of(A: Tensor, upper: bool, caller: str | None) -> Any:
    return cholesky_forward(A, upper, "linalg.cholesky", caller)


def cholesky_forward(A: Any, upper: bool, name: str, caller: str | None) -> Any:
    check_square(name, A)
    check_inexact(name, A)
    L, info = kernels().cholesky(A.swapaxes(-1, -2).conj() if upper else A)
    if caller:
        at, k = first_failed(info)
        if k:
            raise LinAlgError(
                f"{caller}: {at}The factorization could not be completed because the input is not positive-definite (the "
                f"leading minor of order {k} is not positive-definite)."
            )
    return (L.swapaxes(-1, -2).conj() if upper else L), info


# Slower than PyTorch: in the backward pass, whose two triangular solves are called a matrix at a time.
def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The lower triangle ``L`` with ``A = L L^H``, of symmetric (Hermitian) positive definite matrices.

    Only the lower triangle is read. With ``upper``, the upper triangle is read and ``L^H`` is given. Raises LinAlgError
    for a matrix that is not positive definite.

    >>> import rushlight as torch
    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return given_out(out, cholesky_of(A, upper, "linalg.cholesky")[0], "linalg.cholesky")


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """As :func:`cholesky`, with the order of the leading minor that is not positive (``info``, else 0) for an error.

    >>> import rushlight as torch
    >>> torch.linalg.cholesky_ex(-torch.eye(2)).info
    tensor(1, dtype=torch.int32)
    """
    return given_out(out, cholesky_of(A, upper, "linalg.cholesky_ex" if check_errors else None), cholesky_of)


# ---- QR


def mirrored(X: Any) -> Any:
    """The adjoint of taking the triangle that a QR step keeps: X + X^H with the real diagonal once."""
    made = X + mH(X)
    d = diag_of(made)
    return made - diag_embed(real(d) * 0.5 + (d - real(d)) if is_complex(d) else d * 0.5)


def qr_rule(g: Any, Q: Any, R: Any, mode: str) -> Any:
    """Walter and Lehmann (2018) for tall matrices, Roberts and Roberts, "QR and LQ ... derivatives" (2020) for wide."""
    gQ, gR = g.get(0), g.get(1)
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
            "mode='reduced') if you are going to differentiate through linalg.qr."
        )
    m, n = Q.shape[-2], R.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    if m >= n:
        return tall_qr(Q, R, gQ, gR)
    # A = [X | Y], R = [U | V], X = Q U, Y = Q V
    axis = R.ndim - 1
    U, V = part(R, axis, 0, m), part(R, axis, m, n)
    gU, gV = (None, None) if gR is None else (part(gR, axis, 0, m), part(gR, axis, m, n))
    if gV is not None:
        across = Q @ V @ mH(gV)
        gQ = across if gQ is None else gQ + across
    gX = tall_qr(Q, U, gQ, gU)
    gY = Q @ gV if gV is not None else (Q @ V) * 0
    return cat([gX, gY], -1)


def tall_qr(Q: Any, R: Any, gQ: Any, gR: Any) -> Any:
    M = None if gR is None else gR @ mH(R)
    if gQ is not None:
        M = -(mH(Q) @ gQ) if M is None else M - mH(Q) @ gQ
    inner = Q @ mirrored(triu(M))
    if gQ is not None:
        inner = inner + gQ
    return triangular_of(mH(R), inner, False, False, False)


def _qr(name: str, gather: Any) -> Any:
    def body(A: Tensor, mode: str) -> Any:
        if mode not in ("reduced", "r", "complete"):
            raise RuntimeError(
                f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
            )
        check_matrix("linalg.qr", A)
        check_inexact("linalg.qr", A)
        if mode == "r":
            return np.zeros((0,), A.dtype), np.linalg.qr(A, "r")
        return tuple(np.linalg.qr(A, mode))

    body.__name__ = name
    return operator(batch=qr_batch, node="LinalgQrBackward0", outputs=("Q", "R"), gather=gather, A=qr_rule)(body)


def qr_batch(op: Any, size: int, mapped: Any, A: Any, mode: str) -> Any:
    Q, R = op.call(A, mode)
    return (expand(Q, (size, 0)) if mode == "r" else Q), R


qr_of = _qr("qr_of", return_types.linalg_qr)


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """``A = QR``: orthonormal columns times an upper triangle.

    ``mode``: "reduced", "complete" (a square Q) or "r" (Q is left out). The gradient needs Q, and a matrix whose first
    ``min(m, n)`` columns are independent.

    >>> import rushlight as torch
    >>> torch.linalg.qr(torch.tensor([[0.0, 1.0], [-2.0, 0.0]])).R.abs()
    tensor([[2., 0.],
            [0., 1.]])
    """
    return given_out(out, qr_of(A, mode), qr_of)


# ---- eigenvalues and singular values


def no_phase(d: Any, name: str, what: str) -> None:
    """Complex vectors are given up to a phase each: a loss that depends on it has no gradient."""
    numbers = values_of(d)
    if numbers is not None and not np.allclose(numbers.imag, 0, rtol=1e-2, atol=1e-2):
        raise RuntimeError(
            f"{name}: The {what} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss "
            + (
                "function depends on this quantity, so it is ill-defined."
                if name == "linalg_eig_backward"
                else "function depends on this phase term, making it ill-defined."
            )
        )


def differences(L: Any) -> Any:
    """E[i, j] = L[j] - L[i], and ones on the diagonal."""
    return unsqueeze(L, -2) - unsqueeze(L, -1) + np.eye(L.shape[-1], dtype=record.np_dtype(L))


def off_diagonal(X: Any) -> Any:
    return X * (1 - np.eye(X.shape[-1], dtype=record.np_dtype(X).type(0).real.dtype))


def eigh_rule(g: Any, eigenvalues: Any, eigenvectors: Any) -> Any:
    """V (diag(gL) + skew(V^H gV) / (L_j - L_i)) V^H, which is Hermitian, as the changes of the matrix are.

    Giles, "An extended collection of matrix derivative results" (2008), 3.1; equal eigenvalues give infinities.
    """
    gL, gV = g.get(0), g.get(1)
    L, V = eigenvalues, eigenvectors
    if gV is None:
        return (V * unsqueeze(gL, -2)) @ mH(V)
    inner = mH(V) @ gV
    if is_complex(V):
        no_phase(diag_of(inner), "linalg_eigh_backward", "eigenvectors")
    inner = off_diagonal(skew(inner) * 0.5) / differences(L)
    if gL is not None:
        inner = inner + diag_embed(cast_to(gL, record.np_dtype(V)))
    return V @ inner @ mH(V)


@operator(
    batch=LEADING, node="LinalgEighBackward0", outputs=("eigenvalues", "eigenvectors"),
    gather=return_types.linalg_eigh, A=eigh_rule,
)  # fmt: skip
def eigh_of(A: Tensor, UPLO: str) -> Any:
    check_eigh(A, UPLO)
    try:
        return tuple(np.linalg.eigh(A, UPLO))
    except np.linalg.LinAlgError:
        raise no_convergence("linalg.eigh", A) from None


def check_eigh(A: Any, UPLO: Any) -> None:
    check_square("linalg.eigh", A)
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    if A.dtype.kind not in "fc" or A.dtype == np.float16:
        raise NotImplementedError(f"\"linalg_eigh_cpu\" not implemented for '{legacy(A.dtype)}'")
    if not np.isfinite(A).all():
        raise no_convergence("linalg.eigh", A)


def no_convergence(name: str, A: Any) -> LinAlgError:
    bad = ~np.isfinite(A).all((-2, -1))
    at, _ = first_failed(np.where(bad, 1, 0))
    return LinAlgError(
        f"{name}: {at}The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated "
        f"eigenvalues (error code: {max(A.shape[-1] - 1, 1)})."
    )


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """The eigenvalues, ascending, and orthonormal eigenvectors (columns) of symmetric or Hermitian matrices.

    Only the triangle ``UPLO`` is read. Vectors are given up to sign or phase. Equal eigenvalues have no gradient.

    >>> import rushlight as torch
    >>> torch.linalg.eigh(torch.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
    tensor([1., 3.])
    """
    return given_out(out, eigh_of(A, UPLO), eigh_of)


@operator(batch=LEADING)
def eigvalsh_plain(A: Tensor, UPLO: str) -> Tensor:
    """Eigenvalues alone, where no gradient is wanted."""
    check_eigh(A, UPLO)
    return np.linalg.eigvalsh(A, UPLO)


def wants_gradient(A: Any) -> bool:
    return isinstance(A, Tensor) and (A._node is not None or A.level > 0)


# Slower than PyTorch: the vectors are computed too where a gradient is to come (as in PyTorch).
def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues, ascending, of symmetric or Hermitian matrices; their gradient exists for equal ones too.

    >>> import rushlight as torch
    >>> torch.linalg.eigvalsh(torch.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    made = eigh_of(A, UPLO)[0] if wants_gradient(A) else eigvalsh_plain(A, UPLO)
    return given_out(out, made, "linalg.eigvalsh")


def eig_rule(g: Any, A: Any, eigenvalues: Any, eigenvectors: Any) -> Any:
    """V^-H (diag(gL) + (V^H gV - V^H V diag(Re V^H gV)) / conj(L_j - L_i)) V^H, for vectors of length 1.

    Boeddeker and others, "On the Computation of Complex-valued Gradients" (2017), 4.77.
    """
    gL, gV = g.get(0), g.get(1)
    L, V = eigenvalues, eigenvectors
    if gV is None:
        inner: Any = diag_embed(gL)
    else:
        VhgV = mH(V) @ gV
        d = diag_of(VhgV)
        no_phase(d, "linalg_eig_backward", "eigenvectors")
        inner = VhgV - (mH(V) @ V) * unsqueeze(real(d), -2)
        inner = off_diagonal(inner) / conj(differences(L))
        if gL is not None:
            inner = inner + diag_embed(gL)
    made = solve_of(mH(V), inner @ mH(V), True, False, None)[0]
    return made if is_complex(A) else real(made)


@operator(
    batch=LEADING, node="LinalgEigBackward0", outputs=("eigenvalues", "eigenvectors"),
    gather=return_types.linalg_eig, A=eig_rule,
)  # fmt: skip
def eig_of(A: Tensor) -> Any:
    check_eig(A)
    L, V = np.linalg.eig(A)
    complex_dtype = np.result_type(A.dtype, np.complex64)
    return L.astype(complex_dtype), V.astype(complex_dtype)


def check_eig(A: Any) -> None:
    check_square("linalg.eig", A)
    if A.dtype.kind not in "fc":
        raise RuntimeError(f"Unknown Complex ScalarType for {legacy(A.dtype)}")
    check_inexact("linalg.eig", A)
    if not np.isfinite(A).all():
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")


def eig(A: Tensor, *, out: Any = None) -> Any:
    """The eigenvalues and eigenvectors (columns of length 1) of square matrices, complex always, in no set order.

    >>> import rushlight as torch
    >>> torch.linalg.eig(torch.tensor([[3.0]])).eigenvalues
    tensor([3.+0.j])
    """
    return given_out(out, eig_of(A), eig_of)


@operator(batch=LEADING)
def eigvals_plain(A: Tensor) -> Tensor:
    check_eig(A)
    return np.linalg.eigvals(A).astype(np.result_type(A.dtype, np.complex64))


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of square matrices, complex always.

    >>> import rushlight as torch
    >>> torch.linalg.eigvals(torch.tensor([[3.0]]))
    tensor([3.+0.j])
    """
    return given_out(out, eig_of(A)[0] if wants_gradient(A) else eigvals_plain(A), "linalg.eigvals")


def svd_rule(g: Any, U: Any, S: Any, Vh: Any) -> Any:
    """Townsend, "Differentiating the Singular Value Decomposition" (2016); complex: Wan and Zhang (2019).

    With full matrices only the first columns count: the others are not determined.
    """
    k = S.shape[-1]
    gU, gS, gVh = g.get(0), g.get(1), g.get(2)
    if U.shape[-1] > k:
        U, gU = part(U, U.ndim - 1, 0, k), None if gU is None else part(gU, gU.ndim - 1, 0, k)
    if Vh.shape[-2] > k:
        Vh, gVh = part(Vh, Vh.ndim - 2, 0, k), None if gVh is None else part(gVh, gVh.ndim - 2, 0, k)
    m, n = U.shape[-2], Vh.shape[-1]
    if gU is None and gVh is None:
        return (U * unsqueeze(gS, -2)) @ Vh
    row, column = unsqueeze(S, -2), unsqueeze(S, -1)
    E = (row - column) * (row + column) + np.eye(k, dtype=record.np_dtype(S))
    left = None if gU is None else skew(mH(U) @ gU)
    right = None if gVh is None else skew(Vh @ mH(gVh))
    inner: Any = 0
    if is_complex(U):
        turns = left if right is None else right if left is None else left + right
        no_phase(diag_of(turns), "svd_backward", "singular vectors")
    if left is not None:
        inner = left / E * row
    if right is not None:
        inner = inner + column * (right / E)
    if is_complex(U) and left is not None and right is not None:
        d = diag_of(inner)  # the diagonals above stand for nothing: a phase common to both vectors
        inner = inner - diag_embed(d) + diag_embed(diag_of(left) / (2 * S))
    if gS is not None:
        inner = inner + diag_embed(cast_to(gS, record.np_dtype(U)))
    made = U @ inner
    if m > k and gU is not None:
        over = gU / row
        made = made + over - U @ (mH(U) @ over)
    made = made @ Vh
    if n > k and gVh is not None:
        over = gVh / column
        made = made + U @ (over - (over @ mH(Vh)) @ Vh)
    return made


def skew(X: Any) -> Any:
    return X - mH(X)


def check_svd(A: Any) -> None:
    check_matrix("linalg.svd", A)
    check_inexact("linalg.svd", A)
    if not np.isfinite(A).all():
        at, _ = first_failed(np.where(np.isfinite(A).all((-2, -1)), 0, 1))
        raise LinAlgError(
            f"linalg.svd: {at}The algorithm failed to converge because the input matrix contained non-finite values."
        )


@operator(
    batch=LEADING, node="LinalgSvdBackward0", outputs=("U", "S", "Vh"), gather=return_types.linalg_svd, A=svd_rule
)
def svd_of(A: Tensor, full_matrices: bool) -> Any:
    check_svd(A)
    try:
        return tuple(np.linalg.svd(A, full_matrices))
    except np.linalg.LinAlgError:
        raise no_convergence("linalg.svd", A) from None


def check_driver(name: str, driver: Any) -> None:
    if driver is not None:
        raise RuntimeError(
            f"torch.linalg.{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Any:
    """``A = U diag(S) Vh``: orthonormal columns, singular values (descending), orthonormal rows.

    Vectors are given up to a sign or phase common to a column of U and a row of Vh. Equal singular values have no
    gradient through the vectors; ``driver`` is for other devices.

    >>> import rushlight as torch
    >>> torch.linalg.svd(torch.tensor([[3.0, 0.0], [0.0, -4.0]])).S
    tensor([4., 3.])
    """
    check_driver("svd", driver)
    return given_out(out, svd_of(A, full_matrices), svd_of)


@operator(batch=LEADING)
def svdvals_plain(A: Tensor) -> Tensor:
    check_svd(A)
    return np.linalg.svd(A, compute_uv=False)


# Slower than PyTorch: the vectors are computed too where a gradient is to come (as in PyTorch).
def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values, descending; their gradient exists for equal ones too.

    >>> import rushlight as torch
    >>> torch.linalg.svdvals(torch.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor([4., 3.])
    """
    check_driver("svdvals", driver)
    return given_out(out, svd_of(A, False)[1] if wants_gradient(A) else svdvals_plain(A), "linalg.svdvals")


# ---- pseudo-inverses and least squares


def tolerances(name: str, A: Any, atol: Any, rtol: Any, kinds: tuple[str, ...] = ("atol", "rtol")) -> tuple[Any, Any]:
    """What a singular value must exceed: absolutely, and relatively to the largest."""
    atol, rtol = [
        levels.plain(t, f"{name} with {k}") if isinstance(t, Tensor) else t
        for k, t in zip(kinds, (atol, rtol), strict=True)
    ]
    for kind, given in zip(kinds, (atol, rtol), strict=True):
        if isinstance(given, Tensor) and is_complex(given):
            raise RuntimeError(f"{name}: {kind} tensor of complex type is not supported.")
    default = eps_of(A) * max(A.shape[-2:])
    if rtol is None:
        if atol is None:
            rtol = default
        else:
            bar = values_of(atol)
            rtol = np.where(np.asarray(bar) > 0, 0.0, default)
    atol = 0.0 if atol is None else values_of(atol)
    return np.asarray(atol, np.float64), np.asarray(values_of(rtol), np.float64)


def pinv_rule(g: Any, A: Any, result: Any) -> Any:
    """Golub and Pereyra, "The Differentiation of Pseudo-Inverses ..." (1973), 4.12, transposed."""
    P, Ph, gh = result, mH(result), mH(g)
    made = -(Ph @ g @ Ph)
    x = gh @ P @ Ph
    made = made + (x - A @ (P @ x))
    y = Ph @ (P @ gh)
    return made + (y - (y @ P) @ A)


@operator(batch=None, node="LinalgPinvBackward0", A=pinv_rule)
def pinv_of(A: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    dtype = A.dtype
    if 0 in A.shape:
        return np.zeros((*A.shape[:-2], A.shape[-1], A.shape[-2]), dtype)
    if hermitian:
        L, V = eigh_of.op.body(A, "L")
        size = np.abs(L)
        bar = np.maximum(atol, rtol * size.max(-1))[..., None]
        turned = np.where(size > bar, 1 / np.where(size > bar, L, 1), 0)
        return ((V * turned[..., None, :]) @ V.conj().swapaxes(-1, -2)).astype(dtype)
    U, S, Vh = svd_of.op.body(A, False)
    bar = np.maximum(atol, rtol * S[..., 0])[..., None]
    turned = np.where(bar < S, 1 / np.where(bar < S, S, 1), 0)
    return (Vh.conj().swapaxes(-1, -2) @ (turned[..., None] * U.conj().swapaxes(-1, -2))).astype(dtype)


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: Any = None,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudo-inverse (Moore, Penrose) of matrices of any shape.

    Singular values up to ``max(atol, rtol * largest)`` count as zero; ``rtol`` is ``max(m, n) * eps`` if neither is
    given. ``hermitian``: the matrices are symmetric. The gradient is right where the rank is constant.

    >>> import rushlight as torch
    >>> torch.linalg.pinv(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    dtype = record.np_dtype(A)
    if A.ndim < 2 or dtype.kind not in "fc" or dtype == np.float16:
        raise RuntimeError(
            f"linalg.pinv({legacy(dtype)}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of float, "
            "double, cfloat or cdouble types"
        )
    if rcond is not None:
        rtol, atol = rcond, 0.0 if atol is None else atol
    low, relative = tolerances("linalg.pinv", A, atol, rtol)
    return given_out(out, pinv_of(A, low, relative, bool(hermitian)), "linalg.pinv")


def lstsq_rule(g: Any, wanted: Any, A: Any, B: Any, solution: Any, vector: bool, A_shape: Any, B_shape: Any) -> Any:
    gX, gr = g.get(0), g.get(1)
    if vector:
        B, solution = unsqueeze(B, -1), unsqueeze(solution, -1)
        gX = None if gX is None else unsqueeze(gX, -1)
    gA: Any = None
    gB: Any = None
    if gX is not None:
        low, relative = tolerances("linalg.lstsq", A, None, None)
        P = pinv_of(A, low, relative, False)
        gB = mH(P) @ gX
        gA = pinv_rule(gX @ mH(B), A, P)
    if gr is not None and 0 not in gr.shape:
        rest = (A @ solution - B) * (2 * unsqueeze(gr, -2))
        gA = rest @ mH(solution) if gA is None else gA + rest @ mH(solution)
        gB = -rest if gB is None else gB - rest
    made = Bundle()
    if wanted[0] and gA is not None:
        made[0] = sum_to(gA, tuple(A_shape))
    if wanted[1] and gB is not None:
        made[1] = sum_to(squeeze(gB, -1) if vector else gB, tuple(B_shape))
    return made


@operator(
    batch=None, node="LinalgLstsqBackward0", outputs=("solution", "residuals", "rank", "singular_values"),
    differentiable=(0, 1), gather=return_types.linalg_lstsq, joint=lstsq_rule, towards=("A", "B"),
)  # fmt: skip
def lstsq_of(A: Tensor, B: Tensor, rcond: float, driver: str, vector: bool) -> Any:
    if vector:
        B = B[..., None]
    m, n = A.shape[-2:]
    batch = batch_of(A, B)
    U, S, Vh = np.linalg.svd(A, full_matrices=False)
    bar = 0.0 if driver == "gels" else rcond * np.max(S, -1, initial=0, keepdims=True)
    kept = bar < S
    turned = np.where(kept, 1 / np.where(kept, S, 1), 0)
    X = Vh.conj().swapaxes(-1, -2) @ (turned[..., None] * (U.conj().swapaxes(-1, -2) @ B))
    rank = np.count_nonzero(kept, -1).astype(np.int64)
    nothing = np.zeros(0, S.dtype)
    residuals = nothing
    if m > n and driver != "gelsy" and (driver == "gels" or np.all(rank == n)):
        rest = A @ X - B
        residuals = np.sum((rest * rest.conj()).real, -2)
    values = S if driver in ("gelsd", "gelss") else nothing
    X = np.broadcast_to(X, (*batch, *X.shape[-2:]))
    return (
        (X[..., 0] if vector else np.array(X)).astype(A.dtype), residuals,
        np.zeros(0, np.int64) if driver == "gels" else np.asarray(rank), values,
    )  # fmt: skip


# Slower than PyTorch: LAPACK's wrapper is called a matrix at a time, from Python.
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """``X`` that makes ``AX - B`` smallest: solution, residuals, rank and singular values.

    ``driver``: "gelsy" (the default) and "gelsd", "gelss" for matrices of any rank (singular values below ``rcond``
    times the largest count as zero), "gels" for full rank. Residuals are given where there are more equations than
    unknowns, of full rank, but not by "gelsy"; singular values by "gelsd" and "gelss". All are computed by the singular
    value decomposition.

    >>> import rushlight as torch
    >>> torch.linalg.lstsq(torch.tensor([[1.0], [1.0]]), torch.tensor([[1.0], [3.0]])).solution.round()
    tensor([[2.]])
    """
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    own = record.np_dtype(A)
    if own != record.np_dtype(B):
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype "
            f"{A.dtype} and other's dtype {B.dtype}"
        )
    if own.kind not in "fc" or own == np.float16:
        raise RuntimeError("This function doesn't handle types other than float and double")
    gap = A.ndim - B.ndim
    if not 0 <= gap <= 1:
        raise RuntimeError(
            "torch.linalg.lstsq: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    vector = B.ndim == 1 or tuple(B.shape) == tuple(A.shape[:-1])
    if A.shape[-2] != B.shape[-1 if vector else -2]:
        axis = -1 if vector else -2
        raise RuntimeError(f"torch.linalg.lstsq: input.size(-2) should match other.size({axis})")
    if driver is not None and driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    bar = eps_of(A) * max(A.shape[-2:]) if rcond is None else float(rcond)
    return lstsq_of(A, B, bar, driver or "gelsy", vector)


# ---- functions of matrices


def matrix_exp_rule(g: Any, A: Any) -> Any:
    """The corner of exp [[A^H, g], [0, A^H]] (Najfeld and Havel 1995; Al-Mohy and Higham 2009)."""
    n = A.shape[-1]
    t = mH(A)
    from .fill import blank

    block = cat([cat([t, g], -1), cat([blank(t), t], -1)], -2)
    made = matrix_exp(block)
    return part(part(made, made.ndim - 2, 0, n), made.ndim - 1, n, 2 * n)


# Slower than PyTorch: products of small matrices go to BLAS one by one, without PyTorch's joint calls.
@operator(batch=LEADING, node="LinalgMatrixExpBackward0", A=matrix_exp_rule)
def matrix_exp(A: Tensor) -> Tensor:
    """The exponential of square matrices: the sum of ``A^k / k!``.

    By scaling, a rational approximation and squaring (Higham 2005), in double precision.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_exp(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_square("linalg.matrix_exp", A)
    check_inexact("linalg.matrix_exp", A, half=True)
    return kernels().matrix_exp(A)


def matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """A square matrix to a whole power, by repeated squaring; negative ones through the inverse.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    if type(n) is not int:
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    check_square("linalg.matrix_power", A)
    if n == 0:
        return given_out(
            out, A * 0 + unit(A.shape[-1], A.shape[-1], A) if wants_gradient(A) else unit_like(A), "matrix_power"
        )
    square = inv(A) if n < 0 else A
    made: Any = square if n < 0 else A * 1 if abs(n) == 1 and record.np_dtype(A).kind != "b" else A
    result: Any = None
    n = abs(n)
    if n == 1:
        return given_out(out, made, "matrix_power")
    while True:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        if not n:
            break
        square = matmul(square, square)
    made = result
    return given_out(out, made, "matrix_power")


def unit_like(A: Any) -> Any:
    from .create import eye as unit

    made = unit(A.shape[-1], dtype=A.dtype)
    return expand(made, tuple(A.shape)).clone() if A.ndim > 2 else made


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices or more, in the order that needs the fewest multiplications.

    The first and the last may be vectors. (The order is found by dynamic programming: Cormen and others, 15.2.)

    >>> import rushlight as torch
    >>> torch.linalg.multi_dot([torch.ones(1, 2), torch.ones(2, 3), torch.ones(3)])
    tensor([6.])
    """
    xs = list(tensors)
    if len(xs) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(xs)}")
    for at, which in ((0, "first"), (-1, "last")):
        if xs[at].ndim not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {which} tensor must be 1D or 2D but got {xs[at].ndim}D")
    row, column = xs[0].ndim == 1, xs[-1].ndim == 1
    for i, x in enumerate(xs[1:-1], 1):
        if x.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {x.ndim}D")
    if row:
        xs[0] = unsqueeze(xs[0], 0)
    if column:
        xs[-1] = unsqueeze(xs[-1], 1)
    for i in range(1, len(xs)):
        if record.np_dtype(xs[i]) != record.np_dtype(xs[0]):
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {legacy(record.np_dtype(xs[0]))} "
                f"and tensor {i} {legacy(record.np_dtype(xs[i]))}"
            )
        if xs[i - 1].shape[-1] != xs[i].shape[-2]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {list(xs[i - 1].shape)} and {list(xs[i].shape)} cannot "
                "be multiplied"
            )
    made = chain(xs, best_split([x.shape[0] for x in xs] + [xs[-1].shape[1]]), 0, len(xs) - 1)
    if row:
        made = squeeze(made, 0)
    if column:
        made = squeeze(made, -1)
    return given_out(out, made, "linalg.multi_dot")


def best_split(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each stretch of a chain of matrices, ``sizes`` its dimensions."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def chain(xs: Any, split: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return xs[i]
    k = split[i, j]
    return matmul(chain(xs, split, i, k), chain(xs, split, k + 1, j))


# ---- norms and numbers of matrices


def shown_order(ord: Any) -> str:
    return ord if isinstance(ord, str) else f"{ord:g}"


@numpy_names
def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of matrices: "fro", "nuc", 1, -1, 2, -2, inf or -inf, over two dimensions.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_norm(torch.tensor([[3.0, 0.0], [0.0, -4.0]]), 2)
    tensor(4.)
    """
    from .reduce import amax, amin
    from .reduce import sum as sum_

    name = "linalg.matrix_norm"
    if ord is None:
        raise TypeError(
            "linalg_matrix_norm() received an invalid combination of arguments: ord is a number or a string"
        )
    check_matrix(name, A)
    if isinstance(ord, complex):
        raise RuntimeError("linalg.matrix_norm: Expected a non-complex scalar as the order of norm.")
    if not isinstance(dim, (tuple, list)):
        raise TypeError(f"linalg_matrix_norm(): argument 'dim' must be tuple of ints, not {type(dim).__name__}")
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    if ord in ("nuc", 2, -2) and record.np_dtype(A) == np.float16:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got Half")
    A = check_norm_dtype(name, A, dtype)
    a, b = [canonical(d, A.ndim) for d in dim]
    if a == b:
        raise RuntimeError(f"{name}: dims must be different. Got ({dim[0]}, {dim[1]})")
    known = ("fro", "nuc") if isinstance(ord, str) else (1, -1, 2, -2, float("inf"), -float("inf"))
    if ord not in known:
        raise RuntimeError(f"{name}: Order {shown_order(ord)} not supported.")
    if ord == "fro":
        made = vector_norm(A, 2, (a, b), keepdim)
    elif ord in ("nuc", 2, -2):
        rest = [d for d in range(A.ndim) if d not in (a, b)]
        S = svdvals(permute(A, (*rest, a, b)) if (a, b) != (A.ndim - 2, A.ndim - 1) else A)
        if ord == "nuc":
            made = sum_(S, -1)
        elif S.shape[-1] == 0 and ord > 0:
            made = S.new_zeros(S.shape[:-1])
        else:
            made = (amax if ord > 0 else amin)(S, -1)
        if keepdim:
            order = [*[d for d in range(A.ndim) if d not in (a, b)], a, b]
            made = permute(unsqueeze(unsqueeze(made, -1), -1), tuple([order.index(d) for d in range(A.ndim)]))
    else:
        inner, outer = (a, b) if abs(ord) == 1 else (b, a)
        sums = vector_norm(A, 1, (inner,), keepdim)
        if not keepdim and inner < outer:
            outer -= 1
        if sums.shape[outer] == 0 and ord > 0:
            made = sum_(sums, outer, keepdim)
        else:
            made = (amax if ord > 0 else amin)(sums, outer, keepdim)
    return given_out(out, made, "linalg.matrix_norm")


@numpy_names
def norm(
    A: Tensor,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """A norm of vectors or matrices, as ``ord`` and ``dim`` say.

    Without ``ord`` the 2-norm of all elements (or over ``dim``). With it: over one dimension (or of a vector) that
    vector norm, over two (or of a matrix) that matrix norm.

    >>> import rushlight as torch
    >>> torch.linalg.norm(torch.tensor([3.0, 4.0])), torch.linalg.norm(torch.eye(2), "nuc")
    (tensor(5.), tensor(2.))
    """
    dims = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if ord is not None:
        if dims is None and A.ndim not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
            )
        if isinstance(ord, str) or (len(dims) if dims is not None else A.ndim) == 2:
            return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype, out=out)
    A = check_norm_dtype("linalg.vector_norm", A, dtype)
    return vector_norm(A, 2 if ord is None else ord, dims, keepdim, out=out)


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number: the norm of the matrix times that of its inverse (infinite for a singular one).

    ``p``: None or 2, -2, "fro", "nuc", 1, -1, inf or -inf.

    >>> import rushlight as torch
    >>> torch.linalg.cond(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(2.)
    """
    from .compare import where

    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    known = ("fro", "nuc") if isinstance(p, str) else (None, 1, -1, 2, -2, float("inf"), -float("inf"))
    if p not in known:
        raise RuntimeError(f"linalg.cond got an invalid norm type: {shown_order(p)}")
    if p in (None, 2, -2):
        if 0 in A.shape:
            made = svdvals(A).new_zeros(A.shape[:-2])
        else:
            S = svdvals(A)
            last = S.ndim - 1
            top, low = part(S, last, 0, 1), part(S, last, S.shape[-1] - 1, S.shape[-1])
            made = squeeze(low / top if p == -2 else top / low, -1)
        return given_out(out, made, "linalg.cond")
    check_square(f"linalg.cond(ord={shown_order(p)})", A)
    if 0 in A.shape:
        made = matrix_norm(A, "fro") * 0
    else:
        inverse, info = inv_of(A, None)
        size = matrix_norm(A, p)
        made = size * matrix_norm(where(unsqueeze(unsqueeze(info != 0, -1), -1), 1.0, inverse), p)
        no_inverse: Any = size.detach() * float("inf") if p == "nuc" else float("inf")  # "nuc" of 0: nan
        made = where(info != 0, no_inverse, made)
    return given_out(out, made, "linalg.cond")


@operator(batch=None)
def rank_of(A: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    """How many singular values exceed a bar."""
    if 0 in A.shape:
        return np.zeros(A.shape[:-2], np.int64)
    S = np.sort(np.abs(eigvalsh_plain.op.body(A, "L")), -1)[..., ::-1] if hermitian else svdvals_plain.op.body(A)
    bar = np.maximum(atol, rtol * S[..., 0])
    return np.count_nonzero(bar[..., None] < S, -1).astype(np.int64)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values are larger than ``max(atol, rtol * largest)``; by default ``rtol = max(m, n) * eps``.

    >>> import rushlight as torch
    >>> torch.linalg.matrix_rank(torch.ones(3, 3))
    tensor(1)
    """
    check_matrix("torch.linalg.matrix_rank", A, "input")
    own = record.np_dtype(A)
    if own.kind not in "fc" or own == np.float16:
        raise RuntimeError("This function doesn't handle types other than float and double")
    if tol is not None:
        atol, rtol = tol, 0.0
    low, relative = tolerances("torch.linalg.matrix_rank", A, atol, rtol)
    return given_out(out, rank_of(A, low, relative, hermitian), "linalg.matrix_rank")


# ---- LU


def lu_rule(g: Any, P: Any, L: Any, U: Any) -> Any:
    """P L^-H (tril(L^H gL, -1) + triu(gU U^H)) U^-H; what is over of wide or tall factors is eliminated first.

    De Hoog, Anderssen and Lukas, "Differentiation of matrix functionals using triangular factorization" (2011).
    """
    return P @ lu_gradient(g.get(1), g.get(2), L, U)


def lu_gradient(gL: Any, gU: Any, L: Any, U: Any) -> Any:
    """The gradient of the matrix with its rows in the order of L."""
    m, n = L.shape[-2], U.shape[-1]
    k = L.shape[-1]
    r, c = L.ndim - 2, L.ndim - 1
    L1 = part(L, r, 0, k) if m > k else L
    U1 = part(U, c, 0, k) if n > k else U
    beside = below = None
    if n > k and gU is not None:  # U = [U1 | U2]
        beside = triangular_of(mH(L1), part(gU, c, k, n), True, True, True)
        gU = part(gU, c, 0, k)
        across = beside @ mH(part(U, c, k, n))
        gL = -across if gL is None else gL - across
    elif n > k:
        beside = part(U, c, k, n) * 0
    if m > k and gL is not None:  # L = [L1; L2]
        below = triangular_of(mH(U1), part(gL, r, k, m), False, False, False)
        gL = part(gL, r, 0, k)
        across = mH(part(L, r, k, m)) @ below
        gU = -across if gU is None else gU - across
    elif m > k:
        below = part(L, r, k, m) * 0
    inner: Any = 0
    if gL is not None:
        inner = tril(mH(L1) @ gL, -1)
    if gU is not None:
        inner = inner + triu(gU @ mH(U1))
    made = triangular_of(mH(U1), triangular_of(mH(L1), inner, True, True, True), False, False, False)
    if beside is not None:
        made = cat([made, beside], -1)
    return made if below is None else cat([made, below], -2)


def check_lu(name: str, A: Any, pivot: bool) -> None:
    if A.ndim < 2:
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")
    if A.dtype.kind not in "fc" or A.dtype == np.float16:
        raise NotImplementedError(f"\"lu_factor_mkl\" not implemented for '{legacy(A.dtype)}'")
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def factors_of(LU: Any) -> tuple[Any, Any]:
    """L and U of a packed factorisation (arrays)."""
    m, n = LU.shape[-2:]
    k = min(m, n)
    L = np.tril(LU[..., :, :k], -1)
    at = np.arange(k)
    L[..., at, at] = 1
    return L, np.triu(LU[..., :k, :])


def permutation_matrix(pivots: Any, m: int, dtype: Any) -> Any:
    order = kernels().permutation(pivots, m)
    return np.ascontiguousarray((order[..., None, :] == np.arange(m)[:, None]).astype(dtype))


@operator(batch=LEADING)
def permutation_of(pivots: Tensor, rows: int, dtype: Any) -> Tensor:
    return permutation_matrix(pivots, rows, dtype)  # type: ignore[no-any-return]


@operator(
    batch=LEADING, node="LinalgLuBackward0", outputs=("P", "L", "U"), differentiable=(1, 2),
    gather=return_types.linalg_lu, A=lu_rule,
)  # fmt: skip
def lu_of(A: Tensor) -> Any:
    LU, pivots, _ = kernels().lu(A)
    L, U = factors_of(LU)
    return permutation_matrix(pivots, A.shape[-2], A.dtype), L, U


# Slower than PyTorch: LAPACK's wrapper is called a matrix at a time, and P is written out.
def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """``A = P L U``: a permutation, a lower triangle with ones on its diagonal, an upper triangle.

    >>> import rushlight as torch
    >>> torch.linalg.lu(torch.tensor([[0.0, 1.0], [2.0, 3.0]])).U
    tensor([[2., 3.],
            [0., 1.]])
    """
    check_lu("linalg.lu", A if not isinstance(A, Tensor) else _Seen(A), pivot)
    return given_out(out, lu_of(A), lu_of)


class _Seen:
    """A tensor's shape and NumPy dtype, for checks that are made on arrays."""

    def __init__(self, x: Any) -> None:
        self.ndim, self.shape, self.dtype = x.ndim, tuple(x.shape), record.np_dtype(x)


def lu_factor_rule(g: Any, LU: Any, pivots: Any) -> Any:
    m, n = LU.shape[-2:]
    k = min(m, n)
    L, U = unpacked(LU)
    r, c = LU.ndim - 2, LU.ndim - 1
    gL = tril(part(g, c, 0, k) if n > k else g, -1)
    gU = triu(part(g, r, 0, k) if m > k else g)
    made = lu_gradient(gL, gU, L, U)
    return permutation_of(pivots, m, record.np_dtype(LU)) @ made


def unpacked(LU: Any) -> tuple[Any, Any]:
    """L and U of a packed factorisation, by operators."""
    m, n = LU.shape[-2:]
    k = min(m, n)
    r, c = LU.ndim - 2, LU.ndim - 1
    L = tril(part(LU, c, 0, k) if n > k else LU, -1) + kernels().eye((m, k), record.np_dtype(LU))
    return L, triu(part(LU, r, 0, k) if m > k else LU)


@operator(
    batch=LEADING, node="LinalgLuFactorExBackward0", outputs=("LU", "pivots", "info"), differentiable=(0,),
    gather=return_types.linalg_lu_factor_ex, A=lu_factor_rule,
)  # fmt: skip
def lu_factor_of(A: Tensor, caller: str | None) -> Any:
    LU, pivots, info = kernels().lu(A)
    if caller:
        at, k = first_failed(info)
        if k:
            raise RuntimeError(
                f"{caller}: {at}U[{k},{k}] is zero and using it on lu_solve would result in a division by zero. If you "
                "still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
                "linalg.lu_factor_ex(A, pivot)"
            )
    return LU, pivots, info


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """The packed LU factorisation and its pivots, for :func:`lu_solve`. Raises RuntimeError for singular matrices.

    >>> import rushlight as torch
    >>> torch.linalg.lu_factor(torch.tensor([[0.0, 1.0], [2.0, 3.0]])).pivots
    tensor([2, 2], dtype=torch.int32)
    """
    check_lu("torch.lu_factor", _Seen(A), pivot)
    made = return_types.linalg_lu_factor(*lu_factor_of(A, "torch.linalg.lu_factor")[:2])
    return (
        made
        if out is None
        else return_types.linalg_lu_factor(
            *[given_out(o, m, "linalg.lu_factor") for o, m in zip(out, made, strict=True)]
        )
    )


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """As :func:`lu_factor`, with the number of a zero pivot (``info``, else 0) instead of an error.

    >>> import rushlight as torch
    >>> torch.linalg.lu_factor_ex(torch.zeros(1, 1)).info
    tensor(1, dtype=torch.int32)
    """
    check_lu("torch.lu_factor_ex", _Seen(A), pivot)
    return given_out(out, lu_factor_of(A, "torch.linalg.lu_factor_ex" if check_errors else None), lu_factor_of)


def lu_solve_rule(
    g: Any, wanted: Any, LU: Any, pivots: Any, result: Any, left: bool, adjoint: bool, LU_shape: Any, B_shape: Any
) -> Any:
    """By the two triangular systems that a solution by LU is, each differentiated."""
    made = Bundle()
    if not left:  # X A = B is A^H X^H = B^H
        g, result, adjoint = mH(g), mH(result), not adjoint
    if wanted[1]:
        gB = lu_solve_of(LU, pivots, g, True, not adjoint)
        made[1] = sum_to(gB if left else mH(gB), tuple(B_shape))
    if not wanted[0]:
        return made
    n = LU.shape[-1]
    P = permutation_of(pivots, n, record.np_dtype(LU))
    U = triu(LU)
    if not adjoint:  # L Y = P^T B, U X = Y
        Y = U @ result
        gY = triangular_of(mH(U), g, False, True, False)
        gPB = triangular_of(mH(LU), gY, True, True, True)
        gU, gL = -(gY @ mH(result)), -(gPB @ mH(Y))
    else:  # U^H W = B, L^H V = W, X = P V
        V = mH(P) @ result
        L = tril(LU, -1) + kernels().eye((n, n), record.np_dtype(LU))
        W = mH(L) @ V
        gW = triangular_of(LU, mH(P) @ g, False, True, True)
        gB = triangular_of(U, gW, True, True, False)
        gL, gU = -(V @ mH(gW)), -(W @ mH(gB))
    made[0] = sum_to(tril(gL, -1) + triu(gU), tuple(LU_shape))
    return made


def with_pivots_batch(op: Any, size: int, mapped: Any, LU: Any, pivots: Any, B: Any, *flags: bool) -> Any:
    """Pivots have a dimension less than the matrices that they belong to."""
    rank = max(LU.ndim - mapped[0], B.ndim - mapped[2])
    LU, B = [lined_up(x, rank) if m else x for x, m in ((LU, mapped[0]), (B, mapped[2]))]
    return op.call(LU, lined_up(pivots, rank - 1) if mapped[1] else pivots, B, *flags)


@operator(batch=with_pivots_batch, node="LinalgLuSolveBackward0", joint=lu_solve_rule, towards=("LU", "B"))
def lu_solve_of(LU: Tensor, pivots: Tensor, B: Tensor, left: bool, adjoint: bool) -> Tensor:
    k = kernels()
    if not left:
        return lu_solve_of.op.body(LU, pivots, B.conj().swapaxes(-1, -2), True, not adjoint).conj().swapaxes(-1, -2)
    n = LU.shape[-1]
    order = k.permutation(pivots, n)
    batch = np.broadcast_shapes(LU.shape[:-2], B.shape[:-2], order.shape[:-1])
    order = np.broadcast_to(order, (*batch, n))
    B = np.broadcast_to(B, (*batch, *B.shape[-2:]))
    if not adjoint:
        Y = k.solve_triangular(LU, np.take_along_axis(B, order[..., None], -2), False, True)
        return k.solve_triangular(LU, Y, True)
    t = LU.conj().swapaxes(-1, -2)
    W = k.solve_triangular(t, B, False)
    V = k.solve_triangular(t, W, True, True)
    X = np.empty_like(V)
    np.put_along_axis(X, order[..., None], V, -2)
    return X


def check_pivots(pivots: Any, n: int) -> None:
    """Raise RuntimeError for pivots that name no row of ``n``."""
    array = record.inner_array(pivots)
    if array is None or not array.size:
        return
    for wrong, word in (
        ((array < 1).any(), "greater or equal to 1"),
        ((array > n).any(), "smaller or equal to LU.size(-2)"),
    ):
        if wrong:
            raise RuntimeError(
                f"Pivots given to lu_solve must all be {word}. Did you properly pass the result of lu_factor?"
            )


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """``X`` with ``AX = B`` from the factorisation of ``A``; ``adjoint``: of its adjoint; not ``left``: ``XA = B``.

    >>> import rushlight as torch
    >>> LU, pivots = torch.linalg.lu_factor(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
    >>> torch.linalg.lu_solve(LU, pivots, torch.tensor([[2.0], [3.0]]))
    tensor([[3.],
            [1.]])
    """
    check_inexact("linalg.lu_solve", LU)
    check_square("linalg.lu_solve", LU, "LU")
    if record.np_dtype(LU) != record.np_dtype(B):
        raise RuntimeError(
            f"linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type {legacy(record.np_dtype(LU))} "
            f"and B of type {legacy(record.np_dtype(B))} instead"
        )
    if record.np_dtype(pivots) != np.int32:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    check_system("linalg.lu_solve", LU, B, left)
    if tuple(pivots.shape) != tuple(LU.shape[:-1]):
        raise RuntimeError("linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix")
    batch_of(LU, B)
    check_pivots(pivots, LU.shape[-1])
    return given_out(out, lu_solve_of(LU, pivots, B, left, adjoint), "linalg.lu_solve")


# ---- LDL


def scipy_lapack() -> Any:
    try:
        from scipy.linalg import lapack
    except ImportError:
        raise ImportError(
            "torch.linalg.ldl_factor needs SciPy's LAPACK, which is not installed: pip install 'rushlight[special]'"
        ) from None
    return lapack


@operator(
    batch=LEADING, node=NO_NODE, outputs=("LD", "pivots", "info"), differentiable=(0,),
    gather=return_types.linalg_ldl_factor_ex, A=no_formula("linalg_ldl_factor_ex"),
)  # fmt: skip
def ldl_factor_of(A: Tensor, hermitian: bool) -> Any:
    check_square("torch.linalg.ldl_factor_ex", A)
    check_inexact("torch.linalg.ldl_factor_ex", A)
    lapack = scipy_lapack()
    name = "hetrf" if hermitian and A.dtype.kind == "c" else "sytrf"
    run = getattr(lapack, {"f": "s", "d": "d", "F": "c", "D": "z"}[A.dtype.char] + name)
    LD, pivots, info = A.copy(), np.zeros(A.shape[:-1], np.int32), np.zeros(A.shape[:-2], np.int32)
    for at in np.ndindex(A.shape[:-2]):
        made, pivot, info[at] = run(A[at], lower=1)
        LD[at], pivots[at] = np.tril(made), pivot
    return LD, pivots, info


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """The packed LDL factorisation of symmetric (or, if said so, Hermitian) matrices, its pivots and LAPACK's info.

    Needs SciPy. There is no gradient.

    >>> import rushlight as torch
    >>> torch.linalg.ldl_factor_ex(torch.eye(2)).pivots  # doctest: +SKIP
    tensor([1, 2], dtype=torch.int32)
    """
    made = ldl_factor_of(A, hermitian)
    if check_errors:
        check_ldl(made[2], "torch.linalg.ldl_factor_ex")
    return given_out(out, made, ldl_factor_of)


def check_ldl(info: Any, caller: str) -> None:
    at, k = first_failed(values_of(info))
    if k:
        raise RuntimeError(f"{caller}: {at}D[{k},{k}] is zero: the matrix is singular (error code {k}).")


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """The packed LDL factorisation of symmetric (or, if said so, Hermitian) matrices, and its pivots. Needs SciPy.

    >>> import rushlight as torch
    >>> torch.linalg.ldl_factor(torch.eye(2)).pivots  # doctest: +SKIP
    tensor([1, 2], dtype=torch.int32)
    """
    LD, pivots, info = ldl_factor_of(A, hermitian)
    check_ldl(info, "torch.linalg.ldl_factor")
    made = return_types.linalg_ldl_factor(LD, pivots)
    return (
        made
        if out is None
        else return_types.linalg_ldl_factor(
            *[given_out(o, m, "linalg.ldl_factor") for o, m in zip(out, made, strict=True)]
        )
    )


@operator(batch=with_pivots_batch, node=NO_NODE, LD=no_formula("linalg_ldl_solve"), B=no_formula("linalg_ldl_solve"))
def ldl_solve_of(LD: Tensor, pivots: Tensor, B: Tensor, hermitian: bool) -> Tensor:
    check_system("torch.linalg.ldl_solve", LD, B, True)
    check_inexact("torch.linalg.ldl_solve", LD)
    if pivots.dtype.kind not in "iu":
        raise RuntimeError(f"torch.linalg.ldl_solve: Expected pivots to be integers. Got {legacy(pivots.dtype)}")
    if 0 in LD.shape or 0 in B.shape:
        return np.zeros((*batch_of(LD, B), *B.shape[-2:]), B.dtype)  # type: ignore[return-value]
    lapack = scipy_lapack()
    name = "hetrs" if hermitian and LD.dtype.kind == "c" else "sytrs"
    run = getattr(lapack, {"f": "s", "d": "d", "F": "c", "D": "z"}[LD.dtype.char] + name)
    batch = batch_of(LD, B)
    n = LD.shape[-1]
    LD, B = np.broadcast_to(LD, (*batch, n, n)), np.array(np.broadcast_to(B, (*batch, *B.shape[-2:])))
    pivots = np.broadcast_to(pivots, (*batch, n))
    for at in np.ndindex(*batch):
        B[at], _ = run(LD[at], pivots[at], B[at], lower=1)
    return B


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """``X`` with ``AX = B`` from the LDL factorisation of ``A``. Needs SciPy; there is no gradient.

    >>> import rushlight as torch
    >>> torch.linalg.ldl_solve(*torch.linalg.ldl_factor(torch.eye(1)), torch.ones(1, 1))  # doctest: +SKIP
    tensor([[1.]])
    """
    return given_out(out, ldl_solve_of(LD, pivots, B, hermitian), "linalg.ldl_solve")


# ---- reflectors


def reflectors(A: Any, i: int) -> Any:
    """The ``i``-th reflector's vector, as a column: zeros, a one, and what stands below the diagonal."""
    m = A.shape[-2]
    column = part(A, A.ndim - 1, i, i + 1)
    below = (np.arange(m) > i).astype(record.np_dtype(A).type(0).real.dtype)[:, None]
    return column * below + (np.arange(m) == i).astype(record.np_dtype(A))[:, None]


def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first columns of the product of reflectors ``I - tau v v^H``, as :func:`rushlight.geqrf` packs them.

    >>> import rushlight as torch
    >>> torch.linalg.householder_product(*torch.geqrf(torch.tensor([[3.0], [4.0]]))).abs()
    tensor([[0.6000],
            [0.8000]])
    """
    name = "torch.linalg.householder_product"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    m, n = A.shape[-2:]
    if m < n:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if n < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if A.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and "
            f"input.ndim is equal to {A.ndim}"
        )
    check_reflector_batch(name, "tau", tau.shape[:-1], A)
    if record.np_dtype(A) != record.np_dtype(tau):
        raise RuntimeError(f"{name}: tau dtype {tau.dtype} does not match input dtype {A.dtype}")
    check_inexact(name, A)
    Q: Any = expand(unit(m, n, A), tuple(A.shape))
    k = tau.shape[-1]
    for i in range(k - 1, -1, -1):
        v = reflectors(A, i)
        Q = Q - (unsqueeze(part(tau, tau.ndim - 1, i, i + 1), -1) * v) @ (mH(v) @ Q)
    return given_out(out, Q if k else Q * 1, "linalg.householder_product")


def check_reflector_batch(name: str, which: str, batch: Any, A: Any) -> None:
    if tuple(batch) != tuple(A.shape[:-2]):
        raise RuntimeError(
            f"{name}: Expected batch dimensions of {which} to be equal to input.shape[:-2], but got {list(batch)}"
        )


def unit(m: int, n: int, like: Any) -> Any:
    from .._core.tensor import wrap

    return wrap(kernels().eye((m, n), record.np_dtype(like)))


# ---- vectors and products


def cross_rule(g: Any, input_shape: Any, other: Any, dim: int) -> Any:
    return sum_to(cross_of(conj(other), g, dim), tuple(input_shape))


def cross_other_rule(g: Any, input: Any, other_shape: Any, dim: int) -> Any:
    return sum_to(cross_of(g, conj(input), dim), tuple(other_shape))


def cross_batch(op: Any, size: int, mapped: Any, input: Any, other: Any, dim: int) -> Any:
    rank = max(input.ndim - mapped[0], other.ndim - mapped[1])
    ready = [lined_up(x, rank) if m else x for x, m in ((input, mapped[0]), (other, mapped[1]))]
    return op.call(*ready, dim)


@operator(jvp=BILINEAR, batch=cross_batch, node="LinalgCrossBackward0", input=cross_rule, other=cross_other_rule)
def cross_of(input: Tensor, other: Tensor, dim: int) -> Tensor:
    """The cross product along a dimension counted from the end."""
    if input.dtype.kind == "b":  # type: ignore[attr-defined]
        raise not_implemented("cross", input.dtype)  # type: ignore[arg-type]
    a, b = np.moveaxis(input, dim, 0), np.moveaxis(other, dim, 0)  # type: ignore[type-var]
    made = np.empty(np.broadcast_shapes(input.shape, other.shape), input.dtype)
    out = np.moveaxis(made, dim, 0)
    for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        out[i] = a[j] * b[k] - a[k] * b[j]
    return made  # type: ignore[return-value]


@numpy_names
def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of 3 numbers along ``dim``; other dimensions broadcast.

    >>> import rushlight as torch
    >>> torch.linalg.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    a, b = record.np_dtype(input), record.np_dtype(other)
    if a != b:
        raise RuntimeError(f"expected scalar type {legacy(a)} but found {legacy(b)}")
    at = canonical(dim, input.ndim)
    if input.ndim == 0 or input.shape[at] != 3 or other.shape[at] != 3:
        sizes = [x.shape[at] if x.ndim else 1 for x in (input, other)]
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and {sizes[1]}")
    for i, (m, n) in enumerate(zip(input.shape, other.shape, strict=True)):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {i}"
            )
    return given_out(out, cross_of(input, other, at - input.ndim), "linalg.cross")


@numpy_names
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The sum of ``conj(x) * y`` along ``dim``.

    >>> import rushlight as torch
    >>> torch.linalg.vecdot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor(11.)
    """
    from .reduce import sum as sum_

    check_inexact("linalg.vecdot", x, half=True)
    if record.np_dtype(x) != record.np_dtype(y):
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {legacy(record.np_dtype(x))} and "
            f"y of type {legacy(record.np_dtype(y))} instead"
        )
    if x.ndim == 1 and y.ndim == 1 and x.shape != y.shape:
        made = dot(conj(x), y)
    else:
        made = sum_(conj(x) * y, dim)
    return given_out(out, made, "linalg.vecdot")


def product_of(sizes: Any) -> int:
    n = 1
    for s in sizes:
        n *= s
    return n


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a tensor as a linear map: its first ``ind`` dimensions are the rows of a square matrix.

    >>> import rushlight as torch
    >>> torch.linalg.tensorinv(torch.eye(6).reshape(6, 2, 3), 1).shape
    torch.Size([2, 3, 6])
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    rows, columns = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    m, n = product_of(rows), product_of(columns)
    if m != n:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {n} != {m}"
        )
    made = reshape(inv_of(reshape(A, (m, n)), "inv")[0], (*columns, *rows))
    return given_out(out, made, "tensorinv")


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """``X`` with ``tensordot(A, X, X.ndim) = B``; the dimensions ``dims`` of ``A`` are moved to its end first.

    >>> import rushlight as torch
    >>> torch.linalg.tensorsolve(torch.eye(4).reshape(4, 2, 2), torch.ones(4)).shape
    torch.Size([2, 2])
    """
    if dims is not None:
        gone = [canonical(d, A.ndim) for d in dims]
        A = movedim(A, gone, list(range(A.ndim - len(gone), A.ndim)))
    columns = tuple(A.shape[B.ndim :])
    n = product_of(columns)
    m = product_of(B.shape)
    if m != n or product_of(A.shape[: B.ndim]) != m:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but "
            f"got {n} != {m}"
        )
    made = reshape(solve_of(reshape(A, (m, n)), reshape(B, (-1,)), True, True, "torch.linalg.solve")[0], columns)
    return given_out(out, made, "tensorsolve")


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Powers of numbers, ascending: rows ``1, x, x^2, ...`` of ``N`` columns (as many as ``x`` has numbers).

    >>> import rushlight as torch
    >>> torch.linalg.vander(torch.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    from .scan import cumprod

    if record.np_dtype(x) in (np.dtype(bool), np.dtype(np.float16)):
        raise RuntimeError(
            f"linalg.vander supports floating point, complex, and integer tensors, but got {legacy(record.np_dtype(x))}"
        )
    count = (x.shape[-1] if x.ndim else 1) if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    if x.ndim == 0:
        x = unsqueeze(x, 0)
    base = unsqueeze(x, -1)
    powers = cumprod(expand(base, (*x.shape, count - 1)), -1)
    ones = x.new_ones((*x.shape, 1), dtype=powers.dtype)
    return cat([ones, powers], -1)


def diagonal_of(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of matrices, as a view.

    >>> import rushlight as torch
    >>> torch.linalg.diagonal(torch.eye(2))
    tensor([1., 1.])
    """
    return diagonal(A, offset, dim1, dim2)


def solve_method(self: Tensor, other: Any) -> Tensor:
    """Removed from PyTorch: raises RuntimeError, and says what to use."""
    raise RuntimeError(
        "This function was deprecated since version 1.9 and is now removed. `torch.solve` is deprecated in favor of "
        "`torch.linalg.solve`, whose arguments are reversed: X = torch.linalg.solve(A, B)"
    )
