"""Scatter, sorting and scans against their definitions in plain loops, on every path."""

from typing import Any

import numpy as np
import pytest

from kernel_paths import path  # noqa: F401
from rushlight._kernels import scans, scatter, sorting

ways = pytest.mark.usefixtures("path")
TYPES = [np.float32, np.float64, np.int64, np.int32, np.int8, np.uint8]


def sample(shape: Any, dtype: Any, seed: int = 0) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) * 4).round().astype(dtype)


# --------------------------------------------------------------------------------------------------------- scatter


@ways
@pytest.mark.parametrize("dtype", [*TYPES, np.float16, np.bool_, np.complex64])
@pytest.mark.parametrize("shape, axis", [((5,), 0), ((4, 6), 0), ((4, 6), 1), ((3, 4, 20), 1), ((3, 4, 5), -1)])
def test_index_add(shape: Any, axis: int, dtype: Any) -> None:
    m = 9
    wide = tuple(m if k == axis % len(shape) else n for k, n in enumerate(shape))
    out, src = sample(shape, dtype), sample(wide, dtype, 1)
    index = np.random.default_rng(2).integers(0, shape[axis], m)
    expected = out.copy()
    np.add.at(np.moveaxis(expected, axis, 0), index, np.moveaxis(src, axis, 0))
    for array in (out.copy(), np.asfortranarray(out)):
        assert scatter.index_add(array, axis, index, src) is array
        np.testing.assert_array_equal(array, expected)
    if dtype == np.float64:
        expected = out.copy()
        np.add.at(np.moveaxis(expected, axis, 0), index, -2 * np.moveaxis(src, axis, 0))
        np.testing.assert_array_equal(scatter.index_add(out.copy(), axis, index.astype(np.int32), src, -2), expected)


def scattered(out: Any, axis: int, index: Any, src: Any, f: Any) -> Any:
    out = out.copy()
    for place in np.ndindex(index.shape):
        to = list(place)
        to[axis] = index[place]
        out[tuple(to)] = f(out[tuple(to)], src[place])
    return out


CASES = [((5,), (9,), 0), ((4, 6), (9, 6), 0), ((4, 6), (4, 9), 1), ((4, 6), (2, 9), 1), ((4, 6), (3, 5), 0),
         ((3, 4, 20), (3, 9, 20), 1), ((3, 4, 5), (2, 3, 4), 2)]  # fmt: skip


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape, wide, axis", CASES)
def test_scatter(shape: Any, wide: Any, axis: int, dtype: Any) -> None:
    out, src = sample(shape, dtype), sample(wide, dtype, 1)
    index = np.random.default_rng(2).integers(0, shape[axis], wide)
    whole = out[tuple([slice(None) if k == axis else slice(n) for k, n in enumerate(wide)])]
    np.testing.assert_array_equal(scatter.gather(out, axis, index), np.take_along_axis(whole, index, axis))
    expected = scattered(out, axis, index, src, lambda a, b: a + b)
    np.testing.assert_array_equal(scatter.scatter_add(out.copy(), axis, index, src), expected)
    np.testing.assert_array_equal(scatter.scatter_add(np.asfortranarray(out), axis, index, src), expected)
    expected = scattered(out, axis, index, src, lambda a, b: b)
    np.testing.assert_array_equal(scatter.scatter(out.copy(), axis, index, src), expected)
    expected = scattered(out, axis, index, src, lambda a, b: 7)
    np.testing.assert_array_equal(scatter.scatter(out.copy(), axis, index, 7), expected)
    for reduce, f in {"amax": max, "amin": min, "prod": lambda a, b: a * b, "sum": lambda a, b: a + b}.items():
        expected = scattered(out, axis, index, src, f)
        np.testing.assert_allclose(scatter.scatter_reduce(out.copy(), axis, index, src, reduce), expected, rtol=1e-5)
    counts = scattered(np.zeros(shape), axis, index, np.ones(wide), lambda a, b: a + b)
    total = scattered(np.where(counts > 0, 0, out), axis, index, src, lambda a, b: a + b)
    mean = total / np.maximum(counts, 1)
    mean = np.floor(mean) if np.dtype(dtype).kind == "i" else mean
    ours = scatter.scatter_reduce(out.copy(), axis, index, src, "mean", include_self=False)
    np.testing.assert_allclose(ours, mean, rtol=1e-6)


