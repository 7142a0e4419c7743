"""Tensors of data and of ranges: what may share memory, what warns, what is refused, and in which words."""

from __future__ import annotations

import array
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch


def read_only() -> Any:
    made = np.ones(2)
    made.flags.writeable = False
    return made


# ---- shared memory

COPIES: dict[str, Callable[[Any], Any]] = {
    "flip": lambda x: x.flip(0), "flip of nothing": lambda x: x.flip([]), "fliplr": lambda x: x.fliplr(), "rot90": lambda x: x.rot90(),
    "pixel_shuffle": lambda x: torch.pixel_shuffle(x[None], 1), "pixel_unshuffle": lambda x: torch.pixel_unshuffle(x[None], 1),
    "channel_shuffle": lambda x: torch.channel_shuffle(x[None, None], 1), "topk": lambda x: x[0, 0].topk(1)[0],
    "native_dropout": lambda x: torch.native_dropout(x, 0.5, False)[0], "chain_matmul": lambda x: torch.chain_matmul(x),
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_what_is_a_copy_is_one_also_where_nothing_changes(name: str) -> None:
    x = torch.tensor([[2.0]])
    COPIES[name](x).add_(100)
    assert x.tolist() == [[2.0]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: (b := bytearray(8), torch.asarray(b, dtype=torch.int32)),
        lambda: (b := array.array("i", [0, 0]), torch.asarray(b, dtype=torch.int32)),
        lambda: (b := np.zeros(2, np.int32), torch.asarray(memoryview(b), dtype=torch.int32)),
        lambda: (b := torch.zeros(2, dtype=torch.int32), torch.asarray(torch.utils.dlpack.to_dlpack(b))),
    ],
)
def test_asarray_shares_the_memory_of_what_shows_it(make: Callable[[], Any]) -> None:
    source, made = make()
    made[1] = 1
    assert np.frombuffer(source.numpy() if isinstance(source, torch.Tensor) else source, np.int32).tolist() == [0, 1]


def test_asarray_copies_where_it_must() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="unspecified requires_grad"):
        assert torch.asarray(x) is x
    assert not torch.asarray(x, requires_grad=False).requires_grad
    assert torch.asarray([1, 2], device="meta").is_meta
    with pytest.raises(ValueError, match="can't alias tensor with dtype 'Float' into dtype 'Double'"):
        torch.asarray(torch.ones(1), dtype=torch.float64, copy=False)
    with pytest.raises(ValueError, match="can't alias arbitrary sequence"):
        torch.asarray([1], copy=False)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: torch.frombuffer(b"12", dtype=torch.uint8), "buffer is not writable"),
        (lambda: torch.from_numpy(read_only()), "NumPy array is not writable"),
        (lambda: torch.as_tensor(read_only()), "NumPy array is not writable"),
        (lambda: torch.tensor([np.ones(2), np.ones(2)]), "list of numpy.ndarrays is extremely slow"),
        (lambda: torch.range(0, 3), "torch.range is deprecated"),
        (lambda: torch.ones(2)[torch.tensor([1, 0], dtype=torch.uint8)], "indexing with dtype torch.uint8"),
    ],
)
def test_warns(call: Callable[[], Any], words: str) -> None:
    with pytest.warns(UserWarning, match=words):
        call()


def test_numpys_functions_do_not_warn_of_read_only_operands() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (torch.ones(2) + read_only()).tolist() == [2.0, 2.0]


# ---- ranges


def test_ranges_fill_out_in_its_shape() -> None:
    for call in (
        lambda out: torch.arange(0, 4, out=out),
        lambda out: torch.linspace(0, 3, 4, out=out),
        lambda out: torch.logspace(0, 2, 4, 1.5, out=out),
    ):
        y = torch.zeros(2, 3)
        call(y.narrow(1, 1, 2))
        assert (y[:, 0] == 0).all() and y[1, 2] > y[1, 1] > y[0, 2]
    assert torch.arange(3, out=torch.empty(3)).dtype is torch.float32


def test_ranges_of_complex_numbers() -> None:
    assert torch.linspace(0, 1j, 3).dtype is torch.complex64
    assert torch.allclose(torch.logspace(0, 1j, 2), torch.tensor([1, 10**1j]))
    with pytest.raises(RuntimeError, match="can't be safely cast to passed dtype Float"):
        torch.linspace(0, 1j, 3, dtype=torch.float32)


