"""`torch` and its submodules as names of Rushlight: ``import torch.nn`` gives ``rushlight.nn`` itself.

One finder at the head of ``sys.meta_path`` answers every import that begins with ``torch``.  The modules
are the same objects under both names, never copies, so ``torch.Tensor is rushlight.Tensor``, and a class
is found again by whatever name it was pickled under.  Public classes say that they are of ``torch`` as long as
the alias stands, and so does the package: programs print ``type(x)``, and choose by ``type(x).__module__`` or by
``xp.__name__``.  What Rushlight does not have raises ModuleNotFoundError and says so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from os import PathLike
from types import ModuleType
from typing import Any

from ._version import torch_version

__all__ = ["install_as_torch", "is_installed_as_torch", "uninstall_as_torch"]

PACKAGE = __package__
"""Where ``torch`` leads: the name of this package."""

PRIVATE = "._private"
"""Where ``torch._something`` leads."""

OWN_NAMES = ("_dynamo", "__config__", "__future__")
"""Names with an underscore that mean the same here and in PyTorch."""

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
    for name, module in list(sys.modules.items()):
        if (name + ".").startswith(PACKAGE + ".") and module is not None:
            _rename_classes(module)
    sys.modules[PACKAGE].__name__ = "torch"  # libraries ask a namespace for its name


def uninstall_as_torch() -> None:
    """Undo `install_as_torch`: ``import torch`` finds PyTorch again, or nothing; modules in use stay."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name in sys.modules if name == "torch" or name.startswith("torch.")]:
        module = sys.modules[name]
        if module is sys.modules.get(PACKAGE + name[len("torch") :]):
            del sys.modules[name]
    sys.modules[PACKAGE].__name__ = PACKAGE
    while _renamed:
        kind, home = _renamed.popitem()
        kind.__module__ = home
    if "functorch" in sys.modules and sys.modules["functorch"] is sys.modules.get(f"{PACKAGE}.functorch"):
        del sys.modules["functorch"]


def is_installed_as_torch() -> bool:
    """Whether ``import torch`` gives Rushlight."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


_renamed: dict[type, str] = {}
"""Classes that bear PyTorch's name for their module, and what theirs is."""


def _is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split(".")[1:])


def _rename_classes(module: ModuleType) -> None:
    """Let the classes of a public module, and those the package itself shows, say that they are of ``torch``.

    Their modules are then among ``sys.modules`` under that name too, where pickling and inspection look for them.
    """
    name = module.__name__
    if not _is_public(name):
        return
    alias = "torch" + name[len(PACKAGE) :]
    for label, kind in list(vars(module).items()):
        if isinstance(kind, type) and kind not in _renamed:
            home = kind.__module__
            if home == name or (name == PACKAGE and not label.startswith("_") and home.startswith(f"{PACKAGE}._")):
                _renamed[kind] = home
                kind.__module__ = alias
    if name != PACKAGE:
        sys.modules.setdefault(alias, module)


class _Finder:
    """Answers ``torch`` and ``torch.*`` with a spec whose loader hands out Rushlight's module.

    Of Rushlight's own modules it finds those that are public, to rename their classes once they are loaded.
    """

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.startswith(PACKAGE + ".") and _is_public(fullname):
            return _own_spec(fullname, path, target)
        if fullname != "torch" and fullname != "functorch" and not fullname.startswith("torch."):
            return None
        tail = ".functorch" if fullname == "functorch" else fullname[len("torch") :]
        # our private parts are others than PyTorch's, of which there are some in a folder of their own
        private = tail.startswith("._") and tail.split(".")[1] not in OWN_NAMES
        ours = f"{PACKAGE}{PRIVATE}{tail}" if private else PACKAGE + tail
        try:
            known = fullname in sys.modules
            module = importlib.import_module(ours)
            if not known:  # if it were there now, the import system would load what its spec says once more
                sys.modules.pop(fullname, None)
        except ModuleNotFoundError as error:
            if error.name is None or not (ours + ".").startswith(error.name + "."):
                raise  # the module is there and needs something that is not
            # importlib.util.find_spec asks whether a module exists: that is answered, not refused.
            if sys._getframe(2).f_code.co_name != "_find_and_load_unlocked":
                return None
            _names_only = importlib.import_module(f"{PACKAGE}._names_only")

            made = _names_only.module(tail[1:])
            if made is not None:
                return ModuleSpec(fullname, _Loader(made), is_package=True)  # type: ignore[arg-type]
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


def _own_spec(fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
    """A module of Rushlight as it is found without us; its classes are renamed when it has been loaded."""
    spec = PathFinder.find_spec(fullname, path, target)
    if spec is None or spec.loader is None:
        return None
    load = spec.loader.exec_module

    def load_and_rename(module: ModuleType) -> None:
        load(module)
        _rename_classes(module)

    spec.loader.exec_module = load_and_rename  # type: ignore[method-assign]
    return spec


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
