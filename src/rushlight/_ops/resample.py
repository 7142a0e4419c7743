"""Resampling pictures: interpolation to another size, reading at any places, windows as columns.

Interpolation, ``unfold`` and ``affine_grid`` are linear, each with its transpose beside it; ``grid_sample`` is a
composite of gathers with a kernel.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import dtypes, record
from .._core.declare import LINEAR, fused, operator
from .._core.tensor import Tensor
from .._kernels import resample as kernels
from .._kernels.formats import laid_as
from .adaptive import adaptive_avg_pool
from .broadcast import expand
from .compare import clamp, where
from .elementary import floats_only, floor
from .elementary import round as round_
from .index import gather
from .samples import by_samples
from .shape import reshape, select_at, squeeze, unsqueeze

# ---- interpolation


def kernel_of(name: str) -> str:
    """What PyTorch's errors call the kernel of an interpolation."""
    if name.endswith("_aa"):
        return "compute_index_ranges_weights"
    if "bicubic" in name:
        return "compute_indices_weights_cubic"
    if name in ("upsample_linear1d", "upsample_trilinear3d"):
        return "compute_indices_weights_linear"
    return name.replace("_exact", "") + "_channels_last"


def _interpolation(name: str, node: str) -> Any:
    def forward(input: Tensor, size: Any, method: str, align_corners: bool, scales: Any, antialias: bool) -> Tensor:
        array: Any = input
        if array.dtype.kind not in "f" and array.dtype != np.uint8:
            kind = dtypes.LEGACY[dtypes.dtype_of(array.dtype).name]
            raise NotImplementedError(f"\"{kernel_of(name)}\" not implemented for '{kind}'")
        if array.dtype == np.uint8 and len(size) != 2 and "linear" in name:
            raise NotImplementedError(f"\"{kernel_of(name)}\" not implemented for 'Byte'")
        return laid_as(kernels.interpolate(array, size, method, align_corners, scales, antialias), array)  # type: ignore[no-any-return]

    def back(input: Tensor, spatial: Any, method: str, align_corners: bool, scales: Any, antialias: bool) -> Tensor:
        return kernels.interpolate_grad(input, spatial, method, align_corners, scales, antialias)

    forward.__name__, back.__name__ = name, name + "_back"
    spread: Any = operator(
        jvp=LINEAR, batch=by_samples, node=node.replace("Backward0", "BackwardBackward0"),
        input=lambda g, input_shape, method, align_corners, scales, antialias: resized(
            g, tuple(input_shape[2:]), method, align_corners, scales, antialias
        ),
    )(back)  # fmt: skip
    resized: Any = operator(
        jvp=LINEAR, batch=by_samples, node=node,
        input=lambda g, input_shape, method, align_corners, scales, antialias: spread(
            g, tuple(input_shape[2:]), method, align_corners, scales, antialias
        ),
    )(forward)  # fmt: skip
    return resized


_RESIZE = {
    ("nearest", 1, False): _interpolation("upsample_nearest1d", "UpsampleNearest1DBackward0"),
    ("nearest", 2, False): _interpolation("upsample_nearest2d", "UpsampleNearest2DBackward0"),
    ("nearest", 3, False): _interpolation("upsample_nearest3d", "UpsampleNearest3DBackward0"),
    ("nearest-exact", 1, False): _interpolation("upsample_nearest_exact1d", "UpsampleNearestExact1DBackward0"),
    ("nearest-exact", 2, False): _interpolation("upsample_nearest_exact2d", "UpsampleNearestExact2DBackward0"),
    ("nearest-exact", 3, False): _interpolation("upsample_nearest_exact3d", "UpsampleNearestExact3DBackward0"),
    ("linear", 1, False): _interpolation("upsample_linear1d", "UpsampleLinear1DBackward0"),
    ("bilinear", 2, False): _interpolation("upsample_bilinear2d", "UpsampleBilinear2DBackward0"),
    ("trilinear", 3, False): _interpolation("upsample_trilinear3d", "UpsampleTrilinear3DBackward0"),
    ("bicubic", 2, False): _interpolation("upsample_bicubic2d", "UpsampleBicubic2DBackward0"),
    ("bilinear", 2, True): _interpolation("upsample_bilinear2d_aa", "UpsampleBilinear2DAaBackward0"),
    ("bicubic", 2, True): _interpolation("upsample_bicubic2d_aa", "UpsampleBicubic2DAaBackward0"),
    ("lanczos", 2, True): _interpolation("upsample_lanczos2d_aa", "UpsampleLanczos2DAaBackward0"),
}


