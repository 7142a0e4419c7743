"""Making tensors: of data, of a shape, of a range."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any
from weakref import ref

import numpy as np

from .._core import dtypes, levels, memory, views
from .._core.graph import Leaf
from .._core.meta import meta, spread
from .._core.mode import DEPTH, INFERENCE, RECORD, mode
from .._core.promote import default_complex, promote_types
from .._core.tensor import Tensor, ambient, as_inference, check_device, wrap
from .._kernels.places import evenly
from .broadcast import cast_to
from .fill import converted

Number = bool | int | float | complex


def made(
    array: np.ndarray,
    requires_grad: bool = False,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A new leaf around an array, with the options that every creation function takes."""
    if (check_device(device, True) if device is not None else ambient.get()).type == "meta":
        return meta(array, requires_grad)
    if layout is not None and str(layout) != "torch.strided":
        raise RuntimeError(
            f"layout {layout} is not supported: Rushlight's tensors are dense. Use layout=torch.strided."
        )
    if pin_memory:
        raise RuntimeError("Cannot access accelerator device when none is available: pin_memory needs one.")
    tensor = wrap(array)
    m = mode()
    if m & INFERENCE:
        as_inference(tensor)
    if requires_grad:
        if array.dtype.kind not in "fc":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        tensor._node = Leaf(ref(tensor))
    return leveled(tensor) if m >> DEPTH else tensor


def on_meta(device: Any) -> bool:
    """Whether a tensor that is asked for needs no memory."""
    return (check_device(device, True) if device is not None else ambient.get()).type == "meta"


def leveled(tensor: Tensor) -> Tensor:
    """A tensor that was made inside function transforms as one of theirs, so that it may be written in place there."""
    for transform in levels.active():
        tensor = transform.created(tensor)
    return tensor


def similar(function: Any, input: Tensor, **options: Any) -> Tensor:
    """What ``function`` makes after the example of a tensor inside a transform: one for each example of a batch."""
    transform = input.transform
    return transform.make(transform.below(lambda: function(input.lower, **options)))  # type: ignore[no-any-return]


def dtype_or(dtype: Any, default: np.dtype | None = None) -> np.dtype:
    """NumPy's dtype for a ``dtype=`` argument."""
    if dtype is None:
        return dtypes.default_dtype if default is None else default
    return dtypes.to_numpy_dtype(dtype)


def shape_of(size: Sequence[Any], name: str = "zeros", named: dict[str, Any] | None = None) -> tuple[int, ...]:
    """A shape given as numbers, as one sequence, or by name (in ``named``)."""
    if named:
        if named.keys() != {"size"} or size:
            raise TypeError(
                f"{name}() got an unexpected keyword argument '{next(k for k in named if k != 'size' or size)}'"
            )
        size = (named["size"],)
    elif named is not None and not size:
        raise TypeError(f"{name}() received an invalid combination of arguments - got (), expected a size")
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    elif size and isinstance(size[0], (tuple, list)):
        raise TypeError(f"{name}() takes 1 positional argument but {len(size)} were given")
    try:
        shape = tuple(map(operator.index, size))
    except TypeError:
        bad = next((s for s in size if not hasattr(s, "__index__")), size[0])
        raise TypeError(
            f"{name}(): argument 'size' (position 1) must be tuple of ints, not {type(bad).__name__}"
        ) from None
    for n in shape:
        if n < 0:
            if name in ("zeros", "new_zeros"):
                raise RuntimeError("zeros: Dimension size must be non-negative.")
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
    return shape


# ---- of data


