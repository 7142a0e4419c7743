"""assert_close: what passes, and what is said where something differs."""

from __future__ import annotations

import collections
import math
from typing import Any

import numpy as np
import pytest

import rushlight as torch

T = torch.tensor
NAN, INF = float("nan"), float("inf")

PASS = [
    (T([1.0]), T([1.0 + 1e-7]), {}),
    (T([NAN]), T([NAN]), {"equal_nan": True}),
    (T([INF]), T([INF]), {}),
    ([1], (1,), {}),
    (1, 1.0, {"check_dtype": False}),
    (torch.zeros(0), torch.zeros(0), {}),
    (T([1.0, 2.0]), T([1, 2]), {"check_dtype": False}),
    (collections.OrderedDict(a=1), {"a": 1}, {}),
    (T([[1.0, 2.0]]), T([[1.0, 9.0]]), {"rtol": 0, "atol": 7.0}),
    (np.bool_(True), True, {}),
    (np.float64(1.0), 1.0, {}),
    (np.array([1.0]), np.array([1.0]), {}),
    (None, None, {}),
    (torch.nn.Parameter(T([1.0])), T([1.0]), {}),
]

FAIL: list[tuple[Any, Any, dict[str, Any], str]] = [
    (
        T([1.0, 2.0, 3.0]),
        T([1.0, 2.5, 4.0]),
        {},
        "Tensor-likes are not close!\n\nMismatched elements: 2 / 3 (66.7%)\n"
        "Greatest absolute difference: 1.0 at index (2,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.25 at index (2,) (up to 1.3e-06 allowed)",
    ),
    (
        T([1, 2, 3]),
        T([1, 2, 4]),
        {},
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 3 (33.3%)\n"
        "Greatest absolute difference: 1 at index (2,)\nGreatest relative difference: 0.25 at index (2,)",
    ),
    (
        T(1.0),
        T(2.0),
        {},
        "Scalars are not close!\n\nExpected 2.0 but got 1.0.\nAbsolute difference: 1.0 (up to 1e-05 allowed)\n"
        "Relative difference: 0.5 (up to 1.3e-06 allowed)",
    ),
    (1, 2, {}, "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\nRelative difference: 0.5"),
    (T([1.0]), T([1.0, 2.0]), {}, "The values for attribute 'shape' do not match: torch.Size([1]) != torch.Size([2])."),
    (
        T([1.0]),
        T([1.0], dtype=torch.float64),
        {},
        "The values for attribute 'dtype' do not match: torch.float32 != torch.float64.",
    ),
    (
        torch.ones(2, 2).t(),
        torch.ones(2, 2),
        {"check_stride": True},
        "The values for attribute 'stride()' do not match: (1, 2) != (2, 1).",
    ),
    (1, 1.0, {}, "The (d)types do not match: <class 'int'> != <class 'float'>."),
    (True, False, {}, "Booleans mismatch: True is not False"),
    (None, T(1.0), {}, "None mismatch: None is not 1.0"),
    ([1, 2], [1], {}, "The length of the sequences mismatch: 2 != 1"),
    (
        {"a": 1},
        {"b": 1},
        {},
        "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\nAdditional keys in the actual mapping: ['a']",
    ),
    (
        {"a": [1.0, 2.0]},
        {"a": [1.0, 3.0]},
        {},
        "Scalars are not close!\n\nExpected 3.0 but got 2.0.\nAbsolute difference: 1.0 (up to 1e-07 allowed)\n"
        "Relative difference: 0.3333333333333333 (up to 1e-07 allowed)\n\nThe failure occurred for item ['a'][1]",
    ),
    (
        T([NAN]),
        T([NAN]),
        {},
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 1 (100.0%)\nGreatest absolute difference: nan at index (0,) "
        "(up to 1e-05 allowed)\nGreatest relative difference: nan at index (0,) (up to 1.3e-06 allowed)",
    ),
    (
        T([True, False]),
        T([True, True]),
        {},
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\nGreatest absolute difference: 1 at index (1,)\n"
        "Greatest relative difference: 1.0 at index (1,)",
    ),
    (
        T([0], dtype=torch.uint8),
        T([255], dtype=torch.uint8),
        {},
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 1 (100.0%)\nGreatest absolute difference: 255 at index (0,)\n"
        "Greatest relative difference: 1.0 at index (0,)",
    ),
    (
        math.nan,
        math.nan,
        {},
        "Scalars are not close!\n\nExpected nan but got nan.\nAbsolute difference: nan (up to 1e-07 allowed)\n"
        "Relative difference: nan (up to 1e-07 allowed)",
    ),
    (T(1.0), T(2.0), {"msg": "hello"}, "hello"),
    (T([1]), T([2]), {"msg": lambda m: "so: " + m[:11]}, "so: Tensor-like"),
]


