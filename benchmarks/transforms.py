"""Function transforms against ``torch.func`` and JAX, where they are installed, interleaved in one process: minima.

    PYTHONPATH=src python benchmarks/transforms.py [--seconds 0.25] [name ...]

Each line is microseconds a call for every library, and what Rushlight takes as a part of each other one's time (below
1 is faster). JAX runs each function twice: operation by operation, and compiled as a whole by ``jax.jit`` (compiling
is not counted). All use one thread. Names choose lines by their beginnings.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

TURN, TURNS = 3e-3, 5  # seconds that a library runs before the next one does, and how often at least

Case = Callable[[Any, Any], tuple[Callable[..., Any], str]]


def small(L: Any) -> Callable[[Any], Any]:
    return lambda x: (L.sin(x) * x * x).sum()


def chain(L: Any, count: int) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for _ in range(count // 3):
            x = L.sin(x * 1.01 + 0.5)
        return x.sum()

    return run


def mlp(L: Any, w: Any, v: Any, x: Any) -> Any:
    return ((v @ L.tanh(w @ x)) ** 2).sum()


# name: (library, its func) -> the function, and the names of its arguments
CASES: dict[str, Case] = {
    "enter grad": lambda L, F: (F.grad(lambda x: x), "s"),
    "enter vmap": lambda L, F: (F.vmap(lambda x: x), "X"),
    "enter jvp": lambda L, F: (lambda x: F.jvp(lambda x: x, (x,), (x,)), "x"),
    "grad 3 ops": lambda L, F: (F.grad(small(L)), "x"),
    "grad 30 ops": lambda L, F: (F.grad(chain(L, 30)), "x"),
    "grad 300 ops": lambda L, F: (F.grad(chain(L, 300)), "x"),
    "grad of grad 30 ops": lambda L, F: (F.grad(lambda x: F.grad(chain(L, 30))(x).sum()), "x"),
    "vjp": lambda L, F: (lambda x: F.vjp(lambda x: L.sin(x) * x, x)[1](x), "x"),
    "vjp 30 ops": lambda L, F: (lambda x: F.vjp(chain(L, 30), x)[1](F.one), "x"),
    "jvp 3 ops": lambda L, F: (lambda x: F.jvp(small(L), (x,), (x,)), "x"),
    "jvp 30 ops": lambda L, F: (lambda x: F.jvp(chain(L, 30), (x,), (x,)), "x"),
    "vmap 3 ops": lambda L, F: (F.vmap(small(L)), "X"),
    "vmap 30 ops": lambda L, F: (F.vmap(chain(L, 30)), "X"),
    "vmap of grad 3 ops": lambda L, F: (F.vmap(F.grad(small(L))), "X"),
    "vmap of grad 30 ops": lambda L, F: (F.vmap(F.grad(chain(L, 30))), "X"),
    "grad of vmap": lambda L, F: (F.grad(lambda X: F.vmap(small(L))(X).sum()), "X"),
    "jacrev": lambda L, F: (F.jacrev(lambda x: L.sin(x) * x * x.sum()), "x"),
    "jacfwd": lambda L, F: (F.jacfwd(lambda x: L.sin(x) * x * x.sum()), "x"),
    "hessian 3 ops": lambda L, F: (F.hessian(small(L)), "x"),
    "hessian 30 ops": lambda L, F: (F.hessian(chain(L, 30)), "x"),
    "jacrev of jacrev": lambda L, F: (F.jacrev(F.jacrev(small(L))), "x"),
    "per sample, small MLP": lambda L, F: (
        F.vmap(F.grad(lambda w, v, x: mlp(L, w, v, x), (0, 1)), (None, None, 0)), "wvX",
    ),
    "per sample, MLP 128": lambda L, F: (
        F.vmap(F.grad(lambda w, v, x: mlp(L, w, v, x), (0, 1)), (None, None, 0)), "WVB",
    ),
    "ensemble of 16": lambda L, F: (F.vmap(lambda w, v, x: mlp(L, w, v, x), (0, 0, None)), "UTx"),
}  # fmt: skip


def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {
        "x": (5,), "X": (16, 5), "s": (), "w": (4, 5), "v": (3, 4), "W": (128, 128), "V": (10, 128), "B": (64, 128),
        "U": (16, 4, 5), "T": (16, 3, 4),
    }  # fmt: skip
    return {name: rng.standard_normal(shape).astype(np.float32) * 0.3 for name, shape in shapes.items()}


class Names:
    """The transforms of a library, and a one."""

    def __init__(self, module: Any, one: Any) -> None:
        self.module, self.one = module, one

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


def libraries() -> dict[str, Any]:
    import rushlight
    import rushlight.func

    rushlight.set_num_threads(1)  # as for PyTorch below

    found: dict[str, Any] = {"rushlight": (rushlight, Names(rushlight.func, rushlight.ones(())), rushlight.tensor)}
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        found["torch"] = (torch, Names(torch.func, torch.ones(())), torch.tensor)
    if importlib.util.find_spec("jax"):
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        import jax

        found["jax"] = found["jax.jit"] = (jax.numpy, Names(jax, jax.numpy.ones(())), jax.numpy.asarray)
    return found


def prepared(library: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it is timed: JAX's results are waited for, as it computes them behind the caller's back."""
    if not library.startswith("jax"):
        return function
    import jax

    ready = jax.block_until_ready
    run = jax.jit(function) if library == "jax.jit" else function
    return lambda *args: ready(run(*args))


def measured(calls: list[tuple[Callable[..., Any], list[Any]]], seconds: float) -> list[float]:
    """The fastest run of each, in microseconds: they take turns of some milliseconds, or of one run if that is longer."""
    best = [float("inf")] * len(calls)
    for function, args in calls:
        function(*args)
    end = time.perf_counter() + seconds
    turns = 0
    while time.perf_counter() < end or turns < TURNS:
        turns += 1
        for i, (function, args) in enumerate(calls):
            now = turn = time.perf_counter()
            while now - turn < TURN:
                start = time.perf_counter()
                function(*args)
                now = time.perf_counter()
                best[i] = min(best[i], now - start)
    return [b * 1e6 for b in best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.25, help="time for each line and library")
    parser.add_argument("names", nargs="*", help="beginnings of lines to run")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    libs, arrays = libraries(), data()
    others = list(libs)[1:]
    print(f"{'':24s}" + "".join(f"{name:>12s}" for name in libs) + "".join(f"{'/ ' + name:>10s}" for name in others))
    for name, case in CASES.items():
        if options.names and not any(name.startswith(n) for n in options.names):
            continue
        calls = []
        for library, (module, names, tensor) in libs.items():
            function, args = case(module, names)
            calls.append((prepared(library, function), [tensor(arrays[a]) for a in args]))
        times = measured(calls, options.seconds * len(calls))
        print(
            f"{name:24s}" + "".join(f"{t:12.1f}" for t in times) + "".join(f"{times[0] / t:10.2f}" for t in times[1:])
        )


if __name__ == "__main__":
    main()
