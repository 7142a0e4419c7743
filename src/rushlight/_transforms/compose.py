"""``torch.func``: functions that turn functions into others, by running them on a level of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core import gradients
from .._core.tensor import Tensor
from ..utils import _pytree as tree
from .base import Leveled, entered
from .forward import Forward
from .grad import Grad, pull_back
from .vmap import Vmap


def opened(transform: Any, x: Any) -> Any:
    """A result of a transform's level as a tensor of the level below."""
    return x.lower if isinstance(x, Leveled) and x.level == transform.level else x


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient of ``func``'s scalar result with respect to some of its arguments.

    >>> import rushlight as torch
    >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (found[0], found[1][1]) if has_aux else found[0]

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient and the value (and the auxiliary result) of ``func``.

    >>> import rushlight as torch
    >>> torch.func.grad_and_value(torch.cos)(torch.tensor(0.0))
    (tensor(-0.), tensor(1.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        numbers = argnums if isinstance(argnums, tuple) else (argnums,)
        with entered(Grad()) as level:
            given = list(args)
            variables: list[Any] = []
            specs = []
            for n in numbers:
                leaves, spec = tree.tree_flatten(given[n])
                own = [level.variable(x) if isinstance(x, Tensor) else x for x in leaves]
                variables += [x for x in own if isinstance(x, Tensor)]
                specs.append((spec, own))
                given[n] = tree.tree_unflatten(own, spec)
            result = func(*given, **kwargs)
            aux = None
            if has_aux:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        "grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True"
                    )
                result, aux = result
            if not isinstance(result, Tensor):
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a single tensor, got "
                    f"{type(result).__name__}"
                )
            if result.ndim:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with "
                    f"{result.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            value = opened(level, result)
            seed = level.below(lambda: value.new_ones(()))
            grads = iter(pull_back(level, [result], variables, [seed], False))
            found = []
            for spec, own in specs:
                found.append(tree.tree_unflatten([next(grads) if isinstance(x, Tensor) else None for x in own], spec))
            answer = tuple(found) if isinstance(argnums, tuple) else found[0]
            if has_aux:
                return answer, (value, tree.tree_map(lambda x: opened(level, x), aux))
            return answer, value

    return both


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of ``func`` at ``primals`` and its derivative in the direction ``tangents``.

    >>> import rushlight as torch
    >>> torch.func.jvp(torch.sin, (torch.tensor(0.0),), (torch.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    leaves, spec = tree.tree_flatten(primals)
    directions, other = tree.tree_flatten(tangents)
    if spec != other:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to have the same python structure.")
    with entered(Forward()) as level:
        duals = tree.tree_unflatten([level.dual(p, t) for p, t in zip(leaves, directions, strict=True)], spec)
        result = func(*duals)
        aux = None
        if has_aux:
            result, aux = result
        value = tree.tree_map(lambda x: opened(level, x), result)
        derivative = tree.tree_map(lambda x: tangent_or_zeros(level, x, strict), result)
        if has_aux:
            return value, derivative, tree.tree_map(lambda x: opened(level, x), aux)
        return value, derivative


def tangent_or_zeros(level: Forward, x: Any, strict: bool) -> Any:
    t = level.tangent_of(x)
    if t is None:
        if strict:
            raise RuntimeError("jvp(f, primals, tangents, strict=True): output of f is independent of the inputs.")
        from .grad import zeros_of

        return zeros_of(opened(level, x))
    return t


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that runs ``func`` on every example of a batch at once.

    ``in_dims`` says along which dimension each argument holds its examples (None: the same for all), ``out_dims``
    where the results hold theirs; both may be trees. ``randomness`` is "error", "same" or "different"; with
    ``chunk_size`` that many examples run at a time.

    >>> import rushlight as torch
    >>> torch.func.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, spec, dims, size = batch_of(args, in_dims, name)
        if chunk_size is None or chunk_size >= size:
            return run_batch(func, leaves, dims, spec, size, out_dims, randomness, kwargs, name)
        from .._ops.shape import narrow

        results = []
        for start in range(0, size, chunk_size):
            count = min(chunk_size, size - start)
            part = [
                x if d is None else narrow(x, d, start, count) for x, d in zip(leaves, dims, strict=True)
            ]
            results.append(run_batch(func, part, dims, spec, count, out_dims, randomness, kwargs, name))
        return joined(results, out_dims)

    return mapped


def batch_of(args: tuple[Any, ...], in_dims: Any, name: str) -> tuple[list[Any], Any, list[Any], int]:
    """The leaves of the arguments, the dimension along which each holds its examples, and how many there are."""
    if not isinstance(in_dims, (int, tuple, list, dict)):
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially nested) tuple "
            f"matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree.tree_flatten(args)
    dims = tree._broadcast_to_and_flatten(tuple(in_dims) if isinstance(in_dims, list) else in_dims, spec)
    if dims is None:
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of `inputs`. "
            f"in_dims has structure {tree.tree_structure(in_dims)} but inputs has structure {spec}."
        )
    found = []
    for x, d in zip(leaves, dims, strict=True):
        where = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
        if d is not None and not isinstance(d, int):
            raise ValueError(f"{where}: Got in_dim={d} for an input but in_dim must be either an integer dimension or None.")
        if isinstance(d, int) and not isinstance(x, Tensor):
            raise ValueError(
                f"{where}: Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor "
                "arguments, please use None as the respective in_dim"
            )
        if d is not None and not -x.ndim <= d < x.ndim:
            raise ValueError(
                f"{where}: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.ndim} so "
                f"expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
            )
        found.append(d % x.ndim if d is not None else None)
    sizes = [x.shape[d] for x, d in zip(leaves, found, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: at least one of the inputs must be mapped over (in_dims is None for all of them)")
    if any(n != sizes[0] for n in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped "
            "dimension"
        )
    return leaves, spec, found, sizes[0]


def run_batch(
    func: Callable[..., Any],
    leaves: list[Any],
    dims: list[Any],
    spec: Any,
    size: int,
    out_dims: Any,
    randomness: str,
    kwargs: dict[str, Any],
    name: str,
) -> Any:
    from .._ops.broadcast import expand
    from .._ops.shape import movedim

    with entered(Vmap(size, randomness)) as level:
        own = [
            x if d is None else level.make(level.below(movedim, x, d, 0) if d else x)
            for x, d in zip(leaves, dims, strict=True)
        ]
        result = func(*tree.tree_unflatten(own, spec), **kwargs)
        outs, out_spec = tree.tree_flatten(result)
        for x in outs:
            if not isinstance(x, Tensor):
                raise ValueError(
                    f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you mean to set "
                    "out_dims= to None for output?"
                )
        places = tree._broadcast_to_and_flatten(out_dims, out_spec)
        if places is None:
            raise ValueError(
                f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
                f"`outputs`. out_dims has structure {tree.tree_structure(out_dims)} but outputs has structure {out_spec}."
            )

        def close(x: Any, d: Any) -> Any:
            if d is None:
                if level.is_mapped(x):
                    raise ValueError(
                        f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
                    )
                return x
            lower = x.lower if level.is_mapped(x) else level.below(expand, x, (size, *x.shape))
            return level.below(movedim, lower, 0, d) if d else lower

        return tree.tree_unflatten([close(x, d) for x, d in zip(outs, places, strict=True)], out_spec)


def joined(results: list[Any], out_dims: Any) -> Any:
    """The results of several chunks as one."""
    from .._ops.shape import cat

    flat = [tree.tree_flatten(r) for r in results]
    places = tree._broadcast_to_and_flatten(out_dims, flat[0][1])
    assert places is not None
    made = [
        each[0] if d is None else cat(list(each), d)
        for each, d in zip(zip(*[leaves for leaves, _ in flat], strict=True), places, strict=True)
    ]
    return tree.tree_unflatten(made, flat[0][1])


# ---- vector-Jacobian products, and Jacobians


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of ``func`` at ``primals``, and a function from gradients of the result to gradients of the primals.

    >>> import rushlight as torch
    >>> value, pull = torch.func.vjp(torch.sin, torch.tensor(0.0))
    >>> pull(torch.tensor(2.0))
    (tensor(2.),)
    """
    leaves, spec = tree.tree_flatten(primals)
    level = Grad()
    with entered(level):
        own = [level.variable(x) if isinstance(x, Tensor) else x for x in leaves]
        result = func(*tree.tree_unflatten(own, spec))
        aux = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    "vjp(f, *primals): output of function f should be a tuple: (output, aux) if has_aux is True"
                )
            result, aux = result
            aux = tree.tree_map(lambda x: opened(level, x), aux)
    outs, out_spec = tree.tree_flatten(result)
    for x in outs:
        if not isinstance(x, Tensor):
            raise RuntimeError(
                f"vjp(f, *primals): Expected f(*primals) to return only tensors, got unsupported type {type(x)}"
            )
    value = tree.tree_unflatten([opened(level, x) for x in outs], out_spec)
    variables = [x for x in own if isinstance(x, Tensor)]

    def pull(cotangents: Any = None, *more: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = (cotangents, *more) if more else cotangents
        seeds, seed_spec = tree.tree_flatten(given)
        if seed_spec != out_spec:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {seed_spec}, primal output: {out_spec}"
            )
        for seed, out in zip(seeds, outs, strict=True):
            if tuple(seed.shape) != tuple(out.shape):
                raise RuntimeError(
                    f"Mismatch in shape: grad_output[0] has a shape of {seed.shape} and output[0] has a shape of "
                    f"{out.shape}."
                )
        found = iter(pull_back(level, outs, variables, seeds, True, now=True))
        grads = tree.tree_unflatten([next(found) if isinstance(x, Tensor) else None for x in own], spec)
        return grads

    return (value, pull, aux) if has_aux else (value, pull)


def chosen(argnums: Any, args: tuple[Any, ...]) -> tuple[Any, Callable[..., Any]]:
    """The arguments by number, and how to put others in their places."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for n in numbers:
        if not isinstance(n, int):
            raise RuntimeError(f"argnum must be int or Tuple[int, ...], got {type(n)}")
        if not -len(args) <= n < len(args):
            raise RuntimeError(
                f"Got argnum={n}, but only {len(args)} positional inputs: expected argnum to satisfy "
                f"-{len(args)} <= argnum < {len(args)}"
            )
    picked = tuple([args[n] for n in numbers])

    def replace(new: tuple[Any, ...]) -> list[Any]:
        given = list(args)
        for n, x in zip(numbers, new, strict=True):
            given[n] = x
        return given

    return picked, replace


def jacrev(
    func: Callable[..., Any],
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func`` by reverse mode: a batch of vector-Jacobian products.

    ``chunk_size`` limits how many rows run at a time.

    >>> import rushlight as torch
    >>> torch.func.jacrev(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        from .._ops.create import eye
        from .._ops.shape import reshape

        picked, replace = chosen(argnums, args)
        found = vjp(lambda *new: func(*replace(new), **kwargs), *picked, has_aux=has_aux)
        value, pull = found[0], found[1]
        outs, out_spec = tree.tree_flatten(value)
        ins, in_spec = tree.tree_flatten(picked)
        columns: list[list[Any]] = []
        for k, out in enumerate(outs):
            n = out.numel()
            basis = reshape(eye(n, dtype=out.dtype), (n, *out.shape))

            def row(v: Any, k: int = k) -> Any:
                seeds = [v if i == k else o * 0 for i, o in enumerate(outs)]
                return tuple(tree.tree_leaves(pull(tree.tree_unflatten(seeds, out_spec))))

            rows = vmap(row, chunk_size=chunk_size)(basis)
            columns.append([reshape(r, (*out.shape, *x.shape)) for r, x in zip(rows, ins, strict=True)])
        made = []
        for column in columns:
            args_tree = tree.tree_unflatten(column, in_spec)
            made.append(args_tree if isinstance(argnums, tuple) else args_tree[0])
        answer = tree.tree_unflatten(made, out_spec)
        return (answer, found[2]) if has_aux else answer

    return jacobian


def jacfwd(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func`` by forward mode: a batch of Jacobian-vector products.

    >>> import rushlight as torch
    >>> torch.func.jacfwd(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        from .._ops.create import eye
        from .._ops.shape import movedim, narrow, reshape

        picked, replace = chosen(argnums, args)
        ins, in_spec = tree.tree_flatten(picked)
        sizes = [x.numel() for x in ins]
        total = sum(sizes)
        basis = []
        start = 0
        for x, n in zip(ins, sizes, strict=True):
            whole = eye(total, dtype=x.dtype)
            basis.append(reshape(narrow(whole, 1, start, n), (total, *x.shape)))
            start += n

        def column(*tangents: Any) -> Any:
            found = jvp(
                lambda *new: func(*replace(new), **kwargs),
                picked,
                tree.tree_unflatten(list(tangents), in_spec),
                has_aux=has_aux,
            )
            return (found[1], found[2]) if has_aux else found[1]

        found = vmap(column, randomness=randomness, out_dims=(0, None) if has_aux else 0)(*basis)
        tangents, aux = found if has_aux else (found, None)
        outs, out_spec = tree.tree_flatten(tangents)
        made = []
        for out in outs:
            parts = []
            start = 0
            for x, n in zip(ins, sizes, strict=True):
                piece = movedim(narrow(out, 0, start, n), 0, -1)
                parts.append(reshape(piece, (*out.shape[1:], *x.shape)))
                start += n
            args_tree = tree.tree_unflatten(parts, in_spec)
            made.append(args_tree if isinstance(argnums, tuple) else args_tree[0])
        answer = tree.tree_unflatten(made, out_spec)
        return (answer, aux) if has_aux else answer

    return jacobian


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """A function that computes the Hessian of ``func``: forward mode over reverse mode.

    >>> import rushlight as torch
    >>> torch.func.hessian(lambda x: (x ** 3).sum())(torch.ones(2))
    tensor([[6., 0.],
            [0., 6.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of ``func`` at ``primals``, and its derivative there as a linear function of tangents.

    The derivative is the transpose of the recorded backward pass: ``func`` itself runs once.

    >>> import rushlight as torch
    >>> value, slope = torch.func.linearize(torch.sin, torch.tensor(0.0))
    >>> slope(torch.tensor(3.0))
    tensor(3.)
    """
    value, pull = vjp(func, *primals)
    outs, out_spec = tree.tree_flatten(value)
    ins, in_spec = tree.tree_flatten(primals)

    def push(*tangents: Any) -> Any:
        given, spec = tree.tree_flatten(tangents)
        if spec != in_spec:
            raise RuntimeError(
                f"Expected the tangents {spec} to have the same argspec as the primals {in_spec}"
            )
        for p, t in zip(ins, given, strict=True):
            if tuple(p.shape) != tuple(t.shape) or p.dtype is not t.dtype:
                raise RuntimeError(
                    f"Expected tangent of shape {list(p.shape)} and dtype {p.dtype}, got {list(t.shape)} and {t.dtype}"
                )
        zeros = tree.tree_unflatten([o * 0 for o in outs], out_spec)
        _, transpose = vjp(lambda seeds: tuple(tree.tree_leaves(pull(seeds))), zeros)
        return transpose(tuple(given))[0]

    return value, push


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """``func`` on copies of its arguments: what it writes in place is not seen outside.

    PyTorch's ``functionalize`` also rewrites the traced program; nothing is traced here.

    >>> import rushlight as torch
    >>> x = torch.ones(2)
    >>> torch.func.functionalize(lambda t: t.add_(1))(x), x
    (tensor([2., 2.]), tensor([2., 2.]))
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
            "     remove='mutations': all inplace and out= operators will be removed from the program, and replaced with "
            "their out-of-place equivalents.\n     remove='mutations_and_views': In addition to the above, all aliasing "
            "operators {view} will be replaced with their non-aliasing counterparts, {view}_copy.\n"
        )
    return functools.wraps(func)(lambda *args, **kwargs: func(*args, **kwargs))


# ---- modules as functions


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: Any = None, *, tie_weights: bool = True, strict: bool = False
) -> Any:
    """Call a module with other parameters and buffers in the places of its own, for this call only.

    >>> import rushlight as torch
    >>> net = torch.nn.Linear(1, 1, bias=False)
    >>> torch.func.functional_call(net, {"weight": torch.tensor([[2.0]])}, torch.tensor([3.0]))
    tensor([6.])
    """
    import importlib

    stateless = importlib.import_module(f"{__package__.partition('.')[0]}.nn.utils.stateless")
    if isinstance(parameter_and_buffer_dicts, dict):
        state = parameter_and_buffer_dicts
    elif isinstance(parameter_and_buffer_dicts, (tuple, list)):
        state = {}
        for part in parameter_and_buffer_dicts:
            for key, value in part.items():
                if key in state:
                    raise ValueError(f"{key} appears in multiple dictionaries; behavior of functional call is ambiguous")
                state[key] = value
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    return stateless._functional_call(module, state, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and buffers of several modules of one kind, each name's stacked along a new first dimension.

    >>> import rushlight as torch
    >>> params, buffers = torch.func.stack_module_state([torch.nn.Linear(2, 3) for _ in range(4)])
    >>> params["weight"].shape
    torch.Size([4, 3, 2])
    """
    from .._ops.shape import stack

    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = {}
    for name, first in models[0].named_parameters():
        each = [dict(m.named_parameters())[name] for m in models]
        made = stack([p.detach() for p in each])
        params[name] = made.requires_grad_() if first.requires_grad else made
    buffers = {}
    for name, _ in models[0].named_buffers():
        buffers[name] = stack([dict(m.named_buffers())[name] for m in models])
    return params, buffers


# ---- for the engine and for autograd.functional


def batched_grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any,
    retain_graph: Any,
    create_graph: bool,
    allow_unused: bool,
    materialize_grads: bool,
) -> tuple[Any, ...]:
    """``autograd.grad`` for a batch of ``grad_outputs``: one pass for all of them."""
    seeds = grad_outputs if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)
    keep = create_graph if retain_graph is None else retain_graph
    none = [False] * len(inputs)

    def one(*given: Any) -> Any:
        found = gradients.grad(
            outputs, inputs, given, keep, create_graph, allow_unused=True, materialize_grads=materialize_grads
        )
        for i, g in enumerate(found):
            if g is None:
                if not allow_unused:
                    raise RuntimeError(
                        "One of the differentiated Tensors appears to not have been used in the graph. Set "
                        f"allow_unused=True if this is the desired behavior. It is number {i} of inputs."
                    )
                none[i] = True
        return tuple([g for g in found if g is not None])

    made = iter(vmap(one)(*seeds))
    return tuple([None if gone else next(made) for gone in none])


gradients.use_batched(batched_grad)
