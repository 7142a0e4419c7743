"""The array API namespace of tensors: the standard's conventions where they differ from PyTorch's, and SciPy on top."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import rushlight as rl

xp = rl.ones(1).__array_namespace__()


def test_the_namespace_is_found_and_versions_are_checked():
    assert rl.ones(1).__array_namespace__(api_version="2023.12") is xp and xp.__array_api_version__ == "2024.12"
    with pytest.raises(ValueError, match="not known here"):
        rl.ones(1).__array_namespace__(api_version="1999.01")
    assert {"sum", "fft", "linalg", "bool", "concat"} <= set(dir(xp))
    with pytest.raises(AttributeError, match="no 'relu'"):
        xp.relu


def test_every_name_of_the_namespace_resolves():
    for name in dir(xp):
        assert getattr(xp, name) is not None or name == "newaxis"


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "std", "var", "all", "any", "count_nonzero"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_agree_with_numpy(name, axis, keepdims):
    a = np.random.default_rng(0).integers(-2, 3, (2, 3, 4)).astype(np.float64)
    expected = getattr(np, name)(a, axis=axis, keepdims=keepdims)
    found = getattr(xp, name)(rl.from_numpy(a), axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(found.numpy(), expected)
    assert found.shape == np.shape(expected)


def test_small_integers_are_summed_in_the_default_integer():
    assert xp.sum(rl.ones(3, dtype=rl.int8)).dtype is rl.int64
    assert xp.sum(rl.ones(3, dtype=rl.uint8)).dtype is rl.uint64
    assert xp.sum(rl.ones(3)).dtype is rl.float32
    assert xp.prod(rl.ones(3, dtype=rl.int16)).dtype is rl.int64


def test_unique_take_and_sorting():
    x = rl.tensor([3, 1, 3, 2, 1])
    values, first, inverse, counts = xp.unique_all(x)
    assert values.tolist() == [1, 2, 3] and first.tolist() == [1, 3, 0] and counts.tolist() == [2, 1, 2]
    assert values[inverse].tolist() == x.tolist()
    assert xp.take(x, rl.tensor([0, 3])).tolist() == [3, 2]
    assert xp.sort(x, descending=True).tolist() == [3, 3, 2, 1, 1]
    assert [i.tolist() for i in xp.nonzero(x == 1)] == [[1, 4]]


def test_shapes_and_dtypes():
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert xp.permute_dims(x, (1, 0)).tolist() == [[1, 3], [2, 4]]
    assert xp.concat([x, x], axis=None).shape == (8,) and xp.expand_dims(x, axis=1).shape == (2, 1, 2)
    assert xp.concat([xp.asarray([1]), xp.asarray([1.5])]).dtype is rl.float32
    assert xp.isdtype(rl.int8, ("bool", "integral")) and not xp.isdtype(rl.float32, "complex floating")
    assert xp.result_type(rl.int8, rl.float32) is rl.float32 and xp.result_type(rl.ones(1), 2.0) is rl.float32
    with pytest.raises(ValueError, match="has size 2"):
        xp.squeeze(x, 0)
    info = xp.__array_namespace_info__()
    assert info.default_dtypes()["real floating"] is rl.float32 and "float64" in info.dtypes(kind="real floating")


SCIPY = """
import rushlight as rl, numpy as np
from scipy import special, stats, integrate
x = rl.linspace(0.5, 2, 9, dtype=rl.float64).requires_grad_()
for f in (stats.zscore, stats.skew, stats.kurtosis, stats.gmean, special.logsumexp, special.softmax, integrate.trapezoid):
    found = f(x)
    assert isinstance(found, rl.Tensor) and found.requires_grad, f
    np.testing.assert_allclose(found.detach().numpy(), f(x.detach().numpy()), rtol=1e-12)
    (g,) = rl.autograd.grad(found.sum() + (found * found).sum(), x)
    step = 1e-6 * np.eye(9)
    loss = lambda a: np.sum(f(a)) + np.sum(f(a) ** 2)
    a = x.detach().numpy()
    expected = [(loss(a + s) - loss(a - s)) / 2e-6 for s in step]
    np.testing.assert_allclose(g.numpy(), expected, atol=1e-6)
print("done")
"""


def test_scipy_computes_and_differentiates():
    pytest.importorskip("scipy", minversion="1.15")
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCIPY], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0 and "done" in done.stdout, done.stderr[-2000:]
