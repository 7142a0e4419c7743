"""The text of tensors: what PyTorch prints, word for word."""

import threading
from functools import partial

import numpy as np
import pytest

from rushlight._core.printing import (
    format_scalar,
    format_tensor,
    get_printoptions,
    printoptions,
    set_printoptions,
)


def make(dtype, values):
    return np.array(values).astype(dtype)


nan, inf = np.nan, np.inf
f16 = partial(make, "float16")
f32 = partial(make, "float32")
f64 = partial(make, "float64")
u8 = partial(make, "uint8")
i8 = partial(make, "int8")
i16 = partial(make, "int16")
i32 = partial(make, "int32")
i64 = partial(make, "int64")
u16 = partial(make, "uint16")
u32 = partial(make, "uint32")
u64 = partial(make, "uint64")
boolean = partial(make, "bool")
c64 = partial(make, "complex64")
c128 = partial(make, "complex128")

FLOATS = [  # One notation and one width for all, chosen from the finite nonzero numbers.
    (f32([1.00005, -2.5, 3]), {}, "tensor([ 1.0000, -2.5000,  3.0000])"),
    (f32([0.25, 100, -7.125]), {}, "tensor([  0.2500, 100.0000,  -7.1250])"),
    (f16([0.1, 2]), {}, "tensor([0.1000, 2.0000], dtype=torch.float16)"),
    (f16([0.1, 65504]), {}, "tensor([9.9976e-02, 6.5504e+04], dtype=torch.float16)"),
    (f64([0.1, 2]), {}, "tensor([0.1000, 2.0000], dtype=torch.float64)"),
    (f32([1, -20, 300]), {}, "tensor([  1., -20., 300.])"),
    (f32([1, nan, -inf]), {}, "tensor([1., nan, -inf])"),
    (f32([0, -0.0]), {}, "tensor([0., -0.])"),
    (f32([-0.0, 10]), {}, "tensor([-0., 10.])"),
    (f32([nan, inf]), {}, "tensor([nan, inf])"),
    (f32([nan, 1.5, -inf]), {}, "tensor([   nan, 1.5000,   -inf])"),
    (f32([0.001, 1]), {}, "tensor([0.0010, 1.0000])"),
    (f32([0.001, 1.5]), {}, "tensor([1.0000e-03, 1.5000e+00])"),
    (f32([1e8]), {}, "tensor([100000000.])"),
    (f32([1.1e8]), {}, "tensor([1.1000e+08])"),
    (f64([1e-4]), {}, "tensor([0.0001], dtype=torch.float64)"),
    (f32([9e-5]), {}, "tensor([9.0000e-05])"),
    (f64([1.7976931348623157e308, 5e-324]), {}, "tensor([1.7977e+308, 4.9407e-324], dtype=torch.float64)"),
    (f32([0.5, 123456.5]), {}, "tensor([5.0000e-01, 1.2346e+05])"),
    (f32(3.14159), {}, "tensor(3.1416)"),
    (f32(-0.0), {}, "tensor(-0.)"),
    (f64(1e-300), {}, "tensor(1.0000e-300, dtype=torch.float64)"),
]
OTHERS = [  # Integers, booleans and complex numbers.
    (u8([0, 255]), {}, "tensor([  0, 255], dtype=torch.uint8)"),
    (i8([-128, 0]), {}, "tensor([-128,    0], dtype=torch.int8)"),
    (i16(5), {}, "tensor(5, dtype=torch.int16)"),
    (i32([[1, 2], [30, 4]]), {}, ("tensor([[ 1,  2],\n        [30,  4]], dtype=torch.int32)")),
    (i64([-(2**63), 7]), {}, "tensor([-9223372036854775808,                    7])"),
    (u16([1]), {}, "tensor([1], dtype=torch.uint16)"),
    (u32([4294967295]), {}, "tensor([4294967295], dtype=torch.uint32)"),
    (u64([2**64 - 1]), {}, "tensor([18446744073709551615], dtype=torch.uint64)"),
    (boolean([True, False]), {}, "tensor([ True, False])"),
    (boolean(True), {}, "tensor(True)"),
    (c64([1.5 - 2j, -1, complex(0, -0.0)]), {}, "tensor([ 1.5000-2.j, -1.0000+0.j,  0.0000-0.j])"),
    (c128([1 + 1e10j]), {}, "tensor([1.+1.0000e+10j], dtype=torch.complex128)"),
    (c64(complex(nan, -inf)), {}, "tensor(nan-infj)"),
    (c64([[1 + 1j, 100 + 0.5j]]), {}, "tensor([[  1.+1.0000j, 100.+0.5000j]])"),
]
SHAPES = [  # Empty ones, several dimensions, and the corners of large ones.
    (f32(np.ones(0)), {}, "tensor([])"),
    (f32(np.ones((2, 0))), {}, "tensor([], size=(2, 0))"),
    (i64(np.ones(0)), {}, "tensor([], dtype=torch.int64)"),
    (f64(np.ones((0, 3))), {}, "tensor([], size=(0, 3), dtype=torch.float64)"),
    (
        f32(np.zeros((2, 1, 2, 2))),
        {},
        ("tensor([[[[0., 0.],\n          [0., 0.]]],\n\n\n        [[[0., 0.],\n          [0., 0.]]]])"),
    ),
    (
        i64(np.arange(30)),
        {},
        (
            "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
            "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"
        ),
    ),
    (i64(np.arange(2000)), {}, "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    (
        i64(np.arange(3000).reshape(1500, 2)),
        {},
        (
            "tensor([[   0,    1],\n"
            "        [   2,    3],\n"
            "        [   4,    5],\n"
            "        ...,\n"
            "        [2994, 2995],\n"
            "        [2996, 2997],\n"
            "        [2998, 2999]])"
        ),
    ),
    (
        f32(np.arange(1200).reshape(30, 40) / 8),
        {},
        (
            "tensor([[0.0000e+00, 1.2500e-01, 2.5000e-01,  ..., 4.6250e+00, 4.7500e+00,\n"
            "         4.8750e+00],\n"
            "        [5.0000e+00, 5.1250e+00, 5.2500e+00,  ..., 9.6250e+00, 9.7500e+00,\n"
            "         9.8750e+00],\n"
            "        [1.0000e+01, 1.0125e+01, 1.0250e+01,  ..., 1.4625e+01, 1.4750e+01,\n"
            "         1.4875e+01],\n"
            "        ...,\n"
            "        [1.3500e+02, 1.3512e+02, 1.3525e+02,  ..., 1.3962e+02, 1.3975e+02,\n"
            "         1.3988e+02],\n"
            "        [1.4000e+02, 1.4012e+02, 1.4025e+02,  ..., 1.4462e+02, 1.4475e+02,\n"
            "         1.4488e+02],\n"
            "        [1.4500e+02, 1.4512e+02, 1.4525e+02,  ..., 1.4962e+02, 1.4975e+02,\n"
            "         1.4988e+02]])"
        ),
    ),
]
OPTIONS = [  # Each option, alone and with others.
    (f32([1.5, 2]), {"sci_mode": True}, "tensor([1.5000e+00, 2.0000e+00])"),
    (f32([1e-10, 2e10]), {"sci_mode": False}, "tensor([          0.0000, 20000000000.0000])"),
    (f32([0]), {"sci_mode": True}, "tensor([0.])"),
    (f32([1.23456, 10]), {"precision": 2}, "tensor([ 1.23, 10.00])"),
    (f32([1.5]), {"precision": 0}, "tensor([2])"),
    (c64([1.5 + 2.25j]), {"precision": 1}, "tensor([1.5+2.2j])"),
    (
        i64(np.arange(24).reshape(2, 3, 4)),
        {"threshold": 5, "edgeitems": 1},
        (
            "tensor([[[ 0,  ...,  3],\n"
            "         ...,\n"
            "         [ 8,  ..., 11]],\n"
            "\n"
            "        [[12,  ..., 15],\n"
            "         ...,\n"
            "         [20,  ..., 23]]])"
        ),
    ),
    (i64(np.arange(7)), {"threshold": 5}, "tensor([0, 1, 2,  ..., 4, 5, 6])"),
    (i64(np.arange(6)), {"threshold": 5}, "tensor([0, 1, 2, 3, 4, 5])"),
    (i64(np.arange(6)), {"threshold": 5, "edgeitems": 2}, "tensor([0, 1,  ..., 4, 5])"),
    (i64(np.arange(2000)), {"profile": "short"}, "tensor([   0,    1,  ..., 1998, 1999])"),
    (f32([1.23456]), {"profile": "short", "precision": 3}, "tensor([1.235])"),
    (f32(np.ones((20, 200))), {"edgeitems": 0}, "tensor([...], size=(20, 200))"),
    (f32(np.ones(2)), {"edgeitems": 0}, "tensor([1., 1.], size=(2,))"),
    (f32(2), {"threshold": 0}, "tensor(2.)"),
    (
        i64(np.arange(12).reshape(2, 6)),
        {"linewidth": 20},
        ("tensor([[ 0,  1,  2,\n          3,  4,  5],\n        [ 6,  7,  8,\n          9, 10, 11]])"),
    ),
    (i64(np.arange(2)), {"linewidth": 1}, ("tensor([0,\n        1])")),
    (c64(np.arange(4) * (1 + 1j)), {"linewidth": 30}, ("tensor([0.+0.j, 1.+1.j, 2.+2.j,\n        3.+3.j])")),
]


