"""``functorch``, the older home of ``torch.func``: the same functions, each with PyTorch's warning that it has moved."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from . import func
from .func import FunctionalModule, FunctionalModuleWithBuffers

_MOVED = {
    "combine_state_for_ensemble": "func.stack_module_state",
    "make_functional": "func.functional_call",
    "make_functional_with_buffers": "func.functional_call",
    "vmap": "vmap",
}


def _moved(name: str) -> Callable[..., Any]:
    function = getattr(func, name)
    new = _MOVED.get(name, f"func.{name}")

    @functools.wraps(function)
    def older(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            "We've integrated functorch into PyTorch. As the final step of the integration, "
            f"`functorch.{name}` is deprecated as of PyTorch 2.0 and will be deleted in a future version of PyTorch >= 2.3. "
            f"Please use `torch.{new}` instead; see the PyTorch 2.0 release notes and/or the `torch.func` migration "
            "guide for more details https://pytorch.org/docs/main/func.migrating.html",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    return older


combine_state_for_ensemble = _moved("combine_state_for_ensemble")
functionalize = _moved("functionalize")
grad = _moved("grad")
grad_and_value = _moved("grad_and_value")
hessian = _moved("hessian")
jacfwd = _moved("jacfwd")
jacrev = _moved("jacrev")
jvp = _moved("jvp")
make_functional = _moved("make_functional")
make_functional_with_buffers = _moved("make_functional_with_buffers")
vjp = _moved("vjp")
vmap = _moved("vmap")

__all__ = [
    "FunctionalModule",
    "FunctionalModuleWithBuffers",
    "combine_state_for_ensemble",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "make_functional",
    "make_functional_with_buffers",
    "vjp",
    "vmap",
]
