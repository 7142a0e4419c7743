"""``torch.backends``: what other machines compute with. None of it is here, so every question is answered no;
switches can be set and read, and change nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_OFF: dict[str, dict[str, Any]] = {
    "cuda": {},
    "cudnn": {
        "enabled": True, "benchmark": False, "deterministic": False, "allow_tf32": True, "benchmark_limit": 10,
        "conv": None, "rnn": None, "fp32_precision": "none",
    },
    "cusparselt": {}, "kleidiai": {}, "mha": {}, "miopen": {}, "mkl": {},
    "mkldnn": {"enabled": True, "deterministic": False, "allow_tf32": True, "fp32_precision": "none"},
    "mps": {}, "nnpack": {}, "openmp": {}, "opt_einsum": {"enabled": False, "strategy": None},
    "quantized": {"engine": "none", "supported_engines": ["none"]}, "cpu": {}, "xeon": {},
}  # fmt: skip


class Backend(ModuleType):
    """A library that is not here, with the switches that programs set."""

    def __init__(self, name: str, switches: dict[str, Any]) -> None:
        super().__init__(f"{__name__}.{name}", f"``torch.backends.{name}``: not here.")
        self.__dict__.update(switches)
        self._switches = tuple(switches)

    def is_available(self) -> bool:
        """Always False."""
        return False

    def is_built(self) -> bool:
        """Always False."""
        return False

    def version(self) -> None:
        """None: there is no such library."""

    def get_cpu_capability(self) -> str:
        """NumPy chooses its instructions by itself."""
        return "DEFAULT"

    @contextmanager
    def flags(self, **switches: Any) -> Iterator[None]:
        """Set switches for a block."""
        unknown = [name for name in switches if name not in self._switches]
        if unknown:
            raise TypeError(f"flags() got an unexpected keyword argument '{unknown[0]}'")
        before = {name: getattr(self, name) for name in switches}
        self.__dict__.update(switches)
        try:
            yield
        finally:
            self.__dict__.update(before)

    def set_flags(self, **switches: Any) -> None:
        """Set switches."""
        self.__dict__.update(switches)


for _name, _switches in _OFF.items():
    globals()[_name] = sys.modules[f"{__name__}.{_name}"] = Backend(_name, _switches)


class _Matmul:
    """Switches of CUDA's matrix products."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    fp32_precision = "none"


class _Nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


cuda.matmul = _Matmul()  # type: ignore[name-defined]  # noqa: F821
cuda.flash_sdp_enabled = cuda.mem_efficient_sdp_enabled = lambda: False  # type: ignore[name-defined]  # noqa: F821
cuda.math_sdp_enabled = lambda: True  # type: ignore[name-defined]  # noqa: F821
cuda.enable_flash_sdp = cuda.enable_mem_efficient_sdp = cuda.enable_math_sdp = lambda enabled: None  # type: ignore[name-defined]  # noqa: F821
cuda.sdp_kernel = lambda *args, **options: _Nothing()  # type: ignore[name-defined]  # noqa: F821
fp32_precision = "none"
