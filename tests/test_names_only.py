"""Names that libraries ask for as they are imported: there, and refusing to be used; and the small modules beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

import rushlight as torch
from rushlight import _names_only


def run(code: str) -> str:
    whole = "import rushlight; rushlight.install_as_torch()\n" + code
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=60, env=os.environ)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_every_module_of_the_table() -> None:
    for name, names in _names_only.TABLE.items():
        made: Any = _names_only.module(name)
        assert made.__doc__.startswith(f"``torch.{name}``")
        for entry in names.split():
            label = entry.partition("=")[0].rstrip("():?")
            assert hasattr(made, label), (name, label)


def test_modules_of_names_alone() -> None:
    code = """
import torch
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP, ShardingStrategy
from torch.distributed.fsdp.fully_sharded_data_parallel import FullyShardedDataParallel
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed import rpc
import torch.distributed.checkpoint as dcp, torch.export, importlib.util
assert FSDP is FullyShardedDataParallel and not isinstance(torch.nn.Linear(1, 1), FSDP)
assert ShardingStrategy.FULL_SHARD.name == "FULL_SHARD"
assert Shard(0) == Shard(0) != Shard(1) and repr(Replicate()) == "Replicate()"
assert not rpc.is_available()
kind: "DTensor | None" = None
class Mine(FSDP):
    pass
for use in (lambda: FSDP(1), lambda: Mine(1), lambda: dcp.save({}), lambda: torch.export.export(1), lambda: rpc.init_rpc("a")):
    try:
        use()
    except NotImplementedError as error:
        assert "docs/missing.md" in str(error) and str(error).startswith("torch."), error
    else:
        raise AssertionError
assert not hasattr(torch, "not_there") and not hasattr(torch, "_not_there")
try:
    import torch.distributed.not_there
except ModuleNotFoundError as error:
    print(error)
"""
    assert "No module named 'torch.distributed.not_there'" in run(code)


def test_private_modules() -> None:
    code = """
import torch
from torch._C._functorch import is_batchedtensor, is_gradtrackingtensor
from torch._dynamo.eval_frame import OptimizedModule
from torch._vmap_internals import _vmap
seen = []
torch.vmap(lambda x: seen.append((is_batchedtensor(x), is_gradtrackingtensor(x))) or x)(torch.ones(2))
torch.func.grad(lambda x: seen.append((is_batchedtensor(x), is_gradtrackingtensor(x))) or x)(torch.tensor(1.0))
assert seen == [(True, False), (False, True)] and not is_batchedtensor(torch.ones(1)), seen
assert not isinstance(torch.compile(torch.nn.Linear(1, 1)), OptimizedModule)
both = _vmap(lambda x: (x * 2, None), allow_none_pass_through=True)(torch.arange(2))
assert both[0].tolist() == [0, 2] and both[1] is None
with torch._dynamo.config.patch(cache_size_limit=3):
    assert torch._dynamo.config.cache_size_limit == 3
assert torch._dynamo.config.cache_size_limit == 8
assert torch._C.DispatchKeySet(torch._C.DispatchKey.CPU).has(torch._C.DispatchKey.CPU)
t = torch.arange(3)
assert torch._tensor_str._tensor_str(t, 0) == "[0, 1, 2]"
print("done")
"""
    assert "done" in run(code)


def test_marks_of_tracers() -> None:
    assert torch.fx.wrap(len) is len
    with pytest.raises(NotImplementedError, match=r"torch\.fx\.symbolic_trace\(\): Rushlight does not trace"):
        torch.fx.symbolic_trace(torch.nn.Linear(1, 1))
    with pytest.raises(NotImplementedError, match=r"torch\.fx\.GraphModule"):
        torch.fx.GraphModule(None, None)
    assert not isinstance(torch.nn.Linear(1, 1), (torch.jit.ScriptModule, torch.fx.GraphModule))

    class Older(torch.jit.ScriptModule):
        @torch.jit.script_method
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1

    assert Older()(torch.tensor(1)).item() == 2
    with pytest.raises(OSError, match="load_library"):
        torch.ops.load_library("lib.so")


def test_operators_of_ones_own() -> None:
    @torch.library.custom_op("tests::cube", mutates_args=())
    def cube(x: torch.Tensor, k: float = 1.0) -> torch.Tensor:
        return k * x**3

    @cube.register_fake
    def _(x: torch.Tensor, k: float = 1.0) -> torch.Tensor:
        raise AssertionError

    x = torch.tensor(2.0, requires_grad=True)
    assert torch.ops.tests.cube(torch.tensor(2.0), k=2.0).item() == 16
    with pytest.raises(RuntimeError, match="no autograd formula was registered"):
        cube(x).backward()

    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, ctx.k = inputs
        ctx.save_for_backward(x)

    def backward(ctx: Any, g: Any) -> Any:
        return g * 3 * ctx.k * ctx.saved_tensors[0] ** 2, None

    torch.library.register_autograd("tests::cube", backward, setup_context=setup_context)
    cube(x, 0.5).backward()
    assert x.grad.item() == 6
    with pytest.raises(RuntimeError, match="operator tests::other does not exist"):
        torch.library.register_autograd("tests::other", backward)
    with pytest.raises(AttributeError, match=r"torch\.ops has only aten"):
        torch.ops.nothing


def test_weak_dictionaries() -> None:
    from rushlight.utils.weak import WeakTensorKeyDictionary

    a, b = torch.ones(2), torch.ones(2)
    d = WeakTensorKeyDictionary({a: 1, b: 2})
    assert (d[a], d[b], len(d), a in d) == (1, 2, 2, True)
    del a
    assert list(d.values()) == [2]


def test_scatter_gather() -> None:
    from rushlight.nn.parallel.scatter_gather import gather, scatter

    x = torch.arange(3)
    assert gather(scatter((x, 1), ["cpu"]), "cpu")[0] is x
    with pytest.raises(RuntimeError, match="one device here"):
        scatter(x, ["cpu", "cpu"])


def test_names_of_the_main_namespace() -> None:
    assert torch.functional.einsum is torch.einsum
    assert "tensordot" in torch.functional.__all__
    with pytest.raises(AttributeError, match=r"module 'torch\.functional' has no attribute 'softmax'"):
        torch.functional.softmax
    with pytest.raises(NotImplementedError, match=r"torch\.Stream: Rushlight has no streams"):
        torch.Stream()
    assert issubclass(torch.jit.TracerWarning, Warning)
    assert torch.Future is torch.futures.Future
