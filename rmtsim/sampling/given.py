"""A model and data from elsewhere, such as a trained network, as one trial that can be measured."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..models import MEAN_SQUARE, HiddenModel, LinearModel
from ..models.architectures import Block
from .draw import BlockSpectrum, Draw
from .forms import Floats, TridiagonalForms


class ModelDraw(Draw):
    """One trial: a model with its parameters, and its data.

    Parameters
    ----------
    model : LinearModel or HiddenModel
    X : array, shape (N, d)
    y : array of int, shape (N,), optional
        Labels, where residuals enter.
    """

    count = 1

    def __init__(self, model: LinearModel | HiddenModel, X: ArrayLike, y: ArrayLike | None = None) -> None:
        self.model, self.X, self.y, self.ops = model, X, y, model.kernels

    def forms(self, block: Block) -> TridiagonalForms:
        """Reduce the block, formed in full."""
        H = self.model.block(self.X, block.row, block.column, self.y)
        diagonal, off_diagonal = self.ops.tridiagonal(H)
        return TridiagonalForms(self.scales(block), diagonal[None], off_diagonal[None])

    def scales(self, block: Block) -> Floats:
        """Return S_ij = (V^T V)_ij for W-blocks of mse, else 1, shape (1,)."""
        model = self.model
        if block.layer == "w" and isinstance(model, HiddenModel) and model.loss is MEAN_SQUARE:
            return model.output_gram()[block.pair][None]
        return np.ones(1)

    def masses(self, parts: Collection[str], spectra: Mapping[Block, BlockSpectrum]) -> Floats:
        """Return the total mass of each part, shape (1, parts)."""
        masses = self.model.total_masses(self.X, self.y)
        return np.array([[masses[part] for part in parts]])
