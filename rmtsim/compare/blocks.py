"""Spectra of the blocks of one cell against their limit laws: distances and moments."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import draws, kernels, laws
from ..spectra import CdfTable, Distance, Law, distance, estimate, histogram_distance
from .exact import exact_moments
from .findings import BlockFinding, DistanceFinding, LawUse, MomentFinding
from .trials import Trials


class BlockLaw(NamedTuple):
    """The limit law of a block: one for all rows of the trials' arrays, or one for each of the first rows."""

    name: str
    shared: bool
    rows: NDArray[np.int64]
    laws: tuple[Law, ...]


def has_law(trials: Trials, block: str) -> bool:
    """Whether the block's spectrum has a limit law worth a comparison.

    The m x m blocks do not grow with d, and the output blocks of mse are zero off the diagonal.
    """
    grows = trials.cell.architecture == "linear" or block.startswith("ww")
    return grows and not is_zero(trials, block)


def is_zero(trials: Trials, block: str) -> bool:
    """Whether the block vanishes identically, as B_n = I couples no classes, theory.md (4.1)."""
    return trials.cell.loss == "mse" and block == "vv_off"


def block_law(trials: Trials, block: str, law_trials: int) -> BlockLaw:
    """Return the limit law of a block in units of its scale, given V where the law depends on V.

    With V drawn anew in every trial, the hidden ce blocks have a law each; the first ``law_trials``
    trials are used.
    """
    cell = trials.cell
    if (cell.architecture, cell.loss) != ("hidden", "ce"):
        law = laws.limit_law(cell.architecture, cell.loss, block, cell.aspect_ratio, n_classes=cell.n_classes)
        return BlockLaw(_name(cell.architecture, cell.loss, block), True, np.arange(trials.count), (law,))
    shared = trials.experiment.model.v_draw == "cell"
    rows = np.arange(trials.count if shared else min(law_trials, trials.count))
    given_v = tuple(_law_given_v(trials, block, row) for row in rows[: 1 if shared else None])
    return BlockLaw("generalised Marchenko-Pastur given V", shared, rows, given_v)


def _law_given_v(trials: Trials, block: str, row: int) -> Law:
    cell = trials.cell
    V = draws.parameters(kernels.load("cpu"), trials.experiment, cell, int(trials.numbers[row])).V
    return laws.limit_law(
        cell.architecture, cell.loss, block, cell.aspect_ratio, n_classes=cell.n_classes, V=V
    )


def _name(architecture: str, loss: str, block: str) -> str:
    if (architecture, loss, block) == ("linear", "mse", "vv_diag"):
        return "Marchenko-Pastur"
    if (architecture, loss) == ("hidden", "mse"):
        gates = {"ww_diag": "1/2", "ww_off": "1/4"}[block]
        return f"Marchenko-Pastur of gated samples, P = {gates}"
    return "generalised Marchenko-Pastur"


def compare_block(trials: Trials, block: str, law: BlockLaw) -> BlockFinding:
    """Hold the spectra and moments of one block against its law."""
    return BlockFinding(
        block=block,
        size=trials.cell.block_size(block),
        law=LawUse(law.name, law.shared, len(law.rows), float(np.mean([each.atom for each in law.laws]))),
        distances=_distances(trials, block, law),
        moments=_moments(trials, block, law) if "moments" in trials.arrays else (),
    )


def _distances(trials: Trials, block: str, law: BlockLaw) -> DistanceFinding | None:
    measure = _spectrum_distance(trials, block)
    if measure is None:
        return None
    tables = [CdfTable(each) for each in law.laws]
    found = [measure(int(row), tables[0 if law.shared else k]) for k, row in enumerate(law.rows)]
    return DistanceFinding(
        ks=estimate([each.ks for each in found]),
        w1=estimate([each.w1 for each in found]),
        at_edges=not trials.has_eigenvalues(block),
        ks_resolution=max(each.ks_resolution for each in found),
        w1_resolution=max(each.w1_resolution for each in found),
        law_error=max(table.error for table in tables),
    )


def _spectrum_distance(trials: Trials, block: str) -> Callable[[int, CdfTable], Distance] | None:
    """How to measure the distance of one trial: from all eigenvalues, else from the histogram."""
    if trials.has_eigenvalues(block):
        values = trials.eigenvalues(block)
        return lambda row, table: distance(values[row], table, trials.epsilon)
    if "histogram" in trials.arrays:
        return lambda row, table: histogram_distance(trials.histogram(block, row), table)
    return None


def _moments(trials: Trials, block: str, law: BlockLaw) -> tuple[MomentFinding, ...]:
    measured = trials.moments(block)
    exact = exact_moments(trials, block)
    limits = np.array([[each.moment(k) for k in range(1, 5)] for each in law.laws])
    rows = measured[law.rows]
    return tuple(
        MomentFinding(
            order=k + 1,
            mean=estimate(rows[:, k]),
            limit=float(limits[:, k].mean()),
            difference=estimate(rows[:, k] - limits[:, k]),
            exact=exact[k] if exact else None,
        )
        for k in range(4)
    )
