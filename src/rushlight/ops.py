"""``torch.ops.aten``: operators by PyTorch's internal names, ``torch.ops.aten.mm.default``.

Programs use these names to say which operators they mean (policies of selective checkpoints), and now and then call
them. Each is looked up among the public functions; nothing is registered here.
"""

from __future__ import annotations

import importlib
from functools import cache
from types import SimpleNamespace
from typing import Any

import rushlight as rl

# our operator -> PyTorch's internal one, where the names differ
RENAMED = {
    "log_softmax": "_log_softmax",
    "softmax": "_softmax",
    "layer_norm": "native_layer_norm",
    "group_norm": "native_group_norm",
    "batch_norm": "native_batch_norm",
    "dropout": "native_dropout",
    "reshape": "view",
    "scaled_dot_product_attention": "_scaled_dot_product_flash_attention_for_cpu",
    "attend": "_scaled_dot_product_flash_attention_for_cpu",
    "cross_entropy": "nll_loss_forward",
    "nll_loss": "nll_loss_forward",
    "conv1d": "convolution",
    "conv2d": "convolution",
    "conv3d": "convolution",
    "std": "std",
    "mm_turned": "mm",
    "addmm_turned": "addmm",
    "transposed": "t",
}
# overloads by how the second argument is given: (a tensor, a number)
SECOND = {
    **dict.fromkeys(
        ["add", "sub", "mul", "div", "remainder", "fmod", "bitwise_and", "bitwise_or", "bitwise_xor"],
        ("Tensor", "Tensor"),
    ),
    **dict.fromkeys(["eq", "ne", "lt", "le", "gt", "ge"], ("Tensor", "Scalar")),
    "pow": ("Tensor_Tensor", "Tensor_Scalar"),
    "lerp": ("Tensor", "Scalar"),
    "masked_fill": ("Scalar", "Scalar"),
}
FIXED = {
    "select": "int", "slice": "Tensor", "transpose": "int", "split": "Tensor", "index": "Tensor", "squeeze": "dim",
    "where": "self", "var": "correction", "std": "correction", "sort": "default",
}  # fmt: skip
BY_DIM = {
    "sum": "dim_IntList",
    "mean": "dim",
    "max": "dim",
    "min": "dim",
    "prod": "dim_int",
    "any": "dim",
    "all": "dim",
}


class OpOverload:
    """One form of an operator, such as ``aten.add.Tensor``. Calling it calls the public function."""

    def __init__(self, packet: OpOverloadPacket, overload: str) -> None:
        self.packet, self._overloadname = packet, overload
        self.op: Any = getattr(packet.function, "op", None)

    @property
    def overloadpacket(self) -> OpOverloadPacket:
        """All forms of the operator."""
        return self.packet

    _overloadpacket = overloadpacket
    namespace = "aten"

    def name(self) -> str:
        """The full name, as PyTorch writes it: ``aten::add.Tensor``."""
        end = "" if self._overloadname == "default" else f".{self._overloadname}"
        return f"aten::{self.packet.__name__}{end}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.packet(*args, **kwargs)

    def __str__(self) -> str:
        return f"aten.{self.packet.__name__}.{self._overloadname}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self.packet.__name__}', overload='{self._overloadname}')>"


class OpOverloadPacket:
    """An operator with all its forms: ``torch.ops.aten.add``; the attributes ``default``, ``Tensor``, ... are these."""

    def __init__(self, name: str, function: Any) -> None:
        self.__name__ = name
        self.function = function

    def __getattr__(self, overload: str) -> OpOverload:
        if overload.startswith("_"):
            raise AttributeError(f"'OpOverloadPacket' object has no attribute '{overload}'")
        made = self.__dict__[overload] = OpOverload(self, overload)
        return made

    def overloads(self) -> list[str]:
        """The names of its forms, as far as they are told apart here."""
        return sorted({"default", *SECOND.get(self.__name__, ()), *filter(None, [FIXED.get(self.__name__)])})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is None:
            raise NotImplementedError(
                f"torch.ops.aten.{self.__name__} names an operator here, but cannot be called: use the public function"
            )
        return self.function(*args, **kwargs)

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"


class _Namespace:
    """``torch.ops.aten``: operators by name."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, name: str) -> OpOverloadPacket:
        if name.startswith("__"):
            raise AttributeError(name)
        found = packet(name)
        if found is None:
            raise AttributeError(f"'_OpNamespace' '{self.__name__}' object has no attribute '{name}'")
        return found

    def __repr__(self) -> str:
        return f"<_OpNamespace '{self.__name__}'>"


@cache
def packet(name: str) -> OpOverloadPacket | None:
    """The operator of that name; None if there is none."""
    for place in (rl, rl.nn.functional, rl.Tensor, rl.special, rl.linalg):
        found = getattr(place, name, None)
        if callable(found) and not isinstance(found, type):
            return OpOverloadPacket(name, found)
    return OpOverloadPacket(name, None) if name in INTERNAL else None


INTERNAL = {
    *RENAMED.values(), "convolution", "_unsafe_view", "_scaled_dot_product_flash_attention", "slice", "index",
    "_pin_memory", "_sparse_addmm", "_sparse_mm_reduce_impl", "_to_copy", "alias",
}  # fmt: skip


@cache
def made(name: str) -> OpOverloadPacket:
    return packet(name) or OpOverloadPacket(name, None)


def overload_of(op: Any, args: tuple[Any, ...]) -> OpOverload:
    """PyTorch's name of what a call of one of our operators runs."""
    name = internal_name(op, args)
    overload: OpOverload = getattr(made(name), form(name, op, args))
    if overload.op is None:
        overload.op = op
    return overload


def internal_name(op: Any, args: tuple[Any, ...]) -> str:
    if op.name == "matmul":
        sides = tuple([a.ndim for a in args[:2]])
        return {(1, 1): "dot", (2, 2): "mm", (2, 1): "mv"}.get(sides, "bmm")
    if op.name == "linear":
        return "mm" if len(args) < 3 or args[2] is None else "addmm"
    name: str = op.name
    return RENAMED.get(name, name)


def form(name: str, op: Any, args: tuple[Any, ...]) -> str:
    if name in SECOND and len(args) > 1:
        return SECOND[name][0 if isinstance(args[1], rl.Tensor) else 1]
    if name in BY_DIM and "dim" in op.parameters:
        return BY_DIM[name] if args[op.parameters.index("dim")] is not None else "default"
    return FIXED.get(name, "default")


aten = _Namespace("aten")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if found := importlib.import_module(f"{__package__}.library").in_namespace(name):
        return SimpleNamespace(**found)
    raise AttributeError(
        f"'_OpNamespace' '{name}' object has no attribute: torch.ops has only aten here. Operators of libraries are "
        "not registered, but for those of torch.library.custom_op; call their Python functions."
    )


def load_library(path: Any) -> None:
    """Not available: there is nothing that compiled operators could register with. Raises OSError."""
    raise OSError(f"torch.ops.load_library({str(path)!r}): Rushlight runs no compiled operators of PyTorch's libraries")
