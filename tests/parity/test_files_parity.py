"""Files written by PyTorch are read here, and files written here by PyTorch, in both formats."""

from __future__ import annotations

import collections
import io
import json
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1]))
from files_stand_in import DTYPES, Device, P, Size, StandIn, T  # noqa: E402
from rushlight import serialization as S  # noqa: E402
from rushlight._files import safetensors as F  # noqa: E402
from rushlight._files.torchzip import ZipWriter  # noqa: E402
from rushlight.utils import safetensors as U  # noqa: E402


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: Any) -> Any:
    monkeypatch.setattr(S, "_Rushlight", StandIn)
    monkeypatch.setattr(U, "_tensor", T)
    yield
    S.clear_safe_globals()


def ours(value: Any, memory: dict[int, Any] | None = None) -> Any:
    """A value of PyTorch's in the stand-in's classes, with the same views of the same memory."""
    memory = {} if memory is None else memory
    if isinstance(value, torch.Tensor):
        kind = P if isinstance(value, torch.nn.Parameter) else T
        plain = value.detach().resolve_conj().resolve_neg()
        whole = plain.untyped_storage()
        key = plain.numpy().dtype
        if whole.data_ptr() not in memory or not whole.nbytes():
            memory[whole.data_ptr()] = np.array(whole.tolist(), np.uint8).view(key)
        flat = memory[whole.data_ptr()]
        steps = [s * key.itemsize for s in plain.stride()]
        start = plain.storage_offset() * key.itemsize
        return kind(np.ndarray(plain.shape, key, flat, start, steps), value.requires_grad)
    if isinstance(value, collections.OrderedDict):
        made = collections.OrderedDict((k, ours(v, memory)) for k, v in value.items())
        made.__dict__.update(value.__dict__)
        return made
    if type(value) is dict:
        return {ours(k): ours(v, memory) for k, v in value.items()}
    if isinstance(value, torch.Size):
        return Size(value)
    if isinstance(value, torch.dtype):
        return DTYPES[str(value).removeprefix("torch.")]
    if isinstance(value, torch.device):
        return Device(value.type, value.index)
    if isinstance(value, list | tuple):
        return type(value)(ours(v, memory) for v in value)
    return value


def same(a: Any, b: Any) -> None:
    """Assert that two values of the stand-in's, or two of PyTorch's, are equal in every respect."""
    assert type(a) is type(b)
    if isinstance(a, T | torch.Tensor):
        x, y = (v._array if isinstance(v, T) else v.detach() for v in (a, b))
        assert x.dtype == y.dtype and x.shape == y.shape and a.requires_grad == b.requires_grad
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
        if 0 not in x.shape:
            steps = [
                tuple(s // v.itemsize for s in v.strides) if isinstance(v, np.ndarray) else v.stride() for v in (x, y)
            ]
            assert all(s == t for s, t, n in zip(*steps, x.shape, strict=True) if n > 1)
    elif isinstance(a, dict):
        assert list(a) == list(b) or not all(isinstance(k, str) for k in a)
        assert getattr(a, "_metadata", None) == getattr(b, "_metadata", None)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, Device):
        assert (a.type, a.index) == (b.type, b.index)
    else:
        assert a == b or (a != a and b != b)


