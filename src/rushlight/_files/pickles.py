"""The pickle stream inside a PyTorch file: an interpreter that builds only data, and a writer.

A pickle is a program for a small stack machine; Python's own reader lets it import and call anything. The
`Interpreter` here knows the opcodes but asks a `Vocabulary` (see `vocabulary.py`) what each name may mean,
and spends from a budget, so that time and memory stay proportional to the length of the stream.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rushlight._files import LoadError, TruncatedFileError
from rushlight._files.storages import DTYPE_STORAGES, Array, Host, TensorRecord
from rushlight._files.vocabulary import FAILED, Vocabulary

MAX_LINE = 4096
"""The longest line of a text opcode (a name, a number in digits)."""

MAX_NESTING = 1000
"""Tuples in tuples: hashing and comparing them recurses in C, where too deep is a crash."""

MAX_KEY_ITEMS = 10_000
"""The items, counted through, of a tuple used as a dictionary key."""

MAX_NUMBER_KEYS = 1 << 14
"""Tuple keys without text: their hashes can be made to collide, which makes a dictionary quadratic."""


# ---- decoding: each opcode is a byte, and an argument of one of a few kinds --------------------------------


class Stream:
    """Bytes and a position in them."""

    __slots__ = ("data", "position")

    def __init__(self, data: Any, position: int = 0) -> None:
        self.data = memoryview(data).cast("B")
        self.position = position

    def window(self, count: int) -> memoryview:
        """The next ``count`` bytes, not copied."""
        start, end = self.position, self.position + count
        if end > len(self.data):
            raise TruncatedFileError(f"the file ends at byte {len(self.data)} of it, {end} were expected")
        self.position = end
        return self.data[start:end]

    def take(self, count: int) -> bytes:
        return bytes(self.window(count))

    def line(self) -> bytes:
        end = self.position + MAX_LINE
        text, newline, _ = bytes(self.data[self.position : end]).partition(b"\n")
        if not newline:
            if end > len(self.data):
                raise TruncatedFileError("the pickle stream ends within a line")
            raise LoadError(f"the pickle stream has a line longer than {MAX_LINE} bytes")
        self.position += len(text) + 1
        return text

    def unsigned(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def sized(self, width: int) -> bytes:
        return self.take(self.unsigned(width))


def _nothing(stream: Stream) -> None:
    return None


def _name(stream: Stream) -> tuple[str, str]:
    return stream.line().decode("utf-8"), stream.line().decode("utf-8")


def _number(stream: Stream, convert: Callable[[bytes], Any] = int) -> Any:
    return convert(stream.line())


ARGUMENTS: dict[str, Callable[[Stream], Any]] = {
    "": _nothing,
    "u1": lambda s: s.window(1)[0],
    "u2": lambda s: s.unsigned(2),
    "u4": lambda s: s.unsigned(4),
    "u8": lambda s: s.unsigned(8),
    "i4": lambda s: int.from_bytes(s.take(4), "little", signed=True),
    "f8": lambda s: struct.unpack(">d", s.take(8))[0],
    "s1": lambda s: s.sized(1),
    "s4": lambda s: s.sized(4),
    "s8": lambda s: s.sized(8),
    "line": lambda s: s.line(),
    "name": _name,
}


class Opcode(NamedTuple):
    name: str
    argument: str
    """A key of `ARGUMENTS`."""


_NAMES = """
    PROTO=80:u1 FRAME=95:u8 STOP=2e: MARK=28: POP=30: POP_MARK=31: DUP=32:
    NONE=4e: NEWTRUE=88: NEWFALSE=89: INT=49:line BININT=4a:i4 BININT1=4b:u1 BININT2=4d:u2
    LONG=4c:line LONG1=8a:s1 LONG4=8b:s4 FLOAT=46:line BINFLOAT=47:f8
    UNICODE=56:line SHORT_BINUNICODE=8c:s1 BINUNICODE=58:s4 BINUNICODE8=8d:s8
    SHORT_BINSTRING=55:s1 BINSTRING=54:s4 SHORT_BINBYTES=43:s1 BINBYTES=42:s4 BINBYTES8=8e:s8 BYTEARRAY8=96:s8
    EMPTY_TUPLE=29: TUPLE1=85: TUPLE2=86: TUPLE3=87: TUPLE=74: EMPTY_LIST=5d: LIST=6c: APPEND=61: APPENDS=65:
    EMPTY_DICT=7d: DICT=64: SETITEM=73: SETITEMS=75: EMPTY_SET=8f: ADDITEMS=90: FROZENSET=91:
    GET=67:line BINGET=68:u1 LONG_BINGET=6a:u4 PUT=70:line BINPUT=71:u1 LONG_BINPUT=72:u4 MEMOIZE=94:
    GLOBAL=63:name STACK_GLOBAL=93: REDUCE=52: NEWOBJ=81: NEWOBJ_EX=92: BUILD=62: BINPERSID=51:
