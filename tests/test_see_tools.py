"""Derivations, steps, the search for nan, checks, and programs: each against the engine."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight._core.declare import pointwise
from rushlight._core.tensor import Tensor
from rushlight.utils.checkpoint import checkpoint

# ---- explain


def test_the_textbook_derivation() -> None:
    x = torch.tensor(3.0)
    w = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    L = (w * x + b) ** 2
    made = torch.explain(L, w)
    assert [line.strip() for line in made.text.splitlines()[3:]] == [
        "dL/dw = dL/dy * dy/dw", "= 2(w*x + b) * x", "= 14 * 3", "= 42",
    ]  # fmt: skip
    assert made.gradient.item() == 42 and w.grad is None
    assert r"\frac{\partial L}{\partial y}" in made.latex
    assert made._repr_html_().startswith("<pre") and made._repr_latex_().startswith("$$")


def test_paths_add_up() -> None:
    a = torch.tensor(0.5, requires_grad=True)
    s = torch.sin(a) * a + torch.exp(a)
    made = torch.explain(s, a)
    assert len(made.paths) == 3
    assert np.isclose(sum(p.contribution for p in made.paths), np.sin(0.5) + 0.5 * np.cos(0.5) + np.exp(0.5))
    assert "sum over 3 paths" in made.text


def test_more_paths_than_can_be_shown() -> None:
    h = a = torch.tensor(0.5, requires_grad=True)
    for _ in range(40):
        h = h * h + h * a
    made = torch.explain(h, a, max_paths=3)
    assert len(made.paths) == 3 and made.left_out > 10**12
    (grad,) = torch.autograd.grad(h, [a])
    assert np.isclose(made.gradient.item(), grad.item())


def test_explaining_networks() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2))
    loss = F.cross_entropy(model(torch.randn(5, 3)), torch.tensor([0, 1, 0, 1, 1]))
    weight = model[0].weight
    made = torch.explain(loss, weight)
    (grad,) = torch.autograd.grad(loss, [weight])
    assert np.allclose(made.gradient.numpy(), grad.numpy(), atol=1e-6)


def derivation(loss, wrt, **names) -> str:
    return "\n".join(line.strip() for line in torch.explain(loss, wrt, names).text.splitlines())


def test_matrices_keep_their_order() -> None:
    x, b = torch.randn(3, 4), torch.randn(2)
    W = torch.randn(4, 2, requires_grad=True)
    y = x @ W + b
    L = (y * y).mean()
    assert "= x^T @ 1/6*y\n= x^T @ 1/6*(x @ W + b)\n" in derivation(L, W, x=x, W=W, y=y, b=b)
    L = (torch.tanh(x @ W) ** 2).sum()
    assert "dL/dW = dL/dy * dy/du * du/dW\n= x^T @ 2y*(1 - tanh(u)^2)" in derivation(L, W, x=x, W=W, L=L)
    A, v = torch.randn(3, 2), torch.randn(2, requires_grad=True)
    z = A @ v
    assert "dL/dv = dL/dz * dz/dv\n= A^T @ 2z" in derivation(L := z.square().sum(), v, v=v, z=z, A=A, L=L)


def test_reductions_indices_and_masks_are_written_out() -> None:
    w, b = torch.ones(3, 1, requires_grad=True), torch.arange(4.0)
    L = (w * b).sum()
    assert "dL/dw = sum_to(expand(b, [3, 4]), [3, 1])" in derivation(L, w, w=w, b=b, L=L)
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    m = torch.tensor([True, False, True])
    L = x[1, :2].sum()
    said = derivation(L, x, x=x, L=L)
    assert "dL/dx = place(ones([2]), [1, :2])" in said and "(place(g, [k]): zeros, but g at [k])" in said
    L = torch.where(m, x[0], 0.0).sum()
    assert "= place(where(m, 1, 0), [0])" in derivation(L, x, x=x, m=m, L=L)
    a, c = x.unbind(0)
    L = (a * c).sum()
    assert "L = sum(y[0]*y[1])" in derivation(L, x, x=x, L=L).replace("u[", "y[").replace("a[", "y[")


def test_the_softmax_has_its_formula() -> None:
    x = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)
    s = x.softmax(0)
    c = torch.tensor([1.0, 2.0, 3.0])
    L = (s * c).sum()
    assert "= s*(c - sum(c*s, 0))" in derivation(L, x, x=x, s=s, c=c, L=L)


def test_an_operation_without_a_formula_is_named() -> None:
    x = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)
    y = torch.cumprod(x, 0)
    L = (y * y).sum()
    assert "dL/dx = the rule of cumprod, applied to dL/dy" in derivation(L, x, x=x, y=y, L=L)


def test_every_derivation_is_the_engines() -> None:
    torch.manual_seed(0)
    W, x = torch.randn(3, 3, requires_grad=True), torch.randn(3)
    losses = {
        "bmm": (torch.stack([W, W.t()]) @ torch.stack([W, W])).sum(),
        "addmm": F.linear(x[None], W, x).relu().sum(),
        "cat": torch.cat([W, W * 2]).log_softmax(0).square().sum(),
        "norm": (W / W.norm()).exp().mean(1).prod(),
        "inplace": (W * 1).mul_(2).index_fill(0, torch.tensor([1]), 0.0).sum(),
    }
    for name, loss in losses.items():
        (grad,) = torch.autograd.grad(loss, [W], retain_graph=True)
        made = torch.explain(loss, W)
        assert np.allclose(made.gradient.numpy(), grad.numpy(), atol=1e-5), name
        assert made.latex.startswith(r"\begin{aligned}")
    complex_ = torch.tensor([1 + 2j], requires_grad=True)
    made = torch.explain((complex_ * complex_.conj()).real.sum(), complex_)
    assert made.gradient.tolist() == [2 + 4j]


def test_what_cannot_be_explained() -> None:
    with pytest.raises(TypeError, match="not of int"):
        torch.explain(3, torch.ones(1))
    w, v = torch.tensor(2.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    loss = w * 2
    with pytest.raises(RuntimeError, match="does not depend"):
        torch.explain(loss, v)
    loss.backward()
    loss = w * w
    loss.backward()
    with pytest.raises(RuntimeError, match="before backward"):
        torch.explain(loss, w)


# ---- steps


def model_and_loss():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 4))
    a, b = model(torch.randn(5, 3)).chunk(2, 1)
    return model, (a * b).sum() + torch.max(a, 0)[0].sum()


def test_steps_do_what_backward_does() -> None:
    model, loss = model_and_loss()
    loss.backward()
    want = [p.grad.clone() for p in model.parameters()]
    model, loss = model_and_loss()
    steps = list(torch.backward_steps(loss))
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), want, strict=True))
    assert steps[0].node.name() == "AddBackward0" and steps[0].grad_outputs[0].item() == 1
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_an_abandoned_walk_leaves_grad_alone() -> None:
    model, loss = model_and_loss()
    walk = torch.backward_steps(loss, retain_graph=True)
    next(walk), next(walk)
    walk.close()
    assert all(p.grad is None for p in model.parameters())
    loss.backward()


def test_a_step_knows_its_local_derivative_and_line() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (x * 3).sum()
    total, mul = torch.backward_steps(loss)
    assert mul.local[0].tolist() == [3.0, 3.0] and mul.grad_inputs[0].tolist() == [3.0, 3.0]
    assert mul.line.text == "loss = (x * 3).sum()" and mul.names[1][0] == "x"
    assert "MulBackward0" in repr(mul)


def test_hooks_run_in_steps() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    list(torch.backward_steps(y * 1))
    assert x.grad.item() == 31


def test_break_on() -> None:
    seen = []
    x = torch.tensor(2.0, requires_grad=True)
    with torch.break_on("MulBackward0", lambda node, grads: seen.append(grads[0].item())) as stop:
        (x * 3).exp().backward()
    assert stop.hits == 1 and np.isclose(seen[0], np.exp(6.0))
    (x * 3).backward()
    assert len(seen) == 1


# ---- nan_origin


def test_the_first_producer_is_named() -> None:
    with torch.debug.nan_origin() as found:
        x = torch.tensor([1.0, -0.003, 2.0])
        y = torch.log(x)
        ((y + 1) * 2).sum()
    first = found.first
    assert (first.phase, first.op, first.element, first.kind) == ("forward", "log", (1,), "nan")
    assert first.inputs[0][1] == pytest.approx(-0.003) and first.carriers == 3
    assert first.site.text == "y = torch.log(x)" and "log" in found.report()


def test_a_backward_origin_behind_a_finite_forward() -> None:
    with torch.debug.nan_origin() as found:
        x = torch.tensor([4.0, 0.0], requires_grad=True)
        torch.where(x > 1, torch.sqrt(x), 0 * x).sum().backward()
    assert (found.first.phase, found.first.op, found.first.element) == ("backward", "sqrt", (1,))
    assert "where" in found.first.remedy


def found_in(f) -> torch.debug.nan_origin:
    with np.errstate(all="ignore"), torch.debug.nan_origin() as found:
        f()
    return found


def test_what_came_in_is_not_called_made() -> None:
    found = found_in(lambda: torch.tensor([1.0, float("nan")]) * 2 + 1)
    assert found.first is None and "came in from outside" in found.report() and "mul" in found.report()
    masked = torch.tensor([[0.0, float("-inf")]], requires_grad=True)
    assert found_in(lambda: F.softmax(masked, -1).sum().backward()).first is None
    assert found_in(lambda: torch.zeros(2).masked_fill(torch.tensor([True, False]), float("-inf"))).first is None


@pytest.mark.parametrize(
    "f, op, phase, remedy",
    [
        (lambda: torch.tensor([1e30]) ** 2, "pow", "forward", "overflow"),
        (lambda: torch.tensor([-1.0]) ** 0.5, "pow", "forward", "negative base"),
        (lambda: torch.tensor([0.0]) ** -1.0, "pow", "forward", "negative power"),
        (lambda: torch.tensor([float("inf")]) - torch.tensor([float("inf")]), "sub", "forward", "inf - inf"),
        (lambda: F.softmax(torch.full((1, 2), float("-inf")), -1), "softmax", "forward", "unmasked"),
        (lambda: torch.tensor([float("-inf"), -1.0]).log1p(), "log1p", "forward", "logarithm"),
        (lambda: torch.tensor([3e38, 1.0]) @ torch.tensor([3.0, 1.0]), "dot", "forward", "overflow"),
        (lambda: Broken.apply(torch.ones(2, requires_grad=True)).sum().backward(), "Broken", "backward", ""),
    ],
)
def test_who_made_it_and_what_to_do(f, op: str, phase: str, remedy: str) -> None:
    found = found_in(f)
    assert (found.first.op, found.first.phase) == (op, phase) and remedy in found.first.remedy, found.report()
    assert len(found.origins) == 1 or op == "pow"


class Broken(torch.autograd.Function):
    """Its backward makes a nan in NumPy."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return torch.from_numpy(g.numpy() * np.float32(np.nan))


