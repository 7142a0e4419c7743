"""Settings of the library and of what it computes with: threads, precision, devices, legacy tensor types."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from ._core import dtypes, memory, record
from ._core.tensor import CPU, Size, Tensor, ambient, check_device, construct, device, wrap
from ._kernels import pool_of_threads

# ---- threads


def set_num_threads(num_threads: int) -> None:
    """Set how many threads large kernels and NumPy's BLAS library use.

    >>> import rushlight as torch
    >>> before = torch.get_num_threads(); torch.set_num_threads(1); torch.get_num_threads()
    1
    >>> torch.set_num_threads(before)
    """
    if not isinstance(num_threads, int):
        raise TypeError(f"set_num_threads expects an int, but got {type(num_threads).__name__}")
    if num_threads <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    pool_of_threads.set_num_threads(num_threads)
    from ._doctor import set_blas_threads

    set_blas_threads(num_threads)


def get_num_threads() -> int:
    """How many threads large kernels use.

    >>> import rushlight as torch
    >>> torch.get_num_threads() >= 1
    True
    """
    return pool_of_threads.get_num_threads()


_interop = [os.cpu_count() or 1]


def set_num_interop_threads(num_threads: int) -> None:
    """Remembered, for programs that ask: operations run in the thread that calls them."""
    if num_threads <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _interop[0] = num_threads


def get_num_interop_threads() -> int:
    """The number last set."""
    return _interop[0]


# ---- determinism and precision

_deterministic = memory.DETERMINISTIC
_precision = ["highest"]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for deterministic algorithms: all algorithms here are, whatever is asked.

    New tensors that nothing was written to (``torch.empty``) are then full of nan, or of the largest integers, unless
    ``torch.utils.deterministic.fill_uninitialized_memory`` is False. Raises TypeError for what is not a bool.

    >>> import rushlight as torch
    >>> torch.use_deterministic_algorithms(True); torch.are_deterministic_algorithms_enabled()
    True
    >>> torch.use_deterministic_algorithms(False)
    """
    for name, value in (("'mode' (position 1)", mode), ("'warn_only'", warn_only)):
        if not isinstance(value, bool):
            raise TypeError(
                f"_set_deterministic_algorithms(): argument {name} must be bool, not {type(value).__name__}"
            )
    _deterministic.update(on=mode, warn_only=warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """Whether deterministic algorithms were asked for."""
    return _deterministic["on"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether only warnings were asked for."""
    return _deterministic["warn_only"]


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Ask for deterministic algorithms by level: "default", "warn" or "error"."""
    names = {"default": 0, "warn": 1, "error": 2}
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    level = names.get(debug_mode, -1) if isinstance(debug_mode, str) else debug_mode
    if level not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            if isinstance(debug_mode, str)
            else f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_deterministic_debug_mode() -> int:
    """The level last asked for."""
    return 0 if not _deterministic["on"] else 1 if _deterministic["warn_only"] else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Allow lower precision in matrix products of float32: BLAS here always computes in full precision.

    >>> import rushlight as torch
    >>> torch.set_float32_matmul_precision("high"); torch.get_float32_matmul_precision()
    'high'
    >>> torch.set_float32_matmul_precision("highest")
    """
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"Invalid precision {precision}: expected one of 'highest', 'high', 'medium'")
    _precision[0] = precision


def get_float32_matmul_precision() -> str:
    """The precision last allowed."""
    return _precision[0]


def set_flush_denormal(mode: bool) -> bool:
    """False: NumPy does not flush denormal numbers to zero."""
    return False


# ---- devices


def set_default_device(device: Any) -> None:
    """Set the device of new tensors: the CPU, or ``meta`` for shapes without numbers.

    >>> import rushlight as torch
    >>> torch.set_default_device("cpu"); torch.get_default_device()
    device(type='cpu')
    """
    ambient.set(CPU if device is None else check_device(device, True))


def get_default_device() -> device:
    """The device of new tensors."""
    return ambient.get()


# ---- programs that are compiled elsewhere


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
    **more: Any,
) -> Any:
    """The function or module itself, which runs eagerly; as a decorator too.

    >>> import rushlight as torch
    >>> @torch.compile
    ... def f(x):
    ...     return x + 1
    >>> f(torch.ones(1))
    tensor([2.])
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return lambda function: compile(function, fullgraph=fullgraph, dynamic=dynamic)
    return model


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Always False: computations keep their precision."""
    return False


def is_autocast_cpu_enabled() -> bool:
    """Always False: computations keep their precision."""
    return False


_autocast: dict[str, Any] = {"dtypes": {"cpu": dtypes.bfloat16}, "cache": True, "nesting": 0}


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Nothing: computations keep their precision, as `autocast` says."""


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """Nothing: computations keep their precision, as `autocast` says."""


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """The dtype that PyTorch's autocast would use on a device."""
    found: dtypes.dtype = _autocast["dtypes"].get(device_type, dtypes.float16)
    return found


def set_autocast_dtype(device_type: str, dtype: dtypes.dtype) -> None:
    """Keep the dtype that autocast would use on a device, for `get_autocast_dtype`.

    >>> import rushlight as torch
    >>> torch.set_autocast_dtype("cpu", torch.float16); torch.get_autocast_dtype("cpu")
    torch.float16
    >>> torch.set_autocast_dtype("cpu", torch.bfloat16)
    """
    if not isinstance(dtype, dtypes.dtype):
        raise TypeError(f"dtype must be a torch.dtype (got {type(dtype).__name__})")
    _autocast["dtypes"][device_type] = dtype


def get_autocast_cpu_dtype() -> dtypes.dtype:
    """``get_autocast_dtype("cpu")``."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> dtypes.dtype:
    """``get_autocast_dtype("cuda")``."""
    return get_autocast_dtype("cuda")


def set_autocast_cpu_dtype(dtype: dtypes.dtype) -> None:
    """``set_autocast_dtype("cpu", dtype)``."""
    set_autocast_dtype("cpu", dtype)


def set_autocast_gpu_dtype(dtype: dtypes.dtype) -> None:
    """``set_autocast_dtype("cuda", dtype)``."""
    set_autocast_dtype("cuda", dtype)


def is_autocast_cache_enabled() -> bool:
    """What was last set; nothing is cast, so nothing is cached."""
    return bool(_autocast["cache"])


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Kept, for `is_autocast_cache_enabled`."""
    _autocast["cache"] = bool(enabled)


def clear_autocast_cache() -> None:
    """Nothing: nothing is cast, so nothing is cached."""


def autocast_increment_nesting() -> int:
    """One block deeper: the new depth."""
    _autocast["nesting"] += 1
    return int(_autocast["nesting"])


def autocast_decrement_nesting() -> int:
    """One block out: the new depth."""
    _autocast["nesting"] -= 1
    return int(_autocast["nesting"])


def get_device_module(device: Any = None) -> Any:
    """The module of a kind of device: ``torch.cpu``, or ``torch.cuda``, which says that there is none.

    >>> import rushlight as torch
    >>> torch.get_device_module("cpu") is torch.cpu
    True
    """
    import importlib

    kind = get_default_device().type if device is None else str(device).partition(":")[0]
    if kind not in ("cpu", "cuda", "mps", "xpu"):
        raise RuntimeError(f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'.")
    return importlib.import_module(f"rushlight.{kind}")


_warn_always = record.warn_always


def set_warn_always(b: bool) -> None:
    """Show PyTorch's own warnings each time: here warnings are Python's, and its filters decide how often they show."""
    _warn_always[0] = bool(b)


def is_warn_always_enabled() -> bool:
    """What was last set."""
    return _warn_always[0]


class OutOfMemoryError(RuntimeError):
    """A device has no memory left; memory of the CPU raises Python's MemoryError."""


class AcceleratorError(RuntimeError):
    """A device failed; there is none here."""


def typename(obj: Any) -> str:
    """The full name of the type of an object.

    >>> import rushlight as torch
    >>> torch.typename(torch.ones(1))
    'torch.FloatTensor'
    """
    if isinstance(obj, Tensor):
        found: str = obj.type()
        return found
    module = getattr(obj, "__module__", None) or type(obj).__module__
    name = getattr(obj, "__qualname__", None) or type(obj).__qualname__
    return name if module in (None, "builtins") else f"{module}.{name}"


def _assert(condition: Any, message: str) -> None:
    """``assert`` as a function."""
    assert condition, message


# ---- legacy tensor types


class _Legacy(type):
    """The type of ``FloatTensor`` and its kin: tensors of one dtype."""

    dtype: dtypes.dtype

    def __instancecheck__(cls, obj: Any) -> bool:
        return isinstance(obj, Tensor) and obj.dtype is cls.dtype

    def __call__(cls, *args: Any, **options: Any) -> Any:
        made = construct(Tensor, args, options)
        if len(args) == 1 and isinstance(args[0], Tensor):
            if args[0].dtype is not cls.dtype:
                raise TypeError(f"expected {cls} (got {args[0].type()})")
            return made
        if len(args) == 1 and not isinstance(args[0], (int, Size)):
            from ._ops.create import array_of

            return wrap(array_of(args[0], cls.dtype))
        return made.to(cls.dtype)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def legacy_types() -> dict[str, Any]:
    """``FloatTensor``, ``LongTensor``... by name."""
    kinds = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")
    made = {}
    for name in kinds:
        label = f"{dtypes.LEGACY[name]}Tensor"
        kind = next(d for d in dtypes.ALL if d.name == name)
        made[label] = _Legacy(label, (), {"dtype": kind, "__module__": "torch", "__doc__": f"Tensors of {kind}."})
    return made


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by a legacy type, such as ``torch.DoubleTensor``; deprecated, as in PyTorch."""
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        UserWarning,
        stacklevel=2,
    )
    if isinstance(t, str):
        types = {f"torch.{n}": k for n, k in legacy_types().items()}
        if t not in types:
            raise TypeError(f"invalid type object: {t}")
        t = types[t]
    dtypes.set_default_dtype(t.dtype)
