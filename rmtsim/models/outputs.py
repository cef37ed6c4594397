"""The output layer of a network on some samples, and what a loss makes of its logits z_n = V phi_n.

Per sample, with respect to the logits, a loss has a gradient g_n and a Hessian B_n, theory.md section 1. All
that blocks, masses, gradients and products need of the loss follows from both: `Outputs` is that interface,
with an implementation for each loss. Classes come in tiles, so that no (N, C) array need be whole.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels import Operations
from .masses import ClassMasses, LargestBlocks
from .rows import StreamedRows, tile_of_classes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OutputLayer:
    """Output weights of a network and the means to go through its classes.

    Attributes
    ----------
    V : array or StreamedRows, shape (C, k)
        As the loss sees it: under cross-entropy a row common to all classes may be missing.
    kernels : kernels.Operations
    memory_limit : int
        Bytes that sums over classes may take.
    """

    V: NDArray | StreamedRows
    kernels: Operations
    memory_limit: int

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return self.V.shape[0]

    def tile(self, n_samples: int) -> int:
        """Return how many classes a tile has."""
        return tile_of_classes(n_samples, self.V.shape[1], self.memory_limit)

    def tiles(self, n_samples: int) -> Iterator[slice]:
        """Yield consecutive tiles of classes."""
        tile = self.tile(n_samples)
        for start in range(0, self.n_classes, tile):
            yield slice(start, min(start + tile, self.n_classes))

    def gram(self) -> Floats:
        """Return V^T V, shape (k, k), summed over tiles of classes."""
        k = self.V.shape[1]
        S = np.zeros((k, k))
        for classes in self.tiles(n_samples=0):
            rows = self.V[classes].astype(np.float64)
            S += rows.T @ rows
        return S


class CrossTile(NamedTuple):
    """Sample factors of H[w_i, v_c] = (1/N) sum_n phi'_ni x_n [Q_nc h_n^T + g_nc e_i^T], c in a tile."""

    hidden: int
    """The hidden unit i."""
    classes: slice
    Q: Floats
    """(V^T B_n)_ic, shape (N, tile)."""
    g: Floats
    """Residuals, shape (N, tile)."""


class Outputs(ABC):
    """Outputs of a network on N samples.

    Parameters
    ----------
    layer : OutputLayer
    features : array, shape (N, k)
        phi_n: the inputs themselves, or the hidden activations.
    """

    couples_classes: ClassVar[bool]

    def __init__(self, layer: OutputLayer, features: NDArray) -> None:
        self.layer, self.features, self.kernels = layer, features, layer.kernels

    @staticmethod
    def weights(V: NDArray | StreamedRows) -> NDArray | StreamedRows:
        """Return V as the loss sees it."""
        return V

    @abstractmethod
    def of_rows(self, rows: NDArray) -> Floats:
        """Return softmax p (ce) or logits z (mse) of the classes with the given rows of V, (N, rows)."""

    def all(self) -> Floats:
        """Return p (ce) or z (mse) of every class, shape (N, C)."""
        return self.of_rows(self.layer.V[: self.layer.n_classes])

    def tiles(self) -> Iterator[tuple[slice, Floats]]:
        """Yield (classes, values) over tiles that together run through all classes."""
        for classes in self.layer.tiles(len(self.features)):
            yield classes, self.of_rows(self.layer.V[classes])

    def residual_tiles(self, y: NDArray) -> Iterator[tuple[slice, Floats]]:
        """Yield (classes, columns of g) over the same tiles."""
        for classes, values in self.tiles():
            yield classes, self.residuals(values, y, classes)

    @abstractmethod
    def mean_loss(self, y: NDArray) -> float:
        """Return the mean loss over the samples."""

    @abstractmethod
    def residuals(self, values: Floats, y: NDArray, classes: slice) -> Floats:
        """Return columns of g, shape (N, len(classes)), from the values of these classes."""

    @abstractmethod
    def curvature_product(self, values: Floats, directions: NDArray) -> Floats:
        """Return B_n u_n for the values of all classes and logit directions u, each (N, C)."""

    @abstractmethod
    def class_weights(self, row: int, col: int) -> Floats:
        """Return (B_n)_{row,col}, shape (N,): the sample weights of output-layer blocks (2.1), (2.3)."""

    @abstractmethod
    def covariances(self, pairs: NDArray) -> Floats:
        """Return (V^T B_n V)_ij for pairs (i, j) (K, 2): shape (N, K), or (1, K) where it is constant."""

    @abstractmethod
    def cross_tiles(self, y: NDArray, hidden: Iterable[int], tiles: Iterable[slice]) -> Iterator[CrossTile]:
        """Yield the factors of (2.4) for each tile of classes and each hidden unit asked for."""

    @abstractmethod
    def fill_hessian(self, H: NDArray) -> None:
        """Write the output-layer part of the Hessian to H (C k, C k), which may be a view: (2.1) or (2.3)."""

    # Masses ----------------------------------------------------------------------------------------

    @abstractmethod
    def block_masses(self) -> Floats:
        """Return |H[v_c, v_e]|_F^2, shape (C, C)."""

    @abstractmethod
    def class_masses(self) -> ClassMasses:
        """Return the masses of each class: its diagonal block and all others of its row."""

    @abstractmethod
    def largest_off_diagonal(self, count: int, n_candidates: int) -> LargestBlocks:
        """Return the largest blocks off the diagonal, see `Model.largest_off_diagonal`."""
