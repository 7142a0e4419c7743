"""``torch.save`` and ``torch.load``: PyTorch's own files, read without running anything from them.

Loading builds plain data and tensors only; what else a file names must be listed by the caller with
`add_safe_globals`. The formats themselves are in ``_files``; here they meet the Tensor class.
"""

from __future__ import annotations

import contextlib
import io
import mmap as _mmap
import os
import pickle
import shutil
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from enum import Enum
from typing import IO, Any, TypeAlias

import numpy as np

from rushlight._files import LoadError, TruncatedFileError
from rushlight._files.atomic import replacing
from rushlight._files.legacy import LegacyReader, save_legacy
from rushlight._files.pickles import scan
from rushlight._files.storages import (
    DTYPES,
    Array,
    Spelling,
    Storage,
    StorageType,
    TensorRecord,
    contiguous_strides,
    locate,
)
from rushlight._files.torchzip import SIGNATURE, Archive, ZipReader, save_zip
from rushlight._files.vocabulary import Vocabulary

__all__ = [
    "LoadEndianness",
    "LoadError",
    "SourceChangeWarning",
    "StorageType",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "location_tag",
    "mkdtemp",
    "register_package",
    "safe_globals",
    "save",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
    "skip_data",
]

DEFAULT_PROTOCOL = 2
MAP_LOCATION: TypeAlias = Callable[[Any, str], Any] | str | dict[str, str] | None
"""What ``load`` takes as ``map_location``, for annotations (also a ``torch.device``)."""
MAP_PRIVATE = getattr(_mmap, "MAP_PRIVATE", None)
MAP_SHARED = getattr(_mmap, "MAP_SHARED", None)


class SourceChangeWarning(Warning):
    """PyTorch's warning of a module whose source changed since it was saved; for programs that filter it."""


