"""``torch.autograd`` case by case: the same program on PyTorch and here, values and errors compared."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import importlib.util  # noqa: E402
from pathlib import Path  # noqa: E402

import rushlight  # noqa: E402

_spec = importlib.util.spec_from_file_location("autograd_cases", Path(__file__).with_name("autograd_cases.py"))
assert _spec is not None and _spec.loader is not None
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

# where PyTorch differs on purpose or by accident, and why that is right here
KNOWN = {
    "version grad": "PyTorch adds gradients up in place inside its engine, which counts as a write",
    "nograd": "which of two complaints comes first",
    "instance": "an address is part of the text",
    "attrs": "PyTorch's flags of a ctx cannot be read",
    "names": "PyTorch's name() fails on the class",
    "assign grad dtype": "the message ends otherwise",
    "call node": "the node of a custom function can be called here",
    "coroutine": "PyTorch's decorators are left when a coroutine first waits; here they hold",
    "multi all": "PyTorch refuses autograd.grad with a hook on several leaves",
}


def shown(r: Any) -> str:
    if isinstance(r, (list, tuple)):
        return "(" + ", ".join(map(shown, r)) + ")"
    return str(r)


def outcome(case: Any, lib: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "ok " + shown(case(lib))
        except Exception as e:
            return f"{type(e).__name__} | {e}"


def agree(theirs: str, ours: str) -> bool:
    """The same text, or the same type of error with the same first words."""
    if theirs == ours:
        return True
    kind, _, message = theirs.partition(" | ")
    mine, _, text = ours.partition(" | ")
    return kind == mine and bool(message) and text.startswith(message.rstrip(".")[:60])


@pytest.mark.parametrize("name,case", cases.C, ids=[n for n, _ in cases.C])
def test_case(name: str, case: Any) -> None:
    if name in KNOWN:
        pytest.skip(KNOWN[name])
    theirs, ours = outcome(case, torch), outcome(case, rushlight)
    assert agree(theirs, ours), f"\ntorch:     {theirs[:600]}\nrushlight: {ours[:600]}"
