"""``torch.__future__``: how conversions of a module and ``load_state_dict`` give its parameters their new values.

By default the parameters stay the objects they are and their data is replaced. ``overwrite``: conversions put new
Parameters in their place. ``swap``: the old and the new object change places (`torch.utils.swap_tensors`).
"""

from __future__ import annotations

__all__ = [
    "get_overwrite_module_params_on_conversion",
    "get_swap_module_params_on_conversion",
    "set_overwrite_module_params_on_conversion",
    "set_swap_module_params_on_conversion",
]

_overwrite = False
_swap = False


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Whether ``module.to(...)``, ``.half()`` and the like make new Parameters, instead of changing those that are."""
    global _overwrite
    _overwrite = value


def get_overwrite_module_params_on_conversion() -> bool:
    """What `set_overwrite_module_params_on_conversion` set: False at first."""
    return _overwrite


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Whether conversions and ``load_state_dict`` swap a parameter with a new one, by `torch.utils.swap_tensors`.

    >>> import rushlight as torch
    >>> torch.__future__.set_swap_module_params_on_conversion(True)
    >>> layer = torch.nn.Linear(1, 1)
    >>> weight = layer.weight
    >>> layer.double().weight is weight
    True
    >>> torch.__future__.set_swap_module_params_on_conversion(False)
    """
    global _swap
    _swap = value


def get_swap_module_params_on_conversion() -> bool:
    """What `set_swap_module_params_on_conversion` set: False at first."""
    return _swap
