"""Rows of samples: what the generic tests know of each operator, a few lines an operator.

A file here is a family; its ``ROWS`` is a list of ``Row``. ``tests/test_ops.py`` runs every row without PyTorch
(derivatives against differences, forward mode and vmap against loops, in-place, ``out=``, layouts),
``tests/parity/test_ops_parity.py`` runs the same rows here and in PyTorch.

    Row("mul", lambda s: [Call(s.t(3, 4), s.t(4)), Call(s.t(3), 2.0)], complex=True, inplace=True, out=True)

The name is the dotted name under ``torch`` and ``rushlight`` alike (``"nn.functional.gelu"``, ``"linalg.det"``,
``"Tensor.view"`` for what is a method only); several rows may bear one name (overloads) if ``tag`` tells them apart.
``s`` makes seeded library-neutral tensors: ``s.t(*shape, low=-2, high=2)`` float64 that want a gradient,
``s.c`` complex ones, ``s.i`` integers, ``s.b`` bools, ``s.of(data)`` given ones, ``s.spd(n)`` positive definite
matrices, ``s.distinct(*shape)`` values without ties. They may stand in nested lists and in keywords.
"""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
INTS = DTYPES[:6]
REALS = DTYPES[:9]
FLOATS = DTYPES[6:9]
INEXACT = DTYPES[6:]


class T:
    """A tensor of no library: data, whether its gradient is asked for, whether the dtype tables may recast it."""

    __slots__ = ("array", "cast", "grad")

    def __init__(self, array: Any, grad: bool = False, cast: bool = False) -> None:
        whole = not isinstance(array, np.ndarray) and np.asarray(array).dtype == np.intp
        self.array = np.asarray(array, np.int64 if whole else None)  # 32-bit machines would make it int32
        self.grad = grad and self.array.dtype.kind in "fc"
        self.cast = cast

    def like(self, array: Any) -> T:
        return T(array, self.grad, self.cast)

    def __repr__(self) -> str:
        return f"T({'x'.join(map(str, self.array.shape)) or 'scalar'} {self.array.dtype}{' grad' * self.grad})"


class Call:
    """The arguments of one call; every ``T`` among them becomes a tensor of the library under test."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    @property
    def tensors(self) -> list[T]:
        """The tensors in order, those in lists included."""
        return list(_tensors((self.args, tuple(self.kwargs.values()))))

    def map(self, function: Callable[[T], Any]) -> Call:
        """The same call with every tensor replaced, in order."""
        made = Call()
        made.args = _map(self.args, function)
        made.kwargs = {k: _map(v, function) for k, v in self.kwargs.items()}
        return made

    def with_tensors(self, tensors: list[Any]) -> Call:
        rest = iter(tensors)
        return self.map(lambda _: next(rest))

    def __repr__(self) -> str:
        parts = [_shown(a) for a in self.args] + [f"{k}={_shown(v)}" for k, v in self.kwargs.items()]
        return f"({', '.join(parts)})"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


def _tensors(value: Any) -> Iterator[T]:
    if isinstance(value, T):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from _tensors(v)


def _map(value: Any, function: Callable[[T], Any]) -> Any:
    if isinstance(value, T):
        return function(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_map(v, function) for v in value)
    return value


class Sampler:
    """Seeded data for samples."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.random = np.random.default_rng([zlib.crc32(name.encode()), seed])

    def t(self, *shape: int, low: float = -2, high: float = 2, dtype: Any = "f8", grad: bool = True) -> T:
        """Uniform floating-point numbers."""
        return T(self.random.uniform(low, high, shape).astype(dtype), grad, True)

    def c(self, *shape: int, low: float = -2, high: float = 2, dtype: Any = "c16", grad: bool = True) -> T:
        """Complex numbers of a square."""
        parts = self.random.uniform(low, high, (2, *shape))
        return T((parts[0] + 1j * parts[1]).astype(dtype), grad, True)

    def i(self, *shape: int, low: int = 0, high: int = 5, dtype: Any = "i8", cast: bool = False) -> T:
        """Integers from ``low`` up to but without ``high``."""
        return T(self.random.integers(low, high, shape).astype(dtype), False, cast)

    def b(self, *shape: int) -> T:
        """Bools."""
        return T(np.asarray(self.random.random(shape) < 0.5))

    def of(self, data: Any, dtype: Any = None, grad: bool = True, cast: bool = True) -> T:
        """Given data."""
        array = data if dtype is None else np.array(data, dtype)
        return T(array, grad, cast and np.asarray(array).dtype.kind in "fc")

    def special(self, nan: bool = True) -> T:
        """The points of ``edges="auto"``, with nan or without."""
        from samples.checks import number_line

        return T(number_line(nan), True, True)

    def distinct(self, *shape: int, dtype: Any = "f8", grad: bool = True) -> T:
        """Numbers that all lie at least 0.1 apart, in random order: no ties within a finite difference."""
        n = int(np.prod(shape))
        values = (self.random.permutation(n) - n / 2 + 0.25) * 0.3
        return T(values.reshape(shape).astype(dtype), grad, True)

    def spd(self, *shape: int, grad: bool = True) -> T:
        """Symmetric positive definite matrices: ``spd(2, 3)`` is a batch of two of size 3."""
        *batch, n = shape
        a = self.random.uniform(-1, 1, (*batch, n, n))
        return T(a @ np.swapaxes(a, -1, -2) + n * np.eye(n), grad, False)

    def perm(self, n: int) -> T:
        """A permutation of 0 to n - 1."""
        return T(self.random.permutation(n).astype(np.int64))


