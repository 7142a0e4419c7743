"""Keeps freed memory in the process: glibc otherwise gives it back and takes page faults for it at each step.

Arrays from 128 kB on come from `mmap` by default and go back to the kernel when freed, so a training step
pays for the same pages again and again.  Raising both thresholds keeps them; one alone makes it worse.
Only on glibc; ``RUSHLIGHT_MALLOC=system`` in the environment leaves the allocator alone.
"""

from __future__ import annotations

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP = 1 << 30
KEEP_OLD = 1 << 25  # the most that glibc before 2.35 accepts for the second

status = "untouched"
"""What `tune` did, in words; ``rushlight doctor`` shows it."""


def tune() -> None:
    """Raise glibc's two thresholds, unless the environment says not to."""
    global status
    if os.environ.get("RUSHLIGHT_MALLOC") == "system":
        status = "left alone (RUSHLIGHT_MALLOC=system)"
        return
    if not sys.platform.startswith("linux"):
        status = f"left alone ({sys.platform} keeps its own)"
        return
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION")
        mallopt = ctypes.CDLL(None).mallopt
    except (ValueError, OSError, AttributeError):
        status = "left alone (not glibc)"
        return
    if any(name.startswith("MALLOC_") and name.endswith("THRESHOLD_") for name in os.environ):
        status = "left alone (MALLOC_*_THRESHOLD_ is set)"
        return
    mmap = next((size for size in (KEEP, KEEP_OLD) if mallopt(M_MMAP_THRESHOLD, size)), 0)
    if mmap and mallopt(M_TRIM_THRESHOLD, KEEP):
        status = f"{glibc} keeps freed memory (mmap from {mmap >> 20} MiB, trim from {KEEP >> 20} MiB)"
    else:
        status = f"{glibc} refused the thresholds"
