"""Trials of a cell, by the method that the experiment takes for it."""

from collections.abc import Sequence

from ..blas import single_blas_thread
from ..experiment import Cell, Experiment
from ..statistics import Record
from .cell_draw import CellDraw
from .dense import DenseDraw
from .draw import measure
from .forms import Floats
from .structured import StructuredDraw

METHODS: dict[str, type[CellDraw]] = {"dense": DenseDraw, "structured": StructuredDraw}


def draw_trials(
    experiment: Experiment,
    cell: Cell,
    trials: Sequence[int],
    device: str = "cpu",
    with_masses: bool | None = None,
) -> CellDraw:
    """Return some trials of a cell, drawn as they are asked for parts of; see `CellDraw`."""
    return METHODS[experiment.method(cell)](experiment, cell, trials, device, with_masses)


def run_trials(
    experiment: Experiment,
    cell: Cell,
    trials: Sequence[int],
    edges: Floats | None = None,
    device: str = "cpu",
) -> Record:
    """Draw some trials of a cell and return their records, stacked; edges (n_blocks, bins + 1)."""
    draw = draw_trials(experiment, cell, trials, device)
    of_block = None if edges is None else dict(zip(cell.blocks, edges, strict=True))
    return measure(draw, experiment.record_shape(cell), experiment.measure.statistics, of_block)


def run_trial(
    experiment: Experiment,
    cell: Cell,
    trial: int,
    edges: Floats | None = None,
    device: str = "cpu",
) -> Record:
    """Draw one trial and return its record.

    A cell whose ``experiment.method`` is "structured" is drawn without samples.

    Parameters
    ----------
    experiment, cell, trial
        They name the random streams.
    edges : array, shape (n_blocks, bins + 1), optional
        Histogram edges of each block of the cell, see `pilot_edges`; needed if histograms are measured.
    device : str
        Which kernels compute.

    Returns
    -------
    dict of arrays
        As laid out by ``experiment.schema(cell)``.
    """
    with single_blas_thread:
        stacked = run_trials(experiment, cell, [trial], edges, device)
    return {name: values[0] for name, values in stacked.items()}
