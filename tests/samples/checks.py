"""The machinery of the generic tests: one call run in either library, compared, and differentiated numerically."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from samples import Call, Row, T

SPECIAL = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 3.0, -3.0, 6.0, 1e-30, 1e30, 25.0,
)  # fmt: skip
RTOL = {"f2": 4e-3, "f4": 2e-5, "f8": 1e-9, "c8": 2e-5, "c16": 1e-9}
ATOL = {"f2": 1e-3, "f4": 2e-6, "f8": 1e-12, "c8": 2e-6, "c16": 1e-12}


class Library:
    """What the tests need of either library."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.name = module.__name__

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        if self.name == "torch":
            if any(s < 0 for s in array.strides):
                array = array.copy()
            made = self.module.from_numpy(array) if array.ndim else self.module.tensor(array)
        else:
            from rushlight._core.tensor import wrap

            made = wrap(array)
        return made.requires_grad_() if requires_grad else made

    def function(self, name: str) -> Callable[..., Any]:
        *path, last = name.split(".")
        if path == ["Tensor"]:

            def call(first: Any, *args: Any, **kwargs: Any) -> Any:
                found = getattr(first, last)
                return found(*args, **kwargs) if callable(found) else found  # a property

            return call
        found = self.module
        for part in (*path, last):
            found = getattr(found, part)
        return found

    def array(self, tensor: Any) -> np.ndarray:
        if self.name == "torch":
            return tensor.detach().resolve_conj().resolve_neg().numpy(force=True)
        return tensor._array

    def opened(self, call: Call, grad: bool = True) -> tuple[Call, list[Any]]:
        """The call with tensors of this library, and the tensors that want a gradient."""
        wanted: list[Any] = []

        def open_one(t: T) -> Any:
            made = self.tensor(t.array, grad and t.grad)
            if grad and t.grad:
                wanted.append(made)
            return made

        return call.map(open_one), wanted

    def run(self, function: Callable[..., Any], call: Call) -> Any:
        made, _ = self.opened(call, False)
        return function(*made.args, **made.kwargs)

    def outputs(self, result: Any) -> list[Any]:
        """The tensors that can be differentiated among the results."""
        return [t for t in flat(result) if isinstance(t, self.module.Tensor) and t.requires_grad]

    def grad(self, outs: Any, inputs: Any, gs: Any, create_graph: bool = False) -> list[Any]:
        return list(
            self.module.autograd.grad(outs, inputs, gs, create_graph=create_graph, allow_unused=True, retain_graph=True)
        )


def flat(result: Any) -> list[Any]:
    if isinstance(result, (tuple, list)) and type(result).__name__ != "Size":
        return [x for r in result for x in flat(r)]
    return [result]


@functools.cache
def rushlight() -> Library:
    import rushlight as module

    return Library(module)


@functools.cache
def pytorch() -> Library:
    import torch

    return Library(torch)


