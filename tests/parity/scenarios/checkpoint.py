"""Checkpoints of every kind: gradients, how often the function runs, errors.

Run on both libraries by test_scenarios_parity.py: `torch` is the library, `show(name, function)` notes what happens.
"""
# ruff: noqa

import torch.utils.checkpoint as C
from torch.utils.checkpoint import *
from torch.utils.checkpoint import CheckpointError, CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

D = torch.float64


def mk(n=3):
    return torch.arange(1.0, n + 1, dtype=D).div_(4).requires_grad_()


calls = [0]


def f(x, y=None):
    calls[0] += 1
    z = (x * 2).sin() * x.exp()
    if y is not None:
        z = z * y
    return z.tanh()


def basic(**kw):
    x = mk()
    y = mk()
    calls[0] = 0
    out = checkpoint(f, x, y, **kw)
    out.sum().backward()
    return x.grad.tolist(), y.grad.tolist(), calls[0], out.grad_fn.name()


for kw in [
    dict(use_reentrant=True),
    dict(use_reentrant=False),
    {},
    dict(use_reentrant=False, debug=True),
    dict(use_reentrant=False, early_stop=False),
    dict(use_reentrant=False, determinism_check="none"),
    dict(use_reentrant=False, preserve_rng_state=False),
    dict(use_reentrant=True, preserve_rng_state=False),
]:
    show(str(kw), lambda: basic(**kw))
show("plain", lambda: (lambda x: (f(x).sum().backward(), x.grad.tolist()))(mk()))


def grad_api(r):
    x = mk()
    return torch.autograd.grad(checkpoint(f, x, use_reentrant=r).sum(), x)[0].tolist()


show("gradF", lambda: grad_api(False))
show("gradT", lambda: grad_api(True))


def double():
    x = mk()
    (g,) = torch.autograd.grad(checkpoint(f, x, use_reentrant=False).sum(), x, create_graph=True)
    return torch.autograd.grad(g.sum(), x)[0].tolist()


show("double", double)


def double0():
    x = mk()
    (g,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    return torch.autograd.grad(g.sum(), x)[0].tolist()


show("double0", double0)


def nested():
    x = mk()
    calls[0] = 0

    def g(x):
        return checkpoint(f, checkpoint(f, x, use_reentrant=False), use_reentrant=False) * x

    checkpoint(g, x, use_reentrant=False).sum().backward()
    return x.grad.tolist(), calls[0]


show("nested", nested)


def nested_re():
    x = mk()
    calls[0] = 0

    def g(x):
        return checkpoint(f, checkpoint(f, x, use_reentrant=True), use_reentrant=True) * x

    checkpoint(g, x, use_reentrant=True).sum().backward()
    return x.grad.tolist(), calls[0]


show("nested_re", nested_re)


def retain():
    x = mk()
    calls[0] = 0
    o = checkpoint(f, x, use_reentrant=False).sum()
    o.backward(retain_graph=True)
    o.backward()
    return x.grad.tolist(), calls[0]


show("retain", retain)


def twice():
    x = mk()
    o = checkpoint(f, x, use_reentrant=False).sum()
    o.backward()
    o.backward()


show("twice", twice)


def kw():
    x = mk()
    checkpoint(f, x, y=x, use_reentrant=False).sum().backward()
    return x.grad.tolist()


show("kw", kw)
show("kwT", lambda: checkpoint(f, mk(), y=3, use_reentrant=True))
show("nograd-in", lambda: checkpoint(f, mk().detach(), use_reentrant=True).requires_grad)
show("nograd-in", lambda: checkpoint(f, mk().detach(), use_reentrant=False).requires_grad)


def under_nograd():
    with torch.no_grad():
        return checkpoint(f, mk(), use_reentrant=False).requires_grad


show("no_grad", under_nograd)
state = [0]


def changing(x):
    state[0] += 1
    return x.sin() if state[0] % 2 else x.sin().exp().cos()


def ch(**kw):
    state[0] = 0
    x = mk()
    checkpoint(changing, x, use_reentrant=False, **kw).sum().backward()
    return x.grad.tolist()


show("more", lambda: ch())
show("more-noes", lambda: ch(early_stop=False))
show("more-debug", lambda: ch(debug=True, early_stop=False))


def fewer(x):
    state[0] += 1
    return x.sin() if not state[0] % 2 else x.sin().exp().cos()


def fw(**kw):
    state[0] = 0
    x = mk()
    checkpoint(fewer, x, use_reentrant=False, **kw).sum().backward()
    return x.grad.tolist()


show("fewer", lambda: fw())
show("fewer-debug", lambda: fw(debug=True))


def shp(x):
    state[0] += 1
    return (x if state[0] % 2 else x[:2]).sin().sum()


def sh(**kw):
    state[0] = 0
    x = mk()
    checkpoint(shp, x, use_reentrant=False, **kw).sum().backward()
    return x.grad.tolist()


show("shape", lambda: sh())
show("shape-debug", lambda: sh(debug=True))
show("det", lambda: checkpoint(f, mk(), use_reentrant=False, determinism_check="foo"))
show("ctxT", lambda: checkpoint(f, mk(), use_reentrant=True, debug=True))


def rng(r, p=True):
    torch.manual_seed(0)
    x = mk(50)
    o = checkpoint(lambda x: torch.nn.functional.dropout(x * x, 0.5), x, use_reentrant=r, preserve_rng_state=p)
    o.sum().backward()
    return bool(((o != 0) == (x.grad != 0)).all())


for r in (True, False):
    for p in (True,):
        show("rng", lambda: rng(r, p))


def seq(r, n, k):
    fs = [torch.sin, torch.cos, torch.exp, torch.tanh][:k]
    x = mk()
    o = C.checkpoint_sequential(fs, n, x, use_reentrant=r)
    o.sum().backward()
    return x.grad.tolist()


for r in (True, False):
    for n, k in ((1, 4), (2, 4), (3, 4), (4, 4), (2, 3)):
        show("seq", lambda: seq(r, n, k))


def seqm():
    torch.manual_seed(0)
    m = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.LayerNorm(4), torch.nn.Linear(4, 1)
    ).double()
    x = torch.linspace(0, 1, 6, dtype=D).reshape(2, 3).requires_grad_()
    o = C.checkpoint_sequential(m, 2, x, use_reentrant=False).sum()
    o.backward()
    a = [p.grad.clone() for p in m.parameters()] + [x.grad.clone()]
    m.zero_grad()
    x.grad = None
    m(x).sum().backward()
    b = [p.grad for p in m.parameters()] + [x.grad]
    return all(torch.allclose(p, q) for p, q in zip(a, b))


