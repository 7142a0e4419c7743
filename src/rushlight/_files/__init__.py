"""Reading and writing files of tensors: PyTorch's own formats and safetensors.

Nothing here runs code from a file. The pickle stream inside a PyTorch file is read by a small interpreter
that can only build plain data and tensors; every size, offset and stride is checked with Python integers
before memory is touched. Whatever is wrong with a file ends in a `LoadError`.
"""

from __future__ import annotations

import pickle

__all__ = ["LoadError", "TruncatedFileError"]


class LoadError(pickle.UnpicklingError, RuntimeError):
    """A file that is damaged, hostile or holds more than plain data and tensors.

    PyTorch raises `pickle.UnpicklingError` for what the pickle stream asks for and `RuntimeError` for a
    damaged archive; this is both, so either ``except`` clause of an existing program catches it.
    """


class TruncatedFileError(LoadError, EOFError):
    """A file that ends before its content does."""
