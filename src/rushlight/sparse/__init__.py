"""Sparse tensors in coordinates (COO): indices, and values with a history of their own.

A sparse tensor records nothing itself: its gradient is that of its values, so that every function here is written in
ordinary operators on them. Operators that are not here refuse a sparse tensor and say so.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

import rushlight as rl

from .. import overrides
from .._core.tensor import CPU, Size, Tensor, layout, new, wrap
from .._ops import dims as _dims

COO = layout("torch.sparse_coo")


def refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"Could not run 'aten::{name}' with arguments from the 'SparseCPU' backend: Rushlight has no {name} of sparse "
        "tensors. Use .to_dense() first."
    )


class SparseTensor(Tensor):
    """A tensor of which only some elements are stored: ``indices`` (sparse_dim x nnz) and ``values`` (nnz x ...)."""

    is_sparse = True
    layout = COO
    places: Any  # the indices, a tensor
    stored: Any  # the values, a tensor
    extent: Any  # the shape
    sorted: Any  # whether it is coalesced

    def __new__(cls, *args: Any, **options: Any) -> Any:
        raise TypeError("use torch.sparse_coo_tensor(indices, values, size)")

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        handlers = IN_PLACE if name.endswith("_") and not name.endswith("__") else HANDLERS
        handler = handlers.get(name.strip("_"))
        if handler is None:
            refuse(name if handlers is IN_PLACE else name.strip("_"))
        with overrides.DisableTorchFunctionSubclass():
            return handler(*args, **(kwargs or {}))

    # ---- what it is

    @property
    def _array(self) -> Any:
        refuse(sys._getframe(1).f_code.co_name)

    @property
    def _node(self) -> Any:  # type: ignore[override]
        return self.stored._node

    shape = property(lambda self: self.extent)
    dtype = property(lambda self: self.stored.dtype)
    device = property(lambda self: CPU)
    ndim = property(lambda self: len(self.extent))
    itemsize = property(lambda self: self.stored.itemsize)
    is_leaf = property(lambda self: self.stored.is_leaf)
    grad_fn = property(lambda self: self.stored.grad_fn)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for the gradient of the values; ``.grad`` is then sparse."""
        self.stored.requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Any:
        """The gradient: a sparse tensor with the same indices."""
        g = self.stored.grad
        return None if g is None else made(self.places, g, self.extent, self.sorted)

    @grad.setter
    def grad(self, value: Any) -> None:
        self.stored.grad = None if value is None else value.stored

    def sparse_dim(self) -> int:
        """How many dimensions are sparse: the leading ones."""
        n: int = self.places.shape[0]
        return n

    def dense_dim(self) -> int:
        """How many dimensions of each value are dense: the trailing ones."""
        n: int = self.ndim - self.sparse_dim()
        return n

    def _nnz(self) -> int:
        n: int = self.places.shape[1]
        return n

    def is_coalesced(self) -> bool:
        """Whether the indices are sorted and no two are the same."""
        return bool(self.sorted)

    def _indices(self) -> Tensor:
        return self.places  # type: ignore[no-any-return]

    def _values(self) -> Tensor:
        return self.stored  # type: ignore[no-any-return]

    def indices(self) -> Tensor:
        """The indices, one column an element. Raises RuntimeError if not coalesced."""
        self.check_coalesced("indices")
        return self.places  # type: ignore[no-any-return]

    def values(self) -> Tensor:
        """The values, in the order of ``indices``. Raises RuntimeError if not coalesced."""
        self.check_coalesced("values")
        return self.stored  # type: ignore[no-any-return]

    def check_coalesced(self, what: str) -> None:
        if not self.sorted:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")

    # ---- other forms of it

    def coalesce(self) -> SparseTensor:
        """The same tensor with sorted indices, values of equal indices added up."""
        if self.sorted:
            return self
        shape = self.extent[: self.sparse_dim()]
        unique, inverse = np.unique(flat_places(self), return_inverse=True)
        values = rl.zeros(len(unique), *self.stored.shape[1:], dtype=self.dtype)
        values = values.index_add(0, wrap(inverse.reshape(-1)), self.stored)
        places = np.stack(np.unravel_index(unique, shape)) if shape else np.zeros((0, len(unique)), np.int64)
        return made(wrap(places.astype(np.int64)), values, self.extent, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The ordinary tensor, zeros where nothing is stored."""
        values = self.stored if dtype is None else self.stored.to(dtype)
        dense = rl.zeros(self.extent, dtype=values.dtype)
        return dense.index_put(tuple(self.places), values, accumulate=True) if self.sparse_dim() else values.sum(0)

    def to_sparse(self, *args: Any, **kwargs: Any) -> Any:
        """Itself."""
        return self

    to_sparse_coo = to_sparse

    def is_sorted(self) -> bool:
        """Whether the indices really are sorted and no two are the same."""
        return bool((np.diff(flat_places(self)) > 0).all())

    def _coalesced_(self, coalesced: bool) -> Any:
        self.__dict__["sorted"] = bool(coalesced)
        return self

    def cpu(self, memory_format: Any = None) -> Any:
        return self

    def half(self, memory_format: Any = None) -> Any:
        return self.to(rl.float16)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        return f"torch.sparse.{self.stored.type()[6:]}" if dtype is None else self.with_values(self.stored.type(dtype))

    def zero_(self) -> Any:
        """Store nothing more."""
        return emptied(self)

    def unsqueeze(self, dim: int) -> Any:
        """A new dimension of size one among the sparse ones."""
        at = _dims.canonical(dim, self.ndim + 1)
        if at > self.sparse_dim():
            raise NotImplementedError(f"unsqueeze: dimension {dim} would be a dense one; use .to_dense() first")
        places = wrap(np.insert(self.places._array, at, 0, axis=0))
        return made(places, self.stored, [*self.extent[:at], 1, *self.extent[at:]], self.sorted)

    def permute(self, *dims: Any) -> Any:
        """The sparse dimensions in another order."""
        given = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
        if len(given) != self.ndim:
            raise RuntimeError(
                f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
                f"ordering of dimensions i.e. input.dim() = {self.ndim} is not equal to len(dims) = {len(given)}"
            )
        order = [_dims.canonical(d, self.ndim) for d in given]
        n = self.sparse_dim()
        if sorted(order) != list(range(self.ndim)):
            raise RuntimeError("permute(): duplicate dims are not allowed.")
        if any((d < n) != (i < n) for i, d in enumerate(order)):
            raise RuntimeError("permute(): transpositions between sparse and dense dimensions are not allowed.")
        values = self.stored.permute(0, *[d - n + 1 for d in order[n:]])
        places = wrap(np.ascontiguousarray(self.places._array[order[:n]]))
        return made(places, values, [self.extent[d] for d in order], order[:n] == list(range(n)) and bool(self.sorted))

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, (int, tuple)) or not all(isinstance(i, int) for i in np.atleast_1d(index).tolist()):
            refuse("slice")
        found = self
        for i in index if isinstance(index, tuple) else (index,):
            found = picked(found, i) if isinstance(found, SparseTensor) else found[i]
        return found

    def with_values(self, values: Tensor) -> SparseTensor:
        """A tensor with the same indices and other values."""
        return made(self.places, values, self.extent, self.sorted)

    @property
    def data(self) -> Any:
        """The same values without their history."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        self.__dict__.update(
            places=value.places, stored=value.stored.detach(), extent=value.extent, sorted=value.sorted
        )

    def detach_(self) -> Any:
        """Forget the history of the values."""
        self.stored = self.stored.detach()
        return self

    def detach(self) -> Any:
        return self.with_values(self.stored.detach())

    def clone(self, *, memory_format: Any = None) -> Any:
        return made(self.places.clone(), self.stored.clone(), self.extent, self.sorted)

    def to(self, *args: Any, **kwargs: Any) -> Any:
        return self.with_values(self.stored.to(*args, **kwargs))

    def float(self) -> Any:
        return self.to(rl.float32)

    def double(self) -> Any:
        return self.to(rl.float64)

    def is_inference(self) -> bool:
        return False

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def __dlpack__(self, **_: Any) -> Any:
        raise BufferError("Can't export tensors with layout other than torch.strided: take .to_dense() first")

    def tolist(self) -> Any:
        return self.to_dense().tolist()

    def backward(self, *args: Any, **kwargs: Any) -> None:
        refuse("backward")

    def __bool__(self) -> bool:
        refuse("is_nonzero")

    def __len__(self) -> int:
        return int(self.extent[0])

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return memo.setdefault(id(self), self.detach().clone().requires_grad_(self.requires_grad))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return sparse_coo_tensor, (self.places, self.stored.detach(), self.extent)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        def shown(t: Any, name: str) -> str:
            text = re.sub(r", dtype=torch\.\w+\)$", ")", repr(t.detach()))
            text = "tensor([], size=(0,))" if text == "tensor([])" else text
            return f"{name}={text.replace(chr(10), chr(10) + ' ' * (len(name) + 8))}"

        end = f", dtype={self.dtype}" if self.dtype is not rl.get_default_dtype() else ""
        if self.requires_grad:
            end += ", requires_grad=True" if self.is_leaf else f", grad_fn=<{type(self.grad_fn).__name__}>"
        return (
            f"tensor({shown(self.places, 'indices')},\n       {shown(self.stored, 'values')},\n       "
            f"size={tuple(self.extent)}, nnz={self._nnz()}{end}, layout=torch.sparse_coo)"
        )


