"""Gamma and Dirichlet numbers that can be differentiated towards their parameters.

A draw x of distribution function F(x; a) moves with a by -(dF/da) / f(x) (implicit reparameterization, Figurnov et al.
2018). With t = x exp(-v) on one side of x and its mirror image on the other, both are integrals over v > 0 of a smooth
positive weight times a slowly varying term; the side that does not cancel is summed by the exp-sinh rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.declare import operator
from .._core.tensor import Tensor
from . import random
from .without import NO_NODE, no_formula

_T = np.arange(-4.2, 3.4, 0.05)
NODES = np.exp(0.5 * np.pi * np.sinh(_T))
WEIGHTS = 0.05 * 0.5 * np.pi * np.cosh(_T) * NODES


def integral(exponent: Any, factor: Any) -> Any:
    """The integral over v > 0 of exp(exponent(v)) * factor(v), for arrays with a last dimension for v."""
    found = np.exp(exponent) * factor
    return np.where(np.isfinite(found), found, 0) @ WEIGHTS


def digamma(x: Any) -> Any:
    from .._kernels import gamma

    return gamma.digamma(x)


def gamma_slope(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx / d alpha of gamma numbers ``x``."""
    a, y = (np.asarray(v, np.float64)[..., None] for v in np.broadcast_arrays(alpha, x))
    v = NODES
    shift = digamma(a) - np.log(y)
    below = integral(-y * np.expm1(-v) - a * v, v + shift)
    above = integral(-y * np.expm1(v) + a * v, v - shift)
    return np.asarray(np.where(y[..., 0] <= a[..., 0], below, above) * y[..., 0], np.result_type(alpha))


def beta_slope(x: np.ndarray, alpha: np.ndarray, total: np.ndarray) -> np.ndarray:
    """dx / d alpha over 1 - x, of ``x``, a coordinate of Dirichlet numbers of parameter ``alpha`` out of ``total``."""
    y, a, s = (np.asarray(v, np.float64)[..., None] for v in np.broadcast_arrays(x, alpha, total))
    b, z, v = s - a, 1 - y, NODES
    shift = digamma(a) - digamma(s)
    left = -y * np.exp(-v)  # minus the points below x
    below = integral(-a * v + (b - 1) * (np.log1p(left) - np.log(z)), v - np.log(y) + shift) * y[..., 0]
    right = -z * np.exp(-v)
    above = integral(-b * v + (a - 1) * (np.log1p(right) - np.log(y)), np.log1p(right) - shift) * z[..., 0]
    return np.asarray(np.where(y[..., 0] <= (a / s)[..., 0], below, above) / z[..., 0], np.result_type(x))


@operator(batch=None)
def gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    return gamma_slope(input, output)  # type: ignore[arg-type, return-value]


def _standard_gamma_grad(self: Tensor, output: Tensor) -> Tensor:
    """The derivative of gamma numbers towards their shape parameter."""
    return gamma_grad(self, output)


@random.draws
@operator(batch=None, node="StandardGammaBackward0", input=lambda g, input, result: g * gamma_grad(input, result))
def gamma_of(input: Tensor, source: Any) -> Tensor:
    return random.kernels.standard_gamma(source, input)  # type: ignore[no-any-return]


def _standard_gamma(self: Tensor, generator: random.Generator | None = None) -> Tensor:
    """Gamma numbers of the shapes in ``self`` and rate 1, with a gradient towards the shapes."""
    return gamma_of(self, random.twister(generator, "_standard_gamma"))


@operator(batch=None)
def dirichlet_slope(input: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    return beta_slope(input, alpha, total)  # type: ignore[arg-type, return-value]


def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """The derivative of coordinates of Dirichlet numbers towards their parameters, over 1 - x."""
    return dirichlet_slope(x, alpha, total)


@random.draws
@operator(batch=None, node=NO_NODE, input=no_formula("_sample_dirichlet"))
def dirichlet_of(input: Tensor, source: Any) -> Tensor:
    return random.kernels.dirichlet(source, input)  # type: ignore[no-any-return]


def _sample_dirichlet(self: Tensor, generator: random.Generator | None = None) -> Tensor:
    """Dirichlet numbers of the concentrations in the last dimension of ``self``; its slope is ``_dirichlet_grad``."""
    return dirichlet_of(self, random.twister(generator, "_sample_dirichlet"))
