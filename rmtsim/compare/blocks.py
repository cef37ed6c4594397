"""Spectra of the blocks of one cell against their limit laws: distances and moments."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import laws
from ..cells import Cell
from ..estimates import estimate
from ..spectra import CdfTable, Distance, Floats, Law, distance, histogram_distance
from .exact import exact_moments, expected_moments
from .findings import BlockFinding, DistanceFinding, LawUse, MomentFinding
from .trials import Trials

MSE_NAMES = {
    "vv_diag": "Marchenko-Pastur",
    "ww_diag": "Marchenko-Pastur of gated samples, P = 1/2",
    "ww_off": "Marchenko-Pastur of gated samples, P = 1/4",
}


class LimitLaw(Law, Protocol):
    """A law with moments and a density."""

    def moment(self, k: int) -> float:
        """Return E t^k."""

    def pdf(self, x: Any) -> Any:
        """Density of the continuous part."""


class BlockLaw(NamedTuple):
    """The limit law of a block: one for all ``rows`` of the trials' arrays, or one for each of them.

    ``error`` bounds the relative error of the moments of the weight law: quadrature and compression.
    """

    name: str
    shared: bool
    rows: NDArray[np.int64]
    laws: tuple[LimitLaw, ...]
    error: float


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
    rows = np.arange(trials.count)
    law: LimitLaw
    if cell.loss == "mse":
        law = laws.limit_law(cell.architecture, cell.loss, block, cell.aspect_ratio)
        return BlockLaw(MSE_NAMES[block], True, rows, (law,), 0.0)
    if cell.architecture == "linear":
        law, error = _weighted_law(cell, block, None)
        return BlockLaw("generalised Marchenko-Pastur", True, rows, (law,), error)
    if not trials.fixed_v:
        rows = rows[:law_trials]
    each = [_weighted_law(cell, block, trials.V(int(row))) for row in rows[: 1 if trials.fixed_v else None]]
    given_v, errors = zip(*each, strict=True)
    return BlockLaw("generalised Marchenko-Pastur given V", trials.fixed_v, rows, given_v, max(errors))


def _weighted_law(cell: Cell, block: str, V: Floats | None) -> tuple[LimitLaw, float]:
    """Law of a ce block, theory.md (3.1), and the error of its weight law."""
    weights = laws.weight_law(cell.architecture, cell.loss, block, n_classes=cell.n_classes, V=V)
    law = laws.GeneralizedMarchenkoPastur(weights.weights, weights.probabilities, cell.aspect_ratio)
    return law, weights.error


def compare_block(trials: Trials, block: str, law: BlockLaw) -> BlockFinding:
    """Hold the spectra and moments of one block against its law."""
    return BlockFinding(
        block=block,
        size=trials.cell.block_size(block),
        law=LawUse(law.name, law.shared, len(law.rows), mean_atom(law), law.error),
        distances=_distances(trials, block, law),
        moments=_moments(trials, block, law) if "moments" in trials.arrays else (),
    )


def mean_atom(law: BlockLaw) -> float:
    """Mass at zero, averaged over the laws."""
    return float(np.mean([each.atom for each in law.laws]))


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
    exact, expected = exact_moments(trials, block), expected_moments(trials.cell, block)
    limits = np.array([[each.moment(k) for k in range(1, 5)] for each in law.laws])
    rows = measured[law.rows]
    return tuple(
        MomentFinding(
            order=k + 1,
            mean=estimate(rows[:, k]),
            limit=float(limits[:, k].mean()),
            difference=estimate(rows[:, k] - limits[:, k]),
            bias=None if expected is None else float(expected[k] - limits[0, k]),
            exact=exact[k] if exact else None,
        )
        for k in range(4)
    )
