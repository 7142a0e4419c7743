"""Memory by hand: tensors with given strides, tensors that change their size or memory, element-wise Python calls.

None of this is recorded by autograd; what would change a tensor that requires a gradient is refused.
"""

from __future__ import annotations

import math
import mmap
import operator as python
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import dtypes, memory, record, views
from .._core.callsite import here
from .._core.graph import Leaf
from .._core.mode import DEPTH, RECORD, mode
from .._core.tensor import Tensor, check_device, new, strides_of, wrap
from .create import arranged, array_of, dtype_or, made
from .shape import alias, sizes, strided

ndarray = np.ndarray


def legacy(dtype: Any) -> str:
    return dtypes.LEGACY[dtypes.dtype_of(dtype).name]


# ---- with given strides


def by_strides(size: Any, stride: Any, dtype: np.dtype) -> ndarray:
    """An uninitialised array with sizes and strides counted in elements."""
    shape, steps = tuple(map(python.index, size)), tuple(map(python.index, stride))
    if len(shape) != len(steps):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(steps)})"
        )
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    if any(s < 0 for s in steps):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(steps)}")
    room = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
    flat = memory.allocated((room,), dtype)
    if not room:
        try:
            return np.empty(shape, dtype)
        except ValueError:
            raise memory.too_large(shape) from None
    return np.ndarray(shape, dtype, flat, 0, tuple([s * dtype.itemsize for s in steps]))


def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """An uninitialised tensor with the given sizes and strides (in elements).

    >>> import rushlight as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return made(by_strides(size, stride, dtype_or(dtype)), requires_grad, device, layout, pin_memory)


def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """An uninitialised dense tensor whose dimensions lie in memory in the given order, outermost first.

    >>> import rushlight as torch
    >>> torch.empty_permuted((2, 3, 4), (2, 0, 1)).stride()
    (3, 1, 6)
    """
    shape, order = tuple(size), tuple(physical_layout)
    if len(shape) != len(order):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    for d in order:
        if not 0 <= d < len(shape):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {d})")
    if len(set(order)) != len(order):
        raise RuntimeError("Duplicate dim not allowed")
    array = memory.allocated([shape[d] for d in order], dtype_or(dtype)).transpose(np.argsort(order) if order else ())
    return made(array, requires_grad, device, layout, pin_memory)


def new_empty_strided(self: Tensor, size: Any, stride: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """An uninitialised tensor of this tensor's dtype with the given sizes and strides."""
    return empty_strided(size, stride, dtype=self.dtype if dtype is None else dtype, **options)


def new_tensor_of(self: Tensor, *args: Any, size: Any = None, device: Any = None) -> Tensor:
    """A tensor of this tensor's dtype, of a shape (sizes) or of data (a sequence)."""
    check_device(device)
    dtype = record.np_dtype(self)
    if size is not None and not args:
        return made(memory.allocated(sizes((tuple(size),)), dtype))
    if len(args) == 1 and isinstance(args[0], Tensor):
        return wrap(args[0]._array)
    if len(args) == 1 and not isinstance(args[0], int) and type(args[0]).__name__ != "Size":
        return made(array_of(args[0], dtype))
    return made(memory.allocated(sizes(args) if args else (0,), dtype))


# ---- what is asked of sparse tensors, answered by dense ones


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself (of another dtype, a conversion): it is dense."""
    return self if dtype is None else self.to(dtype)


def sparse_dim(self: Tensor) -> int:
    """0: no dimension is sparse."""
    return 0


def dense_dim(self: Tensor) -> int:
    """The number of dimensions: all are dense."""
    return self.ndim


def only_sparse(name: str, wanted: str = "sparse coordinate tensor") -> Callable[[Tensor], Any]:
    def ask(self: Tensor) -> Any:
        raise RuntimeError(f"{name} expected {wanted} layout but got Strided")

    ask.__doc__ = f"Raises RuntimeError: only sparse tensors have {name}()."
    ask.__name__ = name
    return ask


coalesce, is_coalesced, indices = only_sparse("coalesce"), only_sparse("is_coalesced"), only_sparse("indices")
values = only_sparse("values", "sparse tensor")
crow_indices = only_sparse("crow_indices", "sparse row compressed tensor")
col_indices = only_sparse("col_indices", "sparse row compressed tensor")
ccol_indices = only_sparse("ccol_indices", "sparse column compressed tensor")
row_indices = only_sparse("row_indices", "sparse column compressed tensor")


def is_distributed(self: Tensor) -> bool:
    """False: a tensor lies in one process."""
    return False


def volatile(self: Tensor) -> bool:
    """False, with a warning: PyTorch took it away."""
    warnings.warn("volatile was removed (Variable.volatile is always False)", UserWarning, stacklevel=2)
    return False


def set_volatile(self: Tensor, value: Any) -> None:
    """Does nothing but warn: PyTorch took it away."""
    warnings.warn(
        "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.", UserWarning, stacklevel=2
    )


def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What ``Module.load_state_dict`` puts in place of this tensor: itself with the values of ``other``, or ``other``."""
    return other.detach() if assign else self.copy_(other).detach()


