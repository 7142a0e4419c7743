"""Memory for time: parts of the forward are not saved for backward, but computed again when it gets there.

Without reentrance, every tensor that an operation would save is replaced by an empty holder (by saved-tensor hooks);
the first holder that backward opens runs the function again, whose saved tensors fill them all. The reentrant kind is a
custom function whose backward runs the function again and a backward pass inside the backward pass.
"""

from __future__ import annotations

import contextlib
import enum
import warnings
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import zip_longest
from typing import Any

import numpy as np

import rushlight as rl

from .._core import callsite, engine, memory, record, saved
from .._core.declare import FusedOp
from .._core.memory import tick
from .._core.mode import RECORD, mode
from .._core.tensor import Tensor, wrap
from ..autograd.graph import Watching, saved_tensors_hooks
from ..autograd.variable import _engine

_debug: ContextVar[bool | None] = ContextVar("rushlight checkpoint debug", default=None)
_early_stop: ContextVar[bool | None] = ContextVar("rushlight checkpoint early stop", default=None)
_group: ContextVar[Any] = ContextVar("rushlight checkpoint group", default=None)


class CheckpointError(RuntimeError):
    """The recomputation did not do what the forward did."""


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """A block that overrides the ``debug`` argument of :func:`checkpoint`; None leaves it as it is."""
    token = _debug.set(enabled)
    try:
        yield
    finally:
        _debug.reset(token)


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """A block whose checkpoints stop recomputing (or do not) once everything that is needed has been computed.

    It counts where the forward runs.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint, set_checkpoint_early_stop
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> with set_checkpoint_early_stop(False):
    ...     y = checkpoint(torch.exp, x, use_reentrant=False)
    >>> y.backward()
    """
    token = _early_stop.set(enable)
    try:
        yield
    finally:
        _early_stop.reset(token)


# ---- reentrant


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors of a tuple as leaves of their own, each asking for a gradient as before."""
    if not isinstance(inputs, tuple):
        raise RuntimeError("Only tuple of tensors is supported. Got Unsupported input type: " + type(inputs).__name__)
    made = []
    for x in inputs:
        if isinstance(x, Tensor):
            asked = x.requires_grad
            x = x.detach()
            x.requires_grad = asked
        made.append(x)
    return tuple(made)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn if no input requires grad."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=4)


class DefaultDeviceType:
    """The device type of checkpoints whose arguments name none: the CPU, the only one."""

    _default_device_type = "cpu"

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Which device's random state to keep. Raises for any but the CPU."""
        if rl.device(device).type != "cpu":
            raise NotImplementedError(f"there is no device type {device!r}: Rushlight computes on the CPU")

    @staticmethod
    def get_device_type() -> str:
        """``"cpu"``."""
        return DefaultDeviceType._default_device_type


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The numbers of the devices of tensors and their random states: none, as the CPU's state is kept apart."""
    return [], []


def set_device_states(devices: Any, states: Any, *, device_type: str | None = None) -> None:
    """Put back what :func:`get_device_states` gave: nothing."""
    if len(devices) or len(states):
        raise NotImplementedError("there are no devices but the CPU, whose random state torch.set_rng_state sets")


