"""How an operator is declared: its forward is the function, its derivatives the decorator.

The parameter names of a derivative rule say what it needs from the forward: ``g`` is the gradient of the
result, ``result`` the result, ``input_shape`` the shape of ``input``, any other name that argument. Only what
is named is saved, and only for inputs that need a gradient. Rules are written in operators, and operators
take raw arrays too, so that one text of a rule serves first order, higher orders and transforms.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from functools import cached_property
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from . import callsite, dtypes, record
from . import compile as compiler
from .graph import Bundle, Fan, Freed, Node, Port, Rule, node_type
from .memory import clock, tick
from .mode import mode
from .tensor import Tensor, new, wrap

P = ParamSpec("P")
R = TypeVar("R")

LINEAR = "linear"  # a jvp: the operator applied to the tangent of its one differentiable argument (or list)
BILINEAR = "bilinear"  # a jvp: linear in each differentiable argument alone
LEADING = "leading"  # a batching rule: dimensions in front are batch dimensions already

UNSET: Any = type("Unset", (), {"__repr__": lambda self: "UNSET"})()


def missing(function: Any, **given: Any) -> None:
    """Raise TypeError, as Python does, for those required arguments that are not given."""
    names = [f"'{name}'" for name, value in given.items() if value is UNSET]
    count = f"{len(names)} required positional argument{'s' if len(names) > 1 else ''}"
    name = function.name if isinstance(function, Op) else function.__name__
    raise TypeError(f"{name}() missing {count}: {' and '.join(names)}")


class RuleOf:
    """The derivative towards one argument, and the sources of what it saves."""

    def __init__(self, op: Op, vjp: Rule, given: int = 1) -> None:
        self.plain = vjp  # of real numbers; ``vjp`` is right for complex ones too
        self.vjp = record.holomorphic(vjp) if op.holomorphic else vjp
        code = vjp.__code__
        names = code.co_varnames[: code.co_argcount]
        self.sources = tuple(self.source(op, need) for need in names[given:])  # after g (and wanted)

        self.held = tuple([s for s in self.sources if 0 <= s < record.SHAPE])

    @cached_property
    def keep(self) -> Callable[..., tuple[Any, ...]]:
        """What is saved, of ``(values, result, index)``."""
        return record.keeper(self.sources)

    def renumbered(self, kept: tuple[Any, ...], index: int) -> tuple[Any, ...]:
        """What is saved for another tensor of the same list."""
        if record.INDEX not in self.sources:
            return kept
        spot = self.sources.index(record.INDEX)
        return (*kept[:spot], index, *kept[spot + 1 :])

    @cached_property
    def fitted(self) -> Rule:
        return record.fitted(self.vjp)

    @staticmethod
    def source(op: Op, need: str) -> int:
        """The code of what is to be saved: an argument, its shape, the result, or one of several results."""
        if need in op.parameters:
            return op.parameters.index(need)
        if need == "result":
            return record.RESULT
        if need == "index":
            return record.INDEX
        if op.outputs and need in op.outputs:
            return record.OUTPUT + op.outputs.index(need)
        if need.endswith("_shape") and need[:-6] in op.parameters:
            return record.SHAPE + op.parameters.index(need[:-6])
        raise TypeError(f"{op.name}: a rule asks for '{need}', which is no argument, shape or result of it")


def operator_of(function: Any) -> Op:
    """The declaration of a public function."""
    found: Op = function.op
    return found


class Op:
    """One declared operator. ``op.call`` is the public function; the rest are its rules."""

    view_of: Callable[..., None]  # set by views
    write_out: Callable[..., Any]  # set by views
    refuse_out: Callable[
        ..., None
    ]  # raises for an ``out`` of another dtype than the one asked for; set by ``_ops.methods``
    perform: Callable[..., Any] = staticmethod(
        record.perform
    )  # what the public function calls where it is not unrolled

    def __init__(self, forward: Callable[..., Any], family: str, rules: dict[str, Rule | None], **how: Any) -> None:
        self.forward = self.body = forward
        self.name = forward.__name__
        self.family = family
        code = forward.__code__
        self.positional = code.co_varnames[: code.co_argcount]
        only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        defaults = forward.__defaults__ or ()
        self.defaults = dict(zip(self.positional[len(self.positional) - len(defaults) :], defaults, strict=True))
        self.defaults.update(forward.__kwdefaults__ or {})
        self.keywords = only
        # ``out`` and a dtype to cast to first are the machine's business: the forward function never sees them
        self.extras = {n for n in only if n == "out"} | ({"dtype"} if how.get("casts") else set())
        if "dim" in self.positional:
            self.extras.add("axis")
        if "keepdim" in self.positional:
            self.extras.add("keepdims")
        # keyword arguments that, where they differ from the default, lead to another operator: ``add(..., alpha=2)``
        self.instead: dict[str, Callable[..., Any]] = how.get("instead") or {}
        self.extras |= set(self.instead)
        self.main: tuple[Op, str] | None = None  # the operator that leads here, and by which keyword
        for keyword, other in self.instead.items():
            operator_of(other).main = self, keyword
        # numbers that an older form of the operator has among its tensors: ``add(input, alpha, other)``
        self.older: tuple[str, ...] = how.get("older") or ()
        self.parameters = tuple(n for n in (*self.positional, *only) if n not in self.extras)
        named = [n for n in only if n not in self.extras]
        if named:
            self.forward = by_position(forward, named)
        self.annotations = {n: str(a) for n, a in forward.__annotations__.items()}
        kinds = {n: self.annotations.get(n, "") for n in self.parameters}
        self.lists = tuple(n for n, a in kinds.items() if "Sequence[Tensor" in a or "tuple[Tensor" in a)
        self.tensors = tuple(n for n, a in kinds.items() if "Tensor" in a and n not in self.lists)
        self.outputs: Sequence[str] | None = how.get("outputs")
        self.differentiable: tuple[int, ...] | None = how.get("differentiable")
        self.view: bool = how.get("view", False)
        self.jvp = how.get("jvp")
        self.batch = how.get("batch")
        self.promote: Any = how.get("promote", "same")
        self.wide: bool = how.get("wide", False)
        self.note: Any = None  # what records it inside ``grad``, once it has been written out (``_transforms.notes``)
        self.into: Any = how.get("into")
        self.holomorphic: bool = how.get("holomorphic", False)
        node = how.get("node")
        names: dict[str, str] = node if isinstance(node, dict) else {"": node} if node else {}
        self._node_name: str | None = names.get("")
        # PyTorch names some nodes otherwise where an argument that may be a tensor is a number, or another is given
        self.number_names: dict[str, str] = {n: s for n, s in names.items() if n in self.tensors}
        self.given_names: dict[str, str] = {n: s for n, s in names.items() if n and n not in self.tensors}
        self.refuse: Callable[[np.dtype], Exception] | None = how.get("refuse")
        self._gather: Callable[..., Any] | None = how.get("gather")
        self.rules = {n: RuleOf(self, rule) for n, rule in rules.items() if rule is not None}
        unknown = [n for n in rules if n not in self.parameters]
        if unknown:
            raise TypeError(f"{self.name}: rules towards {unknown}, which are no arguments of it")
        joint = how.get("joint")
        self.joint = RuleOf(self, joint, 2) if joint is not None else None
        if self.joint is not None:
            self.rules = {n: RuleOf(self, _no_rule) for n in how["towards"]}
        self.simple = bool(self.tensors) and not self.lists and self.outputs is None and self.joint is None
        self.simple = self.simple and self.tensors[0] == self.parameters[0]
        if self.simple and family == "pointwise" and is_plain_ufunc(forward):
            self.into = self.forward = getattr(np, forward.__code__.co_names[1])
        self.call = self.stub()

    # ---- what the parameters may be

    @cached_property
    def kinds(self) -> tuple[tuple[str, bool, bool], ...]:
        """Each parameter: its name, whether it is a list of tensors, whether a tensor."""
        return tuple([(n, n in self.lists, n in self.tensors) for n in self.parameters])

    @cached_property
    def edges(self) -> tuple[tuple[int, RuleOf, bool], ...]:
        """Where the parameters with rules stand, their rules, and whether they are lists."""
        return tuple([(i, self.rules[n], n in self.lists) for i, n in enumerate(self.parameters) if n in self.rules])

    def optional(self, name: str) -> bool:
        """Whether an argument may be None."""
        return "None" in self.annotations.get(name, "")

    def numeric(self, name: str) -> bool:
        """Whether a tensor argument may be a Python number."""
        return "Number" in self.annotations.get(name, "")

    def invoke(self, args: Sequence[Any]) -> Any:
        """Call the public function with all parameters in order."""
        if not self.keywords:
            return self.call(*args)
        count = len([n for n in self.parameters if n in self.positional])
        return self.call(*args[:count], **dict(zip(self.parameters[count:], args[count:], strict=True)))

    # ---- the public function

    def stub(self) -> Callable[..., Any]:
        """A function that turns into the compiled one at its first call."""
        self.scope: dict[str, Any] = {"op": self, "__name__": self.body.__module__}
        call = FunctionType(_stub_code, self.scope, self.name)
        call.__doc__ = self.body.__doc__
        call.__annotations__ = self.body.__annotations__
        call.__wrapped__ = self.body  # type: ignore[attr-defined]
        call.__module__ = self.body.__module__
        call.__qualname__ = self.name
        call.op = self  # type: ignore[attr-defined]
        return call

    def dunder(self, name: str) -> Callable[..., Any]:
        """The function as a Python operator: operands that it cannot take are left to the other side."""
        call = FunctionType(_stub_code, {"op": _Dunder(self, name), "__name__": self.body.__module__}, name)
        call.__doc__ = self.body.__doc__
        call.op = self  # type: ignore[attr-defined]
        call.__globals__["op"].call = call
        return call

    @cached_property
    def source(self) -> str:
        """The text of the compiled function."""
        return compiler.source(self)

    def materialise(self) -> None:
        """Write out, compile and put in place the public function."""
        self.put_in_place(self.call, self.name, self.source)

    def put_in_place(self, call: Any, name: str, text: str) -> None:
        file = f"<op {name}>"
        linecache.cache[file] = len(text), None, text.splitlines(True), file
        scope = call.__globals__
        scopes.append(scope)
        asked = [self.rules[n] for n in self.parameters if n in self.rules]
        scope.update(
            forward=self.forward, Tensor=Tensor, new=new, clock=clock, caller=None, mode=_modes[0], ndarray=np.ndarray,
            asarray=np.asarray, perform=self.perform, promoted=record.promoted_wide if self.wide else record.promoted, promote=self.promote, scalar=record.scalar,
            inexact_scalars=record.full_scalars if self.wide else record.inexact_scalars, F2=record.HALF, operand=record.operand, dtypes=dtypes, theirs=callsite.theirs,
            outside=callsite.outside, UNSET=UNSET, missing=missing, Record=self.node_class, refused=record.refused, previous=record.previous, F4=_F4, C8=_C8, C16=_C16, cast=lambda x, d: _cast[0](x, d),
            summed_in=_summed_in, narrowed=_narrowed, inexact=_inexact, view_of=self.view_of if self.view else None, rules=tuple(r.plain for r in asked),
            complex_rules=tuple(r.vjp for r in asked),
            fitted_rules=tuple(r.fitted for r in asked), getframe=_getframe, OPERANDS=_OPERANDS,
        )  # fmt: skip
        scope.update({f"default_{n}": value for n, value in self.defaults.items()})
        scope.update({f"instead_{n}": value for n, value in self.instead.items()})
        scope.update({f"Record_{n}": c for n, c in self.other_classes.items()}, Record_tensor=self.node_class)
        made: dict[str, Any] = {}
        scope["op"] = self
        exec(compile(text, file, "exec"), scope, made)
        function = made[name]
        call.__defaults__ = function.__defaults__
        call.__kwdefaults__ = function.__kwdefaults__
        call.__code__ = function.__code__

    @cached_property
    def node_name(self) -> str:
        if self._node_name:
            return self._node_name
        return self.name.title().replace("_", "") + "Backward0"  # PyTorch's way: Log1PBackward0

    @cached_property
    def node_class(self) -> type[Node]:
        """The class of this operator's nodes."""
        return node_type(self.node_name, (OpNode,), op=self, holds=self.holds_with())

    def holds_with(self, number: str = "") -> Any:
        """Whether its nodes hold saved tensors, also if the argument ``number`` is none: yes, no, or each node knows."""
        kept = [self.joint] if self.joint else list(self.rules.values())
        place = self.parameters.index(number) if number else None
        tensors = [{s for s in r.sources if s != place and self.is_tensor_source(s)} for r in kept]
        used = [s for some in tensors for s in some]
        if all(tensors) or self.lists or len(used) > len(set(used)):  # what several rules use is saved for any of them
            return bool(used)
        return property(holds_some) if used else False

    @cached_property
    def other_classes(self) -> dict[str, type[Node]]:
        """The classes of nodes that PyTorch names otherwise, by the argument that decides it."""
        names = {**self.given_names, **self.number_names}
        # PyTorch's node has no edge towards a number
        spots = {n: (i,) for i, n in enumerate([n for n in self.parameters if n in self.rules])}
        return {
            n: node_type(
                name,
                (self.node_class,),
                unseen=spots.get(n, ()) if n in self.number_names else (),
                holds=self.holds_with(n) if n in self.number_names else self.node_class.holds,
            )
            for n, name in names.items()
        }

    def node_class_for(self, args: Sequence[Any]) -> type[Node]:
        """The class of the node that records a call with these arguments."""
        for name, made in self.other_classes.items():
            value = args[self.parameters.index(name)]
            if isinstance(value, record.NUMBERS) if name in self.number_names else value is not None:
                return made
        return self.node_class

    def is_tensor_source(self, source: int) -> bool:
        if source == record.RESULT or source >= record.OUTPUT:
            return True
        return source < record.SHAPE and self.parameters[source] in (*self.tensors, *self.lists)

    def gather_outputs(self, made: list[Any]) -> Any:
        """Several results as PyTorch returns them: a named tuple, a tuple or a list."""
        return self._gather(*made) if self._gather is not None else tuple(made)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def holds_some(node: Node) -> bool:
    """Whether a node has saved a tensor: that of an operator some of whose rules need none."""
    if type(node.saved) is Freed:
        return True
    every = [value for kept in node.saved for value in kept or ()]
    return any([hasattr(value, "shape") and not isinstance(value, np.dtype) for value in every])


