"""Fourier transforms: three linear operators (complex, real to half, half to real) under all of PyTorch's names.

Each is the transpose of another up to what is counted twice, so all derivatives of any order stay among them. NumPy's
FFT keeps single precision. ``stft`` and ``istft`` are windows of a signal, transformed, and their overlap added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import dtypes, record, views
from .._core.declare import LINEAR, operator
from .._core.tensor import Tensor
from .broadcast import cast_to
from .complexes import conj, real
from .create import into_range, made
from .dims import canonical
from .families import over_dims
from .shape import pad_narrow, part, roll
from .spelling import numpy_names

Dims = int | Sequence[int] | None
BACKWARD, ORTHO, FORWARD = "none", "sqrt", "count"  # what a transform is divided by
_NAMES = {(True, BACKWARD): "backward", (True, ORTHO): "ortho", (True, FORWARD): "forward",
          (False, BACKWARD): "forward", (False, ORTHO): "ortho", (False, FORWARD): "backward"}  # fmt: skip


def scale_of(norm: str | None, forward: bool) -> str:
    """What a transform in this direction is divided by under a mode of normalization."""
    if norm is None or norm == "backward":
        return BACKWARD if forward else FORWARD
    if norm == "ortho":
        return ORTHO
    if norm == "forward":
        return FORWARD if forward else BACKWARD
    raise RuntimeError(f'Invalid normalization mode: "{norm}"')


# ---- the three operators


@operator(
    jvp=LINEAR, batch=over_dims("dim"), node="FftC2CBackward0",
    input=lambda g, dim, scale, onward: fft_c2c(g, dim, scale, not onward),
)  # fmt: skip
def fft_c2c(input: Tensor, dim: tuple[int, ...], scale: str, onward: bool) -> Tensor:
    """Complex numbers transformed over dimensions; the other direction, scaled alike, is the transpose."""
    run = np.fft.fftn if onward else np.fft.ifftn
    return run(input, None, dim, _NAMES[onward, scale])


def r2c_rule(g: Any, input_shape: Any, dim: tuple[int, ...], scale: str, onesided: bool) -> Any:
    last = dim[-1]
    shape = list(g.shape)
    shape[last] = input_shape[last]
    full = pad_narrow(g, tuple(shape), last, 0, g.shape[last]) if onesided and shape[last] != g.shape[last] else g
    return real(fft_c2c(full, dim, scale, False))


@operator(jvp=LINEAR, batch=over_dims("dim"), node="FftR2CBackward0", input=r2c_rule)
def fft_r2c(input: Tensor, dim: tuple[int, ...], scale: str, onesided: bool) -> Tensor:
    """Real numbers transformed; ``onesided``: of the last dimension the half that tells all."""
    return (np.fft.rfftn if onesided else np.fft.fftn)(input, None, dim, _NAMES[True, scale])


def c2r_rule(g: Any, input_shape: Any, dim: tuple[int, ...], scale: str, size: int) -> Any:
    """What stands for two conjugate numbers counts twice."""
    h = fft_r2c(g, dim, scale, True)
    last = dim[-1]
    n = h.shape[last]
    doubled = size - n
    weights = np.ones(n)
    weights[1 : 1 + doubled] = 2
    shape = [1] * h.ndim
    shape[last] = n
    return h * weights.reshape(shape).astype(record.np_dtype(g))


@operator(jvp=LINEAR, batch=over_dims("dim"), node="FftC2RBackward0", input=c2r_rule)
def fft_c2r(input: Tensor, dim: tuple[int, ...], scale: str, size: int) -> Tensor:
    """The half of a symmetric spectrum transformed back to ``size`` real numbers along the last dimension."""
    shape = [input.shape[d] for d in dim]
    shape[-1] = size
    return np.fft.irfftn(input, shape, dim, _NAMES[False, scale])


# ---- arguments


def promoted(input: Any, to_complex: bool) -> Any:
    """Integers become the default dtype, and where complex numbers are needed, complex ones."""
    if not isinstance(input, (Tensor, np.ndarray)):
        raise TypeError(f"fft_fft(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    dtype = record.np_dtype(input)
    if dtype.kind in "biu":
        dtype = dtypes.default_dtype
    if dtype == np.float16:
        raise RuntimeError("Unsupported dtype Half")
    if to_complex and dtype.kind == "f":
        dtype = np.dtype("c8") if dtype == np.float32 else np.dtype("c16")
    return cast_to(input, dtype)


def one_dim(input: Any, dim: int) -> int:
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return canonical(dim, input.ndim)


def resized(x: Any, dim: int, n: int) -> Any:
    """Trimmed or padded with zeros at the end of a dimension."""
    have = x.shape[dim]
    if n == have:
        return x
    if n < have:
        return part(x, dim, 0, n)
    return pad_narrow(x, (*x.shape[:dim], n, *x.shape[dim + 1 :]), dim, 0, have)


def check_size(n: int) -> None:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")


def canonical_dims(input: Any, s: Any, dim: Any) -> tuple[tuple[int, ...], list[int]]:
    """The dimensions to transform and their sizes, from what PyTorch takes for them."""
    ndim = input.ndim
    if dim is not None:
        given = (dim,) if isinstance(dim, int) else tuple(dim)
        dims = tuple([one_dim(input, d) for d in given])
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    else:
        dims = ()
    if s is not None:
        s = (s,) if isinstance(s, int) else tuple(s)
        if dim is not None and len(dims) != len(s):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
        if dim is None:
            dims = tuple(range(ndim - len(s), ndim))
        sizes = [input.shape[d] if n == -1 else n for d, n in zip(dims, s, strict=True)]
    else:
        if dim is None:
            dims = tuple(range(ndim))
        sizes = [input.shape[d] for d in dims]
    for n in sizes:
        check_size(n)
    return dims, sizes


def fitted(x: Any, dims: Sequence[int], sizes: Sequence[int]) -> Any:
    for d, n in zip(dims, sizes, strict=True):
        x = resized(x, d, n)
    return x


def check_real(name: str, x: Any) -> None:
    dtype = record.np_dtype(x)
    if dtype.kind == "c":
        kind = dtypes.LEGACY[dtypes.FROM_NUMPY[dtype].name]
        if name.startswith("ihfft") and name != "ihfft":
            raise RuntimeError(f"Only supports floating-point dtypes, but found: {kind}")
        what = "real-valued" if name == "rfftn" else "real"
        raise RuntimeError(f"{name} expects a {what} input tensor, but got {kind}")


def complex_one(input: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Any:
    x = promoted(input, False)
    at = one_dim(x, dim)
    size = x.shape[at] if n is None else n
    check_size(size)
    if record.np_dtype(x).kind == "f":  # the backward of real numbers is the conjugate of the forward
        made = fft_r2c(resized(x, at, size), (at,), scale_of(norm, forward), False)
        return made if forward else conj(made)
    return fft_c2c(resized(x, at, size), (at,), scale_of(norm, forward), forward)


def real_one(name: str, input: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Any:
    check_real(name, input)
    x = promoted(input, False)
    at = one_dim(x, dim)
    size = x.shape[at] if n is None else n
    check_size(size)
    return fft_r2c(resized(x, at, size), (at,), scale_of(norm, forward), True)


def half_one(input: Any, n: int | None, dim: int, norm: str | None, forward: bool) -> Any:
    x = promoted(input, True)
    at = one_dim(x, dim)
    size = 2 * (x.shape[at] - 1) if n is None else n
    check_size(size)
    x = resized(x, at, size // 2 + 1)
    return fft_c2r(conj(x) if forward else x, (at,), scale_of(norm, forward), size)


def complex_many(input: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Any:
    x = promoted(input, True)
    dims, sizes = canonical_dims(x, s, dim)
    scale = scale_of(norm, forward)
    x = fitted(x, dims, sizes)
    if not dims:
        return x if x is not input else x * 1
    return fft_c2c(x, dims, scale, forward)


def real_many(name: str, input: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Any:
    check_real(name, input)
    x = promoted(input, False)
    dims, sizes = canonical_dims(x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    x = fitted(x, dims, sizes)
    scale = scale_of(norm, forward)
    if forward:
        return fft_r2c(x, dims, scale, True)
    made = conj(fft_r2c(x, dims[-1:], scale, True))
    return fft_c2c(made, dims[:-1], scale, False) if len(dims) > 1 else made


def half_many(name: str, input: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Any:
    x = promoted(input, True)
    dims, sizes = canonical_dims(x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    given = None if s is None else (s if isinstance(s, int) else tuple(s)[-1])
    size = 2 * (sizes[-1] - 1) if given is None or given == -1 else sizes[-1]
    check_size(size)
    x = fitted(x, dims, [*sizes[:-1], size // 2 + 1])
    scale = scale_of(norm, forward)
    if not forward:
        return fft_c2r(x, dims, scale, size)
    if len(dims) > 1:
        x = fft_c2c(x, dims[:-1], scale, True)
    return fft_c2r(conj(x), dims[-1:], scale, size)


def given_out(out: Any, result: Any, name: str) -> Any:
    return result if out is None else views.write_out(views.Named(name), out, result)


# ---- one dimension


# Slower than PyTorch: NumPy's transforms take two to three times those of MKL.
@numpy_names
def fft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The discrete Fourier transform over one dimension, of ``n`` numbers (trimmed, or padded with zeros).

    ``norm``: "backward" (the default: only the inverse is divided, by n), "forward" (only this one is) or "ortho" (both
    are, by the root of n).

    >>> import rushlight as torch
    >>> torch.fft.fft(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    return given_out(out, complex_one(input, n, dim, norm, True), "fft")


# Slower than PyTorch: NumPy's transforms take two to three times those of MKL.
@numpy_names
def ifft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of :func:`fft`.

    >>> import rushlight as torch
    >>> torch.fft.ifft(torch.ones(2)).real
    tensor([1., 0.])
    """
    return given_out(out, complex_one(input, n, dim, norm, False), "ifft")


