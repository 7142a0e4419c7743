"""Derivatives checked against differences: ``gradcheck`` and ``gradgradcheck``.

Every input is perturbed in its own memory, and the change of the outputs is compared with what backward (and forward
mode) says. A complex number counts as two real ones: what is compared is ``ds/dx + i ds/dy`` of each real part s of the
outputs. When they disagree, the error names the worst element and what is most likely wrong.
"""

from __future__ import annotations

import math
import sys
import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .._core import engine
from .._core.dtypes import complex128, float64
from .._core.gradients import grad, node_of, wanted_nodes
from .._core.tensor import Tensor, wrap
from .._ops.random import rand

Tensors: TypeAlias = Tensor | Sequence[Tensor]
ndarray = np.ndarray


class GradcheckError(RuntimeError):
    """What :func:`gradcheck` and :func:`gradgradcheck` raise when derivatives are wrong."""


class Options(NamedTuple):
    """How to check: the keyword arguments of :func:`gradcheck`."""

    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_undefined_grad: bool
    check_grad_dtypes: bool
    check_batched_grad: bool
    check_batched_forward_grad: bool
    check_forward_ad: bool
    check_backward_ad: bool
    fast_mode: bool
    masked: bool | None


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensors,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the derivatives of ``func(*inputs)`` agree with central differences of step ``eps``.

    Checked are all inputs (tensors of any shape, float64 or complex128 to be precise enough) that require grad, against
    ``|analytical - numerical| <= atol + rtol * |numerical|``. ``fast_mode`` compares one random combination instead of
    every element. ``nondet_tol`` is how far two backward passes may differ. The other options check more: forward mode,
    gradients that do not exist (None), batches of gradients, dtypes.

    Raises GradcheckError (unless ``raise_exception=False``: then returns False) with the worst element and the likely
    cause; ValueError if no input requires grad.

    >>> import rushlight as torch
    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(lambda x: x.exp().sum(), (x,))
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    options = Options(
        eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
        check_batched_forward_grad, check_forward_ad, check_backward_ad, fast_mode, masked,
    )  # fmt: skip
    try:
        with np.errstate(all="ignore"):
            Check(*without_sparse(func, as_tuple(inputs)), options).run()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensors,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether second derivatives are right: :func:`gradcheck` of the gradients of ``func`` as a function of its inputs.

    ``grad_outputs`` are the gradients to start from (random ones by default, not contiguous with
    ``gen_non_contig_grad_outputs``); they are inputs of the check too.

    >>> import rushlight as torch
    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(lambda x: x.exp(), (x,))
    True
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_undefined_grad=True requires check_rev_over_rev to be True")
    if check_batched_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_batched_grad=True requires check_rev_over_rev to be True")
    given = as_tuple(inputs)
    if grad_outputs is None:
        outputs = differentiable(func(*given))
        starts: tuple[Any, ...] = tuple([random_start(o, gen_non_contig_grad_outputs) for o in outputs])
    else:
        starts = as_tuple(grad_outputs)
    count = len(starts)
    asked = [i for i, x in enumerate(given) if needs_grad(x)]
    asked_starts = [i for i, x in enumerate(starts) if x.requires_grad]

    def gradients(*args: Any) -> tuple[Tensor, ...]:
        own = [x.requires_grad_() if i in asked else x for i, x in enumerate(args[: len(args) - count])]
        outputs = differentiable(func(*own))
        seeds = [x.requires_grad_() if i in asked_starts else x for i, x in enumerate(args[len(args) - count :])]
        found = grad(outputs, [own[i] for i in asked], seeds, create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None])

    return gradcheck(
        gradients, (*given, *starts), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad, fast_mode=fast_mode, check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev, masked=masked,
    )  # fmt: skip


def random_start(output: Tensor, apart: bool) -> Tensor:
    """Random numbers from -1 to 1 of an output's shape and dtype, every second element of their memory if ``apart``."""
    shape = (*output.shape[:-1], 2 * output.shape[-1]) if apart and output.ndim and output.numel() > 1 else output.shape
    dtype = output._array.dtype if output._array.dtype.kind in "fc" else np.dtype("f8")
    count = math.prod(shape)
    array: ndarray = 2 * rand(count, dtype=float64).numpy() - 1
    if dtype.kind == "c":
        array = array + 1j * (2 * rand(count, dtype=float64).numpy() - 1)
    made = array.reshape(shape).astype(dtype)
    return wrap(made[..., ::2] if tuple(shape) != tuple(output.shape) else made).requires_grad_()  # type: ignore[no-any-return]


