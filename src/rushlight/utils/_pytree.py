"""Trees of containers: take the leaves out of nested lists, tuples, dicts..., and put others in.

A container is a node, anything else (``None`` too) a leaf. For each type of node the registry knows how
to split an instance into children and a context, and how to make an instance of the two.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Hashable, Iterable, Iterator
from types import UnionType
from typing import Any, TypeAlias, TypeVar

__all__ = [
    "Context",
    "DumpableContext",
    "FlattenFn",
    "FromDumpableContextFn",
    "GetAttrKey",
    "KeyEntry",
    "KeyPath",
    "LeafSpec",
    "MappingKey",
    "PyTree",
    "PyTreeSpec",
    "SequenceKey",
    "ToDumpableContextFn",
    "TreeSpec",
    "UnflattenFn",
    "arg_tree_leaves",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "is_structseq",
    "is_structseq_class",
    "is_structseq_instance",
    "key_get",
    "keystr",
    "map_only",
    "register_constant",
    "register_dataclass",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_map_with_path",
    "tree_structure",
    "tree_unflatten",
    "treespec_dumps",
    "treespec_loads",
    "treespec_pprint",
]

PyTree: TypeAlias = Any
Context: TypeAlias = Any
DumpableContext: TypeAlias = Any
FlattenFn: TypeAlias = Callable[[Any], tuple[list[Any], Any]]
UnflattenFn: TypeAlias = Callable[[Iterable[Any], Any], Any]
ToDumpableContextFn: TypeAlias = Callable[[Any], Any]
FromDumpableContextFn: TypeAlias = Callable[[Any], Any]
IsLeaf: TypeAlias = Callable[[Any], bool] | None
TypesOrPredicate: TypeAlias = "type[Any] | tuple[type[Any], ...] | UnionType | Callable[[Any], bool]"

_C = TypeVar("_C")

# Keys of paths


@dataclasses.dataclass(frozen=True)
class SequenceKey:
    """The way to an item of a sequence, by its index."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """The item of ``sequence``."""
        return sequence[self.idx]


@dataclasses.dataclass(frozen=True)
class MappingKey:
    """The way to an item of a mapping, by its key."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """The item of ``mapping``."""
        return mapping[self.key]


@dataclasses.dataclass(frozen=True)
class GetAttrKey:
    """The way to an attribute, by its name."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """The attribute of ``obj``."""
        return getattr(obj, self.name)


KeyEntry: TypeAlias = Any
KeyPath: TypeAlias = tuple[Any, ...]


def keystr(kp: KeyPath) -> str:
    """A path as Python would write it.

    >>> from rushlight.utils._pytree import tree_leaves_with_path, keystr
    >>> [keystr(path) for path, leaf in tree_leaves_with_path({"a": [1, 2]})]
    ["['a'][0]", "['a'][1]"]
    """
    return "".join(str(key) for key in kp)


def key_get(obj: Any, kp: KeyPath) -> Any:
    """What a path leads to in ``obj``."""
    for key in kp:
        obj = key.get(obj)
    return obj


# Named tuples and the struct sequences of C


def is_namedtuple_class(cls: type) -> bool:
    """Whether ``cls`` is a class of named tuples."""
    fields = getattr(cls, "_fields", None)
    return (
        isinstance(cls, type)
        and issubclass(cls, tuple)
        and isinstance(fields, tuple)
        and all(type(field) is str for field in fields)
        and callable(getattr(cls, "_make", None))
        and callable(getattr(cls, "_asdict", None))
    )


def is_namedtuple_instance(obj: object) -> bool:
    """Whether ``obj`` is a named tuple."""
    return is_namedtuple_class(type(obj))


_is_namedtuple_instance = is_namedtuple_instance


def is_namedtuple(obj: object | type) -> bool:
    """Whether ``obj`` is a named tuple or a class of them."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_structseq_class(cls: type) -> bool:
    """Whether ``cls`` is a struct sequence, as ``time.struct_time`` is."""
    return (
        isinstance(cls, type)
        and cls.__bases__ == (tuple,)
        and all(isinstance(getattr(cls, n, None), int) for n in ("n_fields", "n_sequence_fields"))
        and isinstance(getattr(cls, "n_unnamed_fields", None), int)
    )


