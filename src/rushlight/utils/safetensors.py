"""Tensors in ``.safetensors`` files, under the names of the safetensors package's PyTorch module.

The format holds numbers, names and a little text, and nothing that could run; see ``_files/safetensors.py``
for how it is checked. Files are byte for byte those of the safetensors package.
"""

from __future__ import annotations

import itertools
import mmap
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rushlight._files.atomic import replacing
from rushlight._files.safetensors import NAMES, Contents, Entry, SafetensorError, array_of, parse, serialize

__all__ = ["SafetensorError", "load", "load_file", "safe_open", "save", "save_file"]

_Path = str | os.PathLike[str]


def save_file(tensors: Mapping[str, Any], filename: _Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors by name to ``filename``, in one step (the old file stays whole until then).

    Raises:
        ValueError: a value is no tensor, or is not contiguous.
        RuntimeError: tensors share memory, which the format cannot express.
        TypeError: a name or a piece of metadata is no text, or a dtype the format lacks (complex128).

    >>> import tempfile
    >>> import rushlight as torch
    >>> from rushlight.utils.safetensors import load_file, save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"weight": torch.ones(2)}, folder + "/a.safetensors")
    ...     load_file(folder + "/a.safetensors")
    {'weight': tensor([1., 1.])}
    """
    arrays = _arrays(tensors)
    _check_metadata(metadata)
    with replacing(filename) as file:
        serialize(arrays, metadata, file.write)


def save(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a file of these tensors. Raises as `save_file` does.

    >>> import rushlight as torch
    >>> from rushlight.utils.safetensors import load, save
    >>> load(save({"weight": torch.ones(2)}))
    {'weight': tensor([1., 1.])}
    """
    arrays = _arrays(tensors)
    _check_metadata(metadata)
    parts: list[bytes] = []
    serialize(arrays, metadata, lambda part: parts.append(bytes(part)))
    return b"".join(parts)


def load(data: bytes) -> dict[str, Any]:
    """The tensors in the bytes of a file, each with memory of its own.

    Raises SafetensorError if the bytes are not a whole and valid file.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"load() needs bytes, got {type(data).__name__}; for a path use load_file")
    view = memoryview(data).toreadonly().cast("B")  # read-only memory is copied tensor by tensor
    contents = parse(view)
    return {name: _tensor(array_of(view, name, entry)) for name, entry in sorted(contents.entries.items())}


def load_file(filename: _Path, device: str | int = "cpu", *, backend: str = "mmap") -> dict[str, Any]:
    """The tensors in a file. Their numbers are read when they are used, from the file's own pages.

    What is written to a tensor stays in memory and does not change the file.

    Raises SafetensorError if the file is damaged or holds a dtype that NumPy lacks, such as bfloat16.
    """
    if backend != "mmap":
        raise ValueError(f"backend must be 'mmap', got {backend!r}")
    with safe_open(filename, framework="pt", device=device) as file:
        return file.get_tensors()


class safe_open:
    """A file open for reading single tensors or slices of them, without reading the rest.

    >>> import tempfile
    >>> import rushlight as torch
    >>> from rushlight.utils.safetensors import safe_open, save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"weight": torch.arange(4)}, folder + "/a.safetensors", {"by": "hand"})
    ...     with safe_open(folder + "/a.safetensors", framework="pt") as file:
    ...         file.keys(), file.metadata(), file.get_slice("weight")[1:3]
    (['weight'], {'by': 'hand'}, tensor([1, 2]))
    """

    def __init__(self, filename: _Path, framework: str = "pt", device: str | int = "cpu") -> None:
        if framework not in ("pt", "torch", "pytorch", "np", "numpy"):
            raise SafetensorError(f"framework must be 'pt' or 'np', got {framework!r}")
        if str(device) != "cpu":
            raise RuntimeError(f"all tensors are on the CPU here, got device {device!r}; use device='cpu'")
        if not os.path.exists(filename):
            raise FileNotFoundError(f"No such file or directory: {os.fspath(filename)}")
        self._numpy = framework in ("np", "numpy")
        with open(filename, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._data: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if size else b""
        self._contents: Contents | None = parse(self._data)

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *_: object) -> None:
        self._contents = self._data = None  # tensors that are still in use keep the map alive

    def _open(self) -> Contents:
        if self._contents is None:
            raise SafetensorError("the file is closed already")
        return self._contents

    def keys(self) -> list[str]:
        """The names of the tensors, sorted."""
        return sorted(self._open().entries)

    def offset_keys(self) -> list[str]:
        """The names of the tensors, in the order in which they stand in the file."""
        return list(self._open().entries)

    def metadata(self) -> dict[str, str] | None:
        """The text stored with the tensors, or None."""
        metadata = self._open().metadata
        return None if metadata is None else dict(metadata)

    def get_tensor(self, name: str) -> Any:
        """The tensor of that name. Raises SafetensorError if there is none."""
        return self._made(array_of(self._data, name, self._entry(name)))

    def get_tensors(self) -> dict[str, Any]:
        """All tensors by name."""
        return {name: self.get_tensor(name) for name in self.keys()}

    def get_slice(self, name: str) -> TensorSlice:
        """The tensor of that name, to be indexed: only what the index selects is read."""
        return TensorSlice(self, name, self._entry(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._open().entries

    def _entry(self, name: str) -> Entry:
        entry = self._open().entries.get(name)
        if entry is None:
            raise SafetensorError(f"File does not contain tensor {name}")
        return entry

    def _made(self, array: Any) -> Any:
        return array if self._numpy else _tensor(array)


class TensorSlice:
    """What `safe_open.get_slice` gives: a tensor that is read by indexing."""

    def __init__(self, file: safe_open, name: str, entry: Entry) -> None:
        self._file, self._name, self._known = file, name, entry

    def get_shape(self) -> list[int]:
        """The sizes of the whole tensor."""
        return list(self._known.shape)

    def get_dtype(self) -> str:
        """The format's name of the dtype, such as ``"F32"``."""
        return self._known.dtype

    def __getitem__(self, index: Any) -> Any:
        """The part that ints, slices and ``...`` select, as NumPy's indexing has it.

        Raises SafetensorError for other kinds of index and for numbers out of bounds.
        """
        parts = index if isinstance(index, tuple) else (index,)
        for place, part in enumerate(parts):
            if part is not Ellipsis and type(part) is not int and not isinstance(part, slice):
                raise SafetensorError(
                    f"Unsupported slice index at position {place}: expected slice, int, or ellipsis, "
                    f"got {type(part).__name__}"
                )
        self._file._open()
        array = array_of(self._file._data, self._name, self._known)
        try:
            return self._file._made(np.asarray(array[index]))
        except (IndexError, ValueError) as error:
            raise SafetensorError(
                f"Error during slicing {index!r:.80} with shape {list(self._known.shape)}: {error}"
            ) from error


