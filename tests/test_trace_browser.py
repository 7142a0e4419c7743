"""The page that plays a graph, in a real browser: it loads from a file, steps, shows the right numbers, logs no error."""

import html
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=4000",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")

# drives the page with real key events, and leaves what it saw in the title for --dump-dom to print
DRIVER = r"""
<script>
window.seen=[];window.onerror=m=>seen.push('ERROR '+m);
const key=k=>document.dispatchEvent(new KeyboardEvent('keydown',{key:k,bubbles:true}));
const field=document.getElementById('view');
const touch=(t,id,x,y)=>field.dispatchEvent(new PointerEvent(t,{pointerId:id,clientX:x,clientY:y,bubbles:true,pointerType:'touch'}));
const where=()=>document.querySelector('.pic:not([hidden]) svg').style.transform.match(/-?[\d.]+/g).map(Number);
const deed={pan(){touch('pointerdown',1,100,100);touch('pointermove',1,150,130);touch('pointerup',1,150,130)},
 pinch(){touch('pointerdown',1,100,200);touch('pointerdown',2,200,200);touch('pointermove',2,300,200);touch('pointerup',1,100,200);
 touch('pointerup',2,300,200)},
 wheel(){field.dispatchEvent(new WheelEvent('wheel',{deltaY:-300,clientX:50,clientY:90,bubbles:true,cancelable:true}))},
 fit(){document.getElementById('fit').click()},tap(){document.getElementById('next').click()},
 find(){const f=document.getElementById('find');f.value='pow';f.dispatchEvent(new Event('input'))},
 box(){touch('pointerdown',1,5,5);touch('pointerup',1,5,5);document.querySelector('.pic:not([hidden]) g.op').dispatchEvent(new MouseEvent('click',{bubbles:true}))},
 play(){document.getElementById('play').click()}};
const now=()=>({at:where(),faint:[...document.querySelectorAll('.pic:not([hidden]) g.other')].map(e=>e.id),
 labels:[...document.querySelectorAll('.pic:not([hidden]) .l')].filter(e=>!e.classList.contains('unseen')).map(e=>e.textContent),
 playing:document.getElementById('play').textContent,step:+document.body.dataset.step,phase:document.body.dataset.phase,
 title:document.getElementById('title').textContent,rule:document.getElementById('rule').textContent,
 line:(document.querySelector('#source .now')||{}).textContent||'',
 grads:[...document.querySelectorAll('.pic:not([hidden]) .g')].filter(e=>!e.classList.contains('unseen')).map(e=>e.textContent)});
addEventListener('load',()=>{KEYS.forEach(k=>{deed[k]?deed[k]():key(k);seen.push(now())});
const t=document.createElement('pre');t.id='seen';t.textContent=JSON.stringify(seen);document.body.append(t)});
</script></html>"""


def driven(page: Path, keys: list[str]) -> list[dict]:
    """What the page shows after each key, in Chromium; fails if the page logged an error."""
    text = page.read_text(encoding="utf-8")
    text = text.replace("</html>", DRIVER.replace("KEYS", json.dumps(keys)))
    copy = page.with_name("driven.html")
    copy.write_text(text, encoding="utf-8")
    for attempt in range(2):  # a browser may be slow to start on a busy machine
        done = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={page.parent / f'profile{attempt}'}", "--dump-dom", copy.as_uri()],
            capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(page.parent)},
        )  # fmt: skip
        errors = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert not errors, errors
        _, mark, rest = done.stdout.partition('<pre id="seen">')
        if mark:
            return json.loads(html.unescape(rest.partition("</pre>")[0]))
    raise AssertionError(f"Chromium shows nothing: {done.stderr[-300:]}")


def test_stepping_through_the_textbook_example(tmp_path: Path) -> None:
    x = torch.tensor(3.0)
    w = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    y = w * x + b
    L = y**2
    page = torch.trace_html(L, tmp_path / "trace.html", {"x": x, "b": b})
    seen = driven(page, ["ArrowRight"] * 6 + ["ArrowLeft", "Home", "End"])
    assert not any(isinstance(s, str) for s in seen), seen
    assert [s["step"] for s in seen] == [1, 2, 3, 4, 5, 6, 5, 0, 6]
    assert [s["phase"] for s in seen[:6]] == ["forward"] * 3 + ["backward"] * 3
    assert "w * x" in seen[0]["rule"] and "= 6" in seen[0]["rule"]
    assert "y = w * x + b" in seen[1]["line"]
    assert "L = y**2" in seen[3]["line"] and "∂L/∂y = 1 · 14 = 14" in seen[3]["rule"]
    assert seen[2]["grads"] == []
    assert "= 14 · 3 = 42" in seen[5]["rule"] and "∂L/∂w = 42" in seen[5]["grads"]
    assert "∂L/∂w = 42" not in seen[4]["grads"]


def test_touch_pan_zoom_search_and_play(tmp_path: Path) -> None:
    w, b = torch.tensor(2.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    L = (w * 3 + b) ** 2
    page = torch.trace_html(L, tmp_path / "trace.html", {"w": w, "b": b, "L": L})
    deeds = ["fit", "pan", "pinch", "wheel", "fit", "find", "tap", "box", "End", "Home", "play", "d", "+"]
    seen = dict(zip(deeds, driven(page, deeds), strict=True))
    start, panned = driven(page, ["fit", "pan"])
    assert np.allclose(np.subtract(panned["at"], start["at"]), [50, 30, 0])
    assert np.isclose(seen["pinch"]["at"][2], 2 * seen["pan"]["at"][2])
    assert seen["wheel"]["at"][2] > seen["pinch"]["at"][2] and seen["fit"]["at"] == start["at"]
    assert len(seen["find"]["faint"]) == 5  # all but the power
    assert seen["tap"]["step"] == 1 and seen["box"]["step"] > 1
    assert "∂L/∂(w*3+b)" in " ".join(seen["End"]["labels"]) and seen["Home"]["labels"] == []
    assert seen["play"]["playing"] == "pause"
    assert np.isclose(seen["d"]["at"][0], seen["play"]["at"][0] - 60) and seen["+"]["at"][2] > seen["d"]["at"][2]


def test_folding_and_hostile_names(tmp_path: Path) -> None:
    evil = "</script><script>window.hacked=1;seen.push('ERROR hacked')</script>"
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    h = w
    for _ in range(30):
        h = torch.sin(h) * 0.5 + w
    page = torch.trace_html(h.sum(), tmp_path / "trace.html", {evil: w}, title=evil)
    seen = driven(page, ["End", "f", "Home", "ArrowRight"])
    assert not any(isinstance(s, str) for s in seen), seen
    assert seen[0]["step"] > seen[1]["step"] and seen[3]["step"] == 1


def test_the_page_of_a_picture(tmp_path: Path) -> None:
    w = torch.tensor(2.0, requires_grad=True)
    page = torch.draw((w * 3) ** 2).save(tmp_path / "picture.html")
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert "∂L/∂w = 36" in done.stdout or "= 36" in done.stdout
