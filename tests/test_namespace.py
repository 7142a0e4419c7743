"""What is declared is exported, documented and sampled: the operators, and the methods of Tensor."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import rushlight
from coverage_table import TABLE, missing, operators, table
from rushlight import _ops
from rushlight._core.declare import Op
from rushlight._ops.methods import Methods
from samples import rows

NAMESPACES = ("", "nn.functional", "linalg", "fft", "special", "signal.windows", "sparse")


def declared() -> dict[str, Op]:
    """Every operator declared in ``_ops``, by name."""
    found: dict[str, Op] = {}
    for module in pkgutil.iter_modules(_ops.__path__, _ops.__name__ + "."):
        for value in vars(importlib.import_module(module.name)).values():
            op = getattr(value, "op", None)
            if isinstance(op, Op) and op.call is value:
                found[op.name] = op
    return found


def namespaces() -> Iterator[Any]:
    for name in NAMESPACES:
        space: Any = rushlight
        try:
            for part in filter(None, name.split(".")):
                space = getattr(space, part)
        except (AttributeError, ImportError):
            continue
        yield space


def public() -> dict[str, Any]:
    """Every public function of PyTorch's namespaces that we have, by dotted name."""
    found = {}
    for space in namespaces():
        prefix = space.__name__.removeprefix("rushlight").strip(".")
        for name, value in vars(space).items():
            if not name.startswith("_") and not name.endswith("_") and inspect.isfunction(value):
                found[f"{prefix}.{name}".strip(".")] = value
    return found


PUBLIC = public()
EXPORTED = {id(value) for value in PUBLIC.values()} | {id(v) for v in vars(Methods).values()}
OPERATORS = operators()
SAMPLED = {row.last for row in rows()}


def is_inner(op: Op) -> bool:
    """Whether an operator says of itself that it is no function of PyTorch's: no example in its docstring."""
    return ">>>" not in (op.body.__doc__ or "") and id(op.call) not in EXPORTED


@pytest.mark.parametrize("op", [pytest.param(op, id=name) for name, op in sorted(declared().items())])
def test_operator(op: Op) -> None:
    if is_inner(op):
        return
    assert ">>>" in op.body.__doc__, f"{op.name}: its docstring has no example"
    ops = {id(getattr(v, "op", None)) for v in (*PUBLIC.values(), *vars(Methods).values())}
    assert id(op) in ops or reached(op), f"{op.name} is declared, has an example, and is not exported"


def reached(op: Op) -> bool:
    """Whether a public function or method of its name, or one that names it, stands before the operator."""
    callers = [*PUBLIC.values(), *[v for v in vars(Methods).values() if inspect.isfunction(v)]]
    return any(op.name in f.__code__.co_names for f in callers if inspect.isfunction(f))


FUNCTIONS = [pytest.param(n, f, id=n) for n, f in sorted(PUBLIC.items()) if f.__module__.startswith("rushlight._ops")]


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_function(name: str, function: Any) -> None:
    assert function.__doc__, f"{name} has no docstring"
    assert ">>>" in function.__doc__, f"{name}: its docstring has no example"
    aliases = {n.rpartition(".")[2] for n, f in PUBLIC.items() if f is function}
    if not hasattr(function, "op") and not any(n.split(".")[0] in aliases for n in OPERATORS):
        return  # no operator of PyTorch's list: a question, a constructor, the random state
    assert aliases & SAMPLED, f"{name} has no row in tests/samples (nor has an alias of it)"


@pytest.mark.parametrize("name", sorted(n for n in vars(Methods) if not n.startswith("__")))
def test_method(name: str) -> None:
    method = vars(Methods)[name]
    function = method.fget if isinstance(method, property) else method
    assert function.__doc__, f"Tensor.{name} has no docstring"
    assert hasattr(rushlight.Tensor, name)
    plain = name.rstrip("_")
    if isinstance(method, property) or (not hasattr(method, "op") and plain not in OPERATORS):
        return  # no operator of PyTorch's list: what the graph, the memory or a device says
    aliases = {n for n, m in vars(Methods).items() if m is method} | {plain, f"_{plain}_"}
    aliases |= {n for n, m in vars(Methods).items() if plain in vars(Methods) and m is vars(Methods)[plain]}
    op = getattr(method, "op", None)
    if op is not None:
        aliases.add(op.name)
    assert aliases & (SAMPLED | {"backward"}), f"Tensor.{name} has no row in tests/samples"


def test_the_table_of_coverage_is_current() -> None:
    """Every operator of PyTorch's has a row, but what is no operator here: a number, and what is written x[a:b]."""
    assert missing() == ["item", "slice"]
    assert TABLE.read_text() == table(), "out of date: run python tests/coverage_table.py"
