"""Recurrent layers and cells: one step function for each kind, and one loop that runs it over time.

What a step takes from the input does not depend on the steps before, so it is one matrix product for the
whole sequence; only the product with the hidden state is left in the loop. A padded batch is the special case
of a packed one in which all sequences run to the end.
"""

from __future__ import annotations

import itertools
import math
import numbers
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import rushlight as rl
from rushlight import Tensor

from ..._core import record
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from ._recurrence import KERNELS
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

# A state is (hidden,) or (hidden, cell); a step makes the next one out of its part of the input and the last.
State = tuple[Any, ...]
Step = Callable[..., State]


def _rnn(activation: Callable[[Tensor], Tensor], w_hh: Tensor, b_hh: Tensor | None, x: Tensor) -> tuple[Any, Step]:
    """``h' = activation(x + w_hh h)``; ``x`` is the projected input, with its bias."""
    if b_hh is not None:
        x = x + b_hh
    w = w_hh.t()

    def step(x: Tensor, h: Tensor) -> State:
        return (activation(rl.addmm(x, h, w)),)

    return x, step


def _lstm(w_hh: Tensor, b_hh: Tensor | None, x: Tensor, w_hr: Tensor | None = None) -> tuple[Any, Step]:
    """Gates i, f, g, o: ``c' = sigmoid(f) c + sigmoid(i) tanh(g)``, ``h' = sigmoid(o) tanh(c')``, projected
    by w_hr.

    Hochreiter and Schmidhuber, 1997; the projection: Sak et al., 2014.
    """
    if b_hh is not None:
        x = x + b_hh
    w = w_hh.t()
    projection = None if w_hr is None else w_hr.t()

    def step(x: Tensor, h: Tensor, c: Tensor) -> State:
        i, f, g, o = rl.addmm(x, h, w).chunk(4, 1)
        c = rl.sigmoid(f) * c + rl.sigmoid(i) * rl.tanh(g)
        h = rl.sigmoid(o) * rl.tanh(c)
        return (h if projection is None else rl.mm(h, projection)), c

    return x, step


def _gru(w_hh: Tensor, b_hh: Tensor | None, x: Tensor) -> tuple[Any, Step]:
    """Gates r, z and candidate n: ``n = tanh(x_n + sigmoid(r) h_n)``, ``h' = n + sigmoid(z) (h - n)``.

    Cho et al., 2014, with the reset gate after the product, as cuDNN has it.
    """
    size = w_hh.size(1)
    parts = [2 * size, size]

    def step(x: Tensor, h: Tensor) -> State:
        x_rz, x_n = x.split(parts, 1)
        h_rz, h_n = F.linear(h, w_hh, b_hh).split(parts, 1)
        r, z = rl.sigmoid(x_rz + h_rz).chunk(2, 1)
        n = rl.tanh(x_n + r * h_n)
        return (n + z * (h - n),)

    return x, step


def _recur(mode: str, w_hh: Any, b_hh: Any, w_hr: Any, x: Tensor) -> tuple[Any, Step]:
    """What the steps take from the projected input, and the step."""
    if mode == "LSTM":
        return _lstm(w_hh, b_hh, x, w_hr)
    if mode == "GRU":
        return _gru(w_hh, b_hh, x)
    return _rnn(rl.tanh if mode == "RNN_TANH" else rl.relu, w_hh, b_hh, x)


def _in_time(
    mode: str, back: bool, sizes: list[int], x: Tensor, w_hh: Any, b_hh: Any, w_hr: Any, state: State
) -> tuple[Any, ...]:
    """One layer in one direction: outputs, like the rows of ``x``, and the last state. This is the
    definition."""
    x, step = _recur(mode, w_hh, b_hh, w_hr, x)
    outputs, state = (_scan_back if back else _scan)(step, x.split(sizes), sizes, state)
    return (rl.cat(outputs), *state)


