"""A scene for terminals: boxes of line-drawing characters, joined from layer to layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .layout import layered
from .scene import Box, Scene, columns

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
STROKES = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"


def rows_of(box: Box) -> list[str]:
    rows = [box.title, *box.lines]
    if box.gradient:
        rows.append(box.gradient)
    return [r if len(r) <= 44 else r[:43] + "…" for r in rows]


def text(scene: Scene, width: int = 100) -> str:
    """The picture in characters; a list of lines where it would be wider than ``width``."""
    rows = [rows_of(b) for b in scene.boxes]
    sizes = [(max(map(columns, r)) + 4.0, len(r) + 2.0) for r in rows]
    laid = layered(sizes, [(a.tail, a.head) for a in scene.arrows], between=2, below=4)
    if laid.width > width:
        return listing(scene)
    head = [scene.title, ""] if scene.title else []
    return "\n".join([*head, *canvas(scene, rows, sizes, laid), "", *scene.notes])


def canvas(
    scene: Scene, rows: Sequence[Sequence[str]], sizes: Sequence[tuple[float, float]], laid: object
) -> list[str]:
    """Boxes and joined lines on a grid of characters."""
    centres, routes, layers = laid.centres, laid.routes, laid.layers  # type: ignore[attr-defined]
    spots: list[tuple[int, int, int, int]] = []
    for (x, _), (w, h), _ in zip(centres, sizes, layers, strict=True):
        spots.append((round(x - w / 2), 0, int(w), int(h)))
    count = max(layers, default=-1) + 1
    tall = [max([s[3] for s, k in zip(spots, layers, strict=True) if k == level], default=0) for level in range(count)]
    segments: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    ports: dict[tuple[int, str], int] = {}
    for end in ("tail", "head"):
        groups: dict[int, list[int]] = {}
        for i, arrow in enumerate(scene.arrows):
            groups.setdefault(getattr(arrow, end), []).append(i)
        for box, group in groups.items():
            other: Callable[..., Any] = lambda i: (
                routes[i][0 if end == "tail" else -1]
                if routes[i]
                else centres[scene.arrows[i].head if end == "tail" else scene.arrows[i].tail]
            )[0]
            group.sort(key=other)
            x, _, w, _ = spots[box]
            for k, i in enumerate(group):
                ports[i, end] = min(max(x + w * (k + 1) // (len(group) + 1), x + 1), x + w - 2)
    verticals: list[list[int]] = [[] for _ in range(count)]
    for i, arrow in enumerate(scene.arrows):
        xs = [
            ports[i, "tail"],
            *[
                round(p[0])
                for p in (routes[i][::2] if len(routes[i]) > layers[arrow.head] - layers[arrow.tail] - 1 else routes[i])
            ],
            ports[i, "head"],
        ]
        first = layers[arrow.tail]
        if len(xs) != layers[arrow.head] - first + 1:
            continue
        for k, (a, b) in enumerate(zip(xs, xs[1:], strict=False)):
            segments[first + k].append((a, b, i))
            if k:
                verticals[first + k].append(a)
    tracks = [assign(s) for s in segments]
    heights = [(max(t.values(), default=0) + 1) if s else 1 for t, s in zip(tracks, segments, strict=True)]
    y, tops = 0, []
    for level in range(count):
        tops.append(y)
        y += tall[level] + heights[level] + 2
    wide = max([s[0] + s[2] for s in spots], default=0)
    wide = max([wide, *[x + 1 for v in verticals for x in v]])
    grid = [[0] * (wide + 1) for _ in range(y + 1)]
    heads: list[tuple[int, int]] = []
    for level in range(count):
        base = tops[level] + tall[level]
        for x in verticals[level]:
            vertical(grid, x, tops[level] - 1, base)
        for (a, b, i), track in tracks[level].items():
            line = base + 1 + track
            arrow = scene.arrows[i]
            above = base
            if layers[arrow.tail] == level:
                above = tops[level] + spots[arrow.tail][3]
            below = base + heights[level] + 1
            vertical(grid, a, above, line)
            horizontal(grid, a, b, line)
            vertical(grid, b, line, below)
            if layers[arrow.head] == level + 1:
                heads.append((b, below))
    chars = [[STROKES[c] for c in row] for row in grid]
    for x, line in heads:
        chars[line][x] = "▼"
    for (x, _, w, _), level, shown, said in zip(spots, layers, scene.boxes, rows, strict=True):
        draw_box(chars, x, tops[level], w, shown, said)
    return [line for line in ("".join(c).rstrip() for c in chars)][: y - 2]


def assign(segments: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int, int], int]:
    """A line for each horizontal stretch, so that none lies on another."""
    ends: list[list[tuple[int, int]]] = []
    made = {}
    for a, b, i in sorted(segments, key=lambda s: (abs(s[0] - s[1]), s)):
        low, high = min(a, b), max(a, b)
        track = 0
        if low != high:
            while track < len(ends) and any(low <= h and x <= high for x, h in ends[track]):
                track += 1
            if track == len(ends):
                ends.append([])
            ends[track].append((low, high))
        made[a, b, i] = track
    return made


def vertical(grid: list[list[int]], x: int, top: int, bottom: int) -> None:
    for y in range(top, bottom + 1):
        grid[y][x] |= (UP if y > top else 0) | (DOWN if y < bottom else 0)


def horizontal(grid: list[list[int]], a: int, b: int, y: int) -> None:
    low, high = min(a, b), max(a, b)
    for x in range(low, high + 1):
        grid[y][x] |= (LEFT if x > low else 0) | (RIGHT if x < high else 0)


def draw_box(chars: list[list[str]], x: int, y: int, w: int, box: Box, said: Sequence[str]) -> None:
    corners = {"leaf": "╭╮╰╯─│", "constant": "┌┐└┘┄┆", "fold": "╔╗╚╝═║"}.get(box.kind, "┌┐└┘─│")
    if box.root:
        corners = "┏┓┗┛━┃"
    tl, tr, bl, br, h, v = list(corners)
    put(chars, x, y, tl + h * (w - 2) + tr)
    for k, line in enumerate(said, 1):
        put(chars, x, y + k, v + centred(line, w - 2) + v)
    put(chars, x, y + len(said) + 1, bl + h * (w - 2) + br)


def centred(text: str, width: int) -> str:
    left = max(width - columns(text), 0) // 2
    return " " * left + text + " " * max(width - columns(text) - left, 0)


def put(chars: list[list[str]], x: int, y: int, text: str) -> None:
    while len(chars[y]) < x + columns(text):
        chars[y].append(" ")
    cells = [cell for c in text for cell in ([c] if columns(c) == 1 else [c, ""])]  # what takes two cells fills two
    chars[y][x : x + len(cells)] = cells


def listing(scene: Scene) -> str:
    """One line a box, in the order of the program."""
    inputs: dict[int, list[int]] = {}
    for arrow in scene.arrows:
        inputs.setdefault(arrow.head, []).append(arrow.tail)
    label: Callable[..., Any] = lambda i: scene.boxes[i].name or f"%{i}"
    out = [scene.title, ""] if scene.title else []
    for i, box in enumerate(scene.boxes):
        if box.kind in ("constant", "leaf") and not inputs.get(i):
            continue
        above = ", ".join(dict.fromkeys(scene.boxes[t].title if scene.boxes[t].kind in ("leaf", "constant") else label(t)
                                        for t in inputs.get(i, [])))  # fmt: skip
        said = "  ".join(s for s in (*box.lines, box.gradient) if s and s != box.name)
        out.append(f"{label(i):>10} ← {box.title}({above})" + (f"   {said}" if said else ""))
    return "\n".join([*out, "", *scene.notes])
