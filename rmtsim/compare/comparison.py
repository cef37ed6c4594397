"""From a results file to a ``Comparison``."""

from ..results import Results
from .blocks import block_law, compare_block, has_law
from .exact import other_identities
from .findings import CellFinding, Comparison
from .ratios import ratio_findings, slopes
from .trials import Trials, read_trials

LAW_TRIALS = 8


def compare(results: Results, law_trials: int = LAW_TRIALS, finite_class_ratios: bool = False) -> Comparison:
    """Hold the finished trials of a results file against theory.

    Parameters
    ----------
    results : Results
        From ``open_results``, or a store.
    law_trials : int
        Trials used where each trial has a law of its own (hidden ce with V drawn per trial).
    finite_class_ratios : bool
        Compute the limit ratios of hidden ce with V drawn per trial at the C of each cell, which takes a
        minute or more for each; otherwise the leading term as C grows is given.

    Returns
    -------
    Comparison
        Cells without a finished trial are left out.

    Raises
    ------
    ValueError
        If no trial is finished or ``law_trials`` is not positive.
    """
    if law_trials < 1:
        raise ValueError(f"law_trials: expected at least 1, got {law_trials}")
    experiment = results.experiment
    read = (read_trials(results, cell) for cell in experiment.cells)
    cells = tuple(_compare_cell(trials, law_trials, finite_class_ratios) for trials in read if trials.count)
    if not cells:
        raise ValueError("results: expected at least one finished trial, got none")
    return Comparison(
        experiment.name,
        experiment.digest,
        experiment.trials,
        experiment.measure.precision,
        cells,
        tuple(slopes(cells)),
    )


def compare_ratios(results: Results) -> tuple[CellFinding, ...]:
    """Return the mass ratios alone, without the limit laws that `compare` solves for every block."""
    read = (read_trials(results, cell) for cell in results.experiment.cells)
    return tuple(
        CellFinding(trials.cell, trials.count, (), (), tuple(ratio_findings(trials, {})))
        for trials in read
        if trials.count
    )


def _compare_cell(trials: Trials, law_trials: int, finite_class_ratios: bool) -> CellFinding:
    measured = [block for block in trials.cell.blocks if has_law(trials, block) and trials.has_spectra(block)]
    block_laws = {block: block_law(trials, block, law_trials) for block in measured}
    return CellFinding(
        cell=trials.cell,
        trials=trials.count,
        blocks=tuple(compare_block(trials, block, law) for block, law in block_laws.items()),
        identities=tuple(other_identities(trials)),
        ratios=tuple(ratio_findings(trials, block_laws, finite_class_ratios)),
    )
