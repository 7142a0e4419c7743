"""``torch.nn.functional``: the operators that networks are made of, as functions."""

from __future__ import annotations

from typing import Any

from .._core import views
from .._core.tensor import Tensor
from .._ops import activation as _activation
from .._ops.adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
    fractional_max_pool2d,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d,
    fractional_max_pool3d_with_indices,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from .._ops.attention import multi_head_attention_forward, scaled_dot_product_attention
from .._ops.bag import embedding_bag
from .._ops.conv import conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .._ops.ctc import ctc_loss
from .._ops.distance import bilinear, cosine_similarity, normalize, pairwise_distance, pdist
from .._ops.dropout import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from .._ops.elementary import sigmoid, tanh
from .._ops.embedding import embedding, one_hot
from .._ops.grouped import ScalingType, SwizzleType, grouped_mm, linear_cross_entropy, scaled_grouped_mm, scaled_mm
from .._ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    mse_loss,
    nll_loss,
)
from .._ops.margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from .._ops.norm import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, rms_norm
from .._ops.padding import pad
from .._ops.pool import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)
from .._ops.products import linear
from .._ops.regression import (
    gaussian_nll_loss,
    huber_loss,
    kl_div,
    multilabel_soft_margin_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from .._ops.resample import (
    affine_grid,
    fold,
    grid_sample,
    interpolate,
    unfold,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from .._ops.shuffle import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from .._ops.softmax import gumbel_softmax, log_softmax, softmax, softmin

gelu = _activation.gelu
glu = _activation.glu
hardshrink = _activation.hardshrink
logsigmoid = _activation.logsigmoid
prelu = _activation.prelu
softplus = _activation.softplus
softshrink = _activation.softshrink
softsign = _activation.softsign
tanhshrink = _activation.tanhshrink


def _either(op: Any, input: Tensor, args: tuple[Any, ...], inplace: bool, name: str = "") -> Any:
    """An activation out of place, or left in the memory of its input."""
    return views.write(input, op.op, args, name or op.op.name + "_") if inplace else op(input, *args)


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
    return _either(_activation.elu_of, input, (alpha, 1.0, 1.0), inplace, "elu_")


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Positive elements as they are, negative ones ``alpha * (exp(x / alpha) - 1)``.

    >>> import rushlight as torch
    >>> torch.nn.functional.celu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return _either(_activation.celu, input, (alpha,), inplace)


def selu(input: Tensor, inplace: bool = False) -> Any:
    """:func:`elu` with the scales that keep mean and variance.

    >>> import rushlight as torch
    >>> torch.nn.functional.selu(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    scales = (_activation.SELU_ALPHA, _activation.SELU_SCALE, 1.0)
    return _either(_activation.elu_of, input, scales, inplace, "selu_")


def mish(input: Tensor, inplace: bool = False) -> Any:
    """Each element times the tanh of its softplus.

    >>> import rushlight as torch
    >>> torch.nn.functional.mish(torch.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    return _either(_activation.mish, input, (), inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """Elements limited to [``min_val``, ``max_val``].

    >>> import rushlight as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _either(_activation.hardtanh, input, (min_val, max_val), inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Any:
    """``x min(max(x + 3, 0), 6) / 6``.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-2.0, 1.0]))
    tensor([-0.3333,  0.6667])
    """
    return _either(_activation.hardswish, input, (), inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Any:
    """``min(max(x + 3, 0), 6) / 6``.

    >>> import rushlight as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-3.0, 0.0]))
    tensor([0.0000, 0.5000])
    """
    return _either(_activation.hardsigmoid, input, (), inplace)


def relu6(input: Tensor, inplace: bool = False) -> Any:
    """Elements limited to [0, 6].

    >>> import rushlight as torch
    >>> torch.nn.functional.relu6(torch.tensor([-1.0, 8.0]))
    tensor([0., 6.])
    """
    return _either(_activation.hardtanh, input, (0.0, 6.0), inplace, "relu6_")


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Any:
    """Elements above ``threshold`` as they are, ``value`` instead of the others.

    >>> import rushlight as torch
    >>> torch.nn.functional.threshold(torch.tensor([-1.0, 0.3]), 0.0, 9.0)
    tensor([9.0000, 0.3000])
    """
    return _either(_activation.threshold, input, (threshold, value), inplace)


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Any:
    """Negative elements times a slope: in training a random one of [lower, upper), else the middle.

    >>> import rushlight as torch
    >>> torch.nn.functional.rrelu(torch.tensor([-24.0, 2.0]))
    tensor([-5.5000,  2.0000])
    """
    return (_activation.rrelu_ if inplace else _activation.rrelu)(input, lower, upper, training)


def _inplace(name: str, function: Any) -> Any:
    """The function that works in place, named with an underscore."""

    def work(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(input, *args, **kwargs, inplace=True)

    work.__name__ = work.__qualname__ = name
    work.__doc__ = f"In-place version of :func:`{name[:-1]}`: the result is left in the memory of ``input``."
    return work


celu_ = _inplace("celu_", celu)
elu_ = _inplace("elu_", elu)
hardtanh_ = _inplace("hardtanh_", hardtanh)
leaky_relu_ = _inplace("leaky_relu_", leaky_relu)
relu_ = _inplace("relu_", relu)
rrelu_ = _activation.rrelu_
selu_ = _inplace("selu_", selu)
threshold_ = _inplace("threshold_", threshold)


__all__ = [
    "ScalingType", "SwizzleType", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "affine_grid",
    "alpha_dropout", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle", "conv1d", "conv2d", "conv3d",
    "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss",
    "cosine_similarity", "cross_entropy", "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu",
    "elu_", "embedding", "embedding_bag", "feature_alpha_dropout", "fold", "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices", "fractional_max_pool3d", "fractional_max_pool3d_with_indices",
    "gaussian_nll_loss", "gelu", "glu", "grid_sample", "group_norm", "grouped_mm", "gumbel_softmax", "hardshrink",
    "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "hinge_embedding_loss", "huber_loss", "instance_norm",
    "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "leaky_relu_", "linear", "linear_cross_entropy",
    "local_response_norm", "log_softmax", "logsigmoid", "lp_pool1d", "lp_pool2d", "lp_pool3d",
    "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices",
    "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish", "mse_loss",
    "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "native_channel_shuffle", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "pdist",
    "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu", "relu", "relu6", "relu_", "rms_norm", "rrelu",
    "rrelu_", "scaled_dot_product_attention", "scaled_grouped_mm", "scaled_mm", "selu", "selu_", "sigmoid", "silu",
    "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold", "threshold_", "triplet_margin_loss", "triplet_margin_with_distance_loss", "unfold",
    "upsample", "upsample_bilinear", "upsample_nearest",
]  # fmt: skip
