"""Recurrence: one step function for each kind, one loop over time, one over layers and directions.

What a step takes from the input does not depend on the steps before, so it is one matrix product for the
whole sequence; only the product with the hidden state is left in the loop. A padded batch is the special case
of a packed one in which all sequences run to the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import rushlight as rl
from rushlight import Tensor

from ..._core import record
from .. import functional as F
from ..parameter import Parameter
from ._recurrence import KERNELS

# A state is (hidden,) or (hidden, cell); a step makes the next one out of its part of the input and the last.
State = tuple[Any, ...]
Step = Callable[..., State]

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


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


def layers(
    mode: str,
    x: Tensor,
    sizes: list[int],
    states: State,
    weights: Sequence[tuple[Any, ...]],
    directions: int,
    dropout: float,
    training: bool,
) -> tuple[Tensor, State]:
    """All layers, on data ``(T, N, *)`` or packed; ``states`` and the states returned have a row a direction.

    ``weights`` has w_ih, w_hh, b_ih, b_hh, w_hr for each layer and direction, None for those there are not.
    """
    if not sizes:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    rows = list(zip(*(s.unbind(0) for s in states), strict=True))
    last: list[State] = []
    for first in range(0, len(weights), directions):
        if first > 0 and dropout > 0:
            x = F.dropout(x, dropout, training)
        outputs = []
        for i in range(first, first + directions):
            w_ih, w_hh, b_ih, b_hh, w_hr = weights[i]
            projected = F.linear(x, w_ih, b_ih)
            shape = projected.shape
            flat = projected.reshape(-1, shape[-1])
            out, *state = _kernel_in_time(mode, i > first, sizes, flat, w_hh, b_hh, w_hr, rows[i])
            outputs.append(out.reshape(*shape[:-1], out.size(-1)))
            last.append(tuple(state))
        x = outputs[0] if len(outputs) == 1 else rl.cat(outputs, -1)
    return x, tuple(rl.stack(parts) for parts in zip(*last, strict=True))


def cell(
    mode: str, input: Tensor, states: State, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None
) -> State:
    """One step of one layer."""
    x, step = _recur(mode, w_hh, b_hh, None, F.linear(input, w_ih, b_ih))
    return step(x, *states)


def check_cell(input: Tensor, states: State, input_size: int, hidden_size: int) -> None:
    """Raise unless input and states of a cell have its sizes."""
    if input.size(1) != input_size:
        raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {input_size}")
    for i, s in enumerate(states):
        if s.size(0) != input.size(0):
            raise RuntimeError(f"Input batch size {input.size(0)} doesn't match hidden{i} batch size {s.size(0)}")
        if s.size(1) != hidden_size:
            raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {s.size(1)}, expected {hidden_size}")
