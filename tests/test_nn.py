"""Modules without PyTorch at hand: what they are by their own definition."""

from __future__ import annotations

import copy
import importlib
import subprocess
import sys
import threading

import pytest

import rushlight as rl
from rushlight import nn


def test_names():
    assert nn.Linear is nn.modules.Linear is nn.modules.linear.Linear
    for name in nn.__all__:
        assert getattr(nn, name).__doc__, name
    for name in nn.utils.__all__:
        assert getattr(nn.utils, name).__doc__, name
    with pytest.raises(AttributeError):
        nn.Nothing
    assert {"Linear", "init", "utils"} <= set(dir(nn))


def test_import_loads_no_layers():
    code = "import sys, rushlight.nn; print([m for m in sys.modules if m.startswith('rushlight.nn.modules.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_functions_of_utils_are_not_hidden_by_their_files():
    importlib.import_module("rushlight.nn.utils.weight_norm")
    importlib.import_module("rushlight.nn.utils.spectral_norm")
    assert callable(nn.utils.weight_norm) and callable(nn.utils.spectral_norm)


def test_forward_of_the_instance_is_called():
    m = nn.ReLU()
    m.forward = lambda x: x + 1
    assert m(rl.zeros(1)).item() == 1


def test_call_from_threads():
    m = nn.Linear(2, 2)
    m.register_forward_hook(lambda mod, args, out: out * 2)
    x = rl.ones(3, 2)
    expected = m(x).tolist()
    got = []
    threads = [threading.Thread(target=lambda: got.append(m(x).tolist())) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got == [expected] * 4


def test_training_step_changes_every_parameter():
    rl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    before = [p.detach().clone() for p in model.parameters()]
    loss = nn.MSELoss()(model(rl.randn(16, 3)), rl.randn(16, 1))
    loss.backward()
    with rl.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
    assert all(bool((a != b).any()) for a, b in zip(before, model.parameters(), strict=True))


def test_batch_norm_counts_and_averages():
    bn = nn.BatchNorm1d(1, momentum=None)
    bn(rl.tensor([[0.0], [2.0]]))
    bn(rl.tensor([[2.0], [4.0]]))
    assert bn.num_batches_tracked.item() == 2
    assert bn.running_mean.item() == pytest.approx(2.0)
    assert bn.eval()(rl.tensor([[2.0]])).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layer_is_its_cell_step_by_step(kind):
    rl.manual_seed(1)
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, kind + "Cell")(3, 4)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x = rl.randn(5, 2, 3)
    out, last = layer(x)
    state = None
    for t in range(5):
        state = cell(x[t], state)
        hidden = state[0] if kind == "LSTM" else state
        assert rl.allclose(out[t], hidden, atol=1e-6)
    if kind == "LSTM":
        assert rl.allclose(last[1][0], state[1], atol=1e-6)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_packed_is_each_sequence_alone(kind):
    rl.manual_seed(2)
    layer = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True)
    sequences = [rl.randn(n, 3) for n in (2, 5, 3)]
    out, _ = layer(nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False))
    for got, s in zip(nn.utils.rnn.unpack_sequence(out), sequences, strict=True):
        assert rl.allclose(got, layer(s)[0], atol=1e-6)


def test_gradients_of_recurrent_layers():
    rl.manual_seed(3)
    for kind in ("RNN", "LSTM", "GRU"):
        layer = getattr(nn, kind)(2, 3, bidirectional=True).double()
        x = rl.randn(3, 2, 2, dtype=rl.float64, requires_grad=True)
        assert rl.autograd.gradcheck(lambda x, layer=layer: layer(x)[0], (x,))


def test_transformer_is_causal():
    rl.manual_seed(4)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    x = rl.randn(1, 6, 8)
    y = x.clone()
    y[:, 4:] = 0
    assert rl.allclose(layer(x, src_mask=mask)[:, :4], layer(y, src_mask=mask)[:, :4], atol=1e-6)


