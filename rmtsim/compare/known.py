"""Quantities of single trials whose expectation at this d and N is known exactly, theory.md section 5."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import laws
from ..experiment import Cell
from . import identities
from .spectra import Floats
from .trials import Trials

ROUNDING = 64
"""Credited rounding error of a mean, in units of eps times its size; far below any Monte Carlo error."""
MOMENT_SOURCES = {"vv_diag": "(5.1)", "ww_diag": "(5.2)", "ww_off": "(5.3b)"}


@dataclass(frozen=True)
class Known:
    """A quantity of every trial with its exact expectation.

    Attributes
    ----------
    name, source : str
        ``source``: the equation of theory.md.
    values, expected : array, shape (T,)
        ``expected`` given what is drawn with the trial and enters the formula (V, angles).
    tolerance : float
        Error of the mean of ``values - expected`` by rounding and by numerical integration.
    variance : float or None
        At least that of a residual, where it is known.
    """

    name: str
    source: str
    values: Floats
    expected: Floats
    tolerance: float
    variance: float | None = None

    @property
    def residuals(self) -> Floats:
        """Values less their expectation."""
        return self.values - self.expected


def _known(
    trials: Trials,
    name: str,
    source: str,
    values: Floats,
    expected: Floats | float,
    variance: float | None = None,
    error: float = 0.0,
    size: float | None = None,
) -> Known:
    """``size`` is the magnitude that rounding errors are relative to, by default that of the values."""
    magnitude = float(np.mean(np.abs(values))) if size is None else size
    tolerance = ROUNDING * trials.epsilon * magnitude + error
    return Known(name, source, values, np.broadcast_to(expected, values.shape), tolerance, variance)


def known_values(trials: Trials) -> Iterator[Known]:
    """Yield all that is known of what was measured: moments of blocks, then traces, then masses."""
    if "moments" in trials.arrays:
        for block in trials.cell.blocks:
            yield from known_moments(trials, block)
    yield from other_values(trials)


def expected_moments(cell: Cell, block: str) -> Floats | None:
    """Moments 1 to 4 of H/scale expected at this d and N, shape (4,); None where they are not known."""
    d, N = cell.n_features, cell.n_samples
    if cell.loss == "ce":
        return None
    if cell.architecture == "linear":
        return identities.wedge_moments(d, N, identities.WHOLE_PLANE) if block == "vv_diag" else None
    if block == "ww_diag":
        return identities.wedge_moments(d, N, identities.HALF_PLANE)
    return identities.pair_moments(d, N) if block == "ww_off" else None


def known_moments(trials: Trials, block: str) -> tuple[Known, ...]:
    """Moments 1 to 4 of a block with a law, theory.md (5.1)-(5.3); empty where they are not known.

    Those of W_ij are held against their expectation given the angle of w_i and w_j in each trial, which
    takes the scatter of the angle out of the standard error.
    """
    cell = trials.cell
    d, N = cell.n_features, cell.n_samples
    expected = expected_moments(cell, block)
    if expected is None:
        return ()
    variances: list[float | None] = [None] * 4
    if block == "ww_off":
        expected = identities.wedge_moments(d, N, trials.wedge_angles)
    else:
        angle = identities.HALF_PLANE if block == "ww_diag" else identities.WHOLE_PLANE
        variances = identities.moment_variances(d, N, angle).tolist()
    measured, source = trials.moments(block), MOMENT_SOURCES[block]
    return tuple(
        _known(trials, f"E m_{k + 1} of {block}", source, measured[:, k], expected[..., k], variances[k])
        for k in range(4)
    )


def other_values(trials: Trials) -> Iterator[Known]:
    """Yield what is known beyond the moments in units of the scale."""
    cell = trials.cell
    coupled = cell.loss == "ce" and cell.n_classes > 1
    if "moments" in trials.arrays:
        yield from _mse_traces(trials) if cell.loss == "mse" else _row_sums(trials)
        if coupled and not trials.fixed_v:
            yield from _ce_traces(trials)
        if coupled and cell.n_hidden is None:
            yield from _linear_ce_moments(trials)
    if "masses" in trials.arrays:
        if cell.loss == "mse":
            yield from _mse_masses(trials)
        elif coupled and cell.n_hidden is None:
            yield from _linear_ce_masses(trials)


def _mse_traces(trials: Trials) -> Iterator[Known]:
    cell, blocks = trials.cell, trials.cell.blocks
    sizes = cell.n_features, cell.n_samples
    if "vv_off" in blocks:
        yield _known(trials, "E m_2 of vv_off", "(4.1)", trials.moments("vv_off")[:, 1], 0.0)
    if "vv_diag" in blocks and cell.n_hidden is not None:
        expected = identities.hidden_mse_output_trace()
        variance = identities.hidden_mse_output_variance(*sizes, cell.n_hidden)
        trace = trials.moments("vv_diag")[:, 0]
        yield _known(trials, "E m_1 of vv_diag", "(2.3)", trace, expected, variance)
    elif "vv_diag" in blocks:
        measured = trials.moments("vv_diag")
        for k, mean, variance in zip((2, 3, 4), *identities.shape_moments(*sizes), strict=True):
            shape = measured[:, k - 1] / measured[:, 0] ** k
            yield _known(trials, f"E m_{k}/m_1^{k} of vv_diag", "(5.1c)", shape, mean, variance)


def _row_sums(trials: Trials) -> Iterator[Known]:
    if {"vv_diag", "vv_off"} <= set(trials.cell.blocks) and not trials.fixed_v:
        diagonal, off = (trials.moments(block)[:, 0] for block in ("vv_diag", "vv_off"))
        total = identities.row_sum(diagonal, off, trials.cell.n_classes)
        size = float(np.mean(diagonal))
        yield _known(trials, "E m_1 of vv_diag + (C-1) vv_off", "(5.4)", total, 0.0, size=size)


def _ce_traces(trials: Trials) -> Iterator[Known]:
    cell = trials.cell
    expected = laws.expected_traces(cell.n_features, cell.n_classes, cell.n_hidden)
    for block in cell.blocks:
        value = getattr(expected, block)
        if value is not None:
            error = laws.TRACE_ERROR * abs(value)
            trace = trials.moments(block)[:, 0]
            yield _known(trials, f"E m_1 of {block}", "(5.6)", trace, value, error=error)


def _linear_ce_moments(trials: Trials) -> Iterator[Known]:
    cell = trials.cell
    expected = laws.linear_second_moments(cell.n_features, cell.n_samples, cell.n_classes)
    for block, (value, error) in zip(("vv_diag", "vv_off"), expected, strict=True):
        if block in cell.blocks:
            second = trials.moments(block)[:, 1]
            yield _known(trials, f"E m_2 of {block}", "(5.7)", second, value, error=error)


def _masses(trials: Trials) -> dict[str, Floats]:
    return dict(zip(trials.cell.parts, trials.arrays["masses"].T, strict=True))


def _linear_ce_masses(trials: Trials) -> Iterator[Known]:
    cell, masses = trials.cell, _masses(trials)
    C = cell.n_classes
    expected = laws.linear_second_moments(cell.n_features, cell.n_samples, C)
    for part, count, (value, error) in zip(("vv_diag", "vv_off"), (C, C * (C - 1)), expected, strict=True):
        unit = count * cell.n_features
        yield _known(trials, f"mass of a {part} block / d", "(5.7)", masses[part] / unit, value, error=error)


def _mse_masses(trials: Trials) -> Iterator[Known]:
    """Exact masses; those of the hidden W-layer given V, in units of their mean."""
    cell, masses = trials.cell, _masses(trials)
    d, N = cell.n_features, cell.n_samples
    yield _known(trials, "mass of vv off-diagonal blocks", "(4.1)", masses["vv_off"], 0.0)
    if cell.n_hidden is None:
        expected = identities.linear_mse_mass(d, N)
        variance = d**2 * float(identities.moment_variances(d, N, identities.WHOLE_PLANE)[1])
        values = masses["vv_diag"] / cell.n_classes
        yield _known(trials, "mass of a vv diagonal block", "(5.1)", values, expected, variance)
        return
    # Over V a mass is heavy-tailed, as it goes with S_ij^2: its mean given V is taken out.
    squares = np.array([(V.T @ V) ** 2 for V in map(trials.V, range(trials.count))])
    diagonal = np.trace(squares, axis1=1, axis2=2)
    second = float(identities.wedge_moments(d, N, identities.HALF_PLANE)[1])
    values = masses["ww_diag"] / (d * second * diagonal)
    yield _known(trials, "ww_diag mass / its mean given V", "(5.2)", values, 1.0)
    if cell.n_hidden > 1:
        off = squares.sum(axis=(1, 2)) - diagonal
        values = masses["ww_off"] / (d * identities.pair_moments(d, N)[1] * off)
        yield _known(trials, "ww_off mass / its mean given V", "(5.3c)", values, 1.0)