class LoadEndianness(Enum):
    """The byte order of a file that does not record its own."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Options:
    endianness: LoadEndianness | None = None
    checksums = True
    mmap_flags: int | None = MAP_PRIVATE


_options = _Options()
_safe_globals: list[Any] = []


# ---- how the formats see our tensors ---------------------------------------------------------------------


class _Rushlight:
    """The `Host` of the file formats: tensors are made here and taken apart."""

    def __init__(self) -> None:
        from rushlight._core import dtypes, tensor
        from rushlight.nn.parameter import Parameter, UninitializedTensorMixin

        self.dtypes = {dtype.name: dtype for dtype in dtypes.ALL}
        self.dtype_type = dtypes.dtype
        self.wrap = tensor.wrap
        self.Tensor, self.Size, self.Device = tensor.Tensor, tensor.Size, tensor.device
        self.Layout, self.Format = tensor.layout, tensor.memory_format
        self.Parameter: Any = Parameter
        self.Uninitialized = UninitializedTensorMixin
        self.public = {id(self.Tensor): "Tensor", id(self.Size): "Size", id(self.Device): "device"}

    # reading

    def make_tensor(self, array: Array, requires_grad: bool) -> Any:
        tensor = self.wrap(array)
        return tensor.requires_grad_() if requires_grad else tensor

    def make_parameter(self, tensor: Any, requires_grad: bool) -> Any:
        return self.Parameter(tensor, requires_grad)

    def make_subclass(self, tensor: Any, kind: type) -> Any:
        return self.Tensor._make_subclass(kind, tensor, tensor.requires_grad)

    def make_sparse(self, indices: Any, values: Any, size: tuple[int, ...], is_coalesced: bool) -> Any:
        from rushlight.sparse import sparse_coo_tensor

        if indices.is_sparse or values.is_sparse or indices.dtype.name != "int64":
            raise LoadError("a sparse tensor must be made of dense values at places in int64")
        try:
            made = sparse_coo_tensor(indices, values, size)
            return made._coalesced_(is_coalesced and made.is_sorted())
        except (RuntimeError, TypeError, ValueError) as error:
            raise LoadError(f"the parts of a sparse tensor do not fit each other: {error}") from None

    def is_tensor(self, value: object) -> bool:
        return isinstance(value, self.Tensor)

    def set_state(self, tensor: Any, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if hasattr(type(tensor), name):
                raise LoadError(f"a tensor has the attribute {name!r:.80}, which would hide one of the class")
            tensor.__dict__[name] = value

    def dtype(self, name: str) -> Any:
        return self.dtypes.get(name)

    def layout(self, name: str) -> Any:
        return self.Layout(name) if name in ("torch.strided", "torch.sparse_coo") else None

    def size(self, values: tuple[int, ...]) -> Any:
        return self.Size(values)

    def device(self, *args: Any) -> Any:
        return self.Device(*args)

    def classes(self) -> tuple[type, type]:
        return self.Tensor, self.Parameter

    # writing

    def describe(self, value: object) -> TensorRecord | None:
        if not isinstance(value, self.Tensor):
            storages = sys.modules.get("rushlight.storage")
            if storages is not None and isinstance(value, (storages.TypedStorage, storages.UntypedStorage)):
                raise TypeError("torch.save: a storage by itself is not written here; save a tensor on it instead")
            return None
        if isinstance(value, self.Uninitialized):
            raise RuntimeError(
                "a parameter or buffer that waits for its shape cannot be saved; call the module once before"
            )
        if value.is_sparse:  # spelt out below
            return None
        array = value._array
        if type(array) is not np.ndarray:
            raise RuntimeError(
                f"a tensor inside a function transform ({type(array).__name__}) cannot be saved; save outside"
            )
        kind = type(value)
        parameter = isinstance(value, self.Parameter)
        state = {k: v for k, v in value.__dict__.items() if not k.startswith("_")}
        requires_grad = value.requires_grad
        return tensor_record(array, requires_grad, parameter, state, None if parameter or kind is self.Tensor else kind)

    def spell(self, value: object) -> Spelling | None:
        if isinstance(value, type | types.FunctionType):
            module, name = value.__module__, value.__qualname__
            public = self.public.get(id(value))
            if public:
                return Spelling("torch", public)
            root, dot, tail = (module or "").partition(".")
            if root == "torch" and getattr(sys.modules.get("rushlight" + dot + tail), name, None) is value:
                root = "rushlight"  # under the alias its classes bear PyTorch's names
            return Spelling("torch" + dot + tail, name) if root == "rushlight" else None
        if isinstance(value, self.Tensor):
            sparse: Any = value
            parts = (sparse._indices(), sparse._values().detach(), sparse.shape, sparse.is_coalesced())
            return Spelling("torch._utils", "_rebuild_sparse_tensor", (sparse.layout, parts))
        if isinstance(value, self.Layout):
            return Spelling("torch.serialization", "_get_layout", (str(value),))
        if isinstance(value, self.Format):
            raise TypeError(f"cannot save the memory format {value!r}: PyTorch has no way to write it")
        if isinstance(value, self.dtype_type):
            return Spelling("torch", value.name)
        if isinstance(value, self.Size):
            return Spelling("torch", "Size", (tuple(value),))
        if isinstance(value, self.Device):
            return Spelling("torch", "device", (value.type,) if value.index is None else (value.type, value.index))
        return None


class _OnMeta(_Rushlight):
    """The `Host` of ``map_location="meta"``: of tensors only the shapes are kept."""

    def make_tensor(self, array: Array, requires_grad: bool) -> Any:
        from rushlight._core.meta import meta

        return meta(array, requires_grad)


def tensor_record(
    array: Array,
    requires_grad: bool,
    is_parameter: bool,
    state: dict[str, Any] | None = None,
    kind: type | None = None,
) -> TensorRecord:
    """Describe an array as PyTorch does: its whole memory as one flat storage, and where it looks into it.

    Arrays that PyTorch cannot express (negative or broken strides, another byte order) are copied.
    """
    storage = _flat_owner(array)
    if storage is None:
        array = np.array(array, array.dtype.newbyteorder("="), order="C")
        storage = array.reshape(-1)
    item = array.dtype.itemsize
    offset, stride = 0, contiguous_strides(array.shape)
    if array.size:
        offset = (_address(array) - _address(storage)) // item
        stride = tuple(s // item if n > 1 else c for s, n, c in zip(array.strides, array.shape, stride, strict=True))
    if array.dtype.name not in DTYPES:
        raise TypeError(f"a tensor of dtype {array.dtype} cannot be saved in a PyTorch file")
    return TensorRecord(
        storage, offset, array.shape, stride, requires_grad, is_parameter, array.dtype.name, state, kind
    )


def _flat_owner(array: Array) -> Array | None:
    """The memory under ``array`` as one flat array of its dtype; None if it cannot be seen that way."""
    owner = array
    while type(owner.base) is np.ndarray:
        owner = owner.base
    item = array.dtype.itemsize
    if not array.dtype.isnative or owner.dtype.hasobject:
        return None
    dense = owner.transpose(sorted(range(owner.ndim), key=lambda d: -owner.strides[d]))
    if not dense.flags.c_contiguous:
        return None
    flat: Array = dense.reshape(-1)
    if flat.dtype != array.dtype:
        if flat.nbytes % item:
            return None
        flat = flat.view(array.dtype)
    start = _address(array) - _address(owner)
    steps = [s for s, n in zip(array.strides, array.shape, strict=True) if n > 1]
    if array.size and (start % item or any(s < 0 or s % item for s in steps)):
        return None
    return flat


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


# ---- saving ----------------------------------------------------------------------------------------------


def save(
    obj: object,
    f: str | os.PathLike[str] | IO[bytes],
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save ``obj`` to a file that `load` here and in PyTorch reads.

    ``f`` is a path or a file object open for writing bytes. Tensors that share memory are written once and
    share it again when loaded; so a small view brings the whole of its memory along (``clone()`` it first).
    Classes of Rushlight are written under PyTorch's names. A path is written to one side and then replaced
    in one step: an error or a crash leaves the old file whole.

    Raises:
        RuntimeError: two tensors see one memory as different dtypes, or the directory does not exist.
        AttributeError or pickle.PicklingError: the object holds something that cannot be pickled.

    >>> import io
    >>> import rushlight as torch
    >>> file = io.BytesIO()
    >>> torch.save({"weight": torch.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    {'weight': tensor([1., 1.])}
    """
    if pickle_module is not pickle:
        name = getattr(pickle_module, "__name__", pickle_module)
        raise ValueError(f"pickle_module must be Python's pickle, got {name!r}: files are written by our own pickler")
    if type(pickle_protocol) is not int or not 2 <= pickle_protocol <= pickle.HIGHEST_PROTOCOL:
        raise ValueError(
            f"pickle_protocol must be from 2 to {pickle.HIGHEST_PROTOCOL}, got {pickle_protocol!r} "
            "(PyTorch reads 2 with weights_only=True)"
        )
    path = isinstance(f, str | bytes | os.PathLike)
    if not path and not hasattr(f, "write"):
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {type(f).__name__}"
        )

    def write_to(file: IO[bytes], root: str) -> None:
        if _use_new_zipfile_serialization:
            host, checksums, record = _Rushlight(), _options.checksums, not _disable_byteorder_record
            save_zip(obj, file.write, host, root, pickle_protocol, checksums, record)
        else:
            save_legacy(obj, file.write, _Rushlight(), pickle_protocol)

    if path:
        with replacing(f) as file:  # type: ignore[arg-type]
            write_to(file, _archive_name(os.path.basename(os.fsdecode(f))))  # type: ignore[arg-type]
    else:
        write_to(f, "archive")  # type: ignore[arg-type]
        if hasattr(f, "flush"):
            f.flush()


