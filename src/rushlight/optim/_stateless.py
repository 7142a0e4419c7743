"""Run an optimizer for a while on other parameters and another state than its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rushlight as rl

from .optimizer import Optimizer, Tensor

__all__ = ["swap_in_optimizer_params_and_state"]

_WHO = "swap_in_optimizer_params_and_state requires"


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Within the context, ``optimizer`` holds other parameters and their state; after it, its own again.

    Args:
        optimizer: an optimizer that has made a step, so that its state exists.
        swapin_parameters: tensors in the order of the optimizer's parameters.
        swapin_optim_state: what ``state_dict()`` of an optimizer of the same structure returns. Its
            tensors are changed in place by steps; entries that are replaced are not carried back.

    Raises RuntimeError if the structures differ.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> other = torch.tensor([5.0], requires_grad=True)
    >>> optimizer = torch.optim.Adam([p], lr=0.5)
    >>> p.grad, other.grad = torch.ones(1), torch.ones(1)
    >>> optimizer.step()
    >>> with torch.optim.swap_in_optimizer_params_and_state(optimizer, {"p": other}, optimizer.state_dict()):
    ...     optimizer.step()
    >>> p.detach(), other.detach()
    (tensor([0.5000]), tensor([4.5000]))
    """
    swapped = _checked_groups(optimizer, swapin_parameters, swapin_optim_state)
    own_state = optimizer.state
    own_groups = [dict(group) for group in optimizer.param_groups]
    try:
        state: defaultdict[Any, Any] = defaultdict(dict)
        for group, (saved, params) in zip(optimizer.param_groups, swapped, strict=True):
            for param, number in zip(params, saved["params"], strict=True):
                state[param] = dict(swapin_optim_state["state"].get(number, {}))
            group.update(saved)
            group["params"] = params
        optimizer.state = state
        yield
    finally:
        for group, own in zip(optimizer.param_groups, own_groups, strict=True):
            group.clear()
            group.update(own)
        optimizer.state = own_state


def _checked_groups(
    optimizer: Optimizer, parameters: dict[str, Tensor], optim_state: Any
) -> list[tuple[dict[str, Any], list[Tensor]]]:
    """Each saved group with the parameters that take its places."""
    if not optimizer.state:
        raise RuntimeError(f"{_WHO} initialized optimizer state.")
    if not isinstance(optim_state, dict):
        raise RuntimeError(f"{_WHO} a DCP-style optimizer state_dict.")
    state, groups = optim_state.get("state"), optim_state.get("param_groups")
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_WHO} swapin_optim_state['state'] to be a dict mapping packed parameter ids to "
            f"per-param state dicts, got {type(state).__name__}."
        )
    if any(isinstance(key, rl.Tensor) for key in state):
        raise RuntimeError(f"{_WHO} optimizer.state_dict()-style state keyed by packed parameter ids.")
    if any(isinstance(key, int) and not isinstance(value, dict) for key, value in state.items()):
        raise RuntimeError(f"{_WHO} per-parameter optimizer state entries to be dictionaries.")
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_WHO} swapin_optim_state['param_groups'] to be a list of param-group dicts, got {type(groups).__name__}."
        )
    if len(groups) != len(optimizer.param_groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than the live optimizer.")

    tensors = list(parameters.values())
    seen: set[int] = set()
    start = 0
    result = []
    for i, (group, saved) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        numbers = _checked_numbers(i, group, saved)
        seen.update(numbers)
        stop = start + len(numbers)
        if stop > len(tensors):
            raise RuntimeError(f"{_WHO} the explicit parameter state to match optimizer.param_groups ordering.")
        result.append((saved, tensors[start:stop]))
        start = stop
    extra = [key for key in state if key not in seen]
    if extra:
        raise RuntimeError(
            f"{_WHO} swapin_optim_state['state'] to be keyed only by packed parameter ids from "
            f"param_groups[*]['params']; got extra keys {extra!r}."
        )
    return result


def _checked_numbers(i: int, group: dict[str, Any], saved: Any) -> list[int]:
    """The parameter numbers of a saved group, which must be built as the group of the optimizer."""
    if not isinstance(saved, dict):
        raise RuntimeError(f"{_WHO} each optimizer param group to be a dictionary.")
    numbers = saved.get("params")
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        raise RuntimeError(
            f"{_WHO} optimizer.state_dict()-style param_groups[*]['params'] entries keyed by packed parameter ids."
        )
    if len(numbers) != len(group["params"]):
        raise RuntimeError(
            f"swapin_optim_state param group {i} has a different number of params than the live optimizer param group."
        )
    only_saved = [key for key in saved if key not in group]
    only_live = [key for key in group if key not in saved]
    if only_saved or only_live:
        raise RuntimeError(
            f"{_WHO} optimizer.state_dict()-style param group keys to exactly match the live optimizer "
            f"group keys for group {i}. Keys only in swap-in: {only_saved}. Keys only in live: {only_live}."
        )
    return numbers