def listed(value: Any, input: Any, what: str, letter: str) -> list[Any]:
    """A size or a factor for each spatial dimension."""
    dims = input.ndim - 2
    if not isinstance(value, (list, tuple)):
        return [value] * dims
    if len(value) != dims:
        raise ValueError(
            f"Input and {what.replace(' size', '')} must have the same number of spatial dimensions, but got input with spatial dimensions of "
            f"{list(input.shape[2:])} and {what} of {value}. Please provide input tensor in (N, C, d1, d2, ...,dK) format "
            f"and {what} in ({letter}1, {letter}2, ...,{letter}K) format."
        )
    return list(value)


# Slower than PyTorch: the gradient of nearest neighbours is a sum over windows in two passes.
def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:  # fmt: skip
    """The spatial dimensions of ``input`` (N, C, *spatial) resampled to ``size``, or by ``scale_factor``.

    ``mode`` is "nearest", "nearest-exact", "linear" (3D input), "bilinear" and "bicubic" (4D), "trilinear" (5D), "area",
    or, with ``antialias``, "lanczos" (4D). ``align_corners`` puts the outermost elements on the corners.

    >>> import rushlight as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 3.0]]]), 4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
            )
    dims = input.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    scales: tuple[Any, ...] = (None,) * max(dims, 0)
    if size is not None:
        sizes = listed(size, input, "output size", "o")
        if not all(isinstance(n, (int, np.integer)) for n in sizes):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size "
                f"with types {[type(n) for n in sizes]}"
            )
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    else:
        factors = listed(scale_factor, input, "scale_factor", "s")
        sizes = [int(n * f) for n, f in zip(input.shape[2:], factors, strict=True)]
        if not recompute_scale_factor and mode != "area":
            scales = tuple([float(f) for f in factors])
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "area" and 1 <= dims <= 3:
        return adaptive_avg_pool(input, sizes, dims)
    if mode == "lanczos" and input.ndim == 4:
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    resized = _RESIZE.get((mode, dims, bool(antialias)))
    if resized is None:
        needed = {"linear": 3, "bilinear": 4, "trilinear": 5}
        if mode in needed and 1 <= dims <= 3:
            raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {needed[mode]}D input")
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: nearest | linear | "
            f"bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
        )
    if any(n <= 0 for n in (*input.shape[2:], *sizes)):
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input (of sizes {list(input.shape[2:])}) and output "
            f"({sizes})"
        )
    return resized(input, tuple([int(n) for n in sizes]), mode, bool(align_corners), scales, bool(antialias))


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """Deprecated name of :func:`interpolate`.

    >>> import warnings, rushlight as torch
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.nn.functional.upsample(torch.tensor([[[1.0, 3.0]]]), 4)
    tensor([[[1., 1., 3., 3.]]])
    """
    warnings.warn(
        "`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", UserWarning, stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Deprecated: :func:`interpolate` with mode "nearest".

    >>> import warnings, rushlight as torch
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.nn.functional.upsample_nearest(torch.tensor([[[1.0, 3.0]]]), 4)
    tensor([[[1., 1., 3., 3.]]])
    """
    warnings.warn(
        "`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.",
        UserWarning,
        stacklevel=2,
    )
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Deprecated: :func:`interpolate` with mode "bilinear" and aligned corners.

    >>> import warnings, rushlight as torch
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.nn.functional.upsample_bilinear(torch.tensor([[[[1.0, 3.0]]]]), (1, 3))
    tensor([[[[1., 2., 3.]]]])
    """
    warnings.warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.",
        UserWarning,
        stacklevel=2,
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# ---- reading at given places


def grid_forward(x: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool) -> tuple[Any, ...]:
    return (kernels.grid_sample(x, grid, mode, padding_mode, align_corners),)


def grid_backward(
    g: Any, wanted: Any, x: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool
) -> tuple[Any, ...]:
    return kernels.grid_sample_grad(g, x, grid, mode, padding_mode, align_corners, wanted[0], wanted[1])


def unnormalized(x: Any, n: int, align_corners: bool) -> Any:
    """A coordinate in [-1, 1] as a position."""
    return (x + 1) * ((n - 1) / 2) if align_corners else (x + 1) * (n / 2) - 0.5


def folded_back(x: Any, n: int, padding_mode: str, align_corners: bool) -> Any:
    """A position brought into the picture: to its border, or reflected at its edges."""
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        low, span = (0.0, n - 1) if align_corners else (-0.5, n)
        if span == 0:
            x = x * 0
        else:
            x = abs(x - low)
            turns = floor(x / span)
            rest = x - turns * span
            x = where(turns % 2 == 0, rest + low, span - rest + low)
    return clamp(x, 0, n - 1)


def cubic_weights(t: Any) -> list[Any]:
    """Keys' weights (slope -0.75) of the four neighbours of a place ``t`` behind the second."""
    a = -0.75

    def far(d: Any) -> Any:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    def near(d: Any) -> Any:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


