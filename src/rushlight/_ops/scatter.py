"""Writing elements where an index, a mask or a view points: copies with some elements replaced or added to.

The gradient of what was replaced is zero there; the gradient of what was written is what is found at those places.
Pairs of transposes: ``masked_select`` / ``masked_place``, ``take`` / ``put``, ``gather`` / ``scatter_add``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import dtypes, levels, record, views
from .._core.declare import LINEAR, operator
from .._core.tensor import Tensor, wrap
from .._kernels.choose import pick
from .._kernels.places import repeat
from . import shape as shapes
from .broadcast import cast_to, expand, fit, sum_to
from .dims import canonical
from .families import over_dims
from .fill import blank, converted
from .index import FEW, along, checked_gather, gather_raw, index_select_raw, kernels, put_key
from .shape import flatten, reshape
from .spelling import numpy_names
from .without import NO_NODE, no_formula

ndarray = np.ndarray
Number = bool | int | float | complex


def legacy(x: Any) -> str:
    """PyTorch's name of a dtype in messages."""
    return dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(x)).name]


def wrong(name: str, given: Sequence[Any], expected: str) -> TypeError:
    kinds = ", ".join(type(a).__name__ for a in given)
    return TypeError(f"{name}() received an invalid combination of arguments - got ({kinds}), but expected {expected}")


def written(array: Any) -> ndarray:
    """A copy of an array to be written to, in C order."""
    made: ndarray = np.array(array, order="C")
    return made


def corner(x: Any, shape: Sequence[int]) -> Any:
    """``x`` in the first corner of zeros of ``shape`` (an index may be smaller than the tensor it takes from)."""
    if tuple(x.shape) == tuple(shape):
        return x
    return put_key(x, tuple(shape), tuple([slice(0, n) for n in x.shape]))


def stored(value: Any, dtype: np.dtype) -> Any:
    """A number or a 0-d array as ``dtype`` stores it."""
    if isinstance(value, np.ndarray):
        return (value.real if value.dtype.kind == "c" and dtype.kind != "c" else value).astype(dtype)
    return np.array(converted(value, dtype)).astype(dtype)


# ---- scatter


@operator(
    batch=over_dims("dim"), node="ScatterBackward0",
    input=lambda g, dim, index: scatter_number(g, dim, index, 0),
    src=lambda g, dim, index, src_shape: corner(gather_raw(g, dim, index), src_shape),
)  # fmt: skip
def scatter_tensor(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    return kernels.scatter(written(input), dim, index, src)  # type: ignore[no-any-return]


@operator(
    jvp=None, batch=over_dims("dim"), node="ScatterBackward1",
    input=lambda g, dim, index: scatter_number(g, dim, index, 0),
)  # fmt: skip
def scatter_number(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    out = written(input)
    return kernels.scatter(out, dim, index, stored(value, out.dtype))  # type: ignore[no-any-return]


@operator(
    batch=over_dims("dim"), node=NO_NODE, input=no_formula("scatter"), src=no_formula("scatter"),
)  # fmt: skip
def scatter_combined(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str) -> Tensor:
    name = {"add": "sum", "multiply": "prod"}[reduce]
    return kernels.scatter_reduce(written(input), dim, index, src, name)  # type: ignore[no-any-return]


def check_source(index: Any, input: Any, src: Any, at: int) -> None:
    """The checks of the source that the functions named scatter share."""
    if 0 in index.shape:
        return
    if max(src.ndim, 1) != max(index.ndim, 1) or (not src.ndim and input.ndim):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if record.np_dtype(src) is not record.np_dtype(input):
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    for d in range(min(index.ndim, src.ndim)):
        if index.shape[d] > src.shape[d] or (d != at and index.shape[d] > input.shape[d]):
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(input.shape)} apart from "
                f"dimension {at} and to be no larger size than src {list(src.shape)}"
            )


def scatter_call(
    input: Tensor, dim: Any, index: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, tuple[Any, ...]]:
    """The operator that a call of scatter means, and its arguments after the first."""
    reduce = options.pop("reduce", None)
    src = args[0] if args else options.pop("src", options.pop("value", None))
    if options or len(args) > 1 or not isinstance(src, (Tensor, ndarray, bool, int, float, complex)):
        raise wrong(
            "scatter",
            (dim, index, src),
            "one of: (int dim, Tensor index, Tensor src), (int dim, Tensor index, Number value)",
        )
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    is_tensor = isinstance(src, (Tensor, ndarray))
    at, index = checked_gather("scatter", input, dim, index, src if is_tensor else None)
    if is_tensor:
        check_source(index, input, src, at)
        return (scatter_combined.op, (at, index, src, reduce)) if reduce else (scatter_tensor.op, (at, index, src))  # type: ignore[attr-defined]
    if reduce:
        value = wrap(np.full(tuple(index.shape), stored(src, record.np_dtype(input)), record.np_dtype(input)))
        return scatter_combined.op, (at, index, value, reduce)  # type: ignore[attr-defined]
    converted(src, record.np_dtype(input))
    return scatter_number.op, (at, index, src)  # type: ignore[attr-defined]


def scatter(input: Tensor, dim: int, index: Tensor, *args: Any, out: Tensor | None = None, **options: Any) -> Tensor:
    """A copy of ``input`` with the elements of ``src`` (or a number) at the positions ``index`` along ``dim``.

    ``scatter(input, dim, index, src)`` or ``(..., value)``; ``reduce="add"`` or ``"multiply"`` joins them with what was
    there (without a gradient: use :func:`scatter_reduce` for that). The transpose of a gather is :func:`scatter_add`.

    >>> import rushlight as torch
    >>> torch.scatter(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    op, rest = scatter_call(input, dim, index, args, options)
    made: Tensor = op.call(input, *rest)
    return made if out is None else op.write_out(op, out, made)  # type: ignore[no-any-return]


def scatter_(self: Tensor, dim: int, index: Tensor, *args: Any, **options: Any) -> Tensor:
    """In-place version of :func:`scatter`."""
    op, rest = scatter_call(self, dim, index, args, options)
    return views.write(self, op, rest, "scatter_")


@operator(
    batch=over_dims("dim"), node="ScatterAddBackward0",
    input=lambda g: g,
    src=lambda g, dim, index, src_shape: corner(gather_raw(g, dim, index), src_shape),
)  # fmt: skip
def scatter_added(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    out = written(input)
    if out.ndim and src.shape == index.shape and index.size < FEW:  # type: ignore[operator]
        np.add.at(out, along(index, dim), src)  # type: ignore[arg-type]
        return out  # type: ignore[return-value]
    return kernels.scatter_add(out, dim, index, src)  # type: ignore[no-any-return]


def checked_scatter(name: str, input: Any, dim: Any, index: Any, src: Any) -> tuple[int, Any]:
    if not isinstance(src, (Tensor, ndarray)):
        raise TypeError(f"{name}(): argument 'src' (position 3) must be Tensor, not {type(src).__name__}")
    at, index = checked_gather("scatter", input, dim, index, src)
    check_source(index, input, src, at)
    return at, index


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input`` with the elements of ``src`` added at the positions ``index`` along ``dim``.

    >>> import rushlight as torch
    >>> torch.scatter_add(torch.zeros(3), 0, torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
    tensor([3., 0., 0.])
    """
    made: Tensor = scatter_added(input, *checked_scatter("scatter_add", input, dim, index, src), src)
    return made if out is None else scatter_added.op.write_out(scatter_added.op, out, made)  # type: ignore[attr-defined, no-any-return]


