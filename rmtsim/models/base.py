"""What both models share: the loss on the logits, and the softmax curvature of the output layer."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse.linalg
from numpy.typing import ArrayLike, NDArray

from .. import kernels
from ..kernels.host.masses import squared_gram
from ..kernels.host.tops import SoftmaxTops
from . import checks, masses, products
from .rows import (
    StreamedRows,
    default_memory_limit,
    output_weights,
    tile_of_classes,
    without_common_offset,
)

BlockIndex = tuple[str, int]


class Model(ABC):
    """A network with output weights V (C, k) on features phi(x) (k,): logits z = V phi(x).

    Per sample, with respect to the logits: gradient g = p - onehot(y) (ce) or z - onehot(y) (mse), and
    Hessian B = diag(p) - p p^T (ce) or I (mse); theory.md section 1.
    """

    layer_sizes: dict[str, int]

    def __init__(self, V: Any, loss: str, device: str, memory_limit: int | None) -> None:
        self.loss = checks.loss(loss)
        self._set_output_weights(output_weights(V))
        self.kernels = kernels.load(device)
        self.memory_limit = default_memory_limit() if memory_limit is None else checks.size(memory_limit)

    def _set_output_weights(self, V: NDArray | StreamedRows) -> None:
        self.V = V
        self.output_rows = without_common_offset(V) if self.loss == "ce" else V
        """V (C, k) as the loss sees it: under cross-entropy a row common to all classes may be missing."""

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return self.V.shape[0]

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Input dimension d."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Number of parameters P: the Hessian has shape (P, P)."""

    @abstractmethod
    def features(self, X: NDArray) -> NDArray:
        """Return what the output layer sees, shape (N, k): X itself or the hidden activations."""

    def inputs(self, X: ArrayLike) -> NDArray:
        """Return X as a checked matrix in the precision of the parameters, shape (N, d)."""
        why = f" because the model has n_features = {self.n_features}"
        return checks.matrix("X", X, self.n_features, why, self.V.dtype)

    def labels(self, y: ArrayLike | None, n_samples: int, needed_for: str) -> NDArray[np.int64]:
        """Return y as checked labels, shape (N,)."""
        return checks.labels(y, n_samples, self.n_classes, needed_for)

    # The output layer ------------------------------------------------------------------------------

    def logits(self, X: ArrayLike) -> NDArray:
        """Return f(x_n), shape (N, C)."""
        return self.features(self.inputs(X)) @ self.V[: self.n_classes].T

    def softmax_tops(self, features: NDArray) -> SoftmaxTops | None:
        """Return logsumexp and top classes of the samples, for `outputs`; None for mse, which has none."""
        return None if self.loss == "mse" else self.kernels.softmax_tops(features, self.output_rows)

    def outputs(self, features: NDArray, rows: NDArray, tops: SoftmaxTops | None) -> NDArray[np.float64]:
        """Return softmax p (ce) or logits z (mse) of the classes with the given rows of V, (N, rows)."""
        if tops is None:
            return (features @ rows.T).astype(np.float64, copy=False)
        return self.kernels.class_probabilities(features, rows, np.arange(len(rows)), log_z=tops.log_z)

    def all_outputs(self, features: NDArray, tops: SoftmaxTops | None) -> NDArray[np.float64]:
        """Return p (ce) or z (mse) of every class, shape (N, C)."""
        return self.outputs(features, self.output_rows[: self.n_classes], tops)

    def class_slices(self, n_samples: int) -> Iterator[slice]:
        """Yield consecutive tiles of classes, so that no (N, C) array need be whole."""
        tile = self._class_tile(n_samples)
        for start in range(0, self.n_classes, tile):
            yield slice(start, min(start + tile, self.n_classes))

    def _class_tile(self, n_samples: int) -> int:
        """Return how many classes a tile has."""
        return tile_of_classes(n_samples, self.V.shape[1], self.memory_limit)

    def output_tiles(
        self, features: NDArray, tops: SoftmaxTops | None
    ) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield (classes, `outputs`) over tiles that together run through all classes."""
        for classes in self.class_slices(len(features)):
            yield classes, self.outputs(features, self.output_rows[classes], tops)

    def residuals(
        self, outputs: NDArray, tops: SoftmaxTops | None, y: NDArray, classes: slice
    ) -> NDArray[np.float64]:
        """Return columns of g, shape (N, len(classes)): the gradient with respect to the logits."""
        g = outputs - (y[:, None] == np.arange(classes.start, classes.stop))
        if tops is not None:
            samples, places = tops.inside(classes.start, outputs.shape[1])
            learned = tops.top[samples] == y[samples]
            g[samples[learned], places[learned]] = -tops.complement[samples[learned]]
        return g

    def curvature_product(
        self, outputs: NDArray, tops: SoftmaxTops | None, directions: NDArray
    ) -> NDArray[np.float64]:
        """Return B_n u_n for `outputs` of all classes and logit directions u, each (N, C)."""
        if tops is None:
            return directions
        weighted = outputs * directions
        product = weighted - outputs * weighted.sum(axis=1, keepdims=True)
        samples, top = tops.inside(0, outputs.shape[1])
        # u_t - sum p_c u_c = (1 - p_t) u_t - sum over the others, of which none is large
        weighted[samples, top] = 0
        apart = tops.complement[samples] * directions[samples, top] - weighted[samples].sum(axis=1)
        product[samples, top] = outputs[samples, top] * apart
        return product

    def loss_value(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the mean loss over the samples (theory.md section 1)."""
        X = self.inputs(X)
        features = self.features(X)
        targets = self.labels(y, len(X), "the loss")
        tops = self.softmax_tops(features)
        if tops is not None:
            return float(np.mean(self._cross_entropies(features, tops, targets)))
        total = 0.0
        for classes, outputs in self.output_tiles(features, tops):
            total += 0.5 * float(np.sum(self.residuals(outputs, tops, targets, classes) ** 2))
        return total / len(X)

    def _cross_entropies(self, features: NDArray, tops: SoftmaxTops, y: NDArray) -> NDArray[np.float64]:
        """Return -log p of the class y of each sample, (N,)."""
        losses = tops.log_z.copy()
        for classes in self.class_slices(len(features)):
            here = np.flatnonzero((y >= classes.start) & (y < classes.stop))
            rows = self.output_rows[classes][y[here] - classes.start]
            losses[here] -= np.einsum("nk,nk->n", features[here], rows, dtype=np.float64)
        learned = np.flatnonzero(tops.top == y)
        losses[learned] = -np.log1p(-tops.complement[learned])
        return losses

    def class_sample_weights(self, features: NDArray, row: int, col: int) -> NDArray[np.float64]:
        """Return (B_n)_{row,col}, shape (N,): the sample weights of output-layer blocks (2.1), (2.3)."""
        if self.loss == "mse":
            return np.full(len(features), 1.0 if row == col else 0.0)
        tops = self.kernels.softmax_tops(features, self.output_rows)
        p = self.kernels.class_probabilities(
            features, self.output_rows, np.array([row, col]), log_z=tops.log_z
        )
        complement = tops.complements(p[:, :1], row)[:, 0]
        return self.kernels.class_weights(p[:, 0], p[:, 1], row == col, complement)

    def fill_output_hessian(self, H: NDArray, features: NDArray) -> None:
        """Write the output-layer part of the Hessian to H (C k, C k), which may be a view: (2.1) or (2.3).

        For ce, H = blockdiag - Y^T Y / N with the rows p_n (x) phi_n of Y: one symmetric product. The
        diagonal blocks are then set from their own weights p (1 - p), never as a difference of two sums.
        """
        N, k = features.shape
        C = self.n_classes
        blocks = H.reshape(C, k, C, k)
        if self.loss == "mse":
            blocks[:] = 0
            block = self.kernels.weighted_gram(features, np.ones(N, features.dtype))
            for c in range(C):
                blocks[c, :, c] = block
            return
        tops = self.kernels.softmax_tops(features, self.output_rows)
        p = self.all_outputs(features, tops)
        others = tops.complements(p, 0)
        p = p.astype(features.dtype)
        if k < C:
            products.fill_gram(self.kernels, features, p, -1 / N, blocks.transpose(1, 0, 3, 2))
        else:
            products.fill_gram(self.kernels, p, features, -1 / N, blocks)
        for c in range(C):
            weights = self.kernels.class_weights(p[:, c], p[:, c], True, others[:, c])
            blocks[c, :, c] = self.kernels.weighted_gram(features, weights)

    # Masses ----------------------------------------------------------------------------------------

    def _class_block_masses(self, features: NDArray, tops: SoftmaxTops | None) -> NDArray[np.float64]:
        p = None if tops is None else self.all_outputs(features, tops)
        others = None if tops is None or p is None else tops.complements(p, 0)
        return masses.class_block_masses(self.kernels, features, p, others, self.n_classes)

    def _probability_tiles(self, features: NDArray, tops: SoftmaxTops) -> Iterator[tuple[int, NDArray]]:
        return ((classes.start, p) for classes, p in self.output_tiles(features, tops))

    def _total_class_masses(self, features: NDArray, tops: SoftmaxTops | None) -> dict[str, float]:
        if tops is None:
            total = self.n_classes * float(squared_gram(features).sum())
            return {"vv_diag": total / len(features) ** 2, "vv_off": 0.0}
        tile = self._class_tile(len(features))
        diagonal, off = self.kernels.class_mass_totals(features, self.output_rows, tile, tops)
        return {"vv_diag": float(diagonal), "vv_off": float(off)}

    def class_masses(self, X: ArrayLike) -> masses.ClassMasses:
        """Return the mass of the diagonal block and of all off-diagonal blocks of every class.

        Exact, no block formed: O(N^2 C) time, O(N^2 + C) memory. The labels do not enter.

        Parameters
        ----------
        X : array, shape (N, d)

        Returns
        -------
        ClassMasses
            ``diagonal`` and ``off_diagonal``, each of shape (C,); they sum to "vv_diag" and "vv_off"
            of `total_masses`.
        """
        features = self.features(self.inputs(X))
        tops = self.softmax_tops(features)
        if tops is None:
            diagonal = np.full(self.n_classes, squared_gram(features).sum() / len(features) ** 2)
            return masses.ClassMasses(diagonal, np.zeros(self.n_classes))
        chosen = tops.top[tops.confident]
        of_tops = self.kernels.class_probabilities(features, self.output_rows, chosen, log_z=tops.log_z)
        first, second = (self._probability_tiles(features, tops) for _ in range(2))
        return masses.class_masses(self.kernels, features, first, second, tops, of_tops)

    def largest_off_diagonal(
        self, X: ArrayLike, count: int = 10, n_candidates: int = 64
    ) -> masses.LargestBlocks:
        """Return the output-layer blocks H[v_c, v_e], c < e, of largest mass among candidate classes.

        All pairs of the `n_candidates` classes of largest Cauchy-Schwarz bound are computed exactly; the
        ``bound`` returned limits every other pair. If the smallest mass returned reaches it, the search
        was exhaustive; else raise `n_candidates`. Cross-entropy only: for mse these blocks are zero.

        Parameters
        ----------
        X : array, shape (N, d)
        count : int
            How many blocks to return, at most.
        n_candidates : int
            O(N^2 n_candidates^2) operations.

        Raises
        ------
        ValueError
            For mse, or count or n_candidates out of range.
        """
        if self.loss == "mse":
            raise ValueError('loss: expected "ce", as for "mse" every off-diagonal block is zero, got "mse"')
        for name, value, least in (("count", count, 1), ("n_candidates", n_candidates, 2)):
            if value < least:
                raise ValueError(f"{name}: expected at least {least}, got {value}")
        features = self.features(self.inputs(X))
        tops = self.kernels.softmax_tops(features, self.output_rows)
        K = squared_gram(features)
        bounds = masses.self_bounds(self.kernels, K, self._probability_tiles(features, tops))
        chosen = np.argsort(-bounds, kind="stable")[:n_candidates]
        p = self.kernels.class_probabilities(features, self.output_rows, chosen, log_z=tops.log_z)
        return masses.largest_pairs(self.kernels, K, p, chosen, bounds, count)

    # The full Hessian ------------------------------------------------------------------------------

    @abstractmethod
    def hessian_product(self, X: NDArray, y: NDArray | None, direction: NDArray) -> NDArray[np.float64]:
        """Return the Hessian times a parameter direction, shape (P,), without forming a block."""

    def linear_operator(self, X: ArrayLike, y: ArrayLike | None = None) -> scipy.sparse.linalg.LinearOperator:
        """Return the full Hessian as a symmetric linear operator, for Lanczos at O(N (d m + m C)) a product.

        Parameters
        ----------
        X : array, shape (N, d)
        y : array of int, shape (N,)
            Labels; needed by the hidden model, whose (w, v) blocks carry the residuals.
        """
        X = self.inputs(X)
        targets = self._hessian_labels(y, len(X))

        def product(direction: NDArray) -> NDArray[np.float64]:
            return self.hessian_product(X, targets, np.asarray(direction, dtype=np.float64).ravel())

        shape = (self.n_parameters, self.n_parameters)
        return scipy.sparse.linalg.LinearOperator(shape, matvec=product, rmatvec=product, dtype=np.float64)

    @abstractmethod
    def _hessian_labels(self, y: ArrayLike | None, n_samples: int) -> NDArray | None:
        """Return checked labels, or None where the Hessian does not depend on them."""

    def _block_indices(self, row: Any, col: Any) -> tuple[BlockIndex, BlockIndex]:
        return (
            checks.block_index("row", row, self.layer_sizes),
            checks.block_index("col", col, self.layer_sizes),
        )