def is_structseq_instance(obj: object) -> bool:
    """Whether ``obj`` is an instance of a struct sequence."""
    return is_structseq_class(type(obj))


def is_structseq(obj: object | type) -> bool:
    """Whether ``obj`` is a struct sequence or a class of them."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


# The registry


@dataclasses.dataclass
class NodeDef:
    """How instances of one type are taken apart, put together, and written down."""

    type: Any
    flatten_fn: FlattenFn
    unflatten_fn: UnflattenFn
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None
    serialized_type_name: str | None = None
    to_dumpable_context: ToDumpableContextFn | None = None
    from_dumpable_context: FromDumpableContextFn | None = None


SUPPORTED_NODES: dict[Any, NodeDef] = {}
CONSTANT_NODES: set[type] = set()
STANDARD_DICT_TYPES = frozenset({dict, OrderedDict, defaultdict})


def register_pytree_node(
    cls: type[Any],
    flatten_fn: FlattenFn,
    unflatten_fn: UnflattenFn,
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: ToDumpableContextFn | None = None,
    from_dumpable_context: FromDumpableContextFn | None = None,
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Make instances of ``cls`` nodes.

    Args:
        cls: the type; its subclasses are not meant.
        flatten_fn: from an instance to its children and a context that can be compared.
        unflatten_fn: from children and context to an instance.
        serialized_type_name: the name that :func:`treespec_dumps` writes.
        to_dumpable_context, from_dumpable_context: between the context and what JSON can hold.
        flatten_with_keys_fn: from an instance to pairs of key and child, and the context.

    Raises ValueError if the type is registered already.

    >>> from rushlight.utils._pytree import register_pytree_node, tree_map
    >>> class Pair:
    ...     def __init__(self, a, b): self.a, self.b = a, b
    >>> register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda children, _: Pair(*children))
    >>> tree_map(lambda x: x + 1, Pair(1, 2)).b
    3
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls!r} is already registered as pytree node.")
    if (to_dumpable_context is None) != (from_dumpable_context is None):
        raise ValueError(f"Both to_dumpable_context and from_dumpable_context for {cls} must be None or registered.")
    SUPPORTED_NODES[cls] = NodeDef(
        cls,
        flatten_fn,
        unflatten_fn,
        flatten_with_keys_fn,
        serialized_type_name,
        to_dumpable_context,
        from_dumpable_context,
    )


def _register_pytree_node(
    cls: type[Any],
    flatten_fn: FlattenFn,
    unflatten_fn: UnflattenFn,
    to_str_fn: Any = None,
    maybe_from_str_fn: Any = None,
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: ToDumpableContextFn | None = None,
    from_dumpable_context: FromDumpableContextFn | None = None,
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """The older name of :func:`register_pytree_node`, with PyTorch's warning; a type may be registered again."""
    warnings.warn(
        "`torch.utils._pytree._register_pytree_node` is deprecated. Please use "
        "`torch.utils._pytree.register_pytree_node` instead.",
        FutureWarning,
        stacklevel=2,
    )
    if to_str_fn is not None or maybe_from_str_fn is not None:
        warnings.warn(
            "`to_str_fn` and `maybe_from_str_fn` is deprecated. Please use `to_dumpable_context` and "
            "`from_dumpable_context` instead.",
            FutureWarning,
            stacklevel=2,
        )
    if SUPPORTED_NODES.pop(cls, None) is not None:
        warnings.warn(
            f"{cls} is already registered as pytree node. Overwriting the previous registration.", stacklevel=2
        )
    register_pytree_node(
        cls,
        flatten_fn,
        unflatten_fn,
        serialized_type_name=serialized_type_name,
        to_dumpable_context=to_dumpable_context,
        from_dumpable_context=from_dumpable_context,
        flatten_with_keys_fn=flatten_with_keys_fn,
    )


