"""Pooling: maxima and averages of windows.

A maximum keeps the flat index of its element in the picture: its gradient is put back there (``put_planes``, the
transpose of ``take_planes``). An average is linear; its transpose stands beside it. Their gradients come from the input
too, with gradient 0 (``tied``): PyTorch's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.declare import LINEAR, operator
from .._core.tensor import Tensor
from .._kernels import pool as kernels
from .._kernels.formats import laid_as
from .fill import tied
from .reduce import require_kernel
from .samples import by_samples
from .shape import squeeze, unsqueeze

Ints = int | Sequence[int]


@operator(jvp=LINEAR, batch=by_samples, input=lambda g, indices: take_planes(g, indices))
def put_planes(input: Tensor, indices: Tensor, spatial: tuple[int, ...]) -> Tensor:
    """Planes of zeros with ``input`` (N, C, *out) added at flat ``indices``; the transpose of :func:`take_planes`."""
    return kernels.scatter_planes(input, indices, spatial)


@operator(
    jvp=LINEAR, batch=by_samples, input=lambda g, input_shape, indices: put_planes(g, indices, tuple(input_shape[2:]))
)
def take_planes(input: Tensor, indices: Tensor) -> Tensor:
    """The elements of planes (N, C, *spatial) at flat ``indices``; the transpose of :func:`put_planes`."""
    return kernels.gather_planes(input, indices)


def _max(dims: int, node: str) -> Any:
    def body(input: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Any:
        values, indices = kernels.max_pool(input, kernel, stride, padding, dilation, ceil_mode)
        return laid_as(values, input), laid_as(indices, input)

    body.__name__ = f"max_pool{dims}d_of"
    return operator(
        node=node, outputs=("values", "indices"), differentiable=(0,), batch=by_samples,
        input=lambda g, indices, input: tied(put_planes(g, indices, tuple(input.shape[2:])), input),
    )(body)  # fmt: skip


_MAX = {
    1: _max(1, "SqueezeBackward1"),
    2: _max(2, "MaxPool2DWithIndicesBackward0"),
    3: _max(3, "MaxPool3DWithIndicesBackward0"),
}


def numbers(value: Any, dims: int, name: str) -> tuple[int, ...]:
    if type(value) is int:
        return (value,) * dims
    if isinstance(value, (bool, str)) or not isinstance(value, (Sequence, np.integer)):
        function, _, what = name.partition(": ")
        raise TypeError(f"{function}(): argument '{what}' must be tuple of ints, not {type(value).__name__}")
    given = (int(value),) * dims if isinstance(value, np.integer) else tuple(value)
    for i, v in enumerate(given):
        if not isinstance(v, (int, np.integer)):
            function, _, what = name.partition(": ")
            raise TypeError(
                f"{function}(): argument '{what}' must be tuple of ints, but found element of type {type(v).__name__} at "
                f"pos {i}"
            )
    if len(given) == 1:
        given *= dims
    if len(given) != dims:
        raise RuntimeError(f"{name} must either be a single int, or a tuple of {dims} ints")
    return given


def unbatched(input: Tensor, dims: int, name: str) -> tuple[Tensor, bool]:
    """The input with a batch dimension, and whether it had to be put in."""
    if input.ndim not in (dims + 1, dims + 2):
        raise wrong_rank(input, dims, name)
    if 0 in input.shape[-dims - 1 :]:
        if dims == 3:
            kernel = name if name.startswith("avg") else "max_pool3d_with_indices_out_cpu_template"
            raise RuntimeError(
                f"{kernel}(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
                f"{list(input.shape)}"
            )
        start = f"{name}: " if name == "max_pool1d" else ""
        raise RuntimeError(
            f"{start}Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}"
        )
    return (input, False) if input.ndim == dims + 2 else (unsqueeze(input, 0), True)


def wrong_rank(input: Any, dims: int, name: str) -> Exception:
    """PyTorch's error, which has other words for each."""
    if name == "max_pool1d":
        return RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(input.shape)}"
        )
    if name == "avg_pool1d":
        return RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' (while checking "
            "arguments for avg_pool1d)"
        )
    if name == "avg_pool2d" and input.ndim < 3:
        return IndexError(
            f"Dimension out of range (expected to be in range of [{-max(input.ndim, 1)}, {max(input.ndim, 1) - 1}], but got "
            f"-3): avg_pool2d takes 3D or 4D input, not {list(input.shape)}"
        )
    return RuntimeError(
        f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input, but got {list(input.shape)}"
    )


