"""Extreme eigenvalues against the ends of the bulk and the outliers predicted by theory.md (3.5)."""

import numpy as np

from .. import laws
from ..experiment import Cell
from ..models.activations import RELU
from ..models.architectures import VV_DIAG, WW_OFF, Block
from ..models.losses import MEAN_SQUARE
from .estimates import estimate
from .findings import SideFinding
from .solved_law import BlockLaw, SolvedLaw
from .spectra import rounding
from .trials import Trials

SIDES = ("below", "above")


def side_findings(trials: Trials, block: Block, law: BlockLaw) -> tuple[SideFinding, ...]:
    """Hold the smallest and the largest eigenvalue of each trial against its law."""
    return tuple(_side_finding(trials, block, law, side) for side in SIDES)


def _side_finding(trials: Trials, block: Block, law: BlockLaw, side: str) -> SideFinding:
    end, outward = (0, -1.0) if side == "below" else (1, 1.0)
    solved = law.by_row()
    both = trials.extremes(block)[law.rows]
    slack = rounding(both, trials.cell.block_size(block), trials.epsilon)
    extremes = np.where(np.abs(both[:, end]) > slack, both[:, end], 0.0)
    thresholds = np.array([one.bulk[end] for one in solved])
    predicted = [outliers_beyond(one, side) for one in solved]
    expected = [
        beyond[-end] if beyond else one.bulk[end] for beyond, one in zip(predicted, solved, strict=True)
    ]
    outermost = [beyond[-end] for beyond in predicted if beyond]
    count = None
    if trials.has_eigenvalues(block):
        outside = outward * (trials.eigenvalues(block)[law.rows] - thresholds[:, None]) > slack[:, None]
        count = float(outside.sum(axis=1).mean())
    return SideFinding(
        side=side,
        threshold=float(thresholds.mean()),
        extreme=estimate(extremes),
        share_outside=float(np.mean(outward * (extremes - thresholds) > slack)),
        count_outside=count,
        predicted=float(np.mean(outermost)) if outermost else None,
        predicted_count=float(np.mean([len(beyond) for beyond in predicted])),
        difference=estimate(extremes - np.array(expected)),
        tracy_widom=tracy_widom_mean(trials.cell, block) if side == "above" else None,
    )


def outliers_beyond(law: SolvedLaw, side: str) -> list[float]:
    """Predicted outliers beyond one end of the bulk, ascending, each as often as its multiplicity."""
    low, high = law.bulk
    return [float(x) for x in law.outliers if (x < low if side == "below" else x > high)]


def tracy_widom_mean(cell: Cell, block: Block) -> float | None:
    """Mean largest eigenvalue of H/scale at this d and N, theory.md (3.9), where the block is Wishart.

    W_ii of hidden mse is so given the number of open gates, here put at its mean N/2.
    """
    d, N = cell.n_features, cell.n_samples
    if cell.loss is not MEAN_SQUARE or block == WW_OFF or N < 4 or cell.activation != RELU:
        return None
    samples = N if block == VV_DIAG else N // 2
    return laws.largest_eigenvalue_law(samples, d, scale=samples / N).mean()