"""

OPCODES: dict[int, Opcode] = {
    int(code, 16): Opcode(name, argument)
    for name, code, argument in (item.replace("=", ":").split(":") for item in _NAMES.split())
}

_READERS = {code: ARGUMENTS[opcode.argument] for code, opcode in OPCODES.items()}

REFUSED: dict[int, str] = {
    0x53: "STRING (text of Python 2)",
    0x50: "PERSID (a persistent name in text)",
    0x69: "INST (an object of Python 2)",
    0x6F: "OBJ (an object of Python 2)",
    0x82: "EXT1 (a name by number)",
    0x83: "EXT2 (a name by number)",
    0x84: "EXT4 (a name by number)",
    0x97: "NEXT_BUFFER (memory outside the stream)",
    0x98: "READONLY_BUFFER (memory outside the stream)",
}


def next_opcode(stream: Stream) -> tuple[int, Any]:
    """The opcode at the stream's position and its argument."""
    position = stream.position
    if position >= len(stream.data):
        raise TruncatedFileError(f"the pickle stream ends at byte {position} without a STOP")
    code = stream.data[position]
    stream.position = position + 1
    read = _READERS.get(code)
    if read is None:
        where = f"at byte {stream.position - 1}"
        if code in REFUSED:
            raise LoadError(f"Unsupported operand {REFUSED[code]} {where}")
        raise LoadError(f"Unsupported operand {code} {where}: this is no pickle opcode, the file is damaged")
    return code, read(stream)


def scan(data: Any, position: int = 0) -> tuple[int, set[str]]:
    """Where the pickle at ``position`` ends and the names it mentions, without building anything.

    A name made at run time (STACK_GLOBAL) is taken to be the two pieces of text pushed or fetched before it.
    """
    stream, names = Stream(data, position), set[str]()
    texts: list[Any] = []
    memo: dict[int, Any] = {}
    while True:
        try:
            code, argument = next_opcode(stream)
        except (UnicodeDecodeError, ValueError) as error:
            raise LoadError(f"the pickle stream is damaged at byte {stream.position}: {error}") from error
        name = OPCODES[code].name
        if name == "STOP":
            return stream.position, names
        if name == "GLOBAL":
            names.add(".".join(_modern(*argument)))
        elif name == "STACK_GLOBAL":
            names.add(".".join(str(text) for text in texts[-2:]))
        elif name in ("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"):
            texts.append(argument.decode("utf-8", "replace"))
        elif name in ("BINGET", "LONG_BINGET"):
            texts.append(memo.get(argument))
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE") and texts:
            memo[len(memo) if argument is None else argument] = texts[-1]


def _modern(module: str, name: str) -> tuple[str, str]:
    """Names of Python 2, which protocols 0 to 2 use, in those of Python 3."""
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


# ---- reading -----------------------------------------------------------------------------------------------


