"""Tiles of sums of products held in vector registers: the heart of convolutions without columns.

A loop over an array that a compiler makes of scalar code reads and writes its sums at each step. Here twelve
vectors of sums stay in registers while the products run by, which is what keeps the arithmetic units busy:
the instructions are written out for numba's LLVM, as vectors of 32 bytes that it fits to the processor.
"""

import zlib
from typing import Any

import numpy as np

from .jit import EXACT, Compiled

__all__ = ["ROWS", "TAPS", "TILE_BYTES", "VECTOR_BYTES", "add_dots", "add_products", "copy"]

Array = np.ndarray[Any, Any]

VECTOR_BYTES = 32
ROWS, VECTORS, TAPS = 4, 3, 3  # 12 vectors of sums leave four registers of 16 for what is read
TILE_BYTES = VECTORS * VECTOR_BYTES  # of one row of sums


class _Emitter:
    """Writes the instructions of one tile: addresses, loads, stores and sums of vectors."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        from llvmlite import ir

        self.ir, self.context, self.builder, self.types, self.args = ir, context, builder, signature.args, args
        scalar = context.get_data_type(signature.args[0].dtype)
        self.item = signature.args[0].dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.item
        self.vector = ir.VectorType(scalar, self.lanes)
        self.splat = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)

    def array(self, i: int) -> tuple[Any, list[Any], list[Any]]:
        """Where the elements of argument ``i`` are, its shape, and its strides in elements."""
        from numba.core import cgutils

        array = self.context.make_array(self.types[i])(self.context, self.builder, self.args[i])
        item = self.number(self.types[i].dtype.bitwidth // 8)
        strides = [self.builder.sdiv(s, item) for s in cgutils.unpack_tuple(self.builder, array.strides)]
        return array.data, cgutils.unpack_tuple(self.builder, array.shape), strides

    def number(self, value: int) -> Any:
        return self.ir.Constant(self.ir.IntType(64), value)

    def at(self, pointer: Any, *offsets: Any) -> Any:
        for offset in offsets:
            pointer = self.builder.gep(pointer, [self.number(offset) if isinstance(offset, int) else offset])
        return pointer

    def load(self, pointer: Any) -> Any:
        return self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.item)

    def store(self, value: Any, pointer: Any) -> None:
        self.builder.store(value, self.builder.bitcast(pointer, self.vector.as_pointer()), align=self.item)

    def spread(self, pointer: Any) -> Any:
        """One number in all lanes."""
        nothing = self.ir.Constant(self.vector, self.ir.Undefined)
        first = self.builder.insert_element(
            nothing, self.builder.load(pointer), self.ir.Constant(self.ir.IntType(32), 0)
        )
        return self.builder.shuffle_vector(first, nothing, self.splat)

    def variables(self, count: int) -> list[Any]:
        from numba.core import cgutils

        return [cgutils.alloca_once_value(self.builder, self.ir.Constant(self.vector, None)) for _ in range(count)]

    def add_to(self, variable: Any, a: Any, b: Any) -> None:
        flags = ("contract",)  # one instruction where the processor has it
        total = self.builder.fadd(self.builder.load(variable), self.builder.fmul(a, b, flags=flags), flags=flags)
        self.builder.store(total, variable)

    def sum(self, variable: Any) -> Any:
        """The sum of a variable's lanes, by halves."""
        value, count = self.builder.load(variable), self.lanes
        nothing = self.ir.Constant(self.vector, self.ir.Undefined)
        while count > 1:
            count //= 2
            lanes = [i + count if i < count else 0 for i in range(self.lanes)]
            other = self.builder.shuffle_vector(
                value, nothing, self.ir.Constant(self.ir.VectorType(self.ir.IntType(32), self.lanes), lanes)
            )
            value = self.builder.fadd(value, other)
        return self.builder.extract_element(value, self.ir.Constant(self.ir.IntType(32), 0))


