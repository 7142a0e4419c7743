"""``assert_close``: two values, or trees of them, compared to a tolerance, with a message that tells where they differ.

Sequences are compared item by item, mappings key by key; what is compared in the end are tensors (or NumPy arrays),
numbers, bools and None.
"""

from __future__ import annotations

import cmath
import collections.abc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import rushlight as torch

__all__ = ["assert_allclose", "assert_close"]

# (rtol, atol) by dtype; what is not here must be equal
TOLERANCES = {
    torch.float16: (1e-3, 1e-5), torch.bfloat16: (1.6e-2, 1e-5), torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7), torch.complex32: (1e-3, 1e-5), torch.complex64: (1.3e-6, 1e-5),
    torch.complex128: (1e-7, 1e-7),
}  # fmt: skip

NUMBERS = (int, float, complex, np.number)
BOOLS = (bool, np.bool_)
Path = tuple[Any, ...]


class Mismatch(Exception):
    """Two values differ: the kind of error to raise, what to say, and where in the tree."""

    def __init__(self, kind: type[Exception], text: str, path: Path = ()) -> None:
        super().__init__(text)
        self.kind, self.text, self.path = kind, text, path
        self.of_trees = True  # said before any value is compared: the caller's message has no part in it

    def error(self, msg: Any) -> Exception:
        text = self.text
        if self.path:
            text += f"\n\nThe failure occurred for item {''.join(f'[{p!r}]' for p in self.path)}"
        if msg is not None:
            text = msg(text) if callable(msg) else msg
        return self.kind(text)


class Options:
    """How to compare."""

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)

    rtol: float | None
    atol: float | None
    equal_nan: bool
    allow_subclasses: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *dtypes: Any) -> tuple[float, float]:
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [TOLERANCES.get(d, (0.0, 0.0)) for d in dtypes]
        return max(f[0] for f in found), max(f[1] for f in found)


# ---- trees


def leaves(actual: Any, expected: Any, options: Options, path: Path = ()) -> Iterator[tuple[Any, Any, Path]]:
    """The pairs to compare, with their places; raises where the trees differ in shape."""
    sequences = (collections.abc.Sequence, list, tuple)
    if isinstance(actual, sequences) and isinstance(expected, sequences) and not isinstance(actual, str):
        if not isinstance(expected, str):
            if len(actual) != len(expected):
                raise Mismatch(
                    AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path
                )
            for i in range(len(actual)):
                yield from leaves(actual[i], expected[i], options, (*path, i))
            return
    if isinstance(actual, collections.abc.Mapping) and isinstance(expected, collections.abc.Mapping):
        missing, extra = set(expected) - set(actual), set(actual) - set(expected)
        if missing or extra:
            raise Mismatch(
                AssertionError,
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(missing)}\n"
                f"Additional keys in the actual mapping: {sorted(extra)}",
                path,
            )
        keys: Any = list(actual)
        try:
            keys = sorted(keys)
        except TypeError:
            pass
        for key in keys:
            yield from leaves(actual[key], expected[key], options, (*path, key))
        return
    yield actual, expected, path


def kind_of(actual: Any, expected: Any, options: Options) -> Callable[[Any, Any, Options], None] | None:
    """What compares two leaves; None if nothing does."""
    if actual is None or expected is None:
        return compare_none
    if isinstance(actual, BOOLS) and isinstance(expected, BOOLS):
        return compare_bools
    if isinstance(actual, (*NUMBERS, *BOOLS)) and isinstance(expected, (*NUMBERS, *BOOLS)):
        return compare_numbers
    if isinstance(actual, torch.Tensor) and isinstance(expected, torch.Tensor):
        related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
        if related and (options.allow_subclasses or type(actual) is type(expected)):
            return compare_tensors
        return None
    if isinstance(actual, np.ndarray) and isinstance(expected, np.ndarray):
        return compare_arrays
    return None


# ---- leaves


def compare_none(actual: Any, expected: Any, options: Options) -> None:
    if actual is not expected:
        raise Mismatch(AssertionError, f"None mismatch: {shown(actual)} is not {shown(expected)}")


