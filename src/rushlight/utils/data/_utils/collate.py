"""Make one batch of many samples: stack what are numbers, and go into what are containers."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any, TypeAlias

import numpy as np

import rushlight as rl

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

CollateMap: TypeAlias = dict[type | tuple[type, ...], Callable[..., Any]]

np_str_obj_array_pattern = re.compile(r"[SaUO]")
default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def _holds_no_numbers(array: Any) -> bool:
    """Whether an array is one of strings or objects, which no tensor can hold."""
    return np_str_obj_array_pattern.search(array.dtype.str) is not None


def _rebuilt_mapping(like: Any, items: dict[Any, Any]) -> Any:
    """``items`` in a mapping of the kind of ``like``, or in a dict if that kind cannot be made so."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)  # keeps what a subclass has beside its items
            clone.update(items)
            return clone
        return type(like)(items)
    except TypeError:
        return items


def _rebuilt_sequence(like: Any, items: list[Any]) -> Any:
    """``items`` in a sequence of the kind of ``like``, or in a list if that kind cannot be made so."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(like)(items)
    except TypeError:
        return items


def default_convert(data: Any) -> Any:
    """``data`` with NumPy arrays and scalars made tensors, in containers too; the rest as it is.

    >>> import numpy as np
    >>> from rushlight.utils.data import default_convert
    >>> default_convert({"a": np.array([1, 2]), "b": "text"})
    {'a': tensor([1, 2]), 'b': 'text'}
    """
    kind = type(data)
    if isinstance(data, rl.Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in ("str_", "string_", "bytes_"):
        return data if kind.__name__ == "ndarray" and _holds_no_numbers(data) else rl.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuilt_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return kind(*(default_convert(item) for item in data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt_sequence(data, [default_convert(item) for item in data])
    return data


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """One batch of a list of samples of the same structure.

    Args:
        batch: the samples.
        collate_fn_map: for a type (or tuple of types) the function that makes a batch of its instances;
            exact types go first, then the first entry that the sample is an instance of.

    Raises RuntimeError for sequences of different lengths, TypeError for what has no function.

    >>> from rushlight.utils.data._utils.collate import collate
    >>> join = lambda batch, *, collate_fn_map: "".join(batch)
    >>> collate([{"a": "x"}, {"a": "y"}], collate_fn_map={str: join})
    {'a': 'xy'}
    """
    elem = batch[0]
    kind = type(elem)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for key, fn in collate_fn_map.items():
            if isinstance(elem, key):
                return fn(batch, collate_fn_map=collate_fn_map)

    if isinstance(elem, Mapping):
        columns = {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map) for key in elem}
        return _rebuilt_mapping(elem, columns)
    if isinstance(elem, tuple) and hasattr(elem, "_fields"):
        return kind(*(collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=False)))
    if isinstance(elem, Sequence):
        if any(len(sample) != len(elem) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        items = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=True)]
        return items if isinstance(elem, tuple) else _rebuilt_sequence(elem, items)
    raise TypeError(default_collate_err_msg_format.format(kind))


def collate_tensor_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Stack tensors along a new first dimension."""
    if batch[0].layout != rl.strided:
        raise RuntimeError(
            "Batches of sparse tensors are not currently supported by the default collate_fn; "
            "please provide a custom collate_fn to handle them appropriately."
        )
    return rl.stack(list(batch), 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Make tensors of arrays and stack them."""
    if _holds_no_numbers(batch[0]):
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([rl.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """A tensor of NumPy scalars, of their dtype."""
    return rl.as_tensor(np.array(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """A double tensor of Python floats."""
    return rl.tensor(batch, dtype=rl.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """An integer (or bool) tensor of Python ints."""
    return rl.tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Strings stay as they are."""
    return batch


default_collate_fn_map: CollateMap = {
    rl.Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """One batch of a list of samples: tensors, arrays and numbers are stacked, within containers too.

    Tuples become lists; strings stay lists of strings. Raises TypeError for other things.

    >>> from rushlight.utils.data import default_collate
    >>> default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
