"""A scene in the languages of other tools: Graphviz, Mermaid, JSON; and torchviz's ``make_dot``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._core.graph import Leaf, Node
from .._core.tensor import Tensor
from . import names as naming
from .picture import edges_of, inner, nodes_behind, seen_through
from .scene import Scene
from .svg import label_of


def rows(scene: Scene, i: int) -> list[str]:
    box = scene.boxes[i]
    return [box.title, *box.lines, *([box.gradient] if box.gradient else [])]


def quoted(text: str) -> str:
    """A text as a string of Graphviz's."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def dot(scene: Scene) -> str:
    """The scene in Graphviz's language: forward edges solid, backward ones dashed."""
    shapes = {"leaf": "box, style=\"rounded,filled\", fillcolor=\"#e2f3ec\"", "constant": "box, style=dotted",
              "fold": "box3d"}  # fmt: skip
    out = ["digraph {", '  graph [rankdir=TB]; node [fontname="monospace", fontsize=10]; edge [color="#0b64a0"];']
    for i, box in enumerate(scene.boxes):
        shape = shapes.get(box.kind, "box, style=rounded")
        if box.root:
            shape = 'box, style="rounded,filled", fillcolor="#fff3d1"'
        label = "\\n".join(quoted(r)[1:-1] for r in rows(scene, i))
        out.append(f'  b{i} [shape={shape}, label="{label}"];')
    for arrow in scene.arrows:
        out.append(f"  b{arrow.tail} -> b{arrow.head};")
        if arrow.backward:
            label = f", label={quoted(label_of(arrow))}" if arrow.local else ""
            out.append(f'  b{arrow.head} -> b{arrow.tail} [style=dashed, color="#b84a00", constraint=false{label}];')
    return "\n".join([*out, "}", ""])


def mermaid(scene: Scene) -> str:
    """The scene in Mermaid's language."""
    safe: Callable[..., Any] = lambda t: "".join(
        c if c.isalnum() or c in " .,:;=+-*/^()∂‖×÷−·…_" or ord(c) > 127 else f"#{ord(c)};" for c in t
    )
    out = ["flowchart TD"]
    for i, box in enumerate(scene.boxes):
        label = "<br/>".join(safe(r) for r in rows(scene, i))
        left, right = {"leaf": ('(["', '"])'), "fold": ('[["', '"]]'), "constant": ('("', '")')}.get(
            box.kind, ('["', '"]')
        )
        out.append(f"  b{i}{left}{label}{right}")
    for arrow in scene.arrows:
        out.append(f"  b{arrow.tail} --> b{arrow.head}")
        if arrow.backward:
            out.append(
                f"  b{arrow.head} -.{'->|' + safe(label_of(arrow)) + '|' if arrow.local else '->'} b{arrow.tail}"
            )
    return "\n".join([*out, ""])


def as_data(scene: Scene) -> dict[str, Any]:
    """The scene as plain data."""
    boxes = [
        {
            "id": i,
            "kind": b.kind,
            "title": b.title,
            "name": b.name,
            "lines": b.lines,
            "gradient": b.gradient,
            "shape": None if b.shape is None else list(b.shape),
            "value": plain(b.value),
            "grad": plain(b.grad),
            "expression": b.expression,
            "file": b.site.file if b.site else None,
            "line": b.site.line if b.site else None,
            "operations": len(b.nodes) if b.kind in ("op", "fold") else 0,
            "root": b.root,
        }
        for i, b in enumerate(scene.boxes)
    ]
    arrows = [
        {
            "tail": a.tail,
            "head": a.head,
            "argument": a.argument,
            "backward": a.backward,
            "local": a.local,
            "label": label_of(a),
            "count": a.count,
        }
        for a in scene.arrows
    ]
    return {"title": scene.title, "boxes": boxes, "arrows": arrows, "notes": scene.notes}


def plain(array: Any) -> Any:
    """An array as lists, if it is small and JSON has its numbers."""
    if array is None or array.size > 64 or array.dtype.kind not in "fiub":
        return None
    import math

    def safe(v: Any) -> Any:
        if isinstance(v, list):
            return [safe(x) for x in v]
        return v if not isinstance(v, float) or math.isfinite(v) else str(v)

    return safe(array.tolist())


