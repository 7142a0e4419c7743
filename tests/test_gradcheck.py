"""gradcheck: it passes what is right, and says where and why what is wrong is wrong."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.autograd.gradcheck import GradcheckError

DOUBLE = torch.float64


def x(*values: float, dtype: Any = DOUBLE) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype, requires_grad=True)


class Scaled(torch.autograd.Function):
    """x squared; the derivative is a quarter of what it should be."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0] / 2


class Conjugate(torch.autograd.Function):
    """A complex product whose derivative forgets to conjugate."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * (2 + 1j)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * (2 + 1j)


class Constant(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return torch.full_like(g, 2)


WRONG: dict[str, tuple[Any, Any, str]] = {
    "factor": (Scaled.apply, (x(1.0, 2.0),), "every element is 0.25 times what it should be"),
    "conjugate": (Conjugate.apply, (x(1 + 2j, dtype=torch.complex128),), "complex conjugate"),
    "kink": (torch.relu, (x(0.0),), "kink or a jump here: the slope is 0 on one side and 1 on the other"),
    "random": (lambda t: t * torch.rand(1, dtype=DOUBLE), (x(1.0),), "func is not deterministic"),
    "detached": (lambda t: t * 0 + t.detach() ** 2, (x(1.5),), "no gradient comes back at all"),
    "nan": (lambda t: torch.where(t > 9, t.sqrt(), t * 0), (x(-1.0),), "backward gives nan"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_causes(name: str) -> None:
    function, inputs, cause = WRONG[name]
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0") as caught:
        gradcheck(function, inputs)
    assert cause in str(caught.value)
    assert not gradcheck(function, inputs, raise_exception=False)


def test_single_precision_is_named() -> None:
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double precision"):
        with pytest.raises(GradcheckError, match=r"the input is torch.float32, whose rounding is larger than the step"):
            gradcheck(torch.exp, (x(1.0, dtype=torch.float32),))


def test_worst_element_is_named() -> None:
    def wrong(t: Any) -> Any:
        return torch.cat([t[:1] * 2, Scaled.apply(t[1:])])

    with pytest.raises(
        GradcheckError, match=r"Worst: output\[1\] with respect to input\[1\]: numerical 6, analytical 1.5"
    ):
        gradcheck(wrong, (x(1.0, 3.0),))


def test_not_multiplied() -> None:
    with pytest.raises(GradcheckError, match=r"Jacobian mismatch|backward not multiplied by grad_output"):
        gradcheck(Constant.apply, (x(1.0),))


@pytest.mark.parametrize("fast_mode", [False, True])
def test_all_options_at_once(fast_mode: bool) -> None:
    def function(a: Any, b: Any, n: int) -> Any:
        return a * b.exp(), (a + b) ** n, (a > b)

    assert gradcheck(
        function, (x(1.0, 2.0), x(0.3, -0.4), 3), check_forward_ad=True, check_batched_grad=True,
        check_batched_forward_grad=not fast_mode, check_grad_dtypes=True, fast_mode=fast_mode, masked=False,
    )  # fmt: skip
    assert gradgradcheck(
        function, (x(1.0, 2.0), x(0.3, -0.4), 3), check_fwd_over_rev=True, check_batched_grad=True,
        gen_non_contig_grad_outputs=True, fast_mode=fast_mode,
    )  # fmt: skip


def test_inputs_are_as_before() -> None:
    t = x(1.0, 2.0)
    gradcheck(lambda t: t * t, (t,))
    assert t.tolist() == [1.0, 2.0]
    assert t.grad is None


def test_function_that_closes_over_its_input() -> None:
    w = x(0.5)
    assert gradcheck(lambda _: w.sin(), (w,))


def test_module_name_is_callable() -> None:
    import importlib

    assert importlib.import_module("rushlight.autograd.gradcheck")(torch.sin, (x(1.0),))
