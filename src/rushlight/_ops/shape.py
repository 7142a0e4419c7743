"""Rearranging elements: views wherever PyTorch gives views, and joining and repeating.

Transposes stand in pairs: ``reshape`` and ``permute`` undo themselves, ``narrow`` and ``pad_narrow``,
``select`` and ``pad_select``, ``diagonal`` and ``pad_diagonal``, ``unfold`` and ``fold_windows``.
"""

from __future__ import annotations

import math
import operator as python
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .._core import dtypes, memory, record, views
from .._core.declare import LEADING, LINEAR, operator
from .._core.mode import DEPTH, mode
from .._core.promote import promote_types
from .._core.tensor import Size, Tensor, as_inference, strides_of, views_follow, wrap
from .broadcast import cast_to, expand, sum_to
from .create import arranged
from .dims import canonical, canonical_all
from .families import over_dims
from .spelling import numpy_names


def sizes(
    given: Sequence[Any], name: str = "", word: str = "size", named: dict[str, Any] | None = None
) -> tuple[int, ...]:
    """A shape given as numbers, as one sequence, or by name (``word``, in ``named``), as plain integers."""
    if named:
        if named.keys() != {word} or given:
            wrong = next((k for k in named if k != word), word)
            raise TypeError(f"{name}() got an unexpected keyword argument '{wrong}'")
        given = (named[word],)
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = given[0]
    return tuple([python.index(n) for n in given])


# ---- the same elements in another shape