def check_window(kernel: Any, steps: Any, pads: Any, holes: Any, name: str) -> None:
    """Raise for windows of no size, or that do not move."""
    if name == "max_pool1d":
        for what, values in (("kernel_size", kernel), ("stride", steps), ("dilation", holes)):
            if values[0] <= 0:
                raise RuntimeError(f"max_pool1d() {what} must be greater than zero, but got {values[0]}")
        if pads[0] < 0:
            raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {pads[0]}")
    if 0 in steps:
        raise RuntimeError(f"stride should not be zero, but got {list(steps)}")
    letters = "THW"[-len(kernel) :]
    for what, letter, values in (("kernel size", "k", kernel), ("stride", "d", steps)):
        if min(values) <= 0:
            shown = " ".join(f"{letter}{x}: {v}" for x, v in zip(letters, values, strict=False))
            raise RuntimeError(f"{what} should be greater than zero, but got {shown}")
    if min(holes) <= 0:
        shown = " ".join(f"dilation{x}: {v}" for x, v in zip(letters, holes, strict=False))
        raise RuntimeError(f"dilation should be greater than zero, but got {shown}")
    if min(pads) < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(pads)}")


def max_pool(
    input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, dims: int
) -> tuple[Tensor, Tensor]:
    name = f"max_pool{dims}d"
    kernel = numbers(kernel_size, dims, f"{name}: kernel_size")
    steps = (
        kernel
        if stride is None or (isinstance(stride, (list, tuple)) and not stride)
        else numbers(stride, dims, f"{name}: stride")
    )
    pads, holes = numbers(padding, dims, f"{name}: padding"), numbers(dilation, dims, f"{name}: dilation")
    check_window(kernel, steps, pads, holes, name)
    if any(p > k // 2 for p, k in zip(pads, kernel, strict=True)):
        raise RuntimeError(
            "pad should be at most half of effective kernel size, but got pad="
            f"{max(pads)}, kernel_size={max(kernel)} and dilation={max(holes)}"
        )
    x, added = unbatched(input, dims, name)
    out = kernels.pool_output_shape(tuple(x.shape[2:]), kernel, steps, pads, holes, ceil_mode)
    if any(n <= 0 for n in out):
        raise RuntimeError(
            f"Given input size: ({'x'.join(map(str, x.shape[1:]))}). Calculated output size: "
            f"({'x'.join(map(str, (x.shape[1], *out)))}). Output size is too small"
        )
    require_kernel(f"max_pool{max(dims, 2)}d", x, "bc")
    values, indices = _MAX[dims](x, kernel, steps, pads, holes, bool(ceil_mode))
    return (squeeze(values, 0), squeeze(indices, 0)) if added else (values, indices)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The maximum of each window, and where it is.

    >>> import rushlight as torch
    >>> values, indices = torch.nn.functional.max_pool1d_with_indices(torch.ones(1, 2), 2)
    >>> values.flatten(), indices.flatten()
    (tensor([1.]), tensor([0]))
    """
    return max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, 1)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The maximum of each window, and where it is in its plane (a flat index).

    >>> import rushlight as torch
    >>> values, indices = torch.nn.functional.max_pool2d_with_indices(torch.ones(1, 1, 2), (1, 2))
    >>> values.flatten(), indices.flatten()
    (tensor([1.]), tensor([0]))
    """
    return max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, 2)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The maximum of each window, and where it is in its volume (a flat index).

    >>> import rushlight as torch
    >>> values, indices = torch.nn.functional.max_pool3d_with_indices(torch.ones(1, 1, 1, 2), (1, 1, 2))
    >>> values.flatten(), indices.flatten()
    (tensor([1.]), tensor([0]))
    """
    return max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, 3)


def max_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The maximum of each window over one dimension; with ``return_indices`` also where it is.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    if not return_indices and getattr(input, "_node", None) is None:
        require_kernel("max_pool1d_impl", input, "buic")
    made = max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, 1)
    return made if return_indices else made[0]


def max_pool2d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The maximum of each window over two dimensions; with ``return_indices`` also where it is.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool2d(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
    tensor([[[3.]]])
    """
    made = max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, 2)
    return made if return_indices else made[0]


