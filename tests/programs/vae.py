"""A variational autoencoder: reparametrised samples, binary cross-entropy and KL divergence, by hand and by distributions."""

import torch
from torch import nn, optim
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

torch.manual_seed(1)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc21 = nn.Linear(48, 8)
        self.fc22 = nn.Linear(48, 8)
        self.fc3 = nn.Linear(8, 48)
        self.fc4 = nn.Linear(48, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


grid = torch.stack(torch.meshgrid(torch.linspace(-1, 1, 8), torch.linspace(-1, 1, 8), indexing="ij"), -1)
centres = torch.rand(256, 2) * 1.6 - 0.8
data = torch.exp(-((grid[None] - centres[:, None, None]) ** 2).sum(-1) * 6).unsqueeze(1)
loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(1, 6):
    model.train()
    train_loss = 0
    for batch in loader:
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(batch)
        loss = loss_function(recon_batch, batch, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        recon, mu, logvar = model(data)
        test_loss = loss_function(recon, data, mu, logvar).item()
    print(f"Epoch {epoch} train {train_loss / len(loader.dataset):.4f} test {test_loss / len(data):.4f}")
with torch.no_grad():
    print(model.decode(torch.randn(2, 8)).view(2, 8, 8)[0, ::3, ::3])
posterior, prior = Normal(mu, (0.5 * logvar).exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu))
by_hand = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), 1)
print(torch.allclose(kl_divergence(posterior, prior).sum(1), by_hand, atol=1e-4), f"{by_hand.mean().item():.5f}")
print(
    f"{posterior.rsample().sum().item():.4f} {posterior.log_prob(mu).mean().item():.5f} {prior.entropy().mean().item():.5f}"
)
