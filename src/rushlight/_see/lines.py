"""What the program's own text says of a recorded operation: the expression, its operands, the name it was given.

A node keeps ``(code, instruction)``; Python knows the columns of that instruction, so the very expression is
found in the syntax tree of the file, not guessed from the line.
"""

from __future__ import annotations

import ast
import linecache
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple


class Phrase(NamedTuple):
    """An expression of the program: its text, the name it was assigned to, its operands as syntax."""

    text: str
    target: str
    operands: tuple[ast.expr, ...]


Span = tuple[int, int, int, int]


@lru_cache(maxsize=256)
def expressions(file: str) -> dict[Span, tuple[ast.expr, str]]:
    """All expressions of a file by their span, each with the name that its value is assigned to ('' if none)."""
    text = "".join(linecache.getlines(file))
    found: dict[Span, tuple[ast.expr, str]] = {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return found
    names: dict[int, str] = {}
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: Any = node.targets[0]
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
            target = node.target
        else:
            target = None
        if isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)) and value is not None:
            shown = ast.unparse(target)
            if len(shown) <= 24:
                names[id(value)] = shown
            if isinstance(node, ast.AugAssign):
                spot = span_of(node)
                found[spot] = ast.BinOp(target, node.op, node.value), shown
                names.pop(id(value), None)
        if isinstance(node, ast.expr):
            found[span_of(node)] = node, names.get(id(node), "")
    return found


def span_of(node: Any) -> Span:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


@lru_cache(maxsize=65536)
def phrase(code: CodeType | None, lasti: int) -> Phrase | None:
    """The expression that an instruction evaluates; None where the source is not there."""
    if code is None or lasti < 0:
        return None
    spot: Any = None
    for i, position in enumerate(code.co_positions()):
        if i == lasti // 2:
            spot = position
            break
    if spot is None or None in spot:
        return None
    node, name = expressions(code.co_filename).get(spot, (None, ""))
    if node is None:
        return None
    operands: tuple[ast.expr, ...] = ()
    if isinstance(node, ast.BinOp):
        operands = node.left, node.right
    elif isinstance(node, ast.UnaryOp):
        operands = (node.operand,)
    elif isinstance(node, ast.Call):
        operands = tuple(node.args)
        if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
            operands = node.func.value, *operands
    return Phrase(" ".join(ast.unparse(node).split()), name, operands)


def literal(node: ast.expr | None) -> Any:
    """The number that an expression spells, if it is one; else None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = literal(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, complex)):
        return None if isinstance(node.value, bool) else node.value
    return None


def operand(node: Any, parent: Any) -> str:
    """The program's word for an input of an infix operation, where it is a variable or an attribute."""
    found = phrase(node.code, node.lasti)
    if found is None or len(found.operands) != 2 or len(node.parents) != 2 or node.op is None:
        return ""
    if node.op.family != "pointwise" or node.op.name.startswith("r"):
        return ""
    said = found.operands[0 if node.parents[0] is parent else 1]
    return ast.unparse(said) if isinstance(said, (ast.Name, ast.Attribute)) else ""