@pytest.mark.parametrize(("array", "options", "expected"), [*FLOATS, *OTHERS, *SHAPES, *OPTIONS])
def test_text(array, options, expected):
    with printoptions(**options):
        assert format_tensor(array) == expected


def test_suffixes():
    x = np.linspace(0, 1, 8)
    row = "tensor([0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000]"
    grad_fn = "grad_fn=<MulBackward0>"
    assert format_tensor(f32(x), suffixes=[grad_fn]) == f"{row},\n       {grad_fn})"
    assert format_tensor(x, suffixes=[grad_fn]) == f"{row},\n       dtype=torch.float64, {grad_fn})"
    with printoptions(linewidth=40):  # a line holds what fits, two columns short of the width
        expected = f"tensor([1., 1.], dtype=torch.float64,\n       {grad_fn})"
        assert format_tensor(f64([1, 1]), suffixes=[grad_fn]) == expected
    expected = "tensor([[0., 0.],\n        [0., 0.]], requires_grad=True)"
    assert format_tensor(f32(np.zeros((2, 2))), suffixes=["requires_grad=True"]) == expected
    expected = "tensor(..., device='meta', size=(2,), dtype=torch.float64)"
    assert format_tensor(f64([1, 1]), leading=["device='meta'", "size=(2,)"], contents="...") == expected
    assert format_tensor(f64(1), suffixes=iter(["a=1", "b=2"])) == "tensor(1., dtype=torch.float64, a=1, b=2)"


