"""Vector instructions for the kernels. This file may be skipped: the same mathematics stands in plain loops beside it.

A tile is a block of a matrix product that stays in the processor's registers: ROWS rows by VECTORS vectors of LANES
floats. One load of a weight serves all rows. Numba's loops do not reach this, so the functions below write the
instructions themselves, as LLVM's intermediate representation, for any processor with fused multiply-add.

Contract:

    TILE                                         (LANES, VECTORS, ROWS) of this processor, or None: use plain loops
    tile(vectors, rows, out, left, .., panel, ..)    out = left @ panel, in registers
    fill(..), fill_transposed(..), add_part(..)  up to LANES floats into a panel, or out of the tile's result
    Lanes, Memory, mask_of, tanh_fraction        what other files write instructions with

Weights are packed into panels (K, vectors * LANES), in which the tile walks straight ahead. Offsets count floats; the
arrays are contiguous. The end of a row is read and written under a mask.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils, codegen, config
from numba.extending import intrinsic


def _choose_tile() -> tuple[int, int, int] | None:
    """Return (LANES, VECTORS, ROWS) such that all sums fit into the vector registers of the processor."""
    features = config.CPU_FEATURES if config.CPU_FEATURES is not None else codegen.get_host_cpu_features()
    found = set(features.split(","))
    if "+avx512f" in found:
        return 16, 3, 8  # 24 sums of 32 registers
    if {"+avx2", "+fma"} <= found:
        return 8, 3, 4  # 12 sums of 16 registers
    if llvmlite.binding.get_process_triple().startswith(("aarch64", "arm64")):
        return 4, 3, 8  # 24 sums of 32 registers
    return None


TILE = _choose_tile()
LANES, VECTORS, ROWS = TILE or (4, 3, 4)

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
INDEX = ir.IntType(64)


def _call(builder: ir.IRBuilder, name: str, result: ir.Type, *arguments: Any) -> Any:
    """Call one of LLVM's own functions for vectors of LANES floats."""
    suffix = f".v{LANES}f32" + (".p0" if name.startswith("masked") else "")
    function_type = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}{suffix}"), arguments)


class Lanes:
    """A vector register while instructions are written, so that equations below read like equations."""

    def __init__(self, builder: ir.IRBuilder, value: Any) -> None:
        self.builder = builder
        self.value = value

    def _of(self, other: Lanes | float) -> Any:
        return other.value if isinstance(other, Lanes) else ir.Constant(_VECTOR, [float(other)] * LANES)

    def __add__(self, other: Lanes | float) -> Lanes:
        return Lanes(self.builder, self.builder.fadd(self.value, self._of(other)))

    def __sub__(self, other: Lanes | float) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, self._of(other)))

    def __rsub__(self, other: float) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self._of(other), self.value))

    def __mul__(self, other: Lanes | float) -> Lanes:
        return Lanes(self.builder, self.builder.fmul(self.value, self._of(other)))

    __radd__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fdiv(self.value, other.value))

    def __rtruediv__(self, other: float) -> Lanes:
        return Lanes(self.builder, self.builder.fdiv(self._of(other), self.value))

    def times_plus(self, factor: Lanes, term: Lanes | float) -> Lanes:
        """Return self * factor + term, rounded once."""
        return Lanes(self.builder, _call(self.builder, "fma", _VECTOR, self.value, factor.value, self._of(term)))

    def interleave(self, other: Lanes, start: int) -> Lanes:
        """Return LANES / 2 values of self and other in turn, from place `start` on."""
        places = [start + i // 2 + (i % 2) * LANES for i in range(LANES)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), places)
        return Lanes(self.builder, self.builder.shuffle_vector(self.value, other.value, mask))

    def clip(self, bound: float) -> Lanes:
        """Return the values cut at +-bound; NaN stays NaN."""
        value = self.value
        for limit, test in ((bound, ">"), (-bound, "<")):
            edge = ir.Constant(_VECTOR, [limit] * LANES)
            value = self.builder.select(self.builder.fcmp_ordered(test, value, edge), edge, value)
        return Lanes(self.builder, value)


# tanh(x) = x P(x^2) / Q(x^2) within 3e-7 on +-7.9, where tanh is 1 in float32 (the coefficients are those of Eigen).
_TANH_BOUND = 7.90531110763549805
_TANH_NUMERATOR = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
_TANH_DENOMINATOR = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)


def _polynomial(x: Lanes, coefficients: tuple[float, ...]) -> Lanes:
    value = x * coefficients[0] + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value.times_plus(x, coefficient)
    return value


