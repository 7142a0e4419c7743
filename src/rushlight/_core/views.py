"""Views and in-place writes: memory is written once, history is rewritten to match.

A view knows its base and the operators that lead to it; a base knows its views. Writing to a view is, for the
graph, three plain steps: the operator on the view, an ``overwrite`` of that part of the base, and the views of
the base taken again.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from . import callsite, dtypes, hooks, levels, memory, printing
from .declare import FusedOp, Op, OpNode, operator
from .engine import is_dense
from .graph import Leaf, Node, Nowhere, Port
from .hooks import move_retained
from .memory import tick
from .mode import CAREFUL, DEPTH, INFERENCE, RECORD, mode, switched
from .record import (
    HALF,
    NUMBERS,
    SINGLE,
    common_dtype,
    inner_array,
    operand,
    overriding,
    rearranged,
    recorded,
    refused,
    tensors_in,
    watched,
)
from .tensor import LEAVES, Tensor, as_inference, followers, wrap

ndarray = np.ndarray
new_tuple: Any = tuple.__new__  # a third of the time of a NamedTuple's own


class Views(list[Any]):
    """What a base remembers: weak references to its views."""

    __slots__ = ("lost", "room", "watched")

    def __init__(self) -> None:
        self.room = 16
        self.lost = False  # whether views may have a history where the base has none
        self.watched = False  # whether writes through another alias of the memory are told: see ``watch``


class Step(NamedTuple):
    """How a view is taken: the operator, its other arguments, and which of several results it is."""

    op: Op
    args: tuple[Any, ...]
    output: int | None

    def take(self, x: Any) -> Any:
        """The same view of ``x`` (an array or a tensor)."""
        made = self.op.forward(x, *self.args) if type(x) is ndarray else self.op.invoke((x, *self.args))
        return made if self.output is None else made[self.output]


class View:
    """What a view remembers: its base, the tensor it was taken of and how.

    ``kind`` says why it may not be written in place where that is recorded: "" (it may), "no_grad" or "inference" (made
    in that mode), "multi" (one of several outputs), "custom" (made by a custom function).
    """

    __slots__ = ("base", "first", "kind", "parent", "step")

    def __init__(self, base: Tensor, parent: Tensor, step: Step) -> None:
        self.first: Step | None = None
        self.base, self.parent, self.step = base, parent, step
        m = mode()
        if m & INFERENCE:
            self.kind = "inference"
        elif not m & RECORD:
            self.kind = "no_grad"
        elif step[2] is not None:  # one of several outputs
            self.kind = "multi"
        else:
            self.kind = "" if base is parent else parent._view.kind


# Slower than PyTorch: a view, its base and the steps between are noted in Python, so that writes rewrite history.
def view_of(made: Tensor, parent: Tensor, op: Op, args: tuple[Any, ...], output: int | None = None) -> None:
    """Remember that ``made`` is a view of ``parent`` (unless it is a copy after all)."""
    array, source = made._array, parent._array
    near = array.base  # NumPy names the owner of the memory, mostly
    if near is None or (near is not source and near is not source.base):
        if memory.owner(array) is not memory.owner(source):
            return
    if "_inference" in parent.__dict__:
        as_inference(made)
        made._view = View(parent, parent, Step(op, args, output))
        return
    link = parent._view
    base = link.base if type(link) is View else parent
    made._view = view = View(base, parent, new_tuple(Step, (op, args, output)))
    if made._node is None:
        if base._node is not None:
            made._node = Nowhere()
            if view.kind:
                spoiled_by_writes(made)
    elif view.kind:
        spoiled_by_writes(made)
    elif op.name == "as_strided_" and parent is not base and made._node is not None:
        follow_writes(made)
    views = base._view
    if views is None:
        base._view = views = Views()
    views.append(ref(made))
    if len(views) > views.room:
        views[:] = [r for r in views if r() is not None]
        views.room = 2 * len(views) + 16


def spoiled_by_writes(view: Tensor) -> None:
    """From the next write to the memory of ``view`` on, it may not be used where that is recorded."""
    seen = ref(view)
    written = memory.entry(view._array)
    if written.spoils is None:
        written.spoils = []
    written.spoils.append(lambda: spoil(seen()))


def base_of(tensor: Tensor) -> Tensor | None:
    """The tensor that this one is a view of, if any."""
    link = tensor._view
    return link.base if type(link) is View else None


def root_of(tensor: Tensor) -> Any:
    """The tensor that this one is a view of, or itself."""
    base = base_of(tensor)
    return tensor if base is None else base


def is_view(self: Tensor) -> bool:
    """Whether this tensor is a view of another."""
    return type(self._view) is View


def follow_writes(view: Tensor) -> None:
    """A view with hooks on its gradient is taken again after any write to its memory, also one that is not recorded."""
    if type(view._view) is not View or view._view.kind:
        return
    seen, node = ref(view), view._node

    def again() -> None:
        found = seen()
        if found is not None and found._node is node and found._view.base._node is not None:
            with switched(mode() & ~CAREFUL | RECORD):
                found._node = taken_again(found)
            move_retained(found, node)
            if found.retains_grad:
                follow_writes(found)

    written = memory.entry(view._array)
    if written.spoils is None:
        written.spoils = []
    written.spoils.append(again)


hooks.on_view.append(follow_writes)


def path_to(view: Tensor) -> tuple[Step, ...]:
    """The steps that lead from the base of a view to it."""
    path = []
    while type(link := view._view) is View:
        path.append(link.step)
        if link.first is not None:  # the base has another shape by now than when the view was taken
            path.append(link.first)
        if link.step.op.name == "as_strided_" and link.first is None and link.base._array.itemsize == view.itemsize:
            path[-1] = strided_from(link.base, link.step)  # it says where in the memory: what led to it is left out
            break
        view = link.parent
    return tuple(path[::-1])


def leads_astray(view: Tensor) -> bool:
    """Whether the way to a view is not to be walked back after a write to it.

    Hooks stay with the views as they were; a strided view may have elements which what it was taken of has not.
    """
    while type(link := view._view) is View:
        node = TRUE_NODE.__get__(view)
        if node is not None and node.hooks is not None:
            return True
        if link.step.op.name == "as_strided_" and link.parent is not link.base:
            return True
        view = link.parent
    return False


def strided_from(base: Tensor, step: Step) -> Step:
    """The same strided view taken of ``base``."""
    array = base._array
    item = array.itemsize
    start = wrap(array).storage_offset()
    geometry = (memory.owner(array).nbytes // item, start, tuple([s // item for s in array.strides]))
    return Step(step.op, (*step.args[:3], geometry), None)


def along(x: Any, path: tuple[Step, ...]) -> Any:
    """The part of ``x`` that ``path`` leads to."""
    for step in path:
        x = step.take(x)
    return x


def overwrite_input(g: Any, path: tuple[Step, ...]) -> Any:
    return overwrite(g, np.zeros((), np.bool_), path)  # type: ignore[arg-type]


@operator(
    jvp="linear",
    node="CopySlices",
    input=lambda g, path: overwrite_input(g, path),
    value=lambda g, path: along(g, path),
)
def overwrite(input: Tensor, value: Tensor, path: tuple[Any, ...]) -> Tensor:
    """``input`` with the part that ``path`` leads to replaced by ``value`` (which may broadcast)."""
    out = np.array(input)
    along(out, path)[...] = value
    return out  # type: ignore[return-value]


@operator(jvp="linear", batch=lambda op, size, mapped, input: alias(input), node="AliasBackward0", input=lambda g: g)  # type: ignore[has-type]
def alias(input: Tensor) -> Tensor:
    """``input`` as another node of the graph."""
    return input


# ---- writing


def write(target: Tensor, op: Op, args: tuple[Any, ...], name: str) -> Tensor:
    """Run ``op`` on ``target`` and the other arguments, and leave the result in the memory of ``target``."""
    m = mode()
    every = (target, *args)
    if override := overriding(every, None):
        return override(op, every, None, name)  # type: ignore[no-any-return]
    if m & CAREFUL:
        if m >> DEPTH:
            check_captured(target, name)
        top = max(tensors_in(every), key=lambda t: t.level)
        if top.level:
            return top.transform.write(target, op, args, name)  # type: ignore[no-any-return]
    if not (m & RECORD and any([t._node is not None for t in tensors_in(every)])):
        if op.into is not None and type(target._array) is ndarray and write_into(target, op, args, name):
            return target
        check_writable(target, name, False)
        check_shared(target, op, args, name)
        made = ran(op, (wrap(target._array), *args), m & ~RECORD)
        put(target, made if op.outputs is None else made[0], name)
        return target
    check_writable(target, name, True)
    check_shared(target, op, args, name)
    array, node = target._array, target._node
    old = array.copy() if saves_first(op, args, target) else array
    if type(target._view) is View and node is not None and leads_astray(target):
        node = taken_again(target)
    made = ran(op, (wrap(old, node), *args), m)
    put(target, made if op.outputs is None else made[0], name)
    return target


def check_captured(target: Tensor, name: str) -> None:
    """Raise for an in-place write to a tensor that the innermost transform with derivatives has from outside of it."""
    for transform in reversed(levels.active()):
        if transform.guards:
            if target.level < transform.level:
                if not made_in(root_of(target), transform.level):
                    raise levels.captured_write(name)
            return


def made_in(base: Tensor, level: int) -> bool:
    """Whether a tensor of a lower level was made inside the transform of a level, which still runs."""
    within = base.__dict__.get("_within")
    return within is not None and within[1] >= level and within[0].alive


def ran(op: Op, args: tuple[Any, ...], m: int) -> Any:
    """The operator run and, if the mode says so, recorded; with watchers where there are some."""
    if m & CAREFUL:
        return watched(lambda op, args: ran(op, args, m & RECORD), op, args)
    return op.run(args, m & RECORD) if isinstance(op, FusedOp) else recorded(op, args, m & RECORD)


def write_into(target: Tensor, op: Op, args: tuple[Any, ...], name: str) -> bool:
    """The fast path for a NumPy function that can write its result where it belongs; False if this is not the case."""
    array = target._array
    if before_write or "_inference" in target.__dict__:
        return False
    values = [a._array if isinstance(a, Tensor) else a for a in args]
    other = values[0] if values else None
    if len(values) > 1 or not array.flags.writeable or 0 in array.strides:
        return False
    if type(other) is ndarray and (other.dtype is not array.dtype or other.ndim > array.ndim):
        return False
    if values and type(other) is not ndarray and not (type(other) in (int, float) and array.dtype.kind == "f"):
        return False
    if op.promote != "same" and array.dtype.kind not in "fc":
        return False
    if type(other) is ndarray and other.shape != array.shape:
        return False
    if op.wide and array.dtype is HALF and type(other) is not ndarray:
        values = [np.asarray(other, SINGLE)]
    op.into(array, *values, array)
    stamp(target, name)
    return True


def saves_first(op: Op, args: tuple[Any, ...], target: Tensor) -> bool:
    """Whether a rule that will run needs the first argument, which is about to be overwritten; on any level."""
    if op.joint is not None:
        return 0 in op.joint.sources
    for name, arg in zip(op.parameters, (target, *args), strict=True):
        rule = op.rules.get(name)
        if rule is not None and 0 in rule.sources and any([tracked(t) for t in tensors_in((arg,))]):
            return True
    return not op.rules


def tracked(t: Any) -> bool:
    """Whether a tensor has a history, on its level or on one below."""
    while t._node is None:
        if not t.level:
            return False
        if (tangent := getattr(t, "tangent", None)) is not None and tracked(tangent):
            return True
        t = t.lower
    return True


def put(target: Tensor, made: Tensor, name: str) -> None:
    """Leave a computed result in the memory of ``target``, and give target, base and views the history to match."""
    array, new = target._array, made._array
    if new.shape != array.shape:
        raise RuntimeError(f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(new.shape)}")
    if new.dtype is not array.dtype:
        check_cast(new.dtype, array.dtype)
    if new is not array:
        if 0 in array.strides and name in MAY_OVERLAP:  # only what was changed, or the rest would write over it
            np.copyto(array, new, casting="unsafe", where=new != array)
        else:
            np.copyto(array, new, casting="unsafe")
    node = made._node
    if node is None or type(node) is Leaf:
        stamp(target, name)
        if node is None and not (mode() & RECORD and target._node is not None):
            return
    else:
        last: Any = node.parents[0] if type(node) is Port else node
        needs_old = last.holds and saves_memory(last, array, new)
        if last.holds and isinstance(last, OpNode):
            last.saved = tuple([swapped(kept, new, array) for kept in last.saved])
        if needs_old:  # it saved what has just been overwritten: backward will find it stale
            memory.written(array, name, *callsite.here())
            node.seq = tick() if last is not node else node.seq
        else:  # the node is newer than the write, or what it saved would count as stale
            memory.written(array, name, *callsite.here())
            last.seq = tick()
            if last is not node:
                node.seq = tick()
    rewrite_history(target, made, new.dtype)


def stamp(target: Tensor, name: str) -> None:
    """Note that the memory of ``target`` has been written, and by which line."""
    memory.written(target._array, name, *callsite.here())
    link = target._view
    if link is not None:
        base = link.base if type(link) is View else target
        if (base._node is not None or getattr(base._view, "lost", False)) and not mode() & CAREFUL:
            refresh(target)


def refresh(target: Tensor) -> None:
    """Take the views of written memory again: as in PyTorch, their nodes are others after any write, recorded or not."""
    link = target._view
    base: Any = link.base if type(link) is View else target
    if not isinstance(base._view, Views) or (base._node is None and not base._view.lost):
        return
    now = memory.last_write
    for r in list(base._view):
        view = r()
        if type(view) is not Tensor or view._view.kind or view._node is None or view._node.seq > now:
            continue
        old = view._node
        if base._node is None and type(old) in LEAVES:
            continue
        with switched(mode() & ~CAREFUL | RECORD):
            view._node = taken_again(view)
        move_retained(view, old)


def watch(tensor: Tensor) -> None:
    """Before ``tensor`` is detached: what is written through the other tensor is a write to its views, too."""
    if tensor._view is None:
        return
    link = tensor._view
    base: Any = link.base if type(link) is View else tensor
    known = base._view
    if base._node is None or not isinstance(known, Views) or known.watched:
        return
    seen, record = ref(base), memory.entry(base._array)
    known.watched = True

    def again() -> None:
        found = seen()
        if found is not None and isinstance(found._view, Views):
            refresh(found)
            record.spoils = [*(record.spoils or ()), again]

    record.spoils = [*(record.spoils or ()), again]


def saves_memory(node: Any, array: ndarray, result: Any) -> bool:
    """Whether a node has saved part of the memory under ``array`` (other than as its result)."""
    whole = memory.owner(array)
    for kept in node.saved:
        for value in kept or ():
            for one in value if isinstance(value, (list, tuple)) else (value,):
                one = inner_array(one)
                if one is not None and one is not result and memory.owner(one) is whole:
                    return True
    return False


def swapped(kept: Any, old: Any, new: Any) -> Any:
    """A saved result stands in the memory that was written: later writes must be noticed."""
    return kept if kept is None else tuple([new if k is old else k for k in kept])


def rewrite_history(target: Tensor, made: Tensor, dtype: np.dtype) -> None:
    """Give a tensor that was written the history of ``made``; base and views follow."""
    base = base_of(target)
    if base is None:
        old = target._node
        target._node = made._node
        move_retained(target, old)
        views = target
    else:
        if made._node is not None or base._node is not None:
            old = base._node
            base._node = overwritten(base, made, path_to(target))
            move_retained(base, old)
        views = base
    if views._view is not None:
        retake_views(views)


class CopySlices(Node):
    """The node of a base after one of its views was written in place: an ``overwrite`` under PyTorch's name."""

    __slots__ = ()

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """That of the base before, and what else the written value came from."""
        value = self.parents[1]
        first = Node.next_functions.fget(self)[:1]  # type: ignore[attr-defined]
        return first if value is None else first + value.next_functions[1:]  # type: ignore[no-any-return]


