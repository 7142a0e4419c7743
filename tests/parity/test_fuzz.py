"""Random programs on both libraries: every value, gradient, version, flag and type of error must agree.

A few hundred run with the other tests; ``make fuzz`` runs 20,000 (``-m soak``).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

_spec = importlib.util.spec_from_file_location("fuzz_programs", Path(__file__).with_name("fuzz_programs.py"))
assert _spec is not None and _spec.loader is not None
programs: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)


def check(seeds: range, wide: bool = False) -> None:
    torch.set_num_threads(1)
    found = []
    for seed in seeds:
        program = programs.make_program(seed, wide)
        if programs.difference(program, torch, rushlight):
            program = programs.shrunk(program, torch, rushlight)
            steps = "\n".join(f"    {step}" for step in program)
            found.append(f"seed {seed}: {programs.difference(program, torch, rushlight)}\n{steps}")
    assert not found, f"{len(found)} of {len(seeds)} programs differ\n" + "\n".join(found[:5])


@pytest.mark.parametrize("block", range(4))
def test_programs(block: int) -> None:
    check(range(block * 100, block * 100 + 100))


@pytest.mark.parametrize("block", range(4))
def test_wide_programs(block: int) -> None:
    check(range(block * 100, block * 100 + 100), wide=True)


@pytest.mark.soak
@pytest.mark.parametrize("block", range(20))
def test_many_wide_programs(block: int) -> None:
    check(range(block * 500, block * 500 + 500), wide=True)


@pytest.mark.soak
@pytest.mark.parametrize("block", range(40))
def test_many_programs(block: int) -> None:
    check(range(block * 500, block * 500 + 500))
