"""Checks of derivatives: what passes, what fails and with which words.

Run on both libraries by test_scenarios_parity.py: `torch` is the library, `show(name, function)` notes what happens.
"""
# ruff: noqa

gradcheck, gradgradcheck = torch.autograd.gradcheck, torch.autograd.gradgradcheck
D = torch.float64


def T(*s, dtype=D):
    return torch.randn(*s, dtype=dtype, requires_grad=True)


F = torch.autograd.Function


class Bad(F):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return x * g


class Const(F):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return torch.full_like(g, 2.0)


class Undef(F):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        if g is None:
            raise RuntimeError("none")
        return g * 2


class Nondet(F):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2 + g * torch.rand(()) * 1e-4


class F32(F):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return (g * 2).float()


C = torch.complex128
for kw in [
    {},
    {"fast_mode": True},
    {"check_forward_ad": True},
    {"check_forward_ad": True, "fast_mode": True},
    {"check_batched_grad": True},
    {"check_forward_ad": True, "check_batched_forward_grad": True},
]:
    print(kw)
    show("sin", lambda: gradcheck(lambda x: x.sin(), (T(2, 3),), **kw))
    show("mm", lambda: gradcheck(torch.mm, (T(2, 3), T(3, 2)), **kw))
    show("mmc", lambda: gradcheck(torch.mm, (T(2, 3, dtype=C), T(3, 2, dtype=C)), **kw))
    show("c2r", lambda: gradcheck(lambda z: z.abs(), (T(3, dtype=C),), **kw))
    show("r2c", lambda: gradcheck(lambda x: torch.complex(x, x * x), (T(3),), **kw))
    show("multi", lambda: gradcheck(lambda x, y: (x * y, x.exp(), y.detach(), x.argmax()), (T(3), T(3)), **kw))
    show(
        "bad",
        lambda: gradcheck(
            Bad.apply,
            (T(3),),
            **{**kw, "check_forward_ad": False, "check_batched_forward_grad": False, "check_batched_grad": False},
        ),
    )
    show(
        "badF",
        lambda: gradcheck(
            Bad.apply,
            (T(3),),
            raise_exception=False,
            **{**kw, "check_forward_ad": False, "check_batched_forward_grad": False, "check_batched_grad": False},
        ),
    )
show("const", lambda: gradcheck(Const.apply, (T(3),)))
show("undef", lambda: gradcheck(Undef.apply, (T(3),)))
show("undef2", lambda: gradcheck(Undef.apply, (T(3),), check_undefined_grad=False))
show("nondet", lambda: gradcheck(Nondet.apply, (T(3),)))
show("nondet", lambda: gradcheck(Nondet.apply, (T(3),), nondet_tol=1e-3))
show("f32", lambda: gradcheck(F32.apply, (T(3),), check_grad_dtypes=True))
show("f32in", lambda: gradcheck(lambda x: x.exp(), (T(3, dtype=torch.float32),)))
show("rand", lambda: gradcheck(lambda x: x * torch.rand(3, dtype=D), (T(3),)))
show("kink", lambda: gradcheck(lambda x: x.relu(), (torch.zeros(3, dtype=D, requires_grad=True),)))
show("none", lambda: gradcheck(lambda x: x.relu(), (torch.zeros(3, dtype=D),)))
show("expand", lambda: gradcheck(lambda x: x.relu(), (T(1).expand(3),)))
show("nodiff", lambda: gradcheck(lambda x: x.detach() * 2, (T(3),)))
show("nodiff0", lambda: gradcheck(lambda x: (x * 0).detach(), (T(3),)))
show("shape", lambda: gradcheck(lambda x: x[x > 0], (torch.zeros(3, dtype=D, requires_grad=True),)))
show("noopt", lambda: gradcheck(lambda x: x, (T(3),), check_backward_ad=False))
show(
    "noopt",
    lambda: gradcheck(lambda x: x, (T(3),), check_backward_ad=False, check_forward_ad=True, check_batched_grad=True),
)
show("noopt", lambda: gradcheck(lambda x: x * 1, (T(3),), check_batched_forward_grad=True))
show("int", lambda: gradcheck(lambda x, n: x**n, (T(3), 2)))
show("closure", lambda: (lambda w: gradcheck(lambda _: w.sin(), (w,)))(T(3)))
show("gg", lambda: gradgradcheck(lambda x: x.sin(), (T(3),)))
show("gg", lambda: gradgradcheck(lambda x, y: x.sin() * y, (T(3), T(3)), check_fwd_over_rev=True))
show("ggc", lambda: gradgradcheck(lambda x, y: x.exp() * y, (T(3, dtype=C), T(3, dtype=C)), fast_mode=True))
show("ggbad", lambda: gradgradcheck(Bad.apply, (T(3),)))
show("ggnc", lambda: gradgradcheck(lambda x: x.sin(), (T(3),), gen_non_contig_grad_outputs=True))
show("gggo", lambda: gradgradcheck(lambda x: x.sin(), (T(3),), (T(3),)))
show("gglin", lambda: gradgradcheck(lambda x: x * 2, (T(3),)))
show("ggb", lambda: gradgradcheck(lambda x: x**3, (T(3),), check_batched_grad=True))
show("ggo", lambda: gradgradcheck(lambda x: x**3, (T(3),), check_rev_over_rev=False))
