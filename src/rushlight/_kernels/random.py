"""PyTorch's random numbers on the CPU, bit for bit, in NumPy.

One generator (`Twister`, the 32-bit Mersenne Twister) and one function for each distribution: generator and
shape in, array out. PyTorch's compiled kernels use fused multiply-adds and, for float32 normals, the
polynomials of Cephes; both are reproduced here by exact float64 arithmetic, so a seed gives the same digits.
Every array is drawn in C order; `memory_order` tells in which order PyTorch fills a tensor of other strides.
The reference is PyTorch 2.13 on x86-64 with AVX2 or AVX-512 (where it takes the same path); elsewhere PyTorch
itself differs from this in the last bit of float32 normals.
"""

from __future__ import annotations

import functools
import math
import os
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Shape = int | tuple[int, ...]

_BLOCK = 1 << 14  # elements worked on at a time: the temporaries stay in the second-level cache
_KEYS = 624  # words of state in the Mersenne Twister
_STATE_BYTES = 5056  # seed, left, seeded, next, 624 words of 64 bits, 3 doubles, flag, float, flag
_LOW24 = 2.0**-24
_LOW53 = 2.0**-53
_MASK53 = (1 << 53) - 1


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
            raise RuntimeError(f"Overflow when unpacking long long: seed {seed} is not in [-2**63, 2**64)")
        self._seed = seed % (1 << 64)
        self._bits._legacy_seeding(self._seed & 0xFFFFFFFF)  # type: ignore[attr-defined]
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

        Words are little-endian: seed (8 bytes), left (4), seeded (4), next (8), 624 keys (8 each), three doubles
        of which the second is the normal kept back, a 4-byte flag for it, 4 bytes of padding, the float kept back
        (4), its flag (1), and padding.
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
            raise TypeError(f"expected a torch.ByteTensor, but got an array of {state.dtype}")
        if state.size != _STATE_BYTES:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE_BYTES} but found the input RNG state size to be"
                f" {state.size}"
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

    Draw for ``array.transpose(memory_order(array))``. (PyTorch's normals of 16 elements and more also take the
    path of small tensors when the tensor is not contiguous: `normal` with ``contiguous=False``.)
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


# ---- exact arithmetic -----------------------------------------------------------------------------------------


def _fma32(a: Any, b: Any, c: Any) -> Array:
    """``a * b + c`` of float32 values, rounded once, as float32.

    The product is exact in float64. The sum may fall, by its own rounding, on the middle between two float32
    numbers; there, and only there, rounding twice could go wrong, and the lost remainder decides.
    """
    product = np.multiply(a, b, dtype=np.float64)
    total = product + c
    middle = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    if np.count_nonzero(middle):
        at = np.nonzero(middle)
        s, p = total[at], product[at]
        q = np.broadcast_to(np.asarray(c, np.float64), total.shape)[at]
        back = s - p
        rest = (p - (s - back)) + (q - back)
        total[at] = np.where(rest == 0, s, np.nextafter(s, np.copysign(np.inf, rest)))
    return total.astype(np.float32)


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
    """``a * b + c`` of Python floats, rounded once (the division of two integers is correctly rounded)."""
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    (p, q), (r, s), (t, u) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    top = p * r * u + t * q * s
    return top / (q * s * u) if top else a * b + c


