"""Trials against the exact finite-size values of ``identities``: z-scores."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from .. import identities
from ..cells import Cell
from ..estimates import Estimate, estimate, normal_score
from ..spectra import Floats
from .findings import Identity
from .trials import Trials

FEWEST_TRIALS = 8
"""With fewer, the standard error is too uncertain for a z-score."""
ROUNDING = 64
"""Credited rounding error of a mean, in units of eps times its size; far below any Monte Carlo error."""


def identity(
    trials: Trials, name: str, source: str, values: ArrayLike, expected: ArrayLike, size: float | None = None
) -> Identity:
    """Hold values (T,) of independent trials against their expectation, shared or one per trial (T,).

    ``size`` is the magnitude that rounding errors are relative to, by default that of the values.
    """
    values, expected = np.asarray(values, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    residual = estimate(values - expected)
    magnitude = np.mean(np.abs(values)) if size is None else size
    floor = ROUNDING * trials.epsilon * magnitude
    z = normal_score(0.0, residual, floor) if trials.count >= FEWEST_TRIALS else None
    mean = Estimate(float(values.mean()), residual.standard_error, residual.trials)
    return Identity(name, source, mean, float(expected.mean()), z)


MOMENT_SOURCES = {"vv_diag": "(5.1)", "ww_diag": "(5.2)", "ww_off": "(5.3b)"}


def expected_moments(cell: Cell, block: str) -> Floats | None:
    """Moments 1 to 4 of H/scale expected at this d and N, shape (4,); None where they are not known."""
    d, N = cell.n_features, cell.n_samples
    if cell.loss == "ce":
        return None
    if cell.architecture == "linear":
        return identities.wedge_moments(d, N, identities.WHOLE_PLANE)
    if block == "ww_diag":
        return identities.wedge_moments(d, N, identities.HALF_PLANE)
    return identities.pair_moments(d, N)


def exact_moments(trials: Trials, block: str) -> tuple[Identity, ...]:
    """Moments of a block with a law against theory.md (5.1)-(5.3); empty where they are not known.

    Those of W_ij are held against their expectation given the angle of w_i and w_j in each trial, which
    takes the scatter of the angle out of the standard error.
    """
    expected = expected_moments(trials.cell, block)
    if expected is None:
        return ()
    if block == "ww_off":
        cell = trials.cell
        expected = identities.wedge_moments(cell.n_features, cell.n_samples, trials.wedge_angles)
    measured, source = trials.moments(block), MOMENT_SOURCES[block]
    return tuple(
        identity(trials, f"E m_{k + 1} of {block}", source, measured[:, k], expected[..., k])
        for k in range(4)
    )


def other_identities(trials: Trials) -> Iterator[Identity]:
    """Exact identities of a cell beyond the moments in units of the scale."""
    if "moments" in trials.arrays:
        yield from _trace_identities(trials)
    if "masses" in trials.arrays and trials.cell.loss == "mse":
        yield from _mass_identities(trials)


def _trace_identities(trials: Trials) -> Iterator[Identity]:
    cell, blocks = trials.cell, trials.cell.blocks
    if cell.loss == "ce" and {"vv_diag", "vv_off"} <= set(blocks) and not trials.fixed_v:
        diagonal, off = (trials.moments(block)[:, 0] for block in ("vv_diag", "vv_off"))
        total = identities.row_sum(diagonal, off, cell.n_classes)
        size = float(np.mean(diagonal))
        yield identity(trials, "E m_1 of vv_diag + (C-1) vv_off", "(5.4)", total, 0.0, size)
    if cell.loss == "mse" and "vv_off" in blocks:
        yield identity(trials, "E m_2 of vv_off", "(4.1)", trials.moments("vv_off")[:, 1], 0.0)
    if (cell.architecture, cell.loss) == ("hidden", "mse") and "vv_diag" in blocks:
        expected = identities.hidden_mse_output_trace()
        yield identity(trials, "E m_1 of vv_diag", "(2.3)", trials.moments("vv_diag")[:, 0], expected)


def _mass_identities(trials: Trials) -> Iterator[Identity]:
    """Exact masses; those of the hidden W-layer given V, in units of their mean."""
    cell = trials.cell
    masses = dict(zip(cell.parts, trials.arrays["masses"].T, strict=True))
    yield identity(trials, "mass of vv off-diagonal blocks", "(4.1)", masses["vv_off"], 0.0)
    if cell.n_hidden is None:
        expected = identities.linear_mse_mass(cell.n_features, cell.n_samples)
        values = masses["vv_diag"] / cell.n_classes
        yield identity(trials, "mass of a vv diagonal block", "(5.1)", values, expected)
        return
    # Over V a mass is heavy-tailed, as it goes with S_ij^2: a z-score of few trials would not be normal.
    squares = np.array([(V.T @ V) ** 2 for V in map(trials.V, range(trials.count))])
    diagonal = np.trace(squares, axis1=1, axis2=2)
    second = (
        cell.n_features * identities.wedge_moments(cell.n_features, cell.n_samples, identities.HALF_PLANE)[1]
    )
    values = masses["ww_diag"] / (second * diagonal)
    yield identity(trials, "ww_diag mass / its mean given V", "(5.2)", values, 1.0)
    if cell.n_hidden > 1:
        off = squares.sum(axis=(1, 2)) - diagonal
        second = cell.n_features * identities.pair_moments(cell.n_features, cell.n_samples)[1]
        values = masses["ww_off"] / (second * off)
        yield identity(trials, "ww_off mass / its mean given V", "(5.3c)", values, 1.0)
