"""``torch.compiler``: what programs ask and tell a compiler. Nothing is compiled here, so marks change nothing."""

from __future__ import annotations

import contextlib
from typing import Any

from ._dynamo import allow_in_graph, disable, is_compiling, reset
from ._settings import compile

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable", "is_compiling",
    "is_dynamo_compiling", "is_exporting", "list_backends", "reset", "set_stance", "wrap_numpy",
]  # fmt: skip


def assume_constant_result(fn: Any) -> Any:
    """``fn`` itself."""
    return fn


def cudagraph_mark_step_begin() -> None:
    """There are no graphs of a device: does nothing."""


def is_dynamo_compiling() -> bool:
    """Always False."""
    return False


def is_exporting() -> bool:
    """Always False."""
    return False


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """An empty list: there is no compiler.

    >>> import rushlight as torch
    >>> torch.compiler.list_backends()
    []
    """
    return []


class set_stance(contextlib.ContextDecorator):
    """How compiled code is to be run: a call, a block or a decorator; everything runs eagerly in any stance.

    >>> import rushlight as torch
    >>> with torch.compiler.set_stance("force_eager"):
    ...     torch.compiler.is_compiling()
    False
    """

    STANCES = (
        "default",
        "eager_on_recompile",
        "fail_on_recompile",
        "force_eager",
        "eager_then_compile",
        "aot_eager_then_compile",
    )

    def __init__(
        self, stance: str = "default", *, skip_guard_eval_unsafe: bool = False, force_backend: Any = None
    ) -> None:
        if stance not in self.STANCES:
            raise RuntimeError(f"invalid torch.compile stance '{stance}': expected one of {', '.join(self.STANCES)}")
        self.stance = stance

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def wrap_numpy(fn: Any) -> Any:
    """``fn``, a function on NumPy arrays, as one on tensors.

    >>> import rushlight as torch
    >>> import numpy as np
    >>> torch.compiler.wrap_numpy(lambda a: np.flip(a))(torch.tensor([1.0, 2.0]))
    tensor([2., 1.])
    """
    import functools

    import numpy as np

    import rushlight as rl

    from .utils._pytree import tree_map

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = tree_map(lambda x: x.numpy() if isinstance(x, rl.Tensor) else x, (args, kwargs))
        out = fn(*args, **kwargs)
        return tree_map(lambda x: rl.as_tensor(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x, out)

    return wrapped
