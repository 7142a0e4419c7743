"""A little algebra for derivations: expressions as nested tuples, their text, LaTeX and value, and derivatives.

``("num", 2)``, ``("sym", "w")``, ``("+", a, b)``, ``("fn", "exp", a)``. What an operator is and what its derivatives are
stands in two tables; an operator that is in neither keeps its name: ``d softmax/d input``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Expr = tuple[Any, ...]
ONE, ZERO = ("num", 1), ("num", 0)


def num(x: Any) -> Expr:
    x = float(x)
    return "num", int(x) if x.is_integer() and abs(x) < 1e15 else x


def sym(name: str) -> Expr:
    return "sym", name


def fn(name: str, *args: Expr) -> Expr:
    return ("fn", name, *args)


def add(a: Expr, b: Expr) -> Expr:
    return b if a == ZERO else a if b == ZERO else ("+", a, b)


def sub(a: Expr, b: Expr) -> Expr:
    return a if b == ZERO else neg(b) if a == ZERO else ("-", a, b)


def neg(a: Expr) -> Expr:
    if a[0] == "num":
        return num(-a[1])
    return a[1] if a[0] == "neg" else ("neg", a)


def mul(a: Expr, b: Expr) -> Expr:
    if a == ONE or b == ONE:
        return b if a == ONE else a
    if ZERO in (a, b):
        return ZERO
    if a[0] == b[0] == "num":
        return num(a[1] * b[1])
    if a == ("num", -1):
        return neg(b)
    if b == ("num", -1):
        return neg(a)
    if a[0] == "neg":
        return neg(mul(a[1], b))
    if b[0] == "neg":
        return neg(mul(a, b[1]))
    if a[0] == "spread" and b[0] not in ("num", "spread"):  # what it is multiplied with has the shape already
        return mul(a[1], b)
    if b[0] == "num":
        return mul(b, a)
    return "*", a, b


def div(a: Expr, b: Expr) -> Expr:
    return a if b == ONE else ("/", a, b)


def power(a: Expr, b: Expr) -> Expr:
    return a if b == ONE else ONE if b == ZERO else ("^", a, b)


def turned(e: Expr) -> Expr:
    """The transpose of a matrix."""
    if e[0] == "@":
        return "@", turned(e[2]), turned(e[1])
    return e[1] if e[0] == "T" else ("T", e)


# what operators are, and what their derivatives are, by argument: functions of the arguments (and of the result)
WHAT: dict[str, Callable[..., Expr]] = {
    "add": add, "sub": sub, "mul": mul, "div": div, "neg": neg, "pow": power, "pow_number": power,
    "rsub": lambda a, b: sub(b, a), "square": lambda a: power(a, num(2)), "reciprocal": lambda a: div(ONE, a),
    "matmul": lambda a, b: ("@", a, b), "mm": lambda a, b: ("@", a, b), "mv": lambda a, b: ("@", a, b),
    "dot": lambda a, b: ("@", a, b), "bmm": lambda a, b: ("@", a, b), "matmul_nd": lambda a, b: ("@", a, b),
    "addmm": lambda c, a, b, *scale: add(c, ("@", a, b)) if scale in ((), (ONE, ONE)) else fn("addmm", c, a, b, *scale),
    "addmm_turned": lambda c, a, b: add(c, ("@", a, b)), "transposed": lambda a: ("T", a), "pow_tensor": power,
    "choose": lambda c, a, b: fn("where", c, a, b),
}  # fmt: skip
OF = Mapping[str, Expr]
SLOPES: dict[tuple[str, str], Callable[[OF], Expr]] = {
    ("add", "input"): lambda e: ONE,
    ("add", "other"): lambda e: ONE,
    ("sub", "input"): lambda e: ONE,
    ("sub", "other"): lambda e: num(-1),
    ("rsub", "input"): lambda e: num(-1),
    ("rsub", "other"): lambda e: ONE,
    ("mul", "input"): lambda e: e["other"],
    ("mul", "other"): lambda e: e["input"],
    ("div", "input"): lambda e: div(ONE, e["other"]),
    ("div", "other"): lambda e: neg(div(e["input"], power(e["other"], num(2)))),
    ("neg", "input"): lambda e: num(-1),
    ("square", "input"): lambda e: mul(num(2), e["input"]),
    ("reciprocal", "input"): lambda e: neg(div(ONE, power(e["input"], num(2)))),
    ("exp", "input"): lambda e: fn("exp", e["input"]),
    ("log", "input"): lambda e: div(ONE, e["input"]),
    ("log1p", "input"): lambda e: div(ONE, add(ONE, e["input"])),
    ("sin", "input"): lambda e: fn("cos", e["input"]),
    ("cos", "input"): lambda e: neg(fn("sin", e["input"])),
    ("tan", "input"): lambda e: add(ONE, power(fn("tan", e["input"]), num(2))),
    ("sinh", "input"): lambda e: fn("cosh", e["input"]),
    ("cosh", "input"): lambda e: fn("sinh", e["input"]),
    ("tanh", "input"): lambda e: sub(ONE, power(fn("tanh", e["input"]), num(2))),
    ("sigmoid", "input"): lambda e: mul(fn("sigmoid", e["input"]), sub(ONE, fn("sigmoid", e["input"]))),
    ("sqrt", "input"): lambda e: div(ONE, mul(num(2), fn("sqrt", e["input"]))),
    ("abs", "input"): lambda e: fn("sign", e["input"]),
    ("relu", "input"): lambda e: ("step", e["input"]),
    ("sum", "input"): lambda e: ONE,
    ("clone", "input"): lambda e: ONE,
}


def power_slope(e: OF) -> Expr:
    n = e["exponent"]
    lower = num(n[1] - 1) if n[0] == "num" else sub(n, ONE)
    return mul(n, power(e["input"], lower))


# the same in terms of the result, for when the input is not kept
FROM_RESULT: dict[str, Callable[[Expr], Expr]] = {
    "exp": lambda r: r, "tanh": lambda r: sub(ONE, power(r, num(2))), "sigmoid": lambda r: mul(r, sub(ONE, r)),
    "sqrt": lambda r: div(ONE, mul(num(2), r)), "relu": lambda r: ("step", r),
}  # fmt: skip
SLOPES["pow", "input"] = SLOPES["pow_number", "input"] = SLOPES["pow_tensor", "input"] = power_slope
SLOPES["pow", "exponent"] = SLOPES["pow_tensor", "exponent"] = lambda e: mul(
    power(e["input"], e["exponent"]), fn("log", e["input"])
)

# ---- writing

RANK: dict[str, float] = {"+": 1, "-": 1, "neg": 2, "*": 3, "/": 3, "@": 2.5, "^": 5, "d": 3, "T": 5}


def rank(e: Expr) -> float:
    if e[0] == "num":
        return 9 if e[1] >= 0 else 2
    return RANK.get(e[0], 9)


def number(x: float) -> str:
    return f"{x:.6g}"


def text(e: Expr) -> str:
    """As a textbook would type it: ``2(w*x + b)``."""
    kind = e[0]
    if kind == "num":
        return number(e[1])
    if kind == "sym":
        return str(e[1])
    if kind == "fn":
        return f"{e[1]}({', '.join(text(a) for a in e[2:])})"
    if kind == "step":
        return f"[{text(e[1])} > 0]"
    if kind == "d":
        return f"d{e[1]}/d{e[2]}"
    if kind == "T":
        return text_in(e[1], 9) + "^T"
    if kind in SHAPED:
        return shaped_text(e)
    if kind == "neg":
        return "-" + text_in(e[1], 3)
    a, b = e[1], e[2]
    if kind in "+-":
        return f"{text_in(a, 1)} {kind} {text_in(b, 2)}"
    if kind == "*":
        left, right = text_in(a, 3), text_in(b, 4)
        if a[0] == "num" and (right.startswith("(") or b[0] in ("sym", "^")) and right[0].isalpha() | (right[0] == "("):
            return left + right
        return f"{left}*{right}"
    if kind == "@":
        return f"{text_in(a, 2.5)} @ {text_in(b, 3)}"
    if kind == "/":
        return f"{text_in(a, 3)}/{text_in(b, 4)}"
    return f"{text_in(a, 6)}^{text_in(b, 6)}"


# what changes shapes: ``(kind, expression, detail)``
class Place:
    """Where ``place`` puts a gradient: the index as text and as it is, and the shape of the whole."""

    def __init__(self, text: str, key: Any, shape: tuple[int, ...]) -> None:
        self.text, self.key, self.shape = text, key, shape


SHAPED = {"sumto", "sumk", "reshape", "spread", "rows", "place", "index"}


def sizes(shape: Sequence[int]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def shaped_text(e: Expr) -> str:
    kind, inside, detail = e[0], text(e[1]), e[2]
    if kind == "index":
        return f"{text_in(e[1], 9)}[{detail}]"
    if kind == "place":
        return f"place({inside}, [{detail.text}])"
    if kind == "spread" and e[1][0] == "num":
        return f"{'ones' if e[1][1] == 1 else inside + ' * ones'}({sizes(detail)})"
    what = {"sumto": "sum_to", "sumk": "sum", "reshape": "reshape", "spread": "expand", "rows": "unsqueeze"}[kind]
    return f"{what}({inside}, {sizes(detail) if isinstance(detail, tuple) and kind != 'rows' else ', '.join(map(str, detail)) if isinstance(detail, tuple) else detail})"


def text_in(e: Expr, least: float) -> str:
    return text(e) if rank(e) >= least else f"({text(e)})"


def factor_text(e: Expr) -> str:
    """An expression as one factor of a product."""
    return text_in(e, 3)


def name_latex(name: str) -> str:
    """A program's name in LaTeX; nothing in it is taken for a command."""
    safe = "".join(
        "\\" + c if c in "#$%&_{}" else {"\\": "\\backslash ", "^": "\\hat{}", "~": "\\sim "}.get(c, c) for c in name
    )
    return safe if len(name) == 1 else f"\\mathrm{{{safe}}}"