class Interpreter:
    """Runs one pickle. ``load_storage`` answers its persistent ids; `run` gives the object and leaves the
    stream after its end.

    Invariant: only values that the opcodes below or the vocabulary made are ever on the stack, so no value
    has methods of a class that nobody listed.
    """

    def __init__(
        self,
        stream: Stream,
        vocabulary: Vocabulary,
        load_storage: Callable[[object], object],
        encoding: str = "utf-8",
    ) -> None:
        self.stream = stream
        self.vocabulary = vocabulary
        self.load_storage = load_storage
        self.encoding = encoding
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stacks below each open MARK
        self.memo: dict[int, Any] = {}
        self.nesting: dict[int, tuple[int, object]] = {}  # of tuples that hold tuples, by id (kept alive)
        self.number_keys = 0
        length = len(stream.data)
        self.budget = 16 * length + (1 << 24)  # items copied or walked again
        self.room = 64 * length + (1 << 26)  # bytes of containers

    def run(self) -> Any:
        start, code = self.stream.position, -1
        actions = _ACTIONS
        try:
            while True:
                start, code = self.stream.position, -1
                code, argument = next_opcode(self.stream)
                if code == 0x2E:  # STOP
                    return self.stack.pop()
                actions[code](self, argument)
        except LoadError as error:
            problem = str(error) if str(error).startswith(FAILED) else f"{FAILED}{error}"
            raise type(error)(f"{problem}{self.place(start, code)}") from error.__cause__
        except Exception as error:  # a damaged stream shows in many ways: an empty stack, a missing memo ...
            if type(error) is RuntimeError:  # PyTorch's words for a device that is not there
                raise LoadError(f"{error!s:.500}{self.place(start, code)}") from error
            problem = f"{FAILED}The pickle stream is damaged or hostile: {type(error).__name__}: {error!s:.200}"
            raise LoadError(f"{problem}{self.place(start, code)}") from error

    def place(self, start: int, code: int) -> str:
        """The keys under which the value being built will stand, for messages."""
        keys = []
        for frame in [*self.outer, self.stack]:
            keys += [item for item in frame[-3:] if type(item) is str][-1:]
        name = OPCODES[code].name if code in OPCODES else "reading an opcode"
        path = "".join(f"[{key!r:.60}]" for key in keys[-6:] if key != "storage")
        return f" (at byte {start}, {name}{', near ' + path if path else ''})"

    # -- helpers

    def spend(self, items: int) -> None:
        self.budget -= items
        if self.budget < 0:
            raise LoadError("the pickle stream copies its own values too often; the file is hostile")

    def take_room(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise LoadError("the pickle stream makes far more containers than a real one; the file is hostile")

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.outer.pop()
        return items

    def push_tuple(self, items: tuple[Any, ...]) -> None:
        self.take_room(40 + 8 * len(items))
        depth = 0
        for item in items:
            if isinstance(item, tuple | frozenset):
                depth = max(depth, 1 + (self.nesting[id(item)][0] if id(item) in self.nesting else 0))
        if depth:
            if depth > MAX_NESTING:
                raise LoadError(f"tuples are nested more than {MAX_NESTING} deep; the file is hostile")
            self.nesting[id(items)] = depth, items
        self.stack.append(items)

    def check_key(self, key: Any) -> None:
        """Refuse keys whose hashing could be slow or deep."""
        kind = type(key)
        if kind is str or kind is bytes or (kind is int and key.bit_length() <= sys.hash_info.width):
            return
        if kind is int or kind is complex:
            raise LoadError(f"a dictionary key or set element is a {kind.__name__} of unusual size or kind")
        if isinstance(key, tuple | frozenset):
            text, items, pending = False, 0, [key]
            while pending:
                for item in pending.pop():
                    items += 1
                    if items > MAX_KEY_ITEMS:
                        raise LoadError("a dictionary key or set element is a tuple with too many items")
                    if isinstance(item, tuple | frozenset):
                        pending.append(item)
                    else:
                        text = text or type(item) is str or type(item) is bytes
                        self.check_key(item)
            self.spend(items)
            self.number_keys += not text
            if self.number_keys > MAX_NUMBER_KEYS:
                raise LoadError(f"more than {MAX_NUMBER_KEYS} dictionary keys are tuples of numbers")
        elif kind is list or kind is dict or kind is set or kind is bytearray or isinstance(key, np.ndarray):
            raise LoadError(f"a {kind.__name__} cannot be a dictionary key or set element")

    def set_items(self, target: Any, items: list[Any]) -> None:
        if type(target) not in (dict, OrderedDict, Counter, defaultdict) and not (
            isinstance(target, dict) and self.vocabulary.is_listed(type(target))
        ):
            raise LoadError(
                f"Can only set items of dict, OrderedDict, defaultdict, Counter, got {type(target).__name__}"
            )
        if len(items) % 2:
            raise LoadError("a dictionary item has a key but no value")
        self.take_room(48 * len(items))
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.check_key(key)
            target[key] = value

    def extend(self, target: Any, items: list[Any]) -> None:
        if type(target) is not list and not (isinstance(target, list) and self.vocabulary.is_listed(type(target))):
            raise LoadError(f"Can only append to lists, but got {type(target).__name__}")
        self.take_room(8 * len(items))
        target.extend(items)

    def add(self, target: Any, items: list[Any]) -> None:
        if type(target) is not set:
            raise LoadError(f"Can only add items to a set, but got {type(target).__name__}")
        for item in items:
            self.check_key(item)
        self.take_room(72 * len(items))
        target.update(items)

    def put(self, key: int) -> None:
        self.memo[key] = self.stack[-1]

    def text(self, raw: bytes) -> str:
        return raw.decode("utf-8", "surrogatepass")

    # -- the opcodes that do more than push

    def protocol(self, version: int) -> None:
        if version > 5:
            raise LoadError(f"unsupported pickle protocol: {version}")

    def integer_line(self, line: bytes) -> None:
        self.push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line))

    def python2_text(self, raw: bytes) -> None:
        self.push(raw if self.encoding == "bytes" else raw.decode(self.encoding))

    def global_name(self, name: tuple[str, str]) -> None:
        self.push(self.vocabulary.find(*_modern(*name)))

    def stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise LoadError("a global's module and name must be text")
        self.push(self.vocabulary.find(*_modern(module, name)))

    def reduce(self, _: None) -> None:
        arguments = self.stack.pop()
        function = self.stack[-1]
        if not isinstance(arguments, tuple):
            raise LoadError(f"the arguments of a call must be a tuple, got {type(arguments).__name__}")
        self.stack[-1] = self.vocabulary.call(self, function, arguments)

    def new_object(self, _: None) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.vocabulary.new(self, self.stack[-1], arguments, {})

    def new_object_with_keywords(self, _: None) -> None:
        keywords, arguments = self.stack.pop(), self.stack.pop()
        self.stack[-1] = self.vocabulary.new(self, self.stack[-1], arguments, keywords)

    def build(self, _: None) -> None:
        state = self.stack.pop()
        self.vocabulary.build(self, self.stack[-1], state)

    def persistent(self, _: None) -> None:
        self.stack[-1] = self.load_storage(self.stack[-1])

    def frozen_set(self, _: None) -> None:
        items = self.pop_mark()
        members: set[Any] = set()
        self.add(members, items)
        self.push(frozenset(members))

    def mark(self, _: None) -> None:
        self.take_room(56)
        self.outer.append(self.stack)
        self.stack = []

    def pop(self, _: None) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def empty(self, kind: type, size: int) -> None:
        self.take_room(size)
        self.stack.append(kind())

    def new_list(self, _: None) -> None:
        items = self.pop_mark()
        self.take_room(56 + 8 * len(items))
        self.push(items)

    def new_dict(self, _: None) -> None:
        items = self.pop_mark()
        self.take_room(64)
        self.push({})
        self.set_items(self.stack[-1], items)

    def set_item(self, _: None) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items(self.stack[-1], [key, value])

    def append(self, _: None) -> None:
        item = self.stack.pop()
        self.extend(self.stack[-1], [item])


