"""Views and in-place writes: memory is written once, history is rewritten to match.

A view knows its base and the operators that lead to it; a base knows its views. Writing to a view is, for the
graph, three plain steps: the operator on the view, an ``overwrite`` of that part of the base, and the views of
the base taken again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from . import callsite, dtypes, memory
from .declare import Op, OpNode, operator
from .graph import Leaf, Node, Port
from .memory import tick
from .mode import CAREFUL, RECORD, mode
from .record import common_dtype, operand, overriding, recorded, refused, tensors_in
from .tensor import Tensor, wrap

ndarray = np.ndarray


class Views(list[Any]):
    """What a base remembers: weak references to its views."""

    __slots__ = ("room",)

    def __init__(self) -> None:
        self.room = 16


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
    """What a view remembers: its base, the tensor it was taken of and how, and whether that was recorded."""

    __slots__ = ("base", "parent", "recorded", "step")

    def __init__(self, base: Tensor, parent: Tensor, step: Step) -> None:
        self.base, self.parent, self.step = base, parent, step
        self.recorded = bool(mode() & RECORD)


def view_of(made: Tensor, parent: Tensor, op: Op, args: tuple[Any, ...], output: int | None = None) -> None:
    """Remember that ``made`` is a view of ``parent`` (unless it is a copy after all)."""
    if memory.owner(made._array) is not memory.owner(parent._array):
        return
    link = parent._view
    base = link.base if type(link) is View else parent
    made._view = View(base, parent, Step(op, args, output))
    views = base._view
    if views is None:
        base._view = views = Views()
    views.append(ref(made))
    if len(views) > views.room:
        views[:] = [r for r in views if r() is not None]
        views.room = 2 * len(views) + 16


def base_of(tensor: Tensor) -> Tensor | None:
    """The tensor that this one is a view of, if any."""
    link = tensor._view
    return link.base if type(link) is View else None


def path_to(view: Tensor) -> tuple[Step, ...]:
    """The steps that lead from the base of a view to it."""
    path = []
    while type(link := view._view) is View:
        path.append(link.step)
        view = link.parent
    return tuple(path[::-1])


def along(x: Any, path: tuple[Step, ...]) -> Any:
    """The part of ``x`` that ``path`` leads to."""
    for step in path:
        x = step.take(x)
    return x


def overwrite_input(g: Any, path: tuple[Step, ...]) -> Any:
    return overwrite(g, np.zeros((), np.bool_), path)


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


@operator(jvp="linear", batch=lambda op, size, mapped, input: alias(input), node="AliasBackward0", input=lambda g: g)
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
        top = max(tensors_in(every), key=lambda t: t.level)
        if top.level:
            return top.transform.write(target, op, args, name)  # type: ignore[attr-defined, no-any-return]
    recording = m & RECORD
    needs = recording and any([t._node is not None for t in tensors_in(every)])
    if not needs and op.into is not None and type(target._array) is ndarray and write_into(target, op, args, name):
        return target
    check_writable(target, name, recording)
    array = target._array
    if needs:
        old = array.copy() if saves_first(op) else array
        made = recorded(op, (wrap(old, target._node), *args), recording)
    else:
        made = recorded(op, (wrap(array), *args), 0)
    if op.outputs is not None:
        made = made[0]
    put(target, made, name)
    return target


def write_into(target: Tensor, op: Op, args: tuple[Any, ...], name: str) -> bool:
    """The fast path for a NumPy function that can write its result where it belongs; False if this is not the case."""
    array = target._array
    values = [a._array if isinstance(a, Tensor) else a for a in args]
    other = values[0] if values else None
    if len(values) > 1 or type(array) is not ndarray or not array.flags.writeable:
        return False
    if type(other) is ndarray and (other.dtype is not array.dtype or other.ndim > array.ndim):
        return False
    if values and type(other) is not ndarray and not (type(other) in (int, float) and array.dtype.kind == "f"):
        return False
    if op.promote != "same" and array.dtype.kind not in "fc":
        return False
    if type(other) is ndarray and other.shape != array.shape:
        return False
    op.into(array, *values, array)
    memory.written(array, name, *callsite.here())
    return True


def saves_first(op: Op) -> bool:
    """Whether a rule of ``op`` saves its first argument, which is about to be overwritten."""
    rules = [*op.rules.values(), *([op.joint] if op.joint else [])]
    return any(0 in rule.sources for rule in rules)


def put(target: Tensor, made: Tensor, name: str) -> None:
    """Leave a computed result in the memory of ``target``, and give target, base and views the history to match."""
    array, new = target._array, made._array
    if new.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(new.shape)}"
        )
    if new.dtype is not array.dtype:
        check_cast(new.dtype, array.dtype)
    np.copyto(array, new, casting="unsafe")
    memory.written(array, name, *callsite.here())
    node = made._node
    if node is not None and type(node) is not Leaf:
        last = node.parents[0] if type(node) is Port else node
        if isinstance(last, OpNode) and last.holds:
            last.saved = tuple([swapped(kept, new, array) for kept in last.saved])
        node.seq = tick()  # the node is newer than the write, or what it saved would count as stale
        if last is not node and last is not None:
            last.seq, node.seq = node.seq, tick()
    rewrite_history(target, made, new.dtype)


def swapped(kept: Any, old: Any, new: Any) -> Any:
    """A saved result stands in the memory that was written: later writes must be noticed."""
    return kept if kept is None else tuple([new if k is old else k for k in kept])


def rewrite_history(target: Tensor, made: Tensor, dtype: np.dtype) -> None:
    base = base_of(target)
    if base is None:
        if made._node is not None:
            retained = target._node.hooks if target._node is not None and target._node.hooks else None
            target._node = made._node
            if retained is not None and retained.retain is not None and retained.retain() is target:
                retained.retain = None
                target.retain_grad()
        views = target
    else:
        if made._node is not None or base._node is not None and mode() & RECORD:
            base._node = overwritten(base, made, path_to(target))
        views = base
    if views._view is not None and (made._node is not None or mode() & RECORD):
        retake_views(views)


def overwritten(base: Tensor, value: Tensor, path: tuple[Step, ...]) -> Node:
    """The node of ``base`` after ``value`` was written where ``path`` leads."""
    op = overwrite.op  # type: ignore[attr-defined]
    rules = op.rules
    node: Node = op.node_class()
    node.parents = (base._node, value._node)
    node.rules = (rules["input"].vjp, rules["value"].vjp)
    node.saved = ((path,), (path,))
    node.seq = tick()
    node.code, node.lasti = callsite.here()
    return node


def retake_views(base: Tensor) -> None:
    """Point every live view of ``base`` at its new history."""
    live = [r for r in base._view if r() is not None]
    base._view[:] = live
    for r in live:
        view = r()
        if view is None or not view._view.recorded and base._node is None:
            continue
        if view._node is not None or base._node is not None:
            kept = len(base._view)
            hooks = view._node.hooks if view._node is not None else None
            view._node = along(wrap(base._array, base._node), path_to(view))._node
            del base._view[kept:]
            if hooks is not None and hooks.retain is not None and hooks.retain() is view:
                hooks.retain = None
                view.retain_grad()


def check_writable(target: Tensor, name: str, recording: int) -> None:
    """Raise where PyTorch refuses an in-place write."""
    array = target._array
    if not array.flags.writeable and array.size:
        raise RuntimeError(
            f"{name} would write to memory that is read-only (it comes from a read-only NumPy array or file). "
            "Write to a .clone() of it."
        )
    if array.size > 1 and 0 in array.strides and any(
        s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if not recording:
        return
    link = target._view
    if type(link) is not View:
        if type(target._node) is Leaf:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation. "
                f"{name} would change it behind the graph's back: do it under torch.no_grad(), or on a .clone()."
            )
        return
    base = link.base
    if type(base._node) is Leaf and (link.recorded or target._node is not None):
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation. "
            f"Do {name} under torch.no_grad(), or on a .clone() of the leaf."
        )
    if not link.recorded and base._node is not None:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this "
            "use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view "
            "and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or "
            "both outside (if you want the inplace to be tracked)."
        )
    for step in path_to(target):
        if step.output is not None and (target._node is not None or base._node is not None):
            fn = target.grad_fn.name() if target.grad_fn is not None else step.op.node_name
            raise RuntimeError(
                f"Output {step.output} of {fn} is a view and is being modified inplace. This view is the output of a "
                "function that returns multiple views. Such functions do not allow the output views to be modified "
                "inplace. You should replace the inplace operation by an out-of-place one."
            )


_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def check_cast(source: np.dtype, target: np.dtype) -> None:
    """Raise if a result of dtype ``source`` may not be written into ``target``."""
    if _CATEGORY[source.kind] > _CATEGORY[target.kind]:
        names = [dtypes.LEGACY[dtypes.FROM_NUMPY[d].name] for d in (source, target)]
        raise RuntimeError(f"result type {names[0]} can't be cast to the desired output type {names[1]}")


def write_out(op: Op, out: Any, result: Any) -> Any:
    """Leave a result (or several) in the tensors given as ``out=``; shapes are adjusted as PyTorch does."""
    if op.outputs is not None:
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{op.name}(): argument 'out' must be tuple of {len(result)} Tensors")
        for o, r in zip(out, result, strict=True):
            write_out_one(op, o, r)
        return type(result)(out) if type(result) in (tuple, list) else type(result)(*out)
    return write_out_one(op, out, result)


def write_out_one(op: Op, out: Any, result: Tensor) -> Tensor:
    if not isinstance(out, Tensor):
        raise TypeError(f"{op.name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if mode() & RECORD and (out._node is not None or result._node is not None):
        if out._node is not None:
            raise RuntimeError(
                f"{op.name}(): functions with out=... arguments don't support automatic differentiation, but one of "
                "the arguments requires grad."
            )
        if result._node is not None:
            raise RuntimeError(
                f"{op.name}(): functions with out=... arguments don't support automatic differentiation, but one of "
                "the arguments requires grad."
            )
    new = result._array
    if new.dtype is not out._array.dtype:
        check_cast(new.dtype, out._array.dtype)
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


def inplace(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """The in-place method of an operator: ``add_ = inplace(add)``."""
    op: Op = function.op  # type: ignore[attr-defined]
    label = name or op.name + "_"
    extra = len(op.parameters) - 1

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = op
        if kwargs or len(args) != extra:
            for name, other in op.instead.items():
                if name in kwargs and kwargs[name] is not op.defaults[name]:
                    chosen = other.op  # type: ignore[attr-defined]
                else:
                    kwargs.pop(name, None)
            args = bound(chosen, args, kwargs, label)
        try:
            return write(self, chosen, args, label)
        except (TypeError, ValueError) as error:
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
                raise TypeError(f"{label}() missing 1 required positional arguments: \"{name}\"")
            found[name] = op.defaults[name]
    return tuple([found[n] for n in names])


Op.view_of = staticmethod(view_of)
Op.write_out = staticmethod(write_out)

__all__ = ["common_dtype", "inplace", "operand", "overwrite", "write"]
