"""``trace_html``: one page, without a network, that plays a graph forward and then backward, operation by operation.

Beside the picture stand the chain rule of the step, with its numbers, and the source with the step's line marked.
All text of the user's goes into the page escaped, or as JSON that cannot close its script.
"""

from __future__ import annotations

import json
import linecache
import re
from collections import Counter
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from .._core.graph import Leaf, Node
from .._core.tensor import Tensor
from . import names as naming
from .draw import MANY, known_of, without_collection
from .html import VIEWER
from .picture import Known, edges_of, inner
from .scene import Scene, array_text, measure, op_word, spoken, staged
from .svg import svg


def trace_html(
    loss: Tensor, path: Any = "trace.html", names: Mapping[str, Any] | None = None, *, gradient: Tensor | None = None,
    max_nodes: int = 120, title: str = "",
) -> Path:  # fmt: skip
    """Write a page that steps through the graph of ``loss``, forward and then backward, and return its path.

    The page opens from a file, without a network: space plays, arrow keys step, Home and End jump, / searches, f folds;
    the picture pans and zooms with mouse, wheel, fingers and the keys w a s d + - 0. Graphs of more than ``max_nodes``
    operations are folded. Gradients come from a pass of its own that touches no ``.grad``. Raises RuntimeError for a
    loss without a graph, or one whose saved values backward has freed.

    >>> import rushlight as torch, tempfile, os
    >>> w = torch.tensor(2.0, requires_grad=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.trace_html((w * 3) ** 2, os.path.join(folder, "trace.html")).name
    'trace.html'
    """
    with without_collection():
        known = known_of(loss, names, gradient, True, "trace_html", naming.caller())
        if known.freed or known.gradients is None:
            advice = "; call it before backward" if known.freed else ""
            raise RuntimeError(f"trace_html(): no gradients to play: {known.why_no_gradients}{advice}")
        if len(known.nodes) > MANY:
            raise RuntimeError(f"trace_html(): {len(known.nodes):,} operations are too many for a page; use rl.draw")
        scenes = [staged(known, max_nodes, "auto", title)]
        coarse = staged(known, max(len(scenes[0].boxes) // 4, 4), "auto", title)
        if len(coarse.boxes) < len(scenes[0].boxes):
            scenes.append(coarse)
        views = [view(known, s) for s in scenes]
    target = Path(path)
    target.write_text(page(views, naming.clean(title) or "How the gradient is computed"), encoding="utf-8")
    return target


def view(known: Known, scene: Scene) -> dict[str, Any]:
    """A picture and its steps."""
    home = {n: i for i, b in enumerate(scene.boxes) for n in b.nodes if b.copy_of is None}
    ops = [i for i, b in enumerate(scene.boxes) if b.kind in ("op", "fold")]
    into: dict[int, list[int]] = {}
    for j, a in enumerate(scene.arrows):
        into.setdefault(a.head, []).append(j)
    free = [i for i in range(len(scene.boxes)) if i not in set(ops)]
    steps: list[dict[str, Any]] = [
        {"phase": "start", "title": "Tensors and constants", "rule": ["What the computation starts from."],
         "boxes": [], "edges": [], "v": free, "g": [], "line": None}
    ]  # fmt: skip
    for i in ops:
        steps.append(forward_step(scene, i, into.get(i, [])))
    ends = [i for i in ops if scene.boxes[i].root] or ops[-1:]
    left: Counter[int] = Counter(a.tail for a in scene.arrows)
    for i in reversed(ops):
        edges = into.get(i, [])
        done = []
        for j in edges:
            tail = scene.arrows[j].tail
            left[tail] -= 1
            if not left[tail] and scene.boxes[tail].kind not in ("op", "fold"):
                done.append(tail)
        steps.append(backward_step(known, scene, i, edges, done, i in ends))
    return {"svg": svg(scene, "auto", steps=True).text, "steps": steps, "arrows": [[a.tail, a.head] for a in scene.arrows],
            "home": len(home)}  # fmt: skip


def where(scene: Scene, i: int) -> list[Any] | None:
    site = scene.boxes[i].site
    return [site.file, site.line] if site is not None else None


def forward_step(scene: Scene, i: int, edges: list[int]) -> dict[str, Any]:
    box = scene.boxes[i]
    given = [scene.boxes[scene.arrows[j].tail] for j in edges]
    said = ", ".join(
        f"{b.name or b.expression[:24] or b.title}{' = ' + array_text(b.value) if array_text(b.value) else ''}"
        for b in given[:8]
    )
    rule = [box.expression] if box.expression and box.kind == "op" else []
    rule += [f"from {said}"] if said else []
    rule += [s for s in box.lines if s]
    return {"phase": "forward", "title": f"forward: {box.title}", "rule": rule, "boxes": [i], "edges": edges, "v": [i],
            "g": [], "line": where(scene, i)}  # fmt: skip


def backward_step(known: Known, scene: Scene, i: int, edges: list[int], done: list[int], first: bool) -> dict[str, Any]:
    box = scene.boxes[i]
    rule = []
    symbol = scene.symbol
    if first:
        rule.append(f"∂{symbol}/∂{symbol} = {value(box.grad)}: backward starts here")
    if len(box.nodes) == 1:
        rule += chain_lines(known, box.nodes[0], symbol)
    else:
        rule.append(f"the gradient goes back through {len(box.nodes):,} operations")
        names = [
            scene.boxes[t].name or scene.boxes[t].title for t in dict.fromkeys(scene.arrows[j].tail for j in edges)
        ]
        rule.append("to " + ", ".join(names[:8]) if names else "")
    edges = [j for j in edges if scene.arrows[j].backward]
    return {"phase": "backward", "title": f"backward: {box.title}", "rule": [r for r in rule if r], "boxes": [i],
            "edges": edges, "v": [], "g": [i, *done], "line": where(scene, i)}  # fmt: skip


def value(array: Any) -> str:
    return "?" if array is None else array_text(array) or f"[norm {measure(array)}]"


def chain_lines(known: Known, node: Node, symbol: str) -> list[str]:
    """The chain rule of one operation, a line an input: in symbols, then with numbers."""
    assert known.gradients is not None
    name: Callable[..., Any] = lambda n: spoken(known, n) or (op_word(n) if type(n) is not Leaf else "tensor")
    above = name(node)
    g = known.gradient(node)
    shape = known.shape(node)
    lines = []
    for position, edge in enumerate(edges_of(node)):
        if edge.parent is None or (node, position) not in known.gradients.along:
            continue
        below = name(edge.parent)
        h = inner(known.gradients.along[node, position])
        if node in known.root_nodes:
            head = f"∂{symbol}/∂{below}"
            product = f"∂{above}/∂{below}"
        else:
            head = f"∂{symbol}/∂{below}"
            product = f"∂{symbol}/∂{above} · ∂{above}/∂{below}"
        slope = None
        if shape is not None and g is not None and g.size <= 16:
            slope = array_text(known.slope(node, position, shape, g.dtype))
        gs = array_text(g)
        bracket: Callable[..., Any] = lambda t: f"({t})" if t.startswith("-") else t
        numbers = f" = {bracket(gs)} · {bracket(slope)}" if slope and gs else ""
        same = f"{head} = {product}" if head != product else head
        lines.append(f"{same}{numbers} = {value(h)}")
        total = known.gradient(edge.parent)
        if h is not None and total is not None and array_text(h) and array_text(total) != array_text(h):
            lines.append(f"  one of several ways to {below}: in all ∂{symbol}/∂{below} = {value(total)}")
    return lines


def sources(views: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The lines of the program around the steps, by file."""
    wanted: dict[str, set[int]] = {}
    for v in views:
        for step in v["steps"]:
            if step["line"]:
                wanted.setdefault(step["line"][0], set()).add(step["line"][1])
    made = {}
    keys = {file: f"{i}" for i, file in enumerate(wanted)}  # the page is shown to others: no folders of ours
    for v in views:
        for step in v["steps"]:
            if step["line"]:
                step["line"] = [keys[step["line"][0]], step["line"][1]]
    for file, numbers in wanted.items():
        shown = sorted({n for line in numbers for n in range(max(line - 4, 1), line + 5)})[:600]
        text = {n: linecache.getline(file, n).rstrip("\n") for n in shown}
        made[keys[file]] = {
            "name": Path(file).name,
            "lines": [[n, t[:200]] for n, t in text.items() if t or n in numbers],
        }
    return made


def page(views: list[dict[str, Any]], title: str) -> str:
    texts = sources(views)
    data = {"views": [{k: v[k] for k in ("steps", "arrows")} for v in views], "sources": texts}
    packed = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    pictures = "".join(
        f'<div class="pic" data-view="{i}"{" hidden" if i else ""}>{v["svg"]}</div>' for i, v in enumerate(views)
    )
    for i in range(len(views)):  # identifiers in the second picture are its own
        if i:
            head, mark, tail = pictures.rpartition(f'<div class="pic" data-view="{i}"')
            tail = re.sub(r' id="([bvgel])(?=\d)', rf' id="w{i}\1', tail)
            pictures = head + mark + tail
    made = PAGE.replace("TITLE", escape(title)).replace("/*VIEWER*/", VIEWER_OF_TWO)
    return made.replace("DATA", packed, 1).replace("PICTURES", pictures, 1)


# the viewer's `svg` and its size change when the picture does
VIEWER_OF_TWO = (
    VIEWER.replace(
        "const view=document.getElementById('view'),svg=view.querySelector('svg');",
        "const view=document.getElementById('view');let svg=view.querySelector('svg');",
    )
    .replace("const W=+svg", "let W=+svg")
    .replace("addEventListener('resize',fit);fit();", "addEventListener('resize',fit);")
)

PAGE = r"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>TITLE</title>
<style>
:root{--paper:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--panel:#f6f8fa;--forward:#0b64a0;--back:#b84a00;--mark:#fff3d1}
@media (prefers-color-scheme:dark){:root{--paper:#12161b;--ink:#e8ebee;--soft:#9aa4af;--line:#3a424c;--panel:#1a2027;
--forward:#6cb8f0;--back:#ff9a57;--mark:#3a2f10}}
*{box-sizing:border-box}
html,body{margin:0;height:100%;background:var(--paper);color:var(--ink);font:14px/1.5 system-ui,sans-serif;overflow:hidden}
body{display:grid;grid-template:auto 1fr/1fr clamp(270px,34vw,380px)}
header{grid-column:1/3;display:flex;gap:8px;align-items:center;padding:8px 12px;border-bottom:1px solid var(--line);flex-wrap:wrap}
header h1{font-size:15px;margin:0 8px 0 0}
button,input{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:6px;
padding:4px 11px;min-height:34px;min-width:38px}
input[type=range]{flex:1;min-width:120px;padding:0}input[type=search]{width:120px}
button:focus-visible,input:focus-visible{outline:2px solid var(--forward);outline-offset:1px}
#count{color:var(--soft);font-variant-numeric:tabular-nums;min-width:5.5em}
#view{position:relative;overflow:hidden;touch-action:none;cursor:grab}
#view svg{position:absolute;left:0;top:0;transform-origin:0 0}
aside{border-left:1px solid var(--line);background:var(--panel);overflow:auto;padding:14px}
aside h2{font-size:15px;margin:0 0 6px}aside h2.forward{color:var(--forward)}aside h2.backward{color:var(--back)}
#rule p,#source{font:13px/1.55 ui-monospace,Menlo,Consolas,monospace}
#rule p{margin:4px 0;overflow-wrap:anywhere}
#source{margin-top:14px;border-top:1px solid var(--line);padding-top:10px;white-space:pre;overflow:auto}
#source div{padding:0 4px}#source div.now{background:var(--mark);box-shadow:inset 3px 0 var(--back)}
#source b{color:var(--soft);font-weight:400;display:inline-block;width:3.2em;user-select:none}
#source i{color:var(--soft);font-style:normal}
.unseen{opacity:0}.later{opacity:.28}.other{opacity:.1}
[hidden]{display:none!important}
@media (max-width:760px){body{grid-template:auto 1fr 42%/1fr}header{grid-column:1;gap:5px;padding:6px 8px}header h1{display:none}
button,input{padding:3px 8px}input[type=search]{width:90px}aside{border-left:0;border-top:1px solid var(--line)}}
@media (prefers-reduced-motion:no-preference){#view text,#view g{transition:opacity .2s}}
</style>
<header><h1>TITLE</h1>
<button id="first" aria-label="to the start">|◀</button><button id="prev" aria-label="step back">◀</button>
<button id="play" aria-label="play">▶ play</button><button id="next" aria-label="step">▶</button>
<button id="last" aria-label="to the end">▶|</button>
<input id="at" type="range" min="0" value="0" aria-label="step"><span id="count"></span>
<input id="find" type="search" placeholder="search" aria-label="search"><button id="fold">fold</button>
<button id="out" aria-label="zoom out">−</button><button id="in" aria-label="zoom in">+</button><button id="fit">fit</button></header>
<div id="view">PICTURES</div>
<aside aria-live="polite"><h2 id="title"></h2><div id="rule"></div><div id="source"></div></aside>
<script id="data" type="application/json">DATA</script>
<script>
const data=JSON.parse(document.getElementById('data').textContent),$=i=>document.getElementById(i);
/*VIEWER*/
let which=0,at=0,timer=0;const pics=[...document.querySelectorAll('.pic')];
const part=(kind,i)=>document.getElementById((which?'w'+which:'')+kind+i);
const steps=()=>data.views[which].steps;
function choose(n){pics[which].hidden=true;which=n;pics[n].hidden=false;svg=pics[n].querySelector('svg');
W=+svg.getAttribute('width');H=+svg.getAttribute('height');$('at').max=steps().length-1;fit()}
function go(n,follow=true){at=Math.max(0,Math.min(n,steps().length-1));const s=steps()[at],v=new Set(),g=new Set(),b=new Set();
for(let k=0;k<=at;k++){steps()[k].v.forEach(i=>{v.add(i);b.add(i)});steps()[k].g.forEach(i=>g.add(i))}
for(let i=0;;i++){const e=part('b',i);if(!e)break;e.classList.toggle('now',s.boxes.includes(i));
e.classList.toggle('later',!b.has(i));const a=part('v',i),c=part('g',i);
if(a)a.classList.toggle('unseen',!v.has(i));if(c)c.classList.toggle('unseen',!g.has(i))}
const past=new Set();for(let k=0;k<=at;k++)if(steps()[k].phase==='backward')steps()[k].edges.forEach(j=>past.add(j));
data.views[which].arrows.forEach((a,j)=>{const e=part('e',j);if(!e)return;e.classList.toggle('now',s.edges.includes(j));
e.querySelectorAll('.f,.fa').forEach(p=>p.classList.toggle('later',!b.has(a[1])));
e.querySelectorAll('.r,.ra').forEach(p=>p.classList.toggle('unseen',!past.has(j)));
const l=part('l',j);if(l)l.classList.toggle('unseen',!past.has(j))});
$('title').textContent=s.title;$('title').className=s.phase;$('rule').replaceChildren(...s.rule.map(t=>{
const p=document.createElement('p');p.textContent=t;return p}));source(s.line);
$('at').value=at;$('count').textContent=at+' / '+(steps().length-1);
if(follow&&s.boxes.length){const e=part('b',s.boxes[0]);if(e)keepIn(e)}
document.body.dataset.step=at;document.body.dataset.phase=s.phase}
let file='';function source(line){const box=$('source');if(!line){return}const f=data.sources[line[0]];if(!f)return;
if(file!==line[0]){file=line[0];let last=0;const rows=[];const n=document.createElement('i');n.textContent=f.name;rows.push(n);
for(const[k,t]of f.lines){if(last&&k>last+1){const d=document.createElement('div');d.textContent='    …';rows.push(d)}last=k;
const d=document.createElement('div');d.dataset.line=k;const m=document.createElement('b');m.textContent=k;d.append(m,t);rows.push(d)}
box.replaceChildren(...rows)}
box.querySelectorAll('div').forEach(d=>d.classList.toggle('now',+d.dataset.line===line[1]));
const now=box.querySelector('.now');if(now)now.scrollIntoView({block:'nearest'})}
function stop(){clearInterval(timer);timer=0;$('play').textContent='▶ play'}
function play(){if(timer){stop();return}if(at>=steps().length-1)go(0);$('play').textContent='pause';
timer=setInterval(()=>{if(at>=steps().length-1)stop();else go(at+1)},1100)}
function fold(){if(data.views.length<2)return;const part=at/Math.max(1,steps().length-1);choose(1-which);go(Math.round(part*(steps().length-1)))}
$('first').onclick=()=>{stop();go(0)};$('prev').onclick=()=>{stop();go(at-1)};$('next').onclick=()=>{stop();go(at+1)};
$('last').onclick=()=>{stop();go(steps().length-1)};$('play').onclick=play;$('fold').onclick=fold;
$('at').oninput=e=>{stop();go(+e.target.value)};if(data.views.length<2)$('fold').hidden=true;
$('find').oninput=e=>{const q=e.target.value.toLowerCase();let hit=null;for(let i=0;;i++){const b=part('b',i);if(!b)break;
const yes=!q||b.textContent.toLowerCase().includes(q);b.classList.toggle('other',!yes);if(q&&yes&&!hit)hit=b}if(hit)centre(hit)};
document.addEventListener('keydown',e=>{if(e.target.type==='search'){if(e.key==='Escape')e.target.blur();return}
if(e.key===' '){e.preventDefault();play()}else if(e.key==='ArrowRight'||e.key==='ArrowDown'){e.preventDefault();stop();go(at+1)}
else if(e.key==='ArrowLeft'||e.key==='ArrowUp'){e.preventDefault();stop();go(at-1)}else if(e.key==='Home'){stop();go(0)}
else if(e.key==='End'){stop();go(steps().length-1)}else if(e.key==='/'){e.preventDefault();$('find').focus()}
else if(e.key==='f')fold();else pan(e.key)});
pics.forEach((p,n)=>p.addEventListener('click',e=>{if(moved)return;const g=e.target.closest('g[id]');if(!g)return;
const i=+g.id.replace(/^(w\d+)?b/,'');if(isNaN(i))return;const k=steps().findIndex((s,j)=>j>at&&s.boxes.includes(i));
const m=k<0?steps().findIndex(s=>s.boxes.includes(i)):k;if(m>=0){stop();go(m)}}));
choose(0);go(0,false);
</script></html>
"""
