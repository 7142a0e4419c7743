"""What ``torch`` itself offers of ``torch.nn.functional`` with other parameters: modes and reductions as numbers.

``torch.batch_norm`` and its like have all parameters in PyTorch's internal order; each runs the public function. The
losses do not reduce unless told to: so they do in PyTorch, whatever its signatures say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import levels, record
from .._core.tensor import Tensor, wrap
from .._kernels.places import bincount
from . import bag, conv, ctc, loss, regression, resample
from . import dropout as drops
from . import embedding as tables
from . import margin as margins
from . import norm as norms
from .adaptive import adaptive_max_pool
from .elementary import no_float
from .linalg import matrix_norm
from .magnitude import norm, vector_norm
from .pool import max_pool
from .random import drawn, twister
from .reduce import mean, var_of
from .shape import movedim, reshape
from .spelling import numpy_names

REDUCTIONS = ("none", "mean", "sum")


def named(reduction: Any) -> str:
    """The reduction that a number stands for."""
    if reduction not in (0, 1, 2):
        raise ValueError(f"{reduction} is not a valid value for reduction: 0 is none, 1 the mean, 2 the sum")
    return REDUCTIONS[reduction]


# ---- norms


@numpy_names
def frobenius_norm(input: Tensor, dim: int | Sequence[int], keepdim: bool = False, *, out: Any = None) -> Tensor:
    """The Frobenius norm over one or two dimensions.

    >>> import rushlight as torch
    >>> torch.frobenius_norm(torch.tensor([[3.0], [4.0]]), (0, 1))
    tensor(5.)
    """
    gone = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(gone) > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {len(gone)} dimensions instead.")
    return vector_norm(input, 2, gone or None, keepdim, out=out)


@numpy_names
def nuclear_norm(
    input: Tensor, dim: Sequence[int] | bool = (-2, -1), keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """The nuclear norm, the sum of the singular values, over two dimensions.

    >>> import rushlight as torch
    >>> torch.nuclear_norm(torch.eye(3))
    tensor(3.)
    """
    if isinstance(dim, bool):  # ``nuclear_norm(input, keepdim)``
        dim, keepdim = (-2, -1), dim
    return matrix_norm(input, "nuc", dim, keepdim, out=out)


# ---- losses


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 0
) -> Tensor:
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.binary_cross_entropy_with_logits(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor([0.6931])
    """
    return loss.binary_cross_entropy_with_logits(
        input, target, weight, reduction=named(reduction), pos_weight=pos_weight
    )


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.cosine_embedding_loss(torch.ones(1, 2), torch.ones(1, 2), torch.tensor([-1]), 0.5)
    tensor([0.5000])
    """
    return margins.cosine_embedding_loss(input1, input2, target, margin, reduction=named(reduction))


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Tensor:
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.hinge_embedding_loss(torch.tensor([0.25]), torch.tensor([-1.0]))
    tensor([0.7500])
    """
    return margins.hinge_embedding_loss(input, target, margin, reduction=named(reduction))


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.margin_ranking_loss(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([1.0]))
    tensor([2.])
    """
    return margins.margin_ranking_loss(input1, input2, target, margin, reduction=named(reduction))


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, reduction: int = 0,
) -> Tensor:  # fmt: skip
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.triplet_margin_loss(torch.zeros(1, 1), torch.zeros(1, 1), torch.tensor([[0.5]]))
    tensor([0.5000])
    """
    return margins.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=named(reduction))


def kl_div(input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False) -> Tensor:
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.kl_div(torch.tensor([-1.0, -1.0]), torch.tensor([0.5, 0.5]), 2)
    tensor(0.3069)
    """
    return loss.reduced(regression.divergences(input, target, log_target), named(reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]), True, False, 1e-8, 1)
    tensor(1.)
    """
    return regression.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=named(reduction))


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """As in ``torch.nn.functional``, the reduction as a number: 0 none, 1 mean, 2 sum.

    >>> import rushlight as torch
    >>> torch.ctc_loss(torch.zeros(2, 1, 2).log_softmax(-1), torch.tensor([[1]]), [2], [1])
    tensor([0.2877])
    """
    return ctc.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, named(reduction), zero_infinity)


# ---- norms


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.batch_norm` with all parameters, in PyTorch's internal order.

    >>> import rushlight as torch
    >>> torch.batch_norm(torch.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 1e-5, False)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    return norms.batch_norm_of(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.instance_norm` with all parameters, in PyTorch's internal order.

    >>> import rushlight as torch
    >>> torch.instance_norm(torch.tensor([[[1.0, 3.0]]]), None, None, None, None, True, 0.1, 1e-5, False)
    tensor([[[-1.0000,  1.0000]]])
    """
    return norms.instance_norm_of(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.layer_norm`.

    >>> import rushlight as torch
    >>> torch.layer_norm(torch.tensor([1.0, 3.0]), (2,))
    tensor([-1.0000,  1.0000])
    """
    return norms.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """:func:`torch.nn.functional.group_norm`.

    >>> import rushlight as torch
    >>> torch.group_norm(torch.tensor([[1.0, 3.0]]), 1)
    tensor([[-1.0000,  1.0000]])
    """
    return norms.group_norm_checked(input, num_groups, weight, bias, eps)


