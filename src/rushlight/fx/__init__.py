"""``torch.fx``, of which only marks work: there is no symbolic tracing here, as everything runs eagerly."""

from __future__ import annotations

from typing import Any

from .._names_only import WHYS, children, fill


def wrap(fn_or_name: Any) -> Any:
    """The function (or name) itself: a mark for a tracer, and nothing is traced."""
    return fn_or_name


fill(
    __name__,
    WHYS["fx"],
    "CodeGen Graph GraphModule Interpreter Node Proxy ProxyableClassMeta Tracer Transformer replace_pattern symbolic_trace",
)

__getattr__ = children(__name__)
