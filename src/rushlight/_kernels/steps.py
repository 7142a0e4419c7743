"""Optimizer steps: parameters and states updated in place, in one pass over memory.

The order of operations is that of PyTorch's optimizers for single tensors, and products are fused into sums
where its vectorized loops fuse them: the compiled loops give the same bits but for the square root, which
PyTorch leaves to a library that does not round it correctly. The NumPy texts give the same bits for small float32
arrays; in large ones and in float64 they round the fused products once more.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .jit import STRICT, compiled, constant, fma, numba_loaded, use_numba
from .pool_of_threads import quietly, run_chunks

__all__ = ["adadelta", "adagrad", "adam", "rmsprop", "sgd"]

Array = np.ndarray[Any, Any]
BLOCK = 1 << 15  # elements: five arrays and scratch stay in a second-level cache
TINY = 1 << 10  # elements up to which a compiled loop is not worth its call
FEW = 1 << 14  # elements up to which NumPy rounds a fused product once
half, one = constant(0.5), constant(1)


def _run(
    text: Callable[..., None], loop: Any, arrays: tuple[Array, ...], flags: tuple[bool, ...], *numbers: float
) -> None:
    """``text`` or ``loop`` over blocks of arrays of one shape, all contiguous or else taken whole."""
    first = arrays[0]
    constants = [first.dtype.type(v) for v in numbers]
    if (
        first.size > TINY
        and numba_loaded()
        and first.dtype.char == "f"
        and all([a.flags.c_contiguous and a.dtype is first.dtype for a in arrays])
    ):
        flat = [a.reshape(-1) for a in arrays]
        run_chunks(lambda i, j: loop(*[a[i:j] for a in flat], *flags, *constants), first.size, first.size, 1024)
        return
    if first.size <= BLOCK or not all(a.flags.c_contiguous for a in arrays):
        if first.ndim:
            quietly(text, *arrays, *flags, *constants)
        else:
            quietly(text, *(a.reshape(1) for a in arrays), *flags, *constants)
        return
    flat = [a.reshape(-1) for a in arrays]
    if first.dtype.char in "fd" and use_numba(first.size) and all(a.dtype == first.dtype for a in arrays):
        run_chunks(
            lambda i, j: loop(*(a[i:j] for a in flat), *flags, *constants), first.size, first.size, 1024
        )  # fmt: skip
        return

    def blocks(start: int, stop: int) -> None:
        for i in range(start, stop, BLOCK):
            j = min(i + BLOCK, stop)
            text(*(a[i:j] for a in flat), *flags, *constants)

    with np.errstate(all="ignore"):
        run_chunks(blocks, first.size, first.size, BLOCK)


def _prepared(p: Array, g: Array, maximize: bool, decay: Any) -> Array:
    """The gradient, turned if we go up, with the parameters' own pull; always a new array."""
    if maximize:
        y = np.negative(g)
        if decay:
            _fused(p, decay, y, y)
        return y
    if not decay:
        return g.copy()
    y = np.empty_like(g)
    _fused(p, decay, g, y)
    return y


def _fused(a: Any, b: Any, c: Array, out: Array) -> None:
    """a b + c into ``out``; rounded once in float32, as the product is exact in float64, if that costs little."""
    y = np.multiply(a, b, dtype=np.float64 if c.dtype.char == "f" and c.size <= FEW else None)
    np.add(y, c, out=out, casting="same_kind")


def _lerp(start: Array, end: Array, weight: Any) -> None:
    """start + weight (end - start), in place."""
    d = np.subtract(end, start)
    if weight < 0.5:
        _fused(d, weight, start, start)
    else:
        _fused(d, weight - 1, end, start)


def _add_square(state: Array, keep: Any, weight: Any, g: Array) -> None:
    """keep state + weight g g, in place."""
    np.multiply(state, keep, state)
    _fused(np.multiply(g, weight), g, state, state)


# ------------------------------------------------------------------------------------------------------------- sgd


def _sgd(
    p: Array, g: Array, buffer: Array, maximize: bool, has_buffer: bool, first: bool, nesterov: bool,
    lr: Any, decay: Any, momentum: Any, taken: Any,
) -> None:  # fmt: skip
    y = _prepared(p, g, maximize, decay) if maximize or decay or nesterov else g
    if has_buffer:
        if first:
            buffer[...] = y
        else:
            np.multiply(buffer, momentum, buffer)
            if taken == 1:  # the product is exact
                np.add(buffer, y, buffer)
            else:
                _fused(y, taken, buffer, buffer)
        if nesterov:
            _fused(buffer, momentum, y, y)
        else:
            y = buffer
    _fused(y, lr, p, p)


@compiled(STRICT)
def _sgd_loop(
    p: Any, g: Any, buffer: Any, maximize: Any, has_buffer: Any, first: Any, nesterov: Any,
    lr: Any, decay: Any, momentum: Any, taken: Any,
) -> None:  # fmt: skip
    for i in range(p.size):
        y = -g[i] if maximize else g[i]
        y = fma(p[i], decay, y) if decay != 0 else y
        if has_buffer:
            b = y if first else fma(y, taken, buffer[i] * momentum)
            buffer[i] = b
            y = fma(b, momentum, y) if nesterov else b
        p[i] = fma(y, lr, p[i])