class CheckpointFunction(rl.autograd.Function):
    """The reentrant checkpoint: its backward runs the function again, recorded, and a backward pass through that."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function, ctx.preserve_rng_state = run_function, preserve_rng_state
        if preserve_rng_state:
            ctx.rng_state = rl.get_rng_state()
        ctx.inputs = [None if isinstance(a, Tensor) else a for a in args]
        ctx.tensor_places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.save_for_backward(*[a for a in args if isinstance(a, Tensor)])
        with rl.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        if not _engine.is_checkpoint_valid():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        for place, tensor in zip(ctx.tensor_places, ctx.saved_tensors, strict=True):
            inputs[place] = tensor
        with rl.random.fork_rng(enabled=ctx.preserve_rng_state):
            if ctx.preserve_rng_state:
                rl.set_rng_state(ctx.rng_state)
            detached = detach_variable(tuple(inputs))
            with rl.enable_grad():
                outputs = ctx.run_function(*detached)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [(o, g) for o, g in zip(outputs, grads, strict=False) if isinstance(o, Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        rl.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
        return (None, None, *[x.grad if isinstance(x, Tensor) else None for x in detached])


# ---- what programs call


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: for the forward and for the recomputation."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, whose intermediate results are not kept for backward but computed again there.

    ``use_reentrant=False`` (recommended) works with ``grad``, keyword arguments, nested checkpoints and higher
    derivatives; its other options: ``context_fn`` gives two contexts for forward and recomputation (see
    :func:`create_selective_checkpoint_contexts`), ``determinism_check="none"`` does not compare shapes and dtypes of
    what is recomputed, ``debug`` lists the operators of both runs in the error when they differ, ``early_stop`` ends the
    recomputation once all is there. ``preserve_rng_state=False`` lets random numbers differ the second time.

    Raises CheckpointError in backward if the recomputation saves other tensors than the forward did: naming the
    operators and lines.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log() * x, x, use_reentrant=False).backward()
    >>> x.grad
    tensor(4.)
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, "
            "but if you need to preserve the current default behavior, you can pass use_reentrant=True.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    overridden = _debug.get()
    logs: list[Log] = []
    if debug if overridden is None else overridden:
        if context_fn is not noop_context_fn:
            raise ValueError("debug=True is incompatible with non-default context_fn")
        logs = [Log(), Log()]
        context_fn = lambda: tuple(logs)  # type: ignore[assignment, return-value]
    if determinism_check not in DETERMINISM:
        raise ValueError(f"determinism_check should be one of {list(DETERMINISM)}, but got {determinism_check}")
    forward_context, recompute_context = context_fn()
    if not mode() & RECORD:
        return function(*args, **kwargs)
    stop = _early_stop.get()
    frame = Frame(function, args, kwargs, preserve, recompute_context, early_stop if stop is None else stop)
    frame.metadata, frame.logs = DETERMINISM[determinism_check], logs
    raised = True
    with Saving(frame), forward_context:
        result = function(*args, **kwargs)
        raised = False
    if raised:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception raised "
            "during the checkpointed forward. This is not supported because checkpoint cannot return a value for a "
            "failed forward."
        )
    frame.complete = True
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Functions one after the other (a list or ``nn.Sequential``), all segments but the last with a checkpoint around.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint_sequential
    >>> x = torch.tensor(0.5, requires_grad=True)
    >>> checkpoint_sequential([torch.sin, torch.cos, torch.exp], 3, x, use_reentrant=False).requires_grad
    True
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True.",
            UserWarning,
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if isinstance(functions, rl.nn.Sequential) else functions

    def part(start: int, end: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for step in steps[start:end]:
                x = step(x)
            return x

        return run

    size = len(steps) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(part(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return part(end, len(steps))(input)


# ---- the non-reentrant machine


class Holder:
    """Stands in the graph for a saved tensor. For each pass that opens it: a token of what was recomputed."""

    __slots__ = ("__weakref__", "handles")

    def __init__(self) -> None:
        self.handles: dict[Any, Handle | None] = {}


class Handle:
    """A token; the recomputed tensor lives as long as it does."""

    __slots__ = ("__weakref__",)


class Place:
    """Where and by what a tensor was saved, and its shape and dtype."""

    __slots__ = ("code", "lasti", "meta", "op")

    def __init__(self, op: str, meta: Any) -> None:
        self.op, self.meta = op, meta
        self.code, self.lasti = callsite.here()

    def __str__(self) -> str:
        return f"{self.op} at {callsite.shown(self.code, self.lasti)}"

    def same(self, other: Place | None) -> bool:
        return other is not None and str(self) == str(other)


def metadata_of(x: Tensor) -> dict[str, Any]:
    return {"shape": x.shape, "dtype": x.dtype, "device": x.device}


DETERMINISM: dict[str, Callable[[Tensor], Any]] = {"default": metadata_of, "none": lambda _: None}


class Frame:
    """One call of :func:`checkpoint`: how to run the function again, and the holders that this fills."""

    metadata: Callable[[Tensor], Any]
    logs: list[Log]

    def __init__(
        self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], preserve: bool, context: Any, stop: bool
    ) -> None:
        self.function, self.kwargs, self.context, self.early_stop = function, kwargs, context, stop
        self.args = tuple([kept(a) for a in args])
        self.versions = [version_of(a) for a in self.args]
        self.rng_state = rl.get_rng_state() if preserve else None
        self.holders: list[weakref.ref[Holder]] = []
        self.places: list[Place] = []
        self.again: dict[Any, list[Place]] = defaultdict(list)  # the places of each recomputation
        self.recomputed: dict[Any, weakref.WeakKeyDictionary[Handle, Tensor]] = {}
        self.complete = False
        self.grad_inside = False  # backward ran inside the function, so the counts may differ

    def recompute(self, which: Any) -> None:
        """Run the function again and keep what it saves, for the pass ``which``."""
        self.recomputed[which] = weakref.WeakKeyDictionary()
        self.again[which] = []
        for i, (arg, version) in enumerate(zip(self.args, self.versions, strict=True)):
            if version != version_of(arg):
                raise changed_input(i, arg, version)
        args = [a.unpack() if isinstance(a, saved.Packed) else a for a in self.args]
        with rl.random.fork_rng(enabled=self.rng_state is not None):
            if self.rng_state is not None:
                rl.set_rng_state(self.rng_state)
            with contextlib.suppress(Enough), Refilling(self, which), rl.enable_grad(), self.context:
                self.function(*args, **self.kwargs)
        self.check(which)

    def check(self, which: Any) -> None:
        """Raise if the recomputation saved other tensors than the forward did."""
        again = self.again.pop(which)
        if self.grad_inside:
            return
        if len(again) != len(self.places):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.places)}\n"
                f"Number of tensors saved during recomputation: {len(again)}.\n{self.difference(again)}"
            )
        text = ""
        for i, (ref, old, new) in enumerate(zip(self.holders, self.places, again, strict=True)):
            if ref() is not None and old.meta != new.meta:
                text += (
                    f"tensor at position {i}:\nsaved metadata: {old.meta}\nrecomputed metadata: {new.meta}\n"
                    f"saved by {old}, recomputed by {new}\n"
                )
        if text:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{text}.\n{self.difference(again)}"
            )

    def difference(self, again: list[Place]) -> str:
        """Where the two runs part, in words."""
        for i, (old, new) in enumerate(zip_longest(self.places, again)):
            if old is None or not old.same(new):
                return (
                    f"They part at tensor {i}: the forward saved it in {old or 'no operator: it had ended'}, the "
                    f"recomputation in {new or 'no operator: it had ended'}. A checkpointed function must do the same "
                    "both times: nothing it reads may change between forward and backward.\n" + TIP
                )
        return "Both ran the same operators: their inputs differ. " + TIP


TIP = (
    "Tip: To see a more detailed error message, either pass `debug=True` to `torch.utils.checkpoint.checkpoint(...)` "
    "or wrap the code block with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):`."
)


def kept(arg: Any) -> Any:
    """An argument for the recomputation: through the pack hook around us, if there is one (an outer checkpoint's)."""
    hooks = saved.hook_stack.get()
    if isinstance(arg, Tensor) and not arg.level and hooks:
        return saved.pack(arg, hooks[-1]).rejoined(arg._node)
    return arg


def version_of(arg: Any) -> int:
    """How often the memory of an argument has been written."""
    return memory.version(arg._array) if type(arg) is Tensor and not arg.level else 0


def changed_input(i: int, arg: Tensor, version: int) -> RuntimeError:
    """The error for an argument that was written in place, so that the function cannot be run on it again."""
    written = memory.writes(arg._array)
    where = callsite.shown(written.code, written.lasti) if written is not None else "an unknown line"
    kind = arg.type().removesuffix("Tensor")
    node = arg.grad_fn
    which = f", which is output 0 of {node.name()}" if node is not None else ""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{kind}Tensor {list(arg.shape)}]{which}, is at version {version_of(arg)}; expected version {version} "
        f"instead. It is argument {i} of a checkpointed function, which backward runs again, and was changed at "
        f"{where}. Fix: write the change out of place (y = y + 1 instead of y += 1), or give the checkpoint a .clone()."
    )


