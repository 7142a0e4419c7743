"""``torch.lstm`` and its kin: the recurrent layers as functions of their weights, and their cells.

They have two forms, told apart by their arguments: of a padded batch, and of a packed one with its ``batch_sizes``.
"""

from __future__ import annotations

from typing import Any

import rushlight as rl
from rushlight import Tensor

from ._through_time import GATES, State, cell, check_cell, layers

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]

_REST = ("hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
_PADDED = ("input", *_REST, "batch_first")
_PACKED = ("data", "batch_sizes", *_REST)


def _arguments(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, in the form that they have: ``batch_sizes`` is in them if it is the packed one."""
    after = 1 if name == "lstm" else 2  # where the packed form has a tensor, and the padded one a list of tensors
    packed = bool(kwargs.keys() & {"data", "batch_sizes"}) or (len(args) > after and isinstance(args[after], Tensor))
    names = _PACKED if packed else _PADDED
    given = dict(zip(names, args, strict=False)) | {
        ("data" if k == "input" and packed else k): kwargs[k] for k in kwargs
    }
    lists = isinstance(given.get("params"), (list, tuple)) and isinstance(given.get("hx"), (list, tuple)) == (
        name == "lstm"
    )
    if len(args) > len(names) or given.keys() != set(names) or not lists:
        kinds = ", ".join(type(a).__name__ for a in (*args, *kwargs.values()))
        hx = "tuple of Tensors" if name == "lstm" else "Tensor"
        tail = "tuple of Tensors params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional"
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({kinds}), but expected one of:\n"
            f" * (Tensor data, Tensor batch_sizes, {hx} hx, {tail})\n"
            f" * (Tensor input, {hx} hx, {tail}, bool batch_first)"
        )
    return given


def _weights(name: str, mode: str, given: dict[str, Any], states: State) -> list[tuple[Any, ...]]:
    """The flat list of weights cut into those of each layer and direction."""
    params = list(given["params"])
    count = given["num_layers"] * (2 if given["bidirectional"] else 1)
    projected = mode == "LSTM" and states[0].size(-1) != states[1].size(-1)
    each = (4 if given["has_biases"] else 2) + projected
    if any(len(s) < count for s in states):
        raise RuntimeError("Expected more hidden states in stacked_rnn")
    if len(params) < count * each:
        raise RuntimeError(f"Expected more weights in stacked_rnn: {count * each}, {each} a layer, got {len(params)}")
    if len(params) > count * each:
        raise RuntimeError(f"got {len(params)} weights for {count} layers and directions, which take {each} each")
    cut = []
    for start in range(0, len(params), each):
        w = params[start : start + each]
        w_hr = w.pop() if projected else None
        rows = GATES[mode] * states[-1].size(-1)
        for weight in w[:2]:
            if weight.dim() != 2 or weight.size(0) != rows:
                raise RuntimeError(f"the weights of {name} have {rows} rows for these states, got {list(weight.shape)}")
        cut.append((*w, *([None, None] if not given["has_biases"] else []), w_hr))
    return cut


def _sizes(data: Tensor, batch_sizes: Tensor) -> list[int]:
    if batch_sizes.dtype != rl.int64:
        raise RuntimeError(f"expected scalar type Long but found {batch_sizes.dtype}: batch_sizes are int64")
    sizes: list[int] = batch_sizes.tolist()
    if sum(sizes) != data.size(0) or sizes != sorted(sizes, reverse=True) or min(sizes, default=1) < 1:
        raise RuntimeError(
            f"batch_sizes must fall, be positive and add up to the {data.size(0)} rows of data, got {sizes}"
        )
    return sizes


def _run(name: str, mode: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, State]:
    given = _arguments(name, args, kwargs)
    states = tuple(given["hx"]) if mode == "LSTM" else (given["hx"],)
    if mode == "LSTM" and len(states) != 2:
        raise RuntimeError("lstm expects two hidden states")
    if given["train"] and given["num_layers"] > 1 and not 0 <= given["dropout"] <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {given['dropout']}")
    if "batch_sizes" in given:
        x, turned = given["data"], False
        sizes = _sizes(x, given["batch_sizes"])
    else:
        x, turned = given["input"], given["batch_first"]
        if x.dim() != 3:
            raise IndexError(f"Dimension out of range (expected 3-D input (T, N, input_size), but got {x.dim()}-D)")
        x = x.transpose(0, 1) if turned else x
        sizes = [x.size(1)] * x.size(0)
    for state in states:
        if sizes and state.size(1) != sizes[0]:
            raise RuntimeError(f"a batch of {sizes[0]} needs states of so many rows, got {list(state.shape)}")
    directions = 2 if given["bidirectional"] else 1
    weights = _weights(name, mode, given, states)
    x, states = layers(mode, x, sizes, states, weights, directions, given["dropout"], given["train"])
    return x.transpose(0, 1) if turned else x, states


def lstm(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory with the weights given: outputs, last hidden and last cell states.

    ``lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)`` of a padded batch
    ``(T, N, input_size)``, or ``lstm(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train,
    bidirectional)`` of a packed one. ``hx`` is the pair of hidden and cell states, ``params`` the weights in the order
    of ``torch.nn.LSTM``: w_ih, w_hh, b_ih, b_hh, and w_hr if it projects, for each layer and direction.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.LSTM(3, 4), torch.ones(5, 2, 3), torch.zeros(1, 2, 4)
    >>> out, h, c = torch.lstm(x, (h, h), list(layer.parameters()), True, 1, 0.0, False, False, False)
    >>> torch.equal(out, layer(x)[0])
    True
    """
    output, (h, c) = _run("lstm", "LSTM", args, kwargs)
    return output, h, c


def gru(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Gated recurrent units with the weights given: outputs and last states. Arguments as for ``torch.lstm``, with one
    state ``hx``.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.GRU(3, 4), torch.ones(5, 2, 3), torch.zeros(1, 2, 4)
    >>> out, h = torch.gru(x, h, list(layer.parameters()), True, 1, 0.0, False, False, False)
    >>> torch.equal(out, layer(x)[0])
    True
    """
    output, (h,) = _run("gru", "GRU", args, kwargs)
    return output, h


def rnn_tanh(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Recurrence through tanh with the weights given: outputs and last states. Arguments as for ``torch.gru``.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.RNN(3, 4), torch.ones(5, 2, 3), torch.zeros(1, 2, 4)
    >>> out, h = torch.rnn_tanh(x, h, list(layer.parameters()), True, 1, 0.0, False, False, False)
    >>> torch.equal(out, layer(x)[0])
    True
    """
    output, (h,) = _run("rnn_tanh", "RNN_TANH", args, kwargs)
    return output, h


def rnn_relu(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Recurrence through relu with the weights given: outputs and last states. Arguments as for ``torch.gru``.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.RNN(3, 4, nonlinearity="relu"), torch.ones(5, 2, 3), torch.zeros(1, 2, 4)
    >>> out, h = torch.rnn_relu(x, h, list(layer.parameters()), True, 1, 0.0, False, False, False)
    >>> torch.equal(out, layer(x)[0])
    True
    """
    output, (h,) = _run("rnn_relu", "RNN_RELU", args, kwargs)
    return output, h


def _cell(name: str, mode: str, input: Tensor, states: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Any, b_hh: Any) -> State:
    for state in states:
        if not isinstance(state, Tensor):
            raise TypeError(f"{name}(): argument 'hx' (position 2) must be Tensor, not {type(state).__name__}")
    gates, size = GATES[mode], w_hh.size(1)
    check_cell(input, states, w_ih.size(1), size)
    for what, w in (("weight_ih", w_ih), ("weight_hh", w_hh)):
        if w.size(0) != gates * size:
            raise RuntimeError(f"{what} first dim must be {gates} * hidden_size = {gates * size}, but got {w.size(0)}")
    return cell(mode, input, states, w_ih, w_hh, b_ih, b_hh)


def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM with the weights given, from ``hx``, hidden and cell state, to the next two.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.LSTMCell(3, 4), torch.ones(2, 3), torch.zeros(2, 4)
    >>> torch.equal(torch.lstm_cell(x, (h, h), *layer.parameters())[0], layer(x)[0])
    True
    """
    if not isinstance(hx, (tuple, list)):
        raise TypeError(f"lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not {type(hx).__name__}")
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    h, c = _cell("lstm_cell", "LSTM", input, tuple(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a GRU with the weights given, from ``hx`` to the next state.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.GRUCell(3, 4), torch.ones(2, 3), torch.zeros(2, 4)
    >>> torch.equal(torch.gru_cell(x, h, *layer.parameters()), layer(x))
    True
    """
    h: Tensor
    (h,) = _cell("gru_cell", "GRU", input, (hx,), w_ih, w_hh, b_ih, b_hh)
    return h


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step through tanh with the weights given, from ``hx`` to the next state.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.RNNCell(3, 4), torch.ones(2, 3), torch.zeros(2, 4)
    >>> torch.equal(torch.rnn_tanh_cell(x, h, *layer.parameters()), layer(x))
    True
    """
    h: Tensor
    (h,) = _cell("rnn_tanh_cell", "RNN_TANH", input, (hx,), w_ih, w_hh, b_ih, b_hh)
    return h


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step through relu with the weights given, from ``hx`` to the next state.

    >>> import rushlight as torch
    >>> layer, x, h = torch.nn.RNNCell(3, 4, nonlinearity="relu"), torch.ones(2, 3), torch.zeros(2, 4)
    >>> torch.equal(torch.rnn_relu_cell(x, h, *layer.parameters()), layer(x))
    True
    """
    h: Tensor
    (h,) = _cell("rnn_relu_cell", "RNN_RELU", input, (hx,), w_ih, w_hh, b_ih, b_hh)
    return h
