"""Custom functions: a forward of the user's, and the backward that goes with it.

The ``ctx`` that ``forward`` and ``backward`` get is the node of the graph itself. Its one rule calls the user's
``backward``, so the engine, hooks and double backward need to know nothing of custom functions.
"""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._core import callsite, engine, memory, record, saved, views
from .._core.graph import Bundle, Fan, Freed, Leaf, Node, Nowhere, Port
from .._core.hooks import c_type, hooks_of
from .._core.memory import tick
from .._core.mode import RECORD, mode, switched
from .._core.tensor import INFERENCE_SAVED, Tensor, wrap

ndarray = np.ndarray


class FunctionCtx:
    """What a custom function's methods are given to keep things in from forward to backward."""

    to_save: tuple[Any, ...] | None = None
    saved_for_forward: tuple[Any, ...] | None = None
    dirty_tensors: tuple[Any, ...] = ()
    non_differentiable: tuple[Any, ...] = ()
    materialize_grads = True
    _materialize_non_diff_grads = True  # whether backward gets zeros for outputs marked non-differentiable

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (inputs, outputs, or others; None is allowed) for ``backward``, as ``ctx.saved_tensors``.

        Unlike attributes, they are checked for in-place changes and freed when backward has used them. Only the last
        call counts.
        """
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for ``jvp``, as ``ctx.saved_tensors``."""
        for tensor in tensors:
            if not isinstance(tensor, Tensor) and tensor is not None:
                raise AssertionError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on "
                    f"ctx. Got {type(tensor).__name__}."
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Any) -> None:
        """Say which inputs ``forward`` has changed in place; they must be returned."""
        self.dirty_tensors = args

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Does nothing: shared memory is found without being told. (PyTorch's, deprecated.)"""
        warnings.warn(
            "mark_shared_storage is deprecated. Tensors with shared storages are automatically tracked.",
            FutureWarning,
            stacklevel=2,
        )

    def mark_non_differentiable(self, *args: Any) -> None:
        """Say which outputs have no gradient; ``backward`` still gets an argument for each (zeros)."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros (True, the default) or None for outputs without a gradient."""
        if type(value) is not bool:
            raise TypeError(
                "set_materialize_grads received an invalid combination of arguments - got "
                f"({type(value).__name__}), but expected (bool)"
            )
        self.materialize_grads = value


_ContextMethodMixin = FunctionCtx


# What a node calls its own. A user may give ``ctx`` attributes of these names: they are kept apart from the node's.
NODE_NAMES = frozenset(("code", "holds", "hooks", "lasti", "op", "parents", "rules", "saved", "seq", "transform"))


@functools.cache
def shadowed(cls: type) -> type:
    """The class of a ``ctx`` that has such attributes: the user's code finds its own, ours the node's."""

    def get(self: Any, name: str) -> Any:
        if name in NODE_NAMES and not callsite.ours[sys._getframe(1).f_code.co_filename]:
            users = object.__getattribute__(self, "__dict__").get("_users", {})
            if name in users:
                return users[name]
        return object.__getattribute__(self, name)

    return type(cls.__name__, (cls,), {"__getattribute__": get, "_is_shadowed": True, "__module__": cls.__module__})


class BackwardCFunction(Node, FunctionCtx):
    """The node of a custom function, which is also its ``ctx``."""

    makes_grads = True
    holds = True
    needs_input_grad: tuple[bool, ...] = ()
    _forward_cls: Any
    _inputs: tuple[Any, ...] = ()  # for every argument: (shape, dtype) of a tensor, else None
    _outputs: tuple[Any, ...] = ()
    _kept: tuple[Any, ...] | None = ()  # what save_for_backward was given
    _freed: Freed | None = None
    parents: tuple[Node | None, ...] = ()

    def __init__(self) -> None:
        self.seq = 0
        self.code, self.lasti = None, -1

    def __setattr__(self, name: str, value: Any) -> None:
        if name in NODE_NAMES and not callsite.ours[sys._getframe(1).f_code.co_filename]:
            self.__dict__.setdefault("_users", {})[name] = value
            if not hasattr(type(self), "_is_shadowed"):
                self.__class__ = shadowed(type(self))  # type: ignore[arg-type]
            return
        object.__setattr__(self, name, value)

    # the column is made when asked for: a node that held itself would be a cycle
    @property
    def saved(self) -> Any:
        return ((self,),)

    @saved.setter
    def saved(self, freed: Freed) -> None:
        if self._kept:
            self._freed, self._kept = freed, None

    rules = property(lambda self: (call_backward,))

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` (in ``jvp``: ``save_for_forward``) was given.

        Raises RuntimeError if a tensor was changed in place since, or if backward has freed them.
        """
        if self._freed is not None:
            iter(self._freed)
        if self.saved_for_forward is not None and self.to_save is None and not self._kept:
            return self.saved_for_forward
        return tuple([s() for s in self._kept or ()])

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """The same as ``saved_tensors``. (PyTorch's, deprecated.)"""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    @property
    def _raw_saved_tensors(self) -> tuple[saved.SavedTensor, ...]:  # type: ignore[name-defined]
        if self._freed is not None:
            iter(self._freed)
        return tuple([saved.handle(s.held, s, s.repack) for s in self._kept or ()])

    def maybe_clear_saved_tensors(self) -> None:
        """Free what was saved."""
        self.saved = Freed(*callsite.here())

    def apply(self, *args: Any) -> Any:
        """Run the function's ``backward`` on gradients of its outputs."""
        return user_backward(self._forward_cls)(self, *args)

    def apply_jvp(self, *args: Any) -> Any:
        """Run the function's ``jvp`` on tangents of its inputs."""
        return self._forward_cls.jvp(self, *args)

    def _register_hook_dict(self, tensor: Any) -> None:
        hooks_of(self)


class Kept:
    """One tensor of ``save_for_backward``. An output is kept without its node, which would be a cycle."""

    __slots__ = ("node", "output", "packed", "tensor")

    def __init__(self, tensor: Any, node: BackwardCFunction, output: int | None) -> None:
        from weakref import ref

        self.node: Any = ref(node)
        self.output = output
        self.packed: Any = None
        self.tensor = tensor if output is None or tensor is None else wrap(tensor._array)

    def __call__(self) -> Any:
        node = self.node()
        if self.packed is not None:
            back = self.packed.unpack()
            return wrap(back._array, port(node, self.output)) if self.output is not None else back
        if self.tensor is None:
            return None
        array = record.inner_array(self.tensor)
        if array is not None and memory.changed_since(array, node.seq):
            raise record.stale(node, array, memory.writes(array))  # type: ignore[arg-type]
        if self.output is None:
            return self.tensor
        return wrap(self.tensor._array, port(node, self.output))

    def held(self) -> Any:
        """What is kept: the tensor, or what stands for it; None if there is neither."""
        return self.packed if self.packed is not None else self.tensor

    def repack(self, pack_hook: Callable[..., Any], unpack_hook: Callable[..., Any]) -> None:
        """Give the tensor to a pack hook; see ``SavedTensor.register_hooks``."""
        self.packed = saved.pack(self(), (pack_hook, unpack_hook))
        self.tensor = None


def port(node: Any, output: int) -> Any:
    """The node at which the gradient of an output arrives (a new port to it where there are several)."""
    if node is None or not node._outputs[output][2]:
        return None
    return node if node.width is None else Port(node, output)


# ---- backward


def user_backward(cls: Any) -> Any:
    """The function's ``backward`` or ``vjp``, whichever it defines."""
    backward, vjp = cls.backward, cls.vjp
    if vjp is not Function.vjp:
        if backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement "
                "one of them."
            )
        return vjp
    return backward


def call_backward(g: Any, node: Any) -> Bundle:
    """The rule of every custom function: its user's ``backward`` on the gradients of all outputs."""
    grads = []
    for i, (shape, dtype, live, is_tensor) in enumerate(node._outputs):
        h = g if node.width is None else (g or {}).get(i)
        if h is None:
            zeros = is_tensor and node.materialize_grads and (live or node._materialize_non_diff_grads)
            grads.append(wrap(np.zeros(shape, dtype)) if zeros else None)
        else:
            grads.append(engine.as_tensor(h))
    back = user_backward(node._forward_cls)(node, *grads)
    if not isinstance(back, tuple):
        back = (back,)
    inputs = node._inputs
    if len(back) != len(inputs):
        if len(back) < len(inputs) or any(h is not None for h in back[len(inputs) :]):
            raise RuntimeError(
                f"function {node.name()} returned an incorrect number of gradients (expected {len(inputs)}, "
                f"got {len(back)})"
            )
    made = Bundle()
    position = 0
    recording = mode() & RECORD
    for h, info in zip(back, inputs, strict=False):
        if info is None:
            if h is not None:
                raise unexpected(node, back, inputs)
            continue
        if h is not None:
            if not isinstance(h, Tensor):
                raise RuntimeError(f"expected Variable or None (got {c_type(h)})")
            parent = node.parents[0].parents[position]
            h = h if recording or h.level else h._array
            checked = parent is not None and type(parent) is not Nowhere  # else it goes nowhere but to hooks
            made[position] = valid(h, node, position, *info) if checked else h
        position += 1
    return made


def unexpected(node: Any, back: Any, inputs: Any) -> RuntimeError:
    at = next(i for i, h in enumerate(back) if h is not None and (i >= len(inputs) or inputs[i] is None))
    return RuntimeError(
        f"function {node.name()} returned a gradient different than None at position {at + 1}, but the corresponding "
        "forward input was not a Variable"
    )


def valid(h: Any, node: Any, position: int, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """A gradient that ``backward`` gave, summed and cast to the shape and dtype of its input."""
    from .._ops.broadcast import fit

    if tuple(h.shape) != shape and not expandable(shape, h.shape):
        raise RuntimeError(
            f"Function {node.name()} returned an invalid gradient at index {position} - got {list(h.shape)} but expected "
            f"shape compatible with {list(shape)}"
        )
    kind = record.np_dtype(h).kind
    if kind == "c" and dtype.kind != "c":
        raise RuntimeError(
            f"Expected isFloatingType(grad.scalar_type()) || (input_is_complex == grad_is_complex) to be true, but got "
            f"false: function {node.name()} returned a complex gradient at index {position} for a real input"
        )
    return fit(h, shape, dtype)


def expandable(shape: tuple[int, ...], to: Any) -> bool:
    """Whether ``shape`` broadcasts to ``to``."""
    if len(shape) > len(to):
        return False
    return all(n in (1, m) for n, m in zip(shape[::-1], tuple(to)[::-1], strict=False))


# ---- forward

on_made: list[Callable[[BackwardCFunction], None]] = []  # told of every custom function that is recorded


def run(cls: Any, args: tuple[Any, ...], seen: Callable[[Any], None] | None = None) -> Any:
    """Run a custom function on tensors of no transform, and record it. Its ``ctx`` is shown to ``seen``."""
    ctx = cls._backward_cls()
    own = ctx.__dict__  # where the attributes are: writing there is much cheaper than by ``__setattr__``
    inputs = [a for a in args if isinstance(a, Tensor)]
    own["needs_input_grad"] = asking = tuple([isinstance(a, Tensor) and a._node is not None for a in args])
    executable = bool(mode() & RECORD) and any(asking)
    ctx.code, ctx.lasti = callsite.here()
    own["_inputs"] = tuple([(tuple(a.shape), record.np_dtype(a)) if isinstance(a, Tensor) else None for a in args])
    before = [a._node for a in inputs]
    if executable:
        own["parents"] = (Fan(tuple(before)),)
    with switched(mode() & ~RECORD):
        if has_setup_context(cls):
            raw = cls.forward(*args)
        else:
            raw = cls.forward(ctx, *args)
        outputs = raw if isinstance(raw, tuple) else (raw,)
        if has_setup_context(cls):
            cls.setup_context(ctx, args, raw)
            check_returned(ctx, inputs, outputs)
    made = processed(ctx, inputs, outputs, executable)
    if executable:
        keep(ctx, made)
        for call in on_made:
            call(ctx)
    if seen is not None:
        again = cls._backward_cls()
        again.__dict__.update(ctx.__dict__)
        seen(again)
    if ctx.to_save is not None:
        own["to_save"] = None
    own["dirty_tensors"] = own["non_differentiable"] = ()
    if (noted := record.applied.get()) is not None:
        noted.append((cls, args, made))
    return made if isinstance(raw, tuple) else made[0]


def has_setup_context(cls: Any) -> bool:
    return cls.setup_context is not Function.setup_context


def tensors_of(given: Iterable[Any], what: str) -> set[int]:
    ids = set()
    for i, t in enumerate(given):
        if not isinstance(t, Tensor):
            raise RuntimeError(f"{what}{i} is of type {type(t).__name__}")
        ids.add(id(t))
    return ids


def check_returned(ctx: Any, inputs: list[Tensor], outputs: tuple[Any, ...]) -> None:
    """Raise if ``setup_context`` saves an input that ``forward`` returned as it is: which of the two is meant?"""
    given = {id(x) for x in inputs} - {id(x) for x in ctx.dirty_tensors}
    returned = {id(o) for o in outputs if isinstance(o, Tensor) and id(o) in given}
    if returned and any([id(x) in returned for x in (*(ctx.to_save or ()), *(ctx.saved_for_forward or ()))]):
        raise RuntimeError(
            "An input that has been returned as-is as output is being saved for backward. This is not supported if you "
            "override setup_context. You should return and save a view of the input instead, e.g. with x.view_as(x) or setup "
            "ctx inside the forward function itself."
        )


def processed(ctx: Any, inputs: list[Tensor], outputs: tuple[Any, ...], executable: bool) -> tuple[Any, ...]:
    """The outputs of ``forward`` with their place in the graph."""
    dirty = tensors_of(ctx.dirty_tensors, "mark_dirty can only accept variables, but argument ")
    fixed = tensors_of(
        ctx.non_differentiable, "mark_non_differentiable only accepts variable arguments, but got argument "
    )
    dirty_checked(ctx, outputs)
    for t in ctx.dirty_tensors:
        memory.written(t._array, ctx.name(), ctx.code, ctx.lasti)
    given = {id(t) for t in inputs}
    if not dirty <= given:
        warnings.warn(
            "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been mutated should be "
            "passed to ctx.mark_dirty().",
            UserWarning,
            stacklevel=4,
        )
    is_output = [isinstance(o, Tensor) for o in outputs]
    differentiable = [
        executable
        and isinstance(o, Tensor)
        and id(o) not in fixed
        and (o.dtype.is_floating_point or o.dtype.is_complex)
        for o in outputs
    ]
    ctx.__dict__["_outputs"] = tuple(
        [
            (tuple(o.shape), record.np_dtype(o), d, True) if isinstance(o, Tensor) else (None, None, False, False)
            for o, d in zip(outputs, differentiable, strict=True)
        ]
    )
    for o in outputs:
        if executable and isinstance(o, Tensor) and id(o) in dirty and id(o) in given:
            writable(ctx, o, sum(is_output))
    ctx.seq = tick()
    ports: dict[int, Node] = {0: ctx}
    if executable and len(outputs) > 1:
        ctx.width = len(outputs)
        ports = {i: Port(ctx, i) for i in reversed(range(len(outputs))) if differentiable[i]}
    several = sum(differentiable) > 1
    made: list[Any] = []
    seen: dict[int, Any] = {}
    for i, o in enumerate(outputs):
        if not isinstance(o, Tensor):
            made.append(o)
        else:
            is_input, is_dirty = id(o) in given, id(o) in dirty
            result = placed(o, ports.get(i) if differentiable[i] else None, is_input, is_dirty, several, ctx)
            if type(result._view) is views.View and not executable and not is_dirty and id(o) not in fixed:
                result._view.kind = "custom"
            made.append(seen.setdefault(id(o), result) if not is_input else result)
    return tuple(made)


def dirty_checked(ctx: Any, outputs: tuple[Any, ...]) -> None:
    returned = {id(o) for o in outputs}
    if any(id(d) not in returned for d in ctx.dirty_tensors):
        raise RuntimeError(
            "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
            "modified inplace must all be outputs of the Function."
        )


def writable(ctx: Any, target: Tensor, outputs: int) -> None:
    """Raise if an input that ``forward`` wrote to may not be written in place."""
    if type(target._node) is Leaf:
        raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
    if views.base_of(target) is not None:
        if outputs > 1:
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return "
                "more than one Tensor. Make sure that the input is not a view (by .clone()), or split the Function in "
                "two, one of which does the in-place change and returns a single Tensor."
            )
        views.check_writable(target, ctx.name(), RECORD)


def placed(o: Tensor, node: Node | None, is_input: bool, is_dirty: bool, several: bool, ctx: Any) -> Tensor:
    """One output with its place in the graph: ``node``, or none."""
    if node is None:
        if type(o) is views.Spoiled:  # an input that has just been written
            return wrap(o._array) if is_input else o
        if o._node is None or (type(o._node) is Nowhere and (not is_input or is_dirty)):
            return alias_of(o, None, "custom") if is_input and not is_dirty else o
        if is_input:
            return wrap(o._array)
        o._node = None
        return o
    if is_dirty:
        o._grad = None  # as PyTorch has it
        views.rewrite_history(o, wrap(o._array, node), o._array.dtype)
        return o
    if is_input:
        return alias_of(o, node, "multi" if several else "custom")
    o._node = node
    if views.base_of(o) is not None:
        o._view.kind = "multi" if several else "custom"
        views.spoiled_by_writes(o)
    return o


def alias_of(o: Tensor, node: Node | None, kind: str) -> Tensor:
    """The same memory as another tensor, a view of ``o``."""
    made = wrap(o._array[...], node)
    views.view_of(made, o, views.alias.op, ())  # type: ignore[attr-defined]
    if kind and made._view is not None:
        made._view.kind = kind
        views.spoiled_by_writes(made)
    return made


def keep(ctx: Any, outputs: tuple[Any, ...]) -> None:
    """Save what ``save_for_backward`` was given; through the pack hooks, if there are some."""
    if not ctx.to_save:
        return
    numbers = {id(o): i for i, o in reversed(list(enumerate(outputs))) if isinstance(o, Tensor)}
    kept = []
    for i, t in enumerate(ctx.to_save):
        if t is not None and not isinstance(t, Tensor):
            raise TypeError(
                f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
            )
        if t is not None and t.is_inference():
            raise RuntimeError(INFERENCE_SAVED)
        number = numbers.get(id(t))
        one = Kept(t, ctx, number if t is not None and number is not None and ctx._outputs[number][2] else None)
        hooks = saved.hook_stack.get()
        if hooks and t is not None:
            one.packed = saved.pack(t, hooks[-1])
            if one.output is None:
                one.packed = one.packed.rejoined(t._node)
            one.tensor = None
        kept.append(one)
    ctx._kept = tuple(kept)


# ---- the class that users derive from


class FunctionMeta(type):
    """Makes, for every custom function, the class of its nodes."""

    _backward_cls: type[BackwardCFunction]

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"_forward_cls": cls})
        super().__init__(name, bases, attrs)


class Function(metaclass=FunctionMeta):
    """A function with a derivative of your own: derive from it, define ``forward`` and ``backward``, call ``apply``.

    ``forward(ctx, *args)`` computes; or ``forward(*args)`` together with ``setup_context(ctx, inputs, output)``.
    ``backward(ctx, *grads)`` gets a gradient for every output and returns one for every argument (None for arguments
    that are no tensors). It is itself recorded under ``create_graph=True``. ``jvp(ctx, *tangents)`` is the rule for
    forward mode, ``vmap(info, in_dims, *args)`` that for ``torch.vmap``, or ``generate_vmap_rule = True``.

    >>> import rushlight as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         x, = ctx.saved_tensors
    ...         return 3 * x * x * grad
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke "
            "them on the class itself. Instantiating an autograd function will raise an error in a future version of "
            "PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function "
            "with static forward method: call YourFunction.apply(...)."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs. To be defined by the custom function."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save for backward what is needed, where ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gradients of the arguments from those of the outputs. To be defined by the custom function."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name for ``backward``."""
        return Function.backward(ctx, *grad_outputs)

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Tangents of the outputs from those of the arguments. To be defined for forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """The function on a batch: returns ``(output, out_dims)``. To be defined for ``torch.vmap``."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap static method or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the function and record it. Keyword arguments are put in the order of ``forward``'s parameters."""
        if kwargs or has_setup_context(cls):
            args = in_order(cls, args, kwargs)
        top = None
        for a in args:
            if isinstance(a, Tensor) and a.level and (top is None or a.level > top.level):
                top = a
        if top is not None:
            from .custom import apply_at

            return apply_at(cls, args, top.transform)
        if override := record.overriding(args, None):
            return override(cls, args, None)
        return run(cls, args)


_SingleLevelFunction = Function


def in_order(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments by position, defaults filled in, as ``forward`` would be called."""
    signature = inspect.signature(cls.forward)
    if has_setup_context(cls):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args
    bound = signature.bind(None, *args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(
            f"{cls.__name__}.apply(): keyword-only parameters of forward are not supported: {[*bound.kwargs]}"
        )
    return bound.args[1:]


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a ``backward`` that is not itself differentiable: a second derivative through it raises RuntimeError."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with switched(mode() & ~RECORD):
            outputs = fn(ctx, *args)
        if not mode() & RECORD or not any(isinstance(a, Tensor) and a._node is not None for a in args):
            return outputs
        several = isinstance(outputs, tuple)
        made = [wrap(o._array, Delayed()) if isinstance(o, Tensor) else o for o in (outputs if several else (outputs,))]
        return tuple(made) if several else made[0]

    return wrapper


class Delayed(Node):
    """Stands behind a gradient that cannot be differentiated again."""

    __slots__ = ()

    def __init__(self) -> None:
        self.parents, self.rules, self.saved = (Leaf(lambda: None),), (not_again,), ((),)
        self.seq = tick()
        self.code, self.lasti = callsite.here()

    def name(self) -> str:
        return "torch::autograd::DelayedError"


Delayed.__name__ = Delayed.__qualname__ = "DelayedError"


def not_again(g: Any) -> Any:
    raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


class InplaceFunction(Function):
    """A custom function with a flag ``inplace``. (PyTorch's, kept for old programs.)"""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """A custom function on nested lists and tuples of tensors. (PyTorch's, kept for old programs.)"""

    def save_for_backward(self, *args: Any) -> None:
        self.to_save = tuple(flat(args))
        self._to_save_nested = args

    @property
    def saved_tensors(self) -> Any:
        return self._to_save_nested

    def mark_dirty(self, *args: Any, **kwargs: Any) -> None:
        self.dirty_tensors = tuple(flat((args, kwargs)))

    def mark_non_differentiable(self, *args: Any, **kwargs: Any) -> None:
        self.non_differentiable = tuple(flat((args, kwargs)))

    def forward_extended(self, *input: Any) -> None:
        """To be defined by the function."""
        raise NotImplementedError

    def backward_extended(self, *grad_output: Any) -> None:
        """To be defined by the function."""
        raise NotImplementedError


def flat(x: Any) -> list[Any]:
    """The tensors in nested lists, tuples and dicts."""
    if isinstance(x, Tensor):
        return [x]
    if isinstance(x, dict):
        x = list(x.values())
    return [t for part in x for t in flat(part)] if isinstance(x, (list, tuple)) else []


AUTOGRAD_FUNCTION_COUNTER = iter(range(1, 1 << 62))

__all__ = [
    "BackwardCFunction",
    "Function",
    "FunctionCtx",
    "FunctionMeta",
    "InplaceFunction",
    "NestedIOFunction",
    "OrderedDict",
    "once_differentiable",
]
