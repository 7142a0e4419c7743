"""Kernels over rows, elements and indices against torch, with shapes large enough for blocks, loops and threads."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rushlight._kernels import attention, elementwise, jit, rows, scans, scatter, sorting, steps


@pytest.fixture(params=[False, True], ids=["numpy", "numba"], autouse=True)
def numba(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        pytest.importorskip("numba")
    monkeypatch.setattr(jit, "_numba_allowed", lambda: request.param)


def array(t: Any) -> Any:
    return None if t is None else t.detach().numpy()


def near(ours: Any, theirs: torch.Tensor, tolerance: float = 2e-6) -> None:
    theirs = array(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def same(ours: Any, theirs: torch.Tensor) -> None:
    near(ours, theirs, 0)


ROWS = [((), 0), ((7,), 0), ((300, 500), 1), ((300, 500), 0), ((4, 30, 40, 50), 1), ((2, 100_000), 1)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape, axis", ROWS)
def test_softmax(shape: Any, axis: int, dtype: torch.dtype) -> None:
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    g = torch.randn(shape, dtype=dtype)
    tolerance = 4e-6 if dtype == torch.float32 else 1e-13
    for theirs, ours, ours_backward in (
        (F.softmax, rows.softmax, rows.softmax_backward),
        (F.log_softmax, rows.log_softmax, rows.log_softmax_backward),
    ):
        y = theirs(x, axis)
        mine = ours(array(x), axis)
        near(mine, y, tolerance)
        near(ours_backward(array(g), mine, axis), torch.autograd.grad(y, x, g)[0], tolerance)
    y = torch.logsumexp(x, axis)
    mine = rows.logsumexp(array(x), axis)
    near(mine, y, tolerance)
    ones = np.ones_like(mine)
    near(rows.logsumexp_backward(ones, array(x), mine, axis), torch.autograd.grad(y.sum(), x)[0], tolerance)


def test_softmax_of_special_values() -> None:
    inf, nan = float("inf"), float("nan")
    x = torch.tensor([[-inf, -inf, -inf], [inf, 0, 1], [nan, 0, 1], [-inf, 0, 0], [1e4, -1e4, 0], [0, -80, 5]])
    x = x.repeat(20_000, 1)
    for axis in (0, 1):
        y = (x if axis else x.T).contiguous()
        near(rows.softmax(array(y), axis), F.softmax(y, axis))
        near(rows.log_softmax(array(y), axis), F.log_softmax(y, axis))
        near(rows.logsumexp(array(y), axis), torch.logsumexp(y, axis))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(5,), (6, 4), (300, 500), (8, 20, 30, 41)])
def test_cross_entropy(shape: Any, weighted: bool, smoothing: float, reduction: str) -> None:
    classes = shape[min(1, len(shape) - 1)]
    where = shape[:1] + shape[2:] if len(shape) > 1 else ()
    x, t = torch.randn(shape, requires_grad=True), torch.randint(0, classes, where)
    if where:
        t.view(-1)[::3] = -100
    w = torch.rand(classes) if weighted else None
    loss = F.cross_entropy(x, t, w, reduction=reduction, label_smoothing=smoothing)
    g = torch.randn_like(loss)
    mine, saved = rows.cross_entropy(array(x), array(t), array(w), reduction, -100, smoothing)
    near(mine, loss, 5e-6)
    ours = rows.cross_entropy_backward(array(g), array(x), array(t), saved, array(w), reduction, -100, smoothing)
    near(ours, torch.autograd.grad(loss, x, g)[0], 5e-6)
    q = torch.rand(shape, requires_grad=True)
    loss = F.cross_entropy(x, q, w, reduction=reduction, label_smoothing=smoothing)
    mine, saved = rows.cross_entropy_probabilities(array(x), array(q), array(w), reduction, smoothing)
    near(mine, loss, 1e-5)
    dx, dq = rows.cross_entropy_probabilities_backward(
        array(g), array(x), array(q), saved, array(w), reduction, smoothing, True
    )
    theirs = torch.autograd.grad(loss, (x, q), g)
    near(dx, theirs[0], 2e-5)
    near(dq, theirs[1], 1e-5)


@pytest.mark.parametrize("shape", [(4, 6), (300, 500), (2, 3, 1000), (20_000, 7)])
def test_layer_and_rms_norm(shape: Any) -> None:
    n = shape[-1]
    x, w, b = (torch.randn(s, requires_grad=True) for s in (shape, (n,), (n,)))
    y = F.layer_norm(x, (n,), w, b)
    g = torch.randn_like(y)
    mine, means, rstds = rows.layer_norm(array(x), n, array(w), array(b))
    near(mine, y, 1e-5)
    ours = rows.layer_norm_backward(array(g), array(x), n, array(w), means, rstds)
    for a, t in zip(ours, torch.autograd.grad(y, (x, w, b), g)):
        np.testing.assert_allclose(a, t, rtol=1e-5, atol=1e-3)
    y = F.rms_norm(x, (n,), w, 1e-6)
    mine, rstds = rows.rms_norm(array(x), n, array(w), 1e-6)
    near(mine, y, 1e-5)
    for a, t in zip(rows.rms_norm_backward(array(g), array(x), n, array(w), rstds), torch.autograd.grad(y, (x, w), g)):
        np.testing.assert_allclose(a, t, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(300, 6), (4, 6, 5), (4, 6, 60, 70)])
def test_batch_and_group_norm(shape: Any, training: bool) -> None:
    c = shape[1]
    x, w, b = (torch.randn(s, requires_grad=True) for s in (shape, (c,), (c,)))
    mean, var = (None, None) if training else (torch.randn(c), torch.rand(c) + 0.1)
    y = F.batch_norm(x, mean, var, w, b, training)
    g = torch.randn_like(y)
    m, v = rows.batch_norm_moments(array(x)) if training else (array(mean), array(var))
    r = 1 / np.sqrt(v + 1e-5)
    near(rows.batch_norm(array(x), m, r, array(w), array(b)), y, 1e-5)
    ours = rows.batch_norm_backward(array(g), array(x), m, r, array(w), training)
    for a, t in zip(ours, torch.autograd.grad(y, (x, w, b), g)):
        np.testing.assert_allclose(a, t, rtol=1e-4, atol=2e-4)
    y = F.group_norm(x, 2, w, b)
    mine, m, r = rows.group_norm(array(x), 2, array(w), array(b))
    near(mine, y, 1e-5)
    ours = rows.group_norm_backward(array(g), array(x), 2, array(w), m, r)
    for a, t in zip(ours, torch.autograd.grad(y, (x, w, b), g)):
        np.testing.assert_allclose(a, t, rtol=1e-4, atol=2e-4)


FUNCTIONS: dict[str, Any] = {
    "erf": torch.erf, "erfc": torch.erfc, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu, "logsigmoid": F.logsigmoid, "softplus": F.softplus, "mish": F.mish, "hardswish": F.hardswish,
    "sigmoid": torch.sigmoid,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(7,), (500, 700)])
def test_elementwise(name: str, shape: Any) -> None:
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-13), (torch.float16, 2e-3)):
        x = (torch.randn(shape, dtype=torch.float64) * 3).to(dtype)
        x.view(-1)[:4] = torch.tensor([0.0, -0.0, 100.0, -100.0])
        x.requires_grad_()
        g = torch.randn(shape, dtype=torch.float64).to(dtype)
        y = FUNCTIONS[name](x)
        mine = getattr(elementwise, name)(array(x))
        near(mine, y, tolerance)
        saved = mine if name == "sigmoid" else array(x)
        near(getattr(elementwise, name + "_backward")(array(g), saved), torch.autograd.grad(y, x, g)[0], 10 * tolerance)
        special = torch.tensor([float("nan"), float("inf"), -float("inf")], dtype=dtype)
        same(getattr(elementwise, name)(array(special)), FUNCTIONS[name](special))


@pytest.mark.parametrize(
    "shape, axis, m", [((400,), 0, 90_000), ((100, 300), 0, 700), ((100, 300), 1, 800), ((3, 40, 50), 1, 700)]
)
def test_scatter(shape: Any, axis: int, m: int) -> None:
    wide = tuple(m if k == axis else n for k, n in enumerate(shape))
    out, src = torch.randn(shape), torch.randn(wide)
    i, index = torch.randint(0, shape[axis], (m,)), torch.randint(0, shape[axis], wide)
    ours = scatter.index_add(array(out).copy(), axis, array(i), array(src), 2.0)
    near(ours, out.clone().index_add_(axis, i, src, alpha=2.0), 1e-4)
    ours = scatter.scatter_add(array(out).copy(), axis, array(index), array(src))
    near(ours, out.clone().scatter_add_(axis, index, src), 1e-4)
    for reduce in ("sum", "mean", "amax", "amin"):
        for include_self in (True, False):
            ours = scatter.scatter_reduce(array(out).copy(), axis, array(index), array(src), reduce, include_self)
            near(ours, out.clone().scatter_reduce_(axis, index, src, reduce, include_self=include_self), 1e-4)


def test_embedding() -> None:
    table, words = torch.randn(1000, 64, requires_grad=True), torch.randint(0, 1000, (20, 300))
    for padding, by_count in ((None, False), (3, True)):
        y = F.embedding(words, table, padding, scale_grad_by_freq=by_count)
        g = torch.randn_like(y)
        ours = scatter.embedding_backward(array(g), array(words), 1000, -1 if padding is None else padding, by_count)
        near(ours, torch.autograd.grad(y, table, g)[0], 1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8])
@pytest.mark.parametrize("shape, axis", [((), 0), ((9,), 0), ((300, 1001), 1), ((3, 100, 50), 1), ((70_000,), 0)])
def test_sorting(shape: Any, axis: int, dtype: torch.dtype) -> None:
    x = (torch.randn(shape) * 20).round().to(dtype)
    if dtype.is_floating_point and x.numel() > 6:
        x.view(-1)[::13] = float("nan")
        x.view(-1)[1:5] = torch.tensor([float("inf"), -float("inf"), -0.0, 0.0])
    n = shape[axis] if shape else 1
    for descending in (False, True):
        values, indices = sorting.sort(array(x), axis, descending)
        theirs = torch.sort(x, dim=axis, descending=descending, stable=True)
        same(values, theirs[0])
        same(indices, theirs[1])
        for k in {1, max(1, n // 30), n}:
            same(sorting.topk(array(x), k, axis, descending)[0], torch.topk(x, k, axis, descending)[0])
    same(sorting.kthvalue(array(x), (n + 2) // 3, axis)[0], torch.kthvalue(x, (n + 2) // 3, axis)[0])
    same(sorting.median(array(x), axis)[0], torch.median(x, axis)[0])
    if dtype.is_floating_point:
        same(sorting.nanmedian(array(x), axis, True)[0], torch.nanmedian(x, axis, True)[0])
        x.nan_to_num_(3)
    if dtype != torch.float16:
        same(sorting.mode(array(x), axis)[0], torch.mode(x, axis)[0])
    for a, t in zip(sorting.unique(array(x)), torch.unique(x, return_inverse=True, return_counts=True)):
        same(a, t)
    theirs = torch.unique_consecutive(x, return_inverse=True, return_counts=True)
    for a, t in zip(sorting.unique_consecutive(array(x)), theirs):
        same(a, t)


@pytest.mark.parametrize("shape, axis", [((), 0), ((9,), 0), ((301, 1001), 1), ((301, 1001), 0), ((3, 100, 500), 1)])
def test_scans(shape: Any, axis: int) -> None:
    for dtype in (torch.float32, torch.float64, torch.int64):
        x = (torch.randn(shape) * 3).round().to(dtype)
        near(scans.cumsum(array(x), axis), torch.cumsum(x, axis), 1e-6)
        if dtype.is_floating_point:
            near(scans.cumprod(array(x / 3), axis), torch.cumprod(x / 3, axis), 1e-6)
            near(scans.logcumsumexp(array(x), axis), torch.logcumsumexp(x, axis), 2e-6)
            if x.numel() > 9:
                x.view(-1)[5::37] = float("nan")
        for name in ("cummax", "cummin"):
            for a, t in zip(getattr(scans, name)(array(x), axis), getattr(torch, name)(x, axis)):
                same(a, t)


STEPS: list[tuple[Any, Any, dict[str, Any]]] = [
    (torch.optim.SGD, "sgd", {"lr": 0.1}),
    (torch.optim.SGD, "sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    (torch.optim.SGD, "sgd", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
    (torch.optim.Adam, "adam", {"lr": 0.01}),
    (torch.optim.Adam, "adam", {"lr": 0.01, "amsgrad": True, "weight_decay": 0.1}),
    (torch.optim.Adam, "adam", {"lr": 0.01, "maximize": True, "betas": (0.3, 0.9)}),
    (torch.optim.AdamW, "adam", {"lr": 0.01, "weight_decay": 0.01}),
    (torch.optim.RMSprop, "rmsprop", {}),
    (torch.optim.RMSprop, "rmsprop", {"centered": True, "momentum": 0.5}),
    (torch.optim.Adagrad, "adagrad", {"lr_decay": 0.1, "weight_decay": 0.1}),
    (torch.optim.Adadelta, "adadelta", {"weight_decay": 0.1}),
]


def step(kind: Any, name: str, options: dict[str, Any], p: Any, g: Any, states: list[Any], number: int) -> None:
    o = dict(options)
    a, b, c = states
    if name == "sgd":
        steps.sgd(p, g, a if "momentum" in o else None, first=number == 1, **o)
    elif name == "adam":
        beta1, beta2 = o.pop("betas", (0.9, 0.999))
        largest = c if o.pop("amsgrad", False) else None
        decoupled = kind is torch.optim.AdamW
        steps.adam(p, g, a, b, largest, step=number, beta1=beta1, beta2=beta2, decoupled=decoupled, **o)
    elif name == "rmsprop":
        steps.rmsprop(p, g, a, b if o.pop("centered", False) else None, c if "momentum" in o else None, **o)
    elif name == "adagrad":
        steps.adagrad(p, g, a, step=number, **o)
    else:
        steps.adadelta(p, g, a, b, **o)


@pytest.mark.parametrize("shape", [(64,), (300, 1000)])
@pytest.mark.parametrize("kind, name, options", STEPS)
def test_steps(kind: Any, name: str, options: dict[str, Any], shape: Any) -> None:
    p = torch.randn(shape, requires_grad=True)
    mine = array(p).copy()
    states = [np.zeros_like(mine) for _ in range(3)]
    optimizer = kind([p], foreach=False, **options)
    for number in range(1, 5):
        p.grad = torch.randn(shape)
        optimizer.step()
        step(kind, name, options, mine, array(p.grad), states, number)
    np.testing.assert_allclose(mine, array(p), rtol=4e-6, atol=4e-6)
    if name == "sgd" and (shape == (64,) or jit._numba_allowed()):
        np.testing.assert_array_equal(mine, array(p))  # no square root: the same bits


@pytest.mark.parametrize(
    "batch, n, m, d", [((), 5, 7, 4), ((2, 3), 5, 7, 4), ((2,), 300, 290, 16), ((2, 2), 200, 650, 32)]
)
@pytest.mark.parametrize("kind", ["none", "causal", "added", "where"])
def test_attention(batch: Any, n: int, m: int, d: int, kind: str) -> None:
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        q, k, v = (torch.randn(*batch, s, d, dtype=dtype, requires_grad=True) for s in (n, m, m))
        mask: Any = None
        if kind == "added":
            mask = torch.randn(n, m, dtype=dtype)
            mask[0] = -float("inf")
        elif kind == "where":
            mask = torch.rand(n, m) > 0.5
            mask[0] = False
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=kind == "causal")
        g = torch.randn_like(y)
        arrays = array(q), array(k), array(v)
        out, logs = attention.attention(*arrays, array(mask), kind == "causal")
        near(out, y, tolerance)
        ours = attention.attention_backward(array(g), *arrays, out, logs, array(mask), kind == "causal")
        for a, t in zip(ours, torch.autograd.grad(y, (q, k, v), g)):
            near(a, t, 20 * tolerance)
