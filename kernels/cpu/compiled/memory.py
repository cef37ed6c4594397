"""Loads and stores that tell LLVM which arrays share no memory.

LLVM vectorises a loop over several arrays behind a check, each time the loop begins, that what is stored lies
apart from what is loaded. In a short loop over many rows that check takes longer than the loop. `load` and
`store` name a region: accesses of two different regions do not touch the same memory, as long as the arrays
live that they go to, which the caller promises. Within a region nothing is promised.
"""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

REGIONS = 8
"""Regions are the constants 0, ..., REGIONS - 1."""


def _place(context, builder, array_type, array, index):
    """Address of an element of a one-dimensional array of unit stride."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def _mark(builder, access, region: int) -> None:
    """Say of an access that it is in `region` and meets none of the others."""
    module = builder.module
    domain = module.add_metadata(["rmtsim"])
    scopes = [module.add_metadata([f"rmtsim region {k}", domain]) for k in range(REGIONS)]
    others = [scope for k, scope in enumerate(scopes) if k != region]
    access.set_metadata("alias.scope", module.add_metadata([scopes[region]]))
    access.set_metadata("noalias", module.add_metadata(others))


def _constant(region) -> int:
    if not isinstance(region, types.IntegerLiteral) or not 0 <= region.literal_value < REGIONS:
        raise TypeError(f"region: expected a constant from 0 to {REGIONS - 1}, got {region}")
    return region.literal_value


@intrinsic(prefer_literal=True)
def load(typingctx, array, index, region):
    """array[index], for index >= 0 and a vector of unit stride; for compiled code."""
    constant = _constant(region)

    def codegen(context, builder, signature, arguments):
        loaded = builder.load(_place(context, builder, signature.args[0], *arguments[:2]))
        _mark(builder, loaded, constant)
        return loaded

    return array.dtype(array, types.intp, region), codegen


@intrinsic(prefer_literal=True)
def store(typingctx, array, index, value, region):
    """array[index] = value, for index >= 0 and a vector of unit stride; for compiled code."""
    constant = _constant(region)

    def codegen(context, builder, signature, arguments):
        place = _place(context, builder, signature.args[0], *arguments[:2])
        _mark(builder, builder.store(arguments[2], place), constant)
        return context.get_dummy_value()

    return types.none(array, types.intp, array.dtype, region), codegen


@register_jitable
def whole_lines(n, itemsize):
    """Return n elements rounded up to whole cache lines, which leave nothing over for a scalar loop."""
    lane = 64 // itemsize
    return -(-n // lane) * lane


@register_jitable
def square(flat, n):
    """Return a contiguous n x n matrix in the memory of `flat`."""
    return flat[: n * n].reshape(n, n)