class Tile(Compiled):
    """A function whose instructions ``emit`` writes; its text says the same in Python."""

    def __init__(self, text: Any, emit: Any) -> None:
        super().__init__(text, EXACT, True)
        self.emit = emit

    def form(self, double: bool) -> Any:
        if self.forms[double] is None:
            from numba.core import types
            from numba.extending import intrinsic

            def five(context: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
                return types.void(a, b, c, d, e), self._instructions

            def seven(context: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any) -> Any:
                return types.void(a, b, c, d, e, f, g), self._instructions

            self.forms[double] = intrinsic(five if self.text.__code__.co_argcount == 5 else seven)
        return self.forms[double]

    def _instructions(self, context: Any, builder: Any, signature: Any, args: Any) -> Any:
        self.emit(_Emitter(context, builder, signature, args))
        return context.get_dummy_value()

    def _stamp(self, double: bool) -> int:
        writers = [self.emit, *(method for method in vars(_Emitter).values() if hasattr(method, "__code__"))]
        text = b"".join(writer.__code__.co_code for writer in writers)
        return zlib.crc32(text + repr((VECTOR_BYTES, ROWS, VECTORS, TAPS)).encode(), super()._stamp(double))


def _emit_products(tile: _Emitter) -> None:
    from numba.core import cgutils

    (x, _, _), (offsets, (taps,), _), (w, _, _), (sums, _, (row, _)) = (tile.array(i) for i in (0, 2, 3, 4))
    builder, start = tile.builder, tile.at(x, tile.args[1])
    variables = [tile.variables(VECTORS) for _ in range(ROWS)]
    first = tile.at(sums, tile.args[5])
    places = [
        [tile.at(first, builder.mul(row, tile.number(r)), v * tile.lanes) for v in range(VECTORS)] for r in range(ROWS)
    ]
    before = builder.icmp_signed("!=", tile.args[6], tile.number(0))
    with builder.if_then(before):
        for some, where in zip(variables, places, strict=True):
            for variable, place in zip(some, where, strict=True):
                builder.store(tile.load(place), variable)
    with cgutils.for_range(builder, taps) as loop:
        of = tile.at(start, builder.load(tile.at(offsets, loop.index)))
        read = [tile.load(tile.at(of, v * tile.lanes)) for v in range(VECTORS)]
        weights = tile.at(w, builder.mul(loop.index, tile.number(ROWS)))
        for r, some in enumerate(variables):
            weight = tile.spread(tile.at(weights, r))
            for variable, vector in zip(some, read, strict=True):
                tile.add_to(variable, weight, vector)
    for some, where in zip(variables, places, strict=True):
        for variable, place in zip(some, where, strict=True):
            tile.store(builder.load(variable), place)


def _add_products(x: Array, at: int, offsets: Array, w: Array, sums: Array, to: int, before: int) -> None:
    """Put in ``sums (ROWS, ...)`` at ``to`` what ``w (taps, ROWS)`` makes of ``x`` at ``at`` and each tap's offset.

    It is added to what was there if ``before`` is not 0. One tile: ``TILE_BYTES`` of positions. ``x``,
    ``offsets`` and ``w`` lie contiguous, ``sums`` by rows.
    """
    width = TILE_BYTES // x.itemsize
    if not before:
        sums[:ROWS, to : to + width] = 0
    for t in range(offsets.size):
        first = at + offsets[t]
        sums[:ROWS, to : to + width] += np.multiply.outer(w[t], x[first : first + width])


def _emit_dots(tile: _Emitter) -> None:
    from numba.core import cgutils

    (g, _, (row, _)), (x, _, _), (offsets, _, _), (out, _, (to, _)) = (tile.array(i) for i in (0, 1, 3, 4))
    builder, start, count = tile.builder, tile.at(x, tile.args[2]), tile.args[5]
    variables = [tile.variables(TAPS) for _ in range(ROWS)]
    read_g = [tile.at(g, tile.args[2], builder.mul(row, tile.number(r))) for r in range(ROWS)]
    read_x = [tile.at(start, builder.load(tile.at(offsets, tile.args[6], t))) for t in range(TAPS)]
    with cgutils.for_range(builder, builder.sdiv(count, tile.number(tile.lanes))) as loop:
        place = builder.mul(loop.index, tile.number(tile.lanes))
        vectors = [tile.load(tile.at(of, place)) for of in read_x]
        for of, some in zip(read_g, variables, strict=True):
            vector = tile.load(tile.at(of, place))
            for variable, other in zip(some, vectors, strict=True):
                tile.add_to(variable, vector, other)
    for r, some in enumerate(variables):
        for t, variable in enumerate(some):
            place = tile.at(out, builder.mul(to, tile.number(r)), tile.args[6], t)
            builder.store(builder.fadd(builder.load(place), tile.sum(variable)), place)


def _add_dots(g: Array, x: Array, at: int, offsets: Array, out: Array, count: int, t: int) -> None:
    """Add to ``out (ROWS, taps)`` the rows of ``g`` times ``x`` at the offsets of the ``TAPS`` taps from ``t`` on.

    The sums go over ``count`` positions from ``at``, whole vectors; ``x`` and ``offsets`` lie contiguous, ``g``
    and ``out`` by rows.
    """
    for i in range(t, t + TAPS):
        out[:ROWS, i] += g[:ROWS, at : at + count] @ x[at + offsets[i] : at + offsets[i] + count]


def _emit_copy(tile: _Emitter) -> None:
    from numba.core import cgutils

    (of, _, _), (to, _, _) = tile.array(0), tile.array(2)
    builder, lanes, count = tile.builder, tile.number(tile.lanes), tile.args[4]
    read, write = tile.at(of, tile.args[1]), tile.at(to, tile.args[3])
    with builder.if_else(builder.icmp_signed(">=", count, lanes)) as (vectors, few):
        with vectors:
            with cgutils.for_range(builder, builder.sdiv(count, lanes)) as loop:
                place = builder.mul(loop.index, lanes)
                tile.store(tile.load(tile.at(read, place)), tile.at(write, place))
            last = builder.sub(count, lanes)
            tile.store(tile.load(tile.at(read, last)), tile.at(write, last))
        with few, cgutils.for_range(builder, count) as loop:
            builder.store(builder.load(tile.at(read, loop.index)), tile.at(write, loop.index))


def _copy(of: Array, at: int, to: Array, place: int, count: int) -> None:
    """Copy ``count`` elements: rows of pictures are short, and what a compiler makes of a loop begins at 32."""
    to[place : place + count] = of[at : at + count]


copy: Any = Tile(_copy, _emit_copy)
add_products: Any = Tile(_add_products, _emit_products)
add_dots: Any = Tile(_add_dots, _emit_dots)
