"""Products of vectors and matrices: each rank has its own operator, ``matmul`` chooses, ``einsum`` composes.

The gradient of a product is the product with the other factor's adjoint. BLAS gets two-dimensional operands
wherever possible: a batch times one matrix is folded into one product.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import dtypes, record, views
from .._core.declare import BILINEAR, operator
from .._core.promote import promote_types
from .._core.tensor import Tensor
from .._kernels.pool_of_threads import spread
from .._kernels.products import outer as outer_products
from .broadcast import expand, sum_to
from .outs import C_NAMES
from .shape import movedim, permute, reshape, squeeze, transpose, transposed, unsafe_view, unsqueeze

Number = bool | int | float | complex


def conjugate(x: Any) -> Any:
    """The complex conjugate; real numbers as they are, at no cost."""
    if record.np_dtype(x).kind != "c":
        return x
    from .complexes import conj

    return conj(x)


def adjoint(x: Any) -> Any:
    """The conjugate transpose over the last two dimensions."""
    return conjugate(transpose(x, -2, -1))


def same_dtype(a: Any, b: Any, names: tuple[str, str] = ("m1", "m2")) -> None:
    if a.dtype is not b.dtype and a.dtype != b.dtype:
        x, y = [C_NAMES.get(d.name, d.name) for d in (a.dtype, b.dtype)]
        raise RuntimeError(f"expected {names[0]} and {names[1]} to have the same dtype, but got: {x} != {y}")


def single(x: Any) -> Any:
    return x.astype(np.float32)


def product(a: Any, b: Any) -> Any:
    """NumPy's product; float16 is computed in float32, booleans are refused, integers wrap."""
    if a.dtype == np.float16:
        return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if a.dtype == np.bool_:
        kernel = (
            "dot"
            if a.ndim == b.ndim == 1
            else "addmv_impl_cpu"
            if b.ndim == 1
            else "addmm_impl_cpu_"
            if b.ndim == 2
            else "bmm"
        )
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")
    if a.ndim > 2 and a.ndim == b.ndim and a.shape[-1] == b.shape[-2] == 1:  # what gradients of each sample are made of
        return outer_products(a, b)
    return np.matmul(a, b)


def nd_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, other: Any) -> Any:
    """Products of any rank: batch dimensions stand in front already; ranks are made equal for broadcasting."""
    if mapped[0] and mapped[1]:
        rank = max(input.ndim, other.ndim)
        input, other = grown(input, rank), grown(other, rank)
    elif mapped[0] and other.ndim > input.ndim - 1:
        input = grown(input, other.ndim + 1)
    elif mapped[1] and input.ndim > other.ndim - 1:
        other = grown(other, input.ndim + 1)
    return matmul_nd(input, other)


def of_ranks(first: int, second: int, batch: Any) -> Any:
    """A batching rule for examples of these ranks only: no broadcasting is to make others fit."""

    def checked(op: Any, size: int, mapped: tuple[bool, ...], input: Any, other: Any) -> Any:
        a, b = input.ndim - mapped[0], other.ndim - mapped[1]
        if (a, b) != (first, second) or (first == 3 and input.shape[mapped[0]] != other.shape[mapped[1]]):
            raise RuntimeError(
                f"Shape mismatch: Got incorrect dims for {op.name}(a, b). a has dim {a} and b has dim {b} but expected them "
                f"to have dim {first} and dim {second}: the shapes are {list(input.shape[mapped[0] :])} and "
                f"{list(other.shape[mapped[1] :])}."
            )
        return batch(op, size, mapped, input, other)

    return checked


def grown(x: Any, rank: int) -> Any:
    """The batch dimension kept in front, dimensions of size 1 put behind it."""
    missing = rank - x.ndim
    return x if missing <= 0 else reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:]))


@operator(
    jvp=BILINEAR, batch=nd_batch, node="BmmBackward0",
    input=lambda g, input_shape, other: sum_to(matmul_nd(g, adjoint(other)), tuple(input_shape)),
    other=lambda g, input, other_shape: sum_to(matmul_nd(adjoint(input), g), tuple(other_shape)),
)  # fmt: skip
def matmul_nd(input: Tensor, other: Tensor) -> Tensor:
    """The product over the last two dimensions, broadcast over the others."""
    same_dtype(input, other)
    try:
        return product(input, other)  # type: ignore[no-any-return]
    except ValueError:
        a, b = list(input.shape), list(other.shape)
        if a[-1] != b[-2]:
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[-1]}] but got: "
                f"[{b[0]}, {b[-2]}]."
            ) from None
        raise RuntimeError(
            f"The size of tensor a ({a[0]}) must match the size of tensor b ({b[0]}) at non-singleton dimension 0"
        ) from None


