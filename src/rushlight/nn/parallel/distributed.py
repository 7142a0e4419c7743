"""DistributedDataParallel: the same model in every process, with gradients averaged as they become
complete."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rushlight as rl

from ..modules.module import Module

__all__ = ["DistributedDataParallel"]


def _world(process_group: Any) -> tuple[Any, int]:
    """(the module of collectives, number of processes); without a group there is this process only."""
    distributed = sys.modules.get("rushlight.distributed")
    if distributed is None or not distributed.is_initialized():
        return None, 1
    return distributed, int(distributed.get_world_size(process_group))


class DistributedDataParallel(Module):
    """The module under ``.module``; its gradients are averaged over the processes during backward.

    Parameters and buffers start as those of process 0. Options that only tune how PyTorch sends gradients
    (buckets and the like) are accepted, and change nothing. The names in the state begin with ``module.``.

    >>> import rushlight as torch
    >>> model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 3))
    >>> model(torch.ones(4, 2)).shape, list(model.state_dict())
    (torch.Size([4, 3]), ['module.weight', 'module.bias'])
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        if device_ids:
            raise ValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with single-device/"
                f"multiple-device GPU modules or CPU modules, but got device_ids {device_ids}: leave them out"
            )
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that "
                "requires a "
                "gradient."
            )
        self.module = module
        self.device_ids = None
        self.process_group = process_group
        self.broadcast_buffers = broadcast_buffers is not False
        self.require_backward_grad_sync = True
        distributed, size = _world(process_group)
        if size > 1:
            if init_sync:
                with rl.no_grad():
                    for tensor in (*module.parameters(), *module.buffers()):
                        distributed.broadcast(tensor.detach(), 0, group=process_group)
            for param in module.parameters():
                if param.requires_grad:
                    param.register_post_accumulate_grad_hook(self._average)

    def _average(self, param: Any) -> None:
        if not self.require_backward_grad_sync:
            return
        distributed, size = _world(self.process_group)
        with rl.no_grad():
            distributed.all_reduce(param.grad, group=self.process_group)
            param.grad.div_(size)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Within it gradients are only added up in each process; the next backward outside averages the
        sums."""
        before = self.require_backward_grad_sync
        self.require_backward_grad_sync = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if self.training and self.broadcast_buffers and self.require_backward_grad_sync:
            distributed, size = _world(self.process_group)
            if size > 1:
                with rl.no_grad():
                    for buffer in self.module.buffers():
                        distributed.broadcast(buffer, 0, group=self.process_group)
        return self.module(*inputs, **kwargs)
