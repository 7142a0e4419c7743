"""The one place where Rushlight's own version is written; the build reads it from here.

``__version__`` is the release of Rushlight.  Programs read ``torch.__version__`` to learn which PyTorch they
talk to, and under the alias ``torch`` is this package, so ``rushlight.__version__`` is `torch_version`:
PyTorch's number with ours as its local part, the form PEP 440 has for "2.13.0, built by somebody else".
"""

from __future__ import annotations

import re
from typing import Any

__version__ = "0.1.0"
"""The release of Rushlight itself."""

pytorch_version = "2.13.0"
"""The PyTorch whose behaviour this release reproduces."""


def version_key(version: str | tuple[Any, ...]) -> tuple[tuple[int, ...], bool, str] | None:
    """What orders versions: release numbers, final after its pre-releases, then the local part.

    ``None`` for what is no version.

    >>> version_key("2.13.0+cpu"), version_key((2, 4)), version_key("2.1rc1"), version_key("cpu")
    (((2, 13), True, 'cpu'), ((2, 4), True, ''), ((2, 1), False, ''), None)
    """
    text = ".".join(map(str, version)) if isinstance(version, tuple) else version
    match = re.fullmatch(r"v?(\d+(?:\.\d+)*)([-_.]?(?:a|b|c|rc|dev|pre)[\w.-]*)?(?:\+(.+))?", text)
    if match is None:
        return None
    numbers = [int(n) for n in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), not match[2], match[3] or ""


class Version(str):
    """A version that is a string, and compares as a version with strings and tuples, as PyTorch's does.

    Against a string that is no version it compares as the string it is.

    >>> torch_version >= "2.9", torch_version >= (2, 13), torch_version < "2.13.1", torch_version == "2.13.0"
    (True, True, True, False)
    """

    __slots__ = ()

    def _pair(self, other: Any) -> tuple[Any, Any]:
        if isinstance(other, str | tuple):
            mine, theirs = version_key(str(self)), version_key(other)
            if theirs is not None:
                return mine, theirs
        return str(self), other

    def __lt__(self, other: Any) -> bool:
        mine, theirs = self._pair(other)
        return bool(mine < theirs)

    def __le__(self, other: Any) -> bool:
        mine, theirs = self._pair(other)
        return bool(mine <= theirs)

    def __gt__(self, other: Any) -> bool:
        mine, theirs = self._pair(other)
        return bool(mine > theirs)

    def __ge__(self, other: Any) -> bool:
        mine, theirs = self._pair(other)
        return bool(mine >= theirs)


torch_version = Version(f"{pytorch_version}+rushlight.{__version__}")
"""What ``rushlight.__version__`` and, under the alias, ``torch.__version__`` say."""
