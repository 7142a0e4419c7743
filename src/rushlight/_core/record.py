"""Running an operator step by step: the meaning of what ``compile`` writes out for each declaration.

The compiled function of an operator is this module's ``perform`` unrolled for one signature; operators that
are not worth unrolling (lists of tensors, several results) run through it, and so does everything rare:
function transforms, watchers (saved-tensor hooks, anomaly mode, profiler), ``out=``, raw arrays, numbers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from . import callsite, dtypes, memory
from .graph import Fan, Freed, Node, Nowhere, Port
from .levels import stack
from .memory import tick
from .mode import CAREFUL, DEPTH, INFERENCE, RECORD, mode, word
from .promote import result_dtype
from .tensor import INFERENCE_SAVED, Tensor, as_inference, new, wrap

ndarray = np.ndarray
NUMBERS = (bool, int, float, complex)
RESULT, SHAPE, INDEX, OUTPUT = -1, 1000, 2000, 3000  # codes of what a rule saves; see declare.Rule

# ---- operands and their dtype

_scalars: dict[np.dtype, dict[float, ndarray]] = {d._np: {} for d in dtypes.ALL if d._np is not None}
inexact_scalars = {d: held for d, held in _scalars.items() if d.kind in "fc"}
full_scalars = {d: held for d, held in inexact_scalars.items() if d != np.dtype("f2")}


def scalar(value: Any, dtype: np.dtype) -> ndarray:
    """A Python number as a 0-d array: NumPy works with those much faster than with Python numbers."""
    array = np.array(value).astype(dtype)
    array.flags.writeable = False
    held = _scalars[dtype]
    if len(held) < 4096 and type(value) is not complex and value != 0:  # 0.0 and -0.0 would be one key
        held[value] = array
    return array


_promotions: dict[Any, np.dtype] = {}


def common_dtype(promote: Any, operands: Sequence[Any]) -> np.dtype:
    """The dtype in which a pointwise operator computes."""
    key = (promote, dtypes.default_dtype, *[(o.dtype, o.ndim > 0) if type(o) is ndarray else type(o) for o in operands])
    found = _promotions.get(key)
    if found is None:
        if callable(promote):
            promote(operands)
        try:
            found = result_dtype([o for o in operands if o is not None], dtypes.default_dtype)
        except NotImplementedError:
            if promote != "compare":  # half with complex: NumPy lacks the dtype, but can compare
                raise
            found = np.dtype("c8")
        if promote == "float" and found.kind in "biu":
            found = dtypes.default_dtype
        if len(_promotions) < 10000:
            _promotions[key] = found
    return found


def promoted(promote: Any, *operands: Any) -> list[Any]:
    """The operands of a pointwise operator (arrays and numbers), brought to one dtype."""
    if promote == "choose":
        return [operands[0], *promoted("same", *operands[1:])]
    dtype = common_dtype(promote, operands)
    return [
        o if o is None else ((o if o.dtype is dtype else o.astype(dtype)) if type(o) is ndarray else scalar(o, dtype))
        for o in operands
    ]


HALF, SINGLE = np.dtype("f2"), np.dtype("f4")


def promoted_wide(promote: Any, *operands: Any) -> list[Any]:
    """The same for operators whose last operand, a number or a 0-d tensor beside float16, keeps its digits.

    It is a float32 then; NumPy computes in float32 with it, and what calls this rounds the result, once.
    """
    ready = promoted(promote, *operands)
    if ready[0].dtype is HALF:
        value = operands[-1]
        if not isinstance(value, ndarray) or (value.ndim == 0 and value.dtype is not HALF):
            ready[-1] = np.asarray(value, SINGLE)
    return ready


def operand(op: Any, name: str, value: Any) -> Any:
    """An argument that stands where a tensor may: arrays, numbers and None pass, anything else is an error."""
    if isinstance(value, np.generic):  # before numbers: some of NumPy's are Python's too, and have a dtype
        return value.item() if op.numeric(name) else np.asarray(value)
    if value is None or isinstance(value, (ndarray, *NUMBERS)):
        if (value is None and not op.optional(name)) or (isinstance(value, NUMBERS) and not op.numeric(name)):
            raise wrong_type(op, name, value)
        return value
    if isinstance(value, Tensor):
        return value
    raise wrong_type(op, name, value)


_warned: list[bool] = []
warn_always = [False]  # whether what is said once a process is to be said each time


def rearranged(op: Any, args: tuple[Any, ...], label: str, skip: int = 0) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of an older form, with its numbers among the tensors: ``add(x, 2, y)``, ``addmm(2, x, 3, a, b)``.

    Returns the tensors, and the numbers by name; the first ``skip`` arguments were taken elsewhere (the method's self).
    """
    tensors = tuple([a for a in args if isinstance(a, (Tensor, ndarray))])
    numbers = [a for a in args if isinstance(a, NUMBERS)]
    names = [n for n in op.positional if n in op.tensors][skip:]
    if (
        len(tensors) != len(names)
        or not 0 < len(numbers) <= len(op.older)
        or len(tensors) + len(numbers) != len(args)
        or isinstance(args[-1], NUMBERS)
    ):
        raise TypeError(f"{label}() takes {len(names)} positional arguments but {len(args)} were given")
    named = dict(zip(op.older, numbers, strict=False))
    if not _warned or warn_always[0]:
        _warned[:] = [True]
        given = ", ".join("Number" if isinstance(a, NUMBERS) else "Tensor" for a in args)
        warnings.warn(
            f"This overload of {label} is deprecated:\n\t{label}({given})\nConsider using one of the following "
            f"signatures instead:\n\t{label}({', '.join('Tensor ' + n for n in names)}, *, "
            f"{', '.join('Number ' + n for n in op.older)})",
            UserWarning,
            stacklevel=4,
        )
    return tensors, named


