"""Datasets, samplers, batches and the loader, in this process and with workers."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from collections import OrderedDict, UserDict, UserList, deque, namedtuple
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils import data as D
from rushlight.utils.data._utils import transfer
from rushlight.utils.data._utils.collate import collate

Point = namedtuple("Point", "x y")
HAS_SHM = Path("/dev/shm").is_dir()


def blocks() -> list[str]:
    """Blocks of shared memory of this process that are still there."""
    if not HAS_SHM:
        return []
    return [p.name for p in Path("/dev/shm").glob(f"rushlight_{os.getpid()}_*")]


class Numbers(D.Dataset[Any]):
    """Numbers that misbehave on demand."""

    def __init__(self, n: int = 10, fault: str = "") -> None:
        self.n, self.fault = n, fault

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        if self.fault == "big":
            return np.full((64, 64), i, np.float32), {"label": rl.tensor(i)}
        if self.fault == "draws":
            return [i, int(rl.randint(0, 10**9, ()).item()), np.random.randint(10**9), random.random()]
        if self.fault == "sleep":
            time.sleep(30)
        if i == 5:
            if self.fault == "value":
                raise ValueError("five is bad")
            if self.fault == "key":
                raise KeyError("five")
            if self.fault == "exit":
                os._exit(3)
            if self.fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fault == "local":

                class Local(Exception):
                    pass

                raise Local("cannot be pickled")
            if self.fault == "graph":
                return rl.ones(1).requires_grad_() * 2
        return i


class Stream(D.IterableDataset[int]):
    def __init__(self, n: int, claims: int | None = None) -> None:
        self.n, self.claims = n, n if claims is None else claims

    def __len__(self) -> int:
        return self.claims

    def __iter__(self) -> Any:
        info = D.get_worker_info()
        return iter(range(self.n)) if info is None else iter(range(info.id, self.n, info.num_workers))


def values(loader: Any) -> list[Any]:
    return [batch.tolist() for batch in loader]


# Datasets


def test_datasets() -> None:
    rows = D.TensorDataset(rl.arange(6).reshape(3, 2), rl.tensor([0, 1, 2]))
    assert len(rows) == 3 and rows[1][0].tolist() == [2, 3]
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        D.TensorDataset(rl.ones(2), rl.ones(3))
    both = Numbers(3) + Numbers(2)
    assert [both[i] for i in range(-5, 5)] == [0, 1, 2, 0, 1] * 2
    assert both.cumulative_sizes == [3, 5]
    with pytest.raises(ValueError, match="absolute value of index should not exceed dataset length"):
        both[-6]
    with pytest.raises(AssertionError, match="datasets should not be an empty iterable"):
        D.ConcatDataset([])
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        D.ConcatDataset([Stream(2)])
    with pytest.warns(FutureWarning, match="renamed to `cumulative_sizes`"):
        assert both.cummulative_sizes == [3, 5]
    chain = Stream(2) + Stream(3)
    assert list(chain) == [0, 1, 0, 1, 2] and len(chain) == 5
    with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
        list(D.ChainDataset([Numbers(2)]))
    with pytest.raises(NotImplementedError, match="Subclasses of Dataset should implement __getitem__"):
        D.Dataset()[0]
    with pytest.raises(TypeError):
        D.IterableDataset()  # type: ignore[abstract]


def test_stack_dataset() -> None:
    tuples, dicts = D.StackDataset(Numbers(3), [5, 6, 7]), D.StackDataset(a=Numbers(3), b=[5, 6, 7])
    assert tuples[1] == (1, 6) and dicts[1] == {"a": 1, "b": 6} and len(dicts) == 3
    assert tuples.__getitems__([0, 2]) == [(0, 5), (2, 7)]
    assert D.StackDataset(a=D.Subset(Numbers(3), [2, 1])).__getitems__([0, 1]) == [{"a": 2}, {"a": 1}]
    for args, kwargs, text in (
        ((), {}, "At least one dataset should be passed"),
        (([1], [1, 2]), {}, "Size mismatch between datasets"),
        (([1],), {"a": [1]}, "Supported either"),
    ):
        with pytest.raises(ValueError, match=text):
            D.StackDataset(*args, **kwargs)


def test_subset_and_random_split() -> None:
    subset = D.Subset(Numbers(10), [7, 3, 5])
    assert [subset[i] for i in range(3)] == subset.__getitems__([0, 1, 2]) == [7, 3, 5]

    class Half(D.Subset[Any]):
        def __getitem__(self, i: Any) -> Any:
            return 0

    with pytest.raises(NotImplementedError, match="Half overrides __getitem__ but not __getitems__"):
        Half(Numbers(10), [1])

    generator = rl.Generator().manual_seed(0)
    parts = D.random_split(Numbers(10), [0.55, 0.25, 0.2], generator)
    assert [len(part) for part in parts] == [6, 2, 2]
    assert sorted(x for part in parts for x in part.indices) == list(range(10))
    with pytest.raises(ValueError, match="Sum of input lengths does not equal the length of the input"):
        D.random_split(Numbers(10), [3, 3])
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        D.random_split(Numbers(10), [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        D.random_split(Numbers(1), [0.9, 0.1])


# Samplers


def test_samplers() -> None:
    assert list(D.SequentialSampler(Numbers(3))) == [0, 1, 2]
    rl.manual_seed(0)
    shuffled = list(D.RandomSampler(Numbers(50)))
    rl.manual_seed(0)
    assert list(D.RandomSampler(Numbers(50))) == shuffled and sorted(shuffled) == list(range(50))
    many = list(D.RandomSampler(Numbers(4), num_samples=10))
    assert len(many) == 10 and sorted(many[:4]) == sorted(many[4:8]) == [0, 1, 2, 3]
    again = D.RandomSampler(Numbers(4), replacement=True, num_samples=70)
    assert len(list(again)) == len(again) == 70 and set(again) == {0, 1, 2, 3}
    generator = rl.Generator().manual_seed(3)
    first, second = (list(D.RandomSampler(Numbers(30), generator=generator)) for _ in range(2))
    assert first != second
    assert sorted(D.SubsetRandomSampler([4, 2, 9])) == [2, 4, 9]
    assert set(D.WeightedRandomSampler([0.0, 3.0, 1.0], 100)) == {1, 2}
    assert sorted(D.WeightedRandomSampler([1.0, 3.0, 1.0], 3, replacement=False)) == [0, 1, 2]
    assert list(D.BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert [len(D.BatchSampler(range(5), 2, drop)) for drop in (True, False)] == [2, 3]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: D.RandomSampler([], num_samples=0), ValueError, "num_samples should be a positive integer"),
        (lambda: D.RandomSampler([1], 1), TypeError, "replacement should be a boolean value, but got"),  # type: ignore[arg-type]
        (
            lambda: D.WeightedRandomSampler([1.0], True),
            ValueError,
            "num_samples should be a positive integer",
        ),
        (
            lambda: D.WeightedRandomSampler([[1.0]], 1),
            ValueError,
            "weights should be a 1d sequence but given",
        ),  # type: ignore[list-item]
        (lambda: D.BatchSampler([1], 0, True), ValueError, "batch_size should be a positive integer value"),
        (lambda: D.BatchSampler([1], 1, 1), ValueError, "drop_last should be a boolean value"),  # type: ignore[arg-type]
        (
            lambda: D.DistributedSampler([1], 2, 2),
            ValueError,
            "Invalid rank 2, rank should be in the interval",
        ),
    ],
)
def test_errors_of_samplers(make: Any, error: Any, text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [1, 7, 8])
def test_distributed_sampler(size: int, drop_last: bool) -> None:
    parts = [D.DistributedSampler(Numbers(size), 3, rank, drop_last=drop_last) for rank in range(3)]
    for epoch in range(2):
        for part in parts:
            part.set_epoch(epoch)
        drawn = [list(part) for part in parts]
        assert [len(d) for d in drawn] == [len(part) for part in parts]
        seen = {i for d in drawn for i in d}
        assert seen <= set(range(size)) and (drop_last or len(seen) == size)


# Batches


def test_default_collate() -> None:
    batch = D.default_collate(
        [
            {
                "t": rl.tensor([i]),
                "a": np.array([i]),
                "s": np.float32(i),
                "p": Point(i, 0.5),
                "n": [i, (i, "x")],
            }
            for i in range(3)
        ]
    )
    assert batch["t"].tolist() == batch["a"].tolist() == [[0], [1], [2]]
    assert batch["s"].dtype == rl.float32 and batch["p"].y.dtype == rl.float64
    assert isinstance(batch["p"], Point) and batch["p"].x.dtype == rl.int64
    assert batch["n"][0].tolist() == [0, 1, 2] and batch["n"][1][1] == ("x", "x", "x")
    assert D.default_collate([True, False]).dtype == rl.bool
    for kind in (OrderedDict, UserDict):
        assert type(D.default_collate([kind(a=1), kind(a=2)])) is kind
    for sequence in (deque, UserList):
        assert type(D.default_collate([sequence([1]), sequence([2])])) is sequence
    assert D.default_collate([b"a", b"b"]) == [b"a", b"b"]
    with pytest.raises(TypeError, match="default_collate: batch must contain tensors, numpy arrays, numbers"):
        D.default_collate([object()])
    with pytest.raises(TypeError, match="found <U1"):
        D.default_collate([np.array(["a"])])
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        D.default_collate([[1], [1, 2]])
    joined = collate([1, 2], collate_fn_map={(int, str): lambda batch, *, collate_fn_map: sum(batch)})
    assert joined == 3


def test_default_convert() -> None:
    texts = np.array(["a"])
    made = D.default_convert({"a": np.arange(2), "b": (1, np.float64(2)), "c": [texts, "x"], "d": Point(1, 2)})
    assert made["a"].tolist() == [0, 1] and isinstance(made["b"], list) and made["b"][1].dtype == rl.float64
    assert made["c"][0] is texts and isinstance(made["d"], Point)


# The loader in this process


def test_single_process() -> None:
    assert values(D.DataLoader(Numbers(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert values(D.DataLoader(Numbers(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(D.DataLoader(Numbers(3), batch_size=None)) == [0, 1, 2]
    assert values(D.DataLoader(Numbers(5), batch_sampler=[[4, 0], [1]])) == [[4, 0], [1]]
    assert list(D.DataLoader(Numbers(4), batch_size=3, collate_fn=sum)) == [3, 3]
    assert values(D.DataLoader(Stream(5), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert values(D.DataLoader(Stream(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert [len(D.DataLoader(s, batch_size=2)) for s in (Numbers(5), Stream(5))] == [3, 3]
    loader = D.DataLoader(Numbers(30), batch_size=7, shuffle=True)
    rl.manual_seed(1)
    first, second = values(loader), values(loader)
    assert first != second and sorted(chain(*first)) == list(range(30))
    rl.manual_seed(1)
    assert values(loader) == first


def test_rows_of_tensors_are_taken_at_once() -> None:
    rows = D.TensorDataset(rl.arange(20.0).reshape(10, 2), rl.arange(10))
    plain = [D.default_collate([rows[i] for i in ids]) for ids in ([3, 1], [7])]
    fast = list(D.DataLoader(D.Subset(D.Subset(rows, [7, 1, 3]), [2, 1, 0]), batch_size=2))
    for a, b in zip(plain, fast, strict=True):
        assert isinstance(b, list) and [x.tolist() for x in a] == [x.tolist() for x in b]
        assert [x.dtype for x in a] == [x.dtype for x in b]


def test_a_stream_longer_than_it_says() -> None:
    loader = D.DataLoader(Stream(4, claims=2), batch_size=1)
    assert len(loader) == 2
    with pytest.warns(UserWarning) as caught:
        list(loader)
    claim = "was reported to be 2(when accessing len(dataloader)), but 3 samples have been fetched."
    assert len(caught) == 2 and claim in str(caught[0].message)


def test_pin_memory_warns_and_goes_on() -> None:
    with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"):
        assert len(list(D.DataLoader(Numbers(2), pin_memory=True))) == 2


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"num_workers": -1}, ValueError, "num_workers option should be non-negative"),
        ({"timeout": -1}, ValueError, "timeout option should be non-negative"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor option could only be specified in multiproc"),
        ({"num_workers": 1, "prefetch_factor": -1}, ValueError, "prefetch_factor option should be non-neg"),
        ({"persistent_workers": True}, ValueError, "persistent_workers option needs num_workers > 0"),
        ({"sampler": [1], "shuffle": True}, ValueError, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_sampler option is mutually exclusive"),
        (
            {"batch_size": None, "drop_last": True},
            ValueError,
            "batch_size=None option disables auto-batching",
        ),
        ({"batch_size": 0}, ValueError, "batch_size should be a positive integer value"),
        (
            {"multiprocessing_context": "fork"},
            ValueError,
            "multiprocessing_context can only be used with multi",
        ),
        (
            {"multiprocessing_context": "bad", "num_workers": 1},
            ValueError,
            "multiprocessing_context option should specify a valid start method",
        ),
        (
            {"multiprocessing_context": 3, "num_workers": 1},
            TypeError,
            "multiprocessing_context option should be a valid context object or a string",
        ),
    ],
)
def test_errors_of_options(options: dict[str, Any], error: Any, text: str) -> None:
    with pytest.raises(error) as caught:
        D.DataLoader(Numbers(3), **options)
    assert str(caught.value).startswith(text)


def test_errors_of_streams_and_attributes() -> None:
    for name, value in (("shuffle", True), ("sampler", [1]), ("batch_sampler", [[1]])):
        with pytest.raises(ValueError, match=f"DataLoader with IterableDataset: expected unspecified {name}"):
            D.DataLoader(Stream(3), **{name: value})  # type: ignore[arg-type]
    D.DataLoader(Stream(3), shuffle=False)
    loader = D.DataLoader(Numbers(3))
    with pytest.raises(ValueError, match="batch_size attribute should not be set after DataLoader is initial"):
        loader.batch_size = 3
    with pytest.raises(AttributeError, match="data pipes are not supported"):
        D.IterDataPipe
    with pytest.raises(NotImplementedError):
        iter(loader).__getstate__()


# Workers

forked = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")


def loader_of(dataset: Any, **options: Any) -> Any:
    options = {"num_workers": 2, "multiprocessing_context": "fork", **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return D.DataLoader(dataset, **options)


@forked
def test_workers_give_the_same_batches_in_order() -> None:
    for options in ({"batch_size": 3}, {"batch_size": 3, "shuffle": True}, {"batch_size": None}):
        results = []
        for workers in (0, 2):
            rl.manual_seed(2)
            context = {"num_workers": workers, "multiprocessing_context": "fork" if workers else None}
            loader = loader_of(Numbers(11), **options, **context)
            results.append([int(rl.as_tensor(x).sum()) for x in loader])
        assert results[0] == results[1]
    as_they_come = loader_of(Numbers(11), batch_size=2, in_order=False)
    assert sorted(chain(*values(as_they_come))) == list(range(11))


@forked
def test_large_batches_by_shared_memory() -> None:
    loader = loader_of(Numbers(9, "big"), batch_size=4, persistent_workers=True)
    for _ in range(2):
        batches = list(loader)
        assert [tuple(b[0].shape) for b in batches] == [(4, 64, 64), (4, 64, 64), (1, 64, 64)]
        assert [b[0][:, 0, 0].tolist() for b in batches] == [b[1]["label"].tolist() for b in batches]
        batches[0][0].mul_(2)  # the receiver's own memory
    abandoned = iter(loader_of(Numbers(9, "big"), batch_size=2))
    next(abandoned)
    del abandoned, loader
    gc.collect()
    assert blocks() == []


@forked
def test_streams_are_shared_and_resumed() -> None:
    for persistent in (False, True):
        loader = loader_of(Stream(7), batch_size=2, persistent_workers=persistent)
        for _ in range(2):
            assert values(loader) == [[0, 2], [1, 3], [4, 6], [5]]


@forked
def test_seeds_of_workers() -> None:
    def draws(seed: int) -> list[Any]:
        rl.manual_seed(seed)
        return [x.tolist() for batch in loader_of(Numbers(4, "draws"), batch_size=1) for x in batch]

    first = draws(0)
    assert first == draws(0) != draws(1)
    assert len({str(first[4 * i + k]) for i in range(4) for k in (1, 2, 3)}) == 12

    seen: list[Any] = []

    def init(worker: int) -> None:
        info = D.get_worker_info()
        assert info is not None and info.id == worker and info.num_workers == 2
        assert info.seed == rl.initial_seed()
        info.dataset.n = 100 + worker

    class Size(Numbers):
        def __getitem__(self, i: int) -> Any:
            return self.n

    assert values(loader_of(Size(4), worker_init_fn=init)) == [[100], [101], [100], [101]]
    assert D.get_worker_info() is None and not seen


@forked
@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ("value", ValueError, "Caught ValueError in DataLoader worker process 1.\nOriginal Traceback (most"),
        ("key", KeyError, "Caught KeyError in DataLoader worker process 1.\nOriginal Traceback (most"),
        ("local", RuntimeError, "Caught RuntimeError in DataLoader worker process 1.\nOriginal Traceback"),
        ("graph", RuntimeError, "Caught RuntimeError in DataLoader worker process 1.\nOriginal Traceback"),
        ("exit", RuntimeError, "DataLoader worker (pid(s) "),
        ("kill", RuntimeError, "DataLoader worker (pid(s) "),
    ],
)
def test_faults_of_workers(fault: str, error: Any, text: str) -> None:
    collate_fn = (lambda batch: batch[1]) if fault == "graph" else None
    with pytest.raises(error) as caught:
        list(loader_of(Numbers(8, fault), batch_size=2, sampler=[0, 1, 4, 5, 6, 7], collate_fn=collate_fn))
    message = str(caught.value)
    assert message.startswith(text)
    if fault == "value":
        assert "five is bad" in message and "in __getitem__" in message
    if fault == "graph":
        assert "Cowardly refusing to serialize non-leaf tensor which requires_grad" in message
    if fault in ("exit", "kill"):
        assert message.endswith("exited unexpectedly")
        assert ("exit code 3" if fault == "exit" else "is killed by signal: Killed.") in str(caught.value.__cause__)


@forked
def test_iteration_goes_on_after_an_error() -> None:
    iterator = iter(loader_of(Numbers(8, "value"), batch_size=2))
    got, errors = [], 0
    while True:
        try:
            got.append(next(iterator).tolist())
        except ValueError:
            errors += 1
        except StopIteration:
            break
    assert got == [[0, 1], [2, 3], [6, 7]] and errors == 1


@forked
def test_timeout_and_end_of_slow_workers() -> None:
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match="DataLoader timed out after 0"):
        pool = iter(loader_of(Numbers(2, "sleep"), timeout=0.2))
        next(pool)
    del pool
    assert time.monotonic() - begin < 20


@forked
def test_workers_end_with_the_iterator() -> None:
    iterator = iter(loader_of(Numbers(100), batch_size=2))
    next(iterator)
    processes = list(iterator._workers)
    assert all(process.is_alive() for process in processes)
    del iterator
    gc.collect()
    assert not any(process.is_alive() for process in processes)
    loader = loader_of(Numbers(4), persistent_workers=True)
    list(loader)
    kept = list(loader._iterator._workers)
    list(loader)
    assert loader._iterator._workers == kept and all(process.is_alive() for process in kept)


@forked
def test_interrupt() -> None:
    """Ctrl-C in the whole group: the main process gets KeyboardInterrupt, nothing is left behind."""
    program = """
        import os, signal, sys, threading, time
        import rushlight as rl
        from rushlight.utils.data import DataLoader
        class Slow:
            def __len__(self): return 100
            def __getitem__(self, i): time.sleep(0.05); return i
        threading.Timer(0.6, lambda: os.killpg(0, signal.SIGINT)).start()
        iterator = iter(DataLoader(Slow(), num_workers=2, multiprocessing_context="fork"))
        workers = list(iterator._workers)
        try:
            for batch in iterator: pass
        except KeyboardInterrupt:
            del iterator
            for w in workers: w.join(5)
            print("alive", [w.is_alive() for w in workers])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "alive [False, False]", done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_spawned_workers() -> None:
    loader = loader_of(
        D.TensorDataset(rl.arange(40000)), batch_size=30000, num_workers=1, multiprocessing_context="spawn"
    )
    assert [batch[0].sum().item() for batch in loader] == [449985000, 349995000]
    with pytest.warns(UserWarning, match="Got pickle error when attempting to start a worker Process"):
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            list(loader_of(Numbers(2), num_workers=1, multiprocessing_context="spawn", collate_fn=lambda b: b))
    dead = loader_of(
        D.TensorDataset(rl.arange(400000)), num_workers=1, multiprocessing_context="spawn", collate_fn=Poison()
    )
    with pytest.raises(RuntimeError, match=r"DataLoader worker .* exited unexpectedly"):
        list(dead)