@ways
def test_nan_wins_in_scattered_maxima() -> None:
    out, index = np.zeros(3), np.array([0, 0, 1])
    src = np.array([np.nan, 5, 2])
    np.testing.assert_array_equal(scatter.scatter_reduce(out, 0, index, src, "amax"), [np.nan, 2, 0])


@ways
def test_embedding_gradients_and_accumulating_puts() -> None:
    g, index = sample((4, 5, 3), np.float32), np.random.default_rng(0).integers(0, 6, (4, 5))
    expected = np.zeros((6, 3), np.float32)
    np.add.at(expected, index, g)
    np.testing.assert_array_equal(scatter.embedding_backward(g, index, 6), expected)
    counts = np.bincount(index.reshape(-1), minlength=6)
    expected[2] = 0
    ours = scatter.embedding_backward(g, index, 6, 2, True)
    np.testing.assert_allclose(ours, expected / np.maximum(counts, 1)[:, None], rtol=1e-6)
    out, i, j = sample((4, 5, 3), np.float64), np.array([[0], [-1]]), np.array([1, 1, -5])
    expected = out.copy()
    np.add.at(expected, (i, j), 2.0)
    np.testing.assert_array_equal(scatter.put_accumulate(out, (i, j), np.array(2.0)), expected)


def test_wrong_indices() -> None:
    for bad in (3, -1):
        with pytest.raises(RuntimeError, match=rf"^index {bad} is out of bounds for dimension 0 with size 3"):
            scatter.scatter_add(np.zeros(3), 0, np.array([bad]), np.ones(1))
        with pytest.raises(IndexError, match=r"^index out of range in self"):
            scatter.index_add(np.zeros(3), 0, np.array([bad]), np.ones(1))
    with pytest.raises(IndexError, match=r"^index -4 is out of bounds for dimension 0 with size 3"):
        scatter.put_accumulate(np.zeros(3), (np.array([-4]),), np.ones(1))
    with pytest.raises(RuntimeError, match=r"^reduce argument must be either sum, prod, mean, amax or amin, got"):
        scatter.scatter_reduce(np.zeros(3), 0, np.array([1]), np.ones(1), "median")
    out = np.zeros(3)
    scatter.scatter_add(out, 0, np.zeros(0, int), np.zeros(0))
    assert not out.any()


# --------------------------------------------------------------------------------------------------------- sorting


def special(shape: Any, dtype: Any) -> Any:
    x = sample(shape, dtype)
    if np.dtype(dtype).kind == "f" and x.size > 6:
        flat = x.reshape(-1)
        flat[::7] = np.nan
        flat[1:5] = np.inf, -np.inf, -0.0, 0.0
    return x


def stable(row: list[Any], descending: bool) -> list[int]:
    """The order of a row by Python's own stable sort, nan above all."""
    return sorted(range(len(row)), key=lambda i: (row[i] != row[i], row[i]), reverse=False) if not descending else (
        sorted(range(len(row)), key=lambda i: (row[i] == row[i], -row[i]))
    )  # fmt: skip


