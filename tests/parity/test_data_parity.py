"""The same loaders in PyTorch and here: batches, shuffles under a seed, messages, and trees."""

from __future__ import annotations

import inspect
import random
import warnings
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils import _pytree as our_trees
from rushlight.utils import data as ours

torch = pytest.importorskip("torch")
theirs = torch.utils.data
SIDES = ((torch, theirs), (rl, ours))

Point = namedtuple("Point", "x y")


class Samples:
    """Samples of all kinds; a dataset needs no base class."""

    def __init__(self, lib: Any, n: int = 23) -> None:
        self.lib, self.n = lib, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        return OrderedDict(
            scalar=np.float32(i),
            tensor=self.lib.tensor([i, i + 1]),
            pair=Point(i, f"s{i}"),
            nested=[i * 1.0, (1, True)],
            array=np.arange(3, dtype=np.int16) + i,
        )


class Draws(Samples):
    def __getitem__(self, i: int) -> Any:
        return i, int(self.lib.randint(0, 10**9, ()).item()), np.random.randint(10**9), random.random()


def plain(value: Any) -> Any:
    """A batch with arrays (and their dtype) in place of tensors."""
    if isinstance(value, dict):
        return type(value).__name__, [(key, plain(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    if hasattr(value, "numpy"):
        array = value.numpy()
        return str(array.dtype), array.tolist()
    return value


def rows(lib: Any, data: Any) -> Any:
    return data.TensorDataset(lib.arange(20.0).reshape(10, 2), lib.arange(10))


def stream(data: Any, n: int = 10) -> Any:
    class Stream(data.IterableDataset):  # type: ignore[name-defined]
        def __len__(self) -> int:
            return n - 3

        def __iter__(self) -> Any:
            info = data.get_worker_info()
            return iter(range(n)) if info is None else iter(range(info.id, n, info.num_workers + info.id))

    return Stream()


LOADERS = {
    "kinds": lambda lib, d: d.DataLoader(Samples(lib), batch_size=4),
    "shuffle": lambda lib, d: d.DataLoader(Samples(lib), batch_size=4, shuffle=True, drop_last=True),
    "no batches": lambda lib, d: d.DataLoader(Samples(lib), batch_size=None),
    "rows": lambda lib, d: d.DataLoader(rows(lib, d), batch_size=3, shuffle=True),
    "generator": lambda lib, d: d.DataLoader(
        rows(lib, d), batch_size=3, shuffle=True, generator=lib.Generator().manual_seed(9)
    ),
    "subset": lambda lib, d: d.DataLoader(d.Subset(rows(lib, d), [3, 1, 2, 7]), batch_size=3),
    "concat": lambda lib, d: d.DataLoader(rows(lib, d) + rows(lib, d), batch_size=7, shuffle=True),
    "stack": lambda lib, d: d.DataLoader(d.StackDataset(a=rows(lib, d), b=rows(lib, d)), batch_size=4),
    "stream": lambda lib, d: d.DataLoader(stream(d), batch_size=4),
    "stream, workers": lambda lib, d: d.DataLoader(stream(d), batch_size=2, num_workers=2),
    "stream, kept workers": lambda lib, d: d.DataLoader(
        stream(d), batch_size=2, num_workers=2, persistent_workers=True
    ),
    "workers": lambda lib, d: d.DataLoader(Samples(lib), batch_size=4, shuffle=True, num_workers=2),
    "draws": lambda lib, d: d.DataLoader(Draws(lib), batch_size=4, num_workers=2),
    "draws, kept": lambda lib, d: d.DataLoader(Draws(lib), num_workers=2, persistent_workers=True),
    "weights": lambda lib, d: d.DataLoader(
        Samples(lib), sampler=d.WeightedRandomSampler([0.1, 0.2, 0.7], 50), batch_size=4
    ),
    "replacement": lambda lib, d: d.DataLoader(
        Samples(lib), sampler=d.RandomSampler(range(10), replacement=True, num_samples=75), batch_size=4
    ),
    "several shuffles": lambda lib, d: d.DataLoader(
        Samples(lib), sampler=d.RandomSampler(range(10), num_samples=25), batch_size=4
    ),
    "subset sampler": lambda lib, d: d.DataLoader(
        Samples(lib), sampler=d.SubsetRandomSampler([5, 2, 9], lib.Generator().manual_seed(3))
    ),
    "split": lambda lib, d: d.DataLoader(d.random_split(Samples(lib), [0.5, 0.3, 0.2])[1], batch_size=4),
    "distributed": lambda lib, d: d.DataLoader(
        Samples(lib), sampler=d.DistributedSampler(range(23), 4, 2, seed=5, drop_last=True)
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LOADERS)
def test_loaders(name: str) -> None:
    results = []
    for lib, data in SIDES:
        lib.manual_seed(3)
        loader = LOADERS[name](lib, data)
        batches = [plain(batch) for _ in range(2) for batch in loader]
        results.append((batches, lib.rand(1).item()))  # and the generator stands where it should
    assert results[0] == results[1]


def messages(lib: Any, data: Any) -> list[str]:
    ten = list(range(10))

    class Bad(Samples):
        def __getitem__(self, i: int) -> Any:
            raise KeyError(i)

    misuses = [
        lambda: data.DataLoader(ten, num_workers=-1),
        lambda: data.DataLoader(ten, timeout=-1),
        lambda: data.DataLoader(ten, prefetch_factor=3),
        lambda: data.DataLoader(ten, num_workers=1, prefetch_factor=-1),
        lambda: data.DataLoader(ten, persistent_workers=True),
        lambda: data.DataLoader(ten, sampler=ten, shuffle=True),
        lambda: data.DataLoader(ten, batch_sampler=[ten], shuffle=True),
        lambda: data.DataLoader(ten, batch_size=None, drop_last=True),
        lambda: data.DataLoader(ten, batch_size=0),
        lambda: data.DataLoader(ten, drop_last=1),
        lambda: data.DataLoader([], shuffle=True),
        lambda: data.DataLoader(ten, multiprocessing_context="spawn"),
        lambda: data.DataLoader(ten, multiprocessing_context="x", num_workers=1),
        lambda: data.DataLoader(ten, multiprocessing_context=3, num_workers=1),
        lambda: data.DataLoader(stream(data), shuffle=True),
        lambda: data.DataLoader(stream(data), sampler=ten),
        lambda: data.DataLoader(stream(data), batch_sampler=ten),
        lambda: setattr(data.DataLoader(ten), "sampler", ten),
        lambda: iter(data.DataLoader(ten, timeout=1)),
        lambda: iter(data.DataLoader(ten, num_workers=1, prefetch_factor=0)),
        lambda: list(data.DataLoader([object()])),
        lambda: list(data.DataLoader([[1], [1, 2]], batch_size=2)),
        lambda: list(data.DataLoader([np.array(["a"])])),
        lambda: data.RandomSampler(ten, replacement=3),
        lambda: data.RandomSampler(ten, num_samples=-1),
        lambda: data.WeightedRandomSampler([1.0], 2.0),
        lambda: data.WeightedRandomSampler([1.0], 2, replacement=2),
        lambda: data.WeightedRandomSampler([[1.0]], 2),
        lambda: data.DistributedSampler(ten, 2, -1),
        lambda: data.random_split(ten, [3, 3]),
        lambda: data.random_split(ten, [2.0, -1.0]),
        lambda: data.ConcatDataset([]),
        lambda: data.ConcatDataset([stream(data)]),
        lambda: data.ConcatDataset([ten])[-11],
        lambda: data.StackDataset(),
        lambda: data.StackDataset(ten, [1]),
        lambda: data.StackDataset(ten, a=ten),
        lambda: data.TensorDataset(lib.ones(2), lib.ones(3)),
        lambda: data.Dataset()[3],
        lambda: next(iter(data.Sampler())),
    ]
    result = []
    for i, misuse in enumerate(misuses):
        try:
            misuse()
        except Exception as error:
            result.append(f"{i} {type(error).__name__}: {error}")
        else:
            result.append(f"{i} fine")
    return result


@pytest.mark.filterwarnings("ignore")
def test_messages() -> None:
    assert messages(rl, ours) == messages(torch, theirs)


def test_warnings() -> None:
    results = []
    for _, data in SIDES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loader = data.DataLoader(stream(data), pin_memory=True, pin_memory_device="cuda")
            len(loader)
            list(loader)
            data.random_split(range(1), [0.9, 0.1])
            data.DataLoader(range(3), num_workers=1000)
            assert data.ConcatDataset([[1]]).cummulative_sizes == [1]
        texts = [(w.category, str(w.message).split(" object at ")[0]) for w in caught]
        results.append([t for t in texts if t[0] is not DeprecationWarning])
    assert results[0] == results[1]


def test_convert() -> None:
    value = {
        "a": np.arange(3),
        "b": (1, np.float32(2)),
        "c": [np.array(["x"]), "y"],
        "d": Point(np.ones(1), 2),
    }
    assert str(plain(theirs.default_convert(value))) == str(plain(ours.default_convert(value)))


def test_signatures() -> None:
    pipes = {"IterDataPipe", "MapDataPipe", "DFIterDataPipe", "DataChunk", "argument_validation"}
    pipes |= {"functional_datapipe", "guaranteed_datapipes_determinism", "non_deterministic"}
    pipes |= {"runtime_validation", "runtime_validation_disabled"}
    for name in set(theirs.__all__) - pipes:
        one, two = (inspect.signature(getattr(data, name)).parameters for data in (theirs, ours))
        assert [(p.name, p.kind) for p in one.values()] == [(p.name, p.kind) for p in two.values()], name


TREES: list[Any] = [
    [1, (2, None), {"a": 3}],
    {"b": [1, 2], "a": Point(1, [2])},
    OrderedDict(z=1, y={"x": (1,)}),
    (),
    [],
    5,
]


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_trees(tree: Any) -> None:
    results = []
    for trees in (torch.utils._pytree, our_trees):
        leaves, spec = trees.tree_flatten(tree)
        paths = [trees.keystr(path) for path, _ in trees.tree_leaves_with_path(tree)]
        text = None if "namedtuple" in repr(spec) else trees.treespec_dumps(spec)
        assert trees.tree_unflatten(leaves, spec) == tree
        mismatches = []
        for other in TREES:
            try:
                mismatches.append(trees.tree_map(lambda a, b: (a, b), tree, other))
            except ValueError as error:
                mismatches.append(sorted(str(error)))  # sets of keys are printed in any order
        results.append((leaves, repr(spec), spec.num_nodes, paths, text, mismatches))
        results[-1] += (trees.treespec_pprint(spec), trees._broadcast_to_and_flatten(1, spec))
    assert results[0] == results[1]
