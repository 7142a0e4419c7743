"""Functions that PyTorch took away but still names, so that an older program hears what replaces them."""

from __future__ import annotations

from typing import Any, NoReturn

REMOVED = "This function was deprecated since version 1.9 and is now removed."


def eig(input: Any, eigenvectors: bool = False) -> NoReturn:
    """Removed: raises RuntimeError. Use ``torch.linalg.eig``, whose results are complex."""
    raise RuntimeError(f"{REMOVED} Use torch.linalg.eigvals(A), or torch.linalg.eig(A): their results are complex.")


def symeig(input: Any, eigenvectors: bool = False, upper: bool = True) -> NoReturn:
    """Removed: raises RuntimeError. Use ``torch.linalg.eigh``, which reads the lower triangle by default."""
    raise RuntimeError(
        f"{REMOVED} Use torch.linalg.eigvalsh(A, UPLO='U' if upper else 'L') or torch.linalg.eigh(A, UPLO=...): by default "
        "they read the lower triangle, where this function read the upper one."
    )


def lstsq(input: Any, A: Any = None) -> NoReturn:
    """Removed: raises RuntimeError. Use ``torch.linalg.lstsq``, with its arguments the other way round."""
    raise RuntimeError(
        f"{REMOVED} `torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`: X = torch.linalg.lstsq(A, B).solution for "
        "X, _ = torch.lstsq(B, A), with the residuals in the result's field of that name."
    )


def matrix_rank(input: Any, tol: Any = None, symmetric: bool = False, *, out: Any = None) -> NoReturn:
    """Removed: raises RuntimeError. Use ``torch.linalg.matrix_rank``."""
    raise RuntimeError(
        f"{REMOVED}\nPlease use the `torch.linalg.matrix_rank` function instead; its parameter for symmetric matrices is "
        "'hermitian'."
    )


def solve(input: Any, A: Any = None, *, out: Any = None) -> NoReturn:
    """Removed: raises RuntimeError. Use ``torch.linalg.solve``, with its arguments the other way round."""
    raise RuntimeError(
        f"{REMOVED} `torch.solve` is deprecated in favor of `torch.linalg.solve`: X = torch.linalg.solve(A, B) for "
        "X, _ = torch.solve(B, A). For the LU factorization see torch.linalg.lu_factor."
    )
