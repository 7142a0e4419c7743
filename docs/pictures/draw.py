"""Draws the pictures of the gallery beside itself: python docs/pictures/draw.py"""

from pathlib import Path

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn


def textbook():
    x = torch.tensor(3.0)
    w = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    y = w * x + b
    L = y**2
    return torch.draw(L, {"x": x}, title="L = (w x + b)²")


def mlp():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    x, target = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    loss = F.cross_entropy(model(x), target)
    return torch.draw(loss, title="A multilayer perceptron")


def conv():
    conv1, conv2, out = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), nn.Linear(64, 10)
    images, labels = torch.randn(2, 1, 8, 8), torch.tensor([3, 7])
    h = F.max_pool2d(F.relu(conv1(images)), 2)
    h = F.max_pool2d(F.relu(conv2(h)), 2)
    logits = out(h.flatten(1))
    loss = F.cross_entropy(logits, labels)
    return torch.draw(loss, title="A small convolutional network")


class Block(nn.Module):
    """A transformer block with one head."""

    def __init__(self, d):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.q, self.k, self.v, self.proj = (nn.Linear(d, d) for _ in range(4))
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        h = self.ln1(x)
        q, k, v = self.q(h), self.k(h), self.v(h)
        scores = q @ k.transpose(-2, -1) / 4
        attention = scores.softmax(-1)
        x = x + self.proj(attention @ v)
        h = F.gelu(self.up(self.ln2(x)))
        return x + self.down(h)


def transformer():
    block = Block(16)
    tokens = torch.randn(2, 6, 16)
    loss = block(tokens).square().mean()
    return torch.draw(loss, title="A transformer block")


if __name__ == "__main__":
    for subject in (textbook, mlp, conv, transformer):
        torch.manual_seed(0)
        print(subject().save(Path(__file__).with_name(f"{subject.__name__}.svg")))
