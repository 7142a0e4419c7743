"""Kernels over rows against their definitions, on every path; the pool of threads and the compiler of loops."""

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

from kernel_paths import path  # noqa: F401
from rushlight._kernels import jit, pool_of_threads, recurrence, rows
from rushlight._kernels.pool_of_threads import run_chunks

SHAPES = [
    ((7,), 0),
    ((5, 9), 1),
    ((5, 9), 0),
    ((5, 9), -1),
    ((3, 4, 5), 1),
    ((1, 1), 1),
    ((2, 40, 30), 1),
    ((3, 2100), 1),
]
TYPES = [np.float32, np.float64, np.float16]
ways = pytest.mark.usefixtures("path")


def sample(shape: Any, dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def near(ours: Any, theirs: Any, dtype: Any, factor: float = 1) -> None:
    assert ours.dtype == dtype
    assert ours.shape == np.shape(theirs)
    tolerance = {"e": 2e-3, "f": 2e-6, "d": 1e-13}[np.dtype(dtype).char] * factor
    np.testing.assert_allclose(ours, np.asarray(theirs, np.float64), rtol=tolerance, atol=tolerance)


def softmax(x: Any, axis: int) -> Any:
    x = x.astype(np.float64)
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@ways
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape, axis", SHAPES)
def test_softmax_and_kin(shape: Any, axis: int, dtype: Any) -> None:
    x, g = sample(shape, dtype) * 3, sample(shape, dtype, 1)
    p, w = softmax(x, axis), g.astype(np.float64)
    y, z = rows.softmax(x, axis), rows.log_softmax(x, axis)
    near(y, p, dtype)
    near(z, np.log(p), dtype, 4)
    near(rows.softmax_backward(g, y, axis), p * (w - (w * p).sum(axis, keepdims=True)), dtype, 4)
    near(rows.log_softmax_backward(g, z, axis), w - p * w.sum(axis, keepdims=True), dtype, 20)
    wide = x.astype(np.float64)
    lse = np.log(np.exp(wide).sum(axis))
    near(rows.logsumexp(x, axis), lse, dtype, 2)
    ours = rows.logsumexp(x, axis, True)
    near(ours, np.expand_dims(lse, axis), dtype, 2)
    near(rows.logsumexp_backward(np.ones_like(ours), x, ours, axis, True), p, dtype, 8)


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_special_values(dtype: Any) -> None:
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, -inf, -inf], [inf, 0, 1], [nan, 0, 1], [-inf, 0, 0], [1e4, -1e4, 0], [0, -90, -100]], dtype)
    expected = np.array([[nan] * 3, [nan] * 3, [nan] * 3, [0, 0.5, 0.5], [1, 0, 0], [1, np.exp(-90.0), np.exp(-100.0)]])
    np.testing.assert_allclose(rows.softmax(x, 1), expected, rtol=1e-6 if dtype == np.float64 else 2e-2, atol=1e-45)
    np.testing.assert_allclose(rows.softmax(x.T, 0), expected.T, rtol=2e-2, atol=1e-45)
    assert list(rows.logsumexp(x, 1)[[0, 1]]) == [-inf, inf]
    assert np.isnan(rows.logsumexp(x, 1)[2])
    assert rows.log_softmax(x, 1)[4].tolist() == [0, -2e4, -1e4]


def test_softmax_of_views_and_of_nothing() -> None:
    x = sample((6, 8), np.float32)
    np.testing.assert_allclose(rows.softmax(x[::-2, ::-1], 1), softmax(x[::-2, ::-1], 1), rtol=1e-6)
    assert rows.softmax(np.zeros((0, 3), np.float32), 1).shape == (0, 3)
    assert rows.softmax(np.zeros((3, 0), np.float32), 1).shape == (3, 0)
    assert rows.softmax(np.array(3.0), 0) == 1
    assert rows.log_softmax(np.array(3.0), -1) == 0
    assert rows.logsumexp(np.zeros((2, 0)), 1).tolist() == [-np.inf, -np.inf]


def losses(x: Any, target: Any, weight: Any, ignore: int, smoothing: float) -> tuple[Any, Any]:
    """Cross-entropy row by row, from its definition, and the weights of the rows."""
    logp = np.moveaxis(np.log(softmax(x, 1)), 1, -1).reshape(-1, x.shape[1])
    w = np.ones(x.shape[1]) if weight is None else weight.astype(np.float64)
    found, weights = [], []
    for row, t in zip(logp, target.reshape(-1)):
        counted = t != ignore
        found.append(-(1 - smoothing) * w[t] * row[t] - smoothing / len(row) * (w * row).sum() if counted else 0.0)
        weights.append(w[t] if counted else 0.0)
    return np.reshape(found, target.shape), np.sum(weights)


