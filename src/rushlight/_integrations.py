"""einops and opt_einsum learn of our tensors when they are imported, and not before.

A finder at the head of ``sys.meta_path`` finds nothing itself: for the few modules in `REGISTER` it lets the others
find them, and adds a call to the end of their loading.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def register_einops(backends: Any) -> None:
    """A backend of einops for our tensors: it looks for subclasses of its base class by itself."""
    import rushlight as rl

    class RushlightBackend(backends.AbstractBackend):  # type: ignore[misc]
        framework_name = "rushlight"

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, rl.Tensor)

        def from_numpy(self, x: Any) -> Any:
            made = rl.from_numpy(x)
            return made.requires_grad_() if self.is_float_type(made) else made

        def to_numpy(self, x: Any) -> Any:
            return x.detach().numpy()

        def arange(self, start: int, stop: int) -> Any:
            return rl.arange(start, stop, dtype=rl.int64)

        def reduce(self, x: Any, operation: str, axes: Any) -> Any:
            axes = tuple(axes)
            if operation in ("min", "max"):
                return rl.amin(x, axes) if operation == "min" else rl.amax(x, axes)
            if operation == "prod":
                for axis in sorted(axes, reverse=True):
                    x = rl.prod(x, axis)
                return x
            if operation in ("sum", "mean", "any", "all"):
                return getattr(rl, operation)(x, axes)
            raise NotImplementedError(f"Unknown reduction {operation}")

        def transpose(self, x: Any, axes: Any) -> Any:
            return x.permute(axes)

        def stack_on_zeroth_dimension(self, tensors: list[Any]) -> Any:
            return rl.stack(tensors)

        def add_axis(self, x: Any, new_position: int) -> Any:
            return rl.unsqueeze(x, new_position)

        def add_axes(self, x: Any, n_axes: int, pos2len: dict[int, int]) -> Any:
            sizes = [-1] * n_axes
            for position, length in pos2len.items():
                x = self.add_axis(x, position)
                sizes[position] = length
            return x.expand(sizes)

        def tile(self, x: Any, repeats: Any) -> Any:
            return x.repeat(repeats)

        def concat(self, tensors: Any, axis: int) -> Any:
            return rl.cat(list(tensors), axis)

        def is_float_type(self, x: Any) -> bool:
            found: bool = x.is_floating_point()
            return found

        def einsum(self, pattern: str, *x: Any) -> Any:
            return rl.einsum(pattern, *x)

    backends.RushlightBackend = RushlightBackend  # einops finds it as a subclass, which alone would not keep it alive


def register_opt_einsum(dispatch: Any) -> None:
    """The three functions that opt_einsum calls, as it calls them."""
    import rushlight as rl

    dispatch._cached_funcs.update(
        {
            ("einsum", "rushlight"): rl.einsum,
            ("tensordot", "rushlight"): lambda x, y, axes: rl.tensordot(x, y, dims=axes),
            ("transpose", "rushlight"): lambda x, axes: x.permute(axes),
        }
    )


REGISTER: dict[str, Callable[[Any], None]] = {
    "einops._backends": register_einops,
    "opt_einsum.backends.dispatch": register_opt_einsum,
}


class Watch:
    """The finder: see the module's docstring."""

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in REGISTER or fullname in _finding:
            return None
        _finding.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            _finding.discard(fullname)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_register(module: ModuleType) -> None:
            load(module)
            REGISTER[fullname](module)

        spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec

    @staticmethod
    def invalidate_caches() -> None:
        """Nothing is cached; importlib asks this of every finder."""


_finding: set[str] = set()


def watch() -> None:
    """Register with what is imported already, and watch for the rest."""
    for name, register in REGISTER.items():
        if name in sys.modules:
            register(sys.modules[name])
    finder: Any = Watch()
    sys.meta_path.insert(0, finder)
