"""Elementwise kernels and the scalar functions under them against the C library's functions, on every path."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kernel_paths import path  # noqa: F401
from rushlight._kernels import elementwise, pool_of_threads, products, scalar

ways = pytest.mark.usefixtures("path")


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def gelu_tanh(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


DEFINITIONS: dict[str, Callable[[float], float]] = {
    "erf": math.erf,
    "erfc": math.erfc,
    "gelu": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "gelu_tanh": gelu_tanh,
    "silu": lambda x: x * sigmoid(x),
    "sigmoid": sigmoid,
    "logsigmoid": lambda x: -softplus(-x),
    "softplus": lambda x: x if x > 20 else softplus(x),
    "mish": lambda x: x * math.tanh(softplus(x)),
    "hardswish": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "hardsigmoid": lambda x: min(max(x + 3, 0), 6) / 6,
}
POINTS = np.concatenate([np.linspace(-9, 9, 701), np.linspace(-0.01, 0.01, 41), [-30, 30, -100, 100, 0.0, -0.0]])


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_functions(name: str, dtype: Any) -> None:
    x = POINTS.astype(dtype)
    expected = np.array([DEFINITIONS[name](float(v)) for v in x])
    ours = getattr(elementwise, name)(x)
    assert ours.dtype == dtype
    tolerance = {"e": 1e-3, "f": 1e-6, "d": 2e-15}[np.dtype(dtype).char]
    np.testing.assert_allclose(ours, expected, rtol=4 * tolerance, atol=tolerance)
    square = x[:700].reshape(20, 35)[::-1, ::2]
    np.testing.assert_array_equal(
        getattr(elementwise, name)(square).astype(np.float64),
        getattr(elementwise, name)(np.ascontiguousarray(square)),
    )
    assert getattr(elementwise, name)(np.array(0.5, dtype)).shape == ()
    assert getattr(elementwise, name)(np.zeros((0, 3), dtype)).shape == (0, 3)


@ways
@pytest.mark.parametrize("name", DEFINITIONS)
def test_gradients(name: str) -> None:
    x = POINTS[np.abs(np.abs(POINTS) - 3) > 1e-3]  # hardswish has corners at 3
    f = DEFINITIONS[name]
    slopes = np.array([(f(v + 1e-5) - f(v - 1e-5)) / 2e-5 for v in x])
    slopes[x > 20] = 0 if name in ("erf", "erfc", "sigmoid", "hardsigmoid", "logsigmoid") else 1
    g = np.linspace(1, 2, x.size)
    saved = elementwise.sigmoid(x) if name == "sigmoid" else x
    ours = getattr(elementwise, name + "_backward")(g, saved)
    np.testing.assert_allclose(ours, g * slopes, rtol=1e-6, atol=1e-8)
    single = getattr(elementwise, name + "_backward")(g.astype(np.float32), saved.astype(np.float32))
    np.testing.assert_allclose(single, ours, rtol=2e-5, atol=5e-6)


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype: Any) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0, -0.0] * 8, dtype)
    inf, nan = np.inf, np.nan
    for name, expected in {
        "erf": [nan, 1, -1, 0, -0.0], "erfc": [nan, 0, 2, 1, 1], "gelu": [nan, inf, nan, 0, -0.0],
        "silu": [nan, inf, nan, 0, -0.0], "sigmoid": [nan, 1, 0, 0.5, 0.5], "logsigmoid": [nan, 0, -inf, -math.log(2)],
        "softplus": [nan, inf, 0, math.log(2)], "mish": [nan, inf, nan, 0, -0.0], "hardswish": [nan, inf, nan, 0, -0.0],
    }.items():  # fmt: skip
        ours = getattr(elementwise, name)(x)[: len(expected)]
        np.testing.assert_allclose(ours, expected, rtol=1e-6, err_msg=name)


@ways
def test_softplus_with_a_scale() -> None:
    x = np.linspace(-5, 5, 101)
    z = np.log1p(np.exp(3 * x)) / 3
    np.testing.assert_allclose(elementwise.softplus(x, 3.0, 6.0), np.where(3 * x > 6, x, z), rtol=1e-14)
    slope = np.where(3 * x > 6, 1, 1 / (1 + np.exp(-3 * x)))
    np.testing.assert_allclose(elementwise.softplus_backward(np.ones(101), x, 3.0, 6.0), slope, rtol=1e-14)


SCALARS: dict[str, tuple[Any, Callable[[float], float], float, float, float]] = {
    "exp": (scalar.exp_, math.exp, -80, 88, 1.5),
    "expm1": (scalar.expm1_, math.expm1, -20, 80, 2),
    "tanh": (scalar.tanh_, math.tanh, -10, 10, 3),
    "log1p": (scalar.log1p_, math.log1p, 0, 1, 3),
    "erf": (scalar.erf_, math.erf, -6, 6, 7),
    "erfc": (scalar.erfc_, math.erfc, -6, 9, 4),
}


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("name", SCALARS)
def test_scalar_functions_in_units_of_the_last_place(name: str, double: bool) -> None:
    both, definition, low, high, limit = SCALARS[name]
    dtype = np.float64 if double else np.float32
    x = np.random.default_rng(0).uniform(low, high, 4000).astype(dtype)
    x[:1000] *= dtype(1e-3)
    f = both.of(double).plain(double)
    with np.errstate(all="ignore"):
        ours = np.array([f(v) for v in x])
    assert ours.dtype == dtype
    true = np.array([definition(float(v)) for v in x])
    normal = np.abs(true) > (1e-300 if double else 1e-37)
    units = np.abs(ours.astype(np.float64) - true) / np.spacing(np.abs(true).astype(dtype))
    assert units[normal].max() <= limit


@pytest.mark.parametrize("size", [7, 1 << 15, 1 << 18])
def test_relu_backward_passes_gradients_where_the_result_is_not_zero(size):
    rng = np.random.default_rng(0)
    result = np.maximum(rng.standard_normal(size), 0).astype(np.float32)
    g = rng.standard_normal(size).astype(np.float32)
    result[0], g[1], g[2] = np.nan, np.inf, np.nan
    np.testing.assert_array_equal(elementwise.relu_backward(g, result), np.where(result <= 0, 0, g))


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.complex64])
@pytest.mark.parametrize("shapes", [((9, 4, 1), (9, 1, 5)), ((2, 3, 4, 1), (2, 3, 1, 70)), ((1, 4, 1), (9, 1, 5)),
                                    ((0, 4, 1), (0, 1, 5)), ((9, 4, 1), (9, 1, 0)), ((4, 1), (1, 6))])  # fmt: skip
def test_outer(shapes: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = [(rng.standard_normal(s) * 5).astype(dtype) for s in shapes]
    np.testing.assert_array_equal(products.outer(a, b), a * b, strict=True)
    np.testing.assert_array_equal(products.outer(a[::-1], b[..., ::-1]), a[::-1] * b[..., ::-1], strict=True)
    assert products.outer(a, b.real.astype(np.float64)).dtype == np.result_type(dtype, np.float64)


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaled_sums_and_limits(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elementwise, "PART", 16)
    x, y = np.random.default_rng(0).standard_normal((2, 30, 7)).astype(dtype)
    x[0, :3] = np.nan, np.inf, -np.inf
    for a, b in ((x, y), (x.T, y.T), (x[::2], y[::2]), (x[0], y[0])):
        np.testing.assert_array_equal(elementwise.add_scaled(a, b, -0.3), a + b * dtype(-0.3), strict=True)
        np.testing.assert_array_equal(elementwise.limited(a, -0.5, np.inf), np.clip(a, -0.5, None), strict=True)


@ways
def test_spread_broadcasts() -> None:
    a = np.arange(60.0).reshape(5, 3, 4)
    for other in (a + 1, a[:1], a[0], a[0, 0], np.array(2.0), a[:, :1]):
        np.testing.assert_array_equal(pool_of_threads.spread(np.add, np.empty_like(a), a, other), a + other)
        np.testing.assert_array_equal(pool_of_threads.spread(np.add, a.copy(), a.copy(), other), a + other)
    assert pool_of_threads.spread(np.add, np.empty(()), np.array(1.0), np.array(2.0)) == 3


def test_results_lie_in_memory_as_their_arguments() -> None:
    import rushlight as torch

    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    large = torch.randn(300, 400).t()
    for act in (torch.sigmoid, torch.erf, torch.nn.functional.gelu, torch.nn.functional.silu):
        assert act(x).stride() == x.stride() and act(large).stride() == large.stride()
        assert torch.equal(act(x), act(x.contiguous())) and torch.equal(act(large), act(large.contiguous()))
