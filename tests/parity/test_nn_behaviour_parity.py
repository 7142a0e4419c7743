"""Programs on modules, run with torch and with Rushlight: what they see must be the same.

Each program takes the library and returns what it saw, a list of strings and numbers; errors count too.
"""

from __future__ import annotations

import copy
import gc
import io
import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.utils.prune")

import rushlight  # noqa: E402

PROGRAMS = []


def program(f):
    PROGRAMS.append(f)
    return f


def error(f, *args, words=6, **kwargs):
    """The type of an error and its first words."""
    try:
        f(*args, **kwargs)
    except Exception as e:
        return type(e).__name__ + ": " + " ".join(str(e).strip("\"'").split()[:words])
    return "no error"


def net(lib, *, norm=True):
    nn = lib.nn
    lib.manual_seed(0)
    layers = [nn.Linear(3, 4), nn.BatchNorm1d(4) if norm else nn.Tanh(), nn.ReLU(), nn.Linear(4, 2)]
    return nn.Sequential(*layers)


def test_files_are_loaded_to_the_place_of_a_device():
    """A device says where to load to, "meta" included; what ``nn.Buffer`` leaves in a file is read."""
    made = {"w": torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)), "b": torch.nn.Buffer(torch.ones(2))}
    torch.save(made, file := io.BytesIO())

    def load(lib, place):
        file.seek(0)
        return lib.load(file, map_location=place)

    for lib in (torch, rushlight):
        for place in ("cpu", lib.device("cpu")):
            read = load(lib, place)
            assert read["w"].tolist() == made["w"].tolist() and read["w"].requires_grad
            assert type(read["w"]) is lib.nn.Parameter and str(read["w"].device) == "cpu"
            assert isinstance(read["b"], lib.nn.Buffer) and read["b"].tolist() == [1, 1]
        for place in ("meta", lib.device("meta")):
            read = load(lib, place)
            assert read["w"].is_meta and read["w"].shape == (2, 3) and read["w"].requires_grad
            assert read["b"].is_meta and read["b"].dtype == lib.float32
        with pytest.raises(RuntimeError, match=r"^Attempting to deserialize object on a CUDA device"):
            load(lib, lib.device("cuda"))


@program
def bags_of_what_is_not_there(lib):
    """The words depend on the kernel that PyTorch would take."""
    bag, seen = lib.nn.functional.embedding_bag, []
    for kind in (lib.float32, lib.float64):
        for how in ({}, {"mode": "sum"}, {"mode": "max"}, {"padding_idx": 0}):
            for wrong in (-1, 10):
                seen.append(error(bag, lib.tensor([[1, wrong]]), lib.ones(10, 3, dtype=kind), words=20, **how))
    weights = lib.ones(1, 2, dtype=lib.float64)
    given = {"mode": "sum", "per_sample_weights": weights, "words": 40}
    return [*seen, error(bag, lib.tensor([[1, 1]]), lib.ones(10, 3), **given)]


@program
def results_in_the_order_of_their_elements(lib):
    """What lies in order although its input does not: a program may take a view of it."""
    nn, F, seen = lib.nn, lib.nn.functional, []
    for n in (6, 40):
        y = lib.randn(2, n, n + 2)
        for x in (y[0].t(), y.transpose(1, 2), y.permute(1, 0, 2), lib.randn(2, 4, n, 6).permute(0, 2, 3, 1)):
            channels, last = x.shape[1], x.shape[-1]
            bn = nn.BatchNorm1d(channels) if x.ndim < 4 else nn.BatchNorm2d(channels)
            seen += [nn.LayerNorm(last)(x).stride(), bn.eval()(x).stride(), bn.train()(x).stride()]
            seen += [f(x, 0).stride() for f in (lib.sum, lib.mean, lib.prod, lib.amax, lib.std, lib.logsumexp, lib.any)]
            seen += [x.norm(dim=0).stride(), lib.aminmax(x, dim=0)[0].stride(), x.sum(-1).stride()]
            seen += [x.roll(1, -1).stride(), x.masked_fill(x > 0, 0.0).stride(), x.cummax(-1)[0].stride()]
            seen += [F.logsigmoid(x).stride(), x.mean(0, keepdim=True).stride()]
    return [str(s) for s in seen]


@program
def results_are_laid_out_as_their_input(lib):
    """Strides of what layers make of pictures and volumes whose channels lie side by side."""
    nn, seen = lib.nn, []
    lib.manual_seed(0)
    pictures = lib.randn(2, 4, 6, 8).to(memory_format=lib.channels_last)
    volumes = lib.randn(2, 4, 4, 6, 8).to(memory_format=lib.channels_last_3d)
    names = "MaxPool AvgPool AdaptiveMaxPool AdaptiveAvgPool ZeroPad ReflectionPad ReplicationPad CircularPad"
    for x, d in (
        (pictures, 2),
        (volumes, 3),
        (pictures.contiguous(), 2),
        (pictures[:, :1], 2),
        (pictures[:, :, :1, :1], 2),
    ):
        n = x.shape[1]
        layers = [getattr(nn, f"{name}{d}d")(2 if "Pool" in name else 1) for name in names.split() if x.shape[-1] > 1]
        layers += [getattr(nn, f"Conv{d}d")(n, 6, 4, padding=2, stride=2), getattr(nn, f"ConvTranspose{d}d")(n, 6, 3)]
        layers += [getattr(nn, f"BatchNorm{d}d")(n).eval(), nn.GroupNorm(1, n), nn.Upsample(scale_factor=2)]
        if x.shape[-1] > 1:
            layers += [getattr(nn, f"BatchNorm{d}d")(n), getattr(nn, f"InstanceNorm{d}d")(n)]
        if d == 2:
            layers += [nn.Upsample(scale_factor=2, mode="bilinear")]
        if n == 4:
            layers += [nn.ChannelShuffle(2), *([nn.PixelShuffle(2)] if d == 2 else [])]
        for layer in layers:
            y = layer(x)
            seen.append(f"{layer} {tuple(x.shape)} {y.stride()}")
    model = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
    model = model.to(memory_format=lib.channels_last)
    for x in (pictures, pictures.contiguous()):
        x = x.clone().requires_grad_()
        y = model(x)
        (y * y).sum().backward()
        seen += [y.is_contiguous(memory_format=lib.channels_last), y.stride(), x.grad.stride()]
        seen += [p.grad.stride() for p in model.parameters()]
        seen += [round(float(p.grad.double().abs().sum()), 3) for p in model.parameters()]
    return [str(s) for s in seen]


