"""Seeing a graph: pictures, derivations, steps, checks, and the gradient as a NumPy program.

Nothing here is loaded with Rushlight; each tool is imported when it is first asked for (``rushlight._LAZY_FUNCTIONS``).
"""
