"""Monte Carlo: draw a trial, measure its blocks, and run all trials of an experiment into a store.

A trial is named by (seed, cell, trial) alone, and BLAS runs on one thread: the records are the same bits
for any number of workers and after any interruption.
"""

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import draws, kernels
from .cells import Cell
from .executors import default_workers, ordered_map
from .experiment import Experiment
from .models import HiddenModel, LinearModel
from .streams import PILOT_TRIALS

Record = dict[str, NDArray]

REPRESENTATIVES = {
    "ww_diag": (("w", 0), ("w", 0)),
    "ww_off": (("w", 0), ("w", 1)),
    "vv_diag": (("v", 0), ("v", 0)),
    "vv_off": (("v", 0), ("v", 1)),
}
"""The block that stands for each kind: within a kind all blocks have one distribution."""

PILOT_MARGIN = 0.25
"""How far the histogram reaches beyond the pilot trials' extremes, as a part of their width."""


class Batch(NamedTuple):
    """Finished trials of one cell, in order."""

    cell: int
    trials: tuple[int, ...]
    records: list[Record]


def draw_model(experiment: Experiment, cell: Cell, trial: int, device: str = "cpu") -> LinearModel | HiddenModel:
    """Return the model of a trial, with its parameters drawn."""
    ops = kernels.load(device)
    W, V = draws.parameters(ops, experiment, cell, trial, experiment.measure.precision)
    if W is None:
        return LinearModel(V, cell.loss, device=device)
    return HiddenModel(W, V, cell.loss, device=device)


def block_scale(model: LinearModel | HiddenModel, block: str) -> float:
    """Return the natural unit of a block: S_ij = (V^T V)_ij for the W-layer under mse, 1 otherwise."""
    if model.loss == "mse" and block.startswith("ww"):
        (_, i), (_, j) = REPRESENTATIVES[block]
        return float(np.dot(model.V[:, i].astype(np.float64), model.V[:, j]))
    return 1.0


def run_trial(
    experiment: Experiment,
    cell: Cell,
    trial: int,
    edges: NDArray[np.float64] | None = None,
    device: str = "cpu",
) -> Record:
    """Draw one trial and return its record.

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
    ops = kernels.load(device)
    model = draw_model(experiment, cell, trial, device)
    X = draws.inputs(ops, experiment, cell, trial, experiment.measure.precision)
    record = {name: np.zeros(field.shape, field.dtype) for name, field in experiment.schema(cell).items()}
    for k, block in enumerate(cell.blocks):
        record["scale"][k] = block_scale(model, block)
        _measure_block(record, k, block, model.block(X, *REPRESENTATIVES[block]), edges, model.kernels)
    if "masses" in record:
        y = draws.labels(ops, experiment, cell, trial) if "wv" in cell.parts else None
        masses = model.total_masses(X, y)
        record["masses"][:] = [masses[part] for part in cell.parts]
    return record


def _measure_block(record, k, block, H, edges, ops) -> None:  # type: ignore[no-untyped-def]
    """Fill row k of the record with the spectral statistics of H."""
    diagonal, off = ops.tridiagonal(H)
    if "moments" in record:
        record["moments"][k] = ops.moments(diagonal, off)
    if "extremes" in record:
        record["extremes"][k] = ops.extremes(diagonal, off)
    if "histogram" in record:
        scale = record["scale"][k]
        counts = ops.histogram(diagonal / scale, off / scale, edges[k])
        record["histogram"][k] = counts[1:-1]
        record["outside"][k] = counts[0], counts[-1]
    if f"eigenvalues_{block}" in record:
        record[f"eigenvalues_{block}"][:] = ops.eigenvalues(H)


# Histogram edges -----------------------------------------------------------------------------------


def pilot_edges(experiment: Experiment, cell: Cell, device: str = "cpu") -> NDArray[np.float64]:
    """Return histogram edges for each block of a cell, shape (n_blocks, bins + 1), in units of `scale`.

    They cover the extremes of a few pilot trials, which are not counted, with a margin; a range given in
    the experiment takes precedence.
    """
    measure = experiment.measure
    edges = np.empty((len(cell.blocks), measure.bins + 1))
    given = dict(measure.range)
    if set(cell.blocks) - set(given):
        low, high = _pilot_extremes(experiment, cell, device)
    for k, block in enumerate(cell.blocks):
        if block in given:
            edges[k] = np.linspace(*given[block], measure.bins + 1)
        else:
            edges[k] = _covering_edges(low[k], high[k], measure.bins)
    return edges


def _pilot_extremes(experiment: Experiment, cell: Cell, device: str) -> tuple[NDArray, NDArray]:
    ops = kernels.load(device)
    extremes = np.empty((len(PILOT_TRIALS), len(cell.blocks), 2))
    for row, trial in zip(extremes, PILOT_TRIALS, strict=True):
        model = draw_model(experiment, cell, trial, device)
        X = draws.inputs(ops, experiment, cell, trial, experiment.measure.precision)
        for k, block in enumerate(cell.blocks):
            H = model.block(X, *REPRESENTATIVES[block])
            row[k] = np.sort(ops.extremes(*ops.tridiagonal(H)) / block_scale(model, block))
    return extremes[:, :, 0].min(axis=0), extremes[:, :, 1].max(axis=0)


def _covering_edges(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """Return equal bins over [low, high] and a margin.

    The width is rounded up to two digits, so that devices that differ in the last bit share their edges,
    and zero, where it is in range, lies in the middle of a bin: rounding cannot split an atom there.
    """
    margin = PILOT_MARGIN * (high - low) or 0.5 * max(1.0, abs(high))
    width = _round_up((high - low + 2 * margin) / (bins - 1) if bins > 1 else 2 * margin)
    first = np.floor((low - margin) / width + 0.5) - 0.5
    return width * (first + np.arange(bins + 1))


def _round_up(value: float, digits: int = 2) -> float:
    unit = 10.0 ** (np.floor(np.log10(value)) - digits + 1)
    return float(np.ceil(value / unit) * unit)