def test_modes() -> None:
    with pytest.raises(FloatingPointError, match="exp"), np.errstate(all="ignore"):
        with torch.debug.nan_origin("raise"):
            torch.exp(torch.tensor(1000.0))
    with pytest.warns(RuntimeWarning, match="inf first made"), np.errstate(all="ignore"):
        with torch.debug.nan_origin("warn"):
            torch.exp(torch.tensor(1000.0))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        with torch.debug.nan_origin("ignore") as found:
            torch.exp(torch.tensor(1000.0))
    assert found.first is None
    with np.errstate(all="ignore"), torch.debug.nan_origin(inf=False) as found:
        torch.exp(torch.tensor(1000.0))
    assert found.first is None and "no nan" in found.report()
    with pytest.raises(ValueError, match="mode must be"):
        torch.debug.nan_origin("loud")


# ---- check


@pointwise(input=lambda g, input: g * 2.9 * input**2)
def wrong_cube(input: Tensor) -> Tensor:
    """A rule that is wrong on purpose."""
    return input**3


def test_all_ways_agree_and_are_used() -> None:
    found = torch.check(lambda x, y: torch.sin(x) * y + torch.exp(x), torch.randn(3), torch.randn(3))
    assert found and set(found.errors) == {"forward mode", "central differences", "complex step"}, str(found)


