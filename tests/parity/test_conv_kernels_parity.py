"""Convolution, pooling and resampling kernels give what PyTorch gives, gradients included."""

import itertools

import numpy as np
import pytest

from rushlight._kernels import conv, pool, resample

torch = pytest.importorskip("torch")
F = torch.nn.functional
RNG = np.random.default_rng(0)
TOLERANCE = {"f2": 2e-3, "f4": 2e-5, "f8": 1e-9, "c8": 2e-5, "c16": 1e-9, "i8": 0, "i4": 0, "u1": 0}


def draw(dtype, *shape):
    if dtype[0] in "iu":
        return RNG.integers(0 if dtype[0] == "u" else -5, 6, shape).astype(dtype)
    a = RNG.standard_normal(shape)
    return (a + 1j * RNG.standard_normal(shape) if dtype[0] == "c" else a).astype(dtype)


def same(ours, theirs, dtype):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    tolerance = TOLERANCE[dtype]
    scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=1) if tolerance else 1
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


def leaf(a, requires_grad=True):
    return torch.from_numpy(a.copy()).requires_grad_(requires_grad and a.dtype.kind in "fc")


CONVOLUTIONS = [
    # spatial, kernel, stride, padding, dilation, groups
    ((9,), (3,), 1, 1, 1, 1),
    ((12,), (4,), 3, 2, 2, 2),
    ((8, 9), (3, 3), 1, 1, 1, 1),
    ((8, 9), (3, 3), 1, 1, 1, 4),
    ((8, 9), (3, 2), (2, 1), (1, 0), (1, 2), 2),
    ((11, 10), (5, 5), 5, 0, 1, 1),
    ((7, 7), (1, 1), 2, 0, 1, 1),
    ((5, 6, 7), (2, 3, 3), (1, 2, 1), (0, 1, 1), 1, 2),
]


@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16", "i8", "u1"])
def test_convolution(case, dtype):
    spatial, kernel, stride, padding, dilation, groups = case
    if dtype == "u1" and dilation != 1:
        pytest.skip("PyTorch has no dilated convolution of bytes")
    x, w = draw(dtype, 3, 4, *spatial), draw(dtype, 8, 4 // groups, *kernel)
    f = (F.conv1d, F.conv2d, F.conv3d)[len(spatial) - 1]
    tx, tw = leaf(x), leaf(w)
    y = f(tx, tw, None, stride, padding, dilation, groups)
    rest = (stride, padding, dilation, groups)
    same(conv.conv_forward(x, w, *rest), y, dtype)
    if y.requires_grad:
        g = draw(dtype, *y.shape)
        y.backward(torch.from_numpy(g))
        same(conv.conv_grad_input(g, w.conj(), x.shape, *rest), tx.grad, dtype)
        same(conv.conv_grad_weight(g, x.conj(), w.shape, *rest), tw.grad, dtype)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("stride,padding,extra,dilation,groups", [(1, 0, 0, 1, 1), (2, 1, 1, 1, 2), (3, 2, 2, 2, 1)])
def test_transposed_convolution(dims, stride, padding, extra, dilation, groups):
    x, w = draw("f8", 2, 4, *(5, 4, 3)[:dims]), draw("f8", 4, 3, *(3, 2, 4)[:dims])
    f = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
    tx, tw = leaf(x), leaf(w)
    y = f(tx, tw, None, stride, padding, extra, groups, dilation)
    out = conv.conv_transpose_output_shape(x.shape[2:], w.shape[2:], stride, padding, extra, dilation)
    rest = (stride, padding, dilation, groups)
    same(conv.conv_grad_input(x, w, (2, 3 * groups, *out), *rest), y, "f8")
    g = draw("f8", *y.shape)
    y.backward(torch.from_numpy(g))
    same(conv.conv_forward(g, w, *rest, output_shape=x.shape[2:]), tx.grad, "f8")
    same(conv.conv_grad_weight(x, g, w.shape, *rest), tw.grad, "f8")


MAXIMA = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
MEANS = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
ADAPTIVE_MAXIMA = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
ADAPTIVE_MEANS = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)


@pytest.fixture(params=[False, True], ids=["numpy", "numba"])
def path(request, monkeypatch):
    if request.param:
        pytest.importorskip("numba")
    monkeypatch.setattr(pool, "use_numba", lambda elements: request.param)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["f4", "f2", "i8", "ties", "nan", "inf"])
