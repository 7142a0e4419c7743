"""The Tensor: an array and the node that made it.

``_array`` is NumPy's array, ``_node`` the node whose gradient is this tensor's gradient (a ``Leaf`` for
tensors that asked for one, None for tensors that need none). Everything rarer (``.grad``, links of
views) lives in the instance's dictionary over defaults of the class, so that making a tensor is cheap.
Operators become methods in ``_ops/methods.py``; here is what needs no operator.
"""

from __future__ import annotations

import operator
import sys
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

import numpy as np

from . import dtypes, memory
from . import mode as modes
from .graph import Bundle, Leaf, Node, Nowhere, Port
from .mode import TRANSFORMED, mode

if TYPE_CHECKING:
    from .._ops.methods import Methods
else:
    Methods = object

new = object.__new__
ndarray = np.ndarray


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of integers.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3).shape
    torch.Size([2, 3])
    >>> torch.Size([2, 3]).numel()
    6
    """

    __slots__ = ()

    def __new__(cls, sizes: Any = ()) -> Size:
        return tuple.__new__(cls, map(operator.index, sizes))

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        n = 1
        for size in self:
            n *= size
        return n

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __add__(self, other: Any) -> Size:
        return tuple.__new__(Size, tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Size:
        return tuple.__new__(Size, tuple(other) + tuple(self))

    def __mul__(self, n: Any) -> Size:
        return tuple.__new__(Size, tuple.__mul__(self, n))

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return tuple.__new__(Size, found) if isinstance(index, slice) else found

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)


class device:
    """Where a tensor lives: always the CPU (``meta`` for shapes without numbers).

    >>> import rushlight as torch
    >>> torch.zeros(2).device
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = str.__str__(type.type), type.index  # type: ignore[has-type]
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        kind, _, number = type.partition(":")
        if kind not in _DEVICES:
            raise RuntimeError(f"Expected one of {', '.join(_DEVICES)} device type at start of device string: {type}")
        if number:
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number)
        self.type = kind
        self.index = index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (str(self),)

    def __enter__(self) -> device:
        _ambients.append(ambient.set(check_device(self, True)))
        return self

    def __exit__(self, *_: Any) -> None:
        ambient.reset(_ambients.pop())

    def __call__(self, function: Any) -> Any:
        """The device as a decorator: new tensors are made there while the function runs."""
        import functools

        @functools.wraps(function)
        def run(*args: Any, **options: Any) -> Any:
            with self:
                return function(*args, **options)

        return run


class Word(str):
    """A name that is its own value; of each there is one, so that programs may compare with ``is``."""

    __slots__ = ()
    __repr__ = str.__str__

    @classmethod
    @cache
    def known(cls, name: str) -> Any:
        return str.__new__(cls, name)

    def __new__(cls, name: str) -> Self:
        return cls.known(name)  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        return type(self), (str(self),)


class layout(Word):
    """How elements lie in memory: ``torch.strided``; ``torch.sparse_coo`` of sparse tensors."""

    __slots__ = ()


class memory_format(Word):
    """The order in which elements lie in memory, such as ``torch.channels_last``."""

    __slots__ = ()


STRIDED = layout("torch.strided")

_DEVICES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
CPU = device("cpu")
META = device("meta")
ambient: ContextVar[device] = ContextVar("rushlight device", default=CPU)  # where tensors are made if nothing is said
_ambients: list[Any] = []


def check_device(given: Any, meta: bool = False) -> device:
    """The device that was asked for, or an error if it is not the CPU (or ``meta``, where that can be)."""
    if given is None or given is CPU:
        return CPU
    if isinstance(given, int):
        given = device("cuda", given)
    found = given if isinstance(given, device) else device(given)
    if found.type == "cpu" or (meta and found.type == "meta"):
        return found
    if found.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled: Rushlight computes on the CPU. Use device='cpu'.")
    raise RuntimeError(f"Rushlight computes on the CPU: device '{found}' is not available. Use device='cpu'.")


OWN = frozenset(
    ["_grad", "_view", "_inference", "_leaf", "_own", "_within"]
)  # what a copy of a tensor does not take over


