"""``rushlight demo``: trains the program in ``examples/digits.py``, and leaves what it did in a folder.

The program is run as it stands, with ``torch`` meaning Rushlight.  What PyTorch has no word for comes
after it: the computation graph of a loss, the curve of the losses, the weights in a file that runs no
code.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

from ._alias import install_as_torch

__all__ = ["demo", "line_chart"]


def demo(folder: str = "rushlight-demo", epochs: int = 20, seed: int = 0) -> int:
    """Train, print what was done, write pictures and weights into ``folder``, and say where.

    Returns 0, or 1 if the folder cannot be written.
    """
    out = Path(folder)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        complaint = f"cannot write into {folder!r}: {error.strerror}; choose another: --out FOLDER"
        print(f"rushlight demo: {complaint}", file=sys.stderr)
        return 1
    install_as_torch()
    digits = load_program()
    result = digits.train(epochs=epochs, seed=seed, progress=digits.progress_bar)
    print(digits.table(digits.report(result)))
    print(digits.mistakes(result))

    (out / "loss.svg").write_text(loss_curve(result.losses), encoding="utf-8")
    loss_graph(result).save(out / "graph.svg")
    _save_weights(result.net, out / "digits.safetensors")
    written = [
        ("graph.svg", "the graph of one digit's loss, with its gradients"),
        ("loss.svg", "the loss, step by step"),
        ("digits.safetensors", "the trained weights"),
    ]
    print()
    print(digits.table([(str(out / name), what) for name, what in written]))
    return 0


def load_program() -> ModuleType:
    """The module ``examples/digits.py``, from the installed package or from the source tree."""
    here = Path(__file__).resolve().parent
    places = [here / "_examples/digits.py", here.parents[1] / "examples/digits.py"]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        raise FileNotFoundError(f"the demo's program is in none of {', '.join(map(str, places))}: reinstall")
    spec = importlib.util.spec_from_file_location("rushlight_demo_digits", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def loss_graph(result: Any) -> Any:
    """The picture of the graph that the loss of the first held-out digit is computed by."""
    from . import draw
    from .nn.functional import cross_entropy

    net = result.net
    digit, label = result.images[:1], result.labels[:1]
    loss = cross_entropy(net(digit), label)
    return draw(
        loss, {"net": net, "digit": digit, "label": label, "loss": loss}, title="One digit's loss, forward and backward"
    )


def _save_weights(net: Any, path: Path) -> None:
    from .utils.safetensors import save_file

    save_file(net.state_dict(), str(path))


def loss_curve(losses: Sequence[float]) -> str:
    """The losses as SVG: each step, and their mean over the steps around it."""
    reach = max(1, len(losses) // 40)
    around = [losses[max(0, i - reach) : i + reach + 1] for i in range(len(losses))]
    smooth = [math.fsum(near) / len(near) for near in around]
    return line_chart(
        {"each step": losses, "mean of the steps around": smooth},
        title="Learning to read digits",
        x_label="step",
        y_label="cross-entropy of the batch",
    )


# ---------------------------------------------------------------------------------------------------------
# A line chart


STYLE = """
  svg { background: #ffffff; color: #1b1f24; font: 13px system-ui, sans-serif; }
  text { fill: currentColor; } .title { font-size: 17px; font-weight: 600; } .tick { font-size: 12px; }
  .grid { stroke: currentColor; stroke-opacity: .13; } .axis { stroke: currentColor; stroke-opacity: .55; }
  .line { fill: none; stroke-linejoin: round; }
  .line0 { stroke: #7aa6cc; stroke-width: 1; } .line1 { stroke: #c2410c; stroke-width: 2.5; }
  .line2 { stroke: #0f766e; stroke-width: 2; } .line3 { stroke: #7c3aed; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    svg { background: #14181d; color: #e6e9ec; } .line0 { stroke: #4b7ba6; } .line1 { stroke: #fb923c; }
    .line2 { stroke: #2dd4bf; } .line3 { stroke: #c4a7ff; }
  }
"""


def line_chart(
    lines: dict[str, Sequence[float]],
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    width: int = 760,
    height: int = 420,
) -> str:
    """Lines over 1, 2, 3, ... as a self-contained SVG picture, readable on light and on dark paper.

    ``lines`` maps a name for the legend to its values; values that are not finite leave gaps.

    >>> line_chart({"loss": [2.0, 1.0, 0.5]}).startswith("<svg")
    True
    """
    values = [float(y) for line in lines.values() for y in line if math.isfinite(y)]
    length = max((len(line) for line in lines.values()), default=0)
    x_ticks = _ticks(0, max(length, 1))
    y_ticks = _ticks(min([0.0, *values]), max(values, default=1.0))
    left, right, top, bottom = 68, width - 24, 56, height - 56
    x_low, x_high, y_low, y_high = 0.0, float(max(length, 1)), y_ticks[0], y_ticks[-1]

    def x_at(value: float) -> float:
        return left + (value - x_low) / (x_high - x_low) * (right - left)

    def y_at(value: float) -> float:
        return bottom - (value - y_low) / (y_high - y_low) * (bottom - top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title or y_label)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{left}" y="28">{escape(title)}</text>',
    ]
    for tick in y_ticks:
        y = y_at(tick)
        parts.append(f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 9}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in (t for t in x_ticks if t <= x_high):
        x = x_at(tick)
        parts.append(f'<line class="axis" x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<path class="axis" fill="none" d="M{left} {top}V{bottom}H{right}"/>')
    for index, line in enumerate(lines.values()):
        path = _path((x_at(i + 1), y_at(y) if math.isfinite(y) else None) for i, y in enumerate(line))
        parts.append(f'<path class="line line{index % 4}" d="{path}"/>')
    parts += _legend(list(lines), right, top)
    centre, middle = (left + right) / 2, (top + bottom) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 18 {middle})"'
    parts.append(f'<text x="{centre}" y="{height - 14}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(f'<text x="18" y="{middle}" {turned}>{escape(y_label)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(names: list[str], right: int, top: int) -> list[str]:
    parts = []
    for index, name in enumerate(names):
        y = top + 12 + 20 * index
        parts.append(f'<path class="line line{index % 4}" d="M{right - 36} {y}H{right - 8}"/>')
        parts.append(f'<text x="{right - 44}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
    return parts


def _path(points: Iterable[tuple[float, float | None]]) -> str:
    """Points joined by lines; a point without a height breaks the line."""
    pen, commands = "M", []
    for x, y in points:
        if y is None:
            pen = "M"
        else:
            commands.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
    return "".join(commands)


def _ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers, about so many, from at or below ``low`` to at or above ``high``.

    >>> _ticks(0, 2.29)
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * unit for unit in (1, 2, 5, 10) if span / (power * unit) <= about)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.10g}") for i in range(first, max(last, first + 1) + 1)]
