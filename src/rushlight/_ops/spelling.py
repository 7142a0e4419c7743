"""NumPy's names for two parameters: ``axis`` for ``dim`` and ``keepdims`` for ``keepdim``.

Declared operators take them by what is compiled for them; this gives them to functions that are written out. What
wraps such a function costs some fifty nanoseconds and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

from .._core.declare import UNSET, missing

F = TypeVar("F", bound=Callable[..., Any])

NAMES = {"dim": "axis", "keepdim": "keepdims"}


def numpy_names(function: F) -> F:
    """The function with ``axis`` and ``keepdims`` as other names of its parameters ``dim`` and ``keepdim``.

    A parameter without a default stays required: one of its two names must be given. What wraps the function is
    written out at its first call, as operators are: importing dozens stays cheap.
    """
    scope: dict[str, Any] = {"__name__": function.__module__}
    made: Any = FunctionType(_stub.__code__, scope, function.__name__)
    for name in ("__module__", "__qualname__", "__doc__", "__annotations__"):
        setattr(made, name, getattr(function, name))
    made.__wrapped__ = function
    made.__kwdefaults__ = {NAMES[n]: UNSET for n in function.__code__.co_varnames if n in NAMES}  # what it takes more
    scope |= {"call": made, "write_out": write_out, "function": function, "UNSET": UNSET, "missing": missing}
    return made  # type: ignore[no-any-return]


def _stub(*args: Any, **kwargs: Any) -> Any:
    write_out(call)  # type: ignore[name-defined]  # noqa: F821 (the scope of each function has its own)
    return call(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821


def write_out(made: Any) -> None:
    """Put the text of the wrapper in the place of its stub."""
    function, scope = made.__wrapped__, made.__globals__
    code = function.__code__
    count = code.co_argcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    defaults = dict(
        zip(names[count - len(function.__defaults__ or ()) : count], function.__defaults__ or (), strict=True)
    )
    defaults |= function.__kwdefaults__ or {}
    renamed = {name: NAMES[name] for name in names if name in NAMES}
    first = min(names.index(name) for name in renamed)
    required = [name for name in names[first:count] if name not in defaults]  # may come after ``dim``, by name
    defaults |= dict.fromkeys(required, UNSET)
    scope |= {f"default_{name}": value for name, value in defaults.items()}
    takes = [f"{name}=default_{name}" if name in defaults else name for name in names]
    takes.insert(count, "*")
    lines = [f"def {function.__name__}({', '.join([*takes, *(f'{other}=UNSET' for other in renamed.values())])}):"]
    for name, other in renamed.items():
        lines += [f"    if {other} is not UNSET:", f"        {name} = {other}"]
    if required:
        lines += [f"    if {' or '.join(f'{name} is UNSET' for name in required)}:"]
        lines += [f"        missing(function, {', '.join(f'{name}={name}' for name in required)})"]
    gives = [*names[:count], *(f"{name}={name}" for name in names[count:])]
    lines += [f"    return function({', '.join(gives)})"]
    # under the file of the function: for whoever asks where an operation was called, this is no line of a program
    found: dict[str, Any] = {}
    exec(compile("\n".join(lines), function.__code__.co_filename, "exec"), scope, found)
    text = found[function.__name__]
    made.__defaults__, made.__kwdefaults__, made.__code__ = text.__defaults__, text.__kwdefaults__, text.__code__
