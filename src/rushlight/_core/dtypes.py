"""dtype objects: PyTorch's names for NumPy's dtypes, and the default one.

``rushlight.float32`` prints as ``torch.float32``; NumPy takes it wherever it takes a dtype, and
``dtype_of`` finds it from NumPy's. Names that NumPy has no numbers for (``bfloat16``) exist, so
that programs can name them; making a tensor of one is an error that says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class dtype:
    """The type of a tensor's elements, such as ``torch.float32``.

    >>> import rushlight as torch
    >>> torch.float32, torch.float64.is_floating_point, torch.int8.itemsize
    (torch.float32, True, 1)
    """

    __slots__ = ("_np", "is_complex", "is_floating_point", "is_signed", "itemsize", "name")

    def __init__(self, name: str, np_dtype: Any, itemsize: int) -> None:
        self.name = name
        self._np = None if np_dtype is None else np.dtype(np_dtype)
        self.itemsize = itemsize
        self.is_floating_point = name.startswith(("float", "bfloat"))
        self.is_complex = name.startswith("complex")
        self.is_signed = not name.startswith(("uint", "bool"))

    @property
    def dtype(self) -> np.dtype:
        """NumPy's dtype (NumPy reads this attribute to accept a Rushlight dtype as one of its own)."""
        if self._np is None:
            raise TypeError(f"{self} is a name only here: NumPy has no such numbers. Use torch.float32 instead.")
        found: np.dtype = self._np
        return found

    def to_real(self) -> Any:
        """The dtype of the parts of a complex number of this dtype."""
        return _REAL.get(self.name) or self

    def to_complex(self) -> Any:
        """The complex dtype whose parts have this dtype."""
        return _COMPLEX.get(self.name) or self

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


float16 = dtype("float16", "f2", 2)
bfloat16 = dtype("bfloat16", None, 2)
float32 = dtype("float32", "f4", 4)
float64 = dtype("float64", "f8", 8)
complex32 = dtype("complex32", None, 4)
complex64 = dtype("complex64", "c8", 8)
complex128 = dtype("complex128", "c16", 16)
float8_e4m3fn = dtype("float8_e4m3fn", None, 1)
float8_e4m3fnuz = dtype("float8_e4m3fnuz", None, 1)
float8_e5m2 = dtype("float8_e5m2", None, 1)
float8_e5m2fnuz = dtype("float8_e5m2fnuz", None, 1)
float8_e8m0fnu = dtype("float8_e8m0fnu", None, 1)
uint8 = dtype("uint8", "u1", 1)
uint16 = dtype("uint16", "u2", 2)
uint32 = dtype("uint32", "u4", 4)
uint64 = dtype("uint64", "u8", 8)
int8 = dtype("int8", "i1", 1)
int16 = dtype("int16", "i2", 2)
int32 = dtype("int32", "i4", 4)
int64 = dtype("int64", "i8", 8)
bool_ = dtype("bool", "?", 1)

_REAL = {"complex32": float16, "complex64": float32, "complex128": float64}
_COMPLEX = {"float16": complex32, "float32": complex64, "float64": complex128}
ALL = (
    float16, bfloat16, float32, float64, complex32, complex64, complex128,
    uint8, uint16, uint32, uint64, int8, int16, int32, int64, bool_,
)  # fmt: skip
FROM_NUMPY: dict[np.dtype, dtype] = {d._np: d for d in ALL if d._np is not None}

# PyTorch's name of a dtype in messages and in the names of legacy tensor types.
LEGACY = {
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble", "uint8": "Byte", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
    "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool", "complex32": "ComplexHalf",
}  # fmt: skip

default_dtype: np.dtype = float32.dtype  # what a Python float becomes; read as ``dtypes.default_dtype``


def set_default_dtype(d: dtype) -> None:
    """Set the dtype that new tensors made from Python floats have (float32 at first).

    >>> import rushlight as torch
    >>> torch.set_default_dtype(torch.float64); torch.tensor(1.0).dtype
    torch.float64
    >>> torch.set_default_dtype(torch.float32)
    """
    global default_dtype
    if type(d) is not dtype:
        raise TypeError(f"invalid dtype object: expected a torch.dtype such as torch.float32, got {d!r}")
    if not d.is_floating_point:
        raise TypeError(
            "only floating-point types are supported as the default type, "
            f"but got {d}. Use torch.float32, torch.float64 or torch.float16."
        )
    default_dtype = d.dtype


def get_default_dtype() -> dtype:
    """The dtype that new tensors made from Python floats have.

    >>> import rushlight as torch
    >>> torch.get_default_dtype()
    torch.float32
    """
    return FROM_NUMPY[default_dtype]


def dtype_of(np_dtype: np.dtype) -> dtype:
    """The dtype object that stands for a dtype of NumPy's."""
    found = FROM_NUMPY.get(np_dtype)
    if found is None:
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{np_dtype.type.__name__}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, "
            "uint16, uint8, and bool."
        )
    return found


def native(array: np.ndarray) -> np.ndarray:
    """The array, under the one dtype object that stands for its numbers.

    NumPy has equal dtypes that are not the same object (an unpickled array brings its own, ``longlong`` is a twin of
    ``int64``), while the machine asks ``dtype is``.
    """
    found = FROM_NUMPY.get(array.dtype)
    if found is None or found._np is array.dtype:
        return array
    return array.view(found._np)


def to_numpy_dtype(given: Any) -> np.dtype:
    """NumPy's dtype for a dtype of ours, of NumPy's, or a Python type (``float`` gives the default dtype)."""
    if type(given) is dtype:
        return given.dtype
    if given is float:
        return float64.dtype
    if isinstance(given, np.dtype) and given in FROM_NUMPY:
        return FROM_NUMPY[given].dtype
    found = {int: int64, bool: bool_, complex: complex128}.get(given) if isinstance(given, type) else None
    if found is None:
        raise TypeError(f"dtype must be a torch.dtype, not {type(given).__name__}")
    return found.dtype
