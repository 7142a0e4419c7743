"""A scene as SVG: self-contained, readable on light and on dark paper, and by readers who are colour-blind.

Solid blue arrows lead forward, dashed vermilion ones backward (Okabe and Ito's colours); kinds of boxes differ in
form too: rounded operations, pills for tensors that ask for gradients, dotted constants, stacks for folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import count
from os.path import basename
from typing import Any, NamedTuple

import numpy as np

from .layout import Layout, Point, layered
from .scene import Arrow, Box, Scene, columns

WIDE = 1500  # a picture wider than this leads downwards, unless asked otherwise
CHAR, LINE, PAD = 7.3, 17.0, 10.0
SMALL = 6.7
_numbers = count(1)

STYLE = """
.ID{--paper:#ffffff;--ink:#1b1f24;--soft:#57606a;--op:#f6f8fa;--edge:#8c959f;--forward:#0b64a0;--back:#b84a00;
--leaf:#e2f3ec;--leafedge:#00795a;--fold:#eef1fb;--foldedge:#5b67b0;--root:#fff3d1;--rootedge:#9a6b00;
font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12px}
@media (prefers-color-scheme:dark){.ID{--paper:#12161b;--ink:#e8ebee;--soft:#9aa4af;--op:#1f252c;--edge:#66717d;
--forward:#6cb8f0;--back:#ff9a57;--leaf:#12332a;--leafedge:#3fc49a;--fold:#22273f;--foldedge:#98a3ea;--root:#3a2f10;
--rootedge:#e2b44d}}
[data-theme=dark] .ID{--paper:#12161b;--ink:#e8ebee;--soft:#9aa4af;--op:#1f252c;--edge:#66717d;
--forward:#6cb8f0;--back:#ff9a57;--leaf:#12332a;--leafedge:#3fc49a;--fold:#22273f;--foldedge:#98a3ea;--root:#3a2f10;
--rootedge:#e2b44d}
[data-theme=light] .ID{--paper:#ffffff;--ink:#1b1f24;--soft:#57606a;--op:#f6f8fa;--edge:#8c959f;--forward:#0b64a0;
--back:#b84a00;--leaf:#e2f3ec;--leafedge:#00795a;--fold:#eef1fb;--foldedge:#5b67b0;--root:#fff3d1;--rootedge:#9a6b00}
.ID text{fill:var(--ink);stroke:none}.ID .t{font-weight:700;font-size:12.5px}.ID .s{fill:var(--soft);font-size:11px}
.ID .g{fill:var(--back);font-size:11px}.ID .paper{fill:var(--paper)}
.ID .b{stroke-width:1.3;stroke:var(--edge);fill:var(--op)}.ID .leaf .b{stroke:var(--leafedge);fill:var(--leaf)}
.ID .constant .b{stroke-dasharray:2 2.5;fill:var(--paper)}.ID .fold .b{stroke:var(--foldedge);fill:var(--fold)}
.ID .root .b{stroke:var(--rootedge);fill:var(--root);stroke-width:1.8}.ID .copy .b{stroke-dasharray:5 2}
.ID .f{fill:none;stroke:var(--forward);stroke-width:1.6}.ID .r{fill:none;stroke:var(--back);stroke-width:1.5;
stroke-dasharray:5 3.5}.ID .fa{fill:var(--forward)}.ID .ra{fill:var(--back)}
.ID .l{fill:var(--back);font-size:11px;paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.ID .off .r{stroke-opacity:.45}.ID .h{font-size:15px;font-weight:700}.ID .n{fill:var(--soft);font-size:11px}
.ID .hid{opacity:.16}.ID .now .b{stroke-width:3.2}.ID .now .f,.ID .now .r{stroke-width:3.4}
"""


class Picture(NamedTuple):
    """The text of an SVG, its size, and the identifier of its classes and elements."""

    text: str
    width: float
    height: float
    id: str


def clip(text: str, most: int = 46) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def size_of(box: Box) -> tuple[float, float]:
    wide = max(
        [
            columns(clip(box.title)) * (CHAR + 0.4),
            *[columns(clip(s)) * SMALL for s in box.lines],
            columns(clip(box.gradient)) * SMALL,
        ]
    )
    rows = 1 + len(box.lines) + bool(box.gradient)
    extra = 16 if box.kind == "leaf" else 0
    return max(wide + 2 * PAD + extra, 44.0), rows * LINE + 9


def direction_of(scene: Scene, asked: str) -> str:
    if asked not in ("auto", "right", "down"):
        raise ValueError(f"direction must be 'auto', 'right' or 'down', not {asked!r}")
    return ("right" if len(scene.boxes) <= 12 else "down") if asked == "auto" else asked


def placed(scene: Scene, right: bool) -> tuple[list[tuple[float, float]], Layout]:
    """Sizes of the boxes, their layout (in the frame where layers go down)."""
    sizes = [size_of(b) for b in scene.boxes]
    links = [(a.tail, a.head) for a in scene.arrows]
    labelled = len(scene.arrows) <= 40
    gap = 58.0
    if right:
        longest = max([len(label_of(a)) for a in scene.arrows if labelled], default=0)
        gap = max(64.0, longest * SMALL + 44)
        flipped = [(h, w) for w, h in sizes]
        return sizes, layered(flipped, links, between=40 if longest else 34, below=gap)
    if len(scene.arrows) > 400:
        gap = 46.0
    return sizes, layered(sizes, links, between=30, below=gap)


def label_of(arrow: Arrow) -> str:
    """The local derivative along an edge, and what comes of it where it is one of several contributions."""
    if not arrow.local:
        return ""
    above, below = arrow.fraction
    text = f"∂{above}/∂{below} = {arrow.local}" if above and below else f"× {arrow.local}"
    return f"{text}, gives {arrow.gives}" if arrow.gives else text


def svg(scene: Scene, direction: str = "auto", steps: bool = False) -> Picture:
    """The picture. With ``steps`` every element bears an identifier, for the page that plays the graph."""
    right = direction_of(scene, direction) == "right"
    sizes, laid = placed(scene, right)
    if right and direction == "auto" and laid.height > WIDE:
        right = False
        sizes, laid = placed(scene, right)
    name = f"rl{next(_numbers)}" if not steps else "rlt"
    margin, head = 24.0, 30.0 if scene.title else 4.0
    legend = LEGEND_WIDTH
    flip: Callable[..., Any] = (lambda p: (p[1], p[0])) if right else (lambda p: p)
    inner_w, inner_h = (laid.height, laid.width) if right else (laid.width, laid.height)
    title_w = columns(scene.title) * 9.2
    note_lines = wrapped("; ".join(scene.notes), int(max(inner_w, legend, title_w) / SMALL))
    labels = [label_of(a) for a in scene.arrows if a.backward] if len(scene.arrows) <= 40 and not right else []
    beside = min(max(map(len, labels), default=0) * SMALL * 0.7, 150.0)  # room for labels left and right of the boxes
    width = max(inner_w + 2 * beside, legend, title_w) + 2 * margin
    foot = 26.0 + 15 * len(note_lines)
    height = inner_h + head + foot + 2 * margin
    left = (width - inner_w) / 2
    top = margin + head
    shift: Callable[..., Any] = lambda p: (p[0] + left, p[1] + top)
    centres = [shift(flip(p)) for p in laid.centres]
    routes = [[shift(flip(p)) for p in route] for route in laid.routes]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(scene.title or "computation graph")}">',
        f"<style>{STYLE.replace('ID', name).strip()}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
    ]
    if scene.title:
        out.append(f'<text class="h" x="{margin}" y="{margin + 10}">{escape(scene.title)}</text>')
    out += edges_svg(scene, sizes, centres, routes, laid.layers, right, steps, width)
    for i, box in enumerate(scene.boxes):
        out.append(box_svg(box, centres[i], sizes[i], i if steps else None))
    below = top + inner_h + 30
    out.append(legend_svg(margin, below))
    for k, line in enumerate(note_lines):
        out.append(f'<text class="n" x="{margin}" y="{below + 18 + 15 * k:.1f}">{escape(line)}</text>')
    out.append("</svg>\n")
    return Picture("\n".join(out), width, height, name)


LEGEND_WIDTH = 322.0


def legend_svg(x: float, y: float) -> str:
    return (
        f'<path class="f" d="M{x} {y - 4}h24"/><path class="fa" d="M{x + 30} {y - 4}l-8 -3.6v7.2z"/>'
        f'<text class="n" x="{x + 36}" y="{y}">forward: values</text>'
        f'<path class="r" d="M{x + 158} {y - 4}h24"/><path class="ra" d="M{x + 150} {y - 4}l8 -3.6v7.2z"/>'
        f'<text class="n" x="{x + 190}" y="{y}">backward: gradients</text>'
    )


def wrapped(text: str, most: int) -> list[str]:
    """Text in lines of so many characters."""
    made: list[str] = []
    for word in text.split():
        if made and len(made[-1]) + 1 + len(word) <= max(most, 20):
            made[-1] += " " + word
        else:
            made.append(word)
    return made


def box_svg(box: Box, centre: Point, size: tuple[float, float], index: int | None) -> str:
    (x, y), (w, h) = centre, size
    left, top = x - w / 2, y - h / 2
    kinds = " ".join([box.kind, *(["root"] if box.root else []), *(["copy"] if box.copy_of is not None else [])])
    round_ = {"leaf": min(h / 2, 15), "op": 7, "fold": 5}.get(box.kind, 3)
    parts = [f'<g class="{kinds}"' + (f' id="b{index}"' if index is not None else "") + ">"]
    tip = [box.title]
    if box.expression:
        tip.append(box.expression)
    if box.site is not None:
        tip.append(f"{basename(box.site.file)}:{box.site.line}")  # a picture is shown to others: no folders of ours
    parts.append(f"<title>{escape(chr(10).join(tip))}</title>")
    if box.kind == "fold":
        for k in (6, 3):
            parts.append(
                f'<rect class="b" x="{left + k:.1f}" y="{top + k:.1f}" width="{w:.1f}" height="{h:.1f}" rx="5"/>'
            )
    parts.append(f'<rect class="b" x="{left:.1f}" y="{top:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{round_:.1f}"/>')
    row = top + LINE
    parts.append(f'<text class="t" text-anchor="middle" x="{x:.1f}" y="{row:.1f}">{escape(clip(box.title))}</text>')
    for k, line in enumerate(box.lines):
        row += LINE
        mark = f' id="v{index}"' if index is not None and k == 0 else ""
        parts.append(
            f'<text class="s"{mark} text-anchor="middle" x="{x:.1f}" y="{row - 1:.1f}">{escape(clip(line))}</text>'
        )
    if box.gradient:
        row += LINE
        mark = f' id="g{index}"' if index is not None else ""
        parts.append(
            f'<text class="g"{mark} text-anchor="middle" x="{x:.1f}" y="{row - 1:.1f}">{escape(clip(box.gradient))}</text>'
        )
    return "".join([*parts, "</g>"])


def edges_svg(
    scene: Scene,
    sizes: Sequence[tuple[float, float]],
    centres: Sequence[Point],
    routes: Sequence[Sequence[Point]],
    layers: Sequence[int],
    right: bool,
    steps: bool,
    width: float,
) -> list[str]:
    """Every edge forward, and beside it backward."""
    axis, cross = (0, 1) if right else (1, 0)
    leaving: dict[int, list[int]] = {}
    coming: dict[int, list[int]] = {}
    for i, arrow in enumerate(scene.arrows):
        leaving.setdefault(arrow.tail, []).append(i)
        coming.setdefault(arrow.head, []).append(i)
    slot: dict[tuple[int, str], float] = {}
    for groups, end in ((leaving, "tail"), (coming, "head")):
        for box, group in groups.items():
            other: Callable[..., Any] = lambda i: (
                routes[i][0 if end == "tail" else -1]
                if routes[i]
                else centres[scene.arrows[i].head if end == "tail" else scene.arrows[i].tail]
            )[cross]
            group.sort(key=other)
            room = max(
                sizes[box][1 if right else 0] - (42 if scene.boxes[box].kind == "leaf" and not right else 24), 8.0
            )
            for i, at in zip(group, ports([other(i) - centres[box][cross] for i in group], room), strict=True):
                slot[i, end] = at
    made: list[str] = []
    wanted: list[tuple[str, list[Any], float, str]] = []
    lines: list[list[Any]] = []
    many = len(scene.arrows) > 40
    for i, arrow in enumerate(scene.arrows):
        a, b = centres[arrow.tail], centres[arrow.head]
        half = [sizes[arrow.tail][axis] / 2, sizes[arrow.head][axis] / 2]
        start, stop = list(a), list(b)
        start[axis] += half[0]
        stop[axis] -= half[1]
        start[cross] += slot[i, "tail"]
        stop[cross] += slot[i, "head"]
        points = [tuple(start), *routes[i], tuple(stop)]
        both = arrow.backward
        off = 4.5 if both else 0.0
        mark = f' id="e{i}"' if steps else ""
        made.append(f'<g{mark} class="e{"" if both else " c"}">')
        made.append(curve(points, -off, axis, cross, "f", True))
        if both:
            quiet = not scene.ran
            dashed = curve(points, off, axis, cross, "r", False)
            made.append(f'<g class="off">{dashed}</g>' if quiet else dashed)
        made.append("</g>")
        if not many:
            lines.append(points)
            text = label_of(arrow)
            if text and both:
                wanted.append((text, points, off, f' id="l{i}"' if steps else ""))
    return made + labels_svg(wanted, lines, sizes, centres, axis, cross, width)


def ports(wished: Sequence[float], room: float) -> list[float]:
    """Where lines leave a box, from its middle: where they would be straight, but apart from each other."""
    count = len(wished)
    step = min(30.0, room / max(count, 1))
    half = step * (count - 1) / 2
    made: list[float] = []
    for k, at in enumerate(wished):
        at = min(max(at, -room / 2), room / 2)
        at = at if at == wished[k] else min(max(at, -26.0), 26.0)  # what cannot be straight starts near the middle
        made.append(max(at, made[-1] + step) if made else at)
    for k in range(count - 1, -1, -1):  # and back from the right end
        made[k] = min(made[k], room / 2 - (count - 1 - k) * step, made[k + 1] - step if k + 1 < count else made[k])
    middle = sum(made) / count if count else 0.0
    straight = any(abs(a - b) < 0.5 for a, b in zip(made, wished, strict=True))
    return made if straight else [(k * step - half) + middle * (abs(middle) + half <= room / 2) for k in range(count)]


Frame = tuple[float, float, float, float]  # left, top, right, bottom


def labels_svg(
    wanted: Sequence[tuple[str, list[Any], float, str]],
    lines: Sequence[list[Any]],
    sizes: Sequence[tuple[float, float]],
    centres: Sequence[Point],
    axis: int,
    cross: int,
    width: float,
) -> list[str]:
    """The local derivatives, each beside its dashed arrow, where it covers no box, no other label and few lines."""
    if not wanted:
        return []
    taken = [(x - w / 2 - 3, y - h / 2 - 3, x + w / 2 + 3, y + h / 2 + 3)
             for (x, y), (w, h) in zip(centres, sizes, strict=True)]  # fmt: skip
    drawn: list[Point] = []  # points on all lines, forward and backward
    for points in lines:
        for p, q in zip(points, points[1:], strict=False):
            for k in range(1, 24):
                spot = bezier_point(p, q, axis, k / 24)
                for off in (-4.5, 4.5):
                    moved = list(spot)
                    moved[cross] += off
                    drawn.append((moved[0], moved[1]))
    xs, ys = np.array(drawn).T
    boxes = np.array(taken)
    made = []
    for text, points, off, mark in wanted:
        best: tuple[float, Frame] | None = None
        for frame, dislike in label_places(text, points, off, axis):
            left, top, right, bottom = frame
            if best is not None and dislike >= best[0]:
                continue
            covered = (left < boxes[:, 2]) & (boxes[:, 0] < right) & (top < boxes[:, 3]) & (boxes[:, 1] < bottom)
            hit = (left < xs) & (xs < right) & (top < ys) & (ys < bottom)
            outside = max(4 - left, right - width + 4, 0.0)
            cost = (
                dislike
                + 60.0 * (outside > 0)
                + outside
                + 60.0 * np.count_nonzero(covered)
                + 2.5 * np.count_nonzero(hit)
            )
            if best is None or cost < best[0]:
                best = cost, frame
        assert best is not None
        left, _, right, bottom = best[1]
        left = max(min(left, width - 4 - (right - left)), 4.0)
        boxes = np.vstack([boxes, best[1]])
        made.append(f'<text class="l"{mark} x="{left:.1f}" y="{bottom - 3.5:.1f}">{escape(text)}</text>')
    return made


def label_places(text: str, points: Sequence[Any], off: float, axis: int) -> list[tuple[Frame, float]]:
    """Where a label could stand, each with how little it is liked: near the middle of the dashed side is best."""
    wide, high = columns(text) * SMALL, 13.0
    places = []
    last = len(points) - 1
    for segment in sorted({0, last - 1, last // 2}):
        p, q = points[segment], points[segment + 1]
        for t in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8):
            x, y = bezier_point(p, q, axis, t)
            far = 12 * abs(t - 0.5) + 2 * segment
            for step in (0, 5, 11, 18, 26):
                if axis == 0:
                    for shift in (0.0, -0.3, 0.3, -0.5, 0.5, -0.7, 0.7):
                        left = x - wide / 2 + shift * wide
                        dislike = far + step + 6 * abs(shift)
                        places.append(((left, y + off + 3 + step, left + wide, y + off + 3 + high + step), dislike))
                        places.append(((left, y - off - 4 - high - step, left + wide, y - off - 4 - step), dislike + 3))
                else:
                    top = y - high / 2
                    places.append(((x + off + 6 + step, top, x + off + 6 + step + wide, top + high), far + step))
                    places.append(((x - off - 6 - step - wide, top, x - off - 6 - step, top + high), far + step + 3))
    return places


def bezier_point(p: Any, q: Any, axis: int, t: float) -> list[float]:
    reach = (q[axis] - p[axis]) * 0.5
    c, d = list(p), list(q)
    c[axis] += reach
    d[axis] -= reach
    u = 1 - t
    return [u**3 * p[k] + 3 * u * u * t * c[k] + 3 * u * t * t * d[k] + t**3 * q[k] for k in (0, 1)]


def curve(points: Sequence[Any], off: float, axis: int, cross: int, kind: str, forward: bool) -> str:
    """A smooth line through points, along the axis at each of them, with a head at its end."""
    moved = [list(p) for p in points]
    for p in moved:
        p[cross] += off
    head = 8.0
    first, last = list(moved[0]), list(moved[-1])
    moved[0][axis] += head - 1  # both ends stay straight for the length of a head, so that the two lines run alike
    moved[-1][axis] -= head - 1
    start = first if forward else moved[0]
    path = [f"M{start[0]:.1f} {start[1]:.1f}"] + ([f"L{moved[0][0]:.1f} {moved[0][1]:.1f}"] if forward else [])
    for p, q in zip(moved, moved[1:], strict=False):
        if abs(p[cross] - q[cross]) < 0.5:
            path.append(f"L{q[0]:.1f} {q[1]:.1f}")
            continue
        reach = (q[axis] - p[axis]) * 0.5
        c, d = list(p), list(q)
        # where the curve leads across, what lies beside it at its ends has to lie above or below it
        bend = off * 4 / 3 * max(-1.0, min(1.0, (q[cross] - p[cross]) / 30))
        c[axis] += reach - bend
        d[axis] -= reach + bend
        path.append(f"C{c[0]:.1f} {c[1]:.1f} {d[0]:.1f} {d[1]:.1f} {q[0]:.1f} {q[1]:.1f}")
    if not forward:
        path.append(f"L{last[0]:.1f} {last[1]:.1f}")
    tip = moved[-1] if forward else moved[0]
    sign = 1 if forward else -1
    peak, left, right = list(tip), list(tip), list(tip)
    peak[axis] += sign * head
    left[cross] -= 3.6
    right[cross] += 3.6
    triangle = f"M{peak[0]:.1f} {peak[1]:.1f}L{left[0]:.1f} {left[1]:.1f}L{right[0]:.1f} {right[1]:.1f}z"
    return f'<path class="{kind}" d="{"".join(path)}"/><path class="{kind}a" d="{triangle}"/>'
