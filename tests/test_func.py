"""``rl.func``: escapes and captures, and what it has beyond PyTorch (the rest is compared in tests/parity)."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from typing import Any
from weakref import ref

import numpy as np
import pytest

import rushlight as rl
import rushlight.func as F


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(
        np.asarray(a.detach()), np.asarray(b.detach() if isinstance(b, rl.Tensor) else b), 1e-5, 1e-6
    )


X = rl.tensor([1.0, 2.0, 3.0])
Y = rl.tensor([0.5, -1.0, 2.0])


# ---- escapes


@pytest.mark.parametrize(
    "transform", [F.grad, lambda f: lambda x: F.vmap(f)(x), lambda f: lambda x: F.jvp(f, (x,), (x,))]
)
def test_escaped_tensors_raise(transform: Any) -> None:
    kept: list[Any] = []
    transform(lambda x: (kept.append(x * 2), x.sum())[1])(X)
    for use in (lambda t: t + 1, lambda t: t.sum(), lambda t: rl.cat([t.reshape(-1), X]), lambda t: t.add_(1)):
        with pytest.raises(RuntimeError, match=r"escaped .*test_func.py:"):
            use(kept[0])
    with pytest.raises(RuntimeError, match="escaped"):
        F.grad(lambda x: (x * kept[0]).sum())(X)


def test_no_cycles() -> None:
    """Graphs of transforms are freed without the garbage collector."""
    gc.disable()
    try:
        seen = []
        F.grad(lambda x: (seen.append(ref(y := x.sin().exp())), (y * y).sum())[1])(X)
        F.jvp(lambda x: (seen.append(ref(y := x.sin().exp())), (y * y).sum())[1], (X,), (X,))
        F.vmap(F.grad(lambda x: (seen.append(ref(y := x.sin().exp())), (y * y).sum())[1]))(X)
        assert [r() for r in seen] == [None, None, None]
    finally:
        gc.enable()


def test_threads() -> None:
    found: list[Any] = [None] * 4

    def run(i: int) -> None:
        for _ in range(20):
            found[i] = F.vmap(F.grad(lambda x: (x**3).sum() * (i + 1)))(rl.ones(3, 2))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i in range(4):
        assert found[i].tolist() == [[3.0 * (i + 1)] * 2] * 3


def test_error_leaves_everything_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError):
        F.vmap(F.grad(lambda x: 1 / 0))(X)
    assert (X * 2).tolist() == [2, 4, 6]
    assert rl.is_grad_enabled()
    x = rl.tensor(1.0, requires_grad=True)
    (x * 3).backward()
    assert x.grad.item() == 3


# ---- hvp, stop_gradient


def test_hvp() -> None:
    close(F.hvp(lambda x: (x**3).sum(), X, Y), 6 * X * Y)
    hx, hy = F.hvp(lambda x, y: (x**2 * y**3).sum(), (X, Y), (Y, X))
    h = F.hessian(lambda x, y: (x**2 * y**3).sum(), (0, 1))(X, Y)
    close(hx, h[0][0] @ Y + h[0][1] @ X)
    close(hy, h[1][0] @ Y + h[1][1] @ X)


def test_stop_gradient() -> None:
    def f(x: Any) -> Any:
        return (x * F.stop_gradient({"a": x})["a"]).sum()

    close(F.grad(f)(X), X)
    close(F.jvp(f, (X,), (Y,))[1], (X * Y).sum())
    close(F.vmap(F.grad(f))(rl.stack([X, Y])), rl.stack([X, Y]))


# ---- sparse Jacobians


def banded(x: Any) -> Any:
    return x[1:-1] * x[:-2] + x[2:].sin()


def pattern(n: int) -> np.ndarray:
    return sum(np.eye(n - 2, n, k) for k in range(3)) > 0


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize("layout", ["dense", "coo"])
def test_sparse_jacobian(mode: str, layout: str) -> None:
    x = rl.linspace(-1, 1, 12, dtype=rl.float64)
    calls = []

    def counted(x: Any) -> Any:
        calls.append(tuple(x.shape))
        return banded(x)

    made = F.jacobian(counted, x, sparsity=pattern(12), mode=mode, layout=layout)
    expected = F.jacrev(banded)(x)
    if layout == "coo":
        where, values = made
        dense = np.zeros((10, 12))
        dense[tuple(where.numpy())] = values.numpy()
        made = rl.tensor(dense)
    close(made, expected)
    assert len(calls) == 1


def test_sparse_jacobian_takes_as_many_products_as_colours() -> None:
    from rushlight._transforms.extras import colours_of, count_of, pattern_of

    rows, columns, shape = pattern_of(pattern(500))
    assert count_of(colours_of(rows, columns, *shape)) == 3
    arrow = np.eye(50)
    arrow[0] = 1
    rows, columns, shape = pattern_of(arrow)
    assert count_of(colours_of(rows, columns, *shape)) == 50  # no two columns go together
    assert count_of(colours_of(columns, rows, *shape)) == 2  # but rows do


def test_sparse_jacobian_of_scipy_and_shapes() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = rl.arange(6.0).reshape(2, 3)
    made = F.jacobian(lambda x: x * x, x, sparsity=sparse.eye(6))
    close(made, F.jacrev(lambda x: x * x)(x))
    with pytest.raises(ValueError, match="6 elements"):
        F.jacobian(lambda x: x, x, sparsity=np.eye(5))
    with pytest.raises(ValueError, match="7 rows"):
        F.jacobian(lambda x: x, x, sparsity=np.ones((7, 6)))
    close(F.jacobian(lambda x: x.sum(0), x), F.jacrev(lambda x: x.sum(0))(x))


# ---- custom derivatives


@F.custom_vjp
def logsumexp2(x: Any, y: Any) -> Any:
    return rl.log(x.exp() + y.exp())


def _forward(x: Any, y: Any) -> Any:
    z = rl.log(x.exp() + y.exp())
    return z, (x, y, z)


logsumexp2.defvjp(_forward, lambda kept, g: (g * (kept[0] - kept[2]).exp(), 7 * g * (kept[1] - kept[2]).exp()))


def ordinary(x: Any, y: Any) -> Any:
    return rl.log(x.exp() + y.exp())


def test_custom_vjp() -> None:
    gx, gy = F.grad(lambda x, y: logsumexp2(x, y).sum(), (0, 1))(X, Y)
    ex, ey = F.grad(lambda x, y: ordinary(x, y).sum(), (0, 1))(X, Y)
    close(gx, ex)
    close(gy, 7 * ey)
    x, y = X.clone().requires_grad_(), Y.clone().requires_grad_()
    logsumexp2(x, y).sum().backward()
    close(x.grad, ex)
    close(y.grad, 7 * ey)
    assert logsumexp2(X, Y).grad_fn is None
    close(logsumexp2(X, Y), ordinary(X, Y))


def test_custom_vjp_under_transforms() -> None:
    xs, ys = rl.stack([X, Y]), rl.stack([Y, X])
    ex = rl.stack([F.grad(lambda x, y: ordinary(x, y).sum(), 1)(a, b) for a, b in zip(xs, ys, strict=True)])
    close(F.vmap(F.grad(lambda x, y: logsumexp2(x, y).sum(), 1))(xs, ys), 7 * ex)
    close(F.grad(lambda x, y: F.vmap(logsumexp2)(x, y).sum(), 1)(xs, ys), 7 * ex)
    shared = F.grad(lambda x, y: F.vmap(logsumexp2, (0, None))(x, y).sum(), 1)(xs, Y)
    close(shared, 7 * sum(F.grad(lambda x, y: ordinary(x, y).sum(), 1)(a, Y) for a in xs))
    close(F.jacrev(logsumexp2)(X, Y), F.jacrev(ordinary)(X, Y))
    with pytest.raises(TypeError, match="can't apply forward-mode"):
        F.jvp(lambda x: logsumexp2(x, Y), (X,), (Y,))


def test_custom_vjp_second_order_is_of_the_rule() -> None:
    @F.custom_vjp
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (g * x * x * x,))  # a false rule: 3 x^2 is its derivative
    close(F.grad(F.grad(square))(rl.tensor(2.0)), rl.tensor(12.0))
    x = rl.tensor(2.0, requires_grad=True)
    (g,) = rl.autograd.grad(square(x), x, create_graph=True)
    (h,) = rl.autograd.grad(g, x)
    assert (g.item(), h.item()) == (8, 12)


def test_custom_vjp_trees_and_fixed_arguments() -> None:
    @F.custom_vjp
    def f(d: Any, n: Any) -> Any:
        return {"s": d["a"] * n, "t": (d["b"],)}

    f.defvjp(lambda d, n: (f(d, n), n), lambda n, g: ({"a": g["s"] * n * 10, "b": g["t"][0]}, None))
    got = F.grad(lambda d: f(d, 3)["s"].sum() + f(d, 3)["t"][0].sum())({"a": X, "b": Y})
    assert got["a"].tolist() == [30] * 3 and got["b"].tolist() == [1] * 3

    def power(n: int, x: Any) -> Any:
        return x**n

    p = F.custom_vjp(power, nondiff_argnums=(0,))
    p.defvjp(lambda n, x: (x**n, x), lambda n, x, g: (g * n * 100 * x ** (n - 1),))
    close(F.grad(lambda x: p(3, x).sum())(X), 300 * X**2)
    with pytest.raises(AttributeError, match="No VJP defined"):
        F.custom_vjp(power)(2, X)

    wrong = F.custom_vjp(lambda x, y: x * y)
    wrong.defvjp(lambda x, y: (x * y, None), lambda _, g: (g,))
    with pytest.raises(TypeError, match="returned 1 gradients where 2"):
        F.grad(lambda x: wrong(x, Y).sum())(X)
    captured = F.custom_vjp(lambda x: x)
    with pytest.raises(RuntimeError, match="Pass it as an argument"):
        F.grad(lambda w: (captured.defvjp(lambda x: (x * w, None), lambda _, g: (g,)), captured(w).sum())[1])(X)


@F.custom_jvp
def tanh10(x: Any, y: Any) -> Any:
    return x.tanh() * y


@tanh10.defjvp
def _(primals: Any, tangents: Any) -> Any:
    (x, y), (tx, ty) = primals, tangents
    t = x.tanh()
    return t * y, 10 * (1 - t * t) * y * tx + t * ty


def test_custom_jvp() -> None:
    def f(x: Any, y: Any) -> Any:
        return 10 * x.tanh() * y - 9 * F.stop_gradient(x.tanh()) * y

    for g in (F.grad, lambda f: F.jacfwd(f), lambda f: lambda *a: F.grad(f)(*a)):
        close(g(lambda x: tanh10(x, Y).sum())(X), g(lambda x: f(x, Y).sum())(X))
    close(F.jvp(tanh10, (X, Y), (Y, X))[1], F.jvp(f, (X, Y), (Y, X))[1])
    xs = rl.stack([X, Y])
    close(F.vmap(F.grad(lambda x: tanh10(x, Y).sum()))(xs), F.vmap(F.grad(lambda x: f(x, Y).sum()))(xs))
    close(F.jvp(F.vmap(lambda x: tanh10(x, Y)), (xs,), (xs,))[1], F.jvp(F.vmap(lambda x: f(x, Y)), (xs,), (xs,))[1])
    x = X.clone().requires_grad_()
    tanh10(x, Y).sum().backward()
    close(x.grad, F.grad(lambda x: f(x, Y).sum())(X))

    s = F.custom_jvp(lambda x: x.sin())
    s.defjvps(lambda t, ans, x: 5 * x.cos() * t)
    close(F.grad(lambda x: s(x).sum())(X), 5 * X.cos())
    close(F.grad(lambda x: F.grad(lambda x: s(x).sum())(x).sum())(X), -5 * X.sin())


# ---- recomputation


def test_checkpoint() -> None:
    count = []
    w = Y.clone().requires_grad_()

    def block(x: Any, k: float = 1.0) -> Any:
        count.append(1)
        return (x.sin() * w).exp() * k

    c = F.checkpoint(block)
    x = X.clone().requires_grad_()
    (c(x, k=2.0) ** 2).sum().backward()
    assert len(count) == 2
    expected = rl.autograd.grad((block(x, 2.0) ** 2).sum(), (x, w))
    close(x.grad, expected[0])
    close(w.grad, expected[1])
    close(F.grad(lambda x: (c(x) ** 2).sum())(X), F.grad(lambda x: (block(x) ** 2).sum())(X))
    xs = rl.stack([X, Y])
    close(F.vmap(F.grad(lambda x: c(x).sum()))(xs), F.vmap(F.grad(lambda x: block(x).sum()))(xs))
    close(F.grad(lambda xs: F.vmap(c)(xs).sum())(xs), F.grad(lambda xs: F.vmap(block)(xs).sum())(xs))
    close(F.hessian(lambda x: c(x).sum())(X), F.hessian(lambda x: block(x).sum())(X))
    close(F.jacrev(F.jacrev(lambda x: c(x).sum()))(X), F.jacrev(F.jacrev(lambda x: block(x).sum()))(X))
    close(F.jvp(c, (X,), (Y,))[1], F.jvp(block, (X,), (Y,))[1])
    (g,) = rl.autograd.grad(c(x).sum(), x, create_graph=True)
    (e,) = rl.autograd.grad(block(x).sum(), x, create_graph=True)
    close(rl.autograd.grad(g.sum(), x)[0], rl.autograd.grad(e.sum(), x)[0])


def test_checkpoint_captures_what_the_level_differentiates() -> None:
    close(
        F.grad(lambda w: F.checkpoint(lambda x: (x * w).sin())(X).sum())(Y),
        F.grad(lambda w: (X * w).sin().sum())(Y),
    )


def test_checkpoint_draws_again() -> None:
    x = rl.ones(1000, requires_grad=True)
    rl.manual_seed(1)
    F.checkpoint(lambda x: rl.nn.functional.dropout(x, 0.5))(x).sum().backward()
    rl.manual_seed(1)
    expected = rl.nn.functional.dropout(rl.ones(1000), 0.5)
    assert (x.grad == expected).all()


def test_checkpoint_keeps_nothing() -> None:
    held = []

    def block(x: Any) -> Any:
        y = x.sin()
        held.append(ref(y))
        return y.exp().cos()

    out = F.checkpoint(block)(X.clone().requires_grad_())
    assert held[0]() is None
    out.sum().backward()


# ---- functorch's older names


def test_functional_modules() -> None:
    net = rl.nn.Sequential(rl.nn.Linear(3, 2), rl.nn.BatchNorm1d(2), rl.nn.Tanh())
    f, params, buffers = F.make_functional_with_buffers(net)
    xs = rl.stack([X, Y, X + Y])
    close(f(params, buffers, xs), net(xs))
    with pytest.raises(RuntimeError, match="has buffers"):
        F.make_functional(net)
    g, weights = F.make_functional(rl.nn.Linear(3, 2), disable_autograd_tracking=True)
    assert not weights[0].requires_grad
    assert g(weights, xs).shape == (3, 2)
    many, stacked, _ = F.combine_state_for_ensemble([rl.nn.Linear(3, 2) for _ in range(4)])
    assert F.vmap(many, (0, 0, None))(stacked, (), xs).shape == (4, 3, 2)
    F.replace_all_batch_norm_modules_(net)
    own = dict(net.named_parameters())
    made = F.vmap(lambda p, x: F.functional_call(net, p, rl.stack([x, -x])), (None, 0))(own, xs)
    assert made.shape == (3, 2, 2)


def test_functorch_is_the_older_name() -> None:
    rl.install_as_torch()
    try:
        import functorch

        with pytest.warns(FutureWarning, match="functorch.grad"):
            close(functorch.grad(lambda x: (x * x).sum())(X), 2 * X)
    finally:
        from rushlight._alias import uninstall_as_torch

        uninstall_as_torch()


def test_copies_of_captured_tensors_are_written_in_place() -> None:
    """What a function makes of captured tensors belongs to it, at any depth; its result stands beside."""
    c = rl.tensor([2.0, 1.0, 0.5])

    def written(x: Any) -> Any:
        z = c.clone()
        part = z[1:]
        z[0] = x[1]
        part.mul_(x[:2])
        return (z * z).sum()

    def plain(x: Any) -> Any:
        return x[1] ** 2 + ((c[1:] * x[:2]) ** 2).sum()

    x = rl.tensor([1.0, 2.0, 3.0])
    for transform in (F.grad, F.jacfwd, F.hessian, lambda f: F.jacrev(F.jacrev(f)), lambda f: F.jacfwd(F.jacfwd(f))):
        assert transform(written)(x).tolist() == transform(plain)(x).tolist()
    assert c.tolist() == [2.0, 1.0, 0.5]


CAPTURED_WRITES: dict[str, Any] = {
    "zero_": lambda c: c.zero_(), "fill_": lambda c: c.fill_(0), "a number by index": lambda c: c.__setitem__(0, 1.0),
    "a tensor by index": lambda c: c.__setitem__(0, rl.tensor(1.0)), "by mask": lambda c: c.__setitem__(c > 0, 2.0),
    "copy_": lambda c: c.copy_(rl.ones(3)), "add_": lambda c: c.add_(1), "+=": lambda c: c.__iadd__(1),
    "its view": lambda c: c[:2].zero_(), "detached": lambda c: c.detach().zero_(), "relu_": lambda c: rl.relu_(c),
    "index_fill_": lambda c: c.index_fill_(0, rl.tensor([0]), 1.0), "t_": lambda c: c.t_(),
    "resize_": lambda c: c.resize_(2), "detach_": lambda c: c.detach_(), "uniform_": lambda c: c.uniform_(),
    "same memory": lambda c: c.reshape(3, 1).zero_(), "init": lambda c: rl.nn.init.zeros_(c),
}  # fmt: skip
MADE_INSIDE: dict[str, Any] = {
    "clone": lambda c: c.clone(), "zeros": lambda c: rl.zeros(3), "empty_like": lambda c: rl.empty_like(c),
    "tensor": lambda c: rl.tensor([1.0]), "rand": lambda c: rl.rand(3), "a copy by reshape": lambda c: c.expand(2, 3).reshape(6),
    "nonzero": lambda c: c.nonzero(), "one_hot": lambda c: rl.nn.functional.one_hot(rl.tensor([1])), "new": lambda c: c.new(3),
    "tril_indices": lambda c: rl.tril_indices(2, 2), "as_tensor": lambda c: rl.as_tensor([1.0]), "bincount": lambda c: rl.bincount(c.long()),
    "parameter": lambda c: rl.nn.Linear(2, 2).weight.data, "view": lambda c: (c * 2)[1:], "detached": lambda c: (c * 2)[1:].detach(), "sort": lambda c: c.sort()[0],
}  # fmt: skip
DIFFERENTIATING: dict[str, Any] = {
    "grad": lambda f: F.grad(f)(X), "vjp": lambda f: F.vjp(f, X), "jvp": lambda f: F.jvp(f, (X,), (X,)),
    "vmap(grad)": lambda f: F.vmap(F.grad(f), randomness="same")(rl.ones(2, 3)),
    "grad(vmap)": lambda f: F.grad(lambda x: F.vmap(f, randomness="same")(x.expand(2, 3)).sum())(X),
    "grad(grad)": lambda f: F.grad(lambda x: F.grad(f)(x).sum())(X),
}  # fmt: skip


@pytest.mark.parametrize("within", DIFFERENTIATING)
def test_captured_tensors_are_not_written_where_derivatives_are_taken(within: str) -> None:
    """Also where nothing that is differentiated takes part; what the function made itself may be written."""
    for name, write in CAPTURED_WRITES.items():
        c = rl.arange(3.0)
        with pytest.raises(RuntimeError, match="would mutate a captured Tensor"):
            DIFFERENTIATING[within](lambda x, write=write, c=c: (write(c), x.sum())[1])
        assert c.tolist() == [0.0, 1.0, 2.0] and c.shape == (3,), name
        if name not in ("uniform_", "t_", "resize_", "detach_"):
            F.vmap(lambda x, write=write, c=c: (write(c), x)[1])(rl.ones(2))
    for make in MADE_INSIDE.values():
        DIFFERENTIATING[within](lambda x, make=make: (make(rl.arange(3.0)).zero_(), x.sum())[1])


def test_batch_norm_moves_captured_statistics_but_does_not_count() -> None:
    """As in PyTorch: the operator keeps its own state, the module's counter is a captured tensor."""
    x, state = rl.randn(4, 3), rl.zeros(3)
    F.grad(lambda w: rl.nn.functional.batch_norm(x * w, state, state.clone(), training=True).sum())(rl.ones(3))
    assert state.abs().sum() > 0
    net = rl.nn.BatchNorm1d(3)
    with pytest.raises(RuntimeError, match="captured"):
        F.grad(lambda x: net(x).sum())(x)
    buffers = dict(net.named_buffers())
    F.grad(lambda x, b: F.functional_call(net, b, (x,)).sum())(x, buffers)
    assert buffers["num_batches_tracked"] == 1


