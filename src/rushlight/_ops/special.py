"""Special functions that ``torch.special`` adds to the elementary ones.

Some are computed by NumPy (``_kernels.special``), Bessel functions and incomplete gammas by SciPy, which is optional.
Those that PyTorch does not differentiate have no gradient here either: their results do not require one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import record
from .._core.declare import pointwise
from .._core.tensor import Tensor
from .compare import where
from .elementary import exp, lgamma, log, log1p, not_implemented, only
from .without import no_derivative

Number = bool | int | float | complex


def kernels() -> Any:
    from .._kernels import special

    return special


def scipy(name: str, of: str) -> Any:
    """A function of SciPy's, or an error that says how to get it."""
    try:
        import scipy.special
    except ImportError:
        raise ImportError(f"torch.{of} needs SciPy, which is not installed: pip install 'rushlight[special]'") from None
    return getattr(scipy.special, name)


# ---- the normal distribution, entropy


def entr_rule(g: Any, input: Any) -> Any:
    return -g * (1 + log(input))


@pointwise("float", node="SpecialEntrBackward0", input=entr_rule)
def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``-x log(x)``, 0 at 0, minus infinity below.

    >>> import rushlight as torch
    >>> torch.special.entr(torch.tensor([0.0, 1.0, -1.0]))
    tensor([0., -0., -inf])
    """
    only("f", "entr_cpu", input)
    made = -input * np.log(np.where(input > 0, input, 1))
    kind = input.dtype.type
    made = np.where(input > 0, made, np.where(input == 0, kind(0), kind(-np.inf)))
    return np.where(np.isnan(input), input, made)


@pointwise(
    "float",
    node="SpecialErfcxBackward0",
    input=lambda g, input, result: g * (2 * input * result - 2 / math.sqrt(math.pi)),
)
def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(x^2) erfc(x)``: the complementary error function scaled so that it does not vanish.

    >>> import rushlight as torch
    >>> torch.special.erfcx(torch.tensor([0.0, 10.0]))
    tensor([1.0000, 0.0561])
    """
    only("f", "erfcx_cpu", input)
    return kernels().erfcx(input)


@pointwise(
    "float", node="MulBackward1", input=lambda g, input: g * (exp(-0.5 * (input * input)) / math.sqrt(2 * math.pi))
)
def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The probability that a standard normal variable is at most x.

    >>> import rushlight as torch
    >>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    only("f", "erf_vml_cpu", input)
    return kernels().ndtr(input)


def log_ndtr_rule(g: Any, input: Any) -> Any:
    return g / erfcx(input * -math.sqrt(0.5)) * math.sqrt(2 / math.pi)


@pointwise("float", node="SpecialLogNdtrBackward0", input=log_ndtr_rule)
def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of :func:`ndtr`, exact in the far tail too.

    >>> import rushlight as torch
    >>> torch.special.log_ndtr(torch.tensor([0.0, -30.0]))
    tensor([  -0.6931, -454.3213])
    """
    only("f", "log_ndtr_cpu", input)
    return kernels().log_ndtr(input)


@pointwise(
    "float", node="SpecialNdtriBackward0",
    input=lambda g, result: g * (exp(0.5 * (result * result)) * math.sqrt(2 * math.pi)),
)  # fmt: skip
def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of :func:`ndtr`: infinite at 0 and 1, nan beyond.

    Halley's steps on erfc keep the tails exact; they make it some ten times slower than a table of polynomials.

    >>> import rushlight as torch
    >>> torch.special.ndtri(torch.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    only("f", "ndtri_cpu", input)
    return kernels().ndtri(input)


XLOG1PY = {"": "SpecialXlog1PyBackward0", "input": "SpecialXlog1PyBackward1", "other": "SpecialXlog1PyBackward2"}


def xlog1py_input(g: Any, input: Any, other: Any) -> Any:
    if isinstance(other, (bool, int, float)):  # a number by itself would be of the default dtype
        other = np.asarray(other, record.np_dtype(g))
    dead = (input == 0) & (other <= -1)
    return g * where(dead, 0, log1p(where(dead, 0, other)))


@pointwise("float", node=XLOG1PY, input=xlog1py_input, other=lambda g, input, other: g * input / (other + 1))
def xlog1py(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * log1p(other)``, 0 where ``input`` is 0 (unless ``other`` is nan).

    >>> import rushlight as torch
    >>> torch.special.xlog1py(torch.tensor([0.0, 1.0]), torch.tensor([-1.0, 0.0]))
    tensor([0., 0.])
    """
    input = np.asarray(input)
    only("f", "xlog1py_cpu", input)
    made = input * np.log1p(other)
    return np.where(np.isnan(other), other, np.where(input == 0, input.dtype.type(0), made))


