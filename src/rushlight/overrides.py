"""``__torch_function__``: classes and modes that decide what functions on tensors mean.

Defining a subclass of Tensor outside the library, or entering a mode, switches dispatch on: from then on every operator
takes the careful path, which asks here first, and functions that are no operators are wrapped to do the same. A program
that does neither pays nothing.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import types as kinds
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import rushlight as rl

from ._core import declare, record
from ._core.mode import CAREFUL, mode
from ._core.tensor import Tensor

_modes: ContextVar[tuple[Any, ...]] = ContextVar("rushlight function modes", default=())
_off: ContextVar[int] = ContextVar("rushlight torch function off", default=0)  # 1: for subclasses, 2: for modes too


# ---- the protocol


def _disabled_torch_function_impl(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Assigned to ``__torch_function__``, it makes a class count as plain tensors."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


class DisableTorchFunctionSubclass(contextlib.ContextDecorator):
    """A block in which subclasses' ``__torch_function__`` is not asked (modes are)."""

    level = 1

    def __enter__(self) -> None:
        self.__dict__.setdefault("_tokens", []).append(_off.set(max(_off.get(), self.level)))

    def __exit__(self, *_: object) -> None:
        _off.reset(self.__dict__["_tokens"].pop())


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """A block in which neither subclasses nor modes are asked."""

    level = 2


def default_torch_function(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """What Tensor itself does: run the function, and give its results the class."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
    if func in get_default_nowrap_functions():
        return result
    return converted(result, cls, args)


def converted(result: Any, cls: Any, args: Any) -> Any:
    """Results as instances of ``cls``; what is an argument itself becomes another tensor on the same memory."""
    if cls is Tensor:
        return result
    if isinstance(result, Tensor):
        if isinstance(result, cls):
            return result
        if type(result) is Tensor and not any(result is a for a in flat(args)):
            result.__class__ = cls
            return result
        return result.as_subclass(cls)
    if isinstance(result, (tuple, list)):
        parts = [converted(r, cls, args) for r in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result


def overloaded(relevant: Iterable[Any]) -> list[Any]:
    """The arguments whose class overrides functions, one of each class, subclasses before their bases."""
    if _off.get():
        return []
    found: list[Any] = []
    seen: set[type] = set()
    for arg in relevant:
        cls = type(arg)
        if cls is Tensor or cls in seen or not asks(cls):
            continue
        seen.add(cls)
        at = next((i for i, old in enumerate(found) if issubclass(cls, type(old))), len(found))
        found.insert(at, arg)
    return found


def asks(cls: type) -> bool:
    """Whether a class has a ``__torch_function__`` of its own (or inherits Tensor's, and is not one of the library's)."""
    function = inspect.getattr_static(cls, "__torch_function__", None)
    if function is None:
        return False
    inner = getattr(function, "__func__", function)
    if inner is _disabled_torch_function_impl:
        return False
    return inner is not tensor_torch_function or cls.__module__.partition(".")[0] not in ("rushlight", "torch")


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Give a call to the innermost mode, or to the ``__torch_function__`` of the arguments, until one takes it.

    Raises TypeError if all return NotImplemented.
    """
    found = overloaded(relevant_args)
    types = tuple(map(type, found))
    stack = _modes.get() if _off.get() < 2 else ()
    if stack:
        with _pop_mode_temporarily() as innermost:
            result = innermost.__torch_function__(public_api, types, args, kwargs)
        if result is not NotImplemented:
            return result
    for arg in found:
        method = arg.__torch_function__
        if getattr(method, "__self__", None) is arg:
            warnings.warn(
                "Defining your `__torch_function__ as a plain method is deprecated and will be an error in future, "
                "please define it as a classmethod.",
                DeprecationWarning,
                stacklevel=2,
            )
        result = method(public_api, types, args, kwargs)
        if result is not NotImplemented:
            return result
    name = f"{getattr(public_api, '__module__', '')}.{getattr(public_api, '__name__', public_api)}"
    text = (
        f"no implementation found for '{name}' on types that implement __torch_function__: {[type(a) for a in found]}"
    )
    raise TypeError(text + (f" nor in mode {stack[-1]}" if stack else ""))


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether a mode is on or some argument's class overrides functions.

    >>> import rushlight as torch
    >>> torch.overrides.has_torch_function((torch.ones(2),))
    False
    """
    return bool((_modes.get() and _off.get() < 2) or overloaded(relevant_args))


def has_torch_function_unary(arg: Any) -> bool:
    """``has_torch_function`` of one argument."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args: Any) -> bool:
    """``has_torch_function`` of arguments."""
    return has_torch_function(args)


def is_tensor_like(inp: Any) -> bool:
    """Whether something is a tensor, or has a ``__torch_function__``.

    >>> import rushlight as torch
    >>> torch.overrides.is_tensor_like(torch.ones(2)), torch.overrides.is_tensor_like([1.0])
    (True, False)
    """
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[Any], Any]:
    """Make a function overridable: ``dispatcher``, called with the same arguments, names those that may override it.

    >>> import rushlight as torch
    >>> @torch.overrides.wrap_torch_function(lambda a: (a,))
    ... def twice(a):
    ...     return a * 2
    >>> twice(torch.ones(1))
    tensor([2.])
    """

    def decorate(func: Any) -> Any:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return wrapped

    return decorate


