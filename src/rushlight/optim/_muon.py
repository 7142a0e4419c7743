"""Muon: momentum whose matrix is made orthogonal before each step (Jordan et al., 2024)."""

from __future__ import annotations

import math
from typing import Any

import rushlight as rl

from .optimizer import Group, Parameterwise, ParamsT, Tensor, _check_lr, _number, _to_scalar, _without_grad

__all__ = ["Muon"]


def _orthogonalized(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """The nearest (half-)orthogonal matrix, roughly: all singular values come near 1.

    Newton-Schulz iteration ``X = a X + (b G + c G G) X`` with ``G = X X^T``. The quintic's coefficients
    are chosen for a steep slope at zero, not for convergence to 1 exactly. PyTorch iterates in bfloat16,
    which NumPy has not; in float32 the same comes out to within bfloat16's two to three digits.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if matrix.dim() != 2:
        raise ValueError("Input tensor gradient must be a 2D matrix")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    x = matrix.float()
    if x is matrix:
        x = matrix.clone()  # to be divided in place
    tall = matrix.size(0) > matrix.size(1)
    if tall:
        x = x.T
    x.div_(x.norm().clamp(min=eps))  # a spectral norm of at most 1
    for _ in range(steps):
        gram = x @ x.T
        x = rl.addmm(x, rl.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(Parameterwise):
    """Muon: ``param -= size * orthogonalized(momentum)``, for matrices; other parameters need another one.

    Args:
        params: matrices (two dimensions), ``(name, matrix)`` pairs or dicts of parameter groups.
        lr: learning rate.
        weight_decay: shrinks the parameters by ``lr * weight_decay``.
        momentum: decay of the mean gradient.
        nesterov: orthogonalize a mix of the gradient and its mean.
        ns_coefficients: the three coefficients of the quintic iteration.
        eps: floor of the norm that the matrix is divided by.
        ns_steps: number of iterations, below 100.
        adjust_lr_fn: ``"original"`` (or None): times ``sqrt(max(1, rows / columns))``;
            ``"match_rms_adamw"``: times ``0.2 * sqrt(max(rows, columns))``.

    Raises ValueError for parameters that are no matrices and for options out of range.

    >>> import rushlight as torch
    >>> p = torch.ones(2, 2, requires_grad=True)
    >>> optimizer = torch.optim.Muon([p], lr=0.1)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> bool((p < 1).all())
    True
    """

    _real_views = False

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        _check_lr(lr, "Learning rate should be >= 0 but is: {}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn is not None and adjust_lr_fn not in ("original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}"
                    )

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
            raise RuntimeError("Muon does not support complex parameters")
        state["momentum_buffer"] = rl.zeros_like(param.grad)

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        lr, momentum, buf = _to_scalar(group["lr"]), group["momentum"], state["momentum_buffer"]
        if grad.dim() != 2:
            raise ValueError("Param gradient must be a 2D matrix")
        buf.lerp_(grad, 1 - momentum)
        update = grad.lerp(buf, momentum) if group["nesterov"] else buf
        update = _orthogonalized(update, group["ns_coefficients"], group["ns_steps"], group["eps"])

        rows, columns = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            size = lr * (0.2 * math.sqrt(max(rows, columns)))
        else:
            size = lr * math.sqrt(max(1, rows / columns))
        param.mul_(1 - lr * group["weight_decay"])
        param.add_(update, alpha=-_number(size))
