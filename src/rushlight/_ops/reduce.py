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
from .._kernels import sums
from .._kernels.places import long
from . import return_types
from .broadcast import cast_to, expand
from .dims import canonical, canonical_all
from .families import over_dims, shifted
from .spelling import numpy_names

Dims = int | Sequence[int] | None
over_all = over_dims("dim", every=True)


def axes(dim: Any, ndim: int) -> tuple[int, ...] | None:
    """NumPy's axes for ``dim``: None and () mean all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return None
    return canonical_all(dim, ndim)


def in_order(made: Any) -> Any:
    """What NumPy reduced, in the order of its elements: NumPy keeps the order in memory of its input, PyTorch does not."""
    return made if made.ndim < 2 or made.flags.c_contiguous else np.ascontiguousarray(made)


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
    if type(g) is np.ndarray and g.ndim == 0:  # the end of most losses: no need to ask what fits what
        return np.ndarray(input_shape, g.dtype, g, 0, (0,) * len(input_shape))
    return expand(regrow(g, input_shape, dim, keepdim), tuple(input_shape))


# Slower than PyTorch: autograd.grad gives a gradient memory of its own; PyTorch's is one number spread.
@operator(
    jvp=LINEAR, batch=over_all, casts=True, node={"dim": "SumBackward1"},
    input=lambda g, input_shape, dim, keepdim: spread_back(g, input_shape, dim, keepdim),
)  # fmt: skip
def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The sum of all elements, or over the dimensions ``dim``; integers and booleans sum to int64.

    >>> import rushlight as torch
    >>> torch.sum(torch.tensor([[1, 2], [3, 4]]), 0)
    tensor([4, 6])
    """
    kind = input.dtype.kind  # type: ignore[attr-defined]
    if dim is None and input.size >= sums.LARGE and not keepdim and kind == "f":  # type: ignore[attr-defined]
        return sums.total(input)  # type: ignore[arg-type, no-any-return]
    if input.dtype.char == "e":  # type: ignore[attr-defined]
        return sums.of_half(input, axes(dim, input.ndim), keepdim)  # type: ignore[arg-type, no-any-return]
    made = np.add.reduce(input, axes(dim, input.ndim), np.int64 if kind in "biu" else None, None, keepdim)  # type: ignore[call-overload]
    return made if dim is None else in_order(made)  # type: ignore[no-any-return]


def mean_vjp(g: Any, input_shape: Any, dim: Any, keepdim: bool) -> Any:
    return spread_back(g, input_shape, dim, keepdim) / count_of(input_shape, dim)


