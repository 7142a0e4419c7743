"""Real programs run by `rushlight run` and print what they printed under PyTorch 2.13 (a few lines of each, kept here).

All of them are compared with PyTorch in full in tests/parity/test_programs.py.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "programs"

LAST_LINES = {
    "micrograd_checks": """step 18 loss 0.320139, accuracy 87.50%
step 24 loss 0.283419, accuracy 87.50%
""",
    "neural_ode": "",
    "gaussian_process": "",
    "seq2seq": "",
}
