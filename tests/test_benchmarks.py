"""The calls that ``benchmarks/operators.py`` measures: one for every operator of its tiers, and each runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import rushlight

FILE = Path(__file__).resolve().parent.parent / "benchmarks" / "operators.py"
spec = importlib.util.spec_from_file_location("operators_benchmark", FILE)
benchmark: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)


def test_every_operator_of_the_tiers_has_a_call():
    assert sorted(benchmark.tiers()) == sorted(benchmark.table())


@pytest.mark.filterwarnings("ignore")
def test_every_call_runs_forward_and_backward():
    failed = {}
    for name, (call, _) in benchmark.table().items():
        try:
            for run in benchmark.passes(rushlight, call, 10):
                run()
        except Exception as error:
            failed[name] = error
    assert not failed
