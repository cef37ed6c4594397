"""Trials of models with samples: draws, blocks and masses, a batch of trials at a time.

The kernels turn the streams of a batch into a tridiagonal form of every block, and sum the masses, from the
same draws; no block comes back. A trial has the same bits in any batch.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from ..lazy import lazy_property
from ..models.architectures import Block
from ..statistics import SpectralStatistic
from . import draws
from .cell_draw import CellDraw
from .draw import BlockSpectrum
from .forms import Floats, TridiagonalForms


class DenseDraw(CellDraw):
    """Trials with samples."""

    def forms(self, block: Block) -> TridiagonalForms:
        """Return the tridiagonal form of a block; all blocks come from the same samples."""
        return self._forms[block]

    @lazy_property
    def _forms(self) -> dict[Block, TridiagonalForms]:
        drawn, ones = self._drawn, np.ones((self.count, len(self.cell.blocks)))
        by_layer = {"v": (drawn.classes, ones)}
        if self.cell.architecture.is_hidden:
            by_layer["w"] = drawn.hidden, drawn.scales
        return {
            block: TridiagonalForms(scales[:, r], forms.diagonals[:, r], forms.off_diagonals[:, r])
            for layer, (forms, scales) in by_layer.items()
            for r, block in enumerate(self._layer(layer))
        }

    def masses(self, parts: Collection[str], spectra: Mapping[Block, BlockSpectrum]) -> Floats:
        """Return the total mass of each part by the formulas of the model, shape (T, parts)."""
        if not self.with_masses:
            raise ValueError("masses: expected a draw with masses, got one without")
        return self._drawn.masses[:, [self.cell.parts.index(part) for part in parts]]

    def _layer(self, layer: str) -> list[Block]:
        """Blocks of a layer; none where masses alone are measured."""
        statistics = self.experiment.measure.statistics
        if self.with_masses and not any(isinstance(each, SpectralStatistic) for each in statistics):
            return []
        return [block for block in self.cell.blocks if block.layer == layer]

    @lazy_property
    def _drawn(self) -> Any:
        """Forms and masses as the kernels give them, `LinearForms` or `HiddenForms`."""
        cell, precision = self.cell, self.experiment.measure.precision
        words = draws.trial_streams(self.experiment, cell, self.trials, self.with_masses)
        sizes = (cell.n_samples, cell.n_features, cell.n_classes)
        w, v = ([block.pair for block in self._layer(layer)] for layer in "wv")
        last = precision, cell.network, self.with_masses
        if cell.n_hidden is None:
            return self.ops.linear_forms(words, sizes, cell.loss, v, *last)
        return self.ops.hidden_forms(words, (*sizes, cell.n_hidden), cell.loss, w, v, *last)
