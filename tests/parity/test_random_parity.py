"""Random numbers under one seed: the same digits as PyTorch, from every function and method that draws.

The kernels are tested bit by bit in ``test_random_bits``; here is what stands around them: seeds and states, the
order of draws, overloads, dtypes, strides, in-place draws and their gradients, and errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import rushlight

pytestmark = pytest.mark.filterwarnings("ignore")

P = [[0.1, 0.5, 0.9], [0.0, 1.0, 0.3]]

DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda m: m.rand(2, 3),
    "rand of a tuple": lambda m: m.rand((2, 3), dtype=m.float64),
    "rand complex": lambda m: m.rand(5, dtype=m.complex64),
    "rand size=": lambda m: m.rand(size=(4,)),
    "randn": lambda m: m.randn(3, 7),
    "randn few": lambda m: m.randn(5),
    "randn double": lambda m: m.randn(33, dtype=m.float64),
    "randn complex": lambda m: m.randn(9, dtype=m.complex128),
    "randn half": lambda m: m.randn(40, dtype=m.float16),
    "randint": lambda m: m.randint(10, (5,)),
    "randint low": lambda m: m.randint(-3, 4, (2, 3), dtype=m.int8),
    "randint names": lambda m: m.randint(low=2, high=9, size=(3,)),
    "randint wide": lambda m: m.randint(2**40, (3,)),
    "randint float": lambda m: m.randint(5, (4,), dtype=m.float32),
    "randperm": lambda m: m.randperm(20),
    "randperm small": lambda m: m.randperm(9, dtype=m.uint8),
    "rand_like": lambda m: m.rand_like(m.zeros(2, 3)),
    "randn_like transposed": lambda m: m.randn_like(m.zeros(5, 4).t()),
    "randn_like dtype": lambda m: m.randn_like(m.zeros(4, dtype=m.int64), dtype=m.float64),
    "randint_like": lambda m: m.randint_like(m.zeros(2, 3), 3, 9),
    "bernoulli": lambda m: m.bernoulli(m.tensor(P)),
    "bernoulli double": lambda m: m.bernoulli(m.tensor(P, dtype=m.float64)),
    "bernoulli p": lambda m: m.bernoulli(m.zeros(5), 0.3),
    "normal of means": lambda m: m.normal(m.arange(1.0, 5.0)),
    "normal of mean and number": lambda m: m.normal(m.arange(20.0), 2.0),
    "normal of deviations": lambda m: m.normal(3.0, m.arange(1.0, 21.0)),
    "normal of both": lambda m: m.normal(m.arange(3.0), m.arange(1.0, 4.0)),
    "normal spread": lambda m: m.normal(m.zeros(3, 1), m.ones(4)),
    "normal size": lambda m: m.normal(2.0, 3.0, (4, 5)),
    "multinomial": lambda m: m.multinomial(m.tensor([0.1, 0.2, 0.7]), 2),
    "multinomial replaced": lambda m: m.multinomial(m.tensor(P), 6, True),
    "multinomial rows": lambda m: m.multinomial(m.tensor(P), 2),
    "poisson": lambda m: m.poisson(m.tensor([0.5, 3.0, 40.0])),
    "binomial": lambda m: m.binomial(m.tensor([10.0, 50.0]), m.tensor([0.3, 0.6])),
    "uniform_": lambda m: m.empty(3, 4).uniform_(-1, 2),
    "uniform_ names": lambda m: m.empty(3, dtype=m.float64).uniform_(**{"from": 1.0, "to": 3.0}),
    "uniform_ transposed": lambda m: m.zeros(3, 4).t().uniform_(),
    "normal_": lambda m: m.empty(3, 4).normal_(1, 2),
    "normal_ strided": lambda m: m.zeros(40)[::2].normal_(),
    "normal_ long": lambda m: m.empty(100).normal_(),
    "random_": lambda m: m.empty(5, dtype=m.int64).random_(),
    "random_ to": lambda m: m.empty(5).random_(7),
    "random_ from to": lambda m: m.empty(5, dtype=m.int32).random_(-4, 7),
    "random_ float": lambda m: m.empty(5).random_(),
    "bernoulli_": lambda m: m.empty(6).bernoulli_(0.4),
    "bernoulli_ of tensor": lambda m: m.empty(2, 3).bernoulli_(m.tensor(P)),
    "bernoulli_ spread": lambda m: m.empty(2, 3).bernoulli_(m.tensor(P)[0]),
    "exponential_": lambda m: m.empty(5).exponential_(2.0),
    "geometric_": lambda m: m.empty(5).geometric_(0.3),
    "cauchy_": lambda m: m.empty(5).cauchy_(1.0, 2.0),
    "log_normal_": lambda m: m.empty(5).log_normal_(0.5, 0.3),
    "one after another": lambda m: m.cat([m.randn(3), m.rand(2), m.randn(1), m.empty(3).exponential_(), m.randn(18)]),
}  # fmt: skip


def array(x: Any) -> np.ndarray:
    return np.asarray(x.detach().numpy())


@pytest.mark.parametrize("name", DRAWS)
def test_draws(name: str) -> None:
    found = []
    for library in (rushlight, torch):
        library.manual_seed(12)
        found.append((array(DRAWS[name](library)), array(library.rand(3))))
    (mine, after), (theirs, then) = found
    assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(after, then, err_msg="the stream after it")


@pytest.mark.parametrize("name", DRAWS)
def test_generator(name: str) -> None:
    """A generator of one's own gives the same, and leaves the default one alone."""
    if "generator" in name or name in ("one after another", "poisson", "binomial"):
        return
    rushlight.manual_seed(5)
    expected = array(DRAWS[name](rushlight))
    g = rushlight.Generator().manual_seed(5)
    before = array(rushlight.get_rng_state())

    class WithGenerator:
        def __getattr__(self, attribute: str) -> Any:
            value = getattr(rushlight, attribute)
            if attribute.startswith("rand") or attribute in ("bernoulli", "normal", "multinomial"):
                return lambda *a, **k: value(*a, **k, generator=g)
            return value

    made = DRAWS[name](WithGenerator())
    if name.split()[0].endswith("_"):
        return
    np.testing.assert_array_equal(array(made), expected)
    np.testing.assert_array_equal(array(rushlight.get_rng_state()), before)