def register_dataclass(
    cls: type[Any],
    *,
    field_names: list[str] | None = None,
    drop_field_names: list[str] | None = None,
    serialized_type_name: str | None = None,
) -> None:
    """Make instances of a dataclass nodes whose children are their fields.

    Args:
        cls: the dataclass.
        field_names: the fields, all those of its ``__init__`` unless given.
        drop_field_names: fields that are left out, and must have defaults.
        serialized_type_name: the name that :func:`treespec_dumps` writes.

    A field that is ``None`` is put into the context, as it may stand for a whole subtree. Raises
    ValueError if the names do not fit the class.

    >>> from dataclasses import dataclass
    >>> from rushlight.utils._pytree import register_dataclass, tree_map
    >>> @dataclass
    ... class Point:
    ...     x: int
    ...     y: int
    >>> register_dataclass(Point)
    >>> tree_map(lambda x: -x, Point(1, 2))
    Point(x=-1, y=-2)
    """
    drop = drop_field_names or []
    if not dataclasses.is_dataclass(cls):
        raise ValueError(f"register_dataclass: expected a dataclass, got {cls!r}")
    expected = [field.name for field in dataclasses.fields(cls) if field.init]
    names = [name for name in expected if name not in drop] if field_names is None else list(field_names)
    if set(names) | set(drop) != set(expected):
        missing = sorted(set(expected) - set(names) - set(drop))
        unknown = sorted((set(names) | set(drop)) - set(expected))
        raise ValueError(
            f"register_dataclass: the fields of {cls} do not match: missing {missing}, unexpected {unknown}"
        )

    def flatten_with_keys(obj: Any) -> tuple[list[tuple[Any, Any]], Any]:
        present = [name for name in names if getattr(obj, name) is not None]
        absent = [name for name in names if getattr(obj, name) is None]
        return [(GetAttrKey(name), getattr(obj, name)) for name in present], [present, absent]

    def flatten(obj: Any) -> tuple[list[Any], Any]:
        pairs, context = flatten_with_keys(obj)
        return [child for _, child in pairs], context

    def unflatten(children: Iterable[Any], context: Any) -> Any:
        present, absent = context
        return cls(**dict(zip(present, children, strict=True)), **dict.fromkeys(absent))

    register_pytree_node(
        cls,
        flatten,
        unflatten,
        serialized_type_name=serialized_type_name,
        flatten_with_keys_fn=flatten_with_keys,
    )


@dataclasses.dataclass(frozen=True)
class ConstantNode:
    """The context of a constant: the value itself."""

    value: Any


def register_constant(cls: type[Any]) -> None:
    """Make instances of ``cls`` nodes without children, so that they belong to the structure.

    Raises TypeError if they have no equality or hash of their own.
    """
    equality: Any = cls.__eq__
    hashing: Any = cls.__hash__
    if equality is object.__eq__:
        raise TypeError("register_constant(cls) expects `cls` to have a non-default `__eq__` implementation.")
    if hashing is None or hashing is object.__hash__:
        raise TypeError("register_constant(cls) expects `cls` to have a non-default `__hash__` implementation.")
    register_pytree_node(
        cls,
        lambda value: ([], ConstantNode(value)),
        lambda _, context: context.value,
        flatten_with_keys_fn=lambda value: ([], ConstantNode(value)),
    )
    CONSTANT_NODES.add(cls)


def is_constant_class(cls: type[Any]) -> bool:
    """Whether instances of ``cls`` are constants."""
    return isinstance(cls, type) and cls in CONSTANT_NODES


def _register_sequence(cls: Any, name: str) -> None:
    register_pytree_node(
        cls,
        lambda seq: (list(seq), None),
        lambda children, _: cls(children),
        serialized_type_name=name,
        flatten_with_keys_fn=lambda seq: ([(SequenceKey(i), x) for i, x in enumerate(seq)], None),
    )


# Under PyTorch's names: libraries register their own dicts by them.
def _dict_flatten(d: Any) -> tuple[list[Any], Any]:
    return list(d.values()), list(d)


def _dict_flatten_with_keys(d: Any) -> tuple[list[tuple[Any, Any]], Any]:
    return [(MappingKey(k), v) for k, v in d.items()], list(d)


def _dict_unflatten(values: Iterable[Any], context: Any) -> dict[Any, Any]:
    return dict(zip(context, values, strict=True))


