"""Outputs under cross-entropy: g_n = p_n - onehot(y_n), B_n = diag(p_n) - p_n p_n^T, p_n = softmax(z_n).

Where one class dominates a sample, 1 - p of that class is the sum of the others, theory.md (2.5a).
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..kernels.host.masses import squared_gram
from ..kernels.host.tops import SoftmaxTops
from . import masses, products
from .masses import ClassMasses, LargestBlocks, Tiles
from .outputs import CrossTile, Floats, OutputLayer, Outputs
from .rows import StreamedRows, without_common_offset


class SoftmaxOutputs(Outputs):
    """Softmax probabilities."""

    couples_classes = True

    def __init__(self, layer: OutputLayer, features: NDArray, tops: SoftmaxTops | None = None) -> None:
        super().__init__(layer, features)
        self._tops = tops

    @staticmethod
    def weights(V: NDArray | StreamedRows) -> NDArray | StreamedRows:
        """Return V less a row common to all classes, where that is large."""
        return without_common_offset(V)

    @property
    def tops(self) -> SoftmaxTops:
        """Log-normalizers, and top classes of confident samples: one pass over the classes, made once."""
        if self._tops is None:
            self._tops = self.kernels.softmax_tops(self.features, self.layer.V)
        return self._tops

    def of_rows(self, rows: NDArray) -> Floats:
        """Return the probabilities of the classes with the given rows of V, (N, rows)."""
        classes = np.arange(len(rows))
        return self.kernels.class_probabilities(self.features, rows, classes, log_z=self.tops.log_z)

    def of(self, classes: NDArray) -> Floats:
        """Return the probabilities of some classes, (N, len(classes))."""
        return self.kernels.class_probabilities(self.features, self.layer.V, classes, log_z=self.tops.log_z)

    def mean_loss(self, y: NDArray) -> float:
        """Return the mean of -log p of the class y of each sample."""
        losses = self.tops.log_z.copy()
        for classes in self.layer.tiles(len(self.features)):
            here = np.flatnonzero((y >= classes.start) & (y < classes.stop))
            rows = self.layer.V[classes][y[here] - classes.start]
            losses[here] -= np.einsum("nk,nk->n", self.features[here], rows, dtype=np.float64)
        learned = np.flatnonzero(self.tops.top == y)
        losses[learned] = -np.log1p(-self.tops.complement[learned])
        return float(np.mean(losses))

    def residuals(self, values: Floats, y: NDArray, classes: slice) -> Floats:
        """Return columns of p - onehot(y), shape (N, len(classes))."""
        g = values - (y[:, None] == np.arange(classes.start, classes.stop))
        samples, places = self.tops.inside(classes.start, values.shape[1])
        learned = self.tops.top[samples] == y[samples]
        g[samples[learned], places[learned]] = -self.tops.complement[samples[learned]]
        return g

    def curvature_product(self, values: Floats, directions: NDArray) -> Floats:
        """Return p (u - p . u) for probabilities of all classes and logit directions u, each (N, C)."""
        weighted = values * directions
        product = weighted - values * weighted.sum(axis=1, keepdims=True)
        samples, top = self.tops.inside(0, values.shape[1])
        # u_t - sum p_c u_c = (1 - p_t) u_t - sum over the others, of which none is large
        weighted[samples, top] = 0
        apart = self.tops.complement[samples] * directions[samples, top] - weighted[samples].sum(axis=1)
        product[samples, top] = values[samples, top] * apart
        return product

    def class_weights(self, row: int, col: int) -> Floats:
        """Return p_c (1 - p_c) for row = col, else -p_c p_e, shape (N,)."""
        p = self.of(np.array([row, col]))
        complement = self.tops.complements(p[:, :1], row)[:, 0]
        return self.kernels.class_weights(p[:, 0], p[:, 1], row == col, complement)

    def covariances(self, pairs: NDArray) -> Floats:
        """Return the covariances of columns of V under p_n, shape (N, K)."""
        return self.kernels.class_covariances(self.features, self.layer.V, pairs)

    def cross_tiles(self, y: NDArray, hidden: Iterable[int], tiles: Iterable[slice]) -> Iterator[CrossTile]:
        """Yield the factors of (2.4): Q_nc = p_nc (V_ci - (V^T p_n)_i)."""
        means = self.kernels.class_means(self.features, self.layer.V)
        apart = self._tops_from_means()
        for classes in tiles:
            rows = self.layer.V[classes]
            p = self.of_rows(rows)
            g = self.residuals(p, y, classes)
            for i in hidden:
                Q = p * (rows[:, i].astype(np.float64) - means[:, i, None])
                samples, places = self.tops.inside(classes.start, len(rows))
                Q[samples, places] = p[samples, places] * apart[samples, i]
                yield CrossTile(i, classes, Q, g)

    def _tops_from_means(self) -> Floats:
        """Return v_t - V^T p_n for the top class t of confident samples, shape (N, k), else 0.

        It is (1 - p_t) v_t less the sum of p_c v_c over the other classes, of which none is large.
        """
        apart = np.zeros(self.features.shape)
        who = self.tops.confident
        if who.size == 0:
            return apart
        tops = SoftmaxTops(self.tops.log_z[who], self.tops.top[who], self.tops.complement[who])
        confident_outputs = SoftmaxOutputs(self.layer, self.features[who], tops)
        for classes, p in confident_outputs.tiles():
            rows = self.layer.V[classes]
            samples, places = tops.inside(classes.start, len(rows))
            apart[who[samples]] += tops.complement[samples, None] * rows[places]
            tops.take_out(p, classes.start)
            apart[who] -= p @ rows
        return apart

    def fill_hessian(self, H: NDArray) -> None:
        """Write blockdiag - Y^T Y / N with the rows p_n (x) phi_n of Y: one symmetric product.

        The diagonal blocks are then set from their own weights p (1 - p), never as a difference of two sums.
        """
        N, k = self.features.shape
        C = self.layer.n_classes
        blocks = H.reshape(C, k, C, k)
        p = self.all()
        others = self.tops.complements(p, 0)
        p = p.astype(self.features.dtype)
        if k < C:
            products.fill_gram(self.kernels, self.features, p, -1 / N, blocks.transpose(1, 0, 3, 2))
        else:
            products.fill_gram(self.kernels, p, self.features, -1 / N, blocks)
        for c in range(C):
            weights = self.kernels.class_weights(p[:, c], p[:, c], True, others[:, c])
            blocks[c, :, c] = self.kernels.weighted_gram(self.features, weights)

    # Masses ----------------------------------------------------------------------------------------

    def _by_first_class(self) -> Tiles:
        return ((classes.start, p) for classes, p in self.tiles())

    def block_masses(self) -> Floats:
        """Return |H[v_c, v_e]|_F^2, shape (C, C)."""
        p = self.all()
        return masses.class_block_masses(self.kernels, self.features, p, self.tops.complements(p, 0))

    def class_masses(self) -> ClassMasses:
        """Return the masses by class, from two runs through the classes."""
        of_tops = self.of(self.tops.top[self.tops.confident])
        first, second = (self._by_first_class() for _ in range(2))
        return masses.class_masses(self.kernels, self.features, first, second, self.tops, of_tops)

    def largest_off_diagonal(self, count: int, n_candidates: int) -> LargestBlocks:
        """Return the largest blocks among the classes of largest Cauchy-Schwarz bound."""
        K = squared_gram(self.features)
        bounds = masses.self_bounds(self.kernels, K, self._by_first_class())
        chosen = np.argsort(-bounds, kind="stable")[:n_candidates]
        return masses.largest_pairs(self.kernels, K, self.of(chosen), chosen, bounds, count)
