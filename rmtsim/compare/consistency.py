"""Histogram, moments, extremes, eigenvalues and masses of a trial against one another, theory.md (8.8).

Relations that hold for every matrix up to rounding. Each is a function of the trials that gives, for every
trial, by how much it is broken in units of the rounding that is allowed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.architectures import LINEAR, VV_DIAG, WW_OFF, Block
from ..models.losses import MEAN_SQUARE
from .spectra import Floats
from .trials import Trials
from .verdict import Inconsistency

ROUNDING = 16.0
"""Units of n eps times the size of the numbers that a relation may be off by."""
BANDED = 1e-6
"""Counts of pentadiagonal forms are those of a matrix within eps^(1/2) or so of it, theory.md (8.1a)."""
SATURATED = 1e-9
"""Relative error of ce masses where samples are classified with near certainty."""
Broken = Iterator[tuple[str, Any]]


def inconsistencies(trials: Trials) -> Iterator[Inconsistency]:
    """Yield every relation that some trials break."""
    checks: list[Callable[[Trials, Block], Broken]] = []
    for block in trials.cell.blocks:
        broken = list(_finite(trials, block))
        if not any(rows.any() for _, rows in broken):
            checks = [_counts, _histogram_ends, _histogram_moments, _moments, _eigenvalues, _masses]
            broken = [found for check in checks for found in check(trials, block)]
        for sentence, rows in broken:
            if rows.any():
                first = int(trials.numbers[np.flatnonzero(rows)[0]])
                yield Inconsistency(trials.cell.index, block, sentence, int(rows.sum()), first)


def _rounding(trials: Trials, block: Block) -> float:
    return ROUNDING * trials.cell.block_size(block) * trials.epsilon


def _largest(trials: Trials, block: Block) -> Floats:
    """Size of the eigenvalues of each trial, from what is known of them, shape (T,)."""
    known = [np.zeros(trials.count)]
    if "moments" in trials.arrays:  # at most n times their mean fourth power
        n = trials.cell.block_size(block)
        known.append((n * np.maximum(trials.moments(block)[:, 3], 0)) ** 0.25)
    if trials.has_extremes(block):
        known.append(np.abs(trials.extremes(block)).max(axis=1))
    return np.max(known, axis=0)


def _not_finite(values: NDArray) -> NDArray[np.bool_]:
    return np.any(np.isfinite(values) == 0, axis=1)


def _finite(trials: Trials, block: Block) -> Broken:
    """Numbers, counts that are not negative, edges and extremes in order, and a unit."""
    index = trials.cell.blocks.index(block)
    yield "scale: expected a number other than 0", trials.scale(block) == 0
    if "extremes" in trials.arrays:
        low, high = trials.arrays["extremes"][:, index].T
        yield "extremes: expected the smallest before the largest", low > high
    if "histogram" in trials.arrays:
        ordered = trials.edges is not None and (np.diff(trials.edges[index]) > 0).all()
        yield "edges: expected finite, strictly increasing numbers", np.full(trials.count, not ordered)
    for name in ("scale", "moments", "extremes", "histogram", "outside", *trials.linear_statistics):
        if name in trials.arrays:
            values = trials.arrays[name][:, index].reshape(trials.count, -1)
            yield f"{name}: expected finite numbers", _not_finite(values)
            if name in ("histogram", "outside"):
                yield f"{name}: expected counts of at least 0", (values < 0).any(axis=1)
    if "masses" in trials.arrays:
        masses = trials.arrays["masses"]
        yield "masses: expected finite numbers", _not_finite(masses)
        yield "masses: expected numbers of at least 0", (masses < 0).any(axis=1)


def _counts(trials: Trials, block: Block) -> Broken:
    if "histogram" in trials.arrays:
        index = trials.cell.blocks.index(block)
        total = trials.arrays["histogram"][:, index].sum(axis=1) + trials.arrays["outside"][:, index].sum(
            axis=1
        )
        n = trials.cell.block_size(block)
        yield f"histogram: expected {n} eigenvalues in and beside the bins", total != n


def _bin_ends(trials: Trials, block: Block) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Ends of the bins, beyond the edges included, by trial (T, bins + 2), and how many lie in each.

    The outer ends are the extremes where they are known, and infinite elsewhere.
    """
    index = trials.cell.blocks.index(block)
    assert trials.edges is not None  # stored with every histogram
    edges = np.broadcast_to(trials.edges[index], (trials.count, trials.edges.shape[1]))
    low, high = np.full((2, trials.count), [[-np.inf], [np.inf]])
    if trials.has_extremes(block):
        low, high = trials.extremes(block).T
    left = np.column_stack([np.minimum(low, edges[:, 0]), edges])
    right = np.column_stack([edges, np.maximum(high, edges[:, -1])])
    counts, outside = trials.arrays["histogram"][:, index], trials.arrays["outside"][:, index]
    return left, right, np.column_stack([outside[:, 0], counts, outside[:, 1]])


def _count_slack(trials: Trials, block: Block) -> Floats:
    """How far an eigenvalue may lie from the bin that it was counted in."""
    relative = _rounding(trials, block)
    if block == WW_OFF and trials.cell.loss is MEAN_SQUARE:
        relative = max(relative, BANDED)
    return relative * _largest(trials, block)


