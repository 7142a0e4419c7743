"""The machine: tensors, the graph they record, and the walk backward over it.

It names no operator; each module imports only modules of a lower floor.
"""
