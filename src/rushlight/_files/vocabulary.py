"""What the names in a file may mean: the only way from a pickle stream to a Python object.

A fixed table of harmless builders, each of which checks its arguments, and what the caller has listed with
`add_safe_globals`. There is no import and no attribute lookup by a name from a file, anywhere.
"""

from __future__ import annotations

import types
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight._files import LoadError
from rushlight._files.storages import (
    DTYPES,
    STORAGE_DTYPES,
    UNSUPPORTED_DTYPES,
    UNSUPPORTED_STORAGES,
    Host,
    Storage,
    StorageType,
    shown,
    supported,
    view_of,
    whole_numbers,
)

if TYPE_CHECKING:
    from rushlight._files.pickles import Interpreter

FAILED = "Weights only load failed. "

BLOCKED_MODULES = frozenset(
    [
        "sys",
        "os",
        "posix",
        "nt",
        "subprocess",
        "importlib",
        "runpy",
        "pickle",
        "_pickle",
        "marshal",
        "shutil",
        "ctypes",
        "code",
        "codeop",
        "pty",
        "multiprocessing",
        "socket",
        "webbrowser",
        "pdb",
        "timeit",
    ]
)
"""Nothing from these is ever called for a file, even if listed: each can run code or programs."""

BLOCKED_NAMES = frozenset(
    f"builtins.{name}"
    for name in [
        "eval",
        "exec",
        "compile",
        "__import__",
        "open",
        "input",
        "breakpoint",
        "getattr",
        "setattr",
        "delattr",
        "globals",
        "locals",
        "vars",
        "memoryview",
        "help",
        "exit",
        "quit",
    ]
) | frozenset(("operator.attrgetter", "operator.methodcaller", "operator.itemgetter", "functools.partial"))

_SPECIAL = {
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor on the meta device, which has no data",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of a wrapper subclass",
    "torch._utils._rebuild_qtensor": "a quantized tensor",
    "torch._utils._rebuild_device_tensor_from_numpy": "a tensor of an accelerator",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "a tensor of an accelerator",
}
"""Names that PyTorch knows and that stand for something that does not exist here."""

_PLAIN_TYPES: dict[str, type] = {
    f"builtins.{kind.__name__}": kind for kind in (bool, int, float, str, list, tuple, dict)
}
"""Types that may stand in a file as values, say as the factory of a defaultdict, but not be called."""

_NUMPY_MODULES = {
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
}

_NUMPY_KINDS = "biufcSU"