def array_of(data: Any, dtype: Any = None) -> np.ndarray:
    """A new array of Python numbers, nested sequences, arrays or tensors, with PyTorch's rule for its dtype."""
    wanted = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    seen: set[Any] = set()
    if isinstance(data, Tensor):
        return np.array(data.detach()._array, wanted)
    if isinstance(data, (np.ndarray, np.generic)):
        if wanted is None:  # NumPy's one object for the dtype, which operators compare by identity
            kind = data.dtype
            wanted = dtypes.dtype_of(kind if kind.isnative else kind.newbyteorder("="))._np
        array = np.array(data, wanted)
        return array if array.dtype is wanted else array.astype(wanted)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if isinstance(data, dict) or data is None:
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    if isinstance(data, (list, tuple, range)) or (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        data = plain(data, seen)
    elif hasattr(data, "__array__"):
        return array_of(np.asarray(data), dtype)
    try:
        array = np.array(data)
    except ValueError:
        raise ragged(data) from None
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None
    if array.dtype.kind == "O":
        raise unfit(data)
    if array.dtype.kind in "US":
        raise TypeError("new(): invalid data type 'str'")
    if wanted is None and not seen <= NUMBERS:
        wanted = promoted(seen)
    if wanted is None:
        if array.dtype.kind == "f" or array.size == 0:
            wanted = dtypes.default_dtype
        elif array.dtype.kind == "c":
            wanted = default_complex(dtypes.default_dtype)
        elif array.dtype.kind in "iu":
            if array.dtype == np.uint64:
                raise ValueError("Overflow when unpacking long long")
            wanted = np.dtype(np.int64)
        else:
            wanted = array.dtype
    elif wanted.kind in "iu" and array.dtype.kind in "iu" and array.size:
        info = np.iinfo(wanted)
        if int(array.max()) > info.max or (wanted.kind == "i" and int(array.min()) < info.min):
            value = int(array.max()) if int(array.max()) > info.max else int(array.min())
            raise RuntimeError(
                f"value cannot be converted to type {dtypes.dtype_of(wanted).name} without overflow: {value}"
            )
    elif array.dtype.kind == "c" and wanted.kind not in "cb":
        raise TypeError("must be real number, not complex")
    elif wanted.kind in "iu" and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise RuntimeError(f"value cannot be converted to type {dtypes.dtype_of(wanted).name} without overflow")
    return array.astype(wanted, copy=False)


def plain(data: Any, seen: set[Any]) -> Any:
    """Nested sequences with tensors and arrays among them as nested lists of numbers.

    ``seen`` gets the types of the Python numbers and the dtypes of all others.
    """
    if isinstance(data, Tensor):
        if data.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        seen.add(data.dtype.dtype)
        return data.item()
    if isinstance(data, (list, tuple, range)):
        types = set(map(type, data))
        if types <= NUMBERS:
            seen |= types
            return data
        if np.ndarray in types:
            warn_list()
        return [plain(d, seen) for d in data]
    if isinstance(data, (np.ndarray, np.generic)):
        if data.dtype in dtypes.FROM_NUMPY:
            seen.add(dtypes.dtype_of(data.dtype).dtype)
        return data.tolist()
    if not isinstance(data, (str, bytes)) and hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return [plain(data[i], seen) for i in range(len(data))]
    seen |= {type(data)} & NUMBERS
    return data


NUMBERS = {float, int, bool, complex}


def promoted(seen: set[Any]) -> np.dtype:
    """The dtype of a tensor whose elements have these types: Python numbers count as tensors of their own dtype."""
    default = dtypes.default_dtype
    numbers = {float: default, int: dtypes.int64.dtype, bool: dtypes.bool_.dtype, complex: default_complex(default)}
    return functools.reduce(promote_types, [numbers[s] if s in NUMBERS else s for s in seen])


def ragged(data: Any, depth: int = 1) -> Exception:
    """The error for nested sequences whose lengths differ."""
    lengths = [len(d) if isinstance(d, (list, tuple)) else None for d in data]
    for d, n in zip(data, lengths, strict=True):
        if n != lengths[0]:
            if lengths[0] is None:
                return TypeError(f"'{type(d).__name__}' object cannot be interpreted as an integer")
            if n is None:
                return TypeError("not a sequence")
            return ValueError(f"expected sequence of length {lengths[0]} at dim {depth} (got {n})")
    return ragged([x for d in data for x in d], depth + 1)


def unfit(data: Any) -> Exception:
    """The error for data that is no number."""
    if isinstance(data, (list, tuple)):
        for d in data:
            if not isinstance(d, (bool, int, float, complex)):
                return unfit(d)
    if isinstance(data, (str, bytes)):
        return TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if isinstance(data, (int, list, tuple)):
        return ValueError("Overflow when unpacking long long")
    return RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new leaf tensor with a copy of ``data``: a number, nested sequences, an array or a tensor.

    Python floats become the default dtype, integers int64; arrays keep theirs. Raises ValueError for ragged
    sequences, TypeError for what is no number.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> torch.tensor(0.5, requires_grad=True)
    tensor(0.5000, requires_grad=True)
    """
    if isinstance(data, Tensor):
        warn_copy()
        if data.level:
            return data.clone().detach()
    return made(array_of(data, dtype), requires_grad, device, None, pin_memory)


def warn_copy() -> None:
    import warnings

    warnings.warn(
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
        "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
        UserWarning,
        stacklevel=3,
    )


def warn_list() -> None:
    import warnings

    warnings.warn(
        "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list to a "
        "single numpy.ndarray with numpy.array() before converting to a tensor.",
        UserWarning,
        stacklevel=5,
    )


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without a copy where it is a tensor or an array of the right dtype already.

    >>> import numpy as np, rushlight as torch
    >>> a = np.zeros(2); torch.as_tensor(a)[0] = 1; a
    array([1., 0.])
    """
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else cast_to(data, dtypes.to_numpy_dtype(dtype))
    if isinstance(data, np.ndarray) and data.dtype in dtypes.FROM_NUMPY:
        array = from_numpy(data)
        return array if dtype is None else cast_to(array, dtypes.to_numpy_dtype(dtype))
    return levels.noted(wrap(array_of(data, dtype)))  # type: ignore[no-any-return]


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Tensor:
    """``obj`` as a tensor: sharing memory where possible, or copied if ``copy`` is True.

    >>> import rushlight as torch
    >>> torch.asarray([1, 2])
    tensor([1, 2])
    """
    if check_device(device, True).type == "meta":
        return meta(asarray(obj, dtype=dtype)._array, bool(requires_grad))
    if isinstance(obj, Tensor):
        result = obj if dtype is None else cast_to(obj, dtypes.to_numpy_dtype(dtype))
        if copy is False and result is not obj:
            raise ValueError(
                f"can't alias tensor with dtype '{dtypes.LEGACY[obj.dtype.name]}' into dtype "
                f"'{dtypes.LEGACY[dtype.name]}': pass copy=None or copy=True."
            )
        if copy and result is obj:
            result = obj.clone()
        if requires_grad is None and obj.requires_grad and obj.is_leaf:
            warn_of_asarray()
        if requires_grad is False and result.requires_grad:
            result = result.detach()
        return result.requires_grad_() if requires_grad and not result.requires_grad else result
    if not isinstance(obj, np.ndarray):
        obj = memory_of(obj, dtype)
    if isinstance(obj, Tensor):
        return asarray(obj, dtype=dtype, copy=copy, requires_grad=requires_grad)
    if isinstance(obj, np.ndarray) and not copy:
        result = as_tensor(obj, dtype)
    else:
        if copy is False and isinstance(obj, np.generic):
            raise RuntimeError("can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray.")
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor: pass copy=None or copy=True.")
        result = levels.noted(wrap(array_of(obj, dtype)))
    return result.requires_grad_() if requires_grad else result


def memory_of(obj: Any, dtype: Any) -> Any:
    """A tensor on the memory of an object that shows it, by DLPack or as a buffer; anything else as it is."""
    if hasattr(obj, "__dlpack__") or type(obj).__name__ == "PyCapsule":
        from .interop import from_dlpack

        return from_dlpack(obj)
    if isinstance(obj, (bytes, bytearray, memoryview)) or type(obj).__module__ == "array":
        from .interop import from_buffer

        return from_buffer(obj, dtype=dtypes.get_default_dtype() if dtype is None else dtype)
    return obj


def warn_of_asarray() -> None:
    import warnings

    warnings.warn(
        "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
        "requires_grad=False explicitly to get the old behaviour, or requires_grad=True to keep the graph.",
        UserWarning,
        stacklevel=3,
    )


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares the memory of a NumPy array.

    >>> import numpy as np, rushlight as torch
    >>> torch.from_numpy(np.arange(3))
    tensor([0, 1, 2])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is "
            "currently not supported."
        )
    if ndarray.dtype not in dtypes.FROM_NUMPY:
        dtypes.dtype_of(ndarray.dtype)
    if type(ndarray) is not np.ndarray:
        ndarray = ndarray.view(np.ndarray)
    if not ndarray.flags.writeable:
        warn_read_only("NumPy array")
    return made(dtypes.native(ndarray))


