"""Sobol points: SciPy's, which come from the same table; scrambled, still balanced; PyTorch's bit by bit (parity)."""

from __future__ import annotations

import importlib.util

import pytest

import rushlight as torch
from rushlight.quasirandom import SobolEngine

qmc = pytest.importorskip("scipy.stats.qmc")


@pytest.mark.parametrize("dimension", [1, 2, 9, 60])
def test_plain_points_are_scipys(dimension: int) -> None:
    engine = SobolEngine(dimension)
    drawn = torch.cat([engine.draw(1), engine.draw(2), engine.draw(61)])
    expected = qmc.Sobol(dimension, scramble=False, bits=30).random(64)
    assert (drawn.numpy() == expected.astype("float32")).all()
    again = engine.reset().fast_forward(10).draw(5, dtype=torch.float64)
    assert (again.numpy() == expected[10:15]).all()


def test_scrambled_points_stay_balanced_and_follow_the_seed() -> None:
    one, two = (SobolEngine(3, scramble=True, seed=5).draw_base2(6) for _ in range(2))
    assert torch.equal(one, two) and not torch.equal(one, SobolEngine(3, scramble=True, seed=6).draw(64))
    for column in one.T:
        assert (torch.histc(column, 64, 0, 1) == 1).all()
    torch.manual_seed(0)
    drawn = SobolEngine(2, scramble=True).draw(4)
    torch.manual_seed(0)
    assert torch.equal(drawn, SobolEngine(2, scramble=True).draw(4))


def test_words_and_forms() -> None:
    assert repr(SobolEngine(2)) == "SobolEngine(dimension=2)"
    assert repr(SobolEngine(2, True, 3)) == "SobolEngine(dimension=2, scramble=True, seed=3)"
    engine = SobolEngine(2)
    with pytest.raises(ValueError, match=r"require n to be a power of 2. 3 points have been previously generated"):
        engine.draw(3)
        engine.draw_base2(2)
    with pytest.raises(ValueError, match=r"Supported range of dimensionality for SobolEngine is \[1, 21201\]"):
        SobolEngine(0)
    out = torch.empty(0)
    assert engine.reset().draw(4, out=out) is out and out.shape == (4, 2)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
@pytest.mark.parametrize(("scramble", "seed"), [(False, None), (True, 3), (True, None)])
def test_points_are_pytorchs(scramble: bool, seed: int | None) -> None:
    import torch as oracle

    oracle.manual_seed(1), torch.manual_seed(1)
    theirs, ours = oracle.quasirandom.SobolEngine(40, scramble, seed), SobolEngine(40, scramble, seed)
    for n in (1, 3, 4, 100):
        assert (theirs.draw(n).numpy() == ours.draw(n).numpy()).all()
    theirs.fast_forward(1000), ours.fast_forward(1000)
    assert (theirs.draw(5).numpy() == ours.draw(5).numpy()).all()