@functools.cache
def _libm(name: str) -> Callable[[Array], Array]:
    """The C library's ``name`` on float64 arrays.

    NumPy's own vectorised functions may differ from the C library by a bit on some processors. A thousand points
    tell; if one differs, the slow way is taken.
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


def _log(x: Array) -> Array:
    """Natural logarithm of positive float32 numbers by the Cephes polynomial, as PyTorch's AVX2 code takes it.

    The domain error of zero is not looked at, since the argument is 1 minus a uniform number.
    """
    f = np.float32
    bits = x.view(np.int32)
    e = ((bits >> 23) - 126).astype(f)
    m = ((bits & 0x007FFFFF) | 0x3F000000).view(f)
    small = m < f(0.707106781186547524)
    e -= small
    x = m - f(1)
    x += m * small
    x64 = x.astype(np.float64)
    z = x * x
    y: Any = _LOG[0]
    for c in _LOG[1:]:
        y = _fma32(y, x64, c)
    y = y * x
    y = _fma32(y, z, e * f(-2.12194440e-4))
    y -= z * f(0.5)
    y += x
    return _fma32(e, f(0.693359375), y)


def _sincos(x: Array) -> tuple[Array, Array]:
    """Sine and cosine of float32 numbers in [0, 2 pi] by the Cephes polynomials, as PyTorch's AVX2 code does."""
    f = np.float32
    j = ((x * f(1.27323954473516)).astype(np.int32) + 1) & ~1
    y = j.astype(np.float64)
    for part in _QUARTER:
        x = _fma32(y, part, x)
    z = x * x
    z64 = z.astype(np.float64)
    c = _fma32(_fma32(_COS[0], z64, _COS[1]), z64, _COS[2])
    c = _fma32(c * z, z64, z * f(-0.5))
    c += f(1)
    s = _fma32(_fma32(_SIN[0], z64, _SIN[1]), z64, _SIN[2])
    s = _fma32(s * z, x, x)
    swap = (j & 2) != 0
    sine, cosine = np.where(swap, c, s), np.where(swap, s, c)
    # The signs: the sine's is bit 2 of j, the cosine's is the complement of bit 2 of j - 2.
    sine_bits, cosine_bits = sine.view(np.int32), cosine.view(np.int32)
    sine_bits ^= (j & 4) << 29
    cosine_bits ^= (~(j - 2) & 4) << 29
    return sine, cosine


def _singles(*values: float) -> tuple[float, ...]:
    return tuple(float(np.float32(v)) for v in values)


