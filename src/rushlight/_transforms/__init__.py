"""Function transforms: gradients, forward mode and batching as levels, each with one ``process(op, args)``."""
