"""A ``Comparison`` as text: one table a topic, each with what its columns mean."""

import math
from collections.abc import Iterator, Sequence

from ..compare.estimates import Estimate, Exponent
from ..compare.exact import FEWEST_TRIALS
from ..compare.findings import (
    FALSE_ALARMS,
    BlockFinding,
    Comparison,
    Identity,
    MomentFinding,
    Rate,
    SideFinding,
    Slope,
)
from ..compare.ratios import ALL_BLOCKS, ORDER
from ..experiment import Cell

DISTANCES = """\
SPECTRA against the limit law of d, N -> infinity, trial by trial. H/scale: scale is S_ij = (V^T V)_ij for
W-blocks of hidden mse, else 1. KS, W1: Kolmogorov-Smirnov and Wasserstein-1 distance, mean over trials
with its standard error (s.e.); no p-value, as eigenvalues repel. bins: what the positions within bins may
add. atom: mass of the law at 0. error: largest numerical error of the law. P: share of the samples that
the gates let through."""
EXTREMES = """\
EXTREMES of H/scale and outliers, theory.md (3.5). outside: share of the trials whose extreme lies beyond
the end of the bulk, where the law expects at most 1/2 eigenvalue; a number where all eigenvalues are
stored: how many lie there per trial. difference: extreme - predicted outlier, or - end of the bulk where
none is predicted. T-W: mean largest eigenvalue at this d and N where the block is Wishart, theory.md
(3.9)."""
MOMENTS = """\
MOMENTS (1/n) tr (H/scale)^k. s.e.: Monte Carlo error of mean - limit. bias: exact value at this d and N,
where known, less the limit: O(1/d), more trials do not remove it. z: (mean - exact)/s.e. as a normal
score."""
IDENTITIES = """\
EXACT VALUES at this d and N, theory.md (2.3), (4.1) and section 5; z describes, `rmtsim compare --check`
judges"""
RATIOS = """\
RATIOS r = E |H_off|^2 / E |H_diag|^2 of the blocks of a layer, all or 0 and 1. limit: at this C for d, N
-> infinity, error: of its quadrature; r - limit has a bias of O(1/d). C^p r tends to a constant as C
grows."""
GIVEN_V = "V: all trials share one V; the limit is given V, not the mean over V"
SLOPES = "EXPONENTS of r in C; the same fit to the limits at these C; as C -> infinity"
ONE_V = """\
V: one V a cell, so that the errors of its r are given V; s.e. and interval of the exponent are those of the
scatter of the cells about the line, which that of V is part of; none of two cells"""
RATES = """\
RATES: exponents of KS and W1 in d; expected -1 up to a logarithm where the eigenvalues alone fluctuate,
-1/2 where the sample weights do, theory.md section 6"""
NO_TEST = f"no test: expected something that is known, measured in {FEWEST_TRIALS} trials or more"
NO_RATE = """\
None for hidden ce with one V a cell: every size has a V of its own, so a law of its own, and what differs
between two V is no rate. With v_draw = "trial" there is one."""


def format_comparison(comparison: Comparison) -> str:
    """Return the whole comparison as text, lines of at most 110 characters."""
    sections = [
        _header(comparison),
        _distances(comparison),
        _extremes(comparison),
        _moments(comparison),
        _identities(comparison),
        _ratios(comparison),
        _slopes(comparison),
        _rates(comparison),
        _verdict(comparison),
    ]
    return "\n\n".join(text for text in ("\n".join(lines) for lines in sections) if text)


def describe(cell: Cell) -> str:
    """Return the sizes of a cell in the field's letters, as in titles and tables."""
    width = "" if cell.n_hidden is None else f", m = {cell.n_hidden}"
    return (
        f"{cell.architecture} {cell.loss}, d = {cell.n_features}, N = {cell.n_samples}, "
        f"C = {cell.n_classes}{width}"
    )


def _header(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.experiment}: {comparison.precision}, digest {comparison.digest[:12]}"
    for finding in comparison.cells:
        planned = "" if finding.trials == comparison.trials else f" of {comparison.trials}"
        cell = finding.cell
        yield (
            f"cell {cell.index}: {describe(cell)}; gamma = {cell.aspect_ratio:.4g};"
            f" {finding.trials}{planned} trials"
        )


def _blocks(comparison: Comparison) -> Iterator[tuple[str, BlockFinding]]:
    """Blocks with the first two columns of their rows."""
    for finding in comparison.cells:
        for block in finding.blocks:
            yield f"{finding.cell.index:>6} {block.block:<8}", block


def _distances(comparison: Comparison) -> Iterator[str]:
    rows = [(names, block) for names, block in _blocks(comparison) if block.distances is not None]
    if rows:
        yield DISTANCES
        yield (
            f"  cell block  {'KS':>9}{'s.e.':>8}{'bins':>7}{'W1':>11}{'s.e.':>8}{'bins':>8}"
            f"{'atom':>7}{'error':>7}  law"
        )
        yield from (names + _distance_columns(block) for names, block in rows)


