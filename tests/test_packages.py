"""Packages written for PyTorch, under the alias: einops' own tests of its torch backend, torchdiffeq, opt_einsum.

Each runs in a process of its own, where ``torch`` means Rushlight; a package that is not installed is skipped.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    return Path(spec.origin).parent


@pytest.mark.slow
def test_einops_own_tests():
    tests = folder_of("einops") / "tests"
    if not tests.is_dir():
        pytest.skip("this einops comes without its tests")
    code = (
        "import sys, rushlight; rushlight.install_as_torch(); import pytest; "
        f"sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', {str(tests)!r}]))"
    )
    assert " passed" in run("-c", code, EINOPS_TEST_BACKENDS="torch", EINOPS_SKIP_CUPY="TRUE")


@pytest.mark.slow
def test_torchdiffeq():
    folder_of("torchdiffeq")
    assert "SciPy's solver agrees" in run("-m", "rushlight", "run", str(HERE / "packages" / "torchdiffeq_checks.py"))


def test_einops_without_the_alias():
    folder_of("einops")
    for first, second in [("einops", "rushlight as rl"), ("rushlight as rl", "einops")]:
        code = f"""
import {first}
import {second}
x = rl.arange(24.0).reshape(2, 3, 4).requires_grad_()
y = einops.rearrange(x, "a b c -> (c a) b")
assert y.shape == (8, 3)
assert rl.equal(einops.reduce(x, "a b c -> b", "mean"), x.mean((0, 2)))
assert einops.repeat(x, "a b c -> a b c 2").shape == (2, 3, 4, 2)
assert rl.allclose(einops.einsum(x, x, "a b c, a b c -> a"), (x * x).sum((1, 2)))
packed, ps = einops.pack([x, x], "a b *")
assert rl.equal(einops.unpack(packed, ps, "a b *")[1], x)
y.sum().backward()
assert rl.equal(x.grad, rl.ones_like(x))
print("done")
"""
        assert "done" in run("-c", code)


def test_opt_einsum():
    folder_of("opt_einsum")
    code = """
import rushlight; rushlight.install_as_torch()
import opt_einsum, torch
a, b, c = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in [(2, 3), (3, 4), (4, 2)])
found = opt_einsum.contract("ij,jk,kl->il", a, b, c)
assert torch.allclose(found, a @ b @ c), found
found.sum().backward()
assert torch.allclose(a.grad, torch.ones(2, 2, dtype=a.dtype) @ (b @ c).T)
path = opt_einsum.contract_expression("ij,jk,kl->il", a.shape, b.shape, c.shape)
assert torch.allclose(path(a, b, c), found)
assert torch.allclose(opt_einsum.contract("ij,jk->ik", a, b, backend="torch"), a @ b)
print("done")
"""
    assert "done" in run("-c", code)
