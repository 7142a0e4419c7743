"""Sizes of vectors: p-norms of tensors, distances, and slices scaled down to a greatest norm.

At 0, where a norm has no derivative, the subgradient is PyTorch's: zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import operator
from .._core.tensor import Tensor
from .._kernels.sums import squares
from .broadcast import cast_to, sum_to
from .dims import canonical
from .fill import blank
from .reduce import axes, over_all, regrow
from .spelling import numpy_names

INF = float("inf")


def raised(x: Any, p: float) -> Any:
    """``x ** p`` for the powers that matter, without a call of pow where none is needed."""
    if p == 1:
        return x
    if p == 0.5:
        from .elementary import sqrt

        return sqrt(x)
    return x**p


def vector_norm_vjp(g: Any, input: Any, result: Any, ord: float, dim: Any, keepdim: bool) -> Any:
    from .compare import eq, where
    from .complexes import abs, sgn
    from .reduce import sum

    p = ord
    if p == 0:
        return blank(input)
    g, norm = regrow(g, input.shape, dim, keepdim), regrow(result, input.shape, dim, keepdim)
    if p == 1:
        return sgn(input) * g
    if p in (INF, -INF):
        attained = eq(abs(input), norm)
        count = sum(cast_to(attained, record.np_dtype(norm)), dim, True)
        return where(attained, sgn(input) * (g / count), 0)
    flat = norm == 0
    if p == 2:
        return where(flat, 0, input * (g / where(flat, 1, norm)))
    scale = where(flat, 0, g / raised(where(flat, 1, norm), p - 1))
    size = abs(input)
    if p < 2:  # the power of 0 has a pole, here or one derivative on
        still = size == 0
        return where(still, 0, sgn(input) * (raised(where(still, 1, size), p - 1) * scale))
    return sgn(input) * (raised(size, p - 1) * scale)


@operator(batch=over_all, node="LinalgVectorNormBackward0", input=vector_norm_vjp)
def vector_norm_of(input: Tensor, ord: float, dim: Any, keepdim: bool) -> Tensor:
    x: Any = input
    own = x.dtype
    gone = axes(dim, x.ndim)
    if own == np.float16:
        x = x.astype(np.float32)
    size = np.abs(x) if ord != 2 else None
    real = np.dtype(own.type(0).real.dtype)
    if ord == 2:
        if own.kind == "c":
            made = np.sqrt(np.add.reduce(x.real * x.real + x.imag * x.imag, gone, None, None, keepdim))
        else:
            made = np.sqrt(squares(x, gone, keepdim))
    elif ord == 1:
        made = np.add.reduce(size, gone, None, None, keepdim)
    elif ord == 0:
        made = np.add.reduce(x != 0, gone, real, None, keepdim)
    elif ord in (INF, -INF):
        made = (np.maximum if ord > 0 else np.minimum).reduce(size, gone, None, None, keepdim)
    else:
        made = np.power(np.add.reduce(np.power(size, ord), gone, None, None, keepdim), 1 / ord)
    return np.asarray(made, real, "C")  # type: ignore[return-value]


def check_empty(input: Any, ord: float, dim: Any) -> None:
    """An infinite norm of nothing has no value."""
    if 0 not in input.shape or not (ord == INF or ord < 0):
        return
    text = "inf" if ord == INF else f"{ord:g}"
    gone = axes(dim, input.ndim)
    if gone is None:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {text} norm on an empty tensor because the operation does not have "
            "an identity"
        )
    for d in gone:
        if input.shape[d] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {text} norm on the dimension {d} because this dimension is "
                "empty and the operation does not have an identity"
            )


def check_norm_dtype(name: str, x: Any, dtype: Any) -> Any:
    """The input in the dtype that a norm is asked for in."""
    own = record.np_dtype(x)
    if own.kind not in "fc":
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {legacy(own)}")
    if dtype is None:
        return x
    wanted = dtypes.to_numpy_dtype(dtype)
    if wanted.kind not in "fc":
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {legacy(wanted)}")
    if wanted.kind != own.kind:
        kind = "complex" if own.kind == "c" else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {legacy(wanted)}")
    if np.promote_types(own, wanted) != wanted:
        raise RuntimeError(
            f"{name}: the dtype of the input ({legacy(own)}) should be convertible without narrowing to the specified "
            f"dtype ({legacy(wanted)})"
        )
    return cast_to(x, wanted)


def legacy(dtype: Any) -> str:
    """PyTorch's name of a dtype in messages."""
    return dtypes.LEGACY[dtypes.dtype_of(np.dtype(dtype)).name]


