"""SciPy's minimizers on trees and modules: structure, dtypes, bounds, constraints, second derivatives, errors."""

from __future__ import annotations

import pytest

import rushlight as rl

pytest.importorskip("scipy")
minimize = rl.optim.scipy_minimize


def rosenbrock(p):
    x, y = p["x"], p["rest"][0]
    return ((1 - x) ** 2 + 100 * (y - x**2) ** 2).sum()


def start():
    return {"x": rl.tensor(-1.2, dtype=rl.float64), "rest": [rl.ones(1, dtype=rl.float64)]}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of SciPy itself
@pytest.mark.parametrize(
    "method",
    ["Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "SLSQP", "trust-constr", "dogleg",
     "trust-ncg", "trust-exact", "trust-krylov"],
)  # fmt: skip
def test_every_method_finds_the_valley(method):
    if method == "dogleg":  # it needs a Hessian that is positive definite everywhere
        loss, first = (lambda p: (p["x"] - 1) ** 2 + ((p["rest"][0] - 1) ** 4 + (p["rest"][0] - 1) ** 2).sum()), start()
    else:
        loss, first = rosenbrock, start()
    options = {"maxiter": 5000} if method in ("COBYLA", "Nelder-Mead") else None
    found = minimize(loss, first, method, options=options, tol=1e-10)
    assert abs(found.x["x"].item() - 1) < 0.05 and abs(found.x["rest"][0].item() - 1) < 0.1
    assert found.x["rest"][0].shape == (1,) and found.x["x"].dtype is rl.float64
    assert first["x"].item() == -1.2 and not first["x"].requires_grad


def test_float32_leaves_keep_their_dtype():
    found = minimize(lambda p: (p - rl.tensor([1.0, 2.0])).square().sum(), rl.zeros(2))
    assert found.x.dtype is rl.float32 and rl.allclose(found.x, rl.tensor([1.0, 2.0]), atol=1e-4)
    assert found.jac.shape == (2,)


def test_a_module_is_fitted_in_place():
    rl.manual_seed(0)
    x = rl.linspace(-1, 1, 20)[:, None]
    model = rl.nn.Sequential(rl.nn.Linear(1, 5), rl.nn.Tanh(), rl.nn.Linear(5, 1))
    model[0].bias.requires_grad_(False)
    kept = model[0].bias.clone()
    before = rl.nn.functional.mse_loss(model(x), x**2).item()
    found = minimize(lambda m: rl.nn.functional.mse_loss(m(x), x**2), model, "BFGS", options={"maxiter": 50})
    after = rl.nn.functional.mse_loss(model(x), x**2).item()
    assert after < before / 10 and abs(after - found.fun) < 1e-6
    assert rl.equal(model[0].bias, kept) and list(found.x) == ["0.weight", "2.weight", "2.bias"]
    assert rl.equal(found.x["2.bias"], model[2].bias)


def test_a_module_has_its_values_back_after_an_error():
    model = rl.nn.Linear(1, 1)
    weight = model.weight.clone()

    def loss(m):
        if not rl.equal(m.weight, weight):
            raise ZeroDivisionError
        return m.weight.sum()

    with pytest.raises(ZeroDivisionError):
        minimize(loss, model)
    assert rl.equal(model.weight, weight)


def test_bounds_in_all_forms():
    target = {"a": rl.tensor([3.0, -3.0]), "b": rl.tensor(5.0)}
    loss = lambda p: sum((p[k] - target[k]).square().sum() for k in p)
    first = {"a": rl.zeros(2), "b": rl.tensor(0.0)}
    assert minimize(loss, first, bounds=(-1, 1)).x["a"].tolist() == [1.0, -1.0]
    found = minimize(loss, first, bounds={"a": (rl.tensor([0.0, -2.0]), None), "b": (None, 4)})
    assert found.x["a"].round(decimals=3).tolist() == [3.0, -2.0] and found.x["b"].item() == 4
    found = minimize(loss, first, bounds={"b": (None, 4)})
    assert found.x["a"].round(decimals=3).tolist() == [3.0, -3.0]
    with pytest.raises(ValueError, match="not in params"):
        minimize(loss, first, bounds={"c": (0, 1)})
    with pytest.raises(ValueError, match=r"a pair \(low, high\)"):
        minimize(loss, first, bounds={"a": 3})


def test_constraints_take_the_tree():
    found = minimize(
        lambda p: p[0] ** 2 + p[1] ** 2, (rl.tensor(2.0), rl.tensor(0.0)), "SLSQP",
        constraints={"type": "eq", "fun": lambda p: p[0] + p[1] - 1},
    )  # fmt: skip
    assert rl.allclose(rl.stack(found.x), rl.tensor([0.5, 0.5]), atol=1e-4)


def test_own_derivatives_and_callbacks():
    seen = []
    found = minimize(
        lambda p: (p**4).sum(), rl.ones(2, dtype=rl.float64), "Newton-CG", jac=lambda p: 4 * p**3,
        hessp=lambda p, v: 12 * p**2 * v, callback=lambda p: seen.append(p.shape),
    )  # fmt: skip
    assert found.x.abs().max() < 0.05 and seen and set(seen) == {(2,)}
    assert minimize(lambda p: (p**2).sum(), rl.ones(2, dtype=rl.float64), "CG", jac="2-point").x.abs().max() < 1e-2


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match=r"floating-point tensors, found torch\.int64"):
        minimize(lambda p: p.sum(), rl.ones(2, dtype=rl.int64))
    with pytest.raises(TypeError, match=r"one element, not a tensor of shape \[2\]"):
        minimize(lambda p: p, rl.ones(2))
    with pytest.raises(TypeError, match="hessp"):
        minimize(lambda p: p.sum(), rl.ones(2), hessp=3)
    with pytest.raises(ValueError, match="no params"):
        minimize(lambda p: 0, [])
