"""``torch.return_types``: the classes of results that have names, such as that of ``max(input, dim)``."""

from __future__ import annotations

from ._ops import return_types as _declared

__all__ = sorted(
    name
    for name, kind in vars(_declared).items()
    if isinstance(kind, type) and issubclass(kind, tuple) and not name.startswith("_")
)
globals().update({name: getattr(_declared, name) for name in __all__})
all_return_types = [getattr(_declared, name) for name in __all__]
