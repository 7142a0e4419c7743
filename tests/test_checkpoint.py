"""Checkpoints: the same gradients with less memory, and errors that name the operators and lines that differ."""

from __future__ import annotations

import functools
import gc
import weakref
from typing import Any

import pytest

import rushlight as torch
from rushlight.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
)


def leaf(n: int = 4) -> torch.Tensor:
    return torch.linspace(0.1, 1, n, dtype=torch.float64).requires_grad_()


def block(t: Any) -> Any:
    return (t.sin() * t.exp()).tanh() * t


def plain(function: Any) -> torch.Tensor:
    t = leaf()
    (g,) = torch.autograd.grad(function(t).sum(), t)
    return g


@pytest.mark.parametrize("reentrant", [False, True])
def test_same_gradient(reentrant: bool) -> None:
    t = leaf()
    checkpoint(block, t, use_reentrant=reentrant).sum().backward()
    assert torch.allclose(t.grad, plain(block))


def test_nothing_is_held() -> None:
    """Of what the forward computed nothing is kept: only its input."""
    t = torch.ones(1000, requires_grad=True)
    out = checkpoint(block, t, use_reentrant=False)
    assert torch.memory_report(out).total == 0
    assert torch.memory_report(block(t)).total == 3 * 4000


def test_nested_three_deep() -> None:
    def deeper(depth: int, t: Any) -> Any:
        if not depth:
            return block(t)
        return block(checkpoint(functools.partial(deeper, depth - 1), t, use_reentrant=False))

    t = leaf()
    checkpoint(functools.partial(deeper, 2), t, use_reentrant=False).sum().backward()
    expected = plain(lambda t: block(block(block(t))))
    assert torch.allclose(t.grad, expected)


def test_second_derivative() -> None:
    def second(function: Any) -> torch.Tensor:
        t = leaf()
        (g,) = torch.autograd.grad(function(t).sum(), t, create_graph=True)
        return torch.autograd.grad(g.sum(), t)[0]

    assert torch.allclose(second(lambda t: checkpoint(block, t, use_reentrant=False)), second(block))


def test_kernels_operators() -> None:
    """Operators with kernels of their own: layer_norm, attention, losses."""
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).double()
    data = torch.randn(2, 3, 8, dtype=torch.float64)
    layer(data).sum().backward()
    expected = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    checkpoint(layer, data, use_reentrant=False).sum().backward()
    for p, g in zip(layer.parameters(), expected, strict=True):
        assert torch.allclose(p.grad, g)


def test_dropout_is_drawn_again() -> None:
    t = torch.ones(100, requires_grad=True)
    out = checkpoint(lambda t: torch.nn.functional.dropout(t * t, 0.5), t, use_reentrant=False)
    state = torch.get_rng_state()
    out.sum().backward()
    assert torch.equal(out != 0, t.grad != 0)
    assert torch.equal(torch.get_rng_state(), state)


def changing(first: Any, then: Any) -> Any:
    runs = [0]

    def run(t: Any) -> Any:
        runs[0] += 1
        return first(t) if runs[0] == 1 else then(t)

    return run


def test_different_number_names_the_lines() -> None:
    function = changing(lambda t: t.sin().exp().cos(), lambda t: t.sin())
    with pytest.raises(CheckpointError, match="A different number of tensors was saved") as caught:
        checkpoint(function, leaf(), use_reentrant=False).sum().backward()
    assert "They part at tensor" in str(caught.value)
    assert "test_checkpoint.py:" in str(caught.value)
    assert "exp" in str(caught.value)


def test_different_shapes() -> None:
    function = changing(lambda t: t.sin().sum(), lambda t: t[:2].sin().sum())
    with pytest.raises(CheckpointError, match="have different metadata than during the forward pass") as caught:
        checkpoint(function, leaf(), use_reentrant=False).backward()
    assert "saved by sin at" in str(caught.value)


def test_debug_lists_operators() -> None:
    function = changing(lambda t: t.sin().exp().cos(), lambda t: t.sin())
    with (
        set_checkpoint_debug_enabled(True),
        pytest.raises(CheckpointError, match="An error happened while unpacking") as e,
    ):
        checkpoint(function, leaf(), use_reentrant=False).sum().backward()
    assert "exp([4]) at" in str(e.value)
    assert "You are seeing this error because you passed `debug=True` to checkpoint" in str(e.value)


def test_selective_keeps_what_is_asked() -> None:
    runs = []

    def function(t: Any) -> Any:
        return (t.exp() * t).sin()

    def policy(ctx: Any, op: Any, *args: Any) -> CheckpointPolicy:
        runs.append(str(op))
        return CheckpointPolicy.MUST_SAVE if op is torch.ops.aten.exp.default else CheckpointPolicy.PREFER_RECOMPUTE

    t = leaf()
    contexts = functools.partial(create_selective_checkpoint_contexts, policy)
    checkpoint(function, t, use_reentrant=False, context_fn=contexts).sum().backward()
    assert runs == ["aten.exp.default", "aten.mul.Tensor", "aten.sin.default"]
    assert torch.allclose(t.grad, plain(function))
    contexts = functools.partial(create_selective_checkpoint_contexts, [torch.exp, torch.ops.aten.mul.Tensor])
    t = leaf()
    checkpoint(function, t, use_reentrant=False, context_fn=contexts).sum().backward()
    assert torch.allclose(t.grad, plain(function))


@pytest.mark.parametrize("segments", [1, 2, 3])
@pytest.mark.parametrize("reentrant", [False, True])
def test_sequential(segments: int, reentrant: bool) -> None:
    steps = [torch.sin, torch.exp, torch.tanh]
    t = leaf()
    checkpoint_sequential(steps, segments, t, use_reentrant=reentrant).sum().backward()
    assert torch.allclose(t.grad, plain(lambda t: t.sin().exp().tanh()))


def test_reentrant_refuses_grad() -> None:
    t = leaf()
    with pytest.raises(RuntimeError, match="When use_reentrant=True, torch"):
        torch.autograd.grad(checkpoint(block, t, use_reentrant=True).sum(), t)


@pytest.mark.parametrize("depth", [1, 2])
def test_arguments_die_with_the_graph(depth: int) -> None:
    """Without the cycle collector's help."""
    function: Any = block
    for _ in range(depth):
        function = functools.partial(checkpoint, function, use_reentrant=False)
    gc.disable()
    try:
        t = leaf()
        held = weakref.ref(t)
        torch.autograd.grad(function(t * 1).sum(), t)
        out = function(t)
        del out, t
        assert held() is None
    finally:
        gc.enable()
