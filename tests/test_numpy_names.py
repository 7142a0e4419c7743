"""``axis`` and ``keepdims``, as PyTorch's compiled functions take them too, wherever ``dim`` and ``keepdim`` are."""

import inspect
import types

import pytest

import rushlight as torch
from rushlight._ops.spelling import numpy_names

PYTHON = {  # functions that PyTorch has in Python, where only the one name is taken, and those whose call is by place
    "norm", "norm_except_dim", "unique", "unique_consecutive", "unflatten", "split", "pairwise_distance", "gradient",
    "size", "stride", "scatter", "scatter_", "slice_scatter", "select_scatter", "unsafe_chunk", "unsafe_split",
    "unsafe_split_with_sizes", "cat", "concat", "concatenate", "spmm", "permute",
}  # fmt: skip


def functions() -> list[tuple[str, object]]:
    found = []
    for space in (torch, torch.Tensor, torch.linalg, torch.fft, torch.special):
        for name in sorted(dir(space)):
            value = getattr(space, name) if not name.startswith("_") else None
            if isinstance(value, types.FunctionType) and "dim" in inspect.signature(value).parameters:
                if name not in PYTHON or (name == "norm" and space in (torch.linalg, torch.Tensor)):
                    found.append((f"{space.__name__}.{name}", value))
    return found


@pytest.mark.parametrize(("name", "function"), functions(), ids=[name for name, _ in functions()])
def test_axis_is_dim(name: str, function: types.FunctionType) -> None:
    op = getattr(function, "op", None)
    taken = op.extras if op is not None else function.__kwdefaults__ or {}
    assert "axis" in taken
    assert "keepdims" in taken or "keepdim" not in inspect.signature(function).parameters


def test_results() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    for name in ("softmax", "cumsum", "sort", "unsqueeze", "logsumexp", "sum", "median", "argmax", "unbind"):
        for function in (getattr(torch, name), getattr(torch.Tensor, name)):
            one, two = function(x, axis=1), function(x, 1)
            for a, b in zip(one if isinstance(one, tuple) else [one], two if isinstance(two, tuple) else [two]):
                assert torch.equal(a, b)
    assert torch.stack([x, x], axis=-1).shape == (2, 3, 2)
    assert torch.linalg.norm(x, axis=1, keepdims=True).shape == (2, 1)
    assert torch.index_select(x, axis=1, index=torch.tensor([0])).shape == (2, 1)
    assert torch.narrow(x, axis=1, start=1, length=2).shape == (2, 2)
    assert [p.shape for p in x.split(split_size=2, dim=1)] == [(2, 2), (2, 1)]


def test_one_of_the_two_names_must_be_given() -> None:
    x = torch.ones(2, 3)
    with pytest.raises(TypeError, match=r"softmax\(\) missing 1 required positional argument: 'dim'"):
        torch.softmax(x)
    with pytest.raises(TypeError, match=r"cumsum\(\) missing 1 required positional argument: 'dim'"):
        torch.cumsum(x)
    with pytest.raises(TypeError, match=r"narrow\(\) missing 2 required positional arguments: 'start' and 'length'"):
        torch.narrow(x, 0)


def test_the_signature_stays_and_the_call_is_no_line_of_a_program() -> None:
    def function(x: int, dim: int, place: int, keepdim: bool = False, *, out: int | None = None) -> tuple:
        return x, dim, place, keepdim, out

    made = numpy_names(function)
    assert inspect.signature(made) == inspect.signature(function)
    assert made(1, 2, 3) == (1, 2, 3, False, None)
    assert made(1, axis=2, place=3, keepdims=True, out=4) == (1, 2, 3, True, 4)
    y = torch.stack([torch.ones(2, requires_grad=True)], axis=0)
    assert "test_numpy_names.py" in str(y.grad_fn.site())
