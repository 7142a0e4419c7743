"""Softmax and its kin, with kernels that pass over a row once."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.declare import operator
from .._core.tensor import Tensor
from .._kernels import rows
from .broadcast import cast
from .dims import canonical
from .families import over_dims
from .reduce import sum as sum_
from .spelling import numpy_names


def softmax_rule(g: Any, result: Any, dim: int) -> Any:
    if isinstance(g, np.ndarray) and isinstance(result, np.ndarray):
        return rows.softmax_backward(g, result, dim)
    h = g * result
    return h - result * sum_(h, dim, True)


@operator(batch=over_dims("dim"), node="SoftmaxBackward0", input=softmax_rule)
def softmax_along(input: Tensor, dim: int) -> Tensor:
    return rows.softmax(checked(input, "softmax"), dim)


def log_softmax_rule(g: Any, result: Any, dim: int) -> Any:
    if isinstance(g, np.ndarray) and isinstance(result, np.ndarray):
        return rows.log_softmax_backward(g, result, dim)
    from .elementary import exp

    return g - exp(result) * sum_(g, dim, True)


@operator(batch=over_dims("dim"), node="LogSoftmaxBackward0", input=log_softmax_rule)
def log_softmax_along(input: Tensor, dim: int) -> Tensor:
    return rows.log_softmax(checked(input, "log_softmax"), dim)


def checked(input: Any, name: str) -> Any:
    if input.dtype.kind != "f":
        from .._core import dtypes

        kind = dtypes.LEGACY[dtypes.dtype_of(input.dtype).name]
        raise NotImplementedError(f"\"{name}_lastdim_kernel_impl\" not implemented for '{kind}'")
    return input


def implied(ndim: int, name: str, stacklevel: int) -> int:
    """The dimension that PyTorch takes when none is given, with its warning."""
    import warnings

    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        UserWarning,
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Exponentials of the elements over their sum along ``dim``: positive numbers that sum to 1.

    >>> import rushlight as torch
    >>> torch.nn.functional.softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = implied(input.ndim, "softmax", _stacklevel)
    if dtype is not None:
        input = cast(input, dtype)
    return softmax_along(input, canonical(dim, input.ndim))


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow.

    >>> import rushlight as torch
    >>> torch.nn.functional.log_softmax(torch.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = implied(input.ndim, "log_softmax", _stacklevel)
    if dtype is not None:
        input = cast(input, dtype)
    return log_softmax_along(input, canonical(dim, input.ndim))


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """:func:`softmax` of the negated elements.

    >>> import rushlight as torch
    >>> torch.nn.functional.softmin(torch.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = implied(input.ndim, "softmin", _stacklevel)
    return softmax(-input, dim, dtype=dtype)


@numpy_names
def torch_softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """``torch.softmax``: as :func:`softmax`, with ``dim`` required and ``out``.

    >>> import rushlight as torch
    >>> torch.softmax(torch.tensor([0.0, 0.0]), 0)
    tensor([0.5000, 0.5000])
    """
    made = softmax(input, dim, dtype=dtype)
    return made if out is None else softmax_along.op.write_out(softmax_along.op, out, made)


@numpy_names
def torch_log_softmax(input: Tensor, dim: int, dtype: Any = None, *, out: Tensor | None = None) -> Tensor:
    """``torch.log_softmax``: as :func:`log_softmax`, with ``dim`` required and ``out``.

    >>> import rushlight as torch
    >>> torch.log_softmax(torch.tensor([0.0, 0.0]), 0)
    tensor([-0.6931, -0.6931])
    """
    made = log_softmax(input, dim, dtype=dtype)
    return made if out is None else softmax_along.op.write_out(softmax_along.op, out, made)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A random choice along ``dim`` by the probabilities of ``logits``, softened by the temperature ``tau``.

    ``hard`` gives ones and zeros, with the gradient of the soft choice (Jang et al., 2017; Maddison et al., 2017).

    >>> import rushlight as torch
    >>> torch.nn.functional.gumbel_softmax(torch.tensor([0.0, 1000.0]), hard=True)
    tensor([0., 1.])
    """
    from .._core import record
    from .._core.tensor import wrap
    from .._kernels.random import exponential
    from .elementary import log
    from .random import drawn, twister

    if eps != 1e-10:
        import warnings

        warnings.warn("`eps` parameter is deprecated and has no effect.", UserWarning, stacklevel=2)
    generator, kind = twister(None, "exponential_"), record.np_dtype(logits)
    noise = drawn(lambda shape: exponential(generator, shape, 1.0, kind), tuple(logits.shape))
    noise = -log(wrap(noise) if isinstance(noise, np.ndarray) else noise)
    axis = canonical(dim, logits.ndim)
    soft = softmax_along((logits + noise) / tau, axis)
    if not hard:
        return soft
    from .create import zeros_like
    from .reduce import argmax
    from .scatter import scatter

    chosen = scatter(zeros_like(soft.detach()), axis, argmax(soft.detach(), axis, True), 1.0)
    return chosen - soft.detach() + soft