def emptied(t: SparseTensor) -> SparseTensor:
    t.__dict__.update(places=t.places[:, :0], stored=t.stored[:0].detach(), sorted=True)
    return t


def picked(t: SparseTensor, index: int) -> Any:
    """One element of the first dimension: sparse, while a sparse dimension is left."""
    n = t.extent[0]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(t.extent)} at dimension 0")
    columns = wrap(np.flatnonzero(t.places._array[0] == index % n))
    values = t.stored.index_select(0, columns)
    if t.sparse_dim() == 1:
        return values.sum(0)
    return made(t.places[1:].index_select(1, columns), values, t.extent[1:], t.sorted)


def made(places: Tensor, values: Tensor, size: Sequence[int], coalesced: bool) -> SparseTensor:
    """A sparse tensor of its parts."""
    overrides.activate()
    t: SparseTensor = new(SparseTensor)
    t.__dict__.update(places=places, stored=values, extent=Size(size), sorted=coalesced)
    return t


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:
    """A sparse tensor of ``indices`` (sparse_dim x nnz) and ``values``; the values of equal indices add up.

    Without ``size`` it is as small as the indices allow. ``values`` that require grad stay connected.

    >>> import rushlight as torch
    >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    if values is None and (indices is None) == (size is not None):  # a size alone: nothing is stored
        size = tuple(indices if size is None else size)
        indices = rl.zeros(len(size), 0, dtype=rl.int64)
        values = rl.zeros(0, dtype=dtype)
    if values is None or not isinstance(values, (Tensor, list, tuple, int, float, complex, np.ndarray)):
        raise TypeError("sparse_coo_tensor() needs indices and values; for an empty one give empty lists and a size")
    if isinstance(values, (Size,)):
        raise TypeError("sparse_coo_tensor(): values must be a tensor or numbers, got a size")
    places = (indices if isinstance(indices, Tensor) else rl.tensor(indices)).to(rl.int64)
    stored = values if isinstance(values, Tensor) else rl.tensor(values)
    if dtype is not None:
        stored = stored.to(dtype)
    if places.ndim == 1 and not places.numel():
        places = places.reshape(1 if size is None else len(size), 0)
    if places.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(places.shape)}")
    if stored.ndim == 0:
        stored = stored.expand(places.shape[1])
    if stored.shape[0] != places.shape[1]:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {places.shape[1]}, nnz from values: "
            f"{stored.shape[0]}"
        )
    array = places._array
    if array.size and array.min() < 0:
        raise RuntimeError(f"found negative index {array.min()}")
    if size is None:
        size = (*((array.max(axis=1) + 1).tolist() if array.size else [0] * len(array)), *stored.shape[1:])
    size = tuple(size)
    if len(size) != len(array) + stored.ndim - 1:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = "
            f"{len(array)}, dense_dim = {stored.ndim - 1}"
        )
    for d, row in enumerate(array):
        if row.size and row.max() >= size[d]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {d}, size is {size[d]} but found index {row.max()}"
            )
    if tuple(stored.shape[1:]) != size[len(array) :]:
        raise RuntimeError(
            f"values has incorrect size, expected {[places.shape[1], *size[len(array) :]]}, got {list(stored.shape)}"
        )
    t = made(places, stored, size, bool(is_coalesced))
    return t.detach().requires_grad_() if requires_grad else t


def to_sparse(self: Tensor, sparse_dim: int | None = None, *, layout: Any = None) -> SparseTensor:
    """The tensor as a sparse one (COO): what is not zero, of the first ``sparse_dim`` dimensions.

    >>> import rushlight as torch
    >>> torch.eye(2).to_sparse().indices().tolist()
    [[0, 1], [0, 1]]
    """
    if layout is not None and layout != COO:
        raise NotImplementedError(f"to_sparse(): layout {layout} is not supported here, only torch.sparse_coo")
    n = self.ndim if sparse_dim is None else sparse_dim
    if n == 0 and self.ndim:
        raise RuntimeError("dense_to_sparse: sparse_dim argument must be in >0 when self.dim()>0")
    if not 0 <= n <= self.ndim:
        raise RuntimeError(f"sparse_dim argument must be in [1, {self.ndim}] range, but {n} is given")
    array = self._array
    if not self.ndim:
        stored = self.reshape(1) if array else self.reshape(1)[:0]
        return made(wrap(np.zeros((0, len(stored)), np.int64)), stored, (), True)
    kept = (array != 0).any(axis=tuple(range(n, self.ndim))) if n < self.ndim else array != 0
    places = np.stack(np.nonzero(kept)).astype(np.int64)
    return made(wrap(places), self[tuple(wrap(p) for p in places)], self.shape, True)


def sparse_mask(self: Tensor, mask: SparseTensor) -> SparseTensor:
    """The elements of a dense tensor where a sparse one of its shape stores some: sparse."""
    if not isinstance(mask, SparseTensor):
        raise TypeError(f"sparse_mask(): argument 'mask' must be a sparse tensor, not {type(mask).__name__}")
    if tuple(self.shape) != tuple(mask.shape):
        raise RuntimeError(
            "sparse_mask(): operands have incompatible sizes; self has size "
            f"{list(self.shape)} but mask has size {list(mask.shape)}"
        )
    return mask.with_values(self[tuple(mask.places)])


# ---- functions of sparse tensors


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Sparse tensors joined along a sparse dimension."""
    first = tensors[0]
    if not all(isinstance(t, SparseTensor) for t in tensors):
        raise RuntimeError(
            "Concatenating sparse tensors, but a dense tensor was found: use .to_dense() or .to_sparse()"
        )
    at = _dims.canonical(dim, first.ndim)
    if at >= first.sparse_dim():
        raise NotImplementedError(f"cat: dimension {dim} is a dense one; use .to_dense() first")
    parts, start = [], 0
    for i, t in enumerate(tensors):
        if (*t.extent[:at], *t.extent[at + 1 :]) != (*first.extent[:at], *first.extent[at + 1 :]):
            raise RuntimeError(
                f"All tensors must have the same shape: {list(first.extent)} except in the concatenating dimension, found "
                f"{list(t.extent)} at position {i}"
            )
        places = t.places._array.copy()
        places[at] += start
        parts.append(places)
        start += t.extent[at]
    size = [*first.extent[:at], start, *first.extent[at + 1 :]]
    values = rl.cat([t.stored for t in tensors])
    return made(wrap(np.concatenate(parts, 1)), values, size, at == 0 and all(t.sorted for t in tensors))


