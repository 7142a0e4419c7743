"""Backward one operation at a time: an iterator to step through it, and a break at operations of a name.

``backward_steps`` is the engine's loop as a generator: what ``loss.backward()`` does happens between one ``next`` and
the following; ``.grad`` is written at the end, so an abandoned walk leaves every ``.grad`` as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any

import numpy as np

from .._core import callsite, engine, hooks, memory, record
from .._core.engine import Pass, seed_for
from .._core.graph import Bundle, Fan, Freed, Leaf, Node, Nowhere, Port
from .._core.mode import RECORD, mode, switched
from .._core.tensor import Tensor
from . import names as naming
from .picture import columns_of, edges_of, inner, local_derivative, packed, seen_through
from .scene import array_text, measure, shape_text


class Step:
    """One operation of backward: ``node``, ``line``, ``grad_outputs``, ``local``, ``grad_inputs``.

    ``grad_outputs`` came in (a tuple with one for each output), ``grad_inputs`` go out (one for each input, None where
    none is needed); ``local`` holds the local derivatives where the operation works element by element, else None.
    ``inputs`` are the nodes that the gradients go to, ``names`` the names of the output and the inputs.
    """

    def __init__(self, node: Node, index: int, names: dict[Node, str]) -> None:
        self.node, self.index = node, index
        self.line = node.site()
        self.inputs = [e.parent for e in edges_of(node)]
        self.arguments = [e.argument for e in edges_of(node)]
        self.names = (names.get(node, ""), [names.get(p, "") if p is not None else "" for p in self.inputs])
        self.grad_outputs: tuple[Tensor | None, ...] = ()
        self.grad_inputs: tuple[Tensor | None, ...] = ()
        self.local: tuple[Tensor | None, ...] = ()

    def __repr__(self) -> str:
        said: Callable[..., Any] = lambda t: (
            "None" if t is None else array_text(inner(t)) or f"{shape_text(t.shape)} ‖{measure(inner(t))}‖"
        )
        where = f"  {self.line}" if self.line else ""
        out = ", ".join(said(t) for t in self.grad_outputs)
        rows = [f"step {self.index}: {self.node.name()}{where}", f"  grad in   {out}"]
        if self.line and self.line.text:
            rows.insert(1, f"  {self.line.text}")
        for i, g in enumerate(self.grad_inputs):
            if g is not None:
                to = self.names[1][i] or self.arguments[i] or f"input {i}"
                times = f"  (local derivative {said(self.local[i])})" if self.local[i] is not None else ""
                rows.append(f"  to {to:<6} {said(g)}{times}")
        return "\n".join(rows)


def backward_steps(
    loss: Tensor, gradient: Tensor | None = None, retain_graph: bool = False, accumulate: bool = True
) -> Iterator[Step]:
    """Run backward as an iterator of :class:`Step`, newest operation first.

    Each ``next`` runs one operation, hooks and all, and returns what came in and what goes out. When the iterator is
    exhausted the gradients are added to ``.grad``, as ``loss.backward()`` would (not with ``accumulate=False``); one
    that is abandoned before adds nothing. Raises what ``backward`` raises: for a loss without a graph, or not a scalar
    where ``gradient`` is missing. Saved values are freed as it goes, unless ``retain_graph``.

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> for step in torch.backward_steps((x * 2).square()):
    ...     print(step.node.name(), step.grad_outputs[0].item(), step.grad_inputs[0].item())
    PowBackward0 1.0 12.0
    MulBackward0 12.0 24.0
    >>> x.grad
    tensor(24.)
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"backward_steps() takes a tensor, not {type(loss).__name__}")
    if loss._node is None:
        raise engine.no_grad_error(0, loss)
    if loss.level:
        raise RuntimeError("backward_steps() cannot run inside a function transform")
    found, _ = naming.named_tensors(naming.caller())
    names = {}
    for node, (name, _) in found.items():
        shown = seen_through(node)[0]
        if shown is not None:
            names[shown] = name
    return walk(loss._node, seed_for(loss, gradient, False), names, retain_graph, accumulate)


