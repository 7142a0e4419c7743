"""Pictures of graphs: what they show, what they escape, how they fold, that they never pretend, and how fast."""

import json
import runpy
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight._see.layout import crossings, layered, ordered
from rushlight._see.scene import columns
from rushlight._see.svg import placed


def textbook():
    x = torch.tensor(3.0)
    w = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    y = w * x + b
    L = y**2
    return x, w, b, y, L


def test_the_textbook_example_is_all_there() -> None:
    x, w, b, y, L = textbook()
    picture = torch.draw(L)
    boxes = {box.name or box.title: box for box in picture.scene.boxes}
    assert {"w", "x", "b", "y", "L"} <= set(boxes)
    assert boxes["w"].gradient == "∂L/∂w = 42" and boxes["b"].gradient == "∂L/∂b = 14"
    assert boxes["y"].lines == ["y = 7"] and boxes["x"].lines == ["= 3"]
    assert "∂L/∂y = 14" in picture.svg and "w * x = 6" in picture.svg
    assert w.grad is None and b.grad is None
    ElementTree.fromstring(picture.svg)
    L.backward()  # the graph is still whole
    assert w.grad.item() == 42


def test_forward_edges_are_solid_and_backward_ones_dashed() -> None:
    *_, L = textbook()
    picture = torch.draw(L)
    assert picture.svg.count('<path class="f"') == len(picture.scene.arrows) + 1  # and the legend's
    backward = sum(a.backward for a in picture.scene.arrows)
    assert picture.svg.count('<path class="r"') == backward + 1
    assert "stroke-dasharray" in picture.svg


def test_backward_that_has_not_run_is_shown_so() -> None:
    x, w, b, y, L = textbook()
    before = {box.name: box.gradient for box in torch.draw(L, gradients=False).scene.boxes}
    assert before["w"] == "backward not run" and "= 0" not in torch.draw(L, gradients=False).svg
    L.backward()
    after = torch.draw(L)
    shown = {box.name: box.gradient for box in after.scene.boxes}
    assert shown["w"] == ".grad = 42" and shown["y"] == ""
    assert any("freed" in note for note in after.scene.notes)


def test_hooks_do_not_run_and_that_is_said() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    calls = []
    w.register_hook(calls.append)
    picture = torch.draw(w * 3)
    assert not calls and any("hooks of 1 node" in n for n in picture.scene.notes)


def test_values_that_are_not_kept_are_not_invented() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = (x + torch.tensor([5.0, 6.0])).sum()
    assert "value not kept" in torch.draw(y).svg


def test_a_number_in_the_programs_text_is_known() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.sin(x) + 0.1
    assert [b.title for b in torch.draw(y.sum()).scene.boxes if b.kind == "constant"] == ["0.1"]


def test_a_value_overwritten_since_is_not_used() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    y = w + 1.0
    z = y + 2.0
    del y
    with torch.no_grad():
        w.add_(100)
    picture = torch.draw(z)
    assert "103" not in picture.svg


def test_names_of_parameters_and_variables() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    out = model(torch.ones(1, 2)).sum()
    names = [box.name for box in torch.draw(out).scene.boxes]
    assert "model.0.weight" in names and "model.0.bias" in names and "out" in names


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "]]>&amp;",
        "a\\b{c}|d",
        "a\nb\u2028c",
        "\x00\ud800",
    ],
)
def test_text_from_users_is_escaped(evil: str, tmp_path) -> None:
    w = torch.tensor(2.0, requires_grad=True)
    loss = w * w
    picture = torch.draw(loss, {evil: w}, title=evil)
    root = ElementTree.fromstring(picture.svg)
    assert not any("script" in e.tag or "img" in e.tag for e in root.iter())
    page = picture.html
    assert "<script>alert" not in page and "<img src=x" not in page
    trace = torch.trace_html(loss, tmp_path / "t.html", {evil: w}, title=evil).read_text()
    assert "<script>alert" not in trace and "<img src=x" not in trace
    json.loads(picture.json)
    assert "\n" not in picture.scene.title and len(picture.dot.encode()) and len(picture.mermaid.encode())
    assert "<img" not in torch.explain(loss, w, {evil: w}).html