def power(input: Any, exponent: Any) -> Any:
    """A power above zero of the values."""
    if isinstance(exponent, Tensor) or exponent <= 0:
        refuse("pow")
    input = input.coalesce()
    return input.with_values(input.stored**exponent)


def mm(mat1: Any, mat2: Any) -> Any:
    """The product of a sparse matrix and a matrix (dense: the result is dense; sparse: it is sparse).

    Gradients go to both; that of the sparse one has its indices.

    >>> import rushlight as torch
    >>> torch.sparse.mm(torch.eye(2).to_sparse(), torch.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    if not isinstance(mat1, SparseTensor):
        if not isinstance(mat2, SparseTensor):
            return rl.mm(mat1, mat2)
        return mm(transpose(mat2), mat1.t()).t()
    if mat1.ndim != 2 or mat1.dense_dim() or mat2.ndim != 2:
        raise RuntimeError(f"mm: expected two matrices, got {mat1.ndim}-D and {mat2.ndim}-D tensors")
    if mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"addmm: Argument #3 (dense): Expected dim 0 size {mat1.shape[1]}, got {mat2.shape[0]}: the matrices "
            f"have shapes {list(mat1.shape)} and {list(mat2.shape)}"
        )
    if isinstance(mat2, SparseTensor):
        return to_sparse(mm(mat1, mat2.to_dense()))
    rows, columns = mat1.places
    terms = mat1.stored.unsqueeze(1) * mat2.index_select(0, columns)
    return rl.zeros(mat1.shape[0], mat2.shape[1], dtype=terms.dtype).index_add(0, rows, terms)


dsmm = spmm = mm


def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` where one of them is sparse."""
    if b.ndim == 1 and isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        return mm(a, b.unsqueeze(1)).squeeze(1)
    return mm(a, b)


