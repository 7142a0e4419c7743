"""The graph from outside: nodes and places in it, hooks on what it saves, hooks on several gradients at once.

All of it works on the machine's own nodes; nothing here is needed to record or to run a graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import numpy as np

from .._core import callsite, engine, hooks, levels, memory, record, saved
from .._core.gradients import GradientEdge, get_gradient_edge
from .._core.graph import Bundle, Node
from .._core.hooks import RemovableHandle
from .._core.tensor import Tensor, wrap

# ---- what is saved for backward


class Watching:
    """A block in which every recorded operation is seen by a watcher."""

    _watchers: list[Any]

    def watch(self, watcher: Any) -> None:
        found = record.watchers.get()
        self.__dict__.setdefault("_watchers", []).append(found)
        record.watch_with(found if watcher in found else (*found, watcher))

    def unwatch(self) -> None:
        record.watch_with(self._watchers.pop())


class saved_tensors_hooks(Watching):
    """A block in which every tensor saved for backward is given to ``pack_hook``, and got back by ``unpack_hook``.

    ``pack_hook(tensor)`` may return anything, for instance a file's name; ``unpack_hook`` makes of that a tensor with the
    same values. Of nested blocks the innermost counts.

    >>> import rushlight as torch
    >>> sizes = []
    >>> def pack(t):
    ...     sizes.append(tuple(t.shape))
    ...     return t
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
    ...     y = x * x
    >>> sizes
    [(2,), (2,)]
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        for hook in (self.pack_hook, self.unpack_hook):
            if not callable(hook):
                raise TypeError(
                    "_push_saved_tensors_default_hooks(): incompatible function arguments: pack_hook and unpack_hook "
                    f"must be callable, got {type(hook).__name__}"
                )
        message = saved.disabled.get()
        if message is not None:
            raise RuntimeError(message)
        if any([t.kind.startswith("grad") for t in levels.active()]):
            raise RuntimeError(saved.NOT_IN_TRANSFORMS)
        saved.pack_with((*saved.hook_stack.get(), (self.pack_hook, self.unpack_hook)))

    def __exit__(self, *args: object) -> None:
        stack = saved.hook_stack.get()
        if not stack:
            raise RuntimeError("saved_tensors_hooks: this block was left more often than it was entered")
        saved.pack_with(stack[:-1])


