"""Every random kernel against PyTorch, bit for bit: the numbers, and the generator's state after them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rushlight._kernels import random as rk

torch = pytest.importorskip("torch")
F = torch.nn.functional

FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]
SIZES = [0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 100, 1000, 4097]


class Pair:
    """Torch's default generator and ours, in step."""

    def __init__(self, seed: int) -> None:
        self.seed(seed)

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.generator = rk.Twister(seed)

    def follow(self) -> rk.Twister:
        return self.generator.set_state(torch.get_rng_state().numpy())

    def same(self, ours: np.ndarray, theirs: Any, *, state: bool = True) -> None:
        want = theirs.numpy()
        assert ours.dtype == want.dtype and ours.shape == want.shape
        if ours.tobytes() != want.tobytes():
            at = np.nonzero(np.atleast_1d(ours != want))[0]
            raise AssertionError(
                f"{at.size} of {ours.size} differ, first at {at[:3]}: {ours.flat[at[:3]]} {want.flat[at[:3]]}"
            )
        if state:
            assert np.array_equal(self.generator.get_state(), torch.get_rng_state().numpy()), "state"


def kind(name: str) -> Any:
    return getattr(torch, name)


@pytest.mark.parametrize("dtype", [*FLOATS, "complex64", "complex128"])
def test_uniform_and_normal(dtype: str) -> None:
    t = kind(dtype)
    for seed in [*range(200), -1, -(2**63), 2**64 - 1, 2**32, 1234567890123]:
        pair = Pair(seed)
        g = pair.generator
        assert g.initial_seed() == torch.initial_seed()
        for n in SIZES if seed % 20 == 0 else SIZES[seed % 4 :: 4]:
            pair.same(rk.uniform(g, n, dtype=dtype), torch.rand(n, dtype=t), state=False)
            pair.same(rk.uniform(g, n, -0.3, 0.7, dtype), torch.empty(n, dtype=t).uniform_(-0.3, 0.7), state=False)
            pair.same(rk.uniform(g, n, 0, 3.3, dtype), torch.empty(n, dtype=t).uniform_(0, 3.3), state=False)
            pair.same(rk.normal(g, n, dtype=dtype), torch.randn(n, dtype=t), state=False)
            pair.same(rk.normal(g, n, 1.7, 0.3, dtype), torch.empty(n, dtype=t).normal_(1.7, 0.3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_million(dtype: str, seed: int) -> None:
    pair, n = Pair(seed), 1_000_003
    g, t = pair.generator, kind(dtype)
    pair.same(rk.normal(g, n, dtype=dtype), torch.randn(n, dtype=t))
    pair.same(rk.normal(g, n, -0.1, 0.02, dtype), torch.empty(n, dtype=t).normal_(-0.1, 0.02))
    pair.same(rk.uniform(g, n, -0.1, 0.1, dtype), torch.empty(n, dtype=t).uniform_(-0.1, 0.1))
    pair.same(rk.exponential(g, n, dtype=dtype), torch.empty(n, dtype=t).exponential_())


@pytest.mark.parametrize("used", [0, 1, 5, 623, 624, 625, 1247, 1248])
def test_states_interchange(used: int) -> None:
    for kept in (0, 1):
        torch.manual_seed(3)
        torch.empty(used, dtype=torch.int32).random_()
        torch.randn(kept)
        g = rk.Twister().set_state(torch.get_rng_state().numpy())
        assert np.array_equal(g.get_state(), torch.get_rng_state().numpy())
        assert rk.normal(g, 5).tobytes() == torch.randn(5).numpy().tobytes()
        torch.set_rng_state(torch.from_numpy(g.get_state()))
        assert rk.normal(g, 50).tobytes() == torch.randn(50).numpy().tobytes()
        g.next_float = 0.5  # torch keeps the float for us, though no kernel reads it
        torch.set_rng_state(torch.from_numpy(g.get_state()))
        assert np.array_equal(g.get_state(), torch.get_rng_state().numpy())


BOUNDS = [
    (0, 2), (0, 1), (3, 100), (-5, 7), (0, 127), (-100, 30000), (0, 2**28), (0, 2**28 - 1), (0, 65504),
    (-(2**31), 2**31 - 1), (5, 2**40 + 3), (-(2**63), 2**63 - 1), (0, 2**63 - 1), (-(2**24) - 5, 2**24 + 7),
    (0, 2**24 + 3), (-3 * 10**17, 10**18 + 1), (0, 2**32), (1, 2**32 + 1),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, "bool", "uint16", "uint32", "uint64"])
def test_randint(dtype: str) -> None:
    t = kind(dtype)
    for seed in range(4):
        pair = Pair(seed)
        g = pair.generator
        for n in (0, 1, 17, 3000):
            for low, high in BOUNDS:
                try:
                    theirs = torch.randint(low, high, (n,), dtype=t)
                except RuntimeError as error:
                    with pytest.raises(RuntimeError, match=str(error)[:15]):
                        rk.randint(g, low, high, n, dtype)
                else:
                    pair.same(rk.randint(g, low, high, n, dtype), theirs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, "bool"])
