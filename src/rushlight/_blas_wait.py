"""Lets the threads of OpenBLAS go to sleep soon after a product.

They wait for the next one awake, for 2^26 cycles (some 25 ms) by default, and keep a core from everyone else: the
kernels' own threads, which take turns with them, and other programs.  With 2^20 cycles they still stay awake from one
product to the next of a network.  OpenBLAS asks the environment once, when NumPy is imported: this module comes before.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "OPENBLAS_THREAD_TIMEOUT"
CYCLES = "20"  # the power of two


def shorten() -> str:
    """Ask for the shorter wait, unless the environment has a wish of its own; what was done, in words."""
    if VARIABLE in os.environ:
        return f"2^{os.environ[VARIABLE]} cycles ({VARIABLE} is set)"
    if "numpy" in sys.modules:
        return "OpenBLAS's own (NumPy was imported before Rushlight)"
    os.environ[VARIABLE] = CYCLES
    return f"2^{CYCLES} cycles"


status = shorten()
"""What was done, in words; ``rushlight doctor`` shows it."""
