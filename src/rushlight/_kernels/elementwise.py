"""Activations and error functions, fused: one pass over memory for what would be many ufunc calls.

Each function is a pair side by side: a NumPy text over a block that stays in cache, and the same formula in a
loop for numba. ``f(x)`` is the function, ``f_backward(g, x)`` its gradient.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .choose import pick
from .jit import ByType, Compiled, compiled, constant, use_numba
from .pool_of_threads import quietly, run_chunks, spread
from .scalar import ERF32, ERF64, ERFC64, erf_, erfc_, exp_, expm1_, log1p_, tanh_

__all__ = [
    "add_scaled", "elu", "elu_backward", "erf", "erf_backward", "erfc", "erfc_backward", "gelu", "gelu_backward", "gelu_tanh",
    "gelu_tanh_backward", "hardsigmoid", "hardsigmoid_backward", "hardswish", "hardswish_backward", "hardtanh_backward", "huber", "leaky_relu", "leaky_relu_backward", "limited", "logsigmoid", "logsigmoid_backward",
    "mish", "mish_backward", "relu_backward", "sigmoid", "sigmoid_backward", "silu", "silu_backward", "smooth_l1",
    "smooth_l1_slope",
    "softplus", "softplus_backward",
]  # fmt: skip

Array = np.ndarray[Any, Any]
BLOCK = 1 << 16  # elements: smaller blocks lose more to calls than they gain from the cache
PART = 1 << 15  # elements of a sum of two arrays that stay in the cache between its two passes
FEW = 64  # elements: the C library's function, called one by one, is quicker than thirty ufuncs

zero, half, one, two, three, six, twenty = (constant(v) for v in (0, 0.5, 1, 2, 3, 6, 20))
root_half = constant(math.sqrt(0.5))
density = constant(1 / math.sqrt(2 * math.pi))
two_over_root_pi = constant(2 / math.sqrt(math.pi))
gelu_factor, gelu_cube = constant(math.sqrt(2 / math.pi)), constant(0.044715)
sixth, third = constant(1 / 6), constant(1 / 3)
real: Any = ByType(np.float32, np.float64)


# ----------------------------------------------------------------------------------------- how they are run


def _apply(text: Callable[..., None], loop: Compiled, arrays: tuple[Array, ...], *numbers: float) -> Array:
    """``text(*blocks, out, *numbers)`` or ``loop``, over arrays of one shape; float16 goes in float32."""
    x = arrays[0]
    kind, size = x.dtype, x.size
    if kind.char == "e":
        return _apply(text, loop, tuple(a.astype(np.float32) for a in arrays), *numbers).astype(kind)
    if not x.ndim:
        return _apply(text, loop, tuple(a.reshape(1) for a in arrays), *numbers).reshape(())
    if x.ndim > 1 and not x.flags.c_contiguous and 0 not in x.strides:  # the result lies in memory as x does
        order = sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
        if order != list(range(x.ndim)):
            turned = _apply(text, loop, tuple(a.transpose(order) for a in arrays), *numbers)
            return turned.transpose(np.argsort(order))
    out = np.empty(x.shape, kind)
    if size <= BLOCK:
        quietly(text, *arrays, out, *numbers)
        return out
    flat = [np.ascontiguousarray(a).reshape(-1) for a in arrays]
    result = out.reshape(-1)
    if kind.char in "fd" and use_numba(size):
        constants = [kind.type(v) for v in numbers]
        run_chunks(
            lambda i, j: loop(*(a[i:j] for a in flat), result[i:j], *constants), size, size, 1024
        )  # fmt: skip
        return out

    def blocks(start: int, stop: int) -> None:
        for i in range(start, stop, BLOCK):
            j = min(i + BLOCK, stop)
            text(*(a[i:j] for a in flat), result[i:j], *numbers)

    with np.errstate(all="ignore"):
        run_chunks(blocks, size, size, BLOCK)
    return out


def _horner(coefficients: tuple[float, ...], z: Array, p: Array) -> None:
    """The polynomial of ``z``, highest coefficient first, into ``p``."""
    np.multiply(z, coefficients[0], p)
    for c in coefficients[1:-1]:
        np.add(p, c, p)
        np.multiply(p, z, p)
    np.add(p, coefficients[-1], p)


def limited(x: Array, low: float, high: float) -> Array:
    """Every element brought between two limits; nan stays."""
    low_, high_ = x.dtype.type(low), x.dtype.type(high)
    return spread(lambda part, out: np.clip(part, low_, high_, out), np.empty_like(x), x)


def add_scaled(x: Array, y: Array, factor: Any) -> Array:
    """``x + factor * y`` for arrays of one shape and dtype, in one pass: the products are rounded, then the sums."""
    factor = x.dtype.type(factor)
    if x.size <= PART or not (x.flags.c_contiguous and y.flags.c_contiguous):
        return np.add(x, y * factor)  # type: ignore[no-any-return]
    out = np.empty_like(x)
    left, right, result = x.reshape(-1), y.reshape(-1), out.reshape(-1)

    def blocks(start: int, stop: int) -> None:
        for i in range(start, stop, PART):
            part = slice(i, min(i + PART, stop))
            np.multiply(right[part], factor, result[part])
            np.add(left[part], result[part], result[part])

    run_chunks(blocks, x.size, x.size, PART)
    return out


# ------------------------------------------------------------------------------------------ error functions


def _far64(a: Array, out: Array) -> None:
    """erfc(a) for a >= 0 in float64; see ``scalar`` for the formula."""
    a = np.minimum(a, 28.0)
    s = np.divide(a - 3.75, a + 3.75)
    _horner(ERFC64, s, out)
    high = a.astype(np.float32).astype(np.float64)
    low = np.multiply(high - a, high + a)
    np.multiply(out, 1.0 + low * (1.0 + low * (0.5 + low * (1 / 6))), out)
    np.multiply(out, np.exp(-high * high), out)
    np.divide(out, 1.0 + 2.0 * a, out)


def _erf(x: Array, out: Array) -> None:
    if x.size <= FEW:
        out[...] = np.array(list(map(math.erf, x.reshape(-1).tolist()))).reshape(x.shape)
    elif x.dtype.char == "f":
        z = np.square(x)
        np.minimum(z, 3.95**2, out=z)
        p, q = np.empty_like(z), np.empty_like(z)
        _horner(ERF32[0], z, p)
        _horner(ERF32[1], z, q)
        np.multiply(p, x, p)
        np.divide(p, q, p)
        np.clip(p, -1, 1, out=out)
    else:
        a = np.abs(x)
        c = np.minimum(a, 1.0)
        near = np.empty_like(c)
        _horner(ERF64, np.square(c), near)
        far = np.empty_like(c)
        _far64(a, far)
        np.copyto(out, np.where(a < 1.0, near * x, np.copysign(1.0 - far, x)))


def _erfc(x: Array, out: Array) -> None:
    if x.size <= FEW:
        out[...] = np.array(list(map(math.erfc, x.reshape(-1).tolist()))).reshape(x.shape)
        return
    wide = x.astype(np.float64, copy=False)
    a = np.abs(wide)
    near = np.empty_like(a)
    _horner(ERF64, np.square(np.minimum(a, 1.0)), near)
    far = np.empty_like(a)
    _far64(a, far)
    np.copyto(out, np.where(a < 0.5, 1.0 - near * wide, np.where(wide > 0, far, 2.0 - far)), "same_kind")


def _erf_backward(g: Array, x: Array, out: Array, factor: float) -> None:
    y = np.square(x)
    np.negative(y, y)
    np.exp(y, y)
    np.multiply(y, factor, y)
    np.multiply(y, g, out)


@compiled()
def _erf_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = erf_(x[i])


@compiled()
def _erfc_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = erfc_(x[i])


@compiled()
def _erf_backward_loop(g: Any, x: Any, out: Any, factor: Any) -> None:
    for i in range(x.size):
        out[i] = g[i] * (exp_(-(x[i] * x[i])) * factor)


def erf(x: Array) -> Array:
    """2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return _apply(_erf, _erf_loop, (x,))


