"""The expressions against which a scalar engine is checked, on one-element tensors, and a small classifier of moons by hinge loss."""

import math
import random

import torch

x = torch.Tensor([-4.0]).double()
x.requires_grad = True
z = 2 * x + 2 + x
q = z.relu() + z * x
h = (z * z).relu()
y = h + q + q * x
y.backward()
print(y.data.item(), x.grad.item())

a = torch.Tensor([-4.0]).double()
b = torch.Tensor([2.0]).double()
a.requires_grad = b.requires_grad = True
c = a + b
d = a * b + b**3
c = c + c + 1
c = c + 1 + c + (-a)
d = d + d * 2 + (b + a).relu()
d = d + 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g = g + 10.0 / f
g.backward()
print(g.data.item(), a.grad.item(), b.grad.item())

x1 = torch.Tensor([2.0]).double()
x1.requires_grad = True
x2 = torch.Tensor([0.0]).double()
x2.requires_grad = True
w1 = torch.Tensor([-3.0]).double()
w1.requires_grad = True
w2 = torch.Tensor([1.0]).double()
w2.requires_grad = True
b = torch.Tensor([6.8813735870195432]).double()
b.requires_grad = True
o = torch.tanh(x1 * w1 + x2 * w2 + b)
o.backward()
print(o.data.item(), x2.grad.item(), w2.grad.item(), x1.grad.item(), w1.grad.item())

random.seed(1337)
points = []
for i in range(40):
    angle = math.pi * i / 39
    points.append((math.cos(angle) + random.gauss(0, 0.1), math.sin(angle) + random.gauss(0, 0.1), 1.0))
    points.append((1 - math.cos(angle) + random.gauss(0, 0.1), 0.5 - math.sin(angle) + random.gauss(0, 0.1), -1.0))
X, Y = torch.tensor([p[:2] for p in points]), torch.tensor([p[2] for p in points])
random.seed(7)
sizes = [(2, 8), (8, 8), (8, 1)]
layers = [
    (
        torch.tensor([[random.uniform(-1, 1) for _ in range(i)] for _ in range(o)], requires_grad=True),
        torch.zeros(o, requires_grad=True),
    )
    for i, o in sizes
]
for k in range(25):
    out = X
    for n, (W, bias) in enumerate(layers):
        out = out @ W.t() + bias
        if n < 2:
            out = out.relu()
    scores = out.squeeze(1)
    data_loss = (1 + -Y * scores).relu().sum() * (1.0 / len(Y))
    total = data_loss + 1e-4 * sum((p * p).sum() for pair in layers for p in pair)
    for pair in layers:
        for p in pair:
            p.grad = None
    total.backward()
    for pair in layers:
        for p in pair:
            p.data -= (1.0 - 0.9 * k / 100) * 0.2 * p.grad
    if k % 6 == 0:
        accuracy = ((Y > 0) == (scores > 0)).float().mean()
        print(f"step {k} loss {total.item():.6f}, accuracy {accuracy.item() * 100:.2f}%")
