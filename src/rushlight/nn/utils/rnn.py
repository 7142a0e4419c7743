"""Sequences of different lengths: padded to a rectangle, or packed step by step without the padding.

Packed, the steps stand one after another, each with those sequences that are still running, longest first.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import rushlight as rl
from rushlight import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(PackedSequence_):
    """Sequences as ``data`` ``(sum of lengths, *)``, with the number of running ones at each step.

    ``sorted_indices`` brought the batch into the order of lengths, ``unsorted_indices`` bring it back; None
    if it came in that order. Made by :func:`pack_padded_sequence` and :func:`pack_sequence`.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Any = None,
        unsorted_indices: Any = None,
    ) -> Self:
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """With the data converted, as ``Tensor.to`` does."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """On the CPU."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """On a GPU; raises where there is none."""
        return self.to(*args, **{"device": "cuda", **kwargs})

    def double(self) -> Self:
        """With float64 data."""
        return self.to(dtype=rl.double)

    def float(self) -> Self:
        """With float32 data."""
        return self.to(dtype=rl.float)

    def half(self) -> Self:
        """With float16 data."""
        return self.to(dtype=rl.half)

    def long(self) -> Self:
        """With int64 data."""
        return self.to(dtype=rl.long)

    def int(self) -> Self:
        """With int32 data."""
        return self.to(dtype=rl.int)

    def short(self) -> Self:
        """With int16 data."""
        return self.to(dtype=rl.short)

    def char(self) -> Self:
        """With int8 data."""
        return self.to(dtype=rl.int8)

    def byte(self) -> Self:
        """With uint8 data."""
        return self.to(dtype=rl.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return bool(self.data.is_cuda)

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return bool(self.data.is_pinned())

    def pin_memory(self) -> Self:
        """With everything in pinned memory."""
        return type(self)(*(t if t is None else t.pin_memory() for t in self))


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes ``permutation``; None for None.

    >>> import rushlight as torch
    >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    return rl.empty_like(permutation).scatter_(0, permutation, rl.arange(permutation.numel()))


def _running(lengths: Any, steps: int) -> Any:
    """The mask ``(steps, sequences)`` of the steps at which each sequence still runs."""
    return rl.arange(steps).unsqueeze(1) < lengths.unsqueeze(0)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack ``(T, N, *)``, or ``(N, T, *)`` if ``batch_first``, of sequences with these ``lengths``.

    The lengths must decrease, unless ``enforce_sorted=False``: then the batch is sorted first.

    >>> import rushlight as torch
    >>> padded = torch.tensor([[1, 4], [2, 5], [3, 0]])
    >>> torch.nn.utils.rnn.pack_padded_sequence(padded, [3, 2]).data
    tensor([1, 4, 2, 5, 3])
    """
    lengths = rl.as_tensor(lengths, dtype=rl.int64)
    sorted_indices = None
    if input.numel() == 0:
        raise RuntimeError(f"Cannot pack empty tensors. The input has the shape {list(input.shape)}.")
    if not enforce_sorted:
        lengths, sorted_indices = rl.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    if batch_first:
        input = input.transpose(0, 1)
    sizes = lengths.tolist()
    if len(sizes) != input.size(1):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={input.size(1)})"
        )
    if not sizes or min(sizes) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(a < b for a, b in itertools.pairwise(sizes)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
            "requirement."
        )
    if sizes[0] > input.size(0):
        raise RuntimeError(
            f"Expected lengths up to the {input.size(0)} steps of the input, but got a length of {sizes[0]}"
        )
    mask = _running(lengths, sizes[0])
    data = input[: sizes[0]][mask]  # row by row: step after step
    return PackedSequence(data, mask.sum(1), sorted_indices, None)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: builtins.float = 0.0,
    total_length: builtins.int | None = None,
) -> tuple[Tensor, Tensor]:
    """Unpack to ``(T, N, *)`` (or ``(N, T, *)``) filled up with ``padding_value``, and the lengths.

    ``total_length``: pad to so many steps instead of to the longest sequence.

    >>> import rushlight as torch
    >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])])
    >>> torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 0, 0]]), tensor([3, 1]))
    """
    data, batch_sizes, _, unsorted_indices = sequence
    longest = batch_sizes.size(0)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    steps = longest if total_length is None else total_length
    count = int(batch_sizes[0])
    lengths = (batch_sizes.unsqueeze(0) > rl.arange(count).unsqueeze(1)).sum(1)
    padded = data.new_full((steps, count, *data.shape[1:]), padding_value)
    padded = padded.index_put((_running(lengths, steps),), data)
    if unsorted_indices is not None:
        padded = padded.index_select(1, unsorted_indices)
        lengths = lengths[unsorted_indices]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: builtins.float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences ``(length, *)`` to ``(T, N, *)``, or ``(N, T, *)``, filled up with ``padding_value``.

    >>> import rushlight as torch
    >>> torch.nn.utils.rnn.pad_sequence([torch.ones(3), torch.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    given: list[Any] = list(sequences)
    if not given:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(s.size(0) for s in given)
    filled = []
    for s in given:
        if s.size(0) < longest:
            padding = s.new_full((longest - s.size(0), *s.shape[1:]), padding_value)
            s = rl.cat([s, padding] if padding_side == "right" else [padding, s])
        filled.append(s)
    return rl.stack(filled, dim=0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded tensor, as a list.

    >>> import rushlight as torch
    >>> padded = torch.tensor([[1, 2], [3, 0]])
    >>> torch.nn.utils.rnn.unpad_sequence(padded, torch.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([3])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences ``(length, *)``; see :func:`pack_padded_sequence`."""
    lengths = rl.as_tensor([s.size(0) for s in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed one, as a list in the order they came in."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
