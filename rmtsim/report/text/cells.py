"""What was found in each cell: distances, extremes, moments and exact values."""

from collections.abc import Iterator

from ...compare import BlockFinding, Comparison, Identity, MomentFinding, SideFinding
from ...table import columns, table

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
LINEAR = """\
LINEAR STATISTICS (1/n) sum f(lambda/scale). limit: expectation of f under the limit law, error: of its
quadrature and of the law; mean - limit has a bias of O(1/d)."""
IDENTITIES = """\
EXACT VALUES at this d and N, theory.md (2.3), (4.1) and section 5; z describes, `rmtsim compare --check`
judges"""

DISTANCE_COLUMNS = columns(
    *("cell:d", "block", "KS:.5f", "s.e.:.0e", "bins:.2g", "W1:.3e"),
    *("s.e.:.0e", "bins:.2g", "atom:.4f", "error:.0e", "law"),
)
EXTREME_COLUMNS = columns(
    *("cell:d", "block", "side", "bulk ends:.5g", "outside:>"),
    *("extreme:.5g", "s.e.:.1e", "predicted:.5g", "difference:.2e", "T-W:.5g"),
)
MOMENT_COLUMNS = columns(
    "cell:d", "block", "k:d", "mean:.6g", "limit:.6g", "mean-limit:.2e", "s.e.:.1e", "bias:.2e", "z:.2f"
)
LINEAR_COLUMNS = columns(
    "cell:d", "block", "statistic", "mean:.6g", "limit:.6g", "error:.0e", "mean-limit:.2e", "s.e.:.1e"
)
IDENTITY_COLUMNS = columns("cell:d", "", "mean:.6g", "s.e.:.1e", "exact:.6g", "z:.2f")
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
