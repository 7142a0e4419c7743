"""The resampling kernels against their definition written as loops; gradients as exact transposes."""

import itertools
import math

import numpy as np
import pytest

from rushlight._kernels import resample

RNG = np.random.default_rng(0)


def slow_line(line, new, mode, align, scale):
    """Interpolate a list of numbers, one new position after the other."""
    old, out = len(line), []
    ratio = 1 / scale if scale else old / new
    if align and not mode.startswith("nearest"):
        ratio = (old - 1) / (new - 1) if new > 1 else 0
    for o in range(new):
        if mode == "nearest":
            out.append(line[min(int(o * ratio), old - 1)])
        elif mode == "nearest-exact":
            out.append(line[min(int((o + 0.5) * ratio), old - 1)])
        else:
            at = o * ratio if align else (o + 0.5) * ratio - 0.5
            if mode == "linear":
                at = max(at, 0)
                low = int(at)
                share = at - low
                out.append(line[low] * (1 - share) + line[min(low + 1, old - 1)] * share)
            else:
                low, total = math.floor(at), 0.0
                for k in range(low - 1, low + 3):
                    d = abs(at - k)
                    near = 1.25 * d**3 - 2.25 * d**2 + 1
                    far = -0.75 * d**3 + 3.75 * d**2 - 6 * d + 3
                    total += line[min(max(k, 0), old - 1)] * (near if d <= 1 else far if d < 2 else 0)
                out.append(total)
    return out


def slow_interpolate(x, size, mode, align, scales):
    for axis, (m, s) in enumerate(zip(size, scales, strict=True), 2):
        x = np.apply_along_axis(lambda line, m=m, s=s: slow_line(list(line), m, mode, align, s), axis, x)
    return x


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "bicubic"])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size,scale", [((3, 9), None), ((1, 1), None), (None, 2.3), (None, (0.6, 1.5))])
def test_interpolate(mode, align, size, scale):
    x = RNG.standard_normal((2, 3, 7, 5))
    size, scales = resample.interpolate_size((7, 5), size, scale)
    y = resample.interpolate(x, size, mode, align, scales)
    np.testing.assert_allclose(y, slow_interpolate(x, size, mode, align, scales), atol=1e-12)
    g = RNG.standard_normal(y.shape)
    back = resample.interpolate_grad(g, (7, 5), mode, align, scales)
    assert back.shape == x.shape and (back * x).sum() == pytest.approx((g * y).sum())


def test_sizes_and_scales():
    assert resample.interpolate_size((5, 7), 3, None) == ((3, 3), (None, None))
    assert resample.interpolate_size((5, 7), None, 1.5) == ((7, 10), (1.5, 1.5))
    assert resample.interpolate_size((5, 7), None, (1.5, 2), True) == ((7, 14), (None, None))
    with pytest.raises(ValueError, match="only one of size or scale_factor"):
        resample.interpolate_size((5,), 3, 2.0)
    with pytest.raises(ValueError, match="mode is 'cubist'; expected 'nearest'"):
        resample.interpolate(np.ones((1, 1, 4)), (2,), "cubist")


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialias_keeps_constants_and_is_transposed(mode):
    x = RNG.standard_normal((2, 1, 13, 17))
    assert np.ptp(resample.interpolate(np.ones_like(x), (5, 30), mode, antialias=True)) < 1e-12
    y = resample.interpolate(x, (5, 30), mode, antialias=True)
    g = RNG.standard_normal(y.shape)
    back = resample.interpolate_grad(g, (13, 17), mode, antialias=True)
    assert (back * x).sum() == pytest.approx((g * y).sum())


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_infinity_stays_where_it_is_seen(dtype):
    x = np.ones((1, 1, 50), dtype)
    x[..., 0] = np.inf
    y = resample.interpolate(x, (100,), "linear")
    assert y.dtype == dtype and (y[0, 0, 3:] == 1).all() and np.isinf(y[0, 0, :3]).all()


def test_map_with_more_positions_than_a_block():
    x = RNG.standard_normal((1, 1, 300))
    y = resample.interpolate(x, (777,), "linear", False)
    np.testing.assert_allclose(y[0, 0], slow_line(list(x[0, 0]), 777, "linear", False, None), atol=1e-12)
    np.testing.assert_allclose(
        resample.interpolation_map(300, 777, "linear", False, None, False)._by_taps(x, 2), y, atol=1e-12
    )