def values() -> dict[str, Any]:
    torch.manual_seed(0)
    base = torch.arange(12.0)
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 2))
    optimizer = torch.optim.Adam(model.parameters())
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    found: dict[str, Any] = {
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "parameters": list(model.parameters()),
        "views": [base, base[2:5], base.view(3, 4).T, base.view(3, 4)[1:, ::2], base[:0], base[3]],
        "empty": [torch.zeros(0), torch.zeros(2, 0, 3), torch.tensor(1)],
        "expanded": torch.ones(1).expand(2, 3),
        "grad": torch.ones(2, requires_grad=True),
        "channels_last": torch.randn(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "conj": torch.tensor([1 + 2j, 3j]).conj(),
        "neg": torch.tensor([1 + 2j, 3j]).conj().imag,
        "plain": [
            None,
            True,
            3,
            -3,
            2**70,
            1.5,
            "text",
            "é",
            b"bytes",
            bytearray(b"x"),
            1j,
            (1, (2,)),
            {1: [2]},
            {3},
        ],
        "things": [torch.float32, torch.int8, torch.bfloat16, torch.Size([1, 2]), torch.device("cpu")],
        "counter": collections.Counter("aab"),
    }
    for name in DTYPES:
        if name != "bfloat16":
            found[name] = torch.arange(4).to(getattr(torch, name))
    return found


VALUES = values()


def torch_saved(value: Any, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(value, file, **options)
    file.seek(0)
    return file


def our_saved(value: Any, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    S.save(value, file, **options)
    file.seek(0)
    return file


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", VALUES)
def test_torch_to_ours(name: str, zipped: bool) -> None:
    same(S.load(torch_saved(VALUES[name], _use_new_zipfile_serialization=zipped)), ours(VALUES[name]))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", VALUES)
def test_ours_to_torch(name: str, zipped: bool) -> None:
    file = our_saved(ours(VALUES[name]), _use_new_zipfile_serialization=zipped)
    expected = torch.load(torch_saved(VALUES[name]), weights_only=True)
    if not zipped and name in ("uint16", "uint32", "uint64"):
        pytest.skip("PyTorch cannot read its own legacy files of these dtypes with weights_only=True")
    if name in ("conj", "neg"):
        expected = expected.resolve_conj().resolve_neg()
    same(torch.load(file, weights_only=True), expected)


@pytest.mark.parametrize("name", [n for n in VALUES if n not in ("conj", "neg")])
def test_the_same_bytes(name: str) -> None:
    """What is written here is what PyTorch writes, but for the serialization id."""
    value = VALUES[name]
    theirs, mine = torch_saved(value).getvalue(), our_saved(ours(value)).getvalue()
    archives = [zipfile.ZipFile(io.BytesIO(data)) for data in (theirs, mine)]
    names, others = (a.namelist() for a in archives)
    assert names == others
    for entry in names:
        if not entry.endswith("serialization_id"):
            assert archives[0].read(entry) == archives[1].read(entry), entry
    assert len(theirs) == len(mine)
    assert [i.header_offset for i in archives[0].infolist()] == [i.header_offset for i in archives[1].infolist()]
    assert sum(a != b for a, b in zip(theirs, mine, strict=True)) <= 40 + 3 * 4


def test_memory_is_shared_in_both_directions() -> None:
    base = torch.arange(6.0)
    found = S.load(torch_saved([base, base.view(2, 3).T]))
    found[0]._array[1] = 9
    assert found[1]._array[1, 0] == 9
    flat = np.arange(6, dtype=np.float32)
    back = torch.load(our_saved([T(flat), T(flat.reshape(2, 3).T)]))
    back[0][1] = 9
    assert back[1][1, 0] == 9


def test_attributes() -> None:
    tensor, parameter = torch.ones(2), torch.nn.Parameter(torch.ones(2))
    tensor.note, parameter.note = [1], "p"
    found = S.load(torch_saved([tensor, parameter]))
    assert found[0].note == [1] and found[1].note == "p"
    back = torch.load(our_saved(found))
    assert back[0].note == [1] and back[1].note == "p" and type(back[1]) is torch.nn.Parameter


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols(protocol: int) -> None:
    value = [torch.ones(2), {"a": b"b" * 300, "c": {1, 2}}]
    same(S.load(torch_saved(value, pickle_protocol=protocol)), ours(value))
    same(torch.load(our_saved(ours(value), pickle_protocol=protocol), weights_only=False), value)


@pytest.mark.parametrize("protocol", [2, 5])
def test_numpy_when_listed(protocol: int) -> None:
    values = [
        np.float64(3),
        np.arange(6).reshape(2, 3),
        np.arange(6.0).reshape(2, 3).T,
        np.float32(1),
        np.dtype("f4"),
    ]
    core = np._core.multiarray
    listed = [core.scalar, core._reconstruct, np.ndarray, np.dtype, np._core.numeric._frombuffer]
    kinds = [type(np.dtype(name)) for name in ("f8", "f4", "i8")]
    with S.safe_globals(listed + kinds):
        found = S.load(torch_saved(values, pickle_protocol=protocol))
    for a, b in zip(found, values, strict=True):
        np.testing.assert_array_equal(a, b)
    if protocol == 2:
        with torch.serialization.safe_globals(listed + kinds):
            for a, b in zip(torch.load(our_saved(values)), values, strict=True):
                np.testing.assert_array_equal(a, b)


def test_files_and_maps(tmp_path: Any) -> None:
    path = tmp_path / "model.pt"
    torch.save(VALUES["state_dict"], path)
    same(S.load(path, mmap=True), ours(VALUES["state_dict"]))
    S.save(ours(VALUES["state_dict"]), path)
    same(torch.load(path, mmap=True), VALUES["state_dict"])
    with torch.utils.serialization.config.patch("load.calculate_storage_offsets", True):
        same(torch.load(path, mmap=True), VALUES["state_dict"])
    assert zipfile.ZipFile(path).namelist()[0] == "model/data.pkl"


def test_64_bit_fields() -> None:
    """PyTorch reads what files of more than 4 GiB look like (here with a lowered limit)."""
    small = zipfile.ZipFile(our_saved(T(np.arange(4, dtype=np.float32))))
    file = io.BytesIO()
    writer = ZipWriter(file.write, "archive", limit=100)
    for name in small.namelist()[:5]:
        writer.member(name.removeprefix("archive/"), small.read(name))
    writer.member("more", b"x" * 200)
    writer.finish()
    file.seek(0)
    assert torch.load(file).tolist() == [0, 1, 2, 3]


def test_without_checksums_or_byteorder() -> None:
    torch.serialization.set_crc32_options(False)
    try:
        same(S.load(torch_saved(VALUES["views"])), ours(VALUES["views"]))
    finally:
        torch.serialization.set_crc32_options(True)
    file = torch_saved(VALUES["views"], _disable_byteorder_record=True)
    same(S.load(file), ours(VALUES["views"]))
    same(torch.load(our_saved(ours(VALUES["views"]), _disable_byteorder_record=True)), VALUES["views"])


def test_refusals_have_the_same_type_and_beginning() -> None:
    import fractions

    for value in (fractions.Fraction(1, 2), torch.nn.Linear(1, 1), np.float64(1), range(3)):
        messages = []
        for load in (torch.load, S.load):
            with pytest.raises(Exception) as caught:
                load(torch_saved(value))
            messages.append(str(caught.value))
            import pickle

            assert isinstance(caught.value, pickle.UnpicklingError)
            assert "GLOBAL" in messages[-1] and "was not an allowed global by default" in messages[-1]
        assert all(m.startswith("Weights only load failed. ") for m in messages)
    for bad in (b"PK\x03\x04" + bytes(100), torch_saved([torch.ones(3)]).getvalue()[:-40]):
        for load in (torch.load, S.load):
            with pytest.raises(RuntimeError, match=r"PytorchStreamReader failed reading zip archive"):
                load(io.BytesIO(bad))
    for load in (torch.load, S.load):
        with pytest.raises(EOFError):
            load(io.BytesIO())
        with pytest.raises(RuntimeError, match=r"^Attempting to deserialize object on a CUDA device but torch.cuda"):
            load(torch_saved([torch.ones(1)]), map_location="cuda")
        with pytest.raises(ValueError, match=r"^f must be a file path in order to use the mmap argument"):
            load(torch_saved(1), mmap=True)
        with pytest.raises(AttributeError, match=r"^'int' object has no attribute 'seek'. You can only torch.load"):
            load(5)
    for save in (torch.save, S.save):
        with pytest.raises(AttributeError, match=r"expected 'f' to be string, path, or a file-like object with a"):
            save(1, 5)
        with pytest.raises(RuntimeError, match=r"^Parent directory none does not exist"):
            save(1, "none/a.pt")
    both = torch.zeros(4)
    with pytest.raises(
        RuntimeError, match=r"^Cannot save multiple tensors or storages that view the same data as diff"
    ):
        torch_saved([both, both.view(torch.int32)])
    for dtype in (torch.bfloat16, torch.float8_e5m2):
        with pytest.raises(S.LoadError, match=r"NumPy lacks|not supported"):
            S.load(torch_saved(torch.zeros(2).to(dtype)))


def test_unsafe_globals() -> None:
    file = torch_saved([torch.nn.Linear(1, 1), np.float64(1), torch.ones(1)])
    theirs = set(torch.serialization.get_unsafe_globals_in_checkpoint(file))
    file.seek(0)
    assert set(S.get_unsafe_globals_in_checkpoint(file)) == theirs


def test_public_names() -> None:
    kept = {n for n in torch.serialization.__all__ if hasattr(S, n)}
    assert {"save", "load", "safe_globals", "add_safe_globals", "skip_data", "register_package"} <= kept
    import inspect

    for name in ("save", "load"):
        mine, theirs = (list(inspect.signature(getattr(m, name)).parameters) for m in (S, torch.serialization))
        assert mine == theirs


# ---- safetensors ------------------------------------------------------------------------------------------

st = pytest.importorskip("safetensors.numpy")


def arrays() -> dict[str, Any]:
    kinds = [d for d in F.NAMES]
    found = {f"t.{d}": np.arange(3).astype(d) for d in kinds}
    return found | {
        "empty": np.zeros((0, 3), "f4"),
        "scalar": np.full((), 2, "f4"),
        "é": np.ones((2, 3)),
    }


def test_safetensors_bytes() -> None:
    value = arrays()
    assert U.save(value) == st.save(value)
    assert U.save(value, {"k": "ü"}) == st.save(value, {"k": "ü"})
    assert U.save({}) == st.save({})


def test_safetensors_both_ways(tmp_path: Any) -> None:
    value, path = arrays(), tmp_path / "a.safetensors"
    U.save_file(value, path, {"k": "v"})
    found = st.load_file(path)
    st.save_file(value, path, {"k": "v"})
    mine = {k: v._array for k, v in U.load_file(path).items()}
    for side in (found, mine, {k: v._array for k, v in U.load(path.read_bytes()).items()}):
        assert side.keys() == value.keys()
        for key, array in value.items():
            assert side[key].dtype == array.dtype and side[key].shape == array.shape
            np.testing.assert_array_equal(side[key], array)
    import safetensors

    with safetensors.safe_open(path, "np") as theirs, U.safe_open(path, "np") as ours_:
        assert theirs.keys() == ours_.keys() and theirs.metadata() == ours_.metadata() == {"k": "v"}
        assert theirs.offset_keys() == ours_.offset_keys()
        a, b = theirs.get_slice("é"), ours_.get_slice("é")
        assert a.get_shape() == b.get_shape() and a.get_dtype() == b.get_dtype()
        for index in (0, (1, 2), slice(0, 1), (slice(None), slice(0, 2)), ...):
            np.testing.assert_array_equal(a[index], b[index])
    same(S.load(path)["é"], T(value["é"]))
    assert torch.load(path)["é"].tolist() == value["é"].tolist()


def blob(header: Any, body: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + body


GOOD = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
BAD = {
    "nothing": b"",
    "short": b"\xff" * 9,
    "long header": struct.pack("<Q", 200) + b"{}",
    "list": blob([]),
    "metadata": blob({"__metadata__": {"a": 1}}),
    "body long": blob({"a": GOOD}, bytes(5)),
    "body short": blob({"a": GOOD}, bytes(3)),
    "shape": blob({"a": {**GOOD, "shape": [2]}}, bytes(4)),
    "dtype": blob({"a": {**GOOD, "dtype": "X"}}, bytes(4)),
    "overlap": blob({"a": GOOD, "b": GOOD}, bytes(4)),
    "hole": blob({"a": {**GOOD, "data_offsets": [4, 8]}}, bytes(8)),
    "backwards": blob({"a": {**GOOD, "data_offsets": [4, 0]}}, bytes(8)),
    "overflow": blob({"a": {**GOOD, "shape": [2**40, 2**40]}}, bytes(4)),
    "negative": blob({"a": {**GOOD, "shape": [-1]}}, bytes(4)),
    "float": blob({"a": {**GOOD, "shape": [1.0]}}, bytes(4)),
    "not utf-8": blob(b'{"\xff":1}'),
    "no json": blob(b"{"),
}


@pytest.mark.parametrize("name", BAD)
def test_safetensors_refusals(name: str) -> None:
    import safetensors

    with pytest.raises(safetensors.SafetensorError) as theirs:
        st.load(BAD[name])
    with pytest.raises(U.SafetensorError) as mine:
        U.load(BAD[name])
    start = str(theirs.value)[:38]
    assert str(mine.value).startswith("Error while deserializing: ") or not start.startswith("Error while")
