"""Files that chance made: loading gives data or a LoadError, soon and in little memory."""

from __future__ import annotations

import collections
import io
import pickle
import random
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from files_stand_in import P, Size, StandIn, T
from rushlight import serialization as S
from rushlight._files import LoadError
from rushlight._files.pickles import OPCODES
from rushlight.utils import safetensors as U

SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: Any) -> None:
    monkeypatch.setattr(S, "_Rushlight", StandIn)
    monkeypatch.setattr(U, "_tensor", T)


def value() -> Any:
    base = np.arange(24, dtype=np.float32)
    state = collections.OrderedDict(w=P(base.reshape(4, 6), True), b=T(base[3:9]), n=T(np.array(3)))
    state._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    return {
        "state": state,
        "step": 3,
        "size": Size((1, 2)),
        "more": [None, (1, 2.5), b"x", {1}, 1j],
        "k": T(base > 3),
    }


def bytes_of(zipped: bool, protocol: int = 2) -> bytes:
    before, S._Rushlight = S._Rushlight, StandIn  # type: ignore[assignment, misc]
    try:
        file = io.BytesIO()
        S.save(value(), file, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
        return file.getvalue()
    finally:
        S._Rushlight = before  # type: ignore[misc]


ZIPS = [bytes_of(True), bytes_of(True, 4)]
LEGACY = [bytes_of(False), bytes_of(False, 4)]
TENSORS = U.save({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(3, bool)}, {"k": "v"})


def check_tensors(found: Any, seen: set[int] | None = None) -> None:
    """Every tensor that came out stays inside the memory under it."""
    pending, seen = [found], set()
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, T):
            array = item._array
            low, high = np.lib.array_utils.byte_bounds(array) if array.size else (0, 0)
            root = array
            while type(root.base) is np.ndarray:
                root = root.base
            start, end = np.lib.array_utils.byte_bounds(root)
            assert not array.size or (start <= low and high <= end)
            assert array.dtype.kind != "O"
        elif isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            pending += item


def load(data: bytes, limit: int = 64) -> None:
    """Load and look; anything but data or a LoadError is a failure."""
    tracemalloc.start()
    try:
        check_tensors(S.load(io.BytesIO(data)))
    except LoadError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < limit * len(data) + 3_000_000


@st.composite
def damaged(draw: Any, originals: list[bytes]) -> bytes:
    """A file with bytes changed, cut out, doubled or put in."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(0, 40))
        match draw(st.integers(0, 5)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                data[at : at + 1] = bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) if data else b""
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at:at] = draw(st.binary(max_size=12))
            case 5:
                data[at : at + 4] = struct.pack("<I", draw(st.sampled_from([0, 1, 2**16, 2**31, 2**32 - 1])))
    return bytes(data)


@SETTINGS
@given(damaged(ZIPS))
def test_damaged_zip(data: bytes) -> None:
    load(data)


@SETTINGS
@given(damaged(LEGACY))
def test_damaged_legacy(data: bytes) -> None:
    load(data)


@SETTINGS
@given(st.sampled_from(ZIPS + LEGACY), st.floats(0, 1))
def test_truncated(data: bytes, part: float) -> None:
    cut = data[: int(part * len(data))]
    if len(cut) < len(data):
        with pytest.raises(LoadError):
            S.load(io.BytesIO(cut))


def wrapped(stream: bytes) -> bytes:
    """The stream in an archive whose checksums are right, with storages to find."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("a/data.pkl", stream)
        for key in range(3):
            out.writestr(f"a/data/{key}", np.arange(24, dtype=np.float32).tobytes())
    return file.getvalue()


STREAMS = [zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl") for data in ZIPS]


@SETTINGS
@given(damaged(STREAMS))
def test_damaged_stream(stream: bytes) -> None:
    load(wrapped(stream), 400)


@SETTINGS
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    load(data)
    load(wrapped(data), 400)
    load(b"PK\x03\x04" + data)
    with pytest.raises(LoadError):
        U.load(data)


NAMES = [
    b"collections\nOrderedDict\n", b"collections\nCounter\n", b"builtins\nset\n", b"builtins\nbytearray\n",
    b"builtins\ncomplex\n", b"_codecs\nencode\n", b"torch\nSize\n", b"torch\ndevice\n", b"torch\nfloat32\n",
    b"torch\nFloatStorage\n", b"torch\nTensor\n", b"torch.storage\nUntypedStorage\n", b"torch\nint64\n",
    b"torch._utils\n_rebuild_tensor_v2\n", b"torch._utils\n_rebuild_tensor_v3\n",
    b"torch._utils\n_rebuild_tensor\n", b"torch._utils\n_rebuild_parameter\n", b"builtins\nlist\n",
    b"torch._utils\n_rebuild_parameter_with_state\n",
    b"torch._tensor\n_rebuild_from_type_v2\n", b"torch.nn.parameter\nParameter\n", b"builtins\nfrozenset\n",
    b"numpy\ndtype\n", b"numpy\nndarray\n", b"numpy._core.multiarray\n_reconstruct\n",
    b"numpy._core.multiarray\nscalar\n", b"os\nsystem\n", b"builtins\neval\n",
]  # fmt: skip
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x18tQ"


def integer() -> st.SearchStrategy[bytes]:
    numbers = st.one_of(st.integers(0, 30), st.sampled_from([-1, 2**31, 2**62, 2**63, 2**64, 2**200]), st.integers())

    def encode(number: int) -> bytes:
        raw = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(raw)]) + raw if len(raw) < 256 else b"N"

    return numbers.map(encode)