def erf_backward(g: Array, x: Array) -> Array:
    """g 2/sqrt(pi) exp(-x^2)."""
    return _apply(_erf_backward, _erf_backward_loop, (g, x), 2 / math.sqrt(math.pi))


def erfc(x: Array) -> Array:
    """1 - erf(x), without cancellation."""
    return _apply(_erfc, _erfc_loop, (x,))


def erfc_backward(g: Array, x: Array) -> Array:
    """-g 2/sqrt(pi) exp(-x^2)."""
    return _apply(_erf_backward, _erf_backward_loop, (g, x), -2 / math.sqrt(math.pi))


# ----------------------------------------------------------------------------------------------------- gelu


def _gelu(x: Array, out: Array) -> None:
    y = np.multiply(x, x.dtype.type(math.sqrt(0.5)))
    _erf(y, y)
    np.add(y, 1, y)
    np.multiply(y, x, y)
    np.multiply(y, 0.5, out)


def _gelu_backward(g: Array, x: Array, out: Array) -> None:
    y = np.multiply(x, x.dtype.type(math.sqrt(0.5)))
    _erf(y, y)
    np.add(y, 1, y)
    np.multiply(y, 0.5, y)
    d = np.square(x)
    np.multiply(d, -0.5, d)
    np.exp(d, d)
    np.multiply(d, x, d)
    np.multiply(d, 1 / math.sqrt(2 * math.pi), d)
    np.add(y, d, y)
    np.multiply(y, g, out)


