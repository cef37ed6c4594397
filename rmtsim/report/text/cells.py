"""What was found in each cell: distances, extremes, moments and exact values."""

from collections.abc import Iterator

from ...compare import BlockFinding, Comparison, Identity, MomentFinding, SideFinding
from ...table import columns, table

DISTANCES = """\
SPECTRA: how far the eigenvalues of one trial are from the limit law, on average over the trials.
KS is the Kolmogorov-Smirnov distance, W1 the Wasserstein-1 distance. There is no p-value, as eigenvalues
repel each other. Where only histograms are stored, the distances are those at the edges of the bins, and the
column bins says how much the positions within the bins may add. The last columns are the mass of the law
at 0, the largest error of its distribution function, and its name, in which P is the share of the samples
that the gates let through."""
EXTREMES = """\
EXTREMES: the smallest and largest eigenvalues, beside the ends of the limit law and its outliers, theory.md
(3.5). The column beyond tells in which share of the trials the extreme lies beyond the end of the bulk, or
(a number without %) how many eigenvalues lie there per trial. Of a law whose tail thins out, the end is where
it expects half an eigenvalue. The difference is the mean extreme less the outlier that theory predicts, or
less the end of the bulk where it predicts none. Tracy-Widom is the expected largest eigenvalue at this d and
N, theory.md (3.9), where the block is a Wishart matrix."""
MOMENTS = """\
MOMENTS: mean over the trials of m_k = (1/n) tr (H/scale)^k, n the order of the block, beside the limit, with
the standard error of their difference. The bias is the exact value at this d and N, where it is known, less
the limit; it is of order 1/d, and more trials do not remove it. z is (mean - exact value)/s.e., converted to
a normal score."""
LINEAR = """\
LINEAR STATISTICS: mean over the trials of (1/n) sum f(eigenvalue), beside its expectation under the limit law
with the numerical error of that. Their difference has a bias of order 1/d."""
IDENTITIES = """\
EXACT VALUES: means whose expectation is known at this d and N, by the equations of theory.md named in front.
z is as for the moments, and describes; `rmtsim compare --check` decides whether they agree."""

DISTANCE_COLUMNS = columns(
    *("cell:d", "block", "KS:.5f", "s.e.:.0e", "bins:.2g", "W1:.3e"),
    *("s.e.:.0e", "bins:.2g", "at 0:.4f", "error:.0e", "limit law"),
)
EXTREME_COLUMNS = columns(
    *("cell:d", "block", "side", "bulk ends:.5g", "beyond:>"),
    *("mean extreme:.5g", "s.e.:.1e", "outlier:.5g", "difference:.2e", "Tracy-Widom:.5g"),
)
MOMENT_COLUMNS = columns(
    "cell:d", "block", "k:d", "mean:.6g", "limit:.6g", "mean - limit:.2e", "s.e.:.1e", "bias:.2e", "z:.2f"
)
LINEAR_COLUMNS = columns(
    "cell:d", "block", "statistic", "mean:.6g", "limit:.6g", "error:.0e", "mean - limit:.2e", "s.e.:.1e"
)
IDENTITY_COLUMNS = columns("cell:d", "quantity", "mean:.6g", "s.e.:.1e", "exact:.6g", "z:.2f")
ROUNDING = 1e-14
"""A bias this small beside the limit is rounding."""


def _blocks(comparison: Comparison) -> Iterator[tuple[tuple[int, str], BlockFinding]]:
    """Yield every block with the first two entries of its rows."""
    for finding in comparison.cells:
        for block in finding.blocks:
            yield (finding.cell.index, block.block), block


def distances(comparison: Comparison) -> list[str]:
    """Return the distances of the spectra from their laws."""
    rows = [(*names, *_distance(block)) for names, block in _blocks(comparison) if block.distances]
    return [DISTANCES, *table(DISTANCE_COLUMNS, rows)] if rows else []


def _distance(block: BlockFinding) -> tuple[object, ...]:
    measured, law = block.distances, block.law
    assert measured is not None  # of others there is no row
    name = law.name.replace("generalised", "gen.")
    return (
        measured.ks.value,
        measured.ks.standard_error,
        measured.ks_resolution if measured.at_edges else None,
        measured.w1.value,
        measured.w1.standard_error,
        measured.w1_resolution if measured.at_edges else None,
        law.atom or None,
        max(measured.law_error, law.error),
        name if law.shared else name.replace(" given V", f", {law.trials} V"),
    )


def extremes(comparison: Comparison) -> list[str]:
    """Return the extreme eigenvalues and the predicted outliers."""
    rows = [(*names, *_extreme(side)) for names, block in _blocks(comparison) for side in block.sides]
    return [EXTREMES, *table(EXTREME_COLUMNS, rows)] if rows else []


def _extreme(side: SideFinding) -> tuple[object, ...]:
    return (
        side.side,
        side.threshold,
        f"{side.share_outside:.0%}" if side.count_outside is None else f"{side.count_outside:.2f}",
        side.extreme.value,
        side.extreme.standard_error,
        "none" if side.predicted is None else side.predicted,
        side.difference.value,
        "" if side.tracy_widom is None else side.tracy_widom,
    )


def moments(comparison: Comparison) -> list[str]:
    """Return the moments beside their limits and, where they are known, their exact values."""
    rows = [(*names, *_moment(moment)) for names, block in _blocks(comparison) for moment in block.moments]
    return [MOMENTS, *table(MOMENT_COLUMNS, rows)] if rows else []


def _moment(moment: MomentFinding) -> tuple[object, ...]:
    difference = moment.difference
    row = (moment.order, moment.mean.value, moment.limit, difference.value, difference.standard_error)
    if moment.exact is None:
        return (*row, "", "")
    bias = moment.exact.expected - moment.limit
    return (*row, bias if abs(bias) > ROUNDING * abs(moment.limit) else "0", _score(moment.exact))


def linear_statistics(comparison: Comparison) -> list[str]:
    """Return linear statistics beside their expectations under the laws."""
    rows = [
        (
            *names,
            finding.statistic.label,
            finding.mean.value,
            finding.limit,
            finding.limit_error,
            finding.difference.value,
            finding.difference.standard_error,
        )
        for names, block in _blocks(comparison)
        for finding in block.linear
    ]
    return [LINEAR, *table(LINEAR_COLUMNS, rows)] if rows else []


def identities(comparison: Comparison) -> list[str]:
    """Return the means whose expectation is known exactly at finite size."""
    rows = [
        (finding.cell.index, *_identity(identity))
        for finding in comparison.cells
        for identity in finding.identities
    ]
    return [IDENTITIES, *table(IDENTITY_COLUMNS, rows)] if rows else []


def _identity(identity: Identity) -> tuple[object, ...]:
    mean, name = identity.mean, f"{identity.source} {identity.name}"
    return name, mean.value, mean.standard_error or "0", identity.expected, _score(identity)


def _score(identity: Identity) -> object:
    """Return the z-score, which fewer than 8 trials do not have."""
    return "few" if identity.z is None else identity.z
