"""Custom Functions (several outputs, non-tensors, setup_context, double backward, once_differentiable) and hooks of every kind."""

import torch
from torch.autograd import Function, gradcheck, gradgradcheck
from torch.autograd.function import once_differentiable

torch.manual_seed(0)


class Linear(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class MulConstant(Function):
    @staticmethod
    def forward(tensor, constant):
        return tensor * constant

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.constant = inputs

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.constant, None

    @staticmethod
    def jvp(ctx, tangent, _):
        return tangent * ctx.constant


class SinCos(Function):
    @staticmethod
    def forward(ctx, x):
        s, c = x.sin(), x.cos()
        ctx.save_for_backward(s, c)
        return s, c

    @staticmethod
    def backward(ctx, gs, gc):
        s, c = ctx.saved_tensors
        return gs * c - gc * s


class Straight(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_non_differentiable(mask := x > 0)
        return x.round(), mask

    @staticmethod
    @once_differentiable
    def backward(ctx, g, _):
        return g.clone()


class AddOne(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.add_(1)

    @staticmethod
    def backward(ctx, g):
        return g


x = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
w = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
b = torch.randn(2, dtype=torch.double, requires_grad=True)
print(gradcheck(Linear.apply, (x, w, b)), gradgradcheck(Linear.apply, (x, w, b)), gradcheck(SinCos.apply, (x,)))
out = Linear.apply(x, w, b)
print(out.grad_fn.name(), f"{out.sum().item():.10f}")
y = MulConstant.apply(x, 5.0)
print(torch.autograd.grad(y.sum(), x)[0].unique())
rounded, mask = Straight.apply(x)
rounded.sum().backward()
print(x.grad.sum(), mask.requires_grad, rounded.grad_fn.name())
z = x * 2
print(AddOne.apply(z) is z, z.grad_fn.name())
print(torch.func.jvp(lambda t: MulConstant.apply(t, 3.0), (torch.ones(2),), (torch.ones(2),))[1])

model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)).double()
log = []
handles = [
    model[0].register_forward_pre_hook(lambda m, args: log.append(("pre", tuple(args[0].shape)))),
    model[0].register_forward_hook(lambda m, args, out: out * 2),
    model[2].register_full_backward_hook(
        lambda m, gin, gout: log.append(("full", f"{gin[0].sum().item():.5f}", f"{gout[0].sum().item():.5f}"))
    ),
    model[2].register_full_backward_pre_hook(lambda m, gout: (gout[0] * 0.5,)),
    model[2].weight.register_hook(lambda g: log.append(("weight", f"{g.sum().item():.5f}"))),
    model[0].weight.register_post_accumulate_grad_hook(lambda p: log.append(("post", f"{p.grad.sum().item():.5f}"))),
]
out = model(x)
out.register_hook(lambda g: log.append(("out", f"{g.sum().item():.5f}")))
out.grad_fn.register_hook(lambda gin, gout: log.append(("node", len(gin))))
out.pow(2).sum().backward()
for entry in log:
    print(*entry)
for handle in handles:
    handle.remove()
print(f"{model(x).sum().item():.6f}")

packed = []
with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(tuple(t.shape)) or t, lambda t: t):
    (x.exp() * x).sum().backward()
print(packed)
with torch.autograd.graph.save_on_cpu():
    print(torch.autograd.grad((x * x).sum(), x)[0].sum().item())
try:
    with torch.autograd.detect_anomaly(check_nan=True):
        torch.zeros(1, requires_grad=True).sqrt().mul(0).sum().backward()
except RuntimeError as error:
    print(str(error).split(". It was")[0].rstrip("."))
from torch.utils.checkpoint import checkpoint  # noqa: E402

x.grad = None
checkpoint(model, x, use_reentrant=False).sum().backward()
print(x.grad.sum().item())
