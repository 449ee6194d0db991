"""Equations of sixteen cells at once, written like equations and compiled to the processor's vector instructions.

numba compiles loops, and whether a loop over cells becomes vector instructions hangs on what LLVM can prove about it.
Here nothing has to be proved: a `Vector` holds sixteen numbers, its operators write the instructions, and LLVM splits
them over the registers that the processor has. `equations` makes a function that numba code can call:

    @equations
    def add(lanes, one, other, out):
        lanes.store(lanes.load(one) + lanes.load(other), out)

    add(gates, cells, (address, other_address, out_address))     # inside a function compiled by numba

Addresses are integers in bytes. The two arrays give the types: the first that of numbers that are kept (uint16 stands
for bfloat16, the upper half of a float32), the second that of the arithmetic (float32, or float64 in tests).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Numbers in a vector."""

_FUSED = ("contract",)  # a product and a sum may become one instruction
_I32 = ir.IntType(32)


@dataclass(frozen=True)
class Vector:
    """Sixteen numbers; with a Python number, every lane meets that number."""

    builder: Any
    value: Any

    def _with(self, other: Union["Vector", float]) -> Any:
        if isinstance(other, Vector):
            return other.value
        return ir.Constant(self.value.type, [ir.Constant(self.value.type.element, other)] * LANES)

    def __add__(self, other: Union["Vector", float]) -> "Vector":
        return Vector(self.builder, self.builder.fadd(self.value, self._with(other), flags=_FUSED))

    def __mul__(self, other: Union["Vector", float]) -> "Vector":
        return Vector(self.builder, self.builder.fmul(self.value, self._with(other), flags=_FUSED))

    def __rsub__(self, other: float) -> "Vector":
        return Vector(self.builder, self.builder.fsub(self._with(other), self.value, flags=_FUSED))

    def __sub__(self, other: "Vector") -> "Vector":
        return Vector(self.builder, self.builder.fsub(self.value, other.value, flags=_FUSED))

    def __truediv__(self, other: "Vector") -> "Vector":
        return Vector(self.builder, self.builder.fdiv(self.value, other.value))

    def at_most(self, limit: float) -> "Vector":
        """Returns the lanes, those above `limit` replaced by it; NaN stays."""
        above = self.builder.fcmp_ordered(">", self.value, self._with(limit))
        return Vector(self.builder, self.builder.select(above, self._with(limit), self.value))

    def at_least(self, limit: float) -> "Vector":
        """Returns the lanes, those below `limit` replaced by it; NaN stays."""
        below = self.builder.fcmp_ordered("<", self.value, self._with(limit))
        return Vector(self.builder, self.builder.select(below, self._with(limit), self.value))


