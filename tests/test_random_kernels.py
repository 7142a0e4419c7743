"""The random kernels against their definitions and against digits printed by PyTorch 2.13 (without torch)."""

from __future__ import annotations

import copy
import math
import pickle
import zlib

import numpy as np
import pytest

from rushlight._kernels import random as rk


def crc(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


def test_digits_of_continuous_numbers() -> None:
    g = rk.Twister(0)
    assert rk.uniform(g, 4).tolist() == [
        0.49625658988952637, 0.7682217955589294, 0.08847743272781372, 0.13203048706054688,
    ]  # fmt: skip
    assert rk.normal(g, 5).tolist() == [
        -2.1787893772125244, 0.5684312582015991, -1.0845223665237427, -1.3985954523086548,
        0.40334683656692505,
    ]  # fmt: skip
    assert rk.normal(g, 17)[-3:].tolist() == [-1.4688938856124878, -1.586688756942749, 1.203223705291748]
    assert rk.uniform(g, 2, dtype=np.float64).tolist() == [0.8556707572560391, 0.9765325276152065]
    assert rk.normal(g, 20, dtype=np.float64)[[0, 5, 19]].tolist() == [
        0.6732341820287824, -0.7140224819072761, -1.3840929722348692,
    ]  # fmt: skip
    assert rk.uniform(g, 3, -0.3, 0.7).tolist() == [
        -0.09635335206985474, 0.07483506202697754, -0.04355669021606445,
    ]  # fmt: skip


def test_digits_of_the_other_distributions_and_the_state_after_them() -> None:
    g = rk.Twister(42)
    f = np.float32
    assert rk.randint(g, 0, 10, 8).tolist() == [2, 7, 6, 4, 6, 5, 0, 4]
    assert rk.randint(g, -(2**62), 2**62, 2).tolist() == [-1733650121047795591, -1734094960886025002]
    assert rk.randperm(g, 10).tolist() == [0, 1, 9, 5, 2, 3, 4, 8, 6, 7]
    assert rk.bernoulli(g, 0.3, 8).tolist() == [0, 0, 1, 0, 1, 0, 0, 0]
    assert rk.bernoulli(g, np.full(8, 0.3, f)).tolist() == [0] * 8
    assert rk.exponential(g, 3, 2.0).tolist() == [
        0.14471516013145447,
        0.6288716793060303,
        0.41274550557136536,
    ]
    weights = np.array([0.1, 0.2, 0.3, 0.4], f)
    assert rk.multinomial(g, weights, 3).tolist() == [1, 2, 0]
    assert rk.multinomial(g, weights, 6, True).tolist() == [1, 1, 3, 1, 3, 3]
    assert rk.poisson(g, np.array([0.5, 3, 20, 100], f)).tolist() == [0, 4, 18, 115]
    assert rk.standard_gamma(g, np.array([0.3, 1, 5], f)).tolist() == [
        1.3436183508019894e-06, 1.1061774492263794, 4.661869049072266,
    ]  # fmt: skip
    assert rk.dirichlet(g, np.array([1, 2, 3], f)).tolist() == [
        0.007967603392899036, 0.6961902379989624, 0.29584214091300964,
    ]  # fmt: skip
    assert rk.binomial(g, np.array([10, 100, 50], f), np.array([0.3, 0.4, 0.9], f)).tolist() == [3, 36, 48]
    assert rk.cauchy(g, 2, 1.0, 2.0).tolist() == [2.62665057182312, -8.846750259399414]
    assert rk.geometric(g, 5, 0.2).tolist() == [1, 7, 1, 6, 23]
    assert rk.log_normal(g, 2).tolist() == [3.80552339553833, 17.756702423095703]
    assert rk.random(g, 3, np.int16).tolist() == [19483, 22662, 8392]
    assert rk.normal(g, 3, dtype=np.float16).tolist() == [0.400390625, -1.501953125, -0.1376953125]
    assert rk.normal(g, 2, dtype=np.complex64).tolist() == [
        0.7388121485710144 + 1.2953333854675293j, 0.5094812512397766 - 0.0792354941368103j,
    ]  # fmt: skip
    assert crc(g.get_state()) == 3012109968


def test_large_arrays() -> None:
    g = rk.Twister(1)
    assert crc(rk.normal(g, 100003)) == 3349974194
    assert crc(rk.randperm(g, 20000)) == 767277274


def test_seeds() -> None:
    assert rk.Twister().initial_seed() == 67280421310721
    g = rk.Twister(-1)
    assert g.initial_seed() == 2**64 - 1
    assert rk.uniform(g, 2).tolist() == [0.9937993884086609, 0.5713063478469849]
    for seed in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            g.manual_seed(seed)
    assert g.seed() == g.initial_seed() < 2**53
    assert rk.Twister(5 + 2**32).random32(3).tolist() == rk.Twister(5).random32(3).tolist()


@pytest.mark.parametrize("used", [0, 1, 623, 624, 625, 5000])
@pytest.mark.parametrize("kept", [False, True])
def test_state_goes_round(used: int, kept: bool) -> None:
    g = rk.Twister(3)
    g.skip(used)
    if kept:
        rk.normal(g, 1)
    state = g.get_state()
    assert state.dtype == np.uint8
    assert state.shape == (5056,)
    for h in (rk.Twister().set_state(state), g.clone(), copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert np.array_equal(h.get_state(), state)
        assert h.initial_seed() == 3
        assert np.array_equal(rk.normal(h, 7), rk.normal(rk.Twister().set_state(state), 7))
    assert np.array_equal(g.get_state(), state)


def test_bad_states() -> None:
    g = rk.Twister(0)
    with pytest.raises(TypeError, match=r"RNG state must be a torch\.ByteTensor"):
        g.set_state(np.zeros(5056))
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056"):
        g.set_state(np.zeros(5, np.uint8))
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        g.set_state(np.zeros(5056, np.uint8))


def test_words_agree_whatever_the_way_they_are_drawn() -> None:
    one, many = rk.Twister(9), rk.Twister(9)
    words = np.concatenate([one.random32(1000) for _ in range(10)])
    assert np.array_equal(words, many.random32(10000))
    wide = np.concatenate([one.random64(1000) for _ in range(10)])
    assert np.array_equal(wide, many.random64(10000))
    assert one.double() == float(many.random64(1)[0] & np.uint64(2**53 - 1)) * 2.0**-53
    assert np.array_equal(one.get_state(), many.get_state())


def exact_fma32(a: float, b: float, c: float) -> np.float32:
    """By whole numbers: the product and the sum over one power of two, rounded to 24 bits, ties to even."""
    scale = 2**300
    top = int(a * 2.0**80) * int(b * 2.0**80) * (scale >> 160) + int(c * 2.0**80) * (scale >> 80)
    size = max(abs(top).bit_length() - 24, 0)
    whole, rest = divmod(abs(top), 1 << size)
    half = (1 << size) >> 1
    whole += rest > half or (rest == half and size > 0 and whole & 1)
    return np.float32(math.copysign(math.ldexp(whole, size - 300), top))


def test_fma32_is_rounded_once() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 2000)).astype(np.float32)
    c = (rng.normal(size=2000) * 2.0 ** rng.integers(-30, 30, 2000)).astype(np.float32)
    got = rk._fma32(a, b, c)
    assert got.tolist() == [exact_fma32(*map(float, row)) for row in zip(a, b, c, strict=True)]
    # 1 + 2**-24 is a tie; the product's last bit, lost in float64, lies on either side of it.
    for sign in (1, -1):
        x, y = np.float32(1 + 2.0**-12), np.float32(2.0**-24)
        for z in (np.float32(1), np.float32(1 + 2.0**-23)):
            tiny = np.float32(sign * 2.0**-60)
            a2, b2 = np.array([x * y, y], np.float32), np.array([1, 1 + sign * 2.0**-23], np.float32)
            assert rk._fma32(a2, b2, z).tolist() == [exact_fma32(*map(float, r)) for r in zip(a2, b2, (z, z))]
            assert rk._fma32(np.array([tiny]), 1.0, z)[0] == z