# ---- what is refused


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: torch.logspace(0, 1, -1), RuntimeError, "number of steps must be non-negative"),
        (lambda: torch.frombuffer([1], dtype=torch.uint8), ValueError, "does not implement Python buffer protocol"),
        (lambda: torch.hstack(torch.ones(2)), TypeError, "must be tuple of Tensors, not Tensor"),
        (lambda: torch.dstack(torch.ones(2)), TypeError, "must be tuple of Tensors, not Tensor"),
        (lambda: torch.zeros(torch.tensor([2, 3])), TypeError, "must be tuple of ints, not Tensor"),
        (lambda: "a" in torch.ones(2), RuntimeError, "but you passed in a <class 'str'>"),
        (lambda: torch.ones(4).unflatten("a", (2, 2)), TypeError, "argument 'dim' .* must be int, not str"),
        (lambda: torch.unflatten(torch.ones(4), 0, ("a", 2)), TypeError, "found element of type str at pos 0"),
        (lambda: torch.tensor(1.0)[0], IndexError, "invalid index of a 0-dim tensor"),
        (lambda: torch.zeros(0)[torch.tensor([0])], IndexError, "out of bounds for dimension with size 0"),
        (lambda: torch.iinfo(torch.bool), TypeError, "torch.bool is not supported by torch.iinfo"),
        (lambda: torch.finfo("a"), TypeError, r"finfo\(\): argument 'type'"),
        (
            lambda: torch.masked_select(torch.ones(2), torch.ones(2) > 0, out=torch.empty(0).double()),
            RuntimeError,
            "self and result must have the same scalar type",
        ),
        (
            lambda: torch.diff(torch.ones(2, 3), prepend=torch.ones(3, 3)),
            RuntimeError,
            "diff expects the shape of tensor to prepend or append to match",
        ),
    ],
)
def test_refuses(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        call()


def test_cat_keeps_channels_last() -> None:
    x = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert torch.cat([x, x], 1).is_contiguous(memory_format=torch.channels_last)
    assert torch.cat([x, x.contiguous()], 1).is_contiguous()
    assert torch.equal(torch.cat([x, x], 1), torch.cat([x.contiguous()] * 2, 1))


def test_type_by_the_class_tensor() -> None:
    assert torch.ones(2).double().type(torch.Tensor).dtype is torch.float32
    assert torch.ones(2).new(size=(2, 3)).shape == (2, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: torch.empty(10, 9, dtype=dtype),
        lambda dtype: torch.empty(10, 9, out=torch.zeros(1, dtype=dtype)),
        lambda dtype: torch.empty_like(torch.zeros(10, 9, dtype=dtype)),
        lambda dtype: torch.zeros(2, dtype=dtype).new_empty(3, 4),
        lambda dtype: torch.empty_strided((10, 9), (1, 10), dtype=dtype),
        lambda dtype: torch.empty_permuted((2, 3, 5), (1, 0, 2), dtype=dtype),
        lambda dtype: torch.zeros(0, dtype=dtype).resize_(7),
    ],
)
def test_deterministic_algorithms_fill_what_nobody_wrote(make: Callable[[Any], Any]) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        assert make(torch.float32).isnan().all() and make(torch.complex64).isnan().all()
        assert (make(torch.int16) == 2**15 - 1).all() and make(torch.bool).all()
        torch.utils.deterministic.fill_uninitialized_memory = False
        make(torch.float32)
        assert not torch.utils.deterministic.fill_uninitialized_memory
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.use_deterministic_algorithms(False)
    with pytest.raises(TypeError, match="must be bool, not int"):
        torch.use_deterministic_algorithms(1)
    with pytest.raises(TypeError, match="must be bool, not int"):
        torch.utils.deterministic.fill_uninitialized_memory = 1


def test_sizes_too_large_are_runtime_errors() -> None:
    for make in (torch.empty, torch.zeros, torch.ones, lambda *s: torch.full(s, 1)):
        with pytest.raises(RuntimeError, match=r"Storage size calculation overflowed with sizes=\[4611686018427387904"):
            make(2**62, 8)
        with pytest.raises(RuntimeError, match="can't allocate memory"):
            make(2**52)


