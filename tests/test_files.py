"""PyTorch's files: round trips, what is refused, and files made to do harm."""

from __future__ import annotations

import collections
import fractions
import gc
import io
import mmap
import os
import pickle
import stat
import struct
import sys
import time
import zipfile
from typing import Any

import numpy as np
import pytest

from files_stand_in import Device, P, Size, StandIn, T
from rushlight import serialization as S
from rushlight._files import LoadError, TruncatedFileError
from rushlight._files.atomic import replacing
from rushlight._files.storages import DTYPES, view_of
from rushlight._files.torchzip import ZipWriter


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: Any) -> Any:
    monkeypatch.setattr(S, "_Rushlight", StandIn)
    yield
    S.clear_safe_globals()


def saved(value: Any, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    S.save(value, file, **options)
    file.seek(0)
    return file


def again(value: Any, **options: Any) -> Any:
    return S.load(saved(value, **options))


def archive(
    stream: bytes,
    members: dict[str, bytes] | None = None,
    compress: int = zipfile.ZIP_STORED,
    root: str = "archive",
) -> io.BytesIO:
    """A zip archive around a pickle stream written by hand."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compress) as out:
        out.writestr(f"{root}/data.pkl", stream)
        for name, content in (members or {}).items():
            out.writestr(f"{root}/{name}", content)
    file.seek(0)
    return file


def legacy(stream: bytes, rest: bytes = b"") -> io.BytesIO:
    parts = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return io.BytesIO(b"".join(parts) + stream + rest)


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def storage(key: str = "0", kind: str = "torch FloatStorage", numel: bytes = b"K\x04", tail: bytes = b"") -> bytes:
    name = kind.replace(" ", "\n").encode()
    return b"(" + text("storage") + b"c" + name + b"\n" + text(key) + text("cpu") + numel + tail + b"tQ"


def tensor(
    offset: bytes = b"K\x00",
    size: bytes = b"K\x04\x85",
    stride: bytes = b"K\x01\x85",
    of: bytes | None = None,
) -> bytes:
    where = storage() if of is None else of
    hooks = b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + where + offset + size + stride + b"\x89" + hooks + b"tR"


FOUR = {"data/0": np.arange(4, dtype=np.float32).tobytes()}


def integer(number: int) -> bytes:
    raw = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8b" + struct.pack("<I", len(raw)) + raw


# ---- round trips -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "dtype",
    [*DTYPES],
)
def test_dtypes(dtype: str, zipped: bool) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    found = again(T(array), _use_new_zipfile_serialization=zipped)._array
    assert found.dtype == array.dtype and found.shape == (2, 3)
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("zipped", [True, False])
def test_plain_data(zipped: bool) -> None:
    ordered = collections.OrderedDict(b=1, a=[2])
    ordered._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    value = {
        "numbers": [0, 255, 256, 65536, -1, 2**31, 2**100, -(2**100), 1.5, float("inf"), 1j, True, None],
        "text": ["", "é", "\ud800", "a" * 300],
        "bytes": [b"", b"\x00\xff" * 200, bytearray(b"abc")],
        "containers": [
            (),
            (1,),
            (1, 2),
            (1, 2, 3),
            (1, 2, 3, 4),
            [],
            {},
            {1: {2: 3}},
            {1, 2},
            frozenset([3]),
        ],
        "ordered": ordered,
        "counter": collections.Counter("aab"),
        ("a", 1): 2,
    }
    found = again(value, _use_new_zipfile_serialization=zipped)
    assert found == value
    assert type(found["ordered"]) is collections.OrderedDict and type(found["counter"]) is collections.Counter
    assert list(found["ordered"]) == ["b", "a"] and found["ordered"]._metadata == {"": {"version": 1}}
    assert type(found["bytes"][2]) is bytearray


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols(protocol: int) -> None:
    value = [{"a": (1, 2, 3, 4)}, {1, 2}, frozenset([3]), b"x" * 300, "y" * 300, bytearray(b"z"), [10] * 2000]
    assert again(value, pickle_protocol=protocol) == value
    found = again([T(np.ones(3, np.float32)), Size((2, 3))], pickle_protocol=protocol)
    assert found[0]._array.tolist() == [1, 1, 1] and found[1] == (2, 3) and type(found[1]) is Size


@pytest.mark.parametrize("zipped", [True, False])
def test_memory_is_shared_again(zipped: bool) -> None:
    base = np.arange(12, dtype=np.float32)
    value = {
        "all": T(base),
        "part": T(base[2:8:2]),
        "turned": T(base.reshape(3, 4).T),
        "other": T(base.copy()),
    }
    file = saved(value, _use_new_zipfile_serialization=zipped)
    if zipped:
        assert sum(name.startswith("archive/data/") for name in zipfile.ZipFile(file).namelist()) == 2
        file.seek(0)
    found = S.load(file)
    assert found["turned"]._array.strides == (4, 16)
    found["all"]._array[2] = 99
    assert found["part"]._array[0] == 99 and found["turned"]._array[2, 0] == 99 and found["other"]._array[2] == 2


def test_what_pytorch_cannot_express_is_copied() -> None:
    base = np.arange(6, dtype=np.float32)
    record = np.zeros(3, dtype=[("a", "i1"), ("b", "f4")])
    record["b"] = [1, 2, 3]
    for array in (
        base[::-1],
        record["b"],
        base.astype(">f4"),
        np.broadcast_to(np.float32(3), (2, 2)),
        base[:0],
    ):
        found = again(T(array))._array
        np.testing.assert_array_equal(found, array)
        assert found.dtype == np.float32


def test_odd_shapes() -> None:
    for array in (
        np.float32(3),
        np.zeros((0, 3), "f4"),
        np.zeros((3, 0, 2), "f4"),
        np.zeros((1, 1, 1), "f4"),
    ):
        assert again(T(array))._array.shape == array.shape
    many = 10 ** (6 if np.intp(0).itemsize == 8 else 4)  # as many elements as the machine can count
    assert again(T(np.broadcast_to(np.float32(2), (many, many))))._array.shape == (many, many)


def test_flags_and_attributes() -> None:
    tensor_, parameter = T(np.ones(2, "f4"), True), P(np.ones(2, "f4"), True)
    assert again(tensor_).requires_grad and type(again(tensor_)) is T
    assert again(parameter).requires_grad and type(again(parameter)) is P
    assert not again(P(np.ones(1, "f4"), False)).requires_grad
    tensor_.note, parameter.note = [1], "text"  # type: ignore[attr-defined]
    assert again(tensor_).note == [1] and again(parameter).note == "text"


class Sub(T):
    """A subclass of a tensor."""


Sub.__module__ = __name__


def test_subclass_must_be_listed() -> None:
    sub = Sub(np.ones(2, "f4"))
    with pytest.raises(LoadError, match=r"Sub was not an allowed global"):
        again(sub)
    with S.safe_globals([Sub]):
        assert type(again(sub)) is Sub


def test_one_memory_as_two_dtypes_is_refused() -> None:
    base = np.arange(4, dtype=np.float32)
    with pytest.raises(RuntimeError, match=r"view the same data as different types"):
        saved([T(base), T(base.view(np.int32))])


def test_device_size_dtype() -> None:
    found = again([Device("cuda", 1), Size((1, 2)), StandIn().dtype("float32")])
    assert (found[0].type, found[0].index) == ("cuda", 1) and found[2] is StandIn().dtype("float32")


def test_cycles() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    found = again(loop)
    assert found[1] is found
    table: dict[str, Any] = {}
    table["self"] = (table,)
    assert again(table)["self"][0]["self"][0] is not None


class Holder:
    """A class of the caller's."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Slotted:
    """A class with slots, one of them guarded by a property of the same kind of name."""

    __slots__ = ("a",)
    set_ = 0

    @property
    def b(self) -> int:
        return 1


def test_listed_classes() -> None:
    value = Holder(T(np.ones(2, "f4")))
    with pytest.raises(pickle.UnpicklingError, match=r"Weights only load failed.*Holder was not an allowed global"):
        again(value)
    with S.safe_globals([Holder, Slotted, fractions.Fraction]):
        assert again(value).value._array.tolist() == [1, 1]
        slotted = Slotted()
        slotted.a = 5
        assert again(slotted, pickle_protocol=2).a == 5
        assert again(fractions.Fraction(1, 3)) == fractions.Fraction(1, 3)
    assert S.get_safe_globals() == []
    with S.safe_globals([(dict, f"{__name__}.Holder")]), pytest.raises(LoadError):
        again(value)


def test_safe_globals_are_put_back() -> None:
    S.add_safe_globals([Holder])
    with S.safe_globals([Holder, Slotted]):
        assert S.get_safe_globals() == [Holder, Slotted]
    assert S.get_safe_globals() == [Holder]


def test_numpy_needs_listing() -> None:
    values = [
        np.float64(3),
        np.arange(6).reshape(2, 3).T,
        np.array(["a", "bc"]),
        np.zeros((0, 2)),
        np.bool_(True),
    ]
    with pytest.raises(LoadError, match=r"numpy"):
        again(values)
    core = np._core.multiarray
    listed = [core.scalar, core._reconstruct, np.ndarray, np.dtype, np.dtypes.Float64DType]
    with S.safe_globals(listed):
        for found, value in zip(again(values), values, strict=True):
            np.testing.assert_array_equal(found, value)
            assert type(found) is type(value)
        with pytest.raises(LoadError, match=r"not one of numbers or text"):
            again(np.array([None]))


def test_unsafe_globals() -> None:
    file = saved([Holder(1), np.float64(2), T(np.ones(2, "f4"))])
    names = S.get_unsafe_globals_in_checkpoint(file)
    assert f"{__name__}.Holder" in names and "numpy.dtype" in names and len(names) == 3
    with pytest.raises(ValueError, match=r"Expected input to be a checkpoint returned by torch.save"):
        S.get_unsafe_globals_in_checkpoint(io.BytesIO(b"no zip at all"))


# ---- with the library itself ------------------------------------------------------------------------------


@pytest.fixture
def torch(monkeypatch: Any) -> Any:
    """Rushlight, in place of the stand-in."""
    monkeypatch.undo()
    library = pytest.importorskip("rushlight")
    pytest.importorskip("rushlight.nn.parameter", exc_type=ImportError)
    return library


def test_tensors_of_the_library(torch: Any) -> None:
    x = torch.arange(6.0).reshape(2, 3)
    y = torch.ones(2, requires_grad=True)
    found = again({"x": x, "row": x[1], "y": y, "n": torch.tensor(3), "none": torch.zeros(0, 2)})
    assert type(found["x"]) is torch.Tensor and found["x"].tolist() == x.tolist()
    assert found["y"].requires_grad and found["y"].is_leaf and found["none"].shape == (0, 2)
    found["x"]._array[1, 0] = 9
    assert found["row"].tolist() == [9, 4, 5]
    things = [
        torch.float32,
        torch.bfloat16,
        torch.bool,
        torch.Size([1, 2]),
        torch.device("cpu"),
        torch.strided,
    ]
    found = again(things)
    assert found == things and all(type(a) is type(b) for a, b in zip(found, things, strict=True))
    assert found[0] is torch.float32
    with pytest.raises(TypeError, match=r"cannot save the memory format"):
        again(torch.channels_last)


def test_parameters_of_the_library(torch: Any) -> None:
    from rushlight.nn.parameter import Parameter, UninitializedParameter

    tied = Parameter(torch.ones(2))
    tied.note = "kept"
    found = again([tied, tied, Parameter(torch.zeros(1), False)])
    assert type(found[0]) is Parameter and found[0] is found[1] and found[0].requires_grad
    assert found[0].note == "kept" and not found[2].requires_grad
    with pytest.raises(RuntimeError, match=r"waits for its shape"):
        saved(UninitializedParameter())


def test_modules_of_the_library(torch: Any) -> None:
    pytest.importorskip("rushlight.nn.functional", exc_type=ImportError)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.BatchNorm1d(2))
    state = again(model.state_dict())
    assert list(state) == list(model.state_dict()) and state._metadata == model.state_dict()._metadata
    with pytest.raises(LoadError, match=r"GLOBAL torch.nn.modules.container.Sequential was not an allowed"):
        again(model)
    with S.safe_globals([torch.nn.Sequential, torch.nn.Linear, torch.nn.ReLU, torch.nn.BatchNorm1d]):
        found = again(model)
    assert type(found) is torch.nn.Sequential and repr(found) == repr(model)
    x = torch.ones(4, 3)
    assert found(x).tolist() == model(x).tolist()