def by_position(forward: Callable[..., Any], named: list[str]) -> Callable[..., Any]:
    """The forward function with its keyword-only parameters taken by position (those before ``out``)."""
    code = forward.__code__
    count, only = code.co_argcount, code.co_kwonlyargcount
    if list(code.co_varnames[count : count + len(named)]) != named:
        raise TypeError(f"{forward.__name__}: keyword parameters must stand before dtype and out")
    moved = code.replace(co_argcount=count + len(named), co_kwonlyargcount=only - len(named))
    made = FunctionType(moved, forward.__globals__, forward.__name__, forward.__defaults__, forward.__closure__)
    made.__kwdefaults__ = forward.__kwdefaults__
    made.__module__ = forward.__module__
    return made


class _Dunder:
    """Stands for ``op`` in a Python operator's stub: compiles its function at the first call."""

    call: Any

    def __init__(self, op: Op, name: str) -> None:
        self.op, self.name = op, name

    def materialise(self) -> None:
        self.op.put_in_place(self.call, self.name, compiler.dunder(self.op, self.name))


_OPERANDS = (np.ndarray, np.generic, *record.NUMBERS)


def _no_rule(g: Any) -> Any:
    raise AssertionError("the joint rule of the operator serves")


def _generic_stub(*args: Any, **kwargs: Any) -> Any:
    call = op.call  # type: ignore[name-defined]  # noqa: F821 (the scope of each operator has its own)
    op.materialise()  # type: ignore[name-defined]  # noqa: F821
    return call(*args, **kwargs)