def test_backward_hooks_see_and_change():
    m = nn.Linear(2, 1)
    seen = []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi[0].tolist(), go[0].tolist())))
    x = rl.ones(1, 2, requires_grad=True)
    m(x).backward()
    assert seen == [(m.weight.tolist(), [[1.0]])]
    m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 2,))
    x.grad = None
    m(x).backward()
    assert rl.allclose(x.grad, 2 * m.weight.detach())


def test_states_survive_a_round_trip_through_a_file(tmp_path):
    a = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    rl.save(a.state_dict(), tmp_path / "model.pt")
    b = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert str(b.load_state_dict(rl.load(tmp_path / "model.pt"))) == "<All keys matched successfully>"
    assert rl.equal(a[0].weight, b[0].weight)


def test_orthogonal_stays_orthogonal():
    rl.manual_seed(5)
    for shape in ((3, 3), (4, 3), (3, 4)):
        m = nn.utils.parametrizations.orthogonal(nn.Linear(shape[1], shape[0]))
        for _ in range(3):
            m.zero_grad()
            m(rl.randn(5, shape[1])).square().sum().backward()
            with rl.no_grad():
                for p in m.parameters():
                    p -= 0.05 * p.grad
        w = m.weight
        small = w.mT @ w if shape[0] >= shape[1] else w @ w.mT
        assert rl.allclose(small, rl.eye(min(shape)), atol=1e-4)


def test_parametrized_copy_is_apart():
    m = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    c = copy.deepcopy(m)
    with rl.no_grad():
        c.parametrizations.weight.original0.mul_(2)
    assert rl.allclose(c.weight, 2 * m.weight)


def test_tied_weights_are_saved_twice_and_trained_once():
    m = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    m[1].weight = m[0].weight
    assert len(list(m.parameters())) == 1 and len(m.state_dict()) == 2


def test_shared_lengths_of_padding():
    rnn = nn.utils.rnn
    packed = rnn.pack_padded_sequence(rl.arange(12.0).reshape(3, 2, 2), [3, 1])
    assert packed.batch_sizes.tolist() == [2, 1, 1]
    back, lengths = rnn.pad_packed_sequence(packed, padding_value=-1.0)
    assert lengths.tolist() == [3, 1]
    assert back[1:, 1].tolist() == [[-1.0, -1.0], [-1.0, -1.0]]


def test_ddp_of_one_process():
    m = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
    with m.no_sync():
        m(rl.ones(1, 2)).backward()
    assert m.module.weight.grad.tolist() == [[1.0, 1.0]]
    with pytest.raises(RuntimeError, match="not needed"):
        nn.parallel.DistributedDataParallel(nn.ReLU())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("lengths", [None, [3, 1]])
def test_kernels_agree_with_the_definition(kind, lengths, monkeypatch):
    """Outputs, gradients and gradients of gradients, padded and packed."""
    from rushlight.nn.modules import _through_time

    rl.manual_seed(6)
    options = {"nonlinearity": "relu"} if kind == "RNN" and lengths else {}
    layer = getattr(nn, kind)(2, 3, bidirectional=True, **options).double()
    x = rl.randn(3, 2, 2, dtype=rl.float64, requires_grad=True)

    def run():
        given = x if lengths is None else nn.utils.rnn.pack_padded_sequence(x, lengths)
        out, state = layer(given)
        out = out if lengths is None else out.data
        states = state if isinstance(state, tuple) else (state,)
        total = out.sin().sum() + sum((s * s).sum() for s in states)
        inputs = [x, *layer.parameters()]
        first = rl.autograd.grad(total, inputs, retain_graph=True)
        recorded = rl.autograd.grad(total, inputs, create_graph=True)
        second = rl.autograd.grad(sum((g * g).sum() for g in recorded), inputs)
        return [out, *states, *first, *recorded, *second]

    fast = run()
    monkeypatch.setattr(_through_time, "_kernel_in_time", _through_time._in_time)
    for a, b in zip(fast, run(), strict=True):
        assert rl.allclose(a, b, atol=1e-10)


