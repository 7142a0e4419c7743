"""``autograd.functional`` and batched gradients without PyTorch: every option against ``rl.func`` and arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
import rushlight.func as F
from rushlight.autograd import functional as A

X = rl.tensor([0.5, -1.0, 2.0], dtype=rl.float64)
Y = rl.tensor([1.0, 0.5, -2.0], dtype=rl.float64)


def f(x: Any, y: Any) -> Any:
    return (x * y.exp()).cumsum(0), (x * x).sum()


def h(x: Any, y: Any) -> Any:
    return (x**3 * y.exp()).sum()


def close(a: Any, b: Any) -> None:
    if isinstance(b, tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            close(x, y)
    else:
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), 1e-9, 1e-12)


WAYS = [("reverse-mode", False), ("reverse-mode", True), ("forward-mode", True)]


@pytest.mark.parametrize(("strategy", "vectorize"), WAYS)
def test_jacobian(strategy: str, vectorize: bool) -> None:
    close(A.jacobian(f, (X, Y), strategy=strategy, vectorize=vectorize), F.jacrev(f, (0, 1))(X, Y))
    close(A.jacobian(lambda x: x * x, X, strategy=strategy, vectorize=vectorize), rl.diag(2 * X))


@pytest.mark.parametrize(("strategy", "vectorize"), WAYS)
def test_hessian(strategy: str, vectorize: bool) -> None:
    found = A.hessian(h, (X, Y), outer_jacobian_strategy=strategy, vectorize=vectorize)
    close(found, F.hessian(h, (0, 1))(X, Y))
    one = A.hessian(lambda x: (x**4).sum(), X, outer_jacobian_strategy=strategy, vectorize=vectorize)
    close(one, rl.diag(12 * X * X))


def test_products() -> None:
    jac, hes = F.jacrev(f, (0, 1))(X, Y), F.hessian(h, (0, 1))(X, Y)
    close(A.jvp(f, (X, Y), (Y, X))[1], tuple([row[0] @ Y + row[1] @ X for row in jac]))
    v = (Y, rl.tensor(3.0, dtype=rl.float64))
    close(A.vjp(f, (X, Y), v)[1], tuple([Y @ jac[0][k] + 3 * jac[1][k] for k in (0, 1)]))
    for name in ("vhp", "hvp"):
        value, product = getattr(A, name)(h, (X, Y), (Y, X))
        close(value, h(X, Y))
        close(product, tuple([hes[k][0] @ Y + hes[k][1] @ X for k in (0, 1)]))


def test_results_can_be_differentiated() -> None:
    x = X.clone().requires_grad_()
    (g,) = rl.autograd.grad(A.hvp(lambda x: (x**4).sum(), x, Y, create_graph=True)[1].sum(), x)
    close(g, 24 * X * Y)
    (g,) = rl.autograd.grad(A.jacobian(lambda x: x**3, x, create_graph=True, vectorize=True).sum(), x)
    close(g, 6 * X)
    assert not A.jacobian(lambda x: x**3, x).requires_grad
    assert x.grad is None


def test_batched_gradients() -> None:
    x, y = X.clone().requires_grad_(), Y.clone().requires_grad_()
    outs = f(x, y)
    seeds = (rl.eye(3, dtype=rl.float64), rl.tensor([0.0, 1.0, 2.0], dtype=rl.float64))
    found = rl.autograd.grad(outs, (x, y), seeds, is_grads_batched=True, retain_graph=True)
    each = [rl.autograd.grad(outs, (x, y), (a, b), retain_graph=True) for a, b in zip(*seeds, strict=True)]
    close(found, tuple([rl.stack(list(parts)) for parts in zip(*each, strict=True)]))
    again = rl.autograd.grad(outs, (x, y), seeds, is_grads_batched=True, create_graph=True)
    assert all(g.requires_grad for g in again)
    z = rl.ones(2, requires_grad=True, dtype=rl.float64)
    none = rl.autograd.grad(
        (x * 2).sum(), (x, z), rl.ones(4, dtype=rl.float64), is_grads_batched=True, allow_unused=True
    )
    assert none[0].shape == (4, 3) and none[1] is None