_stub_code = _generic_stub.__code__


def _one(a: Any) -> Any:
    return np.add(a)  # type: ignore[call-overload]


def _two(a: Any, b: Any) -> Any:
    return np.add(a, b)


def is_plain_ufunc(forward: Any) -> bool:
    """Whether the body is just ``return np.f(a, b)``: then NumPy's function itself is the forward."""
    code = forward.__code__
    return (
        code.co_code in (_one.__code__.co_code, _two.__code__.co_code)
        and code.co_names[0] == "np"
        and isinstance(getattr(np, code.co_names[1], None), np.ufunc)
    )


class OpNode(Node):
    """A node that recorded a declared operator."""

    __slots__ = ()

    def revived(self) -> Any:
        """What the rules saved, as tensors joined to the graph again."""
        op = self.op
        columns: list[Any] = []
        position = 0
        if op.joint is not None:
            saved = self.saved[0]
            return ((saved[0], *self.joined(op.joint.sources, saved[1:])),)
        spread = self.spread_rules()
        for rule in spread:
            saved = self.saved[position]
            if saved is None:
                columns.append(None)
            else:
                extra = len(saved) - len(rule.sources)
                columns.append((*saved[:extra], *self.joined(rule.sources, saved[extra:])))
            position += 1
        return columns

    def spread_rules(self) -> list[RuleOf]:
        """The declared rule of each edge (an argument that is a list of tensors has several edges)."""
        op = self.op
        rules = [op.rules[n] for n in op.parameters if n in op.rules]
        if op.lists:
            lists = [n for n in op.parameters if n in op.rules]
            extra = len(self.parents) - len(lists)
            spread: list[RuleOf] = []
            for n in lists:
                spread += [op.rules[n]] * (1 + extra if n in op.lists else 1)
            return spread
        return rules

    def joined(self, sources: tuple[int, ...], saved: Any) -> list[Any]:
        return [self.join(source, value) for source, value in zip(sources, saved, strict=True)]

    def join(self, source: int, value: Any) -> Any:
        """A saved value as a tensor whose history is where it came from."""
        if value is None or (source >= record.SHAPE and source < record.OUTPUT):
            return value
        if source == record.RESULT:
            if isinstance(value, tuple):
                return tuple([self.as_output(v, i) for i, v in enumerate(value)])
            return self.with_history(value, self)
        if source >= record.OUTPUT:
            return self.as_output(value, source - record.OUTPUT)
        op = self.op
        name = op.parameters[source]
        if name not in op.tensors and name not in op.lists:
            return value
        edge = self.edge_of(name)
        if isinstance(value, list):
            return [self.with_history(v, self.parent(edge + i)) for i, v in enumerate(value)]
        return self.with_history(value, self.parent(edge) if edge >= 0 else None)

    def edge_of(self, name: str) -> int:
        """The number of the (first) edge towards an argument; -1 if it has none."""
        op = self.op
        if name not in op.rules:
            return -1
        edge = 0
        for n in op.parameters:
            if n == name:
                break
            if n in op.rules:
                edge += 1 if n not in op.lists else len(self._parents()) - len(op.rules) + 1
        return edge

    def _parents(self) -> tuple[Node | None, ...]:
        return self.parents[0].parents if self.op.joint is not None else self.parents  # type: ignore[union-attr]

    def parent(self, edge: int) -> Node | None:
        parents = self._parents()
        return parents[edge] if 0 <= edge < len(parents) else None

    def as_output(self, value: Any, index: int) -> Any:
        which = self.op.differentiable
        if which is not None and index not in which:
            return self.with_history(value, None)
        return self.with_history(value, self if which is not None and len(which) == 1 else Port(self, index))

    def with_history(self, value: Any, node: Node | None) -> Any:
        if self.transform is not None:
            return self.transform.wrap(value, node) if node is not None else value
        if isinstance(value, np.ndarray):
            return wrap(value, node)
        if value is not None and node is not None and hasattr(value, "rejoined"):  # a hook has packed it
            return value.rejoined(node)
        return value