@program
def registration(lib):
    nn = lib.nn
    m = nn.Module()
    log = []
    m.register_buffer("b", lib.ones(2))
    m.register_buffer("n", lib.ones(2), persistent=False)
    m.register_buffer("none", None)
    m.register_parameter("p", nn.Parameter(lib.ones(2)))
    m.register_parameter("q", None)
    m.child = nn.Linear(2, 1)
    m.add_module("empty", None)
    log += [list(m.state_dict()), [n for n, _ in m.named_buffers()], [n for n, _ in m.named_parameters()]]
    log += [error(m.register_buffer, "b.c", lib.ones(1)), error(m.register_buffer, "", lib.ones(1))]
    log += [error(m.register_buffer, 3, lib.ones(1)), error(m.register_buffer, "p", lib.ones(1))]
    log += [error(m.register_buffer, "x", 3), error(m.register_parameter, "x", lib.ones(2))]
    log += [error(m.register_parameter, "b", nn.Parameter(lib.ones(2)))]
    log += [error(m.register_parameter, "a.b", None), error(m.register_parameter, "", None)]
    log += [
        error(m.add_module, "x", 3),
        error(m.add_module, "a.b", m.child),
        error(m.add_module, "", m.child),
    ]
    log += [error(m.add_module, 3, m.child), error(m.add_module, "forward", m.child)]
    log += [error(setattr, m, "p", 3), error(setattr, m, "child", 3), error(setattr, m, "b", 3)]
    log += [error(setattr, m, "p", lib.ones(2)), error(getattr, m, "nothing")]
    log.append(error(m.register_parameter, "y", nn.Parameter(lib.ones(2)) * 1))
    m.b = lib.zeros(3)
    m.b = None
    m.p = None
    log += [list(m.state_dict()), m.p is None, m.b is None]
    m.child = None
    log += [repr(m), list(m._modules)]
    m.p = nn.Parameter(lib.ones(1))
    m.b = nn.Buffer(lib.ones(4), persistent=False)
    log += [type(m.b) is lib.Tensor, list(m.state_dict()), [n for n, _ in m.named_buffers()]]
    m.b = nn.Parameter(lib.ones(1))
    log += [[n for n, _ in m.named_buffers()], [n for n, _ in m.named_parameters()]]
    m.plain = 3
    m.plain = nn.Linear(1, 1)
    log += ["plain" in m.__dict__, "plain" in m._modules]
    m.plain = nn.Parameter(lib.ones(1))
    log += ["plain" in m._modules, list(m._parameters)]
    del m.plain, m.b
    log += [error(delattr, m, "plain"), sorted(set(dir(m)) & {"p", "n", "child", "plain", "training"})]
    m.t = lib.ones(2)
    log += ["t" in m.__dict__, len(list(m.buffers()))]
    return log


@program
def before_init(lib):
    class Late(lib.nn.Module):
        def __init__(self, what):
            self.x = what

    class Never(lib.nn.Module):
        def __init__(self):
            pass

        def forward(self, x):
            return x

    return [
        error(Late, lib.nn.Parameter(lib.ones(1))),
        error(Late, lib.nn.Linear(1, 1), words=3),
        error(Never(), 1, words=1),
        error(lib.nn.Module, 3),
        error(lib.nn.Module, a=3),
        error(lib.nn.Module(), 3),
    ]


@program
def walks(lib):
    nn = lib.nn
    shared = nn.Linear(2, 2)
    m = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared, nn.ReLU()), "c": nn.ModuleList([nn.Tanh()])})
    m.extra = shared.weight
    log = [[n for n, _ in m.named_modules()], [n for n, _ in m.named_modules(remove_duplicate=False)]]
    log += [[n for n, _ in m.named_parameters()], [n for n, _ in m.named_parameters(remove_duplicate=False)]]
    log += [[n for n, _ in m.named_parameters(prefix="x", recurse=False)], len(list(m.modules()))]
    log += [[n for n, _ in m.named_children()], len(list(m.modules(remove_duplicate=False)))]
    log += [[n for n, _ in m.named_modules(prefix="top")]]
    order = []
    m.apply(lambda x: order.append(type(x).__name__))
    log += [order, m.get_submodule("b.1") is m["b"][1], m.get_parameter("b.0.weight") is shared.weight]
    log += [error(m.get_submodule, "b.7"), error(m.get_submodule, "a.weight"), error(m.get_parameter, "a.x")]
    log += [error(m.get_parameter, "b.0"), error(m.get_buffer, "a.weight"), error(m.get_buffer, "a.y")]
    m.set_submodule("b.1", nn.Tanh())
    m.set_submodule("b.2", nn.ReLU())
    log += [repr(m), error(m.set_submodule, "", nn.ReLU()), error(m.set_submodule, "b.1", 3)]
    log += [
        error(m.set_submodule, "b.9", nn.ReLU(), strict=True),
        error(m.set_submodule, "a.weight", nn.ReLU()),
    ]
    m.eval()
    log += [[x.training for x in m.modules()], error(m.train, 3)]
    m.requires_grad_(False)
    log += [[p.requires_grad for p in m.parameters()]]
    return log


@program
def states(lib):
    nn = lib.nn
    a, b = net(lib), net(lib)
    log = [list(a.state_dict().items())[0][0], type(a.state_dict()).__name__]
    log += [dict(a.state_dict()._metadata), repr(b.load_state_dict(a.state_dict()))]
    state = a.state_dict()
    log += [state["0.weight"].data_ptr() == a[0].weight.data_ptr(), state["0.weight"].requires_grad]
    log += [a.state_dict(keep_vars=True)["0.weight"] is a[0].weight, list(a.state_dict(prefix="x."))[:2]]
    bad = dict(state)
    bad["extra.one"] = lib.ones(1)
    bad["0.more"] = lib.ones(1)
    del bad["3.bias"], bad["1.running_mean"]
    log += [error(b.load_state_dict, bad, words=40)]
    keys = b.load_state_dict(bad, strict=False)
    log += [keys.missing_keys, keys.unexpected_keys, repr(keys)]
    wrong = dict(state)
    wrong["0.weight"] = lib.ones(2, 2)
    wrong["3.bias"] = 3
    log += [
        error(b.load_state_dict, wrong, words=60),
        error(b.load_state_dict, wrong, strict=False, words=60),
    ]
    log += [error(b.load_state_dict, 3)]
    given = {k: v.clone() for k, v in state.items()}
    b[0].weight.requires_grad_(False)
    log += [
        repr(b.load_state_dict(given, assign=True)),
        b[0].weight.data_ptr() == given["0.weight"].data_ptr(),
    ]
    log += [type(b[0].weight).__name__, b[0].weight.requires_grad, b[3].weight.requires_grad]
    log += [b[1].running_mean is given["1.running_mean"]]
    old = {k: v for k, v in state.items() if "num_batches" not in k}
    log += [repr(b.load_state_dict(old))]
    scalar = nn.Module()
    scalar.s = nn.Parameter(lib.tensor(1.0))
    log += [repr(scalar.load_state_dict({"s": lib.tensor([5.0])})), scalar.s.item()]

    class Extra(nn.Module):
        def __init__(self):
            super().__init__()
            self.n = 1

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    e = nn.Sequential(Extra())
    e[0].n = 5
    log += [list(e.state_dict()), e.state_dict()["0._extra_state"]]
    f = nn.Sequential(Extra())
    f.load_state_dict(e.state_dict())
    log += [f[0].n, error(f.load_state_dict, {}), error(nn.Module().load_state_dict, {"_extra_state": 1})]
    log += [error(nn.Module().get_extra_state), error(nn.Module().set_extra_state, 1)]
    return log


