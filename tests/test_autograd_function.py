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
