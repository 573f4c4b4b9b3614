"""Vector registers for the kernels; may be skipped: kernels/ has the same as plain loops.

Numba's loops do not reach the speed of the processor. The files of this folder therefore write the
instructions, as LLVM's intermediate representation, for any processor with fused multiply-add. They
use:

    TILE, LANES           (LANES, VECTORS, ROWS): floats in a register, and registers in a tile
    Lanes                 a vector register, with + - * / so that equations read like equations
    Memory                an array, read and written in vectors at offsets that count floats
    mask_of(count)        a mask of the first lanes, for the end of a row
    tanh(x), sigmoid(x)   to 3e-7
    flush(), unflush(..)  turn denormal numbers off, and restore the mode
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils, codegen, config
from numba.extending import intrinsic


def _choose_tile() -> tuple[int, int, int] | None:
    """Return (LANES, VECTORS, ROWS) such that all sums fit into the processor's registers."""
    features = (
        config.CPU_FEATURES if config.CPU_FEATURES is not None else codegen.get_host_cpu_features()
    )
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

FLOAT = ir.FloatType()
VECTOR = ir.VectorType(FLOAT, LANES)
INDEX = ir.IntType(64)
ALIGNMENT = ir.IntType(32)(4)  # bytes


def _call(builder: ir.IRBuilder, name: str, result: ir.Type, *arguments: Any) -> Any:
    """Call one of LLVM's own functions for vectors of LANES floats."""
    suffix = f".v{LANES}f32" + (".p0" if name.startswith("masked") else "")
    function_type = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(
        cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}{suffix}"),
        arguments,
    )


