"""Picking elements by index, and the transposes that put them back.

``x[key]`` splits into views (numbers, slices, None, ``...``) and one gather by tensors. Pairs of transposes:
``take_at`` / ``put_at`` (any advanced index), ``gather`` / ``scatter_zero``, ``index_select`` / ``spread_rows``.
"""

from __future__ import annotations

import operator as python
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import callsite, dtypes, levels, memory, record, views
from .._core.declare import LINEAR, operator
from .._core.graph import Leaf
from .._core.mode import CAREFUL, DEPTH, RECORD, mode
from .._core.tensor import Tensor, wrap
from .._kernels.places import long
from .broadcast import cast_to, expand, fit, sum_to
from .dims import canonical
from .families import over_dims, with_batch
from .fill import blank, fill_over
from .spelling import numpy_names

ndarray = np.ndarray
ALL = slice(None)


class _Kernels:
    """The kernels, imported at first use."""

    def __getattr__(self, name: str) -> Any:
        from .._kernels import scatter

        self.__dict__.update(vars(scatter))
        return getattr(scatter, name)


kernels: Any = _Kernels()

# ---- views by numbers, slices, None and ...


def key_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, key: tuple[Any, ...]) -> Any:
    return op.call(input, (ALL, *key))


def _by_key(name: str, node: str) -> Any:
    def body(input: Tensor, key: tuple[Any, ...]) -> Tensor:
        made: Any = input[(*key, ...)]  # with the ellipsis NumPy gives a view even of a single element
        return made if made.size else memory.placed(made, input, key)  # type: ignore[arg-type, no-any-return]

    body.__name__ = name
    return operator(
        view=True, jvp=LINEAR, batch=key_batch, node=node,
        input=lambda g, input_shape, key: put_key(g, input_shape, key),
    )(body)  # fmt: skip


select_key = _by_key("select_key", "SelectBackward0")
slice_key = _by_key("slice_key", "SliceBackward0")
unsqueeze_key = _by_key("unsqueeze_key", "UnsqueezeBackward0")
alias_key = _by_key("alias_key", "AliasBackward0")


def put_key_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, key: tuple[Any, ...]) -> Any:
    return put_key(input, (size, *shape), (ALL, *key))


@operator(
    jvp=LINEAR, batch=put_key_batch, node="SliceBackwardBackward0",
    input=lambda g, key: slice_key(g, key),
)  # fmt: skip
def put_key(input: Tensor, shape: Any, key: tuple[Any, ...]) -> Tensor:
    """Zeros of ``shape`` with ``input`` at ``key``; the transpose of a view by ``key``."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    out[key] = input
    return out  # type: ignore[return-value]


# ---- gathers by tensors


def where_of(array: Any, indices: tuple[Any, ...]) -> tuple[Any, ...]:
    """NumPy's key for indices by dimension: None stands for a whole dimension."""
    return tuple([ALL if i is None else i for i in bare(indices)])


def bare(indices: Any) -> Any:
    """Indices as arrays, where a level above has left tensors."""
    if any([isinstance(i, Tensor) for i in indices]):
        return tuple([i._array if isinstance(i, Tensor) else i for i in indices])
    return indices


def lifted(g: Any, indices: Any) -> Any:
    """A gradient to go with indices: a tensor where these are mapped by ``vmap``, though it is the same for each example."""
    return wrap(g) if type(g) is ndarray and any([isinstance(i, Tensor) for i in indices]) else g


def adjacent(indices: Any) -> int:
    """How many whole dimensions stand before indices that are neighbours; 0 where what is picked comes in front."""
    at = [d for d, i in enumerate(indices) if i is not None]
    return at[0] if at and at[-1] - at[0] == len(at) - 1 else 0


def apart(indices: Any) -> int:
    """The dimensions that indices pick if these are no neighbours: they come before all others, a batch too; else 0."""
    at = [d for d, i in enumerate(indices) if i is not None]
    return 0 if not at or at[-1] - at[0] == len(at) - 1 else max([i.ndim for i in indices if i is not None])


def by_example(size: int, indices: Any, own: bool) -> tuple[tuple[Any, ...], int]:
    """Indices that differ from example to example as indices of the batch, and the dimensions that they pick.

    With ``own``, one more index in front says which example: each has its own elements.
    """
    from .create import arange
    from .shape import reshape

    rank = max([i.ndim for i in indices if i is not None]) - 1
    ready: list[Any] = []
    for i in indices:
        if i is not None:
            i = reshape(i, (i.shape[0], *(1,) * (rank + 1 - i.ndim), *i.shape[1:]))
            i = i if isinstance(i, ndarray) or i.level else i._array
        ready.append(i)
    if own:
        rows = reshape(arange(size), (size, *(1,) * rank))
        ready.insert(0, rows if any([isinstance(i, Tensor) for i in ready]) else rows._array)
    return tuple(ready), rank


def turned(x: Any, rank: int, front: int, back: bool) -> Any:
    """The dimensions picked per example after ``front`` whole ones, where NumPy puts them before these (or ``back``)."""
    from .shape import movedim

    near, far = tuple(range(1, rank + 1)), tuple(range(front + 1, front + rank + 1))
    if not front or not rank:
        return x
    return movedim(x, far, near) if back else movedim(x, near, far)


