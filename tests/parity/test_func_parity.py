"""Function transforms, forward mode and ``autograd.functional`` against PyTorch: results and errors of every case."""

from __future__ import annotations

import importlib
import re
from typing import Any

import numpy as np
import pytest

from parity import func_cases as cases

torch = pytest.importorskip("torch")
importlib.import_module("torch.autograd.forward_ad")

import rushlight  # noqa: E402
import rushlight.autograd.forward_ad  # noqa: E402
import rushlight.autograd.functional  # noqa: E402
import rushlight.func  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

ALL = {
    f"{group} {name}": case
    for group, found in (
        ("compose", cases.COMPOSE), ("errors", cases.ERRORS), ("inside", cases.INSIDE), ("custom", cases.CUSTOM),
        ("forward", cases.FORWARD), ("functional", cases.FUNCTIONAL),
    )
    for name, case in found.items()
}  # fmt: skip


def outcome(module: Any, case: Any) -> Any:
    module.manual_seed(0)
    try:
        return case(cases.Library(module))
    except Exception as error:
        return error


def flat(x: Any) -> list[Any]:
    if isinstance(x, dict):
        return [y for k in sorted(x) for y in flat(x[k])]
    if isinstance(x, (tuple, list)) and type(x).__name__ != "Size":
        return [y for part in x for y in flat(part)]
    return [x]


def words(text: str, count: int = 6) -> list[str]:
    """How a message begins, without what the libraries name differently."""
    text = re.sub(r"rushlight\._core\.tensor|aten::|\.Tensor|<[^>]*>", "", text)
    return re.findall(r"[A-Za-z_]+|-?\d+", text)[:count]


@pytest.mark.parametrize("name", ALL)
def test_case(name: str) -> None:
    theirs, mine = outcome(torch, ALL[name]), outcome(rushlight, ALL[name])
    if isinstance(theirs, Exception) or isinstance(mine, Exception):
        assert type(mine) is type(theirs), f"{mine!r} where {theirs!r} was expected"
        assert words(str(mine)) == words(str(theirs)), f"{mine} where {theirs} was expected"
        return
    a, b = flat(mine), flat(theirs)
    assert len(a) == len(b)
    for m, t in zip(a, b, strict=True):
        if not isinstance(t, torch.Tensor):
            assert m == t
            continue
        assert isinstance(m, rushlight.Tensor)
        assert tuple(m.shape) == tuple(t.shape)
        assert str(m.dtype) == str(t.dtype)
        assert m.requires_grad == t.requires_grad or name.startswith(("forward", "functional", "custom dual"))
        np.testing.assert_allclose(m.detach().numpy(), t.detach().resolve_conj().numpy(), 2e-5, 1e-6)
