"""Off-diagonal over diagonal block masses against section 4 of theory.md, and their slope in C."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np

from .. import laws
from ..cells import Cell
from ..estimates import Estimate, ratio_of_means
from ..spectra import Floats
from .blocks import BlockLaw
from .findings import CellFinding, RatioFinding, Slope
from .trials import Trials

ORDER = {"w": 1, "v": 2}
"""The ratio of a layer falls as C to minus this power."""
ALL_BLOCKS, TWO_BLOCKS = "all blocks", "blocks 0, 1"

Point = tuple[Cell, RatioFinding]


class Limit(NamedTuple):
    """Value and kind of a limit: see `RatioFinding`."""

    value: float | None
    kind: str


def ratio_findings(
    trials: Trials, block_laws: Mapping[str, BlockLaw], finite_classes: bool = False
) -> Iterator[RatioFinding]:
    """Yield the mass ratios of each layer: of all blocks where their masses were measured.

    The limits of section 4 are means over V. Where all trials share one V, that given V is taken; for the
    hidden ce model it is known for the representative blocks, in the W-layer from their ``block_laws``.
    """
    cell = trials.cell
    for layer, count in (("w", cell.n_hidden), ("v", cell.n_classes)):
        if count is None or count < 2:
            continue
        given_v = trials.fixed_v
        limit = limit_given_v(trials, layer) if given_v else mean_limit(cell, layer, finite_classes)
        if "masses" in trials.arrays:
            yield RatioFinding(layer, _ratio_of_masses(trials, layer, count), ALL_BLOCKS, *limit)
            if limit.value is not None or not given_v:
                continue
        if "moments" in trials.arrays and set(_pair(layer)) <= set(cell.blocks):
            if given_v and set(_pair(layer)) <= block_laws.keys() | {"vv_off", "vv_diag"}:
                limit = _two_blocks_given_v(trials, layer, block_laws)
            yield RatioFinding(layer, _ratio_of_blocks(trials, layer), TWO_BLOCKS, *limit)


def mean_limit(cell: Cell, layer: str, finite_classes: bool) -> Limit:
    """Return the limit of the ratio of means over V, X and W, theory.md (4.1)-(4.5).

    That of the hidden ce model at finite C is an integral of many dimensions, which is computed only with
    ``finite_classes``; otherwise its leading term as C grows is returned, which exists for m >= 3.
    """
    names = (cell.architecture, cell.loss, layer, cell.aspect_ratio)
    if finite_classes or (cell.architecture, cell.loss) != ("hidden", "ce"):
        ratio = laws.block_ratio(*names, cell.n_classes, n_hidden=cell.n_hidden)
        return Limit(cast(float, ratio), "mean")
    if cell.n_hidden is None or cell.n_hidden < 3:
        return Limit(None, "leading term")
    constant = laws.scaled_block_ratio(*names, math.inf, n_hidden=cell.n_hidden)
    return Limit(constant / cell.n_classes ** ORDER[layer], "leading term")


def _pair(layer: str) -> tuple[str, str]:
    return f"{layer * 2}_off", f"{layer * 2}_diag"


def _ratio_of_masses(trials: Trials, layer: str, count: int) -> Estimate:
    """Mean mass of the n (n - 1) off-diagonal blocks over that of the n diagonal ones."""
    off, diagonal = (trials.arrays["masses"][:, trials.cell.parts.index(name)] for name in _pair(layer))
    return ratio_of_means(off / (count - 1), diagonal)


def _ratio_of_blocks(trials: Trials, layer: str) -> Estimate:
    """Ratio of the masses of the two representative blocks: both have the same order n and mass n m_2."""
    off, diagonal = (trials.arrays["moments"][:, trials.cell.blocks.index(name), 1] for name in _pair(layer))
    return ratio_of_means(off, diagonal)


def limit_given_v(trials: Trials, layer: str) -> Limit:
    """Limit over all blocks for the V that the trials share: mse blocks scale as S_ij, (2.2)."""
    if trials.cell.loss == "ce":
        return Limit(None, "given V")
    if layer == "v":
        return Limit(0.0, "given V")
    squares = (trials.V(0).T @ trials.V(0)) ** 2
    m = len(squares)
    off, diagonal = (np.sum(squares) - np.trace(squares)) / (m - 1), np.trace(squares)
    gates = laws.scaled_block_ratio("hidden", "mse", "w", trials.cell.aspect_ratio, math.inf)
    return Limit(float(gates * off / diagonal), "given V")


def _two_blocks_given_v(trials: Trials, layer: str, block_laws: Mapping[str, BlockLaw]) -> Limit:
    """Limit for the representative blocks and the V that the trials share."""
    if layer == "v":
        masses = [_limit_mass(trials, rows) for rows in ((0, 1), (0, 0))]
    else:
        names = _pair(layer)
        masses = [trials.scale(name)[0] ** 2 * block_laws[name].laws[0].moment(2) for name in names]
    return Limit(float(masses[0] / masses[1]), "given V")


def _limit_mass(trials: Trials, rows: tuple[int, int]) -> float:
    limit, _ = laws.vv_limit(trials.cell.loss, trials.V(0), rows)
    return float(np.sum(limit**2))


def ratio_series(cells: Iterable[CellFinding]) -> list[list[Point]]:
    """Return ratios of one layer over cells that differ in C alone, by ascending C; zero ratios left out.

    Where a cell has two ratios of a layer, the one of all blocks is taken.
    """
    series: dict[tuple[Cell, str], dict[int, Point]] = defaultdict(dict)
    for finding in cells:
        for ratio in finding.ratios:
            if ratio.measured.value > 0:
                members = series[_family(finding.cell), ratio.layer]
                members.setdefault(finding.cell.n_classes, (finding.cell, ratio))
    return [[members[c] for c in sorted(members)] for members in series.values()]


def _family(cell: Cell) -> Cell:
    """Return what cells that differ in C alone have in common."""
    return replace(cell, index=-1, n_classes=0)


def slopes(cells: Iterable[CellFinding]) -> Iterator[Slope]:
    """Yield the slope of log r against log C of each series of at least two cells."""
    for points in ratio_series(cells):
        if len(points) > 1 and np.all([ratio.measured.standard_error > 0 for _, ratio in points]):
            yield _slope(points)


def _slope(points: Sequence[Point]) -> Slope:
    layer = points[0][1].layer
    log_c = np.log([cell.n_classes for cell, _ in points])
    values = np.array([ratio.measured.value for _, ratio in points])
    errors = np.array([ratio.measured.standard_error for _, ratio in points]) / values
    slope, error = weighted_slope(log_c, np.log(values), errors)
    known = [ratio.limit for _, ratio in points if ratio.limit and ratio.limit_kind != "leading term"]
    limit = weighted_slope(log_c, np.log(known), errors)[0] if len(known) == len(points) else None
    cells = tuple(cell.index for cell, _ in points)
    return Slope(layer, cells, slope, error, -float(ORDER[layer]), limit)


def weighted_slope(x: Floats, y: Floats, errors: Floats) -> tuple[float, float]:
    """Least-squares slope of y on x for known standard errors of y, and its own standard error."""
    weights = 1 / errors**2
    centred = x - np.average(x, weights=weights)
    spread = np.sum(weights * centred**2)
    return float(np.sum(weights * centred * y) / spread), float(spread**-0.5)
