"""Order: sorting, selecting by rank, quantiles, distinct values, searching, counting into bins.

Of what is selected the gradient goes back to where it was (``at_index``). nan counts as the largest value.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import dtypes, levels, record, views
from .._core.declare import operator
from .._core.promote import promote_types
from .._core.tensor import Tensor, wrap
from .._kernels.places import bincount as tally
from .._kernels.places import long
from . import return_types
from .create import into
from .dims import canonical
from .families import over_dims
from .reduce import at_index, evenly_to_all, no_kernel
from .spelling import numpy_names
from .without import leads_nowhere, no_derivative

ndarray = np.ndarray
along = over_dims("dim")


class _Kernels:
    """The kernels, imported at first use."""

    def __getattr__(self, name: str) -> Any:
        from .._kernels import sorting

        self.__dict__.update(vars(sorting))
        return getattr(sorting, name)


kernels: Any = _Kernels()


def legacy(dtype: Any) -> str:
    return dtypes.LEGACY[dtypes.dtype_of(dtype).name]


def values_at(g: Any, input_shape: Any, indices: Any, dim: int) -> Any:
    """A gradient put back where the values of a sorted or cut dimension were."""
    from .index import scatter_zero
    from .shape import reshape

    shape = tuple(input_shape)
    return scatter_zero(g, shape, canonical(dim, len(shape)), indices) if shape else reshape(g, ())


# ---- sorting


@operator(
    batch=along, outputs=("values", "indices"), differentiable=(0,), gather=return_types.sort,
    node={"": "SortBackward0", "stable": "SortBackward1"},
    input=lambda g, input_shape, indices, dim: values_at(g, input_shape, indices, dim),
)  # fmt: skip
def sort_along(input: Tensor, dim: int, descending: bool, stable: bool | None) -> Any:
    at = canonical(dim, input.ndim)
    if input.dtype.kind == "c":  # type: ignore[attr-defined]
        raise RuntimeError(" Sort does not support complex dtypes on CPU")
    return kernels.sort(input, at, descending)


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None, out: Any = None) -> Any:
    """The elements in order along ``dim``, and where they were. Equal ones keep their order, ``stable`` or not.

    >>> import rushlight as torch
    >>> torch.sort(torch.tensor([3, 1, 2])).indices
    tensor([1, 2, 0])
    """
    made = sort_along(input, dim, builtins.bool(descending), stable)
    return made if out is None else sort_along.op.write_out(sort_along.op, out, made)  # type: ignore[attr-defined]


@numpy_names
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False, out: Tensor | None = None
) -> Tensor:
    """The indices that would sort ``input`` along ``dim``.

    >>> import rushlight as torch
    >>> torch.argsort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return into(out, sort(input, dim, descending)[1], "argsort")


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in order along the first dimension.

    >>> import rushlight as torch
    >>> torch.msort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 3])
    """
    made: Tensor = sort(input, 0)[0]
    return made if out is None else views.write_out(views.Named("msort"), out, made)


@operator(
    batch=along, node="TopkBackward0", outputs=("values", "indices"), differentiable=(0,), gather=return_types.topk,
    input=lambda g, input_shape, indices, dim: values_at(g, input_shape, indices, dim),
)  # fmt: skip
def topk_along(input: Tensor, k: int, dim: int, largest: bool, inorder: bool) -> Any:
    at = canonical(dim, input.ndim)
    if not 0 <= k <= (input.shape[at] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    kind = input.dtype.kind  # type: ignore[attr-defined]
    if kind in "cb":
        raise RuntimeError(
            " topk does not support complex dtypes on CPU"
            if kind == "c"
            else "topk does not support bool dtypes on CPU"
        )
    return kernels.topk(input, k, at, largest, inorder)


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The ``k`` largest (or smallest) elements along ``dim``, in order, and where they are.

    >>> import rushlight as torch
    >>> torch.topk(torch.tensor([1, 4, 3]), 2).values
    tensor([4, 3])
    """
    if isinstance(dim, builtins.bool):
        raise TypeError("topk(): argument 'dim' (position 3) must be int, not bool")
    made = topk_along(input, int(k), dim, builtins.bool(largest), builtins.bool(sorted))
    return made if out is None else topk_along.op.write_out(topk_along.op, out, made)  # type: ignore[attr-defined]


