"""A picture as a page of its own: pan, zoom, search, the edges of a box, backward on and off. No network."""

from __future__ import annotations

from html import escape

from .scene import Scene
from .svg import svg

FRAME = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>TITLE</title>
<style>
html,body{margin:0;height:100%;overflow:hidden;background:#fff;color:#1b1f24;font:14px system-ui,sans-serif}
@media (prefers-color-scheme:dark){html,body{background:#12161b;color:#e8ebee}}
#bar{position:fixed;left:10px;top:10px;display:flex;gap:6px;align-items:center;z-index:2;flex-wrap:wrap}
#bar button,#bar input{font:inherit;padding:5px 10px;border:1px solid #8c959f;border-radius:6px;
background:#f6f8fa;color:#1b1f24;min-height:32px}
@media (prefers-color-scheme:dark){#bar button,#bar input{background:#1f252c;color:#e8ebee;border-color:#66717d}}
#bar button:focus-visible,#bar input:focus-visible{outline:2px solid #0b64a0}
#view{position:absolute;inset:0;touch-action:none;cursor:grab}#view:active{cursor:grabbing}
#view svg{position:absolute;left:0;top:0;transform-origin:0 0}
</style>
<div id="view">SVG</div>
<div id="bar"><input id="find" type="search" placeholder="search" aria-label="search the picture">
<button id="in" aria-label="zoom in">+</button><button id="out" aria-label="zoom out">−</button>
<button id="fit">fit</button><button id="back" aria-pressed="true">backward</button></div>
<script>
const arrows=ARROWS;
VIEWER
const boxes=[...svg.querySelectorAll('g[id^=b]')];
function show(keep,edges){boxes.forEach((b,i)=>b.classList.toggle('hid',!!keep&&!keep.has(i)));
svg.querySelectorAll('g[id^=e]').forEach((e,i)=>e.classList.toggle('hid',!!keep&&!(edges&&edges.has(i))));
svg.querySelectorAll('.l').forEach(l=>l.classList.toggle('hid',!!keep));}
boxes.forEach((b,i)=>{b.addEventListener('click',()=>{if(moved)return;if(b.dataset.on){delete b.dataset.on;show();return}
boxes.forEach(o=>delete o.dataset.on);b.dataset.on=1;const k=new Set([i]),e=new Set();
arrows.forEach((a,j)=>{if(a[0]===i||a[1]===i){k.add(a[0]);k.add(a[1]);e.add(j)}});show(k,e)})});
document.getElementById('find').addEventListener('input',ev=>{const q=ev.target.value.toLowerCase();if(!q){show();return}
const k=new Set();boxes.forEach((b,i)=>{if(b.textContent.toLowerCase().includes(q))k.add(i)});show(k);
if(k.size){const i=[...k][0];centre(boxes[i])}});
document.getElementById('back').onclick=ev=>{const on=ev.target.getAttribute('aria-pressed')!=='true';
ev.target.setAttribute('aria-pressed',on);svg.querySelectorAll('.r,.ra,.l,.g').forEach(r=>r.style.display=on?'':'none')};
document.addEventListener('keydown',ev=>{if(ev.target.tagName==='INPUT')return;if(ev.key==='/'){ev.preventDefault();
document.getElementById('find').focus()}else pan(ev.key)});
</script></html>
"""

# what pictures that pan and zoom share: `svg`, `moved`, `pan(key)`, `centre(element)`, `fit()`
VIEWER = """const view=document.getElementById('view'),svg=view.querySelector('svg');
let x=0,y=0,k=1,moved=false;const touches=new Map();
const W=+svg.getAttribute('width'),H=+svg.getAttribute('height');
function put(){svg.style.transform=`translate(${x}px,${y}px) scale(${k})`}
function fit(){const r=view.getBoundingClientRect();k=Math.min(1.4,(r.width-24)/W,(r.height-76)/H);
if(k<.5)k=.5;x=Math.max(12,(r.width-W*k)/2);y=Math.max(60,(r.height-H*k)/2);put()}
function zoom(f,cx,cy){const n=Math.min(6,Math.max(.05,k*f));x=cx-(cx-x)*n/k;y=cy-(cy-y)*n/k;k=n;put()}
function centre(e){const r=view.getBoundingClientRect(),b=e.getBoundingClientRect();
x+=r.left+r.width/2-b.left-b.width/2;y+=r.top+r.height/2-b.top-b.height/2;put()}
function keepIn(e){const r=view.getBoundingClientRect(),b=e.getBoundingClientRect();
if(b.left<r.left+20||b.right>r.right-20||b.top<r.top+70||b.bottom>r.bottom-20)centre(e)}
function pan(key){const d=60;if(key==='+'||key==='=')zoom(1.2,innerWidth/2,innerHeight/2);
else if(key==='-')zoom(1/1.2,innerWidth/2,innerHeight/2);else if(key==='0')fit();
else if(key==='w')y+=d;else if(key==='s')y-=d;else if(key==='a')x+=d;else if(key==='d')x-=d;else return;put()}
view.addEventListener('wheel',ev=>{ev.preventDefault();const r=view.getBoundingClientRect();
zoom(Math.exp(-ev.deltaY*.0015),ev.clientX-r.left,ev.clientY-r.top)},{passive:false});
view.addEventListener('pointerdown',ev=>{touches.set(ev.pointerId,[ev.clientX,ev.clientY]);moved=false});
addEventListener('pointermove',ev=>{const p=touches.get(ev.pointerId);if(!p)return;
if(touches.size===1){const dx=ev.clientX-p[0],dy=ev.clientY-p[1];if(Math.abs(dx)+Math.abs(dy)>3||moved){moved=true;
x+=dx;y+=dy;put();touches.set(ev.pointerId,[ev.clientX,ev.clientY])}}
else{moved=true;const o=[...touches].find(t=>t[0]!==ev.pointerId)[1],r=view.getBoundingClientRect();
const before=Math.hypot(p[0]-o[0],p[1]-o[1]),now=Math.hypot(ev.clientX-o[0],ev.clientY-o[1]);
if(before>0)zoom(now/before,(ev.clientX+o[0])/2-r.left,(ev.clientY+o[1])/2-r.top);
touches.set(ev.pointerId,[ev.clientX,ev.clientY])}});
for(const n of['pointerup','pointercancel'])addEventListener(n,ev=>touches.delete(ev.pointerId));
for(const[i,f]of[['in',1.25],['out',.8]]){const b=document.getElementById(i);
if(b)b.onclick=()=>zoom(f,innerWidth/2,innerHeight/2)}
document.getElementById('fit').onclick=fit;addEventListener('resize',fit);fit();"""


def page(scene: Scene, direction: str = "auto") -> str:
    """The whole page."""
    import json

    arrows = json.dumps([[a.tail, a.head] for a in scene.arrows], separators=(",", ":"))
    made = FRAME.replace("TITLE", escape(scene.title or "computation graph")).replace("ARROWS", arrows)
    return made.replace("VIEWER", VIEWER).replace("SVG", svg(scene, direction, steps=True).text, 1)
