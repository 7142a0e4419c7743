"""The base of all optimizers: parameter groups, per-parameter state, hooks and state dicts.

``Optimizer`` is the protocol (what ``torch.optim.Optimizer`` promises); ``Parameterwise`` adds the
one loop that nearly all optimizers share, so that an optimizer is its checks and its update rule.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from itertools import chain
from typing import Any, TypeAlias, TypeVar, cast

import rushlight as rl

from ..utils.hooks import RemovableHandle
from ._dense import AVAILABLE, DenseStep, Recipe

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

Tensor: TypeAlias = Any
F = TypeVar("F", bound=Callable[..., Any])
StateDict: TypeAlias = dict[str, Any]
Group: TypeAlias = dict[str, Any]
ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Args: TypeAlias = tuple[Any, ...]
Kwargs: TypeAlias = dict[str, Any]
Hooks: TypeAlias = "OrderedDict[int, Callable[..., Any]]"

_global_optimizer_pre_hooks: Hooks = OrderedDict()
_global_optimizer_post_hooks: Hooks = OrderedDict()

_FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]
_CAPTURABLE_DEVICES = ["cuda", "xpu", "hpu", "privateuseone", "xla"]
_PROFILER = "rushlight.autograd.profiler"
_HOOK_KINDS = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


class _Required:
    """The default of an option that every parameter group must give itself."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def register_optimizer_step_pre_hook(hook: Callable[[Optimizer, Args, Kwargs], Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before the step of every optimizer.

    The hook returns ``None``, or a tuple ``(args, kwargs)`` that the step gets instead.
    Returns a handle whose ``remove()`` takes the hook off again.

    >>> from rushlight.optim.optimizer import register_optimizer_step_pre_hook
    >>> register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: None).remove()
    """
    return _add_hook(_global_optimizer_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[[Optimizer, Args, Kwargs], None]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after the step of every optimizer.

    Returns a handle whose ``remove()`` takes the hook off again.

    >>> from rushlight.optim.optimizer import register_optimizer_step_post_hook
    >>> register_optimizer_step_post_hook(lambda optimizer, args, kwargs: None).remove()
    """
    return _add_hook(_global_optimizer_post_hooks, hook)


