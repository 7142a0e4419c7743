"""Elementary functions of one number, written so that a loop around them becomes vector instructions.

No branches, no tables, no calls of the C library: exponentials by two powers of two and a polynomial, all
others by the exponential. Each name stands for two texts, of float32 and of float64; errors are at most
three units in the last place (of erf in float32: six), and nan, infinity and denormals come out right.

erf32 is x P(x^2)/Q(x^2), fitted with relative error 2e-8 up to 3.95; erf64 and erfc64 are an odd
polynomial up to 1 and (1 + 2x) exp(x^2) erfc(x) as a polynomial in (x - 3.75)/(x + 3.75) (the variable of
Shepherd and Laframboise, Math. Comp. 36, 1981). All were fitted for this file.
"""

import math
from typing import Any

import numpy as np

from .jit import EXACT, ByType, compiled

__all__ = ["ERF32", "ERF64", "ERFC64", "erf_", "erfc_", "exp_", "expm1_", "log1p_", "tanh_"]

scalar = compiled(EXACT, inline=True)
f4, f8, i4, i8 = np.float32, np.float64, np.int32, np.int64

ERF32 = (
    (2.02588240288627e-06, 0.00028468785089704135, 0.003808219359740764, 0.05287562670356802,
     0.1915518273491128, 1.1283791437396138),
    (3.7831538307838576e-05, 0.0011707374294851521, 0.015055208602126514, 0.11456023171658287,
     0.5030910626035179, 1.0),
)  # fmt: skip
ERF64 = (-7.795898827002142e-10, 1.3720064546777686e-08, -1.6208483801871705e-07, 1.6447424703317362e-06,
         -1.492473690741966e-05, 0.00012055294904839707, -0.0008548325975389692, 0.0052239776071164225,
         -0.02686617064323777, 0.11283791670945006, -0.37612638903183543, 1.1283791670955126)  # fmt: skip
ERFC64 = (5.575698000886232e-09, 3.0765786106553526e-08, -2.4939883909341244e-09, -2.5877777061012165e-07,
          -2.5767825896065014e-08, 1.7612484630167294e-06, -9.950701048660069e-07, -1.1454173186951395e-05,
          2.23931981882943e-05, 5.165421548248807e-05, -0.00029015641208476314, 0.0002937121574245422,
          0.0017556262284450098, -0.009746579295257933, 0.028362277383047398, -0.05869339861557158,
          0.09230432116225044, -0.10880393014045761, 0.08227673849010006, 0.003585415485439576,
          -0.14024059858554663, 1.2375126308378277)  # fmt: skip

ZERO4, HALF4, ONE4, TWO4 = f4(0), f4(0.5), f4(1), f4(2)
LOG2E4, LN2HI4, LN2LO4 = f4(1.4426950408889634), f4(0.693359375), f4(-2.12194440e-4)
LOWEST4, HIGHEST4 = f4(-104), f4(89)  # exp is 0 below and infinite above
LOWEST8, HIGHEST8 = f8(-746), f8(710)
LOG2E8, LN2HI8, LN2LO8 = f8(1.4426950408889634), f8(0.693145751953125), f8(1.42860682030941723212e-6)

# (exp(r) - 1 - r)/r^2 over |r| <= log(2)/2: Cephes' coefficients, and 1/n!
EA, EB, EC, ED, EE, EF = (f4(c) for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
                                          1.6666665459e-1, 5.0000001201e-1))  # fmt: skip
F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13 = (f8(1 / math.factorial(n)) for n in range(2, 14))

A0, A1, A2, A3, A4, A5 = (f4(c) for c in ERF32[0])
Q0, Q1, Q2, Q3, Q4 = (f4(c) for c in ERF32[1][:-1])
EDGE = f4(3.95**2)  # where erf becomes 1
B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11 = (f8(c) for c in ERF64)
(C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17, C18, C19, C20, C21) = (
    f8(c) for c in ERFC64
)
# erfc again, and exp(r) over |r| <= log(2)/2, to a hundredth of the last place of float32
H0, H1, H2, H3, H4, H5, H6, H7, H8, H9, H10, H11 = (f8(c) for c in (
    1.2375126308963647, -0.1402405833881351, 0.003585408956877048, 0.08227597057731387, -0.10880424177592637,
    0.09231501867067884, -0.058682490020497496, 0.02830751327905997, -0.009834923425790957, 0.0018313742614546424,
    0.0005130530260079424, -0.00019985644915586386))  # fmt: skip
