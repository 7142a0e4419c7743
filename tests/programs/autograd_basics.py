"""Autograd's first lessons: leaves, accumulation, retain_grad, no_grad, Jacobian products, hooks, second derivatives."""

import torch

torch.manual_seed(0)
x = torch.ones(5)
y = torch.zeros(3)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
print(type(z.grad_fn).__name__, type(loss.grad_fn).__name__)
loss.backward()
print(w.grad, b.grad)
with torch.no_grad():
    print((torch.matmul(x, w) + b).requires_grad)
print(z.detach().requires_grad)

inp = torch.eye(4, 5, requires_grad=True)
out = (inp + 1).pow(2).t()
for _ in range(2):
    out.backward(torch.ones_like(out), retain_graph=True)
    print(inp.grad)
inp.grad.zero_()
out.backward(torch.ones_like(out), retain_graph=True)
print(inp.grad)

a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
Q = 3 * a**3 - b**2
Q.retain_grad()
Q.backward(gradient=torch.tensor([1.0, 1.0]))
print(9 * a**2 == a.grad, -2 * b == b.grad, Q.grad)
print(Q.grad_fn, Q.grad_fn.next_functions[0][0].name(), a.is_leaf, Q.is_leaf)

x = torch.tensor(1.5, requires_grad=True)
f = torch.sin(x) * x**2
for _ in range(4):
    (f,) = torch.autograd.grad(f, x, create_graph=True)
    print(f)

v = torch.randn(3, requires_grad=True)
handle = v.register_hook(lambda g: g * 2)
(v * v).sum().backward()
print(v.grad / v)
handle.remove()
v.grad = None
(v * v).sum().backward()
print(v.grad / v)


def exp_reducer(x):
    return x.exp().sum(dim=1)


print(torch.autograd.functional.jacobian(exp_reducer, torch.arange(4.0).view(2, 2)))
print(torch.autograd.functional.hessian(lambda x: x.pow(3).sum(), torch.arange(3.0)))
print(torch.autograd.functional.vjp(exp_reducer, torch.ones(2, 2), torch.ones(2)))
try:
    loss.backward()
except RuntimeError as error:
    print(str(error)[:60])
try:
    p = torch.ones(2, requires_grad=True)
    s = p.exp()
    s.add_(1)
    s.sum().backward()
except RuntimeError as error:
    print(str(error)[:100])
try:
    p.add_(1)
except RuntimeError as error:
    print(str(error)[:74])
print(
    torch.autograd.grad(torch.ones(2, requires_grad=True).sum(), torch.ones(2, requires_grad=True), allow_unused=True)
)
