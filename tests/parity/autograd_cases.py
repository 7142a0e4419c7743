"""Cases of ``torch.autograd`` to run on both libraries: each is a function of the module, what it returns is compared.

A case that raises is compared by the type of its error and the first words of its message.
"""

# ruff: noqa: E742, F841 (some cases only compute)

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

C: list[tuple[str, Callable[[Any], Any]]] = []


def L(name: str, case: Callable[[Any], Any]) -> None:
    C.append((name, case))


# ---- from c_grad
def x_(t, *s):
    return t.ones(*(s or (3,)), requires_grad=True)


L("nograd", lambda t: t.ones(2).backward())
L("nograd1", lambda t: t.ones(1).sum().backward())
L("nonscalar", lambda t: (x_(t) * 2).backward())
L("nonscalar size", lambda t: x_(t).backward())
L("complex", lambda t: t.ones((), dtype=t.complex64, requires_grad=True).mul(2).backward())
L("int grad", lambda t: x_(t).sum().backward(5))
L("float grad", lambda t: x_(t).sum().backward(1.0))
L("list grad", lambda t: (x_(t) * 2).backward([1.0, 2.0, 3.0]))
L("np grad", lambda t: (x_(t) * 2).backward(np.ones(3)))
L("shape", lambda t: (x_(t) * 2).backward(t.ones(2)))
L("shape2", lambda t: (x_(t) * 2).backward(t.ones(3, 1)))
L("shape0", lambda t: (x_(t) * 2).sum().backward(t.ones(1)))
L("shape1", lambda t: (x_(t) * 2).sum(0, keepdim=True).backward(t.tensor(1.0)))


def f(t):
    x = x_(t)
    (x * 2).backward(t.ones(3, dtype=t.float64))
    return x.grad, x.grad.dtype


L("dtype", f)


def f(t):
    x = x_(t)
    (x * 2).backward(t.ones(3, dtype=t.int64))
    return x.grad, x.grad.dtype


L("int dtype", f)
L("complex seed", lambda t: (x_(t) * 2).backward(t.ones(3, dtype=t.complex64)))
L("bool dtype", lambda t: (x_(t) * 2).backward(t.ones(3, dtype=t.bool)))
L("twice", lambda t: (lambda y: (y.backward(), y.backward()))((x_(t) * x_(t)).sum()))
L("twice ok", lambda t: (lambda y: (y.backward(), y.backward()))((x_(t) + 1).sum()))
L("twice retain", lambda t: (lambda y: (y.backward(retain_graph=True), y.backward()))((x_(t) * x_(t)).sum()))
L("inputs empty", lambda t: x_(t).sum().backward(inputs=[]))
L("inputs empty tuple", lambda t: x_(t).sum().backward(inputs=()))
L("inputs nograd", lambda t: x_(t).sum().backward(inputs=[t.ones(2)]))
L("inputs int", lambda t: x_(t).sum().backward(inputs=[1]))
L("inputs not list", lambda t: x_(t).sum().backward(inputs=1))
L("inputs str", lambda t: x_(t).sum().backward(inputs="a"))


def f(t):
    x = x_(t)
    w = x_(t)
    (x * w).sum().backward(inputs=x)
    return x.grad, w.grad


L("inputs tensor", f)


def f(t):
    x = x_(t)
    w = x_(t)
    (x * w).sum().backward(inputs=[x, x])
    return x.grad, w.grad


L("inputs dup", f)


def f(t):
    x = x_(t)
    w = x_(t)
    (x * 2).sum().backward(inputs=[x, w])
    return x.grad, w.grad


L("inputs unused", f)


def f(t):
    x = x_(t)
    y = x * 2
    z = (y * y).sum()
    z.backward(inputs=[y, x])
    return x.grad, y.grad, y.retains_grad


L("inputs nonleaf", f)


def f(t):
    x = x_(t)
    y = x * 2
    z = (y * y).sum()
    z.backward(inputs=[y])
    return x.grad, y.grad, y.retains_grad


L("inputs nonleaf only", f)
L("backward none", lambda t: t.autograd.backward([]))
L("backward None", lambda t: t.autograd.backward(None))
L("backward int", lambda t: t.autograd.backward(3))
L("backward str", lambda t: t.autograd.backward(["a"]))
L("backward lens", lambda t: t.autograd.backward([x_(t).sum()], [t.ones(()), t.ones(())]))
L("backward lens2", lambda t: t.autograd.backward([x_(t).sum(), x_(t).sum()], [t.ones(())]))
L("backward multi", lambda t: (lambda x: (t.autograd.backward([x.sum(), (x * 2).sum()]), x.grad))(x_(t)))
L("backward multi dup", lambda t: (lambda x: (lambda y: (t.autograd.backward([y, y]), x.grad))(x.sum()))(x_(t)))
L("backward seq none", lambda t: (lambda x: (t.autograd.backward([x.sum(), x * 2], [None, t.ones(3)]), x.grad))(x_(t)))
L("backward seq none2", lambda t: (lambda x: (t.autograd.backward([x * 2, x * 2], [None, t.ones(3)]), x.grad))(x_(t)))
L("backward second nograd", lambda t: (lambda x: (t.autograd.backward([x.sum(), t.ones(())]), x.grad))(x_(t)))
L("grad var", lambda t: t.autograd.backward([x_(t).sum()], grad_tensors=t.ones(()), grad_variables=t.ones(())))
L("grad var2", lambda t: t.autograd.backward([x_(t).sum()], grad_variables=[t.ones(())]))
L("grad seed as tensor", lambda t: t.autograd.backward(x_(t) * 1, t.ones(3)))
G = lambda t: t.autograd.grad
L("grad no input", lambda t: G(t)(x_(t).sum(), []))
L("grad no outputs", lambda t: G(t)([], [x_(t)]))
L("grad nograd input", lambda t: G(t)(x_(t).sum(), t.ones(2)))
L("grad int input", lambda t: G(t)(x_(t).sum(), [1]))
L("grad int inputs", lambda t: G(t)(x_(t).sum(), 1))
L("grad None inputs", lambda t: G(t)(x_(t).sum(), None))
L("grad None inputs2", lambda t: G(t)(x_(t).sum(), [None]))
L("grad unused", lambda t: G(t)(x_(t).sum(), x_(t)))
L("grad unused ok", lambda t: G(t)(x_(t).sum(), x_(t), allow_unused=True))
L("grad mat", lambda t: G(t)(x_(t).sum(), x_(t), materialize_grads=True))
L("grad mat err", lambda t: G(t)(x_(t).sum(), x_(t), materialize_grads=True, allow_unused=False))
L("grad only_inputs", lambda t: (lambda x: G(t)(x.sum(), x, only_inputs=False))(x_(t)))
L("grad nonscalar", lambda t: (lambda x: G(t)(x * 2, x))(x_(t)))
L("grad shape", lambda t: (lambda x: G(t)(x * 2, x, t.ones(2)))(x_(t)))
L("grad shape list", lambda t: (lambda x: G(t)(x * 2, x, [t.ones(2)]))(x_(t)))
L("grad lens", lambda t: (lambda x: G(t)(x * 2, x, [t.ones(3), t.ones(3)]))(x_(t)))
L("grad dtype", lambda t: (lambda x: G(t)(x * 2, x, t.ones(3, dtype=t.float64)))(x_(t)))
L("grad dup inputs", lambda t: (lambda x: G(t)((x * 2).sum(), [x, x]))(x_(t)))
L("grad dup outputs", lambda t: (lambda x: (lambda y: G(t)([y, y], [x]))((x * 2).sum()))(x_(t)))
L("grad self", lambda t: (lambda x: G(t)(x, x, t.ones(3)))(x_(t)))
L("grad self nonleaf", lambda t: (lambda x: (lambda y: G(t)(y, y, t.ones(3)))(x * 2))(x_(t)))
L("grad tuple inputs", lambda t: (lambda x: G(t)((x * 2).sum(), (x,)))(x_(t)))
L("grad gen outputs", lambda t: (lambda x: G(t)([x.sum() for _ in range(2)], iter([x])))(x_(t)))
L("grad out nograd", lambda t: (lambda x: G(t)([t.ones(()), x.sum()], x))(x_(t)))
L("grad retain", lambda t: (lambda x: (lambda y: (G(t)(y, x, retain_graph=True), G(t)(y, x)))((x * x).sum()))(x_(t)))
L("grad freed", lambda t: (lambda x: (lambda y: (G(t)(y, x), G(t)(y, x)))((x * x).sum()))(x_(t)))
L(
    "grad create",
    lambda t: (lambda x: (lambda g: (g, g[0].requires_grad))(G(t)((x * x * x).sum(), x, create_graph=True)))(x_(t)),
)
L(
    "grad create keep",
    lambda t: (lambda x: (lambda y: (G(t)(y, x, create_graph=True), G(t)(y, x)))((x * x).sum()))(x_(t)),
)
L(
    "grad create nokeep",
    lambda t: (lambda x: (lambda y: (G(t)(y, x, create_graph=True, retain_graph=False), G(t)(y, x)))((x * x).sum()))(
        x_(t)
    ),
)
L(
    "grad linear create",
    lambda t: (
        lambda x: (lambda g: (g, g[0].requires_grad, g[0].grad_fn is None))(G(t)((x * 2).sum(), x, create_graph=True))
    )(x_(t)),
)
L("edge", lambda t: (lambda x: G(t)((x * 2).sum(), t.autograd.graph.get_gradient_edge(x)))(x_(t)))
L("edge root", lambda t: (lambda x: G(t)(t.autograd.graph.get_gradient_edge(x * 2), x, t.ones(3)))(x_(t)))
L("edge root none", lambda t: (lambda x: G(t)(t.autograd.graph.get_gradient_edge((x * 2).sum()), x))(x_(t)))
L("edge root nonscalar", lambda t: (lambda x: G(t)(t.autograd.graph.get_gradient_edge(x * 2), x))(x_(t)))
L("edge root shape", lambda t: (lambda x: G(t)(t.autograd.graph.get_gradient_edge(x * 2), x, t.ones(2)))(x_(t)))
L("edge nograd", lambda t: t.autograd.graph.get_gradient_edge(t.ones(2)))
L(
    "edge backward",
    lambda t: (lambda x: (t.autograd.backward(t.autograd.graph.get_gradient_edge(x * 2), t.ones(3)), x.grad))(x_(t)),
)
L(
    "edge inputs",
    lambda t: (lambda x: ((x * 2).sum().backward(inputs=t.autograd.graph.get_gradient_edge(x)), x.grad))(x_(t)),
)


def f(t):
    x = x_(t, 4)
    a, b = (x * 2).split(2)
    y = (a * b).sum()
    e = t.autograd.graph.get_gradient_edge(b)
    return G(t)(y, [e, t.autograd.graph.GradientEdge(b.grad_fn, 0), a, x])


L("edge ports", f)


def f(t):
    x = x_(t, 4)
    a, b = (x * 2).split(2)
    y = (a * b).sum()
    b.register_hook(lambda g: g * 3)
    return G(t)(y, [b, t.autograd.graph.GradientEdge(b.grad_fn, 0), a], retain_graph=True), G(t)(y, x)


L("hook ports", f)


def f(t):
    x = x_(t)
    y = (x * x).sum()
    y.backward()
    x.grad.zero_()
    v = x.grad._version
    (x * x).sum().backward()
    return v, x.grad._version, x.grad


L("version grad", f)
for v in (5, "a", None, np.ones(3)):
    L(f"assign grad {type(v).__name__}", lambda t, v=v: setattr(x_(t), "grad", v))
