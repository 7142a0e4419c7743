"""Hooks: the handle that removes one, and the two identities that let a Module hook into its own backward.

A full backward hook needs the gradients at both ends of a module. So the module's inputs and outputs each
pass through an identity whose backward is ours: the outer one keeps the gradients of the outputs (and lets
the pre-hooks change them), the inner one hands them to the hooks together with the gradients of the inputs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .._core.hooks import RemovableHandle, replaced
from .._core.tensor import warn_if_has_hooks

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f: Any) -> Any:
    """Mark the hook ``f`` as one that need not be saved with its tensor, so that saving does not warn."""
    f.__torch_unserializable__ = True
    return f


_identity: Any = None


def _identity_function() -> Any:
    """The identity ``BackwardHookFunction(hook, fill, *tensors)``, whose backward returns ``hook(grads)``.

    ``fill``: zeros in the place of gradients that did not come. Made on first use: this module is imported by
    the core, before there is an ``autograd.Function``.
    """
    global _identity
    if _identity is None:
        from rushlight.autograd import Function

        class BackwardHookFunction(Function):  # type: ignore[misc, unused-ignore]
            @staticmethod
            def forward(ctx: Any, hook: Any, fill: bool, *tensors: Any) -> Any:
                ctx.hook = hook
                ctx.set_materialize_grads(fill)
                outputs = tuple(t.view_as(t) for t in tensors)
                plain = [o for o, t in zip(outputs, tensors, strict=True) if not t.requires_grad]
                ctx.mark_non_differentiable(*plain)
                return outputs

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                changed = zip(ctx.hook(grads), grads, strict=True)
                return (None, None, *[replaced("hook", new, old, True, True) for new, old in changed])

        _identity = BackwardHookFunction
    return _identity


class BackwardHook:
    """One call of a module with full backward hooks: ``setup_input_hook``, forward, ``setup_output_hook``."""

    def __init__(
        self,
        module: Any,
        user_hooks: Sequence[Callable[..., Any]],
        user_pre_hooks: Sequence[Callable[..., Any]],
    ) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: Any = None
        self.n_inputs = self.n_outputs = -1
        self.input_tensors_index: list[int] | None = None
        self.output_tensors_index: list[int] | None = None

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments to call forward with."""
        self.n_inputs = len(args)
        new_args, self.input_tensors_index = self._through_identity(self._on_grad_inputs, True, args)
        return new_args

    def setup_output_hook(self, result: Any) -> Any:
        """The result to return in the place of forward's ``result``."""
        outputs = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(outputs)
        new_outputs, self.output_tensors_index = self._through_identity(self._on_grad_outputs, False, outputs)
        return new_outputs if isinstance(result, tuple) else new_outputs[0]

    def _through_identity(
        self, on_grads: Any, fill: bool, values: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], list[int] | None]:
        import rushlight as rl

        where = [i for i, v in enumerate(values) if isinstance(v, rl.Tensor)]
        if not (rl.is_grad_enabled() and any(values[i].requires_grad for i in where)):
            return values, None
        changed = list(values)
        passed = _identity_function().apply(on_grads, fill, *(values[i] for i in where))
        for i, t in zip(where, passed, strict=True):
            changed[i] = t
        return (tuple(changed) if type(values) is tuple else type(values)(*changed)), where

    def _on_grad_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        where = self.output_tensors_index
        assert where is not None
        outputs = _spread(where, grads, self.n_outputs)
        for pre_hook in self.user_pre_hooks:
            changed = pre_hook(self.module, outputs)
            if changed is None:
                continue
            if len(changed) != self.n_outputs:
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(changed)}, but expected {self.n_outputs}"
                )
            outputs = changed
        if self.input_tensors_index is None:
            self._fire_without_inputs(outputs)
        else:
            self.grad_outputs = outputs
        return tuple(outputs[i] for i in where)

    def _fire_without_inputs(self, grad_outputs: Any) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since "
            "no "
            "inputs require gradients.",
            stacklevel=6,
        )
        for hook in self.user_hooks:
            res = hook(self.module, (None,) * self.n_inputs, grad_outputs)
            if res is not None and not (isinstance(res, tuple) and all(r is None for r in res)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None "
                    "or None "
                    "for all gradients."
                )

    def _on_grad_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        # Without gradients of the outputs, backward came in by a side door (an inner tensor): no hook to
        # call.
        if self.grad_outputs is None:
            return grads
        where = self.input_tensors_index
        assert where is not None
        inputs = _spread(where, grads, self.n_inputs)
        for hook in self.user_hooks:
            changed = hook(self.module, inputs, self.grad_outputs)
            if changed is None:
                continue
            if len(changed) != self.n_inputs:
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(changed)}, but expected {self.n_inputs}"
                )
            inputs = changed
        self.grad_outputs = None
        return tuple(inputs[i] for i in where)


def _spread(where: Sequence[int], values: Sequence[Any], size: int) -> tuple[Any, ...]:
    """``values`` at the places ``where`` of a tuple of ``size``, None elsewhere."""
    spread = [None] * size
    for i, value in zip(where, values, strict=True):
        spread[i] = value
    return tuple(spread)