class Lanes:
    """Loads and stores the vectors of one set of equations."""

    def __init__(self, builder: Any, kept: Any, arithmetic: Any) -> None:
        self.builder = builder
        if arithmetic not in (types.float32, types.float64) or kept not in (arithmetic, types.uint16):
            raise TypeError(
                f"equations over {kept} and {arithmetic}; expected float32 or float64, or uint16 to keep"
            )
        self.is_double = arithmetic == types.float64
        self.size = 8 if self.is_double else 4
        self.is_bfloat16 = kept == types.uint16
        self.kept_size = 2 if self.is_bfloat16 else self.size
        self.vector = ir.VectorType(ir.DoubleType() if self.is_double else ir.FloatType(), LANES)

    def load(self, address: Any, index: int = 0) -> Vector:
        """Returns the vector number `index` of those that lie from `address` on, in the arithmetic's type."""
        return Vector(self.builder, self._read(address, index * LANES * self.size, self.vector, self.size))

    def store(self, vector: Vector, address: Any, index: int = 0) -> None:
        """Writes a vector where `load` would read it."""
        self._write(vector.value, address, index * LANES * self.size, self.size)

    def load_kept(self, address: Any, index: int = 0) -> Vector:
        """Returns a vector of kept numbers, widened to the arithmetic's type."""
        if not self.is_bfloat16:
            return self.load(address, index)
        half = self._read(address, index * LANES * 2, ir.VectorType(ir.IntType(16), LANES), 2)
        words = self.builder.zext(half, ir.VectorType(_I32, LANES))
        raised = self.builder.shl(words, self._words(16))
        return Vector(self.builder, self.builder.bitcast(raised, self.vector))

    def store_kept(self, vector: Vector, address: Any, index: int = 0) -> None:
        """Writes a vector as kept numbers: rounded to the nearest bfloat16, ties to even."""
        if not self.is_bfloat16:
            self.store(vector, address, index)
            return
        builder = self.builder
        words = builder.bitcast(vector.value, ir.VectorType(_I32, LANES))
        is_odd = builder.and_(builder.lshr(words, self._words(16)), self._words(1))
        rounded = builder.add(builder.add(words, self._words(0x7FFF)), is_odd)
        # Rounding would make infinity of some NaN, and minus zero of others.
        is_number = builder.fcmp_ordered("ord", vector.value, vector.value)
        rounded = builder.select(is_number, rounded, self._words(0x7FC00000))
        upper = builder.trunc(builder.lshr(rounded, self._words(16)), ir.VectorType(ir.IntType(16), LANES))
        self._write(upper, address, index * LANES * 2, 2)

    def tanh(self, x: Vector) -> Vector:
        """Returns the hyperbolic tangent, in float32 right to a few units in the last place.

        There it is the quotient of an odd and an even polynomial, a minimax fit over the numbers whose tangent is not
        1, with the coefficients that Eigen and XLA use.
        """
        if self.is_double:
            return self._each("tanh", x)
        x = x.at_most(7.90531110763549805).at_least(-7.90531110763549805)
        square = x * x
        above = square * -2.76076847742355e-16 + 2.00018790482477e-13
        for coefficient in (-8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05):
            above = above * square + coefficient
        above = (above * square + 6.37261928875436e-04) * square + 4.89352455891786e-03
        below = (square * 1.19825839466702e-06 + 1.18534705686654e-04) * square + 2.26843463243900e-03
        return x * above / (below * square + 4.89352518554385e-03)

    def sigmoid(self, x: Vector) -> Vector:
        """Returns the logistic function."""
        return self.tanh(x * 0.5) * 0.5 + 0.5

    def _each(self, name: str, x: Vector) -> Vector:
        number = self.vector.element
        module = self.builder.module
        function = module.globals.get(name) or ir.Function(module, ir.FunctionType(number, [number]), name)
        value = x.value
        for lane in range(LANES):
            at = ir.Constant(_I32, lane)
            one = self.builder.call(function, [self.builder.extract_element(x.value, at)])
            value = self.builder.insert_element(value, one, at)
        return Vector(self.builder, value)

    def _words(self, number: int) -> Any:
        return ir.Constant(ir.VectorType(_I32, LANES), [number] * LANES)

    def _pointer(self, address: Any, offset: int, type_: Any) -> Any:
        place = self.builder.add(address, ir.Constant(ir.IntType(64), offset))
        return self.builder.inttoptr(place, type_.as_pointer())

    def _read(self, address: Any, offset: int, type_: Any, align: int) -> Any:
        loaded = self.builder.load(self._pointer(address, offset, type_))
        loaded.align = align
        return loaded

    def _write(self, value: Any, address: Any, offset: int, align: int) -> None:
        self.builder.store(value, self._pointer(address, offset, value.type)).align = align


def equations(write: Callable[..., None]) -> Any:
    """Makes `write(lanes, *addresses)` callable from numba code as `f(kept array, arithmetic array, addresses)`."""

    @intrinsic
    def compiled(typingctx: Any, kept: Any, arithmetic: Any, addresses: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            lanes = Lanes(builder, kept.dtype, arithmetic.dtype)
            unpacked: list[Any] = cgutils.unpack_tuple(builder, arguments[2])  # type: ignore[no-untyped-call]
            write(lanes, *unpacked)
            return context.get_dummy_value()

        places = types.UniTuple(types.int64, len(addresses))  # type: ignore[no-untyped-call]
        return types.void(kept, arithmetic, places), codegen

    return compiled