def _tensor(array: Any) -> Any:
    from rushlight._core.tensor import wrap

    return wrap(array)


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a dict of text, got {type(metadata).__name__}")
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata must map text to text, got {key!r:.40}: {value!r:.40}")


def _arrays(tensors: Any) -> dict[str, Any]:
    """The arrays of tensors (or NumPy arrays), if the format can express them."""
    if not isinstance(tensors, Mapping):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    arrays: dict[str, Any] = {}
    for name, value in tensors.items():
        if not isinstance(name, str):
            raise TypeError(f"the names of tensors must be text, got {type(name).__name__}")
        if name == "__metadata__":
            raise ValueError("a tensor cannot be named `__metadata__`: the format keeps its text there")
        array = value if isinstance(value, np.ndarray) else getattr(value, "_array", None)
        if not isinstance(array, np.ndarray):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(value)}")
        if array.dtype.newbyteorder("=") not in NAMES:
            raise TypeError(
                f"tensor `{name}` has dtype {array.dtype}, which the safetensors format lacks; "
                f"it has {', '.join(str(dtype) for dtype in NAMES)}"
            )
        if not array.flags.c_contiguous:
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. Call "
                "`.contiguous()` on the tensor before saving."
            )
        arrays[name] = array
    _check_not_shared(arrays)
    return arrays


def _check_not_shared(arrays: dict[str, Any]) -> None:
    """Refuse overlapping memory: each tensor would be written, and come back, on its own."""
    spans = sorted(
        (start, start + array.nbytes, name)
        for name, array in arrays.items()
        if array.size
        for start in (array.__array_interface__["data"][0],)
    )
    for (_, end, first), (start, _, second) in itertools.pairwise(spans):
        if start < end:
            raise RuntimeError(
                "Some tensors share memory, this will lead to duplicate memory on disk and potential "
                f"differences when loading them again: {{{first!r}, {second!r}}}. "
                "Save one of them, or a `.clone()`."
            )