# ---- modified Bessel functions of the first kind


@pointwise("float", node="I0Backward0", input=lambda g, input: g * i1(input))
def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, order 0.

    >>> import rushlight as torch
    >>> torch.i0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    only("f", "i0_vml_cpu", input)
    return kernels().i0(input)


@pointwise(
    "float", node="SpecialI0EBackward0", input=lambda g, input, result: g * (i1e(input) - sign_of(input) * result)
)
def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(-|x|) I0(x)``.

    >>> import rushlight as torch
    >>> torch.special.i0e(torch.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0399])
    """
    only("f", "i0e_cpu", input)
    return kernels().i0e(input)


def sign_of(x: Any) -> Any:
    from .compare import sign

    return sign(x)


def i1_rule(g: Any, input: Any, result: Any) -> Any:
    tiny = ~(abs(input) > 1e-7)  # I1(x)/x is 1/2 there (and PyTorch's 1/2 at nan)
    safe = where(tiny, 1.0, input)
    return g * where(tiny, 0.5, i0(safe) - result / safe)


@pointwise("float", node="SpecialI1Backward0", input=i1_rule)
def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, order 1.

    >>> import rushlight as torch
    >>> torch.special.i1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    only("f", "i1_cpu", input)
    return kernels().i1(input)


def i1e_rule(g: Any, input: Any, result: Any) -> Any:
    tiny = ~(abs(input) > 1e-7)
    safe = where(tiny, 1.0, input)
    return g * where(tiny, 0.5, i0e(safe) - result * (sign_of(safe) + 1 / safe))


@pointwise("float", node="SpecialI1EBackward0", input=i1e_rule)
def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(-|x|) I1(x)``.

    >>> import rushlight as torch
    >>> torch.special.i1e(torch.tensor([0.0, 100.0]))
    tensor([0.0000, 0.0397])
    """
    only("f", "i1e_cpu", input)
    return kernels().i1e(input)


# ---- the gamma function's relatives