@program
def state_hooks(lib):
    nn = lib.nn
    m = nn.Sequential(nn.Linear(1, 1))
    log = []
    seen = []
    h = [
        m.register_state_dict_pre_hook(lambda mod, prefix, keep: seen.append(("pre", prefix, keep))),
        m.register_state_dict_post_hook(lambda mod, sd, prefix, meta: seen.append(("post", len(sd), prefix))),
        m[0].register_load_state_dict_pre_hook(lambda mod, sd, prefix, *a: seen.append(("load", prefix, len(a)))),
        m.register_load_state_dict_post_hook(lambda mod, keys: seen.append(("done", keys.missing_keys))),
    ]
    s = m.state_dict()
    m.load_state_dict(s)
    log += [list(seen)]
    for x in h:
        x.remove()
    seen.clear()
    m.load_state_dict(m.state_dict())
    log += [list(seen)]
    m.register_load_state_dict_post_hook(lambda mod, keys: 3)
    log += [error(m.load_state_dict, s)]
    m = nn.Linear(1, 1)
    m.register_state_dict_post_hook(lambda *a: 3)
    log += [error(m.state_dict)]
    m = nn.Linear(1, 1)
    m._register_state_dict_hook(lambda mod, sd, prefix, meta: {"other": 1})
    log += [list(m.state_dict())]
    return log


@program
def forward_hooks(lib):
    nn = lib.nn
    m = nn.ReLU()
    log = []
    x = lib.tensor([-1.0, 2.0])
    h1 = m.register_forward_pre_hook(lambda mod, args: log.append("pre1"))
    h2 = m.register_forward_pre_hook(lambda mod, args: (args[0] + 1,))
    h3 = m.register_forward_pre_hook(lambda mod, args: log.append("pre0"), prepend=True)
    h4 = m.register_forward_hook(lambda mod, args, out: log.append(("post", args[0].tolist(), out.tolist())))
    h5 = m.register_forward_hook(lambda mod, args, out: out * 2)
    h6 = m.register_forward_hook(lambda mod, args, kwargs, out: log.append(("kw", kwargs)), with_kwargs=True)
    log.append(m(x).tolist())
    for h in (h1, h2, h3, h4, h5, h6):
        h.remove()
    log += [len(m._forward_hooks), len(m._forward_hooks_with_kwargs), m(x).tolist()]
    with m.register_forward_pre_hook(lambda mod, a, k: ((a[0] * 3,), {}), with_kwargs=True):
        log.append(m(x).tolist())
    log.append(m(x).tolist())
    with m.register_forward_pre_hook(lambda mod, args: args[0] * 5):
        log.append(m(x).tolist())
    m.register_forward_pre_hook(lambda mod, a, k: 3, with_kwargs=True)
    log.append(error(m, x))

    class Bad(nn.Module):
        def forward(self, x):
            raise ValueError("bad")

    b = Bad()
    b.register_forward_hook(lambda mod, args, out: log.append(("always", out)), always_call=True)
    b.register_forward_hook(lambda mod, args, out: log.append("never"))
    log.append(error(b, x))
    return log


@program
def global_hooks(lib):
    nn = lib.nn
    mod = nn.modules.module
    log = []
    x = lib.ones(1, 2, requires_grad=True)
    hooks = [
        mod.register_module_forward_pre_hook(lambda m, a: log.append("gpre " + type(m).__name__)),
        mod.register_module_forward_hook(lambda m, a, o: log.append("gpost " + type(m).__name__)),
        mod.register_module_full_backward_pre_hook(lambda m, g: log.append("gbpre " + type(m).__name__)),
        mod.register_module_full_backward_hook(lambda m, gi, go: log.append("gb " + type(m).__name__)),
        mod.register_module_parameter_registration_hook(lambda m, n, p: log.append("param " + n)),
        mod.register_module_module_registration_hook(lambda m, n, p: log.append("module " + n)),
        mod.register_module_buffer_registration_hook(lambda m, n, p: log.append("buffer " + n)),
    ]
    try:
        m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Tanh()).eval()
        m[0].register_forward_pre_hook(lambda m, a: log.append("own"))
        m(x).sum().backward()
        log.append(error(mod.register_module_backward_hook, print))
    finally:
        for h in hooks:
            h.remove()
    log.append(m(x).shape == (1, 2))
    return log


@program
def backward_hooks(lib):
    nn = lib.nn
    log = []

    def show(grads):
        return [None if g is None else [round(v, 5) for v in g.flatten().tolist()] for g in grads]

    lib.manual_seed(0)
    m = net(lib, norm=False)
    x = lib.arange(6.0).reshape(2, 3).div(6).requires_grad_()
    h = m[2].register_full_backward_hook(lambda mod, gi, go: log.append(("hook", show(gi), show(go))))
    p = m[2].register_full_backward_pre_hook(lambda mod, go: log.append(("pre", show(go))))
    m(x).sum().backward()
    log.append(show([x.grad]))
    h.remove(), p.remove()
    m[1].register_full_backward_hook(lambda mod, gi, go: (gi[0] * 2,))
    m[3].register_full_backward_pre_hook(lambda mod, go: (go[0] * 3,))
    x.grad = None
    m(x).sum().backward()
    log += [show([x.grad]), show([m[3].bias.grad])]

    class Two(nn.Module):
        def forward(self, a, b, n):
            return a * b, a.detach(), a + n, "s"

    t = Two()
    t.register_full_backward_hook(lambda mod, gi, go: log.append((show(gi), show(go))))
    a, b = lib.tensor([2.0], requires_grad=True), lib.tensor([3.0])
    out = t(a, b, 4)
    out[0].backward()
    log += [a.grad.tolist(), len(out), out[3]]
    out = t(a, b, 4)
    (out[0] + out[2]).backward()
    first = nn.Linear(1, 1)
    first.register_full_backward_hook(lambda mod, gi, go: log.append(("no input", show(gi), show(go))))
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        first(lib.ones(1, 1)).backward()
    log += [[str(x.message)[:60] for x in w]]
    bad = nn.Tanh()
    bad.register_full_backward_hook(lambda mod, gi, go: (gi[0], gi[0]))
    log.append(error(lambda: bad(a).sum().backward(), words=12))
    bad = nn.Tanh()
    bad.register_full_backward_pre_hook(lambda mod, go: (go[0], go[0]))
    log.append(error(lambda: bad(a).sum().backward(), words=12))
    log.append(error(bad.register_backward_hook, print))
    mixed = nn.Tanh()
    mixed.register_full_backward_hook(lambda *a: None)
    log.append(error(mixed.register_backward_hook, print))
    with lib.no_grad():
        log.append(t(a, b, 4)[0].tolist())
    old = nn.Tanh()
    old.register_backward_hook(lambda mod, gi, go: log.append(("old", show(gi), show(go))))
    old(a).sum().backward()
    log.append(error(old.register_full_backward_hook, print))
    # Gradients of gradients go through the hooks as well.
    g = nn.Sigmoid()
    g.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 2,))
    z = lib.tensor([0.5], requires_grad=True)
    (d,) = lib.autograd.grad(g(z), z, create_graph=True)
    d.backward()
    log += [[round(d.item(), 5)], show([z.grad])]
    return log


