"""Rules of operators that have no derivative: backward that comes there is told so, in PyTorch's two ways."""

from __future__ import annotations

from typing import Any, NoReturn

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
