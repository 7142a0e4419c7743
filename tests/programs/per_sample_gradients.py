"""Gradients of each sample apart, by a loop and by vmap(grad); then ensembling, Jacobians and Hessians by torch.func."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

torch.manual_seed(0)


class SimpleCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.fc1 = nn.Linear(144, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


def loss_fn(predictions, targets):
    return F.nll_loss(predictions, targets)


batch_size = 6
data = torch.randn(batch_size, 1, 10, 10)
targets = torch.randint(10, (batch_size,))
model = SimpleCNN()
loss = loss_fn(model(data), targets)
print(f"{loss.item():.6f}")


def compute_grad(sample, target):
    prediction = model(sample.unsqueeze(0))
    return torch.autograd.grad(loss_fn(prediction, target.unsqueeze(0)), list(model.parameters()))


looped = [torch.stack(g) for g in zip(*[compute_grad(data[i], targets[i]) for i in range(batch_size)])]
params = {k: v.detach() for k, v in model.named_parameters()}
buffers = {k: v.detach() for k, v in model.named_buffers()}


def compute_loss(params, buffers, sample, target):
    predictions = functional_call(model, (params, buffers), (sample.unsqueeze(0),))
    return loss_fn(predictions, target.unsqueeze(0))


per_sample = vmap(grad(compute_loss), in_dims=(None, None, 0, 0))(params, buffers, data, targets)
for a, (name, b) in zip(looped, per_sample.items()):
    print(
        name, tuple(b.shape), torch.allclose(a, b, atol=3e-6, rtol=1e-4), [f"{v:.5f}" for v in b.flatten(1).norm(dim=1)]
    )
norms = torch.stack([g.flatten(1).norm(dim=1) for g in per_sample.values()]).norm(dim=0)
clipped = {k: (g * (1 / norms).clamp(max=1).view(-1, *[1] * (g.dim() - 1))).mean(0) for k, g in per_sample.items()}
print(" ".join(f"{g.abs().sum():.5f}" for g in clipped.values()))

# An ensemble of models in one call.
models = [nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2)) for _ in range(4)]
stacked, stacked_buffers = stack_module_state(models)
base = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2)).to("meta")
x = torch.randn(3, 5)
together = vmap(lambda p, b, x: functional_call(base, (p, b), (x,)), in_dims=(0, 0, None))(stacked, stacked_buffers, x)
print(torch.allclose(together, torch.stack([m(x) for m in models]), atol=1e-6), together[0])

# Jacobians and Hessians.
weight, bias = torch.randn(3, 4), torch.randn(3)


def predict(weight, bias, x):
    return F.linear(x, weight, bias).tanh()


x = torch.randn(4)
print(
    torch.allclose(jacrev(predict, argnums=2)(weight, bias, x), jacfwd(predict, argnums=2)(weight, bias, x), atol=1e-6)
)
print(jacrev(predict, argnums=2)(weight, bias, x))
print(hessian(lambda x: predict(weight, bias, x).sum())(x))
out, tangent = jvp(lambda x: predict(weight, bias, x), (x,), (torch.ones(4),))
_, pull = vjp(lambda x: predict(weight, bias, x), x)
print(tangent, pull(torch.ones(3)))
print(vmap(jacrev(lambda x: predict(weight, bias, x)))(torch.randn(2, 4)).sum(dim=0))
print(vmap(torch.dot)(torch.arange(6.0).view(2, 3), torch.ones(2, 3)), grad(grad(torch.sin))(torch.tensor(0.5)))
