"""Saved values seen from outside: by PyTorch's attribute names, and through hooks that pack and unpack them.

A node's ``saved`` column holds plain values. ``Packed`` stands there for a value that a pack hook has taken away; the
rule of its edge is wrapped to unpack it. ``SavedTensor`` is the handle on one saved value that users get.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from weakref import ref

import numpy as np

from . import engine, memory, record
from .graph import Freed, Leaf, Node, Nowhere, Port
from .mode import RECORD, mode, switched
from .record import tensors_in
from .tensor import Tensor, wrap

ndarray = np.ndarray
# (pack, unpack) pairs of the saved_tensors_hooks blocks around us, innermost last; None forbids them, with a message
hook_stack: ContextVar[tuple[tuple[Callable[..., Any], Callable[..., Any]], ...]] = ContextVar(
    "rushlight saved-tensor hooks", default=()
)
NOT_IN_TRANSFORMS = (
    "torch.func.{grad, vjp, jacrev, hessian} don't yet support saved tensor hooks. Enter saved_tensors_hooks around what "
    "autograd records outside of them."
)
disabled: ContextVar[str | None] = ContextVar("rushlight saved-tensor hooks disabled", default=None)


def pack_with(stack: tuple[tuple[Callable[..., Any], Callable[..., Any]], ...]) -> None:
    """Let the last of these pairs of hooks take what is saved from here on."""
    hook_stack.set(stack)
    others = tuple([w for w in record.watchers.get() if w is not packing])
    record.watch_with((*others, packing) if stack else others)


class Packed:
    """A saved value that a pack hook has taken: ``unpack`` gives it back."""

    __slots__ = ("dtype", "held", "node", "opened", "shape")

    def __init__(self, held: Any, opened: Callable[[Any], Any], shape: tuple[int, ...], dtype: Any) -> None:
        self.held, self.opened, self.shape, self.dtype = held, opened, shape, dtype
        self.node: Node | None = None

    def rejoined(self, node: Node | None) -> Packed:
        """The same value; what it is unpacked to has the history ``node``."""
        made = Packed(self.held, self.opened, self.shape, self.dtype)
        made.node = node
        return made

    def unpack(self) -> Tensor:
        """The tensor, as the unpack hook gives it."""
        before = hook_stack.get()
        try:
            back = self.opened(self.held)
        finally:
            if hook_stack.get() is not before:  # blocks that a hook enters or leaves end with it
                pack_with(before)
        if not isinstance(back, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(back).__name__}"
            )
        if self.node is not None and back._node is not self.node:
            back = wrap(back._array, self.node)
        return back


def pack(tensor: Tensor, hooks: tuple[Callable[..., Any], Callable[..., Any]]) -> Packed:
    """A tensor given to a pack hook, which must not write to it."""
    before = memory.version(tensor._array) if type(tensor._array) is ndarray else 0
    with switched(mode() & ~RECORD):
        held = hooks[0](tensor)
    if type(tensor._array) is ndarray and memory.version(tensor._array) != before:
        raise RuntimeError(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not be "
            "modified by in-place operations as this can lead to unexpected side-effects. Pack a .clone() of it."
        )
    return Packed(held, hooks[1], tuple(tensor.shape), tensor.dtype)


def unpacking(vjp: Callable[..., Any]) -> Callable[..., Any]:
    """The same rule for saved values some of which are packed."""

    def unpacking_rule(g: Any, *saved: Any) -> Any:
        return vjp(g, *[opened(s, isinstance(g, Tensor)) for s in saved])

    return unpacking_rule


def opened(value: Any, as_tensor: bool) -> Any:
    if type(value) is Packed:
        back = value.unpack()
        return back if as_tensor or back.level else back._array
    if type(value) is list:
        return [opened(v, as_tensor) for v in value]
    return value


def pack_node(node: Node, hooks: tuple[Callable[..., Any], Callable[..., Any]], known: Any = ()) -> None:
    """Give every tensor that a node has saved to a pack hook: those ``known`` to the program as they are."""
    known = {id(t._array): t for t in known}
    if hasattr(node.op, "kernel"):
        pack_fused(node, hooks, known)
        return
    columns: list[Any] = []
    rules: list[Any] = []
    for position, (kept, vjp) in enumerate(zip(node.saved, node.rules, strict=True)):
        if kept is None or (len(node.parents) > 1 and leads_nowhere(node, position)):
            columns.append(kept)
            rules.append(vjp)
            continue
        values = list(kept)
        changed = False
        for k, source, tensor in tensors_saved(node, position):
            if source is not None and tensor is not None:
                values[k] = (
                    pack(as_known(tensor, known), hooks)
                    if isinstance(tensor, Tensor)
                    else [pack(as_known(t, known), hooks) for t in tensor]
                )
                changed = True
        columns.append(tuple(values))
        rules.append(unpacking(vjp) if changed and vjp is not None else vjp)
    node.saved, node.rules = tuple(columns), tuple(rules)


def leads_nowhere(node: Node, position: int) -> bool:
    """Whether an edge ends at once, so that PyTorch saves nothing for it alone."""
    return type(node.parents[position]) is Nowhere and record.saves_for_one(node, position)


def as_known(tensor: Tensor, known: dict[int, Tensor]) -> Tensor:
    """The program's own tensor with this memory and history, if it has one."""
    found = known.get(id(tensor._array))
    return found if found is not None and history(found) == history(tensor) else tensor


