"""Trees: leaves out and in again, maps, paths, structures as text."""

from __future__ import annotations

import dataclasses
import time
from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushlight.utils import _pytree as P

Point = namedtuple("Point", "x y")

TREES = st.recursive(
    st.integers() | st.none() | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3).map(deque)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.dictionaries(st.integers(0, 5), inner, max_size=3).map(OrderedDict)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3).map(lambda d: defaultdict(list, d))
        | st.tuples(inner, inner).map(lambda pair: Point(*pair))
    ),
    max_leaves=12,
)


@given(TREES)
def test_round_trip(tree: Any) -> None:
    leaves, spec = P.tree_flatten(tree)
    again = P.tree_unflatten(leaves, spec)
    assert again == tree and type(again) is type(tree)
    assert leaves == P.tree_leaves(tree) == list(P.tree_iter(tree)) == spec.flatten_up_to(tree)
    assert spec == P.tree_structure(again) and hash(spec) == hash(P.tree_structure(again))
    assert spec.num_leaves == len(leaves)
    assert P.tree_map(lambda x: x, tree) == tree
    paths = P.tree_leaves_with_path(tree)
    assert [P.key_get(tree, path) for path, _ in paths] == leaves
    assert P.treespec_pprint(P.tree_structure([1])) == "[*]"


@given(TREES)
def test_written_structures(tree: Any) -> None:
    spec = P.tree_structure(tree)
    if "namedtuple" in repr(spec):
        with pytest.raises(NotImplementedError, match="Can't serialize TreeSpec of namedtuple class"):
            P.treespec_dumps(spec)
    else:
        assert P.treespec_loads(P.treespec_dumps(spec)) == spec


def test_maps() -> None:
    tree = {"a": [1, (2, "x")], "b": Point(3, None)}
    assert P.tree_map_only(int, lambda x: -x, tree) == {"a": [-1, (-2, "x")], "b": Point(-3, None)}
    assert P.tree_map_only((int, str), str, [1, "a", 2.0]) == ["1", "a", 2.0]
    assert P.tree_map_only(int | str, str, [1, "a", 2.0]) == ["1", "a", 2.0]
    assert P.tree_map_only(lambda x: x == 1, str, [1, 2]) == ["1", 2]
    with pytest.raises(TypeError, match="Argument must be a type, a tuple of types, or a callable"):
        P.tree_map_only(3, str, [1])  # type: ignore[arg-type]
    seen: list[int] = []
    assert P.tree_map_(seen.append, [1, 2]) == [1, 2] and seen == [1, 2]
    assert P.tree_map_only_(int, seen.append, ["x", 3]) == ["x", 3] and seen == [1, 2, 3]
    assert P.tree_map(lambda a, b: (a, b), [1, 2], [[3, 4], 5]) == [(1, [3, 4]), (2, 5)]
    assert P.tree_map(lambda a, b: a + b, {"a": 1, "b": 2}, OrderedDict(b=20, a=10)) == {"a": 11, "b": 22}
    assert P.tree_map(len, [[1, 2], [3]], is_leaf=lambda x: x != [] and isinstance(x[0], int)) == [2, 1]
    with_paths = P.tree_map_with_path(lambda path, x: P.keystr(path), tree)
    assert with_paths == {"a": ["['a'][0]", ("['a'][1][0]", "['a'][1][1]")], "b": Point("['b'].x", "['b'].y")}
    assert P.tree_all(bool, [1, [2]]) and not P.tree_all(bool, [0]) and P.tree_any(bool, [0, [1]])
    assert P.tree_all_only(int, bool, [1, ""]) and not P.tree_any_only(int, bool, [0, "x"])
    assert P.arg_tree_leaves(1, [2], k={"a": 3}) == [1, 2, 3]
    assert P.tree_is_leaf(None) and not P.tree_is_leaf([])


