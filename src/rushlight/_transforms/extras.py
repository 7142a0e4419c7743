"""What PyTorch's ``torch.func`` lacks: Hessian-vector products, sparse Jacobians, recomputation, stopped gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import callsite, engine, levels
from .._core.graph import Bundle, Fan, Leaf, Node, Port
from .._core.memory import tick
from .._core.mode import RECORD, mode, switched, word
from .._core.tensor import Tensor, wrap
from .._ops.create import zeros
from .._ops.index import index_put
from .._ops.random import get_rng_state, set_rng_state
from .._ops.shape import reshape, stack
from ..utils import _pytree as tree
from .base import entered
from .compose import JVP, Pulled, flatten, grad, jacfwd, jacrev, jvp, opened, tangent_or_zeros
from .forward import Forward
from .vmap import Vmap


def stop_gradient(x: Any) -> Any:
    """``x``, a tensor or a tree of tensors, as a constant for all derivatives, in reverse and in forward mode.

    >>> import rushlight as torch
    >>> torch.func.grad(lambda x: x * torch.func.stop_gradient(x))(torch.tensor(3.0))
    tensor(3.)
    """
    return tree.tree_map(lambda t: t.detach() if isinstance(t, Tensor) else t, x)


def hvp(func: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The product of the Hessian of ``func``, which returns a scalar, with ``tangents``: forward over reverse mode.

    ``primals`` and ``tangents`` are tuples with an entry for each argument, or, for one argument, tensors. The result is
    arranged as ``primals``. The Hessian is never made: this takes about as long as two gradients.

    >>> import rushlight as torch
    >>> torch.func.hvp(lambda x: (x ** 3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    tensor([ 6., 12.])
    """
    if not isinstance(primals, tuple):
        return hvp(func, (primals,), (tangents,))[0]
    return jvp(grad(func, tuple(range(len(primals)))), primals, tangents)[1]


# ---- sparse Jacobians


def jacobian(
    func: Callable[..., Any], x: Tensor, *, sparsity: Any = None, mode: str = "auto", layout: str = "dense"
) -> Any:
    """The Jacobian of ``func`` at ``x``, by the mode that takes fewer products.

    ``sparsity`` says where it may differ from zero: an array, tensor or SciPy matrix of shape (elements of the result,
    elements of ``x``). Columns that share no row are then computed as one (they get one colour), and so are rows in
    reverse mode: a banded Jacobian of width k takes k products whatever its size. ``mode`` is "forward", "reverse" or
    "auto". ``layout`` "dense" gives a tensor of shape ``(*result, *x)``; "coo" (with ``sparsity``) the indices, of shape
    (2, n), and the n values, where the pattern is not zero.

    Raises ValueError for a pattern of another shape. A pattern that leaves out an element that is not zero gives a wrong
    result, which is not noticed.

    >>> import rushlight as torch
    >>> torch.func.jacobian(lambda x: x[1:] - x[:-1], torch.zeros(3), sparsity=[[1, 1, 0], [0, 1, 1]])
    tensor([[-1.,  1.,  0.],
            [ 0., -1.,  1.]])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"jacobian: mode must be 'auto', 'forward' or 'reverse', not {mode!r}")
    if layout not in ("dense", "coo") or (layout == "coo" and sparsity is None):
        raise ValueError("jacobian: layout must be 'dense', or 'coo' together with sparsity=")
    if sparsity is None:
        out = func(x)
        forward = mode == "forward" or (mode == "auto" and x.numel() <= out.numel())
        return (jacfwd if forward else jacrev)(func)(x)
    rows, columns, shape = pattern_of(sparsity)
    if shape[1] != x.numel():
        raise ValueError(f"jacobian: sparsity has {shape[1]} columns, but x has {x.numel()} elements")
    by_column = colours_of(rows, columns, shape[0], shape[1])
    if mode == "auto":
        by_row = colours_of(columns, rows, shape[1], shape[0])
        forward = count_of(by_column) <= count_of(by_row)
    else:
        by_row = colours_of(columns, rows, shape[1], shape[0]) if mode == "reverse" else by_column
        forward = mode == "forward"
    if forward:
        out, products = columns_together(func, x, by_column)
    else:
        out, products = rows_together(func, x, by_row)
    if out.numel() != shape[0]:
        raise ValueError(f"jacobian: sparsity has {shape[0]} rows, but the result has {out.numel()} elements")
    spots = (by_column[columns], rows) if forward else (by_row[rows], columns)
    values = products[tuple([wrap(np.asarray(s, np.int64)) for s in spots])] if len(rows) else zeros(0, dtype=out.dtype)
    where = [wrap(np.asarray(rows, np.int64)), wrap(np.asarray(columns, np.int64))]
    if layout == "coo":
        return stack(where), values
    whole = index_put(zeros(shape, dtype=out.dtype), tuple(where), values)
    return reshape(whole, (*out.shape, *x.shape))


def pattern_of(sparsity: Any) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Rows and columns of the entries of a pattern, and its shape."""
    if hasattr(sparsity, "tocoo"):
        found = sparsity.tocoo()
        keep = np.asarray(found.data) != 0
        return found.row[keep], found.col[keep], found.shape
    array = np.asarray(sparsity.detach()._array if isinstance(sparsity, Tensor) else sparsity)
    if array.ndim != 2:
        raise ValueError(f"jacobian: sparsity must be a matrix, but it has {array.ndim} dimensions")
    rows, columns = np.nonzero(array)
    return rows, columns, array.shape