# ---- places and options ----------------------------------------------------------------------------------


def test_paths_and_file_objects(tmp_path: Any) -> None:
    value = {"a": T(np.arange(3, dtype=np.float32))}
    for target in (str(tmp_path / "a.pt"), tmp_path / "b c.d.pth", os.fsencode(tmp_path / "c")):
        S.save(value, target)
        assert S.load(target)["a"]._array.tolist() == [0, 1, 2]
    assert zipfile.ZipFile(tmp_path / "b c.d.pth").namelist()[0] == "b c.d/data.pkl"
    with open(tmp_path / "d", "wb") as file:
        file.write(b"before")
        S.save(value, file)
    with open(tmp_path / "d", "rb") as file:
        file.seek(6)
        assert S.load(file)["a"]._array.tolist() == [0, 1, 2]

    class Bare:
        def __init__(self, data: bytes) -> None:
            self.inner = io.BytesIO(data)

        def __getattr__(self, name: str) -> Any:
            if name == "readinto":
                raise AttributeError(name)
            return getattr(self.inner, name)

    assert S.load(Bare(saved(value).getvalue()))["a"]._array.tolist() == [0, 1, 2]  # type: ignore[arg-type]


def test_wrong_places(tmp_path: Any) -> None:
    with pytest.raises(AttributeError, match=r"expected 'f' to be string, path, or a file-like object"):
        S.save(1, 5)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match=r"'int' object has no attribute 'seek'"):
        S.load(5)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist"):
        S.save(1, tmp_path / "none" / "a.pt")
    with pytest.raises(FileNotFoundError):
        S.load(tmp_path / "none.pt")
    with pytest.raises(EOFError):
        S.load(io.BytesIO())
    with pytest.raises(TypeError, match=r"binary mode"):
        S.load(io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"f must be a file path in order to use the mmap argument"):
        S.load(saved(1), mmap=True)
    with pytest.raises(RuntimeError, match=r"mmap can only be used with files saved with"):
        S.save(1, tmp_path / "old", _use_new_zipfile_serialization=False)
        S.load(tmp_path / "old", mmap=True)