def test_max_pool(dims, kind, path):
    spatial = (9, 8, 7)[:dims]
    options = itertools.product((2, 3), (None, 1, 2, 3), (0, 1), (1, 2), (False, True))
    for kernel, stride, padding, dilation, ceil in options:
        dtype = kind if kind in TOLERANCE else "f4"
        x = draw(dtype, 2, 3, *spatial)
        if kind == "ties":
            x = np.rint(x)
        elif kind in ("nan", "inf"):
            x[RNG.random(x.shape) < 0.4] = np.nan if kind == "nan" else -np.inf
        args = (kernel, stride, padding, dilation, ceil)
        t = leaf(x, kind in ("f4", "ties"))
        y, i = MAXIMA[dims - 1](t, *args, return_indices=True)
        values, indices = pool.max_pool(x, *args)
        same(values, y, dtype)
        np.testing.assert_array_equal(indices, i.numpy())
        if t.requires_grad:
            g = draw("f4", *y.shape)
            y.backward(torch.from_numpy(g))
            same(pool.scatter_planes(g, indices, spatial), t.grad, "f4")


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_avg_pool(dims, dtype):
    spatial = (9, 8, 7)[:dims]
    options = itertools.product((2, 3), (None, 1, 2, 3), (0, 1), (False, True), (False, True), (None, 3))
    for kernel, stride, padding, ceil, include, divisor in options:
        if dims == 1 and divisor:
            continue
        more = {} if dims == 1 else {"divisor_override": divisor}
        x = draw(dtype, 2, 3, *spatial)
        t = leaf(x)
        y = MEANS[dims - 1](t, kernel, stride, padding, ceil, include, **more)
        rest = (kernel, stride, padding, ceil, include, divisor)
        same(pool.avg_pool(x, *rest), y, dtype)
        if t.requires_grad:
            g = draw(dtype, *y.shape)
            y.backward(torch.from_numpy(g))
            same(pool.avg_pool_grad(g, spatial, *rest), t.grad, dtype)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("out", [1, 3, 5, 12])
def test_adaptive_pools(dims, out, path):
    x = draw("f4", 2, 3, *(9, 8, 7)[:dims])
    t = leaf(x)
    y = ADAPTIVE_MEANS[dims - 1](t, out)
    same(pool.adaptive_avg_pool(x, (out,) * dims), y, "f4")
    g = draw("f4", *y.shape)
    y.backward(torch.from_numpy(g))
    same(pool.adaptive_avg_pool_grad(g, x.shape[2:]), t.grad, "f4")
    y, i = ADAPTIVE_MAXIMA[dims - 1](t, out, True)
    values, indices = pool.adaptive_max_pool(x, (out,) * dims)
    same(values, y, "f4")
    np.testing.assert_array_equal(indices, i.numpy())


@pytest.mark.parametrize("dims,out,kernel,dtype", [*itertools.product((2, 3), (1, 3, 5), (2, 3), ("f4", "f8"))])
def test_fractional_max_pool(dims, out, kernel, dtype):
    x, samples = draw(dtype, 2, 3, *(9, 8, 11)[:dims]), RNG.random((2, 3, dims)).astype(dtype)
    f = F.fractional_max_pool2d if dims == 2 else F.fractional_max_pool3d
    more = {"output_size": out, "return_indices": True, "_random_samples": torch.from_numpy(samples)}
    y, i = f(torch.from_numpy(x), kernel, **more)
    values, indices = pool.fractional_max_pool(x, kernel, (out,) * dims, samples)
    same(values, y, dtype)
    np.testing.assert_array_equal(indices, i.numpy())


def test_max_unpool():
    values, indices = pool.max_pool(draw("f4", 2, 3, 8, 6), 2)
    y = F.max_unpool2d(torch.from_numpy(values), torch.from_numpy(indices), 2)
    same(pool.max_unpool(values, indices, (8, 6)), y, "f4")
    for dims, f in ((1, F.max_unpool1d), (2, F.max_unpool2d), (3, F.max_unpool3d)):
        one, far = np.ones((1, 1, *(1,) * dims)), np.full((1, 1, *(1,) * dims), 100)
        with pytest.raises(RuntimeError) as theirs:
            f(torch.from_numpy(one), torch.from_numpy(far), 2)
        with pytest.raises(RuntimeError) as ours:
            pool.max_unpool(one, far, (2,) * dims)
        assert str(ours.value) == str(theirs.value)


