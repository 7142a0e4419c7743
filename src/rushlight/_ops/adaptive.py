"""Pooling by the size of the result: adaptive and fractional windows, and the inverse of max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import record
from .._core.declare import LINEAR, operator
from .._core.tensor import Tensor
from .._kernels import pool as kernels
from .._kernels.formats import laid_as
from .fill import tied
from .pool import put_planes, take_planes
from .reduce import mean, require_kernel
from .samples import by_samples
from .shape import squeeze, unsqueeze

Sizes = int | None | Sequence[int | None]

# ---- adaptive averages


def _mean(dims: int, node: str) -> Any:
    def forward(input: Tensor, size: Any) -> Tensor:
        made = kernels.adaptive_avg_pool(input, size)
        return laid_as(made, input) if dims == 2 else made  # type: ignore[no-any-return]

    def back(input: Tensor, spatial: Any) -> Tensor:
        return kernels.adaptive_avg_pool_grad(input, spatial)

    forward.__name__ = f"adaptive_avg_pool{dims}d"
    back.__name__ = f"adaptive_avg_pool{dims}d_back"
    spread: Any = operator(
        jvp=LINEAR, batch=by_samples, node=node.replace("Backward0", "BackwardBackward0"),
        input=lambda g, input_shape: pooled(g, tuple(input_shape[2:])),
    )(back)  # fmt: skip
    pooled: Any = operator(
        jvp=LINEAR, batch=by_samples, node=node,
        input=lambda g, input: tied(spread(g, tuple(input.shape[2:])), input),
    )(forward)  # fmt: skip
    return pooled


_MEAN = {
    1: _mean(1, "SqueezeBackward1"),
    2: _mean(2, "AdaptiveAvgPool2DBackward0"),
    3: _mean(3, "AdaptiveAvgPool3DBackward0"),
}


def sizes_of(output_size: Sizes, input: Any, dims: int, name: str) -> tuple[int, ...]:
    """The spatial size asked for, None standing for the input's own."""
    if type(output_size) is int or isinstance(output_size, np.integer):
        given: tuple[Any, ...] = (int(output_size),) * dims  # type: ignore[arg-type]
    elif isinstance(output_size, (bool, str)) or not isinstance(output_size, Sequence):
        raise TypeError(
            f"{name}(): argument 'output_size' (position 2) must be tuple of ints, not {type(output_size).__name__}"
        )
    else:
        given = tuple(output_size)
    if dims > 1 and input.ndim <= dims and type(output_size) is not int:
        raise ValueError(f"Input dimension should be at least {dims + 1}, but it has the shape {list(input.shape)}")
    if len(given) != dims:
        if dims == 1:
            raise RuntimeError(f"{name}() argument 'output_size' should contain one int (got {len(given)})")
        raise RuntimeError(
            f"{name}: output_size must be {dims}, but got {len(given)} numbers"
            if "avg" in name
            else f"{name}(): internal error: output_size.size() must be {dims}, but is {len(given)}"
        )
    for i, n in enumerate(given):
        if not isinstance(n, (int, np.integer)) and (n is not None or dims == 1):
            raise TypeError(
                f"{name}(): argument 'output_size' (position 2) must be tuple of ints, but found element of type "
                f"{type(n).__name__} at pos {i}"
            )
    if input.ndim < dims:  # batched() says why that is not right
        return (1,) * dims
    made = tuple([n if size is None else int(size) for size, n in zip(given, input.shape[-dims:], strict=True)])
    if any([n < 0 for n in made]):
        shape = [*input.shape[:-dims], *([1] if dims == 1 else []), *made]
        if "max" in name:
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(made)}: {shape}")
        raise RuntimeError(
            f"adaptive_avg_pool{max(dims, 2)}d: elements of output_size must be greater than or equal to 0 but received "
            f"{list(made) if dims > 1 else [1, *made]}"
        )
    return made


def batched(input: Tensor, dims: int, name: str) -> tuple[Tensor, bool]:
    """The input with a batch dimension, and whether it had to be put in."""
    if input.ndim not in (dims + 1, dims + 2):
        if dims == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while checking "
                f"arguments for {name})"
            )
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got {list(input.shape)}")
    channels = input.ndim == dims + 2 and ("max" in name or dims == 3)
    for i in range(1, dims + 1 + channels):
        if input.shape[-i] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {input.ndim - i} being empty"
            )
    return (unsqueeze(input, 0), True) if input.ndim == dims + 1 else (input, False)


