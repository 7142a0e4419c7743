"""The line of the user's program that ran an operator, kept as ``(code, instruction)``.

Noting it costs about 100 ns; file, line and text are worked out only when an error, a picture or
a report asks. Frames are never kept, so that nobody's local variables are kept alive.
"""

from __future__ import annotations

import linecache
import os
from types import CodeType, FrameType
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Ours(dict[str, bool]):
    """Whether a file belongs to Rushlight, remembered by its name."""

    def __missing__(self, name: str) -> bool:
        self[name] = answer = name.startswith((ROOT, "<op ")) or name == "<frozen runpy>"
        return answer


ours = Ours()
theirs: set[str] = set()  # files of the user's that called an operator: one look tells that they are not ours


class Site(NamedTuple):
    """A place in a program: what a call site resolves to."""

    file: str
    line: int
    function: str
    text: str

    def __str__(self) -> str:
        if "ipykernel_" in self.file:  # the file of a notebook's cell has a name that means nothing
            return f"line {self.line} of a cell"
        return f"{self.file}:{self.line}"


def outside(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, from ``frame`` outwards, that is not Rushlight's own (or the outermost one)."""
    while frame is not None and ours[frame.f_code.co_filename] and frame.f_back is not None:
        frame = frame.f_back
    if frame is not None and not ours[frame.f_code.co_filename]:
        theirs.add(frame.f_code.co_filename)
    return frame


def here() -> tuple[CodeType | None, int]:
    """The call site of the user's program that led here."""
    import sys

    frame = outside(sys._getframe(1))
    return (frame.f_code, frame.f_lasti) if frame is not None else (None, -1)


def resolve(code: CodeType | None, lasti: int) -> Site | None:
    """File, line, function and source text of a call site."""
    if code is None:
        return None
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end:
            line = number or line
            break
    text = linecache.getline(code.co_filename, line).strip()
    return Site(code.co_filename, line, code.co_qualname, text)


def shown(code: CodeType | None, lasti: int) -> str:
    """``FILE:LINE`` of a call site, for a message."""
    site = resolve(code, lasti)
    return str(site) if site else "an unknown place"