def _distance_columns(block: BlockFinding) -> str:
    found, law = block.distances, block.law
    assert found is not None
    bins = f"{found.ks_resolution:.2g}", f"{found.w1_resolution:.2g}"
    ks_bins, w1_bins = bins if found.at_edges else ("-", "-")
    name = law.name.replace("generalised", "gen.")
    name = name if law.shared else name.replace(" given V", f", {law.trials} V")
    atom = f"{law.atom:.4f}" if law.atom else "-"
    return (
        f"{found.ks.value:>8.5f}{found.ks.standard_error:>8.0e}{ks_bins:>7}"
        f"{found.w1.value:>11.3e}{found.w1.standard_error:>8.0e}{w1_bins:>8}"
        f"{atom:>7}{max(found.law_error, law.error):>7.0e}  {name}"
    )


def _extremes(comparison: Comparison) -> Iterator[str]:
    rows = [(names, side) for names, block in _blocks(comparison) for side in block.sides]
    if rows:
        yield EXTREMES
        yield (
            f"  cell block   side {'bulk ends':>12}{'outside':>9}{'extreme':>12}{'s.e.':>9}"
            f"{'predicted':>12}{'difference':>12}{'T-W':>10}"
        )
        yield from (names + _extreme_columns(side) for names, side in rows)


def _extreme_columns(side: SideFinding) -> str:
    count = f"{side.share_outside:.0%}" if side.count_outside is None else f"{side.count_outside:.2f}"
    predicted = "none" if side.predicted is None else f"{side.predicted:.5g}"
    tracy_widom = "" if side.tracy_widom is None else f"{side.tracy_widom:.5g}"
    return (
        f"{side.side:>6}{side.threshold:>12.5g}{count:>9}{side.extreme.value:>12.5g}"
        f"{side.extreme.standard_error:>9.1e}{predicted:>12}{side.difference.value:>12.2e}{tracy_widom:>10}"
    ).rstrip()


def _moments(comparison: Comparison) -> Iterator[str]:
    rows = [(names, moment) for names, block in _blocks(comparison) for moment in block.moments]
    if rows:
        yield MOMENTS
        yield (f"  cell block   k{'mean':>14}{'limit':>14}{'mean-limit':>12}{'s.e.':>9}{'bias':>11}{'z':>8}")
        yield from (names + _moment_columns(moment) for names, moment in rows)


def _moment_columns(moment: MomentFinding) -> str:
    known = ""
    if moment.exact is not None:
        bias = moment.exact.expected - moment.limit
        visible = abs(bias) > 1e-14 * abs(moment.limit)  # else rounding
        known = f"{_number(bias if visible else 0.0, '.2e'):>11}{_z(moment.exact.z):>8}"
    return (
        f"{moment.order:>2}{moment.mean.value:>14.6g}{moment.limit:>14.6g}{moment.difference.value:>12.2e}"
        f"{moment.difference.standard_error:>9.1e}{known}"
    )


def _identities(comparison: Comparison) -> Iterator[str]:
    rows = [(finding.cell.index, one) for finding in comparison.cells for one in finding.identities]
    if rows:
        yield IDENTITIES
        yield f"  cell {'':<40}{'mean':>13}{'s.e.':>10}{'exact':>13}{'z':>8}"
        yield from (_identity_line(cell, one) for cell, one in rows)


def _identity_line(cell: int, identity: Identity) -> str:
    mean = identity.mean
    return (
        f"{cell:>6} {identity.source + ' ' + identity.name:<40}{mean.value:>13.6g}"
        f"{_number(mean.standard_error, '.1e'):>10}{identity.expected:>13.6g}{_z(identity.z):>8}"
    )


def _number(value: float, how: str) -> str:
    return f"{value:{how}}" if value else "0"


def _z(z: float | None) -> str:
    return "few" if z is None else f"{z:.2f}"


def _ratios(comparison: Comparison) -> Iterator[str]:
    rows = [(finding.cell, ratio) for finding in comparison.cells for ratio in finding.ratios]
    if not rows:
        return
    yield RATIOS
    if any(ratio.limit_kind == "given V" for _, ratio in rows):
        yield GIVEN_V
    yield (
        f"  cell {'model':<11} layer blocks{'C':>8}{'m':>4}{'r':>12}{'s.e.':>9}"
        f"{'limit':>12}{'error':>8}{'r/limit-1':>11}{'p':>3}{'C^p r':>9}"
    )
    for cell, ratio in rows:
        scaled = ratio.measured.value * cell.n_classes ** ORDER[ratio.layer]
        blocks = "all" if ratio.measured_on == ALL_BLOCKS else "0, 1"
        yield (
            f"{cell.index:>6} {cell.architecture + ' ' + cell.loss:<11} {ratio.layer.upper():<5} {blocks:<6}"
            f"{cell.n_classes:>8}{cell.n_hidden or '-':>4}"
            f"{_number(ratio.measured.value, '.5e'):>12}{_number(ratio.measured.standard_error, '.1e'):>9}"
            f"{_limit_columns(ratio.measured, ratio.limit, ratio.limit_error, ratio.limit_kind)}"
            f"{ORDER[ratio.layer]:>3}{scaled:>9.4f}"
        )