@pytest.mark.parametrize(("a", "b", "options"), PASS)
def test_close(a: Any, b: Any, options: dict[str, Any]) -> None:
    torch.testing.assert_close(a, b, **options)


@pytest.mark.parametrize(("a", "b", "options", "text"), FAIL)
def test_message(a: Any, b: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(AssertionError) as caught:
        torch.testing.assert_close(a, b, **options)
    assert str(caught.value) == text


def test_what_cannot_be_compared() -> None:
    for a, b in (("a", "a"), ({1}, {1}), (1.0, T(1.0)), (np.array([1.0]), T([1.0])), (["a"], ["a"])):
        with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
            torch.testing.assert_close(a, b)
    with pytest.raises(ValueError, match="must be either specified or omitted, but got no atol"):
        torch.testing.assert_close(1, 1, rtol=0.1)
    with pytest.raises(TypeError):
        torch.testing.assert_close(torch.nn.Parameter(T([1.0])), T([1.0]), allow_subclasses=False)


def test_assert_allclose() -> None:
    with pytest.warns(FutureWarning, match="deprecated since 1.12"):
        torch.testing.assert_allclose(T([1.0]), [1.00001])


def test_make_tensor() -> None:
    make = torch.testing.make_tensor
    x = make((2, 3), dtype=torch.float32, device="cpu", low=0, high=1, noncontiguous=True, requires_grad=True)
    assert not x.is_contiguous() and x.requires_grad and 0 <= float(x.min()) and float(x.max()) < 1
    assert make(2, 3, dtype=torch.int64, device="cpu", low=0, high=5).max() < 5
    assert (make((50,), dtype=torch.int8, device="cpu", low=-1, high=2, exclude_zero=True) != 0).all()
    assert make((1, 2, 2, 2), dtype=torch.float32, device="cpu", memory_format=torch.channels_last).stride() == (
        8,
        1,
        4,
        2,
    )
    assert make((4,), dtype=torch.bool, device="cpu").dtype is torch.bool
    assert make((4,), dtype=torch.complex64, device="cpu").dtype is torch.complex64
    for options, text in (
        ({"low": 5, "high": 1}, "`low` must be less than `high`, but got 5 >= 1"),
        ({"low": NAN}, "cannot be NaN"),
        ({"noncontiguous": True, "memory_format": torch.contiguous_format}, "mutually exclusive"),
    ):
        with pytest.raises(ValueError, match=text):
            make((2,), dtype=torch.float32, device="cpu", **options)
    with pytest.raises(ValueError, match="not supported for boolean and integral dtypes"):
        make((2,), dtype=torch.int64, device="cpu", requires_grad=True)
    with pytest.raises(ValueError, match=r"only supports \[0, 256\)"):
        make((2,), dtype=torch.uint8, device="cpu", low=-500, high=-400)


def test_what_is_said_before_values_are_compared() -> None:
    """Trees that differ are told of in the library's words; tolerances are missed where a pair needs them."""
    from rushlight.testing import assert_close

    def said(*args: Any, **kwargs: Any) -> str:
        with pytest.raises((AssertionError, TypeError, ValueError)) as error:
            assert_close(*args, **kwargs)
        return f"{type(error.value).__name__}: {error.value}"

    assert said([1], [1, 2], msg="mine") == "AssertionError: The length of the sequences mismatch: 1 != 2"
    assert said("a", "b", msg="mine").startswith("TypeError: No comparison pair was able to handle")
    assert said(1, 2, msg="mine") == "AssertionError: mine"
    assert said([1], [1, 2], rtol=0.5).startswith("AssertionError: The length")
    missed = "ValueError: Both 'rtol' and 'atol' must be either specified or omitted, but got no atol."
    assert said({"a": 1}, {"a": 1}, rtol=0.5) == f"{missed}\n\nThe failure occurred for item ['a']"
    assert_close(None, None, rtol=0.5)