def test_prefix_and_indent():
    assert format_tensor(i64(np.arange(4).reshape(2, 2)), prefix="Mine(") == "Mine([[0, 1],\n      [2, 3]])"
    text = format_tensor(i64(np.arange(4).reshape(2, 2)), indent=4)
    assert text == "tensor([[0, 1],\n            [2, 3]])"
    with printoptions(linewidth=30):
        assert format_tensor(f64([1]), indent=2) == "tensor([1.],\n         dtype=torch.float64)"
        assert format_tensor(f64([1])) == "tensor([1.],\n       dtype=torch.float64)"
    with printoptions(linewidth=34):
        assert format_tensor(f64([1])) == "tensor([1.], dtype=torch.float64)"
        assert format_tensor(f64([1]), indent=2) == "tensor([1.],\n         dtype=torch.float64)"


@pytest.mark.parametrize(
    ("default", "unnamed"),
    [
        ("float32", {"float32", "complex64", "int64", "bool"}),
        ("float64", {"float64", "complex128", "int64", "bool"}),
        ("float16", {"float16", "complex64", "int64", "bool"}),
    ],
)
def test_which_dtypes_are_named(default, unnamed):
    for dtype in [
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
        "uint8",
        "int32",
        "int64",
        "bool",
    ]:
        text = format_tensor(np.ones(1, dtype), default_dtype=np.dtype(default))
        assert (f"dtype=torch.{dtype}" in text) is (dtype not in unnamed)
        text = format_tensor(np.ones(0, dtype), default_dtype=np.dtype(default))
        assert (f"dtype=torch.{dtype}" in text) is (dtype != default)