def previous(op: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
    """A call in an older form: see `rearranged`."""
    tensors, named = rearranged(op, args, op.name)
    for name, value in given.items():
        if value is not op.defaults[name]:
            if name in named:
                raise TypeError(f"{op.name}() got multiple values for argument '{name}'")
            named[name] = value
    return op.call(*tensors, **named)


def wrong_type(op: Any, name: str, value: Any) -> TypeError:
    return not_a_tensor(op.name, name, op.parameters.index(name) + 1, value)


def not_a_tensor(function: str, name: str, position: int, value: Any) -> TypeError:
    return TypeError(
        f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
    )


def check_tensors(function: str, **given: Any) -> None:
    """Raise TypeError for an argument that is no tensor; they are given by name, the first ones of the function."""
    for position, (name, value) in enumerate(given.items(), 1):
        if not isinstance(value, (Tensor, ndarray, np.generic)):
            raise not_a_tensor(function, name, position, value)


# ---- edges that repair shape and dtype

_fit: list[Callable[..., Any]] = []


def use_fit(fit: Callable[..., Any]) -> None:
    """Name the operator that sums a gradient to a shape and casts it to a dtype (``_ops.broadcast.fit``)."""
    _fit[:] = [fit]


def fitted(vjp: Callable[..., Any]) -> Callable[..., Any]:
    """The same rule towards an input that was broadcast or cast: its gradient is summed and cast back."""

    def fitted_rule(g: Any, shape: tuple[int, ...], dtype: np.dtype, *saved: Any) -> Any:
        h = vjp(g, *saved)
        return h if h is None else _fit[0](h, shape, dtype)

    return fitted_rule


_conj: list[Callable[..., Any]] = []


def use_conj(conj: Callable[..., Any]) -> None:
    """Name the operator that conjugates (``_ops.complexes``)."""
    _conj[:] = [conj]


def holomorphic(vjp: Callable[..., Any]) -> Callable[..., Any]:
    """A rule written for real numbers, for complex ones too: it multiplies by f'(x); a gradient by its conjugate."""

    def holomorphic_rule(g: Any, *saved: Any) -> Any:
        if np_dtype(g).kind != "c":
            return vjp(g, *saved)
        h = vjp(_conj[0](g), *saved)
        return h if h is None else _conj[0](h)

    return holomorphic_rule


def refused(op: Any, error: Exception) -> Exception:
    """PyTorch's error for what NumPy's function said: a dtype that it does not take, shapes that do not broadcast."""
    text = str(error)
    of_bool = "numpy boolean" in text
    if of_bool or hasattr(error, "ufunc") or (type(error) is TypeError and text.startswith("ufunc '")):
        found = [np.dtype(bool)] if of_bool else [d for d in getattr(error, "dtypes", ()) if isinstance(d, np.dtype)]
        if op.refuse is not None and found:
            return op.refuse(found[0])  # type: ignore[no-any-return]
        name = f"'{dtypes.LEGACY.get(found[0].name, str(found[0]))}'" if found else "this dtype"
        return NotImplementedError(f'"{op.name}_cpu" not implemented for {name}')
    if type(error) is ValueError and ("could not be broadcast together" in text or "cannot be broadcast to" in text):
        return unbroadcastable(text) or error
    return error


def unbroadcastable(text: str) -> Exception | None:
    """The same complaint with the dimension that does not fit, from the shapes in NumPy's message."""
    shapes = [
        tuple(map(int, s.split(",")[: -1 if s.endswith(",") else None])) for s in re.findall(r"\(([\d,]+)\)", text)
    ]
    for k, a in enumerate(shapes):
        for b in shapes[k + 1 :]:
            for i in range(1, min(len(a), len(b)) + 1):
                if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
                    return RuntimeError(
                        f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) at non-singleton "
                        f"dimension {max(len(a), len(b)) - i}: shapes {list(a)} and {list(b)} do not broadcast together"
                    )
    return None