def tanh_fraction(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return numerator and denominator of tanh(x), so that two functions can share one division."""
    x = x.clip(_TANH_BOUND)
    square = x * x
    return x * _polynomial(square, _TANH_NUMERATOR), _polynomial(square, _TANH_DENOMINATOR)


class Memory:
    """An array while instructions are written: reads and writes vectors at offsets that count floats."""

    def __init__(self, context: Any, builder: ir.IRBuilder, array_type: Any, array: Any, offset: Any) -> None:
        self.builder = builder
        data = context.make_array(array_type)(context, builder, array).data
        self.pointer = builder.gep(data, [offset])

    def at(self, *offset: Any) -> Any:
        """Return the address of a place, the sum of the offsets."""
        pointer = self.pointer
        for part in offset:
            pointer = self.builder.gep(pointer, [part if isinstance(part, ir.Value) else INDEX(part)])
        return pointer

    def scalar(self, offset: Any) -> Lanes:
        """Read one float into all lanes."""
        value = self.builder.load(self.at(offset))
        vector = self.builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return Lanes(self.builder, self.builder.shuffle_vector(vector, vector, mask))

    def load(self, *offset: Any) -> Lanes:
        """Read LANES floats."""
        return Lanes(self.builder, self.builder.load(self._vector_at(*offset), align=4))

    def store(self, lanes: Lanes, *offset: Any) -> None:
        """Write LANES floats."""
        self.builder.store(lanes.value, self._vector_at(*offset), align=4)

    def load_part(self, mask: Any, *offset: Any) -> Lanes:
        """Read the floats whose bit in the mask is set; the others are zero."""
        rest = ir.Constant(_VECTOR, [0.0] * LANES)
        value = _call(self.builder, "masked.load", _VECTOR, self._vector_at(*offset), ir.IntType(32)(4), mask, rest)
        return Lanes(self.builder, value)

    def store_part(self, lanes: Lanes, mask: Any, *offset: Any) -> None:
        """Write the floats whose bit in the mask is set."""
        pointer = self._vector_at(*offset)
        _call(self.builder, "masked.store", ir.VoidType(), lanes.value, pointer, ir.IntType(32)(4), mask)

    def prefetch(self, *offset: Any, write: bool = False) -> None:
        """Ask for the cache line at a place that is needed soon; a place outside the array does no harm."""
        pointer = self.builder.bitcast(self.at(*offset), ir.IntType(8).as_pointer())
        flags = [ir.IntType(32)(int(write)), ir.IntType(32)(3), ir.IntType(32)(1)]  # into the nearest cache, data
        function_type = ir.FunctionType(ir.VoidType(), [pointer.type] + [flag.type for flag in flags])
        function = cgutils.get_or_insert_function(self.builder.module, function_type, "llvm.prefetch.p0")
        self.builder.call(function, [pointer, *flags])

    def _vector_at(self, *offset: Any) -> Any:
        return self.builder.bitcast(self.at(*offset), _VECTOR.as_pointer())


def mask_of(builder: ir.IRBuilder, count: Any) -> Any:
    """Return <LANES x i1> with the first `count` lanes set."""
    integers = ir.VectorType(ir.IntType(32), LANES)
    narrow = builder.trunc(count, ir.IntType(32))
    vector = builder.insert_element(ir.Constant(integers, ir.Undefined), narrow, ir.IntType(32)(0))
    zeros = ir.Constant(integers, [0] * LANES)
    return builder.icmp_signed("<", ir.Constant(integers, list(range(LANES))), builder.shuffle_vector(vector, vector, zeros))


@intrinsic(prefer_literal=True)
def tile(
    typing_context, vectors, rows, out, left, start, row_step, step, panel, panel_start, panel_step, depth
):  # fmt: skip
    """Write out[r, :] = sum over k < depth of left[start + r * row_step + k * step] * panel[k, :].

    `vectors` is a literal, `rows` 1, 2, 4 .. ROWS. `out` has `rows` rows of vectors * LANES floats, `panel` `depth` of
    them from `panel_start` on, `panel_step` apart: vectors * LANES, or the width of a matrix that is not packed.
    """
    width = vectors.literal_value
    offsets = (types.intp,) * 3
    signature = types.void(vectors, types.intp, out, left, *offsets, panel, *offsets)

    def generate(context, builder, signature, arguments):
        _, rows, out_value, left_value, start, row_step, step, panel_value, panel_start, panel_step, depth = arguments
        target = Memory(context, builder, signature.args[2], out_value, INDEX(0))
        factors = Memory(context, builder, signature.args[3], left_value, start)
        weights = Memory(context, builder, signature.args[7], panel_value, panel_start)
        count = ROWS
        while count:
            with builder.if_then(builder.icmp_signed("==", rows, INDEX(count))):
                _write_tile(builder, target, factors, weights, count, width, row_step, step, panel_step, depth)
            count //= 2
        return context.get_dummy_value()

    return signature, generate


def _write_tile(
    builder: ir.IRBuilder, target: Memory, factors: Memory, weights: Memory,
    count: int, width: int, row_step: Any, step: Any, panel_step: Any, depth: Any,
) -> None:  # fmt: skip
    # A fused multiply-add takes 4 cycles and two start in each, so fewer than 8 sums would wait for each other: then
    # several k at once, each with sums of its own.
    ways = 1
    while 2 * ways * count * width <= min(ROWS * VECTORS, 16):
        ways *= 2
    zero = ir.Constant(_VECTOR, [0.0] * LANES)
    sums = [[[cgutils.alloca_once_value(builder, zero) for _ in range(width)] for _ in range(count)] for _ in range(ways)]
    offsets = [builder.mul(INDEX(r), row_step) for r in range(count)]

    def multiply(k: Any, way: int) -> None:
        row = builder.mul(k, panel_step)
        vectors = [weights.load(row, v * LANES) for v in range(width)]
        column = builder.mul(k, step)
        for r in range(count):
            factor = factors.scalar(builder.add(offsets[r], column))
            for v in range(width):
                place = sums[way][r][v]
                builder.store(factor.times_plus(vectors[v], Lanes(builder, builder.load(place))).value, place)

    whole = builder.sdiv(depth, INDEX(ways))
    with cgutils.for_range(builder, whole) as loop:
        first = builder.mul(loop.index, INDEX(ways))
        for way in range(ways):
            multiply(builder.add(first, INDEX(way)), way)
    if ways > 1:
        done = builder.mul(whole, INDEX(ways))
        with cgutils.for_range(builder, builder.sub(depth, done)) as loop:
            multiply(builder.add(done, loop.index), 0)
    for r in range(count):
        for v in range(width):
            total = Lanes(builder, builder.load(sums[0][r][v]))
            for way in range(1, ways):
                total = total + Lanes(builder, builder.load(sums[way][r][v]))
            target.store(total, (r * width + v) * LANES)


@intrinsic
def add_part(typing_context, out, out_start, source, source_start, count, add):
    """Write `count` <= LANES floats of source to out, or add them to it if `add` is 1."""
    index = types.intp
    signature = types.void(out, index, source, index, index, index)

    def generate(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0], arguments[1])
        floats = Memory(context, builder, signature.args[2], arguments[2], arguments[3])
        mask, before = mask_of(builder, arguments[4]), mask_of(builder, builder.mul(arguments[4], arguments[5]))
        target.store_part(floats.load_part(mask, 0) + target.load_part(before, 0), mask, 0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def fill(typing_context, panel, panel_start, source, source_start, count):
    """Write LANES floats to a panel: `count` of the source, then zeros."""
    index = types.intp
    signature = types.void(panel, index, source, index, index)

    def generate(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0], arguments[1])
        floats = Memory(context, builder, signature.args[2], arguments[2], arguments[3])
        target.store(floats.load_part(mask_of(builder, arguments[4]), 0), 0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def fill_transposed(typing_context, panel, panel_start, panel_step, source, source_start, source_step, rows, columns):
    """Write panel[k, n] = source[n, k] for k < `rows` and n < LANES; zeros where n >= `columns`.

    Rows of the panel are `panel_step` apart, those of the source `source_step`; `rows` and `columns` <= LANES.
    """
    index = types.intp
    signature = types.void(panel, index, index, source, index, index, index, index)

    def generate(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0], arguments[1])
        floats = Memory(context, builder, signature.args[3], arguments[3], arguments[4])
        panel_step, source_step, rows, columns = arguments[2], arguments[5], arguments[6], arguments[7]

        def if_less(position: int, limit: Any, count: Any) -> Any:
            return mask_of(builder, builder.select(builder.icmp_signed("<", INDEX(position), limit), count, INDEX(0)))

        lines = [floats.load_part(if_less(n, columns, rows), builder.mul(INDEX(n), source_step)) for n in range(LANES)]
        half = LANES // 2
        for _ in range(half.bit_length()):  # interleaving line i with line i + half as often as LANES can be halved transposes
            lines = [lines[i].interleave(lines[i + half], part * half) for i in range(half) for part in (0, 1)]
        for k in range(LANES):
            target.store_part(lines[k], if_less(k, rows, INDEX(LANES)), builder.mul(INDEX(k), panel_step))
        return context.get_dummy_value()

    return signature, generate