def warn_read_only(what: str) -> None:
    import warnings

    warnings.warn(
        f"The given {what} is not writable, and PyTorch does not support non-writable tensors: writing to this tensor "
        f"raises an error. You may want to copy the {what} to protect its data or make it writable before converting it "
        "to a tensor.",
        UserWarning,
        stacklevel=3,
    )


# ---- of a shape


def zeros(
    *size: Any,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """A tensor of zeros of the given shape.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    if on_meta(device):
        return spread(shape_of(size, "zeros", named), np.dtype(dtype_or(dtype)), requires_grad)
    array = memory.allocated(shape_of(size, "zeros", named), dtype_or(agreed(dtype, out)), np.zeros)
    return into(out, made(array, requires_grad, device, layout, pin_memory))


def ones(
    *size: Any,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """A tensor of ones of the given shape.

    >>> import rushlight as torch
    >>> torch.ones(3)
    tensor([1., 1., 1.])
    """
    if on_meta(device):
        return spread(shape_of(size, "ones", named), np.dtype(dtype_or(dtype)), requires_grad)
    array = memory.allocated(shape_of(size, "ones", named), dtype_or(agreed(dtype, out)), np.ones)
    return into(out, made(array, requires_grad, device, layout, pin_memory))


def empty(
    *size: Any,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
    **named: Any,
) -> Tensor:
    """A tensor of the given shape whose values are whatever the memory held.

    >>> import rushlight as torch
    >>> torch.empty(2, 3).shape
    torch.Size([2, 3])
    """
    if on_meta(device):
        return spread(shape_of(size, "empty", named), np.dtype(dtype_or(dtype)), requires_grad)
    array = memory.allocated(shape_of(size, "empty", named), dtype_or(agreed(dtype, out)))
    return into(out, made(arranged(array, memory_format), requires_grad, device, layout, pin_memory))


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape, filled with one value.

    >>> import rushlight as torch
    >>> torch.full((2,), 7)
    tensor([7, 7])
    """
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}")
    if isinstance(fill_value, Tensor):
        default = fill_value._array.dtype
        fill_value = fill_value.item()
    else:
        default = array_of(fill_value).dtype
    if on_meta(device):
        return spread(shape_of((size,), "full"), np.dtype(dtype_or(dtype, default)), requires_grad)
    agreed(dtype, out)
    array = memory.allocated(shape_of((size,), "full"), dtype_or(dtype, default))
    array[...] = converted(fill_value, array.dtype)
    return into(out, made(array, requires_grad, device, layout, pin_memory))


