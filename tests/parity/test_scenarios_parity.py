"""Scenarios run on PyTorch and on Rushlight, each in a process of its own: what they show must agree.

A scenario is a program that calls ``show(name, function)``: noted are the result (floats to 8 digits), or the type of
the error and its first words, and the first words of the warnings.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SCENARIOS = sorted((HERE / "scenarios").glob("*.py"))
WORDS = 40  # characters of a message that must agree

# what may differ: scenario -> names shown -> why
DIFFERENT = {
    "gradcheck": {
        "undef": "the message says what to do instead of naming files of PyTorch",
        "multi": "PyTorch fails in fast forward mode where an output needs no gradient",
    },
    "sparse": {
        "facts": "PyTorch warns that it does not check invariants",
        "bad index": "indices are checked here",
        "negative": "indices are checked here",
        "spsp": "PyTorch warns of its CSR tensors",
    },
    "overrides": {
        "mm": "operators of Python are named as functions",
        "fsum": "arguments are given by position",
        "relu": "Python functions of PyTorch pass all keywords on",
        "sm": "as relu",
        "mse": "as relu",
        "ce": "as relu",
        "ln": "as relu",
        "split": "as relu",
        "repr": "as relu",
        "bool": "comparisons are named as functions",
        "cmp": "comparisons are named as functions",
        "it": "__iter__ itself is asked",
        "mixo": "the words of an operator where nobody takes it",
        "no": "the words of an operator where nobody takes it",
        "back": "the class is given to the result itself, without an alias node",
        "grad": "gradients are plain tensors",
        "copy": "deepcopy works",
    },
}


def play(library: str, path: str) -> None:
    """Run one scenario in this process and print what it shows, a JSON line each."""
    import importlib

    module = importlib.import_module(library)

    def show(name: str, function: Any) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = ["ok", rounded(function())]
            except Exception as error:
                found = [type(error).__name__, str(error).strip()[:WORDS]]
        said = [
            str(w.message).strip()[:WORDS]
            for w in caught
            if not issubclass(w.category, (RuntimeWarning, DeprecationWarning)) and "jit" not in str(w.message)
        ]
        print(json.dumps([name, *found, said], default=str), flush=True)

    text = Path(path).read_text()
    text = re.sub(r"^(import|from) torch\b", rf"\1 {library}", text, flags=re.M)
    module.manual_seed(0)
    exec(compile(text, path, "exec"), {"torch": module, "show": show, "__name__": "scenario"})


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    return value if isinstance(value, (int, bool, type(None))) else str(value)


def shown(library: str, path: Path) -> list[Any]:
    source = str(HERE.parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, library, str(path)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_scenario(path: Path) -> None:
    pytest.importorskip("torch")
    ours, theirs = shown("rushlight", path), shown("torch", path)
    assert [line[0] for line in ours] == [line[0] for line in theirs]
    different = DIFFERENT.get(path.stem, {})
    wrong = [
        f"{a[0]}:\n  torch {b[1:]}\n  ours  {a[1:]}"
        for a, b in zip(ours, theirs, strict=True)
        if a != b and a[0] not in different
    ]
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    play(*sys.argv[1:])
