"""Sparse tensors: forms, products, gradients; refusals that say what to do."""

from __future__ import annotations

import pickle

import pytest

import rushlight as torch

INDICES = [[0, 1, 1, 0], [2, 0, 0, 1]]


def sparse(values: torch.Tensor | None = None) -> torch.Tensor:
    given = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64) if values is None else values
    return torch.sparse_coo_tensor(INDICES, given, (2, 3))


def test_forms() -> None:
    s = sparse()
    assert (s.is_sparse, s._nnz(), s.is_coalesced(), s.shape) == (True, 4, False, (2, 3))
    assert s.to_dense().tolist() == [[0, 4, 1], [5, 0, 0]]
    c = s.coalesce()
    assert c.indices().tolist() == [[0, 0, 1], [1, 2, 0]]
    assert c.values().tolist() == [4, 1, 5]
    assert torch.equal(s.to_dense().to_sparse().to_dense(), s.to_dense())
    assert torch.equal(pickle.loads(pickle.dumps(s)).to_dense(), s.to_dense())
    assert "layout=torch.sparse_coo" in repr(s)
    with pytest.raises(RuntimeError, match="Cannot get indices on an uncoalesced tensor, please call"):
        s.indices()


def test_products_and_gradients() -> None:
    values = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)
    dense = torch.arange(6.0, dtype=torch.float64).reshape(3, 2).requires_grad_()
    for product in (torch.sparse.mm, torch.mm, torch.matmul, lambda a, b: a @ b):
        assert torch.equal(product(sparse(), dense.detach()), sparse().to_dense() @ dense.detach())
    assert torch.autograd.gradcheck(lambda v, d: torch.sparse.mm(sparse(v), d), (values, dense))
    assert torch.autograd.gradcheck(lambda v: (sparse(v) * 2 + sparse(v)).to_dense().sin(), (values,))
    assert torch.autograd.gradcheck(lambda v: torch.sparse.sum(sparse(v), 0).to_dense(), (values,))
    assert torch.autograd.gradcheck(lambda v: torch.sparse.softmax(sparse(v), 1).to_dense(), (values,))


def test_leaf_gets_a_sparse_gradient() -> None:
    s = sparse().coalesce().requires_grad_()
    torch.sparse.mm(s, torch.ones(3, 1, dtype=torch.float64)).sum().backward()
    assert s.grad.is_sparse
    assert s.grad.to_dense().tolist() == [[0, 1, 1], [1, 0, 0]]


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(
        NotImplementedError, match=r"Could not run 'aten::exp' with arguments from the 'SparseCPU' backend"
    ):
        torch.exp(sparse())
    with pytest.raises(NotImplementedError, match="Could not run 'aten::cumsum'"):
        sparse().cumsum(0)
    with pytest.raises(TypeError, match="can't convert Sparse layout tensor to numpy"):
        sparse().numpy()


def test_bad_parts() -> None:
    with pytest.raises(RuntimeError, match="size is inconsistent with indices: for dim 1, size is 2 but found index 2"):
        torch.sparse_coo_tensor(INDICES, torch.ones(4), (2, 2))
    with pytest.raises(RuntimeError, match="indices and values must have same nnz"):
        torch.sparse_coo_tensor(INDICES, torch.ones(3))
