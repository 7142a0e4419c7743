"""The handwritten digits that ship with the package, as NumPy arrays.

The file is a NumPy archive read with ``allow_pickle=False``: reading it runs no code.  Attribution and
licence stand in the README beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["DIGITS", "digits"]

DIGITS = Path(__file__).with_name("digits.npz")


def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The 1,797 digits of UCI's "Optical Recognition of Handwritten Digits".

    Returns ``images``, float32 of shape (1797, 1, 8, 8) with ink from 0 to 1, and ``labels``, int64 of shape
    (1797,).

    >>> images, labels = digits()
    >>> images.shape, images.dtype.name, float(images.max()), labels[:10].tolist()
    ((1797, 1, 8, 8), 'float32', 1.0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    with np.load(DIGITS, allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    return images[:, None].astype(np.float32) / np.float32(16), labels.astype(np.int64)
