"""Stochastic gradient descent, plain or with (Nesterov's) momentum."""

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
    _number,
    _set_group_defaults,
    _to_scalar,
    _wants_grad,
)

__all__ = ["SGD"]


class SGD(Parameterwise):
    """Stochastic gradient descent: ``param -= lr * buf``, ``buf = momentum * buf + (1 - dampening) * grad``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of parameter groups.
        lr: learning rate; a number or a one-element tensor.
        momentum: the part of the last step that goes on; 0 keeps no state.
        dampening: what the gradient loses on its way into the momentum.
        weight_decay: adds ``weight_decay * param`` to the gradient.
        nesterov: step along ``grad + momentum * buf``; needs momentum and no dampening.
        maximize: climb instead of descend.
        foreach, fused: ``True`` asks for one pass over the memory, which is what happens anyway.
        differentiable: record the step, so that gradients flow through it.

    Raises ValueError for negative options. The form of momentum is that of Sutskever et al., 2013,
    with the learning rate outside of the buffer.

    >>> import rushlight as torch
    >>> p = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.SGD([p], lr=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([0.5000, 1.5000])
    """

    _real_views = False
    _accepts_sparse = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, rl.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        _check_fused(fused, foreach, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_group_defaults(self, nesterov=False, maximize=False, foreach=None, differentiable=False, fused=False)

    def _keeps_state(self, group: Group) -> bool:
        return bool(group["momentum"] != 0)

    def _recipe(self, group: Group) -> Recipe | None:
        lr, decay, momentum, dampening = (group[key] for key in ("lr", "weight_decay", "momentum", "dampening"))
        if not are_numbers(lr, decay, momentum, dampening):
            return None
        nesterov, maximize = group["nesterov"], group["maximize"]

        def run(first: bool, p: Any, g: Any, buffer: Any = None) -> None:
            steps.sgd(
                p,
                g,
                buffer,
                lr=lr,
                momentum=momentum,
                dampening=dampening,
                weight_decay=decay,
                nesterov=nesterov,
                maximize=maximize,
                first=first,
            )

        return Recipe("SGD.step", ("momentum_buffer",) if momentum != 0 else (), run, counts=False)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, weight_decay, momentum = _to_scalar(group["lr"]), group["weight_decay"], group["momentum"]

        if weight_decay != 0:
            if grad.is_sparse:
                raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
            if _wants_grad(weight_decay):
                grad = grad.addcmul(param.clone(), weight_decay)
            else:
                grad = grad.add(param, alpha=_number(weight_decay))

        if momentum != 0:
            buf = state.get("momentum_buffer")
            if buf is None:
                buf = state["momentum_buffer"] = grad.detach().clone()
            else:
                buf.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buf, alpha=momentum) if group["nesterov"] else buf

        if _wants_grad(lr):
            param.addcmul_(grad, lr, value=-1)
        else:
            param.add_(grad, alpha=-_number(lr))
