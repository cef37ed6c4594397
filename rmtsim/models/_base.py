"""What both models share: the loss on the logits, and the softmax curvature of the output layer."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse.linalg
from numpy.typing import ArrayLike, NDArray

from .. import kernels
from . import _checks
from .masses import class_block_masses, total_class_masses

BlockIndex = tuple[str, int]


class Model(ABC):
    """A network with output weights V (C, k) on features phi(x) (k,): logits z = V phi(x).

    Per sample, with respect to the logits: gradient g = p - onehot(y) (ce) or z - onehot(y) (mse), and
    Hessian B = diag(p) - p p^T (ce) or I (mse); theory.md section 1.
    """

    layer_sizes: dict[str, int]

    def __init__(self, V: ArrayLike, loss: str, device: str) -> None:
        self.V = _checks.matrix("V", V)
        self.loss = _checks.loss(loss)
        self.kernels = kernels.load(device)

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
        return _checks.matrix("X", X, self.n_features, why).astype(self.V.dtype, copy=False)

    def labels(self, y: ArrayLike | None, n_samples: int, needed_for: str) -> NDArray[np.int64]:
        """Return y as checked labels, shape (N,)."""
        return _checks.labels(y, n_samples, self.n_classes, needed_for)

    # The output layer ------------------------------------------------------------------------------

    def logits(self, X: ArrayLike) -> NDArray:
        """Return f(x_n), shape (N, C)."""
        return self.features(self.inputs(X)) @ self.V.T

    def normalizers(self, features: NDArray) -> NDArray[np.float64] | None:
        """Return logsumexp of the logits, shape (N,), for `outputs`; None for mse, which has none."""
        return None if self.loss == "mse" else self.kernels.log_normalizers(features, self.V)

    def outputs(self, features: NDArray, classes: slice, normalizers: NDArray | None) -> NDArray[np.float64]:
        """Return columns of the softmax p (ce) or of the logits z (mse), shape (N, len(classes))."""
        z = (features @ self.V[classes].T).astype(np.float64)
        return z if normalizers is None else np.exp(z - normalizers[:, None])

    def all_outputs(self, features: NDArray) -> NDArray[np.float64]:
        """Return p (ce) or z (mse) of every class, shape (N, C)."""
        return self.outputs(features, slice(0, self.n_classes), self.normalizers(features))

    def class_slices(self, tile: int = 256) -> Iterator[slice]:
        """Yield consecutive tiles of classes, so that no (N, C) array need be whole."""
        for start in range(0, self.n_classes, tile):
            yield slice(start, min(start + tile, self.n_classes))

    def residuals(self, outputs: NDArray, y: NDArray, classes: slice) -> NDArray[np.float64]:
        """Return columns of g, shape (N, len(classes)): the gradient with respect to the logits."""
        return outputs - (y[:, None] == np.arange(classes.start, classes.stop))

    def all_residuals(self, features: NDArray, y: NDArray) -> NDArray[np.float64]:
        """Return g of every class, shape (N, C)."""
        return self.residuals(self.all_outputs(features), y, slice(0, self.n_classes))

    def curvature_product(self, features: NDArray, directions: NDArray) -> NDArray[np.float64]:
        """Return B_n u_n for logit directions u, shape (N, C)."""
        if self.loss == "mse":
            return directions
        p = self.all_outputs(features)
        weighted = p * directions
        return weighted - p * weighted.sum(axis=1, keepdims=True)

    def loss_value(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the mean loss over the samples (theory.md section 1)."""
        X = self.inputs(X)
        features = self.features(X)
        targets = self.labels(y, len(X), "the loss")
        if self.loss == "mse":
            return float(0.5 * np.mean(np.sum(self.all_residuals(features, targets) ** 2, axis=1)))
        chosen = np.einsum("nk,nk->n", features, self.V[targets], dtype=np.float64)
        return float(np.mean(self.kernels.log_normalizers(features, self.V) - chosen))

    def class_sample_weights(self, features: NDArray, row: int, col: int) -> NDArray[np.float64]:
        """Return (B_n)_{row,col}, shape (N,): the sample weights of output-layer blocks (2.1), (2.3)."""
        if self.loss == "mse":
            return np.full(len(features), 1.0 if row == col else 0.0)
        p = self.kernels.class_probabilities(features, self.V, np.array([row, col]))
        return self.kernels.class_weights(p[:, 0], p[:, 1], row == col)

    def output_hessian(self, features: NDArray) -> NDArray[np.float64]:
        """Return the output-layer part of the Hessian, shape (C k, C k): (2.1) or (2.3).

        For ce, H = blockdiag - Y^T Y / N with the rows p_n (x) phi_n of Y: one symmetric product. The
        diagonal blocks are then set from their own weights p (1 - p), which lose nothing when p nears 1.
        """
        N, k = features.shape
        C = self.n_classes
        if self.loss == "mse":
            return np.kron(np.eye(C), self.kernels.weighted_gram(features, np.ones(N, features.dtype)))
        p = self.all_outputs(features).astype(features.dtype)
        Y = np.einsum("nc,nk->nck", p, features).reshape(N, C * k)
        H = self.kernels.weighted_gram(Y, np.full(N, -1, features.dtype))
        for c in range(C):
            here = slice(c * k, (c + 1) * k)
            weights = self.kernels.class_weights(p[:, c], p[:, c], True)
            H[here, here] = self.kernels.weighted_gram(features, weights)
        return H

    # Masses ----------------------------------------------------------------------------------------

    def _class_block_masses(self, features: NDArray) -> NDArray[np.float64]:
        p = None if self.loss == "mse" else self.all_outputs(features)
        return class_block_masses(self.kernels, features, p, self.n_classes)

    def _total_class_masses(self, features: NDArray) -> dict[str, float]:
        normalizers = self.normalizers(features)
        tiles = (self.outputs(features, classes, normalizers) for classes in self.class_slices())
        diagonal, off = total_class_masses(features, None if self.loss == "mse" else tiles, self.n_classes)
        return {"vv_diag": diagonal, "vv_off": off}

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
            _checks.block_index("row", row, self.layer_sizes),
            _checks.block_index("col", col, self.layer_sizes),
        )
