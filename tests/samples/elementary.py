"""Samples of elementary functions of one variable."""

from samples import Call, Row

P = dict(inplace=True, out=True)
CUT = {"edges": "PyTorch's and C's complex functions differ there"}


def on(low: float = -2.0, high: float = 2.0):
    """A matrix and a vector of numbers from an interval."""
    return lambda s: [Call(s.t(2, 3, low=low, high=high)), Call(s.t(4, low=low, high=high))]


ROWS = [
    *[Row(name, on(), complex=True, **P) for name in (
        "asinh", "atan", "cos", "cosh", "exp", "exp2", "expm1", "sigmoid", "sin", "sinc", "sinh", "tanh")],
    *[Row(name, on(-1.2, 1.2), complex=True, **P) for name in ("tan",)],
    *[Row(name, on(-0.9, 0.9), complex=True, **P) for name in ("acos", "asin", "atanh")],
    *[Row(name, on(0.3, 3), complex=True, **P) for name in (
        "log", "log10", "log1p", "log2", "reciprocal", "rsqrt", "sqrt")],
    Row("acosh", on(1.2, 3), complex=True, **P),
    *[Row(name, on(), **P) for name in ("deg2rad", "rad2deg", "ceil", "floor", "frac", "trunc")],
    Row("round", lambda s: [*on()(s), Call(s.t(5), decimals=1), Call(s.t(5, low=-200, high=200), decimals=-1)], **P),
    Row("erf", on(), **P),
    Row("erfc", on(), **P),
    Row("erfinv", on(-0.95, 0.95), **P),
    Row("lgamma", on(0.3, 5), **P),
    Row("lgamma", on(-3.8, -3.2), tag="reflected", **P),
    Row("digamma", on(0.3, 5), **P, skip={"edges": "PyTorch's trigamma is huge, not infinite, at its poles"}),
    *[Row("polygamma", lambda s, n=n: [Call(n, s.t(3, low=0.5, high=5))], tag=f"polygamma_n_{n}",
          method=False, out=True, pointwise=True,
          skip={"edges": "PyTorch is huge, not infinite, at the poles"} if n < 2 else {}) for n in range(5)],
    Row("special.polygamma", lambda s: [Call(0, s.t(3, low=0.5, high=5))], method=False, out=True,
        skip={"edges": "PyTorch is huge, not infinite, at the poles"}),
    *[Row("mvlgamma", lambda s, p=p: [Call(s.t(3, low=3, high=5), p)], tag=f"mvlgamma_p_{p}", out=True, pointwise=True,
          skip={"edges": "it is refused or has another sign of infinity at poles"})
      for p in (1, 3, 5)],
    Row("logit", lambda s: [*on(0.1, 0.9)(s), Call(s.t(4, low=0.01, high=0.99), 0.2)], **P,
        edges=lambda s: [Call(s.special()), Call(s.special(nan=False), 0.2)]),  # PyTorch's gradient of nan varies
    Row("nan_to_num", lambda s: [*on()(s), Call(s.of([1.0, float("nan"), float("inf")]), 3.0, 2.0, 1.0)],
        complex=False, **P),
]  # fmt: skip