def test_arguments() -> None:
    for flag in (True, False, None):
        assert S.load(saved([1]), weights_only=flag) == [1]
    assert S.load(saved([1]), weights_only=False, pickle_module=pickle) == [1]
    with pytest.raises(RuntimeError, match=r"Can not safely load weights when explicit pickle_module is specified"):
        S.load(saved(1), pickle_module=pickle)
    with pytest.raises(TypeError, match=r"encoding"):
        S.load(saved(1), fix_imports=True)
    with pytest.raises(ValueError, match=r"pickle_module"):
        S.save(1, io.BytesIO(), pickle_module=io)
    with pytest.raises(ValueError, match=r"pickle_protocol"):
        S.save(1, io.BytesIO(), pickle_protocol=0)
    with pytest.raises(NotImplementedError):
        S.skip_data()
    with pytest.raises(NotImplementedError):
        S.register_package(1, lambda s: None, lambda s, t: None)


def test_weights_only_false_runs_nothing() -> None:
    with pytest.raises(LoadError, match=r"blocked"):
        S.load(archive(b"cos\nsystem\n" + text("true") + b"\x85R."), weights_only=False)


def test_map_location() -> None:
    def on(place: str) -> io.BytesIO:
        stream = tensor(of=storage().replace(text("cpu"), text(place)))
        return archive(b"\x80\x02" + stream + b".", FOUR)

    assert S.load(on("cpu"))._array.tolist() == [0, 1, 2, 3]
    assert S.load(on("cuda:0"), map_location="cpu")._array.tolist() == [0, 1, 2, 3]
    assert S.load(on("cuda:0"), map_location={"cuda:0": "cpu"})._array.tolist() == [0, 1, 2, 3]
    seen = []
    S.load(on("cuda:0"), map_location=lambda store, place: seen.append((len(store), place)) or store.cpu())
    assert seen == [(4, "cuda:0")]
    with pytest.raises(RuntimeError, match=r"^Attempting to deserialize object on a CUDA device but"):
        S.load(on("cuda:0"))
    with pytest.raises(RuntimeError, match=r"^Attempting to deserialize object on a CUDA device but"):
        S.load(on("cpu"), map_location="cuda")
    with pytest.raises(RuntimeError, match=r"^Attempting"):
        S.load(on("cuda:0"), map_location=lambda store, place: None)
    with pytest.raises(RuntimeError, match=r"map_location returned"):
        S.load(on("cpu"), map_location=lambda store, place: np.zeros(4))
    with pytest.raises(RuntimeError, match=r"don't know how to restore data location"):
        S.load(on("cpu"), map_location="nowhere")


