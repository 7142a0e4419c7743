"""``backward`` and ``grad`` as users call them: roots are checked and seeded, options turned into the engine's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numpy import ndarray

from . import declare, engine, views
from .graph import Bundle, Leaf, Node, Port
from .mode import RECORD, mode, switched
from .tensor import Tensor, wrap


class GradientEdge(NamedTuple):
    """A place in the graph: output ``output_nr`` of ``node``. Stands for a tensor as root or input of a pass."""

    node: Node
    output_nr: int
    ownership_token: Any = None


def listed(given: Any, what: str) -> tuple[Any, ...]:
    """One tensor or several, as a tuple."""
    if isinstance(given, (Tensor, GradientEdge)):
        return (given,)
    if given is None:
        return ()
    if not isinstance(given, Sequence) and not hasattr(given, "__iter__"):
        raise TypeError(f"{what} must be a Tensor or a sequence of Tensors, got {type(given).__name__}")
    return tuple(given)


def node_of(place: Any) -> Node | None:
    """The node at which the gradient of a tensor or a gradient edge arrives."""
    if isinstance(place, GradientEdge):
        return port_of(place.node, place.output_nr)
    node: Node | None = place._node
    return node


def port_of(node: Node, index: int) -> Node:
    """The port of an output of a node that has several (found anew for an edge kept by number)."""
    ports = getattr(node, "ports", None)
    return ports[index]() if ports and ports[index]() is not None else node if index == 0 else Port(node, index)


def roots_of(outputs: Sequence[Any], grads: Sequence[Any], create_graph: bool) -> list[tuple[Node, Any]]:
    """The nodes to start from, each with its gradient."""
    if len(grads) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    roots = []
    for i, (out, g) in enumerate(zip(outputs, grads, strict=True)):
        node = node_of(out)
        if node is None:
            raise engine.no_grad_error(i, out)
        if isinstance(out, GradientEdge):
            if g is None:
                raise RuntimeError("grad_outputs must be given for GradientEdge roots")
            roots.append((node, g if create_graph else g._array))
        else:
            roots.append((node, engine.seed_for(out, g, create_graph)))
    return roots


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
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    outputs = listed(tensors, "tensors")
    wanted = None
    if inputs is not None:
        wanted = listed(inputs, "inputs")
        if not wanted:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    grads = (None,) * len(outputs) if grad_tensors is None else listed(grad_tensors, "grad_tensors")
    roots = roots_of(outputs, grads, create_graph)
    keep = create_graph if retain_graph is None else bool(retain_graph)
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
    nodes = []
    for i, t in enumerate(wanted):
        node = node_of(t)
        if node is None:
            raise RuntimeError(
                "One of the differentiated Tensors does not require grad"
                + f": number {i} of inputs. Call requires_grad_() on it before computing."
            )
        nodes.append(node)
    arrived = engine.backward(roots, keep, create_graph, nodes)
    for t, node in zip(wanted, nodes, strict=True):
        if type(node) is not Leaf and node in arrived and isinstance(t, Tensor):
            g = engine.as_tensor(arrived[node])
            t._grad = g if t._grad is None else t._grad + g


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
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    outs, wanted = listed(outputs, "outputs"), listed(inputs, "inputs")
    if not wanted:
        raise ValueError("grad requires non-empty inputs.")
    if is_grads_batched:
        return _batched[0](outs, wanted, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)  # type: ignore[no-any-return]
    grads = (None,) * len(outs) if grad_outputs is None else listed(grad_outputs, "grad_outputs")
    roots = roots_of(outs, grads, create_graph)
    keep = create_graph if retain_graph is None else bool(retain_graph)
    nodes: list[Node] = []
    for i, t in enumerate(wanted):
        node = node_of(t)
        if node is None:
            raise RuntimeError(
                "One of the differentiated Tensors does not require grad"
                + f": number {i} of inputs. Call requires_grad_() on it before computing."
            )
        nodes.append(node)
    arrived = engine.backward(roots, keep, create_graph, nodes, False)
    results = []
    for i, (t, node) in enumerate(zip(wanted, nodes, strict=True)):
        g = arrived.get(node)
        if g is None:
            if materialize_grads:
                results.append(zeros_for(t))
                continue
            if not allow_unused:
                raise RuntimeError(
                    "One of the differentiated Tensors appears to not have been used in the graph. Set "
                    f"allow_unused=True if this is the desired behavior. It is number {i} of inputs"
                    + (f", of shape {list(t.shape)}." if isinstance(t, Tensor) else ".")
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
    return t.new_zeros(t.shape) if isinstance(t, Tensor) else t.node.zeros()  # type: ignore[no-any-return]


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
    if inputs is None and not create_graph and self._node is not None and self.level == 0:  # the common case
        seed = engine.seed_for(self, gradient, False)
        engine.backward(((self._node, seed),), bool(retain_graph), False)
        return
    backward(self, None if gradient is None else (gradient,), retain_graph, create_graph, inputs=inputs)


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

__all__ = ["GradientEdge", "backward", "grad", "mode", "tensor_backward"]
