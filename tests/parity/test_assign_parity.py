"""Assignments ``y[key] = value`` recorded by autograd: values and gradients as in PyTorch, for every kind of key."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import rushlight

pytestmark = pytest.mark.filterwarnings("ignore")


def keys(m: Any) -> dict[str, Any]:
    t = m.tensor
    return {
        "number": 1,
        "negative": -1,
        "slice": slice(1, 3),
        "column": (slice(None), 0),
        "ellipsis": (..., 1),
        "all": ...,
        "none": None,
        "none inside": (0, None),
        "steps": (slice(None, None, 2), slice(1, None)),
        "indices": t([0, 2]),
        "pairs": (t([0, 2, 1]), t([1, 1, 3])),
        "columns": (slice(None), t([[0, 1], [3, 2]])),
        "mask": t([True, False, True]),
        "full mask": t((np.arange(12).reshape(3, 4) % 3 == 0).tolist()),
        "number and indices": (1, t([0, 3])),
        "list": [0, 2],
        "indices and number": (t([0, 1]), 2),
        "grid": (t([[0], [2]]), t([1, 3])),
        "true": True,
        "empty": slice(2, 1),
        "nothing": t([], dtype=m.int64),
        "mask and number": (t([True, False, True]), 1),
        "last": (..., t([0, 3])),
    }


VALUES = ("same", "scalar", "number", "row")


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("name", keys(rushlight))
@pytest.mark.parametrize("where", ["base", "view"])
def test_assign(name: str, kind: str, where: str) -> None:
    found = []
    for m in (rushlight, torch):
        key = keys(m)[name]
        x = m.arange(12.0, dtype=m.float64).reshape(3, 4).requires_grad_()
        base = x * 2
        y = base if where == "base" else base.t().t()
        shape = tuple(base[key].shape)
        wanted = {"same": shape, "scalar": (), "row": shape[-1:]}.get(kind)
        v: Any = 7.0
        if wanted is not None:
            v = (m.arange(float(np.prod(wanted)), dtype=m.float64).reshape(wanted) + 0.5).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y[key] = v
        (base * base).sum().backward()
        found.append([base.detach().numpy(), x.grad.numpy(), None if wanted is None else v.grad.numpy()])
    for mine, theirs in zip(*found, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs)


METHODS: dict[str, Any] = {
    "scatter_": lambda m, y, v: y.scatter_(0, m.tensor([[0, 1, 2, 0]]), v[:1]),
    "scatter_ number": lambda m, y, v: y.scatter_(1, m.tensor([[0], [1], [2]]), 3.0),
    "scatter_add_": lambda m, y, v: y.scatter_add_(0, m.tensor([[0, 1, 2, 0], [0, 0, 0, 0]]), v[:2]),
    "scatter_reduce_": lambda m, y, v: y.scatter_reduce_(0, m.tensor([[0, 1, 2, 0], [0, 0, 0, 0]]), v[:2], "prod"),
    "index_add_": lambda m, y, v: y.index_add_(0, m.tensor([0, 0]), v[:2], alpha=2),
    "index_copy_": lambda m, y, v: y.index_copy_(0, m.tensor([2, 0]), v[:2]),
    "index_fill_": lambda m, y, v: y.index_fill_(1, m.tensor([2, 0]), 5.0),
    "index_fill_ tensor": lambda m, y, v: y.index_fill_(1, m.tensor([2, 0]), v[0, 0]),
    "index_reduce_": lambda m, y, v: y.index_reduce_(0, m.tensor([2, 0, 2]), v, "mean"),
    "index_put_": lambda m, y, v: y.index_put_((m.tensor([2, 0]),), v[:2]),
    "index_put_ accumulate": lambda m, y, v: y.index_put_((m.tensor([2, 2]),), v[:2], True),
    "masked_fill_": lambda m, y, v: y.masked_fill_(y.detach() > 5, 0.0),
    "masked_fill_ tensor": lambda m, y, v: y.masked_fill_(y.detach() > 5, v[0, 0]),
    "masked_scatter_": lambda m, y, v: y.masked_scatter_(y.detach() > 5, v),
    "put_": lambda m, y, v: y.put_(m.tensor([1, 5]), v[0, :2]),
    "fill_": lambda m, y, v: y.fill_(v[0, 0]),
    "fill_ number": lambda m, y, v: y[0].fill_(3.0),
    "zero_": lambda m, y, v: y[1].zero_(),
    "fill_diagonal_": lambda m, y, v: y.fill_diagonal_(3.0),
    "copy_": lambda m, y, v: y.copy_(v),
    "copy_ spread": lambda m, y, v: y.copy_(v[0]),
    "copy_ into a view": lambda m, y, v: y.t()[1].copy_(v[:, 0]),
    "renorm_": lambda m, y, v: y.renorm_(2, 0, 5.0),
    "cumsum_": lambda m, y, v: y.cumsum_(0),
    "cumprod_": lambda m, y, v: y.cumprod_(1),
    "tril_": lambda m, y, v: y.tril_(),
    "normal_ of a part": lambda m, y, v: y[0].normal_(),
}


@pytest.mark.parametrize("name", METHODS)
def test_method(name: str) -> None:
    found = []
    for m in (rushlight, torch):
        m.manual_seed(0)
        x = m.arange(12.0, dtype=m.float64).reshape(3, 4).add(0.25).requires_grad_()
        v = m.linspace(-1, 2, 12, dtype=m.float64).reshape(3, 4).requires_grad_()
        y = x * 1.5
        METHODS[name](m, y, v)
        (y * y + y).sum().backward()
        found.append([y.detach().numpy(), x.grad.numpy(), None if v.grad is None else v.grad.numpy(), y.grad_fn.name()])
    (a, ga, va, na), (b, gb, vb, nb) = found
    np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_allclose(ga, gb, rtol=1e-12, atol=1e-12)
    assert (va is None) == (vb is None)
    if va is not None:
        np.testing.assert_allclose(va, vb, rtol=1e-12, atol=1e-12)
    assert na == nb


@pytest.mark.parametrize("name", METHODS)
def test_leaf_is_refused(name: str) -> None:
    for m in (rushlight, torch):
        x = m.ones(3, 4, dtype=m.float64, requires_grad=True)
        with pytest.raises(RuntimeError, match=r"a (view of a )?leaf Variable that requires grad"):
            METHODS[name](m, x, m.ones(3, 4, dtype=m.float64))
