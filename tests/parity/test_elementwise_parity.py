"""Expressions of numbers, dtypes and wrong arguments, evaluated in PyTorch and here: the same result, or the same
error in the same first words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore")

# x integers, f floats, d doubles, h halves, b bools, u bytes, c complex numbers, s a 0-d float
SAME = """
b - b | b - 1 | 1 - b | -b | +b | b + b | b * b | b / b | b + True | b - True | torch.rsub(b, b) | torch.rsub(b, 1)
u + 300 | u + 100 | u * 300 | u + -1 | u + 1.5 | x / 0 | x // 0 | x % 0 | torch.fmod(x, 0) | f // 0 | f % 0
torch.div(x, 0, rounding_mode='floor') | torch.div(x, 0, rounding_mode='trunc') | torch.div(x, 2, rounding_mode='foo')
x // torch.tensor(0) | torch.fmod(f, 0) | x ** -1 | x ** torch.tensor(-1) | x ** 0.5 | x ** torch.tensor([-1, 0, 2])
2 ** x | 2.5 ** x | b ** 2 | b ** b | True ** x | torch.pow(2, x) | x.clone().pow_(0.5) | x.clone().add_(1.5)
x.clone().true_divide_(2) | x & 1 | x & f | f & f | ~f | ~x | ~b | x << 1 | x << f | f << 1 | x << -1 | x >> 1
x << 100 | x >> 100 | u << 9 | b << 1 | b & True | b ^ b | x.__or__(2.0)
x + "a" | x * None | x + [1] | x == None | x == "a" | x != None | x < "a" | f + 1j | x + 1j
torch.add(x, f, alpha=2) | torch.add(x, x, alpha=2.5) | torch.add(b, b, alpha=True) | torch.add(b, b, alpha=2)
torch.sub(x, 1, alpha=3) | torch.add(f, f, alpha=1j) | torch.add(1, f) | torch.add(1, 2) | torch.mul(2, 3)
torch.mul(2, f) | torch.sub(2, f) | torch.div(2, f) | abs(b) | u.neg() | x.sqrt() | x.reciprocal() | x.floor()
x.float_power(2) | f.float_power(2) | torch.float_power(2, f) | x.clamp(0.5, 2) | x.clamp() | x.clamp(None, None)
x.clamp(2, 1) | x.clamp(torch.tensor([1.0]), None) | x.clamp(torch.tensor([1.5]), 3) | b.clamp(0, 1) | f.clamp(1j)
f.clamp(float('nan'), 1) | f.clamp(max=float('nan')) | f.clone().clamp_(0) | f.clone().clamp_(max=torch.tensor(0.5))
torch.where(b, 1, 2) | torch.where(b, 1.0, 2) | torch.where(b, x[:2], 2.5) | torch.where(x, x, f) | torch.where(b)
torch.where(b, True, False) | torch.maximum(f, 1) | torch.lerp(f, f, 1) | torch.lerp(x, x, 0.5)
torch.lerp(f, d, 0.5) | torch.lerp(f, f, d) | torch.addcmul(f, x, x) | torch.addcmul(x, x, x, value=2)
torch.addcdiv(x, x, x) | torch.addcdiv(f, x, x) | torch.hypot(x, x) | torch.atan2(x, x) | torch.logaddexp(x, x)
torch.logaddexp(f, d) | torch.xlogy(x, x) | torch.xlogy(f, 2) | torch.xlogy(2, f) | torch.round(f, decimals=1)
torch.round(x) | torch.sign(b) | torch.sign(c) | torch.sgn(c) | torch.copysign(x, x) | torch.heaviside(x, f)
torch.heaviside(f, f) | torch.nextafter(x, x) | torch.signbit(x) | torch.isposinf(c) | torch.isposinf(x)
torch.isclose(x, f) | torch.isclose(f, f) | torch.allclose(f, x) | torch.allclose(f, f, rtol=-1) | torch.equal(f, x)
torch.equal(f, f[:2]) | torch.lt(c, f) | torch.eq(f, 2j) | torch.logical_and(f, x) | torch.logical_and(f, 1)
f.logical_not() | torch.complex(f, d) | torch.complex(x, x) | torch.polar(x, x) | torch.imag(f) | torch.real(f)
torch.angle(f) | torch.angle(x) | torch.angle(b) | torch.view_as_real(f) | torch.view_as_complex(f)
torch.view_as_complex(torch.ones(3, 3)) | f + h | h.sigmoid() | torch.nan_to_num(x) | x.deg2rad() | torch.frac(x)
torch.trunc(x) | torch.bitwise_and(x, 2) | torch.bitwise_and(2, x) | torch.bitwise_and(x, True) | torch.square(b)
f * torch.tensor(2.0, dtype=torch.double) | x * torch.tensor(2.5, dtype=torch.double) | h * 2.5 | x + s | f + s
torch.relu(x) | torch.relu(b) | torch.relu(c) | F.gelu(x) | F.silu(x) | F.elu(x) | F.leaky_relu(x) | F.hardtanh(x)
F.softplus(x) | F.threshold(x, 2, 7) | F.hardswish(x) | F.hardsigmoid(x) | F.softshrink(x) | F.hardshrink(x) | F.mish(x)
F.logsigmoid(x) | F.softsign(x) | F.tanhshrink(x) | F.celu(x) | F.softshrink(f, -1) | F.celu(f, 0.0) | F.prelu(f, f)
F.glu(f) | F.glu(torch.ones(4), 3) | F.gelu(f, approximate='no') | F.hardtanh(f, 1, -1) | F.relu6(f.clone(), True)
f + torch.ones(2) | torch.ones(2, 3) * torch.ones(3, 2) | f.clone().add_(torch.ones(2, 3)) | f.clone().mul_(c)
x.clone().div_(2) | x.clone().floor_divide_(2) | x.clone().div_(2, rounding_mode='floor') | b.clone().add_(1)
f.clone().eq_(1) | x.clone().lt_(2) | f.clone().logical_not_() | b.clone().logical_and_(b) | u.clone().sub_(250)
torch.polygamma(-1, f) | torch.polygamma(2, x) | torch.mvlgamma(f, 0) | torch.mvlgamma(f, 2) | f.lgamma() | x.digamma()
torch.gcd(x, f) | torch.gcd(x, x) | torch.ldexp(x, x) | torch.ldexp(f, x) | torch.ldexp(d, x) | torch.erfinv(x)
x.__rpow__(2) | f.__rdiv__(1) | 7 // x | 7 % x | 2 / x | 1 - x | 1 << x | 6 & x | x.__ror__(6) | 6 ^ x | divmod(7, 2)
x.type(torch.float64) if False else x.sin().dtype | (x == x).dtype | c.abs() | c.conj() | (c * c).real
c.imag | c.angle()
c.exp() | c.sqrt() | c ** 2 | c ** 0.5 | c ** c | 2 ** c | c / c | 1 / c | c.log2() | c.tanh() | c.sigmoid() | c == c
f ** 2j | x ** 2j | torch.tensor(True) + 1 | torch.tensor(2) / 4 | torch.tensor(7) // 2 | round(torch.tensor(2.567), 2)
torch.clamp_min(f, 0) | torch.clamp_min(f, torch.tensor(0.5)) | torch.clamp_max(x, 1.5) | torch.clip(f, 0, 1)
"""
EXPRESSIONS = [e.strip() for line in SAME.strip().splitlines() for e in line.split(" | ") if e.strip()]


def evaluate(torch: Any, text: str) -> Any:
    names = {
        "torch": torch,
        "F": torch.nn.functional,
        "x": torch.tensor([1, 2, 3]),
        "f": torch.tensor([1.0, 2.0, -3.25]),
        "d": torch.tensor([1.0, 2.0, -3.25], dtype=torch.float64),
        "h": torch.tensor([1.0, 2.0, -3.25], dtype=torch.float16),
        "b": torch.tensor([True, False]),
        "u": torch.tensor([200, 1], dtype=torch.uint8),
        "c": torch.tensor([1 + 2j, -0.5j, 3 + 0j]),
        "s": torch.tensor(2.5),
    }
    try:
        return eval(text, names)
    except Exception as error:
        return error


def shown(value: Any) -> Any:
    """A result in a form to compare."""
    if isinstance(value, (tuple, list)):
        return [shown(v) for v in value]
    if hasattr(value, "detach"):
        array = value.detach().resolve_conj().numpy()
        return str(value.dtype), tuple(array.shape), array
    return str(value)


def same(mine: Any, theirs: Any) -> None:
    if isinstance(theirs, list):
        assert len(mine) == len(theirs)
        for m, t in zip(mine, theirs, strict=True):
            same(m, t)
    elif isinstance(theirs, tuple):
        assert mine[:2] == theirs[:2]
        np.testing.assert_allclose(mine[2], theirs[2], rtol=2e-5, atol=1e-6)
    else:
        assert mine == theirs


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expression(text: str) -> None:
    import torch

    import rushlight

    mine, theirs = evaluate(rushlight, text), evaluate(torch, text)
    if isinstance(theirs, Exception):
        assert isinstance(mine, Exception), f"{text}: PyTorch raises {theirs!r:.200}, here {mine}"
        assert isinstance(mine, type(theirs)), f"{text}: {mine!r} where PyTorch raises {theirs!r:.200}"
        first = str(theirs)[:30]
        assert str(mine).startswith(first), f"{text}: '{mine}' should begin with '{first}'"
    else:
        assert not isinstance(mine, Exception), f"{text}: {mine!r} where PyTorch gives {theirs}"
        same(shown(mine), shown(theirs))