def addmm(mat: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """``beta * mat + alpha * (mat1 @ mat2)`` with a sparse ``mat1``."""
    return beta * mat + alpha * mm(mat1, mat2)


def sum(input: Any, dim: Any = None, dtype: Any = None) -> Any:
    """The sum of a sparse tensor: of all elements, or over dimensions (then sparse, if a sparse dimension is left)."""
    values = input.stored if dtype is None else input.stored.to(dtype)
    if dim is None:
        return values.sum()
    dims = {_dims.canonical(d, input.ndim) for d in ([dim] if isinstance(dim, int) else dim)}
    n = input.sparse_dim()
    dense = [d - n + 1 for d in dims if d >= n]
    values = values.sum(dense) if dense else values
    left = [d for d in range(n) if d not in dims]
    if not left:
        return values.sum(0)
    size = [s for d, s in enumerate(input.shape) if d not in dims]
    places = wrap(np.ascontiguousarray(input.places._array[left]))
    return made(places, values, size, len(left) == n and input.sorted).coalesce()


def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """The sum: sparse if both are, else dense."""
    if isinstance(input, SparseTensor) and isinstance(other, SparseTensor):
        if input.shape != other.shape:
            raise RuntimeError(
                f"add: expected sizes of 'self' and 'other' to match, but {list(input.shape)} != {list(other.shape)}"
            )
        return merged(input, other.with_values(alpha * other.stored) if alpha != 1 else other)
    input, other = (wrap(t) if isinstance(t, np.ndarray) else t for t in (input, other))
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)):
        raise NotImplementedError("add: a number cannot be added to a sparse tensor, all of whose zeros would change")
    dense = [t.to_dense() if isinstance(t, SparseTensor) else t for t in (input, other)]
    return rl.add(*dense, alpha=alpha)


