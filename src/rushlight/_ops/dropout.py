"""Dropout: elements, or whole channels, zeroed at random and the rest scaled up, in PyTorch's random stream."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._core import record
from .._core.tensor import Tensor
from .._kernels import random as kernels
from .random import drawn, twister


def check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def noise_like(input: Tensor, p: float, feature: bool) -> Any:
    """What the input is multiplied by."""
    dtype = record.np_dtype(input)
    if dtype.kind not in "fc":
        raise RuntimeError("result type Float can't be cast to the desired output type Long")
    generator = twister(None, "dropout")

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        return kernels.dropout_noise(generator, shape, p, dtype, feature)

    return drawn(draw, tuple(input.shape)) if feature else drawn_like(input, draw)


def drawn_like(input: Tensor, draw: Any) -> Any:
    """Draws for each element: PyTorch's noise lies in memory as the input does, and is drawn in that order."""
    array = record.inner_array(input)
    if input.level or array is None or array.flags.c_contiguous:
        return drawn(draw, tuple(input.shape))
    order = kernels.memory_order(array)
    back = [*np.argsort(order), *range(array.ndim, array.ndim + 1)]

    def turned(shape: tuple[int, ...]) -> np.ndarray:
        made = draw(tuple([shape[i] for i in order]))
        return made.transpose(back[: made.ndim])

    return drawn(turned, array.shape)


def dropped(input: Tensor, p: float, training: bool, inplace: bool, feature: bool = False) -> Tensor:
    check(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * 0
    noise = noise_like(input, p, feature)
    return input.mul_(noise) if inplace else input * noise


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, elements zeroed with probability ``p`` and the rest divided by 1 - p; otherwise ``input`` itself.

    >>> import rushlight as torch
    >>> torch.nn.functional.dropout(torch.ones(2), 0.5, training=False)
    tensor([1., 1.])
    """
    return dropped(input, p, training, inplace)


def rank(input: Tensor, name: str, allowed: tuple[int, ...]) -> None:
    if input.ndim not in allowed:
        import warnings

        warnings.warn(
            f"{name}: Received a {input.ndim}-D input to {name}, which is deprecated and will result in an error in a "
            "future release.",
            UserWarning,
            stacklevel=3,
        )


def by_features(input: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    """Whole channels dropped; an unbatched input gets a batch of one meanwhile."""
    if batched:
        return dropped(input, p, training, inplace, True)
    from .shape import squeeze, unsqueeze

    made = dropped(unsqueeze(input, 0), p, training, False, True)
    made = squeeze(made, 0)
    if inplace:
        input.copy_(made)
        return input
    return made


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of (N, C, L) or (C, L) zeroed with probability ``p``.

    >>> import rushlight as torch
    >>> torch.nn.functional.dropout1d(torch.ones(1, 2), 0.5, training=False)
    tensor([[1., 1.]])
    """
    check(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    return by_features(input, p, training, inplace, input.ndim == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of (N, C, H, W) or (N, C, L) zeroed with probability ``p``.

    >>> import rushlight as torch
    >>> torch.nn.functional.dropout2d(torch.ones(1, 1, 1, 2), 0.5, training=False)
    tensor([[[[1., 1.]]]])
    """
    check(p)
    rank(input, "dropout2d", (3, 4))
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired: the "
            f"shape {list(input.shape)} is read as (N, C, L). Use dropout1d, or give it a batch dimension if it is (C, H, W).",
            UserWarning,
            stacklevel=2,
        )
    return dropped(input, p, training, inplace, True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, whole channels of (N, C, D, H, W) or (C, D, H, W) zeroed with probability ``p``.

    >>> import rushlight as torch
    >>> torch.nn.functional.dropout3d(torch.ones(1, 1, 1, 1, 1), 0.5, training=False).shape
    torch.Size([1, 1, 1, 1, 1])
    """
    check(p)
    rank(input, "dropout3d", (4, 5))
    return by_features(input, p, training, inplace, input.ndim == 5)


def scaled(input: Tensor, p: float, training: bool, inplace: bool, feature: bool) -> Tensor:
    check(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * 0
    dtype = record.np_dtype(input)
    generator = twister(None, "alpha_dropout")

    def both(shape: tuple[int, ...]) -> np.ndarray:
        return np.stack(
            [np.broadcast_to(x, shape) for x in kernels.alpha_dropout_noise(generator, shape, p, dtype, feature)], -1
        )

    noise = drawn(both, tuple(input.shape)) if feature else drawn_like(input, both)
    factor, shift = noise[..., 0], noise[..., 1]
    return input.mul_(factor).add_(shift) if inplace else input * factor + shift


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of the outputs of SELU (Klambauer et al., 2017).

    >>> import rushlight as torch
    >>> torch.nn.functional.alpha_dropout(torch.ones(2), 0.5)
    tensor([1., 1.])
    """
    return scaled(input, p, training, inplace, False)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """:func:`alpha_dropout` of whole channels.

    >>> import rushlight as torch
    >>> torch.nn.functional.feature_alpha_dropout(torch.ones(1, 2), 0.5)
    tensor([[1., 1.]])
    """
    return scaled(input, p, training, inplace, True)
