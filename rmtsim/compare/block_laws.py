"""Limit laws of the blocks of one cell, solved once for whatever is held against them."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import laws
from ..experiment import Cell
from ..models.activations import RELU
from ..models.architectures import VV_DIAG, VV_OFF, WW_DIAG, WW_OFF, Block
from ..models.losses import MEAN_SQUARE
from .spectra import CdfTable, Floats
from .trials import Trials, initialisation

LAW_TRIALS = 16
"""Trials used where each trial has a law of its own."""
TAIL = 1e-6
"""Mass beyond the ends of a tabulated law."""
LOG2_ENTRIES = 22
"""Softmax entries for a law given V: its error is small beside the scatter of a spectrum, and stated."""

# P: share of the samples whose gates are open, theory.md (3.6).
MSE_NAMES = {
    VV_DIAG: "Marchenko-Pastur",
    WW_DIAG: "Marchenko-Pastur, P = 1/2",
    WW_OFF: "Marchenko-Pastur, P = 1/4",
}


LimitLaw = laws.MarchenkoPastur | laws.GeneralizedMarchenkoPastur


@dataclass(frozen=True)
class SolvedLaw:
    """One limit law, in units of the scale of the block, and what follows from it at a block of order n.

    Attributes
    ----------
    law : LimitLaw
    size : int
        n.
    weight_error : float
        Bound of the error of the distribution function that the weight law makes.
    bulk : (float, float)
        Thresholds beyond which an eigenvalue counts as outside.
    outliers : tuple of laws.Outlier
        Predicted ones, theory.md (3.5), by location.
    """

    law: LimitLaw
    size: int
    weight_error: float
    bulk: tuple[float, float]
    outliers: tuple[laws.Outlier, ...]

    @cached_property
    def table(self) -> CdfTable:
        """The distribution function at nodes."""
        return CdfTable(self.law, support=laws.visible_support(self.law, TAIL))


@dataclass(frozen=True)
class BlockLaw:
    """The limit law of a block: one for all ``rows`` of the trials' arrays, or one for each of them.

    ``given_v``: it depends on V.
    """

    name: str
    shared: bool
    rows: NDArray[np.int64]
    laws: tuple[SolvedLaw, ...]
    given_v: bool = False

    @property
    def own_v(self) -> bool:
        """Whether it is the law of the one V that the trials share."""
        return self.given_v and self.shared

    @property
    def atom(self) -> float:
        """Mass at zero, averaged over the laws."""
        return float(np.mean([each.law.atom for each in self.laws]))

    @property
    def weight_error(self) -> float:
        """Largest of the laws' errors."""
        return max(each.weight_error for each in self.laws)

    def by_row(self) -> tuple[SolvedLaw, ...]:
        """The law of each row."""
        return self.laws * len(self.rows) if self.shared else self.laws


def block_laws(
    trials: Trials, law_trials: int = LAW_TRIALS, wanted: Collection[Block] | None = None
) -> dict[Block, BlockLaw]:
    """Solve the laws of the wanted blocks, all by default, that have one and whose spectra were measured."""
    return {
        block: _block_law(trials, block, law_trials)
        for block in trials.cell.blocks
        if (wanted is None or block in wanted) and has_law(trials.cell, block) and trials.has_spectra(block)
    }


def has_law(cell: Cell, block: Block) -> bool:
    """Whether the block's spectrum has a limit law worth a comparison.

    The m x m blocks do not grow with d, and the output blocks of mse are zero off the diagonal. Weight laws
    are known for some scales of initialisation, and given V for two classes or more.
    """
    grows = not cell.architecture.is_hidden or block.layer == "w"
    known = laws.has_weight_law(cell.architecture, cell.loss, **initialisation(cell))
    lone = cell.n_classes == 1 and _depends_on_v(cell, block)
    return grows and known and not lone and not is_zero(cell, block)


def _depends_on_v(cell: Cell, block: Block) -> bool:
    """Whether the law of a W-block depends on V: under mse, in units of S_ij, through residuals alone."""
    residuals = block.diagonal and cell.activation.has_curvature
    return cell.architecture.is_hidden and (cell.loss.couples_classes or residuals)


def is_zero(cell: Cell, block: Block) -> bool:
    """Whether the block vanishes identically: B_n = I couples no classes, and a single class has B_n = 0."""
    return block == VV_OFF if cell.loss is MEAN_SQUARE else cell.n_classes == 1


def _block_law(trials: Trials, block: Block, law_trials: int) -> BlockLaw:
    """Law of a block given V where it depends on V: with V drawn in every trial, of the first trials each."""
    cell, rows = trials.cell, np.arange(trials.count)
    if cell.loss is MEAN_SQUARE and cell.activation == RELU:
        return BlockLaw(MSE_NAMES[block], True, rows, (_marchenko_pastur(trials, block),))
    if not _depends_on_v(cell, block):
        return BlockLaw("generalised Marchenko-Pastur", True, rows, (_generalised(trials, block, None),))
    rows = rows if trials.fixed_v else rows[:law_trials]
    each = (_generalised(trials, block, trials.V(row)) for row in rows[: 1 if trials.fixed_v else None])
    return BlockLaw("generalised Marchenko-Pastur given V", trials.fixed_v, rows, tuple(each), given_v=True)


def _marchenko_pastur(trials: Trials, block: Block) -> SolvedLaw:
    cell, options = trials.cell, trials.initialisation
    names = (cell.architecture, cell.loss, block)
    law = laws.limit_law(*names, cell.aspect_ratio, **options)
    return _solved(cell, law, laws.joint_weights(*names, **options), 0.0)


def _generalised(trials: Trials, block: Block, V: Floats | None) -> SolvedLaw:
    """Law of a block whose sample weights differ, theory.md (3.1)."""
    cell, options = trials.cell, trials.initialisation
    names, n_classes = (cell.architecture, cell.loss, block), cell.n_classes
    weights = laws.weight_law(*names, n_classes=n_classes, V=V, log2_entries=LOG2_ENTRIES, **options)
    law = laws.GeneralizedMarchenkoPastur.of(weights, cell.aspect_ratio)
    return _solved(cell, law, laws.joint_weights(*names, n_classes=n_classes, V=V, **options), law.error)


def _solved(
    cell: Cell,
    law: laws.MarchenkoPastur | laws.GeneralizedMarchenkoPastur,
    joint: laws.JointWeights,
    weight_error: float,
) -> SolvedLaw:
    d = cell.n_features
    return SolvedLaw(law, d, weight_error, laws.outside(law, d), laws.outliers(law, joint, d))
