"""The backward pass: gradients carried from roots back along the graph, newest node first.

A node is newer than all it was made from. So once it is the newest one left, its gradient is complete: a heap
by creation time is the whole scheduling, without recursion and without counting dependencies.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar, copy_context
from heapq import heappop, heappush, heappushpop
from threading import RLock, Thread
from typing import Any

import numpy as np

from . import callsite, memory
from .graph import Bundle, Freed, Leaf, Node, Nowhere, Port
from .mode import RECORD, mode, word
from .record import changed_error, inner_array, np_dtype, saves_for_one
from .tensor import Tensor, wrap

ndarray = np.ndarray
_commit = RLock()  # one backward at a time adds to .grad
_seeds: dict[np.dtype, ndarray] = {}
MANY_STEPS = 64  # so many graphs of earlier passes that are still there are a mistake, most likely
growing: list[Callable[[], None]] = []  # says so, once (``autograd.memory``)
NESTED = 16  # so many passes inside passes use one thread's Python stack, then another thread goes on


class Pass:
    """What one backward pass knows. ``arrived`` holds complete gradients of leaves and of ``wanted`` nodes."""

    __slots__ = (
        "accumulate", "arrived", "callbacks", "create_graph", "depth", "ends", "number", "reached", "roots", "useful",
        "waiting", "wanted",
    )  # fmt: skip

    def __init__(
        self, roots: Sequence[tuple[Node, Any]], create_graph: bool, inputs: Sequence[Node] | None, accumulate: bool
    ) -> None:
        self.roots, self.create_graph, self.accumulate = roots, create_graph, accumulate
        self.arrived: dict[Node, Any] = {}
        self.waiting: dict[Leaf, int] = {}  # how many gradients leaves with hooks still wait for
        self.callbacks: list[Callable[[], Any]] = []
        self.reached: set[Node] | None = None
        self.depth = 0
        self.number = memory.tick()  # which pass this is, for what is kept for the length of one
        self.wanted: frozenset[Node] | None = None
        self.useful: set[Node] | None = None
        self.ends: frozenset[Node] | None = None
        if inputs is not None:
            self.wanted = frozenset(inputs)
            self.useful = useful = leading_to(self.wanted, [n for n, _ in roots])
            # nodes whose gradient is wanted, or that of one of their outputs, but that need not run themselves
            asked = [n.parents[0] for n in self.wanted if type(n) is Port and n.parents[0].hooks is None]  # type: ignore[union-attr]
            self.ends = frozenset(
                [n for n in (*self.wanted, *asked) if not accumulate and not any([p in useful for p in n.parents])]  # type: ignore[union-attr, misc]
            )

    def will_run(self, node: Node) -> bool:
        """Whether this pass runs ``node``."""
        if self.useful is not None:
            return node in self.useful
        if self.reached is None:
            self.reached = reachable([root for root, _ in self.roots])
        return node in self.reached


enforce_layout: ContextVar[bool] = ContextVar("rushlight gradient layout", default=True)
current: ContextVar[Pass | None] = ContextVar("rushlight backward pass", default=None)
# functions ``observe(node, g, run)`` around every node of a pass: they call ``run()`` and return what it returned
observers: ContextVar[tuple[Callable[..., Any], ...]] = ContextVar("rushlight backward observers", default=())


def backward(
    roots: Sequence[tuple[Node, Any]],
    keep: bool,
    create_graph: bool,
    inputs: Sequence[Node] | None = None,
    accumulate: bool = True,
) -> dict[Node, Any]:
    """Run the pass from ``roots`` (nodes with their gradients).

    With ``inputs``, only what leads there runs, and the gradients that arrived are returned by node. With
    ``accumulate``, gradients of leaves (of ``inputs``, if given) are added to ``.grad``.
    Gradients are arrays at first order, tensors with ``create_graph`` or inside a transform.
    """
    this = Pass(roots, create_graph, inputs, accumulate)
    freed = None if keep else Freed(*callsite.here())
    if Freed.alive > MANY_STEPS and growing:
        growing.pop()()
    outer = current.get()
    if outer is not None:
        this.depth = outer.depth + 1
        if this.depth % NESTED == 0:
            return in_a_thread(this, freed)
    return started(this, freed)


def started(this: Pass, freed: Freed | None) -> dict[Node, Any]:
    """Run a pass in the grad mode that it needs; then its callbacks."""
    token = current.set(this)
    try:
        now = mode()
        recording = now | RECORD if this.create_graph else now & ~RECORD
        if recording != now:
            before = word.set(recording)
            try:
                run(this, freed)
            finally:
                word.reset(before)
        else:
            run(this, freed)
        for call in this.callbacks:  # those that callbacks add run too
            call()
    finally:
        current.reset(token)
    return this.arrived


def in_a_thread(this: Pass, freed: Freed | None) -> dict[Node, Any]:
    """Run a deeply nested pass on another thread's stack, in this thread's context, and wait for it."""
    raised: list[BaseException] = []

    def body() -> None:
        try:
            started(this, freed)
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=copy_context().run, args=(body,), name="rushlight nested backward", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # there are no threads, as in a browser
        return started(this, freed)
    thread.join()
    if raised:
        raise raised[0]
    return this.arrived


def run(this: Pass, freed: Freed | None) -> None:
    """The pass itself. ``pending`` holds the gradients on their way, by the node they have reached.

    A gradient of None is one that does not exist: it goes on to hooks and custom functions, which may make one of it.
    """
    create_graph, wanted, useful, arrived = this.create_graph, this.wanted, this.useful, this.arrived
    ends = this.ends
    plain = not observers.get()
    pending: dict[Node, Any] = {}
    heap: list[tuple[int, Node]] = []
    for root, g in this.roots:
        if useful is not None and root not in useful:
            continue
        if root in pending:
            pending[root] = added(pending[root], g)
        else:
            pending[root] = g
            heappush(heap, (-root.seq, root))
    root = g = None  # type: ignore[assignment]  # a gradient held nowhere else can be taken over without a copy

    while heap:
        node = heappop(heap)[1]
        while True:  # a chain is followed without the heap
            g = pending.pop(node)
            if type(node) is Leaf:
                receive(this, node, g)
            elif ends and node in ends:
                arrived[node] = g if node.hooks is None else at_end[0](this, node, g)
            else:
                if plain and node.hooks is None and g is not None:
                    if memory.last_write > node.seq and node.holds:
                        changed_error(node)
                    try:
                        edges: Iterable[Any] = zip(
                            node.parents, node.rules, node.revived() if create_graph else node.saved, strict=True
                        )
                    except RuntimeError:
                        edges = nowhere(node)
                    if wanted is not None and node in wanted:
                        arrived[node] = g
                else:
                    edges = around[0](this, node, g)
                ahead = None
                for parent, vjp, saved in edges:
                    if parent is None or (useful is not None and parent not in useful):
                        continue
                    h = vjp(g, *saved)
                    if parent in pending:
                        pending[parent] = pending[parent] + h if h is not None and pending[parent] is not None else (
                            added(pending[parent], h)
                        )  # fmt: skip
                    elif type(parent) is Leaf:
                        if parent.hooks is None and h is not None:
                            arrived[parent] = h if (old := arrived.get(parent)) is None else old + h
                        else:
                            receive(this, parent, h)
                    else:
                        pending[parent] = h
                        if ahead is None:
                            ahead = parent
                        else:
                            heappush(heap, (-parent.seq, parent))
                if freed is not None and node.holds:
                    node.saved = freed
                if ahead is not None:
                    if heap and heap[0][0] < -ahead.seq:
                        node = heappushpop(heap, (-ahead.seq, ahead))[1]
                    else:
                        node = ahead
                    continue
            break

    g = h = None  # as above
    for leaf in [n for n in arrived if type(n) is Leaf and n.hooks is not None and this.waiting.get(n, 1) > 0]:
        leaf.hooks.at_leaf(this, leaf)  # its hooks were registered during the pass
    if this.accumulate:
        commit(this)


def added(g: Any, h: Any) -> Any:
    """The sum of two gradients, each of which may not exist."""
    return h if g is None else g if h is None else g + h


def nowhere(node: Node) -> tuple[()]:
    """The edges worth following of a freed node of several inputs: none, if all of them lead nowhere; else it raises.

    (PyTorch saves nothing for an input whose gradient is not needed; a node of one input does not ask.)
    """
    used = [
        (p is not None and type(p) is not Nowhere) or not saves_for_one(node, i) for i, p in enumerate(node.parents)
    ]
    if type(node.saved) is not Freed or any(used):
        raise
    return ()


around: list[Callable[..., Any]] = []  # ``hooks.around``: a node with hooks, with observers, or without a gradient
at_end: list[Callable[..., Any]] = []  # ``hooks.at_end``: a node that has hooks but need not run


def reachable(roots: Iterable[Node]) -> set[Node]:
    """All nodes that a pass from ``roots`` comes to."""
    reached: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in reached:
            reached.add(node)
            stack += [p for p in node.parents if p is not None]
    return reached


def leading_to(wanted: frozenset[Node], roots: Iterable[Node]) -> set[Node]:
    """The nodes on a path from the roots to a wanted one, or to the node that it is an output of: those worth running."""
    useful = {node for node in wanted if type(node) is not Nowhere}
    for node in wanted:  # as in PyTorch, what leads to other outputs of its node counts, too; and hooks stand there
        if type(node) is Port:
            useful.add(node.parents[0])  # type: ignore[arg-type]
    for node in sorted(reachable(roots), key=lambda node: node.seq):
        if node not in useful and any([p in useful for p in node.parents]):
            useful.add(node)
    return useful


# ---- leaves


def receive(this: Pass, leaf: Leaf, g: Any) -> None:
    """Take in a gradient of a leaf; when it is complete and the leaf has hooks, run them and add to ``.grad``."""
    arrived, waiting = this.arrived, this.waiting
    if g is not None or leaf not in arrived:
        arrived[leaf] = added(arrived.get(leaf), g)
    if leaf.hooks is None:
        return
    if leaf not in waiting:
        count_arrivals(this)
    waiting[leaf] = waiting.get(leaf, 1) - 1
    if waiting[leaf] == 0:
        leaf.hooks.at_leaf(this, leaf)


def count_arrivals(this: Pass) -> None:
    """Count how many gradients each leaf with hooks gets in this pass: one along each edge that leads to it."""
    if this.reached is None:
        this.reached = reachable([root for root, _ in this.roots])
    counts: dict[Leaf, int] = {}
    useful = this.useful
    for root in {root for root, _ in this.roots if type(root) is Leaf}:
        counts[root] = 1
    for node in this.reached:
        if useful is None or node in useful:
            for parent in node.parents:
                if type(parent) is Leaf and parent.hooks is not None:
                    counts[parent] = counts.get(parent, 0) + 1
    for leaf, count in counts.items():
        this.waiting.setdefault(leaf, count)


def commit(this: Pass) -> None:
    """Add what arrived to ``.grad``, all of it at the end, so that an interrupted pass leaves every ``.grad`` as it was."""
    arrived, wanted = this.arrived, this.wanted
    leaves = [n for n in arrived if type(n) is Leaf and n.hooks is None and (wanted is None or n in wanted)]
    for leaf in leaves:
        tensor = leaf.tensor()
        if tensor is not None and tensor._node is not leaf and is_interior(tensor._node):
            raise RuntimeError(
                "leaf variable has been moved into the graph interior: it was written in place with something that requires "
                "grad, after an operator had used it as a leaf. Write to a .clone() of it."
            )
    with _commit:
        for position, leaf in enumerate(leaves):
            if leaf in arrived:
                before = state_of(leaf)
                try:
                    add_to_grad(leaf, arrived, this.create_graph)
                except KeyboardInterrupt:  # whole or not at all: finish what has begun
                    for rest in leaves[position + (state_of(leaf) != before) :]:
                        add_to_grad(rest, arrived, this.create_graph)
                    raise


def is_interior(node: Node | None) -> bool:
    """Whether a tensor with this node is the result of something recorded."""
    return node is not None and type(node) is not Leaf and type(node) is not Nowhere


def state_of(leaf: Leaf) -> Any:
    """Something that changes when a gradient is added to a leaf."""
    grad = getattr(leaf.tensor(), "_grad", None)
    if grad is None or grad.is_sparse:
        return None if grad is None else id(grad._values())
    return id(grad), memory.version(grad._array) if type(grad._array) is ndarray else 0


def add_to_grad(leaf: Leaf, arrived: dict[Node, Any], create_graph: bool) -> None:
    """Add a leaf's gradient to its ``.grad``: in place at first order, as a new tensor with ``create_graph``."""
    tensor = leaf.tensor()
    g = arrived.pop(leaf)
    if tensor is None or g is None or tensor._node is None:  # it is gone, or needs no gradient any more
        return
    old = tensor._grad
    if create_graph:
        tensor._grad = as_tensor(g).clone() if old is None else old + as_tensor(g)
    elif old is None:
        tensor._grad = own_gradient(g, tensor)
    elif old.is_sparse or (isinstance(g, Tensor) and g.is_sparse):
        added_sparse(tensor, old, g)
    elif old.level or (isinstance(g, Tensor) and g.level) or not old._array.flags.writeable:
        tensor._grad = old + as_tensor(g)
    else:
        array = inner_array(g) if isinstance(g, Tensor) else g
        np.add(old._array, array, old._array, casting="same_kind")  # type: ignore[call-overload]
        memory.written(old._array, "backward")