def test_fma32_where_two_roundings_would_go_wrong() -> None:
    # With the product p = 2**-24 (1 +- 2**-46), 1 + 2**-23 + p is just off a tie, which float64 cannot see.
    wrong = 0
    for a in (1 + 2.0**-23, 1 - 2.0**-23):
        b, c = (2.0**-24 * (1 + 2.0**-23 if a < 1 else 1 - 2.0**-23)), 1 + 2.0**-23
        for sign in (1.0, -1.0):
            want = exact_fma32(a, sign * b, c)
            assert rk._fma32(np.array([a], np.float32), np.float32(sign * b), np.float32(c))[0] == want
            assert rk._fma32(np.array([a], np.float32), np.float32(-sign * b), np.float32(-c))[0] == -want
            wrong += np.float32(a * (sign * b) + c) != want
    assert wrong  # the naive way fails on these


def test_fma64_is_rounded_once() -> None:
    from fractions import Fraction

    rng = np.random.default_rng(1)
    a = rng.normal(size=500)
    for b, c in ((0.3, -0.7), (1e-9, 1.0), (1e9, 1e-9), (2.0, 0.5)):
        want = [float(Fraction(x) * Fraction(b) + Fraction(c)) for x in a.tolist()]
        assert rk._fma64(a, b, c).tolist() == want
        assert [rk._fma(x, b, c) for x in a.tolist()] == want


