"""The Gaussian arrays of one trial, each drawn from its own stream (theory.md section 1)."""

from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .experiment import Cell, Experiment
from .streams import CELL_DRAW, Role, stream


class Parameters(NamedTuple):
    """Parameters of one trial: W is None for the linear model."""

    W: NDArray | None
    V: NDArray


def _gaussian(
    kernels: ModuleType, words: NDArray, rows: int, columns: int, deviation: float, dtype: DTypeLike
) -> NDArray:
    draws = kernels.normals(words, 0, rows * columns, dtype=dtype, scale=deviation)
    return draws.reshape(rows, columns)


def inputs(
    kernels: ModuleType, experiment: Experiment, cell: Cell, trial: int, dtype: DTypeLike = np.float64
) -> NDArray:
    """Return X, shape (N, d), with i.i.d. N(0, 1) entries."""
    words = stream(experiment.seed, cell.index, trial, Role.X)
    return _gaussian(kernels, words, cell.n_samples, cell.n_features, 1.0, dtype)


def labels(kernels: ModuleType, experiment: Experiment, cell: Cell, trial: int) -> NDArray[np.int64]:
    """Return y, shape (N,), uniform on {0..C-1}."""
    words = stream(experiment.seed, cell.index, trial, Role.LABELS)
    return kernels.labels(words, 0, cell.n_samples, cell.n_classes)


def parameters(
    kernels: ModuleType, experiment: Experiment, cell: Cell, trial: int, dtype: DTypeLike = np.float64
) -> Parameters:
    """Return W (m, d) ~ N(0, 1/d) and V (C, m) ~ N(0, 1/m); for the linear model V (C, d) ~ N(0, 1/d) alone.

    With ``v_draw = "cell"`` every trial of a hidden cell gets the same V.
    """
    d, C, m = cell.n_features, cell.n_classes, cell.n_hidden
    shared = m is not None and experiment.model.v_draw == "cell"
    v_words = stream(experiment.seed, cell.index, CELL_DRAW if shared else trial, Role.V)
    if m is None:
        return Parameters(None, _gaussian(kernels, v_words, C, d, d**-0.5, dtype))
    w_words = stream(experiment.seed, cell.index, trial, Role.W)
    W = _gaussian(kernels, w_words, m, d, d**-0.5, dtype)
    return Parameters(W, _gaussian(kernels, v_words, C, m, m**-0.5, dtype))
