"""Off-diagonal over diagonal block masses against section 4 of theory.md, and their slope in C."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from .. import laws
from ..experiment import Cell
from ..models.activations import RELU
from ..models.architectures import VV_DIAG, VV_OFF, WW_DIAG, WW_OFF, Block
from ..models.losses import MEAN_SQUARE
from .estimates import (
    ROUGH,
    SHARE,
    Estimate,
    asked_error,
    power_law,
    ratio_of_means,
    scattered_power_law,
    slope_coefficients,
)
from .families import Family, but_for_classes
from .findings import RatioFinding, Slope
from .solved_law import BlockLaw, Numbers
from .trials import Trials

ORDER = {"w": 1, "v": 2}
"""The ratio of a layer falls as C to minus this power."""
ALL_BLOCKS, TWO_BLOCKS = "all blocks", "blocks 0, 1"
GIVEN_V = "given V"
"""Kind of a limit, and of the error of a ratio, where all trials of a cell share one V."""

Point = tuple[Cell, RatioFinding]


class Limit(NamedTuple):
    """Value, error and kind of a limit: see `RatioFinding`."""

    value: float | None
    error: float
    kind: str


def ratio_findings(trials: Trials, block_laws: Mapping[Block, BlockLaw]) -> Iterator[RatioFinding]:
    """Yield the mass ratios of each layer: of all blocks where their masses were measured.

    The limits of section 4 are means over V. Where all trials share one V, that given V is taken, which for
    representative blocks of the W-layer follows from their ``block_laws``.
    """
    cell = trials.cell
    for layer, count in (("w", cell.n_hidden), ("v", cell.n_classes)):
        of_all = "masses" in trials.arrays
        of_two = "moments" in trials.arrays and set(_pair(layer)) <= set(cell.blocks)
        if count is None or count < 2 or not (of_all or of_two):
            continue
        if cell.loss.couples_classes and cell.n_classes == 1:  # every block is zero
            continue
        ratio = _ratio_of_masses(trials, layer, count) if of_all else _ratio_of_blocks(trials, layer)
        if not trials.fixed_v:
            limit = _mean_limit(trials, layer, ratio)
        elif of_all:
            limit = _limit_given_v(trials, layer, count, ratio)
        else:
            limit = _two_blocks_given_v(trials, layer, block_laws)
        yield RatioFinding(layer, ratio, ALL_BLOCKS if of_all else TWO_BLOCKS, *limit)


def laws_of_ratios(trials: Trials) -> tuple[Block, ...]:
    """Return the blocks from whose laws `ratio_findings` takes limits."""
    two_given_v = trials.fixed_v and "masses" not in trials.arrays
    return _pair("w") if two_given_v else ()


def _tolerance(ratio: Estimate) -> float:
    """Relative error that is a tenth of the standard error of a ratio, a power of 2 that cells share."""
    if not ratio.standard_error > 0:  # of a single trial it is not known
        return ROUGH
    return asked_error(SHARE * ratio.standard_error / abs(ratio.value))


def _kept(
    trials: Trials, key: Mapping[str, object], solve: Callable[[], Iterable[float]]
) -> tuple[float, float]:
    """Return a number with its error, solved once."""

    def record() -> Numbers:
        return {"value and error": np.array(list(solve()), dtype=np.float64)}

    value, error = trials.solved.get(key, record)["value and error"]
    return float(value), float(error)


def _mean_limit(trials: Trials, layer: str, ratio: Estimate) -> Limit:
    """Limit of the ratio of means over V, X and W at the C of the cell, theory.md (4.1)-(4.6)."""
    cell = trials.cell
    if cell.loss is MEAN_SQUARE and layer == "v":
        return Limit(0.0, 0.0, "mean")
    if not laws.averages_over_v(cell.architecture, cell.loss, **trials.initialisation):
        return Limit(None, 0.0, "mean")
    tolerance, options = _tolerance(ratio), trials.initialisation
    network = str(cell.architecture), str(cell.loss), layer
    sizes = cell.aspect_ratio, cell.n_classes, cell.n_hidden
    key = {"ratio": (*network, *sizes, tolerance), **options}
    value, error = _kept(
        trials, key, lambda: laws.ratio_with_error(*network, *sizes, tolerance=tolerance, **options)
    )
    return Limit(value, error, "mean")


def _pair(layer: str) -> tuple[Block, Block]:
    return {"w": (WW_OFF, WW_DIAG), "v": (VV_OFF, VV_DIAG)}[layer]


def _ratio_of_masses(trials: Trials, layer: str, count: int) -> Estimate:
    """Mean mass of the n (n - 1) off-diagonal blocks over that of the n diagonal ones."""
    off, diagonal = (trials.arrays["masses"][:, trials.cell.parts.index(name)] for name in _pair(layer))
    return ratio_of_means(off / (count - 1), diagonal)


def _ratio_of_blocks(trials: Trials, layer: str) -> Estimate:
    """Ratio of the masses of the two representative blocks: both have the same order n and mass n m_2."""
    off, diagonal = (trials.arrays["moments"][:, trials.cell.blocks.index(name), 1] for name in _pair(layer))
    return ratio_of_means(off, diagonal)


def _limit_given_v(trials: Trials, layer: str, count: int, measured: Estimate) -> Limit:
    """Limit over all blocks for the V that the trials share; mse blocks scale as S_ij, (2.2)."""
    if trials.cell.loss is MEAN_SQUARE and layer == "v":
        return Limit(0.0, 0.0, GIVEN_V)
    if trials.cell.loss is MEAN_SQUARE and trials.cell.activation != RELU:
        return Limit(None, 0.0, GIVEN_V)
    if trials.cell.loss is MEAN_SQUARE:
        squares = (trials.V(0).T @ trials.V(0)) ** 2
        diagonal = np.trace(squares)
        return Limit(float(_gates(trials) * (squares.sum() / diagonal - 1) / (count - 1)), 0.0, GIVEN_V)
    V, gamma, options = trials.V(0), trials.cell.aspect_ratio, trials.initialisation
    tolerance = _tolerance(measured)

    def solve() -> laws.Approximation:
        return laws.masses_given_v(V, layer, gamma, tolerance=tolerance, **options).ratio

    key = {"masses": (layer, gamma, tolerance), "V": V, **options}
    ratio, error = _kept(trials, key, solve)
    return Limit(ratio / (count - 1), error / (count - 1), GIVEN_V)


def _gates(trials: Trials) -> float:
    """Ratio of the second moments of W-blocks under mse in units of S_ij, theory.md (4.3)."""
    return laws.scaled_block_ratio("hidden", "mse", "w", trials.cell.aspect_ratio, math.inf)


def _two_blocks_given_v(trials: Trials, layer: str, block_laws: Mapping[Block, BlockLaw]) -> Limit:
    """Limit for the representative blocks and the V that the trials share."""
    if trials.cell.loss is MEAN_SQUARE and layer == "v":
        return Limit(0.0, 0.0, GIVEN_V)
    if not set(_pair(layer)) <= block_laws.keys() and layer == "w":
        return Limit(None, 0.0, GIVEN_V)
    if layer == "v":
        masses = [
            _kept(
                trials,
                {"vv": (rows, str(trials.cell.loss)), "V": trials.V(0), **trials.initialisation},
                partial(_limit_mass, trials, rows),
            )
            for rows in ((0, 1), (0, 0))
        ]
    else:
        masses = [_second_moment(block_laws[name]) for name in _pair(layer)]
    (off, off_error), (diagonal, diagonal_error) = masses
    ratio = off / diagonal
    if trials.cell.loss is MEAN_SQUARE:  # whose laws are in units of S_ij
        S = trials.V(0).T @ trials.V(0)
        ratio *= float((S[0, 1] / S[0, 0]) ** 2)
    return Limit(ratio, ratio * (off_error / off + diagonal_error / diagonal), GIVEN_V)


def _limit_mass(trials: Trials, rows: tuple[int, int]) -> tuple[float, float]:
    limit, error = laws.vv_limit(trials.cell.loss, trials.V(0), rows, **trials.initialisation)
    return float(np.sum(limit**2)), float(np.sum(2 * np.abs(limit) * error))


def _second_moment(law: BlockLaw) -> tuple[float, float]:
    """m_2 = (E lambda)^2 + gamma E lambda^2, and its error."""
    return float(law.laws[0].moments[1]), float(law.moment_errors[1])


def ratio_series(points: Iterable[Point]) -> list[list[Point]]:
    """Return ratios of one layer over cells that differ in C alone, by ascending C; zero ratios left out."""
    series: dict[tuple[Family, str], dict[int, Point]] = defaultdict(dict)
    for cell, ratio in points:
        if ratio.measured.value > 0:
            series[but_for_classes(cell), ratio.layer].setdefault(cell.n_classes, (cell, ratio))
    return [[members[c] for c in sorted(members)] for members in series.values()]


def slopes(points: Iterable[Point]) -> Iterator[Slope]:
    """Yield the exponent of r in C of each series of at least two cells."""
    for series in ratio_series(points):
        if len(series) > 1 and all(ratio.measured.standard_error > 0 for _, ratio in series):
            yield _slope(series)


def _slope(series: Sequence[Point]) -> Slope:
    """Fit a series; where every cell has one V of its own, the errors of its ratios are given V.

    The scatter of the points about the line, which holds that of V and all else, then makes the error.
    """
    layer = series[0][1].layer
    classes = [cell.n_classes for cell, _ in series]
    given_v = any(ratio.limit_kind == GIVEN_V for _, ratio in series)
    fit = scattered_power_law if given_v else power_law
    limit, limit_error = _limit_slope(classes, [ratio for _, ratio in series])
    return Slope(
        layer,
        tuple(cell.index for cell, _ in series),
        fit(classes, [ratio.measured for _, ratio in series]),
        -float(ORDER[layer]),
        limit,
        limit_error,
        given_v,
    )


def _limit_slope(classes: Sequence[int], ratios: Sequence[RatioFinding]) -> tuple[float | None, float]:
    limits = np.array([ratio.limit or np.nan for ratio in ratios])
    if np.isnan(limits).any():
        return None, 0.0
    coefficients = slope_coefficients(classes)
    errors = np.array([ratio.limit_error for ratio in ratios]) / limits
    return float(coefficients @ np.log(limits)), float(np.abs(coefficients) @ errors)
