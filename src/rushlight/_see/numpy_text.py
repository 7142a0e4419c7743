"""How operators read in NumPy: the tables that ``to_numpy`` writes its lines from.

A line is run as soon as it is written and compared with what the engine has, so nothing here is taken on trust. What
no one line can say is a function that goes to the head of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "pow_number": "**", "pow_tensor": "**", "matmul": "@",
    "mm": "@", "bmm": "@", "mv": "@", "dot": "@", "matmul_nd": "@", "gt": ">", "ge": ">=", "lt": "<", "le": "<=",
    "eq": "==", "ne": "!=", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^",
}  # fmt: skip
UNARY = {
    **{n: n for n in [
        "exp", "log", "log1p", "log2", "log10", "expm1", "exp2", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt",
        "abs", "sign", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "square", "conj", "maximum", "minimum",
        "fmax", "fmin", "hypot", "logaddexp", "logaddexp2", "floor_divide", "outer", "logical_not", "trace",
        "remainder", "heaviside", "copysign",
    ]},
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "atan2": "arctan2", "conjugate": "conj", "real_part": "real", "imag_part": "imag", "bitwise_not": "invert",
    "sgn": "sign", "round": "rint",
}  # fmt: skip

Write = Callable[..., str]


def dims(shown: Sequence[str], what: str) -> str:
    rest = (f", axis={shown[1]}" if shown[1] not in ("None", "()") else "") + (
        ", keepdims=True" if shown[2] == "True" else ""
    )
    return f"np.{what}({shown[0]}{rest})"


def spread(shown: Sequence[str], what: str) -> str:
    """A variance or a deviation: what is divided by stands before ``keepdims``."""
    a, dim, correction, keep = shown
    return dims([a, dim, keep], what)[:-1] + f", ddof={correction})"


FORMS: dict[str, Write] = {
    "neg": lambda a: f"-{a}",
    "rsub": lambda a, b: f"{b} - {a}",
    "reciprocal": lambda a: f"1 / {a}",
    "rsqrt": lambda a: f"1 / np.sqrt({a})",
    "addcmul": lambda c, a, b, v: f"{c} + {v} * {a} * {b}",
    "addcdiv": lambda c, a, b, v: f"{c} + {v} * {a} / {b}",
    "lerp_of": lambda a, b, w: f"{a} + {w} * ({b} - {a})",
    "xlogy": lambda a, b: f"xlogy({a}, {b})",
    "erf": lambda a: f"erf({a})",
    "erfc": lambda a: f"1 - erf({a})",
    "lgamma": lambda a: f"lgamma({a})",
    "digamma": lambda a: f"digamma({a})",
    "relu": lambda a: f"np.maximum({a}, 0)",
    "sigmoid": lambda a: f"1 / (1 + np.exp(-{a}))",
    "silu": lambda a: f"{a} / (1 + np.exp(-{a}))",
    "gelu": lambda a, how: (
        f"{a} * (1 + erf({a} / 2**0.5)) / 2" if how == "'none'"
        else f"{a} / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * ({a} + 0.044715 * {a}**3)))"
    ),
    "leaky_relu": lambda a, s: f"np.where({a} > 0, {a}, {s} * {a})",
    "elu_of": lambda a, alpha, scale, inside: (
        f"np.where({a} > 0, {scale} * {a}, {alpha} * {scale} * np.expm1({inside} * np.minimum({a}, 0)))"
    ),
    "celu": lambda a, alpha: f"np.where({a} > 0, {a}, {alpha} * np.expm1(np.minimum({a}, 0) / {alpha}))",
    "softplus": lambda a, beta, _: f"np.logaddexp(0, {beta} * {a}) / {beta}",
    "logsigmoid": lambda a: f"-np.logaddexp(0, -{a})",
    "mish": lambda a: f"{a} * np.tanh(np.logaddexp(0, {a}))",
    "hardtanh": lambda a, low, high: f"np.clip({a}, {low}, {high})",
    "hardswish": lambda a: f"{a} * np.clip({a} + 3, 0, 6) / 6",
    "hardsigmoid": lambda a: f"np.clip({a} + 3, 0, 6) / 6",
    "choose": lambda c, a, b: f"np.where({c}, {a}, {b})",
    "masked_filled": lambda a, mask, v: f"np.where({mask}, {v}, {a})",
    "clamp_numbers": lambda a, low, high: f"np.clip({a}, {low}, {high})",
    "clamp_min_number": lambda a, low: f"np.maximum({a}, {low})",
    "clamp_max_number": lambda a, high: f"np.minimum({a}, {high})",
    "sum": lambda *a: dims(a, "sum"),
    "mean": lambda *a: dims(a, "mean"),
    "prod": lambda *a: dims(a, "prod"),
    "amax": lambda *a: dims(a, "max"),
    "amin": lambda *a: dims(a, "min"),
    "all": lambda *a: dims(a, "all"),
    "any": lambda *a: dims(a, "any"),
    "var_of": lambda *a: spread(a, "var"),
    "std_of": lambda *a: spread(a, "std"),
    "max_whole": lambda a: f"np.max({a})",
    "min_whole": lambda a: f"np.min({a})",
    "max_along": lambda a, d, k: f"{dims([a, d, k], 'max')}, {dims([a, d, k], 'argmax')}",
    "min_along": lambda a, d, k: f"{dims([a, d, k], 'min')}, {dims([a, d, k], 'argmin')}",
    "logsumexp_of": lambda a, d, k: f"logsumexp({a}, {d}, {k})",
    "vector_norm_of": lambda a, p, d, k: (
        dims([f"np.abs({a}) ** 2", d, k], "sum") + " ** 0.5" if p in ("2", "2.0") else f"norm({a}, {p}, {d}, {k})"
    ),
    "cumsum": lambda a, d: f"np.cumsum({a}, {d})",
    "cumprod": lambda a, d: f"np.cumprod({a}, {d})",
    "logcumsumexp_of": lambda a, d: f"np.logaddexp.accumulate({a}, {d})",
    "cummax": lambda a, d: f"running(np.maximum, {a}, {d})",
    "cummin": lambda a, d: f"running(np.minimum, {a}, {d})",
    "sort_along": lambda a, d, down, _: f"sort({a}, {d}, {down})",
    "topk_along": lambda a, k, d, largest, _: f"topk({a}, {k}, {d}, {largest})",
    "addmm": lambda c, a, b, beta, alpha: affine(c, a, b, beta, alpha),
    "addmm_turned": lambda c, a, b: f"{c} + {a} @ {b}",
    "addmv": lambda c, a, b, beta, alpha: affine(c, a, b, beta, alpha),
    "baddbmm": lambda c, a, b, beta, alpha: affine(c, a, b, beta, alpha),
    "det_of": lambda a: f"np.linalg.det({a})",
    "inv_of": lambda a, _: f"np.linalg.inv({a}), np.zeros({a}.shape[:-2], int)",
    "cholesky_of": lambda a, upper, _: (
        (f"np.linalg.cholesky({a})" if upper == "False" else f"np.swapaxes(np.linalg.cholesky({a}), -1, -2)")
        + f", np.zeros({a}.shape[:-2], int)"
    ),
    "triangular_of": lambda a, b, upper, left, unit: f"triangular({a}, {b}, {upper}, {left}, {unit})",
    "solve_of": lambda a, b, left, vector, _: f"solve({a}, {b}, {left}, {vector})",
    "tril": lambda a, k: f"np.tril({a}, {k})",
    "triu": lambda a, k: f"np.triu({a}, {k})",
    "diagonal": lambda a, k, i, j: f"np.diagonal({a}, {k}, {i}, {j})",
    "reshape": lambda a, shape: f"{a}.reshape({shape})",
    "view": lambda a, shape: f"{a}.reshape({shape})",
    "transposed": lambda a: f"{a}.T",
    "transpose": lambda a, i, j: f"np.swapaxes({a}, {i}, {j})",
    "permute": lambda a, d: f"np.transpose({a}, {d})",
    "unsqueeze": lambda a, d: f"np.expand_dims({a}, {d})",
    "expand": lambda a, shape: f"np.broadcast_to({a}, {shape})",
    "cast_from": lambda a, d, s: f"{a}.astype({d})",
    "cast": lambda a, d: f"{a}.astype({d})",
    "cast_off": lambda a, d: f"{a}.astype({d})",
    "alias": lambda a: a,
    "clone": lambda a: f"{a}.copy()",
    "clone_plain": lambda a: f"{a}.copy()",
    "flipped": lambda a, d: f"np.flip({a}, {d})",
    "rolled": lambda a, s, d: f"np.roll({a}, {s}, {d})",
    "concatenate_at": lambda t, d: f"np.concatenate({t}, {d})",
    "stack": lambda t, d: f"np.stack({t}, {d})",
    "stack_at": lambda t, d: f"np.stack({t}, {d})",
    "unbind_at": lambda a, d: f"tuple(np.moveaxis({a}, {d}, 0))",
    "gather_raw": lambda a, d, i: f"np.take_along_axis({a}, {i}, {d})",
    "index_select_raw": lambda a, d, i: f"np.take({a}, {i}, {d})",
    "spread_rows": lambda a, shape, d, i: f"add_rows(np.zeros({shape}, {a}.dtype), {d}, {i}, {a})",
    "index_added": lambda a, d, i, s, alpha: f"add_rows({a}, {d}, {i}, {alpha} * {s})",
    "embedding_rows": lambda w, i, _: f"{w}[{i}]",
    "embedding_back": lambda g, i, rows, pad: f"embedding_gradient({g}, {i}, {rows}, {pad})",
    "softmax_along": lambda a, d: f"softmax({a}, {d})",
    "log_softmax_along": lambda a, d: f"log_softmax({a}, {d})",
    "scatter_zero": lambda a, shape, d, i: f"scatter(np.zeros({shape}, {a}.dtype), {d}, {i}, {a})",
    "scatter_added": lambda a, d, i, s: f"scatter({a}, {d}, {i}, {s})",
    "pad_diagonal": lambda a, shape, k, i, j: f"diagonal_matrix({a}, {shape}, {k}, {i}, {j})",
    "convolution": lambda x, w, b, s, p, d, g: f"convolve({x}, {w}, {s}, {p}, {d}, {g})" + channels(b, w),
    "correlate": lambda x, w, out, s, p, d, g: f"convolve({x}, {w}, {s}, {p}, {d}, {g}, {out})",
    "convolution_transposed": lambda x, w, b, shape, s, p, d, g: (
        f"convolve_back({x}, {w}, {shape}, {s}, {p}, {d}, {g})" + channels(b, w)
    ),
    "conv_input": lambda y, w, shape, s, p, d, g: f"convolve_back({y}, {w}, {shape}, {s}, {p}, {d}, {g})",
    "conv_weight": lambda y, x, shape, s, p, d, g: f"weight_gradient({y}, {x}, {shape}, {s}, {p}, {d}, {g})",
    **{f"max_pool{n}d_of": lambda x, k, s, p, d, _: f"max_pool({x}, {k}, {s}, {p}, {d})" for n in (1, 2, 3)},
    **{f"avg_pool{n}d_of": lambda x, k, s, p, _, inside, by: f"avg_pool({x}, {k}, {s}, {p}, {inside}, {by})"
       for n in (1, 2, 3)},
    **{f"avg_pool{n}d_back": lambda y, spatial, k, s, p, _, inside, by:
       f"avg_pool_back({y}, {spatial}, {k}, {s}, {p}, {inside}, {by})" for n in (1, 2, 3)},
    "put_planes": lambda y, i, spatial: f"unpool({y}, {i}, {spatial})",
    "take_planes": lambda y, i: (
        f"np.take_along_axis({y}.reshape(*{y}.shape[:2], -1), {i}.reshape(*{i}.shape[:2], -1), 2).reshape({i}.shape)"
    ),
}  # fmt: skip


def affine(c: str, a: str, b: str, beta: str, alpha: str) -> str:
    product = f"{a} @ {b}" if alpha in ("1", "1.0") else f"{alpha} * ({a} @ {b})"
    return f"{c} + {product}" if beta in ("1", "1.0") else f"{beta} * {c} + {product}"


def channels(bias: str, weight: str) -> str:
    """A bias for the second dimension."""
    return "" if bias == "None" else f" + {bias}.reshape(-1, *(1,) * ({weight}.ndim - 2))"


# functions that lines of the table call; those that are used stand at the head of the program
HEAD = {
    "softmax": """def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)""",
    "log_softmax": """def log_softmax(x, axis):
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))""",
    "logsumexp": """def logsumexp(x, axis, keepdims):
    top = x.max(axis, keepdims=True)
    out = top + np.log(np.exp(x - top).sum(axis, keepdims=True))
    return out if keepdims else out.reshape(x.sum(axis).shape)""",
    "erf": """def erf(x):
    return np.vectorize(math.erf, [float])(x).astype(x.dtype)""",
    "lgamma": """def lgamma(x):
    return np.vectorize(math.lgamma, [float])(x).astype(x.dtype)""",
    "digamma": """def digamma(x):
    steps = sum(1 / (x + k) for k in range(10))
    x = x + 10
    return np.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6) - steps""",
    "xlogy": """def xlogy(x, y):
    return x * np.log(np.where(x == 0, 1, y))""",
    "norm": """def norm(x, p, axis, keepdims):
    if np.isinf(p):
        return (np.max if p > 0 else np.min)(np.abs(x), axis, keepdims=keepdims)
    if p == 0:
        return np.sum(x != 0, axis, x.dtype, keepdims=keepdims)
    return np.sum(np.abs(x) ** p, axis, keepdims=keepdims) ** (1 / p)""",
    "running": """def running(best, x, axis):
    values = best.accumulate(x, axis)
    count = np.arange(x.shape[axis]).reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])
    return values, np.maximum.accumulate(np.where(x == values, count, 0), axis)""",
    "sort": """def sort(x, axis, descending):
    order = np.argsort(-x if descending else x, axis, kind="stable")
    return np.take_along_axis(x, order, axis), order""",
    "topk": """def topk(x, k, axis, largest):
    order = np.argsort(-x if largest else x, axis, kind="stable").take(range(k), axis)
    return np.take_along_axis(x, order, axis), order""",
    "solve": """def solve(a, b, left, vector):
    b = b[..., None] if vector else b
    if left:
        x = np.linalg.solve(a, b)
    else:
        x = np.swapaxes(np.linalg.solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)
    return (x[..., 0] if vector else x), np.zeros(a.shape[:-2], int)""",
    "triangular": """def triangular(a, b, upper, left, unit):
    a = np.triu(a) if upper else np.tril(a)
    if unit:
        a = np.where(np.eye(a.shape[-1], dtype=bool), 1, a)
    if left:
        return np.linalg.solve(a, b)
    return np.swapaxes(np.linalg.solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)""",
    "scatter": """def scatter(out, axis, index, x):
    out = out.copy()
    where = list(np.indices(index.shape, sparse=True))
    where[axis] = index
    np.add.at(out, tuple(where), x[tuple(slice(n) for n in index.shape)])
    return out""",
    "put": """def put(x, shape, key):
    out = np.zeros(shape, x.dtype)
    np.add.at(out, key, x)
    return out""",
    "add_rows": """def add_rows(out, axis, index, x):
    out = out.copy()
    np.add.at(out, (slice(None),) * axis + (index,), x)
    return out""",
    "embedding_gradient": """def embedding_gradient(g, index, rows, padding):
    out = np.zeros((rows, g.shape[-1]), g.dtype)
    np.add.at(out, index, g)
    if padding >= 0:
        out[padding] = 0
    return out""",
    "diagonal_matrix": """def diagonal_matrix(x, shape, offset, axis1, axis2):
    out = np.zeros(shape, x.dtype)
    diagonal = np.diagonal(out, offset, axis1, axis2)
    diagonal.flags.writeable = True
    diagonal[...] = x
    return out""",
    "sizes": """def sizes(value, n):
    return tuple(value) if np.ndim(value) else (value,) * n""",
    "taps": """def taps(kernel, stride, dilation, out):
    # for each place of the kernel: where in the (padded) input it is applied
    for k in np.ndindex(*kernel):
        starts = [i * d for i, d in zip(k, dilation)]
        yield k, tuple(slice(a, a + s * (m - 1) + 1, s) for a, s, m in zip(starts, stride, out))""",
    "padded": """def padded(shape, padding):
    # the shape of the padded input, and where the input stands in it
    sides = [tuple(p) if np.ndim(p) else (p, p) for p in padding]
    whole = tuple(n + a + b for n, (a, b) in zip(shape, sides))
    return whole, tuple(slice(a, a + n) for n, (a, _) in zip(shape, sides))""",
    "convolve": """def convolve(x, w, stride, padding, dilation, groups, out=None):
    n = x.ndim - 2
    stride, padding, dilation = sizes(stride, n), sizes(padding, n), sizes(dilation, n)
    whole, inside = padded(x.shape[2:], padding)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:])]
    if out is None:
        out = [(m - r) // s + 1 for m, r, s in zip(whole, reach, stride)]
    whole = [max(m, s * (o - 1) + r) for m, s, o, r in zip(whole, stride, out, reach)]
    wide = np.zeros((*x.shape[:2], *whole), x.dtype)
    wide[(slice(None), slice(None), *inside)] = x
    y = np.zeros((len(x), groups, len(w) // groups, *out), x.dtype)
    w = w.reshape(groups, -1, *w.shape[1:])
    wide = wide.reshape(len(x), groups, -1, *whole)
    for k, at in taps(w.shape[3:], stride, dilation, out):
        y += np.einsum("ngc...,goc->ngo...", wide[(..., *at)], w[(..., *k)])
    return y.reshape(len(x), -1, *out)""",
    "convolve_back": """def convolve_back(y, w, shape, stride, padding, dilation, groups):
    n = y.ndim - 2
    stride, padding, dilation = sizes(stride, n), sizes(padding, n), sizes(dilation, n)
    whole, inside = padded(shape[2:], padding)
    out = y.shape[2:]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:])]
    whole = [max(m, s * (o - 1) + r) for m, s, o, r in zip(whole, stride, out, reach)]
    x = np.zeros((len(y), groups, shape[1] // groups, *whole), y.dtype)
    w = w.reshape(groups, -1, *w.shape[1:])
    y = y.reshape(len(y), groups, -1, *out)
    for k, at in taps(w.shape[3:], stride, dilation, out):
        x[(..., *at)] += np.einsum("ngo...,goc->ngc...", y, w[(..., *k)])
    return x.reshape(len(y), -1, *whole)[(slice(None), slice(None), *inside)]""",
    "weight_gradient": """def weight_gradient(y, x, shape, stride, padding, dilation, groups):
    n = x.ndim - 2
    stride, padding, dilation = sizes(stride, n), sizes(padding, n), sizes(dilation, n)
    whole, inside = padded(x.shape[2:], padding)
    out = y.shape[2:]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, shape[2:])]
    whole = [max(m, s * (o - 1) + r) for m, s, o, r in zip(whole, stride, out, reach)]
    wide = np.zeros((*x.shape[:2], *whole), x.dtype)
    wide[(slice(None), slice(None), *inside)] = x
    wide = wide.reshape(len(x), groups, -1, *whole)
    y = y.reshape(len(y), groups, -1, *out)
    w = np.zeros((groups, shape[0] // groups, *shape[1:]), x.dtype)
    for k, at in taps(shape[2:], stride, dilation, out):
        w[(..., *k)] = np.einsum("ngox,ngcx->goc", y.reshape(*y.shape[:3], -1),
                                 wide[(..., *at)].reshape(*wide.shape[:3], -1))
    return w.reshape(shape)""",
    "pool_places": """def pool_places(spatial, kernel, stride, padding, dilation=1):
    n = len(spatial)
    kernel, dilation, padding = sizes(kernel, n), sizes(dilation, n), sizes(padding, n)
    stride = sizes(stride, n) if stride is not None and np.size(stride) else kernel
    whole, inside = padded(spatial, padding)
    out = [(m - d * (k - 1) - 1) // s + 1 for m, d, k, s in zip(whole, dilation, kernel, stride)]
    return whole, inside, out, [at for _, at in taps(kernel, stride, dilation, out)]""",
    "max_pool": """def max_pool(x, kernel, stride, padding, dilation):
    whole, inside, out, places = pool_places(x.shape[2:], kernel, stride, padding, dilation)
    wide = np.full((*x.shape[:2], *whole), -np.inf, x.dtype)
    wide[(..., *inside)] = x
    index = np.zeros(whole, int)
    index[inside] = np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:])
    best = np.argmax(np.stack([wide[(..., *at)] for at in places]), 0)[None]
    values = np.take_along_axis(np.stack([wide[(..., *at)] for at in places]), best, 0)[0]
    spots = np.stack([np.broadcast_to(index[at], values.shape) for at in places])
    return values, np.take_along_axis(spots, best, 0)[0]""",
    "unpool": """def unpool(y, index, spatial):
    out = np.zeros((*y.shape[:2], int(np.prod(spatial))), y.dtype)
    n, c = np.indices(y.shape[:2], sparse=True)
    np.add.at(out, (n[..., None], c[..., None], index.reshape(*y.shape[:2], -1)), y.reshape(*y.shape[:2], -1))
    return out.reshape(*y.shape[:2], *spatial)""",
    "window_sizes": """def window_sizes(spatial, kernel, stride, padding, include_padding, divisor, dtype):
    if divisor is not None:
        return dtype.type(divisor)
    whole, inside, out, places = pool_places(spatial, kernel, stride, padding)
    ones = np.full(whole, float(include_padding))
    ones[inside] = 1
    return sum(ones[at] for at in places).astype(dtype)""",
    "avg_pool": """def avg_pool(x, kernel, stride, padding, include_padding, divisor):
    whole, inside, out, places = pool_places(x.shape[2:], kernel, stride, padding)
    wide = np.zeros((*x.shape[:2], *whole), x.dtype)
    wide[(..., *inside)] = x
    size = window_sizes(x.shape[2:], kernel, stride, padding, include_padding, divisor, x.dtype)
    return sum(wide[(..., *at)] for at in places) / size""",
    "avg_pool_back": """def avg_pool_back(y, spatial, kernel, stride, padding, include_padding, divisor):
    whole, inside, out, places = pool_places(spatial, kernel, stride, padding)
    y = y / window_sizes(spatial, kernel, stride, padding, include_padding, divisor, y.dtype)
    x = np.zeros((*y.shape[:2], *whole), y.dtype)
    for at in places:
        x[(..., *at)] += y
    return x[(..., *inside)]""",
}
IMPORTS = {"erf": "import math", "lgamma": "import math"}


def key_text(key: Sequence[Any], shown: Callable[[Any], str]) -> str:
    """An index as it is written between brackets."""
    parts = []
    for k in key:
        if isinstance(k, slice):
            ends = ["" if e is None else str(e) for e in (k.start, k.stop)]
            parts.append(":".join(ends) + (f":{k.step}" if k.step not in (None, 1) else ""))
        elif k is Ellipsis:
            parts.append("...")
        else:
            parts.append("None" if k is None else shown(k))
    return ", ".join(parts) or "..."


def pad_text(a: str, ndim: int, pad: Sequence[int], value: str) -> str:
    """Padding, which cuts off where it is negative: PyTorch counts from the last dimension."""
    sides = [(0, 0)] * ndim
    for i in range(len(pad) // 2):
        sides[ndim - 1 - i] = (pad[2 * i], pad[2 * i + 1])
    if any(p < 0 for side in sides for p in side):
        cut = [slice(max(0, -a) or None, min(0, b) or None) for a, b in sides]
        a = f"{a}[{key_text(cut, str)}]"
        sides = [(max(0, p), max(0, q)) for p, q in sides]
    if not any(p for side in sides for p in side):
        return a
    return f"np.pad({a}, {sides}" + (f", constant_values={value})" if value not in ("0", "0.0") else ")")
