"""A quick start: Dataset, DataLoader, a network, a training and a test loop, saving and loading the model."""

import os
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Blobs(Dataset):
    """Small pictures of ten classes: a bright spot whose place is the class."""

    def __init__(self, n, transform=None):
        generator = torch.Generator().manual_seed(n)
        self.targets = torch.randint(10, (n,), generator=generator)
        self.images = 0.3 * torch.randn(n, 1, 12, 12, generator=generator)
        for image, label in zip(self.images, self.targets):
            image[0, label // 4 * 4 : label // 4 * 4 + 3, label % 4 * 3 : label % 4 * 3 + 3] += 1.0
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, idx):
        image = self.images[idx]
        return (self.transform(image) if self.transform else image), self.targets[idx].item()


train_loader = DataLoader(Blobs(512), batch_size=64, shuffle=True)
test_loader = DataLoader(Blobs(256, transform=lambda im: im * 1.0), batch_size=64)
for X, y in test_loader:
    print(f"Shape of X [N, C, H, W]: {X.shape}", f"Shape of y: {y.shape} {y.dtype}")
    break


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(12 * 12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
        )

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))


device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
model = NeuralNetwork().to(device)
print(model)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=5e-2)


def train(dataloader, model, loss_fn, optimizer):
    size = len(dataloader.dataset)
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if batch % 4 == 0:
            print(f"loss: {loss.item():>7f}  [{(batch + 1) * len(X):>5d}/{size:>5d}]")


def test(dataloader, model, loss_fn):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X.to(device))
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    print(f"Accuracy: {100 * correct / len(dataloader.dataset):>0.1f}%, Avg loss: {test_loss / len(dataloader):>8f}")


for epoch in range(4):
    print(f"Epoch {epoch + 1}")
    train(train_loader, model, loss_fn, optimizer)
    test(test_loader, model, loss_fn)

path = os.path.join(tempfile.mkdtemp(), "model.pth")
torch.save(model.state_dict(), path)
model = NeuralNetwork().to(device)
print(model.load_state_dict(torch.load(path, weights_only=True)))
model.eval()
x, y = test_loader.dataset[0]
with torch.no_grad():
    pred = model(x.to(device))
    print(f"Predicted: {pred[0].argmax(0)}, Actual: {y}", pred)
for name, param in model.named_parameters():
    print(name, param.size(), f"{param.abs().sum().item():.5f}")
