"""Wrappers for training on several devices or processes.

On one device DataParallel passes its calls through. DistributedDataParallel averages gradients over the
processes of a group, and with one process passes its calls through as well.
"""

from __future__ import annotations

from .data_parallel import DataParallel, data_parallel
from .distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]
