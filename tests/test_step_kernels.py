"""Optimizer steps and attention against their formulas in float64, on every path."""

import math
from typing import Any

import numpy as np
import pytest

from kernel_paths import path  # noqa: F401
from rushlight._kernels import attention, steps

ways = pytest.mark.usefixtures("path")


def start(count: int, dtype: Any, shape: Any = (5, 7)) -> list[Any]:
    random = np.random.default_rng(0)
    return [np.abs(random.standard_normal(shape)).astype(dtype) for _ in range(count)]


def check(dtype: Any, *pairs: Any) -> None:
    for ours, theirs in pairs:
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-6)


types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
turns = pytest.mark.parametrize("maximize", [False, True])


@ways
@types
@turns
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_sgd(dtype: Any, maximize: bool, nesterov: bool, first: bool) -> None:
    p, g, b = start(3, dtype)
    P, G, B = (a.astype(float) for a in (p, g, b))
    given = g.copy()
    steps.sgd(
        p,
        g,
        b,
        lr=0.1,
        momentum=0.9,
        dampening=0.3,
        weight_decay=0.2,
        nesterov=nesterov,
        maximize=maximize,
        first=first,
    )
    y = (-G if maximize else G) + 0.2 * P
    B = y if first else 0.9 * B + 0.7 * y
    check(dtype, (p, P - 0.1 * (y + 0.9 * B if nesterov else B)), (b, B))
    np.testing.assert_array_equal(g, given)
    P = p.astype(float)
    steps.sgd(p, g, None, lr=0.1)
    check(dtype, (p, P - 0.1 * G))


@ways
@types
@turns
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("beta1", [0.9, 0.2])
def test_adam(dtype: Any, maximize: bool, decoupled: bool, amsgrad: bool, beta1: float) -> None:
    p, g, m, v, u = start(5, dtype)
    P, G, M, V, U = (a.astype(float) for a in (p, g, m, v, u))
    steps.adam(
        p,
        g,
        m,
        v,
        u if amsgrad else None,
        step=3,
        lr=0.1,
        beta1=beta1,
        weight_decay=0.2,
        decoupled=decoupled,
        maximize=maximize,
    )
    y = -G if maximize else G
    if decoupled:
        P = P * (1 - 0.1 * 0.2)
    else:
        y = y + 0.2 * P
    M, V = beta1 * M + (1 - beta1) * y, 0.999 * V + 0.001 * y * y
    U = np.maximum(U, V)
    root = np.sqrt((U if amsgrad else V) / (1 - 0.999**3)) + 1e-8
    check(dtype, (p, P - 0.1 / (1 - beta1**3) * M / root), (m, M), (v, V))
    if amsgrad:
        check(dtype, (u, U))


@ways
@types
@turns
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_rmsprop(dtype: Any, maximize: bool, centered: bool, momentum: float) -> None:
    p, g, v, m, b = start(5, dtype)
    v += 30
    P, G, V, M, B = (a.astype(float) for a in (p, g, v, m, b))
    steps.rmsprop(
        p,
        g,
        v,
        m if centered else None,
        b if momentum else None,
        lr=0.1,
        weight_decay=0.2,
        momentum=momentum,
        maximize=maximize,
    )
    y = (-G if maximize else G) + 0.2 * P
    V, M = 0.99 * V + 0.01 * y * y, 0.99 * M + 0.01 * y
    root = np.sqrt(V - M * M if centered else V) + 1e-8
    B = momentum * B + y / root
    check(dtype, (p, P - 0.1 * (B if momentum else y / root)), (v, V))


@ways
@types
@turns
def test_adagrad_and_adadelta(dtype: Any, maximize: bool) -> None:
    p, g, s, q, v, d = start(6, dtype)
    P, G, S, Q, V, D = (a.astype(float) for a in (p, g, s, q, v, d))
    steps.adagrad(p, g, s, step=4, lr=0.1, lr_decay=0.5, weight_decay=0.2, maximize=maximize)
    y = (-G if maximize else G) + 0.2 * P
    S = S + y * y
    check(dtype, (p, P - 0.1 / 2.5 * y / (np.sqrt(S) + 1e-10)), (s, S))
    steps.adadelta(q, g, v, d, lr=0.5, weight_decay=0.2, maximize=maximize)
    y = (-G if maximize else G) + 0.2 * Q
    V = 0.9 * V + 0.1 * y * y
    delta = np.sqrt(D + 1e-6) / np.sqrt(V + 1e-6) * y
    check(dtype, (q, Q - 0.5 * delta), (v, V), (d, 0.9 * D + 0.1 * delta * delta))