# Slower than PyTorch: NumPy's transforms take two to three times those of MKL.
@numpy_names
def rfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform of real numbers: the first ``n // 2 + 1`` of it, which tell the others.

    >>> import rushlight as torch
    >>> torch.fft.rfft(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j])
    """
    return given_out(out, real_one("rfft", input, n, dim, norm, True), "rfft")


@numpy_names
def irfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of :func:`rfft`: ``n`` real numbers (``2 (m - 1)`` of ``m`` if not given).

    >>> import rushlight as torch
    >>> torch.fft.irfft(torch.ones(3))
    tensor([1., 0., 0., 0.])
    """
    return given_out(out, half_one(input, n, dim, norm, False), "irfft")


@numpy_names
def hfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform, real, of a signal that is symmetric and given by its first half.

    >>> import rushlight as torch
    >>> torch.fft.hfft(torch.ones(2))
    tensor([2., 0.])
    """
    return given_out(out, half_one(input, n, dim, norm, True), "hfft")


@numpy_names
def ihfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of :func:`hfft`: the first half of the symmetric signal.

    >>> import rushlight as torch
    >>> torch.fft.ihfft(torch.tensor([2.0, 0.0]))
    tensor([1.-0.j, 1.-0.j])
    """
    return given_out(out, conj(real_one("ihfft", input, n, dim, norm, False)), "ihfft")