def _register_dict(cls: Any, name: str) -> None:
    register_pytree_node(
        cls,
        _dict_flatten,
        lambda children, keys: cls(zip(keys, children, strict=True)),
        serialized_type_name=name,
        flatten_with_keys_fn=_dict_flatten_with_keys,
    )


# Written-down factories are taken from here only: to load a tree must not run what a file names.
_FACTORIES: dict[str, Any] = {
    cls.__name__: cls for cls in (list, dict, tuple, set, frozenset, int, float, complex, str, bytes, bool)
}


def _dump_defaultdict(context: Any) -> Any:
    factory, keys = context
    name = getattr(factory, "__name__", None)
    if factory is not None and _FACTORIES.get(str(name)) is not factory:
        raise NotImplementedError(
            f"treespec_dumps: cannot write down the default_factory {factory!r}; supported are {sorted(_FACTORIES)}"
        )
    return {
        "default_factory_module": None if factory is None else "builtins",
        "default_factory_name": name,
        "dict_context": keys,
    }


def _load_defaultdict(dumped: Any) -> Any:
    name = dumped["default_factory_name"]
    if name is not None and (dumped["default_factory_module"] != "builtins" or name not in _FACTORIES):
        raise ValueError(
            "treespec_loads: refused the default_factory "
            f"{dumped['default_factory_module']}.{name}; supported are {sorted(_FACTORIES)}"
        )
    return [None if name is None else _FACTORIES[name], dumped["dict_context"]]


_NAMEDTUPLES: dict[Any, str] = {}  # classes of named tuples, by the names under which they are written down


def _register_namedtuple(cls: type[Any], *, serialized_type_name: str) -> None:
    """Give a class of named tuples, all of which are nodes, the name under which :func:`treespec_dumps` writes it."""
    if cls in _NAMEDTUPLES:
        raise ValueError(f"{cls!r} is already registered as namedtuple class.")
    _NAMEDTUPLES[cls] = serialized_type_name


def _dump_namedtuple(context: Any) -> Any:
    if context not in _NAMEDTUPLES:
        raise NotImplementedError(
            f"Can't serialize TreeSpec of namedtuple class {context} because we didn't register a serializated_type_name. "
            "Please register using `_register_namedtuple`."
        )
    return _NAMEDTUPLES[context]


def _load_namedtuple(dumped: Any) -> Any:
    found = next((cls for cls, name in _NAMEDTUPLES.items() if name == dumped), None)
    if found is None:
        raise NotImplementedError(
            f"Can't deserialize TreeSpec of namedtuple class {dumped} because we couldn't find a serializated name."
        )
    return found


def _namedtuple_flatten(d: Any) -> tuple[list[Any], Any]:
    return list(d), type(d)


def _namedtuple_unflatten(values: Iterable[Any], context: Any) -> Any:
    return context(*values)


def _list_flatten(d: Any) -> tuple[list[Any], Any]:
    return list(d), None


def _list_unflatten(values: Iterable[Any], context: Any) -> list[Any]:
    return list(values)


def _tuple_flatten(d: Any) -> tuple[list[Any], Any]:
    return list(d), None


def _tuple_unflatten(values: Iterable[Any], context: Any) -> tuple[Any, ...]:
    return tuple(values)


_register_sequence(list, "builtins.list")
_register_sequence(tuple, "builtins.tuple")
_register_dict(dict, "builtins.dict")
_register_dict(OrderedDict, "collections.OrderedDict")
register_pytree_node(
    defaultdict,
    lambda d: (list(d.values()), [d.default_factory, list(d)]),
    lambda children, context: defaultdict(context[0], zip(context[1], children, strict=True)),
    serialized_type_name="collections.defaultdict",
    to_dumpable_context=_dump_defaultdict,
    from_dumpable_context=_load_defaultdict,
    flatten_with_keys_fn=lambda d: (
        [(MappingKey(k), v) for k, v in d.items()],
        [d.default_factory, list(d)],
    ),
)
register_pytree_node(
    deque,
    lambda d: (list(d), d.maxlen),
    lambda children, maxlen: deque(children, maxlen=maxlen),
    serialized_type_name="collections.deque",
    flatten_with_keys_fn=lambda d: ([(SequenceKey(i), x) for i, x in enumerate(d)], d.maxlen),
)
# One entry for all named tuples: which class it is stands in the context.
register_pytree_node(
    namedtuple,  # type: ignore[arg-type]
    _namedtuple_flatten,
    _namedtuple_unflatten,
    serialized_type_name="collections.namedtuple",
    to_dumpable_context=_dump_namedtuple,
    from_dumpable_context=_load_namedtuple,
    flatten_with_keys_fn=lambda t: (
        [(GetAttrKey(name), child) for name, child in zip(t._fields, t, strict=True)],
        type(t),
    ),
)
BUILTIN_TYPES = frozenset(SUPPORTED_NODES)


