"""Training steps of whole programs against PyTorch eager: a character GPT, the MNIST network, a word language model.

Each library runs in a process of its own, with two threads and otherwise its own defaults; the parent lets them
take turns, a few steps at a time, so that both meet the same weather. Printed are medians over all turns.
Where other programs use the processors too, times of several threads say little: ``--cpu --threads 1`` compares the
processor time that a step takes.

    PYTHONPATH=src python benchmarks/programs.py [gpt small mnist words] [--turns 9] [--threads 2] [--cpu]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

LIBRARIES = ("torch", "rushlight")


def gpt(
    torch: Any, layers: int = 4, heads: int = 4, width: int = 128, length: int = 64, batch: int = 12
) -> Callable[[], float]:
    """The small configuration of nanoGPT: 4 layers, 4 heads, 128 wide, 64 long, batches of 12."""
    nn, F = torch.nn, torch.nn.functional

    class Attention(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.c_attn = nn.Linear(width, 3 * width, bias=False)
            self.c_proj = nn.Linear(width, width, bias=False)

        def forward(self, x: Any) -> Any:
            B, T, C = x.size()
            q, k, v = self.c_attn(x).split(C, dim=2)
            q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attn = Attention()
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False)
            )

        def forward(self, x: Any) -> Any:
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.wte, self.wpe = nn.Embedding(65, width), nn.Embedding(length, width)
            self.h = nn.ModuleList([Block() for _ in range(layers)])
            self.ln_f = nn.LayerNorm(width)
            self.lm_head = nn.Linear(width, 65, bias=False)
            self.wte.weight = self.lm_head.weight

        def forward(self, idx: Any, targets: Any) -> Any:
            x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
            for block in self.h:
                x = block(x)
            logits = self.lm_head(self.ln_f(x))
            return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))

    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    data = torch.randint(65, (batch, length + 1))
    x, y = data[:, :-1].contiguous(), data[:, 1:].contiguous()

    def step() -> float:
        loss = model(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.item())

    return step


def small(torch: Any) -> Callable[[], float]:
    """A smaller GPT still: 2 layers, 64 wide, 32 long, batches of 16, where overhead counts."""
    return gpt(torch, layers=2, width=64, length=32, batch=16)


def mnist(torch: Any) -> Callable[[], float]:
    """The network of pytorch/examples' mnist at its batch size, by Adadelta."""
    nn, F = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
            self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
            self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            x = torch.flatten(self.dropout1(F.max_pool2d(x, 2)), 1)
            x = self.dropout2(F.relu(self.fc1(x)))
            return F.log_softmax(self.fc2(x), dim=1)

    model = Net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    images, labels = torch.rand(64, 1, 28, 28), torch.randint(10, (64,))

    def step() -> float:
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def words(torch: Any, vocabulary: int = 10_000) -> Callable[[], float]:
    """The LSTM of pytorch/examples' word_language_model: 200 wide, 2 layers, 35 words, batches of 20."""
    nn, F = torch.nn, torch.nn.functional

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout(0.2)
            self.encoder = nn.Embedding(vocabulary, 200)
            self.rnn = nn.LSTM(200, 200, 2, dropout=0.2)
            self.decoder = nn.Linear(200, vocabulary)

        def forward(self, input: Any, hidden: Any) -> Any:
            output, hidden = self.rnn(self.drop(self.encoder(input)), hidden)
            decoded = self.decoder(self.drop(output)).view(-1, vocabulary)
            return F.log_softmax(decoded, dim=1), hidden

    model = Model()
    source, targets = torch.randint(vocabulary, (35, 20)), torch.randint(vocabulary, (700,))
    state = [(torch.zeros(2, 20, 200), torch.zeros(2, 20, 200))]

    def step() -> float:
        model.zero_grad()
        output, hidden = model(source, tuple(h.detach() for h in state[0]))
        state[0] = hidden
        loss = F.nll_loss(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-1.0)
        return float(loss.item())

    return step


PROGRAMS: dict[str, Callable[[Any], Callable[[], float]]] = {"gpt": gpt, "small": small, "mnist": mnist, "words": words}


def work(library: str, name: str, threads: int, clock: Callable[[], float]) -> None:
    """One library's side: say the loss after three steps, then run as many steps as each line asks for."""
    torch = importlib.import_module(library)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    step = PROGRAMS[name](torch)
    print(json.dumps([step() for _ in range(3)]), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = clock()
            step()
            times.append(clock() - start)
        print(json.dumps(times), flush=True)


def measure(name: str, turns: int, steps: int, threads: int, cpu: bool) -> dict[str, Any]:
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    workers = {}
    for library in LIBRARIES:
        command = [sys.executable, __file__, name, "--worker", library, "--threads", str(threads)]
        command += ["--cpu"] if cpu else []
        workers[library] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(library: str, line: str = "") -> list[float]:
        worker = workers[library]
        assert worker.stdin is not None and worker.stdout is not None
        if line:
            worker.stdin.write(line + "\n")
            worker.stdin.flush()
        answer: list[float] = json.loads(worker.stdout.readline())
        return answer

    losses = {library: ask(library) for library in LIBRARIES}
    times: dict[str, list[float]] = {library: [] for library in LIBRARIES}
    for _ in range(turns):
        for library in LIBRARIES:
            times[library] += ask(library, str(steps))
    for worker in workers.values():
        assert worker.stdin is not None
        worker.stdin.close()
        worker.wait()
    return {"losses": losses, "times": times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", default=[], metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)}")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--steps", type=int, default=4, help="steps a turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu", action="store_true", help="processor time instead of time on the clock")
    parser.add_argument("--worker", choices=LIBRARIES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        clock = time.process_time if options.cpu else time.perf_counter
        work(options.worker, options.programs[0], options.threads, clock)
        return
    print("program   torch ms  rushlight ms  ratio  (best: torch, rushlight)  loss at step 3")
    for name in options.programs or PROGRAMS:
        found = measure(name, options.turns, options.steps, options.threads, options.cpu)
        theirs, ours = (statistics.median(found["times"][library]) * 1e3 for library in LIBRARIES)
        best = [min(found["times"][library]) * 1e3 for library in LIBRARIES]
        losses = [found["losses"][library][2] for library in LIBRARIES]
        print(
            f"{name:8s} {theirs:9.2f} {ours:13.2f} {ours / theirs:6.2f}  ({best[0]:.2f}, {best[1]:.2f})  "
            f"{losses[0]:.5f} {losses[1]:.5f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
