"""Hooks: functions of the user's that see, and may replace, gradients on their way.

The order at a node is PyTorch's: hooks of its tensors, ``retain_grad``, pre-hooks of the node, the node's rules,
post-hooks of the node; at a leaf: hooks of the tensor, pre-hooks of the node, accumulation, post-accumulate hooks,
post-hooks of the node. A node without hooks pays one check.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from . import engine, memory
from .engine import Pass
from .graph import Bundle, Fan, Leaf, Node, Nowhere, Port
from .mode import DEPTH, mode
from .record import changed_error
from .tensor import Tensor, wrap


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away; also a context manager that does so.

    ``extra_dict`` is one dict, or a list of dicts, that may hold something under the same id.

    >>> from collections import OrderedDict
    >>> hooks = OrderedDict()
    >>> handle = RemovableHandle(hooks)
    >>> hooks[handle.id] = print
    >>> handle.remove()
    >>> len(hooks)
    0
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extras = [] if extra_dict is None else [extra_dict] if isinstance(extra_dict, dict) else extra_dict
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extras)

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        for found in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = found()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> Any:
        return self.hooks_dict_ref(), self.id, tuple(r() for r in self.extra_dict_ref)

    def __setstate__(self, state: Any) -> None:
        hooks = OrderedDict() if state[0] is None else state[0]
        self.hooks_dict_ref = weakref.ref(hooks)
        self.id = state[1]
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)
        extras = state[2] if len(state) > 2 and state[2] else ()
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extras)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


Hooks = OrderedDict[int, Callable[..., Any]]


class NodeHooks:
    """The hooks of one node. Those of tensors are kept by the number of the output that the tensor is."""

    def __init__(self) -> None:
        self.tensor: dict[int, Hooks] = {}
        self.retain: dict[int, Any] = {}  # weak references to tensors that keep their .grad
        self.pre: Hooks = OrderedDict()
        self.post: Hooks = OrderedDict()
        self.accumulated: Hooks = OrderedDict()
        self.asks: Tensor | None = None  # the leaf, if it has hooks that are given it

    def at_leaf(self, this: Pass, leaf: Leaf) -> None:
        """A leaf's gradient is complete: run its hooks around the addition to ``.grad``."""
        arrived, create_graph = this.arrived, this.create_graph
        this.waiting[leaf] = 0
        g = arrived[leaf] = self.through_tensor_hooks(ready(arrived[leaf]), create_graph, 0)
        if not this.accumulate or (this.wanted is not None and leaf not in this.wanted):
            return
        (g,) = through(self.pre, [g], create_graph)
        arrived[leaf] = g
        tensor = leaf.tensor()
        first = tensor is not None and tensor._grad is None and not create_graph
        kept = g if self.post and not first else None
        exists = g is not None
        g = None  # so that it may be taken over
        with engine._commit:
            engine.add_to_grad(leaf, arrived, create_graph)
        if first and exists and self.post:
            kept = tensor._grad  # which is what came
        for hook in list(self.accumulated.values()) if tensor is not None else ():  # also if nothing arrived
            back = hook(tensor)
            if back is None or back is tensor:
                continue
            replaced(hook, back, tensor, True)
            raise RuntimeError(
                f"Tensor post accumulate grad hooks should return None. {short(hook)} returned another tensor."
            )
        if self.post:
            for hook in list(self.post.values()):
                back = hook((), (given(kept),))
                if back is not None:
                    check_count(hook, back, 0)  # nothing comes after a leaf

    def through_tensor_hooks(self, g: Any, create_graph: bool, index: int) -> Any:
        """One gradient through the hooks of its tensor, and into the ``.grad`` of a tensor that retains it."""
        hooks = self.tensor.get(index)
        if hooks:
            for hook in list(hooks.values()):
                g = replaced(hook, hook(given(g)), g, create_graph)
        return g

    def keep(self, g: Any, create_graph: bool, index: int) -> None:
        found = self.retain.get(index)
        kept = found() if found is not None else None
        if kept is None or g is None:
            return
        made = given(g)
        if kept._grad is None:
            kept._grad = made.clone()
        else:
            kept._grad = kept._grad + made