# ---- decorators


def pointwise(
    promote: Any = "same",
    *,
    jvp: Any = None,
    node: Any = None,
    holomorphic: bool = False,
    refuse: Callable[[np.dtype], Exception] | None = None,
    instead: dict[str, Callable[..., Any]] | None = None,
    older: tuple[str, ...] = (),
    wide: bool = False,
    **rules: Rule | None,
) -> Callable[[Callable[P, Any]], Callable[P, Tensor]]:
    """Declare an operator that works element by element: broadcasting and promotion are the machine's.

    ``promote`` is "same" (the common dtype of the operands), "float" (integers become the default dtype) or
    "compare" (a common dtype to compare in; the result has its own), "choose" ("same" for all but the first), or a
    function that raises for operands (arrays and numbers) that do not go together, and "same" otherwise. The rules of a ``holomorphic`` operator are
    written as for real numbers; for complex ones the machine conjugates around them. ``node`` is the node's name,
    or ``{"": name, "other": its name where other is a number}``. ``refuse`` makes the error for a dtype that NumPy's
    function does not take (the default says that it is not implemented). ``instead`` names keyword arguments that the
    body does not see, and for each the operator to run, with it as a further argument, where it is not the default.
    ``older`` names the numbers that an older form of the operator has among its tensors. ``wide``: a number as last
    operand beside float16 is not rounded to float16 first (see ``record.promoted_wide``).
    """

    def declare(forward: Callable[P, Any]) -> Callable[P, Tensor]:
        how = dict(
            promote=promote, jvp=jvp, node=node, holomorphic=holomorphic, refuse=refuse, instead=instead, older=older,
            wide=wide,
        )  # fmt: skip
        return Op(forward, "pointwise", rules, **how).call

    return declare


