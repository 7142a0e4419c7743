"""Adafactor: second moments of matrices kept as one row and one column (Shazeer and Stern, 2018)."""

from __future__ import annotations

from typing import Any

import rushlight as rl

from .optimizer import (
    Group,
    Parameterwise,
    ParamsT,
    Tensor,
    _check_lr,
    _new_step,
    _number,
    _set_group_defaults,
    _step_as_tensor,
    _to_scalar,
    _without_grad,
)

__all__ = ["Adafactor"]


class Adafactor(Parameterwise):
    """Adam's idea in less memory: of a matrix's mean squares only their row and column means are kept.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups; real ones.
        lr: the greatest relative step; the step falls with ``min(lr, 1 / sqrt(t))``.
        beta2_decay: power of ``t`` with which the mean squares forget.
        eps: floor of the mean squares (``None``: the dtype's) and floor of the parameter's scale.
        d: the update is clipped to this root mean square.
        weight_decay: shrinks the parameters by ``lr * weight_decay``.
        foreach: ``True`` asks for one pass over the memory.
        maximize: climb instead of descend.

    Raises ValueError for options out of range, RuntimeError for complex parameters.

    >>> import rushlight as torch
    >>> p = torch.ones(2, 3, requires_grad=True)
    >>> optimizer = torch.optim.Adafactor([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()[0]
    tensor([0.5000, 0.5000, 0.5000])
    """

    _real_views = False

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        _check_lr(lr, "Learning rate should be >= 0 but is: {}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(self, foreach=None)
        _step_as_tensor(self)

    @_without_grad
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once from their ``.grad``; returns what the closure returned."""
        loss = None
        if closure is not None:
            with rl.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._update_group(group)
        return loss

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        if rl.is_complex(param):
            raise RuntimeError("Adafactor does not support complex parameters")
        grad = param.grad
        state["step"] = _new_step(group)
        if grad.dim() > 1:
            *outer, rows, columns = grad.shape
            state["row_var"] = grad.new_zeros([*outer, rows, 1])
            state["col_var"] = grad.new_zeros([*outer, 1, columns])
        else:
            state["variance"] = rl.zeros_like(grad)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, weight_decay, (eps1, eps2) = _to_scalar(group["lr"]), group["weight_decay"], group["eps"]
        if eps1 is None:
            eps1 = rl.finfo(param.dtype).eps
        state["step"] += 1
        step = state["step"].item()

        forget = step ** group["beta2_decay"]
        relative_step = min(lr, 1 / (step**0.5))
        alpha = max(eps2, param.norm(2).item() / (param.numel() ** 0.5)) * relative_step
        if weight_decay != 0:
            param.mul_(1 - lr * weight_decay)

        if grad.dim() > 1:
            row_var, col_var = state["row_var"], state["col_var"]
            for mean, dim in ((row_var, -1), (col_var, -2)):
                of_squares = rl.norm(grad, dim=dim, keepdim=True).square_().div_(grad.size(dim))
                mean.lerp_(of_squares, forget)
            estimate = row_var @ col_var
            estimate.div_(row_var.mean(dim=-2, keepdim=True).clamp_(min=eps1))
        else:
            state["variance"].lerp_(grad * grad, forget)
            estimate = state["variance"].clone()

        update = estimate.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        clip = max(1.0, update.norm(2).item() / ((update.numel() ** 0.5) * group["d"]))
        param.add_(update, alpha=-_number(alpha) / clip)
