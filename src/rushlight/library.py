"""``torch.library``: operators of one's own, as functions with a name and a derivative.

Everything runs eagerly on the CPU: of an operator's kernels the one for the CPU counts, and what only tracers need (fake
kernels, schemas, tags) is taken and not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import rushlight as rl

from ._names_only import fill

__all__ = ["CustomOpDef", "custom_op", "register_autograd", "register_fake", "register_kernel"]

_defined: dict[str, CustomOpDef] = {}


class CustomOpDef:
    """An operator made by `custom_op`: call it as the function that it was made of."""

    def __init__(self, name: str, function: Callable[..., Any], on_cpu: bool) -> None:
        namespace, colons, rest = name.partition("::")
        if not colons or not namespace.isidentifier() or not rest.isidentifier():
            raise ValueError(f'custom_op: the name must be like "mylib::sin", got {name!r}')
        self._qualname, self._namespace, self._name = name, namespace, rest
        self._kernel = function if on_cpu else None
        self._init_fn = function
        self._backward: Callable[..., Any] | None = None
        self._setup_context: Callable[..., Any] | None = None
        self.__name__ = self.__qualname__ = rest
        self.__doc__ = function.__doc__

    def register_fake(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """Name what makes empty results for tracers: nothing is traced here, so that it is never called."""
        return fn

    def register_kernel(self, device_types: Any, fn: Any = None, /) -> Any:
        """Name the implementation for device types (names, or None for all); that of the CPU is what runs."""

        def named(fn: Any) -> Any:
            if device_types is None or "cpu" in ([device_types] if isinstance(device_types, str) else device_types):
                self._kernel = fn
            return fn

        return named if fn is None else named(fn)

    def register_autograd(self, backward: Callable[..., Any], /, *, setup_context: Any = None) -> None:
        """Name the derivative: ``setup_context(ctx, inputs, output)`` saves, ``backward(ctx, *grads)`` gives gradients."""
        self._backward, self._setup_context = backward, setup_context

    def register_vmap(self, func: Any = None, /) -> Any:
        """Not available: vmap runs an operator of one's own example by example."""
        raise NotImplementedError(
            f"{self._qualname}: register_vmap is not supported, use torch.vmap on the operator's parts"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._kernel is None:
            raise NotImplementedError(f"{self._qualname}: no implementation for the CPU was registered")
        import inspect

        bound = inspect.signature(self._init_fn).bind(*args, **kwargs)
        bound.apply_defaults()
        given = tuple(bound.arguments.values())
        leaves = rl.utils._pytree.tree_leaves(given)
        if not (rl.is_grad_enabled() and any([isinstance(t, rl.Tensor) and t.requires_grad for t in leaves])):
            with rl.no_grad():
                return self._kernel(*given)
        return self._recorded().apply(*given)

    def _recorded(self) -> Any:
        op = self

        class Recorded(rl.autograd.Function):
            @staticmethod
            def forward(*args: Any) -> Any:
                return op._kernel(*args)  # type: ignore[misc]

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
                if op._setup_context is not None:
                    op._setup_context(ctx, inputs, output)

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                if op._backward is None:
                    raise RuntimeError(
                        f"Trying to backward through {op._qualname}.default but no autograd formula was registered. "
                        "Please use register_autograd to add one."
                    )
                return op._backward(ctx, *grads)

        Recorded.__name__ = Recorded.__qualname__ = f"GeneratedBackwardFor_{self._namespace}_{self._name}_default"
        return Recorded

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"


def custom_op(
    name: str, fn: Any = None, /, *, mutates_args: str | Iterable[str], device_types: Any = None, schema: str | None = None,
    tags: Any = None,
) -> Any:  # fmt: skip
    """Make an operator of a function (or a decorator that does), to be found as ``torch.ops.<namespace>.<name>``.

    ``mutates_args`` names the arguments that it writes to, ``device_types`` the devices it is for (None: all).

    >>> import rushlight as torch
    >>> @torch.library.custom_op("mylib::twice", mutates_args=())
    ... def twice(x: torch.Tensor) -> torch.Tensor:
    ...     return x * 2
    >>> torch.ops.mylib.twice(torch.tensor(3.0))
    tensor(6.)
    """

    def made(fn: Any) -> CustomOpDef:
        kinds = [device_types] if isinstance(device_types, str) else device_types
        op = _defined[name] = CustomOpDef(name, fn, kinds is None or "cpu" in kinds)
        return op

    return made if fn is None else made(fn)


def find(op: Any, where: str) -> CustomOpDef:
    """An operator by itself or by name. Raises RuntimeError if there is none."""
    if isinstance(op, CustomOpDef):
        return op
    found = _defined.get(op)
    if found is None:
        raise RuntimeError(f"{where}: operator {op} does not exist; make it with torch.library.custom_op")
    return found


def in_namespace(namespace: str) -> dict[str, CustomOpDef]:
    """The operators of a namespace by name."""
    return {op._name: op for op in _defined.values() if op._namespace == namespace}


def register_fake(
    op: Any, func: Any = None, /, *, lib: Any = None, _stacklevel: int = 1, allow_override: bool = False
) -> Any:
    """Name what makes empty results for tracers: nothing is traced here, so that it is never called."""
    return (lambda func: func) if func is None else func


def register_kernel(op: Any, device_types: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Name an operator's implementation for device types."""
    return find(op, "register_kernel").register_kernel(device_types, func)


def register_autograd(op: Any, backward: Any, /, *, setup_context: Any = None, lib: Any = None) -> None:
    """Name an operator's derivative."""
    find(op, "register_autograd").register_autograd(backward, setup_context=setup_context)


fill(
    __name__,
    "Rushlight has no dispatcher to register with; make an operator with torch.library.custom_op",
    "Library define get_ctx get_kernel impl impl_abstract infer_schema opcheck register_autocast register_torch_dispatch "
    "register_vmap triton_op wrap_triton",
)
