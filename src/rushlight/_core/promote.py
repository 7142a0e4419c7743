"""Which dtype a computation has: PyTorch's promotion, stated on NumPy's dtypes.

Two dtypes meet in the higher of their categories (bool < integer < floating < complex), at the
greater size. Among several operands a tensor with dimensions outranks a 0-d tensor, which outranks
a Python number: the lower rank is heard only when it brings a higher category.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

__all__ = ["can_cast", "default_complex", "promote_names", "promote_types", "result_dtype"]

_Dtype = np.dtype[Any]

BOOL, INTEGER, FLOATING, COMPLEX = range(4)

# name: (category, bytes, PyTorch's name for it in error messages)
_DTYPES = {
    "bool": (BOOL, 1, "Bool"),
    "uint8": (INTEGER, 1, "Byte"),
    "int8": (INTEGER, 1, "Char"),
    "int16": (INTEGER, 2, "Short"),
    "int32": (INTEGER, 4, "Int"),
    "int64": (INTEGER, 8, "Long"),
    "uint16": (INTEGER, 2, "UInt16"),
    "uint32": (INTEGER, 4, "UInt32"),
    "uint64": (INTEGER, 8, "UInt64"),
    "float16": (FLOATING, 2, "Half"),
    "bfloat16": (FLOATING, 2, "BFloat16"),
    "float32": (FLOATING, 4, "Float"),
    "float64": (FLOATING, 8, "Double"),
    "complex32": (COMPLEX, 4, "ComplexHalf"),
    "complex64": (COMPLEX, 8, "ComplexFloat"),
    "complex128": (COMPLEX, 16, "ComplexDouble"),
}
_CATEGORY = {name: row[0] for name, row in _DTYPES.items()}
_SIZE = {name: row[1] for name, row in _DTYPES.items()}
_COMPLEX_OF = {
    "float16": "complex32",
    "bfloat16": "complex64",
    "float32": "complex64",
    "float64": "complex128",
}
_REAL_OF = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
_ISOLATED = {"uint16", "uint32", "uint64"}  # PyTorch stores these but promotes them to floating types only

# ``dtype.name`` is computed in Python at each access; a dictionary is ten times faster.
_NAMES: dict[_Dtype, str] = {np.dtype(n): n for n in _DTYPES if n not in ("bfloat16", "complex32")}
_PAIRS: dict[tuple[_Dtype, _Dtype], _Dtype] = {}


@cache
def promote_names(a: str, b: str) -> str:
    """Return the name of the dtype in which dtypes named ``a`` and ``b`` meet.

    Works on names, so that it also answers for ``bfloat16`` and ``complex32``, which NumPy lacks.
    Raises RuntimeError if one is ``uint16``, ``uint32`` or ``uint64`` and the other is neither the
    same nor floating.
    """
    if a == b:
        return a
    low, high = (a, b) if _CATEGORY[a] <= _CATEGORY[b] else (b, a)
    category = _CATEGORY[high]
    if (low in _ISOLATED or high in _ISOLATED) and category != FLOATING:
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, "
            f"attempted to promote {_DTYPES[a][2]} and {_DTYPES[b][2]}"
        )
    if category == COMPLEX and _CATEGORY[low] >= FLOATING:
        return _COMPLEX_OF[promote_names(_REAL_OF.get(low, low), _REAL_OF[high])]
    if _CATEGORY[low] != category:
        return high
    if _SIZE[low] == _SIZE[high]:  # neither holds all values of the other
        return "int16" if category == INTEGER else "float32"
    return max(low, high, key=_SIZE.__getitem__)


def promote_types(a: _Dtype, b: _Dtype) -> _Dtype:
    """Return the smallest dtype, of the least category, that ``a`` and ``b`` both go to.

    As ``torch.promote_types``, on NumPy dtypes. Raises RuntimeError for ``uint16``, ``uint32`` and
    ``uint64`` with a type that is not floating, TypeError for what is not a tensor's dtype, and
    NotImplementedError where PyTorch's answer is a dtype that NumPy does not have.

    >>> promote_types(np.dtype("int64"), np.dtype("float16"))
    dtype('float16')
    >>> promote_types(np.dtype("uint8"), np.dtype("int8"))
    dtype('int16')
    """
    try:
        return _PAIRS[a, b]
    except (KeyError, TypeError):
        pass
    first = _name(a, "promote_types", "type1", 1)
    second = _name(b, "promote_types", "type2", 2)
    answer = _PAIRS[a, b] = _numpy(promote_names(first, second))
    return answer


def result_dtype(operands: Iterable[Any], default: _Dtype) -> _Dtype:
    """Return the dtype of an operation on ``operands``, as ``torch.result_type`` for any number of them.

    An operand is an array (or anything with a NumPy ``dtype`` and an ``ndim``; a NumPy scalar
    counts as a 0-d array) or a Python bool, int, float or complex. ``default`` is the current
    default dtype: Python floats have it, Python complex numbers have its complex counterpart.
    Raises as :func:`promote_types`.

    >>> result_dtype([np.ones(2, "int32"), 1.5], np.dtype("float32"))
    dtype('float32')
    >>> result_dtype([np.ones(2, "float16"), np.float64(2)], np.dtype("float32"))
    dtype('float16')
    """
    ranks: list[str | None] = [None, None, None]  # with dimensions, 0-d, number
    for operand in operands:
        dtype = getattr(operand, "dtype", None)
        if dtype is None:
            rank, name = 2, _number(operand, default)
        else:
            rank, name = (0 if operand.ndim else 1), _name(dtype, "result_type", "tensor", 1)
        held = ranks[rank]
        ranks[rank] = name if held is None else promote_names(held, name)
    answer = _outrank(ranks[0], _outrank(ranks[1], ranks[2]))
    if answer is None:
        raise RuntimeError("result_type(): expected at least one operand, got none")
    return _numpy(answer)


def can_cast(from_: _Dtype, to: _Dtype) -> bool:
    """Tell whether ``from_`` may be cast to ``to`` under promotion: never to a lower category.

    As ``torch.can_cast``: the sizes do not matter.

    >>> can_cast(np.dtype("float64"), np.dtype("float16")), can_cast(np.dtype("float16"), np.dtype("int64"))
    (True, False)
    """
    source, target = _name(from_, "can_cast", "from_", 1), _name(to, "can_cast", "to", 2)
    return _CATEGORY[source] <= _CATEGORY[target]


def default_complex(default: _Dtype) -> _Dtype:
    """Return the dtype of a Python complex number when ``default`` is the default dtype.

    >>> default_complex(np.dtype("float64"))
    dtype('complex128')
    """
    return _numpy(_COMPLEX_OF[_name(default, "default_complex", "default", 1)])


def _outrank(higher: str | None, lower: str | None) -> str | None:
    """Combine the dtypes of two ranks: ``lower`` counts only if its category is the higher one."""
    if higher is None or lower is None:
        return higher or lower
    if _CATEGORY[lower] > _CATEGORY[higher]:
        if _CATEGORY[higher] == FLOATING:
            return _COMPLEX_OF[higher]  # a complex number makes float32 complex64, whatever its own size
        # PyTorch refuses bool with uint16 here too, yet lets uint16 meet a complex number
        return promote_names(higher, lower) if _CATEGORY[lower] == INTEGER else lower
    return higher


def _number(value: object, default: _Dtype) -> str:
    """Name the dtype of a Python number."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    if isinstance(value, float):
        return _name(default, "result_type", "default", 2)
    if isinstance(value, complex):
        return _COMPLEX_OF[_name(default, "result_type", "default", 2)]
    raise TypeError(
        "result_type() received an invalid combination of arguments - "
        f"expected tensors and Python numbers, got {type(value).__name__}"
    )


def _name(dtype: _Dtype, function: str, argument: str, position: int) -> str:
    """Name a dtype, or say that no tensor has it."""
    try:
        return _NAMES[dtype]
    except (KeyError, TypeError):
        pass
    if not isinstance(dtype, np.dtype):
        kind = type(dtype).__name__
        raise TypeError(f"{function}(): argument '{argument}' (position {position}) must be torch.dtype, not {kind}")
    if dtype.name in _DTYPES and dtype.isnative:  # an extension of NumPy, such as ml_dtypes' bfloat16
        return dtype.name
    raise TypeError(
        f"{function}(): argument '{argument}' (position {position}) is {dtype!r}, which no tensor has; "
        f"convert to one of {', '.join(_NAMES.values())}, in native byte order"
    )


def _numpy(name: str) -> _Dtype:
    """Return NumPy's dtype of that name, or say that there is none."""
    try:
        return np.dtype(name)
    except TypeError:
        raise NotImplementedError(
            f"the result would be {name}, which NumPy does not have; convert an operand to "
            f"{'complex64' if name == 'complex32' else 'float32'} first"
        ) from None