@numpy_names
def vector_norm(
    x: Tensor,
    ord: Any = 2,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The ``ord``-norm of all elements, or over the dimensions ``dim``; ``ord`` may be 0 and plus or minus infinity.

    Raises RuntimeError for integers, for an infinite norm of nothing, and for a ``dtype`` that narrows.

    >>> import rushlight as torch
    >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if ord is None or isinstance(ord, str):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' must be Number, not {type(ord).__name__}")
    if isinstance(ord, complex):
        raise RuntimeError("linalg.vector_norm: Expected a non-complex scalar as the order of norm.")
    x = check_norm_dtype("linalg.vector_norm", x, dtype)
    order = float(ord)
    check_empty(x, order, dim)
    made: Tensor = vector_norm_of(x, order, dim, keepdim)
    return made if out is None else vector_norm_of.op.write_out(vector_norm_of.op, out, made)  # type: ignore[attr-defined, no-any-return]


def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Tensor | None = None, dtype: Any = None
) -> Tensor:
    """A norm of all elements, or over the dimensions ``dim``: a p-norm, "fro" (the 2-norm) or "nuc" of a matrix.

    >>> import rushlight as torch
    >>> torch.norm(torch.tensor([3.0, 4.0])), torch.norm(torch.tensor([3.0, -4.0]), 1)
    (tensor(5.), tensor(7.))
    """
    if p is None:
        p = 2
    if isinstance(p, str):
        if p == "fro" and (dim is None or (isinstance(dim, (int, list, tuple)) and len(sizes(dim)) <= 2)):
            p = 2
        else:
            from .linalg import matrix_norm  # type: ignore[import-not-found, unused-ignore]

            gone = tuple(range(input.ndim)) if dim is None else sizes(dim)
            return matrix_norm(input, p, gone, keepdim, dtype=dtype, out=out)  # type: ignore[no-any-return, unused-ignore]
    return vector_norm(input, p, None if dim is None else sizes(dim), keepdim, dtype=dtype, out=out)


def sizes(dim: Any) -> tuple[int, ...]:
    return tuple(dim) if isinstance(dim, (list, tuple)) else (dim,)


@numpy_names
def norm_method(self: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """A norm of all elements, or over the dimensions ``dim``; see :func:`rushlight.norm`."""
    return norm(self, p, dim, keepdim, dtype=dtype)


def dist_input(g: Any, input: Any, other: Any, result: Any, p: float) -> Any:
    h = vector_norm_vjp(g, input - other, result, p, None, False)
    return sum_to(h, tuple(input.shape)) if tuple(h.shape) != tuple(input.shape) else h


def dist_other(g: Any, input: Any, other: Any, result: Any, p: float) -> Any:
    h = -vector_norm_vjp(g, input - other, result, p, None, False)
    return sum_to(h, tuple(other.shape)) if tuple(h.shape) != tuple(other.shape) else h


@operator(batch=None, node="DistBackward0", input=dist_input, other=dist_other)
def dist_of(input: Tensor, other: Tensor, p: float) -> Tensor:
    return vector_norm_of(np.asarray(input - other), p, None, False)  # type: ignore[no-any-return]


def dist(input: Tensor, other: Tensor, p: Any = 2) -> Tensor:
    """The p-norm of ``input - other``, which broadcast.

    >>> import rushlight as torch
    >>> torch.dist(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 6.0]))
    tensor(5.)
    """
    for x in (input, other):
        if record.np_dtype(x).kind not in "fc":
            raise RuntimeError(
                "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                + dtypes.LEGACY[x.dtype.name]
            )
    return dist_of(input, other, float(p))


def scales(input: Any, p: float, gone: tuple[int, ...], maxnorm: float) -> Any:
    """What each slice is multiplied by to have a norm of at most ``maxnorm``."""
    from .compare import where

    norms = vector_norm_of(input, p, gone, True)
    return where(norms > maxnorm, maxnorm / (norms + 1e-7), 1)


def renorm_vjp(g: Any, input: Any, p: float, dim: int, maxnorm: float) -> Any:
    from .compare import where
    from .complexes import conj
    from .reduce import sum

    gone = tuple([d for d in range(input.ndim) if d != dim])
    norms = vector_norm_of(input, p, gone, True)
    inner = sum(g * conj(input), gone, True)
    inner = inner.real if record.np_dtype(inner).kind == "c" else inner
    slope = vector_norm_vjp(inner, input, norms, p, gone, True)
    inverse = 1 / (norms + 1e-7)
    return where(norms > maxnorm, maxnorm * (g - slope * inverse) * inverse, g)


@operator(batch=None, input=renorm_vjp)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """A copy in which every slice along ``dim`` whose p-norm is larger than ``maxnorm`` is scaled down to it.

    >>> import rushlight as torch
    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    x: Any = input
    if not p > 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if x.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x.ndim} dimensions")
    at = canonical(dim, x.ndim)
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            + dtypes.LEGACY[dtypes.dtype_of(x.dtype).name]
        )
    gone = tuple([d for d in range(x.ndim) if d != at])
    if x.dtype.char == "e":  # norms and scales in float32; the scale is rounded, and so is the product
        x = x.astype(np.float32)
        return np.multiply(input, scales(x, float(p), gone, maxnorm).astype(np.float16))
    return (x * scales(x, float(p), gone, maxnorm)).astype(x.dtype)  # type: ignore[no-any-return]