@operator(
    jvp=BILINEAR, batch=of_ranks(2, 2, nd_batch), node="MmBackward0",
    input=lambda g, mat2: mm(g, adjoint(mat2)),
    mat2=lambda g, input: mm(adjoint(input), g),
)  # fmt: skip
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices.

    >>> import rushlight as torch
    >>> torch.mm(torch.eye(2), torch.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    if input.ndim != 2 or mat2.ndim != 2:
        which = "self" if input.ndim != 2 else "mat2"
        raise RuntimeError(f"{which} must be a matrix")
    same_dtype(input, mat2)
    if input.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({input.shape[0]}x{input.shape[1]} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        )
    return product(input, mat2)  # type: ignore[no-any-return]


@operator(
    jvp=BILINEAR, batch=of_ranks(3, 3, nd_batch), node="BmmBackward0",
    input=lambda g, mat2: bmm(g, adjoint(mat2)),
    mat2=lambda g, input: bmm(adjoint(input), g),
)  # fmt: skip
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two batches of matrices.

    >>> import rushlight as torch
    >>> torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 1)).shape
    torch.Size([2, 1, 1])
    """
    if input.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if mat2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    same_dtype(input, mat2)
    a, b = list(input.shape), list(mat2.shape)
    if a[0] != b[0] or a[2] != b[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}]."
        )
    return product(input, mat2)  # type: ignore[no-any-return]


def mv_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, vec: Any) -> Any:
    return squeeze(matmul_nd(input, unsqueeze(vec, -1)), -1)


# Slower than PyTorch: in the backward pass, an outer product (see outer).
@operator(
    jvp=BILINEAR, batch=of_ranks(2, 1, mv_batch), node="MvBackward0",
    input=lambda g, vec: outer_of(g, conjugate(vec)),
    vec=lambda g, input: mv(adjoint(input), g),
)  # fmt: skip
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix and a vector.

    >>> import rushlight as torch
    >>> torch.mv(torch.ones(2, 3), torch.ones(3))
    tensor([3., 3.])
    """
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {0 if input.ndim != 2 else 1}, {input.ndim}, {vec.ndim}"
        )
    same_dtype(input, vec, ("mat", "vec"))
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec ({vec.shape[0]})"
        )
    return product(input, vec)  # type: ignore[no-any-return]


def outer_of(a: Any, b: Any) -> Any:
    return matmul_nd(unsqueeze(a, -1), unsqueeze(b, 0))


def dot_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, tensor: Any) -> Any:
    from .reduce import sum as sum_

    return sum_(input * tensor, -1)


@operator(
    jvp=BILINEAR, batch=of_ranks(1, 1, dot_batch), node="DotBackward0",
    input=lambda g, tensor: g * conjugate(tensor),
    tensor=lambda g, input: g * conjugate(input),
)  # fmt: skip
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of the elements of two vectors (without conjugation).

    >>> import rushlight as torch
    >>> torch.dot(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor(11)
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype != tensor.dtype:
        names = [dtypes.LEGACY[dtypes.dtype_of(x.dtype).name] for x in (input, tensor)]  # type: ignore[arg-type]
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {names[0]} and {names[1]}")
    if input.shape != tensor.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{input.shape[0]}] and src [{tensor.shape[0]}] to have the same "
            f"number of elements, but got {input.shape[0]} and {tensor.shape[0]} elements respectively"
        )
    return product(input, tensor)  # type: ignore[no-any-return]


def vdot_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, other: Any) -> Any:
    return dot_batch(op, size, mapped, conjugate(input), other)


