"""Custom functions: what ``ctx`` takes from the user."""

from __future__ import annotations

from typing import Any

import rushlight as torch


def test_attributes_of_ctx_may_bear_names_that_nodes_use() -> None:
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.saved, ctx.parents, ctx.code = 3.0, "mine", None
            return x * 3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            assert ctx.parents == "mine" and ctx.code is None
            return g * ctx.saved

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    Scaled.apply(x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_generated_vmap_rules_sum_gradients_to_the_shape_of_the_input() -> None:
    class Mul(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any, y: Any) -> Any:
            return x * y

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, y = ctx.saved_tensors
            return g * y, g * x

    x, y = torch.randn(2, 4, dtype=torch.float64), torch.randn(2, 3, 4, dtype=torch.float64)
    for dims in ((0, 0), (None, 0), (0, None)):
        args = (x if dims[0] == 0 else x[0], y if dims[1] == 0 else y[0])
        found = [
            torch.func.grad(lambda *a, f=f, dims=dims: torch.vmap(f, dims)(*a).sin().sum(), (0, 1))(*args)
            for f in (Mul.apply, torch.mul)
        ]
        assert all(torch.allclose(a, b) for a, b in zip(*found, strict=True))
    twice = [
        torch.func.grad(lambda x, y, f=f: torch.vmap(torch.vmap(f, (None, 0)), (0, 0))(x, y).sin().sum(), (0, 1))(x, y)
        for f in (Mul.apply, torch.mul)
    ]
    assert all(torch.allclose(a, b) for a, b in zip(*twice, strict=True))


def test_written_inputs_come_out_as_themselves_under_vmap() -> None:
    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x.exp_()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.mark_dirty(*inputs)
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0]

        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            Exp.apply(x)
            return x, in_dims[0]

    x = torch.tensor([0.0, 1.0])
    found = torch.vmap(torch.func.grad(lambda x: Exp.apply(x * 2)))(x)
    assert torch.allclose(found, 2 * (2 * x).exp())
