"""A neural ordinary differential equation: Runge-Kutta steps through the graph, and the adjoint method as a custom Function."""

import torch
import torch.nn as nn

torch.manual_seed(0)


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0, std=0.1)
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        return self.net(y**3)


def rk4(f, y, t0, t1):
    h = t1 - t0
    k1 = f(t0, y)
    k2 = f(t0 + h / 2, y + h * k1 / 2)
    k3 = f(t0 + h / 2, y + h * k2 / 2)
    k4 = f(t1, y + h * k3)
    return y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6


def odeint(f, y0, ts):
    ys = [y0]
    for t0, t1 in zip(ts[:-1], ts[1:]):
        ys.append(rk4(f, ys[-1], t0, t1))
    return torch.stack(ys)


class Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f, ts, y0, *params):
        with torch.no_grad():
            ys = odeint(f, y0, ts)
        ctx.f = f
        ctx.save_for_backward(ts, ys, *params)
        return ys

    @staticmethod
    def backward(ctx, grad_ys):
        ts, ys, *params = ctx.saved_tensors
        a = grad_ys[-1]
        sums = [torch.zeros_like(p) for p in params]
        for i in range(len(ts) - 1, 0, -1):
            with torch.enable_grad():
                y = ys[i - 1].detach().requires_grad_(True)
                out = rk4(ctx.f, y, ts[i - 1], ts[i])
                grads = torch.autograd.grad(out, (y, *params), a, allow_unused=True)
            a = grads[0] + grad_ys[i - 1]
            sums = [s if g is None else s + g for s, g in zip(sums, grads[1:])]
        return None, None, a, *sums


true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
ts = torch.linspace(0.0, 3.0, 16)
with torch.no_grad():
    true_y = odeint(lambda t, y: torch.mm(y**3, true_A), torch.tensor([[2.0, 0.0]]), torch.linspace(0, 3, 31))[::2]
for adjoint in (False, True):
    torch.manual_seed(0)
    func = ODEFunc()
    optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-2, alpha=0.9, centered=True)
    for itr in range(8):
        optimizer.zero_grad()
        y0 = true_y[0]
        pred = Adjoint.apply(func, ts, y0, *func.parameters()) if adjoint else odeint(func, y0, ts)
        loss = torch.mean(torch.abs(pred - true_y))
        loss.backward()
        optimizer.step()
        if itr % 2 == 0:
            print(f"Iter {itr:04d} | Total Loss {loss.item():.6f}")