# ---- by rank


def _selecting(name: str, node: str, select: Any) -> Any:
    """An operator that selects one element along a dimension: values and indices."""

    def body(input: Tensor, k: int, dim: int, keepdim: bool) -> Any:
        at = canonical(dim, input.ndim)
        x: Any = input
        if x.dtype.kind == "c" or (x.dtype.kind == "b" and name != "mode"):
            raise no_kernel(f"{'median' if name == 'nanmedian' else name}_cpu", input)
        if x.ndim and x.shape[at] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
        return select(x, k, at, keepdim)

    body.__name__ = name
    return operator(
        batch=along, node=node, outputs=("values", "indices"), differentiable=(0,), gather=getattr(return_types, name),
        input=lambda g, input_shape, indices, dim, keepdim: at_index(g, input_shape, indices, dim, keepdim),
    )(body)  # fmt: skip


def kth(x: ndarray, k: int, at: int, keepdim: bool) -> Any:
    if not 1 <= k <= (x.shape[at] if x.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {at}")
    return kernels.kthvalue(x, k, at, keepdim)


kthvalue_along = _selecting("kthvalue", "KthvalueBackward0", kth)
median_along = _selecting("median", "MedianBackward1", lambda x, k, at, keepdim: kernels.median(x, at, keepdim))
nanmedian_along = _selecting(
    "nanmedian", "NanmedianBackward1", lambda x, k, at, keepdim: kernels.nanmedian(x, at, keepdim)
)
mode_along = _selecting("mode", "ModeBackward0", lambda x, k, at, keepdim: kernels.mode(x, at, keepdim))


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The ``k``-th smallest element along ``dim`` (from 1), and where it is.

    >>> import rushlight as torch
    >>> torch.kthvalue(torch.tensor([3, 1, 2]), 2).values
    tensor(2)
    """
    made = kthvalue_along(input, int(k), dim, keepdim)
    return made if out is None else kthvalue_along.op.write_out(kthvalue_along.op, out, made)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The most frequent value along ``dim`` (of several the smallest), and where it is last.

    >>> import rushlight as torch
    >>> torch.mode(torch.tensor([2, 1, 2])).values
    tensor(2)
    """
    made = mode_along(input, 0, dim, keepdim)
    return made if out is None else mode_along.op.write_out(mode_along.op, out, made)


def _middle(name: str, node: str, along_dim: Any, example: str) -> Any:
    def whole(input: Tensor) -> Tensor:
        x: Any = input
        if x.dtype.kind in "cb":
            raise no_kernel("median_cpu", input)
        if not x.size:
            return np.array(np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min).astype(x.dtype)  # type: ignore[return-value]
        return getattr(kernels, name)(x.reshape(-1))[0]  # type: ignore[no-any-return]

    whole.__name__ = f"{name}_whole"
    of_all = operator(node=node, input=evenly_to_all)(whole)

    def function(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
        if dim is None:
            if keepdim:
                raise TypeError(f"{name}() received an invalid combination of arguments: keepdim needs dim")
            made: Any = of_all(input)
            return made if out is None else of_all.op.write_out(of_all.op, out, made)  # type: ignore[attr-defined]
        made = along_dim(input, 0, dim, keepdim)
        return made if out is None else along_dim.op.write_out(along_dim.op, out, made)

    function.__name__ = function.__qualname__ = name
    what = "nan is left out" if name == "nanmedian" else "nan if there is one"
    function.__doc__ = f"""The middle element of all, or along ``dim`` with where it is; of two the lower one; {what}.

    >>> import rushlight as torch
    >>> {example}
    """
    return numpy_names(function)


median = _middle("median", "MedianBackward0", median_along, "torch.median(torch.tensor([3, 1, 2]))\n    tensor(2)")
nanmedian = _middle(
    "nanmedian", "NanmedianBackward0", nanmedian_along,
    'torch.nanmedian(torch.tensor([3.0, float("nan"), 2.0]))\n    tensor(2.)'
)  # fmt: skip

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantiles(
    name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    """Quantiles by sorting: ranks, and what lies between the two elements next to each."""
    from .arithmetic import lerp
    from .compare import isnan, logical_not, where
    from .elementary import ceil, floor, round
    from .index import gather_raw
    from .reduce import sum
    from .shape import movedim, reshape, squeeze

    own = record.np_dtype(input)
    if own not in (np.float32, np.float64):
        raise RuntimeError(f"{name} input tensor must be either float or double dtype")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q:g}")
        q = wrap(np.array(q, own))
    if q.ndim > 1:
        raise RuntimeError(f"{name} q must be a scalar or 1D tensor")
    if record.np_dtype(q) is not own:
        raise RuntimeError(f"{name} q tensor must be same dtype as the input tensor")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name} interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if math.prod(input.shape) == 0:
        raise RuntimeError(f"{name} input tensor must be non-empty")
    array = record.inner_array(q)
    if array is not None and not ((array >= 0) & (array <= 1)).all():
        raise RuntimeError(f"{name} q values must be in the range [0, 1]")
    count_of_q = q.shape[0] if q.ndim else None
    q = reshape(q, (-1,))
    if dim is None:
        x: Any = reshape(input, (-1,))
        shape = [1] * input.ndim if keepdim else []
    else:
        at = canonical(dim, input.ndim)
        x = movedim(one_dim(input), at, -1)  # what is reduced comes last
        shape = [n for d, n in enumerate(input.shape) if d != at]
        if keepdim and input.ndim:
            shape.insert(at, 1)
    ordered = sort(x)[0]
    n = ordered.shape[-1]
    bad = isnan(ordered)
    if ignore_nan:
        count = sum(logical_not(bad), -1, True)
        ranks = q * where(count == 0, 0, count - 1)
        ranks = where(ranks < 0, 0, ranks)
    else:
        has = sum(bad, -1, True) > 0
        ranks = where(has, float(n - 1), q * float(n - 1))
    ranks = record_cast(ranks, own)
    if interpolation == "lower":
        ranks = floor(ranks)
    elif interpolation == "higher":
        ranks = ceil(ranks)
    elif interpolation == "nearest":
        ranks = round(ranks)
    below = floor(ranks)
    last = ordered.ndim - 1
    made = gather_raw(ordered, last, record_cast(below, np.dtype(np.int64)))
    if interpolation in ("linear", "midpoint"):
        weights = 0.5 if interpolation == "midpoint" else ranks - below
        above = gather_raw(ordered, last, record_cast(ceil(ranks), np.dtype(np.int64)))
        made = lerp(made, above, weights)
    made = reshape(movedim(made, -1, 0), (q.shape[0], *shape))
    return squeeze(made, 0) if count_of_q is None else made


def one_dim(x: Any) -> Any:
    from .shape import reshape

    return reshape(x, (1,)) if x.ndim == 0 else x


def record_cast(x: Any, dtype: Any) -> Any:
    from .broadcast import cast_to

    return cast_to(x, dtype)


@numpy_names
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The ``q``-quantiles of all elements, or along ``dim``; nan where there is a nan.

    ``q`` is a number or a vector of numbers in [0, 1], whose results come in front. ``interpolation`` is "linear",
    "lower", "higher", "midpoint" or "nearest".

    >>> import rushlight as torch
    >>> torch.quantile(torch.tensor([0.0, 1.0, 2.0, 3.0]), 0.5)
    tensor(1.5000)
    """
    made = quantiles("quantile()", input, q, dim, keepdim, interpolation, False)
    return made if out is None else views.write_out(views.Named("quantile"), out, made)


@numpy_names
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The ``q``-quantiles of the elements that are not nan; see :func:`quantile`.

    >>> import rushlight as torch
    >>> torch.nanquantile(torch.tensor([0.0, float("nan"), 1.0]), 0.5)
    tensor(0.5000)
    """
    made = quantiles("quantile()", input, q, dim, keepdim, interpolation, True)
    return made if out is None else views.write_out(views.Named("quantile"), out, made)


# ---- distinct values


def _distinct(name: str, node: str) -> Any:
    def body(input: Tensor, dim: int | None) -> Any:
        x: Any = input
        if x.dtype.kind == "c":
            raise no_kernel({"unique_consecutive": "unique_consecutive"}.get(name, "unique"), input)
        if dim is None:
            values, inverse, counts = (
                kernels.unique_consecutive(x) if name == "unique_consecutive" else kernels.unique(x)
            )
            return values, inverse.reshape(x.shape), counts
        at = canonical(dim, x.ndim)
        others = [n for d, n in enumerate(x.shape) if d != at]
        if 0 in others and x.ndim:
            raise_empty(name, x, at)
        if x.ndim == 0:
            x = x.reshape(1)
        if x.shape[at] == 0:
            return x.copy(), np.zeros(0, np.int64), np.zeros(0, np.int64)
        if name == "unique_consecutive":
            return kernels.unique_consecutive(x, at)
        return kernels.unique_rows(x, at)

    body.__name__ = name
    return operator(
        node=node,
        outputs=("output", "inverse", "counts"),
        differentiable=(0,),
        input=no_derivative({"unique": "_unique2"}.get(name, name)),
    )(body)


def raise_empty(name: str, x: Any, at: int) -> None:
    if x.shape[at] == 0:
        return
    raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")


unique_of = _distinct("unique", "Unique2Backward0")
unique_dim_of = _distinct("unique_dim", "UniqueDimBackward0")
consecutive_of = _distinct("unique_consecutive", "UniqueConsecutiveBackward0")


def chosen(made: Any, return_inverse: bool, return_counts: bool) -> Any:
    values, inverse, counts = made
    parts = [values] + ([inverse] if return_inverse else []) + ([counts] if return_counts else [])
    return parts[0] if len(parts) == 1 else tuple(parts)


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in order (or the distinct slices along ``dim``), always sorted here.

    ``return_inverse`` adds where each element is among them, ``return_counts`` how often each occurs.

    >>> import rushlight as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    made = unique_of(input, None) if dim is None else unique_dim_of(input, dim)
    return chosen(made, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or the slices along ``dim``) without those that equal the one before.

    >>> import rushlight as torch
    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    return chosen(consecutive_of(input, dim), return_inverse, return_counts)


# ---- searching


def array_of(x: Any, name: str) -> ndarray:
    array = record.inner_array(x)
    if array is None:
        raise TypeError(f"{name}(): expected a Tensor, not {type(x).__name__}")
    return array


def found_in(boundaries: ndarray, values: ndarray, right: bool, sorter: Any, int32: bool) -> Tensor:
    common = promote_types(boundaries.dtype, values.dtype)
    made = kernels.searchsorted(boundaries.astype(common, copy=False), values.astype(common, copy=False), right, sorter)
    return wrap(np.asarray(made).astype(np.int32 if int32 else np.int64, copy=False))


def searchsorted_batch(transform: Any, sorted_sequence: Any, input: Any = None, **how: Any) -> Any:
    """A batch of rows is what the function takes; one sequence for all examples serves values of any shape."""
    values = how.get("self") if input is None else input
    if how.get("sorter") is not None or how.get("out") is not None:
        return NotImplemented
    rows = transform.opened(sorted_sequence)
    if transform.is_mapped(sorted_sequence):
        if not isinstance(values, Tensor):
            return NotImplemented
        found = transform.spread(values)
        if rows.ndim == 2:  # one sequence an example, values of any shape
            flat = found.reshape(len(found), -1)
            made = transform.below(lambda: searchsorted(rows, flat, **how).reshape(found.shape))
            return transform.make(made)
        values = transform.make(found)
    elif rows.ndim > 1:
        rows = transform.spread(rows)
    return transform.make(transform.below(lambda: searchsorted(rows, transform.opened(values), **how)))


@levels.constant(searchsorted_batch)
def searchsorted(
    sorted_sequence: Tensor,
    input: Any = None,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
    self: Any = None,
) -> Tensor:
    """Where the values of ``input`` would go in a sorted sequence (its last dimension) to keep it sorted.

    Before equal elements, or behind them if ``right`` (or ``side="right"``). ``sorter`` sorts the sequence first.

    >>> import rushlight as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6]))
    tensor([1, 3])
    """
    input = self if input is None else input
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    rows = array_of(sorted_sequence, "searchsorted")
    if rows.ndim == 0:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if rows.dtype.kind == "b":
        raise NotImplementedError("\"searchsorted_out_cpu\" not implemented for 'Bool'")
    order = None if sorter is None else array_of(sorter, "searchsorted")
    if order is not None and order.shape != rows.shape:
        raise RuntimeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(rows.shape)}and got sorter tensor {list(order.shape)}"
        )
    if order is not None and order.dtype != np.int64:
        raise RuntimeError(
            "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype " + legacy(order.dtype)
        )
    if not isinstance(input, Tensor):
        values = np.asarray(input, rows.dtype if isinstance(input, int) and rows.dtype.kind != "u" else None)
        if rows.ndim != 1:
            raise RuntimeError(
                "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we "
                f"got boundaries tensor dim({rows.ndim}) and input value's dim(0) numel(1)"
            )
        if values.dtype.kind == "f":
            values = values.astype(dtypes.default_dtype)
    else:
        values = array_of(input, "searchsorted")
    if rows.ndim > 1 and rows.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(rows.shape)} and "
            "input value "
            f"tensor {list(values.shape)}"
        )
    return into(out, found_in(rows, values, right or side == "right", order, out_int32), "searchsorted")


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """The number of the bucket between sorted boundaries that each value falls into.

    >>> import rushlight as torch
    >>> torch.bucketize(torch.tensor([0, 3, 9]), torch.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


def isin_batch(transform: Any, elements: Any, test_elements: Any, **how: Any) -> Any:
    if transform.is_mapped(test_elements) or how.get("out") is not None:
        return NotImplemented
    return transform.make(transform.below(lambda: isin(elements.lower, test_elements, **how)))


@levels.constant(isin_batch)
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Tensor | None = None
) -> Tensor:
    """Whether each element is one of ``test_elements``; with ``invert``, whether it is none of them.

    >>> import rushlight as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 4]))
    tensor([False,  True, False])
    """
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError(
            "isin() received an invalid combination of arguments - got "
            f"({type(elements).__name__}, {type(test_elements).__name__}), but expected at least one Tensor"
        )
    a, b = [array_of(x, "isin") if isinstance(x, Tensor) else np.asarray(x) for x in (elements, test_elements)]
    for x in (a, b):
        if x.dtype.kind in "bc":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {legacy(x.dtype)}")
    return into(out, wrap(np.asarray(np.isin(a, b, invert=invert))), "isin")


# ---- counting


@levels.constant()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 up occurs in a vector of integers, or the sum of its weights.

    Raises RuntimeError for negative numbers.

    >>> import rushlight as torch
    >>> torch.bincount(torch.tensor([1, 1, 3]))
    tensor([0, 2, 0, 1])
    """
    array = array_of(input, "bincount")
    if array.dtype.kind not in "iu":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{legacy(array.dtype)}'")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if array.ndim != 1 or (array.size and int(array.min()) < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return wrap(long(tally(array, None, minlength)))
    w = array_of(weights, "bincount")
    if w.shape != array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    made = wrap(weighed(array, w, minlength))
    leads_nowhere("bincount", [weights], [made])
    return made


