"""The same parameters and gradients through PyTorch's optimizers and ours: trajectories, state, messages."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import optim

torch = pytest.importorskip("torch")

SHAPES = ((4, 3), (5,), (), (2, 2))
CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("Adam", {}),
    ("Adam", {"weight_decay": 0.1, "amsgrad": True, "maximize": True}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True, "betas": (0.5, 0.6), "eps": 1e-3}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("Adamax", {"weight_decay": 0.1}),
    ("ASGD", {"weight_decay": 0.1, "t0": 2}),
    ("NAdam", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"weight_decay": 0.1}),
    ("RAdam", {"betas": (0.9, 0.8), "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RMSprop", {"weight_decay": 0.1}),
    ("RMSprop", {"centered": True, "momentum": 0.9}),
    ("Rprop", {"lr": 0.1}),
    ("Adafactor", {"weight_decay": 0.1}),
    ("Muon", {}),
    ("Muon", {"adjust_lr_fn": "match_rms_adamw", "nesterov": False}),
]


def plain(value: Any) -> Any:
    """A state dict with arrays in place of tensors."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value.detach().numpy() if hasattr(value, "detach") else value


def assert_close(a: Any, b: Any, tolerance: float) -> None:
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_close(a[key], b[key], tolerance)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_close(x, y, tolerance)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    else:
        assert a == b


def trajectory(
    lib: Any, name: str, options: dict[str, Any], dtype: str, steps: int = 6, shapes: Any = SHAPES
) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    if name == "Muon":
        shapes = [s for s in shapes if len(s) == 2]

    def draw(shape: Any) -> Any:
        array = rng.standard_normal(shape)
        if "complex" in dtype:
            array = array + 1j * rng.standard_normal(shape)
        return lib.tensor(np.asarray(array, dtype=dtype))

    params = [draw(shape).requires_grad_() for shape in shapes]
    optimizer = getattr(lib.optim, name)(params, **options)
    for _ in range(steps):
        for p in params:
            p.grad = draw(tuple(p.shape))
        optimizer.step()
    return params, optimizer


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_trajectories(name: str, options: dict[str, Any], dtype: str) -> None:
    if "complex" in dtype and name in ("Adafactor", "Muon"):
        return
    theirs, their_optimizer = trajectory(torch, name, options, dtype)
    ours, our_optimizer = trajectory(rl, name, options, dtype)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    if name == "Muon":
        tolerance = 2e-2  # computed in bfloat16
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance)
    assert_close(plain(our_optimizer.state_dict()), plain(their_optimizer.state_dict()), tolerance)
    assert repr(our_optimizer) == repr(their_optimizer)


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad", "RMSprop", "NAdam", "Rprop", "ASGD"])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_tensor_rates(name: str, shape: Any) -> None:
    results = []
    for lib in (torch, rl):
        lr = lib.full(shape, 0.1)
        results.append(trajectory(lib, name, {"lr": lr}, "float32")[0])
    for p, q in zip(*results, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adadelta", "Adagrad", "NAdam", "RAdam", "RMSprop"])
def test_differentiable(name: str) -> None:
    results = []
    for lib in (torch, rl):
        x = lib.tensor([0.3, -0.7], dtype=lib.float64, requires_grad=True)
        p = x.clone()
        optimizer = getattr(lib.optim, name)([p], lr=0.1, weight_decay=0.1, differentiable=True)
        for k in range(3):
            p.grad = lib.sin(x * (k + 1)) + 2.0
            optimizer.step()
        (p**2).sum().backward()
        results.append((p.tolist(), x.grad.tolist()))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"line_search_fn": "strong_wolfe"}, {"history_size": 2, "lr": 0.01}])
def test_lbfgs(options: dict[str, Any]) -> None:
    results = []
    for lib in (torch, rl):
        p = lib.tensor([-1.2, 1.0, 0.5], dtype=lib.float64, requires_grad=True)
        q = lib.tensor([[0.3], [0.2]], dtype=lib.float64, requires_grad=True)
        optimizer = lib.optim.LBFGS([p, q], **(options or {"lr": 0.05}))
        losses = []

        def closure(p: Any = p, q: Any = q, optimizer: Any = optimizer, losses: Any = losses) -> Any:
            optimizer.zero_grad()
            loss = (1 - p[0]) ** 2 + 10 * (p[1] - p[0] ** 2) ** 2 + (p[2] * q).pow(2).sum() + (q - 1).pow(4).sum()
            loss.backward()
            losses.append(loss.item())
            return loss

        for _ in range(2):
            optimizer.step(closure)
        results.append((losses, p.tolist(), plain(optimizer.state_dict())))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-6)
    assert results[0][2]["state"][0].keys() == results[1][2]["state"][0].keys()
    assert results[0][2]["param_groups"] == results[1][2]["param_groups"]


