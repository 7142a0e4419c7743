"""Random numbers: generators, tensors of draws, and in-place draws, with the digits that PyTorch gives for a seed.

Every draw goes through ``twister`` (which generator) and ``drawn`` (who is asked for the array: under ``vmap`` the
transform). In-place draws read nothing of the tensor, so its gradient becomes zero.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._core import dtypes, levels, memory, record, views
from .._core.callsite import here
from .._core.declare import operator
from .._core.mode import CAREFUL, mode
from .._core.tensor import Tensor, check_device, device, wrap
from .create import dtype_or, into, like, made, shape_of
from .fill import blank, overwrites
from .without import NO_NODE, no_formula

Draw = Callable[[tuple[int, ...]], np.ndarray]


class _Kernels:
    """The kernels, imported when the first number is drawn."""

    def __getattr__(self, name: str) -> Any:
        global kernels
        from .._kernels import random

        kernels = random
        return getattr(random, name)


kernels: Any = _Kernels()


class Generator:
    """A source of random numbers: PyTorch's CPU generator, the Mersenne Twister.

    >>> import rushlight as torch
    >>> g = torch.Generator().manual_seed(0)
    >>> torch.rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    __slots__ = ("__weakref__", "_twister")

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device)
        self._twister: Any = None  # made at the first draw

    @property
    def twister(self) -> Any:
        """The kernel's generator."""
        if self._twister is None:
            self._twister = kernels.Twister()
        return self._twister

    @property
    def device(self) -> device:
        """Always ``device(type='cpu')``."""
        return device("cpu")

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream from a seed. Returns the generator."""
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        self.twister.manual_seed(python.index(seed))
        return self

    def seed(self) -> int:
        """Restart the stream from a seed of the operating system's, and return that."""
        n: int = self.twister.seed()
        return n

    def initial_seed(self) -> int:
        """The seed last given."""
        n: int = self.twister.initial_seed()
        return n

    def get_state(self) -> Tensor:
        """The state, as a ByteTensor of 5056 elements."""
        return wrap(self.twister.get_state())

    def set_state(self, new_state: Tensor) -> Generator:
        """Take over a state that ``get_state`` gave."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        self.twister.set_state(new_state._array)
        return self

    def clone_state(self) -> Generator:
        """Another generator in the same state."""
        copy = Generator()
        copy._twister = self.twister.clone()
        return copy

    def get_offset(self) -> int:
        """Not for the CPU's generator: raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int) -> Generator:
        """Not for the CPU's generator: raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset")

    def graphsafe_get_state(self) -> Generator:
        """Not for the CPU's generator: raises NotImplementedError."""
        raise NotImplementedError("graphsafe_get_state is not supported in this Generator")

    def graphsafe_set_state(self, state: Generator) -> Generator:
        """Not for the CPU's generator: raises NotImplementedError."""
        raise NotImplementedError("graphsafe_set_state is not supported in this Generator")

    def __reduce__(self) -> Any:
        return _revived, (self.twister.get_state().tobytes(),)

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"


def _revived(state: bytes) -> Generator:
    generator = Generator()
    generator.twister.set_state(np.frombuffer(state, np.uint8))
    return generator


default_generator = Generator()