def test_what_was_made_inside_is_an_ordinary_tensor_outside() -> None:
    c, kept = rl.ones(2), []
    F.grad(lambda x: (kept.append(c * 2), x.sum())[1])(rl.ones(2))
    assert copy.deepcopy(kept[0]).tolist() == pickle.loads(pickle.dumps(kept[0])).tolist() == [2.0, 2.0]


# ---- in-place writes at depth


def added(x: Any) -> Any:
    y = x + 1
    part = y[1:]
    y.mul_(2)
    part.add_(x[0])
    return rl.cat([x * 1, y, part])


def added_plainly(x: Any) -> Any:
    y = rl.cat([x[:1] * 2 + 2, x[1:] * 2 + 2 + x[0]])
    return rl.cat([x * 1, y, y[1:]])


def summed(x: Any) -> Any:
    y = x.expand(2, 3).sum(0)
    row = y.unsqueeze(0)
    y.mul_(X)
    return rl.cat([x * 1, y, row[0]])


def divided(x: Any) -> Any:
    y = x * 1
    y.div_(x.sum() + 7)
    y.sin_()
    y.tanh_()
    z = y.clone()
    first = z[0]
    first.copy_(x[2])
    return y * z


def divided_plainly(x: Any) -> Any:
    y = (x / (x.sum() + 7)).sin().tanh()
    return y * rl.cat([x[2:], y[1:]])


