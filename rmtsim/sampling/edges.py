"""Edges of the histograms of a cell, set by a few trials that are not counted."""

import numpy as np
from numpy.typing import NDArray

from ..experiment import Cell, Experiment
from ..experiment.streams import PILOT_TRIALS
from .trials import draw_trials

PILOT_MARGIN = 0.25
"""How far the histogram reaches beyond the pilot trials' extremes, as a part of their width."""


def pilot_edges(experiment: Experiment, cell: Cell, device: str = "cpu") -> NDArray[np.float64]:
    """Return histogram edges for each block of a cell, shape (n_blocks, bins + 1), in units of `scale`.

    They cover the extremes of a few pilot trials, which are not counted, with a margin; a range given in
    the experiment takes precedence.
    """
    measure = experiment.measure
    edges = np.empty((len(cell.blocks), measure.bins + 1))
    ranges = dict(measure.range)
    if set(cell.blocks) - set(ranges):
        low, high = _pilot_extremes(experiment, cell, device)
    for k, block in enumerate(cell.blocks):
        if block in ranges:
            edges[k] = np.linspace(*ranges[block], measure.bins + 1)
        else:
            edges[k] = _covering_edges(low[k], high[k], measure.bins)
    return edges


def _pilot_extremes(experiment: Experiment, cell: Cell, device: str) -> tuple[NDArray, NDArray]:
    drawn = draw_trials(experiment, cell, PILOT_TRIALS, device, with_masses=False)
    extremes = drawn.extremes(cell.blocks)
    return extremes[:, :, 0].min(axis=0), extremes[:, :, 1].max(axis=0)


def _covering_edges(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """Return equal bins over [low, high] and a margin.

    The width is rounded up to two digits, so that devices that differ in the last bit share their edges,
    and zero, where it is in range, lies in the middle of a bin: rounding cannot split an atom there.
    """
    margin = PILOT_MARGIN * (high - low) or 0.5 * max(1.0, abs(high))
    reach = max(margin - low, high + margin)  # a single bin lies about zero
    width = _round_up((high - low + 2 * margin) / (bins - 1) if bins > 1 else 2 * reach)
    first = np.floor((low - margin) / width + 0.5) - 0.5
    return width * (first + np.arange(bins + 1))


def _round_up(value: float, digits: int = 2) -> float:
    unit = 10.0 ** (np.floor(np.log10(value)) - digits + 1)
    return float(np.ceil(value / unit) * unit)