@dataclass(eq=False)
class Row:
    """What the tests know of one operator (or of one overload, told apart by ``tag``).

    ``grad``: it is differentiable; ``second``: twice. ``complex``: it takes complex tensors: every sample is also
    run with its float tensors made complex. ``inplace`` and ``method``: names of those twins (True: the usual
    name; None: whatever Tensor has). ``out``: it takes ``out=``. ``dtypes``: what the dtype tables try; empty for
    none. ``edges``: extra samples at special points; "auto" makes them of pointwise operators (all pairs of nan,
    infinities, zeros, halves, large and tiny numbers). ``tol``: (rtol, atol) for float64, with the reason in
    ``why``. ``skip``: checks that do not apply, each with its reason: {"vmap": "the shape depends on the data"};
    "node" is for nodes named otherwise than PyTorch's, "second in PyTorch" for what has a second derivative here only.
    ``pointwise``: it works element by element (None: what its declaration says): points, shapes and pairs of dtypes are
    made for it. ``torch``: another name there.
    """

    name: str
    samples: Callable[[Sampler], list[Call]]
    tag: str = ""
    grad: bool = True
    second: bool = True
    complex: bool = False
    inplace: str | bool | None = None
    method: str | bool | None = None
    out: bool = False
    dtypes: tuple[str, ...] = DTYPES
    edges: Callable[[Sampler], list[Call]] | str | None = "auto"
    tol: tuple[float, float] | None = None
    why: str = ""
    skip: dict[str, str] = field(default_factory=dict)
    vmap: bool = True
    jvp: bool = True
    layouts: bool = True
    pointwise: bool | None = None
    torch: str = ""
    family: str = ""

    @property
    def id(self) -> str:
        return f"{self.name}.{self.tag}" if self.tag else self.name

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]

    def calls(self, seed: int = 0) -> list[Call]:
        """The samples, and their complex versions."""
        calls = self.samples(Sampler(self.id, seed))
        if self.complex:
            random = np.random.default_rng([zlib.crc32(self.id.encode()), seed, 7])
            for call in list(calls):
                if any(t.array.dtype.kind == "f" and t.grad for t in call.tensors):
                    calls.append(call.map(lambda t, r=random: complexified(t, r)))
        return calls


def complexified(t: T, random: np.random.Generator) -> T:
    if t.array.dtype.kind != "f" or not t.grad:
        return t
    return t.like(t.array + 1j * random.uniform(-1, 1, t.array.shape))


def rows() -> list[Row]:
    """All rows of all families, in order."""
    found: list[Row] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        for row in getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROWS", ()):
            row.family = module.name
            found.append(row)
    return found