def history(tensor: Tensor) -> tuple[Node | None, int]:
    node: Any = tensor._node
    return (node.parents[0], node.index) if type(node) is Port else (node, 0)


def pack_fused(node: Any, hooks: tuple[Callable[..., Any], Callable[..., Any]], known: dict[int, Tensor]) -> None:
    """The same for an operator that has kernels: its arguments, and what the forward kernel left for the backward one."""
    values, residuals, wanted, parents = node.saved[0]
    op, backward = node.op, node.rules[0]
    inputs = [n for n in op.parameters if n in op.tensors]
    histories = dict(zip(inputs, parents, strict=True))
    values = [
        pack(as_known(wrap(v, histories.get(n)), known), hooks) if type(v) is ndarray else v
        for n, v in zip(op.parameters, values, strict=True)
    ]
    residuals = [pack(wrap(r), hooks) if type(r) is ndarray else r for r in residuals]

    def unpacking_fused(g: Any, values: Any, residuals: Any, wanted: Any, parents: Any) -> Any:
        return backward(g, opened(values, False), opened(residuals, False), wanted, parents)

    node.saved, node.rules = ((values, residuals, wanted, parents),), (unpacking_fused,)


def tensors_saved(node: Any, position: int) -> list[tuple[int, int | None, Any]]:
    """``(place in the column, source, tensor or list of them)`` for what the edge at ``position`` has saved."""
    kept = node.saved[position]
    if kept is None or node.op is None:
        return []
    rule = node.op.joint if node.op.joint is not None else node.spread_rules()[position]
    extra = len(kept) - len(rule.sources)
    found: list[tuple[int, int | None, Any]] = []
    for k, source in enumerate(rule.sources, extra):
        if not node.op.is_tensor_source(source):
            continue
        value = kept[k]
        if isinstance(value, (ndarray, Tensor, Packed)) or (
            isinstance(value, (list, tuple)) and value and all(isinstance(v, (ndarray, Tensor, Packed)) for v in value)
        ):
            joined = node.join(source, value)
            found.append((k, source, joined))
    return found


# ---- hooks around every recorded operation


def packing(run: Callable[..., Any]) -> Callable[..., Any]:
    """A watcher of operators: what they save goes to the innermost pack hook."""

    def packed(op: Any, args: tuple[Any, ...]) -> Any:
        result = run(op, args)
        hooks = hook_stack.get()
        if hooks:
            node = made_node(result, op)
            if node is not None:
                pack_node(node, hooks[-1], [t for t in tensors_in((*args, result)) if not t.level])
        return result

    return packed


def made_node(result: Any, op: Any) -> Any:
    """The node that a call has just recorded; None if it recorded nothing."""
    for made in result if isinstance(result, (tuple, list)) else (result,):
        if isinstance(made, Tensor) and not made.level and (node := made.grad_fn) is not None:
            return node if getattr(node, "op", None) is op and node.holds else None
    return None


# ---- the handle on one saved value


