"""``torch._C`` under the alias: the few of its names that libraries ask for, most of them while they are imported, and
those that documented idioms reach for, such as a block without ``__torch_function__``.

The rest of PyTorch's private core is not there, and says so.
"""

from __future__ import annotations

import importlib
from typing import Any

from ... import _names_only
from ..._core.tensor import Size, device, layout, memory_format
from ..._core.tensor import Tensor as TensorBase
from ..._ops.random import Generator
from ...linalg import LinAlgError as _LinAlgError
from ...overrides import DisableTorchFunction, DisableTorchFunctionSubclass, _disabled_torch_function_impl

__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "Size", "TensorBase", "_LinAlgError", "_TensorMeta",
    "_disabled_torch_function_impl", "_get_tracing_state", "_log_api_usage_once", "device", "layout", "memory_format",
]  # fmt: skip

_TensorBase = TensorBase
_TensorMeta = type(TensorBase)


class _Keys:
    """The names of PyTorch's dispatch keys, as they are asked for."""

    def __getattr__(self, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"DispatchKey.{name}"


DispatchKey = _Keys()


class DispatchKeySet:
    """A set of such names: there is no dispatcher here that would ask for one."""

    def __init__(self, *keys: str) -> None:
        self.keys = frozenset(keys)

    def __or__(self, other: DispatchKeySet) -> DispatchKeySet:
        return DispatchKeySet(*self.keys, *other.keys)

    def has(self, key: str) -> bool:
        """Whether a key is in the set."""
        return key in self.keys

    def __repr__(self) -> str:
        return f"DispatchKeySet({', '.join(sorted(self.keys))})"


def _get_tracing_state() -> None:
    """Nothing is ever being traced: None."""


def _log_api_usage_once(event: str) -> None:
    """Nothing is logged."""


def _nothing_to_set(*_: Any) -> None:
    """A switch of PyTorch's compiler, which is not here: nothing changes."""


def __getattr__(name: str) -> Any:
    if name == "_nn":
        return importlib.import_module(f"{__name__}._nn")
    if name.startswith(("_jit_set_", "_jit_override_", "_debug_set_")):
        return _nothing_to_set
    raise AttributeError(f"module 'torch._C' has no attribute '{name}': PyTorch's private core is not here")


_names_only.fill(__name__, "PyTorch's dispatcher is not here", "_ExcludeDispatchKeyGuard _IncludeDispatchKeyGuard")
_names_only.fill(__name__, "Rushlight traces no programs", "Block Graph Node Value")