@ways
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(6, 4), (2, 5, 3, 4), (3, 40, 12)])
def test_cross_entropy(shape: Any, weighted: bool, smoothing: float, reduction: str) -> None:
    x = sample(shape, np.float64) * 2
    random = np.random.default_rng(0)
    target = random.integers(0, shape[1], shape[:1] + shape[2:])
    target.reshape(-1)[::3] = -7
    weight = random.random(shape[1]) if weighted else None
    each, total = losses(x, target, weight, -7, smoothing)

    def loss(logits: Any) -> Any:
        return rows.cross_entropy(logits, target, weight, reduction, -7, smoothing)

    ours, saved = loss(x)
    near(ours, {"none": each, "mean": each.sum() / total, "sum": each.sum()}[reduction], np.float64, 10)
    g = np.asarray(sample(ours.shape, np.float64, 3))
    dx = rows.cross_entropy_backward(g, x, target, saved, weight, reduction, -7, smoothing)
    d = sample(shape, np.float64, 4)
    slope = (g * (loss(x + 1e-6 * d)[0] - loss(x - 1e-6 * d)[0])).sum() / 2e-6
    np.testing.assert_allclose((dx * d).sum(), slope, rtol=1e-6, atol=1e-7)
    single = rows.cross_entropy(
        x.astype(np.float32), target, None if weight is None else weight.astype(np.float32), reduction, -7, smoothing
    )
    near(single[0], ours, np.float32, 4)


@ways
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(6, 4), (2, 5, 3, 4), (4,)])
def test_cross_entropy_of_probabilities(shape: Any, smoothing: float, reduction: str) -> None:
    x, q = sample(shape, np.float64), np.abs(sample(shape, np.float64, 1))
    axis = min(1, len(shape) - 1)
    weight = np.arange(1.0, shape[axis] + 1)
    along = weight.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    each = -(along * (q * (1 - smoothing) + smoothing / shape[axis]) * np.log(softmax(x, axis))).sum(axis)

    def loss(x: Any, q: Any) -> Any:
        return rows.cross_entropy_probabilities(x, q, weight, reduction, smoothing)

    ours, saved = loss(x, q)
    near(ours, {"none": each, "mean": each.mean(), "sum": each.sum()}[reduction], np.float64, 10)
    g = np.asarray(sample(ours.shape, np.float64, 3))
    dx, dq = rows.cross_entropy_probabilities_backward(g, x, q, saved, weight, reduction, smoothing, True)
    d = sample(shape, np.float64, 4)
    slope = (g * (loss(x + 1e-6 * d, q)[0] - loss(x - 1e-6 * d, q)[0])).sum() / 2e-6
    np.testing.assert_allclose((dx * d).sum(), slope, rtol=1e-6, atol=1e-7)
    slope = (g * (loss(x, q + 1e-6 * d)[0] - loss(x, q - 1e-6 * d)[0])).sum() / 2e-6
    np.testing.assert_allclose((dq * d).sum(), slope, rtol=1e-6, atol=1e-7)


def test_cross_entropy_edges() -> None:
    x = sample((3, 4), np.float32)
    assert np.isnan(rows.cross_entropy(x, np.full(3, -100))[0])
    assert rows.cross_entropy(x, np.full(3, -100), reduction="sum")[0] == 0
    with pytest.raises(IndexError, match=r"^Target 4 is out of bounds"):
        rows.cross_entropy(x, np.array([0, 4, 1]))
    with pytest.raises(ValueError, match=r"^avg is not a valid value for reduction"):
        rows.cross_entropy(x, np.zeros(3, int), reduction="avg")
    assert np.isnan(rows.cross_entropy(np.zeros((0, 4)), np.zeros(0, int))[0])
    alone = rows.cross_entropy(x[0], np.array(2))[0]
    np.testing.assert_allclose(alone, -np.log(softmax(x[0], 0))[2], rtol=1e-6)


def norm(x: Any, eps: float, centred: bool = True) -> tuple[Any, Any]:
    x = x.astype(np.float64)
    c = x - x.mean(-1, keepdims=True) if centred else x
    r = 1 / np.sqrt((c * c).mean(-1, keepdims=True) + eps)
    return c * r, r


