"""Rearranging channels: pixel shuffle, its inverse, and channel shuffle."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.declare import LEADING, LINEAR, operator
from .._core.tensor import Tensor
from .._kernels.formats import laid_as


@operator(
    jvp=LINEAR, batch=LEADING, node="PixelShuffleBackward0",
    input=lambda g, upscale_factor: unshuffled(g, upscale_factor),
)  # fmt: skip
def shuffled(input: Tensor, upscale_factor: int) -> Tensor:
    array: Any = input
    *lead, c, h, w = array.shape
    r, n = upscale_factor, len(lead)
    parts = array.reshape(*lead, c // (r * r), r, r, h, w)
    turned = parts.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    made = np.array(turned, order="C").reshape(*lead, c // (r * r), h * r, w * r)
    return laid_as(made, array) if made.ndim == 4 else made


@operator(
    jvp=LINEAR, batch=LEADING, node="PixelUnshuffleBackward0",
    input=lambda g, downscale_factor: shuffled(g, downscale_factor),
)  # fmt: skip
def unshuffled(input: Tensor, downscale_factor: int) -> Tensor:
    array: Any = input
    *lead, c, h, w = array.shape
    r, n = downscale_factor, len(lead)
    parts = array.reshape(*lead, c, h // r, r, w // r, r)
    turned = parts.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    made = np.array(turned, order="C").reshape(*lead, c * r * r, h // r, w // r)
    return laid_as(made, array) if made.ndim == 4 else made


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C r^2, H, W) as (..., C, H r, W r): each r^2 channels become a square of pixels (Shi et al., 2016).

    >>> import rushlight as torch
    >>> torch.pixel_shuffle(torch.arange(4).reshape(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if upscale_factor <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {upscale_factor}")
    if input.shape[-3] % (upscale_factor * upscale_factor):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={input.shape[-3]} is not divisible by {upscale_factor * upscale_factor}"
        )
    return shuffled(input, upscale_factor)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H r, W r) as (..., C r^2, H, W): the inverse of :func:`pixel_shuffle`.

    >>> import rushlight as torch
    >>> torch.pixel_unshuffle(torch.arange(4).reshape(1, 2, 2), 2).flatten()
    tensor([0, 1, 2, 3])
    """
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if downscale_factor <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {downscale_factor}")
    for name, n in (("height", input.shape[-2]), ("width", input.shape[-1])):
        if n % downscale_factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size("
                f"{-2 if name == 'height' else -1})={n} is not divisible by {downscale_factor}"
            )
    return unshuffled(input, downscale_factor)


def channels_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, groups: int) -> Any:
    from .samples import by_samples

    return by_samples(op, size, mapped, input, groups)


@operator(
    jvp=LINEAR, batch=channels_batch, node="ChannelShuffleBackward0",
    input=lambda g, input_shape, groups: channel_shuffled(g, input_shape[1] // groups),
)  # fmt: skip
def channel_shuffled(input: Tensor, groups: int) -> Tensor:
    array: Any = input
    n, c, *rest = array.shape
    turned = array.reshape(n, groups, c // groups if groups else 0, *rest).swapaxes(1, 2)
    made = np.array(turned, order="C").reshape(array.shape)
    return laid_as(made, array) if made.ndim > 3 else made


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of (N, C, ...) dealt out anew: those of each of the ``groups`` are spread evenly.

    >>> import rushlight as torch
    >>> torch.nn.functional.channel_shuffle(torch.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if input.shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {input.shape[1]} channels and {groups} groups."
        )
    return channel_shuffled(input, groups)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Another name of :func:`channel_shuffle`.

    >>> import rushlight as torch
    >>> torch.native_channel_shuffle(torch.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    return channel_shuffle(input, groups)
