"""Special functions in NumPy alone: modified Bessel functions, the normal distribution's, the zeta function.

Everything is computed in float64 and rounded once. Where a function has a series and an asymptotic expansion, both are
joined by a Chebyshev interpolant that is made of them at the first call (Clenshaw 1962).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from .elementwise import erfc
from .gamma import BERNOULLI, CENTRE, TAILS, series

__all__ = ["erfcx", "i0", "i0e", "i1", "i1e", "log_ndtr", "ndtr", "ndtri", "zeta"]

Array = np.ndarray[Any, Any]
SPLIT, FAR = 8.0, 30.0  # the interpolants meet at the first; the expansion is exact from the second on


BLOCK = 1 << 14  # elements worked on at a time: what is in between stays in the cache


def in_double(function: Any, x: Any, *args: Any) -> Array:
    """A function of flat float64 arrays, on an array of any shape and dtype, block by block and silently."""
    x = np.asarray(x)
    flat = x.reshape(-1)
    made = np.empty(flat.shape, x.dtype)
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, BLOCK):
            part = flat[start : start + BLOCK]
            made[start : start + BLOCK] = function(part.astype(np.float64), *args)
    return made.reshape(x.shape)


def clenshaw(t: Array, coefficients: Array) -> Array:
    """A sum of Chebyshev polynomials."""
    twice = 2 * t
    now, before = np.full_like(t, coefficients[-1]), np.zeros_like(t)
    spare = np.empty_like(t)
    for c in coefficients[-2:0:-1].tolist():
        np.multiply(twice, now, spare)
        spare -= before
        spare += c
        now, before, spare = spare, now, before
    return t * now - before + coefficients[0]  # type: ignore[no-any-return]


# ---- I0 and I1


def by_series(x: Array, order: int) -> Array:
    """exp(-x) I(x), by the power series: all of its terms are positive (Abramowitz and Stegun 9.6.10)."""
    z = x * x / 4
    term = (x / 2) ** order
    total = term.copy()
    for k in range(1, 90):
        term = term * z / (k * (k + order))
        total = total + term
    return np.exp(-x) * total


def by_expansion(x: Array, order: int) -> Array:
    """sqrt(2 pi x) exp(-x) I(x) for large x (Abramowitz and Stegun 9.7.1)."""
    term = np.ones_like(x)
    total = term.copy()
    for k in range(1, 26):
        term = term * -((4 * order * order - (2 * k - 1) ** 2) / (k * 8 * x))
        total = total + term
    return total


@cache
def interpolants(order: int) -> tuple[Array, Array]:
    from numpy.polynomial import chebyshev

    def near(t: Array) -> Array:
        return by_series((t + 1) * SPLIT / 2, order)

    def far(t: Array) -> Array:
        x = 2 * SPLIT / np.maximum(t + 1, 1e-300)
        middle = np.minimum(x, FAR)
        exact = by_series(middle, order) * np.sqrt(2 * math.pi * middle)
        return np.where(x < FAR, exact, by_expansion(np.maximum(x, FAR), order))

    return chebyshev.chebinterpolate(near, 32), chebyshev.chebinterpolate(far, 28)


def scaled_bessel(x: Array, order: int) -> Array:
    near, far = interpolants(order)
    a = np.abs(x)
    inside = a <= SPLIT
    if inside.all():
        made = clenshaw(a * (2 / SPLIT) - 1, near)
    else:
        made = np.full_like(a, np.nan)
        made[inside] = clenshaw(a[inside] * (2 / SPLIT) - 1, near)
        outside = a > SPLIT
        large = a[outside]
        made[outside] = clenshaw(2 * SPLIT / large - 1, far) / np.sqrt(2 * math.pi * large)
    if order == 1:
        tiny = a < 1e-3  # the interpolant's error is absolute
        if tiny.any():
            small = a[tiny]
            made[tiny] = small / 2 * (1 + small * small / 8) * np.exp(-small)
        return np.copysign(made, x)
    return made


def i0e(x: Any) -> Array:
    """exp(-|x|) I0(x)."""
    return in_double(scaled_bessel, x, 0)


def i1e(x: Any) -> Array:
    """exp(-|x|) I1(x)."""
    return in_double(scaled_bessel, x, 1)


def grown_bessel(x: Array, order: int) -> Array:
    return np.exp(np.abs(x)) * scaled_bessel(x, order)


def i0(x: Any) -> Array:
    """The modified Bessel function of the first kind, order 0."""
    return in_double(grown_bessel, x, 0)


def i1(x: Any) -> Array:
    """The same of order 1."""
    return in_double(grown_bessel, x, 1)


# ---- the normal distribution


def erfcx(x: Any) -> Array:
    """exp(x^2) erfc(x), which does not vanish."""
    return in_double(_erfcx, x)


def _erfcx(x: Array) -> Array:
    a = np.abs(x)
    near = np.where(a < 6, a, 0.0)
    # exp(a^2) with the square in two parts, or its rounding would be magnified
    head = np.round(near * 1024) / 1024
    made = np.exp(head * head) * np.exp((near - head) * (near + head)) * erfc(near)
    outside = a >= 6
    if outside.any():
        far = a[outside]
        z = 0.5 / (far * far)
        term = np.ones_like(far)
        total = term.copy()
        for k in range(1, 30):
            term *= -(2 * k - 1) * z
            total += term
        made[outside] = np.where(np.isinf(far), 0.0, total / (far * math.sqrt(math.pi)))
    below = x < 0
    if below.any():
        made[below] = 2 * np.exp(x[below] * x[below]) - made[below]
    return np.where(np.isnan(x), np.nan, made)


def ndtr(x: Any) -> Array:
    """The normal distribution's cumulative probability."""
    return in_double(lambda x: 0.5 * erfc(-x * math.sqrt(0.5)), x)