def moments(x: Tensor, dims: tuple[int, ...], eps: float, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The mean, and the reciprocal of the deviation, without history."""
    held = x.detach()
    return mean(held, dims, keepdim), (var_of(held, dims, 0, keepdim) + eps) ** -0.5


def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`layer_norm`, and the means and reciprocal deviations that it used.

    >>> import rushlight as torch
    >>> torch.native_layer_norm(torch.tensor([1.0, 3.0]), (2,), None, None, 0.0)[1:]
    (tensor([2.]), tensor([1.]))
    """
    made = norms.layer_norm(input, normalized_shape, weight, bias, eps)
    dims = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    return made, *moments(input, dims, eps, True)


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`group_norm`, and the means and reciprocal deviations that it used (N, group).

    >>> import rushlight as torch
    >>> torch.native_group_norm(torch.tensor([[[1.0], [3.0]]]), None, None, 1, 2, 1, 1, 0.0)[1:]
    (tensor([[2.]]), tensor([[1.]]))
    """
    made = norms.group_norm_of(input, group, weight, bias, eps)
    return made, *moments(reshape(input, (N, group, C // max(group, 1) * HxW)), (2,), eps, False)


def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, *, out: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """:func:`batch_norm`, and the means and reciprocal deviations of the batch (empty if not ``training``).

    >>> import rushlight as torch
    >>> torch.native_batch_norm(torch.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 0.0)[1:]
    (tensor([2.]), tensor([1.]))
    """
    made = norms.batch_norm_of(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if training:
        results = (made, *moments(input, (0, *range(2, input.ndim)), eps, False))
    else:
        results = (made, *[wrap(np.empty(0, record.np_dtype(input))) for _ in range(2)])
    if out is None:
        return results
    for given, result in zip(out, results, strict=True):
        norms.layer_norm_rows.op.write_out(norms.layer_norm_rows.op, given, result)
    return tuple(out)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norms of the slices along ``dim`` (of everything, for -1), each dimension kept.

    >>> import rushlight as torch
    >>> torch.norm_except_dim(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5.],
            [1.]])
    """
    if dim == -1:
        return norm(v, pow)
    slices = reshape(movedim(v, dim, 0), (v.shape[dim], -1))
    shape = [1] * v.ndim
    shape[dim] = v.shape[dim]
    return reshape(norm(slices, pow, 1), tuple(shape))


# ---- tables


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """The rows of ``weight`` at ``indices``: :func:`torch.nn.functional.embedding` with the table first.

    >>> import rushlight as torch
    >>> torch.embedding(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 1]))
    tensor([[2.],
            [2.]])
    """
    padding = None if padding_idx == -1 else padding_idx
    return tables.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = 0,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Bags of rows of ``weight``, the mode as a number: 0 sum, 1 mean, 2 max.

    Returns the bags, the bag of each index (not for sums), the size of each bag, and where each maximum came from.

    >>> import rushlight as torch
    >>> torch.embedding_bag(torch.ones(2, 1), torch.tensor([0, 1]), torch.tensor([0]))[0]
    tensor([[2.]])
    """
    made = bag.embedding_bag(
        indices, weight, offsets, None, 2.0, scale_grad_by_freq, bag.MODES[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip
    numbers = record.inner_array(indices)
    bags, count = bag.bag_numbers(indices, offsets, include_last_offset)
    kept = numbers != (-1 if padding_idx is None else padding_idx % weight.shape[0])
    sizes = bincount(bags[kept], minlength=count)
    if mode == 0:
        if padding_idx is None and record.np_dtype(weight).itemsize < 8:  # PyTorch's quick way leaves it out
            bags = bags[:0]
        nothing = np.zeros(count, np.int64)
        return made, *levels.noted((wrap(bags), wrap(nothing), wrap(nothing.copy())))
    if mode == 1:
        return made, *levels.noted((wrap(bags), wrap(sizes), wrap(sizes.copy())))
    _, found, _ = bag.bag_forward(
        weight._array, None, numbers, bags, count, "max", -1 if padding_idx is None else padding_idx
    )
    places = np.where(found >= 0, numbers[np.maximum(found, 0)], 0)
    return made, *levels.noted((wrap(bags), wrap(sizes), wrap(places)))


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Shorten the rows at ``indices`` to ``max_norm``, in place.

    >>> import rushlight as torch
    >>> torch.embedding_renorm_(torch.tensor([[3.0, 4.0]]), torch.tensor([0]), 1.0, 2.0)
    tensor([[0.6000, 0.8000]])
    """
    tables.renorm_rows(input, indices, max_norm, norm_type)
    return input


# ---- dropout


def _dropout(name: str, function: Any, feature: bool, what: str) -> tuple[Any, Any]:
    def out_of_place(input: Tensor, p: float, train: bool) -> Tensor:
        return function(input, p, train, False, feature)

    def in_place(input: Tensor, p: float, train: bool) -> Tensor:
        return function(input, p, train, True, feature)

    out_of_place.__name__ = out_of_place.__qualname__ = name
    in_place.__name__ = in_place.__qualname__ = name + "_"
    out_of_place.__doc__ = f"""{what} where ``train`` is True; otherwise ``input`` itself.

    >>> import rushlight as torch
    >>> torch.{name}(torch.ones(1, 2), 0.5, False)
    tensor([[1., 1.]])
    """
    in_place.__doc__ = f"In-place version of :func:`{name}`: the result is left in the memory of ``input``."
    return out_of_place, in_place


dropout, dropout_ = _dropout(
    "dropout", drops.dropped, False, "Elements zeroed with probability ``p`` and the rest scaled up,"
)
feature_dropout, feature_dropout_ = _dropout(
    "feature_dropout", drops.dropped, True, ":func:`dropout` of whole channels"
)
alpha_dropout, alpha_dropout_ = _dropout("alpha_dropout", drops.scaled, False, "Dropout that keeps mean and variance")
feature_alpha_dropout, feature_alpha_dropout_ = _dropout(
    "feature_alpha_dropout", drops.scaled, True, ":func:`alpha_dropout` of whole channels"
)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """:func:`dropout`, and the mask of the elements that were kept.

    >>> import rushlight as torch
    >>> torch.native_dropout(torch.ones(2), 0.5, False)
    (tensor([1., 1.]), tensor([True, True]))
    """
    shape = tuple(input.shape)
    if train is False or input.numel() == 0:
        return input.clone(), levels.noted(wrap(np.ones(shape, bool)))
    if record.np_dtype(input).kind in "biu":
        raise no_float(input)
    from .._kernels.random import bernoulli

    generator = twister(None, "native_dropout")
    kept = drawn(lambda shape: bernoulli(generator, 1 - p, shape, np.dtype(bool)), shape)
    mask = wrap(kept) if isinstance(kept, np.ndarray) else kept
    return input * mask * (0.0 if p == 1 else 1 / (1 - p)), mask


# ---- convolution, pooling, sampling


def _pool(dims: int) -> Any:
    def pool(
        input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> Tensor:
        return max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, dims)[0]

    pool.__name__ = pool.__qualname__ = f"max_pool{dims}d"
    pool.__doc__ = f"""The maximum of each window: :func:`torch.nn.functional.max_pool{dims}d`.

    >>> import rushlight as torch
    >>> torch.max_pool{dims}d(torch.ones({", ".join(["1", *["2"] * dims])}), 2).flatten()
    tensor([1.])
    """
    return pool


max_pool1d, max_pool2d, max_pool3d = _pool(1), _pool(2), _pool(3)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """The maxima of the parts that the last dimension is cut into, and where they are.

    >>> import rushlight as torch
    >>> torch.adaptive_max_pool1d(torch.tensor([[1.0, 3.0]]), 1)
    (tensor([[3.]]), tensor([[1]]))
    """
    return adaptive_max_pool(input, output_size, 1)


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, transposed: bool,
    output_padding: Any, groups: int,
) -> Tensor:  # fmt: skip
    """A convolution over as many dimensions as the weight has, or its transpose.

    >>> import rushlight as torch
    >>> torch.convolution(torch.ones(1, 1, 3), torch.ones(1, 1, 2), None, [1], [0], [1], False, [0], 1)
    tensor([[[2., 2.]]])
    """
    dims = weight.ndim - 2
    if dims < 1:
        raise RuntimeError("weight should have at least three dimensions")
    if transposed:
        return conv.transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, dims)
    return conv.convolve(input, weight, bias, stride, padding, dilation, groups, dims)


def _grid(dims: int) -> Any:
    def sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
        if input.ndim != dims + 2:
            raise RuntimeError(
                f"grid_sampler_{dims}d(): expected {dims + 2}D input, but got input with sizes {list(input.shape)}"
            )
        return resample.grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)

    sampler.__name__ = sampler.__qualname__ = f"grid_sampler_{dims}d"
    shape, place = ("1, 1, 1, 2", "1, 1, 1, 2") if dims == 2 else ("1, 1, 1, 1, 2", "1, 1, 1, 1, 3")
    sampler.__doc__ = f""":func:`grid_sampler` of {dims + 2}D input.

    >>> import rushlight as torch
    >>> torch.grid_sampler_{dims}d(torch.ones({shape}), torch.zeros({place}), 0, 0, False).flatten()
    tensor([1.])
    """
    return sampler


grid_sampler_2d, grid_sampler_3d = _grid(2), _grid(3)