def around(this: Pass, node: Node, g: Any) -> list[tuple[Any, Any, Any]]:
    """Run a node between its hooks and observers; the edges returned only hand on what the rules gave."""
    if type(node) is Nowhere:
        return []
    hooks: NodeHooks | None = node.hooks
    create_graph = this.create_graph
    wanted, useful = this.wanted, this.useful
    # as in PyTorch, what a node is asked for is its gradient before the hooks, if the node is to run, else that after
    runs = useful is None or this.accumulate or any([p in useful for p in node.parents])
    if wanted is not None and runs:
        capture(this, node, g)
    if hooks is not None and type(node) is not Port and (hooks.tensor or hooks.retain):
        g = through_tensors(this, node, hooks, g)
    if not runs:
        capture(this, node, g)
        return []
    if hooks is not None and hooks.pre:
        g = bundled(node, through(hooks.pre, unbundled(node, g), create_graph), g)
    calls: Callable[[], Any] = lambda: made_by(this, node, g)
    for observe in engine.observers.get():
        calls = observed(observe, node, g, calls)
    made = calls()
    if hooks is not None and hooks.post:
        made = through_post_hooks(hooks, node, made, g, create_graph)
    return [(p, handed_on, (h,)) for p, h in zip(node.parents, made, strict=True)]