@pytest.mark.parametrize(
    ("tree", "other", "text"),
    [
        ([1, 2], [1], "Node arity mismatch; expected 2, but got 1."),
        ([1, 2], (1, 2), "Node type mismatch; expected <class 'list'>, but got <class 'tuple'>."),
        ({"a": 1}, {"b": 1}, "Node keys mismatch; missing key(s): {'a'}; extra key(s): {'b'}."),
        ([1, [2]], [1, 2], "Node type mismatch; expected <class 'list'>, but got <class 'int'>."),
        (Point(1, 2), namedtuple("Other", "x y")(1, 2), "Node context mismatch for node type"),
    ],
)
def test_mismatches(tree: Any, other: Any, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        P.tree_map(lambda a, b: a, tree, other)
    assert str(caught.value).startswith(text)


def test_errors() -> None:
    spec = P.tree_structure([1, 2])
    with pytest.raises(ValueError, match="`leaves` has length 1 but the spec refers to a pytree that holds 2"):
        P.tree_unflatten([1], spec)
    with pytest.raises(TypeError, match="Expected `treespec` to be an instance of PyTreeSpec but got item"):
        P.tree_unflatten([1], 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="<class 'list'> is already registered as pytree node"):
        P.register_pytree_node(list, lambda x: (x, None), lambda x, _: x)
    with pytest.raises(TypeError, match="non-default `__hash__` implementation"):
        P.register_constant(list)
    for text in ("", "[]", "3", "[1, 3]"):
        with pytest.raises(ValueError, match="treespec_loads"):
            P.treespec_loads(text)
    with pytest.raises(ValueError, match="Unknown protocol 9"):
        P.treespec_loads("[9, {}]")


def test_loading_runs_nothing() -> None:
    text = P.treespec_dumps(P.tree_structure(defaultdict(list, a=1)))
    evil = text.replace('"list"', '"system"').replace('builtins"', 'os"', 1)
    with pytest.raises(ValueError, match="refused the default_factory"):
        P.treespec_loads(evil)
    with pytest.raises(NotImplementedError, match="cannot write down the default_factory"):
        P.treespec_dumps(P.tree_structure(defaultdict(lambda: 3, a=1)))


def test_registered_classes() -> None:
    class Pair:
        def __init__(self, a: Any, b: Any) -> None:
            self.a, self.b = a, b

    P.register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda xs, _: Pair(*xs))
    assert P.tree_leaves([Pair(1, [2])]) == [1, 2]
    assert P.tree_map(lambda x, y: x + y, Pair(1, 2), Pair(3, 4)).b == 6
    with pytest.raises(ValueError, match="Did not find a flatten_with_keys_fn for type"):
        P.tree_leaves_with_path(Pair(1, 2))
    with pytest.raises(NotImplementedError, match="No registered serialization name for"):
        P.treespec_dumps(P.tree_structure(Pair(1, 2)))

    @dataclasses.dataclass
    class Config:
        a: int
        b: Any = None
        name: str = "x"

    P.register_dataclass(Config, drop_field_names=["name"])
    assert repr(P.tree_structure(Config(1))) == "TreeSpec(Config, [['a'], ['b']], [*])"
    assert P.tree_map(lambda x: x + 1, Config(1, [2])) == Config(2, [3])
    assert [P.keystr(path) for path, _ in P.tree_leaves_with_path(Config(1, [2]))] == [".a", ".b[0]"]
    with pytest.raises(ValueError, match="do not match"):
        P.register_dataclass(dataclasses.make_dataclass("More", ["x"]), field_names=["y"])

    @dataclasses.dataclass(frozen=True)
    class Fixed:
        value: int

    P.register_constant(Fixed)
    assert P.is_constant_class(Fixed) and P.tree_leaves([Fixed(1), 2]) == [2]
    assert P.tree_structure(Fixed(1)) != P.tree_structure(Fixed(2))
    assert P.tree_map(lambda x: x, Fixed(1)) == Fixed(1)


def test_specs() -> None:
    spec = P.tree_structure({"b": [1, (2, 3)], "a": deque([4], maxlen=3)})
    assert (spec.num_children, spec.num_leaves, spec.num_nodes) == (2, 4, 8)
    assert spec.type is dict and spec.context == ["b", "a"] and spec.child(1).context == 3
    assert P.treespec_pprint(spec) == "{'b': [*, (*, *)], 'a': deque([*], maxlen=3)}"
    assert P.LeafSpec() == P.tree_structure(1) and isinstance(P.tree_structure(1), P.LeafSpec)
    assert not isinstance(spec, P.LeafSpec) and P.LeafSpec().is_leaf()
    assert P.tree_structure({"a": 1, "b": 2}) != P.tree_structure({"b": 1, "a": 2})
    assert P._broadcast_to_and_flatten([1, 2], P.tree_structure([[0, 0], 0])) == [1, 1, 2]
    assert P._broadcast_to_and_flatten(5, spec) == [5] * 4
    assert P._broadcast_to_and_flatten([1], spec) is None


def test_kinds_of_tuples() -> None:
    now = time.gmtime()
    assert P.is_structseq(now) and P.is_structseq_class(type(now)) and not P.is_structseq(Point(1, 2))
    assert P.is_namedtuple(Point) and P.is_namedtuple(Point(1, 2)) and not P.is_namedtuple((1, 2))
    assert P.is_namedtuple_instance(Point(1, 2)) and not P.is_namedtuple_instance(Point)
    assert P.tree_leaves(now) == [now]


def test_a_librarys_dict_registered_by_pytorchs_functions() -> None:
    class Output(dict):
        pass

    P.register_pytree_node(
        Output,
        P._dict_flatten,
        lambda values, context: Output(P._dict_unflatten(values, context)),
        flatten_with_keys_fn=P._dict_flatten_with_keys,
    )
    tree = Output(a=1, b=[2, 3])
    assert P.tree_map(lambda x: -x, tree) == {"a": -1, "b": [-2, -3]}
    assert type(P.tree_map(lambda x: x, tree)) is Output
    assert [P.keystr(path) for path, _ in P.tree_leaves_with_path(tree)] == ["['a']", "['b'][0]", "['b'][1]"]


def test_named_tuples_are_written_down_by_registered_names() -> None:
    Place = namedtuple("Place", ["x", "y"])
    spec = P.tree_structure(Place(1, [2, 3]))
    with pytest.raises(NotImplementedError, match="Please register using `_register_namedtuple`"):
        P.treespec_dumps(spec)
    P._register_namedtuple(Place, serialized_type_name="tests.Point")
    with pytest.raises(ValueError, match="already registered"):
        P._register_namedtuple(Place, serialized_type_name="tests.Point")
    text = P.treespec_dumps(spec)
    assert P.treespec_loads(text) == spec
    with pytest.raises(NotImplementedError, match="couldn't find"):
        P.treespec_loads(text.replace("tests.Point", "tests.Other"))


def test_the_older_name_of_registration_warns_and_replaces() -> None:
    class Pair:
        def __init__(self, a: Any, b: Any) -> None:
            self.a, self.b = a, b

    how = (lambda p: ([p.a, p.b], None), lambda children, _: Pair(*children))
    with pytest.warns(FutureWarning, match="_register_pytree_node` is deprecated"):
        P._register_pytree_node(Pair, *how)
    with pytest.warns(UserWarning, match="already registered"), pytest.warns(FutureWarning):
        P._register_pytree_node(Pair, *how)
    assert P.tree_map(lambda x: x + 1, Pair(1, 2)).b == 3
