"""Small tools: timing, swapped tensors, names that need the network or another package."""

from __future__ import annotations

import importlib
import importlib.util

import pytest

import rushlight as torch
from rushlight.utils.benchmark import Compare, Measurement, TaskSpec, Timer


def test_timer() -> None:
    x = torch.ones(10)
    found = Timer("x + 1", globals={"x": x}).blocked_autorange(min_run_time=0.01)
    assert found.number_per_run >= 1
    assert 0 < found.median < 0.1
    assert found.mean > 0
    assert "x + 1" in repr(found)
    assert "runs per measurement, 1 thread" in repr(found)
    assert Timer("torch.ones(2)").timeit(5).number_per_run == 5
    assert Timer("y", setup="y = 3").adaptive_autorange(min_run_time=0.001).median > 0
    with pytest.raises(ValueError, match="there is no C\\+\\+ here"):
        Timer("x", language="c++")
    with pytest.raises(NotImplementedError, match="See `Timer"):
        Timer("x").autorange()


def test_measurement() -> None:
    m = Measurement(10, [1.0, 2.0, 3.0, 4.0], TaskSpec("f()"))
    assert m.times == [0.1, 0.2, 0.3, 0.4]
    assert m.median == 0.25
    assert m.iqr == pytest.approx(0.15)
    assert m.has_warnings
    (merged,) = Measurement.merge([m, m])
    assert len(merged.raw_times) == 8


def test_compare() -> None:
    results = [
        Measurement(1, [t, t], TaskSpec("f", label="sums", sub_label=row, description=column))
        for t, row, column in ((1e-3, "small", "ours"), (2e-3, "small", "theirs"), (3e-3, "large", "ours"))
    ]
    table = Compare(results)
    table.trim_significant_figures()
    table.highlight_warnings()
    text = str(table)
    assert "sums" in text
    assert "Times are in milliseconds (ms)." in text
    assert [line.split("|")[0].strip() for line in text.splitlines() if line.startswith("      s")] == ["small"]
    table.colorize()
    assert "\033[1m" in str(table)
    with pytest.raises(ValueError, match="Expected an instance of `Measurement`"):
        table.extend_results([3])  # type: ignore[list-item]


def test_swap() -> None:
    a = torch.nn.Parameter(torch.ones(2))
    b = torch.zeros(3)
    a.sum().backward()
    torch.utils.swap_tensors(a, b)
    assert type(b) is torch.nn.Parameter
    assert b.grad.tolist() == [1, 1]
    assert a.shape == (3,)
    (b * 2).sum().backward()
    assert b.grad.tolist() == [3, 3]
    v = torch.ones(2)
    view = v[0]
    with pytest.raises(RuntimeError, match="Cannot swap"):
        torch.utils.swap_tensors(v, a)
    del view


def test_network_is_not_used() -> None:
    with pytest.raises(NotImplementedError, match="Download the file and load it with"):
        torch.utils.model_zoo.load_url("https://example.com/w.pt")
    with pytest.raises(NotImplementedError, match="would fetch 'a/b' and run its code"):
        torch.hub.load("a/b", "model")
    assert torch.hub.get_dir().endswith("hub")


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="tensorboard is installed")
def test_tensorboard_says_what_it_needs() -> None:
    with pytest.raises(ImportError, match="pip install tensorboard"):
        importlib.import_module("rushlight.utils.tensorboard")


def test_collectives_with_gradients_over_one_process() -> None:
    import rushlight.distributed.nn as collectives
    from rushlight.distributed.constants import default_pg_timeout

    assert default_pg_timeout.total_seconds() == 1800
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="process group has not been initialized"):
        collectives.all_reduce(x)
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    try:
        for made in (
            collectives.all_reduce(x, op=torch.distributed.ReduceOp.AVG),
            collectives.all_gather(x)[0],
            collectives.gather(x)[0],
            collectives.broadcast(x, 0),
            collectives.reduce(x, 0),
            collectives.scatter([x]),
            collectives.reduce_scatter(torch.empty(2), [x]),
            collectives.all_to_all([torch.empty(2)], [x])[0],
            collectives.all_to_all_single(torch.empty(2), x),
        ):
            x.grad = None
            assert made is not x
            (made * 3).sum().backward()
            assert torch.equal(x.grad, torch.full((2,), 3.0))
    finally:
        torch.distributed.destroy_process_group()