class Enough(Exception):
    """Ends a recomputation: all that is needed is there."""


CUSTOM = "a custom function"  # what saves outside of all operators


class Noting(saved_tensors_hooks):
    """A pair of hooks that knows which operator is saving: ``saving`` holds its name.

    The hooks name that list, not these hooks themselves: a cycle would keep the function's arguments alive.
    """

    def __init__(self, pack: Callable[[Any], Any], unpack: Callable[[Any], Any], saving: list[str]) -> None:
        super().__init__(pack, unpack)
        self.saving = saving

    def __enter__(self) -> None:
        super().__enter__()
        self.watch(self.noting)

    def __exit__(self, *args: object) -> None:
        self.unwatch()
        super().__exit__(*args)

    def noting(self, run: Callable[..., Any]) -> Callable[..., Any]:
        saving = self.saving

        def noted(op: Any, args: tuple[Any, ...]) -> Any:
            saving[0] = op.name
            try:
                return run(op, args)
            finally:
                saving[0] = CUSTOM

        return noted


class Saving(Noting):
    """The hooks around the forward: they put holders into the graph."""

    def __init__(self, frame: Frame) -> None:
        saving = [CUSTOM]

        def pack(x: Tensor) -> Holder:
            holder = Holder()
            frame.holders.append(weakref.ref(holder))
            frame.places.append(Place(saving[0], frame.metadata(x)))
            return holder

        def unpack(holder: Holder) -> Tensor:
            try:
                return filled(frame, holder)
            except CheckpointError as error:
                if not frame.logs:
                    raise
                raise CheckpointError(f"{Log.report(*frame.logs)}\n{error}") from error

        super().__init__(pack, unpack, saving)