def operator(
    *,
    jvp: Any = None,
    batch: Any = None,
    view: bool = False,
    node: str | dict[str, str] | None = None,
    outputs: Sequence[str] | None = None,
    differentiable: tuple[int, ...] | None = None,
    gather: Callable[..., Any] | None = None,
    casts: bool = False,
    joint: Rule | None = None,
    towards: Sequence[str] = (),
    older: tuple[str, ...] = (),
    **rules: Rule | None,
) -> Callable[[Callable[P, R]], Callable[P, Any]]:
    """Declare an operator of any signature. Rules are named after the arguments they lead to.

    ``outputs`` names several results (the body returns a tuple of arrays), ``differentiable`` numbers those that
    have a gradient, ``gather`` makes PyTorch's return type of them; with several of these the rules' first
    argument is the ``Bundle`` of their gradients. ``casts``: a keyword ``dtype`` casts ``input`` first.
    ``joint`` is one rule ``(g, wanted, *saved)`` that gives all gradients at once, as a ``Bundle``, ``towards``
    the arguments it serves. ``node`` is the node's name, or
    ``{"": name, "dim": its name where dim is given}``; see `pointwise` too. ``older``
    names the numbers that an older form of the operator has among its tensors.
    """

    def declare(forward: Callable[P, R]) -> Callable[P, Any]:
        how = dict(
            jvp=jvp, batch=batch, view=view, node=node, outputs=outputs, differentiable=differentiable, gather=gather,
            casts=casts, joint=joint, towards=towards, older=older,
        )  # fmt: skip
        return Op(forward, "general", rules, **how).call

    return declare