def shown(x: Any) -> str:
    """A value in a message: a 0-d tensor as its number."""
    return str(x.item()) if isinstance(x, torch.Tensor) and x.ndim == 0 else str(x)


def compare_bools(actual: Any, expected: Any, options: Options) -> None:
    if bool(actual) is not bool(expected):
        raise Mismatch(AssertionError, f"Booleans mismatch: {bool(actual)} is not {bool(expected)}")


def compare_numbers(actual: Any, expected: Any, options: Options) -> None:
    a, b = [x.item() if isinstance(x, np.generic) else x for x in (actual, expected)]
    if options.check_dtype and type(a) is not type(b):
        raise Mismatch(AssertionError, f"The (d)types do not match: {type(a)} != {type(b)}.")
    kinds = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}
    rtol, atol = options.tolerances(kinds[type(a)], kinds[type(b)])
    check_tolerances(rtol, atol)
    if a == b or (options.equal_nan and cmath.isnan(a) and cmath.isnan(b)):
        return
    difference = abs(a - b)
    if cmath.isfinite(difference) and difference <= atol + rtol * abs(b):
        return
    raise Mismatch(AssertionError, scalar_text(a, b, rtol, atol))


def check_tolerances(rtol: float, atol: float) -> None:
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")


def scalar_text(a: Any, b: Any, rtol: float, atol: float) -> str:
    difference = abs(a - b)
    relative = float("inf") if b == 0 else difference / abs(b)
    equality = rtol == 0 and atol == 0
    allowed = [("", "")] if equality else [(f" (up to {atol} allowed)", f" (up to {rtol} allowed)")]
    up_absolute, up_relative = allowed[0]
    return (
        f"Scalars are not {'equal' if equality else 'close'}!\n\nExpected {b} but got {a}.\n"
        f"Absolute difference: {difference}{up_absolute}\nRelative difference: {relative}{up_relative}"
    )


def compare_arrays(actual: Any, expected: Any, options: Options) -> None:
    compare_tensors(torch.as_tensor(actual), torch.as_tensor(expected), options)


def stride_of(t: Any) -> Any:
    return None if t.is_sparse else t.stride()


def compare_tensors(actual: Any, expected: Any, options: Options) -> None:
    checks = [
        ("shape", actual.shape, expected.shape, True),
        ("layout", actual.layout, expected.layout, options.check_layout),
        ("stride()", stride_of(actual), stride_of(expected), options.check_stride),
        ("device", actual.device, expected.device, options.check_device),
        ("dtype", actual.dtype, expected.dtype, options.check_dtype),
    ]
    for name, a, b, wanted in checks:
        if wanted and a != b:
            raise Mismatch(AssertionError, f"The values for attribute '{name}' do not match: {a} != {b}.")
    if actual.is_sparse and expected.is_sparse:
        if actual._nnz() != expected._nnz():
            raise Mismatch(
                AssertionError,
                "The number of specified values in sparse COO tensors does not match: "
                f"{actual._nnz()} != {expected._nnz()}",
            )
        compare_tensors(actual._indices(), expected._indices(), options)
        compare_tensors(actual._values(), expected._values(), options)
        return
    rtol, atol = options.tolerances(actual.dtype, expected.dtype)
    check_tolerances(rtol, atol)
    x, y = actual.detach().to_dense(), expected.detach().to_dense()
    if x.dtype is not y.dtype:
        common = torch.promote_types(x.dtype, y.dtype)
        x, y = x.to(common), y.to(common)
    x, y = x.numpy(), y.numpy()
    with np.errstate(all="ignore"):
        fits = matches(x, y, rtol, atol, options.equal_nan)
        if not fits.all():
            raise Mismatch(AssertionError, tensor_text(x, y, fits, rtol, atol))