class Poison:
    """Ends the process that reads it."""

    def __reduce__(self) -> Any:
        return os._exit, (7,)


def test_many_workers_warn() -> None:
    with pytest.warns(UserWarning, match="This DataLoader will create 10000 worker processes in total"):
        D.DataLoader(Numbers(2), num_workers=10000)


# Messages


@pytest.mark.parametrize("size", [0, 3, 100_000])
def test_messages(size: int) -> None:
    value = {
        "array": np.arange(size),
        "tensor": rl.arange(float(size)),
        "scalar": rl.tensor(3.5),
        "leaf": rl.ones(2).requires_grad_(),
        "half": rl.ones(2, dtype=rl.float16),
        "text": "x" * size,
        "view": rl.arange(6).reshape(2, 3).t(),
    }
    message = transfer.pack(value, f"rushlight_{os.getpid()}_test_0")
    assert (message[1] is not None) == (size == 100_000 and os.name == "posix")
    got = transfer.unpack(message)
    assert got["leaf"].requires_grad and got["scalar"].item() == 3.5 and got["scalar"].dim() == 0
    assert got["half"].dtype == rl.float16 and got["view"].tolist() == [[0, 3], [1, 4], [2, 5]]
    for key in ("array", "tensor"):
        assert type(got[key]) is type(value[key]) and got[key].tolist() == value[key].tolist()
    got["array"][:] = 0
    got["tensor"].zero_()
    assert blocks() == []
    transfer.discard("rushlight_no_such_block")
    transfer.pack(value, f"rushlight_{os.getpid()}_test_1")
    transfer.discard(f"rushlight_{os.getpid()}_test_1")
    assert blocks() == []
