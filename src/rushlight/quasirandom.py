"""``torch.quasirandom``: points that fill a cube evenly (Sobol, 1967), with the direction numbers of Joe and Kuo, 2008.

The numbers are SciPy's copy of their table. A point is the one before it with one direction number of each dimension
added bit by bit: the one at the place of the lowest zero of the count (Gray code). Scrambled, the directions are mixed
by random triangular matrices of bits and the points begin at a random shift (Matousek, 1998).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import rushlight as rl
from rushlight import Tensor

__all__ = ["SobolEngine"]


def _table(dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """The primitive polynomials of Joe and Kuo as bits, and their first direction numbers."""
    try:
        import scipy.stats
    except ImportError as error:
        raise ImportError("SobolEngine needs SciPy's table of direction numbers: pip install scipy") from error
    from pathlib import Path

    with np.load(Path(scipy.stats.__file__).with_name("_sobol_direction_numbers.npz")) as found:
        return found["poly"][:dimension], found["vinit"][:dimension]


def _directions(dimension: int, bits: int) -> np.ndarray:
    """The direction numbers, ``(dimension, bits)``, scaled so that all have ``bits`` bits."""
    polynomials, first = _table(dimension)
    made = np.ones((dimension, bits), np.int64)
    for row, polynomial, start in zip(made[1:], polynomials[1:].tolist(), first[1:], strict=True):
        degree = polynomial.bit_length() - 1
        row[:degree] = start[:degree]
        for j in range(degree, bits):
            new = int(row[j - degree])
            for k in range(degree):
                if polynomial >> (degree - 1 - k) & 1:
                    new ^= int(row[j - k - 1]) << (k + 1)
            row[j] = new
    return made << np.arange(bits - 1, -1, -1)


class SobolEngine:
    """Draws points of a Sobol sequence in ``[0, 1)`` of ``dimension`` dimensions, at most 21201.

    ``scramble`` mixes the bits at random, by ``seed`` if one is given. Needs SciPy, which has the table; raises
    ValueError for other dimensions.

    >>> import rushlight as torch
    >>> torch.quasirandom.SobolEngine(2).draw(3)
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500]])
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        state = _directions(dimension, self.MAXBIT)
        shift = np.zeros(dimension, np.int64)
        if scramble:
            state, shift = self._scrambled(state)
        self.sobolstate = rl.from_numpy(state)
        self.shift = rl.from_numpy(shift)
        self.quasi = self.shift.clone()
        self.num_generated = 0

    def _scrambled(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        generator = None if self.seed is None else rl.Generator().manual_seed(self.seed)
        bits = self.MAXBIT
        shift = rl.randint(2, (self.dimension, bits), generator=generator).numpy() @ (1 << np.arange(bits))
        mixing = np.tril(rl.randint(2, (self.dimension, bits, bits), generator=generator).numpy())
        mixing[:, range(bits), range(bits)] = 1
        places = np.arange(bits - 1, -1, -1)  # a number's bits, the highest first
        digits = state[:, :, None] >> places & 1
        mixed = np.matmul(digits, mixing.swapaxes(1, 2)) & 1
        return (mixed << places).sum(2), shift

    def _points(self, n: int) -> np.ndarray:
        """The next ``n`` points as integers; the last is kept."""
        state, last = self.sobolstate.numpy(), self.quasi.numpy()
        steps = np.arange(max(self.num_generated - 1, 0), self.num_generated + n - 1)
        lowest = ~steps & (steps + 1)  # the lowest zero of the count
        which = np.round(np.log2(np.maximum(lowest, 1))).astype(np.int64)
        made = np.bitwise_xor.accumulate(np.concatenate([last[None], state.T[which]]), 0)
        made = made[:n] if self.num_generated == 0 else made[1:]
        self.num_generated += n
        self.quasi = rl.from_numpy(made[-1].copy()) if n else self.quasi
        return made

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next ``n`` points, ``(n, dimension)``."""
        made = rl.from_numpy(self._points(n) / 2.0**self.MAXBIT).to(rl.get_default_dtype() if dtype is None else dtype)
        if out is None:
            return made
        return out.resize_as_(made).copy_(made)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next ``2**m`` points. Raises ValueError if what has been drawn is then no power of two.

        >>> import rushlight as torch
        >>> torch.quasirandom.SobolEngine(1).draw_base2(2).flatten()
        tensor([0.0000, 0.5000, 0.7500, 0.2500])
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                f"The balance properties of Sobol' points require n to be a power of 2. {self.num_generated} points "
                f"have been previously generated, then: n={self.num_generated}+2**{m}={total}. If you still want to do "
                "this, please use 'SobolEngine.draw()' instead."
            )
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Begin again."""
        self.quasi = self.shift.clone()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Pass over ``n`` points."""
        for start in range(0, n, 1 << 16):
            self._points(min(1 << 16, n - start))
        return self

    def __repr__(self) -> str:
        text = f"SobolEngine(dimension={self.dimension}"
        return (
            text
            + (", scramble=True" if self.scramble else "")
            + (f", seed={self.seed})" if self.seed is not None else ")")
        )
