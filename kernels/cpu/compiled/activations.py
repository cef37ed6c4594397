"""Activations phi of the hidden layer, compiled: value and derivatives at one pre-activation, in float64.

`kernels/host/activations.py` has the same in NumPy.
"""

from .jit import inlined

CODES = {"relu": 0}
"""What compiled code calls the activations."""
RELU = CODES["relu"]


@inlined
def value(code, slope, a):
    """phi(a)."""
    return max(a, 0.0)


@inlined
def first(code, slope, a):
    """phi'(a)."""
    return 1.0 if a > 0 else 0.0


@inlined
def second(code, slope, a):
    """phi''(a) where it exists."""
    return 0.0