def into_range(out: Tensor | None, result: Tensor) -> Tensor:
    """A range, left in ``out`` if that is given; says that an ``out`` of another size is resized."""
    if isinstance(out, Tensor) and out.numel() not in (0, result.numel()):
        import warnings

        warnings.warn(
            f"The number of elements in the out tensor of shape {list(out.shape)} is {out.numel()} which does not match the "
            f"computed number of elements {result.numel()}, perhaps by rounding. The out tensor will be resized to a tensor "
            f"of shape ({result.numel()},).",
            UserWarning,
            stacklevel=3,
        )
    return into(out, result)


def agreed(dtype: Any, out: Any) -> Any:
    """The dtype of a new tensor that goes to ``out``: a dtype that is asked for must be that of ``out``."""
    if not isinstance(out, Tensor):
        return dtype
    if dtype is not None and dtype is not out.dtype:
        names = [dtypes.LEGACY[d.name] for d in (dtype, out.dtype)]
        raise RuntimeError(f"dtype {names[0]} does not match dtype of out parameter ({names[1]})")
    return out.dtype


def into(out: Tensor | None, result: Tensor, name: str = "") -> Tensor:
    """The result, left in ``out`` if that is given; with a ``name`` only if the dtype is one that function takes."""
    if out is None:
        return result
    if name:
        return views.write_out_one(views.Named(name), out, result)
    if not isinstance(out, Tensor):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if out._node is not None and mode() & RECORD:
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments requires "
            "grad."
        )
    if out.shape != result.shape:
        out._array = np.empty(result._array.shape, out._array.dtype)
    np.copyto(out._array, result._array, casting="unsafe")
    memory.written(out._array, "out=")
    return out.requires_grad_() if result.requires_grad else out


