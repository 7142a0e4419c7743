"""Special functions beyond the rows: known values, tails, identities, and what is said where SciPy is missing."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

import rushlight as torch

S = torch.special


def numbers(x: Any) -> Any:
    return torch.tensor(np.array(x, "f8"))


# digits from the tables of Abramowitz and Stegun and the NIST Digital Library of Mathematical Functions
VALUES = [
    (S.i0, 1.0, 1.2660658777520084),
    (S.i0, 20.0, 43558282.559553534),
    (S.i1, 1.0, 0.5651591039924851),
    (S.i1, -20.0, -42454973.38512777),
    (S.erfcx, 10.0, 0.05614099274382259),
    (S.erfcx, -2.0, 108.94090438997797),
    (S.ndtr, -10.0, 7.61985302416052e-24),
    (S.log_ndtr, -40.0, -804.6084420137538),
    (S.ndtri, 0.975, 1.959963984540054),
    (S.ndtri, 1e-100, -21.273453560965326),
    (S.entr, 0.5, 0.34657359027997264),
    (S.spherical_bessel_j0, 1.0, 0.8414709848078965),
]


@pytest.mark.parametrize(("f", "x", "expected"), VALUES)
def test_values(f: Any, x: float, expected: float) -> None:
    assert math.isclose(float(f(numbers(x))), expected, rel_tol=2e-13)


def test_zeta() -> None:
    assert math.isclose(float(S.zeta(numbers(2.0), numbers(1.0))), math.pi**2 / 6, rel_tol=1e-14)
    assert math.isclose(float(S.zeta(numbers(4.0), numbers(1.0))), math.pi**4 / 90, rel_tol=1e-14)
    assert math.isclose(float(S.zeta(numbers(200.0), numbers(3.0))), 3.0**-200 * (1 + (3 / 4) ** 200), rel_tol=1e-12)


def test_identities() -> None:
    x = torch.linspace(-6, 6, 101, dtype=torch.float64)
    torch.testing.assert_close(S.ndtri(S.ndtr(x)), x, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(S.log_ndtr(x).exp(), S.ndtr(x))
    torch.testing.assert_close(S.erfcx(x) * torch.exp(-x * x), torch.erfc(x))
    torch.testing.assert_close(S.i0e(x) * x.abs().exp(), S.i0(x))
    t = torch.linspace(-0.99, 0.99, 31, dtype=torch.float64)
    torch.testing.assert_close(S.chebyshev_polynomial_t(t, 9), torch.cos(9 * torch.acos(t)))
    torch.testing.assert_close(
        S.legendre_polynomial_p(t, 5), numbers(np.polynomial.legendre.legval(t.numpy(), [0] * 5 + [1]))
    )
    torch.testing.assert_close(
        S.hermite_polynomial_h(t, 5), numbers(np.polynomial.hermite.hermval(t.numpy(), [0] * 5 + [1]))
    )
    torch.testing.assert_close(
        S.laguerre_polynomial_l(t, 5), numbers(np.polynomial.laguerre.lagval(t.numpy(), [0] * 5 + [1]))
    )


def test_no_gradients() -> None:
    x = numbers([0.5]).requires_grad_()
    assert not S.modified_bessel_i0(x).requires_grad and not S.legendre_polynomial_p(x, 2).requires_grad
    with pytest.raises(NotImplementedError, match="the derivative for 'zeta' is not implemented"):
        S.zeta(x + 2, numbers([1.0])).backward()


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    monkeypatch.setitem(sys.modules, "scipy.linalg", None)
    for call in (
        lambda: S.bessel_j0(torch.ones(1)),
        lambda: torch.igamma(torch.ones(1), torch.ones(1)),
        lambda: torch.linalg.ldl_factor(torch.eye(2)),
    ):
        with pytest.raises(ImportError, match=r"pip install 'rushlight\[special\]'"):
            call()
    assert float(torch.i0(torch.zeros(1))) == 1  # NumPy's own do not ask for it


def test_at_infinity() -> None:
    """As PyTorch: polynomials of a degree that is no number are 0; a limit at infinity hides a nan in the other place."""
    inf, nan = float("inf"), float("nan")
    degrees = torch.tensor([inf, -inf, nan])
    assert torch.special.chebyshev_polynomial_t(torch.full((3,), 2.0), degrees).tolist() == [0, 0, 0]
    assert torch.special.laguerre_polynomial_l(torch.full((3,), inf), degrees).tolist() == [0, 0, 0]
    zeta = torch.special.zeta(torch.tensor([inf, nan, 1.0, 2.0, 0.5]), torch.tensor([-inf, -1.0, nan, 0.0, 0.0]))
    assert zeta.tolist()[:4] == [inf] * 4
    assert zeta[4].isnan()
    pytest.importorskip("scipy")
    a, x = torch.tensor([inf, nan, nan, nan, inf]), torch.tensor([nan, inf, 0.0, 1.0, inf])
    assert str(torch.igamma(a, x).tolist()) == "[0.0, 1.0, 0.0, nan, nan]"
    assert str(torch.igammac(a, x).tolist()) == "[1.0, 0.0, 1.0, nan, nan]"
