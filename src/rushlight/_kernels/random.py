"""PyTorch's random numbers on the CPU, bit for bit, in NumPy.

One generator (`Twister`, the 32-bit Mersenne Twister) and one function for each distribution: generator and
shape in, array out. PyTorch's compiled kernels use fused multiply-adds and, for float32 normals, the
polynomials of Cephes; both are reproduced here by exact float64 arithmetic, so a seed gives the same digits.
Every array is drawn in C order; `memory_order` tells in which order PyTorch fills a tensor of other strides.
The reference is PyTorch 2.13 on x86-64 with AVX2 or AVX-512 (where it takes the same path); elsewhere PyTorch
itself differs from this in the last bit of float32 normals.

>>> from rushlight._kernels import random
>>> generator = random.Twister(0)
>>> [f"{x:.4f}" for x in random.uniform(generator, 3)]  # torch.manual_seed(0); torch.rand(3)
['0.4963', '0.7682', '0.0885']
"""

from __future__ import annotations

import functools
import math
import os
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from .jit import STRICT, compiled, fma, numba_loaded, use_numba
from .pool_of_threads import run_chunks

Array = np.ndarray[Any, Any]
Shape = int | tuple[int, ...]

_BLOCK = 1 << 14  # elements worked on at a time: the temporaries stay in the second-level cache
_KEYS = 624  # words of state in the Mersenne Twister
_STATE_BYTES = 5056  # seed, left, seeded, next, 624 words of 64 bits, 3 doubles, flag, float, flag
_LOW24 = 2.0**-24
_LOW53 = 2.0**-53
_MASK53 = (1 << 53) - 1
_MASK24 = np.uint64(0xFFFFFF)
_STEP24 = np.float32(_LOW24)


class Twister:
    """The state of PyTorch's CPU generator: a Mersenne Twister, its seed, and at most one normal kept back.

    Small draws come from ``random_raw``, large ones from a NumPy ``Generator`` over the same state: both read
    the same stream. `get_state` and `set_state` use the layout of ``torch.get_rng_state()``.
    """

    __slots__ = ("_bits", "_seed", "_wide", "next_double", "next_float")

    def __init__(self, seed: int = 67280421310721) -> None:
        self._bits = np.random.MT19937(0)
        self._wide = np.random.Generator(self._bits)
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Twister:
        """Restart the stream. ``seed`` is in [-2**63, 2**64); a negative one counts from 2**64 downwards."""
        seed = int(seed)
        if not -(1 << 63) <= seed < 1 << 64:
            raise ValueError(f"Overflow when unpacking long long: seed {seed} is not in [-2**63, 2**64)")
        self._seed = seed % (1 << 64)
        self._bits._legacy_seeding(self._seed & 0xFFFFFFFF)
        self.next_double: float | None = None
        self.next_float: float | None = None  # kept for the layout; no CPU kernel of PyTorch reads it
        return self

    def seed(self) -> int:
        """Restart the stream from 53 bits of the operating system's entropy, and return that seed."""
        seed = int.from_bytes(os.urandom(8), "little") & _MASK53
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed last given, as an unsigned 64-bit number."""
        return self._seed

    def clone(self) -> Twister:
        """A generator of its own in the same state."""
        copy = Twister.__new__(Twister)
        copy._bits = np.random.MT19937(0)
        copy._wide = np.random.Generator(copy._bits)
        copy._bits.state = self._bits.state
        copy._seed, copy.next_double, copy.next_float = self._seed, self.next_double, self.next_float
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.get_state(),)

    def get_state(self) -> Array:
        """The state as 5056 bytes, as ``torch.get_rng_state()`` lays them out.

        Words are little-endian: seed (8 bytes), left (4), seeded (4), next (8), 624 keys (8 each), three
        doubles of which the second is the normal kept back, a 4-byte flag for it, 4 bytes of padding, the
        float kept back (4), its flag (1), and padding.
        """
        state = self._bits.state["state"]
        keys, position = state["key"], int(state["pos"])
        # PyTorch counts a state never drawn from as 0 used and 1 left; only there is the first key the seed.
        fresh = position == _KEYS and int(keys[0]) == self._seed & 0xFFFFFFFF
        out = np.zeros(_STATE_BYTES, np.uint8)
        head = struct.pack("<QiiQ", self._seed, 625 - position, 1, 0 if fresh else position)
        out[:24] = np.frombuffer(head, np.uint8)
        out[24:5016] = keys.astype("<u8").view(np.uint8)
        double, single = self.next_double, self.next_float
        tail = struct.pack("<dddii", 0.0, double or 0.0, 0.0, double is not None, 0)
        out[5016:5048] = np.frombuffer(tail, np.uint8)
        out[5048:5053] = np.frombuffer(struct.pack("<f?", single or 0.0, single is not None), np.uint8)
        return out

    def set_state(self, state: Array) -> Twister:
        """Take over a state of 5056 bytes made by `get_state` or by ``torch.get_rng_state()``."""
        state = np.asarray(state)
        if state.dtype != np.uint8:
            raise TypeError(f"RNG state must be a torch.ByteTensor, not an array of {state.dtype}")
        if state.size != _STATE_BYTES:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE_BYTES} but found the input RNG state size"
                f" to be {state.size}"
            )
        raw = np.ascontiguousarray(state).tobytes()
        seed, left, seeded, used = struct.unpack_from("<QiiQ", raw)
        if seeded != 1 or not 0 < left <= _KEYS or used > _KEYS or (left > 1 and left + used != _KEYS + 1):
            raise RuntimeError(f"Invalid mt19937 state: left={left}, seeded={seeded}, next={used}")
        keys = np.frombuffer(raw, "<u8", _KEYS, 24).astype(np.uint32)
        _, double, _, kept = struct.unpack_from("<dddi", raw, 5016)
        single, kept_single = struct.unpack_from("<f?", raw, 5048)
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": keys, "pos": _KEYS + 1 - left}}
        self._seed = seed
        self.next_double = double if kept else None
        self.next_float = single if kept_single else None
        return self

    def random32(self, n: int) -> Array:
        """``n`` words of 32 bits (uint32)."""
        if n < 4096:
            return self._bits.random_raw(n).astype(np.uint32)
        return self._wide.integers(0, 0xFFFFFFFF, n, np.uint32, True)

    def random64(self, n: int) -> Array:
        """``n`` words of 64 bits (uint64), each made of two of 32, the high half first."""
        if n < 2048:
            pairs = self._bits.random_raw(2 * n)
            return (pairs[::2] << np.uint64(32)) | pairs[1::2]
        return self._wide.integers(0, 0xFFFFFFFFFFFFFFFF, n, np.uint64, True)

    def skip(self, n: int) -> None:
        """Leave out ``n`` words of 32 bits."""
        if n:
            self._bits.random_raw(n, False)

    def double(self) -> float:
        """One float64 in [0, 1)."""
        raw = self._bits.random_raw
        return ((raw() << 32 | raw()) & _MASK53) * _LOW53


def _restore(state: Array) -> Twister:
    return Twister(0).set_state(state)


def memory_order(array: Array) -> tuple[int, ...]:
    """The axes of ``array`` from the slowest in memory to the fastest: PyTorch fills a tensor in this order.

    `fill` draws so. (PyTorch's normals of 16 elements and more also take the path of small tensors when the
    tensor is not contiguous: `normal` with ``contiguous=False``.)
    """
    axes = list(range(array.ndim))
    strides, shape = array.strides, array.shape
    for i in range(array.ndim - 2, -1, -1):  # an insertion sort that leaves ties and broadcast axes in place
        at = i
        for j in range(i + 1, array.ndim):
            a, b = axes[at], axes[j]
            if strides[a] == 0 or strides[b] == 0:
                continue
            if strides[a] < strides[b] or (strides[a] == strides[b] and shape[a] < shape[b]):
                axes[at], axes[j] = b, a
                at = j
            else:
                break
    return tuple(axes)


def fill(array: Array, draw: Callable[[tuple[int, ...]], Array]) -> Array:
    """Put ``draw(shape)`` into ``array``, whatever its strides, in the order in which PyTorch would."""
    if array.flags.c_contiguous:
        array[...] = draw(array.shape)
    else:
        inner = array.transpose(memory_order(array))
        inner[...] = draw(inner.shape)
    return array


# ---- exact arithmetic ----------------------------------------------------------------------------------


def _fma32(a: Any, b: Any, c: Any, ties: list[Array] | None = None) -> Array:
    """``a * b + c`` of float32 values, rounded once, as float32.

    The product is exact in float64. The sum may fall, by its own rounding, on the middle between two float32
    numbers; there, and only there, rounding twice could go wrong, and the lost remainder decides. Given a
    list ``ties``, the sums are put there to be looked at later, all at once (`_any_tie`), and nothing is
    repaired.
    """
    product: Array = np.multiply(a, b, dtype=np.float64)
    total: Array = product + c
    if ties is not None:
        ties.append(total)
        return total.astype(np.float32)
    middle = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    if np.count_nonzero(middle):
        at = np.nonzero(middle)
        s, p = total[at], product[at]
        q = np.broadcast_to(np.asarray(c, np.float64), total.shape)[at]
        back = s - p
        rest = (p - (s - back)) + (q - back)
        total[at] = np.where(rest == 0, s, np.nextafter(s, np.copysign(np.inf, rest)))
    return total.astype(np.float32)


def _any_tie(totals: list[Array]) -> bool:
    """Whether a sum lies in the middle between two float32 numbers."""
    middle = (np.concatenate(totals).view(np.int64) & 0x1FFFFFFF) == 0x10000000
    return bool(np.count_nonzero(middle))


def _fma64(a: Array, b: float, c: float) -> Array:
    """``a * b + c`` of float64 values, rounded once (Dekker's product, Knuth's sum, one correction)."""
    product = a * b
    split = 134217729.0
    t = a * split
    a_high = t - (t - a)
    a_low = a - a_high
    b_high = b * split - (b * split - b)
    b_low = b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    back = total - product
    rest = (product - (total - back)) + (c - back)
    rest += error
    rest += total
    return np.where(np.isfinite(rest), rest, total)  # the split of a number near the largest one overflows


def _fma(a: float, b: float, c: float) -> float:
    """`_fma64` of three Python floats."""
    product = a * b
    t, u = a * 134217729.0, b * 134217729.0
    a_high, b_high = t - (t - a), u - (u - b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    back = total - product
    exact = total + ((product - (total - back)) + (c - back) + error)
    return exact if math.isfinite(exact) else total


@functools.cache
def _libm(name: str) -> Callable[[Array], Array]:
    """The C library's ``name`` on float64 arrays.

    NumPy's own vectorised functions may differ from the C library by a bit on some processors. A thousand
    points tell; if one differs, the slow way is taken.
    """
    fast: Callable[[Array], Array] = getattr(np, name)
    slow = np.frompyfunc(getattr(math, name), 1, 1)
    probe = (np.arange(1, 1001) * 0.61803398874989484) % 1.0
    probe = {"log1p": -probe, "tan": (probe - 0.5) * math.pi, "exp": 6 * probe - 3}.get(name, probe)
    if name in ("sin", "cos"):
        probe = probe * (2 * math.pi)
    if np.array_equal(fast(probe), slow(probe).astype(np.float64)):
        return fast
    return lambda x: np.asarray(slow(x), np.float64)


def _log(x: Array, ties: list[Array] | None) -> Array:
    """Natural logarithm of positive float32 by the Cephes polynomial, as PyTorch's AVX2 code takes it.

    The domain error of zero is not looked at, since the argument is 1 minus a uniform number.
    """
    bits = x.view(np.int32)
    e = ((bits >> _I23) - _I126).astype(np.float32)
    m = ((bits & _FRACTION) | _HALF_BITS).view(np.float32)
    small = m < _SQRT_HALF
    e -= small
    x = m - _ONE
    x += m * small
    x64 = x.astype(np.float64)
    z = x * x
    y: Any = _LOG[0]
    for c in _LOG[1:]:
        y = _fma32(y, x64, c, ties)
    y = y * x
    y = _fma32(y, z, e * _LN2_LOW, ties)
    y -= z * _HALF
    y += x
    logarithm: Array = e * _LN2_HIGH + y  # product and sum are exact in float64
    return logarithm.astype(np.float32)


def _sincos(x: Array, ties: list[Array] | None) -> tuple[Array, Array]:
    """Sine and cosine of float32 in [0, 2 pi] by the Cephes polynomials, as PyTorch's AVX2 code does."""
    j = (x * _FOUR_OVER_PI).astype(np.int32)
    j += _I1
    j &= _EVEN
    y = j.astype(np.float64)
    for part in _QUARTER:
        x = (y * part + x).astype(np.float32)  # the sum is exact in float64: j is at most 8
    z = x * x
    z64 = z.astype(np.float64)
    c = _fma32(_fma32(_COS[0], z64, _COS[1], ties), z64, _COS[2], ties)
    c = _fma32(c * z, z64, z * _MINUS_HALF, ties)
    c += _ONE
    s = _fma32(_fma32(_SIN[0], z64, _SIN[1], ties), z64, _SIN[2], ties)
    s = _fma32(s * z, x, x, ties)
    swap = (j & _I2) != _I0
    sine, cosine = np.where(swap, c, s), np.where(swap, s, c)
    # The sine's sign is bit 2 of j; the cosine's the complement of bit 2 of j - 2, that is, bit 2 of j + 2.
    sine_bits, cosine_bits = sine.view(np.int32), cosine.view(np.int32)
    sine_bits ^= (j & _I4) << _I29
    j += _I2
    j &= _I4
    cosine_bits ^= j << _I29
    return sine, cosine


