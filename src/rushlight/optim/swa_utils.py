"""Averages of a model's parameters over a run: equal weights (SWA) or exponential ones (EMA).

Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any, Literal, TypeAlias

import rushlight as rl

from ..nn.modules.module import Module
from .lr_scheduler import LRScheduler, Rates, _format_param, _warn_get_lr_called_within_step
from .optimizer import Optimizer, Tensor, _number, _without_grad

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

AvgFn: TypeAlias = Callable[[Any, Any, Any], Any]
MultiAvgFn: TypeAlias = Callable[[Sequence[Any], Sequence[Any], Any], None]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _can_lerp(tensor: Tensor) -> bool:
    return bool(rl.is_floating_point(tensor) or rl.is_complex(tensor))


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAvgFn:
    """A function that moves a list of averages in place: ``decay * average + (1 - decay) * param``.

    Raises ValueError for a decay outside of [0, 1].

    >>> import rushlight as torch
    >>> average = torch.zeros(1)
    >>> torch.optim.swa_utils.get_ema_multi_avg_fn(0.5)([average], [torch.ones(1)], 1)
    >>> average
    tensor([0.5000])
    """
    _check_decay(decay)

    @_without_grad
    def ema_update(averages: Sequence[Tensor], params: Sequence[Tensor], num_averaged: Any) -> None:
        for average, param in zip(averages, params, strict=True):
            if _can_lerp(average):
                average.lerp_(param, 1 - decay)
            else:
                average.copy_(average * decay + param * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> MultiAvgFn:
    """A function that moves a list of averages in place: ``average += (param - average) / (n + 1)``.

    >>> import rushlight as torch
    >>> average = torch.zeros(1)
    >>> torch.optim.swa_utils.get_swa_multi_avg_fn()([average], [torch.ones(1)], 1)
    >>> average
    tensor([0.5000])
    """

    @_without_grad
    def swa_update(averages: Sequence[Tensor], params: Sequence[Tensor], num_averaged: Any) -> None:
        count: Any = num_averaged + 1
        for average, param in zip(averages, params, strict=True):
            if _can_lerp(average):
                average.lerp_(param, _number(1 / count))
            elif isinstance(count, rl.Tensor):
                average.addcdiv_(param - average, count)
            else:
                average.add_(param - average, alpha=1.0 / count)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> AvgFn:
    """A function of average, parameter and their number: ``decay * average + (1 - decay) * param``.

    Raises ValueError for a decay outside of [0, 1].

    >>> import rushlight as torch
    >>> torch.optim.swa_utils.get_ema_avg_fn(0.5)(torch.zeros(1), torch.ones(1), 1)
    tensor([0.5000])
    """
    _check_decay(decay)

    @_without_grad
    def ema_update(average: Tensor, param: Tensor, num_averaged: Any) -> Tensor:
        return decay * average + (1 - decay) * param

    return ema_update


def get_swa_avg_fn() -> AvgFn:
    """A function of average, parameter and their number: ``average + (param - average) / (n + 1)``.

    >>> import rushlight as torch
    >>> torch.optim.swa_utils.get_swa_avg_fn()(torch.zeros(1), torch.ones(1), 1)
    tensor([0.5000])
    """

    @_without_grad
    def swa_update(average: Tensor, param: Tensor, num_averaged: Any) -> Tensor:
        return average + (param - average) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are the running average of the model's.

    Args:
        model: the model, copied at once.
        device: where the copy is kept.
        avg_fn: a function of average, parameter and number averaged that returns the new average.
        multi_avg_fn: a function of two lists and the number, that changes the averages in place.
        use_buffers: average the buffers too; else they are copied from the model.

    Without a function the weights are equal. Raises AssertionError if both are given.

    >>> import rushlight as torch
    >>> model = torch.nn.Linear(1, 1)
    >>> averaged = torch.optim.swa_utils.AveragedModel(model)
    >>> averaged.update_parameters(model)
    >>> int(averaged.n_averaged)
    1
    """

    n_averaged: Any

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: AvgFn | None = None,
        multi_avg_fn: MultiAvgFn | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", rl.tensor(0, dtype=rl.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model makes of its arguments."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Let the parameters of ``model`` as they are now into the average; the first time, copy them."""
        own: Iterable[Any] = self.parameters()
        others: Iterable[Any] = model.parameters()
        if self.use_buffers:
            own = chain(self.module.parameters(), self.module.buffers())
            others = chain(model.parameters(), model.buffers())
        averages, params = [], []
        for average, param in zip(own, others, strict=False):
            averages.append(average.detach())
            params.append(param.detach().to(average.device))

        if self.n_averaged == 0:
            for average, param in zip(averages, params, strict=True):
                average.copy_(param)
        elif self.multi_avg_fn is not None:
            for same_averages, same_params in self._by_dtype(averages, params):
                self.multi_avg_fn(same_averages, same_params, self.n_averaged)
        else:
            avg_fn = self.avg_fn or get_swa_avg_fn()
            for average, param in zip(averages, params, strict=True):
                average.copy_(avg_fn(average, param, self.n_averaged))

        if not self.use_buffers:
            for own_buffer, buffer in zip(self.module.buffers(), model.buffers(), strict=True):
                own_buffer.detach().copy_(buffer.detach().to(own_buffer.device))
        self.n_averaged += 1

    @staticmethod
    def _by_dtype(averages: list[Tensor], params: list[Tensor]) -> Iterable[tuple[list[Tensor], list[Tensor]]]:
        """Two lists of one dtype each at a time, as functions on lists expect."""
        groups: dict[Any, tuple[list[Any], list[Any]]] = {}
        for average, param in zip(averages, params, strict=True):
            pair = groups.setdefault(average.dtype, ([], []))
            pair[0].append(average)
            pair[1].append(param)
        return groups.values()


@_without_grad
def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running statistics of all BatchNorm layers of ``model`` anew, in one pass over ``loader``.

    Args:
        loader: batches; of a list or tuple the first element is given to the model.
        model: left in the mode (train or eval) that it is in.
        device: where batches are moved to first.

    >>> import rushlight as torch
    >>> model = torch.nn.BatchNorm1d(1)
    >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.0], [3.0]])], model)
    >>> model.running_mean
    tensor([2.])
    """
    from ..nn.modules.batchnorm import _BatchNorm

    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    was_training = model.training
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over all batches
    model.train()
    for batch in loader:
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        model(batch.to(device) if device is not None else batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Anneal the rate to ``swa_lr`` in ``anneal_epochs`` steps and keep it there.

    Args:
        optimizer: whose rates are set.
        swa_lr: the last rate, for all groups or a list.
        anneal_epochs: number of steps of the way.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: number of the last step done.

    Raises ValueError for options out of range.

    >>> import rushlight as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.swa_utils.SWALR(optimizer, 0.0, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(_format_param("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """The part of the way done after the part ``t`` of the time."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> Rates:
        """The rates after the next piece of the way.

        The rate of now says where the way began, so that another schedule may have moved it meanwhile.
        """
        _warn_get_lr_called_within_step(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        duration = max(1, self.anneal_epochs)
        before = self.anneal_func(max(0, min(1, (step - 1) / duration)))
        now = self.anneal_func(max(0, min(1, step / duration)))
        rates = []
        for group in self.optimizer.param_groups:
            last, lr = group["swa_lr"], group["lr"]
            first = last if before == 1 else (lr - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates
