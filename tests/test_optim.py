"""Optimizers: their protocol (groups, hooks, state dicts, errors) and that each of them descends."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import optim
from rushlight.optim import optimizer as base

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.1, "momentum": 0.9},
    "Adam": {"lr": 0.1},
    "AdamW": {"lr": 0.1},
    "Adadelta": {"lr": 1.0, "eps": 1e-2},
    "Adagrad": {"lr": 1.0},
    "Adamax": {"lr": 0.1},
    "ASGD": {"lr": 0.1},
    "NAdam": {"lr": 0.1},
    "RAdam": {"lr": 0.5},
    "RMSprop": {"lr": 0.05},
    "Rprop": {"lr": 0.1},
    "Adafactor": {"lr": 0.3},
}
DIFFERENTIABLE = [name for name in OPTIMIZERS if name != "Adafactor"]


def parameter(*values: float, **kwargs: Any) -> Any:
    return rl.tensor(list(values), requires_grad=True, **kwargs)


def with_grad(*values: float) -> Any:
    p = parameter(*values)
    p.grad = rl.ones_like(p)
    return p


def loss_of(p: Any) -> Any:
    return ((p - 1.0) ** 2).sum()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_descends(name: str) -> None:
    p = parameter(3.0, -2.0)
    optimizer = getattr(optim, name)([p], **OPTIMIZERS[name])
    before = loss_of(p).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss_of(p).backward()
        optimizer.step()
    assert loss_of(p).item() < 0.1 * before


@pytest.mark.parametrize("name", [*OPTIMIZERS, "Muon"])
def test_maximize_and_repr(name: str) -> None:
    p = rl.ones(2, 2).requires_grad_()
    cls = getattr(optim, name)
    optimizer = cls([p], **OPTIMIZERS.get(name, {}))
    assert repr(optimizer).startswith(f"{name} (\nParameter Group 0\n")
    if name == "Muon":
        return
    results = []
    for maximize in (False, True):
        q = rl.ones(2, 2).requires_grad_()
        q.grad = rl.full((2, 2), -1.0 if maximize else 1.0)
        cls([q], maximize=maximize, **OPTIMIZERS[name]).step()
        results.append(q.detach().tolist())
    assert results[0] == results[1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_dict_round_trip(name: str) -> None:
    """A run that is saved and loaded goes on as if it had not been interrupted."""

    def run(p: Any, optimizer: Any, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(p).backward()
            optimizer.step()

    cls, options = getattr(optim, name), OPTIMIZERS[name]
    whole = parameter(3.0, -2.0)
    run(whole, cls([whole], **options), 6)

    first = parameter(3.0, -2.0)
    one = cls([first], **options)
    run(first, one, 3)
    saved = copy.deepcopy(one.state_dict())
    second = first.detach().clone().requires_grad_()
    two = cls([second], **options)
    two.load_state_dict(saved)
    run(second, two, 3)
    assert second.tolist() == whole.tolist()
    assert saved["param_groups"][0]["params"] == [0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_pickle_and_deepcopy(name: str) -> None:
    p = parameter(3.0, -2.0)
    optimizer = getattr(optim, name)([p], **OPTIMIZERS[name])
    loss_of(p).backward()
    optimizer.step()
    twins = [optimizer, pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)]
    params = [twin.param_groups[0]["params"][0] for twin in twins]
    assert params[0] is p and params[1] is not p and params[2] is not p
    for q, twin in zip(params, twins, strict=True):
        q.grad = rl.ones_like(q)
        twin.step()
        assert q.tolist() == p.tolist()
        assert repr(twin) == repr(optimizer)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_differentiable(name: str) -> None:
    """The gradient of the loss after three steps, with regard to where they began, by finite differences."""

    def after(start: Any) -> Any:
        p = start.clone()
        optimizer = getattr(optim, name)([p], differentiable=True, **OPTIMIZERS[name])
        for k in range(3):
            p.grad = rl.sin(start * (k + 1)) + 2.0
            optimizer.step()
        return (p**2).sum()

    x = rl.tensor([0.3, -0.7], dtype=rl.float64, requires_grad=True)
    after(x).backward()
    eps = 1e-6
    for i in range(2):
        moved = [x.detach().clone(), x.detach().clone()]
        moved[0][i] += eps
        moved[1][i] -= eps
        expected = (after(moved[0]).item() - after(moved[1]).item()) / (2 * eps)
        if name == "SGD":  # its first momentum buffer is detached from the first gradient
            continue
        assert x.grad[i].item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_gradient_of_the_learning_rate(name: str) -> None:
    lr = rl.tensor(0.1, dtype=rl.float64, requires_grad=True)

    def after(rate: Any) -> Any:
        p = rl.tensor([2.0], dtype=rl.float64, requires_grad=True).clone()
        optimizer = getattr(optim, name)([p], lr=rate, differentiable=True)
        for _ in range(2):
            p.grad = 2 * p
            optimizer.step()
        return p.sum()

    after(lr).backward()
    higher, lower = (after(rl.tensor(0.1 + e, dtype=rl.float64)).item() for e in (1e-6, -1e-6))
    expected = (higher - lower) / 2e-6
    assert lr.grad.item() == pytest.approx(expected, rel=1e-5)


def test_sgd_and_adam_by_their_formulas() -> None:
    rng = np.random.default_rng(0)
    grads = rng.standard_normal((5, 3))
    x = m = v = np.zeros(3)
    p = rl.zeros(3, dtype=rl.float64).requires_grad_()
    optimizer: Any = optim.AdamW([p], lr=0.1, weight_decay=0.2)
    for t, g in enumerate(grads, 1):
        x = x * (1 - 0.1 * 0.2)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x = x - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        p.grad = rl.tensor(g)
        optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), x, rtol=1e-12)

    x = buf = np.zeros(3)
    p = rl.zeros(3, dtype=rl.float64).requires_grad_()
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.3, nesterov=True)
    for g in grads:
        g = g + 0.3 * x
        buf = 0.9 * buf + g
        x = x - 0.1 * (g + 0.9 * buf)
        p.grad = rl.tensor(grads[0] * 0 + g - 0.3 * p.detach().numpy())
        optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), x, rtol=1e-12)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_and_operators_agree(name: str, dtype: str) -> None:
    """The in-place kernels compute what the operators say, also on views and large arrays."""
    cases: list[dict[str, Any]] = [{}, {"weight_decay": 0.1}, {"maximize": True, "weight_decay": 0.1}]
    cases += {
        "SGD": [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "dampening": 0.2}],
        "Adam": [{"amsgrad": True}],
        "AdamW": [{"amsgrad": True}],
        "Adagrad": [{"lr_decay": 0.1, "initial_accumulator_value": 0.1}],
        "RMSprop": [{"centered": True}, {"momentum": 0.9}, {"centered": True, "momentum": 0.9}],
    }.get(name, [])
    rng = np.random.default_rng(0)
    for options in cases:
        starts = [rng.standard_normal(s).astype(dtype) for s in ((3, 4), (5,), (), (70, 300))]
        twins = [[rl.tensor(s).requires_grad_() for s in starts] for _ in range(2)]
        for side in twins:  # one parameter that is not contiguous
            side.append(rl.tensor(starts[0]).t().requires_grad_())
        cls = getattr(optim, name)
        optimizers = [cls(side, lr=0.01, **options) for side in twins]
        optimizers[1]._recipe = lambda group: None
        for _ in range(4):
            for p, q in zip(*twins, strict=True):
                p.grad = rl.tensor(rng.standard_normal(tuple(p.shape)).astype(dtype))
                q.grad = p.grad.clone()
            for optimizer in optimizers:
                optimizer.step()
        tolerance = 2e-5 if dtype == "float32" else 1e-12
        for p, q in zip(*twins, strict=True):
            np.testing.assert_allclose(
                p.detach().numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance, err_msg=str(options)
            )


def test_writes_are_noticed() -> None:
    """A step between forward and backward is an error where backward needs what was there."""
    p = with_grad(1.0, 2.0)
    loss = (p * p).sum()
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_complex_is_two_reals(name: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    real = rng.standard_normal((4, 2))
    p = rl.tensor(real[..., 0] + 1j * real[..., 1], dtype=getattr(rl, dtype)).requires_grad_()
    q = rl.tensor(real, dtype=rl.float32 if dtype == "complex64" else rl.float64).requires_grad_()
    cls = getattr(optim, name)
    one, two = cls([p], **OPTIMIZERS[name]), cls([q], **OPTIMIZERS[name])
    for _ in range(4):
        grad = rng.standard_normal((4, 2))
        p.grad = rl.tensor(grad[..., 0] + 1j * grad[..., 1], dtype=p.dtype)
        q.grad = rl.tensor(grad, dtype=q.dtype)
        one.step()
        two.step()
    tolerance = 1e-4 if dtype == "complex64" else 1e-12
    np.testing.assert_allclose(rl.view_as_real(p.detach()).numpy(), q.detach().numpy(), rtol=tolerance)


# The protocol


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda p: optim.SGD([p], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda p: optim.SGD([p], momentum=-0.5), ValueError, "Invalid momentum value: -0.5"),
        (lambda p: optim.SGD([p], weight_decay=-0.5), ValueError, "Invalid weight_decay value: -0.5"),
        (
            lambda p: optim.SGD([p], nesterov=True),
            ValueError,
            "Nesterov momentum requires a momentum and zero",
        ),
        (lambda p: optim.SGD([p], lr=rl.ones(2)), ValueError, "Tensor lr must be 1-element"),
        (lambda p: optim.SGD([p], fused=True, foreach=True), RuntimeError, "`fused` and `foreach` cannot be"),
        (lambda p: optim.Adam([p], betas=(1.0, 0.0)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda p: optim.Adam([p], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda p: optim.Adam([p], betas=(0.9, rl.tensor(0.9))), ValueError, "betas must be either both"),
        (
            lambda p: optim.Adam([p], lr=rl.tensor(0.1), foreach=True),
            ValueError,
            "lr as a Tensor is not supported for capturable=False and foreach=True",
        ),
        (
            lambda p: optim.Adam([p], fused=True, differentiable=True),
            RuntimeError,
            "`fused` does not support `differentiable`",
        ),
        (lambda p: optim.Adadelta([p], rho=1.1), ValueError, "Invalid rho value: 1.1"),
        (lambda p: optim.Adagrad([p], lr_decay=-0.5), ValueError, "Invalid lr_decay value: -0.5"),
        (lambda p: optim.Adamax([p], betas=(0.0, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
        (lambda p: optim.NAdam([p], momentum_decay=-0.2), ValueError, "Invalid momentum_decay value: -0.2"),
        (lambda p: optim.RMSprop([p], alpha=-1), ValueError, "Invalid alpha value: -1"),
        (lambda p: optim.Rprop([p], etas=(1.0, 0.5)), ValueError, "Invalid eta values: 1.0, 0.5"),
        (
            lambda p: optim.Adafactor([p], d=0.0),
            ValueError,
            "Clipping threshold d should be >= 1 but is: 0.0",
        ),
        (lambda p: optim.Muon([p]), ValueError, "Muon only supports 2D parameters whereas we found"),
        (lambda p: optim.SparseAdam([p], lr=0), ValueError, "Invalid learning rate: 0"),
        (
            lambda p: optim.LBFGS([{"params": [p]}, {"params": []}]),
            ValueError,
            "LBFGS doesn't support per-par",
        ),
        (
            lambda p: optim.SGD(p),
            TypeError,
            "params argument given to the optimizer should be an iterable of",
        ),
        (lambda p: optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
        (
            lambda p: optim.SGD([3]),
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is int",
        ),
        (lambda p: optim.SGD([p * 2]), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda p: optim.SGD([{"params": {p}}]), TypeError, "optimizer parameters need to be organized in"),
        (
            lambda p: optim.SGD([("a", p), rl.ones(1)]),
            ValueError,
            "all optimizer params should be with/without",
        ),
    ],
)
def test_errors_of_construction(make: Any, error: Any, text: str) -> None:
    with pytest.raises(error) as caught:
        make(parameter(1.0))
    assert str(caught.value).startswith(text)


def test_errors_of_steps() -> None:
    with pytest.raises(AssertionError, match="If capturable=True, params and state_steps must be on supported"):
        optim.Adam([with_grad(1.0)], capturable=True).step()
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients, please consider Adam"):
        optim.SparseAdam([with_grad(1.0)]).step()
    with pytest.raises(AssertionError, match="_foreach ops don't support autograd"):
        optim.Adam([with_grad(1.0)], foreach=True, differentiable=True).step()
    p = rl.ones(1, dtype=rl.complex64).requires_grad_()
    p.grad = rl.ones(1, dtype=rl.complex64)
    with pytest.raises(RuntimeError, match="`fused=True` requires all the params to be floating point Tensors"):
        optim.Adam([p], fused=True).step()
    with pytest.raises(RuntimeError, match="Adafactor does not support complex parameters"):
        optim.Adafactor([p]).step()


def test_groups() -> None:
    a, b, c = with_grad(1.0), with_grad(1.0), with_grad(1.0)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    optimizer.add_param_group({"params": [c], "lr": 1.0})
    optimizer.step()
    assert [round(p.item(), 6) for p in (a, b, c)] == [0.9, 0.5, 0.0]
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        optimizer.add_param_group({"params": [a]})
    with pytest.raises(TypeError, match="param_group must be a dict, but got <class 'list'>"):
        optimizer.add_param_group([a])  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="optimizer contains a parameter group with duplicate parameters"):
        optim.SGD([a, a])

    class Needy(optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {"lr": base.required})

    with pytest.raises(ValueError, match="parameter group didn't specify a value of required optimization"):
        Needy([a])
    with pytest.raises(NotImplementedError):
        Needy([{"params": [a], "lr": 1}]).step()


def test_names() -> None:
    a, b = parameter(1.0), parameter(2.0)
    optimizer = optim.SGD([("a", a), ("b", b)], lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="cannot add param group without names to the optimizer"):
        optimizer.add_param_group({"params": [parameter(1.0)]})
    plain = optim.SGD([parameter(1.0), parameter(2.0)], lr=0.5)
    optimizer.load_state_dict(plain.state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_load_errors_and_casts() -> None:
    optimizer = optim.Adam([with_grad(1.0)])
    optimizer.step()
    saved = optimizer.state_dict()
    with pytest.raises(ValueError, match="loaded state dict has a different number of parameter groups"):
        optim.Adam([{"params": [parameter(1.0)]}, {"params": [parameter(1.0)]}]).load_state_dict(saved)
    with pytest.raises(ValueError, match="parameter group that doesn't match the size of optimizer's group"):
        optim.Adam([parameter(1.0), parameter(1.0)]).load_state_dict(saved)
    p = rl.ones(1, dtype=rl.float64).requires_grad_()
    double = optim.Adam([p])
    double.load_state_dict(saved)
    assert double.state[p]["exp_avg"].dtype == rl.float64
    assert double.state[p]["step"].dtype == rl.float32
    old = copy.deepcopy(saved)
    old["state"][0]["step"] = 7
    del old["param_groups"][0]["decoupled_weight_decay"]
    double.load_state_dict(old)
    assert double.state[p]["step"].item() == 7.0
    assert double.param_groups[0]["decoupled_weight_decay"] is False


def test_state_stays_empty_without_momentum() -> None:
    optimizer = optim.SGD([with_grad(1.0)], lr=0.1)
    optimizer.step()
    assert optimizer.state_dict()["state"] == {}


def test_hooks() -> None:
    calls: list[str] = []
    p = with_grad(1.0)
    optimizer = optim.SGD([p], lr=0.1)
    handles = [
        base.register_optimizer_step_pre_hook(lambda o, a, k: calls.append("global pre")),
        base.register_optimizer_step_post_hook(lambda o, a, k: calls.append("global post")),
        optimizer.register_step_pre_hook(lambda o, a, k: calls.append("pre")),
        optimizer.register_step_post_hook(lambda o, a, k: calls.append("post")),
    ]
    optimizer.step()
    assert calls == ["global pre", "pre", "post", "global post"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 4

    handle = optimizer.register_step_pre_hook(lambda o, a, k: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple of"):
        optimizer.step()
    handle.remove()
    optimizer.register_step_pre_hook(lambda o, a, k: ((o, lambda: 5), {}))
    assert optimizer.step() == 5

    calls.clear()
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, s: calls.append(f"load {s.pop('more')}"))
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("first"), prepend=True)
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == ["first", "save", "load 1", "loaded"]


def test_zero_grad() -> None:
    p = with_grad(1.0)
    grad = p.grad
    optimizer = optim.SGD([p])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is grad and grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_closure_and_grad_mode() -> None:
    p = with_grad(1.0)
    seen = []

    def closure() -> Any:
        seen.append(rl.is_grad_enabled())
        return 3.0

    for cls in (optim.SGD, optim.Adam, optim.Adafactor):
        assert cls([p]).step(closure) == 3.0
    with rl.no_grad():
        assert optim.SGD([p]).step(closure) == 3.0
    assert seen == [True] * 4
    assert p.requires_grad and p.is_leaf


def test_subclass_step_gets_hooks_once() -> None:
    class Mine(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return "mine"

    calls: list[int] = []
    for _ in range(2):
        optimizer = Mine([with_grad(1.0)])
    optimizer.register_step_post_hook(lambda o, a, k: calls.append(1))
    assert optimizer.step() == "mine"
    assert calls == [1]


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_lbfgs_on_rosenbrock(line_search: str | None) -> None:
    p = rl.tensor([-1.2, 1.0], dtype=rl.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], lr=1 if line_search else 0.2, max_iter=200, line_search_fn=line_search)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert first.item() == pytest.approx(24.2)
    if line_search:
        assert abs(p.detach().numpy() - 1).max() < 1e-4
    saved = copy.deepcopy(optimizer.state_dict())
    twin = optim.LBFGS([p.detach().clone().requires_grad_()])
    twin.load_state_dict(saved)
    assert len(twin.state_dict()["state"][0]["old_dirs"]) == len(saved["state"][0]["old_dirs"])
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        q = rl.ones(1).requires_grad_()
        wrong = optim.LBFGS([q], line_search_fn="armijo")

        def other() -> Any:
            wrong.zero_grad()
            loss = (q**2).sum()
            loss.backward()
            return loss

        wrong.step(other)


def test_muon_orthogonalizes() -> None:
    rng = np.random.default_rng(0)
    for shape in ((4, 6), (6, 4)):
        p = rl.zeros(shape).requires_grad_()
        optimizer = optim.Muon([p], lr=1.0, weight_decay=0.0)
        p.grad = rl.tensor(rng.standard_normal(shape).astype(np.float32))
        optimizer.step()
        values = np.linalg.svd(p.detach().numpy() / np.sqrt(max(1, shape[0] / shape[1])))[1]
        assert ((values > 0.5) & (values < 1.5)).all()


def test_swap_in() -> None:
    p, other = with_grad(1.0), with_grad(5.0)
    optimizer = optim.Adam([p], lr=0.5)
    with pytest.raises(RuntimeError, match="requires initialized optimizer state"):
        with optim.swap_in_optimizer_params_and_state(optimizer, {"p": other}, optimizer.state_dict()):
            pass
    optimizer.step()
    saved = copy.deepcopy(optimizer.state_dict())
    saved["param_groups"][0]["lr"] = 1.0
    with optim.swap_in_optimizer_params_and_state(optimizer, {"p": other}, saved):
        optimizer.step()
    assert other.item() == pytest.approx(4.0)
    assert optimizer.param_groups[0]["lr"] == 0.5 and optimizer.param_groups[0]["params"][0] is p
    assert optimizer.state[p]["step"].item() == 1.0 and saved["state"][0]["step"].item() == 2.0
    del saved["param_groups"][0]["lr"]
    with pytest.raises(RuntimeError, match="Keys only in live: \\['lr'\\]"):
        with optim.swap_in_optimizer_params_and_state(optimizer, {"p": other}, saved):
            pass


def test_averages() -> None:
    from rushlight.optim import swa_utils

    model = rl.nn.Linear(1, 1, bias=False)
    for decay, expected in ((None, 2.0), (0.5, 2.25)):
        multi = None if decay is None else swa_utils.get_ema_multi_avg_fn(decay)
        single = None if decay is None else swa_utils.get_ema_avg_fn(decay)
        for averaged in (
            swa_utils.AveragedModel(model, multi_avg_fn=multi),
            swa_utils.AveragedModel(model, avg_fn=single, use_buffers=True),
            swa_utils.AveragedModel(model, multi_avg_fn=multi or swa_utils.get_swa_multi_avg_fn()),
        ):
            for value in (1.0, 2.0, 3.0):
                with rl.no_grad():
                    model.weight.fill_(value)
                averaged.update_parameters(model)
            assert averaged.module.weight.item() == pytest.approx(expected)
            assert int(averaged.n_averaged) == 3
    with pytest.raises(ValueError, match="Invalid decay value 2 provided"):
        swa_utils.get_ema_avg_fn(2)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        swa_utils.AveragedModel(model, avg_fn=single, multi_avg_fn=multi)

    norm = rl.nn.BatchNorm1d(1)
    swa_utils.update_bn([rl.tensor([[1.0], [3.0]]), [rl.tensor([[5.0], [7.0]])]], norm)
    assert norm.running_mean.tolist() == [4.0] and norm.momentum == 0.1


def test_state_dict_can_be_saved() -> None:
    p = with_grad(1.0)
    optimizer = optim.Adam([p])
    optimizer.step()
    stream = io.BytesIO()
    rl.save(optimizer.state_dict(), stream)
    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.load_state_dict(rl.load(stream))
    assert optimizer.state[p]["step"].item() == 1.0


def test_repr_of_several_groups() -> None:
    a, b = (rl.ones(1, requires_grad=True) for _ in range(2))
    lines = repr(rl.optim.SGD([{"params": [a]}, {"params": [b], "lr": 2}], lr=1)).split("\n")
    assert lines[:2] == ["SGD (", "Parameter Group 0"]
    assert lines[11:13] == ["", "Parameter Group 1"]
    assert lines[-1] == ")"
