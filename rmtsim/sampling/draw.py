"""What is drawn of a batch of trials, and what is measured of it.

A `Draw` gives, of every measured block, symmetric matrices with few diagonals that have its eigenvalues, and
the masses of the parts. Where they come from is its own affair: samples of the inputs (`dense`), exact models
without samples (`structured`), or a model and data from elsewhere (`given`).
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import Operations
from ..lazy import lazy_property
from ..models.architectures import Block
from ..statistics import HISTOGRAM, MASSES, Record, RecordShape, SpectralStatistic, Statistic, record_fields
from .forms import BlockForms, Floats


class BlockSpectrum:
    """The spectrum of a block in every trial of a draw, as `statistics.Spectrum`.

    Parameters
    ----------
    forms : BlockForms
    ops : kernels.Operations
    edges : array, shape (bins + 1,), optional
        Of the histogram, in units of the scales.
    """

    def __init__(self, forms: BlockForms, ops: Operations, edges: Floats | None) -> None:
        self._forms, self._ops, self._edges = forms, ops, edges

    @lazy_property
    def _summary(self) -> Any:
        return self._forms.statistics(self._ops, self._edges)

    @property
    def scales(self) -> Floats:
        """Natural unit of the block, shape (T,)."""
        return self._forms.scales

    @property
    def moments(self) -> Floats:
        """(1/n) tr H^k, k = 1..4, shape (T, 4)."""
        return self._summary.moments

    @property
    def extremes(self) -> Floats:
        """Smallest and largest eigenvalue of H, shape (T, 2)."""
        return self._summary.extremes

    @property
    def counts(self) -> NDArray[np.int64]:
        """Eigenvalues of H / scale below the edges, in the bins and beyond, shape (T, bins + 2)."""
        return self._summary.counts

    @lazy_property
    def eigenvalues(self) -> Floats:
        """Eigenvalues of H, ascending, shape (T, n)."""
        return self._forms.eigenvalues()


class Draw(ABC):
    """A batch of T trials.

    Attributes
    ----------
    count : int
        T.
    ops : kernels.Operations
        What computes.
    """

    count: int
    ops: Operations

    @abstractmethod
    def forms(self, block: Block) -> BlockForms:
        """Return matrices with the eigenvalues of a block, the same ones whenever they are asked for."""

    @abstractmethod
    def scales(self, block: Block) -> Floats:
        """Return the natural unit of a block, shape (T,): S_ij = (V^T V)_ij for W-blocks of mse, else 1."""

    @abstractmethod
    def masses(self, parts: Collection[str], spectra: Mapping[Block, BlockSpectrum]) -> Floats:
        """Return the total mass of each part, shape (T, parts), given spectra measured before."""

    def extremes(self, blocks: Collection[Block]) -> Floats:
        """Return the extreme eigenvalues of each block in units of its scale, shape (T, n_blocks, 2)."""
        spectra = [BlockSpectrum(self.forms(block), self.ops, None) for block in blocks]
        ends = [spectrum.extremes / spectrum.scales[:, None] for spectrum in spectra]
        return np.sort(np.array(ends), axis=2).transpose(1, 0, 2)


def measure(
    draw: Draw,
    shape: RecordShape,
    statistics: Collection[Statistic],
    edges: Mapping[Block, Floats] | None = None,
) -> Record:
    """Measure the trials of a draw.

    Parameters
    ----------
    draw : Draw
    shape : RecordShape
        The blocks measured, the parts, and the bins.
    statistics : collection of Statistic
    edges : mapping of Block to array, shape (bins + 1,), optional
        Histogram edges in units of the scale.

    Returns
    -------
    Record
        The fields of `statistics.record_fields`, with an axis of trials in front.

    Raises
    ------
    ValueError
        If histograms are measured and there are no edges.
    """
    if HISTOGRAM in statistics and edges is None:
        raise ValueError("edges: expected histogram edges of each block, got None")
    fields = record_fields(shape, statistics)
    stacked = {name: np.zeros((draw.count, *field.shape), field.dtype) for name, field in fields.items()}
    spectral = [each for each in statistics if isinstance(each, SpectralStatistic)]
    spectra: dict[Block, BlockSpectrum] = {}
    if spectral:
        counted = edges or {}
        spectra = {b: BlockSpectrum(draw.forms(b), draw.ops, counted.get(b)) for b in shape.blocks}
    for index, block in enumerate(shape.blocks):
        stacked["scale"][:, index] = spectra[block].scales if spectra else draw.scales(block)
        for statistic in spectral:
            statistic.fill(stacked, index, block, spectra[block])
    if MASSES in statistics:
        stacked["masses"][:] = draw.masses(shape.parts, spectra)
    return stacked