def adaptive_avg_pool(input: Tensor, output_size: Sizes, dims: int) -> Tensor:
    name = f"adaptive_avg_pool{dims}d"
    size = sizes_of(output_size, input, dims, name)
    x, added = batched(input, dims, name)
    if size == (1,):  # as a picture of height 1, as in PyTorch
        return squeeze(mean(unsqueeze(input, -2), (-2, -1), True), -2)
    if size == (1,) * dims:
        return mean(input, tuple(range(input.ndim - dims, input.ndim)), True)
    require_kernel("adaptive_avg_pool3d_cpu" if dims == 3 else "adaptive_avg_pool2d", x, "buic")
    made = _MEAN[dims](x, size)
    return squeeze(made, 0) if added else made


# Slower than PyTorch: the gradient is spread in passes of NumPy, and copied into place.
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of the ``output_size`` parts that the last dimension is cut into.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_avg_pool1d(torch.tensor([[1.0, 3.0, 5.0, 7.0]]), 2)
    tensor([[2., 6.]])
    """
    return adaptive_avg_pool(input, output_size, 1)


def adaptive_avg_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of the parts that the last two dimensions are cut into; None keeps a dimension's size.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.tensor([[[1.0, 3.0], [5.0, 7.0]]]), (1, None))
    tensor([[[3., 5.]]])
    """
    return adaptive_avg_pool(input, output_size, 2)


