"""Hooks: functions of the user's that see, and may replace, gradients on their way.

The order at a node is PyTorch's: pre-hooks of its tensor, ``retain_grad``, pre-hooks of the node, the node's
rules, post-hooks of the node; at a leaf: tensor pre-hooks, node pre-hooks, accumulation, post-accumulate hooks,
node post-hooks. A node without hooks pays one check.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import Any
from weakref import ref

from . import engine
from .graph import Leaf, Node, Port
from .tensor import Tensor, wrap

_ids = count()


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away; also a context manager."""

    next_id = 0

    def __init__(self, hooks: dict[int, Any], *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = ref(hooks) if not isinstance(hooks, dict) or type(hooks) is not dict else (lambda: hooks)
        self.id = next(_ids)
        extras = [extra_dict] if isinstance(extra_dict, dict) else list(extra_dict or ())
        self.extra_dict_ref = tuple(ref(e) for e in extras)

    def remove(self) -> None:
        """Take the hook away; doing it twice is harmless."""
        hooks = self.hooks_dict_ref()
        if hooks is not None:
            hooks.pop(self.id, None)
        for extra in self.extra_dict_ref:
            found = extra()
            if found is not None:
                found.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


Hooks = OrderedDict[int, Callable[..., Any]]


class NodeHooks:
    """The hooks of one node."""

    def __init__(self) -> None:
        self.tensor: Hooks = OrderedDict()  # of the tensor whose gradient this node's is
        self.retain: Any = None  # a weak reference to a tensor that keeps its .grad
        self.pre: Hooks = OrderedDict()
        self.post: Hooks = OrderedDict()
        self.accumulated: Hooks = OrderedDict()

    def around(
        self, node: Node, g: Any, create_graph: bool, wanted: frozenset[Node] | None, arrived: dict[Node, Any]
    ) -> tuple[Any, Any]:
        """Run the node between its hooks; the edges returned only hand on what the rules gave."""
        g = self.through_tensor_hooks(g, create_graph)
        if wanted is not None and node in wanted:
            arrived[node] = g
        for hook in list(self.pre.values()):
            g = replaced(hook((given(g),)), g, create_graph)
        saved = node.revived() if create_graph else node.saved
        made = [
            vjp(g, *kept) if parent is not None and vjp is not None else None
            for parent, vjp, kept in zip(node.parents, node.rules, saved, strict=True)
        ]
        if self.post:
            made = self.through_post_hooks(node, made, g, create_graph)
        return g, [(p, handed_on, (h,)) for p, h in zip(node.parents, made, strict=True)]

    def through_tensor_hooks(self, g: Any, create_graph: bool) -> Any:
        for hook in list(self.tensor.values()):
            g = replaced(hook(given(g)), g, create_graph)
        kept = self.retain and self.retain()
        if kept is not None:
            made = given(g)
            if not create_graph:
                made = wrap(made._array.copy()) if made.level == 0 else made
            kept._grad = made if kept._grad is None else kept._grad + made
        return g

    def through_post_hooks(self, node: Node, made: list[Any], g: Any, create_graph: bool) -> list[Any]:
        for hook in list(self.post.values()):
            back = hook(tuple([None if h is None else given(h) for h in made]), (given(g),))
            if back is not None:
                made = [replaced(new, old, create_graph) for new, old in zip(back, made, strict=True)]
        return made

    def at_leaf(self, leaf: Leaf, arrived: dict[Node, Any], accumulate: bool, create_graph: bool) -> None:
        """A leaf's gradient is complete: run its hooks around the addition to ``.grad``."""
        g = arrived[leaf] = self.through_tensor_hooks(arrived[leaf], create_graph)
        if not accumulate:
            return
        for hook in list(self.pre.values()):
            g = arrived[leaf] = replaced(hook((given(g),)), g, create_graph)
        engine.add_to_grad(leaf, arrived, create_graph)
        tensor = leaf.tensor()
        for hook in list(self.accumulated.values()):
            hook(tensor)
        for hook in list(self.post.values()):
            hook((), (given(g),))


def handed_on(_: Any, h: Any) -> Any:
    return h


def given(g: Any) -> Any:
    """A gradient as hooks get it."""
    return engine.as_tensor(g)


def replaced(back: Any, g: Any, create_graph: bool) -> Any:
    """The gradient after a hook: what it returned, or the old one; arrays again at first order."""
    if isinstance(back, tuple):
        back = back[0]
    if back is None:
        return g
    if not isinstance(back, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(back).__name__}'")
    shape = getattr(g, "shape", None)
    if shape is not None and tuple(back.shape) != tuple(shape):
        raise RuntimeError(f"hook has changed the size of value: from {list(shape)} to {list(back.shape)}")
    return back if create_graph or isinstance(g, Tensor) else back._array


def hooks_of(node: Node) -> NodeHooks:
    """The hooks of a node, made if there are none yet."""
    if node.hooks is None:
        node.hooks = NodeHooks()
    found: NodeHooks = node.hooks
    return found


def add(hooks: Hooks, hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


# ---- methods of tensors and nodes


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call ``hook(grad)`` each time the gradient of this tensor is computed; what it returns replaces it.

    >>> import rushlight as torch
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> handle = x.register_hook(lambda grad: grad * 10)
    >>> (x * 3).backward(); x.grad
    tensor(30.)
    """
    if self._node is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    return add(hooks_of(self._node).tensor, hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call ``hook(tensor)`` after a gradient was added to this leaf's ``.grad``."""
    if self._node is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if type(self._node) is not Leaf:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return add(hooks_of(self._node).accumulated, hook)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this tensor, which is not a leaf, in ``.grad``."""
    if self._node is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if type(self._node) is not Leaf:
        hooks_of(self._node).retain = ref(self)


def retains_grad(self: Tensor) -> bool:
    """Whether ``retain_grad`` was called on this tensor."""
    node = self._node
    if node is None or type(node) is Leaf or node.hooks is None or node.hooks.retain is None:
        return False
    return node.hooks.retain() is self


def node_register_hook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(grad_inputs, grad_outputs)`` after this node ran; what it returns replaces ``grad_inputs``."""
    return add(hooks_of(self).post, hook)


def node_register_prehook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(grad_outputs)`` before this node runs; what it returns replaces ``grad_outputs``."""
    return add(hooks_of(self).pre, hook)


Node.register_hook = node_register_hook  # type: ignore[attr-defined]
Node.register_prehook = node_register_prehook  # type: ignore[attr-defined]

__all__ = ["NodeHooks", "Port", "RemovableHandle", "hooks_of"]