L("assign grad shape", lambda t: setattr(x_(t), "grad", t.ones(2)))
L("assign grad dtype", lambda t: setattr(x_(t), "grad", t.ones(3, dtype=t.float64)))
L("assign grad self", lambda t: (lambda x: setattr(x, "grad", x))(x_(t)))
L(
    "assign grad int tensor",
    lambda t: (lambda x: (setattr(x, "grad", t.ones(3, dtype=t.int64)), x.grad))(t.ones(3, dtype=t.int64)),
)
L("rg int", lambda t: t.ones(2, dtype=t.int64).requires_grad_())
L("rg int ctor", lambda t: t.ones(2, dtype=t.int64, requires_grad=True))
L("rg int attr", lambda t: setattr(t.ones(2, dtype=t.int64), "requires_grad", True))
L("rg nonleaf", lambda t: (x_(t) * 2).requires_grad_(False))
L("rg nonleaf attr", lambda t: setattr(x_(t) * 2, "requires_grad", False))
L("rg nonleaf true", lambda t: (x_(t) * 2).requires_grad_(True).requires_grad)
L("rg type", lambda t: x_(t).requires_grad_(1))
L("rg attr type", lambda t: setattr(x_(t), "requires_grad", 1))
L("rg del", lambda t: (lambda x: delattr(x, "grad") or x.grad)(x_(t)))
L("numpy", lambda t: x_(t).numpy())
L("numpy nonleaf", lambda t: (x_(t) * 2).numpy())
L("np.asarray", lambda t: np.asarray(x_(t)))
L("deepcopy", lambda t: copy.deepcopy(x_(t) * 2))
L("backward kw", lambda t: x_(t).sum().backward(retain=True))
L(
    "backward in no_grad",
    lambda t: (lambda x, y: [t.no_grad().__enter__() and 0, y.backward(), t.set_grad_enabled(True) and 0, x.grad])(
        *(lambda x: (x, (x * x).sum()))(x_(t))
    ),
)
L("float", lambda t: float(x_(t).sum()))
L("data set int", lambda t: setattr(x_(t), "data", t.ones(3, dtype=t.int64)))
L("data set type", lambda t: setattr(x_(t), "data", [1.0]))
L("data set shape", lambda t: (lambda x: [setattr(x, "data", t.ones(5)), x.shape, x.requires_grad])(x_(t)))
L(
    "grad node freed saved",
    lambda t: (lambda y: (y.backward(), y.grad_fn.next_functions[0][0]._saved_self))((x_(t).exp() * 2 * x_(t)).sum()),
)


# ---- from c_func
def mk(t, fwd, bwd=None, **kw):
    d = {"forward": staticmethod(fwd)}
    if bwd:
        d["backward"] = staticmethod(bwd)
    d.update({k: staticmethod(v) for k, v in kw.items()})
    return type("Fn", (t.autograd.Function,), d)


Id = lambda ctx, g: g


