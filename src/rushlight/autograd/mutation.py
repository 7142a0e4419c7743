"""What happens when something is changed in place that backward still needs: four policies.

"error" is PyTorch's: backward raises (and names both lines). The others watch what operations save, through the pack
hooks: "clone" copies it just before it is changed, "forbid" refuses the change, "audit" keeps a checksum that also
catches writes which nobody announces: by NumPy on shared memory, or through ``.data``.
"""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from .._core import callsite, dtypes, memory, record, saved, views
from .._core.graph import Node
from .._core.tensor import Tensor, wrap

ndarray = np.ndarray
POLICIES = ("error", "clone", "forbid", "audit")


class Held:
    """One saved tensor, and where it was saved."""

    __slots__ = ("__weakref__", "checksum", "code", "lasti", "locked", "policy", "tensor")

    def __init__(self, tensor: Tensor, policy: str) -> None:
        self.tensor, self.policy = tensor, policy
        self.code, self.lasti = callsite.here()
        self.checksum = checksum(tensor._array) if policy == "audit" else 0
        self.locked: list[ndarray] = lock(tensor._array) if policy == "forbid" else []


_held: dict[int, weakref.WeakSet[Held]] = {}  # by the id of the owning array
_locks: dict[int, list[Any]] = {}  # by the id of an array: [how many hold it, the array, whether it was writable]


def lock(array: ndarray) -> list[ndarray]:
    """Make an array and all that it is a view of read-only, until ``unlock``."""
    chain = []
    found: Any = array
    while type(found) is ndarray:
        entry = _locks.setdefault(id(found), [0, found, found.flags.writeable])
        entry[0] += 1
        found.flags.writeable = False
        chain.append(found)
        found = found.base
    return chain


def unlock(chain: list[ndarray]) -> None:
    for array in reversed(chain):
        entry = _locks[id(array)]
        entry[0] -= 1
        if not entry[0]:
            del _locks[id(array)]
            if entry[2]:
                array.flags.writeable = True


def checksum(array: ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data if array.ndim else array.tobytes())


def hold(tensor: Tensor, policy: str) -> Held:
    """Note that a tensor was saved."""
    held = Held(tensor, policy)
    owner = memory.owner(tensor._array)
    key = id(owner)
    found = _held.get(key)
    if found is None:
        found = _held[key] = weakref.WeakSet()
        weakref.finalize(owner, _held.pop, key, None)
    found.add(held)
    if held.locked:
        weakref.finalize(held, unlock, held.locked)
    return held


def release(held: Held) -> Tensor:
    """The saved tensor as it was when it was saved; raises if it is not what it was."""
    tensor = held.tensor
    if held.policy == "audit" and checksum(tensor._array) != held.checksum:
        raise changed(held)
    return tensor


def changed(held: Held) -> RuntimeError:
    array = held.tensor._array
    written = memory.writes(array)
    kind = dtypes.LEGACY[held.tensor.dtype.name]
    who = (
        f"last written by {written.name} at {callsite.shown(written.code, written.lasti)}"
        if written is not None
        else "written by code that announces nothing: NumPy on shared memory, or .data"
    )
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{kind}Tensor {list(array.shape)}], saved at {callsite.shown(held.code, held.lasti)}, has other values "
        f"now; {who}."
    )


def before_write(target: Tensor, name: str) -> None:
    """Called before memory is written: copy what is saved there, or refuse."""
    found = _held.get(id(memory.owner(target._array)))
    for held in list(found or ()):
        if held.policy == "clone":
            node = held.tensor._node
            held.tensor = wrap(np.array(held.tensor._array), node)
            found.discard(held)  # type: ignore[union-attr]
        elif held.policy == "forbid":
            raise RuntimeError(
                f"{name} would change memory that backward still needs: it was saved at "
                f"{callsite.shown(held.code, held.lasti)}, and the mutation policy is 'forbid'. Write the change out of "
                "place, or change a .clone()."
            )


@contextmanager
def cloning(context: Any) -> Iterator[None]:
    """A block whose saved tensors are copied before they are changed, and needed in backward only within it."""
    from .graph import _allowing, saved_tensors_hooks

    def pack(tensor: Tensor) -> tuple[Any, int]:
        return hold(tensor, "clone"), context.cleared

    def unpack(packed: tuple[Any, int]) -> Tensor:
        if _allowing.get() is not context or packed[1] != context.cleared:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded."
            )
        return release(packed[0])

    views.before_write[:] = [before_write]
    with saved_tensors_hooks(pack, unpack):
        yield


_policy: ContextVar[str] = ContextVar("rushlight mutation policy", default="error")


def mutation_policy() -> str:
    """The policy of this thread or task: see :func:`set_mutation_policy`."""
    return _policy.get()


class set_mutation_policy:
    """Choose what happens when something is changed in place that backward still needs.

    - ``"error"`` (the default): backward raises RuntimeError, as in PyTorch.
    - ``"clone"``: it is copied just before the change, so that gradients are right.
    - ``"forbid"``: the line that would change it raises RuntimeError; NumPy arrays that share the memory are read-only
      as long as it is needed.
    - ``"audit"``: backward compares checksums, so that it raises also after changes by NumPy or through ``.data``.

    For a block as a context manager, else from here on, in this thread or task; for what is recorded from then on.

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> with torch.autograd.set_mutation_policy("clone"):
    ...     y = x.clone()
    ...     z = y * y
    ...     _ = y.mul_(10)
    ...     z.backward()
    >>> x.grad
    tensor(6.)
    """

    def __init__(self, policy: str) -> None:
        if policy not in POLICIES:
            raise ValueError(f"mutation policy must be one of {', '.join(map(repr, POLICIES))}, got {policy!r}")
        self.policy = policy
        self._before = (_policy.get(), saved.hook_stack.get(), record.watchers.get())
        stack = tuple([h for h in saved.hook_stack.get() if not isinstance(h, PolicyHooks)])
        others = tuple([w for w in record.watchers.get() if w is not saved.packing or stack])
        if policy != "error":
            views.before_write[:] = [before_write]
            stack = (PolicyHooks((lambda t: hold(t, policy), release)), *stack)
            others = others if saved.packing in others else (*others, saved.packing)
        _policy.set(policy)
        saved.hook_stack.set(stack)
        record.watch_with(others)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        policy, stack, watchers = self._before
        _policy.set(policy)
        saved.hook_stack.set(stack)
        record.watch_with(watchers)

    def __repr__(self) -> str:
        return f"set_mutation_policy({self.policy!r})"


class PolicyHooks(tuple[Any, Any]):
    """The pair of hooks of a policy, known from the pairs of programs."""


__all__ = ["Node", "cloning", "mutation_policy", "set_mutation_policy"]
