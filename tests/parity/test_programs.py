"""Real programs: each prints the same under PyTorch and under `rushlight run`, number by number.

PyTorch runs them in this process (importing it takes seconds), Rushlight in a process of its own, by the command
that people use.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import runpy
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from printed import compare

torch = pytest.importorskip("torch")

FOLDER = Path(__file__).parent.parent / "programs"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py"))
TOLERANCES = {  # (relative, absolute), where the default does not do
    "polynomial": (1e-3, 1e-3),  # sums over 2000 large squares, in another order
    "siren_pinn": (5e-3, 1e-4),  # second derivatives through 20 steps
    "dcgan": (2e-3, 2e-4),
    "wgan_gp": (1e-3, 1e-4),
}


def by_torch(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", [str(path)])
    random.seed(0)
    np.random.seed(0)
    printed = io.StringIO()
    default = torch.get_default_dtype()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runpy.run_path(str(path), run_name="__main__")
    finally:
        torch.set_default_dtype(default)
    return printed.getvalue()


def by_rushlight(path: Path) -> tuple[str, float]:
    environment = dict(os.environ, PYTHONWARNINGS="ignore")
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "rushlight", "run", str(path)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, time.perf_counter() - start


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FOLDER / f"{name}.py"
    found, _ = by_rushlight(path)
    expected = by_torch(path, monkeypatch)
    assert expected.count("\n") >= 3
    assert compare(found, expected, *TOLERANCES.get(name, (2e-4, 2e-5))) == ""
