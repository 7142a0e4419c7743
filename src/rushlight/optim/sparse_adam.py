"""SparseAdam: Adam for the touched rows of a sparse gradient. Rushlight's gradients are dense."""

from __future__ import annotations

from typing import Any

import rushlight as rl

from .optimizer import Optimizer, ParamsT, Tensor, _check_betas, _without_grad

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam that updates only where the gradient has entries.

    Args:
        params: dense tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr, betas, eps: as in :class:`Adam`.
        maximize: climb instead of descend.

    It takes sparse gradients only: a step with a dense gradient raises RuntimeError, in PyTorch's words.
    As Rushlight computes dense gradients, use :class:`Adam`.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> torch.optim.SparseAdam([p]).step()
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
        """Raise RuntimeError if a parameter has a (dense) gradient; else return what the closure returned."""
        loss = None
        if closure is not None:
            with rl.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param.grad.is_sparse:
                    raise NotImplementedError("SparseAdam: sparse gradients are not supported, use Adam")
                raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        return loss
