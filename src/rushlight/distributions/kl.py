"""Kullback-Leibler divergences in closed form: a table by pairs of classes.

``kl_divergence(p, q)`` looks up the most special entry that fits. The formulas are integrals of ``p log(p / q)``: for
exponential families by their log normalizers (Nielsen and Nock 2010), for normal vectors by their factors.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from math import inf
from typing import Any

import rushlight as torch
from rushlight import Tensor

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal, _low_rank_logdet, _low_rank_mahalanobis
from .multivariate_normal import MultivariateNormal, _batch_mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import _sum_rightmost
from .utils import euler_constant as EULER

__all__ = ["kl_divergence", "register_kl"]

_KL_REGISTRY: dict[tuple[type, type], Callable[..., Any]] = {}
_KL_MEMOIZE: dict[tuple[type, type], Any] = {}


def register_kl(type_p: Any, type_q: Any) -> Callable[[Any], Any]:
    """Register a function of ``(p, q)`` for pairs of these classes and their subclasses.

    >>> from rushlight.distributions import Normal, register_kl
    >>> class Mine(Normal):
    ...     pass
    >>> @register_kl(Mine, Mine)
    ... def kl_mine(p, q):
    ...     return p.loc - q.loc
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(given, type):  # any class: libraries have distributions that are no subclass of ours
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def register(function: Any) -> Any:
        _KL_REGISTRY[type_p, type_q] = function
        _KL_MEMOIZE.clear()
        return function

    return register


def _depths(found: type, given: type) -> int:
    """How far up the ancestors of ``given`` a class stands."""
    return given.__mro__.index(found)


