"""The graph of a computation: nodes joined by edges, each edge a linear map.

An edge leads from a node to one of its parents and is the triple ``(parent, rule, saved)``: the
node it leads back to, the rule that carries a gradient there, and the values the rule needs. A node
holds its edges by columns (``parents``, ``rules``, ``saved``), so that what was saved is freed by one
assignment and the parents stay to be seen. A parent of ``None`` stands for an input that needs no
gradient. Several outputs of one node are ports into it; their gradients meet in a ``Bundle``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType
from typing import Any

from . import callsite
from .memory import tick

Rule = Callable[..., Any]


class Node:
    """One recorded operation: where the gradient of its output goes next.

    ``seq`` is its creation time: a node is newer than all it was made from.
    """

    __slots__ = ("__dict__", "__weakref__", "code", "lasti", "parents", "rules", "saved", "seq")
    op: Any = None  # the operator that was recorded, where there is one
    hooks: Any = None  # hooks.NodeHooks, once somebody registers one
    transform: Any = None  # the function transform that recorded it, if any
    holds = False  # whether the rules need saved values, which backward then frees
    hidden = False  # ports and fans are not shown to users
    width: Any = None  # how many outputs it has, where these have ports
    unseen: tuple[int, ...] = ()  # numbers of edges that PyTorch's node lacks: ``next_functions`` leaves them out
    makes_grads = False  # whether its rules run even if no gradient comes in (custom functions)
    parents: tuple[Node | None, ...]
    rules: tuple[Rule | None, ...]
    saved: Any
    seq: int
    code: CodeType | None
    lasti: int

    def edges(self) -> Iterator[tuple[Node | None, Rule | None, Any]]:
        """The edges one by one, as ``(parent, rule, saved)``."""
        return zip(self.parents, self.rules, self.saved, strict=True)

    def revived(self) -> Any:
        """The ``saved`` column as tensors joined to the graph again, for a backward that is recorded."""
        return self.saved

    def site(self) -> callsite.Site | None:
        """The line of the program that recorded this node."""
        return callsite.resolve(self.code, self.lasti)

    # ---- what PyTorch's users see

    def name(self) -> str:
        """The name of the node, such as ``MulBackward0``."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes that the edges lead to, each with the number of the output it stands for there."""
        found = [seen for parent in self.parents for seen in _seen(parent)]
        return tuple([seen for i, seen in enumerate(found) if i not in self.unseen] if self.unseen else found)

    @property
    def requires_grad(self) -> bool:
        """Always True: a node stands for something that was recorded."""
        return True

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for notes of the user's."""
        found: dict[Any, Any] = self.__dict__.setdefault("_metadata", {})
        return found

    def _sequence_nr(self) -> int:
        return self.seq

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


def _seen(parent: Node | None) -> list[tuple[Node | None, int]]:
    """What stands at the end of an edge for a user: ports and fans are seen through."""
    if parent is None:
        return [(None, 0)]
    if type(parent) is Port:
        return [(parent.parents[0], parent.index)]
    if type(parent) is Nowhere:
        return [(None, 0)]
    if type(parent) is Fan:
        return [seen for p in parent.parents for seen in _seen(p)]
    return [(parent, 0)]


def node_type(name: str, bases: tuple[type, ...], **attributes: Any) -> type[Node]:
    """A class of nodes of this name; what PyTorch calls ``torch::autograd::Kind`` is of a type ``Kind`` there."""
    if "::" in name:
        attributes["name"] = lambda self: name
    return type(name.rpartition("::")[2], bases, {"__slots__": (), **attributes})


class Leaf(Node):
    """The end of every path: a tensor that asked for a gradient."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Callable[[], Any]) -> None:
        self.tensor = tensor  # a weak reference: the tensor holds its leaf
        self.parents = self.rules = self.saved = ()
        self.seq = tick()
        self.code, self.lasti = None, -1

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def _sequence_nr(self) -> int:
        return 2**64 - 1  # PyTorch's: leaves run as soon as they can

    @property
    def variable(self) -> Any:
        """The tensor whose ``.grad`` this node adds to."""
        return self.tensor()

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


class Nowhere(Node):
    """Where the gradient of a view ends that was taken under no_grad of a tensor that requires grad."""

    __slots__ = ()
    hidden = True

    def __init__(self) -> None:
        self.parents = self.rules = self.saved = ()
        self.seq = tick()
        self.code, self.lasti = None, -1


Leaf.__name__ = Leaf.__qualname__ = "AccumulateGrad"  # the type's name in PyTorch


class Bundle(dict[int, Any]):
    """Gradients of several outputs (or towards several inputs) of one node; what has none is absent."""

    def __add__(self, other: Bundle) -> Bundle:
        """The other's gradients taken in (a bundle on its way has one holder, so this one itself is the sum)."""
        for i, g in other.items():
            self[i] = self[i] + g if i in self else g
        return self

    def listed(self, count: int) -> list[Any]:
        """The gradients in order, None where there is none."""
        return [self.get(i) for i in range(count)]


def into(g: Any, index: int) -> Bundle:
    return Bundle({index: g})


def take(bundle: Bundle, index: int) -> Any:
    return bundle.get(index)


class Port(Node):
    """One of several outputs of a node: it puts its gradient into a bundle for the node."""

    __slots__ = ("index",)
    hidden = True

    def __init__(self, node: Node, index: int) -> None:
        """The port of output ``index``; the node must be given its ``width``."""
        self.index = index
        self.parents, self.rules, self.saved = (node,), (into,), ((index,),)
        self.seq = tick()
        self.code, self.lasti = node.code, node.lasti
        if node.transform is not None:
            self.transform = node.transform


@cache
def _takes(count: int) -> tuple[tuple[Rule, ...], tuple[tuple[int], ...]]:
    return (take,) * count, tuple([(i,) for i in range(count)])


class Fan(Node):
    """The way from a rule that gives all gradients at once (a bundle) to the several parents."""

    __slots__ = ()
    hidden = True

    def __init__(self, parents: tuple[Node | None, ...]) -> None:
        self.parents = parents
        self.rules, self.saved = _takes(len(parents))
        self.seq = tick()
        self.code, self.lasti = None, -1


class Freed:
    """What stands for the saved values of a node after backward has freed them."""

    alive = 0  # how many passes have freed values of graphs that are still there

    def __init__(self, code: CodeType | None, lasti: int) -> None:
        self.code, self.lasti = code, lasti
        Freed.alive += 1

    def __del__(self) -> None:
        type(self).alive -= 1

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError(
            "Trying to backward through the graph a second time (or directly access saved tensors after they have "
            "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
            "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
            "you need to access saved tensors after calling backward. They were freed by backward at "
            f"{callsite.shown(self.code, self.lasti)}. If this is state carried over from an earlier step, detach it "
            "there; if two losses share this part, add them up and call backward once."
        )

    def __getitem__(self, _: Any) -> Any:
        return iter(self)

    def __len__(self) -> int:
        iter(self)
        return 0
