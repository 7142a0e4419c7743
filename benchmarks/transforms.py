"""Function transforms against ``torch.func``, interleaved in one process: minima.

    PYTHONPATH=src python benchmarks/transforms.py [--seconds 0.5] [name ...]

Each line is microseconds a call for every library, and the ratio to PyTorch. Names choose lines by their beginnings.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Case = Callable[[Any, Any], tuple[Callable[..., Any], str]]


def small(x: Any) -> Any:
    return (x.sin() * x * x).sum()


def chain(count: int) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for _ in range(count // 3):
            x = (x * 1.01 + 0.5).sin()
        return x.sum()

    return run


def mlp(L: Any, w: Any, v: Any, x: Any) -> Any:
    return ((v @ (w @ x).tanh()) ** 2).sum()


# name: (library, its func) -> the function, and the names of its arguments
CASES: dict[str, Case] = {
    "enter grad": lambda L, F: (F.grad(lambda x: x), "s"),
    "enter vmap": lambda L, F: (F.vmap(lambda x: x), "X"),
    "enter jvp": lambda L, F: (lambda x: F.jvp(lambda x: x, (x,), (x,)), "x"),
    "grad 3 ops": lambda L, F: (F.grad(small), "x"),
    "grad 30 ops": lambda L, F: (F.grad(chain(30)), "x"),
    "grad 300 ops": lambda L, F: (F.grad(chain(300)), "x"),
    "grad of grad 30 ops": lambda L, F: (F.grad(lambda x: F.grad(chain(30))(x).sum()), "x"),
    "vjp": lambda L, F: (lambda x: F.vjp(lambda x: x.sin() * x, x)[1](x), "x"),
    "vjp 30 ops": lambda L, F: (lambda x: F.vjp(chain(30), x)[1](F.one), "x"),
    "jvp 3 ops": lambda L, F: (lambda x: F.jvp(small, (x,), (x,)), "x"),
    "jvp 30 ops": lambda L, F: (lambda x: F.jvp(chain(30), (x,), (x,)), "x"),
    "vmap 3 ops": lambda L, F: (F.vmap(small), "X"),
    "vmap 30 ops": lambda L, F: (F.vmap(chain(30)), "X"),
    "vmap of grad 3 ops": lambda L, F: (F.vmap(F.grad(small)), "X"),
    "vmap of grad 30 ops": lambda L, F: (F.vmap(F.grad(chain(30))), "X"),
    "grad of vmap": lambda L, F: (F.grad(lambda X: F.vmap(small)(X).sum()), "X"),
    "jacrev": lambda L, F: (F.jacrev(lambda x: x.sin() * x * x.sum()), "x"),
    "jacfwd": lambda L, F: (F.jacfwd(lambda x: x.sin() * x * x.sum()), "x"),
    "hessian 3 ops": lambda L, F: (F.hessian(small), "x"),
    "hessian 30 ops": lambda L, F: (F.hessian(chain(30)), "x"),
    "jacrev of jacrev": lambda L, F: (F.jacrev(F.jacrev(small)), "x"),
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

    found: dict[str, Any] = {"rushlight": (rushlight, Names(rushlight.func, rushlight.ones(())), rushlight.tensor)}
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        found["torch"] = (torch, Names(torch.func, torch.ones(())), torch.tensor)
    return found


def measured(calls: list[tuple[Callable[..., Any], list[Any]]], seconds: float) -> list[float]:
    """The fastest of interleaved runs of each, in microseconds."""
    best = [float("inf")] * len(calls)
    for function, args in calls:
        function(*args)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, (function, args) in enumerate(calls):
            start = time.perf_counter()
            function(*args)
            best[i] = min(best[i], time.perf_counter() - start)
    return [b * 1e6 for b in best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each line")
    parser.add_argument("names", nargs="*", help="beginnings of lines to run")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    libs, arrays = libraries(), data()
    print(f"{'':24s}" + "".join(f"{name:>12s}" for name in libs) + "    ratio")
    for name, case in CASES.items():
        if options.names and not any(name.startswith(n) for n in options.names):
            continue
        calls = []
        for module, names, tensor in libs.values():
            function, args = case(module, names)
            calls.append((function, [tensor(arrays[a]) for a in args]))
        times = measured(calls, options.seconds)
        ratio = f"{times[0] / times[1]:9.2f}" if len(times) > 1 else ""
        print(f"{name:24s}" + "".join(f"{t:12.1f}" for t in times) + ratio)


if __name__ == "__main__":
    main()
