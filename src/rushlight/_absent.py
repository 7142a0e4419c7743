"""Names of the main namespace that libraries mention, and of which nothing is here."""

from ._names_only import fill

fill(__name__, "files are read and written by torch.load and torch.save", "PyTorchFileReader PyTorchFileWriter")
fill(__name__, "Rushlight compiles no scripts, and has no types for them", "TensorType")
fill(__name__, "Rushlight has no streams: operations are done when they return", "Event Stream")
