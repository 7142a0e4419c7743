"""Linear algebra under the names that ``torch`` itself has: older than ``torch.linalg``, often with other arguments.

Also what ``torch.linalg`` has not: traces, Kronecker products, covariances, low-rank decompositions.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import LEADING, operator
from .._core.graph import Bundle
from .._core.tensor import Tensor
from . import linalg, return_types
from .broadcast import expand, sum_to
from .complexes import conj, real
from .linalg import (
    LinAlgError,
    check_inexact,
    check_square,
    factors_of,
    first_failed,
    given_out,
    kernels,
    legacy,
    lu_factor_of,
    mH,
    permutation_matrix,
    reflectors,
    triangular_of,
    values_of,
)
from .products import mm
from .shape import part, reshape, squeeze, tril, triu, unsqueeze
from .spelling import numpy_names
from .without import no_derivative


def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices: :func:`rushlight.linalg.inv`.

    >>> import rushlight as torch
    >>> torch.inverse(torch.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return linalg.inv(input, out=out)


def det(input: Tensor) -> Tensor:
    """The determinant of square matrices: :func:`rushlight.linalg.det`.

    >>> import rushlight as torch
    >>> torch.det(torch.tensor([[2.0]]))
    tensor(2.)
    """
    return linalg.det_of(input)


slogdet_named = linalg._slogdet("slogdet_named", "linalg.slogdet", return_types.slogdet)


def slogdet(input: Tensor) -> Any:
    """The sign of the determinant and the logarithm of its size: :func:`rushlight.linalg.slogdet`.

    >>> import rushlight as torch
    >>> torch.slogdet(torch.tensor([[-2.0]])).sign
    tensor(-1.)
    """
    return slogdet_named(input)


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; nan where that is negative.

    >>> import rushlight as torch
    >>> torch.logdet(torch.eye(2))
    tensor(0.)
    """
    from .compare import where
    from .elementary import log

    check_square("logdet", input)
    check_inexact("logdet", input)
    sign, size = linalg.slogdet_of(input)
    if linalg.is_complex(input):
        return log(sign) + size
    return where(sign == -1.0, float("nan"), size)


# ---- Cholesky


# Slower than PyTorch: in the backward pass, whose two triangular solves are called a matrix at a time.
@operator(
    batch=LEADING, node="CholeskyBackward0", input=lambda g, result, upper: linalg.cholesky_rule(g, result, upper)
)
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The triangle ``L`` with ``input = L L^H``, or ``L^H``: use :func:`rushlight.linalg.cholesky`.

    >>> import rushlight as torch
    >>> torch.cholesky(torch.tensor([[4.0]]))
    tensor([[2.]])
    """
    return linalg.cholesky_forward(input, upper, "cholesky", "cholesky")[0]


def cholesky_solve_rule(g: Any, wanted: Any, L: Any, upper: bool, result: Any, input_shape: Any, L_shape: Any) -> Any:
    """Of X = A^-1 B, A = L L^H: the gradient of B is A^-1 g; with M = -(that) X^H, that of L is (M + M^H) L."""
    made = Bundle()
    back = cholesky_solve(g, L, upper)
    if wanted[0]:
        made[0] = sum_to(back, tuple(input_shape))
    if wanted[1]:
        M = back @ mH(result)
        M = -(M + mH(M))
        made[1] = sum_to(L @ M if upper else M @ L, tuple(L_shape))
    return made


# Slower than PyTorch: two triangular solves, called a matrix at a time.
@operator(batch=LEADING, node="CholeskySolveBackward0", joint=cholesky_solve_rule, towards=("input", "L"))
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """``X`` with ``L L^H X = input`` (``L^H L X`` if ``upper``), for triangular ``L``.

    >>> import rushlight as torch
    >>> torch.cholesky_solve(torch.ones(1, 1), torch.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    for name, x in (("b", input), ("u", L)):
        if x.ndim < 2:
            raise RuntimeError(f"{name} should have at least 2 dimensions, but has {x.ndim} dimensions instead")
    m, n = L.shape[-2:]
    if m != n:
        raise RuntimeError(f"A must be batches of square matrices, but they are {m} by {n} matrices")
    if input.shape[-2] != n:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b matrix is "
            f"{input.shape[-2]} by {input.shape[-1]}"
        )
    if input.dtype != L.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {legacy(input.dtype)} and A of type "
            f"{legacy(L.dtype)} instead."
        )
    check_inexact("cholesky_solve", L)
    k = kernels()
    t = L.conj().swapaxes(-1, -2)
    first, second = (t, L) if upper else (L, t)
    return k.solve_triangular(second, k.solve_triangular(first, input, False), True)


