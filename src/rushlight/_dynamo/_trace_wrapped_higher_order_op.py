"""A mode of PyTorch's compiler, under which ``vmap`` may index by numbers: here it may always."""

from __future__ import annotations

from typing import Any


class TransformGetItemToIndex:
    """A block that changes nothing.

    >>> import rushlight as torch
    >>> with TransformGetItemToIndex():
    ...     torch.vmap(lambda i: torch.tensor([3, 4])[i])(torch.tensor([1, 0]))
    tensor([4, 3])
    """

    def __enter__(self) -> TransformGetItemToIndex:
        return self

    def __exit__(self, *_: Any) -> None:
        pass