def overwritten(base: Tensor, value: Tensor, path: tuple[Step, ...]) -> Node:
    """The node of ``base`` after ``value`` was written where ``path`` leads."""
    node: Node = copy_slices()()
    node.parents = (base._node, value._node)
    node.rules = laid_rules()
    array = base._array
    steps = None if type(array) is not ndarray or array.flags.c_contiguous else array.strides
    node.saved = ((steps, path), (steps, path))
    node.seq = tick()
    node.code, node.lasti = callsite.here()
    return node


def as_laid(rule: Any) -> Any:
    """The same rule on a gradient that lies in memory as the base does: the path reads it as that."""

    def laid_rule(g: Any, steps: Any, path: Any) -> Any:
        if steps is None and type(g) is ndarray and g.flags.c_contiguous:
            return rule(g, path)
        return rule(laid(np.asarray(g) if not isinstance(g, Tensor) else g, steps), path)  # type: ignore[arg-type]

    return laid_rule


@cache
def laid_rules() -> tuple[Any, Any]:
    """The rules of ``overwrite`` towards the base before and towards the value."""
    rules = overwrite.op.rules  # type: ignore[attr-defined]
    return as_laid(rules["input"].vjp), as_laid(rules["value"].vjp)


@operator(jvp="linear", node="CloneBackward0", input=lambda g: g)
def laid(input: Tensor, steps: Any) -> Tensor:
    """``input`` in memory without gaps, its dimensions in the order that ``steps`` have (None: row by row)."""
    if steps is None:
        return np.array(input, order="C")  # type: ignore[return-value]
    order = sorted(range(len(steps)), key=lambda d: -steps[d])
    made = np.array(np.transpose(input, order), order="C")
    return np.transpose(made, np.argsort(order)) if order else made  # type: ignore[return-value]


