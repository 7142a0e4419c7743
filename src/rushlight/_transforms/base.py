"""What transforms have in common: a level, the tensors that live on it, and the way down to the level below.

A tensor of a transform is a subclass of Tensor, so that a program cannot tell. Its ``_array`` is what it stands for
on the level below: a tensor again. Whatever the transform computes there runs in the mode that held outside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from .._core import callsite, dtypes, views
from .._core.graph import Leaf
from .._core.levels import captured_write
from .._core.levels import running as entered
from .._core.mode import CAREFUL, DEPTH, INFERENCE, RECORD, word
from .._core.tensor import Size, Tensor, new, wrap

OWN = RECORD | INFERENCE  # bits that a block inside the transform sets for the levels below too
LOW = (1 << DEPTH) - 1


class Leveled(Tensor):
    """A tensor inside a transform."""

    __slots__ = ()

    @property
    def _array(self) -> Any:
        return self.lower if word.get() & CAREFUL else self.transform.outside(self)

    @_array.setter
    def _array(self, lower: Any) -> None:
        self.lower = lower

    @property
    def shape(self) -> Size:
        return self.lower.shape

    @property
    def ndim(self) -> int:
        return self.lower.ndim

    @property
    def dtype(self) -> dtypes.dtype:
        found: dtypes.dtype = self.lower.dtype
        return found

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    def item(self) -> Any:
        return self.lower.item()

    def tolist(self) -> Any:
        return self.lower.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        return self.lower.numpy(force=force)

    def __bool__(self) -> bool:
        return bool(self.lower)

    def __contains__(self, element: Any) -> bool:
        return bool((self == element).any())

    def stride(self, dim: int | None = None) -> Any:
        return self.lower.stride(dim)

    def storage_offset(self) -> int:
        return self.lower.storage_offset()

    def data_ptr(self) -> int:
        return self.lower.data_ptr()

    @property
    def data(self) -> Tensor:
        return self.transform.below(lambda: self.transform.make(self.lower.data, None))

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError("cannot set .data of a tensor inside a function transform; compute a new tensor instead")

    @property
    def _version(self) -> int:
        return self.lower._version

    def __format__(self, spec: str) -> str:
        return object.__format__(self, spec) if spec else repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        raise RuntimeError(
            f"a tensor inside a function transform ({type(self).__name__}) cannot be copied by copy.deepcopy: use .clone()"
        )

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError(f"a tensor inside a function transform ({type(self).__name__}) cannot be pickled")


def holds_tensors(a: Any) -> bool:
    """Whether an argument is a list of tensors."""
    return isinstance(a, (list, tuple)) and any(isinstance(b, Tensor) for b in a)


class Transform:
    """One level. Subclasses say how an operator runs on it."""

    level = 0
    outer_mode = inner_mode = 0
    adds = clears = 0  # bits of the mode that are set inside, and that are not
    owns = OWN  # bits of the mode that hold on the level below as they do on this one
    alive = False
    guards = True  # whether tensors that the function captured may not be written in it
    kind = "a function transform"

    def make(self, lower: Any, node: Any = None) -> Any:
        raise NotImplementedError

    def opened(self, x: Any) -> Any:
        """A tensor of this level as what it stands for below; anything else as it is."""
        return x.lower if isinstance(x, Tensor) and x.transform is self else x

    def open_all(self, args: Sequence[Any]) -> list[Any]:
        return [
            a.lower if isinstance(a, Tensor) and a.transform is self
            else [self.opened(b) for b in a] if (type(a) is list or type(a) is tuple) and holds_tensors(a)
            else a
            for a in args
        ]  # fmt: skip

    def escaped(self, op: Any = None, args: Any = ()) -> Any:
        """What happens to tensors that are used after the transform has ended, or below its level."""
        if self.alive:
            raise RuntimeError(
                f"a tensor of {self.kind} was used by a function that runs on the level below, to which it was not passed, at "
                f"{callsite.shown(*callsite.here())}. Pass it as an argument."
            )
        raise RuntimeError(
            f"a tensor escaped from {self.kind}: it was made inside a function transform that has ended, and was used "
            f"after it, at {callsite.shown(*callsite.here())}. Return it from the transformed function instead of "
            "keeping it."
        )

    def outside(self, x: Any) -> Any:
        """What a tensor of this level holds where no transform runs."""
        return self.escaped()

    def mode_below(self) -> int:
        """The mode for the level below: that which held outside, with the grad mode that was chosen inside."""
        m = word.get()
        if m == self.inner_mode:
            return self.outer_mode
        low = self.outer_mode & ~self.owns | m & self.owns
        return low | CAREFUL if low & INFERENCE else low

    def below(self, run: Callable[..., Any], *args: Any) -> Any:
        """Run something on the level below, in the mode that holds there."""
        token = word.set(self.mode_below())
        try:
            return run(*args)
        finally:
            word.reset(token)

    def process(self, op: Any, args: tuple[Any, ...]) -> Any:
        """Run an operator whose arguments have tensors of this level among them, but of no higher one."""
        raise NotImplementedError

    def adopt(self, target: Any, name: str) -> None:
        """Take a tensor of a lower level up to this one, with all that shares its memory, as it is written here.

        Only what was made inside the transform may be; raises RuntimeError for a tensor that the function captured.
        """
        base = views.root_of(target)
        if not views.made_in(base, self.level):
            raise captured_write(name)
        within = base.__dict__["_within"]
        kin = [v for r in (base._view if isinstance(base._view, views.Views) else ()) if (v := r()) is not None]
        paths = [views.path_to(v) for v in kin]
        if base.level:
            lower = copy_of(base)
            lower.__dict__.pop("_view", None)
        else:
            lower = wrap(base._array, base._node)
        lower._within = within
        self.take_up(base, lower)
        for v, path in zip(kin, paths, strict=True):
            self.take_up(v, self.below(views.along, lower, path))

    def take_up(self, t: Any, lower: Any) -> None:
        """Make an existing tensor one of this level around ``lower``."""
        t.__class__ = type(self.make(lower))
        t.lower, t._node, t.level, t.transform = lower, None, self.level, self

    def detach_(self, t: Any) -> Any:
        """The tensor itself without its history on this level; as in PyTorch it keeps that of the levels below."""
        if not self.alive:
            self.escaped()
        t._node = None
        return t

    def write_out(self, op: Any, out: Any, result: Any) -> Any:
        """Leave a result without history in ``out=``."""
        if not self.alive:
            self.escaped()
        self.below(views.write_out, op, self.opened(out), self.opened(result))
        return out

    def inplace_view(self, target: Any, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A view operator in place (``t_``): this tensor becomes the view, its memory stays."""
        if not self.alive:
            self.escaped()
        if word.get() & RECORD and type(target._node) is Leaf:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation. "
                f"{name} would change what the transform differentiates: do it on a .clone()."
            )
        old = copy_of(target)
        made = function(old, *args, **kwargs)
        link = old._view
        for r in link.base._view if type(link) is views.View else link or ():  # views of it are views of what it was
            child = r()
            if child is not None and child is not target and type(child._view) is views.View:
                if child._view.base is target:
                    child._view.base = old
                if child._view.parent is target:
                    child._view.parent = old
        for slot in ("lower", "tangent", "_node", "_view"):
            if hasattr(made, slot):
                setattr(target, slot, getattr(made, slot))
        if type(target._view) is views.View:
            target._view.base._view.append(ref(target))
        return target

    def constant(self, function: Any, batch: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function without derivatives, of what its tensors stand for (``levels.constant``)."""
        if not self.alive:
            self.escaped()
        lowers = self.open_all(args), dict(zip(kwargs, self.open_all(tuple(kwargs.values())), strict=True))
        return self.taken(self.below(lambda: function(*lowers[0], **lowers[1])))

    def taken(self, x: Any) -> Any:
        """A result of the level below as one of this level: a tensor, a tuple of tensors, or what is none."""
        if isinstance(x, Tensor):
            return self.make(x)
        if isinstance(x, tuple):
            parts = [self.taken(y) for y in x]
            return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
        return x

    def created(self, made: Tensor) -> Tensor:
        """A tensor that was made of nothing inside the transform, as one of this level."""
        return made


def make(cls: type, lower: Any, node: Any, transform: Transform) -> Any:
    """A tensor of a transform around one of the level below."""
    t: Any = new(cls)
    t.lower = lower
    t._node = node
    t.level = transform.level
    t.transform = transform
    return t


def copy_of(x: Any) -> Any:
    """The same tensor of a transform as another object."""
    t: Any = new(type(x))
    t.lower, t._node, t.level, t.transform = x.lower, x._node, x.level, x.transform
    if x._view is not None:
        t._view = x._view
    if hasattr(x, "tangent"):
        t.tangent = x.tangent
    return t


def as_lower(x: Any) -> Tensor:
    """An array or number as a tensor."""
    if isinstance(x, Tensor):
        return x
    return wrap(np.asarray(x))


__all__ = ["Leveled", "Transform", "as_lower", "entered", "make"]