def merged(a: SparseTensor, b: SparseTensor) -> SparseTensor:
    """The sum, stored in PyTorch's order: two sequences merged, equal places that meet added up.

    If both are sorted without repetition, so is the sum. Values keep their history.
    """
    if a.sparse_dim() != b.sparse_dim():
        raise RuntimeError(
            f"cadd operands have incompatible desc: they have {a.sparse_dim()} and {b.sparse_dim()} sparse dimensions"
        )
    both = bool(a.sorted and b.sorted)
    first, second = flat_places(a), flat_places(b)
    if both:
        unique, to = np.unique(np.concatenate([first, second]), return_inverse=True)
        to, count = to.reshape(-1), len(unique)
    else:
        to, count = merged_order(first.tolist(), second.tolist())
    places = np.empty((a.sparse_dim(), count), np.int64)
    places[:, to] = np.concatenate([a.places._array, b.places._array], 1)
    values = rl.cat([a.stored, b.stored])
    values = rl.zeros(count, *values.shape[1:], dtype=values.dtype).index_add(0, wrap(to), values)
    return made(wrap(places), values, a.extent, both)


def flat_places(t: SparseTensor) -> Any:
    """Where each value stands, as one number."""
    shape = t.extent[: t.sparse_dim()]
    return np.ravel_multi_index(tuple(t.places._array), shape) if shape else np.zeros(t._nnz(), np.int64)


