"""``torch.func``: functions that turn functions into others, by running them on a level of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core import engine, gradients, saved
from .._core.tensor import Tensor
from .._ops.broadcast import expand
from .._ops.create import eye
from .._ops.random import get_rng_state, set_rng_state
from .._ops.shape import cat, movedim, narrow, reshape, stack
from ..utils import _pytree as tree
from .base import entered
from .forward import Dual, Forward
from .grad import Grad, pull_back, zeros_of
from .vmap import Vmap

LEAF = tree.tree_structure(0)


def flatten(x: Any) -> tuple[list[Any], Any]:
    return ([x], LEAF) if isinstance(x, Tensor) else tree.tree_flatten(x)


def unflatten(leaves: list[Any], spec: Any) -> Any:
    return leaves[0] if spec is LEAF else tree.tree_unflatten(leaves, spec)


def opened(transform: Any, x: Any) -> Any:
    """A result of a transform's level as a tensor of the level below."""
    return x.lower if isinstance(x, Tensor) and x.transform is transform else x


def all_opened(transform: Any, x: Any) -> Any:
    """The same for a tree of tensors. Raises RuntimeError for what is none."""
    if isinstance(x, Tensor):
        return opened(transform, x)

    def one(y: Any) -> Any:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(y)}")
        return opened(transform, y)

    return tree.tree_map(one, x)


def taken_in(transform: Any, x: Any) -> Any:
    """An argument that is not differentiated, on the transform's level, so that it may be written in place there."""
    if isinstance(x, Tensor):
        return transform.make(x)
    if isinstance(x, (int, float, str)) or x is None:
        return x
    return tree.tree_map(lambda y: transform.make(y) if isinstance(y, Tensor) else y, x)


def with_aux(result: Any, where: str) -> tuple[Any, Any]:
    """The two parts of a result where ``has_aux`` is True."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{where}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


# ---- which arguments


def numbers_of(argnums: Any, count: int) -> tuple[int, ...]:
    """The positions that ``argnums`` names among ``count`` arguments."""
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    found = []
    for n in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(n, int):
            raise RuntimeError(f"argnum must be int, got: {type(n)}")
        if not -count <= n < count:
            raise RuntimeError(f"Got argnum={n}, but only {count} positional inputs")
        found.append(n % count)
    if not found:
        raise RuntimeError("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {tuple(found)}")
    return tuple(found)


def not_a_tensor(x: Any) -> ValueError:
    return ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")


def variables_of(level: Grad, x: Any, found: list[Any]) -> Any:
    """A tree of tensors as variables of a level, which are also added to ``found``."""
    leaves, spec = flatten(x)
    own = []
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise not_a_tensor(leaf)
        own.append(level.variable(leaf))
    found += own
    return unflatten(own, spec)


def entries(level: Grad, args: tuple[Any, ...], numbers: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    """All arguments on a level, and the variables among them, in the order of ``numbers``."""
    if saved.hook_stack.get():
        raise RuntimeError(saved.NOT_IN_TRANSFORMS)
    given = [None if i in numbers else taken_in(level, x) for i, x in enumerate(args)]
    variables: list[Any] = []
    for n in numbers:
        given[n] = variables_of(level, args[n], variables)
    return given, variables


# ---- gradients


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient of ``func``'s scalar result with respect to some of its arguments.

    ``argnums`` is the position of the argument (any tree of tensors), or a tuple of several. With ``has_aux``, ``func``
    returns ``(result, aux)`` and the new function ``(gradient, aux)``. Raises RuntimeError if the result is no scalar.

    >>> import rushlight as torch
    >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found = both(func, argnums, has_aux, args, kwargs)
        return (found[0], found[1][1]) if has_aux else found[0]

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient and the value (and the auxiliary result) of ``func``.

    >>> import rushlight as torch
    >>> torch.func.grad_and_value(torch.cos)(torch.tensor(0.0))
    (tensor(-0.), tensor(1.))
    """

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        return both(func, argnums, has_aux, args, kwargs)

    return gradient_and_value