@operator(jvp=LINEAR, batch=over_all, casts=True, node={"dim": "MeanBackward1"}, input=mean_vjp)
def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The mean of all elements, or over the dimensions ``dim``. Raises RuntimeError for integers: give ``dtype``.

    >>> import rushlight as torch
    >>> torch.mean(torch.tensor([1.0, 2.0]))
    tensor(1.5000)
    """
    own = input.dtype
    if own.kind not in "fc":  # type: ignore[attr-defined]
        raise RuntimeError(  # PyTorch says "Optional dtype" where dtype= was given
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            + dtypes.LEGACY[dtypes.dtype_of(own).name]  # type: ignore[arg-type]
        )
    gone = axes(dim, input.ndim)
    n = input.size if gone is None else count_of(input.shape, dim)  # type: ignore[attr-defined]
    total = np.add.reduce(input, gone, np.float32 if own.char == "e" else None, None, keepdim)  # type: ignore[call-overload, attr-defined]
    made = np.true_divide(total, n).astype(own)  # type: ignore[arg-type]
    return made if gone is None else in_order(made)  # type: ignore[no-any-return]


def prod_vjp(g: Any, input: Any, result: Any, dim: Any, keepdim: bool) -> Any:
    """The product of all the others: result over input, or, if there are zeros, exclusive products from both ends."""
    from .complexes import conj
    from .shape import flip, reshape, transpose

    shape = tuple(input.shape)
    if not shape:
        return g
    array = None if getattr(input, "level", 0) else record.inner_array(input)
    if array is not None:
        zeros = array.size - np.count_nonzero(array)
        if not zeros:
            return regrow(g * conj(result), shape, dim, keepdim) / conj(input)
        if dim is None and zeros > 1 and array is input:
            return np.zeros_like(array)
    if dim is None:
        flat = reshape(input, (-1,))
        return reshape(prod_vjp(reshape(g, ()), flat, result, 0, False), shape)
    at = canonical(dim, len(shape))
    x = transpose(input, at, -1)
    before = exclusive_products(x)
    after = flip(exclusive_products(flip(x, (-1,))), (-1,))
    return regrow(g, shape, dim, keepdim) * conj(transpose(before * after, at, -1))


def exclusive_products(x: Any) -> Any:
    """For each element the product of those before it along the last dimension."""
    from .fill import blank
    from .scan import cumprod
    from .shape import cat, part

    ones = blank(part(x, x.ndim - 1, 0, 1)) + 1
    return cat([ones, cumprod(part(x, x.ndim - 1, 0, x.shape[-1] - 1), -1)], -1)


def prod_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: Any, keepdim: bool) -> Any:
    from .shape import reshape

    if dim is not None:
        return over_dims("dim")(op, size, mapped, input, dim, keepdim)
    made = op.call(reshape(input, (size, -1)), 1)
    return reshape(made, (size, *(1,) * (input.ndim - 1))) if keepdim else made


@operator(batch=prod_batch, casts=True, node={"dim": "ProdBackward1"}, input=prod_vjp)
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The product of all elements, or along ``dim``; integers and booleans multiply to int64.

    >>> import rushlight as torch
    >>> torch.prod(torch.tensor([2.0, 3.0]))
    tensor(6.)
    """
    kind = input.dtype.kind  # type: ignore[attr-defined]
    gone = None if dim is None else (canonical(dim, input.ndim),)[: input.ndim]
    if gone is None and not keepdim and kind == "f":
        return sums.product(input)  # type: ignore[arg-type, no-any-return]
    return in_order(np.multiply.reduce(input, gone, np.int64 if kind in "biu" else None, None, keepdim))  # type: ignore[call-overload, no-any-return]


# ---- extremes


def no_kernel(kernel: str, input: Any) -> NotImplementedError:
    return NotImplementedError(f"\"{kernel}\" not implemented for '{dtypes.LEGACY[dtypes.dtype_of(input.dtype).name]}'")


def require_kernel(kernel: str, input: Any, refused: str, small: bool = True) -> None:
    """Raise if PyTorch has no such kernel for the kind of number in ``input``; not ``small``: of integers only int64."""
    dtype = record.np_dtype(input)
    if dtype.kind in refused or (not small and dtype.kind == "i" and dtype.itemsize < 8):
        name = dtypes.LEGACY[dtypes.FROM_NUMPY[dtype].name]
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{name}'")


def evenly_to_ties(g: Any, input: Any, result: Any, dim: Any, keepdim: bool) -> Any:
    """An extreme's gradient, shared evenly among the elements that attain it; nan throughout if it is nan."""
    from .compare import eq

    mask = cast_to(eq(input, regrow(result, input.shape, dim, keepdim)), record.np_dtype(input))
    shared = regrow(g, input.shape, dim, keepdim) / sum(mask, dim, True) if mask.ndim else g
    return mask * shared


def evenly_to_all(g: Any, input: Any, result: Any) -> Any:
    """The same of the extreme of all elements, where the elements that are nan attain a nan."""
    from .compare import eq, isnan

    mask = cast_to(eq(input, result) | isnan(input) & isnan(result), record.np_dtype(input))
    return mask * (g / sum(mask))


def check_not_empty(input: Any, dim: Any, name: str) -> None:
    if input.dtype.kind == "c":
        kernel = {"amax": "max_values_cpu", "amin": "min_values_cpu"}[name]
        raise no_kernel(kernel, input)
    if input.size:
        return
    gone = axes(dim, input.ndim)
    if gone is None:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with "
            "the 'dim' argument."
        )
    for d in gone:
        if input.shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


