"""The safetensors format: eight bytes of length, a JSON header, then the tensors' bytes without gaps.

Nothing in the format can run, and what its header claims is checked completely before an array is made:
every byte of the file belongs to exactly one tensor. Arrays are windows on the file's bytes, not copies.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from rushlight._files import LoadError
from rushlight._files.storages import MAX_DIMS, Array, raw_bytes, repair_bools

MAX_HEADER = 100_000_000
"""Bytes of the header: the format's own limit."""

BITS: dict[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
"""Bits an element, in the format's order of dtypes (files are written from the last to the first)."""

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8),
    "I8": np.dtype(np.int8),
    "I16": np.dtype(np.int16),
    "U16": np.dtype(np.uint16),
    "F16": np.dtype(np.float16),
    "I32": np.dtype(np.int32),
    "U32": np.dtype(np.uint32),
    "F32": np.dtype(np.float32),
    "C64": np.dtype(np.complex64),
    "F64": np.dtype(np.float64),
    "I64": np.dtype(np.int64),
    "U64": np.dtype(np.uint64),
}

NAMES: dict[np.dtype[Any], str] = {dtype: name for name, dtype in DTYPES.items()}
_RANK: dict[str, int] = {name: rank for rank, name in enumerate(BITS)}


class SafetensorError(LoadError):
    """A safetensors file or call that is not right."""


class Entry(NamedTuple):
    """A tensor in a file: bytes ``start`` to ``end``, counted from the beginning of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Contents(NamedTuple):
    entries: dict[str, Entry]
    metadata: dict[str, str] | None


def parse(data: Any) -> Contents:
    """Read and check the header at the head of ``data``, which is the whole file (bytes or a memory map).

    Raises SafetensorError if anything at all is wrong.
    """
    view = memoryview(data)
    if len(view) < 8:
        _fail("header too small: the file has fewer than 8 bytes")
    length = int.from_bytes(view[:8], "little")
    if length > MAX_HEADER:
        _fail(f"header too large: {length} bytes, at most {MAX_HEADER} are allowed")
    if length > len(view) - 8:
        _fail(f"invalid header length: {length} bytes are announced, {len(view) - 8} are there")
    header = _decode(bytes(view[8 : 8 + length]))
    metadata = header.pop("__metadata__", None)
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        _fail("invalid JSON in header: __metadata__ must map text to text")
    body = 8 + length
    entries = {name: _entry(name, value, body) for name, value in header.items()}
    position = body
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].end)))
    for name, entry in ordered.items():
        if entry.start != position:
            problem = "overlaps the one before it" if entry.start < position else "leaves a hole before it"
            _fail(f"invalid offset for tensor `{name:.80}`: it {problem}")
        position = entry.end
    if position != len(view):
        _fail(
            f"incomplete metadata, file not fully covered: the tensors end at byte {position}, the file at {len(view)}"
        )
    return Contents(ordered, metadata)


def _fail(problem: str) -> NoReturn:
    raise SafetensorError(f"Error while deserializing: {problem}")


def _decode(raw: bytes) -> dict[str, Any]:
    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name stands twice")
        return found

    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise SafetensorError(f"Error while deserializing: invalid JSON in header: {error!s:.200}") from error
    if not isinstance(header, dict):
        _fail(f"invalid JSON in header: expected an object, got {type(header).__name__}")
    return header


def _entry(name: str, value: Any, body: int) -> Entry:
    if not isinstance(value, dict) or not {"dtype", "shape", "data_offsets"} <= value.keys():
        _fail(f"invalid JSON in header: tensor `{name:.80}` needs dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        _fail(
            f"invalid JSON in header: unknown dtype {dtype!r:.40} of tensor `{name:.80}`, expected one of "
            f"{', '.join(BITS)}"
        )
    if not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
        _fail(f"invalid JSON in header: shape or data_offsets of tensor `{name:.80}` are not natural numbers")
    start, end = offsets
    bits = BITS[dtype]
    for size in shape:
        bits *= size
        if bits >= 2**66:
            _fail(f"overflow computing buffer size from shape and/or element type of tensor `{name:.80}`")
    if bits % 8 or end - start != bits // 8:
        _fail(
            f"invalid shape, data type, or offset for tensor `{name:.80}`: {dtype} of shape {shape!s:.80} "
            f"needs {bits / 8:g} bytes, its offsets span {end - start}"
        )
    return Entry(dtype, tuple(shape), body + start, body + end)


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**63 for v in values)


def array_of(data: Any, name: str, entry: Entry) -> Array:
    """The array of an entry, over the memory of ``data`` (a copy only where that memory will not do)."""
    dtype = DTYPES.get(entry.dtype)
    if dtype is None:
        raise SafetensorError(
            f"tensor `{name:.80}` has dtype {entry.dtype}, which NumPy lacks, so it cannot be loaded here. "
            "Convert it with PyTorch: `value.float()`, and save it again."
        )
    if len(entry.shape) > MAX_DIMS:
        raise SafetensorError(f"tensor `{name:.80}` has {len(entry.shape)} dimensions; at most {MAX_DIMS} are possible")
    if entry.start == entry.end:
        flat: Array = np.empty(0, dtype)
        if any(size * dtype.itemsize >= 2**63 for size in entry.shape):
            raise SafetensorError(f"tensor `{name:.80}` of shape {entry.shape} exceeds the address space")
    else:
        flat = np.frombuffer(data, dtype, (entry.end - entry.start) // dtype.itemsize, entry.start)
        if not flat.flags.aligned or not flat.flags.writeable:
            flat = flat.copy()
        if sys.byteorder == "big":
            flat = flat.byteswap()
        repair_bools(flat)
    try:
        return flat.reshape(entry.shape)
    except ValueError as error:  # an empty tensor whose other sizes are too much even for NumPy
        raise SafetensorError(f"tensor `{name:.80}` of shape {entry.shape}: {error}") from error


def serialize(arrays: Mapping[str, Array], metadata: Mapping[str, str] | None, write: Callable[[Any], object]) -> None:
    """Write the file: tensors of wide dtypes first, then by name, as the format's own writer does."""
    header: dict[str, Any] = {}
    if metadata is not None:
        header["__metadata__"] = dict(metadata)
    names = sorted(arrays, key=lambda name: (-_RANK[NAMES[arrays[name].dtype.newbyteorder("=")]], name.encode()))
    start = 0
    for name in names:
        array = arrays[name]
        end = start + array.nbytes
        dtype = NAMES[array.dtype.newbyteorder("=")]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [start, end]}
        start = end
    raw = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    raw += b" " * (-len(raw) % 8)
    if len(raw) > MAX_HEADER:
        raise SafetensorError(f"the header would have {len(raw)} bytes, at most {MAX_HEADER} are allowed")
    write(struct.pack("<Q", len(raw)) + raw)
    for name in names:
        array = np.asarray(arrays[name], arrays[name].dtype.newbyteorder("<"), order="C")
        if array.size:
            write(raw_bytes(array.reshape(-1)))