class Tensor(Methods):
    """An n-dimensional array that can record how it was computed.

    ``Tensor(2, 3)`` is an uninitialised float tensor of that shape, ``Tensor([1, 2])`` one with that
    data; ``rushlight.tensor`` is what programs should use.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_node")
    __array_priority__ = 1000
    _array: Any
    _node: Node | None
    _grad: Tensor | None = None
    _view: Any = None  # of a view: views.View; of a base: views.Views; else None
    level = 0  # of tensors inside function transforms: which one,
    transform: Any = None  # and the transform itself;
    lower: Any  # there: what it stands for on the level below,
    tangent: Any  # and its tangent in forward mode
    is_sparse = is_quantized = is_mkldnn = is_meta = is_cuda = is_nested = is_xla = is_mps = is_xpu = False
    is_sparse_csr = is_mtia = is_ipu = is_maia = is_vulkan = False
    name = None
    is_cpu = True
    names = property(lambda self: (None,) * self.ndim)
    layout: Any = STRIDED

    def __new__(cls, *args: Any, **options: Any) -> Any:
        return construct(cls, args, options)

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.partition(".")[0] not in ("rushlight", "torch"):
            for call in subclassed:
                call()

    # ---- the array

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return tuple.__new__(Size, self._array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.FROM_NUMPY[self._array.dtype]

    @property
    def device(self) -> device:
        """Always ``device(type='cpu')``."""
        return CPU

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        n: int = self._array.ndim
        return n

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        n: int = self._array.itemsize
        return n

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.numel() * self.itemsize

    def dim(self) -> int:
        """The number of dimensions."""
        return self.ndim

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.shape
        shape = self.shape
        if not -max(len(shape), 1) <= dim < max(len(shape), 1):
            n = len(shape)
            if n == 0:
                raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
        if not shape:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        return shape[dim]

    def numel(self) -> int:
        """The number of elements."""
        return self.shape.numel()

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """Steps between elements along each dimension (or along one), counted in elements."""
        steps = strides_of(self._array)
        return steps if dim is None else steps[dim]

    def storage_offset(self) -> int:
        """Where the first element lies in the memory of its owner, counted in elements."""
        array = self._array
        whole = memory.owner(array)
        start: int = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
        size: int = array.itemsize
        return start // size

    def data_ptr(self) -> int:
        """The address of the first element."""
        address: int = self._array.__array_interface__["data"][0]
        return address

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.itemsize

    def is_floating_point(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        """Whether the elements can be negative."""
        return self.dtype.is_signed

    def is_conj(self) -> bool:
        """Always False: conjugation is carried out at once."""
        return False

    def is_neg(self) -> bool:
        """Always False: negation is carried out at once."""
        return False

    def get_device(self) -> int:
        """-1, the number of the CPU."""
        return -1

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode."""
        return "_inference" in self.__dict__

    # ---- gradients

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if type(on) is not bool:
            raise RuntimeError(f"requires_grad must be a bool, not {type(on).__name__}")
        if on and self._node is None and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables."
                + ("" if on else " If you want to use a computed variable in a subgraph that doesn't require "
                "differentiation use var_no_grad = var.detach().")
            )  # fmt: skip
        self.requires_grad_(on)

    @requires_grad.deleter
    def requires_grad(self) -> None:
        raise RuntimeError("requires_grad must be a bool: it cannot be deleted")

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for (or stop asking for) this leaf's gradient. Returns the tensor.

        Raises RuntimeError for tensors that are not leaves, or whose dtype is neither floating nor complex.
        """
        if type(requires_grad) is not bool:
            raise TypeError(
                f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type(requires_grad).__name__}"
            )
        if requires_grad and mode() & TRANSFORMED:
            raise RuntimeError(
                "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) "
                "inside of a function being transformed by a functorch transform. This is unsupported, please attempt to "
                "use the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside "
                "of a function being transformed instead."
            )
        node = self._node
        if node is not None and type(node) is not Leaf:
            if requires_grad:
                if type(node) is Nowhere:
                    self._node = Leaf(ref(self))
                return self
            if type(node) is Nowhere:
                return self
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if not requires_grad:
            if node is not None:
                self.__dict__["_leaf"] = node  # with its hooks, should the tensor ask for a gradient again
                self._node = None
                if getattr(getattr(self._view, "base", None), "_node", None) is not None:
                    self._node = Nowhere()  # a view still requires grad as its base does
                views_follow(self)
        elif node is None:
            if self.dtype.is_floating_point or self.dtype.is_complex:
                self._node = self.__dict__.pop("_leaf", None) or Leaf(ref(self))
                if self._view is not None:
                    views_follow(self)
            else:
                raise RuntimeError(
                    f"only Tensors of floating point dtype can require gradients (complex ones too), not {self.dtype}"
                )
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for leaves."""
        node = self._node
        if type(node) is Port:
            return node.parents[0]
        return None if type(node) is Leaf or type(node) is Nowhere else node

    @property
    def output_nr(self) -> int:
        """Which of the outputs of ``grad_fn`` this tensor is."""
        return self._node.index if type(self._node) is Port else 0

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was made by the user rather than by a recorded operation."""
        node = self._node
        return node is None or type(node) is Leaf or type(node) is Nowhere

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` has added up so far; None if there is none yet."""
        found = self._grad
        if found is None and type(TRUE_NODE.__get__(self)) not in LEAVES and not self.retains_grad:
            import warnings

            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't "
                "be populated during autograd.backward(). If you indeed want the .grad field to be populated for a "
                "non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, "
                "make sure you access the leaf Tensor instead.",
                UserWarning,
                stacklevel=2,
            )
        return found

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.dtype is not self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{dtypes.LEGACY[value.dtype.name].lower()}' to a tensor "
                    f"with grad_dtype '{dtypes.LEGACY[self.dtype.name]}': a gradient has its tensor's dtype. Use "
                    ".to(t.dtype)."
                )
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """The same memory without history; what is written through it is not noticed by autograd."""
        made = wrap(memory.detach_memory(self._array))
        if "_within" in self.__dict__:
            made._within = self._within  # type: ignore[attr-defined]
        return as_inference(made) if self.is_inference() else made

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._node is not None and not (value.dtype.is_floating_point or value.dtype.is_complex):
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        if value.is_meta:
            value.take_memory_of(self)  # type: ignore[attr-defined]
            return
        count = memory.version(self._array)
        self._array = memory.detach_memory(value._array)
        if count:  # it goes on counting
            memory.entry(self._array).count = count

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    @property
    def _grad_fn(self) -> Node | None:
        return self.grad_fn

    @_grad_fn.deleter
    def _grad_fn(self) -> None:
        raise RuntimeError("Deletion of _grad_fn not allowed. Detach tensor instead!")

    @property
    def volatile(self) -> bool:
        """Always False: PyTorch gave it up long ago."""
        import warnings

        warnings.warn("volatile was removed (Variable.volatile is always False)", UserWarning, stacklevel=2)
        return False

    @volatile.setter
    def volatile(self, value: Any) -> None:
        import warnings

        warnings.warn(
            "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
            UserWarning,
            stacklevel=2,
        )

    @property
    def _version(self) -> int:
        return memory.version(self._array)

    # ---- out of the library

    def numpy(self, *, force: bool = False) -> ndarray:
        """The NumPy array, sharing memory.

        Raises RuntimeError if the tensor requires grad, unless ``force`` is True or under ``no_grad``.
        """
        if self._node is not None and not force and mode() & (modes.RECORD | modes.ASKED):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return np.asarray(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return array.astype(dtype)
        return array.copy() if copy else array

    def item(self) -> Any:
        """The value of a tensor with one element, as a Python number."""
        array = self._array
        if array.size != 1:
            raise RuntimeError(f"a Tensor with {array.size} elements cannot be converted to Scalar")
        return array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self._array.tolist()

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return text_of(self)

    def __format__(self, spec: str) -> str:
        if self.ndim == 0 and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __bool__(self) -> bool:
        array = self._array
        if array.size != 1:
            if array.size == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(array.item())

    def __int__(self) -> int:
        return int(self._number("int64_t"))

    def __float__(self) -> float:
        return float(self._number("double"))

    def __complex__(self) -> complex:
        return complex(self._number(""))

    def _number(self, kind: str) -> Any:
        """The one value, for a conversion to a Python number: real, unless ``kind`` is empty."""
        if self.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        value = self.item()
        if kind and type(value) is complex:
            if value.imag:
                raise RuntimeError(f"value cannot be converted to type {kind} without overflow: {value}")
            return value.real
        return value

    def __index__(self) -> int:
        value = self.item() if self.numel() == 1 else None
        if type(value) not in (int, bool):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(value)  # type: ignore[arg-type]

    def __contains__(self, element: Any) -> bool:
        if isinstance(element, (Tensor, int, float, complex)):
            return bool((element == self)._array.any())  # type: ignore[attr-defined]
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment. If you were attempting to deepcopy a module, this may be because of a torch.nn.utils."
                "weight_norm usage. Use t.detach().clone() for a copy without history, or t.clone() for one with it."
            )
        made = copied(self)
        memo[id(self)] = made
        if self._grad is not None:
            made._grad = self._grad.__deepcopy__(memo)
        for name, value in self.__dict__.items():
            if name not in OWN:
                import copy

                made.__dict__[name] = copy.deepcopy(value, memo)
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        state = {k: v for k, v in self.__dict__.items() if k not in OWN}
        if not self.is_leaf:
            import warnings

            warnings.warn("pickling a tensor that is not a leaf: its history is left out", UserWarning, stacklevel=2)
        warn_if_has_hooks(self)
        return rebuild, (type(self), self._array, self._node is not None and self.is_leaf, state)

    @staticmethod
    def _make_subclass(cls: type, data: Tensor, require_grad: bool = False) -> Any:
        made = new(cls)  # type: ignore[var-annotated]
        made._array = data._array
        made._node = (
            Leaf(ref(made)) if require_grad and (data.dtype.is_floating_point or data.dtype.is_complex) else None
        )
        if require_grad and made._node is None:
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients: give requires_grad=False "
                f"for one of {data.dtype}."
            )
        return made