# ---- the steps


def values_of(op: Any, args: Sequence[Any], level: int | None = 0) -> list[Any]:
    """The arguments as the forward function takes them: tensors of this level (None: of any) are opened."""
    values: list[Any] = []
    for (name, several, single), arg in zip(op.kinds, args, strict=True):
        if several and arg is not None:
            if level is None:
                values.append([a._array if isinstance(a, Tensor) else a for a in arg])
            else:
                values.append([opened(a, level) for a in arg])
        elif isinstance(arg, Tensor):
            values.append(arg._array if level is None else opened(arg, level))
        elif single:
            values.append(operand(op, name, arg))
        else:
            values.append(arg)
    return values


def opened(arg: Any, level: int | None) -> Any:
    return arg._array if isinstance(arg, Tensor) and (level is None or arg.level == level) else arg


def computed(op: Any, values: list[Any]) -> Any:
    """The arrays that the forward function gives for raw arguments."""
    if op.family == "pointwise":
        spots = [i for i, name in enumerate(op.parameters) if name in op.tensors]
        ready = (promoted_wide if op.wide else promoted)(op.promote, *[values[i] for i in spots])
        values = list(values)
        for i, value in zip(spots, ready, strict=True):
            values[i] = value
    result = op.forward(*values)
    if op.wide and result.dtype is SINGLE and ready[0].dtype is HALF:
        return np.asarray(result, HALF)
    if op.outputs is None:
        return result if type(result) is ndarray else np.asarray(result)
    return tuple([r if type(r) is ndarray or r is None else np.asarray(r) for r in result])


def node_for(
    op: Any, args: Sequence[Any], values: Sequence[Any], result: Any, level: int | None = 0, transform: Any = None
) -> Node | None:
    """The node that records ``op``; None if no argument needs a gradient.

    ``values`` and ``result`` are what the node may save; with a ``transform`` they are tensors of lower levels.
    A ``level`` of None takes the arguments' nodes whatever level they are of.
    """
    parents: list[Node | None] = []
    rules: list[Any] = []
    saved: list[Any] = []
    asked = False
    first = result if op.outputs is None else result[0] if result else None
    # a rule's result may need to be fitted to its input as soon as any operand differs: float32 by int64 gives float64
    uneven = op.family == "pointwise" and any(
        v.shape != first.shape or np_dtype(v) is not np_dtype(first)  # type: ignore[union-attr]
        for v in values
        if isinstance(v, (Tensor, ndarray))
    )
    for i, rule, several in op.edges:
        arg = args[i]
        several = several and arg is not None
        last = None
        for index, one in enumerate(arg if several else (arg,)):
            parent = one._node if isinstance(one, Tensor) and (level is None or one.level == level) else None
            parents.append(parent)
            vjp, kept = rule.vjp, None
            if parent is not None:
                asked = True
                # the tensors of a list share what is saved but for their number: a copy for each would be quadratic
                kept = last = rule.keep(values, result, index) if last is None else rule.renumbered(last, index)
                for s in rule.held:
                    if isinstance(args[s], Tensor) and args[s].is_inference():
                        raise RuntimeError(INFERENCE_SAVED)
                if uneven:
                    inner = values[i][index] if several else values[i]
                    vjp, kept = rule.fitted, (tuple(inner.shape), np_dtype(inner), *kept)
            rules.append(vjp)
            saved.append(kept)
    if not asked:
        return None
    node: Node = op.node_class_for(args)() if op.number_names or op.given_names else op.node_class()
    if transform is not None:
        node.transform = transform
    node.rules, node.saved = tuple(rules), tuple(saved)
    if op.joint is not None:
        node.parents = (Fan(tuple(parents)),)
        node.rules = (op.joint.vjp,)
        wanted = tuple([p is not None for p in parents])
        node.saved = ((wanted, *op.joint.keep(values, result, 0)),)
    else:
        node.parents = tuple(parents)
    node.seq = tick()
    node.code, node.lasti = callsite.here()
    return node


