"""Kernels of recurrent layers: a whole sequence forward and backward through time, in NumPy.

The input is projected already, its rows stand step after step: step t takes rows ``start`` to ``start +
size`` and the first ``size`` rows of the state. Rows of the state that do not run keep their value, which is
the last one of a sequence that is over, and the first one of a sequence that (backwards) has not begun. So
both directions, padded and packed, are one loop. Backward keeps the gates of all steps, so that the gradient
of the weight is one product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._kernels.recurrence import lstm_cells, sigmoid_

Array = np.ndarray[Any, Any]
Steps = Sequence[tuple[int, int]]
Saved = tuple[Array, ...]
# (x, w_hh, b_hh, state, steps) -> (outputs, last state, saved)
Forward = Callable[[Array, Array, Any, tuple[Array, ...], Steps], tuple[Array, tuple[Array, ...], Saved]]
# (saved, w_hh, gradients of outputs and of the last state, steps) -> those of x, w_hh, b_hh and state
Backward = Callable[[Saved, Array, Array, tuple[Array, ...], Steps], tuple[Any, ...]]


def lstm_forward(
    x: Array, w_hh: Array, b_hh: Any, state: tuple[Array, ...], steps: Steps
) -> tuple[Array, tuple[Array, ...], Saved]:
    """Gates i, f, g, o; ``c' = f c + i g``, ``h' = o tanh(c')``."""
    h, c = state[0].copy(), state[1].copy()
    n = h.shape[1]
    gates = np.empty_like(x, order="C")
    before_h = np.empty((len(x), n), x.dtype)
    before_c, tanh_c, outputs = np.empty_like(before_h), np.empty_like(before_h), np.empty_like(before_h)
    w = np.ascontiguousarray(w_hh.T)
    cell, _ = lstm_cells(gates, (x, h, c))
    for start, size in steps:
        end = start + size
        a, hb, cb = gates[start:end], h[:size], c[:size]
        before_h[start:end] = hb
        before_c[start:end] = cb
        np.matmul(hb, w, out=a)
        cell(a, x[start:end], cb, tanh_c[start:end], hb)
        outputs[start:end] = hb
    return outputs, (h, c), (gates, before_h, before_c, tanh_c)


def lstm_backward(
    saved: Saved, w_hh: Array, grad: Array, grad_state: tuple[Array, ...], steps: Steps
) -> tuple[Any, ...]:
    gates, before_h, before_c, tanh_c = saved
    dh, dc = grad_state[0].copy(), grad_state[1].copy()
    da = np.empty_like(gates)
    _, cell = lstm_cells(gates, (grad, before_c, tanh_c, dh, dc))
    for start, size in reversed(steps):
        end = start + size
        d = dh[:size]
        cell(gates[start:end], grad[start:end], before_c[start:end], tanh_c[start:end], d, dc[:size], da[start:end])
        np.matmul(da[start:end], w_hh, out=d)
    return da, da.T @ before_h, None, dh, dc


def gru_forward(
    x: Array, w_hh: Array, b_hh: Any, state: tuple[Array, ...], steps: Steps
) -> tuple[Array, tuple[Array, ...], Saved]:
    """Gates r, z and candidate n; ``n = tanh(x_n + r h_n)``, ``h' = n + z (h - n)``."""
    h = state[0].copy()
    n = h.shape[1]
    gates = np.empty_like(x, order="C")
    before = np.empty((len(x), n), x.dtype)
    h_n, outputs = np.empty_like(before), np.empty_like(before)
    w = np.ascontiguousarray(w_hh.T)
    for start, size in steps:
        end = start + size
        a, hb = gates[start:end], h[:size]
        before[start:end] = hb
        of_h = hb @ w
        if b_hh is not None:
            of_h += b_hh
        h_n[start:end] = of_h[:, 2 * n :]
        rz, c = a[:, : 2 * n], a[:, 2 * n :]
        np.add(x[start:end, : 2 * n], of_h[:, : 2 * n], out=rz)
        sigmoid_(rz)
        np.multiply(a[:, :n], of_h[:, 2 * n :], out=c)
        c += x[start:end, 2 * n :]
        np.tanh(c, out=c)
        hb -= c
        hb *= a[:, n : 2 * n]
        hb += c
        outputs[start:end] = hb
    return outputs, (h,), (gates, before, h_n)


def gru_backward(
    saved: Saved, w_hh: Array, grad: Array, grad_state: tuple[Array, ...], steps: Steps
) -> tuple[Any, ...]:
    gates, before, h_n = saved
    n = before.shape[1]
    dh = grad_state[0].copy()
    dx, of_h = np.empty_like(gates), np.empty_like(gates)
    for start, size in reversed(steps):
        end = start + size
        r, z, c = (gates[start:end, k * n : (k + 1) * n] for k in range(3))
        d = dh[:size] + grad[start:end]
        dn = dx[start:end, 2 * n :]
        np.multiply(d, 1 - z, out=dn)
        dn *= 1 - c * c
        dx[start:end, :n] = dn * h_n[start:end] * (r * (1 - r))
        dx[start:end, n : 2 * n] = d * (before[start:end] - c) * (z * (1 - z))
        of_h[start:end, : 2 * n] = dx[start:end, : 2 * n]
        np.multiply(dn, r, out=of_h[start:end, 2 * n :])
        np.matmul(of_h[start:end], w_hh, out=dh[:size])
        dh[:size] += d * z
    return dx, of_h.T @ before, of_h.sum(0), dh


def _plain(relu: bool) -> tuple[Forward, Backward]:
    """The pair of the plain recurrence, ``h' = tanh(x + W h)`` or with relu."""

    def forward(
        x: Array, w_hh: Array, b_hh: Any, state: tuple[Array, ...], steps: Steps
    ) -> tuple[Array, tuple[Array, ...], Saved]:
        h = state[0].copy()
        before = np.empty((len(x), h.shape[1]), x.dtype)
        outputs = np.empty_like(before)
        w = np.ascontiguousarray(w_hh.T)
        for start, size in steps:
            end = start + size
            a, hb = outputs[start:end], h[:size]
            before[start:end] = hb
            np.matmul(hb, w, out=a)
            a += x[start:end]
            if relu:
                np.maximum(a, 0, out=a)
            else:
                np.tanh(a, out=a)
            hb[...] = a
        return outputs, (h,), (outputs, before)

    def backward(
        saved: Saved, w_hh: Array, grad: Array, grad_state: tuple[Array, ...], steps: Steps
    ) -> tuple[Any, ...]:
        outputs, before = saved
        dh = grad_state[0].copy()
        da = np.empty_like(outputs)
        for start, size in reversed(steps):
            end = start + size
            h = outputs[start:end]
            d = da[start:end]
            np.add(dh[:size], grad[start:end], out=d)
            d *= (h > 0) if relu else 1 - h * h
            np.matmul(d, w_hh, out=dh[:size])
        return da, da.T @ before, None, dh

    return forward, backward


KERNELS: dict[str, tuple[Forward, Backward]] = {
    "LSTM": (lstm_forward, lstm_backward),
    "GRU": (gru_forward, gru_backward),
    "RNN_TANH": _plain(relu=False),
    "RNN_RELU": _plain(relu=True),
}
