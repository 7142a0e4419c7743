"""Subclasses of Tensor and function modes: which functions are asked, and what comes back.

Run on both libraries by test_scenarios_parity.py: `torch` is the library, `show(name, function)` notes what happens.
"""
# ruff: noqa


class Sub(torch.Tensor):
    pass


class Sub2(Sub):
    pass


class Other(torch.Tensor):
    pass


log = []


class Log(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        log.append((func.__name__, len(args), sorted(kwargs or {}), [t.__name__ for t in types]))
        return super().__torch_function__(func, types, args, kwargs or {})


class No(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


x = torch.ones(2, 2)
s = x.as_subclass(Sub)
s2 = x.as_subclass(Sub2)
o = x.as_subclass(Other)
l = x.as_subclass(Log)
n = x.as_subclass(No)
T = lambda v: type(v).__name__
for name, f in dict(
    add=lambda a: a + 1,
    radd=lambda a: 1 + a,
    mul=lambda a: a * x,
    rmul=lambda a: x * a,
    mm=lambda a: a @ a,
    sum=lambda a: a.sum(),
    fsum=lambda a: torch.sum(a, 0, keepdim=True),
    idx=lambda a: a[0],
    maxi=lambda a: a.max(0),
    cat=lambda a: torch.cat([x, a]),
    stack=lambda a: torch.stack([a, a]),
    iadd=lambda a: a.clone().add_(1),
    chunk=lambda a: a.chunk(2),
    det=lambda a: a.detach(),
    clone=lambda a: a.clone(),
    item=lambda a: a.sum().item(),
    relu=lambda a: torch.nn.functional.relu(a),
    lin=lambda a: torch.nn.functional.linear(a, x),
    sm=lambda a: torch.nn.functional.softmax(a, -1),
    T=lambda a: a.t(),
    shape=lambda a: a.shape,
    tolist=lambda a: a.tolist(),
    numpy=lambda a: a.numpy(),
    np=lambda a: a.numel(),
    bool=lambda a: bool((a == 1).all()),
    where=lambda a: torch.where(a > 0, a, x),
    out=lambda a: torch.add(a, a, out=torch.empty(2, 2)),
    zl=lambda a: torch.zeros_like(a),
    neg=lambda a: -a,
    cmp=lambda a: a == 1,
    to=lambda a: a.to(torch.float64),
    view=lambda a: a.view(4),
    resh=lambda a: a.reshape(4),
    perm=lambda a: a.permute(1, 0),
    ein=lambda a: torch.einsum("ij->i", a),
    mse=lambda a: torch.nn.functional.mse_loss(a, x),
    ce=lambda a: torch.nn.functional.cross_entropy(a, torch.tensor([0, 1])),
    ln=lambda a: torch.nn.functional.layer_norm(a, (2,)),
    iop=lambda a: a.__iadd__(1),
    it=lambda a: [T(v) for v in a],
    repr=lambda a: repr(a),
    float=lambda a: float(a.sum()),
    len=len,
    cont=lambda a: a.contiguous(),
    sq=lambda a: a.unsqueeze(0).squeeze(0),
    dbl=lambda a: a.double(),
    new=lambda a: a.new_zeros(2),
    gl=lambda a: torch.gather(a, 0, torch.zeros(1, 2, dtype=torch.long)),
    srt=lambda a: torch.sort(a)[0],
    split=lambda a: a.split(1),
    any=lambda a: a.any(),
    topk=lambda a: a.topk(1)[0],
    stdm=lambda a: torch.std_mean(a),
).items():

    def t(v):
        r = f(v)
        if isinstance(r, (tuple, list)) and not isinstance(r, torch.Size):
            return T(r), [T(q) for q in r]
        return T(r)

    show(name, lambda: (t(s), t(s2)))
    log.clear()
    show(
        name,
        lambda: (f(l) is None, [q for q in log if q[0] not in ("__get__", "size", "numel", "dim", "numpy", "stride")]),
    )
show("mix", lambda: T(s + s2))
show("mix", lambda: T(s2 + s))
show("mixo", lambda: T(s + o))
show("no", lambda: n + 1)
show("no2", lambda: torch.sum(n))
w = torch.nn.Parameter(torch.ones(2))
show("par", lambda: T(w * 2))
show("parsub", lambda: T(torch.nn.Parameter(s)))
g = torch.ones(2, 2).as_subclass(Sub).requires_grad_()


def back():
    y = (g * g).sum()
    y.backward()
    return T(y), T(g.grad), g.grad.tolist(), y.grad_fn.name()


show("back", back)
show("grad", lambda: [T(v) for v in torch.autograd.grad((g * g).sum(), g)])


class S:
    def __init__(s, N, v):
        s.N, s.v = N, v

    def tensor(s):
        return s.v * torch.eye(s.N)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func not in H:
            return NotImplemented
        return H[func](*args, **(kwargs or {}))


H = {torch.mean: lambda a: a.v / a.N, torch.add: lambda a, b: "added"}
show("scalar", lambda: torch.mean(S(5, 2.0)))
show("scalar", lambda: torch.exp(S(5, 2.0)))
show("scalar", lambda: torch.add(S(5, 2.0), torch.ones(2)))
show("scalar2", lambda: torch.add(torch.ones(2), S(5, 2.0)))
from torch.overrides import *
from torch.overrides import TorchFunctionMode, has_torch_function_unary, has_torch_function_variadic


class M(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        log.append(func.__name__)
        return func(*args, **(kwargs or {}))


def mode():
    log.clear()
    with M():
        torch.ones(2) + 1
        torch.nn.functional.relu(x)
        torch.zeros(2).exp().sum()
        x[0]
        torch.nn.functional.linear(x, x)
    return log[:]


show("mode", mode)


def mode2():
    log.clear()
    with M():
        with M():
            x.exp()
    x.exp()
    return log[:]


show("mode2", mode2)
show(
    "has",
    lambda: (
        has_torch_function((x,)),
        has_torch_function((s,)),
        has_torch_function_unary(w),
        has_torch_function_variadic(x, s, 1),
        is_tensor_like(x),
        is_tensor_like(S(1, 2)),
        is_tensor_like(1),
    ),
)
show(
    "res",
    lambda: (
        resolve_name(torch.exp),
        resolve_name(torch.nn.functional.relu),
        resolve_name(torch.Tensor.add_),
        is_tensor_method_or_property(torch.Tensor.add_),
        is_tensor_method_or_property(torch.nn.functional.relu),
    ),
)


def pub(a):
    if has_torch_function((a,)):
        return handle_torch_function(pub, (a,), a)
    return "plain"


show(
    "pub",
    lambda: (
        pub(x),
        pub(s),
    ),
)
show("pub", lambda: pub(n))
log.clear()
show("pub", lambda: (pub(l), log))
import copy, pickle

show("copy", lambda: (T(copy.deepcopy(s)), T(copy.copy(s))))
show(
    "isinst", lambda: (isinstance(s, torch.Tensor), T(torch.Tensor._make_subclass(Sub, x)), T(Sub(2, 2)), T(Sub([1.0])))
)
show(
    "over",
    lambda: (
        torch.add in get_overridable_functions()[torch],
        torch.exp in get_testing_overrides(),
        torch.manual_seed in get_ignored_functions(),
    ),
)
