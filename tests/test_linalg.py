"""Linear algebra beyond the rows: reconstruction, gradients of what does not depend on signs, errors, degenerate input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch


def random(*shape: int, dtype: Any = "f8", seed: int = 0) -> Any:
    r = np.random.default_rng(seed)
    x = r.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * r.normal(size=shape)
    return torch.from_numpy(x.astype(dtype))


def close(a: Any, b: Any, tol: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(a.detach()), np.asarray(b.detach()), tol, tol)


DTYPES = ["f4", "f8", "c8", "c16"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (2, 5, 3), (2, 3, 5), (2, 2, 40, 40), (70, 50)])
def test_factors_multiply_to_the_matrix(shape: tuple[int, ...], dtype: str) -> None:
    tol = 1e-4 if np.dtype(dtype).itemsize <= 8 and dtype != "f8" else 1e-10
    A = random(*shape, dtype=dtype)
    Q, R = torch.linalg.qr(A)
    close(Q @ R, A, tol)
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    close((U * S.unsqueeze(-2)) @ Vh, A, tol)
    P, L, U = torch.linalg.lu(A)
    close(P @ L @ U, A, tol)
    LU, pivots = torch.linalg.lu_factor(A)
    P, L, U = torch.lu_unpack(LU, pivots)
    close(P @ L @ U, A, tol)
    packed, tau = torch.geqrf(A)
    if shape[-2] >= shape[-1]:
        close(torch.linalg.householder_product(packed, tau), Q, tol)
    other = random(*shape[:-1], 2, dtype=dtype, seed=1)
    close(torch.ormqr(packed, tau, torch.ormqr(packed, tau, other), transpose=True), other, tol)
    P = torch.linalg.pinv(A)
    close(A @ P @ A, A, 10 * tol)
    if shape[-1] == shape[-2]:
        B = random(*shape[:-1], 3, dtype=dtype, seed=2)
        close(A @ torch.linalg.lu_solve(LU, pivots, B), B, 100 * tol)
        close(A.mH @ torch.linalg.lu_solve(LU, pivots, B, adjoint=True), B, 100 * tol)
        H = A @ A.mH + torch.eye(shape[-1], dtype=A.dtype)
        L = torch.linalg.cholesky(H)
        close(L @ L.mH, H, 10 * tol)
        e, V = torch.linalg.eigh(H)
        close((V * e.unsqueeze(-2)) @ V.mH, H, 100 * tol)
        e, V = torch.linalg.eig(A)
        close(A.to(V.dtype) @ V, V * e.unsqueeze(-2), 100 * tol)


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_gradients_that_do_not_depend_on_signs(dtype: str) -> None:
    A = random(4, 3, dtype=dtype).requires_grad_()
    W = random(4, 4, dtype=dtype, seed=1)

    def by_svd(A: Any) -> Any:
        U, S, Vh = torch.linalg.svd(A, full_matrices=False)
        return torch.real((U @ torch.diag_embed(S.exp()).to(A.dtype) @ Vh * W[:, :3]).sum())

    def by_qr(A: Any) -> Any:
        Q, R = torch.linalg.qr(A)
        return (Q @ Q.mH * W).sum().abs() + (R.abs() ** 2).sum()

    def by_eigh(A: Any) -> Any:
        e, V = torch.linalg.eigh(A.mH @ A)
        return torch.real(((V * e.log().unsqueeze(-2)) @ V.mH * W[:3, :3]).sum())

    def by_eig(A: Any) -> Any:
        e, V = torch.linalg.eig(A[:3])
        return ((V.abs() ** 2) * torch.real(W[:3, :3])).sum() + e.abs().sum()

    for f in (by_svd, by_qr, by_eigh, by_eig):
        (g,) = torch.autograd.grad(f(A), A, create_graph=True)
        d = random(4, 3, dtype=dtype, seed=3)
        h = 1e-6
        with torch.no_grad():
            numeric = (f(A + h * d) - f(A - h * d)) / (2 * h)
        close(torch.real((g.conj() * d).sum()), numeric, 1e-6)
        (second,) = torch.autograd.grad(torch.real((g.conj() * d).sum()), A)

        def slope(A: Any, f: Any = f, d: Any = d) -> Any:
            A = A.detach().requires_grad_()
            return torch.real((torch.autograd.grad(f(A), A)[0].conj() * d).sum())

        numeric = (slope(A + h * d) - slope(A - h * d)) / (2 * h)
        close(torch.real((second.conj() * d).sum()), numeric, 1e-5)


def test_cholesky_of_symmetric_changes() -> None:
    A = random(3, 3)
    A = (A @ A.mT + 3 * torch.eye(3, dtype=A.dtype)).requires_grad_()
    W, D = random(3, 3, seed=1), random(3, 3, seed=2)
    D = D + D.mT
    for f in (torch.linalg.cholesky, lambda A: torch.linalg.cholesky(A, upper=True), torch.cholesky):
        (g,) = torch.autograd.grad((f(A) * W).sum(), A)
        with torch.no_grad():
            numeric = ((f(A + 1e-6 * D) - f(A - 1e-6 * D)) * W).sum() / 2e-6
        close((g * D).sum(), numeric, 1e-6)
        close(g, g.mT)


def test_singular() -> None:
    zeros = torch.zeros(2, 2, 2)
    zeros[0] = torch.eye(2)
    for f, text in (
        (
            torch.linalg.inv,
            r"linalg.inv: \(Batch element 1\): The diagonal element 1 is zero, the inversion could not be",
        ),
        (
            lambda a: torch.linalg.solve(a, torch.ones(2, 1)),
            r"torch.linalg.solve: \(Batch element 1\): The solver failed",
        ),
        (torch.linalg.cholesky, r"linalg.cholesky: \(Batch element 1\): The factorization could not be completed"),
        (torch.linalg.lu_factor, r"torch.linalg.lu_factor: \(Batch element 1\): U\[1,1\] is zero"),
    ):
        with pytest.raises(RuntimeError, match=text):
            f(zeros)
    with pytest.raises(torch.linalg.LinAlgError):
        torch.linalg.inv(zeros)
    assert torch.linalg.inv_ex(zeros).info.tolist() == [0, 1]
    assert torch.linalg.solve_ex(zeros, torch.ones(2, 1)).info.tolist() == [0, 1]
    assert torch.linalg.cholesky_ex(zeros).info.tolist() == [0, 1]
    with pytest.raises(torch.linalg.LinAlgError, match="non-finite"):
        torch.linalg.svd(torch.full((2, 2), float("nan")))


def test_determinant_of_singular_matrices_has_the_adjugate_as_gradient() -> None:
    A = torch.diag(torch.tensor([1.0, 2.0, 0.0])).requires_grad_()
    (g,) = torch.autograd.grad(torch.linalg.det(A), A, create_graph=True)
    close(g, torch.diag(torch.tensor([0.0, 0.0, 2.0])), 1e-5)
    A = torch.zeros(3, 3, requires_grad=True)
    assert torch.autograd.grad(torch.linalg.det(A), A)[0].abs().sum() == 0


def test_no_gradient() -> None:
    A = random(3, 2).requires_grad_()
    with pytest.raises(RuntimeError, match="mode='complete' and nrows > ncols"):
        torch.linalg.qr(A, "complete").Q.sum().backward()
    with pytest.raises(RuntimeError, match="Q, which is not computed when mode='r'"):
        torch.linalg.qr(A, "r").R.sum().backward()
    with pytest.raises(NotImplementedError, match="derivative for 'geqrf'"):
        torch.geqrf(A).a.sum().backward()
    C = random(3, 3, dtype="c16").requires_grad_()
    with pytest.raises(RuntimeError, match="svd_backward: The singular vectors in the complex case"):
        torch.linalg.svd(C).U[0, 1].imag.backward()


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (
            lambda: torch.linalg.inv(torch.ones(3, 2)),
            "A must be batches of square matrices, but they are 3 by 2 matrices",
        ),
        (lambda: torch.linalg.inv(torch.ones(3)), "The input tensor A must have at least 2 dimensions"),
        (
            lambda: torch.linalg.det(torch.ones(2, 2, dtype=torch.int64)),
            "Expected a floating point or complex tensor as input. Got Long",
        ),
        (
            lambda: torch.linalg.solve(torch.eye(3), torch.ones(4, 2)),
            r"Incompatible shapes of A and B for the equation AX = B \(3x3 and 4x2\)",
        ),
        (lambda: torch.linalg.qr(torch.eye(2), "x"), "unrecognized mode 'x'"),
        (lambda: torch.linalg.eigh(torch.eye(2), "x"), "Expected UPLO argument to be 'L' or 'U', but got x"),
        (lambda: torch.linalg.matrix_norm(torch.eye(2), 3), "Order 3 not supported"),
        (lambda: torch.linalg.norm(torch.ones(2, 2, 2), 2), "the input must be 1D or 2D. Got 3D"),
        (lambda: torch.linalg.lstsq(torch.eye(2), torch.eye(2), driver="x"), "should be one of"),
        (lambda: torch.linalg.lu(torch.eye(2), pivot=False), "LU without pivoting is not implemented on the CPU"),
        (lambda: torch.linalg.multi_dot([torch.eye(2)]), "expected at least 2 tensors but got 1"),
        (lambda: torch.linalg.cross(torch.ones(4), torch.ones(4)), "must have length 3. Got 4 and 4"),
        (lambda: torch.cov(torch.ones(2, 2, 2)), "two or fewer dimensions"),
        (lambda: torch.trace(torch.ones(2)), "expected a matrix, but got tensor with dim 1"),
    ],
)
def test_errors(f: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        f()


def test_low_rank() -> None:
    A = random(20, 3) @ random(3, 12, seed=1)
    torch.manual_seed(0)
    U, S, V = torch.svd_lowrank(A, 4)
    close((U * S) @ V.mT, A)
    U, S, V = torch.pca_lowrank(A, 4)
    close((U * S) @ V.mT, A - A.mean(0))
    close(S[:3], torch.linalg.svdvals(A - A.mean(0))[:3])


def test_multi_dot_splits_at_the_cheapest_place() -> None:
    from rushlight._ops.linalg import best_split

    assert best_split([30, 35, 15, 5, 10, 20, 25])[0, 5] == 2  # the example of Cormen and others


def symmetric(n: int = 12) -> Any:
    q = np.random.RandomState(3).randn(n, n)
    return torch.from_numpy(q @ q.T + np.eye(n))


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("method", ["ortho", "basic"])
def test_lobpcg(largest: bool, method: str) -> None:
    """Some eigenpairs as eigh has them; of batches, of general problems, of sparse matrices."""
    torch.manual_seed(0)
    a, b = symmetric(), torch.diag(torch.arange(1.0, 13.0, dtype=torch.float64))
    end = slice(-3, None) if largest else slice(0, 3)
    order = [2, 1, 0] if largest else [0, 1, 2]
    wanted = torch.linalg.eigvalsh(a)[end][order]
    for matrix in (a, torch.stack([a, a]).reshape(1, 2, 12, 12), a.to_sparse()):
        values, vectors = torch.lobpcg(matrix, k=3, largest=largest, method=method)
        assert torch.allclose(values, wanted.expand(values.shape), rtol=1e-10)
        assert torch.allclose(a @ vectors, vectors * values.unsqueeze(-2), atol=1e-4)
    values, vectors = torch.lobpcg(a, k=3, B=b, iK=torch.linalg.inv(a), largest=largest, method=method)
    assert torch.allclose(a @ vectors, b @ vectors * values, atol=1e-4)
    assert torch.allclose(vectors.mT @ b @ vectors, torch.eye(3, dtype=torch.float64))


def test_lobpcg_gradients_are_those_of_eigh() -> None:
    weights = torch.from_numpy(np.random.RandomState(1).randn(12, 2))
    start = torch.from_numpy(np.random.RandomState(2).randn(12, 2))

    def gradient(solve: Any) -> Any:
        a = symmetric().requires_grad_()
        values, vectors = solve((a + a.mT) / 2)
        squares = (vectors * vectors * weights).sum() + (values * values).sum()  # no matter what signs they have
        (g,) = torch.autograd.grad(squares, a)
        return g

    ours = gradient(lambda a: torch.lobpcg(a, X=start, tol=1e-12))
    whole = gradient(lambda a: tuple(t[..., [-1, -2]] for t in torch.linalg.eigh(a)))
    assert torch.allclose(ours, whole, rtol=1e-7, atol=1e-8)
    with pytest.raises(ValueError, match=r"lobpcg\.backward"):
        torch.lobpcg(symmetric().requires_grad_(), B=torch.eye(12, dtype=torch.float64))[0].sum().backward()


def test_lobpcg_is_followed_and_stopped() -> None:
    steps = []

    def tracker(state: Any) -> None:
        steps.append((state.ivars["istep"], tuple(state.X.shape), len(state.tvars["rerr"])))
        state.bvars["force_stop"] = len(steps) == 2

    torch.lobpcg(symmetric(), n=2, tracker=tracker)
    assert steps == [(1, (12, 2), 2), (2, (12, 2), 2)]
    with pytest.raises(ValueError, match="LOBPCG algorithm is not applicable when the number of A rows"):
        torch.lobpcg(symmetric(), k=5)
    with pytest.raises(AssertionError, match="A must be square"):
        torch.lobpcg(symmetric()[:5])
    with pytest.raises(ValueError, match="ortho_iparams"):
        torch.lobpcg(symmetric(), ortho_iparams={"j_max": 2})


def test_cholesky_of_nan() -> None:
    bad = torch.tensor([[4.0, float("nan")], [float("nan"), 5.0]])
    with pytest.raises(torch.linalg.LinAlgError, match="not positive-definite"):
        torch.linalg.cholesky(bad)
    both = torch.stack([torch.eye(2), torch.full((2, 2), float("nan"))])
    with pytest.raises(torch.linalg.LinAlgError, match=r"\(Batch element 1\)"):
        torch.linalg.cholesky(both)
    made, info = torch.linalg.cholesky_ex(both)
    assert info.tolist() == [0, 1]
    assert torch.equal(made[0], torch.eye(2))