def log_ndtr(x: Any) -> Array:
    """Its logarithm, exact in the far tail too."""
    return in_double(_log_ndtr, x)


def _log_ndtr(x: Array) -> Array:
    made = np.log1p(-0.5 * erfc(np.maximum(x, -1.0) * math.sqrt(0.5)))
    tail = x < -1
    if tail.any():
        low = x[tail]
        made[tail] = np.where(np.isinf(low), -np.inf, np.log(_erfcx(-low * math.sqrt(0.5)) / 2) - 0.5 * low * low)
    return np.asarray(made)


def ndtri(p: Any) -> Array:
    """The x with ndtr(x) = p: infinite at 0 and 1, nan beyond."""
    return in_double(_ndtri, p)


def _ndtri(p: Array) -> Array:
    made = math.sqrt(2) * inverse_erfc(2 * np.where(p > 0.5, 1 - p, p))
    made = np.where(p > 0.5, made, -made)
    made = np.where((p > 0) & (p < 1), made, np.nan)
    return np.where(p == 0.5, 0.0, np.where(p == 0, -np.inf, np.where(p == 1, np.inf, made)))


def inverse_erfc(rest: Array) -> Array:
    """The x with erfc(x) = ``rest``, from 0 to 1: Giles's start (2010) and steps of Halley."""
    rest = np.where((rest > 0) & (rest <= 1), rest, 0.5)
    a = 1 - rest
    w = -np.log(rest * (1 + a))
    x = a * np.where(w < 5, series(list(CENTRE[::-1]), w - 2.5), series(list(TAILS[::-1]), np.sqrt(w) - 3))
    x = np.where(w > 16, np.sqrt(np.maximum(w - 0.5 * np.log(math.pi * np.maximum(w, 1)), 0)), x)
    for _ in range(3):
        step = (erfc(x) - rest) * (math.sqrt(math.pi) / 2) * np.exp(x * x)
        x = x + step / (1 - x * step)
    return np.asarray(x)


# ---- the zeta function


def zeta(s: Any, q: Any) -> Array:
    """Hurwitz's: the sum of (q + k)^-s over k from 0 on."""
    s, q = np.broadcast_arrays(s, q)
    with np.errstate(all="ignore"):
        made = _zeta(np.atleast_1d(s).astype(np.float64), np.atleast_1d(q).astype(np.float64))
    return made.astype(s.dtype).reshape(s.shape)


def _zeta(s: Array, q: Array) -> Array:
    """Terms one by one up to where Euler's and Maclaurin's formula holds."""
    total = np.zeros(s.shape)
    moved = np.where(q < 0, q - np.floor(q), q)
    steps = np.where((q < 0) & np.isfinite(q), -np.floor(q), 0.0)
    for k in range(int(min(np.max(steps, initial=0), 10000))):
        total = np.where(k < steps, total + np.power(q + k, -s), total)
    # where s is larger than the argument is after 120 terms, these are all that counts
    far = np.where(np.isfinite(s), 12 + np.maximum(s, 0), 12)
    for _ in range(120):
        near = moved < far
        if not near.any():
            break
        total = np.where(near, total + np.power(np.where(moved == 0, 1, moved), -s), total)
        moved = np.where(near, moved + 1, moved)
    tail = np.power(moved, 1 - s) / (s - 1) + 0.5 * np.power(moved, -s)
    factor = s * np.power(moved, -s - 1)
    for i, b in enumerate(BERNOULLI, 1):
        tail = tail + float(b) / math.factorial(2 * i) * factor
        factor = factor * ((s + 2 * i - 1) * (s + 2 * i)) / (moved * moved)
    tail = np.where(moved < s, 0, tail)
    made = total + tail
    whole = q == np.floor(q)
    made = np.where((q < 0) & ~whole & (s != np.floor(s)), np.nan, made)
    made = np.where((q <= 0) & whole, np.inf, made)
    made = np.where(s == 1, np.inf, np.where(s < 1, np.nan, made))
    made = np.where(np.isnan(s) | np.isnan(q) | np.isinf(s) | np.isinf(q), np.nan, made)
    return np.where(whole & (q <= 0) & ~(s < 1) | (s == 1), np.inf, made)
