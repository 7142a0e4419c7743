"""Distributions to test, each made from library-neutral parameters: ``(name, make(lib, tensor), a value)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

V = np.array
POSITIVE = V([0.7, 1.6, 3.2])
REAL = V([-0.8, 0.3, 1.7])
UNIT = V([0.15, 0.5, 0.8])
SIMPLEX = V([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
SPD = V([[2.0, 0.5, 0.1], [0.5, 1.5, -0.3], [0.1, -0.3, 1.0]])
TRIL = np.linalg.cholesky(SPD)

# name: (class, parameters, keywords of other kinds, a value in the support)
Case = tuple[str, dict[str, Any], dict[str, Any], Any]
CASES: dict[str, Case] = {
    "normal": ("Normal", {"loc": REAL, "scale": POSITIVE}, {}, V([0.1, -2.0, 1.5])),
    "uniform": ("Uniform", {"low": REAL, "high": REAL + POSITIVE}, {}, REAL + 0.5 * POSITIVE),
    "exponential": ("Exponential", {"rate": POSITIVE}, {}, V([0.1, 2.0, 1.5])),
    "laplace": ("Laplace", {"loc": REAL, "scale": POSITIVE}, {}, V([0.1, -2.0, 1.5])),
    "cauchy": ("Cauchy", {"loc": REAL, "scale": POSITIVE}, {}, V([0.1, -2.0, 1.5])),
    "gamma": ("Gamma", {"concentration": POSITIVE, "rate": V([2.0, 0.5, 1.0])}, {}, V([0.1, 2.0, 1.5])),
    "chi2": ("Chi2", {"df": POSITIVE}, {}, V([0.1, 2.0, 1.5])),
    "dirichlet": ("Dirichlet", {"concentration": SIMPLEX * 8}, {}, SIMPLEX[::-1].copy()),
    "beta": ("Beta", {"concentration1": POSITIVE, "concentration0": V([2.0, 1.5, 0.9])}, {}, UNIT),
    "bernoulli": ("Bernoulli", {"probs": UNIT}, {}, V([1.0, 0.0, 1.0])),
    "bernoulli logits": ("Bernoulli", {"logits": REAL}, {}, V([1.0, 0.0, 1.0])),
    "continuous_bernoulli": ("ContinuousBernoulli", {"probs": V([0.15, 0.4, 0.8])}, {}, UNIT),
    "continuous_bernoulli middle": ("ContinuousBernoulli", {"probs": V([0.5, 0.4999, 0.501])}, {}, UNIT),
    "binomial": ("Binomial", {"probs": UNIT}, {"total_count": 5}, V([1.0, 0.0, 4.0])),
    "binomial logits": ("Binomial", {"logits": REAL}, {"total_count": 5}, V([1.0, 5.0, 4.0])),
    "negative_binomial": ("NegativeBinomial", {"total_count": POSITIVE, "probs": UNIT}, {}, V([1.0, 0.0, 4.0])),
    "geometric": ("Geometric", {"probs": UNIT}, {}, V([1.0, 0.0, 4.0])),
    "poisson": ("Poisson", {"rate": V([0.7, 3.0, 25.0])}, {}, V([1.0, 0.0, 24.0])),
    "categorical": ("Categorical", {"probs": SIMPLEX}, {}, V([2, 0])),
    "categorical logits": ("Categorical", {"logits": np.log(SIMPLEX) + 1}, {}, V([2, 0])),
    "one_hot_categorical": ("OneHotCategorical", {"probs": SIMPLEX}, {}, V([[0.0, 1, 0], [1, 0, 0]])),
    "one_hot_categorical straight": (
        "OneHotCategoricalStraightThrough",
        {"probs": SIMPLEX},
        {},
        V([[0.0, 1, 0], [1, 0, 0]]),
    ),
    "multinomial": ("Multinomial", {"probs": SIMPLEX}, {"total_count": 4}, V([[1.0, 2, 1], [3, 0, 1]])),
    "studentT": ("StudentT", {"df": V([0.8, 1.6, 5.0]), "loc": REAL, "scale": POSITIVE}, {}, V([0.1, -2.0, 1.5])),
    "fishersnedecor": ("FisherSnedecor", {"df1": POSITIVE, "df2": V([5.0, 1.0, 3.0])}, {}, V([0.1, 2.0, 1.5])),
    "generalized_pareto": (
        "GeneralizedPareto",
        {"loc": REAL, "scale": POSITIVE, "concentration": V([0.3, 0.0, 0.7])},
        {},
        REAL + 0.6,
    ),
    "log_normal": ("LogNormal", {"loc": REAL, "scale": POSITIVE}, {}, V([0.1, 2.0, 1.5])),
    "logistic_normal": ("LogisticNormal", {"loc": REAL[:2], "scale": POSITIVE[:2]}, {}, SIMPLEX[0]),
    "half_normal": ("HalfNormal", {"scale": POSITIVE}, {}, V([0.1, 2.0, 1.5])),
    "half_cauchy": ("HalfCauchy", {"scale": POSITIVE}, {}, V([0.1, 2.0, 1.5])),
    "gumbel": ("Gumbel", {"loc": REAL, "scale": POSITIVE}, {}, V([0.1, -2.0, 1.5])),
    "pareto": ("Pareto", {"scale": POSITIVE, "alpha": V([2.5, 1.5, 0.9])}, {}, POSITIVE + 0.5),
    "weibull": ("Weibull", {"scale": POSITIVE, "concentration": V([2.5, 1.5, 0.9])}, {}, V([0.1, 2.0, 1.5])),
    "kumaraswamy": ("Kumaraswamy", {"concentration1": POSITIVE, "concentration0": V([2.0, 1.5, 0.9])}, {}, UNIT),
    "inverse_gamma": ("InverseGamma", {"concentration": POSITIVE, "rate": V([2.0, 0.5, 1.0])}, {}, V([0.1, 2.0, 1.5])),
    "relaxed_bernoulli": ("RelaxedBernoulli", {"temperature": V(0.7), "probs": UNIT}, {}, V([0.2, 0.9, 0.4])),
    "relaxed_categorical": (
        "RelaxedOneHotCategorical",
        {"temperature": V(0.7), "probs": SIMPLEX},
        {},
        SIMPLEX[::-1].copy(),
    ),
    "multivariate_normal": ("MultivariateNormal", {"loc": REAL, "covariance_matrix": SPD}, {}, V([0.1, -2.0, 1.5])),
    "multivariate_normal precision": (
        "MultivariateNormal",
        {"loc": REAL, "precision_matrix": SPD},
        {},
        V([0.1, -2.0, 1.5]),
    ),
    "multivariate_normal factor": (
        "MultivariateNormal",
        {"loc": np.stack([REAL, POSITIVE]), "scale_tril": TRIL},
        {},
        V([0.1, -2.0, 1.5]),
    ),
    "lowrank_multivariate_normal": (
        "LowRankMultivariateNormal",
        {"loc": REAL, "cov_factor": SPD[:, :2].copy(), "cov_diag": POSITIVE},
        {},
        V([0.1, -2.0, 1.5]),
    ),
    "wishart": ("Wishart", {"df": V(4.5), "covariance_matrix": SPD}, {}, SPD + np.eye(3)),
    "wishart factor": ("Wishart", {"df": V([4.5, 6.0]), "scale_tril": TRIL}, {}, SPD + np.eye(3)),
    "lkj_cholesky": (
        "LKJCholesky",
        {"concentration": V([0.7, 2.0])},
        {"dim": 3},
        np.linalg.cholesky(V([[1, 0.3, 0.1], [0.3, 1, -0.2], [0.1, -0.2, 1]])),
    ),
    "von_mises": ("VonMises", {"loc": REAL, "concentration": POSITIVE}, {}, V([0.1, -2.0, 1.5])),
}


def make(lib: Any, name: str, grad: bool = False, dtype: str = "f8") -> tuple[Any, list[Any]]:
    """A distribution of either library and its parameters."""
    kind, tensors, others, _ = CASES[name]
    given = {n: lib.tensor(v.astype(dtype)) for n, v in tensors.items()}
    if grad:
        given = {n: t.requires_grad_() for n, t in given.items()}
    return getattr(lib.distributions, kind)(**given, **others), list(given.values())


def value(lib: Any, name: str, dtype: str = "f8") -> Any:
    v = CASES[name][3]
    return lib.tensor(v.astype(dtype) if v.dtype.kind == "f" else v)


def array(x: Any) -> np.ndarray:
    return np.asarray(x.detach().numpy() if hasattr(x, "detach") else x)


Attempt = Callable[[], Any]


def attempt(f: Attempt) -> Any:
    """A result as an array, or the class of the error."""
    try:
        made = f()
    except Exception as error:
        return type(error)
    return made
