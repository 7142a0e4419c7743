"""Promotion: the table of dtypes as PyTorch has it, and the ranks of operands."""

import doctest

import numpy as np
import pytest

from rushlight._core import promote
from rushlight._core.promote import can_cast, default_complex, promote_names, promote_types, result_dtype

F32 = np.dtype("float32")
ALL = str.split(
    "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 "
    "float16 bfloat16 float32 float64 complex32 complex64 complex128"
)
# One row and one column a dtype, in the order above; x: PyTorch refuses.
# ? bool, u8 uint8, ..., h float16, b bfloat16, f float32, d float64, H complex32, F complex64, D complex128
SHORT = dict(zip(str.split("? u8 i8 i16 i32 i64 u16 u32 u64 h b f d H F D"), ALL, strict=True))
TABLE = """
?    u8   i8   i16  i32  i64  x    x    x    h  b  f  d  H  F  D
u8   u8   i16  i16  i32  i64  x    x    x    h  b  f  d  H  F  D
i8   i16  i8   i16  i32  i64  x    x    x    h  b  f  d  H  F  D
i16  i16  i16  i16  i32  i64  x    x    x    h  b  f  d  H  F  D
i32  i32  i32  i32  i32  i64  x    x    x    h  b  f  d  H  F  D
i64  i64  i64  i64  i64  i64  x    x    x    h  b  f  d  H  F  D
x    x    x    x    x    x    u16  x    x    h  b  f  d  x  x  x
x    x    x    x    x    x    x    u32  x    h  b  f  d  x  x  x
x    x    x    x    x    x    x    x    u64  h  b  f  d  x  x  x
h    h    h    h    h    h    h    h    h    h  f  f  d  H  F  D
b    b    b    b    b    b    b    b    b    f  b  f  d  F  F  D
f    f    f    f    f    f    f    f    f    f  f  f  d  F  F  D
d    d    d    d    d    d    d    d    d    d  d  d  d  D  D  D
H    H    H    H    H    H    x    x    x    H  F  F  D  H  F  D
F    F    F    F    F    F    x    x    x    F  F  F  D  F  F  D
D    D    D    D    D    D    x    x    x    D  D  D  D  D  D  D
"""


@pytest.mark.parametrize("row", list(zip(ALL, TABLE.strip().split("\n"), strict=True)), ids=ALL)
def test_pairs(row):
    a, answers = row
    for b, answer in zip(ALL, answers.split(), strict=True):
        if answer == "x":
            with pytest.raises(RuntimeError, match=r"^Promotion for uint16, uint32, uint64 types is not supported"):
                promote_names(a, b)
            continue
        assert promote_names(a, b) == SHORT[answer], (a, b)
        if not {a, b, SHORT[answer]} & {"bfloat16", "complex32"}:
            assert promote_types(np.dtype(a), np.dtype(b)) is np.dtype(SHORT[answer]), (a, b)


def test_errors():
    with pytest.raises(RuntimeError, match=r"attempted to promote UInt16 and Int$"):
        promote_types(np.dtype("uint16"), np.dtype("int32"))
    with pytest.raises(
        TypeError, match=r"^promote_types\(\): argument 'type2' \(position 2\) must be torch.dtype, not int"
    ):
        promote_types(F32, 2)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"must be torch.dtype, not list"):
        promote_types([], F32)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="which no tensor has; convert to one of bool"):
        promote_types(F32, np.dtype("datetime64[s]"))
    with pytest.raises(TypeError, match="native byte order"):
        promote_types(F32, np.dtype(">f4"))
    with pytest.raises(TypeError, match="got str"):
        result_dtype([np.ones(2), "a"], F32)
    with pytest.raises(RuntimeError, match="expected at least one operand"):
        result_dtype([], F32)
    with pytest.raises(NotImplementedError, match="the result would be complex32, which NumPy does not have"):
        result_dtype([np.ones(2, "float16"), 1j], F32)


@pytest.mark.parametrize(
    ("vector", "scalar", "expected"),
    [
        ("int8", "int64", "int8"),  # a 0-d tensor of the same category is not heard
        ("bool", "int64", "int64"),
        ("int32", "float64", "float64"),  # of a higher one it brings its own dtype
        ("float16", "float64", "float16"),
        ("float64", "complex64", "complex128"),  # but a complex one takes the size of the floating tensor
        ("float32", "complex128", "complex64"),
        ("int16", "complex128", "complex128"),
        ("complex64", "float64", "complex64"),
        ("uint16", "int32", "uint16"),
        ("uint16", "complex64", "complex64"),
    ],
)
def test_zero_dimensional_operands(vector, scalar, expected):
    operands = [np.ones(2, vector), np.ones((), scalar)]
    assert result_dtype(operands, F32) is np.dtype(expected)
    assert result_dtype(operands[::-1], F32) is np.dtype(expected)