@cache
def copy_slices() -> type[Node]:
    """The class of nodes of ``overwrite``."""
    return type("CopySlices", (CopySlices, overwrite.op.node_class), {"__slots__": (), "holds": True})  # type: ignore[attr-defined]


@cache
def retaken(made: type[Node]) -> type[Node]:
    """The class of the last node of a view that was taken again, under PyTorch's name."""

    def next_functions(self: Node) -> tuple[tuple[Node | None, int], ...]:
        node: Any = self
        for _ in range(self.__dict__.get("_steps", 1) - 1):
            node = node.parents[0]
        return Node.next_functions.fget(node)  # type: ignore[attr-defined, no-any-return]

    return type("AsStridedBackward0", (made,), {"__slots__": (), "next_functions": property(next_functions)})


def nothing(g: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of a base from an empty view, which is no function of what arrives: as in PyTorch, it has no history."""
    zeros = np.zeros(shape, g.dtype._np if isinstance(g, Tensor) else g.dtype)
    return wrap(zeros) if isinstance(g, Tensor) else zeros


class AsStridedBackward0(Node):
    """The node of an empty view that was taken again."""

    __slots__ = ()


def taken_again(view: Tensor) -> Node:
    """The node of a view of its base as that is now; it leads nowhere if the base has no history any more."""
    base, path = view._view.base, path_to(view)
    node: Any = base._node if base._node is not None else Nowhere()
    if not view._array.size:
        made = AsStridedBackward0()
        made.parents, made.rules, made.saved, made.seq = (node,), (nothing,), ((base._array.shape,),), tick()
        made.code, made.lasti = callsite.here()
        return made
    x = wrap(base._array, node)
    for step in path:
        x = step.take(x)
        x._view = None
    node = x._node
    if (
        node is not None
        and type(node) is not Port
        and isinstance(node, OpNode)
        and all(step.op.name not in ("view_as_real", "view_as_complex", "view_dtype") for step in path)
    ):
        node.__class__ = retaken(type(node))  # type: ignore[arg-type, assignment]
        if len(path) > 1:
            node.__dict__["_steps"] = len(path)
    return node  # type: ignore[no-any-return]


def retake_views(base: Tensor) -> None:
    """Point every live view of ``base`` at its new history."""
    live = [r for r in base._view if r() is not None]
    base._view[:] = live
    if base._node is None:
        return
    with switched(mode() & ~CAREFUL | RECORD):
        for r in live:
            view = r()
            if view is None:
                continue
            if view._view.kind:
                spoil(view)
                continue
            old = view._node
            view._node = taken_again(view)
            move_retained(view, old)


class Spoiled(Tensor):
    """A view that may not be used where it is recorded: what it was taken of has been changed behind its back."""

    __slots__ = ()

    @property
    def _node(self) -> Any:
        if mode() & RECORD and asks(self):
            raise RuntimeError(complaint(self, "its base or another view of its base has been"))
        return None

    @_node.setter
    def _node(self, node: Any) -> None:
        if node is not None:
            TRUE_NODE.__set__(self, node)
            self.__class__ = Tensor  # type: ignore[assignment]

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return printing.format_tensor(
            self._array, suffixes=("grad_fn=<Invalid>",), prefix="tensor(", default_dtype=dtypes.default_dtype
        )

    requires_grad = property(lambda self: asks(self))
    output_nr = 0
    retains_grad = property(lambda self: hooks.kept_by(TRUE_NODE.__get__(self), self))

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        if not requires_grad and type(TRUE_NODE.__get__(self)) not in LEAVES:
            raise RuntimeError("you can only change requires_grad flags of leaf variables.")
        return self

    def retain_grad(self) -> None:
        if type(TRUE_NODE.__get__(self)) not in LEAVES and not self.retains_grad:
            raise RuntimeError(complaint(self, "its base or another view of its base has been"))

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> hooks.RemovableHandle:
        """As in PyTorch, the node is looked at when the tensor gets its first hook; further ones go where that is."""
        node = TRUE_NODE.__get__(self)
        found = self.__dict__.get("_hooks")
        if found is None and node is not None:
            found = hooks.tensor_hooks(node)
        if found is None:
            self.__dict__["_hooks"] = OrderedDict()
            return hooks.register_hook(self, hook)
        return hooks.add(found, hook)

    @property
    def grad_fn(self) -> Any:
        if asks(self):
            raise RuntimeError(complaint(self, "its base or another view of its base has been"))
        return None

    is_leaf = property(lambda self: self.grad_fn is None)


def asks(view: Tensor) -> bool:
    """Whether a spoiled view requires grad: by itself, or because its base does."""
    return view._view.base._node is not None or type(TRUE_NODE.__get__(view)) not in (type(None), Nowhere)


TRUE_NODE: Any = Tensor.__dict__["_node"]


def spoil(view: Tensor | None) -> None:
    """Make a view unusable where it is recorded."""
    if type(view) is Tensor and (view._view.base._node is not None or view.grad_fn is not None):
        view.__class__ = Spoiled


def complaint(view: Tensor, what: str) -> str:
    """PyTorch's error for a view of a kind that may not be written (or whose base may not)."""
    kind = view._view.kind
    node = TRUE_NODE.__get__(view)
    number = node.index if type(node) is Port else 0
    fn = node.parents[0] if type(node) is Port else node
    made = None if fn is None or type(fn) in (Leaf, Nowhere) else re.sub(r"Backward\d*$", "", fn.name())
    moded = kind in ("no_grad", "inference") or made is None
    where = "inference mode" if kind == "inference" else "no_grad mode"
    if moded:
        start = "A view was" if made is None else f"Output {number} of {made} is a view of a view which was"
        now = "in normal mode" if kind == "inference" else "with grad mode enabled"
        text = f"{start} created in {where} and {what} modified inplace {now}. "
    else:
        text = f"Output {number} of {made} is a view and {what} modified inplace. "
    if kind == "multi":
        text += (
            "This view is the output of a function that returns multiple views. Such functions do not allow the output views "
            "to be modified inplace. You should replace the inplace operation by an out-of-place one."
        )
    elif kind == "custom":
        text += (
            "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic "
            "to handle view+inplace would override the custom backward associated with the custom Function, leading to "
            "incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
        )
    else:
        mode_name = "inference_mode" if kind == "inference" else "no_grad"
        text += (
            "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both "
            f"the view and the inplace either both inside the {mode_name} block (if you don't want the inplace to be tracked) "
            "or both outside (if you want the inplace to be tracked)."
        )
    return text


def asking(name: str, write_: Any) -> Any:
    """The method ``write_`` of inference tensors, which refuses where they may not be written."""

    @functools.wraps(write_)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not mode() & INFERENCE:
            check_writable(self, name, False)
        return write_(self, *args, **kwargs)

    return method


def check_writable(target: Tensor, name: str, needs: Any) -> None:
    """Raise where PyTorch refuses an in-place write; ``needs``: whether the write is to be recorded."""
    array = target._array
    if "_inference" in target.__dict__ and not mode() & INFERENCE:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal "
            f"tensor before doing inplace update: use .clone() before {name}."
        )
    for call in before_write:
        call(target, name)
    if needs:
        link = target._view
        if type(link) is View:
            if link.kind:
                raise RuntimeError(complaint(target, "is being"))
            if target._node is not None and (link.base._node is None or type(link.base._node) is Leaf):
                raise RuntimeError(
                    "a view of a leaf Variable that requires grad is being used in an in-place operation. "
                    f"Do {name} under torch.no_grad(), or on a .clone() of the leaf."
                )
        if type(target._node) is Leaf:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation. "
                f"{name} would change it behind the graph's back: do it under torch.no_grad(), or on a .clone()."
            )
    if 0 in array.strides and name not in MAY_OVERLAP:
        check_overlap(array)
    if not array.flags.writeable and array.size:
        raise RuntimeError(
            f"{name} would write to memory that is read-only (it comes from a read-only NumPy array or file). "
            "Write to a .clone() of it."
        )