@ways
def test_steps_of_views_and_scalars() -> None:
    p, g = start(2, np.float32, (6, 8))
    expected = p - np.float32(0.1) * g
    steps.sgd(p[::2, ::-1], g[::2, ::-1], None, lr=0.1)
    np.testing.assert_allclose(p[::2], expected[::2], rtol=1e-6, atol=1e-7)
    one, slope = np.array(1.0), np.array(2.0)
    steps.sgd(one, slope, None, lr=0.25)
    assert one == 0.5
    steps.adam(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0), None, step=1)


# ------------------------------------------------------------------------------------------------------- attention


def attend(q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> Any:
    s = q @ np.swapaxes(k, -1, -2) * scale
    if mask is not None:
        s = np.where(mask, s, -np.inf) if mask.dtype == bool else s + mask
    if causal:
        s = np.where(np.tri(*s.shape[-2:], dtype=bool), s, -np.inf)
    m = s.max(-1, keepdims=True)
    e = np.exp(s - np.where(np.isinf(m), 0, m))
    return e / np.maximum(e.sum(-1, keepdims=True), 1e-300) @ v


@ways
@pytest.mark.parametrize("batch, n, m", [((), 5, 7), ((2, 3), 5, 7), ((2,), 150, 140), ((1,), 1, 1)])
@pytest.mark.parametrize("kind", ["none", "causal", "added", "where"])
def test_attention(batch: Any, n: int, m: int, kind: str) -> None:
    random = np.random.default_rng(0)
    q, k, v = (random.standard_normal((*batch, *shape)) for shape in ((n, 4), (m, 4), (m, 3)))
    mask = {"added": random.standard_normal((n, m)), "where": random.random((n, m)) > 0.4}.get(kind)
    if kind == "where" and n > 1:
        mask[1] = False  # this query may look at nothing
    causal = kind == "causal"
    out, logs = attention.attention(q, k, v, mask, causal)
    assert logs.shape == (*batch, n)
    np.testing.assert_allclose(out, attend(q, k, v, mask, causal, 0.5), rtol=1e-12, atol=1e-13)
    single = attention.attention(*(a.astype(np.float32) for a in (q, k, v)), mask, causal)[0]
    np.testing.assert_allclose(single, out, rtol=1e-5, atol=1e-5)
    g = random.standard_normal(out.shape)
    grads = attention.attention_backward(g, q, k, v, out, logs, mask, causal, None, kind == "added")
    arrays = [q, k, v] + ([mask] if kind == "added" else [])
    for which, ours in enumerate(grads[: len(arrays)]):
        d = random.standard_normal(ours.shape)
        shifted = []
        for sign in (1, -1):
            moved = [a + sign * 1e-6 * d if i == which else a for i, a in enumerate(arrays)]
            shifted.append(attend(*moved[:3], moved[3] if len(moved) > 3 else mask, causal, 0.5))
        slope = (g * (shifted[0] - shifted[1])).sum() / 2e-6
        np.testing.assert_allclose((ours * d).sum(), slope, rtol=1e-6, atol=1e-7)


def test_attention_with_a_broadcast_head_and_without_keys() -> None:
    random = np.random.default_rng(0)
    q, k, v = (random.standard_normal(s) for s in ((2, 3, 4, 5), (2, 1, 6, 5), (1, 3, 6, 5)))
    out, _ = attention.attention(q, k, v, scale=0.3)
    np.testing.assert_allclose(out, attend(q, k, v, None, False, 0.3), rtol=1e-12)
    out, logs = attention.attention(np.ones((2, 3)), np.ones((0, 3)), np.ones((0, 4)))
    assert out.shape == (2, 4) and not out.any()
    assert math.isinf(logs[0])