class Builder:
    """A name of PyTorch or NumPy that a file may call: inert anywhere but in `Vocabulary.call`."""

    __slots__ = ("build", "name")

    def __init__(self, name: str, build: Callable[..., object]) -> None:
        self.name = name
        self.build = build

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Vocabulary:
    """The meaning of names for one load: ``host`` makes tensors, ``listed`` is what the caller trusts."""

    def __init__(self, host: Host, listed: Iterable[Any] = ()) -> None:
        self.host = host
        self.tensor, self.parameter = host.classes()
        self.listed = listed_names(listed)
        # what NumPy needs is listed by its names, but built by the checking builders below only
        self._listed_ids = {id(value) for name, value in self.listed.items() if not self._is_numpy(name, value)}
        self._known: dict[str, object] = {}
        self._dtypes: dict[int, tuple[object, str]] = {}
        self._blank: dict[int, object] = {}  # NumPy arrays and dtypes whose state has not come yet
        self._calls: dict[int, Callable[..., object]] = {
            id(OrderedDict): self._ordered_dict,
            id(Counter): self._counter,
            id(set): self._set,
            id(frozenset): lambda machine, *a: frozenset(self._set(machine, *a)),
            id(bytearray): self._bytearray,
            id(bytes): self._bytes,
            id(complex): self._complex,
            id(self.parameter): lambda machine, *a: self._parameter(machine, *a),
        }
        self._table: dict[str, object] = {
            "collections.OrderedDict": OrderedDict,
            "collections.Counter": Counter,
            "builtins.set": set,
            "builtins.frozenset": frozenset,
            "builtins.bytearray": bytearray,
            "builtins.bytes": bytes,
            "builtins.complex": complex,
            "torch.Tensor": self.tensor,
            "torch.nn.parameter.Parameter": self.parameter,
            **_PLAIN_TYPES,
        }
        builders: dict[str, Callable[..., object]] = {
            "_codecs.encode": self._encode,
            "torch.Size": self._size,
            "torch.device": self._device,
            "torch.serialization._get_layout": self._layout,
            "torch._utils._rebuild_tensor": self._tensor_v1,
            "torch._utils._rebuild_tensor_v2": self._tensor_v2,
            "torch._utils._rebuild_tensor_v3": self._tensor_v3,
            "torch._utils._rebuild_sparse_tensor": self._sparse_tensor,
            "torch._utils._rebuild_parameter": self._parameter,
            "torch._utils._rebuild_parameter_with_state": self._parameter_with_state,
            "torch._tensor._rebuild_from_type_v2": self._from_type,
        }
        self._table.update({name: Builder(name, build) for name, build in builders.items()})

    # -- the four things a stream can ask

    def find(self, module: str, name: str) -> object:
        """The object for a GLOBAL of the stream, by table only."""
        full = f"{module}.{name}"
        found = self._known.get(full)
        if found is None:
            found = self._known[full] = self._find(module, name, full)
        return found

    def call(self, machine: Interpreter, function: object, arguments: tuple[Any, ...]) -> object:
        """The value of a REDUCE."""
        if type(function) is Builder:
            return function.build(machine, *arguments)
        build = self._calls.get(id(function))
        if build is not None:  # also if listed: ours checks its arguments
            return build(machine, *arguments)
        if id(function) in self._listed_ids:
            return self._call_listed(function, arguments)
        raise LoadError(f"{FAILED}Trying to call reduce for unrecognized function {shown(function)}")

    def new(self, machine: Interpreter, kind: object, arguments: object, keywords: object) -> object:
        """The value of a NEWOBJ: an instance without a call of ``__init__``."""
        if not isinstance(arguments, tuple) or not isinstance(keywords, dict):
            raise LoadError("the arguments of a new object must be a tuple and a dict")
        if id(kind) in self._calls and not keywords:
            return self._calls[id(kind)](machine, *arguments)
        if isinstance(kind, type) and id(kind) in self._listed_ids:
            return kind.__new__(kind, *arguments, **keywords)
        raise LoadError(
            f"{FAILED}Can only create new object for nn.Parameter or classes allowlisted via "
            f"`add_safe_globals` but got {shown(kind)}"
        )

    def build(self, machine: Interpreter, value: Any, state: object) -> None:
        """A BUILD: give ``value`` its state."""
        kind = type(value)
        if id(value) in self._blank:
            del self._blank[id(value)]
            _set_array_state(value, state)
        elif isinstance(value, np.dtype):
            _check_dtype_state(value, state)
        elif kind is OrderedDict:
            value.__dict__.update(_text_keys(state))
        elif id(kind) in self._listed_ids:
            _set_state(value, state)
        else:
            raise LoadError(
                f"{FAILED}Can only build Tensor, Parameter, OrderedDict or types allowlisted via "
                f"`add_safe_globals`, but got {shown(kind)}"
            )

    def is_listed(self, kind: type) -> bool:
        return id(kind) in self._listed_ids

    def allows(self, full: str) -> bool:
        """Whether a file may name that."""
        module, _, name = full.rpartition(".")
        try:
            self.find(module, name)
        except LoadError:
            return False
        return True

    # -- names

    def _find(self, module: str, name: str, full: str) -> object:
        root = module.partition(".")[0]
        if root in BLOCKED_MODULES or full in BLOCKED_NAMES:
            raise LoadError(
                f"{FAILED}Trying to load unsupported GLOBAL {full} whose module {module} is blocked. "
                "It could run code; nothing was run. Get the file from a source you trust, as safetensors."
            )
        if full in self._table:
            return self._table[full]
        if full in self.listed:
            return self._numpy_builder(full) or self.listed[full]
        if module in ("torch", "torch.storage", "torch.cuda") and (
            name in STORAGE_DTYPES or name in UNSUPPORTED_STORAGES
        ):
            return StorageType(name)
        if module == "torch" and (name in DTYPES or name in UNSUPPORTED_DTYPES):
            dtype = self.host.dtype(name)
            if dtype is not None:
                self._dtypes[id(dtype)] = dtype, name
                return dtype
        if full in _SPECIAL:
            raise LoadError(f"{FAILED}The file holds {_SPECIAL[full]} (`{full}`), which is not supported here.")
        if module == "torch" and name in UNSUPPORTED_DTYPES:
            raise LoadError(
                f"{FAILED}The file names the dtype torch.{name}, which is not supported here. "
                "Convert before saving, for instance with `value.float()` in PyTorch."
            )
        short = full.removeprefix("builtins.")
        remedy = (
            f"Please use `torch.serialization.add_safe_globals([{short}])` or the "
            f"`torch.serialization.safe_globals([{short}])` context manager to allowlist this global if you "
            "trust this class/function."
        )
        if root in ("torch", "rushlight"):
            remedy += (
                f" For a class of PyTorch, list the one of the same name here, or give the name in the file: "
                f"`add_safe_globals([(MyClass, {full!r})])`."
            )
        raise LoadError(
            f"{FAILED}Unsupported global: GLOBAL {short} was not an allowed global by default. {remedy} "
            "A model is best saved as its `state_dict()`, which needs no classes."
        )

    def _numpy_builder(self, full: str) -> Builder | None:
        """For what NumPy puts into pickles: builders that check, in place of NumPy's own functions."""
        module, _, name = full.rpartition(".")
        module = _NUMPY_MODULES.get(module, module)
        builders: dict[str, Callable[..., object]] = {
            "numpy._core.multiarray._reconstruct": self._array_blank,
            "numpy._core.multiarray.scalar": _numpy_scalar,
            "numpy._core.numeric._frombuffer": _array_from_buffer,
            "numpy.dtype": _numpy_dtype,
        }
        build = builders.get(f"{module}.{name}")
        return Builder(full, build) if build else None

    def _is_numpy(self, name: str, value: object) -> bool:
        return value is np.ndarray or value is np.dtype or self._numpy_builder(name) is not None

    def _call_listed(self, function: Any, arguments: tuple[Any, ...]) -> object:
        if function is defaultdict and arguments:
            factory = arguments[0]
            if factory is not None and not isinstance(factory, type):
                raise LoadError(f"the factory of a defaultdict must be a type, got {shown(factory)}")
            return defaultdict(*arguments[:1])
        if not callable(function):
            raise LoadError(f"a file calls {shown(function)}, which cannot be called")
        return function(*arguments)

    # -- builders of plain data: each copy is paid for

    def _ordered_dict(self, machine: Interpreter, pairs: object = ()) -> OrderedDict[Any, Any]:
        machine.take_room(200)
        result: OrderedDict[Any, Any] = OrderedDict()
        if not isinstance(pairs, list | tuple):
            raise LoadError(f"an OrderedDict must be made of pairs, got {type(pairs).__name__}")
        machine.spend(len(pairs))
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise LoadError("an OrderedDict must be made of pairs")
            machine.set_items(result, list(pair))
        return result

    def _counter(self, machine: Interpreter, counts: object = None) -> Counter[Any]:
        result: Counter[Any] = Counter()
        if counts is not None:
            if type(counts) is not dict:
                raise LoadError(f"a Counter must be made of a dict, got {type(counts).__name__}")
            machine.take_room(200 + 72 * len(counts))
            machine.spend(len(counts))
            dict.update(result, counts)
        return result

    def _set(self, machine: Interpreter, items: object = ()) -> set[Any]:
        if not isinstance(items, list | tuple | set | frozenset):
            raise LoadError(f"a set must be made of a list, got {type(items).__name__}")
        machine.spend(len(items))
        machine.take_room(216)
        result: set[Any] = set()
        machine.add(result, list(items))
        return result

    def _bytearray(self, machine: Interpreter, content: object = b"", encoding: object = None) -> bytearray:
        return bytearray(self._bytes(machine, content, encoding))

    def _bytes(self, machine: Interpreter, content: object = b"", encoding: object = None) -> bytes:
        if isinstance(content, str):
            return self._encode(machine, content, encoding)
        if not isinstance(content, bytes | bytearray):
            raise LoadError(f"bytes must be made of bytes or text, got {type(content).__name__}")
        machine.spend(len(content))
        return bytes(content)

    def _encode(self, machine: Interpreter, text: object, encoding: object) -> bytes:
        """How protocol 2 writes bytes: as text in Latin-1."""
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise LoadError("only text in the encoding latin1 may be made into bytes")
        machine.spend(len(text))
        return text.encode("latin-1")

    def _complex(self, machine: Interpreter, real: object, imag: object = 0.0) -> complex:
        if type(real) not in (int, float) or type(imag) not in (int, float):
            raise LoadError("a complex number must be made of two numbers")
        parts: Any = (real, imag)
        return complex(*parts)

    def _size(self, machine: Interpreter, values: object) -> object:
        sizes = whole_numbers(values, "a torch.Size")
        machine.spend(len(sizes))
        return self.host.size(sizes)

    def _device(self, machine: Interpreter, kind: object, index: object = None) -> object:
        if type(kind) is not str or not (index is None or type(index) is int):
            raise LoadError("a torch.device must be made of text and perhaps an index")
        return self.host.device(kind) if index is None else self.host.device(kind, index)

    def _layout(self, machine: Interpreter, name: object) -> object:
        layout = self.host.layout(name) if type(name) is str else None
        if layout is None:
            raise LoadError(f"The file names the tensor layout {shown(name)}, which is not supported here.")
        return layout

    # -- builders of tensors

    def _tensor_v1(self, machine: Interpreter, storage: object, offset: object, size: object, stride: object) -> object:
        return self._tensor_v2(machine, storage, offset, size, stride, False, None)

    def _tensor_v2(
        self,
        machine: Interpreter,
        storage: object,
        offset: object,
        size: object,
        stride: object,
        requires_grad: object,
        hooks: object,
        metadata: object = None,
    ) -> object:
        if type(storage) is not Storage:
            raise LoadError(f"a tensor must be made over a storage, got {shown(storage)}")
        return self._tensor(machine, storage, storage.array, offset, size, stride, requires_grad, hooks, metadata)

    def _sparse_tensor(self, machine: Interpreter, layout: object, data: object) -> object:
        if layout is None or str(layout) != "torch.sparse_coo":
            raise LoadError(
                f"the file holds a sparse tensor of layout {shown(layout)}; only torch.sparse_coo is supported"
            )
        if type(data) is not tuple or len(data) not in (3, 4) or not all(map(self.host.is_tensor, data[:2])):
            raise LoadError(f"a sparse tensor must be made of indices, values and a size, got {shown(data)}")
        size = whole_numbers(data[2], "the size of a sparse tensor")
        machine.spend(len(size))
        coalesced = data[3] if len(data) == 4 else False
        if type(coalesced) is not bool:
            raise LoadError(f"whether a sparse tensor is coalesced must be a bool, got {shown(coalesced)}")
        return self.host.make_sparse(data[0], data[1], size, coalesced)

    def _tensor_v3(
        self,
        machine: Interpreter,
        storage: object,
        offset: object,
        size: object,
        stride: object,
        requires_grad: object,
        hooks: object,
        dtype: object,
        metadata: object = None,
    ) -> object:
        if type(storage) is not Storage:
            raise LoadError(f"a tensor must be made over a storage, got {shown(storage)}")
        known = self._dtypes.get(id(dtype))
        if known is None:
            raise LoadError(f"a tensor's dtype must be a torch dtype, got {shown(dtype)}")
        array = storage.typed(supported(known[1], "a tensor"))
        return self._tensor(machine, storage, array, offset, size, stride, requires_grad, hooks, metadata)

    def _tensor(
        self,
        machine: Interpreter,
        storage: Storage,
        flat: Any,
        offset: object,
        size: object,
        stride: object,
        requires_grad: object,
        hooks: object,
        metadata: object,
    ) -> object:
        _check_no_hooks(hooks)
        if type(requires_grad) is not bool:
            raise LoadError(f"requires_grad must be True or False, got {shown(requires_grad)}")
        if requires_grad and flat.dtype.kind not in "fc":
            raise LoadError(f"only tensors of floating point and complex dtype can require gradients, got {flat.dtype}")
        array = view_of(flat, offset, size, stride)
        if metadata is not None:
            array = self._lazy(machine, storage, array, metadata)
        return self.host.make_tensor(array, requires_grad)

    def _lazy(self, machine: Interpreter, storage: Storage, array: Any, metadata: object) -> Any:
        """PyTorch's conjugate and negative views, which are flags there, are computed here, into a copy."""
        flags = _text_keys(metadata)
        if set(flags) - {"conj", "neg"} or any(type(flag) is not bool for flag in flags.values()):
            raise LoadError(f"a tensor has the unknown flags {sorted(flags)}")
        for name, function in (("conj", np.conjugate), ("neg", np.negative)):
            if flags.get(name):
                if array.size > storage.array.nbytes:  # an expanded view: the copy would outgrow the file
                    raise LoadError(f"an expanded tensor with the flag {name!r} is not supported")
                machine.spend(array.nbytes)
                source, array = array, np.empty(array.shape, array.dtype)
                storage.when_filled(lambda s=source, f=function, out=array: f(s, out=out))  # type: ignore[misc]
        return array

    def _parameter(
        self, machine: Interpreter, data: object, requires_grad: object = True, hooks: object = None
    ) -> object:
        if not self.host.is_tensor(data) or type(requires_grad) is not bool:
            raise LoadError(f"a parameter must be made of a tensor and a bool, got {shown(data)}")
        _check_no_hooks(hooks)
        return self.host.make_parameter(data, requires_grad)

    def _parameter_with_state(
        self, machine: Interpreter, data: object, requires_grad: object, hooks: object, state: object
    ) -> object:
        parameter = self._parameter(machine, data, requires_grad, hooks)
        self.host.set_state(parameter, _attributes(state))
        return parameter

    def _from_type(
        self, machine: Interpreter, function: object, kind: object, arguments: object, state: object
    ) -> object:
        """A tensor with attributes, or of a listed subclass."""
        if type(function) is not Builder or not function.name.startswith("torch._utils._rebuild_"):
            raise LoadError(f"a tensor cannot be rebuilt by {shown(function)}")
        if not isinstance(arguments, tuple):
            raise LoadError("the arguments of a call must be a tuple")
        value = function.build(machine, *arguments)
        if kind is not self.tensor and kind is not self.parameter and type(value) is not kind:
            if not (isinstance(kind, type) and id(kind) in self._listed_ids and issubclass(kind, self.tensor)):
                raise LoadError(f"{FAILED}A tensor of {shown(kind)} needs that class in `add_safe_globals`.")
            value = self.host.make_subclass(value, kind)
        self.host.set_state(value, _attributes(state))
        return value

    # -- NumPy, when listed

    def _array_blank(self, machine: Interpreter, kind: object, shape: object, typecode: object) -> Any:
        if kind is not np.ndarray:
            raise LoadError(f"only plain NumPy arrays can be loaded, got {shown(kind)}")
        array = np.empty(0, np.int8)
        self._blank[id(array)] = array
        return array