def added_sparse(tensor: Tensor, old: Any, g: Any) -> None:
    """Add to ``.grad`` where it or what comes is sparse: in place, but a sparse one and a dense one make a new dense one."""
    if old.is_sparse and not getattr(g, "is_sparse", False):
        tensor._grad = old + g
    else:
        old.add_(g)


def own_gradient(g: Any, tensor: Tensor) -> Tensor:
    """The first gradient: taken over if nobody else holds it and it lies in memory as the tensor does, else a copy."""
    if isinstance(g, Tensor):
        if g.level:
            return g
        if g.is_sparse:
            return g.detach().clone()
        g = g._array
    array = tensor._array
    if (
        type(g) is ndarray
        and g.flags.writeable
        and g.dtype is array.dtype
        and (same_layout(g, array) or not enforce_layout.get())
    ):
        # three references: this frame's, the caller's, and the argument of getrefcount; two of a memory behind it
        base = g.base
        if sys.getrefcount(g) <= 3 and (
            base is None or (type(base) is ndarray and base.size == g.size and base.base is None
            and sys.getrefcount(base) <= 3)
        ):  # fmt: skip
            return wrap(g)
    dense = is_dense(array)
    copy = np.empty_like(array, dtype=np_dtype(g) if hasattr(g, "dtype") else array.dtype, order="K" if dense else "C")
    copy[...] = g
    return wrap(copy)


