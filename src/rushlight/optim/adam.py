"""Adam, with AMSGrad, and with weight decay in the gradient or (AdamW) beside it.

Kingma and Ba, 2015; Reddi, Kale and Kumar, 2018; Loshchilov and Hutter, 2019.
"""

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
    _check_betas,
    _check_fused,
    _check_fused_param,
    _check_lr,
    _check_not_negative,
    _new_step,
    _number,
    _set_group_defaults,
    _step_as_tensor,
    _to_scalar,
    _wants_grad,
)

__all__ = ["Adam"]


class Adam(Parameterwise):
    """Adam: steps of the mean gradient over the root of its mean square, both corrected for their start.

    ``m = beta1 * m + (1 - beta1) * grad``, ``v = beta2 * v + (1 - beta2) * grad ** 2`` and
    ``param -= lr / (1 - beta1 ** t) * m / (sqrt(v / (1 - beta2 ** t)) + eps)``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: learning rate; a number or a one-element tensor.
        betas: decay of the mean and of the mean square; both floats or both tensors.
        eps: added to the root in the denominator.
        weight_decay: adds ``weight_decay * param`` to the gradient.
        amsgrad: divide by the greatest ``v`` so far.
        foreach, fused: ``True`` asks for one pass over the memory, which is what happens anyway.
        maximize: climb instead of descend.
        capturable: for accelerators only; a step on the CPU raises AssertionError.
        differentiable: record the step, so that gradients flow through it.
        decoupled_weight_decay: shrink ``param`` by ``lr * weight_decay`` instead (AdamW).

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adam([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.5000, 1.5000])
    """

    _sparse_advice = ", please consider SparseAdam instead"
    _sparse_name = "Adam"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, rl.Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        _check_lr(lr)
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        _check_betas(betas)
        _check_not_negative(weight_decay, "weight_decay")
        self._check_kinds_of_betas(betas, capturable, foreach)
        defaults = {
            "lr": lr,
            "betas": tuple(map(_to_scalar, betas)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        _check_fused(fused, foreach, differentiable)

    @staticmethod
    def _check_kinds_of_betas(betas: Any, capturable: bool, foreach: bool | None) -> None:
        tensors = [isinstance(beta, rl.Tensor) for beta in betas]
        floats = [isinstance(beta, float) for beta in betas]
        if not (all(tensors) or all(floats)):
            raise ValueError("betas must be either both floats or both Tensors")
        for i, beta in enumerate(betas):
            if tensors[i] and not capturable and foreach:
                raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
            if tensors[i] and beta.numel() != 1:
                raise ValueError(f"Tensor betas[{i}] must be 1-element")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(
            self,
            amsgrad=False,
            maximize=False,
            foreach=None,
            capturable=False,
            differentiable=False,
            decoupled_weight_decay=False,
            fused=None,
        )
        _step_as_tensor(self)

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        if group["fused"]:
            _check_fused_param(param)
        state["step"] = _new_step(group)
        state["exp_avg"] = rl.zeros_like(param)
        state["exp_avg_sq"] = rl.zeros_like(param)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = rl.zeros_like(param)
        if group["differentiable"] and state["step"].requires_grad:
            raise RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")

    def _recipe(self, group: Group) -> Recipe | None:
        lr, eps, decay, (beta1, beta2) = (group[key] for key in ("lr", "eps", "weight_decay", "betas"))
        if not are_numbers(lr, eps, decay, beta1, beta2):
            return None
        decoupled, maximize = group["decoupled_weight_decay"], group["maximize"]

        def run(step: float, p: Any, g: Any, m: Any, v: Any, largest: Any = None) -> None:
            steps.adam(
                p,
                g,
                m,
                v,
                largest,
                step=step,
                lr=lr,
                beta1=beta1,
                beta2=beta2,
                eps=eps,
                weight_decay=decay,
                decoupled=decoupled,
                maximize=maximize,
            )

        greatest = ("max_exp_avg_sq",) if group["amsgrad"] else ()
        return Recipe(f"{type(self).__name__}.step", ("exp_avg", "exp_avg_sq", *greatest), run)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, weight_decay = _to_scalar(group["lr"]), group["weight_decay"]
        beta1, beta2 = group["betas"]
        own_beta1: Any = beta1.to(param.dtype) if isinstance(beta1, rl.Tensor) else beta1
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        state["step"] += 1

        if weight_decay != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * weight_decay)
            elif _wants_grad(weight_decay):
                grad = grad.addcmul(param.clone(), weight_decay)
            else:
                grad = grad.add(param, alpha=_number(weight_decay))

        exp_avg.lerp_(grad, 1 - own_beta1)
        if _wants_grad(beta2):
            exp_avg_sq.lerp_(rl.square(grad), 1 - beta2)
        else:
            exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=_number(1 - beta2))

        if group["differentiable"]:
            self._differentiable_update(param, state, group)
            return
        if group["amsgrad"]:
            exp_avg_sq = rl.maximum(state["max_exp_avg_sq"], exp_avg_sq, out=state["max_exp_avg_sq"])
        step = state["step"].item()
        step_size = lr / (1 - beta1**step)
        denom = (exp_avg_sq.sqrt() / (1 - beta2**step) ** 0.5).add_(group["eps"])
        param.addcdiv_(exp_avg, denom, value=-_number(step_size))

    @staticmethod
    def _differentiable_update(param: Tensor, state: dict[str, Any], group: Group) -> None:
        """The same with nothing overwritten that backward needs, and the step size in the denominator.

        Tensors that change at each step are cloned where they are saved; ``addcdiv`` takes no tensor
        as its factor, so that the step size, which may be one, goes to the other side.
        """
        lr, exp_avg, exp_avg_sq = _to_scalar(group["lr"]), state["exp_avg"], state["exp_avg_sq"]
        step = state["step"]
        correction1, correction2 = (
            1 - beta ** (step.clone() if _wants_grad(beta) else step) for beta in group["betas"]
        )
        negative_size = (lr / correction1).neg()
        if group["amsgrad"]:
            greatest = state["max_exp_avg_sq"]
            greatest.copy_(rl.maximum(greatest.clone(), exp_avg_sq))
            exp_avg_sq = greatest
        denom = (exp_avg_sq.sqrt() / (correction2.sqrt() * negative_size)).add_(group["eps"] / negative_size)
        param.addcdiv_(exp_avg.clone(), denom)