def colours_of(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> np.ndarray:
    """A colour for each column, such that no two of one colour have an entry in the same row (greedy, fullest first)."""
    in_row: list[list[int]] = [[] for _ in range(height)]
    in_column: list[list[int]] = [[] for _ in range(width)]
    for r, c in zip(rows.tolist(), columns.tolist(), strict=True):
        in_row[r].append(c)
        in_column[c].append(r)
    colours = np.full(width, -1, np.int64)
    taken_by_row: list[set[int]] = [set() for _ in range(height)]
    for c in sorted(range(width), key=lambda c: -len(in_column[c])):
        k = 0
        while any([k in taken_by_row[r] for r in in_column[c]]):
            k += 1
        colours[c] = k
        for r in in_column[c]:
            taken_by_row[r].add(k)
    return colours


def count_of(colours: np.ndarray) -> int:
    return int(colours.max()) + 1 if colours.size else 0


def seeds_of(colours: np.ndarray, like: Tensor) -> Any:
    """For each colour the sum of its unit vectors, in the shape of a tensor."""
    count = max(count_of(colours), 1)
    made = np.zeros((count, colours.size), like.dtype.dtype)
    made[colours, np.arange(colours.size)] = 1
    return reshape(wrap(made), (count, *like.shape))


def columns_together(func: Callable[..., Any], x: Tensor, colours: np.ndarray) -> tuple[Any, Any]:
    """The result, and the sum of the columns of each colour."""
    seeds = seeds_of(colours, x)
    batch, level = Vmap(len(seeds)), Forward()
    with entered(batch), entered(level):
        out = func(level.dual(x, batch.make(seeds)))
        single(out)
        t = tangent_or_zeros(level, out)
    value = opened(level, out)
    lower = t.lower if batch.is_mapped(t) else t.expand(len(seeds), *t.shape)
    return value, reshape(lower, (len(seeds), -1))


def rows_together(func: Callable[..., Any], x: Tensor, colours: np.ndarray) -> tuple[Any, Any]:
    """The result, and the sum of the rows of each colour."""
    from .compose import back_of_batch

    ran = Pulled(func, (x,), (0,), {}, False)
    single(ran.outs[0] if len(ran.outs) == 1 else None)
    value = ran.values[0]
    if value.numel() != colours.size:
        return value, value
    seeds = seeds_of(colours, value)
    found = back_of_batch(ran, [seeds], len(seeds))[0]
    return value, reshape(found, (len(seeds), -1))


def single(out: Any) -> None:
    if not isinstance(out, Tensor):
        raise RuntimeError(f"jacobian: expected func(x) to return one Tensor, got {type(out)} ({JVP} takes trees)")


# ---- recomputation


class CheckpointNode(Node):
    """The node of a function that runs again when its gradient is asked for."""

    __slots__ = ()

    def name(self) -> str:
        return "CheckpointBackward"

    def revived(self) -> Any:
        return self.saved


def checkpoint(func: Callable[..., Any]) -> Callable[..., Any]:
    """``func``, whose intermediate values are not kept for backward: it runs again there. For any level of transforms.

    Gradients reach its arguments and all that it uses besides. It must compute the same when it runs again (random
    numbers of the default generator are drawn again as they were), and its arguments must not be written meanwhile.

    >>> import rushlight as torch
    >>> torch.func.grad(torch.func.checkpoint(lambda x: x.sin().exp()))(torch.tensor(0.0))
    tensor(1.)
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not mode() & RECORD:
            return func(*args, **kwargs)
        start = tick()
        state = get_rng_state()
        result = func(*args, **kwargs)
        outs, _ = flatten(result)
        tensors = [o for o in outs if isinstance(o, Tensor) and o._node is not None]
        top = max([o.level for o in tensors], default=0)
        live = [o for o in tensors if o.level == top and o._node.seq > start]  # type: ignore[union-attr]
        if not live:
            return result
        boundary = older([o._node for o in live], start)
        node = CheckpointNode()
        node.parents = (Fan(tuple(boundary)),)
        places = [next(i for i, x in enumerate(outs) if x is o) for o in live]
        again = Again(func, args, kwargs, state, live[0].transform, places)
        node.rules, node.saved = (recomputed,), ((again, boundary),)
        node.seq = tick()
        node.code, node.lasti = callsite.here()
        node.width = len(live)
        node.transform = live[0].transform
        for i, o in enumerate(live):
            o._node = Port(node, i)
        return result

    return wrapped


class Again:
    """A call that can be made again, on the level where it was made."""

    def __init__(self, func: Any, args: Any, kwargs: Any, state: Any, transform: Any, places: list[int]) -> None:
        self.func, self.args, self.kwargs, self.state = func, args, kwargs, state
        self.transform, self.places = transform, places

    def __call__(self) -> list[Any]:
        """The results that have a gradient, recorded."""
        before = get_rng_state()
        set_rng_state(self.state)
        try:
            if self.transform is None:
                with switched(mode() | RECORD):
                    outs = flatten(self.func(*self.args, **self.kwargs))[0]
            else:
                outs = self.on_level(self.transform)
        finally:
            set_rng_state(before)
        return [outs[i] for i in self.places]

    def on_level(self, transform: Any) -> list[Any]:
        alive = transform.alive
        transform.alive = True
        tokens = (
            levels.stack.set((*levels.stack.get()[: transform.level - 1], transform)),
            word.set(transform.inner_mode | RECORD),
        )
        try:
            return flatten(self.func(*self.args, **self.kwargs))[0]
        finally:
            word.reset(tokens[1])
            levels.stack.reset(tokens[0])
            transform.alive = alive


def older(nodes: list[Any], start: int) -> list[Node]:
    """The nodes made before ``start`` that lie behind ``nodes``, where a gradient leaves what was made since."""
    found: dict[Node, None] = {}
    seen = set()
    stack_ = list(reversed(nodes))
    while stack_:
        node = stack_.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.seq < start:
            found[node] = None
        elif type(node) is not Leaf:
            stack_ += [p for p in reversed(node.parents) if p is not None]
    return list(found)


def recomputed(g: Bundle, again: Again, boundary: list[Node]) -> Bundle:
    """The rule of a checkpoint: run the function again, and carry the gradients through what that recorded."""
    outs = again()
    running = engine.current.get()
    create_graph = running is not None and running.create_graph
    roots = [(o._node, g[i]) for i, o in enumerate(outs) if g.get(i) is not None and o._node is not None]
    this = engine.Pass(roots, create_graph, boundary, False)
    token = engine.current.set(this)
    try:
        engine.run(this, None)
    finally:
        engine.current.reset(token)
    return Bundle({i: this.arrived[n] for i, n in enumerate(boundary) if this.arrived.get(n) is not None})


__all__ = ["checkpoint", "hvp", "jacobian", "stop_gradient"]
