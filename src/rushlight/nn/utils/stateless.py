"""Calls of a module with other tensors in the place of its parameters and buffers.

They are put into the module's own dicts for the time of the call, so anything goes: tensors with a history,
those inside of a transform, plain ones. After the call the old ones are back, also if it raised.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from rushlight import Tensor

from ..modules.module import Module

__all__ = ["functional_call"]


def _owner(module: Any, name: str) -> tuple[Any, str]:
    """The submodule that has the tensor of this dotted name, and its last part."""
    path, _, last = name.rpartition(".")
    for part in path.split(".") if path else ():
        try:
            module = getattr(module, part)
        except AttributeError:
            raise AttributeError(f"{module._get_name()} has no attribute `{part}`") from None
        if not isinstance(module, Module):
            raise TypeError(f"submodule '{part}' of {name!r}: {module!r} is not an instance of torch.nn.Module")
    return module, last


_MISSING: Any = object()


def _swap(module: Any, name: str, tensor: Any) -> Any:
    """Put ``tensor`` in the place of the one called ``name``, and return that; _MISSING if there was none."""
    owner, last = _owner(module, name)
    if tensor is not None and tensor is not _MISSING and not isinstance(tensor, Tensor):
        raise TypeError(f"{tensor} is not an instance of torch.Tensor: it was given for '{name}'")
    for members in (owner._parameters, owner._buffers):
        if last in members:
            old = members[last]
            if tensor is _MISSING:
                del members[last]
            else:
                members[last] = tensor
            return old
    old = getattr(owner, last, _MISSING)
    if old is not _MISSING and not isinstance(old, Tensor):
        raise TypeError(f"attribute '{last}': {old} is not an instance of torch.Tensor")
    if tensor is _MISSING:
        delattr(owner, last)
    else:
        setattr(owner, last, tensor)
    return old


def _untie(module: Any, given: dict[str, Any]) -> dict[str, Any]:
    """``given`` with the other names of tensors that the module has under several names."""
    names: dict[Any, list[str]] = {}
    for members in (
        module.named_parameters(remove_duplicate=False),
        module.named_buffers(remove_duplicate=False),
    ):
        for name, tensor in members:
            names.setdefault(tensor, []).append(name)
    untied = dict(given)
    for tied in names.values():
        present = [name for name in tied if name in given]
        if len(tied) == 1 or not present:
            continue
        if len({id(given[name]) for name in present}) != 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(tied)}, which are tied. "
                "Consider using tie_weights=False"
            )
        untied.update(dict.fromkeys(tied, given[present[0]]))
    return untied


def _check_keys(module: Any, given: dict[str, Any]) -> None:
    names = {n for n, _ in module.named_parameters(remove_duplicate=False)}
    names |= {n for n, _ in module.named_buffers(remove_duplicate=False)}
    errors = []
    for what, keys in (
        ("Unexpected", [k for k in given if k not in names]),
        ("Missing", [k for k in names if k not in given]),
    ):
        if keys:
            errors.append(f"{what} key(s): {', '.join(map(repr, sorted(keys)))}.")
    if errors:
        raise RuntimeError("Error(s) in reparametrizing for {}:\n\t{}".format(module._get_name(), "\n\t".join(errors)))


@contextlib.contextmanager
def _reparametrize_module(
    module: Any,
    parameters_and_buffers: dict[str, Any],
    tie_weights: bool = False,
    strict: bool = False,
    stack_weights: bool = False,
) -> Iterator[None]:
    """Within it ``module`` has the given tensors; what the module put in their places comes back in the
    dict."""
    tensors = _untie(module, parameters_and_buffers) if tie_weights else parameters_and_buffers
    if strict:
        _check_keys(module, tensors)
    old: dict[str, Any] = {}
    try:
        for name, tensor in tensors.items():
            old[name] = _swap(module, name, tensor)
        yield
    finally:
        for name, tensor in reversed(old.items()):
            last = _swap(module, name, tensor)
            if name in parameters_and_buffers:
                parameters_and_buffers[name] = last


def _functional_call(
    module: Any,
    parameters_and_buffers: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """What ``func.functional_call`` does with one dict."""
    from ..parallel import DataParallel

    if isinstance(module, DataParallel):
        raise RuntimeError("The stateless API can't be used with nn.DataParallel module")
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(module, parameters_and_buffers, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


def functional_call(
    module: Any,
    parameters_and_buffers: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module`` with the given tensors; deprecated in favour of ``rushlight.func.functional_call``."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0. "
        "Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
