"""PyTorch's zip archive: one pickle stream, and one stored (never compressed) member a storage.

Reading trusts nothing: the directory, each member's own header, sizes, overlaps and names are checked against
the file before a byte of data is taken. Writing gives the bytes that PyTorch would write.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

from rushlight._files import LoadError, TruncatedFileError
from rushlight._files.pickles import Interpreter, Stream, Writer
from rushlight._files.storages import (
    Array,
    Host,
    Storage,
    StorageType,
    locate,
    raw_bytes,
    repair_bools,
    supported,
    whole_number,
)
from rushlight._files.vocabulary import Vocabulary

SIGNATURE = b"PK\x03\x04"
ALIGNMENT = 64
MAX_MEMBERS = 1_000_000
MAX_RATIO = 20
"""A member packed tighter than this is refused; PyTorch packs none."""

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR64 = struct.Struct("<4sLQL")
_END = struct.Struct("<4sHHHHLLH")
_LIMIT32 = 0xFFFFFFFF


# ---- reading -----------------------------------------------------------------------------------------------


class Member(NamedTuple):
    """Where the bytes of a member stand in the file. ``packed`` differs from ``size`` if compressed."""

    offset: int
    size: int
    packed: int
    compressed: bool
    crc: int


class Archive:
    """The members of a zip file by name without the archive's own folder: ``data.pkl``, ``data/0`` ...

    ``file`` must be seekable; it is read only where a member is asked for.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        file.seek(0, os.SEEK_END)
        self.file_size = file.tell()
        try:
            with zipfile.ZipFile(file) as directory:
                entries = directory.infolist()
                end = directory.start_dir
        except LoadError:
            raise
        except Exception as error:  # a damaged directory shows in many ways
            raise LoadError(
                f"PytorchStreamReader failed reading zip archive: {error}. The file is truncated or damaged; "
                "save or download it again."
            ) from error
        if not entries or len(entries) > MAX_MEMBERS:
            raise LoadError(f"a zip archive with {len(entries)} members is no PyTorch file")
        self.root = entries[0].orig_filename.partition("/")[0]
        self.members: dict[str, Member] = {}
        for entry in entries:
            name = self._relative(entry)
            if name in self.members:
                raise LoadError(f"the archive has two members named {name!r:.80}")
            self.members[name] = self._locate(entry)
        self._check_overlaps(end)

    def _relative(self, entry: zipfile.ZipInfo) -> str:
        name = entry.orig_filename
        root, slash, rest = name.partition("/")
        parts = rest.split("/")
        if (
            root != self.root
            or not slash
            or root in ("", ".", "..")
            or any(part in ("", ".", "..") for part in parts)
            or any(c in name for c in "\\\0")
        ):
            raise LoadError(f"the archive has a member with the unusual name {name!r:.80}")
        return rest

    def _locate(self, entry: zipfile.ZipInfo) -> Member:
        """Find the member's data by its own header, which must agree with the directory."""
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 0x2041:
            raise LoadError(f"the member {entry.orig_filename!r:.80} is encrypted or compressed in an unknown way")
        if not 0 <= entry.header_offset <= self.file_size - _LOCAL.size:
            raise TruncatedFileError(f"the member {entry.orig_filename!r:.80} stands outside the file")
        self.file.seek(entry.header_offset)
        header = read_exactly(self.file, _LOCAL.size)
        signature, _, flags, method, _, _, _, _, _, name_length, extra_length = _LOCAL.unpack(header)
        raw_name = read_exactly(self.file, name_length)
        name = raw_name.decode("utf-8" if flags & 0x800 else "cp437", "replace")
        if signature != SIGNATURE or name != entry.orig_filename or method != entry.compress_type:
            raise LoadError(f"the member {entry.orig_filename!r:.80} and its entry in the directory differ")
        compressed = method == zipfile.ZIP_DEFLATED
        if not compressed and entry.file_size != entry.compress_size:
            raise LoadError(f"the stored member {name!r:.80} has two sizes")
        if compressed and entry.file_size > MAX_RATIO * entry.compress_size + 4096:
            raise LoadError(
                f"the member {name!r:.80} would unpack from {entry.compress_size} to {entry.file_size} "
                f"bytes; members packed more than {MAX_RATIO} times are refused. "
                "Unpack the archive and zip it again without compression."
            )
        start = entry.header_offset + _LOCAL.size + name_length + extra_length
        return Member(start, entry.file_size, entry.compress_size, compressed, entry.CRC)

    def _check_overlaps(self, end: int) -> None:
        """Members may not share bytes: the sum of their sizes is then at most the file's."""
        previous = 0
        for member in sorted(self.members.values()):
            if member.offset < previous:
                raise LoadError("the archive has members that overlap")
            previous = member.offset + member.packed
        if previous > end:
            raise TruncatedFileError("the archive has a member that reaches beyond its end")

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def read(self, name: str, limit: int | None = None) -> bytes:
        """The bytes of a member, checked against its sum."""
        member = self._get(name)
        if limit is not None and member.size > limit:
            raise LoadError(f"the member {name!r} has {member.size} bytes, at most {limit} were expected")
        data = bytearray(member.size)
        self.read_into(name, memoryview(data))
        return bytes(data)

    def read_into(self, name: str, target: memoryview) -> None:
        """Fill ``target``, which may be a little shorter than the member."""
        member = self._get(name)
        self.file.seek(member.offset)
        if member.compressed:
            whole = _unpack(self.file, member, name)
            target[:] = whole[: len(target)]
            found = zlib.crc32(whole)
        else:
            read_into(self.file, target)
            found = zlib.crc32(read_exactly(self.file, member.size - len(target)), zlib.crc32(target))
        if found != member.crc and member.crc:  # 0: PyTorch was told to leave the sums out
            raise LoadError(f"the member {name!r} does not match its checksum; the file is damaged")

    def _get(self, name: str) -> Member:
        if name not in self.members:
            raise LoadError(
                f"PytorchStreamReader failed locating file {name}: file not found (the archive has "
                f"{', '.join(sorted(self.members)[:6])} ...)"
            )
        return self.members[name]