@program
def conversions(lib):
    m = net(lib)
    p = m[0].weight
    m(lib.ones(2, 3)).sum().backward()
    m.double()
    log = [p is m[0].weight, str(p.dtype), str(p.grad.dtype), str(m[1].running_mean.dtype)]
    log += [str(m[1].num_batches_tracked.dtype), str(m.to(lib.float16)[0].bias.dtype)]
    log += [
        str(m.to("cpu", lib.float32)[0].bias.dtype),
        str(m.half()[0].bias.dtype),
        str(m.float()[0].bias.dtype),
    ]
    log += [str(m.to(lib.ones(1, dtype=lib.float64))[0].bias.dtype), str(m.to(dtype=lib.float)[3].bias.dtype)]
    log += [error(m.to, lib.int32), error(m.to, 1, 2, 3, 4, 5, words=1)]
    log += [str(m.type(lib.float64)[1].num_batches_tracked.dtype)]
    m.zero_grad()
    log += [p.grad is None]
    m.double()(lib.ones(2, 3, dtype=lib.float64)).sum().backward()
    m.zero_grad(set_to_none=False)
    log += [p.grad.abs().sum().item(), m.to_empty(device="cpu")[0].weight.shape == (4, 3)]
    return log


@program
def copies(lib):
    nn = lib.nn
    m = net(lib)
    c = copy.deepcopy(m)
    log = [c[0].weight is m[0].weight, bool((c[0].weight == m[0].weight).all()), c[0].weight.requires_grad]
    c = pickle.loads(pickle.dumps(m))
    log += [bool((c[0].weight == m[0].weight).all()), type(c[0].weight).__name__, repr(c)]
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    c = copy.deepcopy(tied)
    log += [c[1].weight is c[0].weight, len(list(c.parameters()))]
    c = pickle.loads(pickle.dumps(tied))
    log += [c[1].weight is c[0].weight]
    p = nn.Parameter(lib.ones(2))
    p.note = "hello"
    q = pickle.loads(pickle.dumps(p))
    log += [q.note, repr(q), repr(copy.deepcopy(p)), type(p.data) is lib.Tensor, type(p + 1) is lib.Tensor]
    log += [
        isinstance(p, nn.Parameter),
        isinstance(lib.ones(1), nn.Parameter),
        repr(nn.Parameter(lib.ones(1), False)),
    ]
    log += [isinstance(nn.Buffer(lib.ones(1)), nn.Buffer), isinstance(lib.ones(1), nn.Buffer)]
    log += [nn.Parameter().shape == (0,), nn.Parameter(p).data_ptr() == p.data_ptr(), p.is_leaf]
    cell = []
    cell.append(nn.Linear(1, 1))
    cell[0].me = cell
    del cell
    gc.collect()
    return log


@program
def sequential(lib):
    nn = lib.nn
    a, b, c, d = nn.ReLU(), nn.Tanh(), nn.GELU(), nn.SiLU()
    s = nn.Sequential(a, b)
    s.append(c)
    s.insert(1, d)
    s.insert(-1, a)
    log = [
        repr(s),
        s[-1] is c,
        len(s),
        repr(s[1:3]),
        error(lambda: s[9]),
        error(s.insert, 9, a),
        error(s.insert, 0, 3),
    ]
    del s[0]
    log += [list(s._modules), repr(s.pop(1)), repr(s + nn.Sequential(a)), repr(s * 2), repr(2 * s)]
    s += nn.Sequential(b)
    s *= 2
    log += [repr(s), error(lambda: s + 3), error(lambda: s * 0), error(lambda: s * "a")]
    del s[1:3]
    s[0] = nn.Identity()
    s.extend([a, b])
    log += [repr(s), [type(x).__name__ for x in s], "0" in dir(s)]
    from collections import OrderedDict

    named = nn.Sequential(OrderedDict([("first", a), ("second", b)]))
    log += [repr(named), named.first is a, repr(named[0:1]), error(nn.Sequential, 3)]
    return log


@program
def lists(lib):
    nn = lib.nn
    m = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1)])
    log = [repr(m), repr(m[1:3]), len(m), error(lambda: m[7]), repr(nn.ModuleList())]
    m.append(nn.Tanh()).extend([nn.ReLU()])
    m.insert(1, nn.GELU())
    m += [nn.SiLU()]
    log += [repr(m), repr(m + [nn.ReLU()]), repr(m.pop(-1)), error(m.extend, 3), error(m, 1)]
    del m[0]
    del m[1:3]
    m[0] = nn.Identity()
    log += [repr(m), list(m._modules)]
    deep = nn.ModuleList([nn.Sequential(nn.Linear(1, 1), nn.ReLU()) for _ in range(3)])
    log += [repr(deep)]
    d = nn.ModuleDict([["x", nn.ReLU()], ("y", nn.Tanh())])
    d["z"] = nn.GELU()
    d.update({"x": nn.SiLU()})
    log += [repr(d), list(d), list(d.keys()), len(d), "y" in d, repr(d.pop("y")), error(d.update, 3)]
    log += [
        error(d.update, [3]),
        error(d.update, [("a", 1, 2)]),
        error(lambda: d["q"]),
        error(d.update, {"a": 1}),
    ]
    d.clear()
    log += [repr(d)]
    return log


@program
def parameter_containers(lib):
    nn = lib.nn
    p = nn.ParameterList([lib.ones(2), nn.Parameter(lib.ones(3, 2)), 5])
    p.append(lib.zeros(1))
    p += [lib.ones(1)]
    log = [
        repr(p),
        len(p),
        repr(p[1:3]),
        list(p.state_dict()),
        error(p.extend, 3),
        error(p.extend, lib.ones(1)),
    ]
    log += [error(lambda: p[9]), error(p), [type(x).__name__ for x in p]]
    p[0] = lib.zeros(4)
    log += [p[0].shape == (4,), p[-1].tolist()]
    d = nn.ParameterDict({"b": lib.ones(2), "a": lib.ones(1, 3), "o": "text"})
    log += [repr(d), list(d), list(d.keys()), len(d), "a" in d, d.get("zz", 7), list(d.state_dict())]
    d["c"] = lib.ones(1)
    log += [d.pop("c").tolist(), d.popitem()[0], list(reversed(d)), d.setdefault("n", lib.ones(1)).tolist()]
    e = d | nn.ParameterDict({"q": lib.ones(1)})
    log += [list(e), list(d.copy()), list(d.fromkeys(["k"], lib.ones(1))), error(lambda: d.update(3))]
    log += [error(lambda: d.update([3])), error(d, 1), [k for k, _ in d.items()], len(list(d.values()))]
    d |= e
    d.clear()
    log += [list(e), len(d), error(d.__setitem__, 3, 4)]
    return log


