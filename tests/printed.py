"""Comparing what two runs of a program print: the words must be the same, the numbers close.

Numbers are taken out of the text, wherever they stand; what is left, spaces apart, is compared as it is.
"""

from __future__ import annotations

import math
import re

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\b(?:nan|inf)\b|-\binf\b")
ADDRESS = re.compile(r"0x[0-9a-f]+")


def compare(found: str, expected: str, rtol: float = 2e-4, atol: float = 2e-5) -> str:
    """Where the first difference is, as text; empty if there is none.

    Integers must be equal; numbers with a point may differ by ``atol`` plus ``rtol`` of the expected one, and by
    one and a half units of the last digit printed.
    """
    found, expected = ADDRESS.sub("0x", found), ADDRESS.sub("0x", expected)
    words = [re.sub(r"\s+", "", NUMBER.sub("#", text)) for text in (found, expected)]
    ours, theirs = NUMBER.findall(found), NUMBER.findall(expected)
    if words[0] != words[1]:
        for line, (a, b) in enumerate(zip(found.splitlines(), expected.splitlines(), strict=False), 1):
            if re.sub(r"\s+", "", NUMBER.sub("#", a)) != re.sub(r"\s+", "", NUMBER.sub("#", b)):
                return f"line {line}: {a!r} instead of {b!r}"
        return f"{len(found.splitlines())} lines instead of {len(expected.splitlines())}"
    for a, b in zip(ours, theirs, strict=True):
        if not close(a, b, rtol, atol):
            line = next((k for k, text in enumerate(expected.splitlines(), 1) if b in text), 0)
            return f"{a} instead of {b} (line {line} or later)"
    return ""


def close(found: str, expected: str, rtol: float, atol: float) -> bool:
    if found == expected:
        return True
    if found.lstrip("+-").isdigit() and expected.lstrip("+-").isdigit():
        return False
    a, b = float(found), float(expected)
    if not math.isfinite(a) or not math.isfinite(b):
        return a == b
    mantissa, _, power = expected.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(power or 0) - digits)
    return abs(a - b) <= atol + rtol * abs(b) + 1.5 * unit
