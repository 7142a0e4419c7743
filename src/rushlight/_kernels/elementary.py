"""Elementary functions of large float32 arrays in compiled loops, where NumPy's own take a number at a time.

Each is computed in float64 and rounded once, so that it is the nearest float32 but for rare ties, and nothing cancels:
the reductions below may be the plain ones of the textbooks. Small arrays, other dtypes and arrays with gaps go to
NumPy's ufunc, as does everything where numba is missing (large arrays then on several threads).

The polynomials were fitted for this file: relative errors below 4e-10 (1/170 of a float32's last place).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import jit
from .jit import EXACT, STRICT, Compiled, compiled, use_numba
from .pool_of_threads import PARALLEL_FROM, run_chunks
from .scalar import EA, EB, EC, ED, EE, EF, exp_, expm1_, log1p_

__all__ = [
    "acos", "asin", "atan", "atan2", "cosh", "exp2", "expm1", "floor_divide", "fmod", "hypot", "log1p", "log2", "log10",
    "logaddexp", "remainder", "sinh", "tan",
]  # fmt: skip

Array = np.ndarray[Any, Any]
BLOCK = 1 << 13  # elements that NumPy computes if one of them is odd
f4, f8, i4, i8, u8 = np.float32, np.float64, np.int32, np.int64, np.uint64
scalar = compiled(EXACT, inline=True)
exp4, exp8, expm1_8, log1p_4 = exp_.single, exp_.double, expm1_.double, log1p_.single

PI, HALF_PI, ROOT_HALF, LN2 = f8(math.pi), f8(math.pi / 2), f8(math.sqrt(0.5)), f8(math.log(2))
LN2_4 = f4(math.log(2))
LOG2E, LOG10E = f8(1 / math.log(2)), f8(1 / math.log(10))
TWO_OVER_PI, PI_HIGH, PI_LOW = f8(2 / math.pi), f8(1.57079632673412561417), f8(6.07710050650619224932e-11)
FAR = f8(1e5)  # angles up to here are reduced exactly enough; others are NumPy's
TOO_MANY = f8(2.0**22)  # quotients up to here are exact
MIDDLE, MAGIC = i8(0x4330000000000000), f8(2.0**52 + 1023)  # an integer in the mantissa of 2^52 is read as a float
MANTISSA, BIAS = i8((1 << 52) - 1), i8(1023 << 52)
# atan(x) = x T(x^2) up to 1, asin(x) = x S(x^2) up to 1/2
T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10 = (f8(c) for c in (
    0.9999999996282026, -0.3333332393469436, 0.19999604617660868, -0.14279159396348945, 0.11054499732730709,
    -0.0879876682349626, 0.06716096391877979, -0.04435734795049549, 0.022274236009326764, -0.007199330323371694,
    0.0010911004484429748))  # fmt: skip
S0, S1, S2, S3, S4, S5, S6 = (f8(c) for c in (
    1.0000000002545983, 0.16666656944941036, 0.07500604095130516, 0.044503087232840764, 0.031900799187150455,
    0.014139509593498877, 0.037885558307663915))  # fmt: skip
N3, N5, N7, N9, N11 = (f8((-1) ** (n // 2) / math.factorial(n)) for n in range(3, 12, 2))  # of the sine
C4, C6, C8, C10 = (f8((-1) ** (n // 2) / math.factorial(n)) for n in range(4, 11, 2))  # of the cosine
L3, L5, L7, L9, L11, L13, L15, L17, L19 = (f8(2 / n) for n in range(3, 20, 2))  # log(1 + f) = 2 atanh(f / (2 + f))


# ------------------------------------------------------------------------------------------ how they are run


def threaded(ufunc: Any, *arrays: Array) -> Array:
    """A ufunc over large contiguous arrays of one shape and dtype, on several threads; anything else as it is."""
    x = arrays[0]
    simple = x.size >= PARALLEL_FROM and x.dtype.kind in "fc"
    if not simple or not all(a.flags.c_contiguous and a.shape == x.shape and a.dtype is x.dtype for a in arrays):
        return ufunc(*arrays)  # type: ignore[no-any-return]
    out = np.empty(x.shape, x.dtype)
    flat, result = [a.reshape(-1) for a in arrays], out.reshape(-1)
    run_chunks(lambda i, j: ufunc(*[a[i:j] for a in flat], result[i:j]), x.size, x.size, 1024)
    return out


def large(ufunc: Any, loop: Compiled, exact: bool, arrays: tuple[Array, ...]) -> Array:
    """The loop over arrays of one shape, or what ``threaded`` does; chunks that an ``exact`` loop refuses are NumPy's."""
    x = arrays[0]
    if not use_numba(x.size) or not all(
        a.dtype.char == "f" and a.flags.c_contiguous and a.shape == x.shape for a in arrays
    ):
        return threaded(ufunc, *arrays)
    out = np.empty(x.shape, x.dtype)
    flat, result = [a.reshape(-1) for a in arrays], out.reshape(-1)

    def chunk(start: int, stop: int) -> None:
        step = BLOCK if exact else stop - start
        for i in range(start, stop, step):
            j = min(i + step, stop)
            parts = [a[i:j] for a in flat]
            if loop(*parts, result[i:j]) and exact:
                ufunc(*parts, result[i:j])

    run_chunks(chunk, x.size, x.size, 1024)
    return out


