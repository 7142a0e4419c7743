"""`torch` and its submodules as names of Rushlight: ``import torch.nn`` gives ``rushlight.nn`` itself.

One finder at the head of ``sys.meta_path`` answers every import that begins with ``torch``.  The modules
are the same objects under both names, never copies, so ``torch.Tensor is rushlight.Tensor``, and a class
is found again by whatever name it was pickled under.  What Rushlight does not have raises
ModuleNotFoundError and says so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from os import PathLike
from types import ModuleType
from typing import Any

from ._version import torch_version

__all__ = ["install_as_torch", "is_installed_as_torch", "uninstall_as_torch"]

PACKAGE = __package__
"""Where ``torch`` leads: the name of this package."""

MISSING = "docs/missing.md"
"""The page that lists what of PyTorch is not there."""


def install_as_torch() -> None:
    """Make ``import torch`` mean Rushlight in this process, from now on.

    ``import torch``, ``import torch.nn.functional as F`` and ``from torch.utils.data import DataLoader``
    then give Rushlight's modules, and ``importlib.metadata.version("torch")`` the version that
    ``torch.__version__`` says. A second call changes nothing.  `uninstall_as_torch` takes it back.

    Raises RuntimeError if PyTorch itself was imported before: two of them in one process would mix tensors.

    >>> import rushlight
    >>> rushlight.install_as_torch()
    >>> import torch.nn as nn
    >>> nn is rushlight.nn
    True
    >>> rushlight._alias.uninstall_as_torch()
    """
    if is_installed_as_torch():
        return
    real = sys.modules.get("torch")
    if real is not None and real is not sys.modules.get(PACKAGE):
        raise RuntimeError(
            f"PyTorch {getattr(real, '__version__', '')} is already imported in this process, from "
            f"{getattr(real, '__file__', None) or 'a module without a file'}; call install_as_torch() before "
            "anything imports torch, or start the program with `rushlight run`"
        )
    sys.meta_path.insert(0, _Finder())


def uninstall_as_torch() -> None:
    """Undo `install_as_torch`: ``import torch`` finds PyTorch again, or nothing; modules in use stay."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name in sys.modules if name == "torch" or name.startswith("torch.")]:
        module = sys.modules[name]
        if module is sys.modules.get(PACKAGE + name[len("torch") :]):
            del sys.modules[name]
    if "functorch" in sys.modules and sys.modules["functorch"] is sys.modules.get(f"{PACKAGE}.functorch"):
        del sys.modules["functorch"]


def is_installed_as_torch() -> bool:
    """Whether ``import torch`` gives Rushlight."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


class _Finder:
    """Answers ``torch`` and ``torch.*`` with a spec whose loader hands out Rushlight's module."""

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torch" and fullname != "functorch" and not fullname.startswith("torch."):
            return None
        tail = ".functorch" if fullname == "functorch" else fullname[len("torch") :]
        ours = PACKAGE + tail
        try:
            if (
                tail.startswith("._") and tail != "._dynamo"
            ):  # our private parts; PyTorch has some of these names for other things
                raise ModuleNotFoundError(name=ours)
            module = importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name is None or not (ours + ".").startswith(error.name + "."):
                raise  # the module is there and needs something that is not
            # importlib.util.find_spec asks whether a module exists: that is answered, not refused.
            if sys._getframe(2).f_code.co_name != "_find_and_load_unlocked":
                return None
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: torch is Rushlight here ({torch_version}), and there is no "
                f"{ours!r}. What of PyTorch is not there, and what to use for it, is listed in {MISSING}",
                name=fullname,
            ) from None
        loader: Any = _Loader(module)
        return ModuleSpec(fullname, loader, is_package=hasattr(module, "__path__"))

    @staticmethod
    def find_distributions(context: Any = None) -> Iterable[Any]:
        """What ``importlib.metadata`` says of ``torch``: its name and version, and no files."""
        if context is None or context.name is None or context.name.lower() != "torch":
            return
        from importlib.metadata import Distribution  # 15 ms, so not at import
        from pathlib import Path

        class Torch(Distribution):
            def read_text(self, filename: str | PathLike[str]) -> str | None:
                if str(filename) != "METADATA":
                    return None
                return f"Metadata-Version: 2.1\nName: torch\nVersion: {torch_version}\n"

            def locate_file(self, path: str | PathLike[str]) -> Any:
                return Path(__file__).parent / path

        yield Torch()

    @staticmethod
    def invalidate_caches() -> None:
        """Nothing is cached; importlib asks this of every finder."""


class _Loader:
    """Hands out a module that is loaded already, and leaves it as it was."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just written its own spec over the module's: put it back, so that the
        # module goes on knowing its one true name (importlib.reload, pickling and runpy look there).
        module.__spec__ = self.spec
