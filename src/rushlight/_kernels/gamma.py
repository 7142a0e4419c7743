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

from . import jit
from .elementary import LN2, large, log_parts, log_positive
from .elementwise import erfc
from .jit import EXACT, STRICT, Compiled, compiled

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


# ---- for loops over float32 (see ``elementary``): moved up by a fixed number of steps, five terms of the series
scalar = compiled(EXACT, inline=True)
f4, f8 = np.float32, np.float64
STEPS = 8
PI, HALF_LOG_2PI = f8(math.pi), f8(0.5 * math.log(2 * math.pi))
P0, P1, P2, P3, P4 = (f8(c) for c in STIRLING[:5])
D0, D1, D2, D3, D4 = (f8(c) for c in DIGAMMA[:5])
B0, B1, B2, B3, B4 = (f8(float(b)) for b in BERNOULLI[:5])
N3, N5, N7, N9, N11, N13, N15 = (f8((-1) ** (n // 2) / math.factorial(n)) for n in range(3, 16, 2))
C2, C4, C6, C8, C10, C12, C14 = (f8((-1) ** (n // 2) / math.factorial(n)) for n in range(2, 15, 2))
# erfinv(a) = a V(w - 5/2) for w = -log(1 - a^2) < 5, a U(sqrt(w) - 3) up to 17
V0, V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11 = (f8(c) for c in (
    1.5014093516925102, 0.2466402757856446, -0.004177324636203617, -0.0012527048768698394, 0.00021826355749406538,
    -4.998759783482013e-06, -3.4260121674683665e-06, 4.79698865596202e-07, 1.6457231424237762e-08,
    -1.1023216931770734e-08, 4.3703105228704584e-10, 1.3285919377672744e-10))  # fmt: skip
U0, U1, U2, U3, U4, U5, U6, U7, U8, U9 = (f8(c) for c in (
    2.8329768056935785, 1.0016749119239938, 0.009445007770434844, -0.007636390977860692, 0.00568940573545904,
    -0.003601640661489983, 0.0014786515944912478, -4.867586554589875e-05, -0.00030436346417857864,
    0.00011009956622623717))  # fmt: skip


@scalar
def _sin_cos_pi(x: Any) -> Any:
    """Sine and cosine of pi x up to a common sign."""
    r = PI * (x - np.floor(x + f8(0.5)))
    z = r * r
    s = r + r * z * (N3 + z * (N5 + z * (N7 + z * (N9 + z * (N11 + z * (N13 + z * N15))))))
    c = C4 + z * (C6 + z * (C8 + z * (C10 + z * (C12 + z * C14))))
    return s, f8(1.0) + z * (C2 + z * c)


@compiled(STRICT)
def _lgamma_loop(x: Any, out: Any) -> bool:
    odd = False
    for i in range(x.size):
        v = f8(x[i])
        odd |= not abs(v) < f8(1e30)
        below = v < f8(0.5)
        a = f8(1.0) - v if below else v
        product = f8(1.0)
        for k in range(STEPS):
            product = product * (a + f8(k))
        near = a < f8(STEPS)
        product = product if near else f8(1.0)
        z = a + f8(STEPS) if near else a
        u = f8(1.0) / (z * z)
        stirling = (z - f8(0.5)) * log_positive(z) - z + HALF_LOG_2PI
        stirling = stirling + (P0 + u * (P1 + u * (P2 + u * (P3 + u * P4)))) / z
        s, _ = _sin_cos_pi(v)
        s = abs(s)
        pole = below and s == f8(0.0)
        product = PI * product / (f8(1.0) if pole else s) if below else product
        y = log_positive(product)
        y = y - stirling if below else stirling - y
        t, w = v - f8(1.0), v - f8(2.0)  # around the zeros the difference cancels
        one = t * (Z1 + t * (Z2 + t * (Z3 + t * (Z4 + t * Z5))))
        two = w * (Y1 + w * (Y2 + w * (Y3 + w * (Y4 + w * Y5))))
        y = one if abs(t) < f8(0.02) else y
        y = two if abs(w) < f8(0.02) else y
        out[i] = f4(f8(math.inf) if pole else y)
    return odd


@compiled(STRICT)
def _digamma_loop(x: Any, out: Any) -> bool:
    odd = False
    for i in range(x.size):
        v = f8(x[i])
        odd |= not abs(v) < f8(1e30) or v == f8(0.0)
        below = v < f8(0.0)
        a = f8(1.0) - v if below else v
        product, total = f8(1.0), f8(0.0)  # total / product: the sum of 1/a, 1/(a + 1), ...
        for k in range(STEPS):
            total = total * (a + f8(k)) + product
            product = product * (a + f8(k))
        near = a < f8(STEPS)
        z = a + f8(STEPS) if near else a
        r = f8(1.0) / z
        u = r * r
        y = log_positive(z) - f8(0.5) * r - u * (D0 + u * (D1 + u * (D2 + u * (D3 + u * D4))))
        y = y - total / product if near else y
        s, c = _sin_cos_pi(v)
        y = y - PI * c / s if below else y
        out[i] = f4(f8(math.nan) if below and s == f8(0.0) else y)
    return odd


@compiled(STRICT)
def _trigamma_loop(x: Any, out: Any) -> bool:
    odd = False
    for i in range(x.size):
        v = f8(x[i])
        odd |= not abs(v) < f8(1e15)
        below = v < f8(0.5)
        a = f8(1.0) - v if below else v
        total = f8(0.0)
        for k in range(STEPS):
            r = f8(1.0) / (a + f8(k))
            total = total + r * r
        near = a < f8(STEPS)
        z = a + f8(STEPS) if near else a
        r = f8(1.0) / z
        u = r * r
        y = r + f8(0.5) * u + r * u * (B0 + u * (B1 + u * (B2 + u * (B3 + u * B4))))
        y = y + total if near else y
        s, _ = _sin_cos_pi(v)
        out[i] = f4(PI * PI / (s * s) - y if below else y)
    return odd


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


def of_singles(function: Any, loop: Compiled, x: Any) -> Array:
    """Large arrays of float32 by a loop; all else, and chunks with infinities or nan, by the text."""
    if type(x) is np.ndarray and x.dtype.char == "f" and jit.use_numba(x.size) and x.flags.c_contiguous:

        def text(part: Array, out: Array | None = None) -> Array:
            made = in_double(function, part)
            if out is not None:
                out[...] = made
            return made

        return large(text, loop, True, (x,))
    return in_double(function, x)


def lgamma(x: Any) -> Array:
    """log |Gamma(x)|: infinite at 0, -1, -2, ..."""
    return of_singles(_lgamma, _lgamma_loop, x)


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


Z1, Z2, Z3, Z4, Z5 = (f8(c) for c in NEAR[1:6])
Y1, Y2, Y3, Y4, Y5 = (f8(c - (-1) ** k / k) for k, c in enumerate(NEAR[1:6], 1))  # less the series of -log(1 + t)


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
    return of_singles(_digamma, _digamma_loop, x)


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
    if n == 1:
        return of_singles(lambda v: _polygamma(v, 1), _trigamma_loop, x)
    return digamma(x) if n == 0 else in_double(_polygamma, x, n)


def _polygamma(x: Array, n: int) -> Array:
    """By the recurrence, for negative arguments too, up to where the asymptotic series holds."""
    below = x < 0
    if n == 1 and below.any():  # by reflection, however far below
        made = _polygamma(np.where(below, 1 - x, x), 1)
        return np.where(below, (math.pi / _sin_pi(x)) ** 2 - made, made)
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


@compiled(STRICT)
def _erfinv_loop(y: Any, out: Any) -> bool:
    beyond = False
    for i in range(y.size):
        a = f8(abs(y[i]))
        beyond |= not a < f8(1.0)
        k, r = log_parts((f8(1.0) - a) * (f8(1.0) + a), -(a * a))
        w = -(k * LN2 + r)
        v, u = w - f8(2.5), np.sqrt(w) - f8(3.0)
        p = V6 + v * (V7 + v * (V8 + v * (V9 + v * (V10 + v * V11))))
        p = V0 + v * (V1 + v * (V2 + v * (V3 + v * (V4 + v * (V5 + v * p)))))
        q = U5 + u * (U6 + u * (U7 + u * (U8 + u * U9)))
        q = U0 + u * (U1 + u * (U2 + u * (U3 + u * (U4 + u * q))))
        out[i] = f4(np.copysign(a * (p if w < f8(5.0) else q), f8(y[i])))
    return beyond


def erfinv(y: Any) -> Array:
    """The x with erf(x) = y: infinite at -1 and 1, nan beyond."""
    return of_singles(_erfinv, _erfinv_loop, y)


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
