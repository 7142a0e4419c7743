"""Gradients of complex numbers, in PyTorch's convention: every operator that takes them, against differences."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import rushlight as torch
from rushlight.autograd.gradcheck import gradcheck, gradgradcheck
from samples import Call, Row, rows
from samples.checks import flat, rushlight

SMALL = 20  # elements: a check costs four runs an element
ONE_TRIANGLE = {"linalg.eigvalsh", "linalg.eigh", "linalg.cholesky", "cholesky_solve", "cholesky", "cholesky_inverse"}
ROWS = [r for r in rows() if r.complex and r.grad and r.name not in ONE_TRIANGLE]


def complex_call(row: Row) -> tuple[Call, list[Any]] | None:
    """The first small sample with complex tensors that want a gradient."""
    for call in row.calls():
        if any(t.array.dtype.kind == "c" and t.grad for t in call.tensors):
            tensors = [torch.tensor(t.array).requires_grad_(t.grad) for t in call.tensors]
            if 0 < sum(t.numel() for t in tensors) <= SMALL and all(0 not in t.stride() for t in tensors):
                return call, tensors
    return None


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id)
def test_against_differences(row: Row) -> None:
    found = complex_call(row)
    if found is None:
        pytest.skip("no small complex sample")
    call, tensors = found
    places = [i for i, t in enumerate(tensors) if t.requires_grad]
    function = rushlight().function(row.name)

    def run(*given: Any) -> Any:
        every = list(tensors)
        for i, t in zip(places, given, strict=True):
            every[i] = t
        made = call.with_tensors(every)
        return tuple(t for t in flat(function(*made.args, **made.kwargs)) if getattr(t, "requires_grad", False))

    inputs = tuple(tensors[i] for i in places)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not run(*inputs):
            pytest.skip("its result has no gradient")
        assert gradcheck(run, inputs, atol=1e-4, check_undefined_grad=False)
        if row.second:
            assert gradgradcheck(run, inputs, atol=1e-3, rtol=1e-2, check_undefined_grad=False, fast_mode=True)


def grad(function: Any, z: Any) -> complex:
    z = torch.tensor(z, dtype=torch.complex128, requires_grad=True)
    function(z).backward()
    return z.grad.item()


def test_convention() -> None:
    """The gradient of a real L is dL/dx + i dL/dy: the direction of steepest ascent."""
    assert grad(lambda z: z.real, 1 + 2j) == 1
    assert grad(lambda z: z.imag, 1 + 2j) == 1j
    assert grad(lambda z: (z * z.conj()).real, 1 + 2j) == 2 + 4j
    assert grad(lambda z: (z * (2 + 1j)).real, 1 + 2j) == 2 - 1j
    assert grad(lambda z: z.abs(), 3 + 4j) == pytest.approx(0.6 + 0.8j)


def test_real_inputs_get_real_gradients() -> None:
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    (x * (1 + 3j)).real.backward()
    assert x.grad.dtype is torch.float64
    assert x.grad.item() == 1


def test_views_of_parts_are_written_through() -> None:
    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)
    w = z * 1
    torch.view_as_real(w)[..., 1] *= 10
    assert w.detach().tolist() == [1 + 20j, 3 - 10j]
    (w.real.sum() + w.imag.sum()).backward()
    assert z.grad.tolist() == [1 + 10j, 1 + 10j]


def test_backward_of_a_complex_result_needs_a_gradient() -> None:
    z = torch.tensor(1j, requires_grad=True)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for real scalar outputs but got"):
        (z * z).backward()