@operator(
    batch=vdot_batch, node="VdotBackward0",
    input=lambda g, other: conjugate(g) * other,
    other=lambda g, input: g * input,
)  # fmt: skip
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The dot product of the conjugate of ``input`` with ``other``.

    >>> import rushlight as torch
    >>> torch.vdot(torch.tensor([1j]), torch.tensor([1j]))
    tensor(1.+0.j)
    """
    return dot.op.forward(np.conj(input) if input.dtype.kind == "c" else input, other)


def matmul(input: Any, other: Any, *, out: Tensor | None = None) -> Any:
    """The product of two tensors: vectors, matrices, or batches of them.

    A vector on the left is a row, on the right a column (and that dimension is dropped again); dimensions before
    the last two are batches, and broadcast. Raises RuntimeError where sizes or dtypes do not match.

    >>> import rushlight as torch
    >>> torch.matmul(torch.ones(2, 3), torch.ones(3))
    tensor([3., 3.])
    """
    for name, x, at in (("input", input, 1), ("other", other, 2)):
        if not isinstance(x, (Tensor, np.ndarray)):
            raise TypeError(f"matmul(): argument '{name}' (position {at}) must be Tensor, not {type(x).__name__}")
    a, b = input.ndim, other.ndim
    if a == 2 and b == 2:
        made = mm(input, other)
    elif a == 0 or b == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    elif a == 1 and b == 1:
        made = dot(input, other)
    elif a == 2 and b == 1:
        made = mv(input, other)
    elif a == 1 and b == 2:
        made = squeeze(mm(unsqueeze(input, 0), other), 0)
    elif b == 1 and a >= 3:
        made = unsafe_view(mv(reshape(input, (-1, input.shape[-1])), other), tuple(input.shape[:-1]))
    elif b == 2 and a >= 3:
        made = folded(input, other)
    elif a == 1:
        made = squeeze(matmul_nd(reshape(input, (1,) * (b - 2) + (1, input.shape[0])), other), -2)
    elif a == 3 and b == 3 and input.shape[0] == other.shape[0]:
        made = bmm(input, other)
    else:
        made = matmul_nd(input, other)
    return made if out is None else views.write_out(views.Named("matmul"), out, made)


def matmul_operator(self: Any, other: Any) -> Any:
    """``self @ other``."""
    if not isinstance(other, (Tensor, np.ndarray)):
        return NotImplemented
    return matmul(self, other)


def matmul_reflected(self: Any, other: Any) -> Any:
    """``other @ self``."""
    if not isinstance(other, (Tensor, np.ndarray)):
        return NotImplemented
    return matmul(other, self)


def folded(input: Any, other: Any) -> Any:
    """A batch of matrices times one matrix, as one product."""
    shape = tuple(input.shape)
    if shape[-1] != other.shape[0]:
        rows = 1
        for n in shape[:-1]:
            rows *= n
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{shape[-1]} and {other.shape[0]}x{other.shape[1]})"
        )
    if 0 in shape:
        return matmul_nd(input, other)
    return unsafe_view(mm(reshape(input, (-1, shape[-1])), other), (*shape[:-1], other.shape[1]))


def scaled(x: Any, factor: Any) -> Any:
    return x if factor == 1 else x * (factor.conjugate() if isinstance(factor, complex) else factor)


def half_sum(input: Any, made: Any, beta: Any, alpha: Any) -> Any:
    """A product of float16 matrices in float32, scaled and added to: all is rounded once, at the end."""
    wide = input.astype(np.float32) if input.dtype == np.float16 else input
    if wide is input:
        made = made.astype(np.float16)
        return combined(input, made, beta, alpha)
    return combined(wide, made, beta, alpha).astype(np.float16)


def combined(input: Any, made: Any, beta: Any, alpha: Any) -> Any:
    """``beta * input + alpha * made`` on arrays; with ``beta = 0``, ``input`` (even nan in it) is left out.

    ``made`` is a new array of the caller's: the sum is left in it.
    """
    if input.dtype != made.dtype:
        x, y = [dtypes.LEGACY[dtypes.dtype_of(v.dtype).name] for v in (input, made)]
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {x} and {y}")
    if alpha != 1:
        made *= np.asarray(alpha).astype(made.dtype)
    try:
        if beta == 1:
            spread(np.add, made, made, input)
        elif beta != 0:
            made += input * np.asarray(beta).astype(made.dtype)
        else:
            np.broadcast_to(input, made.shape)  # it must fit all the same
    except ValueError:
        raise RuntimeError(
            f"The expanded size of the tensor ({made.shape[-1]}) must match the existing size ({input.shape[-1]}) at "
            f"non-singleton dimension {made.ndim - 1}.  Target sizes: {list(made.shape)}.  Tensor sizes: "
            f"{list(input.shape)}"
        ) from None
    return made


def summed_batch(core: Any) -> Any:
    """The batching rule of ``beta * input + alpha * core(x, y)``."""

    def batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, x: Any, y: Any, beta: Any, alpha: Any) -> Any:
        product_mapped = mapped[1] or mapped[2]
        made = core.op.batch(core.op, size, mapped[1:3], x, y) if product_mapped else core(x, y)
        if mapped[0]:
            input = grown(input, made.ndim + (0 if product_mapped else 1))
        made = made if alpha == 1 else made * alpha
        if beta == 0:
            return made if product_mapped else expand(made, (size, *made.shape))
        return (input if beta == 1 else input * beta) + made

    return batch


def input_rule(g: Any, input_shape: Any, beta: Any) -> Any:
    return scaled(g if tuple(g.shape) == tuple(input_shape) else sum_to(g, tuple(input_shape)), beta)


@operator(
    batch=summed_batch(mm), node="AddmmBackward0", older=("beta", "alpha"), input=input_rule,
    mat1=lambda g, mat2, alpha: scaled(mm(g, adjoint(mat2)), alpha),
    mat2=lambda g, mat1, alpha: scaled(mm(adjoint(mat1), g), alpha),
)  # fmt: skip
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``; with ``beta=0``, ``input`` (even nan in it) is ignored.

    >>> import rushlight as torch
    >>> torch.addmm(torch.ones(1), torch.ones(1, 2), torch.ones(2, 1))
    tensor([[3.]])
    """
    if mat1.ndim != 2 or mat2.ndim != 2:
        which = "mat1" if mat1.ndim != 2 else "mat2"
        raise RuntimeError(f"{which} must be a matrix, got {(mat1 if which == 'mat1' else mat2).ndim}-D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({mat1.shape[0]}x{mat1.shape[1]} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        )
    if mat1.dtype != mat2.dtype:
        x, y = [dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(m)).name] for m in (mat1, mat2)]
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {x} and {y}")
    if mat1.dtype == np.float16:  # type: ignore[comparison-overlap]
        return half_sum(input, np.matmul(single(mat1), single(mat2)), beta, alpha)  # type: ignore[no-any-return]
    return combined(input, product(mat1, mat2), beta, alpha)  # type: ignore[no-any-return]


