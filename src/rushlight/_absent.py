"""Names of the main namespace that libraries mention, and of which nothing is here."""

from ._names_only import fill

fill(__name__, "files are read and written by torch.load and torch.save", "PyTorchFileReader PyTorchFileWriter")