def take_at_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, indices: Any) -> Any:
    from .shape import movedim

    if not mapped[1]:
        made = take_at(input, (None, *indices))
        rank = apart(indices)
        return movedim(made, rank, 0) if rank else made
    front = adjacent(indices)
    ready, rank = by_example(size, indices, mapped[0])
    made = take_at(input, ready)
    if mapped[0]:
        return turned(made, rank, front, False)
    return movedim(made, front, 0) if front else made


def put_at_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, indices: Any) -> Any:
    if not mapped[2]:
        rank = apart(indices)
        if rank:
            from .shape import movedim

            input = movedim(with_batch(input, size, mapped[0]), 0, rank)
        return put_at(input, (size, *shape), (None, *indices))
    ready, rank = by_example(size, indices, True)
    input = with_batch(input, size, mapped[0])
    return put_at(turned(input, rank, adjacent(indices), True), (size, *shape), ready)


@operator(
    node="IndexBackward0",
    input=lambda g, input_shape, indices: put_at(lifted(g, indices), input_shape, indices),
    jvp=LINEAR,
    batch=take_at_batch,
)
def take_at(input: Tensor, indices: tuple[Any, ...]) -> Tensor:
    """The elements at ``indices`` (arrays by dimension, None for a whole one); the transpose of :func:`put_at`."""
    indices = bare(indices)
    at = [d for d, i in enumerate(indices) if i is not None]
    if len(at) == 1 and input.ndim > 1 and indices[at[0]].dtype.kind != "b":
        if at[0] == 0 or input.flags.c_contiguous:  # type: ignore[attr-defined]
            return np.take(input, indices[at[0]], at[0])  # type: ignore[call-overload, no-any-return]
    made = input[where_of(input, indices)]
    if made.ndim < 2 or made.flags.c_contiguous:  # type: ignore[attr-defined]
        return made
    return np.ascontiguousarray(made)  # type: ignore[call-overload, no-any-return]  # NumPy leaves what it picked apart in front


take_at.op.node_class.holds = True  # type: ignore[attr-defined]  # its indices count as saved tensors, as in PyTorch


