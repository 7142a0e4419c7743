"""The pooling kernels against their definition written as loops, with numba and without."""

import itertools

import numpy as np
import pytest

from rushlight._kernels import pool

RNG = np.random.default_rng(0)


@pytest.fixture(params=["numpy", "numba"])
def path(request, monkeypatch):
    if request.param == "numba":
        pytest.importorskip("numba")
    monkeypatch.setattr(pool, "use_numba", lambda elements: request.param == "numba")


def windows(spatial, kernel, stride, padding, dilation, out):
    """For each output position, the positions inside the picture that its window sees, in order."""
    for q in np.ndindex(*out):
        seen = []
        for k in np.ndindex(*kernel):
            at = tuple(a * s - p + b * d for a, s, p, b, d in zip(q, stride, padding, k, dilation, strict=True))
            if all(0 <= i < n for i, n in zip(at, spatial, strict=True)):
                seen.append(at)
        yield q, seen


def slow_max(plane, seen):
    best, index = -np.inf, None
    for at in seen:
        if index is None or plane[at] > best or np.isnan(plane[at]):
            best, index = plane[at], np.ravel_multi_index(at, plane.shape)
    return best, index


SHAPES = [
    # spatial, kernel, stride, padding, dilation, ceil_mode
    ((9,), (3,), (2,), (1,), (1,), False),
    ((10,), (3,), (2,), (1,), (2,), True),
    ((6, 8), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ((7, 9), (2, 2), (2, 2), (0, 0), (1, 1), True),
    ((7, 9), (3, 2), (2, 1), (1, 0), (1, 1), False),
    ((8, 9), (3, 3), (1, 2), (1, 1), (2, 1), True),
    ((4, 5, 6), (2, 2, 2), (2, 2, 2), (0, 1, 0), (1, 1, 1), True),
    ((5, 5, 5), (3, 2, 2), (1, 2, 2), (1, 1, 0), (1, 2, 1), False),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["float", "ties", "nan", "minus inf", "int"])
def test_max_pool(shape, kind, path):
    spatial, kernel, stride, padding, dilation, ceil = shape
    x = RNG.standard_normal((2, 3, *spatial)).astype(np.float32)
    if kind in ("ties", "int"):
        x = RNG.integers(-1, 2, x.shape).astype(np.float32 if kind == "ties" else np.int64)
    elif kind != "float":
        x[RNG.random(x.shape) < 0.4] = np.nan if kind == "nan" else -np.inf
    values, indices = pool.max_pool(x, kernel, stride, padding, dilation, ceil)
    out = pool.pool_output_shape(spatial, kernel, stride, padding, dilation, ceil)
    assert values.shape == indices.shape == (2, 3, *out) and values.dtype == x.dtype and indices.dtype == np.int64
    for n, c in itertools.product(range(2), range(3)):
        for q, seen in windows(spatial, kernel, stride, padding, dilation, out):
            best, index = slow_max(x[n, c], seen)
            np.testing.assert_equal(values[(n, c, *q)], best)
            assert indices[(n, c, *q)] == index
    np.testing.assert_array_equal(pool.max_pool(x, kernel, stride, padding, dilation, ceil, False)[0], values)
    np.testing.assert_array_equal(pool.gather_planes(x, indices), values)
    # scatter is the transpose of gather
    g = RNG.integers(-4, 5, values.shape).astype(float)
    v = RNG.integers(-4, 5, x.shape).astype(float)
    assert (pool.scatter_planes(g, indices, spatial) * v).sum() == (g * pool.gather_planes(v, indices)).sum()


@pytest.mark.parametrize("shape", [s for s in SHAPES if set(s[4]) == {1}])
@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("divisor", [None, 5])
def test_avg_pool(shape, include, divisor):
    spatial, kernel, stride, padding, dilation, ceil = shape
    x = RNG.standard_normal((2, 3, *spatial))
    y = pool.avg_pool(x, kernel, stride, padding, ceil, include, divisor)
    out = pool.pool_output_shape(spatial, kernel, stride, padding, 1, ceil)
    assert y.shape == (2, 3, *out)
    for q, seen in windows(spatial, kernel, stride, padding, dilation, out):
        size = 1
        for a, k, s, p, n in zip(q, kernel, stride, padding, spatial, strict=True):
            size *= min(a * s - p + k, n + p) - (a * s - p)
        count = divisor or (size if include else len(seen))
        want = sum(x[(slice(None), slice(None), *at)] for at in seen) / count
        np.testing.assert_allclose(y[(slice(None), slice(None), *q)], want, atol=1e-14)
    g = RNG.standard_normal(y.shape)
    back = pool.avg_pool_grad(g, spatial, kernel, stride, padding, ceil, include, divisor)
    assert back.shape == x.shape
    assert (back * x).sum() == pytest.approx((g * y).sum())
    ints = np.floor(x * 10).astype(np.int64)
    whole = pool.avg_pool(ints, kernel, stride, padding, ceil, include, divisor)
    mean = pool.avg_pool(ints.astype(float), kernel, stride, padding, ceil, include, divisor)
    assert whole.dtype == np.int64
    np.testing.assert_array_equal(whole, np.trunc(mean + np.copysign(1e-9, mean)))


def test_infinity_stays_in_its_window():
    x = np.ones((1, 1, 4, 40))
    x[0, 0, 0, 0], x[0, 0, 3, 39] = np.inf, np.nan
    y = pool.avg_pool(x, 2)
    assert y[0, 0, 0, 0] == np.inf and np.isnan(y[0, 0, 1, 19]) and (y.ravel()[1:-1] == 1).all()


@pytest.mark.parametrize("spatial,out", [((7,), (3,)), ((7, 5), (3, 8)), ((6, 5), (1, 1)), ((4, 5, 6), (3, 2, 1))])
def test_adaptive(spatial, out, path):
    x = RNG.standard_normal((2, 3, *spatial))
    mean, (best, index) = pool.adaptive_avg_pool(x, out), pool.adaptive_max_pool(x, out)
    for q in np.ndindex(*out):
        part = tuple(slice(a * n // m, -(-(a + 1) * n // m)) for a, n, m in zip(q, spatial, out, strict=True))
        where = (slice(None), slice(None))
        window = x[(*where, *part)].reshape(2, 3, -1)
        np.testing.assert_allclose(mean[(*where, *q)], window.mean(-1))
        np.testing.assert_array_equal(best[(*where, *q)], window.max(-1))
    np.testing.assert_array_equal(pool.gather_planes(x, index), best)
    g = RNG.standard_normal(mean.shape)
    assert (pool.adaptive_avg_pool_grad(g, spatial) * x).sum() == pytest.approx((g * mean).sum())


@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_windows_cover_the_picture(dims):
    spatial, out = (9, 8, 7)[:dims], (4, 3, 3)[:dims]
    x = RNG.standard_normal((2, 3, *spatial))
    values, indices = pool.fractional_max_pool(x, 3, out, RNG.random((2, 3, dims)))
    assert values.shape == (2, 3, *out)
    np.testing.assert_array_equal(pool.gather_planes(x, indices), values)
    places = np.unravel_index(indices, spatial)
    for axis, (n, m) in enumerate(zip(spatial, out, strict=True)):
        last = np.take(places[axis], m - 1, axis + 2)
        assert (last >= n - 3).all()  # the last window ends with the picture


def test_unpool_is_the_inverse_of_halving():
    x = RNG.standard_normal((2, 3, 6, 8))
    values, indices = pool.max_pool(x, 2)
    y = pool.max_unpool(values, indices, (6, 8))
    np.testing.assert_array_equal(y, np.where(y != 0, x, 0))
    assert (y != 0).sum() == values.size
    np.testing.assert_array_equal(pool.gather_planes(y, indices), values)
    with pytest.raises(RuntimeError, match=r"^Found an invalid max index: 47 \(output volumes are of size 5x8\)"):
        pool.max_unpool(np.ones((1, 1, 1)), np.array([[[47]]]), (5, 8))


def test_numba_and_numpy_agree_on_large_arrays(monkeypatch):
    pytest.importorskip("numba")
    x = RNG.standard_normal((4, 5, 40, 70)).astype(np.float32)
    x[0, 0, 3, 3] = np.nan
    for args in ((2,), (3, 2, 1), ((2, 3), (1, 2), (1, 0), 2, True)):
        results = []
        for allowed in (False, True):
            monkeypatch.setattr(pool, "use_numba", lambda elements, allowed=allowed: allowed)
            values, indices = pool.max_pool(x, *args)
            results.append((values, indices, pool.scatter_planes(values, indices, (40, 70))))
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_text_of_the_loops(monkeypatch):
    """The loops that numba compiles, run as plain Python."""
    x = RNG.integers(-2, 3, (1, 2, 4, 6)).astype(float)
    for args in ((2,), (3, 2, 1)):
        want = pool.max_pool(x, *args)
        with monkeypatch.context() as patch:
            patch.setattr(pool, "use_numba", lambda elements: True)
            for name in ("_max_loop", "_max_loop_2x2", "_scatter_loop"):
                patch.setattr(pool, name, getattr(pool, name).plain(True))
            got = pool.max_pool(x, *args)
            back = pool.scatter_planes(*got, (4, 6))
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(back, pool.scatter_planes(*want, (4, 6)))
