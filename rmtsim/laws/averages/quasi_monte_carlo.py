"""Randomised quasi-Monte Carlo over Gaussian vectors, with a fixed seed."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from ..solver.measure import Floats

_SEED = 20_250_505
_KEPT = 64
"""Randomisations that are kept: every V of a cell, and every cell of as many units, takes the same."""
_MOST_KEPT = 1 << 17
"""Numbers of one of them: 1 MiB."""


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
    kept = n_dimensions << log2_points <= _MOST_KEPT
    points = (_kept_normals if kept else _normals)(n_dimensions, log2_points, replicate)
    points.flags.writeable = False
    return points


def _normals(n_dimensions: int, log2_points: int, replicate: int) -> Floats:
    rng = np.random.default_rng([_SEED, n_dimensions, replicate])
    sampler = qmc.Sobol(n_dimensions, scramble=True, bits=48, rng=rng)
    # Half a cell away from 0, where ndtri is infinite.
    return ndtri(sampler.random_base2(log2_points) + 2.0**-50)


_kept_normals = functools.lru_cache(_KEPT)(_normals)


def replicate_mean(values: NDArray[Any]) -> tuple[NDArray[Any], Floats]:
    """Mean over independent replicates (axis 0), real or complex, and three standard errors of it."""
    error = 3 * values.std(axis=0, ddof=1) / np.sqrt(values.shape[0])
    return values.mean(axis=0), error
