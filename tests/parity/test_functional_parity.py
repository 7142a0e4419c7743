"""torch.nn.functional beyond the rows of samples: errors, random streams, in-place, signatures, running statistics."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import rushlight as rl

pytestmark = pytest.mark.filterwarnings("ignore")

LIBRARIES = (torch, rl)
Case = Callable[[Any, Any], Any]  # of a library and its nn.functional


def test_every_name_is_there() -> None:
    theirs, mine = torch.nn.functional, rl.nn.functional
    ours = {"boolean_dispatch", "handle_torch_function", "has_torch_function", "has_torch_function_unary"}
    ours |= {
        "has_torch_function_variadic",
        "assert_int_or_pair",
        "Optional",
        "Callable",
    }  # imports and helpers of PyTorch
    missing = [
        n
        for n in dir(theirs)
        if not n.startswith("_") and callable(getattr(theirs, n)) and not hasattr(mine, n) and n not in ours
    ]
    assert not [n for n in missing if not n.startswith("Broadcasting") and n != "DType"]


def test_parameters_are_named_alike() -> None:
    wrong = []
    for name in rl.nn.functional.__all__:
        if name in ("sigmoid", "tanh"):  # the operators themselves here: they take out= too
            continue
        theirs, mine = getattr(torch.nn.functional, name), getattr(rl.nn.functional, name)
        try:
            expected = inspect.signature(theirs)
        except (TypeError, ValueError):
            continue
        if list(expected.parameters) == ["args", "kwargs"] or inspect.isclass(theirs):
            continue
        got = inspect.signature(mine)
        a = [(p.name, p.default if p.default is not inspect._empty else None) for p in expected.parameters.values()]
        b = [(p.name, p.default if p.default is not inspect._empty else None) for p in got.parameters.values()]
        if a != b and not name.endswith("_"):
            wrong.append((name, [(x, y) for x, y in zip(a, b) if x != y] or (len(a), len(b))))
    assert not [w for w in wrong if "bfloat16" not in repr(w)]


# ---- errors

ERRORS: dict[str, Case] = {
    "conv channels": lambda t, F: F.conv2d(t.ones(1, 3, 4, 4), t.ones(2, 4, 2, 2)),
    "conv rank": lambda t, F: F.conv2d(t.ones(3, 4), t.ones(2, 3, 2, 2)),
    "conv kernel too large": lambda t, F: F.conv1d(t.ones(1, 1, 2), t.ones(1, 1, 3)),
    "conv stride": lambda t, F: F.conv1d(t.ones(1, 1, 4), t.ones(1, 1, 3), stride=0),
    "conv same strided": lambda t, F: F.conv1d(t.ones(1, 1, 4), t.ones(1, 1, 3), stride=2, padding="same"),
    "conv padding word": lambda t, F: F.conv1d(t.ones(1, 1, 4), t.ones(1, 1, 3), padding="some"),
    "conv groups": lambda t, F: F.conv1d(t.ones(1, 4, 4), t.ones(3, 2, 3), groups=2),
    "conv dtype": lambda t, F: F.conv1d(t.ones(1, 1, 4), t.ones(1, 1, 3).double()),
    "conv bias": lambda t, F: F.conv1d(t.ones(1, 1, 4), t.ones(2, 1, 3), t.ones(3)),
    "conv negative padding": lambda t, F: F.conv1d(t.ones(1, 1, 4), t.ones(2, 1, 3), padding=-1),
    "conv_transpose output padding": lambda t, F: F.conv_transpose1d(t.ones(1, 1, 4), t.ones(1, 1, 3), output_padding=1),
    "conv_transpose channels": lambda t, F: F.conv_transpose1d(t.ones(1, 2, 4), t.ones(1, 1, 3)),
    "max_pool pad": lambda t, F: F.max_pool2d(t.ones(1, 4, 4), 2, padding=2),
    "max_pool rank": lambda t, F: F.max_pool2d(t.ones(4, 4), 2),
    "max_pool too small": lambda t, F: F.max_pool2d(t.ones(1, 2, 2), 3),
    "max_pool kernel": lambda t, F: F.max_pool2d(t.ones(1, 4, 4), (2, 2, 2)),
    "max_pool stride 0": lambda t, F: F.max_pool2d(t.ones(1, 4, 4), 2, 0),
    "avg_pool pad": lambda t, F: F.avg_pool2d(t.ones(1, 4, 4), 2, padding=2),
    "avg_pool divisor": lambda t, F: F.avg_pool2d(t.ones(1, 4, 4), 2, divisor_override=0),
    "adaptive rank": lambda t, F: F.adaptive_avg_pool2d(t.ones(4, 4), 2),
    "adaptive empty": lambda t, F: F.adaptive_avg_pool2d(t.ones(1, 0, 4), 2),
    "adaptive max rank": lambda t, F: F.adaptive_max_pool1d(t.ones(4), 2),
    "fractional nothing": lambda t, F: F.fractional_max_pool2d(t.ones(1, 1, 4, 4), 2),
    "fractional size": lambda t, F: F.fractional_max_pool2d(t.ones(1, 1, 4, 4), 2, 4),
    "unpool size": lambda t, F: F.max_unpool1d(t.ones(1, 2), t.zeros(1, 2, dtype=t.int64), 2, output_size=(9,)),
    "unpool shape": lambda t, F: F.max_unpool1d(t.ones(1, 2), t.zeros(1, 3, dtype=t.int64), 2),
    "unpool dtype": lambda t, F: F.max_unpool2d(t.ones(1, 2, 2), t.zeros(1, 2, 2), 2),
    "unpool index": lambda t, F: F.max_unpool2d(t.ones(1, 1, 1), t.full((1, 1, 1), 9), 2),
    "pad odd": lambda t, F: F.pad(t.ones(2, 3), (1,)),
    "pad long": lambda t, F: F.pad(t.ones(2, 3), (1, 1, 1, 1, 1, 1)),
    "pad cut": lambda t, F: F.pad(t.ones(2, 3), (-2, -2)),
    "pad reflect": lambda t, F: F.pad(t.ones(2, 3), (3, 0), "reflect"),
    "pad circular": lambda t, F: F.pad(t.ones(2, 3), (4, 0), "circular"),
    "pad mode": lambda t, F: F.pad(t.ones(2, 3), (1, 0), "mirror"),
    "pad rank": lambda t, F: F.pad(t.ones(3), (1, 0), "replicate"),
    "pad value": lambda t, F: F.pad(t.ones(2, 3), (1, 0), "replicate", 1.0),
    "interpolate nothing": lambda t, F: F.interpolate(t.ones(1, 1, 2)),
    "interpolate both": lambda t, F: F.interpolate(t.ones(1, 1, 2), 2, 2.0),
    "interpolate corners": lambda t, F: F.interpolate(t.ones(1, 1, 2), 2, align_corners=True),
    "interpolate rank": lambda t, F: F.interpolate(t.ones(1, 1, 2), 2, mode="bilinear"),
    "interpolate size": lambda t, F: F.interpolate(t.ones(1, 1, 2), (2, 2)),
    "interpolate mode": lambda t, F: F.interpolate(t.ones(1, 1, 2), 2, mode="quadratic"),
    "interpolate zero": lambda t, F: F.interpolate(t.ones(1, 1, 2), 0),
    "interpolate antialias": lambda t, F: F.interpolate(t.ones(1, 1, 2), 2, antialias=True),
    "interpolate float size": lambda t, F: F.interpolate(t.ones(1, 1, 2), (2.5,)),
    "interpolate recompute": lambda t, F: F.interpolate(t.ones(1, 1, 2), 2, recompute_scale_factor=True),
    "interpolate lanczos": lambda t, F: F.interpolate(t.ones(1, 1, 2, 2), 2, mode="lanczos"),
    "grid mode": lambda t, F: F.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 2, 2, 2), "cubic"),
    "grid padding": lambda t, F: F.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 2, 2, 2), padding_mode="edge"),
    "grid rank": lambda t, F: F.grid_sample(t.ones(1, 2, 2), t.ones(1, 2, 2), align_corners=False),
    "grid batch": lambda t, F: F.grid_sample(t.ones(1, 1, 2, 2), t.ones(2, 2, 2, 2), align_corners=False),
    "grid last": lambda t, F: F.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 2, 2, 3), align_corners=False),
    "grid dtype": lambda t, F: F.grid_sample(t.ones(1, 1, 2, 2), t.ones(1, 2, 2, 2).double(), align_corners=False),
    "grid 3d cubic": lambda t, F: F.grid_sample(t.ones(1, 1, 2, 2, 2), t.ones(1, 2, 2, 2, 3), "bicubic", align_corners=False),
    "affine theta": lambda t, F: F.affine_grid(t.ones(1, 2, 2), (1, 1, 2, 2), False),
    "affine dtype": lambda t, F: F.affine_grid(t.ones(1, 2, 3).long(), (1, 1, 2, 2), False),
    "affine size": lambda t, F: F.affine_grid(t.ones(1, 2, 3), (1, 1, 2), False),
    "affine empty": lambda t, F: F.affine_grid(t.ones(1, 2, 3), (1, 1, 0, 2), False),
    "unfold rank": lambda t, F: F.unfold(t.ones(2, 2), 2),
    "unfold kernel": lambda t, F: F.unfold(t.ones(1, 2, 2), 3),
    "unfold zero": lambda t, F: F.unfold(t.ones(1, 2, 2), 0),
    "fold channels": lambda t, F: F.fold(t.ones(1, 3, 4), 3, 2),
    "fold blocks": lambda t, F: F.fold(t.ones(1, 4, 5), 3, 2),
    "pixel_shuffle": lambda t, F: F.pixel_shuffle(t.ones(1, 3, 2, 2), 2),
    "pixel_shuffle rank": lambda t, F: F.pixel_shuffle(t.ones(3, 2), 2),
    "pixel_shuffle factor": lambda t, F: F.pixel_shuffle(t.ones(1, 4, 2, 2), 0),
    "pixel_unshuffle": lambda t, F: F.pixel_unshuffle(t.ones(1, 3, 3, 2), 2),
    "channel_shuffle": lambda t, F: F.channel_shuffle(t.ones(1, 3, 2), 2),
    "channel_shuffle groups": lambda t, F: F.channel_shuffle(t.ones(1, 3, 2), 0),
    "batch_norm one": lambda t, F: F.batch_norm(t.ones(1, 3), None, None, training=True),
    "batch_norm stats": lambda t, F: F.batch_norm(t.ones(2, 3), None, None),
    "batch_norm size": lambda t, F: F.batch_norm(t.ones(2, 3), t.ones(2), t.ones(2)),
    "batch_norm eps": lambda t, F: F.batch_norm(t.ones(2, 3), None, None, training=True, eps=0.0),
    "batch_norm eps negative": lambda t, F: F.batch_norm(t.ones(2, 3), t.ones(3), t.ones(3), eps=-1.0),
    "instance_norm one": lambda t, F: F.instance_norm(t.ones(2, 3, 1)),
    "instance_norm stats": lambda t, F: F.instance_norm(t.ones(2, 3, 2), use_input_stats=False),
    "group_norm groups": lambda t, F: F.group_norm(t.ones(2, 3, 2), 2),
    "group_norm rank": lambda t, F: F.group_norm(t.ones(3), 1),
    "group_norm one": lambda t, F: F.group_norm(t.ones(1, 2), 2),
    "group_norm weight": lambda t, F: F.group_norm(t.ones(2, 4), 2, t.ones(3)),
    "layer_norm shape": lambda t, F: F.layer_norm(t.ones(2, 3), (2,)),
    "layer_norm nothing": lambda t, F: F.layer_norm(t.ones(2, 3), ()),
    "layer_norm weight": lambda t, F: F.layer_norm(t.ones(2, 3), (3,), t.ones(2)),
    "layer_norm bias": lambda t, F: F.layer_norm(t.ones(2, 3), (3,), t.ones(3), t.ones(2)),
    "rms_norm shape": lambda t, F: F.rms_norm(t.ones(2, 3), (2,)),
    "rms_norm weight": lambda t, F: F.rms_norm(t.ones(2, 3), (3,), t.ones(2)),
    "lrn rank": lambda t, F: F.local_response_norm(t.ones(2, 3), 2),
    "softmax dim": lambda t, F: F.softmax(t.ones(2), 1),
    "softmax int": lambda t, F: F.softmax(t.ones(2).long(), 0),
    "embedding float": lambda t, F: F.embedding(t.ones(2), t.ones(3, 2)),
    "embedding range": lambda t, F: F.embedding(t.full((2,), 3), t.ones(3, 2)),
    "embedding padding": lambda t, F: F.embedding(t.full((2,), 1), t.ones(3, 2), 3),
    "embedding rank": lambda t, F: F.embedding(t.full((2,), 1), t.ones(3)),
    "bag rank": lambda t, F: F.embedding_bag(t.full((2,), 1), t.ones(3), t.tensor([0])),
    "bag offsets": lambda t, F: F.embedding_bag(t.full((2,), 1), t.ones(3, 2)),
    "bag offsets first": lambda t, F: F.embedding_bag(t.full((2,), 1), t.ones(3, 2), t.tensor([1])),
    "bag offsets last": lambda t, F: F.embedding_bag(t.full((2,), 1), t.ones(3, 2), t.tensor([0, 3])),
    "bag 2d offsets": lambda t, F: F.embedding_bag(t.full((2, 2), 1), t.ones(3, 2), t.tensor([0, 3])),
    "bag mode": lambda t, F: F.embedding_bag(t.full((2, 2), 1), t.ones(3, 2), mode="median"),
    "bag weights": lambda t, F: F.embedding_bag(t.full((2, 2), 1), t.ones(3, 2), per_sample_weights=t.ones(2, 2)),
    "bag weights shape": lambda t, F: F.embedding_bag(t.full((2, 2), 1), t.ones(3, 2), mode="sum", per_sample_weights=t.ones(2)),
    "bag range": lambda t, F: F.embedding_bag(t.full((2, 2), 7), t.ones(3, 2), mode="max"),
    "bag padding": lambda t, F: F.embedding_bag(t.full((2, 2), 1), t.ones(3, 2), padding_idx=5),
    "bag float": lambda t, F: F.embedding_bag(t.ones(2, 2), t.ones(3, 2)),
    "bag 3d": lambda t, F: F.embedding_bag(t.full((2, 2, 2), 1), t.ones(3, 2)),
    "one_hot float": lambda t, F: F.one_hot(t.ones(2)),
    "one_hot small": lambda t, F: F.one_hot(t.full((2,), 3), 2),
    "one_hot negative": lambda t, F: F.one_hot(t.full((2,), -1)),
    "nll range": lambda t, F: F.nll_loss(t.ones(2, 3), t.full((2,), 3)),
    "nll size": lambda t, F: F.nll_loss(t.ones(2, 3), t.full((3,), 1)),
    "nll dtype": lambda t, F: F.nll_loss(t.ones(2, 3), t.ones(2)),
    "nll weight": lambda t, F: F.nll_loss(t.ones(2, 3), t.full((2,), 1), t.ones(2)),
    "nll reduction": lambda t, F: F.nll_loss(t.ones(2, 3), t.full((2,), 1), reduction="all"),
    "entropy size": lambda t, F: F.cross_entropy(t.ones(2, 3, 4), t.full((2, 3), 1)),
    "entropy smoothing": lambda t, F: F.cross_entropy(t.ones(2, 3), t.full((2,), 1), label_smoothing=1.5),
    "entropy soft ignored": lambda t, F: F.cross_entropy(t.ones(2, 3), t.ones(2, 3), ignore_index=1),
    "bce range": lambda t, F: F.binary_cross_entropy(t.full((2,), 2.0), t.ones(2)),
    "bce size": lambda t, F: F.binary_cross_entropy(t.ones(2), t.ones(3)),
    "bce logits size": lambda t, F: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(3)),
    "bce dtype": lambda t, F: F.binary_cross_entropy(t.ones(2), t.ones(2).double()),
    "mse size": lambda t, F: F.mse_loss(t.ones(2), t.ones(3)),
    "smooth beta": lambda t, F: F.smooth_l1_loss(t.ones(2), t.ones(2), beta=-1.0),
    "huber delta": lambda t, F: F.huber_loss(t.ones(2), t.ones(2), delta=0.0),
    "poisson reduction": lambda t, F: F.poisson_nll_loss(t.ones(2), t.ones(2), reduction="all"),
    "gaussian var": lambda t, F: F.gaussian_nll_loss(t.ones(2), t.ones(2), -t.ones(2)),
    "gaussian var size": lambda t, F: F.gaussian_nll_loss(t.ones(2, 3), t.ones(2, 3), t.ones(4)),
    "gaussian reduction": lambda t, F: F.gaussian_nll_loss(t.ones(2), t.ones(2), t.ones(2), reduction="all"),
    "multi_margin p": lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.full((2,), 1), p=3),
    "pool stride": lambda t, F: F.max_pool2d(t.ones(1, 4, 4), 2, -1),
    "pool dilation": lambda t, F: F.max_pool2d(t.ones(1, 4, 4), 2, 2, 0, 0),
    "pool padding": lambda t, F: F.max_pool2d(t.ones(1, 4, 4), 2, 2, -1),
    "pool no channels": lambda t, F: F.max_pool2d(t.ones(1, 0, 4, 4), 2),
    "avg_pool stride": lambda t, F: F.avg_pool2d(t.ones(1, 4, 4), 2, 0),
    "avg_pool too small": lambda t, F: F.avg_pool2d(t.ones(1, 2, 2), 3),
    "max_pool1d rank": lambda t, F: F.max_pool1d(t.ones(4), 2),
    "avg_pool1d rank": lambda t, F: F.avg_pool1d(t.ones(4), 2),
    "conv bias dtype": lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(1, 1, 3, 3), t.ones(1).double()),
    "multi_margin range": lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.full((2,), 3)),
    "multi_margin size": lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.full((3,), 1)),
    "multilabel size": lambda t, F: F.multilabel_margin_loss(t.ones(2, 3), t.full((2,), 1)),
    "multilabel range": lambda t, F: F.multilabel_margin_loss(t.ones(2, 3), t.full((2, 3), 5)),
    "ranking rank": lambda t, F: F.margin_ranking_loss(t.ones(2), t.ones(2, 1), t.ones(2)),
    "cosine rank": lambda t, F: F.cosine_embedding_loss(t.ones(2), t.ones(2), t.ones(2)),
    "cosine target": lambda t, F: F.cosine_embedding_loss(t.ones(2, 2), t.ones(2, 2), t.ones(2, 2)),
    "triplet margin": lambda t, F: F.triplet_margin_loss(t.ones(2, 2), t.ones(2, 2), t.ones(2, 2), margin=0),
    "triplet rank": lambda t, F: F.triplet_margin_loss(t.ones(2, 2), t.ones(2), t.ones(2, 2)),
    "triplet distance margin": lambda t, F: F.triplet_margin_with_distance_loss(t.ones(2, 2), t.ones(2, 2), t.ones(2, 2), margin=0),
    "ctc blank": lambda t, F: F.ctc_loss(t.ones(3, 1, 2), t.tensor([[1]]), [3], [1], blank=2),
    "ctc lengths": lambda t, F: F.ctc_loss(t.ones(3, 1, 2), t.tensor([[1]]), [3, 3], [1]),
    "ctc input length": lambda t, F: F.ctc_loss(t.ones(3, 1, 2), t.tensor([[1]]), [4], [1]),
    "cdist columns": lambda t, F: t.cdist(t.ones(2, 3), t.ones(2, 2)),
    "cdist rank": lambda t, F: t.cdist(t.ones(3), t.ones(2, 3)),
    "cdist p": lambda t, F: t.cdist(t.ones(2, 3), t.ones(2, 3), -1.0),
    "cdist mode": lambda t, F: t.cdist(t.ones(2, 3), t.ones(2, 3), compute_mode="fast"),
    "cdist int": lambda t, F: t.cdist(t.ones(2, 3).long(), t.ones(2, 3).long()),
    "pdist rank": lambda t, F: F.pdist(t.ones(3)),
    "cosine_similarity int": lambda t, F: F.cosine_similarity(t.ones(2, 2).long(), t.ones(2, 2).long()),
    "cosine_similarity dim": lambda t, F: F.cosine_similarity(t.ones(2, 2), t.ones(2, 2), 3),
    "bilinear size": lambda t, F: F.bilinear(t.ones(2, 3), t.ones(2, 3), t.ones(1, 3, 2)),
    "bilinear batch": lambda t, F: F.bilinear(t.ones(2, 3), t.ones(3, 2), t.ones(1, 3, 2)),
    "linear size": lambda t, F: F.linear(t.ones(2, 3), t.ones(3, 2)),
    "dropout p": lambda t, F: F.dropout(t.ones(2), 1.5),
    "dropout1d rank": lambda t, F: F.dropout1d(t.ones(2), 0.5),
    "dropout int": lambda t, F: F.dropout(t.ones(2).long(), 0.5),
    "alpha_dropout p": lambda t, F: F.alpha_dropout(t.ones(2), -0.5, True),
    "hardtanh limits": lambda t, F: F.hardtanh(t.ones(2), 2.0, 1.0),
    "celu alpha": lambda t, F: F.celu(t.ones(2), 0.0),
    "glu odd": lambda t, F: F.glu(t.ones(3)),
    "prelu size": lambda t, F: F.prelu(t.ones(2, 3), t.ones(2)),
    "gelu approximate": lambda t, F: F.gelu(t.ones(2), approximate="sine"),
    "softshrink lambda": lambda t, F: F.softshrink(t.ones(2), -1.0),
    "rrelu bounds": lambda t, F: F.rrelu(t.ones(2), 0.5, 0.1),
    "attention rank": lambda t, F: F.scaled_dot_product_attention(t.ones(2), t.ones(2), t.ones(2)),
    "attention mask": lambda t, F: F.scaled_dot_product_attention(t.ones(2, 2), t.ones(2, 2), t.ones(2, 2), t.ones(2, 2), is_causal=True),
    "attention dtype": lambda t, F: F.scaled_dot_product_attention(t.ones(2, 2), t.ones(2, 2).double(), t.ones(2, 2)),
    "attention mask dtype": lambda t, F: F.scaled_dot_product_attention(t.ones(2, 2), t.ones(2, 2), t.ones(2, 2), t.ones(2, 2).long()),
    "attention gqa": lambda t, F: F.scaled_dot_product_attention(t.ones(1, 3, 2, 2), t.ones(1, 2, 2, 2), t.ones(1, 2, 2, 2), enable_gqa=True),
    "attention dropout": lambda t, F: F.scaled_dot_product_attention(t.ones(2, 2), t.ones(2, 2), t.ones(2, 2), dropout_p=1.5),
    "grouped_mm offsets": lambda t, F: F.grouped_mm(t.ones(16, 16), t.ones(2, 16, 16)),
    "grouped_mm bias": lambda t, F: F.grouped_mm(t.ones(2, 16, 16), t.ones(2, 16, 16), bias=t.ones(2, 16)),
    "fold int": lambda t, F: F.fold(t.ones(1, 12, 9).long(), (4, 4), 2),
    "interpolate linear uint8": lambda t, F: F.interpolate(t.ones(1, 2, 4).byte(), scale_factor=2, mode="linear"),
    "interpolate bicubic int": lambda t, F: F.interpolate(t.ones(1, 2, 4, 4).long(), scale_factor=2, mode="bicubic"),
    "fractional int": lambda t, F: F.fractional_max_pool2d(t.ones(1, 2, 4, 4).long(), 2, 2),
    "soft_margin int": lambda t, F: F.soft_margin_loss(t.ones(2).long(), t.ones(2)),
    "soft_margin bool": lambda t, F: F.soft_margin_loss(t.ones(2).bool(), t.ones(2)),
    "hinge int": lambda t, F: F.hinge_embedding_loss(t.ones(2).long(), t.ones(2)),
    "gaussian int": lambda t, F: F.gaussian_nll_loss(t.ones(2), t.ones(2), t.ones(2).long()),
    "kl_div complex": lambda t, F: F.kl_div(t.ones(2) * 1j, t.ones(2)),
    "multi_margin int": lambda t, F: F.multi_margin_loss(t.ones(2, 3).long(), t.zeros(2).long()),
    "multi_margin weight": lambda t, F: F.multi_margin_loss(t.ones(2, 3), t.zeros(2), weight=t.ones(4)),
    "multilabel_margin int": lambda t, F: F.multilabel_margin_loss(t.ones(2, 3).long(), t.zeros(2, 3).long()),
    "multilabel_margin sizes": lambda t, F: F.multilabel_margin_loss(t.ones(2, 3), t.zeros(2)),
    "logits bool": lambda t, F: F.binary_cross_entropy_with_logits(t.ones(2).bool(), t.ones(2)),
    "cross_entropy int probabilities": lambda t, F: F.cross_entropy(t.ones(2, 3), t.ones(2, 3).long()),
    "embedding_bag int": lambda t, F: F.embedding_bag(t.zeros(2).long(), t.ones(2, 3).long(), t.zeros(1).long()),
    "linear dtype": lambda t, F: F.linear(t.ones(2, 3).double(), t.ones(4, 3), t.ones(4)),
    "linear bias dtype": lambda t, F: F.linear(t.ones(2, 3), t.ones(4, 3), t.ones(4).double()),
    "conv stride str": lambda t, F: F.conv1d(t.ones(1, 2, 6), t.ones(4, 2, 3), stride="same"),
    "conv padding bool": lambda t, F: F.conv_transpose1d(t.ones(1, 2, 6), t.ones(2, 4, 3), padding=True),
    "conv stride first": lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(1, 2, 2, 3), stride=-1),
    "conv dilation": lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(1, 1, 2, 3), dilation=0),
    "conv weight rank": lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(2, 2)),
    "conv no weights": lambda t, F: F.conv1d(t.ones(1, 2, 6), t.ones(0, 2, 3)),
    "conv no kernel": lambda t, F: F.conv1d(t.ones(1, 2, 6), t.ones(2, 2, 0)),
    "conv bias type": lambda t, F: F.conv1d(t.ones(1, 2, 6).long(), t.ones(2, 2, 2).long(), t.ones(2).double()),
    "conv complex": lambda t, F: F.conv1d(t.ones(1, 2, 6) * 1j, t.ones(2, 2, 2)),
    "conv nothing": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 6), None),
    "transposed stride": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 6), t.ones(2, 4, 3, 3), stride=0),
    "transposed padding": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 6), t.ones(2, 4, 3, 3), padding=-1),
    "transposed output_padding": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 6), t.ones(2, 4, 3, 3), output_padding=-1),
    "transposed dilation": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 6), t.ones(2, 4, 3, 3), dilation=0),
    "transposed groups": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 6), t.ones(2, 4, 3, 3), groups=3),
    "transposed bias": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 6), t.ones(2, 4, 3, 3), t.ones(1, 4)),
    "transposed empty": lambda t, F: F.conv_transpose2d(t.ones(1, 2, 6, 0), t.ones(2, 4, 3, 3)),
    "pool kernel bool": lambda t, F: F.max_pool2d(t.ones(1, 2, 6, 6), True),
    "pool stride float": lambda t, F: F.avg_pool2d(t.ones(1, 2, 6, 6), 2, stride=1.5),
    "pool divisor": lambda t, F: F.avg_pool2d(t.ones(1, 2, 6, 6), 2, divisor_override=1.5),
    "pool empty": lambda t, F: F.avg_pool3d(t.ones(1, 2, 6, 6, 0), 2),
    "max_pool1d empty": lambda t, F: F.max_pool1d(t.ones(1, 10, 0), 1),
    "adaptive one number": lambda t, F: F.adaptive_avg_pool2d(t.ones(1, 2, 6, 6), (2,)),
    "adaptive max numbers": lambda t, F: F.adaptive_max_pool2d(t.ones(1, 2, 6, 6), ()),
    "adaptive max negative": lambda t, F: F.adaptive_max_pool2d(t.ones(1, 2, 6, 6), (-1, 0)),
    "adaptive str": lambda t, F: F.adaptive_max_pool1d(t.ones(1, 2, 6), "a"),
    "adaptive none": lambda t, F: F.adaptive_avg_pool1d(t.ones(1, 2, 6), None),
    "adaptive rank, two sizes": lambda t, F: F.adaptive_avg_pool2d(t.ones(6, 6), (2, 2)),
    "adaptive channels": lambda t, F: F.adaptive_max_pool2d(t.ones(1, 0, 6, 6), 2),
    "adaptive scalar": lambda t, F: F.adaptive_avg_pool2d(t.tensor(1.0), 2),
    "cholesky half": lambda t, F: t.linalg.cholesky(t.eye(2).half()),
    "svd half": lambda t, F: t.linalg.svd(t.eye(2).half()),
    "svd int": lambda t, F: t.linalg.svd(t.eye(2).long()),
    "det half": lambda t, F: t.linalg.det(t.eye(2).half()),
    "qr half": lambda t, F: t.linalg.qr(t.eye(2).half()),
    "eig half": lambda t, F: t.linalg.eig(t.eye(2).half()),
    "ldl half": lambda t, F: t.linalg.ldl_factor(t.eye(2).half()),
    "solve half": lambda t, F: t.linalg.solve(t.eye(2).half(), t.eye(2).half()),
    "solve_triangular int": lambda t, F: t.linalg.solve_triangular(t.eye(2).long(), t.eye(2).long(), upper=True),
    "householder int": lambda t, F: t.linalg.householder_product(t.eye(2).long(), t.ones(2).long()),
    "cholesky_solve int": lambda t, F: t.cholesky_solve(t.eye(2).long(), t.eye(2).long()),
    "cholesky_inverse int": lambda t, F: t.cholesky_inverse(t.eye(2).long()),
    "ormqr int": lambda t, F: t.ormqr(t.eye(2).long(), t.ones(2).long(), t.eye(2).long()),
    "matrix_norm half": lambda t, F: t.linalg.matrix_norm(t.eye(2).half(), 2),
    "matrix_norm of nothing": lambda t, F: t.linalg.matrix_norm(t.ones(0, 0), -1),
    "matrix_norm of nothing, -2": lambda t, F: t.linalg.matrix_norm(t.ones(0, 0), -2),
    "matrix_norm None": lambda t, F: t.linalg.matrix_norm(t.ones(2, 2), None),
    "vector_norm None": lambda t, F: t.linalg.vector_norm(t.ones(2), ord=None),
    "cross sizes": lambda t, F: t.linalg.cross(t.ones(3, 3), t.ones(2, 3)),
    "lstsq sizes": lambda t, F: t.linalg.lstsq(t.ones(1, 2, 3), t.ones(3, 2)),
    "tensorsolve sizes": lambda t, F: t.linalg.tensorsolve(t.ones(2, 3, 6), t.ones(2, 2)),
    "ormqr tau": lambda t, F: t.ormqr(t.ones(2, 3, 3), t.zeros(3), t.ones(3, 3)),
    "ormqr tau batch": lambda t, F: t.ormqr(t.ones(2, 3, 3), t.zeros(3, 3), t.ones(2, 3, 4)),
    "ormqr other batch": lambda t, F: t.ormqr(t.ones(2, 3, 3), t.zeros(2, 3), t.ones(3, 3, 4)),
    "householder batch": lambda t, F: t.linalg.householder_product(t.ones(2, 3, 3), t.zeros(3, 3)),
    "chain_matmul vectors": lambda t, F: t.chain_matmul(t.ones(1), t.ones(1)),
    "frobenius_norm dims": lambda t, F: t.frobenius_norm(t.ones(2, 2, 2), (0, 1, 2)),
    "nuclear_norm vector": lambda t, F: t.nuclear_norm(t.ones(2)),
    "fractional no channels": lambda t, F: F.fractional_max_pool2d(t.ones(1, 0, 5, 5), 2, 2),
    "fractional 3d no channels": lambda t, F: F.fractional_max_pool3d(t.ones(1, 0, 5, 5, 5), 2, 2),
    "fractional samples": lambda t, F: F.fractional_max_pool2d(t.ones(1, 1, 7, 7), 2, 2, _random_samples=t.zeros(1, 2, 2)),
    "fractional samples rank": lambda t, F: F.fractional_max_pool2d(t.ones(1, 1, 7, 7), 2, 2, _random_samples=t.zeros(1, 2)),
    "unpool no channels": lambda t, F: F.max_unpool2d(t.ones(1, 0, 2, 2), t.ones(1, 0, 2, 2).long(), 2),
    "pack nothing": lambda t, F: t.nn.utils.rnn.pack_padded_sequence(t.randn(0, 0), []),
    "native_dropout int": lambda t, F: t.native_dropout(t.ones(3).long(), 0.5, True),
    "linear_cross_entropy": lambda t, F: F.linear_cross_entropy(t.ones(2, 3), t.ones(4, 2), t.full((2,), 1)),
    "linear_cross_entropy bias": lambda t, F: F.linear_cross_entropy(t.ones(2, 3), t.ones(4, 3), t.full((2,), 1), linear_bias=t.ones(3)),
}  # fmt: skip


def head(text: str) -> str:
    """The first words of a message, in which the libraries must agree."""
    return " ".join(text.split())[:24]


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch, torch.nn.functional)
    with pytest.raises(theirs.type) as mine:
        ERRORS[name](rl, rl.nn.functional)
    assert " ".join(str(mine.value).split()).startswith(head(str(theirs.value))), (
        f"{mine.value}\nPyTorch: {theirs.value}"
    )


def norms_and_solutions(t: Any) -> list[Any]:
    x = t.arange(12.0).reshape(2, 2, 3)
    singular = t.stack([t.eye(3), t.diag(t.tensor([1.0, 1.0, 0.0])), t.zeros(3, 3)])
    found = [t.linalg.cond(singular, p) for p in (1, -1, "fro", "nuc", 2)]
    found += [t.frobenius_norm(x, d, k) for d in (0, (0, 2), ()) for k in (False, True)]
    found += [
        t.nuclear_norm(x),
        t.nuclear_norm(x, True),
        t.nuclear_norm(x, (0, 1)),
        t.nuclear_norm(x, dim=(0, 2), keepdim=True),
    ]
    return [*found, t.linalg.lstsq(t.ones(2, 2, 3), t.ones(2, 3)).solution]


def test_norms_and_solutions() -> None:
    for mine, theirs in zip(*map(norms_and_solutions, (rl, torch)), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-5)


def pictures(t: Any, dims: int) -> Any:
    """Pictures with their channels last in memory."""
    return t.arange(2.0 * 6**dims * 3).reshape(2, *(6,) * dims, 3).movedim(-1, 1).sin()


def heads(t: Any) -> Any:
    return t.arange(120.0).reshape(2, 5, 3, 4).sin().transpose(1, 2)


LAYOUTS: dict[str, Case] = {
    "conv2d": lambda t, F: F.conv2d(pictures(t, 2), t.ones(4, 3, 2, 2)),
    "conv2d by its weight": lambda t, F: F.conv2d(pictures(t, 2).contiguous(), t.ones(4, 2, 2, 3).movedim(-1, 1)),
    "conv3d": lambda t, F: F.conv3d(pictures(t, 3), t.ones(4, 3, 2, 2, 2), t.ones(4)),
    "conv_transpose2d": lambda t, F: F.conv_transpose2d(pictures(t, 2), t.ones(3, 4, 2, 2)),
    "max_pool2d": lambda t, F: F.max_pool2d(pictures(t, 2), 2),
    "max_pool2d indices": lambda t, F: F.max_pool2d(pictures(t, 2), 2, return_indices=True)[1],
    "max_pool3d": lambda t, F: F.max_pool3d(pictures(t, 3), 2),
    "avg_pool2d": lambda t, F: F.avg_pool2d(pictures(t, 2), 2),
    "avg_pool3d": lambda t, F: F.avg_pool3d(pictures(t, 3), 2),
    "adaptive_avg_pool2d": lambda t, F: F.adaptive_avg_pool2d(pictures(t, 2), 3),
    "adaptive_max_pool2d": lambda t, F: F.adaptive_max_pool2d(pictures(t, 2), 3),
    "max_unpool2d": lambda t, F: F.max_unpool2d(*F.max_pool2d(pictures(t, 2), 2, return_indices=True), 2),
    "interpolate": lambda t, F: F.interpolate(pictures(t, 2), scale_factor=2, mode="bilinear"),
    "pad": lambda t, F: F.pad(pictures(t, 2), (1, 1)),
    "pad reflect": lambda t, F: F.pad(pictures(t, 2), (1, 1, 1, 1), mode="reflect"),
    "pad circular": lambda t, F: F.pad(pictures(t, 2), (1, 1, 1, 1), mode="circular"),
    "batch_norm": lambda t, F: F.batch_norm(pictures(t, 2), t.zeros(3), t.ones(3)),
    "group_norm": lambda t, F: F.group_norm(pictures(t, 2), 3),
    "layer_norm": lambda t, F: F.layer_norm(pictures(t, 2), (6,)),
    "layer_norm, turned": lambda t, F: F.layer_norm(t.ones(3, 4).t(), (3,)),
    "attention": lambda t, F: F.scaled_dot_product_attention(heads(t), heads(t), heads(t), is_causal=True),
    "attention in order": lambda t, F: F.scaled_dot_product_attention(*[heads(t).contiguous()] * 3),
    "attention split": lambda t, F: F.scaled_dot_product_attention(
        *[x.reshape(2, 5, 3, 4).transpose(1, 2) for x in t.ones(2, 5, 36).split(12, 2)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_order_in_memory(name: str) -> None:
    mine, theirs = [LAYOUTS[name](library, library.nn.functional) for library in (rl, torch)]
    assert mine.stride() == theirs.stride()
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)


EMPTY: dict[str, Case] = {
    "max_unpool1d": lambda t, F: F.max_unpool1d(t.ones(0, 1, 2), t.ones(0, 1, 2).long(), 2),
    "max_unpool2d": lambda t, F: F.max_unpool2d(t.ones(0, 1, 2, 2), t.ones(0, 1, 2, 2).long(), 2),
    "max_unpool3d": lambda t, F: F.max_unpool3d(t.ones(0, 1, 2, 2, 2), t.ones(0, 1, 2, 2, 2).long(), 2),
    "fractional_max_pool2d": lambda t, F: F.fractional_max_pool2d(t.ones(1, 2, 50, 32), (2, 2), (0, 1)),
    "fractional_max_pool3d": lambda t, F: F.fractional_max_pool3d(t.ones(1, 2, 50, 32, 32), 3, (0, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_pool(name: str) -> None:
    mine, theirs = [EMPTY[name](library, library.nn.functional) for library in (rl, torch)]
    assert list(mine.shape) == list(theirs.shape)
    assert mine.tolist() == theirs.tolist()


def test_dropout2d_of_three_dimensions_warns() -> None:
    with pytest.warns(
        UserWarning, match="dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D"
    ):
        rl.nn.functional.dropout2d(rl.ones(2, 3, 4))


LINEAR: dict[str, Case] = {
    "avg_pool1d": lambda x, F: F.avg_pool1d(x[:, :, 0], 2),
    "avg_pool2d": lambda x, F: F.avg_pool2d(x, 2),
    "avg_pool3d": lambda x, F: F.avg_pool3d(x, 2),
    "max_pool1d": lambda x, F: F.max_pool1d(x[0], 2),
    "max_pool2d": lambda x, F: F.max_pool2d(x, 2),
    "max_pool3d": lambda x, F: F.max_pool3d(x, 2),
    "adaptive_avg_pool2d": lambda x, F: F.adaptive_avg_pool2d(x, 2),
    "adaptive_max_pool2d": lambda x, F: F.adaptive_max_pool2d(x, 2),
    "fractional_max_pool2d": lambda x, F: F.fractional_max_pool2d(x, 2, 2),
    "pad reflect": lambda x, F: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "pad replicate": lambda x, F: F.pad(x, (1, 1, 0, 1), mode="replicate"),
    "pad circular": lambda x, F: F.pad(x, (1, 1, 1, 1), mode="circular"),
    "pad constant": lambda x, F: F.pad(x, (1, 1)),
    "unfold": lambda x, F: F.unfold(x, 2),
    "interpolate": lambda x, F: F.interpolate(x, scale_factor=2),
    "nll_loss": lambda x, F: F.nll_loss(x[0], x.detach().new_zeros(3, 4).long()),
    "prelu": lambda x, F: F.prelu(x, x.detach()[0, 0, 0, :1]),
    "rrelu": lambda x, F: F.rrelu(x, training=True),
}  # fmt: skip


@pytest.mark.parametrize("name", LINEAR)
def test_second_derivatives_of_what_is_linear(name: str) -> None:
    """Zero where PyTorch saves the input for the gradient, none where it does not."""
    found = []
    for library in LIBRARIES:
        x = library.arange(96.0).reshape(2, 3, 4, 4).sin().requires_grad_()
        y = LINEAR[name](x, library.nn.functional)
        (g,) = library.autograd.grad(y, x, library.ones_like(y).requires_grad_(), create_graph=True)
        (h,) = library.autograd.grad(g.sum(), x, allow_unused=True)
        found.append(None if h is None else float(h.abs().sum()))
    assert found[0] == found[1]


# ---- random streams

RANDOM: dict[str, Case] = {
    "dropout": lambda t, F: F.dropout(t.ones(5, 7), 0.3),
    "dropout transposed": lambda t, F: F.dropout(t.ones(5, 7, 2).transpose(0, 2), 0.3),
    "dropout double": lambda t, F: F.dropout(t.ones(5, 7, dtype=t.float64), 0.3),
    "dropout half": lambda t, F: F.dropout(t.ones(5, 7, dtype=t.float16), 0.3),
    "dropout all": lambda t, F: F.dropout(t.ones(3), 1.0),
    "dropout none": lambda t, F: F.dropout(t.ones(3), 0.0),
    "dropout in place": lambda t, F: F.dropout(t.ones(5, 7), 0.3, True, True),
    "dropout1d": lambda t, F: F.dropout1d(t.ones(2, 3, 4), 0.5),
    "dropout1d unbatched": lambda t, F: F.dropout1d(t.ones(3, 4), 0.5),
    "dropout2d": lambda t, F: F.dropout2d(t.ones(2, 3, 4, 2), 0.5),
    "dropout2d 3d": lambda t, F: F.dropout2d(t.ones(3, 4, 2), 0.5),
    "dropout3d": lambda t, F: F.dropout3d(t.ones(2, 3, 2, 2, 2), 0.5),
    "alpha_dropout": lambda t, F: F.alpha_dropout(t.ones(5, 7), 0.3, True),
    "feature_alpha_dropout": lambda t, F: F.feature_alpha_dropout(t.ones(2, 5, 7), 0.3, True),
    "torch.dropout": lambda t, F: t.dropout(t.ones(5, 7), 0.3, True),
    "torch.feature_dropout": lambda t, F: t.feature_dropout(t.ones(2, 5, 7), 0.3, True),
    "torch.alpha_dropout_": lambda t, F: t.alpha_dropout_(t.ones(2, 5, 7), 0.3, True),
    "native_dropout": lambda t, F: t.native_dropout(t.ones(5, 7), 0.3, True)[0],
    "rrelu": lambda t, F: F.rrelu(-t.ones(5, 7), training=True),
    "rrelu in place": lambda t, F: F.rrelu(-t.ones(5, 7), training=True, inplace=True),
    "gumbel_softmax": lambda t, F: F.gumbel_softmax(t.ones(5, 7), 0.5),
    "gumbel_softmax hard": lambda t, F: F.gumbel_softmax(t.ones(5, 7), hard=True, dim=0),
    "fractional_max_pool2d": lambda t, F: F.fractional_max_pool2d(t.arange(96.0).reshape(2, 2, 4, 6).sin(), 2, (2, 3)),
    "fractional_max_pool3d": lambda t, F: F.fractional_max_pool3d(t.arange(120.0).reshape(2, 5, 4, 3).sin(), 2, output_ratio=0.6),
    "attention": lambda t, F: F.scaled_dot_product_attention(t.eye(4), t.eye(4), t.eye(4), dropout_p=0.4),
}  # fmt: skip


@pytest.mark.parametrize("name", RANDOM)
def test_random_stream(name: str) -> None:
    made = []
    for library in LIBRARIES:
        library.manual_seed(7)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = RANDOM[name](library, library.nn.functional)
        made.append((result.numpy(), library.rand(1).item()))  # what is drawn next shows how much was drawn
    np.testing.assert_allclose(made[1][0], made[0][0], rtol=1e-6, atol=1e-7)
    assert made[0][1] == made[1][1]


# ---- in place

ACTIVATIONS = {
    "relu": (), "relu6": (), "elu": (0.7,), "celu": (0.7,), "selu": (), "leaky_relu": (0.2,), "hardtanh": (-0.5, 0.5),
    "hardswish": (), "hardsigmoid": (), "silu": (), "mish": (), "threshold": (0.1, 7.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_in_place(name: str) -> None:
    args = ACTIVATIONS[name]
    grads = []
    for library in LIBRARIES:
        F = library.nn.functional
        x = library.linspace(-2, 2, 9, dtype=library.float64).requires_grad_()
        y = x * 1
        made = getattr(F, name)(y, *args, inplace=True)
        assert made is y and y._version == 1
        (made * made).sum().backward()
        grads.append((made.detach().numpy(), x.grad.numpy(), made.grad_fn.name()))
        if hasattr(torch.nn.functional, name + "_"):
            z = library.linspace(-2, 2, 9, dtype=library.float64)
            assert getattr(F, name + "_")(z, *args) is z
    np.testing.assert_allclose(grads[1][0], grads[0][0], rtol=1e-7)
    np.testing.assert_allclose(grads[1][1], grads[0][1], rtol=1e-7)
    assert grads[0][2].replace("Backward1", "Backward0") == grads[1][2]  # PyTorch's in-place rules read the result


# ---- what is written on the side


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 2, 2)])
@pytest.mark.parametrize("function", ["batch_norm", "instance_norm"])
def test_running_statistics(function: str, shape: tuple[int, ...]) -> None:
    if function == "instance_norm" and len(shape) == 2:
        return
    data = np.random.default_rng(1).normal(size=shape).astype("f4")
    made = []
    for library in LIBRARIES:
        running = [library.zeros(3), library.ones(3)]
        f = getattr(library.nn.functional, function)
        out = f(
            library.from_numpy(data.copy()),
            *running,
            **{"training" if function == "batch_norm" else "use_input_stats": True},
        )
        made.append([out.numpy(), *[r.numpy() for r in running], [r._version for r in running]])
    for a, b in zip(made[0][:3], made[1][:3], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)
    assert all(v > 0 for v in made[1][3])


def test_embedding_max_norm() -> None:
    table = np.random.default_rng(1).normal(size=(5, 3)).astype("f4") * 3
    for norm_type in (2.0, 1.0):
        made = []
        for library in LIBRARIES:
            weight = library.tensor(table.tolist())
            out = library.nn.functional.embedding(library.tensor([0, 2, 2]), weight, max_norm=1.0, norm_type=norm_type)
            made.append((out.numpy(), weight.numpy()))
        np.testing.assert_allclose(made[1][0], made[0][0], rtol=1e-6)
        np.testing.assert_allclose(made[1][1], made[0][1], rtol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_linear_cross_entropy_in_pieces(reduction: str) -> None:
    random = np.random.default_rng(2)
    x, w, b = (random.normal(size=s) for s in ((7, 3), (11, 3), (11,)))
    target = random.integers(0, 11, 7)
    target[2] = -100
    made = []
    for library in LIBRARIES:
        tensors = [library.tensor(a.tolist(), dtype=library.float64, requires_grad=True) for a in (x, w, b)]
        options = library.nn.LinearCrossEntropyOptions(batch_chunk_size=2)
        out = library.nn.functional.linear_cross_entropy(
            tensors[0],
            tensors[1],
            library.tensor(target.tolist()),
            linear_bias=tensors[2],
            reduction=reduction,
            options=options,
        )
        grads = library.autograd.grad(out.sum(), tensors)
        made.append([out.detach().numpy(), *[g.numpy() for g in grads]])
    for a, b in zip(*made, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("ranks", [(2, 3), (3, 3), (2, 2), (3, 2)])
def test_grouped_mm(ranks: tuple[int, int]) -> None:
    random = np.random.default_rng(2)
    a, b = (random.normal(size=(2, 16, 16)[3 - r :] if r == 2 else (2, 16, 16)).astype("f4") for r in ranks)
    made = []
    for library in LIBRARIES:
        tensors = [library.from_numpy(x.copy()).requires_grad_() for x in (a, b)]
        offs = None if ranks == (3, 3) else library.tensor([4, 16], dtype=library.int32)
        out = library.nn.functional.grouped_mm(*tensors, offs=offs)
        made.append([out.detach().numpy(), *[g.numpy() for g in library.autograd.grad((out * out).sum(), tensors)]])
    for x, y in zip(*made, strict=True):
        np.testing.assert_allclose(y, x, rtol=2e-3, atol=2e-2)