@ways
@pytest.mark.parametrize("dtype", [*TYPES, np.float16])
@pytest.mark.parametrize("shape, axis", [((9,), 0), ((5, 30), 1), ((30, 4), 0), ((2, 30, 3), 1), ((3, 400), -1)])
def test_sort_and_topk(shape: Any, axis: int, dtype: Any) -> None:
    x = special(shape, dtype)
    n = shape[axis]
    lines = np.moveaxis(x, axis, -1).reshape(-1, n).astype(np.float64)
    for descending in (False, True):
        order = np.array([stable(list(row), descending) for row in lines])
        values, indices = sorting.sort(x, axis, descending)
        assert (values.dtype, indices.dtype) == (x.dtype, np.int64)
        np.testing.assert_array_equal(np.moveaxis(indices, axis, -1).reshape(-1, n), order)
        np.testing.assert_array_equal(values, np.take_along_axis(x, indices, axis))
        np.testing.assert_array_equal(sorting.argsort(x, axis, descending), indices)
        for k in (0, 1, 3, n):
            few, places = sorting.topk(x, k, axis, descending)
            np.testing.assert_array_equal(few, np.take(values, range(k), axis))
            np.testing.assert_array_equal(places, np.take(indices, range(k), axis))
            loose = sorting.topk(x, k, axis, descending, False)[0]
            np.testing.assert_array_equal(np.sort(loose, axis), np.sort(few, axis))
    values = sorting.sort(x, axis)[0]
    kth, place = sorting.kthvalue(x, 3, axis, True)
    np.testing.assert_array_equal(kth, np.take(values, [2], axis))
    np.testing.assert_array_equal(np.take_along_axis(x, place, axis), kth)


@ways
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.7, 1.0])
def test_topk_of_long_rows(dtype: Any, share: float) -> None:
    random = np.random.default_rng(0)
    x = (random.standard_normal((4, 900)) * 100).astype(dtype)
    if np.dtype(dtype).kind == "f":
        x[random.random(x.shape) < share] = np.nan
    for k in (1, 5, 17):
        for largest in (True, False):
            values, indices = sorting.topk(x, k, -1, largest)
            order = sorting.sort(x, -1, largest)
            np.testing.assert_array_equal(values, order[0][:, :k])
            np.testing.assert_array_equal(indices, order[1][:, :k])


@ways
def test_medians_and_modes() -> None:
    nan = np.nan
    x = np.array([[3, 1, 2, 2, nan], [1, 4, 3, 2, 5], [7, 7, 1, 1, 0]], np.float32)
    values, places = sorting.median(x)
    np.testing.assert_array_equal(values, [nan, 3, 1])
    np.testing.assert_array_equal(np.take_along_axis(x, places[:, None], 1)[:, 0], values)
    np.testing.assert_array_equal(sorting.nanmedian(x, 1, True)[0], [[2], [3], [1]])
    np.testing.assert_array_equal(sorting.median(x[:, :4])[0], [2, 2, 1])
    values, places = sorting.mode(x)
    np.testing.assert_array_equal(values, [2, 1, 1])
    np.testing.assert_array_equal(places, [3, 0, 3])
    assert sorting.median(np.array(2.0))[0] == 2
    with pytest.raises(IndexError, match=r"^median\(\): Expected reduction dim"):
        sorting.median(np.zeros((2, 0)))
    with pytest.raises(RuntimeError, match=r"^selected index k out of range"):
        sorting.topk(x, 6)
    with pytest.raises(RuntimeError, match=r"^kthvalue\(\): selected number k out of range"):
        sorting.kthvalue(x, 0)


@ways
@pytest.mark.parametrize("dtype", [*TYPES, np.bool_])
def test_unique(dtype: Any) -> None:
    x = sample((7, 30), dtype)
    values, inverse, counts = sorting.unique(x)
    expected = np.unique(x, return_inverse=True, return_counts=True)
    for ours, theirs in zip((values, inverse, counts), expected):
        np.testing.assert_array_equal(ours, theirs)
    values, inverse, counts = sorting.unique_consecutive(np.sort(x.reshape(-1)))
    np.testing.assert_array_equal(values, expected[0])
    np.testing.assert_array_equal(counts, expected[2])
    y = x[:, :2] % 2 if dtype != np.bool_ else x[:, :2]
    for ours, theirs in zip(sorting.unique_rows(y, 0), np.unique(y, True, True, True, axis=0)[::1][:1]):
        np.testing.assert_array_equal(ours, theirs)
    values, inverse, counts = sorting.unique_rows(y, 0)
    np.testing.assert_array_equal(values[inverse], y)
    assert counts.sum() == 7
    assert len(sorting.unique(np.zeros(0, dtype))[0]) == 0


