"""The gamma function's logarithm and its derivatives, and the inverse of erf, in NumPy alone.

All of the gamma family by one plan: negative arguments by reflection, small ones moved up by the
recurrence, and the asymptotic series with Bernoulli numbers there (Abramowitz and Stegun 6.1.40, 6.3.18,
6.4.11). Everything is computed in float64 and rounded once.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from .elementwise import erfc

__all__ = ["digamma", "erfinv", "lgamma", "polygamma"]

Array = np.ndarray[Any, Any]
FAR = 10.0  # from here on the series are exact to float64


def bernoulli(count: int) -> list[Fraction]:
    """B2, B4, ...: ``count`` of them."""
    b = [Fraction(1)]
    for m in range(1, 2 * count + 1):
        b.append(-sum((math.comb(m + 1, k) * b[k] for k in range(m)), Fraction(0)) / (m + 1))
    return b[2::2]


BERNOULLI = bernoulli(14)
STIRLING = [float(b / (2 * k * (2 * k - 1))) for k, b in enumerate(BERNOULLI, 1)]
DIGAMMA = [float(b / (2 * k)) for k, b in enumerate(BERNOULLI, 1)]


def series(coefficients: list[float], z: Array) -> Array:
    """The polynomial of ``z``, lowest coefficient first."""
    total = np.full_like(z, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * z + c
    return total


def in_double(function: Any, x: Any, *args: Any) -> Array:
    """Compute in float64, of any shape, silently."""
    x = np.asarray(x)
    with np.errstate(all="ignore"):
        made = function(np.atleast_1d(x).astype(np.float64), *args)
    return made.astype(x.dtype).reshape(x.shape)  # type: ignore[no-any-return]


def lgamma(x: Any) -> Array:
    """log |Gamma(x)|: infinite at 0, -1, -2, ..."""
    return in_double(_lgamma, x)


def _lgamma(x: Array) -> Array:
    a = np.where(x < 0.5, 1 - x, x)  # reflection: Gamma(x) Gamma(1 - x) = pi / sin(pi x)
    made = _lgamma_positive(a)
    made = np.where(x < 0.5, np.log(math.pi / np.abs(_sin_pi(x))) - made, made)
    made = np.where((x <= 0) & (x == np.floor(x)), np.inf, made)
    return np.where(np.isinf(x), np.inf, made)


# log Gamma(1 + t) = -euler t + sum (-1)^k zeta(k) t^k / k, good around 1 and, by the recurrence, around 2
EULER = 0.57721566490153286061


def zeta(k: int) -> float:
    """Riemann's zeta function at a whole number from 2 on."""
    n = 12
    head = sum(j**-k for j in range(n - 1, 0, -1))
    tail = n ** (1 - k) / (k - 1) + 0.5 * n**-k
    factor = float(k) * n ** (-k - 1)
    for i, b in enumerate(BERNOULLI[:8], 1):
        tail += float(b) / math.factorial(2 * i) * factor
        factor *= (k + 2 * i - 1) * (k + 2 * i) / n**2
    return float(head + tail)


NEAR = [0.0, -EULER, *[(-1) ** k * zeta(k) / k for k in range(2, 60)]]


def _lgamma_positive(a: Array) -> Array:
    b = np.where(a < FAR, a, 1.0)  # only these are moved
    product = np.ones_like(a)
    moved = b.copy()
    for _ in range(int(FAR)):
        product = np.where(moved < FAR, product * moved, product)
        moved = np.where(moved < FAR, moved + 1, moved)
    z = np.where(a < FAR, moved, a)
    made = (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi) + series(STIRLING, 1 / (z * z)) / z
    made = np.where(a < FAR, made - np.log(product), made)
    # near the zeros 1 and 2 the difference above cancels
    t = np.where((a > 0.5) & (a < 2.5), np.where(a < 1.5, a - 1, a - 2), 0.0)
    near = series(NEAR, t) + np.where(a < 1.5, 0.0, np.log1p(t))
    return np.where((a > 0.5) & (a < 2.5), near, made)


def _sin_pi(x: Array) -> Array:
    """sin(pi x), exact at whole numbers."""
    r = x - 2 * np.floor(x / 2 + 0.5)  # from -1 up to 1
    r = np.where(r > 0.5, 1 - r, np.where(r < -0.5, -1 - r, r))
    return np.sin(math.pi * r)  # type: ignore[no-any-return]


