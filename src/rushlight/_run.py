"""``rushlight run SCRIPT [ARGS]``: an unmodified PyTorch program with ``torch`` meaning Rushlight.

The program sees what ``python SCRIPT ARGS`` would show it: ``sys.argv``, ``sys.path[0]``, and itself as
the module ``__main__``, so that what it pickles or hands to other processes is found again.  Tracebacks
begin in the program.
"""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from ._alias import install_as_torch

__all__ = ["run_module", "run_script"]

AS_TORCH = str(Path(__file__).with_name("_as_torch"))
"""A folder with a package ``torch`` that is Rushlight, for the processes that the program spawns."""


def run_script(script: str, args: Sequence[str] = ()) -> int:
    """Run the program in the file ``script``, or the ``__main__.py`` of a folder or zip file, with ``args``.

    Returns the exit status: 0, or 1 after an exception, which has been printed; ``SystemExit`` goes through.
    """
    if not os.path.exists(script):
        print(f"rushlight run: no such file: {script!r}", file=sys.stderr)
        return 2
    if os.path.isdir(script) or (not script.endswith(".py") and _is_zip(script)):
        _enter([script, *args], folder=None)
        return _guarded(lambda: runpy.run_path(script, run_name="__main__"), skip=runpy.__file__)

    path = os.path.abspath(script)
    with io.open_code(path) as file:
        source = file.read()
    _enter([script, *args], folder=os.path.dirname(os.path.realpath(path)))
    main = ModuleType("__main__")
    vars(main).update(
        __file__=path,
        __builtins__=builtins,
        __annotations__={},
        __loader__=SourceFileLoader("__main__", path),
        __cached__=None,
    )
    sys.modules["__main__"] = main

    def program() -> None:
        exec(compile(source, path, "exec", dont_inherit=True), vars(main))

    return _guarded(program)


def run_module(name: str, args: Sequence[str] = ()) -> int:
    """Run the module ``name`` with ``args``, as ``python -m`` does, the working directory in the path."""
    _enter(["-m", *args], folder=os.getcwd())
    return _guarded(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True), skip=runpy.__file__)


def _is_zip(path: str) -> bool:
    import zipfile

    return zipfile.is_zipfile(path)


def _enter(argv: list[str], folder: str | None) -> None:
    """Give the program its argv and path, and ``torch`` its new meaning, here and in processes it starts."""
    sys.argv[:] = argv
    # The first entry is the folder of our own entry point, except under `python -P`, which has none.
    ours = 0 if sys.flags.safe_path else 1
    sys.path[:ours] = [*([folder] if folder is not None and ours else []), AS_TORCH]
    install_as_torch()


def _guarded(program: Callable[[], Any], skip: str = "") -> int:
    """Run the program; print its exception as the interpreter would, without the frames that are ours."""
    try:
        program()
    except SystemExit:
        raise
    except BaseException as error:
        traceback = error.__traceback__
        while traceback is not None and _is_runner(traceback, skip):
            traceback = traceback.tb_next
        error.__traceback__ = traceback
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
        sys.excepthook(type(error), error, traceback)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _is_runner(traceback: TracebackType, skip: str) -> bool:
    file = traceback.tb_frame.f_code.co_filename
    return file in (__file__, skip) or file.startswith("<frozen ")