def _pushes(stack_value: Callable[[Any], object]) -> Callable[[Interpreter, Any], object]:
    return lambda machine, argument: machine.stack.append(stack_value(argument))


def _tuple_of(count: int) -> Callable[[Interpreter, Any], object]:
    def action(machine: Interpreter, _: None) -> None:
        if len(machine.stack) < count:
            raise LoadError("the stack holds too few values for a tuple")
        items = tuple(machine.stack[-count:])
        del machine.stack[-count:]
        machine.push_tuple(items)

    return action


def _to_long(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


_text = _pushes(lambda raw: raw.decode("utf-8", "surrogatepass"))

_BY_NAME: dict[str, Callable[[Interpreter, Any], object]] = {
    "PROTO": Interpreter.protocol,
    "FRAME": lambda machine, size: None,
    "STOP": lambda machine, _: None,
    "MARK": Interpreter.mark,
    "POP": Interpreter.pop,
    "POP_MARK": lambda machine, _: machine.pop_mark(),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "NONE": _pushes(lambda _: None),
    "NEWTRUE": _pushes(lambda _: True),
    "NEWFALSE": _pushes(lambda _: False),
    "INT": Interpreter.integer_line,
    "BININT": _pushes(lambda number: number),
    "BININT1": _pushes(lambda number: number),
    "BININT2": _pushes(lambda number: number),
    "LONG": _pushes(lambda line: int(line.removesuffix(b"L"))),
    "LONG1": _pushes(_to_long),
    "LONG4": _pushes(_to_long),
    "FLOAT": _pushes(float),
    "BINFLOAT": _pushes(lambda number: number),
    "UNICODE": _pushes(lambda raw: raw.decode("raw-unicode-escape")),
    "SHORT_BINUNICODE": _text,
    "BINUNICODE": _text,
    "BINUNICODE8": _text,
    "SHORT_BINSTRING": Interpreter.python2_text,
    "BINSTRING": Interpreter.python2_text,
    "SHORT_BINBYTES": _pushes(lambda raw: raw),
    "BINBYTES": _pushes(lambda raw: raw),
    "BINBYTES8": _pushes(lambda raw: raw),
    "BYTEARRAY8": _pushes(bytearray),
    "EMPTY_TUPLE": _pushes(lambda _: ()),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": lambda machine, _: machine.push_tuple(tuple(machine.pop_mark())),
    "EMPTY_LIST": lambda machine, _: machine.empty(list, 56),
    "LIST": Interpreter.new_list,
    "APPEND": Interpreter.append,
    "APPENDS": lambda machine, _: _on_marked(machine, machine.extend),
    "EMPTY_DICT": lambda machine, _: machine.empty(dict, 64),
    "DICT": Interpreter.new_dict,
    "SETITEM": Interpreter.set_item,
    "SETITEMS": lambda machine, _: _on_marked(machine, machine.set_items),
    "EMPTY_SET": lambda machine, _: machine.empty(set, 216),
    "ADDITEMS": lambda machine, _: _on_marked(machine, machine.add),
    "FROZENSET": Interpreter.frozen_set,
    "GET": lambda machine, line: machine.push(machine.memo[int(line)]),
    "BINGET": lambda machine, key: machine.push(machine.memo[key]),
    "LONG_BINGET": lambda machine, key: machine.push(machine.memo[key]),
    "PUT": lambda machine, line: machine.put(int(line)),
    "BINPUT": Interpreter.put,
    "LONG_BINPUT": Interpreter.put,
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "GLOBAL": Interpreter.global_name,
    "STACK_GLOBAL": Interpreter.stack_global,
    "REDUCE": Interpreter.reduce,
    "NEWOBJ": Interpreter.new_object,
    "NEWOBJ_EX": Interpreter.new_object_with_keywords,
    "BUILD": Interpreter.build,
    "BINPERSID": Interpreter.persistent,
}


def _on_marked(machine: Interpreter, action: Callable[[Any, list[Any]], None]) -> None:
    items = machine.pop_mark()
    action(machine.stack[-1], items)


_ACTIONS: dict[int, Callable[[Interpreter, Any], object]] = {
    code: _BY_NAME[opcode.name] for code, opcode in OPCODES.items()
}


# ---- writing -----------------------------------------------------------------------------------------------


class _Global:
    """A name to be written as it stands, whether or not it can be imported here."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self) -> None:
        """Never called; `pickle` asks only that the function of a reduction be callable."""


class _StorageRef(NamedTuple):
    """Stands for the storage of a tensor; written as a persistent id."""

    record: TensorRecord


class _Data(NamedTuple):
    """Stands for the plain tensor that a parameter wraps."""

    record: TensorRecord
    requires_grad: bool


_Pickler: Any = pickle._Pickler
"""The pickler in Python: only it lets names be written that cannot be imported."""


class Writer(_Pickler):  # type: ignore[misc]
    """Writes a pickle in PyTorch's words: tensors by reference to their storages, our names as ``torch...``.

    ``storages`` holds what the stream refers to, in the order of first appearance. ``key`` and ``extra`` say
    how a format names a storage and what more its persistent ids hold.
    """

    def __init__(
        self,
        host: Host,
        protocol: int = 2,
        key: Callable[[int, Array], str] | None = None,
        extra: tuple[Any, ...] = (),
    ) -> None:
        self.buffer = io.BytesIO()
        super().__init__(self.buffer, protocol)
        self.host = host
        self.key = key or (lambda number, storage: str(number))
        self.extra = extra
        self.storages: dict[str, Array] = {}
        self._keys: dict[int, str] = {}
        self._dtypes: dict[int, str] = {}
        self._globals: dict[tuple[str, str], _Global] = {}

    def name(self, module: str, name: str) -> _Global:
        """The one object for that name, so that the stream's memo works."""
        return self._globals.setdefault((module, name), _Global(module, name))

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is not _StorageRef:
            return None
        record = obj.record
        storage = record.storage
        address = storage.__array_interface__["data"][0] if storage.size else id(storage)
        if self._dtypes.setdefault(address, record.dtype) != record.dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different types "
                f"(here as {self._dtypes[address]} and as {record.dtype}); clone one of them first"
            )
        if address not in self._keys:
            self._keys[address] = self.key(len(self._keys), storage)
            self.storages[self._keys[address]] = storage
        kind, numel = ("torch", DTYPE_STORAGES.get(record.dtype)), int(storage.size)
        if kind[1] is None:  # younger dtypes have no storage class of their own
            kind, numel = ("torch.storage", "UntypedStorage"), int(storage.nbytes)
        return ("storage", self.name(kind[0], kind[1] or ""), self._keys[address], "cpu", numel, *self.extra)

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind in _PLAIN:
            return NotImplemented
        if kind is _Global:
            return obj.name
        if kind is _Data:
            return self._reduce_data(obj.record, obj.requires_grad)
        record = self.host.describe(obj)
        if record is not None:
            return self._reduce_tensor(record)
        spelling = self.host.spell(obj)
        if spelling is None:
            return NotImplemented
        if spelling.args is None:
            return spelling.name  # and `save_global` writes it
        return self.name(spelling.module, spelling.name), spelling.args

    def save_global(self, obj: Any, name: str | None = None) -> None:
        spelling = obj if type(obj) is _Global else self.host.spell(obj)
        if spelling is None:
            super().save_global(obj, name)
            return
        if self.proto >= 4:
            self.save(spelling.module)
            self.save(spelling.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{spelling.module}\n{spelling.name}\n".encode())
        self.memoize(obj)

    def _reduce_tensor(self, record: TensorRecord) -> tuple[Any, ...]:
        if record.is_parameter:
            no_hooks: OrderedDict[str, Any] = OrderedDict()
            data = _Data(record, False)
            call = (data, record.requires_grad, no_hooks)
            if record.state:
                return self.name("torch._utils", "_rebuild_parameter_with_state"), (*call, record.state)
            return self.name("torch._utils", "_rebuild_parameter"), call
        function, arguments = self._reduce_data(record, record.requires_grad)
        if record.state or record.subclass:
            whole = (function, record.subclass or self.name("torch", "Tensor"), arguments, record.state or {})
            return self.name("torch._tensor", "_rebuild_from_type_v2"), whole
        return function, arguments

    def _reduce_data(self, record: TensorRecord, requires_grad: bool) -> tuple[Any, ...]:
        view = (_StorageRef(record), record.offset, record.size, record.stride)
        no_hooks: OrderedDict[str, Any] = OrderedDict()
        arguments = (*view, requires_grad, no_hooks)
        if record.dtype in DTYPE_STORAGES:
            return self.name("torch._utils", "_rebuild_tensor_v2"), arguments
        return self.name("torch._utils", "_rebuild_tensor_v3"), (*arguments, self.name("torch", record.dtype))


_PLAIN: frozenset[type] = frozenset((type(None), bool, int, float, complex, str, bytes, list, tuple, dict, OrderedDict))
