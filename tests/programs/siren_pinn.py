"""Networks differentiated by their inputs: a SIREN fitted to a Laplacian, a differential equation and a heat equation solved."""

import math

import torch
from torch import nn

torch.manual_seed(0)


class SineLayer(nn.Module):
    def __init__(self, n_in, n_out, first=False, omega=10.0):
        super().__init__()
        self.omega, self.linear = omega, nn.Linear(n_in, n_out)
        with torch.no_grad():
            bound = 1 / n_in if first else math.sqrt(6 / n_in) / omega
            self.linear.weight.uniform_(-bound, bound)

    def forward(self, x):
        return torch.sin(self.omega * self.linear(x))


def gradient(y, x, grad_outputs=None):
    if grad_outputs is None:
        grad_outputs = torch.ones_like(y)
    return torch.autograd.grad(y, [x], grad_outputs=grad_outputs, create_graph=True)[0]


def divergence(y, x):
    div = 0.0
    for i in range(y.shape[-1]):
        div += torch.autograd.grad(y[..., i], x, torch.ones_like(y[..., i]), create_graph=True)[0][..., i : i + 1]
    return div


def laplace(y, x):
    return divergence(gradient(y, x), x)


axis = torch.linspace(-1, 1, 10)
coords = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
target = -2 * (coords[:, :1] * 2).sin() * 4 * (coords[:, 1:] * 2).cos()
siren = nn.Sequential(SineLayer(2, 24, first=True), SineLayer(24, 24), nn.Linear(24, 1))
optim = torch.optim.Adam(siren.parameters(), lr=1e-3)
for step in range(20):
    x = coords.clone().detach().requires_grad_(True)
    y = siren(x)
    loss = ((laplace(y, x) - target) ** 2).mean()
    optim.zero_grad()
    loss.backward()
    optim.step()
    if step % 5 == 0:
        print(f"siren {step} {loss.item():.5f} {gradient(siren(x), x).norm(dim=-1).mean().item():.5f}")

# u'' = -u, u(0) = 0, u'(0) = 1.
net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)).double()
optim = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=10)
t = torch.linspace(0, 2, 20, dtype=torch.float64).unsqueeze(1).requires_grad_()


def closure():
    optim.zero_grad()
    u = net(t)
    (du,) = torch.autograd.grad(u.sum(), t, create_graph=True)
    (ddu,) = torch.autograd.grad(du.sum(), t, create_graph=True)
    loss = (ddu + u).pow(2).mean() + u[0].pow(2).sum() + (du[0] - 1).pow(2).sum()
    loss.backward()
    return loss


for _ in range(3):
    print(f"ode {optim.step(closure).item():.8f}")

# The heat equation u_t = u_xx / pi^2 with hard boundary values.
net = nn.Sequential(nn.Linear(2, 20), nn.Softplus(), nn.Linear(20, 20), nn.SiLU(), nn.Linear(20, 1))
optim = torch.optim.AdamW(net.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.ExponentialLR(optim, 0.97)
for step in range(20):
    points = torch.rand(40, 2, requires_grad=True)
    u = points[:, :1] * (1 - points[:, :1]) * net(points)
    g = torch.autograd.grad(u, points, torch.ones_like(u), create_graph=True)[0]
    u_xx = torch.autograd.grad(g[:, 0], points, torch.ones(40), create_graph=True)[0][:, :1]
    start = torch.rand(20, 1)
    u0 = start * (1 - start) * net(torch.cat([start, torch.zeros_like(start)], 1))
    loss = (g[:, 1:] - u_xx / math.pi**2).square().mean() + (u0 - torch.sin(math.pi * start)).square().mean()
    optim.zero_grad()
    loss.backward()
    optim.step()
    schedule.step()
    if step % 5 == 0:
        print(f"heat {step} {loss.item():.6f} lr {schedule.get_last_lr()[0]:.6f}")
