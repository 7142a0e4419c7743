"""Dictionaries whose keys are tensors or other objects by identity, held weakly."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

__all__ = ["TensorWeakRef", "WeakIdKeyDictionary", "WeakIdRef", "WeakTensorKeyDictionary"]


class WeakIdRef(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that is equal to another one if both are to the same object, and hashes by identity."""

    __slots__ = ("_id",)

    def __init__(self, key: Any, callback: Any = None) -> None:
        self._id = id(key)
        super().__init__(key, callback)  # type: ignore[call-arg]

    def __hash__(self) -> int:
        return self._id

    def __eq__(self, other: object) -> bool:
        mine, theirs = self(), other() if isinstance(other, weakref.ref) else None
        return self is other if mine is None or theirs is None else mine is theirs


class TensorWeakRef:
    """A weak reference to a tensor: call it for the tensor, or None once that is gone."""

    def __init__(self, tensor: Any) -> None:
        self.ref = WeakIdRef(tensor)

    def __call__(self) -> Any:
        return self.ref()


class WeakIdKeyDictionary(MutableMapping[Any, Any]):
    """A dictionary by the identity of its keys, which it holds weakly: an entry goes with its key.

    >>> import rushlight as torch
    >>> from rushlight.utils.weak import WeakTensorKeyDictionary
    >>> t = torch.ones(2)
    >>> d = WeakTensorKeyDictionary({t: "ones"})
    >>> d[t]
    'ones'
    >>> del t; len(d)
    0
    """

    data: dict[Any, Any]

    def __init__(self, dict: Any = None, ref_type: Any = WeakIdRef) -> None:
        self.data = {}
        self.ref_type = ref_type
        if dict is not None:
            self.update(dict)

    def _key(self, key: Any) -> Any:
        data = self.data
        return self.ref_type(key, lambda ref: data.pop(ref, None))

    def __getitem__(self, key: Any) -> Any:
        return self.data[self.ref_type(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[self._key(key)] = value

    def __delitem__(self, key: Any) -> None:
        del self.data[self.ref_type(key)]

    def __contains__(self, key: object) -> bool:
        try:
            return self.ref_type(key) in self.data
        except TypeError:
            return False

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        for ref in list(self.data):
            key = ref()
            if key is not None:
                yield key

    def keyrefs(self) -> list[Any]:
        """The weak references to the keys."""
        return list(self.data)

    def copy(self) -> WeakIdKeyDictionary:
        """Another dictionary with the same keys and values."""
        return type(self)(self)

    def __or__(self, other: Mapping[Any, Any]) -> WeakIdKeyDictionary:
        made = self.copy()
        made.update(other)
        return made

    def __ior__(self, other: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> WeakIdKeyDictionary:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x}>"


WeakTensorKeyDictionary = WeakIdKeyDictionary