def twister(generator: Any, name: str) -> Any:
    """The kernel's generator behind ``generator=``: the default one for None."""
    if generator is None:
        return default_generator.twister
    if not isinstance(generator, Generator):
        raise TypeError(f"{name}(): argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    return generator.twister


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator, and return it.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the operating system's entropy, and return that seed.

    >>> import rushlight as torch
    >>> torch.seed() == torch.initial_seed()
    True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed last given to the default generator.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(7); torch.initial_seed()
    7
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, as a ByteTensor.

    >>> import rushlight as torch
    >>> torch.get_rng_state().shape
    torch.Size([5056])
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the default generator to one that :func:`get_rng_state` gave.

    >>> import rushlight as torch
    >>> state = torch.get_rng_state(); a = torch.rand(2); torch.set_rng_state(state)
    >>> bool((torch.rand(2) == a).all())
    True
    """
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: Any = None,
) -> Iterator[None]:
    """Run the body with the default generator as it is, and put its state back afterwards.

    >>> import rushlight as torch
    >>> with torch.random.fork_rng():
    ...     _ = torch.manual_seed(1)
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


# ---- draws and transforms


def not_random() -> RuntimeError:
    """The error of a draw inside a ``vmap`` that allows none."""
    return RuntimeError(
        "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
        "randomness flags on vmap or perform the randomness operation out of vmap"
    )


def check_out(out: Any) -> None:
    """Raise if random numbers are to be written to ``out=`` inside a ``vmap``."""
    if out is not None and mode() & CAREFUL and any([hasattr(t, "randomness") for t in levels.active()]):
        raise RuntimeError(
            "vmap: We do not support calling out variants of random operations inside of vmap. Please use non-out "
            "variants as a workaround"
        )


def asked(op: Any, args: tuple[Any, ...], out: Any = None) -> Any:
    """Run a draw that depends on tensors: a ``vmap`` is asked even where it maps none of them."""
    if mode() & CAREFUL:
        top = max([a.level for a in args if isinstance(a, Tensor)], default=0)
        for transform in reversed(levels.active()):
            if transform.level <= top:
                break
            offer = getattr(transform, "offered", None)
            if offer is not None:
                return offer(op, args)
    return record.perform(op, args, out)


def draws(function: Any) -> Any:
    """Mark an operator as a draw."""
    function.op.perform = asked
    return function


# ---- tensors of draws


def drawn(draw: Draw, shape: tuple[int, ...]) -> Any:
    """An array of draws, or, inside a transform that has its own way with randomness, what that gives."""
    if mode() & CAREFUL:
        for transform in reversed(levels.active()):
            ask = getattr(transform, "drawn", None)
            if ask is not None:
                return ask(draw, shape)
    return draw(shape)


def created(
    draw: Callable[[tuple[int, ...], np.dtype], np.ndarray],
    shape: tuple[int, ...],
    dtype: Any,
    out: Any,
    default: Any,
    options: dict[str, Any],
) -> Tensor:
    """A new tensor of draws, with the options of the creation functions."""
    check_out(out)
    if isinstance(out, Tensor):
        own = record.np_dtype(out)
        wanted = dtype_or(dtype, own)
        if wanted is not own:
            names = [dtypes.LEGACY[dtypes.dtype_of(d).name] for d in (wanted, own)]
            raise RuntimeError(f"dtype {names[0]} does not match dtype of out parameter ({names[1]})")
    else:
        wanted = dtype_or(dtype, default)
    array = drawn(lambda shape: draw(shape, wanted), shape)
    if isinstance(array, Tensor):
        return array.requires_grad_() if options.get("requires_grad") else array
    return into(out, made(array, **options))


def _floats(name: str, kernel: str, doc: str) -> Any:
    def function(
        *size: Any,
        generator: Generator | None = None,
        out: Tensor | None = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        **named: Any,
    ) -> Tensor:
        source = twister(generator, name)
        options = dict(layout=layout, device=device, pin_memory=pin_memory, requires_grad=requires_grad)
        draw = getattr(kernels, kernel)
        return created(
            lambda shape, wanted: draw(source, shape, dtype=wanted),
            size_of(size, named, name), dtype, out, None, options,
        )  # fmt: skip

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def size_of(size: tuple[Any, ...], named: dict[str, Any], name: str) -> tuple[int, ...]:
    """A shape given by position or as ``size=``."""
    if "size" in named and not size:
        size = (named.pop("size"),)
    elif not size:
        raise TypeError(f"{name}() received an invalid combination of arguments - got (), expected a size")
    if named:
        raise TypeError(f"{name}() received an invalid combination of arguments: unexpected keyword {', '.join(named)}")
    return shape_of(size, name)


rand = _floats(
    "rand",
    "uniform",
    """Uniform numbers in [0, 1): ``rand(*size, generator=None, out=None, dtype=None, requires_grad=False)``.

    Raises NotImplementedError for a dtype that is not floating or complex.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.rand(2)
    tensor([0.4963, 0.7682])
    """,
)
randn = _floats(
    "randn",
    "normal",
    """Normal numbers of mean 0 and deviation 1.

    ``randn(*size, generator=None, out=None, dtype=None, requires_grad=False)``

    Raises NotImplementedError for a dtype that is not floating or complex.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """,
)


# Slower than PyTorch: NumPy's generator draws a word at a time, then come remainder and cast; PyTorch fuses these.
def randint(
    *args: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """Whole numbers from ``low`` up to, but not including, ``high``: ``randint(low=0, high, size)``, int64 by default.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.randint(10, (3,)), torch.randint(3, 5, (2,))
    (tensor([4, 9, 3]), tensor([3, 4]))
    """
    given = list(args)
    size = named.pop("size") if "size" in named else given.pop() if given else None
    high = named.pop("high") if "high" in named else given.pop() if given else None
    low = named.pop("low") if "low" in named else given.pop() if given else 0
    if given or named or high is None or not isinstance(size, (tuple, list)):
        kinds = [type(a).__name__ for a in args] + [f"{k}={type(v).__name__}" for k, v in named.items()]
        raise TypeError(
            f"randint() received an invalid combination of arguments - got ({', '.join(kinds)}), but expected one of: "
            "(int high, tuple of ints size), (int low, int high, tuple of ints size)"
        )
    low, high = python.index(low), python.index(high)
    source = twister(generator, "randint")
    options = dict(layout=layout, device=device, pin_memory=pin_memory, requires_grad=requires_grad)
    return created(
        lambda shape, wanted: kernels.randint(source, low, high, shape, wanted),
        shape_of((size,), "randint"), dtype, out, np.dtype(np.int64), options,
    )  # fmt: skip


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from 0 to ``n - 1`` in random order.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.randperm(4)
    tensor([0, 1, 3, 2])
    """
    n = python.index(n)
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    source = twister(generator, "randperm")
    options = dict(layout=layout, device=device, pin_memory=pin_memory, requires_grad=requires_grad)
    return created(lambda shape, wanted: orders(source, shape, wanted), (n,), dtype, out, np.dtype(np.int64), options)


def orders(source: Any, shape: tuple[int, ...], wanted: np.dtype) -> np.ndarray:
    """Permutations along the last dimension, one after the other."""
    made = np.empty(shape, wanted)
    for spot in np.ndindex(shape[:-1]):
        made[spot] = kernels.randperm(source, shape[-1], wanted)
    return made


def _liked(input: Tensor, draw: Any, dtype: Any, memory_format: Any, options: dict[str, Any]) -> Tensor:
    """A tensor of draws with the shape, dtype and strides of another, drawn in the order of its memory."""
    pattern = like(input, dtype, memory_format)
    wanted = pattern.dtype

    def filled(shape: tuple[int, ...]) -> np.ndarray:
        if shape != pattern.shape:
            return draw(shape, wanted, True)  # type: ignore[no-any-return]
        dense = bool(pattern.flags.c_contiguous)
        return kernels.fill(pattern, lambda shape: draw(shape, wanted, dense))  # type: ignore[no-any-return]

    array = drawn(filled, tuple(input.shape))
    if isinstance(array, Tensor):
        return array.requires_grad_() if options.get("requires_grad") else array
    return made(array, **options)


def _like(name: str, kernel: str, doc: str) -> Any:
    def function(
        input: Tensor,
        *,
        generator: Generator | None = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        source = twister(generator, name)

        def draw(shape: tuple[int, ...], wanted: np.dtype, dense: bool) -> Any:
            more = {} if kernel == "uniform" else {"contiguous": dense}
            return getattr(kernels, kernel)(source, shape, dtype=wanted, **more)

        options = dict(layout=layout, device=device, pin_memory=pin_memory, requires_grad=requires_grad)
        return _liked(input, draw, dtype, memory_format, options)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


rand_like = _like(
    "rand_like",
    "uniform",
    """Uniform numbers in [0, 1), in a tensor like ``input``.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.rand_like(torch.zeros(2))
    tensor([0.4963, 0.7682])
    """,
)
randn_like = _like(
    "randn_like",
    "normal",
    """Normal numbers of mean 0 and deviation 1, in a tensor like ``input``.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.randn_like(torch.zeros(2))
    tensor([ 1.5410, -0.2934])
    """,
)


def randint_like(
    input: Tensor,
    *args: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
    **named: Any,
) -> Tensor:
    """Whole numbers from ``low`` (0) up to, but not including, ``high``, in a tensor like ``input``.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.randint_like(torch.zeros(3), 10)
    tensor([4., 9., 3.])
    """
    given = list(args)
    high = named.pop("high") if "high" in named else given.pop() if given else None
    low = named.pop("low") if "low" in named else given.pop() if given else 0
    if given or named or high is None:
        raise TypeError(
            "randint_like() received an invalid combination of arguments, expected one of: (Tensor input, int high), "
            "(Tensor input, int low, int high)"
        )
    low, high = python.index(low), python.index(high)
    source = twister(generator, "randint_like")
    options = dict(layout=layout, device=device, pin_memory=pin_memory, requires_grad=requires_grad)
    return _liked(
        input,
        lambda shape, wanted, dense: kernels.randint(source, low, high, shape, wanted),
        dtype,
        memory_format,
        options,
    )


# ---- draws that depend on tensors


def unmoved(op: Any, primals: Any, tangents: Any, result: Any) -> Any:
    """The tangent of what is drawn: zero."""
    return blank(result)


def _normal(node: str, **rules: Any) -> Any:
    def body(mean: Any, std: Any, source: Any) -> Any:
        return kernels.normal_of(source, mean, std)

    body.__name__ = "normal"
    kinds = {n: "Tensor" if n in rules else "float" for n in ("mean", "std")}
    body.__annotations__ = {**kinds, "source": "Any", "return": "Tensor"}
    return draws(operator(batch=None, jvp=unmoved, node=node, **rules)(body))


def to_blank(shape_of_it: Any, g: Any) -> Any:
    from .broadcast import sum_to

    return blank(g) if tuple(g.shape) == tuple(shape_of_it) else blank(sum_to(g, tuple(shape_of_it)))


MEAN: dict[str, Any] = {"mean": lambda g, mean_shape: to_blank(mean_shape, g)}
STD: dict[str, Any] = {"std": lambda g, std_shape: to_blank(std_shape, g)}
normal_of_mean = _normal("NormalBackward1", **MEAN)
normal_of_std = _normal("NormalBackward2", **STD)
normal_of_both = _normal("NormalBackward3", **MEAN, **STD)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers of given means and deviations (tensors, which broadcast), or of two numbers and a ``size``.

    The result is drawn, so the gradient of ``mean`` and ``std`` is zero. Raises RuntimeError for a negative ``std``.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0); torch.normal(torch.tensor([10.0, 20.0]), 0.5)
    tensor([10.7705, 19.8533])
    >>> torch.normal(0.0, 1.0, (2,)).shape
    torch.Size([2])
    """
    check_out(out)
    source = twister(generator, "normal")
    tensors = isinstance(mean, Tensor), isinstance(std, Tensor)
    if any(tensors):
        if size is not None:
            raise TypeError("normal() received an invalid combination of arguments: a size goes with two numbers only")
        op = {(True, False): normal_of_mean, (False, True): normal_of_std, (True, True): normal_of_both}[tensors]
        if tensors == (True, True) and mean.shape != std.shape:
            record_fit(mean, std)
        if not tensors[1] and std < 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        result: Tensor = op(mean, std, source)
        return result if out is None else op.op.write_out(op.op, out, result)  # type: ignore[no-any-return]
    if size is None:
        raise TypeError(
            "normal() received an invalid combination of arguments - got two numbers without a size, but expected one "
            "of: (Tensor mean, Tensor std), (Tensor mean, float std), (float mean, Tensor std), (float mean, "
            "float std, "
            "tuple of ints size)"
        )
    options = dict(layout=layout, device=device, pin_memory=pin_memory, requires_grad=requires_grad)
    return created(
        lambda shape, wanted: kernels.normal(source, shape, mean, std, wanted), shape_of((size,), "normal"), dtype, out,
        None, options,
    )  # fmt: skip


def record_fit(a: Tensor, b: Tensor) -> None:
    """Raise PyTorch's error if two shapes do not broadcast."""
    try:
        np.broadcast_shapes(tuple(a.shape), tuple(b.shape))
    except ValueError as error:
        raise record.unbroadcastable(f"{tuple(a.shape)} {tuple(b.shape)}".replace(" ", "")) or error from None


@draws
@operator(jvp=unmoved, batch=None, node="BernoulliBackward0", input=lambda g: blank(g))
def bernoulli_of(input: Tensor, source: Any) -> Tensor:
    if input.dtype.kind not in "fc":  # type: ignore[attr-defined]
        kernels.bernoulli(source, input, dtype=np.float32)
    return kernels.bernoulli(source, input, dtype=input.dtype)  # type: ignore[no-any-return]


@draws
@operator(jvp=unmoved, batch=None, node="NotImplemented", input=no_formula("bernoulli"))
def bernoulli_with(input: Tensor, p: Any, source: Any) -> Tensor:
    return kernels.bernoulli(source, p, input.shape, dtype=input.dtype)  # type: ignore[no-any-return]


def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Ones with the probabilities in ``input`` (or all with probability ``p``), else zeros.

    Raises RuntimeError for probabilities outside [0, 1]. The gradient is zero.

    >>> import rushlight as torch
    >>> torch.bernoulli(torch.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    check_out(out)
    source = twister(generator, "bernoulli")
    made = bernoulli_of(input, source) if p is None else bernoulli_with(input, p, source)
    if isinstance(out, Tensor) and out.dtype is not made.dtype and not made.requires_grad:
        from .broadcast import cast_to

        made = cast_to(made, record.np_dtype(out))  # zeros and ones, which every dtype has
    return made if out is None else bernoulli_of.op.write_out(bernoulli_of.op, out, made)  # type: ignore[attr-defined, no-any-return]


@draws
@operator(batch=None)
def multinomial_of(input: Tensor, num_samples: int, replacement: bool, source: Any) -> Tensor:
    return kernels.multinomial(source, input, num_samples, replacement)  # type: ignore[no-any-return]


# Slower than PyTorch: one bisection a row, called from Python.
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """``num_samples`` indices for each row of weights, with or without replacement.

    Raises RuntimeError for weights that are negative, not finite or all zero, and for more samples than there are
    weights where none may be drawn twice.

    >>> import rushlight as torch
    >>> torch.multinomial(torch.tensor([0.0, 1.0, 0.0]), 1)
    tensor([1])
    """
    check_out(out)
    made: Tensor = multinomial_of(input, num_samples, replacement, twister(generator, "multinomial"))
    return made if out is None else multinomial_of.op.write_out(multinomial_of.op, out, made)  # type: ignore[attr-defined, no-any-return]


@draws
@operator(jvp=unmoved, batch=None, node="PoissonBackward0", input=lambda g: blank(g))
def poisson_of(input: Tensor, source: Any) -> Tensor:
    return kernels.poisson(source, input)  # type: ignore[no-any-return]


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson numbers of the rates in ``input``, in its dtype. The gradient is zero.

    >>> import rushlight as torch
    >>> torch.poisson(torch.zeros(2))
    tensor([0., 0.])
    """
    return poisson_of(input, twister(generator, "poisson"))


@draws
@operator(batch=None, node=NO_NODE, count=no_formula("binomial"), prob=no_formula("binomial"))
def binomial_of(count: Tensor, prob: Tensor, source: Any) -> Tensor:
    return kernels.binomial(source, count, prob)  # type: ignore[no-any-return]


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Binomial numbers: how many of ``count`` trials succeed with probability ``prob``, in the dtype of ``count``.

    >>> import rushlight as torch
    >>> torch.binomial(torch.tensor([3.0]), torch.tensor([1.0]))
    tensor([3.])
    """
    return binomial_of(count, prob, twister(generator, "binomial"))


# ---- in place


def _filler(node: str) -> Any:
    def body(input: Tensor, draw: Any) -> Tensor:
        return draw(np.empty_like(input), bool(input.flags.c_contiguous))  # type: ignore[no-any-return, attr-defined]

    body.__name__ = "draw"
    return operator(batch=None, node=node, input=lambda g: blank(g))(body).op  # type: ignore[attr-defined]


UNIFORM, NORMAL, EXPONENTIAL = _filler("UniformBackward0"), _filler("NormalBackward0"), _filler("ExponentialBackward0")
CAUCHY, GEOMETRIC, LOG_NORMAL = _filler("CauchyBackward0"), _filler("GeometricBackward0"), _filler("LogNormalBackward0")
BERNOULLI, BERNOULLI_OF = _filler("BernoulliBackward2"), _filler("BernoulliBackward1")
RANDOM_FROM, RANDOM_TO, RANDOM = (_filler(f"RandomBackward{i}") for i in range(3))


def check_randomness(self: Tensor) -> None:
    """Raise if a ``vmap`` does not allow random numbers in this tensor."""
    for transform in levels.active():
        how = getattr(transform, "randomness", "same")
        if how == "error":
            raise not_random()
        part: Any = self
        while part.level > transform.level:
            part = part.lower
        if how == "different" and part.transform is not transform:
            raise RuntimeError(
                "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same "
                "randomness. If this is necessary for your usage, make the tensor with zeros_like or new_zeros of a mapped one."
            )


def filled(self: Tensor, op: Any, name: str, kernel: Callable[[tuple[int, ...], np.dtype, bool], np.ndarray]) -> Tensor:
    """Draw over a tensor, in the order of its memory. ``kernel(shape, dtype, contiguous)`` makes the numbers."""

    def draw(array: np.ndarray, dense: bool) -> np.ndarray:
        return kernels.fill(array, lambda shape: kernel(shape, array.dtype, dense))  # type: ignore[no-any-return]

    if overwrites(self):
        check_randomness(self)
        return views.write(self, op, (draw,), name)
    views.check_writable(self, name, False)
    array = self._array
    draw(array, bool(array.flags.c_contiguous))
    memory.written(array, name, *here())
    return self


def uniform_(self: Tensor, *args: Any, generator: Generator | None = None, **named: Any) -> Tensor:
    """Uniform numbers in [``from``, ``to``) over this tensor: ``uniform_(from=0, to=1, *, generator=None)``."""
    low, high = bounds(args, named, "uniform_", 0.0, 1.0)
    source = twister(generator, "uniform_")
    return filled(
        self, UNIFORM, "uniform_", lambda shape, dtype, dense: kernels.uniform(source, shape, low, high, dtype)
    )


def bounds(args: tuple[Any, ...], named: dict[str, Any], name: str, low: Any, high: Any) -> tuple[Any, Any]:
    """``from`` (a word that Python keeps for itself) and ``to``."""
    given = list(args)
    low = given.pop(0) if given else named.pop("from", low)
    high = given.pop(0) if given else named.pop("to", high)
    if given or named:
        raise TypeError(f"{name}() received an invalid combination of arguments: {', '.join(named) or given}")
    return low, high


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Normal numbers over this tensor."""
    source = twister(generator, "normal_")
    return filled(
        self, NORMAL, "normal_",
        lambda shape, dtype, dense: kernels.normal(source, shape, mean, std, dtype, contiguous=dense),
    )  # fmt: skip


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Exponential numbers of rate ``lambd`` over this tensor."""
    source = twister(generator, "exponential_")
    return filled(
        self, EXPONENTIAL, "exponential_", lambda shape, dtype, dense: kernels.exponential(source, shape, lambd, dtype)
    )


def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Cauchy numbers over this tensor."""
    source = twister(generator, "cauchy_")
    return filled(
        self, CAUCHY, "cauchy_", lambda shape, dtype, dense: kernels.cauchy(source, shape, median, sigma, dtype)
    )


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Numbers of trials up to the first success of probability ``p``, over this tensor."""
    source = twister(generator, "geometric_")
    return filled(self, GEOMETRIC, "geometric_", lambda shape, dtype, dense: kernels.geometric(source, shape, p, dtype))


def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Exponentials of normal numbers over this tensor."""
    source = twister(generator, "log_normal_")
    return filled(
        self, LOG_NORMAL, "log_normal_", lambda shape, dtype, dense: kernels.log_normal(source, shape, mean, std, dtype)
    )


def random_(self: Tensor, *args: Any, generator: Generator | None = None, **named: Any) -> Tensor:
    """Whole numbers over this tensor: ``random_()``, ``random_(to)`` or ``random_(from, to)``, ``to`` not included."""
    source = twister(generator, "random_")
    if not args and not named:
        return filled(self, RANDOM, "random_", lambda shape, dtype, dense: kernels.random(source, shape, dtype))
    if len(args) == 1 and "to" not in named:
        args, op = (0, *args), RANDOM_TO
    else:
        op = RANDOM_FROM
    low, high = bounds(args, named, "random_", 0, None)
    return filled(self, op, "random_", lambda shape, dtype, dense: kernels.randint(source, low, high, shape, dtype))


@operator(batch=None, node="BernoulliBackward1", input=lambda g: blank(g), p=lambda g, p_shape: to_blank(p_shape, g))
def bernoulli_over(input: Tensor, p: Tensor, source: Any) -> Tensor:
    chances = np.broadcast_to(p, input.shape)
    order = kernels.memory_order(input) if not input.flags.c_contiguous else tuple(range(input.ndim))  # type: ignore[attr-defined]
    made = np.empty(input.shape, input.dtype)  # type: ignore[arg-type]
    made.transpose(order)[...] = kernels.bernoulli(source, chances.transpose(order), None, input.dtype)
    return made  # type: ignore[return-value]


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Ones with probability ``p`` (a number, or a tensor that broadcasts) over this tensor, else zeros."""
    source = twister(generator, "bernoulli_")
    if not isinstance(p, Tensor):
        return filled(
            self, BERNOULLI, "bernoulli_", lambda shape, dtype, dense: kernels.bernoulli(source, p, shape, dtype)
        )
    if mode() & CAREFUL and (self.level or p.level):
        if p.level > self.level and getattr(p.transform, "randomness", "") == "same":
            raise RuntimeError("Vmap does not currently support same randomness with a batched tensor input")
        check_randomness(self if p.level <= self.level else p)
        return views.write(self, bernoulli_over.op, (p, source), "bernoulli_")  # type: ignore[attr-defined]
    chances = np.broadcast_to(p.detach()._array, tuple(self.shape))

    def kernel(shape: tuple[int, ...], dtype: np.dtype, dense: bool) -> Any:
        order = kernels.memory_order(self._array) if not dense else tuple(range(self.ndim))
        return kernels.bernoulli(source, chances.transpose(order), None, dtype)

    return filled(self, BERNOULLI_OF, "bernoulli_", kernel)


# ---- what nn.functional draws


def dropout_noise(
    shape: tuple[int, ...], p: float, dtype: np.dtype, feature: bool = False, generator: Generator | None = None
) -> Any:
    """What dropout multiplies by, as an array (inside ``vmap``, as the transform gives it)."""
    source = twister(generator, "dropout")
    return drawn(lambda shape: kernels.dropout_noise(source, shape, p, dtype, feature), tuple(shape))


def alpha_dropout_noise(
    shape: tuple[int, ...], p: float, dtype: np.dtype, feature: bool = False, generator: Generator | None = None
) -> tuple[Any, Any]:
    """What alpha dropout multiplies by, and what it adds, as arrays."""
    found: tuple[Any, Any] = kernels.alpha_dropout_noise(twister(generator, "dropout"), tuple(shape), p, dtype, feature)
    return found


def rrelu_noise(x: np.ndarray, lower: float, upper: float, generator: Generator | None = None) -> np.ndarray:
    """The slopes of rrelu in training, for an array of inputs."""
    found: np.ndarray = kernels.rrelu_noise(twister(generator, "rrelu"), x, lower, upper)
    return found
