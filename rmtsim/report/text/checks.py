"""The verdict of a check."""

from collections.abc import Iterator

from ...compare import Comparison
from ...compare.exact import FEWEST_TRIALS
from ...compare.verdict import FALSE_ALARMS
from .exponents import cell_list

NO_TEST = f"no test: expected something that is known, measured in {FEWEST_TRIALS} trials or more"


def verdict(comparison: Comparison) -> Iterator[str]:
    """Yield what a check found, nothing where none was asked for."""
    check = comparison.check
    if check is None:
        return
    broken_relations = f"{len(check.inconsistencies)} are broken"
    yield f"CHECK: relations that all spectra obey, tested on {check.spectra} spectra; {broken_relations}"
    for broken in check.inconsistencies:
        yield (
            f"  BROKEN cell {broken.cell}, {broken.block}: {broken.sentence};"
            f" trials broken: {broken.trials}, the first {broken.first}"
        )
    if check.too_large:
        yield f"Without independent trials, which would take too long: cells {cell_list(check.too_large)}"
    if not check.tests:
        yield NO_TEST[0].upper() + NO_TEST[1:]
        return
    count, least = len(check.tests), min(test.p for test in check.tests)
    yield f"{count} tests, {len(check.failed)} failed, against exact values and against independent trials."
    yield (
        f"A test fails if its p is below {check.level:.1e}: of files whose trials are right, at most one in"
        f" {1 / FALSE_ALARMS:,.0f} fails.\nThe least p is {least:.1e}."
    )
    for test in check.failed:
        yield f"  FAILED cell {test.cell}: {test.name}, against {test.source}, p = {test.p:.1e}"
