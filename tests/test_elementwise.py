"""Elementwise operators beyond the rows: overloads, Python operators, errors, node names, the gamma family."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight._kernels import gamma


def t(*values: float, grad: bool = False) -> Any:
    return torch.tensor([float(v) for v in values], requires_grad=grad)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x + 1", "AddBackward0"), ("1 + x", "AddBackward0"), ("torch.add(x, y, alpha=2)", "AddBackward0"),
        ("x - y", "SubBackward0"), ("1 - x", "RsubBackward1"), ("torch.rsub(x, y)", "RsubBackward0"),
        ("x * 2", "MulBackward0"), ("2 / x", "MulBackward0"), ("x / y", "DivBackward0"),
        ("torch.div(x, y, rounding_mode='floor')", "DivBackward2"), ("x ** 2", "PowBackward0"),
        ("x ** y", "PowBackward1"), ("2 ** x", "PowBackward2"), ("x % 2", "RemainderBackward0"),
        ("x % y", "RemainderBackward1"), ("torch.fmod(x, 2)", "FmodBackward0"), ("x.clamp(0, 1)", "ClampBackward1"),
        ("x.clamp(y, y)", "ClampBackward0"), ("torch.lerp(x, y, 0.3)", "LerpBackward0"),
        ("torch.lerp(x, y, y)", "LerpBackward1"), ("torch.xlogy(x, 2)", "XlogyBackward2"),
        ("torch.xlogy(2, x)", "XlogyBackward1"), ("x.square()", "PowBackward0"), ("x.log1p()", "Log1PBackward0"),
        ("x // y", "torch::autograd::NotImplemented"), ("x.round(decimals=1)", "RoundBackward1"),
        ("torch.copysign(x, 2)", "CopysignBackward1"), ("torch.where(x > 0, x, 0.0)", "WhereBackward0"),
    ],
)  # fmt: skip
def test_node_names(text: str, name: str) -> None:
    made = eval(text, {"torch": torch, "x": t(1, 2, grad=True), "y": t(3, 4, grad=True)})
    assert made.grad_fn.name() == name


class Other:
    """An operand that takes over."""

    def __radd__(self, other: Any) -> str:
        return "radd"

    def __rpow__(self, other: Any) -> str:
        return "rpow"

    def __rtruediv__(self, other: Any) -> str:
        return "rtruediv"

    def __eq__(self, other: object) -> Any:
        return "eq"

    __hash__ = None  # type: ignore[assignment]


def test_foreign_operands_get_their_turn() -> None:
    x = t(1, 2)
    assert (x + Other(), x ** Other(), x / Other(), x == Other()) == ("radd", "rpow", "rtruediv", "eq")
    with pytest.raises(TypeError, match="unsupported operand"):
        x + "a"
    with pytest.raises(TypeError, match="unsupported operand"):
        x**None
    assert (x == None) is False and (x != "a") is True  # noqa: E711


def test_arrays_and_numpy_scalars_are_operands() -> None:
    x = t(1, 2)
    assert isinstance(np.ones(2, "f4") + x, torch.Tensor)
    assert (x + np.float64(1)).dtype is torch.float32
    assert isinstance(np.float32(2) * x, torch.Tensor)
    assert isinstance(2.0**x, torch.Tensor)


def test_in_place_operators_change_the_tensor_itself() -> None:
    x = y = t(7, 8)
    x += 1
    x -= 2
    x *= 3
    x /= 2
    x **= 2
    x //= 3
    x %= 7
    assert x is y
    expected = np.array([7.0, 8.0])
    expected = ((expected - 1) * 3 / 2) ** 2 // 3 % 7
    np.testing.assert_allclose(x.numpy(), expected)
    b = c = torch.tensor([6, 5])
    b &= 3
    b |= 8
    b ^= 1
    b <<= 2
    b >>= 1
    assert b is c and b.tolist() == [((6 & 3 | 8) ^ 1) * 2, ((5 & 3 | 8) ^ 1) * 2]


def test_gradient_through_alpha_and_rounding_in_place() -> None:
    x, y = t(1, 2, grad=True), t(3, 4, grad=True)
    z = x * 1
    z.add_(y, alpha=3)
    z.div_(2)
    z.sum().backward()
    assert x.grad.tolist() == [0.5, 0.5] and y.grad.tolist() == [1.5, 1.5]
    z = x * 1
    z.div_(y, rounding_mode="floor")
    z.sum().backward()
    assert x.grad.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("b - b", RuntimeError, "Subtraction, the `-` operator, with two bool tensors"),
        ("1 - b", RuntimeError, "Subtraction, the `-` operator, with a bool tensor"),
        ("-b", RuntimeError, "Negation, the `-` operator, on a bool tensor"),
        ("i // 0", RuntimeError, "ZeroDivisionError"),
        ("i % 0", RuntimeError, "ZeroDivisionError"),
        ("i ** -1", RuntimeError, "Integers to negative integer powers are not allowed."),
        ("i.add_(1.5)", RuntimeError, "result type Float can't be cast to the desired output type Long"),
        ("x + torch.ones(3)", RuntimeError, "The size of tensor a .2. must match the size of tensor b .3. at non-s"),
        ("~x", TypeError, "~ .operator.invert. is only implemented on integer and Boolean-type tensors"),
        ("x & 1", NotImplementedError, '"bitwise_and_cpu" not implemented for'),
        ("x.clamp()", RuntimeError, "torch.clamp: At least one of 'min' or 'max' must not be None"),
        ("torch.where(i, x, x)", RuntimeError, "where expected condition to be a boolean tensor"),
        ("torch.add(i, i, alpha=2.5)", RuntimeError, "For integral input tensors, argument alpha must not be"),
        ("torch.pow(2, 3)", TypeError, "pow.. received an invalid combination of arguments"),
        ("torch.add(x, 'a')", TypeError, "add..: argument 'other' .position 2. must be Tensor, not str"),
        ("x.imag", RuntimeError, "imag is not implemented for tensors with non-complex dtypes."),
    ],
)
def test_errors(text: str, error: type[Exception], words: str) -> None:
    names = {"torch": torch, "x": t(1, 2), "i": torch.tensor([1, 2]), "b": torch.tensor([True, False])}
    with pytest.raises(error, match=words):
        eval(text, names)


@pytest.mark.parametrize("function", ["floor_divide", "heaviside"])
def test_no_derivative_says_so_in_backward(function: str) -> None:
    made = getattr(torch, function)(t(1, 2, grad=True), t(3, 4))
    with pytest.raises(RuntimeError, match=f"derivative for aten::{function} is not implemented"):
        made.sum().backward()


def test_parts_of_complex_numbers_are_views() -> None:
    z = torch.tensor([1 + 2j, 3 + 4j])
    z.real.mul_(10)
    z.imag = torch.tensor([0.0, -1.0])
    assert z.tolist() == [10 + 0j, 30 - 1j]
    pairs = torch.view_as_real(z)
    pairs.mul_(2)
    assert z.tolist() == [20 + 0j, 60 - 2j]
    assert torch.view_as_complex(pairs).data_ptr() == z.data_ptr()
    strided = torch.view_as_real(torch.tensor([1j, 2j, 3j, 4j])[::2])
    assert strided.tolist() == [[0.0, 1.0], [0.0, 3.0]]


def test_gradients_of_real_inputs_of_complex_operations_are_real() -> None:
    x = t(1, 2, grad=True)
    (x * torch.tensor([1j, 2 + 0j])).abs().sum().backward()
    assert x.grad.dtype is torch.float32
    np.testing.assert_allclose(x.grad.numpy(), [1.0, 2.0], rtol=1e-6)


def test_the_gamma_family() -> None:
    for x in (0.5, 1.0, 1.0 + 1e-9, 2.5, 9.9, 10.1, 171.0, 1e10, -0.5, -10.3, 1e-20):
        np.testing.assert_allclose(gamma.lgamma(x), math.lgamma(x), rtol=1e-13, atol=1e-15)
    euler = 0.57721566490153286061
    np.testing.assert_allclose(
        gamma.digamma([1.0, 0.5, 2.0]), [-euler, -euler - 2 * math.log(2), 1 - euler], rtol=1e-14
    )
    np.testing.assert_allclose(gamma.polygamma(1, [1.0, 0.5]), [math.pi**2 / 6, math.pi**2 / 2], rtol=1e-14)
    np.testing.assert_allclose(gamma.polygamma(3, 1.0), math.pi**4 / 15, rtol=1e-14)
    x = np.linspace(-3.5, 3.5, 41)
    y = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(gamma.erfinv(y), x, rtol=1e-8, atol=1e-15)
    assert gamma.lgamma(0.0) == np.inf and np.isnan(gamma.digamma(-1.0)) and gamma.erfinv(1.0) == np.inf
    assert gamma.lgamma(np.ones((2, 0), "f4")).shape == (2, 0)


def test_large_arrays_take_the_same_values_by_another_way() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 100, 200)).astype("f4")
    mask = random.random((100, 200)) < 0.5
    made = torch.where(torch.from_numpy(mask), torch.from_numpy(a), torch.from_numpy(b[0]))
    np.testing.assert_array_equal(made.numpy(), np.where(mask, a, b[0]))
    made = torch.where(torch.from_numpy(mask), torch.from_numpy(a), 0.5)
    np.testing.assert_array_equal(made.numpy(), np.where(mask, a, np.float32(0.5)))
    np.testing.assert_array_equal(torch.from_numpy(a).clamp(-0.5, 0.5).numpy(), np.clip(a, -0.5, 0.5))


def test_python_operators_called_by_name_on_what_is_no_tensor() -> None:
    assert torch.Tensor.__mul__(3, t(1, 2)).tolist() == [3, 6]  # type: ignore[arg-type]
    assert torch.Tensor.__add__(np.ones(2), np.ones(2)).tolist() == [2, 2]  # type: ignore[arg-type]
    assert torch.Tensor.__mul__(t(1, 2), "a") is NotImplemented  # type: ignore[arg-type]
    assert torch.Tensor.__mul__(3, "a") is NotImplemented  # type: ignore[arg-type]


def test_the_line_is_found_whoever_called_before() -> None:
    def first(x: Any) -> Any:
        return x * x

    def second(x: Any) -> Any:
        return x * x

    x = t(1, 2, grad=True)
    for f in (first, second, second, first, torch.nn.Softsign(), first):
        site = f(x).grad_fn.site()
        here = sys._getframe()
        code = getattr(f, "__code__", here.f_code)
        assert (site.file, site.function) == (__file__, code.co_qualname)


@pytest.mark.parametrize("size", [100, 70000])
def test_running_sums_and_products_are_kept_in_the_wider_dtype(size):
    x = np.random.default_rng(0).uniform(0.99, 1.01, size).astype("f4")
    for name in ("cumsum", "cumprod"):
        made = getattr(torch, name)(torch.from_numpy(x), 0).numpy()
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made, getattr(np, name)(x.astype("f8")).astype("f4"))


def test_a_remainder_of_zero_has_the_sign_of_the_dividend():
    a, b = torch.tensor([-4.0, 4.0, -4.0, 4.0, 0.0, -0.0]), torch.tensor([2.0, -2.0, -2.0, 2.0, -3.0, 3.0])
    assert torch.remainder(a, b).signbit().tolist() == [True, False, True, False, False, True]
