"""Exponential families: density ``h(x) exp(<natural parameters, t(x)> - log normalizer)``."""

from __future__ import annotations

from typing import Any

import rushlight as torch
from rushlight import Tensor

from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A distribution that tells its natural parameters and its log normalizer, from which entropy and divergence follow.

    (Nielsen and Nock, "Entropies and cross-entropies of exponential families", 2010.)
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        """The mean of log h(x)."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """By the gradient of the log normalizer."""
        natural = [p.detach().requires_grad_() for p in self._natural_params]
        log_normalizer = self._log_normalizer(*natural)
        gradients = torch.autograd.grad(log_normalizer.sum(), natural, create_graph=True)
        result = -self._mean_carrier_measure + log_normalizer
        for p, g in zip(natural, gradients, strict=True):
            result = result - (p * g).reshape(tuple(self._batch_shape) + (-1,)).sum(-1)
        return result