def merged_order(first: list[int], second: list[int]) -> tuple[Any, int]:
    """Where the elements of two sequences go as they are merged: to the same place, if equal heads meet."""
    to_first, to_second = [0] * len(first), [0] * len(second)
    i = j = n = 0
    while i < len(first) and j < len(second):
        p, q = first[i], second[j]
        if p <= q:
            to_first[i] = n
            i += 1
        if q <= p:
            to_second[j] = n
            j += 1
        n += 1
    to_first[i:] = range(n, n + len(first) - i)
    n += len(first) - i
    to_second[j:] = range(n, n + len(second) - j)
    n += len(second) - j
    return np.array(to_first + to_second, np.int64), n


def add_into(self: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Add to a sparse tensor, or a sparse one to a dense one, in place."""
    if isinstance(self, SparseTensor):
        if not isinstance(other, SparseTensor):
            raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
        return in_place(add)(self, other, alpha=alpha)
    if self.shape != other.shape:
        raise RuntimeError(
            f"add: expected 'self' to be of same size as 'other', but self is {list(self.shape)} while other is of size "
            f"{list(other.shape)}"
        )
    values = other.stored if alpha == 1 else alpha * other.stored
    if not other.sparse_dim():
        return self.add_(values.sum(0))
    return self.index_put_(tuple(other.places), values.to(self.dtype), accumulate=True)


def sub_from(self: Any, other: Any, *, alpha: Any = 1) -> Any:
    return add_into(self, other, alpha=-alpha)


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """The difference: sparse if both are, else dense."""
    return add(input, other, alpha=-alpha)


def mul(input: Any, other: Any) -> Any:
    """The product with a number or a tensor, element by element: sparse."""
    if not isinstance(input, SparseTensor):
        input, other = other, input
    if isinstance(other, SparseTensor):
        input, other = input.coalesce(), other.to_dense()
    elif isinstance(other, np.ndarray):
        other = wrap(other)
    if isinstance(other, Tensor) and other.ndim:
        return input.with_values(input.stored * other.expand(input.shape)[tuple(input.places)])
    return input.with_values(input.stored * other)


def div(input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    """The quotient by a number: sparse."""
    if not isinstance(input, SparseTensor) or (isinstance(other, Tensor) and other.ndim):
        refuse("div")
    return input.with_values(rl.div(input.stored, other, rounding_mode=rounding_mode))


def transpose(input: Any, dim0: int = 0, dim1: int = 1) -> Any:
    """Two sparse dimensions swapped."""
    a, b = _dims.canonical(dim0, input.ndim), _dims.canonical(dim1, input.ndim)
    n = input.sparse_dim()
    if a >= n or b >= n:
        raise RuntimeError(f"sparse transpose: dimensions {dim0} and {dim1} must both be sparse ones (of {n})")
    order = list(range(n))
    order[a], order[b] = order[b], order[a]
    size = list(input.shape)
    size[a], size[b] = size[b], size[a]
    return made(wrap(np.ascontiguousarray(input.places._array[order])), input.stored, size, False)


def t(input: Any) -> Any:
    """A sparse matrix with its dimensions swapped."""
    if input.sparse_dim() > 2 or input.dense_dim():
        raise RuntimeError(
            f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {input.sparse_dim()} sparse and "
            f"{input.dense_dim()} dense dimensions"
        )
    return input if input.ndim < 2 else transpose(input, 0, 1)


def norm(input: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The norm of all elements."""
    if dim is not None:
        refuse("norm")
    return rl.norm(input.coalesce().stored.reshape(-1), p)


def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Softmax along a dimension in which what is not stored counts as minus infinity; sparse."""
    return _over_stored(input, dim, dtype, rl.softmax)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The logarithm of :func:`softmax`."""
    return _over_stored(input, dim, dtype, rl.log_softmax)


def _over_stored(input: Any, dim: int, dtype: Any, function: Callable[..., Any]) -> Any:
    input = input.coalesce()
    values = input.stored if dtype is None else input.stored.to(dtype)
    index = tuple(input.places)
    filled = rl.full(tuple(input.shape), -math.inf, dtype=values.dtype).index_put(index, values)
    return input.with_values(function(filled, dim)[index])


def by_value(name: str) -> Callable[..., Any]:
    """A function with f(0) = 0, applied to the values."""

    def run(input: Any) -> Any:
        input = input if name == "neg" else input.coalesce()
        return input.with_values(getattr(rl, name)(input.stored))

    return run


def in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, SparseTensor):
            refuse(f"{function.__name__}_")
        found = function(self, *args, **kwargs)
        self.__dict__.update(places=found.places, stored=found.stored, sorted=found.sorted)
        return self

    return run


