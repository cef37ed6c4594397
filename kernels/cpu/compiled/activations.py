"""Activations phi of the hidden layer, compiled: value and derivatives at one pre-activation, in float64.

`kernels/host/activations.py` has the same in NumPy.
"""

import math

from .jit import inlined

RELU, LEAKY_RELU, IDENTITY, TANH, GELU = range(5)
CODES = {"relu": RELU, "leaky_relu": LEAKY_RELU, "identity": IDENTITY, "tanh": TANH, "gelu": GELU}
"""What compiled code calls the activations."""


@inlined
def _normal(a):
    """Normal distribution function and density."""
    return 0.5 * math.erfc(-a / math.sqrt(2.0)), math.exp(-0.5 * a * a) / math.sqrt(2 * math.pi)


@inlined
def value(code, slope, a):
    """phi(a)."""
    if code == TANH:
        return math.tanh(a)
    if code == GELU:
        return a * _normal(a)[0]
    if code == IDENTITY or a > 0:
        return a
    return slope * a if code == LEAKY_RELU else 0.0


@inlined
def first(code, slope, a):
    """phi'(a)."""
    if code == TANH:
        return 1.0 - math.tanh(a) ** 2
    if code == GELU:
        below, density = _normal(a)
        return below + a * density
    if code == IDENTITY or a > 0:
        return 1.0
    return slope if code == LEAKY_RELU else 0.0


@inlined
def second(code, slope, a):
    """phi''(a) where it exists."""
    if code == TANH:
        t = math.tanh(a)
        return -2.0 * t * (1.0 - t * t)
    return (2.0 - a * a) * _normal(a)[1] if code == GELU else 0.0
