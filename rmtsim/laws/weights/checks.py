"""Checks of what users give."""

import math

import numpy as np
from numpy.typing import ArrayLike

from ..solver.measure import Floats


def check_choice(name: str, value: str, choices: list[str]) -> None:
    """Refuse a value that is not among the named choices."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")


def check_count(name: str, value: float, least: int) -> int:
    """Check a finite whole number of at least ``least``."""
    if not (math.isfinite(value) and value == int(value) and value >= least):
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
    return int(value)


def check_readout(V: ArrayLike | None) -> Floats:
    """Check the output weights V (C, m): finite, at least 2 classes and 1 unit."""
    if V is None:
        raise ValueError("V: expected the output weights (n_classes, n_hidden) of the hidden model, got None")
    matrix = np.asarray(V, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 2 or matrix.shape[1] < 1:
        raise ValueError(f"V: expected shape (n_classes >= 2, n_hidden >= 1), got {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("V: expected finite numbers, got NaN or infinity")
    return matrix


def check_pair(rows: tuple[int, int], size: int, diagonal: bool) -> tuple[int, int]:
    """Check the two indices of a block; a diagonal block uses the first alone."""
    i, j = int(rows[0]), int(rows[0] if diagonal else rows[1])
    if not (0 <= i < size and 0 <= j < size):
        raise ValueError(f"rows: expected indices from 0 to {size - 1}, got {tuple(rows)}")
    if not diagonal and i == j:
        raise ValueError(f"rows: expected two different indices for an off-diagonal block, got {tuple(rows)}")
    return i, j