@fused(forward=grid_forward, backward=grid_backward, node="GridSampler2DBackward0")
def grid_sample_2d(input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool) -> Tensor:
    return sampled(input, grid, mode, padding_mode, align_corners)


@fused(forward=grid_forward, backward=grid_backward, node="GridSampler3DBackward0")
def grid_sample_3d(input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool) -> Tensor:
    return sampled(input, grid, mode, padding_mode, align_corners)


def sampled(input: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool) -> Any:
    """The sum over the neighbours of each place: weight times what is there."""
    spatial = tuple(input.shape[2:])
    dims, places = len(spatial), tuple(grid.shape[1:-1])
    axes = []  # for each spatial axis: (position, weight) of the neighbours along it
    for axis, n in enumerate(spatial):
        x = unnormalized(select_at(grid, grid.ndim - 1, dims - 1 - axis), n, align_corners)
        if mode == "bicubic":
            low = floor(x)
            axes.append(
                [
                    (folded_back(low + (k - 1), n, padding_mode, align_corners), w)
                    for k, w in enumerate(cubic_weights(x - low))
                ]
            )
            continue
        x = folded_back(x, n, padding_mode, align_corners)
        if mode == "nearest":
            axes.append([(round_(x), None)])
        else:
            low = floor(x)
            axes.append([(low, 1 - (x - low)), (low + 1, x - low)])
    flat = reshape(input, (*input.shape[:2], -1))
    total: Any = None
    for corner in itertools.product(*axes):
        inside: Any = None
        index: Any = 0
        weight: Any = None
        for (place, share), n in zip(corner, spatial, strict=True):
            here = (place >= 0) & (place <= n - 1)
            inside = here if inside is None else inside & here
            index = index * n + clamp(place.detach(), 0, n - 1)
            if share is not None:
                weight = share if weight is None else weight * share
        numbers = reshape(index.long(), (index.shape[0], 1, -1))
        taken = gather(flat, 2, expand(numbers, (*flat.shape[:2], numbers.shape[2])))
        taken = reshape(taken, (*flat.shape[:2], *places))
        shown = unsqueeze(inside, 1)
        part = taken if weight is None else taken * unsqueeze(weight, 1)
        part = where(shown, part, 0.0)
        total = part if total is None else total + part
    return total


# Slower than PyTorch: each corner is fetched by np.take, in a pass of its own; there one loop fetches all.
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """``input`` (N, C, *spatial) read at the places ``grid`` (N, *out, dims): (N, C, *out).

    A place is in [-1, 1] along each axis, the last axis of the picture first. ``mode`` is "bilinear", "nearest" or
    "bicubic" (4D input); beyond the picture lie "zeros", its "border" or its "reflection" (Jaderberg et al., 2015).

    >>> import rushlight as torch
    >>> picture = torch.tensor([[[[1.0, 3.0]]]])
    >>> torch.nn.functional.grid_sample(picture, torch.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.]]]])
    """
    floats_only(f"grid_sampler{'_2d_cpu_kernel_impl' if input.ndim == 4 else '3d_cpu'}", input)
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warn_corners()
        align_corners = False
    return grid_sampler(
        input, grid, ("bilinear", "nearest", "bicubic").index(mode), _PADDING.index(padding_mode), align_corners
    )


