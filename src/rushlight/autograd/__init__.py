"""``torch.autograd``: gradients, grad modes, hooks, custom functions, checks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .._core import engine as _engine_core
from .._core import gradients as _gradients
from .._core import saved as _saved
from .._core.gradients import backward, grad
from . import function, grad_mode, graph, variable
from .function import Function, NestedIOFunction
from .grad_mode import (
    _unsafe_preserve_version_counter,
    enable_grad,
    enforce_grad_layout_policy,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from .mutation import mutation_policy, set_mutation_policy
from .variable import Variable

SavedTensor = _saved.SavedTensor


def _batched(*args: Any) -> Any:
    """``grad`` with ``is_grads_batched``."""
    from .._transforms.compose import batched_grad

    return batched_grad(*args)


_gradients.use_batched(_batched)

_engine_core.growing[:] = [lambda: importlib.import_module(f"{__name__}.memory").warn_growing()]

# parts that load at first use: module -> the names that it gives to this one
_LAZY = {
    "absorbing": ("zero_absorbing",),
    "anomaly_mode": ("detect_anomaly", "set_detect_anomaly"),
    "forward_ad": (),
    "functional": (),
    "gradcheck": ("gradcheck", "gradgradcheck"),
    "profiler": ("_profiler_enabled",),
}


def __getattr__(name: str) -> Any:
    for module, names in _LAZY.items():
        if name in names:  # a function may bear the name of its module
            globals()[name] = found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
            return found
        if name == module:
            return importlib.import_module(f"{__name__}.{module}")
    raise AttributeError(f"module 'torch.autograd' has no attribute '{name}'")


if TYPE_CHECKING:
    from . import profiler

__all__ = [
    "Function",
    "NestedIOFunction",
    "Variable",
    "_unsafe_preserve_version_counter",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "enforce_grad_layout_policy",
    "function",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "mutation_policy",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
    "set_mutation_policy",
    "variable",
]
