"""The path an operator takes, decided by one word of context that is read once per operator.

The word lives in a ``ContextVar``, so that threads and asyncio tasks each have their own.
PLAIN computes, RECORD computes and records; every rarer feature sets CAREFUL, which sends
the operator to ``levels.dispatch`` instead of adding a branch to the hot path.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PLAIN = 0
RECORD = 1
CAREFUL = 2
INFERENCE = 4  # inference_mode: always together with CAREFUL
FORWARD_OFF = 8  # forward-mode derivatives are switched off: together with CAREFUL
TRANSFORMED = 16  # inside torch.func's transforms, where some of autograd is refused: together with CAREFUL
ASKED = 32  # enable_grad inside inference mode: grad mode counts as enabled, though nothing is recorded
DEPTH = 8  # from this bit on, how many function transforms are entered here: see ``levels``

word: ContextVar[int] = ContextVar("rushlight mode", default=RECORD)
mode = word.get


@contextmanager
def switched(bits: int) -> Iterator[None]:
    """Run the body with the mode set to ``bits``."""
    token = word.set(bits)
    try:
        yield
    finally:
        word.reset(token)