def walk(root: Node, seed: Any, names: dict[Node, str], retain: bool, accumulate: bool) -> Iterator[Step]:
    """The engine's pass, stopping after each operation that users see."""
    this = Pass([(root, seed)], False, None, accumulate)
    freed = None if retain else Freed(*callsite.here())
    pending: dict[Node, Any] = {root: seed}
    heap: list[tuple[int, int, Node]] = [(-root.seq, 0, root)]
    count = index = 0
    while heap:
        node = heappop(heap)[2]
        g = pending.pop(node)
        if type(node) is Leaf:
            engine.receive(this, node, g)
            continue
        if memory.last_write > node.seq and node.holds:
            record.changed_error(node)
        step = None if node.hidden else Step(node, index := index + 1, names)
        given = {}
        kept = node.saved if node.op is not None and packed(node.saved) else None
        token = engine.current.set(this)
        try:
            with switched(mode() & ~RECORD):
                if kept is not None:  # unpacked once, for the local derivatives and for the rules
                    node.saved = columns_of(node)
                if step is not None:
                    locals_of(step, node, g)
                edges = hooks.around(this, node, g)
        finally:
            engine.current.reset(token)
            if kept is not None:
                node.saved = kept
        if step is not None:
            outs = [g] if node.width is None else (g or Bundle()).listed(node.width)
            step.grad_outputs = tuple([copied(o) for o in outs])
        for position, (parent, _, (h,)) in enumerate(edges):
            if parent is None:
                continue
            given[position] = h
            if parent in pending:
                pending[parent] = engine.added(pending[parent], h)
            elif type(parent) is Leaf and parent.hooks is None and h is not None:
                this.arrived[parent] = engine.added(this.arrived.get(parent), h)
            elif type(parent) is Leaf:
                engine.receive(this, parent, h)
            else:
                pending[parent] = h
                heappush(heap, (-parent.seq, count := count + 1, parent))
        if step is not None:
            step.grad_inputs = out_of(node, given)
        if freed is not None and node.holds:
            node.saved = freed
        if step is not None:
            yield step
    for leaf in [n for n in this.arrived if type(n) is Leaf and n.hooks is not None and this.waiting.get(n, 1) > 0]:
        leaf.hooks.at_leaf(this, leaf)
    if accumulate:
        engine.commit(this)
    for call in this.callbacks:
        call()


def out_of(node: Node, given: dict[int, Any]) -> tuple[Tensor | None, ...]:
    """The gradients that go out, one for each input that users see."""
    if len(node.parents) == 1 and type(node.parents[0]) is Fan:
        bundle = given.get(0) or {}
        return tuple([copied(bundle.get(i)) for i in range(len(node.parents[0].parents))])
    made = []
    for i, parent in enumerate(node.parents):
        h = given.get(i)
        if type(h) is Bundle and type(parent) is not Nowhere:
            h = next(iter(h.values()), None)
        made.append(copied(h))
    return tuple(made)


def copied(g: Any) -> Tensor | None:
    """A gradient for a reader: a copy, since the pass may go on to write into the original."""
    from .._core.tensor import wrap

    array = inner(g)
    return None if array is None else wrap(np.array(array))


def locals_of(step: Step, node: Node, g: Any) -> None:
    """Local derivatives, before what they need is freed."""
    array = inner(g)
    made: list[Tensor | None] = []
    for i, parent in enumerate(step.inputs):
        slope = (
            local_derivative(node, i, array.shape, array.dtype) if parent is not None and array is not None else None
        )
        made.append(copied(slope))
    step.local = tuple(made)


class Break:
    """A break set by :func:`break_on`: ``remove()`` takes it away; also a context manager that does so."""

    def __init__(self, node: str | Callable[[Node], bool], action: Callable[..., Any] | None) -> None:
        self.matches = node if callable(node) else (lambda n: n.name() == node)
        self.action = action
        self.hits = 0
        engine.observers.set((*engine.observers.get(), self.observe))

    def observe(self, node: Node, g: Any, run: Callable[[], Any]) -> Any:
        """Stop before the rules of a node that matches."""
        if node.hidden or not self.matches(node):
            return run()
        self.hits += 1
        site = node.site()
        grad_outputs = tuple(map(copied, [g] if node.width is None else (g or Bundle()).listed(node.width)))
        if self.action is not None:
            self.action(node, grad_outputs)
        else:
            print(f"backward is at {node.name()}, recorded at {site}: `node`, `grad_outputs`, `site`; n runs its rules")
            breakpoint()
        return run()

    def remove(self) -> None:
        """Take the break away; a second call does nothing."""
        engine.observers.set(tuple([o for o in engine.observers.get() if o != self.observe]))

    def __enter__(self) -> Break:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


def break_on(node: str | Callable[[Node], bool], action: Callable[..., Any] | None = None) -> Break:
    """Stop in the debugger whenever backward comes to a node of this name (``"MulBackward0"``), before its rules run.

    ``node`` may be a function of the node too; ``action(node, grad_outputs)``, if given, is called in place of the
    debugger. Returns a handle with ``remove()`` that is a context manager as well.

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> with torch.break_on("MulBackward0", lambda node, grads: print(node.name(), grads[0].item())):
    ...     (x * 2).square().backward()
    MulBackward0 12.0
    """
    if not callable(node) and not isinstance(node, str):
        raise TypeError(f"break_on() takes the name of a node or a function of one, not {type(node).__name__}")
    return Break(node, action)


__all__ = ["Break", "Port", "Step", "backward_steps", "break_on"]