def _get_node_type(tree: Any) -> Any:
    """The key of a tree's type among ``SUPPORTED_NODES``."""
    return namedtuple if is_namedtuple_instance(tree) and type(tree) not in SUPPORTED_NODES else type(tree)


def _node_def(tree: Any, is_leaf: IsLeaf) -> NodeDef | None:
    """How to take ``tree`` apart; ``None`` for a leaf."""
    if is_leaf is not None and is_leaf(tree):
        return None
    cls = type(tree)
    definition = SUPPORTED_NODES.get(cls)
    if definition is None and is_namedtuple_class(cls):
        return SUPPORTED_NODES[namedtuple]
    return definition


# Structures


class TreeSpec:
    """The structure of a tree: what is left when its leaves are taken out.

    Attributes:
        type: the type of this node, ``None`` for a leaf.
        context: what the node is besides its children, such as the keys of a dict.
        num_children, num_leaves, num_nodes: counts.

    Two are equal if trees of them have the same shape; they can be hashed if all contexts can be compared.
    """

    __slots__ = ("_children", "_context", "num_children", "num_leaves", "num_nodes", "type")

    num_leaves: int
    num_nodes: int

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type = type
        self._context = context
        self._children = children_specs
        self.num_children = len(children_specs)
        self.num_leaves = 1 if type is None else sum(child.num_leaves for child in children_specs)
        self.num_nodes = 1 + sum(child.num_nodes for child in children_specs)

    @property
    def context(self) -> Any:
        """What this node is besides its children."""
        return self._context

    @property
    def children_specs(self) -> list[TreeSpec]:
        """The structures of the children."""
        return self._children

    def children(self) -> list[TreeSpec]:
        """The structures of the children."""
        return list(self._children)

    def child(self, index: int) -> TreeSpec:
        """The structure of one child."""
        return self._children[index]

    def is_leaf(self) -> bool:
        """Whether the whole tree is one leaf."""
        return self.type is None

    def __repr__(self) -> str:
        return self._text(0)

    def _text(self, indent: int) -> str:
        if self.type is None:
            return "*"
        prefix = f"TreeSpec({self.type.__name__}, {self._context}, ["
        deeper = indent + 2
        children = [child._text(deeper) for child in self._children]
        return prefix + (",\n" + " " * deeper).join(children) + "])"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (
            self.type == other.type
            and self._context == other._context
            and self.num_leaves == other.num_leaves
            and self._children == other._children
        )

    def __hash__(self) -> int:
        # Contexts hold lists of keys, which have no hash: their text has one.
        context = self._context
        key: Hashable = context if self.type not in BUILTIN_TYPES and _hashable(context) else repr(context)
        return hash((self.type, key, tuple(self._children)))

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree of this structure with the given leaves."""
        leaves = leaves if isinstance(leaves, (list, tuple)) else list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a "
                f"pytree that holds {self.num_leaves} items ({self})."
            )
        return self._unflatten(iter(leaves))

    def _unflatten(self, leaves: Iterator[Any]) -> Any:
        if self.type is None:
            return next(leaves)
        children = [child._unflatten(leaves) for child in self._children]
        return SUPPORTED_NODES[self.type].unflatten_fn(children, self._context)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The subtrees of ``tree`` where this structure has its leaves.

        Raises ValueError if ``tree`` does not begin with this structure.
        """
        subtrees: list[Any] = []
        self._flatten_up_to(tree, subtrees)
        return subtrees

    def _flatten_up_to(self, tree: Any, subtrees: list[Any]) -> None:
        if self.type is None:
            subtrees.append(tree)
            return
        definition = _node_def(tree, None)
        kind = type(tree) if definition is None else definition.type
        both_dicts = self.type in STANDARD_DICT_TYPES and kind in STANDARD_DICT_TYPES
        if kind != self.type and not both_dicts:
            what = "Node type" if self.type in BUILTIN_TYPES else "Type"
            raise ValueError(f"{what} mismatch; expected {self.type!r}, but got {kind!r}.")
        assert definition is not None
        children, context = definition.flatten_fn(tree)
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if both_dicts:
            children = self._in_my_order(tree)
        elif self.type is not deque and context != self._context:  # a deque's limit is not its shape
            kind = "node" if self.type in BUILTIN_TYPES else "custom node"
            raise ValueError(
                f"Node context mismatch for {kind} type {self.type!r}; expected {self._context!r}, but got {context!r}."
            )
        for child, subtree in zip(self._children, children, strict=True):
            child._flatten_up_to(subtree, subtrees)

    def _in_my_order(self, tree: Any) -> list[Any]:
        """The values of a dict by the order of keys in this structure."""
        keys = self._context[1] if self.type is defaultdict else self._context
        missing = [key for key in keys if key not in tree]
        extra = [key for key in tree if key not in keys]
        if missing or extra:
            raise ValueError(
                "Node keys mismatch"
                + (f"; missing key(s): {_as_set(missing)}" if missing else "")
                + (f"; extra key(s): {_as_set(extra)}" if extra else "")
                + "."
            )
        return [tree[key] for key in keys]


