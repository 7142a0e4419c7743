"""NumPy's names for two parameters: ``axis`` for ``dim`` and ``keepdims`` for ``keepdim``.

Declared operators take them by what is compiled for them; this gives them to functions that are written out. What
wraps such a function costs some fifty nanoseconds and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .._core.declare import UNSET, missing

F = TypeVar("F", bound=Callable[..., Any])

NAMES = {"dim": "axis", "keepdim": "keepdims"}


def numpy_names(function: F) -> F:
    """The function with ``axis`` and ``keepdims`` as other names of its parameters ``dim`` and ``keepdim``.

    A parameter without a default stays required: one of its two names must be given.
    """
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
    scope: dict[str, Any] = {f"default_{name}": value for name, value in defaults.items()}
    scope |= {"function": function, "UNSET": UNSET, "missing": missing}
    found: dict[str, Any] = {}
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
    exec(compile("\n".join(lines), function.__code__.co_filename, "exec"), scope, found)
    made: Any = found[function.__name__]
    for name in ("__module__", "__qualname__", "__doc__", "__annotations__"):
        setattr(made, name, getattr(function, name))
    made.__wrapped__ = function
    return made  # type: ignore[no-any-return]
