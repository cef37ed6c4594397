"""Names of random words: (seed, cell, trial, role) -> Philox key and counter.

Every array of every trial has a stream of its own, so that any of them can be drawn alone, by any
worker, on any device, in any order. A stream is what the kernels take: four 32-bit words

    [key0, key1, trial, (cell << 8) | role]

where (key0, key1) is the 64-bit seed, low word first, and the last two words are the upper half of
the Philox counter; the kernels run through the lower half (the block index). The map is injective.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SEED_LIMIT = 1 << 64
CELL_LIMIT = 1 << 24
TRIAL_LIMIT = 1 << 32
RESERVED_TRIALS = 16
"""The uppermost trial numbers name draws that belong to a cell, not to one of its trials."""

PILOT_TRIALS = tuple(range(TRIAL_LIMIT - RESERVED_TRIALS, TRIAL_LIMIT - RESERVED_TRIALS + 4))
"""Trials that set the histogram edges of a cell and are not counted."""
CELL_DRAW = TRIAL_LIMIT - 1
"""The trial number of arrays drawn once per cell."""


class Role(IntEnum):
    """Which array of a trial a stream draws. Stored results depend on these numbers: add, never change."""

    X = 0
    LABELS = 1
    W = 2
    V = 3
    # Structured models, theory.md (5.1)-(5.3e):
    CHI = 4
    CHI_OFF = 5
    NORMALS_OFF = 6
    GATES = 7
    PLANE = 8
    SPAN = 9


def stream(seed: int, cell: int, trial: int, role: Role) -> NDArray[np.uint32]:
    """Return the stream of one array: uint32, shape (4,).

    Raises
    ------
    ValueError
        If a number does not fit its field, so that two arrays would share their random words.
    """
    for name, value, limit in (
        ("seed", seed, SEED_LIMIT),
        ("cell", cell, CELL_LIMIT),
        ("trial", trial, TRIAL_LIMIT),
        ("role", role, 256),
    ):
        if not 0 <= value < limit:
            raise ValueError(f"{name}: expected a number from 0 to {limit - 1}, got {value}")
    return np.array([seed & 0xFFFFFFFF, seed >> 32, trial, (cell << 8) | role], dtype=np.uint32)


def streams(seed: int, cell: int, trials: Sequence[int], roles: Sequence[Role]) -> NDArray[np.uint32]:
    """Return the streams of some arrays in some trials: uint32, shape (trials, roles, 4).

    Raises
    ------
    ValueError
        As `stream`.
    """
    words = np.empty((len(trials), len(roles), 4), np.uint32)
    for r, role in enumerate(roles):
        words[:, r] = stream(seed, cell, max(trials, default=0), role)
    if len(trials):
        stream(seed, cell, min(trials), Role.X)
        words[:, :, 2] = np.array(trials)[:, None]
    return words
