"""Models: Hessian blocks, masses, full Hessian and matrix-free products in closed form, on any arrays."""

from .activations import RELU, Activation
from .architectures import ARCHITECTURES, BLOCKS, HIDDEN, LINEAR, Architecture, Block
from .hidden import HiddenModel
from .linear import LinearModel
from .losses import CROSS_ENTROPY, LOSSES, MEAN_SQUARE, Loss

__all__ = [
    "ARCHITECTURES", "BLOCKS", "CROSS_ENTROPY", "HIDDEN", "LINEAR", "LOSSES", "MEAN_SQUARE", "RELU",
    "Activation", "Architecture", "Block", "HiddenModel", "LinearModel", "Loss",
]  # fmt: skip
