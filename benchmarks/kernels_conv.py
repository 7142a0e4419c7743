"""Convolution, pooling and resampling kernels: time as a ratio to torch's.

Both sides take turns of four calls in one process (the first of a turn still meets the other side's idling
threads) and the minimum of each is kept. Run with a Python that has torch:
``PYTHONPATH=src python benchmarks/kernels_conv.py [-1] [word ...]``; ``-1`` with ``OPENBLAS_NUM_THREADS=1``
compares single threads, which a busy machine disturbs less.
"""

import ctypes
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from rushlight._kernels import conv, pool, pool_of_threads, resample

Case = tuple[str, Callable[[], Any], Callable[[], Any]]


def keep_memory() -> None:
    """What importing the whole package does: let glibc keep freed memory (both sides gain)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 1 << 30)
        libc.mallopt(-1, 1 << 30)


def measure(ours: Callable[[], Any], theirs: Callable[[], Any], seconds: float = 0.8) -> tuple[float, float]:
    best = [float("inf")] * 2
    ours(), theirs()
    end = time.perf_counter() + seconds
    rounds = 0
    while time.perf_counter() < end or rounds < 4:
        for side, fn in enumerate((ours, theirs)):
            for _ in range(4):
                begin = time.perf_counter()
                fn()
                best[side] = min(best[side], time.perf_counter() - begin)
        rounds += 1
    return best[0], best[1]


CONVOLUTIONS: list[tuple[str, tuple[int, ...], int, int, int, int, int]] = [
    # name, input, out channels, kernel, stride, padding, groups
    ("digits first", (64, 1, 8, 8), 16, 3, 1, 1, 1),
    ("digits second", (64, 16, 8, 8), 32, 3, 1, 1, 1),
    ("mnist first", (64, 1, 28, 28), 32, 3, 1, 1, 1),
    ("mnist second", (64, 32, 26, 26), 64, 3, 1, 0, 1),
    ("lenet 5x5", (64, 6, 14, 14), 16, 5, 1, 0, 1),
    ("cifar first", (64, 3, 32, 32), 32, 3, 1, 1, 1),
    ("cifar second", (64, 32, 32, 32), 64, 3, 1, 1, 1),
    ("cifar stride 2", (64, 64, 32, 32), 128, 3, 2, 1, 1),
    ("resnet stem", (4, 3, 224, 224), 64, 7, 2, 3, 1),
    ("resnet 56", (8, 64, 56, 56), 64, 3, 1, 1, 1),
    ("resnet 14", (8, 256, 14, 14), 256, 3, 1, 1, 1),
    ("resnet 7", (8, 512, 7, 7), 512, 3, 1, 1, 1),
    ("resnet 1x1", (8, 256, 28, 28), 128, 1, 1, 0, 1),
    ("resnet 1x1 stride 2", (8, 256, 28, 28), 512, 1, 2, 0, 1),
    ("vit patches", (8, 3, 224, 224), 192, 16, 16, 0, 1),
    ("dcgan 4x4", (32, 64, 32, 32), 32, 4, 2, 1, 1),
    ("depthwise", (16, 64, 28, 28), 64, 3, 1, 1, 64),
    ("grouped", (16, 64, 28, 28), 64, 3, 1, 1, 8),
]


def convolutions() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for name, shape, out, kernel, stride, padding, groups in CONVOLUTIONS:
        x = rng.standard_normal(shape, np.float32)
        w = rng.standard_normal((out, shape[1] // groups, kernel, kernel), np.float32)
        y = conv.conv_forward(x, w, stride, padding, 1, groups)
        g = rng.standard_normal(y.shape, np.float32)
        tx, tw, tg = map(torch.from_numpy, (x, w, g))

        def backward(which: list[bool], tx: Any = tx, tw: Any = tw, tg: Any = tg, s: int = stride,
                     p: int = padding, groups: int = groups) -> Any:  # fmt: skip
            return torch.ops.aten.convolution_backward(
                tg, tx, tw, None, [s, s], [p, p], [1, 1], False, [0, 0], groups, which
            )

        def ours(f: Any, *args: Any, rest: tuple[int, ...] = (stride, padding, 1, groups)) -> Callable[[], Any]:
            return lambda: f(*args, *rest)

        yield (
            f"conv {name}: forward",
            ours(conv.conv_forward, x, w),
            lambda tx=tx, tw=tw, s=stride, p=padding, n=groups: F.conv2d(tx, tw, None, s, p, 1, n),
        )
        yield (
            f"conv {name}: grad input",
            ours(conv.conv_grad_input, g, w, x.shape),
            lambda b=backward: b([True, False, False]),
        )
        yield (
            f"conv {name}: grad weight",
            ours(conv.conv_grad_weight, g, x, w.shape),
            lambda b=backward: b([False, True, False]),
        )


PICTURES = [("digits", (64, 32, 8, 8)), ("mnist", (64, 32, 28, 28)), ("resnet", (8, 64, 112, 112))]


def pools() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    aten = torch.ops.aten
    for name, shape in PICTURES:
        x = rng.standard_normal(shape, np.float32)
        spatial = shape[2:]
        t = torch.from_numpy(x)
        for k, s, p in ((2, 2, 0), (3, 2, 1)):
            y, i = pool.max_pool(x, k, s, p)
            assert i is not None
            g = torch.from_numpy(y)
            ti = torch.from_numpy(i)
            yield (
                f"max_pool {k}x{k}/{s} {name}: forward",
                lambda x=x, k=k, s=s, p=p: pool.max_pool(x, k, s, p),
                lambda t=t, k=k, s=s, p=p: F.max_pool2d(t, k, s, p, return_indices=True),
            )
            yield (
                f"max_pool {k}x{k}/{s} {name}: backward",
                lambda y=y, i=i, n=spatial: pool.scatter_planes(y, i, n),
                lambda g=g, t=t, ti=ti, k=k, s=s, p=p: aten.max_pool2d_with_indices_backward(
                    g, t, [k, k], [s, s], [p, p], [1, 1], False, ti
                ),
            )
            yield (
                f"avg_pool {k}x{k}/{s} {name}: forward",
                lambda x=x, k=k, s=s, p=p: pool.avg_pool(x, k, s, p),
                lambda t=t, k=k, s=s, p=p: F.avg_pool2d(t, k, s, p),
            )
            yield (
                f"avg_pool {k}x{k}/{s} {name}: backward",
                lambda y=y, n=spatial, k=k, s=s, p=p: pool.avg_pool_grad(y, n, k, s, p),
                lambda g=g, t=t, k=k, s=s, p=p: aten.avg_pool2d_backward(
                    g, t, [k, k], [s, s], [p, p], False, True, None
                ),
            )
        yield (
            f"adaptive_avg_pool 1x1 {name}",
            lambda x=x: pool.adaptive_avg_pool(x, (1, 1)),
            lambda t=t: F.adaptive_avg_pool2d(t, 1),
        )


def resampling() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for name, shape in PICTURES:
        x = rng.standard_normal(shape, np.float32)
        t = torch.from_numpy(x)
        size = (shape[2] * 2, shape[3] * 2)
        for mode in ("nearest", "bilinear", "bicubic"):
            yield (
                f"interpolate {mode} x2 {name}",
                lambda x=x, size=size, mode=mode: resample.interpolate(x, size, mode),
                lambda t=t, size=size, mode=mode: F.interpolate(t, size, mode=mode),
            )
        grid = rng.uniform(-1, 1, (shape[0], *shape[2:], 2)).astype(np.float32)
        tg = torch.from_numpy(grid)
        yield (
            f"grid_sample bilinear {name}",
            lambda x=x, grid=grid: resample.grid_sample(x, grid),
            lambda t=t, tg=tg: F.grid_sample(t, tg, align_corners=False),
        )
        columns = resample.unfold(x, (3, 3), (1, 1), (1, 1), (1, 1))
        tc = torch.from_numpy(columns)
        yield (
            f"unfold 3x3 {name}",
            lambda x=x: resample.unfold(x, (3, 3), (1, 1), (1, 1), (1, 1)),
            lambda t=t: F.unfold(t, 3, 1, 1, 1),
        )
        yield (
            f"fold 3x3 {name}",
            lambda c=columns, n=shape[2:]: resample.fold(c, n, (3, 3), (1, 1), (1, 1), (1, 1)),
            lambda c=tc, n=shape[2:]: F.fold(c, n, 3, 1, 1, 1),
        )


def main(words: list[str]) -> None:
    keep_memory()
    if "-1" in words:
        words.remove("-1")
        torch.set_num_threads(1)
        pool_of_threads.set_num_threads(1)
    print(f"numpy {np.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'':48}{'ours ms':>10}{'torch ms':>10}{'ratio':>8}")
    with torch.no_grad():
        for family in (convolutions, pools, resampling):
            for name, ours, theirs in family():
                if all(word in name for word in words):
                    a, b = measure(ours, theirs)
                    print(f"{name:48}{a * 1e3:10.3f}{b * 1e3:10.3f}{a / b:8.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