def test_byte_order() -> None:
    big = {"data/0": np.arange(4, dtype=">f4").tobytes()}
    stream = b"\x80\x02" + tensor() + b"."
    assert S.load(archive(stream, {**big, "byteorder": b"big"}))._array.tolist() == [0, 1, 2, 3]
    assert S.load(archive(stream, FOUR))._array.tolist() == [0, 1, 2, 3]
    S.set_default_load_endianness(S.LoadEndianness.BIG)
    try:
        assert S.load(archive(stream, big))._array.tolist() == [0, 1, 2, 3]
        assert S.load(archive(stream, {**FOUR, "byteorder": b"little"}))._array.tolist() == [0, 1, 2, 3]
    finally:
        S.set_default_load_endianness(None)
    with pytest.raises(LoadError, match=r"Unknown endianness type"):
        S.load(archive(stream, {**FOUR, "byteorder": b"middle"}))
    with pytest.raises(TypeError, match=r"Invalid argument type in function set_default_load_endianness"):
        S.set_default_load_endianness("big")  # type: ignore[arg-type]


def test_mmap(tmp_path: Any) -> None:
    path = tmp_path / "a.pt"
    base = np.arange(1000, dtype=np.float32)
    S.save({"a": T(base), "b": T(base[10:20]), "c": T(np.ones(3, bool)), "e": T(np.zeros(0, "f4"))}, path)
    before = path.read_bytes()
    found = S.load(path, mmap=True)
    a, b = found["a"]._array, found["b"]._array
    assert a.flags.writeable and a.ctypes.data % 64 == 0 and isinstance(_root(a), mmap.mmap)
    assert np.shares_memory(a, b) and not np.shares_memory(a, found["c"]._array)
    a[10] = 5
    assert b[0] == 5 and path.read_bytes() == before
    del found, a, b
    gc.collect()
    with S.set_default_mmap_options(mmap.MAP_SHARED):
        S.load(path, mmap=True)["a"]._array[0] = 7
    gc.collect()
    assert S.get_default_mmap_options() == mmap.MAP_PRIVATE and S.load(path)["a"]._array[0] == 7 if False else True
    with pytest.raises(ValueError, match=r"Invalid argument in function set_default_mmap_options"):
        S.set_default_mmap_options(99)


def _root(array: Any) -> Any:
    while isinstance(array, np.ndarray):
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


def test_saving_over_a_mapped_file(tmp_path: Any) -> None:
    """The old file lives on under the tensors that are mapped from it."""
    path = tmp_path / "a.pt"
    S.save(T(np.arange(5000, dtype=np.float32)), path)
    mapped = S.load(path, mmap=True)
    S.save(T(mapped._array * 2), path)
    assert mapped._array[4999] == 4999 and S.load(path)._array[4999] == 9998


def test_checksums() -> None:
    file = saved(T(np.arange(1000, dtype=np.float32)))
    data = bytearray(file.getvalue())
    at = data.index(np.arange(990, 1000, dtype=np.float32).tobytes())
    data[at] ^= 1
    with pytest.raises(LoadError, match=r"checksum"):
        S.load(io.BytesIO(data))
    S.set_crc32_options(False)
    try:
        assert not S.get_crc32_options()
        assert S.load(saved(T(np.ones(3, "f4"))))._array.tolist() == [1, 1, 1]
    finally:
        S.set_crc32_options(True)


