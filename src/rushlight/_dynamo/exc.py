"""``torch._dynamo.exc``: errors of PyTorch's compiler, which nothing raises here."""

from __future__ import annotations


class TorchDynamoException(RuntimeError):
    """What PyTorch's compiler raises."""


class Unsupported(TorchDynamoException):
    """A program that it does not compile."""


class TensorifyScalarRestartAnalysis(TorchDynamoException):
    """A step of its analysis."""