def _add_hook(hooks: Hooks, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _profiled(name: str) -> AbstractContextManager[Any]:
    """A profiler range, when the profiler has been loaded at all: else no one can be watching."""
    profiler = sys.modules.get(_PROFILER)
    return nullcontext() if profiler is None else profiler.record_function(name)


def _typename(value: Any) -> str:
    if isinstance(value, rl.Tensor):
        return str(value.type())
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _to_scalar(value: Any) -> Any:
    """A one-element tensor as a 0-d tensor; anything else as it is."""
    return value.squeeze() if isinstance(value, rl.Tensor) and value.dim() != 0 else value


def _number(value: Any) -> Any:
    """The Python number in a 0-d tensor; a number as it is."""
    return value.item() if isinstance(value, rl.Tensor) else value


def _wants_grad(value: Any) -> bool:
    """Whether a hyperparameter is a tensor to differentiate through."""
    return isinstance(value, rl.Tensor) and value.requires_grad


def _scalar_dtype(fused: Any = None) -> Any:
    """The dtype of step counts: double where double is the default, as counts are read as floats."""
    return rl.float64 if rl.get_default_dtype() is rl.float64 and not fused else rl.float32


def _check_lr(lr: Any, invalid: str = "Invalid learning rate: {}") -> None:
    """Refuse a learning rate that is a tensor of several elements, or negative."""
    if isinstance(lr, rl.Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(invalid.format(lr))


def _check_betas(betas: Any) -> None:
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def _check_not_negative(value: Any, what: str) -> None:
    if not value >= 0.0:
        raise ValueError(f"Invalid {what} value: {value}")


def _check_fused(fused: Any, foreach: Any, differentiable: bool) -> None:
    """``fused`` names one kernel for a whole step: it excludes the other two ways of computing it."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def _check_fused_param(param: Tensor) -> None:
    if not (param.is_floating_point() and param.device.type in _FUSED_DEVICES):
        raise RuntimeError(
            "`fused=True` requires all the params to be floating point Tensors of "
            f"supported devices: {_FUSED_DEVICES} but {param.dtype} and {param.device.type}"
        )


def _refuse_capturable(who: str = "params and state_steps") -> None:
    """A captured graph of a step exists on accelerators only; on the CPU this is PyTorch's error."""
    raise AssertionError(f"If capturable=True, {who} must be on supported devices: {_CAPTURABLE_DEVICES}.")


def _without_grad(function: F) -> F:
    """A function that records nothing while it runs."""
    return cast(F, rl.no_grad()(function))


def _use_grad_for_differentiable(step: F) -> F:
    """Run a step with gradients recorded if the optimizer is differentiable, and without if not."""

    @functools.wraps(step)
    def with_grad_mode(self: Any, *args: Any, **kwargs: Any) -> Any:
        with rl.set_grad_enabled(bool(self.defaults["differentiable"])):
            return step(self, *args, **kwargs)

    return cast(F, with_grad_mode)


class Optimizer:
    """Base class of all optimizers.

    Args:
        params: tensors to optimize, or pairs ``(name, tensor)``, or dicts with a key ``"params"`` and
            options that hold for that group only. Must come in the same order in every run.
        defaults: the options and their values for groups that do not give their own.

    Raises TypeError if ``params`` is a single tensor or holds something else than tensors, and
    ValueError if it is empty, repeats a parameter between groups or holds a tensor that is no leaf.

    A subclass passes its options as ``defaults``, keeps what it remembers of a parameter in
    ``self.state[param]`` and writes ``step``.

    >>> import rushlight as torch
    >>> class Descent(torch.optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...     @torch.no_grad()
    ...     def step(self):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p.sub_(group["lr"] * p.grad)
    >>> p = torch.tensor([2.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> Descent([p], lr=0.25).step()
    >>> p.detach()
    tensor([1.])
    """

    OptimizerPreHook: TypeAlias = Callable[[Any, Args, Kwargs], Any]
    OptimizerPostHook: TypeAlias = Callable[[Any, Args, Kwargs], None]

    state: defaultdict[Any, Any]
    param_groups: list[Group]
    _optimizer_step_pre_hooks: Hooks
    _optimizer_step_post_hooks: Hooks
    _optimizer_state_dict_pre_hooks: Hooks
    _optimizer_state_dict_post_hooks: Hooks
    _optimizer_load_state_dict_pre_hooks: Hooks
    _optimizer_load_state_dict_post_hooks: Hooks

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        for kind in _HOOK_KINDS:
            setattr(self, kind, OrderedDict())
        self._patch_step_function()

        if isinstance(params, rl.Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got " + _typename(params)
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for kind in _HOOK_KINDS:
            self.__dict__.setdefault(kind, OrderedDict())
        self._patch_step_function()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"] if i else ["Parameter Group 0"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    # The step and its hooks

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once from their ``.grad``.

        Args:
            closure: computes the loss anew and returns it; optional for most optimizers.

        Returns what the closure returned, or ``None``.
        """
        raise NotImplementedError

    def _optimizer_step_code(self) -> None:
        """Called after each step: a place for a profiler to look at the parameters and their state."""

    @staticmethod
    def profile_hook_step(func: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a step function so that it calls the hooks and shows in the profiler."""

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self = args[0]
            if not (
                self._optimizer_step_pre_hooks
                or self._optimizer_step_post_hooks
                or _global_optimizer_pre_hooks
                or _global_optimizer_post_hooks
                or _PROFILER in sys.modules
            ):
                out = func(*args, **kwargs)
                self._optimizer_step_code()
                return out
            with _profiled(f"Optimizer.step#{type(self).__name__}.step"):
                for hook in chain(_global_optimizer_pre_hooks.values(), self._optimizer_step_pre_hooks.values()):
                    result = hook(self, args, kwargs)
                    if result is None:
                        continue
                    if not (isinstance(result, tuple) and len(result) == 2):
                        raise RuntimeError(
                            f"{func} must return None or a tuple of (new_args, new_kwargs), but got {result}."
                        )
                    args, kwargs = result
                out = func(*args, **kwargs)
                self._optimizer_step_code()
                for hook in chain(self._optimizer_step_post_hooks.values(), _global_optimizer_post_hooks.values()):
                    hook(self, args, kwargs)
                return out

        return wrapper

    def _patch_step_function(self) -> None:
        """Give this class's ``step`` its hooks, once a class."""
        cls: Any = type(self)
        self._zero_grad_profile_name = f"Optimizer.zero_grad#{cls.__name__}.zero_grad"
        if not getattr(cls.step, "hooked", False):
            cls.step = self.profile_hook_step(cls.step)
            cls.step.hooked = True

    def register_step_pre_hook(self, hook: OptimizerPreHook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return _add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: OptimizerPostHook) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return _add_hook(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[[Optimizer], None], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before a state dict is made."""
        return _add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[[Optimizer, StateDict], StateDict | None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` on a new state dict; it may return another one."""
        return _add_hook(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[[Optimizer, StateDict], StateDict | None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; it may return another state dict."""
        return _add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[[Optimizer], None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a state dict has been loaded."""
        return _add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # State dicts

    def state_dict(self) -> StateDict:
        """The state as a dict of plain values and tensors, parameters replaced by their number.

        ``{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, ...]}, ...]}``.
        The tensors in it are those of the optimizer, not copies.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)

        number: dict[int, int] = {}
        start = 0
        packed_groups = []
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                number.setdefault(id(p), i)
            start += len(group["params"])
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [number[id(p)] for p in group["params"]]
            packed_groups.append(packed)
        packed_state = {
            number[id(key)] if isinstance(key, rl.Tensor) else key: value for key, value in self.state.items()
        }
        state_dict: StateDict = {"state": packed_state, "param_groups": packed_groups}

        for hook in self._optimizer_state_dict_post_hooks.values():
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        return state_dict

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a state made by :meth:`state_dict`, of this or of another run.

        Parameters are matched by their order. Tensors are cast to the dtype and device of their
        parameter, but for the count ``step``. Raises ValueError if the groups differ in number or size.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced

        groups = self.param_groups
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(groups, saved_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )

        param_of = dict(
            zip(
                chain.from_iterable(saved["params"] for saved in saved_groups),
                chain.from_iterable(group["params"] for group in groups),
                strict=True,
            )
        )
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in param_of:
                param = param_of[key]
                state[param] = self._cast_state(param, value, key, state_dict["param_groups"])
            else:
                state[key] = value
        for group, saved in zip(groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})

        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    @classmethod
    def _cast_state(
        cls, param: Tensor, value: Any, param_id: Any, param_groups: list[Group], key: Hashable = None
    ) -> Any:
        """``value`` with its containers copied and its tensors cast to what ``param`` is."""
        if isinstance(value, rl.Tensor):
            return cls._process_value_according_to_param_policy(param, value, param_id, param_groups, key)
        if isinstance(value, dict):
            return {k: cls._cast_state(param, v, param_id, param_groups, k) for k, v in value.items()}
        if isinstance(value, Iterable):
            kind: Any = type(value)
            return kind(cls._cast_state(param, v, param_id, param_groups) for v in value)
        return value

    @staticmethod
    def _process_value_according_to_param_policy(
        param: Tensor, value: Tensor, param_id: Any, param_groups: list[Group], key: Hashable = None
    ) -> Tensor:
        """Cast a tensor of a loaded state: all follow the parameter, only counts keep their dtype."""
        if key == "step":
            group = next((g for g in param_groups if param_id in g["params"]), {})
            if group.get("capturable", False) or group.get("fused", False):
                return value.to(dtype=rl.float32, device=param.device)
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)

    # Parameters and their gradients

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: leave ``None`` in ``.grad`` (the default); else fill it with zeros.
        """
        with _profiled(self._zero_grad_profile_name):
            for group in self.param_groups:
                for p in group["params"]:
                    if set_to_none:
                        p.grad = None
                    elif (grad := p.grad) is not None:
                        if grad.grad_fn is not None:
                            grad.detach_()
                        else:
                            grad.requires_grad_(False)
                        grad.zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize the parameters in ``param_group["params"]`` as well, with the options given there.

        Raises TypeError for what is no dict, no ordered collection or no tensor, and ValueError for a
        tensor that is no leaf, a missing required option, names on some groups only, or a parameter
        that another group has.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")

        params = param_group["params"]
        if isinstance(params, rl.Tensor):
            param_group["params"] = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but "
                "the ordering of tensors in sets will change between runs. Please use a list instead."
            )
        else:
            param_group["params"] = list(params)
        self._split_names(param_group)

        for param in param_group["params"]:
            if not isinstance(param, rl.Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + _typename(param))
            if not self.defaults.get("differentiable", None) and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")

        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)

        params = param_group["params"]
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; "
                "in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        self._check_against_other_groups(param_group)
        self.param_groups.append(param_group)

    @staticmethod
    def _split_names(param_group: Group) -> None:
        """Move the names of ``(name, param)`` pairs to the entry ``"param_names"``."""
        params, names, bare = [], [], 0
        for param in param_group["params"]:
            if isinstance(param, tuple):
                names.append(param[0])
                params.append(param[1])
            else:
                bare += 1
                params.append(param)
        if names and bare:
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        param_group["params"] = params
        if names:
            param_group["param_names"] = names

    def _check_against_other_groups(self, param_group: Group) -> None:
        taken: set[Any] = set()
        for group in self.param_groups:
            taken.update(group["params"])
            if ("param_names" in param_group) != ("param_names" in group):
                which = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {which} to the optimizer"
                )
        if not taken.isdisjoint(param_group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")


class Parameterwise(Optimizer):
    """An optimizer that updates each parameter by itself, from its gradient and its own state.

    A subclass writes three things. ``_init_state`` fills the state of a parameter that is seen for the
    first time. ``_update`` is the arithmetic, in operators, in place: it serves every dtype, and
    differentiates when asked. ``_recipe`` binds the options of a group to a kernel that does the same to
    plain float arrays in one pass; ``None`` if there is none for them.
    """

    _real_views = True  # show complex tensors to `_update` as real ones with one dimension more
    _accepts_sparse = False
    _sparse_advice = ""
    _sparse_name = ""  # the name that PyTorch's error says, where it is another

    def _init_state(self, state: dict[str, Any], param: Tensor, group: Group) -> None:
        """Fill the empty ``state`` of ``param``."""

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        raise NotImplementedError

    def _recipe(self, group: Group) -> Recipe | None:
        return None

    def _keeps_state(self, group: Group) -> bool:
        """Whether parameters of this group have a state at all."""
        return True

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once from their ``.grad``.

        Args:
            closure: computes the loss anew and returns it.

        Returns what the closure returned, or ``None``.
        """
        loss = None
        if closure is not None:
            with rl.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._update_group(group)
        return loss

    def _update_group(self, group: Group) -> None:
        if group.get("capturable"):
            self._refuse_capturable()
        if group.get("foreach") and group.get("differentiable"):
            raise AssertionError("_foreach ops don't support autograd")
        recipe = self._recipe(group) if AVAILABLE and not group.get("differentiable") else None
        dense = None if recipe is None else DenseStep(recipe)
        keeps_state = self._keeps_state(group)
        fused = group.get("fused")
        states = self.state
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if fused:
                _check_fused_param(param)
                if grad.is_sparse:
                    raise RuntimeError(f"`_fused_{type(self).__name__.lower()}` does not support sparse gradients")
            state = states[param] if keeps_state else {}
            if keeps_state and not state:
                if grad.is_sparse:
                    self._check_sparse()
                self._init_state(state, param, group)
            if dense is None or not dense.add(param, grad, state):
                self._update_by_operators(param, grad, state, group)
        if dense is not None:
            dense.finish()

    def _check_sparse(self) -> None:
        if not self._accepts_sparse:
            name = self._sparse_name or type(self).__name__
            raise RuntimeError(f"{name} does not support sparse gradients{self._sparse_advice}")

    def _update_by_operators(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: Group) -> None:
        if grad.is_sparse:
            self._check_sparse()
        if group.get("maximize"):
            grad = -grad
        if self._real_views and rl.is_complex(param):
            param, grad = rl.view_as_real(param), rl.view_as_real(grad)
            state = {
                key: rl.view_as_real(value) if isinstance(value, rl.Tensor) and rl.is_complex(value) else value
                for key, value in state.items()
            }
        self._update(param, grad, state, group)

    def _refuse_capturable(self) -> None:
        _refuse_capturable()


def _new_step(group: Group) -> Tensor:
    return rl.zeros((), dtype=_scalar_dtype(group.get("fused")))


def _step_as_tensor(optimizer: Optimizer, *also: str) -> None:
    """Make the counts of states from old checkpoints, which were numbers, into tensors."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            state = optimizer.state.get(p, {})
            for key in ("step", *also):
                if key in state and not isinstance(state[key], rl.Tensor):
                    state[key] = rl.tensor(float(state[key]), dtype=_scalar_dtype(group.get("fused")))


def _set_group_defaults(optimizer: Optimizer, **defaults: Any) -> None:
    """Give groups from old checkpoints the options that have come since."""
    for group in optimizer.param_groups:
        for key, value in defaults.items():
            group.setdefault(key, value)