def test_two_zero_dimensional_operands():
    """They are of one rank, so that the table speaks."""
    assert result_dtype([np.ones((), "int8"), np.ones((), "int16")], F32) == "int16"
    assert result_dtype([np.ones((), "float32"), np.ones((), "complex128")], F32) == "complex128"
    with pytest.raises(RuntimeError, match=r"attempted to promote UInt16 and Int$"):
        result_dtype([np.ones((), "uint16"), np.ones((), "int32")], F32)


@pytest.mark.parametrize(
    ("operand", "default", "answers"),  # with True, 3, 2.5 and 1j
    [
        ("bool", "float32", "bool int64 float32 complex64"),
        ("int8", "float32", "int8 int8 float32 complex64"),
        ("int8", "float64", "int8 int8 float64 complex128"),
        ("uint16", "float32", "uint16 uint16 float32 complex64"),
        ("float16", "float64", "float16 float16 float16 -"),
        ("float32", "float64", "float32 float32 float32 complex64"),
        ("float64", "float32", "float64 float64 float64 complex128"),
        ("complex64", "float64", "complex64 complex64 complex64 complex64"),
    ],
)
def test_numbers(operand, default, answers):
    for number, answer in zip((True, 3, 2.5, 1j), answers.split(), strict=True):
        for ndim in (0, 1):  # even a 0-d tensor outranks a number
            if answer != "-":
                x = np.ones((1,) * ndim, operand)
                assert result_dtype([number, x], np.dtype(default)) is np.dtype(answer)


def test_many_operands():
    assert result_dtype([np.ones(2, "int8"), np.ones(2, "int16"), 7, np.ones((), "int64")], F32) == "int16"
    assert result_dtype([np.ones(2, "bool"), np.ones((), "int8"), 7], F32) == "int8"
    assert result_dtype([1, 2.0], np.dtype("float64")) == "float64"
    assert result_dtype((x for x in [True, 2]), F32) == "int64"
    assert result_dtype([np.float64(1), 2.0], F32) == "float64"  # NumPy's scalars are 0-d arrays


def test_can_cast():
    order = [["bool"], ["uint8", "int64", "uint16"], ["float16", "float64"], ["complex64", "complex128"]]
    for i, sources in enumerate(order):
        for j, targets in enumerate(order):
            for a in sources:
                for b in targets:
                    assert can_cast(np.dtype(a), np.dtype(b)) is (i <= j), (a, b)


def test_default_complex():
    assert default_complex(F32) == "complex64" and default_complex(np.dtype("float64")) == "complex128"
    with pytest.raises(NotImplementedError, match="complex32"):
        default_complex(np.dtype("float16"))


def test_examples():
    assert doctest.testmod(promote).failed == 0


def test_arrays_with_dtype_objects_of_their_own() -> None:
    """An unpickled array brings its own dtype object, longlong is a twin of int64: gradients must not depend on it."""
    import pickle

    import rushlight as torch

    z = np.linspace(0.1, 0.9, 4) + 0.5j
    kept = pickle.loads(pickle.dumps(z))
    assert kept.dtype is not z.dtype
    for make in (torch.from_numpy, torch.tensor, torch.as_tensor, torch.asarray):
        x = make(kept).requires_grad_()
        assert x.numpy(force=True).dtype is np.dtype(complex)
        x.sin().sum().real.backward()
        np.testing.assert_allclose(x.grad.numpy(), np.cos(z).conj())
    shared = torch.from_numpy(kept)
    shared[0] = 7
    assert kept[0] == 7
    assert torch.from_numpy(np.arange(3, dtype="q")).numpy().dtype is np.dtype(np.int64)
    again = pickle.loads(pickle.dumps(torch.zeros(2)))
    assert again.numpy().dtype is np.dtype(np.float32)


@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([np.float64(1), 2], "float64"),
        ([[1.0, 2.0], np.ones(2)], "float64"),
        ([np.ones(2, "f4")], "float32"),
        ([np.ones((2, 0))], "float64"),
        ((1, np.float16(3)), "float16"),
        ([1.0, np.int32(3)], "float32"),
        ([[np.int32(1)], [np.uint8(2)]], "int32"),
        ([np.ones(2) + 1j], "complex128"),
        ([True, np.int8(2)], "int8"),
        ([1, True], "int64"),
        ([1j, np.float64(2)], "complex128"),
        ([], "float32"),
    ],
)
def test_elements_keep_their_dtypes(data: list, expected: str) -> None:
    import rushlight as torch

    assert torch.tensor(data).numpy().dtype == expected
    assert torch.tensor([torch.tensor(1.0, dtype=torch.float64), 2]).dtype is torch.float64