# ---- the check


class Check:
    """One run of :func:`gradcheck`: what is checked, and how."""

    def __init__(self, func: Callable[..., Any], inputs: tuple[Any, ...], options: Options) -> None:
        self.func, self.inputs, self.options = func, inputs, options
        check_inputs(inputs)
        self.places = [i for i, x in enumerate(inputs) if needs_grad(x)]
        self.wanted = [inputs[i] for i in self.places]
        made = func(*inputs)
        self.every = as_tuple(made)
        self.outputs = differentiable(made)
        if any([o.is_sparse for o in self.every]):
            raise ValueError(
                "Sparse output is not supported at gradcheck yet. Please call to_dense(masked_grad=...) on the "
                "output of fn for gradcheck."
            )

    def run(self) -> None:
        options = self.options
        self.directions = self.combinations() if options.fast_mode else self.elements()
        self.slopes = [
            [self.slope(x, step) for step in steps] for x, steps in zip(self.wanted, self.directions, strict=True)
        ]
        if not self.outputs:
            floats = [k for k, o in enumerate(self.every) if inexact(o) or options.fast_mode]
            if any([found[k].any() for per in self.slopes for found in per for k in floats]):
                raise GradcheckError("Numerical gradient for function expected to be zero")
            return
        if options.check_backward_ad:
            complexes = [o.is_complex() for o in self.outputs]
            if any(complexes):
                self.backward_agrees(True)
            self.backward_agrees(False)
        if options.check_forward_ad:
            if any([x.is_complex() for x in self.wanted]):
                self.forward_agrees(True)
            self.forward_agrees(False)
            if options.check_undefined_grad:
                self.missing_tangents()
        if options.check_batched_forward_grad:
            self.batched_forward()
        if not options.check_backward_ad:
            return
        if options.check_batched_grad:
            for k in range(len(self.outputs)):
                self.batched_backward(k)
        self.scaled_by_gradient()
        if options.check_undefined_grad:
            self.missing_gradients()

    # ---- directions and differences

    def elements(self) -> list[list[ndarray]]:
        """For each input the directions to go: along every element, for complex ones along both of its parts."""
        made = []
        for x in self.wanted:
            shape, dtype = x._array.shape, np.dtype("c16" if x.is_complex() else "f8")
            steps = []
            for part in (1, 1j) if x.is_complex() else (1,):
                for index in np.ndindex(shape):
                    step = np.zeros(shape, dtype)
                    step[index] = part
                    steps.append(step)
            made.append(steps)
        return made

    def combinations(self) -> list[list[ndarray]]:
        """For each input one random direction (two for complex ones: of the real and of the imaginary parts)."""
        draw = np.random.default_rng(0)
        made = []
        for x in self.wanted:
            steps = []
            for part in (1, 1j) if x.is_complex() else (1,):
                u = draw.random(x._array.shape)
                steps.append(part * u / (np.linalg.norm(u.ravel()) or 1))
            made.append(steps)
        return made

    def slope(self, x: Any, step: ndarray) -> list[ndarray]:
        """The central difference of every output along one direction, flat."""
        eps = self.options.eps
        low, high = self.moved(x, step, -eps), self.moved(x, step, eps)
        for k, (a, b) in enumerate(zip(low, high, strict=True)):
            alike(a, b, eps, k, "" if self.options.fast_mode else f"on index {tuple(map(int, np.argwhere(step)[0]))} ")
        return [np.subtract(b, a, dtype=wide(a)).reshape(-1) / (2 * eps) for a, b in zip(low, high, strict=True)]

    def moved(self, x: Any, step: ndarray, by: float) -> list[ndarray]:
        """The outputs with an input perturbed in its own memory, so that functions that close over it see it too."""
        array = x._array
        before = array.copy()
        try:
            array[...] = before + by * step
            return [np.array(o._array) for o in as_tuple(self.func(*self.inputs))]
        finally:
            array[...] = before

    def numerical(self, i: int, k: int) -> ndarray:
        """The Jacobian by differences, one row a direction of input ``i``, of output ``k`` (of those that require grad)."""
        at = [n for n, o in enumerate(self.every) if o.requires_grad][k]
        rows = [found[at] for found in self.slopes[i]]
        return np.stack(rows) if rows else np.zeros((0, self.outputs[k].numel()))

    # ---- reverse mode

    def backward_agrees(self, imaginary: bool) -> None:
        """Compare gradients of the real (or imaginary) parts of the outputs with differences."""
        options = self.options
        for k, output in enumerate(self.outputs):
            if imaginary and not output.is_complex():
                continue
            weights = self.weights(output)
            analytical = self.pulled_twice(output, weights, imaginary)
            for i, x in enumerate(self.wanted):
                d = self.numerical(i, k)
                d = d.imag if imaginary else d.real
                if options.fast_mode:
                    n, a = d @ weights[0], self.projected(i, analytical[i][:, 0])
                    slack = (
                        options.atol
                        * sum(abs(u.real).sum() + abs(u.imag).sum() for u in self.directions[i])
                        * weights.sum()
                    )
                    parts = x.is_complex()
                    numerical = np.array(n[0] + 1j * n[1] if parts else n[0])
                    if not close(a, numerical, options.rtol, slack):
                        self.fail_fast(k, i, numerical, a, imaginary)
                    continue
                half = len(d) // 2
                numerical = d[:half] + 1j * d[half:] if x.is_complex() else d
                if not close(analytical[i], numerical, options.rtol, options.atol):
                    self.fail(k, i, numerical, analytical[i], imaginary, False)

    def weights(self, output: Any) -> ndarray:
        """The cotangents to pull back, one a row: every unit vector, or one random combination of them."""
        count = output.numel()
        if not self.options.fast_mode:
            return np.eye(count)
        v = np.random.default_rng(1).random((1, count))
        made: ndarray = v / (np.linalg.norm(v) or 1)
        return made

    def projected(self, i: int, g: ndarray) -> Any:
        """A gradient of input ``i`` along its random directions."""
        steps = [u.reshape(-1) for u in self.directions[i]]
        if len(steps) == 1:
            return np.array(g @ steps[0])
        return np.array(g.real @ steps[0] + 1j * (g.imag @ steps[1].imag))

    def pulled_twice(self, output: Any, weights: ndarray, imaginary: bool) -> list[ndarray]:
        """The Jacobian by backward, one column a cotangent; computed twice, to see whether it is the same."""
        first, second = self.pulled(output, weights, imaginary), self.pulled(output, weights, imaginary)
        tol = self.options.nondet_tol
        for a, b in zip(first, second, strict=True):
            if a.size and np.abs(a - b).max() > tol:
                worst = np.unravel_index(np.argmax(np.abs(a - b)), a.shape)
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
                    "times gives different values, although analytical gradient matches numerical gradient."
                    f"The tolerance for nondeterminism was {tol}.\n\nThe largest difference is "
                    f"{np.abs(a - b).max():.3g}, at element {worst[0]} of the input for element {worst[1]} of the "
                    "output. Look for random numbers in a backward, or pass nondet_tol= if the difference is only "
                    "rounding."
                )
        return first

    def pulled(self, output: Any, weights: ndarray, imaginary: bool) -> list[ndarray]:
        options = self.options
        dtype = output._array.dtype
        columns: list[list[Any]] = [[] for _ in self.wanted]
        for row in weights:
            v = (row * 1j if imaginary else row).astype(dtype).reshape(output._array.shape)
            for i, g in enumerate(grad([output], self.wanted, [wrap(v)], retain_graph=True, allow_unused=True)):
                x = self.wanted[i]
                if g is None:
                    columns[i].append(np.zeros(x.numel(), wide(x._array)))
                    continue
                if g.is_sparse:
                    g = g.to_dense()
                if options.check_grad_dtypes and g.dtype is not x.dtype:
                    raise GradcheckError(
                        f"Gradient has dtype mismatch: that of input {i} is {g.dtype}, the input {x.dtype}"
                    )
                if tuple(g.shape) != tuple(x.shape):
                    raise GradcheckError(
                        f"Analytical gradient has incorrect size: that of input {i} is {list(g.shape)}, the input "
                        f"{list(x.shape)}"
                    )
                columns[i].append(np.array(g._array, wide(g._array)).reshape(-1))
        return [
            np.stack(c, axis=1) if c else np.zeros((x.numel(), 0)) for c, x in zip(columns, self.wanted, strict=True)
        ]

    # ---- forward mode

    def forward_agrees(self, imaginary: bool) -> None:
        """Compare tangents of the outputs along real (or imaginary) directions of the inputs with differences."""
        options = self.options
        for i, x in enumerate(self.wanted):
            if imaginary and not x.is_complex():
                continue
            steps = self.directions[i]
            half = len(steps) // 2 if x.is_complex() else len(steps)
            rows = slice(half, None) if imaginary else slice(0, half)
            found = [self.pushed(i, step) for step in steps[rows]]
            for k in range(len(self.outputs)):
                n = self.numerical(i, k)[rows]
                a = np.stack([f[k] for f in found]) if found else np.zeros_like(n)
                slack = options.atol * (abs(steps[0]).sum() if options.fast_mode else 1)
                if not close(a, n, options.rtol, slack):
                    self.fail(k, i, n, a, imaginary, True)

    def pushed(self, i: int, step: ndarray) -> list[ndarray]:
        """The tangents of the outputs for one tangent of input ``i``."""
        from . import forward_ad

        with forward_ad.dual_level():
            given = list(self.inputs)
            for n, place in enumerate(self.places):
                x = self.inputs[place]
                tangent = step if n == i else np.zeros_like(x._array)
                given[place] = forward_ad.make_dual(x.detach(), wrap(np.array(tangent, x._array.dtype)))
            outputs = as_tuple(self.func(*given))
            tangents = []
            for o, like in zip(outputs, self.every, strict=True):
                if not like.requires_grad:
                    continue
                primal, tangent = forward_ad.unpack_dual(o)
                if tangent is None:
                    tangents.append(np.zeros(like.numel(), wide(like._array)))
                    continue
                if self.options.check_grad_dtypes and tangent.dtype is not primal.dtype:
                    raise GradcheckError("Forward AD gradient has dtype mismatch.")
                tangents.append(np.array(lowest(tangent), wide(like._array)).reshape(-1))
        return tangents

    def missing_tangents(self) -> None:
        """An input without a tangent must count as one whose tangent is zero."""
        from . import forward_ad

        directions = self.directions if self.options.fast_mode else self.combinations()
        for skipped in self.places:
            made = []
            for zeros in (True, False):
                with forward_ad.dual_level():
                    given = list(self.inputs)
                    for steps, place in zip(directions, self.places, strict=True):
                        x = self.inputs[place].detach()
                        if place != skipped:
                            given[place] = forward_ad.make_dual(x, wrap(np.array(sum(steps), x._array.dtype)))
                        else:
                            given[place] = forward_ad.make_dual(x, x.new_zeros(x.shape)) if zeros else x
                    tangents = [forward_ad.unpack_dual(o)[1] for o in as_tuple(self.func(*given)) if inexact(o)]
                    made.append([None if t is None else np.array(lowest(t)) for t in tangents])
            for k, (a, b) in enumerate(zip(*made, strict=True)):
                if a is not None and b is not None and not close(a, b, 1e-5, 1e-8):
                    raise GradcheckError(
                        f"Mismatch in tangent values for output with index: {k} when input: {skipped} has an undefined "
                        f"tangent value.  Got: {b} but expected: {a}"
                    )

    # ---- batches

    def batched_backward(self, k: int) -> None:
        """Two gradients pulled back at once must give what they give one by one."""
        from .._transforms import compose  # noqa: F401 (it is what runs grad on batches)

        output = self.outputs[k]
        starts = [random_start(output, False).detach() for _ in range(2)]
        one_by_one = [grad([output], self.wanted, [v], retain_graph=True, allow_unused=True) for v in starts]
        stacked = wrap(np.stack([v._array for v in starts]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                at_once = grad(
                    [output], self.wanted, [stacked], retain_graph=True, allow_unused=True, is_grads_batched=True
                )
            except RuntimeError as error:
                raise GradcheckError(f"While computing batched gradients, got: {error}\n\n{BATCHED}") from error
        for i, (got, *each) in enumerate(zip(at_once, *one_by_one, strict=True)):
            expected = [np.zeros(self.wanted[i].shape) if g is None else g._array for g in each]
            self.same_batch(k, i, 0 if got is None else got._array, np.stack(expected))

    def batched_forward(self) -> None:
        """Two tangents pushed at once must give what they give one by one."""
        from .._transforms.compose import vmap
        from . import forward_ad

        for i, place in enumerate(self.places):
            x = self.inputs[place]

            def push(tangent: Any, place: int = place, x: Any = x) -> Any:
                with forward_ad.dual_level():
                    given = [y.detach() if needs_grad(y) else y for y in self.inputs]
                    given[place] = forward_ad.make_dual(x.detach(), tangent)
                    pairs = [forward_ad.unpack_dual(o) for o in as_tuple(self.func(*given)) if inexact(o)]
                    return tuple([p.new_zeros(p.shape) if t is None else t for p, t in pairs])

            tangents = [random_start(x, False).detach() for _ in range(2)]
            one_by_one = [push(t) for t in tangents]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    at_once = vmap(push)(wrap(np.stack([t._array for t in tangents])))
                except RuntimeError as error:
                    raise GradcheckError(f"While computing batched gradients, got: {error}\n\n{BATCHED}") from error
            for k, (got, *each) in enumerate(zip(at_once, *one_by_one, strict=True)):
                self.same_batch(k, i, np.array(lowest(got)), np.stack([np.array(lowest(t)) for t in each]))

    def same_batch(self, k: int, i: int, got: Any, expected: ndarray) -> None:
        if not close(got, expected, 1e-5, 1e-8):
            raise GradcheckError(f"For output {k} and input {i}:\n\n{BATCHED}\n\nGot:\n{got}\n\nExpected:\n{expected}")

    # ---- what every backward must do

    def scaled_by_gradient(self) -> None:
        """Zero gradients going in must come out as zeros, of the inputs' dtype and shape."""
        zeros = [wrap(np.zeros_like(o._array, order="C")) for o in self.outputs]
        found = grad(self.outputs, self.wanted, zeros, retain_graph=True, allow_unused=True)
        for i, (g, x) in enumerate(zip(found, self.wanted, strict=True)):
            if g is None:
                continue
            if g.is_sparse:
                g = g.to_dense()
            array = g._array
            ok = close(array, np.zeros_like(array), 1e-5, 1e-8) if self.options.masked else not np.any(array != 0)
            if not ok:
                raise GradcheckError(
                    f"backward not multiplied by grad_output: with gradients of zero, that of input {i} is "
                    f"{first(array)} somewhere. Every gradient that a backward returns must be linear in the one "
                    "that it gets."
                )
            for what, a, b in (("type", g.dtype, x.dtype), ("size", tuple(g.shape), tuple(x.shape))):
                if a != b:
                    raise GradcheckError(f"grad is incorrect {what}: that of input {i} is {a}, the input's {b}")

    def missing_gradients(self) -> None:
        """Outputs without a gradient (None) must be treated as those whose gradient is zero."""
        cases = [[True] * len(self.outputs)]
        if len(self.outputs) > 1:
            cases += [[k == n for n in range(len(self.outputs))] for k in range(len(self.outputs))]
        for missing in cases:
            outputs = differentiable(self.func(*self.inputs))
            roots = [
                (node_of(o), None if gone else np.zeros_like(o._array))
                for o, gone in zip(outputs, missing, strict=True)
            ]
            nodes = wanted_nodes(self.wanted)
            try:
                arrived = engine.backward(roots, False, False, nodes, False)  # type: ignore[arg-type]
            except RuntimeError as error:
                warn_undefined()
                raise GradcheckError(
                    "Expected backward function to handle undefined output grads: where an output has no gradient, "
                    f"backward gets None (or zeros, where these are materialized). It raised: {error}"
                ) from error
            for i, node in enumerate(nodes):
                g = arrived.get(node)
                if g is not None and np.any(np.asarray(engine.as_tensor(g)._array) != 0):
                    warn_undefined()
                    raise GradcheckError(
                        "Expected all input grads to be undefined or zero when all output grads are undefined or "
                        f"zero: that of input {i} is {first(engine.as_tensor(g)._array)} somewhere."
                    )

    # ---- what is said when they differ

    def fail(self, k: int, i: int, numerical: ndarray, analytical: ndarray, imaginary: bool, forward: bool) -> None:
        x, output = self.wanted[i], self.outputs[k]
        off = np.abs(np.asarray(analytical) - numerical)
        row, column = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
        where_in = shown_index(row, x.shape) if len(numerical) == x.numel() else "a random direction"
        where_out = shown_index(column, output.shape)
        raise GradcheckError(
            self.mismatch(k, i, numerical, analytical, imaginary, forward)
            + f"Worst: output[{where_out}] with respect to input[{where_in}]: numerical {numerical[row, column]:.6g}, "
            f"analytical {analytical[row, column]:.6g}, difference {off[row, column]:.3g}.\n"
            f"Likely cause: {self.cause(k, i, int(row), numerical, analytical)}"
        )

    def fail_fast(self, k: int, i: int, numerical: Any, analytical: Any, imaginary: bool) -> None:
        """One combination differs: compare element by element, to say where."""
        text = self.mismatch(k, i, numerical, analytical, imaginary, False)
        slow = Check(self.func, self.inputs, self.options._replace(fast_mode=False))
        slow.directions = slow.elements()
        slow.slopes = [[slow.slope(x, s) for s in steps] for x, steps in zip(slow.wanted, slow.directions, strict=True)]
        text += "The above quantities relating the numerical and analytical jacobians are computed in fast mode.\n"
        try:
            slow.backward_agrees(imaginary)
        except GradcheckError as error:
            raise GradcheckError(f"{text}Element by element:\n{error}") from None
        raise GradcheckError(
            f"{text}Fast gradcheck failed but element-wise differences are small. This means that the test might've "
            "passed in slow_mode! Pass fast_mode=False."
        )

    def mismatch(self, k: int, i: int, numerical: Any, analytical: Any, imaginary: bool, forward: bool) -> str:
        """The words with which PyTorch's message begins."""
        parts = (self.wanted[i] if forward else self.outputs[k]).is_complex()
        part, of = ("imaginary" if imaginary else "real"), ("inputs" if forward else "outputs")
        text = f"While considering the {part} part of complex {of} only, " if parts else ""
        how = "computed with forward mode " if forward else ""
        return (
            f"{text}Jacobian {how}mismatch for output {k} with respect to input {i},\n"
            f"numerical:{wrap(np.asarray(numerical))}\nanalytical:{wrap(np.asarray(analytical))}\n"
        )

    def cause(self, k: int, i: int, row: int, numerical: ndarray, analytical: ndarray) -> str:
        """What is most likely wrong, judged by looking closer at the worst element."""
        x, options = self.wanted[i], self.options
        again = [np.array(o._array) for o in as_tuple(self.func(*self.inputs))]
        before = [o._array for o in self.every]
        if any([not np.array_equal(a, b, equal_nan=True) for a, b in zip(again, before, strict=True)]):
            return "func is not deterministic: the same inputs gave other outputs the second time (random numbers, dropout?)."
        if x.dtype not in (float64, complex128):
            return (
                f"the input is {x.dtype}, whose rounding is larger than the step eps={options.eps}: check with "
                ".double() inputs."
            )
        steps = self.directions[i]
        at = [n for n, o in enumerate(self.every) if o.requires_grad][k]
        low, high = self.moved(x, steps[row], -options.eps)[at], self.moved(x, steps[row], options.eps)[at]
        left = (before[at] - low).reshape(-1) / options.eps
        right = (high - before[at]).reshape(-1) / options.eps
        scale = options.atol + options.rtol * max(np.abs(left).max(initial=0), np.abs(right).max(initial=0))
        if np.abs(right - left).max(initial=0) > max(10 * scale, 1e-4):
            return (
                f"func has a kink or a jump here: the slope is {extreme(left, right - left):.6g} on one side and "
                f"{extreme(right, right - left):.6g} on the other. Check at another point."
            )
        a, n = analytical.reshape(-1), numerical.reshape(-1)
        if np.isnan(a).any():
            return "backward gives nan (0 * inf, or a division by zero, in a derivative rule)."
        if not np.any(a) and np.any(n):
            return "no gradient comes back at all: something is detached, rounded, or computed under no_grad in func."
        if any(close(sign * np.conj(a), n, options.rtol, options.atol) for sign in (1, -1)):
            return "the derivative rule gives the complex conjugate of the gradient (PyTorch's convention is dL/dx + i dL/dy)."
        size = np.vdot(n, n).real
        if size:
            factor = (np.vdot(n, a) / size).real
            if abs(factor - 1) > 1e-3 and close(a, factor * n, max(options.rtol, 1e-3), options.atol):
                return f"a derivative rule is wrong: every element is {factor:.6g} times what it should be."
        node = self.outputs[k].grad_fn
        site = node.site() if node is not None else None
        last = f" The last operation is {node.name()} at {site}." if node is not None and site is not None else ""
        return f"a derivative rule is wrong.{last} Check each custom backward of func on its own."


BATCHED = (
    "gradcheck or gradgradcheck failed while testing batched gradient computation: the gradients of a batch of "
    "grad_outputs, computed at once by vmap over the backward pass, are not those computed one by one. Pass "
    "check_batched_grad=False if batches are not needed."
)


def warn_undefined() -> None:
    warnings.warn(
        "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but it may "
        "break existing callers of this function. If this is true for you, you can call this function with "
        '"check_undefined_grad=False" to disable the feature',
        stacklevel=4,
    )


def without_sparse(func: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function and inputs, with each sparse input that requires grad given by its values alone: they are checked."""
    places = [i for i, x in enumerate(inputs) if needs_grad(x) and x.is_sparse]
    if not places:
        return func, inputs

    def on_values(*args: Any) -> Any:
        given = list(args)
        for i in places:
            given[i] = inputs[i].with_values(args[i])
        return func(*given)

    return on_values, tuple([x.stored if i in places else x for i, x in enumerate(inputs)])


def check_inputs(inputs: tuple[Any, ...]) -> None:
    """Raise for inputs that cannot be checked, warn about those that cannot be checked well."""
    any_asked = False
    for i, x in enumerate(inputs):
        if not needs_grad(x):
            continue
        any_asked = True
        if x.dtype not in (float64, complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if x.numel() and any([n > 1 and step == 0 for n, step in zip(x._array.shape, x._array.strides, strict=True)]):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                ".contiguous on the input before passing it to gradcheck."
            )
    if not any_asked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


def alike(a: ndarray, b: ndarray, eps: float, k: int, where: str) -> None:
    for what, one, other in (("shape", a.shape, b.shape), ("dtype", a.dtype, b.dtype)):
        if one != other:
            raise AssertionError(
                f"Expected `func` to return outputs with the same {what} when inputs are perturbed {where}by {eps}, "
                f"but got: {what}s {one} and {other} (output {k})."
            )


def needs_grad(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def inexact(x: Any) -> bool:
    return isinstance(x, Tensor) and (x.dtype.is_floating_point or x.dtype.is_complex)


def as_tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def differentiable(outputs: Any) -> tuple[Any, ...]:
    return tuple([o for o in as_tuple(outputs) if o.requires_grad])


def wide(array: ndarray) -> Any:
    """The dtype to compare in: double precision, real or complex."""
    return np.dtype("c16" if array.dtype.kind == "c" else "f8")


def lowest(x: Any) -> ndarray:
    """The array inside a tensor of any level."""
    while isinstance(x, Tensor):
        x = x._array
    return np.asarray(x)


def close(a: Any, b: Any, rtol: float, atol: float) -> bool:
    """Whether two arrays agree as ``allclose`` means it: everywhere within ``atol + rtol * |b|``; nan agrees with none."""
    with np.errstate(all="ignore"):
        return bool(np.allclose(a, b, rtol, atol))


def first(array: ndarray) -> Any:
    """An element that is not zero."""
    return array[array != 0].reshape(-1)[0]


def extreme(values: ndarray, by: ndarray) -> Any:
    return values[np.argmax(np.abs(by))]


def shown_index(flat: Any, shape: Any) -> str:
    return ", ".join(map(str, np.unravel_index(int(flat), tuple(shape)))) if len(shape) else ""


class _Callable(types.ModuleType):
    """``torch.autograd.gradcheck`` is the function, also after this module was imported by its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> bool:
        return gradcheck(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
