"""Neural networks: modules, their parameters, functions, initial values.

Everything is loaded when it is first asked for, so that importing this costs next to nothing.
"""

# ruff: noqa: F403
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .modules import _FILE_OF
from .modules import __all__ as _modules

if TYPE_CHECKING:
    from . import functional as functional
    from . import grad as grad
    from . import init as init
    from . import parallel as parallel
    from . import parameter as parameter
    from . import utils as utils
    from .modules import *
    from .parallel import DataParallel as DataParallel
    from .parameter import Buffer as Buffer
    from .parameter import Parameter as Parameter
    from .parameter import UninitializedBuffer as UninitializedBuffer
    from .parameter import UninitializedParameter as UninitializedParameter

_PARAMETERS = ("Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter")
_SUBMODULES = (
    "attention",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
)

__all__ = sorted([*_modules, *_PARAMETERS, "DataParallel", "factory_kwargs"])  # pyright: ignore[reportUnsupportedDunderAll]


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments of ``kwargs`` that tensor factories take: device, dtype, memory_format.

    A dict at ``'factory_kwargs'`` in it is merged in; other keys raise TypeError.

    >>> import rushlight as torch
    >>> torch.nn.factory_kwargs({"dtype": torch.float64})
    {'dtype': torch.float64}
    """
    if kwargs is None:
        return {}
    simple = {"device", "dtype", "memory_format"}
    expected = simple | {"factory_kwargs"}
    if not kwargs.keys() <= expected:
        raise TypeError(f"unexpected kwargs {kwargs.keys() - expected}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for name in ("device", "dtype", "memory_format"):
        if name in kwargs:
            if name in found:
                raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
            found[name] = kwargs[name]
    return found


def __getattr__(name: str) -> Any:
    if name in _FILE_OF:
        value = getattr(importlib.import_module(f"{__name__}.modules.{_FILE_OF[name]}"), name)
    elif name in _PARAMETERS:
        value = getattr(importlib.import_module(f"{__name__}.parameter"), name)
    elif name == "DataParallel":
        value = importlib.import_module(f"{__name__}.parallel").DataParallel
    elif name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})
