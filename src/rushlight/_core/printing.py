"""The text of a tensor, letter for letter as PyTorch writes it.

Only what will be shown is looked at: a large array is first cut to its corners, every number kept is
written once, and the strings are then joined axis by axis, the last one first. Numbers share a column
width and a notation, both chosen from the finite nonzero ones among them.
"""

import math
import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["format_scalar", "format_tensor", "get_printoptions", "printoptions", "set_printoptions"]

_Array = np.ndarray[Any, Any]
_FLOAT32 = np.dtype("float32")

_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options = SimpleNamespace(**_PROFILES["default"], sci_mode=None)


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, as ``torch.set_printoptions``; what is None stays as it is.

    Args:
        precision: digits after the point of a floating number (4 at first).
        threshold: a tensor of more elements is summarised (1000).
        edgeitems: elements shown at each end of a dimension of a summarised tensor (3).
        linewidth: columns after which a line is broken (80).
        profile: ``"default"``, ``"short"`` or ``"full"`` sets the four above; those also given win.
        sci_mode: scientific notation always (True), never (False), or where it reads better (None).
            As in PyTorch, each call sets it: None is not "as it is", but the automatic choice.

    Raises TypeError or ValueError, and changes nothing, if a value cannot be used. (PyTorch takes any
    value here and fails at the next print, or ignores a profile that it does not know.)

    >>> import rushlight as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.12345])
    tensor([1.12])
    >>> torch.set_printoptions(profile="default")
    >>> torch.tensor([1.12345])
    tensor([1.1235])
    """
    new: dict[str, float] = {}
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions(): profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
        new.update(_PROFILES[profile])
    if precision is not None:
        new["precision"] = _count("precision", precision)
    if threshold is not None:
        new["threshold"] = _number("threshold", threshold)
    if edgeitems is not None:
        new["edgeitems"] = _count("edgeitems", edgeitems)
    if linewidth is not None:
        new["linewidth"] = _number("linewidth", linewidth)
        if math.isinf(linewidth):
            raise ValueError("set_printoptions(): linewidth must be finite, got inf; give a large number")
    for name, value in new.items():
        setattr(_options, name, value)
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the options now in force, as keyword arguments for :func:`set_printoptions`.

    >>> get_printoptions()
    {'precision': 4, 'threshold': 1000, 'edgeitems': 3, 'linewidth': 80, 'sci_mode': None}
    """
    return dict(vars(_options))


@contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Set options within a ``with`` block and put the former ones back after it.

    Takes the arguments of :func:`set_printoptions`. The options belong to the whole process, not to a
    thread.

    >>> import rushlight as torch
    >>> with printoptions(precision=2):
    ...     torch.tensor([1.12345])
    tensor([1.12])
    """
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


def format_tensor(
    array: _Array,
    *,
    suffixes: Iterable[str] = (),
    leading: Iterable[str] = (),
    indent: int = 0,
    prefix: str = "tensor(",
    default_dtype: np.dtype[Any] = _FLOAT32,
    contents: str | None = None,
) -> str:
    """Return the whole text of a tensor, from ``prefix`` to the closing parenthesis.

    Args:
        array: its elements, of any shape and of a dtype that NumPy and PyTorch share.
        suffixes: what follows them, such as ``"grad_fn=<MulBackward0>"`` or ``"requires_grad=True"``.
        leading: what PyTorch writes before size and dtype: ``"device='meta'"``.
        indent: columns that stand on the line before ``prefix``.
        prefix: the opening; subclasses of Tensor write their own name.
        default_dtype: a floating tensor of this dtype does not name its dtype.
        contents: text to show instead of the elements.

    The size is named if the shape cannot be seen in the text, the dtype if it is none of those that
    the text would give back: bool, int64, the default one and its complex counterpart.

    >>> format_tensor(np.array([1.5, 2]), suffixes=["requires_grad=True"])
    'tensor([1.5000, 2.0000], dtype=torch.float64, requires_grad=True)'
    >>> format_tensor(np.zeros((0, 3), "float32"))
    'tensor([], size=(0, 3))'
    """
    array = np.asarray(array)
    column = indent + len(prefix)
    text = prefix + (_body(array, column) if contents is None else contents)
    hidden = array.ndim != 1 if array.size == 0 else not _options.edgeitems
    parts = list(leading)
    if hidden:
        parts.append(f"size={array.shape}")
    if not _implied(array, default_dtype):
        parts.append(f"dtype=torch.{array.dtype.name}")
    parts += suffixes
    # PyTorch counts two columns more than the last line has; so must the line breaks here
    width = len(text) - text.rfind("\n") + 1 + (0 if "\n" in text else indent)
    for part in parts:
        if width + len(part) + 2 > _options.linewidth:
            text += ",\n" + " " * column + part
            width = column + len(part)
        else:
            text += ", " + part
            width += len(part) + 2
    return text + ")"


def format_scalar(array: _Array, format_spec: str) -> str:
    """Return ``format(x, format_spec)`` of the one number ``x`` in a 0-d array.

    This is what ``f"{loss:.3f}"`` writes for a 0-d Tensor. Raises TypeError if the array has
    dimensions; such tensors, and subclasses of Tensor, know only the empty ``format_spec``, which is
    ``str``. Raises ValueError if the number does not know the ``format_spec``.

    >>> format_scalar(np.array(1.5, "float32"), ".2f")
    '1.50'
    """
    if array.ndim:
        raise TypeError("unsupported format string passed to Tensor.__format__")
    return format(array.item(), format_spec)


def _body(array: _Array, column: int) -> str:
    """Write the elements between their brackets, the outermost of which stands in ``column``."""
    if array.size == 0:
        return "[]"
    edge = _options.edgeitems
    summarised = array.size > _options.threshold
    if summarised and array.ndim and not edge:
        return "[...]"
    cut = [summarised and n > 2 * edge for n in array.shape]
    if any(cut):
        kept = [np.r_[:edge, n - edge : n] if c else np.arange(n) for n, c in zip(array.shape, cut, strict=True)]
        array = array[np.ix_(*kept)]
    texts, width = _cells(array.reshape(-1))
    per_line = max(1, math.floor((_options.linewidth - column - array.ndim + 1) / (width + 2)))
    for axis in reversed(range(array.ndim)):
        last = axis == array.ndim - 1
        newline = "," + "\n" * max(1, array.ndim - 1 - axis) + " " * (column + axis + 1)
        size = array.shape[axis]
        groups = [texts[i : i + size] for i in range(0, len(texts), size)]
        for group in groups:
            if cut[axis]:
                group.insert(edge, " ..." if last else "...")
            if last:
                group[:] = [", ".join(group[i : i + per_line]) for i in range(0, len(group), per_line)]
        texts = [f"[{newline.join(group)}]" for group in groups]
    return texts[0]


def _cells(flat: _Array) -> tuple[list[str], int]:
    """Write every element of a 1-d array; return the texts and the columns that one of them takes."""
    if flat.dtype.kind != "c":
        texts, width = _real_texts(flat)
        return [text.rjust(width) for text in texts], width
    reals, real_width = _real_texts(flat.real)
    imaginaries, imaginary_width = _real_texts(flat.imag)
    pairs = zip(reals, imaginaries, strict=True)
    texts = [r.rjust(real_width) + ("" if i[0] == "-" else "+") + i + "j" for r, i in pairs]
    return texts, real_width + imaginary_width + 1  # PyTorch leaves no column for the sign between them


def _real_texts(flat: _Array) -> tuple[list[str], int]:
    """Write real numbers in one notation; return them, and the width of the finite nonzero ones."""
    if flat.dtype.kind in "biu":
        texts = [str(value) for value in flat.tolist()]
        return texts, max(map(len, texts))
    values = flat.astype(np.float64)
    decisive = np.isfinite(values) & (values != 0)
    magnitudes = np.abs(values[decisive])
    if not magnitudes.size:
        return [_integral(value) for value in values.tolist()], 1
    low, high = float(magnitudes.min()), float(magnitudes.max())
    scientific = _options.sci_mode
    if scientific is None:
        scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
    if scientific:
        texts = [f"{value:.{_options.precision}e}" for value in values.tolist()]
    elif (magnitudes == np.floor(magnitudes)).all():
        texts = [_integral(value) for value in values.tolist()]
    else:
        texts = [f"{value:.{_options.precision}f}" for value in values.tolist()]
    return texts, max(len(texts[i]) for i in np.flatnonzero(decisive).tolist())


def _integral(value: float) -> str:
    """Write a number without a fraction: ``3.``, ``-0.``, but ``inf``."""
    return f"{value:.0f}." if math.isfinite(value) else f"{value}"


def _implied(array: _Array, default: np.dtype[Any]) -> bool:
    """Tell whether reading the text back would give the dtype of ``array`` unasked."""
    if array.dtype == default:
        return True
    if array.size == 0:  # no element tells an int64 tensor from a floating one
        return False
    # for float16 the complex default is complex32, yet PyTorch leaves complex64 unnamed
    return array.dtype.name in ("int64", "bool", "complex128" if default.name == "float64" else "complex64")


def _count(name: str, value: object) -> int:
    """Return ``value`` as an integer that is not negative, or say what is wrong with it."""
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"set_printoptions(): {name} must be an integer, got {value!r} ({type(value).__name__})"
        ) from None
    if count < 0:
        raise ValueError(f"set_printoptions(): {name} must not be negative, got {value!r}")
    return count


def _number(name: str, value: object) -> float:
    """Return ``value``, a real number, or say what is wrong with it."""
    if not isinstance(value, Real):
        raise TypeError(f"set_printoptions(): {name} must be a number, got {value!r} ({type(value).__name__})")
    if math.isnan(value):
        raise ValueError(f"set_printoptions(): {name} must be a number, got nan")
    return value  # type: ignore[return-value]
