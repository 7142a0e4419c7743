"""`torch` as another name of Rushlight's: the same modules, and clear words about what is not there."""

import importlib
import importlib.metadata
import importlib.util
import inspect
import io
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import rushlight
from rushlight import _alias
from rushlight._version import Version, torch_version, version_key

SOURCE = str(Path(rushlight.__file__).parents[1])


@pytest.fixture
def alias() -> Iterator[None]:
    """`torch` is Rushlight; whatever it was before is set aside."""
    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "torch"}
    rushlight.install_as_torch()
    yield
    _alias.uninstall_as_torch()
    sys.modules.update(aside)


def python(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python on our sources, with the warnings of a program, not of a test."""
    env = {**os.environ, "PYTHONPATH": SOURCE, **environment}
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, env=env, timeout=120)


def test_the_modules_are_the_same_objects(alias: None) -> None:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    from torch.utils.data import DataLoader

    assert torch is rushlight
    assert nn is rushlight.nn is torch.nn
    assert F is rushlight.nn.functional
    assert DataLoader is rushlight.utils.data.DataLoader
    assert sys.modules["torch.utils"] is rushlight.utils


def test_modules_go_on_knowing_their_one_name(alias: None) -> None:
    import torch.nn.functional

    assert torch.__spec__ is not None and torch.__spec__.name == "rushlight"
    assert torch.__name__ == "torch"  # but for the package: libraries ask namespaces for their names
    assert torch.nn.functional.__name__ == "rushlight.nn.functional"
    assert torch.nn.functional.__spec__ is not None
    assert torch.nn.functional.__spec__.name == "rushlight.nn.functional"
    assert pickle.loads(pickle.dumps(torch.nn.Linear)) is rushlight.nn.Linear


def test_the_names_of_the_private_core_that_libraries_ask_for(alias: None) -> None:
    import torch
    import torch._C

    assert torch._C._get_tracing_state() is None and torch._C.Generator is torch.Generator
    with pytest.raises(AttributeError, match="_no_such_name"):
        _ = torch._C._no_such_name
    assert not hasattr(rushlight, "_C") or rushlight.__name__ == "torch"


def test_public_classes_say_that_they_are_of_torch(alias: None) -> None:
    import torch
    import torch.optim

    assert repr(type(torch.ones(2))) == "<class 'torch.Tensor'>"
    assert repr(type(torch.Size([1]))) == "<class 'torch.Size'>" and torch.device.__module__ == "torch"
    assert repr(torch.nn.Linear) == "<class 'torch.nn.modules.linear.Linear'>"
    assert repr(torch.nn.Parameter) == "<class 'torch.nn.parameter.Parameter'>"
    assert torch.optim.SGD.__module__ == "torch.optim.sgd"
    for one in (torch.Tensor, torch.nn.Linear, torch.optim.SGD, torch.Size):
        assert pickle.loads(pickle.dumps(one)) is one
    assert inspect.getsource(torch.nn.Linear).startswith("class Linear(Module)")
    buffer = io.BytesIO()
    torch.save(torch.nn.Linear(1, 1), buffer)
    buffer.seek(0)
    with torch.serialization.safe_globals([torch.nn.Linear]):
        assert type(torch.load(buffer)) is torch.nn.Linear
    _alias.uninstall_as_torch()
    assert torch.Tensor.__module__ == "rushlight._core.tensor" and torch.__name__ == "rushlight"
    assert torch.nn.Linear.__module__ == "rushlight.nn.modules.linear"


def test_the_version_is_pytorchs_with_ours_behind(alias: None) -> None:
    import torch

    assert torch.__version__ == torch_version == importlib.metadata.version("torch")
    assert torch.__version__ >= "2.13" and torch.__version__ >= (2, 13) and not torch.__version__ < "2.13.0"
    assert torch.__version__.split("+")[0].split(".") == ["2", "13", "0"]
    assert importlib.metadata.distribution("torch").metadata["Name"] == "torch"


@pytest.mark.parametrize("name", ["torch._prims", "torch.nn.no_such_layer", "torch.no_such_part", "torch._lobpcg"])
def test_what_is_missing_says_so(alias: None, name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'torch\..*docs/missing.md") as caught:
        importlib.import_module(name)
    assert caught.value.name == name
    assert (Path(SOURCE).parent / _alias.MISSING).exists()


def test_asking_whether_a_module_exists_is_answered(alias: None) -> None:
    assert importlib.util.find_spec("torch") is not None
    assert importlib.util.find_spec("torch.nn.functional") is not None
    assert importlib.util.find_spec("torch.no_such_part") is None


def test_an_import_that_fails_inside_a_module_is_not_taken_for_a_missing_one(
    alias: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needy.py").write_text("import no_such_dependency\n")
    monkeypatch.setattr(rushlight, "__path__", [*rushlight.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_dependency'$"):
        importlib.import_module("torch.needy")


def test_twice_is_once_and_uninstall_takes_it_back(alias: None) -> None:
    rushlight.install_as_torch()
    import torch.nn

    assert torch.nn is rushlight.nn
    _alias.uninstall_as_torch()
    assert not _alias.is_installed_as_torch()
    assert not [name for name in sys.modules if name.split(".")[0] == "torch"]
    assert sys.modules["rushlight"] is rushlight and sys.modules["rushlight.nn"] is rushlight.nn


def test_another_torch_already_imported_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = type(sys)("torch")
    monkeypatch.setitem(sys.modules, "torch", other)
    with pytest.raises(RuntimeError, match=r"already imported in this process.*rushlight run"):
        rushlight.install_as_torch()
    assert not _alias.is_installed_as_torch()


def test_install_before_anything_else_is_imported(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import rushlight
        rushlight.install_as_torch()
        from torch.nn.functional import relu
        import torch
        print(torch is rushlight, relu is rushlight.nn.functional.relu)
    """)
    done = python("-c", program)
    assert done.stdout.split() == ["True", "True"], done.stderr


def test_the_alias_costs_nothing_at_import() -> None:
    """importlib.metadata takes 15 ms to import; it waits until somebody asks for torch's version."""
    done = python("-c", "import sys, rushlight._alias as a; a.install_as_torch(); print('email' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize(
    ("version", "key"),
    [
        ("2.13.0+cpu", ((2, 13), True, "cpu")),
        ((2, 4), ((2, 4), True, "")),
        ("2.1.0rc1", ((2, 1), False, "")),
        ("2.9.0.dev20250801+cu126", ((2, 9), False, "cu126")),
        ("parrot", None),
        ((), None),
    ],
)
def test_version_key(version: str | tuple[int, ...], key: object) -> None:
    assert version_key(version) == key


def test_versions_compare_as_in_pytorch() -> None:
    v = Version("2.13.0+cpu")
    assert v >= "2.9" and v >= (2, 13) and v < "2.13.1" and v > "2.13.0" and not v <= "2.13.0"
    assert v != "2.13.0" and v == "2.13.0+cpu" and hash(v) == hash("2.13.0+cpu")
    assert v > "2.13.0rc1" and v < "cpu" and not v > "parrot"  # no version: as strings
    with pytest.raises(TypeError):
        v > 3
