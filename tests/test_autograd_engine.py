"""The engine: deep graphs, memory, threads, interruption, passes within passes, forks."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import rushlight as torch


def chain(n: int) -> tuple[Any, Any]:
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(n):
        y = y + 1.0
    return x, y


@pytest.mark.parametrize("n", [300_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.slow]), 10])
def test_deep_graph_recorded_run_and_freed(n: int) -> None:
    x, y = chain(n)
    y.backward()
    assert x.grad.tolist() == [1.0]
    del y
    x, y = chain(n)
    del y  # without backward
    _, y = chain(1000)
    (g,) = torch.autograd.grad(y * y, y, create_graph=True)
    assert g.requires_grad


def test_diamonds_are_not_exponential() -> None:
    x = torch.ones(1, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(1000):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.tolist() == [1.0]


def test_saved_values_are_freed_as_the_pass_goes() -> None:
    x = torch.ones(4, requires_grad=True)
    y = (x * 1.0).exp()
    seen = weakref.ref(y._array)
    z = y * 1.0
    alive: list[bool] = []
    x.register_hook(lambda g: alive.append(seen() is not None))
    loss = z.sum()
    del y, z
    loss.backward()
    assert alive == [False]
    with pytest.raises(
        RuntimeError, match=r"Trying to backward through the graph a second time.*test_autograd_engine.py:\d+"
    ):
        loss.backward()


def test_common_loop_leaves_nothing_to_the_collector() -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x * x
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g * ctx.saved_tensors[0]

    w = torch.ones(3, 3, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        seen = []
        for _ in range(3):
            x = torch.ones(2, 3)
            h = (x @ w).tanh() * 2
            v = h[0]
            v += 1
            loss = Square.apply(h).sum() + h.exp().max()
            seen += [weakref.ref(loss), weakref.ref(h), weakref.ref(loss.grad_fn), weakref.ref(h.grad_fn)]
            loss.backward()
            w.grad = None
            del x, h, v, loss
        assert [r() for r in seen] == [None] * len(seen)
    finally:
        gc.enable()


def test_first_gradient_is_taken_over_or_copied_as_it_lies() -> None:
    x = torch.ones(2, 3).t().requires_grad_()
    (x * 2).sum().backward()
    assert x.grad.stride() == x.stride()
    a = torch.ones(3, requires_grad=True)
    b = torch.ones(3, requires_grad=True)
    (a + b).sum().backward()
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0, 1.0]
    seed = torch.ones(3)
    a.grad = None
    (a * 1).backward(seed)
    a.grad.zero_()
    assert seed.tolist() == [1.0, 1.0, 1.0]


def test_accumulation_in_place_and_with_history() -> None:
    x = torch.ones(2, requires_grad=True)
    (x * x).sum().backward()
    grad = x.grad
    (x * x).sum().backward()
    assert x.grad is grad and grad.tolist() == [4.0, 4.0]
    with pytest.warns(UserWarning, match="reference cycle"):
        (x * x * x).sum().backward(create_graph=True)
    assert x.grad is not grad and x.grad.requires_grad
    x.grad = None


class Nested(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, depth: int) -> Any:
        ctx.x, ctx.depth = x.detach().clone().requires_grad_(), depth
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        if ctx.depth:
            with torch.enable_grad():
                Nested.apply(ctx.x, ctx.depth - 1).sum().backward()
            return ctx.x.grad + g, None
        return g, None


def test_passes_within_passes_a_thousand_deep() -> None:
    x = torch.ones(1, dtype=torch.float64, requires_grad=True)
    Nested.apply(x, 1000).sum().backward()
    assert x.grad.tolist() == [1001.0]


def test_error_deep_inside_comes_out() -> None:
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, depth: int) -> Any:
            ctx.depth = depth
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            if not ctx.depth:
                raise ValueError("at the bottom")
            with torch.enable_grad():
                Fails.apply(torch.ones(1, requires_grad=True), ctx.depth - 1).sum().backward()
            return g, None

    with pytest.raises(ValueError, match="at the bottom"):
        Fails.apply(torch.ones(1, requires_grad=True), 40).sum().backward()
    x = torch.ones(1, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


@pytest.mark.parametrize("stop", range(1, 9))
def test_interruption_leaves_grad_whole_or_untouched(stop: int) -> None:
    a = torch.ones(2, requires_grad=True)
    b = torch.ones(2, requires_grad=True)
    y = ((a * b).sin() * a + b).exp().sum()
    count = 0

    def interrupt(node: Any, g: Any, run: Any) -> Any:
        nonlocal count
        count += 1
        if count == stop:
            raise KeyboardInterrupt
        return run()

    from rushlight._core import engine

    token = engine.observers.set((interrupt,))
    try:
        y.backward(retain_graph=True)
    except KeyboardInterrupt:
        assert a.grad is None and b.grad is None
    finally:
        engine.observers.reset(token)
    a.grad = b.grad = None
    ((a * b).sin() * a + b).exp().sum().backward()
    assert a.grad is not None and b.grad is not None


def test_threads_on_one_graph_and_on_several() -> None:
    x = torch.ones(8, dtype=torch.float64, requires_grad=True)
    shared = (x * x).sum()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                shared.backward(retain_graph=True)
                w = torch.ones(3, requires_grad=True)
                (w * w).sum().backward()
                assert w.grad.tolist() == [2.0, 2.0, 2.0]
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert x.grad.tolist() == [2.0 * 120] * 8


def test_grad_mode_of_threads_and_tasks() -> None:
    seen: list[bool] = []
    with torch.no_grad():
        t = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        t.start()
        t.join()
    assert seen == [True]

    async def quiet() -> None:
        with torch.no_grad():
            await asyncio.sleep(0.01)
            assert not torch.is_grad_enabled()

    async def loud() -> None:
        for _ in range(3):
            await asyncio.sleep(0.004)
            assert torch.is_grad_enabled()

    async def both() -> None:
        await asyncio.gather(quiet(), loud())

    asyncio.run(both())

    @torch.no_grad()
    async def waits() -> bool:
        await asyncio.sleep(0)
        return torch.is_grad_enabled()

    @torch.no_grad()
    async def yields() -> Any:
        yield torch.is_grad_enabled()
        await asyncio.sleep(0)
        yield torch.is_grad_enabled()

    async def collect() -> list[bool]:
        found = []
        async for mode in yields():
            found += [mode, torch.is_grad_enabled()]
        return found

    assert asyncio.run(waits()) is False
    assert asyncio.run(collect()) == [False, True, False, True]
    assert torch.is_grad_enabled()


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs fork")
def test_fork() -> None:
    x = torch.ones(3, requires_grad=True)
    y = (x * x).sum()
    pid = os.fork()
    if pid == 0:
        try:
            y.backward()
            os._exit(0 if x.grad.tolist() == [2.0, 2.0, 2.0] else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_inplace_error_names_both_lines() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as found:
        y.sum().backward()
    assert str(found.value).count("test_autograd_engine.py:") == 2


@pytest.mark.parametrize("how", ["numpy", "data", "inplace"])
def test_audit_catches_every_write(how: str) -> None:
    array = np.ones(3)
    with torch.autograd.set_mutation_policy("audit"):
        c = torch.from_numpy(array)
        x = torch.ones(3, dtype=torch.float64, requires_grad=True)
        y = x * c
        if how == "numpy":
            array[0] = 5
        elif how == "data":
            c.data.mul_(2)
        else:
            c.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
    assert torch.autograd.mutation_policy() == "error"


def test_clone_policy_gives_the_right_gradient() -> None:
    x = torch.tensor([3.0], requires_grad=True)
    with torch.autograd.set_mutation_policy("clone"):
        y = x.clone()
        z = y * y
        y.mul_(10)
        y[0] = 7
        z.sum().backward()
    assert x.grad.tolist() == [6.0]


def test_forbid_policy_refuses_at_the_line() -> None:
    array = np.ones(3)
    with torch.autograd.set_mutation_policy("forbid"):
        c = torch.from_numpy(array)
        x = torch.ones(3, dtype=torch.float64, requires_grad=True)
        y = x * c
        with pytest.raises(RuntimeError, match="backward still needs"):
            c.mul_(2)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
        y.sum().backward()
        del y
        gc.collect()
        array[0] = 5
        c.mul_(2)
    with pytest.raises(ValueError, match="must be one of"):
        torch.autograd.set_mutation_policy("never")


def test_profiler(tmp_path: Any) -> None:
    import json

    from rushlight._core import record

    x = torch.ones(4, 4, requires_grad=True)
    with torch.autograd.profiler.profile(record_shapes=True, profile_memory=True, with_stack=True) as prof:
        with torch.autograd.profiler.record_function("mine"):
            (x * x).sum().backward()
    averages = {e.key: e for e in prof.key_averages()}
    assert averages["aten::mul"].count == 1 and averages["mine"].count == 1
    assert averages["autograd::engine::evaluate_function: MulBackward0"].count == 1
    table = prof.key_averages(group_by_input_shape=True).table(sort_by="self_cpu_time_total", row_limit=3)
    assert "Self CPU time total" in table and "CPU Mem" in table
    event = next(e for e in prof.function_events if e.key == "aten::mul")
    assert event.input_shapes == [[4, 4], [4, 4]] and event.cpu_memory_usage == 64
    assert "test_autograd_engine.py" in event.stack[0] and event.cpu_parent.key == "mine"
    prof.export_chrome_trace(str(tmp_path / "t.json"))
    assert len(json.loads((tmp_path / "t.json").read_text())["traceEvents"]) == len(prof.function_events)
    assert not record.watchers.get() and torch.is_grad_enabled()
    with pytest.raises(AttributeError, match="sort_by"):
        prof.table(sort_by="colour")
    ready: list[int] = []
    plan = torch.profiler.schedule(wait=1, warmup=1, active=2, repeat=1)
    with torch.profiler.profile(schedule=plan, on_trace_ready=lambda p: ready.append(len(p.events()))) as p:
        for _ in range(6):
            (x * 2).sum()
            p.step()
    assert len(ready) == 1 and ready[0] >= 4


def test_what_the_tensors_of_a_list_share_is_saved_once():
    """A copy of all shapes for each of them would be quadratic, in time and in memory."""
    parts = [torch.ones(i + 1, requires_grad=True) for i in range(5)]
    joined = torch.cat(parts)
    first = joined.grad_fn.saved[0]
    shapes = next(s for s in first if isinstance(s, list))
    assert shapes == [(1,), (2,), (3,), (4,), (5,)]
    for number, kept in enumerate(joined.grad_fn.saved):
        assert any(s is shapes for s in kept) and number in kept