class Lanes:
    """A vector register, for writing instructions like equations."""

    def __init__(self, builder: ir.IRBuilder, value: Any) -> None:
        self.builder = builder
        self.value = value

    def _of(self, other: Lanes | float) -> Any:
        return (
            other.value if isinstance(other, Lanes) else ir.Constant(VECTOR, [float(other)] * LANES)
        )

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

    def reciprocal(self) -> Lanes:
        """Return 1 / self to 1e-7, on AVX-512 without a division.

        A table gives 14 bits and a step of Newton's method the rest; nothing waits for them, as it
        would for a division.
        """
        if LANES < 16:
            return 1 / self
        full, none = ir.Constant(ir.IntType(16), -1), ir.Constant(VECTOR, [0.0] * LANES)
        function_type = ir.FunctionType(VECTOR, [VECTOR, VECTOR, ir.IntType(16)])
        function = cgutils.get_or_insert_function(
            self.builder.module, function_type, "llvm.x86.avx512.rcp14.ps.512"
        )
        rough = Lanes(self.builder, self.builder.call(function, [self.value, none, full]))
        return rough.times_plus(2 - self * rough, 0.0)

    def times_plus(self, factor: Lanes, term: Lanes | float) -> Lanes:
        """Multiply and add, rounded once: self * factor + term."""
        return Lanes(
            self.builder,
            _call(self.builder, "fma", VECTOR, self.value, factor.value, self._of(term)),
        )

    def interleave(self, other: Lanes, start: int) -> Lanes:
        """Return LANES / 2 values of self and other in turn, from lane `start` on."""
        places = [start + i // 2 + (i % 2) * LANES for i in range(LANES)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), places)
        return Lanes(self.builder, self.builder.shuffle_vector(self.value, other.value, mask))

    def clip(self, bound: float) -> Lanes:
        """Return the values cut at +-bound; NaN stays NaN."""
        value = self.value
        for limit, test in ((bound, ">"), (-bound, "<")):
            edge = ir.Constant(VECTOR, [limit] * LANES)
            value = self.builder.select(self.builder.fcmp_ordered(test, value, edge), edge, value)
        return Lanes(self.builder, value)

    def where_positive(self, value: Lanes, other: Lanes) -> Lanes:
        """Return the lanes of `value` where this is positive, of `other` elsewhere."""
        positive = self.builder.fcmp_ordered(">", self.value, self._of(0.0))
        return Lanes(self.builder, self.builder.select(positive, value.value, other.value))


# tanh(x) = x P(x^2) / Q(x^2) within 3e-7 on +-7.9, where tanh is 1 in float32 (the coefficients are
# those of Eigen).
_TANH_BOUND = 7.90531110763549805
_TANH_NUMERATOR = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
_TANH_DENOMINATOR = (
    1.19825839466702e-06,
    1.18534705686654e-04,
    2.26843463243900e-03,
    4.89352518554385e-03,
)


def _polynomial(x: Lanes, coefficients: tuple[float, ...]) -> Lanes:
    value = x * coefficients[0] + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value.times_plus(x, coefficient)
    return value


def tanh(x: Lanes) -> Lanes:
    """Return the hyperbolic tangent, to 3e-7."""
    x = x.clip(_TANH_BOUND)
    square = x * x
    return (
        x
        * _polynomial(square, _TANH_NUMERATOR)
        * _polynomial(square, _TANH_DENOMINATOR).reciprocal()
    )


def sigmoid(x: Lanes) -> Lanes:
    """Return 1 / (1 + exp(-x)) as (1 + tanh(x / 2)) / 2."""
    return tanh(x * 0.5) * 0.5 + 0.5


def spread(builder: ir.IRBuilder, value: Any) -> Lanes:
    """Return one float in all lanes."""
    vector = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return Lanes(builder, builder.shuffle_vector(vector, vector, mask))


class Memory:
    """An array, for writing instructions that read and write vectors at offsets in floats."""

    def __init__(
        self, context: Any, builder: ir.IRBuilder, array_type: Any, array: Any, offset: Any
    ) -> None:
        self.builder = builder
        data = context.make_array(array_type)(context, builder, array).data
        self.pointer = builder.gep(data, [offset])

    def at(self, *offset: Any) -> Any:
        """Return the address of a place, the sum of the offsets."""
        pointer = self.pointer
        for part in offset:
            pointer = self.builder.gep(
                pointer, [part if isinstance(part, ir.Value) else INDEX(part)]
            )
        return pointer

    def scalar(self, offset: Any) -> Lanes:
        """Read one float into all lanes."""
        return spread(self.builder, self.builder.load(self.at(offset)))

    def load(self, *offset: Any) -> Lanes:
        """Read LANES floats."""
        return Lanes(self.builder, self.builder.load(self._vector_at(*offset), align=4))

    def store(self, lanes: Lanes, *offset: Any) -> None:
        """Write LANES floats."""
        self.builder.store(lanes.value, self._vector_at(*offset), align=4)

    def load_part(self, mask: Any, *offset: Any) -> Lanes:
        """Read the floats whose bit in the mask is set; the others are zero."""
        pointer, rest = self._vector_at(*offset), ir.Constant(VECTOR, [0.0] * LANES)
        value = _call(self.builder, "masked.load", VECTOR, pointer, ALIGNMENT, mask, rest)
        return Lanes(self.builder, value)

    def store_part(self, lanes: Lanes, mask: Any, *offset: Any) -> None:
        """Write the floats whose bit in the mask is set."""
        pointer = self._vector_at(*offset)
        _call(self.builder, "masked.store", ir.VoidType(), lanes.value, pointer, ALIGNMENT, mask)

    def prefetch(self, *offset: Any, write: bool = False, near: bool = True) -> None:
        """Prefetch a cache line to the first or second level, harmless outside the array."""
        pointer = self.builder.bitcast(self.at(*offset), ir.IntType(8).as_pointer())
        flags = [ir.IntType(32)(int(write)), ir.IntType(32)(3 if near else 2), ir.IntType(32)(1)]
        function_type = ir.FunctionType(
            ir.VoidType(), [pointer.type] + [flag.type for flag in flags]
        )
        function = cgutils.get_or_insert_function(
            self.builder.module, function_type, "llvm.prefetch.p0"
        )
        self.builder.call(function, [pointer, *flags])

    def _vector_at(self, *offset: Any) -> Any:
        return self.builder.bitcast(self.at(*offset), VECTOR.as_pointer())


def mask_of(builder: ir.IRBuilder, count: Any) -> Any:
    """Return <LANES x i1> with the first `count` lanes set."""
    integers = ir.VectorType(ir.IntType(32), LANES)
    narrow = builder.trunc(count, ir.IntType(32))
    vector = builder.insert_element(ir.Constant(integers, ir.Undefined), narrow, ir.IntType(32)(0))
    zeros = ir.Constant(integers, [0] * LANES)
    return builder.icmp_signed(
        "<",
        ir.Constant(integers, list(range(LANES))),
        builder.shuffle_vector(vector, vector, zeros),
    )


def _mode_word(builder: ir.IRBuilder) -> Any:
    return builder.bitcast(cgutils.alloca_once(builder, ir.IntType(32)), ir.IntType(8).as_pointer())


def _mode(builder: ir.IRBuilder, name: str, pointer: Any) -> None:
    function_type = ir.FunctionType(ir.VoidType(), [pointer.type])
    builder.call(
        cgutils.get_or_insert_function(builder.module, function_type, f"llvm.x86.sse.{name}"),
        [pointer],
    )


@intrinsic
def flush(typing_context):
    """Treat numbers below 1e-38 as zero in this thread from now on, and return the previous mode.

    A gradient that vanishes over a few hundred time steps ends in such numbers, with which
    processors of Intel and AMD are a hundred times slower. Others keep their mode.
    """

    def generate(context, builder, signature, arguments):
        if TILE is None or LANES < 8:
            return ir.Constant(ir.IntType(32), 0)
        word = _mode_word(builder)
        _mode(builder, "stmxcsr", word)
        place = builder.bitcast(word, ir.IntType(32).as_pointer())
        before = builder.load(place)
        builder.store(builder.or_(before, ir.Constant(ir.IntType(32), 0x8040)), place)
        _mode(builder, "ldmxcsr", word)
        return before

    return types.uint32(), generate


@intrinsic
def unflush(typing_context, before):
    """Restore the mode that `flush` returned."""

    def generate(context, builder, signature, arguments):
        if TILE is not None and LANES >= 8:
            word = _mode_word(builder)
            builder.store(arguments[0], builder.bitcast(word, ir.IntType(32).as_pointer()))
            _mode(builder, "ldmxcsr", word)
        return context.get_dummy_value()

    return types.void(types.uint32), generate