def sgd(
    p: Array, g: Array, buffer: Array | None, *, lr: float, momentum: float = 0.0, dampening: float = 0.0,
    weight_decay: float = 0.0, nesterov: bool = False, maximize: bool = False, first: bool = False,
) -> None:  # fmt: skip
    """One step of stochastic gradient descent; ``buffer`` is the momentum, only written if ``first``."""
    flags = maximize, buffer is not None and momentum != 0, first, nesterov
    arrays = p, g, p if buffer is None else buffer
    _run(_sgd, _sgd_loop, arrays, flags, -lr, weight_decay, momentum, 1 - dampening)


# ------------------------------------------------------------------------------------------------------------ adam


def _adam(
    p: Array, g: Array, m: Array, v: Array, largest: Array, maximize: bool, decoupled: bool, amsgrad: bool,
    decay: Any, weight1: Any, keep2: Any, weight2: Any, root: Any, eps: Any, step_size: Any,
) -> None:  # fmt: skip
    if decoupled:
        np.multiply(p, decay, p)
    y = _prepared(p, g, maximize, 0 if decoupled else decay)
    _lerp(m, y, weight1)
    _add_square(v, keep2, weight2, y)
    if amsgrad:
        np.maximum(largest, v, out=largest)
        v = largest
    np.sqrt(v, y)
    np.divide(y, root, y)
    np.add(y, eps, y)
    np.divide(m * step_size, y, y)
    np.add(p, y, p)


@compiled(STRICT)
def _adam_loop(
    p: Any, g: Any, m: Any, v: Any, largest: Any, maximize: Any, decoupled: Any, amsgrad: Any,
    decay: Any, weight1: Any, keep2: Any, weight2: Any, root: Any, eps: Any, step_size: Any,
) -> None:  # fmt: skip
    for i in range(p.size):
        y = -g[i] if maximize else g[i]
        q = p[i] * decay if decoupled else p[i]
        y = fma(q, decay, y) if not decoupled and decay != 0 else y
        d = y - m[i]
        first = fma(weight1, d, m[i]) if weight1 < half else fma(-d, one - weight1, y)
        second = fma(weight2 * y, y, v[i] * keep2)
        m[i] = first
        v[i] = second
        if amsgrad:
            second = second if second > largest[i] or second != second else largest[i]
            largest[i] = second
        p[i] = q + step_size * first / (math.sqrt(second) / root + eps)


def adam(
    p: Array, g: Array, m: Array, v: Array, largest: Array | None, *, step: float, lr: float = 1e-3,
    beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.0,
    decoupled: bool = False, maximize: bool = False,
) -> None:  # fmt: skip
    """Step number ``step`` (from 1) of Adam, or of AdamW if ``decoupled``; amsgrad if ``largest`` is given.

    ``m`` and ``v`` are the running means of gradients and their squares, ``largest`` the largest ``v`` so far.
    """
    step_size = lr / (1 - beta1**step)
    root = (1 - beta2**step) ** 0.5
    decoupled = decoupled and weight_decay != 0
    decay = 1 - lr * weight_decay if decoupled else weight_decay
    flags = maximize, decoupled, largest is not None
    arrays = p, g, m, v, v if largest is None else largest
    _run(_adam, _adam_loop, arrays, flags, decay, 1 - beta1, beta2, 1 - beta2, root, eps, -step_size)


# --------------------------------------------------------------------------------------------------------- rmsprop


def _rmsprop(
    p: Array, g: Array, v: Array, mean: Array, buffer: Array, maximize: bool, centered: bool, has_buffer: bool,
    lr: Any, decay: Any, alpha: Any, weight: Any, eps: Any, momentum: Any,
) -> None:  # fmt: skip
    y = _prepared(p, g, maximize, decay)
    _add_square(v, alpha, weight, y)
    if centered:
        _lerp(mean, y, weight)
        root = np.negative(mean)
        _fused(root, mean, v, root)
        np.sqrt(root, root)
    else:
        root = np.sqrt(v)
    np.add(root, eps, root)
    if has_buffer:
        np.multiply(buffer, momentum, buffer)
        np.add(buffer, y / root, buffer)
        _fused(buffer, lr, p, p)
    else:
        np.add(p, y * lr / root, p)


@compiled(STRICT)
def _plain_rmsprop_loop(
    p: Any, g: Any, v: Any, maximize: Any, lr: Any, decay: Any, alpha: Any, weight: Any, eps: Any
) -> None:
    for i in range(p.size):
        y = -g[i] if maximize else g[i]
        y = fma(p[i], decay, y) if decay != 0 else y
        s = fma(weight * y, y, v[i] * alpha)
        v[i] = s
        p[i] = p[i] + lr * y / (math.sqrt(s) + eps)