LATEX_FUNCTIONS = {"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"}


def latex(e: Expr) -> str:
    """The same in LaTeX."""
    kind = e[0]
    if kind == "num":
        shown = number(e[1])
        if "e" in shown:
            m, _, p = shown.partition("e")
            return f"{m}\\cdot 10^{{{int(p)}}}"
        return shown
    if kind == "sym":
        return name_latex(e[1])
    if kind == "fn":
        inner = ", ".join(latex(a) for a in e[2:])
        if e[1] == "sqrt":
            return f"\\sqrt{{{inner}}}"
        if e[1] == "sigmoid":
            return f"\\sigma({inner})"
        name = (
            "\\" + e[1]
            if e[1] in LATEX_FUNCTIONS
            else f"\\mathrm{{{name_latex(e[1]) if len(e[1]) == 1 else e[1].replace('_', chr(92) + '_')}}}"
        )
        return f"{name}({inner})"
    if kind == "step":
        return f"[{latex(e[1])} > 0]"
    if kind == "d":
        return f"\\frac{{\\partial {name_latex(e[1])}}}{{\\partial {name_latex(e[2])}}}"
    if kind == "T":
        return latex_in(e[1], 9) + "^{\\top}"
    if kind == "index":
        return f"{latex_in(e[1], 9)}[{name_latex(e[2])}]"
    if kind in SHAPED:
        what = shaped_text((kind, ("sym", ""), *e[2:])).partition("(")
        return f"{name_latex(what[0])}({latex(e[1])}{name_latex(what[2][:-1]) if what[2] != ')' else ''})"
    if kind == "neg":
        return "-" + latex_in(e[1], 3)
    a, b = e[1], e[2]
    if kind in "+-":
        return f"{latex_in(a, 1)} {kind} {latex_in(b, 2)}"
    if kind == "*":
        dot = " " if a[0] == "num" and b[0] != "num" else " \\cdot "
        return f"{latex_in(a, 3)}{dot}{latex_in(b, 4)}"
    if kind == "@":
        return f"{latex_in(a, 2.5)} \\, {latex_in(b, 4)}"
    if kind == "/":
        return f"\\frac{{{latex(a)}}}{{{latex(b)}}}"
    return f"{latex_in(a, 6)}^{{{latex(b)}}}"