def basic(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = x_(t)
    y = F.apply(x)
    y.sum().backward()
    return (
        x.grad,
        y.grad_fn.name(),
        type(y.grad_fn).__name__,
        y.requires_grad,
        len(y.grad_fn.next_functions),
        y.is_leaf,
        y,
    )


L("basic", basic)


def two(t):
    log = []

    def b(ctx, g1, g2):
        log.append((g1, g2))
        return g1 + g2

    F = mk(t, lambda ctx, x: (x * 2, x * 3), b)
    x = x_(t)
    a, c = F.apply(x)
    a.sum().backward(retain_graph=True)
    c.sum().backward()
    return x.grad, log, a.output_nr, c.output_nr, a.grad_fn is c.grad_fn


L("two", two)


def nomat(t):
    log = []

    def f(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    def b(ctx, g1, g2):
        log.append((g1, g2))
        return g1 if g1 is not None else g2

    F = mk(t, f, b)
    x = x_(t)
    a, c = F.apply(x)
    a.sum().backward(retain_graph=True)
    c.sum().backward()
    return x.grad, log


L("nomat", nomat)


def nondiff(t):
    log = []

    def f(ctx, x):
        i = x.argmax().float() * 1.0
        y = x * 2
        ctx.mark_non_differentiable(i)
        return y, i

    def b(ctx, *g):
        log.append(g)
        return g[0]

    F = mk(t, f, b)
    x = x_(t)
    y, i = F.apply(x)
    (y.sum() + i).backward()
    return x.grad, log, i.requires_grad, i.grad_fn


L("nondiff", nondiff)


def intout(t):
    log = []
    F = mk(t, lambda ctx, x: (x * 2, x.argmax(), 5, "a", None), lambda ctx, *g: log.append(g) or g[0])
    x = x_(t)
    r = F.apply(x)
    r[0].sum().backward()
    return x.grad, log, r[1].requires_grad, r[2:], len(r)


L("intout", intout)


def lst(t):
    F = mk(t, lambda ctx, x: [x * 2], Id)
    return F.apply(x_(t))


L("list out", lst)


def noneout(t):
    return mk(t, lambda ctx, x: None, Id).apply(x_(t))


L("none out", noneout)


def args(t):
    seen = []

    def f(ctx, x, n, s, y):
        seen.append(ctx.needs_input_grad)
        return x * n + y

    F = mk(t, f, lambda ctx, g: (g * 2, None, None, g))
    x = x_(t)
    y = t.ones(3)
    z = F.apply(x, 2, "q", y)
    z.sum().backward()
    return seen, x.grad, len(z.grad_fn.next_functions)


L("args", args)
for r in (
    (1,),
    (1, 1),
    (1, 1, 1),
    (None,),
    (1, None),
    (1, None, None),
    (1, None, None, None),
    (1, "s"),
    ("s", None),
    (1, 1, None),
):

    def f(t, r=r):
        o = t.ones(3)
        F = mk(t, lambda ctx, x, n: x * 2, lambda ctx, g: tuple(o if q == 1 else q for q in r))
        x = x_(t)
        F.apply(x, 3).sum().backward()
        return x.grad

    L(f"ret {r}", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: t.ones(2))
    x = x_(t)
    F.apply(x).sum().backward()


L("bad shape", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: t.ones(2, 3))
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("expand shape", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: t.ones(3, dtype=t.float64))
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("dtype grad", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: t.ones(3, dtype=t.complex64))
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("complex grad", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: 5)
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("int grad", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2)
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("no backward", f)
L("no forward", lambda t: type("Q", (t.autograd.Function,), {}).apply(x_(t)))


def f(t):
    F = mk(t, lambda ctx, x: x * 2, Id, vjp=Id)
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("both", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, None, vjp=Id)
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("vjp", f)


def save(t):
    def f(ctx, x, w):
        y = x * w
        ctx.save_for_backward(x, w, y, None)
        return y

    ids = []

    def b(ctx, g):
        x, w, y, n = ctx.saved_tensors
        ids.append((x is X, w is W, y is Y, y.grad_fn is Y.grad_fn, n, y.requires_grad))
        return g * w, g * x

    F = mk(t, f, b)
    X = x_(t)
    W = x_(t)
    Y = F.apply(X, W)
    Y.sum().backward(retain_graph=True)
    Y.sum().backward()
    r = ids, X.grad
    try:
        Y.grad_fn.saved_tensors
    except RuntimeError as e:
        r += (str(e)[:60],)
    return r


L("save", save)


def f(t):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    F = mk(t, f, lambda ctx, g: 2 * g * ctx.saved_tensors[0])
    x = x_(t)
    y = F.apply(x).sum()
    y.backward()
    y.backward()


L("twice", f)


def f(t):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    F = mk(t, f, lambda ctx, g: 2 * g)
    x = x_(t)
    y = F.apply(x).sum()
    y.backward()
    y.backward()
    return x.grad


L("twice unused", f)


def f(t):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    F = mk(t, f, lambda ctx, g: 2 * g * ctx.saved_tensors[0])
    x = x_(t)
    a = x * 1
    y = F.apply(a).sum()
    a.mul_(2)
    y.backward()


L("save stale", f)
for v in (5, "a", [1]):

    def f(t, v=v):
        def f(ctx, x):
            ctx.save_for_backward(v)
            return x * x

        F = mk(t, f, Id)
        return F.apply(x_(t))

    L(f"save {v}", f)


def f(t):
    def f(ctx, x):
        ctx.save_for_backward([x])
        return x * x

    return mk(t, f, Id).apply(x_(t))


L("save list", f)


def f(t):
    def f(ctx, x):
        ctx.save_for_forward(5)
        return x * x

    return mk(t, f, Id).apply(x_(t))


L("save fwd", f)


def dirty(t):
    def f(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    F = mk(t, f, lambda ctx, g: g * 2)
    x = x_(t)
    a = x * 1
    b = F.apply(a)
    b.sum().backward()
    return x.grad, b is a, a.grad_fn.name(), a._version


L("dirty", dirty)


def f(t):
    def f(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    x = x_(t)
    return mk(t, f, lambda ctx, g: g * 2).apply(x)


L("dirty leaf", f)


def f(t):
    def f(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x * 1

    x = x_(t)
    return mk(t, f, lambda ctx, g: g * 2).apply(x * 1)


L("dirty not returned", f)


def f(t):
    def f(ctx, x):
        y = x * 1
        y.mul_(2)
        ctx.mark_dirty(y)
        return y

    x = x_(t)
    y = mk(t, f, lambda ctx, g: g * 2).apply(x * 1)
    y.sum().backward()
    return x.grad, y


L("dirty not input", f)


def f(t):
    def f(ctx, x):
        ctx.mark_dirty(5)
        return x * 2

    return mk(t, f, Id).apply(x_(t))


L("dirty int", f)


def f(t):
    def f(ctx, x):
        ctx.mark_non_differentiable(5)
        return x * 2

    return mk(t, f, Id).apply(x_(t))


L("nondiff int", f)


def f(t):
    def f(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    F = mk(t, f, lambda ctx, g: g * 2)
    x = x_(t, 4)
    a = x * 1
    v = a[:2]
    F.apply(v)
    a.sum().backward()
    return x.grad, a, a.grad_fn.name(), v.grad_fn.name()


L("dirty view", f)


def f(t):
    def f(ctx, x, y):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x, y * 1

    F = mk(t, f, lambda ctx, g, h: (g * 2, h))
    x = x_(t, 4)
    a = x * 1
    v = a[:2]
    F.apply(v, x * 1)
    a.sum().backward()
    return x.grad, a


L("dirty view two outputs", f)


def f(t):
    def f(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    F = mk(t, f, lambda ctx, g: g * 2)
    a = t.ones(3)
    r = F.apply(a)
    return r is a, a.requires_grad, a


L("dirty nograd", f)


def f(t):
    def f(ctx, x, y):
        x.mul_(y)
        ctx.mark_dirty(x)
        ctx.save_for_backward(y)
        return x

    F = mk(t, f, lambda ctx, g: (g * ctx.saved_tensors[0], g))
    a = t.ones(3)
    y = x_(t) + 1
    r = F.apply(a, y)
    r.sum().backward()
    return r is a, a.requires_grad, a, a.grad_fn.name()


L("dirty nograd grad", f)


def ident(t):
    F = mk(t, lambda ctx, x: x, lambda ctx, g: g * 5)
    x = x_(t)
    y = F.apply(x)
    y.sum().backward()
    return y is x, y._is_view(), y._base is x, x.grad, y.is_leaf, y


L("identity", ident)


def f(t):
    F = mk(t, lambda ctx, x: x, lambda ctx, g: g * 5)
    x = x_(t)
    y = F.apply(x * 1)
    y.mul_(2)


L("identity inplace", f)


def f(t):
    F = mk(t, lambda ctx, x: x, lambda ctx, g: g * 5)
    x = t.ones(3)
    y = F.apply(x)
    return y is x, y._is_view(), y.requires_grad


L("identity nograd", f)


def f(t):
    F = mk(t, lambda ctx, x, w: (x, w * 2), lambda ctx, g, h: (g * 5, h))
    x = t.ones(3)
    w = x_(t)
    y, z = F.apply(x, w)
    return y is x, y._is_view(), y.requires_grad, y.grad_fn.name() if y.grad_fn else None


L("identity nograd2", f)


def view(t):
    F = mk(t, lambda ctx, x: x.view(3), lambda ctx, g: g.view(3, 1) * 5)
    x = x_(t, 3, 1)
    y = F.apply(x * 1)
    y.sum().backward()
    return y._is_view(), x.grad


L("view", view)


def f(t):
    F = mk(t, lambda ctx, x: x.view(3), lambda ctx, g: g.view(3, 1) * 5)
    x = x_(t, 3, 1)
    y = F.apply(x * 1)
    y.add_(1)


L("view inplace", f)


def f(t):
    F = mk(t, lambda ctx, x: x.view(3), lambda ctx, g: g.view(3, 1) * 5)
    x = x_(t, 3, 1)
    y = F.apply(x * 1)
    z = y[:2]
    z.add_(1)


L("view inplace2", f)


def f(t):
    F = mk(t, lambda ctx, x: x.view(3), lambda ctx, g: g.view(3, 1) * 5)
    x = x_(t, 3, 1)
    b = x * 1
    y = F.apply(b)
    b.add_(1)
    y.sum().backward()
    return x.grad, y.grad_fn


L("view base inplace", f)


def f(t):
    F = mk(t, lambda ctx, x: (x.view(3), x * 2), lambda ctx, g, h: g.view(3, 1) * 5 + h)
    x = x_(t, 3, 1)
    y, z = F.apply(x * 1)
    y.add_(1)


L("two view inplace", f)


def f(t):
    F = mk(t, lambda ctx, x: (x * 3, x * 2), lambda ctx, g, h: g * 5 + h)
    x = x_(t, 3, 1)
    y, z = F.apply(x * 1)
    y.add_(1)
    y.sum().backward()
    return x.grad


L("two inplace", f)


def sc(t):
    log = []

    def s(ctx, inputs, output):
        log.append((inputs[1:], type(inputs).__name__, output))
        ctx.save_for_backward(inputs[0])
        ctx.n = inputs[1]

    F = mk(t, lambda x, n=3: x * n, lambda ctx, g: (g * ctx.n, None), setup_context=s)
    x = x_(t)
    F.apply(x).sum().backward()
    F.apply(x, 4).sum().backward()
    return log, x.grad


L("setup", sc)


def f(t):
    F = mk(t, lambda x, n=3: x * n, lambda ctx, g: (g * 2, None), setup_context=lambda ctx, inputs, output: None)
    return F.apply(x_(t), n=7)


L("setup kw", f)


def dd(t):
    def f(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    F = mk(t, f, lambda ctx, g: g * 3 * ctx.saved_tensors[0] ** 2)
    x = t.tensor(2.0, requires_grad=True)
    y = F.apply(x)
    (g,) = t.autograd.grad(y, x, create_graph=True)
    (h,) = t.autograd.grad(g, x, create_graph=True)
    (k,) = t.autograd.grad(h, x)
    return g, h, k


L("double", dd)


def f(t):
    def f(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    F = mk(t, f, lambda ctx, g: g * ctx.saved_tensors[0])
    x = t.tensor(2.0, requires_grad=True)
    y = F.apply(x)
    (g,) = t.autograd.grad(y, x, create_graph=True)
    (h,) = t.autograd.grad(g, x, create_graph=True)
    (k,) = t.autograd.grad(h, x)
    return g, h, k


L("double out", f)


def once(t):
    F = mk(t, lambda ctx, x: x * x, t.autograd.function.once_differentiable(lambda ctx, g: g * 2))
    x = t.tensor(2.0, requires_grad=True)
    y = F.apply(x)
    (g,) = t.autograd.grad(y, x, create_graph=True)
    r = g.requires_grad, g
    t.autograd.grad(g, x)


L("once", once)


def f(t):
    F = mk(t, lambda ctx, x: x * x, t.autograd.function.once_differentiable(lambda ctx, g: g * 2))
    x = t.tensor(2.0, requires_grad=True)
    y = F.apply(x)
    (g,) = t.autograd.grad(y, x, create_graph=True)
    return g.requires_grad, g


L("once2", f)


def f(t):
    F = mk(t, lambda ctx, x: x * x, t.autograd.function.once_differentiable(lambda ctx, g: g * 2))
    x = t.tensor(2.0, requires_grad=True)
    y = F.apply(x * x)
    (g,) = t.autograd.grad(y, x, t.ones((), requires_grad=True), create_graph=True)
    r = g.requires_grad, g
    t.autograd.grad(g, x)


L("once3", f)
L("instance", lambda t: mk(t, lambda ctx, x: x * 2, Id)())
L("instance call", lambda t: mk(t, lambda ctx, x: x * 2, Id)()(x_(t)))
L("kw", lambda t: [mk(t, lambda ctx, x, n=2: x * n, lambda ctx, g: (g, None)).apply(x_(t), 2)])


def f(t):
    with t.no_grad():
        y = mk(t, lambda ctx, x: x * 2, Id).apply(x_(t))
    return y.requires_grad, y.grad_fn


L("no_grad", f)


def f(t):
    log = []

    def fw(ctx, x):
        log.append((t.is_grad_enabled(), x.requires_grad, (x * 2).requires_grad))
        return x * 2

    def bw(ctx, g):
        log.append((t.is_grad_enabled(), g.requires_grad))
        return g

    x = x_(t)
    y = mk(t, fw, bw).apply(x)
    y.sum().backward(retain_graph=True)
    y.sum().backward(create_graph=True)
    return log


L("modes", f)


def f(t):
    def fw(ctx, x):
        with t.enable_grad():
            y = x * 2
        return y

    x = x_(t)
    y = mk(t, fw, Id).apply(x)
    y.sum().backward()
    return x.grad, y.grad_fn.name()


L("enable inside", f)


def f(t):
    def fw(ctx, x):
        with t.enable_grad():
            y = x * 2
            ctx.mark_non_differentiable(y)
        return y

    x = x_(t)
    y = mk(t, fw, Id).apply(x)
    return y.requires_grad, y.grad_fn


L("enable inside nondiff", f)


def f(t):
    def fw(ctx, x):
        ctx.mark_non_differentiable(x)
        return x

    x = x_(t)
    y = mk(t, fw, Id).apply(x)
    return y.requires_grad, y.grad_fn, y is x, x.requires_grad


L("nondiff input", f)


def f(t):
    a = x_(t)
    F = mk(t, lambda ctx, x: x * 2 + a, lambda ctx, g: g * 2)
    y = F.apply(t.ones(3))
    return y.requires_grad


L("closure", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = x_(t)
    y = F.apply(x)
    y.grad_fn.register_hook(lambda a, b: (a[0] * 10,))
    y.grad_fn.register_prehook(lambda a: (a[0] * 3,))
    y.sum().backward()
    return x.grad


L("hooks", f)


def f(t):
    F = mk(t, lambda ctx, x, n, y: x * y, lambda ctx, g: (g, None, g))
    x = x_(t)
    log = []
    y = F.apply(x, 2, t.ones(3))
    y.grad_fn.register_hook(lambda a, b: log.append((a, b)))
    y.sum().backward()
    return log


L("hooks2", f)


def f(t):
    F = mk(t, lambda ctx, x: (x, x), lambda ctx, g, h: g + h * 3)
    x = x_(t)
    a, b = F.apply(x)
    (a + b * 2).sum().backward()
    return x.grad, a is b


L("same twice", f)


def f(t):
    def fw(ctx, x):
        y = x * 2
        return y, y

    F = mk(t, fw, lambda ctx, g, h: g + h * 3)
    x = x_(t)
    a, b = F.apply(x)
    (a + b * 2).sum().backward()
    return x.grad, a is b, a.output_nr, b.output_nr


L("same out twice", f)


def f(t):
    def fw(ctx, x):
        ctx.foo = 3
        return x * 2

    F = mk(t, fw, Id)
    y = F.apply(x_(t))
    return (
        y.grad_fn.foo,
        y.grad_fn.needs_input_grad,
        y.grad_fn.saved_tensors,
        y.grad_fn.metadata,
        y.grad_fn.materialize_grads,
        y.grad_fn.dirty_tensors,
        y.grad_fn.to_save,
        y.grad_fn.non_differentiable,
    )


L("attrs", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: 1 / 0)
    x = x_(t)
    try:
        F.apply(x).sum().backward()
    except ZeroDivisionError:
        pass
    (x * 2).sum().backward()
    return x.grad


L("raises", f)


def f(t):
    F = mk(t, lambda ctx: t.ones(2), lambda ctx, g: None)
    return F.apply().requires_grad


L("no inputs", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: g)
    x = t.ones(3, dtype=t.int64)
    return F.apply(x).requires_grad


L("int input", f)


def f(t):
    def fw(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_backward(x, x)
        return x * 2

    F = mk(t, fw, lambda ctx, g: g * len(ctx.saved_tensors))
    x = x_(t)
    F.apply(x).sum().backward()
    return x.grad


L("save twice", f)


def f(t):
    def fw(ctx, x):
        r = ctx.saved_tensors
        return x * 2

    F = mk(t, fw, Id)
    return F.apply(x_(t))


L("saved in fwd", f)


def f(t):
    def fw(ctx, x):
        tmp = x * 3
        ctx.save_for_backward(tmp)
        return x * 2

    log = []
    F = mk(t, fw, lambda ctx, g: log.append(ctx.saved_tensors[0].requires_grad) or g)
    F.apply(x_(t)).sum().backward()
    return log


L("save tmp", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = x_(t)
    y = F.apply(x)
    return y.grad_fn(t.ones(3)), y.grad_fn.apply(t.ones(3))


L("call node", f)


def f(t):
    F = mk(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    return (
        F.name() if hasattr(F, "name") else None,
        F._backward_cls.__name__,
        isinstance(F.apply(x_(t)).grad_fn, t.autograd.graph.Node),
        isinstance(F.apply(x_(t)).grad_fn, t.autograd.function.FunctionCtx),
        isinstance(F.apply(x_(t)).grad_fn, t.autograd.function.BackwardCFunction),
    )


L("names", f)


def f(t):
    class I(t.autograd.function.InplaceFunction):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = x_(t)
    I.apply(x).sum().backward()
    return x.grad


L("InplaceFunction", f)


def f(t):
    with t.autograd.graph.saved_tensors_hooks(lambda x: x * 10, lambda x: x):

        def fw(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        F = mk(t, fw, lambda ctx, g: g * ctx.saved_tensors[0])
        x = x_(t)
        y = F.apply(x)
    y.sum().backward()
    return x.grad


L("saved hooks", f)


# ---- from c_view
def x4(t, *s):
    return t.ones(*(s or (4,)), requires_grad=True)


def st(*ts):
    r = []
    for v in ts:
        try:
            g = v.grad_fn.name() if v.grad_fn is not None else None
        except RuntimeError as e:
            g = "ERR " + str(e)[:150]
        r.append((v.requires_grad, v.is_leaf if not str(g).startswith("ERR") else "?", g, v._version, v._is_view()))
    return r


def mode_views(base):
    for how in ("base", "leaf", "plain"):
        for make in ("no_grad", "grad", "inference", "unbind", "chain_ng", "split", "chain_multi"):
            for act in (
                "v.add_(1)",
                "v.mul_(w)",
                "b.add_(1)",
                "b.mul_(w)",
                "ng v.add_(1)",
                "ng b.add_(1)",
                "v.detach().add_(1)",
                "v.data.add_(1)",
                "v[0]=5",
                "v.requires_grad_()",
                "v.detach_()",
                "v.set",
            ):

                def f(t, how=how, make=make, act=act):
                    w = x4(t, 1)
                    b = {"base": lambda: x4(t) * 2, "leaf": lambda: x4(t), "plain": lambda: t.ones(4)}[how]()
                    if make == "no_grad":
                        with t.no_grad():
                            v = b[:2]
                    elif make == "inference":
                        with t.inference_mode():
                            v = b[:2]
                    elif make == "grad":
                        v = b[:2]
                    elif make == "unbind":
                        v = b.view(2, 2).unbind(0)[0]
                    elif make == "split":
                        v = b.split(2)[0]
                    elif make == "chain_ng":
                        with t.no_grad():
                            v = b[:3]
                        v = v[:2]
                    elif make == "chain_multi":
                        v = b.split(2)[0][:2]
                    r = [st(b, v)]
                    try:
                        if act == "v.add_(1)":
                            v.add_(1)
                        elif act == "v.mul_(w)":
                            v.mul_(w)
                        elif act == "b.add_(1)":
                            b.add_(1)
                        elif act == "b.mul_(w)":
                            b.mul_(w)
                        elif act == "ng v.add_(1)":
                            with t.no_grad():
                                v.add_(1)
                        elif act == "ng b.add_(1)":
                            with t.no_grad():
                                b.add_(1)
                        elif act == "v.detach().add_(1)":
                            v.detach().add_(1)
                        elif act == "v.data.add_(1)":
                            v.data.add_(1)
                        elif act == "v[0]=5":
                            v[0] = 5
                        elif act == "v.requires_grad_()":
                            v.requires_grad_()
                        elif act == "v.detach_()":
                            v.detach_()
                    except Exception as e:
                        r.append(type(e).__name__ + " | " + str(e)[:90])
                    r.append(st(b, v))
                    try:
                        r.append((v * 1).requires_grad)
                    except Exception as e:
                        r.append(type(e).__name__ + " | " + str(e)[:60])
                    r.append(b.detach().tolist())
                    return r

                L(f"{how}/{make}/{act}", f)


mode_views(0)


# ---- grad modes


def modes(t):
    log = []

    @t.no_grad()
    def plain():
        return t.is_grad_enabled()

    @t.no_grad
    def bare():
        return t.is_grad_enabled()

    @t.enable_grad()
    def on():
        return t.is_grad_enabled()

    @t.set_grad_enabled(False)
    def off():
        return t.is_grad_enabled()

    @t.inference_mode()
    def inf():
        return t.is_inference_mode_enabled(), t.is_grad_enabled()

    @t.inference_mode
    def inf2():
        return t.is_inference_mode_enabled()

    log += [plain(), bare(), on(), off(), inf(), inf2(), t.is_grad_enabled()]
    with t.no_grad():
        log += [on(), t.is_grad_enabled()]
        with t.enable_grad():
            log.append(t.is_grad_enabled())
        with t.set_grad_enabled(True):
            log.append(t.is_grad_enabled())
        t.set_grad_enabled(True)
        log.append(t.is_grad_enabled())
    log.append(t.is_grad_enabled())
    with t.inference_mode():
        log += [t.is_grad_enabled()]
        with t.enable_grad():
            log += [t.is_grad_enabled(), (t.ones(1, requires_grad=True) * 2).requires_grad]
        with t.inference_mode(False):
            log += [t.is_grad_enabled(), t.is_inference_mode_enabled()]
    return log


L("modes", modes)


def generator(t):
    log = []

    @t.no_grad()
    def numbers():
        got = yield t.is_grad_enabled()
        log.append(got)
        try:
            yield t.is_grad_enabled()
        except ValueError:
            log.append(("caught", t.is_grad_enabled()))
        yield 3
        return 4

    g = numbers()
    log += [next(g), t.is_grad_enabled(), g.send("x"), t.is_grad_enabled(), g.throw(ValueError()), t.is_grad_enabled()]
    try:
        next(g)
    except StopIteration as stop:
        log.append(stop.value)
    return log


L("generator", generator)


def coroutine(t):
    import asyncio

    @t.no_grad()
    async def f():
        await asyncio.sleep(0)
        return t.is_grad_enabled()

    return asyncio.run(f()), t.is_grad_enabled()


L("coroutine", coroutine)


def inference(act):
    def case(t):
        with t.inference_mode():
            x = t.ones(3)
        w = t.ones(3, requires_grad=True)
        return act(t, x, w)

    return case


for name, act in {
    "is": lambda t, x, w: (x.is_inference(), w.is_inference(), x.requires_grad, (x * 2).is_inference()),
    "save": lambda t, x, w: w * x,
    "add": lambda t, x, w: w + x,
    "inplace": lambda t, x, w: x.add_(1),
    "inplace grad": lambda t, x, w: x.mul_(w),
    "inplace within": lambda t, x, w: within(t, lambda: x.add_(1)),
    "requires_grad_": lambda t, x, w: x.requires_grad_(),
    "version": lambda t, x, w: x._version,
    "view": lambda t, x, w: x[0:2].is_inference(),
    "view inplace": lambda t, x, w: x[0:2].add_(1),
    "clone": lambda t, x, w: (x.clone().is_inference(), (x.clone() * w).requires_grad),
    "no_grad inplace": lambda t, x, w: nograd(t, lambda: x.add_(1)),
    "detach": lambda t, x, w: x.detach().is_inference(),
    "normal in inference": lambda t, x, w: within(t, lambda: (w * 2).is_inference()),
    "normal view in inference": lambda t, x, w: within(t, lambda: w[0:1].is_inference()),
    "normal inplace in inference": lambda t, x, w: within(t, lambda: t.ones(2).add_(1).is_inference()),
    "into normal": lambda t, x, w: t.zeros(3).copy_(x),
    "backward": lambda t, x, w: (w * 2).sum().backward(x.sum()),
    "cat": lambda t, x, w: t.cat([x, w]).requires_grad,
    "sum": lambda t, x, w: (w.sum() + x.sum()).requires_grad,
    "setitem": lambda t, x, w: (w * 1).__setitem__(0, x[0]),
    "data": lambda t, x, w: x.data.is_inference(),
    "out": lambda t, x, w: t.add(t.ones(3), 1, out=x),
}.items():
    L(f"inference {name}", inference(act))


def within(t, f):
    with t.inference_mode():
        return f()


def nograd(t, f):
    with t.no_grad():
        return f()


# ---- hooks and graph


def hook_returns(kind, what):
    def case(t):
        x = t.ones(3, requires_grad=True)
        y = x * 2
        z = y.sum()
        made = what(t)
        {"t": y.register_hook, "pre": y.grad_fn.register_prehook, "post": y.grad_fn.register_hook}[kind](
            lambda *a: made
        )
        z.backward()
        return x.grad

    return case


for kind in ("t", "pre", "post"):
    for i, what in enumerate(
        [
            lambda t: 1,
            lambda t: "s",
            lambda t: t.ones(2),
            lambda t: t.ones(3).double(),
            lambda t: (t.ones(3),),
            lambda t: [t.ones(3)],
            lambda t: (None,),
            lambda t: (t.ones(3), t.ones(3)),
            lambda t: t.ones(3),
            lambda t: (t.ones(3), None),
        ]
    ):
        L(f"hook {kind} {i}", hook_returns(kind, what))


def undefined(t):
    log = []

    class A(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return None

    class B(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 3

        @staticmethod
        def backward(ctx, g):
            log.append(g)
            return g

    x = t.ones(2, requires_grad=True)
    x.register_hook(lambda g: log.append(("leaf", g)))
    y = B.apply(x * 1)
    y.register_hook(lambda g: log.append(("y", g)))
    y.grad_fn.register_prehook(lambda g: log.append(("pre", g)))
    y.grad_fn.register_hook(lambda a, b: log.append(("post", a, b)))
    y.retain_grad()
    A.apply(y).sum().backward()
    return log, x.grad, y.grad


L("undefined gradients", undefined)


def multi(mode):
    def case(t):
        log = []
        a, b, c = (t.ones(2, requires_grad=True) for _ in range(3))
        h = t.autograd.graph.register_multi_grad_hook([a, b, c], lambda g: log.append(g), mode=mode)
        (a * b).sum().backward()
        (a * b * c).sum().backward()
        t.autograd.grad((a * c).sum(), [c])
        h.remove()
        (a * b).sum().backward()
        return log

    return case


L("multi all", multi("all"))
L("multi any", multi("any"))
L("multi bad", multi("some"))


def callbacks(t):
    log = []
    engine = t.autograd.Variable._execution_engine
    x = t.ones(2, requires_grad=True)
    y = x * 2

    def hook(g):
        engine.queue_callback(lambda: log.append(("end", x.grad)))
        log.append("hook")

    y.register_hook(hook)
    y.sum().backward()
    return log


L("queue_callback", callbacks)
L("queue_callback outside", lambda t: t.autograd.Variable._execution_engine.queue_callback(lambda: None))


def saved(act):
    def case(t):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        return act(t, x)

    return case


def packs(t, x):
    log = []
    with t.autograd.graph.saved_tensors_hooks(lambda a: log.append(a) or a * 1, lambda a: log.append("u") or a):
        y = x.exp() * x
        z = (y * 2).sum()
    z.backward()
    return log, x.grad


def packs_nested(t, x):
    with t.autograd.graph.saved_tensors_hooks(lambda a: a * 2, lambda a: a):
        with t.autograd.graph.saved_tensors_hooks(lambda a: a * 3, lambda a: a):
            y = x * x
    y.sum().backward()
    return x.grad


def packs_bad(t, x):
    with t.autograd.graph.saved_tensors_hooks(lambda a: a, lambda a: 5):
        y = x * x
    y.sum().backward()


def packs_inplace(t, x):
    with t.autograd.graph.saved_tensors_hooks(lambda a: a.mul_(2), lambda a: a):
        y = x.exp() * 2


def packs_double(t, x):
    with t.autograd.graph.saved_tensors_hooks(lambda a: ("p", a.detach()), lambda a: a[1]):
        y = x.sin() * x
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    return g


def raw(t, x):
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda a: a * 5, lambda a: a)
    y.sum().backward()
    return x.grad


def raw_twice(t, x):
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda a: a * 5, lambda a: a)
    y.grad_fn._raw_saved_self.register_hooks(lambda a: a * 5, lambda a: a)


def disabled(t, x):
    with t.autograd.graph.disable_saved_tensors_hooks("no!"):
        with t.autograd.graph.saved_tensors_hooks(lambda a: a, lambda a: a):
            pass


def mutation(t, x):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        a = x.clone()
        b = a * a
        a.mul_(10)
        b.sum().backward()
    return x.grad


def mutation_outside(t, x):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        b = (x.clone() ** 2).sum()
    b.backward()


def mutation_nested(t, x):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            pass


def mutation_clear(t, x):
    with t.autograd.graph.allow_mutation_on_saved_tensors() as ctx:
        b = (x.clone() ** 2).sum()
        ctx.clear()
        b.backward()


def names(t, x):
    y = x.exp()
    z = y * x
    w = z.sum()
    return (
        y.grad_fn._saved_result,
        z.grad_fn._saved_self,
        z.grad_fn._saved_other is not None,
        (x * 2).grad_fn._saved_self,
        x.view(2, 1).grad_fn.name(),
        w.grad_fn.next_functions[0][0] is z.grad_fn,
        z.grad_fn.next_functions[1][0].variable is x,
        x.sin().grad_fn._saved_self,
        type(w.grad_fn).__name__,
        w.grad_fn.metadata,
    )


def increment(t, x):
    y = x * 1
    z = y * y
    t.autograd.graph.increment_version(y)
    z.sum().backward()


for name, act in {
    "packs": packs, "nested": packs_nested, "bad": packs_bad, "inplace": packs_inplace, "double": packs_double,
    "raw": raw, "raw twice": raw_twice, "disabled": disabled, "mutation": mutation,
    "mutation outside": mutation_outside, "mutation nested": mutation_nested, "mutation clear": mutation_clear,
    "names": names, "increment": increment,
    "cpu": lambda t, x: on_cpu(t, x),
    "missing": lambda t, x: (x * x).grad_fn._saved_foo,
    "freed": lambda t, x: freed(t, x),
    "call": lambda t, x: (x.exp().grad_fn(t.ones(2)), (x * x).grad_fn(t.ones(2))),
    "call none": lambda t, x: x.exp().grad_fn(None),
    "call bad": lambda t, x: x.exp().grad_fn(1),
    "call empty": lambda t, x: x.exp().grad_fn(),
    "accumulate": lambda t, x: (t.autograd.graph.get_gradient_edge(x).node(t.ones(2)), x.grad),
    "isinstance": lambda t, x: [isinstance(f, t.autograd.graph.Node) for f in (x.exp().grad_fn, t.autograd.graph.get_gradient_edge(x).node)],
    "leaf name": lambda t, x: (t.autograd.graph.get_gradient_edge(x).node.name(), type(t.autograd.graph.get_gradient_edge(x).node).__name__, t.autograd.graph.get_gradient_edge(x).node.next_functions, t.autograd.graph.get_gradient_edge(x).node._sequence_nr()),
}.items():  # fmt: skip
    L(f"saved {name}", saved(act))


def on_cpu(t, x):
    with t.autograd.graph.save_on_cpu():
        y = x * x
    y.sum().backward()
    return x.grad


def freed(t, x):
    y = x * x
    y.sum().backward()
    return y.grad_fn._saved_self


# ---- overlapping memory


for name, write in {
    "zero_": lambda t, x: x.zero_(), "fill_": lambda t, x: x.fill_(2), "add_": lambda t, x: x.add_(1),
    "copy_": lambda t, x: x.copy_(t.ones(2, 3)), "x[0]": lambda t, x: x.__setitem__(0, 5.0),
    "sin_": lambda t, x: x.sin_(), "masked_fill_": lambda t, x: x.masked_fill_(x > 0, 2),
    "clamp_": lambda t, x: x.clamp_(0, 1), "x[:]": lambda t, x: x.__setitem__(slice(None), 5.0),
    "x[list]": lambda t, x: x.__setitem__(t.tensor([0]), 5.0), "mul_ itself": lambda t, x: x.mul_(x),
}.items():  # fmt: skip

    def overlap(t, write=write):
        x = t.ones(3).expand(2, 3)
        write(t, x)
        return x, x._version

    L(f"expanded {name}", overlap)
L("partial overlap", lambda t: (lambda x: x[1:].add_(x[:-1]))(t.arange(4.0)))
L("partial copy", lambda t: (lambda x: x[1:].copy_(x[:-1]))(t.arange(4.0)))
L("out grad", lambda t: t.add(t.ones(2, requires_grad=True), 1, out=t.ones(2)))
L("out requires grad", lambda t: t.add(t.ones(2), 1, out=t.ones(2, requires_grad=True)))
L("out no_grad", lambda t: nograd(t, lambda: t.add(t.ones(2, requires_grad=True), 1, out=t.ones(2))))


# ---- saved tensors and their hooks


def f(t):
    seen, p = [], t.nn.Parameter(t.ones(3))
    h = t.ones(3, requires_grad=True) * 2

    def pack(x):
        seen.append((x is p or x is h, type(x).__name__, x.requires_grad))
        return x

    with t.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        h * p
        h.exp()
    return seen


L("pack hooks get the program's own tensors", f)


def f(t):
    x = t.ones(3, requires_grad=True)
    y = x.exp()
    raw = y.grad_fn._raw_saved_result
    seen = [raw.unpack_hook]
    raw.register_hooks(lambda x: seen.append(x.requires_grad) or "packed", lambda x: t.ones(3))
    return seen[1:], raw.data, y.grad_fn._saved_result.tolist(), (x * x).grad_fn._saved_self is x


L("raw saved", f)
L("make saved", lambda t: t.autograd.SavedTensor())


def f(t):
    y = x_(t).exp()
    y.sum().backward()
    raw = y.grad_fn._raw_saved_result
    raw.register_hooks(lambda x: x, lambda x: x)


L("raw hooks when freed", f)


def f(t):
    hooks = t.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x)
    with hooks:
        t.set_grad_enabled(False)
    enabled = t.is_grad_enabled()
    t.set_grad_enabled(True)

    def unpack(x):
        inner.__exit__()
        return x

    inner = t.autograd.graph.saved_tensors_hooks(lambda x: x, unpack)
    with hooks:
        inner.__enter__()
        x = x_(t)
        x.sin().sum().backward()
    inner.__exit__()
    return enabled, x.grad.tolist() is not None


L("hooks left in backward", f)


def f(t):
    a = t.ones(2, requires_grad=True).clone()
    b = a.sin()
    a.detach_()
    b.sum().backward()


L("detach_ of what was saved", f)


def f(t):
    a = t.ones(2, requires_grad=True).clone()
    b = a.exp()
    a.detach_()
    b.sum().backward()
    return "fine"


L("detach_ of what was not saved", f)


def f(t):
    x = t.ones(2, requires_grad=True).clone()
    y = Doubled(t).apply(x)
    x.detach_()
    y.sum().backward()


def Doubled(t):
    class Doubled(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0] * 2

    return Doubled


L("detach_ of what a function saved", f)


def f(t):
    b = t.rand(3, 3, requires_grad=True)
    var, mean = t.var_mean(b, dim=0)
    var.mul_(2)
    (var + mean).sum().backward()
    s1, s2 = (b + b)[:2].unsafe_split(1)
    s1.mul_(s2)
    s1.sum().backward()
    return "fine"


L("results that nothing saved", f)

# ---- attributes of tensors, returned by hooks


def deleted(name):
    return lambda t: delattr(t.ones(2, requires_grad=True), name)


def assigned(name, value, make=lambda t: t.ones(2, requires_grad=True)):
    return lambda t: setattr(make(t), name, value)


for name in ("data", "requires_grad", "_backward_hooks", "_grad_fn"):
    L(f"del {name}", deleted(name))
L("y.requires_grad = True", assigned("requires_grad", True, lambda t: x_(t) * 2))
L("y.requires_grad = False", assigned("requires_grad", False, lambda t: x_(t) * 2))
L("volatile", lambda t: x_(t).volatile)


def f(t):
    x = t.ones(2, requires_grad=True)
    with t.no_grad():
        inside = x.numpy().tolist()
    x.data = t.zeros(3)
    with t.no_grad():
        x.add_(1)
        before = x._version
        x.data = t.zeros(4)
    a, plain = x * 2, t.ones(4)
    plain._backward_hooks = {"never": None}
    a.sum().backward()
    return inside, x._version == before, plain._backward_hooks


L("numpy under no_grad, data, hooks of nothing", f)


def f(t):
    import warnings

    y = t.ones(2, requires_grad=True) * 2
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        y.grad
        y.retain_grad()
        y.grad
        Marked(t).apply(t.ones(2, requires_grad=True))
    return [str(w.message)[:60] for w in found]


def Marked(t):
    class Marked(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            ctx.mark_dirty(y)
            return y

    return Marked


L("warnings", f)


def f(t):
    x = t.ones(3, requires_grad=True)
    leaf = x.view_as(x).grad_fn.next_functions[0][0]
    x.register_hook(lambda g: g.sub(2.0))
    leaf.register_prehook(lambda gs: (gs[0].div(5.0),))
    x.register_post_accumulate_grad_hook(lambda x: x.grad.add_(0.5) and None)
    leaf.register_hook(lambda _, gs: setattr(x, "grad", gs[0].mul(10)))
    x.sum().backward()
    return x.grad


L("post-hooks of a leaf get its .grad", f)


def f(t):
    x = t.ones(3, requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda x: x.grad)
    x.sum().backward()


L("post-accumulate returns", f)


def f(t):
    called = []
    queue = t.autograd.Variable._execution_engine.queue_callback
    x = t.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: queue(lambda: (called.append(1), queue(lambda: called.append(2)))))
    y.sum().backward()
    return called


L("callbacks add callbacks", f)


def f(t):
    with t.inference_mode():
        c = t.ones(2, requires_grad=True)
    out = c.add(t.ones(2, requires_grad=True))
    out.sum().backward()
    return out.is_inference(), c.grad


L("an inference leaf", f)


def f(t):
    a = t.ones(1, requires_grad=True)
    with t.no_grad():
        b = a[:]
        b *= 2
    return repr(b)


L("an invalid view prints", f)

# ---- forward mode of custom functions


def forward_mode(forward, jvp, dirty=False, plain=False):
    def case(t):
        class F(t.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                if dirty:
                    ctx.mark_dirty(x)
                return forward(ctx, x, y)

            @staticmethod
            def jvp(ctx, *tangents):
                return jvp(*tangents)

        fw = t.autograd.forward_ad
        x, y = t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])
        with fw.dual_level():
            out = F.apply(x if plain else fw.make_dual(x, t.ones(2)), fw.make_dual(y, t.ones(2)) if plain else y)
            outs = out if isinstance(out, tuple) else (out,)
            return [fw.unpack_dual(o).tangent for o in outs]

    return case


def marked(ctx, x, y):
    z = y.clone()
    ctx.mark_non_differentiable(z)
    return x * 2, z


for name, case in {
    "too many": forward_mode(lambda c, x, y: x * 2, lambda t, u: (t, t)),
    "too few": forward_mode(lambda c, x, y: (x * 2, y), lambda t, u: t),
    "a number": forward_mode(lambda c, x, y: x * 2, lambda t, u: 3.0),
    "another shape": forward_mode(lambda c, x, y: x * 2, lambda t, u: t[:1]),
    "not differentiable": forward_mode(marked, lambda t, u: (t, t)),
    "None for that": forward_mode(marked, lambda t, u: (t, None)),
    "not in place": forward_mode(lambda c, x, y: x.mul_(2), lambda t, u: t * 2, True),
    "in place": forward_mode(lambda c, x, y: x.mul_(2), lambda t, u: t.mul_(2), True),
    "in place, not as it is": forward_mode(lambda c, x, y: x.mul_(2), lambda t, u: t.mul_(2).view_as(t), True),
    "written, had none": forward_mode(lambda c, x, y: x.add_(y), lambda t, u: u, True, True),
    "view": forward_mode(lambda c, x, y: x[:1], lambda t, u: t[:1]),
    "view, not of that": forward_mode(lambda c, x, y: x[:1], lambda t, u: t.clone()[:1]),
    "no view": forward_mode(lambda c, x, y: x[:1], lambda t, u: t[:1].clone()),
    "itself": forward_mode(lambda c, x, y: x, lambda t, u: t),
    "itself, a view": forward_mode(lambda c, x, y: x, lambda t, u: t.view_as(t)),
}.items():
    L(f"jvp: {name}", case)


def f(t):
    fw = t.autograd.forward_ad
    with fw.dual_level():
        x = fw.make_dual(t.ones(2), t.ones(2))
        t.add(t.ones(2), x, out=t.ones(2))


L("forward mode and out=", f)

# ---- places, batches, profiles


def f(t):
    x = t.rand(2, 2, requires_grad=True)
    return t.autograd.grad(x.clone(), (x,), (t.ones(2, 2),), is_grads_batched=True)


L("batch of another shape", f)


def f(t):
    x, y = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True).clone()
    edge = t.autograd.graph.get_gradient_edge(y)
    return t.autograd.grad(x.sum(), (x, edge), allow_unused=True, materialize_grads=True)


L("materialize an edge", f)


def f(t):
    import contextlib
    import io
    import warnings

    told = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(told):
        warnings.simplefilter("ignore")
        with t.autograd.detect_anomaly():
            warnings.simplefilter("error")
            y = t.ones(2, requires_grad=True) + 1
            z = y**2
            y += 1
            try:
                z.sum().backward()
            except RuntimeError as error:
                return str(error)[:60], "Error detected in PowBackward0" in told.getvalue()


L("anomaly where warnings are errors", f)


def f(t):
    with t.autograd.profiler.profile() as prof:
        x = t.ones(3, 3, requires_grad=True)
        (t.cat([x, x]) * 2).softmax(0).sum().backward()
        inside = t.autograd._profiler_enabled()
    names = {e.name for e in prof.function_events}
    wanted = {"aten::cat", "aten::mul", "aten::softmax", "aten::sum", "CatBackward0", "MulBackward0"}
    forward = [e.sequence_nr for e in prof.function_events if e.name == "aten::mul"][:1]
    backward = [e.sequence_nr for e in prof.function_events if e.name == "MulBackward0"]
    return inside, t.autograd._profiler_enabled(), wanted - names, forward == backward


L("names of a profile", f)


def f(t):
    base = t.ones(4)
    view = base[:2]
    base.requires_grad_()
    with t.no_grad():
        base.mul_(2)
    before = view.requires_grad, view.grad_fn is not None
    (view * 2).sum().backward()
    return before, base.grad


L("a view from before requires_grad_", f)


def f(t):
    def tree(node):
        return (node.name().rsplit(":")[-1], *[tree(n) for n, _ in node.next_functions if n is not None])

    x, w, b = t.ones(4, 5, requires_grad=True), t.ones(3, 5, requires_grad=True), t.ones(3, requires_grad=True)
    return tree(t.nn.functional.linear(x, w, b).grad_fn), tree(t.nn.functional.linear(x, w).grad_fn)


L("the graph of linear", f)

# ---- strided views that reach out of what they were taken of, and hooks on the way


def strided(write):
    def case(t):
        x = t.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], requires_grad=True)
        y = x * 1
        v = y[:, 1]
        a = v.as_strided((2,), (1,), 1)
        write(t, y, v, a)
        (a * t.tensor([1.0, 2.0]) + y.sum()).sum().backward()
        return x.grad

    return case


L("strided, written", strided(lambda t, y, v, a: a.mul_(3)))
L("strided, parent written", strided(lambda t, y, v, a: v.mul_(3)))
L("strided, base written", strided(lambda t, y, v, a: y.mul_(3)))
L("strided, written unrecorded", strided(lambda t, y, v, a: nograd(t, lambda: a.mul_(3))))


def f(t):
    y = t.ones(2, 2, requires_grad=True) * 1
    a = y[0]
    b = a[:1]
    seen = []
    a.register_hook(lambda g: seen.append(g.tolist()))
    b.tanh_()
    b.sum().backward()
    return seen


L("a hook on the way to what was written", f)


def f(t):
    a, b = t.tensor([1.0, 2.0], requires_grad=True), t.tensor([1.0, 3.0], requires_grad=True)
    t.nextafter(a, b).sum().backward()
    return a.grad, b.grad


L("nextafter", f)
L("saved indices", lambda t: (x_(t) * 1)[t.tensor([0, 1])].grad_fn._saved_indices[0])


def graph(node):
    return node and (node.name(), type(node).__name__, *[(graph(n), i) for n, i in node.next_functions])


def graphed(name, make):
    L(f"graph: {name}", lambda t: graph(make(t, t.nn.functional, t.ones(4, 4, requires_grad=True)).grad_fn))


graphed("nll_loss", lambda t, F, x: F.nll_loss(x, t.arange(4), weight=t.ones(4)))
graphed("bce", lambda t, F, x: F.binary_cross_entropy(x, x.detach()))
graphed("bce with logits", lambda t, F, x: F.binary_cross_entropy_with_logits(x, x.detach()))
graphed("multi_margin", lambda t, F, x: F.multi_margin_loss(x, t.arange(4)))
graphed("masked_fill", lambda t, F, x: x.masked_fill(x > 0, 0.0))
graphed("masked_fill_", lambda t, F, x: x.clone().masked_fill_(x > 0, t.tensor(0.0)))
graphed("fixed statistics", lambda t, F, x: F.batch_norm(x, t.zeros(4), t.ones(4)))
graphed("numbers", lambda t, F, x: ((1 - x) ** 2 % 3 + 2**x).lerp(x, 0.5).fmod(2.0).index_fill(0, t.tensor([0]), 1.0))
graphed("fill_", lambda t, F, x: x.clone().fill_(1.0))
graphed("fill_diagonal_", lambda t, F, x: x.clone().fill_diagonal_(1.0))
graphed("floor", lambda t, F, x: x // 2)
graphed("heaviside", lambda t, F, x: t.heaviside(x, x))


def nowhere(name, make):
    def case(t):
        x = t.tensor([[1.0, 2.0], [0.0, 1.0]], requires_grad=True)
        w = t.ones(2, requires_grad=True)
        made = make(t, x, w)
        nodes = [(graph(m.grad_fn), m.output_nr) for m in made]
        made[0].sum().backward()
        return nodes

    L(f"no derivative: {name}", case)
    L(f"no derivative: {name}, the node", lambda t: graph(make(t, *[t.ones(2, 2, requires_grad=True)] * 2)[-1].grad_fn))


nowhere("bincount", lambda t, x, w: [t.bincount(t.tensor([0, 2]), w.flatten()[:2])])
nowhere("histogram", lambda t, x, w: t.histogram(x, 3))
nowhere("histogram of edges", lambda t, x, w: t.histogram(x, w.flatten()[:2].cumsum(0)))
nowhere("histogramdd", lambda t, x, w: (lambda h: [h[0], *h[1]])(t.histogramdd(x, 2, weight=w.flatten()[:2])))


def f(t):
    from importlib import import_module

    checkpoint = import_module(t.__name__ + ".utils.checkpoint").checkpoint
    seen = []

    class Keep(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(y)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.saved_tensors[0])
            return g, None

    a, b = t.tensor(1.0, requires_grad=True), t.tensor(1.0)
    checkpoint(Keep.apply, a, b, use_reentrant=False).backward()
    return seen[0] is b


L("checkpoint gives back the caller's tensor", f)

# ---- what random programs found


def error_of(call):
    try:
        return call()
    except (RuntimeError, IndexError) as e:
        return f"{type(e).__name__} {str(e)[:40]}"


def put_again(key):
    def case(t):
        c = x_(t).clone()
        c[key(t)] = 0.25
        c.backward(t.ones_like(c.detach()))
        return error_of(lambda: c.backward(t.ones_like(c.detach())))

    return case


L("put by a list, backward twice", put_again(lambda t: [0, 1]))
L("put by a tensor, backward twice", put_again(lambda t: t.tensor([0])))
L("put by a mask, backward twice", put_again(lambda t: t.tensor([True, False, True])))
L("copy_ of itself, expanded", lambda t: (e := t.ones(3).expand(2, 3)).copy_(e[:])._version)
L("copy_ upon itself, expanded", lambda t: t.ones(3).expand(2, 3).copy_(t.ones(2, 3)))


def f(t):
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            seen.append("ran")
            return g * 2 * ctx.saved_tensors[0]

    seen = []
    x = x_(t)
    y = x * 1
    z = Square.apply(y)
    z.sum().backward(inputs=[z], retain_graph=True)
    t.autograd.grad(z.sum(), z, retain_graph=True)
    y.sigmoid_()
    return seen, z.grad, error_of(lambda: z.sum().backward(inputs=[z])), x.grad


L("a custom function whose result is an input runs", f)
L("strides of nothing, expanded", lambda t: t.ones(2, 3)[2:].expand(2, 0, 3).stride())
L(
    "where empty parts lie",
    lambda t: [
        p.storage_offset()
        for x in [t.ones(2, 3, 4)]
        for p in (x[2:], x[:, 3:], x[None, 1, ..., 4:], x[5:], x[1:1, 2:], x.narrow(0, 2, 0), x.split([2, 0])[1])
    ],
)
L("as_strided of an empty part", lambda t: t.ones(1, 3)[1:].as_strided((2,), (1,)))
L("nothing by indices out of range", lambda t: [t.ones(2, 0)[[0, 3, 0]].shape, t.ones(1, 2, 0)[[0, 1], [1, 5]].shape])
L("nothing by indices of nothing", lambda t: t.ones(1, 0)[[0, 1], [1, 0]])


def f(t):
    x, w = t.ones(3, requires_grad=True), t.ones(3, requires_grad=True)
    y = x * w
    x.requires_grad_(False)
    x[:] = y
    y.sum().backward()


L("a leaf moved into the interior", f)


def to_complex(name, power):
    def case(t):
        base = t.tensor([-2.0, -0.5, 2.0, 0.0], dtype=t.float64, requires_grad=True)
        exponent = t.tensor([1.5 + 0.5j, -1 - 1j, 0j, 2 + 0j], dtype=t.complex128, requires_grad=True)
        made = power(base, exponent)
        made.backward(t.full((4,), 1 + 0.5j, dtype=made.dtype))
        return base.grad, exponent.grad + 0, graph(made.grad_fn)  # the sign of a zero is left open

    L(f"powers: {name}", case)


to_complex("real to complex", lambda b, e: b**e)
to_complex("real to a complex number", lambda b, e: b ** (1.5 + 0.5j))
to_complex("a negative number to complex", lambda b, e: (-2.0) ** e)
to_complex("zero to complex", lambda b, e: 0.0**e)


def unrecorded(write):
    def case(t):
        x = t.ones(2, 3, requires_grad=True)
        y = x * 2
        v = y.transpose(0, 1)
        d = y.detach()
        z = (v * 3).sum()
        write(t, x, y, v, d)
        seen = []
        (found,) = t.autograd.grad(z, [v], allow_unused=True, retain_graph=True)
        v.register_hook(lambda g: seen.append(g.tolist()))  # PyTorch crashes if this comes first
        (v.sum() + z).backward()
        return found, seen, x.grad, v.grad_fn.name()

    return case


L("a view used, not written", unrecorded(lambda t, x, y, v, d: None))
L("a view used, then its base written unrecorded", unrecorded(lambda t, x, y, v, d: nograd(t, lambda: y.mul_(2))))
L("a view used, then written unrecorded", unrecorded(lambda t, x, y, v, d: nograd(t, lambda: v.copy_(t.ones(3, 2)))))
L("a view used, then put to unrecorded", unrecorded(lambda t, x, y, v, d: nograd(t, lambda: v.__setitem__(0, 5.0))))
L("a view used, then written by a detached alias", unrecorded(lambda t, x, y, v, d: d.mul_(2)))


for written in [
    "t_()",
    "transpose_(0,1)",
    "swapaxes_(0,1)",
    "squeeze_()",
    "squeeze_(0)",
    "squeeze_((0,1))",
    "unsqueeze_(0)",
    "as_strided_((1,),(1,))",
]:
    graphed(written, lambda t, F, x, written=written: eval(f"y.{written}", {"y": x[:1] * 1}))
graphed("repeat", lambda t, F, x: x.repeat(2, 3, 1) + x.tile(3, 1, 1).sum())
graphed("matmul", lambda t, F, x: (x.repeat(2, 1, 1) @ x) @ x[0])
graphed("linear", lambda t, F, x: F.linear(F.linear(x.repeat(2, 1, 1), x), x, x[0]))
L("a product is no view", lambda t: (y := t.ones(2, 4, 4) @ t.ones(4, 4))._is_view() or y._base is not None)


def f(t):
    x, w = t.ones(3, requires_grad=True), t.ones(3, requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda p: None if p.grad is not None else 1 / 0)
    y = (x * w).sum()
    del x
    y.backward()
    return w.grad


L("a post accumulate hook of a leaf that is gone", f)


# ---- grad modes: misuse, and what is left when a mode is
for value in ["None", "1", "'a'", "[]", "t.tensor(True)"]:
    L(f"set_grad_enabled {value}", lambda t, value=value: t.set_grad_enabled(eval(value, {"t": t})))


def f(t):
    made = t.set_grad_enabled(False)
    seen = [t.is_grad_enabled(), made.prev, made.mode]
    t.set_grad_enabled(True)
    with made:
        seen.append(t.is_grad_enabled())
    return seen, t.is_grad_enabled()


L("a kept set_grad_enabled as a block", f)
L("enable_grad left unentered", lambda t: t.enable_grad().__exit__(None, None, None))
L("inference_mode(False) in no_grad", lambda t: t.no_grad()(lambda: t.inference_mode(False)(t.is_grad_enabled)())())


def f(t):
    x, y = t.ones(2), t.ones(2)
    with t.autograd._unsafe_preserve_version_counter((x, y)):
        x.add_(1), y.mul_(2)
    with t.autograd._unsafe_preserve_version_counter(x):
        x.add_(1)
    return x, x._version, y._version


L("versions kept", f)
L("versions kept of a number", lambda t: t.autograd._unsafe_preserve_version_counter(3))


def inferred(write):
    def case(t):
        with t.inference_mode():
            x = t.ones(3)
        return write(t, x)


# ---- what random programs found


def twice(f, write=False):
    def case(t):
        x, w = t.tensor([1.5], requires_grad=True), t.tensor([2.0])
        with t.no_grad():
            v = x.view(1)
        found = []
        for leaf in (x, v):
            y = f(leaf, w, t)
            if write:
                with t.no_grad():
                    x[[0]] = 0.25
            for _ in range(2):
                found.append(outcome_of(lambda y=y: y.sum().backward()))
        return found

    return case


for name, write in {
    "setitem": lambda t, x: x.__setitem__(0, 1),
    "copy_": lambda t, x: x.copy_(t.ones(3)),
    "fill_": lambda t, x: x.fill_(2),
    "zero_": lambda t, x: x.zero_(),
    "resize_": lambda t, x: x.resize_(5),
    "set_": lambda t, x: x.set_(t.ones(2)),
    "data": lambda t, x: setattr(x, "data", t.ones(2)),
    "inside": lambda t, x: t.inference_mode()(lambda: x.fill_(2).copy_(t.ones(3)).mul_(2))(),
    "a deep copy": lambda t, x: (copy.deepcopy(x).is_inference(), copy.deepcopy(x).fill_(2)),
}.items():
    L(f"inference tensor, {name}", inferred(write))


# ---- gradcheck: sparse inputs, outputs of integers, inputs of forward mode
def f(t):
    x = t.eye(3, dtype=t.float64).to_sparse().requires_grad_()
    return [
        t.autograd.gradcheck(lambda x: x.to_dense() * 2, (x,), masked=True, fast_mode=fast) for fast in (False, True)
    ]


L("gradcheck of a sparse input", f)
L(
    "gradcheck of integers only",
    lambda t: t.autograd.gradcheck(lambda x: x.long(), t.full((2,), 0.5, dtype=t.float64, requires_grad=True)),
)
L("parameter of integers", lambda t: t.nn.Parameter(t.ones(2, dtype=t.int64)))
L("jvp of integers", lambda t: t.autograd.functional.jvp(lambda x: x.long(), t.ones(3), t.ones(3)))
L("set_ of a leaf", lambda t: t.ones(2, requires_grad=True).set_(t.zeros(2)))


def f(t):
    x = t.ones(1)
    x.resize_(1, 2)
    seen = [x._version]
    for size in (3, 3, 2, 3):
        x.resize_(size)
        seen.append(x._version)
    return seen


L("resize_ counts", f)


def f(t):
    fw = t.autograd.forward_ad
    with fw.dual_level():
        dual = fw.make_dual(t.ones(2, requires_grad=True), t.ones(2)).clone()
        dual.detach_()
        primal, tangent = fw.unpack_dual(dual * 2)
        return primal.requires_grad, tangent, dual.is_leaf


L("detach_ of a dual tensor", f)


# ---- custom functions: misuse
def own(forward, backward):
    def case(t):
        kind = type(
            "F",
            (t.autograd.Function,),
            {
                "forward": staticmethod(lambda ctx, x: forward(t, ctx, x)),
                "backward": staticmethod(lambda ctx, g: backward(t, ctx, g)),
            },
        )
        x = t.ones(3, requires_grad=True)
        kind.apply(x).sum().backward()
        return x.grad

    return case


L(
    "set_materialize_grads of an int",
    own(lambda t, ctx, x: (ctx.set_materialize_grads(0), x * 2)[1], lambda t, ctx, g: g),
)
L(
    "set_materialize_grads of text",
    own(lambda t, ctx, x: (ctx.set_materialize_grads("a"), x * 2)[1], lambda t, ctx, g: g),
)
L("a NumPy gradient", own(lambda t, ctx, x: x * 2, lambda t, ctx, g: np.ones(3)))
L("an expanded gradient written", own(lambda t, ctx, x: x * 2, lambda t, ctx, g: g.mul_(2)))


# ---- checkpoints
def checkpointed(t, function, *args, **options):
    import importlib

    return importlib.import_module(t.__name__ + ".utils.checkpoint").checkpoint(
        function, *args, use_reentrant=False, **options
    )


def f(t):
    x = t.ones(3, requires_grad=True) * 1
    y = checkpointed(t, lambda x: x.sin(), x)
    x.mul_(2)
    y.sum().backward()


L("checkpoint, its input written later", f)
L(
    "checkpoint, its input written inside",
    lambda t: checkpointed(t, lambda x: x.mul_(2).sin(), t.ones(3, requires_grad=True) * 1).sum().backward(),
)


def f(t):
    import functools
    import importlib

    module = importlib.import_module(t.__name__ + ".utils.checkpoint")
    seen = []

    def policy(ctx, op, *args, **kwargs):
        seen.append((ctx.is_recompute, str(op).replace("mul_", "mul")))
        return module.CheckpointPolicy.MUST_CPU_OFFLOAD

    x, w = t.ones(2, 2, requires_grad=True), t.ones(2, requires_grad=True)
    made = functools.partial(module.create_selective_checkpoint_contexts, policy)
    linear = t.nn.functional.linear
    checkpointed(t, lambda x: linear(linear(x, x), x, w).sin().mul_(2).exp(), x, context_fn=made).sum().backward()
    return seen, x.grad, w.grad


L("selective checkpoint of linear, offloaded", f)


def outcome_of(f):
    try:
        return f()
    except RuntimeError as e:
        return str(e)[:40]


for name, op in {
    "mul": lambda x, w, t: x * 2,
    "rmul": lambda x, w, t: 3 * x,
    "div": lambda x, w, t: x / 2,
    "lerp by a number": lambda x, w, t: x.lerp(w, 0.5),
    "lerp by a tensor": lambda x, w, t: x.lerp(w, w),
    "lerp towards": lambda x, w, t: w.lerp(x, 0.5),
    "lerp_": lambda x, w, t: x.clone().lerp_(w, 0.5),
    "addcmul": lambda x, w, t: x.addcmul(w, w),
    "addcmul of tensor1": lambda x, w, t: w.addcmul(x, w),
    "addcdiv": lambda x, w, t: x.addcdiv(w, w),
    "addmm": lambda x, w, t: t.addmm(x[None], w[None], w[None]),
    "addmv": lambda x, w, t: t.addmv(x, w[None], w),
    "fmod": lambda x, w, t: x.fmod(2),
    "fmod by a tensor": lambda x, w, t: x.fmod(w),
    "remainder": lambda x, w, t: x % 2,
    "index_add": lambda x, w, t: x.index_add(0, t.tensor([0]), w),
    "index_put": lambda x, w, t: x.index_put((t.tensor([0]),), w),
    "dot": lambda x, w, t: x @ w,
}.items():
    L(f"backward twice: {name}", twice(op))
    if name in ("mul", "rmul", "div", "lerp_", "addcmul of tensor1", "dot"):
        L(f"backward twice after a write: {name}", twice(op, True))


class ViewOf:
    """A custom function that gives a view."""

    def __new__(cls, t, x):
        class View(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.view(-1)

            @staticmethod
            def backward(ctx, g):
                return g

        return View.apply(x)


def spoilt(take, use):
    def case(t):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        y = x * 1
        v = take(t, y)
        v0 = v.retain_grad
        t.autograd.backward(v.sum(), inputs=[x], retain_graph=True)
        with t.no_grad():
            y.mul_(2)
        return [outcome_of(lambda: str(use(v))[:0]) for _ in range(3)], v0 is None


# ---- hooks: what they may return, and what is refused as a hook
RETURNED = {
    "a number": lambda t, g: 3,
    "an array": lambda t, g: np.ones(3),
    "another shape": lambda t, g: t.ones(2),
    "another dtype": lambda t, g: g.double(),
    "a tuple": lambda t, g: (g,),
    "written": lambda t, g: g.mul_(2),
}


def hooked(register, returned):
    def case(t):
        x = t.ones(3, requires_grad=True)
        y = x * 3
        register(t, x, y, lambda g: returned(t, g))
        (y * y).sum().backward()
        return x.grad

    return case


for kind, take in {"unbind": lambda t, y: y.unbind(0)[1], "custom": lambda t, y: ViewOf(t, y)}.items():
    L(f"a hook on a spoilt view: {kind}", spoilt(take, lambda v: v.register_hook(lambda g: None)))
    L(f"retain_grad of a spoilt view: {kind}", spoilt(take, lambda v: v.retain_grad()))


def f(t):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    v = x.unbind(0)[0]
    v.retain_grad()
    with t.no_grad():
        x.floor_()
    v.retain_grad()


L("retain_grad of a spoilt view that retains it", f)


def f(t):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    with t.no_grad():
        v = x.view(2)
        x.mul_(2)
    x.requires_grad_(False)
    found = [v.requires_grad, v.is_leaf, v.grad_fn, (v * 2).requires_grad]
    x.requires_grad_()
    return found, v.requires_grad, outcome_of(lambda: v * 2)


L("a spoilt view of a leaf that asks no more", f)


def f(t):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = x.detach()
    with t.no_grad():
        v = y.view(2)
    y.mul_(x)
    v.requires_grad_(False)
    return v.requires_grad, outcome_of(lambda: v.is_leaf)


L("a spoilt view may be told to ask no more", f)


def lost(write):
    def case(t):
        x = t.ones(2, 2, requires_grad=True)
        v = x[:1]
        w = v.diagonal()
        u = w.exp()
        v.retain_grad()
        x.requires_grad_(False)
        write(t, x, v)
        w.sum().backward(retain_graph=True)
        found = t.autograd.grad(u.sum(), [v, w], allow_unused=True)
        return found, v.grad, w.requires_grad, [n and n.name() for n, _ in v.grad_fn.next_functions]


REGISTER = {
    "tensor": lambda t, x, y, f: y.register_hook(f),
    "pre": lambda t, x, y, f: y.grad_fn.register_prehook(lambda gs: f(gs[0])),
    "post": lambda t, x, y, f: y.grad_fn.register_hook(lambda gi, go: (f(gi[0]),)),
    "leaf's post": lambda t, x, y, f: t.autograd.graph.get_gradient_edge(x).node.register_hook(lambda gi, go: f(go[0])),
    "post accumulate": lambda t, x, y, f: x.register_post_accumulate_grad_hook(lambda p: f(p.grad.detach())),
}
for returned, value in RETURNED.items():
    for where, register in REGISTER.items():
        L(f"hook {where} returns {returned}", hooked(register, value))


def of_module(kind, returned):
    def case(t):
        m = t.nn.Linear(3, 2)
        t.nn.init.ones_(m.weight), t.nn.init.zeros_(m.bias)
        getattr(m, f"register_{kind}_hook")(lambda m, *grads: (returned(t, grads[0][0]),))
        x = t.ones(1, 3, requires_grad=True)
        m(x).sum().backward()
        return x.grad, m.weight.grad

    return case


L("views of a leaf that asks no more", lost(lambda t, x, v: None))
L("views of a leaf that asks no more, after a write", lost(lambda t, x, v: x.mul_(2)))
L("views of a leaf that asks no more, after a write to one", lost(lambda t, x, v: nograd(t, lambda: v.mul_(2))))


def f(t):
    x = t.ones(2, requires_grad=True)
    y = x * 1
    v = y[:1]
    u = v.exp()
    y.detach_()
    y.mul_(2)
    return t.autograd.grad(u.sum(), [v, x], allow_unused=True), v.requires_grad, v.grad_fn.next_functions


L("views of what was detached in place, after a write", f)


def f(t):
    x = t.tensor([2.0], requires_grad=True)
    found = []
    for wrote in (False, True):
        y = x.tensor_split(2)[1] if wrote is None else x[1:]
        if wrote:
            nograd(t, lambda: x.mul_(2))
        (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
        found += [g, g.requires_grad]
    return found


L("an empty view taken again", f)


def f(t):
    x = t.ones(1, 2, requires_grad=True)
    y, seen = x.mean(0, True), []
    y.register_hook(lambda g: g * 2)
    y.squeeze_()
    y.register_hook(lambda g: seen.append((g.tolist(), tuple(g.shape))))
    y.sum().backward()
    z = x.mean(0, True)
    z.squeeze_()
    z.register_hook(lambda g: seen.append((g.tolist(), tuple(g.shape))))
    z.mul_(3)
    z.register_hook(lambda g: seen.append((g.tolist(), tuple(g.shape))))
    z.sum().backward()
    return seen, x.grad


L("hooks before and after a view in place", f)


def f(t):
    x, seen = t.ones(3, requires_grad=True), []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    y = (x * 2).sum()
    del x
    y.backward()
    return seen


L("a post accumulate hook of a leaf that the program dropped", f)


def f(t):
    x = t.ones(2, 2, requires_grad=True)
    x[False] = 3.0
    x[False] = t.ones(7)
    return x, x._version


L("put at False", f)
L("view_as_complex at an odd place", lambda t: t.view_as_complex(t.ones(5)[1:3]))


def f(t):
    x = t.tensor([[0.7, 1.1]] * 3, dtype=t.float64, requires_grad=True)
    s = x.std(0)
    (g,) = t.autograd.grad(s.sum(), x, create_graph=True)
    return s, x.var(0, keepdim=True), g, t.autograd.grad(g.sum(), s)


L("equal numbers vary by 0", f)


def f(t):
    z = t.tensor([[1 + 2j, 3 - 1j], [0.5j, 2]], requires_grad=True)
    t.view_as_real(z * 2).sum().backward()
    g = z.grad.clone()
    (w,) = t.autograd.grad(t.view_as_real(z * z).transpose(0, 1)[:, 0].sum(), z, create_graph=True)
    return g, w + 0, t.autograd.grad(t.view_as_real(w).sum(), z)[0] + 0


L("view_as_real of what is summed", f)
L("a strided view of a real part", lambda t: t.tensor(1 + 2j).real.as_strided((2,), (1,)))


def f(t):
    x, seen = t.ones(2, requires_grad=True), []
    with t.no_grad():
        v = x.chunk(2)[0]
    with t.autograd.graph.saved_tensors_hooks(lambda s: seen.append(tuple(s.shape)), lambda s: s):
        v * v, v.exp(), x * 3
    y = t.ones(3).tanh_()
    return seen, y.set_(t.ones(1))._version


L("saved for what leads nowhere", f)


for kind in ("full_backward", "full_backward_pre"):
    for returned in ("a number", "another shape", "another dtype"):
        L(f"module hook {kind} returns {returned}", of_module(kind, RETURNED[returned]))


def f(t):
    x = t.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.register_hook(lambda g: g.mul_(2))
    return t.autograd.grad(y, x, create_graph=True)[0].detach()


L("the seed written by a hook, create_graph", f)
for bad in ("None", "3", "'a'"):
    value = eval(bad)
    L(f"saved_tensors_hooks({bad})", lambda t, v=value: t.autograd.graph.saved_tensors_hooks(v, v).__enter__())
    L(f"get_gradient_edge({bad})", lambda t, v=value: t.autograd.graph.get_gradient_edge(v))
    L(f"increment_version({bad})", lambda t, v=value: t.autograd.graph.increment_version(v))
    L(f"multi grad hook of {bad}", lambda t, v=value: t.autograd.graph.register_multi_grad_hook((v,), print))
    L(f"unpack_dual({bad})", lambda t, v=value: t.autograd.forward_ad.unpack_dual(v))
for flag in ("retain_graph", "create_graph", "allow_unused", "materialize_grads"):
    L(
        f"grad {flag} text",
        lambda t, flag=flag: (lambda x: t.autograd.grad(x * 2, x, **{flag: "a"}))(t.ones((), requires_grad=True)),
    )
L("disable_saved_tensors_hooks(3)", lambda t: t.autograd.graph.disable_saved_tensors_hooks(3).__enter__())
L("backward retain_graph text", lambda t: t.ones((), requires_grad=True).mul(2).backward(retain_graph="a"))
L("linear of a number", lambda t: t.nn.functional.linear(3, t.ones(2, 2)))


def f(t):
    x = t.ones(2, 2, requires_grad=True)
    a, b = x.unbind(0)
    y = a * 2
    z = y.cos()
    y.tanh_()
    found = outcome_of(lambda: t.autograd.grad(z.sum(), b, allow_unused=True))
    c, d = x.unbind(0)
    w = c.exp()
    return found, [t.autograd.grad(w.sum(), [d, c], allow_unused=True, retain_graph=True) for _ in range(2)]


L("what leads to another output of the same node runs", f)


class TwoOf:
    def __new__(cls, t, x):
        class Two(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * 2, x * 3

            @staticmethod
            def backward(ctx, g, h):
                return g * ctx.saved_tensors[0] + h

        return Two.apply(x)


def f(t):
    x = t.ones(2, requires_grad=True)
    a, b = TwoOf(t, x * 1)
    found = [t.autograd.grad((a * a).sum(), [b, a], allow_unused=True)]
    (a + b).sum().backward()
    return found, x.grad


L("a node of which an output is asked for keeps what it saved", f)


def f(t):
    x = t.ones(2, requires_grad=True)
    with t.no_grad():
        v = x.view(2)
    return t.autograd.graph.get_gradient_edge(v)


L("the gradient edge of a view taken under no_grad", f)


def f(t):
    x = t.ones(2, requires_grad=True)
    with t.no_grad():
        v = x.view(2)
    v.requires_grad_()
    (v * 2).sum().backward()
    v.requires_grad_(False)
    x_asks = v.requires_grad
    x.requires_grad_(False)
    return x_asks, v.requires_grad, v.is_leaf, v.grad


L("a view of a leaf that asks by itself", f)
L("view_as_complex with a size of 1", lambda t: t.view_as_complex(t.ones(1, 3)[:, :2]))


# ---- the profiler
def profiled(ask, **options):
    def case(t):
        with t.autograd.profiler.profile(**options) as p:
            x = t.ones(3, 4)
            with t.no_grad(), t.autograd.profiler.record_function("block"):
                t.nn.functional.conv2d(t.ones(1, 2, 5, 5), t.ones(3, 2, 2, 2))
                (x @ x.t()) * 2 + t.addmm(t.ones(3), x, t.ones(4, 3))
        return ask(p)

    return case


def flops(p):
    return sorted((e.key.replace("convolution", "conv2d"), e.flops) for e in p.key_averages() if e.flops)


L("profiler flops", profiled(flops, with_flops=True))
L("profiler sort by what is not", profiled(lambda p: p.key_averages().table(sort_by="zzz")))
L(
    "profiler sort by device time",
    profiled(lambda p: p.key_averages().table(sort_by="device_time_total").count("block")),
)
TOLD = ("is_legacy", "node_id", "scope", "overload_name", "flops", "is_async", "is_remote", "device_time_total")
L("profiler events", profiled(lambda p: [[getattr(e, a) for a in TOLD] for e in p.key_averages() if e.key == "block"]))
L("profiler kernels", profiled(lambda p: [(e.kernels, e.concrete_inputs, e.kwinputs) for e in p.function_events][:1]))
L("record_function of a number", lambda t: t.autograd.profiler.record_function(3).__enter__())
L("profiler seen twice", lambda t: (lambda u: (u.see(1, 2), u.see(1, 2)))(t.autograd.profiler.EnforceUnique()))
L("profiler schedule", lambda t: t.profiler.schedule(wait=1, warmup=1, active=0))
L("profiler without activities", lambda t: t.profiler.profile(activities=[]).__enter__())


def f(t):
    import pickle
    import warnings

    x = t.ones(2, requires_grad=True)
    seen = [x._post_accumulate_grad_hooks]
    x.register_post_accumulate_grad_hook(lambda p: None)
    x.register_hook(lambda g: g)
    quiet = t.ones(2, requires_grad=True)
    quiet.register_hook(t.utils.hooks.unserializable_hook(lambda g: g))
    for y in (x, quiet):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            back = pickle.loads(pickle.dumps(y))
        seen += [len(x._post_accumulate_grad_hooks), back.requires_grad, [str(w.message)[:13] for w in caught]]
    return seen


L("hooks of a pickled tensor", f)


def f(t):
    found = []
    for write in (lambda b, v: None, lambda b, v: b.mul_(2), lambda b, v: nograd(t, lambda: v.mul_(2))):
        b = t.ones(4)
        v = b[:2]
        v.requires_grad_()
        w = v.view(1, 2)
        write(b, v)
        found.append(
            (
                [n and n.name() for n, _ in w.grad_fn.next_functions],
                v.is_leaf,
                outcome_of(lambda w=w: w.sum().backward()),
            )
        )
        found.append(v.grad)
    return found


L("a view of what asks by itself, and a write", f)


def f(t):
    x, seen = t.ones(2, requires_grad=True), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    x.detach_().requires_grad_()
    (x * 2).sum().backward()
    return seen, x.grad


L("hooks of a leaf that is detached in place and asks again", f)


class UnusedOf:
    def __new__(cls, t, x, y):
        class Unused(t.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g * 2, None

        return Unused.apply(x, y)


def f(t):
    x, y, seen = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True), []
    y.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad))
    for grad in (None, t.ones(2)):
        y.grad = grad
        UnusedOf(t, x, y).sum().backward()
    return seen, x.grad


L("post accumulate hooks where no gradient arrives", f)