def _plain_rmsprop(
    p: Array, g: Array, v: Array, maximize: bool, lr: Any, decay: Any, alpha: Any, weight: Any, eps: Any
) -> None:
    _rmsprop(p, g, v, v, v, maximize, False, False, lr, decay, alpha, weight, eps, 0)


@compiled(STRICT)
def _rmsprop_loop(
    p: Any, g: Any, v: Any, mean: Any, buffer: Any, maximize: Any, centered: Any, has_buffer: Any,
    lr: Any, decay: Any, alpha: Any, weight: Any, eps: Any, momentum: Any,
) -> None:  # fmt: skip
    for i in range(p.size):
        y = -g[i] if maximize else g[i]
        y = fma(p[i], decay, y) if decay != 0 else y
        s = fma(weight * y, y, v[i] * alpha)
        v[i] = s
        if centered:
            d = y - mean[i]
            m = fma(weight, d, mean[i]) if weight < half else fma(-d, one - weight, y)
            mean[i] = m
            s = fma(-m, m, s)
        root = math.sqrt(s) + eps
        if has_buffer:
            b = buffer[i] * momentum + y / root
            buffer[i] = b
            p[i] = fma(b, lr, p[i])
        else:
            p[i] = p[i] + lr * y / root


def rmsprop(
    p: Array, g: Array, v: Array, mean: Array | None, buffer: Array | None, *, lr: float = 1e-2,
    alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0, momentum: float = 0.0,
    maximize: bool = False,
) -> None:  # fmt: skip
    """One step of RMSprop, centered if ``mean`` is given; ``buffer`` holds the momentum, if there is any."""
    flags = maximize, mean is not None, buffer is not None and momentum > 0
    if flags[1:] == (False, False):
        numbers = -lr, weight_decay, alpha, 1 - alpha, eps
        return _run(_plain_rmsprop, _plain_rmsprop_loop, (p, g, v), (maximize,), *numbers)
    arrays = p, g, v, v if mean is None else mean, v if buffer is None else buffer
    _run(_rmsprop, _rmsprop_loop, arrays, flags, -lr, weight_decay, alpha, 1 - alpha, eps, momentum)


# ------------------------------------------------------------------------------------------- adagrad and adadelta


def _adagrad(p: Array, g: Array, total: Array, maximize: bool, lr: Any, decay: Any, eps: Any) -> None:
    y = _prepared(p, g, maximize, decay)
    _fused(y, y, total, total)
    root = np.sqrt(total)
    np.add(root, eps, root)
    np.multiply(y, lr, y)
    np.add(p, np.divide(y, root, y), p)


@compiled(STRICT)
def _adagrad_loop(p: Any, g: Any, total: Any, maximize: Any, lr: Any, decay: Any, eps: Any) -> None:
    for i in range(p.size):
        y = -g[i] if maximize else g[i]
        y = fma(p[i], decay, y) if decay != 0 else y
        s = fma(y, y, total[i])
        total[i] = s
        p[i] = p[i] + lr * y / (math.sqrt(s) + eps)


def adagrad(
    p: Array, g: Array, total: Array, *, step: float, lr: float = 1e-2, lr_decay: float = 0.0,
    weight_decay: float = 0.0, eps: float = 1e-10, maximize: bool = False,
) -> None:  # fmt: skip
    """Step number ``step`` (from 1) of Adagrad; ``total`` is the sum of squared gradients."""
    rate = lr / (1 + (step - 1) * lr_decay)
    _run(_adagrad, _adagrad_loop, (p, g, total), (maximize,), -rate, weight_decay, eps)


def _adadelta(
    p: Array, g: Array, v: Array, moved: Array, maximize: bool,
    lr: Any, decay: Any, rho: Any, weight: Any, eps: Any,
) -> None:  # fmt: skip
    y = _prepared(p, g, maximize, decay)
    _add_square(v, rho, weight, y)
    delta = np.add(moved, eps)
    np.sqrt(delta, delta)
    np.divide(delta, np.sqrt(v + eps), delta)
    np.multiply(delta, y, delta)
    _add_square(moved, rho, weight, delta)
    _fused(delta, lr, p, p)


@compiled(STRICT)
def _adadelta_loop(
    p: Any, g: Any, v: Any, moved: Any, maximize: Any, lr: Any, decay: Any, rho: Any, weight: Any, eps: Any
) -> None:
    for i in range(p.size):
        y = -g[i] if maximize else g[i]
        y = fma(p[i], decay, y) if decay != 0 else y
        s = fma(weight * y, y, v[i] * rho)
        v[i] = s
        delta = math.sqrt(moved[i] + eps) / math.sqrt(s + eps) * y
        moved[i] = fma(weight * delta, delta, moved[i] * rho)
        p[i] = fma(delta, lr, p[i])


def adadelta(
    p: Array, g: Array, v: Array, moved: Array, *, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6,
    weight_decay: float = 0.0, maximize: bool = False,
) -> None:  # fmt: skip
    """One step of Adadelta; ``v`` and ``moved`` are running means of squared gradients and squared steps."""
    _run(_adadelta, _adadelta_loop, (p, g, v, moved), (maximize,), -lr, weight_decay, rho, 1 - rho, eps)