@program
def lazy(lib):
    nn = lib.nn
    log = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = nn.Sequential(nn.LazyConv2d(3, 2), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(4))
        log += [repr(m), repr(m[3].weight), m[3].has_uninitialized_params(), list(m.state_dict())]
        log += [error(lambda: m[3].weight.shape), m.double() is m, repr(copy.deepcopy(m[0])), repr(m[0].bias)]
        m.float()
        lib.manual_seed(1)
        log += [
            m(lib.ones(2, 1, 3, 3)).shape == (2, 4),
            repr(m),
            type(m[3]).__name__,
            type(m[3].weight).__name__,
        ]
        log += [[round(v, 5) for v in m[3].weight[0].tolist()], round(m[0].bias[0].item(), 5)]
        fresh = nn.Sequential(nn.LazyConv2d(3, 2), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(4))
        fresh.load_state_dict(m.state_dict())
        log += [fresh[3].weight.shape == (4, 12), type(fresh[3]).__name__]
        log += [fresh(lib.ones(1, 1, 3, 3)).shape == (1, 4), type(fresh[3]).__name__]
        for name, args, shape in (
            ("LazyConv1d", (2, 2), (1, 3, 5)),
            ("LazyConv3d", (2, 2), (1, 3, 5, 5, 5)),
            ("LazyConvTranspose1d", (2, 2), (1, 3, 5)),
            ("LazyConvTranspose2d", (2, 2), (3, 5, 5)),
            ("LazyConvTranspose3d", (2, 2), (1, 3, 4, 4, 4)),
            ("LazyBatchNorm1d", (), (4, 3)),
            ("LazyBatchNorm3d", (), (1, 3, 2, 2, 2)),
            ("LazyInstanceNorm1d", (), (1, 3, 5)),
            ("LazyInstanceNorm2d", (), (1, 3, 5, 5)),
            ("LazyInstanceNorm3d", (), (1, 3, 2, 2, 2)),
        ):
            one = getattr(nn, name)(*args)
            log.append((repr(one), tuple(one(lib.ones(shape)).shape), repr(one), type(one).__name__))
        log.append(error(nn.LazyConv2d(3, 2), lib.ones(3)))
        b = nn.LazyLinear(2)
        log.append(error(nn.Linear(1, 2).load_state_dict, b.state_dict(), words=12))
    return log


def close(values):
    return [round(float(v), 4) for v in values.detach().flatten().tolist()]


@program
def packed(lib):
    rnn = lib.nn.utils.rnn
    log = []
    lib.manual_seed(0)
    seqs = [lib.randn(n, 3) for n in (2, 4, 1, 4)]
    pack = rnn.pack_sequence(seqs, enforce_sorted=False)
    log += [
        close(pack.data),
        pack.batch_sizes.tolist(),
        pack.sorted_indices.tolist(),
        pack.unsorted_indices.tolist(),
    ]
    padded, lengths = rnn.pad_packed_sequence(pack, batch_first=True, padding_value=-1, total_length=5)
    log += [close(padded), lengths.tolist()]
    log += [[close(s) for s in rnn.unpack_sequence(pack)]]
    log += [close(rnn.pad_sequence(seqs, padding_side="left", padding_value=2.0))]
    log += [[close(s) for s in rnn.unpad_sequence(rnn.pad_sequence(seqs, batch_first=True), lengths, True)]]
    log += [
        error(rnn.pack_sequence, seqs, words=8),
        error(rnn.pack_padded_sequence, padded, [1, 2, 0, 1], True, False),
    ]
    log += [
        error(rnn.pack_padded_sequence, padded, [1], True),
        error(rnn.pad_packed_sequence, pack, total_length=2),
    ]
    log += [
        error(rnn.pad_sequence, 3),
        error(rnn.pad_sequence, seqs, padding_side="up"),
        error(rnn.pad_sequence, []),
    ]
    log += [str(pack.double().data.dtype), pack.to("cpu") is pack, pack.is_cuda]
    for kind, kwargs in (
        ("RNN", {}),
        ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
        ("GRU", {"num_layers": 2, "bidirectional": True, "bias": False}),
    ):
        lib.manual_seed(3)
        m = getattr(lib.nn, kind)(3, 4, **kwargs)
        x = pack.data.clone().requires_grad_()
        p = rnn.PackedSequence(x, pack.batch_sizes, pack.sorted_indices, pack.unsorted_indices)
        out, state = m(p)
        states = state if isinstance(state, tuple) else (state,)
        log += [close(out.data), *[close(s) for s in states]]
        (out.data.sin().sum() + sum(s.cos().sum() for s in states)).backward()
        log += [close(x.grad), *[close(w.grad) for w in m.parameters()]]
        out2, _ = m(p, state)
        log += [close(out2.data), error(m, p, states[0][:1]) if kind != "LSTM" else ""]
    return log


@program
def recurrent_errors(lib):
    nn = lib.nn
    m, lstm, gru = nn.RNN(3, 4), nn.LSTM(3, 4), nn.GRU(3, 4)
    x = lib.ones(5, 2, 3)
    log = [
        error(m, lib.ones(3)),
        error(lstm, lib.ones(3)),
        error(gru, lib.ones(3)),
        error(m, lib.ones(5, 2, 4)),
    ]
    log += [error(m, x.double(), words=20), error(m, x, lib.ones(1, 4)), error(m, x[0], lib.ones(1, 1, 4))]
    log += [error(m, x, lib.ones(1, 3, 4)), error(lstm, x, (lib.ones(1, 2, 4), lib.ones(1, 2, 5)), words=12)]
    log += [error(lstm, x, (lib.ones(2, 4), lib.ones(1, 2, 4))), error(lstm, x[0], (lib.ones(1, 2, 4),) * 2)]
    log += [
        error(nn.RNN, 3, 4, nonlinearity="x"),
        error(nn.RNN, 3, 4, proj_size=2),
        error(nn.GRU, 3, 4, proj_size=2),
    ]
    log += [error(nn.LSTM, 3, 4, proj_size=4), error(nn.LSTM, 0, 4), error(nn.LSTM, 3, 4, dropout=2)]
    log += [
        error(nn.LSTM, 3, 0),
        error(nn.LSTM, 3, 4, 0),
        error(nn.LSTM, 3.0, 4),
        error(nn.LSTM, 3, 4, bias=1),
    ]
    log += [error(nn.RNNBase, "X", 1, 1), error(m, lib.ones(0, 2, 3))]
    cell = nn.LSTMCell(3, 4)
    log += [
        error(cell, lib.ones(1, 1, 3)),
        error(cell, lib.ones(2, 4)),
        error(nn.RNNCell(3, 4, nonlinearity="x"), x[0]),
    ]
    log += [error(cell, lib.ones(2, 3), (lib.ones(2, 5), lib.ones(2, 4))), error(nn.GRUCell(3, 4), x)]
    log += [
        error(nn.GRUCell(3, 4), x[0], lib.ones(3, 4), words=5),
        error(nn.RNNCell(3, 4), x[0], lib.ones(2, 5)),
    ]
    log += [[tuple(w.shape) for w in lstm.all_weights[0]], lstm.flatten_parameters() is None]
    lib.manual_seed(0)
    lstm = nn.LSTM(3, 4)
    lstm.weight_ih_l0 = nn.Parameter(lib.zeros(16, 3))
    log += [close(lstm(x)[0][0, 0])[:1], lstm._flat_weights[0] is lstm.weight_ih_l0]
    return log


