"""Sparse tensors: construction, forms, products, gradients, errors.

Run on both libraries by test_scenarios_parity.py: `torch` is the library, `show(name, function)` notes what happens.
"""
# ruff: noqa

D = torch.float64
I = [[0, 1, 1, 0], [2, 0, 0, 1]]


def V():
    return torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=D, requires_grad=True)


def S(**kw):
    return torch.sparse_coo_tensor(I, [1.0, 2.0, 3.0, 4.0], (2, 3), dtype=D, **kw)


def parts(s):
    return s.coalesce().indices().tolist(), s.coalesce().values().tolist(), tuple(s.shape)


show(
    "facts",
    lambda: (
        lambda s: (
            s.is_sparse,
            tuple(s.shape),
            str(s.dtype),
            s._nnz(),
            s.sparse_dim(),
            s.dense_dim(),
            s.is_coalesced(),
            s.ndim,
            s.numel(),
            str(s.layout),
        )
    )(S()),
)
show("dense", lambda: S().to_dense().tolist())
show("coalesce", lambda: parts(S()))
show("raw", lambda: (S()._indices().tolist(), S()._values().tolist()))
show("uncoalesced", lambda: S().indices())
show("uncoalesced2", lambda: S().values())
show("nosize", lambda: tuple(torch.sparse_coo_tensor(I, [1.0, 2.0, 3.0, 4.0]).shape))
show(
    "empty",
    lambda: (lambda s: (s._nnz(), s.to_dense().tolist()))(
        torch.sparse_coo_tensor(torch.zeros(2, 0, dtype=torch.long), [], (2, 2))
    ),
)
show(
    "hybrid",
    lambda: (lambda s: (s.sparse_dim(), s.dense_dim(), s.to_dense().tolist()))(
        torch.sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 4.0]], (3, 2))
    ),
)
show("bad nnz", lambda: torch.sparse_coo_tensor(I, [1.0], (2, 3)))
show("bad index", lambda: torch.sparse_coo_tensor([[0, 5], [0, 0]], [1.0, 2.0], (2, 3)))
show("negative", lambda: torch.sparse_coo_tensor([[0, -1], [0, 0]], [1.0, 2.0], (2, 3)))
show("bad dims", lambda: torch.sparse_coo_tensor(I, [1.0, 2.0, 3.0, 4.0], (2, 3, 4)))
show("to_sparse", lambda: parts(torch.tensor([[0.0, 2.0], [3.0, 0.0]]).to_sparse()))
show(
    "to_sparse1",
    lambda: (lambda s: (s.sparse_dim(), s.indices().tolist(), s.values().tolist()))(
        torch.tensor([[0.0, 0.0], [3.0, 0.0]]).to_sparse(1)
    ),
)
M = torch.arange(6.0, dtype=D).reshape(3, 2)
show("mm", lambda: torch.sparse.mm(S(), M).tolist())
show("mm2", lambda: torch.mm(S(), M).tolist())
show("at", lambda: (S() @ M).tolist())
show("mv", lambda: (S() @ M[:, 0]).tolist())
show("mm bad", lambda: torch.sparse.mm(S(), M.t()))
show("spsp", lambda: torch.sparse.mm(S(), M.to_sparse()).to_dense().tolist())
show("addmm", lambda: torch.sparse.addmm(torch.ones(2, 2, dtype=D), S(), M, beta=2, alpha=3).tolist())
show("add", lambda: parts(S() + S()))
show("sub", lambda: parts(S() - S() * 2))
show("dense add", lambda: (torch.ones(2, 3, dtype=D) + S()).tolist())
show("mul", lambda: parts(S() * 3))
show("div", lambda: parts(S() / 2))
show("neg", lambda: parts(-S()))
show("mul dense", lambda: parts(S() * torch.arange(6.0, dtype=D).reshape(2, 3)))
show("t", lambda: parts(S().t()))
show("sum", lambda: (S().sum().item(), torch.sparse.sum(S()).item()))
show("sum0", lambda: parts(torch.sparse.sum(S(), 0)))
show("sum1", lambda: parts(torch.sparse.sum(S(), [1])))
show("abs", lambda: parts(torch.abs(S().coalesce())))
show("sqrt", lambda: parts(S().coalesce().sqrt()))
show("softmax", lambda: torch.sparse.softmax(S(), 1).to_dense().tolist())
show("norm", lambda: torch.norm(S()).item())
show("exp", lambda: type(torch.exp(S())).__name__)


def values():
    v = V()
    s = torch.sparse_coo_tensor(I, v, (2, 3))
    (s.to_dense() ** 2).sum().backward()
    return v.grad.tolist()


show("grad values", values)


def values_mm():
    v = V()
    m = M.clone().requires_grad_()
    s = torch.sparse_coo_tensor(I, v, (2, 3))
    torch.sparse.mm(s, m).pow(2).sum().backward()
    return v.grad.tolist(), m.grad.tolist()


show("grad mm", values_mm)


def leaf():
    s = S().coalesce().requires_grad_()
    torch.sparse.mm(s, M).sum().backward()
    return s.grad.is_sparse, s.grad.to_dense().tolist()


show("grad leaf", leaf)


def to_sparse_grad():
    x = torch.tensor([[0.0, 2.0], [3.0, 0.0]], requires_grad=True)
    (x.to_sparse().to_dense() * 3).sum().backward()
    return x.grad.tolist()


def sum_grad():
    v = V()
    s = torch.sparse_coo_tensor(I, v, (2, 3))
    (torch.sparse.sum(s) * 2).backward()
    return v.grad.tolist()


show("grad sum", sum_grad)
show("requires", lambda: S(requires_grad=True).requires_grad)
show("numpy", lambda: S().numpy())
show("clone", lambda: parts(S().clone()))
show("float", lambda: str(S().float().dtype))
show("isinstance", lambda: isinstance(S(), torch.Tensor))
show("repr", lambda: repr(torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3,))))
show("inplace", lambda: parts(S().mul_(2)))
show("iadd", lambda: parts(S().coalesce().add_(S())))
show("after", lambda: (torch.ones(2) + 1).tolist())