@ways
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(4, 6), (5, 1), (3, 2100), (300, 7)])
@pytest.mark.parametrize("centred", [True, False])
def test_norms_of_rows(shape: Any, dtype: Any, centred: bool) -> None:
    n = shape[-1]
    x, g = sample(shape, dtype), sample(shape, dtype, 1)
    w, b = sample(n, dtype, 2), sample(n, dtype, 3)
    hat, r = norm(x, 1e-5, centred)
    if centred:
        y, m, rstd = rows.layer_norm(x, n, w, b, 1e-5)
        near(y, hat * w + b.astype(np.float64), dtype, 8)
        dx, dw, db = rows.layer_norm_backward(g, x, n, w, m, rstd)
        near(db, g.astype(np.float64).sum(0), dtype, 20)
    else:
        y, rstd = rows.rms_norm(x, n, w, 1e-5)
        near(y, hat * w.astype(np.float64), dtype, 8)
        dx, dw = rows.rms_norm_backward(g, x, n, w, rstd)
    near(dw, (g * hat).sum(0), dtype, 40)
    gw = g.astype(np.float64) * w
    expected = r * (gw - gw.mean(-1, keepdims=True) * centred - hat * (gw * hat).mean(-1, keepdims=True))
    scale = max(1.0, float(r.max()))
    near(dx / dtype(scale), expected / scale, dtype, 40)


@ways
@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 5), (3, 4, 6, 7)])
@pytest.mark.parametrize("affine", [True, False])
def test_norms_of_channels(shape: Any, affine: bool) -> None:
    x, g = sample(shape, np.float64), sample(shape, np.float64, 1)
    c, others = shape[1], tuple(k for k in range(len(shape)) if k != 1)
    w, b = (sample(c, np.float64, 2), sample(c, np.float64, 3)) if affine else (None, None)
    column = (c,) + (1,) * (len(shape) - 2)
    mean, var = rows.batch_norm_moments(x)
    near(mean, x.mean(others), np.float64)
    near(var, x.var(others), np.float64)
    rstd = 1 / np.sqrt(var + 1e-5)
    hat = (x - mean.reshape(column)) * rstd.reshape(column)
    y = hat * w.reshape(column) + b.reshape(column) if affine else hat
    near(rows.batch_norm(x, mean, rstd, w, b), y, np.float64, 10)
    dx, dw, db = rows.batch_norm_backward(g, x, mean, rstd, w, True)
    near(dw, (g * hat).sum(others), np.float64, 100)
    near(db, g.sum(others), np.float64, 100)
    gw = g * w.reshape(column) if affine else g
    expected = rstd.reshape(column) * (
        gw - gw.mean(others, keepdims=True) - hat * (gw * hat).mean(others, keepdims=True)
    )
    near(dx, expected, np.float64, 100)
    near(rows.batch_norm_backward(g, x, mean, rstd, w, False)[0], gw * rstd.reshape(column), np.float64, 10)
    y, m, r = rows.group_norm(x, 2, w, b)
    groups = x.reshape(shape[0] * 2, -1)
    hat, rr = norm(groups, 1e-5)
    hat = hat.reshape(shape)
    near(y, hat * w.reshape(column) + b.reshape(column) if affine else hat, np.float64, 10)
    dx, dw, db = rows.group_norm_backward(g, x, 2, w, m, r)
    near(dw, (g * hat).sum(others), np.float64, 100)
    near(db, g.sum(others), np.float64, 100)
    gw, hat = gw.reshape(groups.shape), hat.reshape(groups.shape)
    expected = rr * (gw - gw.mean(-1, keepdims=True) - hat * (gw * hat).mean(-1, keepdims=True))
    near(dx, expected.reshape(shape), np.float64, 100)


# ------------------------------------------------------------------------------------------- the pool of threads


def test_chunks_cover_all_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_of_threads, "cpu_count", lambda: 3)
    seen, names = np.zeros(1001, int), set()

    def some(start: int, stop: int) -> int:
        seen[start:stop] += 1
        names.add(threading.current_thread().name)
        assert start % 4 == 0
        assert run_chunks(lambda i, j: j - i, 10, 1 << 20) == [10], "a chunk's own chunks stay in its thread"
        return stop - start

    assert sum(run_chunks(some, 1001, 1 << 20, 4)) == 1001
    assert (seen == 1).all()
    assert run_chunks(some, 0, 1 << 20) == []
    assert run_chunks(lambda i, j: (i, j), 1001, 100) == [(0, 1001)]


