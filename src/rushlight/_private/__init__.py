"""Modules of PyTorch whose names begin with an underscore, as far as libraries reach for them: ``torch._utils`` is
``_private._utils``. What is not here is not there, and says so.
"""