class Dot:
    """What ``make_dot`` returns: torchviz's picture as text (``source``), drawn by us where a picture is wanted."""

    def __init__(
        self,
        var: Tensor | Sequence[Tensor],
        params: Mapping[str, Any] | None,
        show_attrs: bool,
        show_saved: bool,
        max_attr_chars: int,
    ) -> None:
        self.var, self.params = var, naming.given(params)
        roots = [var] if isinstance(var, Tensor) else list(var)
        if all(t._node is None for t in roots):
            raise RuntimeError(
                "make_dot(): nothing that this tensor was computed from requires grad: there is no graph"
            )
        self.source = torchviz_source(roots, self.params, show_attrs, show_saved, max_attr_chars)

    @property
    def svg(self) -> str:
        """The picture as SVG, laid out without Graphviz."""
        from .draw import draw

        return draw(self.var, self.params, gradients=False, max_nodes=None).svg

    def save(self, path: Any) -> Any:
        """Write the text (``.dot``, ``.gv``) or the picture (``.svg``, ``.html``, ...) and return the path."""
        from pathlib import Path

        from .draw import draw

        target = Path(path)
        if target.suffix in ("", ".dot", ".gv"):
            target.write_text(self.source, encoding="utf-8")
            return target
        return draw(self.var, self.params, gradients=False, max_nodes=None).save(target)

    def _repr_svg_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        return self.source


def torchviz_source(
    roots: Sequence[Tensor], params: Mapping[str, Any], show_attrs: bool, show_saved: bool, most: int
) -> str:
    """The text of torchviz's picture: leaves blue, operations grey, results green, saved tensors orange."""
    found, _ = naming.named_tensors(None, params)
    starts = [t._node for t in roots if t._node is not None]
    out = ["digraph {", "\tgraph [size=\"12,12\"]",
           "\tnode [align=left fontname=monospace fontsize=10 height=0.2 ranksep=0.1 shape=box style=filled]"]  # fmt: skip
    numbers: dict[Node, str] = {}
    nodes = nodes_behind(starts)
    for node in nodes:
        me = numbers[node] = f"n{len(numbers)}"
        if type(node) is Leaf:
            tensor = node.tensor()
            name = found.get(node, ("", None))[0]
            size = "(" + ", ".join(map(str, tensor.shape)) + ")" if tensor is not None else "()"
            out.append(f"\t{me} [label={quoted('AccumulateGrad')} fillcolor=lightgrey]")
            out.append(f"\t{me}t [label={quoted(name + chr(10) + ' ' + size)} fillcolor=lightblue]")
            out.append(f"\t{me}t -> {me}")
            continue
        label = node.name()
        kept = saved_of(node) if show_attrs or show_saved else []
        if show_attrs:
            lines = [f"{k}: {v if not hasattr(v, 'shape') else '[saved tensor]'}"[:most] for k, v in kept]
            label += ("\n" + "-" * 24 + "\n" + "\n".join(lines)) if lines else ""
        out.append(f"\t{me} [label={quoted(label)} fillcolor=lightgrey]")
        if show_saved:
            for k, (name, value) in enumerate(kept):
                array = inner(value)
                if array is not None:
                    said = f"{name}\n({', '.join(map(str, array.shape))})"
                    out.append(f"\t{me}s{k} [label={quoted(said)} fillcolor=orange]")
                    out.append(f"\t{me} -> {me}s{k} [dir=none]")
        for edge in edges_of(node):
            if edge.parent is not None:
                out.append(f"\t{numbers[edge.parent]} -> {me}")
    for i, t in enumerate(roots):
        if t._node is not None:
            root = seen_through(t._node)[0]
            size = "(" + ", ".join(map(str, t.shape)) + ")"
            out.append(f"\tr{i} [label={quoted(size)} fillcolor=darkolivegreen1]")
            if root is not None:
                out.append(f"\t{numbers[root]} -> r{i}")
    return "\n".join([*out, "}", ""])


def saved_of(node: Node) -> list[tuple[str, Any]]:
    """What an operation keeps for its rules, by name."""
    from .._core import record
    from .._core.graph import Freed

    op = node.op
    if op is None or type(node.saved) is Freed:
        return []
    made: dict[str, Any] = {}
    pairs: list[tuple[Any, Any]] = []
    if op.joint is not None and node.saved and node.saved[0]:
        pairs = list(zip(op.joint.sources, node.saved[0][1:], strict=False))
    else:
        for edge, saved in zip(edges_of(node), node.saved, strict=False):
            rule = op.rules.get(edge.argument)
            if rule is not None and saved is not None:
                pairs += zip(rule.sources, saved[len(saved) - len(rule.sources) :], strict=False)
    for source, value in pairs:
        if source == record.RESULT:
            made["result"] = value
        elif source >= record.OUTPUT:
            made[op.outputs[source - record.OUTPUT]] = value
        elif record.SHAPE <= source < record.INDEX:
            made[op.parameters[source - record.SHAPE] + "_shape"] = value
        elif 0 <= source < record.SHAPE:
            made[op.parameters[source]] = value
    return list(made.items())
