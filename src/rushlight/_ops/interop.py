"""NumPy's functions on tensors, by NumPy's own protocols: ``np.sin(t)`` is ``rushlight.sin(t)``, recorded like it.

A NumPy function that has no counterpart here raises an error that names it and says what to do; there is never an
array of objects or a constant where a gradient was expected.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import dtypes
from .._core.tensor import Tensor, check_device, wrap
from .create import array_of, warn_read_only

# NumPy's function: the counterpart, by module of ``_ops`` and name
_UFUNCS = {
    "arithmetic": (
        "add sub:subtract mul:multiply div:true_divide floor_divide remainder fmod pow:power float_power neg:negative "
        "positive square logaddexp logaddexp2 hypot atan2:arctan2"
    ),
    "elementary": (
        "exp exp2 expm1 log log2 log10 log1p sqrt reciprocal sin cos tan asin:arcsin acos:arccos atan:arctan sinh cosh "
        "tanh asinh:arcsinh acosh:arccosh atanh:arctanh floor ceil trunc round:rint deg2rad rad2deg deg2rad:radians "
        "rad2deg:degrees"
    ),
    "compare": (
        "eq:equal ne:not_equal lt:less le:less_equal gt:greater ge:greater_equal maximum minimum fmax fmin isnan isinf "
        "isfinite logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not:invert "
        "bitwise_left_shift:left_shift bitwise_right_shift:right_shift sign copysign heaviside nextafter signbit"
    ),
    "complexes": "abs:absolute abs:fabs conj:conjugate",
    "products": "matmul",
}
_FUNCTIONS: dict[str, str] = {  # NumPy's name: "module.name", for functions whose parameters are alike
    "allclose": "compare.allclose", "angle": "complexes.angle", "array_equal": "compare.equal", "clip": "compare.clamp",
    "atleast_1d": "shape.atleast_1d", "atleast_2d": "shape.atleast_2d", "atleast_3d": "shape.atleast_3d",
    "broadcast_arrays": "shape.broadcast_tensors", "broadcast_to": "shape.broadcast_to",
    "column_stack": "shape.column_stack", "concatenate": "shape.cat", "cumprod": "scan.cumprod",
    "cumsum": "scan.cumsum", "diag": "shape.diag", "diagonal": "shape.diagonal", "dstack": "shape.dstack",
    "einsum": "products.einsum", "empty_like": "create.empty_like", "expand_dims": "shape.unsqueeze",
    "fliplr": "shape.fliplr", "flipud": "shape.flipud", "full_like": "create.full_like", "hstack": "shape.hstack",
    "imag": "complexes.imag", "isclose": "compare.isclose", "kron": "matrices.kron", "meshgrid": "shape.meshgrid",
    "moveaxis": "shape.movedim", "nan_to_num": "elementary.nan_to_num", "ones_like": "create.ones_like",
    "outer": "products.outer", "ravel": "shape.ravel", "real": "complexes.real", "roll": "shape.roll",
    "stack": "shape.stack", "swapaxes": "shape.transpose", "tensordot": "products.tensordot",
    "tril": "shape.tril", "triu": "shape.triu", "vdot": "products.vdot", "vstack": "shape.vstack",
    "where": "compare.where", "zeros_like": "create.zeros_like",
}  # fmt: skip


def operator(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(".")
    found: Callable[..., Any] = getattr(importlib.import_module(f".{module}", __package__), name)
    return found


def _ufunc_table() -> dict[Any, str]:
    table = {}
    for module, names in _UFUNCS.items():
        for entry in names.split():
            ours, _, theirs = entry.partition(":")
            table[getattr(np, theirs or ours)] = f"{module}.{ours}"
    return table


UFUNCS = _ufunc_table()
REDUCTIONS = {np.add: "reduce.sum", np.multiply: "reduce.prod", np.maximum: "reduce.amax", np.minimum: "reduce.amin"}


def as_operand(x: Any) -> Any:
    """An argument of a NumPy function as an operator takes it."""
    if isinstance(x, np.ndarray):
        return wrap(dtypes.native(np.asarray(x))) if x.dtype in dtypes.FROM_NUMPY and x.dtype.isnative else x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, (list, tuple)) and any(isinstance(e, (Tensor, np.ndarray, list, tuple)) for e in x):
        return type(x)([as_operand(e) for e in x])
    return x


def named_error(name: str, hint: str = "") -> TypeError:
    return TypeError(
        f"np.{name} has no rule for tensors here, so its result could not be differentiated. {hint}"
        f"Use a function of rushlight's, or np.{name}(t.detach().numpy()) if no gradient is needed."
    )


def array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """NumPy's universal functions on tensors (NEP 13)."""
    out = options.pop("out", None)
    options = {k: v for k, v in options.items() if not ((k == "where" and v is True) or k == "casting")}
    if method == "reduce" and ufunc in REDUCTIONS:
        axis = options.pop("axis", 0)
        return operator(REDUCTIONS[ufunc])(inputs[0], *(() if axis is None else (axis,)), **options)
    path = UFUNCS.get(ufunc)
    if method != "__call__" or path is None:
        raise named_error(ufunc.__name__ + ("" if method == "__call__" else f".{method}"))
    if "where" in options:
        raise named_error(ufunc.__name__, "The argument where= is not supported; use rushlight.where. ")
    dtype = options.pop("dtype", None)
    if options:
        raise named_error(ufunc.__name__, f"The argument {next(iter(options))}= is not supported. ")
    given = [as_operand(x) for x in inputs]
    if path == "products.matmul" or (
        not isinstance(given[0], Tensor) and not isinstance(given[0], (int, float, complex))
    ):
        given = [x if isinstance(x, Tensor) else wrap(array_of(x)) for x in given]
    made = operator(path)(*given)
    if dtype is not None:
        made = made.to(dtypes.dtype_of(np.dtype(dtype)))
    if out is None:
        return made
    target = out[0]
    if isinstance(target, Tensor):
        return target.copy_(made)
    target[...] = made.numpy()
    return target