MAY_OVERLAP = {
    "zero_", "fill_", "masked_fill_", "index_put_", "index_fill_", "__setitem__",
    "t_", "transpose_", "squeeze_", "unsqueeze_", "swapaxes_", "swapdims_", "as_strided_",
}  # fmt: skip


def check_overlap(array: ndarray) -> None:
    """Raise if several elements of an array lie at one place in memory (as after ``expand``)."""
    if array.size > 1 and any([s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)]):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def check_shared(target: Tensor, op: Op, args: tuple[Any, ...], name: str) -> None:
    """Raise if an operand lies in part of the memory that is written (all of it is allowed, element by element)."""
    array = target._array
    for arg in args:
        if (
            isinstance(arg, Tensor)
            and type(other := arg._array) is ndarray
            and (other is not array or name == "index_put_")
        ):
            if memory.owner(other) is memory.owner(array) and overlapping(array, other, op, name):
                raise RuntimeError(
                    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                    "memory location. Please clone() the tensor before performing the operation."
                )


def overlapping(array: ndarray, other: ndarray, op: Op, name: str) -> bool:
    """Whether two arrays without gaps share memory; the same elements in the same order count for ``index_put_`` only."""
    if not (is_dense(array) and is_dense(other)):
        return False
    if (
        array.strides == other.strides
        and np.may_share_memory(array, other)
        and array.nbytes == other.nbytes
        and (array.__array_interface__["data"] == other.__array_interface__["data"])
    ):
        return name == "index_put_"
    return np.may_share_memory(array, other) and (op.family == "pointwise" or name in ("copy_", "index_put_"))


