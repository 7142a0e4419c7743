"""PyTorch's files from before version 1.6: pickles one after the other, then the raw bytes of the storages.

The bytes come last, so tensors are made over arrays that are filled when all names have been read. What the
file claims about sizes is held against the bytes it has before any memory is taken.
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight._files import LoadError
from rushlight._files.pickles import Interpreter, Stream, Writer
from rushlight._files.storages import (
    DTYPE_STORAGES,
    Host,
    Storage,
    locate,
    raw_bytes,
    repair_bools,
    shown,
    supported,
    whole_number,
)
from rushlight._files.torchzip import storage_id, text
from rushlight._files.vocabulary import Vocabulary

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


class LegacyReader:
    """Loads one file given as bytes (or a memory map of it)."""

    def __init__(self, data: Any, vocabulary: Vocabulary, map_location: Any = None, encoding: str = "utf-8") -> None:
        self.stream = Stream(data)
        self.vocabulary = vocabulary
        self.place = locate(map_location)
        self.encoding = encoding
        self.left = len(self.stream.data)
        self.storages: dict[str, Storage] = {}
        self.views: dict[str, Storage] = {}

    def load(self) -> Any:
        if self._pickle() != MAGIC_NUMBER:
            raise LoadError(
                "Invalid magic number; corrupt file? It is neither a zip archive nor an older PyTorch file."
            )
        version = self._pickle()
        if version != PROTOCOL_VERSION:
            raise LoadError(f"Invalid protocol version: {shown(version)}")
        self._pickle()  # about the machine that wrote it; the data is little-endian on all
        value = self._pickle(self.persistent)
        self._fill(self._pickle())
        return value

    def _pickle(self, load_storage: Callable[[object], object] | None = None) -> Any:
        return Interpreter(self.stream, self.vocabulary, load_storage or _no_storage, self.encoding).run()

    def persistent(self, saved: object) -> object:
        """The storage for ``("storage", type, key, location, numel, view)``, not yet filled.

        Classes of whole modules come as ``("module", class, file, source)``; only the class is looked at, and
        it can only be one that the caller listed.
        """
        if isinstance(saved, tuple) and len(saved) == 4 and text(saved[0]) == "module":
            if not (isinstance(saved[1], type) and self.vocabulary.is_listed(saved[1])):
                raise LoadError("the file holds a whole module of a class that is not listed as safe")
            return saved[1]
        kind, key, location, numel, (view,) = storage_id(saved, 6)
        dtype = supported(kind.dtype, f"the storage {key!r:.80}")
        storage = self.storages.get(key)
        if storage is None:
            self.left -= numel * dtype.itemsize + 8
            if self.left < 0:
                raise LoadError(f"the storages of the file claim more bytes than it has, at {key!r:.80}")
            storage = Storage(key, np.zeros(numel, dtype))
            storage.pending = []
            storage.foreign = sys.byteorder == "big"
            self.storages[key] = self.place(storage, location)
        if storage.array.dtype != dtype or storage.array.size != numel:
            raise LoadError(f"the storage {key!r:.80} is described in two ways")
        return storage if view is None else self._view(storage, view)

    def _view(self, storage: Storage, view: object) -> Storage:
        """A storage within another one: ``(key, offset, size)``, in elements."""
        if not isinstance(view, tuple) or len(view) != 3:
            raise LoadError("a storage view must be (key, offset, size)")
        key = text(view[0])
        start, size = (
            whole_number(view[1], "a storage view's offset"),
            whole_number(view[2], "a storage view's size"),
        )
        if start + size > storage.array.size:
            raise LoadError(f"a storage view reaches element {start + size} of {storage.array.size}")
        if key not in self.views:
            self.views[key] = Storage(key, storage.array[start : start + size])
            self.views[key].pending = storage.pending
        return self.views[key]

    def _fill(self, keys: object) -> None:
        if not isinstance(keys, list) or any(not isinstance(key, str | bytes) for key in keys):
            raise LoadError("the list of storages in the file is damaged")
        names = [text(key) for key in keys]
        if sorted(names) != sorted(self.storages):
            raise LoadError("the storages of the file are not the ones that its tensors use")
        for name in names:
            storage = self.storages[name]
            size = self.stream.unsigned(8)
            if size != storage.array.size:
                raise LoadError(f"the storage {name!r:.80} has {size} elements, {storage.array.size} were announced")
            raw = self.stream.window(storage.array.nbytes)
            if storage.array.size:
                storage.array.view(np.uint8)[:] = np.frombuffer(raw, np.uint8)
                if sys.byteorder == "big":
                    storage.array.byteswap(inplace=True)
            repair_bools(storage.array)
            for action in storage.pending or ():
                action()


def _no_storage(saved: object) -> object:
    raise LoadError("a storage stands where none may be; the file is damaged")


def save_legacy(value: object, write: Callable[[Any], object], host: Host, protocol: int = 2) -> None:
    """Write ``value`` in the old format (``_use_new_zipfile_serialization=False``)."""
    pickler = Writer(host, protocol, key=lambda number, storage: str(id(storage)), extra=(None,))
    pickler.dump(value)
    sizes = {"short": struct.calcsize("=h"), "int": struct.calcsize("=i"), "long": struct.calcsize("=l")}
    about = {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": sizes,
    }
    keys = sorted(pickler.storages)
    for part in (MAGIC_NUMBER, PROTOCOL_VERSION, about):
        write(pickle.dumps(part, protocol))
    write(pickler.buffer.getvalue())
    write(pickle.dumps(keys, protocol))
    for key in keys:
        storage = pickler.storages[key]
        typed = storage.dtype.name in DTYPE_STORAGES  # others are written as bytes
        write(struct.pack("<q", storage.size if typed else storage.nbytes))
        write(raw_bytes(storage.astype(storage.dtype.newbyteorder("<"), copy=False)))
