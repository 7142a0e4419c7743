"""Adamax: Adam with the infinity norm in place of the mean square (Kingma and Ba, 2015, section 7)."""

from __future__ import annotations

from typing import Any

import rushlight as rl

from .optimizer import (
    Group,
    Parameterwise,
    ParamsT,
    Tensor,
    _check_betas,
    _check_lr,
    _check_not_negative,
    _new_step,
    _number,
    _set_group_defaults,
    _step_as_tensor,
    _to_scalar,
)

__all__ = ["Adamax"]


class Adamax(Parameterwise):
    """Adamax: ``u = max(beta2 * u, |grad| + eps)``, ``param -= lr / (1 - beta1 ** t) * m / u``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: learning rate; a number or a one-element tensor.
        betas: decay of the mean gradient ``m`` and of the norm ``u``.
        eps: added to the size of the gradient.
        weight_decay: adds ``weight_decay * param`` to the gradient.
        foreach: ``True`` asks for one pass over the memory.
        maximize: climb instead of descend.
        differentiable: record the step, so that gradients flow through it.
        capturable: for accelerators only; a step on the CPU raises AssertionError.

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.Adamax([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.5000])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _check_lr(lr)
        _check_not_negative(eps, "epsilon")
        _check_betas(betas)
        _check_not_negative(weight_decay, "weight_decay")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(self, foreach=None, maximize=False, differentiable=False, capturable=False)
        _step_as_tensor(self)

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        state["step"] = _new_step(group)
        state["exp_avg"] = rl.zeros_like(param)
        state["exp_inf"] = rl.zeros_like(param)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        beta1, beta2 = group["betas"]
        exp_avg, exp_inf = state["exp_avg"], state["exp_inf"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        exp_avg.lerp_(grad, 1 - beta1)
        size_of_grad = grad.abs().add_(group["eps"])
        if group["differentiable"]:
            # amax shares the gradient between equal entries, where maximum would halve it just the same;
            # the stack is what PyTorch records.
            exp_inf.copy_(rl.amax(rl.stack([exp_inf.mul_(beta2), size_of_grad]), 0))
            exp_avg, exp_inf = exp_avg.clone(), exp_inf.clone()  # the next step overwrites them
        else:
            rl.maximum(exp_inf.mul_(beta2), size_of_grad, out=exp_inf)
        size = _to_scalar(group["lr"]) / (1 - beta1 ** state["step"].item())
        param.addcdiv_(exp_avg, exp_inf, value=-_number(size))
