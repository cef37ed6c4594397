"""What all models share: inputs, the output layer, its masses, and the matrix-free Hessian."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import kernels
from . import checks
from .losses import LOSSES
from .masses import ClassMasses, LargestBlocks
from .outputs import Floats, OutputLayer, Outputs
from .rows import StreamedRows, default_memory_limit, output_weights

BlockIndex = tuple[str, int]


class Model(ABC):
    """A network with output weights V (C, k) on features phi(x) (k,): logits z = V phi(x)."""

    layer_sizes: dict[str, int]

    def __init__(self, V: Any, loss: str, device: str, memory_limit: int | None) -> None:
        self.loss = LOSSES[checks.one_of("loss", loss, LOSSES)]
        self.kernels = kernels.load(device)
        self.memory_limit = default_memory_limit() if memory_limit is None else checks.size(memory_limit)
        self._set_output_weights(output_weights(V))

    def _set_output_weights(self, V: NDArray | StreamedRows) -> None:
        self.V = V
        self.layer = OutputLayer(self.loss.outputs.weights(V), self.kernels, self.memory_limit)

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

    def outputs(self, features: NDArray) -> Outputs:
        """Return what the loss makes of the logits at features (N, k)."""
        return self.loss.outputs(self.layer, features)

    def logits(self, X: ArrayLike) -> NDArray:
        """Return f(x_n), shape (N, C)."""
        return self.features(self.inputs(X)) @ self.V[: self.n_classes].T

    def loss_value(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the mean loss over the samples (theory.md section 1)."""
        X = self.inputs(X)
        return self.outputs(self.features(X)).mean_loss(self.labels(y, len(X), "the loss"))

    def class_masses(self, X: ArrayLike) -> ClassMasses:
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
        return self.outputs(self.features(self.inputs(X))).class_masses()

    def largest_off_diagonal(self, X: ArrayLike, count: int = 10, n_candidates: int = 64) -> LargestBlocks:
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
        for name, value, least in (("count", count, 1), ("n_candidates", n_candidates, 2)):
            if value < least:
                raise ValueError(f"{name}: expected at least {least}, got {value}")
        return self.outputs(self.features(self.inputs(X))).largest_off_diagonal(count, n_candidates)

    # The full Hessian ------------------------------------------------------------------------------

    @abstractmethod
    def hessian_product(self, X: NDArray, y: NDArray | None, direction: NDArray) -> Floats:
        """Return the Hessian times a parameter direction, shape (P,), without forming a block."""

    def linear_operator(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Return the full Hessian as a symmetric linear operator, for Lanczos at O(N (d m + m C)) a product.

        Parameters
        ----------
        X : array, shape (N, d)
        y : array of int, shape (N,)
            Labels; needed by the hidden model, whose (w, v) blocks carry the residuals.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator of shape (P, P)
        """
        from scipy.sparse.linalg import LinearOperator

        X = self.inputs(X)
        targets = self._hessian_labels(y, len(X))

        def product(direction: NDArray) -> Floats:
            return self.hessian_product(X, targets, np.asarray(direction, dtype=np.float64).ravel())

        shape = (self.n_parameters, self.n_parameters)
        return LinearOperator(shape, matvec=product, rmatvec=product, dtype=np.float64)

    @abstractmethod
    def _hessian_labels(self, y: ArrayLike | None, n_samples: int) -> NDArray | None:
        """Return checked labels, or None where the Hessian does not depend on them."""

    def _block_indices(self, row: Any, col: Any) -> tuple[BlockIndex, BlockIndex]:
        return (
            checks.block_index("row", row, self.layer_sizes),
            checks.block_index("col", col, self.layer_sizes),
        )