# ---- modes


class TorchFunctionMode:
    """A block in which every function on tensors is given to the mode's ``__torch_function__(func, types, args, kwargs)``.

    Functions that this calls go to the next outer mode.

    >>> import rushlight as torch
    >>> class Names(torch.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     _ = torch.ones(2) + 1
    ones
    add
    """

    inner: TorchFunctionMode

    def __init__(self) -> None:
        pass

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        activate()
        _push_mode(self)
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        _pop_mode()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Any:
        """An instance. (PyTorch's, deprecated.)"""
        warnings.warn("`Mode.push()` is no longer necessary and can be replaced with just `with Mode()`", stacklevel=2)
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that only runs the functions."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def _get_current_function_mode() -> Any:
    stack = _modes.get()
    return stack[-1] if stack else None


def _get_current_function_mode_stack() -> list[Any]:
    return list(_modes.get())


def _push_mode(mode: Any) -> None:
    _modes.set((*_modes.get(), mode))


def _pop_mode() -> Any:
    stack = _modes.get()
    _modes.set(stack[:-1])
    return stack[-1]


@contextlib.contextmanager
def _pop_mode_temporarily() -> Iterator[Any]:
    old = _pop_mode()
    try:
        yield old
    finally:
        _push_mode(old)


@contextlib.contextmanager
def _enable_torch_function() -> Iterator[None]:
    token = _off.set(0)
    try:
        yield
    finally:
        _off.reset(token)


enable_reentrant_dispatch = _enable_torch_function


# ---- how calls get here


