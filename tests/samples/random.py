"""Samples of random numbers. Their digits are compared in tests/parity/test_random_parity.py, where both are seeded."""

from __future__ import annotations

from typing import Any

from samples import Call, Row

DRAWN = "drawn: test_random_parity compares the digits under one seed"
SKIP = dict.fromkeys(("value", "single", "out", "method", "inplace", "layouts", "edges", "dtypes", "names"), DRAWN)
HOW: dict[str, Any] = dict(grad=False, vmap=False, layouts=False, dtypes=(), skip=SKIP)

ROWS = [
    Row("rand", lambda s: [Call(2, 3)], out=True, **HOW),
    Row("randn", lambda s: [Call(2, 3)], out=True, **HOW),
    Row("randint", lambda s: [Call(5, (2,))], out=True, **HOW),
    Row("randperm", lambda s: [Call(5)], out=True, **HOW),
    Row("rand_like", lambda s: [Call(s.t(2, grad=False))], **HOW),
    Row("randn_like", lambda s: [Call(s.t(2, grad=False))], **HOW),
    Row("randint_like", lambda s: [Call(s.t(2, grad=False), 5)], **HOW),
    Row("normal", lambda s: [Call(s.t(2, grad=False), 1.0)], out=True, **HOW),
    Row("bernoulli", lambda s: [Call(s.t(2, low=0, high=1, grad=False))], out=True, **HOW),
    Row("multinomial", lambda s: [Call(s.t(3, low=0, grad=False), 2)], out=True, **HOW),
    Row("poisson", lambda s: [Call(s.t(3, low=0, grad=False))], **HOW),
    Row("binomial", lambda s: [Call(s.of([3.0], grad=False), s.of([0.5], grad=False))], **HOW),
    *[
        Row(f"Tensor.{name}_", lambda s, a=args: [Call(s.t(3, grad=False), *a)], tag="in_place", **HOW)
        for name, args in {
            "uniform": (), "normal": (), "random": (), "bernoulli": (), "exponential": (), "geometric": (0.5,),
            "cauchy": (), "log_normal": (),
        }.items()
    ],
]  # fmt: skip
