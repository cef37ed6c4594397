"""Randomised quasi-Monte Carlo over Gaussian vectors, with a fixed seed."""

import functools
from typing import Any

import numpy as np
import scipy  # its parts are loaded where they are first used
from numpy.typing import NDArray
from scipy.special import ndtri

from ..solver.measure import Floats

_SEED = 20_250_505
_KEPT, _LOG2_KEPT = 64, 11
"""Randomisations whose first points are kept: every V, and every cell of as many units, takes the same."""


def sobol_normals(n_dimensions: int, log2_points: int, replicate: int) -> Floats:
    """Standard normal points from a scrambled Sobol sequence.

    Parameters
    ----------
    n_dimensions : int
    log2_points : int
        2^log2_points points.
    replicate : int
        Number of the scrambling: the same number gives the same points, different ones are independent.

    Returns
    -------
    ndarray, shape (2^log2_points, n_dimensions), float64
        Not to be written to.
    """
    if log2_points > _LOG2_KEPT:
        return _normals(n_dimensions, log2_points, replicate)
    return _first_normals(n_dimensions, replicate)[: 1 << log2_points]


def _normals(n_dimensions: int, log2_points: int, replicate: int) -> Floats:
    rng = np.random.default_rng([_SEED, n_dimensions, replicate])
    sampler = scipy.stats.qmc.Sobol(n_dimensions, scramble=True, bits=48, rng=rng)
    # Half a cell away from 0, where ndtri is infinite.
    return ndtri(sampler.random_base2(log2_points) + 2.0**-50)


@functools.lru_cache(_KEPT)
def _first_normals(n_dimensions: int, replicate: int) -> Floats:
    """The first points of a sequence, of which more would go on from here."""
    points = _normals(n_dimensions, _LOG2_KEPT, replicate)
    points.flags.writeable = False
    return points


def quotient_error(values: Floats) -> float:
    """Three standard errors of the mean of column 1 over that of column 0, relative to it.

    Both are of the same points, so that most of their errors cancels.
    """
    relative = values / values.mean(axis=0)
    return float(replicate_mean(relative[:, 1] - relative[:, 0])[1])


def replicate_mean(values: NDArray[Any]) -> tuple[NDArray[Any], Floats]:
    """Mean over independent replicates (axis 0), real or complex, and three standard errors of it."""
    error = 3 * values.std(axis=0, ddof=1) / np.sqrt(values.shape[0])
    return values.mean(axis=0), error
