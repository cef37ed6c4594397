"""The one-hidden-layer ReLU network f(x) = V relu(W x): theory.md (2.2)-(2.4), (2.6), (2.7)."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..kernels.host.masses import squared_gram
from . import checks
from .base import BlockIndex, Model
from .cross import cross_blocks, cross_masses, cross_tiles


class HiddenModel(Model):
    """Network f(x) = V relu(W x) without biases; the derivative of ReLU at exactly 0 is 0.

    Parameters
    ----------
    W : array, shape (m, d)
        Hidden weights; float32 stays float32, anything else becomes float64.
    V : array, shape (C, m)
        Output weights. A memory map, an HDF5 dataset or anything else with shape, dtype and row slicing is
        read by tiles of classes, never whole.
    loss : {"ce", "mse"}
        Cross-entropy (1/N) sum [logsumexp(z) - z_y], or mean square (1/2N) sum |z - onehot(y)|^2.
    device : {"cpu", "gpu", "reference"}
        Which kernels compute.
    memory_limit : int, optional
        Bytes that sums over classes may take; a quarter of the machine's memory by default.

    Raises
    ------
    ValueError, TypeError
        If W or V is not a finite real matrix, their shapes do not fit, or the loss is unknown.

    Examples
    --------
    >>> model = HiddenModel(W=np.ones((1, 1)), V=np.full((3, 1), 2.0), loss="mse")
    >>> model.block(np.ones((1, 1)), ("w", 0), ("w", 0))      # (V^T V)_00 x x^T
    array([[12.]])
    """

    def __init__(
        self,
        W: ArrayLike,
        V: Any,
        loss: str = "ce",
        *,
        device: str = "cpu",
        memory_limit: int | None = None,
    ) -> None:
        super().__init__(V, loss, device, memory_limit)
        self.W = checks.matrix("W", W)
        if self.V.shape[1] != self.n_hidden:
            raise ValueError(
                f"V: expected shape (C, {self.n_hidden}) to fit W of shape {self.W.shape}, got {self.V.shape}"
            )
        dtype = np.result_type(self.W.dtype, self.V.dtype)
        self.W = self.W.astype(dtype, copy=False)
        if self.V.dtype != dtype:
            self._set_output_weights(self.V.astype(dtype))
        self.layer_sizes = {"w": self.n_hidden, "v": self.n_classes}

    @property
    def n_features(self) -> int:
        """Input dimension d."""
        return self.W.shape[1]

    @property
    def n_hidden(self) -> int:
        """Hidden width m."""
        return self.W.shape[0]

    @property
    def n_parameters(self) -> int:
        """Number of parameters m d + C m."""
        return self.W.size + self.n_classes * self.n_hidden

    def features(self, X: NDArray) -> NDArray:
        """Return the hidden activations h = relu(W x), shape (N, m)."""
        return np.maximum(X @ self.W.T, 0)

    # Sample weights and blocks ---------------------------------------------------------------------

    def _hidden_covariances(self, h: NDArray, pairs: NDArray) -> NDArray[np.float64]:
        """Return (V^T B_n V)_ij for pairs (i, j): shape (N, K), or (1, K) for mse, where it is constant."""
        if self.loss == "mse":
            return self.output_gram()[pairs[:, 0], pairs[:, 1]][None]
        return self.kernels.class_covariances(h, self.output_rows, pairs)

    def output_gram(self) -> NDArray[np.float64]:
        """Return S = V^T V, shape (m, m): the natural unit S_ij of W-layer blocks under mse."""
        S = np.zeros((self.n_hidden, self.n_hidden))
        for classes in self.class_slices(n_samples=0):
            rows = self.V[classes].astype(np.float64)
            S += rows.T @ rows
        return S

    def _hidden_sample_weights(self, X: NDArray, pairs: NDArray) -> NDArray[np.float64]:
        """Return D_ni D_nj (V^T B_n V)_ij for the pairs (i, j), shape (N, K): sample weights of (2.2)."""
        h = self.features(X)
        factors = np.broadcast_to(self._hidden_covariances(h, pairs), (len(X), len(pairs)))
        weights = np.empty(factors.shape)
        for k, (i, j) in enumerate(pairs):
            # relu(a) > 0 exactly where a > 0, so h gates as well as a does
            weights[:, k] = self.kernels.gated_weights(h[:, i], h[:, j], factors[:, k])
        return weights

    def sample_weights(self, X: ArrayLike, row: BlockIndex, col: BlockIndex) -> NDArray[np.float64]:
        """Return lambda_n of a within-layer block, shape (N,).

        H = (1/N) sum_n lambda_n u_n u_n^T, with u = x for two hidden units and u = h for two classes.

        Raises
        ------
        ValueError
            For a block between layers, which is no weighted Gram matrix.
        """
        (layer, i), (other, j) = self._block_indices(row, col)
        if layer != other:
            raise ValueError(f"row, col: expected two units of one layer, got {row!r} and {col!r}")
        X = self.inputs(X)
        if layer == "v":
            return self.class_sample_weights(self.features(X), i, j)
        return self._hidden_sample_weights(X, np.array([[i, j]]))[:, 0]

    def block(
        self, X: ArrayLike, row: BlockIndex, col: BlockIndex, y: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return H[row, col] in closed form.

        Parameters
        ----------
        X : array, shape (N, d)
        row, col : ("w", i) or ("v", c)
        y : array of int, shape (N,)
            Labels; needed for blocks between the layers alone, which carry the residuals.

        Returns
        -------
        array
            (d, d) for w-w (2.2), (m, m) for v-v (2.3), (d, m) for w-v (2.4), (m, d) for v-w.
        """
        (layer, i), (other, j) = self._block_indices(row, col)
        if layer == other:
            X = self.inputs(X)
            if layer == "w":
                return self.kernels.weighted_gram(X, self._hidden_sample_weights(X, np.array([[i, j]]))[:, 0])
            h = self.features(X)
            return self.kernels.weighted_gram(h, self.class_sample_weights(h, i, j))
        if layer == "v":
            return self.block(X, col, row, y).T
        X = self.inputs(X)
        targets = self.labels(y, len(X), "a block between layers")
        h = self.features(X)
        tile = next(cross_tiles(self, h, self.softmax_tops(h), targets, [i], [slice(j, j + 1)]))
        return cross_blocks(X, h, tile)[:, 0]

    # The full Hessian ------------------------------------------------------------------------------

    def hessian(self, X: ArrayLike, y: ArrayLike | None) -> NDArray[np.float64]:
        """Return the full Hessian, shape (P, P): W flattened row by row, then V row by row.

        Parameters
        ----------
        X : array, shape (N, d)
        y : array of int, shape (N,)
            Labels; the (w, v) blocks carry the residuals.
        """
        X = self.inputs(X)
        targets = self._hessian_labels(y, len(X))
        h = self.features(X)
        n_w = self.W.size
        H = np.empty((self.n_parameters, self.n_parameters))
        self._fill_hidden_hessian(H[:n_w, :n_w], X)
        self.fill_output_hessian(H[n_w:, n_w:], h)
        d = self.n_features
        units, tiles = range(self.n_hidden), self.class_slices(len(X))
        for tile in cross_tiles(self, h, self.softmax_tops(h), targets, units, tiles):
            columns = slice(n_w + tile.classes.start * self.n_hidden, n_w + tile.classes.stop * self.n_hidden)
            blocks = H[tile.hidden * d : (tile.hidden + 1) * d, columns].reshape(d, -1, self.n_hidden)
            blocks[:] = cross_blocks(X, h, tile)
        H[n_w:, :n_w] = H[:n_w, n_w:].T
        return H

    def _fill_hidden_hessian(self, H: NDArray, X: NDArray) -> None:
        d = self.n_features
        pairs = self._hidden_pairs()
        for (i, j), weights in zip(pairs, self._hidden_sample_weights(X, pairs).T, strict=True):
            block = self.kernels.weighted_gram(X, weights)
            H[i * d : (i + 1) * d, j * d : (j + 1) * d] = block
            H[j * d : (j + 1) * d, i * d : (i + 1) * d] = block

    def _hidden_pairs(self) -> NDArray[np.int64]:
        """Return all pairs i <= j of hidden units, shape (m (m + 1) / 2, 2)."""
        return np.stack(np.triu_indices(self.n_hidden), axis=1)

    def _hessian_labels(self, y: ArrayLike | None, n_samples: int) -> NDArray[np.int64]:
        return self.labels(y, n_samples, "the full Hessian of a hidden model")

    def gradient(self, X: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Return the gradient of the loss, shape (P,), ordered as the Hessian."""
        X = self.inputs(X)
        h = self.features(X)
        targets = self.labels(y, len(X), "the gradient")
        back = np.zeros(h.shape)
        gradient_V = np.empty((self.n_classes, self.n_hidden))
        tops = self.softmax_tops(h)
        for classes, outputs in self.output_tiles(h, tops):
            g = self.residuals(outputs, tops, targets, classes)
            back += g @ self.output_rows[classes]
            gradient_V[classes] = g.T @ h
        gradient_W = (back * (h > 0)).T @ X
        return np.concatenate([gradient_W.ravel(), gradient_V.ravel()]) / len(X)

    def hessian_product(self, X: NDArray, y: NDArray | None, direction: NDArray) -> NDArray[np.float64]:
        """Return H u, shape (P,), by differentiating the gradient along u (R-operator)."""
        assert y is not None
        dW = direction[: self.W.size].reshape(self.W.shape)
        dV = direction[self.W.size :].reshape(self.n_classes, self.n_hidden)
        V = self.output_rows[: self.n_classes]
        h = self.features(X)
        on = h > 0
        dh = on * (X @ dW.T)
        tops = self.softmax_tops(h)
        outputs = self.outputs(h, V, tops)
        g = self.residuals(outputs, tops, y, slice(0, self.n_classes))
        dg = self.curvature_product(outputs, tops, dh @ V.T + h @ dV.T)
        product_W = (on * (dg @ V + g @ dV)).T @ X
        product_V = dg.T @ h + g.T @ dh
        return np.concatenate([product_W.ravel(), product_V.ravel()]) / len(X)

    # Masses ----------------------------------------------------------------------------------------

    def block_masses(self, X: ArrayLike, y: ArrayLike | None = None) -> dict[str, NDArray[np.float64]]:
        """Return squared Frobenius norms of all blocks: {"ww": (m, m), "vv": (C, C), "wv": (m, C)}.

        Without y the parts that need no residuals: no "wv". O(N^2 + N C) memory.
        """
        X = self.inputs(X)
        h = self.features(X)
        tops = self.softmax_tops(h)
        masses = {"ww": self._hidden_block_masses(X), "vv": self._class_block_masses(h, tops)}
        if y is not None:
            masses["wv"] = np.empty((self.n_hidden, self.n_classes))
            targets = self._hessian_labels(y, len(X))
            for i, classes, values in cross_masses(self, X, h, tops, targets):
                masses["wv"][i, classes] = values
        return masses

    def total_masses(self, X: ArrayLike, y: ArrayLike | None = None) -> dict[str, float]:
        """Return {"ww_diag", "ww_off", "vv_diag", "vv_off"} and, with y, "wv": exact by (2.5)-(2.7).

        Squared Frobenius norms summed over blocks. No block is formed, and memory does not grow with C.
        """
        X = self.inputs(X)
        h = self.features(X)
        ww = self._hidden_block_masses(X)
        # Summed on its own: beside the diagonal's, masses of many classes are small.
        masses = {"ww_diag": float(np.trace(ww)), "ww_off": 2 * float(np.triu(ww, 1).sum())}
        tops = self.softmax_tops(h)
        masses |= self._total_class_masses(h, tops)
        if y is not None:
            parts = cross_masses(self, X, h, tops, self._hessian_labels(y, len(X)))
            masses["wv"] = float(sum(values.sum() for _, _, values in parts))
        return masses

    def _hidden_block_masses(self, X: NDArray) -> NDArray[np.float64]:
        pairs = self._hidden_pairs()
        values = self.kernels.masses(squared_gram(X), self._hidden_sample_weights(X, pairs))
        masses = np.empty((self.n_hidden, self.n_hidden))
        masses[pairs[:, 0], pairs[:, 1]] = values
        masses[pairs[:, 1], pairs[:, 0]] = values
        return masses