def observed(observe: Callable[..., Any], node: Node, g: Any, run: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: observe(node, g, run)


def made_by(this: Pass, node: Node, g: Any) -> list[Any]:
    """What the rules of a node give for its parents."""
    if memory.last_write > node.seq and node.holds:
        changed_error(node)
    saved = node.revived() if this.create_graph else node.saved
    if g is None and not node.makes_grads:
        return [None for _ in zip(node.parents, saved, strict=True)]
    useful = None if node.makes_grads and this.accumulate else this.useful  # a custom function runs, as in PyTorch
    return [
        vjp(g, *kept) if parent is not None and (useful is None or parent in useful) else None  # type: ignore[misc]
        for parent, vjp, kept in zip(node.parents, node.rules, saved, strict=True)
    ]


def capture(this: Pass, node: Node, g: Any) -> None:
    """Note a gradient that the pass was asked for: of a node, or of some of its outputs."""
    for asked in this.wanted or ():
        if asked is node:
            this.arrived[node] = g
        elif type(asked) is Port and asked.parents[0] is node:
            this.arrived[asked] = g.get(asked.index) if type(g) is Bundle else None


def through_tensors(this: Pass, node: Node, hooks: NodeHooks, g: Any) -> Any:
    """The gradients of a node's outputs, each through the hooks of its tensor."""
    if node.width is None:
        g = ready(g)
        for index in list(hooks.tensor):
            g = hooks.through_tensor_hooks(g, this.create_graph, index)
        for index in list(hooks.retain):
            hooks.keep(g, this.create_graph, index)
        return g
    made = Bundle(g or {})
    for index in list(hooks.tensor):
        h = hooks.through_tensor_hooks(ready(made.get(index)), this.create_graph, index)
        if h is not None:
            made[index] = h
    for index in list(hooks.retain):
        hooks.keep(made.get(index), this.create_graph, index)
    return made if made else None


def unbundled(node: Node, g: Any) -> list[Any]:
    """The gradients of all outputs of a node, in order."""
    return [ready(g)] if node.width is None else [ready((g or {}).get(i)) for i in range(node.width)]


def bundled(node: Node, grads: list[Any], old: Any) -> Any:
    """The opposite of ``unbundled``."""
    if node.width is None:
        return grads[0]
    return Bundle({i: h for i, h in enumerate(grads) if h is not None}) or None


def through(hooks: Hooks, grads: list[Any], create_graph: bool) -> list[Any]:
    """Gradients through hooks that take and return a tuple of them."""
    for hook in list(hooks.values()):
        back = hook(tuple([given(g) for g in grads]))
        if back is None:
            continue
        check_count(hook, back, len(grads))
        grads = [replaced(hook, new, old, create_graph, True) for new, old in zip(back, grads, strict=True)]
    return grads


def through_post_hooks(hooks: NodeHooks, node: Node, made: list[Any], g: Any, create_graph: bool) -> list[Any]:
    """What the rules gave through the post-hooks; a joint rule's bundle is shown as one gradient for each input."""
    out = tuple([given(h) for h in unbundled(node, g)])
    fan = node.parents[0] if len(node.parents) == 1 and type(node.parents[0]) is Fan else None
    seen = [(made[0] or {}).get(i) for i in range(len(fan.parents))] if fan is not None else [one_of(h) for h in made]
    for hook in list(hooks.post.values()):
        back = hook(tuple([given(h) for h in seen]), out)
        if back is None:
            continue
        check_count(hook, back, len(seen))
        seen = [replaced(hook, new, old, create_graph, True) for new, old in zip(back, seen, strict=True)]
    if fan is not None:
        return [Bundle({i: h for i, h in enumerate(seen) if h is not None}) or None]
    return [
        Bundle({next(iter(old)): new}) if type(old) is Bundle and new is not None else new
        for new, old in zip(seen, made, strict=True)
    ]


def one_of(h: Any) -> Any:
    return next(iter(h.values())) if type(h) is Bundle else h


def handed_on(_: Any, h: Any) -> Any:
    return h


def at_end(this: Pass, node: Node, g: Any) -> Any:
    """The gradient of a node that need not run, after the hooks of its tensor."""
    hooks: NodeHooks = node.hooks
    if type(node) is not Nowhere and (hooks.tensor or hooks.retain):
        return through_tensors(this, node, hooks, g)
    return g


engine.around[:] = [around]
engine.at_end[:] = [at_end]


def ready(g: Any) -> Any:
    """A gradient that a hook may write to."""
    if g is None:
        return None
    if isinstance(g, Tensor):
        array = g._array if g._node is None and not g.level and not g.is_sparse else None
        shared = type(array) is np.ndarray and not array.flags.writeable and 0 not in array.strides
        return wrap(array.copy()) if shared else g  # type: ignore[union-attr]
    if type(g) is not np.ndarray:
        return np.asarray(g)
    return g if g.flags.writeable or (0 in g.strides and g.size > 1) else g.copy()


def given(g: Any) -> Any:
    """A gradient as hooks get it."""
    return None if g is None else engine.as_tensor(g)


def replaced(hook: Any, back: Any, g: Any, create_graph: bool, by_tuple: bool = False) -> Any:
    """The gradient after a hook: what it returned, or the old one; arrays again at first order."""
    if back is None:
        return None if by_tuple else g
    if not isinstance(back, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{c_type(back)}'")
    if g is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    old = given(g)
    if back.dtype is not old.dtype:
        raise RuntimeError(
            f"hook '{short(hook)}' has changed the type of value (was {type_name(old)} got {type_name(back)})"
        )
    if tuple(back.shape) != tuple(old.shape):
        raise RuntimeError(
            f"hook '{short(hook)}' has changed the size of value: it was {list(old.shape)}, now it is {list(back.shape)}"
        )
    return back if create_graph or isinstance(g, Tensor) or back.level or back.is_sparse else back._array


def check_count(hook: Any, back: Any, count: int) -> None:
    """Raise if a hook returned something else than a tuple of ``count`` gradients."""
    if not isinstance(back, tuple):
        raise TypeError(f"expected tuple, but hook returned '{c_type(back)}'")
    if len(back) != count:
        raise RuntimeError(
            f"hook '{short(hook)}' has returned an incorrect number of values (got {len(back)}, but expected {count})"
        )


def c_type(value: object) -> str:
    """The name of a type as C extensions give it: with its module, unless it is built in or ours."""
    kind = type(value)
    plain = kind.__module__ == "builtins" or isinstance(value, Tensor)
    return kind.__name__ if plain else f"{kind.__module__}.{kind.__name__}"


def short(hook: Any) -> str:
    return hook if isinstance(hook, str) else getattr(hook, "__name__", type(hook).__name__)


def type_name(t: Tensor) -> str:
    from . import dtypes

    return f"torch.{dtypes.LEGACY[t.dtype.name]}Tensor"


def hooks_of(node: Node) -> NodeHooks:
    """The hooks of a node, made if there are none yet."""
    if node.hooks is None:
        node.hooks = NodeHooks()
    found: NodeHooks = node.hooks
    return found


def place(node: Node) -> tuple[Node, int]:
    """The node that keeps the hooks of a tensor, and which of its outputs the tensor is."""
    if type(node) is Port:
        return node.parents[0], node.index  # type: ignore[return-value]
    return node, 0


def tensor_hooks(node: Node) -> Hooks | None:
    """The hooks of the tensor whose gradient arrives at ``node``; None if it never had any."""
    node, index = place(node)
    return None if node.hooks is None else node.hooks.tensor.get(index)


def add(hooks: Hooks, hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


on_view: list[Callable[[Tensor], None]] = []  # ``views.follow_writes``

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
    node, index = place(stays_at(self._node))
    if self._view is not None:
        for call in on_view:
            call(self)
    return add(hooks_of(node).tensor.setdefault(index, OrderedDict()), hook)


def stays_at(node: Node) -> Node:
    """Where the hooks of a tensor with this node stand: a view operator in place leaves them where they were."""
    found: Node = node.__dict__.get("_hooked", node)
    return found


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call ``hook(tensor)`` after a gradient was added to this leaf's ``.grad``."""
    if self._node is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if not self.is_leaf:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    hooks = hooks_of(self._node)
    hooks.asks = self  # the hooks get it also if the program has dropped it; the collector finds the cycle
    return add(hooks.accumulated, hook)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this tensor, which is not a leaf, in ``.grad``."""
    if mode() >> DEPTH:
        raise RuntimeError(
            "You are attempting to call Tensor.retain_grad() inside of a function being transformed by a functorch transform. "
            "This is unsupported, please attempt to use the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or "
            "call retain_grad() outside of a function being transformed instead."
        )
    if self._node is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if not self.is_leaf:
        node, index = place(self._node)
        if self._view is not None:
            for call in on_view:
                call(self)
        hooks_of(node).retain[index] = ref(self)


def retains_grad(self: Tensor) -> bool:
    """Whether ``retain_grad`` was called on this tensor."""
    return kept_by(self._node, self)


def kept_by(node: Node | None, tensor: Tensor) -> bool:
    """Whether the gradient that arrives at ``node`` is kept in the ``.grad`` of ``tensor``."""
    if node is None or type(node) is Leaf:
        return False
    node, index = place(node)
    found = node.hooks.retain.get(index) if node.hooks is not None else None
    return found is not None and found() is tensor


def backward_hooks(self: Tensor) -> Hooks | None:
    """The hooks of this tensor by their numbers; None if it has none."""
    return self.__dict__.get("_hooks") if self._node is None else tensor_hooks(self._node)


def set_backward_hooks(self: Tensor, hooks: Hooks | None) -> None:
    """Give a tensor another dictionary of hooks, or none. On a tensor that requires no grad they never run."""
    if self._node is None:
        self.__dict__["_hooks"] = hooks
        return
    node, index = place(self._node)
    if hooks is None:
        if node.hooks is not None:
            node.hooks.tensor.pop(index, None)
    else:
        hooks_of(node).tensor[index] = hooks


def post_accumulate_grad_hooks(self: Tensor) -> Hooks | None:
    """The post-accumulate hooks of a leaf by their numbers; None if it has none."""
    found = self._node.hooks if type(self._node) is Leaf else None
    return found.accumulated or None if found is not None else None


def keep_backward_hooks(self: Tensor) -> None:
    raise RuntimeError(
        "Deletion of _backwards_hooks not allowed! Set it to None, or remove the hooks by their handles."
    )


def move_retained(tensor: Tensor, old: Node | None) -> None:
    """After an in-place write: ``retain_grad`` follows the tensor to its new node, other hooks stay with the old one."""
    if old is None or type(old) is Leaf:
        return
    node, index = place(old)
    if node.hooks is None:
        return
    found = node.hooks.retain.get(index)
    if found is not None and found() is tensor:
        del node.hooks.retain[index]
        if tensor._node is not None:
            retain_grad(tensor)


def node_register_hook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(grad_inputs, grad_outputs)`` after this node ran; what it returns replaces ``grad_inputs``."""
    return add(hooks_of(self).post, hook)


def node_register_prehook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(grad_outputs)`` before this node runs; what it returns replaces ``grad_outputs``."""
    return add(hooks_of(self).pre, hook)


Node.register_hook = node_register_hook  # type: ignore[attr-defined]
Node.register_prehook = node_register_prehook  # type: ignore[attr-defined]


class HookTable(list[tuple[str, str, Callable[..., Any]]]):
    """The hooks of a tensor in the order in which they run, as ``(step, where, function)``; prints as a table."""

    def __repr__(self) -> str:
        if not self:
            return "no hooks"
        rows = [(str(i), step, where, named(hook)) for i, (step, where, hook) in enumerate(self, 1)]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        return "\n".join(
            f"{row[0]:>{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]}".rstrip() for row in rows
        )


def named(hook: Any) -> str:
    """A hook's name and the line that defines it."""
    code = getattr(hook, "__code__", None)
    name = getattr(hook, "__qualname__", None) or repr(hook)
    return f"{name} at {code.co_filename}:{code.co_firstlineno}" if code is not None else name


def hooks_table(self: Tensor) -> HookTable:
    """The hooks that run when the gradient of this tensor arrives, in order. Printing it shows a table.

    >>> import rushlight as torch
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> len(x.hooks())
    0
    """
    table = HookTable()
    if self._node is None:
        return table
    node, _ = place(self._node)
    hooks = node.hooks
    if hooks is None:
        return table
    several = node.width is not None
    for index, found in hooks.tensor.items():
        where = f"output {index}" if several else "tensor"
        table += [("1 tensor hook", where, hook) for hook in found.values()]
    for index, r in hooks.retain.items():
        if r() is not None:
            table.append(("2 retain_grad", f"output {index}" if several else "tensor", r().retain_grad))
    table += [("3 node pre-hook", node.name(), hook) for hook in hooks.pre.values()]
    if type(node) is Leaf:
        table += [("4 post-accumulate", "tensor", hook) for hook in hooks.accumulated.values()]
        table += [("5 node post-hook", node.name(), hook) for hook in hooks.post.values()]
    else:
        table += [("4 node post-hook", node.name(), hook) for hook in hooks.post.values()]
    return table


__all__ = ["NodeHooks", "Port", "RemovableHandle", "hooks_of", "wrap"]
