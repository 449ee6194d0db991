"""A small matrix product kept in the processor's registers: the heart of every recurrent step.

Between one step of a recurrent network and the next stands a product of a few rows (the examples that still have
frames) with a matrix that stays the same for the whole sequence. Libraries are built for large products: they
rearrange the matrix anew at every call, which here costs as much as the product itself. This one reads a matrix that
was arranged once (`arranged`), keeps a tile of up to six rows by four vectors of sums in registers, and is compiled
by numba for the processor it runs on, bfloat16 dot products included where it has them.

Source of the scheme: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM Transactions on
Mathematical Software 34(3), 2008.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, no_type_check

import llvmlite.binding
import numpy as np
import torch
from jaxtyping import Float
from llvmlite import ir
from numba import njit, types
from numba.core import config
from numba.extending import intrinsic
from torch import Tensor

TILE_COLUMNS = 64
"""Columns of the second matrix that lie together in a tile at most."""
TILE_ROWS = 6
"""Rows of the first matrix in one call at most: with four vectors each they fill a processor's registers."""


@dataclass(frozen=True)
class Arithmetic:
    """How the numbers of a product are held.

    Attributes:
        bits: of a sum.
        lanes: sums in one register.
        num_vectors: registers of sums for each row.
        is_paired: whether two neighbouring bfloat16 are multiplied at once and stand as one 32-bit element.
    """

    bits: int
    lanes: int
    num_vectors: int
    is_paired: bool = False


@lru_cache
def processor_features() -> frozenset[str]:
    """Returns what the processor that numba compiles for is known to have: nothing if numba is told of another one."""
    if any(getattr(config, name, None) for name in ("CPU_NAME", "CPU_FEATURES")):
        return frozenset()
    try:
        features = llvmlite.binding.get_host_cpu_features()
    except RuntimeError:  # not known on this platform
        return frozenset()
    return frozenset(name for name, is_there in features.items() if is_there)


def has_bfloat16_products() -> bool:
    """Returns whether the processor multiplies bfloat16 pairs into float32 sums (AVX512_BF16)."""
    return {"avx512f", "avx512bf16"} <= processor_features()


