"""Models: Hessian blocks, masses, full Hessian and matrix-free products in closed form, on any arrays."""

from .hidden import HiddenModel
from .linear import LinearModel

__all__ = ["HiddenModel", "LinearModel"]