def test_unique_of_nan_and_of_wide_integers() -> None:
    values, inverse, counts = sorting.unique(np.array([np.nan, 1.0, np.nan, 1.0]))
    np.testing.assert_array_equal(values, [1, np.nan, np.nan])
    assert counts.tolist() == [2, 1, 1]
    x = np.array([2**62, -(2**62), 5, 5])
    np.testing.assert_array_equal(sorting.unique(x)[0], [-(2**62), 5, 2**62])
    x = np.array([-128, 127, 0, -128] * 300, np.int8)
    np.testing.assert_array_equal(sorting.unique(x)[0], [-128, 0, 127])


def test_searchsorted() -> None:
    inorder, values = np.sort(sample((3, 20), np.float64)), sample((3, 5), np.float64, 1)
    for right in (False, True):
        side: Any = "right" if right else "left"
        each = [np.searchsorted(a, b, side) for a, b in zip(inorder, values)]
        np.testing.assert_array_equal(sorting.searchsorted(inorder, values, right), each)
        one = sorting.searchsorted(inorder[0], values, right)
        np.testing.assert_array_equal(one, np.searchsorted(inorder[0], values, side))
    with pytest.raises(RuntimeError, match=r"^torch.searchsorted\(\): boundaries tensor should be"):
        sorting.searchsorted(inorder, values[:2])


# ----------------------------------------------------------------------------------------------------------- scans


@ways
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
@pytest.mark.parametrize("shape, axis", [((9,), 0), ((5, 30), 1), ((30, 4), 0), ((2, 30, 70), 1), ((1, 6, 80), 1)])
def test_scans(shape: Any, axis: int, dtype: Any) -> None:
    x = sample(shape, dtype)
    np.testing.assert_allclose(scans.cumsum(x, axis), np.cumsum(x.astype(np.float64), axis), rtol=1e-6)
    if np.dtype(dtype).kind == "i":
        assert scans.cumsum(x, axis, np.int64).dtype == np.int64
    else:
        y = (x / 4).astype(dtype)
        expected = np.cumprod(y.astype(np.float64), axis)
        np.testing.assert_allclose(scans.cumprod(y, axis), expected, rtol=1e-6, atol=1e-30)
        expected = np.logaddexp.accumulate(x.astype(np.float64), axis)
        np.testing.assert_allclose(scans.logcumsumexp(x, axis), expected, rtol=1e-6)
    x = special(shape, dtype)
    lines = np.moveaxis(x, axis, -1)
    for f, better in ((scans.cummax, lambda a, b: a >= b), (scans.cummin, lambda a, b: a <= b)):
        values, places = f(x, axis)
        assert (values.dtype, places.dtype, values.shape) == (x.dtype, np.int64, shape)
        values, places = np.moveaxis(values, axis, -1), np.moveaxis(places, axis, -1)
        for at in np.ndindex(lines.shape[:-1]):
            best = 0
            for k, v in enumerate(lines[at]):
                if v != v or better(v, lines[at][best]):
                    best = k
                assert places[at][k] == best
                np.testing.assert_array_equal(values[at][k], lines[at][best])


@ways
def test_logcumsumexp_of_infinities() -> None:
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, -inf, 0, 0], [1, inf, inf, 2], [0, nan, 1, 1], [-1000, 0, 1000, 1000]])
    expected = [
        [-inf, -inf, 0, np.log(2)], [1, inf, inf, inf], [0, nan, nan, nan], [-1000, 0, 1000, 1000 + np.log(2)],
    ]  # fmt: skip
    np.testing.assert_allclose(scans.logcumsumexp(x, 1), expected, rtol=1e-14)


def test_scans_of_nothing() -> None:
    assert scans.cumsum(np.zeros((0, 3)), 0).shape == (0, 3)
    assert scans.cummax(np.zeros((3, 0)), 1)[1].shape == (3, 0)
    assert scans.cumsum(np.array(3.0), 0) == 3
    assert scans.cummin(np.array(3.0), 0)[1] == 0