# Slower than PyTorch: in the backward pass, an outer product (see outer).
@operator(
    batch=summed_batch(mv), node="AddmvBackward0", older=("beta", "alpha"), input=input_rule,
    mat=lambda g, vec, alpha: scaled(outer_of(g, conjugate(vec)), alpha),
    vec=lambda g, mat, alpha: scaled(mv(adjoint(mat), g), alpha),
)  # fmt: skip
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``.

    >>> import rushlight as torch
    >>> torch.addmv(torch.ones(2), torch.ones(2, 3), torch.ones(3))
    tensor([4., 4.])
    """
    if mat.dtype == vec.dtype == np.float16:  # type: ignore[comparison-overlap]
        beta, alpha = [float(np.float16(v)) for v in (beta, alpha)]  # type: ignore[arg-type]
        if beta not in (0, 1):
            input, beta = input * np.float16(beta), 1
        return half_sum(input, mv.op.forward(single(mat), single(vec)), beta, alpha)  # type: ignore[no-any-return]
    return combined(input, mv.op.forward(mat, vec), beta, alpha)


@operator(
    batch=summed_batch(bmm), node="BaddbmmBackward0", older=("beta", "alpha"), input=input_rule,
    batch1=lambda g, batch2, alpha: scaled(bmm(g, adjoint(batch2)), alpha),
    batch2=lambda g, batch1, alpha: scaled(bmm(adjoint(batch1), g), alpha),
)  # fmt: skip
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)`` for batches of matrices.

    >>> import rushlight as torch
    >>> torch.baddbmm(torch.ones(1, 1, 1), torch.ones(1, 1, 2), torch.ones(1, 2, 1))
    tensor([[[3.]]])
    """
    if not input.dtype == batch1.dtype == batch2.dtype:
        names = [C_NAMES.get(x.dtype.name, x.dtype.name) for x in (input, batch1, batch2)]  # type: ignore[attr-defined]
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {names[0]}, batch1: {names[1]}, batch2: {names[2]}"
        )
    if input.dtype == np.float16:  # type: ignore[comparison-overlap]
        return half_sum(input, bmm.op.forward(single(batch1), single(batch2)), beta, alpha)  # type: ignore[no-any-return]
    return combined(input, bmm.op.forward(batch1, batch2), beta, alpha)


def spread_over(g: Any, batch: Any) -> Any:
    return expand(unsqueeze(g, 0), (batch.shape[0], *g.shape))