def test_conversions_in_the_ways_of_future() -> None:
    ways, torch = rl.__future__, rl
    layer = nn.Linear(2, 2)
    weight, views = layer.weight, layer.weight.detach()
    layer(torch.ones(1, 2)).sum().backward()
    try:
        ways.set_overwrite_module_params_on_conversion(True)
        assert (
            layer.double().weight is not weight
            and weight.dtype == torch.float32
            and layer.weight.grad.dtype == torch.float64
        )
        ways.set_overwrite_module_params_on_conversion(False)
        weight = layer.weight
        assert layer.float().weight is weight and weight.dtype == torch.float32 and weight.grad.dtype == torch.float32
        ways.set_swap_module_params_on_conversion(True)
        del views
        assert layer.double().weight is weight and weight.dtype == torch.float64 and weight.grad.dtype == torch.float64
        state = {name: torch.ones_like(value) for name, value in layer.state_dict().items()}
        layer.load_state_dict(state)
        assert layer.weight is weight and isinstance(weight, nn.Parameter) and torch.equal(weight, state["weight"])
        layer.load_state_dict({k: v.detach().float() for k, v in state.items()}, assign=True)
        assert layer.weight is weight and weight.dtype == torch.float32 and weight.requires_grad
    finally:
        ways.set_overwrite_module_params_on_conversion(False)
        ways.set_swap_module_params_on_conversion(False)


def test_loading_into_meta_without_assign_does_nothing_and_says_so() -> None:
    layer = nn.Linear(2, 1, device="meta")
    with pytest.warns(UserWarning, match="copying from a non-meta parameter in the checkpoint to a meta parameter"):
        layer.load_state_dict(nn.Linear(2, 1).state_dict())
    assert layer.weight.is_meta
    try:
        rl.__future__.set_swap_module_params_on_conversion(True)
        state = nn.Linear(2, 1).state_dict()
        layer.load_state_dict(state, assign=True)
    finally:
        rl.__future__.set_swap_module_params_on_conversion(False)
    assert rl.equal(layer.weight, state["weight"]) and isinstance(layer.weight, nn.Parameter)


@pytest.mark.parametrize("size", [(), (2, 2), (5, 5)])
def test_no_samples_through_norms_pools_and_grids(size: tuple[int, ...]) -> None:
    x = rl.randn(0, 4, *size, requires_grad=True)
    norm = (nn.BatchNorm2d if size else nn.BatchNorm1d)(4).eval()
    y = norm(x)
    y.sum().backward()
    assert y.shape == x.shape == x.grad.shape and rl.equal(norm.weight.grad, rl.zeros(4))
    if size:
        grid = rl.zeros(0, 3, 3, 2, requires_grad=True)
        read = nn.functional.grid_sample(x, grid, align_corners=False)
        assert read.shape == (0, 4, 3, 3) and rl.autograd.grad(read.sum(), grid)[0].shape == grid.shape
        assert nn.FractionalMaxPool2d(2, output_size=1)(x).shape == (0, 4, 1, 1)


def test_fractional_pools_take_the_first_of_more_random_samples() -> None:
    samples = rl.rand(2, 3, 2)
    x = rl.randn(3, 5, 5)
    unbatched = nn.FractionalMaxPool2d(2, output_size=2, _random_samples=samples)(x)
    assert rl.equal(unbatched, nn.FractionalMaxPool2d(2, output_size=2, _random_samples=samples[:1])(x[None])[0])
    with pytest.raises(RuntimeError, match="Expect _random_samples"):
        nn.FractionalMaxPool2d(2, output_size=2, _random_samples=samples[:, :2])(x)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_batches_of_gradients_through_recurrences(kind: type) -> None:
    layer = kind(3, 4).double()
    x = rl.randn(5, 2, 3, dtype=rl.float64, requires_grad=True)
    y = layer(x)[0]
    seeds = rl.randn(3, *y.shape, dtype=rl.float64)
    at_once = rl.autograd.grad(y, (x, layer.weight_hh_l0), seeds, is_grads_batched=True, retain_graph=True)
    for i, seed in enumerate(seeds):
        for whole, one in zip(at_once, rl.autograd.grad(y, (x, layer.weight_hh_l0), seed, retain_graph=True)):
            assert rl.allclose(whole[i], one)