def messages(lib: Any) -> list[str]:
    """What each misuse says."""
    p = lib.ones(2).requires_grad_()
    made = lib.ones(2).requires_grad_() * 2
    o, s = lib.optim, lib.optim.lr_scheduler
    loaded = o.SGD([p]).state_dict()
    misuses = [
        lambda: o.SGD([p], lr=-1),
        lambda: o.SGD([p], lr=lib.ones(2)),
        lambda: o.SGD([p], nesterov=True),
        lambda: o.SGD([p], fused=True, differentiable=True),
        lambda: o.Adam([p], betas=(0.9, 1)),
        lambda: o.Adam([p], betas=(1, 0.9)),
        lambda: o.Adam([p], betas=(0, 0.9)),
        lambda: o.Adam([p], eps=-1),
        lambda: o.Adam([p], weight_decay=-1),
        lambda: o.Adam([p], lr=lib.tensor(0.1), foreach=True),
        lambda: o.Adam([p], betas=(lib.tensor(0.9), lib.tensor(0.9)), foreach=True),
        lambda: o.Adamax([p], lr=-0.1),
        lambda: o.Adagrad([p], initial_accumulator_value=-1),
        lambda: o.ASGD([p], weight_decay=-0.5),
        lambda: o.Adadelta([p], rho=2),
        lambda: o.NAdam([p], momentum_decay=-1),
        lambda: o.RAdam([p], eps=-1),
        lambda: o.RMSprop([p], alpha=-1),
        lambda: o.Rprop([p], etas=(2, 3)),
        lambda: o.Adafactor([p], beta2_decay=1),
        lambda: o.Adafactor([p], eps=(-1, 0)),
        lambda: o.Adafactor([p], lr=-1),
        lambda: o.Muon([p]),
        lambda: o.Muon([lib.ones(2, 2)], adjust_lr_fn="x"),
        lambda: o.SparseAdam([p], lr=0),
        lambda: o.SparseAdam([lib.ones(1, dtype=lib.complex64)]),
        lambda: o.LBFGS([{"params": [p]}, {"params": [made.detach()]}]),
        lambda: o.SGD([]),
        lambda: o.SGD([None]),
        lambda: o.SGD([made]),
        lambda: o.SGD([{"params": {p}}]),
        lambda: o.SGD([("a", p), made]),
        lambda: o.SGD([{"params": p}, {"params": p}]),
        lambda: o.SGD([p]).add_param_group(3),
        lambda: o.SGD([p]).load_state_dict({**loaded, "param_groups": []}),
        lambda: o.SGD([p, made.detach()]).load_state_dict(loaded),
        lambda: s.StepLR(3, 1),
        lambda: s.StepLR(o.SGD([p]), 1, last_epoch=1),
        lambda: s.LambdaLR(o.SGD([p]), [abs, abs]),
        lambda: s.MultiplicativeLR(o.SGD([p]), [3]),
        lambda: s.ReduceLROnPlateau(o.SGD([p]), factor=2),
        lambda: s.ReduceLROnPlateau(o.SGD([p]), threshold_mode="x"),
        lambda: s.ReduceLROnPlateau(o.SGD([p]), min_lr=[1, 2]),
        lambda: s.CyclicLR(o.Adagrad([p]), 0.1, 1),
        lambda: s.OneCycleLR(o.SGD([p]), 0.1),
        lambda: s.OneCycleLR(o.SGD([p]), 0.1, epochs=-1, steps_per_epoch=3),
        lambda: s.OneCycleLR(o.SGD([p]), 0.1, 3, pct_start=1),
        lambda: s.CosineAnnealingWarmRestarts(o.SGD([p]), 1, eta_min="x"),
        lambda: s.SequentialLR(o.SGD([p]), [], []),
        lambda: s.SequentialLR(o.SGD([p]), [3], []),
        lambda: s.ChainedScheduler([]),
        lambda: o.swa_utils.SWALR(o.SGD([p]), 0.1, anneal_strategy="x"),
        lambda: o.swa_utils.get_ema_avg_fn(3),
    ]
    result = []
    for i, misuse in enumerate(misuses):
        try:
            misuse()
        except Exception as error:
            result.append(f"{i} {type(error).__name__}: {error}")
        else:
            result.append(f"{i} fine")
    return result


