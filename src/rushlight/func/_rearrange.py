"""``rearrange``: dimensions named, split, merged and moved by a pattern such as ``"b (h w) -> b h w"``."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from .._core.tensor import Tensor
from .._ops.shape import movedim, reshape, stack

ELLIPSIS = "..."


class Side(NamedTuple):
    """One side of a pattern: groups of names (numbers stand for sizes), and all names in order."""

    groups: list[list[str]]
    names: list[str]
    bracketed: bool  # whether the ellipsis stands in parentheses


def side(text: str) -> Side:
    """Read one side of a pattern. Raises ValueError for what is none."""
    if "." in text:
        if ELLIPSIS not in text:
            raise ValueError("Expression may contain dots only inside ellipsis (...)")
        if text.count(ELLIPSIS) != 1 or text.count(".") != 3:
            raise ValueError(
                "Expression may contain dots only inside ellipsis (...); only one ellipsis for tensor is allowed"
            )
    groups: list[list[str]] = []
    names: list[str] = []
    inside: list[str] | None = None
    bracketed = False
    for word in text.replace(ELLIPSIS, " ... ").replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            if inside is not None:
                raise ValueError("Axis composition is one-level (brackets inside brackets not allowed)")
            inside = []
        elif word == ")":
            if inside is None:
                raise ValueError("Brackets are not balanced")
            groups.append(inside)
            inside = None
        else:
            checked(word, names)
            bracketed = bracketed or (word == ELLIPSIS and inside is not None)
            if inside is None:
                groups.append([word] if word != "1" else [])
            elif word != "1":
                inside.append(word)
            if word != "1":
                names.append(word)
    if inside is not None:
        raise ValueError(f"Imbalanced parentheses in expression: '{text}'")
    return Side(groups, names, bracketed)


def checked(word: str, names: list[str]) -> None:
    if word in (ELLIPSIS, "1"):
        return
    for char in word:
        if not (char.isalnum() or char == "_"):
            raise ValueError(f"Unknown character '{char}'")
    if word.isdecimal():
        if int(word) <= 0:
            raise ValueError(f"Anonymous axis should have positive length, not {word}")
        raise ValueError(f"rearrange patterns do not support anonymous axes with a length greater than one: {word}")
    reason = ""
    if not word.isidentifier():
        reason = "not a valid python identifier"
    elif word[0] == "_" or word[-1] == "_":
        reason = "axis name should should not start or end with underscore"
    if reason:
        raise ValueError(f"Invalid axis identifier: {word}\n{reason}")
    if word in names:
        raise ValueError(f"Indexing expression contains duplicate dimension '{word}'")


@functools.cache
def parsed(pattern: str, lengths: tuple[str, ...]) -> tuple[Side, Side]:
    """Both sides of a pattern, which go together."""
    try:
        left_text, right_text = pattern.split("->")
    except ValueError:
        raise ValueError("Pattern must contain a single '->' separator") from None
    left, right = side(left_text), side(right_text)
    if ELLIPSIS in right.names and ELLIPSIS not in left.names:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if left.bracketed:
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    alone = set(left.names) ^ set(right.names)
    if alone:
        raise ValueError(f"Identifiers only on one side of rearrange expression (should be on both): {alone}")
    unknown = set(lengths) - set(left.names)
    if unknown:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")
    return left, right


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """The tensor (or several of one shape, stacked) with its dimensions as the right side of ``pattern`` has them.

    Names stand for dimensions, ``(h w)`` for one that is the product of two, ``...`` for any number, ``1`` for one of
    size 1. Sizes that do not follow from the tensor's are given as keywords. Raises ValueError for a pattern that is none
    or does not fit.

    >>> import rushlight as torch
    >>> torch.func.rearrange(torch.arange(4), "(h w) -> w h", h=2)
    tensor([[0, 2],
            [1, 3]])
    """
    if not isinstance(tensor, Tensor):
        tensor = stack(list(tensor))
    for length in axes_lengths.values():
        if type(length) is not int:
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(length)}")
    left, right = parsed(pattern, tuple(axes_lengths))
    shape = tuple(tensor.shape)
    count = len(left.groups) - (ELLIPSIS in left.names)
    if ELLIPSIS in left.names and count > len(shape):
        raise ValueError(
            f"Number of dimensions in pattern ({count}) must be less than or equal to the number of dimensions in the "
            f"tensor ({len(shape)})"
        )
    if ELLIPSIS not in left.names and count != len(shape):
        raise ValueError(
            f"Number of dimensions in pattern ({count}) must be equal to the number of dimensions in the tensor "
            f"({len(shape)})"
        )
    sizes: dict[str, tuple[int, ...]] = {name: (n,) for name, n in axes_lengths.items()}
    at = 0
    for group in left.groups:
        if group == [ELLIPSIS]:
            extra = len(shape) - count
            sizes[ELLIPSIS] = shape[at : at + extra]
            at += extra
            continue
        infer(group, shape[at], sizes)
        at += 1
    places: dict[str, list[int]] = {}
    flat: list[int] = []
    for name in left.names:
        places[name] = list(range(len(flat), len(flat) + len(sizes[name])))
        flat += sizes[name]
    order = [d for name in right.names for d in places[name]]
    moved = movedim(reshape(tensor, flat), order, list(range(len(order))))
    final: list[int] = []
    for group in right.groups:
        inner = [n for name in group for n in sizes[name]]
        if group == [ELLIPSIS] and not right.bracketed:
            final += inner
        else:
            product = 1
            for n in inner:
                product *= n
            final.append(product)
    made: Tensor = reshape(moved, final)
    return made


def infer(group: list[str], size: int, sizes: dict[str, tuple[int, ...]]) -> None:
    """Work out the one size in a group that is not given."""
    known, open_ = 1, [name for name in group if name not in sizes]
    for name in group:
        known *= sizes[name][0] if name in sizes else 1
    if len(open_) > 1:
        raise ValueError(f"cannot infer the sizes of two dimensions at once {open_[0]} and {open_[1]}")
    if open_:
        if known == 0 or size % known:
            shown = tuple(sizes[n][0] if n in sizes else "?" for n in group)
            raise ValueError(f"inferred dimension does not evenly fit into larger dimension: {size} vs {shown}")
        sizes[open_[0]] = (size // known,)
    elif known != size:
        raise ValueError(
            f"Dimension sizes to do not match ({size} != {known}) when matching dimension pack {tuple(group)}"
        )