class SavedTensor:
    """One saved tensor of a node: ``register_hooks(pack, unpack)`` lets a program keep it elsewhere."""

    _get: Callable[[], Any]
    _put: Callable[[Any, Any], None]
    _held: Callable[[], Any]

    def __init__(self, *_: Any) -> None:
        raise RuntimeError(
            "Trying to create a SavedTensor object from Python is forbidden: take it from a node, as grad_fn._raw_saved_self."
        )

    @property
    def data(self) -> Any:
        """What is kept: the tensor, or what its pack hook returned."""
        held = self._held()
        return held.held if type(held) is Packed else self._get()

    @property
    def unpack_hook(self) -> Callable[[Any], Tensor] | None:
        """The hook that gives the tensor back; None if there is none."""
        held = self._held()
        return held.opened if type(held) is Packed else None

    def unpack(self) -> Tensor:
        """The tensor, as backward would get it. Raises RuntimeError if it has been freed or changed."""
        found: Tensor = self._get()
        return found

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Give the tensor to ``pack_hook`` now; ``unpack_hook`` gives it back whenever backward needs it."""
        for hook in (pack_hook, unpack_hook):
            if not callable(hook):
                raise TypeError(
                    "register_hooks(): incompatible function arguments: pack_hook and unpack_hook must be callable, "
                    f"got {type(hook).__name__}"
                )
        held = self._held()
        if type(held) is Freed:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the graph "
                "are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
                "through the graph a second time or if you need to access saved variables after calling backward."
            )
        if type(held) is Packed:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of hooks "
                "is allowed at a time."
            )
        if held is None:
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        self._put(pack_hook, unpack_hook)


def handle(held: Callable[[], Any], get: Callable[[], Any], put: Callable[[Any, Any], None]) -> SavedTensor:
    """The handle on a value of which ``held`` gives what is kept, ``get`` the tensor; ``put`` packs it."""
    made: SavedTensor = object.__new__(SavedTensor)
    made._held, made._get, made._put = held, get, put
    return made


def saved_names(node: Any) -> dict[str, tuple[int, int]]:
    """PyTorch's names of what a node saved, each with the edge and the place in its column."""
    op = node.op
    if op is None or type(node.saved) is Freed:
        return {}
    found: dict[str, tuple[int, int]] = {}
    rules = [op.joint] if op.joint is not None else node.spread_rules()
    for position, (rule, kept) in enumerate(zip(rules, node.saved, strict=True)):
        if kept is None:
            continue
        extra = len(kept) - len(rule.sources)
        for k, source in enumerate(rule.sources, extra):
            found.setdefault(torch_name(op, source), (position, k))
    return found


def torch_name(op: Any, source: int) -> str:
    """PyTorch's attribute for a source of a rule, without ``_saved_``."""
    if source == record.RESULT:
        return "result"
    if source == record.INDEX:
        return "index_of_input"
    if source >= record.OUTPUT:
        name = op.outputs[source - record.OUTPUT]
        return {"values": "result0", "indices": "indices"}.get(name, name)  # type: ignore[no-any-return]
    name = op.parameters[source % 1000]
    name = "self" if name == op.parameters[0] and name == "input" else name
    return f"{name}_sym_sizes" if source >= record.SHAPE else name


def all_names(op: Any) -> set[str]:
    """The names that a node of ``op`` can have, whether this call needed them or not."""
    rules = [*op.rules.values(), *([op.joint] if op.joint is not None else [])]
    return {torch_name(op, s) for r in rules for s in r.sources}


def key_of(node: Any) -> tuple[int, Any] | None:
    """The part of an indexing key that changes something, and the dimension that it stands at."""
    kept = next((k for k in node.saved if k), ())
    key = next((k for k in kept if isinstance(k, tuple) and not all(type(n) is int for n in k[:-1])), None)
    if key is None:
        key = kept[-1] if kept else ()
    for dim, part in enumerate(key):
        if part is None or type(part) is int or (isinstance(part, slice) and part != slice(None)):
            return dim, part
    return None


def of_key(node: Any, short: str) -> Any:
    """What PyTorch's nodes of ``x[2]``, ``x[1:3]`` and ``x[None]`` tell: dim, index, start, end, step."""
    found = key_of(node)
    if found is None:
        return None
    dim, part = found
    if short == "dim":
        return dim
    if short == "index":
        return part if type(part) is int else None
    return (
        {"start": part.start, "end": part.stop, "step": part.step or 1}.get(short) if isinstance(part, slice) else None
    )


KEYS = {"select_key": ("dim", "index"), "slice_key": ("dim", "start", "end", "step"), "unsqueeze_key": ("dim",)}