@program
def transformers(lib):
    nn = lib.nn
    lib.manual_seed(0)
    m = nn.Transformer(4, 2, 2, 2, 6, dropout=0.0, batch_first=True)
    src, tgt = lib.randn(3, 5, 4), lib.randn(3, 4, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    pad = lib.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
    log = [close(mask[0, :1]), close(m(src, tgt, tgt_mask=mask))]
    log += [close(m(src, tgt, tgt_mask=mask, tgt_is_causal=True, src_key_padding_mask=pad))]
    log += [close(m(src, tgt, src_key_padding_mask=pad, memory_key_padding_mask=pad))]
    m.eval()
    with lib.no_grad():
        log += [close(m.encoder(src, src_key_padding_mask=pad)), close(m.encoder(src))]
        log += [close(m.encoder(src, mask=nn.Transformer.generate_square_subsequent_mask(5)))]
        boolean = lib.ones(5, 5, dtype=lib.bool).triu(1)
        log += [close(m.encoder(src, mask=boolean, is_causal=True)), close(m.encoder(src, mask=boolean))]
    log += [
        error(m, src, tgt[:2]),
        error(m, src[..., :3], tgt),
        error(nn.TransformerEncoderLayer, 4, 2, activation="x"),
    ]
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    out, w = attention(src, src, src, average_attn_weights=False, key_padding_mask=pad)
    log += [close(out), close(w), attention(src, src, src, need_weights=False)[1] is None]
    log += [error(nn.MultiheadAttention, 5, 2), error(nn.MultiheadAttention, 0, 1)]
    return log


@program
def parametrized(lib):
    nn = lib.nn
    P = nn.utils.parametrize

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(0, 1)

        def right_inverse(self, x):
            return x.triu()

    class Double(nn.Module):
        def forward(self, x):
            return x * 2

    class Wider(nn.Module):
        def forward(self, x):
            return lib.cat([x, x])

    lib.manual_seed(0)
    m = nn.Linear(3, 3)
    w = m.weight
    P.register_parametrization(m, "weight", Symmetric())
    log = [repr(m), list(m.state_dict()), close(m.weight), m.parametrizations.weight.original is w]
    log += [P.is_parametrized(m), P.is_parametrized(m, "bias"), P.type_before_parametrizations(m).__name__]
    m.weight = lib.ones(3, 3)
    log += [close(m.weight), close(m.parametrizations.weight.original), close(m(lib.ones(1, 3)))]
    P.register_parametrization(m, "weight", Double())
    log += [close(m.weight), repr(m), error(setattr, m, "weight", lib.ones(3, 3))]
    log += [error(P.register_parametrization, m, "weight", Wider(), words=12)]
    log += [error(P.register_parametrization, nn.Linear(2, 2), "weight", Wider(), words=12)]
    log += [error(P.register_parametrization, m, "zz", Double(), words=2), error(pickle.dumps, m, words=7)]
    log += [error(P.remove_parametrizations, nn.Linear(1, 1), "weight", words=2)]
    c = copy.deepcopy(m)
    log += [close(c.weight), type(c).__name__, c.parametrizations.weight.original is w]
    with P.cached():
        log += [m.weight is m.weight]
    log += [m.weight is m.weight]
    other = nn.Linear(3, 3)
    P.transfer_parametrizations_and_params(m, other)
    log += [close(other.weight), repr(other)]
    P.remove_parametrizations(m, "weight")
    log += [repr(m), type(m).__name__, close(m.weight), m.weight is w, list(m.state_dict())]
    unsafe = nn.Linear(3, 3)
    P.register_parametrization(unsafe, "weight", Wider(), unsafe=True)
    log += [tuple(unsafe.weight.shape)]
    P.remove_parametrizations(unsafe, "weight", leave_parametrized=False)
    log += [tuple(unsafe.weight.shape)]
    return log


@program
def norms_as_parametrizations(lib):
    nn = lib.nn
    P = nn.utils.parametrizations
    log = []
    x = lib.linspace(-1, 1, 8).reshape(2, 4)
    for dim in (0, 1, None):
        lib.manual_seed(0)
        m = P.weight_norm(nn.Linear(4, 3), dim=dim)
        log += [list(m.state_dict()), close(m(x)), [tuple(v.shape) for v in m.state_dict().values()], repr(m)]
        m(x).sum().backward()
        log += [close(p.grad) for p in m.parameters()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lib.manual_seed(0)
        old = nn.utils.weight_norm(nn.Linear(4, 3), dim=None)
        log += [list(old.state_dict()), close(old(x)), error(nn.utils.weight_norm, old)]
        m.load_state_dict(old.state_dict())
        log += [close(m(x)), list(nn.utils.remove_weight_norm(old).state_dict()), close(old(x))]
        log += [error(nn.utils.remove_weight_norm, old, words=4)]
    lib.manual_seed(0)
    m = P.spectral_norm(nn.Linear(4, 3), n_power_iterations=2)
    log += [list(m.state_dict()), close(m(x)), close(m(x)), close(m.eval()(x)), repr(m)]
    m(x).sum().backward()
    log += [close(p.grad) for p in m.parameters()]
    log += [
        error(P.spectral_norm, nn.Linear(1, 1), "zz", words=2),
        error(P.spectral_norm, nn.Linear(1, 1), dim=3),
    ]
    lib.manual_seed(0)
    m = nn.utils.spectral_norm(nn.ConvTranspose2d(2, 3, 2))
    y = lib.linspace(-1, 1, 18).reshape(1, 2, 3, 3)
    log += [list(m.state_dict()), close(m(y)), dict(m.state_dict()._metadata[""])]
    log += [list(nn.utils.remove_spectral_norm(m).state_dict()), len(m._state_dict_hooks), close(m(y))]
    for shape, how in (
        ((3, 3), {}),
        ((3, 3), {"orthogonal_map": "cayley"}),
        ((4, 3), {}),
        ((3, 4), {"orthogonal_map": "matrix_exp"}),
        ((4, 3), {"orthogonal_map": "householder", "use_trivialization": False}),
        ((3, 3), {"orthogonal_map": "cayley", "use_trivialization": False}),
    ):
        lib.manual_seed(0)
        m = P.orthogonal(nn.Linear(shape[1], shape[0]), **how)
        w = m.weight
        small = w.T @ w if shape[0] >= shape[1] else w @ w.T
        log += [[abs(v) for v in close(small)], list(m.state_dict()), close(w)]
        w.sin().sum().backward()
        log += [close(m.parametrizations.weight.original.grad)]
        if how.get("use_trivialization", True):
            q = lib.linalg.qr(lib.randn(4, 4, generator=lib.Generator().manual_seed(1)))[0][: shape[0], : shape[1]]
            if shape[0] == shape[1]:
                q = lib.linalg.qr(q)[0]
                m.weight = q
                log += [close(m.weight - q)]
    log += [
        error(P.orthogonal, nn.Linear(2, 2), orthogonal_map="x"),
        error(P.orthogonal, nn.Linear(2, 2), "bias"),
    ]
    return log


@program
def pruned(lib):
    nn = lib.nn
    prune = nn.utils.prune
    log = []
    lib.manual_seed(0)
    m = nn.Linear(4, 3)
    prune.l1_unstructured(m, "weight", 0.3)
    log += [list(m.state_dict()), close(m.weight), close(m.weight_mask), prune.is_pruned(m)]
    prune.random_unstructured(m, "weight", 2)
    log += [close(m.weight_mask), len(m._forward_pre_hooks)]
    prune.ln_structured(m, "weight", 1, n=2, dim=0)
    log += [close(m.weight_mask), close(m(lib.ones(1, 4)))]
    m(lib.ones(1, 4)).sum().backward()
    log += [close(m.weight_orig.grad)]
    prune.random_structured(m, "bias", 1, dim=0) if False else None
    log += [error(prune.random_structured, m, "bias", 1, 0)]
    prune.remove(m, "weight")
    log += [
        list(m.state_dict()),
        close(m.weight),
        prune.is_pruned(m),
        error(prune.remove, m, "weight", words=2),
    ]
    c = nn.Conv2d(2, 4, 2)
    prune.random_structured(c, "weight", 0.5, dim=0)
    prune.identity(c, "bias")
    log += [close(c.weight_mask), close(c.bias_mask)]
    a, b = nn.Linear(3, 2), nn.Linear(2, 2)
    prune.custom_from_mask(a, "bias", lib.tensor([0.0, 1.0]))
    prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=0.5)
    log += [close(a.weight_mask), close(b.weight_mask), close(a.bias)]
    log += [error(prune.l1_unstructured, b, "bias", -1), error(prune.l1_unstructured, b, "bias", 1.5)]
    log += [error(prune.l1_unstructured, b, "bias", "x"), error(prune.l1_unstructured, b, "bias", 9)]
    log += [list(b._parameters), close(prune.L1Unstructured(amount=1).prune(lib.tensor([3.0, 1.0, 2.0])))]
    return log


@program
def gradients(lib):
    U = lib.nn.utils
    w, v = lib.zeros(2, requires_grad=True), lib.zeros(1, 3, requires_grad=True)
    log = []

    def fresh():
        w.grad, v.grad = lib.tensor([3.0, -4.0]), lib.tensor([[1.0, 0.0, 12.0]])

    for norm in (2.0, 1.0, float("inf")):
        fresh()
        log += [close(U.clip_grad_norm_([w, v], 2.0, norm)), close(w.grad), close(v.grad)]
    fresh()
    U.clip_grad_value_([w, v], 2.0)
    log += [
        close(w.grad),
        close(v.grad),
        close(U.get_total_norm([w.grad, v.grad])),
        close(U.get_total_norm([])),
    ]
    U.clip_grads_with_norm_(w, 0.5, lib.tensor(2.0))
    log += [close(w.grad)]
    w.grad = lib.tensor([float("nan"), 1.0])
    log += [error(U.clip_grad_norm_, w, 1.0, error_if_nonfinite=True)]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        U.clip_grad_norm_((p for p in []), 1.0)
        U.clip_grad_norm(v, 1.0)
    log += [[x.category.__name__ for x in seen]]
    vec = U.parameters_to_vector([w, v])
    U.vector_to_parameters(vec + 1, [w, v])
    log += [close(w), close(v), w.requires_grad, error(U.vector_to_parameters, 3, [w])]
    lib.manual_seed(0)
    conv, bn = lib.nn.Conv2d(2, 3, 2, bias=False), lib.nn.BatchNorm2d(3)
    x = lib.linspace(-1, 1, 36).reshape(2, 2, 3, 3)
    bn(conv(x))
    conv.eval(), bn.eval()
    fused = U.fuse_conv_bn_eval(conv, bn)
    log += [repr(fused), close(fused(x)), close(bn(conv(x)) - fused(x))]
    lin, bn1 = lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4)
    bn1(lin(lib.randn(5, 3)))
    lin.eval(), bn1.eval()
    fused = U.fuse_linear_bn_eval(lin, bn1)
    log += [
        close(fused(lib.ones(1, 3))),
        close(bn1(lin(lib.ones(1, 3)))),
        error(U.fuse_conv_bn_eval, conv.train(), bn),
    ]
    lib.manual_seed(0)
    s = U.skip_init(lib.nn.Linear, 3, 2)
    log += [repr(s), lib.rand(1).item(), error(U.skip_init, int), error(U.skip_init, lib.nn.ReLU)]
    g = lib.linspace(0, 1, 24).reshape(2, 3, 2, 2)
    wt = lib.linspace(-1, 1, 24).reshape(3, 2, 2, 2)
    log += [
        close(lib.nn.grad.conv2d_input((2, 2, 3, 3), wt, g)),
        close(lib.nn.grad.conv2d_weight(x, (3, 2, 2, 2), g)),
    ]
    return log