def np_dtype(x: Any) -> np.dtype:
    """NumPy's dtype of an array, or of a tensor of any level."""
    found: Any = x.dtype
    if type(found) is dtypes.dtype:
        found = found._np
    return found  # type: ignore[no-any-return]


class Shapes(list[tuple[int, ...]]):
    """The shapes of a list of tensors, and where each begins if they are laid end to end."""

    def start(self, index: int, dim: int) -> int:
        """How long the tensors before this one are along ``dim`` together."""
        starts = self.starts.get(dim)
        if starts is None:
            starts = self.starts[dim] = list(accumulate([shape[dim] for shape in self], initial=0))
        return starts[index]

    @cached_property
    def starts(self) -> dict[int, list[int]]:
        return {}


def shape_of(value: Any) -> Any:
    """The shape of what may be saved of an argument: a tensor, a list of them, or a number."""
    if isinstance(value, list):
        return Shapes([v.shape if type(v) is ndarray else tuple(v.shape) for v in value])
    if type(value) is ndarray:
        return value.shape
    return tuple(value.shape) if hasattr(value, "shape") else ()


def keeper(sources: Sequence[int]) -> Callable[..., tuple[Any, ...]]:
    """The function of ``(values, result, index)`` that gives what a rule asked to be saved."""
    parts = [
        "result" if s == RESULT
        else "index" if s == INDEX
        else f"result[{s - OUTPUT}]" if s >= OUTPUT
        else f"shape_of(values[{s - SHAPE}])" if s >= SHAPE
        else f"values[{s}]"
        for s in sources
    ]  # fmt: skip
    kept = f"({''.join(part + ', ' for part in parts)})"
    made: Callable[..., tuple[Any, ...]] = eval(f"lambda values, result, index: {kept}", {"shape_of": shape_of})
    return made


def recorded(op: Any, args: Sequence[Any], recording: int) -> Any:
    """Run an operator on tensors of no transform: compute, record, wrap."""
    values = values_of(op, args, None)
    return placed(op, args, values, computed(op, values), recording)


def placed(op: Any, args: Sequence[Any], values: list[Any], result: Any, recording: int) -> Any:
    """The tensors of a computed result, recorded."""
    node = node_for(op, args, values, result) if recording else None
    if op.outputs is None:
        made = wrap(result, node)
        if op.view and result.base is not None:
            op.view_of(made, args[0], op, tuple(args[1:]))
        return made
    return outputs(op, result, node, wrap, args)


def outputs(op: Any, result: Sequence[Any], node: Node | None, make: Callable[..., Any], args: Sequence[Any]) -> Any:
    """The tensors of an operator with several results: ports where more than one has a gradient."""
    made: list[Any] = []
    ports: dict[int, Node] = {}
    if node is not None:
        if op.differentiable is not None and len(op.differentiable) == 1:
            ports = {op.differentiable[0]: node}
        else:
            node.width = len(result)
            which = range(len(result)) if op.differentiable is None else op.differentiable
            ports = {i: Port(node, i) for i in reversed(which)}
    view_of = op.view_of if op.view else None
    rest = tuple(args[1:])
    for i, array in enumerate(result):
        if array is None:
            made.append(None)
            continue
        tensor = make(array, ports.get(i))
        if view_of is not None and isinstance(array, ndarray) and array.base is not None:
            view_of(tensor, args[0], op, rest, i)
        made.append(tensor)
    return op.gather_outputs(made)


# ---- the rare paths

