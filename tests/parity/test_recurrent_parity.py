"""``torch.lstm``, ``gru``, ``rnn_tanh``, ``rnn_relu`` and their cells: functions of the weights, as in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

CELLS = {"lstm": "LSTMCell", "gru": "GRUCell", "rnn_tanh": "RNNCell", "rnn_relu": "RNNCell"}


def seen(lib: Any, values: Any) -> list[Any]:
    return [np.asarray(v.detach().numpy()) for v in values]


def whole(lib: Any, name: str, layers: int, both: bool, bias: bool, first: bool, form: str, project: int) -> list[Any]:
    """Outputs, states and gradients of the function, with weights drawn by NumPy."""
    rng = np.random.RandomState(layers + 2 * both)
    kind = {"lstm": lib.nn.LSTM, "gru": lib.nn.GRU}.get(name, lib.nn.RNN)
    extra = {"proj_size": project} if project else {}
    layer = kind(3, 4, layers, bias=bias, bidirectional=both, **extra).double()
    weights = [lib.from_numpy(rng.randn(*w.shape)).requires_grad_() for w in layer.parameters()]
    rows = layers * (1 + both)
    h = lib.from_numpy(rng.randn(rows, 2, project or 4)).requires_grad_()
    c = lib.from_numpy(rng.randn(rows, 2, 4)).requires_grad_()
    x = lib.from_numpy(rng.randn(5, 2, 3)).requires_grad_()
    hx: Any = (h, c) if name == "lstm" else h
    call = getattr(lib, name)
    if form == "padded":
        given = x.transpose(0, 1) if first else x
        found = call(given, hx, weights, bias, layers, 0.0, False, both, first)
    elif form == "named":
        found = call(input=x, hx=hx, params=weights, has_biases=bias, num_layers=layers, dropout=0.0, train=True,
                     bidirectional=both, batch_first=False)  # fmt: skip
    else:
        data, sizes = x.reshape(10, 3)[:8], lib.tensor([2, 2, 2, 1, 1])
        found = call(data, sizes, hx, weights, bias, layers, 0.0, False, both)
    total = sum((t * t).sum() for t in found)
    grads = lib.autograd.grad(total, [x, h, *weights, *([c] if name == "lstm" else [])])
    return seen(lib, [*found, *grads])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("form", ["padded", "named", "packed"])
@pytest.mark.parametrize(("layers", "both", "bias", "first"), [(1, False, True, False), (2, True, False, True)])
def test_functions(name: str, form: str, layers: int, both: bool, bias: bool, first: bool) -> None:
    for project in (0, 2) if name == "lstm" else (0,):
        ours, theirs = (whole(lib, name, layers, both, bias, first, form, project) for lib in (rushlight, torch))
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def one_step(lib: Any, name: str, bias: bool) -> list[Any]:
    rng = np.random.RandomState(0)
    layer = getattr(lib.nn, CELLS[name])(3, 4, bias=bias).double()
    weights = [lib.from_numpy(rng.randn(*w.shape)) for w in layer.parameters()]
    x, h, c = (lib.from_numpy(rng.randn(2, n)) for n in (3, 4, 4))
    found = getattr(lib, f"{name}_cell")(x, (h, c) if name == "lstm" else h, *weights)
    return seen(lib, found if name == "lstm" else [found])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("bias", [True, False])
def test_cells(name: str, bias: bool) -> None:
    for a, b in zip(one_step(rushlight, name, bias), one_step(torch, name, bias), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def refused(lib: Any) -> list[str]:
    layer, cell = lib.nn.LSTM(3, 4), lib.nn.LSTMCell(3, 4)
    w, v = list(layer.parameters()), list(cell.parameters())
    x, h = lib.zeros(5, 2, 3), lib.zeros(1, 2, 4)
    rest = (True, 1, 0.0, False, False, False)
    calls = [
        lambda: lib.lstm(x, [h], w, *rest),
        lambda: lib.lstm(x[:0], (h, h), w, *rest),
        lambda: lib.lstm(x, (h, h), w, True, 1, 1.5, True, False, False),
        lambda: lib.lstm(x[0], (h, h), w, *rest),
        lambda: lib.lstm(x),
        lambda: lib.lstm(x.reshape(10, 3), lib.tensor([2] * 5, dtype=lib.int32), (h, h), w, True, 1, 0.0, False, False),
        lambda: lib.gru(x, h[:0], w, *rest),
        lambda: lib.gru(x, h, [], *rest),
        lambda: lib.gru(x, (h,), w, *rest),
        lambda: lib.lstm_cell(x[0], (h[0],), *v),
        lambda: lib.lstm_cell(x[0], h[0], *v),
        lambda: lib.lstm_cell(x[0, :1], (h[0], h[0]), *v),
        lambda: lib.lstm_cell(x[0, :, :2], (h[0], h[0]), *v),
        lambda: lib.lstm_cell(x[0], (h[0, :, :3], h[0]), *v),
        lambda: lib.rnn_relu_cell(x[0], h[0], v[0][:3], v[1][:4]),
        lambda: lib.gru_cell(x[0], (h[0],), *v),
    ]
    log = []
    for call in calls:
        try:
            call()
            log.append("none")
        except Exception as e:
            log.append(type(e).__name__ + ": " + " ".join(str(e).split()[:4]))
    return log


def test_errors() -> None:
    assert refused(rushlight) == refused(torch)