def test_libm_functions_are_those_of_math() -> None:
    x = rk.uniform(rk.Twister(0), 2000, 1e-3, 1.0, np.float64)
    for name in ("log", "sin", "cos", "tan", "exp"):
        assert rk._libm(name)(x).tolist() == [getattr(math, name)(v) for v in x.tolist()]
    assert rk._libm("log1p")(-x).tolist() == [math.log1p(-v) for v in x.tolist()]


def test_kept_normal() -> None:
    a, b = rk.Twister(0), rk.Twister(0)
    five = rk.normal(a, 5, dtype=np.float64)
    parts = [rk.normal(b, k, dtype=np.float64) for k in (1, 0, 1, 3)]
    assert np.array_equal(five, np.concatenate(parts))
    assert a.next_double is not None and a.next_double == b.next_double
    many = rk.normal(a, 40, dtype=np.float64, contiguous=False)
    assert np.array_equal(many, np.concatenate([rk.normal(b, 8, dtype=np.float64) for _ in range(5)]))


@pytest.mark.parametrize("n", [2, 10, 5000, 70000])
def test_randperm_is_the_shuffle_from_the_front(n: int) -> None:
    got, g = rk.randperm(rk.Twister(4), n), rk.Twister(4)
    order = list(range(n))
    for i, word in enumerate(g.random32(n - 1).tolist()):
        j = i + word % (n - i)
        order[i], order[j] = order[j], order[i]
    assert got.tolist() == order


def test_inside_out_is_a_permutation() -> None:
    order = rk._inside_out(rk.Twister(0), 3000)
    assert sorted(order.tolist()) == list(range(3000))