def _gelu_tanh(x: Array, out: Array) -> None:
    y = np.square(x)
    np.multiply(y, 0.044715, y)
    np.add(y, 1, y)
    np.multiply(y, x, y)
    np.multiply(y, math.sqrt(2 / math.pi), y)
    np.tanh(y, y)
    np.add(y, 1, y)
    np.multiply(y, x, y)
    np.multiply(y, 0.5, out)


def _gelu_tanh_backward(g: Array, x: Array, out: Array) -> None:
    z = np.square(x)
    y = z * 0.044715
    np.add(y, 1, y)
    np.multiply(y, x, y)
    np.multiply(y, math.sqrt(2 / math.pi), y)
    np.tanh(y, y)
    np.multiply(z, 3 * 0.044715, z)
    np.add(z, 1, z)
    np.multiply(z, x, z)
    np.multiply(z, math.sqrt(2 / math.pi), z)  # x times the inner derivative
    np.multiply(z, np.subtract(1, y), z)
    np.add(z, 1, z)
    np.add(y, 1, y)
    np.multiply(y, z, y)  # 1 + t + (1 - t^2) x u'
    np.multiply(y, 0.5, y)
    np.multiply(y, g, out)


@compiled()
def _gelu_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = half * x[i] * (one + erf_(x[i] * root_half))


def _relu_backward(g: Array, result: Array, out: Array) -> None:
    np.copyto(out, g)
    np.copyto(out, 0, where=result <= 0)


@compiled()
def _relu_backward_loop(g: Any, result: Any, out: Any) -> None:
    for i in range(g.size):
        out[i] = zero if result[i] <= zero else g[i]


