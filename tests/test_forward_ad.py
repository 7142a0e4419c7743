"""``autograd.forward_ad`` without PyTorch: tangents against differences, in both orders with reverse mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
import rushlight.autograd.forward_ad as fw

X = rl.tensor([0.5, -1.0, 2.0], dtype=rl.float64)
T = rl.tensor([1.0, 0.5, -2.0], dtype=rl.float64)
W = rl.tensor([[0.3, -1.0, 0.7], [1.1, 0.4, -0.2]], dtype=rl.float64)


def f(x: Any) -> Any:
    return (W @ x.sin()).tanh() * x.prod() + x[1:].exp()


def written(x: Any) -> Any:
    y = x * 1
    y[0] = x[1] * x[2]
    y[1:].mul_(y[0].clone())
    out = rl.zeros(3, dtype=rl.float64)
    out[:2] = y[1:]
    out.add_(y.flip(0))
    return out


@pytest.mark.parametrize("function", [f, written, lambda x: x.sort()[0].cumsum(0), lambda x: rl.softmax(x, 0).log()])
def test_tangent_is_the_derivative(function: Any) -> None:
    with fw.dual_level():
        value, tangent = fw.unpack_dual(function(fw.make_dual(X, T)))
    step = 1e-6
    numeric = (function(X + step * T) - function(X - step * T)) / (2 * step)
    np.testing.assert_allclose(tangent.numpy(), numeric.numpy(), 1e-7, 1e-8)
    np.testing.assert_allclose(value.numpy(), function(X).numpy())


@pytest.mark.parametrize("function", [f, written])
def test_hessian_vector_products_both_ways(function: Any) -> None:
    x = X.clone().requires_grad_()
    (g,) = rl.autograd.grad(function(x).sum(), x, create_graph=True)
    (expected,) = rl.autograd.grad(g, x, T)
    with fw.dual_level():
        (g,) = rl.autograd.grad(function(fw.make_dual(x, T)).sum(), x)
        np.testing.assert_allclose(fw.unpack_dual(g).tangent.detach().numpy(), expected.numpy())
        tangent = fw.unpack_dual(function(fw.make_dual(x, T)).sum()).tangent
        np.testing.assert_allclose(rl.autograd.grad(tangent, x)[0].numpy(), expected.numpy())
        function(fw.make_dual(x, T)).sum().backward()
        np.testing.assert_allclose(fw.unpack_dual(x.grad).tangent.detach().numpy(), expected.numpy())
    assert fw.unpack_dual(x.grad).tangent is None
    np.testing.assert_allclose((x.grad * 1).detach().numpy(), g.detach().numpy())


def test_parameters_that_take_part_get_duals() -> None:
    net = rl.nn.Sequential(rl.nn.Linear(3, 4), rl.nn.Tanh(), rl.nn.Linear(4, 1))
    x = rl.tensor([[0.5, -1.0, 2.0]])
    with fw.dual_level():
        out = net(fw.make_dual(x, rl.ones(1, 3)))
        grads = rl.autograd.grad(out.sum(), list(net.parameters()))
        tangents = [fw.unpack_dual(g).tangent for g in grads]
    step = 1e-3
    for t, a, b in zip(
        tangents,
        rl.autograd.grad(net(x + step).sum(), list(net.parameters())),
        rl.autograd.grad(net(x - step).sum(), list(net.parameters())),
        strict=True,
    ):
        if t is not None:
            np.testing.assert_allclose(t.detach().numpy(), ((a - b) / (2 * step)).numpy(), 1e-2, 1e-3)


def test_a_written_tensor_becomes_dual_with_its_views() -> None:
    with fw.dual_level():
        base = rl.zeros(3, dtype=rl.float64)
        view = base[1:]
        view.copy_(fw.make_dual(X, T)[:2])
        assert fw.unpack_dual(base).tangent.tolist() == [0, 1, 0.5]
        assert fw.unpack_dual(view).tangent.tolist() == [1, 0.5]
        base.mul_(2)
        assert fw.unpack_dual(view).tangent.tolist() == [2, 1]
    assert base.tolist() == [0, 1, -2]
    base.add_(1)
    assert base.tolist() == [1, 2, -1]


def test_leaving_the_level_keeps_the_grad_mode() -> None:
    level = fw.enter_dual_level()
    rl.set_grad_enabled(False)
    try:
        fw.exit_dual_level(level=level)
        assert not rl.is_grad_enabled()
    finally:
        rl.set_grad_enabled(True)
    x = rl.tensor(2.0, requires_grad=True)
    (x * x).backward()
    assert x.grad.item() == 4


def test_decorator_and_repr() -> None:
    @fw.dual_level()
    def run() -> str:
        return repr(fw.make_dual(rl.ones(2), rl.zeros(2)))

    assert run() == run() == "tensor([1., 1.], tangent=tensor([0., 0.]))"


def test_inside_other_transforms() -> None:
    with fw.dual_level():
        d = fw.make_dual(X, T)
        g = rl.func.grad(lambda x: (x * x * d).sum())(X)
        np.testing.assert_allclose(fw.unpack_dual(g).tangent.numpy(), (2 * X * T).numpy())
        v = rl.func.vmap(lambda a: a * d)(rl.stack([X, X]))
        np.testing.assert_allclose(fw.unpack_dual(v).tangent.numpy(), rl.stack([X * T, X * T]).numpy())
