"""What holds for every test: one BLAS thread a process, the same random numbers each time, nothing left set.

The tests run in two processes on two cores; BLAS with two threads in each would make them wait.
"""

import os
import sys

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # read when NumPy is first imported, so before everything else

from collections.abc import Iterator  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402

collect_ignore = ["programs", "packages", "parity/scenarios"]  # PyTorch programs and checks, run by tests of their own

LONG = os.environ.get("RUSHLIGHT_FUZZ") == "long"

hypothesis.settings.register_profile("short", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=20_000, print_blob=True)
hypothesis.settings.load_profile("long" if LONG else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The soak tests run only where they are asked for: `make fuzz`, or -m soak."""
    if LONG or "soak" in config.getoption("-m"):
        return
    skip = pytest.mark.skip(reason="a soak test: make fuzz runs it")
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _same_numbers() -> Iterator[None]:
    """Each test begins with seed 0, the default dtype float32 and recording on, whatever ran before it."""
    rushlight = sys.modules.get("rushlight")
    if rushlight is None:
        yield
        return
    rushlight.manual_seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    yield
    rushlight.set_default_dtype(rushlight.float32)
    assert rushlight.is_grad_enabled(), "the test left recording switched off"