def same_layout(g: ndarray, array: ndarray) -> bool:
    """Whether a gradient lies in memory as PyTorch wants it: as the tensor if that is dense, else row by row."""
    if g.strides == array.strides:
        return g.flags.c_contiguous or is_dense(array)
    if not is_dense(array):
        return g.flags.c_contiguous
    return all([n < 2 or s == t for n, s, t in zip(g.shape, g.strides, array.strides, strict=False)])


def is_dense(array: ndarray) -> bool:
    """Whether the elements fill their memory without gaps or overlaps, in whatever order of dimensions."""
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return True
    step = array.itemsize
    for s, n in sorted((s, n) for s, n in zip(array.strides, array.shape, strict=True) if n != 1):
        if s != step:
            return False
        step *= n
    return True


def as_tensor(g: Any) -> Tensor:
    """A gradient as the tensor that a user gets."""
    if isinstance(g, Tensor):
        return g
    return wrap(g if type(g) is ndarray else np.asarray(g))


# ---- roots


def checked_seed(given: Any, output: Any, index: int) -> Tensor:
    """A gradient to start from, in the dtype of the output it belongs to. Raises where it does not fit."""
    if not isinstance(given, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(given).__name__}")
    if given.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {given.shape} and output[{index}] has a shape of "
            f"{output.shape}."
        )
    if given.dtype.is_complex != output.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[{index}] has a dtype of {given.dtype} and output[{index}] has a dtype of {output.dtype}."
        )
    same: Tensor = given if given.dtype is output.dtype else given.to(output.dtype)
    return same