def weighed(array: ndarray, w: ndarray, minlength: int) -> ndarray:
    """The sums of weights by number, in float32 or float64."""
    kind = np.float32 if w.dtype == np.float32 else np.float64
    if not array.size:
        return np.zeros(minlength, kind)
    if kind is np.float32:  # summed in the order of the input, in float32
        out = np.zeros(max(int(array.max()) + 1, minlength), kind)
        np.add.at(out, array, w)
        return out
    return tally(array, w, minlength).astype(kind, copy=False)


def limits(name: str, array: ndarray, low: float, high: float) -> tuple[float, float]:
    """The range of a histogram: as given, or that of the data, widened if it is a single value."""
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        shown = f"[{signed(low)}, {signed(high)}]"
        raise RuntimeError(
            f"torch.histc: range of {shown} is not finite"
            if name == "histc"
            else f"torch.histogramdd: dimension 0's range {shown} is not finite"
        )
    if low > high:
        raise RuntimeError(
            "torch.histc: max must be larger than min" if name == "histc" else
            f"torch.histogramdd: min should not exceed max, but got min {low} max {high} for dimension 0"
        )  # fmt: skip
    if low == high:
        step = 1 if name == "histc" else 0.5
        low, high = (low - step, high + step) if array.size or name == "histc" else (0.0, 1.0)
    return low, high


