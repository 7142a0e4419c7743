"""Connectionist temporal classification: the probability of a labelling, summed over all ways to spell it in time.

The labels with a blank before, between and after them are states; a path goes on one state a step, or stays, or skips
a blank between two different labels (Graves et al., 2006).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import levels, record
from .._core.declare import fused
from .._core.tensor import Tensor
from .broadcast import cast_to, expand
from .compare import clamp, where
from .elementary import floats_only
from .loss import reduced, reduction_of
from .shape import cat, reshape, squeeze, unsqueeze

NEVER = -1e30  # the logarithm of 0 in the composite, where infinities would make nan of gradients


def states_of(labels: Any, blank: int) -> tuple[Any, Any]:
    """The states (N, 2 S + 1), and whether each may be reached from two before."""
    n, s = labels.shape
    states = np.full((n, 2 * s + 1), blank, np.int64)
    states[:, 1::2] = labels
    skips = np.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    return states, skips


def shifted(x: Any, by: int) -> Any:
    """``x`` moved along the states, -inf coming in."""
    out = np.full_like(x, -np.inf)
    if by > 0:
        out[:, by:] = x[:, :-by]
    else:
        out[:, :by] = x[:, -by:]
    return out


def forwards(x: Any, states: Any, skips: Any, target_lengths: Any) -> Any:
    """The log-probabilities (T, N, 2 S + 1) of being in each state after each step."""
    emitted = np.take_along_axis(x, states[None], 2)
    n = states.shape[0]
    reachable = np.where(np.arange(states.shape[1]) <= 2 * target_lengths[:, None], 0.0, -np.inf).astype(x.dtype)
    out = np.full(emitted.shape, -np.inf, x.dtype)
    if not len(out):
        return out
    out[0, :, 0] = emitted[0, :, 0]
    some = target_lengths > 0
    if states.shape[1] > 1:
        out[0, some, 1] = emitted[0, some, 1]
    skip = np.where(skips, 0.0, -np.inf).astype(x.dtype)
    for t in range(1, len(out)):
        before = out[t - 1]
        here = np.logaddexp(before, shifted(before, 1))
        if states.shape[1] > 2:
            here = np.logaddexp(here, shifted(before, 2) + skip)
        out[t] = here + emitted[t] + reachable
    assert n == out.shape[1]
    return out


def losses_of(alpha: Any, input_lengths: Any, target_lengths: Any, dtype: Any) -> Any:
    """The negative log-probability of each labelling."""
    rows, last = np.arange(len(input_lengths)), 2 * target_lengths
    if not len(alpha):
        return np.where(target_lengths > 0, np.inf, 0).astype(dtype)
    end = alpha[np.maximum(input_lengths - 1, 0), rows]
    total = end[rows, last]
    total = np.where(target_lengths > 0, np.logaddexp(total, end[rows, np.maximum(last - 1, 0)]), total)
    without = np.where(target_lengths > 0, -np.inf, 0.0)
    return (-np.where(input_lengths > 0, total, without)).astype(dtype)


def ctc_forward(
    x: Any, labels: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> tuple[Any, ...]:
    states, skips = states_of(labels, blank)
    alpha = forwards(x, states, skips, target_lengths)
    losses = losses_of(alpha, input_lengths, target_lengths, x.dtype)
    shown = np.where(np.isinf(losses), 0, losses).astype(x.dtype) if zero_infinity else losses
    return shown, alpha, losses, states, skips


def ctc_backward(
    g: Any, wanted: Any, x: Any, labels: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool,
    alpha: Any, losses: Any, states: Any, skips: Any,
) -> tuple[Any, ...]:  # fmt: skip
    """``exp(x)`` less the probability of emitting each class at each step, given the labelling."""
    steps, n, classes = x.shape
    count = states.shape[1]
    emitted = np.take_along_axis(x, states[None], 2)
    rows, last = np.arange(n), 2 * target_lengths
    place = np.arange(count)
    ends = (place == last[:, None]) | (place == last[:, None] - 1)
    skip = np.full(states.shape, -np.inf, x.dtype)
    skip[:, :-2] = np.where(skips[:, 2:], 0.0, -np.inf)
    beta = np.full((n, count), -np.inf, x.dtype)
    weights = np.zeros((steps, n, count), x.dtype)
    with_loss = np.where(np.isinf(losses), 0, losses)[:, None]
    for t in range(steps - 1, -1, -1):
        later = np.logaddexp(beta, shifted(beta, -1))
        if count > 2:
            later = np.logaddexp(later, shifted(beta, -2) + skip)
        beginning = (input_lengths - 1 == t)[:, None]
        beta = np.where(beginning, np.where(ends, 0.0, -np.inf), later).astype(x.dtype) + emitted[t]
        weights[t] = np.exp(alpha[t] + beta - emitted[t] + with_loss)
    onehot = np.zeros((n, count, classes), x.dtype)
    onehot[rows[:, None], place[None], states] = 1
    seen = np.matmul(weights.transpose(1, 0, 2), onehot).transpose(1, 0, 2)
    grad = np.exp(x) - seen
    alive = (np.arange(steps)[:, None] < input_lengths)[:, :, None]
    scale = g[None, :, None]
    if zero_infinity:
        alive = alive & np.isfinite(losses)[None, :, None]
    else:
        scale = np.where(np.isinf(losses)[None, :, None], np.nan, scale)
    return (np.where(alive, grad * scale, 0).astype(x.dtype),)


@fused(forward=ctc_forward, backward=ctc_backward, node="CtcLossBackward0")
def ctc_of(
    log_probs: Tensor, labels: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> Tensor:
    from .create import arange, from_numpy
    from .elementary import exp
    from .index import gather
    from .padding import constant_pad
    from .reduce import logsumexp_of
    from .reduce import sum as sum_
    from .shape import part, select_at, stack_at

    labels, input_lengths, target_lengths = [
        x if isinstance(x, Tensor) else from_numpy(x) for x in (labels, input_lengths, target_lengths)
    ]
    steps, n, _ = log_probs.shape
    between = unsqueeze(labels * 0 + blank, 2)
    states: Any = constant_pad(
        reshape(cat([between, unsqueeze(labels, 2)], 2), (n, 2 * labels.shape[1])), (0, 1), blank
    )
    count = states.shape[1]
    place = arange(count)
    last: Any = unsqueeze(target_lengths * 2, 1)
    reachable: Any = place <= last
    some: Any = target_lengths > 0
    if not steps:
        return sum_(log_probs, (0, 2)) + where(some, math.inf, 0.0)
    emitted = gather(log_probs, 2, expand(states, (steps, n, count)))
    emitted = clamp(emitted, min=NEVER)
    never = emitted.detach() * 0 + NEVER
    alphas = [where(reachable & (place < 2), select_at(emitted, 0, 0), select_at(never, 0, 0))]
    if count > 2:
        two = constant_pad(states, (2, 0), blank)
        skips: Any = (states != blank) & (states != part(two, 1, 0, count))
    for t in range(1, steps):
        before = alphas[-1]
        ways = [before, part(constant_pad(before, (1, 0), NEVER), 1, 0, count)]
        if count > 2:
            two = part(constant_pad(before, (2, 0), NEVER), 1, 0, count)
            ways.append(where(skips, two, two.detach() * 0 + NEVER))
        here = logsumexp_of(stack_at(ways, 0), 0, False) + select_at(emitted, 0, t)
        alphas.append(where(reachable, here, here.detach() * 0 + NEVER))
    every = stack_at(alphas, 1)  # (N, T, states)
    at: Any = clamp(input_lengths - 1, min=0)
    end = squeeze(gather(every, 1, expand(reshape(at, (n, 1, 1)), (n, 1, count))), 1)
    pair = gather(end, 1, cat([last, clamp(last - 1, min=0)], 1))
    only = cat([last >= 0, last > 0], 1)
    total = logsumexp_of(where(only, pair, pair.detach() * 0 + NEVER), 1, False)
    empty: Any = input_lengths == 0
    lost: Any = total < NEVER / 2
    without: Any = where(some, -math.inf, total.detach() * 0)
    total = where(empty, without, where(lost, -math.inf, total))
    # PyTorch's gradient is the one towards logits, of which these are the log_softmax: exp(x) more, of value 0
    alive: Any = reshape(arange(steps), (steps, 1, 1)) < unsqueeze(input_lengths, 1)
    grown = exp(log_probs)
    nothing = sum_(where(alive, grown - grown.detach(), 0.0), (0, 2))
    losses = nothing - total
    if zero_infinity:
        losses = where(lost | empty & (losses == math.inf), 0.0, losses)
    return losses


def plain(x: Any, name: str) -> Any:
    """Targets or lengths as an array; mapped ones, of which each example has its own, as a tensor."""
    if isinstance(x, Tensor):
        if x.dtype.is_floating_point or x.dtype.is_complex:
            raise RuntimeError(f"{name} must be integral")
        found = levels.settled(x)
        return x.long() if found is None else found._array.astype(np.int64)
    return np.asarray(x, np.int64)


def loss_of_each(x: Tensor, labels: Any, lengths: list[Any], blank: int, zero_infinity: bool) -> Tensor:
    """The losses where targets or lengths differ from example to example of a batch under ``vmap``.

    What they are is not looked at: there is no check of them, and the states are those of the longest possible target.
    """
    from .create import arange, from_numpy
    from .index import gather
    from .scan import cumsum

    labels, *sizes = [a if isinstance(a, Tensor) else from_numpy(a) for a in (labels, *lengths)]
    if labels.ndim == 1:
        starts: Any = unsqueeze(cumsum(sizes[1], 0) - sizes[1], 1)
        width = labels.shape[0]
        spots = clamp(starts + arange(width), max=max(width - 1, 0))
        labels = reshape(gather(labels, 0, reshape(spots, (-1,))), (x.shape[1], width))
    made: Tensor = ctc_of.op.body(x, labels, *sizes, blank, zero_infinity)  # type: ignore[attr-defined]
    return made


def padded(targets: Any, lengths: Any) -> Any:
    """Targets in rows: (N, S), also where they came in one line."""
    if targets.ndim == 2:
        return targets
    if targets.size != lengths.sum():
        raise RuntimeError(
            f"Expected targets to have {int(lengths.sum())} elements, the sum of target_lengths, but got {targets.size}"
        )
    rows = np.zeros((len(lengths), int(lengths.max(initial=0))), np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = targets
    return rows


def loss_of_all(x: Tensor, labels: Any, lengths: list[Any], blank: int, zero_infinity: bool) -> Tensor:
    """The losses where targets and lengths are at hand, checked."""
    steps = x.shape[0]
    for name, length in zip(("input_lengths", "target_lengths"), lengths, strict=True):
        if length.min(initial=0) < 0:
            raise RuntimeError(f"{name} must be non-negative")
    if lengths[0].max(initial=0) > steps:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {steps}, but got value {int(lengths[0].max())}"
        )
    labels = padded(labels, lengths[1])
    longest = int(lengths[1].max(initial=0))
    if longest > labels.shape[1]:
        raise RuntimeError(
            f"Expected tensor to have size at least {longest} at dimension 1, but got size {labels.shape[1]} for argument #2 "
            "'targets'"
        )
    return ctc_of(x, labels[:, :longest], lengths[0], lengths[1], blank, zero_infinity)


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """The loss of connectionist temporal classification: minus the log-probability of ``targets``.

    ``log_probs`` (T, N, C) or (T, C); ``targets`` (N, S), or all in one line; lengths of each. "mean" divides each loss by
    its target's length first. ``zero_infinity`` makes infinite losses 0. The gradient is that of PyTorch, which takes
    ``log_probs`` to come from :func:`log_softmax`.

    >>> import rushlight as torch
    >>> x = torch.zeros(2, 1, 2).log_softmax(-1)
    >>> torch.nn.functional.ctc_loss(x, torch.tensor([[1]]), [2], [1])
    tensor(0.2877)
    """
    floats_only("ctc_loss_cpu", log_probs)
    reduction = reduction_of(reduction)
    if record.np_dtype(log_probs).kind != "f" or record.np_dtype(log_probs) == np.float16:
        from .elementary import not_implemented

        raise not_implemented("ctc_loss_cpu", record.np_dtype(log_probs))
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(f"log_probs must be (T, N, C) or (T, C), but got {list(log_probs.shape)}")
    labels = plain(targets, "targets")
    lengths = [plain(x, name) for x, name in ((input_lengths, "input_lengths"), (target_lengths, "target_lengths"))]
    mapped = any([isinstance(a, Tensor) for a in (labels, *lengths)])
    alone = log_probs.ndim == 2
    x = unsqueeze(log_probs, 1) if alone else log_probs
    if alone:
        lengths = [x.reshape(-1) for x in lengths]
        if labels.ndim == 1 and (mapped or labels.size >= int(lengths[1][0])):
            labels = labels.reshape(1, -1)
    n, classes = x.shape[1:]
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, length in zip(("input_lengths", "target_lengths"), lengths, strict=True):
        if tuple(length.shape) != (n,):
            raise RuntimeError(f"{name} must be of size batch_size: expected {n} lengths, but got {list(length.shape)}")
    if mapped:
        made = loss_of_each(x, labels, lengths, blank, zero_infinity)
    else:
        made = loss_of_all(x, labels, lengths, blank, zero_infinity)
    if reduction == "none":
        return reshape(made, ()) if alone else made
    if reduction == "mean":
        from .create import from_numpy

        sizes: Any = lengths[1] if isinstance(lengths[1], Tensor) else from_numpy(lengths[1])
        made = made / cast_to(clamp(sizes, min=1), record.np_dtype(x))
    return reduced(made, reduction)
