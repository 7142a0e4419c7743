"""Anomaly mode: nan and errors of backward name the forward; nothing is left when the mode is off."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight._core import engine, record
from rushlight._core.mode import mode

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Anomaly Detection has been enabled")


def test_nan_names_the_line() -> None:
    t = torch.zeros(2, requires_grad=True)
    with torch.autograd.detect_anomaly():
        out = (t.sqrt() * 0).sum()
        with pytest.warns(UserWarning, match="Error detected in SqrtBackward0. Traceback of forward call") as said:
            with pytest.raises(
                RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"
            ) as e:
                out.backward()
    assert "out = (t.sqrt() * 0).sum()" in str(e.value)
    text = next(str(w.message) for w in said if "Error detected" in str(w.message))
    assert "out = (t.sqrt() * 0).sum()" in text
    assert "rushlight/_core" not in text


def test_the_line_is_known_without_the_mode() -> None:
    t = torch.zeros(2, requires_grad=True)
    out = (t.sqrt() * 0).sum()
    with torch.autograd.detect_anomaly():
        with pytest.warns(UserWarning, match="No forward pass information available"):
            with pytest.raises(RuntimeError, match=r"It was recorded at .*test_anomaly.py:\d+: out = "):
                out.backward()


class Broken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        raise ValueError("broken")


def test_error_of_a_custom_function() -> None:
    t = torch.ones(2, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        out = Broken.apply(t).sum()
        with pytest.warns(UserWarning, match="Error detected in BrokenBackward. Traceback of forward call"):
            with pytest.raises(ValueError, match="broken") as caught:
                out.backward()
    assert "recorded at" in caught.value.__notes__[0]


def test_second_backward_names_what_induced_it() -> None:
    t = torch.tensor(0.0, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        (g,) = torch.autograd.grad((t**1.5).sum(), t, create_graph=True)
        with pytest.warns(UserWarning, match="Previous calculation was induced by|Error detected"):
            with pytest.raises(RuntimeError, match="returned nan values"):
                (g * 0).backward()


def test_check_nan_off() -> None:
    t = torch.zeros(1, requires_grad=True)
    with torch.autograd.detect_anomaly(check_nan=False):
        (t.sqrt() * 0).sum().backward()
    assert t.grad.isnan()


def test_off_leaves_nothing() -> None:
    before = mode()
    with torch.autograd.set_detect_anomaly(True):
        assert torch.is_anomaly_enabled()
        with torch.autograd.set_detect_anomaly(False):
            assert not torch.is_anomaly_enabled()
            assert mode() == before
        assert torch.is_anomaly_enabled()
    torch.autograd.set_detect_anomaly(True, check_nan=False)
    assert not torch.is_anomaly_check_nan_enabled()
    torch.autograd.set_detect_anomaly(False)
    assert mode() == before
    assert record.watchers.get() == ()
    assert engine.observers.get() == ()
