"""Tools around tensors: data loading, checkpointing, trees and more, after ``torch.utils``."""

from __future__ import annotations

import importlib
from typing import Any

# loaded at first use: modules, and functions by the module that has them
_LAZY = frozenset(
    [
        "_pytree",
        "benchmark",
        "checkpoint",
        "data",
        "deterministic",
        "dlpack",
        "hooks",
        "model_zoo",
        "safetensors",
        "tensorboard",
    ]
)
_LAZY_FUNCTIONS = {"swap_tensors": "_swap", "set_module": "_swap"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LAZY_FUNCTIONS:
        globals()[name] = found = getattr(importlib.import_module(f"{__name__}.{_LAZY_FUNCTIONS[name]}"), name)
        return found
    raise AttributeError(f"module 'torch.utils' has no attribute '{name}'")