def of_one(ufunc: Any, loop: Compiled, exact: bool = False) -> Callable[[Array], Array]:
    def function(x: Array) -> Array:
        if x.size < jit.COMPILE_FROM:
            return ufunc(x)  # type: ignore[no-any-return]
        return large(ufunc, loop, exact, (x,))

    return function


def of_two(ufunc: Any, loop: Compiled, exact: bool = False) -> Callable[[Array, Array], Array]:
    def function(x: Array, y: Array) -> Array:
        if x.size < jit.COMPILE_FROM or type(y) is not np.ndarray:
            return ufunc(x, y)  # type: ignore[no-any-return]
        return large(ufunc, loop, exact, (x, y))

    return function


# ---------------------------------------------------------------------------------- exponentials and logarithms


@scalar
def log_parts(u: Any, f: Any) -> Any:
    """The whole power of two k and log(1 + f), with u = 2^k (1 + f), of u > 0; ``f`` is u - 1 in full where k is 0."""
    bits = f8(u).view(i8)
    k = i8((bits >> i8(52)) | MIDDLE).view(f8) - MAGIC
    m = i8((bits & MANTISSA) | BIAS).view(f8)
    high = m > f8(1.4142135623730951)
    m = m * f8(0.5) if high else m
    k = k + f8(1.0) if high else k
    f = f if k == f8(0.0) else m - f8(1.0)
    s = f / (f8(2.0) + f)
    z = s * s
    return k, s * (f8(2.0) + z * (L3 + z * (L5 + z * (L7 + z * (L9 + z * (L11 + z * L13))))))


@scalar
def log_positive(u: Any) -> Any:
    """log(u) of a positive finite float64, to its last places."""
    bits = f8(u).view(i8)
    k = i8((bits >> i8(52)) | MIDDLE).view(f8) - MAGIC
    m = i8((bits & MANTISSA) | BIAS).view(f8)
    high = m > f8(1.4142135623730951)
    m = m * f8(0.5) if high else m
    k = k + f8(1.0) if high else k
    f = m - f8(1.0)
    s = f / (f8(2.0) + f)
    z = s * s
    p = L11 + z * (L13 + z * (L15 + z * (L17 + z * L19)))
    return k * LN2 + s * (f8(2.0) + z * (L3 + z * (L5 + z * (L7 + z * (L9 + z * p)))))


@scalar
def _outside(x: Any, y: Any) -> Any:
    """``y`` = log(x) put right at 0, below, and at infinity; nan gives nan."""
    y = f8(-math.inf) if x == f8(0.0) else y
    y = f8(math.nan) if x < f8(0.0) else y
    return y if x < f8(math.inf) else x + y


@compiled(STRICT)
def _log1p_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        v = f8(x[i])
        u = f8(1.0) + v
        k, r = log_parts(u, v)
        out[i] = f4(_outside(u, k * LN2 + r)) if v != f8(0.0) else x[i]
    return False


@compiled(STRICT)
def _log2_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        v = f8(x[i])
        k, r = log_parts(v, v - f8(1.0))
        out[i] = f4(_outside(v, k + r * LOG2E))
    return False


@compiled(STRICT)
def _log10_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        v = f8(x[i])
        k, r = log_parts(v, v - f8(1.0))
        out[i] = f4(_outside(v, (k * LN2 + r) * LOG10E))
    return False


