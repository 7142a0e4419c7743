"""Every row of samples in PyTorch and here: values, gradients, second derivatives, dtypes, special points, errors.

What PyTorch refuses must be refused by the same class of error, except where it only lacks a kernel for the dtype
("not implemented for 'Half'"): more is allowed there. ``pytest -rs`` shows the names of PyTorch without a row.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from samples import Call, Row, T, rows
from samples.checks import (
    Derivatives,
    Library,
    about,
    flat,
    is_pointwise,
    plain,
    pytorch,
    recast,
    reshaped,
    rushlight,
    same,
    special,
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = rows()
EXISTING = frozenset(np.sctypeDict) & {
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128",
}  # fmt: skip


def compare_results(row: Row, mine: Any, theirs: Any, what: str) -> None:
    """Two results of any kind: the same tensors in the same kind of collection."""
    if (isinstance(theirs, tuple) and hasattr(theirs, "_fields")) or type(theirs).__module__ == "torch.return_types":
        names = [n for n in dir(theirs) if not n.startswith(("_", "n_")) and n not in ("count", "index")]
        for n in names:
            assert hasattr(mine, n), f"{what}: no field '{n}' in {type(mine).__name__}"
    assert isinstance(mine, (tuple, list)) == isinstance(theirs, (tuple, list)), f"{what}: {type(mine)}, {type(theirs)}"
    a, b = flat(mine), flat(theirs)
    assert len(a) == len(b), f"{what}: {len(a)} results where {len(b)} were expected"
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        same(row, plain(rushlight(), x), plain(pytorch(), y), f"{what} {i}" if len(a) > 1 else what)


def compare(row: Row, call: Call, second: bool, node: bool = True) -> None:
    mine, theirs = Derivatives(rushlight(), row, call, second), Derivatives(pytorch(), row, call, second)
    compare_results(row, mine.result, theirs.result, "value")
    assert len(mine.outs) == len(theirs.outs), f"{len(mine.outs)} results require grad where {len(theirs.outs)} should"
    if node and "node" not in row.skip:
        for x, y in zip(mine.outs, theirs.outs, strict=True):
            if y.grad_fn is not None and x.grad_fn is not None:
                assert x.grad_fn.name() == y.grad_fn.name(), f"node {x.grad_fn.name()}, in PyTorch {y.grad_fn.name()}"
    for kind, a, b in (
        ("gradient", mine.first, theirs.first),
        ("second derivative", mine.second, theirs.second),
    ):
        if kind[0] == "s" and (not second or (not b and not a)):
            continue
        for i, (x, y) in enumerate(zip(a, b, strict=kind[0] == "g")):
            if (x is None) != (y is None):  # no gradient and a gradient of zeros are the same to a user's sum
                assert not np.any(x if y is None else y), f"{kind} {i}: {x} where {y} was expected"
                continue
            same(row, x, y, f"{kind} {i}", 10)


def attempt(lib: Library, row: Row, call: Call, name: str | None = None) -> Any:
    """The result, or the error."""
    try:
        made, _ = lib.opened(call, False)
        if name is not None:
            target = lib.tensor(call.args[0].array.copy())
            return getattr(target, name)(*made.args[1:], **made.kwargs)
        return lib.function(row.torch or row.name if lib.name == "torch" else row.name)(*made.args, **made.kwargs)
    except Exception as error:
        return error


def same_or_refused(row: Row, call: Call, name: str | None = None) -> None:
    theirs = attempt(pytorch(), row, call, name)
    if isinstance(theirs, Exception):
        if "not implemented for" in str(theirs):
            return
        mine = attempt(rushlight(), row, call, name)
        assert isinstance(mine, Exception), f"PyTorch raises {type(theirs).__name__}: {str(theirs)[:150]}"
        assert isinstance(mine, type(theirs)), f"{type(mine).__name__} ({mine}) where PyTorch raises {theirs!r:.200}"
        return
    if any(str(getattr(t, "dtype", "torch.bool"))[6:] not in EXISTING for t in flat(theirs)):
        return
    mine = attempt(rushlight(), row, call, name)
    if isinstance(mine, Exception):
        raise AssertionError(f"PyTorch accepts this; here: {type(mine).__name__}: {mine}") from mine
    compare_results(row, mine, theirs, "value")


def check_value(row: Row) -> None:
    for call in row.calls():
        with about(row, "value", call):
            compare(row, call, row.grad and row.second and "second in PyTorch" not in row.skip)


def check_single(row: Row) -> None:
    """Values and gradients in float32."""
    if "float32" not in row.dtypes:
        return
    for call in row.calls():
        narrow = call.map(
            lambda t: (
                t.like(t.array.astype({"f": "f4", "c": "c8"}[t.array.dtype.kind])) if t.array.dtype.kind in "fc" else t
            )
        )
        with about(row, "single", narrow):
            compare(row, narrow, False)


def check_edges(row: Row) -> None:
    if row.edges is None:
        return
    if row.edges == "auto":
        calls = [special(c) for c in row.samples(_sampler(row))] if is_pointwise(row) else []
    else:
        calls = row.edges(_sampler(row))  # type: ignore[operator]
    for call in calls:
        if call is not None:
            with about(row, "edges", call):
                compare(row, call, False)


def _sampler(row: Row) -> Any:
    from samples import Sampler

    return Sampler(row.id)


def check_shapes(row: Row) -> None:
    """0-d, empty and one-element inputs of pointwise operators."""
    if not is_pointwise(row):
        return
    for call in row.calls():
        for shape in ((), (0,), (2, 0), (1, 1)):
            changed = reshaped(call, shape)
            if changed is not None:
                with about(row, "shapes", changed):
                    compare(row, changed, False)


def check_dtypes(row: Row) -> None:
    """Every dtype, and every pair of dtypes, in place too."""
    for call in row.samples(_sampler(row))[:4]:
        cast = [t for t in call.tensors if t.cast]
        if not cast or not row.dtypes:
            continue
        for name in row.dtypes:
            changed = call.map(lambda t, n=name: recast(t, n) if t.cast else t)
            with about(row, "dtypes", changed):
                same_or_refused(row, changed)
            if row.inplace:
                method = row.inplace if isinstance(row.inplace, str) else row.last + "_"
                with about(row, "dtypes in place", changed):
                    same_or_refused(row, changed, method)
    if is_pointwise(row):
        pairs = [c for c in row.samples(_sampler(row)) if len([t for t in c.tensors if t.cast]) > 1][:1]
        for call, (a, b) in itertools.product(pairs, itertools.product(row.dtypes, repeat=2)):
            names = itertools.chain([a], itertools.repeat(b))
            changed = call.map(lambda t, n=names: recast(t, next(n)) if t.cast else t)
            with about(row, "dtypes", changed):
                same_or_refused(row, changed)
            flat0 = changed.map(
                lambda t, last=changed.tensors[-1]: T(t.array.ravel()[0], False, t.cast) if t is last else t
            )
            with about(row, "dtypes with a 0-d tensor", flat0):
                same_or_refused(row, flat0)


def check_names(row: Row) -> None:
    """The method, the in-place method and ``out=`` exist where PyTorch has them."""
    import inspect

    torch, mine = pytorch().module, rushlight().module
    if row.name.startswith("Tensor."):
        return
    if "." not in row.name:
        for name in (row.last, row.last + "_"):
            if hasattr(torch.Tensor, name):
                assert hasattr(mine.Tensor, name), f"PyTorch has the method {name}"
            else:
                assert not hasattr(mine.Tensor, name), f"PyTorch has no method {name}"
    theirs = pytorch().function(row.torch or row.name)
    doc = inspect.getdoc(theirs) or ""
    if "out=None" in doc.split("\n\n")[0] and row.tag == "":
        assert row.out, "PyTorch's function takes out=; the row should say out=True"


CHECKS = {
    "value": check_value, "single": check_single, "edges": check_edges, "shapes": check_shapes, "dtypes": check_dtypes,
    "names": check_names,
}  # fmt: skip
CASES = [(row, name) for row in ROWS for name in CHECKS if name not in row.skip]


@pytest.mark.parametrize(("row", "name"), CASES, ids=[f"{r.family}-{r.id}-{n}" for r, n in CASES])
def test_parity(row: Row, name: str) -> None:
    CHECKS[name](row)


def test_every_name_of_pytorch_has_a_row() -> None:
    """Not a failure: the names that PyTorch has and no row covers, for ``pytest -rs``."""
    from coverage_table import missing

    names = missing()
    if names:
        pytest.skip(f"{len(names)} names of PyTorch without a row: {', '.join(names)}")