def listed_names(listed: Iterable[Any]) -> dict[str, Any]:
    """The names under which a file may mean each listed class or function.

    What is listed from here answers to PyTorch's name for it, and NumPy's functions to their older homes.
    """
    names: dict[str, Any] = {}
    for item in listed:
        if isinstance(item, tuple):
            if len(item) != 2:
                raise ValueError(
                    "Expected tuple of length 2 (global, str of callable full path), but got tuple of "
                    f"length: {len(item)}"
                )
            if type(item[1]) is not str:
                raise TypeError(
                    f"Expected second item in tuple to be str of callable full path, but got: {type(item[1])}"
                )
            names[item[1]] = item[0]
            continue
        module, name = item.__module__, item.__qualname__
        names[f"{module}.{name}"] = item
        if module == "rushlight" or module.startswith("rushlight."):
            names[f"torch{module.removeprefix('rushlight')}.{name}"] = item
        if module in ("numpy", "numpy._core.multiarray", "numpy._core.numeric"):
            old = module.replace("_core", "core")
            for home in ("numpy._core.multiarray", "numpy.core.multiarray"):
                if name in ("scalar", "_reconstruct"):  # whose __module__ NumPy itself gets wrong
                    names[f"{home}.{name}"] = item
            names[f"{old}.{name}"] = item
    return names