PyTreeSpec: TypeAlias = TreeSpec


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _as_set(keys: list[Any]) -> str:
    return "{" + ", ".join(map(repr, keys)) + "}"


class _LeafMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TreeSpec) and instance.is_leaf()


class LeafSpec(TreeSpec, metaclass=_LeafMeta):
    """The structure of a leaf; every such structure is an instance of it."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None, None, [])


_LEAF_SPEC = TreeSpec(None, None, [])


# Flatten and unflatten


def tree_is_leaf(tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``tree`` is no node, or ``is_leaf`` says so."""
    return _node_def(tree, is_leaf) is None


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, from left to right, and its structure.

    Args:
        tree: any value.
        is_leaf: says of a subtree whether to take it as a leaf.

    >>> from rushlight.utils._pytree import tree_flatten, tree_unflatten
    >>> leaves, spec = tree_flatten({"a": [1, 2], "b": 3})
    >>> leaves
    [1, 2, 3]
    >>> tree_unflatten([x * 10 for x in leaves], spec)
    {'a': [10, 20], 'b': 30}
    """
    leaves: list[Any] = []
    return leaves, _flatten_into(tree, is_leaf, leaves)


def _flatten_into(tree: Any, is_leaf: IsLeaf, leaves: list[Any]) -> TreeSpec:
    definition = _node_def(tree, is_leaf)
    if definition is None:
        leaves.append(tree)
        return _LEAF_SPEC
    children, context = definition.flatten_fn(tree)
    specs = [_flatten_into(child, is_leaf, leaves) for child in children]
    return TreeSpec(definition.type, context, specs)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of a structure with the given leaves; the inverse of :func:`tree_flatten`.

    Raises TypeError if ``treespec`` is no structure, ValueError if the number of leaves is not its own.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"Expected `treespec` to be an instance of PyTreeSpec but got item of type {type(treespec)}.")
    return treespec.unflatten(leaves)


def tree_iter(tree: Any, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves of a tree, one after the other."""
    definition = _node_def(tree, is_leaf)
    if definition is None:
        yield tree
        return
    for child in definition.flatten_fn(tree)[0]:
        yield from tree_iter(child, is_leaf)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a tree, from left to right.

    >>> from rushlight.utils._pytree import tree_leaves
    >>> tree_leaves([1, (2, None), {}])
    [1, 2, None]
    """
    leaves: list[Any] = []
    _leaves_into(tree, is_leaf, leaves)
    return leaves


def _leaves_into(tree: Any, is_leaf: IsLeaf, leaves: list[Any]) -> None:
    definition = _node_def(tree, is_leaf)
    if definition is None:
        leaves.append(tree)
        return
    for child in definition.flatten_fn(tree)[0]:
        _leaves_into(child, is_leaf, leaves)


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """The structure of a tree.

    >>> from rushlight.utils._pytree import tree_structure
    >>> tree_structure((1, 2))
    TreeSpec(tuple, None, [*,
      *])
    """
    return tree_flatten(tree, is_leaf)[1]


def arg_tree_leaves(*args: Any, **kwargs: Any) -> list[Any]:
    """The leaves of all arguments of a call."""
    return [*tree_leaves(args), *tree_leaves(kwargs)]


def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """Pairs of path and leaf, and the structure.

    Raises ValueError for a node whose type was registered without ``flatten_with_keys_fn``.
    """
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf = None) -> list[tuple[KeyPath, Any]]:
    """Pairs of path and leaf, from left to right."""
    return list(_iter_with_path((), tree, is_leaf))


def _iter_with_path(path: KeyPath, tree: Any, is_leaf: IsLeaf) -> Iterator[tuple[KeyPath, Any]]:
    definition = _node_def(tree, is_leaf)
    if definition is None:
        yield path, tree
        return
    if definition.flatten_with_keys_fn is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {definition.type}. "
            "Please pass a flatten_with_keys_fn argument to register_pytree_node."
        )
    for key, child in definition.flatten_with_keys_fn(tree)[0]:
        yield from _iter_with_path((*path, key), child, is_leaf)


# Map


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree of what ``func`` makes of each leaf, with what stands in its place in ``rests``.

    Args:
        func: from a leaf (and the subtrees of ``rests``) to a new leaf.
        tree: gives the structure.
        rests: trees that begin with that structure; ValueError if not.
        is_leaf: says of a subtree whether to take it as a leaf.

    >>> from rushlight.utils._pytree import tree_map
    >>> tree_map(lambda x, y: x + y, {"a": 1, "b": (2, 3)}, {"a": 10, "b": (20, 30)})
    {'a': 11, 'b': (22, 33)}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten([func(*args) for args in zip(leaves, *others, strict=True)])


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Call ``func`` as :func:`tree_map` does, for what it does, and return ``tree``."""
    leaves, spec = tree_flatten(tree, is_leaf)
    for args in zip(leaves, *(spec.flatten_up_to(rest) for rest in rests), strict=True):
        func(*args)
    return tree


