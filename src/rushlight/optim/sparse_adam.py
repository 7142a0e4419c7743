"""SparseAdam: Adam for the touched rows of a sparse gradient."""

from __future__ import annotations

from typing import Any

import rushlight as rl

from .optimizer import Group, Optimizer, ParamsT, Tensor, _check_betas, _to_scalar, _without_grad

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam that updates only where the gradient has entries.

    Args:
        params: dense tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr, betas, eps: as in :class:`Adam`.
        maximize: climb instead of descend.

    It takes sparse gradients only, as ``Embedding(sparse=True)`` makes them: a step with a dense one raises RuntimeError.

    >>> import rushlight as torch
    >>> p = torch.tensor([[1.0], [1.0]], requires_grad=True)
    >>> optimizer = torch.optim.SparseAdam([p], lr=0.5)
    >>> torch.nn.functional.embedding(torch.tensor([1]), p, sparse=True).sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([[1.0000],
            [0.5000]])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, rl.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        _check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

        where = [
            ([i, j], param) for i, group in enumerate(self.param_groups) for j, param in enumerate(group["params"])
        ]
        sparse = [place for place, param in where if param.is_sparse]
        if sparse:
            raise ValueError(f"Sparse params at indices {sparse}: SparseAdam requires dense parameter tensors")
        complex_ = [place for place, param in where if param.is_complex()]
        if complex_:
            raise ValueError(f"Complex params at indices {complex_}: SparseAdam does not support complex parameters")

    @_without_grad
    def step(self, closure: Any = None) -> Any:
        """Update the rows that the gradients have; returns what the closure returned, or ``None``."""
        loss = None
        if closure is not None:
            with rl.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if not param.grad.is_sparse:
                    raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
                self._update(param, param.grad, self.state[param], group)
        return loss

    @staticmethod
    def _update(param: Tensor, grad: Any, state: dict[str, Any], group: Group) -> None:
        if not state:
            state.update(step=0, exp_avg=rl.zeros_like(param), exp_avg_sq=rl.zeros_like(param))
        state["step"] += 1
        grad = grad.coalesce()
        values = grad._values()
        if not values.numel():
            return
        if group["maximize"]:
            values = -values
        beta1, beta2 = group["betas"]
        rows = tuple(grad._indices())
        # only rows that the gradient has decay
        moved1 = (values - state["exp_avg"][rows]) * (1 - beta1)
        moved2 = (values * values - state["exp_avg_sq"][rows]) * (1 - beta2)
        state["exp_avg"].add_(grad.with_values(moved1))
        state["exp_avg_sq"].add_(grad.with_values(moved2))
        denom = state["exp_avg_sq"][rows].sqrt_().add_(group["eps"])
        step = state["step"]
        size = _to_scalar(group["lr"]) * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        param.add_(grad.with_values(state["exp_avg"][rows] / denom * -size))