def _check_no_hooks(hooks: object) -> None:
    if hooks is not None and not (isinstance(hooks, dict | tuple) and not hooks):
        raise LoadError("a tensor was saved with backward hooks, which are functions; remove them before saving")


def _text_keys(state: object) -> dict[str, Any]:
    if not isinstance(state, dict) or any(type(key) is not str for key in state):
        raise LoadError(f"an object's state must be a dict with text as keys, got {shown(state)}")
    return state


def _attributes(state: object) -> dict[str, Any]:
    """The attributes of a tensor as a file gives them: (``__dict__``, slots) or the dict alone."""
    if isinstance(state, tuple) and len(state) == 2 and not state[1]:
        state = state[0]
    attributes = _text_keys(state or {})
    for name in attributes:
        if name in ("_is_buffer", "_is_param") and type(attributes[name]) is bool:  # how PyTorch marks an nn.Buffer
            continue
        if not name.isidentifier() or name.startswith("_"):
            raise LoadError(f"a tensor has the attribute {name!r:.80}, which is not one that programs set")
    return attributes


def _set_state(value: Any, state: Any) -> None:
    """Give an instance of a listed class its state, by its own ``__setstate__`` or by ``__dict__``."""
    if hasattr(type(value), "__setstate__"):
        value.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        value.__dict__.update(_text_keys(state))
    for name, content in _text_keys(slots or {}).items():
        member = getattr(type(value), name, None)
        if not isinstance(member, types.MemberDescriptorType):
            raise LoadError(f"{type(value).__name__} has no slot {name!r:.80}")
        member.__set__(value, content)