@classmethod  # type: ignore[misc]
def tensor_torch_function_method(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    return default_torch_function(cls, func, types, args, kwargs)


tensor_torch_function = tensor_torch_function_method.__func__  # type: ignore[attr-defined]
_active: list[bool] = []


def activate() -> None:
    """Switch dispatch on, for the rest of the process."""
    if _active:
        return
    _active.append(True)
    Tensor.__torch_function__ = tensor_torch_function_method  # type: ignore[attr-defined]
    for ours in (rl.nn.Parameter, rl.nn.Buffer):
        ours.__torch_function__ = staticmethod(_disabled_torch_function_impl)
    record._overriding[:] = [overriding]
    declare._modes[:] = [careful]
    for scope in declare.scopes:
        scope["mode"] = careful
    for name, function in plain_methods():
        setattr(Tensor, name, asking(function, name))
    for name, place in rl._LAZY_FUNCTIONS.items():
        if place.startswith("_ops."):
            getattr(rl, name)  # what would be loaded at its first use comes now, to be among the functions that ask
    known: dict[Any, Any] = {}  # a function of two namespaces stays one
    for module, prefix in (
        (rl, ""), (rl.nn.functional, ""), (rl.linalg, "linalg_"), (rl.fft, "fft_"), (rl.special, "special_"),
    ):  # fmt: skip
        for name, function in plain_functions(module):
            if function not in known:
                known[function] = asking(function, prefix + name)
            setattr(module, name, known[function])


def careful() -> int:
    """The mode as compiled operators read it once dispatch is on: always careful."""
    return mode() | CAREFUL


def flat(args: Iterable[Any]) -> list[Any]:
    """Arguments, and the elements of lists and tuples among them."""
    found = []  # type: ignore[var-annotated]
    for arg in args:
        if type(arg) is list or type(arg) is tuple:
            found += arg
        else:
            found.append(arg)
    return found


def overriding(args: Sequence[Any], out: Any) -> Any:
    """What runs an operator instead, if a mode is on or an argument's class overrides it."""
    if not (_modes.get() and _off.get() < 2) and not overloaded(flat((*args, out))):
        return None
    return override


def override(op: Any, args: tuple[Any, ...], out: Any = None, name: str | None = None) -> Any:
    """Give an operator (``name``: as an in-place method) to whoever overrides it."""
    relevant = flat((*args, out))
    if isinstance(op, type):  # a custom function
        from .autograd.function import run

        with DisableTorchFunctionSubclass():
            made = run(op, args)
        kind = next((type(a) for a in overloaded(relevant)), Tensor)
        return converted(made, kind, args)
    further = {}
    if op.main is not None:  # ``add`` with alpha, and its like, are operators of their own: callers know the one name
        op, keyword = op.main
        *args, further[keyword] = args  # type: ignore[assignment]
    given, kwargs = as_called(op, tuple(args))
    kwargs |= further
    if name is not None:
        return handle_torch_function(getattr(Tensor, name), relevant, *given, **kwargs)
    if out is not None:
        kwargs["out"] = out
    return handled(op.call, op.name, relevant, given, kwargs)


def handled(function: Any, name: str, relevant: Any, args: Any, kwargs: Any) -> Any:
    """``handle_torch_function`` with the words of PyTorch's own operators where nobody takes the call."""
    try:
        return handle_torch_function(function, relevant, *args, **kwargs)
    except TypeError as error:
        if not str(error).startswith("no implementation found for"):
            raise
        asked = "\n".join(f"  - tensor subclass {type(a)}" for a in overloaded(relevant))
        raise TypeError(
            f"Multiple dispatch failed for 'torch.{name}'; all __torch_function__ handlers returned NotImplemented:\n\n"
            f"{asked}"
        ) from None


def as_called(op: Any, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments as a program would write them: without defaults at the end, those only by keyword as such."""
    by_position = [n for n in op.parameters if n in op.positional]
    given = list(args[: len(by_position)])
    while given and (n := by_position[len(given) - 1]) in op.defaults and same(given[-1], op.defaults[n]):
        given.pop()
    rest = zip(op.parameters[len(by_position) :], args[len(by_position) :], strict=True)
    return tuple(given), {n: a for n, a in rest if not (n in op.defaults and same(a, op.defaults[n]))}


def same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and not isinstance(a, Tensor) and a == b)


def asking(function: Any, name: str) -> Any:
    """A function that is no operator, made to ask first."""

    @functools.wraps(function)
    def asked(*args: Any, **kwargs: Any) -> Any:
        relevant = flat((*args, *kwargs.values()))
        if (_modes.get() and _off.get() < 2) or overloaded(relevant):
            return handle_torch_function(asked, relevant, *args, **kwargs)
        return function(*args, **kwargs)

    asked.__name__ = name
    return asked


LIFE = {
    "__new__", "__init__", "__init_subclass__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__",
    "__hash__", "__class_getitem__", "__reduce_ex__", "__reduce__", "__setstate__", "__torch_function__", "__dir__",
    "__array__", "__array_wrap__", "__array_ufunc__", "__array_function__", "__format__", "__index__", "as_subclass",
    "_make_subclass", "is_floating_point", "is_complex", "dim", "numel", "size", "stride", "is_inference", "nelement",
    "__matmul__", "__rmatmul__", "__imatmul__", "data_ptr", "element_size", "is_signed", "is_conj", "is_neg", "ndimension", "storage_offset", "get_device",
}  # fmt: skip


def plain_methods() -> list[tuple[str, Any]]:
    """Tensor's methods that are no operators."""
    found = {}
    for cls in reversed(Tensor.__mro__[:-1]):
        for name, value in vars(cls).items():
            if isinstance(value, kinds.FunctionType) and not hasattr(value, "op") and name not in LIFE:
                found[name] = value
    return list(found.items())


UNASKED = {"is_tensor", "is_storage", "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state"}


def plain_functions(module: Any) -> list[tuple[str, Any]]:
    """A module's public functions on tensors that are no operators."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if isinstance(value, kinds.FunctionType)
        and not hasattr(value, "op")
        and not name.startswith("_")
        and name not in UNASKED
        and value.__module__.startswith(("rushlight._ops", "rushlight.nn.functional"))
    ]


# ---- what can be overridden


def get_ignored_functions() -> set[Callable[..., Any]]:
    """Public functions that ``__torch_function__`` never sees: they take no tensors."""
    names = (
        *UNASKED, "set_printoptions", "no_grad", "enable_grad", "set_grad_enabled", "is_grad_enabled", "finfo", "iinfo",
        "set_default_dtype", "get_default_dtype", "vmap", "load", "save", "compile", "promote_types", "can_cast",
    )  # fmt: skip
    creation = [
        "arange",
        "empty",
        "eye",
        "from_numpy",
        "full",
        "linspace",
        "logspace",
        "ones",
        "rand",
        "randint",
        "randn",
        "randperm",
        "tensor",
        "zeros",
    ]
    return {getattr(rl, n) for n in (*names, *creation) if hasattr(rl, n)}


def get_default_nowrap_functions() -> set[Any]:
    """Functions whose results keep their own class."""
    return {Tensor.__dict__.get(n) for n in ("_base", "grad", "_grad")} - {None}


@functools.cache
def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """Namespaces with their functions that can be overridden.

    >>> import rushlight as torch
    >>> torch.add in torch.overrides.get_overridable_functions()[torch]
    True
    """
    ignored = get_ignored_functions()
    made: dict[Any, list[Callable[..., Any]]] = {}
    for space in (rl, rl.nn.functional, Tensor, rl.linalg, rl.fft, rl.special):
        places = [vars(c) for c in reversed(space.__mro__[:-1])] if isinstance(space, type) else [vars(space)]
        found: dict[int, Callable[..., Any]] = {}
        for place in places:
            for name, value in place.items():
                shown = not name.startswith("_") or (isinstance(space, type) and name.startswith("__"))
                if shown and isinstance(value, kinds.FunctionType) and name not in LIFE and value not in ignored:
                    if hasattr(value, "op") or value.__module__.startswith(("rushlight._ops", "rushlight.overrides")):
                        found[id(value)] = value
        made[space] = list(found.values())
    return made


@functools.cache
def get_testing_overrides() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For every overridable function a function of the same signature that returns -1."""

    def dummy(function: Any) -> Any:
        made = lambda *args, **kwargs: -1
        with contextlib.suppress(TypeError, ValueError):
            made.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return made

    return {f: dummy(f) for functions in get_overridable_functions().values() for f in functions}


def resolve_name(f: Any) -> str | None:
    """The name under which a function that can be overridden is found: ``torch.add``, ``torch.Tensor.add_``.

    >>> import rushlight as torch
    >>> torch.overrides.resolve_name(torch.exp)
    'torch.exp'
    """
    spaces = {rl: "torch", rl.nn.functional: "torch.nn.functional", Tensor: "torch.Tensor"}
    for space, name in spaces.items():
        for key in (getattr(f, "__name__", ""),):
            if key and getattr(space, key, None) is f:
                return f"{name}.{key}"
    return None


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is a method of Tensor (and perhaps also a function)."""
    name = getattr(func, "__name__", "")
    return func in get_overridable_functions()[Tensor] or name == "__get__" or getattr(Tensor, name, None) is func


def redispatch_function(func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Run the function itself, once, though its arguments override it; what it calls inside is dispatched again."""
    inner = getattr(func, "__wrapped__", None) if not hasattr(func, "op") else None
    if inner is not None:
        return inner(*args, **(kwargs or {}))
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


__all__ = [
    "BaseTorchFunctionMode",
    "TorchFunctionMode",
    "enable_reentrant_dispatch",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "redispatch_function",
    "resolve_name",
    "wrap_torch_function",
]