def test_states_are_exchanged() -> None:
    rushlight.manual_seed(3)
    rushlight.randn(7)
    torch.set_rng_state(torch.from_numpy(array(rushlight.get_rng_state()).copy()))
    np.testing.assert_array_equal(array(rushlight.randn(5)), array(torch.randn(5)))
    g = torch.Generator()
    g.manual_seed(9)
    torch.rand(3, generator=g)
    mine = rushlight.Generator()
    mine.set_state(rushlight.from_numpy(g.get_state().numpy().copy()))
    assert mine.initial_seed() == 9
    twin = mine.clone_state()
    state = twin.get_state()
    np.testing.assert_array_equal(array(rushlight.rand(4, generator=mine)), array(torch.rand(4, generator=g)))
    np.testing.assert_array_equal(
        array(rushlight.rand(4, generator=twin)), array(rushlight.rand(4, generator=twin.set_state(state)))
    )


INPLACE = ["uniform_", "normal_", "random_", "bernoulli_", "exponential_", "cauchy_", "log_normal_"]


@pytest.mark.parametrize("name", [*INPLACE, "geometric_"])
def test_gradient_is_zero(name: str) -> None:
    names = []
    for library in (rushlight, torch):
        x = library.ones(3, requires_grad=True)
        y = x * 2
        getattr(y, name)(*([0.5] if name == "geometric_" else []))
        names.append(y.grad_fn.name())
        y.sum().backward()
        assert x.grad.tolist() == [0.0, 0.0, 0.0]
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            getattr(x, name)(*([0.5] if name == "geometric_" else []))
        with library.no_grad():
            getattr(x, name)(*([0.5] if name == "geometric_" else []))
    assert names[0] == names[1]


def test_gradient_through_draws() -> None:
    for draw in (
        lambda m, x: m.bernoulli(x), lambda m, x: m.poisson(x), lambda m, x: m.normal(x, 1.0),
        lambda m, x: m.normal(0.0, x), lambda m, x: m.normal(x, x),
    ):  # fmt: skip
        names = []
        for library in (rushlight, torch):
            x = library.full((3,), 0.5, requires_grad=True)
            y = draw(library, x)
            names.append(y.grad_fn.name())
            y.sum().backward()
            assert x.grad.tolist() == [0.0, 0.0, 0.0]
        assert names[0] == names[1]