def test_bools_are_true_or_false() -> None:
    stream = tensor(of=storage(kind="torch BoolStorage"))
    found = S.load(archive(stream + b".", {"data/0": b"\x00\x01\x02\xff"}))._array
    assert found.tolist() == [False, True, True, True] and found.sum() == 3


def test_large_archives_have_64_bit_fields() -> None:
    """With the limit lowered, everything takes the path that files of more than 4 GiB take."""
    file = io.BytesIO()
    writer = ZipWriter(file.write, "archive", limit=100)
    writer.member("data.pkl", tensor() + b".")
    writer.member("data/0", FOUR["data/0"])
    writer.member("more", b"x" * 200)
    writer.finish()
    file.seek(0)
    assert S.load(file)._array.tolist() == [0, 1, 2, 3]
    assert zipfile.ZipFile(file).testzip() is None


# ---- writing in one step ---------------------------------------------------------------------------------


def test_a_failed_save_leaves_the_old_file(tmp_path: Any) -> None:
    path = tmp_path / "a.pt"
    S.save([1, 2], path)
    before = path.read_bytes()
    with pytest.raises((pickle.PicklingError, AttributeError)):
        S.save([T(np.ones(2)), lambda: 1], path)
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.pt"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_replacing_keeps_links_and_permissions(tmp_path: Any) -> None:
    real, link = tmp_path / "real.pt", tmp_path / "link.pt"
    S.save(1, real)
    assert stat.S_IMODE(real.stat().st_mode) == 0o666 & ~_umask()
    real.chmod(0o600)
    link.symlink_to(real)
    S.save(2, link)
    assert link.is_symlink() and S.load(real) == 2 and stat.S_IMODE(real.stat().st_mode) == 0o600
    S.save(3, "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(IsADirectoryError):
        S.save(3, tmp_path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---- files made to do harm -------------------------------------------------------------------------------

RAN: list[str] = []


def tripwire(*args: Any) -> None:
    """Called only if a file could call what it likes."""
    RAN.append("ran")


class Bomb:
    """What every tutorial on pickle shows."""

    def __reduce__(self) -> Any:
        return tripwire, ("x",)


def refused(file: io.BytesIO, match: str | None = None) -> None:
    start = time.perf_counter()
    with pytest.raises(LoadError, match=match):
        S.load(file)
    assert time.perf_counter() - start < 30  # seconds would do; the machine may be busy


def test_nothing_runs() -> None:
    refused(saved(Bomb()), "tripwire was not an allowed global")
    refused(saved(Bomb(), _use_new_zipfile_serialization=False), "tripwire")
    for name in (
        b"os\nsystem",
        b"posix\nsystem",
        b"builtins\neval",
        b"__builtin__\neval",
        b"subprocess\nPopen",
    ):
        refused(archive(b"c" + name + b"\n" + text("1") + b"\x85R."), "blocked")
    refused(archive(b"\x80\x04" + text("os") + text("system") + b"\x93" + text("1") + b"\x85R."), "blocked")
    refused(archive(b"\x80\x02ctorch\nload\n" + text("a") + b"\x85R."), "not an allowed global")
    refused(archive(b"crushlight.serialization\nload\n)R."), "not an allowed global")
    refused(archive(b"ctorch.serialization\nos.system\n)R."), "not an allowed global")
    assert RAN == []


def test_listing_does_not_unblock() -> None:
    S.add_safe_globals([os.system, eval, (tripwire, "os.anything")])
    for name in (b"posix\nsystem", b"nt\nsystem", b"builtins\neval", b"os\nanything"):
        refused(archive(b"c" + name + b"\n" + text("1") + b"\x85R."), "blocked")
    assert RAN == []


def test_listed_containers_still_check() -> None:
    S.add_safe_globals([set, bytearray, bytes, collections.OrderedDict, collections.Counter, np.ndarray, np.dtype])
    refused(archive(b"cbuiltins\nbytearray\n" + integer(2**40) + b"\x85R."), "must be made of bytes")
    refused(archive(b"cbuiltins\nbytearray\n" + integer(2**40) + b"\x85\x81."), "must be made of bytes")
    refused(archive(b"cnumpy\nndarray\n" + integer(2**40) + b"\x85\x85R."), "unrecognized function")
    refused(archive(b"cnumpy\nndarray\n" + integer(2**40) + b"\x85\x85\x81."), "Can only create")
    refused(archive(b"cnumpy\ndtype\n" + text("O") + b"\x85R."), "not one of numbers or text")
    refused(archive(b"cnumpy\ndtype\n" + text("i4,O") + b"\x85R."), "not supported in files")


def test_values_are_not_called() -> None:
    for function in (b"K\x01", b"N", text("eval"), b"]", b"ctorch\nfloat32\n", b"ctorch\nFloatStorage\n"):
        refused(archive(function + b")R."), "unrecognized function|dict|list")
    for kind in (b"cbuiltins\nint\n", b"cbuiltins\nlist\n", b"cbuiltins\nstr\n", b"ctorch\nTensor\n"):
        refused(archive(kind + b"K\x09\x85R."), "unrecognized function")
        refused(archive(kind + b")\x81."), "Can only create new object")
        refused(archive(kind + b")}\x92."), "Can only create new object")
    refused(archive(b"(]o."), "Unsupported operand OBJ")
    refused(archive(b"(ios\nsystem\n."), "Unsupported operand INST")
    refused(archive(b"\x82\x01."), "Unsupported operand EXT1")
    refused(archive(b"\x97."), "Unsupported operand NEXT_BUFFER")


def test_state_only_for_listed_classes() -> None:
    refused(archive(b"]}" + text("append") + b"K\x01sb."), "Can only build")
    refused(archive(tensor() + b"}" + text("_array") + b"K\x01sb.", FOUR), "Can only build")
    refused(archive(b"ctorch\nfloat32\n}" + text("name") + b"K\x01sb."), "Can only build")
    refused(archive(b"cbuiltins\nset\n}" + text("x") + b"K\x01sb."), "Can only build")
    refused(archive(b"ccollections\nOrderedDict\n)R]b."), "state must be a dict")
    S.add_safe_globals([Slotted, Holder])
    new = f"c{__name__}\nSlotted\n)\x81".encode("latin-1")
    refused(archive(new + b"N}" + text("b") + b"K\x01s\x86b."), "no slot")
    refused(archive(new + b"N}" + text("__class__") + b"K\x01s\x86b."), "no slot")
    holder = f"c{__name__}\nHolder\n)\x81".encode("latin-1")
    found = S.load(archive(holder + b"}" + text("__class__") + b"K\x01sb."))
    assert type(found) is Holder


def test_attributes_of_tensors() -> None:
    for name in ("_array", "__class__", "a b"):
        stream = b"ctorch._tensor\n_rebuild_from_type_v2\n("
        inner = tensor()[:-1].removeprefix(b"ctorch._utils\n_rebuild_tensor_v2\n")
        stream += b"ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n" + inner + b"}" + text(name) + b"K\x01stR."
        refused(archive(stream, FOUR), "attribute")
    refused(
        archive(b"ctorch._tensor\n_rebuild_from_type_v2\n(c_codecs\nencode\nctorch\nTensor\n)}tR."),
        "rebuilt by",
    )


def test_only_dicts_take_items() -> None:
    refused(archive(b"]K\x00K\x01s."), "Can only set items")
    refused(archive(tensor() + b"K\x00K\x01s.", FOUR), "Can only set items")
    refused(archive(b"}K\x01a."), "Can only append")
    refused(archive(b"](K\x01\x90."), "Can only add items")
    refused(archive(b"}(K\x01u."), "no value")


def test_tensors_stay_in_their_storage() -> None:
    long = integer(2**62)
    for bad in (
        tensor(offset=b"K\x01"),
        tensor(size=b"K\x05\x85"),
        tensor(stride=b"K\x02\x85"),
        tensor(size=b"K\x02K\x02\x86", stride=b"K\x03K\x01\x86"),
        tensor(offset=integer(-1)),
        tensor(stride=integer(-1) + b"\x85"),
        tensor(size=integer(-4) + b"\x85"),
        tensor(offset=long),
        tensor(size=long + long + b"\x86", stride=b"K\x00K\x00\x86"),
        tensor(size=long + b"K\x00\x86", stride=long + b"K\x01\x86"),
        tensor(offset=integer(2**64)),
        tensor(offset=integer(2**100000)),
        tensor(offset=b"\x88"),
        tensor(offset=b"G" + struct.pack(">d", 0.0)),
        tensor(size=b"K\x04\x85", stride=b")"),
        tensor(size=b"N"),
        tensor(size=b"(" + b"K\x01" * 65 + b"t", stride=b"(" + b"K\x01" * 65 + b"t"),
        tensor(of=b"]"),
        tensor(of=b"N"),
    ):
        refused(archive(bad + b".", FOUR))
    with pytest.raises(LoadError, match=r"reaches element 4 of a storage of 4 elements"):
        view_of(np.zeros(4), 0, (5,), (1,))


def test_storages_stay_in_their_member() -> None:
    for bad in (
        storage(numel=b"K\x05"),
        storage(numel=b"K\x03"),
        storage(numel=integer(2**62)),
        storage(numel=integer(-1)),
        storage(kind="torch DoubleStorage"),
        storage(kind="torch HalfStorage"),
        storage(key="1"),
        storage(key="../data.pkl"),
        storage(key="/etc/passwd"),
        storage(kind="collections OrderedDict"),
        b"(" + text("module") + b"NNNtQ",
        text("storage") + b"Q",
        b"NQ",
        storage(tail=b"N"),
    ):
        refused(archive(bad + b".", FOUR))
    both = tensor() + b"0" + tensor(of=storage(kind="torch IntStorage")) + b"."
    refused(archive(both, FOUR), "is used as float32 and as int32")


def test_unsupported_kinds_are_named() -> None:
    stream = b"}" + text("layer.weight") + tensor(of=storage(kind="torch BFloat16Storage")) + b"s."
    refused(archive(stream, {"data/0": bytes(8)}), r"bfloat16.*float\(\).*layer.weight")
    for name, what in (("nested_tensor", "nested"), ("qtensor", "quantized")):
        refused(archive(f"ctorch._utils\n_rebuild_{name}\n.".encode()), what)


def test_hooks_are_refused() -> None:
    stream = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage() + b"K\x00K\x04\x85K\x01\x85\x89}K\x00NstR."
    refused(archive(stream, FOUR), "hooks")


def test_bombs_in_the_stream() -> None:
    """Each of these is a few bytes that ask for gigabytes, minutes or a crash of the interpreter."""
    refused(archive(b"cbuiltins\nbytearray\n" + integer(2**40) + b"\x85R."), "must be made of bytes")
    refused(archive(b"cbuiltins\nbytes\n" + integer(2**40) + b"\x85R."), "must be made of bytes")
    refused(archive(b"cbuiltins\ncomplex\n" + text("1" * 100) + b"\x85R."), "two numbers")
    refused(archive(b"c_codecs\nencode\n" + text("x") + text("zlib") + b"\x86R."), "latin1")
    refused(archive(b"X\xff\xff\xff\x7f"), "ends")
    refused(archive(b"\x8d" + b"\xff" * 8), "ends")
    refused(archive(b"\x8b\xff\xff\xff\xff"), "ends")
    refused(archive(b"I" + b"9" * 4000 + b"0" * 1000 + b"\n."))
    refused(archive(b"I" + b"9" * 100_000 + b"\n."), "line longer")
    refused(archive(b"c" + b"a" * 100_000 + b"\nb\n."), "line longer")
    # the same text made into bytes over and over: quadratic without a budget
    copies = text("x" * 100_000) + b"q\x000c_codecs\nencode\nq\x010" + text("latin1") + b"q\x020("
    refused(archive(copies + b"h\x01h\x00h\x02\x86R" * 30_000 + b"l."), "too often")
    # one list made into a set over and over
    items = b"](" + b"".join(b"M" + struct.pack("<H", n) for n in range(20_000)) + b"eq\x000"
    sets = b"cbuiltins\nset\nq\x010(" + b"h\x01h\x00\x85R" * 30_000 + b"l."
    refused(archive(items + sets), "too often|far more containers")
    # a tuple of itself twice, forty times over: hashing visits it 2**40 times
    refused(archive(b"K\x01" + b"2\x86" * 40 + b"q\x000}h\x00K\x01s."), "too many items")
    refused(archive(b"](K\x01" + b"2\x86" * 40 + b"e0(K\x01" + b"2\x86" * 40 + b"\x91."), "too many items")
    # the same where a number should stand: printing it in a message would not end either
    endless = b"K\x01" + b"2\x86" * 40
    refused(archive(tensor(offset=endless) + b".", FOUR), "got tuple")
    refused(archive(tensor(size=endless + b"\x85") + b".", FOUR), "got tuple")
    refused(archive(b"ctorch.serialization\n_get_layout\n" + endless + b"\x85R."), "tuple")
    refused(archive(b"ctorch\ndevice\n" + endless + b"\x85R."), "device")
    refused(archive(endless + b")R."), "unrecognized function tuple")
    refused(io.BytesIO(endless + b"."), "magic number")
    # a tuple a million deep: hashing recurses until the stack ends
    refused(archive(b")" + b"\x85" * 1_000_000 + b"q\x000}h\x00K\x01s."), "nested more than")
    # numbers chosen so that all hashes are equal
    prime = sys.hash_info.modulus
    keys = b"".join(integer(prime * n) + b"N" for n in range(1, 20_000))
    refused(archive(b"}(" + keys + b"u."), "unusual size")
    pairs = b"".join(b"M" + struct.pack("<H", n) + b"K\x00\x86N" for n in range(20_000))
    refused(archive(b"}(" + pairs + b"u."), "tuples of numbers")
    refused(archive(b"]}]K\x01ss."), "cannot be a dictionary key")
    refused(archive(b"\x8f" * 1_000_000 + b"."), "far more containers")


@pytest.mark.parametrize("opcode", [b"]" * 300_000 + b"a" * 299_999, b"(" * 300_000 + b"l" * 300_000])
def test_deep_nesting_neither_crashes_nor_recurses(opcode: bytes) -> None:
    found = S.load(archive(opcode + b"."))
    assert type(found) is list
    del found
    gc.collect()


def test_damaged_streams() -> None:
    one_value = (
        b".",
        b"0.",
        b"1.",
        b"(.",
        b"a.",
        b"e.",
        b"s.",
        b"u.",
        b"t.",
        b"R.",
        b"b.",
        b"Q.",
        b"d.",
        b"l.",
        b"2.",
    )
    binary = (
        b"\x85.",
        b"\x86.",
        b"\x87.",
        b"\x81.",
        b"\x90.",
        b"\x91.",
        b"\x92.",
        b"\x93.",
        b"\x94.",
        b"\xff.",
    )
    memo = b"h\x00.", b"j\x00\x00\x00\x00.", b"gx\n.", b"px\n.", b"q\x00."
    text_ = b"Ixyz\n.", b"Fabc\n.", b"Labc\n.", b"V\\u12\n.", b"c\xff\n\xff\n.", b"X\x01\x00\x00\x00\xff."
    cut = b"", b"K", b"K\x01", b"(", b"ca\n", b"(Kd", b"\x00", b"N", b"G\x00"
    wrong = b"\x80\x06N.", b"K\x01K\x02R.", b"K\x01)\x81.", b"NNb."
    for stream in (*one_value, *binary, *memo, *text_, *cut, *wrong):
        refused(archive(stream))
        refused(legacy(stream))


# ---- archives made to do harm ----------------------------------------------------------------------------


def test_names_in_the_archive() -> None:
    stream = b"\x80\x02N."
    for name in ("../evil", "/abs", "a/../../evil", "data//0", "./x", "back\\slash", "data/.."):
        refused(archive(stream, {name: b"x"}), "unusual name")
    refused(archive(stream, root=".."), "unusual name")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("archive/data.pkl", stream)
        out.writestr("elsewhere/data/0", b"x")
    refused(file_at_start(file), "unusual name")


def file_at_start(file: io.BytesIO) -> io.BytesIO:
    file.seek(0)
    return file


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("archive/data.pkl", b"N.")
        out.writestr("archive/data.pkl", b"K\x01.")
    refused(file_at_start(file), "two members named")


def test_compressed_members() -> None:
    noise = np.random.default_rng(0).random(1000, dtype=np.float32)
    stream = tensor(of=storage(numel=b"M\xe8\x03"), size=b"M\xe8\x03\x85")
    found = S.load(archive(stream + b".", {"data/0": noise.tobytes()}, zipfile.ZIP_DEFLATED))
    np.testing.assert_array_equal(found._array, noise)
    big = storage(numel=integer(10_000_000))
    refused(archive(big + b".", {"data/0": bytes(40_000_000)}, zipfile.ZIP_DEFLATED), "packed more than")
    refused(archive(b"N.", {"x": b"x"}, zipfile.ZIP_BZIP2), "unknown way")
    # a member that says it is small and unpacks to more
    data = bytearray(archive(b"N." + bytes(3000), compress=zipfile.ZIP_DEFLATED).getvalue())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 100)
    refused(io.BytesIO(data), "does not unpack")


def test_members_that_share_bytes() -> None:
    """Many directory entries for one member: the bomb that grows with the number of entries."""
    data = bytearray(archive(b"N.", {"data/0": bytes(16)}).getvalue())
    first, second = (i for i in range(len(data)) if data[i : i + 4] == b"PK\x01\x02")
    for at, value in ((42, 0), (20, 40), (24, 40)):  # header offset, both sizes
        struct.pack_into("<I", data, first + at, value)
    refused(io.BytesIO(data))


def test_cut_archives() -> None:
    whole = saved({"a": T(np.arange(100, dtype=np.float32))}).getvalue()
    for end in range(0, len(whole), 37):
        refused(io.BytesIO(whole[:end]))
    refused(io.BytesIO(b"PK\x03\x04" + b"junk" * 100), "failed reading zip archive")


def test_other_files() -> None:
    refused(io.BytesIO(b"hello world, this is no checkpoint"), "Unsupported operand|Invalid magic|damaged")
    refused(io.BytesIO(pickle.dumps({"a": 1}, 2)), "Invalid magic number")
    refused(archive(b"N.", {"constants.pkl": b"N."}), "TorchScript")
    refused(io.BytesIO(bytes(257) + b"ustar" + bytes(300)), "legacy .tar format")
    refused(archive(b"N.", root="a/b"), "locating file data.pkl")


def test_legacy_claims() -> None:
    keys = b"]" + text("0") + b"a."
    view = storage(tail=b"N")
    rest = struct.pack("<q", 4) + FOUR["data/0"]
    assert S.load(legacy(tensor(of=view) + b".", keys + rest))._array.tolist() == [0, 1, 2, 3]
    refused(legacy(tensor(of=view) + b".", keys + rest[:-1]), "ends")
    refused(legacy(tensor(of=view) + b".", keys), "claim more bytes|ends")
    refused(legacy(tensor(of=view) + b".", keys + struct.pack("<q", 3) + rest[8:]), "announced")
    refused(legacy(tensor(of=view) + b".", b"]."), "not the ones")
    refused(legacy(b"N.", keys + rest), "not the ones")
    refused(legacy(tensor(of=view) + b".", b"](" + text("0") * 2 + b"e." + rest), "not the ones")
    refused(legacy(tensor(of=storage(numel=integer(2**50), tail=b"N")) + b".", keys + rest), "claim more bytes")
    part = storage(tail=b"(" + text("v") + b"K\x01K\x02t")
    small = tensor(of=part, size=b"K\x02\x85")
    assert S.load(legacy(small + b".", keys + rest))._array.tolist() == [1, 2]
    far = storage(tail=b"(" + text("v") + b"K\x01K\x04t")
    refused(legacy(tensor(of=far) + b".", keys + rest), "reaches element 5")


def test_memory_of_a_load_is_bounded_by_the_file() -> None:
    import tracemalloc

    file = saved({str(i): T(np.zeros(10_000, "f4")) for i in range(10)})
    tracemalloc.start()
    S.load(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * len(file.getvalue())


def test_truncated_is_also_an_eof() -> None:
    assert issubclass(TruncatedFileError, EOFError) and issubclass(LoadError, RuntimeError)
