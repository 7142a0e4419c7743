"""Names that programs touch around the edges: storages, compiler marks, DLPack capsules, removed functions, questions."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


# ---- storages


def test_a_storage_class_is_known_by_its_dtype() -> None:
    assert isinstance(torch.ones(2).storage(), torch.FloatStorage)
    assert not isinstance(torch.ones(2).storage(), torch.LongStorage)
    assert torch.FloatStorage([1, 2]).tolist() == [1.0, 2.0]
    assert torch.ones(2).storage_type() is torch.FloatStorage
    assert torch.ones(2).storage().type() == "torch.FloatStorage"
    assert torch.ones(2).storage().long().tolist() == [1, 1]


def test_a_storage_of_a_buffer() -> None:
    assert torch.ByteStorage.from_buffer(b"ab", "native").tolist() == [97, 98]
    assert torch.ShortStorage.from_buffer(b"\x00\x01", "big").tolist() == [1]
    assert torch.FloatStorage.from_buffer(np.float32([1, 2]).tobytes(), "native", 1, 4).tolist() == [2.0]
    with pytest.raises(TypeError, match="byte_order"):
        torch.FloatStorage.from_buffer(b"abcd")
    with pytest.raises(ValueError, match="multiple of element size"):
        torch.FloatStorage.from_buffer(b"abc", "native")
    with pytest.raises(ValueError, match="invalid byte_order"):
        torch.FloatStorage.from_buffer(b"abcd", "middle")


def test_a_storage_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(np.float32([1, 2, 3]).tobytes())
    assert torch.FloatStorage.from_file(str(path), size=2).tolist() == [1.0, 2.0]
    shared = torch.FloatStorage.from_file(str(path), True, 3)
    shared[0] = 9.0
    assert np.fromfile(path, np.float32)[0] == 9.0
    assert shared.filename == str(path)
    with pytest.raises(RuntimeError, match="has 12 bytes"):
        torch.FloatStorage.from_file(str(path), size=4)


def test_a_tensor_of_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "numbers")
    made = torch.from_file(path, shared=True, size=3, dtype=torch.int32)
    made[1] = 5
    assert np.fromfile(path, np.int32).tolist() == [0, 5, 0]
    assert torch.from_file(path, size=2, dtype=torch.int32).tolist() == [0, 5]


def test_a_storage_by_itself_is_not_saved() -> None:
    with pytest.raises(TypeError, match="save a tensor on it instead"):
        torch.save({"a": torch.ones(2).storage()}, io.BytesIO())


def test_typed_storage_warns_once() -> None:
    from rushlight import storage

    storage._warned.clear()
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        torch.ones(1).storage()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.ones(1).storage()


# ---- DLPack


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_dlpack_capsules_share_memory_and_are_taken_once(version: Any) -> None:
    x = torch.arange(6).view(2, 3).t()
    capsule = x.__dlpack__(max_version=version)
    y = torch.from_dlpack(capsule)
    y[0, 0] = 7
    assert x[0, 0] == 7 and y.shape == (3, 2) and torch.equal(x, y)
    with pytest.raises(RuntimeError, match="consumed only once"):
        torch.from_dlpack(capsule)


def test_dlpack_of_a_producer_without_versions() -> None:
    class Producer:
        def __init__(self, tensor: Any) -> None:
            self.tensor = tensor

        def __dlpack__(self, stream: Any = None) -> Any:
            return self.tensor.__dlpack__(stream=stream)

        def __dlpack_device__(self) -> Any:
            return self.tensor.__dlpack_device__()

    x = torch.zeros(2)
    torch.utils.dlpack.from_dlpack(Producer(x))[0] = 1
    assert x.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: torch.ones(1).__dlpack__(stream=object()), TypeError, "stream must be"),
        (lambda: torch.ones(1, requires_grad=True).__dlpack__(), BufferError, "require gradient"),
        (lambda: torch.ones(1).to_sparse().__dlpack__(), BufferError, "layout other than"),
        (lambda: torch.ones(1, device="meta").__dlpack__(), BufferError, "meta"),
        (lambda: torch.from_dlpack(3), RuntimeError, "invalid capsule"),
    ],
)
def test_dlpack_refuses(make: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        make()


# ---- questions and marks


def test_layouts_are_one_object_each() -> None:
    import copy
    import pickle

    assert torch.ones(1).layout is torch.strided
    assert torch.ones(1).to_sparse().layout is torch.sparse_coo
    assert pickle.loads(pickle.dumps(torch.strided)) is torch.strided
    assert copy.deepcopy(torch.channels_last) is torch.channels_last


def test_dense_tensors_answer_what_is_asked_of_sparse_ones() -> None:
    x = torch.ones(2, 3)
    assert x.to_dense() is x and x.to_dense(torch.float64).dtype is torch.float64
    assert (x.sparse_dim(), x.dense_dim()) == (0, 2)
    assert x.name is None and not x.is_sparse_csr and not x.is_distributed()
    for name in ("coalesce", "is_coalesced", "indices", "values", "crow_indices"):
        with pytest.raises(RuntimeError, match=f"{name} expected sparse .* layout but got Strided"):
            getattr(x, name)()


@pytest.mark.parametrize("name", ["eig", "symeig", "lstsq", "matrix_rank", "solve"])
def test_removed_functions_say_what_replaces_them(name: str) -> None:
    with pytest.raises(RuntimeError, match=r"now removed(.|\n)*torch\.linalg\."):
        getattr(torch, name)(torch.eye(2))


def test_compiler_marks_change_nothing() -> None:
    @torch.compiler.disable
    def f(x: int) -> int:
        return x + 1

    assert f(1) == 2 and not torch.compiler.is_compiling()
    with torch.compiler.set_stance("force_eager"), pytest.raises(RuntimeError, match="invalid"):
        torch.compiler.set_stance("lazily")


def test_symbols_are_numbers() -> None:
    assert (torch.sym_int(3.7), torch.sym_max(1, 2.0), torch.sym_min(1, 2), torch.sym_not(True)) == (3, 2.0, 1, False)
    assert (torch.sym_ite(True, 1, 2), torch.sym_sum([1, 2]), torch.sym_sqrt(4)) == (1, 3, 2.0)
    assert not isinstance(3, torch.SymInt)


def test_errors_of_devices_can_be_caught() -> None:
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError and issubclass(torch.OutOfMemoryError, RuntimeError)
    assert torch.cuda.memory_stats() == {} and torch.cuda.get_arch_list() == []
    with torch.cuda.stream(None):
        pass
    for name in ("current_stream", "mem_get_info", "get_device_capability"):
        with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
            getattr(torch.cuda, name)()
    with pytest.raises(TypeError, match=r"type torch\.cuda\.FloatTensor not available"):
        torch.cuda.FloatTensor(2)
    assert not isinstance(torch.ones(1), torch.cuda.FloatTensor)
    with torch.cpu.stream(torch.cpu.current_stream()), torch.cpu.amp.autocast():
        pass


def test_the_state_of_autocast_is_kept() -> None:
    assert torch.get_autocast_cpu_dtype() is torch.bfloat16 and torch.get_autocast_gpu_dtype() is torch.float16
    torch.set_autocast_cpu_dtype(torch.float16)
    assert torch.get_autocast_dtype("cpu") is torch.float16
    torch.set_autocast_cpu_dtype(torch.bfloat16)
    assert torch.autocast_increment_nesting() == 1 and torch.autocast_decrement_nesting() == 0
    torch.clear_autocast_cache()
    assert torch.get_device_module("cpu") is torch.cpu


def test_return_types_are_public() -> None:
    found = torch.ones(2).max(0)
    assert isinstance(found, torch.return_types.max)
    assert torch.return_types.max((found.values, found.indices)).indices is found.indices
    assert "topk" in torch.return_types.__all__
