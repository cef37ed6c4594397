"""What a figure of a spectrum shows: the pooled histogram of a block and the density of its law."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..experiment import Cell
from ..models.architectures import Block
from .block_laws import is_zero
from .outliers import SIDES, outliers_beyond, side_findings
from .solved_law import BlockLaw, SolvedLaw
from .spectra import Floats, Histogram, snap_zeros
from .trials import Trials

FEWEST_PER_BIN = 25
"""Bins are joined until this many eigenvalues fall in one on average: 20 % scatter, were they independent."""
NEARLY_ALL = 0.9
"""Without an outlier the extreme of a thin tail passes the end of the bulk in up to 2/3 of the trials."""


@dataclass(frozen=True)
class SpectrumCurve:
    """Pooled spectrum of a block and, where it has one, its limit law; both without the mass at zero.

    Attributes
    ----------
    cell, block, trials
        ``trials`` is the number of pooled trials.
    edges, density : array, shape (B + 1,), (B,)
        Share of all eigenvalues per unit length, those outside of the edges and at zero counted.
    at_zero, outside : float
        Share of the eigenvalues set apart as the atom, and outside of the edges.
    law_name : str or None
    x, law_density : array
        Mean density of the laws of the pooled trials, averaged over half a bin if they have many bulks;
        empty without a law.
    atom : float
        Mass of the law at zero.
    shared : bool
        Whether one law holds for all trials.
    predicted : tuple of float
        Outliers of the laws beyond the ends of their bulk, theory.md (3.5).
    observed : tuple of float
        Mean smallest and largest eigenvalue, each only where an outlier is predicted on its side or it lies
        outside the bulk in nearly all trials.
    """

    cell: Cell
    block: Block
    trials: int
    edges: Floats
    density: Floats
    at_zero: float
    outside: float
    law_name: str | None
    x: Floats
    law_density: Floats
    atom: float
    shared: bool
    predicted: tuple[float, ...] = ()
    observed: tuple[float, ...] = ()


def spectrum_curve(trials: Trials, block: Block, law: BlockLaw | None) -> SpectrumCurve | None:
    """Pool the spectra of a block over the trials that its law covers; None if there is none to draw."""
    if is_zero(trials.cell, block) or not (trials.has_eigenvalues(block) or "histogram" in trials.arrays):
        return None
    rows = np.arange(trials.count) if law is None else law.rows
    atom = 0.0 if law is None else law.atom
    histogram, at_zero = _set_zero_apart(trials, block, rows, atom)
    histogram = _join_bins(histogram)
    x, density = (np.empty(0), np.empty(0)) if law is None else _mean_density(law.laws)
    return SpectrumCurve(
        cell=trials.cell,
        block=block,
        trials=len(rows),
        edges=histogram.edges,
        density=histogram.density * (1 - at_zero),
        at_zero=at_zero,
        outside=(histogram.below + histogram.above) / histogram.total * (1 - at_zero),
        law_name=None if law is None else law.name,
        x=x,
        law_density=density,
        atom=atom,
        shared=law is None or law.shared,
        predicted=() if law is None else _predicted(law),
        observed=() if law is None or not trials.has_extremes(block) else _observed(trials, block, law),
    )


def _predicted(law: BlockLaw) -> tuple[float, ...]:
    return tuple(x for each in law.laws for side in SIDES for x in outliers_beyond(each, side))


def _observed(trials: Trials, block: Block, law: BlockLaw) -> tuple[float, ...]:
    sides = side_findings(trials, block, law)
    return tuple(
        side.extreme.value for side in sides if side.predicted_count > 0 or side.share_outside > NEARLY_ALL
    )


def _set_zero_apart(trials: Trials, block: Block, rows: Any, atom: float) -> tuple[Histogram, float]:
    """Return the histogram of what is not the atom, and the share of eigenvalues that is.

    Where only a histogram was stored, eigenvalues of the bin that holds zero are taken for the atom, up
    to its mass.
    """
    if trials.has_eigenvalues(block):
        return _histogram_of_eigenvalues(trials, block, rows, atom > 0)
    pooled = trials.histogram(block, rows)
    zero = np.flatnonzero((pooled.edges[:-1] <= 0) & (pooled.edges[1:] > 0))
    if atom == 0 or zero.size == 0:
        return pooled, 0.0
    counts = pooled.counts.copy()
    taken = min(int(counts[zero[0]]), round(atom * pooled.total))
    counts[zero[0]] -= taken
    return Histogram(pooled.edges, counts, pooled.below, pooled.above), taken / pooled.total


def _histogram_of_eigenvalues(
    trials: Trials, block: Block, rows: Any, split_zeros: bool
) -> tuple[Histogram, float]:
    values = np.concatenate([snap_zeros(row, trials.epsilon) for row in trials.eigenvalues(block)[rows]])
    kept = values[values != 0] if split_zeros else values
    if trials.edges is not None:
        edges = trials.edges[trials.cell.blocks.index(block)]
    else:
        edges = np.histogram_bin_edges(kept, bins=trials.experiment.measure.bins)
    counts = np.diff(np.searchsorted(np.sort(kept), edges[1:-1]), prepend=0, append=len(kept))
    below, above = int(np.sum(kept < edges[0])), int(np.sum(kept > edges[-1]))
    counts[0] -= below
    counts[-1] -= above
    return Histogram(edges, counts, below, above), 1 - len(kept) / len(values)


def _join_bins(histogram: Histogram) -> Histogram:
    """Join neighbouring bins of a sparse histogram; bins left over at the upper end join the last one."""
    bins = len(histogram.counts)
    wanted = FEWEST_PER_BIN * np.count_nonzero(histogram.counts) / max(histogram.counts.sum(), 1)
    starts = np.arange(0, bins, int(np.clip(np.ceil(wanted), 1, max(bins // 10, 1))))
    edges = np.append(histogram.edges[starts], histogram.edges[-1])
    counts = np.add.reduceat(histogram.counts, starts)
    return Histogram(edges, counts, histogram.below, histogram.above)


def _mean_density(solved: Sequence[SolvedLaw]) -> tuple[Floats, Floats]:
    """Mean density over laws at the nodes of all of them: inf on a hard edge."""
    if len(solved) == 1:
        return solved[0].x, solved[0].density
    x = np.unique(np.concatenate([law.x for law in solved]))
    densities = [np.interp(x, law.x, law.density, left=0.0, right=0.0) for law in solved]
    return x, np.asarray(np.mean(densities, axis=0))
