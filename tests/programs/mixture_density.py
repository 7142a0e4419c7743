"""A mixture density network with logsumexp, then quantile regression by the pinball loss and expectiles, with AMSGrad and schedulers."""

import math

import torch
import torch.nn as nn

torch.manual_seed(3)
y = torch.rand(200, 1) * 20 - 10
x = 7 * torch.sin(0.75 * y) + 0.5 * y + torch.randn(200, 1) * 0.3


class MDN(nn.Module):
    def __init__(self, hidden=20, k=5):
        super().__init__()
        self.z_h = nn.Sequential(nn.Linear(1, hidden), nn.Tanh())
        self.z_pi, self.z_mu, self.z_sigma = (nn.Linear(hidden, k) for _ in range(3))

    def forward(self, x):
        z = self.z_h(x)
        return torch.log_softmax(self.z_pi(z), -1), self.z_mu(z), torch.exp(self.z_sigma(z))


def mdn_loss(log_pi, mu, sigma, y):
    log_normal = -0.5 * ((y.expand_as(mu) - mu) / sigma) ** 2 - sigma.log() - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_pi + log_normal, dim=1).mean()


model = MDN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, amsgrad=True)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0.05)
for epoch in range(60):
    loss = mdn_loss(*model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    plateau.step(loss)
    if epoch % 15 == 0:
        print(f"{epoch} {loss.item():.6f} {optimizer.param_groups[0]['lr']:.5f}")
log_pi, mu, sigma = model(torch.tensor([[0.0], [5.0]]))
k = torch.multinomial(log_pi.exp(), 3, replacement=True)
print(k, mu.gather(1, k), torch.normal(mu, sigma)[:, :2])

quantiles = torch.tensor([0.1, 0.5, 0.9])
net = nn.Sequential(nn.Linear(1, 16), nn.ELU(), nn.Linear(16, 16), nn.Hardswish(), nn.Linear(16, 3))
optimizer = torch.optim.NAdam(net.parameters(), lr=0.01, weight_decay=1e-3)
cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.03, total_steps=60)
for step in range(60):
    errors = x - net(y / 10)
    loss = torch.max((quantiles - 1) * errors, quantiles * errors).sum(1).mean()
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    cycle.step()
    if step % 20 == 0:
        print(f"{step} {loss.item():.6f} {cycle.get_last_lr()[0]:.6f}")
covered = (x < net(y / 10)).float().mean(0)
print(covered, torch.quantile(x, quantiles), x.median(), torch.histc(x, 4, -8, 8))