def extreme(name: str, ufunc: Any, example: str) -> Any:
    def body(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
        check_not_empty(input, dim, name)
        return in_order(ufunc.reduce(input, axes(dim, input.ndim), None, None, keepdim))  # type: ignore[no-any-return]

    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"""The {"largest" if name == "amax" else "smallest"} element, or those over the dimensions ``dim``.

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
        if input.dtype.kind == "c":  # type: ignore[attr-defined]
            raise no_kernel(f"{name}_all", input)
        if 0 in input.shape:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        return ufunc.reduce(input, None)  # type: ignore[no-any-return]

    body.__name__ = f"{name}_whole"
    return operator(node=node, input=evenly_to_all)(body)


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


def _along(name: str, node: str, choose: Any, ufunc: Any) -> Any:
    def body(input: Tensor, dim: int, keepdim: bool = False) -> Any:
        at = canonical(dim, input.ndim)
        if input.dtype.kind == "c":  # type: ignore[attr-defined]
            raise RuntimeError(f"{name}(): does not support complex input")
        if input.ndim == 0:
            return input.copy(), np.zeros((), np.int64)  # type: ignore[attr-defined]
        if input.shape[at] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
        indices = choose(input, at)
        values = ufunc.reduce(input, at, None, None, keepdim)
        if type(values) is np.ndarray and not values.flags.c_contiguous:
            values = np.ascontiguousarray(values)
        return values, indices.reshape(values.shape) if keepdim else indices

    body.__name__ = f"{name}_along"
    return operator(
        batch=over_dims("dim"), node=node, outputs=("values", "indices"), differentiable=(0,),
        gather=getattr(return_types, name),
        input=lambda g, input_shape, indices, dim, keepdim: at_index(g, input_shape, indices, dim, keepdim),
    )(body)  # fmt: skip


def first_largest(array: np.ndarray, at: int) -> Any:
    return long(np.argmax(array, at))


def first_smallest(array: np.ndarray, at: int) -> Any:
    return long(np.argmin(array, at))


max_along = _along("max", "MaxBackward0", first_largest, np.maximum)
min_along = _along("min", "MinBackward0", first_smallest, np.minimum)


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
        if bad or len(args) > 2 or not isinstance(args[0] if args else kwargs.get("dim"), int):
            kinds = [type(a).__name__ for a in args] + [f"{k}={type(v).__name__}" for k, v in kwargs.items()]
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got ({type(input).__name__}, "
                f"{', '.join(kinds)})"
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


max = _overloaded("max", max_whole, max_along, "(tensor(3.), tensor([1]))")
min = _overloaded("min", min_whole, min_along, "(tensor(1.), tensor([0]))")


def _argument(name: str, choose: Any, example: str) -> Any:
    def body(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
        if input.dtype.kind in "cb":  # type: ignore[attr-defined]
            kind = "complex" if input.dtype.kind == "c" else "bool"  # type: ignore[attr-defined]
            raise RuntimeError(f"{name}(): does not support {kind} input")
        if dim is None:
            if 0 in input.shape:
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
    which = "largest" if name == "argmax" else "smallest"
    body.__doc__ = f"""The index of the {which} element (of the flattened tensor, or along ``dim``).

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([[1, 9], [7, 3]]), 1)
    {example}
    """
    return operator(batch=None)(body)


argmax = _argument("argmax", first_largest, "tensor([1, 0])")
argmin = _argument("argmin", first_smallest, "tensor([0, 1])")


def aminmax_vjp(g: Any, input: Any, dim: Any, keepdim: bool, min: Any, max: Any) -> Any:
    gone = () if dim is None else (dim,)
    parts = [evenly_to_ties(g[i], input, r, gone, keepdim) for i, r in enumerate((min, max)) if g.get(i) is not None]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def aminmax_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: Any, keepdim: bool) -> Any:
    if input.ndim == 1:  # single numbers
        return input.clone(), input.clone()
    gone = shifted(() if dim is None else (dim,), input.ndim - 1, True)
    return amin(input, gone, keepdim), amax(input, gone, keepdim)


@operator(
    batch=aminmax_batch, node="AminmaxBackward0", outputs=("min", "max"), gather=return_types.aminmax,
    input=aminmax_vjp,
)  # fmt: skip
def aminmax_of(input: Tensor, dim: Any, keepdim: bool) -> Any:
    kept: Any = input
    if kept.dtype.kind == "c":
        raise no_kernel("aminmax_cpu" if dim is not None else "aminmax_allreduce_cpu", input)
    if dim is None and not kept.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if dim is not None and kept.ndim and kept.shape[canonical(dim, kept.ndim)] == 0:
        raise IndexError(f"aminmax: Expected reduction dim {canonical(dim, kept.ndim)} to have non-zero size.")
    gone = axes(() if dim is None else (dim,), kept.ndim)
    low, high = np.minimum.reduce(kept, gone, None, None, keepdim), np.maximum.reduce(kept, gone, None, None, keepdim)
    return in_order(low), in_order(high)


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Any:
    """The smallest and the largest element together, of all or along ``dim``.

    >>> import rushlight as torch
    >>> torch.aminmax(torch.tensor([1, 5, 3])).max
    tensor(5)
    """
    made = aminmax_of(input, dim, keepdim)
    return made if out is None else aminmax_of.op.write_out(aminmax_of.op, out, made)  # type: ignore[attr-defined]


# ---- truth


def _truth(name: str, ufunc: Any, example: str) -> Any:
    def body(input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
        gone = () if isinstance(dim, (tuple, list)) and not dim else axes(dim, input.ndim)  # here () means none
        found = ufunc.reduce(input, gone, None, None, keepdim)
        return np.asarray(found, np.uint8 if input.dtype.name == "uint8" else np.bool_, "C")  # type: ignore[return-value]

    body.__name__ = body.__qualname__ = name
    verb = "are" if name == "all" else "is"
    body.__doc__ = f"""Whether {name} of the elements (over the dimensions ``dim``, or of all) {verb} true.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([True, False]))
    {example}
    """
    return operator(batch=over_all)(body)


all = _truth("all", np.logical_and, "tensor(False)")
any = _truth("any", np.logical_or, "tensor(True)")


@operator(batch=over_all)
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not zero.

    >>> import rushlight as torch
    >>> torch.count_nonzero(torch.tensor([0, 1, 2]))
    tensor(2)
    """
    return np.asarray(np.count_nonzero(input, axes(dim, input.ndim)), np.int64)  # type: ignore[arg-type, return-value]


