"""Times of the kernels over rows and elements as a ratio to torch's, both run in turn, minima taken.

    python benchmarks/kernels_rows.py [word ...] [--repeat 30] [--threads 2]

Ratios under 1 are faster than torch. RUSHLIGHT_NUMBA=0 measures the NumPy texts. A pause goes before each
measurement, as torch's threads keep a core busy for a while after their work.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from rushlight._kernels import attention, elementwise, rows, scans, scatter, sorting, steps
from rushlight._kernels.pool_of_threads import set_num_threads

Case = tuple[str, Callable[[], Any], Callable[[], Any]]


def backward(y: torch.Tensor, inputs: Any, g: torch.Tensor) -> Callable[[], Any]:
    return lambda: torch.autograd.grad(y, inputs, g, retain_graph=True)


def row_cases() -> Iterator[Case]:
    x = torch.randn(1000, 1000, requires_grad=True)
    a, g = x.detach().numpy(), torch.randn(1000, 1000)
    gn = g.numpy()
    target = torch.randint(0, 1000, (1000,))
    w, b = torch.randn(1000, requires_grad=True), torch.randn(1000, requires_grad=True)
    wn, bn = w.detach().numpy(), b.detach().numpy()
    d = x.detach()
    yield "softmax", lambda: F.softmax(d, -1), lambda: rows.softmax(a, -1)
    yield "softmax dim 0", lambda: F.softmax(d, 0), lambda: rows.softmax(a, 0)
    y = F.softmax(x, -1)
    yn = y.detach().numpy()
    yield "softmax backward", backward(y, x, g), lambda: rows.softmax_backward(gn, yn, -1)
    yield "log_softmax", lambda: F.log_softmax(d, -1), lambda: rows.log_softmax(a, -1)
    z = F.log_softmax(x, -1)
    zn = z.detach().numpy()
    yield "log_softmax backward", backward(z, x, g), lambda: rows.log_softmax_backward(gn, zn, -1)
    yield "logsumexp", lambda: torch.logsumexp(d, -1), lambda: rows.logsumexp(a, -1)
    t = target.numpy()
    yield "cross_entropy", lambda: F.cross_entropy(d, target), lambda: rows.cross_entropy(a, t)
    loss, one = F.cross_entropy(x, target), torch.ones(())
    saved = rows.cross_entropy(a, t)[1]
    yield (
        "cross_entropy backward",
        backward(loss, x, one),
        lambda: rows.cross_entropy_backward(one.numpy(), a, t, saved),
    )
    yield "layer_norm", lambda: F.layer_norm(d, (1000,), w, b), lambda: rows.layer_norm(a, 1000, wn, bn)
    n = F.layer_norm(x, (1000,), w, b)
    _, m, r = rows.layer_norm(a, 1000, wn, bn)
    yield (
        "layer_norm backward",
        backward(n, (x, w, b), g),
        lambda: rows.layer_norm_backward(gn, a, 1000, wn, m, r),
    )
    yield "rms_norm", lambda: F.rms_norm(d, (1000,), w, 1e-6), lambda: rows.rms_norm(a, 1000, wn, 1e-6)
    im = torch.randn(16, 64, 32, 32, requires_grad=True)
    c, k = im.detach().numpy(), np.ones(64, np.float32)
    kt = torch.ones(64, requires_grad=True)
    dim, gi = im.detach(), torch.randn(16, 64, 32, 32)

    def ours() -> Any:
        mean, var = rows.batch_norm_moments(c)
        return rows.batch_norm(c, mean, 1 / np.sqrt(var + 1e-5), k, k)

    yield "batch_norm training", lambda: F.batch_norm(dim, None, None, kt, kt, True), ours
    o = F.batch_norm(im, None, None, kt, kt, True)
    mean, var = rows.batch_norm_moments(c)
    rstd = 1 / np.sqrt(var + 1e-5)
    gin = gi.numpy()
    yield (
        "batch_norm backward",
        backward(o, (im, kt), gi),
        lambda: rows.batch_norm_backward(gin, c, mean, rstd, k, True),
    )
    yield "group_norm", lambda: F.group_norm(dim, 8, kt, kt), lambda: rows.group_norm(c, 8, k, k)
    s, sn = torch.randn(10), np.random.randn(10).astype(np.float32)
    yield "softmax of 10", lambda: F.softmax(s, -1), lambda: rows.softmax(sn, -1)


def element_cases() -> Iterator[Case]:
    x = torch.randn(1000, 1000, requires_grad=True)
    a, g, d = x.detach().numpy(), torch.randn(1000, 1000), x.detach()
    gn = g.numpy()
    functions: dict[str, Any] = {
        "erf": torch.erf, "erfc": torch.erfc, "gelu": F.gelu,
        "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"), "silu": F.silu,
        "sigmoid": torch.sigmoid, "softplus": F.softplus, "logsigmoid": F.logsigmoid,
        "mish": F.mish, "hardswish": F.hardswish,
    }  # fmt: skip
    for name, f in functions.items():
        ours = getattr(elementwise, name)
        yield name, partial(f, d), partial(ours, a)
        y = f(x)
        saved = y.detach().numpy() if name == "sigmoid" else a
        yield (
            name + " backward",
            backward(y, x, g),
            partial(getattr(elementwise, name + "_backward"), gn, saved),
        )
    s = torch.randn(10)
    yield "gelu of 10", lambda: F.gelu(s), lambda: elementwise.gelu(s.numpy())


def scatter_cases() -> Iterator[Case]:
    i, v, z = torch.randint(0, 10000, (1000000,)), torch.randn(1000000), torch.zeros(10000)
    ni, nv, nz = i.numpy(), v.numpy(), np.zeros(10000, np.float32)
    yield "scatter_add 1-d", lambda: z.scatter_add_(0, i, v), lambda: scatter.scatter_add(nz, 0, ni, nv)
    yield (
        "scatter amax 1-d",
        lambda: z.scatter_reduce_(0, i, v, "amax"),
        lambda: scatter.scatter_reduce(nz, 0, ni, nv, "amax"),
    )
    yield (
        "put accumulate 1-d",
        lambda: z.index_put_((i,), v, accumulate=True),
        lambda: scatter.put_accumulate(nz, (ni,), nv),
    )
    j, w, y = torch.randint(0, 1000, (1000, 1000)), torch.randn(1000, 1000), torch.zeros(1000, 1000)
    nj, nw, ny = j.numpy(), w.numpy(), np.zeros((1000, 1000), np.float32)
    yield "scatter_add dim 1", lambda: y.scatter_add_(1, j, w), lambda: scatter.scatter_add(ny, 1, nj, nw)
    yield "scatter_add dim 0", lambda: y.scatter_add_(0, j, w), lambda: scatter.scatter_add(ny, 0, nj, nw)
    k, u, t = torch.randint(0, 10000, (100000,)), torch.randn(100000, 10), torch.zeros(10000, 10)
    nk, nu, nt = k.numpy(), u.numpy(), np.zeros((10000, 10), np.float32)
    yield "index_add", lambda: t.index_add_(0, k, u), lambda: scatter.index_add(nt, 0, nk, nu)
    table, words = torch.randn(10000, 64, requires_grad=True), torch.randint(0, 10000, (16384,))
    o = F.embedding(words, table)
    g = torch.randn_like(o)
    ng, nwords = g.numpy(), words.numpy()
    yield (
        "embedding backward",
        backward(o, table, g),
        lambda: scatter.embedding_backward(ng, nwords, 10000),
    )


def sorting_cases() -> Iterator[Case]:
    x = torch.randn(1000, 1000)
    a, f = x.numpy(), x.view(-1)
    b = f.numpy()
    yield "sort rows", lambda: torch.sort(x, -1), lambda: sorting.sort(a, -1)
    yield "sort rows descending", lambda: torch.sort(x, -1, True), lambda: sorting.sort(a, -1, True)
    yield "sort dim 0", lambda: torch.sort(x, 0), lambda: sorting.sort(a, 0)
    yield "sort 1-d", lambda: torch.sort(f), lambda: sorting.sort(b)
    d = x.double()
    c = d.numpy()
    yield "sort rows float64", lambda: torch.sort(d, -1), lambda: sorting.sort(c, -1)
    yield "topk 10", lambda: torch.topk(x, 10, -1), lambda: sorting.topk(a, 10, -1)
    yield "topk 10 float64", lambda: torch.topk(d, 10, -1), lambda: sorting.topk(c, 10, -1)
    yield "topk 10 1-d", lambda: torch.topk(f, 10), lambda: sorting.topk(b, 10)
    yield "kthvalue 100", lambda: torch.kthvalue(x, 100, -1), lambda: sorting.kthvalue(a, 100, -1)
    yield "median", lambda: torch.median(x, -1), lambda: sorting.median(a, -1)
    i = torch.randint(0, 1000, (1000000,))
    n = i.numpy()
    yield (
        "unique inverse",
        lambda: torch.unique(i, return_inverse=True, return_counts=True),
        lambda: sorting.unique(n),
    )
    s, t = torch.randn(10), np.random.randn(10).astype(np.float32)
    yield "sort of 10", lambda: torch.sort(s), lambda: sorting.sort(t)


def step_cases() -> Iterator[Case]:
    def theirs(kind: Any, **options: Any) -> Callable[[], Any]:
        p = torch.randn(1000000, requires_grad=True)
        p.grad = torch.randn(1000000)
        return kind([p], lr=1e-3, foreach=True, **options).step

    p, g, m, v, u = np.abs(np.random.randn(5, 1000000).astype(np.float32))
    yield "sgd", theirs(torch.optim.SGD), lambda: steps.sgd(p, g, None, lr=1e-3)
    yield (
        "sgd momentum",
        theirs(torch.optim.SGD, momentum=0.9),
        lambda: steps.sgd(p, g, m, lr=1e-3, momentum=0.9),
    )
    yield "adam", theirs(torch.optim.Adam), lambda: steps.adam(p, g, m, v, None, step=5)
    yield (
        "adamw amsgrad",
        theirs(torch.optim.AdamW, amsgrad=True),
        lambda: steps.adam(p, g, m, v, u, step=5, weight_decay=0.01, decoupled=True),
    )
    yield "rmsprop", theirs(torch.optim.RMSprop), lambda: steps.rmsprop(p, g, v, None, None)
    yield "adagrad", theirs(torch.optim.Adagrad), lambda: steps.adagrad(p, g, v, step=5)
    yield "adadelta", theirs(torch.optim.Adadelta), lambda: steps.adadelta(p, g, v, m)


def scan_cases() -> Iterator[Case]:
    x = torch.randn(1000, 1000)
    a = x.numpy()
    yield "cumsum", lambda: torch.cumsum(x, -1), lambda: scans.cumsum(a, -1)
    yield "cumsum dim 0", lambda: torch.cumsum(x, 0), lambda: scans.cumsum(a, 0)
    yield "cumprod", lambda: torch.cumprod(x, -1), lambda: scans.cumprod(a, -1)
    yield "cummax", lambda: torch.cummax(x, -1), lambda: scans.cummax(a, -1)
    yield "logcumsumexp", lambda: torch.logcumsumexp(x, -1), lambda: scans.logcumsumexp(a, -1)


def attention_cases() -> Iterator[Case]:
    for heads, n in ((8, 256), (4, 1024)):
        q, k, v = (torch.randn(1, heads, n, 64, requires_grad=True) for _ in range(3))
        arrays = [t.detach().numpy() for t in (q, k, v)]
        out, logs = attention.attention(*arrays)
        for causal in (False, True):
            name = f"attention {heads} x {n}" + " causal" * causal
            with torch.no_grad():
                yield (
                    name,
                    partial(F.scaled_dot_product_attention, q.detach(), k.detach(), v.detach(), is_causal=causal),
                    partial(attention.attention, *arrays, None, causal),
                )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            g = torch.randn_like(y)
            yield (
                name + " backward",
                backward(y, (q, k, v), g),
                partial(attention.attention_backward, g.numpy(), *arrays, out, logs, None, causal),
            )


FAMILIES = [
    row_cases, element_cases, scatter_cases, sorting_cases, step_cases, scan_cases, attention_cases,
]  # fmt: skip


def minimum(f: Callable[[], Any], inner: int) -> float:
    time.sleep(0.004)
    f()
    start = time.perf_counter()
    for _ in range(inner):
        f()
    return (time.perf_counter() - start) / inner


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*", help="only cases or families whose name contains one of these")
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    set_num_threads(options.threads)
    torch.manual_seed(0)
    print(f"{'':28}{'ours us':>10}{'torch us':>10}{'ratio':>8}")
    for family in FAMILIES:
        for name, theirs, ours in family():
            if options.words and not any(word in f"{family.__name__} {name}" for word in options.words):
                continue
            ours(), theirs()
            inner = 200 if minimum(theirs, 1) < 5e-5 else 1
            a = b = 1e9
            for _ in range(options.repeat):
                a, b = min(a, minimum(ours, inner)), min(b, minimum(theirs, inner))
            print(f"{name:28}{a * 1e6:10.1f}{b * 1e6:10.1f}{a / b:8.2f}", flush=True)


if __name__ == "__main__":
    main()