def fused(
    *,
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    node: str | None = None,
    constant: Sequence[str] = (),
    **how: Any,
) -> Callable[[Callable[P, R]], Callable[P, Any]]:
    """Declare a composite with kernels of its own: the composite IS the definition.

    The kernels serve plain arrays at first order: ``forward(*arrays, ...)`` gives ``(result, *residuals)``,
    ``backward(g, wanted, *arguments, *residuals)`` the gradients of the tensor arguments, in order. Second
    order, forward mode and vmap run the composite. ``constant`` names tensor arguments that PyTorch has no derivative
    towards: its node has no edge there.
    """

    def declare(composite: Callable[P, R]) -> Callable[P, Any]:
        return FusedOp(composite, forward, backward, node, constant, how).call

    return declare


def dunder(function: Callable[P, R], name: str) -> Callable[P, R]:
    """An operator as a Python operator: ``__mul__ = dunder(mul, "__mul__")``."""
    made: Callable[P, R] = function.op.dunder(name)  # type: ignore[attr-defined]
    return made


class FusedOp(Op):
    """An operator that has kernels, and a composite for everything the kernels do not cover."""

    def __init__(
        self,
        composite: Any,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        node: str | None,
        constant: Sequence[str],
        how: Any,
    ) -> None:
        self.constant = constant
        self.composite = composite
        self.kernel, self.kernel_backward = forward, backward
        super().__init__(composite, "fused", {}, node=node, **how)
        self.simple = False

    @cached_property
    def places(self) -> list[tuple[int, bool]]:
        """Where in the arguments tensors stand, and whether there may be None."""
        return [(i, self.optional(n)) for i, n in enumerate(self.parameters) if n in self.tensors]

    def perform(self, _: Op, args: tuple[Any, ...], out: Any = None) -> Any:
        if override := record.overriding(args, out):
            return override(self, args, out)
        m = mode()
        if m <= 1 and out is None and isinstance(args[0], Tensor):  # tensors of no transform: the common case
            values = list(args)
            parents: list[Any] = []
            for i, optional in self.places:
                a = args[i]
                if isinstance(a, Tensor) and not a.level:
                    values[i] = a._array
                    parents.append(a._node)
                elif a is None and optional:
                    parents.append(None)
                else:
                    break
            else:
                return self.record(values, tuple(parents), m)
        tensors = record.tensors_in(args)
        if any(t.level for t in tensors):
            result = self.composite(*args)
        elif m > 1:
            result = record.watched(lambda op, args: self.run(args, mode() & 1), self, args)
        elif not tensors and record.raw(self, args):
            return self.kernel(*args)[0]
        else:
            result = self.run(args, m)
        return result if out is None else self.write_out(self, out, result)

    def run(self, args: tuple[Any, ...], recording: int) -> Tensor:
        """Compute by the kernel, and record a node whose one rule gives all gradients at once."""
        inputs = [a for n, a in zip(self.parameters, args, strict=True) if n in self.tensors]
        parents = tuple([a._node if isinstance(a, Tensor) else None for a in inputs])
        return self.record(record.values_of(self, args), parents, recording)

    def record(self, values: list[Any], parents: tuple[Node | None, ...], recording: int) -> Tensor:
        result, *residuals = self.kernel(*values)
        made = wrap(result if type(result) is np.ndarray else np.asarray(result))
        if recording and any([p is not None for p in parents]):
            fan = Fan(parents)
            node = self.node_class()
            node.parents, node.rules = (fan,), (self.backward,)
            node.saved = ((values, residuals, tuple([p is not None for p in parents]), parents),)
            node.seq = tick()
            node.code, node.lasti = fan.code, fan.lasti = callsite.here()
            made._node = node
        return made

    @cached_property
    def node_class(self) -> type[Node]:
        unseen = tuple([i for i, n in enumerate(self.tensors) if n in self.constant])
        return node_type(self.node_name, (Node,), op=self, holds=True, unseen=unseen)

    def backward(self, g: Any, values: Any, residuals: Any, wanted: tuple[bool, ...], parents: Any) -> Bundle:
        """All gradients at once: by the kernel on arrays, through the composite where the pass is itself recorded."""
        if not isinstance(g, Tensor):
            grads = self.kernel_backward(g, wanted, *values, *residuals)
            return Bundle({i: h for i, h in enumerate(grads) if h is not None and wanted[i]})
        return _through[0](self, g, values, parents, wanted)


