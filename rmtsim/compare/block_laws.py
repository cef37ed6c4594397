"""Limit laws of the blocks of one cell, as accurate as the trials that are held against them ask for."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from .. import laws
from ..experiment import Cell
from ..models.activations import RELU
from ..models.architectures import VV_DIAG, VV_OFF, WW_DIAG, WW_OFF, Block
from ..models.losses import MEAN_SQUARE
from .blocks import distances, moments
from .estimates import ROUGH, SHARE, Estimate, asked_error
from .solved_law import BlockLaw, LimitLaw, Numbers, SolvedLaw
from .trials import Trials, initialisation

LAW_TRIALS = 16
"""Trials used where each trial has a law of its own."""
ROOM = 2.0
"""Three standard errors of the largest deviation of a law bound it: half of that is what a mean over trials
is off by at most, tested against finer laws."""
LOG2_ENTRIES = 22
"""Softmax entries at most for a law given V: where they do not reach the wanted error, findings say so."""

# P: share of the samples whose gates are open, theory.md (3.6).
MSE_NAMES = {
    VV_DIAG: "Marchenko-Pastur",
    WW_DIAG: "Marchenko-Pastur, P = 1/2",
    WW_OFF: "Marchenko-Pastur, P = 1/4",
}


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
    """Law of a block, first a rough one, which tells what the accuracy has to be."""
    rough = _solved(trials, block, law_trials, ROUGH)
    if not any(law.weight_error or law.w1_error for law in rough.laws):
        return rough
    wanted = wanted_error(trials, block, rough)
    return rough if wanted >= ROUGH else _solved(trials, block, law_trials, wanted)


def wanted_error(trials: Trials, block: Block, rough: BlockLaw) -> float:
    """Error of the laws that is a tenth of the standard errors of what is held against them, a power of 2.

    It scales with that of the rough laws; a single trial, of unknown standard error, asks for no more.
    """
    error = max(each.weight_error + each.table_error for each in rough.laws)
    shares = [1.0]
    measured = distances(trials, block, rough)
    if measured is not None:
        w1_error = float(np.mean([each.w1_error for each in rough.laws]))
        shares += [_share(measured.ks, error), _share(measured.w1, w1_error)]
    if "moments" in trials.arrays:
        shares += [_share(each.difference, each.limit_error) for each in moments(trials, block, rough)]
    return asked_error(error * min(shares))


def _share(estimate: Estimate, error: float) -> float:
    """Factor by which an error has to fall; values without scatter, as of empty bins, ask for none."""
    wanted = ROOM * SHARE * estimate.standard_error
    return wanted / error if 0 < wanted < error else 1.0


def _solved(trials: Trials, block: Block, law_trials: int, tolerance: float) -> BlockLaw:
    """Law of a block given V where it depends on V: with V drawn in every trial, of the first trials each."""
    cell, rows = trials.cell, np.arange(trials.count)
    if not _depends_on_v(cell, block):
        marchenko_pastur = cell.loss is MEAN_SQUARE and cell.activation == RELU
        name = MSE_NAMES[block] if marchenko_pastur else "generalised Marchenko-Pastur"
        return BlockLaw(name, True, rows, (_law(trials, block, None, tolerance),))
    rows = rows if trials.fixed_v else rows[:law_trials]
    own = rows[: 1 if trials.fixed_v else None]
    each = tuple(_law(trials, block, row, tolerance) for row in own)
    return BlockLaw("generalised Marchenko-Pastur given V", trials.fixed_v, rows, each, given_v=True)


def _law(trials: Trials, block: Block, row: int | None, tolerance: float) -> SolvedLaw:
    """One law, of the V of a row if it depends on V."""
    cell, statistics = trials.cell, trials.linear_statistics
    names = {"architecture": str(cell.architecture), "loss": str(cell.loss), "block": str(block)}
    options: dict[str, Any] = dict(trials.initialisation)
    if cell.loss.couples_classes and not cell.architecture.is_hidden:
        options["n_classes"] = cell.n_classes
    if row is not None:
        options["V"] = trials.V(row)
    key = {**names, **options, "aspect_ratio": cell.aspect_ratio, "tolerance": tolerance}

    def solve() -> Numbers:
        def make() -> tuple[LimitLaw, laws.JointWeights]:
            return _solve(names, cell.aspect_ratio, tolerance, options)

        # A law that depends on no V holds for blocks of every size.
        law, joint = make() if row is not None else trials.solved.once(key, make)
        return SolvedLaw.of(law, joint, cell.n_features, statistics).numbers()

    sizes = {"size": cell.n_features, "statistics": sorted(statistics)}
    return SolvedLaw.of_numbers(trials.solved.get(key | sizes, solve))


def _solve(
    names: Mapping[str, str], aspect_ratio: float, tolerance: float, options: dict[str, Any]
) -> tuple[LimitLaw, laws.JointWeights]:
    """Limit law of a block with the joint weights that its outliers follow from."""
    arguments = (names["architecture"], names["loss"], names["block"])
    if names["loss"] == MEAN_SQUARE and "V" not in options:
        return laws.limit_law(*arguments, aspect_ratio, **options), laws.joint_weights(*arguments, **options)
    options = options | {"log2_entries": LOG2_ENTRIES}
    law = laws.tabulated_law(*arguments, aspect_ratio, tolerance, **options)
    return law, law.weight_law.joint
