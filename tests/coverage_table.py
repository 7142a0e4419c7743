"""Operators by checks: writes docs/coverage.md from the rows of samples, without PyTorch.

python tests/coverage_table.py          # write the table
python tests/coverage_table.py --check  # say whether it is up to date, and which operators have no row
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import rushlight  # noqa: E402
from samples import Row, rows  # noqa: E402

NAMES = HERE / "operators.txt"  # PyTorch's operators, one tier a paragraph
TABLE = HERE.parent / "docs" / "coverage.md"
CHECKS = (
    ("value", "value"), ("gradient", "gradient"), ("second", "second derivative"), ("complex", "complex"),
    ("forward", "forward mode"), ("vmap", "vmap"), ("inplace", "in place"), ("out", "out="), ("dtypes", "dtypes"),
    ("edges", "edges"),
)  # fmt: skip


def operators() -> dict[str, int]:
    """PyTorch's operators with their tier: 1 is everyday."""
    found: dict[str, int] = {}
    if NAMES.exists():
        for tier, paragraph in enumerate(NAMES.read_text().strip().split("\n\n"), 1):
            found |= dict.fromkeys(re.split(r",\s+", paragraph.strip()), tier)
    return found


def found(name: str) -> Any:
    """The function of a name, or the method."""
    place: Any = rushlight
    for part in name.split("."):
        try:
            place = getattr(place, part, None)
        except ImportError:
            place = None
    return place if place is not None else getattr(rushlight.Tensor, name, None)


def sampled() -> tuple[set[str], set[int]]:
    """The names that rows have, and the functions behind them (aliases are the same function)."""
    names: set[str] = set()
    for row in rows():
        names |= {row.id, row.name, row.name.removeprefix("Tensor.")}
        if isinstance(row.method, str):
            names.add(row.method)
    return names, {id(f) for f in map(found, names) if f is not None}


def missing() -> list[str]:
    """PyTorch's operators that no row is of: by name, as an alias, or as a signature (``div.floor_rounding``)."""
    names, functions = sampled()

    def covered(name: str) -> bool:
        if name in names or f"{name}_" in names or id(found(name)) in functions:
            return True
        head, _, variant = name.rpartition(".")
        return bool(variant) and head in names

    return [name for name in operators() if not covered(name)]


def does(row: Row, check: str) -> str:
    """One cell: checked, does not apply, or left out with a reason."""
    if check in row.skip:
        return "left out"
    if (check in ("gradient", "second", "forward") and not row.grad) or (check == "second" and not row.second):
        return ""
    switch = {
        "complex": row.complex or any(t.array.dtype.kind == "c" for c in row.calls() for t in c.tensors),
        "inplace": bool(row.inplace), "out": row.out, "dtypes": bool(row.dtypes), "edges": row.edges is not None,
        "vmap": row.vmap, "forward": row.jvp,
    }  # fmt: skip
    return "yes" if switch.get(check, True) else ""


def table() -> str:
    """The whole page."""
    every = rows()
    tiers = operators()
    lines = [
        "# Operators and how each is checked",
        "",
        "Made by `python tests/coverage_table.py` from the rows in `tests/samples`. Every column is checked without",
        "PyTorch by `tests/test_ops.py` and against PyTorch 2.13 by `tests/parity/test_ops_parity.py`.",
        "",
    ]
    if tiers:
        lacking = missing()
        for tier, what in ((1, "everyday"), (2, "regular"), (3, "rare")):
            names = [n for n, t in tiers.items() if t == tier]
            have = len(names) - len([n for n in lacking if tiers[n] == tier])
            lines.append(f"Of PyTorch's {len(names)} {what} operators and signatures, {have} have a row.")
    lines += [
        "",
        "| operator | " + " | ".join(title for _, title in CHECKS) + " |",
        "|---" * (len(CHECKS) + 1) + "|",
    ]
    family = ""
    for row in every:
        if row.family != family:
            family = row.family
            lines.append(f"| **{family}** |" + " |" * len(CHECKS))
        lines.append(f"| {row.id} | " + " | ".join(does(row, key) for key, _ in CHECKS) + " |")
    reasons = [(row.id, check, why) for row in every for check, why in row.skip.items()]
    reasons += [(row.id, f"tolerance {row.tol}", row.why) for row in every if row.tol is not None]
    if reasons:
        lines += ["", "## What is left out or loosened, and why", ""]
        lines += [f"- `{name}`, {check}: {why}" for name, check, why in reasons]
    if tiers and lacking:
        lines += ["", "## PyTorch's operators without a row", "", ", ".join(f"`{n}`" for n in lacking)]
    return "\n".join(lines) + "\n"


def main() -> int:
    text = table()
    if "--check" in sys.argv:
        print("without a row:", ", ".join(missing()) or "none")
        fresh = TABLE.exists() and TABLE.read_text() == text
        print(f"{TABLE} is {'up to date' if fresh else 'out of date: run python tests/coverage_table.py'}")
        return 0 if fresh else 1
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(text)
    print(f"wrote {TABLE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