# ---- NumPy's own pickles ----------------------------------------------------------------------------------


def _numpy_dtype(machine: Interpreter, text: object, align: object = False, copy: object = True) -> np.dtype[Any]:
    if type(text) is not str or text.lstrip("<=|")[:1] not in tuple(_NUMPY_KINDS) or len(text) > 12:
        raise LoadError(f"the NumPy dtype {shown(text)} is not one of numbers or text")
    dtype = np.dtype(text)
    _check_dtype(dtype)
    return dtype


def _check_dtype(dtype: object) -> np.dtype[Any]:
    if not isinstance(dtype, np.dtype) or dtype.kind not in _NUMPY_KINDS or dtype.hasobject or not dtype.isnative:
        raise LoadError(f"a NumPy array or scalar has the dtype {shown(dtype)}, which is not supported in files")
    return dtype


def _check_dtype_state(dtype: np.dtype[Any], state: object) -> None:
    """A dtype's state may only repeat what it is: (version, byte order, no fields ...)."""
    if (
        not isinstance(state, tuple)
        or len(state) < 5
        or state[1] not in ("<", "|", "=", ">")
        or state[2:5] != (None, None, None)
        or not np.dtype(dtype).newbyteorder(state[1]).isnative
    ):
        raise LoadError("a NumPy dtype with fields, a shape or another machine's byte order is not supported")


