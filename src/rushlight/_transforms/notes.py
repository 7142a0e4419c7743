"""Recording inside ``grad``, written out for each operator as ``_core.compile`` does it for plain tensors.

What is saved are tensors of the level below, or bare arrays where these have no history of their own: backward then
runs on arrays, as it does outside all transforms.
"""

from __future__ import annotations

import linecache
import sys
from typing import Any

import numpy as np

from .._core import callsite
from .._core import compile as compiler
from .._core.memory import tick
from .._core.mode import word
from .._core.record import np_dtype
from .._core.tensor import Tensor, new


def alike(a: Any, b: Any) -> bool:
    """Whether two arrays or tensors have one shape and dtype."""
    return tuple(a.shape) == tuple(b.shape) and np_dtype(a) is np_dtype(b)


def bare(x: Any) -> Any:
    """The array of a tensor that has no history and is in no transform; anything else as it is."""
    return x._array if isinstance(x, Tensor) and x.level == 0 and x._node is None else x


def arguments(op: Any) -> str:
    """The arguments of the call below, in order."""
    given = [f"{n}_" if n in op.tensors else n for n in op.parameters]
    return ", ".join([f"{n}={g}" if n in op.keywords else g for n, g in zip(op.parameters, given, strict=True)])


def note_of(op: Any, made: type) -> Any:
    """The function ``note(transform, *arguments)`` that runs ``op`` on the level below and records it."""
    scope = dict(
        Tensor=Tensor, new=new, tick=tick, ndarray=np.ndarray, getframe=sys._getframe, ours=callsite.ours,
        outside=callsite.outside, Made=made, alike=alike, np_dtype=np_dtype, set_mode=word.set, reset=word.reset,
        mode=word.get, call=op.call,
    )  # fmt: skip
    asked = [n for n in op.parameters if n in op.rules]
    for n in asked:
        rule = op.rules[n]
        scope |= {f"plain_{n}": rule.plain, f"rule_{n}": rule.vjp, f"fitted_{n}": rule.fitted}
    text = "\n".join(lines(op, asked)) + "\n"
    file = f"<op {op.name} in grad>"
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    scope["class_for"] = op.node_class_for
    scope["Record"] = op.node_class
    exec(compile(text, file, "exec"), scope)
    return scope["note"]


def lines(op: Any, asked: list[str]) -> list[str]:
    code = [
        f"def note(transform, {', '.join(op.parameters)}):",
        *[
            f"    {n}_ = {n}.lower if isinstance({n}, Tensor) and {n}.transform is transform else {n}"
            for n in op.tensors
        ],
        "    m = mode()",
        "    token = set_mode(transform.outer_mode if m == transform.inner_mode else transform.mode_below())",
        "    try:",
        f"        result_ = call({arguments(op)})",
        "    finally:",
        "        reset(token)",
        "    made = new(Made)",
        "    made.lower = result_",
        "    made.level = transform.level",
        "    made.transform = transform",
        "    made._node = None",
    ]
    if not asked:
        return [*code, "    return made"]
    code += ["    if m & 1:"]
    code += [
        f"        {n}_node = {n}._node if isinstance({n}, Tensor) and {n}.transform is transform else None"
        for n in asked
    ]
    code += [f"        if {' or '.join(f'{n}_node is not None' for n in asked)}:"]
    pointwise = op.family == "pointwise"
    sources = {s for n in asked for s in op.rules[n].sources}
    held = [
        n for i, n in enumerate(op.parameters) if n in op.tensors and (i in sources or i + 1000 in sources or pointwise)
    ]
    body = [
        f"{n}_ = {n}_._array if isinstance({n}_, Tensor) and not {n}_.level and {n}_._node is None else {n}_"
        for n in held
    ]
    body += ["if not result_.level and result_._node is None:", "    result_ = result_._array"]
    record = f"class_for(({', '.join(op.parameters)},))" if op.number_names or op.given_names else "Record"
    body += [f"made._node = node = {record}()", f"node.parents = ({''.join(f'{n}_node, ' for n in asked)})"]
    if op.holomorphic:
        body += ["complexes = np_dtype(result_).kind == 'c'"]
    if pointwise:
        alike = [
            f"(type({n}_) is ndarray is type(result_) and {n}_.shape == result_.shape and {n}_.dtype is result_.dtype "
            f"or not hasattr({n}_, 'shape') or alike({n}_, result_))"
            for n in (op.tensors if op.promote != "choose" else asked)
        ]
        body += [f"same = {' and '.join(alike)}"]
    for n in asked:
        parts = "".join(compiler.expression(op, s) + ", " for s in op.rules[n].sources)
        rule = f"rule_{n} if complexes else plain_{n}" if op.holomorphic else f"plain_{n}"
        if pointwise:
            body += [
                f"if {n}_node is None:",
                f"    {n}_rule = {n}_saved = None",
                "elif same:",
                f"    {n}_rule = {rule}",
                f"    {n}_saved = ({parts})",
                "else:",
                f"    {n}_rule = fitted_{n}",
                f"    {n}_saved = (tuple({n}_.shape), np_dtype({n}_), {parts})",
            ]
        else:
            body += [f"{n}_rule = {rule}", f"{n}_saved = ({parts}) if {n}_node is not None else None"]
    body += [
        f"node.rules = ({''.join(f'{n}_rule, ' for n in asked)})",
        f"node.saved = ({''.join(f'{n}_saved, ' for n in asked)})",
        "node.transform = transform",
        "node.seq = tick()",
        "frame = outside(getframe(1))",
        "node.code = frame.f_code",
        "node.lasti = frame.f_lasti",
    ]
    return [*code, *["            " + line for line in body], "    return made"]