def _unpack(file: IO[bytes], member: Member, name: str) -> bytes:
    machine = zlib.decompressobj(-15)
    try:
        data = machine.decompress(read_exactly(file, member.packed), member.size + 1)
    except zlib.error as error:
        raise LoadError(f"the member {name!r} cannot be unpacked: {error}") from error
    if len(data) != member.size:
        raise LoadError(f"the member {name!r} does not unpack to the size it declares")
    return data


def read_exactly(file: IO[bytes], count: int) -> bytes:
    """``count`` bytes, or TruncatedFileError. Asks in pieces, so a false count reserves no memory."""
    pieces, missing = [], count
    while missing:
        piece = file.read(min(missing, 1 << 24))
        if not piece:
            raise TruncatedFileError(f"the file ends {missing} bytes too early")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def read_into(file: Any, target: memoryview) -> None:
    """Fill ``target``, without a copy where the file can."""
    done = 0
    while done < len(target):
        if hasattr(file, "readinto"):
            count = file.readinto(target[done:])
        else:
            piece = file.read(min(len(target) - done, 1 << 24))
            count = len(piece)
            target[done : done + count] = piece
        if not count:
            raise TruncatedFileError(f"the file ends {len(target) - done} bytes too early")
        done += count


class ZipReader:
    """Loads one archive. With ``mapped``, storages are the file's own pages instead of copies.

    ``byteorder`` is what an archive without a record of it is taken to be in.
    """

    def __init__(
        self,
        archive: Archive,
        vocabulary: Vocabulary,
        map_location: Any = None,
        mapped: mmap.mmap | None = None,
        byteorder: str = "little",
        encoding: str = "utf-8",
    ) -> None:
        self.archive = archive
        self.vocabulary = vocabulary
        self.place = locate(map_location)
        self.mapped = mapped
        self.encoding = encoding
        self.storages: dict[str, Storage] = {}
        if "byteorder" in archive:
            byteorder = archive.read("byteorder", 16).decode("ascii", "replace")
        if byteorder not in ("little", "big"):
            raise LoadError(f"Unknown endianness type: {byteorder!r}")
        self.swap = byteorder != sys.byteorder

    def load(self) -> Any:
        stream = Stream(self.archive.read("data.pkl"))
        return Interpreter(stream, self.vocabulary, self.persistent, self.encoding).run()

    def persistent(self, saved: object) -> Storage:
        """The storage for ``("storage", type, key, location, numel)``."""
        kind, key, location, numel = storage_id(saved, 5)[:4]
        dtype = supported(kind.dtype, f"the storage {key!r:.80}")
        member = self.archive._get(f"data/{key}")
        size = numel * dtype.itemsize
        if not size <= member.size < size + dtype.itemsize:
            raise LoadError(
                f"the storage {key!r} should have {numel} elements of {dtype} ({size} bytes), "
                f"but the archive holds {member.size} bytes"
            )
        if key in self.storages:
            known = self.storages[key]
            if known.array.dtype != dtype:
                raise LoadError(f"the storage {key!r} is used as {known.array.dtype} and as {dtype}")
            return known
        array = self._mapped(member, dtype, numel) if self.mapped else self._copied(key, dtype, numel)
        repair_bools(array)
        storage = Storage(key, array)
        storage.foreign = self.swap
        self.storages[key] = self.place(storage, location)
        return self.storages[key]

    def _copied(self, key: str, dtype: np.dtype[Any], numel: int) -> Array:
        array: Array = np.empty(numel, dtype)
        self.archive.read_into(f"data/{key}", raw_bytes(array))
        return array.byteswap(inplace=True) if self.swap else array

    def _mapped(self, member: Member, dtype: np.dtype[Any], numel: int) -> Array:
        """A window on the file; each storage is an array of its own, as each is memory of its own."""
        if member.compressed or self.swap:
            raise LoadError("mmap=True needs members stored as they are, in this machine's byte order")
        if not numel:
            return np.empty(0, dtype)
        array: Array = np.frombuffer(self.mapped, dtype, numel, member.offset)  # type: ignore[arg-type]
        return array if array.flags.aligned else array.copy()


