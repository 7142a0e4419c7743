"""Every row of samples, checked without PyTorch: what an operator must agree with is the operator itself.

Derivatives agree with differences along a random direction, forward mode and vmap with loops, twins (in-place,
``out=``, method) and other memory layouts with the plain call.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from samples import Call, Row, T, rows
from samples.checks import (
    Derivatives,
    about,
    direction,
    dot,
    flat,
    is_pointwise,
    moved,
    plain,
    relaid,
    rushlight,
    same,
    seeds_for,
    wanted,
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:rushlight.*", "ignore::UserWarning")

HAS_FUNC = importlib.util.find_spec("rushlight.func") is not None
STEP = 1e-6

Check = Callable[[Row, Call], None]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    CHECKS[function.__name__.strip("_")] = function
    return function


def close(row: Row, analytic: float, numeric: float, scale: float, what: str) -> None:
    assert abs(analytic - numeric) <= 2e-5 * max(1.0, scale, abs(numeric)), f"{what}: {analytic}, numerically {numeric}"


def size(parts: list[Any]) -> float:
    return float(sum(np.sum(np.abs(p)) for p in parts if p is not None and p.size)) or 1.0


@check
def gradient(row: Row, call: Call) -> None:
    """The vjp against a difference along a direction."""
    lib, vs = rushlight(), direction(wanted(call), 3)
    found = Derivatives(lib, row, call, False)
    assert found.outs or not vs, "no result requires grad"
    if not vs:
        return
    function = lib.function(row.name)
    us = seeds_for(lib, found.outs)
    chosen = [i for i, r in enumerate(flat(found.result)) if any(r is o for o in found.outs)]

    def value(step: float) -> list[np.ndarray]:
        results = flat(lib.run(function, moved(call, step, vs)))
        return [lib.array(results[i]) for i in chosen]

    pairs = zip(us, value(STEP), value(-STEP), strict=True)
    numeric = sum(dot(u, (p - m) / (2 * STEP)) for u, p, m in pairs)
    analytic = sum(dot(g, v) for g, v in zip(found.first, vs, strict=True) if g is not None)
    for g, a in zip(found.first, wanted(call), strict=True):
        assert g is None or (g.shape == a.shape and g.dtype == a.dtype), f"a gradient {g.shape} {g.dtype} of {a.shape}"
    close(row, analytic, numeric, size(found.first), "gradient")


@check
def second(row: Row, call: Call) -> None:
    """The vjp of the vjp against a difference of the vjp."""
    lib, arrays = rushlight(), wanted(call)
    if not row.second or not arrays:
        return
    found = Derivatives(lib, row, call, True)
    us = seeds_for(lib, found.outs)
    vs, ss = direction(arrays, 4), direction(us, 5)
    function = lib.function(row.name)

    def vjp(step: float) -> list[Any]:
        made, inputs = lib.opened(moved(call, step, vs))
        outs = lib.outputs(function(*made.args, **made.kwargs))
        gs = [lib.tensor(u + step * s) for u, s in zip(us, ss, strict=True)]
        grads = lib.grad(outs, inputs, gs, True)
        return [lib.array(g) for g, f in zip(grads, live, strict=True) if f]

    made, inputs = lib.opened(call)
    grads = lib.grad(lib.outputs(function(*made.args, **made.kwargs)), inputs, [lib.tensor(u, True) for u in us], True)
    live = [g is not None and g.requires_grad for g in grads]
    ws = seeds_for(lib, [g for g in grads if g is not None and g.requires_grad], 2)
    numeric = sum(dot(w, (p - m) / (2 * STEP)) for w, p, m in zip(ws, vjp(STEP), vjp(-STEP), strict=True))
    analytic = sum(dot(g, v) for g, v in zip(found.second, [*vs, *ss], strict=False) if g is not None)
    close(row, analytic, numeric, size(found.second), "second derivative")


@check
def forward(row: Row, call: Call) -> None:
    """Forward mode against the vjp: <u, J v> is <J* u, v>."""
    if not HAS_FUNC or not row.jvp:
        return
    lib, vs = rushlight(), direction(wanted(call), 3)
    if not vs:
        return
    function = lib.function(row.name)
    found = Derivatives(lib, row, call, False)
    us = seeds_for(lib, found.outs)
    chosen = [i for i, r in enumerate(flat(found.result)) if any(r is o for o in found.outs)]

    def of_wanted(*tensors: Any) -> Any:
        rest = iter(tensors)
        opened = call.map(lambda t: next(rest) if t.grad else lib.tensor(t.array))
        results = flat(function(*opened.args, **opened.kwargs))
        return tuple([results[i] for i in chosen])

    primals = tuple([lib.tensor(a) for a in wanted(call)])
    values, tangents = lib.module.func.jvp(of_wanted, primals, tuple([lib.tensor(v) for v in vs]))
    analytic = sum(dot(u, lib.array(t)) for u, t in zip(us, tangents, strict=True))
    expected = sum(dot(g, v) for g, v in zip(found.first, vs, strict=True) if g is not None)
    close(row, analytic, expected, size(found.first), "forward mode")
    for v, o in zip(values, found.outs, strict=True):
        same(row, lib.array(v), lib.array(o), "value under jvp")


@check
def vmap(row: Row, call: Call) -> None:
    """vmap over two samples of different data against the loop; see ``test_op``, which gives the second."""


def run_vmap(row: Row, call: Call, other: Call) -> None:
    if not HAS_FUNC or not row.vmap:
        return
    lib = rushlight()
    function = lib.function(row.name)
    pairs = list(zip(call.tensors, other.tensors, strict=True))
    if not pairs or any(a.array.shape != b.array.shape for a, b in pairs):
        return
    loop = [flat(lib.run(function, c)) for c in (call, other)]
    if not all(isinstance(r, lib.module.Tensor) for r in loop[0]) or [r.shape for r in loop[0]] != [
        r.shape for r in loop[1]
    ]:
        return
    stacked = [lib.tensor(np.stack([a.array, b.array])) for a, b in pairs]

    def one(*tensors: Any) -> Any:
        made = call.with_tensors(list(tensors))
        return tuple(flat(function(*made.args, **made.kwargs)))

    together = lib.module.func.vmap(one)(*stacked)
    for i, made in enumerate(together):
        expected = np.stack([lib.array(loop[0][i]), lib.array(loop[1][i])])
        same(row, lib.array(made), expected, f"result {i} under vmap")
    if len(pairs) > 1:  # only the first tensor mapped
        in_dims = (0, *[None] * (len(pairs) - 1))
        mixed = lib.module.func.vmap(one, in_dims)(stacked[0], *[lib.tensor(a.array) for a, _ in pairs[1:]])
        second = call.with_tensors([pairs[0][1], *[a for a, _ in pairs[1:]]])
        for i, (a, b) in enumerate(zip(loop[0], flat(lib.run(function, second)), strict=True)):
            if a.shape == b.shape:
                same(
                    row,
                    lib.array(mixed[i]),
                    np.stack([lib.array(a), lib.array(b)]),
                    f"result {i} under vmap, mixed",
                )


def first_tensor(call: Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], T)


@check
def inplace(row: Row, call: Call) -> None:
    """The in-place twin: same values, same gradients, in the same memory."""
    lib = rushlight()
    name = row.inplace if isinstance(row.inplace, str) else row.last + "_"
    if row.inplace is False or not first_tensor(call) or not hasattr(lib.module.Tensor, name):
        assert row.inplace in (None, False) or not first_tensor(call), f"Tensor has no method {name}"
        return
    expected = Derivatives(lib, row, call, False)
    result = flat(expected.result)[0]
    first = call.args[0].array
    if result.shape != first.shape or lib.array(result).dtype != first.dtype:
        return
    made, inputs = lib.opened(call)
    target = made.args[0] * 1 if made.args[0].requires_grad else lib.tensor(first.copy())
    address = target.data_ptr()
    returned = getattr(target, name)(*made.args[1:], **made.kwargs)
    assert returned is target, f"{name} does not return its tensor"
    assert target.data_ptr() == address, f"{name} moved the memory"
    assert target._version == 1, f"{name}: version {target._version}"
    same(row, lib.array(target), lib.array(result), name)
    if expected.outs:
        grads = lib.grad([target], inputs, [lib.tensor(seeds_for(lib, expected.outs)[0])])
        for g, e in zip(grads, expected.first, strict=True):
            same(row, plain(lib, g), e, f"gradient through {name}")


@check
def out(row: Row, call: Call) -> None:
    """``out=``: the result left in given tensors, also empty ones, and refused where a gradient is asked for."""
    if not row.out:
        return
    lib = rushlight()
    function = lib.function(row.name)
    call = call.map(lambda t: T(t.array, False, t.cast))
    result = lib.run(function, call)
    expected = [lib.array(r) for r in flat(result)]
    for shapes in ("right", "empty"):
        room = [lib.tensor(np.empty(e.shape if shapes == "right" else (0,), e.dtype)) for e in expected]
        made, _ = lib.opened(call)
        given = room[0] if isinstance(result, lib.module.Tensor) else tuple(room)
        returned = function(*made.args, **made.kwargs, out=given)
        for r, o, e in zip(flat(returned), room, expected, strict=True):
            assert r is o, "out= is not what is returned"
            same(row, lib.array(o), e, f"out= of {shapes} shape")
    floats = [t for t in call.tensors if t.array.dtype.kind in "fc"]
    if row.grad and floats:
        made, _ = lib.opened(call.map(lambda t: T(t.array, t.array.dtype.kind in "fc", t.cast)))
        with pytest.raises(RuntimeError, match="automatic differentiation"):
            function(*made.args, **made.kwargs, out=given)


@check
def method(row: Row, call: Call) -> None:
    """The method gives what the function gives."""
    lib = rushlight()
    name = row.method if isinstance(row.method, str) else row.last
    if row.name.startswith("Tensor.") or row.method is False or not first_tensor(call):
        return
    if row.method is None and ("." in row.name or not hasattr(lib.module.Tensor, name)):
        return
    made, _ = lib.opened(call, False)
    mine = getattr(made.args[0], name)(*made.args[1:], **made.kwargs)
    for m, e in zip(flat(mine), flat(lib.run(lib.function(row.name), call)), strict=True):
        same(row, plain(lib, m), plain(lib, e), f"method {name}")


@check
def layouts(row: Row, call: Call) -> None:
    """Strided, transposed, reversed and expanded inputs give what contiguous ones give, gradients too."""
    if not row.layouts:
        return
    lib = rushlight()
    for how in ("strided", "transposed", "reversed", *(["expanded"] if is_pointwise(row) else [])):
        changed = relaid(call, how)
        if changed is None:
            continue
        plainly = changed.map(lambda t: t.like(np.ascontiguousarray(t.array) if t.array.ndim else t.array))
        a, b = Derivatives(lib, row, changed, False), Derivatives(lib, row, plainly, False)
        for x, y in zip(flat(a.result), flat(b.result), strict=True):
            same(row, plain(lib, x), plain(lib, y), f"{how} input", 10)
        for x, y in zip(a.first, b.first, strict=True):
            same(row, x, y, f"gradient of {how} input", 10)


@check
def raw(row: Row, call: Call) -> None:
    """Arrays in give arrays out: what rules rely on."""
    lib = rushlight()
    function = lib.function(row.name)
    if getattr(function, "op", None) is None or not call.tensors:
        return
    if any(t.array.dtype != call.tensors[0].array.dtype for t in call.tensors):
        return  # promotion is for tensors
    made = call.map(lambda t: t.array.copy())
    results = flat(function(*made.args, **made.kwargs))
    for r, e in zip(results, flat(lib.run(function, call)), strict=True):
        assert not isinstance(r, lib.module.Tensor), "raw arrays gave a tensor"
        if isinstance(e, lib.module.Tensor):
            same(row, np.asarray(r), lib.array(e), "raw arrays")


ROWS = rows()
CASES = [
    (row, name)
    for row in ROWS
    for name in CHECKS
    if name not in row.skip
    and (row.grad or name not in ("gradient", "second", "forward"))
    and (HAS_FUNC or name not in ("forward", "vmap"))
]


@pytest.mark.parametrize(("row", "name"), CASES, ids=[f"{r.family}-{r.id}-{n}" for r, n in CASES])
def test_op(row: Row, name: str) -> None:
    calls = row.calls()
    others = row.calls(1) if name == "vmap" else calls
    for call, other in zip(calls, others, strict=True):
        with about(row, name, call):
            if name == "vmap":
                run_vmap(row, call, other)
            else:
                CHECKS[name](row, call)


def test_ids_are_unique() -> None:
    ids = [row.id for row in ROWS]
    assert len(set(ids)) == len(ids), f"rows of one id: {sorted({i for i in ids if ids.count(i) > 1})}"


def test_skips_have_reasons() -> None:
    for row in ROWS:
        assert all(row.skip.values()) and (row.tol is None or row.why), (
            f"{row.id}: a skip or tolerance without a reason"
        )
