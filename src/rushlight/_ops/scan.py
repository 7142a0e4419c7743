"""Running sums, products and extremes along a dimension, and differences: what each element makes of those before it.

The transpose of a running sum is a running sum from the other end (``tail_sums``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import record
from .._core.declare import LINEAR, operator
from .._core.tensor import Tensor, wrap
from .._core.views import inplace
from .._kernels import scans
from . import return_types
from .broadcast import cast_to
from .dims import canonical
from .families import over_dims
from .reduce import no_kernel
from .spelling import numpy_names

Number = bool | int | float | complex
along = over_dims("dim")


def tail_sums(x: Any, dim: int) -> Any:
    """The running sum from the other end; the transpose of cumsum."""
    from .shape import flipped

    if x.ndim == 0:
        return x
    at = (canonical(dim, x.ndim),)
    return flipped(cumsum(flipped(x, at), dim), at)


LARGE = 4096  # elements from which a kernel is worth its own steps
WIDE = {"e": np.float32, "f": np.float64, "F": np.complex128}  # the dtypes that PyTorch keeps running numbers in


def running(ufunc: Any, kernel: Any, input: Any, dim: int) -> Any:
    """A running sum or product; that of small integers is int64."""
    at = canonical(dim, input.ndim)
    own = input.dtype
    if input.ndim == 0:
        return input.astype(np.int64) if own.kind in "biu" else input.copy()
    if own.kind in "biu":
        made = ufunc.accumulate(input, at, np.int64)
        return made if made.flags.c_contiguous else np.ascontiguousarray(made)
    if input.size >= LARGE:
        return kernel(input, at)
    return np.array(ufunc.accumulate(input, at, WIDE.get(own.char)), own, order="C")


@operator(jvp=LINEAR, batch=along, casts=True, input=lambda g, dim: tail_sums(g, dim))
def cumsum(input: Tensor, dim: int, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """The running sum along ``dim``; integers and booleans sum to int64.

    >>> import rushlight as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    return running(np.add, scans.cumsum, input, dim)  # type: ignore[no-any-return]


def cumprod_vjp(g: Any, input: Any, result: Any, dim: int) -> Any:
    """The sum over later results of g times result over input, exactly where an input is 0.

    Behind the first zero of a row all results are 0: towards that zero the products that leave it out count,
    towards what comes after it nothing does.
    """
    from .compare import where
    from .complexes import conj

    if input.ndim == 0:
        return g
    x, y = conj(input), conj(result)
    raw = type(input) is np.ndarray
    array = input if raw else record.inner_array(input)
    if array is not None and (raw or not input.level) and array.all():
        return tail_sums(g * y, dim) / x
    if not raw:
        return cumprod_vjp_one_by_one(g, x, canonical(dim, x.ndim))
    zero = input == 0
    seen = cumsum(cast_to(zero, np.dtype(np.int64)), dim)
    first = zero & (seen == 1)
    before = tail_sums(g * y, dim) / where(zero, 1, x)
    without = cumprod(where(first, 1, x), dim)  # the products that leave the first zero out
    return where(seen == 0, before, 0) + where(first, tail_sums(where(seen >= 1, g * without, 0), dim), 0)


def cumprod_vjp_one_by_one(g: Any, x: Any, dim: int) -> Any:
    """The same in products alone, which can be differentiated again where an input is 0."""
    from .fill import blank
    from .reduce import sum
    from .shape import cat, part

    n = x.shape[dim]
    if n == 0:
        return g * x
    parts = []
    ahead = blank(part(x, dim, 0, 1)) + 1
    for k in range(n):
        products = cumprod(cat([ahead, part(x, dim, k + 1, n)], dim), dim)
        parts.append(sum(part(g, dim, k, n) * products, dim, True))
        ahead = ahead * part(x, dim, k, k + 1)
    return cat(parts, dim)