def signed(x: float) -> str:
    return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"


@levels.constant()
def histc(input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0, *, out: Tensor | None = None) -> Tensor:
    """How many elements fall into each of ``bins`` equal bins from ``min`` to ``max`` (of the data, if both are equal).

    >>> import rushlight as torch
    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    array = array_of(input, "histc")
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if array.dtype.kind != "f":
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{legacy(array.dtype)}'")
    flat = array.reshape(-1)
    low, high = limits("histc", flat, float(min), float(max))
    kind = flat.dtype.type
    left, right = kind(low), kind(high)
    inside = flat[(flat >= left) & (flat <= right)]
    places = ((inside - left) * kind(bins) / (right - left)).astype(np.int64)
    np.minimum(places, bins - 1, out=places)
    return into(out, wrap(tally(places, None, bins).astype(array.dtype)), "histc")


def edges_of(bins: Any, column: ndarray, range: Any, axis: int) -> ndarray:
    """The edges of the bins along one axis."""
    if isinstance(bins, Tensor):
        edges = array_of(bins, "histogram")
        if edges.ndim != 1:
            raise RuntimeError(
                f"torch.histogram(): bins tensor should have one dimension, but got {edges.ndim} dimensions "
                "in the bins "
                f"tensor for dimension {axis}"
            )
        if edges.dtype != column.dtype:
            raise RuntimeError(
                "torch.histogram(): input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{legacy(column.dtype)} and bins for dimension {axis} with dtype {legacy(edges.dtype)}"
            )
        return edges
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {axis}")
    from .create import line

    if range is None:
        low, high = limits("histogram", column, 0.0, 0.0) if column.size else (0.0, 1.0)
    else:
        low, high = limits("histogram", column[:0], float(range[0]), float(range[1]))
    return line(low, high, int(bins) + 1, column.dtype)


def counted(name: str, rows: ndarray, edges: list[ndarray], weight: Any, density: bool) -> ndarray:
    """The weights of the rows that fall into each cell; a last edge belongs to its bin."""
    inside = np.ones(len(rows), np.bool_)
    places = []
    for d, e in enumerate(edges):
        column = rows[:, d]
        inside &= (column >= e[0]) & (column <= e[-1])
        places.append(np.minimum(np.searchsorted(e, column, "right") - 1, len(e) - 2))
    shape = tuple([len(e) - 1 for e in edges])
    w = np.ones(len(rows), rows.dtype) if weight is None else weight
    flat = np.ravel_multi_index([p[inside] for p in places], shape) if inside.any() else np.zeros(0, np.int64)
    made = tally(flat, w[inside], math.prod(shape)).astype(rows.dtype).reshape(shape)
    if density:
        made = made / made.sum()
        for d, e in enumerate(edges):
            made = made / np.diff(e).reshape((-1,) + (1,) * (len(edges) - d - 1))
    return np.asarray(made, rows.dtype)


def weights_of(weight: Any, rows: ndarray, name: str) -> Any:
    if weight is None:
        return None
    w = array_of(weight, name)
    if w.dtype != rows.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the "
            "same dtype, "
            f"but got input({legacy(rows.dtype)}), and weight({legacy(w.dtype)})"
        )
    w = w.reshape(-1)
    if len(w) != len(rows):
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input "
            "tensor excluding "
            f"its innermost dimension, but got input with {len(rows)} rows and weight with {len(w)}"
        )
    return w


@levels.constant()
def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """How many elements (or what weight) fall into bins: a number of equal ones over ``range``, or between given edges.

    >>> import rushlight as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.])
    """
    array = array_of(input, "histogram")
    if array.dtype.kind != "f":
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{legacy(array.dtype)}'")
    flat = array.reshape(-1, 1)
    edges = edges_of(bins, flat[:, 0], range, 0)
    hist = counted("histogram", flat, [edges], weights_of(weight, flat, "histogram"), density)
    made = return_types.histogram(wrap(hist), wrap(np.array(edges)))
    if out is None:
        leads_nowhere("histogram", [input, bins, weight], made)
        return made
    for i, (o, r) in enumerate(zip(out, made, strict=True)):
        views.write_out_one(views.Named("histogram"), o, r, i)
    return return_types.histogram(*out)


@levels.constant()
def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """Counts of points (the last dimension holds coordinates) in a grid of bins.

    ``bins`` is a number, a number for each coordinate, or tensors of edges; ``range`` lists lowest and highest values.

    >>> import rushlight as torch
    >>> torch.histogramdd(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), bins=2).hist
    tensor([[1., 0.],
            [0., 1.]])
    """
    array = array_of(input, "histogramdd")
    if array.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if array.dtype.kind != "f":
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{legacy(array.dtype)}'")
    n = array.shape[-1]
    rows = array.reshape(-1, n)
    each = list(bins) if isinstance(bins, (list, tuple)) else [bins] * n
    if len(each) != n:
        raise RuntimeError(
            f"torch.histogramdd: expected {n} sequences of bin edges for a {n}-dimensional histogram but got "
            f"{len(each)}"
        )
    if range is not None and len(range) != 2 * n:
        raise RuntimeError(
            f"torch.histogramdd: for a {n}-dimensional histogram range should have {2 * n} elements, but got "
            f"{len(range)}"
        )
    edges = [
        edges_of(b, rows[:, d], None if range is None else range[2 * d : 2 * d + 2], d) for d, b in enumerate(each)
    ]
    hist = counted("histogramdd", rows, edges, weights_of(weight, rows, "histogramdd"), density)
    made, given = wrap(hist), [b for b in each if isinstance(b, Tensor)]
    shown = tuple([b if isinstance(b, Tensor) else wrap(e) for b, e in zip(each, edges, strict=True)])
    if not given:
        leads_nowhere("_histogramdd_bin_edges", [input, weight], shown)
    leads_nowhere(f"_histogramdd_from_bin_{'tensors' if given else 'cts'}", [input, *given, weight], [made])
    return return_types.histogramdd(made, shown)
