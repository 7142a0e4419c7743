"""Promotion against torch: all pairs of dtypes, in all ranks of operands, under all default dtypes."""

import itertools
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", exc_type=ImportError)

from rushlight._core import promote  # noqa: E402
from rushlight._core.promote import can_cast, promote_names, promote_types, result_dtype  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
DEFAULTS = ["float16", "float32", "float64"]
NUMBERS = [True, 3, 2.5, 1j]
OURS = sorted(promote._NAMES.values())


@pytest.fixture(params=DEFAULTS)
def default(request):
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, request.param))
    yield np.dtype(request.param)
    torch.set_default_dtype(before)


def outcome(function, *arguments):
    """What came of a call: the name of a dtype, or the error's type and text."""
    try:
        dtype = function(*arguments)
    except NotImplementedError as error:
        return str(error).split()[4].rstrip(",")  # NumPy has no such dtype, but the name must agree
    except Exception as error:
        return type(error), str(error)
    return dtype if isinstance(dtype, str) else str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("a", promote._DTYPES)
def test_pairs(a):
    for b in promote._DTYPES:
        ours, theirs = (a, b), (getattr(torch, a), getattr(torch, b))
        expected = outcome(torch.promote_types, *theirs)
        assert outcome(promote_names, *ours) == expected, ours
        if a in OURS and b in OURS:
            dtypes = np.dtype(a), np.dtype(b)
            assert outcome(promote_types, *dtypes) == expected, ours
            assert can_cast(*dtypes) == torch.can_cast(*theirs), ours


def both(name, ndim):
    return np.ones((1,) * ndim, name), torch.ones((1,) * ndim, dtype=getattr(torch, name))


def test_ranks(default):
    """Every pair of dtypes in every pair of ranks, and every dtype with every kind of number."""
    ranked = [both(name, ndim) for name in OURS for ndim in (0, 1)]
    everything = ranked + [(number, number) for number in NUMBERS]
    for (x, tx), (y, ty) in itertools.product(everything, everything):
        assert outcome(result_dtype, [x, y], default) == outcome(torch.result_type, tx, ty), (tx, ty)


def test_the_default_complex_dtype(default):
    assert promote._COMPLEX_OF[default.name] == str(torch.tensor(1j).dtype).removeprefix("torch.")


def test_three_operands(default):
    """``addcmul`` promotes three tensors; its own dtype tells what torch makes of three ranks."""
    rng = random.Random(0)
    names = ["uint8", "int16", "int64", "float32", "float64", "complex64", "complex128"]
    for _ in range(300):
        ours, theirs = zip(*(both(rng.choice(names), rng.choice((0, 1))) for _ in range(3)), strict=True)
        assert outcome(result_dtype, ours, default) == str(torch.addcmul(*theirs).dtype)[6:], theirs