# ---- two dimensions, and any number


def _two(name: str, many: Any, example: str) -> Any:
    # Slower than PyTorch: NumPy's transforms take two to three times those of MKL.
    def function(
        input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
    ) -> Tensor:
        made: Tensor = many(input, s, dim, norm, out=out)
        return made

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The same as :func:`{name[:-1]}n` over two dimensions, the last if not given.

    >>> import rushlight as torch
    >>> {example}
    """
    return numpy_names(function)


# Slower than PyTorch: NumPy's transforms take two to three times those of MKL.
@numpy_names
def fftn(
    input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The discrete Fourier transform over several dimensions (all, or as many of the last as ``s`` has sizes).

    ``s``: sizes to trim or pad to, -1 for as they are.

    >>> import rushlight as torch
    >>> torch.fft.fftn(torch.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return given_out(out, complex_many(input, s, dim, norm, True), "fftn")


@numpy_names
def ifftn(
    input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of :func:`fftn`.

    >>> import rushlight as torch
    >>> torch.fft.ifftn(torch.ones(1, 2))
    tensor([[1.+0.j, 0.+0.j]])
    """
    return given_out(out, complex_many(input, s, dim, norm, False), "ifftn")


@numpy_names
def rfftn(
    input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform of real numbers over several dimensions, half of the last one.

    >>> import rushlight as torch
    >>> torch.fft.rfftn(torch.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return given_out(out, real_many("rfftn", input, s, dim, norm, True), "rfftn")


@numpy_names
def irfftn(
    input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of :func:`rfftn`; the last size is ``2 (m - 1)`` of ``m`` if not given.

    >>> import rushlight as torch
    >>> torch.fft.irfftn(torch.ones(1, 2))
    tensor([[1., 0.]])
    """
    return given_out(out, half_many("irfftn", input, s, dim, norm, False), "irfftn")


@numpy_names
def hfftn(
    input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform, real, of a signal that is symmetric and given by half of its last dimension.

    >>> import rushlight as torch
    >>> torch.fft.hfftn(torch.ones(1, 2))
    tensor([[2., 0.]])
    """
    return given_out(out, half_many("hfftn", input, s, dim, norm, True), "hfftn")


@numpy_names
def ihfftn(
    input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of :func:`hfftn`.

    >>> import rushlight as torch
    >>> torch.fft.ihfftn(torch.tensor([[2.0, 0.0]])).real
    tensor([[1., 1.]])
    """
    return given_out(out, real_many("ihfftn", input, s, dim, norm, False), "ihfftn")


fft2 = _two("fft2", fftn, "torch.fft.fft2(torch.ones(1, 1))\n    tensor([[1.+0.j]])")
ifft2 = _two("ifft2", ifftn, "torch.fft.ifft2(torch.ones(1, 1))\n    tensor([[1.+0.j]])")
rfft2 = _two("rfft2", rfftn, "torch.fft.rfft2(torch.ones(1, 1))\n    tensor([[1.+0.j]])")
irfft2 = _two("irfft2", irfftn, "torch.fft.irfft2(torch.ones(1, 2))\n    tensor([[1., 0.]])")
hfft2 = _two("hfft2", hfftn, "torch.fft.hfft2(torch.ones(1, 2))\n    tensor([[2., 0.]])")
ihfft2 = _two("ihfft2", ihfftn, "torch.fft.ihfft2(torch.ones(1, 1)).real\n    tensor([[1.]])")


# ---- frequencies


def frequencies(name: str, n: int, d: float, dtype: Any, half: bool) -> np.ndarray:
    wanted = dtypes.default_dtype if dtype is None else dtypes.to_numpy_dtype(dtype)
    if wanted.kind not in "fc":
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    k = np.arange(n // 2 + 1) if half else np.arange(n)
    if half and n == 0:
        k = k[:1]
    if not half:
        k[(n + 1) // 2 :] -= n
    with np.errstate(all="ignore"):
        return k.astype(wanted) * wanted.type(np.divide(1.0, np.float64(n * d)))


def fftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of :func:`fft` of ``n`` samples ``d`` apart, in cycles: 0, 1, ..., -2, -1 over ``n d``.

    >>> import rushlight as torch
    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return into_range(out, made(frequencies("fftfreq", n, d, dtype, False), requires_grad, device, layout))


def rfftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of :func:`rfft` of ``n`` samples ``d`` apart: 0, 1, ..., ``n // 2`` over ``n d``.

    >>> import rushlight as torch
    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return into_range(out, made(frequencies("rfftfreq", n, d, dtype, True), requires_grad, device, layout))


def shifted_by(input: Tensor, dim: Any, share: Any) -> Tensor:
    dims = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if not dims:
        return input
    return roll(input, tuple([share(input.shape[canonical(d, input.ndim)]) for d in dims]), dims)


@numpy_names
def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Zero frequency moved to the middle, over all dimensions or those given.

    >>> import rushlight as torch
    >>> torch.fft.fftshift(torch.arange(5))
    tensor([3, 4, 0, 1, 2])
    """
    return shifted_by(input, dim, lambda n: n // 2)


@numpy_names
def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of :func:`fftshift`.

    >>> import rushlight as torch
    >>> torch.fft.ifftshift(torch.arange(5))
    tensor([2, 3, 4, 0, 1])
    """
    return shifted_by(input, dim, lambda n: (n + 1) // 2)