show("seqm", seqm)
with C.set_checkpoint_early_stop(False):
    show("noes", lambda: basic(use_reentrant=False))
with C.set_checkpoint_debug_enabled(True):
    show("debug", lambda: fw())


# selective
def sel(pol, fn=None, n=1):
    x = torch.linspace(0, 1, 4, dtype=D).reshape(2, 2).requires_grad_()
    y = torch.linspace(1, 2, 4, dtype=D).reshape(2, 2).requires_grad_()
    fn = fn or (lambda x, y: torch.sigmoid(torch.matmul(torch.matmul(x, y), y)) * y)
    out = checkpoint(
        fn, x, y, use_reentrant=False, context_fn=functools.partial(create_selective_checkpoint_contexts, pol)
    )
    for i in range(n):
        out.sum().backward(retain_graph=n > 1)
    return [round(v, 8) for v in x.grad.flatten().tolist() + y.grad.flatten().tolist()]


aten = torch.ops.aten
show("sel", lambda: sel([aten.mm.default]))
seen = []


def pol(ctx, op, *a, **k):
    seen.append((str(op), ctx.is_recompute, ctx.op_output is not None))
    return CheckpointPolicy.MUST_SAVE if op in (aten.mm.default,) else CheckpointPolicy.PREFER_RECOMPUTE


show("selpol", lambda: (sel(pol), seen))
show("selbool", lambda: sel(lambda ctx, op, *a, **k: op == aten.sigmoid.default))
show("selall", lambda: sel(lambda ctx, op, *a, **k: CheckpointPolicy.PREFER_SAVE))
show("sel2", lambda: sel([aten.mm.default], n=2))
show("selbad", lambda: sel([aten.mm]))
show("selbad", lambda: sel([3]))
show("selbad", lambda: sel(3))


def mut(x, y):
    z = x @ y
    w = z.sin()
    z.mul_(2)
    return w * z


show("selmut", lambda: sel([aten.mm.default], mut))
show(
    "opsname",
    lambda: (
        aten.add.Tensor.name(),
        aten.mm.default.name(),
        str(aten.add.Tensor),
        repr(aten.mm.default),
        repr(aten.mm),
        aten.mm.default(torch.ones(1, 1), torch.ones(1, 1)).tolist(),
    ),
)
show("opsbad", lambda: aten.nothere)


def inplace():
    x = mk()

    def g(x):
        y = x * 2
        y.add_(1)
        y[0] = 5
        return (y * y).sum()

    checkpoint(g, x, use_reentrant=False).backward()
    return x.grad.tolist()


show("inplace", inplace)


class Fn(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.saved_tensors[0] * g


class Fn2(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        ctx.saved_tensors
        return 2 * ctx.saved_tensors[0] * g


def custom(F):
    x = mk()
    checkpoint(lambda x: F.apply(x.sin()), x, use_reentrant=False).sum().backward()
    return x.grad.tolist()


show("custom", lambda: custom(Fn))
show("custom2", lambda: custom(Fn2))


def two_outs(r):
    x = mk()
    a, b = checkpoint(lambda x: (x.sin(), x.exp()), x, use_reentrant=r)
    (a.sum() + b.sum()).backward()
    return x.grad.tolist()


show("two", lambda: two_outs(True))
show("two", lambda: two_outs(False))


def partial():
    x = mk()
    calls[0] = 0
    a, b = checkpoint(lambda x: (calls.__setitem__(0, calls[0] + 1), x.sin(), x.exp())[1:], x, use_reentrant=False)
    a.sum().backward()
    b.sum().backward()
    return x.grad.tolist(), calls[0]


show("partial", partial)


def group():
    x = mk()
    calls[0] = 0
    a, b = checkpoint(lambda x: (calls.__setitem__(0, calls[0] + 1), x.sin(), x.exp())[1:], x, use_reentrant=False)
    with C.GraphExecGroup():
        a.sum().backward()
        b.sum().backward()
    return x.grad.tolist(), calls[0]


show("group", group)
show("noout", lambda: checkpoint(lambda x: x.detach(), mk(), use_reentrant=True).sum().backward())


def raising(x):
    raise KeyError("boom")


show("raise", lambda: checkpoint(raising, mk(), use_reentrant=False))
show("raise", lambda: checkpoint(raising, mk(), use_reentrant=True))