@operator(
    node="AddbmmBackward0", older=("beta", "alpha"), input=input_rule,
    batch1=lambda g, batch2, alpha: scaled(bmm(spread_over(g, batch2), adjoint(batch2)), alpha),
    batch2=lambda g, batch1, alpha: scaled(bmm(adjoint(batch1), spread_over(g, batch1)), alpha),
)  # fmt: skip
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``beta * input`` plus ``alpha`` times the sum over the batch of ``batch1 @ batch2``.

    >>> import rushlight as torch
    >>> torch.addbmm(torch.zeros(1, 1), torch.ones(3, 1, 2), torch.ones(3, 2, 1))
    tensor([[6.]])
    """
    made = bmm.op.forward(batch1, batch2)
    if input.dtype == made.dtype == np.float16 and len(made):  # one matrix after the other, rounded each time
        total = input
        for a, b in zip(batch1, batch2, strict=True):
            total = half_sum(total, np.matmul(single(a), single(b)), beta, alpha)
            beta = 1
        return total
    return combined(input, np.add.reduce(made, 0, made.dtype), beta, alpha)


@operator(
    node="AddrBackward0", older=("beta", "alpha"), input=input_rule,
    vec1=lambda g, vec2, alpha: scaled(mv(g, conjugate(vec2)), alpha),
    vec2=lambda g, vec1, alpha: scaled(mv(transpose(g, 0, 1), conjugate(vec1)), alpha),
)  # fmt: skip
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``.

    >>> import rushlight as torch
    >>> torch.addr(torch.zeros(1, 2), torch.ones(1), torch.ones(2))
    tensor([[1., 1.]])
    """
    for word, x in (("vec1", vec1), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {word}, but got {x.ndim}-D")
    dtype = promote_types(promote_types(input.dtype, vec1.dtype), vec2.dtype)  # type: ignore[arg-type]
    for name, value in (("beta", beta), ("alpha", alpha)):
        if isinstance(value, float) and dtype.kind in "biu":
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
        if isinstance(value, bool) and dtype.kind != "b":
            raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
    vec1, vec2, input = [x.astype(dtype, copy=False) for x in (vec1, vec2, input)]  # type: ignore[attr-defined]
    if dtype == np.float16 and alpha != 1:
        return combined(input, np.multiply.outer(vec1 * np.float16(alpha), vec2), beta, 1)  # type: ignore[arg-type]
    return combined(input, np.multiply.outer(vec1, vec2), beta, alpha)


# Slower than PyTorch: NumPy multiplies a column by a row at half the speed of equal shapes.
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of every element of one vector with every element of another.

    >>> import rushlight as torch
    >>> torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    made: Tensor = reshape(input, (-1, 1)) * vec2
    return made if out is None else views.write_out(views.Named("outer"), out, made)


ger = outer


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last dimensions of two tensors.

    >>> import rushlight as torch
    >>> torch.inner(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor(11)
    """
    if input.ndim == 0 or other.ndim == 0:
        made = input * other
    else:
        if input.shape[-1] != other.shape[-1]:
            raise RuntimeError(
                f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
                f"{list(other.shape)}"
            )
        made = tensordot(input, other, ([-1], [-1]))
    return made if out is None else views.write_out(views.Named("inner"), out, made)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums of products over several dimensions: the last ``dims`` of ``a`` with the first of ``b``, or those listed.

    >>> import rushlight as torch
    >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), 1).shape
    torch.Size([2, 4])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left, right = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        left, right = [
            [d % x.ndim for d in ([ds] if isinstance(ds, int) else ds)] for ds, x in zip(dims, (a, b), strict=True)
        ]
    from .reduce import sum as sum_

    for i, j in zip(left, right, strict=True):
        if b.shape[j] == 1 != a.shape[i]:  # a single element meets each, so that their sum will do
            a = sum_(a, i, True)
        elif a.shape[i] == 1 != b.shape[j]:
            b = sum_(b, j, True)
        elif a.shape[i] != b.shape[j]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and second has size "
                f"{b.shape[j]} in dim {j}"
            )
    free_a = [d for d in range(a.ndim) if d not in left]
    free_b = [d for d in range(b.ndim) if d not in right]
    n = 1
    for d in left:
        n *= a.shape[d]
    x = reshape(permute(a, (*free_a, *left)), (-1, n) if n else (product_of(a, free_a), 0))
    y = reshape(permute(b, (*right, *free_b)), (n, -1) if n else (0, product_of(b, free_b)))
    made: Tensor = reshape(mm(x, y), (*[a.shape[d] for d in free_a], *[b.shape[d] for d in free_b]))
    return made if out is None else views.write_out(views.Named("tensordot"), out, made)


def product_of(x: Any, dims: Sequence[int]) -> int:
    n = 1
    for d in dims:
        n *= x.shape[d]
    return n


# ---- einsum


def einsum(*args: Any) -> Tensor:
    """Sums of products written by subscripts, as ``"ij,jk->ik"``; ``...`` stands for broadcast dimensions.

    Repeated subscripts of one operand take a diagonal. Operands are contracted from left to right, each pair as one
    matrix product. Also ``einsum(op1, [0, 1], op2, [1, 2], [0, 2])``.

    >>> import rushlight as torch
    >>> torch.einsum("i,i->", torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor(11.)
    """
    equation, operands = args[0], args[1:]
    if not isinstance(equation, str):
        equation, operands = from_sublists(args)
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    if not operands:
        raise ValueError(NO_OPERANDS)
    for i, x in enumerate(operands):
        if not isinstance(x, (Tensor, np.ndarray)):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type(x).__name__}")
    check_equation(equation)
    equation = equation.replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        fewer = "fewer" if len(terms) > len(operands) else "more"
        raise RuntimeError(f"einsum(): {fewer} operands were provided than specified in the equation")
    sizes: dict[str, int] = {}
    wide = 0
    for term, x in zip(terms, operands, strict=True):
        if "..." in term:
            wide = max(wide, x.ndim - len(term.replace("...", "")))
    dots = "".join(chr(0x3B1 + i) for i in range(wide))  # letters of their own for what ... stands for
    expanded = []
    for i, (term, x) in enumerate(zip(terms, operands, strict=True)):
        plain = term.replace("...", "")
        if "..." in term:
            k = x.ndim - len(plain)
            if k < 0:
                raise RuntimeError(
                    f"einsum(): the number of subscripts in the equation ({len(plain)}) is more than the number of "
                    f"dimensions ({x.ndim}) for operand {i}"
                )
            term = term.replace("...", dots[wide - k :])
        elif len(plain) != x.ndim:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(plain)}) does not match the number of "
                f"dimensions ({x.ndim}) for operand {i} and no ellipsis was given"
            )
        for d, (c, n) in enumerate(zip(term, x.shape, strict=True)):
            first = x.shape[term.index(c)]
            if first != n:
                raise RuntimeError(
                    f"einsum(): subscript {c} is repeated for operand {i} but the sizes don't match, {n} != {first}"
                )
            if sizes.setdefault(c, n) != n:
                if 1 not in (sizes[c], n):
                    raise RuntimeError(
                        f"einsum(): dimension {d} covered by ellipsis in operand {i} has size {n} which does not broadcast "
                        f"with previously seen ellipsis with size {sizes[c]} for the respective dimension"
                        if c in dots
                        else f"einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with "
                        f"previously seen size {sizes[c]}"
                    )
                sizes[c] = max(sizes[c], n)
        expanded.append(term)
    if arrow:
        output = right.replace("...", dots)
        for c in output:
            if output.count(c) > 1:
                raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
            if c not in sizes:
                raise RuntimeError(
                    f"einsum(): output subscript {c} does not appear in the equation for any input operand"
                )
    else:
        every = "".join(expanded)
        output = dots + "".join(sorted(c for c in set(every) if every.count(c) == 1 and c not in dots))
    return contracted(expanded, list(operands), output, sizes)


NO_OPERANDS = "einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list"


@functools.lru_cache(maxsize=256)
def check_equation(equation: str) -> None:
    """Raise RuntimeError for what is neither a letter nor one ``...`` an operand."""
    operand, dotted, k = 0, False, 0
    arrow = equation.find("->")
    while k < len(equation):
        c = equation[k]
        where = f"for operand {operand}" if arrow < 0 or k < arrow else "for output"
        if k == arrow or (c == "," and k < max(arrow, len(equation))):
            operand, dotted = operand + 1, False
            k += 2 if k == arrow else 1
            continue
        if c == ".":
            if dotted:
                but = "but an ellipsis (...)" if where == "for output" else "for which an ellipsis"
                raise RuntimeError(f"einsum(): found '.' {where} {but} was already found")
            if equation[k : k + 3] != "...":
                ellipsis = "ellipsis (...)" if where == "for output" else "ellipsis"
                raise RuntimeError(f"einsum(): found '.' {where} that is not part of any {ellipsis}")
            dotted, k = True, k + 3
            continue
        if c != " " and not (c.isascii() and c.isalpha()):
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {k} in the equation string, subscripts must be in [a-zA-Z]"
            )
        k += 1


def from_sublists(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Operands with lists of subscript numbers as an equation."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    if len(args) < 2:
        raise ValueError(NO_OPERANDS)
    for s in (s for subs in (*args[1::2], *args[len(args) - 1 :]) if isinstance(subs, (list, tuple)) for s in subs):
        if s is not Ellipsis and not 0 <= s < 52:
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")

    def text(subs: Any) -> str:
        return "".join("..." if s is Ellipsis else letters[s] for s in subs)

    operands = args[: len(args) // 2 * 2 : 2]
    equation = ",".join(text(s) for s in args[1 : len(args) // 2 * 2 : 2])
    if len(args) % 2:
        equation += "->" + text(args[-1])
    return equation, operands


def contracted(terms: list[str], operands: list[Any], output: str, sizes: dict[str, int]) -> Any:
    """Contract operands from left to right; what no later term needs is summed as early as possible."""
    from .reduce import sum as sum_

    parts = [without_repeats(t, x) for t, x in zip(terms, operands, strict=True)]
    term, x = parts[0]
    for i in range(1, len(parts)):
        other_term, y = parts[i]
        needed = set(output).union(*[t for t, _ in parts[i + 1 :]])
        term, x = pair(term, x, other_term, y, needed, sizes)
    gone = [k for k, c in enumerate(term) if c not in output]
    if gone:
        x = sum_(x, tuple(gone))
        term = "".join(c for c in term if c in output)
    missing = [c for c in output if c not in term]
    if missing:
        raise RuntimeError(f"einsum(): output subscript {missing[0]} does not appear in the equation")
    return permute(x, tuple([term.index(c) for c in output])) if term != output else x


def without_repeats(term: str, x: Any) -> tuple[str, Any]:
    """An operand whose subscripts are all different: repeated ones take the diagonal."""
    from .shape import diagonal

    for c in dict.fromkeys(term):
        while term.count(c) > 1:
            i, j = term.index(c), term.rindex(c)
            if x.shape[i] != x.shape[j]:
                raise RuntimeError(
                    f"einsum(): subscript {c} is repeated for operand 0 but the sizes don't match, {x.shape[j]} != "
                    f"{x.shape[i]}"
                )
            x = movedim(diagonal(x, 0, i, j), -1, i)
            term = term[:j] + term[j + 1 :]
    return term, x


def pair(a: str, x: Any, b: str, y: Any, needed: set[str], sizes: dict[str, int]) -> tuple[str, Any]:
    """Two operands contracted as one (batched) matrix product."""
    from .reduce import sum as sum_

    def own(term: str, z: Any, other: str) -> tuple[str, Any]:
        gone = [k for k, c in enumerate(term) if c not in other and c not in needed]
        return ("".join(c for k, c in enumerate(term) if k not in gone), sum_(z, tuple(gone)) if gone else z)

    a, x = own(a, x, b)
    b, y = own(b, y, a)
    # sizes of 1 that broadcast are no partners in a product: spread them
    shared = [c for c in a if c in b]
    x, y = [
        expand(z, tuple([sizes[c] if c in shared else n for c, n in zip(t, z.shape, strict=True)]))
        if any(n != sizes[c] for c, n in zip(t, z.shape, strict=True) if c in shared)
        else z
        for t, z in ((a, x), (b, y))
    ]
    batch = [c for c in shared if c in needed]
    summed = [c for c in shared if c not in needed]
    free_a = [c for c in a if c not in b]
    free_b = [c for c in b if c not in a]
    if not summed:
        # an outer or elementwise product: broadcasting does it
        term = "".join([*batch, *free_a, *free_b])
        left = reshape(
            permute(x, tuple([a.index(c) for c in [*batch, *free_a]])),
            (*[x.shape[a.index(c)] for c in [*batch, *free_a]], *(1,) * len(free_b)),
        )
        right = reshape(
            permute(y, tuple([b.index(c) for c in [*batch, *free_b]])),
            (*[y.shape[b.index(c)] for c in batch], *(1,) * len(free_a), *[y.shape[b.index(c)] for c in free_b]),
        )
        return term, left * right

    def size(term: str, z: Any, group: list[str]) -> int:
        n = 1
        for c in group:
            n *= z.shape[term.index(c)]
        return n

    left = permute(x, tuple([a.index(c) for c in [*batch, *free_a, *summed]]))
    right = permute(y, tuple([b.index(c) for c in [*batch, *summed, *free_b]]))
    nb, na, ns, nf = size(a, x, batch), size(a, x, free_a), size(a, x, summed), size(b, y, free_b)
    if batch:
        made = bmm(reshape(left, (nb, na, ns)), reshape(right, (nb, ns, nf)))
    else:
        made = mm(reshape(left, (na, ns)), reshape(right, (ns, nf)))
    shape = [x.shape[a.index(c)] for c in [*batch, *free_a]] + [y.shape[b.index(c)] for c in free_b]
    return "".join([*batch, *free_a, *free_b]), reshape(made, tuple(shape))


# ---- layers


def turned_product(g: Any, input: Any) -> Any:
    """The gradient towards a weight that was turned: computed so that turned back it lies in memory as the weight does."""
    return transpose(mm(transpose(g, 0, 1), conjugate(input)), 0, 1)


@operator(
    jvp=BILINEAR, batch=nd_batch, node="MmBackward0",
    input=lambda g, mat2: mm(g, adjoint(mat2)),
    mat2=lambda g, input: turned_product(g, input),
)  # fmt: skip
def mm_turned(input: Tensor, mat2: Tensor) -> Tensor:
    """``mm`` for a ``mat2`` that is a matrix turned: only the order of its gradient in memory differs."""
    return mm.op.forward(input, mat2)  # type: ignore[attr-defined, no-any-return]


@operator(
    batch=lambda op, size, mapped, input, mat1, mat2: summed_batch(mm)(op, size, mapped, input, mat1, mat2, 1, 1),
    node="AddmmBackward0",
    input=lambda g, input_shape: sum_to(g, tuple(input_shape)) if g.shape != input_shape else g,
    mat1=lambda g, mat2: mm(g, adjoint(mat2)),
    mat2=lambda g, mat1: turned_product(g, mat1),
)  # fmt: skip
def addmm_turned(input: Tensor, mat1: Tensor, mat2: Tensor) -> Tensor:
    """``addmm`` for a ``mat2`` that is a matrix turned: only the order of its gradient in memory differs."""
    return addmm.op.forward(input, mat1, mat2, 1, 1)  # type: ignore[attr-defined, no-any-return]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias`` over the last dimension.

    >>> import rushlight as torch
    >>> torch.nn.functional.linear(torch.ones(1, 2), torch.ones(3, 2))
    tensor([[2., 2., 2.]])
    """
    try:
        ndim, matrix = input.ndim, weight.ndim == 2
    except AttributeError:
        at, name, x = (1, "input", input) if not isinstance(input, Tensor) else (2, "weight", weight)
        raise TypeError(f"linear(): argument '{name}' (position {at}) must be Tensor, not {type(x).__name__}") from None
    if matrix and ndim >= 2 and 0 not in input.shape:
        turned = transposed(weight)
        if ndim == 2:
            return mm_turned(input, turned) if bias is None else addmm_turned(bias, input, turned)
        if input.shape[-1] == weight.shape[1]:
            flat = reshape(input, (-1, input.shape[-1]))
            made = mm_turned(flat, turned) if bias is None else addmm_turned(bias, flat, turned)
            return (unsafe_view if bias is None else reshape)(made, (*input.shape[:-1], weight.shape[0]))
    if weight.ndim == 1:
        made = matmul(input, weight)
        return made if bias is None else made + bias  # type: ignore[no-any-return]
    if ndim == 2 and bias is not None:
        return addmm(bias, input, transposed(weight))
    if ndim >= 3 and bias is not None and 0 not in input.shape:
        flat = reshape(input, (-1, input.shape[-1]))
        made = addmm(bias, flat, transposed(weight))
        return reshape(made, (*input.shape[:-1], weight.shape[0]))
    if ndim == 1 and bias is not None:
        return reshape(addmm(bias, unsqueeze(input, 0), transposed(weight)), (weight.shape[0],))
    made = matmul(input, transposed(weight))
    return made if bias is None else made + bias  # type: ignore[no-any-return]


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of several matrices; deprecated in favour of ``torch.linalg.multi_dot``.

    >>> import rushlight as torch
    >>> torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 2), torch.ones(2, 1))
    tensor([[4.]])
    """
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for m in matrices:
        if m.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {m.ndim}, expected 2 instead.")
    made: Any = matrices[0] if len(matrices) > 1 else matrices[0].clone()
    for m in matrices[1:]:
        made = matmul(made, m)
    return made if out is None else views.write_out(views.Named("linalg.multi_dot"), out, made)