@compiled()
def _gelu_backward_loop(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        out[i] = g[i] * (half * (one + erf_(v * root_half)) + v * (density * exp_(-half * v * v)))


@compiled()
def _gelu_tanh_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        out[i] = half * v * (one + tanh_(gelu_factor * v * (one + gelu_cube * v * v)))


@compiled()
def _gelu_tanh_backward_loop(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        t = tanh_(gelu_factor * v * (one + gelu_cube * v * v))
        inner = gelu_factor * (one + three * gelu_cube * v * v)
        out[i] = g[i] * (half * (one + t) * (one + (one - t) * (v * inner)))


def relu_backward(g: Array, result: Array) -> Array:
    """``g`` where the result of relu is not 0 (or is nan), else 0."""
    return _apply(_relu_backward, _relu_backward_loop, (g, result))


def gelu(x: Array) -> Array:
    """x (1 + erf(x/sqrt(2)))/2."""
    return _apply(_gelu, _gelu_loop, (x,))


def gelu_backward(g: Array, x: Array) -> Array:
    """g (Phi(x) + x phi(x))."""
    return _apply(_gelu_backward, _gelu_backward_loop, (g, x))


def gelu_tanh(x: Array) -> Array:
    """x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))/2."""
    return _apply(_gelu_tanh, _gelu_tanh_loop, (x,))


def gelu_tanh_backward(g: Array, x: Array) -> Array:
    """g times the derivative of ``gelu_tanh``."""
    return _apply(_gelu_tanh_backward, _gelu_tanh_backward_loop, (g, x))


# ------------------------------------------------------------------------------------------ of straight pieces


def _leaky_relu(x: Array, out: Array, slope: float) -> None:
    np.copyto(out, pick(x > 0, x, np.multiply(x, x.dtype.type(slope))))


def _leaky_relu_backward(g: Array, x: Array, out: Array, slope: float) -> None:
    np.copyto(out, pick(x > 0, g, np.multiply(g, g.dtype.type(slope))))


def _hardsigmoid(x: Array, out: Array) -> None:
    y = np.add(x, 3)
    np.divide(np.clip(y, 0, 6, out=y), 6, out)


def _hardsigmoid_backward(g: Array, x: Array, out: Array) -> None:
    np.copyto(out, pick((x > -3) & (x < 3), np.divide(g, 6), g.dtype.type(0)))


def _hardtanh_backward(g: Array, x: Array, out: Array, low: float, high: float) -> None:
    np.copyto(out, pick((x <= low) | (x >= high), g.dtype.type(0), g))


@compiled()
def _leaky_relu_loop(x: Any, out: Any, slope: Any) -> None:
    for i in range(x.size):
        out[i] = x[i] if x[i] > zero else x[i] * slope


@compiled()
def _leaky_relu_backward_loop(g: Any, x: Any, out: Any, slope: Any) -> None:
    for i in range(x.size):
        out[i] = g[i] if x[i] > zero else g[i] * slope


@compiled()
def _hardsigmoid_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        y = x[i] + three
        y = zero if y < zero else y
        out[i] = (six if y > six else y) / six


@compiled()
def _hardsigmoid_backward_loop(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        y = g[i] / six
        y = y if x[i] > -three else zero
        out[i] = y if x[i] < three else zero


@compiled()
def _hardtanh_backward_loop(g: Any, x: Any, out: Any, low: Any, high: Any) -> None:
    for i in range(x.size):
        y = zero if x[i] <= low else g[i]
        out[i] = zero if x[i] >= high else y


def leaky_relu(x: Array, slope: float) -> Array:
    """x, times ``slope`` where it is not positive."""
    return _apply(_leaky_relu, _leaky_relu_loop, (x,), slope)


def leaky_relu_backward(g: Array, x: Array, slope: float) -> Array:
    """g, times ``slope`` where x is not positive."""
    return _apply(_leaky_relu_backward, _leaky_relu_backward_loop, (g, x), slope)


def hardsigmoid(x: Array) -> Array:
    """min(max(x + 3, 0), 6)/6."""
    return _apply(_hardsigmoid, _hardsigmoid_loop, (x,))


def hardsigmoid_backward(g: Array, x: Array) -> Array:
    """g/6 where x is between -3 and 3, else 0."""
    return _apply(_hardsigmoid_backward, _hardsigmoid_backward_loop, (g, x))


def hardtanh_backward(g: Array, x: Array, low: float, high: float) -> Array:
    """g where x is between ``low`` and ``high``, else 0."""
    return _apply(_hardtanh_backward, _hardtanh_backward_loop, (g, x), low, high)


def _smooth_l1(x: Array, target: Array, out: Array, beta: float) -> None:
    z = np.subtract(x, target)
    np.abs(z, z)
    square = np.multiply(z, z)
    np.multiply(square, 0.5 / beta, square)
    np.copyto(out, pick(z < beta, square, np.subtract(z, z.dtype.type(0.5 * beta))))


def _smooth_l1_slope(x: Array, target: Array, out: Array, beta: float) -> None:
    d = np.subtract(x, target)
    np.divide(d, beta, d)
    np.clip(d, -1, 1, out=out)


def _huber(x: Array, target: Array, out: Array, delta: float) -> None:
    z = np.subtract(x, target)
    np.abs(z, z)
    square = np.multiply(z, z)
    np.multiply(square, 0.5, square)
    far = np.subtract(z, z.dtype.type(0.5 * delta))
    np.copyto(out, pick(z < delta, square, np.multiply(far, far.dtype.type(delta))))


@compiled()
def _smooth_l1_loop(x: Any, target: Any, out: Any, beta: Any) -> None:
    for i in range(x.size):
        z = abs(x[i] - target[i])
        out[i] = half * z * z / beta if z < beta else z - half * beta


@compiled()
def _smooth_l1_slope_loop(x: Any, target: Any, out: Any, beta: Any) -> None:
    for i in range(x.size):
        d = (x[i] - target[i]) / beta
        d = -one if d < -one else d
        out[i] = one if d > one else d


@compiled()
def _huber_loop(x: Any, target: Any, out: Any, delta: Any) -> None:
    for i in range(x.size):
        z = abs(x[i] - target[i])
        out[i] = half * z * z if z < delta else delta * (z - half * delta)


def smooth_l1(x: Array, target: Array, beta: float) -> Array:
    """The square of the difference over 2 ``beta`` where it is below ``beta``, else it less ``beta``/2."""
    return _apply(_smooth_l1, _smooth_l1_loop, (x, target), beta)


def smooth_l1_slope(x: Array, target: Array, beta: float) -> Array:
    """The derivative of ``smooth_l1`` by x."""
    return _apply(_smooth_l1_slope, _smooth_l1_slope_loop, (x, target), beta)


def huber(x: Array, target: Array, delta: float) -> Array:
    """``delta`` times ``smooth_l1``."""
    return _apply(_huber, _huber_loop, (x, target), delta)


# ------------------------------------------------------------------------------------------------ exponentials


def _elu(x: Array, out: Array, scale: float, low: float, steep: float) -> None:
    y = np.minimum(x, 0)
    np.multiply(y, steep, y)
    np.expm1(y, y)
    np.multiply(y, low, y)
    np.copyto(out, pick(x > 0, np.multiply(x, x.dtype.type(scale)), y))


def _elu_backward(g: Array, x: Array, out: Array, scale: float, low: float, steep: float) -> None:
    y = np.minimum(x, 0)
    np.multiply(y, steep, y)
    np.exp(y, y)
    np.multiply(y, low * steep, y)
    np.multiply(y, g, y)
    np.copyto(out, pick(x > 0, np.multiply(g, g.dtype.type(scale)), y))


@compiled()
def _elu_loop(x: Any, out: Any, scale: Any, low: Any, steep: Any) -> None:
    for i in range(x.size):
        v = x[i]
        y = low * expm1_((zero if v > zero else v) * steep)
        out[i] = v * scale if v > zero else y


@compiled()
def _elu_backward_loop(g: Any, x: Any, out: Any, scale: Any, low: Any, steep: Any) -> None:
    for i in range(x.size):
        v = x[i]
        y = g[i] * (low * steep) * exp_((zero if v > zero else v) * steep)
        out[i] = g[i] * scale if v > zero else y


def elu(x: Array, scale: float, low: float, steep: float) -> Array:
    """``scale`` x, or ``low`` (exp(``steep`` x) - 1) where x is not positive."""
    return _apply(_elu, _elu_loop, (x,), scale, low, steep)


def elu_backward(g: Array, x: Array, scale: float, low: float, steep: float) -> Array:
    """g times ``scale``, or ``low`` ``steep`` exp(``steep`` x) where x is not positive."""
    return _apply(_elu_backward, _elu_backward_loop, (g, x), scale, low, steep)


# -------------------------------------------------------------------------------------- sigmoid and its kin


def _sigmoid(x: Array, out: Array) -> None:
    y = np.negative(x)
    np.exp(y, y)  # infinite for x very negative: the quotient is 0 then, as it should be
    np.add(y, 1, y)
    np.reciprocal(y, out)


def _silu(x: Array, out: Array) -> None:
    y = np.negative(x)
    np.exp(y, y)
    np.add(y, 1, y)
    np.divide(x, y, out)


def _silu_backward(g: Array, x: Array, out: Array) -> None:
    s = np.empty_like(x)
    _sigmoid(x, s)
    y = np.subtract(1, s)
    np.multiply(y, x, y)
    np.add(y, 1, y)
    np.multiply(y, s, y)
    np.multiply(y, g, out)


def _sigmoid_backward(g: Array, y: Array, out: Array) -> None:
    d = np.subtract(1, y)
    np.multiply(d, y, d)
    np.multiply(d, g, out)


def _logsigmoid(x: Array, out: Array) -> None:
    y = np.abs(x)
    np.negative(y, y)
    np.exp(y, y)
    np.log1p(y, y)
    np.subtract(np.minimum(x, 0), y, out)


def _logsigmoid_backward(g: Array, x: Array, out: Array) -> None:
    y = np.exp(x)
    np.add(y, 1, y)
    np.divide(g, y, out)


def _softplus(x: Array, out: Array, beta: float, threshold: float) -> None:
    z = np.multiply(x, x.dtype.type(beta))
    y = np.abs(z)
    np.negative(y, y)
    np.exp(y, y)
    np.log1p(y, y)
    np.add(y, np.maximum(z, 0), y)
    np.divide(y, x.dtype.type(beta), y)
    np.copyto(y, x, where=z > threshold)
    np.copyto(out, y)


def _softplus_backward(g: Array, x: Array, out: Array, beta: float, threshold: float) -> None:
    z = np.multiply(x, x.dtype.type(-beta))
    y = np.exp(z)
    np.add(y, 1, y)
    np.divide(g, y, y)
    np.copyto(y, g, where=z < -threshold)
    np.copyto(out, y)


def _mish(x: Array, out: Array) -> None:
    e = np.exp(np.minimum(x, 20))
    np.multiply(e, e + 2, e)  # tanh(log(1 + e^x)) = n/(n + 2), n = e^x (e^x + 2)
    np.divide(e, e + 2, e)
    np.multiply(e, x, out)


def _mish_backward(g: Array, x: Array, out: Array) -> None:
    e = np.exp(np.minimum(x, 20))
    n = np.multiply(e, e + 2)
    t = n / (n + 2)
    s = e / (e + 1)
    np.multiply(s, 4 * (e + 1) * (e + 1), s)
    np.divide(s, (n + 2) * (n + 2), s)  # sigmoid(x) (1 - t^2)
    np.multiply(s, x, s)
    np.copyto(s, x * 0, where=x > 20)  # nan at infinity, as of inf * 0
    np.add(s, t, s)
    np.multiply(s, g, out)


def _hardswish(x: Array, out: Array) -> None:
    y = np.add(x, 3)
    np.maximum(y, 0, out=y)
    np.minimum(y, 6, out=y)
    np.multiply(y, x, y)
    np.divide(y, 6, out)


def _hardswish_backward(g: Array, x: Array, out: Array) -> None:
    y = np.divide(x, 3)
    np.add(y, 0.5, y)
    np.copyto(y, 0, where=x <= -3)
    np.copyto(y, 1, where=x >= 3)
    np.multiply(y, g, out)


@compiled()
def _sigmoid_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = one / (one + exp_(-x[i]))


@compiled()
def _silu_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = x[i] / (one + exp_(-x[i]))


@compiled()
def _silu_backward_loop(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        s = one / (one + exp_(-x[i]))
        out[i] = g[i] * (s * (one + x[i] * (one - s)))


@compiled()
def _sigmoid_backward_loop(g: Any, y: Any, out: Any) -> None:
    for i in range(g.size):
        out[i] = g[i] * ((one - y[i]) * y[i])


@compiled()
def _logsigmoid_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        out[i] = (zero if v > zero else v) - log1p_(exp_(-abs(v)))


@compiled()
def _logsigmoid_backward_loop(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = g[i] / (one + exp_(x[i]))


@compiled()
def _softplus_loop(x: Any, out: Any, beta: Any, threshold: Any) -> None:
    for i in range(x.size):
        z = x[i] * beta
        y = ((zero if z < zero else z) + log1p_(exp_(-abs(z)))) / beta
        out[i] = x[i] if z > threshold else y


@compiled()
def _softplus_backward_loop(g: Any, x: Any, out: Any, beta: Any, threshold: Any) -> None:
    for i in range(x.size):
        z = x[i] * beta
        y = g[i] / (one + exp_(-z))
        out[i] = g[i] if z > threshold else y


@compiled()
def _mish_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        e = exp_(twenty if x[i] > twenty else x[i])
        n = e * (e + two)
        out[i] = x[i] * (n / (n + two))


@compiled()
def _mish_backward_loop(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        e = exp_(twenty if v > twenty else v)
        n = e * (e + two)
        p = e + one
        d = n + two
        s = v * (e / p * ((two * p) / d) * ((two * p) / d))
        out[i] = g[i] * (n / d + (zero * v if v > twenty else s))


@compiled()
def _hardswish_loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        y = x[i] + three
        y = zero if y < zero else y
        y = six if y > six else y
        out[i] = x[i] * y / six


@compiled()
def _hardswish_backward_loop(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        y = x[i] / three + half
        y = zero if x[i] <= -three else y
        y = one if x[i] >= three else y
        out[i] = g[i] * y


def sigmoid(x: Array) -> Array:
    """1/(1 + exp(-x))."""
    return _apply(_sigmoid, _sigmoid_loop, (x,))


def sigmoid_backward(g: Array, y: Array) -> Array:
    """g y (1 - y), with ``y`` the result of sigmoid."""
    return _apply(_sigmoid_backward, _sigmoid_backward_loop, (g, y))


def silu(x: Array) -> Array:
    """x/(1 + exp(-x))."""
    return _apply(_silu, _silu_loop, (x,))


def silu_backward(g: Array, x: Array) -> Array:
    """g s (1 + x (1 - s)), s = sigmoid(x)."""
    return _apply(_silu_backward, _silu_backward_loop, (g, x))


def logsigmoid(x: Array) -> Array:
    """min(x, 0) - log(1 + exp(-|x|))."""
    return _apply(_logsigmoid, _logsigmoid_loop, (x,))


def logsigmoid_backward(g: Array, x: Array) -> Array:
    """g/(1 + exp(x))."""
    return _apply(_logsigmoid_backward, _logsigmoid_backward_loop, (g, x))


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """log(1 + exp(beta x))/beta, and x itself where beta x > threshold."""
    return _apply(_softplus, _softplus_loop, (x,), beta, threshold)


def softplus_backward(g: Array, x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """g sigmoid(beta x), and g itself where beta x > threshold."""
    return _apply(_softplus_backward, _softplus_backward_loop, (g, x), beta, threshold)


def mish(x: Array) -> Array:
    """x tanh(softplus(x)), by one exponential."""
    return _apply(_mish, _mish_loop, (x,))


def mish_backward(g: Array, x: Array) -> Array:
    """g (t + x sigmoid(x) (1 - t^2)), t = tanh(softplus(x))."""
    return _apply(_mish_backward, _mish_backward_loop, (g, x))


def hardswish(x: Array) -> Array:
    """x min(max(x + 3, 0), 6)/6."""
    return _apply(_hardswish, _hardswish_loop, (x,))


def hardswish_backward(g: Array, x: Array) -> Array:
    """g times 0 up to -3, 1 from 3 on, x/3 + 1/2 between."""
    return _apply(_hardswish_backward, _hardswish_backward_loop, (g, x))
