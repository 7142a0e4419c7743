"""Rprop: an element's step grows while its gradient keeps its sign (Riedmiller and Braun, 1993)."""

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
)

__all__ = ["Rprop"]


class Rprop(Parameterwise):
    """Resilient propagation: only the sign of the gradient counts, for the step and for its size.

    Where the sign stays, the step size is multiplied by ``etas[1]``; where it turns, by ``etas[0]``,
    and the step is left out.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: the first step size; a number or a one-element tensor.
        etas: factors below and above 1.
        step_sizes: least and greatest step size.
        capturable: for accelerators only; a step on the CPU raises AssertionError.
        foreach: ``True`` asks for one pass over the memory.
        maximize: climb instead of descend.
        differentiable: record the step, so that gradients flow through it.

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.Rprop([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.5000])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
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
        lr = _number(_to_scalar(group["lr"]))
        state["step"] = _new_step(group)
        state["prev"] = rl.zeros_like(param)
        state["step_size"] = rl.full_like(param.grad, complex(lr, lr) if rl.is_complex(param) else lr)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        (eta_down, eta_up), (least, greatest) = group["etas"], group["step_sizes"]
        prev, step_size = state["prev"], state["step_size"]
        state["step"] += 1
        turn = grad.mul(prev.clone() if group["differentiable"] else prev).sign()
        turned = turn < 0
        factor = rl.ones_like(turn).masked_fill_(turn > 0, eta_up).masked_fill_(turned, eta_down)
        step_size.mul_(factor).clamp_(least, greatest)
        if group["differentiable"]:
            step_size = step_size.clone()  # the next step overwrites it
        grad = grad.masked_fill(turned, 0)
        param.addcmul_(grad.sign(), step_size, value=-1)
        prev.copy_(grad)
