"""Real programs by `rushlight run`: a few print what they printed under PyTorch 2.13, kept in tests/programs/expected.

All of them are compared with PyTorch itself in tests/parity/test_programs.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from printed import compare

FOLDER = Path(__file__).parent / "programs"
KEPT = sorted((FOLDER / "expected").glob("*.txt"))


@pytest.mark.parametrize("kept", KEPT, ids=[path.stem for path in KEPT])
def test_program(kept: Path) -> None:
    environment = dict(os.environ, PYTHONWARNINGS="ignore")
    done = subprocess.run(
        [sys.executable, "-m", "rushlight", "run", str(FOLDER / f"{kept.stem}.py")],
        capture_output=True, text=True, env=environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert compare(done.stdout, kept.read_text()) == ""


@pytest.mark.parametrize(
    ("found", "expected", "same"),
    [
        ("loss 1.00001 at 3", "loss 1.00000 at 3", True),
        ("loss 1.1 at 3", "loss 1.5 at 3", False),
        ("step 3", "step 4", False),
        ("a 1.0", "b 1.0", False),
        ("[1., 2.]", "[1.,  2.]", True),
        ("nan", "1.0", False),
        ("<Node object at 0x7f00>", "<Node object at 0x7e00>", True),
        ("one\ntwo", "one", False),
    ],
)
def test_what_counts_as_the_same(found: str, expected: str, same: bool) -> None:
    assert (compare(found, expected) == "") is same
