"""Random programs for PyTorch and Rushlight: made from a seed, run on either, compared step by step.

A program is a list of plain steps; each names tensors by number, counted around the pool of those that exist. What a
step leaves behind is noted: the error it raised, and for every tensor its value, version, flags and gradient.
"""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np

SHAPES = [(2, 3), (3,), (2, 2), (1,), (), (4,), (3, 2), (1, 3), (2, 1, 2)]
UNARY = ["sin", "cos", "tanh", "exp", "neg", "abs", "sigmoid", "relu", "square", "clone", "sign", "floor", "detach"]
BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "atan2"]
REDUCE = ["sum", "mean", "prod", "amax", "cumsum", "max", "logsumexp", "std", "norm"]
VIEWS = [
    "index", "slice", "column", "step", "transpose", "view", "unsqueeze", "expand", "narrow", "diagonal", "permute",
    "view_as", "as_strided", "squeeze", "select", "flatten", "unfold", "movedim", "reshape", "ellipsis", "none",
]  # fmt: skip
MANY = ["unbind", "chunk", "split", "split_sizes", "tensor_split"]
INPLACE = [
    "add_", "mul_", "sub_", "div_", "sin_", "neg_", "zero_", "fill_", "copy_", "clamp_", "relu_", "exp_", "tanh_",
    "mul_self", "addcmul_", "masked_fill_", "floor_", "sign_", "pow_", "abs_", "sigmoid_", "lerp_",
]  # fmt: skip
SETITEM = ["number", "slice", "column", "mask", "list", "ellipsis", "step", "add", "rows"]
INPLACE_VIEWS = ["unsqueeze_", "squeeze_", "transpose_", "t_"]
GATHER = ["list", "mask", "pair", "gather", "index_select", "where", "masked_fill", "take"]
META = ["requires_grad_", "requires_grad_false", "detach_", "retain_grad", "zero_grad", "grad_zero_"]
HOOKS = ["scale", "see", "none", "node_pre", "node_post", "post_accumulate", "remove"]
BACKWARD = ["backward", "backward_retain", "backward_create", "grad", "grad_create", "backward_inputs", "backward_seed"]
CUSTOM = ["square", "identity", "dirty", "two", "view"]
# of wide programs only
WIDE = {
    "put": (8, [
        "none", "row_mask", "pair", "pairs", "slice_list", "list_slice", "true", "false", "scalar_tensor", "bools", "negative",
        "ellipsis_none", "grid", "empty", "list_none", "augmented",
    ]),
    "pick": (3, ["none", "row_mask", "pair", "slice_list", "list_slice", "true", "scalar_tensor", "bools", "grid"]),
    "out": (3, ["add", "mul", "sin", "sum", "matmul", "cat", "fresh"]),
    "function": (5, ["dirty_pair", "dirty_view", "pass_on", "constant", "setup", "once", "unused", "two_views"]),
    "strided": (3, ["overlap", "gap", "row", "reverse", "whole", "as_strided_"]),
    "data": (3, ["write", "assign", "read", "swap"]),
    "storage": (1, ["set_", "detach_", "detach_chain", "increment"]),
    "inference": (2, ["op", "view", "write", "leaf"]),
    "packed": (3, ["square", "mul", "exp", "write", "twice"]),
    "step": (4, ["sgd", "momentum", "optimizer", "clip", "zero"]),
    "complex": (4, ["view_as_complex", "view_as_real", "real", "imag", "write_real", "write_imag", "square", "conj", "abs"]),
    "ask": (5, ["several", "unused", "materialized", "edge", "seeds", "inputs", "inputs_two", "interior"]),
    "together": (2, ["copy_part", "mul_part", "swap_halves", "write_chunk", "write_unbind", "fill_diagonal", "index_add", "scatter"]),
}  # fmt: skip


