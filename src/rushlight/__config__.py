"""``torch.__config__``: what the library was built with."""

from __future__ import annotations

__all__ = ["parallel_info", "show"]


def show() -> str:
    """A readable text: NumPy and the libraries under it.

    >>> import rushlight as torch
    >>> torch.__config__.show().splitlines()[0]
    'PyTorch built with:'
    """
    import platform

    import numpy as np

    from ._doctor import _blas
    from ._version import __version__

    return (
        f"PyTorch built with:\n  - Rushlight {__version__}\n  - Python {platform.python_version()}\n"
        f"  - NumPy {np.__version__}\n  - BLAS: {_blas()['library']}\n"
    )


def parallel_info() -> str:
    """How many threads there are, as a readable text."""
    from ._settings import get_num_interop_threads, get_num_threads

    return (
        f"Rushlight parallel settings:\n  torch.get_num_threads() : {get_num_threads()}\n"
        f"  torch.get_num_interop_threads() : {get_num_interop_threads()}\n"
    )
