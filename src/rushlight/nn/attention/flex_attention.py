"""``torch.nn.attention.flex_attention``: names only."""

from __future__ import annotations

from ..._names_only import fill

_DEFAULT_SPARSE_BLOCK_SIZE = 128

fill(
    __name__,
    "Rushlight has no flex_attention; use scaled_dot_product_attention with a mask",
    "AuxOutput AuxRequest BlockMask and_masks create_block_mask create_mask flex_attention noop_mask or_masks",
)