@operator(
    jvp=LINEAR,
    batch=put_at_batch,
    node="IndexPutBackward0",
    input=lambda g, indices: take_at(lifted(g, indices), indices),
)
def put_at(input: Tensor, shape: Any, indices: tuple[Any, ...]) -> Tensor:
    """Zeros of ``shape`` with ``input`` added at ``indices``; the transpose of :func:`take_at`."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    add_at(out, indices, input)
    return out  # type: ignore[return-value]


FEW = 1024  # elements: below, NumPy's own way is quicker than the preparations of the kernels


def add_at(out: ndarray, indices: tuple[Any, ...], values: Any) -> None:
    """Add ``values`` into ``out`` at ``indices``, in place; repeated ones add up."""
    indices = bare(indices)
    at = [d for d, i in enumerate(indices) if i is not None]
    if np.size(values) < FEW or any(i.dtype.kind not in "iu" for i in indices if i is not None):
        np.add.at(out, where_of(out, indices), values)
        return
    front = np.moveaxis(out, at, range(len(at)))
    given = [indices[d] for d in at]
    rank = max(i.ndim for i in given)
    if at[-1] - at[0] == len(at) - 1:  # NumPy leaves adjacent indices where they are, others it puts in front
        picked = list(np.broadcast_shapes(*[i.shape for i in given]))
        shape = [*out.shape[: at[0]], *picked, *out.shape[at[-1] + 1 :]]
        values = np.moveaxis(np.broadcast_to(values, shape), range(at[0], at[0] + rank), range(rank))
    kernels.put_accumulate(front, tuple(given), values)


# ---- x[key]


def is_mask(index: Any) -> bool:
    return index.dtype.kind == "b" or index.dtype == np.uint8


def as_key(key: Any) -> tuple[Any, ...]:
    """A key as a tuple of its parts; a list of numbers is one index, a list with slices or tensors a tuple."""
    if isinstance(key, tuple):
        return key
    if (
        isinstance(key, list)
        and len(key) < 32
        and any(isinstance(k, (slice, Tensor, ndarray, list, tuple)) or k is None or k is Ellipsis for k in key)
    ):
        return tuple(key)
    return (key,)


def index_array(part: Any) -> ndarray:
    """An advanced index as an array of integers or booleans."""
    if isinstance(part, Tensor):
        if part.level:
            part = stripped(part)
            if part.level:
                return part  # type: ignore[return-value]
        array = part._array
    elif isinstance(part, ndarray):
        array = part
    else:
        array = np.array([python_index(p) for p in part]) if len(part) else np.zeros(0, np.int64)
    kind = array.dtype.kind
    if kind not in "biu":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if array.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
            UserWarning,
            stacklevel=4,
        )
        return array.astype(bool)
    return array


def stripped(part: Any) -> Any:
    """An index without the transforms that mean nothing to one; what is left is plain, or differs by example."""
    while part.level and not hasattr(part.transform, "size"):
        part = part.lower
    if part.level:
        if part.dtype in (dtypes.bool_, dtypes.uint8):
            raise RuntimeError(
                "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch over "
                f"indexing with a boolean mask, at {callsite.shown(*callsite.here())}. Use torch.where."
            )
        if part.dtype.is_floating_point or part.dtype.is_complex:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return part


def python_index(p: Any) -> Any:
    if isinstance(p, Tensor):
        return p.tolist()
    if isinstance(p, (list, tuple)):
        return [python_index(q) for q in p]
    if isinstance(p, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(p, float):
        raise TypeError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            "(got float)"
        )
    return p


def parsed(shape: Sequence[int], key: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Any], bool, str]:
    """A key in two parts: that of a view, then arrays by dimension of that view (None for whole ones).

    Also whether the view changes anything, and the name of the kind that came last, for the node.
    """
    if any([isinstance(k, Tensor) and k.level for k in key]):
        key = tuple([stripped(k) if isinstance(k, Tensor) else k for k in key])
    used = 0
    for k in key:
        if k is Ellipsis or k is None or k is True or k is False:
            continue
        if isinstance(k, (Tensor, ndarray)) and is_mask(k if isinstance(k, ndarray) else record.inner_array(k)):
            used += k.ndim
        elif isinstance(k, (list, tuple)) and k and isinstance(k[0], (bool, list)) and _nested_bool(k):
            used += np.array(k).ndim
        else:
            used += 1
    if used > len(shape):
        if not shape and isinstance(key[0], int):
            raise no_dimension()
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    basic: list[Any] = []
    advanced: list[Any] = []
    changes, kind, at = False, "alias", 0
    seen_ellipsis = False
    for k in key:
        if k is Ellipsis:
            if seen_ellipsis:
                continue  # a second one stands for no dimension
            seen_ellipsis = True
            for _ in range(len(shape) - used):
                basic.append(ALL)
                advanced.append(None)
                at += 1
        elif k is None:
            basic.append(None)
            advanced.append(None)
            changes, kind = True, "unsqueeze"
        elif isinstance(k, slice):
            part, whole = checked_slice(k, shape[at])
            basic.append(part)
            advanced.append(None)
            if not whole or kind == "alias":
                changes, kind = True, "slice"
            at += 1
        elif k is True or k is False:
            basic.append(None)
            advanced.append(np.array([k]))
            changes = True
        elif isinstance(k, (Tensor, ndarray)) and k.ndim == 0 and not getattr(k, "level", 0):
            array = index_array(k)
            if array.dtype.kind == "b":
                basic.append(None)
                advanced.append(array.reshape(1))
                changes = True
            else:
                basic.append(checked_number(int(array), shape, at))
                changes, kind, at = True, "select", at + 1
        elif isinstance(k, (Tensor, ndarray, list, tuple, range)):
            array = index_array(k)
            if isinstance(array, Tensor):  # differs by example, so that its values cannot be looked at
                basic.append(ALL)
                advanced.append(array)
                at += 1
                continue
            for d in range(array.ndim if array.dtype.kind == "b" else 1):
                if array.dtype.kind == "b" and array.shape[d] != shape[at + d]:
                    raise IndexError(
                        f"The shape of the mask {list(array.shape)} at index {d} does not match the shape of "
                        "the indexed "
                        f"tensor {list(shape)} at index {at + d}"
                    )
                basic.append(ALL)
                if array.dtype.kind != "b" or array.ndim == 1:
                    advanced.append(array)
            if array.dtype.kind == "b" and array.ndim != 1:
                advanced += list(array.nonzero()) if array.ndim else []
            elif array.dtype.kind == "b":
                advanced[-1] = array.nonzero()[0]
            elif 0 in shape[:at] or 0 in shape[at + 1 :]:  # nothing is picked: PyTorch does not look at the indices
                try:
                    check_range(array, shape[at], at)
                except IndexError:
                    if not shape[at]:
                        raise
                    advanced[-1] = np.zeros_like(array)
            else:
                check_range(array, shape[at], at)
            at += array.ndim if array.dtype.kind == "b" else 1
        elif isinstance(k, str):
            raise TypeError("new(): invalid data type 'str'")
        elif hasattr(k, "__index__"):
            basic.append(checked_number(python.index(k), shape, at))
            changes, kind, at = True, "select", at + 1
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                f"(got {type(k).__name__})"
            )
    return tuple(basic), advanced, changes, kind


def _nested_bool(k: Any) -> bool:
    while isinstance(k, (list, tuple)):
        if not k:
            return False
        k = k[0]
    return isinstance(k, bool)


def checked_slice(k: slice, n: int) -> tuple[slice, bool]:
    bounds = [b.item() if isinstance(b, Tensor) else b for b in (k.start, k.stop, k.step)]
    if bounds[2] is not None and bounds[2] <= 0:
        raise ValueError("step must be greater than zero")
    start, stop, step = slice(*bounds).indices(n)
    return slice(start, max(start, stop), step), (start, stop, step) == (0, n, 1)


def checked_number(k: int, shape: Sequence[int], at: int) -> int:
    if at >= len(shape):
        raise no_dimension()
    n = shape[at]
    if not -n <= k < n:
        raise IndexError(f"index {k} is out of bounds for dimension {at} with size {n}")
    return k % n


def no_dimension() -> IndexError:
    return IndexError(
        "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
        "0-dim tensor to a number"
    )


def check_range(array: ndarray, n: int, at: int) -> None:
    if array.size and array.dtype.kind != "b":
        if not n:
            raise IndexError(f"index is out of bounds for dimension with size 0: dimension {at} has no elements")
        low, high = int(np.minimum.reduce(array, None)), int(np.maximum.reduce(array, None))
        if low < -n or high >= n:
            bad = low if low < -n else high
            raise IndexError(f"index {bad} is out of bounds for dimension {at} with size {n}")


_VIEWS = {"select": select_key, "slice": slice_key, "unsqueeze": unsqueeze_key, "alias": alias_key}


def plain_kind(parts: tuple[Any, ...]) -> str | None:
    """The kind of view that a key of numbers, slices and None takes; None if there is more in it."""
    kind = "alias"
    for k in parts:
        what = type(k)
        if what is int:
            kind = "select"
        elif what is slice:
            start, stop, step = k.start, k.stop, k.step
            if not (
                (step is None or (type(step) is int and step > 0))
                and (start is None or type(start) is int)
                and (stop is None or type(stop) is int)
            ):
                return None
            if kind == "alias" or start or stop is not None or (step is not None and step != 1):
                kind = "slice"
        elif k is None:
            kind = "unsqueeze"
        else:
            return None
    return kind


def getitem(self: Tensor, key: Any) -> Tensor:
    """``self[key]``: views for numbers, slices, None and ``...``; copies for index tensors and masks."""
    what = type(key)
    if what is int or what is slice or (what is tuple and key):
        parts = key if what is tuple else (key,)
        kind = plain_kind(parts)
        if kind is not None:
            try:
                return _VIEWS[kind](self, parts)  # type: ignore[no-any-return]
            except IndexError:
                pass  # what follows says it in PyTorch's words
    elif isinstance(key, Tensor) and not key.level and key._array.dtype.char == "l" and key._array.ndim:
        shape = self.shape
        if shape:
            check_range(key._array, shape[0], 0)
            return take_at(self, (key._array,))  # type: ignore[no-any-return]
    parts = as_key(key)
    basic, advanced, changes, kind = parsed(self.shape, parts)
    gathers = any([a is not None for a in advanced])
    result = _VIEWS[kind](self, basic) if changes or not gathers else self
    if gathers:
        result = take_at(result, broadcast_indices(advanced))
    return result  # type: ignore[no-any-return]


def iterate(self: Tensor) -> Any:
    """The slices along the first dimension."""
    if self.ndim == 0:
        raise TypeError("iteration over a 0-d tensor")
    from .shape import unbind

    return iter(unbind(self, 0))


def length(self: Tensor) -> int:
    """The size of the first dimension."""
    if self.ndim == 0:
        raise TypeError("len() of a 0-d tensor")
    return self.shape[0]


def broadcast_indices(advanced: Sequence[Any]) -> tuple[Any, ...]:
    """Index arrays ready for NumPy; trailing whole dimensions are left out."""
    given = [a for a in advanced if a is not None]
    try:
        if len(given) > 1:
            np.broadcast_shapes(*[a.shape for a in given])
    except ValueError:
        raise IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            + ", ".join(str(list(a.shape)) for a in given)
        ) from None
    found = list(advanced)
    while found and found[-1] is None:
        found.pop()
    return tuple(found)


def picked_shape(shape: Any, indices: Any) -> tuple[int, ...]:
    """The shape of what indices pick out of ``shape``."""
    given = [i for i in indices if i is not None]
    picked = np.broadcast_shapes(*[tuple(i.shape) for i in given])
    left = [n for d, n in enumerate(shape) if d >= len(indices) or indices[d] is None]
    front = adjacent(indices)
    return (*left[:front], *picked, *left[front:])


def index_put_batch(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, indices: Any, values: Any, accumulate: bool
) -> Any:
    from .shape import movedim, reshape

    input = with_batch(input, size, mapped[0])
    one = indices if not mapped[1] else [None if i is None else np.empty(i.shape[1:], np.bool_) for i in indices]
    shape = picked_shape(input.shape[1:], one)
    if mapped[2]:
        values = reshape(values, (size, *(1,) * (len(shape) + 1 - values.ndim), *values.shape[1:]))
    values = expand(values, (size, *shape))
    if not mapped[1]:
        if rank := apart(indices):  # what is picked comes before the batch
            values = movedim(values, 0, rank)
        return index_put_raw(input, (None, *indices), values, accumulate)
    ready, rank = by_example(size, indices, True)
    return index_put_raw(input, ready, turned(values, rank, adjacent(indices), True), accumulate)


def zero_at_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, indices: Any) -> Any:
    input = with_batch(input, size, mapped[0])
    return zero_at(input, by_example(size, indices, True)[0] if mapped[1] else (None, *indices))


@operator(
    batch=index_put_batch,
    node="IndexPutBackward0",
    input=lambda g, indices, accumulate, values_shape: g if accumulate else zero_at(lifted(g, indices), indices),
    values=lambda g, indices, values_shape: fit(
        take_at(lifted(g, indices), indices), tuple(values_shape), record.np_dtype(g)
    ),
)
def index_put_raw(input: Tensor, indices: tuple[Any, ...], values: Tensor, accumulate: bool = False) -> Tensor:
    """``input`` with ``values`` put (or added) at ``indices``."""
    out = np.array(input)
    values = np.asarray(values, out.dtype)  # type: ignore[assignment]
    where = where_of(out, indices)
    target = out[where].shape
    if values.shape != target:
        try:
            values = np.broadcast_to(values, target)  # type: ignore[assignment]
        except ValueError:
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
                f"shape {list(target)}"
            ) from None
    if accumulate:
        add_at(out, indices, values)
    else:
        out[where] = values
    return out  # type: ignore[return-value]


@operator(
    jvp=LINEAR,
    batch=zero_at_batch,
    node="IndexPutBackward0",
    input=lambda g, indices: zero_at(lifted(g, indices), indices),
)
def zero_at(input: Tensor, indices: tuple[Any, ...]) -> Tensor:
    """``input`` with zeros at ``indices``; its own transpose."""
    out = np.array(input)
    out[where_of(out, indices)] = 0
    return out  # type: ignore[return-value]


for put in (put_at, index_put_raw, zero_at):
    put.op.node_class.holds = True  # type: ignore[attr-defined]  # as of ``take_at``


def copied_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, source: Any) -> Any:
    from .shape import reshape

    input = with_batch(input, size, mapped[0])
    if mapped[1]:
        source = reshape(source, (size, *(1,) * (input.ndim - source.ndim), *source.shape[1:]))
    return copied(input, source)


@operator(
    batch=copied_batch,
    node="CopyBackwards",
    input=lambda g: blank(g),
    source=lambda g, source_shape: sum_to(g, tuple(source_shape)) if g.shape != source_shape else g,
)
def copied(input: Tensor, source: Tensor) -> Tensor:
    """``source`` in the shape and dtype of ``input``."""
    try:
        spread = np.broadcast_to(source, input.shape)
    except ValueError:
        raise RuntimeError(
            f"The size of tensor a ({input.shape[-1] if input.ndim else 1}) must match the size of tensor b "
            f"({source.shape[-1] if source.ndim else 1}) at non-singleton dimension {max(input.ndim, 1) - 1}"
        ) from None
    if spread.dtype.kind == "c" and input.dtype.kind != "c":  # type: ignore[attr-defined]
        spread = spread.real
    return spread.astype(input.dtype)  # type: ignore[no-any-return, arg-type]


copied.op.node_class.name = lambda self: "torch::autograd::CopyBackwards"  # type: ignore[attr-defined]


def simple_write(array: Any) -> bool:
    """Whether an array may be written without asking anybody."""
    return (
        type(array) is ndarray and array.flags.writeable and 0 not in array.strides
        and not views.before_write and not record._overriding
    )  # fmt: skip


def copy_(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Write the values of ``src`` (broadcast, cast) into this tensor."""
    if not isinstance(src, Tensor):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(src).__name__}")
    array, new = self._array, src._array
    if not mode() & ~(RECORD if self._node is None and src._node is None else 0) and simple_write(array):
        apart = type(new) is ndarray and new.ndim <= array.ndim and memory.owner(new) is not memory.owner(array)
        if apart and (new.dtype.kind != "c" or array.dtype.kind == "c"):
            try:
                np.copyto(array, new, "unsafe")
                views.stamp(self, "copy_")
                return self
            except ValueError:
                pass  # the shapes do not fit: what follows says so in PyTorch's words
    if src._node is not None:
        src = cast_to(src, record.np_dtype(self))
    recorded = mode() & RECORD and (self._node is not None or src._node is not None)
    if type(array) is type(new) is ndarray and 0 in array.strides and not recorded:
        if array.__array_interface__ == new.__array_interface__:
            views.check_writable(self, "__setitem__", False)  # elements may lie upon each other: nothing changes
            views.stamp(self, "copy_")
            return self
    return views.write(self, copied.op, (src,), "copy_")  # type: ignore[attr-defined]