def test_set_takes_bytes_as_its_own_dtype() -> None:
    source = torch.arange(4.0)
    x = torch.zeros(3).set_(source.untyped_storage(), 1, (2,), (1,))
    x[0] = 7
    assert source.tolist() == [0, 7, 2, 3] and x.tolist() == [7, 2]
    assert torch.zeros(3, dtype=torch.int16).set_(source.untyped_storage()).shape == (8,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        typed = torch.arange(4).storage()
    with pytest.raises(RuntimeError, match="Expected a Storage of type float or an UntypedStorage, but got type Long"):
        torch.zeros(3).set_(typed)


def test_out_and_dtype_agree() -> None:
    wide = torch.empty(2, dtype=torch.float64)
    for make in (torch.zeros, torch.ones, torch.empty, torch.eye, lambda n, **o: torch.linspace(0, 1, n, **o)):
        with pytest.raises(RuntimeError, match=r"dtype Float does not match dtype of out parameter \(Double\)"):
            make(2, out=wide, dtype=torch.float32)
    assert torch.empty(3, out=torch.empty(0, dtype=torch.int16)).shape == (3,)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.ones(2, out=torch.empty(2, requires_grad=True))
    assert torch.bernoulli(torch.ones(3), out=torch.empty(0, dtype=torch.int16)).tolist() == [1, 1, 1]


def test_sums_are_made_in_the_dtype_of_out() -> None:
    x = torch.tensor([[0.3, 0.7], [1.2, 0.4]])
    out = lambda dtype: torch.empty(0, dtype=dtype)
    assert torch.sum(x, 1, out=out(torch.int64)).tolist() == [0, 1]
    assert torch.cumsum(x, 1, out=out(torch.int16)).tolist() == [[0, 0], [1, 1]]
    assert torch.prod(torch.tensor([[True, False]]), 1, out=out(torch.bool)).tolist() == [False]
    assert torch.sum(torch.full((300,), 1.0).half() * 300, 0, out=out(torch.float32)).item() == 90000
    for call in (torch.sum, torch.prod, torch.mean, torch.cumsum, torch.cumprod, torch.nansum):
        with pytest.raises(RuntimeError, match="Expected out tensor to have dtype double, but got float instead"):
            call(x, 1, dtype=torch.float64, out=out(torch.float32))
    with pytest.raises(
        RuntimeError, match="the output given to float_power has dtype Float but the operation's result"
    ):
        torch.float_power(x, 2, out=out(torch.float32))
    with pytest.raises(RuntimeError, match="'values' to have the same type"):
        torch.median(x, 1, out=(out(torch.float64), out(torch.int64)))
    with pytest.raises(RuntimeError, match="'indices' to have scalar type Long"):
        torch.median(x, 1, out=(out(torch.float32), out(torch.int32)))


def test_bytes_as_another_dtype_begin_and_step_evenly() -> None:
    assert torch.zeros(0, 64, dtype=torch.bool).view(torch.float32).shape == (0, 16)
    assert torch.ones(6, 4)[2:].view(torch.complex64).shape == (4, 2)
    for x, words in (
        (torch.ones(4, 6)[:, 1:3], r"self.storage_offset\(\) must be divisible by 2 to view Float as Double"),
        (torch.ones(5, 5)[:, :4], r"self.stride\(0\) must be divisible by 2 .* but got 5"),
        (torch.ones(4, 4).t(), r"self.stride\(-1\) must be 1 .* but got 4"),
    ):
        with pytest.raises(RuntimeError, match=words):
            x.view(torch.float64)


def test_edges_of_creation() -> None:
    assert torch.cat([torch.ones(0), torch.ones(0)], dim=1).shape == (0,)
    assert torch.zeros(2, out=torch.empty(2), requires_grad=True).requires_grad
    for call in (lambda o: torch.arange(10, out=o), lambda o: torch.linspace(1, 10, 10, out=o)):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            call(torch.zeros(1).expand(10))
    for make in (lambda *s: torch.empty(s), lambda *s: torch.ones(2).resize_(s)):
        with pytest.raises(RuntimeError, match="Stride calculation overflowed"):
            make(0, 4, 2**61)
    with pytest.raises(RuntimeError, match="can't alias NumPy scalars"):
        torch.asarray(np.float64(1), copy=False)


def test_words_for_arguments() -> None:
    x = torch.ones(2, 3)
    assert torch.swapaxes(x, axis0=0, axis1=1).shape == x.swapaxes(axis0=0, axis1=1).shape == (3, 2)
    assert torch.matrix_power(input=torch.eye(2), n=2).tolist() == torch.eye(2).tolist()
    assert torch.tril_indices(2, 2, layout=torch.strided, pin_memory=False).shape == (2, 3)
    with pytest.raises(TypeError, match="Tensor does not support deleting items"):
        del x[0]


def test_out_of_the_sizes_of_complex_numbers_and_of_places() -> None:
    z = torch.tensor([3 + 4j])
    with pytest.raises(RuntimeError, match="Found dtype Long but expected Float"):
        torch.abs(z, out=torch.empty(0, dtype=torch.int64))
    with pytest.raises(RuntimeError, match="Expected out tensor to have scalar type Long"):
        torch.nonzero_static(torch.ones(3), size=2, out=torch.empty(0))


def test_constructors_of_the_class() -> None:
    assert torch.Tensor().shape == torch.LongTensor().shape == (0,) and torch.ByteTensor().all()
    assert torch.IntTensor(size=(2,)).shape == torch.Tensor(2).shape == (2,)
    assert torch.LongTensor((2**53 + 1, 3)).tolist() == [2**53 + 1, 3]
    for value, words in (
        (2.5, "data must be a sequence"),
        (None, "data must be a sequence"),
        ("a", "invalid data type"),
    ):
        for kind in (torch.Tensor, torch.FloatTensor):
            with pytest.raises(TypeError, match=words):
                kind(value)
