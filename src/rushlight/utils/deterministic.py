"""What deterministic algorithms do besides: fill memory that nothing was written to, after ``torch.utils.deterministic``."""

from __future__ import annotations

import sys
import types

from .._core.memory import DETERMINISTIC


class _Deterministic(types.ModuleType):
    @property
    def fill_uninitialized_memory(self) -> bool:
        """Whether ``torch.use_deterministic_algorithms(True)`` fills new tensors that nothing was written to.

        >>> import rushlight as torch
        >>> torch.utils.deterministic.fill_uninitialized_memory
        True
        """
        return DETERMINISTIC["fill"]

    @fill_uninitialized_memory.setter
    def fill_uninitialized_memory(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                "_set_deterministic_fill_uninitialized_memory(): argument 'mode' (position 1) must be bool, not "
                f"{type(mode).__name__}"
            )
        DETERMINISTIC["fill"] = mode


sys.modules[__name__].__class__ = _Deterministic
