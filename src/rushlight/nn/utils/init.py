"""Modules without initial values."""

from __future__ import annotations

import inspect
from typing import Any

import rushlight as rl

from ..modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """``module_cls(*args, **kwargs)`` whose values are not to be used, made without drawing random numbers.

    >>> import rushlight as torch
    >>> torch.nn.utils.skip_init(torch.nn.Linear, 2, 3)
    Linear(in_features=2, out_features=3, bias=True)
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.get("device", "cpu")
    state = rl.get_rng_state()
    try:
        return module_cls(*args, **kwargs).to_empty(device=device)
    finally:
        rl.set_rng_state(state)