def test_an_error_in_a_chunk_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_of_threads, "cpu_count", lambda: 3)

    def bad(start: int, stop: int) -> None:
        raise ZeroDivisionError(f"{start}")

    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            run_chunks(bad, 100, 1 << 20)
    assert sum(run_chunks(lambda i, j: j - i, 100, 1 << 20)) == 100


def test_chunks_see_numpys_error_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_of_threads, "cpu_count", lambda: 3)
    with np.errstate(divide="raise"):
        assert {s["divide"] for s in run_chunks(lambda i, j: np.geterr(), 64, 1 << 20)} == {"raise"}


def test_number_of_threads() -> None:
    before = pool_of_threads.get_num_threads()
    try:
        pool_of_threads.set_num_threads(1)
        assert pool_of_threads.get_num_threads() == 1
        pool_of_threads.set_num_threads(10**6)
        assert pool_of_threads.get_num_threads() == pool_of_threads.cpu_count()
        with pytest.raises(RuntimeError, match="positive integer"):
            pool_of_threads.set_num_threads(0)
    finally:
        pool_of_threads.set_num_threads(before)


def test_many_callers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_of_threads, "cpu_count", lambda: 3)
    x = sample((600, 500), np.float32)
    expected, wrong = rows.softmax(x, 1), []

    def call() -> None:
        for _ in range(5):
            if not np.array_equal(rows.softmax(x, 1), expected):
                wrong.append(1)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_makes_its_own_pool() -> None:
    program = """
import os, numpy as np
from rushlight._kernels import pool_of_threads as p
p.cpu_count = lambda: 3
run = lambda: sum(p.run_chunks(lambda i, j: j - i, 1000, 1 << 20))
assert run() == 1000
pid = os.fork()
if pid == 0:
    os._exit(0 if run() == 1000 and len(p._helpers) == 2 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert run() == 1000
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60, env=environment())


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **more}


def test_numba_is_imported_late_and_can_be_switched_off() -> None:
    program = """
import sys, numpy as np
from rushlight._kernels import rows, elementwise, scatter, sorting, scans, attention, steps
assert "numba" not in sys.modules
rows.softmax(np.ones((10, 10), np.float32), 1)
assert "numba" not in sys.modules
rows.softmax(np.ones((300, 300), np.float32), 1)
assert "numba" not in sys.modules, "RUSHLIGHT_NUMBA=0"
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=environment(RUSHLIGHT_NUMBA="0"))


def test_a_loop_is_also_ordinary_python() -> None:
    x = sample((2, 3), np.float32)
    with np.errstate(all="ignore"):
        out = np.empty_like(x)
        rows._softmax_loop.plain(False)(x, rows._bits(x), out, 0, 2)
    np.testing.assert_allclose(out, softmax(x, 1), rtol=1e-6)
    assert jit.fma.plain(False)(np.float32(2), np.float32(3), np.float32(4)) == 10


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lstm_cells(path: str, dtype: Any) -> None:  # noqa: F811
    rng = np.random.default_rng(0)
    rows, n = 3, 21
    a, x, da = (rng.standard_normal((rows, 4 * n)).astype(dtype) * 3 for _ in range(3))
    c, t, h, grad, dh, dc = (rng.standard_normal((rows, n)).astype(dtype) for _ in range(6))
    forward, backward = recurrence.lstm_cells(a, (x, c, t, h))
    assert (forward is recurrence._cell_loop) == (path == "compiled")
    i, f, g, o = np.split(a.astype(np.float64) + x, 4, axis=1)
    i, f, o, g = 1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), 1 / (1 + np.exp(-o)), np.tanh(g)
    before, tolerance = c.copy(), {"rtol": 0, "atol": 2e-6 if dtype is np.float32 else 1e-14}
    forward(a, x, c, t, h)
    state = f * before + i * g
    for found, expected in ((a, np.hstack([i, f, g, o])), (c, state), (t, np.tanh(state)), (h, o * np.tanh(state))):
        np.testing.assert_allclose(found, expected, **tolerance)
    d, e = dh.astype(np.float64) + grad, dc.astype(np.float64)
    e += d * o * (1 - np.tanh(state) ** 2)
    backward(a, grad, before, t, dh, dc, da)
    parts = [e * g * i * (1 - i), e * before * f * (1 - f), e * i * (1 - g * g), d * np.tanh(state) * o * (1 - o)]
    np.testing.assert_allclose(da, np.hstack(parts), **tolerance)
    np.testing.assert_allclose(dc, e * f, **tolerance)
    turned = np.asfortranarray(x)
    assert recurrence.lstm_cells(a, (turned,))[0] is recurrence._cell
