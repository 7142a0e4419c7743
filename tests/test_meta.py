"""The device meta: shapes and dtypes without numbers, given memory later."""

from __future__ import annotations

import copy

import pytest

import rushlight as torch


def test_tensors() -> None:
    t = torch.zeros(2, 3, device="meta")
    assert (t.is_meta, t.shape, t.dtype, t.stride(), t.device) == (
        True,
        (2, 3),
        torch.float32,
        (3, 1),
        torch.device("meta"),
    )
    assert repr(t) == "tensor(..., device='meta', size=(2, 3))"
    assert torch.empty_like(t, device="cpu").device.type == "cpu"
    assert torch.ones_like(t).is_meta
    assert torch.empty(10**9, 10**9, device="meta").numel() == 10**18
    assert t.to(torch.float64).dtype is torch.float64


def test_no_numbers() -> None:
    t = torch.zeros(2, 3, device="meta")
    with pytest.raises(NotImplementedError, match="Could not run 'aten::exp' with arguments from the 'Meta' backend"):
        t.exp()
    with pytest.raises(NotImplementedError, match="from the 'Meta' backend"):
        torch.ones(2, 3) + t
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
        t.to("cpu")
    with pytest.raises(TypeError, match="can't convert meta device type tensor to numpy"):
        t.numpy()


def test_module_is_filled_later() -> None:
    with torch.device("meta"):
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    assert all(p.is_meta and isinstance(p, torch.nn.Parameter) for p in model.parameters())
    assert torch.zeros(1).device.type == "cpu"
    model.to_empty(device="cpu")
    for p in model.parameters():
        assert type(p) is torch.nn.Parameter
        torch.nn.init.ones_(p)
    model[1].reset_running_stats()
    model(torch.randn(5, 3)).sum().backward()
    assert model[0].weight.grad.shape == (4, 3)


def test_state_is_assigned() -> None:
    model = torch.nn.Linear(3, 4, device="meta")
    source = torch.nn.Linear(3, 4)
    assert copy.deepcopy(model).weight.is_meta
    model.load_state_dict(source.state_dict(), assign=True)
    x = torch.randn(2, 3)
    assert torch.equal(model(x), source(x))


def test_memory_is_taken_away() -> None:
    model = torch.nn.Linear(3, 4).to("meta")
    assert model.weight.is_meta
    assert isinstance(model.weight, torch.nn.Parameter)
    with pytest.raises(NotImplementedError, match=r"Please use torch.nn.Module.to_empty\(\) instead"):
        model.to("cpu")


def test_default_device() -> None:
    torch.set_default_device("meta")
    try:
        assert torch.ones(2).is_meta
        assert torch.get_default_device() == torch.device("meta")
    finally:
        torch.set_default_device("cpu")
    assert not torch.ones(2).is_meta
