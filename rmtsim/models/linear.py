"""The linear model f(x) = V x: every Hessian block is a weighted Gram matrix, theory.md (2.1)."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .architectures import LINEAR
from .base import BlockIndex, Model


class LinearModel(Model):
    """Linear classifier f(x) = V x.

    Parameters
    ----------
    V : array, shape (C, d)
        Output weights; float32 stays float32, anything else becomes float64. A memory map, an HDF5 dataset
        or anything else with shape, dtype and row slicing is read by tiles of classes, never whole.
    loss : {"ce", "mse"}
        Cross-entropy (1/N) sum [logsumexp(z) - z_y], or mean square (1/2N) sum |z - onehot(y)|^2.
    device : {"cpu", "gpu", "reference"}
        Which kernels compute.
    memory_limit : int, optional
        Bytes that sums over classes may take; a quarter of the machine's memory by default.

    Raises
    ------
    ValueError, TypeError
        If V is not a finite real matrix or the loss is unknown.

    Examples
    --------
    >>> model = LinearModel(np.zeros((2, 1)), loss="ce")
    >>> model.block(np.ones((1, 1)), ("v", 0), ("v", 1))      # - p_0 p_1 x x^T
    array([[-0.25]])
    """

    def __init__(
        self, V: Any, loss: str = "ce", *, device: str = "cpu", memory_limit: int | None = None
    ) -> None:
        super().__init__(V, loss, device, memory_limit)
        self.layer_sizes = {"v": self.n_classes}

    @property
    def n_features(self) -> int:
        """Input dimension d."""
        return self.V.shape[1]

    @property
    def n_parameters(self) -> int:
        """Number of parameters C d."""
        return self.n_classes * self.n_features

    def features(self, X: NDArray) -> NDArray:
        """Return X: the output layer sees the input itself."""
        return X

    def sample_weights(self, X: ArrayLike, row: BlockIndex, col: BlockIndex) -> NDArray[np.float64]:
        """Return lambda_n of the block, shape (N,): H = (1/N) sum_n lambda_n x_n x_n^T."""
        (_, c), (_, e) = self._block_indices(row, col)
        return self.outputs(self.inputs(X)).class_weights(c, e)

    def block(
        self, X: ArrayLike, row: BlockIndex, col: BlockIndex, y: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return H[row, col], shape (d, d): theory.md (2.1). The labels do not enter."""
        (_, c), (_, e) = self._block_indices(row, col)
        X = self.inputs(X)
        return self.kernels.weighted_gram(X, self.outputs(X).class_weights(c, e))

    def hessian(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return the full Hessian, shape (C d, C d), V flattened row by row. The labels do not enter."""
        H = np.empty((self.n_parameters, self.n_parameters))
        self.outputs(self.inputs(X)).fill_hessian(H)
        return H

    def gradient(self, X: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Return the gradient of the loss, shape (C d,)."""
        X = self.inputs(X)
        targets = self.labels(y, len(X), "the gradient")
        outputs = self.outputs(X)
        g = outputs.residuals(outputs.all(), targets, slice(0, self.n_classes))
        return (g.T @ X / len(X)).ravel()

    def hessian_product(self, X: NDArray, y: NDArray | None, direction: NDArray) -> NDArray[np.float64]:
        """Return H u, shape (C d,): (1/N) sum_n (B_n U x_n) x_n^T for a direction U like V."""
        U = direction.reshape(self.n_classes, self.n_features)
        outputs = self.outputs(X)
        curved = outputs.curvature_product(outputs.all(), X @ U.T)
        return (curved.T @ X / len(X)).ravel()

    def block_masses(self, X: ArrayLike, y: ArrayLike | None = None) -> dict[str, NDArray[np.float64]]:
        """Return {"vv": (C, C)} of |H[v_c, v_e]|_F^2, in O(N^2 C (C + d)) time and O(N^2 + N C) memory."""
        return {"vv": self.outputs(self.inputs(X)).block_masses()}

    def total_masses(self, X: ArrayLike, y: ArrayLike | None = None) -> dict[str, float]:
        """Return {"vv_diag", "vv_off"}: squared Frobenius norms summed over blocks, exact by (2.5).

        No block is formed: O(N^2 (C + d)) time, and memory that does not grow with C.
        """
        X = self.inputs(X)
        masses = self.kernels.linear_masses(X, self.layer.V, self.loss, self.layer.tile(len(X)))
        return dict(zip(LINEAR.parts, masses.tolist(), strict=True))

    def _hessian_labels(self, y: ArrayLike | None, n_samples: int) -> None:
        return None