def latex_in(e: Expr, least: float) -> str:
    return latex(e) if rank(e) >= least else f"({latex(e)})"


# ---- values


def substituted(e: Expr, by: Mapping[str, Expr]) -> Expr:
    """The expression with symbols replaced."""
    if e[0] == "sym":
        return by.get(e[1], e)
    if e[0] == "num":
        return e
    if e[0] == "d":
        return by.get("d " + e[2], e)
    if e[0] == "T":
        return turned(substituted(e[1], by))
    if e[0] in SHAPED:
        return e[0], substituted(e[1], by), e[2]
    parts = [substituted(a, by) if isinstance(a, tuple) else a for a in e[1:]]
    simpler: Callable[..., Expr] | None = {"neg": neg, "*": mul, "/": div, "+": add, "-": sub}.get(e[0])  # type: ignore[assignment]
    return simpler(*parts) if simpler is not None else (e[0], *parts)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "sqrt": np.sqrt, "sign": np.sign, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "where": np.where,
}  # fmt: skip


def value(e: Expr, env: Mapping[str, Any]) -> Any:
    """What the expression comes to; raises KeyError where something in it is not known."""
    kind = e[0]
    if kind == "num":
        return e[1]
    if kind == "sym":
        return env[e[1]]
    if kind == "fn":
        return FUNCTIONS[e[1]](*[value(a, env) for a in e[2:]])
    if kind == "d":
        return env["d " + e[2]]
    if kind == "index":
        return env[text(e)]
    if kind in SHAPED:
        return shaped_value(kind, np.asarray(value(e[1], env)), e[2])
    args = [value(a, env) for a in e[1:]]
    if kind == "step":
        return np.where(args[0] > 0, 1.0, 0.0)
    with np.errstate(all="ignore"):
        if kind == "neg":
            return -args[0]
        if kind == "T":
            return np.swapaxes(args[0], -1, -2) if np.ndim(args[0]) > 1 else args[0]
        a, b = args
        if kind == "@":
            return np.matmul(a, b)
        return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b,
                "^": lambda: np.power(np.asarray(a, float), b)}[kind]()  # fmt: skip


def shaped_value(kind: str, a: Any, detail: Any) -> Any:
    if kind == "sumto":
        lead = a.ndim - len(detail)
        axes = [*range(lead), *[lead + k for k, n in enumerate(detail) if n == 1 and a.shape[lead + k] != 1]]
        return a.sum(tuple(axes)).reshape(detail) if axes else a
    if kind == "sumk":
        return a.sum(detail, keepdims=True)
    if kind == "reshape":
        return a.reshape(detail)
    if kind == "spread":
        return np.broadcast_to(a, detail)
    if kind == "rows":
        return np.expand_dims(a, detail)
    if kind == "place":
        out = np.zeros(detail.shape, a.dtype)
        np.add.at(out, detail.key, a)
        return out
    raise KeyError(kind)


def product(factors: Sequence[Expr]) -> Expr:
    made: Expr = ONE
    for f in factors:
        made = mul(made, f)
    return made


__all__ = ["Expr", "math"]