@contextmanager
def about(row: Row, check: str, call: Any = None) -> Iterator[None]:
    """Errors in the body say which row, check and sample they are of."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        error.args = (f"{row.id} [{check}] {call!r}: {type(error).__name__}: {error}",)
        error.add_note(f"row {row.id}, check {check}, sample {call!r}")
        raise


# ---- comparing


def tolerance(row: Row, dtype: np.dtype) -> tuple[float, float]:
    code = dtype.str[1:]
    if code not in RTOL:
        return 0.0, 0.0
    rtol, atol = RTOL[code], ATOL[code]
    if row.tol is not None:
        rtol, atol = max(rtol, row.tol[0]), max(atol, row.tol[1])
    return rtol, atol


def same(row: Row, mine: Any, theirs: Any, what: str, loose: float = 1.0) -> None:
    """Assert that two results are equal: type, shape, dtype, and values to rounding (nan where nan is)."""
    if theirs is None or mine is None:
        assert (mine is None) == (theirs is None), f"{what}: {mine} where {theirs} was expected"
        return
    if not isinstance(theirs, np.ndarray):
        if isinstance(theirs, float):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, err_msg=what)
        else:
            assert mine == theirs, f"{what}: {mine} where {theirs} was expected"
        return
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape} where {theirs.shape} was expected"
    assert mine.dtype == theirs.dtype, f"{what}: dtype {mine.dtype} where {theirs.dtype} was expected"
    rtol, atol = tolerance(row, theirs.dtype)
    if theirs.dtype.kind in "fc":
        np.testing.assert_allclose(mine, theirs, rtol * loose, atol * loose, equal_nan=True, err_msg=what)
    else:
        np.testing.assert_array_equal(mine, theirs, err_msg=what)


def plain(lib: Library, value: Any) -> Any:
    """A result as an array, a number or a text."""
    if isinstance(value, lib.module.Tensor):
        return lib.array(value)
    if value is None or isinstance(value, (bool, int, float, complex, str, np.ndarray)):
        return value
    return repr(value)


def seeds_for(lib: Library, outs: list[Any], seed: int = 1) -> list[np.ndarray]:
    """Random cotangents for some results."""
    random = np.random.default_rng(seed)
    gs = []
    for out in outs:
        a = lib.array(out)
        g = random.uniform(0.5, 1.5, a.shape)
        g = g + 1j * random.uniform(-1, 1, a.shape) if a.dtype.kind == "c" else g
        gs.append(np.asarray(g, a.dtype))  # a sum of two 0-d arrays is a number
    return gs


class Derivatives:
    """First and second derivatives of one call in one library, against random cotangents."""

    def __init__(self, lib: Library, row: Row, call: Call, second: bool = True) -> None:
        function = lib.function(row.torch or row.name if lib.name == "torch" else row.name)
        made, self.inputs = lib.opened(call)
        self.result = function(*made.args, **made.kwargs)
        outs = lib.outputs(self.result)
        self.outs = outs
        self.first: list[Any] = []
        self.second: list[Any] = []
        if not outs or not self.inputs:
            return
        gs = [lib.tensor(g, second) for g in seeds_for(lib, outs)]
        grads = lib.grad(outs, self.inputs, gs, second)
        self.first = [None if g is None else lib.array(g) for g in grads]
        if second:
            live = [g for g in grads if g is not None and g.requires_grad]
            self.second = []
            if live:
                ws = [lib.tensor(w) for w in seeds_for(lib, live, 2)]
                again = lib.grad(live, [*self.inputs, *gs], ws)
                self.second = [None if g is None else lib.array(g) for g in again]


# ---- numeric derivatives, along one random direction


def dot(a: Any, b: Any) -> float:
    """The real inner product."""
    return float(np.sum(np.real(np.conj(a) * b)))


def direction(arrays: list[np.ndarray], seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    made = []
    for a in arrays:
        v = random.uniform(-1, 1, a.shape)
        made.append((v + 1j * random.uniform(-1, 1, a.shape) if a.dtype.kind == "c" else v).astype(a.dtype))
    return made


def moved(call: Call, step: float, vs: list[np.ndarray]) -> Call:
    """The call with its differentiable tensors moved along a direction."""
    rest = iter(vs)
    return call.map(lambda t: t.like(t.array + step * next(rest)) if t.grad else t)


def wanted(call: Call) -> list[np.ndarray]:
    return [t.array for t in call.tensors if t.grad]


def relaid(call: Call, how: str) -> Call | None:
    """The same call with its tensors laid out otherwise in memory; None if there is nothing to change."""
    changed = False

    def relay(t: T) -> T:
        nonlocal changed
        a = t.array
        if not a.ndim or not a.size:
            return t
        if how == "strided":
            wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
            made = wide[..., ::2]
            made[...] = a
        elif how == "transposed":
            made = np.asfortranarray(a)
        elif how == "reversed":
            made = a[::-1].copy()[::-1]
        else:  # expanded
            made = np.broadcast_to(a[:1], a.shape)
        changed = changed or made.strides != a.strides
        return t.like(made)

    made = call.map(relay)
    return made if changed else None


def number_line(nan: bool = True) -> np.ndarray:
    return np.array(SPECIAL if nan else SPECIAL[1:])


def special(call: Call) -> Call | None:
    """The call at the special points: all of them for one tensor, all pairs (triples of a few) for several."""
    floats = [t for t in call.tensors if t.array.dtype.kind in "fc" and t.cast]
    if not floats or any(t.array.dtype.kind == "c" for t in floats) or len(floats) > 3:
        return None
    values = np.array(SPECIAL if len(floats) < 3 else (np.nan, np.inf, 0.0, 1.0, -1.5))
    grid = [g.ravel() for g in np.meshgrid(*[values] * len(floats), indexing="ij")]
    rest = iter(grid)

    def at_points(t: T) -> T:
        if t.array.dtype.kind == "f" and t.cast:
            return t.like(next(rest))
        return t.like(np.resize(t.array, grid[0].size)) if t.array.ndim else t

    return call.map(at_points)


def reshaped(call: Call, shape: tuple[int, ...]) -> Call | None:
    """A pointwise call with all its tensors of one given shape."""
    made = call.map(lambda t: t.like(np.resize(t.array, shape)) if t.array.size else t)
    return made if made.tensors else None


def recast(t: T, name: str) -> T:
    """The tensor in another dtype, the values kept apart as far as that goes."""
    a, dtype = t.array, np.dtype(name)
    if a.dtype.kind == "c" and dtype.kind != "c":
        a = a.real
    if dtype.kind == "b":
        a = a > 0
    elif dtype.kind in "iu" and a.dtype.kind == "f":
        a = np.round(a * 2)
        a = np.abs(a) if dtype.kind == "u" else a
    elif dtype.kind == "u":
        a = np.abs(a)
    elif dtype.kind == "c" and a.dtype.kind == "f":
        a = a + 0.5j * (a + 0.25)
    return T(a.astype(dtype), False, True)


def op_of(row: Row) -> Any:
    """The declaration behind a row, if there is one."""
    try:
        return getattr(rushlight().function(row.name), "op", None)
    except AttributeError:
        return None


def is_pointwise(row: Row) -> bool:
    if row.pointwise is not None:
        return row.pointwise
    op = op_of(row)
    return op is not None and op.family == "pointwise"
