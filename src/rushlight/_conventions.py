"""What derivatives are where there is none: one table, tested against PyTorch, printed and published from here.

A row is a function at a special point (a tie, a kink, an edge of its domain), with the value and the gradient that
PyTorch gives there, and so does Rushlight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from math import inf, nan
from typing import Any, NamedTuple

Numbers = tuple[float, ...]


class Convention(NamedTuple):
    """One row. ``call(torch, *tensors)`` is the expression; ``at`` the inputs; ``gradients`` of its sum, one each."""

    topic: str
    expression: str
    at: tuple[Numbers, ...]
    gradients: tuple[Numbers, ...]
    rule: str

    def evaluate(self, torch: Any) -> tuple[Numbers, ...]:
        """The gradients that a library (``rushlight`` or ``torch``) gives in double precision."""
        tensors = [torch.tensor(list(v), dtype=torch.float64, requires_grad=True) for v in self.at]
        names = dict(zip("xyz", tensors, strict=False))
        function: Callable[..., Any] = eval(f"lambda torch, {', '.join(names)}: {self.expression}")  # our own text
        grads = torch.autograd.grad(function(torch, *tensors).sum(), tensors, allow_unused=True)
        return tuple(
            [tuple([0.0] * len(v)) if g is None else tuple(g.tolist()) for g, v in zip(grads, self.at, strict=True)]
        )


def row(topic: str, expression: str, *rest: Any) -> Convention:
    """``row(topic, expression, point, gradient, point, gradient, ..., rule)``; single numbers stand for one element."""
    *pairs, rule = rest
    tuples = [p if isinstance(p, tuple) else (p,) for p in pairs]
    return Convention(topic, expression, tuple(tuples[::2]), tuple(tuples[1::2]), rule)


ROWS = [
    row("ties", "torch.max(x)", (2.0, 2.0, 1.0), (0.5, 0.5, 0.0), "shared evenly among all that are largest"),
    row("ties", "torch.min(x)", (1.0, 1.0, 2.0), (0.5, 0.5, 0.0), "shared evenly among all that are smallest"),
    row("ties", "torch.amax(x, 0)", (2.0, 2.0, 1.0), (0.5, 0.5, 0.0), "shared evenly among all that are largest"),
    row("ties", "torch.amin(x, 0)", (1.0, 1.0, 2.0), (0.5, 0.5, 0.0), "shared evenly among all that are smallest"),
    row("ties", "torch.max(x, 0).values", (2.0, 2.0, 1.0), (1.0, 0.0, 0.0), "all to the index that is returned: the first"),
    row("ties", "torch.min(x, 0).values", (1.0, 1.0, 2.0), (1.0, 0.0, 0.0), "all to the index that is returned: the first"),
    row("ties", "torch.maximum(x, y)", 1.0, 0.5, 1.0, 0.5, "half to each"),
    row("ties", "torch.minimum(x, y)", 1.0, 0.5, 1.0, 0.5, "half to each"),
    row("ties", "torch.fmax(x, y)", 1.0, 1.0, 1.0, 0.0, "all to the first"),
    row("ties", "torch.fmin(x, y)", 1.0, 1.0, 1.0, 0.0, "all to the first"),
    row("ties", "torch.median(x)", (1.0, 1.0, 1.0), (1 / 3, 1 / 3, 1 / 3), "shared evenly among all that equal it"),
    row("ties", "torch.sort(x).values * torch.arange(3.0)", (1.0, 1.0, 0.0), (1.0, 2.0, 0.0), "equal values keep their order"),
    row("ties", "torch.cummax(x, 0).values", (1.0, 1.0, 0.0), (1.0, 2.0, 0.0), "the last of equal ones counts"),
    row("ties", "torch.logsumexp(x, 0)", (0.0, 0.0), (0.5, 0.5), "smooth: shared evenly"),
    row("kinks", "torch.abs(x)", 0.0, 0.0, "0 at 0"),
    row("kinks", "torch.sign(x)", 0.0, 0.0, "0 everywhere"),
    row("kinks", "torch.nn.functional.relu(x)", 0.0, 0.0, "0 at 0"),
    row("kinks", "torch.nn.functional.relu6(x)", (0.0, 6.0), (0.0, 0.0), "0 at both ends"),
    row("kinks", "torch.nn.functional.leaky_relu(x, 0.1)", 0.0, 0.1, "the negative slope at 0"),
    row("kinks", "torch.nn.functional.elu(x)", 0.0, 1.0, "1 at 0"),
    row("kinks", "torch.nn.functional.hardtanh(x)", (-1.0, 1.0), (0.0, 0.0), "0 at both ends"),
    row("kinks", "torch.nn.functional.hardshrink(x)", (-0.5, 0.5), (0.0, 0.0), "0 at both ends"),
    row("kinks", "torch.nn.functional.softshrink(x)", (-0.5, 0.5), (0.0, 0.0), "0 at both ends"),
    row("kinks", "torch.nn.functional.threshold(x, 1.0, 0.0)", 1.0, 0.0, "0 at the threshold"),
    row("kinks", "torch.clamp(x, 0.0, 1.0)", (0.0, 1.0, 2.0), (1.0, 1.0, 0.0), "1 at both bounds, 0 outside"),
    row("kinks", "torch.floor(x)", 1.0, 0.0, "0 everywhere"),
    row("kinks", "torch.round(x)", 0.5, 0.0, "0 everywhere"),
    row("kinks", "torch.frac(x)", 1.0, 1.0, "1 everywhere"),
    row("kinks", "torch.remainder(x, y)", 2.0, 1.0, 2.0, -1.0, "1, and minus the floor of the quotient"),
    row("kinks", "torch.nn.functional.l1_loss(x, y)", 1.0, 0.0, 1.0, 0.0, "0 where they are equal"),
    row("norms", "torch.norm(x)", (0.0, 0.0), (0.0, 0.0), "0 at 0"),
    row("norms", "torch.linalg.vector_norm(x)", (0.0, 0.0), (0.0, 0.0), "0 at 0"),
    row("norms", "torch.linalg.vector_norm(x, 1)", (0.0, 2.0), (0.0, 1.0), "0 at 0"),
    row("norms", "torch.linalg.vector_norm(x, float('inf'))", (2.0, -2.0), (0.5, -0.5), "shared evenly among the largest"),
    row("norms", "torch.dist(x, y)", 1.0, 0.0, 1.0, 0.0, "0 where they are equal"),
    row("norms", "torch.hypot(x, y)", 0.0, nan, 0.0, nan, "nan at 0: 0 / 0"),
    row("norms", "torch.std(x)", (1.0, 1.0), (0.0, 0.0), "0 where all are equal"),
    row("norms", "torch.nn.functional.normalize(x, dim=0)", (0.0, 0.0), (1e12, 1e12), "1 / eps at 0"),
    row("powers", "torch.sqrt(x)", 0.0, inf, "inf at 0"),
    row("powers", "torch.rsqrt(x)", 0.0, -inf, "-inf at 0"),
    row("powers", "torch.pow(x, 0)", 0.0, 0.0, "0 ** 0 is 1, its derivative 0"),
    row("powers", "torch.pow(x, 1)", 0.0, 1.0, "1"),
    row("powers", "torch.pow(x, 0.5)", 0.0, inf, "inf at 0"),
    row("powers", "torch.pow(x, y)", 0.0, 0.0, 0.0, 0.0, "0 to the base, 0 to the exponent"),
    row("powers", "torch.pow(x, y)", 0.0, 0.0, 2.0, 0.0, "0 ** y for y >= 0: 0 to the exponent"),
    row("powers", "torch.pow(x, y)", 0.0, -inf, -1.0, -inf, "-inf to both"),
    row("powers", "torch.pow(x, y)", -2.0, -4.0, 2.0, nan, "a negative base: nan to the exponent (a logarithm)"),
    row("powers", "torch.pow(x, y)", -2.0, nan, 0.5, nan, "a negative base, a broken exponent: nan"),
    row("logarithms", "torch.log(x)", 0.0, inf, "inf at 0"),
    row("logarithms", "torch.log(x)", -1.0, -1.0, "1 / x also where the value is nan"),
    row("logarithms", "torch.xlogy(x, y)", 0.0, 0.0, 0.0, nan, "0 to x, nan to y at 0, 0"),
    row("logarithms", "torch.xlogy(x, y)", 0.0, 0.6931471805599453, 2.0, 0.0, "log(y) to x"),
    row("inverses", "torch.asin(x)", 1.0, inf, "inf at the ends of the domain"),
    row("inverses", "torch.acos(x)", 1.0, -inf, "-inf at the ends of the domain"),
    row("inverses", "torch.atan2(x, y)", 0.0, 0.0, 0.0, 0.0, "0 at 0, 0"),
    row("products", "torch.prod(x)", (0.0, 2.0, 3.0), (6.0, 0.0, 0.0), "one zero: the product of the others, there"),
    row("products", "torch.prod(x)", (0.0, 0.0, 3.0), (0.0, 0.0, 0.0), "two zeros: 0"),
    row("products", "torch.cumprod(x, 0)", (0.0, 2.0), (3.0, 0.0), "right also at zeros"),
    row("smooth", "torch.sinc(x)", 0.0, 0.0, "0 at 0"),
    row("dead branches", "torch.where(x > 0, torch.sqrt(x), 0.0)", 0.0, nan, "0 * inf is nan; zero_absorbing() gives 0"),
    row("dead branches", "torch.where(x > 0, torch.log(x), 0.0)", 0.0, nan, "0 * inf is nan; zero_absorbing() gives 0"),
    row("dead branches", "torch.where(x > 0, 1 / x, 0.0)", 0.0, nan, "0 * inf is nan; zero_absorbing() gives 0"),
    row("dead branches", "torch.nan_to_num(x)", (nan, inf), (0.0, 0.0), "0 where something was replaced"),
    row("dead branches", "torch.nansum(x)", (nan, 1.0), (0.0, 1.0), "0 where nan was left out"),
    row("dead branches", "torch.masked_fill(torch.sqrt(x), x == 0, 0.0)", 0.0, nan, "as where"),
]  # fmt: skip


class Conventions(list[Convention]):
    """The rows; prints as a table."""

    def __repr__(self) -> str:
        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        """The table for notebooks."""
        numbers: Callable[[Any], str] = lambda groups: "; ".join(", ".join(f"{x:g}" for x in g) for g in groups)
        cells = [(r.topic, r.expression, numbers(r.at), numbers(r.gradients), r.rule) for r in self]
        return html_table(("topic", "expression", "at", "gradient", "rule"), cells)


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as HTML; whatever stands in it is escaped."""
    line: Callable[[Any, str], str] = lambda cells, tag: (
        "<tr>" + "".join(f"<{tag}>{escape(str(c))}</{tag}>" for c in cells) + "</tr>"
    )
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{''.join(line(r, 'td') for r in rows)}</tbody></table>"