def _dispatch_kl(type_p: type, type_q: type) -> Any:
    """The entry that is most special, first by p; a warning where by q another is."""
    fitting = [(a, b) for a, b in _KL_REGISTRY if issubclass(type_p, a) and issubclass(type_q, b)]
    if not fitting:
        return NotImplemented
    by_p = min(fitting, key=lambda m: (_depths(m[0], type_p), _depths(m[1], type_q)))
    by_q = min(fitting, key=lambda m: (_depths(m[1], type_q), _depths(m[0], type_p)))
    chosen = _KL_REGISTRY[by_p]
    if chosen is not _KL_REGISTRY[by_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl({by_p[0].__name__}, "
            f"{by_q[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return chosen


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The mean, under ``p``, of ``log p(x) - log q(x)``. Raises NotImplementedError for pairs that have no formula.

    >>> import rushlight as torch
    >>> d = torch.distributions
    >>> d.kl_divergence(d.Normal(0.0, 1.0), d.Normal(1.0, 1.0))
    tensor(0.5000)
    """
    key = type(p), type(q)
    if key not in _KL_MEMOIZE:
        _KL_MEMOIZE[key] = _dispatch_kl(*key)
    function = _KL_MEMOIZE[key]
    if function is NotImplemented:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type {q.__class__.__name__}"
        )
    made: Tensor = function(p, q)
    return made


# ---- helpers


def _infinite_like(x: Any) -> Any:
    return torch.full_like(x, inf)


def _x_log_x(x: Any) -> Any:
    return torch.special.xlogy(x, x)


def _trace_xxt(x: Any) -> Any:
    """The trace of ``x x^T`` of matrices."""
    return x.pow(2).sum((-2, -1))


def _infinite_where(value: Any, condition: Any) -> Any:
    value[condition] = inf
    return value


# ---- of one kind with itself


@register_kl(Bernoulli, Bernoulli)
def _(p: Any, q: Any) -> Any:
    softplus = torch.nn.functional.softplus
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    one[q.probs == 0] = inf
    one[p.probs == 0] = 0
    none = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    none[q.probs == 1] = inf
    none[p.probs == 1] = 0
    return one + none


@register_kl(Beta, Beta)
def _(p: Any, q: Any) -> Any:
    total_p, total_q = p.concentration1 + p.concentration0, q.concentration1 + q.concentration0
    own = q.concentration1.lgamma() + q.concentration0.lgamma() + total_p.lgamma()
    other = p.concentration1.lgamma() + p.concentration0.lgamma() + total_q.lgamma()
    first = (p.concentration1 - q.concentration1) * torch.digamma(p.concentration1)
    second = (p.concentration0 - q.concentration0) * torch.digamma(p.concentration0)
    return own - other + first + second + (total_q - total_p) * torch.digamma(total_p)


@register_kl(Binomial, Binomial)
def _(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    found = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    more = p.total_count > q.total_count
    found[more] = _infinite_like(found[more])
    return found


@register_kl(Categorical, Categorical)
def _(p: Any, q: Any) -> Any:
    t = p.probs * (p.logits - q.logits)
    t[(q.probs == 0).expand_as(t)] = inf
    t[(p.probs == 0).expand_as(t)] = 0
    return t.sum(-1)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _(p: Any, q: Any) -> Any:
    own = p._cont_bern_log_norm() + torch.log1p(-p.probs)
    return p.mean * (p.logits - q.logits) + own - q._cont_bern_log_norm() - torch.log1p(-q.probs)


@register_kl(Dirichlet, Dirichlet)
def _(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total_a, total_b = a.sum(-1), b.sum(-1)
    norms = total_a.lgamma() - total_b.lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norms + ((a - b) * (a.digamma() - total_a.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p: Any, q: Any) -> Any:
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman divergences"
        )
    own = [x.detach().requires_grad_() for x in p._natural_params]
    other = q._natural_params
    normalizer = p._log_normalizer(*own)
    gradients = torch.autograd.grad(normalizer.sum(), own, create_graph=True)
    result = q._log_normalizer(*other) - normalizer
    for a, b, g in zip(own, other, gradients, strict=True):
        result = result - _sum_rightmost((b - a) * g, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _(p: Any, q: Any) -> Any:
    rates = q.concentration * (p.rate / q.rate).log()
    norms = torch.lgamma(q.concentration) - torch.lgamma(p.concentration)
    shapes = (p.concentration - q.concentration) * torch.digamma(p.concentration)
    return rates + norms + shapes + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Gumbel, Gumbel)
def _(p: Any, q: Any) -> Any:
    ratio, to, of = p.scale / q.scale, q.loc / q.scale, p.loc / q.scale
    return -ratio.log() - to + of + ratio * EULER + torch.exp(to + (1 + ratio).lgamma() - of) - (1 + EULER)


@register_kl(Geometric, Geometric)
def _(p: Any, q: Any) -> Any:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _(p: Any, q: Any) -> Any:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * torch.exp(-distance / p.scale) - 1


@register_kl(Normal, Normal)
def _(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p: Any, q: Any) -> Any:
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Pareto, Pareto)
def _(p: Any, q: Any) -> Any:
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _infinite_where(result, p.support.lower_bound < q.support.lower_bound)


@register_kl(Poisson, Poisson)
def _(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _(p: Any, q: Any) -> Any:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return _infinite_where(result, (q.low > p.low) | (q.high < p.high))


@register_kl(Cauchy, Cauchy)
def _(p: Any, q: Any) -> Any:
    # Chyzak and Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy distributions" (2019)
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ---- normal vectors


def _same_event(p: Any, q: Any, kind: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two (batches of) {kind} with different event shapes cannot be computed"
        )


@register_kl(MultivariateNormal, MultivariateNormal)
def _(p: Any, q: Any) -> Any:
    _same_event(p, q, "Multivariate Normals")
    L, M = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    half_log = M.diagonal(dim1=-2, dim2=-1).log().sum(-1) - L.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    batch = torch.broadcast_shapes(M.shape[:-2], L.shape[:-2])
    n = p.event_shape[0]
    wide_L, wide_M = L.expand(batch + (n, n)), M.expand(batch + (n, n))
    trace = _trace_xxt(torch.linalg.solve_triangular(wide_M, wide_L, upper=False))
    return half_log + 0.5 * (trace + _batch_mahalanobis(M, q.loc - p.loc) - n)


def _low_rank_terms(q: Any, p: Any) -> Any:
    """The distance of the means under ``q``, of a low-rank covariance."""
    W, D = q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag
    return _low_rank_mahalanobis(W, D, q.loc - p.loc, q._capacitance_tril)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _(p: Any, q: Any) -> Any:
    _same_event(p, q, "Low Rank Multivariate Normals")
    logs = _low_rank_logdet(
        q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag, q._capacitance_tril
    ) - _low_rank_logdet(p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag, p._capacitance_tril)
    # the trace of q's inverse times p's covariance, by Woodbury's formula
    scaled = q._unbroadcasted_cov_factor.mT / q._unbroadcasted_cov_diag.unsqueeze(-2)
    A = torch.linalg.solve_triangular(q._capacitance_tril, scaled, upper=False)
    root = q._unbroadcasted_cov_diag.rsqrt().unsqueeze(-1)
    trace = (
        (p._unbroadcasted_cov_diag / q._unbroadcasted_cov_diag).sum(-1)
        + _trace_xxt(p._unbroadcasted_cov_factor * root)
        - _trace_xxt(A * p._unbroadcasted_cov_diag.sqrt().unsqueeze(-2))
        - _trace_xxt(A.matmul(p._unbroadcasted_cov_factor))
    )
    return 0.5 * (logs + trace + _low_rank_terms(q, p) - p.event_shape[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _(p: Any, q: Any) -> Any:
    _same_event(p, q, "(Low Rank) Multivariate Normals")
    logs = _low_rank_logdet(
        q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag, q._capacitance_tril
    ) - 2 * p._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    scaled = q._unbroadcasted_cov_factor.mT / q._unbroadcasted_cov_diag.unsqueeze(-2)
    A = torch.linalg.solve_triangular(q._capacitance_tril, scaled, upper=False)
    root = q._unbroadcasted_cov_diag.rsqrt().unsqueeze(-1)
    trace = _trace_xxt(p._unbroadcasted_scale_tril * root) - _trace_xxt(A.matmul(p._unbroadcasted_scale_tril))
    return 0.5 * (logs + trace + _low_rank_terms(q, p) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _(p: Any, q: Any) -> Any:
    _same_event(p, q, "(Low Rank) Multivariate Normals")
    M = q._unbroadcasted_scale_tril
    logs = 2 * M.diagonal(dim1=-2, dim2=-1).log().sum(-1) - _low_rank_logdet(
        p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag, p._capacitance_tril
    )
    batch = torch.broadcast_shapes(M.shape[:-2], p._unbroadcasted_cov_factor.shape[:-2])
    n = p.event_shape[0]
    wide = M.expand(batch + (n, n))
    factor = p._unbroadcasted_cov_factor.expand(batch + (n, p.cov_factor.size(-1)))
    diagonal = torch.diag_embed(p._unbroadcasted_cov_diag.sqrt()).expand(batch + (n, n))
    trace = _trace_xxt(torch.linalg.solve_triangular(wide, factor, upper=False)) + _trace_xxt(
        torch.linalg.solve_triangular(wide, diagonal, upper=False)
    )
    return 0.5 * (logs + trace + _batch_mahalanobis(M, q.loc - p.loc) - n)


# ---- pairs whose supports do not fit: infinite


def _never(value: Any) -> Any:
    def infinite(p: Any, q: Any) -> Any:
        return _infinite_like(value(p))

    return infinite


for _pair, _value in (
    ((Beta, (Pareto,)), lambda p: p.concentration1),
    ((ContinuousBernoulli, (Pareto,)), lambda p: p.probs),
    ((Exponential, (Beta, ContinuousBernoulli, Pareto, Uniform)), lambda p: p.rate),
    ((Gamma, (Beta, ContinuousBernoulli, Pareto, Uniform)), lambda p: p.concentration),
    ((Gumbel, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)), lambda p: p.loc),
    ((Laplace, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)), lambda p: p.loc),
    ((Normal, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)), lambda p: p.loc),
    ((Pareto, (Beta, ContinuousBernoulli, Uniform)), lambda p: p.scale),
    ((Poisson, (Bernoulli, Binomial)), lambda p: p.rate),
):
    for _other in _pair[1]:
        register_kl(_pair[0], _other)(_never(_value))


# ---- one kind against another


@register_kl(Bernoulli, Poisson)
def _(p: Any, q: Any) -> Any:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, ContinuousBernoulli)
def _(p: Any, q: Any) -> Any:
    return -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._cont_bern_log_norm()


@register_kl(Beta, Exponential)
def _(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
def _(p: Any, q: Any) -> Any:
    logs = p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    return -p.entropy() + norm - (q.concentration - 1) * logs + q.rate * p.mean


@register_kl(Beta, Normal)
def _(p: Any, q: Any) -> Any:
    mean, variance = p.mean, q.scale.pow(2)
    square = mean * (1 - mean) / (p.concentration1 + p.concentration0 + 1) + mean.pow(2)
    away = square * 0.5 - q.loc * mean + q.loc.pow(2) * 0.5
    return -p.entropy() + 0.5 * (variance * 2 * math.pi).log() + away / variance


@register_kl(Beta, Uniform)
def _(p: Any, q: Any) -> Any:
    result = -p.entropy() + (q.high - q.low).log()
    return _infinite_where(result, (q.low > p.support.lower_bound) | (q.high < p.support.upper_bound))


@register_kl(ContinuousBernoulli, Exponential)
def _(p: Any, q: Any) -> Any:
    return -p.entropy() - torch.log(q.rate) + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def _(p: Any, q: Any) -> Any:
    norm = 0.5 * (math.log(2.0 * math.pi) + torch.square(q.loc / q.scale)) + torch.log(q.scale)
    away = (p.variance + torch.square(p.mean) - 2.0 * q.loc * p.mean) / (2.0 * torch.square(q.scale))
    return -p.entropy() + norm + away


@register_kl(ContinuousBernoulli, Uniform)
def _(p: Any, q: Any) -> Any:
    result = -p.entropy() + (q.high - q.low).log()
    outside = torch.max(torch.ge(q.low, p.support.lower_bound), torch.le(q.high, p.support.upper_bound))
    return torch.where(outside, torch.ones_like(result) * inf, result)


@register_kl(Exponential, Gamma)
def _(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    shape = q.concentration
    return -shape * torch.log(ratio) + ratio + torch.lgamma(shape) + shape * EULER - (1 + EULER)


@register_kl(Exponential, Gumbel)
def _(p: Any, q: Any) -> Any:
    product, place = p.rate * q.scale, q.loc / q.scale
    return product.log() - 1 - place + torch.exp(place) * product / (product + 1) + product.reciprocal()


@register_kl(Exponential, Normal)
def _(p: Any, q: Any) -> Any:
    variance, square = q.scale.pow(2), p.rate.pow(2)
    away = square.reciprocal() - q.loc / p.rate + 0.5 * q.loc.pow(2)
    return 0.5 * torch.log(square * variance * 2 * math.pi) - 1 + away / variance


@register_kl(Gamma, Exponential)
def _(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Gamma, Gumbel)
def _(p: Any, q: Any) -> Any:
    product, place, shape = p.rate * q.scale, q.loc / q.scale, p.concentration
    own = (shape - 1) * shape.digamma() - shape.lgamma() - shape
    return own + product.log() + shape / product + torch.exp(place) * (1 + product.reciprocal()).pow(-shape) - place


@register_kl(Gamma, Normal)
def _(p: Any, q: Any) -> Any:
    variance, square, shape = q.scale.pow(2), p.rate.pow(2), p.concentration
    own = 0.5 * torch.log(square * variance * 2 * math.pi) - shape - shape.lgamma()
    away = 0.5 * (shape.pow(2) + shape) / square - q.loc * shape / p.rate + 0.5 * q.loc.pow(2)
    return own + (shape - 1) * shape.digamma() + away / variance


@register_kl(Gumbel, Normal)
def _(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    spread = (math.pi * ratio * 0.5).pow(2) / 3
    away = ((p.loc + p.scale * EULER - q.loc) / q.scale).pow(2) * 0.5
    return -(ratio / math.sqrt(2 * math.pi)).log() + spread + away - (EULER + 1)


@register_kl(Laplace, Normal)
def _(p: Any, q: Any) -> Any:
    variance = q.scale.pow(2)
    ratio = p.scale.pow(2) / variance
    away = 0.5 * p.loc.pow(2) - p.loc * q.loc + 0.5 * q.loc.pow(2)
    return -0.5 * torch.log(2 * ratio / math.pi) + ratio + away / variance - 1


@register_kl(Normal, Gumbel)
def _(p: Any, q: Any) -> Any:
    mean, place, ratio = p.loc / q.scale, q.loc / q.scale, (p.scale / q.scale).pow(2)
    tail = torch.exp(-mean + 0.5 * ratio + place)
    return -ratio.log() * 0.5 + mean - place + tail - (0.5 * (1 + math.log(2 * math.pi)))


@register_kl(Normal, Laplace)
def _(p: Any, q: Any) -> Any:
    away = p.loc - q.loc
    place = away / p.scale
    mean = math.sqrt(2 / math.pi) * p.scale * torch.exp(-0.5 * place.pow(2)) + away * torch.erf(math.sqrt(0.5) * place)
    return -torch.log(p.scale / q.scale) + mean / q.scale - (0.5 * (1 + math.log(0.5 * math.pi)))


@register_kl(Pareto, Exponential)
def _(p: Any, q: Any) -> Any:
    product = p.scale * q.rate
    result = (p.alpha / product).log() - p.alpha.reciprocal() + p.alpha * product / (p.alpha - 1) - 1
    return _infinite_where(result, p.alpha <= 1)


@register_kl(Pareto, Gamma)
def _(p: Any, q: Any) -> Any:
    log_mean = p.scale.log() + p.alpha.reciprocal()
    norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    mean = q.rate * p.alpha * p.scale / (p.alpha - 1)
    result = p.alpha.log() - log_mean + norm + (1 - q.concentration) * log_mean + mean - 1
    return _infinite_where(result, p.alpha <= 1)


@register_kl(Pareto, Normal)
def _(p: Any, q: Any) -> Any:
    share = p.scale / (p.alpha - 1)
    own = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log() - p.alpha.reciprocal()
    away = p.alpha * share.pow(2) / (p.alpha - 2) + (p.alpha * share - q.loc).pow(2)
    result = own + away / (2 * q.scale.pow(2)) - 1
    return _infinite_where(result, p.alpha <= 2)


def _mean_log(low: Any, high: Any) -> Any:
    """The mean of log x over an interval."""
    width = high - low
    return (_x_log_x(high) - _x_log_x(low) - width) / width


@register_kl(Uniform, Beta)
def _(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    norm = a.lgamma() + b.lgamma() - (a + b).lgamma()
    logs = (a - 1) * _mean_log(p.low, p.high) + (b - 1) * _mean_log(1 - p.high, 1 - p.low)
    result = norm - torch.log(p.high - p.low) - logs
    return _infinite_where(result, (p.high > q.support.upper_bound) | (p.low < q.support.lower_bound))


@register_kl(Uniform, ContinuousBernoulli)
def _(p: Any, q: Any) -> Any:
    result = -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._cont_bern_log_norm()
    outside = torch.max(torch.ge(p.high, q.support.upper_bound), torch.le(p.low, q.support.lower_bound))
    return torch.where(outside, torch.ones_like(result) * inf, result)


@register_kl(Uniform, Exponential)
def _(p: Any, q: Any) -> Any:
    result = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return _infinite_where(result, p.low < q.support.lower_bound)


@register_kl(Uniform, Gamma)
def _(p: Any, q: Any) -> Any:
    norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    logs = (1 - q.concentration) * _mean_log(p.low, p.high)
    result = -(p.high - p.low).log() + norm + logs + q.rate * (p.high + p.low) / 2
    return _infinite_where(result, p.low < q.support.lower_bound)


@register_kl(Uniform, Gumbel)
def _(p: Any, q: Any) -> Any:
    share = q.scale / (p.high - p.low)
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return share.log() + 0.5 * (high + low) - share * (torch.exp(-high) - torch.exp(-low))


@register_kl(Uniform, Normal)
def _(p: Any, q: Any) -> Any:
    width = p.high - p.low
    away = width.pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)
    return (math.sqrt(math.pi * 2) * q.scale / width).log() + 0.5 * away / q.scale.pow(2)


@register_kl(Uniform, Pareto)
def _(p: Any, q: Any) -> Any:
    density = (q.alpha * q.scale.pow(q.alpha) * (p.high - p.low)).log()
    result = _mean_log(p.low, p.high) * (q.alpha + 1) - density
    return _infinite_where(result, p.low < q.support.lower_bound)