def arranged(array: np.ndarray, memory_format: Any) -> np.ndarray:
    """An array laid out as a memory format says (the values move along)."""
    name = str(memory_format) if memory_format is not None else "torch.contiguous_format"
    if name in ("torch.contiguous_format", "torch.preserve_format"):
        return array
    rank = {"torch.channels_last": 4, "torch.channels_last_3d": 5}.get(name)
    if rank is None:
        raise TypeError(f"memory_format must be a torch.memory_format, not {type(memory_format).__name__}")
    if array.ndim != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {name[6:]} format")
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)).transpose(0, rank - 1, *range(1, rank - 1))


def like(input: Tensor, dtype: Any, memory_format: Any = None) -> np.ndarray:
    """An empty array like a tensor: its shape, dtype and, if its memory is dense, its strides."""
    if not isinstance(input, Tensor):
        raise TypeError(f"argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    source = lowest(input)
    order: Any = "C" if 0 in source.strides else "K"  # what was spread is laid out anew
    array = np.empty_like(
        source, dtype_or(dtype, source.dtype), order=order, shape=input.shape if input.level else None
    )
    if memory_format is not None and str(memory_format) != "torch.preserve_format":
        return arranged(np.empty(array.shape, array.dtype), memory_format)
    return array


def lowest(tensor: Any) -> np.ndarray:
    """An array with the shape and dtype of a tensor, whatever transform it is in."""
    if isinstance(tensor._array, np.ndarray) if hasattr(tensor, "_array") else False:
        array: np.ndarray = tensor._array
        return array
    return np.empty(tuple(tensor.shape), tensor.dtype.dtype)


def _like(name: str, fill: Any, doc: str) -> Any:
    def function(
        input: Tensor,
        *,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        if isinstance(input, Tensor) and input.level:
            return similar(function, input, dtype=dtype, memory_format=memory_format)
        if on_meta(device) if device is not None else isinstance(input, Tensor) and input.is_meta:
            return spread(tuple(input.shape), np.dtype(dtype_or(dtype, input.dtype.dtype)), requires_grad)
        array = like(input, dtype, memory_format)
        if fill is not None:
            array.fill(fill)
        elif memory.DETERMINISTIC["on"]:
            memory.unwritten(array)
        return made(array, requires_grad, device, layout, pin_memory)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


zeros_like = _like(
    "zeros_like",
    0,
    """A tensor of zeros with the shape, dtype and layout of ``input``.

    >>> import rushlight as torch
    >>> torch.zeros_like(torch.tensor([1, 2]))
    tensor([0, 0])
    """,
)
ones_like = _like(
    "ones_like",
    1,
    """A tensor of ones with the shape, dtype and layout of ``input``.

    >>> import rushlight as torch
    >>> torch.ones_like(torch.tensor([1, 2]))
    tensor([1, 1])
    """,
)
empty_like = _like(
    "empty_like",
    None,
    """A tensor with the shape, dtype and layout of ``input``, whose values are whatever the memory held.

    >>> import rushlight as torch
    >>> torch.empty_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """,
)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor with the shape, dtype and layout of ``input``, filled with one value.

    >>> import rushlight as torch
    >>> torch.full_like(torch.ones(2), 3)
    tensor([3., 3.])
    """
    if isinstance(input, Tensor) and input.level:
        return similar(full_like, input, fill_value=fill_value, dtype=dtype, memory_format=memory_format)
    array = like(input, dtype, memory_format)
    array[...] = converted(fill_value.item() if isinstance(fill_value, Tensor) else fill_value, array.dtype)
    return made(array, requires_grad, device, layout, pin_memory)


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of a number, of the default dtype unless another is given.

    >>> import rushlight as torch
    >>> torch.scalar_tensor(3)
    tensor(3.)
    """
    wanted = dtype_or(dtype)
    return made(np.array(converted(s, wanted), wanted), requires_grad, device)


# ---- of a range


def arange(
    *args: Any,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """The numbers from ``start`` up to, but not including, ``end`` in steps: ``arange(start=0, end, step=1)``.

    >>> import rushlight as torch
    >>> torch.arange(5), torch.arange(1, 2, 0.5)
    (tensor([0, 1, 2, 3, 4]), tensor([1.0000, 1.5000]))
    """
    given = dict(
        zip(("end",) if len(args) == 1 and "end" not in named else ("start", "end", "step"), args, strict=False)
    )
    given.update(named)
    if "end" not in given or given.keys() - {"start", "end", "step"} or len(args) > 3:
        raise TypeError(
            "arange() received an invalid combination of arguments, expected one of: (Number end), (Number "
            "start, Number "
            "end), (Number start, Number end, Number step)"
        )
    start, end, step = [given.get(name, other) for name, other in (("start", 0), ("end", 0), ("step", 1))]
    start, end, step = [v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end, step)]
    for v in (start, end, step):
        if isinstance(v, complex):
            raise RuntimeError("value cannot be converted to type double without overflow")
        if not isinstance(v, (bool, int, float)):
            raise TypeError(f"arange(): arguments must be Numbers, not {type(v).__name__}")
    integers = not any(isinstance(v, float) for v in (start, end, step))
    wanted = dtype_or(dtype, np.dtype(np.int64) if integers else None) if out is None else out.dtype.dtype
    if out is not None and dtype is not None and dtype_or(dtype) != wanted:
        names = [dtypes.LEGACY[dtypes.dtype_of(d).name] for d in (dtype_or(dtype), wanted)]
        raise RuntimeError(f"dtype {names[0]} does not match dtype of out parameter ({names[1]})")
    if wanted.kind in "bc":
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dtypes.LEGACY[dtypes.dtype_of(wanted).name]}'")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (step > 0 and end < start) or (step < 0 and end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if wanted == np.int64 and not integers:
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero")
        integers = True
    if out is not None and dtype is None:
        wanted = dtypes.to_numpy_dtype(out.dtype)
    if integers:
        array = np.arange(int(start), int(end), int(step), dtype=np.int64).astype(wanted, copy=False)
    else:
        count = math.ceil((end - start) / step)
        if wanted.kind in "iu":
            start, step = int(start), int(step)
        array = (np.arange(count, dtype=np.float64) * step + start).astype(wanted)
    return filling(out, made(array, requires_grad, device, layout, pin_memory))


def filling(out: Tensor | None, values: Tensor) -> Tensor:
    """A row of values written over ``out``, in the order of its elements; or itself without one."""
    if isinstance(out, Tensor):
        views.check_overlap(out._array)
    if out is not None and out.numel() == values.numel():
        values = wrap(values._array.reshape(tuple(out.shape)))
    return into_range(out, values)


def range_(start: Any = 0, end: Any = None, step: Any = 1, **options: Any) -> Tensor:
    """The numbers from ``start`` up to and including ``end``; deprecated, as in PyTorch: use :func:`arange`.

    >>> import warnings, rushlight as torch
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.range(1, 3)
    tensor([1., 2., 3.])
    """
    import warnings

    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    out = options.pop("out", None)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (step > 0 and end < start) or (step < 0 and end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.floor((end - start) / step) + 1
    wanted = dtype_or(options.pop("dtype", None) or (None if out is None else out.dtype))
    return filling(out, made((np.arange(count, dtype=np.float64) * step + start).astype(wanted), **options))


# Slower than PyTorch: product and sum are rounded once, which takes float64 without a fused multiply-add.
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    >>> import rushlight as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    start, end = ends_of_line("linspace", start, end, steps)
    wanted = spacing_dtype("linspace", (start, end), dtype, out)
    return filling(out, made(line(start, end, steps, wanted), requires_grad, device, layout, pin_memory))


def spacing_dtype(name: str, ends: Sequence[Any], dtype: Any, out: Tensor | None) -> np.dtype:
    """The dtype of evenly spaced numbers: complex if an end is; ``dtype`` or that of ``out`` must be able to hold them."""
    found = dtypes.default_dtype
    if any(isinstance(v, complex) for v in ends):
        found = default_complex(found)
    wanted = dtype_or(agreed(dtype, out), found)
    if found.kind == "c" and wanted.kind != "c":
        names = [dtypes.LEGACY[dtypes.dtype_of(d).name] for d in (found, wanted)]
        raise RuntimeError(f"torch.{name}(): inferred dtype {names[0]} can't be safely cast to passed dtype {names[1]}")
    return wanted


def ends_of_line(name: str, start: Any, end: Any, steps: Any) -> list[Any]:
    """The two ends as numbers, checked with the number of steps."""
    if isinstance(steps, float) or not hasattr(steps, "__index__"):
        kinds = ", ".join(type(v).__name__ for v in (start, end, steps))
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({kinds}), but expected numbers or 0-d tensors "
            "as start and end, and a whole number of steps"
        )
    for word, v in (("start", start), ("end", end)):
        if isinstance(v, Tensor) and v.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got {word} with {v.ndim} dimension(s)."
            )
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return [v.item() if isinstance(v, Tensor) else v for v in (start, end)]


