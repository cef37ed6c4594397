"""Statistics of the spectra of blocks."""

from abc import abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..models.architectures import Block
from .statistic import Field, Labels, Record, RecordShape, Statistic

Floats = NDArray[np.float64]
ORDERS = range(1, 5)
"""Of the moments."""


class Spectrum(Protocol):
    """The spectrum of one block in each of T trials; each part is computed when it is first asked for."""

    @property
    def moments(self) -> Floats:
        """(1/n) tr H^k, k = 1..4, shape (T, 4)."""

    @property
    def extremes(self) -> Floats:
        """Smallest and largest eigenvalue of H, shape (T, 2)."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Eigenvalues of H / scale below the edges, in the bins and beyond, shape (T, bins + 2)."""

    @property
    def eigenvalues(self) -> Floats:
        """Eigenvalues of H, ascending, shape (T, n)."""

    @property
    def scales(self) -> Floats:
        """Natural unit of the block, shape (T,)."""


class SpectralStatistic(Statistic):
    """A statistic of the spectrum of each measured block."""

    @abstractmethod
    def fill(self, stacked: Record, index: int, block: Block, spectrum: Spectrum) -> None:
        """Write what it is of a block, which has this index among the measured ones, into stacked records."""


class Histogram(SpectralStatistic):
    """Counts of the eigenvalues of H / scale in bins, and beside them."""

    def fields(self, shape: RecordShape) -> dict[str, Field]:
        """Return "histogram" and "outside"."""
        blocks = len(shape.orders)
        inside = "number of eigenvalues of H / scale in the bins edge[b] <= x < edge[b+1]"
        beside = "number of eigenvalues of H / scale below the first edge, and at or above the last"
        return {
            "histogram": Field((blocks, shape.bins), "int64", ("block", "bin"), inside),
            "outside": Field((blocks, 2), "int64", ("block", "side"), beside),
        }

    def coordinates(self, shape: RecordShape) -> dict[str, Labels]:
        """Return bins, edges and sides."""
        return {"bin": range(shape.bins), "edge": range(shape.bins + 1), "side": ("below", "above")}

    def fill(self, stacked: Record, index: int, block: Block, spectrum: Spectrum) -> None:
        """Write the counts of one block."""
        stacked["histogram"][:, index] = spectrum.counts[:, 1:-1]
        stacked["outside"][:, index] = spectrum.counts[:, [0, -1]]


class Moments(SpectralStatistic):
    """The first four moments."""

    def fields(self, shape: RecordShape) -> dict[str, Field]:
        """Return "moments"."""
        sizes = (len(shape.orders), len(ORDERS))
        long_name = "(1/n) tr H^k of the n x n block H"
        return {"moments": Field(sizes, "float64", ("block", "moment"), long_name)}

    def coordinates(self, shape: RecordShape) -> dict[str, Labels]:
        """Return the orders."""
        return {"moment": ORDERS}

    def fill(self, stacked: Record, index: int, block: Block, spectrum: Spectrum) -> None:
        """Write the moments of one block."""
        stacked["moments"][:, index] = spectrum.moments


class Extremes(SpectralStatistic):
    """The smallest and the largest eigenvalue."""

    def fields(self, shape: RecordShape) -> dict[str, Field]:
        """Return "extremes"."""
        long_name = "smallest and largest eigenvalue of H"
        return {"extremes": Field((len(shape.orders), 2), "float64", ("block", "extreme"), long_name)}

    def coordinates(self, shape: RecordShape) -> dict[str, Labels]:
        """Return the names of the two."""
        return {"extreme": ("smallest", "largest")}

    def fill(self, stacked: Record, index: int, block: Block, spectrum: Spectrum) -> None:
        """Write the extremes of one block."""
        stacked["extremes"][:, index] = spectrum.extremes


class Eigenvalues(SpectralStatistic):
    """All eigenvalues: an array for each block, as their numbers differ."""

    by_default = False

    def fields(self, shape: RecordShape) -> dict[str, Field]:
        """Return "eigenvalues_BLOCK" of every block."""
        return {
            f"eigenvalues_{block}": Field((n,), "float64", (f"index_{block}",), "eigenvalues of H, ascending")
            for block, n in shape.orders.items()
        }

    def coordinates(self, shape: RecordShape) -> dict[str, Labels]:
        """Return the places of the eigenvalues of every block."""
        return {f"index_{block}": range(n) for block, n in shape.orders.items()}

    def fill(self, stacked: Record, index: int, block: Block, spectrum: Spectrum) -> None:
        """Write the eigenvalues of one block."""
        stacked[f"eigenvalues_{block}"][:] = spectrum.eigenvalues


HISTOGRAM = Histogram("histogram")
MOMENTS = Moments("moments")
EXTREMES = Extremes("extremes")
EIGENVALUES = Eigenvalues("eigenvalues")