def test_strides_and_scalars_of_numpy():
    assert (
        format_tensor(i64(np.arange(6).reshape(2, 3)).T[::-1]) == "tensor([[2, 5],\n        [1, 4],\n        [0, 3]])"
    )
    assert format_tensor(np.float32(1.5)) == "tensor(1.5000)"
    assert format_tensor(np.broadcast_to(f32(2), (10**6, 10**6))[:, :2]).startswith("tensor([[2., 2.],\n")


def test_only_the_corners_are_read():
    """A terabyte that is a view of one number prints at once: nothing but what is shown is touched."""
    assert format_tensor(np.broadcast_to(f32(2), (10**6, 10**6))).count("2.") == 36


def test_set_and_get():
    default = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
    assert get_printoptions() == default
    try:
        set_printoptions(precision=2, sci_mode=True)
        assert get_printoptions() == default | {"precision": 2, "sci_mode": True}
        set_printoptions(edgeitems=5)  # sci_mode is the one option that each call sets
        assert get_printoptions() == default | {"precision": 2, "edgeitems": 5}
        set_printoptions(profile="full", linewidth=100)
        assert get_printoptions() == default | {"threshold": inf, "linewidth": 100}
        set_printoptions(profile="short")
        assert get_printoptions() == default | {"precision": 2, "edgeitems": 2}
        set_printoptions(**default)
        assert get_printoptions() == default
    finally:
        set_printoptions(profile="default")


def test_context_manager():
    before = get_printoptions()
    with pytest.raises(KeyError), printoptions(precision=1, sci_mode=False):
        assert get_printoptions() == before | {"precision": 1, "sci_mode": False}
        seen = []
        thread = threading.Thread(target=lambda: seen.append(get_printoptions()["precision"]))
        thread.start()
        thread.join()
        assert seen == [1]  # as in PyTorch, of the whole process
        raise KeyError
    assert get_printoptions() == before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"precision": 2.5}, TypeError, "precision must be an integer, got 2.5 .float."),
        ({"precision": -1}, ValueError, "precision must not be negative, got -1"),
        ({"edgeitems": -1}, ValueError, "edgeitems must not be negative, got -1"),
        ({"edgeitems": "3"}, TypeError, "edgeitems must be an integer, got '3'"),
        ({"threshold": "many"}, TypeError, "threshold must be a number, got 'many'"),
        ({"threshold": nan}, ValueError, "threshold must be a number, got nan"),
        ({"linewidth": inf}, ValueError, "linewidth must be finite"),
        ({"profile": "long"}, ValueError, "profile must be one of default, short, full, got 'long'"),
        ({"width": 3}, TypeError, "unexpected keyword argument 'width'"),
    ],
)
def test_bad_options_change_nothing(options, error, message):
    before = get_printoptions()
    with pytest.raises(error, match=message):
        set_printoptions(**({"precision": 9} | options))
    with pytest.raises(error, match=message), printoptions(**options):
        pass
    assert get_printoptions() == before


def test_scalars():
    assert format_scalar(f32(1.5), ".3f") == "1.500"
    assert format_scalar(f32(1.5), "") == "1.5"
    assert format_scalar(f32(0.1), "") == "0.10000000149011612"
    assert format_scalar(i64(7), ">4d") == "   7"
    assert format_scalar(boolean(True), "") == "True"
    assert format_scalar(c64(1 + 2j), ".1f") == "1.0+2.0j"
    with pytest.raises(ValueError, match="Unknown format code 'd' for object of type 'float'"):
        format_scalar(f32(1.5), "d")
    with pytest.raises(TypeError, match=r"^unsupported format string passed to Tensor.__format__$"):
        format_scalar(f32([1.5]), ".2f")
