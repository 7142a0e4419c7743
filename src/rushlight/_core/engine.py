"""The backward pass: gradients carried from roots back along the graph, newest node first.

A node is newer than all it was made from. So once it is the newest one left, its gradient is complete: a heap
by creation time is the whole scheduling, without recursion and without counting dependencies.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from heapq import heappop, heappush, heappushpop
from threading import Lock
from typing import Any

import numpy as np

from . import callsite, memory
from .graph import Bundle, Freed, Leaf, Node
from .mode import RECORD, mode, switched
from .record import changed_error, inner_array
from .tensor import Tensor, wrap

ndarray = np.ndarray
callbacks: ContextVar[list[Any] | None] = ContextVar("rushlight end-of-backward callbacks", default=None)
_commit = Lock()  # one backward at a time adds to .grad
_seeds: dict[np.dtype, ndarray] = {}


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
    recording = mode() | RECORD if create_graph else mode() & ~RECORD
    outer = callbacks.get()
    token = callbacks.set([]) if outer is None else None
    try:
        if recording != mode():
            with switched(recording):
                return run(roots, keep, create_graph, inputs, accumulate)
        return run(roots, keep, create_graph, inputs, accumulate)
    finally:
        if token is not None:
            waiting = callbacks.get() or []
            callbacks.reset(token)
            for call in waiting:
                call()


def run(
    roots: Sequence[tuple[Node, Any]],
    keep: bool,
    create_graph: bool,
    inputs: Sequence[Node] | None,
    accumulate: bool,
) -> dict[Node, Any]:
    """The pass itself. ``pending`` holds the gradients on their way, by the node they have reached."""
    wanted = frozenset(inputs) if inputs is not None else None
    useful = leading_to(wanted, [node for node, _ in roots]) if wanted is not None else None
    pending: dict[Node, Any] = {}
    arrived: dict[Node, Any] = {}
    waiting: dict[Leaf, int] = {}  # how many gradients leaves with hooks still wait for
    heap: list[tuple[int, Node]] = []
    freed = None if keep else Freed(*callsite.here())
    for root, g in roots:
        if useful is not None and root not in useful:
            continue
        if root in pending:
            pending[root] = pending[root] + g
        else:
            pending[root] = g
            heappush(heap, (-root.seq, root))

    while heap:
        node = heappop(heap)[1]
        while True:  # a chain is followed without the heap
            g = pending.pop(node)
            if type(node) is Leaf:
                receive(node, g, arrived, waiting, (roots, useful), accumulate, create_graph)
            else:
                if memory.last_write > node.seq and node.holds:
                    changed_error(node)
                if node.hooks is None:
                    edges: Iterable[Any] = zip(
                        node.parents, node.rules, node.revived() if create_graph else node.saved, strict=True
                    )
                    if wanted is not None and node in wanted:
                        arrived[node] = g
                else:
                    g, edges = node.hooks.around(node, g, create_graph, wanted, arrived)
                if useful is not None and node not in useful:
                    edges = ()
                ahead = None
                for parent, vjp, saved in edges:
                    if parent is None or useful is not None and parent not in useful:
                        continue
                    h = vjp(g, *saved)
                    if h is None:
                        continue
                    if parent in pending:
                        pending[parent] = pending[parent] + h
                    elif type(parent) is Leaf:
                        if parent.hooks is None:
                            arrived[parent] = arrived[parent] + h if parent in arrived else h
                        else:
                            receive(parent, h, arrived, waiting, (roots, useful), accumulate, create_graph)
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

    for leaf, missing in waiting.items():  # some rules gave nothing (None)
        if missing and leaf in arrived:
            leaf.hooks.at_leaf(leaf, arrived, accumulate, create_graph)
    if accumulate:
        g = h = None  # so that a gradient held nowhere else can be taken over without a copy
        commit(arrived, wanted, create_graph)
    return arrived


def leading_to(wanted: frozenset[Node], roots: Iterable[Node]) -> set[Node]:
    """The nodes on a path from the roots to a wanted one: the only ones worth running."""
    reached: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in reached:
            reached.add(node)
            stack += [p for p in node.parents if p is not None]
    useful = set(wanted)
    for node in sorted(reached, key=lambda node: node.seq):
        if node not in useful and any([p in useful for p in node.parents]):
            useful.add(node)
    return useful


# ---- leaves


def receive(
    leaf: Leaf,
    g: Any,
    arrived: dict[Node, Any],
    waiting: dict[Leaf, int],
    graph: tuple[Any, Any],
    accumulate: bool,
    create_graph: bool,
) -> None:
    """Take in a gradient of a leaf; when it is complete and the leaf has hooks, run them and add to ``.grad``."""
    arrived[leaf] = arrived[leaf] + g if leaf in arrived else g
    if leaf.hooks is None:
        return
    if not waiting:
        count_arrivals(waiting, *graph)
    waiting[leaf] -= 1
    if waiting[leaf] == 0:
        leaf.hooks.at_leaf(leaf, arrived, accumulate, create_graph)


def count_arrivals(waiting: dict[Leaf, int], roots: Iterable[tuple[Node, Any]], useful: set[Node] | None) -> None:
    """Count the edges that lead to each leaf with hooks."""
    seen: set[Node] = set()
    stack = []
    for root in dict.fromkeys([root for root, _ in roots]):
        if type(root) is Leaf:
            waiting[root] = waiting.get(root, 0) + 1
        stack.append(root)
    while stack:
        node = stack.pop()
        if node in seen or useful is not None and node not in useful:
            continue
        seen.add(node)
        for parent in node.parents:
            if type(parent) is Leaf:
                if parent.hooks is not None:
                    waiting[parent] = waiting.get(parent, 0) + 1
            elif parent is not None:
                stack.append(parent)


def commit(arrived: dict[Node, Any], wanted: frozenset[Node] | None, create_graph: bool) -> None:
    """Add what arrived to ``.grad``, all of it at the end, so that an interrupted pass leaves every ``.grad`` as it was."""
    with _commit:
        for node in list(arrived):
            if type(node) is Leaf and (wanted is None or node in wanted):
                add_to_grad(node, arrived, create_graph)


def add_to_grad(leaf: Leaf, arrived: dict[Node, Any], create_graph: bool) -> None:
    """Add a leaf's gradient to its ``.grad``: in place at first order, as a new tensor with ``create_graph``."""
    g = arrived.pop(leaf)
    tensor = leaf.tensor()
    if tensor is None or g is None:
        return
    old = tensor._grad
    if old is None:
        tensor._grad = own_gradient(g, tensor) if not create_graph else as_tensor(g, True)
    elif create_graph:
        tensor._grad = old + as_tensor(g, True)
    else:
        added = inner_array(g) if isinstance(g, Tensor) else g
        if old._node is not None or old.level:
            tensor._grad = old.detach() + as_tensor(g) if old.level == 0 else old + g
        else:
            np.add(old._array, added, old._array)
            memory.written(old._array, "backward")