def cholesky_inverse_rule(g: Any, L: Any, upper: bool, result: Any) -> Any:
    M = -(result @ (g + mH(g)) @ result)
    return L @ M if upper else M @ L


@operator(batch=LEADING, node="CholeskyInverseBackward0", L=cholesky_inverse_rule)
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``L L^H`` (``L^H L`` if ``upper``), for triangular ``L``.

    >>> import rushlight as torch
    >>> torch.cholesky_inverse(torch.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    check_square("cholesky_inverse", L)
    check_inexact("cholesky_inverse", L)
    zeros = np.diagonal(L, 0, -2, -1) == 0
    at, k = first_failed(
        np.where(zeros.any(-1), np.argmax(zeros, -1) + 1, 0) if L.shape[-1] else np.zeros(L.shape[:-2], int)
    )
    if k:
        raise LinAlgError(
            f"cholesky_inverse: {at}The diagonal element {k} is zero, the inversion could not be completed because the input "
            "matrix is singular."
        )
    one = kernels().eye(L.shape, L.dtype)
    half = kernels().solve_triangular(L, one, upper)
    t = half.conj().swapaxes(-1, -2)
    return half @ t if upper else t @ half


# ---- QR, SVD, LU


qr_named = linalg._qr("qr_named", return_types.qr)


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """``input = QR``: use :func:`rushlight.linalg.qr`. Without ``some``, Q is square.

    >>> import rushlight as torch
    >>> torch.qr(torch.tensor([[-2.0]])).R.abs()
    tensor([[2.]])
    """
    return given_out(out, qr_named(input, "reduced" if some else "complete"), qr_named)


def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """``input = U diag(S) V^H``: use :func:`rushlight.linalg.svd`. Without ``compute_uv``, U and V are zeros.

    >>> import rushlight as torch
    >>> torch.svd(torch.tensor([[-2.0]])).S
    tensor([2.])
    """
    if compute_uv:
        U, S, Vh = linalg.svd_of(input, not some)
        made = return_types.svd(U, S, mH(Vh))
    else:
        S = linalg.svdvals(input)
        m, n = input.shape[-2:]
        batch = tuple(input.shape[:-2])
        made = return_types.svd(input.new_zeros((*batch, m, m)), S, input.new_zeros((*batch, n, n)))
    if out is None:
        return made
    return return_types.svd(*[given_out(o, r, "svd") for o, r in zip(out, made, strict=True)])


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """The packed LU factorisation and its pivots (and infos): use :func:`rushlight.linalg.lu_factor`.

    >>> import rushlight as torch
    >>> torch.lu(torch.tensor([[2.0]]))[0]
    tensor([[2.]])
    """
    linalg.check_lu("torch.lu_factor", linalg._Seen(A), pivot)
    LU, pivots, info = lu_factor_of(A, None)
    if get_infos:
        made = return_types._lu_with_info(LU, pivots, info)
        if out is not None:
            given_out(out[2], info, "lu")
    else:
        made = (LU, pivots)
    if out is not None:
        if not isinstance(out, (tuple, list)):
            raise TypeError(f"argument 'out' must be tuple of Tensors, not {type(out).__name__}")
        for o, r in zip(out, made, strict=True):
            given_out(o, r, "lu")
        return out
    return made


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``X`` with ``AX = b`` from the factorisation of ``A``: use :func:`rushlight.linalg.lu_solve`.

    >>> import rushlight as torch
    >>> torch.lu_solve(torch.ones(1, 1), *torch.linalg.lu_factor(torch.tensor([[2.0]])))
    tensor([[0.5000]])
    """
    return linalg.lu_solve(LU_data, LU_pivots, b, out=out)


def lu_unpack_rule(g: Any, LU_data_shape: Any) -> Any:
    """The gradients of L below the diagonal and of U on and above it, packed."""
    from .shape import pad_narrow

    gL, gU = g.get(1), g.get(2)
    shape = tuple(LU_data_shape)
    made: Any = None
    if gL is not None:
        made = tril(gL, -1)
        if made.shape[-1] < shape[-1]:
            made = pad_narrow(made, shape, len(shape) - 1, 0, made.shape[-1])
    if gU is not None:
        upper = triu(gU)
        if upper.shape[-2] < shape[-2]:
            upper = pad_narrow(upper, shape, len(shape) - 2, 0, upper.shape[-2])
        made = upper if made is None else made + upper
    return made


def lu_unpack_batch(op: Any, size: int, mapped: Any, LU_data: Any, LU_pivots: Any) -> Any:
    rank = LU_data.ndim - mapped[0]
    LU_data = expand(LU_data, (size, *LU_data.shape)) if not mapped[0] else LU_data
    P, L, U = op.call(LU_data, linalg.lined_up(LU_pivots, rank - 1) if mapped[1] else LU_pivots)
    return (P if P.ndim == L.ndim else expand(P, (size, *P.shape))), L, U


@operator(
    batch=lu_unpack_batch, node="LuUnpackBackward0", outputs=("P", "L", "U"), differentiable=(1, 2),
    gather=return_types.lu_unpack, LU_data=lu_unpack_rule,
)  # fmt: skip
def lu_unpack_of(LU_data: Tensor, LU_pivots: Tensor) -> Any:
    if LU_pivots.size and not 1 <= LU_pivots.min() <= LU_pivots.max() <= LU_data.shape[-2]:  # type: ignore[operator, truthy-function]
        raise RuntimeError(
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of "
            "lu_factor?"
        )
    L, U = factors_of(LU_data)
    return permutation_matrix(LU_pivots, LU_data.shape[-2], LU_data.dtype), L, U


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """``P, L, U`` of a packed factorisation; empty tensors for what is not unpacked.

    >>> import rushlight as torch
    >>> torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[2.0]]))).U
    tensor([[2.]])
    """
    if LU_data.ndim < 2:
        raise RuntimeError(
            f"torch.lu_unpack: Expected tensor with 2 or more dimensions. Got size: {list(LU_data.shape)} instead"
        )
    if record.np_dtype(LU_pivots) != np.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this function is "
            "intended to be used with the output produced by torch.linalg.lu_factor"
        )
    made = lu_unpack_of(LU_data, LU_pivots)
    nothing = LU_data.new_empty((0,))
    made = return_types.lu_unpack(
        made[0] if unpack_pivots else nothing, *(made[1:] if unpack_data else (nothing, LU_data.new_empty((0,))))
    )
    return given_out(out, made, lu_unpack_of)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse: :func:`rushlight.linalg.pinv`.

    >>> import rushlight as torch
    >>> torch.pinverse(torch.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return linalg.pinv(input, rcond)


def triangular_solve_rule(
    g: Any,
    wanted: Any,
    b: Any,
    A: Any,
    solution: Any,
    upper: bool,
    transpose: bool,
    unitriangular: bool,
    b_shape: Any,
    A_shape: Any,
) -> Any:
    gX, gA = g.get(0), g.get(1)
    made = Bundle()
    t = conj(A) if transpose else mH(A)
    back = None if gX is None else triangular_of(t, gX, upper if transpose else not upper, True, unitriangular)
    if wanted[0] and back is not None:
        made[0] = sum_to(back, tuple(b_shape))
    if wanted[1]:
        if back is not None:
            slope = -(conj(solution) @ back.swapaxes(-1, -2)) if transpose else -(back @ mH(solution))
            k = int(unitriangular)
            slope = triu(slope, k) if upper else tril(slope, -k)
            gA = slope if gA is None else gA + slope
        if gA is not None:
            made[1] = sum_to(gA, tuple(A_shape))
    return made


@operator(
    batch=LEADING, node="TriangularSolveBackward0", outputs=("solution", "cloned_coefficient"),
    gather=return_types.triangular_solve, joint=triangular_solve_rule, towards=("b", "A"),
)  # fmt: skip
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out: Any = None
) -> Any:
    """``X`` with ``AX = b`` for triangular ``A``, and a copy of ``A``: use :func:`rushlight.linalg.solve_triangular`.

    >>> import rushlight as torch
    >>> torch.triangular_solve(torch.ones(1, 1), torch.tensor([[2.0]])).solution
    tensor([[0.5000]])
    """
    for name, x in (("b", b), ("A", A)):
        if x.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has {x.ndim} dimensions instead"
            )
    m, n = A.shape[-2:]
    if m != n:
        raise RuntimeError(f"A must be batches of square matrices, but they are {m} by {n} matrices")
    if b.shape[-2] != n:
        raise RuntimeError(
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {n} by {n} but each b matrix is "
            f"{b.shape[-2]} by {b.shape[-1]}"
        )
    linalg.check_same_dtype("triangular_solve", b, A, ("b", "A"))
    check_inexact("triangular_solve", A)
    batch = linalg.batch_of(b, A)
    full = np.array(np.broadcast_to(A, (*batch, n, n)))
    turned = A.swapaxes(-1, -2) if transpose else A
    return kernels().solve_triangular(turned, b, upper != transpose, unitriangular), full


# ---- reflectors


@operator(
    batch=LEADING, node="GeqrfBackward0", outputs=("a", "tau"), gather=return_types.geqrf, input=no_derivative("geqrf")
)
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """The packed QR factorisation: R above, reflectors below the diagonal, and their factors ``tau``. No gradient.

    >>> import rushlight as torch
    >>> torch.geqrf(torch.tensor([[3.0], [4.0]])).a[0].abs()
    tensor([5.])
    """
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    if input.dtype.kind not in "fc" or input.dtype == np.float16:  # type: ignore[comparison-overlap]
        raise NotImplementedError(f"\"geqrf_cpu\" not implemented for '{legacy(input.dtype)}'")
    return kernels().geqrf(input)


def orgqr(input: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first columns of a product of reflectors: :func:`rushlight.linalg.householder_product`.

    >>> import rushlight as torch
    >>> torch.orgqr(torch.zeros(1, 1), torch.zeros(1))
    tensor([[1.]])
    """
    return linalg.householder_product(input, tau, out=out)


