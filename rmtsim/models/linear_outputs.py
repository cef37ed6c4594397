"""Outputs under mean square: g_n = z_n - onehot(y_n), and B_n is the identity."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..kernels.host.masses import squared_gram
from .masses import ClassMasses, LargestBlocks
from .outputs import CrossTile, Floats, Outputs


class LinearOutputs(Outputs):
    """Logits, none of which knows of another class."""

    couples_classes = False

    def of_rows(self, rows: NDArray) -> Floats:
        """Return the logits of the classes with the given rows of V, (N, rows)."""
        return (self.features @ rows.T).astype(np.float64, copy=False)

    def mean_loss(self, y: NDArray) -> float:
        """Return (1/2N) sum_n |z_n - onehot(y_n)|^2."""
        squares = (np.sum(g**2) for _, g in self.residual_tiles(y))
        return sum(0.5 * float(square) for square in squares) / len(self.features)

    def residuals(self, values: Floats, y: NDArray, classes: slice) -> Floats:
        """Return columns of z - onehot(y), shape (N, len(classes))."""
        return values - (y[:, None] == np.arange(classes.start, classes.stop))

    def curvature_product(self, values: Floats, directions: NDArray) -> Floats:
        """Return the directions as they are."""
        return directions

    def class_weights(self, row: int, col: int) -> Floats:
        """Return 1 for row = col, else 0, shape (N,)."""
        return np.full(len(self.features), 1.0 if row == col else 0.0)

    def covariances(self, pairs: NDArray) -> Floats:
        """Return S_ij, the same for all samples, shape (1, K)."""
        return self.layer.gram()[pairs[:, 0], pairs[:, 1]][None]

    def cross_tiles(self, y: NDArray, hidden: Iterable[int], tiles: Iterable[slice]) -> Iterator[CrossTile]:
        """Yield the factors of (2.4): Q_nc = V_ci."""
        for classes in tiles:
            rows = self.layer.V[classes]
            g = self.residuals(self.of_rows(rows), y, classes)
            for i in hidden:
                yield CrossTile(i, classes, np.broadcast_to(rows[:, i].astype(np.float64), g.shape), g)

    def fill_hessian(self, H: NDArray) -> None:
        """Write the same block at every place of the diagonal."""
        N, k = self.features.shape
        C = self.layer.n_classes
        blocks = H.reshape(C, k, C, k)
        blocks[:] = 0
        block = self.kernels.weighted_gram(self.features, np.ones(N, self.features.dtype))
        for c in range(C):
            blocks[c, :, c] = block

    def _mass(self) -> float:
        """Mass of a block on the diagonal."""
        return float(squared_gram(self.features).sum()) / len(self.features) ** 2

    def block_masses(self) -> Floats:
        """Return |H[v_c, v_e]|_F^2, shape (C, C)."""
        return np.eye(self.layer.n_classes) * self._mass()

    def class_masses(self) -> ClassMasses:
        """Return the mass of the diagonal block of every class, and zeros."""
        C = self.layer.n_classes
        return ClassMasses(np.full(C, self._mass()), np.zeros(C))

    def largest_off_diagonal(self, count: int, n_candidates: int) -> LargestBlocks:
        """Refuse: all of these blocks are zero."""
        raise ValueError('loss: expected "ce", as for "mse" every off-diagonal block is zero, got "mse"')