def adaptive_avg_pool3d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of the parts that the last three dimensions are cut into; None keeps a dimension's size.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_avg_pool3d(torch.ones(1, 2, 2, 2), 1)
    tensor([[[[1.]]]])
    """
    return adaptive_avg_pool(input, output_size, 3)


# ---- adaptive maxima


def _max(dims: int, node: str) -> Any:
    def body(input: Tensor, size: Any) -> Any:
        values, indices = kernels.adaptive_max_pool(input, size)
        return (laid_as(values, input), laid_as(indices, input)) if dims == 2 else (values, indices)

    body.__name__ = f"adaptive_max_pool{dims}d"
    return operator(
        node=node, outputs=("values", "indices"), differentiable=(0,), batch=by_samples,
        input=lambda g, indices, input: tied(put_planes(g, indices, tuple(input.shape[2:])), input),
    )(body)  # fmt: skip


_MAX = {
    1: _max(1, "SqueezeBackward1"),
    2: _max(2, "AdaptiveMaxPool2DBackward0"),
    3: _max(3, "AdaptiveMaxPool3DBackward0"),
}


def adaptive_max_pool(input: Tensor, output_size: Sizes, dims: int) -> tuple[Tensor, Tensor]:
    name = f"adaptive_max_pool{dims}d"
    size = sizes_of(output_size, input, dims, name)
    x, added = batched(input, dims, name)
    require_kernel("adaptive_max_pool3d_cpu" if dims == 3 else "adaptive_max_pool2d", x, "buic")
    values, indices = _MAX[dims](x, size)
    return (squeeze(values, 0), squeeze(indices, 0)) if added else (values, indices)


def _adaptive_max(dims: int, plural: str) -> tuple[Any, Any]:
    def both(input: Tensor, output_size: Sizes, return_indices: bool = False) -> tuple[Tensor, Tensor]:
        return adaptive_max_pool(input, output_size, dims)

    def one(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
        made = adaptive_max_pool(input, output_size, dims)
        return made if return_indices else made[0]

    shape = "1, " + ", ".join(["2"] * dims)
    one.__name__ = one.__qualname__ = f"adaptive_max_pool{dims}d"
    both.__name__ = both.__qualname__ = one.__name__ + "_with_indices"
    one.__doc__ = f"""The maxima of the parts that {plural} cut into; with ``return_indices`` also where they are.

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool{dims}d(torch.ones({shape}), 1).flatten()
    tensor([1.])
    """
    both.__doc__ = f"""The maxima of the parts that {plural} cut into, and where they are (flat indices).

    >>> import rushlight as torch
    >>> torch.nn.functional.adaptive_max_pool{dims}d_with_indices(torch.ones({shape}), 1)[1].flatten()
    tensor([0])
    """
    return one, both


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_max(1, "the last dimension is")
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_max(2, "the last two dimensions are")
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_max(3, "the last three dimensions are")


# ---- fractional maxima


def _fractional(dims: int, node: str) -> Any:
    def body(input: Tensor, samples: Tensor, kernel: Any, size: Any) -> Any:
        return kernels.fractional_max_pool(input, kernel, size, samples)

    body.__name__ = f"fractional_max_pool{dims}d"
    return operator(
        node=node, outputs=("values", "indices"), differentiable=(0,), batch=by_samples,
        input=lambda g, indices, input: tied(put_planes(g, indices, tuple(input.shape[2:])), input),
    )(body)  # fmt: skip


_FRACTIONAL = {
    2: _fractional(2, "FractionalMaxPool2DBackward0"),
    3: _fractional(3, "FractionalMaxPool3DBackward0"),
}


def fractional(
    input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any, dims: int
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{dims}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {list(input.shape)}")
    kernel = repeated(kernel_size, dims, name, "kernel_size")
    if output_size is None:
        ratios = (output_ratio,) * dims if not isinstance(output_ratio, (tuple, list)) else tuple(output_ratio)
        if len(ratios) > dims:
            raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        size = tuple([int(n * r) for n, r in zip(input.shape[-dims:], ratios, strict=True)])
    else:
        size = repeated(output_size, dims, name, "output_size")
    require_kernel(
        "check_uniform_bounds" if record.np_dtype(input).kind in "biu" else f"fractional_max_pool{dims}d_out_frame",
        input,
        "buic",
    )
    x, added = (unsqueeze(input, 0), True) if input.ndim == dims + 1 else (input, False)
    word = "_out()" if dims == 3 else "()"
    if 0 in x.shape[1:]:
        at = input.ndim - x.ndim + 1 + list(x.shape[1:]).index(0)
        raise RuntimeError(
            f"{name}{word}: Expected input to have non-zero size for non-batch dimensions, but got{list(input.shape)} with "
            f"dimension {at} being empty."
        )
    for axis, n, k, out in zip(("time", "height", "width")[-dims:], x.shape[2:], kernel, size, strict=True):
        if out + k - 1 > n - (dims == 3 and out > 0) or out < 0:
            raise RuntimeError(f"{name}{word}: pool {axis} {k} too large relative to input {axis} {n}")
    if samples is None:
        from .random import rand

        samples = rand(x.shape[0], x.shape[1], dims, dtype=x.dtype)
    else:
        check_samples(samples, x, dims)
        samples = samples[: x.shape[0]]
    values, indices = _FRACTIONAL[dims](x, samples, kernel, size)
    return (squeeze(values, 0), squeeze(indices, 0)) if added else (values, indices)


def check_samples(samples: Any, x: Any, dims: int) -> None:
    """Raise unless there are enough random numbers for each plane."""
    if samples.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {samples.ndim}")
    if samples.shape[0] < x.shape[0]:
        raise RuntimeError(f"Expect _random_samples.size(0) no less then input batch size: {x.shape[0]}.")
    if samples.shape[1] != x.shape[1]:
        raise RuntimeError(f"Expect _random_samples.size(1) equals to input channel size. It is {x.shape[1]}.")
    if samples.shape[2] != dims:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {dims}; got {samples.shape[2]}.")


def repeated(value: Any, dims: int, name: str, what: str) -> tuple[int, ...]:
    given = (value,) * dims if isinstance(value, int) else tuple(value)
    if len(given) == 1:
        given *= dims
    if len(given) != dims:
        raise RuntimeError(f"{name}: {what} must either be a single Int or tuple of {dims} Ints")
    return given


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`fractional_max_pool2d`, and where the maxima are (flat indices).

    >>> import rushlight as torch
    >>> x = torch.ones(1, 1, 3, 3)
    >>> torch.nn.functional.fractional_max_pool2d_with_indices(x, 2, output_size=1)[0].flatten()
    tensor([1.])
    """
    return fractional(input, kernel_size, output_size, output_ratio, _random_samples, 2)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`fractional_max_pool3d`, and where the maxima are (flat indices).

    >>> import rushlight as torch
    >>> x = torch.ones(1, 1, 3, 3, 3)
    >>> torch.nn.functional.fractional_max_pool3d_with_indices(x, 2, output_size=1)[0].flatten()
    tensor([1.])
    """
    return fractional(input, kernel_size, output_size, output_ratio, _random_samples, 3)


def fractional_max_pool2d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The maxima of windows at pseudo-random places (Graham, 2014); ``_random_samples`` (N, C, 2) shift them.

    >>> import rushlight as torch
    >>> torch.nn.functional.fractional_max_pool2d(torch.ones(1, 1, 4, 4), 2, output_size=2)
    tensor([[[[1., 1.],
              [1., 1.]]]])
    """
    made = fractional(input, kernel_size, output_size, output_ratio, _random_samples, 2)
    return made if return_indices else made[0]


