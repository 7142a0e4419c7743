"""The three ways a kernel can go, for tests: plain NumPy, NumPy in small blocks on threads, and compiled loops."""

import importlib.util
from collections.abc import Iterator

import pytest

from rushlight._kernels import elementwise, jit, pool_of_threads, rows, scans, sorting, steps


@pytest.fixture(params=["plain", "blocks", "compiled"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Thresholds set so that small arrays go the named way."""
    way = request.param
    if way == "compiled":
        if importlib.util.find_spec("numba") is None:
            pytest.skip("numba is not installed")
        monkeypatch.setattr(jit, "_numba_allowed", lambda: True)
        monkeypatch.setattr(jit, "COMPILE_FROM", 0)
        monkeypatch.setattr(elementwise, "BLOCK", 0)
        monkeypatch.setattr(steps, "BLOCK", 0)
        monkeypatch.setattr(scans, "BLOCK", 1)
    else:
        monkeypatch.setattr(jit, "_numba_allowed", lambda: False)
    if way == "blocks":
        monkeypatch.setattr(rows, "BLOCK_BYTES", 64)
        for module in (elementwise, steps, scans, sorting):
            monkeypatch.setattr(module, "BLOCK", 16)
    if way != "plain":
        monkeypatch.setattr(rows, "SMALL", 0)
        monkeypatch.setattr(sorting, "SMALL", 0)
        monkeypatch.setattr(pool_of_threads, "PARALLEL_FROM", 8)
        monkeypatch.setattr(pool_of_threads, "cpu_count", lambda: 3)
    yield way