class Refilling(Noting):
    """The hooks around a recomputation: they fill the holders, in the order in which these were made."""

    def __init__(self, frame: Frame, which: Any) -> None:
        saving = [CUSTOM]

        def pack(x: Tensor) -> Tensor:
            if x._node is not None:  # a tensor outside the graph stays the caller's own object
                x = wrap(x._array)
            again = frame.again[which]
            i = len(again)
            again.append(Place(saving[0], frame.metadata(x)))
            if i >= len(frame.holders):
                if not frame.complete:
                    frame.grad_inside = True
                    return x
                raise CheckpointError(
                    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original "
                    f"forward pass.\n{frame.difference(again)}"
                )
            holder = frame.holders[i]()
            if holder is not None:
                handle = holder.handles[which] = Handle()
                frame.recomputed[which][handle] = x
            if frame.early_stop and len(again) == len(frame.holders):
                raise Enough
            return x

        super().__init__(pack, lambda x: x, saving)


def filled(frame: Frame, holder: Holder) -> Tensor:
    """What a holder stands for, in the backward pass that is running; recomputed if this is the first one it opens."""
    this = engine.current.get()
    which = _group.get() or (this.number if this is not None else -tick())
    if which not in frame.recomputed:
        frame.recompute(which)
    handle = holder.handles.get(which)
    if handle is None:
        overlap = (
            "Performing two backward calls that overlap (i.e. require the same saved activation in order to compute "
            "gradients) is not allowed while under the torch.utils.checkpoint.GraphExecGroup context. "
        )
        raise CheckpointError(
            "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. "
            f"{overlap if _group.get() is not None else ''}If you are calling ctx.saved_tensors in backward, make "
            "sure to do so only once."
        )
    found = frame.recomputed[which][handle]
    holder.handles[which] = None
    return found


