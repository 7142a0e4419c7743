"""``torch.onnx``: importable, as programs import it in passing; exporting is not there and says so."""

from __future__ import annotations

from typing import Any, NoReturn

from .._names_only import fill

WHY = "Rushlight writes no ONNX files; save the state_dict and export with PyTorch"

__all__ = ["export", "is_in_onnx_export", "register_custom_op_symbolic", "unregister_custom_op_symbolic"]


def export(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises NotImplementedError: no ONNX files are written here.

    >>> import rushlight as torch
    >>> torch.onnx.export(None)
    Traceback (most recent call last):
        ...
    NotImplementedError: torch.onnx.export: Rushlight writes no ONNX files; save the state_dict and export with PyTorch
    """
    raise NotImplementedError(f"torch.onnx.export: {WHY}")


def is_in_onnx_export() -> bool:
    """Always False."""
    return False


def register_custom_op_symbolic(symbolic_name: str, symbolic_fn: Any, opset_version: int) -> None:
    """Name how an operator is to be exported: as nothing is exported, it is not asked for."""


def unregister_custom_op_symbolic(symbolic_name: str, opset_version: int) -> None:
    """Take back what `register_custom_op_symbolic` named: does nothing."""


fill(__name__, WHY, "ExportOptions ONNXProgram OperatorExportTypes TensorProtoDataType TrainingMode dynamo_export")