def squeezed(x: Any) -> Any:
    y = x[None] * 1
    first = y[0, 0]
    y.squeeze_()
    first.add_(x[1])
    return y * y


WRITERS = {
    "tangents shared": (added, added_plainly), "tangents expanded": (summed, lambda x: rl.cat([x, 2 * X * x, 2 * X * x])),
    "saved by levels below": (divided, divided_plainly),
    "a view in place": (squeezed, lambda x: rl.cat([x[:1] + x[1], x[1:]]) ** 2),
}  # fmt: skip
ROUTES: dict[str, Any] = {
    "jacfwd": F.jacfwd, "jacrev": F.jacrev, "hessian": F.hessian, "jacfwd(jacfwd)": lambda f: F.jacfwd(F.jacfwd(f)),
    "vmap": lambda f: lambda x: F.vmap(f)(rl.stack([x, x * 0.5])), "jacfwd(vmap)": lambda f: F.jacfwd(lambda x: F.vmap(f)(rl.stack([x, x * x]))),
    "vmap(jacfwd)": lambda f: lambda x: F.vmap(F.jacfwd(f))(rl.stack([x, x * 0.5])), "vmap(jacrev)": lambda f: lambda x: F.vmap(F.jacrev(f), 1)(rl.stack([x, x * 0.5], 1)),
    "jvp(vmap(jvp))": lambda f: lambda x: F.jvp(lambda x: F.vmap(lambda a: F.jvp(f, (a,), (a * a,))[1])(rl.stack([x, x * x])), (x,), (X,))[1],
}  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("writer", WRITERS)
def test_writes_in_place_inside_are_those_out_of_place(writer: str, route: str) -> None:
    """At any depth, and what autograd records outside of it, too."""
    x = rl.tensor([0.5, -1.2, 0.8], dtype=rl.float64)
    written, plain = (ROUTES[route](f) for f in WRITERS[writer])
    assert rl.allclose(written(x.clone()), plain(x))
    grads = []
    for f in (written, plain):
        z = x.clone().requires_grad_()
        out = f(z)
        grads.append(
            rl.autograd.grad(out.sum(), z, materialize_grads=True)[0] if out.requires_grad else rl.zeros_like(x)
        )
    assert rl.allclose(*grads)


