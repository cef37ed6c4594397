"""Quantities of single trials whose expectation at this d and N is known exactly, theory.md section 5."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from .. import laws
from ..experiment import Cell
from ..models.activations import RELU
from ..models.architectures import HIDDEN, LINEAR, VV_DIAG, VV_OFF, WW_DIAG, WW_OFF, Architecture, Block
from ..models.losses import CROSS_ENTROPY, MEAN_SQUARE, Loss
from . import identities
from .solved_law import Numbers
from .spectra import Floats
from .trials import Trials

ROUNDING = 64
"""Credited rounding error of a mean, in units of eps times its size; far below any Monte Carlo error."""
MOMENT_SOURCES = {VV_DIAG: "(5.1)", WW_DIAG: "(5.2)", WW_OFF: "(5.3b)"}


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


def expected_moments(cell: Cell, block: Block) -> Floats | None:
    """Moments 1 to 4 of H/scale expected at this d and N, shape (4,); None where they are not known."""
    d, N = cell.n_features, cell.n_samples
    if cell.loss.couples_classes or cell.activation != RELU:
        return None
    if not cell.architecture.is_hidden:
        return identities.wedge_moments(d, N, identities.WHOLE_PLANE) if block == VV_DIAG else None
    if block == WW_DIAG:
        return identities.wedge_moments(d, N, identities.HALF_PLANE)
    return identities.pair_moments(d, N) if block == WW_OFF else None


def known_moments(trials: Trials, block: Block) -> tuple[Known, ...]:
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
    if block == WW_OFF:
        expected = identities.wedge_moments(d, N, trials.wedge_angles)
    else:
        angle = identities.HALF_PLANE if block == WW_DIAG else identities.WHOLE_PLANE
        variances = identities.moment_variances(d, N, angle).tolist()
    measured, source = trials.moments(block), MOMENT_SOURCES[block]
    return tuple(
        _known(trials, f"E m_{k + 1} of {block}", source, measured[:, k], expected[..., k], variances[k])
        for k in range(4)
    )


def other_values(trials: Trials) -> Iterator[Known]:
    """Yield what is known beyond the moments in units of the scale."""
    network = trials.cell.architecture, trials.cell.loss
    for name, values in (("moments", _OF_MOMENTS), ("masses", _OF_MASSES)):
        if name in trials.arrays:
            for known in values[network]:
                yield from known(trials)


def _no_coupling(trials: Trials) -> Iterator[Known]:
    if VV_OFF in trials.cell.blocks:
        yield _known(trials, "E m_2 of vv_off", "(4.1)", trials.moments(VV_OFF)[:, 1], 0.0)


def _hidden_mse_trace(trials: Trials) -> Iterator[Known]:
    cell = trials.cell
    if VV_DIAG in cell.blocks and cell.activation == RELU:
        expected = identities.hidden_mse_output_trace()
        variance = identities.hidden_mse_output_variance(cell.n_features, cell.n_samples, cell.output_width)
        trace = trials.moments(VV_DIAG)[:, 0] / cell.w_std**2
        yield _known(trials, "E m_1 of vv_diag", "(2.3)", trace, expected, variance)


def _wishart_shape(trials: Trials) -> Iterator[Known]:
    cell = trials.cell
    if VV_DIAG in cell.blocks:
        measured = trials.moments(VV_DIAG)
        expected = identities.shape_moments(cell.n_features, cell.n_samples)
        for k, mean, variance in zip((2, 3, 4), *expected, strict=True):
            shape = measured[:, k - 1] / measured[:, 0] ** k
            yield _known(trials, f"E m_{k}/m_1^{k} of vv_diag", "(5.1c)", shape, mean, variance)


def _row_sums(trials: Trials) -> Iterator[Known]:
    if {VV_DIAG, VV_OFF} <= set(trials.cell.blocks) and not trials.fixed_v:
        diagonal, off = (trials.moments(block)[:, 0] for block in (VV_DIAG, VV_OFF))
        total = identities.row_sum(diagonal, off, trials.cell.n_classes)
        size = float(np.mean(diagonal))
        yield _known(trials, "E m_1 of vv_diag + (C-1) vv_off", "(5.4)", total, 0.0, size=size)


def _ce_traces(trials: Trials) -> Iterator[Known]:
    cell = trials.cell
    if cell.n_classes == 1 or trials.fixed_v:  # every block is zero, or the means are those given one V
        return
    if not laws.averages_over_v(cell.architecture, cell.loss, **trials.initialisation):
        return
    sizes, options = (cell.n_features, cell.n_classes, cell.n_hidden), trials.initialisation

    def solve() -> Numbers:
        traces = asdict(laws.expected_traces(*sizes, **options))
        return {name: np.array([value]) for name, value in traces.items() if value is not None}

    expected = trials.solved.get({"traces": sizes, **options}, solve)
    for block in cell.blocks:
        if block in expected:
            value = float(expected[block][0])
            error = laws.TRACE_ERROR * abs(value)
            trace = trials.moments(block)[:, 0]
            yield _known(trials, f"E m_1 of {block}", "(5.6)", trace, value, error=error)


def _linear_ce_moments(trials: Trials) -> Iterator[Known]:
    if trials.cell.n_classes == 1:  # every block is zero
        return
    cell = trials.cell
    for block, (value, error) in zip((VV_DIAG, VV_OFF), _second_moments(trials), strict=True):
        if block in cell.blocks:
            second = trials.moments(block)[:, 1]
            yield _known(trials, f"E m_2 of {block}", "(5.7)", second, value, error=error)


def _second_moments(trials: Trials) -> tuple[tuple[float, float], tuple[float, float]]:
    """Second moments (5.7) of both blocks of linear ce, each with its error."""
    cell = trials.cell
    sizes = cell.n_features, cell.n_samples, cell.n_classes, cell.v_std

    def solve() -> Numbers:
        return {"moments": np.ravel(laws.linear_second_moments(*sizes))}

    diagonal, error, off, off_error = trials.solved.get({"second moments": sizes}, solve)["moments"].tolist()
    return (diagonal, error), (off, off_error)


def _masses(trials: Trials) -> dict[str, Floats]:
    return dict(zip(trials.cell.parts, trials.arrays["masses"].T, strict=True))


def _linear_ce_masses(trials: Trials) -> Iterator[Known]:
    if trials.cell.n_classes == 1:  # every block is zero
        return
    cell, masses = trials.cell, _masses(trials)
    C = cell.n_classes
    counts = C, C * (C - 1)
    for part, count, (value, error) in zip((VV_DIAG, VV_OFF), counts, _second_moments(trials), strict=True):
        unit = count * cell.n_features
        yield _known(trials, f"mass of a {part} block / d", "(5.7)", masses[part] / unit, value, error=error)


def _no_coupling_mass(trials: Trials) -> Iterator[Known]:
    yield _known(trials, "mass of vv off-diagonal blocks", "(4.1)", _masses(trials)["vv_off"], 0.0)


def _linear_mse_mass(trials: Trials) -> Iterator[Known]:
    d, N = trials.cell.n_features, trials.cell.n_samples
    expected = identities.linear_mse_mass(d, N)
    variance = d**2 * float(identities.moment_variances(d, N, identities.WHOLE_PLANE)[1])
    values = _masses(trials)["vv_diag"] / trials.cell.n_classes
    yield _known(trials, "mass of a vv diagonal block", "(5.1)", values, expected, variance)


def _hidden_mse_masses(trials: Trials) -> Iterator[Known]:
    """Masses of the W-layer given V, in units of their mean: over V they are heavy-tailed, as S_ij^2."""
    cell, masses = trials.cell, _masses(trials)
    if cell.activation != RELU:
        return
    d, N = cell.n_features, cell.n_samples
    squares = np.array([(V.T @ V) ** 2 for V in map(trials.V, range(trials.count))])
    diagonal = np.trace(squares, axis1=1, axis2=2)
    second = float(identities.wedge_moments(d, N, identities.HALF_PLANE)[1])
    values = masses["ww_diag"] / (d * second * diagonal)
    yield _known(trials, "ww_diag mass / its mean given V", "(5.2)", values, 1.0)
    if cell.output_width > 1:
        off = squares.sum(axis=(1, 2)) - diagonal
        values = masses["ww_off"] / (d * identities.pair_moments(d, N)[1] * off)
        yield _known(trials, "ww_off mass / its mean given V", "(5.3c)", values, 1.0)


_Values = Mapping[tuple[Architecture, Loss], tuple[Callable[[Trials], Iterator[Known]], ...]]
_OF_MOMENTS: _Values = {
    (LINEAR, MEAN_SQUARE): (_no_coupling, _wishart_shape),
    (HIDDEN, MEAN_SQUARE): (_no_coupling, _hidden_mse_trace),
    (LINEAR, CROSS_ENTROPY): (_row_sums, _ce_traces, _linear_ce_moments),
    (HIDDEN, CROSS_ENTROPY): (_row_sums, _ce_traces),
}
_OF_MASSES: _Values = {
    (LINEAR, MEAN_SQUARE): (_no_coupling_mass, _linear_mse_mass),
    (HIDDEN, MEAN_SQUARE): (_no_coupling_mass, _hidden_mse_masses),
    (LINEAR, CROSS_ENTROPY): (_linear_ce_masses,),
    (HIDDEN, CROSS_ENTROPY): (),
}
