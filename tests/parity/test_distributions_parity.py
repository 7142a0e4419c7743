"""Distributions in PyTorch and here: densities, moments, draws of one seed, gradients, divergences, transforms, texts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import rushlight
from distribution_cases import CASES, array, attempt, make, value

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = list(CASES)
SINGLE = "generalized_pareto"  # PyTorch's compares with zeros of single precision
ROUGH = {SINGLE: 1e-5, "von_mises": 1e-6}  # PyTorch's Bessel functions there are polynomials good to seven digits


def kind(name: str) -> str:
    return "f4" if name == SINGLE else "f8"


def same(a: Any, b: Any, tol: float = 1e-8) -> None:
    """Two results, or two errors of one class."""
    if isinstance(b, type):
        assert a is b, f"{a} where PyTorch raises {b.__name__}"
        return
    assert not isinstance(a, type), f"{a.__name__} where PyTorch gives {b}"
    x, y = array(a), array(b)
    assert x.shape == y.shape and x.dtype == y.dtype, f"{x.shape} {x.dtype}, in PyTorch {y.shape} {y.dtype}"
    np.testing.assert_allclose(x, y, tol, tol, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_tells(name: str) -> None:
    mine, theirs = make(rushlight, name, dtype=kind(name))[0], make(torch, name, dtype=kind(name))[0]
    tol = ROUGH.get(name, 1e-8)
    assert repr(mine) == repr(theirs)
    assert tuple(mine.batch_shape) == tuple(theirs.batch_shape)
    assert tuple(mine.event_shape) == tuple(theirs.event_shape)
    assert mine.has_rsample == theirs.has_rsample and mine.has_enumerate_support == theirs.has_enumerate_support
    assert repr(mine.support) == repr(theirs.support)
    for what in (
        "mean",
        "mode",
        "variance",
        "stddev",
        "probs",
        "logits",
        "scale_tril",
        "covariance_matrix",
        "precision_matrix",
    ):
        if hasattr(type(theirs), what):
            same(attempt(lambda w=what: getattr(mine, w)), attempt(lambda w=what: getattr(theirs, w)), tol)
    for what in ("entropy", "perplexity", "enumerate_support"):
        same(attempt(lambda w=what: getattr(mine, w)()), attempt(lambda w=what: getattr(theirs, w)()), tol)


@pytest.mark.parametrize("name", NAMES)
def test_at_a_value(name: str) -> None:
    dtype, tol = kind(name), ROUGH.get(name, 1e-8)
    mine, theirs = make(rushlight, name, dtype=dtype)[0], make(torch, name, dtype=dtype)[0]
    x, y = value(rushlight, name, dtype), value(torch, name, dtype)
    same(mine.log_prob(x), theirs.log_prob(y), tol)
    same(attempt(lambda: mine.cdf(x)), attempt(lambda: theirs.cdf(y)), tol)
    p = np.array([0.1, 0.5, 0.9], dtype)
    same(attempt(lambda: mine.icdf(rushlight.tensor(p))), attempt(lambda: theirs.icdf(torch.tensor(p))), tol)


@pytest.mark.parametrize("name", NAMES)
def test_gradients(name: str) -> None:
    found = []
    for lib in (rushlight, torch):
        d, parameters = make(lib, name, grad=True, dtype=kind(name))
        x = value(lib, name, kind(name))
        if x.is_floating_point() and d.support.is_discrete is False:
            x.requires_grad_()
            parameters = [*parameters, x]
        total = d.log_prob(x).sum()
        if not isinstance(attempt(d.entropy), type):
            total = total + d.entropy().sum()
        found.append(lib.autograd.grad(total, parameters, allow_unused=True))
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            same(a, b, ROUGH.get(name, 1e-8))


# draws whose rounding differs in the last places, by the logarithm of another library
LOOSE = {"f4": 2e-5, "f8": 1e-9}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", NAMES)
def test_draws(name: str, dtype: str) -> None:
    found = []
    for lib in (rushlight, torch):
        lib.manual_seed(7)
        d, _ = make(lib, name, dtype=dtype)
        found.append([d.sample(), d.sample((2,)), d.sample((2, 1))])
    for a, b in zip(*found, strict=True):
        same(a, b, LOOSE[dtype])


@pytest.mark.parametrize("name", NAMES)
def test_rsample(name: str) -> None:
    found = []
    for lib in (rushlight, torch):
        lib.manual_seed(8)
        d, parameters = make(lib, name, grad=True)
        if name.startswith("wishart"):
            return  # PyTorch cannot differentiate its own: it writes over the mask that it chose samples by
        x = attempt(lambda d=d: d.rsample((2,)))
        if isinstance(x, type):
            found.append([x])
            continue
        weights = lib.tensor(np.linspace(0.5, 1.5, x.numel()).reshape(tuple(x.shape)))
        found.append([x, *lib.autograd.grad((x * weights).sum(), parameters, allow_unused=True)])
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            same(a, b, 1e-4 if a is not found[0][0] else 1e-8)  # PyTorch's gamma and beta gradients are approximations


@pytest.mark.parametrize("name", NAMES)
def test_expand(name: str) -> None:
    found = []
    for lib in (rushlight, torch):
        lib.manual_seed(9)
        d, _ = make(lib, name, dtype=kind(name))
        shape = (2, *d.batch_shape)
        e = d.expand(shape)
        assert tuple(e.batch_shape) == shape
        found.append(
            [
                e.log_prob(value(lib, name, kind(name))),
                e.sample(),
                attempt(lambda e=e: e.mean),
                e.expand((3, *shape)).sample(),
            ]
        )
    for a, b in zip(*found, strict=True):
        same(a, b, ROUGH.get(name, 1e-8))


@pytest.mark.parametrize(("p", "q"), [pytest.param(p, q, id=f"{p}-{q}") for p, q in itertools.product(NAMES, NAMES)])
def test_divergence(p: str, q: str) -> None:
    mine = attempt(lambda: rushlight.distributions.kl_divergence(make(rushlight, p)[0], make(rushlight, q)[0]))
    theirs = attempt(lambda: torch.distributions.kl_divergence(make(torch, p)[0], make(torch, q)[0]))
    same(mine, theirs)


TRANSFORMS: dict[str, Any] = {
    "exp": (lambda t: t.ExpTransform(), (3,)),
    "sigmoid": (lambda t: t.SigmoidTransform(), (3,)),
    "tanh": (lambda t: t.TanhTransform(), (3,)),
    "softplus": (lambda t: t.SoftplusTransform(), (3,)),
    "abs": (lambda t: t.AbsTransform(), (3,)),
    "affine": (lambda t: t.AffineTransform(0.5, -2.0), (3,)),
    "affine event": (lambda t: t.AffineTransform(0.5, 2.0, event_dim=1), (2, 3)),
    "power": (lambda t: t.ComposeTransform([t.ExpTransform(), t.PowerTransform(1.5)]), (3,)),
    "compose": (
        lambda t: t.ComposeTransform([t.AffineTransform(1.0, 2.0), t.SigmoidTransform(), t.ExpTransform()]),
        (2, 3),
    ),
    "independent": (lambda t: t.IndependentTransform(t.ExpTransform(), 1), (2, 3)),
    "reshape": (lambda t: t.ReshapeTransform((4,), (2, 2)), (3, 4)),
    "stick": (lambda t: t.StickBreakingTransform(), (2, 3)),
    "softmax": (lambda t: t.SoftmaxTransform(), (2, 3)),
    "corr": (lambda t: t.CorrCholeskyTransform(), (2, 6)),
    "lower": (lambda t: t.LowerCholeskyTransform(), (2, 3, 3)),
    "spd": (lambda t: t.PositiveDefiniteTransform(), (3, 3)),
    "cat": (lambda t: t.CatTransform([t.ExpTransform(), t.AffineTransform(0.0, 3.0)], dim=-1, lengths=[1, 2]), (2, 3)),
    "stack": (lambda t: t.StackTransform([t.ExpTransform(), t.SigmoidTransform()], dim=-1), (3, 2)),
    "inverse": (lambda t: t.TanhTransform().inv, (3,)),
    "stick then affine": (
        lambda t: t.ComposeTransform([t.AffineTransform(0.0, 2.0), t.StickBreakingTransform()]),
        (2, 3),
    ),
}


@pytest.mark.parametrize("name", list(TRANSFORMS))
def test_transform(name: str) -> None:
    factory, shape = TRANSFORMS[name]
    x = np.random.default_rng(1).uniform(-0.9, 0.9, shape)
    found = []
    for lib in (rushlight, torch):
        f = factory(lib.distributions.transforms)
        point = lib.tensor(x, requires_grad=True)
        y = f(point)
        jacobian = attempt(lambda f=f, p=point, y=y: f.log_abs_det_jacobian(p, y))
        (g,) = lib.autograd.grad(y.sum(), point, retain_graph=True)
        found.append([y, attempt(lambda f=f, y=y: f.inv(y)), jacobian, g])
        found.append(
            [
                repr(f),
                f.bijective,
                tuple(f.forward_shape(shape)),
                f.domain.event_dim,
                f.codomain.event_dim,
                repr(f.domain),
                repr(f.codomain),
                f == factory(lib.distributions.transforms),
            ]
        )
    for a, b in zip(found[0], found[2], strict=True):
        same(a, b)
    assert found[1] == found[3]


CONSTRAINTS: list[Any] = [
    (lambda c: c.boolean, [0.0, 0.5, 1.0]),
    (lambda c: c.real, [0.0, float("nan"), float("inf")]),
    (lambda c: c.positive, [0.0, 1.0, -1.0]),
    (lambda c: c.nonnegative, [0.0, 1.0, -1.0]),
    (lambda c: c.interval(0.0, 1.0), [0.0, 1.0, 1.5]),
    (lambda c: c.half_open_interval(0.0, 1.0), [0.0, 1.0, 0.5]),
    (lambda c: c.integer_interval(0, 2), [0.0, 1.5, 2.0]),
    (lambda c: c.nonnegative_integer, [0.0, 1.5, -2.0]),
    (lambda c: c.positive_integer, [0.0, 1.0, 2.5]),
    (lambda c: c.less_than(1.0), [0.0, 1.0, 2.5]),
    (lambda c: c.greater_than_eq(1.0), [0.0, 1.0, 2.5]),
    (lambda c: c.simplex, [[0.5, 0.5], [0.7, 0.7], [-0.5, 1.5]]),
    (lambda c: c.one_hot, [[0.0, 1.0], [1.0, 1.0]]),
    (lambda c: c.multinomial(3), [[1.0, 2.0], [2.0, 2.0]]),
    (lambda c: c.lower_triangular, [[[1.0, 0], [1, 1]], [[1, 1], [0, 1]]]),
    (lambda c: c.lower_cholesky, [[[1.0, 0], [1, 1]], [[1, 0], [0, -1]]]),
    (lambda c: c.corr_cholesky, [[[1.0, 0], [0.6, 0.8]], [[1, 0], [1, 1]]]),
    (lambda c: c.positive_definite, [[[2.0, 1], [1, 2]], [[1, 2], [2, 1]]]),
    (lambda c: c.positive_semidefinite, [[[1.0, 0], [0, 0]], [[1, 2], [2, 1]]]),
    (lambda c: c.symmetric, [[[2.0, 1], [1, 2]], [[1, 2], [0, 1]]]),
    (lambda c: c.independent(c.positive, 1), [[1.0, 2.0], [1.0, -1.0]]),
    (lambda c: c.cat([c.positive, c.real], -1, [1, 1]), [[1.0, -2.0], [-1.0, -1.0]]),
    (lambda c: c.stack([c.positive, c.unit_interval], -1), [[1.0, 0.5], [-1.0, 2.0]]),
]


@pytest.mark.parametrize("number", range(len(CONSTRAINTS)))
def test_constraint(number: int) -> None:
    factory, data = CONSTRAINTS[number]
    mine, theirs = factory(rushlight.distributions.constraints), factory(torch.distributions.constraints)
    assert repr(mine) == repr(theirs)
    assert (mine.is_discrete, mine.event_dim) == (theirs.is_discrete, theirs.event_dim)
    x = np.array(data)
    same(mine.check(rushlight.tensor(x)), theirs.check(torch.tensor(x)))
    for table in ("biject_to", "transform_to"):
        a = attempt(lambda t=table: getattr(rushlight.distributions, t)(mine))
        b = attempt(lambda t=table: getattr(torch.distributions, t)(theirs))
        assert (a if isinstance(a, type) else repr(a)) == (b if isinstance(b, type) else repr(b))


def errors(lib: Any) -> list[str]:
    d, t = lib.distributions, lib.tensor
    calls = [
        lambda: d.Normal(0.0, -1.0),
        lambda: d.Normal(t([0.0, 1.0]), t([1.0, -1.0])),
        lambda: d.Normal(0.0, 1.0).log_prob(t(float("nan"))),
        lambda: d.Bernoulli(0.3).log_prob(t(0.5)),
        lambda: d.Normal(0.0, 1.0).log_prob(1.0),
        lambda: d.Normal(t([0.0, 1.0]), 1.0).log_prob(lib.zeros(3)),
        lambda: d.Bernoulli(),
        lambda: d.Uniform(1.0, 0.0),
        lambda: d.MultivariateNormal(lib.zeros(2)),
        lambda: d.MultivariateNormal(lib.zeros(2), -lib.eye(2)),
        lambda: d.Independent(d.Normal(0.0, 1.0), 1),
        lambda: d.Normal("a", 1.0),
        lambda: d.Multinomial(t([2]), t([0.5, 0.5])),
        lambda: d.Dirichlet(t(1.0)),
        lambda: d.LKJCholesky(1, 1.0),
        lambda: d.Uniform(0.0, 1.0).log_prob(t(2.0)),
        lambda: d.TransformedDistribution(d.Normal(0.0, 1.0), 1),
        lambda: d.MixtureSameFamily(1, 2),
        lambda: d.Wishart(t(0.5), lib.eye(2)),
        lambda: d.ExpTransform(cache_size=2),
        lambda: d.biject_to(d.constraints.boolean),
        lambda: d.MultivariateNormal(lib.zeros(2), lib.eye(2)).log_prob(lib.zeros(3)),
        lambda: d.Geometric(t([0.0, 0.5])),
        lambda: d.Categorical(t(1.0)),
    ]
    said = []
    for f in calls:
        try:
            said.append(repr(f()))
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")
    return said


def test_errors() -> None:
    for mine, theirs in zip(errors(rushlight), errors(torch), strict=True):
        assert mine == theirs


def composed(lib: Any) -> list[Any]:
    d, t = lib.distributions, lib.tensor
    lib.manual_seed(3)
    mix = d.MixtureSameFamily(d.Categorical(t([[0.3, 0.7], [0.5, 0.5]])), d.Normal(t([[0.0, 2.0], [1.0, 3.0]]), 1.0))
    vectors = d.MixtureSameFamily(
        d.Categorical(t([0.3, 0.7])), d.Independent(d.Normal(t([[0.0, 2.0], [1.0, 3.0]]), 1.0), 1)
    )
    pushed = d.TransformedDistribution(
        d.Normal(t([0.0, 1.0]), 1.0), [d.AffineTransform(1.0, -2.0), d.SigmoidTransform()]
    )
    simplex = d.TransformedDistribution(d.Normal(lib.zeros(3), lib.ones(3)), d.StickBreakingTransform())
    made = []
    for m in (mix, vectors, pushed, simplex, d.Independent(d.Bernoulli(t([0.3, 0.4])), 1)):
        x = m.sample((2,))
        made += [x, m.log_prob(x), t([float(n) for n in (*m.batch_shape, *m.event_shape)])]
        made += [
            attempt(lambda m=m: m.mean),
            attempt(lambda m=m: m.variance),
            attempt(lambda m=m, x=x: m.cdf(x)),
            attempt(lambda m=m: m.icdf(t(0.3))),
        ]
        made.append(m.expand((3, *m.batch_shape)).log_prob(m.expand((3, *m.batch_shape)).sample()))
    return made


def test_composed() -> None:
    for mine, theirs in zip(composed(rushlight), composed(torch), strict=True):
        same(mine, theirs, 2e-5)


def test_every_name_is_there() -> None:
    for space in ("distributions", "distributions.constraints", "distributions.transforms"):
        mine: Any = rushlight
        theirs: Any = torch
        for part in space.split("."):
            mine, theirs = getattr(mine, part), getattr(theirs, part)
        assert set(theirs.__all__) - {"_InverseTransform"} <= set(dir(mine)), space
