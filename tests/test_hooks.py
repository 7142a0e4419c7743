"""The order of hooks, as a table; what hooks may return; handles, removal, and what goes on after an error."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import rushlight as torch


def logged(log: list[str], name: str) -> Any:
    return lambda *_: log.append(name)


def test_order_at_a_node() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    log: list[str] = []
    y.grad_fn.register_hook(logged(log, "node post-hook"))
    y.grad_fn.register_prehook(logged(log, "node pre-hook"))
    y.register_hook(logged(log, "tensor hook 1"))
    y.retain_grad()
    y.register_hook(lambda g: log.append(f"tensor hook 2, retained {y.grad}"))
    x.register_hook(logged(log, "leaf tensor hook"))
    edge = torch.autograd.graph.get_gradient_edge(x)
    edge.node.register_prehook(logged(log, "leaf node pre-hook"))
    edge.node.register_hook(logged(log, "leaf node post-hook"))
    x.register_post_accumulate_grad_hook(lambda t: log.append(f"post-accumulate {t.grad.tolist()}"))
    y.sum().backward()
    assert log == [
        "tensor hook 1",
        "tensor hook 2, retained None",
        "node pre-hook",
        "node post-hook",
        "leaf tensor hook",
        "leaf node pre-hook",
        "post-accumulate [2.0, 2.0]",
        "leaf node post-hook",
    ]
    assert y.grad.tolist() == [1.0, 1.0]


def test_table() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2

    def mine(g: Any) -> None:
        pass

    y.register_hook(mine)
    y.grad_fn.register_prehook(mine)
    y.retain_grad()
    table = y.hooks()
    assert [step for step, _, _ in table] == ["1 tensor hook", "2 retain_grad", "3 node pre-hook"]
    assert "mine at " in repr(table) and "MulBackward0" in repr(table)
    assert repr(x.hooks()) == "no hooks"


def test_retained_gradient_is_that_after_all_tensor_hooks() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert y.grad.tolist() == [10.0, 10.0] and x.grad.tolist() == [20.0, 20.0]


def test_hooks_of_several_outputs_run_at_their_node() -> None:
    x = torch.ones(4, requires_grad=True)
    a, b = (x * 1).split(2)
    log: list[Any] = []
    b.register_hook(lambda g: log.append(("b", g)))
    a.register_hook(lambda g: log.append(("a", g)))
    a.grad_fn.register_prehook(lambda gs: log.append(len(gs)))
    b.sum().backward()
    assert [entry if isinstance(entry, int) else entry[0] for entry in log] == ["b", "a", 2]
    assert log[1][1] is None


def test_inplace_leaves_hooks_with_the_old_value() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    log: list[Any] = []
    y.register_hook(lambda g: log.append(("before", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: log.append(("after", g.tolist())))
    y.sum().backward()
    assert log == [("after", [1.0, 1.0]), ("before", [3.0, 3.0])]


def test_handles() -> None:
    x = torch.ones(2, requires_grad=True)
    log: list[str] = []
    first = x.register_hook(logged(log, "first"))
    with x.register_hook(logged(log, "second")):
        x.sum().backward()
    first.remove()
    first.remove()
    x.sum().backward()
    assert log == ["first", "second"]


def test_removal_during_the_pass() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    log: list[str] = []
    handle = y.register_hook(logged(log, "never"))
    z = y * 2
    z.register_hook(lambda g: handle.remove())
    z.sum().backward(retain_graph=True)
    assert log == []

    def once(g: Any) -> None:
        log.append("once")
        later.remove()

    later = y.register_hook(once)
    z.sum().backward(retain_graph=True)
    z.sum().backward()
    assert log == ["once"]


def test_error_in_a_hook_leaves_grads_and_engine_usable() -> None:
    x = torch.ones(2, requires_grad=True)
    w = torch.ones(2, requires_grad=True)
    y = x * w
    handle = y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (y.sum() + w.sum()).backward(retain_graph=True)
    assert x.grad is None and w.grad is None and torch.is_grad_enabled()
    handle.remove()
    (y.sum() + w.sum()).backward()
    assert w.grad.tolist() == [2.0, 2.0]


def test_post_accumulate_may_free_the_gradient() -> None:
    x = torch.ones(2, requires_grad=True)

    def step(t: Any) -> None:
        with torch.no_grad():
            t -= t.grad
        t.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * 3 + x).sum().backward()
    assert x.grad is None and x.tolist() == [-3.0, -3.0]


def test_hook_registered_during_the_pass_on_a_leaf() -> None:
    x = torch.ones(2, requires_grad=True)
    log: list[Any] = []
    y = x * 2

    def late(g: Any) -> None:
        x.register_hook(lambda h: log.append(h.tolist()))

    y.register_hook(late)
    (y + x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0] and len(log) == 1


def test_multi_grad_hook() -> None:
    a, b, c = (torch.ones(1, requires_grad=True) for _ in range(3))
    log: list[Any] = []
    register = torch.autograd.graph.register_multi_grad_hook
    handle = register([a, b, c], lambda gs: log.append([g is not None for g in gs]))
    (a * b).backward()
    (a * b * c).backward()
    handle.remove()
    (a * b).backward()
    assert log == [[True, True, False], [True, True, True]]
    log.clear()
    register([a, b], lambda g: log.append("any"), mode="any")
    (a * b).backward()
    (a * b).backward()
    assert log == ["any", "any"]


def test_retain_grad_makes_no_cycle() -> None:
    gc.disable()
    try:
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        y.retain_grad()
        seen = weakref.ref(y)
        y.sum().backward()
        del y
        assert seen() is None
    finally:
        gc.enable()
