"""``torch.jit``: nothing is compiled here. What would be compiled is returned as it is and runs eagerly."""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable
from typing import Any, Final

import rushlight as rl

from .._names_only import fill

__all__ = [
    "Attribute", "Final", "RecursiveScriptModule", "ScriptFunction", "ScriptModule", "annotate", "export", "fork", "freeze", "ignore", "interface",
    "is_scripting", "is_tracing", "isinstance", "load", "optimize_for_inference", "save", "script", "script_method",
    "script_if_tracing", "trace", "trace_module", "unused", "wait",
]  # fmt: skip

_told: set[str] = set()


def _tell(name: str) -> None:
    """Say once what a function of this module does not do."""
    if name not in _told:
        _told.add(name)
        warnings.warn(
            f"torch.jit.{name} returns what it is given, which runs eagerly: nothing is compiled here.",
            UserWarning,
            stacklevel=3,
        )


class ScriptModule(rl.nn.Module):  # type: ignore[misc]
    """A module as older programs write one, with `script_method`; what :func:`script` returns is none of these."""


class RecursiveScriptModule(ScriptModule):
    """What PyTorch makes of a module that it scripts: nothing here is one."""


class ScriptFunction:
    """What PyTorch makes of a function that it scripts: nothing here is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("torch.jit.ScriptFunction: nothing is compiled here; call the function itself")


class Attribute:
    """A value with its type, for attributes of modules: see :func:`annotate`."""

    def __new__(cls, value: Any, type: Any = None) -> Any:
        return value


class TracerWarning(Warning):
    """What PyTorch warns with while it traces: nothing is traced here."""


def script(obj: Any, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> Any:
    """``obj`` itself: a function, module or class that runs eagerly.

    >>> import warnings, rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.jit.script(abs)(-1)
    1
    """
    _tell("script")
    return obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **options: Any) -> Any:
    """``func`` itself, after one run on the example inputs as a check."""
    _tell("trace")
    if example_inputs is not None:
        func(*(example_inputs if builtins.isinstance(example_inputs, tuple) else (example_inputs,)))
    return func


def trace_module(mod: Any, inputs: Any, *args: Any, **options: Any) -> Any:
    """``mod`` itself."""
    _tell("trace_module")
    return mod


def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Any:
    """``mod`` itself; as in PyTorch it must be in evaluation mode."""
    if mod.training:
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() first."
        )
    return mod


def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
    """``mod`` itself."""
    return mod


def export(fn: Any) -> Any:
    """``fn`` itself."""
    return fn


def unused(fn: Any) -> Any:
    """``fn`` itself."""
    return fn


def ignore(drop: Any = False, **options: Any) -> Any:
    """The function itself; also as a decorator with arguments."""
    return drop if callable(drop) else lambda fn: fn


def script_method(fn: Any) -> Any:
    """``fn`` itself."""
    return fn


def _overload(fn: Any) -> Any:
    return fn  # a declaration of types, which the function of the same name below it replaces


_overload_method = _overload


def script_if_tracing(fn: Any) -> Any:
    """``fn`` itself: nothing is ever traced."""
    return fn


_script_if_tracing = script_if_tracing


def interface(obj: Any) -> Any:
    """``obj`` itself."""
    return obj


def annotate(the_type: Any, the_value: Any) -> Any:
    """``the_value`` itself."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's ``isinstance``, for plain types."""
    return builtins.isinstance(obj, target_type)


def is_scripting() -> bool:
    """Always False."""
    return False


def is_tracing() -> bool:
    """Always False."""
    return False


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a function now; :func:`wait` gives its result."""
    made = rl.futures.Future()
    made.set_result(func(*args, **kwargs))
    return made


def wait(future: Any) -> Any:
    """The result of what :func:`fork` started."""
    return future.wait()


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Not here: a scripted program cannot be written. Raises RuntimeError."""
    raise RuntimeError(
        "torch.jit.save: nothing is compiled here. Save the module's state_dict() with torch.save instead."
    )


def load(f: Any, map_location: Any = None, _extra_files: Any = None, _restore_shapes: bool = False) -> Any:
    """Not here: a file of a scripted program holds code. Raises RuntimeError."""
    raise RuntimeError(
        "torch.jit.load: files of scripted programs hold code, and nothing here runs code from files. Save the module's "
        "state_dict() with torch.save where it was made, and load that."
    )


fill(__name__, "Rushlight traces no programs", "_get_trace_graph")