@operator(batch=over_all)
def hash_of(input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    x: Any = input
    bits = (x.astype(np.float64) if x.dtype.kind == "f" else x.astype(np.int64)).view(np.uint64)
    return np.asarray(np.bitwise_xor.reduce(bits, axes(dim, x.ndim), keepdims=keepdim))  # type: ignore[return-value]


@numpy_names
def hash_tensor(
    input: Tensor, dim: Dims = (), *, keepdim: bool = False, mode: int = 0, out: Tensor | None = None
) -> Tensor:
    """A hash of the elements over the dimensions ``dim`` (all, if none is given): the exclusive or of their bits.

    Floats count by the bits of float64, integers by those of int64; the result is uint64. Raises RuntimeError for a
    ``mode`` other than 0, and NotImplementedError for complex numbers.

    >>> import rushlight as torch
    >>> torch.hash_tensor(torch.tensor([1, 2, 4]))
    tensor(7, dtype=torch.uint64)
    """
    if mode:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    dtype = record.np_dtype(input)
    if dtype.kind == "c":
        raise NotImplementedError(f"\"xor_sum_cpu\" not implemented for '{dtypes.LEGACY[dtypes.dtype_of(dtype).name]}'")
    if not input.numel() and dim == ():
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with "
            "the 'dim' argument."
        )
    made = hash_of(input, dim, keepdim)
    return made if out is None else hash_of.op.write_out(hash_of.op, out, made)  # type: ignore[attr-defined, no-any-return]


# ---- spread


