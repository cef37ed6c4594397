"""Spectra of the blocks of one cell against their limit laws: distances and moments."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ..models.architectures import Block
from .estimates import estimate
from .exact import exact_moments
from .findings import BlockFinding, DistanceFinding, LawUse, LinearFinding, MomentFinding
from .known import expected_moments
from .outliers import side_findings
from .rates import DistancePoint
from .solved_law import BlockLaw
from .spectra import CdfTable, Distance, distance, histogram_distance
from .trials import Trials


def compare_block(trials: Trials, block: Block, law: BlockLaw) -> BlockFinding:
    """Hold spectra, extremes and moments of one block against its law."""
    return BlockFinding(
        block=block,
        size=trials.cell.block_size(block),
        law=LawUse(law.name, law.shared, len(law.rows), law.atom, law.weight_error, law.own_v),
        distances=distances(trials, block, law),
        sides=side_findings(trials, block, law) if trials.has_extremes(block) else (),
        moments=moments(trials, block, law) if "moments" in trials.arrays else (),
        linear=tuple(_linear(trials, block, law)),
    )


def distance_points(trials: Trials, solved: Mapping[Block, BlockLaw]) -> Iterator[DistancePoint]:
    """Yield the distances of every block with a law of which a spectrum was measured."""
    for block, law in solved.items():
        measured = distances(trials, block, law)
        if measured is not None:
            yield DistancePoint(trials.cell, block, measured, law.own_v)


def distances(trials: Trials, block: Block, law: BlockLaw) -> DistanceFinding | None:
    """Distances of the spectra from their law; None if no spectrum was measured."""
    measure = _spectrum_distance(trials, block)
    if measure is None:
        return None
    each_trial = [measure(int(row), each.table) for row, each in zip(law.rows, law.by_row(), strict=True)]
    return DistanceFinding(
        ks=estimate([each.ks for each in each_trial]),
        w1=estimate([each.w1 for each in each_trial]),
        at_edges=not trials.has_eigenvalues(block),
        ks_resolution=max(each.ks_resolution for each in each_trial),
        w1_resolution=max(each.w1_resolution for each in each_trial),
        law_error=max(each.table.error for each in law.laws),
    )


def _spectrum_distance(trials: Trials, block: Block) -> Callable[[int, CdfTable], Distance] | None:
    """How to measure the distance of one trial: from all eigenvalues, else from the histogram."""
    if trials.has_eigenvalues(block):
        values = trials.eigenvalues(block)
        return lambda row, table: distance(values[row], table, trials.epsilon)
    if "histogram" in trials.arrays:
        return lambda row, table: histogram_distance(trials.histogram(block, row), table)
    return None


def _linear(trials: Trials, block: Block, law: BlockLaw) -> Iterator[LinearFinding]:
    """Yield the linear statistics that were measured, each beside its expectation under the law."""
    index = trials.cell.blocks.index(block)
    for statistic in trials.linear_statistics:
        expected = [each.expectations[statistic] for each in law.laws]
        limits, errors = (np.array(part) for part in zip(*expected, strict=True))
        values = trials.arrays[statistic][law.rows, index]
        mean, difference = estimate(values), estimate(values - limits)
        yield LinearFinding(statistic, mean, float(limits.mean()), float(errors.max()), difference)


def moments(trials: Trials, block: Block, law: BlockLaw) -> tuple[MomentFinding, ...]:
    """Moments of the block beside those of its law."""
    exact, expected = exact_moments(trials, block), expected_moments(trials.cell, block)
    limits, errors = np.array([each.moments for each in law.laws]), law.moment_errors
    rows = trials.moments(block)[law.rows]
    return tuple(
        MomentFinding(
            order=k + 1,
            mean=estimate(rows[:, k]),
            limit=float(limits[:, k].mean()),
            limit_error=float(errors[k]),
            difference=estimate(rows[:, k] - limits[:, k]),
            bias=None if expected is None else float(expected[k] - limits[0, k]),
            exact=exact[k] if exact else None,
        )
        for k in range(4)
    )
