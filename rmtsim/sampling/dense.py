"""Trials of models with samples: draws, blocks and masses, a batch of trials at a time.

The kernels turn the streams of a batch into a tridiagonal form of every block; no block comes back. A trial
has the same bits in any batch.
"""

from collections.abc import Collection, Mapping
from functools import cached_property

import numpy as np

from ..models.architectures import Block
from . import draws
from .cell_draw import CellDraw, draw_model
from .draw import BlockSpectrum
from .forms import Floats, TridiagonalForms


class DenseDraw(CellDraw):
    """Trials with samples."""

    def forms(self, block: Block) -> TridiagonalForms:
        """Return the tridiagonal form of a block; all blocks come from the same samples."""
        return self._forms[block]

    @cached_property
    def _forms(self) -> dict[Block, TridiagonalForms]:
        cell, precision = self.cell, self.experiment.measure.precision
        words = draws.trial_streams(self.experiment, cell, self.trials)
        sizes = (cell.n_samples, cell.n_features, cell.n_classes)
        layers = {layer: [block for block in cell.blocks if block.layer == layer] for layer in "wv"}
        pairs = {layer: [block.pair for block in blocks] for layer, blocks in layers.items()}
        ones = np.ones((self.count, len(cell.blocks)))
        if cell.n_hidden is None:
            by_layer = {
                "v": (
                    self.ops.linear_forms(words, sizes, cell.loss, pairs["v"], precision, cell.network),
                    ones,
                )
            }
        else:
            of_pairs = pairs["w"], pairs["v"], precision, cell.network
            both = self.ops.hidden_forms(words, (*sizes, cell.n_hidden), cell.loss, *of_pairs)
            by_layer = {"w": (both.hidden, both.scales), "v": (both.classes, ones)}
        return {
            block: TridiagonalForms(scales[:, r], forms.diagonals[:, r], forms.off_diagonals[:, r])
            for layer, (forms, scales) in by_layer.items()
            for r, block in enumerate(layers[layer])
        }

    def masses(self, parts: Collection[str], spectra: Mapping[Block, BlockSpectrum]) -> Floats:
        """Return the total mass of each part by the formulas of the model, shape (T, parts)."""
        return np.array([self._masses(trial, parts) for trial in self.trials])

    def _masses(self, trial: int, parts: Collection[str]) -> list[float]:
        cell, precision = self.cell, self.experiment.measure.precision
        X = draws.inputs(self.ops, self.experiment, cell, trial, precision)
        y = draws.labels(self.ops, self.experiment, cell, trial) if cell.architecture.is_hidden else None
        masses = draw_model(self.experiment, cell, trial, self.device).total_masses(X, y)
        return [masses[part] for part in parts]