def reshape_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any) -> Any:
    if -1 in shape:
        known = 1
        for n in shape:
            known *= n if n != -1 else 1
        total = 1
        for n in input.shape[1:]:
            total *= n
        shape = tuple([total // known if n == -1 else n for n in shape])
    return op.call(input, (size, *shape))


def same_memory(array: Any, shape: Any) -> Any:
    """A view of ``array`` in ``shape``; ValueError where there is none."""
    return array.reshape(shape, copy=False)


if np.lib.NumpyVersion(np.__version__) < "2.1.0":  # its reshape() has no `copy`; from 2.5 on, setting a shape warns

    def same_memory(array: Any, shape: Any) -> Any:
        made = array.view()
        try:
            made.shape = shape
        except AttributeError as error:
            raise ValueError(str(error)) from None
        return made


@operator(
    view=True,
    jvp=LINEAR,
    batch=reshape_batch,
    node="ViewBackward0",
    input=lambda g, input_shape: reshape(g, input_shape),
)
def reshape(input: Tensor, shape: Any) -> Tensor:
    """The same elements in another shape: a view where strides allow, else a copy. One size may be -1.

    >>> import rushlight as torch
    >>> torch.reshape(torch.arange(4), (2, -1))
    tensor([[0, 1],
            [2, 3]])
    """
    try:
        made = input.reshape(shape)
    except (ValueError, TypeError):
        raise misfit(input, shape) from None
    if made.shape != shape and type(shape) is tuple and min(shape) < -1:  # NumPy takes any negative size for -1
        raise misfit(input, shape)
    return made


@operator(
    jvp=LINEAR, batch=reshape_batch, node="UnsafeViewBackward0", input=lambda g, input_shape: reshape(g, input_shape)
)
def unsafe_view(input: Tensor, shape: Any) -> Tensor:
    """:func:`reshape` of a tensor that nobody else will see: the result counts as a tensor of its own, not as a view."""
    return input.reshape(shape)


def reshape_method(self: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The same elements in another shape (sizes, or one tuple of them); see :func:`rushlight.reshape`."""
    return reshape(self, sizes(shape, "reshape", "shape", named))


def misfit(input: Any, shape: Any) -> Exception:
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    for n in shape:
        if not hasattr(n, "__index__"):
            return TypeError(
                f"reshape(): argument 'shape' must be tuple of ints, but found element of type {type(n).__name__}"
            )
    if sum(n == -1 for n in shape) > 1:
        return RuntimeError("only one dimension can be inferred")
    for i, n in enumerate(shape):
        if n < -1:
            return RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
    if input.size == 0 and -1 in shape:
        return RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 "
            "can be any value and is ambiguous"
        )
    return RuntimeError(f"shape '{list(shape)}' is invalid for input of size {input.size}")


@operator(
    view=True,
    jvp=LINEAR,
    batch=reshape_batch,
    node="ViewBackward0",
    input=lambda g, input_shape: reshape(g, input_shape),
)
def view(input: Tensor, shape: Any) -> Tensor:
    """The same memory in another shape; see :func:`reshape`. Raises RuntimeError where strides do not allow it."""
    try:
        if shape and min(shape) < -1:
            raise misfit(input, shape)
        if -1 in shape or 0 in input.shape:
            shape = input.reshape(shape).shape
        return same_memory(input, shape)
    except (ValueError, TypeError):
        if not isinstance(shape, (tuple, list)) or (-1 in shape and 0 in input.shape) or math.prod(shape) != input.size:  # type: ignore[comparison-overlap]
            raise misfit(input, shape) from None
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        ) from None


def view_method(self: Tensor, *shape: Any, dtype: Any = None, size: Any = None) -> Tensor:
    """The same memory in another shape (sizes, or one tuple of them), or as another dtype.

    Raises RuntimeError where strides do not allow it: use ``reshape`` then.
    """
    if dtype is None and len(shape) == 1 and type(shape[0]) is dtypes.dtype:
        dtype = shape[0]
    if dtype is not None:
        return view_dtype(self, dtypes.to_numpy_dtype(dtype))
    if size is not None:
        shape = (size,)
    elif not shape:
        raise TypeError("view() received an invalid combination of arguments - got (), expected a size or a dtype")
    return view(self, sizes(shape))


@operator(view=True, batch=None)
def view_dtype(input: Tensor, dtype: np.dtype) -> Tensor:
    """The bytes of ``input`` read as another dtype."""
    x: Any = input
    old, new = x.dtype, dtype
    if new.itemsize != old.itemsize:
        names = " as ".join([dtypes.LEGACY[dtypes.dtype_of(d).name] for d in (old, new)])
        if x.ndim == 0:
            raise RuntimeError(f"self.dim() cannot be 0 to view {names} (different element sizes)")
        steps = strides_of(x)  # of an empty array, those that PyTorch counts
        if steps[-1] != 1 and x.shape[-1] != 1:
            step = steps[-1]
            raise RuntimeError(f"self.stride(-1) must be 1 to view {names} (different element sizes), but got {step}")
        ratio = new.itemsize // old.itemsize
        if ratio > 1 and x.shape[-1] % ratio:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {ratio} to view {names} (different element sizes), but got "
                f"{x.shape[-1]}"
            )
        start = wrap(x).storage_offset() if ratio > 1 and x.size else 0
        if start % max(ratio, 1):
            raise RuntimeError(
                f"self.storage_offset() must be divisible by {ratio} to view {names} (different element sizes), but got "
                f"{start}"
            )
        for i, step in enumerate(steps[:-1] if ratio > 1 else ()):
            if step % ratio:
                raise RuntimeError(
                    f"self.stride({i}) must be divisible by {ratio} to view {names} (different element sizes), but got "
                    f"{step}"
                )
        if not x.size:  # nothing to share; NumPy looks at the strides all the same
            return np.empty((*x.shape[:-1], x.shape[-1] * old.itemsize // new.itemsize), dtype)  # type: ignore[return-value]
    return x.view(dtype)  # type: ignore[no-any-return]


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor's memory in the shape of ``other``."""
    return view(self, tuple(other.shape))


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor's elements in the shape of ``other``."""
    return reshape(self, tuple(other.shape))


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` joined into one.

    >>> import rushlight as torch
    >>> torch.flatten(torch.ones(2, 3, 4), 1).shape
    torch.Size([2, 12])
    """
    ndim = input.ndim
    start, end = canonical(start_dim, ndim), canonical(end_dim, ndim)
    if ndim == 0:
        return reshape(input, (1,))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    shape = tuple(input.shape)
    joined = 1
    for n in shape[start : end + 1]:
        joined *= n
    return reshape(input, (*shape[:start], joined, *shape[end + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension split into several; one of the sizes may be -1.

    >>> import rushlight as torch
    >>> torch.unflatten(torch.ones(3, 4), 1, (2, 2)).shape
    torch.Size([3, 2, 2])
    """
    if not hasattr(dim, "__index__"):
        raise TypeError(f"unflatten(): argument 'dim' (position 1) must be int, not {type(dim).__name__}")
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"unflatten(): argument 'sizes' (position 3) must be tuple of ints, not {type(sizes).__name__}")
    at = canonical(dim, input.ndim)
    shape = tuple(input.shape)
    sizes = list(sizes)
    for i, n in enumerate(sizes):
        if not hasattr(n, "__index__"):
            raise TypeError(
                "unflatten(): argument 'sizes' (position 2) must be tuple of ints, but found element of type "
                f"{type(n).__name__} at pos {i}"
            )
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = 1
    for n in sizes:
        known *= n if n != -1 else 1
    if -1 in sizes and known:
        sizes[sizes.index(-1)] = shape[at] // known
    total = 1
    for n in sizes:
        total *= n
    if total != shape[at]:
        raise RuntimeError(
            f"unflatten: Provided sizes {sizes} don't multiply up to the size of dim {at} ({shape[at]}) in "
            "the input tensor"
        )
    return view(input, (*shape[:at], *sizes, *shape[at + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension.

    >>> import rushlight as torch
    >>> torch.ravel(torch.ones(2, 2))
    tensor([1., 1., 1., 1.])
    """
    return reshape(contiguous(input), (-1,))


# ---- dimensions in another order


def inverse(dims: Sequence[int]) -> tuple[int, ...]:
    back = [0] * len(dims)
    for i, d in enumerate(dims):
        back[d] = i
    return tuple(back)


def permute_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dims: Any) -> Any:
    return op.call(input, (0, *[d + 1 for d in canonical_all(dims, input.ndim - 1)]))


def permute_vjp(g: Any, dims: Any) -> Any:
    return permute(g, inverse(canonical_all(dims, g.ndim)))


@operator(view=True, jvp=LINEAR, batch=permute_batch, input=permute_vjp)
def permute(input: Tensor, dims: Any) -> Tensor:
    """A view with the dimensions in the given order.

    >>> import rushlight as torch
    >>> torch.permute(torch.ones(2, 3, 4), (2, 0, 1)).shape
    torch.Size([4, 2, 3])
    """
    order = tuple([canonical(d, input.ndim) for d in dims])
    if len(order) == input.ndim and len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    if len(order) != input.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(order)}"
        )
    return input.transpose(order)  # type: ignore[call-arg, arg-type]


@operator(view=True, jvp=LINEAR, batch=over_dims("dim0", "dim1"), input=lambda g, dim0, dim1: transpose(g, dim0, dim1))
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions swapped.

    >>> import rushlight as torch
    >>> torch.transpose(torch.ones(2, 3), 0, 1).shape
    torch.Size([3, 2])
    """
    ndim = input.ndim
    a, b = canonical(dim0, ndim), canonical(dim1, ndim)
    if ndim == 0:
        return input.view()  # type: ignore[call-arg]
    order = list(range(ndim))
    order[a], order[b] = b, a
    return input.transpose(order)  # type: ignore[call-arg, arg-type]


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """:func:`transpose` under NumPy's name and with its words for dimensions.

    >>> import rushlight as torch
    >>> torch.swapaxes(torch.ones(2, 3), axis0=0, axis1=1).shape
    torch.Size([3, 2])
    """
    return transpose(input, axis0, axis1)


@operator(
    view=True, jvp=LINEAR, node="TBackward0", input=lambda g: transpose(g, 0, 1),
    batch=lambda op, size, mapped, input: transpose(input, 1, 2),
)  # fmt: skip
def transposed(input: Tensor) -> Tensor:
    return input.transpose()  # type: ignore[call-arg]


def t(input: Tensor) -> Tensor:
    """A matrix transposed; vectors and numbers as they are.

    >>> import rushlight as torch
    >>> torch.t(torch.ones(2, 3)).shape
    torch.Size([3, 2])
    """
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return transposed(input) if input.ndim == 2 else input


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """A view with the dimensions ``source`` moved to the places ``destination``.

    >>> import rushlight as torch
    >>> torch.movedim(torch.ones(2, 3, 4), 0, -1).shape
    torch.Size([3, 4, 2])
    """
    ndim = input.ndim
    a, b = [
        tuple([canonical(d, ndim) for d in (given if isinstance(given, Sequence) else (given,))])
        for given in (source, destination)
    ]
    for name, dims in (("source", a), ("destination", b)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(dims)})")
    if len(a) != len(b):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(a)} dims) should contain the same number of dims as destination ({list(b)} dims)"
        )
    if not ndim:
        return permute(input, ())
    order = [i for i in range(ndim) if i not in a]
    for to, i in sorted(zip(b, a, strict=True)):
        order.insert(to, i)
    return permute(input, tuple(order))


def T(self: Tensor) -> Tensor:
    """The tensor with its dimensions reversed."""
    if self.ndim != 2:
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return permute(self, tuple(range(self.ndim))[::-1])


def mT(x: Any) -> Any:
    """The last two dimensions swapped."""
    if x.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {x.ndim}-D tensor.")
    return transpose(x, -2, -1)


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions swapped, and complex numbers conjugated.

    >>> import rushlight as torch
    >>> torch.adjoint(torch.tensor([[1j, 2j]]))
    tensor([[0.-1.j],
            [0.-2.j]])
    """
    return conjugated(input, "tensor.adjoint()")


def conjugated(x: Any, name: str) -> Any:
    from .complexes import conj

    if x.ndim < 2:
        raise RuntimeError(f"{name} is only supported on matrices or batches of matrices. Got {x.ndim}-D tensor.")
    return conj(transpose(x, -2, -1))


def mH(x: Any) -> Any:
    """The last two dimensions swapped, and complex numbers conjugated."""
    return conjugated(x, "tensor.mH")


def H(x: Any) -> Any:
    """A matrix transposed and conjugated."""
    if x.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {x.ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if x.ndim > 2 else "")
        )
    return conjugated(x, "tensor.H") if x.ndim else x


# ---- dimensions of size 1


def squeeze_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: Any) -> Any:
    ndim = input.ndim - 1
    dims = range(ndim) if dim is None else canonical_all(dim, ndim)
    return squeeze(input, tuple([d + 1 for d in dims if input.shape[d + 1] == 1]))


@operator(
    view=True, jvp=LINEAR, batch=squeeze_batch, node={"dim": "SqueezeBackward1"},
    input=lambda g, input_shape: reshape(g, input_shape),
)  # fmt: skip
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """A view without the dimensions of size 1, or without those of them that ``dim`` names.

    >>> import rushlight as torch
    >>> torch.squeeze(torch.ones(1, 2, 1)).shape, torch.squeeze(torch.ones(1, 2, 1), 0).shape
    (torch.Size([2]), torch.Size([2, 1]))
    """
    shape = input.shape
    dims = range(input.ndim) if dim is None else canonical_all(dim, input.ndim)
    if input.ndim == 0 and dim is not None:
        canonical_all(dim, 0)
    gone = tuple([d for d in dims if d < len(shape) and shape[d] == 1])
    return np.squeeze(input, gone) if gone else input.view()  # type: ignore[call-overload, call-arg, no-any-return]


def unsqueeze_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: int) -> Any:
    return unsqueeze(input, dim + 1 if dim >= 0 else dim)


@operator(view=True, jvp=LINEAR, batch=unsqueeze_batch, input=lambda g, input_shape: reshape(g, input_shape))
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of size 1 put in at ``dim``.

    >>> import rushlight as torch
    >>> torch.unsqueeze(torch.ones(3), 1).shape
    torch.Size([3, 1])
    """
    at = canonical(dim, input.ndim + 1)
    return input[(*(slice(None),) * at, None)]


def atleast(n: int, name: str, doc: str) -> Any:
    def function(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
            tensors = tuple(tensors[0])
        made = tuple([grown(x, n) for x in tensors])
        return made[0] if len(made) == 1 else made

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def grown(x: Tensor, n: int) -> Tensor:
    if x.ndim >= n:
        return x
    if n == 1:
        return reshape(x, (1,))
    if n == 2:
        return reshape(x, (1, 1)) if x.ndim == 0 else unsqueeze(x, 0)
    if x.ndim == 0:
        return reshape(x, (1, 1, 1))
    return unsqueeze(unsqueeze(x, 0), -1) if x.ndim == 1 else unsqueeze(x, -1)


atleast_1d = atleast(
    1,
    "atleast_1d",
    """Tensors with at least one dimension.

    >>> import rushlight as torch
    >>> torch.atleast_1d(torch.tensor(1.0))
    tensor([1.])
    """,
)
atleast_2d = atleast(
    2,
    "atleast_2d",
    """Tensors with at least two dimensions.

    >>> import rushlight as torch
    >>> torch.atleast_2d(torch.tensor([1.0]))
    tensor([[1.]])
    """,
)
atleast_3d = atleast(
    3,
    "atleast_3d",
    """Tensors with at least three dimensions.

    >>> import rushlight as torch
    >>> torch.atleast_3d(torch.ones(2, 3)).shape
    torch.Size([2, 3, 1])
    """,
)


# ---- parts, and their transposes


@operator(
    view=True, jvp=LINEAR, batch=over_dims("dim"), node="SliceBackward0",
    input=lambda g, input_shape, dim, start, stop, step: pad_narrow(g, input_shape, dim, start, stop, step),
)  # fmt: skip
def part(input: Tensor, dim: int, start: int, stop: int, step: int = 1) -> Tensor:
    """The elements ``start:stop:step`` along ``dim`` (a view); the transpose of :func:`pad_narrow`."""
    key = (*(slice(None),) * dim, slice(start, stop, step))
    made: Any = input[key]
    return made if made.size else memory.placed(made, input, key)  # type: ignore[arg-type, no-any-return]


@operator(
    jvp=LINEAR, batch=None, node="SliceBackward0",
    input=lambda g, dim, start, stop, step: part(g, dim, start, stop, step),
)  # fmt: skip
def pad_narrow(input: Tensor, shape: Any, dim: int, start: int, stop: int, step: int = 1) -> Tensor:
    """Zeros of ``shape`` with ``input`` at ``start:stop:step`` along ``dim``; the transpose of :func:`part`."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    out[(*(slice(None),) * dim, slice(start, stop, step))] = input
    return out  # type: ignore[return-value]


def pad_narrow_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, dim: int, *rest: Any) -> Any:
    return pad_narrow(input, (size, *shape), dim + 1, *rest)


pad_narrow.op.batch = pad_narrow_batch  # type: ignore[attr-defined]


@numpy_names
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """A view of ``length`` elements from ``start`` along ``dim``.

    >>> import rushlight as torch
    >>> torch.narrow(torch.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    if isinstance(start, Tensor):
        if start.ndim or record.np_dtype(start).kind not in "iu":
            raise RuntimeError(
                "start must be an 0-dim integral Tensor. "
                f"narrow() was given one of shape {list(start.shape)} and dtype {start.dtype}."
            )
        start = int(start.item())
    if not hasattr(start, "__index__"):
        raise TypeError(f"narrow(): argument 'start' must be int, not {type(start).__name__}")
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    at = canonical(dim, input.ndim)
    n = input.shape[at]
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return part(input, at, start, start + length)


@operator(
    view=True, jvp=LINEAR, batch=over_dims("dim"), node="SelectBackward0",
    input=lambda g, input_shape, dim, place: pad_select(g, input_shape, dim, place),
)  # fmt: skip
def select_at(input: Tensor, dim: int, place: int) -> Tensor:
    """One element along ``dim`` (a view without that dimension); the transpose of :func:`pad_select`."""
    return input[(*(slice(None),) * dim, place, ...)]  # with the ellipsis NumPy gives a view even of one element


@operator(jvp=LINEAR, node="SelectBackwardBackward0", input=lambda g, dim, place: select_at(g, dim, place))
def pad_select(input: Tensor, shape: Any, dim: int, place: int) -> Tensor:
    """Zeros of ``shape`` with ``input`` at one place along ``dim``; the transpose of :func:`select_at`."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    out[(*(slice(None),) * dim, place)] = input
    return out  # type: ignore[return-value]


def pad_select_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, dim: int, at: int) -> Any:
    return pad_select(input, (size, *shape), dim + 1, at)


pad_select.op.batch = pad_select_batch  # type: ignore[attr-defined]


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of the elements at ``index`` along ``dim``, without that dimension.

    >>> import rushlight as torch
    >>> torch.select(torch.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    at = canonical(dim, input.ndim)
    n = input.shape[at]
    if isinstance(index, Tensor):
        index = int(index.item())
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {at}"
        )
    return select_at(input, at, index % n)


def diagonal_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, offset: int, dim1: int, dim2: int) -> Any:
    ndim = input.ndim - 1
    return diagonal(input, offset, canonical(dim1, ndim) + 1, canonical(dim2, ndim) + 1)


@operator(
    view=True, jvp=LINEAR, batch=diagonal_batch,
    input=lambda g, input_shape, offset, dim1, dim2: pad_diagonal(g, input_shape, offset, dim1, dim2),
)  # fmt: skip
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of a diagonal of the matrices over ``dim1`` and ``dim2``, as the last dimension.

    >>> import rushlight as torch
    >>> torch.diagonal(torch.arange(4).reshape(2, 2))
    tensor([0, 3])
    """
    a, b = canonical(dim1, input.ndim), canonical(dim2, input.ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    made = np.diagonal(input, offset, a, b)  # type: ignore[arg-type]
    if not made.flags.writeable and input.flags.writeable:  # type: ignore[attr-defined]
        made.flags.writeable = True
    return made  # type: ignore[return-value]


@operator(
    jvp=LINEAR, node="DiagonalBackwardBackward0",
    input=lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),
)  # fmt: skip
def pad_diagonal(input: Tensor, shape: Any, offset: int, dim1: int, dim2: int) -> Tensor:
    """Zeros of ``shape`` with ``input`` on a diagonal; the transpose of :func:`diagonal`."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    target = np.diagonal(out, offset, dim1, dim2)
    target.flags.writeable = True
    target[...] = input
    return out  # type: ignore[return-value]


def pad_diagonal_batch(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, offset: int, dim1: int, dim2: int
) -> Any:
    n = len(shape)
    return op.call(input, (size, *shape), offset, canonical(dim1, n) + 1, canonical(dim2, n) + 1)


pad_diagonal.op.batch = pad_diagonal_batch  # type: ignore[attr-defined]

# the same under the name of the node that PyTorch gives to diag_embed
embed_diagonal = operator(
    jvp=LINEAR, batch=pad_diagonal_batch, node="DiagEmbedBackward0",
    input=lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),
)(pad_diagonal.op.body)  # type: ignore[attr-defined]  # fmt: skip


def strided(array: np.ndarray, shape: Sequence[int], strides: Sequence[int], offset: int) -> np.ndarray:
    """A view of the memory under an array by strides and an offset in elements from its owner's first one.

    Raises RuntimeError if any element would lie outside that memory.
    """
    whole = memory.owner(array)
    item = array.itemsize
    room = whole.nbytes // item if whole.flags.c_contiguous or whole.flags.f_contiguous else None
    if any(n < 0 for n in shape) or any(s < 0 for s in strides):
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {list(strides)}"
            if min((0, *shape)) == 0
            else f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(strides)}"
        )
    if len(shape) != len(strides):
        raise RuntimeError("mismatch in length of strides and shape")
    if offset < 0:
        raise RuntimeError("as_strided: storage_offset must be non-negative")
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if 0 not in shape else -1
    if room is None:
        whole = array
        room = 1 + sum((n - 1) * abs(s) // item for n, s in zip(array.shape, array.strides, strict=True))
    if last >= room:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {offset}, and itemsize {item} "
            f"requiring a storage size of {(last + 1) * item} are out of bounds for storage of size {room * item}"
        )
    flat = whole.reshape(whole.shape or 1).view(array.dtype) if whole.dtype is not array.dtype else whole
    if 0 in shape:
        return flat.reshape(-1)[:0].reshape(shape)
    base = np.lib.stride_tricks.as_strided(flat, (room,), (item,)) if flat.ndim != 1 else flat
    return np.lib.stride_tricks.as_strided(base[offset:], tuple(shape), tuple(s * item for s in strides))


def as_strided_vjp(g: Any, input_shape: Any, size: Any, stride: Any, storage_offset: int, geometry: Any) -> Any:
    if 0 in size and not getattr(g, "level", 0):
        return views.nothing(g, tuple(input_shape))
    return scatter_strided(g, tuple(input_shape), size, stride, storage_offset, geometry)


def as_strided_batch(
    op: Any,
    count: int,
    mapped: tuple[bool, ...],
    input: Any,
    size: Any,
    stride: Any,
    storage_offset: int,
    geometry: Any,
) -> Any:
    """The examples' view with the step from example to example in front."""
    room, start, steps = geometry
    array: Any = record.inner_array(input)
    step = array.strides[array.ndim - input.ndim] // array.itemsize
    return as_strided_(input, (count, *size), (step, *stride), storage_offset, (room, start, (step, *steps)))


@operator(view=True, jvp=LINEAR, batch=as_strided_batch, node="AsStridedBackward0", input=as_strided_vjp)
def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: int, geometry: Any) -> Tensor:
    """A view of the memory; ``geometry`` is that of ``input``: elements of the memory, its first one, its strides."""
    return strided(input, size, stride, storage_offset)  # type: ignore[arg-type, return-value]


def gather_strided(g: Any, size: Any, stride: Any, storage_offset: int, geometry: Any) -> Any:
    """The elements of ``g``, laid out by ``geometry``, that a strided view has; those between its elements are 0."""
    return gathered_strided(g, size, stride, storage_offset, geometry)


@operator(
    jvp=LINEAR, batch=LEADING, node="AsStridedBackward0",
    input=lambda g, input_shape, size, stride, storage_offset, geometry: scatter_strided(
        g, tuple(input_shape), size, stride, storage_offset, geometry
    ),
)  # fmt: skip
def gathered_strided(input: Tensor, size: Any, stride: Any, storage_offset: int, geometry: Any) -> Tensor:
    rank = input.ndim - len(geometry[2])
    front, shape = input.shape[:rank], input.shape[rank:]  # a batch of them may stand in front
    places, taken, counts = strided_places(tuple(shape), size, stride, storage_offset, geometry)
    flat = np.zeros((*front, len(counts)), input.dtype)  # type: ignore[call-overload]
    np.add.at(flat, (..., places.ravel()), (input / np.maximum(counts[places], 1)).reshape((*front, places.size)))
    return flat[..., taken]  # type: ignore[no-any-return]


def strided_places(
    shape: tuple[int, ...], size: Any, stride: Any, storage_offset: int, geometry: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where in the memory the elements of a tensor and of a strided view lie, and how many of the former lie where."""
    room, start, steps = geometry
    numbers = np.arange(room, dtype=np.int64)
    places = np.lib.stride_tricks.as_strided(numbers[start:], shape, tuple([s * 8 for s in steps]))
    taken = np.lib.stride_tricks.as_strided(numbers[storage_offset:], tuple(size), tuple([s * 8 for s in stride]))
    counts = np.zeros(room, np.int64)
    np.add.at(counts, places.ravel(), 1)
    return places, taken, counts


@operator(
    jvp=LINEAR, batch=LEADING, node="AsStridedBackward0",
    input=lambda g, size, stride, storage_offset, geometry: gather_strided(g, size, stride, storage_offset, geometry),
)  # fmt: skip
def scatter_strided(input: Tensor, shape: Any, size: Any, stride: Any, storage_offset: int, geometry: Any) -> Tensor:
    """Zeros of ``shape`` with ``input`` added where a strided view has its elements; the transpose of as_strided."""
    places, taken, counts = strided_places(shape, size, stride, storage_offset, geometry)
    front = input.shape[: input.ndim - len(size)]
    flat = np.zeros((*front, len(counts)), input.dtype)  # type: ignore[call-overload]
    np.add.at(flat, (..., taken.ravel()), input.reshape((*front, taken.size)))
    return (flat[..., places] / np.maximum(counts[places], 1)).astype(input.dtype)  # type: ignore[no-any-return, arg-type]


# Slower than PyTorch: elements of the view may overlap: its gradient is added up through an index of all of them.
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the tensor's memory by sizes, strides and an offset, all counted in elements.

    Raises RuntimeError if it would reach outside the memory.

    >>> import rushlight as torch
    >>> torch.as_strided(torch.arange(4), (2, 2), (1, 2))
    tensor([[0, 2],
            [1, 3]])
    """
    array = record.inner_array(input)
    assert array is not None
    start = wrap(array).storage_offset()
    item = array.itemsize
    steps = tuple([s // item for s in array.strides[array.ndim - input.ndim :]])
    geometry = (memory.owner(array).nbytes // item, start, steps)
    offset = start if storage_offset is None else storage_offset
    return as_strided_(input, tuple(size), tuple(stride), offset, geometry)


def unfold_batch(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, dimension: int, length: int, step: int
) -> Any:
    return windows(input, dimension + 1, length, step)


@operator(
    view=True, jvp=LINEAR, batch=unfold_batch, node="UnfoldBackward0",
    input=lambda g, input_shape, dimension, length, step: fold_windows(g, input_shape, dimension, length, step),
)  # fmt: skip
def windows(input: Tensor, dimension: int, length: int, step: int) -> Tensor:
    """Windows of ``length`` elements, ``step`` apart, along a dimension: a view; transpose of :func:`fold_windows`."""
    count = (input.shape[dimension] - length) // step + 1
    shape = (*input.shape[:dimension], count, *input.shape[dimension + 1 :], length)
    s = input.strides  # type: ignore[attr-defined]
    strides = (*s[:dimension], s[dimension] * step, *s[dimension + 1 :], s[dimension])
    return np.lib.stride_tricks.as_strided(input, shape, strides)  # type: ignore[call-overload, no-any-return]


def fold_windows_batch(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, dimension: int, length: int, step: int
) -> Any:
    return fold_windows(input, (size, *shape), dimension + 1, length, step)


@operator(
    jvp=LINEAR, batch=fold_windows_batch, node="UnfoldBackwardBackward0",
    input=lambda g, dimension, length, step: windows(g, dimension, length, step),
)  # fmt: skip
def fold_windows(input: Tensor, shape: Any, dimension: int, length: int, step: int) -> Tensor:
    """Zeros of ``shape`` with every window added in its place; the transpose of :func:`windows`."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    count = input.shape[dimension]
    lead = (slice(None),) * dimension
    for k in range(length):
        out[(*lead, slice(k, k + (count - 1) * step + 1, step))] += input[..., k] if count else 0
    return out  # type: ignore[return-value]


# Slower than PyTorch: windows may overlap: the gradient is added up window by window.
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of ``size`` elements, ``step`` apart, along ``dimension``, as a last dimension."""
    at = canonical(dimension, self.ndim)
    n = self.shape[at] if self.ndim else 1
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {at} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if self.ndim == 0:
        return reshape(self, (1,)) if size == 1 else reshape(self, (1,))[:0]
    return windows(self, at, size, step)


# ---- several parts at once


def split_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: int, lengths: Any) -> Any:
    return op.call(input, dim + 1, lengths)


def parts_of(g: Any, lengths: tuple[int, ...], dim: int, input_shape: tuple[int, ...]) -> Any:
    """A gradient from the bundle of those of the parts: what is missing is zero."""
    if len(g) == len(lengths) and all([h is not None for h in g.values()]):  # the usual case, in one pass over memory
        return concatenate_at([g[i] for i in range(len(lengths))], dim)
    start, total = 0, None
    for i, n in enumerate(lengths):
        h = g.get(i)
        if h is not None:
            piece = pad_narrow(h, tuple(input_shape), dim, start, start + n)
            total = piece if total is None else total + piece
        start += n
    return total


def _splitting(name: str, node: str) -> Any:
    """Splitting under one of the two names that its nodes have in PyTorch."""

    def body(input: Tensor, dim: int, lengths: tuple[int, ...]) -> Any:
        lead, start, parts = (slice(None),) * dim, 0, []
        for n in lengths:
            key = (*lead, slice(start, start + n))
            made: Any = input[key]
            parts.append(made if made.size else memory.placed(made, input, key))  # type: ignore[arg-type]
            start += n
        return tuple(parts)

    body.__name__ = name
    return operator(
        view=True, jvp=LINEAR, batch=split_batch, outputs=(), node=node,
        input=lambda g, lengths, dim, input_shape: parts_of(g, lengths, dim, input_shape),
    )(body)  # fmt: skip


split_equal = _splitting("split_equal", "SplitBackward0")
split_lengths = _splitting("split_lengths", "SplitWithSizesBackward0")


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along ``dim`` into pieces of one size (the last may be smaller) or of the sizes listed, as views.

    >>> import rushlight as torch
    >>> torch.split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if isinstance(split_size_or_sections, (list, tuple)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    if not hasattr(split_size_or_sections, "__index__"):
        raise TypeError(
            "split_with_sizes(): argument 'split_sizes' (position 2) must be tuple of ints, not "
            + type(split_size_or_sections).__name__
        )
    size = python.index(split_size_or_sections)
    if tensor.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = canonical(dim, tensor.ndim)
    n = tensor.shape[at]
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0 and n:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    count = max((n + size - 1) // size, 1) if size else 1
    lengths = tuple([min(size, n - i * size) for i in range(count)])
    result: tuple[Tensor, ...] = split_equal(tensor, at, lengths)
    return result


def split_method(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`split`, whose second parameter has another name as a method."""
    return split(self, split_size, dim)


@numpy_names
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along ``dim`` into pieces of the sizes listed, as views.

    >>> import rushlight as torch
    >>> torch.split_with_sizes(torch.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = canonical(dim, input.ndim)
    lengths = tuple([python.index(n) for n in split_sizes])
    if any(n < 0 for n in lengths):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(lengths)}"
        )
    if sum(lengths) != input.shape[at]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {input.shape[at]} (input tensor's size at "
            f"dimension {at}), but got split_sizes={list(lengths)}"
        )
    result: tuple[Tensor, ...] = split_lengths(input, at, lengths)
    return result


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along ``dim`` into (at most) ``chunks`` pieces of one size, as views.

    >>> import rushlight as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[canonical(dim, input.ndim)]
    size = (n + chunks - 1) // chunks
    if size == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, size, dim)


@numpy_names
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along ``dim`` into that many pieces of nearly one size, or at the indices listed, as views.

    >>> import rushlight as torch
    >>> torch.tensor_split(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if isinstance(indices_or_sections, Tensor):
        places = "tensor_split expected tensor_indices_or_sections to"
        if record.np_dtype(indices_or_sections) != np.int64:
            given = dtypes.LEGACY[dtypes.FROM_NUMPY[record.np_dtype(indices_or_sections)].name]
            raise RuntimeError(f"{places} have dtype of long, but got {given}")
        if indices_or_sections.ndim > 1:
            raise RuntimeError(
                f"{places} be a zero-dimensional or one-dimensional tensor, but got a tensor with "
                f"{indices_or_sections.ndim} dims"
            )
        indices_or_sections = indices_or_sections.tolist()
    elif not isinstance(indices_or_sections, int):
        if not isinstance(indices_or_sections, (tuple, list)):
            raise TypeError(
                "tensor_split(): argument 'indices_or_sections' must be int, tuple of ints or Tensor, "
                f"not {type(indices_or_sections).__name__}"
            )
        for i, place in enumerate(indices_or_sections, 1):
            if not hasattr(place, "__index__"):
                raise TypeError(
                    f"tensor_split(): argument 'indices' failed to unpack the object at pos {i}: it must be int, "
                    f"not {type(place).__name__}"
                )
    if input.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    at = canonical(dim, input.ndim)
    n = input.shape[at]
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {k}")
        lengths = [n // k + (1 if i < n % k else 0) for i in range(k)]
        bounds = np.cumsum([0, *lengths]).tolist()
    else:
        bounds = [0, *indices_or_sections, n]
    clipped = [slice(a, b).indices(n)[:2] for a, b in pairwise(bounds)]
    return tuple([part(input, at, a, max(a, b)) for a, b in clipped])


def _axis_split(name: str, axis: Any, least: int, doc: str) -> Any:
    def function(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        if input.ndim < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a "
                f"tensor with {input.ndim} dimensions!"
            )
        dim = axis if axis is not None else (0 if input.ndim == 1 else 1)
        if isinstance(indices_or_sections, int) and indices_or_sections and input.shape[dim] % indices_or_sections:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                f"{input.shape[dim]} is not divisible by the split_size {indices_or_sections}!"
            )
        return tensor_split(input, indices_or_sections, dim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


hsplit = _axis_split(
    "hsplit",
    None,
    1,
    """The tensor cut along its second dimension (its only one, if it has one), as views.

    >>> import rushlight as torch
    >>> torch.hsplit(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """,
)
vsplit = _axis_split(
    "vsplit",
    0,
    2,
    """The tensor cut along its first dimension, as views.

    >>> import rushlight as torch
    >>> [part.shape for part in torch.vsplit(torch.ones(4, 2), 2)]
    [torch.Size([2, 2]), torch.Size([2, 2])]
    """,
)
dsplit = _axis_split(
    "dsplit",
    2,
    3,
    """The tensor cut along its third dimension, as views.

    >>> import rushlight as torch
    >>> [part.shape for part in torch.dsplit(torch.ones(1, 1, 4), 2)]
    [torch.Size([1, 1, 2]), torch.Size([1, 1, 2])]
    """,
)


def unbind_vjp(g: Any, dim: int, input_shape: Any) -> Any:
    if len(g) == input_shape[dim] and all(
        [h is not None for h in g.values()]
    ):  # the usual case, in one pass over memory
        return stack_at([g[i] for i in range(len(g))], dim)
    total = None
    for i in range(input_shape[dim]):
        h = g.get(i)
        if h is not None:
            piece = pad_select(h, tuple(input_shape), dim, i)
            total = piece if total is None else total + piece
    return total


def unbind_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: int) -> Any:
    return unbind_at(input, dim + 1)


@operator(
    view=True, jvp=LINEAR, batch=unbind_batch, outputs=(), node="UnbindBackward0",
    input=lambda g, dim, input_shape: unbind_vjp(g, dim, input_shape),
)  # fmt: skip
def unbind_at(input: Tensor, dim: int) -> Any:
    lead = (slice(None),) * dim
    return tuple([input[(*lead, i, ...)] for i in range(input.shape[dim])])


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along ``dim``, without that dimension, as views.

    >>> import rushlight as torch
    >>> torch.unbind(torch.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    result: tuple[Tensor, ...] = unbind_at(input, canonical(dim, input.ndim))
    return result


def _unsafe(name: str, node: str) -> Any:
    """A split whose parts do not know each other: writing to one of them is not noticed by the others."""

    def body(input: Tensor, dim: int, lengths: tuple[int, ...]) -> Any:
        parts = split_lengths.op.forward(input, dim, lengths)  # type: ignore[attr-defined]
        return tuple([memory.detach_memory(part) for part in parts])

    body.__name__ = name
    return operator(
        jvp=LINEAR, batch=split_batch, outputs=(), node=node,
        input=lambda g, lengths, dim, input_shape: parts_of(g, lengths, dim, input_shape),
    )(body)  # fmt: skip


unsafe_equal = _unsafe("unsafe_split", "UnsafeSplitBackward0")
unsafe_lengths = _unsafe("unsafe_split_with_sizes", "UnsafeSplitWithSizesBackward0")


def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`split`, without the link of views: in-place writes to the parts are not noticed elsewhere.

    >>> import rushlight as torch
    >>> torch.unsafe_split(torch.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    lengths = tuple([int(x.shape[dim]) for x in split(tensor, split_size, dim)])
    return unsafe_equal(tensor, canonical(dim, tensor.ndim), lengths)  # type: ignore[no-any-return]


def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`split_with_sizes`, without the link of views.

    >>> import rushlight as torch
    >>> torch.unsafe_split_with_sizes(torch.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    lengths = tuple([int(x.shape[dim]) for x in split_with_sizes(input, split_sizes, dim)])
    return unsafe_lengths(input, canonical(dim, input.ndim), lengths)  # type: ignore[no-any-return]


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`chunk`, without the link of views.

    >>> import rushlight as torch
    >>> torch.unsafe_chunk(torch.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    lengths = tuple([int(x.shape[dim]) for x in chunk(input, chunks, dim)])
    return unsafe_equal(input, canonical(dim, input.ndim), lengths)  # type: ignore[no-any-return]


# ---- joining


def cat_rule(g: Any, index: int, tensors_shape: Any, dim: int) -> Any:
    start = tensors_shape.start(index, dim)
    return part(g, dim, start, start + tensors_shape[index][dim])


@operator(jvp=LINEAR, batch=over_dims("dim"), node="CatBackward0", tensors=cat_rule)
def concatenate_at(tensors: Sequence[Tensor], dim: int) -> Tensor:
    made = np.concatenate(tensors, dim)  # type: ignore[call-overload]
    if made.flags.c_contiguous or (made.ndim in (4, 5) and all(map(channels_last, (made, *tensors)))):
        return made  # type: ignore[no-any-return]
    return np.ascontiguousarray(made)


def channels_last(x: Any) -> bool:
    """Whether the channels of each place lie side by side in memory."""
    return bool(x.ndim in (4, 5) and np.moveaxis(x, 1, -1).flags.c_contiguous)


def several(tensors: Sequence[Any], name: str) -> Sequence[Any]:
    """Tensors as they are given, unless it is one tensor."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    return tensors


def common(tensors: Sequence[Any], name: str) -> list[Any]:
    """Tensors brought to their common dtype."""
    if not isinstance(tensors, (tuple, list)):
        tensors = list(several(tensors, name))
    if not tensors:
        if name == "cat":
            raise ValueError("torch.cat(): expected a non-empty list of Tensors")
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        if not isinstance(x, (Tensor, np.ndarray)):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
    kinds = [record.np_dtype(x) for x in tensors]
    dtype = kinds[0]
    if kinds.count(dtype) == len(kinds):
        return tensors if type(tensors) is list else list(tensors)
    for other in kinds[1:]:
        dtype = promote_types(dtype, other)
    return [cast_to(x, dtype) for x in tensors]


def shapes_of(tensors: Sequence[Any]) -> list[tuple[int, ...]]:
    """The shapes as plain tuples."""
    return [x._array.shape if type(x) is Tensor else tuple(x.shape) for x in tensors]


def checked_cat(parts: list[Any], sizes: list[tuple[int, ...]], dim: int) -> tuple[list[Any], list[tuple[int, ...]]]:
    """The tensors without empty vectors, which PyTorch lets pass anywhere; raises if the others do not fit."""
    for i, shape in enumerate(sizes):
        if not shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    kept = [(x, shape) for x, shape in zip(parts, sizes, strict=True) if shape != (0,)]
    if not kept:
        return parts, sizes
    first = kept[0][1]
    at = canonical(dim, len(first))
    for number, (_, shape) in enumerate(kept):
        if len(shape) != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        for d in range(len(first)):
            if d != at and shape[d] != first[d]:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {at}. Expected size {first[d]} but got size "
                    f"{shape[d]} for tensor number {number} in the list."
                )
    if len(kept) < len(parts) and any(getattr(x, "requires_grad", False) for x in parts):
        flat = (*first[:at], 0, *first[at + 1 :])  # so that the empty ones get their (empty) gradients
        parts = [reshape(x, flat) if shape == (0,) else x for x, shape in zip(parts, sizes, strict=True)]
        return parts, [shapes_of([x])[0] for x in parts]
    return [x for x, _ in kept], [shape for _, shape in kept]


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None, axis: int | None = None) -> Tensor:
    """The tensors joined along an existing dimension.

    >>> import rushlight as torch
    >>> torch.cat((torch.ones(2), torch.zeros(1)))
    tensor([1., 1., 0.])
    """
    dim = dim if axis is None else axis
    shaped = common(tensors, "cat")
    sizes = shapes_of(shaped)
    first = sizes[0]
    if sizes.count(first) != len(sizes) or not first:
        shaped, sizes = checked_cat(shaped, sizes, dim)
        first = sizes[0]
    # of empty vectors alone any dimension will do, as for empty ones among others
    at = canonical(dim, len(first)) if any(shape != (0,) for shape in sizes) else 0
    made = concatenate_at(shaped, at)
    return made if out is None else concatenate_at.op.write_out(concatenate_at.op, out, made)  # type: ignore[attr-defined, no-any-return]


@operator(
    jvp=LINEAR, batch=over_dims("dim"), node="StackBackward0",
    tensors=lambda g, index, dim: select_at(g, dim, index),
)  # fmt: skip
def stack_at(tensors: Sequence[Tensor], dim: int) -> Tensor:
    key = (slice(None),) * dim + (None,)
    made = np.concatenate([x[key] for x in tensors], dim)
    return made if made.flags.c_contiguous else np.ascontiguousarray(made)  # type: ignore[no-any-return]


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors, all of one shape, joined along a new dimension.

    >>> import rushlight as torch
    >>> torch.stack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 2],
            [3, 4]])
    """
    parts = common(tensors, "stack")
    sizes = shapes_of(parts)
    shape = sizes[0]
    if sizes.count(shape) != len(sizes):
        i = next(i for i, other in enumerate(sizes) if other != shape)
        raise RuntimeError(
            f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(sizes[i])} "
            f"at entry {i}"
        )
    made = stack_at(parts, canonical(dim, len(shape) + 1))
    return made if out is None else stack_at.op.write_out(stack_at.op, out, made)  # type: ignore[attr-defined, no-any-return]


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors joined along their second dimension (vectors: their only one).

    >>> import rushlight as torch
    >>> torch.hstack((torch.tensor([1]), torch.tensor([2])))
    tensor([1, 2])
    """
    parts = [atleast_1d(x) for x in several(tensors, "hstack")]
    if not parts:
        raise RuntimeError("hstack expects a non-empty TensorList")
    return cat(parts, 0 if parts[0].ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors joined along their first dimension (vectors become rows).

    >>> import rushlight as torch
    >>> torch.vstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 2],
            [3, 4]])
    """
    if not len(several(tensors, "vstack")):
        raise RuntimeError("vstack expects a non-empty TensorList")
    return cat([atleast_2d(x) for x in tensors], 0, out=out)


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors joined along their third dimension.

    >>> import rushlight as torch
    >>> torch.dstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[[1, 3],
             [2, 4]]])
    """
    if not len(several(tensors, "dstack")):
        raise RuntimeError("dstack expects a non-empty TensorList")
    return cat([atleast_3d(x) for x in tensors], 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The tensors joined along their second dimension; vectors become columns.

    >>> import rushlight as torch
    >>> torch.column_stack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 3],
            [2, 4]])
    """
    if not len(several(tensors, "column_stack")):
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return cat([reshape(x, (x.numel(), 1)) if x.ndim <= 1 else x for x in tensors], 1, out=out)


# ---- repeating and turning


def flip_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dims: Any) -> Any:
    return op.call(input, tuple([d + 1 for d in dims]))


@operator(jvp=LINEAR, batch=flip_batch, node="FlipBackward0", input=lambda g, dims: flipped(g, dims))
def flipped(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    out = input[tuple([slice(None, None, -1) if d in dims else slice(None) for d in range(input.ndim)])]
    return np.array(out, order="C")  # type: ignore[return-value]


def flip(input: Tensor, dims: Any) -> Tensor:
    """The elements in reverse order along the given dimensions (a copy).

    >>> import rushlight as torch
    >>> torch.flip(torch.tensor([1, 2, 3]), (0,))
    tensor([3, 2, 1])
    """
    if not isinstance(dims, (tuple, list)):
        raise TypeError(f"flip(): argument 'dims' (position 2) must be tuple of ints, not {type(dims).__name__}")
    return flipped(input, canonical_all(tuple(dims), input.ndim))


def flip_method(self: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The elements in reverse order along the given dimensions (a copy); see :func:`rushlight.flip`."""
    if not dims and not named:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    return flip(self, sizes(dims, "flip", "dims", named))


def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order.

    >>> import rushlight as torch
    >>> torch.fliplr(torch.tensor([[1, 2]]))
    tensor([[2, 1]])
    """
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order.

    >>> import rushlight as torch
    >>> torch.flipud(torch.tensor([1, 2]))
    tensor([2, 1])
    """
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


def roll_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shifts: Any, dims: Any) -> Any:
    if dims is None:
        flat = rolled(reshape(input, (size, -1)), shifts, (1,))
        return reshape(flat, tuple(input.shape))
    return rolled(input, shifts, tuple([d + 1 for d in dims]))


@operator(
    jvp=LINEAR, batch=roll_batch, node="RollBackward0",
    input=lambda g, shifts, dims: rolled(g, tuple([-s for s in shifts]), dims),
)  # fmt: skip
def rolled(input: Tensor, shifts: tuple[int, ...], dims: tuple[int, ...] | None) -> Tensor:
    return np.roll(np.asarray(input, order="C"), shifts if dims is not None else shifts[0], dims)  # type: ignore[call-overload, no-any-return]


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved along dimensions, those that leave at one end coming in at the other.

    >>> import rushlight as torch
    >>> torch.roll(torch.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    moves = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    if not moves:
        raise RuntimeError("`shifts` required")
    if dims is None or dims == ():
        if len(moves) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(moves)}, dims:0")
        return rolled(input, moves, None)
    along = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if len(moves) != len(along):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(along)}")
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    return rolled(input, moves, tuple([canonical(d, input.ndim) for d in along]))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """The tensor turned by ``k`` right angles in the plane of two dimensions, from the first towards the second.

    >>> import rushlight as torch
    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    a, b = [canonical(d, input.ndim) for d in dims]
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    if k == 0:
        return clone(input)
    if k == 2:
        return flip(input, (a, b))
    return transpose(flip(input, (b,)), a, b) if k == 1 else flip(transpose(input, a, b), (b,))


def repeated_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, repeats: Any) -> Any:
    shape = tuple(input.shape[1:])
    return repeated(reshape(input, (size, *(1,) * (len(repeats) - len(shape)), *shape)), (1, *repeats))


def repeated_vjp(g: Any, input_shape: Any, repeats: Any) -> Any:
    shape = (1,) * (len(repeats) - len(input_shape)) + tuple(input_shape)
    apart = reshape(g, tuple([m for pair in zip(repeats, shape, strict=True) for m in pair]))
    return reshape(sum_to(apart, tuple([m for n in shape for m in (1, n)])), tuple(input_shape))


@operator(jvp=LINEAR, batch=repeated_batch, node="RepeatBackward0", input=repeated_vjp)
def repeated(input: Tensor, repeats: tuple[int, ...]) -> Tensor:
    shape = (1,) * (len(repeats) - input.ndim) + input.shape
    one = np.asarray(input).reshape([m for n in shape for m in (1, n)])
    spread = np.broadcast_to(one, [m for pair in zip(repeats, shape, strict=True) for m in pair])
    return np.array(spread, order="C").reshape([n * k for n, k in zip(shape, repeats, strict=True)])  # type: ignore[return-value]


def repeat(self: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """The tensor repeated that many times along each dimension (a copy); new dimensions come in front."""
    times = sizes(repeats, "repeat", "repeats", named)
    lead = len(times) - self.ndim
    if lead < 0:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    for n in times:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(times)}")
    return repeated(self, times)


def tile(input: Tensor, dims: Any) -> Tensor:
    """The tensor repeated along its dimensions, the last ones if fewer numbers are given.

    >>> import rushlight as torch
    >>> torch.tile(torch.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    if not isinstance(dims, (tuple, list)):
        raise TypeError(f"tile(): argument 'dims' (position 2) must be tuple of ints, not {type(dims).__name__}")
    times = sizes(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


def tile_method(self: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The tensor repeated along its dimensions; see :func:`rushlight.tile`."""
    return tile(self, sizes(dims, "tile", "dims", named))


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """A view of the tensor spread to a larger shape.

    >>> import rushlight as torch
    >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, tuple(size))


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """A view of this tensor spread to the shape of ``other``."""
    return expand(self, tuple(other.shape))


def sum_to_size(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """This tensor summed over what broadcasting would add to the shape ``size``."""
    shape = sizes(size, "sum_to_size", "size", named)
    try:
        fits = np.broadcast_shapes(shape, tuple(self.shape)) == tuple(self.shape)
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(self.shape)}}}.")
    return self if shape == tuple(self.shape) else sum_to(self, shape)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which shapes broadcast together.

    >>> import rushlight as torch
    >>> torch.broadcast_shapes((2, 1), (3,))
    torch.Size([2, 3])
    """
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return Size(np.broadcast_shapes(*given))
    except ValueError:
        raise unbroadcastable_shapes(given) from None


def unbroadcastable_shapes(shapes: list[tuple[int, ...]]) -> Exception:
    """What to raise of shapes that do not go together: it names the first that does not fit those before it."""
    rank = max(map(len, shapes))
    expected = [1] * rank
    for i, shape in enumerate(shapes):
        for d in range(-1, -len(shape) - 1, -1):
            if shape[d] < 0 and expected[d] == 1:
                return ValueError(
                    f"Attempting to broadcast a dimension with negative length! Shape {i} is {tuple(shape)}"
                )
            if shape[d] not in (1, expected[d]) and expected[d] != 1:
                return RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[d]} at {d}! Mismatching argument at index "
                    f"{i} had {tuple(shape)}; but expected shape should be broadcastable to {expected}"
                )
            if shape[d] != 1:
                expected[d] = shape[d]
    return RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape: " + ", ".join(map(str, shapes)))


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors as views spread to their common shape.

    >>> import rushlight as torch
    >>> torch.broadcast_tensors(torch.ones(2, 1), torch.ones(3))[1].shape
    torch.Size([2, 3])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape: tuple[int, ...] = ()
    for x in tensors:
        try:
            shape = np.broadcast_shapes(shape, tuple(x.shape))
        except ValueError:
            raise record.unbroadcastable(f"{shape} {tuple(x.shape)}".replace(", ", ",")) or ValueError() from None
    return tuple([expand(x, shape) for x in tensors])


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates of vectors: as many tensors, each spread over all the others' lengths.

    >>> import rushlight as torch
    >>> torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij")
    (tensor([[0, 0],
            [1, 1]]), tensor([[0, 1],
            [0, 1]]))
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning,
            stacklevel=2,
        )
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    flat = [reshape(x, (-1,)) for x in tensors]
    for x in tensors:
        if x.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x.ndim}D")
    swap = indexing == "xy" and len(flat) >= 2
    if swap:
        flat[0], flat[1] = flat[1], flat[0]
    shape = tuple([x.shape[0] for x in flat])
    grids = [expand(reshape(x, (1,) * i + (-1,) + (1,) * (len(flat) - i - 1)), shape) for i, x in enumerate(flat)]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


@operator(
    view=True, jvp=LINEAR, batch=lambda op, size, mapped, input: alias(input), node="AliasBackward0", input=lambda g: g
)
def alias(input: Tensor) -> Tensor:
    """The same elements as another tensor."""
    return input.view()  # type: ignore[call-arg]


# ---- copies


@operator(
    jvp=LINEAR, batch=lambda op, size, mapped, input: clone_plain(input), node="CloneBackward0", input=lambda g: g
)
def clone_plain(input: Tensor) -> Tensor:
    spread = 0 in input.strides and input.size  # type: ignore[attr-defined]  # what was spread is laid out anew
    return np.array(input, order="C" if spread else "K")  # type: ignore[call-overload, no-any-return]


@operator(
    jvp=LINEAR, batch=lambda op, size, mapped, input: clone_contiguous(input), node="CloneBackward0",
    input=lambda g: g,
)  # fmt: skip
def clone_contiguous(input: Tensor) -> Tensor:
    return np.array(input, order="C")  # type: ignore[call-overload, no-any-return]


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy of a tensor, joined to it in the graph.

    >>> import rushlight as torch
    >>> torch.clone(torch.ones(2))
    tensor([1., 1.])
    """
    name = str(memory_format) if memory_format is not None else "torch.preserve_format"
    if name == "torch.preserve_format":
        return clone_plain(input)
    if name == "torch.contiguous_format":
        return clone_contiguous(input)
    return clone_arranged(input, name)


@operator(jvp=LINEAR, node="CloneBackward0", input=lambda g: g)
def clone_arranged(input: Tensor, name: str) -> Tensor:
    return arranged(np.array(input), name)  # type: ignore[call-overload, return-value]


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor if its memory lies in the order of its elements, else a copy that does."""
    if is_contiguous(self, memory_format):
        return self
    return clone(self, memory_format=memory_format or "torch.contiguous_format")


def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether the memory lies in the order of the elements (or in that of another memory format)."""
    name = str(memory_format) if memory_format is not None else "torch.contiguous_format"
    array = record.inner_array(self)
    if array is None:
        return True
    if self.level:  # under vmap: whether each example is
        array = np.lib.stride_tricks.as_strided(
            array, tuple(self.shape), [s * array.itemsize for s in self.stride()], writeable=False
        )
    if name in ("torch.channels_last", "torch.channels_last_3d"):
        rank = 4 if name == "torch.channels_last" else 5
        return array.ndim == rank and bool(np.moveaxis(array, 1, -1).flags.c_contiguous)
    return bool(array.flags.c_contiguous)


def detach(self: Tensor) -> Tensor:
    """The same memory without history.

    >>> import rushlight as torch
    >>> torch.ones(2, requires_grad=True).detach().requires_grad
    False
    """
    if self.level:
        return self.transform.detach(self)  # type: ignore[attr-defined, no-any-return]
    made = as_inference(wrap(self._array)) if "_inference" in self.__dict__ else wrap(self._array)
    if self._view is not None:
        views.watch(self)
    if mode() >> DEPTH and (within := views.root_of(self).__dict__.get("_within")):
        made._within = within  # type: ignore[attr-defined]
    for call in on_detach:
        call(self, made)
    return made


on_detach: list[Callable[[Tensor, Tensor], None]] = []  # told of every ``detach`` (``autograd.missing``)


def detach_(self: Tensor) -> Tensor:
    """Cut this tensor from its history, in place."""
    if self._view is not None and hasattr(self._view, "base"):
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
            "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
            "detach_() cannot be called on these gradients. To fix this error, please refer to the "
            "Optimizer.zero_grad() function in torch/optim/optimizer.py as a reference."
        )
    if mode() >> DEPTH:
        views.check_captured(self, "detach_")
    if self.level:
        return self.transform.detach_(self)  # type: ignore[no-any-return]
    if not self.is_leaf:
        memory.detached(self._array)
    elif self._node is not None:
        self.requires_grad_(False)  # a leaf keeps its hooks, should it ask again
    self._node = None
    if self._view is not None:
        views_follow(self)
    return self


def to(self: Tensor, *args: Any, **options: Any) -> Tensor:
    """The tensor with another dtype or device: ``to(dtype)``, ``to(device, dtype)``, ``to(other)``.

    Itself if nothing changes, unless ``copy=True``.
    """
    from .._core.tensor import check_device, device

    dtype = options.pop("dtype", None)
    where = options.pop("device", None)
    copy = options.pop("copy", False)
    options.pop("non_blocking", None)
    memory_format = options.pop("memory_format", None)
    other = options.pop("other", None)
    if options:
        raise TypeError(f"to() received an invalid combination of arguments: {', '.join(options)}")
    flags = []
    for arg in args:
        if isinstance(arg, Tensor):
            other = arg
        elif isinstance(arg, (str, device)):
            where = arg
        elif isinstance(arg, bool):
            flags.append(arg)
        elif isinstance(arg, dtypes.dtype) or arg in (float, int, bool, complex):
            dtype = arg
        elif isinstance(arg, int):
            where = arg
        elif arg is not None:
            raise TypeError(f"to() received an invalid combination of arguments - got ({type(arg).__name__})")
    if len(flags) > 1:
        copy = flags[1]
    if other is not None:
        dtype = other.dtype
    if where is not None and check_device(where, True).type == "meta":
        from .._core.meta import spread

        return spread(tuple(self.shape), record.np_dtype(self) if dtype is None else dtypes.to_numpy_dtype(dtype))
    wanted = record.np_dtype(self) if dtype is None else dtypes.to_numpy_dtype(dtype)
    result = cast_to(self, wanted)
    if result is self and copy:
        result = clone(self)
    if memory_format is not None:
        result = contiguous(result, memory_format) if str(memory_format) != "torch.preserve_format" else result
    return result


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor: it is on the CPU already."""
    return self if memory_format is None else contiguous(self, memory_format)


def as_dtype(name: str) -> Any:
    """The method that changes the dtype to one with a name of its own, such as ``float()``."""
    wanted = getattr(dtypes, name if name != "bool" else "bool_").dtype

    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        made = cast_to(self, wanted)
        return made if memory_format is None else contiguous(made, memory_format)

    method.__doc__ = f"This tensor as {name}."
    return method


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, such as ``torch.FloatTensor``; with ``dtype``, the tensor in that dtype."""
    if dtype is None:
        return f"torch.{dtypes.LEGACY[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        by_name = {f"torch.{long}Tensor": short for short, long in dtypes.LEGACY.items()}
        if dtype not in by_name:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = next(d for d in dtypes.ALL if d.name == by_name[dtype])
    if dtype is Tensor:  # the type of the default dtype
        dtype = dtypes.get_default_dtype()
    return to(self, dtype if isinstance(dtype, dtypes.dtype) else getattr(dtype, "dtype", dtype))


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the dtype of ``other``."""
    return cast_to(self, record.np_dtype(other))


# ---- triangles and diagonals


@operator(
    jvp=LINEAR,
    batch=lambda op, size, mapped, input, diagonal: tril(input, diagonal),
    input=lambda g, diagonal: tril(g, diagonal),
)
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of matrices, zeros elsewhere; ``diagonal`` counts upwards from the main one.

    >>> import rushlight as torch
    >>> torch.tril(torch.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    if input.ndim < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return np.tril(input, diagonal)  # type: ignore[call-overload, no-any-return]


@operator(
    jvp=LINEAR,
    batch=lambda op, size, mapped, input, diagonal: triu(input, diagonal),
    input=lambda g, diagonal: triu(g, diagonal),
)
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of matrices, zeros elsewhere; ``diagonal`` counts upwards from the main one.

    >>> import rushlight as torch
    >>> torch.triu(torch.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """
    if input.ndim < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    return np.triu(input, diagonal)  # type: ignore[call-overload, no-any-return]


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices over ``dim1`` and ``dim2`` with the last dimension of ``input`` on a diagonal.

    >>> import rushlight as torch
    >>> torch.diag_embed(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    ndim = input.ndim + 1
    a, b = canonical(dim1, ndim), canonical(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for d in sorted((a, b)):
        shape.insert(d, n)
    return embed_diagonal(input, tuple(shape), offset, a, b)


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal.

    >>> import rushlight as torch
    >>> torch.diag(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim == 1:
        made = diag_embed(input, diagonal)
    elif input.ndim == 2:
        made = clone(take_diagonal(input, diagonal))
    else:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return made if out is None else views.write_out(views.Named("diag"), out, made)  # type: ignore[no-any-return]


def take_diagonal(input: Tensor, offset: int) -> Tensor:
    return diagonal(input, offset, 0, 1)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of ``input`` on a diagonal.

    >>> import rushlight as torch
    >>> torch.diagflat(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(reshape(input, (-1,)), offset)
