"""``torch._vmap_internals``: the older ``vmap``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..func import vmap

__all__ = ["_vmap", "vmap"]


def _vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, allow_none_pass_through: bool = False) -> Any:
    """``vmap``; None among the results stays None with ``allow_none_pass_through``."""
    if not allow_none_pass_through:
        return vmap(func, in_dims, out_dims)

    def run(*args: Any) -> Any:
        nones: list[bool] = []

        def without(*args: Any) -> Any:
            found = func(*args)
            several = found if isinstance(found, tuple) else (found,)
            nones[:] = [r is None for r in several]
            return tuple([r for r in several if r is not None])

        made = iter(vmap(without, in_dims, out_dims)(*args))
        results = tuple([None if none else next(made) for none in nones])
        return results if len(results) > 1 else results[0]

    return run
