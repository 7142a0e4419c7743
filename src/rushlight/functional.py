"""``torch.functional``: the functions of the main namespace that PyTorch writes in Python, under this name too.

>>> import rushlight as torch
>>> torch.functional.einsum is torch.einsum
True
"""

from __future__ import annotations

from typing import Any

import rushlight as rl

NAMES = """
    align_tensors atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors cartesian_prod cdist
    chain_matmul einsum istft lu meshgrid norm split stft tensordot unique unique_consecutive unravel_index
"""
__all__ = [name for name in NAMES.split() if hasattr(rl, name)]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(rl, name)
    if name == "Tensor":
        return rl.Tensor
    if name == "F":
        return rl.nn.functional
    raise AttributeError(f"module 'torch.functional' has no attribute '{name}'")
