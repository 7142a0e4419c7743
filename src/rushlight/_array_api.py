"""``Tensor.__array_namespace__()``: the array API standard on tensors, recorded like everything else.

The standard's names and signatures stand here, most of them ours under another name; where the standard and
PyTorch differ (argument names, dtypes of sums, results of ``unique``, no dim given), the standard is followed.
SciPy and scikit-learn functions that take array API input work on tensors, and differentiate, through this.
"""

from __future__ import annotations

import builtins
import sys
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

import rushlight as rl

__array_api_version__ = "2024.12"

_SAME = [
    "abs",
    "acos",
    "acosh",
    "add",
    "arange",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "ceil",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "expm1",
    "eye",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "linspace",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "real",
    "reciprocal",
    "remainder",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "empty_like",
    "finfo",
    "full_like",
    "iinfo",
    "matmul",
    "meshgrid",
    "ones_like",
    "pow",
    "tensordot",
    "tril",
    "triu",
    "zeros_like",
    "e",
    "inf",
    "nan",
    "pi",
    "newaxis",
]
_RENAMED = {
    "bitwise_left_shift": "bitwise_left_shift", "bitwise_right_shift": "bitwise_right_shift",
    "permute_dims": "permute",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _SAME or name in _RENAMED:
        return getattr(rl, _RENAMED.get(name, name))  # not kept: `abs` and `bool` would hide Python's own here
    if name == "fft":
        return fft_namespace()
    raise AttributeError(f"the array API namespace of Rushlight has no {name!r}")


def __dir__() -> list[str]:
    return sorted({*_SAME, *_RENAMED, *[n for n in globals() if not n.startswith("_")], "fft"})


def array_namespace(self: Any, *, api_version: str | None = None) -> ModuleType:
    """The module that holds the array API's functions for tensors.

    >>> import rushlight as torch
    >>> xp = torch.ones(2).__array_namespace__()
    >>> xp.sum(xp.asarray([1.0, 2.0]), axis=0)
    tensor(3.)
    """
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(f"array API version {api_version!r} is not known here; ask for 2024.12")
    return sys.modules[__name__]


# ---- creation and dtypes


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor of ``obj``, sharing its memory where that is possible and ``copy`` is not True."""
    if copy is False and not isinstance(obj, (rl.Tensor, np.ndarray)):
        raise ValueError("asarray: copy=False, but a tensor of Python numbers is always a copy")
    made = rl.as_tensor(obj, dtype=dtype, device=device)
    if copy is False and dtype is not None and isinstance(obj, rl.Tensor) and obj.dtype is not dtype:
        raise ValueError("asarray: copy=False, but another dtype needs a copy")
    return made.clone() if copy else made


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Uninitialised elements."""
    return rl.empty(sizes(shape), dtype=dtype, device=device)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Zeros."""
    return rl.zeros(sizes(shape), dtype=dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Ones."""
    return rl.ones(sizes(shape), dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """One value everywhere."""
    return rl.full(sizes(shape), fill_value, dtype=dtype, device=device)


def sizes(shape: Any) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor of another library's array."""
    made = x if isinstance(x, rl.Tensor) else rl.from_numpy(np.from_dlpack(x))
    return made.clone() if copy else made


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """``x`` in another dtype."""
    return x.to(dtype, copy=copy)


def can_cast(from_: Any, to: Any, /) -> builtins.bool:
    """Whether a dtype can be cast to another without losing its kind."""
    found: builtins.bool = rl.can_cast(from_.dtype if isinstance(from_, rl.Tensor) else from_, to)
    return found


def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype in which these are computed together."""
    kinds = [x for x in arrays_and_dtypes if not isinstance(x, (bool, int, float, complex))]
    numbers = [x for x in arrays_and_dtypes if isinstance(x, (bool, int, float, complex))]
    found = None
    for x in kinds:
        kind = x.dtype if isinstance(x, rl.Tensor) else x
        found = kind if found is None else rl.promote_types(found, kind)
    if found is None:
        raise ValueError("result_type: at least one array or dtype is needed")
    for number in numbers:
        found = rl.result_type(rl.empty(1, dtype=found), number)
    return found


_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float16", "bfloat16", "float32", "float64"),
    "complex floating": ("complex32", "complex64", "complex128"),
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


def isdtype(dtype: Any, kind: Any) -> builtins.bool:
    """Whether a dtype is of a kind: a dtype, a kind's name, or a tuple of either."""
    if isinstance(kind, tuple):
        return builtins.any([isdtype(dtype, k) for k in kind])
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ValueError(f"isdtype: unknown kind {kind!r}; known are {', '.join(_KINDS)}")
        return str(dtype).removeprefix("torch.") in _KINDS[kind]
    return dtype is kind


def broadcast_arrays(*arrays: Any) -> list[Any]:
    """The arrays broadcast against each other."""
    return list(rl.broadcast_tensors(*arrays))


def broadcast_to(x: Any, /, shape: Any) -> Any:
    """``x`` broadcast to a shape."""
    return x.expand(tuple(shape))


# ---- elementwise with another signature


def bitwise_invert(x: Any, /) -> Any:
    """Each bit turned."""
    return rl.bitwise_not(x)


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """``x`` with its values brought between ``min`` and ``max``."""
    if min is None and max is None:
        return x.clone()
    kind = x.dtype
    return rl.clamp(x, min, max).to(kind)


def round(x: Any, /) -> Any:
    """To the nearest integer, halves to even."""
    if x.is_complex():
        return rl.complex(rl.round(x.real), rl.round(x.imag))
    return rl.round(x) if x.is_floating_point() else x.clone()


def sign(x: Any, /) -> Any:
    """-1, 0 or 1; for complex numbers z/|z|."""
    return rl.sgn(x)


def where(condition: Any, x1: Any, x2: Any, /) -> Any:
    """Elements of ``x1`` where the condition holds, else of ``x2``."""
    return rl.where(condition, x1, x2)


# ---- reductions: axis is None, an integer or several


def axes(x: Any, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def widened(x: Any, dtype: Any) -> Any:
    """Small integers are summed in the default integer of their sign."""
    if dtype is not None:
        return dtype
    if isdtype(x.dtype, "unsigned integer"):
        return rl.uint64
    return rl.int64 if isdtype(x.dtype, ("signed integer", "bool")) else None


def sum(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum over one, several or all axes."""
    dims = axes(x, axis)
    kind = widened(x, dtype)
    if not dims and axis is not None:
        return x.to(kind or x.dtype, copy=True)
    return rl.sum(x, dims, keepdims, dtype=None if kind is rl.uint64 else kind).to(kind or x.dtype)


def prod(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The product over one, several or all axes."""
    kind = widened(x, dtype)
    made = x if kind is None else x.to(rl.int64 if kind is rl.uint64 else kind)
    for d in sorted([a % x.ndim for a in axes(x, axis)], reverse=True):
        made = rl.prod(made, d, keepdims)
    return made.clone() if made is x else made.to(kind or made.dtype)


def max(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element."""
    return rl.amax(x, axes(x, axis), keepdims)


def min(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element."""
    return rl.amin(x, axes(x, axis), keepdims)


def mean(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean."""
    dims = axes(x, axis)
    return rl.mean(x, dims, keepdims) if dims else x.clone()


def var(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The variance; divided by the number of elements less ``correction``."""
    dims = axes(x, axis)
    return rl.var(x, dims, correction=correction, keepdim=keepdims) if dims else rl.zeros_like(x)


def std(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The square root of the variance."""
    return rl.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def all(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements are true."""
    dims = axes(x, axis)
    return rl.all(x.to(rl.bool), dims, keepdims) if dims else x.to(rl.bool)


def any(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether some element is true."""
    dims = axes(x, axis)
    return rl.any(x.to(rl.bool), dims, keepdims) if dims else x.to(rl.bool)


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """How many elements are not zero."""
    return sum(x != 0, axis=axis, keepdims=keepdims)


def cumulative_sum(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """Sums up to each element."""
    return running(rl.cumsum, x, axis, dtype, include_initial, 0)


def cumulative_prod(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """Products up to each element."""
    return running(rl.cumprod, x, axis, dtype, include_initial, 1)


def running(scan: Any, x: Any, axis: int | None, dtype: Any, include_initial: bool, first: int) -> Any:
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"axis must be given for an array of {x.ndim} dimensions")
        axis = 0
    kind = widened(x, dtype)
    made = scan(x, axis, dtype=None if kind is rl.uint64 else kind)
    if include_initial:
        shape = list(made.shape)
        shape[axis] = 1
        made = rl.cat([rl.full(shape, first, dtype=made.dtype), made], axis)
    return made.to(kind) if kind is not None else made


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours, ``n`` times."""
    return rl.diff(x, n=n, dim=axis, prepend=prepend, append=append)


# ---- shapes


def concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    """The arrays one after the other along an axis, or flattened."""
    arrays = list(arrays)
    kind = result_type(*arrays)
    arrays = [a.to(kind) for a in arrays]
    return rl.cat([a.reshape(-1) for a in arrays], 0) if axis is None else rl.cat(arrays, axis)


def stack(arrays: Any, /, *, axis: int = 0) -> Any:
    """The arrays along a new axis."""
    return rl.stack(list(arrays), axis)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The parts along an axis."""
    return tuple(rl.unbind(x, axis))


def expand_dims(x: Any, /, *, axis: int = 0) -> Any:
    """A new axis of size 1."""
    return rl.unsqueeze(x, axis)


def squeeze(x: Any, /, axis: Any) -> Any:
    """Without axes of size 1; others are an error."""
    dims = axes(x, axis)
    if wrong := [d for d in dims if x.shape[d] != 1]:
        raise ValueError(f"squeeze: axis {wrong[0]} has size {x.shape[wrong[0]]}, not 1")
    return rl.squeeze(x, dims)


def flip(x: Any, /, *, axis: Any = None) -> Any:
    """Turned around along axes."""
    return rl.flip(x, axes(x, axis))


def moveaxis(x: Any, source: Any, destination: Any, /) -> Any:
    """Axes in other places."""
    return rl.movedim(x, source, destination)


def permute_dims(x: Any, /, axes: Any) -> Any:
    """The axes in another order."""
    return rl.permute(x, tuple(axes))


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
    """Each element several times."""
    return rl.repeat_interleave(x, repeats, axis)


def reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    """The elements in another shape."""
    made = rl.reshape(x, sizes(shape))
    if copy is False and x.numel() and made.data_ptr() != x.data_ptr():
        raise ValueError("reshape: copy=False, but this shape needs a copy")
    return made.clone() if copy else made


def roll(x: Any, /, shift: Any, *, axis: Any = None) -> Any:
    """Elements shifted around."""
    return rl.roll(x, shift, axis)


def tile(x: Any, repetitions: Any, /) -> Any:
    """Copies side by side."""
    return rl.tile(x, tuple(repetitions))


# ---- indices, sorting, sets


def argmax(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest element is."""
    return rl.argmax(x, axis, keepdims)


def argmin(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest element is."""
    return rl.argmin(x, axis, keepdims)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The order that sorts."""
    return rl.argsort(x, dim=axis, descending=descending, stable=stable)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Sorted."""
    return rl.sort(x, dim=axis, descending=descending, stable=stable)[0]


def nonzero(x: Any, /) -> tuple[Any, ...]:
    """The places of elements that are not zero, an array for each axis."""
    return tuple(rl.nonzero(x, as_tuple=True))


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
    """Where elements would have to be put in."""
    return rl.searchsorted(x1, x2, side=side, sorter=sorter)


def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    """Elements by their number along an axis."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"axis must be given for an array of {x.ndim} dimensions")
        axis = 0
    picked = rl.index_select(x, axis, indices.reshape(-1))
    axis %= x.ndim
    return picked.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """Elements picked by an array of their numbers along an axis."""
    return rl.take_along_dim(x, indices, axis)


class UniqueAll(NamedTuple):
    """What ``unique_all`` returns."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """What ``unique_counts`` returns."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """What ``unique_inverse`` returns."""

    values: Any
    inverse_indices: Any


def unique_all(x: Any, /) -> UniqueAll:
    """The different elements, where each is first, which of them each element is, and how often each occurs."""
    values, inverse, counts = rl.unique(x, return_inverse=True, return_counts=True)
    order = rl.argsort(inverse.reshape(-1), stable=True)
    starts = rl.cumsum(counts, 0) - counts
    return UniqueAll(values, order[starts], inverse, counts)


def unique_counts(x: Any, /) -> UniqueCounts:
    """The different elements and how often each occurs."""
    return UniqueCounts(*rl.unique(x, return_counts=True))


def unique_inverse(x: Any, /) -> UniqueInverse:
    """The different elements and which of them each element is."""
    return UniqueInverse(*rl.unique(x, return_inverse=True))


def unique_values(x: Any, /) -> Any:
    """The different elements."""
    return rl.unique(x)


# ---- products


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged."""
    return x.mT


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The dot product along an axis, the first argument conjugated."""
    return rl.linalg.vecdot(x1, x2, dim=axis)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of vectors along axes."""
    return rl.linalg.vector_norm(x, ord, axis, keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of matrices."""
    return rl.linalg.matrix_norm(x, ord, keepdim=keepdims)


def matrix_rank(x: Any, /, *, rtol: Any = None) -> Any:
    """The rank of matrices."""
    return rl.linalg.matrix_rank(x, rtol=rtol)


def pinv(x: Any, /, *, rtol: Any = None) -> Any:
    """The pseudo-inverse."""
    return rl.linalg.pinv(x, rtol=rtol)


def cholesky(x: Any, /, *, upper: bool = False) -> Any:
    """The Cholesky factor."""
    return rl.linalg.cholesky(x, upper=upper)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of matrices."""
    return rl.diagonal(x, offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of diagonals."""
    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def outer(x1: Any, x2: Any, /) -> Any:
    """Every product of two vectors' elements."""
    return rl.outer(x1, x2)


class Linalg(SimpleNamespace):
    """The extension ``linalg``: the standard's functions, and ours where they agree."""

    def __getattr__(self, name: str) -> Any:
        if name in (
            "cross",
            "det",
            "eigh",
            "eigvalsh",
            "inv",
            "matrix_power",
            "qr",
            "slogdet",
            "solve",
            "svd",
            "svdvals",
        ):
            return getattr(rl.linalg, name)
        if name in ("matmul", "tensordot"):
            return getattr(rl, name)
        raise AttributeError(f"the array API's linalg has no {name!r}")


linalg = Linalg(
    cholesky=cholesky, diagonal=diagonal, matrix_norm=matrix_norm, matrix_rank=matrix_rank,
    matrix_transpose=matrix_transpose, outer=outer, pinv=pinv, trace=trace, vecdot=vecdot, vector_norm=vector_norm,
)  # fmt: skip


@cache
def fft_namespace() -> SimpleNamespace:
    """The extension ``fft``: ours, with ``axis`` and ``axes`` for ``dim``."""

    def renamed(name: str) -> Any:
        function = getattr(rl.fft, name)

        def call(x: Any, /, *, axis: Any = None, axes: Any = None, **rest: Any) -> Any:
            along = axes if axes is not None else axis
            return function(x, **rest) if along is None else function(x, dim=along, **rest)

        return call

    names = [
        "fft",
        "ifft",
        "fftn",
        "ifftn",
        "rfft",
        "irfft",
        "rfftn",
        "irfftn",
        "hfft",
        "ihfft",
        "fftshift",
        "ifftshift",
    ]
    return SimpleNamespace(**{n: renamed(n) for n in names}, fftfreq=rl.fft.fftfreq, rfftfreq=rl.fft.rfftfreq)


# ---- what is here


class Info:
    """What ``__array_namespace_info__`` returns."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean masks and results of data-dependent shape are there; any number of dimensions up to NumPy's 64."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        """The CPU."""
        return rl.device("cpu")

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """The dtypes of Python's numbers and of indices."""
        real = rl.get_default_dtype()
        whole = rl.complex128 if real is rl.float64 else rl.complex64
        return {"real floating": real, "complex floating": whole, "integral": rl.int64, "indexing": rl.int64}

    def devices(self) -> list[Any]:
        """The CPU alone."""
        return [rl.device("cpu")]

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        """The standard's dtypes, or those of a kind, by name."""
        standard = [n for n in (*_KINDS["bool"], *_KINDS["numeric"]) if n not in ("float16", "bfloat16", "complex32")]
        found = {name: getattr(rl, name) for name in standard}
        return found if kind is None else {n: d for n, d in found.items() if isdtype(d, kind)}


def __array_namespace_info__() -> Info:
    """What this namespace can do."""
    return Info()
