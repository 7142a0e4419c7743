"""Rows of a table by number, and the transpose that adds gradients back to the rows."""

from __future__ import annotations

import importlib
from typing import Any, NoReturn

import numpy as np

from .._core import levels, memory, record, views
from .._core.callsite import here
from .._core.declare import LINEAR, operator
from .._core.mode import DEPTH, RECORD, mode, switched
from .._core.tensor import Tensor, wrap
from .._kernels import scatter
from .._kernels.places import bincount
from .broadcast import cast_to
from .compare import where
from .create import zeros
from .families import with_batch
from .shape import reshape


def rows_batch(op: Any, size: int, mapped: tuple[bool, ...], weight: Any, indices: Any, padding_idx: int) -> Any:
    """A batch of numbers is more numbers; a batch of tables is one longer table."""
    if not mapped[0]:
        return op.call(weight, indices, padding_idx)
    rows = weight.shape[1]
    if padding_idx >= 0:  # the padding row of each table, as a constant
        weight = where(wrap((np.arange(rows) != padding_idx)[:, None]), weight, weight.detach())
    return op.call(reshape(weight, (size * rows, -1)), numbered(indices, size, rows, mapped[1]), -1)


def numbered(indices: Any, size: int, rows: int, is_mapped: bool) -> Any:
    """Numbers of rows in the first, second, ... of several tables joined together."""
    from .create import arange

    offsets = arange(size) * rows
    return indices + reshape(offsets, (size, *(1,) * (indices.ndim - is_mapped)))


@operator(
    jvp=LINEAR, node="EmbeddingBackward0", batch=rows_batch,
    weight=lambda g, weight_shape, indices, padding_idx: embedding_back(g, indices, weight_shape[0], padding_idx),
)  # fmt: skip
def embedding_rows(weight: Tensor, indices: Tensor, padding_idx: int) -> Tensor:
    try:
        return np.take(weight, indices, 0)
    except IndexError:
        raise IndexError("index out of range in self") from None


def back_batch(
    op: Any, size: int, mapped: tuple[bool, ...], input: Any, indices: Any, rows: int, padding_idx: int
) -> Any:
    input = with_batch(input, size, mapped[0])
    made = op.call(input, numbered(indices, size, rows, mapped[1]), size * rows, -1)
    made = reshape(made, (size, rows, -1))
    if padding_idx < 0:
        return made
    kept = np.arange(rows) != padding_idx
    return made * wrap(kept[:, None].astype(record.np_dtype(made)))


@operator(
    jvp=LINEAR, node="EmbeddingDenseBackwardBackward0", batch=back_batch,
    input=lambda g, indices, padding_idx: rows_without_padding(g, indices, padding_idx),
)  # fmt: skip
def embedding_back(input: Tensor, indices: Tensor, rows: int, padding_idx: int) -> Tensor:
    """Rows of zeros with ``input`` added at ``indices`` (but not at the padding row)."""
    flat = input.reshape(-1, input.shape[-1])
    return scatter.embedding_backward(flat, np.reshape(indices, -1), rows, padding_idx)


def rows_without_padding(g: Any, indices: Any, padding_idx: int) -> Any:
    picked = embedding_rows(g, indices, -1)
    if padding_idx < 0:
        return picked
    from .compare import ne
    from .shape import unsqueeze

    return picked * unsqueeze(cast_to(ne(indices, padding_idx), record.np_dtype(picked)), -1)


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """The rows of ``weight`` (V, D) at the numbers ``input``: shape (*input.shape, D).

    The row ``padding_idx`` gets no gradient; ``max_norm`` first shortens the rows used, in place. With ``sparse`` the
    gradient towards ``weight`` is a sparse tensor, of the rows used.

    >>> import rushlight as torch
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.]])
    """
    if record.np_dtype(input) not in (np.int64, np.int32):
        from .._core import dtypes

        kind = dtypes.LEGACY[dtypes.dtype_of(record.np_dtype(input)).name]
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{kind}Tensor instead (while checking arguments for embedding)"
        )
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = weight.shape[0]
    if padding_idx is None:
        padding = -1
    elif (padding_idx > 0 and padding_idx >= rows) or (padding_idx < 0 and padding_idx < -rows):
        raise AssertionError("Padding_idx must be within num_embeddings")
    else:
        padding = padding_idx % rows
    array = record.inner_array(input)
    if array is not None and not input.level and array.size and (array.min() < 0 or array.max() >= rows):
        raise IndexError("index out of range in self")
    if max_norm is not None:
        renorm_rows(weight, input, max_norm, norm_type)
    if sparse:
        return with_sparse_gradient(weight, input, padding, scale_grad_by_freq)
    if scale_grad_by_freq and array is not None:
        weight = scaled_gradient(weight, frequencies(input, rows, record.np_dtype(weight)))
    return embedding_rows(weight, input, padding)


