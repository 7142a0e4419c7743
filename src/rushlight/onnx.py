"""``torch.onnx``: importable, as programs import it in passing; exporting is not there and says so."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["export", "is_in_onnx_export"]


def export(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises NotImplementedError: no ONNX files are written here.

    >>> import rushlight as torch
    >>> torch.onnx.export(None)
    Traceback (most recent call last):
        ...
    NotImplementedError: torch.onnx.export: Rushlight writes no ONNX files; save the state_dict and export with PyTorch
    """
    raise NotImplementedError(
        "torch.onnx.export: Rushlight writes no ONNX files; save the state_dict and export with PyTorch"
    )


def is_in_onnx_export() -> bool:
    """Always False."""
    return False