class InferenceTensor(Tensor):
    """A tensor made in inference mode: outside of it, it may not be written, nor be saved for backward.

    Operators read ``_node`` of each argument; where that happens while they record, it is found out whether the operator
    is about to save this tensor.
    """

    __slots__ = ()

    @property
    def _node(self) -> Any:
        if modes.mode() & modes.RECORD:
            refuse_saving(self, sys._getframe(1))
        return TRUE_NODE.__get__(self)

    @_node.setter
    def _node(self, node: Any) -> None:
        if node is not None and not modes.mode() & modes.INFERENCE:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        TRUE_NODE.__set__(self, node)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        if requires_grad and not modes.mode() & modes.INFERENCE:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        return Tensor.requires_grad_(self, requires_grad) if requires_grad else self

    requires_grad = property(
        lambda self: TRUE_NODE.__get__(self) is not None,
        Tensor.requires_grad.fset,  # type: ignore[attr-defined]
    )

    @property
    def _version(self) -> int:
        raise RuntimeError("Inference tensors do not track version counter.")


TRUE_NODE: Any = Tensor.__dict__["_node"]
LEAVES = (type(None), Leaf, Nowhere)  # the nodes of leaves
InferenceTensor.__name__ = InferenceTensor.__qualname__ = "Tensor"
INFERENCE_SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation "
    "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use "
    "`torch.no_grad()` instead of `torch.inference_mode()`."
)


