"""What a browser lacks (Pyodide has no threads, no worker processes, no shared memory) stops nothing but what needs it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"

AS_IN_A_BROWSER = """
import sys, threading
for name in ("_multiprocessing", "_posixshmem", "_hashlib"):
    sys.modules[name] = None
def start(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
import rushlight as torch
"""


def in_a_browser(program: str) -> list[str]:
    run = [sys.executable, "-c", AS_IN_A_BROWSER + textwrap.dedent(program)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "RUSHLIGHT_NUMBA": "0", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(run, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_training_and_pictures() -> None:
    shown = in_a_browser("""
        torch.set_num_threads(1)
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        optimizer = torch.optim.Adam(model.parameters())
        data = torch.utils.data.TensorDataset(torch.randn(8, 4), torch.randint(0, 2, (8,)))
        for x, y in torch.utils.data.DataLoader(data, batch_size=4, shuffle=True):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(torch.draw(loss).svg.count("<svg"), loss.isfinite().item())
    """)
    assert shown == ["1", "True"]


def test_backward_within_backward_needs_no_thread() -> None:
    shown = in_a_browser("""
        class Nested(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, depth):
                ctx.depth = depth
                return x.clone()

            @staticmethod
            def backward(ctx, g):
                if ctx.depth:
                    with torch.enable_grad():
                        Nested.apply(torch.ones(1, requires_grad=True), ctx.depth - 1).sum().backward()
                return g, None

        x = torch.ones(1, requires_grad=True)
        Nested.apply(x, 60).sum().backward()
        print(x.grad.item())
    """)
    assert shown == ["1.0"]


def test_workers_are_refused_in_words() -> None:
    shown = in_a_browser("""
        import warnings
        warnings.simplefilter("ignore")
        data = torch.utils.data.TensorDataset(torch.randn(8, 4))
        try:
            next(iter(torch.utils.data.DataLoader(data, num_workers=1)))
        except RuntimeError as error:
            print(str(error).split(";")[-1])
    """)
    assert shown == ["use", "num_workers=0"]