def _archive_name(name: str) -> str:
    """The folder inside the archive: the file's name without its ending, as PyTorch has it."""
    stem = name.rpartition(".")[0] or name
    odd = stem in (".", "..") or stem.startswith(".") or not stem.isprintable() or "\\" in stem
    return "archive" if odd else stem


# ---- loading ---------------------------------------------------------------------------------------------


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load what `save` here or in PyTorch wrote, without running any code from the file.

    Reads PyTorch's zip files, its older format, and ``.safetensors`` paths. It builds None, numbers, text,
    bytes, lists, tuples, dicts, sets, OrderedDict, Counter, torch.Size, torch.device, dtypes, tensors and
    parameters; classes beyond these only if listed with `add_safe_globals` or `safe_globals`.

    Args:
        f: a path, or a file object open for reading bytes that can seek.
        map_location: None, ``"cpu"``, ``"meta"`` (shapes alone), a device, a dict of locations, or a function of
            (storage, location).
            Tensors saved on another device need one of these, as everything is loaded to the CPU.
        pickle_module: only None (or Python's pickle together with ``weights_only=False``): no module is used.
        weights_only: True, False or None all read the same safe way. ``False`` is accepted because programs
            pass it for files of plain data; a file that needs more raises all the same.
        mmap: read tensors from the file's own pages when they are used; ``f`` must be a path. What is
            written to such tensors stays in memory (see `set_default_mmap_options`).
        pickle_load_args: only ``encoding``, for text that Python 2 wrote.

    Raises:
        LoadError (a `pickle.UnpicklingError` and a `RuntimeError`): the file is damaged, hostile, or names a
            class that is not listed, or holds a dtype that NumPy lacks, such as bfloat16.

    >>> import io
    >>> import rushlight as torch
    >>> file = io.BytesIO()
    >>> torch.save([torch.arange(3), "text"], file)
    >>> _ = file.seek(0)
    >>> torch.load(file, weights_only=True)
    [tensor([0, 1, 2]), 'text']
    """
    encoding = _check_load_arguments(pickle_module, weights_only, pickle_load_args)
    if isinstance(f, str | bytes | os.PathLike):
        path = os.fspath(f)
        if os.fsdecode(path).endswith(".safetensors"):
            from rushlight.utils.safetensors import load_file

            if isinstance(map_location, dict) or (callable(map_location) and not hasattr(map_location, "type")):
                raise RuntimeError(
                    "Loading safetensors file with dict or callable map_location is not supported. "
                    "Use a device string or torch.device instead."
                )
            return load_file(path, "cpu" if map_location is None else str(map_location))
        with open(path, "rb") as file:
            return _load(file, path, map_location, bool(mmap), encoding)
    _check_seekable(f)
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    return _load(f, None, map_location, False, encoding)


def _check_load_arguments(pickle_module: Any, weights_only: Any, others: dict[str, Any]) -> str:
    if weights_only is not None and not isinstance(weights_only, bool):
        raise TypeError(f"weights_only must be True, False or None, got {type(weights_only).__name__}")
    if pickle_module is not None and (weights_only is not False or pickle_module is not pickle):
        raise RuntimeError(
            "Can not safely load weights when explicit pickle_module is specified; no module is used here, "
            "as nothing from the file is run. Leave pickle_module out."
        )
    encoding = others.pop("encoding", "utf-8")
    if others or not isinstance(encoding, str):
        raise TypeError(f"load() takes no pickle argument but a text `encoding`, got {sorted(others) or encoding!r}")
    return encoding


def _check_seekable(f: Any) -> None:
    for name in ("seek", "tell", "read"):
        if not hasattr(f, name):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{name}'. You can only torch.load from a "
                "file that is seekable. Please pre-load the data into a buffer like io.BytesIO and try to "
                "load from it instead."
            )
    try:
        f.seek(f.tell())
    except (io.UnsupportedOperation, OSError) as error:
        raise io.UnsupportedOperation(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the data into a "
            "buffer like io.BytesIO and try to load from it instead."
        ) from error


def _load(file: IO[bytes], path: Any, map_location: Any, mapped: bool, encoding: str) -> Any:
    start = file.tell()
    head = file.read(512)
    file.seek(start)
    if not isinstance(head, bytes):
        raise TypeError(f"load() needs a file opened in binary mode, but reading gave {type(head).__name__}")
    if not head:
        raise TruncatedFileError("the file is empty (or was not rewound after writing: call f.seek(0))")
    on_meta = isinstance(map_location, str) or hasattr(map_location, "type")
    on_meta = on_meta and str(map_location) == "meta"
    map_location = "cpu" if on_meta else map_location
    vocabulary = Vocabulary(_OnMeta() if on_meta else _Rushlight(), _safe_globals)
    if head.startswith(SIGNATURE):
        archive = Archive(file)
        if "constants.pkl" in archive:
            raise LoadError(
                "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``: they "
                "hold programs. Save the model's state_dict() with PyTorch instead."
            )
        pages = _pages(path) if mapped else None
        return ZipReader(archive, vocabulary, map_location, pages, _fallback_byteorder(), encoding).load()
    if mapped:
        raise LoadError(
            "mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True), "
            "please torch.save your checkpoint with this option in order to use mmap."
        )
    if head[257:262] == b"ustar":
        raise LoadError(
            "Cannot use ``weights_only=True`` with files saved in the legacy .tar format. "
            "Load the file with PyTorch and save it again to load it here."
        )
    data: Any
    if path is not None:
        data = _mmap.mmap(file.fileno(), 0, access=_mmap.ACCESS_READ)
    else:
        data = file.read()
    return LegacyReader(data, vocabulary, map_location, encoding).load()


def _pages(path: Any) -> _mmap.mmap:
    if _options.mmap_flags == MAP_SHARED and MAP_SHARED is not None:
        with open(path, "r+b") as file:
            return _mmap.mmap(file.fileno(), 0, access=_mmap.ACCESS_WRITE)
    with open(path, "rb") as file:
        return _mmap.mmap(file.fileno(), 0, access=_mmap.ACCESS_COPY)


def _fallback_byteorder() -> str:
    if _options.endianness is LoadEndianness.NATIVE:
        return sys.byteorder
    return "big" if _options.endianness is LoadEndianness.BIG else "little"


# ---- what is safe ----------------------------------------------------------------------------------------


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Trust these classes and functions in every later `load`: it may make and call them.

    Each is a class or function, or a tuple of one and the full name under which files mean it. List only
    what is harmless with any arguments, as a file chooses them. Names from modules that run programs
    (``os``, ``subprocess`` ...) stay blocked.

    >>> import rushlight as torch
    >>> from fractions import Fraction
    >>> torch.serialization.add_safe_globals([Fraction])
    >>> torch.serialization.get_safe_globals()
    [<class 'fractions.Fraction'>]
    >>> torch.serialization.clear_safe_globals()
    """
    _safe_globals.extend(item for item in safe_globals if item not in _safe_globals)


def get_safe_globals() -> list[Any]:
    """What has been listed with `add_safe_globals`."""
    return list(_safe_globals)


def clear_safe_globals() -> None:
    """Forget everything listed with `add_safe_globals`."""
    _safe_globals.clear()


class safe_globals:
    """Trust these classes and functions within a ``with`` block, as `add_safe_globals` does for good.

    >>> import rushlight as torch
    >>> from fractions import Fraction
    >>> with torch.serialization.safe_globals([Fraction]):
    ...     len(torch.serialization.get_safe_globals())
    1
    >>> torch.serialization.get_safe_globals()
    []
    """

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = list(safe_globals)

    def __enter__(self) -> None:
        self._added = [item for item in self.safe_globals if item not in _safe_globals]
        add_safe_globals(self.safe_globals)

    def __exit__(self, *_: object) -> None:
        for item in self._added:
            with contextlib.suppress(ValueError):
                _safe_globals.remove(item)


def get_unsafe_globals_in_checkpoint(f: str | os.PathLike[str] | IO[bytes]) -> list[str]:
    """The full names in a file that `load` would refuse; nothing is built.

    Names that a stream puts together while it runs are not found.

    Raises ValueError if the file is no zip archive of `save`.

    >>> import io
    >>> import rushlight as torch
    >>> from fractions import Fraction
    >>> file = io.BytesIO()
    >>> torch.save(Fraction(1, 2), file)
    >>> _ = file.seek(0)
    >>> torch.serialization.get_unsafe_globals_in_checkpoint(file)
    ['fractions.Fraction']
    """
    if isinstance(f, str | bytes | os.PathLike):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    _check_seekable(f)
    start = f.tell()
    head = f.read(4)
    f.seek(start)
    if head != SIGNATURE:
        raise ValueError("Expected input to be a checkpoint returned by torch.save")
    archive = Archive(f)
    if "constants.pkl" in archive:
        raise ValueError("Expected input to be a checkpoint returned by torch.save but got a torchscript checkpoint")
    vocabulary = Vocabulary(_Rushlight(), _safe_globals)
    _, names = scan(archive.read("data.pkl"))
    return sorted(name for name in names if not vocabulary.allows(name))


# ---- options ---------------------------------------------------------------------------------------------


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order assumed for files that do not record theirs; None means little-endian."""
    return _options.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Set the byte order assumed for files that do not record theirs.

    Raises TypeError for anything but a `LoadEndianness` or None.
    """
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError(
            "Invalid argument type in function set_default_load_endianness: expected a LoadEndianness or "
            f"None, got {type(endianness).__name__}"
        )
    _options.endianness = endianness


def get_crc32_options() -> bool:
    """Whether `save` writes checksums (True at first)."""
    return _options.checksums


def set_crc32_options(compute_crc32: bool) -> None:
    """Set whether `save` writes checksums. Without them damage to the data goes unnoticed by `load`."""
    _options.checksums = bool(compute_crc32)


def get_default_mmap_options() -> int | None:
    """How ``load(mmap=True)`` maps a file: ``mmap.MAP_PRIVATE`` at first."""
    return _options.mmap_flags


class set_default_mmap_options:
    """Set how ``load(mmap=True)`` maps a file, for good or within a ``with`` block.

    With ``mmap.MAP_PRIVATE`` what is written to the tensors stays in memory; with ``mmap.MAP_SHARED`` it
    changes the file.

    Raises ValueError for other flags.
    """

    def __init__(self, flags: int) -> None:
        if MAP_PRIVATE is None:
            raise RuntimeError("Changing the default mmap options is currently not supported for Windows")
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or "
                f"mmap.MAP_SHARED, but got {flags}"
            )
        self.previous = _options.mmap_flags
        _options.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _options.mmap_flags = self.previous


class skip_data:
    """PyTorch's way to save or load tensors without their numbers; not supported: raises on use."""

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        raise NotImplementedError(
            "torch.serialization.skip_data is not supported. To load without reading the numbers at once, "
            "use torch.load(path, mmap=True)."
        )


def register_package(
    priority: int, tagger: Callable[[Any], str | None], deserializer: Callable[[Any, str], Any]
) -> None:
    """PyTorch's hook for storages on other devices; not supported, as all tensors are on the CPU: raises."""
    raise NotImplementedError(
        "torch.serialization.register_package is not supported: all tensors are on the CPU. "
        "Use the `map_location` of torch.load to bring storages of other devices here."
    )


def location_tag(storage: Any) -> str:
    """The name under which a storage's device is written: always ``"cpu"``."""
    return "cpu"


def default_restore_location(storage: Storage, location: str) -> Storage:
    """The storage itself if ``location`` is the CPU; RuntimeError if it is another device."""
    return locate(None)(storage, location)


@contextlib.contextmanager
def mkdtemp() -> Iterator[str]:
    """A temporary directory that is removed at the end of the ``with`` block."""
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path)