@program
def stateless(lib):
    nn = lib.nn
    S = nn.utils.stateless
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    m[1].weight = m[0].weight
    x = lib.ones(1, 2)
    zeros = {"0.weight": lib.zeros(2, 2), "0.bias": lib.ones(2), "1.bias": lib.ones(2)}
    before = m[0].weight
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log = [close(S.functional_call(m, zeros, x)), m[0].weight is before, m[1].weight is before]
        log += [
            close(S.functional_call(m, {"0.weight": lib.zeros(2, 2), "1.bias": lib.ones(2)}, (x,), tie_weights=False))[
                :0
            ]
        ]
        both = {"0.weight": lib.zeros(2, 2), "1.weight": lib.ones(2, 2)}
        log += [
            error(S.functional_call, m, both, x),
            error(S.functional_call, m, {"0.weight": zeros["0.weight"]}, x, strict=True, words=30),
        ]
        log += [
            error(S.functional_call, m, {"q.weight": zeros["0.weight"]}, x, words=1),
            m[0].weight is before,
        ]
        bn = nn.BatchNorm1d(2)
        given = {"running_mean": lib.zeros(2), "num_batches_tracked": lib.tensor(3)}
        S.functional_call(bn, given, lib.tensor([[1.0, 2.0], [3.0, 4.0]]))
        log += [close(given["running_mean"]), given["num_batches_tracked"].item(), close(bn.running_mean)]
    return log