def test_no_grad_inside_holds_for_the_levels_outside() -> None:
    def f(x: Any) -> Any:
        with rl.no_grad():
            c = x * x
        return (x * c).sum()

    x = rl.tensor([2.0], requires_grad=True)
    assert F.grad(f)(x).tolist() == [4.0] and F.grad(lambda x: F.grad(f)(x).sum())(x).tolist() == [0.0]
    assert not F.grad(f)(x).requires_grad


def test_views_of_several_may_be_written_where_nothing_is_recorded() -> None:
    c = rl.ones(4)
    F.grad(lambda x: (c.clone().chunk(2)[0].mul_(2).sum() * x).sum())(rl.ones(2))


def test_detach_in_place_inside() -> None:
    x = rl.tensor([1.0, 2.0])
    assert F.grad(lambda x: ((x * 2).detach_() * x).sum())(x).tolist() == [2.0, 4.0]
    assert F.grad(lambda y: F.grad(lambda x: ((x * 2).detach_() * x * y).sum())(y).sum())(x).tolist() == [4.0, 8.0]
    assert F.jvp(lambda x: (x * 2).detach_() * x, (x,), (x,))[1].tolist() == [2.0, 8.0]
    assert F.grad(lambda x: F.vmap(lambda y: (y * y).detach_() * y)(x).sum())(x).tolist() == [1.0, 4.0]
    with rl.autograd.forward_ad.dual_level():
        dual = rl.autograd.forward_ad.make_dual(rl.ones(2, requires_grad=True), x).clone()
        primal, tangent = rl.autograd.forward_ad.unpack_dual(dual.detach_() * 2)
        assert not primal.requires_grad and tangent is None