def _kernel_in_time(
    mode: str, back: bool, sizes: list[int], x: Tensor, w_hh: Any, b_hh: Any, w_hr: Any, state: State
) -> tuple[Any, ...]:
    """The same by a kernel, where there is one: for plain tensors of the common dtypes."""
    given = [x, w_hh, *state] if b_hh is None else [x, w_hh, b_hh, *state]
    plain = all(type(t) in (Tensor, Parameter) and t.dtype == x.dtype for t in given)
    if w_hr is not None or not plain or x.dtype not in (rl.float32, rl.float64) or record.definitions.get():
        return _in_time(mode, back, sizes, x, w_hh, b_hh, w_hr, state)
    if b_hh is not None and mode != "GRU":
        x, b_hh = x + b_hh, None
    results: tuple[Any, ...] = _Recurrence.apply(mode, back, sizes, x, w_hh, b_hh, *state)
    return results


def _array(t: Any) -> Any:
    return None if t is None else t.detach().numpy()


class _Recurrence(rl.autograd.Function):  # type: ignore[misc, unused-ignore]
    """``_in_time`` by the kernels; derivatives of higher order go through the definition."""

    @staticmethod
    def forward(ctx: Any, mode: str, back: bool, sizes: list[int], x: Any, w_hh: Any, b_hh: Any, *state: Any) -> Any:
        starts = itertools.accumulate(sizes, initial=0)
        steps = list(zip(starts, sizes, strict=False))
        if back:
            steps.reverse()
        run, ctx.run_back = KERNELS[mode]
        arrays = [_array(t) for t in state]
        outputs, last, ctx.arrays = run(_array(x), _array(w_hh), _array(b_hh), tuple(arrays), steps)
        ctx.how = mode, back, sizes
        ctx.steps = steps
        ctx.save_for_backward(x, w_hh, b_hh, *state)
        return tuple(rl.from_numpy(a) for a in (outputs, *last))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        given = ctx.saved_tensors
        batched = not all(g is None or type(g) in (Tensor, Parameter) for g in grads)  # ``is_grads_batched``
        if rl.is_grad_enabled() or batched:
            return (None,) * 3 + _through_definition(ctx.how, given, grads)
        of_outputs, *of_state = [_array(g) for g in grads]
        found = ctx.run_back(ctx.arrays, _array(given[1]), of_outputs, tuple(of_state), ctx.steps)
        return (None,) * 3 + tuple(None if t is None else rl.from_numpy(a) for t, a in zip(given, found, strict=True))