def conventions(topic: str | None = None) -> Conventions:
    """The conventions at special points (ties, kinks, edges of domains), as a table; of one topic, if given.

    >>> import rushlight as torch
    >>> torch.conventions("smooth")
    topic   expression     at   gradient  rule
    smooth  torch.sinc(x)  0.0  0.0       0 at 0
    """
    chosen = [r for r in ROWS if topic is None or r.topic == topic]
    if not chosen:
        raise ValueError(f"no conventions about {topic!r}; topics: {', '.join(dict.fromkeys(r.topic for r in ROWS))}")
    return Conventions(chosen)


def cells(r: Convention) -> tuple[str, ...]:
    return r.topic, r.expression, shown(r.at), shown(r.gradients), r.rule


def shown(values: tuple[Numbers, ...]) -> str:
    return "; ".join(
        [", ".join([repr(v) if v.is_integer() and abs(v) < 1e6 else f"{v:.6g}" for v in one]) for one in values]
    )


HEADER = ("topic", "expression", "at", "gradient", "rule")


def lines(rows: list[Convention]) -> Iterator[str]:
    table = [HEADER, *[cells(r) for r in rows]]
    widths = [max(len(line[k]) for line in table) for k in range(len(HEADER))]
    for line in table:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def markdown() -> str:
    """The text of ``docs/conventions.md``."""
    head = (
        "# Conventions at special points\n\n"
        "What gradients are where a function has a tie, a kink or an edge. They are PyTorch's; each row is run on "
        "both\nlibraries by the tests (`tests/test_conventions.py`). `rl.conventions()` prints the table. This page "
        "is written\nfrom `rushlight/_conventions.py`: change it there and run `python -m rushlight._conventions > "
        "docs/conventions.md`.\n\nA gradient is that of the sum of the expression; inputs `x`, `y` are separated by "
        "semicolons.\n"
    )
    body = ""
    for topic in dict.fromkeys(r.topic for r in ROWS):
        body += f"\n## {topic.capitalize()}\n\n| expression | at | gradient | rule |\n|---|---|---|---|\n"
        for r in ROWS:
            if r.topic == topic:
                _, expression, at, gradient, rule = cells(r)
                body += f"| `{expression}` | {at} | {gradient} | {rule} |\n"
    tail = (
        "\n## Zeros that absorb\n\n"
        "Inside `with rl.autograd.zero_absorbing():` a gradient that is exactly zero stays zero whatever derivative "
        "it\nmeets, so that a dead branch does not turn `0 * inf` into nan: `where(x > 0, sqrt(x), 0)` has the "
        "gradient 0 at 0.\nIt is off by default, as PyTorch has nothing like it.\n"
    )
    return head + body + tail


if __name__ == "__main__":
    print(markdown(), end="")

__all__ = ["Convention", "conventions", "markdown"]
