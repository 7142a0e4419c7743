"""The text of random tensors against torch: shapes, dtypes, magnitudes and options at random."""

import random
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", exc_type=ImportError)

from rushlight._core.printing import format_scalar, format_tensor, get_printoptions, printoptions  # noqa: E402

FLOATS = ["float16", "float32", "float64"]
COMPLEXES = ["complex64", "complex128"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"]
SPECIAL = [
    0.0,
    -0.0,
    np.nan,
    np.inf,
    -np.inf,
    1.0,
    -1.0,
    0.5,
    1e-4,
    9.9999e-5,
    1e8,
    1.00001e8,
    1000.0,
    0.99995,
]


def reals(rng, count, dtype):
    """Floating numbers of one of the kinds between which the choice of a notation is made."""
    values = rng.standard_normal(count)
    kind = rng.integers(8)
    with np.errstate(all="ignore"):
        if kind == 1:
            values = values * 10.0 ** rng.integers(-12, 12)
        elif kind == 2:
            values = values * 10.0 ** rng.integers(-6, 6, count)
        elif kind == 3:
            values = np.round(values * 10.0 ** rng.integers(0, 6))
        elif kind == 4:
            values = np.exp(values * rng.choice([1.0, 3.0, 100.0, 300.0]))
        elif kind == 5:
            values = np.full(count, rng.choice(SPECIAL))
        elif kind == 6:  # halves of the last digit shown: the rounding decides
            values = np.round(values * 1e4) / 1e4 + 0.5e-4
        if rng.random() < 0.5:
            values = np.where(rng.random(count) < rng.random(), rng.choice(SPECIAL, count), values)
        if rng.random() < 0.05:
            info = np.finfo(dtype)
            ends = [info.max, info.min, info.tiny, info.smallest_subnormal, info.eps]
            values = np.where(rng.random(count) < 0.3, rng.choice(np.array(ends, "float64"), count), values)
        return values.astype(dtype)


def sample(rng, dtype):
    """An array of a random shape; one in six is large enough to be summarised."""
    ndim = int(rng.choice([0, 1, 1, 2, 2, 3, 4, 5]))
    if ndim and rng.random() < 1 / 6:
        most = {1: 3000, 2: 80, 3: 20, 4: 9, 5: 6}[ndim]
    else:
        most = {0: 1, 1: 40, 2: 9, 3: 5, 4: 4, 5: 3}[ndim]
    shape = tuple(int(n) for n in rng.integers(0 if rng.random() < 0.1 else 1, most + 1, ndim))
    count = int(np.prod(shape))
    if dtype == "bool":
        values = rng.random(count) < rng.choice([0.0, 0.5, 1.0])
    elif dtype in INTEGERS:
        info = np.iinfo(dtype)
        span = int(rng.choice([2, 10, 1000, 2**62]))
        low, high = max(info.min, -span), min(info.max, span)
        values = rng.integers(low, high, count, dtype=dtype, endpoint=True)
    elif dtype in FLOATS:
        values = reals(rng, count, dtype)
    else:
        part = "float32" if dtype == "complex64" else "float64"
        values = np.empty(count, dtype)
        values.real, values.imag = reals(rng, count, part), reals(rng, count, part)
    array = values.reshape(shape)
    if ndim > 1 and rng.random() < 0.2:
        array = array.swapaxes(0, -1)
    return array


def options(rng):
    chosen = {}
    if rng.random() < 0.5:
        for name, values in {
            "precision": [0, 1, 2, 4, 8, 17],
            "threshold": [0, 1, 5, 30, 1000, float("inf")],
            "edgeitems": [0, 1, 2, 3, 5],
            "linewidth": [1, 20, 50, 80, 79, 120, 200, 60.5],
            "profile": ["default", "short", "full"],
            "sci_mode": [True, False, None],
        }.items():
            if rng.random() < 0.4:
                chosen[name] = values[rng.integers(len(values))]
        if chosen.get("profile") == "full" or chosen.get("threshold") == float("inf"):
            chosen["threshold"] = 400  # torch takes a second for a thousand elements of some shapes
    return chosen


def text_by_torch(array, suffix, default):
    tensor = torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape).copy())
    if suffix == "requires_grad=True":
        tensor.requires_grad_()
    elif suffix is not None:
        tensor = tensor.requires_grad_().clone()
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, default))
    try:
        return repr(tensor)
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("seed", range(40))
def test_random_tensors(seed):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        dtype = str(rng.choice([*FLOATS * 4, *COMPLEXES * 2, *INTEGERS, "bool"]))
        array, chosen = sample(rng, dtype), options(rng)
        default = str(rng.choice(["float32", "float32", "float64", "float16"]))
        suffix = None
        if array.dtype.kind in "fc":
            suffix = rng.choice([None, "requires_grad=True", "grad_fn=<CloneBackward0>"])
        with printoptions(**chosen), torch._tensor_str.printoptions(**chosen):
            expected = text_by_torch(array, suffix, default)
            suffixes = [] if suffix is None else [suffix]
            got = format_tensor(array, suffixes=suffixes, default_dtype=np.dtype(default))
            assert got == expected, (dtype, array.shape, chosen, default)


def test_options_move_alike():
    rng = random.Random(0)
    steps = [
        {"precision": 2},
        {"sci_mode": True},
        {"profile": "short"},
        {"profile": "full", "edgeitems": 7},
        {"threshold": 10, "linewidth": 100},
        {},
        {"profile": "default"},
    ]
    with printoptions(), torch._tensor_str.printoptions():
        for _ in range(50):
            step = rng.choice(steps)
            with printoptions(**step), torch._tensor_str.printoptions(**step):
                assert get_printoptions() == torch._tensor_str.get_printoptions()
            assert get_printoptions() == torch._tensor_str.get_printoptions()


def test_leading_suffixes_and_contents():
    for shape in [(2,), (), (0,), (2, 0), (2, 3)]:
        tensor = torch.empty(shape, device="meta", dtype=torch.float64)
        expected = repr(tensor)
        leading = ["device='meta'", f"size={shape}"]
        if 0 in shape and len(shape) != 1:
            leading.pop()  # the size is named by the empty shape itself
        got = format_tensor(np.empty(shape), leading=leading, contents="...")
        assert got == expected
    x = torch.ones(4, dtype=torch.float64, requires_grad=True)
    assert format_tensor(x.detach().numpy(), contents="[four]", suffixes=["requires_grad=True"]) == x.__repr__(
        tensor_contents="[four]"
    )


def test_scalars():
    specs = ["", ".2f", "d", ">12", "e", "+", "08.3f", "x", "s", "%", ",", "!"]
    for value in [1.5, -0.0, float("nan"), True, 7, 1 + 2j]:
        for dtype in ["float16", "float32", "float64", "int32", "bool", "complex64"]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    array = np.array(value).astype(dtype)
                except (TypeError, ValueError):
                    continue
            for spec in specs:
                tensor = torch.from_numpy(array)
                assert outcome(format_scalar, array, spec) == outcome(format, tensor, spec), (array, spec)
    assert outcome(format_scalar, np.ones(2), ".2f") == outcome(format, torch.ones(2), ".2f")


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return type(error), str(error)
