"""``SummaryWriter``: TensorBoard's own writer of event files, where the package tensorboard is installed."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from ..._core.tensor import Tensor

try:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
except ImportError as error:
    raise ImportError(
        "SummaryWriter needs the package tensorboard, which is not installed: pip install tensorboard"
    ) from error


class SummaryWriter:
    """Writes scalars, histograms and texts to an event file in ``log_dir`` that TensorBoard shows."""

    def __init__(
        self,
        log_dir: str | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        self.log_dir = log_dir or os.path.join("runs", time.strftime("%b%d_%H-%M-%S") + comment)
        self._writer = EventFileWriter(self.log_dir, max_queue, flush_secs, filename_suffix)

    def get_logdir(self) -> str:
        """The folder that is written to."""
        return self.log_dir

    def _add(self, value: Any, step: int | None, walltime: float | None) -> None:
        event = Event(wall_time=time.time() if walltime is None else walltime, summary=Summary(value=[value]))
        event.step = int(step or 0)
        self._writer.add_event(event)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number."""
        number = float(scalar_value.item() if isinstance(scalar_value, Tensor) else scalar_value)
        self._add(Summary.Value(tag=tag, simple_value=number), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Several numbers, as ``main_tag/name``."""
        for name, value in tag_scalar_dict.items():
            self.add_scalar(f"{main_tag}/{name}", value, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = 64,
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How values are distributed."""
        array = values.detach().numpy() if isinstance(values, Tensor) else np.asarray(values)
        array = array.astype(np.float64).reshape(-1)
        counts, edges = np.histogram(array, bins=64 if isinstance(bins, str) else bins)
        histogram = HistogramProto(
            min=array.min(), max=array.max(), num=array.size, sum=array.sum(), sum_squares=float(array @ array),
            bucket_limit=edges[1:].tolist(), bucket=counts.tolist(),
        )  # fmt: skip
        self._add(Summary.Value(tag=tag, histo=histogram), global_step, walltime)

    def add_graph(self, *args: Any, **kwargs: Any) -> None:
        """Not available: graphs are drawn by Rushlight itself."""
        raise NotImplementedError("add_graph() is not available: draw the graph of a result with Rushlight's own tools")

    def flush(self) -> None:
        """Write what is waiting."""
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


__all__ = ["SummaryWriter"]