watchers: ContextVar[tuple[Any, ...]] = ContextVar("rushlight watchers", default=())
# a list that takes down (function, arguments, result) of the custom functions that run, or None
applied: ContextVar[list[Any] | None] = ContextVar("rushlight custom functions", default=None)
# whether what has kernels of its own beside the operators (recurrences) is to run the operators that define it
definitions: ContextVar[bool] = ContextVar("rushlight definitions", default=False)


def watch_with(every: tuple[Any, ...]) -> None:
    """Let these watchers, and no others, see every operation from here on; without any, nothing need be careful."""
    watchers.set(every)
    m = mode()
    word.set(m | CAREFUL if every or m & ~(RECORD | CAREFUL) else m & ~CAREFUL)


def tensors_in(args: Sequence[Any]) -> list[Tensor]:
    """The tensors among arguments, and in lists among them."""
    found = []
    for arg in args:
        if isinstance(arg, Tensor):
            found.append(arg)
        elif isinstance(arg, (list, tuple)):
            found += [a for a in arg if isinstance(a, Tensor)]
    return found


def dispatch(op: Any, args: tuple[Any, ...]) -> Any:
    """The careful path: give the operator to the innermost transform among its arguments, or to the watchers."""
    transform, level = None, 0
    for arg in args:
        if isinstance(arg, Tensor):
            if arg.level > level:
                level, transform = arg.level, arg.transform
        elif type(arg) is list or type(arg) is tuple:
            for one in arg:
                if isinstance(one, Tensor) and one.level > level:
                    level, transform = one.level, one.transform
    if transform is not None:
        result = transform.process(op, args)
        if mode() >> DEPTH != level:
            made_within(op, args, result)
        return result
    return watched(lambda op, args: recorded(op, args, mode() & RECORD), op, args)


def watched(run: Callable[..., Any], op: Any, args: tuple[Any, ...]) -> Any:
    """Run an operator inside the watchers that this context has, the innermost last."""
    for watcher in watchers.get():
        run = watcher(run)
    result = run(op, args)
    if mode() >> DEPTH:
        made_within(op, args, result)
    if mode() & INFERENCE and (not op.view or args[0].is_inference()):
        for made in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(made, Tensor):
                as_inference(made)
    return result


def made_within(op: Any, args: tuple[Any, ...], result: Any) -> None:
    """Note of what an operator makes of outer tensors in which transform it does: there it may be written in place.

    A view is no tensor of its own; what a view operator copied after all, is.
    """
    depth = mode() >> DEPTH
    for made in result if isinstance(result, (tuple, list)) else (result,):
        if isinstance(made, Tensor) and not (op.view and shares(made, args[0])):
            made._within = (stack.get()[depth - 1], depth)  # type: ignore[attr-defined]


def shares(made: Any, source: Any) -> bool:
    """Whether the result of a view operator is a view of its argument, whatever levels they are on."""
    while made.level:
        made = made.lower
    while source.level:
        source = source.lower
    return memory.owner(made._array) is memory.owner(source._array)


def perform(op: Any, args: tuple[Any, ...], out: Any = None) -> Any:
    """Run an operator whatever its arguments are: tensors, raw arrays (raw in, raw out) or numbers."""
    if _overriding and (override := overriding(args, out)):
        return override(op, args, out)
    m = mode()
    first = args[0]
    if isinstance(first, Tensor) or (type(first) is list and first and isinstance(first[0], Tensor)):
        result = dispatch(op, args) if m & CAREFUL else recorded(op, args, m & RECORD)
    elif not tensors_in(args):
        if raw(op, args):
            result = op.forward(*args)
            return result if op.outputs is None else op.gather_outputs(list(result))
        result = recorded(op, args, False)
    elif m & CAREFUL:
        result = dispatch(op, args)
    else:
        result = recorded(op, args, m & RECORD)
    return result if out is None else op.write_out(op, out, result)