def opcodes() -> st.SearchStrategy[bytes]:
    """Opcodes with arguments that fit them, so that programs get far."""
    plain = [bytes([code]) for code, opcode in OPCODES.items() if not opcode.argument]
    memo = st.integers(0, 4).map(lambda n: bytes([n]))
    text = st.sampled_from(["storage", "0", "cpu", "a", "latin1", "__class__", "é"]).map(str.encode)
    return st.one_of(
        st.sampled_from(plain),
        st.sampled_from(plain),
        st.sampled_from([b"(", b"t", b"\x85", b"\x86", b"\x87", b"]", b"}", b")", b"R", b"R", b"2", b"b", b"\x81"]),
        st.sampled_from(NAMES).map(lambda n: b"c" + n),
        st.sampled_from(NAMES).map(lambda n: b"c" + n),
        st.just(STORAGE),
        integer(),
        text.map(lambda t: b"X" + struct.pack("<I", len(t)) + t),
        st.binary(max_size=8).map(lambda t: b"C" + bytes([len(t)]) + t),
        memo.map(lambda n: b"q" + n),
        memo.map(lambda n: b"h" + n),
        st.floats().map(lambda f: b"G" + struct.pack(">d", f)),
    )


@settings(parent=SETTINGS, max_examples=600)
@given(st.lists(opcodes(), max_size=40), st.booleans())
def test_programs(parts: list[bytes], listed: bool) -> None:
    core = np._core.multiarray
    trusted = [core.scalar, core._reconstruct, np.ndarray, np.dtype] if listed else []
    with S.safe_globals(trusted):
        load(wrapped(b"".join(parts) + b"."), 400)


@settings(parent=SETTINGS, max_examples=300)
@given(
    st.lists(integer(), min_size=1, max_size=3),
    st.lists(integer(), min_size=1, max_size=3),
    integer(),
    st.booleans(),
)
def test_shapes(size: list[bytes], stride: list[bytes], offset: bytes, parameter: bool) -> None:
    view = STORAGE + offset + b"(" + b"".join(size) + b"t(" + b"".join(stride) + b"t"
    load(wrapped(b"ctorch._utils\n_rebuild_tensor_v2\n(" + view + b"\x89NtR."))


@SETTINGS
@given(damaged([TENSORS]))
def test_damaged_safetensors(data: bytes) -> None:
    try:
        for tensor in U.load(data).values():
            assert tensor._array.nbytes <= len(data)
    except LoadError:
        pass


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "U8", "BOOL", "BF16", "F4", "X"]) | json_values,
        "shape": st.lists(st.integers(-1, 5) | st.sampled_from([2**40, 2**63]), max_size=3) | json_values,
        "data_offsets": st.lists(st.integers(0, 16), min_size=2, max_size=2) | json_values,
    }
)


@settings(parent=SETTINGS, max_examples=300)
@given(
    st.dictionaries(st.text(max_size=3) | st.just("__metadata__"), entries | json_values, max_size=3),
    st.binary(max_size=16),
)
def test_safetensors_headers(header: Any, body: bytes) -> None:
    import json

    raw = json.dumps(header).encode()
    try:
        found = U.load(struct.pack("<Q", len(raw)) + raw + body)
        assert sum(tensor._array.nbytes for tensor in found.values()) == len(body)
    except LoadError:
        pass


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(-(2**63), 2**63), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@SETTINGS
@given(plain, st.booleans(), st.integers(2, 5))
def test_plain_data_comes_back(data: Any, zipped: bool, protocol: int) -> None:
    file = io.BytesIO()
    S.save(data, file, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    file.seek(0)
    assert S.load(file) == data


@SETTINGS
@given(plain, st.integers(0, 5))
def test_python_pickles_of_plain_data(data: Any, protocol: int) -> None:
    """Streams of Python's own pickler, of every protocol."""
    assert S.load(io.BytesIO(wrapped(pickle.dumps(data, protocol)))) == data


@st.composite
def views(draw: Any) -> Any:
    """A view of some memory: sliced, turned, expanded, as another dtype's order."""
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    dtype = draw(st.sampled_from(["f4", "i8", "?", "c16", "u2", ">f8"]))
    array = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    if draw(st.booleans()):
        array = np.asfortranarray(array)
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = [slice(draw(st.integers(0, 2)), None, draw(st.sampled_from([1, 2, -1]))) for _ in array.shape]
    return array[tuple(steps)]


@SETTINGS
@given(st.lists(views(), max_size=3), st.booleans())
def test_views_come_back(arrays: list[Any], zipped: bool) -> None:
    file = io.BytesIO()
    S.save([T(a) for a in arrays], file, _use_new_zipfile_serialization=zipped)
    file.seek(0)
    for found, array in zip(S.load(file), arrays, strict=True):
        np.testing.assert_array_equal(found._array, array)
        assert found._array.dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize("rounds", [300, pytest.param(200_000, marks=pytest.mark.soak)])
def test_many_damaged_files(rounds: int) -> None:
    chance = random.Random(0)
    originals = [*ZIPS, *LEGACY]
    for _ in range(rounds):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            check_tensors(S.load(io.BytesIO(data)))
        except LoadError:
            pass