def test_functional_call_takes_tensors() -> None:
    net = rl.nn.Linear(1, 1)
    with pytest.raises(TypeError, match="is not an instance of"):
        F.functional_call(net, {"weight": 3.0}, rl.ones(1, 1))
    with pytest.raises(TypeError, match="argument 'weight'"):
        F.functional_call(net, {"weight": None}, rl.ones(1, 1))
    assert isinstance(net.weight, rl.nn.Parameter)


def test_rules_of_ones_own_are_checked() -> None:
    def made(bwd: Any) -> Any:
        f = F.custom_vjp(lambda x, y=2.0: x * y)
        f.defvjp(lambda x, y: (x * y, y), bwd)
        return f

    assert F.grad(lambda x: made(lambda y, g: (g * y * 4, None))(x).sum())(X).tolist() == [8.0] * X.numel()
    with pytest.raises(TypeError, match="must return a tuple"):
        F.grad(lambda x: made(lambda y, g: g)(x).sum())(X)
    for rule, text in (
        (lambda p, t: t[0], "must return a pair"),
        (lambda p, t: (p[0] * 2, t[0].sum()), "tangent of shape"),
    ):
        g = F.custom_jvp(lambda x: x * 2)
        g.defjvp(rule)
        with pytest.raises(TypeError, match=text):
            F.jvp(g, (X,), (X,))