@numpy_names
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place version of :func:`scatter_add`."""
    at, index = checked_scatter("scatter_add_", self, dim, index, src)
    return views.write(self, scatter_added.op, (at, index, src), "scatter_add_")  # type: ignore[attr-defined]


# ---- scatter with a reduction


def equal(a: Any, b: Any) -> Any:
    """1 where two are equal, else 0, in the dtype of the first."""
    from .compare import eq

    return cast_to(eq(a, b), record.np_dtype(a))


def shares(
    g: Any, dim: int, index: Any, input: Any, src: Any, result: Any, reduce: str, include_self: bool
) -> tuple[Any, Any]:
    """What the gradient of a scattered reduction is multiplied by, towards ``input`` and towards ``src``."""
    from .compare import where

    if reduce == "sum":
        return g, gather_raw(g, dim, index)
    own = blank(input) + (1.0 if include_self else 0.0)
    each = blank(src) + 1
    if reduce == "mean":
        count = scatter_added(own, dim, index, each)
        shared = g / where(count == 0, 1, count)
        return shared, gather_raw(shared, dim, index)
    if reduce == "prod":
        zeros = scatter_added(equal(input, 0) * own, dim, index, equal(src, 0))
        others = scatter_reduced(where(input == 0, 1, input), dim, index, where(src == 0, 1, src), "prod", include_self)
        # towards a zero: the product of the others, in which one more zero counts (for the second derivative)
        held = scatter_added(where(input == 0, input, 0) * own, dim, index, where(src == 0, src, 0))
        lone, paired = g * others * equal(zeros, 1), g * others * equal(zeros, 2)
        h = g * result
        to_input = where(input == 0, lone + paired * (held - input), h / where(input == 0, 1, input))
        lone, paired, h, held = (gather_raw(x, dim, index) for x in (lone, paired, h, held))
        to_src = where(src == 0, lone + paired * (held - src), h / where(src == 0, 1, src))
        return to_input, to_src
    mine = equal(input, result) * own if include_self else equal(input, result)
    theirs = equal(src, gather_raw(result, dim, index))
    count = scatter_added(mine, dim, index, theirs)
    shared = g / where(count == 0, 1, count)
    return mine * shared, theirs * gather_raw(shared, dim, index)


def reduced_input_vjp(
    g: Any, dim: int, index: Any, input: Any, src: Any, result: Any, reduce: str, include_self: bool
) -> Any:
    to_input, _ = shares(g, dim, index, input, trimmed(src, index), result, reduce, include_self)
    if include_self:
        return to_input
    from .compare import where

    kept = scatter_number(blank(input) + 1, dim, index, 0)
    return where(kept == 1, g, 0)


def reduced_src_vjp(
    g: Any, dim: int, index: Any, input: Any, src: Any, result: Any, reduce: str, include_self: bool
) -> Any:
    return corner(shares(g, dim, index, input, trimmed(src, index), result, reduce, include_self)[1], src.shape)


def trimmed(src: Any, index: Any) -> Any:
    """The part of a source that an index reaches."""
    for d, n in enumerate(index.shape):
        if src.shape[d] != n:
            src = shapes.part(src, d, 0, n)
    return src


@operator(batch=over_dims("dim"), node="ScatterReduceBackward0", input=reduced_input_vjp, src=reduced_src_vjp)
def scatter_reduced(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool) -> Tensor:
    return kernels.scatter_reduce(written(input), dim, index, src, reduce, include_self)  # type: ignore[no-any-return]


def checked_reduce(name: str, input: Any, dim: Any, index: Any, src: Any, reduce: Any) -> tuple[int, Any]:
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    return checked_scatter(name, input, dim, index, src)


@numpy_names
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """The sum, prod, mean, amax or amin of the elements of ``src`` that ``index`` sends to one place along ``dim``.

    With ``include_self`` the element of ``input`` at that place is one of them. Equal extremes share the gradient.

    >>> import rushlight as torch
    >>> torch.scatter_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([2.0, 4.0]), "amax")
    tensor([4., 1.])
    """
    at, index = checked_reduce("scatter_reduce", input, dim, index, src, reduce)
    made: Tensor = scatter_reduced(input, at, index, src, reduce, include_self)
    return made if out is None else scatter_reduced.op.write_out(scatter_reduced.op, out, made)  # type: ignore[attr-defined, no-any-return]


@numpy_names
def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place version of :func:`scatter_reduce`."""
    at, index = checked_reduce("scatter_reduce_", self, dim, index, src, reduce)
    return views.write(self, scatter_reduced.op, (at, index, src, reduce, include_self), "scatter_reduce_")  # type: ignore[attr-defined]


# ---- by whole slices: index_add, index_copy, index_fill, index_reduce


def vector(x: Any) -> Any:
    """An index as a vector."""
    return reshape(x, (-1,)) if x.ndim == 0 else x


def slices_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: int, index: Any, *rest: Any) -> Any:
    """Slices at one index for all examples; with indices of their own, all examples are one longer dimension."""
    from .families import with_batch

    if mapped[2]:
        return merged_slices(op, size, mapped, input, dim, index, *rest)
    input = with_batch(input, size, mapped[0])
    if op.name == "index_filled" and mapped[3]:
        value = reshape(cast_to(rest[0], record.np_dtype(input)), (size, *(1,) * (input.ndim - 1)))
        return filled_by_mask(input, dim + 1, index, value)
    if op.name == "index_filled":
        return op.call(input, dim + 1, index, *rest)
    rest = tuple([with_batch(r, size, m) for r, m in zip(rest, mapped[3:], strict=True)])
    return op.call(input, dim + 1, index, *rest)


def filled_by_mask(input: Any, dim: int, index: Any, value: Any) -> Any:
    """``index_fill`` with values that broadcast to ``input``."""
    from .compare import where
    from .create import zeros

    n = input.shape[dim]
    mask = index_filled(zeros(n, dtype=dtypes.bool_), 0, index, True)
    return where(reshape(mask, (n, *(1,) * (input.ndim - dim - 1))), value, input)


