"""The cell of an LSTM, one step of it: gates, state and output in one pass, forward and backward.

Each is a pair side by side: a NumPy text, and the same formulas in a loop for numba. Rows of ``a`` hold the four
gates i, f, g, o one after another; ``c`` is the state, ``t`` its tanh, ``h`` the output.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .jit import compiled, constant, use_numba
from .scalar import tanh_

__all__ = ["lstm_cells", "sigmoid_"]

Array = np.ndarray[Any, Any]
half, one = constant(0.5), constant(1)


def lstm_cells(gates: Array, others: tuple[Array, ...]) -> tuple[Callable[..., None], Callable[..., None]]:
    """The step forward and the step backward, for a sequence whose gates are all in one array."""
    alike = all([a.dtype is gates.dtype and a.flags.c_contiguous for a in (gates, *others)])
    if alike and gates.dtype.char in "fd" and use_numba(gates.size):
        return _cell_loop, _cell_backward_loop
    return _cell, _cell_backward


def sigmoid_(a: Array) -> None:
    """``1 / (1 + exp(-a))`` in place, by tanh: it does not overflow, and NumPy has it vectorized."""
    a *= 0.5
    np.tanh(a, out=a)
    a *= 0.5
    a += 0.5


def _cell(a: Array, x: Array, c: Array, t: Array, h: Array) -> None:
    """``a += x`` made gates; ``c = f c + i g``, ``t = tanh(c)``, ``h = o t``."""
    n = c.shape[1]
    a += x
    g = a[:, 2 * n : 3 * n]
    np.tanh(g, out=g)
    sigmoid_(a[:, : 2 * n])
    sigmoid_(a[:, 3 * n :])
    c *= a[:, n : 2 * n]
    c += a[:, :n] * g
    np.tanh(c, out=t)
    np.multiply(a[:, 3 * n :], t, out=h)


@compiled()
def _cell_loop(a: Any, x: Any, c: Any, t: Any, h: Any) -> None:
    n = c.shape[1]
    for row in range(a.shape[0]):
        parts, added = a[row], x[row]
        for j in range(4 * n):
            parts[j] += added[j]
        i, f, g, o = parts[:n], parts[n : 2 * n], parts[2 * n : 3 * n], parts[3 * n :]  # counts from 0: no sign to test
        for k in range(n):
            i[k] = half * tanh_(half * i[k]) + half
        for k in range(n):
            f[k] = half * tanh_(half * f[k]) + half
        for k in range(n):
            g[k] = tanh_(g[k])
        for k in range(n):
            o[k] = half * tanh_(half * o[k]) + half
        state, tanh, out = c[row], t[row], h[row]
        for k in range(n):
            state[k] = state[k] * f[k] + i[k] * g[k]
        for k in range(n):
            tanh[k] = tanh_(state[k])
        for k in range(n):
            out[k] = o[k] * tanh[k]


def _cell_backward(a: Array, grad: Array, before: Array, t: Array, dh: Array, dc: Array, da: Array) -> None:
    """Gradients of the gates' arguments into ``da``; ``dc`` becomes that of the state before. ``dh`` is used up."""
    n = t.shape[1]
    i, f, g, o = (a[:, k * n : (k + 1) * n] for k in range(4))
    di, df, dg, do = (da[:, k * n : (k + 1) * n] for k in range(4))
    dh += grad
    np.multiply(dh, t, out=do)
    do *= o * (1 - o)
    dh *= o
    dh *= 1 - t * t
    dc += dh
    np.multiply(dc, g, out=di)
    di *= i * (1 - i)
    np.multiply(dc, before, out=df)
    df *= f * (1 - f)
    np.multiply(dc, i, out=dg)
    dg *= 1 - g * g
    dc *= f


@compiled()
def _cell_backward_loop(a: Any, grad: Any, before: Any, t: Any, dh: Any, dc: Any, da: Any) -> None:
    n = t.shape[1]
    for row in range(a.shape[0]):
        ai, af, ag, ao = a[row, :n], a[row, n : 2 * n], a[row, 2 * n : 3 * n], a[row, 3 * n :]
        di, df, dg, do = da[row, :n], da[row, n : 2 * n], da[row, 2 * n : 3 * n], da[row, 3 * n :]
        arrived, c, tanh, state, out = grad[row], before[row], t[row], dc[row], dh[row]
        for k in range(n):
            out[k] += arrived[k]
        for k in range(n):
            o, s = ao[k], tanh[k]
            do[k] = out[k] * s * (o * (one - o))
            state[k] += out[k] * o * (one - s * s)
        for k in range(n):
            di[k] = state[k] * ag[k] * (ai[k] * (one - ai[k]))
        for k in range(n):
            df[k] = state[k] * c[k] * (af[k] * (one - af[k]))
        for k in range(n):
            dg[k] = state[k] * ai[k] * (one - ag[k] * ag[k])
        for k in range(n):
            state[k] *= af[k]
