"""torch.func at work: MAML by grad of grad, an ensemble trained by vmap, influence by Hessian products, forward-mode duals."""

import torch
import torch.autograd.forward_ad as fwAD
import torch.nn.functional as F
from torch.func import functional_call, grad, grad_and_value, jacfwd, jacrev, jvp, linearize, vjp, vmap

torch.manual_seed(0)


def net(params, x):
    x = F.relu(F.linear(x, params[0], params[1]))
    return F.linear(x, params[2], params[3])


def init():
    return [torch.randn(16, 1) * 0.5, torch.zeros(16), torch.randn(1, 16) * 0.3, torch.zeros(1)]


def task_loss(params, phase, amp):
    x = torch.linspace(-2, 2, 10)[:, None]
    support, query = x[::2], x[1::2]
    target = lambda x: amp * torch.sin(x + phase)
    inner = lambda p: F.mse_loss(net(p, support), target(support))
    adapted = [p - 0.1 * g for p, g in zip(params, grad(inner)(params))]
    return F.mse_loss(net(adapted, query), target(query))


params = init()
for step in range(6):
    phases, amps = torch.rand(4) * 3, torch.rand(4) + 0.5
    grads, losses = grad_and_value(lambda p: vmap(task_loss, in_dims=(None, 0, 0))(p, phases, amps).mean())(params)
    params = [p - 0.05 * g for p, g in zip(params, grads)]
    print(f"maml {step} {losses.item():.6f}")

stacked = [torch.stack(ps) for ps in zip(*[init() for _ in range(3)])]
x = torch.linspace(-1, 1, 16)[:, None]
y = x**2
for step in range(10):
    g, loss = vmap(grad_and_value(lambda p: F.mse_loss(net(p, x), y)))(stacked)
    stacked = [p - 0.1 * q for p, q in zip(stacked, g)]
print("ensemble", loss)
print("random", vmap(lambda p: F.dropout(p, 0.5), randomness="different")(torch.ones(3, 2)).shape)

f = lambda v: (v**3).sum() + v.prod()
v, t = torch.randn(4), torch.randn(4)
print("hvp", jvp(grad(f), (v,), (t,))[1], vjp(grad(f), v)[1](t)[0])
print("hessian", jacfwd(jacrev(f))(v))
value, push = linearize(torch.sin, v)
print("linear", push(t))
with fwAD.dual_level():
    dual = fwAD.make_dual(v, t)
    out = fwAD.unpack_dual((dual * dual).sin())
    print("dual", out.tangent)
model = torch.nn.Linear(4, 2)
print("call", functional_call(model, {"weight": torch.ones(2, 4), "bias": torch.zeros(2)}, v))
print("jac", torch.autograd.functional.jacobian(lambda a, b: a @ b, (torch.eye(2), torch.ones(2)))[0].shape)
print("hvp", torch.autograd.functional.hvp(f, v, t)[1], torch.autograd.functional.vhp(f, v, t)[1])
