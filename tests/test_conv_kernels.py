"""The convolution kernels against their definition written as loops."""

import itertools

import numpy as np
import pytest

from rushlight._kernels import conv


def padded(x, pads, stride, dilation, taps, out):
    """x with zeros before and enough of them after; negative padding cuts."""
    for axis, (before, _) in enumerate(pads, 2):
        need = (out[axis - 2] - 1) * stride[axis - 2] + dilation[axis - 2] * (taps[axis - 2] - 1) + 1
        x = np.moveaxis(x, axis, 0)
        x = x[-before:] if before < 0 else np.concatenate([np.zeros((before, *x.shape[1:]), x.dtype), x])
        x = np.concatenate([x, np.zeros((max(need - len(x), 0), *x.shape[1:]), x.dtype)])
        x = np.moveaxis(x, 0, axis)
    return x


def slow_forward(x, w, stride, pads, dilation, groups):
    taps = w.shape[2:]
    out = conv.conv_output_shape(x.shape[2:], taps, stride, pads, dilation)
    y = np.zeros((x.shape[0], w.shape[0], *out), np.result_type(x, w))
    xp = padded(x, pads, stride, dilation, taps, out)
    per_out, per_in = w.shape[0] // groups, w.shape[1]
    for o in range(w.shape[0]):
        first = o // per_out * per_in
        for q in np.ndindex(*out):
            for k in np.ndindex(*taps):
                at = tuple(a * s + b * d for a, s, b, d in zip(q, stride, k, dilation, strict=True))
                where = (slice(None), slice(first, first + per_in), *at)
                y[(slice(None), o, *q)] += xp[where] @ w[(o, slice(None), *k)]
    return y