def as_value(value: Any, like: Tensor) -> Tensor:
    """What is assigned, as a tensor."""
    from .fill import converted

    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, float, complex)):
        dtype = record.np_dtype(like)
        return wrap(np.asarray(converted(value, dtype)).astype(dtype))
    raise TypeError(f"can't assign a {type(value).__name__} to a torch.{dtypes.LEGACY[like.dtype.name]}Tensor")


def delitem(self: Tensor, key: Any) -> None:
    """Refused: the size of a tensor is fixed."""
    raise TypeError("Tensor does not support deleting items")


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """``self[key] = value``, in place."""
    if type(value) in (float, int, bool) and key is not False:
        what, array = type(key), self._array
        by_tensor = what is Tensor and key._array.dtype.char in "l?" and key._array.ndim
        ready = by_tensor or what is int or plain_kind(key if what is tuple else (key,)) is not None
        if ready and not mode() & ~(RECORD if self._node is None else 0) and simple_write(array):
            from .fill import converted

            try:
                array[key._array if by_tensor else key] = converted(value, array.dtype)
                views.stamp(self, "__setitem__")
                return
            except IndexError:
                pass  # what follows says it in PyTorch's words
    if key is False:  # which writes nowhere; PyTorch looks at nothing else then
        return
    parts = as_key(key)
    value = as_value(value, self)
    m = mode()
    if m >> DEPTH:
        views.check_captured(self, "copy_")
    if m & CAREFUL and (self.level or value.level or any(isinstance(p, Tensor) and p.level for p in parts)):
        top = max([p for p in (self, value, *parts) if isinstance(p, Tensor)], key=lambda p: p.level)
        top.transform.setitem(self, parts, value)  # type: ignore[attr-defined]
        return
    try:
        basic, advanced, changes, kind = parsed(self.shape, parts)
    except IndexError as error:
        by_arrays = any(isinstance(p, (list, Tensor)) for p in parts) and str(error).startswith("index ")
        if m & 1 and by_arrays and (self._node is not None or value._node is not None):
            views.check_writable(self, "index_put_", True)  # PyTorch looks at the indices later
        raise
    gathers = any(a is not None for a in advanced)
    if gathers and value.ndim and value.shape[0] == 1 and not value.level:
        value = without_leading_ones(value)
    if gathers:
        check_put(self, value, len(parts) == 1 and isinstance(parts[0], Tensor) and is_mask(parts[0]._array))
    if not (m & 1 and (self._node is not None or value._node is not None)) or (type(self._node) is Leaf and not m & 1):
        views.check_writable(self, "__setitem__", 0)
        views.check_shared(self, index_put_raw.op, (value,), "index_put_" if gathers else "")  # type: ignore[attr-defined]
        put_plain(self, basic, advanced if gathers else None, value._array)
        return
    whole = (
        not gathers
        and all(isinstance(b, slice) for b in basic)
        and all(b.indices(n) == (0, n, 1) for b, n in zip(basic, self.shape, strict=False))
    )
    target = _VIEWS[kind](self, basic) if not whole and (changes or not gathers) else self
    if not gathers:
        if not value.ndim and not value.level and target.ndim:
            views.write(target, fill_over.op, (value if value._node is not None else value.item(),), "fill_")  # type: ignore[attr-defined]
            return
        value = trimmed(value, target)
        if value._node is not None:
            value = cast_to(value, record.np_dtype(target))
        views.write(target, copied.op, (value,), "copy_")  # type: ignore[attr-defined]
        return
    views.write(
        target,
        index_put_raw.op,
        (broadcast_indices(advanced), cast_to(value, record.np_dtype(self)), False),
        "index_put_",
    )  # type: ignore[attr-defined]