@program
def wrapped(lib):
    nn = lib.nn
    m = nn.DataParallel(nn.Linear(2, 1))
    log = [repr(m), list(m.state_dict()), m(lib.ones(1, 2)).shape == (1, 1), m.module.in_features]
    state = m.state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    log += [list(state), sorted(state._metadata), repr(nn.Linear(2, 1).load_state_dict(state))]
    return log


@program
def messages(lib):
    nn = lib.nn
    x2, x3, x4 = lib.ones(2, 3), lib.ones(2, 3, 4), lib.ones(2, 3, 4, 4)
    return [
        error(nn.Conv2d, 3, 4, 1, groups=0),
        error(nn.Conv2d, 3, 4, 1, groups=2),
        error(nn.Conv2d, 4, 3, 1, groups=2),
        error(nn.Conv2d, 3, 4, 1, padding="x"),
        error(nn.Conv2d, 3, 4, 1, 2, padding="same"),
        error(nn.Conv2d, 3, 4, 1, padding_mode="x", words=5),
        error(nn.ConvTranspose2d, 3, 4, 1, padding_mode="reflect"),
        error(nn.ConvTranspose2d(3, 4, 3, 2), x4, output_size=(3, 3)),
        error(nn.ConvTranspose2d(3, 4, 3, 2), x4, output_size=(3,)),
        error(nn.BatchNorm1d(3), x4),
        error(nn.BatchNorm2d(3), x3),
        error(nn.BatchNorm3d(3), x3),
        error(nn.InstanceNorm1d(3), x4),
        error(nn.InstanceNorm2d(5, affine=True), x4),
        error(nn.GroupNorm, 2, 3),
        error(nn.Dropout, 1.5),
        error(nn.Unflatten, 1, 3),
        error(nn.Unflatten, 1, (2, "a")),
        error(nn.Embedding, 3, 2, 3),
        error(nn.Embedding, 3, 2, -4),
        error(nn.Embedding.from_pretrained, lib.ones(2)),
        error(nn.EmbeddingBag, 3, 2, _weight=lib.ones(2, 2)),
        error(nn.Hardtanh, 1.0, 0.0),
        error(nn.Softmax2d(), x2),
        error(nn.CircularPad2d(1), x2),
        error(nn.FractionalMaxPool2d, 2),
        error(nn.FractionalMaxPool2d, 2, 2, 0.5),
        error(nn.FractionalMaxPool2d, 2, output_ratio=1.5),
        error(nn.HuberLoss, delta="x"),
        error(nn.MultiMarginLoss, 3),
        error(nn.MultiMarginLoss, weight=lib.ones(1, 1)),
        error(nn.TripletMarginLoss, -1),
        error(nn.TripletMarginWithDistanceLoss, margin=0),
        error(nn.AdaptiveLogSoftmaxWithLoss, 4, 5, []),
        error(nn.AdaptiveLogSoftmaxWithLoss, 4, 5, [3, 2]),
        error(nn.AdaptiveLogSoftmaxWithLoss, 4, 5, [5]),
        error(nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2]), x2, x2),
        error(nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2]), lib.ones(2, 4), lib.tensor([0, 7])),
        error(nn.Bilinear, 0, 1, 1),
        error(nn.LinearCrossEntropyLoss, 3, 4, label_smoothing=2),
        error(nn.LinearCrossEntropyOptions, acc_policy="x"),
        error(nn.LinearCrossEntropyOptions, chunking_method="x"),
        error(nn.LinearCrossEntropyOptions, batch_chunk_size=0),
        error(nn.init.eye_, x3),
        error(nn.init.dirac_, x2),
        error(nn.init.xavier_uniform_, lib.ones(2)),
        error(nn.init.kaiming_uniform_, x2, mode="x"),
        error(nn.init.calculate_gain, "x"),
        error(nn.init.calculate_gain, "leaky_relu", True),
        error(nn.init.orthogonal_, lib.ones(2)),
        error(nn.factory_kwargs, {"x": 1}),
        nn.factory_kwargs({"factory_kwargs": {"device": "cpu"}, "dtype": None}),
        nn.init.calculate_gain("selu"),
    ]


@program
def misc(lib):
    nn = lib.nn
    log = []
    lib.manual_seed(0)
    e = nn.Embedding(5, 3, padding_idx=1, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True, sparse=True)
    log += [
        repr(e),
        close(e.weight[1]),
        repr(nn.EmbeddingBag(5, 3, max_norm=1.0, norm_type=3.0, padding_idx=2)),
    ]
    p = nn.Embedding.from_pretrained(lib.ones(2, 3))
    log += [
        p.weight.requires_grad,
        nn.Embedding.from_pretrained(lib.ones(2, 3), freeze=False).weight.requires_grad,
    ]
    log += [nn.EmbeddingBag.from_pretrained(lib.ones(2, 3)).weight.requires_grad]
    sync = nn.SyncBatchNorm.convert_sync_batchnorm(net(lib))
    log += [repr(sync)]
    a = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10], div_value=2.0)
    x = lib.randn(6, 8)
    log += [close(a.log_prob(x).exp().sum(1)), a.predict(x).tolist(), close(a.log_prob(x))]
    log += [
        repr(nn.CrossMapLRN2d(3)),
        close(nn.CrossMapLRN2d(3, 0.5)(lib.linspace(-1, 1, 16).reshape(1, 8, 1, 2))),
    ]
    m = nn.BatchNorm1d(3)
    m.reset_running_stats()
    log += [close(m.running_var), m.num_batches_tracked.item()]
    t = nn.Linear(2, 2)
    t.compile() if False else None
    log += [nn.Module().extra_repr(), t._get_name(), t.__dict__["training"], t.share_memory() is t]
    with lib.no_grad():
        log += [
            str(nn.Linear(2, 2, dtype=lib.float64).weight.dtype),
            nn.Conv1d(1, 1, 1, device="cpu").weight.is_leaf,
        ]
    return log


def same(a, b):
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) or isinstance(b, float):
        return bool(np.isclose(a, b, rtol=1e-3, atol=3e-4, equal_nan=True))
    return a == b


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_program(f):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = f(torch), f(rushlight)
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert same(a, b), f"entry {i}: {a!r}, torch has {b!r}"