G0, G1, G2, G3, G4, G5, G6, G7 = (f8(c) for c in (
    0.999999999961571, 1.0000000002438008, 0.5000000104763093, 0.16666665122767413, 0.0416662247860031,
    0.008333561425341801, 0.0013948226363970774, 0.00019775121253068004))  # fmt: skip
# log(1 + u) = 2 atanh(u / (2 + u)), by its series
L3, L5, L7, L9, L11, L13, L15 = (f4(2 / n) for n in range(3, 16, 2))
M3, M5, M7, M9, M11, M13, M15, M17, M19, M21, M23, M25, M27, M29, M31, M33, M35 = (f8(2 / n) for n in range(3, 36, 2))


@scalar
def _exp32(x: Any) -> Any:
    x = LOWEST4 if x < LOWEST4 else x
    x = HIGHEST4 if x > HIGHEST4 else x
    k = np.floor(x * LOG2E4 + HALF4)
    r = x - k * LN2HI4 - k * LN2LO4
    p = (((((EA * r + EB) * r + EC) * r + ED) * r + EE) * r + EF) * r * r + r + ONE4
    n = i4(k if k == k else ZERO4)  # the integer of a nan is undefined
    h = i4(n >> 1)  # two factors: one alone has no denormals and overflows too early
    return p * i4((h + i4(127)) << 23).view(f4) * i4((n - h + i4(127)) << 23).view(f4)


@scalar
def _expm1_32(x: Any) -> Any:
    x = f4(-30) if x < f4(-30) else x
    x = HIGHEST4 if x > HIGHEST4 else x
    k = np.floor(x * LOG2E4 + HALF4)
    r = x - k * LN2HI4 - k * LN2LO4
    p = (((((EA * r + EB) * r + EC) * r + ED) * r + EE) * r + EF) * r * r + r
    n = i4(k if k == k else ZERO4)
    h = i4(n >> 1)
    s, t = i4((h + i4(127)) << 23).view(f4), i4((n - h + i4(127)) << 23).view(f4)
    return p * s * t + (s * t - ONE4)


@scalar
def _tanh32(x: Any) -> Any:
    y = -TWO4 * abs(x)
    y = f4(-30) if y < f4(-30) else y
    k = np.floor(y * LOG2E4 + HALF4)
    r = y - k * LN2HI4 - k * LN2LO4
    p = (((((EA * r + EB) * r + EC) * r + ED) * r + EE) * r + EF) * r * r + r
    s = i4((i4(k if k == k else ZERO4) + i4(127)) << 23).view(f4)
    t = p * s + (s - ONE4)  # exp(y) - 1, without cancellation
    return np.copysign(-t / (t + TWO4), x)


@scalar
def _erf32(x: Any) -> Any:
    z = x * x
    z = EDGE if z > EDGE else z
    p = ((((A0 * z + A1) * z + A2) * z + A3) * z + A4) * z + A5
    q = ((((Q0 * z + Q1) * z + Q2) * z + Q3) * z + Q4) * z + ONE4
    y = x * p / q
    y = ONE4 if y > ONE4 else y
    return -ONE4 if y < -ONE4 else y


@scalar
def _exp_of_single(x: Any) -> Any:
    """exp(x) in float64 to 4e-11, for -700 < x < 700."""
    k = np.floor(x * LOG2E8 + 0.5)
    r = x - k * LN2HI8 - k * LN2LO8
    p = G0 + r * (G1 + r * (G2 + r * (G3 + r * (G4 + r * (G5 + r * (G6 + r * G7))))))
    return p * i8((i8(i4(k if k == k else 0.0)) + 1023) << 52).view(f8)


@scalar
def _erfc32(x: Any) -> Any:
    a = f8(abs(x))
    a = f8(11.0) if a > f8(11.0) else a
    s = (a - 3.75) / (a + 3.75)
    p = H5 + s * (H6 + s * (H7 + s * (H8 + s * (H9 + s * (H10 + s * H11)))))
    p = H0 + s * (H1 + s * (H2 + s * (H3 + s * (H4 + s * p))))
    y = _exp_of_single(-a * a) * p / (1.0 + 2.0 * a)
    return f4(2.0 - y if x < ZERO4 else y)


@scalar
def _log1p32(u: Any) -> Any:
    """For 0 <= u <= 1."""
    s = u / (u + TWO4)
    z = s * s
    return s * (TWO4 + z * (L3 + z * (L5 + z * (L7 + z * (L9 + z * (L11 + z * (L13 + z * L15)))))))


