"""The page that plays a graph, in a real browser: it loads from a file, steps, shows the right numbers, logs no error."""

import json
import os
import shutil
import subprocess
from pathlib import Path

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
DRIVER = """
<script>
window.seen=[];window.onerror=m=>seen.push('ERROR '+m);
const key=k=>document.dispatchEvent(new KeyboardEvent('keydown',{key:k,bubbles:true}));
const now=()=>({step:+document.body.dataset.step,phase:document.body.dataset.phase,
 title:document.getElementById('title').textContent,rule:document.getElementById('rule').textContent,
 line:(document.querySelector('#source .now')||{}).textContent||'',
 grads:[...document.querySelectorAll('.pic:not([hidden]) .g')].filter(e=>!e.classList.contains('unseen')).map(e=>e.textContent)});
addEventListener('load',()=>{KEYS.forEach(k=>{key(k);seen.push(now())});
const t=document.createElement('pre');t.id='seen';t.textContent=JSON.stringify(seen);document.body.append(t)});
</script></html>"""


def driven(page: Path, keys: list[str]) -> list[dict]:
    """What the page shows after each key, in Chromium; fails if the page logged an error."""
    text = page.read_text(encoding="utf-8")
    text = text.replace("</html>", DRIVER.replace("KEYS", json.dumps(keys)))
    copy = page.with_name("driven.html")
    copy.write_text(text, encoding="utf-8")
    profile = page.parent / "profile"
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(page.parent)},
    )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not errors, errors
    _, mark, rest = done.stdout.partition('<pre id="seen">')
    if not mark:
        pytest.skip(f"Chromium does not run here: {done.stderr[-300:]}")
    import html

    return json.loads(html.unescape(rest.partition("</pre>")[0]))


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
