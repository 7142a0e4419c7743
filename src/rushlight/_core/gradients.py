"""``backward`` and ``grad`` as users call them: roots are checked and seeded, options turned into the engine's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from operator import index
from types import NoneType
from typing import Any, NamedTuple

from numpy import ndarray

from . import declare, engine, hooks, views
from .graph import Bundle, Fan, Leaf, Node, Nowhere, Port
from .mode import RECORD, TRANSFORMED, mode, switched
from .tensor import Tensor, wrap


class GradientEdge(NamedTuple):
    """A place in the graph: output ``output_nr`` of ``node``. Stands for a tensor as root or input of a pass."""

    node: Node
    output_nr: int
    ownership_token: Any = None


class Held(NamedTuple):
    """What an edge made of a tensor holds besides: its place in the graph, what keeps that alive, shape and dtype."""

    at: Node
    tensor: Any
    shape: tuple[int, ...]
    dtype: Any


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph where the gradient of a tensor arrives; it does not keep the tensor's memory.

    >>> import rushlight as torch
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> torch.autograd.grad(x * 3, torch.autograd.graph.get_gradient_edge(x))
    (tensor(3.),)
    """
    node = tensor._node if tensor.requires_grad else None
    if node is None:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients: call "
            "requires_grad_() on it first."
        )
    if type(node) is Nowhere:
        raise AssertionError("Expected gradient function to be set: this is a view that was taken under no_grad.")
    held = Held(node, tensor if type(node) is Leaf else None, tuple(tensor.shape), tensor.dtype)
    if type(node) is Port:
        return GradientEdge(node.parents[0], node.index, held)  # type: ignore[arg-type]
    return GradientEdge(node, 0, held)


def listed(given: Any) -> tuple[Any, ...]:
    """One tensor or several, as a tuple."""
    return (given,) if isinstance(given, (Tensor, GradientEdge)) else tuple(given)


def node_of(place: Any) -> Node | None:
    """The node at which the gradient of a tensor or a gradient edge arrives."""
    if isinstance(place, GradientEdge):
        if isinstance(place.ownership_token, Held):
            return place.ownership_token.at
        if place.node.width is None:
            return place.node
        hooks.hooks_of(place.node)  # an output whose port is not known: nodes with hooks look for these
        return Port(place.node, place.output_nr)
    node: Node | None = place._node
    return node


def wanted_nodes(inputs: Sequence[Any]) -> list[Node]:
    """The nodes at which the gradients of ``inputs`` arrive."""
    nodes = []
    for i, t in enumerate(inputs):
        if not isinstance(t, (Tensor, GradientEdge)):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(t).__name__}")
        node = node_of(t)
        if node is None:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad: number {i} of inputs. Call requires_grad_() "
                "on it before computing."
            )
        nodes.append(node)
    return nodes


