"""NumPy's functions on tensors: every entry of the tables leads to a function; and tensors as Python numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight._ops import interop


@pytest.mark.parametrize(
    ("function", "path"), [*((f, p) for f, p in interop.UFUNCS.items()), *interop.REDUCTIONS.items()]
)
def test_ufuncs_lead_somewhere(function: Any, path: str) -> None:
    assert callable(interop.operator(path))


@pytest.mark.parametrize(("name", "path"), interop._FUNCTIONS.items())
def test_functions_lead_somewhere(name: str, path: str) -> None:
    assert callable(interop.operator(path)) and callable(getattr(np, name))


def test_absolute_values_have_gradients() -> None:
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    np.abs(x).sum().backward()
    assert x.grad.tolist() == [-1.0, 1.0]
    assert torch.equal(np.kron(torch.eye(2), torch.ones(1, 2)), torch.kron(torch.eye(2), torch.ones(1, 2)))


@pytest.mark.parametrize(
    "split",
    [
        lambda x: np.hsplit(x, 2),
        lambda x: np.vsplit(x, [1]),
        lambda x: np.dsplit(x, 3),
        lambda x: np.array_split(x, 4, 2),
        lambda x: np.array_split(x, 3),
        lambda x: np.hsplit(x[0, :, 0], 2),
    ],
)
def test_splits(split: Callable[[Any], Any]) -> None:
    x = np.arange(24.0).reshape(2, 4, 3)
    mine, theirs = split(torch.from_numpy(x)), split(x)
    assert len(mine) == len(theirs)
    assert all(np.array_equal(a.numpy(), b) for a, b in zip(mine, theirs, strict=True))
    with pytest.raises(ValueError, match="equal division"):
        np.hsplit(torch.from_numpy(x), 3)


def test_tensors_as_python_numbers() -> None:
    assert (float(torch.tensor(1 + 0j)), int(torch.tensor(1 + 0j)), complex(torch.tensor(1.5))) == (1.0, 1, 1.5)
    for convert in (int, float, complex):
        for wrong in (torch.ones(2), torch.empty(0)):
            with pytest.raises(ValueError, match="only one element tensors can be converted to Python scalars"):
                convert(wrong)
    with pytest.raises(RuntimeError, match="cannot be converted to type double without overflow"):
        float(torch.tensor(1j))


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: torch.from_numpy(np.ones(2, ">f4")), ValueError, "byte order different"),
        (lambda: torch.full((2,), 1, out=torch.empty(2).long(), dtype=torch.float32), RuntimeError, "does not match"),
        (lambda: torch.as_strided(torch.ones(4), (2,), (-1,)), RuntimeError, "Negative strides are not supported"),
        (lambda: torch.unravel_index(torch.tensor([1]), 2.0), TypeError, "to be int or sequence of ints"),
        (lambda: torch.unravel_index(torch.tensor([1]), (2, 0.5)), TypeError, "to only contain ints"),
    ],
)
def test_refuses(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        call()