def _set_array_state(array: Any, state: object) -> None:
    if not isinstance(state, tuple) or len(state) != 5:
        raise LoadError("a NumPy array's state must be (version, shape, dtype, order, bytes)")
    version, shape, dtype, fortran, raw = state
    shape = _check_content(shape, _check_dtype(dtype), raw)
    if version != 1 or type(fortran) not in (bool, int):
        raise LoadError("a NumPy array's state has an unknown version")
    array.__setstate__((1, shape, dtype, bool(fortran), bytes(raw)))


def _check_content(shape: object, dtype: np.dtype[Any], raw: object) -> tuple[int, ...]:
    sizes = whole_numbers(shape, "a NumPy array's shape")
    if not isinstance(raw, bytes | bytearray):
        raise LoadError(f"a NumPy array must be made of bytes, got {type(raw).__name__}")
    if len(sizes) > 64:
        raise LoadError("a NumPy array has more than 64 dimensions")
    count = dtype.itemsize
    for size in sizes:
        count *= size
    largest = dtype.itemsize
    for size in sizes:
        largest *= max(size, 1)
    if count != len(raw) or largest >= 2**63:
        raise LoadError(f"a NumPy array of shape {sizes} and dtype {dtype} needs {count} bytes, got {len(raw)}")
    return sizes


def _array_from_buffer(machine: Interpreter, raw: Any, dtype: object, shape: object, order: object) -> Any:
    """How protocol 5 writes an array."""
    kind = _check_dtype(dtype)
    sizes = _check_content(shape, kind, raw)
    if order not in ("C", "F") or not kind.itemsize:
        raise LoadError("a NumPy array's order must be 'C' or 'F'")
    machine.spend(len(raw))
    return np.frombuffer(bytearray(raw), kind).reshape(sizes, order=order)


def _numpy_scalar(machine: Interpreter, dtype: object, raw: object) -> Any:
    kind = _check_dtype(dtype)
    if not isinstance(raw, bytes | bytearray) or len(raw) != kind.itemsize or not raw:
        raise LoadError(f"a NumPy scalar of dtype {kind} needs {kind.itemsize} bytes")
    return np.frombuffer(bytes(raw), kind, 1)[0]