def merged_slices(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: int, index: Any, *rest: Any) -> Any:
    from .create import arange
    from .families import with_batch
    from .shape import movedim

    front = movedim(with_batch(input, size, mapped[0]), dim + 1, 1)
    n, shape = front.shape[1], tuple(front.shape)
    index = reshape(index, (size, -1))
    count = index.shape[1]
    places = reshape(index + reshape(arange(size), (size, 1)) * n, (-1,))
    flat = reshape(front, (size * n, *shape[2:]))
    name = op.parameters[3]
    if name == "source" or mapped[3]:
        source = with_batch(rest[0], size, mapped[3])
        if name == "source":
            source = movedim(source, dim + 1, 1) if source.ndim > dim + 1 else source
            source = reshape(source, (size * count, *shape[2:]))
            made = op.call(flat, 0, places, source, *rest[1:])
        else:
            value = reshape(cast_to(source, record.np_dtype(flat)), (size, *(1,) * (len(shape) - 1)))
            made = filled_by_mask(
                flat,
                0,
                places,
                reshape(expand(value, (size, n, *(1,) * (len(shape) - 2))), (-1, *(1,) * (len(shape) - 2))),
            )
    else:
        made = op.call(flat, 0, places, *rest)
    return movedim(reshape(made, shape), 1, dim + 1)


@operator(
    batch=slices_batch, node="IndexAddBackward0",
    input=lambda g: g,
    source=lambda g, dim, index, alpha, source_shape: reshape(
        index_select_raw(g, dim, index) if alpha == 1 else index_select_raw(g, dim, index) * alpha, source_shape
    ),
)  # fmt: skip
def index_added(input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any) -> Tensor:
    out = written(input)
    kernels.index_add(
        out,
        dim,
        index,
        source.reshape(out.shape[:dim] + index.shape + out.shape[dim + 1 :]),
        converted(int(alpha), out.dtype) if out.dtype.kind in "iu" else alpha,
    )
    return out  # type: ignore[return-value]


def checked_add(name: str, input: Any, dim: Any, index: Any, source: Any) -> tuple[int, Any]:
    at = canonical(dim, input.ndim)
    n = index.shape[0] if index.ndim else 1
    if index.ndim > 1:
        raise IndexError(
            f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: "
            f"{legacy(index)} and size: "
            f"{list(index.shape)}"
        )
    if record.np_dtype(index) not in (np.int32, np.int64):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index but got: {legacy(index)}")
    if record.np_dtype(input) is not record.np_dtype(source):
        raise RuntimeError(
            f"{name}(): self ({legacy(input)}) and source ({legacy(source)}) must have the same scalar type"
        )
    along = source.shape[at] if source.ndim > at else 1
    if n != along:
        raise RuntimeError(
            f"{name}(): Number of indices ({n}) should be equal to source.size(dim): ({along}), for dim: {at}"
        )
    mine, theirs = list(input.shape), list(source.shape)
    if len(mine) != len(theirs) or mine[:at] + mine[at + 1 :] != theirs[:at] + theirs[at + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{mine} source.shape = {theirs}"
        )
    check_places(index, input.shape[at] if input.ndim else 1, RuntimeError)
    return at, vector(index)


def check_places(index: Any, n: int, error: type[Exception], start: str = "", lowest: int = 0) -> None:
    """Raise if an index is not in range."""
    array = record.inner_array(index) if isinstance(index, Tensor) else index
    if array is not None and array.size:
        low, high = int(array.min()), int(array.max())
        if low < lowest or high >= n:
            raise error(f"{start}index {low if low < lowest else high} is out of bounds for dimension 0 with size {n}")


def one_dim(input: Any) -> Any:
    """A 0-d tensor as a vector of one element."""
    return reshape(input, (1,)) if input.ndim == 0 else input


def by_slices(op: Any, input: Any, at: int, *rest: Any) -> Any:
    """An operator on slices; a 0-d tensor counts as one slice."""
    if input.ndim:
        return op.call(input, at, *rest)
    return reshape(op.call(one_dim(input), at, *rest), ())