def make_program(seed: int, wide: bool = False) -> list[tuple[Any, ...]]:
    """A program of 5 to 40 steps; a wide one has rarer kinds of steps, too."""
    r = random.Random(seed)
    program: list[tuple[Any, ...]] = []
    for _ in range(r.randint(1, 3)):
        program.append(("leaf", r.choice(SHAPES), r.random() < 0.75, r.randrange(10**6)))
    kinds = {
        "leaf": 2, "unary": 10, "binary": 12, "scalar": 6, "reduce": 5, "view": 14, "many": 4, "inplace": 12,
        "setitem": 6, "inplace_view": 1, "gather": 4, "meta": 5, "hook": 4, "backward": 7, "matmul": 3, "cat": 3,
        "custom": 2, "delete": 1,
    }  # fmt: skip
    if wide:
        kinds.update({kind: weight for kind, (weight, _) in WIDE.items()})
    names, weights = list(kinds), list(kinds.values())
    for _ in range(r.randint(4, 37)):
        kind = r.choices(names, weights)[0]
        mode = r.choices(["", "no_grad", "enable_grad"], [0.88, 0.1, 0.02])[0]
        n = [r.randrange(1000) for _ in range(6)]
        if r.random() < 0.5:
            n[0] = -r.randint(1, 3)  # one of the latest
        if kind == "leaf":
            program.append(("leaf", r.choice(SHAPES), r.random() < 0.6, n[1]))
            continue
        choice = {
            "unary": UNARY, "binary": BINARY, "scalar": [*BINARY[:4], "pow", "rsub"], "reduce": REDUCE, "view": VIEWS,
            "many": MANY, "inplace": INPLACE, "setitem": SETITEM, "inplace_view": INPLACE_VIEWS, "gather": GATHER,
            "meta": META, "hook": HOOKS, "backward": BACKWARD, "matmul": ["matmul", "mv", "outer"], "cat": ["cat", "stack"],
            "custom": CUSTOM, "delete": ["delete"], **{name: choices for name, (_, choices) in WIDE.items()},
        }[kind]  # fmt: skip
        program.append((kind, r.choice(choice), mode, *n))
    program.append(("backward", "backward", "", -1, 0, 0, 0, 0, 0))
    return program