def fractional_max_pool3d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The maxima of windows at pseudo-random places (Graham, 2014); ``_random_samples`` (N, C, 3) shift them.

    >>> import rushlight as torch
    >>> torch.nn.functional.fractional_max_pool3d(torch.ones(1, 1, 3, 3, 3), 2, output_size=1).flatten()
    tensor([1.])
    """
    made = fractional(input, kernel_size, output_size, output_ratio, _random_samples, 3)
    return made if return_indices else made[0]


# ---- the inverse of max pooling


def _unpool(dims: int) -> Any:
    def body(input: Tensor, indices: Tensor, spatial: Any) -> Tensor:
        made = kernels.max_unpool(input, indices, spatial)
        return laid_as(made, input) if dims == 2 else made  # type: ignore[no-any-return]

    body.__name__ = f"max_unpool{dims}d"
    return operator(
        jvp=LINEAR, batch=by_samples, node=f"MaxUnpool{dims}DBackward0", input=lambda g, indices: take_planes(g, indices)
    )(body)  # fmt: skip


_UNPOOL = {2: _unpool(2), 3: _unpool(3)}


def max_unpool(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any, dims: int
) -> Tensor:
    name = f"max_unpool{dims}d"
    kernel = repeated(kernel_size, dims, name, "kernel_size")
    steps = kernel if stride is None else repeated(stride, dims, name, "stride")
    pads = repeated(padding, dims, name, "padding")
    size = unpooled_size(input, kernel, steps, pads, output_size)
    if record.np_dtype(indices) != np.int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Input to {name} should be a {dims + 1}d or {dims + 2}d Tensor, but got a tensor with {input.ndim} dims."
        )
    require_kernel(f"max_unpool{max(dims, 2)}d", input, "buic")
    if tuple(input.shape) != tuple(indices.shape):
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    empty = [i for i, n in enumerate(input.shape) if not n and i > input.ndim - dims - 2]
    if (input.ndim == dims + 2 and input.shape[1] == 0) or 0 in input.shape[-dims:]:
        raise RuntimeError(
            f"max_unpooling{max(dims, 2)}d_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, "
            f"but got {list(input.shape)} with dimension {empty[0]} being empty."
        )
    x, at, added = (input, indices, 0) if input.ndim == dims + 2 else (unsqueeze(input, 0), unsqueeze(indices, 0), 1)
    if dims == 1:  # as a picture of width 1, as in PyTorch
        x, at, size = unsqueeze(x, 3), unsqueeze(at, 3), (*size, 1)
    array = record.inner_array(at)
    total = int(np.prod(size))
    if array is not None and array.size and (array.min() < 0 or array.max() >= total):
        bad = int(array.max()) if array.max() >= total else int(array.min())
        raise RuntimeError(f"Found an invalid max index: {bad} (output volumes are of size {'x'.join(map(str, size))}")
    made = _UNPOOL[max(dims, 2)](x, at, size)
    if dims == 1:
        made = squeeze(made, 3)
    return squeeze(made, 0) if added else made


def unpooled_size(input: Any, kernel: Any, steps: Any, pads: Any, output_size: Any) -> tuple[int, ...]:
    """The spatial size that was pooled: the one given, if it can be, or the smallest."""
    dims = len(kernel)
    default = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(input.shape[-dims:], steps, kernel, pads, strict=True)]
    if output_size is None:
        size = tuple(default)
    else:
        size = tuple(output_size)
        if len(size) == dims + 2:
            size = size[2:]
        if len(size) != dims:
            raise ValueError(
                f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of "
                f"'{len(size)}'"
            )
        for d, (n, usual, step) in enumerate(zip(size, default, steps, strict=True)):
            if not usual - step < n < usual + step:
                raise ValueError(
                    f'invalid output_size "{output_size}" (dim {d} must be between {usual - step} and {usual + step})'
                )
    for d, n in enumerate(size):
        if n < 0:
            raise ValueError(
                f"max_unpooling: output_size must contain non-negative spatial dimensions, but got output_size[{d}]={n}"
            )
    return size


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros with ``input`` where the maxima were: the partial inverse of :func:`max_pool1d`.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_unpool1d(torch.tensor([[3.0, 5.0]]), torch.tensor([[1, 2]]), 2)
    tensor([[0., 3., 5., 0.]])
    """
    return max_unpool(input, indices, kernel_size, stride, padding, output_size, 1)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros with ``input`` where the maxima were: the partial inverse of :func:`max_pool2d`.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_unpool2d(torch.tensor([[[3.0]]]), torch.tensor([[[1]]]), 2)
    tensor([[[0., 3.],
             [0., 0.]]])
    """
    return max_unpool(input, indices, kernel_size, stride, padding, output_size, 2)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros with ``input`` where the maxima were: the partial inverse of :func:`max_pool3d`.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_unpool3d(torch.tensor([[[[3.0]]]]), torch.tensor([[[[1]]]]), (1, 1, 2))
    tensor([[[[0., 3.]]]])
    """
    return max_unpool(input, indices, kernel_size, stride, padding, output_size, 3)
