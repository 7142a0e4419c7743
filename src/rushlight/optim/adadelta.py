"""Adadelta: steps whose unit is that of the parameter (Zeiler, 2012)."""

from __future__ import annotations

from typing import Any

import rushlight as rl

from .._kernels import steps
from ._dense import Recipe, are_numbers
from .optimizer import (
    Group,
    Parameterwise,
    ParamsT,
    Tensor,
    _check_lr,
    _check_not_negative,
    _new_step,
    _number,
    _set_group_defaults,
    _step_as_tensor,
    _to_scalar,
)

__all__ = ["Adadelta"]


class Adadelta(Parameterwise):
    """Adadelta: ``delta = sqrt(u + eps) / sqrt(v + eps) * grad``, ``param -= lr * delta``.

    ``v`` is the running mean square of the gradients, ``u`` that of the past steps.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: factor on the step.
        rho: decay of both running means.
        eps: added under both roots.
        weight_decay: adds ``weight_decay * param`` to the gradient.
        foreach: ``True`` asks for one pass over the memory, which is what happens anyway.
        capturable: for accelerators only; a step on the CPU raises AssertionError.
        maximize: climb instead of descend.
        differentiable: record the step, so that gradients flow through it.

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.Adadelta([p], eps=1.0)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.0465])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        _check_not_negative(eps, "epsilon")
        _check_not_negative(weight_decay, "weight_decay")
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(self, foreach=None, maximize=False, differentiable=False, capturable=False)
        _step_as_tensor(self)

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        state["step"] = _new_step(group)
        state["square_avg"] = rl.zeros_like(param)
        state["acc_delta"] = rl.zeros_like(param)

    def _recipe(self, group: Group) -> Recipe | None:
        lr, rho, eps, decay = (group[key] for key in ("lr", "rho", "eps", "weight_decay"))
        if not are_numbers(lr, rho, eps, decay):
            return None
        maximize = group["maximize"]

        def run(step: float, p: Any, g: Any, square_avg: Any, acc_delta: Any) -> None:
            steps.adadelta(p, g, square_avg, acc_delta, lr=lr, rho=rho, eps=eps, weight_decay=decay, maximize=maximize)

        return Recipe("Adadelta.step", ("square_avg", "acc_delta"), run)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, rho, eps = _to_scalar(group["lr"]), group["rho"], group["eps"]
        square_avg, acc_delta = state["square_avg"], state["acc_delta"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        std = square_avg.add(eps).sqrt_()
        delta = acc_delta.add(eps).sqrt_()
        if group["differentiable"]:
            delta = delta.clone()
        delta.div_(std).mul_(grad)
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-_number(lr))
