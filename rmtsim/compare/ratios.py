"""Off-diagonal over diagonal block masses against section 4 of theory.md, and their slope in C."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .. import laws
from ..cells import Cell
from ..spectra import Estimate, Floats, ratio_of_means
from .blocks import BlockLaw
from .findings import CellFinding, RatioFinding, Slope
from .trials import Trials

ORDER = {"w": 1, "v": 2}
"""The ratio of a layer falls as C to minus this power."""
ALL_BLOCKS, TWO_BLOCKS = "all blocks", "blocks 0, 1"

Point = tuple[Cell, RatioFinding]


def ratio_findings(trials: Trials, block_laws: Mapping[str, BlockLaw]) -> Iterator[RatioFinding]:
    """Yield the mass ratios of each layer: of all blocks where their masses were measured.

    The limits of section 4 are means over V. Where all trials share one V, the W-layer is also compared
    on its representative blocks, whose limit given V is known from their laws.
    """
    cell = trials.cell
    for layer, count in (("w", cell.n_hidden), ("v", cell.n_classes)):
        if count is None or count < 2:
            continue
        if "masses" in trials.arrays:
            limit = None if trials.fixed_v else mean_limit(cell, layer)
            yield RatioFinding(
                layer, _ratio_of_masses(trials, layer, count), ALL_BLOCKS, limit, trials.fixed_v
            )
            if not (trials.fixed_v and layer == "w"):
                continue
        if "moments" in trials.arrays and set(_pair(layer)) <= set(cell.blocks):
            limit = _limit_given_v(trials, layer, block_laws) if trials.fixed_v else mean_limit(cell, layer)
            yield RatioFinding(layer, _ratio_of_blocks(trials, layer), TWO_BLOCKS, limit, trials.fixed_v)


def mean_limit(cell: Cell, layer: str) -> float:
    """Return the limit of the ratio of means over V, X and W at this C, theory.md (4.1)-(4.5)."""
    names = (cell.architecture, cell.loss, layer)
    return laws.block_ratio(*names, cell.aspect_ratio, cell.n_classes, n_hidden=cell.n_hidden)


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


def _limit_given_v(trials: Trials, layer: str, block_laws: Mapping[str, BlockLaw]) -> float | None:
    if layer == "v":
        return None
    off, diagonal = (trials.scale(name)[0] ** 2 * block_laws[name].laws[0].moment(2) for name in _pair(layer))
    return float(off / diagonal)


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
    known = [ratio.limit for _, ratio in points if ratio.limit]
    limit = weighted_slope(log_c, np.log(known), errors)[0] if len(known) == len(points) else None
    cells = tuple(cell.index for cell, _ in points)
    return Slope(layer, cells, slope, error, -float(ORDER[layer]), limit)


def weighted_slope(x: Floats, y: Floats, errors: Floats) -> tuple[float, float]:
    """Least-squares slope of y on x for known standard errors of y, and its own standard error."""
    weights = 1 / errors**2
    centred = x - np.average(x, weights=weights)
    spread = np.sum(weights * centred**2)
    return float(np.sum(weights * centred * y) / spread), float(spread**-0.5)
