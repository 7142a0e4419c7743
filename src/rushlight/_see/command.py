"""``rushlight graph SCRIPT.py:NAME`` and ``rushlight trace SCRIPT.py:NAME``: run a program, show one of its variables."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._core.tensor import Tensor


def variable(target: str) -> tuple[Tensor, dict[str, Any]]:
    """The tensor called NAME after SCRIPT.py has run (``torch`` meaning Rushlight), and the program's variables.

    Raises ValueError that says what is wrong with the target.
    """
    import runpy

    from .._alias import install_as_torch

    script, _, name = target.rpartition(":")
    if not script or not name:
        raise ValueError(f"expected SCRIPT.py:NAME, got {target!r}")
    path = Path(script)
    if not path.is_file():
        raise ValueError(f"there is no file {script!r}")
    install_as_torch()
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv = [script]
    found = runpy.run_path(str(path), run_name="__main__")
    if name not in found:
        tensors = sorted(n for n, v in found.items() if isinstance(v, Tensor) and v._node is not None)
        raise ValueError(f"{script} has no variable {name!r}; those with a graph: {', '.join(tensors) or 'none'}")
    value = found[name]
    if not isinstance(value, Tensor):
        raise ValueError(f"{name!r} in {script} is a {type(value).__name__}, not a tensor")
    return value, {n: v for n, v in found.items() if not n.startswith("__")}


def told(what: str, run: Callable[[], Path]) -> int:
    """Run, print the path; or print what went wrong, and return 1."""
    try:
        print(run())
    except (ValueError, RuntimeError, OSError) as error:
        print(f"rushlight {what}: {error}", file=sys.stderr)
        return 1
    return 0


def graph(target: str, output: str, max_nodes: int) -> int:
    """Draw the graph behind a variable of a program into a file."""
    from .draw import draw, kind_of

    def run() -> Path:
        kind_of(Path(output))  # before the program runs, which may take long
        value, names = variable(target)
        return draw(value, names, max_nodes=max_nodes, title=target.rpartition(":")[2]).save(output)

    return told("graph", run)


def trace(target: str, output: str) -> int:
    """Write the page that plays a variable of a program."""
    from .trace import trace_html

    def run() -> Path:
        value, names = variable(target)
        return trace_html(value, output, names, title=target.rpartition(":")[2])

    return told("trace", run)