def storage_id(saved: object, length: int) -> tuple[StorageType, str, str, int, Any]:
    """Check a persistent id: type, key, location, number of elements, and what follows in legacy files."""
    if not isinstance(saved, tuple) or len(saved) != length or text(saved[0]) != "storage":
        raise LoadError("Only persistent_load of storage is allowed: the file names something else")
    kind = saved[1]
    if type(kind) is not StorageType:
        raise LoadError(f"a storage must have a storage type, got {type(kind).__name__}")
    numel = whole_number(saved[4], "a storage's size")
    return kind, text(saved[2]), text(saved[3]), numel, saved[5:]


def text(value: object) -> str:
    """Text that Python 2 may have written as bytes."""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    if type(value) is not str:
        raise LoadError(f"a storage's key and location must be text, got {type(value).__name__}")
    return value


# ---- writing -----------------------------------------------------------------------------------------------


class ZipWriter:
    """Writes stored, aligned members one after the other to anything with ``write``."""

    def __init__(
        self, write: Callable[[Any], object], root: str, checksums: bool = True, limit: int = _LIMIT32
    ) -> None:
        self._write = write
        self.root = root
        self.checksums = checksums
        self.limit = limit  # from here on sizes and offsets need 64 bits
        self.position = 0
        self.directory = io.BytesIO()
        self.names: list[str] = []
        self.sums: list[int] = []

    def write(self, data: Any) -> None:
        self._write(data)
        self.position += len(data)

    def member(self, name: str, data: bytes | memoryview) -> None:
        raw_name = f"{self.root}/{name}".encode()
        start, size = self.position, len(data)
        crc = zlib.crc32(data) if self.checksums else 0
        flags = 0x800 | (0x08 if size else 0)  # UTF-8; sizes follow the data
        wide = (size, size) if size >= self.limit else ()
        far = (start,) if start >= self.limit else ()
        extra = _extra64((*wide, *far))
        head = _LOCAL.size + len(raw_name) + len(extra) + 4
        padding = -(start + head) % ALIGNMENT
        pad = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        shown = _LIMIT32 if wide else 0
        local = _LOCAL.pack(SIGNATURE, 0, flags, 0, 0, 0, 0, shown, shown, len(raw_name), len(extra) + len(pad))
        self.write(local + raw_name + extra + pad)
        if size:
            self.write(data)
            self.write(struct.pack("<4sLQQ" if wide or far else "<4sLLL", b"PK\x07\x08", crc, size, size))
        short = _LIMIT32 if wide else size
        where = _LIMIT32 if far else start
        numbers = (0, 0, flags, 0, 0, 0, crc, short, short, len(raw_name), len(extra), 0, 0, 0, 0, where)
        self.directory.write(_CENTRAL.pack(b"PK\x01\x02", *numbers) + raw_name + extra)
        self.names.append(name)
        self.sums.append(crc)

    def finish(self) -> None:
        """Write what PyTorch ends with: the version, an id that depends on the content, the directory."""
        self.member("version", b"3\n")
        digits = [
            int.from_bytes(hashlib.sha256(repr(part).encode()).digest()[:8], "little")
            for part in (self.names, self.sums)
        ]
        self.member(".data/serialization_id", "".join(f"{d:020d}" for d in digits).encode())
        start, count, entries = self.position, len(self.names), self.directory.getvalue()
        self.write(entries)
        end = self.position
        self.write(_END64.pack(b"PK\x06\x06", 44, 0x031E, 45, 0, 0, count, count, len(entries), start))
        self.write(_LOCATOR64.pack(b"PK\x06\x07", 0, end, 1))
        few, length, at = min(count, 0xFFFF), min(len(entries), _LIMIT32), min(start, _LIMIT32)
        self.write(_END.pack(b"PK\x05\x06", 0, 0, few, few, length, at, 0))


def _extra64(values: tuple[int, ...]) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""


def save_zip(
    value: object,
    write: Callable[[Any], object],
    host: Host,
    root: str = "archive",
    protocol: int = 2,
    checksums: bool = True,
    byteorder_record: bool = True,
) -> None:
    """Write ``value`` as an archive. The pickle is made first: what cannot be saved writes nothing."""
    pickler = Writer(host, protocol)
    pickler.dump(value)
    archive = ZipWriter(write, root, checksums)
    archive.member("data.pkl", pickler.buffer.getvalue())
    archive.member(".format_version", b"1")
    archive.member(".storage_alignment", str(ALIGNMENT).encode())
    if byteorder_record:
        archive.member("byteorder", sys.byteorder.encode())
    for key, storage in pickler.storages.items():
        archive.member(f"data/{key}", raw_bytes(storage))
    archive.finish()
