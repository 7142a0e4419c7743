"""Adagrad: steps divided by the root of the sum of all squared gradients (Duchi, Hazan, Singer, 2011)."""

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
    _check_fused,
    _check_lr,
    _check_not_negative,
    _new_step,
    _number,
    _set_group_defaults,
    _step_as_tensor,
    _to_scalar,
)

__all__ = ["Adagrad"]


class Adagrad(Parameterwise):
    """Adagrad: ``sum += grad ** 2``, ``param -= lr / (1 + (t - 1) * lr_decay) * grad / (sqrt(sum) + eps)``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: learning rate; a number or a one-element tensor.
        lr_decay: how fast the learning rate falls with the number of steps.
        weight_decay: adds ``weight_decay * param`` to the gradient.
        initial_accumulator_value: where the sum of squares begins.
        eps: added to the root in the denominator.
        foreach, fused: ``True`` asks for one pass over the memory, which is what happens anyway.
        maximize: climb instead of descend.
        differentiable: record the step, so that gradients flow through it.

    A sparse gradient changes its rows only; weight_decay with one raises RuntimeError.
    Raises ValueError for negative options.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.Adagrad([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.5000])
    """

    _accepts_sparse = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        _check_lr(lr)
        _check_not_negative(lr_decay, "lr_decay")
        _check_not_negative(weight_decay, "weight_decay")
        _check_not_negative(initial_accumulator_value, "initial_accumulator_value")
        _check_not_negative(eps, "epsilon")
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        _check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self._init_state(self.state[param], param, group)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(self, foreach=None, maximize=False, differentiable=False, fused=None)
        _step_as_tensor(self)

    def share_memory(self) -> None:
        """Move the sums to memory that other processes see."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        start = group["initial_accumulator_value"]
        state["step"] = _new_step(group)
        state["sum"] = rl.full_like(param, complex(start, start) if rl.is_complex(param) else start)

    def _recipe(self, group: Group) -> Recipe | None:
        lr, lr_decay, decay, eps = (group[key] for key in ("lr", "lr_decay", "weight_decay", "eps"))
        if not are_numbers(lr, lr_decay, decay, eps):
            return None
        maximize = group["maximize"]

        def run(step: float, p: Any, g: Any, total: Any) -> None:
            steps.adagrad(
                p, g, total, step=step, lr=lr, lr_decay=lr_decay, weight_decay=decay, eps=eps, maximize=maximize
            )

        return Recipe("Adagrad.step", ("sum",), run)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        state["step"] += 1
        step = state["step"].item()
        if group["weight_decay"] != 0:
            if grad.is_sparse:
                raise RuntimeError("weight_decay option is not compatible with sparse gradients")
            grad = grad.add(param, alpha=group["weight_decay"])
        size = _to_scalar(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        if grad.is_sparse:
            grad = grad.coalesce()
            values = grad._values()
            state["sum"].add_(grad.with_values(values * values))
            std = state["sum"][tuple(grad._indices())].sqrt_().add_(group["eps"])
            param.add_(grad.with_values(values / std), alpha=-_number(size))
            return
        state["sum"].addcmul_(grad, grad, value=1)
        root = state["sum"].sqrt()
        std = root + group["eps"] if group["differentiable"] else root.add_(group["eps"])
        param.addcdiv_(grad, std, value=-_number(size))