ZERO_AT_ZERO = (
    "abs neg sqrt square sin sinh tan tanh asin asinh atan atanh expm1 log1p relu sign floor ceil round trunc"
)
HANDLERS: dict[str, Callable[..., Any]] = {
    "mm": mm, "matmul": matmul, "mv": matmul, "addmm": addmm, "sum": sum, "add": add, "sub": sub, "mul": mul,
    "div": div, "truediv": div, "transpose": transpose, "t": t, "norm": norm, "is_tensor": lambda t: True,
    "cat": cat, "pow": power, "sparse_mask": sparse_mask, "unsqueeze": lambda t, dim: t.unsqueeze(dim), "permute": lambda t, *d: t.permute(*d),
    "empty_like": lambda t, **_: emptied(t.detach().clone()),
    "softmax": softmax, "log_softmax": log_softmax, "rmatmul": lambda a, b: matmul(b, a),
    **{name: by_value(name) for name in [n for n in ZERO_AT_ZERO.split() if hasattr(rl, n)]},
    "zeros_like": lambda t, **_: made(wrap(np.zeros((t.sparse_dim(), 0), np.int64)), t.stored[:0].detach(), t.shape, True),
    "is_complex": lambda t: t.dtype.is_complex, "is_floating_point": lambda t: t.dtype.is_floating_point,
    "numel": lambda t: t.numel(), "repr": lambda t, **_: SparseTensor.__repr__(t),
    "index_select": lambda t, dim, index: to_sparse(t.to_dense().index_select(dim, index)),
    "clone": lambda t, **_: t.clone(),
}  # fmt: skip
for _name in ("mm", "matmul", "mv", "sum", "add", "sub", "mul", "div", "transpose", "t", "norm", *ZERO_AT_ZERO.split()):
    if _name in HANDLERS:
        setattr(SparseTensor, _name, HANDLERS[_name])
SparseTensor.__matmul__ = matmul  # type: ignore[assignment]
SparseTensor.__rmatmul__ = lambda self, other: matmul(other, self)
SparseTensor.__add__ = SparseTensor.__radd__ = add  # type: ignore[assignment]
SparseTensor.__sub__ = sub  # type: ignore[assignment]
SparseTensor.__mul__ = SparseTensor.__rmul__ = mul  # type: ignore[assignment]
SparseTensor.__truediv__ = div  # type: ignore[assignment]
SparseTensor.__pow__ = SparseTensor.pow = power  # type: ignore[assignment]
SparseTensor.__neg__ = HANDLERS["neg"]
IN_PLACE = {"add": add_into, "sub": sub_from, **{name: in_place(HANDLERS[name]) for name in ("mul", "div")}}
for _name, _function in IN_PLACE.items():
    setattr(SparseTensor, f"{_name}_", _function)

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sparse_coo_tensor", "sum"]
