"""Some eigenpairs of a large symmetric matrix: LOBPCG, which needs the matrix only in products with a few columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import autograd, linalg
from ._core.tensor import Tensor
from ._ops.create import eye
from ._ops.products import matmul
from ._ops.questions import finfo
from ._ops.random import randn
from ._ops.shape import cat, stack

__all__ = ["lobpcg"]


def _product(A: Any, x: Any) -> Any:
    return x if A is None else matmul(A, x)


def _norm(x: Any) -> float:
    return float(linalg.vector_norm(x))


class _Search:
    """The state of one search, which ``tracker`` may look at; ``bvars["force_stop"] = True`` ends it."""

    def __init__(self, A: Any, B: Any, X: Any, iK: Any, params: dict[str, dict[str, Any]], tracker: Any) -> None:
        self.A, self.B, self.iK, self.X, self.tracker = A, B, iK, X, tracker
        self.iparams, self.fparams, self.bparams = params["i"], params["f"], params["b"]
        self.ivars: dict[str, int] = {"istep": 0, "converged_count": 0, "iterations_left": self.iparams["niter"]}
        self.fvars: dict[str, float] = {}
        self.bvars: dict[str, bool] = {"force_stop": False}
        self.tvars: dict[str, Tensor] = {}
        self.E: Any = None
        self.R: Any = None
        self.S: Any = None

    def orthonormal(self, columns: Any, against: Any = None) -> Any:
        """A basis of what the columns span beyond ``against``, orthonormal under B; null directions are dropped."""
        for _ in range(self.iparams["i_max"]):
            if against is not None:
                columns = columns - matmul(against, matmul(against.mT, _product(self.B, columns)))
            lengths = linalg.vector_norm(columns, dim=0)
            columns = columns[:, lengths > 0] / lengths[lengths > 0]
            sizes, turn = linalg.eigh(matmul(columns.mT, _product(self.B, columns)))
            kept = sizes > self.fparams["tol_drop"] * sizes.abs().amax() if sizes.numel() else sizes > 0
            columns = matmul(columns, turn[:, kept] / sizes[kept].sqrt())
        return columns

    def rayleigh_ritz(self, S: Any, n: int) -> Any:
        """The first n Ritz values in order, and the directions of them in S."""
        form = matmul(S.mT, _product(self.A, S))
        values, turn = linalg.eigh((form + form.mT) / 2)
        if self.bparams["largest"]:
            values, turn = values.flip(0), turn.flip(1)
        return values[:n], turn[:, :n]

    def converged(self) -> bool:
        """Set the residuals, and count how many of the first pairs are within the tolerance."""
        ax, bx = _product(self.A, self.X), _product(self.B, self.X)
        self.R = ax - bx * self.E
        self.fvars |= {"X_norm": _norm(self.X), "A_norm": _norm(ax), "B_norm": _norm(bx)}
        size = self.fvars["X_norm"] or 1.0
        scale = linalg.vector_norm(self.X, dim=0) * (self.fvars["A_norm"] + self.E.abs() * self.fvars["B_norm"]) / size
        self.tvars["rerr"] = linalg.vector_norm(self.R, dim=0) / scale
        count = 0
        for error in self.tvars["rerr"].tolist():
            if not error < self.fparams["tol"]:
                break
            count += 1
        self.ivars["converged_count"] = count
        return bool(count >= self.iparams["k"])

    def run(self) -> tuple[Any, Any]:
        n = self.iparams["n"]
        self.X = self.orthonormal(self.X)
        self.E, turn = self.rayleigh_ritz(self.X, n)
        self.X = matmul(self.X, turn)
        last: Any = None
        while not self.converged() and self.ivars["iterations_left"] != 0:
            n = min(n, self.X.shape[1])
            more = _product(self.iK, self.R)
            more = self.orthonormal(more if last is None else cat([more, last], 1), self.X)
            if not more.shape[1]:
                break
            self.S = cat([self.X, more], 1)
            self.E, turn = self.rayleigh_ritz(self.S, n)
            self.X, last = matmul(self.S, turn), matmul(more, turn[n:])
            self.ivars["istep"] += 1
            self.ivars["iterations_left"] -= 1
            if self.tracker is not None:
                self.tracker(self)
                if self.bvars["force_stop"]:
                    break
        k = self.iparams["k"]
        return self.E[:k], self.X[:, :k]


class LOBPCGAutogradFunction(autograd.Function):  # type: ignore[misc, unused-ignore]
    """The search, and the derivative of its result: that of the eigenpairs, with the others never computed."""

    @staticmethod
    def forward(ctx: Any, A: Any, find: Callable[[Any], Any], B: Any) -> Any:
        E, X = find(A)
        ctx.general = B is not None
        ctx.save_for_backward(A, E, X)
        return E, X

    @staticmethod
    def backward(ctx: Any, g_values: Any, g_vectors: Any) -> Any:
        if ctx.general:
            raise ValueError("lobpcg.backward: backward with B != I not implemented: there is only that of A x = e x")
        A, E, X = ctx.saved_tensors
        total: Any = 0
        if g_values is not None:
            total = matmul(X * g_values.unsqueeze(-2), X.mT)
        if g_vectors is not None:
            # The change of a vector: along the others that were found, by their distance; beyond them, where A - e is
            # regular, by solving with a border that keeps the solution orthogonal to all of them.
            k = E.shape[-1]
            one = eye(k, dtype=E.dtype)
            apart = E.unsqueeze(-2) - E.unsqueeze(-1)
            along = matmul(X.mT, g_vectors)
            total = total + matmul(X, matmul((1 - one) * along / (apart + one), X.mT))
            beyond = g_vectors - matmul(X, along)
            wide = E[..., None, None] * eye(A.shape[-1], dtype=E.dtype) - A.unsqueeze(-3)
            border = X.unsqueeze(-3).expand(*wide.shape[:-1], k)
            zero = border.new_zeros((*wide.shape[:-2], k, k))
            system = cat([cat([wide, border], -1), cat([border.mT, zero], -1)], -2)
            right = cat([beyond.mT, zero[..., 0]], -1).unsqueeze(-1)
            solved = linalg.solve(system, right)[..., : A.shape[-1], 0]
            total = total + matmul(solved.mT, X.mT)
        return total, None, None


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """The ``k`` largest (or smallest) eigenvalues ``(*, k)`` and vectors ``(*, m, k)`` of ``A x = e B x``.

    ``A`` ``(*, m, m)`` is symmetric, ``B`` symmetric and positive (the identity if not given); both may be sparse.
    ``X`` ``(*, m, n)`` is where the search starts (random if not given, with ``n`` columns), ``iK`` a preconditioner,
    ``niter`` the most steps (-1: any number), ``tol`` the residual, relative to the matrix, at which to stop.
    ``tracker`` is called with the state at each step. ``method`` is ``"ortho"`` or ``"basic"``: both orthogonalise here,
    ``"basic"`` once and ``"ortho"`` ``ortho_iparams["i_max"]`` times, leaving out directions smaller than
    ``ortho_fparams["tol_drop"]``. ``m`` must be at least three times ``n``. Derivatives go to ``A``, without ``B``.

    Knyazev, 2001; the orthogonalisation: Stathopoulos and Wu, 2002.

    >>> import rushlight as torch
    >>> values, vectors = torch.lobpcg(torch.diag(torch.arange(1.0, 10.0)), k=2)
    >>> [round(v, 3) for v in values.tolist()]
    [9.0, 8.0]
    """
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if not A.dtype.is_floating_point:
        raise RuntimeError(f"expected a matrix of real floating point numbers, got {A.dtype}")
    if method not in (None, "ortho", "basic"):
        raise ValueError(f"expected method 'ortho' or 'basic', got {method!r}")
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = X.shape[-1] if X is not None else k if n is None else n
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of "
            f"requested eigenpairs (={n})"
        )
    if X is None:
        X = randn((*A.shape[:-1], n), dtype=A.dtype)
    eps = finfo(A.dtype).eps
    params: dict[str, dict[str, Any]] = {
        "i": {"m": m, "n": n, "k": min(k, n), "niter": 1000 if niter is None else niter, "i_max": 3},
        "f": {"tol": eps**0.5 if tol is None else tol, "tol_drop": eps},
        "b": {"largest": True if largest is None else largest},
    }
    given = [("i", ortho_iparams, {"i_max"}), ("f", ortho_fparams, {"tol_drop"}), ("b", ortho_bparams, set())]
    for kind, options, known in given:
        for name, value in (options or {}).items():
            if name not in known:
                raise ValueError(f"ortho_{kind}params[{name!r}] is not supported: of these there are {sorted(known)}")
            params[kind][name] = value
    if method == "basic":
        params["i"]["i_max"] = 1

    def find(A: Any) -> Any:
        with autograd.no_grad():
            return _batch(A, B, X, iK, params, tracker)

    if A.requires_grad:
        return LOBPCGAutogradFunction.apply((A + A.mT) / 2, find, B)  # type: ignore[no-any-return]
    return find(A)  # type: ignore[no-any-return]


def _batch(A: Any, B: Any, X: Any, iK: Any, params: Any, tracker: Any) -> Any:
    if A.ndim == 2:
        return _Search(A, B, X, iK, params, tracker).run()
    m, n, k = params["i"]["m"], params["i"]["n"], params["i"]["k"]
    flat = A.reshape(-1, m, m)
    others = [[None] * len(flat) if t is None else t.expand(A.shape).reshape(-1, m, m) for t in (B, iK)]
    starts = X.expand(*A.shape[:-1], n).reshape(-1, m, n)
    found = [
        _Search(a, b, x, i, params, tracker).run()
        for a, b, x, i in zip(flat, others[0], starts, others[1], strict=True)
    ]
    values, vectors = zip(*found, strict=True)
    return stack(values).reshape(*A.shape[:-2], k), stack(vectors).reshape(*A.shape[:-1], k)
