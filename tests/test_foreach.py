"""Operators over lists of tensors, against the operators themselves."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch

LISTS = [[1.0, 4.0], [[9.0, 2.0], [3.0, 5.0]], 7.0]


def some() -> list[torch.Tensor]:
    return [torch.tensor(x, dtype=torch.float64) for x in LISTS]


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [("sqrt", (), {}), ("neg", (), {}), ("add", (some(),), {"alpha": 2}), ("add", (1.5,), {}), ("sub", (some(),), {}),
     ("mul", ([1.0, 2.0, 3.0],), {}), ("mul", (torch.tensor(3.0, dtype=torch.float64),), {}), ("div", (some(),), {}),
     ("pow", (2,), {}), ("maximum", (3.0,), {}), ("clamp_min", (3.0,), {}), ("clamp_max", (some(),), {}),
     ("lerp", (some(), 0.3), {}), ("lerp", (some(), [0.1, 0.2, 0.3]), {}), ("addcmul", (some(), some(), 0.5), {}),
     ("addcmul", (some(), some()), {"value": 0.5}), ("addcdiv", (some(), some(), [0.1, 0.2, 0.3]), {}),
     ("addcdiv", (some(), some(), torch.tensor([0.1, 0.2, 0.3])), {})],
)  # fmt: skip
def test_one_by_one(name: str, args: Any, kwargs: Any) -> None:
    def one(a: Any, i: int) -> Any:
        if isinstance(a, torch.Tensor) and a.ndim == 1 and name.startswith("addc"):
            return a[i].item()
        return a[i] if isinstance(a, list) else a

    def call(t: torch.Tensor, i: int) -> torch.Tensor:
        given = [one(a, i) for a in args]
        if name == "maximum":
            return torch.clamp_min(t, given[0])
        if name.startswith("addc") and len(given) == 3:
            return getattr(torch, name)(t, *given[:2], value=given[2])
        return getattr(torch, name)(t, *given, **kwargs)

    expected = [call(t, i) for i, t in enumerate(some())]
    found = getattr(torch, f"_foreach_{name}")(some(), *args, **kwargs)
    assert all(torch.allclose(a, b) for a, b in zip(found, expected, strict=True))
    written = some()
    assert getattr(torch, f"_foreach_{name}_")(written, *args, **kwargs) is written
    assert all(torch.equal(a, b) for a, b in zip(written, found, strict=True))


def test_the_rest() -> None:
    assert [n.item() for n in torch._foreach_norm([torch.tensor([3.0, 4.0]), torch.tensor([1.0])])] == [5.0, 1.0]
    assert [m.item() for m in torch._foreach_max(some())] == [4, 9, 7]
    assert [p.item() for p in torch._foreach_pow(2, [torch.tensor(3), torch.tensor(4)])] == [8, 16]
    target = [torch.zeros_like(t) for t in some()]
    torch._foreach_copy_(target, some())
    assert all(torch.equal(a, b) for a, b in zip(target, some(), strict=True))
    torch._foreach_zero_(target)
    assert target[2].item() == 0
    x = torch.tensor(2.0, requires_grad=True)
    (torch._foreach_mul([x, x], [3.0, 4.0])[1]).backward()
    assert x.grad.item() == 4


def test_errors() -> None:
    with pytest.raises(RuntimeError, match="Tensor lists must have the same number of tensors, got 3 and 2"):
        torch._foreach_add(some(), some()[:2])
    with pytest.raises(RuntimeError, match="Tensor list must have at least one tensor"):
        torch._foreach_sqrt([])
    with pytest.raises(AttributeError, match="has no attribute '_foreach_other'"):
        torch._foreach_other
