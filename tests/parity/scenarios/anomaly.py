"""Anomaly mode: errors, nan and the warnings that come with them.

Run on both libraries by test_scenarios_parity.py: `torch` is the library, `show(name, function)` notes what happens.
"""
# ruff: noqa

F = torch.autograd.Function


class Bad(F):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise ValueError("oops")


x = lambda *a: torch.tensor(a or (0.0, 1.0), requires_grad=True)


def nan(inside=True, **kw):
    t = x()
    if inside:
        with torch.autograd.detect_anomaly(**kw):
            y = (t.sqrt() * torch.tensor([0.0, 1.0])).sum()
            y.backward()
    else:
        y = (t.sqrt() * torch.tensor([0.0, 1.0])).sum()
        with torch.autograd.detect_anomaly(**kw):
            y.backward()
    return t.grad.tolist()


show("nan", nan)
show("nanF", lambda: nan(check_nan=False))
show("out", lambda: nan(False))


def bad():
    with torch.autograd.set_detect_anomaly(True):
        Bad.apply(x()).sum().backward()


show("bad", bad)


def fwd_only():
    with torch.autograd.set_detect_anomaly(True):
        y = Bad.apply(x()).sum()
    y.backward()


show("fwd_only", fwd_only)


def dbl():
    with torch.autograd.set_detect_anomaly(True):
        t = x(0.0)
        y = t.sqrt() * t
        (g,) = torch.autograd.grad((t**1.5).sum(), t, create_graph=True)
        g.sum().backward()
        return t.grad.tolist()


show("dbl", dbl)


def dbl2():
    with torch.autograd.set_detect_anomaly(True):
        t = x(0.0)
        (g,) = torch.autograd.grad((t * t.sqrt()).sum(), t, create_graph=True)
        g.sum().backward()


show("dbl2", dbl2)
show("state", lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()))
torch.autograd.set_detect_anomaly(True, False)
show("state", lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()))
torch.autograd.set_detect_anomaly(False)
show("state", lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()))
show("bad2", lambda: torch.autograd.set_detect_anomaly(1))


def nested():
    with torch.autograd.set_detect_anomaly(True):
        with torch.autograd.set_detect_anomaly(False):
            a = torch.is_anomaly_enabled()
        return a, torch.is_anomaly_enabled()


show("nested", nested)


def where():
    t = x(0.0, 1.0)
    with torch.autograd.detect_anomaly():
        torch.where(t > 0, t.log() * 0, t).sum().backward()
    return t.grad.tolist()


show("where", where)


def cat():
    t = x(0.0, 1.0)
    u = x(0.0, 1.0)
    with torch.autograd.detect_anomaly():
        (torch.cat([u, t]) / torch.cat([t, t])).sum().backward()


show("cat", cat)


def inpl():
    t = x()
    with torch.autograd.detect_anomaly():
        y = t.exp()
        z = y.sum()
        y.mul_(2)
        z2 = (y * y).sum()
        w = t.exp()
        w.add_(1)
        w.sum().backward()


show("inpl", inpl)
show(
    "meta",
    lambda: (lambda y: sorted(y.grad_fn.metadata))(
        [torch.autograd.set_detect_anomaly(True), x().exp(), torch.autograd.set_detect_anomaly(False)][1]
    ),
)