def without_leading_ones(value: Tensor) -> Tensor:
    """Values to be put by index lose their leading dimensions of size 1, as in PyTorch."""
    from .shape import reshape

    shape = tuple(value.shape)
    first = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return reshape(value, shape[first:])


def check_put(target: Tensor, value: Tensor, by_mask: bool = False) -> None:
    """Values put by index must have the dtype of the tensor (a single one put by a mask need not)."""
    if record.np_dtype(value) is not record.np_dtype(target) and not (by_mask and value.ndim == 0):
        names = [dtypes.LEGACY[x.dtype.name] for x in (target, value)]
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {names[0]} for the destination and "
            f"{names[1]} for the source."
        )


def trimmed(value: Tensor, target: Tensor) -> Tensor:
    """Leading dimensions of size 1 that the target has not are dropped, as PyTorch does."""
    extra = value.ndim - target.ndim
    if extra > 0 and all(n == 1 for n in value.shape[:extra]):
        from .shape import reshape

        return reshape(value, tuple(value.shape[extra:]))
    return value


def put_plain(self: Tensor, basic: tuple[Any, ...], advanced: list[Any] | None, values: ndarray) -> None:
    """Assign where nothing is recorded: NumPy's own assignment, and the stamp."""
    target = self._array[(*basic, Ellipsis)]  # with the ellipsis NumPy gives a view even of one element
    if advanced is None and 0 in target.strides:
        views.check_overlap(target)
    if values.dtype.kind == "c" and target.dtype.kind != "c":
        values = values.real
    try:
        if advanced is None:
            extra = values.ndim - target.ndim
            if extra > 0 and all(n == 1 for n in values.shape[:extra]):
                values = values.reshape(values.shape[extra:])
            target[...] = values
        else:
            target[where_of(target, broadcast_indices(advanced))] = values
    except (ValueError, TypeError):
        if advanced is None:
            raise misfit(values, target) from None
        shape = target[where_of(target, broadcast_indices(advanced))].shape
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing "
            "result of shape "
            f"{list(shape)}"
        ) from None
    views.stamp(self, "__setitem__")