def matches(x: Any, y: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    same = x == y
    if equal_nan and x.dtype.kind in "fc":
        same = same | (np.isnan(x) & np.isnan(y))
    if (rtol == 0 and atol == 0) or x.dtype.kind == "b":
        return same
    if x.dtype.kind in "iu":
        x, y = x.astype(np.float64), y.astype(np.float64)
    allowed = atol + np.abs(rtol * y)
    difference = np.abs(x - y)
    return same | (np.isfinite(difference) & (difference <= allowed))


def tensor_text(x: Any, y: Any, fits: Any, rtol: float, atol: float) -> str:
    """How many elements differ, and where most."""
    if x.ndim == 0:
        return scalar_text(x.item(), y.item(), rtol, atol)
    equality = rtol == 0 and atol == 0
    bad = ~fits
    count, total = int(bad.sum()), bad.size
    if x.dtype.kind in "biu":
        x, y = x.astype(np.int64), y.astype(np.int64)
    difference = np.abs(x - y)
    difference[fits] = 0
    relative = difference / np.abs(y)
    relative[fits] = 0
    lines = [
        f"Tensor-likes are not {'equal' if equality else 'close'}!",
        "",
        f"Mismatched elements: {count} / {total} ({count / total:.1%})",
    ]
    for name, values, bar in (("absolute", difference, atol), ("relative", relative, rtol)):
        at = np.unravel_index(int(np.argmax(values)), values.shape)
        place = tuple(int(i) for i in at)
        allowed = "" if equality else f" (up to {bar} allowed)"
        lines.append(f"Greatest {name} difference: {values[at].item()} at index {place}{allowed}")
    return "\n".join(lines)


# ---- what is called


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Tensors, NumPy arrays, numbers, bools, None, and sequences and mappings of them. Tolerances go by dtype unless given
    (both); integers must be equal. ``msg`` replaces what is said of values, or is called with it.

    >>> import rushlight as torch
    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
    >>> torch.testing.assert_close(torch.tensor(1), torch.tensor(2))
    Traceback (most recent call last):
    AssertionError: Scalars are not equal!
    ...
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    options = Options(
        rtol=rtol, atol=atol, equal_nan=equal_nan, allow_subclasses=allow_subclasses, check_device=check_device,
        check_dtype=check_dtype, check_layout=check_layout, check_stride=check_stride,
    )  # fmt: skip
    found = first_mismatch(actual, expected, options)
    if found is not None:
        raise found.error(None if found.of_trees else msg)


def first_mismatch(actual: Any, expected: Any, options: Options) -> Mismatch | None:
    """What to complain of first: trees that differ in shape or hold what cannot be compared, before any value."""
    try:
        pairs = []
        for a, b, path in leaves(actual, expected, options):
            run = kind_of(a, b, options)
            if run is None:
                raise Mismatch(
                    TypeError, f"No comparison pair was able to handle inputs of type {type(a)} and {type(b)}.", path
                )
            if (options.rtol is None) is not (options.atol is None) and run is not compare_none:
                absent = "atol" if options.atol is None else "rtol"
                raise Mismatch(
                    ValueError,
                    f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {absent}.",
                    path,
                )
            pairs.append((run, a, b, path))
        for run, a, b, path in pairs:
            try:
                run(a, b, options)
            except Mismatch as found:
                found.path, found.of_trees = path, False
                raise
    except Mismatch as found:
        return found
    return None


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """Deprecated: use :func:`assert_close`.

    >>> import rushlight as torch
    >>> torch.testing.assert_allclose(torch.tensor(1.0), torch.tensor(1.0))  # doctest: +SKIP
    """
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
        "`torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
        "https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
        stacklevel=2,
    )
    if not isinstance(actual, torch.Tensor):
        actual = torch.tensor(actual)
    if not isinstance(expected, torch.Tensor):
        expected = torch.tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        wide = {torch.float16: (1e-3, 1e-3), torch.float32: (1e-4, 1e-5), torch.float64: (1e-5, 1e-8)}
        pairs = [wide.get(x.dtype, (0.0, 0.0)) for x in (actual, expected)]
        rtol, atol = max(p[0] for p in pairs), max(p[1] for p in pairs)
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True, check_dtype=False,
        check_stride=False, msg=msg or None,
    )  # fmt: skip