def as_inference(tensor: Tensor) -> Tensor:
    """A tensor marked as made in inference mode."""
    tensor.__dict__["_inference"] = True
    if type(tensor) is Tensor:
        tensor.__class__ = InferenceTensor
    return tensor


def refuse_saving(tensor: Tensor, frame: Any) -> None:
    """Raise if the operator that runs in ``frame`` is about to save ``tensor`` for backward."""
    op = frame.f_globals.get("op")
    if not hasattr(op, "rules"):
        return
    given = frame.f_locals
    for name, rule in op.rules.items():
        asks = given.get(name)
        if (
            isinstance(asks, Tensor)
            and type(asks) is not InferenceTensor
            and type(asks._node) not in (type(None), Nowhere)
        ):
            if any([s < 1000 and s >= 0 and given.get(op.parameters[s]) is tensor for s in rule.sources]):
                raise RuntimeError(INFERENCE_SAVED)


followers: list[Any] = []  # ``views.follow_leaf``


subclassed: list[Any] = []  # called when a program defines a subclass (``overrides``)


def views_follow(base: Tensor) -> None:
    """Tell the views of a leaf that it asks for a gradient now, or no more."""
    for call in followers:
        call(base)


def wrap(array: Any, node: Node | None = None) -> Tensor:
    """A tensor around an array that is already there."""
    tensor: Tensor = new(Tensor)
    tensor._array = array
    tensor._node = node
    return tensor