class save_on_cpu(saved_tensors_hooks):
    """A block in which tensors are saved for backward as copies. All memory is the CPU's, so this only costs time.

    ``pin_memory`` is accepted and has no meaning here.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: wrap(np.array(t._array)), lambda t: t)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """A block in which :class:`saved_tensors_hooks` raises RuntimeError with this message.

    >>> import rushlight as torch
    >>> with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
    ...         pass
    Traceback (most recent call last):
    RuntimeError: not here
    """
    if not isinstance(error_message, str):
        raise TypeError(
            "_saved_tensors_hooks_disable(): incompatible function arguments: error_message must be str, got "
            f"{type(error_message).__name__}"
        )
    if saved.hook_stack.get():
        raise RuntimeError(error_message)
    token = saved.disabled.set(error_message)
    try:
        yield
    finally:
        saved.disabled.reset(token)


# ---- hooks on several tensors


class _MultiHandle(RemovableHandle):
    """The handle on hooks of several tensors that were registered together."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Remove all of them."""
        for handle in self.handles:
            handle.remove()

    def __getstate__(self) -> Any:
        return self.handles

    def __setstate__(self, state: Any) -> None:
        self.handles = state


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: Literal["all", "any"] = "all"
) -> RemovableHandle:
    """Call ``fn`` once in each backward pass that reaches some of ``tensors``.

    ``mode="all"``: with the list of their gradients (None for those that the pass does not reach), when the last of them
    is there. ``mode="any"``: with the first gradient that is there. What ``fn`` returns is ignored.

    >>> import rushlight as torch
    >>> a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    >>> handle = torch.autograd.graph.register_multi_grad_hook([a, b], lambda grads: print(grads))
    >>> (a * 2).sum().backward()
    [tensor([2.]), None]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    lock = threading.Lock()
    if mode == "any":
        done: set[int] = set()

        def first(grad: Tensor) -> None:
            this = engine.current.get()
            with lock:
                if id(this) in done:
                    return
                done.add(id(this))
                if this is not None:
                    this.callbacks.append(lambda: done.discard(id(this)))
            fn(grad)

        return _MultiHandle([t.register_hook(first) for t in tensors])
    nodes = []
    for t in tensors:
        if not t.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        assert t._node is not None
        nodes.append(t._node)
    passes: dict[int, list[Any]] = {}

    def hook_for(index: int) -> Callable[[Tensor], None]:
        def one(grad: Tensor) -> None:
            this = engine.current.get()
            assert this is not None
            with lock:
                found = passes.get(id(this))
                if found is None:
                    missing = sum(this.will_run(hooks.place(n)[0]) for n in nodes)
                    found = passes[id(this)] = [missing, [None] * len(nodes)]
                    this.callbacks.append(lambda: passes.pop(id(this), None))
                found[0] -= 1
                found[1][index] = grad
                complete = found[0] == 0
            if complete:
                fn(found[1])

        return one

    return _MultiHandle([t.register_hook(hook_for(i)) for i, t in enumerate(tensors)])


# ---- in-place changes of what is saved


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Say that the memory of tensors has been changed by means that the library does not see.

    Backward through something that saved them then raises, as after any in-place operation.
    """
    if not isinstance(tensor, (Tensor, Iterable)):
        raise RuntimeError(f"increment_version expect a Iterable[Tensor] as input, got {type(tensor).__name__}")
    for t in (tensor,) if isinstance(tensor, Tensor) else tuple(tensor):
        if not isinstance(t, Tensor):
            raise RuntimeError(
                f"increment_version expects each element of the iterable to be a tensor, got {type(t).__name__}"
            )
        if t.is_inference():
            raise RuntimeError(
                "Inference tensors do not track version counter. Make a clone outside of inference_mode to get a normal "
                "tensor."
            )
        memory.written(t._array, "increment_version", *callsite.here())


_allowing: ContextVar[Any] = ContextVar("rushlight allow_mutation_on_saved_tensors", default=None)


class _AllowMutationOnSavedContext:
    """What a block of :func:`allow_mutation_on_saved_tensors` knows; ``clear`` forgets it."""

    def __init__(self) -> None:
        self.cleared = 0  # how many times

    def clear(self) -> None:
        """Forget what was saved so far: backward through it raises AssertionError."""
        self.cleared += 1


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_AllowMutationOnSavedContext]:
    """A block in which tensors saved for backward may be changed in place: what is about to be changed is copied first.

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     z = y * y
    ...     _ = y.mul_(10)
    ...     z.backward()
    >>> x.grad
    tensor(6.)
    """
    from .mutation import cloning

    if _allowing.get() is not None:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    context = _AllowMutationOnSavedContext()
    token = _allowing.set(context)
    try:
        with cloning(context):
            yield context
    finally:
        context.clear()
        _allowing.reset(token)


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Does nothing: there are no streams on the CPU."""


def set_override_stale_capture_stream(enabled: bool) -> None:
    """Does nothing: there are no streams on the CPU."""


def _will_engine_execute_node(node: Node) -> bool:
    """Whether the backward pass that is running will run this node."""
    this = engine.current.get()
    if this is None:
        raise RuntimeError(
            "_will_engine_execute_node should only be called during the backward pass: get_current_graph_task_exec_info "
            "should only be called during the backward pass"
        )
    return this.will_run(node)


__all__ = [
    "Bundle",
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
    "set_override_stale_capture_stream",
    "set_warn_on_accumulate_grad_stream_mismatch",
]