@numpy_names
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input`` with ``alpha`` times the slices of ``source`` added to the slices ``index`` along ``dim``.

    >>> import rushlight as torch
    >>> torch.index_add(torch.zeros(3), 0, torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
    tensor([3., 0., 0.])
    """
    at, places = checked_add("index_add_", input, dim, index, source)
    made: Tensor = by_slices(index_added.op, input, at, places, one_dim(source), alpha)  # type: ignore[attr-defined]
    return made if out is None else index_added.op.write_out(index_added.op, out, made)  # type: ignore[attr-defined, no-any-return]


@numpy_names
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """In-place version of :func:`index_add`."""
    at, places = checked_add("index_add_", self, dim, index, source)
    views.write(one_dim(self), index_added.op, (at, places, one_dim(source), alpha), "index_add_")  # type: ignore[attr-defined]
    return self


@operator(
    batch=slices_batch, node="IndexCopyBackward0",
    input=lambda g, dim, index: index_filled(g, dim, index, 0),
    source=lambda g, dim, index, source_shape: reshape(index_select_raw(g, dim, index), source_shape),
)  # fmt: skip
def index_copied(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    out = written(input)
    out[(slice(None),) * dim + (index,)] = source
    return out  # type: ignore[return-value]


def checked_copy(input: Any, dim: Any, index: Any, source: Any) -> tuple[int, Any]:
    at = canonical(dim, input.ndim)
    if index.ndim >= 2:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    n = index.shape[0] if index.ndim else 1
    if source.ndim == 0 and n != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {n})")
    if source.ndim != input.ndim and source.ndim and input.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({source.ndim}), destination dimensionality ({input.ndim})"
        )
    if record.np_dtype(index) is not np.dtype(np.int64):
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {legacy(index)}")
    if record.np_dtype(input) is not record.np_dtype(source):
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {legacy(input)} and "
            f"(source) {legacy(source)}"
        )
    if source.ndim and n != source.shape[at]:
        raise IndexError(
            f"index_copy_(): Number of indices ({n}) should be equal to source.size(dim) ({source.shape[at]})"
        )
    mine, theirs = ([str(m) for d, m in enumerate(x.shape) if d != at] for x in (input, source))
    if mine != theirs and input.ndim and source.ndim:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(mine)} at dimension {at} and source slice shape: {' '.join(theirs)} at dimension 0."
        )
    check_places(index, input.shape[at] if input.ndim else 1, IndexError, "index_copy_(): ")
    return at, vector(index)


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input`` with the slices ``index`` along ``dim`` replaced by those of ``source``.

    >>> import rushlight as torch
    >>> torch.index_copy(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    at, places = checked_copy(input, dim, index, source)
    made: Tensor = by_slices(index_copied.op, input, at, places, one_dim(source))  # type: ignore[attr-defined]
    return made if out is None else index_copied.op.write_out(index_copied.op, out, made)  # type: ignore[attr-defined, no-any-return]


@numpy_names
def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """In-place version of :func:`index_copy`."""
    at, places = checked_copy(self, dim, index, source)
    views.write(one_dim(self), index_copied.op, (at, places, one_dim(source)), "index_copy_")  # type: ignore[attr-defined]
    return self


def index_fill_value_vjp(g: Any, dim: int, index: Any, value: Any) -> Any:
    from .reduce import sum

    return fit(sum(g - index_filled(g, dim, index, 0)), (), record.np_dtype(value))


@operator(
    batch=slices_batch, node={"": "IndexFillBackward1", "value": "IndexFillBackward0"},
    input=lambda g, dim, index: index_filled(g, dim, index, 0), value=index_fill_value_vjp,
)  # fmt: skip
def index_filled(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    out = written(input)
    out[(slice(None),) * dim + (index,)] = stored(value, out.dtype)
    return out  # type: ignore[return-value]


def checked_fill(input: Any, dim: Any, index: Any, value: Any) -> tuple[int, Any]:
    if record.np_dtype(index) is not np.dtype(np.int64):
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if type(value) is complex and record.np_dtype(input).kind != "c":
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    at = canonical(dim, input.ndim)
    n = input.shape[at] if input.ndim else 1
    check_places(index, n, IndexError, "", -n)
    return at, vector(index)


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of ``input`` with the slices ``index`` along ``dim`` filled with a number (or 0-d tensor).

    >>> import rushlight as torch
    >>> torch.index_fill(torch.zeros(3), 0, torch.tensor([0, 2]), 1)
    tensor([1., 0., 1.])
    """
    at, places = checked_fill(input, dim, index, value)
    return by_slices(index_filled.op, input, at, places, value)  # type: ignore[attr-defined, no-any-return]


@numpy_names
def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """In-place version of :func:`index_fill`."""
    at, places = checked_fill(self, dim, index, value)
    views.write(one_dim(self), index_filled.op, (at, places, value), "index_fill_")  # type: ignore[attr-defined]
    return self


def spread_index(index: Any, dim: int, source: Any) -> Any:
    """An index of slices as an index of every element of the source."""
    shape = (*(1,) * dim, -1, *(1,) * (source.ndim - dim - 1))
    return expand(reshape(index, shape), tuple(source.shape))


@operator(
    batch=slices_batch, node="IndexReduceBackward0",
    input=lambda g, dim, index, input, source, result, reduce, include_self: reduced_input_vjp(
        g, dim, spread_index(index, dim, source), input, source, result, reduce, include_self
    ),
    source=lambda g, dim, index, input, source, result, reduce, include_self: reduced_src_vjp(
        g, dim, spread_index(index, dim, source), input, source, result, reduce, include_self
    ),
)  # fmt: skip
def index_reduced(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, include_self: bool) -> Tensor:
    places = spread_index(index, dim, source)
    return kernels.scatter_reduce(written(input), dim, places, source, reduce, include_self)  # type: ignore[no-any-return]


def checked_index_reduce(input: Any, dim: Any, index: Any, source: Any, reduce: Any) -> tuple[int, Any]:
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    n = input.shape[canonical(dim, input.ndim)] if input.ndim else 1
    array = record.inner_array(index)
    if array is not None and array.size and (int(array.min()) < 0 or int(array.max()) >= n):
        raise IndexError("index out of range in self")
    return checked_add("index_reduce_", input, dim, index, source)


@numpy_names
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """The prod, mean, amax or amin of the slices of ``source`` that ``index`` sends to one slice along ``dim``.

    >>> import rushlight as torch
    >>> torch.index_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([2.0, 3.0]), "prod")
    tensor([6., 1.])
    """
    at, places = checked_index_reduce(input, dim, index, source, reduce)
    made: Tensor = by_slices(index_reduced.op, input, at, places, one_dim(source), reduce, include_self)  # type: ignore[attr-defined]
    return made if out is None else index_reduced.op.write_out(index_reduced.op, out, made)  # type: ignore[attr-defined, no-any-return]


@numpy_names
def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place version of :func:`index_reduce`."""
    at, places = checked_index_reduce(self, dim, index, source, reduce)
    views.write(one_dim(self), index_reduced.op, (at, places, one_dim(source), reduce, include_self), "index_reduce_")  # type: ignore[attr-defined]
    return self


# ---- masks


def aligned(op: Any, size: int, mapped: tuple[bool, ...], *args: Any) -> Any:
    """Batching of operators whose first two arguments broadcast: they are aligned on the right behind the batch."""
    first, second = args[:2]
    rank = max(first.ndim - mapped[0], second.ndim - mapped[1])
    ready = []
    for x, is_mapped in zip((first, second), mapped[:2], strict=True):
        if is_mapped and x.ndim - 1 < rank:
            x = reshape(x, (size, *(1,) * (rank - x.ndim + 1), *x.shape[1:]))
        ready.append(x)
    if len(mapped) > 2 and mapped[2]:  # a value for each example
        from .compare import where

        value = cast_to(reshape(args[2], (size, *(1,) * rank)), record.np_dtype(first))
        return where(ready[1], value, ready[0])
    return op.call(*ready, *args[2:])


def summed_to(g: Any, shape: Any) -> Any:
    return g if tuple(g.shape) == tuple(shape) else sum_to(g, tuple(shape))


def masked_value_vjp(g: Any, mask: Any, value: Any) -> Any:
    from .compare import where
    from .reduce import sum

    return fit(sum(where(mask, g, 0)), (), record.np_dtype(value))


@operator(
    batch=aligned, node={"": "MaskedFillBackward1", "value": "MaskedFillBackward0"},
    input=lambda g, mask, input_shape: summed_to(masked_filled(g, mask, 0), input_shape),
    value=masked_value_vjp,
)  # fmt: skip
def masked_filled(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    return masked_copy(input, mask, stored(value, input.dtype))  # type: ignore[arg-type, return-value]


def masked_copy(array: Any, mask: Any, value: Any) -> ndarray:
    if array.shape == mask.shape:
        if array.size >= 8192 and np.ndim(value) == 0 and array.flags.c_contiguous:
            return pick(mask, array.dtype.type(value), array)
        out = np.array(array, order="C")
    else:
        try:
            shape = np.broadcast_shapes(array.shape, mask.shape)
        except ValueError as error:
            shown = f"({','.join(map(str, array.shape))},) ({','.join(map(str, mask.shape))},)"
            raise record.unbroadcastable(shown) or error from None
        out = np.empty(shape, array.dtype)
        out[...] = array
    np.copyto(out, value, where=mask)
    return out


def check_mask(mask: Any, name: str) -> None:
    if record.np_dtype(mask) != np.bool_:
        kind = {"uint8": "unsigned char", "float32": "float", "float64": "double", "int64": "long int"}.get(
            record.np_dtype(mask).name, record.np_dtype(mask).name.rstrip("0123456789")
        )
        raise RuntimeError(f"{name} only supports boolean masks, but got mask with dtype {kind}")


def checked_masked_fill(input: Any, mask: Any, value: Any) -> None:
    if not isinstance(mask, (Tensor, ndarray)) or not isinstance(
        value, (Tensor, ndarray, bool, int, float, complex, np.generic)
    ):
        raise wrong("masked_fill", (mask, value), "one of: (Tensor mask, Tensor value), (Tensor mask, Number value)")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
    check_mask(mask, "masked_fill_")


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of ``input`` with ``value`` (a number or 0-d tensor) wherever ``mask`` is true; the two broadcast.

    Raises RuntimeError if the mask is not boolean.

    >>> import rushlight as torch
    >>> torch.masked_fill(torch.tensor([1, 2]), torch.tensor([True, False]), 0)
    tensor([0, 2])
    """
    checked_masked_fill(input, mask, value)
    return masked_filled(input, mask, value)


def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """In-place version of :func:`masked_fill`."""
    checked_masked_fill(self, mask, value)
    return views.write(self, masked_filled.op, (mask, value), "masked_fill_")  # type: ignore[attr-defined]


@operator(node="MaskedSelectBackward0", input=lambda g, mask, input_shape: back_to_mask(g, mask, input_shape))
def masked_selected(input: Tensor, mask: Tensor) -> Tensor:
    if input.shape != mask.shape:
        try:
            input, mask = np.broadcast_arrays(input, mask)  # type: ignore[assignment, arg-type]
        except ValueError as error:
            shown = f"({','.join(map(str, input.shape))},) ({','.join(map(str, mask.shape))},)"
            raise record.unbroadcastable(shown) or error from None
    return np.ascontiguousarray(input)[np.asarray(mask)] if input.ndim else input.reshape(1)[mask.reshape(1)]  # type: ignore[no-any-return, call-overload]


def back_to_mask(g: Any, mask: Any, input_shape: Any) -> Any:
    shape = np.broadcast_shapes(tuple(mask.shape), tuple(input_shape))
    placed = masked_placed(g, mask, shape)
    return placed if shape == tuple(input_shape) else sum_to(placed, tuple(input_shape))


@operator(jvp=LINEAR, node="MaskedSelectBackwardBackward0", input=lambda g, mask: masked_selected(g, mask))
def masked_placed(input: Tensor, mask: Tensor, shape: Any) -> Tensor:
    """Zeros of ``shape`` with the elements of ``input`` where ``mask`` is true; the transpose of masked_select."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    out[np.broadcast_to(mask, shape)] = input
    return out  # type: ignore[return-value]


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements of ``input`` where ``mask`` is true, in one dimension; the two broadcast.

    >>> import rushlight as torch
    >>> torch.masked_select(torch.tensor([1, 2, 3]), torch.tensor([True, False, True]))
    tensor([1, 3])
    """
    if record.np_dtype(mask) != np.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_select(): self and result must have the same scalar type, got {input.dtype} and {out.dtype}"
        )
    made: Tensor = masked_selected(input, mask)
    return made if out is None else masked_selected.op.write_out(masked_selected.op, out, made)  # type: ignore[attr-defined, no-any-return]