def misfit(values: Any, target: Any) -> RuntimeError:
    """The error for values that do not spread to the shape of what they are assigned to."""
    have, want = list(values.shape), list(target.shape)
    if len(have) > len(want):
        name = dtypes.LEGACY[dtypes.dtype_of(values.dtype).name]
        return RuntimeError(
            f"expand(torch.{name}Tensor{{{have}}}, size={want}): the number of sizes provided ({len(want)}) must be "
            f"greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    lead = len(want) - len(have)
    at = next((i for i in reversed(range(len(have))) if have[i] not in (1, want[lead + i])), 0)
    return RuntimeError(
        f"The expanded size of the tensor ({want[lead + at]}) must match the existing size ({have[at]}) at "
        "non-singleton "
        f"dimension {lead + at}.  Target sizes: {want}.  Tensor sizes: {have}"
    )


def index_put(input: Tensor, indices: Sequence[Any], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``values`` put (or added, if ``accumulate``) at ``indices``, one tensor a dimension.

    >>> import rushlight as torch
    >>> torch.index_put(torch.zeros(3), (torch.tensor([0, 2]),), torch.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    values = as_value(values, input)
    check_put(input, values)
    return index_put_raw(input, index_list(input, indices), values, bool(accumulate))


def index_put_(self: Tensor, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
    """In-place version of :func:`index_put`."""
    found, values = index_list(self, indices), as_value(values, self)
    check_put(self, values)
    return views.write(self, index_put_raw.op, (found, values, bool(accumulate)), "index_put_")  # type: ignore[attr-defined]


def index_list(input: Tensor, indices: Sequence[Any]) -> tuple[Any, ...]:
    key = [ALL if i is None else stripped(i) if isinstance(i, Tensor) else i for i in indices]
    single = []  # where numbers stand: each is an index for a dimension here, not one that takes it away first
    at = 0
    for n, i in enumerate(key):
        if isinstance(i, Tensor) and i.ndim == 0 and not i.level and not is_mask(i._array):
            key[n] = i.reshape(1)
            single.append(at)
        at += i.ndim if isinstance(i, Tensor) and not i.level and is_mask(i._array) else 1
    advanced = parsed(input.shape, tuple(key))[1]
    for at in single:
        advanced[at] = advanced[at].reshape(())
    return broadcast_indices(advanced)


# ---- along a dimension


def check_index(index: Any, name: str) -> None:
    if index.dtype.kind not in "iu" or index.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")


def normal(index: ndarray, n: int) -> ndarray:
    """Indices checked to be within a size."""
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= n:
            bad = low if low < 0 else high
            raise IndexError(f"index {bad} is out of bounds for dimension 0 with size {n}")
    return index


def select_rows_batch(op: Any, size: int, mapped: tuple[bool, ...], input: Any, dim: int, index: Any) -> Any:
    if mapped[2]:
        if not mapped[0]:
            input = expand(input, (size, *input.shape))
        shape = [size, *input.shape[1:]]
        shape[dim + 1] = index.shape[1]
        from .shape import reshape

        spread = reshape(index, (size, *(1,) * dim, index.shape[1], *(1,) * (input.ndim - dim - 2)))
        return gather(input, dim + 1, expand(spread, tuple(shape)))
    return index_select_raw(input, dim + 1, index)


@operator(
    jvp=LINEAR, batch=select_rows_batch, node="IndexSelectBackward0",
    input=lambda g, input_shape, dim, index: spread_rows(g, input_shape, dim, index),
)  # fmt: skip
def index_select_raw(input: Tensor, dim: int, index: Tensor) -> Tensor:
    return np.take(input, index, dim)  # type: ignore[call-overload, no-any-return]


@operator(
    jvp=LINEAR, node="IndexSelectBackwardBackward0",
    input=lambda g, dim, index: index_select_raw(g, dim, index),
)  # fmt: skip
def spread_rows(input: Tensor, shape: Any, dim: int, index: Tensor) -> Tensor:
    """Zeros of ``shape`` with the slices of ``input`` added at ``index``; the transpose of index_select."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    if input.size < FEW:  # type: ignore[operator]
        np.add.at(out, (slice(None),) * dim + (index,), input)  # type: ignore[arg-type]
        return out  # type: ignore[return-value]
    return kernels.index_add(out, dim, index, input)  # type: ignore[no-any-return]


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of ``input`` at the numbers in ``index`` along ``dim`` (a copy).

    >>> import rushlight as torch
    >>> torch.index_select(torch.tensor([1, 2, 3]), 0, torch.tensor([2, 0]))
    tensor([3, 1])
    """
    if not isinstance(index, Tensor):
        raise TypeError(f"index_select(): argument 'index' (position 3) must be Tensor, not {type(index).__name__}")
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    at = canonical(dim, input.ndim)
    array = record.inner_array(index)
    if array is not None:
        check_index(array, "index_select")
        n = input.shape[at] if input.ndim else 1
        if array.size and int(np.maximum.reduce(array.view(f"u{array.itemsize}"), None)) >= n:
            raise IndexError("index out of range in self")
    from .shape import reshape

    if input.ndim == 0:
        made = input.clone()
        return made if out is None else index_select_raw.op.write_out(index_select_raw.op, out, made)  # type: ignore[attr-defined, no-any-return]
    made = index_select_raw(input, at, reshape(index, (-1,)) if index.ndim == 0 else index)
    return made if out is None else index_select_raw.op.write_out(index_select_raw.op, out, made)  # type: ignore[attr-defined, no-any-return]


def along(index: ndarray, dim: int) -> tuple[Any, ...]:
    """NumPy's key for picking along one dimension by an index of full rank."""
    rank = index.ndim
    if rank == 1:
        return (index,)
    return tuple(
        [
            index if d == dim else np.arange(n).reshape((1,) * d + (n,) + (1,) * (rank - d - 1))
            for d, n in enumerate(index.shape)
        ]
    )


@operator(
    jvp=LINEAR, batch=over_dims("dim"), node="GatherBackward0",
    input=lambda g, input_shape, dim, index: scatter_zero(g, input_shape, dim, index),
)  # fmt: skip
def gather_raw(input: Tensor, dim: int, index: Tensor) -> Tensor:
    return kernels.gather(input, dim, index)  # type: ignore[arg-type, return-value]


def scatter_zero_batch(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, shape: Any, dim: int, index: Any
) -> Any:
    if not mapped[3]:
        index = expand(index, (size, *index.shape))
    if not mapped[0]:
        input = expand(input, (size, *input.shape))
    if not shape:  # a number is a vector of one
        from .shape import reshape

        every = (size, 0 if 0 in index.shape else -1)
        return reshape(scatter_zero(reshape(input, every), (size, 1), 1, reshape(index, every)), (size,))
    return scatter_zero(input, (size, *shape), dim + 1, index)


@operator(
    jvp=LINEAR, batch=scatter_zero_batch, node="ScatterAddBackward0",
    input=lambda g, dim, index: gather_raw(g, dim, index),
)  # fmt: skip
def scatter_zero(input: Tensor, shape: Any, dim: int, index: Tensor) -> Tensor:
    """Zeros of ``shape`` with ``input`` added at ``index`` along ``dim``; the transpose of :func:`gather`."""
    out = np.zeros(shape, input.dtype)  # type: ignore[call-overload]
    if out.ndim and index.size < FEW:  # type: ignore[operator]
        np.add.at(out, along(index, dim), input)  # type: ignore[arg-type]
        return out  # type: ignore[return-value]
    return kernels.scatter_add(out, dim, index, input)  # type: ignore[no-any-return]


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """The elements of ``input`` at the positions ``index`` along ``dim``; the result has the shape of ``index``.

    With ``sparse_grad`` the gradient towards ``input`` is a sparse tensor.

    >>> import rushlight as torch
    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    from .shape import narrow, reshape

    at, index = checked_gather("gather", input, dim, index)
    if sparse_grad and out is None:
        from .embedding import sparse_gradients

        return sparse_gradients("gather(sparse_grad=True)", input, index).picked_places(input, at, index)  # type: ignore[no-any-return]
    if index.ndim != input.ndim and 0 in index.shape and out is None:  # nothing is picked, whatever its dimensions
        return reshape(narrow(reshape(input, (-1,)), 0, 0, 0), tuple(index.shape))
    if input.ndim == 0 and (input.level or index.level):  # a number is a vector of one
        input = reshape(input, (1,))
        made = reshape(gather_raw(input, 0, reshape(index, (-1,))), tuple(index.shape))
    else:
        made = gather_raw(input, at, index)
    return made if out is None else gather_raw.op.write_out(gather_raw.op, out, made)  # type: ignore[attr-defined, no-any-return]


def checked_gather(name: str, input: Any, dim: int, index: Any, source: Any = None) -> tuple[int, Any]:
    """The dimension and the index, after the checks that gather and scatter share; one of no elements may be of any dtype."""
    if not isinstance(index, (Tensor, ndarray)):
        raise TypeError(f"{name}(): argument 'index' (position 3) must be Tensor, not {type(index).__name__}")
    at = canonical(dim, input.ndim)
    if record.np_dtype(index) not in (np.int64, np.int32):
        if 0 not in index.shape:
            raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
        index = cast_to(index, np.dtype(np.int64))
    if max(index.ndim, 1) != max(input.ndim, 1):
        if not (record.inner_array(index) is not None and 0 in index.shape):
            raise RuntimeError(
                "Index tensor must have the same number of dimensions as input tensor"
                if name == "gather"
                else "Index tensor must have the same number of dimensions as self tensor"
            )
    for d in range(min(index.ndim, input.ndim)):
        if d != at and index.shape[d] > input.shape[d] and 0 not in index.shape:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {at}"
            )
    array = record.inner_array(index) if isinstance(index, Tensor) else index
    n = input.shape[at] if input.ndim else 1
    # seen as unsigned numbers, negative ones are large: one pass finds both
    if array is not None and array.size and int(np.maximum.reduce(array.view(f"u{array.itemsize}"), None)) >= n:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= n:
            raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {at} with size {n}")
    return at, index


# ---- masks


@levels.constant(levels.of_data("nonzero"))
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero: rows of a matrix, or one tensor a dimension with ``as_tuple``.

    >>> import rushlight as torch
    >>> torch.nonzero(torch.tensor([1, 0, 2]))
    tensor([[0],
            [2]])
    """
    array: Any = record.inner_array(input)
    found = (array if array.ndim else array.reshape(1)).nonzero()
    found = tuple([long(f) for f in found])
    if as_tuple:
        if out is not None:
            raise RuntimeError("nonzero does not support the out kwarg when as_tuple is True")
        return tuple([wrap(f) for f in found])
    if out is not None and record.np_dtype(out) is not np.dtype(np.int64):
        raise RuntimeError(f"nonzero: Expected out tensor to have scalar type Long but got scalar type {out.dtype}")
    rows = np.stack(found, 1) if array.ndim else np.zeros((len(found[0]), 0), np.int64)
    made = wrap(np.ascontiguousarray(rows))
    return made if out is None else index_select_raw.op.write_out(index_select_raw.op, out, made)  # type: ignore[attr-defined]