def raw(op: Any, args: Sequence[Any]) -> bool:
    """Whether every argument that could be a tensor is an array; raises if one is neither."""
    any_array = False
    for name, arg in zip(op.parameters, args, strict=True):
        if name in op.lists:
            if arg is None:
                continue
            if not isinstance(arg, (list, tuple)):
                position = op.parameters.index(name) + 1
                raise TypeError(
                    f"{op.name}(): argument '{name}' (position {position}) must be tuple of Tensors, "
                    f"not {type(arg).__name__}"
                )
            for i, a in enumerate(arg):
                if not isinstance(a, (ndarray, np.generic)):
                    raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(a).__name__}")
                any_array = True
        elif name in op.tensors:
            if isinstance(arg, (ndarray, np.generic)):
                any_array = True
            else:
                operand(op, name, arg)
    if not any_array and op.tensors and not all(op.numeric(n) or op.optional(n) for n in op.tensors):
        name = op.parameters[0]
        raise wrong_type(op, name, args[0])
    return any_array


_overriding: list[Any] = []


def overriding(args: Sequence[Any], out: Any) -> Any:
    """The handler of ``__torch_function__``, if some argument's class overrides it (set by ``rushlight.overrides``)."""
    return _overriding[0](args, out) if _overriding else None


def changed_error(node: Node) -> None:
    """Raise if something that ``node`` saved has been written since: which tensor, and which line wrote it."""
    if type(node.saved) is Freed:  # whoever asks for a freed value is told so
        return
    for position, saved in enumerate(node.saved):
        lost = type(node.parents[position]) is Nowhere
        for place, value in enumerate(saved or ()):
            if lost and saves_for_one(node, position, place - len(saved)):
                continue
            for array in value if isinstance(value, (list, tuple)) else (value,):
                array = inner_array(array)
                if array is None:
                    continue
                written = memory.writes(array)
                if written is None:
                    continue
                if written.time > node.seq:
                    raise stale(node, array, written)
                for r, time in written.detached:
                    if time > node.seq and r() is array and is_input(node, position, place):
                        raise RuntimeError(DETACHED)


def saves_for_one(node: Any, position: int, place: int | None = None) -> bool:
    """Whether a column of a node's (or one of its places) is needed for that edge alone.

    PyTorch saves such a value only if the edge leads on.
    """
    op = node.op
    if op is None or op.joint is not None or len(node.parents) < 2:
        return False
    rules = node.spread_rules()
    others = [s for i, rule in enumerate(rules) if i != position for s in rule.sources]
    own = rules[position].sources
    own = own if place is None else own[place : place + 1 or None]
    return not any(
        [s in others for s in own if op.is_tensor_source(s) or "tuple" in op.annotations[op.parameters[s % SHAPE]]]
    )


DETACHED = (
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not supported, please use "
    "out-of-place `.detach()` instead"
)


def is_input(node: Node, position: int, place: int) -> bool:
    """Whether what stands at a place of a node's saved column is an argument that has a history."""
    op = node.op
    if op is None:
        return False
    if op.family == "fused":
        return place == 0
    rules = [op.joint] if op.joint is not None else node.spread_rules()  # type: ignore[attr-defined]
    sources = rules[position].sources
    source = sources[place - (len(node.saved[position]) - len(sources))] if place >= 0 else -1
    return 0 <= source < SHAPE and op.parameters[source] in op.rules


def inner_array(value: Any) -> ndarray | None:
    """The array that a saved value stands for, through tensors of any level."""
    while isinstance(value, Tensor):
        value = getattr(value, "_array", None)
    return value if type(value) is ndarray else None


def stale(node: Node, array: ndarray, written: memory.Writes) -> RuntimeError:
    kind = dtypes.LEGACY[dtypes.FROM_NUMPY[array.dtype].name]
    which = node.op.name if node.op is not None else node.name()
    error = RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{kind}Tensor {list(array.shape)}], which is needed by {node.name()}, is at version {written.count}; "
        f"an earlier version was expected instead. It was saved by {which} at {callsite.shown(node.code, node.lasti)} "
        f"and changed at {callsite.shown(written.code, written.lasti)} by {written.name or 'an in-place operation'}. "
        f"Fix: write the change out of place (y = y + 1 instead of y += 1), or change a .clone() of it."
    )
    error.made_at = node.site()  # type: ignore[attr-defined]
    error.changed_at = callsite.resolve(written.code, written.lasti)  # type: ignore[attr-defined]
    error.node = node  # type: ignore[attr-defined]
    error.code = "RL-INPLACE"  # type: ignore[attr-defined]
    return error


__all__ = ["Port", "dispatch", "new", "perform", "promoted", "recorded"]