def raw(x: Any) -> Any:
    """The array inside a tensor of no transform; anything else as it is."""
    return x._array if isinstance(x, Tensor) else x


def copied(tensor: Tensor) -> Tensor:
    """A leaf of the same class with its own copy of the memory (and of its strides, where they are dense)."""
    cls = type(tensor)
    made: Tensor = new(Tensor if cls is InferenceTensor else cls)
    made._array = np.array(tensor._array, order="K")
    made._node = None
    if tensor._node is not None:
        made._node = Leaf(ref(made))
    return made


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn for each backward hook on ``tensor`` that saving it would drop."""
    for hook in (tensor._backward_hooks or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            import warnings

            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate "
                "the function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=3,
            )


def rebuild(cls: type, array: ndarray, requires_grad: bool, state: dict[str, Any]) -> Any:
    """A tensor from its pickled parts."""
    made: Any = new(cls)
    made._array = dtypes.native(array)
    made._node = None
    made.__dict__.update(state)
    if requires_grad:
        made.requires_grad_()
    return made


def strides_of(array: ndarray) -> tuple[int, ...]:
    """Strides in elements. NumPy leaves those of empty arrays and sizes of one open; PyTorch's rule fills them in."""
    size = array.itemsize
    if array.size == 0:
        if any(array.strides) and any([s == 0 and n > 1 for n, s in zip(array.shape, array.strides, strict=True)]):
            return tuple([s // size for s in array.strides])  # expanded
        steps, step = [], 1
        for n in reversed(array.shape):
            steps.append(step)
            step *= max(n, 1)
        return tuple(reversed(steps))
    found = tuple([s // size for s in array.strides])
    if 0 not in found:
        return found
    steps, step = [], 1
    for n, s in zip(reversed(array.shape), reversed(found), strict=True):
        steps.append(step if n == 1 and s == 0 else s)  # NumPy gives new dimensions no stride
        step = n * steps[-1]
    return tuple(reversed(steps))


def text_of(tensor: Tensor) -> str:
    """How a tensor prints, as PyTorch prints it."""
    from . import printing

    suffixes = []
    if tensor.is_leaf:
        if tensor.requires_grad:
            suffixes.append("requires_grad=True")
    elif tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{type(tensor.grad_fn).__name__}>")
    array = tensor._array
    if not isinstance(array, ndarray):
        return f"<{type(tensor).__name__} of level {tensor.level}: {array!r}>"
    prefix = "tensor(" if type(tensor).__name__ in ("Tensor", "Parameter") else f"{type(tensor).__name__}("
    return printing.format_tensor(array, suffixes=tuple(suffixes), prefix=prefix, default_dtype=dtypes.default_dtype)


def construct(cls: type, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """``Tensor(...)`` as a program writes it: of a shape, of data, or of another tensor."""
    if options.keys() - {"device", "size"} or ("size" in options and args):
        raise TypeError(f"new() received an invalid keyword argument: {', '.join(options)}. Use torch.tensor(...).")
    if "size" in options or not args:
        args = (Size(options.get("size", (0,))),)
    value = args[0]
    if isinstance(value, str):
        raise TypeError(f"new(): invalid data type '{type(value).__name__}'")
    if value is None or isinstance(value, (bool, float, complex, np.inexact)):
        raise TypeError(f"new(): data must be a sequence (got {type(value).__name__}). Use torch.tensor(...).")
    check_device(options.get("device"))
    made: Any = new(cls)
    made._node = None
    if len(args) == 1 and isinstance(args[0], Tensor):
        made._array = args[0]._array
    elif len(args) == 1 and not isinstance(args[0], (int, Size)):
        made._array = np.array(args[0], dtypes.default_dtype)
    else:
        shape = args[0] if len(args) == 1 and isinstance(args[0], Size) else args
        made._array = np.zeros(tuple(map(operator.index, shape)), dtypes.default_dtype)
    return made


__all__ = ["CPU", "Bundle", "Size", "Tensor", "check_device", "device", "raw", "wrap"]