_PADDING = ("zeros", "border", "reflection")


def warn_corners() -> None:
    warnings.warn(
        "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
        "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details.",
        UserWarning,
        stacklevel=3,
    )


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``torch.grid_sampler``: :func:`grid_sample` with its modes as numbers.

    >>> import rushlight as torch
    >>> torch.grid_sampler(torch.tensor([[[[1.0, 3.0]]]]), torch.zeros(1, 1, 1, 2), 0, 0, False)
    tensor([[[[2.]]]])
    """
    mode, padding = ("bilinear", "nearest", "bicubic")[interpolation_mode], _PADDING[padding_mode]
    if record.np_dtype(input) is not record.np_dtype(grid):
        kinds = [dtypes.LEGACY[x.dtype.name] for x in (input, grid)]
        raise RuntimeError(f"expected scalar type {kinds[0]} but found {kinds[1]}: input and grid must be of one dtype")
    if input.ndim not in (4, 5) or input.ndim != grid.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(
            f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {list(input.shape)}"
        )
    if mode == "bicubic" and input.ndim == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    op = grid_sample_2d if input.ndim == 4 else grid_sample_3d
    return op(input, grid, mode, padding, bool(align_corners))


@operator(
    jvp=LINEAR, batch=by_samples, node="AffineGridGeneratorBackward0",
    theta=lambda g, align_corners: affine_grid_back(g, align_corners),
)  # fmt: skip
def affine_grid_generator_of(theta: Tensor, spatial: Any, align_corners: bool) -> Tensor:
    return kernels.affine_grid(theta, spatial, align_corners)


@operator(
    jvp=LINEAR, batch=by_samples, node="AffineGridGeneratorBackwardBackward0",
    input=lambda g, input_shape, align_corners: affine_grid_generator_of(g, tuple(input_shape[1:-1]), align_corners),
)  # fmt: skip
def affine_grid_back(input: Tensor, align_corners: bool) -> Tensor:
    """The transpose of :func:`affine_grid` in its matrices."""
    return kernels.affine_grid_grad(input, align_corners)


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """``torch.affine_grid_generator``: :func:`affine_grid` without its checks.

    >>> import rushlight as torch
    >>> torch.affine_grid_generator(torch.eye(2, 3)[None], (1, 1, 1, 2), True).flatten()
    tensor([-1.,  0.,  1.,  0.])
    """
    return affine_grid_generator_of(theta, tuple(size[2:]), bool(align_corners))


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Where the affine maps ``theta`` (N, dims, dims + 1) send the elements of pictures of shape ``size`` (N, C, ...).

    >>> import rushlight as torch
    >>> torch.nn.functional.affine_grid(torch.eye(2, 3)[None], (1, 1, 1, 2), align_corners=False).flatten()
    tensor([-0.5000,  0.0000,  0.5000,  0.0000])
    """
    if align_corners is None:
        warn_corners()
        align_corners = False
    if record.np_dtype(theta).kind != "f":
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}."
        )
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {size}. Got {theta.shape}."
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is "
            "not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            UserWarning,
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if size[0] != theta.shape[0]:
        raise RuntimeError(
            f"Expected theta to be a batch of {size[0]} matrices for size {list(size)}, got {theta.shape[0]}"
        )
    return affine_grid_generator(theta, size, align_corners)


# ---- windows as columns