def line(start: Any, end: Any, steps: int, wanted: np.dtype) -> np.ndarray:
    """Evenly spaced numbers, as PyTorch computes them."""
    work = wanted if wanted.kind in "fc" and wanted.itemsize > 2 else np.dtype(np.float32)
    if wanted.kind in "iu":
        work = np.dtype(np.float32)
        start, end = int(start), int(end)
    elif wanted.char == "e":  # every step is rounded to float16
        return half_line(np.float16(start), np.float16(end), steps)
    if steps == 0:
        return np.empty(0, wanted)
    if steps == 1:
        return np.array([start], wanted)
    return evenly(start, end, steps, work).astype(wanted, copy=False)


def half_line(start: np.float16, end: np.float16, steps: int) -> np.ndarray:
    if steps < 2:
        return np.full(steps, start)
    step = np.float16(end - start) / np.float16(steps - 1)
    count = np.arange(steps).astype(np.float16)
    half = steps // 2
    return np.concatenate([start + count[:half] * step, end - count[: steps - half][::-1] * step])


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``base`` to the power of ``steps`` evenly spaced exponents from ``start`` to ``end``.

    >>> import rushlight as torch
    >>> torch.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    start, end = ends_of_line("logspace", start, end, steps)
    wanted = spacing_dtype("logspace", (start, end, base), dtype, out)
    if wanted.kind == "c":
        exponents = line(start, end, steps, wanted)
    else:
        low, high = [float(np.array(v).astype(wanted)) for v in (start, end)]
        exponents = line(low, high, steps, np.dtype(np.float64))
    array = np.power(np.asarray(base, "c16" if isinstance(base, complex) else "f8"), exponents).astype(wanted)
    return filling(out, made(array, requires_grad, device, layout, pin_memory))


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere.

    >>> import rushlight as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    array = np.eye(n, m, dtype=dtype_or(agreed(dtype, out)))
    return into(out, made(array, requires_grad, device, layout, pin_memory))