def _limit_columns(measured: Estimate, limit: float | None, error: float, kind: str) -> str:
    mark = "V" if kind == "given V" else " "
    if limit is None:
        return f"{'-':>12}{'-':>8}{mark}{'-':>10}"
    excess = f"{measured.value / limit - 1:+.4f}" if limit else "-"
    return f"{_number(limit, '.5e'):>12}{_number(error, '.0e'):>8}{mark}{excess:>10}"


def _slopes(comparison: Comparison) -> Iterator[str]:
    if comparison.slopes:
        yield SLOPES
        if any(slope.given_v for slope in comparison.slopes):
            yield ONE_V
        yield f"  model       layer {_exponent_header('exponent')}{'limits':>10}{'C -> inf':>10}  cells"
        yield from (_model(comparison, slope.cells) + _slope_line(slope) for slope in comparison.slopes)


def _slope_line(slope: Slope) -> str:
    limit = "-" if slope.limit is None else f"{slope.limit:.4f}"
    layer = slope.layer.upper() + (" V" if slope.given_v else "")
    return (
        f" {layer:<6}{_exponent_columns(slope.exponent, 4)}{limit:>10}{slope.asymptotic:>10.0f}"
        f"  {_cells(slope.cells)}"
    )


def _rates(comparison: Comparison) -> Iterator[str]:
    rated = [rate for rate in comparison.rates if rate.ks is not None]
    if comparison.rates:
        yield RATES
    if len(rated) < len(comparison.rates):
        yield NO_RATE
    if rated:
        yield f"  model       block   {_exponent_header('KS')}{_exponent_header('W1')}{'expected':>9}  cells"
        yield from (_model(comparison, rate.cells) + _rate_line(rate) for rate in rated)


def _rate_line(rate: Rate) -> str:
    assert rate.ks is not None  # others are not listed
    assert rate.w1 is not None
    return (
        f" {rate.block:<8}{_exponent_columns(rate.ks, 2)}{_exponent_columns(rate.w1, 2)}{rate.expected:>9.1f}"
        f"  {_cells(rate.cells)}"
    )


def _model(comparison: Comparison, cells: Sequence[int]) -> str:
    """Name the model of some cells, in a column."""
    (first,) = (finding.cell for finding in comparison.cells if finding.cell.index == cells[0])
    return f"  {first.architecture + ' ' + first.loss:<11}"


def _exponent_header(name: str) -> str:
    return f"{name:>8}{'s.e.':>7}{'95 % interval':>20}"


def _exponent_columns(found: Exponent, digits: int) -> str:
    if math.isnan(found.standard_error):
        return f"{found.value:>8.{digits}f}{'-':>7}{'-':>20}"
    interval = f"[{found.low:.{digits}f}, {found.high:.{digits}f}]"
    return f"{found.value:>8.{digits}f}{found.standard_error:>7.{digits}f}{interval:>20}"


def _cells(cells: Sequence[int]) -> str:
    """Name up to three cells, otherwise a range of them."""
    if len(cells) <= 3:
        return ", ".join(map(str, cells))
    contiguous = cells[-1] - cells[0] == len(cells) - 1
    return f"{cells[0]}-{cells[-1]}" if contiguous else f"{cells[0]}, {cells[1]}, ..., {cells[-1]}"


def _verdict(comparison: Comparison) -> Iterator[str]:
    check = comparison.check
    if check is None:
        return
    count = len(check.inconsistencies)
    yield f"CHECK: {check.spectra} spectra held against themselves, {count} relations broken"
    for broken in check.inconsistencies:
        yield (
            f"  BROKEN cell {broken.cell}, {broken.block}: {broken.sentence};"
            f" trials broken: {broken.trials}, the first {broken.first}"
        )
    if check.too_large:
        yield f"Without independent trials, which would take too long: cells {_cells(check.too_large)}"
    if not check.tests:
        yield NO_TEST[0].upper() + NO_TEST[1:]
        return
    least = min(test.p for test in check.tests)
    yield (
        f"{len(check.tests)} tests, {len(check.failed)} failed: p below {check.level:.1e}, where at most one"
        f" right file of {1 / FALSE_ALARMS:,.0f} is; least p {least:.1e}"
    )
    for test in check.failed:
        yield f"  FAILED cell {test.cell}: {test.name}, against {test.source}, p = {test.p:.1e}"
