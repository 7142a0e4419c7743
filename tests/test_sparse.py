"""Sparse tensors: forms, products, gradients; refusals that say what to do."""

from __future__ import annotations

import pickle
from typing import Any

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


def test_a_size_alone_stores_nothing() -> None:
    for empty in (torch.sparse_coo_tensor((2, 3)), torch.sparse_coo_tensor(size=(2, 3), dtype=torch.float32)):
        assert (empty._nnz(), tuple(empty.shape), empty.to_dense().tolist()) == (0, (2, 3), [[0.0] * 3] * 2)
    with pytest.raises(TypeError, match="needs indices and values"):
        torch.sparse_coo_tensor([[0]], size=(1,))


def test_it_prints_as_in_pytorch() -> None:
    shown = repr(torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3), dtype=torch.float64))
    assert shown == (
        f"tensor(indices=tensor([[0, 1],\n{' ' * 23}[2, 0]]),\n       values=tensor([3., 4.]),\n"
        "       size=(2, 3), nnz=2, dtype=torch.float64, layout=torch.sparse_coo)"
    )
    assert "indices=tensor([], size=(2, 0)),\n       values=tensor([], size=(0,))" in repr(
        torch.sparse_coo_tensor((2, 3))
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda s: s.unsqueeze(1),
        lambda s: s.permute(1, 0),
        lambda s: s[1],
        lambda s: s[-1, 2],
        lambda s: torch.cat([s, s], 1),
        lambda s: torch.cat([s, s]),
        lambda s: s.pow(3),
        lambda s: s**2,
    ],
)
def test_functions_are_those_of_the_dense_one_with_their_gradients(function: Any) -> None:
    dense = torch.tensor([[0.0, 2.0, 3.0], [4.0, 0.0, 5.0]], requires_grad=True)
    values = dense.detach()[dense != 0].requires_grad_()
    sparse = torch.sparse_coo_tensor((dense != 0).nonzero().t(), values, (2, 3))
    mine, theirs = function(sparse), function(dense)
    mine = mine.to_dense()
    assert torch.equal(mine, theirs)
    weights = torch.arange(1.0, 1 + mine.numel()).reshape(mine.shape)
    (mine * weights).sum().backward()
    (theirs * weights).sum().backward()
    assert torch.equal(values.grad, dense.grad[dense != 0])


def test_masks_scalars_and_conversions() -> None:
    mask = torch.eye(3).to_sparse()
    x = torch.arange(9.0).reshape(3, 3).requires_grad_()
    picked = x.sparse_mask(mask)
    assert picked.to_dense().tolist() == [[0.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 8.0]]
    torch.sparse.sum(picked).backward()
    assert torch.equal(x.grad, torch.eye(3))
    assert torch.tensor(3.0).to_sparse().to_dense().item() == 3.0
    assert mask.to_sparse_coo() is mask and mask.cpu() is mask and mask.half().dtype is torch.float16
    assert mask.type() == "torch.sparse.FloatTensor" and mask.clone().zero_()._nnz() == 0
    with pytest.raises(RuntimeError, match="sparse_dim argument must be in >0"):
        torch.ones(2).to_sparse(0)
    with pytest.raises(RuntimeError, match="incompatible sizes"):
        torch.ones(2, 2).sparse_mask(mask)


def test_dsmm_is_a_product_with_dense() -> None:
    a = torch.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], (2, 2))
    assert torch.dsmm(a, torch.eye(2)).tolist() == torch.spmm(a, torch.eye(2)).tolist() == [[0.0, 2.0], [3.0, 0.0]]
