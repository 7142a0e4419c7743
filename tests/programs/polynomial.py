"""A sine fitted by a cubic, six ways: arrays, tensors, autograd, a custom Function, nn and optim, a Module of its own."""

import math

import torch

torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 2000)
y = torch.sin(x)


def report(label, *values):
    print(label, *[f"{float(v):.6f}" for v in values])


# By hand: gradients written out.
a, b, c, d = (torch.randn(()) for _ in range(4))
for t in range(200):
    y_pred = a + b * x + c * x**2 + d * x**3
    loss = (y_pred - y).pow(2).sum().item()
    grad = 2.0 * (y_pred - y)
    a -= 1e-6 * grad.sum()
    b -= 1e-6 * (grad * x).sum()
    c -= 1e-6 * (grad * x**2).sum()
    d -= 1e-6 * (grad * x**3).sum()
    if t % 50 == 49:
        report(f"hand {t}", loss)
report("hand", a, b, c, d)

# The same by autograd.
torch.manual_seed(0)
a, b, c, d = (torch.randn((), dtype=torch.float32, requires_grad=True) for _ in range(4))
for t in range(200):
    y_pred = a + b * x + c * x**2 + d * x**3
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 1e-6 * p.grad
            p.grad = None
report("autograd", a, b, c, d)


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
P3 = LegendrePolynomial3.apply
for _ in range(200):
    loss = (a + b * P3(c + d * x) - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 5e-6 * p.grad
            p.grad = None
report("function", loss, a, b, c, d)

# nn and optim.
xx = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for t in range(300):
    loss = loss_fn(model(xx), y)
    if t % 100 == 99:
        report(f"nn {t}", loss)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
linear = model[0]
report("nn", linear.bias.item(), *[linear.weight[:, i].item() for i in range(3)])


class DynamicNet(torch.nn.Module):
    """A polynomial whose degree changes from call to call, its weights shared."""

    def __init__(self):
        super().__init__()
        for name in "abcde":
            self.register_parameter(name, torch.nn.Parameter(torch.randn(())))

    def forward(self, x):
        y = self.a + self.b * x + self.c * x**2 + self.d * x**3
        for exp in range(4, torch.randint(4, 7, ()).item()):
            y = y + self.e * x**exp
        return y

    def string(self):
        return f"y = {self.a.item():.3f} + {self.b.item():.3f} x"


model = DynamicNet()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)
for t in range(300):
    loss = loss_fn(model(x), y)
    if t % 100 == 99:
        report(f"dynamic {t}", loss)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(model.string())