CASES = [
    # batch, groups, in/group, out/group, spatial, taps, stride, pads, dilation
    (2, 1, 3, 4, (7,), (3,), (1,), ((0, 0),), (1,)),
    (2, 2, 2, 3, (9,), (4,), (2,), ((2, 1),), (1,)),
    (1, 1, 1, 2, (11,), (3,), (3,), ((1, 1),), (2,)),
    (2, 1, 2, 3, (5, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    (9, 1, 2, 3, (5, 6), (3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1)),
    (9, 2, 2, 2, (8, 7), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)),
    (3, 4, 1, 1, (6, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    (3, 3, 1, 2, (7, 6), (3, 2), (2, 1), ((1, 1), (0, 0)), (1, 2)),
    (2, 1, 3, 2, (8, 9), (3, 3), (2, 3), ((2, 2), (1, 1)), (2, 1)),
    (2, 1, 3, 2, (9, 9), (2, 3), (4, 3), ((0, 0), (1, 1)), (2, 2)),
    (2, 1, 3, 2, (10, 10), (5, 5), (5, 5), ((0, 0), (0, 0)), (1, 1)),
    (2, 1, 3, 2, (11, 12), (5, 5), (5, 6), ((1, 1), (2, 2)), (1, 1)),
    (2, 1, 3, 4, (5, 5), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    (2, 2, 3, 4, (5, 5), (1, 1), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    (2, 1, 3, 4, (5, 5), (1, 1), (1, 1), ((1, 1), (2, 2)), (1, 1)),
    (2, 1, 2, 2, (8, 8), (3, 3), (1, 1), ((-1, 1), (2, -1)), (1, 1)),
    (1, 1, 2, 2, (4, 5, 3), (2, 3, 2), (1, 2, 1), ((1, 1), (1, 1), (0, 0)), (1, 1, 1)),
    (2, 2, 1, 1, (4, 4, 4), (2, 2, 2), (2, 2, 2), ((0, 0), (1, 1), (0, 1)), (1, 1, 2)),
    (0, 1, 2, 3, (4, 4), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    (2, 1, 0, 3, (4, 4), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
]


def arrays(case, dtype, seed=0):
    n, groups, cin, cout, spatial, taps, *_ = case
    rng = np.random.default_rng(seed)

    def draw(*shape):
        a = rng.integers(-4, 5, shape).astype(dtype)
        return a + 1j * rng.integers(-4, 5, shape).astype(dtype) if np.dtype(dtype).kind == "c" else a

    return draw(n, groups * cin, *spatial), draw(groups * cout, cin, *taps), draw


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128, np.float16, np.int64, np.uint8])
def test_three_faces(case, dtype):
    groups, (stride, pads, dilation) = case[1], case[6:]
    x, w, draw = arrays(case, dtype)
    with np.errstate(over="ignore"):
        y = slow_forward(x, w, stride, pads, dilation, groups)
        got = conv.conv_forward(x, w, stride, pads, dilation, groups)
        assert got.dtype == x.dtype and got.shape == y.shape
        np.testing.assert_array_equal(got, y)  # small integers: exact in every dtype
        g = draw(*y.shape)
        gx = conv.conv_grad_input(g, w, x.shape, stride, pads, dilation, groups)
        gw = conv.conv_grad_weight(g, x, w.shape, stride, pads, dilation, groups)
        assert gx.dtype == gw.dtype == x.dtype and gx.shape == x.shape and gw.shape == w.shape
    # <g, A x> is the same number three times (in a wide dtype; half and small integers would round or wrap)
    if dtype in (np.float64, np.complex128, np.int64):
        assert (g * y).sum() == (gx * x).sum() == (gw * w).sum()


@pytest.mark.parametrize("case", CASES[:18])
def test_transposes_element_by_element(case):
    groups, (stride, pads, dilation) = case[1], case[6:]
    x, w, draw = arrays(case, np.float64)
    y = conv.conv_forward(x, w, stride, pads, dilation, groups)
    g = draw(*y.shape)
    rng = np.random.default_rng(1)
    gx = conv.conv_grad_input(g, w, x.shape, stride, pads, dilation, groups)
    gw = conv.conv_grad_weight(g, x, w.shape, stride, pads, dilation, groups)
    for _ in range(8):
        at = tuple(rng.integers(0, n) for n in x.shape)
        e = np.zeros_like(x)
        e[at] = 1
        assert (conv.conv_forward(e, w, stride, pads, dilation, groups) * g).sum() == gx[at]
        at = tuple(rng.integers(0, n) for n in w.shape)
        e = np.zeros_like(w)
        e[at] = 1
        assert (conv.conv_forward(x, e, stride, pads, dilation, groups) * g).sum() == gw[at]


@pytest.mark.parametrize("order", list(itertools.product([0, 1], repeat=2)))
def test_strided_arguments(order):
    rng = np.random.default_rng(0)
    x, w = rng.integers(-3, 4, (2, 3, 6, 5)).astype(float), rng.integers(-3, 4, (4, 3, 3, 3)).astype(float)
    g = rng.integers(-3, 4, (2, 4, 6, 5)).astype(float)
    want = [
        conv.conv_forward(x, w, 1, 1),
        conv.conv_grad_input(g, w, x.shape, 1, 1),
        conv.conv_grad_weight(g, x, w.shape, 1, 1),
    ]
    if order[0]:
        x, g = np.asfortranarray(x), np.asfortranarray(g)
    if order[1]:
        w = np.asfortranarray(w)[::-1][::-1]
    got = [
        conv.conv_forward(x, w, 1, 1),
        conv.conv_grad_input(g, w, x.shape, 1, 1),
        conv.conv_grad_weight(g, x, w.shape, 1, 1),
    ]
    for a, b in zip(want, got, strict=True):
        np.testing.assert_array_equal(a, b)


def test_output_shape_may_read_past_the_end():
    x, w = np.ones((1, 1, 4)), np.ones((1, 1, 3))
    assert conv.conv_forward(x, w, output_shape=(5,)).tolist() == [[[3, 3, 2, 1, 0]]]
    # a transposed convolution with output_padding beyond the stride: its transpose has a longer natural shape
    shape = conv.conv_transpose_output_shape((3,), (2,), 1, 0, 1, 2)
    assert shape == (6,)
    g = np.ones((1, 1, 3))
    t = conv.conv_grad_input(g, np.ones((1, 1, 2)), (1, 1, *shape), 1, 0, 2)
    assert t.tolist() == [[[1, 1, 2, 1, 1, 0]]]
    back = conv.conv_forward(t, np.ones((1, 1, 2)), 1, 0, 2, output_shape=(3,))
    assert back.shape == g.shape


@pytest.mark.parametrize("budget", [1, 5000, 1 << 22])
@pytest.mark.parametrize("kernel,stride", [(3, 1), (3, 2), (5, 5)])
def test_chunks_of_any_size_give_the_same(monkeypatch, budget, kernel, stride):
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (11, 4, 12, 11)).astype(np.float32)
    w = rng.integers(-3, 4, (6, 2, kernel, kernel)).astype(np.float32)
    want = slow_forward(x, w, (stride, stride), ((1, 1), (1, 1)), (1, 1), 2)
    monkeypatch.setattr(conv, "COLUMN_BYTES", budget)
    monkeypatch.setattr(conv, "BAND_BYTES", budget)
    y = conv.conv_forward(x, w, stride, 1, 1, 2)
    np.testing.assert_array_equal(y, want)
    gx = conv.conv_grad_input(y, w, x.shape, stride, 1, 1, 2)
    gw = conv.conv_grad_weight(y, x, w.shape, stride, 1, 1, 2)
    y, gx, x, gw, w = (a.astype(float) for a in (y, gx, x, gw, w))
    assert (gx * x).sum() == (y * y).sum() == (gw * w).sum()


@pytest.mark.parametrize("case", [c for c in CASES if set(c[6]) == {1} and c[0] and c[2]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loops_without_columns(case, dtype, monkeypatch):
    """The text of the compiled loops, run as plain Python, gives what BLAS gives."""
    groups, (stride, pads, dilation) = case[1], case[6:]
    x, w, draw = arrays(case, dtype)
    want = slow_forward(x, w, stride, pads, dilation, groups)
    got = np.full(want.shape, np.nan, dtype)
    for name in ("_flat_correlate", "_flat_grad_weight"):
        monkeypatch.setattr(conv, name, getattr(conv, name).plain(dtype == np.float64))
    before = tuple(p[0] for p in pads)
    conv._thin_correlate(x, w, got, before, dilation, groups)
    np.testing.assert_array_equal(got, want)
    g = draw(*want.shape)
    got = np.zeros(w.shape, dtype)
    conv._thin_grad_weight(g, x, got, before, dilation, groups)
    np.testing.assert_array_equal(got, conv.conv_grad_weight(g, x, w.shape, stride, pads, dilation, groups))


@pytest.mark.parametrize(
    ("groups", "channels", "outputs", "spatial", "batch"),
    [
        (1, 6, 6, (40, 70), 5),
        (6, 6, 6, (40, 70), 5),
        (1, 40, 5, (9, 8), 19),
        (2, 4, 26, (24, 5), 3),
        (1, 1, 2, (3, 4), 70),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numba_and_numpy_agree(monkeypatch, groups, channels, outputs, spatial, batch, dtype):
    """Rows shorter and longer than a tile, pictures put together, taps in several parts, outputs that fill no tile."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, channels, *spatial)).astype(dtype)
    w = rng.standard_normal((outputs, channels // groups, 3, 5)).astype(dtype)
    results = []
    for allowed in (False, True):
        monkeypatch.setattr(conv, "use_numba", lambda elements, allowed=allowed: allowed)
        y = conv.conv_forward(x, w, 1, (1, 2), 1, groups)
        results.append(
            (
                y,
                conv.conv_grad_input(y, w, x.shape, 1, (1, 2), 1, groups),
                conv.conv_grad_weight(y, x, w.shape, 1, (1, 2), 1, groups),
            )
        )
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4 * np.abs(a).max())