def both(func: Callable[..., Any], argnums: Any, has_aux: bool, args: tuple[Any, ...], kwargs: Any) -> tuple[Any, Any]:
    """The gradient, and the value (with ``has_aux``: the value and what goes with it)."""
    numbers = numbers_of(argnums, len(args))
    level = Grad()
    with entered(level):
        given, variables = entries(level, args, numbers)
        result = func(*given, **({k: taken_in(level, v) for k, v in kwargs.items()} if kwargs else kwargs))
        aux = None
        if has_aux:
            result, aux = with_aux(result, "grad_and_value(f)(*args)")
        if not isinstance(result, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(result)}")
        if result.ndim:
            raise RuntimeError(
                f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {result.ndim} "
                "dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        value = opened(level, result)
        seed = level.below(engine.seed_for, value, None, False)
        grads = pull_back(level, [result], variables, [seed], False)
        if has_aux:
            value = (value, all_opened(level, aux))
    if isinstance(argnums, int):
        return replanted(args[numbers[0]], iter(grads)), value
    rest = iter(grads)
    return tuple([replanted(args[n], rest) for n in numbers]), value


def replanted(x: Any, leaves: Any) -> Any:
    """A tree like ``x`` of the next leaves."""
    if isinstance(x, Tensor):
        return next(leaves)
    old, spec = tree.tree_flatten(x)
    return tree.tree_unflatten([next(leaves) for _ in old], spec)


# ---- forward mode


JVP = "jvp(f, primals, tangents)"


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of ``func`` at ``primals`` and its derivative in the direction ``tangents``.

    Both are tuples with an entry for each argument. Results that do not depend on the arguments have zeros for a
    tangent, or raise RuntimeError if ``strict``. With ``has_aux``, ``func`` returns ``(result, aux)``, and ``aux`` comes
    third.

    >>> import rushlight as torch
    >>> torch.func.jvp(torch.sin, (torch.tensor(0.0),), (torch.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    leaves, spec = tree.tree_flatten(primals)
    directions, other = tree.tree_flatten(tangents)
    if spec != other:
        raise RuntimeError(
            f"{JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple "
            f"of 3 tensors, tangents also must be. Got primals with structure {spec} and tangents with structure {other}"
        )
    for given, name in ((leaves, "primals"), (directions, "tangents")):
        if not given:
            raise RuntimeError(f"{JVP}: Expected {name} to contain at least one Tensor.")
        for x in given:
            if not isinstance(x, Tensor):
                raise RuntimeError(f"{JVP}: Expected {name} to only contain Tensors, got {type(x)}")
    level = Forward()
    with entered(level):
        duals = tree.tree_unflatten([paired(level, p, t) for p, t in zip(leaves, directions, strict=True)], spec)
        value, derivative, aux = pushed_through(level, func, tuple(duals), strict, has_aux)
    return (value, derivative, aux) if has_aux else (value, derivative)


def paired(level: Forward, primal: Tensor, tangent: Tensor) -> Dual:
    """A dual of two tensors that go together."""
    if not (primal.dtype.is_floating_point or primal.dtype.is_complex):
        raise ValueError(f"Expected primal to be floating point or complex, but got: {primal.dtype}")
    if not (tangent.dtype.is_floating_point or tangent.dtype.is_complex):
        raise ValueError(f"Expected tangent to be floating point or complex, but got: {tangent.dtype}")
    if primal.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(primal.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )
    return level.given(primal, tangent)


def pushed_through(
    level: Forward, func: Callable[..., Any], duals: tuple[Any, ...], strict: bool, has_aux: bool
) -> Any:
    """Value, derivative and auxiliary result of a function of duals."""
    result = func(*duals)
    aux = None
    if has_aux:
        result, aux = with_aux(result, JVP)
        aux = all_opened(level, aux)
    outs, spec = flatten(result)
    check_outputs(outs, JVP)
    value = [opened(level, x) for x in outs]
    derivative = [tangent_or_zeros(level, x, strict) for x in outs]
    return unflatten(value, spec), unflatten(derivative, spec), aux


def check_outputs(outs: list[Any], where: str) -> None:
    if not outs or (len(outs) == 1 and outs[0] is None):
        raise RuntimeError(f"{where}: Expected f to be a function that has non-empty output (got output = {outs})")
    for x in outs:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{where}: expected f(*primals) to return only tensors, got unsupported type {type(x)}")


def tangent_or_zeros(level: Forward, x: Any, strict: bool = False) -> Any:
    t = level.tangent_of(x)
    if t is None:
        if strict:
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed "
                "with strict=True."
            )
        return level.below(zeros_of, opened(level, x))
    return t


# ---- batching


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
    ``chunk_size`` that many examples run at a time. Raises ValueError where these do not fit the arguments or results.

    >>> import rushlight as torch
    >>> torch.func.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    check_randomness(randomness)
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        for d in (out_dims,) if out_dims is None or isinstance(out_dims, int) else tree.tree_leaves(out_dims):
            if d is not None and not isinstance(d, int):
                raise ValueError(
                    f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints "
                    "representing where in the outputs the vmapped dimension should appear."
                )
        leaves, spec, dims, size = batch_of(args, in_dims, name)
        if chunk_size is None or chunk_size >= size:
            return unflatten(*run_batch(func, leaves, dims, spec, size, out_dims, randomness, kwargs, name)[:2])
        parts = []
        state = get_rng_state() if randomness == "same" else None  # every chunk draws the same
        for start in range(0, size, chunk_size):
            if state is not None:
                set_rng_state(state)
            count = min(chunk_size, size - start)
            some = [x if d is None else narrow(x, d, start, count) for x, d in zip(leaves, dims, strict=True)]
            parts.append(run_batch(func, some, dims, spec, count, out_dims, randomness, kwargs, name))
        outs = [
            each[0] if d is None else cat(list(each), d)
            for each, d in zip(zip(*[p[0] for p in parts], strict=True), parts[0][2], strict=True)
        ]
        return unflatten(outs, parts[0][1])

    return mapped


def check_randomness(randomness: str) -> None:
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")


def batch_of(args: tuple[Any, ...], in_dims: Any, name: str) -> tuple[list[Any], Any, list[Any], int]:
    """The leaves of the arguments, the dimension along which each holds its examples, and how many there are."""
    where = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"{where}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: "
            f"{type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree.tree_flatten(args)
    dims: Any = [in_dims] * len(leaves) if isinstance(in_dims, int) else tree._broadcast_to_and_flatten(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{where}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{tree.tree_structure(in_dims)} but inputs has structure {spec}."
        )
    found: list[int | None] = []
    sizes: list[int] = []
    for x, d in zip(leaves, dims, strict=True):
        if d is None:
            found.append(None)
            continue
        if not isinstance(d, int):
            raise ValueError(
                f"{where}: Got in_dim={d} for an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{where}: Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor "
                "arguments, please use None as the respective in_dim"
            )
        shape = x.shape
        n = len(shape)
        if not -n <= d < n:
            raise ValueError(
                f"{where}: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {n} so expected "
                f"in_dim to satisfy -{n} <= in_dim < {n}."
            )
        found.append(d % n)
        sizes.append(shape[d])
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any([n != sizes[0] for n in sizes]):
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
) -> tuple[list[Any], Any, list[Any]]:
    """The leaves of the results, how they go together, and the dimension along which each holds its examples."""
    level = Vmap(size, randomness)
    ready = [movedim(x, d, 0) if d else x for x, d in zip(leaves, dims, strict=True)]
    with entered(level):
        own = [x if d is None else level.make(x) for x, d in zip(ready, dims, strict=True)]
        result = func(*tree.tree_unflatten(own, spec), **kwargs)
    outs, out_spec = flatten(result)
    if out_spec is LEAF and isinstance(out_dims, tuple) and len(out_dims) == 1:
        places: Any = list(out_dims)
    elif isinstance(out_dims, int):
        places = [out_dims] * len(outs)
    else:
        places = tree._broadcast_to_and_flatten(out_dims, out_spec)
    if places is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {tree.tree_structure(out_dims)} but outputs has structure {out_spec}."
        )
    made = [unbatched(level, x, d, name) for x, d in zip(outs, places, strict=True)]
    return made, out_spec, places