def _tan_pi(x: Array) -> Array:
    return np.tan(math.pi * (x - np.floor(x + 0.5)))


def digamma(x: Any) -> Array:
    """The derivative of lgamma: -+infinite at +-0, nan at negative whole numbers."""
    return in_double(_digamma, x)


def _digamma(x: Array) -> Array:
    a = np.where(x <= 0, 1 - x, x)
    total = np.zeros_like(a)
    moved = a.copy()
    for _ in range(int(FAR)):
        near = moved < FAR
        total = np.where(near, total - 1 / moved, total)
        moved = np.where(near, moved + 1, moved)
    z = 1 / (moved * moved)
    made = total + np.log(moved) - 0.5 / moved - z * series(DIGAMMA, z)
    made = np.where(np.isposinf(x), np.inf, made)
    made = np.where(x < 0, made - math.pi / _tan_pi(x), made)  # reflection
    made = np.where((x < 0) & (x == np.floor(x)), np.nan, made)
    return np.where(x == 0, np.copysign(np.inf, -x), made)


def polygamma(n: int, x: Any) -> Array:
    """The n-th derivative of digamma: (-1)^(n+1) n! zeta(n + 1, x)."""
    return digamma(x) if n == 0 else in_double(_polygamma, x, n)


def _polygamma(x: Array, n: int) -> Array:
    """By the recurrence, for negative arguments too, up to where the asymptotic series holds."""
    s = n + 1
    total = np.zeros_like(x)
    moved = np.where(x < 0, x - np.floor(x), x)
    steps = np.where(x < 0, -np.floor(x), 0.0)
    for k in range(int(min(np.max(steps, initial=0, where=np.isfinite(steps)), 10000))):
        total = np.where(k < steps, total + (x + k) ** -s, total)
    far = FAR + n
    for _ in range(int(far) + 1):
        near = moved < far
        total = np.where(near, total + moved**-s, total)
        moved = np.where(near, moved + 1, moved)
    tail = moved ** (1 - s) / (s - 1) + 0.5 * moved**-s
    factor = s * moved ** (-s - 1.0)
    for i, b in enumerate(BERNOULLI, 1):
        tail = tail + float(b) / math.factorial(2 * i) * factor
        factor = factor * ((s + 2 * i - 1) * (s + 2 * i)) / (moved * moved)
    sign = (-1.0) ** (n + 1)
    made = sign * math.factorial(n) * (total + tail)
    made = np.where(x == 0, sign * np.inf, made)
    if n == 1:
        return np.where(np.isposinf(x), 0.0, made)
    return np.where(np.isposinf(x), np.nan, np.where(np.isneginf(x), sign * np.inf, made))  # as PyTorch has it


# Giles, "Approximating the erfinv function" (2010): a start with an error below 1e-6, then steps of Halley.
CENTRE = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
          -0.00417768164, 0.246640727, 1.50140941)  # fmt: skip
TAILS = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
         0.00943887047, 1.00167406, 2.83297682)  # fmt: skip


def erfinv(y: Any) -> Array:
    """The x with erf(x) = y: infinite at -1 and 1, nan beyond."""
    return in_double(_erfinv, y)


def _erfinv(y: Array) -> Array:
    a = np.minimum(np.abs(y), 1.0)
    rest = 1 - a
    w = -np.log(np.where(rest > 0, rest * (1 + a), 0.5))
    x = a * np.where(w < 5, series(list(CENTRE[::-1]), w - 2.5), series(list(TAILS[::-1]), np.sqrt(w) - 3))
    x = np.where(w > 16, np.sqrt(np.maximum(w - 0.5 * np.log(math.pi * np.maximum(w, 1)), 0)), x)
    for _ in range(3):  # of erfc, whose relative error stays small in the tail
        step = (erfc(x) - rest) * (math.sqrt(math.pi) / 2) * np.exp(x * x)
        x = x + step / (1 - x * step)
    x = np.where(rest > 0, x, np.inf)
    # where y is tiny the complement has lost it
    x = np.where(a < 1e-8, a * (math.sqrt(math.pi) / 2), x)
    return np.where(np.abs(y) <= 1, np.copysign(x, y), np.nan)