ERRORS: dict[str, Callable[[Any], Any]] = {
    "device": lambda m: m.Generator("nowhere"),
    "seed too large": lambda m: m.manual_seed(2**70),
    "seed of text": lambda m: m.manual_seed("a"),
    "generator's seed": lambda m: m.Generator().manual_seed(1.5),
    "state": lambda m: m.set_rng_state(1),
    "state of floats": lambda m: m.set_rng_state(m.zeros(3)),
    "state of another size": lambda m: m.set_rng_state(m.zeros(3, dtype=m.uint8)),
    "generator": lambda m: m.rand(3, generator=5),
    "negative size": lambda m: m.rand(-1),
    "randint without size": lambda m: m.randint(5),
    "randint bounds": lambda m: m.randint(5, 3, (2,)),
    "randint bool": lambda m: m.randint(3, (2,), dtype=m.bool),
    "randperm": lambda m: m.randperm(-1),
    "rand of integers": lambda m: m.rand(2, dtype=m.int64),
    "bernoulli range": lambda m: m.bernoulli(m.tensor([2.0])),
    "bernoulli integers": lambda m: m.bernoulli(m.tensor([1])),
    "bernoulli p": lambda m: m.bernoulli(m.ones(2), 2.0),
    "normal without size": lambda m: m.normal(0.0, 1.0),
    "normal std": lambda m: m.normal(0.0, -1.0, (2,)),
    "normal std of means": lambda m: m.normal(m.ones(2), -1.0),
    "normal shapes": lambda m: m.normal(m.ones(2), m.ones(3)),
    "uniform_ bounds": lambda m: m.ones(2).uniform_(3, 1),
    "uniform_ integers": lambda m: m.ones(2, dtype=m.int64).uniform_(),
    "normal_ std": lambda m: m.ones(2).normal_(0, -1),
    "multinomial too many": lambda m: m.multinomial(m.ones(2), 3),
    "multinomial integers": lambda m: m.multinomial(m.ones(2, dtype=m.int64), 1),
    "multinomial nothing": lambda m: m.multinomial(m.ones(2), 0),
    "multinomial zeros": lambda m: m.multinomial(m.zeros(2), 1),
    "multinomial negative": lambda m: m.multinomial(-m.ones(2), 1),
    "multinomial scalar": lambda m: m.multinomial(m.tensor(1.0), 1),
    "poisson integers": lambda m: m.poisson(m.ones(2, dtype=m.int64)),
    "random_ bounds": lambda m: m.ones(3).random_(5, 2),
    "random_ nothing": lambda m: m.ones(3).random_(0),
    "out of another dtype": lambda m: m.rand(2, out=m.ones(2, dtype=m.float64), dtype=m.float32),
    "offset": lambda m: m.Generator().get_offset(),
    "bernoulli p backward": lambda m: m.bernoulli(m.ones(2, requires_grad=True), 0.5).sum().backward(),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    errors = []
    for library in (rushlight, torch):
        with pytest.raises(Exception) as caught:
            ERRORS[name](library)
        errors.append(caught.value)
    mine, theirs = errors
    assert type(mine) is type(theirs), f"{mine!r} where PyTorch raises {theirs!r}"
    if name == "generator":
        return  # PyTorch lists the signatures
    start = str(theirs).split("\n")[0].split(" - got")[0][:25]
    assert str(mine).startswith(start), f"{mine} where PyTorch says {theirs}"


def test_gamma_and_dirichlet() -> None:
    """Draws are the same; gradients are exact here, where PyTorch approximates them to about 1e-3."""
    found = []
    for library in (rushlight, torch):
        library.manual_seed(4)
        a = library.linspace(0.2, 12, 24, dtype=library.float64).reshape(6, 4).requires_grad_()
        x = library._standard_gamma(a)
        x.sum().backward()
        d = library._sample_dirichlet(a.detach())
        slope = library._dirichlet_grad(d, a.detach(), a.detach().sum(-1, True).expand_as(a))
        found.append([array(v) for v in (x, a.grad, d, slope)] + [x.grad_fn.name()])
    for i, (mine, theirs) in enumerate(zip(*found, strict=True)):
        if i in (0, 2):
            np.testing.assert_array_equal(mine, theirs)
        elif i == 4:
            assert mine == theirs
        else:
            np.testing.assert_allclose(mine, theirs, rtol=3e-3)
