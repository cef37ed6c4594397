"""Trials of mse models from exact structured models, without samples: theory.md (5.1)-(5.3d).

Every block of an mse model is a Wishart matrix, or nearly, and comes from O(N + d) random numbers in place of
N d. A block has the law that it has on the dense path, given W and V, which are drawn the same. What is not
reproduced is the dependence of blocks on one another through their common samples: here the blocks of a
trial are independent given W and V.
"""

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from ..experiment.streams import Role, streams
from ..lazy import lazy_property
from ..models.architectures import VV_DIAG, VV_OFF, WW_DIAG, WW_OFF, Block
from . import draws
from .cell_draw import CellDraw
from .draw import BlockSpectrum
from .forms import BandedForms, BlockForms, Floats, TridiagonalForms


class StructuredDraw(CellDraw):
    """Trials without samples."""

    def forms(self, block: Block) -> BlockForms:
        """Return matrices with the law of the eigenvalues of the block given W and V."""
        if block not in self._drawn:
            self._drawn[block] = self._draw(block)
        return self._drawn[block]

    @lazy_property
    def _drawn(self) -> dict[Block, BlockForms]:
        return {}

    def _draw(self, block: Block) -> BlockForms:
        cell, count = self.cell, self.count
        if block is VV_OFF:  # B_n = I: the classes do not interact
            n = cell.block_size(block)
            return TridiagonalForms(np.ones(count), np.zeros((count, n)), np.zeros((count, n - 1)))
        if not cell.architecture.is_hidden:
            return self._wishart(np.full(count, cell.n_samples), np.ones(count))
        draw: dict[Block, Callable[[], BlockForms]] = {
            WW_DIAG: self._half_space,
            WW_OFF: self._wedge,
            VV_DIAG: self._activations,
        }
        return draw[block]()

    def masses(self, parts: Collection[str], spectra: Mapping[Block, BlockSpectrum]) -> Floats:
        """Return the masses of the linear model: its diagonal blocks are one matrix, and the others zero."""
        spectrum = spectra.get(VV_DIAG) or BlockSpectrum(self.forms(VV_DIAG), self.ops, None)
        diagonal = self.cell.n_classes * self.cell.n_features * spectrum.moments[:, 1]
        return np.stack([diagonal, np.zeros(self.count)], axis=1)

    def _streams(self, *roles: Role) -> NDArray[np.uint32]:
        return streams(self.experiment.seed, self.cell.index, self.trials, roles)

    def _wishart(self, freedoms: NDArray[np.int64], scales: NDArray[np.float64]) -> TridiagonalForms:
        """Scale / N times Wishart matrices of as many degrees of freedom, theory.md (5.1)."""
        d, N = self.cell.n_features, self.cell.n_samples
        drawn = self.ops.wishart_forms(self._streams(Role.CHI)[:, 0], freedoms, d, scales / N)
        return TridiagonalForms(scales, *drawn)

    def _half_space(self) -> TridiagonalForms:
        """W_ii: the gate of a sample is independent of x x^T, theory.md (5.2)."""
        active = self.ops.half_space_counts(self._streams(Role.GATES)[:, 0], self.cell.n_samples)
        return self._wishart(active, self.scales(WW_DIAG))

    def _wedge(self) -> BandedForms:
        """W_ij: what a sample has in the plane of w_i and w_j is drawn as it is, theory.md (5.3d)."""
        d, N, precision = self.cell.n_features, self.cell.n_samples, self.experiment.measure.precision
        samples = self.ops.wedge_samples(self._streams(Role.W, Role.PLANE), d, N, (0, 1), precision)
        scales, words = self.scales(WW_OFF), self._streams(Role.CHI_OFF, Role.NORMALS_OFF)
        return BandedForms(scales, self.ops.wedge_forms(words, *samples, d, scales / N))

    def _activations(self) -> TridiagonalForms:
        """V_cc of the hidden model, from the samples in the span of the rows of W, theory.md (5.3e)."""
        words = self._streams(Role.SPAN)[:, 0]
        pairs = [self._activation_form(*each) for each in zip(self.trials, words, strict=True)]
        return TridiagonalForms(np.ones(self.count), *map(np.array, zip(*pairs, strict=True)))

    def _activation_form(self, trial: int, words: NDArray[np.uint32]) -> tuple[NDArray, NDArray]:
        W = draws.first_layer(self.ops, self.experiment, self.cell, trial, self.experiment.measure.precision)
        R, N = np.linalg.qr(W.astype(np.float64).T, mode="r"), self.cell.n_samples
        X = self.ops.normals(words, 0, N * len(R)).reshape(N, len(R))
        H = self.ops.weighted_gram(np.maximum(X @ R, 0.0), np.ones(N))
        return self.ops.tridiagonal(H)