@pytest.mark.parametrize(
    ("draw", "mean", "variance"),
    [
        (lambda g, n: rk.uniform(g, n, -1, 3, np.float64), 1, 16 / 12),
        (lambda g, n: rk.normal(g, n, 2, 3), 2, 9),
        (lambda g, n: rk.normal(g, n, 2, 3, np.float64), 2, 9),
        (lambda g, n: rk.exponential(g, n, 4.0), 1 / 4, 1 / 16),
        (lambda g, n: rk.geometric(g, n, 0.3), 1 / 0.3, 0.7 / 0.09),
        (lambda g, n: rk.log_normal(g, n, 0.0, 0.5), math.exp(0.125), (math.exp(0.25) - 1) * math.exp(0.25)),
        (lambda g, n: rk.bernoulli(g, 0.3, n), 0.3, 0.21),
        (lambda g, n: rk.bernoulli(g, np.full(n, 0.3, np.float32)), 0.3, 0.21),
        (lambda g, n: rk.randint(g, 0, 6, n), 2.5, 35 / 12),
        (lambda g, n: rk.poisson(g, np.full(n, 3.5)), 3.5, 3.5),
        (lambda g, n: rk.poisson(g, np.full(n, 30.0)), 30, 30),
        (lambda g, n: rk.standard_gamma(g, np.full(n, 0.5)), 0.5, 0.5),
        (lambda g, n: rk.standard_gamma(g, np.full(n, 5.0)), 5, 5),
        (lambda g, n: rk.binomial(g, np.full(n, 12.0), np.full(n, 0.3)), 3.6, 2.52),
        (lambda g, n: rk.binomial(g, np.full(n, 200.0), np.full(n, 0.7)), 140, 42),
        (lambda g, n: rk.beta(g, np.full(n, 2.0), np.full(n, 3.0)), 0.4, 0.04),
        (lambda g, n: rk.multinomial(g, np.array([0.2, 0.3, 0.5]), n, True), 1.3, 0.61),
        (lambda g, n: rk.dropout_noise(g, (n,), 0.2), 1, 0.25),
    ],
)
def test_moments(draw, mean, variance) -> None:
    n = 4000
    x = draw(rk.Twister(11), n).astype(np.float64)
    assert abs(x.mean() - mean) < 4.5 * math.sqrt(variance / n)
    assert abs(x.var() / variance - 1) < 0.25


def test_median_of_cauchy() -> None:
    x = rk.cauchy(rk.Twister(0), 4000, 3.0, 2.0)
    assert abs(np.median(x) - 3) < 0.2
    assert abs(np.quantile(x, 0.75) - 5) < 0.5


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    g = rk.Twister(0)
    x = rk.normal(g, 20000, dtype=np.float64)
    scale, shift = rk.alpha_dropout_noise(g, x.shape, 0.3, np.float64)
    y = x * scale + shift
    assert abs(y.mean()) < 0.05 and abs(y.var() - 1) < 0.05
    assert rk.dropout_noise(g, (2, 3, 4, 5), 0.5, feature=True).shape == (2, 3, 1, 1)


def test_multinomial_without_replacement_and_weights_of_zero() -> None:
    g = rk.Twister(0)
    weights = np.array([[0.0, 1, 2, 0, 3], [5, 0, 0, 1, 1]])
    for _ in range(20):
        got = rk.multinomial(g, weights, 3)
        assert sorted(got[0].tolist()) == [1, 2, 4] and sorted(got[1].tolist()) == [0, 3, 4]
        assert (np.take_along_axis(weights, rk.multinomial(g, weights, 7, True), 1) > 0).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 17, 33, 200, 1000])