def check_sides(row: int, col: int) -> None:
    for name, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{name} must be non-negative, got{n}")


def ranges(starts: np.ndarray, ends: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The numbers from each start to its end, in the second row; above them, which start it was."""
    counts = ends - starts
    array = np.empty((2, int(counts.sum())), np.int64)
    array[0] = np.repeat(np.arange(len(counts)), counts)
    np.subtract(np.arange(array.shape[1]), np.repeat(np.cumsum(counts) - ends, counts), out=array[1])
    return array.astype(dtype, copy=False)


# Slower than PyTorch: passes of repeat and subtract over 64-bit numbers, for one loop that counts.
def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Row and column numbers of the lower triangle of a ``row`` by ``col`` matrix, as a 2 by n tensor.

    >>> import rushlight as torch
    >>> torch.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    check_device(device)
    check_sides(row, col)
    ends = np.clip(np.arange(row) + (offset + 1), 0, col)
    return made(ranges(np.zeros_like(ends), ends, dtype_or(dtype, np.dtype(np.int64))), False, None, layout, pin_memory)


# Slower than PyTorch: passes of repeat and subtract over 64-bit numbers, for one loop that counts.
def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Row and column numbers of the upper triangle of a ``row`` by ``col`` matrix, as a 2 by n tensor.

    >>> import rushlight as torch
    >>> torch.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    check_device(device)
    check_sides(row, col)
    starts = np.clip(np.arange(row) + offset, 0, col)
    return made(
        ranges(starts, np.full_like(starts, col), dtype_or(dtype, np.dtype(np.int64))), False, None, layout, pin_memory
    )


# ---- like another tensor, as methods


def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of ``data``, of this tensor's dtype unless another is given."""
    return made(array_of(data, self.dtype if dtype is None else dtype), requires_grad, device)


def new_like(self: Tensor, shape: tuple[int, ...], make: Any) -> Tensor:
    """``make(tensor, shape)`` on the level below: under ``vmap`` there is one for each example."""
    transform = self.transform
    lower: Tensor = self.lower
    batch = tuple(lower.shape[: lower.ndim - self.ndim])
    return transform.make(transform.below(make, lower, (*batch, *shape)))  # type: ignore[no-any-return]


def new_zeros(self: Tensor, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor of zeros of this tensor's dtype."""
    if self.level:
        return new_like(self, shape_of(size), lambda lower, shape: new_zeros(lower, shape, dtype=dtype))
    return zeros(*size, dtype=self.dtype if dtype is None else dtype, **options)


def new_ones(self: Tensor, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor of ones of this tensor's dtype."""
    if self.level:
        return new_like(self, shape_of(size), lambda lower, shape: new_ones(lower, shape, dtype=dtype))
    return ones(*size, dtype=self.dtype if dtype is None else dtype, **options)


def new_empty(self: Tensor, *size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """An uninitialised tensor of this tensor's dtype."""
    if self.level:
        return new_like(self, shape_of(size), lambda lower, shape: new_empty(lower, shape, dtype=dtype))
    return empty(*size, dtype=self.dtype if dtype is None else dtype, **options)


def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor of this tensor's dtype, filled with one value."""
    if self.level:
        return new_like(self, shape_of((size,)), lambda lower, shape: new_full(lower, shape, fill_value, dtype=dtype))
    return full(size, fill_value, dtype=self.dtype if dtype is None else dtype, **options)


# ---- questions


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a tensor.

    >>> import rushlight as torch
    >>> torch.is_tensor(torch.ones(1)), torch.is_tensor([1])
    (True, False)
    """
    return isinstance(obj, Tensor)
