"""The finished trials of one cell, with the arrays that a comparison reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .. import kernels, laws
from ..experiment import Cell, Experiment
from ..lazy import lazy_property
from ..models.architectures import Block
from ..results import Results
from ..sampling import draws
from ..statistics import LinearStatistic
from .identities import wedge_angle
from .sidecar import Solved
from .spectra import Floats, Histogram

MOMENT_ORDERS = np.arange(1, 5)


@dataclass(frozen=True)
class Trials:
    """Finished trials of one cell.

    Attributes
    ----------
    experiment, cell
    numbers : array, shape (T,), int
        The trial each row belongs to; ``rows`` below are positions in it.
    arrays : mapping of str to array, shape (T, ...)
        By the names of ``Experiment.schema(cell)``.
    edges : array, shape (n_blocks, bins + 1), or None
        Histogram edges; None if no histogram was measured.
    solved : Solved
        What has been solved already, and where the rest goes.
    """

    experiment: Experiment
    cell: Cell
    numbers: NDArray[np.int64]
    arrays: Mapping[str, NDArray]
    edges: Floats | None
    solved: Solved = field(default_factory=Solved, repr=False, compare=False, kw_only=True)

    @property
    def count(self) -> int:
        """Number of finished trials T."""
        return len(self.numbers)

    @property
    def epsilon(self) -> float:
        """Relative rounding of the matrices."""
        return float(np.finfo(self.experiment.measure.precision).eps)

    @property
    def fixed_v(self) -> bool:
        """Whether all trials share one V."""
        return self.cell.architecture.is_hidden and self.experiment.model.v_draw == "cell"

    @property
    def initialisation(self) -> laws.InitialisationOptions:
        """How the parameters were drawn, in the words of `laws`."""
        return initialisation(self.cell)

    def scale(self, block: Block) -> Floats:
        """Unit of the block in each trial, shape (T,)."""
        return self.arrays["scale"][:, self.cell.blocks.index(block)]

    def moments(self, block: Block) -> Floats:
        """Moments (1/n) tr (H/scale)^k, shape (T, 4)."""
        measured = self.arrays["moments"][:, self.cell.blocks.index(block)]
        return measured / self.scale(block)[:, None] ** MOMENT_ORDERS

    def has_eigenvalues(self, block: Block) -> bool:
        """Whether all eigenvalues of the block were stored."""
        return f"eigenvalues_{block}" in self.arrays

    def has_spectra(self, block: Block) -> bool:
        """Whether anything was measured that a limit law predicts."""
        predicted = {"histogram", "moments", *self.linear_statistics}
        return self.has_extremes(block) or bool(predicted & self.arrays.keys())

    @property
    def linear_statistics(self) -> list[LinearStatistic]:
        """Linear statistics that were measured."""
        measured = self.experiment.measure.statistics
        return [each for each in measured if isinstance(each, LinearStatistic)]

    def eigenvalues(self, block: Block) -> Floats:
        """Eigenvalues of H/scale, shape (T, n); ascending where the scale is positive."""
        return self.arrays[f"eigenvalues_{block}"] / self.scale(block)[:, None]

    def has_extremes(self, block: Block) -> bool:
        """Whether the smallest and largest eigenvalue of the block are known."""
        return "extremes" in self.arrays or self.has_eigenvalues(block)

    def extremes(self, block: Block) -> Floats:
        """Smallest and largest eigenvalue of H/scale, shape (T, 2)."""
        if "extremes" in self.arrays:
            ends = self.arrays["extremes"][:, self.cell.blocks.index(block)] / self.scale(block)[:, None]
        else:
            ends = self.eigenvalues(block)[:, [0, -1]]
        return np.sort(ends)  # a negative scale exchanges them

    def histogram(self, block: Block, rows: int | slice | NDArray[np.int64] = slice(None)) -> Histogram:
        """Histogram of H/scale of one trial, or pooled over several."""
        index = self.cell.blocks.index(block)
        if self.edges is None:
            raise ValueError(
                f"edges of cell {self.cell.index}: expected histogram edges, got none that are numbers"
            )
        counts, outside = (self.arrays[name][rows, index] for name in ("histogram", "outside"))
        below, above = outside.reshape(-1, 2).sum(axis=0)
        pooled = counts.reshape(-1, counts.shape[-1]).sum(axis=0)
        return Histogram(self.edges[index], pooled, int(below), int(above))

    def V(self, row: int) -> Floats:
        """Output weights of a trial, drawn again, shape (C, m) or (C, d)."""
        return self._parameters(row).V[:]

    def W_gram(self, row: int) -> Floats:
        """W W^T of a trial of a hidden model, from W drawn again, shape (m, m)."""
        W = self._parameters(row).W
        assert W is not None
        return np.asarray(W @ W.T, dtype=np.float64)

    @lazy_property
    def wedge_angles(self) -> Floats:
        """Angle in which the first two hidden units are both active, from W drawn again, shape (T,)."""
        weights = (self._parameters(row).W for row in range(self.count))
        return np.array([wedge_angle(W) for W in weights if W is not None])

    def _parameters(self, row: int) -> draws.Parameters:
        # Plain NumPy is fast enough for the parameters, and spares the compiled kernels' time to load.
        ops = kernels.load("reference")
        precision = self.experiment.measure.precision
        return draws.parameters(ops, self.experiment, self.cell, int(self.numbers[row]), precision)


def initialisation(cell: Cell) -> laws.InitialisationOptions:
    """How the parameters of a cell are drawn, in the words of `laws`."""
    phi = cell.activation
    slope = phi.slope if phi.name == "leaky_relu" else None
    return {"w_std": cell.w_std, "v_std": cell.v_std, "activation": phi.name, "slope": slope}


def read_trials(results: Results, cell: Cell, solved: Solved | None = None) -> Trials:
    """Read the trials of a cell that are finished now, also while a run goes on."""
    numbers = results.trials(cell.index)
    arrays = {name: results.array(cell.index, name, numbers) for name in results.names(cell.index)}
    edges = results.edges(cell.index)
    return Trials(results.experiment, cell, numbers, arrays, edges, solved=solved or Solved())