def derived(node: Any, short: str) -> tuple[bool, Any]:
    """``(True, value)`` for what is not a source of a rule but known all the same."""
    op = node.op
    if op is None:
        return False, None
    if short == "alpha" and op.name in ("add", "sub"):
        return True, 1
    if short in KEYS.get(op.name, ()):
        return True, of_key(node, short)
    if op.family == "fused":
        if type(node.saved) is Freed:
            iter(node.saved)
        values, residuals, _, parents = node.saved[0]
        named = "input" if short == "self" else short
        if named in op.parameters:
            value = values[op.parameters.index(named)]
            if isinstance(value, ndarray):
                position = [n for n in op.parameters if n in op.tensors].index(named)
                return True, wrap(value, parents[position])
            return True, value
        if re.fullmatch(r"result\d", short) and 0 < int(short[6:]) <= len(residuals):
            left = residuals[int(short[6:]) - 1]
            return True, wrap(left) if isinstance(left, ndarray) else left
    return False, None


def saved_attribute(node: Any, name: str) -> Any:
    """The value of ``_saved_NAME`` or ``_raw_saved_NAME`` of a node; AttributeError if it saves no such thing."""
    raw = name.startswith("_raw")
    short = re.sub("^_(raw_)?saved_", "", name)
    op = node.op
    known, value = derived(node, short)
    if known:
        return value
    if op is not None and type(node.saved) is Freed and short in all_names(op):
        if raw:
            return handle(lambda: node.saved, lambda: iter(node.saved), iter)  # type: ignore[arg-type]
        iter(node.saved)  # raises
    where = saved_names(node).get(short)
    if where is None:
        if op is not None and short in all_names(op):
            return None
        raise AttributeError(f"'{node.name()}' object has no attribute '{name}'")
    position, k = where
    value = node.saved[position][k]
    rule = op.joint if op.joint is not None else node.spread_rules()[position]
    source = rule.sources[k - (len(node.saved[position]) - len(rule.sources))]
    if not op.is_tensor_source(source):
        if isinstance(value, tuple) and any([type(v) is ndarray for v in value]):  # the parts of an index
            return tuple([wrap(v) if type(v) is ndarray else v for v in value])
        return value
    if raw:
        return handle(
            lambda: node.saved if type(node.saved) is Freed else node.saved[position][k],
            lambda: current(node, position, k, source),
            lambda p, u: repack(node, position, k, source, (p, u)),
        )
    return current(node, position, k, source)


def current(node: Any, position: int, k: int, source: int) -> Any:
    """A saved value as a tensor joined to the graph; raises if its memory has been written since."""
    value = node.saved[position][k]
    if memory.last_write > node.seq:
        record.changed_error(node)
    return as_saved(node.join(source, value))


def as_saved(value: Any) -> Any:
    """A saved value as the program gets it: unpacked; a leaf is the program's own tensor."""
    if type(value) is Packed:
        return value.unpack()
    if isinstance(value, list):
        return [as_saved(v) for v in value]
    if isinstance(value, Tensor) and type(value._node) is Leaf:
        leaf = value._node.variable
        if leaf is not None and leaf._array is value._array:
            return leaf
    return value


def repack(node: Any, position: int, k: int, source: int, hooks: tuple[Any, Any]) -> None:
    """Give one saved value to a pack hook."""
    column = node.saved[position]
    value = current(node, position, k, source)
    packed = pack(value.detach(), hooks)
    node.saved = (*node.saved[:position], (*column[:k], packed, *column[k + 1 :]), *node.saved[position + 1 :])
    vjp = node.rules[position]
    if getattr(vjp, "__name__", "") != "unpacking_rule":
        node.rules = (*node.rules[:position], unpacking(vjp), *node.rules[position + 1 :])


def node_attribute(self: Node, name: str) -> Any:
    if name.startswith(("_saved_", "_raw_saved_")):
        return saved_attribute(self, name)
    raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def node_names(self: Node) -> list[str]:
    names = set(object.__dir__(self))
    if self.op is not None:
        names |= {f"_saved_{n}" for n in all_names(self.op)}
    return sorted(names)


Node.__getattr__ = node_attribute  # type: ignore[attr-defined]
Node.__dir__ = node_names  # type: ignore[assignment, method-assign]

__all__ = ["Packed", "SavedTensor", "engine", "pack_node", "packing", "ref", "wrap"]