def max_pool3d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The maximum of each window over three dimensions; with ``return_indices`` also where it is.

    >>> import rushlight as torch
    >>> torch.nn.functional.max_pool3d(torch.ones(1, 2, 2, 2), 2)
    tensor([[[[1.]]]])
    """
    made = max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, 3)
    return made if return_indices else made[0]


# ---- averages


def _average(dims: int, node: str) -> Any:
    """Averages of windows, and their transpose."""

    def forward(
        input: Tensor, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool, divisor: int | None
    ) -> Tensor:
        made = kernels.avg_pool(input, kernel, stride, padding, ceil_mode, include, divisor)
        return laid_as(made, input) if dims == 2 else made  # type: ignore[no-any-return]

    def back(
        input: Tensor, spatial: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool,
        divisor: int | None,
    ) -> Tensor:  # fmt: skip
        return kernels.avg_pool_grad(input, spatial, kernel, stride, padding, ceil_mode, include, divisor)

    forward.__name__, back.__name__ = f"avg_pool{dims}d_of", f"avg_pool{dims}d_back"
    spread: Any = operator(
        jvp=LINEAR, batch=by_samples, node=node.replace("Backward0", "BackwardBackward0"),
        input=lambda g, kernel, stride, padding, ceil_mode, include, divisor: pooled(
            g, kernel, stride, padding, ceil_mode, include, divisor
        ),
    )(back)  # fmt: skip
    pooled: Any = operator(
        jvp=LINEAR, batch=by_samples, node=node,
        input=lambda g, input, kernel, stride, padding, ceil_mode, include, divisor: tied(
            spread(g, tuple(input.shape[2:]), kernel, stride, padding, ceil_mode, include, divisor), input
        ),
    )(forward)  # fmt: skip
    return pooled


_AVERAGE = {
    1: _average(1, "SqueezeBackward1"),
    2: _average(2, "AvgPool2DBackward0"),
    3: _average(3, "AvgPool3DBackward0"),
}


def avg_pool(
    input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool, divisor: Any, dims: int
) -> Tensor:
    name = f"avg_pool{dims}d"
    kernel = numbers(kernel_size, dims, f"{name}: kernel_size")
    steps = (
        kernel
        if stride is None or (isinstance(stride, (list, tuple)) and not stride)
        else numbers(stride, dims, f"{name}: stride")
    )
    pads = numbers(padding, dims, f"{name}: padding")
    check_window(kernel, steps, pads, (1,), name)
    if any(p > k // 2 for p, k in zip(pads, kernel, strict=True)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad={max(pads)}, kernel_size={max(kernel)} and "
            "dilation=1"
        )
    if divisor is not None and not isinstance(divisor, (int, np.integer)):
        raise TypeError(f"{name}(): argument 'divisor_override' must be int, not {type(divisor).__name__}")
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    x, added = unbatched(input, dims, name)
    out = kernels.pool_output_shape(tuple(x.shape[2:]), kernel, steps, pads, 1, ceil_mode)
    if any(n <= 0 for n in out):
        raise RuntimeError(
            f"Given input size: ({'x'.join(map(str, x.shape[1:]))}). Calculated output size: "
            f"({'x'.join(map(str, (x.shape[1], *out)))}). Output size is too small"
        )
    require_kernel("avg_pool3d_out_frame" if dims == 3 else "avg_pool2d", x, "buc", False)
    made = _AVERAGE[dims](x, kernel, steps, pads, bool(ceil_mode), bool(include), divisor)
    return squeeze(made, 0) if added else made


def avg_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of each window over one dimension.

    >>> import rushlight as torch
    >>> torch.nn.functional.avg_pool1d(torch.tensor([[1.0, 3.0]]), 2)
    tensor([[2.]])
    """
    return avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, 1)


def avg_pool2d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window over two dimensions.

    >>> import rushlight as torch
    >>> torch.nn.functional.avg_pool2d(torch.ones(1, 2, 2), 2)
    tensor([[[1.]]])
    """
    return avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2)


def avg_pool3d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window over three dimensions.

    >>> import rushlight as torch
    >>> torch.nn.functional.avg_pool3d(torch.ones(1, 2, 2, 2), 2)
    tensor([[[[1.]]]])
    """
    return avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 3)


# ---- power averages


def lp_pool(input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool, dims: int) -> Tensor:
    from .activation import relu
    from .compare import sign
    from .complexes import abs as abs_

    if norm_type == float("inf"):
        return max_pool(abs_(input), kernel_size, stride, 0, 1, ceil_mode, dims)[0]
    if norm_type == -float("inf"):
        return -max_pool(-abs_(input), kernel_size, stride, 0, 1, ceil_mode, dims)[0]
    kernel = numbers(kernel_size, dims, f"avg_pool{dims}d: kernel_size")
    means: Any = avg_pool(input**norm_type, kernel, stride, 0, ceil_mode, True, None, dims)
    taps = 1
    for k in kernel:
        taps *= k
    return (sign(means) * relu(abs_(means)) * taps) ** (1.0 / norm_type)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm (p = ``norm_type``) of each window over one dimension.

    >>> import rushlight as torch
    >>> torch.nn.functional.lp_pool1d(torch.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    return lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 1)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm (p = ``norm_type``) of each window over two dimensions.

    >>> import rushlight as torch
    >>> torch.nn.functional.lp_pool2d(torch.tensor([[[3.0, 4.0]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    return lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 2)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm (p = ``norm_type``) of each window over three dimensions.

    >>> import rushlight as torch
    >>> torch.nn.functional.lp_pool3d(torch.tensor([[[[3.0, 4.0]]]]), 2, (1, 1, 2))
    tensor([[[[5.]]]])
    """
    return lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 3)
