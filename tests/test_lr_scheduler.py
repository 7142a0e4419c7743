"""Schedules: chained and closed forms agree, state goes round, and misuse is told."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight import optim
from rushlight.optim import lr_scheduler as S
from rushlight.optim.swa_utils import SWALR


def optimizer_at(*rates: Any, momentum: float = 0.9) -> Any:
    groups = [{"params": [rl.zeros(1).requires_grad_()], "lr": rate} for rate in rates or (1.0,)]
    return optim.SGD(groups, momentum=momentum)


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "LambdaLR": lambda o: S.LambdaLR(o, lambda t: 0.9**t),
    "MultiplicativeLR": lambda o: S.MultiplicativeLR(o, lambda t: 0.9),
    "StepLR": lambda o: S.StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda o: S.MultiStepLR(o, [2, 5, 5], gamma=0.5),
    "ConstantLR": lambda o: S.ConstantLR(o, factor=0.5, total_iters=4),
    "LinearLR": lambda o: S.LinearLR(o, start_factor=0.5, total_iters=4),
    "ExponentialLR": lambda o: S.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: S.PolynomialLR(o, total_iters=6, power=2.0),
    "CosineAnnealingLR": lambda o: S.CosineAnnealingLR(o, T_max=4, eta_min=0.1),
    "CosineAnnealingWarmRestarts": lambda o: S.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2),
    "CyclicLR": lambda o: S.CyclicLR(o, 0.1, 1.0, step_size_up=3, mode="triangular2"),
    "OneCycleLR": lambda o: S.OneCycleLR(o, 1.0, total_steps=12),
    "SequentialLR": lambda o: S.SequentialLR(
        o, [S.ConstantLR(o, factor=0.1, total_iters=3), S.ExponentialLR(o, 0.9)], milestones=[3]
    ),
    "ChainedScheduler": lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.5, 3), S.ExponentialLR(o, 0.9)]),
    "SWALR": lambda o: SWALR(o, 0.1, anneal_epochs=4),
}


def rates(optimizer: Any, scheduler: Any, steps: int) -> list[list[float]]:
    result = []
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        result.append([float(group["lr"]) for group in optimizer.param_groups])
        assert [float(x) for x in scheduler.get_last_lr()] == result[-1]
    return result


@pytest.mark.parametrize("name", SCHEDULES)
def test_state_dict_round_trip(name: str) -> None:
    make = SCHEDULES[name]
    whole = optimizer_at(1.0, 0.5)
    expected = rates(whole, make(whole), 10)

    one = optimizer_at(1.0, 0.5)
    first = make(one)
    begin = rates(one, first, 4)
    saved = pickle.loads(pickle.dumps((one.state_dict(), first.state_dict())))
    two = optimizer_at(1.0, 0.5)
    second = make(two)
    two.load_state_dict(saved[0])
    second.load_state_dict(saved[1])
    assert begin + rates(two, second, 6) == expected


@pytest.mark.parametrize("name", SCHEDULES)
def test_tensor_rates(name: str) -> None:
    """A rate in a tensor is written in place and goes the same way."""
    if name in ("CyclicLR", "OneCycleLR"):
        return
    plain = optimizer_at(1.0)
    expected = rates(plain, SCHEDULES[name](plain), 8)
    tensor = rl.tensor(1.0, dtype=rl.float64)
    optimizer = optimizer_at(tensor)
    got = rates(optimizer, SCHEDULES[name](optimizer), 8)
    assert optimizer.param_groups[0]["lr"] is tensor
    assert [x for row in got for x in row] == pytest.approx([x for row in expected for x in row], rel=1e-6)


@pytest.mark.parametrize(
    "name",
    ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"],
)
def test_closed_form(name: str) -> None:
    chained, closed = optimizer_at(), optimizer_at()
    a, b = SCHEDULES[name](chained), SCHEDULES[name](closed)
    expected = rates(chained, a, 8)
    closed.step()
    for epoch in range(1, 9):
        with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step\\(\\)` was not necessary"):
            b.step(epoch)
        assert b.get_last_lr() == pytest.approx(expected[epoch - 1], rel=1e-6, abs=1e-12)


def test_values() -> None:
    optimizer = optimizer_at()
    got = rates(optimizer, S.CosineAnnealingLR(optimizer, T_max=4), 8)
    assert [round(x, 4) for (x,) in got] == [0.8536, 0.5, 0.1464, 0.0, 0.1464, 0.5, 0.8536, 1.0]
    optimizer = optimizer_at()
    got = rates(optimizer, S.CyclicLR(optimizer, 0.0, 1.0, step_size_up=2), 5)
    assert [round(x, 4) for (x,) in got] == [0.5, 1.0, 0.5, 0.0, 0.5]
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.85)
    optimizer = optim.Adam([rl.zeros(1).requires_grad_()], lr=1.0)
    scheduler = S.OneCycleLR(optimizer, 1.0, total_steps=4, pct_start=0.5, anneal_strategy="linear")
    assert scheduler.get_last_lr() == [pytest.approx(0.04)]
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.999)
    rates(optimizer, scheduler, 1)
    assert scheduler.get_last_lr() == [pytest.approx(1.0)]
    assert optimizer.param_groups[0]["betas"][0] == pytest.approx(0.85)


def test_warm_restarts_can_be_stepped_by_fractions() -> None:
    optimizer = optimizer_at()
    scheduler = S.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    for epoch, expected in ((0.5, 0.853553), (1.0, 0.5), (2.0, 1.0), (4.0, 0.5), (6.0, 1.0), (1.0, 0.5)):
        scheduler.step(epoch)
        assert scheduler.get_last_lr()[0] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
        scheduler.step(-1)


def test_plateau() -> None:
    optimizer = optimizer_at(1.0)
    scheduler = S.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    seen = []
    for loss in [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]:
        scheduler.step(rl.tensor(loss))
        seen.append(scheduler.get_last_lr()[0])
    assert seen == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2]
    twin = S.ReduceLROnPlateau(optimizer, "max", threshold_mode="abs")
    twin.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    assert twin.mode == "min" and twin.num_bad_epochs == scheduler.num_bad_epochs
    for mode, better in (("min", 0.5), ("max", 3.0)):
        for threshold_mode in ("rel", "abs"):
            s = S.ReduceLROnPlateau(optimizer, mode, threshold_mode=threshold_mode)  # type: ignore[arg-type]
            assert s._is_better(better, 1.0) and not s._is_better(1.0, 1.0)
    with pytest.raises(ValueError, match="Factor should be < 1"):
        S.ReduceLROnPlateau(optimizer, factor=1.0)
    with pytest.raises(ValueError, match="mode median is unknown!"):
        S.ReduceLROnPlateau(optimizer, "median")  # type: ignore[arg-type]
    listed = S.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1])
    optimizer.add_param_group({"params": [rl.zeros(1).requires_grad_()]})
    listed.step(1.0)
    with pytest.raises(RuntimeError, match="The number of param groups in the `optimizer` \\(2\\) differs"):
        listed.step(1.0)


def test_order_of_calls() -> None:
    optimizer = optimizer_at()
    scheduler = S.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before `optimizer.step"):
        scheduler.step()
    optimizer = optimizer_at()
    scheduler = S.StepLR(optimizer, 1)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="Seems like `optimizer.step\\(\\)` has been overridden after"):
        scheduler.step()
    optimizer = optimizer_at()
    scheduler = S.StepLR(optimizer, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()
    with pytest.warns(UserWarning, match="To get the last learning rate computed by the scheduler"):
        scheduler.get_lr()


def test_callable_objects_are_saved() -> None:
    class Decay:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, t: int) -> float:
            return self.factor**t

    optimizer = optimizer_at()
    saved = S.LambdaLR(optimizer, Decay(0.5)).state_dict()
    assert saved["lr_lambdas"] == [{"factor": 0.5}]
    other = S.LambdaLR(optimizer_at(), Decay(0.9))
    other.load_state_dict(saved)
    assert other.lr_lambdas[0].factor == 0.5  # type: ignore[attr-defined]
    assert S.LambdaLR(optimizer, lambda t: 1.0).state_dict()["lr_lambdas"] == [None]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda o: S.StepLR("no", 1), TypeError, "str is not an Optimizer"),
        (lambda o: S.StepLR(o, 1, last_epoch=3), KeyError, "param 'initial_lr' is not specified in param_gr"),
        (lambda o: S.LambdaLR(o, [abs, abs]), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda o: S.MultiplicativeLR(o, 3), TypeError, "lr_lambda should be a function, but got int"),
        (lambda o: S.ConstantLR(o, 2.0), ValueError, "Constant multiplicative factor expected to be between"),
        (lambda o: S.LinearLR(o, 0.0), ValueError, "Starting multiplicative factor expected to be greater"),
        (lambda o: S.LinearLR(o, end_factor=2.0), ValueError, "Ending multiplicative factor expected to be"),
        (
            lambda o: S.CosineAnnealingWarmRestarts(o, 0),
            ValueError,
            "Expected positive integer T_0, but got 0",
        ),
        (lambda o: S.CosineAnnealingWarmRestarts(o, 1, 1.5), ValueError, "Expected integer T_mult >= 1, but"),
        (lambda o: S.CyclicLR(o, 0.1, 1.0, mode="x"), ValueError, "mode is invalid and scale_fn is None"),
        (
            lambda o: S.CyclicLR(o, [0.1, 1], 1.0),
            ValueError,
            "base_lr must have the same length as optimizer.",
        ),
        (lambda o: S.OneCycleLR(o, 1.0), ValueError, "You must define either total_steps OR (epochs AND"),
        (lambda o: S.OneCycleLR(o, 1.0, total_steps=0), ValueError, "Expected positive integer total_steps"),
        (
            lambda o: S.OneCycleLR(o, 1.0, 5, pct_start=2.0),
            ValueError,
            "Expected float between 0 and 1 pct_st",
        ),
        (
            lambda o: S.OneCycleLR(o, 1.0, 5, anneal_strategy="x"),
            ValueError,
            "anneal_strategy must be one of",
        ),
        (lambda o: SWALR(o, 0.1, -1), ValueError, "anneal_epochs must be equal or greater than 0, got -1"),
        (lambda o: S.SequentialLR(o, [], []), ValueError, "SequentialLR expects at least one scheduler, but"),
        (
            lambda o: S.ChainedScheduler([]),
            ValueError,
            "ChainedScheduler expects at least one scheduler to be",
        ),
        (
            lambda o: S.ChainedScheduler([3], o),
            TypeError,
            "ChainedScheduler at index 0 should have `optimizer`",
        ),
        (
            lambda o: S.ChainedScheduler([S.ReduceLROnPlateau(o)]),
            ValueError,
            "ChainedScheduler does not support `ReduceLROnPlateau`",
        ),
        (
            lambda o: S.SequentialLR(o, [S.StepLR(optimizer_at(), 1)], []),
            ValueError,
            "SequentialLR expects all schedulers to belong to the same optimizer",
        ),
        (
            lambda o: S.SequentialLR(o, [S.StepLR(o, 1)], [1]),
            ValueError,
            "Sequential Schedulers expects number",
        ),
    ],
)
def test_errors(make: Any, error: Any, text: str) -> None:
    with pytest.raises(error) as caught:
        make(optimizer_at())
    assert str(caught.value).strip("\"'").startswith(text)


def test_too_many_steps_and_no_momentum() -> None:
    optimizer = optimizer_at()
    scheduler = S.OneCycleLR(optimizer, 1.0, total_steps=2)
    rates(optimizer, scheduler, 2)
    with pytest.raises(ValueError, match="Tried to step 3 times"):
        scheduler.step()
    adagrad = optim.Adagrad([rl.zeros(1).requires_grad_()])
    with pytest.raises(ValueError, match="optimizer must support momentum or beta1 with `cycle_momentum`"):
        S.CyclicLR(adagrad, 0.1, 1.0)
    S.CyclicLR(adagrad, 0.1, 1.0, cycle_momentum=False)
