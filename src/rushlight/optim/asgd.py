"""Averaged stochastic gradient descent (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from typing import Any

import rushlight as rl

from .optimizer import (
    Group,
    Parameterwise,
    ParamsT,
    Tensor,
    _check_lr,
    _check_not_negative,
    _new_step,
    _number,
    _refuse_capturable,
    _scalar_dtype,
    _set_group_defaults,
    _step_as_tensor,
    _to_scalar,
)

__all__ = ["ASGD"]


class ASGD(Parameterwise):
    """Gradient descent with a falling step ``eta``, keeping the average of the parameters in ``state["ax"]``.

    ``param = param * (1 - lambd * eta) - eta * grad``, ``eta = lr / (1 + lambd * lr * t) ** alpha``,
    ``ax += (param - ax) * mu``, ``mu = 1 / max(1, t - t0)``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: first step size; a number or a one-element tensor.
        lambd: decay of the parameters.
        alpha: power with which the step size falls.
        t0: the step at which averaging begins.
        weight_decay: adds ``weight_decay * param`` to the gradient.
        foreach: ``True`` asks for one pass over the memory.
        maximize: climb instead of descend.
        differentiable: record the step, so that gradients flow through it.
        capturable: for accelerators only; a step on the CPU raises AssertionError.

    Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.ASGD([p], lr=0.5, lambd=0.0)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.5000])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _check_lr(lr)
        _check_not_negative(weight_decay, "weight_decay")
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
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
        _step_as_tensor(self, "eta", "mu")

    def _refuse_capturable(self) -> None:
        _refuse_capturable("params, mus, etas, and state_steps")

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        state["step"] = _new_step(group)
        state["eta"] = rl.as_tensor(_to_scalar(group["lr"]), dtype=_scalar_dtype()).clone().detach()
        state["mu"] = rl.ones((), dtype=_scalar_dtype())
        state["ax"] = rl.zeros_like(param)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, lambd, ax, mu = _to_scalar(group["lr"]), group["lambd"], state["ax"], state["mu"]
        state["step"] += 1
        step, eta = state["step"].item(), state["eta"].item()
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        param.mul_(1 - lambd * eta)
        param.add_(grad, alpha=-eta)
        if mu.item() != 1:
            ax.add_(param.sub(ax).mul_(mu))
        else:
            ax.copy_(param)
        state["eta"].fill_(_number(lr / ((1 + lambd * lr * step) ** group["alpha"])))
        mu.fill_(1 / max(1, step - group["t0"]))
