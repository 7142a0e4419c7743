"""``rushlight doctor``: what this installation runs on, and what makes it slow.

Facts are gathered section by section into plain dictionaries; the text, the JSON and the advice are made
from them. NumPy's OpenBLAS is asked itself, by ctypes, which kernel it runs and on how many threads: what
NumPy was built with says nothing of that.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import _allocator, _blas_wait, _version

__all__ = ["advice", "doctor", "examine"]

Facts = dict[str, dict[str, Any]]

COMPANIONS = {
    "numba": ("numba", "fused kernels: softmax, layer_norm, gelu, convolution and more"),
    "scipy": ("special", "special functions and some factorisations"),
    "mpi4py": ("mpi", "gradients across processes"),
    "IPython": ("viz", "pictures in notebooks"),
    "matplotlib": ("plot", "plots"),
}
"""Packages that are not required: the extra of ours that brings each, and what it is good for."""

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
THREADING = {None: None, 0: "none", 1: "its own threads", 2: "OpenMP"}
FORCED_KERNEL = "OPENBLAS_CORETYPE"


def doctor(as_json: bool = False) -> int:
    """Print what was found, as text or as JSON, and return 0."""
    facts = examine()
    counsel = advice(facts)
    if as_json:
        print(json.dumps({**facts, "advice": counsel}, indent=2, default=str))
    else:
        print(_text(facts, counsel))
    return 0


def examine() -> Facts:
    """All the facts, by section."""
    return {
        "rushlight": _rushlight(),
        "python": {
            "version": f"{platform.python_version()} ({platform.python_implementation()})",
            "executable": sys.executable,
            "platform": platform.platform(),
        },
        "machine": _machine(),
        "numpy": _numpy(),
        "blas": _blas(),
        "companions": {name: _installed(name) for name in COMPANIONS},
        "torch": _torch(),
        "speed": _speed(),
    }


# ---------------------------------------------------------------------------------------------------------
# The facts


def _rushlight() -> dict[str, Any]:
    return {
        "version": _version.__version__,
        "as torch": str(_version.torch_version),
        "folder": str(Path(__file__).parent),
        "allocator": _allocator.status,
        "idle BLAS threads wait": _blas_wait.status,
    }


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "cores allowed": _allowed_cores(),
        "memory": _memory(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _allowed_cores() -> float:
    """The cores that this process may use: its affinity, and the quota of its control group."""
    try:
        cores = float(len(os.sched_getaffinity(0)))
    except AttributeError:  # not on macOS and Windows
        cores = float(os.cpu_count() or 1)
    for file, parse in (
        ("/sys/fs/cgroup/cpu.max", lambda text: text.split()),
        ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", lambda text: [text, "100000"]),
    ):
        try:
            quota, period = parse(Path(file).read_text().strip())
            if float(quota) > 0:
                cores = min(cores, float(quota) / float(period))
        except (OSError, ValueError):
            continue
    return cores


def _memory() -> str | None:
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return f"{size / 2**30:.1f} GiB"


def _numpy() -> dict[str, Any]:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    simd = config.get("SIMD Extensions", {})
    return {
        "version": np.__version__,
        "folder": str(Path(np.__file__).parent),
        "simd": " ".join([*simd.get("baseline", []), *simd.get("found", [])]),
        "simd not on this processor": " ".join(simd.get("not found", [])),
    }


def _blas() -> dict[str, Any]:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    built = config.get("Build Dependencies", {}).get("blas", {})
    found: dict[str, Any] = {"library": " ".join(filter(None, [built.get("name"), built.get("version")]))}
    for path in _openblas_files():
        library = _OpenBlas(path)
        if library.names:
            found |= {
                "file": path.name,
                "configuration": library.text("get_config"),
                "kernel": library.text("get_corename"),
                "threads": library.number("get_num_threads"),
                "threading": THREADING.get(library.number("get_parallel")),
            }
            break
    found["kernel forced"] = os.environ.get(FORCED_KERNEL)
    found |= {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    return found


def _openblas_files() -> Iterable[Path]:
    """OpenBLAS libraries that NumPy has loaded, its own before any other (SciPy brings one of its own)."""
    import numpy as np
    import numpy.linalg  # loads it, if the rest of NumPy has not

    package = Path(np.__file__).parent
    bundled = [folder for folder in (package.parent / "numpy.libs", package / ".dylibs") if folder.is_dir()]
    files = [file for folder in bundled for file in folder.iterdir() if "openblas" in file.name]
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return files
    loaded = {Path(line.split(maxsplit=5)[5]) for line in lines if "openblas" in line}
    return sorted(loaded, key=lambda file: (file.parent not in bundled, str(file)))


class _OpenBlas:
    """A loaded OpenBLAS, asked through ctypes; builds decorate its names in several ways."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        self.names = next(
            (
                f"{prefix}openblas_%s{suffix}"
                for prefix in ("scipy_", "")
                for suffix in ("64_", "_64", "")
                if hasattr(self.library, f"{prefix}openblas_get_config{suffix}")
            ),
            None,
        )

    def _function(self, name: str) -> Any:
        return getattr(self.library, self.names % name, None) if self.names else None

    def text(self, name: str) -> str | None:
        function = self._function(name)
        if function is None:
            return None
        function.restype, function.argtypes = ctypes.c_char_p, []
        return (function() or b"").decode()

    def number(self, name: str) -> int | None:
        function = self._function(name)
        if function is None:
            return None
        function.restype, function.argtypes = ctypes.c_int, []
        return int(function())


