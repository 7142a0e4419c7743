"""Functions in compiled loops against NumPy's, choices by bits, float16, and pieces with numbers: on every path."""

from typing import Any

import numpy as np
import pytest

from kernel_paths import path  # noqa: F401
from rushlight._kernels import choose, elementary, elementwise, gamma, half, sums

ways = pytest.mark.usefixtures("path")
EDGES = np.array([0.0, -0.0, 1, -1, 0.5, 2, np.inf, -np.inf, np.nan, 1e-45, 1e-30, 3e38, -3e38, 90, -105, 1e10], "f4")
UFUNCS = {"acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "atan2": np.arctan2}
PAIRS = ("atan2", "floor_divide", "fmod", "hypot", "logaddexp", "remainder")


def scattered(seed: int, size: int = 3000) -> Any:
    g = np.random.default_rng(seed)
    wide = g.uniform(-1, 1, size) * 10.0 ** g.uniform(-8, 4, size)
    return np.concatenate([g.uniform(-3, 3, size), wide]).astype("f4")


@ways
@pytest.mark.parametrize("name", elementary.__all__)
def test_functions_are_numpys_in_float64_rounded_once(name: str) -> None:
    x = np.concatenate([EDGES, scattered(0)])
    arguments = [x]
    if name in PAIRS:
        a, b = np.meshgrid(EDGES, EDGES)
        arguments = [np.concatenate([a.ravel(), scattered(0)]), np.concatenate([b.ravel(), scattered(1)])]
        if name != "remainder":
            arguments[0][-50:] = arguments[1][-50:] * np.arange(50, dtype="f4")  # whole quotients
    ufunc = UFUNCS.get(name) or getattr(np, name)
    exact = name in ("floor_divide", "fmod", "remainder")
    with np.errstate(all="ignore"):
        expected = ufunc(*arguments) if exact else ufunc(*[a.astype("f8") for a in arguments]).astype("f4")
        ours = getattr(elementary, name)(*arguments)
    np.testing.assert_allclose(ours, expected, rtol=0 if exact else 3e-7, atol=2e-7 if name == "logaddexp" else 1e-44)
    zeros = expected == 0
    sign = np.signbit(arguments[0]) if name == "remainder" else np.signbit(expected)  # PyTorch's zeros
    assert (np.signbit(ours) == sign)[zeros].all()


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_other_dtypes_are_numpys(dtype: str) -> None:
    x = np.linspace(-0.9, 0.9, 1 << 18).astype(dtype)
    np.testing.assert_array_equal(elementary.asin(x), np.arcsin(x))
    np.testing.assert_array_equal(elementary.asin(x[::2]), np.arcsin(x[::2]))
    whole = np.arange(1, 1 << 18)
    np.testing.assert_array_equal(elementary.fmod(whole, whole[::-1]), np.fmod(whole, whole[::-1]))


@ways
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8", "c8", "i1"])
def test_pick_is_where(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "SMALL", 0)
    g = np.random.default_rng(0)
    condition = g.random((40, 50)) < 0.5
    a, b = (g.uniform(-9, 9, (2, 40, 50))).astype(dtype)
    a[0, 0] = 0
    for x, y in ((a, b), (a, a.dtype.type(0)), (a.dtype.type(3), b), (0, b), (a[0], b), (a, b.T[:1].T), (a[::-1], b)):
        made = choose.pick(condition, x, y)
        np.testing.assert_array_equal(made, np.where(condition, x, y))
        assert made.dtype == a.dtype
    assert np.signbit(choose.pick(np.zeros(9, bool), np.ones(9, "f4"), np.float32(-0.0))).all()


@ways
def test_float16_and_back() -> None:
    every = np.arange(1 << 16, dtype="u2").view("f2")
    wide = every.astype("f4")
    np.testing.assert_array_equal(half.converted(every, np.dtype("f4")), wide)
    with np.errstate(all="ignore"):
        middle = (wide[:-1] + wide[1:]) / 2
        around = [np.nextafter(v, np.float32([[-np.inf], [np.inf]])) for v in (wide, middle)]
    for x in (wide, middle, *around, scattered(0) * np.float32(10)):
        x = np.ascontiguousarray(x)
        with np.errstate(over="ignore", invalid="ignore"):
            expected = x.astype("f2")
        made = half.converted(x, np.dtype("f2"))
        np.testing.assert_array_equal(made, expected)
        assert (np.signbit(made) == np.signbit(expected))[~np.isnan(x)].all()


@ways
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_pieces_with_numbers(dtype: str) -> None:
    x = np.concatenate([np.linspace(-5, 5, 201), [np.inf, -np.inf, 0.0]]).astype(dtype)
    g, t = np.linspace(1, 2, x.size).astype(dtype), np.linspace(2, -2, x.size).astype(dtype)
    wide, gradient, target = x.astype("f8"), g.astype("f8"), t.astype("f8")
    low, d = np.minimum(wide, 0), wide - target
    with np.errstate(invalid="ignore"):
        expected = {
            "leaky_relu": (np.where(wide > 0, wide, wide * 0.25), (x, 0.25)),
            "leaky_relu_backward": (np.where(wide > 0, gradient, gradient * 0.25), (g, x, 0.25)),
            "hardtanh_backward": (np.where((wide <= -1) | (wide >= 2), 0, gradient), (g, x, -1, 2)),
            "elu": (np.where(wide > 0, 2 * wide, 3 * np.expm1(0.5 * low)), (x, 2, 3, 0.5)),
            "elu_backward": (gradient * np.where(wide > 0, 2, 1.5 * np.exp(0.5 * low)), (g, x, 2, 3, 0.5)),
            "smooth_l1": (np.where(np.abs(d) < 2, d * d / 4, np.abs(d) - 1), (x, t, 2)),
            "smooth_l1_slope": (np.clip(d / 2, -1, 1), (x, t, 2)),
            "huber": (np.where(np.abs(d) < 2, d * d / 2, 2 * np.abs(d) - 2), (x, t, 2)),
        }
    tolerance = {"f2": 2e-3, "f4": 1e-6, "f8": 1e-14}[dtype]
    for name, (values, arguments) in expected.items():
        made = getattr(elementwise, name)(*arguments)
        np.testing.assert_allclose(made, values, rtol=tolerance, atol=tolerance, err_msg=name)


@ways
def test_gamma_family_and_inverse_of_erf_in_single_precision_are_the_double_ones_rounded() -> None:
    edges = np.array([0.0, -0.0, 1, 2, 0.5, -1, -2, -2.5, 1e-30, -1e-30, 1e6, 1e31, np.inf, -np.inf, np.nan], "f4")
    x = np.concatenate([edges, scattered(0) * np.float32(3), 1 + scattered(1) * np.float32(0.01)])
    u = np.concatenate([edges, np.random.default_rng(0).uniform(-1, 1, 3000), 1 - np.arange(9) * 6e-8]).astype("f4")
    functions = {"lgamma": x, "digamma": x, "polygamma": x, "erfinv": u}
    for name, v in functions.items():
        function = getattr(gamma, name)
        f = (lambda a, p=function: p(1, a)) if name == "polygamma" else function
        with np.errstate(over="ignore"):
            made, expected = f(v), f(v.astype("f8")).astype("f4")
        assert made.dtype == np.float32
        # near the negative zeros of lgamma and digamma the reflection cancels
        np.testing.assert_allclose(made, expected, rtol=3e-7, atol=1e-6 if name in ("lgamma", "digamma") else 0)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", [7, 1 << 17, (1 << 18) + 12345])
def test_sums_of_large_arrays(size: int, dtype: str) -> None:
    x = np.random.default_rng(0).standard_normal(size).astype(dtype)
    wide = x.astype("f8")
    rtol = 1e-6 if dtype == "f4" else 1e-14
    np.testing.assert_allclose(sums.total(x), np.sum(wide), rtol=0, atol=rtol * np.abs(wide).sum() / 10)
    np.testing.assert_allclose(sums.squares(x, None, False), wide @ wide, rtol=rtol)
    assert sums.squares(x.reshape(1, -1), None, True).shape == (1, 1)
    near = (1 + x / size).astype(dtype)
    np.testing.assert_allclose(sums.product(near), np.prod(near.astype("f8")), rtol=5e-3 if dtype == "f4" else 1e-12)
    rows = x[: size // 7 * 7].reshape(7, -1)
    np.testing.assert_allclose(
        sums.squares(rows, (1,), True), (rows.astype("f8") ** 2).sum(1, keepdims=True), rtol=rtol
    )
    cube = x[: size // 7 * 7 // 6 * 6].reshape(-1, 2, 3)
    squares = (cube.astype("f8") ** 2).sum((1, 2), keepdims=True)
    np.testing.assert_allclose(sums.squares(cube, (1, 2), True), squares, rtol=rtol)
    np.testing.assert_allclose(sums.squares(cube, (0, 2), False), (cube.astype("f8") ** 2).sum((0, 2)), rtol=10 * rtol)
    np.testing.assert_allclose(sums.total(rows[:, ::2]), rows[:, ::2].sum(dtype="f8"), rtol=0, atol=rtol * size / 10)
    assert np.isnan(sums.total(np.where(np.arange(size) == 3, np.nan, x).astype(dtype)))
