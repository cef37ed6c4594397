"""A ``Comparison`` as text of fixed width."""

from collections.abc import Iterator

from ..cells import Cell
from ..estimates import Estimate
from .findings import (
    BlockFinding,
    CellFinding,
    Comparison,
    DistanceFinding,
    Identity,
    LawUse,
    MomentFinding,
    RatioFinding,
    Slope,
)
from .ratios import ALL_BLOCKS, ORDER

LEGEND = """\
  KS, W1      Kolmogorov-Smirnov and Wasserstein-1 distance from the eigenvalues of H/scale of one trial to
              the limit law for d, N -> infinity; mean over trials +- s.e. No p-value: eigenvalues repel.
  m_k         (1/n) tr (H/scale)^k: mean over trials, its standard error (s.e.: Monte Carlo error alone),
              the limit, mean - limit, and the exact value at this d and N where one is known.
  bias        exact - limit: the O(1/d) part of mean - limit that more trials do not remove.
  z           (mean - exact)/s.e. as a normal score; for exact values and 8 trials or more. |z| > 5 fails.
  scale       S_ij = (V^T V)_ij for the W blocks of hidden mse, otherwise 1."""

MOMENT_HEADER = (
    f"    {'k':>3}{'mean':>13}{'s.e.':>11}{'limit':>13}{'mean-limit':>12}{'bias':>12}{'exact':>13}{'z':>8}"
)
RATIO_HEADER = (
    f"  {'cell':>4} {'model':<11}{'layer':>5}{'d':>6}{'N':>7}{'C':>7}{'m':>4}"
    f"{'r':>11}{'s.e.':>9}{'limit':>11}{'r/limit-1':>10}{'C^p r':>9}  p blocks"
)

LIMIT_NOTES = (
    ("given V", "V", "all trials share one V: limit given V, not the mean over V of theory.md section 4"),
    ("leading term", "*", "leading term of the limit as C grows, (4.4) and (4.5); it is slow to be reached"),
)


def format_comparison(comparison: Comparison) -> str:
    """Return the whole comparison as text, lines of at most 110 characters."""
    return "\n".join(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.experiment}  {comparison.precision}, digest {comparison.digest[:12]}"
    yield LEGEND
    for finding in comparison.cells:
        yield ""
        yield from _cell_lines(finding, comparison.trials)
    if any(finding.ratios for finding in comparison.cells):
        yield ""
        yield from _ratio_lines(comparison)
    yield ""
    yield from _verdict_lines(comparison)


def describe(cell: Cell) -> str:
    """Return the sizes of a cell in the field's letters, as in titles and tables."""
    width = "" if cell.n_hidden is None else f", m = {cell.n_hidden}"
    return (
        f"{cell.architecture} {cell.loss}, d = {cell.n_features}, N = {cell.n_samples}, "
        f"C = {cell.n_classes}{width}"
    )


def _cell_lines(finding: CellFinding, planned: int) -> Iterator[str]:
    cell = finding.cell
    count = f"{finding.trials}" if finding.trials == planned else f"{finding.trials} of {planned}"
    yield f"cell {cell.index}: {describe(cell)}; gamma = {cell.aspect_ratio:.4g}; {count} trials"
    for block in finding.blocks:
        yield from _block_lines(block, finding.trials)
    for identity in finding.identities:
        yield _identity_line(identity)


def _block_lines(block: BlockFinding, trials: int) -> Iterator[str]:
    yield f"  {block.block}, {block.size} x {block.size}: {_law_text(block.law, trials)}"
    if block.distances is not None:
        yield from _distance_lines(block.distances, block.law)
    if block.moments:
        yield MOMENT_HEADER
        yield from (_moment_line(moment) for moment in block.moments)


def _distance_lines(found: DistanceFinding, law: LawUse) -> Iterator[str]:
    error = f"errors: law tabulated {found.law_error:.0e}, moments of its weights {law.error:.0e}"
    yield f"    KS {_plus_minus(found.ks)}   W1 {_plus_minus(found.w1)}   ({error})"
    if found.at_edges:
        yield (
            "    (from histograms, at the edges of the bins; all eigenvalues could change KS by "
            f"{found.ks_resolution:.2g}, W1 by {found.w1_resolution:.2g})"
        )


