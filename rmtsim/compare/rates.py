"""How fast the spectra approach their limit laws as d grows, theory.md section 6."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..experiment import Cell
from ..models.architectures import LINEAR, Block
from ..models.losses import MEAN_SQUARE
from .estimates import Estimate, Exponent, power_law
from .families import Family, but_for_features
from .findings import DistanceFinding, Rate


class DistancePoint(NamedTuple):
    """Distances of one block of a cell from its law; ``own_v``: the law of the one V of this cell."""

    cell: Cell
    block: Block
    distances: DistanceFinding
    own_v: bool = False


def expected_rate(cell: Cell) -> float:
    """Exponent of the distance in d: -1 up to logarithms if all sample weights are 1, else -1/2."""
    ungated = cell.architecture == LINEAR or cell.activation.name == "identity"
    return -1.0 if ungated and cell.loss is MEAN_SQUARE else -0.5


def distance_series(points: Iterable[DistancePoint]) -> list[list[DistancePoint]]:
    """Return distances of one block over cells that differ in d (and N) alone, by ascending d."""
    series: dict[tuple[Family, str], dict[int, DistancePoint]] = defaultdict(dict)
    for point in points:
        series[but_for_features(point.cell), point.block].setdefault(point.cell.n_features, point)
    return [[members[d] for d in sorted(members)] for members in series.values()]


def rates(points: Iterable[DistancePoint]) -> Iterator[Rate]:
    """Yield the rates of each series of at least two cells of at least two trials."""
    for series in distance_series(points):
        if len(series) > 1 and all(point.distances.ks.trials > 1 for point in series):
            yield Rate(
                series[0].block,
                tuple(point.cell.index for point in series),
                _exponent(series, [point.distances.ks for point in series]),
                _exponent(series, [point.distances.w1 for point in series]),
                expected_rate(series[0].cell),
            )


def _exponent(series: Sequence[DistancePoint], means: Sequence[Estimate]) -> Exponent | None:
    if any(point.own_v for point in series):
        return None
    return power_law([point.cell.n_features for point in series], means)