@operator(batch=along, casts=True, input=cumprod_vjp)
def cumprod(input: Tensor, dim: int, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """The running product along ``dim``; integers and booleans multiply to int64.

    >>> import rushlight as torch
    >>> torch.cumprod(torch.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    return running(np.multiply, scans.cumprod, input, dim)  # type: ignore[no-any-return]


def _in_place(op: Any, name: str) -> Any:
    """The in-place method: integers stay what they are."""
    plain = inplace(op)

    def method(self: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
        kind = record.np_dtype(self).kind
        if kind == "b" and dtype is None and self.ndim:  # of a number PyTorch takes it
            raise NotImplementedError(f"\"{name}out_cpu\" not implemented for 'Bool'")
        if dtype is not None or kind in "biu":
            from .index import copy_

            return copy_(self, op(self, dim, dtype=self.dtype if dtype is None else dtype))
        return plain(self, dim)  # type: ignore[no-any-return]

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place version of :func:`{name[:-1]}`."
    return numpy_names(method)


cumsum_ = _in_place(cumsum, "cumsum_")
cumprod_ = _in_place(cumprod, "cumprod_")


def extremes(name: str, ufunc: Any, kernel: Any, example: str) -> Any:
    """Running extremes and where they are: of equal ones the last, and the first nan for good."""

    def body(input: Tensor, dim: int, *, out: Any = None) -> Any:
        x: Any = input
        at = canonical(dim, x.ndim)
        if x.ndim == 0:
            return x.copy(), np.zeros((), np.int64)
        if x.dtype.kind == "c":
            raise no_kernel(f"{name}_cpu", input)
        if x.size >= LARGE and x.dtype.kind == "f":
            return kernel(x, at)
        x = np.asarray(x, order="C")
        values = ufunc.accumulate(x, at)
        places = np.arange(x.shape[at], dtype=np.int64).reshape((-1,) + (1,) * (x.ndim - at - 1))
        if x.dtype.kind == "f":
            nan = np.isnan(x)  # nan stays, and a later nan is a new one
            new = np.where(np.isnan(values), nan, x == values)
        else:
            new = x == values
        return values, np.maximum.accumulate(np.where(new, places, 0), at)

    body.__name__ = body.__qualname__ = name
    which = "largest" if name == "cummax" else "smallest"
    body.__doc__ = f"""The {which} element so far along ``dim``, and where it is.

    >>> import rushlight as torch
    >>> torch.{name}(torch.tensor([2, 1, 3]), 0).values
    {example}
    """
    return operator(
        batch=along, outputs=("values", "indices"), differentiable=(0,), gather=getattr(return_types, name),
        input=lambda g, input_shape, dim, indices: to_indices(g, input_shape, dim, indices),
    )(body)  # fmt: skip


def to_indices(g: Any, input_shape: Any, dim: int, indices: Any) -> Any:
    from .index import scatter_zero

    shape = tuple(input_shape)
    return scatter_zero(g, shape, canonical(dim, len(shape)), indices) if shape else g


cummax = extremes("cummax", np.maximum, scans.cummax, "tensor([2, 2, 3])")
cummin = extremes("cummin", np.minimum, scans.cummin, "tensor([2, 1, 1])")


def logcumsumexp_vjp(g: Any, input: Any, result: Any, dim: int) -> Any:
    """exp(input) times the running sum from behind of g exp(-result), taken apart by the sign of g to stay in range."""
    from .compare import where
    from .complexes import conj
    from .elementary import exp, log

    if input.ndim == 0:
        return g
    if record.np_dtype(input).kind == "c":
        from .shape import flipped

        # log(0) would make second derivatives nan; so a tiny number, and 0 where nothing else arrives
        logs = log(where(g == 0, float(np.finfo(record.np_dtype(input)).tiny), g))
        at = (canonical(dim, input.ndim),)
        arrives = flipped(cumsum(flipped(g != 0, at), dim), at) > 0
        return where(arrives, exp(tail_logs(logs - conj(result), dim) + conj(input)), 0.0)
    low = float(np.finfo(record.np_dtype(input)).min)  # not infinite: the second derivative would be nan

    def part(h: Any) -> Any:
        logs = where(h > 0, log(where(h > 0, h, 1)), low)
        return exp(tail_logs(logs - result, dim) + input)

    return part(g) - part(-g)


def tail_logs(x: Any, dim: int) -> Any:
    from .shape import flipped

    if x.ndim == 0:
        return x
    at = (canonical(dim, x.ndim),)
    return flipped(logcumsumexp_of(flipped(x, at), dim), at)


def logcumsumexp_jvp(op: Any, primals: Any, tangents: Any, result: Any) -> Any:
    """Running sums of tangents weighted by exp(input - result); the weights are kept in range by the largest input."""
    from .elementary import exp
    from .reduce import amax

    input, dim = primals
    if input.ndim == 0:
        return tangents[0]
    if record.np_dtype(input).kind == "c":
        return cumsum(exp(input) * tangents[0], dim) * exp(-result)
    top = amax(input, dim, True)
    return cumsum(exp(input - top) * tangents[0], dim) * exp(top - result)


@operator(jvp=logcumsumexp_jvp, batch=along, node="LogcumsumexpBackward0", input=logcumsumexp_vjp)
def logcumsumexp_of(input: Tensor, dim: int) -> Tensor:
    x: Any = input
    at = canonical(dim, x.ndim)
    if x.ndim == 0:
        return x.copy()  # type: ignore[no-any-return]
    if x.dtype.kind not in "fc":
        raise no_kernel("logcumsumexp_out_cpu", input)
    if x.dtype.kind == "f":
        if x.size >= LARGE:
            return scans.logcumsumexp(x, at)
        return np.array(np.logaddexp.accumulate(x, at, WIDE.get(x.dtype.char)), x.dtype, order="C")
    made = np.array(x)
    rows = np.moveaxis(made, at, 0)
    for i in range(1, len(rows)):  # one after the other: angles add up beyond half a turn, as in PyTorch
        before, row = rows[i - 1 : i], rows[i : i + 1]
        swap = before.real > row.real
        high, low = np.where(swap, before, row), np.where(swap, row, before)
        row[...] = np.where(np.isneginf(high.real), high, high + np.log1p(np.exp(low - high)))
    return made  # type: ignore[no-any-return]


@numpy_names
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the running sum of exponentials along ``dim``, without overflow.

    >>> import rushlight as torch
    >>> torch.logcumsumexp(torch.tensor([0.0, 0.0]), 0)
    tensor([0.0000, 0.6931])
    """
    made: Tensor = logcumsumexp_of(input, dim)
    return made if out is None else logcumsumexp_of.op.write_out(logcumsumexp_of.op, out, made)  # type: ignore[attr-defined, no-any-return]


# ---- differences


@numpy_names
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The differences of neighbours along ``dim``, taken ``n`` times; of booleans, whether neighbours differ.

    >>> import rushlight as torch
    >>> torch.diff(torch.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    from .compare import logical_xor
    from .shape import cat

    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    at = canonical(dim, input.ndim)
    for x in (prepend, append):
        if x is not None and x.ndim != input.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
        for d in range(input.ndim) if x is not None else ():
            if d != at and x.shape[d] != input.shape[d]:  # type: ignore[union-attr]
                raise RuntimeError(
                    "diff expects the shape of tensor to prepend or append to match that of input except along the "
                    f"differencing dimension; input.size({d}) = {input.shape[d]}, but got tensor.size({d}) = {x.shape[d]}"  # type: ignore[union-attr]
                )
    parts = [x for x in (prepend, input, append) if x is not None and (n or x is input)]
    made = cat(parts, at) if len(parts) > 1 else input
    for _ in range(min(n, made.shape[at])):
        later, earlier = pairs(made, at)
        made = logical_xor(later, earlier) if record.np_dtype(made).kind == "b" else later - earlier
    if n == 0 and made is input:
        from .shape import clone

        made = clone(made)
    return made if out is None else cumsum.op.write_out(cumsum.op, out, made)  # type: ignore[attr-defined, no-any-return]


def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Estimates of the derivative along each dimension, by central differences, one-sided ones at the ends.

    ``spacing`` is a number, one for each dimension, or tensors of coordinates. Returns a tuple, one tensor a dimension.

    >>> import rushlight as torch
    >>> torch.gradient(torch.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    """
    from .shape import cat, part, reshape

    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = [
        canonical(d, input.ndim)
        for d in (range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim)
    ]
    if len(set(dims)) != len(dims):
        raise RuntimeError(
            f"dim {next(d for d in dims if dims.count(d) > 1)} appears multiple times in the list of dims"
        )
    if spacing is None:
        steps: list[Any] = [1.0] * len(dims)
    elif isinstance(spacing, (int, float, complex)):
        steps = [spacing] * len(dims)
    elif isinstance(spacing, Tensor):
        steps = [spacing] if spacing.ndim else [spacing.item()] * len(dims)
    else:
        steps = list(spacing)
    if len(steps) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or a list of length equal to 'self.dim() = "
            f"{input.ndim}', since dim argument is given, but got a list of length {len(steps)}"
        )
    if record.np_dtype(input).kind in "bu":
        raise RuntimeError("torch.gradient does not support uint8 input.")
    results = []
    for at, h in zip(dims, steps, strict=True):
        n = input.shape[at]
        if n < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")

        def take(a: int, b: int, at: int = at) -> Any:
            return part(input, at, a, b)

        if isinstance(h, Tensor) and h.ndim:
            if h.ndim != 1:
                raise RuntimeError(
                    "torch.gradient expected each element of spacing to have one dimension, but got an "
                    "element with dimension " + str(h.ndim)
                )
            if h.shape[0] != n:
                raise RuntimeError(
                    "torch.gradient expected each element of spacing to have the same length as the input in "
                    "its dimension"
                )
            shape = (*(1,) * at, -1, *(1,) * (input.ndim - at - 1))
            step: Any = reshape(part(h, 0, 1, n) - part(h, 0, 0, n - 1), shape)
            a, b = part(step, at, 0, n - 2), part(step, at, 1, n - 1)
            inner = (
                take(0, n - 2) * (-b / (a * (a + b)))
                + take(1, n - 1) * ((b - a) / (a * b))
                + take(2, n) * (a / (b * (a + b)))
            )
            first, last = part(step, at, 0, 1), part(step, at, n - 2, n - 1)
            second, penult = part(step, at, 1, 2), part(step, at, n - 3, n - 2) if n > 2 else None
        else:
            h = h.item() if isinstance(h, Tensor) else h
            inner = (take(2, n) - take(0, n - 2)) / (2 * h)
            first = last = second = penult = h
        if edge_order == 1:
            left, right = (take(1, 2) - take(0, 1)) / first, (take(n - 1, n) - take(n - 2, n - 1)) / last
        else:
            left = (
                take(0, 1) * (-(2 * first + second) / (first * (first + second)))
                + take(1, 2) * ((first + second) / (first * second))
                + take(2, 3) * (-first / (second * (first + second)))
            )
            right = (
                take(n - 3, n - 2) * (last / (penult * (penult + last)))
                + take(n - 2, n - 1) * (-(penult + last) / (penult * last))
                + take(n - 1, n) * ((2 * last + penult) / (last * (penult + last)))
            )
        results.append(cat([left, inner, right], at))
    return tuple(results)


def pairs(y: Tensor, dim: int) -> tuple[Any, Any]:
    """All but the first and all but the last along a dimension."""
    from .shape import part

    n = y.shape[dim]
    return part(y, dim, min(1, n), n), part(y, dim, 0, max(n - 1, 0))


def widths(x: Tensor, y: Tensor, dim: int) -> Any:
    """The distances between sample points, ready to multiply with pairs of ``y``."""
    from .shape import reshape

    if x.ndim == 1 and y.ndim > 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError("trapezoid: There must be one `x` value for each sample point")
        later, earlier = pairs(x, 0)
        return reshape(later - earlier, (*(1,) * dim, -1, *(1,) * (y.ndim - dim - 1)))
    at = canonical(dim - y.ndim, x.ndim)
    later, earlier = pairs(x, at)
    return later - earlier


def spaced(name: str, y: Tensor, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, int]:
    x = args[0] if args else options.pop("x", None)
    dx = options.pop("dx", None)
    dim = options.pop("dim", options.pop("axis", -1))
    if options or len(args) > 1:
        raise TypeError(f"{name}() received an invalid combination of arguments: {', '.join(options) or 'too many'}")
    if x is not None and not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument 'x' (position 2) must be Tensor, not {type(x).__name__}")
    if record.np_dtype(y).kind == "b":
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    if x is not None and record.np_dtype(x).kind == "b":
        raise RuntimeError(f"{name}: received a bool input for `x`, but bool is not supported")
    return x, 1 if dx is None else dx, canonical(dim, y.ndim)


def trapezoid(y: Tensor, *args: Any, **options: Any) -> Tensor:
    """The integral along ``dim`` by the trapezoid rule: ``trapezoid(y, x)`` or ``trapezoid(y, *, dx=1, dim=-1)``.

    >>> import rushlight as torch
    >>> torch.trapezoid(torch.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    from .reduce import sum

    x, dx, at = spaced("trapezoid", y, args, options)
    if y.ndim and y.shape[at] == 0:
        shape = [n for d, n in enumerate(y.shape) if d != at]
        return wrap(np.zeros(shape, record.np_dtype(y)))
    if x is None and y.ndim:
        from .shape import select

        return (sum(y, at) - (select(y, at, 0) + select(y, at, -1)) * 0.5) * dx  # type: ignore[no-any-return]
    later, earlier = pairs(y, at)
    if x is None:
        return sum(later + earlier, at) * (dx / 2.0)  # type: ignore[no-any-return]
    return sum((later + earlier) * widths(x, y, at), at) / 2.0  # type: ignore[no-any-return]


trapz = trapezoid


def cumulative_trapezoid(y: Tensor, *args: Any, **options: Any) -> Tensor:
    """The running integral along ``dim`` by the trapezoid rule, one element shorter than ``y``.

    >>> import rushlight as torch
    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    x, dx, at = spaced("cumulative_trapezoid", y, args, options)
    later, earlier = pairs(y, at)
    if x is None:
        return cumsum((later + earlier) * (dx / 2.0), at)  # type: ignore[no-any-return]
    return cumsum((later + earlier) * widths(x, y, at), at) / 2.0  # type: ignore[no-any-return]


__all__: Sequence[str] = ["cummax", "cummin", "cumprod", "cumsum", "diff", "gradient", "logcumsumexp", "trapezoid"]