def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """``Q @ other`` (``other @ Q`` if not ``left``), Q the whole product of reflectors that :func:`geqrf` packs.

    ``transpose``: with its adjoint.

    >>> import rushlight as torch
    >>> torch.ormqr(torch.zeros(2, 1), torch.zeros(1), torch.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    name = "torch.ormqr"
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if other.ndim < 2:
        raise RuntimeError(f"{name}: other must have at least 2 dimensions.")
    axis = -2 if left else -1
    if other.shape[axis] < tau.shape[-1]:
        raise RuntimeError(f"{name}: other.shape[{axis}] must be greater than or equal to tau.shape[-1]")
    if other.shape[axis] != input.shape[-2]:
        raise RuntimeError(f"{name}: other.shape[{axis}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(other.shape[axis], input.shape[-1]):
        raise RuntimeError(f"{name}: tau.shape[-1] must be equal to min(other.shape[{axis}], input.shape[-1])")
    if input.ndim - tau.ndim != 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.ndim} and input.ndim "
            f"is equal to {input.ndim}"
        )
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"{name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to "
            f"{other.ndim} and input.ndim is equal to {input.ndim}"
        )
    linalg.check_reflector_batch(name, "tau", tau.shape[:-1], input)
    linalg.check_reflector_batch(name, "other", other.shape[:-2], input)
    for which, x in (("tau", tau), ("other", other)):
        if record.np_dtype(x) != record.np_dtype(input):
            raise RuntimeError(
                f"{name}: Expected input and {which} to have the same dtype, but input has dtype {input.dtype} and {which} "
                f"has dtype {x.dtype}"
            )
    check_inexact(name, input)
    k = tau.shape[-1]
    made: Any = other
    # Q = H_1 ... H_k: from the left, the last reflector acts first, its adjoint last
    order = range(k - 1, -1, -1) if left != transpose else range(k)
    for i in order:
        v = reflectors(input, i)
        factor = unsqueeze(part(tau, tau.ndim - 1, i, i + 1), -1)
        if transpose:
            factor = conj(factor)
        made = made - (factor * v) @ (mH(v) @ made) if left else made - (made @ v) @ (factor * mH(v))
    return given_out(out, made if k else made * 1, "ormqr")


# ---- traces, products, spreads


def trace_rule(g: Any, input_shape: Any) -> Any:
    m, n = input_shape
    return unsqueeze(unsqueeze(g, -1), -1) * np.eye(m, n, dtype=record.np_dtype(g))


def trace_batch(op: Any, size: int, mapped: Any, input: Any) -> Any:
    from .reduce import sum as sum_
    from .shape import diagonal

    return sum_(diagonal(input, 0, 1, 2), -1)


@operator(batch=trace_batch, input=trace_rule)
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix.

    >>> import rushlight as torch
    >>> torch.trace(torch.eye(3))
    tensor(3.)
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    kind = input.dtype.kind
    if kind == "b":
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return np.add.reduce(np.diagonal(input), 0, np.int64 if kind in "iu" else None)


# Slower than PyTorch: a product of four dimensions spread over each other, whose inner loops NumPy keeps short.
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: every element of ``input`` times the whole of ``other``, side by side.

    >>> import rushlight as torch
    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    ndim = max(input.ndim, other.ndim)
    a = (1,) * (ndim - input.ndim) + tuple(input.shape)
    b = (1,) * (ndim - other.ndim) + tuple(other.shape)
    left = reshape(input, tuple([s for n in a for s in (n, 1)]))
    right = reshape(other, tuple([s for n in b for s in (1, n)]))
    made = reshape(left * right, tuple([m * n for m, n in zip(a, b, strict=True)]))
    return given_out(out, made, "kron")


def check_weights(name: str, w: Any, kinds: str, kind: str, count: int) -> None:
    if w.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} dimensions"
        )
    dtype = record.np_dtype(w)
    if dtype.kind not in kinds:
        raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {name} with {legacy(dtype)} dtype")
    if w.numel() != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got {w.numel()} != "
            f"{count}"
        )
    numbers = values_of(w)
    if numbers.size and numbers.min() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")


def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """Square matrices multiplied by themselves: :func:`rushlight.linalg.matrix_power`.

    >>> import rushlight as torch
    >>> torch.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    return linalg.matrix_power(input, n, out=out)


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables (rows) over their observations (columns).

    ``fweights`` say how often each observation counts, ``aweights`` how much. The sum is divided by the number of
    observations (or what stands for it) less ``correction``, but by nothing negative.

    >>> import rushlight as torch
    >>> torch.cov(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    from .reduce import mean
    from .reduce import sum as sum_

    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    if record.np_dtype(input).kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x: Any = input if input.ndim == 2 else reshape(input, (1, -1))
    count = x.shape[1]
    w: Any = None
    if fweights is not None:
        check_weights("fweights", fweights, "iu", "integral", count)
        w = fweights
    if aweights is not None:
        check_weights("aweights", aweights, "f", "floating point", count)
        w = aweights if w is None else w * aweights
    kind = record.np_dtype(x).kind
    if kind in "iu":
        x = x * 1.0
    total: Any = count
    if w is not None:
        total = sum_(w)
        if np.any(values_of(total) == 0):
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    centre = mean(x, 1, True) if w is None else sum_(x * w, 1, True) / total
    x = x - centre
    if w is not None and aweights is not None and correction != 0:
        scale = total - correction * sum_(w * aweights) / total
    else:
        scale = total - correction
    if np.any(np.asarray(values_of(scale)) <= 0):
        import warnings

        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations."
        )
        scale = scale * 0 if isinstance(scale, Tensor) else 0
    right = x if w is None else x * w
    made = mm(x, mH(right)) / scale
    return squeeze(made)


