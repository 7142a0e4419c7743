"""Programs on function transforms, forward mode and ``autograd.functional`` that run in either library.

Each case is ``name: lambda L: ...`` with ``L`` the library; what it returns (trees of tensors and numbers) and what
it raises are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Case = Callable[[Any], Any]


class Library:
    """Either library, with the tensors that the cases use."""

    def __init__(self, module: Any) -> None:
        self.torch = module
        self.F = module.func
        self.fw = module.autograd.forward_ad
        self.A = module.autograd.functional
        self.x = module.tensor([1.0, 2.0, 3.0])
        self.y = module.tensor([2.0, 1.0, 0.5])
        self.s = module.tensor(2.0)
        self.xs = module.arange(6.0).reshape(2, 3) / 3 + 0.1
        self.w = module.tensor([[0.3, -1.0, 0.7], [1.1, 0.4, -0.2]])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["torch"], name)


def mlp(L: Any, w: Any, x: Any) -> Any:
    return L.matmul(w, x.sin()).tanh().pow(2).sum()


def written(x: Any) -> Any:
    y = x * 1.0
    y[1:].mul_(y[:1].clone())
    y[0] = y[1] * x[2]
    return (y * y).sum()


COMPOSE: dict[str, Case] = {
    "grad": lambda L: L.F.grad(lambda x: mlp(L, L.w, x))(L.x),
    "grad of grad": lambda L: L.F.grad(lambda x: L.F.grad(lambda x: mlp(L, L.w, x))(x).sum())(L.x),
    "third": lambda L: L.F.grad(L.F.grad(L.F.grad(lambda x: x.sin().exp())))(L.s),
    "vmap of grad": lambda L: L.F.vmap(L.F.grad(lambda x: mlp(L, L.w, x)))(L.xs),
    "per sample": lambda L: L.F.vmap(L.F.grad(lambda w, x: mlp(L, w, x)), (None, 0))(L.w, L.xs),
    "grad of vmap": lambda L: L.F.grad(lambda w: L.F.vmap(lambda x: mlp(L, w, x))(L.xs).sum())(L.w),
    "grad of vmap of grad": lambda L: L.F.grad(
        lambda w: L.F.vmap(lambda x: L.F.grad(lambda x: mlp(L, w, x))(x))(L.xs).pow(2).sum()
    )(L.w),
    "vmap of vmap": lambda L: L.F.vmap(L.F.vmap(lambda a, b: a * b.sin(), (None, 0)), (0, None))(L.x, L.y),
    "vmap of vmap of grad": lambda L: L.F.vmap(
        L.F.vmap(L.F.grad(lambda x, y: (x * y).sin().sum()), (None, 0)), (0, None)
    )(L.xs, L.xs),
    "jvp": lambda L: L.F.jvp(lambda x: mlp(L, L.w, x), (L.x,), (L.y,)),
    "jvp of grad": lambda L: L.F.jvp(L.F.grad(lambda x: mlp(L, L.w, x)), (L.x,), (L.y,)),
    "grad of jvp": lambda L: L.F.grad(lambda x: L.F.jvp(lambda x: mlp(L, L.w, x), (x,), (L.y,))[1])(L.x),
    "jvp of jvp": lambda L: L.F.jvp(lambda x: L.F.jvp(lambda x: x.sin() * x, (x,), (L.y,))[1], (L.x,), (L.y,)),
    "vmap of jvp": lambda L: L.F.vmap(lambda x, t: L.F.jvp(lambda x: mlp(L, L.w, x), (x,), (t,))[1])(L.xs, L.xs),
    "jvp of vmap": lambda L: L.F.jvp(L.F.vmap(lambda x: mlp(L, L.w, x)), (L.xs,), (L.xs * 2,)),
    "jacrev": lambda L: L.F.jacrev(lambda x: L.matmul(L.w, x.sin()))(L.x),
    "jacfwd": lambda L: L.F.jacfwd(lambda x: L.matmul(L.w, x.sin()))(L.x),
    "jacrev chunks": lambda L: L.F.jacrev(lambda x: L.matmul(L.w, x.sin()), chunk_size=1)(L.x),
    "jacrev of softmax": lambda L: L.F.jacrev(lambda x: L.softmax(x, 0))(L.x),
    "vmap of jacrev": lambda L: L.F.vmap(L.F.jacrev(lambda x: L.softmax(x, 0)))(L.xs),
    "jacrev of vmap": lambda L: L.F.jacrev(L.F.vmap(lambda x: L.softmax(x, 0)))(L.xs),
    "jacfwd of jacfwd": lambda L: L.F.jacfwd(L.F.jacfwd(lambda x: mlp(L, L.w, x)))(L.x),
    "jacrev of jacrev": lambda L: L.F.jacrev(L.F.jacrev(lambda x: mlp(L, L.w, x)))(L.x),
    "jacrev of jacfwd": lambda L: L.F.jacrev(L.F.jacfwd(lambda x: mlp(L, L.w, x)))(L.x),
    "hessian": lambda L: L.F.hessian(lambda x: mlp(L, L.w, x))(L.x),
    "hessian argnums": lambda L: L.F.hessian(lambda x, y: (x * x * y.exp()).sum(), (0, 1))(L.x, L.y),
    "hessian of vector": lambda L: L.F.hessian(lambda x: x * x * x.sum())(L.x),
    "vmap of hessian": lambda L: L.F.vmap(L.F.hessian(lambda x: mlp(L, L.w, x)))(L.xs),
    "tangent kernel": lambda L: (
        lambda j: L.einsum("nij,mij->nm", j, j) if hasattr(L.torch, "einsum") else (j[:, None] * j[None]).sum((2, 3))
    )(L.F.vmap(L.F.jacrev(lambda w, x: mlp(L, w, x)), (None, 0))(L.w, L.xs)),
    "vjp": lambda L: L.F.vjp(lambda x, y: (x * y, x.sum()), L.x, L.y)[1]((L.x, L.s)),
    "vjp twice": lambda L: (lambda pull: (pull(L.x), pull(L.y)))(L.F.vjp(lambda x: x.sin(), L.x)[1]),
    "vmap of pull": lambda L: L.F.vmap(L.F.vjp(lambda x: x.sin() * x.sum(), L.x)[1])(L.xs),
    "grad of pull": lambda L: L.F.grad(lambda x: L.F.vjp(lambda x: x.sin(), x)[1](L.y)[0].sum())(L.x),
    "linearize": lambda L: L.F.linearize(lambda x, y: (x.sin() * y, y.sum()), L.x, L.y)[1](L.y, L.x),
    "vmap of linearize": lambda L: L.F.vmap(L.F.linearize(lambda x: x.sin() * x.sum(), L.x)[1])(L.xs),
    "confusion": lambda L: L.F.grad(lambda x: x * L.F.grad(lambda y: x + y)(L.tensor(1.0)))(L.tensor(3.0)),
    "confusion 2": lambda L: L.F.grad(lambda x: x * L.F.grad(lambda y: x * y)(x))(L.tensor(3.0)),
    "confusion forward": lambda L: L.F.jvp(
        lambda x: x * L.F.jvp(lambda y: x + y, (L.tensor(1.0),), (L.tensor(1.0),))[1], (L.tensor(3.0),), (L.s,)
    ),
    "in place": lambda L: L.F.grad(written)(L.x),
    "in place under jvp": lambda L: L.F.jvp(written, (L.x,), (L.y,)),
    "in place under vmap": lambda L: L.F.vmap(written)(L.xs),
    "in place under vmap of grad": lambda L: L.F.vmap(L.F.grad(written))(L.xs),
    "in place in hessian": lambda L: L.F.hessian(written)(L.x),
    "no_grad inside": lambda L: L.F.grad(lambda x: (x * no_grad(L, lambda: x * 2)).sum())(L.x),
    "no_grad outside": lambda L: no_grad(L, lambda: L.F.grad(lambda x: (x * x).sum())(L.x)),
    "no_grad between": lambda L: L.F.grad(
        lambda x: (x * no_grad(L, lambda: L.F.grad(lambda y: (y**3).sum())(x))).sum()
    )(L.x),
    "detach": lambda L: L.F.grad(lambda x: (x.detach() * x).sum())(L.x),
    "data": lambda L: L.F.grad(lambda x: (x.data * x).sum())(L.x),
    "captured": lambda L: (lambda w: L.autograd.grad(L.F.grad(lambda x: (x * x * w).sum())(L.x).sum(), w))(
        L.y.clone().requires_grad_()
    ),
    "captured under vmap": lambda L: (lambda w: L.autograd.grad(L.F.vmap(lambda x: x * w)(L.xs).pow(2).sum(), w))(
        L.y.clone().requires_grad_()
    ),
    "captured under jvp": lambda L: (
        lambda w: L.autograd.grad(L.F.jvp(lambda x: (x * w) ** 2, (L.x,), (L.y,))[1].sum(), w)
    )(L.y.clone().requires_grad_()),
    "captured under vmap of grad": lambda L: (
        lambda w: L.autograd.grad(L.F.vmap(L.F.grad(lambda x: (x * x * w).sum()))(L.xs).pow(2).sum(), w)
    )(L.y.clone().requires_grad_()),
    "input requires grad": lambda L: (lambda x: L.autograd.grad(L.F.grad(lambda x: (x**3).sum())(x).sum(), x))(
        L.x.clone().requires_grad_()
    ),
    "value has history": lambda L: (lambda x: L.autograd.grad(L.F.grad_and_value(lambda x: (x**3).sum())(x)[1], x))(
        L.x.clone().requires_grad_()
    ),
    "autograd.grad inside": lambda L: L.F.grad(lambda x: L.autograd.grad((x**3).sum(), x, create_graph=True)[0].sum())(
        L.x
    ),
    "hook inside": lambda L: L.F.grad(lambda x: hooked(x * 2).sum())(L.x),
    "iteration": lambda L: L.F.vmap(lambda x: L.stack([y * 2 for y in x]))(L.xs),
    "unpack": lambda L: L.F.grad(lambda x: (lambda a, b, c: a * b * c)(*x))(L.x),
    "indexing": lambda L: L.F.vmap(lambda x, i: x[i])(L.xs, L.tensor([2, 0])),
    "indexing 2": lambda L: L.F.vmap(lambda x, i: x[:, i])(L.xs.reshape(2, 1, 3), L.tensor([[2, 0], [1, 1]])),
    "indexing 3": lambda L: L.F.vmap(lambda i: L.w[i])(L.tensor([1, 0, 1])),
    "indexing 4": lambda L: L.F.vmap(lambda i: L.w[:, i])(L.tensor([1, 0, 2])),
    "indexing 5": lambda L: L.F.vmap(lambda x, i: x[..., i, None])(L.xs, L.tensor([1, 0])),
    "index write": lambda L: L.F.vmap(index_write)(L.xs, L.tensor([2, 0])),
    "len": lambda L: L.F.vmap(lambda x: x * len(x))(L.xs),
    "shape": lambda L: L.F.vmap(lambda x: x.new_zeros(x.shape) + x.size(0) + x.ndim + x.numel())(L.xs),
    "made like": lambda L: L.F.vmap(lambda x: L.zeros_like(x).add_(x) + L.ones_like(x) + L.full_like(x, 2.0))(L.xs),
    "made new": lambda L: L.F.vmap(lambda x: x.new_ones(2).mul_(x[:2]) + x.new_full((2,), 3.0))(L.xs),
    "made inside grad": lambda L: L.F.grad(lambda x: L.zeros(3).add_(x).pow(2).sum())(L.x),
    "made inside jvp": lambda L: L.F.jvp(lambda x: L.zeros(3).add_(x).pow(2).sum(), (L.x,), (L.y,)),
    "made inside jacrev": lambda L: L.F.jacrev(lambda x: filled(L, x))(L.x),
    "where": lambda L: L.F.vmap(L.F.grad(lambda x: L.where(x > 0.5, x * x, -x).sum()))(L.xs),
    "cat": lambda L: L.F.vmap(lambda x: L.cat([x, L.y, x * 2]))(L.xs),
    "stack": lambda L: L.F.vmap(lambda x: L.stack([x, L.y], 1))(L.xs),
    "sort": lambda L: L.F.vmap(lambda x: x.sort(descending=True))(L.xs),
    "max": lambda L: L.F.vmap(L.F.grad(lambda x: x.max() * x.mean()))(L.xs),
    "int": lambda L: L.F.grad(lambda x: (x.int() * x).sum())(L.x),
    "complex": lambda L: L.F.grad(lambda x: (x * 1j).exp().abs().pow(2).sum() + (x * (1 + 2j)).real.sum())(L.x),
    "reshape": lambda L: L.F.vmap(lambda x: x.reshape(3, 1).expand(3, 2).transpose(0, 1).flatten())(L.xs),
    "matmul": lambda L: L.F.vmap(lambda x: L.w @ x)(L.xs),
    "matmul 2": lambda L: L.F.vmap(lambda a, b: a @ b, (0, None))(L.xs.reshape(2, 1, 3), L.w.t()),
    "dot": lambda L: L.F.vmap(L.dot)(L.xs, L.xs),
    "out_dims": lambda L: L.F.vmap(lambda x: (x, x * 2), out_dims=(1, -1))(L.xs),
    "in_dims": lambda L: L.F.vmap(lambda x, d: x * d["a"], in_dims=(1, {"a": 0}))(L.xs, {"a": L.x}),
    "out dict": lambda L: L.F.vmap(lambda x: {"a": x, "b": [x * 2]}, out_dims={"a": 0, "b": [1]})(L.xs),
    "chunks": lambda L: L.F.vmap(lambda x: x * 2, chunk_size=2)(L.arange(5.0)),
    "empty batch": lambda L: L.F.vmap(lambda x: x * 2)(L.zeros(0, 3)),
    "dict argument": lambda L: L.F.grad(lambda d: (d["a"] * d["b"]).sum())({"a": L.x, "b": L.y}),
    "aux": lambda L: L.F.grad(lambda x: (x.sum(), {"a": x * 2}), has_aux=True)(L.x),
    "vmap of aux": lambda L: L.F.vmap(L.F.grad(lambda x: (x.sum(), x * 2), has_aux=True))(L.xs),
    "is_grads_batched": lambda L: (
        lambda x: L.autograd.grad(L.matmul(L.w, x.sin()), x, L.eye(2), is_grads_batched=True)
    )(L.x.clone().requires_grad_()),
    "is_grads_batched graph": lambda L: (
        lambda x: L.autograd.grad(
            L.autograd.grad(L.matmul(L.w, x.sin()), x, L.eye(2), is_grads_batched=True, create_graph=True)[0].sum(), x
        )
    )(L.x.clone().requires_grad_()),
    "randomness same": lambda L: (L.manual_seed(0), L.F.vmap(lambda x: L.rand(2) + x * 0, randomness="same")(L.x))[1],
    "randomness different": lambda L: (
        L.manual_seed(0),
        L.F.vmap(lambda x: L.randn(2) + x * 0, randomness="different")(L.x),
    )[1],
    "randomness like": lambda L: (L.manual_seed(0), L.F.vmap(lambda x: L.rand_like(x), randomness="different")(L.xs))[
        1
    ],
    "functional_call": lambda L: L.F.functional_call(L.nn.Linear(3, 2), {"weight": L.w, "bias": L.zeros(2)}, L.x),
    "grad of functional_call": lambda L: L.F.grad(
        lambda p: L.F.functional_call(L.nn.Linear(3, 2), p, L.x).pow(2).sum()
    )({"weight": L.w, "bias": L.zeros(2)}),
    "per sample of module": lambda L: (
        lambda net: L.F.vmap(L.F.grad(lambda p, x: L.F.functional_call(net, p, x).pow(2).sum()), (None, 0))
    )(L.nn.Linear(3, 2))({"weight": L.w, "bias": L.zeros(2)}, L.xs),
    "ensemble": lambda L: (lambda net: L.F.vmap(lambda p, x: L.F.functional_call(net, p, x), (0, None)))(
        L.nn.Linear(3, 2)
    )({"weight": L.stack([L.w, L.w * 2]), "bias": L.zeros(2, 2)}, L.xs),
    "jacobian of module": lambda L: (lambda net: L.F.jacrev(lambda p: L.F.functional_call(net, p, L.xs)))(
        L.nn.Sequential(L.nn.Linear(3, 2), L.nn.Tanh())
    )({"0.weight": L.w, "0.bias": L.zeros(2)}),
    "vmap of layer norm": lambda L: L.F.vmap(L.F.grad(lambda x: (L.nn.functional.layer_norm(x, (3,)) ** 3).sum()))(
        L.xs
    ),
    "vmap of cross entropy": lambda L: L.F.vmap(L.F.grad(L.nn.functional.cross_entropy))(L.xs, L.tensor([2, 0])),
    "hessian of cross entropy": lambda L: L.F.hessian(lambda x: L.nn.functional.cross_entropy(x, L.tensor(1)))(L.x),
    "functionalize": lambda L: L.F.functionalize(lambda x: x.clone().add_(1))(L.x),
}


def no_grad(L: Any, function: Callable[[], Any]) -> Any:
    with L.no_grad():
        return function()


def hooked(y: Any) -> Any:
    y.register_hook(lambda g: g * 10)
    return y


def filled(L: Any, x: Any) -> Any:
    y = L.zeros(3)
    for i in range(3):
        y[i] = x[i] * x[0]
    return y


def index_write(x: Any, i: Any) -> Any:
    y = x * 1.0
    y[i] = x.sum()
    return y


ERRORS: dict[str, Case] = {
    "grad int": lambda L: L.F.grad(lambda x: x.sum())(L.ones(3, dtype=L.int)),
    "grad no tensor": lambda L: L.F.grad(lambda x: L.tensor(x))(3.0),
    "grad tree": lambda L: L.F.grad(lambda d: d["a"].sum() * d["b"])({"a": L.x, "b": 2}),
    "argnum": lambda L: L.F.grad(lambda x: x.sum(), 1)(L.x),
    "argnum twice": lambda L: L.F.grad(lambda x: x.sum(), (0, 0))(L.x),
    "argnum empty": lambda L: L.F.grad(lambda x: x.sum(), ())(L.x),
    "argnum str": lambda L: L.F.grad(lambda x: x.sum(), "a")(L.x),
    "argnum (str,)": lambda L: L.F.grad(lambda x: x.sum(), ("a",))(L.x),
    "no scalar": lambda L: L.F.grad(lambda x: x)(L.x),
    "no tensor out": lambda L: L.F.grad(lambda x: 3.0)(L.x),
    "aux missing": lambda L: L.F.grad(lambda x: x.sum(), has_aux=True)(L.x),
    "aux type": lambda L: L.F.grad(lambda x: (x.sum(), (x * 2, "a")), has_aux=True)(L.x),
    "grad complex": lambda L: L.F.grad(lambda x: x.sum())(L.x + 1j),
    "grad constant": lambda L: L.F.grad(lambda x: L.tensor(1.0))(L.x),
    "grad of int result": lambda L: L.F.grad(lambda x: x.sum().int())(L.x),
    "vjp out": lambda L: L.F.vjp(lambda x: (x, 2), L.x),
    "vjp none": lambda L: L.F.vjp(lambda x: None, L.x),
    "vjp int": lambda L: L.F.vjp(lambda x: x.int(), L.x),
    "vjp structure": lambda L: L.F.vjp(lambda x: (x, x), L.x)[1](L.x),
    "vjp shape": lambda L: L.F.vjp(lambda x: x, L.x)[1](L.ones(2)),
    "vjp dtype": lambda L: L.F.vjp(lambda x: x * 2, L.x)[1](L.ones(3, dtype=L.double)),
    "vjp type": lambda L: L.F.vjp(lambda x: x * 2, L.x)[1](2.0),
    "vjp primal": lambda L: L.F.vjp(lambda x, y: x * y, L.x, 2),
    "jvp tuple": lambda L: L.F.jvp(lambda x: x, L.x, (L.x,)),
    "jvp structure": lambda L: L.F.jvp(lambda x: x, (L.x,), (L.x, L.x)),
    "jvp shape": lambda L: L.F.jvp(lambda x: x, (L.x,), (L.ones(2),)),
    "jvp dtype": lambda L: L.F.jvp(lambda x: x, (L.x,), (L.x.double(),)),
    "jvp type": lambda L: L.F.jvp(lambda x: x, (2.0,), (2.0,)),
    "jvp empty": lambda L: L.F.jvp(lambda: L.x, (), ()),
    "jvp out": lambda L: L.F.jvp(lambda x: 2.0, (L.x,), (L.x,)),
    "jvp strict": lambda L: L.F.jvp(lambda x: L.ones(2), (L.x,), (L.x,), strict=True),
    "jvp independent": lambda L: L.F.jvp(lambda x: L.ones(2), (L.x,), (L.x,)),
    "jvp int": lambda L: L.F.jvp(lambda x: x, (L.x.int(),), (L.x.int(),)),
    "jvp int out": lambda L: L.F.jvp(lambda x: x.int(), (L.x,), (L.x,)),
    "jacrev out": lambda L: L.F.jacrev(lambda x: 2.0)(L.x),
    "jacrev chunk": lambda L: L.F.jacrev(lambda x: x, chunk_size=0)(L.x),
    "jacrev complex": lambda L: L.F.jacrev(lambda x: x)(L.x + 1j),
    "jacrev complex out": lambda L: L.F.jacrev(lambda x: x + 1j)(L.x),
    "jacfwd complex": lambda L: L.F.jacfwd(lambda x: x)(L.x + 1j),
    "jacfwd out": lambda L: L.F.jacfwd(lambda x: 2.0)(L.x),
    "jacfwd random": lambda L: L.F.jacfwd(lambda x: x * L.rand(3))(L.x),
    "jacfwd randomness": lambda L: L.F.jacfwd(lambda x: x, randomness="x")(L.x),
    "linearize shape": lambda L: L.F.linearize(lambda x: x * x, L.x)[1](L.x[:1]),
    "linearize dtype": lambda L: L.F.linearize(lambda x: x * x, L.x)[1](L.x.double()),
    "linearize structure": lambda L: L.F.linearize(lambda x: x * x, L.x)[1](L.x, L.x),
    "vmap none": lambda L: L.F.vmap(lambda: L.x)(),
    "vmap scalar": lambda L: L.F.vmap(lambda x: x)(L.s),
    "vmap float": lambda L: L.F.vmap(lambda x: x)(1.0),
    "vmap in list": lambda L: L.F.vmap(lambda x: x, [0])(L.x),
    "vmap in str": lambda L: L.F.vmap(lambda x: x, ("a",))(L.x),
    "vmap in structure": lambda L: L.F.vmap(lambda x: x, (0, 0))(L.x),
    "vmap in none": lambda L: L.F.vmap(lambda x: x, (None,))(L.x),
    "vmap in range": lambda L: L.F.vmap(lambda x: x, 2)(L.x),
    "vmap sizes": lambda L: L.F.vmap(lambda x, y: x + y)(L.x, L.x[:2]),
    "vmap out str": lambda L: L.F.vmap(lambda x: x, out_dims="a")(L.x),
    "vmap out structure": lambda L: L.F.vmap(lambda x: (x, x), out_dims=(0, 0, 0))(L.x),
    "vmap out range": lambda L: L.F.vmap(lambda x: x, out_dims=3)(L.x),
    "vmap out none": lambda L: L.F.vmap(lambda x: x, out_dims=None)(L.x),
    "vmap out none ok": lambda L: L.F.vmap(lambda x: L.ones(2), out_dims=None)(L.x),
    "vmap out float": lambda L: L.F.vmap(lambda x: 2.0)(L.x),
    "vmap chunk": lambda L: L.F.vmap(lambda x: x, chunk_size=-1)(L.x),
    "vmap randomness": lambda L: L.F.vmap(lambda x: x, randomness="q")(L.x),
    "vmap random": lambda L: L.F.vmap(lambda x: L.rand(3) + x)(L.xs),
    "vmap item": lambda L: L.F.vmap(lambda x: x.sum().item())(L.xs),
    "vmap float of": lambda L: L.F.vmap(lambda x: float(x.sum()))(L.xs),
    "vmap if": lambda L: L.F.vmap(lambda x: x if x.sum() > 0 else -x)(L.xs),
    "vmap mask": lambda L: L.F.vmap(lambda x: x[x > 0])(L.xs),
    "vmap numpy": lambda L: L.F.vmap(lambda x: x.numpy())(L.xs),
    "vmap nested random": lambda L: L.F.vmap(L.F.vmap(lambda x: L.rand(()) + x))(L.xs),
    "grad numpy": lambda L: L.F.grad(lambda x: L.tensor(x.numpy()).sum())(L.x),
    "captured write": lambda L: (lambda c: L.F.grad(lambda x: c.add_(x).sum())(L.x))(L.zeros(3)),
    "captured write jvp": lambda L: (lambda c: L.F.jvp(lambda x: c.add_(x).sum(), (L.x,), (L.x,)))(L.zeros(3)),
    "leaf write": lambda L: L.F.grad(lambda x: x.add_(1).sum())(L.x.clone()),
    "requires_grad_": lambda L: L.F.grad(lambda x: x.requires_grad_().sum())(L.x),
    "requires_grad_ vmap": lambda L: L.F.vmap(lambda x: x.requires_grad_().sum())(L.xs),
    "requires_grad=": lambda L: L.F.grad(lambda x: L.ones(3, requires_grad=True).sum())(L.x),
    "backward": lambda L: L.F.grad(lambda x: (x * x).sum().backward())(L.x),
    "set data": lambda L: L.F.grad(lambda x: setattr(x, "data", x.data) or x.sum())(L.x),
    "functional_call type": lambda L: L.F.functional_call(L.nn.Linear(1, 1), 3, L.x),
    "functional_call element": lambda L: L.F.functional_call(L.nn.Linear(1, 1), [3], L.x),
    "functional_call twice": lambda L: L.F.functional_call(L.nn.Linear(1, 1), [{"weight": L.x}, {"weight": L.x}], L.x),
    "stack none": lambda L: L.F.stack_module_state([]),
    "stack kinds": lambda L: L.F.stack_module_state([L.nn.Linear(1, 1), L.nn.ReLU()]),
    "functionalize": lambda L: L.F.functionalize(lambda x: x, remove="z")(L.x),
}


def turned(x: Any) -> Any:
    """Views taken in place, one of them of a view."""
    y = x * 2
    y.unsqueeze_(0).mul_(3)
    v = y[0, 1:]
    v.unsqueeze_(0)
    v.t_()
    v.mul_(x[0])
    return (y * y).sum()


def batch_drawn(L: Any, random: str, draw: Callable[..., Any], *given: Any, dims: Any = 0) -> Any:
    return L.F.vmap(draw, dims, randomness=random)(*given)


def modes(name: str, draw: Callable[..., Any]) -> dict[str, Case]:
    """A draw inside a ``vmap`` that does not map what it depends on."""
    return {
        f"{name} {how}": lambda L, how=how: batch_drawn(L, how, lambda x: draw(L, x) + x * 0, L.xs)
        for how in ("error", "same", "different")
    }


def norm_inside(L: Any, call: Callable[..., Any]) -> Any:
    mean, var = L.zeros(3), L.ones(3)
    xs = L.xs.repeat(2, 1).reshape(2, 2, 3).transpose(1, 2) * L.y[:, None]
    return call(lambda x: L.nn.functional.batch_norm(x, mean, var, training=True).pow(3).sum(), xs), mean, var


def instances_inside(L: Any, call: Callable[..., Any]) -> Any:
    mean, var = L.zeros(3), L.ones(3)
    xs = L.xs.repeat(2, 1).reshape(2, 2, 3).transpose(1, 2) * L.y[:, None]
    return call(lambda x: L.nn.functional.instance_norm(x, mean, var).exp().sum(), xs), mean, var


def buffered(L: Any, x: Any) -> Any:
    """Copies of what is captured, written in place, through views too."""
    z = L.y.clone()
    z[0] = x[1]
    z[1:].mul_(x[:2])
    joined = L.cat([L.y, z])
    joined *= x[0]
    joined[0].add_(x[2])
    return (joined.view(2, 3)[1] * z).sum() + joined[0]


def outer_and_inner(L: Any) -> Any:
    """A copy of what requires grad outside, written inside."""
    w = L.y.clone().requires_grad_()

    def f(x: Any) -> Any:
        z = w * 2
        z[:1].mul_(x[:1])
        return (z * z * x).sum()

    g = L.F.grad(f)(L.x)
    return g.detach(), L.autograd.grad(g.sum(), w)[0]


def tied(L: Any) -> Any:
    """A module of tied parameters as a function."""
    import importlib

    net = L.nn.Sequential(L.nn.Linear(2, 2), L.nn.Linear(2, 2))
    net[1].weight = net[0].weight
    functorch = importlib.import_module("functorch" if L.torch.__name__ == "torch" else "rushlight.functorch")
    f, params = functorch.make_functional(net)
    return len(params), f([p * 0.5 for p in params], L.ones(1, 2)).detach().shape


def under_hooks(L: Any, run: Callable[[], Any]) -> Any:
    with L.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        return run()


def without_grad(L: Any, run: Callable[[], Any]) -> Any:
    with L.no_grad():
        return run()


INSIDE: dict[str, Case] = {
    **modes("normal", lambda L, x: L.normal(L.x, L.y)),
    **modes("normal of mean", lambda L, x: L.normal(L.x, 1.0)),
    **modes("bernoulli", lambda L, x: L.bernoulli(L.y / 2)),
    **modes("multinomial", lambda L, x: L.multinomial(L.x, 3)),
    **modes("poisson", lambda L, x: L.poisson(L.x)),
    **modes("gamma", lambda L, x: L._standard_gamma(L.x)),
    **modes("randperm", lambda L, x: L.randperm(3)),
    **modes("bernoulli_", lambda L, x: L.zeros_like(x).bernoulli_(L.y / 2)),
    "bernoulli_ mapped": lambda L: batch_drawn(L, "different", lambda x, p: x.bernoulli_(p), L.xs.clone(), L.xs / 3),
    "bernoulli_ same": lambda L: batch_drawn(L, "same", lambda x, p: x.bernoulli_(p), L.xs.clone(), L.xs / 3),
    "bernoulli_ unmapped": lambda L: batch_drawn(
        L, "different", lambda x, p: x.bernoulli_(p), L.x.clone(), L.xs / 3, dims=(None, 0)
    ),
    "bernoulli_ unmapped error": lambda L: batch_drawn(
        L, "error", lambda x, p: x.bernoulli_(p), L.x.clone(), L.xs / 3, dims=(None, 0)
    ),
    "jacfwd draw": lambda L: L.F.jacfwd(L.bernoulli)(L.y / 2),
    "jacfwd draw same": lambda L: L.F.jacfwd(L.bernoulli, randomness="same")(L.y / 2),
    "chunks same": lambda L: L.F.vmap(lambda x: x + L.rand(3), randomness="same", chunk_size=1)(L.xs),
    "chunks different": lambda L: L.F.vmap(lambda x: x + L.rand(3), randomness="different", chunk_size=1)(L.xs),
    "random out": lambda L: batch_drawn(L, "same", lambda x: L.rand(3, out=L.x), L.xs),
    "normal out": lambda L: batch_drawn(L, "same", lambda x: L.normal(L.x, L.y, out=L.x), L.xs),
    "out": lambda L: L.F.vmap(lambda x: L.add(x, x, out=L.x))(L.xs),
    "out of the mapped": lambda L: L.F.vmap(lambda x: L.add(x, x, out=x))(L.xs.clone()),
    "out in jvp": lambda L: L.F.jvp(lambda x: L.sin(x, out=L.zeros(3)).sum(), (L.x,), (L.y,)),
    "out in grad": lambda L: L.F.grad(lambda x: L.sin(x, out=L.zeros(3)).sum())(L.x),
    "out of constants": lambda L: L.F.grad(lambda x: (L.sin(x.detach(), out=L.empty_like(x)) * x).sum())(L.x),
    "views in place": lambda L: (L.F.grad(turned)(L.x), L.F.vmap(L.F.grad(turned))(L.xs)),
    "views in place jvp": lambda L: (L.F.jvp(turned, (L.x,), (L.y,)), L.F.vmap(turned)(L.xs)),
    "view of leaf in place": lambda L: L.F.grad(lambda x: x.unsqueeze_(0).sum())(L.x.clone()),
    "nonzero": lambda L: L.F.vmap(lambda x: x.nonzero())(L.xs),
    "where": lambda L: L.F.vmap(lambda x: L.where(x > 0))(L.xs),
    "unique": lambda L: L.F.vmap(lambda x: L.unique(x))(L.xs),
    "masked_select": lambda L: L.F.vmap(lambda x: x.masked_select(x > 0))(L.xs),
    "equal": lambda L: L.F.vmap(lambda x: L.equal(x, x))(L.xs),
    "allclose": lambda L: L.F.vmap(lambda x: L.allclose(x, x))(L.xs),
    "data": lambda L: L.F.vmap(lambda x: x.data)(L.xs),
    "mv rank": lambda L: L.F.vmap(L.mv)(L.ones(2, 3, 3, 3), L.ones(2, 3)),
    "mm rank": lambda L: L.F.vmap(L.mm)(L.ones(2, 2, 2, 2), L.ones(2, 2)),
    "set data of mapped": lambda L: L.F.vmap(lambda x: setattr(x, "data", L.x) or x)(L.xs),
    "nonzero in grad": lambda L: L.F.grad(lambda x: x[x.nonzero()[1:, 0]].sum())(L.x),
    "where in jvp": lambda L: L.F.jvp(lambda x: x[L.where(x > 1)].sum(), (L.x,), (L.y,)),
    "counts in grad": lambda L: L.F.grad(lambda x, i: (x * L.bincount(i)).sum())(L.x, L.tensor([0, 2, 2])),
    "histc in jvp": lambda L: L.F.jvp(lambda x: (x * L.histc(x, 3)).sum(), (L.x,), (L.y,)),
    "equal in grad": lambda L: L.F.grad(lambda x: x.sum() if L.equal(x, x) and L.allclose(x, x) else x[0])(L.x),
    "searchsorted": lambda L: (
        L.F.vmap(lambda x: L.searchsorted(L.x, x))(L.xs),
        L.F.vmap(lambda x, b: L.searchsorted(b, x))(L.xs, L.xs),
        L.F.vmap(lambda x, b: L.searchsorted(b, x))(L.xs[:, 1], L.xs),
        L.F.vmap(lambda b: L.bucketize(L.x, b))(L.xs),
    ),
    "isin": lambda L: (L.F.vmap(lambda x: L.isin(x, L.xs[0]))(L.xs), L.F.vmap(lambda x: L.isin(L.xs, x))(L.xs)),
    "bincount": lambda L: L.F.vmap(lambda x: L.bincount(x, minlength=5))(L.tensor([[1, 2], [3, 4]])),
    "index of lists": lambda L: L.F.vmap(lambda x, i: x[[0, 1], i])(L.ones(2, 2, 3), L.tensor([[0, 1], [1, 2]])),
    "indices that are no neighbours": lambda L: (
        lambda x: (
            L.F.vmap(lambda x: x[:, [0, 1], :, [0, 1]])(x),
            L.F.vmap(L.F.grad(lambda x: x[:, [0, 1], :, [0, 1]].pow(2).sum()))(x),
            L.F.jacrev(lambda x: x[:, [0, 1], :, [0, 1]])(x[0]),
            L.F.vmap(lambda x: x[[0, 1], :, [0, 1]])(x),
            L.F.vmap(lambda x, i: x[:, i, :, i])(x, L.tensor([[0, 1], [1, 0]])),
            L.F.vmap(lambda x: x.index_put((L.tensor([0, 1]), L.tensor([1, 0])), x[0, :2, 0]))(x[..., 0, 0]),
        )
    )(L.arange(48.0).reshape(2, 2, 3, 2, 2)),
    "addr without beta": lambda L: L.F.vmap(lambda x: L.addr(x, L.x, L.y, beta=0))(L.ones(2, 3, 3)),
    "jacrev row by row": lambda L: L.F.jacrev(lambda x: x.sin() * x.sum(), chunk_size=1)(L.x),
    "batch norm grad": lambda L: norm_inside(L, lambda f, x: L.F.grad(f)(x)),
    "batch norm jvp": lambda L: norm_inside(L, lambda f, x: L.F.jvp(f, (x,), (x,))),
    "batch norm vmap": lambda L: norm_inside(L, lambda f, x: L.F.vmap(f)(x[None])),
    "instance norm grad": lambda L: instances_inside(L, lambda f, x: L.F.grad(f)(x)),
    "instance norm jvp": lambda L: instances_inside(L, lambda f, x: L.F.jvp(f, (x,), (x,))),
    "instance norm vmap": lambda L: instances_inside(L, lambda f, x: L.F.vmap(f)(x[None])),
    "group norm of none": lambda L: L.F.vjp(lambda x: L.nn.functional.group_norm(x, 1), L.ones(0, 2))[0],
    "rrelu": lambda L: (
        L.F.grad(lambda x: L.rrelu(x - 2, training=True).pow(2).sum())(L.x),
        L.F.jvp(lambda x: L.rrelu(x - 2, training=True).pow(2).sum(), (L.x,), (L.y,)),
    ),
    "embedding max_norm": lambda L: L.F.grad(lambda w, i: L.nn.functional.embedding(i, w, max_norm=1.0).sum())(
        L.xs.clone(), L.tensor([0, 1, 1])
    ),
    "embedding by frequency": lambda L: L.F.grad(
        lambda w, i: L.nn.functional.embedding(i, w, scale_grad_by_freq=True).sum()
    )(L.xs.clone(), L.tensor([0, 1, 1])),
    "one_hot in grad": lambda L: L.F.grad(lambda x, i: (L.nn.functional.one_hot(i) * x).sum())(L.x, L.tensor([0, 2])),
    "bags in grad": lambda L: L.F.grad(lambda w, i, o: L.nn.functional.embedding_bag(i, w, o).sum())(
        L.xs, L.tensor([0, 1, 1]), L.tensor([0, 2])
    ),
    "tables with padding": lambda L: L.F.vmap(
        L.F.grad(lambda w: L.nn.functional.embedding(L.tensor([0, 1, 1]), w, padding_idx=1).pow(2).sum())
    )(L.stack([L.xs, L.xs * 2])),
    "rows of each": lambda L: L.F.vmap(L.F.grad(lambda x, i: x.index_select(0, i).pow(2).sum()))(
        L.stack([L.xs, L.xs * 2]), L.tensor([[0, 0], [1, 0]])
    ),
    "columns of each": lambda L: L.F.vmap(L.F.grad(lambda x, i: x.index_select(1, i).pow(2).sum()))(
        L.stack([L.xs, L.xs * 2]), L.tensor([[0, 0], [1, 2]])
    ),
    "masked_scatter": lambda L: [
        L.F.vmap(lambda x, m, s: x.masked_scatter(m, s), d)(*[v if k is None else w for v, w, k in zip(one, two, d)])
        for one, two in [((L.x, L.x > 1, L.y), (L.xs, L.xs > 0.5, L.xs * 2))]
        for d in ((0, 0, 0), (0, None, None), (None, 0, None), (None, None, 0), (None, 0, 0))
    ],
    "masked_scatter grad": lambda L: L.F.vmap(L.F.grad(lambda s, x, m: x.masked_scatter(m, s).pow(2).sum()))(
        L.xs * 10, L.xs, L.xs > 0.5
    ),
    "put": lambda L: [
        L.F.vmap(lambda x, i, s, a=a: x.put(i, s, accumulate=a))(L.xs, L.tensor([[0], [-1]]), L.xs[:, :1] * 9)
        for a in (False, True)
    ],
    "put grad": lambda L: L.F.vmap(L.F.grad(lambda x, i, s: x.put(i, s).pow(2).sum(), (0, 2)))(
        L.xs, L.tensor([[0], [-1]]), L.xs[:, :1] * 9
    ),
    "block_diag": lambda L: (
        L.F.vmap(lambda a, b: L.block_diag(a, b))(L.xs[:, None], L.xs[:, :, None] * 2),
        L.F.vmap(L.F.grad(lambda a: L.block_diag(a, L.w).pow(2).sum()))(L.xs[:, None]),
    ),
    "as_strided": lambda L: (
        L.F.vmap(lambda x: x.as_strided((2, 2), (1, 1)))(L.xs),
        L.F.vmap(L.F.grad(lambda x: x.as_strided((2, 2), (1, 1)).pow(2).sum()))(L.xs),
        L.F.grad(lambda x: L.F.vmap(lambda x: x.as_strided((2, 2), (1, 1)))(x).pow(2).sum())(L.xs),
        L.F.vmap(L.F.jacrev(lambda x: x.as_strided((2,), (2,))))(L.xs),
    ),
    "lu grad": lambda L: L.F.vmap(L.F.grad(lambda A: L.linalg.lu_factor(A)[0].pow(2).sum()))(
        L.stack([L.w[:, :2] + L.eye(2), L.eye(2).flip(0) * 3 + L.w[:, 1:]])
    ),
    "lu wide grad": lambda L: L.F.vmap(L.F.grad(lambda A: L.linalg.lu_factor(A)[0].pow(2).sum()))(
        L.stack([L.w, L.w.flip(0) * 2])
    ),
    "lu_solve grad": lambda L: L.F.vmap(
        L.F.grad(lambda A: L.linalg.lu_solve(*L.linalg.lu_factor(A), L.w).pow(2).sum())
    )(L.stack([L.w[:, :2] + L.eye(2), L.eye(2).flip(0) * 3 + L.w[:, 1:]])),
    "lstsq": lambda L: L.F.vmap(lambda A, b: tuple(L.linalg.lstsq(A, b)[:3]))(
        L.stack([L.w, L.w.flip(0) * 2]).mT, L.ones(2, 3, 1)
    ),
    "aminmax of numbers": lambda L: L.F.vmap(lambda x: tuple(L.aminmax(x)) + tuple(L.aminmax(x, dim=0)))(L.x),
    "unravel_index": lambda L: L.F.vmap(lambda i: L.unravel_index(i, (2, 3)))(L.tensor([[1, 2], [3, 4]])),
    "index_fill value": lambda L: L.F.grad(lambda v, i: L.index_fill(L.x, 0, i, v).pow(2).sum())(L.s, L.tensor([0, 0])),
    "statistics of each": lambda L: (
        lambda m, v: (L.F.vmap(lambda m, v: L.nn.functional.batch_norm(L.w, m, v, training=True))(m, v), m, v)
    )(L.zeros(2, 3), L.ones(2, 3)),
    "copies of the captured": lambda L: (
        L.F.grad(lambda x: buffered(L, x))(L.x),
        L.F.jvp(lambda x: buffered(L, x), (L.x,), (L.y,)),
        L.F.jacfwd(lambda x: buffered(L, x))(L.x),
    ),
    "a copy of the outer level's": lambda L: L.F.grad(
        lambda x: L.F.grad(lambda y: (x * 1).add_(y).pow(2).sum())(x).sum()
    )(L.x),
    "a copy of what requires grad": outer_and_inner,
    "a part of the captured": lambda L: L.F.grad(lambda x: L.y[1:].copy_(x[1:]).sum())(L.x),
    "memory made in jacfwd": lambda L: L.F.jacfwd(lambda x: L.empty(3).copy_(x).mul_(x))(L.x),
    "tied parameters": tied,
    "out_dims of vmap": lambda L: L.F.vmap(functions(L)["Unfit"].apply)(L.xs),
    "hooks around": lambda L: under_hooks(L, lambda: L.F.grad(lambda x: (x * x).sum())(L.x)),
    "hooks within": lambda L: L.F.grad(lambda x: under_hooks(L, lambda: (x * x).sum()))(L.x),
    "hooks and vmap": lambda L: under_hooks(L, lambda: L.F.vmap(lambda x: (x * x).sum())(L.xs)),
    "retain_grad": lambda L: L.F.grad(lambda x: (x * 2).retain_grad() or x.sum())(L.x),
    "int tangent": lambda L: L.F.jvp(lambda x: x, (L.x,), (L.ones(3, dtype=L.int64),)),
    "numpy without grad": lambda L: without_grad(L, lambda: L.x.clone().requires_grad_().numpy().tolist()),
}


PATTERNS: list[tuple[str, dict[str, int]]] = [
    ("a b c -> c a b", {}), ("a b c -> a (b c)", {}), ("a (b1 b2) c -> b1 a b2 c", {"b1": 1}), ("a ... -> ... a", {}),
    ("(a1 a2) ... -> a1 (... a2)", {"a1": 2}), ("a b c -> a b", {}), ("a b -> b a", {}), ("a b c -> a b c 1", {}),
    ("a b c -> a b c d", {}), ("a b c", {}), ("a b c -> a (b c", {}), ("a b c -> a b c", {"d": 2}),
    ("a a c -> a c", {}), ("a b c -> () a b c", {}), ("a b c -> a (b c) ()", {}), ("a b c -> a .. b", {}),
    ("a _ c -> a c", {}), ("a b! c -> a b c", {}),
]  # fmt: skip
ERRORS |= {
    f"rearrange {pattern} {lengths}": lambda L, p=pattern, k=lengths: L.F.rearrange(
        L.arange(24.0).reshape(2, 3, 4), p, **k
    )
    for pattern, lengths in PATTERNS
}


# ---- custom functions


def functions(L: Any) -> dict[str, Any]:
    Function = L.autograd.Function

    class Square(Function):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(x: Any) -> Any:
            return x**2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(inputs[0])
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 20 * x * g

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 20 * x * t

    class Generated(Square):
        generate_vmap_rule = True

    class Ruled(Square):
        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            return Ruled.apply(x) + info.batch_size, in_dims[0]

    class Both(Ruled):
        generate_vmap_rule = True

    class Wrong(Square):
        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            return x

    class Old(Function):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 20 * ctx.saved_tensors[0] * g

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            return 20 * ctx.saved_tensors[0] * t

    class Pair(Function):  # type: ignore[misc, valid-type]
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any, y: Any, k: Any) -> Any:
            return x.exp() * y * k, x.sum()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs[:2], output[0])
            ctx.save_for_forward(*inputs[:2], output[0])
            ctx.k = inputs[2]

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            x, y, o = ctx.saved_tensors
            return g * o + h, g * x.exp() * ctx.k, None

        @staticmethod
        def jvp(ctx: Any, tx: Any, ty: Any, _: Any) -> Any:
            x, y, o = ctx.saved_tensors
            return tx * o + ty * x.exp() * ctx.k, tx.sum()

    class Dirty(Function):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(x: Any) -> Any:
            return x.mul_(2)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.mark_dirty(inputs[0])

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3

    class NoJvp(Function):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(x: Any) -> Any:
            return x**2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    class Unfit(NoJvp):
        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            return x, (0,)

    return {k: v for k, v in locals().items() if isinstance(v, type)}


def custom(run: Callable[[Any, Any], Any]) -> Case:
    class Names:
        def __init__(self, L: Any) -> None:
            self.__dict__.update(functions(L))

    return lambda L: run(L, Names(L))


CUSTOM: dict[str, Case] = {
    "old grad": custom(lambda L, C: L.F.grad(lambda x: C.Old.apply(x).sum())(L.x)),
    "old vmap": custom(lambda L, C: L.F.vmap(C.Old.apply)(L.xs)),
    "grad": custom(lambda L, C: L.F.grad(lambda x: C.Square.apply(x).sum())(L.x)),
    "grad of grad": custom(lambda L, C: L.F.grad(lambda x: L.F.grad(lambda x: C.Square.apply(x).sum())(x).sum())(L.x)),
    "autograd.grad inside": custom(
        lambda L, C: L.F.grad(lambda x: L.autograd.grad(C.Square.apply(x).sum(), x, create_graph=True)[0].sum())(L.x)
    ),
    "jvp": custom(lambda L, C: L.F.jvp(C.Square.apply, (L.x,), (L.y,))),
    "jvp of grad": custom(lambda L, C: L.F.jvp(L.F.grad(lambda x: C.Square.apply(x).sum()), (L.x,), (L.y,))),
    "grad of jvp": custom(lambda L, C: L.F.grad(lambda x: L.F.jvp(C.Square.apply, (x,), (L.y,))[1].sum())(L.x)),
    "vmap without": custom(lambda L, C: L.F.vmap(C.Square.apply)(L.xs)),
    "vmap": custom(lambda L, C: L.F.vmap(C.Generated.apply)(L.xs)),
    "vmap rule": custom(lambda L, C: L.F.vmap(C.Ruled.apply, 1, 1)(L.xs)),
    "vmap both": custom(lambda L, C: L.F.vmap(C.Both.apply)(L.xs)),
    "vmap wrong": custom(lambda L, C: L.F.vmap(C.Wrong.apply)(L.xs)),
    "vmap of grad": custom(lambda L, C: L.F.vmap(L.F.grad(lambda x: C.Generated.apply(x).sum()))(L.xs)),
    "vmap of grad, rule": custom(lambda L, C: L.F.vmap(L.F.grad(lambda x: C.Ruled.apply(x).sum()))(L.xs)),
    "grad of vmap": custom(lambda L, C: L.F.grad(lambda xs: L.F.vmap(C.Generated.apply)(xs).sum())(L.xs)),
    "grad of vmap, rule": custom(lambda L, C: L.F.grad(lambda xs: L.F.vmap(C.Ruled.apply)(xs).sum())(L.xs)),
    "jacrev": custom(lambda L, C: L.F.jacrev(C.Generated.apply)(L.x)),
    "jacfwd": custom(lambda L, C: L.F.jacfwd(C.Generated.apply)(L.x)),
    "hessian": custom(lambda L, C: L.F.hessian(lambda x: C.Generated.apply(x).sum())(L.x)),
    "pair grad": custom(lambda L, C: L.F.grad(lambda x, y: C.Pair.apply(x, y, 2.0)[0].sum(), (0, 1))(L.x, L.y)),
    "pair jvp": custom(lambda L, C: L.F.jvp(lambda x, y: C.Pair.apply(x, y, 2.0), (L.x, L.y), (L.y, L.x))),
    "pair jvp of one": custom(lambda L, C: L.F.jvp(lambda x: C.Pair.apply(x, L.y, 2.0), (L.x,), (L.y,))),
    "pair vmap": custom(lambda L, C: L.F.vmap(lambda x: C.Pair.apply(x, L.y, 2.0))(L.xs)),
    "pair vmap of grad": custom(
        lambda L, C: L.F.vmap(L.F.grad(lambda x, y: C.Pair.apply(x, y, 2.0)[0].sum(), (0, 1)), (0, None))(L.xs, L.y)
    ),
    "pair grad of vmap": custom(
        lambda L, C: L.F.grad(
            lambda x, y: L.F.vmap(lambda x, y: C.Pair.apply(x, y, 2.0)[0], (0, None))(x, y).sum(), (0, 1)
        )(L.xs, L.y)
    ),
    "pair jvp of vmap": custom(
        lambda L, C: L.F.jvp(
            lambda x, y: L.F.vmap(lambda x, y: C.Pair.apply(x, y, 2.0)[0], (0, None))(x, y).sum(),
            (L.xs, L.y),
            (L.xs, L.x),
        )
    ),
    "pair vmap of vmap": custom(
        lambda L, C: L.F.vmap(L.F.vmap(lambda x, y: C.Pair.apply(x, y, 2.0)[0], (0, None)), (None, 0))(L.xs, L.xs)
    ),
    "no jvp": custom(lambda L, C: L.F.jvp(C.NoJvp.apply, (L.x,), (L.y,))),
    "dirty": custom(lambda L, C: L.F.grad(lambda x: C.Dirty.apply(x.clone()).sum())(L.x)),
    "captured": custom(
        lambda L, C: (lambda w: L.autograd.grad(L.F.vmap(lambda x: C.Pair.apply(x, w, 2.0)[0])(L.xs).sum(), w))(
            L.y.clone().requires_grad_()
        )
    ),
    "captured in grad": custom(
        lambda L, C: (lambda w: L.autograd.grad(L.F.grad(lambda x: C.Pair.apply(x, w, 2.0)[0].sum())(L.x).sum(), w))(
            L.y.clone().requires_grad_()
        )
    ),
    "dual": custom(lambda L, C: duals(L, lambda: L.fw.unpack_dual(C.Square.apply(L.fw.make_dual(L.x, L.y))))),
    "dual old": custom(lambda L, C: duals(L, lambda: L.fw.unpack_dual(C.Old.apply(L.fw.make_dual(L.x, L.y))))),
    "dual no jvp": custom(lambda L, C: duals(L, lambda: L.fw.unpack_dual(C.NoJvp.apply(L.fw.make_dual(L.x, L.y))))),
    "dual backward": custom(
        lambda L, C: (
            over_reverse(L, lambda d: C.Square.apply(d).sum()) + over_reverse(L, lambda d: C.Old.apply(d).sum())
        )
    ),
}


# ---- forward_ad


def duals(L: Any, function: Callable[[], Any]) -> Any:
    with L.fw.dual_level():
        return function()


def over_reverse(L: Any, function: Callable[[Any], Any]) -> Any:
    """Forward over reverse, and reverse over forward."""
    x = L.x.clone().requires_grad_()
    with L.fw.dual_level():
        d = L.fw.make_dual(x, L.y)
        y = function(d)
        (g,) = L.autograd.grad(y, x, retain_graph=True, create_graph=True)
        parts = [*L.fw.unpack_dual(g)]
        t = L.fw.unpack_dual(function(d)).tangent
        return (*parts, t, L.autograd.grad(t, x)[0])


def dual(L: Any) -> Any:
    return L.fw.make_dual(L.x.clone(), L.y.clone())


def into(L: Any, target: Any, write: Callable[[Any, Any], Any]) -> Any:
    write(target, dual(L))
    return L.fw.unpack_dual(target)


def twice_entered(L: Any) -> Any:
    with L.fw.dual_level(), L.fw.dual_level():
        pass


def after(L: Any) -> Any:
    with L.fw.dual_level():
        d = dual(L)
        y = d * 2
    results = [y, y + 1, d * 3, y.numpy().tolist(), y.sum().item()]
    with L.fw.dual_level():
        results += [L.fw.unpack_dual(y)[0], L.fw.unpack_dual(y)[1], L.fw.unpack_dual(y * 1)[1]]
    return results


def view_written(L: Any) -> Any:
    d = dual(L)
    d[1:].mul_(3)
    base = L.zeros(3)
    part = base[1:]
    part.copy_(dual(L)[:2])
    return L.fw.unpack_dual(d), L.fw.unpack_dual(base), L.fw.unpack_dual(part)


def parameters(L: Any) -> Any:
    module = L.nn.Linear(3, 2)
    with L.fw.dual_level():
        for name, p in list(module.named_parameters()):
            delattr(module, name)
            setattr(module, name, L.fw.make_dual(p, L.ones_like(p)))
        return L.fw.unpack_dual(module(L.x)).tangent


def with_duals(run: Callable[[Any], Any]) -> Case:
    return lambda L: duals(L, lambda: run(L))


FORWARD: dict[str, Case] = {
    "outside": lambda L: L.fw.make_dual(L.x, L.y),
    "unpack outside": lambda L: L.fw.unpack_dual(L.x),
    "exit": lambda L: L.fw.exit_dual_level(),
    "twice": twice_entered,
    "int": with_duals(lambda L: L.fw.make_dual(L.x.int(), L.y)),
    "int tangent": with_duals(lambda L: L.fw.make_dual(L.x, L.y.int())),
    "shape": with_duals(lambda L: L.fw.make_dual(L.x, L.y[:2])),
    "type": with_duals(lambda L: L.fw.unpack_dual(3)),
    "dual of dual": with_duals(lambda L: L.fw.make_dual(dual(L), L.y)),
    "dual tangent": with_duals(lambda L: L.fw.make_dual(L.x, dual(L))),
    "level": with_duals(lambda L: L.fw.make_dual(L.x, L.y, level=3)),
    "unpack": with_duals(lambda L: L.fw.unpack_dual(dual(L) * 2)),
    "plain": with_duals(lambda L: L.fw.unpack_dual(L.x)),
    "same memory": with_duals(
        lambda L: [
            L.fw.unpack_dual(L.fw.make_dual(L.x, L.y)).tangent is L.y,
            L.fw.unpack_dual(L.fw.make_dual(L.x, L.y)).primal.data_ptr() == L.x.data_ptr(),
        ]
    ),
    "many": with_duals(lambda L: L.fw.unpack_dual((dual(L).sin() * L.x).softmax(0).cumsum(0) @ L.w.t())),
    "over reverse": lambda L: over_reverse(L, lambda d: (d**3).sum()),
    "over reverse 2": lambda L: over_reverse(L, lambda d: mlp(L, L.w, d)),
    "after": after,
    "add_": with_duals(lambda L: into(L, L.zeros(3), lambda t, d: t.add_(d))),
    "setitem": with_duals(lambda L: into(L, L.zeros(2, 3), lambda t, d: t.__setitem__(0, d))),
    "views": with_duals(view_written),
    "zero_": with_duals(lambda L: L.fw.unpack_dual(dual(L).zero_())),
    "copy_": with_duals(lambda L: L.fw.unpack_dual(dual(L).copy_(L.x))),
    "no_grad": with_duals(lambda L: no_grad(L, lambda: L.fw.unpack_dual(dual(L) * 2))),
    "disabled": with_duals(lambda L: disabled(L)),
    "detach": with_duals(lambda L: L.fw.unpack_dual(dual(L).detach())),
    "clone": with_duals(lambda L: L.fw.unpack_dual(dual(L).clone())),
    "compare": with_duals(lambda L: L.fw.unpack_dual(dual(L) > 1)),
    "to int": with_duals(lambda L: L.fw.unpack_dual(dual(L).int())),
    "parameters": lambda L: parameters(L),
    "functional_call": with_duals(
        lambda L: L.fw.unpack_dual(L.F.functional_call(L.nn.Linear(3, 1, bias=False), {"weight": dual(L)[None]}, L.x))
    ),
    "item": with_duals(lambda L: [dual(L).sum().item(), dual(L).tolist(), bool(dual(L).sum() > 0), len(dual(L))]),
    "enter": lambda L: [L.fw.enter_dual_level(), L.fw.exit_dual_level()],
}


def disabled(L: Any) -> Any:
    d = dual(L)
    with L.fw._set_fwd_grad_enabled(False):
        return L.fw.unpack_dual(d * 2)


# ---- autograd.functional


def by_options(name: str, *args: Any) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for strict in (False, True):
        for graph in (False, True):
            found.append((f"{name} strict={strict} graph={graph}", {"strict": strict, "create_graph": graph}))
    return found


def functional() -> dict[str, Case]:
    f = lambda x: x**2 * x.sum()
    g = lambda x, y: (x * y, (x * x).sum())
    h = lambda x, y: (x**2 * y**3).sum()
    cases: dict[str, Case] = {}
    for base, how in by_options(""):
        for strategy, vectorize in (("reverse-mode", False), ("reverse-mode", True), ("forward-mode", True)):
            j = {**how, "vectorize": vectorize, "strategy": strategy}
            k = {**how, "vectorize": vectorize, "outer_jacobian_strategy": strategy}
            tag = f"{strategy} {vectorize}{base}"
            cases |= {
                f"jacobian {tag}": lambda L, j=j: L.A.jacobian(f, L.x, **j),
                f"jacobian of pairs {tag}": lambda L, j=j: L.A.jacobian(g, (L.x, L.y), **j),
                f"hessian {tag}": lambda L, k=k: L.A.hessian(lambda x: f(x).sum(), L.x, **k),
                f"hessian of two {tag}": lambda L, k=k: L.A.hessian(h, (L.x, L.y), **k),
                f"hessian linear {tag}": lambda L, k=k: L.A.hessian(lambda x: x.sum(), L.x, **k),
                f"hessian (1,) {tag}": lambda L, k=k: L.A.hessian(lambda x: (x**3).sum().reshape(1), (L.x,), **k),
            }
        for name in ("vjp", "jvp", "vhp", "hvp"):
            vector = name in ("vjp", "jvp")
            one = f if vector else lambda x: f(x).sum()
            two = g if vector else h
            scalar = name == "vjp"
            cases |= {
                f"{name}{base}": lambda L, n=name, o=one, k=how: getattr(L.A, n)(o, L.x, L.y, **k),
                f"{name} two{base}": lambda L, n=name, o=two, k=how, s=scalar: getattr(L.A, n)(
                    o, (L.x, L.y), (L.x, L.s if s else L.y), **k
                ),
                f"{name} without v{base}": lambda L, n=name, o=one, k=how: getattr(L.A, n)(o, L.x, **k),
                f"{name} of number{base}": lambda L, n=name, k=how: getattr(L.A, n)(lambda s: s**3, L.s, **k),
                f"{name} independent{base}": lambda L, n=name, k=how, s=scalar: getattr(L.A, n)(
                    lambda x, y: (x * x).sum(), (L.x, L.y), L.s if s else (L.x, L.y), **k
                ),
                f"{name} constant{base}": lambda L, n=name, k=how, s=scalar: getattr(L.A, n)(
                    lambda x: L.ones(()), L.x, L.s if s else L.x, **k
                ),
                f"{name} linear{base}": lambda L, n=name, k=how, s=scalar: getattr(L.A, n)(
                    lambda x: x.sum(), L.x, L.s if s else L.x, **k
                ),
                f"{name} vector{base}": lambda L, n=name, k=how: getattr(L.A, n)(lambda x: x * 2, L.x, L.x, **k),
            }
    for name in ("vjp", "jvp", "vhp", "hvp"):
        one = f if name in ("vjp", "jvp") else lambda x: f(x).sum()
        two = g if name in ("vjp", "jvp") else h
        cases |= {
            f"{name} size": lambda L, n=name, o=one: getattr(L.A, n)(o, L.x, L.x[:2]),
            f"{name} size of two": lambda L, n=name, o=two: getattr(L.A, n)(o, (L.x, L.y), (L.x[:2], L.y)),
            f"{name} count": lambda L, n=name, o=two: getattr(L.A, n)(o, (L.x, L.y), (L.x,)),
            f"{name} count of one": lambda L, n=name, o=one: getattr(L.A, n)(o, L.x, (L.x, L.x)),
            f"{name} type": lambda L, n=name, o=one: getattr(L.A, n)(o, 2.0, L.x),
            f"{name} types": lambda L, n=name, o=one: getattr(L.A, n)(o, (L.x, 3), L.x),
            f"{name} type of v": lambda L, n=name, o=one: getattr(L.A, n)(o, L.x, 3.0),
            f"{name} type of result": lambda L, n=name: getattr(L.A, n)(lambda x: 3.0, L.x, L.x),
        }
    for name, strategy in (("jacobian", "strategy"), ("hessian", "outer_jacobian_strategy")):
        cases[f"{name} strategy"] = lambda L, n=name, s=strategy: getattr(L.A, n)(
            lambda x: x.sum(), L.x, **{s: "sideways"}
        )
        cases[f"{name} no vectorize"] = lambda L, n=name, s=strategy: getattr(L.A, n)(
            lambda x: x.sum(), L.x, **{s: "forward-mode"}
        )
    cases["hvp differentiable"] = lambda L: (
        lambda x: L.autograd.grad(L.A.hvp(lambda x: f(x).sum(), x, L.y, create_graph=True)[1].sum(), x)
    )(L.x.clone().requires_grad_())
    cases["jacobian differentiable"] = lambda L: (
        lambda x: L.autograd.grad(L.A.jacobian(f, x, create_graph=True, vectorize=True).sum(), x)
    )(L.x.clone().requires_grad_())
    return cases


FUNCTIONAL = functional()
