"""``torch.nn.functional``: the operators that networks are made of, as functions."""

from __future__ import annotations

from typing import Any

from .._core import views
from .._core.tensor import Tensor
from .._ops import activation as _activation
from .._ops.conv import (
    conv1d,
    conv2d,
    conv3d,
    conv_tbc,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from .._ops.dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)
from .._ops.elementary import sigmoid, tanh
from .._ops.embedding import embedding, one_hot
from .._ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    mse_loss,
    nll_loss,
)
from .._ops.norm import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from .._ops.pool import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)
from .._ops.products import linear
from .._ops.softmax import log_softmax, softmax, softmin

gelu = _activation.gelu
logsigmoid = _activation.logsigmoid
softplus = _activation.softplus
softsign = _activation.softsign
tanhshrink = _activation.tanhshrink


def _either(op: Any, input: Tensor, args: tuple[Any, ...], inplace: bool) -> Any:
    """An activation out of place, or left in the memory of its input."""
    return views.write(input, op.op, args, op.op.name + "_") if inplace else op(input, *args)


def relu(input: Tensor, inplace: bool = False) -> Any:
    """The larger of each element and 0; at 0 the derivative is 0.

    >>> import rushlight as torch
    >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _either(_activation.relu, input, (), inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """Positive elements as they are, negative ones times ``negative_slope``.

    >>> import rushlight as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return _either(_activation.leaky_relu, input, (negative_slope,), inplace)


def silu(input: Tensor, inplace: bool = False) -> Any:
    """Each element times its sigmoid.

    >>> import rushlight as torch
    >>> torch.nn.functional.silu(torch.tensor([0.0]))
    tensor([0.])
    """
    return _either(_activation.silu, input, (), inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Positive elements as they are, negative ones ``alpha * (exp(x) - 1)``.

    >>> import rushlight as torch
    >>> torch.nn.functional.elu(torch.tensor([1.0]))
    tensor([1.])
    """
    made = _activation.elu(input, alpha)
    return input.copy_(made) if inplace else made


__all__ = [
    "alpha_dropout", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "cross_entropy", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu",
    "embedding", "feature_alpha_dropout", "gelu", "group_norm", "instance_norm", "l1_loss", "layer_norm",
    "leaky_relu", "linear", "log_softmax", "logsigmoid", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
    "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "mse_loss", "nll_loss", "one_hot", "relu",
    "rms_norm", "sigmoid", "silu", "softmax", "softmin", "softplus", "softsign", "tanh", "tanhshrink",
]  # fmt: skip
