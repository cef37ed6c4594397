"""The verdict on a results file: tests whose false alarms are rarer than 1e-4 a file, at any size."""

import math
from collections.abc import Iterable, Iterator

from scipy.special import ndtr

from .consistency import inconsistencies
from .deviation import mean_probability, sample_probability
from .estimates import estimate, normal_score
from .exact import FEWEST_TRIALS
from .independent import IndependentTrials, independent_trials
from .known import Known, known_values
from .scatter import scatter_variance, statistics
from .trials import Trials
from .verdict import Check, Test


def check_cell(trials: Trials) -> Check:
    """Test the finished trials of a cell: consistency, exact values, independent trials."""
    broken = tuple(inconsistencies(trials))
    spectra = trials.count * len(trials.cell.blocks)
    if broken or trials.count < FEWEST_TRIALS:
        return Check((), broken, spectra, ())
    independent = independent_trials(trials)
    tests = (*_exact_tests(trials, independent), *_sample_tests(trials, independent))
    return Check(tests, broken, spectra, () if independent else (trials.cell.index,))


def merged(checks: Iterable[Check]) -> Check:
    """Return the check of a file from those of its cells."""
    each = tuple(checks)
    return Check(
        tuple(test for one in each for test in one.tests),
        tuple(broken for one in each for broken in one.inconsistencies),
        sum(one.spectra for one in each),
        tuple(cell for one in each for cell in one.too_large),
    )


def _exact_tests(trials: Trials, independent: IndependentTrials | None) -> Iterator[Test]:
    """Means against exact values."""
    scatter = {} if independent is None else {one.name: one for one in known_values(independent)}
    for known in known_values(trials):
        variance = known.variance
        if variance is None and independent is not None:
            variance = scatter_variance(scatter[known.name], independent)
        if variance is None:
            p = _student_probability(known)
        else:
            p = mean_probability(known.residuals, variance, known.tolerance)
        yield Test(trials.cell.index, known.name, known.source, p)


def _student_probability(known: Known) -> float:
    """Where no scatter is known d is large, and sums over so many entries are near normal."""
    z = normal_score(0.0, estimate(known.residuals), known.tolerance)
    return 0.0 if math.isnan(z) else float(2 * ndtr(-abs(z)))


def _sample_tests(trials: Trials, independent: IndependentTrials | None) -> Iterator[Test]:
    """Order of stored among independent trials."""
    if independent is not None:
        source = f"{independent.count} independent trials"
        for name, (stored, drawn) in statistics(trials, independent):
            yield Test(trials.cell.index, name, source, sample_probability(stored, drawn))
