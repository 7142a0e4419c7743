"""torchdiffeq under the name torch: every solver against exact solutions, gradients by gradcheck, the adjoint, events."""

import math
import sys
import warnings

import torch
import torchdiffeq

warnings.simplefilter("ignore")
FIXED = ("euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams", "implicit_adams")
ADAPTIVE = ("dopri5", "bosh3", "adaptive_heun", "fehlberg2", "dopri8")


class Constant(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(0.2))
        self.b = torch.nn.Parameter(torch.tensor(3.0))

    def forward(self, t, y):
        return self.a + (y - (self.a * t + self.b)) ** 5

    def exact(self, t):
        return self.a * t + self.b


class Sine(torch.nn.Module):
    def forward(self, t, y):
        return 2 * y / t + t**4 * torch.sin(2 * t) - t**2 + 4 * t**3

    def exact(self, t):
        return (
            -0.5 * t**4 * (2 * t).cos()
            + 0.5 * t**3 * (2 * t).sin()
            + 0.25 * t**2 * (2 * t).cos()
            - t**3
            + 2 * t**4
            + (math.pi - 0.25) * t**2
        )


class Linear(torch.nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        U = torch.randn(dim, dim) * 0.1
        self.A = torch.nn.Parameter(2 * U - (U + U.transpose(0, 1)))

    def forward(self, t, y):
        return torch.mm(self.A, y.reshape(-1, 1)).reshape(-1)

    def exact(self, t):
        return torch.stack(
            [torch.linalg.matrix_exp(self.A * s) @ torch.ones(len(self.A), dtype=self.A.dtype) for s in t]
        ).detach()


def problem(ode, dtype=torch.float64, reverse=False, points=8):
    torch.manual_seed(0)
    f = ode().to(dtype)
    t = torch.linspace(1, 8, points, dtype=dtype, requires_grad=True)
    exact = f.exact(t)
    if reverse:
        t, exact = t.flip(0).clone().detach(), exact.flip(0).clone().detach()
    return f, exact[0].detach().requires_grad_(True), t, exact


def error(y, exact):
    return ((exact - y) / exact).abs().max().item()


for reverse in (False, True):
    for dtype in (torch.float32, torch.float64):
        for method in FIXED + ADAPTIVE:
            if method == "dopri8" and dtype == torch.float32:
                continue
            options = dict(rtol=1e-12, atol=1e-14) if method == "dopri8" else {}
            for ode in (Constant, Sine, Linear) if method in ("dopri5", "dopri8") else (Constant,):
                f, y0, t, exact = problem(ode, dtype, reverse)
                with torch.no_grad():
                    y = torchdiffeq.odeint(f, y0, t, method=method, **options)
                bound = 4e-3 if method in ("adaptive_heun", "bosh3", "fehlberg2") else 2e-3 if ode is Linear else 2e-4
                assert error(y, exact) < bound, (reverse, dtype, method, ode.__name__, error(y, exact))
print("solutions agree")

for method in ("midpoint", "rk4", "dopri5"):
    f, y0, t, _ = problem(Constant, points=3)
    assert torch.autograd.gradcheck(lambda y0, t: torchdiffeq.odeint(f, y0, t, method=method), (y0, t)), method  # noqa: B023
print("gradcheck passes")

results = []
for integrate in (torchdiffeq.odeint, torchdiffeq.odeint_adjoint):
    f, y0, t, _ = problem(Constant, points=4)
    ys = integrate(f, y0, t, method="dopri5", rtol=1e-10, atol=1e-12)
    torch.manual_seed(1)
    ys.backward(torch.rand_like(ys))
    results.append([y0.grad, t.grad, f.a.grad, f.b.grad])
for direct, adjoint in zip(*results):
    assert torch.allclose(direct, adjoint, atol=1e-6), (direct, adjoint)
print("adjoint agrees", *[f"{g.sum().item():.6f}" for g in results[1]])

f, y0, t, exact = problem(Sine)
y = torchdiffeq.odeint_adjoint(f, y0, t)
assert error(y, exact) < 1e-4
pair = torchdiffeq.odeint(
    lambda t, s: (s[1], -s[0]), (torch.tensor([0.0]), torch.tensor([1.0])), torch.linspace(0, 3, 4)
)
print([f"{v.item():.5f}" for v in pair[0]], type(pair).__name__)
height = torch.tensor(10.0, requires_grad=True)
when, state = torchdiffeq.odeint_event(
    lambda t, s: (s[1], torch.full_like(s[1], -9.8)),
    (height, torch.tensor(0.0)),
    torch.tensor(0.0),
    event_fn=lambda t, s: s[0],
    method="dopri5",
)
when.backward()
print(f"falls for {when.item():.5f}, {height.grad.item():.6f} {math.sqrt(20 / 9.8):.5f}")
if "scipy" not in sys.modules:
    import scipy  # noqa: F401
f, y0, t, exact = problem(Sine)
y = torchdiffeq.odeint(
    lambda t, y: f(t, y).detach(), y0.detach(), t.detach(), method="scipy_solver", options={"solver": "RK45"}
)
assert error(y, exact) < 1e-3
print("SciPy's solver agrees")