def follow_leaf(base: Tensor) -> None:
    """A view of a leaf requires grad as the leaf does; taken before that was asked for, its gradient goes nowhere."""
    if type(base._view) is View:  # it asks by itself; what is taken of it has a history that its base has not
        base._view.base._view.lost = True
    elif isinstance(base._view, Views) and base._node is None:
        base._view.lost = True
    for r in base._view if isinstance(base._view, Views) else ():
        view = r()
        if view is None or type(view) is Spoiled or (view._node is not None and type(view._node) is not Nowhere):
            continue
        view._node = Nowhere() if base._node is not None else None
        if view._node is not None:
            (spoiled_by_writes if view._view.kind else follow_writes)(view)


followers.append(follow_leaf)

before_write: list[Callable[[Tensor, str], None]] = []  # of ``autograd.mutation``, once a policy needs it

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def castable(source: np.dtype, target: np.dtype) -> bool:
    """Whether a result of dtype ``source`` may be written into ``target``: not if that loses its kind of number."""
    return _CATEGORY[source.kind] <= _CATEGORY[target.kind]


def check_cast(source: np.dtype, target: np.dtype) -> None:
    """Raise if a result of dtype ``source`` may not be written into ``target``."""
    if not castable(source, target):
        names = [dtypes.LEGACY[dtypes.FROM_NUMPY[d].name] for d in (source, target)]
        raise RuntimeError(f"result type {names[0]} can't be cast to the desired output type {names[1]}")