# Cephes' coefficients (Moshier, 1987: logf.c, sinf.c).
_LOG = _singles(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_QUARTER = _singles(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)
_COS = _singles(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN = _singles(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)


# ---- continuous distributions ---------------------------------------------------------------------------------


def _size(shape: Shape) -> int:
    return shape if isinstance(shape, int) else math.prod(shape)


def _cast(x: Array, dtype: Any) -> Array:
    """float64 to ``dtype``; to float16 it is rounded twice, by way of float32, as PyTorch converts."""
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
    words = generator.random32(n)
    words &= np.uint32(0xFFFFFF)
    unit = words.view(np.int32).astype(np.float32)
    unit *= np.float32(_LOW24)
    return unit


def _unit64(generator: Twister, n: int) -> Array:
    """``n`` float64 in [0, 1): the low 53 bits of a 64-bit word."""
    words = generator.random64(n)
    words &= np.uint64(_MASK53)
    unit = words.view(np.int64).astype(np.float64)
    unit *= _LOW53
    return unit


def uniform(
    generator: Twister, shape: Shape, low: float = 0.0, high: float = 1.0, dtype: Any = np.float32
) -> Array:
    """Uniform numbers in [low, high): ``rand``, ``uniform_``. float16, float32, float64, complex64, complex128.

    A complex number takes two draws, the real part first. A value that rounds to ``high`` becomes ``low``.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        parts = _parts(shape, dtype)
        return uniform(generator, parts[0], low, high, parts[1]).view(dtype).reshape(shape)
    _check_floating("uniform_", dtype)
    info = np.finfo(dtype)
    largest = float(info.max)
    for name, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            raise RuntimeError(f"{name} is out of bounds for {dtype.name}: {value}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}")
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{dtype.name}>::max(), but found to={high} and"
            f" from={low} which result in to-from to exceed the limit"
        )
    n = _size(shape)
    if low == 0 and high == 1 and dtype != np.float16:
        unit = _unit64 if dtype == np.float64 else _unit32
        return _by_blocks(n, dtype, lambda k: unit(generator, k)).reshape(shape)
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
    out[out == stop] = start
    return out.reshape(shape)


def _parts(shape: Shape, dtype: np.dtype[Any]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and dtype of the real and imaginary parts of a complex array, the last axis of length 2."""
    outer = (shape,) if isinstance(shape, int) else tuple(shape)
    return (*outer, 2), np.dtype(np.float32 if dtype == np.complex64 else np.float64)


def _check_floating(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise RuntimeError(f'"{name}" not implemented for \'{dtype.name}\': use float16, float32 or float64')


def normal(
    generator: Twister,
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: Any = np.float32,
    contiguous: bool = True,
) -> Array:
    """Normal numbers: ``randn``, ``normal_``. float16, float32, float64, complex64, complex128.

    From 16 elements on, Box-Muller on rows of 16 uniforms, u[j] and u[j + 8] a pair; a last row that is not full
    is drawn anew over the last 16 elements. Below 16 (or if the tensor to be filled is not ``contiguous``), one
    pair of float64 at a time, of which the second is kept back in the generator for the next call.
    The parts of a complex number have the standard deviation std / sqrt(2).
    """
    dtype = np.dtype(dtype)
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    if dtype.kind == "c":
        outer, part = _parts(shape, dtype)
        flat = normal(generator, outer, mean, std / math.sqrt(2), part, contiguous)
        return flat.view(dtype).reshape(shape)
    _check_floating("normal_kernel_cpu", dtype)
    n = _size(shape)
    if n < 16 or not contiguous:
        return _cast(_box_muller(generator, n, mean, std), dtype).reshape(shape)
    unit, row = (_unit64, _rows64) if dtype == np.float64 else (_unit32, _rows32)
    full = n - n % 16
    out = np.empty(n, dtype)
    for start in range(0, full, _BLOCK):
        stop = min(start + _BLOCK, full)
        out[start:stop] = row(unit(generator, stop - start), mean, std)
    if full < n:
        if dtype != np.float16:  # the uniforms of the last row are drawn and not used, but for float16
            generator.skip((n - full) * (2 if dtype == np.float64 else 1))
        out[-16:] = row(unit(generator, 16), mean, std)
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
    np.subtract(np.float32(1), u1, out=u1)
    radius = _log(u1)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    u2 *= np.float32(2 * math.pi)
    sine, cosine = _sincos(u2)
    cosine *= radius
    sine *= radius
    if mean != 0 or std != 1:
        scale, shift = float(np.float32(std)), float(np.float32(mean))
        cosine, sine = _fma32(cosine, scale, shift), _fma32(sine, scale, shift)
    else:  # the fused addition of +0 makes a zero positive
        cosine += np.float32(0)
        sine += np.float32(0)
    return _join(cosine, sine)


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
        values = []
        for i in range(0, 4 * pairs, 4):
            a, b, c, d = words[i : i + 4]
            radius = math.sqrt(-2.0 * math.log1p(-((c << 32 | d) & _MASK53) * _LOW53))
            theta = 2.0 * math.pi * (((a << 32 | b) & _MASK53) * _LOW53)
            values += (radius * math.cos(theta), radius * math.sin(theta))
        drawn = np.array(values)
    else:
        unit = _unit64(generator, 2 * pairs)
        radius = np.sqrt(-2.0 * _libm("log1p")(-unit[1::2]))
        theta = (2.0 * math.pi) * unit[::2]
        drawn = np.empty(2 * pairs)
        drawn[::2], drawn[1::2] = radius * _libm("cos")(theta), radius * _libm("sin")(theta)
    out[start:] = drawn[: n - start]
    if (n - start) % 2:
        generator.next_double = float(drawn[-1])
    if mean != 0 or std != 1:
        if n < 16:
            return np.array([_fma(x, std, mean) for x in out.tolist()])
        return _fma64(out, std, mean)
    return out + 0.0