def test_every_form_and_save(tmp_path) -> None:
    *_, L = textbook()
    picture = torch.draw(L)
    for name in ("p.svg", "p.html", "p.txt", "p.dot", "p.mmd", "p.json"):
        assert picture.save(tmp_path / name).stat().st_size > 100
    with pytest.raises(ValueError, match="must end in"):
        picture.save(tmp_path / "p.png")
    assert picture._repr_svg_().startswith("<svg") and "<svg" in picture._repr_html_()
    assert picture.dot.startswith("digraph") and "style=dashed" in picture.dot
    assert picture.mermaid.startswith("flowchart") and "-.->" in picture.mermaid
    data = json.loads(picture.json)
    assert {b["kind"] for b in data["boxes"]} == {"op", "leaf", "constant"}
    assert "∂L/∂w = 42" in picture.text and "▼" in picture.text
    assert str(picture) == picture.text


def test_wrong_arguments() -> None:
    with pytest.raises(RuntimeError, match="requires grad"):
        torch.draw(torch.ones(2))
    with pytest.raises(TypeError, match="not float"):
        torch.draw(3.0)
    w = torch.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="fold must be"):
        torch.draw(w * 2, fold="x")
    with pytest.raises(ValueError, match="direction must be"):
        torch.draw(w * 2, direction="up")
    with pytest.raises(ValueError, match="max_nodes must be"):
        torch.draw(w * 2, max_nodes=0)
    with pytest.raises(TypeError, match="names must be a dict"):
        torch.draw(w * 2, [w])
    with pytest.raises(TypeError, match="names must be strings"):
        torch.draw(w * 2, {3: w})
    with pytest.raises(RuntimeError, match="shape"):
        torch.draw(w * 2, gradient=torch.ones(3))
    with pytest.raises(RuntimeError, match="transform"):
        torch.func.grad(lambda x: torch.draw(x * x))(torch.tensor(1.0))
    layer = nn.Linear(1, 1)
    assert "weight" in [b.name for b in torch.draw(layer(torch.ones(1, 1)), layer).scene.boxes]


def test_a_loss_that_is_no_scalar() -> None:
    w = torch.ones(3, requires_grad=True)
    assert any("no gradient" in n for n in torch.draw(w * 2).scene.notes)
    picture = torch.draw(w * 2, gradient=torch.ones(3))
    assert "[2, 2, 2]" in picture.svg


def test_several_roots_outputs_and_a_leaf_alone() -> None:
    w = torch.tensor([3.0, 1.0], requires_grad=True)
    a, b = w.unbind(0)
    assert "2 outputs" in torch.draw([a, b]).svg
    assert "w" in torch.draw(w.sum()).svg
    leaf = torch.tensor(1.0, requires_grad=True)
    assert len(torch.draw(leaf).scene.boxes) == 1


def test_a_custom_function() -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    w = torch.tensor(2.0, requires_grad=True)
    assert "∂out/∂w = 4" in torch.draw(Double.apply(w) * 2, {"w": w}).svg.replace("∂L/∂w", "∂out/∂w")


def recurrent(steps: int):
    W = torch.eye(3).requires_grad_()
    h = torch.ones(3)
    for _ in range(steps):
        h = torch.tanh(W @ h)
    return h.sum()


def test_loops_fold() -> None:
    picture = torch.draw(recurrent(200))
    assert len(picture.scene.boxes) < 40
    assert any("more rounds" in b.title for b in picture.scene.boxes)
    everything = sum(len(b.nodes) for b in picture.scene.boxes if b.kind in ("op", "fold"))
    assert everything == sum(
        len(b.nodes) for b in torch.draw(recurrent(200), max_nodes=None).scene.boxes if b.kind == "op"
    )


@pytest.mark.parametrize("fold", ["auto", "loop", "module", "function"])
def test_folded_pictures_have_no_cycles_and_stay_small(fold: str) -> None:
    model = nn.Sequential(*[m for _ in range(30) for m in (nn.Linear(4, 4), nn.ReLU())])
    loss = model(torch.randn(2, 4)).sum()
    scene = torch.draw(loss, max_nodes=20, fold=fold).scene
    assert sum(b.kind in ("op", "fold") for b in scene.boxes) <= 22
    order = {i: k for k, i in enumerate(range(len(scene.boxes)))}
    inner = [(a.tail, a.head) for a in scene.arrows if scene.boxes[a.tail].kind in ("op", "fold")]
    assert all(order[a] < order[b] for a, b in inner)