def test_messages() -> None:
    assert messages(rl) == messages(torch)


SCHEDULES = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda t: 0.9**t),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, [lambda t: 0.9, lambda t: 0.8]),
    "StepLR": lambda s, o: s.StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5], gamma=0.5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, factor=0.3, total_iters=4),
    "LinearLR": lambda s, o: s.LinearLR(o, start_factor=0.3, end_factor=0.9, total_iters=4),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, total_iters=6, power=2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, T_max=4, eta_min=0.1),
    "WarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.01),
    "triangular": lambda s, o: s.CyclicLR(o, [0.1, 0.2], 1.0, step_size_up=3, step_size_down=2),
    "triangular2": lambda s, o: s.CyclicLR(o, 0.1, 1.0, step_size_up=2, mode="triangular2"),
    "exp_range": lambda s, o: s.CyclicLR(o, 0.1, 1.0, step_size_up=2, mode="exp_range", gamma=0.9),
    "scale_fn": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 2, scale_fn=lambda x: 0.5**x, scale_mode="iterations"),
    "OneCycle": lambda s, o: s.OneCycleLR(o, [1.0, 2.0], total_steps=12),
    "OneCycle3": lambda s, o: s.OneCycleLR(
        o, 1.0, epochs=4, steps_per_epoch=3, three_phase=True, anneal_strategy="linear"
    ),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9), s.StepLR(o, 2)], milestones=[3, 7]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.5, 3), s.ExponentialLR(o, 0.9)]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str) -> None:
    results = []
    for lib in (torch, rl):
        groups = [{"params": [lib.zeros(1).requires_grad_()], "lr": lr} for lr in (1.0, 0.3)]
        optimizer = lib.optim.SGD(groups, momentum=0.9)
        scheduler = SCHEDULES[name](lib.optim.lr_scheduler, optimizer)
        seen = []
        for _ in range(12):
            seen.append([(g["lr"], g["momentum"]) for g in optimizer.param_groups])
            optimizer.step()
            scheduler.step()
        state = scheduler.state_dict()
        results.append((seen, scheduler.get_last_lr(), {k: v for k, v in state.items() if "lambda" not in k}))
    assert results[0][0] == results[1][0]
    assert results[0][1] == results[1][1]
    assert results[0][2] == results[1][2]


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_swa(strategy: str) -> None:
    results = []
    for lib in (torch, rl):
        p = lib.zeros(1).requires_grad_()
        optimizer = lib.optim.SGD([p], lr=1.0)
        scheduler = lib.optim.swa_utils.SWALR(optimizer, 0.05, anneal_epochs=4, anneal_strategy=strategy)
        seen = []
        for _ in range(7):
            optimizer.step()
            scheduler.step()
            seen.append(scheduler.get_last_lr())
        results.append((seen, set(scheduler.state_dict())))
    assert results[0] == results[1]


def test_plateau() -> None:
    rng = np.random.default_rng(0)
    losses = rng.uniform(0.5, 1.5, 60).tolist()
    for options in (
        {"patience": 2},
        {"mode": "max", "threshold": 0.1, "threshold_mode": "abs", "cooldown": 2, "min_lr": 1e-3},
    ):
        results = []
        for lib in (torch, rl):
            optimizer = lib.optim.SGD([lib.zeros(1).requires_grad_()], lr=1.0)
            scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, **options)
            seen = []
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for loss in losses:
                    scheduler.step(loss)
                    seen.append(scheduler.get_last_lr()[0])
            results.append((seen, scheduler.state_dict()))
        assert results[0] == results[1]


def test_signatures() -> None:
    import inspect

    names = [n for n in torch.optim.__all__ if n not in ("lr_scheduler", "swa_utils")]
    assert set(torch.optim.__all__) <= set(optim.__all__)
    pairs = [(getattr(torch.optim, n), getattr(optim, n)) for n in names]
    for module in ("lr_scheduler", "swa_utils"):
        theirs, ours = getattr(torch.optim, module), getattr(optim, module)
        assert set(theirs.__all__) <= set(ours.__all__)
        pairs += [(getattr(theirs, n), getattr(ours, n)) for n in theirs.__all__]
    for a, b in pairs:
        one, two = (inspect.signature(x).parameters for x in (a, b))
        if a.__name__.endswith("_fn"):
            continue
        assert [(p.name, p.kind, p.default) for p in one.values()] == [
            (p.name, p.kind, p.default) for p in two.values()
        ], a.__name__