def var_vjp(g: Any, input: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    n = count_of(input.shape, dim) - correction
    centred = input - mean(input, dim, True)
    return regrow(g, input.shape, dim, keepdim) * centred * (2 / n if n else float("inf"))


@operator(batch=over_all, node="VarBackward0", input=var_vjp)
def var_of(input: Tensor, dim: Dims, correction: Any, keepdim: bool) -> Tensor:
    return of_dtype(spread_of(input, dim, correction, keepdim)[0], input)  # type: ignore[no-any-return]


def spread_of(input: Any, dim: Any, correction: Any, keepdim: bool) -> tuple[Any, Any]:
    """Variance and mean (with the reduced dimensions at size 1), in two passes over the data."""
    own = input.dtype
    if own.kind not in "fc":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    x = input.astype(np.float32) if own.char == "e" else input
    gone = axes(dim, input.ndim)
    n = input.size if gone is None else count_of(input.shape, gone)
    centre = np.add.reduce(x, gone, None, None, True) / n if n else np.add.reduce(x, gone, None, None, True) * np.nan
    c = x - centre
    squares = np.add.reduce((c * c.conj()).real if own.kind == "c" else c * c, gone, None, None, keepdim)
    if squares.size > 1 and n:  # the rounding of the mean taken out again: equal numbers have a variance of 0
        off = np.abs(np.add.reduce(c, gone, None, None, keepdim))
        squares = np.maximum(squares - off * (off / n), 0)
    free = builtins.max(n - correction, 0)
    variance = in_order(np.true_divide(squares, free))
    return variance, centre


def of_dtype(made: Any, input: Any) -> Any:
    """What was computed from ``input`` in the real dtype that belongs to it: float16 was in float32 so far."""
    own = input.dtype
    real = np.dtype(f"f{own.itemsize // 2}") if own.kind == "c" else own
    return made if made.dtype is real else made.astype(real)


def std_vjp(g: Any, input: Any, result: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    from .compare import where

    flat = result == 0
    twice = (
        result * 2 if isinstance(g, Tensor) else where(flat, 1, result * 2)
    )  # PyTorch's second derivative is nan there
    return var_vjp(where(flat, 0, g / twice), input, dim, correction, keepdim)


@operator(batch=over_all, node="StdBackward0", input=std_vjp)
def std_of(input: Tensor, dim: Dims, correction: Any, keepdim: bool) -> Tensor:
    return of_dtype(np.sqrt(spread_of(input, dim, correction, keepdim)[0]), input)  # type: ignore[no-any-return]


def corrected(args: tuple[Any, ...], options: dict[str, Any], name: str) -> tuple[Any, Any, bool]:
    """``dim, correction, keepdim`` of any of PyTorch's signatures of var and std."""
    dim, correction, keepdim = (
        options.pop("dim", options.pop("axis", None)),
        options.pop("correction", None),
        options.pop("keepdim", options.pop("keepdims", False)),
    )
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
    what = "variance" if name == "var" else "standard deviation"
    function.__doc__ = f"""The {what} of all elements or over the dimensions ``dim``.

    The count is diminished by ``correction``.

    ``{name}(input, dim=None, *, correction=1, keepdim=False)``; also ``{name}(input, unbiased)``.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([1.0, 3.0]))
    {example}
    """
    return function


var = _spread("var", var_of, "tensor(2.)")
std = _spread("std", std_of, "tensor(1.4142)")


def moments_vjp(g: Any, input: Any, dim: Any, correction: Any, keepdim: bool, spread: Any, deviation: bool) -> Any:
    total = None
    if g.get(0) is not None:
        if deviation:
            total = std_vjp(g[0], input, spread, dim, correction, keepdim)
        else:
            total = var_vjp(g[0], input, dim, correction, keepdim)
    if g.get(1) is not None:
        of_mean = mean_vjp(g[1], tuple(input.shape), dim, keepdim)
        total = of_mean if total is None else total + of_mean
    return total


def _moments(node: str, deviation: bool) -> Any:
    def body(input: Tensor, dim: Dims, correction: Any, keepdim: bool) -> Any:
        spread, centre = spread_of(input, dim, correction, keepdim)
        spread = np.asarray(of_dtype(np.sqrt(spread) if deviation else spread, input))
        return spread, np.asarray(centre, input.dtype).reshape(spread.shape)

    def vjp(g: Any, input: Any, dim: Any, correction: Any, keepdim: Any) -> Any:
        return moments_vjp(g, input, dim, correction, keepdim, None, False)

    def vjp_of_deviation(g: Any, input: Any, dim: Any, correction: Any, keepdim: Any, spread: Any) -> Any:
        return moments_vjp(g, input, dim, correction, keepdim, spread, True)

    body.__name__ = "std_mean" if deviation else "var_mean"
    return operator(
        batch=over_all, node=node, outputs=("spread", "centre"), input=vjp_of_deviation if deviation else vjp
    )(body)  # fmt: skip


var_mean_of = _moments("VarMeanBackward0", False)
std_mean_of = _moments("StdMeanBackward0", True)


def _pair(name: str, op: Any, example: str) -> Any:
    def function(input: Tensor, *args: Any, **options: Any) -> tuple[Tensor, Tensor]:
        dim, correction, keepdim = corrected(args, options, name)
        made: tuple[Tensor, Tensor] = op(input, dim, correction, keepdim)
        return made

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {"variance" if name == "var_mean" else "standard deviation"} and the mean together.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([1.0, 3.0]))
    {example}
    """
    return function


var_mean = _pair("var_mean", var_mean_of, "(tensor(2.), tensor(2.))")
std_mean = _pair("std_mean", std_mean_of, "(tensor(1.4142), tensor(2.))")


# ---- logarithms of sums, and sums without nan


def logsumexp_vjp(g: Any, input: Any, result: Any, dim: Any, keepdim: bool) -> Any:
    from .complexes import conj
    from .elementary import exp

    full = regrow(result, input.shape, dim, keepdim)
    return regrow(g, input.shape, dim, keepdim) * conj(exp(input - full))


@operator(batch=over_all, node="LogsumexpBackward0", input=logsumexp_vjp)
def logsumexp_of(input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    x: Any = input
    own = x.dtype
    gone = axes(dim, x.ndim)
    if not x.size:
        return np.log(np.add.reduce(np.exp(x), gone, None, None, keepdim))  # type: ignore[no-any-return]
    top = np.maximum.reduce(x.real, gone, None, None, True)
    top = np.where(np.abs(top) == np.inf, 0, top).astype(top.dtype)
    work = np.float32 if own == np.float16 else None
    total = np.add.reduce(np.exp(x - top), gone, work, None, keepdim)
    return in_order((np.log(total) + top.reshape(np.shape(total))).astype(own))  # type: ignore[no-any-return]


@numpy_names
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the sum of exponentials over the dimensions ``dim``, without overflow.

    >>> import rushlight as torch
    >>> torch.logsumexp(torch.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    if dim is None:
        raise TypeError("logsumexp(): argument 'dim' (position 1) must be tuple of ints, not NoneType")
    if record.np_dtype(input).kind in "biu":
        input = cast_to(input, dtypes.default_dtype)
    made = logsumexp_of(input, dim, keepdim)
    return made if out is None else logsumexp_of.op.write_out(logsumexp_of.op, out, made)  # type: ignore[attr-defined, no-any-return]


def nansum_vjp(g: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    from .compare import isnan, where

    return where(isnan(input), 0, spread_back(g, tuple(input.shape), dim, keepdim))


@operator(batch=over_all, casts=True, input=nansum_vjp)
def nansum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The sum of the elements that are not nan.

    >>> import rushlight as torch
    >>> torch.nansum(torch.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    x: Any = input
    kind = x.dtype.kind
    if kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    if kind == "f" and np.count_nonzero(nan := np.isnan(x)):
        x = np.where(nan, x.dtype.type(0), x)
    if x.dtype.char == "e":
        return sums.of_half(x, axes(dim, x.ndim), keepdim)  # type: ignore[no-any-return]
    if dim is None and not keepdim and kind == "f":
        return sums.total(x)  # type: ignore[no-any-return]
    return np.add.reduce(x, axes(dim, x.ndim), np.int64 if kind in "biu" else None, None, keepdim)  # type: ignore[no-any-return]


@numpy_names
def nanmean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None, out: Tensor | None = None
) -> Tensor:
    """The mean of the elements that are not nan.

    >>> import rushlight as torch
    >>> torch.nanmean(torch.tensor([1.0, float("nan"), 3.0]))
    tensor(2.)
    """
    from .compare import isnan, logical_not

    if record.np_dtype(input).kind not in "fc":
        name = dtypes.LEGACY[input.dtype.name]
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {name}")
    made = nansum(input, dim, keepdim, dtype=dtype) / sum(logical_not(isnan(input)), dim, keepdim)
    return made if out is None else sum.op.write_out(sum.op, out, made)  # type: ignore[attr-defined, no-any-return]
