"""A layered layout of our own: layers from top to bottom, few crossings, long edges straight.

After Sugiyama, Tagawa and Toda (layers, sweeps of barycentres) and Brandes and Köpf (coordinates: four alignments
along medians, and their average). Nothing here is recursive; time grows about linearly with boxes and edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Point = tuple[float, float]
LONG = 40  # edges over more layers than this are not laid through them


class Layout(NamedTuple):
    """Centres of the boxes, and for each edge the points between its ends."""

    centres: list[Point]
    routes: list[list[Point]]
    layers: list[int]
    width: float
    height: float


def layered(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], between: float = 30, below: float = 56
) -> Layout:
    """Place boxes of the given sizes so that every edge (from, to) leads downwards. The edges must form no cycle."""
    count = len(sizes)
    layer = layers_of(count, edges)
    links, routes, all_sizes, all_layers = with_dummies(sizes, edges, layer)
    order = ordered(all_layers, links)
    x = coordinates(order, links, [w for w, _ in all_sizes], count, between)
    heights = [max([all_sizes[v][1] for v in row], default=0.0) for row in order]
    y, top = [], 0.0
    for h in heights:
        y.append(top + h / 2)
        top += h + below
    left = min([x[v] - all_sizes[v][0] / 2 for v in range(len(x))], default=0.0)
    right = max([x[v] + all_sizes[v][0] / 2 for v in range(len(x))], default=0.0)
    centres = [(x[v] - left, y[all_layers[v]]) for v in range(len(x))]
    return Layout(
        centres[:count],
        [through(route, centres, heights, all_layers) for route in routes],
        layer,
        right - left,
        max(top - below, 0.0),
    )


def through(
    route: Sequence[int], centres: Sequence[Point], heights: Sequence[float], layer: Sequence[int]
) -> list[Point]:
    """The points of a long edge: straight through the height of each layer, so that it touches no box there."""
    made = []
    for v in route:
        x, y = centres[v]
        half = heights[layer[v]] / 2
        made += [(x, y - half), (x, y + half)] if half else [(x, y)]
    return made


def layers_of(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each box: as high as can be, then sources are moved down to where they are used."""
    down: list[list[int]] = [[] for _ in range(count)]
    up: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        down[a].append(b)
        up[b].append(a)
    waiting = [len(u) for u in up]
    ready = [v for v in range(count) if not waiting[v]]
    layer = [0] * count
    order = []
    while ready:
        v = ready.pop()
        order.append(v)
        for w in down[v]:
            layer[w] = max(layer[w], layer[v] + 1)
            waiting[w] -= 1
            if not waiting[w]:
                ready.append(w)
    free = [not up[v] and len(down[v]) == 1 for v in range(count)]  # a source used once follows its user
    held = [sum([not free[u] for u in up[v]]) for v in range(count)]
    for v in reversed(order):  # what has no more edges up than down moves down as far as it can
        if down[v] and len(down[v]) >= held[v]:
            layer[v] = max(layer[v], min(layer[w] for w in down[v]) - 1)
    for v in order:  # and side branches come up to what they are made from
        if held[v] > len(down[v]):
            layer[v] = max(layer[u] for u in up[v]) + 1
    return layer


def with_dummies(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], layer: list[int]
) -> tuple[list[tuple[int, int]], list[list[int]], list[tuple[float, float]], list[int]]:
    """Long edges cut into links from layer to layer, through points of their own."""
    all_sizes, all_layers = list(sizes), list(layer)
    links: list[tuple[int, int]] = []
    routes: list[list[int]] = []
    for a, b in edges:
        route: list[int] = []
        if layer[b] - layer[a] <= LONG:
            last = a
            for k in range(layer[a] + 1, layer[b]):
                all_sizes.append((14.0, 0.0))
                all_layers.append(k)
                route.append(len(all_sizes) - 1)
                links.append((last, route[-1]))
                last = route[-1]
            links.append((last, b))
        routes.append(route)
    return links, routes, all_sizes, all_layers