def _through_definition(how: Any, inputs: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients of the definition, with a graph of their own if gradients are on."""
    (mode, back, sizes), (x, w_hh, b_hh, *state) = how, inputs
    with rl.enable_grad():
        outputs = _in_time(mode, back, sizes, x, w_hh, b_hh, None, tuple(state))
    wanted = [t for t in inputs if t is not None and t.requires_grad]
    pairs = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad]
    found: Any = iter(
        rl.autograd.grad(
            [o for o, _ in pairs],
            wanted,
            [g for _, g in pairs],
            create_graph=rl.is_grad_enabled(),
            allow_unused=True,
        )
    )
    return tuple(next(found) if t is not None and t.requires_grad else None for t in inputs)


def _scan(step: Step, xs: Sequence[Tensor], sizes: Sequence[int], state: State) -> tuple[list[Tensor], State]:
    """Run ``step`` forwards; ``sizes`` may fall: then the last rows of the state are done, and kept."""
    outputs: list[Tensor] = []
    done: list[State] = []
    running = sizes[0]
    for x, size in zip(xs, sizes, strict=True):
        if size < running:
            done.append(tuple(s[size:] for s in state))
            state = tuple(s[:size] for s in state)
            running = size
        state = step(x, *state)
        outputs.append(state[0])
    if done:
        state = tuple(rl.cat(rows) for rows in zip(state, *reversed(done), strict=True))
    return outputs, state


def _scan_back(step: Step, xs: Sequence[Tensor], sizes: Sequence[int], state: State) -> tuple[list[Tensor], State]:
    """Run ``step`` backwards; where ``sizes`` grow, rows of the initial state join in."""
    start = state
    running = sizes[-1]
    if running < sizes[0]:
        state = tuple(s[:running] for s in start)
    outputs: list[Tensor] = []
    for x, size in zip(reversed(xs), reversed(sizes), strict=True):
        if size > running:
            state = tuple(rl.cat([s, s0[running:size]]) for s, s0 in zip(state, start, strict=True))
            running = size
        state = step(x, *state)
        outputs.append(state[0])
    outputs.reverse()
    return outputs, state


def _check_base_arguments(
    mode: str,
    input_size: Any,
    hidden_size: Any,
    num_layers: Any,
    bias: Any,
    batch_first: Any,
    dropout: Any,
    proj_size: int,
) -> None:
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:  # type: ignore[operator]
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:  # type: ignore[operator]
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
            f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    for name, value, kind in (
        ("bias", bias, bool),
        ("batch_first", batch_first, bool),
        ("input_size", input_size, int),
        ("hidden_size", hidden_size, int),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if mode not in _GATES:
        raise ValueError("Unrecognized RNN mode: " + mode)


_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """The base of RNN, LSTM and GRU: their arguments, weights and the loop over layers and directions.

    Weights of layer k: weight_ih_l[k] (gates * hidden_size, inputs), weight_hh_l[k], bias_ih_l[k],
    bias_hh_l[k] and, projected, weight_hr_l[k]; those of the other direction end in _reverse.
    """

    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    ]

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_base_arguments(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        gates = _GATES[mode] * hidden_size
        output_size = proj_size or hidden_size
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else output_size * self._directions
            for suffix in ("", "_reverse")[: self._directions]:
                shapes: dict[str, Any] = {"weight_ih": (gates, inputs), "weight_hh": (gates, output_size)}
                if bias:
                    shapes |= {"bias_ih": gates, "bias_hh": gates}
                if proj_size > 0:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    setattr(self, name, Parameter(rl.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(names)
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Any]]:
        """The weights, one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Does nothing: on a GPU it would bring the weights into one piece of memory."""

    def reset_parameters(self) -> None:
        """Draw new initial values, from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless ``input`` has the dtype, dimensions and size that this layer takes."""
        dtype = self.weight_ih_l0.dtype
        autocast = getattr(rl, "is_autocast_enabled", bool)
        if input.dtype != dtype and not autocast():
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _batch(self, input: Tensor, batch_sizes: Tensor | None) -> int:
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return int(input.size(0) if self.batch_first else input.size(1))

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The size of a hidden state that fits ``input``."""
        batch = self._batch(input, batch_sizes)
        return (self.num_layers * self._directions, batch, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise unless ``hx`` has the expected size."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and state fit this layer and each other."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its batch in the order of ``permutation``."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        """The state to begin with if none is given."""
        size = self.get_expected_hidden_size(input, batch_sizes)
        return rl.zeros(size, dtype=input.dtype, device=input.device)

    def _check_unbatched(self, hx: Any, batched: bool) -> None:
        if batched and hx.dim() != 3:
            raise RuntimeError(f"For batched 3-D input, hx should also be 3-D but got {hx.dim()}-D tensor")
        if not batched and hx.dim() != 2:
            raise RuntimeError(f"For unbatched 2-D input, hx should also be 2-D but got {hx.dim()}-D tensor")

    def _forward(self, input: Any, hx: Any) -> tuple[Any, Any]:
        """What forward does in all three: bring input and state into one form, run, and bring them back."""
        packed = isinstance(input, PackedSequence)
        batched = True
        batch_sizes = sorted_indices = unsorted_indices = None
        if packed:
            data, batch_sizes, sorted_indices, unsorted_indices = input
        else:
            data = input
            if data.dim() not in (2, 3):
                kind = type(self).__name__
                tensor = " tensor" if kind == "RNN" else ""
                raise ValueError(f"{kind}: Expected input to be 2D or 3D, got {data.dim()}D{tensor} instead")
            batched = data.dim() == 3
            if hx is not None:
                self._check_unbatched(hx, batched)
            if not batched:
                data = data.unsqueeze(0 if self.batch_first else 1)
                hx = _each(hx, lambda s: s.unsqueeze(1))
        if hx is None:
            hx = self._zeros(data, batch_sizes)
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(data, hx, batch_sizes)
        states = hx if isinstance(hx, tuple) else (hx,)
        output: Any
        output, states = self._run(data, batch_sizes, tuple(states))
        hidden = states if isinstance(hx, tuple) else states[0]
        if packed:
            output = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            return output, self.permute_hidden(hidden, unsorted_indices)
        if not batched:
            output = output.squeeze(0 if self.batch_first else 1)
            hidden = _each(hidden, lambda s: s.squeeze(1))
        return output, hidden

    def _run(self, x: Tensor, batch_sizes: Tensor | None, states: State) -> tuple[Tensor, State]:
        """All layers, on data ``(T, N, *)`` or packed; ``states`` and the states returned have a row a
        direction."""
        turned = self.batch_first and batch_sizes is None
        if turned:
            x = x.transpose(0, 1)
        sizes = batch_sizes.tolist() if batch_sizes is not None else [x.size(1)] * x.size(0)
        if not sizes:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        rows = list(zip(*(s.unbind(0) for s in states), strict=True))
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer > 0 and self.dropout > 0:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for direction in range(self._directions):
                i = layer * self._directions + direction
                w_ih, w_hh, b_ih, b_hh, w_hr = self._weights(i)
                projected = F.linear(x, w_ih, b_ih)
                shape = projected.shape
                flat = projected.reshape(-1, shape[-1])
                out, *state = _kernel_in_time(self.mode, direction == 1, sizes, flat, w_hh, b_hh, w_hr, rows[i])
                outputs.append(out.reshape(*shape[:-1], out.size(-1)))
                last.append(tuple(state))
            x = outputs[0] if len(outputs) == 1 else rl.cat(outputs, -1)
        if turned:
            x = x.transpose(0, 1)
        return x, tuple(rl.stack(parts) for parts in zip(*last, strict=True))

    def _weights(self, i: int) -> tuple[Any, ...]:
        """w_ih, w_hh, b_ih, b_hh, w_hr of the i-th layer and direction, None for those it does not have."""
        weights = [getattr(self, name) for name in self._all_weights[i]]
        w_hr = weights.pop() if self.proj_size > 0 else None
        if not self.bias:
            weights += [None, None]
        return (*weights, w_hr)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.proj_size != 0:
            parts.append(f"proj_size={self.proj_size}")
        if self.num_layers != 1:
            parts.append(f"num_layers={self.num_layers}")
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if self.batch_first is not False:
            parts.append(f"batch_first={self.batch_first}")
        if self.dropout != 0:
            parts.append(f"dropout={self.dropout}")
        if self.bidirectional is not False:
            parts.append(f"bidirectional={self.bidirectional}")
        return ", ".join(parts)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("proj_size", 0)


def _each(state: Any, fn: Callable[[Tensor], Tensor]) -> Any:
    """``fn`` of the hidden state, or of hidden and cell state."""
    if state is None:
        return None
    return tuple(fn(s) for s in state) if isinstance(state, tuple) else fn(state)


def _no_projection(kwargs: dict[str, Any]) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if kwargs:
        raise TypeError(f"got an unexpected keyword argument '{next(iter(kwargs))}'")


class RNN(RNNBase):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` over time, in layers; ``nonlinearity`` may be ``'relu'``.

    Input ``(T, N, input_size)``, ``(N, T, input_size)`` if ``batch_first``, without ``N``, or a
    PackedSequence; state ``(num_layers * directions, N, hidden_size)``, zeros if not given. Returns the
    hidden states of the last layer at all steps ``(T, N, directions * hidden_size)``, and the last states of
    all layers.

    >>> import rushlight as torch
    >>> out, h = torch.nn.RNN(3, 4, num_layers=2)(torch.ones(5, 2, 3))
    >>> out.shape, h.shape
    (torch.Size([5, 2, 4]), torch.Size([2, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _no_projection(kwargs)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(
            "RNN_TANH" if nonlinearity == "tanh" else "RNN_RELU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Tensor]:
        return self._forward(input, hx)


class LSTM(RNNBase):
    """Long short-term memory over time, in layers; see RNN for the shapes.

    The state is (hidden, cell), zeros if not given; with ``proj_size`` the hidden state is projected to so
    many numbers.

    >>> import rushlight as torch
    >>> out, (h, c) = torch.nn.LSTM(3, 4, bidirectional=True)(torch.ones(5, 2, 3))
    >>> out.shape, h.shape, c.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]), torch.Size([2, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device=device,
            dtype=dtype,
        )

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The size of a cell state that fits ``input``."""
        return (self.num_layers * self._directions, self._batch(input, batch_sizes), self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        self.check_input(input, batch_sizes)
        expected = self.get_expected_hidden_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], expected, "Expected hidden[0] size {}, got {}")
        expected = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], expected, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        return hx if permutation is None else tuple(s.index_select(1, permutation) for s in hx)

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        cell = self.get_expected_cell_size(input, batch_sizes)
        return super()._zeros(input, batch_sizes), rl.zeros(cell, dtype=input.dtype, device=input.device)

    def _check_unbatched(self, hx: Any, batched: bool) -> None:
        dims = hx[0].dim(), hx[1].dim()
        if batched and dims != (3, 3):
            raise RuntimeError(
                f"For batched 3-D input, hx and cx should also be 3-D but got ({dims[0]}-D, {dims[1]}-D) tensors"
            )
        if not batched and dims != (2, 2):
            raise RuntimeError(
                f"For unbatched 2-D input, hx and cx should also be 2-D but got ({dims[0]}-D, {dims[1]}-D) tensors"
            )

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        return self._forward(input, None if hx is None else tuple(hx))


class GRU(RNNBase):
    """Gated recurrent units over time, in layers; see RNN for the shapes.

    >>> import rushlight as torch
    >>> out, h = torch.nn.GRU(3, 4, batch_first=True)(torch.ones(2, 5, 3))
    >>> out.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _no_projection(kwargs)
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Tensor]:
        return self._forward(input, hx)