def corrcoef(input: Tensor) -> Tensor:
    """The coefficients of correlation (Pearson's) of variables (rows) over their observations (columns).

    >>> import rushlight as torch
    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    from .compare import clamp
    from .elementary import sqrt

    if input.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    c = cov(input)
    if c.ndim == 0:
        return c / c
    d = linalg.diag_of(c)
    size = sqrt(real(d) if linalg.is_complex(d) else d)
    c = c / unsqueeze(size, -1) / unsqueeze(size, -2)
    if linalg.is_complex(c):
        from .complexes import complex as complex_
        from .complexes import imag

        return complex_(clamp(real(c), -1, 1), clamp(imag(c), -1, 1))
    return clamp(c, -1, 1)


@numpy_names
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The cross product along ``dim`` (the first of size 3 if not given): use :func:`rushlight.linalg.cross`.

    >>> import rushlight as torch
    >>> torch.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0]), 0)
    tensor([0, 0, 1])
    """
    if dim is None:
        warnings.warn(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or "
            "simply use torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross in a "
            "future release.",
            UserWarning,
            stacklevel=2,
        )
        found = [i for i, n in enumerate(input.shape) if n == 3]
        if not found:
            raise RuntimeError("no dimension of size 3 in input")
        dim = found[0]
    return linalg.cross(input, other, dim=dim, out=out)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of numbers, descending (or ascending): rows ``x^(N-1), ..., x, 1``.

    >>> import rushlight as torch
    >>> torch.vander(torch.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    from .scan import cumprod
    from .shape import cat, flip

    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    kind = record.np_dtype(x).kind
    base = x.to(dtypes.int64) if kind in "biu" else x
    ones = base.new_ones((x.shape[0], min(count, 1)))
    made = ones
    if count > 1:
        made = cat([ones, cumprod(expand(unsqueeze(base, -1), (x.shape[0], count - 1)), -1)], -1)
    return made if increasing else flip(made, (-1,))


# ---- low rank


def range_of(A: Tensor, q: int, niter: int) -> Tensor:
    """Orthonormal columns that nearly span the range of ``A``.

    Halko, Martinsson and Tropp, "Finding structure with randomness" (2009), algorithm 4.4.
    """
    from .products import matmul
    from .random import randn

    X = matmul(A, randn(A.shape[-1], q, dtype=A.dtype))
    Q = linalg.qr(X).Q
    for _ in range(niter):
        Q = linalg.qr(matmul(mH(A), Q)).Q
        Q = linalg.qr(matmul(A, Q)).Q
    return Q


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """``U, S, V`` of about the ``q`` largest singular values of a matrix (less ``M``), by random projections.

    Halko, Martinsson and Tropp (2009), algorithm 5.1; the random numbers are those of ``torch.randn``.

    >>> import rushlight as torch
    >>> torch.svd_lowrank(torch.ones(3, 4), 1)[1]
    tensor([3.4641])
    """
    from .products import matmul

    q = 6 if q is None else q
    m, n = A.shape[-2:]
    if M is not None:
        A = A - expand(M, tuple(A.shape))
    if m < n:
        A = mH(A)
    Q = range_of(A, q, 2 if niter is None else niter)
    U, S, Vh = linalg.svd(matmul(mH(Q), A), False)
    V = mH(Vh)
    U = matmul(Q, U)
    return (V, S, U) if m < n else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components: ``U, S, V`` of a matrix (rows are samples) less the mean of its columns.

    >>> import rushlight as torch
    >>> torch.pca_lowrank(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), 1)[1]
    tensor([1.4142])
    """
    from .reduce import mean

    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if not niter >= 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if record.np_dtype(A).kind not in "fc":
        raise ValueError("input must have dtype float or complex for torch.pca_lowrank")
    return svd_lowrank(A - mean(A, -2, True) if center else A, q, niter=niter)
