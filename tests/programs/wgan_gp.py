"""A critic with a gradient penalty (double backward), then one with spectral norm and hinge loss, and weight norm."""

import torch
from torch import autograd, nn
from torch.nn.utils import parametrizations, spectral_norm

torch.manual_seed(0)
theta = torch.rand(256) * 6.2831853
reals = torch.stack([theta.cos(), theta.sin()], 1) + 0.05 * torch.randn(256, 2)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(reals), 64, shuffle=True, drop_last=True)
G = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 2))
D = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 24), nn.Softplus(), nn.Linear(24, 1))
opt_G = torch.optim.RMSprop(G.parameters(), lr=1e-3)
opt_D = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.9))


def compute_gradient_penalty(D, real, fake):
    alpha = torch.rand(real.size(0), 1)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    out = D(mixed)
    gradients = autograd.grad(
        outputs=out,
        inputs=mixed,
        grad_outputs=torch.ones_like(out),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    return ((gradients.view(gradients.size(0), -1).norm(2, dim=1) - 1) ** 2).mean()


for epoch in range(3):
    for i, (real,) in enumerate(loader):
        opt_D.zero_grad()
        z = torch.randn(real.size(0), 4)
        fake = G(z).detach()
        penalty = compute_gradient_penalty(D, real, fake)
        d_loss = -D(real).mean() + D(fake).mean() + 10 * penalty
        d_loss.backward()
        opt_D.step()
        if i % 2 == 0:
            opt_G.zero_grad()
            g_loss = -D(G(z)).mean()
            g_loss.backward()
            opt_G.step()
    print(f"{epoch} D {d_loss.item():.6f} G {g_loss.item():.6f} penalty {penalty.item():.6f}")

for norm in (spectral_norm, parametrizations.spectral_norm):
    D = nn.Sequential(norm(nn.Linear(2, 16)), nn.ReLU(), norm(nn.Linear(16, 1)))
    opt = torch.optim.SGD(D.parameters(), lr=0.05, momentum=0.5, nesterov=True)
    for step in range(8):
        fake = G(torch.randn(64, 4)).detach()
        loss = torch.relu(1 - D(reals[:64])).mean() + torch.relu(1 + D(fake)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"spectral {loss.item():.6f} {torch.linalg.matrix_norm(D[0].weight, 2).item():.5f}", *D.state_dict())
wn = parametrizations.weight_norm(nn.Linear(3, 2))
wn(torch.ones(1, 3)).sum().backward()
print(*[f"{n} {p.grad.norm().item():.6f}" for n, p in wn.named_parameters()])
orthogonal = parametrizations.orthogonal(nn.Linear(3, 3))
print(torch.allclose(orthogonal.weight @ orthogonal.weight.T, torch.eye(3), atol=1e-5))