def test_layout_places_boxes_apart_and_edges_downwards() -> None:
    rng = np.random.default_rng(0)
    edges = sorted({(int(a), int(b)) for a, b in rng.integers(0, 40, (80, 2)) if a < b})
    sizes = [(float(w), 30.0) for w in rng.integers(20, 90, 40)]
    laid = layered(sizes, edges)
    assert all(laid.centres[a][1] < laid.centres[b][1] for a, b in edges)
    for i in range(40):
        for j in range(i):
            (x, y), (u, v) = laid.centres[i], laid.centres[j]
            assert abs(y - v) > 1 or abs(x - u) >= (sizes[i][0] + sizes[j][0]) / 2 - 1e-6


def test_sweeps_remove_crossings() -> None:
    links = [(i, 5 + (4 - i)) for i in range(5)]
    rows = ordered([0] * 5 + [1] * 5, links)
    place = [0.0] * 10
    for row in rows:
        for i, v in enumerate(row):
            place[v] = i
    down = [[b for a, b in links if a == v] for v in range(10)]
    assert crossings(rows, down, place) == 0


def chain(n: int):
    h = torch.ones(2, requires_grad=True)
    for _ in range(n // 2):
        h = torch.sin(h) * 0.5
    return h.sum()


def test_a_thousand_nodes_within_a_second() -> None:
    loss = chain(1000)
    started = time.perf_counter()
    assert "<svg" in torch.draw(loss).svg
    assert time.perf_counter() - started < 3  # under 1 s on an idle machine


def test_deep_graphs_do_not_recurse() -> None:
    loss = chain(120_000)
    scene = torch.draw(loss).scene
    assert len(scene.boxes) < 60 and any("not computed" in n for n in scene.notes)


def test_make_dot_is_torchvizs() -> None:
    model = nn.Linear(2, 1)
    dot = torch.make_dot(
        model(torch.ones(1, 2)).sum(), dict(model.named_parameters()), show_attrs=True, show_saved=True
    )
    assert dot.source.startswith("digraph") and "weight" in dot.source and "SumBackward0" in dot.source
    assert dot.svg.startswith("<svg")
    with pytest.raises(RuntimeError, match="no graph"):
        torch.make_dot(torch.ones(2))


def test_nothing_loads_with_rushlight() -> None:
    code = "import rushlight, sys; print([m for m in sys.modules if 'rushlight._see' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("command, output", [("graph", "g.svg"), ("trace", "t.html")])
def test_command_line(command: str, output: str, tmp_path) -> None:
    script = tmp_path / "s.py"
    script.write_text("import torch\nw = torch.tensor(2.0, requires_grad=True)\nloss = (w * 3) ** 2\nn = 3\n")
    run = lambda target: subprocess.run(
        [sys.executable, "-m", "rushlight", command, target, "-o", str(tmp_path / output)],
        capture_output=True,
        text=True,
    )
    done = run(f"{script}:loss")
    assert done.returncode == 0 and "36" in (tmp_path / output).read_text(), done.stderr
    assert not run(f"{script}:loss").stderr
    for wrong in ("nothing", f"{script}:n", f"{script}:missing", "absent.py:loss"):
        failed = run(wrong)
        assert failed.returncode == 1 and failed.stderr.startswith(f"rushlight {command}: ")


def test_reports_have_html_forms() -> None:
    w = torch.ones(3, requires_grad=True)
    kept = torch.sin(w * 2).sum()
    page = torch.memory_report(kept)._repr_html_()
    ElementTree.fromstring(f"<div>{page}</div>")
    assert "sin" in page
    reason = torch.why_no_grad(torch.tensor([1, 2]))
    assert reason._repr_html_().startswith("<p><strong>its dtype is torch.int64</strong>: only")
    page = torch.conventions("ties")._repr_html_()
    assert page.startswith("<table>") and "torch.max(x)" in page
    ElementTree.fromstring(page)


def test_the_main_line_of_a_network_is_straight() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    scene = torch.draw(F.cross_entropy(model(torch.randn(5, 4)), torch.tensor([0, 1, 2, 0, 1]))).scene
    _, laid = placed(scene, False)
    line = {round(laid.centres[i][0]) for i, b in enumerate(scene.boxes) if b.title in ("addmm", "relu", "tanh")}
    assert len(line) == 1


def test_labels_cover_no_box_and_stay_inside() -> None:
    a = torch.tensor(0.5, requires_grad=True)
    s = torch.sin(a) * a + torch.exp(a) * 2 + a / 3
    for direction in ("right", "down"):
        root = ElementTree.fromstring(torch.draw(s, direction=direction).svg)
        space = "{http://www.w3.org/2000/svg}"
        boxes = [e.attrib for e in root.iter(space + "rect") if e.get("class") == "b"]
        labels = [e for e in root.iter(space + "text") if e.get("class") == "l"]
        assert len(labels) >= 5
        for e in labels:
            x, y, wide = float(e.get("x")), float(e.get("y")), len(e.text) * 6.7
            assert 0 <= x and x + wide <= float(root.get("width"))
            for b in boxes:
                left, top = float(b["x"]), float(b["y"])
                beside = x + wide < left or x > left + float(b["width"])
                assert beside or y < top or y - 10 > top + float(b["height"]), (e.text, b)


def test_contributions_and_expressions_are_written_on_arrows() -> None:
    a = torch.tensor(0.5, requires_grad=True)
    b = a * a
    s = b + a
    shown = torch.draw(s).svg
    assert "∂b/∂a = 0.5, gives 0.5" in shown and "∂s/∂a = 1, gives 1" in shown
    w, x = torch.ones(3, requires_grad=True), torch.ones(3)
    y = (w * x).exp().sum()
    assert "∂(w*x)/∂w = 1" in torch.draw(y).svg


def test_operations_bear_the_names_that_users_know() -> None:
    x = torch.ones(2, 2, requires_grad=True)
    y = torch.where(x > 0, x, 2.0)[0] + torch.stack([x, x]).unbind(0)[0].T.softmax(1)[:, 0] + x.masked_fill(x < 0, 1)[1]
    titles = {b.title.split()[-1] for b in torch.draw(y.sum(), max_nodes=None).scene.boxes if b.kind == "op"}
    assert {"where", "select", "stack", "unbind", "softmax", "masked_fill", "add", "sum"} <= titles
    assert not any(t.endswith(("_of", "_at", "_key", "_along")) for t in titles)


class Blocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)) for _ in range(6)])

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x


