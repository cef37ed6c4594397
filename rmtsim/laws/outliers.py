"""Eigenvalues outside the bulk, theory.md (3.5)."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are loaded where they are first used

from .marchenko_pastur import MarchenkoPastur
from .solver.measure import Floats
from .visible import Law, bulk_quantiles
from .weights.joint_weights import JointWeights, Sector

# Relative distance from an edge at which its side of a gap is judged: e is off by its square root.
_EDGE_DISTANCE = 1e-12
_ROOT_TOLERANCE = 1e-13
_TAIL_HEIGHT = 0.02
_LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Outlier:
    """An eigenvalue predicted outside the bulk.

    Attributes
    ----------
    location : float
        Its limit, in the units of the law.
    multiplicity : int
        Number of eigenvalues that converge there.
    """

    location: float
    multiplicity: int = 1


def outside(law: Law, n_eigenvalues: int, expected_count: float = 0.5) -> tuple[float, float]:
    """Thresholds below and above which an eigenvalue counts as outside the bulk.

    Beyond each threshold the law expects at most ``expected_count`` of ``n_eigenvalues``. Where the bulk ends
    in a square-root (or harder) edge the threshold is that edge, beyond which none is expected. Where it ends
    in a tail so thin that the edge lies far beyond the last eigenvalue, as for heavy-tailed weights, the
    threshold is the quantile of ``expected_count`` / ``n_eigenvalues``.

    Parameters
    ----------
    law : MarchenkoPastur or GeneralizedMarchenkoPastur
    n_eigenvalues : int
        Size of the matrix, at least 1.
    expected_count : float, optional
        Above 0. With 1/2 the largest of independent points passes the quantile with probability 0.4.

    Returns
    -------
    low, high : float
        An atom at 0 belongs to the bulk: ``low <= 0 <= high`` then. (Zeros of a computed spectrum are
        rounded.)

    Raises
    ------
    ValueError
        Naming the argument.

    Examples
    --------
    >>> low, high = outside(MarchenkoPastur(0.25), 100)
    >>> round(low, 12), round(high, 12)
    (0.25, 2.25)
    """
    if not (n_eigenvalues >= 1 and n_eigenvalues == int(n_eigenvalues)):
        raise ValueError(f"n_eigenvalues: expected a whole number of at least 1, got {n_eigenvalues!r}")
    if not expected_count > 0:
        raise ValueError(f"expected_count: expected a number above 0, got {expected_count!r}")
    low, high = _bulk_ends(law, expected_count / n_eigenvalues)
    return (min(low, 0.0), max(high, 0.0)) if law.atom > 0 else (low, high)


def _bulk_ends(law: Law, share: float) -> tuple[float, float]:
    """Ends of the spectrum without the atom: an edge, or the quantile of ``share`` where a tail is thin."""
    bulks = law.support()
    if not bulks:  # a point mass at zero
        return 0.0, 0.0
    first, last = bulks[0][0], bulks[-1][1]
    if share >= 0.25 * (1 - law.atom):  # too few eigenvalues for a tail
        return first, last
    # A square-root edge keeps its distance t to a quantile q at share^(2/3): 2^(3/2) times the share is at
    # 2t.
    shares = share * np.array([1.0, 2**1.5])
    low, low_inner, high, high_inner = bulk_quantiles(law, [*shares, *(1 - law.atom - shares)])
    if low - first <= 2 * (low_inner - low):
        low = first
    if last - high <= 2 * (high - high_inner):
        high = last
    return low, high


def outliers(law: Law, joint: JointWeights, n_eigenvalues: int | None = None) -> tuple[Outlier, ...]:
    """Predicted eigenvalues outside the support, theory.md (3.5).

    Real roots z of det(E[lambda u u^T / (1 + lambda e)] - z) = 0, e = gamma s(z), sector by sector. Within a
    gap of the support each eigenvalue of the expectation decreases in e, hence in z, so that it has at most
    one root there, which the signs at both ends of the gap decide.

    Parameters
    ----------
    law : MarchenkoPastur or GeneralizedMarchenkoPastur
        `limit_law` of the block.
    joint : JointWeights
        `joint_weights` of the same block: weights, directions and probabilities.
    n_eigenvalues : int, optional
        Size of the matrix, for laws of heavy-tailed weights, whose formal edges lie far beyond the last
        eigenvalue. If given, the outer gaps begin at the thresholds of `outside`. Within a thin tail the
        equation is solved with e at height 0.02 abs(z) above the real axis, which smooths single atoms of the
        weight law out and moves the root by about 1 %. Inner gaps count if they are wider than the mean
        spacing and have 5 % of the mass on each side.

    Returns
    -------
    tuple of Outlier
        By location; empty if there is none.

    Examples
    --------
    >>> from rmtsim.laws import joint_weights, limit_law
    >>> joint = joint_weights("hidden", "mse", "ww_off")
    >>> [round(o.location, 5) for o in outliers(limit_law("hidden", "mse", "ww_off", 0.05), joint)]
    [0.06231, 0.53769]
    >>> outliers(limit_law("hidden", "mse", "ww_off", 0.2), joint)
    ()
    """
    if not joint.weights.any():
        return ()
    gaps = _formal_gaps(law) if n_eigenvalues is None else _resolved_gaps(law, n_eigenvalues)
    # Weights of one sign leave no eigenvalue of the other.
    low, high = float(joint.weights.min()), float(joint.weights.max())
    gaps = [gap for gap in gaps if (low < 0 or gap.right > 0) and (high > 0 or gap.left < 0)]
    predicted = [
        Outlier(location, sector.multiplicity)
        for sector in joint.sectors
        for gap in gaps
        for location in _roots(law, joint, sector, gap)
    ]
    return tuple(sorted(predicted, key=lambda outlier: outlier.location))


@dataclass(frozen=True)
class _Gap:
    """Interval in which outliers are sought, and the height above the real axis at which e is taken."""

    left: float
    right: float
    height: float = 0.0  # relative to abs(z)


def _formal_gaps(law: Law) -> list[_Gap]:
    """Open intervals free of spectrum, from left to right."""
    ends = [-math.inf, *(end for bulk in law.support() for end in bulk), math.inf]
    gaps = [_Gap(*pair) for pair in zip(ends[::2], ends[1::2], strict=True) if pair[0] < pair[1]]
    return _split_at_atom(law, gaps)


def _resolved_gaps(law: Law, n_eigenvalues: int) -> list[_Gap]:
    """Gaps that ``n_eigenvalues`` can show."""
    bulks = law.support()
    low, high = _bulk_ends(law, 0.5 / n_eigenvalues)
    first = _Gap(-math.inf, low, 0.0 if low == bulks[0][0] else _TAIL_HEIGHT)
    last = _Gap(high, math.inf, 0.0 if high == bulks[-1][1] else _TAIL_HEIGHT)
    least, most = bulk_quantiles(law, [(1 - law.atom) * q for q in (_LEAST_SHARE, 1 - _LEAST_SHARE)])
    inner = [
        _Gap(left, right)
        for (_, left), (right, _) in itertools.pairwise(bulks)
        if least < left and right < most and right - left > (most - least) / n_eigenvalues
    ]
    return _split_at_atom(law, [first, *inner, last])


def _split_at_atom(law: Law, gaps: list[_Gap]) -> list[_Gap]:
    if law.atom == 0:
        return gaps
    split = []
    for gap in gaps:
        inside = gap.left < 0 < gap.right
        split += [replace(gap, right=0.0), replace(gap, left=0.0)] if inside else [gap]
    return split


def _roots(law: Law, joint: JointWeights, sector: Sector, gap: _Gap) -> list[float]:
    """Outliers of one sector in one gap."""
    excess = _excess(law, joint, sector, gap.height)
    left, right = _step_off(gap, law)
    # Ordered eigenvalue by ordered eigenvalue: above the root at the left end, below it at the right end.
    crossing = np.full(sector.directions.shape[1], left < right)  # no gap of a few rounding units
    for end, sign in ((left, 1), (right, -1)):
        if math.isfinite(end) and crossing.any():
            crossing &= sign * excess(end) > 0
    if not crossing.any():
        return []
    left, right = _bracket(excess, left, right, math.sqrt(law.moment(2)))
    tolerance = _ROOT_TOLERANCE * max(abs(left), abs(right))
    roots = np.flatnonzero(crossing)
    return [
        float(scipy.optimize.brentq(lambda z, k=k: excess(z)[k], left, right, xtol=tolerance)) for k in roots
    ]


def _step_off(gap: _Gap, law: Law) -> tuple[float, float]:
    """Ends of a gap, off the spectrum where they are finite."""
    width = math.sqrt(law.moment(2))
    size = min([width, *(abs(end) for end in (gap.left, gap.right) if end != 0)])

    def off(end: float, sign: int) -> float:
        return end + sign * _EDGE_DISTANCE * (abs(end) or size) if math.isfinite(end) else end

    return off(gap.left, 1), off(gap.right, -1)


def _bracket(
    excess: Callable[[float], Floats], left: float, right: float, width: float
) -> tuple[float, float]:
    """Cut an infinite end where no eigenvalue can cross any more."""
    if math.isinf(left):
        left = _extend(lambda z: bool((excess(z) > 0).all()), right, -width)
    if math.isinf(right):
        right = _extend(lambda z: bool((excess(z) < 0).all()), left, width)
    return left, right


def _extend(done: Callable[[float], bool], start: float, step: float) -> float:
    """First of start + step, start + 3 step, start + 7 step, ... where ``done`` holds.

    It does after finitely many steps: as z grows the expectation tends to the constant E[lambda u u^T].
    """
    z = start + step
    while not done(z):
        step *= 2
        z += step
    return z


def _excess(law: Law, joint: JointWeights, sector: Sector, height: float) -> Callable[[float], Floats]:
    """Function of z: ordered eigenvalues of E[lambda u u^T / (1 + lambda e(z))] less z."""
    active = joint.weights != 0
    if not isinstance(law, MarchenkoPastur):
        # Beyond the law's own weights a node would be a pole in its gap.
        low, high = law.weight_law.reach
        active &= (joint.weights >= low) & (joint.weights <= high)
    weights, probabilities = joint.weights[active], joint.probabilities[active]
    directions = sector.directions[active]
    gamma = law.aspect_ratio
    if isinstance(law, MarchenkoPastur):
        # Its ratio counts the samples of non-zero weight alone.
        gamma = gamma * float(probabilities.sum())

    def excess(z: float) -> Floats:
        e = gamma * law.stieltjes(complex(z, height * abs(z)) if height else z)
        factors = probabilities * np.real(weights / (1 + weights * e))
        values: Floats = np.linalg.eigvalsh((directions * factors[:, None]).T @ directions) - z
        return values

    return excess
