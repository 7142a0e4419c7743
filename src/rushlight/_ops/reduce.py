"""Reductions: sums, means, products, extremes and spreads over dimensions.

The rule of a reduction first brings the gradient back to the rank of the input (``regrow``), then spreads it.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import LINEAR, operator
from .._core.tensor import Tensor
from . import return_types
from .broadcast import cast_to, expand
from .dims import canonical, canonical_all
from .families import over_dims

Dims = int | Sequence[int] | None
over_all = over_dims("dim", every=True)


def axes(dim: Any, ndim: int) -> tuple[int, ...] | None:
    """NumPy's axes for ``dim``: None and () mean all."""
    if dim is None or isinstance(dim, (tuple, list)) and not dim:
        return None
    return canonical_all(dim, ndim)


def kept_shape(shape: Sequence[int], dim: Any) -> tuple[int, ...]:
    """The shape with the reduced dimensions at size 1."""
    gone = axes(dim, len(shape))
    if gone is None:
        return (1,) * len(shape)
    return tuple([1 if i in gone else n for i, n in enumerate(shape)])


def regrow(x: Any, shape: Sequence[int], dim: Any, keepdim: bool) -> Any:
    """What a reduction gave, with the reduced dimensions back at size 1."""
    from .shape import reshape

    if keepdim or len(shape) == 0:
        return x
    return reshape(x, kept_shape(shape, dim))


def count_of(shape: Sequence[int], dim: Any) -> int:
    """How many elements a reduction joins into one."""
    gone = axes(dim, len(shape))
    n = 1
    for i in range(len(shape)) if gone is None else gone:
        n *= shape[i]
    return n


def spread_back(g: Any, input_shape: Any, dim: Any, keepdim: bool) -> Any:
    return expand(regrow(g, input_shape, dim, keepdim), tuple(input_shape))


@operator(
    jvp=LINEAR, batch=over_all, casts=True, alternate=("dim", "SumBackward1"),
    input=lambda g, input_shape, dim, keepdim: spread_back(g, input_shape, dim, keepdim),
)  # fmt: skip
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:  # noqa: A001
    """The sum of all elements, or over the dimensions ``dim``; integers and booleans sum to int64.

    >>> import rushlight as torch
    >>> torch.sum(torch.tensor([[1, 2], [3, 4]]), 0)
    tensor([4, 6])
    """
    kind = input.dtype.kind  # type: ignore[attr-defined]
    return np.add.reduce(input, axes(dim, input.ndim), np.int64 if kind in "biu" else None, None, keepdim)  # type: ignore[call-overload, no-any-return]


def mean_vjp(g: Any, input_shape: Any, dim: Any, keepdim: bool) -> Any:
    return spread_back(g, input_shape, dim, keepdim) / count_of(input_shape, dim)


@operator(jvp=LINEAR, batch=over_all, casts=True, alternate=("dim", "MeanBackward1"), input=mean_vjp)
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """The mean of all elements, or over the dimensions ``dim``. Raises RuntimeError for integers: give ``dtype``.

    >>> import rushlight as torch
    >>> torch.mean(torch.tensor([1.0, 2.0]))
    tensor(1.5000)
    """
    own = input.dtype
    if own.kind not in "fc":  # type: ignore[attr-defined]
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            + dtypes.LEGACY[dtypes.dtype_of(own).name]  # type: ignore[arg-type]
        )
    gone = axes(dim, input.ndim)
    n = input.size if gone is None else count_of(input.shape, dim)  # type: ignore[attr-defined]
    total = np.add.reduce(input, gone, np.float32 if own == np.float16 else None, None, keepdim)  # type: ignore[call-overload]
    return np.true_divide(total, n).astype(own)  # type: ignore[no-any-return, arg-type]