def _singles(*values: float) -> tuple[Array, ...]:
    """The float32 nearest to ``values``, as float64 arrays of no axes: quicker operands than scalars."""
    return tuple(np.array(np.float32(v), np.float64) for v in values)


# Cephes' coefficients (Moshier, 1987: logf.c, sinf.c).
_LOG = _singles(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_QUARTER = _singles(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)
_COS = _singles(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN = _singles(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_LN2_HIGH = np.array(0.693359375)
_ONE, _HALF, _MINUS_HALF, _MINUS_TWO, _ZERO, _SQRT_HALF, _FOUR_OVER_PI, _TWO_PI, _LN2_LOW = (
    np.array(v, np.float32)
    for v in (1, 0.5, -0.5, -2, 0, 0.707106781186547524, 1.27323954473516, 2 * math.pi, -2.12194440e-4)
)
_I0, _I1, _I2, _I4, _I23, _I29, _I126, _EVEN, _FRACTION, _HALF_BITS = (
    np.array(v, np.int32) for v in (0, 1, 2, 4, 23, 29, 126, ~1, 0x007FFFFF, 0x3F000000)
)
# The same for the compiled loop, which takes them as constants of its type.
f4, i4 = np.float32, np.int32
LOG0, LOG1, LOG2, LOG3, LOG4, LOG5, LOG6, LOG7, LOG8 = (f4(c) for c in _LOG)
QUARTER0, QUARTER1, QUARTER2 = (f4(c) for c in _QUARTER)
COS0, COS1, COS2, SIN0, SIN1, SIN2 = (f4(c) for c in (*_COS, *_SIN))
F_ONE, F_HALF, F_MINUS_HALF, F_MINUS_TWO = f4(_ONE), f4(_HALF), f4(_MINUS_HALF), f4(_MINUS_TWO)
F_SQRT_HALF, F_FOUR_OVER_PI, F_TWO_PI = f4(_SQRT_HALF), f4(_FOUR_OVER_PI), f4(_TWO_PI)
F_LN2_LOW, F_LN2_HIGH = f4(_LN2_LOW), f4(_LN2_HIGH)
FRACTION, HALF_BITS = i4(_FRACTION), i4(_HALF_BITS)


_NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "float16": "Half", "float32": "Float",
    "float64": "Double", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


_TYPES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "uint16": "short unsigned int", "uint32": "unsigned int",
    "uint64": "long unsigned int", "float16": "c10::Half", "float32": "float", "float64": "double",
}  # fmt: skip


def _not_implemented(name: str, dtype: np.dtype[Any]) -> NotImplementedError:
    return NotImplementedError(f"\"{name}\" not implemented for '{_NAMES.get(dtype.name, dtype.name)}'")


# ---- continuous distributions --------------------------------------------------------------------------


def _size(shape: Shape) -> int:
    return shape if isinstance(shape, int) else math.prod(shape)


def _cast(x: Array, dtype: Any) -> Array:
    """float64 to ``dtype``; to float16 it is rounded twice, by way of float32, as PyTorch converts."""
    with np.errstate(over="ignore"):
        if dtype == np.float16:
            x = x.astype(np.float32)
        return x.astype(dtype, copy=False)


def _by_blocks(n: int, dtype: Any, draw: Callable[[int], Array]) -> Array:
    """``n`` numbers of ``dtype``, drawn a block at a time so that temporaries stay in the cache."""
    if n <= _BLOCK:
        return draw(n).astype(dtype, copy=False)
    out = np.empty(n, dtype)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        out[start:stop] = draw(stop - start)
    return out


def _unit32(generator: Twister, n: int) -> Array:
    """``n`` float32 in [0, 1): the low 24 bits of a 32-bit word."""
    if n < 1024:
        unit = (generator._bits.random_raw(n) & _MASK24).astype(np.float32)
    else:
        words = generator.random32(n)
        words &= np.uint32(0xFFFFFF)
        unit = words.view(np.int32).astype(np.float32)
    unit *= _STEP24
    return unit


def _unit64(generator: Twister, n: int) -> Array:
    """``n`` float64 in [0, 1): the low 53 bits of a 64-bit word."""
    words = generator.random64(n)
    words &= np.uint64(_MASK53)
    unit = words.view(np.int64).astype(np.float64)
    unit *= _LOW53
    return unit


def uniform(generator: Twister, shape: Shape, low: float = 0.0, high: float = 1.0, dtype: Any = np.float32) -> Array:
    """Uniform numbers in [low, high), real or complex: ``rand``, ``uniform_``.

    A complex number takes two draws, the real part first. A value that rounds to ``high`` becomes ``low``.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        parts, part = _parts(shape, dtype)
        return _complex(uniform(generator, parts, low, high, part), shape)
    _check_floating("check_uniform_bounds", dtype)
    n = _size(shape)
    if low == 0 and high == 1 and dtype != np.float16:
        unit = _unit64 if dtype == np.float64 else _unit32
        if n <= _BLOCK:
            return unit(generator, n).reshape(shape)
        return _by_blocks(n, dtype, functools.partial(unit, generator)).reshape(shape)
    largest = float(np.finfo(dtype).max)
    for name, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            raise RuntimeError(f"{name} is out of bounds for {_TYPES[dtype.name]}: {value}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}")
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{_NAMES[dtype.name]}>::max(), but found"
            f" to={high} and from={low} which result in to-from to exceed the limit"
        )
    start, stop = dtype.type(low), dtype.type(high)
    if dtype == np.float64:
        span = high - low

        def draw(k: int) -> Array:
            return _fma64(_unit64(generator, k), span, low)

    else:
        single = np.float32(low)
        width = float(np.float32(high) - single)

        def draw(k: int) -> Array:
            return _fma32(_unit32(generator, k), width, float(single))

    out = _by_blocks(n, dtype, draw)
    if np.count_nonzero(ends := out == stop):
        out[ends] = start
    return out.reshape(shape)


def _parts(shape: Shape, dtype: np.dtype[Any]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and dtype of the real and imaginary parts of a complex array, the last axis of length 2."""
    outer = (shape,) if isinstance(shape, int) else tuple(shape)
    return (*outer, 2), np.dtype(np.float32 if dtype == np.complex64 else np.float64)


def _complex(parts: Array, shape: Shape) -> Array:
    """Pairs of real numbers seen as complex ones."""
    whole: Array = parts.view(np.complex64 if parts.dtype == np.float32 else np.complex128)
    return whole.reshape(shape)


def _check_floating(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise _not_implemented(name, dtype)


def _check_real(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.name not in _TYPES or dtype.name in ("uint16", "uint32", "uint64"):
        raise _not_implemented(name, dtype)


def normal(
    generator: Twister,
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: Any = np.float32,
    contiguous: bool = True,
) -> Array:
    """Normal numbers, real or complex: ``randn``, ``normal_``.

    From 16 elements on, Box-Muller on rows of 16 uniforms, u[j] and u[j + 8] a pair; a last row that is not
    full is drawn anew over the last 16 elements. Below 16 (or if the tensor to be filled is not
    ``contiguous``), one pair of float64 at a time, of which the second is kept back in the generator for the
    next call. The parts of a complex number have the standard deviation std / sqrt(2).
    """
    dtype = np.dtype(dtype)
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    if dtype.kind == "c":
        parts, part = _parts(shape, dtype)
        return _complex(normal(generator, parts, mean, std / math.sqrt(2), part, contiguous), shape)
    _check_floating("normal_kernel_cpu", dtype)
    n = _size(shape)
    if n < 16 or not contiguous:
        return _cast(_box_muller(generator, n, mean, std), dtype).reshape(shape)
    unit, row = (_unit64, _rows64) if dtype == np.float64 else (_unit32, _rows32)
    full = n - n % 16
    out = np.empty(n, dtype)
    if dtype == np.float32 and (use_numba(full) or numba_loaded()):
        units, numbers = _unit32(generator, full), (np.float32(mean), np.float32(std))
        run_chunks(lambda i, j: _rows32_loop(units[i:j], out[i:j], *numbers), full, full, 16)
    else:
        for start in range(0, full, 4 * _BLOCK):  # many short steps: longer blocks than elsewhere
            stop = min(start + 4 * _BLOCK, full)
            out[start:stop] = row(unit(generator, stop - start), mean, std)
    if full < n:
        if dtype != np.float16:  # the uniforms of the last row are drawn and not used, but for float16
            generator.skip((n - full) * (2 if dtype == np.float64 else 1))
        units = unit(generator, 16)
        if dtype == np.float32 and numba_loaded():
            _rows32_loop(units, out[-16:], np.float32(mean), np.float32(std))
        else:
            out[-16:] = row(units, mean, std)
    return out.reshape(shape)


def _halves(rows: Array) -> tuple[Array, Array]:
    """The first and the last eight of every sixteen, each as one contiguous array."""
    eights = rows.view(np.dtype((np.void, 8 * rows.itemsize))).reshape(-1, 2)
    return eights[:, 0].copy().view(rows.dtype), eights[:, 1].copy().view(rows.dtype)


def _join(first: Array, second: Array) -> Array:
    """The inverse of `_halves`."""
    eight = np.dtype((np.void, 8 * first.itemsize))
    out = np.empty((first.size // 8, 2), eight)
    out[:, 0], out[:, 1] = first.view(eight), second.view(eight)
    return out.reshape(-1).view(first.dtype)


def _rows32(unit: Array, mean: float, std: float) -> Array:
    """Box-Muller on rows of sixteen float32."""
    u1, u2 = _halves(unit)
    np.subtract(_ONE, u1, u1)
    u2 *= _TWO_PI
    # A short array costs calls, not arithmetic: look for ties once, at the end, and if any, begin again.
    ties: list[Array] | None = [] if unit.size <= 2048 else None
    radius, (sine, cosine) = _log(u1, ties), _sincos(u2, ties)
    if ties and _any_tie(ties):
        radius, (sine, cosine) = _log(u1, None), _sincos(u2, None)
    radius *= _MINUS_TWO
    np.sqrt(radius, radius)
    cosine *= radius
    sine *= radius
    if mean != 0 or std != 1:
        scale, shift = float(np.float32(std)), float(np.float32(mean))
        cosine, sine = _fma32(cosine, scale, shift), _fma32(sine, scale, shift)
    else:  # the fused addition of +0 makes a zero positive
        cosine += _ZERO
        sine += _ZERO
    return _join(cosine, sine)


@compiled(STRICT, inline=True)
def _pair32(first: Any, second: Any) -> Any:
    """Box-Muller of one pair of uniforms, with the processor's own fused multiply-adds."""
    bits = f4(F_ONE - first).view(i4)
    e = f4(i4(i4(bits >> 23) - i4(126)))
    m = f4(i4(i4(bits & FRACTION) | HALF_BITS).view(f4))
    small = m < F_SQRT_HALF
    e = e - F_ONE if small else e
    x = m - F_ONE + m if small else m - F_ONE
    z = x * x
    y = fma(fma(fma(fma(LOG0, x, LOG1), x, LOG2), x, LOG3), x, LOG4)
    y = fma(fma(fma(fma(y, x, LOG5), x, LOG6), x, LOG7), x, LOG8) * x
    y = fma(y, z, e * F_LN2_LOW)
    y = y - z * F_HALF
    radius = np.sqrt(f4(F_MINUS_TWO * fma(e, F_LN2_HIGH, f4(y + x))))

    x = second * F_TWO_PI
    j = i4(i4(i4(x * F_FOUR_OVER_PI) + i4(1)) & i4(~1))
    y = f4(j)
    x = fma(y, QUARTER2, fma(y, QUARTER1, fma(y, QUARTER0, x)))
    z = x * x
    c = fma(fma(COS0, z, COS1), z, COS2)
    c = fma(c * z, z, z * F_MINUS_HALF) + F_ONE
    s = fma(fma(SIN0, z, SIN1), z, SIN2)
    s = fma(s * z, x, x)
    swap = i4(j & i4(2)) != i4(0)
    sine, cosine = f4(c if swap else s), f4(s if swap else c)
    sine = i4(sine.view(i4) ^ i4(i4(j & i4(4)) << 29)).view(f4)
    cosine = i4(cosine.view(i4) ^ i4(i4(i4(j + i4(2)) & i4(4)) << 29)).view(f4)
    return f4(cosine * radius), f4(sine * radius)


@compiled(STRICT)
def _rows32_loop(unit: Any, out: Any, mean: Any, std: Any) -> None:
    """What ``_rows32`` does, some rows at a time: their halves side by side make vector instructions."""
    first, second = np.empty(512, f4), np.empty(512, f4)
    for start in range(0, unit.size, 1024):
        count = min(512, (unit.size - start) // 2)
        for i in range(count):
            at = start + i + (i & ~7)
            first[i] = unit[at]
            second[i] = unit[at + 8]
        for i in range(count):
            a, b = _pair32(first[i], second[i])
            first[i] = fma(a, std, mean)
            second[i] = fma(b, std, mean)
        for i in range(count):
            at = start + i + (i & ~7)
            out[at] = first[i]
            out[at + 8] = second[i]


def _rows64(unit: Array, mean: float, std: float) -> Array:
    """Box-Muller on rows of sixteen float64, by the C library's functions."""
    u1, u2 = _halves(unit)
    radius = np.sqrt(-2 * _libm("log")(1 - u1))
    u2 *= 2 * math.pi
    cosine, sine = radius * _libm("cos")(u2), radius * _libm("sin")(u2)
    if mean != 0 or std != 1:
        cosine, sine = _fma64(cosine, std, mean), _fma64(sine, std, mean)
    else:
        cosine += 0.0
        sine += 0.0
    return _join(cosine, sine)


def _box_muller(generator: Twister, n: int, mean: float, std: float) -> Array:
    """``n`` float64 normals by pairs, using and leaving the generator's kept one."""
    out = np.empty(n)
    if n == 0:
        return out
    start = 0
    if generator.next_double is not None:
        out[0], generator.next_double, start = generator.next_double, None, 1
    pairs = (n - start + 1) // 2
    if pairs <= 16:
        words = generator._bits.random_raw(4 * pairs).tolist()
        values: list[float] = []
        for i in range(0, 4 * pairs, 4):
            a, b, c, d = words[i : i + 4]
            radius = math.sqrt(-2.0 * math.log1p(-((c << 32 | d) & _MASK53) * _LOW53))
            theta = 2.0 * math.pi * (((a << 32 | b) & _MASK53) * _LOW53)
            values += (radius * math.cos(theta), radius * math.sin(theta))
        drawn = np.array(values)
    else:
        unit = _unit64(generator, 2 * pairs)
        radii = np.sqrt(-2.0 * _libm("log1p")(-unit[1::2]))
        angles = (2.0 * math.pi) * unit[::2]
        drawn = np.empty(2 * pairs)
        drawn[::2], drawn[1::2] = radii * _libm("cos")(angles), radii * _libm("sin")(angles)
    out[start:] = drawn[: n - start]
    if (n - start) % 2:
        generator.next_double = float(drawn[-1])
    if mean != 0 or std != 1:
        if n < 16:
            return np.array([_fma(x, std, mean) for x in out.tolist()])
        return _fma64(out, std, mean)
    return out + 0.0


def normal_of(generator: Twister, mean: Any, std: Any, shape: Shape | None = None, dtype: Any = None) -> Array:
    """``torch.normal`` with an array for ``mean`` or ``std`` or both: normals scaled and moved after.

    ``dtype`` is that of the array (of the mean, if both are). The steps, each rounded to ``dtype``, are
    n * std, then + mean; a number ``std`` beside an array ``mean`` goes into the draw itself.
    """
    arrays = [np.asarray(v) for v in (mean, std) if isinstance(v, np.ndarray)]
    if not arrays:
        raise TypeError("normal_of expects an array for mean or std; for two numbers use normal")
    dtype = np.dtype(dtype or arrays[0].dtype)
    if isinstance(std, np.ndarray):
        if std.dtype.kind == "c":
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if std.size and not std.min() >= 0:
            raise RuntimeError("normal expects all elements of std >= 0.0")
    size = np.broadcast_shapes(*(a.shape for a in arrays)) if shape is None else shape
    if not isinstance(std, np.ndarray):
        out = normal(generator, size, 0.0, std, dtype)
    else:
        out = normal(generator, size, 0.0, 1.0, dtype)
        out *= std.astype(dtype, copy=False)
    out += np.asarray(mean).astype(dtype, copy=False)
    return out


def _of_double(generator: Twister, shape: Shape, dtype: Any, f: Callable[[Array], Array]) -> Array:
    """``f`` of float64 uniforms, as ``dtype``."""
    return _by_blocks(_size(shape), dtype, lambda k: _cast(f(_unit64(generator, k)), dtype)).reshape(shape)


def exponential(generator: Twister, shape: Shape, lambd: float = 1.0, dtype: Any = np.float32) -> Array:
    """Exponential numbers: ``exponential_``. -log1p(-u) / lambda, in float64."""
    dtype = np.dtype(dtype)
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    if dtype.kind != "f":
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating"
            f" point but you specified {_NAMES[dtype.name]}"
        )
    log1p, scale = _libm("log1p"), -1.0 / lambd
    return _of_double(generator, shape, dtype, lambda u: scale * log1p(-u))


def cauchy(generator: Twister, shape: Shape, median: float = 0.0, sigma: float = 1.0, dtype: Any = np.float32) -> Array:
    """Cauchy numbers: ``cauchy_``. median + sigma tan(pi (u - 1/2)), in float64."""
    dtype = np.dtype(dtype)
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    if dtype.kind != "f":
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but"
            f" you specified {_TYPES.get(dtype.name, dtype.name)}"
        )
    tan = _libm("tan")
    return _of_double(generator, shape, dtype, lambda u: _fma64(tan(math.pi * (u - 0.5)), sigma, median))


def geometric(generator: Twister, shape: Shape, p: float, dtype: Any = np.float32) -> Array:
    """The number of trials up to the first success: ``geometric_``. ceil(log u / log1p(-p)). Not for bool."""
    dtype = np.dtype(dtype)
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    if dtype.kind == "b":
        raise _not_implemented("geometric_cpu", dtype)
    _check_real("geometric_cpu", dtype)
    log, per = _libm("log"), math.log1p(-p)

    def draw(u: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.ceil(log(u) / per)

    if dtype.kind == "f":
        return _of_double(generator, shape, dtype, draw)
    return _of_double(generator, shape, np.float64, draw).astype(np.int64).astype(dtype)


def log_normal(generator: Twister, shape: Shape, mean: float = 1.0, std: float = 2.0, dtype: Any = np.float32) -> Array:
    """exp of normal numbers: ``log_normal_``. In float64, by pairs, of which one may be kept back."""
    dtype = np.dtype(dtype)
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    _check_floating("log_normal_cpu", dtype)
    with np.errstate(over="ignore"):
        return _cast(_libm("exp")(_box_muller(generator, _size(shape), mean, std)), dtype).reshape(shape)


# ---- integers ------------------------------------------------------------------------------------------

_DIGITS = {"float16": 11, "float32": 24, "float64": 53}
_I64 = np.iinfo(np.int64)


def _remainder(words: Array, divisor: int) -> Array:
    """``words % divisor`` in place. NumPy divides by a scalar faster than it takes remainders."""
    kind = words.dtype.type
    if divisor & (divisor - 1) == 0:
        words &= kind(divisor - 1)
        return words
    quotient = words // kind(divisor)
    quotient *= kind(divisor)
    words -= quotient
    return words


def _from_int64(x: Array, dtype: np.dtype[Any]) -> Array:
    """int64 to ``dtype`` as C++ casts: wrapped for integers, by way of float32 for float16."""
    with np.errstate(over="ignore"):
        return x.astype(np.float32).astype(dtype) if dtype == np.float16 else x.astype(dtype, copy=False)


def _nearest_inside(low: int, high: int | None, dtype: np.dtype[Any]) -> tuple[int, int | None]:
    """``low`` and ``high`` moved inwards, so that a cast of [low, high) to ``dtype`` stays inside."""
    digits = _DIGITS[dtype.name]

    def cast(value: int) -> int:
        with np.errstate(over="ignore"):
            there = float(_from_int64(np.array([value], np.int64), dtype)[0])
        return int(there) if -(2.0**63) <= there < 2.0**63 else _I64.min  # as x86 converts what is out of range

    above = cast(low + 1)
    if above < low:
        low = above + (1 << (abs(low + 1).bit_length() - digits))
    if high is not None:
        below = cast(high - 1)
        if below >= high:
            high = below - (1 << (abs(high - 1).bit_length() - digits))
    return low, high


def _check_bounds(low: int, last: int, dtype: np.dtype[Any]) -> None:
    if dtype.kind == "f":
        smallest, largest = -float(np.finfo(dtype).max), float(np.finfo(dtype).max)
    elif dtype.kind == "b":
        smallest, largest = 0, 1
    else:
        smallest, largest = int(np.iinfo(dtype).min), min(int(np.iinfo(dtype).max), int(_I64.max))
    for name, value in (("from", low), ("to - 1", last)):
        if not smallest <= value <= largest:
            raise RuntimeError(f"{name} is out of bounds for {_TYPES[dtype.name]}: {value}")


def randint(generator: Twister, low: int, high: int | None, shape: Shape, dtype: Any = np.int64) -> Array:
    """Whole numbers in [low, high): ``randint``, ``random_(from, to)``; None is past the largest.

    One word modulo the range: of 32 bits, or of 64 where the range is 2**28 or more. For floats the bounds
    are moved inwards to representable ones; up to None then means up to 2**(bits of the significand).
    """
    dtype = np.dtype(dtype)
    n = _size(shape)
    if high is not None and low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if dtype.name not in _TYPES and (high is not None or low != _I64.min):
        raise RuntimeError(
            f"check_random_bounds handles only integral, floating-point and boolean types, not {dtype.name}"
        )
    if high is None:
        if low == _I64.min:
            if dtype.name in ("bool", "float16") or (dtype.kind in "uc" and dtype.name != "uint8"):
                raise _not_implemented("random_full_64_bits_range_kernel_cpu", dtype)
            if dtype.name not in ("int64", "float32", "float64"):
                raise RuntimeError(
                    "random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16, not"
                    f" {dtype.name}"
                )
            return _from_int64(generator.random64(n).view(np.int64), dtype).reshape(shape)
        if dtype.kind == "f":
            last = 1 << _DIGITS[dtype.name]
            low, _ = _nearest_inside(low, None, dtype)
            if low >= last:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to"
                    f" dtype, but got from={low} > to_inc={last}"
                )
        else:
            last = 1 if dtype.kind == "b" else min(int(np.iinfo(dtype).max), int(_I64.max))
        high = last + 1
    else:
        if dtype.kind == "f":
            low, moved = _nearest_inside(low, high, dtype)
            high = high if moved is None else moved
            if low >= high:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got"
                    f" from={low} >= to={high}"
                )
        last = high - 1
    _check_bounds(low, last, dtype)
    if n == 0:
        return np.empty(shape, dtype)
    width = high - low

    def draw(k: int) -> Array:
        words = generator.random64(k) if width >= 1 << 28 else generator.random32(k)
        words = _remainder(words, width).astype(np.int64, copy=False).view(np.int64)
        if low:
            words += low
        return _from_int64(words, dtype)

    return _by_blocks(n, dtype, draw).reshape(shape)


def random(generator: Twister, shape: Shape, dtype: Any = np.int64) -> Array:
    """``random_()``: 0 to the largest integer of ``dtype``, or to 2**(bits of the significand) of a float."""
    dtype = np.dtype(dtype)
    n = _size(shape)
    if dtype.kind == "b":
        return (generator.random32(n) & np.uint32(1)).astype(np.bool_).reshape(shape)
    if dtype.kind == "f" and dtype.name in _DIGITS:
        width = (1 << _DIGITS[dtype.name]) + 1
    elif dtype.name in ("uint8", "int8", "int16", "int32", "int64"):
        width = int(np.iinfo(dtype).max) + 1
    else:
        raise _not_implemented("random_kernel_cpu", dtype)
    words = generator.random64(n) if dtype.name in ("int64", "float64") else generator.random32(n)
    words = _remainder(words, width).astype(np.int64, copy=False).view(np.int64)
    return _from_int64(words, dtype).reshape(shape)


def randperm(generator: Twister, n: int, dtype: Any = np.int64) -> Array:
    """A permutation of 0 to n - 1: ``randperm``. Fisher and Yates' shuffle from the front.

    Position i changes places with i + (32-bit word modulo n - i). From 2**32 / 20 on, the inside-out shuffle
    with 64-bit words.
    """
    dtype = np.dtype(dtype)
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got{n}")
    if dtype.kind == "b":
        raise _not_implemented("randperm", dtype)
    _check_real("randperm", dtype)
    limit = (1 << _DIGITS[dtype.name]) + 1 if dtype.kind == "f" else int(np.iinfo(dtype).max)
    if n > limit:
        if dtype.kind == "f":
            raise RuntimeError(f"n cannot be greater than {limit} for {_NAMES[dtype.name]} type, got {n}")
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow: {n}")
    if n >= 0xFFFFFFFF // 20:
        return _inside_out(generator, n).astype(dtype)
    if n < 2:
        return np.arange(n, dtype=dtype)
    places = generator.random32(n - 1).astype(np.int64)
    at = np.arange(n - 1)
    places %= n - at
    places += at
    return _from_int64(_swapped(np.arange(n), places), dtype)


def _swapped(order: Array, places: Array) -> Array:
    """``order`` after order[i] and order[places[i]] changed places, for each i in turn; places[i] >= i.

    A stretch of swaps much shorter than what is left mostly touches each position once, so those swaps go
    together. The ones that share a position with another are then done in turn.
    """
    n, start = order.size, 0
    if n > 4096:
        last = np.empty(n, np.int64)  # which swap wrote last to a position
        shared = np.zeros(n, np.bool_)
        while n - start > 4096:
            stop = start + (n - start) // 32
            at, to = np.arange(start, stop), places[start:stop]
            last[to] = at
            meet = to[(last[to] != at) | ((to < stop) & (to != at))]
            shared[meet] = True
            alone = ~(shared[at] | shared[to])
            shared[meet] = False
            i, j = at[alone], to[alone]
            order[i], order[j] = order[j], order[i]
            for a, b in zip(at[~alone].tolist(), to[~alone].tolist(), strict=True):
                order[a], order[b] = order[b], order[a]
            start = stop
    rest = order[start:].tolist()
    for a, b in enumerate((places[start:] - start).tolist()):
        rest[a], rest[b] = rest[b], rest[a]
    order[start:] = rest
    return order


def _inside_out(generator: Twister, n: int) -> Array:
    """The shuffle for the largest ``n``: element i goes to a place z <= i, what was there goes to i."""
    out = np.empty(n, np.int64)
    for start in range(0, n, _BLOCK):
        at = np.arange(start, min(start + _BLOCK, n), dtype=np.uint64)
        for i, z in enumerate((generator.random64(at.size) % (at + np.uint64(1))).tolist(), start):
            out[i] = out[z] if z < i else i
            out[z] = i
    return out


# ---- choices -------------------------------------------------------------------------------------------


def bernoulli(generator: Twister, p: Any, shape: Shape | None = None, dtype: Any = np.float32) -> Array:
    """Ones with probability ``p``: ``bernoulli``, ``bernoulli_``. Any real ``dtype`` or bool.

    A number or a float64 array is compared with 53-bit uniforms (two words each), an array of float32 or
    float16 with 24-bit ones (one word each). PyTorch's public wheels no longer use MKL here, so there is one
    stream.
    """
    dtype = np.dtype(dtype)
    if not isinstance(p, np.ndarray):
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        _check_real("bernoulli_scalar_cpu_", dtype)
        if shape is None:
            raise TypeError("bernoulli expects a shape beside a number p")
        bound = np.uint64(math.ceil(p * 2.0**53))  # k 2**-53 < p, in whole numbers

        def draw(k: int) -> Array:
            words = generator.random64(k)
            words &= np.uint64(_MASK53)
            return words < bound

        return _by_blocks(_size(shape), dtype, draw).reshape(shape)
    _check_real("bernoulli_tensor_cpu_self_", dtype)
    if p.dtype.kind != "f":
        raise _not_implemented("bernoulli_tensor_cpu_p_", p.dtype)
    shape = p.shape if shape is None else shape
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false: p holds values outside [0, 1]")
    n = _size(shape)
    unit = _unit64(generator, n) if p.dtype == np.float64 else _unit32(generator, n)
    return (unit.reshape(shape) < p).astype(dtype)


def dropout_noise(
    generator: Twister, shape: tuple[int, ...], p: float, dtype: Any = np.float32, feature: bool = False
) -> Array:
    """What ``dropout`` multiplies by: 0 with probability ``p``, else 1 / (1 - p).

    With ``feature`` (``dropout1d`` to ``dropout3d``) one draw for each of the first two axes, the others of
    length 1. PyTorch draws nothing where p is 0 or 1, where it does not train, or where there is no element.
    """
    noise = bernoulli(generator, 1 - p, _feature_shape(shape) if feature else shape, dtype)
    if noise.dtype == np.float16:  # the divisor stays float32
        return (noise / np.float32(1 - p)).astype(np.float16)
    noise /= noise.dtype.type(1 - p)
    return noise


def alpha_dropout_noise(
    generator: Twister, shape: tuple[int, ...], p: float, dtype: Any = np.float32, feature: bool = False
) -> tuple[Array, Array]:
    """Scale and shift of ``alpha_dropout`` (Klambauer et al. 2017), which is ``input * scale + shift``."""
    noise = bernoulli(generator, 1 - p, _feature_shape(shape) if feature else shape, dtype)
    kind = noise.dtype.type
    alpha = 1.7580993408473766
    a = 1.0 / math.sqrt((alpha * alpha * p + 1) * (1 - p))
    shift = noise - kind(1)
    shift *= kind(alpha * a)
    shift += kind(alpha * a * p)
    noise *= kind(a)
    return noise, shift


def _feature_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*shape[:2], *(1 for _ in shape[2:]))


def rrelu_noise(generator: Twister, x: Array, lower: float, upper: float) -> Array:
    """The slopes of ``rrelu`` in training: uniform in [lower, upper) where ``x`` <= 0, else 1, undrawn."""
    noise = np.ones(x.shape, x.dtype)
    below = x <= 0
    low, high = float(x.dtype.type(lower)), float(x.dtype.type(upper))
    u = _unit64(generator, int(np.count_nonzero(below)))
    noise[below] = _cast(u * (high - low) + low, x.dtype)
    return noise


def multinomial(generator: Twister, p: Array, n: int, replacement: bool = False) -> Array:
    """``n`` indices (int64) for each row of weights ``p`` (one or two axes): ``multinomial``.

    With replacement: bisection of the running sums (in the dtype of ``p``) by float64 uniforms. Without: the
    greatest ``n`` of p / Exp(1), in falling order, equal ones as the C++ library leaves them (`_greatest`).
    """
    if p.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, but it has {p.ndim}")
    if p.dtype.kind != "f":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {p.dtype.name}")
    if n <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {n}")
    kinds = p.shape[-1]
    if not replacement and n > kinds:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if kinds > 1 << 24:
        raise RuntimeError(f"number of categories cannot exceed 2^24, got {kinds}")
    out = np.empty((*p.shape[:-1], n), np.int64)
    if out.size == 0:
        return out
    if not replacement or n == 1:
        if not (p.max() < math.inf and p.min() >= 0):
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        if np.any(p.sum(-1) == 0):
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        with np.errstate(divide="ignore", invalid="ignore"):
            score = p / exponential(generator, p.shape, 1.0, p.dtype)
        if n == 1:
            out[..., 0] = np.argmax(score, -1)
            return out
        for row, result in zip(score.reshape(-1, kinds), out.reshape(-1, n), strict=True):
            order = np.argsort(-row, kind="stable")
            top = row[order[: n + 1]]
            result[:] = _greatest(row.tolist(), n) if np.any(top[1:] == top[:-1]) else order[:n]
        return out
    rows, results = p.reshape(-1, kinds), out.reshape(-1, n)
    if len(rows) > 1 and rows.min() >= 0 and np.isfinite(rows).all():
        totals = np.cumsum(rows, -1, np.float32 if rows.dtype == np.float16 else rows.dtype)
        if totals[:, -1].min() > 0:
            totals /= totals[:, -1:].copy()
            totals[:, -1] = 1
            units = _unit64(generator, results.size).reshape(results.shape)
            for i, (ends, unit) in enumerate(zip(totals.astype(np.float64), units, strict=True)):
                results[i] = ends.searchsorted(unit)
            return out
    for row, result in zip(rows, results, strict=True):
        if not row.min() >= 0:
            raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
        if not np.isfinite(row).all():
            raise RuntimeError("invalid multinomial distribution (encountering probability entry = infinity or NaN)")
        total: Array = np.cumsum(row, dtype=np.float32 if row.dtype == np.float16 else row.dtype)
        if not total[-1] > 0:
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        total /= total[-1]
        total[-1] = 1
        result[:] = np.searchsorted(total.astype(np.float64), _unit64(generator, n), "left")
    return out


Pairs = list[tuple[float, int]]


def _greatest(values: list[float], k: int) -> list[int]:
    """The indices of the ``k`` greatest values in falling order, equal ones in the order PyTorch gives.

    That order is what GNU's C++ library happens to leave: a heap of k where 64 k is at most the length, else
    quick-select and an introspective sort (Musser 1997). The steps below follow its published behaviour.
    """
    x = [(value, i) for i, value in enumerate(values)]
    n = len(x)
    if 64 * k <= n:
        _heap_select(x, 0, k, n)
        _sort_heap(x, 0, k)
    else:
        _select(x, k - 1)
        _sort(x, 0, k - 1, 2 * max((k - 1).bit_length() - 1, 0))
        _insert_all(x, 0, min(k - 1, 16))
        for i in range(16, k - 1):
            _insert(x, i)
    return [i for _, i in x[:k]]


def _sift(x: Pairs, first: int, hole: int, length: int, value: tuple[float, int]) -> None:
    """Put ``value`` into a heap (least on top) that has a hole: down along the lesser, then up."""
    top = child = hole
    while child < (length - 1) // 2:
        child = 2 * child + 2
        if x[first + child][0] > x[first + child - 1][0]:
            child -= 1
        x[first + hole] = x[first + child]
        hole = child
    if length % 2 == 0 and child == (length - 2) // 2:
        child = 2 * child + 1
        x[first + hole] = x[first + child]
        hole = child
    parent = (hole - 1) // 2
    while hole > top and x[first + parent][0] > value[0]:
        x[first + hole] = x[first + parent]
        hole, parent = parent, (parent - 1) // 2
    x[first + hole] = value


def _heap_select(x: Pairs, first: int, middle: int, last: int) -> None:
    """Bring the greatest of x[first:last] into the heap x[first:middle]."""
    length = middle - first
    for parent in range((length - 2) // 2, -1, -1):
        _sift(x, first, parent, length, x[first + parent])
    for i in range(middle, last):
        if x[i][0] > x[first][0]:
            value, x[i] = x[i], x[first]
            _sift(x, first, 0, length, value)


def _sort_heap(x: Pairs, first: int, last: int) -> None:
    for end in range(last - 1, first, -1):
        value, x[end] = x[end], x[first]
        _sift(x, first, 0, end - first, value)


def _partition(x: Pairs, first: int, last: int) -> int:
    """Part x[first + 1:last] by the median of three, which goes to x[first]; the place of the cut."""
    a, b, c = first + 1, (first + last) // 2, last - 1
    va, vb, vc = x[a][0], x[b][0], x[c][0]
    if va > vb:
        at = b if vb > vc else c if va > vc else a
    else:
        at = a if va > vc else c if vb > vc else b
    x[first], x[at] = x[at], x[first]
    pivot = x[first][0]
    low, high = first + 1, last
    while True:
        while x[low][0] > pivot:
            low += 1
        high -= 1
        while pivot > x[high][0]:
            high -= 1
        if low >= high:
            return low
        x[low], x[high] = x[high], x[low]
        low += 1


def _insert(x: Pairs, i: int, first: int = 0) -> None:
    value = x[i]
    while i > first and value[0] > x[i - 1][0]:
        x[i] = x[i - 1]
        i -= 1
    x[i] = value


def _insert_all(x: Pairs, first: int, last: int) -> None:
    for i in range(first + 1, last):
        _insert(x, i, first)


def _select(x: Pairs, nth: int) -> None:
    """Bring the element of rank ``nth`` to its place, greater ones before it."""
    first, last = 0, len(x)
    depth = 2 * (last.bit_length() - 1)
    while last - first > 3:
        if depth == 0:
            _heap_select(x, first, nth + 1, last)
            x[first], x[nth] = x[nth], x[first]
            return
        depth -= 1
        cut = _partition(x, first, last)
        if cut <= nth:
            first = cut
        else:
            last = cut
    _insert_all(x, first, last)


def _sort(x: Pairs, first: int, last: int, depth: int) -> None:
    """Quicksort down to runs of 16, left for insertion; by heap where it goes too deep."""
    while last - first > 16:
        if depth == 0:
            _heap_select(x, first, last, last)
            _sort_heap(x, first, last)
            return
        depth -= 1
        cut = _partition(x, first, last)
        _sort(x, cut, last, depth)
        last = cut


# ---- distributions by rejection ------------------------------------------------------------------------


class _Doubles:
    """float64 uniforms one by one, drawn a thousand at a time; `close` gives back those not used.

    A few are drawn singly: putting back the state costs as much as a hundred draws.
    """

    __slots__ = ("_blocks", "_generator", "_left", "_single", "_state")

    def __init__(self, generator: Twister, expected: int) -> None:
        self._generator = generator
        self._single = expected <= 64
        self._state = None if self._single else generator._bits.state
        self._left: Any = iter(())
        self._blocks = 0

    def __call__(self) -> float:
        for value in self._left:
            return float(value)
        if self._single:
            return self._generator.double()
        self._blocks += 1
        self._left = iter(_unit64(self._generator, 1024).tolist())
        return float(next(self._left))

    def normal(self) -> float:
        """One standard normal of the scalar path: the one kept back, or the first of a new pair."""
        generator = self._generator
        kept = generator.next_double
        if kept is not None:
            generator.next_double = None
            return kept
        theta = 2.0 * math.pi * self()
        radius = math.sqrt(-2.0 * math.log1p(-self()))
        generator.next_double = radius * math.sin(theta)
        return radius * math.cos(theta)

    def close(self) -> None:
        if self._state is not None:
            used = self._blocks * 1024 - self._left.__length_hint__()
            self._generator._bits.state = self._state
            self._generator.skip(2 * used)


def _one_by_one(generator: Twister, sample: Callable[..., float], *columns: Array) -> Array:
    """``sample(draws, *row)`` for each row of the flattened ``columns``, as float64."""
    size = columns[0].size
    draws = _Doubles(generator, size)
    try:
        rows = zip(*(column.ravel().tolist() for column in columns), strict=True)
        return np.array([sample(draws, *row) for row in rows], np.float64)
    finally:
        draws.close()


def poisson(generator: Twister, rate: Array) -> Array:
    """Poisson numbers of the given rates, in their dtype: ``poisson``.

    Below 10 the count of uniforms whose product stays above exp(-rate); else Hoermann's transformed rejection
    (1993), in float64.
    """
    _check_floating("poisson_cpu", rate.dtype)
    if rate.size and not rate.min() >= 0:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return _cast(_one_by_one(generator, _poisson, rate), rate.dtype).reshape(rate.shape)


def _poisson(draws: _Doubles, rate: float) -> float:
    if rate == 0:
        return 0.0
    if rate < 10:
        bound, product, k = math.exp(-rate), draws(), 0
        while product > bound:
            product *= draws()
            k += 1
        return k
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = draws() - 0.5
        v = draws()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43) if us else -1
        if us >= 0.07 and v <= v_r:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        log_v = math.log(v) if v else -math.inf
        if log_v + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= -rate + k * log_rate - math.lgamma(k + 1):
            return k


def _gamma_of(generator: Twister, alpha: Array) -> Array:
    """float64 gamma numbers, the parameters computed in the dtype of ``alpha``.

    Marsaglia and Tsang's rejection (2000); below 1, that of alpha + 1 times a power of a uniform number.
    """
    kind = alpha.dtype.type
    small = alpha < kind(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = (kind(1) / alpha).astype(np.float64)
        d = (np.where(small, alpha + kind(1), alpha) - kind(np.float32(1) / np.float32(3))).astype(np.float64)
        c = 1.0 / np.sqrt(9.0 * d)
    return _one_by_one(generator, _gamma, alpha.astype(np.float64), small, power, d, c)


_SQUEEZE = float(np.float32(0.0331))


def _gamma(draws: _Doubles, alpha: float, small: bool, power: float, d: float, c: float) -> float:
    scale = 1.0
    if small:
        if alpha == 0:
            return 0.0
        scale = _pow(1 - draws(), power)
    while True:
        while True:
            x = draws.normal()
            y = 1.0 + c * x
            if not y <= 0:
                break
        v = y * y * y
        u = 1 - draws()
        xx = x * x
        if u < 1.0 - _SQUEEZE * xx * xx or math.log(u) < 0.5 * xx + d * (1.0 - v + math.log(v)):
            return scale * d * v


def _pow(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf


def standard_gamma(generator: Twister, alpha: Array) -> Array:
    """Gamma numbers of shape ``alpha`` and rate 1, in its dtype, at least its least normal number."""
    if alpha.dtype.name not in ("float32", "float64"):
        raise _not_implemented("gamma_cpu", alpha.dtype)
    tiny = np.finfo(alpha.dtype).tiny
    sample: Array = np.fmax(_cast(_gamma_of(generator, alpha), alpha.dtype), tiny)
    return sample.reshape(alpha.shape)


def dirichlet(generator: Twister, alpha: Array) -> Array:
    """Dirichlet numbers, the last axis a simplex: float64 gamma numbers over their sum, then cast."""
    if alpha.dtype.name not in ("float32", "float64"):
        raise _not_implemented("dirichlet", alpha.dtype)
    gamma = np.fmax(_gamma_of(generator, alpha.astype(np.float64)), np.finfo(np.float64).tiny).reshape(alpha.shape)
    ratio = (gamma / _sum_last(gamma)).astype(alpha.dtype)
    one = alpha.dtype.type(1)
    np.maximum(ratio, np.finfo(alpha.dtype).tiny, out=ratio)
    return np.asarray(np.minimum(ratio, np.nextafter(one, one - one)))


def beta(generator: Twister, a: Array, b: Array) -> Array:
    """Beta numbers as ``torch.distributions.Beta`` draws them: the first coordinate of a Dirichlet pair."""
    return dirichlet(generator, np.stack(np.broadcast_arrays(a, b), -1))[..., 0].copy()


def _sum_last(x: Array) -> Array:
    """The sum of float64 over the last axis (kept) in PyTorch's order for AVX2.

    Four lanes and four rows of partial sums, each a cascade of up to four levels; the rest first, then the
    lanes.
    """
    k = x.shape[-1]
    if k < 4:
        total = np.zeros((*x.shape[:-1], 1))
        for i in range(k):
            total = total + x[..., i : i + 1]
        return total
    vectors = k // 4
    lanes = x[..., : vectors * 4].reshape(*x.shape[:-1], vectors, 4)
    rows = vectors // 4
    sums = _cascade(lanes[..., : rows * 4, :].reshape(*x.shape[:-1], rows, 4, 4), rows)
    first = sums[..., 0, :]
    for i in range(rows * 4, vectors):
        first = first + lanes[..., i, :]
    for i in range(1, 4):
        first = first + sums[..., i, :]
    total = np.zeros(x.shape[:-1])
    for i in range(vectors * 4, k):
        total = total + x[..., i]
    for i in range(4):
        total = total + first[..., i]
    return total[..., None]


def _cascade(x: Array, size: int) -> Array:
    """The sum of ``size`` entries along axis -3, in four levels of 2**power entries each."""
    power = max(4, (max(size - 1, 0).bit_length()) // 4)
    step = 1 << power
    shape = (*x.shape[:-3], *x.shape[-2:])
    levels = [np.zeros(shape) for _ in range(4)]
    i = 0
    while i + step <= size:
        for _ in range(step):
            levels[0] = levels[0] + x[..., i, :, :]
            i += 1
        for j in range(1, 4):
            levels[j] = levels[j] + levels[j - 1]
            levels[j - 1] = np.zeros(shape)
            if i & ((step - 1) << (j * power)):
                break
    for at in range(i, size):
        levels[0] = levels[0] + x[..., at, :, :]
    return ((levels[0] + levels[1]) + levels[2]) + levels[3]


def binomial(generator: Twister, count: Array, p: Array) -> Array:
    """Binomial numbers in the dtype of ``count``: ``binomial``.

    Hoermann's BTRS (1993) where count * min(p, 1 - p) is 10 or more, else the sum of geometric gaps. What
    PyTorch computes in the dtype of the tensors is computed so here.
    """
    if count.dtype != p.dtype:
        raise RuntimeError(
            f"Found dtype {_NAMES.get(p.dtype.name, p.dtype.name)} but expected"
            f" {_NAMES.get(count.dtype.name, count.dtype.name)}"
        )
    if count.dtype.name not in ("float32", "float64"):
        raise _not_implemented("binomial_cpu", count.dtype)
    count, p = np.broadcast_arrays(count, p)
    kind = count.dtype.type

    def sample(draws: _Doubles, n: float, prob: float) -> float:
        if n <= 0 or prob <= 0:
            return 0.0
        if prob >= 1:
            return n
        if prob <= 0.5:
            return _binomial(draws, kind(n), kind(prob))
        if prob > 0.5:
            return float(kind(n - _binomial(draws, kind(n), kind(1.0 - prob))))
        return math.nan

    return _cast(_one_by_one(generator, sample, count, p), count.dtype).reshape(count.shape)


_STIRLING = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling(k: float) -> float:
    """The tail of Stirling's series: log k! less the leading terms."""
    if k < 10:
        return _STIRLING[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def _binomial(draws: _Doubles, count: Any, p: Any) -> float:
    kind = type(count)
    if not count * p >= kind(10):
        total, k, per, n = 0.0, 0, float(np.log1p(-p)), float(count)
        while True:
            u = draws()
            total += math.ceil(math.log(u) / per) if u else math.inf
            if total > n:
                return k
            k += 1
    one = kind(1)
    deviation = float(np.sqrt(count * p * (one - p)))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * float(p)
    c = float(count * p) + 0.5
    v_r = 0.92 - 4.2 / b
    r = float(p / (one - p))
    alpha = (2.83 + 5.1 / b) * deviation
    m = math.floor((count + one) * p)
    n, n1 = float(count), float(count + one)
    while True:
        u = draws() - 0.5
        v = draws()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + c) if us else -1
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= v_r:
            return k
        v = v * alpha / (a / (us * us) + b)
        log_v = math.log(v) if v else -math.inf
        bound = (
            (m + 0.5) * math.log((m + 1) / (r * (n - m + 1)))
            + n1 * math.log((n - m + 1) / (n - k + 1))
            + (k + 0.5) * math.log(r * (n - k + 1) / (k + 1))
            + _stirling(m)
            + _stirling(n - m)
            - _stirling(k)
            - _stirling(n - k)
        )
        if log_v <= bound:
            return k
