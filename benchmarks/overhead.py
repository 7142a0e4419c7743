"""What one operation costs beside its arithmetic: chains of small operations here and in PyTorch, in one run.

    make bench    (or, where both are installed: python benchmarks/overhead.py)

Each line is the least of many interleaved rounds, in microseconds an operation, and the ratio to PyTorch (below 1 is
faster). Both libraries use one thread. Import times are those beyond NumPy's own, each in a fresh process.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

# NumPy chooses its kernels by itself on users' machines; a forced choice would be measured instead
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
if any(name in os.environ for name in FORCED):
    os.execve(sys.executable, [sys.executable, *sys.argv], {k: v for k, v in os.environ.items() if k not in FORCED})

import torch

import rushlight

torch.set_num_threads(1)
LIBRARIES = (("rushlight", rushlight), ("torch", torch))
OPERATIONS = 200

CHAINS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "y * 1.01 + 0.5": lambda y, w, b: y * 1.01 + 0.5,
    "y * w + b": lambda y, w, b: y * w + b,
    "y.sin().cos()": lambda y, w, b: y.sin().cos(),
}


def chain(library: Any, step: Callable[[Any, Any, Any], Any], size: int) -> tuple[float, float]:
    """Seconds of the forward pass, and of both passes, of a chain of ``OPERATIONS`` operations."""
    x, w, b = [library.full((size,), v).requires_grad_() for v in (0.5, 1.01, 0.3)]
    seed = library.ones(size)
    start = time.perf_counter()
    y = x
    for _ in range(OPERATIONS // 2):
        y = step(y, w, b)
    middle = time.perf_counter()
    y.backward(seed)
    return middle - start, time.perf_counter() - start


def whole(library: Any) -> float:
    """Seconds of the smallest complete use: a sum of squares of four numbers and its gradient."""
    x = library.ones(4).requires_grad_()
    start = time.perf_counter()
    (x * x).sum().backward()
    return time.perf_counter() - start


def import_time(name: str, rounds: int) -> float:
    """Seconds to import a library after NumPy, the least of several fresh processes."""
    # as installed: with the bytecode that the first import leaves behind
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    code = f"import numpy, time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
    return min(
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
            ).stdout
        )
        for _ in range(rounds)
    )


def row(label: str, ours: float, theirs: float, unit: str) -> str:
    return f"| {label:<44} | {ours:>9.2f} {unit} | {theirs:>9.2f} {unit} | {ours / theirs:>5.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="interleaved rounds of each measurement")
    rounds = parser.parse_args().rounds
    print(f"| {'what':<44} | {'Rushlight':>12} | {'PyTorch':>12} | {'ratio':>5} |")
    print(f"|{'-' * 46}|{'-' * 14}|{'-' * 14}|{'-' * 7}|")
    for size in (1, 100):
        for label, step in CHAINS.items():
            best: dict[str, list[float]] = {name: [9.0, 9.0] for name, _ in LIBRARIES}
            for _ in range(rounds):
                for name, library in LIBRARIES:
                    best[name] = list(map(min, best[name], chain(library, step, size)))
            for i, passes in enumerate(("forward", "forward + backward")):
                ours, theirs = [best[name][i] / OPERATIONS * 1e6 for name, _ in LIBRARIES]
                elements = "1 element" if size == 1 else f"{size} elements"
                print(row(f"{label}, {elements}, {passes}", ours, theirs, "us"))
    least = {name: 9.0 for name, _ in LIBRARIES}
    for _ in range(rounds * 10):
        for name, library in LIBRARIES:
            least[name] = min(least[name], whole(library))
    print(row("(x * x).sum().backward(), 4 elements", *[least[n] * 1e6 for n, _ in LIBRARIES], "us"))
    times = {name: import_time(name, 5) * 1e3 for name, _ in LIBRARIES}
    print(row("import, beyond NumPy's", times["rushlight"], times["torch"], "ms"))
    print(
        f"\nPython {sys.version.split()[0]}, NumPy {importlib.import_module('numpy').__version__}, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