def xpu(self: Tensor, *_: Any, **__: Any) -> Any:
    """Raises AssertionError: there is no such device."""
    raise AssertionError("Torch not compiled with XPU enabled: Rushlight computes on the CPU.")


def mtia(self: Tensor, *_: Any, **__: Any) -> Any:
    """Raises AssertionError: there is no such device."""
    raise AssertionError("Torch not compiled with MTIA enabled: Rushlight computes on the CPU.")


def dim_order(self: Tensor, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions as they lie in memory, outermost first."""
    steps = self.stride()
    return tuple(sorted(range(self.ndim), key=lambda d: -steps[d]))


# ---- another size, other memory


def refuse_grad(self: Tensor, text: str) -> None:
    if self._node is not None:
        raise RuntimeError(text)


def resize_(self: Tensor, *size: Any, memory_format: Any = None, **named: Any) -> Tensor:
    """Give this tensor another size over the same memory, which grows (into another) if it is too small.

    Raises RuntimeError for tensors that require a gradient.
    """
    refuse_grad(self, "cannot resize variables that require grad")
    if mode() >> DEPTH:
        views.check_captured(self, "resize_")
    if self.level:
        raise RuntimeError("resize_() is not supported inside a function transform: make a new tensor instead")
    shape = sizes(size, "resize_", "size", named)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    array = self._array
    if array.shape != shape:
        count, start = math.prod(shape), self.storage_offset()
        whole, written = flat_owner(array), memory.version(array)
        if (start + count) * array.itemsize >= 2**63:
            raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
        if start + count > whole.size:
            grown = memory.allocated((start + count,), array.dtype)
            grown[: whole.size] = whole
            whole = grown
        try:
            self._array = whole[start : start + count].reshape(shape)
        except ValueError:
            raise memory.too_large(shape) from None
        memory.entry(self._array).count = written  # memory that grew goes on counting
        memory.written(self._array, "resize_", *here())
    if memory_format is not None and str(memory_format) not in ("torch.contiguous_format", "torch.preserve_format"):
        self._array = arranged(np.ascontiguousarray(self._array), memory_format)
    return self


def flat_owner(array: ndarray) -> ndarray:
    """All of the memory that an array is in, as a vector of its dtype."""
    whole = memory.owner(array)
    if whole.flags.c_contiguous:
        return whole.reshape(-1).view(array.dtype)  # type: ignore[no-any-return]
    if whole.flags.f_contiguous:
        return whole.T.reshape(-1).view(array.dtype)  # type: ignore[no-any-return]
    return np.ascontiguousarray(array).reshape(-1)


def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Give this tensor the size of another; see ``resize_``."""
    like = str(memory_format) == "torch.preserve_format"
    return resize_(self, tuple(the_template.shape), memory_format=laid_out(the_template) if like else memory_format)


def laid_out(self: Tensor) -> str:
    """The name of the memory format that a tensor lies in."""
    from .shape import is_contiguous

    fitting = {4: "torch.channels_last", 5: "torch.channels_last_3d"}.get(self.ndim, "")
    last = fitting and not is_contiguous(self) and is_contiguous(self, memory_format=fitting)
    return fitting if last else "torch.contiguous_format"


def resize(self: Tensor, *size: Any) -> Tensor:
    """This tensor in another shape; deprecated, as in PyTorch: use ``reshape``."""
    warnings.warn("non-inplace resize is deprecated", UserWarning, stacklevel=2)
    from .shape import view

    return view(self, sizes(size))


def resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """This tensor in the shape of another; deprecated, as in PyTorch: use ``reshape_as``."""
    return resize(self, tuple(tensor.shape))


def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Make this tensor share the memory of ``source`` (or a strided part of it); without arguments, make it empty."""
    if type(self._node) is Leaf and mode() & RECORD:
        views.check_writable(self, "set_", True)
    if source is None:
        array: ndarray = np.empty(0, record.np_dtype(self))
    else:
        given, raw = source, type(source).__name__ == "UntypedStorage"
        if not isinstance(source, Tensor):
            source = source._tensor() if hasattr(source, "_tensor") else source
        if not isinstance(source, Tensor):
            raise TypeError(f"set_(): argument 'source' must be Tensor or a storage, not {type(source).__name__}")
        array = source._array
        if raw:  # bytes without a dtype of their own: they have this tensor's
            wanted = record.np_dtype(self)
            array = array[: array.size - array.size % wanted.itemsize].view(wanted)
        if array.dtype is not record.np_dtype(self):
            have, wanted = array.dtype, record.np_dtype(self)
            if given is not source:
                raise RuntimeError(
                    f"Expected a Storage of type {c_name(wanted)} or an UntypedStorage, but got type {legacy(have)} for "
                    "argument 1 'storage'"
                )
            raise RuntimeError(f"Could not set tensor of type {c_name(have)} to a tensor of type {c_name(wanted)}")
        if size is not None:
            shape = sizes((size,)) if not isinstance(size, int) else (size,)
            steps = strides_of(np.empty(shape, array.dtype)) if stride is None else tuple(stride)
            array = strided(array, shape, steps, storage_offset)
    count = memory.version(self._array)
    self._array = array
    memory.written(array, "set_", *here())
    memory.entry(array).count = max(memory.entry(array).count, count + 1)  # it goes on counting
    return self


def c_name(dtype: np.dtype) -> str:
    return {"float32": "float", "float64": "double", "int32": "int", "int64": "long"}.get(
        dtype.name, legacy(dtype).lower()
    )


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether two tensors show the same elements of the same memory."""
    return self.data_ptr() == tensor.data_ptr() and self.shape == tensor.shape and self.stride() == tensor.stride()


def share_memory_(self: Tensor) -> Tensor:
    """Move this tensor to memory that forked processes share. Returns the tensor."""
    if not is_shared(self):
        array = self._array
        room = mmap.mmap(-1, max(array.nbytes, 1))
        shared = np.frombuffer(room, array.dtype, array.size).reshape(array.shape)
        shared[...] = array
        self._array = shared
    return self


def is_shared(self: Tensor) -> bool:
    """Whether the memory is shared with forked processes."""
    base: Any = self._array
    while isinstance(base, (np.ndarray, memoryview)):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return isinstance(base, mmap.mmap)


def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Always False: there is no accelerator to pin memory for."""
    return False


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Raises RuntimeError: there is no accelerator to pin memory for."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def cuda(self: Tensor, *args: Any, **options: Any) -> Tensor:
    """Raises AssertionError: Rushlight computes on the CPU."""
    raise AssertionError("Torch not compiled with CUDA enabled: Rushlight computes on the CPU.")


def without_numbers(name: str) -> Any:
    """The method that changes the dtype to one that NumPy has no numbers of: raises TypeError."""
    kind = getattr(dtypes, name)

    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return wrap(self._array.astype(kind.dtype))

    method.__doc__ = f"Raises TypeError: NumPy has no numbers of {name}."
    return method


bfloat16 = without_numbers("bfloat16")
chalf = without_numbers("complex32")


# ---- Python functions, element by element


def called(self: Tensor, name: str, function: Callable[..., Any], others: Sequence[Tensor]) -> Tensor:
    """Write what a Python function gives for each element over a tensor."""
    if self._node is not None:
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    for other in others:
        if not isinstance(other, Tensor):
            raise TypeError(f"{name}(): argument 'tensor' (position 1) must be Tensor, not {type(other).__name__}")
        if other._node is not None:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
            )
    array = self._array
    columns = [np.broadcast_to(o._array, array.shape).reshape(-1).tolist() for o in others]
    values = [function(*v) for v in zip(array.reshape(-1).tolist(), *columns, strict=True)]
    for v in values:
        if not isinstance(v, (bool, int, float, complex)):
            raise TypeError(f"'{type(v).__name__}' object cannot be interpreted as an integer")
    array[...] = np.array(values, array.dtype).reshape(array.shape)
    memory.written(array, name, *here())
    return self


def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace each element by what a Python function gives for it. Slow: for small tensors only."""
    return called(self, "apply_", callable, ())


def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace each element by what a Python function gives for it and that of another tensor."""
    return called(self, "map_", callable, (tensor,))


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Replace each element by what a Python function gives for it and those of two other tensors."""
    return called(self, "map2_", callable, (x, y))


# ---- as another class, out to NumPy, backwards


def as_subclass(self: Tensor, cls: type) -> Any:
    """This tensor's memory and history as an instance of a subclass of Tensor."""
    if not isinstance(cls, type) or not issubclass(cls, Tensor):
        raise TypeError(f"cls must be a subclass of Tensor, got {cls!r}")
    inner = alias(self)
    tensor = new(cls)
    tensor._array, tensor._node = inner._array, inner._node
    return tensor


def array_wrap(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
    """What NumPy's functions give for tensors becomes a tensor again."""
    found = np.asarray(array)
    if found.dtype == np.bool_:
        found = found.astype(np.uint8)
    return wrap(found)


def backwards(self: Tensor) -> Tensor:
    """The first dimension in reverse order (``reversed(tensor)``)."""
    from .shape import flip

    return self if self.ndim == 0 else flip(self, (0,))


def get_device(input: Tensor) -> int:
    """-1, the number of the CPU.

    >>> import rushlight as torch
    >>> torch.get_device(torch.ones(2))
    -1
    """
    return input.get_device()