def arithmetic(bits: int, is_paired: bool = False) -> Arithmetic:
    """Returns what suits the registers: 32 of 512 bits (AVX-512), 16 of 256 (AVX), 32 (NEON) or 16 of 128 bits."""
    features = processor_features()
    if "avx512f" in features:
        return Arithmetic(bits, 512 // bits, 4, is_paired)
    if {"avx", "fma"} <= features:
        return Arithmetic(bits, 256 // bits, 2, is_paired)
    return Arithmetic(bits, 128 // bits, 4 if "neon" in features else 2, is_paired)


def arranged(matrix: Float[Tensor, "C K"], num_columns: int) -> np.ndarray:
    """Returns C rows of weights as `product` reads them: (tiles, K, num_columns), the last tile filled with zeros.

    In bfloat16 two neighbours of K (which is even) stand as one uint32: (tiles, K / 2, num_columns).
    """
    missing = -len(matrix) % num_columns
    if missing:
        matrix = torch.nn.functional.pad(matrix, (0, 0, 0, missing))
    matrix = matrix.contiguous()
    if matrix.dtype == torch.bfloat16:
        matrix = matrix.view(torch.int32)
    tiles = matrix.view(-1, num_columns, matrix.shape[1]).transpose(1, 2).contiguous()
    array: np.ndarray = (tiles.view(torch.uint32) if tiles.dtype == torch.int32 else tiles).numpy()
    return array


class _BFloat(ir.Type):  # type: ignore[misc]
    """The type `bfloat` of LLVM, for which llvmlite has no class."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


def _emit_product(
    builder: ir.IRBuilder, how: Arithmetic, num_columns: int, num_rows: int, arguments: list[Any]
) -> None:
    """Writes the loops of one tile: addresses and strides are integers, in bytes."""
    left, left_stride, right, depth, out = arguments
    number = ir.FloatType() if how.bits == 32 else ir.DoubleType()
    vector = ir.VectorType(number, how.lanes)
    element = ir.IntType(32) if how.is_paired else number
    i64 = ir.IntType(64)
    size = how.bits // 8
    width = how.lanes * size
    across = num_columns // how.lanes
    num_vectors = max(count for count in range(1, how.num_vectors + 1) if across % count == 0)
    pairs = ir.VectorType(_BFloat(), 32)
    module = builder.module
    if how.is_paired:
        kind = ir.FunctionType(vector, [vector, pairs, pairs])
        name = "llvm.x86.avx512bf16.dpbf16ps.512"
    else:
        kind = ir.FunctionType(vector, [vector, vector, vector])
        name = f"llvm.fma.v{how.lanes}f{how.bits}"
    fused = module.globals.get(name) or ir.Function(module, kind, name)

    def load(address: Any, type_: ir.Type, align: int) -> Any:
        loaded = builder.load(builder.inttoptr(address, type_.as_pointer()))
        loaded.align = align
        return loaded

    def offset(address: Any, num_bytes: int) -> Any:
        return builder.add(address, ir.Constant(i64, num_bytes)) if num_bytes else address

    lanes = ir.Constant(ir.VectorType(ir.IntType(32), how.lanes), [0] * how.lanes)

    def spread(address: Any) -> Any:
        one = load(address, element, element_align)
        undefined = ir.Constant(ir.VectorType(element, how.lanes), ir.Undefined)
        placed = builder.insert_element(undefined, one, ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(placed, undefined, lanes)

    element_align = 2 if how.is_paired else size
    rows = [builder.add(left, builder.mul(left_stride, ir.Constant(i64, row))) for row in range(num_rows)]
    zero = ir.Constant(vector, None)
    for first in range(0, across, num_vectors):
        before = builder.block
        loop, after = builder.append_basic_block("depth"), builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(i64)
        step.add_incoming(ir.Constant(i64, 0), before)
        sums = []
        for _ in range(num_rows * num_vectors):
            phi = builder.phi(vector)
            phi.add_incoming(zero, before)
            sums.append(phi)
        at = builder.add(right, builder.mul(step, ir.Constant(i64, num_columns * size)))
        columns = [
            load(offset(at, (first + index) * width), pairs if how.is_paired else vector, size)
            for index in range(num_vectors)
        ]
        along = builder.mul(step, ir.Constant(i64, size))
        updated = []
        for row in range(num_rows):
            spread_out = spread(builder.add(rows[row], along))
            if how.is_paired:
                spread_out = builder.bitcast(spread_out, pairs)
            for index in range(num_vectors):
                total = sums[row * num_vectors + index]
                factors = (
                    [total, spread_out, columns[index]]
                    if how.is_paired
                    else [spread_out, columns[index], total]
                )
                updated.append(builder.call(fused, factors))
        following = builder.add(step, ir.Constant(i64, 1))
        step.add_incoming(following, loop)
        for phi, value in zip(sums, updated, strict=True):
            phi.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
        builder.position_at_end(after)
        for row in range(num_rows):
            for index in range(num_vectors):
                place = offset(out, row * num_columns * size + (first + index) * width)
                stored = builder.store(
                    updated[row * num_vectors + index], builder.inttoptr(place, vector.as_pointer())
                )
                stored.align = size


def _arithmetic_of(array: Any) -> Arithmetic:
    """Returns the arithmetic for a numba array type of arranged weights: uint32 holds pairs of bfloat16."""
    return arithmetic(64 if array.dtype == types.float64 else 32, is_paired=array.dtype == types.uint32)


def _tile(num_columns: int, num_rows: int) -> Any:
    @intrinsic
    def tile(typingctx: Any, like: Any, left: Any, left_stride: Any, right: Any, depth: Any, out: Any) -> Any:
        how = _arithmetic_of(like)

        def codegen(context: Any, builder: ir.IRBuilder, _: Any, arguments: Any) -> Any:
            _emit_product(builder, how, num_columns, num_rows, list(arguments)[1:])
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 5), codegen

    return tile


def _tiles(num_columns: int) -> Any:
    """Returns the function for tiles of that many columns: it takes one to `TILE_ROWS` rows.

    It has a name of its own. numba tells compiled functions of one name and signature apart by a number that it counts
    up in each process, so that the results of two processes that are loaded together may call each other's.
    """
    one, two, three, four, five, six = (_tile(num_columns, rows) for rows in range(1, TILE_ROWS + 1))

    @no_type_check
    def tiles(
        weights: Any, num_rows: int, left: int, left_stride: int, right: int, depth: int, out: int
    ) -> None:
        if num_rows == 6:
            six(weights, left, left_stride, right, depth, out)
        elif num_rows == 5:
            five(weights, left, left_stride, right, depth, out)
        elif num_rows == 4:
            four(weights, left, left_stride, right, depth, out)
        elif num_rows == 3:
            three(weights, left, left_stride, right, depth, out)
        elif num_rows == 2:
            two(weights, left, left_stride, right, depth, out)
        else:
            one(weights, left, left_stride, right, depth, out)

    tiles.__name__ = tiles.__qualname__ = f"tiles_{num_columns}"
    return njit(nogil=True)(tiles)


_tiles_16, _tiles_48, _tiles_64 = _tiles(16), _tiles(48), _tiles(64)


@njit(nogil=True)
@no_type_check
def product(
    weights: Any,
    num_columns: int,
    num_rows: int,
    left: int,
    left_stride: int,
    right: int,
    depth: int,
    out: int,
) -> None:
    """Writes `num_rows` rows of `num_columns` sums to `out`, row after row; addresses and strides are in bytes.

    Args:
        weights: the array that `right` lies in, for its type: float32, float64, or uint32 for pairs of bfloat16.
        num_columns: 16, 48 or 64.
        num_rows: 1 to `TILE_ROWS`.
        left: of the first row's first element.
        left_stride: from one row to the next.
        right: of the tile of arranged weights: `depth` runs of `num_columns` elements.
        depth: elements of a row (pairs for bfloat16).
        out: of the sums.
    """
    if num_columns == 64:
        _tiles_64(weights, num_rows, left, left_stride, right, depth, out)
    elif num_columns == 48:
        _tiles_48(weights, num_rows, left, left_stride, right, depth, out)
    else:
        _tiles_16(weights, num_rows, left, left_stride, right, depth, out)