class GraphExecGroup:
    """A block whose backward passes recompute each checkpoint once between them (they may not overlap)."""

    def __enter__(self) -> GraphExecGroup:
        if _group.get() is not None:
            raise RuntimeError(f"GraphExecGroup contexts cannot be nested. Already inside group {_group.get()}")
        _group.set(self)
        return self

    def __exit__(self, *args: object) -> None:
        _group.set(None)

    @classmethod
    def _get_current_group(cls) -> GraphExecGroup | None:
        found: GraphExecGroup | None = _group.get()
        return found


class Log(Watching):
    """A block that lists its operators and their lines, for ``debug=True``."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __enter__(self) -> None:
        self.lines.clear()
        self.watch(self.logging)

    def __exit__(self, *args: object) -> None:
        self.unwatch()

    def logging(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def logged(op: Any, args: tuple[Any, ...]) -> Any:
            shapes = ", ".join([str(list(a.shape)) if isinstance(a, Tensor) else repr(a) for a in args])
            self.lines.append(f"{op.name}({shapes}) at {callsite.shown(*callsite.here())}")
            return run(op, args)

        return logged

    @staticmethod
    def report(forward: Log, recomputation: Log) -> str:
        """Both lists, for the error."""
        return (
            "An error happened while unpacking tensors; dumping logs of latest computation because you passed "
            "`debug=True` to `torch.utils.checkpoint.checkpoint()`.\n\nOperations executed during the original "
            "forward:\n\n"
            + "\n".join(forward.lines)
            + "\n\nOperations executed during recomputation:\n\n"
            + "\n".join(recomputation.lines)
            + "\n\nERROR: Detected non-determinism while running activation checkpointing\n\nYou are seeing this error "
            "because you passed `debug=True` to checkpoint, and the recomputation saved other tensors than the forward "
            "did: compare the two lists above, where each operator stands with its line.\n"
        )


# ---- selective: which results are kept, by operator


class CheckpointPolicy(enum.Enum):
    """What is done with an operator's result: kept (``SAVE``, or ``CPU_OFFLOAD``: a copy of it) or computed again.

    ``MUST`` and ``PREFER`` differ only for compilers.
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


class SelectiveCheckpointContext:
    """What a policy function is told: ``op_output`` is the operator's result."""

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


class Cached:
    """The kept arrays of one call, and how often each had been written when they were kept."""

    __slots__ = ("arrays", "versions")

    def __init__(self, arrays: Any) -> None:
        self.arrays = arrays
        self.versions = [memory.version(a) for a in flat(arrays)]

    def take(self, may_change: bool) -> Any:
        if not may_change and self.versions != [memory.version(a) for a in flat(self.arrays)]:
            raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
        return self.arrays


def flat(arrays: Any) -> list[Any]:
    return [a for a in (arrays if isinstance(arrays, tuple) else (arrays,)) if a is not None]


RECOMPUTE, CONSUMED = object(), object()
DIFFERENT = (
    "This can happen if the operations in the checkpointed region are nondeterministic or depend on global state that "
    "changed between forward and backward."
)


class Selecting(Watching):
    """A block that watches operators from nearest to them: what it gives instead of a result is recorded as usual."""

    def __init__(self, storage: dict[Any, list[Any]]) -> None:
        self.storage = storage

    def __enter__(self) -> None:
        self.counts: dict[Any, int] = defaultdict(int)
        self.watch(self.selecting)
        others = tuple([w for w in record.watchers.get() if w != self.selecting])
        record.watchers.set((self.selecting, *others))

    def __exit__(self, *args: object) -> None:
        self.unwatch()

    def selecting(self, run: Callable[..., Any]) -> Callable[..., Any]:
        raise NotImplementedError