def test_random(dtype: str) -> None:
    t = kind(dtype)
    for seed in range(20):
        pair = Pair(seed)
        g = pair.generator
        for n in SIZES:
            pair.same(rk.random(g, n, dtype), torch.empty(n, dtype=t).random_())
            low = 0 if dtype == "bool" else 3
            pair.same(rk.randint(g, low, None, n, dtype), torch.empty(n, dtype=t).random_(low, None))
            if dtype in ("int64", "float32", "float64"):
                pair.same(rk.randint(g, -(2**63), None, n, dtype), torch.empty(n, dtype=t).random_(-(2**63), None))


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_randperm(dtype: str) -> None:
    t = kind(dtype)
    for seed in range(10):
        pair = Pair(seed)
        for n in [*SIZES, 5000, 30000]:
            try:
                theirs = torch.randperm(n, dtype=t)
            except RuntimeError as error:
                with pytest.raises(RuntimeError, match=str(error)[:20]):
                    rk.randperm(pair.generator, n, dtype)
            else:
                pair.same(rk.randperm(pair.generator, n, dtype), theirs)


def test_randperm_of_a_million() -> None:
    pair = Pair(0)
    pair.same(rk.randperm(pair.generator, 1_000_000), torch.randperm(1_000_000))


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, "bool"])
def test_bernoulli(dtype: str) -> None:
    t = kind(dtype)
    for seed in range(10):
        pair = Pair(seed)
        g = pair.generator
        for n in SIZES:
            for p in (0.0, 0.1, 0.5, 0.731, 1.0, 1e-20):
                pair.same(rk.bernoulli(g, p, n, dtype), torch.empty(n, dtype=t).bernoulli_(p))
            for other in FLOATS:
                ps = torch.linspace(0, 1, n, dtype=torch.float64).to(kind(other))
                pair.same(rk.bernoulli(g, ps.numpy(), None, dtype), torch.empty(n, dtype=t).bernoulli_(ps))


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_transformed_uniforms(dtype: str) -> None:
    t = kind(dtype)
    for seed in range(20):
        pair = Pair(seed)
        g = pair.generator
        for n in SIZES:
            for p in (0.1, 0.5, 0.9):
                pair.same(rk.geometric(g, n, p, dtype), torch.empty(n, dtype=t).geometric_(p))
            if dtype in INTEGERS:
                continue
            for rate in (1.0, 0.3, 7.0):
                pair.same(rk.exponential(g, n, rate, dtype), torch.empty(n, dtype=t).exponential_(rate))
            for mean, std in ((0.0, 1.0), (0.3, 2.7)):
                pair.same(rk.cauchy(g, n, mean, std, dtype), torch.empty(n, dtype=t).cauchy_(mean, std))
                pair.same(rk.log_normal(g, n, mean, std, dtype), torch.empty(n, dtype=t).log_normal_(mean, std))


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_of_arrays(dtype: str) -> None:
    t = kind(dtype)
    for seed in range(20):
        pair = Pair(seed)
        for n in SIZES:
            mean, std = torch.rand(n, dtype=t), torch.rand(n, dtype=t)
            g = pair.follow()
            pair.same(rk.normal_of(g, mean.numpy(), 0.7), torch.normal(mean, 0.7))
            pair.same(rk.normal_of(g, 0.7, std.numpy()), torch.normal(0.7, std))
            pair.same(rk.normal_of(g, mean.numpy(), std.numpy()), torch.normal(mean, std))


