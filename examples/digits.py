"""A small convolutional network learns to read 1,797 handwritten digits.

An ordinary PyTorch program.  It runs unchanged on PyTorch, `python examples/digits.py`, and on Rushlight,
`rushlight run examples/digits.py`; `rushlight demo` runs it too, and then shows what it did in pictures.
"""

import argparse
import importlib.util
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class DigitNet(nn.Module):
    """Two convolutions, each halved by a maximum, and a linear layer: 6,090 numbers to learn."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.out = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.out(x.flatten(1))


@dataclass
class Result:
    """What a training run leaves: the network, its losses step by step, and how it does on unseen digits."""

    net: nn.Module
    images: torch.Tensor  # the held-out digits, (N, 1, 8, 8)
    labels: torch.Tensor
    predicted: torch.Tensor
    losses: list = field(default_factory=list)  # one a step
    epochs: int = 0
    trained_on: int = 0
    seconds: float = 0.0

    @property
    def accuracy(self):
        return (self.predicted == self.labels).float().mean().item()


def load_digits():
    """Images (1797, 1, 8, 8) in [0, 1] and labels, from the file that comes with Rushlight."""
    here = Path(__file__).resolve().parent
    places = [here / "digits.npz", here.parent / "src/rushlight/_data/digits.npz"]
    package = importlib.util.find_spec("rushlight")  # found, not imported: this may be running on PyTorch
    if package is not None and package.origin:
        places.append(Path(package.origin).parent / "_data/digits.npz")
    path = next((place for place in places if place.exists()), None)
    if path is None:
        sys.exit(f"digits.npz is not beside {__file__}, and Rushlight, which brings it, is not installed")
    with np.load(path, allow_pickle=False) as archive:
        images = archive["images"].astype(np.float32)[:, None] / 16
        labels = archive["labels"].astype(np.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


def train(epochs=20, batch_size=64, lr=0.01, seed=0, progress=None):
    """Train on 1,437 digits chosen by the seed, test on the other 360."""
    torch.manual_seed(seed)
    images, labels = load_digits()
    order = torch.randperm(len(images))
    seen, unseen = order[:1437], order[1437:]
    loader = DataLoader(TensorDataset(images[seen], labels[seen]), batch_size=batch_size, shuffle=True)

    net = DigitNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.05)
    losses, steps, start = [], epochs * len(loader), time.perf_counter()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # products this small are done before a second thread has woken
    for epoch in range(epochs):
        for x, y in loader:
            for group in optimizer.param_groups:  # the step's length falls to nothing along a cosine
                group["lr"] = lr * (1 + math.cos(math.pi * len(losses) / steps)) / 2
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if progress:
                progress(len(losses), steps, f"epoch {epoch + 1}/{epochs}  loss {losses[-1]:.4f}")
    seconds = time.perf_counter() - start
    torch.set_num_threads(threads)

    with torch.no_grad():
        predicted = net(images[unseen]).argmax(dim=1)
    return Result(net, images[unseen], labels[unseen], predicted, losses, epochs, len(seen), seconds)


def progress_bar(done, total, text, width=32):
    """A bar that redraws itself on a terminal; elsewhere a line at each tenth."""
    if sys.stderr.isatty():
        filled = done * width * 8 // total
        bar = "█" * (filled // 8) + " ▏▎▍▌▋▊▉"[filled % 8].strip()
        end = "\n" if done == total else ""
        print(f"\r  {bar:<{width}} {done / total:4.0%}  {text}", end=end, file=sys.stderr, flush=True)
    elif done == total or done % max(1, total // 10) == 0:
        print(f"  {done:5}/{total} steps  {text}", file=sys.stderr, flush=True)


def table(rows):
    """Rows of (name, value) as aligned lines between two rules."""
    left = max(len(name) for name, _ in rows)
    right = max(len(value) for _, value in rows)
    rule = "─" * (left + right + 4)
    return "\n".join([rule, *(f" {name:<{left}}  {value}" for name, value in rows), rule])


def report(result):
    """What was done, as rows for `table`."""
    parameters = sum(p.numel() for p in result.net.parameters())
    right = int((result.predicted == result.labels).sum())
    steps = len(result.losses)
    return [
        ("torch", f"{torch.__version__}"),
        ("data", f"{result.trained_on} digits to learn from, {len(result.labels)} held out"),
        ("network", f"{type(result.net).__name__}, {parameters:,} parameters"),
        ("training", f"{result.epochs} epochs, {steps} steps with AdamW"),
        ("time", f"{result.seconds:.2f} s, {1e3 * result.seconds / steps:.2f} ms a step"),
        ("loss", f"{result.losses[0]:.4f} at first, {np.mean(result.losses[-20:]):.4f} at the end"),
        ("held-out digits", f"{right} of {len(result.labels)} right, {result.accuracy:.2%}"),
    ]


def mistakes(result, most=4):
    """Some of the held-out digits that were misread, drawn with letters, side by side."""
    wrong = (result.predicted != result.labels).nonzero().flatten().tolist()[:most]
    if not wrong:
        return "every held-out digit was read right"
    head = [f"{int(result.labels[i])} read as {int(result.predicted[i])}" for i in wrong]
    ink = " .:-=+*#%@"
    drawn = [
        ["".join(ink[min(9, int(10 * dot))] * 2 for dot in row) for row in result.images[i, 0].tolist()] for i in wrong
    ]
    lines = ["   ".join(f"{title:<16}" for title in head)]
    lines += ["   ".join(rows) for rows in zip(*drawn)]
    return "\n".join(line.rstrip() for line in lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train a small convolutional network on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    result = train(args.epochs, args.batch_size, args.lr, args.seed, progress_bar)
    print(table(report(result)))
    print(mistakes(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
