"""``torch._custom_ops``: an older ``torch.library``."""

from __future__ import annotations

from .._names_only import fill

fill(
    __name__,
    "make an operator with torch.library.custom_op",
    "custom_op get_ctx impl impl_abstract impl_backward impl_save_for_backward",
)