def set_blas_threads(count: int) -> None:
    """Set how many threads NumPy's OpenBLAS uses; other libraries are left alone."""
    function = _blas_threads_setter()
    if function is not None:
        function(count)


@functools.cache
def _blas_threads_setter() -> Any:
    """OpenBLAS's own function, or None: sought once, as it takes reading the process's map of memory."""
    for path in _openblas_files():
        function = _OpenBlas(path)._function("set_num_threads")
        if function is not None:
            function.restype, function.argtypes = None, [ctypes.c_int]
            return function
    return None


def _installed(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> dict[str, Any]:
    from ._alias import is_installed_as_torch

    alias, real = is_installed_as_torch(), _installed("torch")
    meaning = "Rushlight" if alias else f"PyTorch {real}" if real else "an error: install_as_torch() was not called"
    return {"import torch": meaning}


def _speed() -> dict[str, Any]:
    """Two figures, a tenth of a second each: a product of matrices, and the cost of a recorded operation."""
    import numpy as np

    import rushlight as torch

    a = np.ones((768, 768), np.float32)
    product = _best_of(lambda: a @ a)
    x = torch.ones(1, requires_grad=True)

    def chain() -> None:
        y = x
        for _ in range(100):
            y = y * 1.01 + 0.5

    return {
        "matrix product": f"{2 * 768**3 / product / 1e9:.0f} GFLOP/s (float32, 768 x 768)",
        "recorded operation": f"{1e6 * _best_of(chain) / 200:.2f} us (y * 1.01 + 0.5, one element)",
    }


def _best_of(work: Callable[[], object], budget: float = 0.1) -> float:
    best, end = math.inf, time.perf_counter() + budget
    while (start := time.perf_counter()) < end or best == math.inf:
        work()
        best = min(best, time.perf_counter() - start)
    return best


# ---------------------------------------------------------------------------------------------------------
# What follows from them


def advice(facts: Facts) -> list[str]:
    """What to change, most important first; empty if nothing is in the way of speed."""
    counsel = []
    blas, cores = facts["blas"], facts["machine"]["cores allowed"]
    threads = blas.get("threads")
    if blas.get("kernel forced"):
        counsel.append(
            f"{FORCED_KERNEL}={blas['kernel forced']} forces OpenBLAS to the kernel {blas.get('kernel')}; "
            f"left alone it picks the fastest for this processor: unset {FORCED_KERNEL}"
        )
    if threads and threads > max(1, math.floor(cores)):
        counsel.append(
            f"OpenBLAS runs {threads} threads on {cores:g} cores, so they wait for each other: "
            f"set OPENBLAS_NUM_THREADS={max(1, math.floor(cores))} before Python starts"
        )
    elif threads == 1 and cores >= 2:
        which = next((name for name in THREAD_VARIABLES if name in blas), None)
        reason = f" because {which}={blas[which]}" if which else ""
        counsel.append(
            f"OpenBLAS runs one thread{reason}, and {cores:g} cores are there: large matrix products and "
            "convolutions would gain from more (many small ones, and several processes at once, would not)"
        )
    if "kernel" not in blas and "openblas" not in blas["library"].lower():
        counsel.append(
            f"NumPy uses {blas['library'] or 'a BLAS it does not name'}, whose kernel and threads cannot be "
            "asked; if matrix products are slow, NumPy's own wheels bring OpenBLAS: "
            "pip install --force-reinstall numpy"
        )
    if not facts["companions"].get("numba"):
        counsel.append(
            "numba is not installed: softmax, layer_norm, gelu and other fused kernels run as several passes "
            "of NumPy; pip install 'rushlight[numba]'"
        )
    if os.environ.get("RUSHLIGHT_MALLOC") == "system":
        counsel.append("RUSHLIGHT_MALLOC=system: large arrays cost page faults at each step; unset it to avoid them")
    return counsel


def _text(facts: Facts, counsel: list[str]) -> str:
    width = max(len(key) for section in facts.values() for key in section)
    lines = []
    for title, section in facts.items():
        lines.append(title)
        for key, value in section.items():
            if value is None and title == "companions":
                extra, purpose = COMPANIONS[key]
                value = f"not installed ({purpose}; pip install 'rushlight[{extra}]')"
            lines.append(f"  {key:<{width}}  {_shown(value)}")
        lines.append("")
    lines.append("advice")
    if not counsel:
        lines.append("  nothing stands in the way of speed here")
    for text in counsel:
        lines += _wrapped(text)
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _wrapped(text: str, width: int = 96) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)
