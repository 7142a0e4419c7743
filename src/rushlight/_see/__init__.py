"""Seeing a graph: pictures, derivations, steps, checks, and the gradient as a NumPy program.

Nothing here is loaded with Rushlight; each tool is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "draw": "draw", "make_dot": "draw", "explain": "explain", "backward_steps": "steps", "break_on": "steps",
    "check": "check", "kinks": "check", "to_numpy": "source", "diff_source": "source", "trace_html": "trace",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = found
    return found