@compiled(STRICT)
def _exp2_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        v = x[i]
        v = f4(-160.0) if v < f4(-160.0) else v
        v = f4(130.0) if v > f4(130.0) else v
        k = np.floor(v + f4(0.5))
        r = (v - k) * LN2_4
        p = (((((EA * r + EB) * r + EC) * r + ED) * r + EE) * r + EF) * r * r + r + f4(1.0)
        n = i4(k if k == k else f4(0.0))  # the integer of a nan is undefined
        h = i4(n >> 1)
        out[i] = p * i4((h + i4(127)) << 23).view(f4) * i4((n - h + i4(127)) << 23).view(f4)
    return False


@compiled(STRICT)
def _expm1_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        v = f8(x[i])
        out[i] = f4(expm1_8(f8(100.0) if v > f8(100.0) else v)) if v != f8(0.0) else x[i]
    return False


@compiled(STRICT)
def _sinh_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        a = f8(abs(x[i]))
        t = expm1_8(f8(100.0) if a > f8(100.0) else a)
        out[i] = f4(np.copysign(f8(0.5) * (t + t / (t + f8(1.0))), f8(x[i])))
    return False


@compiled(STRICT)
def _cosh_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        a = f8(abs(x[i]))
        e = exp8(f8(100.0) if a > f8(100.0) else a)
        out[i] = f4(f8(0.5) * (e + f8(1.0) / e))
    return False


@compiled(STRICT)
def _logaddexp_loop(x: Any, y: Any, out: Any) -> bool:
    for i in range(x.size):
        a, b = x[i], y[i]
        d = -abs(a - b)
        d = f4(0.0) if a == b else d  # infinities of one sign
        out[i] = (a if a > b else b) + log1p_4(exp4(d))
    return False


# ------------------------------------------------------------------------------------------- circular functions


@scalar
def _asin_half(x: Any) -> Any:
    z = x * x
    return x * (S0 + z * (S1 + z * (S2 + z * (S3 + z * (S4 + z * (S5 + z * S6))))))


@scalar
def _atan_one(x: Any) -> Any:
    z = x * x
    p = T5 + z * (T6 + z * (T7 + z * (T8 + z * (T9 + z * T10))))
    return x * (T0 + z * (T1 + z * (T2 + z * (T3 + z * (T4 + z * p)))))


@compiled(STRICT)
def _asin_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        a = f8(abs(x[i]))
        far = a > f8(0.5)
        r = _asin_half(np.sqrt(f8(0.5) * (f8(1.0) - a)) if far else a)
        out[i] = f4(np.copysign(HALF_PI - f8(2.0) * r if far else r, f8(x[i])))
    return False


@compiled(STRICT)
def _acos_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        v = f8(x[i])
        a = abs(v)
        far = a > f8(0.5)
        r = _asin_half(np.sqrt(f8(0.5) * (f8(1.0) - a)) if far else v)
        y = f8(2.0) * r if far else HALF_PI - r
        out[i] = f4(PI - y if v < f8(-0.5) else y)
    return False


@compiled(STRICT)
def _atan_loop(x: Any, out: Any) -> bool:
    for i in range(x.size):
        a = f8(abs(x[i]))
        far = a > f8(1.0)
        r = _atan_one(f8(1.0) / a if far else a)
        out[i] = f4(np.copysign(HALF_PI - r if far else r, f8(x[i])))
    return False


@compiled(STRICT)
def _atan2_loop(y: Any, x: Any, out: Any) -> bool:
    for i in range(x.size):
        a, b = f8(abs(y[i])), f8(abs(x[i]))
        steep = a > b
        q = (b if steep else a) / (a if steep else b)
        q = f8(0.0) if a == f8(0.0) and b == f8(0.0) else q
        q = f8(1.0) if a == f8(math.inf) and b == f8(math.inf) else q
        r = _atan_one(q)
        r = HALF_PI - r if steep else r
        r = PI - r if np.copysign(f8(1.0), f8(x[i])) < f8(0.0) else r
        out[i] = f4(np.copysign(r, f8(y[i])))
    return False