class Machine:
    """Runs a program on one of the two libraries."""

    def __init__(self, lib: Any) -> None:
        self.lib = lib
        self.pool: list[Any] = []
        self.log: list[Any] = []
        self.handles: list[Any] = []
        self.seen: list[Any] = []
        self.unsteady = False  # whether rounding decides from here on
        F = lib.autograd.Function

        class Square(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * 2 * ctx.saved_tensors[0]

        class Identity(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * 3

        class Dirty(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                x.mul_(2)
                ctx.mark_dirty(x)
                return x

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * 2

        class Two(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.set_materialize_grads(False)
                ctx.shape = tuple(x.shape)
                return x * 2, x.sum()

            @staticmethod
            def backward(ctx: Any, g: Any, h: Any) -> Any:
                if g is None:
                    return h if h is None else (h * 5).expand(ctx.shape)
                return g * 2 if h is None else g * 2 + h * 5

        class View(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.shape = tuple(x.shape)
                return x.view(-1)

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g.reshape(ctx.shape) * 7

        class DirtyPair(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any, y: Any) -> Any:
                ctx.mark_dirty(x)
                x.mul_(3)
                return x, y * 2

            @staticmethod
            def backward(ctx: Any, g: Any, h: Any) -> Any:
                return g * 3, h * 2

        class PassOn(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any, k: Any) -> Any:
                return x, x * k

            @staticmethod
            def backward(ctx: Any, g: Any, h: Any) -> Any:
                return g + 2 * h, None

        class Constant(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                a, b = x * 2, x > 1
                c = x * 5
                ctx.mark_non_differentiable(b, c)
                return a, c

            @staticmethod
            def backward(ctx: Any, g: Any, h: Any) -> Any:
                return g * 2 + h

        class Setup(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(x: Any, y: Any) -> Any:
                return x * y

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
                ctx.save_for_backward(*inputs, output)

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                x, y, out = ctx.saved_tensors
                return (
                    g.mul(y).sum_to_size(x.shape) if ctx.needs_input_grad[0] else None,
                    (g * x + 0 * out).sum_to_size(y.shape) if ctx.needs_input_grad[1] else None,
                )

        class Once(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x.exp()

            @staticmethod
            @lib.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
            def backward(ctx: Any, g: Any) -> Any:
                return g * ctx.saved_tensors[0].exp()

        class Unused(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any, y: Any) -> Any:
                return x * 2

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * 2, None

        class TwoViews(F):  # type: ignore[misc, valid-type]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x.view_as(x), x[:1]

            @staticmethod
            def backward(ctx: Any, g: Any, h: Any) -> Any:
                return g

        self.wide = {
            "dirty_pair": DirtyPair, "pass_on": PassOn, "constant": Constant, "setup": Setup, "once": Once,
            "unused": Unused, "two_views": TwoViews,
        }  # fmt: skip
        self.functions = {"square": Square, "identity": Identity, "dirty": Dirty, "two": Two, "view": View}

    def get(self, n: int) -> Any:
        return self.pool[n % len(self.pool)] if n >= 0 else self.pool[max(n, -len(self.pool))]

    def run(self, program: list[tuple[Any, ...]]) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in program:
                before = len(self.pool)
                error = ""
                self.last: Any = None
                try:
                    self.step(step)
                except Exception as e:
                    error = type(e).__name__
                    self.last = e
                    del self.pool[before:]
                    if step[0] in ("backward", "ask", "packed"):
                        self.seen = []  # how far it came
                        # PyTorch leaves .grad half added, Rushlight as it was
                        for t in self.pool:
                            t.grad = None
                if len(self.pool) > 40:
                    del self.pool[20:]
                self.log.append(
                    (step[:2], error, [self.state(t) for t in self.pool], self.seen, str(self.last), self.unsteady)
                )
                self.seen = []
                if self.unsteady:
                    break
        return self.log

    def step(self, step: tuple[Any, ...]) -> None:
        lib = self.lib
        if step[0] == "leaf":
            values = np.random.default_rng(step[3]).uniform(0.5, 1.5, step[1])
            self.pool.append(lib.tensor(values.tolist(), dtype=lib.float64, requires_grad=step[2]))
            return
        kind, name, mode, *n = step
        if kind in WRITES and overlapping(self.get(n[0])):
            return  # what is written then is undefined
        method = getattr(self, "do_" + kind)
        x = self.get(n[0])
        if mode:
            with getattr(lib, mode)():
                made = method(name, x, n)
        else:
            made = method(name, x, n)
        if (
            made is not None
            and kind in ("unary", "binary", "scalar", "reduce", "gather", "matmul", "cat")
            and name != "detach"
        ):
            # results lie in memory as each library likes; and a product may count as a view in PyTorch
            self.unsteady = self.unsteady or not (made.is_contiguous() or made.dim() < 2 or kind == "matmul")
            made = made.contiguous().clone() if kind == "matmul" else made.contiguous()
        if made is not None:
            self.pool.extend(made if isinstance(made, (tuple, list)) else [made])

    def state(self, t: Any) -> Any:
        """What can be seen of a tensor."""
        array = np.array(t.detach().numpy())
        try:
            fn = t.grad_fn is not None
        except RuntimeError:
            fn = "error"
        grad = None if fn == "error" else t.grad if t.is_leaf or t.retains_grad else None
        return (
            array, t._version, t.requires_grad, t._is_view(), fn, tuple(t.shape), tuple(t.stride()),
            None if grad is None else np.array(grad.detach().numpy()), None if grad is None else grad.requires_grad,
        )  # fmt: skip

    # ---- the kinds of steps

    def steps(self, x: Any) -> None:
        """A step function is about to be taken of ``x``: where that lies beside a step, rounding may put it across."""
        array = x.detach().numpy()
        off = np.abs(array - np.round(array))
        self.unsteady = self.unsteady or bool(((0 < off) & (off < 1e-9)).any())

    def do_unary(self, name: str, x: Any, n: list[int]) -> Any:
        if name in ("sin", "cos") and x.numel() and float(x.detach().abs().max()) > 1e5:
            return None  # the rounding of what went before decides
        if name in ("floor", "sign"):
            self.steps(x)
        return getattr(x, name)()

    def do_binary(self, name: str, x: Any, n: list[int]) -> Any:
        return getattr(self.lib, name)(x, self.get(n[1]))

    def do_scalar(self, name: str, x: Any, n: list[int]) -> Any:
        value = [2, 0.5, -1.5, 3.0][n[1] % 4]
        if name == "pow":
            return x ** [2, 3, 1, 0.5][n[1] % 4]
        if name == "rsub":
            return value - x
        return getattr(x, name)(value)

    def do_reduce(self, name: str, x: Any, n: list[int]) -> Any:
        dim = n[1] % 3 - 1
        if name == "cumsum":
            return x.cumsum(dim)
        if name == "max":
            return x.max(dim)[0]
        if name in ("logsumexp", "amax"):
            return getattr(x, name)(dim)
        if name == "norm":
            return x.norm()
        return getattr(x, name)() if n[2] % 2 else getattr(x, name)(dim)

    def do_view(self, name: str, x: Any, n: list[int]) -> Any:
        lib, a, b = self.lib, n[1], n[2]
        shape = tuple(x.shape)
        return {
            "index": lambda: x[a % 2],
            "slice": lambda: x[a % 2 : a % 2 + 1 + b % 3],
            "column": lambda: x[:, a % 2],
            "step": lambda: x[::2],
            "transpose": lambda: x.transpose(0, -1),
            "view": lambda: x.view([(-1,), (2, -1), (1, -1), (-1, 1)][a % 4]),
            "unsqueeze": lambda: x.unsqueeze(a % 3 - 1),
            "expand": lambda: x.expand((2, *shape)),
            "narrow": lambda: x.narrow(a % 2, 0, 1 + b % 2),
            "diagonal": lambda: x.diagonal(),
            "permute": lambda: x.permute(tuple(range(len(shape)))[::-1]),
            "view_as": lambda: x.view_as(self.get(n[3])),
            "as_strided": lambda: x.as_strided((2,), (1,), 1 if a % 2 else None),
            "squeeze": lambda: x.squeeze(),
            "select": lambda: x.select(a % 2, b % 2),
            "flatten": lambda: x.flatten(),
            "unfold": lambda: x.unfold(0, 2, 1).clone(),
            "movedim": lambda: lib.movedim(x, 0, -1),
            "reshape": lambda: x.reshape([(-1,), (2, -1), (1, -1), (-1, 1)][a % 4]),
            "ellipsis": lambda: x[..., a % 2],
            "none": lambda: x[None],
        }[name]()

    def do_many(self, name: str, x: Any, n: list[int]) -> Any:
        if not x.dim():
            return None
        dim = n[1] % x.dim()
        if name == "unbind":
            return x.unbind(dim)
        if name == "chunk":
            return x.chunk(2, dim)
        if name == "split":
            return x.split(1 + n[2] % 2, dim)
        if name == "tensor_split":
            return x.tensor_split(2)
        return x.split([1, x.shape[0] - 1])

    def apart(self, x: Any, other: Any) -> Any:
        """``other``, or a copy if it lies in part of the memory of ``x``: what is read then is undefined in PyTorch."""
        a, b = x.detach().numpy(), other.detach().numpy()
        same = a.ctypes.data == b.ctypes.data and a.shape == b.shape and a.strides == b.strides
        return other.clone() if not same and np.may_share_memory(a, b) else other

    def do_inplace(self, name: str, x: Any, n: list[int]) -> Any:
        value = [2, 0.5, -1.5, 3.0][n[2] % 4]
        other = self.apart(x, self.get(n[1]))
        by = other if n[3] % 2 else value
        if not x.numel() and name in ("zero_", "fill_", "masked_fill_", "copy_"):
            return None  # what strides nothing has is open
        if (name in ("zero_", "fill_", "masked_fill_") or (name == "copy_" and x.requires_grad)) and any(
            s == 0 and k > 1 for s, k in zip(x.stride(), x.shape, strict=True)
        ):
            return None  # PyTorch writes to what expand gives, but its backward fails
        if name in ("add_", "mul_", "sub_", "div_"):
            getattr(x, name)(by)
        elif name == "fill_":
            x.fill_(value)
        elif name == "copy_":
            if x.numel():  # PyTorch copies anything to nothing
                x.copy_(other)
        elif name == "clamp_":
            x.clamp_(0.6, 1.2)
        elif name == "mul_self":
            x.mul_(x)
        elif name == "addcmul_":
            x.addcmul_(other, self.apart(x, self.get(n[4])))
        elif name == "masked_fill_":
            x.masked_fill_(x.detach() > 1, value)
        elif name == "pow_":
            x.pow_(2)
        elif name == "lerp_":
            x.lerp_(other, 0.25)
        else:
            if name in ("floor_", "sign_"):
                self.steps(x)
            getattr(x, name)()
        return None

    def do_setitem(self, name: str, x: Any, n: list[int]) -> Any:
        value = self.get(n[1]) if n[2] % 2 else 0.25
        if n[2] % 2 and np.may_share_memory(x.detach().numpy(), value.detach().numpy()):
            value = value.clone()
        if any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape, strict=True)) or not x.numel():
            return None  # deprecated in PyTorch, and its second derivatives fail
        a = n[3] % 2 if x.dim() and x.shape[0] > 1 else 0  # PyTorch writes the indices before one that is out of range
        if name == "number":
            x[a] = value
        elif name == "slice":
            x[a:] = value
        elif name == "column":
            x[:, a] = value
        elif name == "mask":
            x[x.detach() > 1] = value
        elif name == "list":
            x[[0, a]] = value
        elif name == "ellipsis":
            x[..., a] = value
        elif name == "step":
            x[::2] = value
        elif name == "add":
            x[a] += value
        else:
            x[self.lib.tensor([a])] = value
        return None

    def do_inplace_view(self, name: str, x: Any, n: list[int]) -> Any:
        if x.requires_grad and (x.is_leaf or not self.lib.is_grad_enabled() or x.retains_grad):
            return None  # PyTorch keeps the gradient in the shape before
        if name == "unsqueeze_":
            x.unsqueeze_(0)
        elif name == "transpose_":
            x.transpose_(0, -1)
        else:
            getattr(x, name)()
        return None

    def do_gather(self, name: str, x: Any, n: list[int]) -> Any:
        lib, a = self.lib, n[1] % 2
        if not x.dim() or not x.shape[0]:
            return None
        # a clone where PyTorch saves the input and Rushlight its shape: a later write would be an error in PyTorch only
        return {
            "list": lambda: x[[0, a, 0]],
            "mask": lambda: x[x.detach() > 0.9],
            "pair": lambda: x[[0, a], [a, 0]],
            "gather": lambda: x.clone().gather(0, lib.zeros(x.shape, dtype=lib.int64)),
            "index_select": lambda: x.index_select(0, lib.tensor([a, 0, 0])),
            "where": lambda: lib.where(x.detach() > 1, x, self.get(n[2])),
            "masked_fill": lambda: x.masked_fill(x.detach() > 1, 0.5),
            "take": lambda: lib.take(x.clone(), lib.tensor([0, a])),
        }[name]()

    def do_meta(self, name: str, x: Any, n: list[int]) -> Any:
        if (
            name == "detach_"
            and not x.is_leaf
            and any(t is not x and np.may_share_memory(t.detach().numpy(), x.detach().numpy()) for t in self.pool)
        ):
            return None  # its views still require grad in PyTorch, and lead nowhere after the next write
        if name == "requires_grad_" and x._version:
            return None  # with views made before the writes, that is an error in PyTorch
        if name == "requires_grad_":
            x.requires_grad_()
        elif name == "requires_grad_false":
            x.requires_grad_(False)
        elif name == "set_data":
            x.data = (x.detach() * 0.5).clone()
        elif name == "zero_grad":
            x.grad = None
        elif name == "grad_zero_":
            if x.grad is not None:
                x.grad.detach().zero_()
        else:
            getattr(x, name)()
        return None

    def do_hook(self, name: str, x: Any, n: list[int]) -> Any:
        index = len(self.handles)
        if name.startswith("node") and x._is_view():
            return None  # after an unrecorded write PyTorch makes another node for a view

        def see(*grads: Any) -> None:
            def flat(g: Any) -> Any:
                return (
                    [flat(h) for h in g]
                    if isinstance(g, tuple)
                    else None
                    if g is None
                    else np.array(g.detach().numpy())
                )

            self.seen.append((index, name, [flat(g) for g in grads]))

        if name == "remove":
            if self.handles:
                self.handles[n[1] % len(self.handles)].remove()
            return None
        if name == "scale":
            handle = x.register_hook(lambda g: None if g is None else g * 2)
        elif name in ("see", "none"):
            handle = x.register_hook(see)
        elif name == "post_accumulate":
            handle = x.register_post_accumulate_grad_hook(lambda t: see(t.grad))
        elif name == "node_pre":
            handle = x.grad_fn.register_prehook(lambda gs: tuple([None if g is None else g * 0.5 for g in gs]))
        else:
            handle = x.grad_fn.register_hook(lambda gi, go: see(tuple(go)))
        self.handles.append(handle)
        return None

    def do_backward(self, name: str, x: Any, n: list[int]) -> Any:
        lib = self.lib
        if name == "backward":
            x.sum().backward()
        elif name == "backward_retain":
            x.sum().backward(retain_graph=True)
        elif name == "backward_create":
            (x * x).sum().backward(create_graph=True)
        elif name == "backward_seed":
            x.backward(lib.ones_like(x.detach()) * 0.5, retain_graph=bool(n[1] % 2))
        elif name == "backward_inputs":
            x.sum().backward(inputs=[self.get(n[1])], retain_graph=True)
        else:
            create = name == "grad_create"
            found = lib.autograd.grad(
                (x * x).sum(), [self.get(n[1]), self.get(n[2])], allow_unused=bool(n[3] % 4), create_graph=create,
                retain_graph=True, materialize_grads=n[3] % 4 == 2,
            )  # fmt: skip
            self.seen.append(("grad", [None if g is None else np.array(g.detach().numpy()) for g in found]))
            if create:
                return [g.contiguous().clone() for g in found if g is not None]
        return None

    def do_matmul(self, name: str, x: Any, n: list[int]) -> Any:
        y = self.get(n[1])
        if x.dim() > 2 or y.dim() > 2:  # PyTorch folds some products, and then saves a copy or a view of that
            x, y = x.clone(), y.clone()
        if name == "outer":
            return self.lib.outer(x, y)
        return x @ y if name == "matmul" else x @ y.transpose(0, -1)

    def do_cat(self, name: str, x: Any, n: list[int]) -> Any:
        y = self.get(n[1])
        if (0,) in (tuple(x.shape), tuple(y.shape)) or x.dim() != y.dim():
            return None
        return getattr(self.lib, name)([x, y], n[2] % 2)

    def do_custom(self, name: str, x: Any, n: list[int]) -> Any:
        return self.functions[name].apply(x)

    # ---- kinds of steps of wide programs

    def key(self, name: str, x: Any, a: int) -> Any:
        """An index of that kind for ``x``; it may not fit."""
        lib, rows = self.lib, x.shape[0] if x.dim() else 1
        b = a % rows if rows else 0
        return {
            "none": lambda: (None, b),
            "row_mask": lambda: x.detach().reshape(max(rows, 1), -1).sum(1) > 2,
            "pair": lambda: ([0, b], [b, 0]),
            "pairs": lambda: (lib.tensor([0, b]), lib.tensor([0, 0])),
            "slice_list": lambda: (slice(None), [0]),
            "list_slice": lambda: ([b], slice(0, 1)),
            "true": lambda: True,
            "false": lambda: False,
            "scalar_tensor": lambda: lib.tensor(b),
            "bools": lambda: [i == b for i in range(rows)],
            "negative": lambda: -1,
            "ellipsis_none": lambda: (..., None),
            "grid": lambda: (lib.tensor([[0], [b]]),),
            "empty": lambda: slice(0, 0),
            "list_none": lambda: ([b], None),
            "augmented": lambda: b,
        }[name]()

    def do_put(self, name: str, x: Any, n: list[int]) -> Any:
        value = self.get(n[1]) if n[2] % 2 else [0.25, 2, -1.5][n[2] % 3]
        if n[2] % 2 and (n[2] % 5 == 0):
            value = value.reshape(-1)[:1]
        if n[2] % 2 and np.may_share_memory(x.detach().numpy(), value.detach().numpy()):
            value = value.clone()
        if any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape, strict=True)) or not x.numel():
            return None  # as for setitem
        key = self.key(name, x, n[3])
        if n[2] % 2 and value.numel() > 1 and name in ("pair", "pairs", "grid"):
            value = value.reshape(-1)[0]  # which of several values comes last is open
        if name == "augmented":
            x[key] *= value
        else:
            x[key] = value
        return None

    def do_pick(self, name: str, x: Any, n: list[int]) -> Any:
        if not x.numel():
            return None
        made = x[self.key(name, x, n[1])]
        return made if made._is_view() else made.contiguous()  # what is picked lies as each library likes

    def do_out(self, name: str, x: Any, n: list[int]) -> Any:
        lib, y, out = self.lib, self.get(n[1]), self.get(n[2])
        arrays = [t.detach().numpy() for t in (x, y, out)]
        if name == "fresh":
            return lib.mul(x, 2, out=lib.empty(0, dtype=x.dtype))
        if any(np.may_share_memory(arrays[2], a) for a in arrays[:2]) or out._is_view():
            return None
        if name in ("add", "mul", "matmul"):
            want = np.add(*arrays[:2]).shape if name != "matmul" else np.matmul(*arrays[:2]).shape
            if want != arrays[2].shape:
                return None  # PyTorch resizes storages
            getattr(lib, name)(x, y, out=out)
        elif name == "sin" and arrays[0].shape == arrays[2].shape:
            lib.sin(x, out=out)
        elif name == "sum" and not arrays[2].shape:
            lib.sum(x, tuple(range(x.dim())), out=out)
        elif name == "cat" and x.dim() and arrays[2].shape == (2 * x.shape[0], *x.shape[1:]):
            lib.cat([x, x], out=out)
        return None

    def do_function(self, name: str, x: Any, n: list[int]) -> Any:
        y = self.get(n[1])
        if name == "dirty_pair":
            if np.may_share_memory(x.detach().numpy(), y.detach().numpy()):
                return None
            return list(self.wide[name].apply(x, y))[1:]
        if name == "dirty_view":
            self.functions["dirty"].apply(x[:1])
            return None
        if name == "pass_on":
            return list(self.wide[name].apply(x, 2))
        if name in ("setup", "unused"):
            return self.wide[name].apply(x, y)
        return self.wide[name].apply(x)

    def do_strided(self, name: str, x: Any, n: list[int]) -> Any:
        if not x.is_contiguous():
            return None
        size = x.numel()
        if name == "overlap":
            return x.as_strided((2, 2), (1, 1))
        if name == "gap":
            return x.as_strided((2,), (2,))
        if name == "row":
            return x.as_strided((1, 2), (2, 1), x.storage_offset())
        if name == "reverse":
            return x.as_strided(tuple(x.shape)[::-1], tuple(x.stride())[::-1])
        if name == "whole":
            return x.as_strided((size,), (1,))
        if not x.requires_grad:
            x.as_strided_((max(size, 1) // 2,), (2,))
        return None

    def do_data(self, name: str, x: Any, n: list[int]) -> Any:
        y = self.get(n[1])
        if name == "write":
            x.data.mul_(0.5)
        elif name == "read":
            return x.data if not x._is_view() else None
        elif (
            x.requires_grad  # PyTorch's nodes then see the new values of a leaf, not those that forward saw
            or x._is_view()
            or np.may_share_memory(x.detach().numpy(), y.detach().numpy())
            or any(t is not x and np.may_share_memory(t.detach().numpy(), x.detach().numpy()) for t in self.pool)
        ):
            return None
        elif name == "assign":
            x.data = (y.detach() * 0.5).clone() if y.shape == x.shape else (x.detach() * 0.5).clone()
        elif y.shape == x.shape and x.is_leaf and y.is_leaf:
            x.data = y.data.clone()
        return None

    def do_storage(self, name: str, x: Any, n: list[int]) -> Any:
        if name == "increment":
            self.lib.autograd.graph.increment_version(x)
        elif name == "detach_":
            x.detach_()
        elif name == "detach_chain":
            return (x * 2).detach_().requires_grad_()
        elif (
            not x.requires_grad
            and not x._is_view()
            and not any(t is not x and np.may_share_memory(t.detach().numpy(), x.detach().numpy()) for t in self.pool)
        ):
            x.set_(self.lib.full((2,), 0.75, dtype=x.dtype))
        return None

    def do_inference(self, name: str, x: Any, n: list[int]) -> Any:
        lib = self.lib
        with lib.inference_mode():
            if name == "op":
                made = x * 2
            elif name == "view":
                made = x.view(-1)
            elif name == "leaf":
                made = lib.full((2,), 0.5, dtype=lib.float64)
            else:
                if not overlapping(x):
                    x.mul_(2)
                return None
        how = n[1] % 4
        if how == 0:
            return made * 1  # PyTorch counts making a clone() as a write to it
        if how == 1:
            return made * self.get(n[2])
        if how == 2:
            made.add_(1)
        return (made + 1) * 2

    def do_packed(self, name: str, x: Any, n: list[int]) -> Any:
        def pack(t: Any) -> Any:
            self.seen.append(("pack", tuple(t.shape)))
            return t.detach().clone()

        with self.lib.autograd.graph.saved_tensors_hooks(pack, lambda t: t * 1):
            if name == "square":
                return x * x
            if name == "mul":
                return x * self.get(n[1])
            if name == "exp":
                return x.exp()
            if name == "write":
                x.sin_()
                return None
            return x.sigmoid().sigmoid()

    def do_step(self, name: str, x: Any, n: list[int]) -> Any:
        lib = self.lib
        leaves = [
            t for t in self.pool if t.is_leaf and t.requires_grad and t.grad is not None and not t.grad.requires_grad
        ]
        if not leaves:
            return None
        if name == "optimizer":
            lib.optim.SGD(leaves, lr=0.1).step()
        elif name == "clip":
            lib.nn.utils.clip_grad_norm_(leaves, 1.0)
        else:
            with lib.no_grad():
                for p in leaves:
                    if name == "sgd":
                        p.add_(p.grad, alpha=-0.1)
                    elif name == "momentum":
                        p.sub_(0.1 * p.grad.mul_(0.9).add_(0.01))
                    else:
                        p.grad.zero_()
        return None

    def do_complex(self, name: str, x: Any, n: list[int]) -> Any:
        lib = self.lib
        if x.is_complex():
            if name in ("view_as_complex", "view_as_real"):
                return lib.view_as_real(x)
            return {
                "real": lambda: x.real, "imag": lambda: x.imag, "write_real": lambda: x.real.mul_(2) and None,
                "write_imag": lambda: x.imag.zero_() and None, "square": lambda: x * x, "abs": lambda: x.abs(),
                "conj": lambda: x.conj() * x,
            }[name]()  # fmt: skip
        if not x.dim() or x.shape[-1] != 2:
            return None
        z = lib.view_as_complex(x)
        if name == "view_as_complex":
            return z
        if name == "write_real":
            z.real.mul_(2)
            return None
        if name == "write_imag":
            z.imag.add_(1)
            return None
        return {
            "view_as_real": lambda: lib.view_as_real(z * 2), "real": lambda: z.real, "imag": lambda: z.imag,
            "square": lambda: lib.view_as_real(z * z), "conj": lambda: (z.conj() * z).real, "abs": lambda: z.abs(),
        }[name]()  # fmt: skip

    def do_ask(self, name: str, x: Any, n: list[int]) -> Any:
        lib, y, z = self.lib, self.get(n[1]), self.get(n[2])
        grad = lib.autograd.grad
        keep = bool(n[3] % 3)
        if name == "several":
            found = grad([x.sum(), y.sum()], [z], retain_graph=keep, allow_unused=True)
        elif name == "unused":
            found = grad(x.sum(), [y, z], retain_graph=keep)
        elif name == "materialized":
            found = grad(x.sum(), [y, z], retain_graph=keep, materialize_grads=True)
        elif name == "edge":
            edge = lib.autograd.graph.get_gradient_edge(y)
            found = grad(x.sum(), [edge], retain_graph=keep, allow_unused=True)
        elif name == "seeds":
            found = grad([x, y], [z], [lib.ones_like(x), lib.ones_like(y) * 2], retain_graph=keep, allow_unused=True)
        elif name == "interior":
            w = x * 2
            found = grad((w * w).sum(), [w, x, y], allow_unused=True, retain_graph=keep)
        else:
            x.sum().backward(inputs=[y] if name == "inputs" else [y, z], retain_graph=keep)
            return None
        self.seen.append((name, [None if g is None else np.array(g.detach().numpy()) for g in found]))
        return None

    def do_together(self, name: str, x: Any, n: list[int]) -> Any:
        lib, y = self.lib, self.get(n[1])
        if np.may_share_memory(x.detach().numpy(), y.detach().numpy()):
            y = y.clone()
        if not x.dim() or not x.numel() or any(s == 0 and k > 1 for s, k in zip(x.stride(), x.shape, strict=True)):
            return None
        if name == "copy_part":
            x[:1].copy_(y)
        elif name == "mul_part":
            x[..., :1].mul_(y.sum())
        elif name == "swap_halves":
            a, b = x.chunk(2) if x.shape[0] > 1 else (x, x)
            a.add_(b.clone())
        elif name == "write_chunk":
            x.chunk(2)[0].mul_(2)
        elif name == "write_unbind":
            x.unbind(0)[0].add_(1)
        elif name == "fill_diagonal":
            x.fill_diagonal_(0.5)
        elif name == "index_add":
            x.index_add_(0, lib.tensor([0]), y.clone())  # PyTorch saves it for its shape
        else:
            x.scatter_(0, lib.zeros((1,) * x.dim(), dtype=lib.int64), 0.5)
        return None

    def do_delete(self, name: str, x: Any, n: list[int]) -> Any:
        if len(self.pool) > 2:
            del self.pool[n[1] % len(self.pool)]
        return None


WRITES = ("inplace", "put", "together", "setitem", "step", "data", "custom", "function", "packed", "complex")


def overlapping(x: Any) -> bool:
    """Whether ``as_strided`` has put some elements of a tensor at one place."""
    steps = x.stride()
    return (
        0 not in steps
        and x.numel() > 1
        and x.numel() > 1 + sum((k - 1) * s for k, s in zip(x.shape, steps, strict=True))
    )


def same(a: Any, b: Any) -> bool:
    """Whether two notes agree; numbers to rounding."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return (
            isinstance(a, np.ndarray)
            and isinstance(b, np.ndarray)
            and a.shape == b.shape
            and bool(np.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True))
        )
    if isinstance(a, (tuple, list)):
        return isinstance(b, (tuple, list)) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


FIELDS = ["value", "version", "requires_grad", "is_view", "grad_fn", "shape", "stride", "grad", "grad.requires_grad"]


def difference(program: list[tuple[Any, ...]], torch: Any, rushlight: Any) -> str | None:
    """What first differs between the two libraries; None if nothing does."""
    ours, theirs = Machine(rushlight), Machine(torch)
    a, b = ours.run(program), theirs.run(program)
    for i, (mine, his) in enumerate(zip(a, b, strict=False)):
        what = f"step {i} {program[i]}"
        if mine[5] or his[5]:
            return None
        if "INTERNAL ASSERT" in his[4]:
            return None  # a mistake of PyTorch's
        if mine[1] and his[1] and "modified inplace" in his[4] + mine[4]:
            continue  # both refuse; PyTorch looks at the view first, Rushlight at the other arguments
        if mine[1] and his[1] and ("complex" in (mine[4] + his[4]).lower()):
            continue  # both refuse; which of several reasons comes first is open
        if mine[1] != his[1]:
            return f"{what}: error {mine[1] or 'none'} {mine[4][:200]!r} here, {his[1] or 'none'} {his[4][:200]!r} in torch"
        if len(mine[2]) != len(his[2]):
            return f"{what}: {len(mine[2])} tensors here, {len(his[2])} in torch"
        if not same(mine[3], his[3]):
            return f"{what}: seen {mine[3]} here, {his[3]} in torch"
        for k, (s, t) in enumerate(zip(mine[2], his[2], strict=True)):
            for field, u, v in zip(FIELDS, s, t, strict=True):
                if field == "stride" and (not s[3] or 0 in s[5] or 1 in s[5]):
                    continue
                if not same(u, v):
                    return f"{what}: {field} of tensor {k} is {u} here, {v} in torch"
    return None


def shrunk(program: list[tuple[Any, ...]], torch: Any, rushlight: Any) -> list[tuple[Any, ...]]:
    """A shorter program that still differs."""
    changed = True
    while changed:
        changed = False
        for i in range(len(program) - 1, -1, -1):
            shorter = program[:i] + program[i + 1 :]
            if not shorter or shorter[0][0] != "leaf":
                continue
            if difference(shorter, torch, rushlight):
                program, changed = shorter, True
    return program