def own_gradient(g: Any, tensor: Tensor) -> Tensor:
    """The first gradient: taken over if nobody else holds it and it lies in memory as the tensor does, else a copy."""
    if isinstance(g, Tensor):
        return g if g.level else wrap(np.array(g._array))
    array = tensor._array
    # three references: this frame's, the caller's, and the argument of getrefcount
    mine = type(g) is ndarray and g.base is None and g.flags.writeable and sys.getrefcount(g) <= 3
    if mine and g.strides == array.strides and g.dtype is array.dtype:
        return wrap(g)
    copy = np.empty_like(array, dtype=getattr(g, "dtype", array.dtype), order="K")
    copy[...] = g
    return wrap(copy)


def as_tensor(g: Any, keep_history: bool = False) -> Tensor:
    """A gradient as the tensor that a user gets."""
    if isinstance(g, Tensor):
        return g
    return wrap(g if type(g) is ndarray else np.asarray(g))


# ---- roots


def seed_for(output: Tensor, given: Any, create_graph: bool, what: str = "grad") -> Any:
    """The gradient to start from, in the form that the rules will run on."""
    if given is None:
        if output.numel() != 1:
            raise RuntimeError(
                f"{what} can be implicitly created only for scalar outputs: this one has shape {list(output.shape)}. "
                "Pass gradient=, or sum it first."
            )
        dtype = output.dtype
        if dtype.is_complex:
            raise RuntimeError(
                f"{what} can be implicitly created only for real scalar outputs but got {dtype}. Pass gradient=."
            )
        if output.level:
            return output.transform.ones_like(output)  # type: ignore[attr-defined]
        array = output._array
        ones = _seeds.get(array.dtype)
        if ones is None:
            ones = _seeds[array.dtype] = np.ones((), array.dtype)
            ones.flags.writeable = False
        if array.ndim:
            ones = ones.reshape(array.shape)
        return wrap(ones) if create_graph else ones
    if not isinstance(given, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(given).__name__}")
    if given.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {given.shape} and output[0] has a shape of "
            f"{output.shape}."
        )
    if given.dtype.is_complex != output.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[0] has a dtype of {given.dtype} and output[0] has a dtype of {output.dtype}."
        )
    if given.dtype is not output.dtype:
        given = given.to(output.dtype)
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