def roots_of(outputs: Sequence[Any], grads: Sequence[Any], create_graph: bool) -> list[tuple[Node, Any]]:
    """The nodes to start from, each with its gradient. (As in PyTorch, the longer of the two lists is cut short.)"""
    if len(grads) < len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    roots = []
    for i, (out, g) in enumerate(zip(outputs, grads, strict=False)):
        if not isinstance(out, (Tensor, GradientEdge)):
            raise AssertionError(f"Expected output to be a torch.Tensor, got {type(out).__name__} as number {i}")
        if isinstance(out, Tensor) and (g is None or isinstance(g, Tensor)) and type(out._node) in (NoneType, Nowhere):
            if (g is None and out.numel() != 1) or (g is not None and g.shape != out.shape):
                engine.seed_for(out, g, create_graph, i)
            raise engine.no_grad_error(i, out)
        roots.append((node_of(out), engine.seed_for(out, g, create_graph, i)))
    return roots  # type: ignore[return-value]


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` with respect to the graph's leaves to their ``.grad``.

    ``grad_tensors`` are the gradients to start from (ones for scalars). ``inputs`` limits the leaves.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.autograd.backward((x * x).sum()); x.grad
    tensor([2., 4.])
    """
    if mode() & TRANSFORMED:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
            "functorch.vjp instead or call backward() outside of functorch transforms."
        )
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    if inputs is not None and not isinstance(inputs, (Tensor, GradientEdge)) and len(tuple(inputs)) == 0:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    outputs = listed(tensors)
    wanted = None if inputs is None else listed(inputs)
    grads = (None,) * len(outputs) if grad_tensors is None else listed(grad_tensors)
    roots = roots_of(outputs, grads, create_graph)
    create_graph = bool(index(create_graph))
    keep = create_graph if retain_graph is None else bool(index(retain_graph))
    if create_graph and wanted is None:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
            "gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid "
            "this. If you have to use this function, make sure to reset the .grad fields of your parameters to None "
            "after use to break the cycle and avoid the leak.",
            UserWarning,
            stacklevel=2,
        )
    if wanted is None:
        engine.backward(roots, keep, create_graph)
        return
    for t in wanted:
        if isinstance(t, Tensor):
            if t._node is None:
                raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
            hooks.retain_grad(t)
    engine.backward(roots, keep, create_graph, wanted_nodes(wanted))


_batched: list[Callable[..., Any]] = []


def use_batched(run: Callable[..., Any]) -> None:
    """Name what runs ``grad`` with ``is_grads_batched=True`` (``_transforms``)."""
    _batched[:] = [run]


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; nothing is added to ``.grad``.

    ``create_graph`` records the pass, so that the gradients can be differentiated again. Inputs that the outputs do
    not depend on are an error, unless ``allow_unused`` (their gradient is None) or ``materialize_grads`` (zeros).

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.grad(x ** 2, x)
    (tensor(6.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    allow_unused, materialize_grads = bool(index(allow_unused)), bool(index(materialize_grads))
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    outs, wanted = listed(outputs), listed(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if is_grads_batched:
        return _batched[0](outs, wanted, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)  # type: ignore[no-any-return]
    grads = (None,) * len(outs) if grad_outputs is None else listed(grad_outputs)
    roots = roots_of(outs, grads, create_graph)
    create_graph = bool(index(create_graph))
    keep = create_graph if retain_graph is None else bool(index(retain_graph))
    nodes = wanted_nodes(wanted)
    arrived = engine.backward(roots, keep, create_graph, nodes, False)
    results = []
    for i, (t, node) in enumerate(zip(wanted, nodes, strict=True)):
        g = arrived.get(node) if type(node) is not Nowhere else None
        if g is None:
            if materialize_grads:
                zeros = zeros_for(t)
                results.append(zeros.requires_grad_() if create_graph else zeros)
                continue
            if not allow_unused:
                raise RuntimeError(
                    f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                    "allow_unused=True if this is the desired behavior"
                    + (f"; it has shape {list(t.shape)}." if isinstance(t, Tensor) else ".")
                )
            results.append(None)
        else:
            results.append(own(g, create_graph))
    return tuple(results)


def own(g: Any, create_graph: bool) -> Tensor:
    """A gradient for the caller: arrays become tensors; what is shared or read-only is copied."""
    if isinstance(g, Tensor):
        return g
    made = engine.as_tensor(g)
    array = made._array
    if not array.flags.writeable or 0 in array.strides:
        made._array = array.copy()
    return made


def zeros_for(t: Any) -> Tensor:
    """The gradient of an input that nothing depends on."""
    if isinstance(t, Tensor):
        return t.new_zeros(t.shape)
    raise RuntimeError(
        "materialize_grads cannot be used when the given input is a GradientEdge, for which nothing arrived: give the "
        "tensor itself, or allow_unused=True and make the zeros of its shape."
    )


def tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradient of this tensor with respect to the graph's leaves to their ``.grad``.

    ``gradient`` is what to start from (of this tensor's shape; 1 for scalars). The graph's saved values are freed
    unless ``retain_graph``; ``create_graph`` records the pass for higher derivatives; ``inputs`` limits the leaves.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).backward(torch.tensor([1.0, 10.0])); x.grad
    tensor([ 2., 40.])
    """
    if (
        inputs is None
        and not create_graph
        and type(self._node) not in (NoneType, Nowhere)
        and self.level == 0
        and (gradient is None or isinstance(gradient, Tensor))
    ):  # the common case
        seed = engine.seed_for(self, gradient, False)
        engine.backward(((self._node, seed),), retain_graph is not None and bool(index(retain_graph)), False)  # type: ignore[arg-type]
        return
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


tensor_backward.__name__, tensor_backward.__qualname__ = "backward", "Tensor.backward"


def call_node(self: Node, *grads: Any) -> Any:
    """Run this node alone on gradients of its outputs; returns those of its inputs (one, or a tuple)."""
    count = self.width or 1
    if len(grads) != count:
        raise TypeError(f"expected {count} arguments, got {len(grads)} instead")
    for i, g in enumerate(grads):
        if g is not None and not isinstance(g, Tensor):
            raise TypeError(f"argument {i} is not a Variable, but {type(g).__name__}")
    if type(self) is Leaf:
        engine.backward([(self, engine.seed_for(self.variable, grads[0], False))], True, False)
        return ()
    recording = bool(mode() & RECORD) or any([g is not None and g.level for g in grads])
    given: Any = [g if g is None or recording else g._array for g in grads]
    g = given[0] if self.width is None else Bundle({i: h for i, h in enumerate(given) if h is not None}) or None
    saved = self.revived() if recording else self.saved
    made = [
        None if parent is None or (g is None and not self.makes_grads) else vjp(g, *kept)  # type: ignore[misc]
        for parent, vjp, kept in zip(self.parents, self.rules, saved, strict=True)
    ]
    fan = self.parents[0] if len(self.parents) == 1 and type(self.parents[0]) is Fan else None
    if fan is not None:
        made = [(made[0] or {}).get(i) for i in range(len(fan.parents))]
    found = tuple([None if h is None else engine.as_tensor(hooks.one_of(h)) for h in made])
    return found[0] if len(found) == 1 else found


Node.__call__ = call_node  # type: ignore[method-assign]


def through_composite(op: Any, g: Any, values: Any, parents: Any, wanted: Any) -> Bundle:
    """The gradients of a fused operator by differentiating its composite, on the inputs as they were recorded."""
    with switched(mode() | RECORD):
        inputs, asked = [], []
        position = 0
        for name, value in zip(op.parameters, values, strict=True):
            if name in op.tensors:
                if isinstance(value, ndarray):
                    value = wrap(value, parents[position])
                    if wanted[position]:
                        value = views.alias(value)
                        asked.append((position, value))
                position += 1
            inputs.append(value)
        out = op.composite(*inputs)
        grads = grad([out], [x for _, x in asked], [g], create_graph=True, allow_unused=True)
    return Bundle({i: h for (i, _), h in zip(asked, grads, strict=True) if h is not None})


declare.use_through(through_composite)

__all__ = ["GradientEdge", "get_gradient_edge", "backward", "grad", "mode", "tensor_backward"]
