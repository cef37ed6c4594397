"""The Gaussian arrays of one trial, each drawn from its own stream (theory.md sections 1 and 7)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..experiment import Cell, Experiment
from ..experiment.streams import CELL_DRAW, Role, stream, streams
from ..kernels import Operations

WHOLE_BYTES = 64 << 20
"""A larger V is drawn by tiles of rows whenever it is read, and never stored whole."""


class DrawnMatrix:
    """A matrix of i.i.d. N(0, s^2) entries whose rows are drawn whenever they are read.

    Row slices have the same bits as those of the matrix drawn at once.

    Parameters
    ----------
    kernels : module
        Which draws, from ``rmtsim.kernels.load``.
    words : array of uint32, shape (4,)
        The stream.
    shape : (rows, columns)
    deviation : float
        s.
    dtype : float64 or float32
    """

    def __init__(
        self, kernels: Operations, words: NDArray, shape: tuple[int, int], deviation: float, dtype: DTypeLike
    ) -> None:
        self.kernels, self.words, self.deviation = kernels, words, deviation
        self.shape, self.dtype = shape, np.dtype(dtype)

    def __getitem__(self, rows: slice) -> NDArray:
        """Draw a slice of rows."""
        start, stop, step = rows.indices(self.shape[0])
        columns, count = self.shape[1], max(0, stop - start)
        draws = self.kernels.normals(
            self.words, start * columns, count * columns, dtype=self.dtype, scale=self.deviation
        )
        return draws.reshape(count, columns)[::step]


class Parameters(NamedTuple):
    """Parameters of one trial: W is None for the linear model; a large V is a `DrawnMatrix`."""

    W: NDArray | None
    V: NDArray | DrawnMatrix


def trial_streams(
    experiment: Experiment, cell: Cell, trials: Sequence[int], with_masses: bool = False
) -> NDArray[np.uint32]:
    """Return the streams of X, W and V, shape (T, 3, 4), or of X and V, shape (T, 2, 4), of a linear cell.

    Where residuals enter, in the masses or the W-layer of a hidden cell, that of the labels comes last.

    With ``v_draw = "cell"`` every trial of a hidden cell gets the same V.
    """
    hidden = cell.architecture.is_hidden
    roles = (Role.X, Role.W, Role.V) if hidden else (Role.X, Role.V)
    if hidden and (with_masses or cell.activation.has_curvature):
        roles = (*roles, Role.LABELS)
    words = streams(experiment.seed, cell.index, trials, roles)
    if hidden and experiment.model.v_draw == "cell":
        words[:, 2] = stream(experiment.seed, cell.index, CELL_DRAW, Role.V)
    return words


def inputs(
    kernels: Operations, experiment: Experiment, cell: Cell, trial: int, dtype: DTypeLike = np.float64
) -> NDArray:
    """Return X, shape (N, d), with i.i.d. N(0, 1) entries."""
    words = trial_streams(experiment, cell, [trial])[0]
    return DrawnMatrix(kernels, words[0], (cell.n_samples, cell.n_features), 1.0, dtype)[:]


def labels(kernels: Operations, experiment: Experiment, cell: Cell, trial: int) -> NDArray[np.int64]:
    """Return y, shape (N,), uniform on {0..C-1}."""
    words = stream(experiment.seed, cell.index, trial, Role.LABELS)
    return kernels.labels(words, 0, cell.n_samples, cell.n_classes)


def first_layer(
    kernels: Operations, experiment: Experiment, cell: Cell, trial: int, dtype: DTypeLike = np.float64
) -> NDArray:
    """Return W (m, d) ~ N(0, w_std^2/d) of a hidden cell."""
    assert cell.n_hidden is not None  # the linear model has a V alone
    words = trial_streams(experiment, cell, [trial])[0]
    return DrawnMatrix(
        kernels, words[1], (cell.n_hidden, cell.n_features), cell.w_std * cell.n_features**-0.5, dtype
    )[:]


def parameters(
    kernels: Operations, experiment: Experiment, cell: Cell, trial: int, dtype: DTypeLike = np.float64
) -> Parameters:
    """Return W (m, d) ~ N(0, w_std^2/d), None of a linear cell, and V (C, k) ~ N(0, v_std^2/k)."""
    d, m = cell.n_features, cell.n_hidden
    columns = d if m is None else m
    words = trial_streams(experiment, cell, [trial])[0]
    V = DrawnMatrix(
        kernels, words[1 if m is None else 2], (cell.n_classes, columns), cell.v_std * columns**-0.5, dtype
    )
    whole = V[:] if cell.n_classes * columns * V.dtype.itemsize <= WHOLE_BYTES else V
    if m is None:
        return Parameters(None, whole)
    return Parameters(first_layer(kernels, experiment, cell, trial, dtype), whole)
