"""Reports about graphs: what is held for backward, why a gradient is missing, graphs that grow, budgets."""

from __future__ import annotations

import warnings

import pytest

import rushlight as torch
from rushlight._core import engine
from rushlight.autograd.memory import warn_growing


def test_memory_by_line() -> None:
    w = torch.ones(100, 100, requires_grad=True)
    x = torch.ones(50, 100)
    h = (x @ w).tanh()
    report = torch.memory_report((h * h).sum())
    rows = {r.operator: r for r in report.rows}
    assert rows["TanhBackward0"].bytes == 50 * 100 * 4
    assert rows["MmBackward0"].bytes == 50 * 100 * 4  # its input; w is there anyway
    assert "MulBackward0" not in rows  # it saved what tanh had saved
    assert report.total == 2 * 50 * 100 * 4
    assert rows["TanhBackward0"].text == "h = (x @ w).tanh()"
    assert rows["TanhBackward0"].file.endswith("test_graph_reports.py")
    assert "39.1 KB held for backward by 4 nodes" in repr(report)


def test_memory_after_backward() -> None:
    w = torch.ones(10, requires_grad=True)
    loss = (w * w.exp()).sum()
    assert torch.memory_report(loss).total
    loss.backward()
    assert torch.memory_report(loss).total == 0


def test_memory_of_custom_functions_and_hooks() -> None:
    class Keep(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x * 2)
            return x * 3

        @staticmethod
        def backward(ctx: object, g: torch.Tensor) -> torch.Tensor:
            return g

    w = torch.ones(10, requires_grad=True)
    assert torch.memory_report(Keep.apply(w)).total == 40
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        out = w.exp()
    assert torch.memory_report(out).total == 40
    with pytest.raises(TypeError, match="expected Tensor, got int"):
        torch.memory_report(3)


def test_growing_graph_warns_once_and_names_the_line() -> None:
    engine.growing[:] = [warn_growing]
    w = torch.ones(3, requires_grad=True)
    total = torch.zeros(())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3 * engine.MANY_STEPS):
            loss = (w * w).sum()
            loss.backward()
            total = total + loss  # the line
    texts = [str(w.message) for w in caught if "A graph spans" in str(w.message)]
    assert len(texts) == 1
    assert "total = total + loss  # the line" in texts[0]


def test_ordinary_training_does_not_warn() -> None:
    engine.growing[:] = [warn_growing]
    w = torch.ones(3, requires_grad=True)
    total = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3 * engine.MANY_STEPS):
            loss = (w * w).sum()
            loss.backward()
            total += loss.item()
    assert engine.growing


def test_budget() -> None:
    x = torch.ones(100, requires_grad=True)
    with pytest.raises(
        RuntimeError, match="graph budget exceeded: 6 recorded operations are alive, 5 are allowed"
    ) as e:
        with torch.graph_budget(nodes=5):
            for _ in range(10):
                x = x * 2
    assert "MulBackward0 at" in str(e.value)
    y = torch.ones(100, requires_grad=True)
    with torch.graph_budget(nodes=10, bytes=4000):
        for _ in range(20):
            y.exp().sum().backward()
    with pytest.raises(RuntimeError, match="bytes are held for backward, 1000 are allowed"):
        with torch.graph_budget(bytes=1000):
            held = [y.exp(), y.exp(), y.exp()]
            assert held
    with pytest.raises(ValueError, match="needs a limit"):
        torch.graph_budget()


def test_why() -> None:
    why = torch.why_no_grad
    w = torch.ones(2, requires_grad=True)
    assert "torch.int64" in why(torch.ones(2, dtype=torch.int64))
    assert "explain_grads" in why(torch.ones(2))
    assert "no backward pass has reached it" in why(w)
    assert "call retain_grad()" in why(w * 2).lower()
    w.sum().backward()
    assert why(w) == "it has a gradient: .grad is there"


def test_why_watched() -> None:
    w = torch.ones(2, requires_grad=True)
    with torch.explain_grads():
        with torch.no_grad():
            under = w * 2
        later = (under + 1).exp()
        cut = w.detach()
        after = cut.sin()
        whole = w.argmax()
        constant = torch.ones(2) + 1
    why = torch.why_no_grad
    assert why(under).startswith("it was made by mul under no_grad at ")
    assert why(later).startswith("it was computed from a tensor that was made by mul under no_grad at ")
    assert "test_graph_reports.py:" in why(later)
    assert why(cut).startswith("it was detached at ")
    assert why(after).startswith("it was computed from a tensor that was detached at ")
    assert "torch.int64" in why(whole)
    assert "none of which requires grad" in why(constant)
    assert why(lambda: w.detach() * 2).startswith("it was computed from a tensor that was detached at")