@pointwise(
    "float", node="SpecialZetaBackward0", input=no_derivative("zeta"),
    other=lambda g, input, other: g * -input * zeta(input + 1.0, other),
)  # fmt: skip
def zeta(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Hurwitz's zeta function: the sum of ``(other + k)^-input`` over k from 0 on.

    >>> import rushlight as torch
    >>> torch.special.zeta(torch.tensor([2.0]), torch.tensor([1.0]))
    tensor([1.6449])
    """
    only("f", "zeta_cpu", input)
    return kernels().zeta(input, other)


def incomplete(name: str, a: Any, x: Any) -> Any:
    """SciPy's incomplete gamma function, with PyTorch's values at the ends."""
    if a.dtype.kind != "f":
        raise not_implemented(f"{name}_cpu", a.dtype)
    lower = name == "igamma"
    run = scipy("gammainc" if lower else "gammaincc", name)
    wide = [v.astype(np.float32) if v.dtype == np.float16 else v for v in np.broadcast_arrays(a, x)]
    with np.errstate(all="ignore"):
        made = np.asarray(run(*wide))
    a, x = wide
    none, all_ = (0.0, 1.0) if lower else (1.0, 0.0)
    made = np.where(np.isinf(a), none, np.where(np.isinf(x) | (a == 0), all_, np.where(x == 0, none, made)))
    unknown = np.isnan(a) & ~np.isinf(x) & (x != 0) | np.isnan(x) & ~np.isinf(a)  # the limit at infinity hides a nan
    bad = (a < 0) | (x < 0) | unknown | (a == 0) & (x == 0) | np.isinf(a) & np.isinf(x)
    return np.where(bad, np.nan, made)


def igamma_slope(g: Any, input: Any, other: Any) -> Any:
    return g * exp((input - 1.0) * log(other) - other - lgamma(input))


@pointwise(node="IgammaBackward0", input=no_derivative("igamma: input"), other=igamma_slope)
def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularized lower incomplete gamma function P(input, other). Needs SciPy.

    >>> import rushlight as torch
    >>> torch.igamma(torch.tensor([1.0]), torch.tensor([1.0]))  # doctest: +SKIP
    tensor([0.6321])
    """
    return incomplete("igamma", input, other).astype(input.dtype)


@pointwise(
    node="IgammacBackward0", input=no_derivative("igammac: input"),
    other=lambda g, input, other: -igamma_slope(g, input, other),
)  # fmt: skip
def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularized upper incomplete gamma function Q(input, other), 1 - P. Needs SciPy.

    >>> import rushlight as torch
    >>> torch.igammac(torch.tensor([1.0]), torch.tensor([1.0]))  # doctest: +SKIP
    tensor([0.3679])
    """
    return incomplete("igammac", input, other).astype(input.dtype)


# ---- Bessel's and Airy's functions: no gradients


def _by_scipy(name: str, function: str, doc: str, at_infinity: float | None = None, positive: bool = False) -> Any:
    def body(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        only("f", f"{name}_cpu", input)
        x = input.astype(np.float64)
        made = scipy(function, f"special.{name}")(x)
        made = made[0] if isinstance(made, tuple) else made
        made = np.where(np.isinf(x), np.nan if at_infinity is None else at_infinity, made)
        if positive:
            made = np.where(x < 0, np.nan, made)
        return np.asarray(made).astype(input.dtype)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"""{doc} Needs SciPy; there is no gradient.

    >>> import rushlight as torch
    >>> torch.special.{name}(torch.tensor([1.0])).shape  # doctest: +SKIP
    torch.Size([1])
    """
    return pointwise("float")(body)


airy_ai = _by_scipy("airy_ai", "airy", "Airy's function Ai.")
bessel_j0 = _by_scipy("bessel_j0", "j0", "Bessel's function of the first kind, order 0.")
bessel_j1 = _by_scipy("bessel_j1", "j1", "Bessel's function of the first kind, order 1.")
bessel_y0 = _by_scipy("bessel_y0", "y0", "Bessel's function of the second kind, order 0.", None, True)
bessel_y1 = _by_scipy("bessel_y1", "y1", "Bessel's function of the second kind, order 1.", None, True)
modified_bessel_k0 = _by_scipy(
    "modified_bessel_k0", "k0", "The modified Bessel function of the second kind, order 0.", 0.0, True
)
modified_bessel_k1 = _by_scipy(
    "modified_bessel_k1", "k1", "The modified Bessel function of the second kind, order 1.", 0.0, True
)
scaled_modified_bessel_k0 = _by_scipy("scaled_modified_bessel_k0", "k0e", "``exp(x) K0(x)``.", 0.0, True)
scaled_modified_bessel_k1 = _by_scipy("scaled_modified_bessel_k1", "k1e", "``exp(x) K1(x)``.", 0.0, True)


@pointwise("float")
def modified_bessel_i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The same as :func:`rushlight.i0`, without a gradient.

    >>> import rushlight as torch
    >>> torch.special.modified_bessel_i0(torch.tensor([1.0]))
    tensor([1.2661])
    """
    only("f", "modified_bessel_i0_cpu", input)
    return kernels().i0(input)


@pointwise("float")
def modified_bessel_i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The same as :func:`i1`, without a gradient.

    >>> import rushlight as torch
    >>> torch.special.modified_bessel_i1(torch.tensor([1.0]))
    tensor([0.5652])
    """
    only("f", "modified_bessel_i1_cpu", input)
    return kernels().i1(input)


@pointwise("float")
def spherical_bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sin(x) / x``, 1 at 0; without a gradient.

    >>> import rushlight as torch
    >>> torch.special.spherical_bessel_j0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    only("f", "spherical_bessel_j0_cpu", input)
    safe = np.where(input == 0, input.dtype.type(1), input)
    made = np.where(input == 0, input.dtype.type(1), np.sin(safe) / safe)
    return np.where(np.isinf(input), input.dtype.type(0), made)


# ---- orthogonal polynomials: by their recurrences, no gradients


def recurrence(x: Any, n: Any, first: Any, step: Any) -> Any:
    """P0 = 1, P1 = ``first``, P(k+1) = ``step(k, P(k), P(k-1))``, each element up to its own degree; 0 below 0 (and where
    it is not finite: C's integer of that is negative)."""
    x, n = np.broadcast_arrays(x, n)
    degree = np.where(np.isfinite(n), np.trunc(n), -1)
    made = np.where(degree == 0, x.dtype.type(1), np.where(degree < 0, x.dtype.type(0), first))
    before, now = np.ones_like(x), np.broadcast_to(first, x.shape)
    for k in range(1, int(np.max(degree, initial=0, where=np.isfinite(degree)))):
        before, now = now, step(k, now, before)
        made = np.where(degree == k + 1, now, made)
    return made.astype(x.dtype)


def _polynomial(name: str, first: Any, step: Any, doc: str, shifted: bool = False) -> Any:
    def body(input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
        input = np.asarray(input)
        only("f", f"{name}_cpu", input)
        x = 2 * input - input.dtype.type(1) if shifted else input
        with np.errstate(all="ignore"):
            return recurrence(x, n, first(x), lambda k, now, before: step(x, k, now, before))

    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"""{doc} of degree ``n`` (0 if that is negative). There is no gradient.

    >>> import rushlight as torch
    >>> torch.special.{name}(torch.tensor([1.0]), 0)
    tensor([1.])
    """
    return pointwise("float")(body)


def doubling(x: Any, k: int, now: Any, before: Any) -> Any:
    return 2 * x * now - before


_CHEBYSHEV = {
    "t": (lambda x: x, "The Chebyshev polynomial of the first kind"),
    "u": (lambda x: 2 * x, "The Chebyshev polynomial of the second kind"),
    "v": (lambda x: 2 * x - 1, "The Chebyshev polynomial of the third kind"),
    "w": (lambda x: 2 * x + 1, "The Chebyshev polynomial of the fourth kind"),
}
chebyshev_polynomial_t, chebyshev_polynomial_u, chebyshev_polynomial_v, chebyshev_polynomial_w = [
    _polynomial(f"chebyshev_polynomial_{k}", first, doubling, doc) for k, (first, doc) in _CHEBYSHEV.items()
]
(
    shifted_chebyshev_polynomial_t, shifted_chebyshev_polynomial_u, shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
) = [
    _polynomial(f"shifted_chebyshev_polynomial_{k}", first, doubling, f"{doc}, shifted to [0, 1],", True)
    for k, (first, doc) in _CHEBYSHEV.items()
]  # fmt: skip
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h", lambda x: 2 * x, lambda x, k, now, before: 2 * x * now - 2 * k * before,
    "The Hermite polynomial (physicists')",
)  # fmt: skip
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he", lambda x: x, lambda x, k, now, before: x * now - k * before,
    "The Hermite polynomial (probabilists')",
)  # fmt: skip
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l", lambda x: 1 - x, lambda x, k, now, before: ((2 * k + 1 - x) * now - k * before) / (k + 1),
    "The Laguerre polynomial",
)  # fmt: skip
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p", lambda x: x, lambda x, k, now, before: ((2 * k + 1) * x * now - k * before) / (k + 1),
    "The Legendre polynomial",
)  # fmt: skip
