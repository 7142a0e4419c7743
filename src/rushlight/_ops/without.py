"""Rules of operators that have no derivative: backward that comes there is told so, in PyTorch's two ways."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NoReturn

from .._core import callsite
from .._core.graph import Node, Port, node_type
from .._core.memory import tick
from .._core.mode import RECORD, mode
from .._core.tensor import Tensor

NO_NODE = "torch::autograd::NotImplemented"
"""The name of the nodes of operators that PyTorch has no derivative formula for at all."""


def no_formula(name: str) -> Any:
    """The rule of an operator whose node is named ``NO_NODE``."""

    def rule(g: Any) -> NoReturn:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return rule


def no_derivative(name: str) -> Any:
    """The rule towards an argument that PyTorch's formula leaves out; the node bears the operator's name."""

    def rule(g: Any) -> NoReturn:
        raise NotImplementedError(f"the derivative for '{name}' is not implemented.")

    return rule


@cache
def _node_class() -> type[Node]:
    return node_type(NO_NODE, (Node,))


def leads_nowhere(name: str, given: Sequence[Any], made: Sequence[Tensor]) -> None:
    """Give the results of a function without a derivative formula the one node that says so in backward.

    ``given`` are its arguments, of which the tensors that require grad count; without any, nothing is done.
    """
    parents = tuple([x._node for x in given if isinstance(x, Tensor) and x._node is not None])
    if not parents or not mode() & RECORD:
        return
    node = _node_class()()
    node.parents, node.saved = parents, ((),) * len(parents)
    node.rules = (no_formula(name),) * len(parents)
    node.code, node.lasti = callsite.here()
    node.seq = tick()
    if len(made) == 1:
        made[0]._node = node
        return
    node.width = len(made)
    for i in reversed(range(len(made))):
        made[i]._node = Port(node, i)
