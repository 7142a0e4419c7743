"""``Variable``, PyTorch's old name of a tensor, and the engine as old programs reach it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import engine
from .._core.tensor import Tensor


class ImperativeEngine:
    """The engine as seen from a program."""

    def queue_callback(self, callback: Callable[[], Any]) -> None:
        """Call a function at the end of the backward pass that is running. Raises RuntimeError outside of one."""
        this = engine.current.get()
        if this is None:
            raise RuntimeError("Final callbacks can only be installed during backward pass.")
        this.callbacks.append(callback)

    def is_checkpoint_valid(self) -> bool:
        """Whether the pass that is running adds to ``.grad`` of all leaves (a checkpoint needs that)."""
        this = engine.current.get()
        return this is None or this.useful is None

    def run_backward(
        self,
        tensors: Any,
        grad_tensors: Any = (),
        keep_graph: bool = False,
        create_graph: bool = False,
        inputs: Any = (),
        allow_unreachable: bool = True,
        accumulate_grad: bool = False,
    ) -> Any:
        """Run a backward pass: what ``backward`` and ``grad`` are made of in PyTorch."""
        from .._core import gradients

        if accumulate_grad:
            gradients.backward(tensors, grad_tensors or None, keep_graph, create_graph, inputs=inputs or None)
            return ()
        return gradients.grad(
            tensors, inputs, grad_tensors or None, keep_graph, create_graph, allow_unused=allow_unreachable
        )


_engine = ImperativeEngine()


class VariableMeta(type):
    def __instancecheck__(cls, other: object) -> bool:
        return isinstance(other, Tensor)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, Tensor)


class Variable(metaclass=VariableMeta):
    """PyTorch's old name of a tensor: ``Variable(t, requires_grad=...)`` gives one that shares memory with ``t``.

    >>> import rushlight as torch
    >>> x = torch.autograd.Variable(torch.ones(2), requires_grad=True)
    >>> isinstance(x, torch.autograd.Variable), x.requires_grad
    (True, True)
    """

    _execution_engine = _engine

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        made = data.detach()
        return made.requires_grad_() if requires_grad else made


__all__ = ["Variable"]
