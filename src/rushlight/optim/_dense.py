"""Where a step leaves the operators: plain float arrays are updated in place by the kernels, in one pass.

A small parameter costs more to call for than to compute: small ones of a group are laid side by side,
updated by one call, and put back. What the kernels write is noted as a write of the line that called
``step``, so that a backward pass that needs the overwritten values says which step it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import rushlight as rl

from .._core import callsite
from .._core.memory import owner, written

AVAILABLE = hasattr(rl.Tensor, "_array")
_Tensor = rl.Tensor
_PLAIN = frozenset({rl.Tensor, rl.nn.Parameter})
_SMALL = 1 << 13  # elements up to which copying together costs less than calling once more
_PACK = 1 << 15  # elements of a pack: its arrays stay in a second-level cache


class Recipe(NamedTuple):
    """A kernel with the options of a group bound.

    ``run(tag, p, g, *states)`` updates arrays of one shape in place; ``states`` names the tensors of the
    state in its order. The tag is the number of the step if the optimizer counts, else whether the state
    is new and has nothing in it yet.
    """

    name: str
    states: tuple[str, ...]
    run: Callable[..., None]
    counts: bool = True


def are_numbers(*options: Any) -> bool:
    """Whether all options are numbers: a tensor among them is for the operators, in its own precision."""
    return all(isinstance(option, (int, float)) for option in options)


class DenseStep:
    """One step of a recipe over the parameters of a group that are plain float arrays."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.site = callsite.here()
        self.small: dict[Any, list[list[Any]]] = {}

    def add(self, param: Any, grad: Any, state: dict[str, Any]) -> bool:
        """Update ``param``, now or in :meth:`finish`; False if this is a case for the operators."""
        if type(grad) is not _Tensor or type(param) not in _PLAIN:
            return False
        p, g = param._array, grad._array
        dtype = p.dtype
        if type(p) is not np.ndarray or dtype.char not in "fd" or g.dtype != dtype or not p.flags.writeable:
            return False
        name, keys, run, counts = self.recipe
        code, lasti = self.site
        arrays = [p, g]
        tag: Any = False
        for key in keys:
            kept = state.get(key)
            if kept is None:
                kept = state[key] = rl.empty_like(param, requires_grad=False)
                tag = True
            array = kept._array
            if array.dtype != dtype:
                return False
            arrays.append(array)
            written(array, name, code, lasti)
        if counts:
            count = state["step"]._array
            count += 1
            tag = count.item()

        written(p, name, code, lasti)
        if p.size > _SMALL:
            run(tag, *arrays)
        elif batch := self.small.get((dtype, tag)):
            batch.append(arrays)
        else:
            self.small[dtype, tag] = [arrays]
        return True

    def finish(self) -> None:
        """Update the small parameters that have been added."""
        for (_, tag), batch in self.small.items():
            # Parameters that share memory have to see each other's update.
            if len({id(owner(arrays[0])) for arrays in batch}) < len(batch):
                for arrays in batch:
                    self.recipe.run(tag, *arrays)
                continue
            start = total = 0
            for stop, arrays in enumerate(batch):
                if total and total + arrays[0].size > _PACK:
                    self._run_together(tag, batch[start:stop])
                    start, total = stop, 0
                total += arrays[0].size
            self._run_together(tag, batch[start:])

    def _run_together(self, tag: Any, batch: list[list[Any]]) -> None:
        run = self.recipe.run
        if len(batch) == 1:
            run(tag, *batch[0])
            return
        packed = [np.concatenate(arrays, None) for arrays in zip(*batch, strict=True)]
        run(tag, *packed)
        for i, whole in enumerate(packed):
            if i == 1:  # the gradients have not changed
                continue
            start = 0
            for arrays in batch:
                array = arrays[i]
                stop = start + array.size
                array[...] = whole[start:stop].reshape(array.shape)
                start = stop
