"""Sparse gradients: where they come from, how they add up, what optimizers do with them, files."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest

import rushlight as torch
from rushlight import nn
from rushlight.nn import functional as F


def parts(t: Any) -> tuple[list[Any], list[Any]]:
    assert t.is_sparse
    return t._indices().tolist(), t._values().tolist()


def table(**options: Any) -> nn.Embedding:
    return nn.Embedding.from_pretrained(
        torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), freeze=False, sparse=True, **options
    )


def test_rows_and_padding() -> None:
    e = table(padding_idx=1)
    (e(torch.tensor([[0, 1, 2], [2, 2, 0]])) * 2).sum().backward()
    assert parts(e.weight.grad) == ([[0, 2, 2, 2, 0]], [[2.0, 2.0]] * 5)
    assert (e.weight.grad.is_coalesced(), e.weight.grad.requires_grad) == (False, False)
    assert parts(e.weight.grad.coalesce()) == ([[0, 2]], [[4.0, 4.0], [6.0, 6.0]])


def test_gradients_add_up() -> None:
    e = table()
    e(torch.tensor([2, 0])).sum().backward()
    first = e.weight.grad
    (e(torch.tensor([0, 2])).sum() * 2).backward()  # merged: equal heads are added up
    assert e.weight.grad is first
    assert parts(first) == ([[0, 2, 0]], [[2.0, 2.0], [3.0, 3.0], [1.0, 1.0]])
    e.weight.sum().backward()
    dense = e.weight.grad
    assert dense.tolist() == [[4.0, 4.0], [1.0, 1.0], [4.0, 4.0]]
    e(torch.tensor([1])).sum().backward()
    assert e.weight.grad is dense
    assert dense.tolist() == [[4.0, 4.0], [2.0, 2.0], [4.0, 4.0]]
    e.zero_grad()
    (e(torch.tensor([1])).sum() + e.weight.sum()).backward()
    assert e.weight.grad.tolist() == [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]]


def test_the_gradient_is_not_that_of_the_caller() -> None:
    e, seed = table(), torch.ones(1, 2)
    e(torch.tensor([1])).backward(seed)
    e(torch.tensor([1])).sum().backward()
    assert seed.tolist() == [[1.0, 1.0]]


def test_second_order() -> None:
    w = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64, requires_grad=True)
    at = torch.tensor([0, 2, 0])
    (g,) = torch.autograd.grad((F.embedding(at, w, sparse=True) ** 3).sum(), w, create_graph=True)
    assert g.to_dense().tolist() == [[6.0], [0.0], [27.0]]
    (h,) = torch.autograd.grad(g.to_dense().sum(), w)
    assert h.to_dense().tolist() == [[12.0], [0.0], [18.0]]
    assert F.embedding(at, w.sin(), sparse=True).sum().backward() is None
    assert torch.allclose(w.grad.to_dense(), torch.tensor([[2.0], [0.0], [1.0]]) * w.detach().cos())


def test_hooks_see_sparse_gradients() -> None:
    w, seen = torch.ones(3, 1, requires_grad=True), []
    w.register_hook(lambda g: (seen.append(g.is_sparse), g * 2)[1])
    w.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.is_sparse))
    F.embedding(torch.tensor([1]), w, sparse=True).sum().backward()
    assert seen == [True, True]
    assert parts(w.grad) == ([[1]], [[2.0]])


@pytest.mark.parametrize("mode", ["sum", "mean"])
@pytest.mark.parametrize("padding", [None, 2])
def test_bags(mode: str, padding: int | None) -> None:
    at, starts, given = torch.tensor([0, 2, 1, 1]), torch.tensor([0, 2]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    found = []
    for sparse in (False, True):
        bag = nn.EmbeddingBag.from_pretrained(
            torch.ones(3, 2), freeze=False, mode=mode, sparse=sparse, padding_idx=padding
        )
        weights = torch.tensor([0.5, 1.0, 2.0, 3.0], requires_grad=True) if mode == "sum" else None
        out = bag(at, starts, per_sample_weights=weights)
        assert out.grad_fn.name() == "EmbeddingBagBackward0"
        out.backward(given)
        grad = bag.weight.grad
        assert grad.is_sparse is sparse
        found.append((grad.to_dense().tolist(), None if weights is None else weights.grad.tolist()))
    assert found[0] == found[1]


def test_gather() -> None:
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    torch.gather(x, 1, torch.tensor([[2, 2], [0, 1]]), sparse_grad=True).sum().backward()
    assert parts(x.grad) == ([[0, 0, 1, 1], [2, 2, 0, 1]], [1.0] * 4)


def test_what_is_refused() -> None:
    w = torch.ones(3, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse gradients"):
        F.embedding(torch.tensor([1]), w, scale_grad_by_freq=True, sparse=True)
    with pytest.raises(ValueError, match="max mode does not support sparse weights"):
        F.embedding_bag(torch.tensor([[1]]), w, mode="max", sparse=True)
    with pytest.raises(NotImplementedError, match="not supported inside function transforms"):
        torch.func.grad(lambda w: F.embedding(torch.tensor([1]), w, sparse=True).sum())(w)
    F.embedding(torch.tensor([1]), w, sparse=True).sum().backward()
    with pytest.raises(NotImplementedError, match="Could not run 'aten::linalg_vector_norm'"):
        nn.utils.clip_grad_norm_([w], 1.0)


def trained(name: str, sparse: bool, at: list[list[int]], **options: Any) -> list[Any]:
    torch.manual_seed(0)
    e = nn.Embedding(4, 2, sparse=sparse)
    optimizer = getattr(torch.optim, name)(e.parameters(), lr=0.1, **options)
    for rows in at:
        optimizer.zero_grad()
        (e(torch.tensor(rows)) ** 2).sum().backward()
        optimizer.step()
    return [e.weight.detach(), *[v for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)]]


@pytest.mark.parametrize(
    ("name", "options"),
    [("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, "nesterov": True}), ("SGD", {"maximize": True}),
     ("Adagrad", {}), ("Adagrad", {"lr_decay": 0.1, "maximize": True})],
)  # fmt: skip
def test_steps_are_those_of_dense_gradients(name: str, options: Any) -> None:
    at = [[0, 3, 3], [3, 1], [0, 0]]
    for s, d in zip(trained(name, True, at, **options), trained(name, False, at, **options), strict=True):
        assert torch.allclose(s.to_dense(), d)


def test_sparse_adam() -> None:
    every = [[0, 1, 2, 3, 3], [3, 2, 1, 0]]  # where every row has a gradient it is Adam
    for s, d in zip(trained("SparseAdam", True, every)[:1], trained("Adam", False, every)[:1], strict=True):
        assert torch.allclose(s, d, atol=1e-6)
    before, (after, first, _) = trained("SparseAdam", True, []), trained("SparseAdam", True, [[1], [1], [2]])
    assert torch.equal(before[0][[0, 3]], after[[0, 3]])  # what has none stays, and so does its state
    assert first[[0, 3]].tolist() == [[0.0, 0.0]] * 2
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients, please consider Adam"):
        trained("SparseAdam", False, [[0]])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [("Adam", {}, "Adam does not support sparse gradients, please consider SparseAdam instead"),
     ("AdamW", {}, "Adam does not support sparse gradients, please consider SparseAdam instead"),
     ("RMSprop", {}, "RMSprop does not support sparse gradients"),
     ("SGD", {"weight_decay": 0.1}, r"add\(sparse, dense\) is not supported. Use add\(dense, sparse\) instead"),
     ("SGD", {"fused": True}, "`_fused_sgd` does not support sparse gradients"),
     ("Adagrad", {"weight_decay": 0.1}, "weight_decay option is not compatible with sparse gradients")],
)  # fmt: skip
def test_optimizers_that_refuse(name: str, options: Any, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        trained(name, True, [[0]], **options)


def test_arithmetic_in_place() -> None:
    g = torch.sparse_coo_tensor([[0, 2, 0]], [[1.0], [2.0], [3.0]], (3, 1))
    d = torch.zeros(3, 1)
    same = d
    d -= g
    d.add_(g, alpha=3)
    assert d is same
    assert d.tolist() == [[8.0], [0.0], [4.0]]
    with pytest.raises(NotImplementedError, match="Could not run 'aten::mul_'"):
        d.mul_(g)
    with pytest.raises(RuntimeError, match=r"add\(sparse, dense\) is not supported"):
        g.add_(d)
    g *= 2
    assert parts(-g) == ([[0, 2, 0]], [[-2.0], [-4.0], [-6.0]])
    g.zero_()
    assert parts(g) == ([[]], [])
    assert g.data.is_sparse


def test_saving() -> None:
    g = torch.sparse_coo_tensor([[0, 2, 0]], [[1.0], [2.0], [3.0]], (3, 1))
    file = io.BytesIO()
    torch.save({"g": g, "c": g.coalesce()}, file)
    file.seek(0)
    found = torch.load(file)
    assert parts(found["g"]) == parts(g)
    assert (found["g"].is_coalesced(), found["c"].is_coalesced()) == (False, True)
    assert parts(copy.deepcopy(g)) == parts(g)


def test_assert_close() -> None:
    g = torch.sparse_coo_tensor([[0, 2, 0]], [[1.0], [2.0], [3.0]], (3, 1))
    torch.testing.assert_close(g.clone(), g)
    torch.testing.assert_close(g.to_dense(), g, check_layout=False)
    with pytest.raises(AssertionError, match="The values for attribute 'layout' do not match"):
        torch.testing.assert_close(g.to_dense(), g)
    with pytest.raises(AssertionError, match="number of specified values in sparse COO tensors does not match: 2 != 3"):
        torch.testing.assert_close(g.coalesce(), g)
    with pytest.raises(AssertionError, match="Tensor-likes are not close"):
        torch.testing.assert_close(g * 2, g)