def ordered(layer: Sequence[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The order in each layer: sweeps of barycentres, the best of all that were seen."""
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    up: list[list[int]] = [[] for _ in layer]
    down: list[list[int]] = [[] for _ in layer]
    for a, b in links:
        down[a].append(b)
        up[b].append(a)
    seen = [False] * len(layer)  # a first order by a walk along the edges keeps what belongs together close
    starts = sorted(range(len(layer)), key=lambda v: layer[v])
    for start in starts:
        stack = [start]
        while stack:
            v = stack.pop()
            if not seen[v]:
                seen[v] = True
                rows[layer[v]].append(v)
                stack += [w for w in reversed(up[v] + down[v]) if not seen[w]]
    place = [0.0] * len(layer)
    for row in rows:
        for i, v in enumerate(row):
            place[v] = i
    best, fewest = [list(r) for r in rows], crossings(rows, down, place)
    idle = 0
    for sweep in range(24):
        if not fewest or idle >= 5:
            break
        neighbours = up if sweep % 2 == 0 else down
        for row in rows if sweep % 2 == 0 else reversed(rows):
            centre = {v: (sum([place[w] for w in n]) / len(n) if (n := neighbours[v]) else place[v]) for v in row}
            row.sort(key=lambda v: (centre[v], place[v] if sweep % 4 < 2 else -place[v]))
            for i, v in enumerate(row):
                place[v] = i
        found = crossings(rows, down, place)
        if found < fewest:
            best, fewest, idle = [list(r) for r in rows], found, 0
        else:
            idle += 1
    return swapped(best, up, down) if sum(map(len, best)) <= 4000 else best


def crossings(rows: Sequence[Sequence[int]], down: Sequence[Sequence[int]], place: Sequence[float]) -> int:
    """How many pairs of links cross: inversions, counted with a tree of sums."""
    total = 0
    for k, row in enumerate(rows[:-1]):
        size = len(rows[k + 1]) + 1
        tree = [0] * (size + 1)
        passed = 0
        for v in row:
            ends = [int(place[w]) for w in down[v]]
            for end in ends:
                i, below = end + 1, 0
                while i:
                    below += tree[i]
                    i &= i - 1
                total += passed - below
            for end in ends:
                i = end + 1
                while i <= size:
                    tree[i] += 1
                    i += i & -i
            passed += len(ends)
    return total


def swapped(rows: list[list[int]], up: Sequence[Sequence[int]], down: Sequence[Sequence[int]]) -> list[list[int]]:
    """Neighbours exchanged wherever that saves crossings, until it does no more."""
    place = {v: i for row in rows for i, v in enumerate(row)}
    for _ in range(4):
        better = False
        for row in rows:
            for i in range(len(row) - 1):
                a, b = row[i], row[i + 1]
                now = then = 0
                for side in (up, down):
                    for p in side[a]:
                        for q in side[b]:
                            now += place[p] > place[q]
                            then += place[q] > place[p]
                if then < now:
                    row[i], row[i + 1] = b, a
                    place[a], place[b] = i + 1, i
                    better = True
        if not better:
            break
    return rows


def coordinates(
    rows: Sequence[Sequence[int]], links: Sequence[tuple[int, int]], widths: Sequence[float], real: int, between: float
) -> list[float]:
    """The abscissa of each box and point (``real`` is the number of boxes: what comes after are points)."""
    total = len(widths)
    up: list[list[int]] = [[] for _ in range(total)]
    down: list[list[int]] = [[] for _ in range(total)]
    for a, b in links:
        down[a].append(b)
        up[b].append(a)
    place = [0] * total
    for row in rows:
        for i, v in enumerate(row):
            place[v] = i
    crossed, side = inner_first(rows, up, place, real), side_links(rows, up)
    gap: Callable[[int, int], float] = lambda a, b: (
        (widths[a] + widths[b]) / 2 + (between if a < real and b < real else between * 0.6)
    )
    tries = []
    for neighbours, layers in ((up, list(rows)), (down, list(reversed(rows)))):
        for flip in (False, True):
            seen = [list(reversed(row)) for row in layers] if flip else [list(row) for row in layers]
            where = {v: i for row in seen for i, v in enumerate(row)}
            root = aligned(seen, neighbours, where, crossed, side)
            xs = compacted(seen, root, gap, total)
            tries.append([-x for x in xs] if flip else xs)
    spans = [(max(x[v] + widths[v] / 2 for v in range(total)), min(x[v] - widths[v] / 2 for v in range(total)))
             for x in tries] if total else []  # fmt: skip
    if not spans:
        return []
    narrow = min(range(4), key=lambda i: spans[i][0] - spans[i][1])
    for i, x in enumerate(tries):
        shift = spans[narrow][0] - spans[i][0] if i % 2 else spans[narrow][1] - spans[i][1]
        tries[i] = [v + shift for v in x]
    made = []
    for v in range(total):
        four = sorted(t[v] for t in tries)
        made.append((four[1] + four[2]) / 2)
    return made


def side_links(rows: Sequence[Sequence[int]], up: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """Links from what has little above it to a box that also hangs on a long chain: the chain is to be straight."""
    depth: dict[int, int] = {}
    side = set()
    for row in rows:
        for v in row:
            above = [depth[u] for u in up[v]]
            most = max(above, default=-1)
            depth[v] = most + 1
            side |= {(u, v) for u, d in zip(up[v], above, strict=True) if d * 2 < most}
    return side


def inner_first(
    rows: Sequence[Sequence[int]], up: Sequence[Sequence[int]], place: Sequence[int], real: int
) -> set[tuple[int, int]]:
    """Links that cross the inside of a long edge: these give way, so that long edges are straight."""
    crossed = set()
    for above, row in zip(rows, rows[1:], strict=False):
        inner = [(i, place[u]) for i, v in enumerate(row) if v >= real for u in up[v] if u >= real]
        low, scan = 0, 0
        for stop, high in [*inner, (len(row) - 1, len(above))]:
            while scan <= stop:
                v = row[scan]
                for u in up[v]:
                    if not (v >= real and u >= real) and not low <= place[u] <= high:
                        crossed.add((u, v))
                scan += 1
            low = high
    return crossed


def aligned(
    rows: Sequence[Sequence[int]],
    neighbours: Sequence[Sequence[int]],
    place: dict[int, int],
    crossed: set[tuple[int, int]],
    side: set[tuple[int, int]],
) -> dict[int, int]:
    """Blocks of what stands in one line: the first of each, by member."""
    root = {v: v for v in place}
    taken: set[int] = set()
    for row in rows:
        last = -1
        for v in row:
            near = sorted(
                [u for u in neighbours[v] if (u, v) not in side and (v, u) not in side], key=place.__getitem__
            )
            if not near:
                continue
            middle = (len(near) - 1) / 2
            for i in range(int(middle), int(middle + 0.5) + 1):
                u = near[i]
                if (
                    root[v] == v
                    and u not in taken
                    and last < place[u]
                    and (u, v) not in crossed
                    and (v, u) not in crossed
                ):
                    root[v] = root[u]
                    taken.add(u)
                    last = place[u]
    return root


def compacted(
    rows: Sequence[Sequence[int]], root: dict[int, int], gap: Callable[[int, int], float], total: int
) -> list[float]:
    """Blocks pushed together, then apart again where that shortens edges: longest paths over the graph of blocks."""
    after: dict[int, dict[int, float]] = {r: {} for r in set(root.values())}
    before: dict[int, int] = dict.fromkeys(after, 0)
    for row in rows:
        for a, b in zip(row, row[1:], strict=False):
            ra, rb = root[a], root[b]
            if rb not in after[ra]:
                before[rb] += 1
            after[ra][rb] = max(after[ra].get(rb, 0.0), gap(a, b))
    x = dict.fromkeys(after, 0.0)
    ready = [r for r, n in before.items() if n == 0]
    order = []
    while ready:
        r = ready.pop()
        order.append(r)
        for s, d in after[r].items():
            x[s] = max(x[s], x[r] + d)
            before[s] -= 1
            if not before[s]:
                ready.append(s)
    for r in reversed(order):
        room = min([x[s] - d for s, d in after[r].items()], default=None)
        if room is not None and room > x[r]:
            x[r] = room
    found = [0.0] * total
    for v, r in root.items():
        found[v] = x[r]
    return found
