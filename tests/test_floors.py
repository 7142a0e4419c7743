"""An import goes only to a lower floor: read from the sources with `ast`, not from what happens to run.

Each module has a floor (the longest prefix in FLOORS counts).  A module imports from lower floors, and from
its own floor only within its own folder (rushlight/__init__ and the top floor: from any folder).  Imports
inside functions count too; imports under TYPE_CHECKING do not, since they do not happen.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = "rushlight"

FLOORS = {
    "_version": 0,
    "_allocator": 0,
    "_blas_wait": 0,
    "_data": 0,
    "_core": 0,  # the package itself is empty
    "_core.callsite": 0,
    "_core.dtypes": 0,
    "_core.memory": 0,
    "_core.mode": 0,
    "_core.printing": 0,
    "_core.promote": 0,
    "_core.graph": 1,
    "_core.tensor": 2,
    "_core.compile": 3,
    "_core.meta": 3,
    "_core.engine": 3,
    "_core.levels": 3,
    "_core.record": 3,
    "_core.declare": 4,
    "_kernels": 4,
    "_core.gradients": 5,
    "_core.hooks": 5,
    "_core.saved": 5,
    "_core.views": 5,
    "_ops": 6,
    "_ops.broadcast": 5,
    "_ops.families": 5,
    "_ops.methods": 7,
    "_transforms": 7,
    "autograd": 8,
    "autograd.gradcheck": 9,
    "linalg": 8,
    "fft": 8,
    "special": 8,
    "_alias": 8,
    "_integrations": 8,
    "utils._pytree": 0,  # trees of tuples, lists and dicts: knows nothing of ours
    "": 9,  # rushlight/__init__
    # whatever is not named stands on it: nn, optim, utils, distributions, testing, the command line
}
TOP = 10
ALONE = {"_kernels": "arrays in, arrays out: kernels know NumPy and each other, and nothing else of ours"}

ALLOWED: dict[tuple[str, str], str] = {
    # (importer, imported): why this one goes up, inside a function
    ("_ops.broadcast", "_ops.shape"): "batching rules of expand and sum_to reshape; shape itself needs expand",
    ("_ops.families", "_ops.shape"): "batching of a family reshapes; shape itself is made of families",
    ("_integrations", ""): "what einops and opt_einsum are told, when they are imported",
    ("_ops.interop", "linalg"): "np.linalg.det(t) leads there, long after both are loaded",
    ("_ops.interop", "fft"): "np.fft.fft(t) leads there, long after both are loaded",
}


def floor(module: str) -> int:
    """The floor of a module, named without the package's own name."""
    while module not in FLOORS and "." in module:
        module = module.rpartition(".")[0]
    return FLOORS.get(module, TOP)


def modules() -> dict[str, Path]:
    """Our modules, named without the package's own name; rushlight/__init__ is ''."""
    found = {}
    for path in sorted((SOURCE / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SOURCE / PACKAGE).with_suffix("").parts
        if parts[0] != "_as_torch":  # a package `torch` for other processes, not a part of this one
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(module: str, path: Path) -> Iterator[tuple[str, int]]:
    """Which of our modules a module imports, and at which line."""
    here = f"{PACKAGE}.{module}".strip(".").split(".")
    if path.name != "__init__.py":
        here = here[:-1]
    for node in real_code(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            names = [(base, alias.name) for alias in node.names]
        else:
            continue
        for base, name in names:
            if base.split(".")[0] == PACKAGE:
                target = base[len(PACKAGE) + 1 :]
                inner = f"{target}.{name}".strip(".")
                yield (inner if name and (inner in MODULES or inner in FLOORS) else target), node.lineno


def real_code(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree, without what stands under ``if TYPE_CHECKING:``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            for other in node.orelse:
                yield other
                yield from real_code(other)
        else:
            yield node
            yield from real_code(node)


def goes_down(importer: str, target: str) -> bool:
    if floor(target) < floor(importer):
        return True
    family = importer.split(".")[0]
    alike = family == target.split(".")[0] or importer == "" or floor(importer) == TOP
    return floor(target) == floor(importer) and alike


@pytest.mark.parametrize("module", MODULES, ids=lambda name: name or PACKAGE)
def test_imports_go_down(module: str) -> None:
    wrong = [
        f"{MODULES[module]}:{line}, floor {floor(module)}, imports {target or PACKAGE}, floor {floor(target)}"
        for target, line in imported(module, MODULES[module])
        if not goes_down(module, target) and (module, target) not in ALLOWED
    ]
    assert not wrong, "\n".join(["an import goes up:", *wrong])


@pytest.mark.parametrize("family", ALONE)
def test_some_stand_alone(family: str) -> None:
    for module, path in MODULES.items():
        if module.split(".")[0] == family:
            others = [(target, line) for target, line in imported(module, path) if target.split(".")[0] != family]
            assert not others, f"{path} imports {others}; {ALONE[family]}"


def test_every_part_of_the_core_has_its_floor() -> None:
    missing = [module for module in MODULES if module.startswith("_core.") and module not in FLOORS]
    assert not missing, f"add {missing} to FLOORS"


def test_every_floor_is_a_module_that_is_there() -> None:
    """So that a renamed file does not lose its floor in silence."""
    gone = [name for name in FLOORS if name not in MODULES and name.split(".")[0] in {m.split(".")[0] for m in MODULES}]
    assert not gone


def test_every_exception_is_needed() -> None:
    unused = [
        (importer, target)
        for importer, target in ALLOWED
        if goes_down(importer, target) or target not in {name for name, _ in imported(importer, MODULES[importer])}
    ]
    assert not unused


def test_the_checker_sees_what_it_must(tmp_path: Path) -> None:
    source = tmp_path / "engine.py"
    source.write_text(
        "from typing import TYPE_CHECKING\n"
        "from . import graph\n"
        "from .tensor import Tensor\n"
        "if TYPE_CHECKING:\n    from .._ops import arithmetic\n"
        "def late():\n    from .._ops.shape import expand\n    import rushlight\n"
    )
    seen = [(target, line) for target, line in imported("_core.engine", source)]
    assert seen == [("_core.graph", 2), ("_core.tensor", 3), ("_ops.shape", 7), ("", 8)]
    assert [goes_down("_core.engine", target) for target, _ in seen] == [True, True, False, False]
