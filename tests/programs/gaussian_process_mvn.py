"""A Gaussian process by torch.distributions: log_prob of MultivariateNormal differentiated, samples, KL, a change of variables."""

import torch
from torch.distributions import Gamma, LogNormal, MultivariateNormal, Normal, TransformedDistribution, kl_divergence
from torch.distributions.transforms import AffineTransform, SigmoidTransform

torch.manual_seed(0)
x = torch.linspace(0, 1, 12, dtype=torch.float64)
y = torch.cos(4 * x)
log_length = torch.zeros((), dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.SGD([log_length], lr=0.01)
for i in range(10):
    K = torch.exp(-0.5 * (x[:, None] - x[None]) ** 2 / log_length.exp() ** 2) + 0.01 * torch.eye(
        12, dtype=torch.float64
    )
    gp = MultivariateNormal(torch.zeros(12, dtype=torch.float64), K)
    prior = Gamma(2.0, 1.0).log_prob(log_length.exp()) + LogNormal(0.0, 1.0).log_prob(log_length.exp())
    loss = -gp.log_prob(y) - prior
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 3 == 0:
        print(f"{i} {loss.item():.6f} {log_length.grad.item():.6f}")
gp = MultivariateNormal(torch.zeros(12, dtype=torch.float64), K.detach())
print(gp.sample((2,)).shape, gp.rsample()[:3], f"{gp.entropy().item():.6f}")
other = MultivariateNormal(torch.ones(12, dtype=torch.float64), torch.eye(12, dtype=torch.float64))
print(f"{kl_divergence(gp, other).item():.6f}")
logistic = TransformedDistribution(Normal(0.0, 1.0), [AffineTransform(0.5, 2.0), SigmoidTransform()])
print(logistic.log_prob(torch.tensor([0.2, 0.5, 0.9])), logistic.sample((3,)))