def _law_text(law: LawUse, trials: int) -> str:
    atom = f", atom {law.atom:.4f} at 0" if law.atom > 0 else ""
    laws = "" if law.shared else f"; a law for each V of the first {law.trials} of {trials} trials"
    return f"{law.name}{atom}{laws}"


def _plus_minus(estimate: Estimate) -> str:
    return f"{estimate.value:.4g} +- {estimate.standard_error:.1g}"


def _moment_line(moment: MomentFinding) -> str:
    known = moment.exact
    exact = f"{'-':>12}{'-':>13}{'-':>8}"
    if known is not None:
        exact = f"{moment.bias:>12.2e}{known.expected:>13.6g}{_z(known.z):>8}"
    return (
        f"    {moment.order:>3}{moment.mean.value:>13.6g}{moment.difference.standard_error:>11.1e}"
        f"{moment.limit:>13.6g}{moment.difference.value:>12.2e}{exact}"
    )


def _identity_line(identity: Identity) -> str:
    mean = identity.mean
    return (
        f"  exact {identity.source}: {identity.name:<32}{mean.value:>13.6g} +- {mean.standard_error:<8.1e}"
        f" expected {identity.expected:<11.6g} z {_z(identity.z)}"
    )


def _z(z: float | None) -> str:
    return "few" if z is None else f"{z:.2f}"


def _ratio_lines(comparison: Comparison) -> Iterator[str]:
    yield "r = E |H_off|^2 / E |H_diag|^2 per block; its limit for d, N -> infinity has a bias of O(1/d)"
    yield "over all blocks of the layer or the blocks 0 and 1; C^p r tends to a constant as C grows"
    yield RATIO_HEADER
    ratios = [(finding.cell, ratio) for finding in comparison.cells for ratio in finding.ratios]
    yield from (_ratio_line(cell, ratio) for cell, ratio in ratios)
    for kind, mark, meaning in LIMIT_NOTES:
        if any(ratio.limit_kind == kind for _, ratio in ratios):
            yield f"  {mark} {meaning}"
    for slope in comparison.slopes:
        yield _slope_line(slope)


def _ratio_line(cell: Cell, ratio: RatioFinding) -> str:
    measured = ratio.measured
    scaled = measured.value * cell.n_classes ** ORDER[ratio.layer]
    mark = {kind: mark for kind, mark, _ in LIMIT_NOTES}.get(ratio.limit_kind, " ")
    limit = "-" if ratio.limit is None else f"{ratio.limit:.4e}"
    excess = f"{measured.value / ratio.limit - 1:+.4f}" if ratio.limit else "-"
    source = "all" if ratio.measured_on == ALL_BLOCKS else "0, 1"
    return (
        f"  {cell.index:>4} {cell.architecture + ' ' + cell.loss:<11}{ratio.layer.upper():>5}"
        f"{cell.n_features:>6}{cell.n_samples:>7}{cell.n_classes:>7}{cell.n_hidden or '-':>4}"
        f"{measured.value:>11.4e}{measured.standard_error:>9.1e}{limit:>11}{mark}{excess:>9}{scaled:>9.4f}"
        f"  {ORDER[ratio.layer]} {source}"
    )


def _slope_line(slope: Slope) -> str:
    cells = ", ".join(map(str, slope.cells))
    limit = "" if slope.limit is None else f"limits at these C {slope.limit:.4f}, "
    return (
        f"  slope of log r in log C, layer {slope.layer.upper()}, cells {cells}: {slope.slope:.4f} +- "
        f"{slope.standard_error:.1g}; {limit}as C -> infinity {slope.asymptotic:.0f}"
    )


def _verdict_lines(comparison: Comparison) -> Iterator[str]:
    scores = [identity.z for cell in comparison.cells for identity in cell.all_identities()]
    tested = [abs(z) for z in scores if z is not None]
    if not tested:
        yield f"No exact identity was tested ({len(scores)} known here; a z-score needs 8 trials)."
        return
    failed = comparison.failed_identities
    verdict = f"{len(tested)} tested, {len(failed)} failed (|z| > 5), largest |z| {max(tested):.2f}"
    yield f"Exact identities: {verdict}"
    for cell, identity in failed:
        yield f"  FAILED cell {cell}: {identity.name}, {identity.source}, z = {identity.z:.1f}"
