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
    "FunctionalModule": "_legacy",
    "FunctionalModuleWithBuffers": "_legacy",
    "combine_state_for_ensemble": "_legacy",
    "make_functional": "_legacy",
    "make_functional_with_buffers": "_legacy",
    "replace_all_batch_norm_modules_": "_legacy",
    "rearrange": "_rearrange",
    "checkpoint": "_extras",
    "custom_jvp": "_extras",
    "custom_vjp": "_extras",
    "hvp": "_extras",
    "jacobian": "_extras",
    "stop_gradient": "_extras",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'torch.func' has no attribute '{name}'")
    globals()[name] = found = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    return found


if TYPE_CHECKING:
    from ._extras import checkpoint, custom_jvp, custom_vjp, hvp, jacobian, stop_gradient
    from ._legacy import (
        FunctionalModule,
        FunctionalModuleWithBuffers,
        combine_state_for_ensemble,
        make_functional,
        make_functional_with_buffers,
        replace_all_batch_norm_modules_,
    )
    from ._modules import functional_call, stack_module_state
    from ._rearrange import rearrange

__all__ = [
    "FunctionalModule",
    "FunctionalModuleWithBuffers",
    "checkpoint",
    "combine_state_for_ensemble",
    "custom_jvp",
    "custom_vjp",
    "debug_unwrap",
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "make_functional",
    "make_functional_with_buffers",
    "rearrange",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "stop_gradient",
    "vjp",
    "vmap",
]