def test_the_wrong_rule_is_named() -> None:
    found = torch.check(lambda x: torch.exp(wrong_cube(x)).sum(), torch.tensor([0.5, 1.0]))
    assert not found
    (culprit,) = found.culprits
    assert culprit.op == "wrong_cube" and not culprit.kink and "test_see_tools.py" in culprit.site.file


def test_a_kink_is_no_mistake() -> None:
    found = torch.check(lambda x: torch.relu(x).sum(), torch.tensor([-1.0, 0.0]))
    assert not found and found.culprits[0].kink and found.culprits[0].element == (1,)


class WrongCube(torch.autograd.Function):
    """A custom function whose backward is wrong at one element."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x)
        return x**3 * y

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * torch.where(x > 1, 2 * x**2, 3 * x**2), None


def test_a_wrong_custom_function_is_named() -> None:
    found = torch.check(lambda x: WrongCube.apply(x * 2, torch.ones(2).double()).exp().sum(), torch.tensor([0.3, 0.6]))
    (culprit,) = found.culprits
    assert (culprit.op, culprit.argument, culprit.element, culprit.kink) == ("WrongCube", "x", (1,), False)


def test_a_dependence_that_is_not_recorded() -> None:
    found = torch.check(lambda x: x.detach() * x, torch.tensor([2.0]))
    assert not found and not found.culprits and "not recorded" in str(found)


def test_modules_are_checked_in_double_precision() -> None:
    layer = nn.Linear(2, 2)
    assert torch.check(layer, torch.ones(1, 2)) and layer.weight.dtype == torch.float32
    found = torch.check(lambda x, y: (x @ y).sum(), torch.ones(2, 3), torch.ones(3, 2))
    assert "complex step" in found.errors
    for wrong, what in ((3, "takes a function"), (lambda z: z.abs(), "real and imaginary")):
        with pytest.raises(TypeError, match=what):
            torch.check(wrong, torch.tensor([1 + 2j]))


def test_kinks() -> None:
    found = torch.kinks(lambda x: torch.relu(x).sum() + x.max(), torch.tensor([0.0, 2.0, 2.0]))
    assert [(k.op, k.element) for k in found] == [("relu", (0,)), ("max", (1,)), ("max", (2,))]
    assert torch.kinks(lambda x: torch.sin(x).sum(), torch.tensor([0.0, 2.0])) == []
    (low, high) = torch.kinks(lambda x: torch.sort(x)[0][0], torch.tensor([1.0, 1.0, 2.0]))
    assert low.op == "argument 0 of the function" and (low.element, high.element) == ((0,), (1,))
    (branch,) = torch.kinks(lambda x: torch.where(x > 0, x, 0.1 * x).sum(), torch.tensor([0.0, 1.5]))
    assert branch.element == (0,) and np.allclose(branch.slopes, (0.1, 1.0)) and np.isclose(branch.used, 0.1)


# ---- to_numpy

PROGRAMS = {
    "textbook": lambda x: ((x * 2 + 1) ** 2).sum(),
    "softmax": lambda x: (F.softmax(x, -1) * x).sum(),
    "layer_norm": lambda x: F.layer_norm(x, (4,)).pow(3).sum(),
    "cumsum": lambda x: x.cumsum(0).prod(1).sum(),
    "gather": lambda x: x.gather(1, torch.tensor([[0], [1], [1]])).sum(),
    "chunks": lambda x: sum((c * c).sum() for c in x.chunk(2, 1)),
    "cross_entropy": lambda x: F.cross_entropy(x, torch.tensor([0, 1, 3])),
    "where": lambda x: torch.where(x > 0, x.exp(), x * 2).mean(),
    "matmul": lambda x: torch.tanh(x @ x.t()).sum(),
    "double": lambda x: (x.double() * 2).sigmoid().sum(),
    "index": lambda x: x[0, 1] * x[:, 2].sum() + x[torch.tensor([0, 1, 1])].sum() + x[1:, None].prod(),
    "linear": lambda x: F.cross_entropy(F.linear(x, torch.ones(2, 4) / 4, torch.ones(2)), torch.tensor([0, 1, 0])),
    "conv": lambda x: F.max_pool2d(F.relu(F.conv2d(x[None, None], KERNEL, padding=1)), 2).square().sum(),
    "conv_groups": lambda x: (
        F.conv1d(x.reshape(1, 2, 6), KERNEL[0, 0, :2, None], stride=2, dilation=2, groups=2).square().sum()
    ),
    "conv_transpose": lambda x: F.conv_transpose2d(x[None, None], KERNEL, stride=2).square().sum(),
    "avg_pool": lambda x: F.avg_pool2d(x[None, None], 2, padding=1, count_include_pad=False).square().sum(),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True).square().sum(),
    "embedding": lambda x: F.embedding(torch.tensor([0, 2, 2]), x).square().sum(),
    "loop": lambda x: recurrence(x, 5),
    "gelu": lambda x: F.gelu(x).sum() + F.silu(x).sum() + F.softplus(x).sum() + F.elu(x).sum(),
    "norms": lambda x: x.norm() + x.norm(dim=1).sum() + x.var() + x.std(0).sum() + torch.logsumexp(x, 1).sum(),
    "best": lambda x: x.max(1)[0].sum() + x.sort(0)[0][0].sum() + x.topk(2)[0].sum() + x.cummax(0)[0].sum(),
    "shapes": lambda x: (
        (torch.cat([x, F.pad(x, (1, -1))]) * x.repeat(2, 1)).sum() + x.flip(0)[0].sum() + x.tril().sum()
    ),
    "fft": lambda x: torch.fft.rfft(x).abs().square().sum(),
    "linalg": lambda x: torch.linalg.solve(x @ x.t() + torch.eye(3), torch.ones(3)).sum(),
    "recurrent": lambda x: GRU(x[:, None])[0].square().sum(),
    "second": lambda x: torch.autograd.grad((x**3).sum(), x, create_graph=True)[0].square().sum(),
}
KERNEL = torch.linspace(-1, 1, 9).reshape(1, 1, 3, 3)
GRU = nn.GRU(4, 2)


def recurrence(x, steps):
    h = x
    for _ in range(steps):
        h = torch.tanh(x @ h.t() @ h) + x
    return h.sum()


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_run_on_numpy_alone(name: str, tmp_path) -> None:
    torch.manual_seed(1)
    f = PROGRAMS[name]
    program = torch.to_numpy(f, torch.randn(3, 4))
    other = torch.randn(3, 4).abs() + 0.1 if name == "where" else torch.randn(3, 4)
    x = other.clone().requires_grad_()
    value = f(x)
    value.backward()
    path = program.save(tmp_path / "program.py")
    np.save(tmp_path / "x.npy", other.numpy())
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import numpy as np; from program import value_and_grad\n"
        f"v, (g,) = value_and_grad(np.load({str(tmp_path / 'x.npy')!r})); np.save({str(tmp_path / 'g.npy')!r}, g); print(v)\n"
        "assert not any(m.split('.')[0] in ('rushlight', 'torch') for m in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + path.read_text()
    assert np.isclose(float(done.stdout), value.item(), rtol=1e-4)
    assert np.allclose(np.load(tmp_path / "g.npy"), x.grad.numpy(), rtol=1e-3, atol=1e-5)


def test_lines_name_the_forward_line() -> None:
    def f(w, x):
        y = w * x
        return y.sum()

    source = str(torch.to_numpy(f, torch.ones(2), torch.ones(2)))
    assert "y = w * x  # line" in source and "# back through line" in source
    assert all("# " in line for line in source.splitlines() if line.startswith("    d_") and "d_out = " not in line)
    side = torch.diff_source(f, torch.ones(2), torch.ones(2))
    assert "forward" in side.splitlines()[0] and "y = w * x  " in side and "d_w = d_y * x" in side


def test_parameters_keep_their_names() -> None:
    model = nn.Linear(2, 1)
    source = str(torch.to_numpy(lambda x: model(x).sum(), torch.ones(1, 2)))
    assert "model_weight = np.array(" in source and "model_bias + x @" in source


class Cubed(torch.autograd.Function):
    """Computes in NumPy, where no operator sees it."""

    @staticmethod
    def forward(ctx, x):
        return torch.from_numpy(x.detach().numpy() ** 3)

    @staticmethod
    def backward(ctx, g):
        return g


@pytest.mark.parametrize(
    "f, why",
    [
        (lambda x: Cubed.apply(x).sum(), "the custom function of CubedBackward"),
        (lambda x: (x * x.tolist()[0]).sum(), "outside of operators"),
        (lambda x: F.dropout(x).sum(), "random numbers"),
    ],
)
def test_what_a_program_would_take_for_a_constant_is_refused(f, why: str) -> None:
    with pytest.raises(NotImplementedError, match=why):
        torch.to_numpy(f, torch.tensor([0.5, 2.0]))


def test_what_cannot_be_written_says_so() -> None:
    with pytest.raises(NotImplementedError, match="in place"):
        torch.to_numpy(lambda x: (x * 2).add_(1).mul_(x).sum(), torch.ones(2))
    with pytest.raises(RuntimeError, match="scalar"):
        torch.to_numpy(lambda x: x * 2, torch.ones(2))
    big = torch.ones(5000)
    with pytest.raises(NotImplementedError, match="pass it as an argument"):
        torch.to_numpy(lambda x: (x * big).sum(), torch.ones(5000))


def test_an_expansion_reads_as_the_program() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    y = w * 3
    L = y**2
    assert "= 2y * 3" in torch.explain(L, w).text


# ---- checkpoints and pack hooks


def test_looking_recomputes_a_checkpoint_once_and_leaves_it_whole() -> None:
    layer, x, runs = nn.Linear(3, 3), torch.ones(2, 3, requires_grad=True), []

    def segment(t):
        runs.append(1)
        return torch.tanh(layer(t))

    loss = checkpoint(segment, x, use_reentrant=False).sum()
    torch.draw(loss)
    assert len(runs) == 2
    torch.explain(loss, x)
    torch.debug.nan_origin()
    loss.backward()
    want = x.grad
    x.grad = None
    walk = torch.backward_steps(checkpoint(segment, x, use_reentrant=False).sum())
    assert [s.node.name() for s in walk][:2] == ["SumBackward0", "TanhBackward0"] and torch.equal(x.grad, want)


def test_a_reentrant_checkpoint_is_not_run_for_a_picture() -> None:
    layer, x = nn.Linear(3, 3), torch.ones(2, 3, requires_grad=True)
    loss = checkpoint(layer, x, use_reentrant=True).sum()
    notes = torch.draw(loss).scene.notes
    assert layer.weight.grad is None and any("use_reentrant" in n for n in notes)


def test_pack_hooks_are_asked_once() -> None:
    x, asked = torch.ones(3, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: asked.append(1) or t):
        loss = (x * x).sum()
    torch.draw(loss)
    assert len(asked) == 2
    list(torch.backward_steps(loss))
    assert len(asked) == 4 and x.grad.tolist() == [2.0, 2.0, 2.0]
