"""The parts of the loader: making batches, fetching samples, and what runs in worker processes."""

from . import collate, fetch, pin_memory, worker

# Seconds after which a side that waits looks whether the other is still alive.
MP_STATUS_CHECK_INTERVAL = worker.STATUS_CHECK_INTERVAL

__all__ = ["MP_STATUS_CHECK_INTERVAL", "collate", "fetch", "pin_memory", "worker"]