@pytest.mark.parametrize("dtype", FLOATS)
def test_dropouts(dtype: str) -> None:
    t = kind(dtype)
    for seed in range(20):
        pair = Pair(seed)
        for shape in ((1,), (16,), (1000,), (6, 5, 4), (3, 4, 5, 6)):
            x = torch.randn(shape, dtype=t)
            a, g = x.numpy(), pair.follow()
            for p in (0.1, 0.3, 0.5, 0.9):
                pair.same(a * rk.dropout_noise(g, shape, p, dtype), F.dropout(x, p))
                pair.same(a * rk.dropout_noise(g, shape, p, dtype), torch.native_dropout(x, p, True)[0])
                scale, shift = rk.alpha_dropout_noise(g, shape, p, dtype)
                pair.same(a * scale + shift, F.alpha_dropout(x, p, True))
                if len(shape) == 4:
                    pair.same(a * rk.dropout_noise(g, shape, p, dtype, True), F.dropout2d(x, p))
                    scale, shift = rk.alpha_dropout_noise(g, shape, p, dtype, True)
                    pair.same(a * scale + shift, F.feature_alpha_dropout(x, p, True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rrelu(dtype: str) -> None:
    for seed in range(20):
        pair = Pair(seed)
        for n in SIZES:
            x = torch.randn(n, dtype=kind(dtype))
            a = x.numpy()
            noise = rk.rrelu_noise(pair.follow(), a, 1 / 8, 1 / 3)
            pair.same(np.where(a <= 0, a * noise, a), F.rrelu(x, 1 / 8, 1 / 3, True))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial(dtype: str, replacement: bool) -> None:
    for seed in range(20):
        pair = Pair(seed)
        for shape in ((1,), (4,), (50,), (1000,), (20, 30)):
            p = torch.rand(shape, dtype=kind(dtype))
            g = pair.follow()
            for n in (1, 2, 7, shape[-1]):
                if replacement or n <= shape[-1]:
                    theirs = torch.multinomial(p, n, replacement)
                    pair.same(rk.multinomial(g, p.numpy(), n, replacement), theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rejection(dtype: str) -> None:
    for seed in range(20):
        pair = Pair(seed)
        for n in (0, 1, 2, 5, 16, 64, 65, 300):
            x = torch.rand(n, dtype=kind(dtype))
            g = pair.follow()
            for scale in (0.5, 3.0, 9.99, 12.0, 100.0, 1e4):
                pair.same(rk.poisson(g, (x * scale).numpy()), torch.poisson(x * scale))
            for scale in (0.05, 1.0, 3.0, 50.0):
                pair.same(rk.standard_gamma(g, (x * scale).numpy()), torch._standard_gamma(x * scale))
            for trials in (1, 7, 20, 100, 5000):
                count = torch.full_like(x, trials)
                pair.same(rk.binomial(g, count.numpy(), x.numpy()), torch.binomial(count, x))


def test_multinomial_of_equal_scores() -> None:
    for seed in range(30):
        pair = Pair(seed)
        for size in (2, 3, 4, 5, 10, 17, 40, 200, 1000, 3000):
            p = (torch.rand(size) * (torch.rand(size) < 0.3)).clamp_(max=0.5)
            p[0] = 0.1
            g = pair.follow()
            for n in (2, 3, size // 64, size // 2, size - 1, size):
                if 0 < n <= size:
                    pair.same(rk.multinomial(g, p.numpy(), n), torch.multinomial(p, n))


def test_greatest_is_topk() -> None:
    for seed in range(20):
        for size in (1, 2, 3, 4, 5, 10, 17, 40, 200, 1000, 3000):
            x = torch.randint(0, 1 + size // 3, (size,), generator=torch.Generator().manual_seed(seed)).float()
            for n in {1, 2, size // 64, size // 2, size} - {0}:
                if n <= size:
                    assert rk._greatest(x.tolist(), n) == torch.topk(x, n).indices.tolist()


def test_poisson_of_halves() -> None:
    pair = Pair(0)
    rate = torch.linspace(0, 40, 500).half()
    pair.same(rk.poisson(pair.generator, rate.numpy()), torch.poisson(rate))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dirichlet_and_beta(dtype: str) -> None:
    shapes = [(1,), (2,), (3,), (4,), (5,), (7,), (8,), (16,), (17,), (31,), (64,), (100,), (5, 3), (4, 4),
              (2, 3, 19), (1, 1), (9, 70), (1000,), (2, 1500)]  # fmt: skip
    for seed in range(5):
        pair = Pair(seed)
        for shape in shapes:
            alpha = torch.rand(shape, dtype=kind(dtype)) * 3
            pair.same(rk.dirichlet(pair.follow(), alpha.numpy()), torch._sample_dirichlet(alpha))
        a, b = torch.rand(2, 40, dtype=kind(dtype)) * 4
        pair.same(rk.beta(pair.follow(), a.numpy(), b.numpy()), torch.distributions.Beta(a, b).sample())


@pytest.mark.parametrize("dtype", FLOATS)
def test_tensors_of_other_strides(dtype: str) -> None:
    views = [
        lambda x: x.permute(2, 1, 0), lambda x: x.permute(1, 2, 0), lambda x: x[:, ::2],
        lambda x: x[..., 1:3].transpose(0, 1),
        lambda x: x[:, :1].transpose(1, 2), lambda x: x[:1].permute(2, 0, 1),
    ]  # fmt: skip
    for seed in range(5):
        pair = Pair(seed)
        for view in views:
            for scale in (1, 0):
                theirs = view(torch.zeros(4, 6, 5, dtype=kind(dtype)))
                ours = view_of(theirs)
                if scale:
                    theirs.uniform_()
                    rk.fill(ours, lambda shape: rk.uniform(pair.generator, shape, dtype=dtype))  # noqa: B023
                else:
                    theirs.normal_(1, 2)
                    whole = theirs.is_contiguous()
                    rk.fill(ours, lambda shape: rk.normal(pair.generator, shape, 1, 2, dtype, whole))  # noqa: B023
                pair.same(np.array(ours), theirs)


REFUSED = [
    (lambda n: n.uniform_(0, 1e39), lambda g, d: rk.uniform(g, 2, 0, 1e39, d)),
    (lambda n: n.uniform_(-1e308, 1e308), lambda g, d: rk.uniform(g, 2, -1e308, 1e308, d)),
    (lambda n: n.uniform_(2, 1), lambda g, d: rk.uniform(g, 2, 2, 1, d)),
    (lambda n: n.normal_(0, -1.5), lambda g, d: rk.normal(g, 2, 0, -1.5, d)),
    (lambda n: n.exponential_(0), lambda g, d: rk.exponential(g, 2, 0.0, d)),
    (lambda n: n.cauchy_(0, 0), lambda g, d: rk.cauchy(g, 2, 0.0, 0.0, d)),
    (lambda n: n.log_normal_(0, 1), lambda g, d: rk.log_normal(g, 2, 0.0, 1.0, d)),
    (lambda n: n.geometric_(0.5), lambda g, d: rk.geometric(g, 2, 0.5, d)),
    (lambda n: n.geometric_(1.5), lambda g, d: rk.geometric(g, 2, 1.5, d)),
    (lambda n: n.bernoulli_(0.5), lambda g, d: rk.bernoulli(g, 0.5, 2, d)),
    (lambda n: n.bernoulli_(1.5), lambda g, d: rk.bernoulli(g, 1.5, 2, d)),
    (lambda n: torch.bernoulli(n.zero_()), lambda g, d: rk.bernoulli(g, np.zeros(2, d), None, d)),
    (lambda n: n.random_(), lambda g, d: rk.random(g, 2, d)),
    (lambda n: n.random_(3, 3), lambda g, d: rk.randint(g, 3, 3, 2, d)),
    (lambda n: n.random_(-1, 2**60), lambda g, d: rk.randint(g, -1, 2**60, 2, d)),
    (lambda n: n.random_(-(2**63), None), lambda g, d: rk.randint(g, -(2**63), None, 2, d)),
    (lambda n: torch.randperm(3, dtype=n.dtype), lambda g, d: rk.randperm(g, 3, d)),
    (lambda n: torch.poisson(n.zero_() - 1), lambda g, d: rk.poisson(g, np.zeros(2, d) - 1)),
    (lambda n: torch._standard_gamma(n.zero_()), lambda g, d: rk.standard_gamma(g, np.zeros(2, d))),
    (lambda n: torch.multinomial(n.zero_(), 1), lambda g, d: rk.multinomial(g, np.zeros(2, d), 1)),
    (
        lambda n: torch.multinomial(n.zero_(), 2, True),
        lambda g, d: rk.multinomial(g, np.zeros(2, d), 2, True),
    ),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, "bool", "uint16", "uint32", "uint64", "complex64"])
@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refusals(case: int, dtype: str) -> None:
    theirs, ours = REFUSED[case]
    if case == 17 and dtype in ("bool", "uint16", "uint32", "uint64"):
        pytest.skip("torch has no minus for them")
    try:
        theirs(torch.empty(2, dtype=kind(dtype)))
    except (RuntimeError, TypeError) as error:
        with pytest.raises(type(error)) as caught:
            ours(rk.Twister(0), dtype)
        words = str(error).partition("  (Could")[0].split()[:6]
        assert str(caught.value).replace(":", "").split()[:6] == " ".join(words).replace(":", "").split(), str(error)
    else:
        ours(rk.Twister(0), dtype)


def view_of(tensor: Any) -> np.ndarray:
    """An array of its own memory with the shape and strides of ``tensor``."""
    numpy = tensor.numpy()
    memory = np.zeros(1000, numpy.dtype)
    return np.lib.stride_tricks.as_strided(memory, numpy.shape, numpy.strides)
