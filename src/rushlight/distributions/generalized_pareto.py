"""The generalized Pareto distribution."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import rushlight as torch
from rushlight import Size, Tensor

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """The distribution of what exceeds a high threshold ``loc``: of ``scale`` and shape ``concentration``.

    >>> import rushlight as torch
    >>> torch.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    _event_dims = {"loc": 0, "scale": 0, "concentration": 0}

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def _z(self, x: Any) -> Any:
        return (x - self.loc) / self.scale

    def _flat(self) -> tuple[Any, Any]:
        """Where the shape is 0 (the exponential distribution), and the shape made safe to divide by there."""
        flat = torch.isclose(self.concentration, torch.zeros_like(self.concentration))
        return flat, torch.where(flat, torch.ones_like(self.concentration), self.concentration)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        flat, safe = self._flat()
        y = 1 / safe + torch.ones_like(z)
        where_nonzero = torch.where(y == 0, y, y * torch.log1p(safe * z))
        return -self.scale.log() - torch.where(flat, z, where_nonzero)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of more than ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        flat, safe = self._flat()
        return torch.where(flat, -z, -torch.log1p(safe * z) / safe)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of the cumulative probability."""
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return torch.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        flat, safe = self._flat()
        log_rest = torch.log1p(-value)
        return torch.where(
            flat, self.loc - self.scale * log_rest, self.loc + self.scale * torch.expm1(-safe * log_rest) / safe
        )

    @property
    def mean(self) -> Tensor:
        c = self.concentration
        finite = c < 1
        safe = torch.where(finite, c, 0.5)
        return torch.where(finite, self.loc + self.scale / (1 - safe), nan)

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        finite = c < 0.5
        safe = torch.where(finite, c, 0.25)
        return torch.where(finite, self.scale**2 / ((1 - safe) ** 2 * (1 - 2 * safe)), nan)

    def entropy(self) -> Tensor:
        return torch.broadcast_to(torch.log(self.scale) + self.concentration + 1, self._batch_shape)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        low = self.loc
        high = torch.where(self.concentration < 0, low - self.scale / self.concentration, inf)
        return constraints.interval(low, high)
