"""RMSprop: steps divided by the root of the mean square of the gradients (Hinton, Coursera, 2012)."""

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

__all__ = ["RMSprop"]


class RMSprop(Parameterwise):
    """RMSprop: ``v = alpha * v + (1 - alpha) * grad ** 2``, ``param -= lr * grad / (sqrt(v) + eps)``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: learning rate; a number or a one-element tensor.
        alpha: decay of the mean square.
        eps: added to the root in the denominator (outside of it).
        weight_decay: adds ``weight_decay * param`` to the gradient.
        momentum: the part of the last step that goes on.
        centered: subtract the squared mean from the mean square, which makes it a variance.
        capturable: for accelerators only; a step on the CPU raises AssertionError.
        foreach: ``True`` asks for one pass over the memory, which is what happens anyway.
        maximize: climb instead of descend.
        differentiable: record the step, so that gradients flow through it.

    Raises ValueError for negative options. Centered as in Graves, 2013.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.RMSprop([p], lr=0.05)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.5000])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check_lr(lr)
        _check_not_negative(eps, "epsilon")
        _check_not_negative(momentum, "momentum")
        _check_not_negative(weight_decay, "weight_decay")
        _check_not_negative(alpha, "alpha")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(
            self,
            momentum=0,
            centered=False,
            foreach=None,
            maximize=False,
            differentiable=False,
            capturable=False,
        )
        _step_as_tensor(self)

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        state["step"] = _new_step(group)
        state["square_avg"] = rl.zeros_like(param)
        if group["momentum"] > 0:
            state["momentum_buffer"] = rl.zeros_like(param)
        if group["centered"]:
            state["grad_avg"] = rl.zeros_like(param)

    def _recipe(self, group: Group) -> Recipe | None:
        lr, alpha, eps, decay, momentum = (group[key] for key in ("lr", "alpha", "eps", "weight_decay", "momentum"))
        if not are_numbers(lr, alpha, eps, decay, momentum):
            return None
        centered, maximize = group["centered"], group["maximize"]

        def run(step: float, p: Any, g: Any, v: Any, *others: Any) -> None:
            steps.rmsprop(
                p,
                g,
                v,
                others[0] if centered else None,
                others[-1] if momentum > 0 else None,
                lr=lr,
                alpha=alpha,
                eps=eps,
                weight_decay=decay,
                momentum=momentum,
                maximize=maximize,
            )

        others = [("grad_avg", centered), ("momentum_buffer", momentum > 0)]
        return Recipe("RMSprop.step", ("square_avg", *(key for key, used in others if used)), run)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, alpha, square_avg = _to_scalar(group["lr"]), group["alpha"], state["square_avg"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            grad_avg = state["grad_avg"]
            grad_avg.lerp_(grad, 1 - alpha)
            root = square_avg.addcmul(grad_avg, grad_avg, value=-1).sqrt_()
        else:
            root = square_avg.sqrt()
        root = root.add(group["eps"]) if group["differentiable"] else root.add_(group["eps"])
        if group["momentum"] > 0:
            buf = state["momentum_buffer"]
            buf.mul_(group["momentum"]).addcdiv_(grad, root)
            param.add_(buf, alpha=-_number(lr))
        else:
            param.addcdiv_(grad, root, value=-_number(lr))
