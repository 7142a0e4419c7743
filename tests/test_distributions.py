"""Distributions without PyTorch: densities add up to 1, draws have the moments, gradients agree with differences."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from distribution_cases import CASES, array, make, value

d = torch.distributions
NAMES = list(CASES)
pytestmark = pytest.mark.filterwarnings("ignore:Low df values")


@pytest.mark.parametrize("name", NAMES)
def test_log_prob_against_differences(name: str) -> None:
    dist, parameters = make(torch, name, grad=True)
    x = value(torch, name)
    total = dist.log_prob(x).sum()
    grads = torch.autograd.grad(total, parameters, allow_unused=True)
    for i, g in enumerate(grads):
        if g is None or name.startswith(
            (
                "categorical",
                "one_hot",
                "multinomial",
                "relaxed_cat",
                "multivariate_normal",
                "wishart",
                "generalized_pareto",
            )
        ):
            continue  # parameters that are normalized or symmetric, or a formula of its own at 0
        names = list(CASES[name][1])
        sides = []
        for step in (1e-6, -1e-6):
            kind, tensors, others, _ = CASES[name]
            moved = {n: torch.tensor(v + step * (n == names[i])) for n, v in tensors.items()}
            sides.append(float(getattr(d, kind)(**moved, **others, validate_args=False).log_prob(x).sum()))
        assert math.isclose((sides[0] - sides[1]) / 2e-6, float(g.sum()), rel_tol=1e-4, abs_tol=1e-4)


@pytest.mark.parametrize("name", [n for n in NAMES if "middle" not in n])
def test_moments_of_draws(name: str) -> None:
    torch.manual_seed(1)
    dist, _ = make(torch, name)
    try:
        mean, variance = dist.mean, dist.variance
    except NotImplementedError:
        return
    if name == "von_mises":
        return  # circular
    x = array(dist.sample((4000,)))
    good = np.isfinite(array(variance)) & np.isfinite(array(mean)) & (array(variance) < 50)
    error = np.abs(x.mean(0) - array(mean))
    assert (error[good] <= 7 * np.sqrt(array(variance)[good] / 4000) + 1e-9).all()


QUANTILES = (
    "Normal",
    "Uniform",
    "Exponential",
    "Laplace",
    "Cauchy",
    "ContinuousBernoulli",
    "GeneralizedPareto",
    "LogNormal",
    "HalfNormal",
    "HalfCauchy",
    "Gumbel",
    "Pareto",
    "Weibull",
    "Kumaraswamy",
)


@pytest.mark.parametrize("name", [n for n in NAMES if CASES[n][0] in QUANTILES and "middle" not in n])
def test_quantiles(name: str) -> None:
    dist, _ = make(torch, name)
    p = torch.tensor(np.array([0.2, 0.5, 0.9]))
    x = dist.icdf(p)
    torch.testing.assert_close(dist.cdf(x), p)
    step = 1e-5
    density = (dist.cdf(x + step) - dist.cdf(x - step)) / (2 * step)
    torch.testing.assert_close(density, dist.log_prob(x).exp(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "name", [n for n in NAMES if CASES[n][0] in ("Bernoulli", "Binomial", "Categorical", "OneHotCategorical")]
)
def test_probabilities_add_up(name: str) -> None:
    dist, _ = make(torch, name)
    total = dist.log_prob(dist.enumerate_support()).exp().sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_divergence_against_draws() -> None:
    torch.manual_seed(2)
    for p, q in (
        (d.Normal(0.3, 1.2), d.Laplace(0.0, 1.0)),
        (d.Gamma(2.0, 3.0), d.Normal(0.5, 1.0)),
        (d.Beta(2.0, 3.0), d.Gamma(2.0, 3.0)),
        (d.Uniform(0.2, 0.8), d.Beta(2.0, 1.5)),
        (d.Gumbel(0.1, 0.8), d.Normal(0.0, 1.0)),
        (d.Exponential(1.5), d.Gumbel(0.0, 1.0)),
        (d.Pareto(1.0, 4.0), d.Gamma(2.0, 1.0)),
        (d.Laplace(0.2, 0.7), d.Normal(0.0, 1.0)),
        (d.Beta(2.0, 3.0), d.Uniform(0.0, 1.0)),
    ):
        x = p.sample((40000,))
        q._validate_args = False
        estimate = (p.log_prob(x) - q.log_prob(x)).mean()
        assert abs(float(d.kl_divergence(p, q)) - float(estimate)) < 0.03, (p, q)


def test_divergence_dispatch() -> None:
    class Mine(d.Normal):
        pass

    assert float(d.kl_divergence(Mine(0.0, 1.0), d.Normal(0.0, 1.0))) == 0

    @d.register_kl(Mine, d.Normal)
    def special(p: Any, q: Any) -> Any:
        return torch.tensor(42.0)

    assert float(d.kl_divergence(Mine(0.0, 1.0), d.Normal(0.0, 1.0))) == 42
    with pytest.raises(NotImplementedError, match="No KL"):
        d.kl_divergence(d.Cauchy(0.0, 1.0), d.Poisson(1.0))
    with pytest.raises(TypeError, match="Expected type_p to be a Distribution subclass"):
        d.register_kl(d.Normal(0.0, 1.0), d.Normal)


def test_exponential_family_divergence_is_the_closed_form() -> None:
    from rushlight.distributions.kl import _KL_REGISTRY

    general = _KL_REGISTRY[d.ExponentialFamily, d.ExponentialFamily]
    for p, q in (
        (d.Normal(0.2, 1.1), d.Normal(-0.3, 0.7)),
        (d.Gamma(2.0, 3.0), d.Gamma(1.5, 0.5)),
        (d.Exponential(2.0), d.Exponential(0.7)),
        (d.Dirichlet(torch.tensor([1.0, 2.0])), d.Dirichlet(torch.tensor([2.0, 0.5]))),
        (d.Bernoulli(0.3), d.Bernoulli(0.6)),
        (d.Poisson(2.0), d.Poisson(3.0)),
    ):
        torch.testing.assert_close(general(p, q), d.kl_divergence(p, q), rtol=1e-4, atol=1e-5)


def test_transform_cache_and_inverse() -> None:
    f = d.TanhTransform(cache_size=1)
    x = torch.tensor([30.0, -30.0])
    y = f(x)
    assert f.inv(y) is x  # tanh has lost it
    assert f.inv.inv is f and f.with_cache(1) is f
    assert d.ExpTransform() == d.ExpTransform() and d.ExpTransform() != d.TanhTransform()
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        d.ExpTransform(cache_size=2)


def test_registry() -> None:
    for constraint in (
        d.constraints.simplex,
        d.constraints.positive,
        d.constraints.interval(-1.0, 2.0),
        d.constraints.corr_cholesky,
        d.constraints.unit_interval,
    ):
        f = d.biject_to(constraint)
        x = torch.randn(4, 3, dtype=torch.float64)
        y = f(x)
        assert constraint.check(y).all()
        torch.testing.assert_close(f.inv(y), x)
    with pytest.raises(NotImplementedError, match="Cannot transform _Boolean constraints"):
        d.biject_to(d.constraints.boolean)
    with pytest.raises(TypeError, match="Expected constraint to be either a Constraint subclass or instance"):
        d.biject_to.register(int, lambda c: c)


def test_validation_can_be_switched_off() -> None:
    with pytest.raises(ValueError, match="Expected parameter scale"):
        d.Normal(0.0, -1.0)
    assert d.Normal(0.0, -1.0, validate_args=False).scale == -1
    try:
        d.Distribution.set_default_validate_args(False)
        d.Normal(0.0, -1.0)
    finally:
        d.Distribution.set_default_validate_args(True)


def test_subclasses_must_expand_themselves() -> None:
    class Mine(d.Normal):
        def __init__(self, x: float) -> None:
            super().__init__(x, 1.0)

    with pytest.raises(NotImplementedError, match=r"must also define a custom \.expand"):
        Mine(0.0).expand((2,))


def test_pickles() -> None:
    for name in ("normal", "categorical", "multivariate_normal", "log_normal"):
        dist, _ = make(torch, name)
        again = pickle.loads(pickle.dumps(dist))
        x = value(torch, name)
        torch.testing.assert_close(again.log_prob(x), dist.log_prob(x))


def test_reparameterized_gradients() -> None:
    torch.manual_seed(0)
    a = torch.tensor(2.0, requires_grad=True)
    d.Gamma(a, torch.tensor(1.0)).rsample((20000,)).mean().backward()
    assert abs(float(a.grad) - 1) < 0.05  # the mean is a
    a = torch.tensor(2.0, requires_grad=True)
    d.Beta(a, torch.tensor(3.0)).rsample((20000,)).mean().backward()
    assert abs(float(a.grad) - 3 / 25) < 0.01  # the mean is a / (a + 3)
