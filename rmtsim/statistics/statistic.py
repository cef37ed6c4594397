"""What a statistic is: the arrays that it adds to the record of a trial."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from numpy.typing import NDArray

from ..models.architectures import Block
from ..models.named import Named

Record = dict[str, NDArray]
"""Arrays of a trial by name, or of many trials stacked along the first axis."""
Labels = Sequence[str] | range


class Field(NamedTuple):
    """One array of a record: its shape, dtype, the name of each of its axes, and what it holds."""

    shape: tuple[int, ...]
    dtype: str
    dimensions: tuple[str, ...]
    long_name: str = ""


class RecordShape(NamedTuple):
    """What the shapes of a record depend on.

    Attributes
    ----------
    orders : mapping of Block to int
        The measured blocks and their numbers of rows.
    parts : tuple of str
        The parts of the Hessian whose masses are recorded.
    bins : int
        Bins of each histogram.
    """

    orders: Mapping[Block, int]
    parts: tuple[str, ...]
    bins: int

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The measured blocks, in the order of their axis."""
        return tuple(self.orders)


class Statistic(Named):
    """What is recorded of every trial, by the name that experiments call it.

    Attributes
    ----------
    by_default : bool
        Whether experiments that list no statistics measure it.
    """

    by_default = True

    def __new__(cls, name: str) -> "Statistic":
        return cls.make(name)

    @abstractmethod
    def fields(self, shape: RecordShape) -> dict[str, Field]:
        """Return its arrays by name."""

    def coordinates(self, shape: RecordShape) -> dict[str, Labels]:
        """Return the labels along axes that its arrays have beside "block"."""
        return {}


SCALE = "natural unit of the block: (V^T V)_ij for W-blocks of the hidden mse model, else 1"


def record_fields(shape: RecordShape, statistics: Iterable[Statistic]) -> dict[str, Field]:
    """Return the arrays of the record of one trial, by name and in a fixed order, scales first."""
    fields = {"scale": Field((len(shape.orders),), "float64", ("block",), SCALE)}
    for statistic in statistics:
        fields |= statistic.fields(shape)
    return fields


def record_coordinates(shape: RecordShape, statistics: Iterable[Statistic]) -> dict[str, Labels]:
    """Return labels along every axis of a record and of the edges of its histograms, but that of trials."""
    labels: dict[str, Labels] = {"block": shape.blocks}
    for statistic in statistics:
        labels |= statistic.coordinates(shape)
    return labels