class RNNCellBase(Module):
    """The base of the cells: one step of one layer, for loops written by hand."""

    __constants__ = ["input_size", "hidden_size", "bias"]
    weight_ih: Any
    weight_hh: Any
    bias_ih: Any
    bias_hh: Any

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        self.weight_ih = Parameter(rl.empty((gates, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(rl.empty((gates, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(rl.empty(gates, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values, from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if self.__dict__.get("nonlinearity", "tanh") != "tanh":
            parts.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join(parts)

    def _step(self, mode: str, input: Tensor, states: State | None, names: Sequence[str]) -> State:
        """One step on a batch, or on a single input, with the states checked and made if missing."""
        kind = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{kind}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        batched = input.dim() == 2
        if states is not None:
            for name, s in zip(names, states, strict=True):
                if s.dim() not in (1, 2):
                    raise ValueError(f"{kind}: Expected {name} to be 1D or 2D, got {s.dim()}D instead")
        if not batched:
            input = input.unsqueeze(0)
            states = None if states is None else tuple(s.unsqueeze(0) for s in states)
        if states is None:
            zeros = rl.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
            states = (zeros,) * len(names)
        self._check_sizes(input, states)
        x = F.linear(input, self.weight_ih, self.bias_ih)
        x, step = _recur(mode, self.weight_hh, self.bias_hh, None, x)
        states = step(x, *states)
        return states if batched else tuple(s.squeeze(0) for s in states)

    def _check_sizes(self, input: Tensor, states: State) -> None:
        if input.size(1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {self.input_size}")
        for i, s in enumerate(states):
            if s.size(0) != input.size(0):
                raise RuntimeError(f"Input batch size {input.size(0)} doesn't match hidden{i} batch size {s.size(0)}")
            if s.size(1) != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {s.size(1)}, expected {self.hidden_size}"
                )


class RNNCell(RNNCellBase):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or relu; input ``(N, input_size)``, state ``(N,
    hidden_size)``.

    >>> import rushlight as torch
    >>> torch.nn.RNNCell(3, 4)(torch.ones(2, 3)).shape
    torch.Size([2, 4])
    """

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        mode = "RNN_TANH" if self.nonlinearity == "tanh" else "RNN_RELU"
        h: Tensor
        (h,) = self._step(mode, input, None if hx is None else (hx,), ["hidden"])
        return h


class LSTMCell(RNNCellBase):
    """One step of an LSTM: from input ``(N, input_size)`` and (hidden, cell) to the next (hidden, cell).

    >>> import rushlight as torch
    >>> h, c = torch.nn.LSTMCell(3, 4)(torch.ones(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self._step("LSTM", input, None if hx is None else tuple(hx), ["hx[0]", "hx[1]"])
        return h, c


class GRUCell(RNNCellBase):
    """One step of a GRU: from input ``(N, input_size)`` and state ``(N, hidden_size)`` to the next state.

    >>> import rushlight as torch
    >>> torch.nn.GRUCell(3, 4)(torch.ones(2, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        h: Tensor
        (h,) = self._step("GRU", input, None if hx is None else (hx,), ["hidden"])
        return h