@scalar
def _polynomial8(r: Any) -> Any:
    p = ((((((F13 * r + F12) * r + F11) * r + F10) * r + F9) * r + F8) * r + F7) * r + F6
    return ((((p * r + F5) * r + F4) * r + F3) * r + F2) * r * r + r


@scalar
def _exp64(x: Any) -> Any:
    x = LOWEST8 if x < LOWEST8 else x
    x = HIGHEST8 if x > HIGHEST8 else x
    k = np.floor(x * LOG2E8 + 0.5)
    r = x - k * LN2HI8 - k * LN2LO8
    n = i4(k if k == k else 0.0)
    h = i4(n >> 1)
    return (_polynomial8(r) + 1.0) * i8((i8(h) + 1023) << 52).view(f8) * i8((i8(n) - i8(h) + 1023) << 52).view(f8)


@scalar
def _expm1_64(x: Any) -> Any:
    x = -60.0 if x < -60.0 else x
    x = HIGHEST8 if x > HIGHEST8 else x
    k = np.floor(x * LOG2E8 + 0.5)
    r = x - k * LN2HI8 - k * LN2LO8
    n = i4(k if k == k else 0.0)
    h = i4(n >> 1)
    s, t = i8((i8(h) + 1023) << 52).view(f8), i8((i8(n) - i8(h) + 1023) << 52).view(f8)
    return _polynomial8(r) * s * t + (s * t - 1.0)


@scalar
def _tanh64(x: Any) -> Any:
    t = _expm1_64(-2.0 * abs(x))
    return np.copysign(-t / (t + 2.0), x)


@scalar
def _scaled64(x: Any) -> Any:
    """erfc(x) for x >= 0; x^2 is split in two, so that its rounding is not magnified by the exponential."""
    x = 28.0 if x > 28.0 else x
    s = (x - 3.75) / (x + 3.75)
    p = ((((((C0 * s + C1) * s + C2) * s + C3) * s + C4) * s + C5) * s + C6) * s + C7
    p = (((((((p * s + C8) * s + C9) * s + C10) * s + C11) * s + C12) * s + C13) * s + C14) * s + C15
    p = (((((p * s + C16) * s + C17) * s + C18) * s + C19) * s + C20) * s + C21
    high = f8(f4(x))
    low = (high - x) * (high + x)
    return _exp64(-high * high) * (1.0 + low * (1.0 + low * (0.5 + low * F3))) * p / (1.0 + 2.0 * x)


@scalar
def _erfc64(x: Any) -> Any:
    a = abs(x)
    c = a if a < 1.0 else 1.0
    c = c if a == a else a
    z = c * c
    p = ((((((B0 * z + B1) * z + B2) * z + B3) * z + B4) * z + B5) * z + B6) * z + B7
    near = 1.0 - np.copysign(c, x) * ((((p * z + B8) * z + B9) * z + B10) * z + B11)
    far = 1.0 - np.copysign(1.0, x) + np.copysign(_scaled64(a), x)
    m = f8(a < 0.5)
    return m * near + (1.0 - m) * far


@scalar
def _erf64(x: Any) -> Any:
    a = abs(x)
    c = a if a < 1.0 else 1.0
    c = c if a == a else a
    z = c * c
    p = ((((((B0 * z + B1) * z + B2) * z + B3) * z + B4) * z + B5) * z + B6) * z + B7
    near = np.copysign(c, x) * ((((p * z + B8) * z + B9) * z + B10) * z + B11)
    m = f8(a < 1.0)  # a product, as a choice would become a jump: no vector instructions then
    return m * near + (1.0 - m) * np.copysign(1.0 - _scaled64(a), x)


@scalar
def _log1p64(u: Any) -> Any:
    """For 0 <= u <= 1."""
    s = u / (u + 2.0)
    z = s * s
    p = M21 + z * (M23 + z * (M25 + z * (M27 + z * (M29 + z * (M31 + z * (M33 + z * M35))))))
    p = M5 + z * (M7 + z * (M9 + z * (M11 + z * (M13 + z * (M15 + z * (M17 + z * (M19 + z * p)))))))
    return s * (2.0 + z * (M3 + z * p))


exp_: Any = ByType(_exp32, _exp64)
expm1_: Any = ByType(_expm1_32, _expm1_64)
tanh_: Any = ByType(_tanh32, _tanh64)
erf_: Any = ByType(_erf32, _erf64)
erfc_: Any = ByType(_erfc32, _erfc64)
log1p_: Any = ByType(_log1p32, _log1p64)