def slow_sample(plane, place, mode, padding, align):
    """One read of one plane at a normalized place (last axis first), by the formula."""
    spatial, position = plane.shape, []
    for n, p in zip(spatial, place[::-1], strict=True):
        at = (p + 1) / 2 * (n - 1) if align else ((p + 1) * n - 1) / 2
        position.append(at)

    def fold_back(at, n):
        if padding == "reflection":
            low, high = (0, n - 1) if align else (-0.5, n - 0.5)
            while high > low and not low <= at <= high:
                at = 2 * low - at if at < low else 2 * high - at
        return at if padding == "zeros" else min(max(at, 0), n - 1)

    if mode != "bicubic":
        position = [fold_back(at, n) for at, n in zip(position, spatial, strict=True)]
    reach = {"nearest": (0, 1), "bilinear": (0, 2), "bicubic": (-1, 3)}[mode]
    total = 0.0
    for corner in itertools.product(range(*reach), repeat=len(spatial)):
        weight, index = 1.0, []
        for at, k, n in zip(position, corner, spatial, strict=True):
            if mode == "nearest":
                i = round(at)
            else:
                i = math.floor(at) + k
                d = abs(at - i)
                if mode == "bilinear":
                    weight *= 1 - d
                else:
                    far = -0.75 * d**3 + 3.75 * d**2 - 6 * d + 3
                    weight *= 1.25 * d**3 - 2.25 * d**2 + 1 if d <= 1 else far if d < 2 else 0
                    i = int(fold_back(i, n))
            index.append(i)
        if all(0 <= i < n for i, n in zip(index, spatial, strict=True)):
            total += weight * plane[tuple(index)]
    return total


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(
    "mode,dims", [("bilinear", 2), ("nearest", 2), ("bicubic", 2), ("bilinear", 3), ("nearest", 3)]
)
def test_grid_sample(mode, dims, padding, align):
    spatial, out = (4, 5, 3)[:dims], (3, 2, 2)[:dims]
    x = RNG.standard_normal((2, 2, *spatial))
    grid = RNG.standard_normal((2, *out, dims)) * 1.3
    y = resample.grid_sample(x, grid, mode, padding, align)
    for n, c, *q in np.ndindex(2, 2, *out):
        want = slow_sample(x[n, c], grid[(n, *q)], mode, padding, align)
        assert y[(n, c, *q)] == pytest.approx(want, abs=1e-12)
    g = RNG.standard_normal(y.shape)
    grad_x, grad_grid = resample.grid_sample_grad(g, x, grid, mode, padding, align)
    assert (grad_x * x).sum() == pytest.approx((g * y).sum())
    step = 1e-6
    for at in [tuple(RNG.integers(0, n) for n in grid.shape) for _ in range(6)]:
        moved = [grid.copy(), grid.copy()]
        moved[0][at] += step
        moved[1][at] -= step
        up, down = (resample.grid_sample(x, m, mode, padding, align) for m in moved)
        assert grad_grid[at] == pytest.approx(((up - down) * g).sum() / (2 * step), abs=1e-6)


def test_affine_grid_of_the_identity():
    theta = np.eye(2, 3)[None]
    grid = resample.affine_grid(theta, (3, 4), False)
    x = RNG.standard_normal((1, 2, 3, 4))
    np.testing.assert_allclose(resample.grid_sample(x, grid), x, atol=1e-12)
    assert resample.affine_grid(theta, (3, 4), True)[0, -1, -1].tolist() == [1, 1]
    theta, g = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((2, 2, 3, 4, 3))
    for align in (False, True):
        forward = (resample.affine_grid(theta, (2, 3, 4), align) * g).sum()
        assert (resample.affine_grid_grad(g, align) * theta).sum() == pytest.approx(forward)


@pytest.mark.parametrize(
    "kernel,dilation,padding,stride", [((2, 3), (1, 1), (0, 0), (1, 1)), ((3, 2), (2, 1), (1, 2), (2, 3))]
)
def test_unfold_and_fold(kernel, dilation, padding, stride):
    x = RNG.standard_normal((2, 3, 9, 10))
    columns = resample.unfold(x, kernel, dilation, padding, stride)
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    rows = (9 + 2 * padding[0] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
    wide = (10 + 2 * padding[1] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
    assert columns.shape == (2, 3 * math.prod(kernel), rows * wide)
    for i, j in np.ndindex(rows, wide):
        r, c = i * stride[0], j * stride[1]
        high, across = (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1
        window = padded[:, :, r : r + high : dilation[0], c : c + across : dilation[1]]
        np.testing.assert_array_equal(columns[:, :, i * wide + j], window.reshape(2, -1))
    g = RNG.standard_normal(columns.shape)
    back = resample.fold(g, (9, 10), kernel, dilation, padding, stride)
    assert (back * x).sum() == pytest.approx((g * columns).sum())
