"""A spatial transformer network: it begins as the identity, whose grid lies on the pixels, where gradients jump."""

import torch
import torch.nn.functional as F
from torch import nn, optim

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, kernel_size=5)
        self.drop = nn.Dropout2d()
        self.fc = nn.Linear(4 * 12 * 12, 10)
        self.localization = nn.Sequential(nn.Conv2d(1, 4, kernel_size=7), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
        self.fc_loc = nn.Sequential(nn.Linear(4 * 11 * 11, 16), nn.ReLU(True), nn.Linear(16, 3 * 2))
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def stn(self, x):
        theta = self.fc_loc(self.localization(x).view(-1, 4 * 11 * 11)).view(-1, 2, 3)
        return F.grid_sample(x, F.affine_grid(theta, x.size(), align_corners=False), align_corners=False)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.drop(self.conv(self.stn(x))), 2))
        return F.log_softmax(self.fc(x.flatten(1)), dim=1)


model = Net()
optimizer = optim.SGD(model.parameters(), lr=0.01)
pictures, labels = torch.randn(8, 1, 28, 28), torch.arange(8)
for step in range(4):
    optimizer.zero_grad()
    loss = F.nll_loss(model(pictures), labels)
    loss.backward()
    optimizer.step()
    print(step, loss.item(), model.fc_loc[2].bias.grad.norm().item())
model.eval()
with torch.no_grad():
    print(model.stn(pictures).abs().mean(), model(pictures).argmax(1))
identity = torch.eye(2, 3)[None]
for corners in (False, True):
    for size in (5, 28, 33):
        grid = F.affine_grid(identity, (1, 1, size, size), align_corners=corners)
        row = torch.arange(float(size)).expand(1, 1, size, size).clone().requires_grad_()
        out = F.grid_sample(row, grid, align_corners=corners, mode="bilinear")
        out.square().sum().backward()
        print(corners, size, grid.abs().sum().item(), (out - row).abs().max().item() < 1e-4, row.grad.sum().item())