class Named:
    """What a function that is no declared operator is called where it leaves its result in ``out=``."""

    outputs = None

    def __init__(self, name: str) -> None:
        self.name = name


# says of the result of a name, by dtype and number of output, that it may not be left in ``out=`` (``_ops.outs``)
check_out: Callable[[str, np.dtype, np.dtype, int], None] = lambda name, source, target, at: check_cast(source, target)


def write_out(op: Op | Named, out: Any, result: Any) -> Any:
    """Leave a result (or several) in the tensors given as ``out=``; shapes are adjusted as PyTorch does."""
    if op.outputs is not None:
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{op.name}(): argument 'out' must be tuple of {len(result)} Tensors")
        for i, (o, r) in enumerate(zip(out, result, strict=True)):
            write_out_one(op, o, r, i)
        return type(result)(out) if type(result) in (tuple, list) else type(result)(*out)
    return write_out_one(op, out, result)


def write_out_one(op: Op | Named, out: Any, result: Tensor, at: int = 0) -> Tensor:
    if not isinstance(out, Tensor):
        raise TypeError(f"{op.name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if mode() & RECORD and (out._node is not None or result._node is not None):
        raise RuntimeError(
            f"{op.name}(): functions with out=... arguments don't support automatic differentiation, but one of "
            "the arguments requires grad."
        )
    if result.level or out.level:
        top: Any = result.transform if result.level > out.level else out.transform
        return top.write_out(op, out, result)  # type: ignore[no-any-return]
    if "_inference" in out.__dict__:
        check_writable(out, op.name, False)
    new = result._array
    if out._array.size > 1 and 0 in [s for n, s in zip(out._array.shape, out._array.strides, strict=True) if n > 1]:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if new.dtype is not out._array.dtype:
        check_out(op.name, new.dtype, out._array.dtype, at)
    if out._array.shape != new.shape:
        if out._array.size:
            import warnings

            warnings.warn(
                f"An output with one or more elements was resized since it had shape {list(out.shape)}, which does not "
                f"match the required output shape {list(new.shape)}. This behavior is deprecated, and in a future "
                "PyTorch release outputs will not be resized unless they have zero elements.",
                stacklevel=3,
            )
        out._array = np.empty(new.shape, out._array.dtype)
    np.copyto(out._array, new, casting="unsafe")
    memory.written(out._array, op.name + "(out=)", *callsite.here())
    return out


def inplace(function: Callable[..., Any], name: str | None = None, assigns: bool = False) -> Callable[..., Any]:
    """The in-place method of an operator: ``add_ = inplace(add)``; with ``assigns``, as Python calls it for ``+=``."""
    op: Op = function.op  # type: ignore[attr-defined]
    label = name or op.name + "_"
    extra = len(op.positional if op.older else op.parameters) - 1
    always = len(op.parameters) > extra + 1  # arguments that can only be given by name

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = op
        if kwargs or len(args) != extra or always:
            if op.older and len(args) > extra:
                args, named = rearranged(op, args, label, 1)
                if twice := named.keys() & kwargs.keys():
                    raise TypeError(f"{label}() got multiple values for argument '{min(twice)}'")
                kwargs = {**named, **kwargs}
            for name, other in op.instead.items():
                if name in kwargs and kwargs[name] is not op.defaults[name]:
                    chosen = other.op  # type: ignore[attr-defined]
                else:
                    kwargs.pop(name, None)
            args = bound(chosen, args, kwargs, label)
        try:
            return write(self, chosen, args, label)
        except (TypeError, ValueError) as error:
            if assigns and not isinstance(args[0], (Tensor, ndarray, np.generic, *NUMBERS)):
                return NotImplemented  # the other operand may know what to do
            raise refused(chosen, error) from None

    method.__name__ = method.__qualname__ = label
    method.__doc__ = f"In-place version of :func:`{op.name}`: the result is left in the memory of ``self``."
    method.op = op  # type: ignore[attr-defined]
    return method


def bound(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any], label: str) -> tuple[Any, ...]:
    """The arguments after the first, in order, with defaults filled in."""
    names = op.parameters[1:]
    if len(args) > len(names):
        raise TypeError(f"{label}() takes {len(names)} positional arguments but {len(args)} were given")
    found = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name == "axis" and "axis" in op.extras:
            name = "dim"
        if name not in names or name in found:
            raise TypeError(f"{label}() got an unexpected keyword argument '{name}'")
        found[name] = value
    for name in names:
        if name not in found:
            if name not in op.defaults:
                raise TypeError(f'{label}() missing 1 required positional arguments: "{name}"')
            found[name] = op.defaults[name]
    return tuple([found[n] for n in names])


Op.view_of = staticmethod(view_of)
Op.write_out = staticmethod(write_out)

__all__ = ["common_dtype", "inplace", "operand", "overwrite", "write"]