def seed_for(output: Any, given: Any, create_graph: bool, index: int = 0) -> Any:
    """The gradient to start from, in the form that the rules will run on. ``output`` is a tensor or a gradient edge."""
    edge = not isinstance(output, Tensor)
    if edge:
        held = output.ownership_token
        output = wrap(np.broadcast_to(np.zeros((), held.dtype._np), held.shape)) if hasattr(held, "shape") else given
    if given is None:
        if output is None or output.numel() != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs: "
                + (
                    "this edge does not know its shape"
                    if output is None
                    else f"this one has shape {list(output.shape)}"
                )
                + ". Pass gradient=, or sum it first."
            )
        dtype = output.dtype
        if dtype.is_complex:
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got {dtype}. Pass gradient=."
            )
        if output.level:
            return output.transform.ones_like(output)
        array = output._array
        ones = _seeds.get(array.dtype)
        if ones is None:
            ones = _seeds[array.dtype] = np.ones((), array.dtype)
            ones.flags.writeable = False
        if array.ndim:
            ones = ones.reshape(array.shape)
        return wrap(ones) if create_graph else ones
    given = checked_seed(given, output, index)
    if create_graph or given.level or output.level:
        return given
    return given._array


def no_grad_error(index: int, tensor: Any) -> RuntimeError:
    return RuntimeError(
        f"element {index} of tensors does not require grad and does not have a grad_fn"
        + ". Nothing that it was computed from requires grad, or it was computed under no_grad or detached; "
        "call requires_grad_() on what you want gradients of before computing it."
    )


__all__ = ["Bundle", "backward", "seed_for"]
