"""NAdam: Adam with Nesterov's momentum (Dozat, 2016)."""

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
    _refuse_capturable,
    _scalar_dtype,
    _set_group_defaults,
    _step_as_tensor,
    _to_scalar,
)

__all__ = ["NAdam"]


class NAdam(Parameterwise):
    """Adam that looks ahead: its step mixes gradient and mean gradient, with a momentum that warms up.

    ``mu_t = beta1 * (1 - 0.96 ** (t * momentum_decay) / 2)`` and ``M_t = mu_1 * ... * mu_t`` weigh them:
    ``param -= lr * ((1 - mu_t) / (1 - M_t) * grad + mu_{t+1} / (1 - M_{t+1}) * m) / denom`` with
    ``denom = sqrt(v / (1 - beta2 ** t)) + eps``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: learning rate; a number or a one-element tensor.
        betas: decay of the mean and of the mean square.
        eps: added to the root in the denominator.
        weight_decay: adds ``weight_decay * param`` to the gradient.
        momentum_decay: how fast the momentum reaches ``beta1``.
        decoupled_weight_decay: shrink ``param`` by ``lr * weight_decay`` instead.
        foreach: ``True`` asks for one pass over the memory.
        maximize: climb instead of descend.
        capturable: for accelerators only; a step on the CPU raises AssertionError.
        differentiable: record the step, so that gradients flow through it.

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.NAdam([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool(p < 1)
    True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check_lr(lr)
        _check_not_negative(eps, "epsilon")
        _check_betas(betas)
        _check_not_negative(weight_decay, "weight_decay")
        _check_not_negative(momentum_decay, "momentum_decay")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(
            self,
            maximize=False,
            foreach=None,
            capturable=False,
            differentiable=False,
            decoupled_weight_decay=False,
        )
        _step_as_tensor(self, "mu_product")

    def _refuse_capturable(self) -> None:
        _refuse_capturable("params, mu_products and state_steps")

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        state["step"] = _new_step(group)
        state["mu_product"] = rl.ones((), dtype=_scalar_dtype())
        state["exp_avg"] = rl.zeros_like(param)
        state["exp_avg_sq"] = rl.zeros_like(param)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, (beta1, beta2), eps = _to_scalar(group["lr"]), group["betas"], group["eps"]
        exp_avg, exp_avg_sq, mu_product = state["exp_avg"], state["exp_avg_sq"], state["mu_product"]
        state["step"] += 1
        step = state["step"].item()

        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(param, alpha=group["weight_decay"])

        decay = group["momentum_decay"]
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (step * decay)))
        mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * decay)))
        mu_product *= mu
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denom = exp_avg_sq.div(1 - beta2**step).sqrt()

        if group["differentiable"]:
            denom = denom.add(eps)
            grad = grad * (-lr * (1.0 - mu) / (1.0 - mu_product))
            exp_avg = exp_avg * (-lr * mu_next / (1.0 - mu_product * mu_next))
            param.addcdiv_(grad, denom)
            param.addcdiv_(exp_avg, denom)
        else:
            product = mu_product.item()
            denom.add_(eps)
            param.addcdiv_(grad, denom, value=_number(-lr * (1.0 - mu) / (1.0 - product)))
            param.addcdiv_(exp_avg, denom, value=_number((-lr * mu_next) / (1.0 - product * mu_next)))