MODES = [
    *((1, m) for m in ("nearest", "nearest-exact", "linear", "area")),
    *((2, m) for m in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")),
    *((3, m) for m in ("nearest", "nearest-exact", "trilinear", "area")),
]


@pytest.mark.parametrize("dims,mode", MODES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_interpolate(dims, mode, dtype):
    spatial = (7, 5, 6)[:dims]
    specs = [
        {"size": (3, 9, 4)[:dims]},
        {"size": (1,) * dims},
        {"size": (14, 10, 12)[:dims]},
        {"size": spatial},
        {"scale_factor": 2.3},
        {"scale_factor": 0.6},
        {"scale_factor": 1.7, "recompute_scale_factor": True},
    ]
    aligns = (False, True) if "linear" in mode or mode == "bicubic" else (None,)
    smooth = (False, True) if mode in ("bilinear", "bicubic") else (False,)
    for spec, align, antialias in itertools.product(specs, aligns, smooth):
        x = draw(dtype, 2, 3, *spatial)
        t = leaf(x)
        y = F.interpolate(t, mode=mode, align_corners=align, antialias=antialias, **spec)
        size, scales = resample.interpolate_size(
            spatial, spec.get("size"), spec.get("scale_factor"), spec.get("recompute_scale_factor")
        )
        rest = (mode, bool(align), scales, antialias)
        same(resample.interpolate(x, size, *rest), y, dtype)
        g = draw(dtype, *y.shape)
        y.backward(torch.from_numpy(g))
        same(resample.interpolate_grad(g, spatial, *rest), t.grad, dtype)


def test_nearest_rounds_as_single_precision_does():
    for mode, old, new in itertools.product(("nearest", "nearest-exact"), (5, 7, 56, 333), (*range(1, 40), 333, 1000)):
        x = np.arange(old, dtype="f4")[None, None]
        same(
            resample.interpolate(x, (new,), mode),
            F.interpolate(torch.from_numpy(x), size=new, mode=mode),
            "f4",
        )


@pytest.mark.parametrize(
    "mode,antialias", [("nearest", False), *itertools.product(("bilinear", "bicubic"), (False, True))]
)
@pytest.mark.parametrize("size", [(7, 30), (13, 5), (26, 17)])
def test_bytes_are_the_same_to_the_bit(mode, antialias, size):
    x = RNG.integers(0, 256, (2, 3, 13, 17)).astype("u1")
    y = F.interpolate(torch.from_numpy(x), size=size, mode=mode, antialias=antialias)
    np.testing.assert_array_equal(resample.interpolate(x, size, mode, antialias=antialias), y.numpy())


@pytest.mark.parametrize("padding,align", [*itertools.product(("zeros", "border", "reflection"), (False, True))])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "mode,dims", [("bilinear", 2), ("nearest", 2), ("bicubic", 2), ("bilinear", 3), ("nearest", 3)]
)
def test_grid_sample(mode, dims, padding, align, dtype):
    x = draw(dtype, 2, 3, *(5, 6, 4)[:dims])
    grid = (draw(dtype, 2, *(7, 3, 5)[:dims], dims) * 1.2).astype(dtype)
    tx, tg = leaf(x), leaf(grid)
    y = F.grid_sample(tx, tg, mode, padding, align)
    same(resample.grid_sample(x, grid, mode, padding, align), y, dtype)
    g = draw(dtype, *y.shape)
    y.backward(torch.from_numpy(g))
    grad_x, grad_grid = resample.grid_sample_grad(g, x, grid, mode, padding, align)
    same(grad_x, tx.grad, dtype)
    same(grad_grid, tg.grad, dtype)


@pytest.mark.parametrize("size,align", [*itertools.product(((2, 3, 4, 5), (2, 3, 2, 3, 4)), (False, True))])
def test_affine_grid(size, align):
    theta = draw("f8", 2, len(size) - 2, len(size) - 1)
    t = leaf(theta)
    y = F.affine_grid(t, size, align)
    same(resample.affine_grid(theta, size[2:], align), y, "f8")
    g = draw("f8", *y.shape)
    y.backward(torch.from_numpy(g))
    same(resample.affine_grid_grad(g, align), t.grad, "f8")


@pytest.mark.parametrize("args", [((2, 3), (1, 1), (0, 0), (1, 1)), ((3, 2), (2, 1), (1, 2), (2, 3))])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8"])
def test_unfold_and_fold(args, dtype):
    x = draw(dtype, 2, 3, 9, 10)
    columns = resample.unfold(x, *args)
    same(columns, F.unfold(torch.from_numpy(x), *args), dtype)
    same(resample.fold(columns, (9, 10), *args), F.fold(torch.from_numpy(columns), (9, 10), *args), dtype)
