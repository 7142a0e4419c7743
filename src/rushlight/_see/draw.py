"""``draw``: one picture of a computation graph, in the form that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from .._core.tensor import Tensor
from . import names as naming
from .picture import Known, nodes_behind
from .scene import Scene, staged
from .svg import svg
from .text import text

MANY = 50_000  # from so many operations on, values and gradients are not computed for a picture


def kind_of(target: Path) -> str:
    """The form of a picture that the end of a file's name asks for; raises ValueError for an end that none has."""
    kinds = {".svg": "svg", ".html": "html", ".htm": "html", ".txt": "text", ".dot": "dot", ".gv": "dot",
             ".mmd": "mermaid", ".md": "mermaid", ".json": "json"}  # fmt: skip
    kind = kinds.get(target.suffix.lower())
    if kind is None:
        raise ValueError(f"cannot save a picture as {target.name!r}: the name must end in {', '.join(kinds)}")
    return kind


class Drawing:
    """A picture of a graph: ``.svg``, ``.html``, ``.text``, ``.dot``, ``.mermaid``, ``.json``; ``save(path)``."""

    def __init__(self, scene: Scene, direction: str) -> None:
        self.scene, self.direction = scene, direction

    @cached_property
    def svg(self) -> str:
        """The picture as SVG."""
        return svg(self.scene, self.direction).text

    @cached_property
    def html(self) -> str:
        """The picture as a page of its own that pans, zooms and searches, from a file and without a network."""
        from .html import page

        return page(self.scene, self.direction)

    @property
    def text(self) -> str:
        """The picture in characters, for terminals."""
        import shutil

        return text(self.scene, max(shutil.get_terminal_size((110, 40)).columns, 60))

    @property
    def dot(self) -> str:
        """The graph in Graphviz's language."""
        from .formats import dot

        return dot(self.scene)

    @property
    def mermaid(self) -> str:
        """The graph in Mermaid's language, as Markdown on GitHub draws it."""
        from .formats import mermaid

        return mermaid(self.scene)

    @property
    def json(self) -> str:
        """The graph as JSON: ``boxes``, ``arrows`` and ``notes``."""
        from .formats import as_data

        return json.dumps(as_data(self.scene), indent=1)

    def save(self, path: Any) -> Path:
        """Write the picture; the end of the name says how: .svg .html .txt .dot .mmd .json. Returns the path."""
        target = Path(path)
        kind = kind_of(target)
        made: str = getattr(self, kind)
        made += "\n" * (not made.endswith("\n"))
        if target.suffix.lower() == ".md":
            made = f"```mermaid\n{made}```\n"
        target.write_text(made, encoding="utf-8")
        return target

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return self.svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@contextmanager
def without_collection() -> Iterator[None]:
    """No garbage collection in between: it would walk a large graph again and again, and find nothing."""
    import gc

    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def known_of(
    tensors: Tensor | Sequence[Tensor],
    names: Mapping[str, Any] | None,
    gradient: Tensor | None,
    gradients: bool,
    what: str,
    frame: Any,
    values: bool = True,
) -> Known:
    """What is known of the graph behind tensors, after the checks that all tools share."""
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    for t in roots:
        if not isinstance(t, Tensor):
            raise TypeError(f"{what}() shows tensors, not {type(t).__name__}: give it a loss, or a list of tensors")
        if t.level:
            raise RuntimeError(f"{what}() cannot look inside a function transform: call it outside vmap, grad or jvp")
    if not roots or all(t._node is None for t in roots):
        raise RuntimeError(
            f"{what}(): nothing that this tensor was computed from requires grad, so no graph was recorded; call "
            "requires_grad_() on what you want gradients of before computing it"
        )
    found, arrays = naming.named_tensors(frame, names)
    return Known(roots, found, arrays, gradient, gradients, values)


def draw(
    tensors: Tensor | Sequence[Tensor],
    names: Mapping[str, Any] | None = None,
    *,
    gradient: Tensor | None = None,
    gradients: bool = True,
    max_nodes: int | None = 60,
    fold: str = "auto",
    direction: str = "auto",
    title: str = "",
) -> Drawing:
    """Draw the graph that ``tensors`` (a loss, or several) were computed by.

    Boxes are operations and tensors with name, shape and, where small, value; solid arrows lead forward, dashed ones
    backward, with gradients and local derivatives. Names are those of the caller's variables (``names`` adds more: a
    dict of tensors, modules or containers, or one module). Graphs of more than ``max_nodes`` operations are folded by call, loop,
    module, line and function; ``fold`` is "auto", "loop", "module", "function" or "none", ``max_nodes=None`` shows all.

    Gradients come from a pass of its own, which touches no ``.grad``, runs no hooks and frees nothing; it starts from
    ``gradient`` (1 for a scalar). With ``gradients=False`` each tensor shows what its ``.grad`` holds, and says so if
    backward has not run. A value that the graph does not keep is shown as not kept. ``direction`` is "right", "down"
    or "auto". Raises RuntimeError for a tensor without a graph.

    >>> import rushlight as torch
    >>> w = torch.tensor(2.0, requires_grad=True)
    >>> picture = torch.draw((w * 3 + 1) ** 2)
    >>> picture.svg[:4], w.grad
    ('<svg', None)
    """
    if fold not in ("auto", "none", "loop", "module", "function"):
        raise ValueError(f"fold must be 'auto', 'loop', 'module', 'function' or 'none', not {fold!r}")
    if direction not in ("auto", "right", "down"):
        raise ValueError(f"direction must be 'auto', 'right' or 'down', not {direction!r}")
    if max_nodes is not None and not (isinstance(max_nodes, int) and max_nodes > 0):
        raise ValueError(f"max_nodes must be a positive number or None, not {max_nodes!r}")
    frame = naming.caller()
    if not isinstance(tensors, (Tensor, list, tuple)):
        raise TypeError(f"draw() shows a tensor or a list of tensors, not {type(tensors).__name__}")
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    with without_collection():
        big = len(nodes_behind([t._node for t in roots if isinstance(t, Tensor) and t._node is not None])) > MANY
        known = known_of(roots, names, gradient, gradients and not big, "draw", frame, values=not big)
        if big and gradients and not known.freed:
            known.why_no_gradients = f"not computed for graphs of more than {MANY:,} operations"
        return Drawing(staged(known, max_nodes, fold, str(title)), direction)


def make_dot(
    var: Tensor | Sequence[Tensor],
    params: Mapping[str, Any] | None = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
) -> Any:
    """torchviz's function: the graph behind ``var`` in Graphviz's language, with names from ``params``.

    Returns an object whose ``.source`` is the text, and whose ``.svg`` and ``save(path)`` need no Graphviz.
    ``show_attrs`` writes what operations keep besides tensors, ``show_saved`` the tensors that they saved.
    """
    from .formats import Dot

    return Dot(var, params, show_attrs, show_saved, max_attr_chars)


__all__ = ["Drawing", "draw", "escape", "make_dot"]
