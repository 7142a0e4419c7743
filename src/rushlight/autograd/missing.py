"""Why a tensor has no gradient: ``why_no_grad`` tells from the tensor, or from a run that is watched.

A tensor that needs no gradient remembers nothing, so that it costs nothing. Inside ``explain_grads`` every result
without history is noted with the reason and the line, and the reason is handed on to what is computed from it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from .._core import callsite
from .._core.graph import Leaf, Nowhere
from .._core.mode import INFERENCE, RECORD, mode
from .._core.tensor import Tensor
from .._ops import shape
from .graph import Watching

_notes: ContextVar[Any] = ContextVar("rushlight notes of missing gradients", default=None)


class explain_grads(Watching):
    """A block in which results without history are noted, so that :func:`why_no_grad` can name the line that lost it.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.explain_grads():
    ...     with torch.no_grad():
    ...         y = x * 2
    ...     z = y + 1
    >>> print(torch.why_no_grad(z))  # doctest: +ELLIPSIS
    it was computed from a tensor that was made by mul under no_grad at ...
    """

    def __enter__(self) -> explain_grads:
        self.watch(noting)
        if detached not in shape.on_detach:
            shape.on_detach.append(detached)
        self.token = _notes.set(Notes() if _notes.get() is None else _notes.get())
        return self

    def __exit__(self, *args: object) -> None:
        self.unwatch()  # the notes stay: the question comes afterwards


class Notes(dict[int, tuple[Any, "Note"]]):
    """Notes about tensors, by their ids, for as long as they live (tensors do not compare as keys must)."""

    def note(self, t: Tensor, note: Note) -> None:
        key = id(t)
        self[key] = weakref.ref(t, lambda _: self.pop(key, None)), note

    def about(self, t: Tensor) -> Note | None:
        found = self.get(id(t))
        return found[1] if found is not None and found[0]() is t else None


class Note:
    """Why a result has no history: ``how`` says what was done to it, or to what it was computed from."""

    __slots__ = ("direct", "how")

    def __init__(self, how: str, direct: bool = True) -> None:
        self.how, self.direct = how, direct

    def __str__(self) -> str:
        if not self.how:
            return "it was computed from tensors none of which requires grad: call requires_grad_() on what is to be trained"
        return f"it {self.how}" if self.direct else f"it was computed from a tensor that {self.how}"


def noting(run: Callable[..., Any]) -> Callable[..., Any]:
    """A watcher of operators."""

    def noted(op: Any, args: tuple[Any, ...]) -> Any:
        result = run(op, args)
        notes = _notes.get()
        if notes is None:
            return result
        inputs = [t for a in args for t in (a if isinstance(a, (list, tuple)) else (a,)) if isinstance(t, Tensor)]
        for made in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(made, Tensor) and made._node is None:
                notes.note(made, reason(op, inputs, made, notes))
        return result

    return noted


def reason(op: Any, inputs: list[Tensor], made: Tensor, notes: Any) -> Note:
    """Why one result has no history."""
    if any(t._node is not None for t in inputs):
        m = mode()
        by = f"was made by {op.name}"
        at = f"at {callsite.shown(*callsite.here())}"
        if m & INFERENCE:
            return Note(f"{by} under inference_mode {at}")
        if not m & RECORD:
            return Note(f"{by} under no_grad {at}")
        if not (made.dtype.is_floating_point or made.dtype.is_complex):
            return Note(f"{by} as {made.dtype} {at}: integers and bools have no gradient")
        return Note(f"{by} {at}, which is not differentiable")
    for t in inputs:
        if (found := notes.about(t)) is not None and found.how:
            return Note(found.how, False)
    return Note("")


def detached(of: Tensor, made: Tensor) -> None:
    """Told of every ``detach()``."""
    notes = _notes.get()
    if notes is None:
        return
    found = notes.about(of)
    how = f"was detached at {callsite.shown(*callsite.here())}" if of._node is not None else found.how if found else ""
    notes.note(made, Note(how, of._node is not None))


class Reason(str):
    """A sentence, which notebooks show as a paragraph."""

    def _repr_html_(self) -> str:
        from html import escape

        reason, _, advice = str(self).partition(": ")
        return f"<p><strong>{escape(reason)}</strong>{': ' + escape(advice) if advice else ''}</p>"


def why_no_grad(of: Any) -> str:
    """Why a tensor requires no grad, or has no ``.grad``, in a sentence (a string that notebooks show as a paragraph).

    Given a function without arguments, it is run inside :class:`explain_grads`, and its result explained.

    >>> import rushlight as torch
    >>> torch.why_no_grad(torch.tensor([1, 2]))
    'its dtype is torch.int64: only floating-point and complex tensors have gradients'
    """
    if not isinstance(of, Tensor):
        if not callable(of):
            raise TypeError(f"why_no_grad(): expected a Tensor or a function that gives one, got {type(of).__name__}")
        with explain_grads():
            made = of()
        if not isinstance(made, Tensor):
            raise TypeError(f"why_no_grad(): the function gave {type(made).__name__} instead of a Tensor")
        return why_no_grad(made)
    return Reason(reason_of(of))


def reason_of(of: Tensor) -> str:
    node = of._node
    if node is not None:
        return of_recorded(of, node)
    if not (of.dtype.is_floating_point or of.dtype.is_complex):
        return f"its dtype is {of.dtype}: only floating-point and complex tensors have gradients"
    notes = _notes.get()
    note = notes.about(of) if notes is not None else None
    if note is not None:
        return str(note)
    if of.is_inference():
        return "it was made in inference_mode: compute it outside, or under no_grad"
    return (
        "it has no history: it is a constant that nobody called requires_grad_() on, was computed only from such "
        "tensors, or under no_grad, or was detached. Compute it again inside torch.explain_grads() to hear which, "
        "and on which line"
    )


def of_recorded(of: Tensor, node: Any) -> str:
    if of._grad is not None:
        return "it has a gradient: .grad is there"
    if type(node) is Nowhere:
        return "it is a view that was taken under no_grad of a tensor that requires grad: take the view outside"
    if type(node) is Leaf:
        return (
            "it requires grad, but no backward pass has reached it: backward was not called, its result does not "
            "depend on this tensor, or .grad was set to None since (zero_grad)"
        )
    return (
        f"it requires grad, but it is no leaf ({node.name()} made it at {callsite.shown(node.code, node.lasti)}): "
        "only leaves keep .grad. Call retain_grad() on it before backward"
    )


__all__ = ["explain_grads", "why_no_grad"]
