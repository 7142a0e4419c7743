"""``torch.autograd.functional``: products with Jacobians and Hessians, and these themselves, of functions of tensors.

Inputs and outputs are tensors or tuples of tensors. Inputs are taken apart from the graph outside unless
``create_graph``, which also makes the results differentiable; with ``strict``, results that do not depend on an input
are an error instead of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._core import gradients
from .._core.mode import RECORD, mode, switched
from .._core.tensor import Tensor
from .._ops.broadcast import expand
from .._ops.create import eye, zeros_like
from .._ops.shape import movedim, narrow, reshape, squeeze, stack, view
from .._transforms.base import entered
from .._transforms.forward import DualLevel
from .._transforms.vmap import Vmap

Tensors = tuple[Tensor, ...]


# ---- tuples in, tuples out


def as_tuple(given: Any, what: str, name: str) -> tuple[bool, Tensors]:
    """Whether a tuple was given, and the tensors as one."""
    is_tuple = isinstance(given, tuple)
    every = given if is_tuple else (given,)
    for i, t in enumerate(every):
        if not isinstance(t, Tensor):
            which = f"the value at index {i}" if is_tuple else f"the given {what}"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but {which} has type {type(t)}."
            )
    return is_tuple, tuple(every)


def prepared(tensors: Tensors, create_graph: bool, need_graph: bool) -> Tensors:
    """Inputs that can be differentiated without touching those that were given."""
    return tuple(
        [
            view(t, t.shape) if create_graph and t.requires_grad else t.detach().requires_grad_(need_graph)
            for t in tensors
        ]
    )


def released(tensors: Any, create_graph: bool) -> Any:
    """Results for the user: without a graph unless one was asked for."""
    if isinstance(tensors, Tensor):
        return tensors if create_graph else tensors.detach()
    return tuple([released(t, create_graph) for t in tensors])


def unwrapped(found: Any, is_tuple: bool) -> Any:
    return tuple(found) if is_tuple else found[0]


def check_v(v: Tensors, like: Tensors, is_tuple: bool) -> None:
    if len(v) != len(like):
        if is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (one, other) in enumerate(zip(v, like, strict=True)):
        if one.shape != other.shape:
            where = f"Entry {i} in " if is_tuple else ""
            raise RuntimeError(f"{where}v has invalid size: should be {other.shape} but got {one.shape}.")


def check_outputs(outputs: Tensors, strict: bool) -> None:
    for i, t in enumerate(outputs if strict else ()):
        if not t.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
                "differentiable manner from the input when running in strict mode."
            )


def check_dependence(grads: Sequence[Any], strict: bool, otherwise: Callable[[int], str]) -> None:
    """Raise in strict mode for gradients that are missing, or that do not depend on the inputs."""
    for i, g in enumerate(grads if strict else ()):
        if g is None:
            raise independent(i)
        if not g.requires_grad:
            raise RuntimeError(otherwise(i))


def independent(i: int) -> RuntimeError:
    return RuntimeError(
        f"The output of the user-provided function is independent of input {i}. This is not allowed in strict mode."
    )


def constant_gradient(i: int) -> str:
    return (
        f"The gradient with respect to input {i} is independent of the inputs of the user-provided function. This is not "
        "allowed in strict mode."
    )


def constant_jacobian(i: int) -> str:
    return (
        "While computing the hessian, found that the jacobian of the user-provided function with respect to input "
        f"{i} is independent of the input. This is not allowed in strict mode. You should ensure that your function is "
        "twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function "
        "for example)."
    )


def constant_hessian(i: int) -> str:
    return (
        f"The hessian of the user-provided function with respect to input {i} is independent of the input. This is not "
        "allowed in strict mode. You should ensure that your function is thrice differentiable and that the hessian "
        "depends on the inputs."
    )


STAGES = {
    "vjp": lambda i: str(independent(i)),
    "jvp": lambda i: (
        f"The gradient with respect to the input is independent of entry {i} in the grad_outputs when using the double "
        "backward trick to compute forward mode gradients. This is not allowed in strict mode."
    ),
    "vhp": lambda i: (
        f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict mode."
    ),
    "hvp": lambda i: (
        f"The hessian of the user-provided function is independent of entry {i} in the grad_jacobian. This is not allowed "
        "in strict mode as it prevents from using the double backward trick to replace forward mode AD."
    ),
}


def filled(grads: Sequence[Any], like: Tensors, strict: bool, create_graph: bool, stage: str) -> Tensors:
    """Zeros where there is no gradient; in strict mode an error."""
    found = []
    for i, g in enumerate(grads):
        if g is None:
            if strict:
                raise RuntimeError(STAGES[stage](i))
            g = zeros_like(like[i])
        elif strict and create_graph and not g.requires_grad:
            what = "hessian" if stage in ("vhp", "hvp") else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. This is not allowed in strict mode "
                "when create_graph=True."
            )
        found.append(g)
    return tuple(found)


def grads_of(
    outputs: Sequence[Any], inputs: Tensors, seeds: Any = None, create_graph: bool = False, keep: Any = None,
    batched: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """``autograd.grad`` of those outputs that require a gradient; None for inputs that none depends on."""
    given = [
        (o, g)
        for o, g in zip(outputs, seeds or [None] * len(outputs), strict=True)
        if o is not None and o.requires_grad
    ]
    if not given:
        return (None,) * len(inputs)
    return gradients.grad(
        [o for o, _ in given], inputs, [g for _, g in given], keep, create_graph, True, True, is_grads_batched=batched
    )


def grad_enabled(create_graph: bool) -> Any:
    return switched(mode() | RECORD if create_graph else mode())


def scalar_output(outputs: Any, name: str, strict: bool) -> Tensor:
    """The single element that a function for Hessians must return."""
    is_tuple, every = as_tuple(outputs, "outputs of the user-provided function", name)
    check_outputs(every, strict)
    if is_tuple:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if every[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    return every[0]


# ---- products


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(outputs, v^T J)``: the value of ``func`` at ``inputs``, and the product of ``v`` with its Jacobian there.

    ``v`` has the shape of the outputs, and may be left out if these are a single element.

    >>> import rushlight as torch
    >>> torch.autograd.functional.vjp(lambda x: x ** 2, torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with switched(mode() | RECORD):
        is_inputs_tuple, xs = as_tuple(inputs, "inputs", "vjp")
        xs = prepared(xs, create_graph, True)
        is_outputs_tuple, outs = as_tuple(func(*xs), "outputs of the user-provided function", "vjp")
        check_outputs(outs, strict)
        if v is not None:
            vs = prepared(as_tuple(v, "v", "vjp")[1], create_graph, False)
            check_v(vs, outs, is_outputs_tuple)
        elif len(outs) != 1 or outs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single element."
            )
        else:
            vs = (None,)  # type: ignore[assignment]
    with grad_enabled(create_graph):
        found = filled(grads_of(outs, xs, vs, create_graph), xs, strict, create_graph, "vjp")
    return (
        unwrapped(released(outs, create_graph), is_outputs_tuple),
        unwrapped(released(found, create_graph), is_inputs_tuple),
    )


def vector_like(v: Any, xs: Tensors, is_tuple: bool, name: str, create_graph: bool) -> Any:
    """The vector that multiplies from the inputs' side."""
    if v is not None:
        vs = prepared(as_tuple(v, "v", name)[1], create_graph, False)
        check_v(vs, xs, is_tuple)
        return vs
    if len(xs) != 1 or xs[0].numel() != 1:
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
            "element."
        )
    return (None,)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(outputs, J v)``: the value of ``func`` at ``inputs``, and the product of its Jacobian there with ``v``.

    The product is the transpose of the backward pass, differentiated with respect to what goes into it. ``v`` has the
    shape of the inputs, and may be left out if these are a single element.

    >>> import rushlight as torch
    >>> torch.autograd.functional.jvp(lambda x: x ** 2, torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with switched(mode() | RECORD):
        is_inputs_tuple, xs = as_tuple(inputs, "inputs", "jvp")
        xs = prepared(xs, create_graph, True)
        vs = vector_like(v, xs, is_inputs_tuple, "jvp", create_graph)
        is_outputs_tuple, outs = as_tuple(func(*xs), "outputs of the user-provided function", "jvp")
        check_outputs(outs, strict)
        seeds = tuple([zeros_like(o, requires_grad=True) for o in outs])
        back = grads_of(outs, xs, seeds, True)
        check_dependence(back, strict, constant_gradient)
    with grad_enabled(create_graph):
        found = filled(grads_of(back, seeds, vs, create_graph), outs, strict, create_graph, "jvp")
    return (
        unwrapped(released(outs, create_graph), is_outputs_tuple),
        unwrapped(released(found, create_graph), is_outputs_tuple),
    )


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(output, v^T H)``: the value of ``func``, a single element, and the product of ``v`` with its Hessian.

    >>> import rushlight as torch
    >>> torch.autograd.functional.vhp(lambda x: (x ** 3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with switched(mode() | RECORD):
        is_inputs_tuple, xs = as_tuple(inputs, "inputs", "vhp")
        xs = prepared(xs, create_graph, True)
        vs = vector_like(v, xs, is_inputs_tuple, "vhp", create_graph)
        out = scalar_output(func(*xs), "vhp", strict)
        jac = grads_of((out,), xs, None, True)
        check_dependence(jac, strict, constant_jacobian)
    with grad_enabled(create_graph):
        found = filled(grads_of(jac, xs, vs, create_graph), xs, strict, create_graph, "vhp")
    return released(out, create_graph), unwrapped(released(found, create_graph), is_inputs_tuple)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(output, H v)``: the value of ``func``, a single element, and the product of its Hessian with ``v``.

    >>> import rushlight as torch
    >>> torch.autograd.functional.hvp(lambda x: (x ** 3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with switched(mode() | RECORD):
        is_inputs_tuple, xs = as_tuple(inputs, "inputs", "hvp")
        xs = prepared(xs, create_graph, True)
        vs = vector_like(v, xs, is_inputs_tuple, "hvp", create_graph)
        out = scalar_output(func(*xs), "hvp", strict)
        jac = grads_of((out,), xs, None, True)
        check_dependence(jac, strict, constant_jacobian)
        seeds = tuple([zeros_like(x).requires_grad_() for x in xs])
        back = grads_of(jac, xs, seeds, True)
        check_dependence(jac, strict, constant_hessian)
    with grad_enabled(create_graph):
        found = filled(grads_of(back, seeds, vs, create_graph), xs, strict, create_graph, "hvp")
    return released(out, create_graph), unwrapped(released(found, create_graph), is_inputs_tuple)


# ---- Jacobians and Hessians


def basis_of(xs: Tensors) -> list[Tensor]:
    """The standard basis of all the tensors together: for each one, (total, its size)."""
    sizes = [x.numel() for x in xs]
    start, found = 0, []
    for x, n in zip(xs, sizes, strict=True):
        found.append(narrow(eye(sum(sizes), dtype=x.dtype), 1, start, n))
        start += n
    return found


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of ``func`` at ``inputs``: for each output and input a tensor of shape ``(*output, *input)``.

    ``vectorize`` computes all rows at once, under ``vmap``; ``strategy="forward-mode"`` (with it) all columns.

    >>> import rushlight as torch
    >>> torch.autograd.functional.jacobian(lambda x: x ** 2, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than '
            'inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not supported '
                'together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        return by_columns(func, inputs, strict, vectorize, False)
    with switched(mode() | RECORD):
        is_inputs_tuple, xs = as_tuple(inputs, "inputs", "jacobian")
        xs = prepared(xs, create_graph, True)
        is_outputs_tuple, outs = as_tuple(func(*xs), "outputs of the user-provided function", "jacobian")
        check_outputs(outs, strict)
        if vectorize:
            if strict:
                raise RuntimeError(
                    "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
                    "Please either set `strict=False` or `vectorize=False`."
                )
            found = rows_at_once(outs, xs, create_graph)
        else:
            found = [rows(i, out, xs, create_graph, strict) for i, out in enumerate(outs)]
        made = released(found, create_graph)
    return unwrapped([unwrapped(row, is_inputs_tuple) for row in made], is_outputs_tuple)


def rows(i: int, out: Tensor, xs: Tensors, create_graph: bool, strict: bool) -> list[Tensor]:
    """The Jacobian of one output towards all inputs, row by row."""
    parts: list[list[Tensor]] = [[] for _ in xs]
    flat = reshape(out, (-1,))
    for j in range(out.numel()):
        for k, g in enumerate(grads_of((flat[j],), xs, None, create_graph, True)):
            if g is None:
                if strict:
                    raise RuntimeError(
                        f"Output {i} of the user-provided function is independent of input {k}. This is not allowed in "
                        "strict mode."
                    )
                g = zeros_like(xs[k])
            elif strict and create_graph and not g.requires_grad:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in "
                    "strict mode when create_graph=True."
                )
            parts[k].append(g)
    return [reshape(stack(p), (*out.shape, *x.shape)) for p, x in zip(parts, xs, strict=True)]


def rows_at_once(outs: Tensors, xs: Tensors, create_graph: bool) -> list[list[Tensor]]:
    """The same for all outputs, by one backward pass for a batch of gradients."""
    sizes = [o.numel() for o in outs]
    total = sum(sizes)
    seeds = [reshape(b, (total, *o.shape)) for b, o in zip(basis_of(outs), outs, strict=True)]
    grads = grads_of(outs, xs, seeds, create_graph, batched=True)
    whole = [expand(zeros_like(x), (total, *x.shape)) if g is None else g for g, x in zip(grads, xs, strict=True)]
    found, start = [], 0
    for o, n in zip(outs, sizes, strict=True):
        found.append([reshape(narrow(g, 0, start, n), (*o.shape, *x.shape)) for g, x in zip(whole, xs, strict=True)])
        start += n
    return found


def by_columns(func: Callable[..., Any], inputs: Any, strict: bool, vectorize: bool, recorded: bool) -> Any:
    """The Jacobian by forward mode, all columns at once; with ``recorded`` ``func`` may run backward passes."""
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together '
            '(yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    is_inputs_tuple, xs = as_tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for `vectorize=True`."
        )
    sizes = [x.numel() for x in xs]
    total = sum(sizes)
    if recorded:
        xs = tuple([x.detach().requires_grad_() for x in xs])
    basis = [reshape(b, (total, *x.shape)) for b, x in zip(basis_of(xs), xs, strict=True)]
    batch, level = Vmap(total), DualLevel()
    with entered(batch), entered(level):
        duals = [level.dual(x, batch.make(b)) for x, b in zip(xs, basis, strict=True)]
        is_outputs_tuple, outs = as_tuple(func(*duals), "outputs", "jacobian")
        tangents = [level.tangent_of(o) for o in outs]
    found = []
    for o, t in zip(outs, tangents, strict=True):
        shape = tuple(o.shape)
        if t is None:
            t = expand(zeros_like(level.lowest(o)), (total, *shape))
        else:
            t = t.lower if batch.is_mapped(t) else expand(t, (total, *shape))
        if recorded:
            t = t.detach()
        t = movedim(t, 0, -1)
        parts, start = [], 0
        for x, n in zip(xs, sizes, strict=True):
            parts.append(reshape(narrow(t, -1, start, n), (*shape, *x.shape)))
            start += n
        found.append(unwrapped(parts, is_inputs_tuple))
    return unwrapped(found, is_outputs_tuple)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of ``func``, which returns a single element, at ``inputs``: the Jacobian of its gradient.

    For several inputs, a tuple of tuples. ``vectorize`` and ``outer_jacobian_strategy`` are those of :func:`jacobian`
    for the outer derivative.

    >>> import rushlight as torch
    >>> torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    is_tuple, xs = as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def gradient(*given: Tensor) -> Tensors:
        found: Tensors = jacobian(lambda *x: squeeze(scalar_output(func(*x), "hessian", strict)), given, True)
        check_dependence(found, strict, constant_jacobian)
        return found

    if outer_jacobian_strategy == "forward-mode":
        if create_graph:
            jacobian(gradient, xs, True, strategy="forward-mode")  # raises
        found = by_columns(gradient, xs, strict, vectorize, True)
    else:
        found = jacobian(gradient, xs, create_graph, strict, vectorize)
    return unwrapped([unwrapped(row, is_tuple) for row in found], is_tuple)


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
