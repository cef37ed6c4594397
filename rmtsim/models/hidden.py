"""The network with one hidden layer, f(x) = V phi(W x): theory.md (2.2)-(2.4), (2.6), (2.7)."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..kernels import Network
from ..kernels.host.masses import squared_gram
from . import checks
from .activations import RELU, Activation
from .architectures import HIDDEN
from .base import BlockIndex, Model
from .cross import cross_blocks, cross_masses
from .outputs import Outputs


class HiddenModel(Model):
    """Network f(x) = V phi(W x) without biases.

    Parameters
    ----------
    W : array, shape (m, d)
        Hidden weights; float32 stays float32, anything else becomes float64.
    V : array, shape (C, m)
        Output weights. A memory map, an HDF5 dataset or anything else with shape, dtype and row slicing is
        read by tiles of classes, never whole.
    loss : {"ce", "mse"}
        Cross-entropy (1/N) sum [logsumexp(z) - z_y], or mean square (1/2N) sum |z - onehot(y)|^2.
    activation : str or Activation
        phi, such as "relu", whose derivative at exactly 0 is 0.
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
        activation: str | Activation = RELU,
        *,
        device: str = "cpu",
        memory_limit: int | None = None,
    ) -> None:
        super().__init__(V, loss, device, memory_limit)
        self.activation = activation if isinstance(activation, Activation) else Activation(activation)
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
        """Return the hidden activations h = phi(W x), shape (N, m)."""
        return self.activation.value(X @ self.W.T)

    def _forward(self, X: NDArray) -> tuple[NDArray, Outputs]:
        """Return the pre-activations a = W x, shape (N, m), and the outputs at h = phi(a)."""
        a = X @ self.W.T
        return a, self.outputs(self.activation.value(a))

    # Sample weights and blocks ---------------------------------------------------------------------

    def output_gram(self) -> NDArray[np.float64]:
        """Return S = V^T V, shape (m, m): the natural unit S_ij of W-layer blocks under mse."""
        return replace(self.layer, V=self.V).gram()

    def _hidden_weights(
        self, a: NDArray, outputs: Outputs, pairs: NDArray, y: ArrayLike | None
    ) -> NDArray[np.float64]:
        """Return the sample weights of (2.2) for the pairs (i, j) of hidden units, shape (N, K)."""
        factors = np.broadcast_to(outputs.covariances(pairs), (len(a), len(pairs)))
        weights, phi = np.empty(factors.shape), (self.activation.name, self.activation.slope)
        bent = self.activation.has_curvature and bool((pairs[:, 0] == pairs[:, 1]).any())
        back = self._back_propagated(outputs, y) if bent else None
        for k, (i, j) in enumerate(pairs):
            added = None if back is None or i != j else back[:, i]
            weights[:, k] = self.kernels.gated_weights(a[:, i], a[:, j], factors[:, k], *phi, added)
        return weights

    def _back_propagated(self, outputs: Outputs, y: ArrayLike | None) -> NDArray[np.float64]:
        """Return V^T g_n of every sample, shape (N, m)."""
        targets = self.labels(
            y, len(outputs.features), f"W-layer blocks of activation {self.activation.name}"
        )
        back = np.zeros(outputs.features.shape)
        for classes, g in outputs.residual_tiles(targets):
            back += g @ outputs.layer.V[classes]
        return back

    def sample_weights(
        self, X: ArrayLike, row: BlockIndex, col: BlockIndex, y: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return lambda_n of a within-layer block, shape (N,).

        H = (1/N) sum_n lambda_n u_n u_n^T, with u = x for two hidden units and u = h for two classes. The
        labels y (N,) enter W-layer blocks of activations that are not linear on both sides of zero.

        Raises
        ------
        ValueError
            For a block between layers, which is no weighted Gram matrix.
        """
        (layer, i), (other, j) = self._block_indices(row, col)
        if layer != other:
            raise ValueError(f"row, col: expected two units of one layer, got {row!r} and {col!r}")
        return self._weighted_rows(self.inputs(X), layer, (i, j), y)[1]

    def _weighted_rows(
        self, X: NDArray, layer: str, pair: tuple[int, int], y: ArrayLike | None
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Return u (N, d or m) and lambda (N,) of the block of a pair of units of one layer."""
        a, outputs = self._forward(X)
        if layer == "v":
            return outputs.features, outputs.class_weights(*pair)
        return X, self._hidden_weights(a, outputs, np.array([pair]), y)[:, 0]

    def block(
        self, X: ArrayLike, row: BlockIndex, col: BlockIndex, y: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return H[row, col] in closed form.

        Parameters
        ----------
        X : array, shape (N, d)
        row, col : ("w", i) or ("v", c)
        y : array of int, shape (N,)
            Labels; needed for blocks between the layers, which carry the residuals, and for the W-layer's if
            the activation has a second derivative.

        Returns
        -------
        array
            (d, d) for w-w (2.2), (m, m) for v-v (2.3), (d, m) for w-v (2.4), (m, d) for v-w.
        """
        (layer, i), (other, j) = self._block_indices(row, col)
        if layer == other:
            return self.kernels.weighted_gram(*self._weighted_rows(self.inputs(X), layer, (i, j), y))
        if layer == "v":
            return self.block(X, col, row, y).T
        X = self.inputs(X)
        targets = self.labels(y, len(X), "a block between layers")
        a, outputs = self._forward(X)
        tile = next(outputs.cross_tiles(targets, [i], [slice(j, j + 1)]))
        return cross_blocks(X, outputs.features, self.activation.derivative(a), tile)[:, 0]

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
        a, outputs = self._forward(X)
        derivatives = self.activation.derivative(a)
        n_w, d, m = self.W.size, self.n_features, self.n_hidden
        H = np.empty((self.n_parameters, self.n_parameters))
        self._fill_hidden_hessian(H[:n_w, :n_w], X, a, outputs, targets)
        outputs.fill_hessian(H[n_w:, n_w:])
        for tile in outputs.cross_tiles(targets, range(m), outputs.layer.tiles(len(X))):
            columns = slice(n_w + tile.classes.start * m, n_w + tile.classes.stop * m)
            blocks = H[tile.hidden * d : (tile.hidden + 1) * d, columns].reshape(d, -1, m)
            blocks[:] = cross_blocks(X, outputs.features, derivatives, tile)
        H[n_w:, :n_w] = H[:n_w, n_w:].T
        return H

    def _fill_hidden_hessian(self, H: NDArray, X: NDArray, a: NDArray, outputs: Outputs, y: NDArray) -> None:
        d, pairs = self.n_features, self._hidden_pairs()
        for (i, j), weights in zip(pairs, self._hidden_weights(a, outputs, pairs, y).T, strict=True):
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
        targets = self.labels(y, len(X), "the gradient")
        a, outputs = self._forward(X)
        back = np.zeros(a.shape)
        gradient_V = np.empty((self.n_classes, self.n_hidden))
        for classes, g in outputs.residual_tiles(targets):
            back += g @ outputs.layer.V[classes]
            gradient_V[classes] = g.T @ outputs.features
        gradient_W = (back * self.activation.derivative(a)).T @ X
        return np.concatenate([gradient_W.ravel(), gradient_V.ravel()]) / len(X)

    def hessian_product(self, X: NDArray, y: NDArray | None, direction: NDArray) -> NDArray[np.float64]:
        """Return H u, shape (P,), by differentiating the gradient along u (R-operator)."""
        assert y is not None
        dW = direction[: self.W.size].reshape(self.W.shape)
        dV = direction[self.W.size :].reshape(self.n_classes, self.n_hidden)
        (a, outputs), da = self._forward(X), X @ dW.T
        derivatives = self.activation.derivative(a)
        h, dh = outputs.features, derivatives * da
        V = outputs.layer.V[: self.n_classes]
        values = outputs.of_rows(V)
        g = outputs.residuals(values, y, slice(0, self.n_classes))
        dg = outputs.curvature_product(values, dh @ V.T + h @ dV.T)
        back = derivatives * (dg @ V + g @ dV) + self.activation.second_derivative(a) * da * (g @ V)
        product_V = dg.T @ h + g.T @ dh
        return np.concatenate([(back.T @ X).ravel(), product_V.ravel()]) / len(X)

    # Masses ----------------------------------------------------------------------------------------

    def block_masses(self, X: ArrayLike, y: ArrayLike | None = None) -> dict[str, NDArray[np.float64]]:
        """Return squared Frobenius norms of all blocks: {"ww": (m, m), "vv": (C, C), "wv": (m, C)}.

        Without y the parts that need no residuals: no "wv", and no "ww" of activations that have a second
        derivative, which are refused. O(N^2 + N C) memory.
        """
        X = self.inputs(X)
        a, outputs = self._forward(X)
        masses = {"ww": self._hidden_block_masses(X, a, outputs, y), "vv": outputs.block_masses()}
        if y is not None:
            masses["wv"] = np.empty((self.n_hidden, self.n_classes))
            targets = self._hessian_labels(y, len(X))
            for i, classes, values in cross_masses(X, outputs, self.activation.derivative(a), targets):
                masses["wv"][i, classes] = values
        return masses

    def total_masses(self, X: ArrayLike, y: ArrayLike | None = None) -> dict[str, float]:
        """Return {"ww_diag", "ww_off", "vv_diag", "vv_off"} and, with y, "wv": exact by (2.5)-(2.7).

        Squared Frobenius norms summed over blocks. No block is formed, and memory does not grow with C.
        """
        X = self.inputs(X)
        needed_for = f"W-layer blocks of activation {self.activation.name}"
        without = y is None and not self.activation.has_curvature
        targets = None if without else self.labels(y, len(X), needed_for)
        phi = Network(activation=self.activation.name, slope=self.activation.slope)
        tile = self.layer.tile(len(X))
        masses = self.kernels.hidden_masses(X, self.W, self.layer.V, self.loss, targets, phi, tile)
        return dict(zip(HIDDEN.parts, masses.tolist(), strict=False))

    def _hidden_block_masses(
        self, X: NDArray, a: NDArray, outputs: Outputs, y: ArrayLike | None
    ) -> NDArray[np.float64]:
        pairs = self._hidden_pairs()
        values = self.kernels.masses(squared_gram(X), self._hidden_weights(a, outputs, pairs, y))
        masses = np.empty((self.n_hidden, self.n_hidden))
        masses[pairs[:, 0], pairs[:, 1]] = values
        masses[pairs[:, 1], pairs[:, 0]] = values
        return masses