def _histogram_ends(trials: Trials, block: Block) -> Broken:
    """The extremes lie in the first and in the last bin that is not empty."""
    if "histogram" not in trials.arrays or not trials.has_extremes(block):
        return
    left, right, counts = _bin_ends(trials, block)
    slack, rows = _count_slack(trials, block), np.arange(trials.count)
    first = np.argmax(counts > 0, axis=1)
    last = counts.shape[1] - 1 - np.argmax(counts[:, ::-1] > 0, axis=1)
    for name, place, value in zip(
        ("smallest", "largest"), (first, last), trials.extremes(block).T, strict=True
    ):
        off = (value < left[rows, place] - slack) | (value > right[rows, place] + slack)
        side = "first" if name == "smallest" else "last"
        yield f"extremes: expected the {name} eigenvalue in the {side} occupied bin", off


def _histogram_moments(trials: Trials, block: Block) -> Broken:
    """Sums over bins of the least and the largest power in each enclose n m_k."""
    if "histogram" not in trials.arrays or "moments" not in trials.arrays:
        return
    n, measured = trials.cell.block_size(block), trials.moments(block)
    left, right, counts = _bin_ends(trials, block)
    slack = _count_slack(trials, block)[:, None]
    left, right = left - slack, right + slack
    for k in range(1, 5):
        ends = np.where(counts > 0, np.sort([left**k, right**k], axis=0), 0.0)
        if k % 2 == 0:
            ends[0][(left < 0) & (right > 0)] = 0.0
        low, high = ends
        low, high = ((counts * end).sum(axis=1) for end in (low, high))
        room = _rounding(trials, block) * (counts * np.abs(ends).max(axis=0)).sum(axis=1)
        value = n * measured[:, k - 1]
        yield f"moments: expected m_{k} as the histogram has it", (value < low - room) | (value > high + room)


def _moments(trials: Trials, block: Block) -> Broken:
    """Jensen's and Cauchy's inequalities, and moments between powers of the extremes."""
    if "moments" not in trials.arrays:
        return
    n, relative = trials.cell.block_size(block), _rounding(trials, block)
    m1, m2, m3, m4 = trials.moments(block).T
    yield "moments: expected m_1^2 <= m_2", m1**2 > m2 * (1 + relative)
    yield "moments: expected m_2^2 <= m_4", m2**2 > m4 * (1 + relative)
    yield "moments: expected m_3^2 <= m_2 m_4", m3**2 > m2 * m4 * (1 + relative)
    if trials.has_extremes(block):
        low, high = trials.extremes(block).T
        largest = np.maximum(np.abs(low), np.abs(high))
        room = relative * largest
        yield "extremes: expected m_1 between them", (m1 < low - room) | (m1 > high + room)
        yield "extremes: expected m_4 <= m_2 times their largest square", m4 > m2 * (largest + room) ** 2
        yield (
            "extremes: expected a largest fourth power of at most n m_4",
            largest**4 > n * m4 * (1 + relative),
        )


def _eigenvalues(trials: Trials, block: Block) -> Broken:
    """All eigenvalues, where they are stored, against extremes and moments."""
    if not trials.has_eigenvalues(block):
        return
    values = np.sort(trials.eigenvalues(block), axis=1)
    yield "eigenvalues: expected finite numbers", _not_finite(values)
    room = _rounding(trials, block) * np.abs(values).max(axis=1)
    if "extremes" in trials.arrays:
        off = np.abs(trials.extremes(block) - values[:, [0, -1]]).max(axis=1)
        yield "extremes: expected those of the eigenvalues", off > room
    if "moments" in trials.arrays:
        for k, measured in enumerate(trials.moments(block).T, start=1):
            own = np.mean(values**k, axis=1)
            allowed = k * _rounding(trials, block) * np.mean(np.abs(values) ** k, axis=1) + k * room * np.max(
                np.abs(values), axis=1
            ) ** (k - 1)
            yield f"moments: expected m_{k} of the eigenvalues", np.abs(measured - own) > allowed
    index = trials.cell.blocks.index(block)
    for statistic in trials.linear_statistics:
        own = statistic.function(values)
        allowed = _rounding(trials, block) * np.mean(np.abs(own), axis=1)
        off = np.abs(trials.arrays[statistic][:, index] - own.mean(axis=1)) > allowed
        yield f"{statistic}: expected that of the eigenvalues", off


def _masses(trials: Trials, block: Block) -> Broken:
    """A part has at least the mass of its representative block, counted on both sides of the diagonal."""
    if "masses" not in trials.arrays or "moments" not in trials.arrays:
        return
    index, n = trials.cell.blocks.index(block), trials.cell.block_size(block)
    own = n * trials.arrays["moments"][:, index, 1] * (1 if block.diagonal else 2)
    parts = dict(zip(trials.cell.parts, trials.arrays["masses"].T, strict=True))
    mass = parts[block]
    # An off-diagonal mass is a difference: it rounds as all of its layer does, summed over N samples.
    relative = ROUNDING * max(n, trials.cell.n_samples) * trials.epsilon
    if trials.cell.loss.couples_classes:
        relative = max(relative, SATURATED)
    room = relative * (parts[f"{block[:2]}_diag"] + parts[f"{block[:2]}_off"])
    yield f"masses: expected at least that of the block {block}", own > mass + room
    if (trials.cell.architecture, trials.cell.loss, block) == (LINEAR, MEAN_SQUARE, VV_DIAG):
        C = trials.cell.n_classes
        yield f"masses: expected {C} times that of the block {block}", mass > C * own + room