# ---- functions whose parameters NumPy names differently


def _axis(name: str, single: bool = False) -> Callable[..., Any]:
    """A reduction: ``axis`` and ``keepdims``; None means all."""

    def run(a: Any, axis: Any = None, *, keepdims: bool = False, dtype: Any = None, out: Any = None) -> Any:
        if out is not None:
            raise named_error(name.rpartition(".")[2], "The argument out= is not supported. ")
        if dtype is not None:
            a = a.to(dtypes.dtype_of(np.dtype(dtype)))
        if axis is None:
            made = operator(name)(a)
            return made.reshape((1,) * a.ndim) if keepdims else made
        return operator(name)(a, axis, keepdim=keepdims)

    return run


def _spread(name: str) -> Callable[..., Any]:
    def run(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
        return operator(name)(a, dim=axis, correction=ddof, keepdim=keepdims)

    return run


def _extreme(name: str) -> Callable[..., Any]:
    def run(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        made = operator(name)(a, () if axis is None else axis)
        if keepdims:
            made = operator(name)(a, tuple(range(a.ndim)) if axis is None else axis, True)
        return made

    return run


def _reshape(a: Any, shape: Any = None, *args: Any, **options: Any) -> Any:
    if options.get("order", "C") != "C":
        raise named_error("reshape", "Only order='C' is supported. ")
    shape = options.get("newshape", shape)
    return a.reshape(shape)


def _transpose(a: Any, axes: Any = None) -> Any:
    return a.permute(tuple(range(a.ndim))[::-1] if axes is None else axes)


def _squeeze(a: Any, axis: Any = None) -> Any:
    return a.squeeze() if axis is None else a.squeeze(axis)


def _flip(m: Any, axis: Any = None) -> Any:
    dims = tuple(range(m.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return m.flip(dims)


def _tile(a: Any, reps: Any) -> Any:
    return operator("shape.tile")(a, (reps,) if isinstance(reps, int) else tuple(reps))


def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    return operator("scatter.repeat_interleave")(a, as_operand(repeats), axis)


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    if isinstance(indices_or_sections, int) and ary.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return list(operator("shape.tensor_split")(ary, indices_or_sections, axis))


def _pieces(name: str, axis: int) -> Callable[..., Any]:
    """``hsplit`` and its kin, as lists; ``array_split`` takes an axis and any number of pieces."""

    def run(ary: Any, indices_or_sections: Any, axis: int = axis) -> Any:
        if ary.ndim == 1 and name == "hsplit":
            axis = 0
        whole = isinstance(indices_or_sections, int) and name != "array_split"
        if whole and ary.ndim > axis and ary.shape[axis] % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
        return list(operator("shape.tensor_split")(ary, indices_or_sections, axis))

    return run


def _take(a: Any, indices: Any, axis: Any = None) -> Any:
    flat = a.reshape(-1) if axis is None else a
    at = 0 if axis is None else axis
    index = as_operand(np.asarray(indices) if not isinstance(indices, Tensor) else indices)
    made = operator("index.index_select")(flat, at, index.reshape(-1))
    at %= flat.ndim
    return made.reshape((*flat.shape[:at], *index.shape, *flat.shape[at + 1 :]))


def _dot(a: Any, b: Any) -> Any:
    a, b = [as_operand(x) for x in (a, b)]
    if not isinstance(a, Tensor) or not isinstance(b, Tensor) or a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim > 2 or (a.ndim > 2 and b.ndim == 2):
        return operator("products.tensordot")(a, b, ([-1], [-2] if b.ndim > 1 else [-1]))
    return operator("products.matmul")(a, b)


def _sort(a: Any, axis: Any = -1, **options: Any) -> Any:
    flat = a.reshape(-1) if axis is None else a
    return operator("sort.sort")(flat, -1 if axis is None else axis)[0]


def _argsort(a: Any, axis: Any = -1, **options: Any) -> Any:
    flat = a.reshape(-1) if axis is None else a
    return operator("sort.argsort")(flat, -1 if axis is None else axis)


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return a.diagonal(offset, axis1, axis2).sum(-1)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    from .. import linalg

    return linalg.norm(x, ord, axis, keepdims)


def _linalg(name: str) -> Callable[..., Any]:
    def run(*args: Any, **options: Any) -> Any:
        from .. import linalg

        return getattr(linalg, name)(*[as_operand(a) for a in args], **options)

    return run


def _fft(name: str) -> Callable[..., Any]:
    def run(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, **options: Any) -> Any:
        from .. import fft

        return getattr(fft, name)(a, n, options.get("axes", axis), norm)

    return run


_OTHERS: dict[Any, Callable[..., Any]] = {
    np.sum: _axis("reduce.sum"),
    np.mean: _axis("reduce.mean"),
    np.prod: _axis("reduce.prod"),
    np.all: _axis("reduce.all"),
    np.any: _axis("reduce.any"),
    np.argmax: _axis("reduce.argmax"),
    np.argmin: _axis("reduce.argmin"),
    np.count_nonzero: lambda a, axis=None, keepdims=False: operator("reduce.count_nonzero")(a, axis),
    np.std: _spread("reduce.std"),
    np.var: _spread("reduce.var"),
    np.max: _extreme("reduce.amax"),
    np.amax: _extreme("reduce.amax"),
    np.min: _extreme("reduce.amin"),
    np.amin: _extreme("reduce.amin"),
    np.reshape: _reshape,
    np.transpose: _transpose,
    np.squeeze: _squeeze,
    np.flip: _flip,
    np.tile: _tile,
    np.repeat: _repeat,
    np.split: _split,
    np.array_split: _pieces("array_split", 0),
    np.hsplit: _pieces("hsplit", 1),
    np.vsplit: _pieces("vsplit", 0),
    np.dsplit: _pieces("dsplit", 2),
    np.take: _take,
    np.dot: _dot,
    np.sort: _sort,
    np.argsort: _argsort,
    np.trace: _trace,
    np.copy: lambda a, order="K", subok=False: a.clone(),
    np.shape: lambda a: tuple(a.shape),
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
    np.iscomplexobj: lambda x: x.is_complex(),
    np.isrealobj: lambda x: not x.is_complex(),
    np.round: lambda a, decimals=0, out=None: operator("elementary.round")(a, decimals=decimals),
    np.linalg.norm: _norm,
    np.fft.fft: _fft("fft"),
    np.fft.ifft: _fft("ifft"),
    np.fft.rfft: _fft("rfft"),
    np.fft.irfft: _fft("irfft"),
    np.fft.fft2: _fft("fft2"),
    np.fft.ifft2: _fft("ifft2"),
}
for _name in ("inv", "det", "slogdet", "solve", "cholesky", "qr", "svd", "eigh", "eigvalsh", "pinv", "matrix_power"):
    _OTHERS[getattr(np.linalg, _name)] = _linalg(_name)

# NumPy's names of parameters that PyTorch calls otherwise
_RENAMED = {
    "axis": "dim",
    "axes": "dims",
    "arrays": "tensors",
    "a_min": "min",
    "a_max": "max",
    "fill_value": "fill_value",
}


def array_function(self: Tensor, func: Any, types: Sequence[type], args: Any, kwargs: Any) -> Any:
    """NumPy's other functions on tensors (NEP 18)."""
    special = _OTHERS.get(func)
    if special is not None:
        return special(*[as_operand(a) if isinstance(a, (np.ndarray, list)) else a for a in args], **kwargs)
    name = getattr(func, "__name__", str(func))
    path = _FUNCTIONS.get(name) if getattr(np, name, None) is func else None
    if path is None:
        module = getattr(func, "__module__", "numpy").replace("numpy", "", 1).lstrip(".")
        raise named_error(f"{module}.{name}" if module in ("linalg", "fft", "random") else name)
    options = {_RENAMED.get(k, k): as_operand(v) for k, v in kwargs.items() if v is not None}
    return operator(path)(*[as_operand(a) for a in args], **options)


# ---- DLPack


def dlpack(
    self: Tensor,
    *,
    stream: Any = -1,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A capsule of the memory, for ``from_dlpack`` of any library."""
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if not isinstance(stream, int | None):
        raise TypeError("stream must be ``int`` or ``none``")
    if stream not in (None, -1):
        raise AssertionError("stream should be None on cpu.")
    if self.is_meta:
        raise BufferError("Cannot pack tensors on meta")
    return self._array.__dlpack__(max_version=max_version, dl_device=dl_device, copy=copy)


def dlpack_device(self: Tensor) -> tuple[int, int]:
    """The device of the memory: (1, 0), the CPU."""
    place: tuple[int, int] = self._array.__dlpack_device__()
    return place


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule of a tensor's memory, which `from_dlpack` of any library takes once.

    >>> import rushlight as torch
    >>> torch.from_dlpack(torch.utils.dlpack.to_dlpack(torch.ones(2)))
    tensor([1., 1.])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"to_dlpack(): argument 'tensor' must be Tensor, not {type(tensor).__name__}")
    return tensor.__dlpack__()


class _Capsule:
    """A capsule of the CPU's memory as NumPy asks for it."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


class _Memory:
    """Memory that may be written: NumPy takes that of DLPack's first version for read-only, PyTorch does not."""

    def __init__(self, array: np.ndarray) -> None:
        self.held = array
        said = array.__array_interface__
        strides = said["strides"] or array.strides
        self.__array_interface__ = {**said, "data": (said["data"][0], False), "strides": strides}


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's array, or of a capsule, by DLPack.

    >>> import numpy as np, rushlight as torch
    >>> torch.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    if device is not None:
        check_device(device)
    if isinstance(ext_tensor, Tensor):
        array = ext_tensor.detach()._array
        return wrap(np.array(array) if copy else array)
    capsule = ext_tensor
    if hasattr(ext_tensor, "__dlpack__"):
        place = ext_tensor.__dlpack_device__()
        if place[0] != 1:
            raise RuntimeError(f"Unsupported device_type: {int(place[0])}: Rushlight computes on the CPU")
        try:
            capsule = ext_tensor.__dlpack__(max_version=(1, 0))
        except TypeError:  # older producers know no versions
            capsule = ext_tensor.__dlpack__()
    kind = str(capsule)
    if '"dltensor' not in kind:
        raise RuntimeError(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might "
            f"have already constructed a tensor from it once. (It is {kind}.)"
        )
    array = np.from_dlpack(_Capsule(capsule))
    if not array.flags.writeable and "versioned" not in kind:
        array = np.asarray(_Memory(array))
    return wrap(np.array(array) if copy else array)


def from_buffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A one-dimensional tensor over the memory of an object that gives out its buffer.

    >>> import rushlight as torch
    >>> torch.frombuffer(bytearray([1, 2]), dtype=torch.uint8)
    tensor([1, 2], dtype=torch.uint8)
    """
    kind = dtypes.to_numpy_dtype(dtype)
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError(
            f"object does not implement Python buffer protocol: {type(buffer).__name__} shows no memory."
        ) from None
    length = view.nbytes
    if view.readonly:
        warn_read_only("buffer")
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1"
        )
    if count > 0 and offset + count * kind.itemsize > length:
        raise ValueError(
            f"requested buffer length ({count} * {kind.itemsize} bytes) after offset ({offset} bytes) must not be "
            f"greater than actual buffer length ({length} bytes)"
        )
    if count < 0 and (length - offset) % kind.itemsize:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a multiple of element size ({kind.itemsize})"
        )
    made = wrap(np.frombuffer(buffer, kind, count, offset))
    return made.requires_grad_() if requires_grad else made  # type: ignore[no-any-return]


def untyped_storage(self: Tensor) -> Any:
    """The memory under this tensor, as bytes: see ``torch.UntypedStorage``.

    >>> import rushlight as torch
    >>> x = torch.zeros(2, 3)
    >>> x[1].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    True
    """
    found = importlib.import_module("rushlight.storage")
    array = self._array
    while isinstance(array, Tensor):
        array = array._array
    return found.UntypedStorage._over(array)


def storage(self: Tensor) -> Any:
    """The memory under this tensor, as elements of its dtype: see ``torch.TypedStorage``."""
    found = importlib.import_module("rushlight.storage")
    found.warn_of_typed()
    return found.TypedStorage(wrap_storage=untyped_storage(self), dtype=self.dtype)


def storage_type(self: Tensor) -> Any:
    """The class of `storage`, such as ``torch.FloatStorage``."""
    kinds = importlib.import_module("rushlight.storage").KINDS
    label = next(label for label, name in kinds.items() if name == self.dtype.name)
    return getattr(importlib.import_module("rushlight"), f"{label}Storage")


def array_namespace(self: Tensor, *, api_version: str | None = None) -> Any:
    """The module with the array API standard's functions for tensors, which SciPy and scikit-learn ask for.

    >>> import rushlight as torch
    >>> xp = torch.ones(2).__array_namespace__()
    >>> xp.sum(xp.asarray([1.0, 2.0]), axis=0)
    tensor(3.)
    """
    return importlib.import_module("rushlight._array_api").array_namespace(self, api_version=api_version)