def with_sparse_gradient(weight: Tensor, indices: Tensor, padding: int, scale_grad_by_freq: bool) -> Tensor:
    """The rows, whose gradient towards the table will be a sparse tensor."""
    gradients = sparse_gradients("embedding(sparse=True)", weight, indices)
    if scale_grad_by_freq and weight.requires_grad:
        refuse_frequencies()
    return gradients.picked_rows(weight, indices, padding)  # type: ignore[no-any-return]


def sparse_gradients(name: str, *tensors: Any) -> Any:
    """The operators with sparse gradients, which stand above all others; they are dense inside transforms only."""
    found = importlib.import_module("rushlight.sparse._gradients")
    found.refuse_levels(name, *tensors)
    return found


def refuse_frequencies() -> NoReturn:
    raise RuntimeError(
        "embedding_backward: scale_grad_by_freq not supported with sparse gradients; leave out one of the two options"
    )


def renorm_rows(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Shorten the rows that are used to ``max_norm``, in place and unrecorded."""
    if mode() >> DEPTH:
        views.check_captured(weight, "embedding_renorm_")
    table, places = levels.settled(weight), levels.settled(indices)
    if table is None or places is None:
        renorm_each(weight, indices, max_norm, norm_type)
        return
    array = table._array
    used = np.unique(places._array)
    norms = np.linalg.norm(array[used], norm_type, 1)
    long = norms > max_norm
    array[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(array.dtype)
    memory.written(array, "embedding", *here())


def renorm_each(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """The same where each example of a batch under ``vmap`` has its own rows, or uses others."""
    from .magnitude import vector_norm_of

    with switched(mode() & ~RECORD):
        norms: Any = vector_norm_of(weight.detach(), norm_type, 1, True)
        long = (counts_of(indices, weight.shape[0], record.np_dtype(weight)) > 0) & (norms > max_norm)
        weight.mul_(where(long, max_norm / (norms + 1e-7), 1.0))


def frequencies(indices: Tensor, rows: int, dtype: np.dtype) -> Tensor:
    """How often each row is used, at least 1, as a column."""
    found = levels.settled(indices)
    if found is not None:
        counts = bincount(found._array.ravel(), minlength=rows)
        return wrap(np.maximum(counts, 1).astype(dtype)[:, None])
    return counts_of(indices, rows, dtype).clamp(1)  # type: ignore[no-any-return]


def counts_of(indices: Any, rows: int, dtype: np.dtype) -> Any:
    """How often each row is used by mapped indices, as a column."""
    from .scatter import scatter_add

    flat = reshape(indices, (-1,))
    counted = scatter_add(zeros(rows, dtype=dtype), 0, flat, cast_to(flat >= 0, dtype))
    return reshape(counted, (rows, 1))


@operator(
    jvp=LINEAR, node="EmbeddingBackward0", input=lambda g, counts: g / counts,
    batch=lambda op, size, mapped, input, counts: op.call(
        with_batch(input, size, mapped[0]), with_batch(counts, size, mapped[1])
    ),
)  # fmt: skip
def scaled_gradient(input: Tensor, counts: Tensor) -> Tensor:
    """``input`` itself, whose gradient is divided by how often each row was used."""
    return input


def one_hot_batch(transform: Any, input: Any, num_classes: int = -1) -> Any:
    if num_classes <= 0:
        raise RuntimeError("one_hot under vmap needs num_classes: the result's shape may not depend on the data")
    from .compare import eq
    from .create import arange
    from .shape import unsqueeze

    return cast_to(eq(unsqueeze(input, -1), arange(num_classes)), np.dtype(np.int64))


@levels.constant(one_hot_batch)
def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Rows of zeros with a one at the number: shape (*input.shape, num_classes).

    >>> import rushlight as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if record.np_dtype(input) != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    array = input._array
    if array.size == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return zeros(*array.shape, num_classes, dtype=input.dtype)
    if array.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(array.max()) + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif array.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    made = np.zeros((*array.shape, num_classes), np.int64)
    np.put_along_axis(made, array[..., None], 1, -1)
    from .._core.tensor import wrap

    return wrap(made)