class Caching(Selecting):
    """Around the forward: asks the policy of every operator, and keeps results."""

    def __init__(self, policy: Callable[..., Any], storage: dict[Any, list[Any]]) -> None:
        super().__init__(storage)
        self.policy = policy

    def selecting(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def cached(op: Any, args: tuple[Any, ...]) -> Any:
            result = run(op, args)
            known = rl.ops.overload_of(op, args)
            policy = self.policy(SelectiveCheckpointContext(is_recompute=False, op_output=result), known, *args)
            if isinstance(policy, bool):
                policy = CheckpointPolicy.MUST_SAVE if policy else CheckpointPolicy.PREFER_RECOMPUTE
            if policy in (CheckpointPolicy.MUST_RECOMPUTE, CheckpointPolicy.PREFER_RECOMPUTE):
                self.storage[op].append(RECOMPUTE)
            elif isinstance(op, FusedOp):
                self.storage[op].append(
                    RECOMPUTE
                )  # what its backward kernel needs is computed together with the result
            else:
                made = result if op.outputs is not None else (result,)
                arrays = tuple([r._array if isinstance(r, Tensor) else r for r in made])
                if policy in (CheckpointPolicy.MUST_CPU_OFFLOAD, CheckpointPolicy.PREFER_CPU_OFFLOAD):
                    arrays = tuple([a.copy() if isinstance(a, np.ndarray) else a for a in arrays])
                self.storage[op].append(Cached(arrays if op.outputs is not None else arrays[0]))
            return result

        return cached


class Reusing(Selecting):
    """Around the recomputation: gives the kept results instead of computing them."""

    def __init__(self, storage: dict[Any, list[Any]], may_change: bool) -> None:
        super().__init__(storage)
        self.may_change = may_change

    def selecting(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def reused(op: Any, args: tuple[Any, ...]) -> Any:
            i = self.counts[op]
            self.counts[op] += 1
            entries = self.storage.get(op)
            if entries is None:
                raise RuntimeError(f"{op.name} encountered during backward but not found in storage. {DIFFERENT}")
            if i >= len(entries):
                raise RuntimeError(
                    f"{op.name} invocation index {i} encountered during backward but not found in storage. {DIFFERENT}"
                )
            entry = entries[i]
            if entry is RECOMPUTE:
                return run(op, args)
            if entry is CONSUMED:
                raise RuntimeError(
                    "Trying to backward an extra time. You are only allowed to backward once on any region computed "
                    "under selective activation checkpoint."
                )
            entries[i] = CONSUMED
            return record.placed(op, args, record.values_of(op, args), entry.take(self.may_change), mode() & RECORD)

        return reused


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> tuple[Any, Any]:
    """Two contexts for ``checkpoint(..., context_fn=...)`` that keep some operators' results instead of computing them again.

    Given is a list of operators to keep (``torch.ops.aten.mm.default``, or functions such as ``torch.mm``), or a policy
    function ``policy(ctx, op, *args)`` that returns a :class:`CheckpointPolicy`. Kept results may not be changed in place,
    unless ``allow_cache_entry_mutation``.

    >>> import functools
    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
    >>> keep = functools.partial(create_selective_checkpoint_contexts, [torch.ops.aten.mm.default])
    >>> x = torch.ones(2, 2, requires_grad=True)
    >>> checkpoint(lambda x: (x @ x).sin(), x, use_reentrant=False, context_fn=keep).sum().backward()
    """
    if isinstance(policy_fn_or_list, list):
        for op in policy_fn_or_list:
            if isinstance(op, rl.ops.OpOverloadPacket):
                raise ValueError(
                    f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}. Please update the "
                    "OpOverloadPacket to a specific OpOverload. For example, if you have `torch.ops.aten.mm`, change "
                    "it to `torch.ops.aten.mm.default`."
                )
            if not isinstance(op, rl.ops.OpOverload) and not hasattr(op, "op"):
                raise ValueError(f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}. ")
        listed = [op.op if hasattr(op, "op") else op for op in policy_fn_or_list]

        def policy(ctx: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
            keep = op in listed or op.op in listed
            return CheckpointPolicy.MUST_SAVE if keep else CheckpointPolicy.PREFER_RECOMPUTE

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    storage: dict[Any, list[Any]] = defaultdict(list)
    return Caching(policy, storage), Reusing(storage, allow_cache_entry_mutation)


__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]
