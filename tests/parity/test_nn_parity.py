"""Every module against torch.nn: same signature, state, printed form, initial values, outputs and
gradients."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import rushlight as rl  # noqa: E402
from rushlight import nn  # noqa: E402


def f(*shape, low=-1.0, high=1.0):
    """A float input: random numbers in [low, high)."""
    return ("float", shape, low, high)


def i(*shape, high):
    """An integer input: random numbers in [0, high)."""
    return ("int", shape, 0, high)


def lit(values, dtype=np.float32):
    """An input given in full."""
    return ("lit", np.asarray(values, dtype=dtype))


def pm(*shape):
    """Targets of 1 and -1."""
    return ("sign", shape)


ONE = (f(4, 3),)
C1, C2, C3 = (f(2, 4, 9),), (f(2, 4, 7, 6),), (f(2, 4, 5, 6, 4),)
PAIR = (f(4, 3), f(4, 3))

# name, positional arguments, keyword arguments, inputs
ROWS = [
    ("Identity", (1, 2), {"a": 3}, ONE),
    ("Linear", (3, 2), {}, ONE),
    ("Linear", (3, 2), {"bias": False}, ONE),
    ("Linear", (3, 2, True, "cpu"), {}, (f(3),)),
    ("Bilinear", (3, 2, 5), {}, (f(4, 3), f(4, 2))),
    ("Bilinear", (3, 2, 5, False), {}, (f(4, 3), f(4, 2))),
    ("Threshold", (0.1, 7.0), {}, ONE),
    ("ReLU", (), {}, ONE),
    ("ReLU", (True,), {}, None),
    ("RReLU", (), {}, ONE),
    ("RReLU", (0.1, 0.2, True), {}, None),
    ("Hardtanh", (-0.5, 0.7), {}, ONE),
    ("Hardtanh", (-0.5, 0.7, True), {}, None),
    ("ReLU6", (), {}, (f(4, 3, low=-8, high=8),)),
    ("ReLU6", (True,), {}, None),
    ("Sigmoid", (), {}, ONE),
    ("Hardsigmoid", (), {}, (f(4, 3, low=-4, high=4),)),
    ("Hardsigmoid", (True,), {}, None),
    ("Tanh", (), {}, ONE),
    ("SiLU", (), {}, ONE),
    ("SiLU", (True,), {}, None),
    ("Mish", (), {}, ONE),
    ("Hardswish", (), {}, (f(4, 3, low=-4, high=4),)),
    ("Hardswish", (True,), {}, None),
    ("ELU", (0.7,), {}, ONE),
    ("ELU", (0.7, True), {}, None),
    ("CELU", (0.7,), {}, ONE),
    ("SELU", (), {}, ONE),
    ("GLU", (), {}, (f(4, 6),)),
    ("GELU", (), {}, ONE),
    ("GELU", ("tanh",), {}, ONE),
    ("Hardshrink", (0.3,), {}, ONE),
    ("LeakyReLU", (), {}, ONE),
    ("LeakyReLU", (0.2, True), {}, None),
    ("LogSigmoid", (), {}, ONE),
    ("Softplus", (2.0, 1.0), {}, ONE),
    ("Softshrink", (0.3,), {}, ONE),
    ("PReLU", (), {}, ONE),
    ("PReLU", (3, 0.1), {}, ONE),
    ("Softsign", (), {}, ONE),
    ("Tanhshrink", (), {}, ONE),
    ("Softmin", (1,), {}, ONE),
    ("Softmax", (1,), {}, ONE),
    ("Softmax", (), {}, ONE),
    ("Softmax2d", (), {}, (f(2, 3, 4, 5),)),
    ("LogSoftmax", (1,), {}, ONE),
    ("MultiheadAttention", (4, 2), {}, (f(5, 3, 4), f(6, 3, 4), f(6, 3, 4))),
    ("MultiheadAttention", (4, 2), {"batch_first": True}, (f(3, 5, 4), f(3, 6, 4), f(3, 6, 4))),
    (
        "MultiheadAttention",
        (4, 2),
        {"bias": False, "add_bias_kv": True},
        (f(5, 3, 4), f(6, 3, 4), f(6, 3, 4)),
    ),
    (
        "MultiheadAttention",
        (4, 2),
        {"kdim": 3, "vdim": 5, "add_zero_attn": True, "add_bias_kv": True},
        (f(5, 3, 4), f(6, 3, 3), f(6, 3, 5)),
    ),
    ("MultiheadAttention", (4, 2), {}, (f(5, 4), f(6, 4), f(6, 4))),
    ("Conv1d", (4, 6, 3), {}, C1),
    ("Conv1d", (4, 6, 3, 2, 1, 2), {"groups": 2, "bias": False}, C1),
    ("Conv1d", (4, 6, 4), {"padding": "same"}, C1),
    ("Conv1d", (4, 6, 3), {"padding": 2, "padding_mode": "circular"}, C1),
    ("Conv2d", (4, 6, 3), {}, C2),
    ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}, C2),
    ("Conv2d", (4, 6, (3, 2)), {"padding": "same", "padding_mode": "reflect"}, C2),
    ("Conv2d", (4, 6, 3), {"padding": "valid"}, (f(4, 5, 6),)),
    ("Conv3d", (4, 2, 2), {"padding": 1, "padding_mode": "replicate"}, C3),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}, C1),
    ("ConvTranspose2d", (4, 6, (3, 2)), {"stride": 2, "groups": 2, "dilation": 2}, C2),
    ("ConvTranspose3d", (4, 2, 2), {"bias": False}, C3),
    ("MaxPool1d", (3,), {}, C1),
    ("MaxPool1d", (3, 2, 1), {"return_indices": True}, C1),
    ("MaxPool2d", (2,), {"ceil_mode": True}, C2),
    ("MaxPool2d", ((3, 2),), {"stride": (2, 1), "dilation": (1, 2), "padding": 1}, C2),
    ("MaxPool3d", (2,), {}, C3),
    ("MaxUnpool1d", (2,), {}, (f(1, 1, 2), lit([[[1, 2]]], np.int64))),
    ("MaxUnpool2d", (2,), {}, (f(1, 1, 1, 2), lit([[[[1, 6]]]], np.int64))),
    ("MaxUnpool3d", (2,), {}, (f(1, 1, 1, 1, 2), lit([[[[[1, 6]]]]], np.int64))),
    ("AvgPool1d", (3, 2, 1), {}, C1),
    ("AvgPool2d", ((3, 2),), {"padding": 1, "count_include_pad": False}, C2),
    ("AvgPool2d", (2,), {"divisor_override": 3, "ceil_mode": True}, C2),
    ("AvgPool3d", (2,), {}, C3),
    ("FractionalMaxPool2d", (2,), {"output_size": (3, 4)}, C2),
    ("FractionalMaxPool2d", (2,), {"output_ratio": (0.5, 0.6), "return_indices": True}, C2),
    ("FractionalMaxPool3d", (2,), {"output_size": 2}, C3),
    ("LPPool1d", (2, 3), {}, C1),
    ("LPPool2d", (3, 2), {"stride": 1}, (f(2, 4, 7, 6, low=0.1),)),
    ("LPPool3d", (2, 2), {"ceil_mode": True}, C3),
    ("AdaptiveMaxPool1d", (4,), {}, C1),
    ("AdaptiveMaxPool2d", ((3, None),), {"return_indices": True}, C2),
    ("AdaptiveMaxPool3d", (2,), {}, C3),
    ("AdaptiveAvgPool1d", (4,), {}, C1),
    ("AdaptiveAvgPool2d", ((3, None),), {}, C2),
    ("AdaptiveAvgPool3d", (2,), {}, C3),
    ("BatchNorm1d", (4,), {}, C1),
    ("BatchNorm1d", (3,), {"momentum": None}, ONE),
    ("BatchNorm1d", (3,), {"affine": False, "track_running_stats": False}, ONE),
    ("BatchNorm2d", (4, 1e-3, 0.3), {"bias": False}, C2),
    ("BatchNorm3d", (4,), {}, C3),
    ("SyncBatchNorm", (4,), {}, C2),
    ("InstanceNorm1d", (4,), {}, C1),
    ("InstanceNorm1d", (4,), {"affine": True, "track_running_stats": True}, (f(4, 9),)),
    ("InstanceNorm2d", (4,), {"affine": True}, C2),
    ("InstanceNorm3d", (4,), {}, C3),
    ("LayerNorm", (3,), {}, ONE),
    ("LayerNorm", ([4, 3],), {"bias": False}, (f(2, 4, 3),)),
    ("LayerNorm", (3, 1e-3, False), {}, ONE),
    ("GroupNorm", (2, 4), {}, C2),
    ("GroupNorm", (2, 4), {"affine": False}, C2),
    ("RMSNorm", (3,), {}, ONE),
    ("RMSNorm", ((4, 3), 1e-3, False), {}, (f(2, 4, 3),)),
    ("LocalResponseNorm", (2,), {}, C2),
    ("Dropout", (0.3,), {}, ONE),
    ("Dropout", (0.3, True), {}, None),
    ("Dropout1d", (0.3,), {}, C1),
    ("Dropout2d", (0.3,), {}, C2),
    ("Dropout3d", (0.3,), {}, C3),
    ("AlphaDropout", (0.3,), {}, ONE),
    ("FeatureAlphaDropout", (0.3,), {}, C2),
    ("Flatten", (), {}, C2),
    ("Unflatten", (1, (2, 2)), {}, C2),
    ("Fold", ((4, 5), (2, 2)), {}, (f(1, 12, 12),)),
    ("Unfold", ((2, 3),), {"dilation": 2, "padding": 1, "stride": 2}, C2),
    ("PixelShuffle", (2,), {}, C2),
    ("PixelUnshuffle", (2,), {}, (f(2, 4, 6, 6),)),
    ("ChannelShuffle", (2,), {}, C2),
    ("Upsample", (), {"scale_factor": 2}, C2),
    ("Upsample", ((9, 8),), {"mode": "bilinear", "align_corners": True}, C2),
    ("Upsample", (), {"scale_factor": (1.5, 2.0), "mode": "bicubic"}, C2),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}, C2),
    ("UpsamplingBilinear2d", (), {"size": (9, 8)}, C2),
    ("Embedding", (7, 3), {}, (i(2, 4, high=7),)),
    ("Embedding", (7, 3), {"padding_idx": -2, "scale_grad_by_freq": True}, (i(2, 4, high=7),)),
    ("Embedding", (7, 3), {"max_norm": 1.0, "norm_type": 1.0}, (i(2, 4, high=7),)),
    ("EmbeddingBag", (7, 3), {}, (i(2, 4, high=7),)),
    ("EmbeddingBag", (7, 3), {"mode": "sum", "padding_idx": 1}, (i(6, high=7), lit([0, 2, 2], np.int64))),
    ("EmbeddingBag", (7, 3), {"mode": "max", "max_norm": 1.5}, (i(2, 4, high=7),)),
    ("PairwiseDistance", (), {}, PAIR),
    ("PairwiseDistance", (1.0,), {"keepdim": True}, PAIR),
    ("CosineSimilarity", (), {}, PAIR),
    ("L1Loss", (), {}, PAIR),
    ("L1Loss", (), {"size_average": False}, PAIR),
    ("L1Loss", (), {"reduce": False}, PAIR),
    ("NLLLoss", (), {}, (f(4, 3), i(4, high=3))),
    ("PoissonNLLLoss", (), {"full": True}, (f(4, 3), f(4, 3, low=0.1, high=4))),
    ("GaussianNLLLoss", (), {"full": True}, (f(4, 3), f(4, 3), f(4, 3, low=0.1))),
    ("KLDivLoss", (), {"reduction": "batchmean"}, (f(4, 3), f(4, 3, low=0.1))),
    ("KLDivLoss", (), {"reduction": "sum", "log_target": True}, PAIR),
    ("MSELoss", (), {"reduction": "none"}, PAIR),
    ("BCELoss", (), {}, (f(4, 3, low=0.1, high=0.9), f(4, 3, low=0))),
    ("BCEWithLogitsLoss", (), {}, (f(4, 3), f(4, 3, low=0))),
    ("HingeEmbeddingLoss", (0.5,), {}, (f(4, 3), pm(4, 3))),
    ("MultiLabelMarginLoss", (), {}, (f(2, 4), lit([[3, 0, -1, 1], [1, -1, 0, 0]], np.int64))),
    ("SmoothL1Loss", (), {"beta": 0.5}, PAIR),
    ("HuberLoss", (), {"delta": 0.5}, PAIR),
    ("SoftMarginLoss", (), {}, (f(4, 3), pm(4, 3))),
    ("CrossEntropyLoss", (), {}, (f(4, 3), i(4, high=3))),
    ("CrossEntropyLoss", (), {"label_smoothing": 0.2, "reduction": "sum"}, (f(4, 3, 2), i(4, 2, high=3))),
    ("LinearCrossEntropyLoss", (3, 5), {}, (f(4, 3), i(4, high=5))),
    ("LinearCrossEntropyLoss", (3, 5), {"bias": True, "label_smoothing": 0.1}, (f(4, 3), i(4, high=5))),
    ("MultiLabelSoftMarginLoss", (), {}, (f(4, 3), f(4, 3, low=0))),
    ("CosineEmbeddingLoss", (0.1,), {}, (f(4, 3), f(4, 3), pm(4))),
    ("MarginRankingLoss", (0.1,), {}, (f(4), f(4), pm(4))),
    ("MultiMarginLoss", (2, 0.7), {}, (f(4, 3), i(4, high=3))),
    ("TripletMarginLoss", (), {"swap": True}, (f(4, 3), f(4, 3), f(4, 3))),
    ("TripletMarginWithDistanceLoss", (), {"margin": 0.5}, (f(4, 3), f(4, 3), f(4, 3))),
    (
        "CTCLoss",
        (),
        {"zero_infinity": True},
        (f(6, 2, 4), lit([[1, 2], [3, 1]], np.int64), lit([6, 5], np.int64), lit([2, 1], np.int64)),
    ),
    ("CircularPad1d", (2,), {}, C1),
    ("CircularPad2d", ((1, 2, 0, 1),), {}, C2),
    ("CircularPad3d", (1,), {}, C3),
    ("ConstantPad1d", (2, 3.5), {}, C1),
    ("ConstantPad2d", ((1, 2, 0, 1), 3.5), {}, C2),
    ("ConstantPad3d", (1, 3.5), {}, C3),
    ("ReflectionPad1d", (2,), {}, C1),
    ("ReflectionPad2d", ((1, 2, 0, 1),), {}, C2),
    ("ReflectionPad3d", (1,), {}, C3),
    ("ReplicationPad1d", (2,), {}, C1),
    ("ReplicationPad2d", ((1, 2, 0, 1),), {}, C2),
    ("ReplicationPad3d", (1,), {}, C3),
    ("ZeroPad1d", (2,), {}, C1),
    ("ZeroPad2d", ((1, 2, 0, 1),), {}, C2),
    ("ZeroPad3d", (1,), {}, C3),
    (
        "AdaptiveLogSoftmaxWithLoss",
        (8, 20, [5, 10]),
        {"div_value": 2.0, "head_bias": True},
        (f(9, 8), i(9, high=20)),
    ),
    ("AdaptiveLogSoftmaxWithLoss", (8, 20, [5, 10]), {}, (f(8), lit(7, np.int64))),
    ("RNN", (3, 4), {}, (f(5, 2, 3),)),
    ("RNN", (3, 4, 2), {"nonlinearity": "relu", "bias": False, "batch_first": True}, (f(2, 5, 3),)),
    ("RNN", (3, 4, 2), {"bidirectional": True, "dropout": 0.3}, (f(5, 2, 3), f(4, 2, 4))),
    ("LSTM", (3, 4), {}, (f(5, 2, 3),)),
    ("LSTM", (3, 4, 2), {"bidirectional": True, "batch_first": True}, (f(2, 5, 3),)),
    ("LSTM", (3, 4, 2), {"proj_size": 2, "bidirectional": True}, (f(5, 2, 3),)),
    ("LSTM", (3, 4), {}, (f(5, 3),)),
    ("GRU", (3, 4), {}, (f(5, 2, 3), f(1, 2, 4))),
    ("GRU", (3, 4, 3), {"bidirectional": True, "bias": False}, (f(5, 2, 3),)),
    ("RNNCell", (3, 4), {}, (f(2, 3), f(2, 4))),
    ("RNNCell", (3, 4), {"nonlinearity": "relu", "bias": False}, (f(3),)),
    ("LSTMCell", (3, 4), {}, (f(2, 3),)),
    ("GRUCell", (3, 4), {}, (f(2, 3), f(2, 4))),
    ("TransformerEncoderLayer", (4, 2, 6), {"dropout": 0.0}, (f(5, 3, 4),)),
    (
        "TransformerEncoderLayer",
        (4, 2, 6),
        {"activation": "gelu", "norm_first": True, "bias": False},
        (f(5, 3, 4),),
    ),
    ("TransformerDecoderLayer", (4, 2, 6), {"dropout": 0.0}, (f(5, 3, 4), f(6, 3, 4))),
    (
        "TransformerDecoderLayer",
        (4, 2, 6),
        {"norm_first": True, "batch_first": True},
        (f(3, 5, 4), f(3, 6, 4)),
    ),
    ("Transformer", (4, 2, 2, 2, 6), {"dropout": 0.0}, (f(5, 3, 4), f(6, 3, 4))),
    ("Transformer", (4, 2, 1, 1, 6), {"batch_first": True, "norm_first": True}, (f(3, 5, 4), f(3, 6, 4))),
]
IDS = [f"{name}-{n}" for n, (name, *_) in enumerate(ROWS)]


def make(spec, rng):
    kind = spec[0]
    if kind == "float":
        return rng.uniform(spec[2], spec[3], spec[1]).astype(np.float32)
    if kind == "int":
        return rng.integers(spec[2], spec[3], spec[1])
    if kind == "sign":
        return np.sign(rng.uniform(-1, 1, spec[1])).astype(np.float32)
    return spec[1]


def tensors(lib, arrays):
    return [lib.tensor(a.tolist(), dtype=getattr(lib, str(a.dtype))).reshape(a.shape) for a in arrays]


def build(lib, module, name, args, kwargs):
    lib.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(module, name)(*args, **kwargs)


def leaves(value):
    if isinstance(value, (tuple, list)):
        return [leaf for v in value for leaf in leaves(v)]
    return [] if value is None else [value]


def array(t):
    return np.asarray(t.detach().tolist(), dtype=np.float64).reshape(tuple(t.shape))


def run(lib, module, arrays, loss_like):
    """Outputs and gradients of a call."""
    inputs = tensors(lib, arrays)
    floats = [t for t in inputs if t.dtype.is_floating_point]
    for n, t in enumerate(floats):
        t.requires_grad_(not loss_like or n == 0)
    lib.manual_seed(11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = leaves(module(*inputs))
    total = None
    for n, o in enumerate(out):
        if o.requires_grad:
            term = (o * lib.arange(1, o.numel() + 1, dtype=o.dtype).reshape(o.shape).sin()).sum() * (n + 1)
            total = term if total is None else total + term
    if total is not None:
        total.backward()
    grads = [t.grad for t in floats] + [p.grad for p in module.parameters()]
    return out, grads


@pytest.mark.parametrize(("name", "args", "kwargs", "inputs"), ROWS, ids=IDS)
def test_module(name, args, kwargs, inputs):
    theirs = build(torch, torch.nn, name, args, kwargs)
    ours = build(rl, nn, name, args, kwargs)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-6, atol=1e-7, err_msg=key)
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    missing = {k for k in theirs.__dict__ if k not in ours.__dict__ and not k.startswith("_")}
    assert not missing
    assert repr(copy.deepcopy(ours)) == repr(theirs)
    assert repr(pickle.loads(pickle.dumps(ours))) == repr(theirs)
    if inputs is None:
        return
    arrays = [make(spec, np.random.default_rng(3)) for spec in inputs]
    for training in (True, False):
        ours.train(training), theirs.train(training)
        ours.zero_grad(), theirs.zero_grad()
        mine, my_grads = run(rl, ours, arrays, name.endswith("Loss"))
        real, real_grads = run(torch, theirs, arrays, name.endswith("Loss"))
        assert len(mine) == len(real)
        for a, b in zip(mine, real, strict=True):
            assert str(a.dtype) == str(b.dtype)
            np.testing.assert_allclose(array(a), array(b), rtol=2e-4, atol=2e-5)
        for a, b in zip(my_grads, real_grads, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(array(a), array(b), rtol=1e-3, atol=1e-4)
        for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
            np.testing.assert_allclose(array(a), array(b), rtol=1e-5, atol=1e-6, err_msg=key)


def public(module):
    return sorted(n for n in dir(module) if isinstance(getattr(module, n), type) and n[0].isupper())


def test_names():
    mine = set(nn.__all__)
    assert not {n for n in public(torch.nn) if n not in mine}


@pytest.mark.parametrize("name", public(torch.nn))
def test_signature(name):
    theirs, ours = getattr(torch.nn, name), getattr(nn, name)

    def shape(cls):
        return [
            (p.name, p.kind, p.default if not callable(p.default) else "callable")
            for p in inspect.signature(cls.__init__).parameters.values()
        ]

    if issubclass(theirs, torch.nn.Module) and name not in ("RNN", "LSTM", "GRU"):
        assert shape(ours) == shape(theirs)
        assert list(inspect.signature(ours.forward).parameters) == list(inspect.signature(theirs.forward).parameters)


INITS = [
    ("uniform_", (4, 3), (-1.0, 2.0)),
    ("normal_", (4, 3), (1.0, 2.0)),
    ("trunc_normal_", (40, 3), ()),
    ("trunc_normal_", (40, 3), (0.0, 1.0, 1.5, 3.0)),
    ("trunc_normal_", (40, 3), (0.0, 1.0, -0.1, 0.1)),
    ("constant_", (4, 3), (2.5,)),
    ("ones_", (4, 3), ()),
    ("zeros_", (4, 3), ()),
    ("eye_", (4, 3), ()),
    ("dirac_", (4, 3, 3), ()),
    ("dirac_", (4, 2, 3, 3), (2,)),
    ("xavier_uniform_", (4, 3, 2), (1.5,)),
    ("xavier_normal_", (4, 3), ()),
    ("kaiming_uniform_", (4, 3, 2), (0.5, "fan_out", "leaky_relu")),
    ("kaiming_normal_", (4, 3), (0, "fan_in", "relu")),
    ("orthogonal_", (4, 3), (2.0,)),
    ("orthogonal_", (3, 2, 4), ()),
    ("sparse_", (10, 3), (0.3,)),
]


@pytest.mark.parametrize(("name", "shape", "args"), INITS, ids=[f"{n}{i}" for i, (n, _, _) in enumerate(INITS)])
def test_init(name, shape, args):
    values = []
    for lib, init in ((torch, torch.nn.init), (rl, nn.init)):
        lib.manual_seed(5)
        t = lib.empty(shape)
        assert getattr(init, name)(t, *args) is t
        values.append(array(t))
    np.testing.assert_allclose(values[1], values[0], rtol=1e-4, atol=1e-5)