def tree_map_with_path(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """:func:`tree_map` with a function that gets the path of the leaf first."""
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten([func(path, leaf, *args) for (path, leaf), *args in zip(pairs, *others, strict=True)])


def _predicate(types: TypesOrPredicate) -> Callable[[Any], bool]:
    if isinstance(types, (type, tuple, UnionType)):
        return lambda x: isinstance(x, types)
    if callable(types):
        return types
    raise TypeError("Argument must be a type, a tuple of types, or a callable.")


def map_only(types: TypesOrPredicate, /) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """A decorator: apply the function to what is of these types only, and leave the rest as it is."""
    applies = _predicate(types)

    def decorate(func: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: func(x) if applies(x) else x

    return decorate


def tree_map_only(types: TypesOrPredicate, /, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None) -> Any:
    """:func:`tree_map` for leaves of some types (or that a predicate picks); the others stay.

    >>> from rushlight.utils._pytree import tree_map_only
    >>> tree_map_only(int, lambda x: x + 1, [1, "a"])
    [2, 'a']
    """
    return tree_map(map_only(types)(func), tree, is_leaf=is_leaf)


def tree_map_only_(types: TypesOrPredicate, /, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None) -> Any:
    """:func:`tree_map_` for leaves of some types (or that a predicate picks)."""
    return tree_map_(map_only(types)(func), tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for all leaves."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for some leaf."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf))


def tree_all_only(types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for all leaves of these types."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, types))


def tree_any_only(types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for some leaf of these types."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, types))


def _broadcast_to_and_flatten(tree: Any, treespec: TreeSpec, is_leaf: IsLeaf = None) -> list[Any] | None:
    """The leaves of ``tree`` repeated to where it is coarser than ``treespec``; ``None`` if it differs.

    This is how one ``in_dims`` serves a whole subtree of arguments.
    """
    definition = _node_def(tree, is_leaf)
    if definition is None:
        return [tree] * treespec.num_leaves
    if treespec.is_leaf() or definition.type != treespec.type:
        return None
    children, context = definition.flatten_fn(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    leaves: list[Any] = []
    for child, spec in zip(children, treespec.children(), strict=True):
        flat = _broadcast_to_and_flatten(child, spec, is_leaf)
        if flat is None:
            return None
        leaves += flat
    return leaves


# Structures as text

_PROTOCOL = 1


def treespec_pprint(treespec: TreeSpec) -> str:
    """A structure as its tree would be printed, with a star for each leaf.

    >>> from rushlight.utils._pytree import tree_structure, treespec_pprint
    >>> treespec_pprint(tree_structure({"a": [1, 2]}))
    "{'a': [*, *]}"
    """
    star = type("_Star", (), {"__repr__": lambda self: "*"})()
    return repr(treespec.unflatten([star] * treespec.num_leaves))


def treespec_dumps(treespec: TreeSpec, protocol: int | None = None) -> str:
    """A structure as JSON, as PyTorch writes it.

    Raises TypeError for what is no structure, ValueError for an unknown protocol, NotImplementedError
    for types registered without a ``serialized_type_name``.

    >>> from rushlight.utils._pytree import tree_structure, treespec_dumps, treespec_loads
    >>> treespec_loads(treespec_dumps(tree_structure([1, {"a": 2}]))) == tree_structure([1, {"a": 2}])
    True
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            f"treespec_dumps(treespec, protocol): Expected `treespec` to be instance of TreeSpec but got "
            f"item of type {type(treespec)}."
        )
    if protocol not in (None, _PROTOCOL):
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: {[_PROTOCOL]}")
    return json.dumps([_PROTOCOL, _spec_to_json(treespec)])


def treespec_loads(serialized: str) -> TreeSpec:
    """The structure that :func:`treespec_dumps` wrote; only registered types are made.

    Raises ValueError for anything else.
    """
    try:
        protocol, schema = json.loads(serialized)
    except (TypeError, ValueError) as error:
        raise ValueError(f"treespec_loads: expected what treespec_dumps writes, got {serialized!r}") from error
    if protocol != _PROTOCOL:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: {[_PROTOCOL]}")
    return _spec_from_json(schema)


def _spec_to_json(spec: TreeSpec) -> dict[str, Any]:
    if spec.is_leaf():
        return {"type": None, "context": None, "children_spec": []}
    definition = SUPPORTED_NODES[spec.type]
    if definition.serialized_type_name is None:
        raise NotImplementedError(
            f"No registered serialization name for {spec.type} found. Please update your "
            "_register_pytree_node call with a `serialized_type_name` kwarg."
        )
    if definition.to_dumpable_context is not None:
        context = definition.to_dumpable_context(spec.context)
    else:
        try:
            context = json.dumps(spec.context)
        except TypeError as error:
            raise TypeError(
                "Unable to serialize context. Please make the context json dump-able, or register a "
                "custom serializer using _register_pytree_node."
            ) from error
    return {
        "type": definition.serialized_type_name,
        "context": context,
        "children_spec": [_spec_to_json(child) for child in spec.children()],
    }


def _spec_from_json(schema: Any) -> TreeSpec:
    if not isinstance(schema, dict) or not {"type", "context", "children_spec"} <= schema.keys():
        raise ValueError(f"treespec_loads: expected a node of a structure, got {schema!r}")
    name = schema["type"]
    if name is None:
        return _LEAF_SPEC
    definition = next((d for d in SUPPORTED_NODES.values() if d.serialized_type_name == name), None)
    if definition is None:
        raise NotImplementedError(f"Deserializing `{name}` in pytree is not registered: register_pytree_node it first.")
    load = definition.from_dumpable_context or json.loads
    children = [_spec_from_json(child) for child in schema["children_spec"]]
    return TreeSpec(definition.type, load(schema["context"]), children)