@compiled(STRICT)
def _tan_loop(x: Any, out: Any) -> bool:
    far = False
    for i in range(x.size):
        v = f8(x[i])
        far |= not abs(v) < FAR
        k = np.floor(v * TWO_OVER_PI + f8(0.5))
        r = (v - k * PI_HIGH) - k * PI_LOW
        z = r * r
        s = r + r * z * (N3 + z * (N5 + z * (N7 + z * (N9 + z * N11))))
        c = f8(1.0) + z * (f8(-0.5) + z * (C4 + z * (C6 + z * (C8 + z * C10))))
        odd = k - f8(2.0) * np.floor(k * f8(0.5)) > f8(0.5)
        out[i] = f4((c if odd else s) / (-s if odd else c)) if v != f8(0.0) else x[i]
    return far


# ------------------------------------------------------------------------------------- lengths and remainders


@compiled(STRICT)
def _hypot_loop(x: Any, y: Any, out: Any) -> bool:
    for i in range(x.size):
        a, b = f8(abs(x[i])), f8(abs(y[i]))
        r = np.sqrt(a * a + b * b)
        out[i] = f4(f8(math.inf) if a == f8(math.inf) or b == f8(math.inf) else r)
    return False


@scalar
def _fmod(a: Any, b: Any) -> Any:
    """The quotient cut to a whole number and what remains, exact while the quotient is."""
    q = np.trunc(a / b)
    r = a - q * b
    # the quotient was rounded up to the whole number
    wrong = r * a < f8(0.0)
    step = np.copysign(b, a) * f8(1.0)
    r = r + abs(step) * np.copysign(f8(1.0), a) if wrong else r
    return q, r


@compiled(STRICT)
def _fmod_loop(x: Any, y: Any, out: Any) -> bool:
    hard = False
    for i in range(x.size):
        a, b = f8(x[i]), f8(y[i])
        q, r = _fmod(a, b)
        hard |= not abs(q) < TOO_MANY or abs(b) == f8(math.inf)
        out[i] = f4(np.copysign(r, a))
    return hard


def _remainder(x: Any, y: Any, out: Any = None) -> Any:
    """NumPy's remainder, but that a zero has the sign of ``x``, as in PyTorch."""
    r = np.remainder(x, y, out)
    if r.dtype.kind == "f" and np.count_nonzero(r) != r.size:
        signed = np.copysign(r, x)
        if out is None:
            return np.where(r == 0, signed, r)
        np.copyto(out, signed, where=r == 0)
    return r


@compiled(STRICT)
def _remainder_loop(x: Any, y: Any, out: Any) -> bool:
    hard = False
    for i in range(x.size):
        a, b = f8(x[i]), f8(y[i])
        q, r = _fmod(a, b)
        hard |= not abs(q) < TOO_MANY or abs(b) == f8(math.inf)
        s = f4(r)
        s = s + y[i] if r * b < f8(0.0) else s  # in float32, as NumPy and PyTorch add it
        out[i] = np.copysign(s, x[i]) if s == f4(0.0) else s
    return hard


@compiled(STRICT)
def _floor_divide_loop(x: Any, y: Any, out: Any) -> bool:
    hard = False
    for i in range(x.size):
        a, b = f8(x[i]), f8(y[i])
        q, r = _fmod(a, b)
        hard |= not abs(q) < TOO_MANY or abs(b) == f8(math.inf)
        q = np.floor((a - r) / b + f8(0.5))
        q = q - f8(1.0) if r * b < f8(0.0) else q
        out[i] = f4(q) if q != f8(0.0) else np.copysign(f4(0.0), x[i] / y[i])
    return hard


acos = of_one(np.arccos, _acos_loop)
asin = of_one(np.arcsin, _asin_loop)
atan = of_one(np.arctan, _atan_loop)
atan2 = of_two(np.arctan2, _atan2_loop)
cosh = of_one(np.cosh, _cosh_loop)
exp2 = of_one(np.exp2, _exp2_loop)
expm1 = of_one(np.expm1, _expm1_loop)
floor_divide = of_two(np.floor_divide, _floor_divide_loop, exact=True)
fmod = of_two(np.fmod, _fmod_loop, exact=True)
hypot = of_two(np.hypot, _hypot_loop)
log1p = of_one(np.log1p, _log1p_loop)
log2 = of_one(np.log2, _log2_loop)
log10 = of_one(np.log10, _log10_loop)
logaddexp = of_two(np.logaddexp, _logaddexp_loop)
remainder = of_two(_remainder, _remainder_loop, exact=True)
sinh = of_one(np.sinh, _sinh_loop)
tan = of_one(np.tan, _tan_loop, exact=True)
