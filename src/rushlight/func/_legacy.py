"""``functorch``'s older ways with modules: modules without state, called with parameters and buffers as arguments."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .._ops.shape import stack
from ..nn import Module
from ._modules import functional_call


class FunctionalModuleWithBuffers(Module):  # type: ignore[misc, unused-ignore]
    """A module that is called with its parameters and buffers: ``fmodel(params, buffers, *args)``."""

    def __init__(self, stateless_model: Any, param_names: tuple[str, ...], buffer_names: tuple[str, ...]) -> None:
        super().__init__()
        self.stateless_model = stateless_model
        self.param_names, self.buffer_names = param_names, buffer_names

    def forward(self, params: Any, buffers: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the module with these parameters and buffers, in the order in which it names its own."""
        state = dict(zip(self.param_names, params, strict=True)) | dict(zip(self.buffer_names, buffers, strict=True))
        return functional_call(self.stateless_model, state, args, kwargs)


class FunctionalModule(FunctionalModuleWithBuffers):
    """A module that is called with its parameters: ``fmodel(params, *args)``."""

    def forward(self, params: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the module with these parameters, in the order in which it names its own."""
        return super().forward(params, (), *args, **kwargs)


def taken_apart(model: Module, disable_autograd_tracking: bool) -> tuple[Module, dict[str, Any], dict[str, Any]]:
    """A copy of a module, and its parameters and buffers."""
    clone = copy.deepcopy(model)
    params = dict(model.named_parameters())
    if disable_autograd_tracking:
        params = {k: p.detach() for k, p in params.items()}
    return clone, params, dict(model.named_buffers())


def make_functional(model: Module, disable_autograd_tracking: bool = False) -> tuple[FunctionalModule, tuple[Any, ...]]:
    """``(fmodel, params)``: the module as a function of its parameters. Raises RuntimeError if it has buffers.

    >>> import rushlight as torch
    >>> from rushlight.func import make_functional
    >>> f, params = make_functional(torch.nn.Linear(2, 3))
    >>> f(params, torch.ones(2)).shape
    torch.Size([3])
    """
    clone, params, buffers = taken_apart(model, disable_autograd_tracking)
    if buffers:
        raise RuntimeError(
            "make_functional(model): `model` has buffers. Please use make_functional_with_buffers(model) instead."
        )
    return FunctionalModule(clone, tuple(params), ()), tuple(params.values())


def make_functional_with_buffers(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[FunctionalModuleWithBuffers, tuple[Any, ...], tuple[Any, ...]]:
    """``(fmodel, params, buffers)``: the module as a function of its parameters and buffers.

    >>> import rushlight as torch
    >>> from rushlight.func import make_functional_with_buffers
    >>> f, params, buffers = make_functional_with_buffers(torch.nn.BatchNorm1d(2))
    >>> f(params, buffers, torch.ones(3, 2)).shape
    torch.Size([3, 2])
    """
    clone, params, buffers = taken_apart(model, disable_autograd_tracking)
    made = FunctionalModuleWithBuffers(clone, tuple(params), tuple(buffers))
    return made, tuple(params.values()), tuple(buffers.values())


def combine_state_for_ensemble(models: Any) -> tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]:
    """``(fmodel, params, buffers)`` of several modules of one class: each parameter and buffer stacked.

    >>> import rushlight as torch
    >>> from rushlight.func import combine_state_for_ensemble
    >>> f, params, buffers = combine_state_for_ensemble([torch.nn.Linear(2, 3) for _ in range(4)])
    >>> torch.func.vmap(f, in_dims=(0, 0, None))(params, buffers, torch.ones(2)).shape
    torch.Size([4, 3])
    """
    if len(models) == 0:
        raise RuntimeError("combine_state_for_ensemble: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("combine_state_for_ensemble: Expected all models to have the same training/eval mode.")
    if not all(type(m) is type(models[0]) for m in models):
        raise RuntimeError("combine_state_for_ensemble: Expected all models to be of the same class.")
    parts = [make_functional_with_buffers(m) for m in models]
    params = tuple([stack(list(each)).detach() for each in zip(*[p for _, p, _ in parts], strict=True)])
    buffers = tuple([stack(list(each)) for each in zip(*[b for _, _, b in parts], strict=True)])
    return parts[0][0], tuple([p.requires_grad_() for p in params]), buffers


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Stop all batch norms in a module from keeping running statistics, in place, so that ``vmap`` can run it.

    >>> import rushlight as torch
    >>> net = torch.func.replace_all_batch_norm_modules_(torch.nn.Sequential(torch.nn.BatchNorm1d(2)))
    >>> net[0].running_mean is None
    True
    """
    from ..nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
