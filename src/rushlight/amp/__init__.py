"""``torch.amp``: mixed precision. NumPy has no bfloat16 and is slower in float16 than in float32, so on the CPU
``autocast`` checks its arguments and changes nothing: results are those of full precision, which every program
written for autocast accepts.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import rushlight as rl

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


def is_autocast_available(device_type: str) -> bool:
    """Whether ``autocast`` knows the kind of device: the CPU.

    >>> import rushlight as torch
    >>> torch.amp.is_autocast_available("cpu")
    True
    """
    if not isinstance(device_type, str):
        raise TypeError(
            f"is_autocast_available(): argument 'device_type' must be str, not {type(device_type).__name__}"
        )
    return device_type == "cpu"


class autocast:
    """A block (or, as a decorator, a function) in which PyTorch would use lower precision; full precision here.

    >>> import rushlight as torch
    >>> with torch.amp.autocast("cpu", dtype=torch.float16):
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type not in ("cpu", "cuda", "mps", "xpu", "hpu", "meta"):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        if device_type != "cpu" and enabled:
            warnings.warn(
                f"User provided device_type of '{device_type}', but {device_type.upper()} is not available. Disabling",
                UserWarning,
                stacklevel=2,
            )
            enabled = False
        if device_type == "cpu" and dtype is not None and dtype not in (rl.bfloat16, rl.float16):
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast. CPU Autocast only supports "
                "dtype of torch.bfloat16, torch.float16 currently.",
                UserWarning,
                stacklevel=2,
            )
            enabled = False
        self.device = device_type
        self.fast_dtype = rl.bfloat16 if dtype is None else dtype
        self._enabled = enabled

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return run


class GradScaler:
    """Scales losses against underflow of float16 gradients. Nothing is float16 here: it passes everything through.

    >>> import rushlight as torch
    >>> torch.amp.GradScaler("cpu", enabled=False).scale(torch.tensor(2.0))
    tensor(2.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cuda":
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                UserWarning,
                stacklevel=2,
            )
        self._init_scale, self._growth_factor = init_scale, growth_factor
        self._backoff_factor, self._growth_interval = backoff_factor, growth_interval

    def scale(self, outputs: Any) -> Any:
        """The outputs as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Nothing: gradients are not scaled."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(...)``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Nothing: the scale is 1."""

    def is_enabled(self) -> bool:
        """Always False."""
        return False

    def get_scale(self) -> float:
        """Always 1."""
        return 1.0

    def get_growth_factor(self) -> float:
        """The factor that was given."""
        return self._growth_factor

    def get_backoff_factor(self) -> float:
        """The factor that was given."""
        return self._backoff_factor

    def get_growth_interval(self) -> int:
        """The interval that was given."""
        return self._growth_interval

    def set_growth_factor(self, new_factor: float) -> None:
        """Keeps the factor, for :meth:`get_growth_factor`."""
        self._growth_factor = new_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Keeps the factor, for :meth:`get_backoff_factor`."""
        self._backoff_factor = new_factor

    def set_growth_interval(self, new_interval: int) -> None:
        """Keeps the interval, for :meth:`get_growth_interval`."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """An empty dictionary, as of a disabled scaler."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: a disabled scaler has no state."""


def custom_fwd(fwd: Any = None, *, device_type: str = "cpu", cast_inputs: Any = None) -> Any:
    """Marks the forward of a custom Function for autocast; full precision needs no casting."""
    return fwd if fwd is not None else lambda function: function


def custom_bwd(bwd: Any = None, *, device_type: str = "cpu") -> Any:
    """Marks the backward of a custom Function for autocast; full precision needs no casting."""
    return bwd if bwd is not None else lambda function: function