def test_greatest(n: int) -> None:
    rng = np.random.default_rng(n)
    for levels in (2, 5, 1000):
        values = rng.integers(0, levels, n).astype(float)
        for k in {1, 2, n // 64, n // 2, n} - {0}:
            got = rk._greatest(values.tolist(), min(k, n))
            assert len(set(got)) == len(got)
            assert values[got].tolist() == sorted(values.tolist(), reverse=True)[: len(got)]
    fall = rk._greatest([float(i) for i in range(300)], 150)
    assert fall == list(range(299, 149, -1))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"])
def test_ranges_of_random(dtype: str) -> None:
    x = rk.random(rk.Twister(0), 3000, dtype).astype(np.float64)
    kind = np.dtype(dtype).kind
    largest = 1 if kind == "b" else 2.0 ** np.finfo(dtype).nmant * 2 if kind == "f" else float(np.iinfo(dtype).max)
    assert x.min() >= 0 and largest * 0.9 < x.max() <= largest


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda g: rk.uniform(g, 3, 1, 0), RuntimeError, r"uniform_ expects to return a \[from, to\) range"),
        (lambda g: rk.uniform(g, 3, 0, 1e6, np.float16), RuntimeError, "to is out of bounds"),
        (lambda g: rk.uniform(g, 3, dtype=np.int32), NotImplementedError, "not implemented for 'Int'"),
        (lambda g: rk.normal(g, 3, 0, -1), RuntimeError, "normal expects std >= 0.0, but found std -1"),
        (
            lambda g: rk.normal_of(g, 0.0, -np.ones(2)),
            RuntimeError,
            "normal expects all elements of std >= 0.0",
        ),
        (lambda g: rk.randint(g, 3, 3, 1), RuntimeError, "random_ expects 'from' to be less than 'to'"),
        (lambda g: rk.randint(g, 0, 300, 1, np.uint8), RuntimeError, "to - 1 is out of bounds"),
        (lambda g: rk.randint(g, -1, 3, 1, np.uint8), RuntimeError, "from is out of bounds"),
        (lambda g: rk.random(g, 1, np.uint32), NotImplementedError, "not implemented for 'UInt32'"),
        (lambda g: rk.randperm(g, -1), RuntimeError, "n must be non-negative"),
        (
            lambda g: rk.randperm(g, 3000, np.float16),
            RuntimeError,
            "n cannot be greater than 2049 for Half type",
        ),
        (lambda g: rk.bernoulli(g, 1.5, 2), RuntimeError, r"bernoulli_ expects p to be in \[0, 1\]"),
        (lambda g: rk.bernoulli(g, np.array([1.5])), RuntimeError, "Expected p_in >= 0 && p_in <= 1"),
        (lambda g: rk.exponential(g, 2, 0.0), RuntimeError, "exponential_ expects lambda > 0.0"),
        (lambda g: rk.geometric(g, 2, 1.0), RuntimeError, r"geometric_ expects p to be in \(0, 1\)"),
        (lambda g: rk.cauchy(g, 2, 0.0, 0.0), RuntimeError, "cauchy_ expects sigma > 0.0"),
        (lambda g: rk.log_normal(g, 2, 0.0, 0.0), RuntimeError, "log_normal_ expects std > 0.0"),
        (lambda g: rk.poisson(g, np.array([-1.0])), RuntimeError, "invalid Poisson rate"),
        (
            lambda g: rk.multinomial(g, np.array([0.1, -1]), 1),
            RuntimeError,
            "probability tensor contains either",
        ),
        (lambda g: rk.multinomial(g, np.zeros(2), 2, True), RuntimeError, "invalid multinomial distribution"),
        (lambda g: rk.multinomial(g, np.ones(2), 3), RuntimeError, "cannot sample n_sample > prob_dist.size"),
    ],
)
def test_errors_begin_with_the_words_of_pytorch(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call(rk.Twister(0))


def test_empty_shapes_draw_nothing() -> None:
    g = rk.Twister(0)
    state = g.get_state()
    for f in (rk.uniform, rk.normal, rk.exponential, rk.cauchy, rk.log_normal, rk.random):
        assert f(g, (2, 0)).shape == (2, 0)
    assert rk.randint(g, 0, 5, (0,)).shape == (0,) and rk.bernoulli(g, 0.5, 0).size == 0
    assert rk.randperm(g, 0).size == 0 and rk.randperm(g, 1).tolist() == [0]
    assert np.array_equal(g.get_state(), state)


def test_memory_order() -> None:
    x = np.empty((2, 3, 4))
    assert rk.memory_order(x) == (0, 1, 2)
    assert rk.memory_order(x.T) == (2, 1, 0)
    assert rk.memory_order(x.transpose(1, 2, 0)) == (2, 0, 1)
    assert rk.memory_order(np.empty(())) == ()