def use_through(run: Callable[..., Bundle]) -> None:
    """Name what differentiates the composite of a fused operator (``gradients``)."""
    _through[:] = [run]


_F4, _C8, _C16 = np.dtype("f4"), np.dtype("c8"), np.dtype("c16")
_getframe: Any = __import__("sys")._getframe
_modes: list[Any] = [mode]  # what compiled operators read the mode with
scopes: list[dict[str, Any]] = []  # of all compiled functions
_cast: list[Callable[..., Any]] = []
_through: list[Callable[..., Bundle]] = []


def _inexact(dtype: Any) -> bool:
    return dtypes.to_numpy_dtype(dtype).kind in "fc"


def _summed_in(op: Op, input: Any, dtype: Any, out: Any) -> Any:
    """The dtype in which a sum or product that goes to ``out`` is made: the one of ``out``."""
    if not isinstance(out, Tensor):
        return dtype
    if dtype is not None:
        if dtype is not out.dtype:
            op.refuse_out(dtype.dtype, record.np_dtype(out))
        return dtype
    own, given = record.np_dtype(input), record.np_dtype(out)
    taken = _SUMS.get(op.name, "")
    if given.kind not in taken or (own.kind == "c" and given.kind != "c") or (own is given and own.kind != "b"):
        return None
    return None if op.name == "nansum" and own.kind == "f" and given.kind != "f" else out.dtype


_SUMS = {"sum": "biufc", "prod": "biufc", "nansum": "biuf", "cumsum": "iufc", "cumprod": "iufc"}  # of which kinds


def _narrowed(op: Op, args: tuple[Any, ...], dtype: Any, out: Any) -> Any:
    """The result in a dtype of integers: NumPy adds them up in int64, PyTorch in the one asked for."""
    result = _cast[0](op.call(*args), dtype)
    return result if out is None else op.write_out(op, out, result)


def use_cast(cast: Callable[..., Any]) -> None:
    """Name the operator that changes a tensor's dtype (``_ops``)."""
    _cast[:] = [cast]


if TYPE_CHECKING:
    __all__ = ["BILINEAR", "LEADING", "LINEAR", "fused", "operator", "pointwise"]
