"""Stored trials against independent ones: the same statistics of both, whose order no bias may change."""

from collections.abc import Callable, Iterator

import numpy as np

from ..models.architectures import WW_DIAG, WW_OFF, Block
from .deviation import upper_variance
from .given_parameters import points_for, units_given_parameters
from .independent import IndependentTrials
from .known import Known
from .spectra import Floats, rounding
from .trials import Trials

SHARES = (0.25, 0.5, 0.75)
"""Histograms are compared by the number of eigenvalues below edges near these quantiles."""
Pair = tuple[Floats, Floats]


def statistics(trials: Trials, independent: IndependentTrials) -> Iterator[tuple[str, Pair]]:
    """Yield statistics of single trials by name, (T,) of the stored and (M,) of the independent ones."""
    cell = trials.cell
    if cell.loss.couples_classes and cell.n_classes == 1:  # all is zero but for rounding
        return
    for block in cell.blocks:
        if "moments" in trials.arrays:
            yield from _moments(trials, independent, block)
        index = cell.blocks.index(block)
        for name in trials.linear_statistics:
            yield f"{name} of {block}", (trials.arrays[name][:, index], independent.arrays[name][:, index])
        if trials.has_extremes(block):
            yield from _extremes(trials, independent, block)
        if "histogram" in trials.arrays:
            yield from _counts(trials, independent, block)
    if cell.architecture.is_hidden and cell.loss.couples_classes and not trials.fixed_v:
        points = points_for(trials.count + independent.count, cell.n_classes)
        if points:
            stored, drawn = (_in_own_units(each, points) for each in (trials, independent))
            yield from ((name, (stored[name], drawn[name])) for name in stored)
    if "masses" in trials.arrays:
        for part, *both in zip(
            trials.cell.parts, trials.arrays["masses"].T, independent.arrays["masses"].T, strict=True
        ):
            if not np.isnan(both[1]).any():
                yield f"mass of {part}", (both[0], both[1])


def _in_own_units(trials: Trials, n_points: int) -> dict[str, Floats]:
    """Blocks of hidden ce over what they are about given W and V, whose scatter hides all else."""
    units, found = units_given_parameters(trials, n_points), {}
    if "moments" in trials.arrays and WW_DIAG in trials.cell.blocks:
        m1, m2 = trials.moments(WW_DIAG)[:, :2].T
        found["m_1 of ww_diag / that of W, V"] = _over(m1, units["mean"])
        quotient = _over(m2 - m1**2, m1)
        found["(m_2 - m_1^2)/m_1 of ww_diag / that of W, V"] = _over(
            quotient * units["mean"], units["square"]
        )
    if "masses" in trials.arrays:
        for part, masses in zip(trials.cell.parts, trials.arrays["masses"].T, strict=True):
            if part in units and (part != WW_OFF or trials.cell.n_hidden != 1):
                found[f"mass of {part} / that of W, V"] = _over(masses, units[part])
    return found


def _over(above: Floats, below: Floats) -> Floats:
    """Quotient, 0 where the denominator is: of blocks that are zero, or too small for a number."""
    return np.where(below == 0, 0.0, above / np.where(below == 0, 1.0, below))


def _moments(trials: Trials, independent: IndependentTrials, block: Block) -> Iterator[tuple[str, Pair]]:
    stored, drawn = (each.moments(block) for each in (trials, independent))
    for k in range(4):
        yield f"m_{k + 1} of {block}", (stored[:, k], drawn[:, k])
    yield f"m_2/m_1^2 of {block}", _quotients(stored, drawn, lambda m: m[1], lambda m: m[0] ** 2)
    yield f"m_4/m_2^2 of {block}", _quotients(stored, drawn, lambda m: m[3], lambda m: m[1] ** 2)
    # gamma E lambda^2 / E lambda in the limit (3.4), however many samples the gates let through.
    yield (
        f"(m_2 - m_1^2)/m_1 of {block}",
        _quotients(stored, drawn, lambda m: m[1] - m[0] ** 2, lambda m: m[0]),
    )


def _quotients(
    stored: Floats, drawn: Floats, above: Callable[[Floats], Floats], below: Callable[[Floats], Floats]
) -> Pair:
    """A quotient of moments of each trial; 0 where all of them are."""
    first, second = (_over(above(m.T), below(m.T)) for m in (stored, drawn))
    return first, second


def _extremes(trials: Trials, independent: IndependentTrials, block: Block) -> Iterator[tuple[str, Pair]]:
    size, epsilon = trials.cell.block_size(block), trials.epsilon
    ends = [each.extremes(block) for each in (trials, independent)]
    # Zeros of a singular block scatter by rounding, differently for every program.
    stored, drawn = (
        np.where(np.abs(both) <= 4 * rounding(both, size, epsilon)[:, None], 0.0, both) for both in ends
    )
    yield f"smallest eigenvalue of {block}", (stored[:, 0], drawn[:, 0])
    yield f"largest eigenvalue of {block}", (stored[:, 1], drawn[:, 1])


def _counts(trials: Trials, independent: IndependentTrials, block: Block) -> Iterator[tuple[str, Pair]]:
    index = trials.cell.blocks.index(block)
    assert trials.edges is not None  # stored with every histogram
    edges = trials.edges[index]
    values = np.sort(independent.eigenvalues(block), axis=1)
    below = np.array([np.searchsorted(row, edges) for row in values], dtype=float)
    inside = np.cumsum(trials.arrays["histogram"][:, index], axis=1)
    stored = trials.arrays["outside"][:, index, :1] + np.pad(inside, ((0, 0), (1, 0))).astype(float)
    share = (stored.mean(axis=0) + below.mean(axis=0)) / (2 * values.shape[1])
    # An edge at zero would split the zeros of a singular block by their rounding.
    reach = 4 * float(np.max(rounding(values, values.shape[1], trials.epsilon), initial=0.0))
    share = np.where(np.abs(edges) <= reach, np.inf, share)
    for k in sorted({int(np.argmin(np.abs(share - level))) for level in SHARES}):
        yield f"eigenvalues of {block} below {edges[k]:.4g}", (stored[:, k], below[:, k])


def scatter_variance(known: Known, independent: IndependentTrials) -> float:
    """Upper estimate of the variance of a residual, from the same quantity of independent trials."""
    gates = independent.open_gates
    if known.source == "(5.3b)" and gates is not None:
        return _gated_variance(known, gates, int(known.name[4]), independent.cell.n_features)
    return upper_variance(known.residuals)


def _gated_variance(known: Known, gates: Floats, order: int, d: int) -> float:
    """Variance of a moment of ww_off, the sum of the squared lengths integrated out, theory.md (5.3g).

    That sum is chi-square given the number of open gates and independent of all angles: its moments, which
    make the tails, are known.
    """
    count, total = gates.T
    first, second = (np.prod([count * d + 2 * j for j in range(n * order)], axis=0) for n in (1, 2))
    shape = known.values / np.where(total > 0, total, 1.0) ** order
    variance_given_v = upper_variance(np.sqrt(np.maximum(second - first**2, 0.0)) * shape)
    return variance_given_v + upper_variance(first * shape - known.expected)