def masked_source_vjp(g: Any, mask: Any, source_shape: Any) -> Any:
    if isinstance(mask, Tensor) and mask.level:  # each example has places of its own: they are numbered in order
        from .broadcast import expand
        from .compare import where
        from .create import zeros
        from .scan import cumsum

        count = math.prod(source_shape)
        flat = reshape(expand(mask, tuple(g.shape)), (-1,))
        number = (cumsum(flat, 0) - 1).clamp(0, max(count - 1, 0))
        nothing = zeros(count, dtype=g.dtype)
        return reshape(scatter_add(nothing, 0, number, where(flat, reshape(g, (-1,)), 0)), tuple(source_shape))
    taken = masked_selected(g, mask)
    return reshape(corner(taken, (math.prod(source_shape),)), tuple(source_shape))


@operator(
    node="MaskedScatterBackward0",
    input=lambda g, mask, input_shape: fit(masked_filled(g, mask, 0), tuple(input_shape), record.np_dtype(g)),
    source=masked_source_vjp,
)  # fmt: skip
def masked_scattered(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    shape = np.broadcast_shapes(input.shape, mask.shape)
    out = np.array(np.broadcast_to(input, shape))  # type: ignore[arg-type]
    where = np.broadcast_to(mask, shape)  # type: ignore[arg-type]
    count = int(np.count_nonzero(where))
    if source.size < count:  # type: ignore[operator]
        raise RuntimeError("Number of elements of source < number of ones in mask")
    out[where] = source.reshape(-1)[:count]
    return out  # type: ignore[return-value]


def checked_masked_scatter(input: Any, mask: Any, source: Any) -> None:
    if record.np_dtype(input) is not record.np_dtype(source):
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got{legacy(input)} and {legacy(source)}"
        )
    if record.np_dtype(mask) != np.bool_:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {legacy(mask)}")


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of ``input`` with the elements of ``source``, in order, where ``mask`` is true.

    >>> import rushlight as torch
    >>> torch.masked_scatter(torch.zeros(3), torch.tensor([True, False, True]), torch.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    checked_masked_scatter(input, mask, source)
    return masked_scattered(input, mask, source)


def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place version of :func:`masked_scatter`."""
    checked_masked_scatter(self, mask, source)
    return views.write(self, masked_scattered.op, (mask, source), "masked_scatter_")  # type: ignore[attr-defined]


# ---- by places in the flattened tensor


@operator(
    jvp=LINEAR, node="TakeBackward0",
    input=lambda g, index, input_shape: flat_placed(g, index, input_shape),
)  # fmt: skip
def taken(input: Tensor, index: Tensor) -> Tensor:
    return np.take(input, index)  # type: ignore[call-overload, no-any-return]


@operator(jvp=LINEAR, node="TakeBackwardBackward0", input=lambda g, index: taken(g, index))
def flat_placed(input: Tensor, index: Tensor, shape: Any) -> Tensor:
    """Zeros of ``shape`` with ``input`` added at places of the flattened tensor; the transpose of take."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    places = np.where(index < 0, index + out.size, index)  # type: ignore[operator]
    kernels.index_add(out.reshape(-1), 0, places.reshape(-1), input.reshape(-1))
    return out  # type: ignore[return-value]


def check_flat(name: str, input: Any, index: Any) -> None:
    if not isinstance(index, Tensor):
        raise TypeError(f"{name}(): argument 'index' (position 2) must be Tensor, not {type(index).__name__}")
    if record.np_dtype(index) is not np.dtype(np.int64):
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {legacy(index)}")
    array, n = record.inner_array(index), math.prod(input.shape)
    if array is not None and array.size:
        low, high = int(array.min()), int(array.max())
        if n == 0:
            raise IndexError(
                "take(): tried to take from an empty tensor"
                if name == "take"
                else "put_(): tried to put into an empty tensor"
            )
        if low < -n or high >= n:
            bad = high if high >= n else low
            raise IndexError(f"out of range: tried to access index {bad} on a tensor of {n} elements.")


# Slower than PyTorch: indices are checked in two passes before NumPy checks them again.
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at places of the flattened tensor; the result has the shape of ``index``.

    >>> import rushlight as torch
    >>> torch.take(torch.tensor([[4, 3], [5, 6]]), torch.tensor([0, 3]))
    tensor([4, 6])
    """
    check_flat("take", input, index)
    made: Tensor = taken(input, index)
    return made if out is None else taken.op.write_out(taken.op, out, made)  # type: ignore[attr-defined, no-any-return]


@operator(
    node="PutBackward0",
    input=lambda g, index, accumulate: g if accumulate else put_zero(g, index),
    source=lambda g, index, source_shape: reshape(taken(g, index), tuple(source_shape)),
)  # fmt: skip
def put_raw(input: Tensor, index: Tensor, source: Tensor, accumulate: bool) -> Tensor:
    out = written(input)
    if accumulate:
        places = np.where(index < 0, index + out.size, index)  # type: ignore[operator]
        kernels.index_add(out.reshape(-1), 0, places.reshape(-1), source.reshape(-1))
    else:
        out.reshape(-1)[index.reshape(-1)] = source.reshape(-1)
    return out  # type: ignore[return-value]


@operator(jvp=LINEAR, node="PutBackward0", input=lambda g, index: put_zero(g, index))
def put_zero(input: Tensor, index: Tensor) -> Tensor:
    out = written(input)
    out.reshape(-1)[index.reshape(-1)] = 0
    return out  # type: ignore[return-value]


def checked_put(input: Any, index: Any, source: Any) -> None:
    check_flat("put_", input, index)
    if record.np_dtype(input) is not record.np_dtype(source):
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {legacy(input)} and "
            f"source.dtype = {legacy(source)}"
        )
    a, b = math.prod(source.shape), math.prod(index.shape)
    if a != b:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {a}, index.numel() = {b}"
        )


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``source`` put (or added) at places of the flattened tensor.

    >>> import rushlight as torch
    >>> torch.put(torch.zeros(2, 2), torch.tensor([0, 3]), torch.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    checked_put(input, index, source)
    return put_raw(input, index, source, bool(accumulate))


def put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of :func:`put`."""
    checked_put(self, index, source)
    return views.write(self, put_raw.op, (index, source, bool(accumulate)), "put_")  # type: ignore[attr-defined]


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The elements at ``indices`` along ``dim``, where the two broadcast in the other dimensions.

    Without ``dim``, places of the flattened tensor.

    >>> import rushlight as torch
    >>> torch.take_along_dim(torch.tensor([[3, 1], [2, 4]]), torch.tensor([[1, 0]]), 1)
    tensor([[1, 3],
            [4, 2]])
    """
    if record.np_dtype(indices) is not np.dtype(np.int64):
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {legacy(indices)}")
    if dim is None:
        made = picked(reshape(input, (-1,)), 0, reshape(indices, (-1,)))
    else:
        if input.ndim != indices.ndim:
            raise RuntimeError(
                "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
                f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
            )
        at = canonical(dim, input.ndim)
        # each spread over the other's sizes, but for the dimension taken along
        mine, theirs = list(input.shape), list(indices.shape)
        mine[at] = theirs[at] = 1
        shape = list(shapes.broadcast_shapes(mine, theirs))
        shape[at] = input.shape[at]
        full = expand(input, tuple(shape))
        shape[at] = indices.shape[at]
        made = picked(full, at, expand(indices, tuple(shape)))
    return made if out is None else gather_raw.op.write_out(gather_raw.op, out, made)  # type: ignore[attr-defined, no-any-return]


def picked(input: Any, at: int, index: Any) -> Any:
    n = input.shape[at]
    array = record.inner_array(index)
    if array is not None and array.size and (int(array.min()) < -n or int(array.max()) >= n):
        bad = int(array.max()) if int(array.max()) >= n else int(array.min())
        raise RuntimeError(f"index {bad} is out of bounds for dimension {at} with size {n}")
    if array is None or (array.size and int(array.min()) < 0):
        index = index + n * cast_to(index < 0, np.dtype(np.int64))
    return gather_raw(input, at, index)


# ---- a view replaced


def _with_view(name: str, node: str, view: Callable[..., Any], take: Callable[..., Any] | None = None) -> Any:
    """The operator that replaces, in a copy, what a view shows (``take``: the view of an array)."""
    taken = take or view.op.forward  # type: ignore[attr-defined]

    def body(input: Tensor, src: Tensor, args: tuple[Any, ...]) -> Tensor:
        out = written(input)
        taken(out, *args)[...] = src
        return out  # type: ignore[return-value]

    body.__name__ = name

    def input_vjp(g: Any, args: Any, src_shape: Any) -> Any:
        zeros = np.zeros((), record.np_dtype(g))
        return op(g, zeros if isinstance(g, ndarray) else wrap(zeros), args)

    def src_vjp(g: Any, args: Any, src_shape: Any) -> Any:
        found = taken(np.ascontiguousarray(g), *args) if isinstance(g, ndarray) else view(shapes.contiguous(g), *args)
        return fit(found, tuple(src_shape), record.np_dtype(g))

    op: Any = operator(batch=None, node=node, input=input_vjp, src=src_vjp)(body)
    return op


select_scattered = _with_view("select_scattered", "SelectScatterBackward0", shapes.select_at)
slice_scattered = _with_view("slice_scattered", "SliceScatterBackward0", shapes.part)
diagonal_scattered = _with_view("diagonal_scattered", "DiagonalScatterBackward0", shapes.diagonal)
strided_scattered = _with_view("strided_scattered", "AsStridedScatterBackward0", shapes.as_strided, shapes.strided)


def replaced(op: Any, input: Any, src: Any, args: tuple[Any, ...], view: Any) -> Any:
    """Check that the source has the shape of the view, and replace it."""
    if tuple(src.shape) != tuple(view.shape):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(view.shape)}"
        )
    return op(input, cast_to(src, record.np_dtype(input)), args)


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of ``input`` with ``src`` in place of ``select(input, dim, index)``.

    >>> import rushlight as torch
    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    view = shapes.select(input, dim, index)
    at = canonical(dim, input.ndim)
    return replaced(select_scattered, input, src, (at, int(index) % input.shape[at]), view)  # type: ignore[no-any-return]


def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of ``input`` with ``src`` in place of the elements ``start:end:step`` along ``dim``.

    >>> import rushlight as torch
    >>> torch.slice_scatter(torch.zeros(4), torch.ones(2), 0, 1, 3)
    tensor([0., 1., 1., 0.])
    """
    at = canonical(dim, input.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    begin, stop, step = slice(start, end, step).indices(input.shape[at])
    args = (at, begin, max(begin, stop), step)
    return replaced(slice_scattered, input, src, args, shapes.part(input, *args))  # type: ignore[no-any-return]


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of ``input`` with ``src`` in place of ``diagonal(input, offset, dim1, dim2)``.

    >>> import rushlight as torch
    >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    args = (offset, dim1, dim2)
    return replaced(diagonal_scattered, input, src, args, shapes.diagonal(input, *args))  # type: ignore[no-any-return]


def as_strided_scatter(input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A copy of ``input`` with ``src`` in place of ``as_strided(input, size, stride, storage_offset)``.

    >>> import rushlight as torch
    >>> torch.as_strided_scatter(torch.zeros(3), torch.ones(2), (2,), (2,))
    tensor([1., 0., 1.])
    """
    args = (tuple(size), tuple(stride), storage_offset or 0)
    shown = shapes.as_strided(shapes.contiguous(input), *args)
    return replaced(strided_scattered, input, src, args, shown)  # type: ignore[no-any-return]


# ---- repeating, combining


# Slower than PyTorch: NumPy repeats and then copies rows; checks come first.
@numpy_names
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (along ``dim``) repeated: the same number of times, or as often as a tensor says.

    With one argument, a tensor of counts, the indices that would repeat so.

    >>> import rushlight as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2), torch.repeat_interleave(torch.tensor([2, 1]))
    (tensor([1, 1, 2, 2]), tensor([0, 0, 1]))
    """
    if repeats is None:
        if input.level and levels.settled(input) is None:
            return cast_to(repeated_places(input, output_size), record.np_dtype(input))
        return wrap(repeated_indices(counts_of(input), None, output_size))
    if isinstance(repeats, (list, tuple)):
        repeats = wrap(np.array(repeats))
    x: Any = input
    if dim is None:
        x, at = reshape(shapes.contiguous(input), (-1,)), 0
    else:
        at = canonical(dim, input.ndim)
        x = one_dim(input)
    n = x.shape[at]
    if isinstance(repeats, Tensor) and (repeats.ndim == 0 or tuple(repeats.shape) == (1,)):
        counts_of(repeats)
        repeats = int(repeats.item())
    if not isinstance(repeats, Tensor):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        if output_size is not None and output_size != n * repeats:
            raise RuntimeError(f"repeat_interleave: Invalid output_size, expected {n * repeats} but got {output_size}")
        spread = expand(shapes.unsqueeze(x, at + 1), (*x.shape[: at + 1], repeats, *x.shape[at + 1 :]))
        return flatten(shapes.clone(spread, memory_format="torch.contiguous_format"), at, at + 1)
    if repeats.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if repeats.shape[0] != n:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats.shape[0]} and input.size({at}) = {n}"
        )
    if repeats.level and levels.settled(repeats) is None:
        return index_select_raw(x, at, repeated_places(repeats, output_size))
    return index_select_raw(x, at, wrap(repeated_indices(counts_of(repeats), None, output_size)))


def repeated_places(repeats: Any, output_size: int | None) -> Any:
    """The indices that repeat so, where each example of a batch under ``vmap`` has counts of its own, of one sum."""
    from .create import arange
    from .reduce import sum as sum_
    from .scan import cumsum

    if record.np_dtype(repeats) not in (np.int64, np.int32):
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{legacy(repeats)}'")
    sums = record.inner_array(repeats).sum(-1)  # type: ignore[union-attr]
    total = int(sums.flat[0]) if output_size is None and sums.size else output_size or 0
    if (sums != total).any():
        raise levels.dynamic("repeat_interleave")
    passed: Any = shapes.unsqueeze(cumsum(repeats, 0), 1) <= arange(total)
    return sum_(cast_to(passed, np.dtype(np.int64)), 0)


def counts_of(repeats: Any) -> ndarray:
    array: ndarray = record.inner_array(repeats)  # type: ignore[assignment]
    if array.ndim > 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if array.dtype not in (np.int64, np.int32):
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{legacy(repeats)}'")
    if array.size and int(array.min()) < 0:
        raise RuntimeError("repeats can not be negative")
    return array


def repeated_indices(counts: ndarray, n: int | None, output_size: int | None) -> ndarray:
    made: ndarray = repeat(np.arange(len(counts)), counts).astype(counts.dtype, copy=False)
    if output_size is not None and len(made) != output_size:
        raise RuntimeError("allocated size does not match required size")
    return made


def vectors_of(tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    for x in tensors:
        if x.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    return tensors


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows.

    >>> import rushlight as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    vectors = vectors_of(tensors)
    if not vectors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if len(vectors) == 1:
        return vectors[0]  # type: ignore[no-any-return]
    grids = shapes.meshgrid(*vectors, indexing="ij")
    return shapes.stack([flatten(g) for g in grids], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of ``r`` elements of a vector, in order, as rows.

    >>> import rushlight as torch
    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    vectors_of((input,))
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return wrap(np.empty(0, record.np_dtype(input)))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return shapes.stack([index_select_raw(input, 0, wrap(np.ascontiguousarray(rows[:, i]))) for i in range(r)], 1)


def block_rule(g: Any, index: int, tensors_shape: Any) -> Any:
    row, col = tensors_shape.start(index, 0), tensors_shape.start(index, 1)
    n, m = tensors_shape[index]
    return shapes.part(shapes.part(g, 0, row, row + n), 1, col, col + m)


@operator(jvp=LINEAR, batch=None, node="BlockDiagBackward0", tensors=block_rule)
def blocks(tensors: Sequence[Tensor]) -> Tensor:
    out: Any = np.zeros([sum(x.shape[i] for x in tensors) for i in (0, 1)], tensors[0].dtype)  # type: ignore[arg-type]
    row = col = 0
    for x in tensors:
        n, m = x.shape
        out[row : row + n, col : col + m] = x
        row, col = row + n, col + m
    return out  # type: ignore[no-any-return]


def block_diag(*tensors: Any) -> Tensor:
    """The matrix with the given ones along its diagonal, zeros elsewhere; vectors count as rows.

    >>> import rushlight as torch
    >>> torch.block_diag(torch.tensor([[1]]), torch.tensor([[2, 3]]))
    tensor([[1, 0, 0],
            [0, 2, 3]])
    """
    if not tensors:
        return wrap(np.empty((1, 0), dtypes.default_dtype))
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.ndim} dimensions"
            )
    return blocks(shapes.common([shapes.atleast_2d(x) for x in tensors], "block_diag"))


# ---- where the elements are


def unravelled_batch(transform: Any, indices: Any, shape: Any) -> Any:
    return transform.taken(transform.below(unravel_index, indices.lower, shape))


@levels.constant(unravelled_batch)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Places of the flattened tensor as one index a dimension of ``shape``.

    >>> import rushlight as torch
    >>> torch.unravel_index(torch.tensor([3, 7]), (2, 4))
    (tensor([0, 1]), tensor([3, 3]))
    """
    array = record.inner_array(indices)
    if array is None or array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, (int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for n in sizes:
        if not hasattr(n, "__index__"):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(n)}")
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    return tuple([wrap(np.asarray(array // s % n)) for s, n in zip(steps, sizes, strict=True)])


def argwhere(input: Tensor) -> Tensor:
    """The indices of the elements that are not zero, as rows.

    >>> import rushlight as torch
    >>> torch.argwhere(torch.tensor([1, 0, 2]))
    tensor([[0],
            [2]])
    """
    from .index import nonzero

    return nonzero(input)  # type: ignore[no-any-return]


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """The first ``size`` rows of :func:`nonzero`, with rows of ``fill_value`` where there are fewer.

    >>> import rushlight as torch
    >>> torch.nonzero_static(torch.tensor([1, 0, 2]), size=3)
    tensor([[ 0],
            [ 2],
            [-1]])
    """
    from .create import into
    from .index import nonzero

    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = nonzero(input)._array
    array = np.full((size, found.shape[1]), fill_value, np.int64)
    array[: len(found)] = found[:size]
    return into(out, wrap(array), "nonzero_static" if out is not None else "")


# ---- copies of views


def _copying(name: str, view: Any, example: str) -> Any:
    def function(input: Tensor, *args: Any, out: Any = None, **options: Any) -> Any:
        made = view(input, *args, **options)
        if isinstance(made, tuple):
            copies = tuple([shapes.clone(m, memory_format="torch.contiguous_format") for m in made])
            if out is None:
                return copies
            for o, c in zip(out, copies, strict=True):
                views.write_out(views.Named(name), o, c)
            return None
        copy = shapes.clone(made, memory_format="torch.contiguous_format")
        return copy if out is None else views.write_out(views.Named(name), out, copy)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""``{name.removesuffix("_copy")}`` as a copy instead of a view.

    >>> import rushlight as torch
    >>> {example}
    """
    return function


def sliced(input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    at = canonical(dim, input.ndim)
    begin, stop, step = slice(start, end, step).indices(input.shape[at])
    return shapes.part(input, at, begin, max(begin, stop), step)


def view_as_real(input: Any) -> Any:
    from . import complexes

    return complexes.view_as_real(input)


def view_as_complex(input: Any) -> Any:
    from . import complexes

    return complexes.view_as_complex(input)


def viewed(input: Any, size: Any) -> Any:
    return shapes.view_method(input, size)


alias_copy = _copying("alias_copy", lambda x: x, "torch.alias_copy(torch.tensor([1, 2]))\n    tensor([1, 2])")
as_strided_copy = _copying(
    "as_strided_copy", shapes.as_strided, "torch.as_strided_copy(torch.arange(4), (2,), (2,))\n    tensor([0, 2])"
)
detach_copy = _copying("detach_copy", shapes.detach, "torch.detach_copy(torch.tensor([1, 2]))\n    tensor([1, 2])")
diagonal_copy = _copying("diagonal_copy", shapes.diagonal, "torch.diagonal_copy(torch.eye(2))\n    tensor([1., 1.])")
expand_copy = _copying("expand_copy", expand, "torch.expand_copy(torch.tensor([1]), (2,))\n    tensor([1, 1])")
narrow_copy = _copying("narrow_copy", shapes.narrow, "torch.narrow_copy(torch.arange(4), 0, 1, 2)\n    tensor([1, 2])")
permute_copy = _copying(
    "permute_copy", shapes.permute, "torch.permute_copy(torch.ones(2, 3), (1, 0)).shape\n    torch.Size([3, 2])"
)
select_copy = _copying("select_copy", shapes.select, "torch.select_copy(torch.eye(2), 0, 1)\n    tensor([0., 1.])")
slice_copy = _copying("slice_copy", sliced, "torch.slice_copy(torch.arange(4), 0, 1, 3)\n    tensor([1, 2])")
split_copy = _copying(
    "split_copy", shapes.split, "torch.split_copy(torch.arange(2), 1)\n    (tensor([0]), tensor([1]))"
)
split_with_sizes_copy = _copying(
    "split_with_sizes_copy",
    shapes.split_with_sizes,
    "torch.split_with_sizes_copy(torch.arange(2), [1, 1])\n    (tensor([0]), tensor([1]))",
)
squeeze_copy = _copying(
    "squeeze_copy", shapes.squeeze, "torch.squeeze_copy(torch.ones(1, 2)).shape\n    torch.Size([2])"
)
t_copy = _copying("t_copy", shapes.t, "torch.t_copy(torch.ones(2, 3)).shape\n    torch.Size([3, 2])")
transpose_copy = _copying(
    "transpose_copy", shapes.transpose, "torch.transpose_copy(torch.ones(2, 3), 0, 1).shape\n    torch.Size([3, 2])"
)
unbind_copy = _copying("unbind_copy", shapes.unbind, "torch.unbind_copy(torch.arange(2))\n    (tensor(0), tensor(1))")
unfold_copy = _copying(
    "unfold_copy",
    shapes.unfold,
    "torch.unfold_copy(torch.arange(3), 0, 2, 1)\n    tensor([[0, 1],\n            [1, 2]])",
)
unsqueeze_copy = _copying(
    "unsqueeze_copy", shapes.unsqueeze, "torch.unsqueeze_copy(torch.arange(2), 0)\n    tensor([[0, 1]])"
)
view_as_complex_copy = _copying(
    "view_as_complex_copy",
    lambda x: view_as_complex(x),
    "torch.view_as_complex_copy(torch.ones(1, 2))\n    tensor([1.+1.j])",
)
view_as_real_copy = _copying(
    "view_as_real_copy",
    lambda x: view_as_real(x),
    "torch.view_as_real_copy(torch.tensor([1 + 2j]))\n    tensor([[1., 2.]])",
)
view_copy = _copying(
    "view_copy", viewed, "torch.view_copy(torch.arange(4), (2, 2))\n    tensor([[0, 1],\n            [2, 3]])"
)
