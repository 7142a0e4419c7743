"""The table of conventions: each row as Rushlight (and PyTorch, where installed) has it; zeros that absorb."""

import importlib.util
from math import inf
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight._conventions import ROWS, Convention, markdown

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of what is meant here


def agree(found: tuple, expected: tuple) -> bool:
    return all(np.allclose(a, b, equal_nan=True, rtol=1e-6) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.expression} at {r.at}")
def test_row(row: Convention) -> None:
    assert agree(row.evaluate(torch), row.gradients)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.expression} at {r.at}")
def test_row_is_pytorchs(row: Convention) -> None:
    import torch as oracle

    assert agree(row.evaluate(oracle), row.gradients)


def test_page_is_current() -> None:
    page = Path(__file__).parents[1] / "docs" / "conventions.md"
    assert page.read_text() == markdown(), "run python -m rushlight._conventions > docs/conventions.md"


def test_table_prints() -> None:
    assert "torch.sinc(x)" in repr(torch.conventions())
    assert {r.topic for r in torch.conventions("ties")} == {"ties"}
    with pytest.raises(ValueError, match="no conventions about 'x'; topics: ties, kinks"):
        torch.conventions("x")


DEAD = {
    "sqrt": lambda x: torch.where(x > 0, x.sqrt(), 0.0),
    "log": lambda x: torch.where(x > 0, x.log(), 0.0),
    "reciprocal": lambda x: torch.where(x > 0, 1 / x, 0.0),
    "pow": lambda x: torch.where(x > 0, x**-0.5, 0.0),
    "chain": lambda x: torch.where(x > 0, (x.sqrt() * 3).exp(), 0.0),
    "mask": lambda x: x.sqrt() * 0.0,
    "broadcast": lambda x: torch.where(torch.tensor([[True, False, True]] * 2), x.sqrt() * torch.ones(2, 1), 0.0),
}


@pytest.mark.parametrize("name", DEAD)
def test_zero_absorbing(name: str) -> None:
    x = torch.tensor([1.0, 0.0, 4.0], dtype=torch.float64, requires_grad=True)
    (plain,) = torch.autograd.grad(DEAD[name](x).sum(), x)
    with torch.autograd.zero_absorbing():
        (g,) = torch.autograd.grad(DEAD[name](x).sum(), x)
    assert plain[1].isnan() and g[1] == 0
    assert torch.equal(g[::2], plain[::2])


def test_zero_absorbing_through_a_sum() -> None:
    """A broadcast operand: its gradient is summed after the zeros have absorbed what is not finite."""
    w = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([1.0, inf], dtype=torch.float64)
    with torch.autograd.zero_absorbing():
        (g,) = torch.autograd.grad(torch.where(x < 9, w * x, 0.0).sum(), w)
    assert g == 1


def test_zero_absorbing_second_order() -> None:
    x = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    with torch.autograd.zero_absorbing():
        (g,) = torch.autograd.grad(torch.where(x > 0, x.sqrt(), 0.0).sum(), x, create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), x)
    assert h.tolist() == [-0.25, 0.0]


def test_zero_absorbing_ends_with_its_block() -> None:
    x = torch.tensor(0.0, requires_grad=True)
    with torch.autograd.zero_absorbing(), torch.autograd.zero_absorbing(False):
        (g,) = torch.autograd.grad(torch.where(x > 0, x.sqrt(), 0.0), x)
    assert g.isnan()
    (g,) = torch.autograd.grad(torch.where(x > 0, x.sqrt(), 0.0), x)
    assert g.isnan()


def test_true_infinities_stay() -> None:
    x = torch.tensor(0.0, requires_grad=True)
    with torch.autograd.zero_absorbing():
        (g,) = torch.autograd.grad(x.sqrt(), x)
    assert g == inf
