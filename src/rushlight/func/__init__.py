"""``torch.func``: gradients, Jacobians and batching as functions of functions, to any depth."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .._transforms.compose import (
    debug_unwrap,
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
    vmap,
)

# parts that load at first use: name -> module
_LAZY = {
    "functional_call": "_modules",
    "stack_module_state": "_modules",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'torch.func' has no attribute '{name}'")
    globals()[name] = found = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    return found


if TYPE_CHECKING:
    from ._modules import functional_call, stack_module_state

__all__ = [
    "debug_unwrap",
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