def prod_vjp(g: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    """The product of all the others, exactly, with or without zeros: exclusive products from both ends."""
    from .complexes import conj
    from .shape import flip, reshape, transpose

    shape = tuple(input.shape)
    if not shape:
        return g
    if dim is None:
        flat = reshape(input, (-1,))
        return reshape(prod_vjp(reshape(g, ()), flat, 0, False), shape)
    at = canonical(dim, len(shape))
    x = transpose(input, at, -1)
    before = exclusive_products(x)
    after = flip(exclusive_products(flip(x, (-1,))), (-1,))
    return regrow(g, shape, dim, keepdim) * conj(transpose(before * after, at, -1))


def exclusive_products(x: Any) -> Any:
    """For each element the product of those before it along the last dimension."""
    from .scan import cumprod
    from .shape import cat, part

    ones = part(x, x.ndim - 1, 0, 1) * 0 + 1
    return cat([ones, cumprod(part(x, x.ndim - 1, 0, x.shape[-1] - 1), -1)], -1)


@operator(batch=over_dims("dim"), casts=True, alternate=("dim", "ProdBackward1"), input=prod_vjp)
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """The product of all elements, or along ``dim``; integers and booleans multiply to int64.

    >>> import rushlight as torch
    >>> torch.prod(torch.tensor([2.0, 3.0]))
    tensor(6.)
    """
    kind = input.dtype.kind  # type: ignore[attr-defined]
    gone = None if dim is None else axes(dim, input.ndim)
    return np.multiply.reduce(input, gone, np.int64 if kind in "biu" else None, None, keepdim)  # type: ignore[call-overload, no-any-return]


# ---- extremes


def tie_mask(result: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    """1 where an element is the extreme (or nan where that is nan), else 0."""
    from .compare import eq, isnan, logical_or

    full = regrow(result, input.shape, dim, keepdim)
    found = logical_or(eq(input, full), isnan(input)) if record.np_dtype(input).kind in "fc" else eq(input, full)
    return cast_to(found, record.np_dtype(input))


def evenly_to_ties(g: Any, input: Any, result: Any, dim: Any, keepdim: bool) -> Any:
    """An extreme's gradient, shared evenly among the elements that attain it."""
    mask = tie_mask(result, input, dim, keepdim)
    shared = regrow(g, input.shape, dim, keepdim) / sum(mask, dim, True) if mask.ndim else g
    return mask * shared


def check_not_empty(input: Any, dim: Any, name: str) -> None:
    if input.size:
        return
    gone = axes(dim, input.ndim)
    if gone is None:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with "
            "the 'dim' argument."
        )
    for d in gone:
        if input.shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


def extreme(name: str, ufunc: Any, example: str) -> Any:
    def body(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
        check_not_empty(input, dim, name)
        return ufunc.reduce(input, axes(dim, input.ndim), None, None, keepdim)  # type: ignore[no-any-return]

    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"""The {'largest' if name == 'amax' else 'smallest'} element, or those over the dimensions ``dim``.

    Equal ones share the gradient evenly.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([[1, 2], [3, 4]]), 1)
    {example}
    """
    return operator(batch=over_all, input=evenly_to_ties)(body)


amax = extreme("amax", np.maximum, "tensor([2, 4])")
amin = extreme("amin", np.minimum, "tensor([1, 3])")


def _whole(name: str, node: str, ufunc: Any) -> Any:
    def body(input: Tensor) -> Tensor:
        if not input.size:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        return ufunc.reduce(input, None)  # type: ignore[no-any-return]

    body.__name__ = f"{name}_whole"
    return operator(node=node, input=lambda g, input, result: evenly_to_ties(g, input, result, None, False))(body)


max_whole = _whole("max", "MaxBackward1", np.maximum)
min_whole = _whole("min", "MinBackward1", np.minimum)


def at_index(g: Any, input_shape: Any, indices: Any, dim: int, keepdim: bool) -> Any:
    """A gradient put where the chosen elements were."""
    from .index import scatter_zero
    from .shape import reshape

    shape = tuple(input_shape)
    if not shape:
        return reshape(g, ())
    full = kept_shape(shape, dim)
    return scatter_zero(reshape(g, full), shape, canonical(dim, len(shape)), reshape(indices, full))


def _along(name: str, node: str, choose: Any) -> Any:
    def body(input: Tensor, dim: int, keepdim: bool = False) -> Any:
        at = canonical(dim, input.ndim)
        if input.ndim == 0:
            return input.copy(), np.zeros((), np.int64)  # type: ignore[attr-defined]
        if input.shape[at] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
        indices = choose(input, at)
        where = np.expand_dims(indices, at)
        values = np.take_along_axis(input, where, at)  # type: ignore[arg-type]
        return (values, where) if keepdim else (values.squeeze(at), indices)

    body.__name__ = f"{name}_along"
    return operator(
        batch=over_dims("dim"), node=node, outputs=("values", "indices"), differentiable=(0,),
        gather=getattr(return_types, name),
        input=lambda g, input_shape, indices, dim, keepdim: at_index(g, input_shape, indices, dim, keepdim),
    )(body)  # fmt: skip


def first_largest(array: np.ndarray, at: int) -> Any:
    return np.argmax(array, at)


def first_smallest(array: np.ndarray, at: int) -> Any:
    return np.argmin(array, at)


max_along = _along("max", "MaxBackward0", first_largest)
min_along = _along("min", "MinBackward0", first_smallest)


def _overloaded(name: str, whole: Any, along: Any, example: str) -> Any:
    def function(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        from . import compare

        if "axis" in kwargs:
            kwargs["dim"] = kwargs.pop("axis")
        if "keepdims" in kwargs:
            kwargs["keepdim"] = kwargs.pop("keepdims")
        other = args[0] if args and isinstance(args[0], (Tensor, np.ndarray)) else kwargs.pop("other", None)
        if other is not None:
            if len(args) > 1 or kwargs:
                raise TypeError(f"{name}() received an invalid combination of arguments")
            return getattr(compare, f"{name}imum")(input, other, out=out)
        if not args and not kwargs:
            made = whole(input)
            return made if out is None else whole.op.write_out(whole.op, out, made)
        bad = kwargs.keys() - {"dim", "keepdim"}
        if bad or len(args) > 2 or args and not isinstance(args[0], int):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got ({type(input).__name__}, "
                f"{', '.join([type(a).__name__ for a in args] + [f'{k}={type(v).__name__}' for k, v in kwargs.items()])})"
                f", but expected one of: (Tensor input), (Tensor input, int dim, bool keepdim = False), "
                "(Tensor input, Tensor other)"
            )
        made = along(input, *args, **kwargs)
        return made if out is None else along.op.write_out(along.op, out, made)

    function.__name__ = function.__qualname__ = name
    largest = "largest" if name == "max" else "smallest"
    function.__doc__ = f"""The {largest} element; with ``dim``, those along a dimension and where they are; with another
    tensor, the {largest} of each pair (``{name}imum``).

    Without ``dim`` equal elements share the gradient evenly; with it the one at the returned index has it.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([1.0, 3.0])), torch.{name}(torch.tensor([[1.0, 3.0]]), 1).indices
    {example}
    """
    return function


max = _overloaded("max", max_whole, max_along, "(tensor(3.), tensor([1]))")  # noqa: A001 (PyTorch's name)
min = _overloaded("min", min_whole, min_along, "(tensor(1.), tensor([0]))")  # noqa: A001 (PyTorch's name)


def _argument(name: str, choose: Any, example: str) -> Any:
    def body(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
        if dim is None:
            if not input.size:
                raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
            flat = choose(input.reshape(-1), 0)
            return np.asarray(flat).reshape((1,) * input.ndim) if keepdim else flat  # type: ignore[return-value, no-any-return]
        at = canonical(dim, input.ndim)
        if input.ndim == 0:
            return np.zeros((), np.int64)  # type: ignore[return-value]
        if input.shape[at] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
        found = choose(input, at)
        return np.expand_dims(found, at) if keepdim else found  # type: ignore[return-value, no-any-return]

    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"""The index of the {'largest' if name == 'argmax' else 'smallest'} element (of the flattened tensor, or along ``dim``).

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([[1, 9], [7, 3]]), 1)
    {example}
    """
    return operator(batch=None)(body)


argmax = _argument("argmax", first_largest, "tensor([1, 0])")
argmin = _argument("argmin", first_smallest, "tensor([0, 1])")


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Any:
    """The smallest and the largest element together.

    >>> import rushlight as torch
    >>> torch.aminmax(torch.tensor([1, 5, 3])).max
    tensor(5)
    """
    given = () if dim is None else (dim,)
    made = return_types.aminmax(amin(input, given, keepdim), amax(input, given, keepdim))
    if out is None:
        return made
    return amax.op.write_out(_Pair(amax.op), out, made)


class _Pair:
    """Stands for an operator with two results where ``out=`` is written."""

    def __init__(self, op: Any) -> None:
        self.name, self.outputs = "aminmax", ("min", "max")


# ---- truth


def _truth(name: str, ufunc: Any, example: str) -> Any:
    def body(input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
        found = ufunc.reduce(input, axes(dim, input.ndim), None, None, keepdim)
        return np.asarray(found, np.uint8 if input.dtype == np.uint8 else np.bool_)  # type: ignore[return-value]

    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"""Whether {name} of the elements (over the dimensions ``dim``, or of all) {'are' if name == 'all' else 'is'} true.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([True, False]))
    {example}
    """
    return operator(batch=over_all)(body)


all = _truth("all", np.logical_and, "tensor(False)")  # noqa: A001 (PyTorch's name)
any = _truth("any", np.logical_or, "tensor(True)")  # noqa: A001 (PyTorch's name)


@operator(batch=over_all)
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not zero.

    >>> import rushlight as torch
    >>> torch.count_nonzero(torch.tensor([0, 1, 2]))
    tensor(2)
    """
    return np.asarray(np.count_nonzero(input, axes(dim, input.ndim)), np.int64)  # type: ignore[arg-type, return-value]


# ---- spread


def degrees(shape: Sequence[int], dim: Any, correction: Any) -> float:
    """The divisor of a variance: the count less the correction, at least 0."""
    return builtins.max(count_of(shape, dim) - correction, 0)


def var_vjp(g: Any, input: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    n = degrees(input.shape, dim, correction)
    centred = input - mean(input, dim, True)
    return regrow(g, input.shape, dim, keepdim) * centred * (2 / n if n else float("inf"))


@operator(batch=over_all, node="VarBackward0", input=var_vjp)
def var_of(input: Tensor, dim: Dims, correction: Any, keepdim: bool) -> Tensor:
    return spread_of(input, dim, correction, keepdim)[0]  # type: ignore[no-any-return]


def spread_of(input: Any, dim: Any, correction: Any, keepdim: bool) -> tuple[Any, Any]:
    """Variance and mean, in two passes over the data."""
    own = input.dtype
    if own.kind not in "fc":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    x = input.astype(np.float32) if own == np.float16 else input
    gone = axes(dim, input.ndim)
    n = count_of(input.shape, dim)
    centre = np.true_divide(np.add.reduce(x, gone, None, None, True), n)
    c = x - centre
    squares = np.add.reduce((c * c.conj()).real if own.kind == "c" else c * c, gone, None, None, keepdim)
    m = centre if keepdim else centre.reshape(squares.shape)
    variance = np.true_divide(squares, degrees(input.shape, dim, correction))
    real = np.dtype(f"f{own.itemsize // 2}") if own.kind == "c" else own
    return np.asarray(variance).astype(real, copy=False), np.asarray(m).astype(own, copy=False)


def std_vjp(g: Any, input: Any, result: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    from .select import where

    full = regrow(result, input.shape, dim, keepdim)
    h = regrow(g, input.shape, dim, keepdim)
    n = degrees(input.shape, dim, correction)
    centred = input - mean(input, dim, True)
    scaled = h / (full * n)
    return where(full == 0, full * 0, scaled) * centred


@operator(batch=over_all, node="StdBackward0", input=std_vjp)
def std_of(input: Tensor, dim: Dims, correction: Any, keepdim: bool) -> Tensor:
    return np.sqrt(spread_of(input, dim, correction, keepdim)[0])  # type: ignore[no-any-return]


def corrected(args: tuple[Any, ...], options: dict[str, Any], name: str) -> tuple[Any, Any, bool]:
    """``dim, correction, keepdim`` of any of PyTorch's signatures of var and std."""
    dim, correction, keepdim = options.pop("dim", options.pop("axis", None)), options.pop("correction", None), options.pop("keepdim", options.pop("keepdims", False))
    unbiased = options.pop("unbiased", None)
    rest = list(args)
    if rest and isinstance(rest[0], bool):
        unbiased = rest.pop(0)
    elif rest:
        dim = rest.pop(0)
        if rest:
            unbiased = rest.pop(0)
        if rest:
            keepdim = rest.pop(0)
    if options or rest:
        raise TypeError(f"{name}() received an invalid combination of arguments: {', '.join(options) or rest}")
    if unbiased is not None:
        correction = 1 if unbiased else 0
    return dim, 1 if correction is None else correction, bool(keepdim)


def _spread(name: str, op: Any, example: str) -> Any:
    def function(input: Tensor, *args: Any, out: Tensor | None = None, **options: Any) -> Tensor:
        made: Tensor = op(input, *corrected(args, options, name))
        return made if out is None else op.op.write_out(op.op, out, made)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {'variance' if name == 'var' else 'standard deviation'} of all elements, or over the dimensions ``dim``; ``correction`` is taken off the count.

    ``{name}(input, dim=None, *, correction=1, keepdim=False)``; also ``{name}(input, unbiased)``.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([1.0, 3.0]))
    {example}
    """
    return function


var = _spread("var", var_of, "tensor(2.)")
std = _spread("std", std_of, "tensor(1.4142)")


def _pair(name: str, example: str) -> Any:
    def function(input: Tensor, *args: Any, **options: Any) -> tuple[Tensor, Tensor]:
        dim, correction, keepdim = corrected(args, options, name)
        op = var_of if name == "var_mean" else std_of
        return op(input, dim, correction, keepdim), mean(input, dim, keepdim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {'variance' if name == 'var_mean' else 'standard deviation'} and the mean together.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([1.0, 3.0]))
    {example}
    """
    return function


var_mean = _pair("var_mean", "(tensor(2.), tensor(2.))")
std_mean = _pair("std_mean", "(tensor(1.4142), tensor(2.))")


# ---- logarithms of sums, and sums without nan


def logsumexp_vjp(g: Any, input: Any, result: Any, dim: Any, keepdim: bool) -> Any:
    from .elementary import exp
    from .select import where

    full = regrow(result, input.shape, dim, keepdim)
    infinite = full == float("-inf")
    return regrow(g, input.shape, dim, keepdim) * exp(input - where(infinite, full * 0, full) if record.np_dtype(input).kind == "f" else input - full)


@operator(batch=over_dims("dim"), node="LogsumexpBackward0", input=logsumexp_vjp)
def logsumexp_of(input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    gone = axes(dim, input.ndim)
    top = np.maximum.reduce(input.real, gone, None, None, True, -np.inf)  # type: ignore[call-overload]
    top = np.where(np.isfinite(top), top, 0)
    total = np.add.reduce(np.exp(input - top), gone, None, None, keepdim)  # type: ignore[call-overload]
    return np.log(total) + top.reshape(np.shape(total))  # type: ignore[no-any-return]





def logsumexp(input: Tensor, dim: Any, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the sum of exponentials over the dimensions ``dim``, without overflow.

    >>> import rushlight as torch
    >>> torch.logsumexp(torch.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6931)
    """
    if record.np_dtype(input).kind in "biu":
        input = cast_to(input, dtypes.default_dtype)
    made = logsumexp_of(input, dim, keepdim)
    return made if out is None else logsumexp_of.op.write_out(logsumexp_of.op, out, made)  # type: ignore[attr-defined, no-any-return]


def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """The sum of the elements that are not nan.

    >>> import rushlight as torch
    >>> torch.nansum(torch.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    from .compare import isnan
    from .select import where

    return sum(where(isnan(input), 0, input), dim, keepdim, dtype=dtype, out=out)


def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """The mean of the elements that are not nan.

    >>> import rushlight as torch
    >>> torch.nanmean(torch.tensor([1.0, float("nan"), 3.0]))
    tensor(2.)
    """
    from .compare import isnan, logical_not

    if record.np_dtype(input).kind not in "fc":
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype}")
    count = sum(logical_not(isnan(input)), dim, keepdim)
    made = nansum(input, dim, keepdim, dtype=dtype) / count
    return made if out is None else sum.op.write_out(sum.op, out, made)  # type: ignore[attr-defined, no-any-return]
