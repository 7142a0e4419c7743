"""Anomaly mode: errors and nan of the backward pass, with the traceback of the forward that made them.

A watcher leaves the traceback at every node that is recorded; an observer of the backward pass looks at what every node
gives. Both are there only while the mode is on, so that it costs nothing when off.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from .._core import callsite, engine, record
from .._core.graph import Bundle, Fan, Node
from .._core.levels import active
from .._core.mode import CAREFUL, FORWARD_OFF, INFERENCE, word
from .._core.tensor import Tensor
from . import function

_state: ContextVar[tuple[bool, bool]] = ContextVar("rushlight anomaly mode", default=(False, True))
_running: ContextVar[Node | None] = ContextVar("rushlight node that runs in anomaly mode", default=None)


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return _state.get()[0]


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode, where it is on, looks for nan."""
    return _state.get()[1]


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switch anomaly mode on or off, in this thread or task."""
    if not isinstance(mode, bool):
        raise TypeError(
            f"set_anomaly_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
        )
    if not isinstance(check_nan, bool):
        raise TypeError(
            f"set_anomaly_enabled(): argument 'check_nan' (position 2) must be bool, not {type(check_nan).__name__}"
        )
    _state.set((mode, check_nan))
    watchers = tuple([w for w in record.watchers.get() if w is not tracing])
    observers = tuple([o for o in engine.observers.get() if o is not looking])
    if mode:
        watchers, observers = (*watchers, tracing), (*observers, looking)
        if trace_custom not in function.on_made:
            function.on_made.append(trace_custom)
    record.watchers.set(watchers)
    engine.observers.set(observers)
    now = word.get()
    if watchers:
        word.set(now | CAREFUL)
    elif not now & (INFERENCE | FORWARD_OFF) and not active():
        word.set(now & ~CAREFUL)


class detect_anomaly:
    """A block in which an error of backward names the forward operation that caused it, and nan is such an error.

    Both forward and backward should run in the block. With ``check_nan=False`` nan is let through.

    >>> import warnings
    >>> import rushlight as torch
    >>> x = torch.tensor(0.0, requires_grad=True)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     with torch.autograd.detect_anomaly():
    ...         (x.sqrt() * 0).backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output. ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.prev, self.prev_check_nan = _state.get()
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *args: object) -> None:
        set_anomaly_enabled(self.prev, self.prev_check_nan)


class set_detect_anomaly:
    """Switch anomaly mode on or off: from here on, or for a block if used as a context manager.

    >>> import rushlight as torch
    >>> with torch.autograd.set_detect_anomaly(True):
    ...     torch.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev, self.prev_check_nan = _state.get()
        set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        set_anomaly_enabled(self.prev, self.prev_check_nan)


# ---- the forward: a traceback at every node


def tracing(run: Callable[..., Any]) -> Callable[..., Any]:
    """A watcher of operators."""

    def traced(op: Any, args: tuple[Any, ...]) -> Any:
        result = run(op, args)
        node = recorded_by(result, op)
        if node is not None:
            trace(node)
        return result

    return traced


def recorded_by(result: Any, op: Any) -> Node | None:
    """The node that a call of ``op`` has just recorded, if any."""
    for made in result if isinstance(result, (tuple, list)) else (result,):
        if isinstance(made, Tensor) and not made.level and (node := made.grad_fn) is not None:
            return node if node.op is op else None
    return None


def trace(node: Node) -> None:
    frames = [f for f in traceback.extract_stack() if not callsite.ours[f.filename]]
    node.metadata["traceback_"] = traceback.format_list(frames)
    if (parent := _running.get()) is not None:
        node.metadata["parent_"] = parent


def trace_custom(node: Node) -> None:
    if is_anomaly_enabled():
        trace(node)


# ---- the backward: errors and nan


def looking(node: Node, g: Any, run: Callable[[], Any]) -> Any:
    """An observer of the backward pass."""
    if node.hidden:
        return run()
    token = _running.set(node)
    try:
        made = run()
    except Exception as error:
        explain(node)
        site = node.site()
        if site is not None:
            error.add_note(f"Error detected in {node.name()}, recorded at {site}: {site.text}")
        raise
    finally:
        _running.reset(token)
    if is_anomaly_check_nan_enabled():
        for i, h in enumerate(one_by_one(node, made)):
            if holds_nan(h):
                explain(node)
                site = node.site()
                at = f" It was recorded at {site}: {site.text}" if site is not None else ""
                raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.{at}")
    return made


def one_by_one(node: Node, made: Any) -> list[Any]:
    """What a node's rules gave, one gradient for each input."""
    if len(node.parents) == 1 and type(node.parents[0]) is Fan:
        bundle = made[0] or {}
        return [bundle.get(i) for i in range(len(node.parents[0].parents))]
    return [next(iter(h.values())) if type(h) is Bundle and h else h for h in made]


def holds_nan(h: Any) -> bool:
    while isinstance(h, Tensor):
        h = h._array
    if h is None or not hasattr(h, "dtype") or h.dtype.kind not in "fc":
        return False
    return bool(np.isnan(h).any())


def warn(text: str) -> None:
    """Warn; where warnings are errors, write it to ``sys.stderr``: an error is on its way already."""
    try:
        warnings.warn(text, stacklevel=3)
    except Warning as warning:
        print(f"{type(warning).__name__}: {warning}", file=sys.stderr)


def explain(node: Node) -> None:
    """Warn with the traceback of the forward, and of the backward passes that recorded it, if it was recorded there."""
    text = node.metadata.get("traceback_")
    if text is None:
        site = node.site()
        at = f" It was recorded at {site}: {site.text}" if site is not None else ""
        warn(
            f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during "
            f"forward pass for more information.{at}"
        )
    else:
        warn(f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{''.join(text)}")
    parent = node.metadata.get("parent_")
    while parent is not None:
        text = parent.metadata.get("traceback_")
        if text is None:
            warn(
                f"\n\nPrevious calculation was induced by {parent.name()}. No forward pass information available. Enable detect "
                "anomaly "
                "during forward pass for more information."
            )
        else:
            warn(
                f"\n\nPrevious calculation was induced by {parent.name()}. Traceback of forward call that induced the "
                f"previous calculation:\n{''.join(text)}"
            )
        parent = parent.metadata.get("parent_")


__all__ = ["detect_anomaly", "set_detect_anomaly"]