@operator(
    jvp=LINEAR, batch=by_samples, node="Im2ColBackward0",
    input=lambda g, input_shape, kernel, dilation, padding, stride: col2im(
        g, tuple(input_shape[2:]), kernel, dilation, padding, stride
    ),
)  # fmt: skip
def im2col(input: Tensor, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Tensor:
    """The windows of ``input`` as columns; the transpose of :func:`col2im`."""
    return kernels.unfold(input, kernel, dilation, padding, stride)


@operator(
    jvp=LINEAR, batch=by_samples, node="Col2ImBackward0",
    input=lambda g, kernel, dilation, padding, stride: im2col(g, kernel, dilation, padding, stride),
)  # fmt: skip
def col2im(input: Tensor, size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Tensor:
    """Columns added up where their windows lie; the transpose of :func:`im2col`."""
    return kernels.fold(input, size, kernel, dilation, padding, stride)


def two(value: Any, name: str) -> tuple[int, int]:
    if isinstance(value, (int, np.integer)):
        return int(value), int(value)
    given = tuple([int(v) for v in value])
    if len(given) == 1:
        given *= 2
    if len(given) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(given)}")
    return given


def check_windows(kernel: Any, dilation: Any, padding: Any, stride: Any) -> None:
    for name, values, least in (
        ("kernel size", kernel, 1), ("dilation", dilation, 1), ("padding", padding, 0), ("stride", stride, 1),
    ):  # fmt: skip
        if min(values) < least:
            word = "greater than zero" if least else "non-negative"
            raise RuntimeError(f"{name} should be {word}, but got {name.replace(' ', '_')}: {list(values)}")


def window_counts(size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> list[int]:
    """How many windows there are along each axis."""
    return [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, dilation, padding, stride, strict=True)
    ]


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of pictures (N, C, H, W) or (C, H, W) as columns: (N, C * h * w, number of windows).

    >>> import rushlight as torch
    >>> torch.nn.functional.unfold(torch.tensor([[[1.0, 2.0, 3.0]]]), (1, 2))
    tensor([[1., 2.],
            [2., 3.]])
    """
    floats_only("im2col_out_cpu", input, "fcb")
    kernel, holes = two(kernel_size, "kernel_size"), two(dilation, "dilation")
    pads, steps = two(padding, "padding"), two(stride, "stride")
    check_windows(kernel, holes, pads, steps)
    if input.ndim < 3:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-max(input.ndim, 1)}, {max(input.ndim, 1) - 1}], but got "
            f"2): unfold takes 3D or 4D input, not {list(input.shape)}"
        )
    if input.ndim > 4 or 0 in input.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but "
            f"got: {list(input.shape)}"
        )
    counts = window_counts(input.shape[-2:], kernel, holes, pads, steps)
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.shape[-2:])}, kernel_size={kernel}, dilation={holes}, "
            f"padding={pads}, stride={steps}, calculated shape of the array of sliding blocks as {tuple(counts)}, but its "
            "components must be at least one."
        )
    if input.ndim == 3:
        return squeeze(im2col(unsqueeze(input, 0), kernel, holes, pads, steps), 0)
    return im2col(input, kernel, holes, pads, steps)


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns (N, C * h * w, number of windows) added up where their windows lie in pictures of ``output_size``.

    >>> import rushlight as torch
    >>> torch.nn.functional.fold(torch.tensor([[1.0, 2.0], [2.0, 3.0]]), (1, 3), (1, 2))
    tensor([[[1., 4., 3.]]])
    """
    floats_only("col2im_out_cpu", input, "bfc")
    size, kernel, holes = two(output_size, "output_size"), two(kernel_size, "kernel_size"), two(dilation, "dilation")
    pads, steps = two(padding, "padding"), two(stride, "stride")
    check_windows(kernel, holes, pads, steps)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, "
            f"but got: {list(input.shape)}"
        )
    taps = kernel[0] * kernel[1]
    if input.shape[-2] % taps:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.shape[-2]} and kernel_size={kernel}."
        )
    counts = window_counts(size, kernel, holes, pads, steps)
    if counts[0] * counts[1] != input.shape[-1]:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={holes}, padding={pads}, stride={steps}, expected "
            "size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{counts[0]} * {counts[1]} = {counts[0] * counts[1]}, but got input.size(2)={input.shape[-1]}."
        )
    if min(counts) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={holes}, padding={pads}, stride={steps}, expected "
            f"size of input's dimension 2 to match the calculated number of sliding blocks, but got {tuple(counts)}"
        )
    if input.ndim == 2:
        return squeeze(col2im(unsqueeze(input, 0), size, kernel, holes, pads, steps), 0)
    return col2im(input, size, kernel, holes, pads, steps)