def test_folding_by_module_makes_a_box_a_module() -> None:
    model = Blocks()
    out = model(torch.randn(2, 4)).sum()
    titles = [b.title for b in torch.draw(out, fold="module", max_nodes=8).scene.boxes]
    assert [f"model.blocks.{i}" in titles for i in range(6)] == [True] * 6
    auto = torch.draw(out, max_nodes=10).scene.boxes
    assert any("5 more rounds" == b.title for b in auto) and any(b.title == "relu" for b in auto)


def test_the_pictures_of_the_gallery_are_current() -> None:
    folder = Path(__file__).parents[1] / "docs" / "pictures"
    made = runpy.run_path(str(folder / "draw.py"))
    for name in ("textbook", "mlp", "conv", "transformer"):
        torch.manual_seed(0)
        titles = [
            [e.text for e in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}title")]
            for text in ((folder / f"{name}.svg").read_text(encoding="utf-8"), made[name]().svg)
        ]
        assert titles[0] == titles[1], f"run docs/pictures/draw.py: {name}.svg is stale"


def test_wide_characters_stay_in_their_boxes() -> None:
    重み = torch.tensor(2.0, requires_grad=True)
    損失 = (重み * 3) ** 2
    shown = torch.draw(損失).text.splitlines()
    assert columns(shown[0].partition("╮")[0]) == columns(shown[1][: shown[1].index("│", 1)])
    assert "│       重み       │" in shown[1]