def unbatched(level: Vmap, x: Any, d: Any, name: str) -> Any:
    """A result with its examples along dimension ``d``."""
    if d is None:
        if level.is_mapped(x):
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        return x
    if not isinstance(x, Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you mean to set out_dims= to "
            "None for output?"
        )
    lower = x.lower if level.is_mapped(x) else expand(x, (level.size, *x.shape))
    return movedim(lower, 0, d) if d else lower


# ---- vector-Jacobian products, and Jacobians


class Pulled:
    """What ran under ``vjp``: its level, variables and results, from which gradients can be pulled back."""

    def __init__(
        self, func: Callable[..., Any], args: tuple[Any, ...], numbers: tuple[int, ...], kwargs: Any, has_aux: bool
    ) -> None:
        level = self.level = Grad()
        where = "vjp(f, *primals)"
        with entered(level):
            given, self.variables = entries(level, args, numbers)
            result = func(*given, **({k: taken_in(level, v) for k, v in kwargs.items()} if kwargs else kwargs))
            self.aux = None
            if has_aux:
                result, aux = with_aux(result, where)
                self.aux = all_opened(level, aux)
        self.outs, self.spec = flatten(result)
        check_outputs(self.outs, where)
        for x in self.outs:
            if not (x.dtype.is_floating_point or x.dtype.is_complex):
                raise RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                    f"{x.dtype}"
                )
        self.values = [opened(level, x) for x in self.outs]

    def back(self, seeds: list[Any], keep: bool = True) -> list[Any]:
        """Gradients of the variables from gradients of the results."""
        return pull_back(self.level, self.outs, self.variables, seeds, keep, now=True)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of ``func`` at ``primals``, and a function from gradients of the result to gradients of the primals.

    Primals and results may be trees of tensors. With ``has_aux``, ``func`` returns ``(result, aux)``, and ``aux`` comes
    third.

    >>> import rushlight as torch
    >>> value, pull = torch.func.vjp(torch.sin, torch.tensor(0.0))
    >>> pull(torch.tensor(2.0))
    (tensor(2.),)
    """
    ran = Pulled(func, primals, tuple(range(len(primals))), {}, has_aux)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        seeds, spec = flatten(cotangents)
        if spec != ran.spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {tree.treespec_pprint(spec)}, primal output: {tree.treespec_pprint(ran.spec)}"
            )
        for i, (seed, out) in enumerate(zip(seeds, ran.outs, strict=True)):
            if seed is not None:
                seeds[i] = engine.checked_seed(seed, out, i)
            elif out.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            else:
                seeds[i] = ran.level.below(engine.seed_for, opened(ran.level, out), None, True)
        grads = iter(ran.back(seeds, retain_graph))
        return tuple([replanted(x, grads) for x in primals])

    value = unflatten(ran.values, ran.spec)
    return (value, vjp_fn, ran.aux) if has_aux else (value, vjp_fn)


def refuse_complex(name: str, given: list[Any], kind: str) -> None:
    for i, x in enumerate(given):
        if isinstance(x, Tensor) and x.dtype.is_complex:
            raise RuntimeError(
                f"{name}: Expected all {kind} to be real but received complex tensor at flattened input idx: {i}"
            )


def basis_of(xs: list[Any], sizes: list[int]) -> list[Any]:
    """For each tensor, its part of the standard basis of all of them: ``sum(sizes)`` tensors of its shape."""
    total = sum(sizes)
    whole: dict[Any, Any] = {}
    start = 0
    found = []
    for x, n in zip(xs, sizes, strict=True):
        if x.dtype not in whole:
            whole[x.dtype] = eye(total, dtype=x.dtype)
        part = whole[x.dtype]
        if n != total:
            part = narrow(part, 1, start, n)
        found.append(reshape(part, (total, *x.shape)) if x.ndim != 1 else part)
        start += n
    return found


def jacrev(
    func: Callable[..., Any],
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func`` by reverse mode: a batch of vector-Jacobian products.

    For each result and each argument that ``argnums`` names there is a tensor of shape ``(*result, *argument)``.
    ``chunk_size`` limits how many rows run at a time. Raises RuntimeError for complex arguments or results.

    >>> import rushlight as torch
    >>> torch.func.jacrev(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        refuse_complex("jacrev", tree.tree_leaves(args), "inputs")
        numbers = numbers_of(argnums, len(args))
        ran = Pulled(func, args, numbers, kwargs, has_aux)
        refuse_complex("jacrev", ran.outs, "outputs")
        sizes = [x.numel() for x in ran.outs]
        total = sum(sizes)
        basis = basis_of(ran.outs, sizes)
        if chunk_size == 1:  # row by row, without vmap: gradients may do what it refuses
            each_row = [ran.back([b[k] for b in basis]) for k in range(total)]
            rows = [stack(list(each), 0) for each in zip(*each_row, strict=True)]
        elif chunk_size is None or chunk_size >= total:
            rows = back_of_batch(ran, basis, total)
        else:
            chunks = []
            for start in range(0, total, chunk_size):
                count = min(chunk_size, total - start)
                chunks.append(back_of_batch(ran, [narrow(b, 0, start, count) for b in basis], count))
            rows = [cat(list(each), 0) for each in zip(*chunks, strict=True)]
        made = []
        start = 0
        for out, n in zip(ran.outs, sizes, strict=True):
            parts = iter(
                [
                    reshape(r if n == total else narrow(r, 0, start, n), (*out.shape, *x.shape))
                    for r, x in zip(rows, ran.variables, strict=True)
                ]
            )
            start += n
            each = tuple([replanted(args[k], parts) for k in numbers])
            made.append(each if isinstance(argnums, tuple) else each[0])
        answer = unflatten(made, ran.spec)
        return (answer, ran.aux) if has_aux else answer

    return jacobian


def back_of_batch(ran: Pulled, seeds: list[Any], size: int) -> list[Any]:
    """Gradients for a batch of gradients of the results."""
    level = Vmap(size, "error")
    with entered(level):
        found = ran.back([level.make(s) for s in seeds])
    return [x.lower if level.is_mapped(x) else expand(x, (size, *x.shape)) for x in found]


def jacfwd(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func`` by forward mode: a batch of Jacobian-vector products.

    Results are arranged as ``jacrev`` arranges them; ``randomness`` is that of :func:`vmap`.

    >>> import rushlight as torch
    >>> torch.func.jacfwd(torch.sin)(torch.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        refuse_complex("jacfwd", tree.tree_leaves(args), "inputs")
        numbers = numbers_of(argnums, len(args))
        check_randomness(randomness)
        flat = [flatten(args[n]) for n in numbers]
        ins = [x for leaves, _ in flat for x in leaves]
        for x in ins:
            if not isinstance(x, Tensor):
                raise RuntimeError(f"{JVP}: Expected primals to only contain Tensors, got {type(x)}")
        sizes = [x.numel() for x in ins]
        total = sum(sizes)
        basis = basis_of(ins, sizes)
        batch, level = Vmap(total, randomness), Forward()
        with entered(batch), entered(level):
            duals = iter([paired(level, x, batch.make(b)) for x, b in zip(ins, basis, strict=True)])
            given = [None if i in numbers else taken_in(level, x) for i, x in enumerate(args)]
            for n in numbers:
                given[n] = replanted(args[n], duals)
            result = func(*given, **({k: taken_in(level, v) for k, v in kwargs.items()} if kwargs else kwargs))
            aux = None
            if has_aux:
                result, aux = with_aux(result, JVP)
                aux = all_opened(level, aux)
            outs, out_spec = flatten(result)
            check_outputs(outs, JVP)
            tangents = [tangent_or_zeros(level, x) for x in outs]
        refuse_complex("jacfwd", outs, "outputs")
        if has_aux:
            aux = tree.tree_map(lambda x: unbatched(batch, x, None, "push_jvp"), aux)
        made = []
        for x in tangents:
            t = unbatched(batch, x, 0, "push_jvp")
            shape = t.shape[1:]
            t = movedim(t, 0, -1) if len(shape) else t
            parts = []
            start = 0
            for x, n in zip(ins, sizes, strict=True):
                part = t if n == total else narrow(t, -1, start, n)
                parts.append(reshape(part, (*shape, *x.shape)) if x.ndim != 1 else part)
                start += n
            rest = iter(parts)
            each = tuple([replanted(args[k], rest) for k in numbers])
            made.append(each if isinstance(argnums, tuple) else each[0])
        answer = unflatten(made, out_spec)
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
    ran = Pulled(func, primals, tuple(range(len(primals))), {}, False)
    ins, in_spec = tree.tree_flatten(primals)

    def jvp_fn(*tangents: Any) -> Any:
        given, spec = tree.tree_flatten(tangents)
        if spec != in_spec:
            raise RuntimeError(f"Expected the tangents {spec} to have the same argspec as the primals {in_spec}")
        for i, (p, t) in enumerate(zip(ins, given, strict=True)):
            for what, own, wanted in (("shape", t.shape, p.shape), ("dtype", t.dtype, p.dtype)):
                if own != wanted:
                    raise RuntimeError(
                        f"tangent:{i} with {what} {own} in flattened pytree doesn't match the {what} {wanted} of the "
                        "corresponding primal."
                    )
        level = Grad()
        with entered(level):
            seeds = [level.variable(level.below(zeros_of, x)) for x in ran.values]
            grads = ran.back(list(seeds))
        return unflatten(transposed(level, grads, given, seeds), ran.spec)

    return unflatten(ran.values, ran.spec), jvp_fn


def transposed(level: Grad, grads: list[Any], tangents: list[Any], seeds: list[Any]) -> list[Any]:
    """The tangents of results: what comes back to the seeds of a backward pass that was recorded."""
    pairs = [(g, t) for g, t in zip(grads, tangents, strict=True) if g.transform is level]
    return pull_back(level, [g for g, _ in pairs], seeds, [t for _, t in pairs], True, now=True)


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """``func`` as it is: in-place writes are differentiated and batched here without being rewritten first.

    PyTorch's ``functionalize`` makes programs without in-place operators for its tracers; nothing is traced here.

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

    @functools.wraps(func)
    def same(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return same


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor that one inside a transform stands for: with ``recurse``, the one outside all transforms.

    For debugging only: derivatives do not go through it.

    >>> import rushlight as torch
    >>> torch.func.vmap(lambda x: (print(torch.func.debug_unwrap(x)), x)[1])(torch.ones(2))
    tensor([1., 1.])
    tensor([1., 1.])
    """
    if not isinstance(tensor, Tensor):
        raise ValueError(f"debug_unwrap expected a tensor but got {type(tensor)}")
    while tensor.level:
        tensor = tensor.lower
        if not recurse:
            break
    return tensor


# ---- for the engine


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
    seeds = list(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else [grad_outputs]
    keep = create_graph if retain_graph is None else retain_graph
    given = [s for s in seeds if s is not None]
    if not given:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    size = batch_of(tuple(given), 0, "vjp")[3]
    for i, (seed, out) in enumerate(zip(seeds, outputs, strict=False)):
        if isinstance(seed, Tensor) and isinstance(out, Tensor) and tuple(seed.shape[1:]) != tuple(out.shape):
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. "
                "The sizes of the remaining dimensions are expected to match the shape of corresponding output, but a "
                f"mismatch was detected: grad_output[{i}] has a shape of {seed.shape} and output[{i}] has a shape of "
                f"{out.shape}. If you only want some tensors in `grad_output` to be considered batched, consider using vmap."
            )
    level = Vmap(size, "error")
    with entered(level):
        own = tuple([None if s is None else level.make(s) for s in seeds])
        found = gradients.grad(outputs, inputs, own, keep, create_graph, True, allow_unused, False, materialize_grads)
    return tuple([None if g is None else unbatched(level, g, 0, "vjp") for g in found])
