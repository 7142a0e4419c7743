"""__torch_function__ and function modes, in a process of their own: they switch dispatch on for good."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def run(program: str) -> str:
    head = "import rushlight as torch\nfrom rushlight.overrides import *\nimport rushlight.overrides as overrides\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


PROGRAMS = {
    "class is kept": (
        """
        class Image(torch.Tensor): pass
        x = torch.ones(2, 2).as_subclass(Image)
        for y in (x + 1, 1 + x, x @ x, x[0], x.sum(0), torch.cat([x, torch.ones(1, 2)]), x.detach(), x.clone().add_(1)):
            assert type(y) is Image, y
        values, indices = x.max(0)
        print(type(values).__name__, type(torch.ones(1) + 1).__name__, x.sum().item())
        """,
        "Image Tensor 4.0",
    ),
    "gradients": (
        """
        class Image(torch.Tensor): pass
        x = torch.ones(2).as_subclass(Image).requires_grad_()
        (x * x).sum().backward()
        print(x.grad.tolist())
        """,
        "[2.0, 2.0]",
    ),
    "asked": (
        """
        class Log(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                print(func.__name__, len(args), sorted(kwargs or {}))
                return super().__torch_function__(func, types, args, kwargs)
        x = torch.ones(2, 2).as_subclass(Log)
        torch.add(x, 1); x.exp_(); torch.nn.functional.linear(x, x); x.reshape(4)
        """,
        "add 2 []\nexp_ 1 []\nlinear 2 []\nreshape 2 []",
    ),
    "no tensor": (
        """
        class Diagonal:
            def __init__(self, n, value): self.n, self.value = n, value
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                return args[0].value / args[0].n if func is torch.mean else NotImplemented
        overrides.activate()
        print(torch.mean(Diagonal(5, 2.0)))
        try: torch.exp(Diagonal(5, 2.0))
        except TypeError as error: print(str(error).splitlines()[0])
        """,
        "0.4\nMultiple dispatch failed for 'torch.exp'; all __torch_function__ handlers returned NotImplemented:",
    ),
    "modes": (
        """
        class Names(TorchFunctionMode):
            def __init__(self, mark): self.mark = mark
            def __torch_function__(self, func, types, args=(), kwargs=None):
                print(self.mark, func.__name__)
                return func(*args, **(kwargs or {}))
        with Names("a"), Names("b"):
            torch.zeros(2)
        torch.zeros(2)
        """,
        "b zeros\na zeros",
    ),
    "own function": (
        """
        class Tag(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None): return func.__name__
        @wrap_torch_function(lambda a: (a,))
        def mine(a): return "plain"
        print(mine(torch.ones(1)), mine(torch.ones(1).as_subclass(Tag)))
        """,
        "plain mine",
    ),
    "parameters are plain": (
        """
        class Image(torch.Tensor): pass
        x = torch.nn.Parameter(torch.ones(2))
        print(type(x * 2).__name__, has_torch_function((x,)))
        """,
        "Tensor False",
    ),
    "handlers see the functions that programs call": (
        """
        class Log(TorchFunctionMode):
            def __torch_function__(self, func, types, args=(), kwargs=None):
                print(func.__name__, len(args), kwargs or {}, func in CALLED)
                return func(*args, **(kwargs or {}))
        x = torch.eye(2)
        Log().__enter__().__exit__(None, None, None)
        CALLED = [
            torch.Tensor.add_, torch.sub, torch.linalg.cholesky, torch.fft.fft, torch.special.entr, torch.linalg.norm
        ]
        with Log():
            x.add_(x, alpha=2); torch.sub(x, x, alpha=2)
            torch.linalg.cholesky(x); torch.fft.fft(x); torch.special.entr(x); torch.linalg.norm(x)
        """,
        "add_ 2 {'alpha': 2} True\nsub 2 {'alpha': 2} True\nlinalg_cholesky 1 {} True\nfft_fft 1 {} True\n"
        "entr 1 {} True\nlinalg_norm 1 {} True",
    ),
    "written with alpha": (
        """
        class Image(torch.Tensor): pass
        x = torch.ones(2).as_subclass(Image)
        print(type(x.add_(torch.ones(2), alpha=2)).__name__, x.tolist())
        """,
        "Image [3.0, 3.0]",
    ),
    "idioms of the core": (
        """
        import rushlight._private._C as _C
        class Image(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                with _C.DisableTorchFunctionSubclass():
                    return func(*args, **(kwargs or {}))
        x = torch.ones(2).as_subclass(Image)
        print(type(x + 1).__name__, _C._disabled_torch_function_impl is overrides._disabled_torch_function_impl)
        print(_C._nn.gelu is torch.nn.functional.gelu, _C._jit_set_profiling_mode(False), hasattr(_C, "_absent"))
        """,
        "Tensor True\nTrue None False",
    ),
    "everything works when it is on": (
        """
        class Image(torch.Tensor): pass
        m = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        o = torch.optim.AdamW(m.parameters())
        for _ in range(2):
            o.zero_grad()
            m(torch.randn(2, 3, 8)).square().mean().backward()
            o.step()
        print(torch.func.vmap(torch.func.grad(torch.sin))(torch.zeros(3)).tolist())
        """,
        "[1.0, 1.0, 1.0]",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    program, expected = PROGRAMS[name]
    assert run(program) == expected


def test_nothing_is_on_by_itself() -> None:
    assert run("import rushlight.nn, rushlight.optim\nprint(overrides._active)") == "[]"


def test_gradients_keep_their_dtype_where_a_subclass_exists() -> None:
    program = """
        class Mine(torch.Tensor): pass
        x = torch.ones(2, requires_grad=True)
        y = x * 1.0
        y.register_hook(lambda g: print(g.dtype))
        torch.mul(y, torch.ones(2, dtype=torch.int64)).sum().backward()
        """
    assert run(program) == "torch.float32"
