"""Older forms of operators, with numbers among the tensors, which older programs' optimizers use; and NumPy's scalars."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight._core import record

X, Y, Z, M = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0]), torch.tensor([2.0, 4.0]), torch.ones(2, 2)
B = M[None]


@pytest.fixture(autouse=True)
def _warned_already() -> Iterator[None]:
    record._warned[:] = [True]
    yield


FORMS: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
    (lambda: torch.add(X, 2, Y), lambda: X + 2 * Y),
    (lambda: X.add(2, Y), lambda: X + 2 * Y),
    (lambda: X.clone().add_(2, Y), lambda: X + 2 * Y),
    (lambda: X.clone().sub_(2, Y), lambda: X - 2 * Y),
    (lambda: torch.add(X, 2, Y, out=torch.empty(2)), lambda: X + 2 * Y),
    (lambda: torch.addcmul(X, 2, Y, Z), lambda: X + 2 * Y * Z),
    (lambda: X.clone().addcmul_(2, Y, Z), lambda: X + 2 * Y * Z),
    (lambda: X.clone().addcdiv_(-0.5, Y, Z), lambda: X - 0.5 * Y / Z),
    (lambda: torch.addmm(2, M, 3, M, M), lambda: 2 * M + 3 * M @ M),
    (lambda: M.addmm(2, M, M), lambda: 2 * M + M @ M),
    (lambda: M.clone().addmm_(2, 3, M, M), lambda: 2 * M + 3 * M @ M),
    (lambda: torch.addmv(2, X, 3, M, Y), lambda: 2 * X + 3 * M @ Y),
    (lambda: torch.addr(2, M, 3, X, Y), lambda: 2 * M + 3 * torch.outer(X, Y)),
    (lambda: torch.baddbmm(2, B, 3, B, B), lambda: 2 * B + 3 * B @ B),
    (lambda: M.clone().addbmm_(2, 3, B, B), lambda: 2 * M + 3 * (B @ B).sum(0)),
]


@pytest.mark.parametrize(("older", "newer"), FORMS, ids=[str(i) for i in range(len(FORMS))])
def test_an_older_form_is_the_newer_one(older: Callable[[], Any], newer: Callable[[], Any]) -> None:
    assert torch.equal(older(), newer())


def test_an_older_form_has_gradients() -> None:
    x, y = X.clone().requires_grad_(), Y.clone().requires_grad_()
    torch.add(x, 2, y).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0] and y.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.add(X, Y, 2),
        lambda: X.clone().add_(Y, 2),
        lambda: torch.addcmul(X, Y, Z, 2),
        lambda: X.clone().addcmul_(Y, Z, 2),
        lambda: torch.add(X, 2, Y, alpha=3),
        lambda: X.clone().addcdiv_(2, Y, Z, value=3),
        lambda: torch.addmm(1, 2, M, 3, M, M),
    ],
)
def test_what_is_no_form_at_all_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"positional arguments but|multiple values"):
        call()


def test_older_forms_warn_once() -> None:
    record._warned.clear()
    with pytest.warns(UserWarning, match="This overload of add_ is deprecated"):
        X.clone().add_(2, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.add(X, 2, Y)


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2), np.complex128(2)])
def test_numpys_scalars_are_numbers(number: Any) -> None:
    for x in (torch.tensor(1.5), torch.tensor([1.5]), torch.tensor(3), torch.tensor([3], dtype=torch.int8)):
        plain = number.item()
        for f in (lambda a, b: a * b, lambda a, b: a - b, lambda a, b: b + a, lambda a, b: a / b, lambda a, b: b / a):
            assert f(x, number).dtype is f(x, plain).dtype
            assert torch.equal(f(x, number), f(x, plain))
